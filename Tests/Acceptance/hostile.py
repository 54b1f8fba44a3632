"""Message bodies that a broken or hostile program might send, with their AMQP properties, made by chance from a seed.

Each is of a named class. `reasons` are those under which it must be refused; None where the contract leaves it open,
so that it may be taken or refused, but must be answered all the same.
"""
import copy
import gzip
import json
import random
import zlib
from dataclasses import dataclass, field
from decimal import Decimal

from bulletins import bulletin

SEED = 20261124
LIMIT = 262_144
REASONS = {"malformed-json", "too-large", "unsupported-encoding", "schema", "unknown-region", "retired-region", "unknown-field",
           "unknown-publisher", "publisher-mismatch", "out-of-scope", "expired", "stale-revision"}
NO_JSON, NO_BULLETIN, NO_ENCODING = {"malformed-json"}, {"schema"}, {"unsupported-encoding"}
# Where a reader may say either: it is JSON by its grammar, and beyond what readers have to take.
EITHER = NO_JSON | NO_BULLETIN
TIME = "2026-11-23T10:15:00+07:00"


@dataclass
class Hostile:
    kind: str
    body: bytes
    reasons: set | None = None
    properties: dict = field(default_factory=dict)

    def __post_init__(self):
        # Size comes before all else: a body over the limit is not even held.
        if len(self.body) > LIMIT:
            self.reasons = {"too-large"}

    @property
    def expected(self):
        return "any" if self.reasons is None else "refused"


MAKERS = {}


def maker(make):
    """A class by the name of the function, which returns the body and, where they matter, reasons and properties."""
    MAKERS[make.__name__] = make
    return make


def hostile(count=10_000, seed=SEED):
    """So many of them, the classes in turn; those about the size limit, which are large, come more rarely."""
    rng = random.Random(seed)
    kinds = [kind for kind in MAKERS if kind != "size_limit"]
    for number in range(count):
        kind = "size_limit" if number % 250 == 249 else kinds[number % len(kinds)]
        made = MAKERS[kind](rng, full(rng, number))
        body, reasons, properties = made if isinstance(made, tuple) else (made, None, {})
        yield Hostile(kind, body, reasons, properties)


# A good bulletin with every member there is.

def full(rng, number):
    made = bulletin(
        id=f"musuh-{number}", revision=1, status="published", title="Uji “pengumuman” 🛕", summary="Ringkas",
        body="Isi *é* 漢字.\n",
        note="Catatan", language="id", urgency="important", issuedAt=TIME, effectiveAt=TIME, link="https://a.example/é",
        legalBasis=["UU 27/2022", "PP 1"], attachments=[{"title": "Surat", "url": "https://a.example/s",
                                                         "type": "application/pdf", "length": 12}],
        contact={"name": "Humas", "phone": "+62 751 555", "email": "humas@a.example"},
        event={"name": "Rapat", "startsAt": TIME, "endsAt": TIME, "place": "Balai"},
        alert={"event": "Banjir", "urgency": "Immediate", "severity": "Severe", "certainty": "Likely", "level": "siaga",
               "instruction": "Naik", "identifier": "2.49.0"})
    made["x-sumber"] = {"nama": "uji", "daftar": [1, 2.5, None]}
    if rng.random() < 0.3:
        made |= {"kind": "proposal", "proposal": {
            "state": "submitted", "stage": "village", "number": "1/2026", "addressedTo": "desa.35.07", "beneficiaries": 5,
            "estimatedCost": {"currency": "IDR", "amount": 1000.5}}}
    return made


def encoded(value, escaped=False):
    return json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")


# Members whose text may hold nothing that is not of one line, by their path; those of `CODES` have reasons of their own.
LINES = [("title",), ("summary",), ("note",), ("legalBasis", 0), ("attachments", 0, "title"), ("contact", "name"),
         ("contact", "phone"),
         ("event", "name"), ("event", "place"), ("alert", "event"), ("alert", "instruction"), ("alert", "identifier")]
FORMS = [("id",), ("publisher",), ("kind",), ("status",), ("urgency",), ("language",), ("issuedAt",), ("link",),
         ("attachments", 0, "url"),
         ("attachments", 0, "type"), ("contact", "email"), ("event", "startsAt"), ("alert", "urgency"), ("alert", "level")]
CODES = {("regions", 0): {"unknown-region", "schema"}, ("fields", 0): {"unknown-field", "schema"}}
TEXTS = [*LINES, *FORMS, *CODES, ("body",), ("x-sumber", "nama")]


def at(value, path):
    for step in path:
        value = value[step]
    return value


def put(value, path, new):
    at(value, path[:-1])[path[-1]] = new
    return value


def with_text(made, path, text):
    """The bulletin with a text somewhere within a member's."""
    old = at(made, path)
    return put(made, path, old[:1] + text + old[1:])


def raw(made, path, token):
    """The bulletin's JSON with something that `json` would not write in the place of a value."""
    return encoded(put(made, path, "@")).replace(b'"@"', token, 1)


# What is no UTF-8.

@maker
def truncated_utf8(rng, made):
    whole = rng.choice(["é", "漢", "🛕"]).encode()
    part = whole[:rng.randrange(1, len(whole))]
    body = raw(made, rng.choice(TEXTS), b'"a' + part + rng.choice([b"", b"b", whole]) + b'"')
    if rng.random() < 0.3:
        body = body[:body.index(part) + len(part)]
    return body, NO_JSON, {}


@maker
def broken_utf8(rng, made):
    wrong = rng.choice([
        b"\xc0\xaf", b"\xc1\x81", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xed\xa0\x80", b"\xed\xbf\xbf",
        b"\xed\xa0\x81\xed\xb0\x80",
        b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"\x80", b"\xbf\xbf", b"\xfe", b"\xff",
        b"\xc0\x80"])
    if rng.random() < 0.2:
        return encoded(made).replace(b'"title"', b'"ti' + wrong + b'tle"'), NO_JSON, {}
    return raw(made, rng.choice(TEXTS), b'"a' + wrong + b'"'), NO_JSON, {}


@maker
def other_unicode(rng, made):
    text = json.dumps(made, ensure_ascii=False)
    coding = rng.choice(["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-7"])
    if coding == "utf-7":
        return b"\xef\xbb\xbf" * rng.randint(1, 3) + text.encode() + b"\xef\xbb\xbf", NO_JSON, {}
    return text.encode(coding), NO_JSON, {"content_type": rng.choice([None, "application/json",
                                                                      f"application/json; charset={coding}"])}


@maker
def escaped_surrogates(rng, made):
    half = rng.choice([rb"\ud800", rb"\udbff", rb"\udc00", rb"\uDFFF", rb"\udc00\ud800", rb"\ud83d\ud83d", rb"\ud83dx",
                       rb"\ud83d\u0041",
                       rb"\ud83d\\udc00", rb"\ud83d\n"])
    if rng.random() < 0.2:
        return encoded(made).replace(b'"x-sumber"', b'"x-' + half + b'"'), NO_JSON, {}
    return raw(made, rng.choice(TEXTS), b'"a' + half + b'"'), NO_JSON, {}


# What is no JSON, or strains those who read it.

@maker
def truncated_json(rng, made):
    body = encoded(made, escaped=rng.random() < 0.5)
    return body[:rng.randrange(1, len(body))], NO_JSON, {}


@maker
def nested(rng, made):
    depth = int(10 ** rng.uniform(1, 5))
    opening, closing = rng.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'[{"":', b"}]"), (b" [ ", b" ] "), (b'[0,', b"]")])
    value = opening * depth + b"0" + closing * depth
    where = rng.randrange(4)
    if where == 0:
        return value[:rng.randrange(1, len(opening) * depth + 1)], NO_JSON, {}
    if where == 1:
        return value, EITHER, {}
    if where == 2:
        return raw(made, rng.choice([("title",), ("regions",), ("contact",), ("event", "name")]), value), EITHER, {}
    return raw(made, ("x-sumber",), value)


NO_NUMBERS = [b"01", b"-01", b"00", b"1.", b"+1", b".5", b"-", b"--1", b"1e", b"1e+", b"1.e5", b"0x10", b"1_000", b"NaN",
              b"-NaN", b"Infinity",
              b"-Infinity", b"nan", b"1 0", b"1f", b"\xd9\xa3", b"\xef\xbc\x91", b"1n", b"1.5.5", b"0b1", b"1e5e5", b"- 1"]
NO_REVISIONS = [b"-0", b"0", b"-1", b"0.5", b"1.0000001", b"1e-400", b"-0.0e9", b"2147483648", b"4294967297",
                b"9223372036854775808",
                b"18446744073709551617", b"99999999999999999999", b"-99999999999999999999", b"1e20", b"1e999", b"-1e999",
                b"1e400",
                b"1" * 400, b"0." + b"1" * 400, b"1e99999999999999999999", b"9007199254740993", b"1" + b"0" * 5000]
GOOD_REVISIONS = [b"1.0", b"1e0", b"10e-1", b"100E-2", b"0.1e1", b"2147483647", b"1.000"]
NUMBERS = [("revision",), ("attachments", 0, "length"), ("x-sumber", "daftar", 0)]


@maker
def numbers(rng, made):
    which = rng.randrange(4)
    if which == 0:
        return raw(made, rng.choice(NUMBERS), rng.choice(NO_NUMBERS)), NO_JSON, {}
    if which == 1:
        return raw(made, ("revision",), rng.choice(NO_REVISIONS)), EITHER, {}
    if which == 2:
        return raw(made, rng.choice(NUMBERS[1:]), rng.choice(NO_REVISIONS))
    return raw(made, rng.choice(NUMBERS), rng.choice(GOOD_REVISIONS))


def spelled(rng, name):
    """The name as a JSON string, some letters of it escaped."""
    return b'"' + b"".join(rb"\u%04x" % ord(c) if rng.random() < 0.4 else c.encode() for c in name) + b'"'


@maker
def duplicate_keys(rng, made):
    path = rng.choice([(), (), ("contact",), ("attachments", 0), ("event",), ("alert",), ("x-sumber",)])
    place = at(made, path)
    name = rng.choice(list(place))
    again = encoded(place[name] if rng.random() < 0.5 else rng.choice([None, 1, "lain", [], {}]))
    times = rng.choice([1, 1, 1, 2, 50])
    more = b"".join(b"," + spelled(rng, name) + b":" + again for _ in range(times))
    whole = encoded(place)[:-1] + more + b"}"
    return raw(made, path, whole) if path else whole, EITHER, {}


@maker
def random_bytes(rng, made):
    alphabet = rng.choice([bytes(range(256)), b'{}[]",:\\ \t\n0123456789truefalsn', bytes(range(0x20)),
                           bytes(range(0x80, 0x100))])
    return bytes(rng.choices(alphabet, k=int(10 ** rng.uniform(0, 4)))), EITHER, {}


@maker
def flipped_bits(rng, made):
    body = bytearray(encoded(made, escaped=rng.random() < 0.5))
    for _ in range(rng.choice([1, 1, 1, 2, 8])):
        body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    return bytes(body)


@maker
def nothing(rng, made):
    space = bytes(rng.choices(b" \t\r\n", k=rng.randrange(40)))
    if rng.random() < 0.5:
        return space, NO_JSON, {"content_type": rng.choice([None, "application/json", "application/cloudevents+json"])}
    scalar = rng.choice([b"null", b"true", b"false", b"0", b"-0.0", b'""', b'"a"', b"[]", b"{}", b"[{}]", b'{"":{}}', b"[[]]",
                         b"1e5"])
    return space + scalar + space, NO_BULLETIN, {}


# Characters that do harm further on.

@maker
def nul(rng, made):
    which = rng.randrange(5)
    if which == 0:
        return raw(made, rng.choice(TEXTS), b'"a\0b"'), NO_JSON, {}
    if which == 1:
        return rng.choice([b"\0" + encoded(made), encoded(made) + b"\0", encoded(made).replace(b",", b",\0", 1)]), NO_JSON, {}
    if which == 2:
        return encoded(made).replace(b'"title"', rng.choice([rb'"title\u0000"', rb'"\u0000"',
                                                             rb'"ti\u0000tle"'])), NO_BULLETIN, {}
    path = rng.choice(TEXTS)
    return encoded(with_text(made, path, "\0" * rng.choice([1, 1, 9]))), reasons_of(path), {}


def reasons_of(path, of_body=NO_BULLETIN):
    """Under which a text that its member forbids is refused; None where nothing is forbidden."""
    if path[0].startswith("x-"):
        return None
    return of_body if path == ("body",) else CODES.get(path, NO_BULLETIN)


CONTROLS = [chr(n) for n in (*range(1, 9), 11, 12, *range(14, 32), *range(127, 160))]
BREAKS = ["\t", "\n", "\r", "\r\n"]
TRICKY = ["\u202e", "\u2066", "\u2069", "\u200b", "\u200f", "\u2028", "\u2029", "\ufeff", "\ufffe", "\uffff", "\ufdd0",
          "\U000e0001",
          "\u0301" * 50, "\u0e33", "\U0010ffff", "\u180e", "\u3164", "\u1160", "\ufff9"]


@maker
def control_characters(rng, made):
    path, which = rng.choice(TEXTS), rng.random()
    if which < 0.3:
        character = rng.choice([c for c in CONTROLS + BREAKS if ord(c[0]) < 0x20])
        return raw(made, path, b'"a' + character.encode() + b'"'), NO_JSON, {}
    if which < 0.6:
        return encoded(with_text(made, path, rng.choice(CONTROLS)), rng.random() < 0.5), reasons_of(path), {}
    if which < 0.8:
        return encoded(with_text(made, path, rng.choice(BREAKS))), reasons_of(path, of_body=None), {}
    open_to = [*LINES, ("body",), ("link",), ("x-sumber", "nama"), ("contact", "email")]
    path = rng.choice(TEXTS)
    return encoded(with_text(made, path, rng.choice(TRICKY)),
                   rng.random() < 0.5), None if path in open_to else reasons_of(path), {}


@maker
def header_injection(rng, made):
    path = rng.choice([("title",), ("id",), ("publisher",), ("contact", "name"), ("contact", "email"), ("contact", "phone"),
                       ("link",),
                       ("language",), ("attachments", 0, "title"), ("attachments", 0, "type"), ("event", "place"),
                       ("alert", "event")])
    line = rng.choice(["\r\n", "\n", "\r", "\r\n\r\n", "\n."]) + rng.choice(
        ["Bcc: semua@b.example", "Content-Type: text/html", "RCPT TO:<a@b.example>", ".\r\nMAIL FROM:<>", "Set-Cookie: a=b",
         "<script>"])
    if rng.random() < 0.2:
        return raw(made, path, b'"a' + line.encode() + b'"'), NO_JSON, {}
    carried = {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01" + line, "x-baris": line, "ce-subject": line}
    return encoded(put(made, path, at(made, path) + line)), NO_BULLETIN, {"headers": carried}


# Members that are not as they should be.

WRONG = [None, True, False, 0, 1, 1.5, -1, "", "@@", " ", [], [[]], [None], {}, {"a": 1}, {"": ""}]
TYPES = {
    ("legalBasis",): list, ("attachments",): list, ("contact",): dict, ("event",): dict, ("alert",): dict,
    ("attachments", 0): dict,
    ("regions",): list, ("fields",): list, ("revision",): int, ("attachments", 0, "length"): int, ("body",): str,
    **{path: str for path in [*LINES, *FORMS]}}


@maker
def wrong_types(rng, made):
    path = rng.choice(list(TYPES))
    wrong = [value for value in WRONG if not isinstance(value, TYPES[path]) or isinstance(value, bool)]
    return encoded(put(made, path, rng.choice(wrong))), NO_BULLETIN, {}


@maker
def wrong_proposals(rng, made):
    proposal = {"state": "submitted", "estimatedCost": {"currency": "IDR", "amount": 1}}
    wrong = rng.choice([
        {"state": rng.choice(WRONG)}, {"stage": rng.choice(WRONG)}, {"number": rng.choice([None, 5, [], {}])},
        {"addressedTo": "Desa/1"},
        {"beneficiaries": rng.choice([-1, 1.5, "5", None, 2**53])}, {"estimatedCost": rng.choice(WRONG)},
        {"estimatedCost": {"currency": rng.choice(["idr", "IDRX", "", None, 1, "ID\0"]), "amount": 1}},
        {"estimatedCost": {"currency": "IDR", "amount": rng.choice([-1, "1", None, True, [], -0.5])}}, {"status": "submitted"},
        {"estimatedCost": {"currency": "IDR"}}, {"estimatedCost": {"amount": 1}}, {"x-a": 1}])
    made |= {"kind": "proposal", "proposal": proposal | wrong}
    if rng.random() < 0.2:
        made["proposal"] = rng.choice(WRONG)
    elif rng.random() < 0.2:
        made |= {"proposal": proposal, "inReplyTo": rng.choice(["uji/1", "uji", 5, "uji/", "/", "uji/1/2"])}
    return encoded(made), NO_BULLETIN, {}


@maker
def missing_members(rng, made):
    places = [("attachments", 0, "title"), ("attachments", 0, "url"), ("attachments", 0, "type"), ("alert", "event"),
                   ("event", "startsAt")]
    if rng.random() < 0.3:
        path = rng.choice(places)
        del at(made, path[:-1])[path[-1]]
        return encoded(made), NO_BULLETIN, {}
    for name in rng.sample(["id", "kind", "publisher", "title", "regions", "fields", "body"], rng.choice([1, 1, 1, 2, 7])):
        del made[name]
    return encoded(made), NO_BULLETIN, {}


@maker
def unknown_members(rng, made):
    name = rng.choice(["X-a", "x", "", "x_a", "Title", "title ", " title", "ti\u200btle", "__proto__", "constructor", "$schema",
                       "judul",
                       "ｔitle", "id\u0301", "x\u2010a", "/", "~", "a/b~c", "\u0301x-a", "тitle", "x‐a", "user_id", "null"])
    if rng.random() < 0.6:
        items = list(made.items())
        items.insert(rng.randrange(len(items) + 1), (name, rng.choice(WRONG)))
        return encoded(dict(items)), NO_BULLETIN, {}
    path = rng.choice([("contact",), ("attachments", 0), ("event",), ("alert",)])
    at(made, path)[rng.choice([name, "x-a", "id"])] = rng.choice(WRONG)
    return encoded(made), NO_BULLETIN, {}


NO_TIMES = ["2026-02-30T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z", "10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z",
            "+2026-01-01T00:00:00Z",
            "2026-01-01T24:00:00Z", "2026-01-01T23:60:00Z", "2026-01-01T23:59:61Z", "2026-01-01T00:00:00+99:99",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+07:60", "2026-01-01T00:00:00+7:00", "2026-01-01T00:00:00+0700", "2026-01-01T00:00:00",
            "2026-01-01",
            "2026-01-01 00:00:00Z", "2026-01-01T00:00Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00.Z",
            "2026-W01-1T00:00:00Z",
            "2026-1-1T0:0:0Z", "20260101T000000Z", "1764000000", "now", "", " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z ",
            "2026-01-01T00:00:00ZZ", "２０２６-01-01T00:00:00Z", "2026-01-01T00:00:00\u221207:00",
            "2026-01-01T00:00:00Z[Asia/Jakarta]",
            "2026-01-01T00:00:00." + "1" * 3000, "Mon, 23 Nov 2026 10:15:00 +0700"]
ODD_TIMES = ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00+23:59", "0001-01-01T00:00:00-23:59", "9999-12-31T23:59:60-23:59",
             "2024-06-30T23:59:60Z", "2026-01-31t00:00:00.123456z", "2026-01-01T00:00:00-00:00",
             "9999-12-31T23:59:59.999999999Z",
             "2026-01-01T00:00:00." + "9" * 3000 + "Z"]
NO_DAYS = ["2026-02-30", "2026-02-29", "10000-01-01", "2026-13-01", "2026-1-1", "20260101", "2026-01-01T00:00:00Z", "",
           "2026-01-01 ", "0000-00-00"]


@maker
def dates(rng, made):
    if rng.random() < 0.2:
        made["event"] = {"startsOn": rng.choice(NO_DAYS), "name": "a"}
        return encoded(made), NO_BULLETIN, {}
    path = rng.choice([("issuedAt",), ("publishAt",), ("effectiveAt",), ("expiresAt",), ("event", "startsAt"),
                       ("event", "endsAt")])
    if rng.random() < 0.75:
        return encoded(put(made, path, rng.choice(NO_TIMES))), NO_BULLETIN, {}
    return encoded(put(made, path, rng.choice(ODD_TIMES)))


NO_REGIONS = ["id", "Id", "7371", "73.7", "73.", ".73", "73..71", "73.71.", "73.71.01.1001.1", "00", "97", "99.99", "-1",
              "73.71.99", " 73", "73 ",
              "７３", "73\u200b", "*", "%", "73.71%", "' OR 1=1 --", "../73", "ID.73", "null", "73,71", "7" * 64, "73.71.01.0000"]
NO_FIELDS = ["*", "Kesehatan", "kesehatan ", "kesehatan.", ".kesehatan", "kesehatan.stunting.balita", "kesehatan.*", "kesehata",
             "%", "",
             "k\u0301esehatan", "kesehatan\u200b", "' OR 1=1 --", "ID", "73", "null", "x" * 64]


@maker
def codes(rng, made):
    which = rng.randrange(4)
    if which == 0:
        made["regions"] = rng.sample(["73", "73.71", "ID", "35"], rng.randint(0, 3)) + [rng.choice(NO_REGIONS)]
        return encoded(made), {"unknown-region", "schema"}, {}
    if which == 1:
        made["fields"] = rng.sample(["desa", "pangan", "kesehatan"], rng.randint(0, 3)) + [rng.choice(NO_FIELDS)]
        return encoded(made), {"unknown-field", "schema"}, {}
    name = rng.choice(["regions", "fields"])
    made[name] = rng.choice([[], [made[name][0]] * 2, ["x" * 65], [""], ["73"] * 201, ["a" * n for n in range(1, 40)], [None],
                             [[made[name][0]]],
                             {"0": made[name][0]}, made[name][0]])
    return encoded(made), {"schema", "unknown-region", "unknown-field"}, {}


# Too much of something.

@maker
def size_limit(rng, made):
    size = rng.choice([LIMIT - 1, LIMIT, LIMIT, LIMIT + 1, LIMIT + 1, LIMIT + 1, LIMIT + rng.randrange(2, 300_000)])
    if rng.random() < 0.2:
        return b"{" * size, NO_JSON, {}
    made["x-isi"] = ""
    made["x-isi"] = "x" * (size - len(encoded(made)))
    return encoded(made)


@maker
def long_texts(rng, made):
    path, size = rng.choice(TEXTS), int(10 ** rng.uniform(3.5, 5.2))
    unit = rng.choice(["x", "é", "🛕", "\\", '"', "e\u0301", "<b>", "a "])
    text = (unit * (size // len(unit.encode()) + 1))
    open_to = path == ("body",) or path[0].startswith("x-")
    return encoded(put(made, path, text)), None if open_to else reasons_of(path), {}


@maker
def many_members(rng, made):
    count, which = int(10 ** rng.uniform(2.5, 4)), rng.randrange(4)
    if which == 0:
        return encoded(made | {f"{n:x}": n for n in range(count)}), NO_BULLETIN, {}
    if which == 1:
        return encoded(put(made, ("contact",), {f"k{n}": n for n in range(count)})), NO_BULLETIN, {}
    if which == 2:
        made["x-sumber"] = rng.choice([list(range(count)), {f"{n}": [] for n in range(count)}, [[]] * count, [{}] * count,
                                       [""] * count])
        return encoded(made)
    name = rng.choice(["regions", "fields", "legalBasis", "attachments"])
    value = {"regions": "73.71", "fields": "desa", "legalBasis": "UU"}.get(name, made["attachments"][0])
    made[name] = [value if name in ("legalBasis", "attachments") else f"{value}.{n}" for n in range(min(count, 2000))]
    return encoded(made), NO_BULLETIN, {}


# CloudEvents and properties that say one thing of what is another.

STRUCTURED = "application/cloudevents+json"
TYPE = "id.kentongan.announcement.v1"
NO_EVENT_TYPES = [None, "", "id.kentongan.announcement", "id.kentongan.announcement.v2", "ID.KENTONGAN.ANNOUNCEMENT.V1", "x",
                  "id.kentongan.receipt.accepted.v1", TYPE + " ", TYPE + "\u0301"]


def event(made, **attributes):
    made = copy.deepcopy(made)
    number = made.pop("id")
    publisher, kind = made.pop("publisher"), made.pop("kind")
    return {"specversion": "1.0", "type": f"id.kentongan.{kind}.v1", "source": f"https://a.example/{publisher}", "id": number,
            "data": made} | attributes


def without(members, *names):
    return {name: value for name, value in members.items() if name not in names}


@maker
def structured_events(rng, made):
    whole = event(made)
    untitled = without(whole["data"], "title")
    body, reasons = rng.choice([
        (whole | {"type": rng.choice(NO_EVENT_TYPES)}, NO_BULLETIN), (whole | {"type": 1}, NO_BULLETIN),
        (without(whole, "type"), NO_BULLETIN),
        (whole | {"specversion": rng.choice(["0.3", "1.1", "2.0", "", "1", "1.0 ", "v1.0"])}, NO_BULLETIN),
        (without(whole, "data"), NO_BULLETIN), (without(whole, "data") | {"data_base64": "e30="}, NO_BULLETIN),
        (whole | {"data": rng.choice([None, "", 1, [], [whole["data"]], encoded(whole["data"]).decode(), {}, untitled])},
         NO_BULLETIN),
        (whole | {"data": event(made)}, NO_BULLETIN), ([whole], NO_BULLETIN), ("ini", NO_BULLETIN), (made, NO_BULLETIN),
        ({}, NO_BULLETIN),
        (without(whole, "id"), NO_BULLETIN), (whole | {"id": rng.choice(["", " ", 5, None, "a/b", "é", "x" * 129])},
                                              NO_BULLETIN),
        (without(whole, "source"), NO_BULLETIN), (whole | {"source": rng.choice(["", "/", 5, None, "//", "é", "a b"])},
                                                  NO_BULLETIN),
        (whole | {"source": "https://a.example/uji.lain"}, {"publisher-mismatch"}),
        (whole | {"source": "https://a.example/siapa"}, {"unknown-publisher"}),
        (whole | {"specversion": rng.choice([1, 1.0, None, ["1.0"]])}, None), (without(whole, "specversion"), None),
        (whole | {"data_base64": "AAAA"}, None), (whole | {"datacontenttype": "text/xml", "dataschema": "x", "time": "kemarin",
                                                           "A-b": []}, None),
        (whole | {"type": "id.kentongan.proposal.v1", "data": whole["data"] | {"kind": "announcement"}}, None)])
    kind = rng.choice([STRUCTURED, STRUCTURED, STRUCTURED + "; charset=utf-8", "Application/CloudEvents+JSON"])
    if rng.random() < 0.1:
        return encoded([whole]), NO_ENCODING, {"content_type": "application/cloudevents-batch+json"}
    if rng.random() < 0.1:
        return encoded(whole), NO_BULLETIN, {"content_type": "application/json"}
    return encoded(body), reasons, {"content_type": kind}


@maker
def binary_events(rng, made):
    prefix = rng.choice(["cloudEvents:", "cloudEvents_", "ce-"])
    number = made.pop("id")
    attributes = {"specversion": "1.0", "type": f"id.kentongan.{made.pop('kind')}.v1",
                  "source": f"/unit/{made.pop('publisher')}", "id": number}
    attributes, reasons = rng.choice([
        (without(attributes, "type"), NO_BULLETIN), (without(attributes, "id"), NO_BULLETIN),
        (without(attributes, "source"), NO_BULLETIN),
        (without(attributes, "specversion", "type"), NO_BULLETIN), ({}, NO_BULLETIN), ({"specversion": "1.0"}, NO_BULLETIN),
        (attributes | {"type": rng.choice(NO_EVENT_TYPES[1:])}, NO_BULLETIN),
        (attributes | {"specversion": rng.choice(["0.3", "", "1", "1.0\n"])}, NO_BULLETIN),
        (attributes | {"id": rng.choice(["", "a/b", "é", "\r\n", "x" * 200])}, NO_BULLETIN),
        (attributes | {"source": rng.choice(["", "/", "é", "/a b"])}, NO_BULLETIN),
        (attributes | {"source": "/uji.lain"}, {"publisher-mismatch"}),
        (attributes | {"id": 5}, NO_BULLETIN), (attributes | {"type": [TYPE]}, NO_BULLETIN),
        (attributes | {"id": b"\xff\xfe"}, NO_BULLETIN),
        (without(attributes, "specversion"), None), (attributes | {"specversion": 1}, None),
        (attributes | {"datacontenttype": "text/xml"}, None)])
    headers = {prefix + name: value for name, value in attributes.items()}
    if rng.random() < 0.1:
        # Said twice, in two ways.
        headers |= {"ce-id": "satu", "cloudEvents:id": "dua"}
        reasons = None
    return encoded(made), reasons, {"headers": headers}


NO_TYPES_OF_CONTENT = ["text/plain", "application/xml", "application/octet-stream", "text/json", "application/x-json",
                       "application/jsonx",
                       "application/ld+json", "application/vnd.api+json", "application/cloudevents",
                       "application/cloudevents-batch+json",
                       "application/x-python-serialize", "application/msgpack", "multipart/form-data; boundary=a", "*/*",
                       "json", "/",
                       "application/json/x", "application/json,text/plain", "\u202eapplication/json", "x" * 250]
NO_ENCODINGS = ["gzip", "deflate", "br", "zstd", "compress", "x-gzip", "GZIP", "base64", "utf-16", "iso-8859-1",
                "gzip, identity", "identity, gzip", "é"]


@maker
def contents(rng, made):
    which, body = rng.randrange(5), encoded(made)
    if which == 0:
        return body, NO_ENCODING, {"content_type": rng.choice(NO_TYPES_OF_CONTENT)}
    if which == 1:
        return body, NO_ENCODING, {"content_encoding": rng.choice(NO_ENCODINGS)}
    squeezed = rng.choice([BOMB, gzip.compress(body), zlib.compress(body)])
    if which == 2:
        return squeezed, NO_ENCODING, {"content_encoding": rng.choice(["gzip", "deflate", "GZip"])}
    if which == 3:
        return squeezed, NO_JSON, {"content_encoding": rng.choice([None, "", "identity", "utf-8"])}
    return body, None, {
        "content_type": rng.choice(["", ";", "application/json;", "APPLICATION/JSON; charset=\"utf-8\"; a=b",
                                    "application/json; charset=latin1"]),
        "content_encoding": rng.choice([None, "", "UTF-8", "identity"])}


BOMB = gzip.compress(b'{"a":"' + b" " * 20_000_000 + b'"}')
ODD_HEADERS = [
    {"x-angka": -1, "x-besar": 2**63 - 1, "x-pecahan": Decimal("1.5"), "x-ya": True, "x-nihil": None}, {"": ""}, {"é": "ü"},
    {"x" * 128: "y" * 5000},
    {"x-tabel": {"a": {"b": [1, {"c": []}]}}, "x-daftar": [[[[]]]]}, {"x-biner": b"\xff\x00\xfe"}, {"traceparent": "x" * 1000},
    {"traceparent": ["00"]}, {"x-kentongan-reason": "palsu", "x-kentongan-errors": "[]"}, {"x-death": [{"count": 99}]},
    {"x-delivery-count": 99},
    {f"h-{n}": "nilai" for n in range(500)}, {"x-panjang": "z" * 60_000},
    {"ce-": "", "cloudEvents:": "", "ce-a": "", "ce-dataschema": "\0"},
    {"x-nul": "a\0b", "x-\0": "c"}]


@maker
def odd_headers(rng, made):
    headers = dict(rng.choice(ODD_HEADERS))
    if rng.random() < 0.5:
        return encoded(made), None, {"headers": headers}
    return encoded(without(made, "title")), NO_BULLETIN, {"headers": headers}

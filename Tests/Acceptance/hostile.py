"""Messages that no publisher in its right mind would send: ten thousand, the same in each run."""
import json
import random
from dataclasses import dataclass, field

from bulletins import bulletin

JSON = "application/json"
EVENTS = "application/cloudevents+json"


@dataclass
class Message:
    kind: str
    body: bytes
    content_type: str = JSON
    content_encoding: str | None = None
    headers: dict = field(default_factory=dict)
    # None where it may be taken as well.
    reasons: set | None = None


def good(**members):
    return json.dumps(bulletin(**members), ensure_ascii=False).encode()


def truncated(rng):
    body = good(body="Banjir di Bantaran Sungai – waspada ⚠️")
    return Message("truncated", body[:rng.randrange(len(body))], reasons={"malformed-json"})


def broken_utf8(rng):
    bad = rng.choice([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80", b"\xf0\x9f\x9b"])
    return Message("broken UTF-8", good(body="AWAS").replace(b"AWAS", b"AW" + bad + b"AS"), reasons={"malformed-json"})


def surrogates(rng):
    bad = rng.choice([b"\\ud800", b"\\udc00", b"\\udc00\\ud800", b"\\ud83d x", b"\\ud8", b"\\uZZZZ"])
    return Message("surrogates", good(title="AWAS").replace(b"AWAS", bad), reasons={"malformed-json"})


def deep(rng):
    depth = rng.choice([33, 100, 1000, 10_000])
    opening, closing = rng.choice([(b"[", b"]"), (b'{"a":', b"}")])
    nested = opening * depth + b"1" + (closing * depth if rng.random() < 0.5 else b"")
    body = good()[:-1] + b',"x-dalam":' + nested + b"}"
    return Message("deep", rng.choice([body, nested]), reasons={"malformed-json"})


def numbers(rng):
    number = rng.choice([b"1e999", b"-1", b"0", b"01", b"1.5", b"NaN", b"Infinity", b"-", b"1e", b"99999999999999999999",
                         b"0x10", b"+1", b".5", b"9" * 200, b"2147483648"])
    return Message("numbers", good()[:-1] + b',"revision":' + number + b"}", reasons={"malformed-json", "schema"})


def duplicate_keys(rng):
    again = rng.choice([b'"id":"lain"', b'"\\u0069d":"lain"', b'"publisher":"uji.lain"', b'"contact":{"name":"a","name":"b"}',
                        b'"regions":["11"]', b'"x-a":1,"x-a":2'])
    return Message("duplicate keys", good()[:-1] + b"," + again + b"}", reasons={"malformed-json"})


def controls(rng):
    member = rng.choice(["title", "id", "link", "summary", "note"])
    bad = rng.choice(["\0", "\r\nBcc: a@b", "\x1b[31m", "\x7f", "\u0085", "\n"])
    return Message("controls", good(**{member: "a" + bad + "b"}), reasons={"schema"})


def raw_controls(rng):
    bad = bytes([rng.randrange(0x20)])
    return Message("raw controls", good(title="AWAS").replace(b"AWAS", bad), reasons={"malformed-json"})


def wrong_types(rng):
    member = rng.choice(["id", "kind", "publisher", "title", "body", "regions", "fields", "issuedAt", "attachments", "contact",
                         "alert", "event", "legalBasis", "link", "revision", "status", "urgency", "language", "inReplyTo"])
    value = rng.choice([None, True, 1.5, {}, [[]], [None], {"a": {}}, -7])
    body = json.loads(good()) | {member: value}
    # A publisher that cannot be read has no registration to be checked against.
    return Message("wrong types", json.dumps(body).encode(), reasons={"schema"})


def missing(rng):
    body = json.loads(good())
    del body[rng.choice(["id", "kind", "publisher", "title", "body", "regions", "fields"])]
    return Message("missing", json.dumps(body).encode(), reasons={"schema"})


def dates(rng):
    date = rng.choice(["2026-02-30T10:00:00+07:00", "2026-13-01T10:00:00Z", "10000-01-01T00:00:00Z", "2026-11-23T10:00:00",
                       "2026-11-23T24:00:00Z", "2026-11-23T10:00:00+99:99", "kemarin", "", "2026-11-23 10:00:00Z", "２０２６-11-23T10:00:00Z"])
    return Message("dates", good(**{rng.choice(["issuedAt", "publishAt", "expiresAt"]): date}), reasons={"schema"})


def codes(rng):
    change = rng.choice([{"regions": ["99"]}, {"regions": ["7371"]}, {"regions": ["73.71", "73.71"]}, {"regions": []},
                         {"regions": ["73.71.01.1001.1"]}, {"fields": ["tiada"]}, {"fields": []}, {"regions": ["73.71\u0301"]},
                         {"fields": ["KESEHATAN"]}, {"regions": ["' OR 1=1 --"]}, {"regions": ["x" * 10_000]}])
    return Message("codes", good(**change), reasons={"schema", "unknown-region", "unknown-field"})


def unknown_members(rng):
    name = rng.choice(["Title", "tittle", "__proto__", "", "X-a", "constructor", "id "])
    return Message("unknown members", json.dumps(json.loads(good()) | {name: 1}).encode(), reasons={"schema"})


def many_members(rng):
    count = rng.choice([100, 1000, 8000])
    return Message("many members", json.dumps(json.loads(good()) | {f"m{n}": n for n in range(count)}).encode(), reasons={"schema"})


def long_texts(rng):
    member, length = rng.choice([("title", 201), ("summary", 501), ("note", 501), ("body", 65_537), ("id", 129), ("link", 5000)])
    return Message("long texts", good(**{member: "a" * length}), reasons={"schema"})


def too_large(rng):
    return Message("too large", good(**{"x-isi": "x" * (262_144 + rng.randrange(5000))}), reasons={"too-large"})


def not_objects(rng):
    body = rng.choice([b"null", b"[]", b'"a"', b"1", b"true", b"[{}]"])
    return Message("not objects", body, reasons={"schema"})


def encodings(rng):
    if rng.random() < 0.5:
        return Message("encodings", good(), content_encoding=rng.choice(["gzip", "br", "utf-16", "base64"]), reasons={"unsupported-encoding"})
    odd = rng.choice(["text/plain", "application/xml", "application/cloudevents-batch+json", "application/json+x", "; ;"])
    return Message("encodings", good(), odd, reasons={"unsupported-encoding"} if odd != "; ;" else None)


def structured_events(rng):
    event = {"specversion": "1.0", "id": "e", "source": "/uji", "type": "id.kentongan.announcement.v1", "data": json.loads(good())}
    change = rng.choice([{"specversion": "0.3"}, {"specversion": None}, {"specversion": 1}, {"type": "lain"}, {"type": None}, {"data": None},
                         {"data": "teks"}, {"data": []}, {"type": "id.kentongan.proposal.v1"}, {"data_base64": "e30=", "data": None}])
    event = {name: value for name, value in (event | change).items() if value is not None}
    return Message("structured events", json.dumps(event).encode(), EVENTS, reasons={"schema"})


def binary_events(rng):
    prefix = rng.choice(["ce-", "cloudEvents:", "cloudEvents_"])
    attributes = {"specversion": "1.0", "id": "e", "source": "/uji", "type": "id.kentongan.announcement.v1"}
    change = rng.choice([{"specversion": "2.0"}, {"specversion": ""}, {"type": "lain"}, {"type": "id.kentongan.proposal.v1"}, {"type": ""}])
    headers = {prefix + name: value for name, value in (attributes | change).items()}
    return Message("binary events", good(), headers=headers, reasons={"schema"})


def noise(rng):
    return Message("noise", rng.randbytes(rng.randrange(1, 3000)), reasons={"malformed-json"})


def flipped(rng):
    body = bytearray(good(body="Warga diminta waspada. " * 20))
    for _ in range(rng.choice([1, 2, 8])):
        body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    return Message("flipped bits", bytes(body))


def bidi(rng):
    return Message("bidi", good(title="Uji \u202e\u2066 " + rng.choice(["\u200d", "a\u0301" * 60, "\U000e0041"])))


CLASSES = [truncated, broken_utf8, surrogates, deep, numbers, duplicate_keys, controls, raw_controls, wrong_types, missing, dates, codes,
           unknown_members, many_members, long_texts, not_objects, encodings, structured_events, binary_events, noise, flipped, bidi]


def messages(count=10_000, seed=20261124):
    """So many, of all classes in turn; a few of them too large, since those are."""
    rng = random.Random(seed)
    return [too_large(rng) if n % 500 == 0 else CLASSES[n % len(CLASSES)](rng) for n in range(count)]

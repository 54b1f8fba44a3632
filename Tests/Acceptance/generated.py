"""Bulletins made by chance from a seed: good ones, and ones with something changed that may be wrong."""
import copy
import string

from bulletins import after

REGIONS = ["ID", "73", "73.71", "73.71.09", "35.07.26.2003", "52.03.15.2001", "95", "96.71"]
FIELDS = ["kesehatan", "kesehatan.stunting", "desa", "pangan", "kebencanaan.peringatan-dini", "sosial.bantuan"]
WORDS = ["warga", "“Ralat”", "e\u0301", "é", "🛕🏽", "漢字", "ꦗꦮ", "<b>", "&amp;", "]]>", "\"", "\\", "'", "\u00a0", "\u200d"]
TIMES = ["2026-11-23T10:15:00+07:00", "2024-02-29T23:59:60Z", "2026-01-31t00:00:00.123456z", "0001-01-01T00:00:00-23:59",
         "2000-02-29T00:00:00+00:00"]
DAYS = ["2026-12-07", "2024-02-29", "2000-02-29", "9999-12-31"]
URLS = ["https://a.example/b?c=d#e", "HTTP://a.example", "http://[2001:db8::1]/x", "https://a.example/日本", "https://a"]

# Values that are good in one place and wrong in another.
VALUES = [
    None, True, False, 0, 1, -1, 1.0, 1.5, -0.0, 1e3, 2**31 - 1, 2**31, 2**53 - 1, 2**53, 10**20, 0.1, "", " ", "a", "A",
    [], {}, [None], ["a"], ["a", "a"], [1], [[]], {"a": 1}, {"x-a": 1}, "id", "ID", "id-ID", "i", "en-", "zh-Hant-TW",
    "uji", "u", "Uji", "uji/1", "uji/a/b", "/", "uji/", "x" * 64, "x" * 65, "x" * 128, "x" * 129, "x" * 200, "x" * 201,
    "é" * 200, "é" * 201, "🛕" * 200, "x" * 500, "🛕" * 500, "x" * 501, "x" * 2000, "x" * 2001, "x" * 65536, "x" * 65537,
    "a\nb", "a\tb", "a\rb", "a\r\nb", "a\u0000b", "a\u001fb", "a\u007fb", "a\u0085b", "a\u009fb", "a\u00a0b", "a\n", "\n",
    "a\u2028b", "a\u200bb", "a\u202eb", "a\u2066b", "a\ufffeb", "a\U0001fffeb", "a\U0010ffffb", "a\U000e0041b", "\u00a0", "\u3000\u200d",
    ".", "..", "...", "uji/.", "uji/..", "a\u00a0@b.example", "a@b\u200d.example", "https://a\u2000b", "a\u200db", "a\ufeffb", "\ufffd", "e\u0301", "\u0301",
    *TIMES, *DAYS, "2026-02-29", "2026-02-29T00:00:00Z", "2100-02-29", "1900-02-29T00:00:00Z", "2026-04-31", "2026-13-01", "2026-00-10",
    "2026-11-23T24:00:00Z", "2026-11-23T10:60:00Z", "2026-11-23T10:15:61Z", "2026-11-23T10:15:00", "2026-11-23 10:15:00Z",
    "2026-11-23T10:15Z", "2026-11-23T10:15:00+0700", "2026-11-23T10:15:00+24:00", "2026-11-23T10:15:00.Z", "26-11-23",
    "2026-11-23T10:15:00Z\n", "2026-11-23\n", "２０２６-11-23", "2026-11-23T10:15:00,5Z",
    *URLS, "ftp://a.example", "https://", "https:///a", "https://?a", "//a.example", "https://a b", "https://a\"", "https://a\n",
    "javascript:alert(1)", "https://a.example/" + "x" * 2030, "https://a.example/" + "x" * 2031, "https://a.example/" + "é" * 2030,
    "a@b.example", "a@b", "a@@b.c", "a b@c.d", "a@b..c", "a@.b.c", "a@b.c.", "é@ü.example", "a@b.example\n", "<a@b.c>",
    "x" * 64 + "@b.example", "x" * 65 + "@b.example", "a@" + "b" * 251 + ".cde", "a@" + "b" * 252 + ".cde",
    # A combining accent joins the character before it, for those who count graphemes.
    "https://\u0301a", "a@\u0301b.example", "id-\u0301a", "uji/\u0301",
    "application/pdf", "text/html; charset=utf-8", "text", "a/b/c", "image/svg+xml", "IDR", "idr", "IDRX", "ＩＤＲ",
    "announcement", "proposal", "published", "withdrawn", "emergency", "Immediate", "immediate", "Severe", "Observed",
    "siaga", "submitted", "Submitted", "village", "kim/1", {"state": "submitted"}, {"event": "Banjir"}, {"email": "a@b.example"},
    {"startsOn": "2026-11-23"}, {"startsAt": "2026-11-23T10:15:00+07:00", "endsOn": "2026-11-23"},
    {"startsOn": "2026-11-23", "startsAt": "2026-11-23T10:15:00+07:00"}, {"currency": "IDR", "amount": 0},
]


def text(rng, most):
    """It begins with something to see: a blank line is refused."""
    made = " ".join([rng.choice(WORDS[:13]), *(rng.choice(WORDS) for _ in range(rng.randint(0, 11)))])
    return made[:most]


def maybe(rng, members):
    """About half of the members, each made only if it is taken."""
    return {name: make() for name, make in members.items() if rng.random() < 0.5}


def good(rng):
    """A bulletin that keeps every rule, with any of its optional members."""
    kind = rng.choice(["announcement", "announcement", "proposal"])
    made = {
        "id": "".join(rng.choices(string.ascii_letters + string.digits + "._:-", k=rng.randint(1, 128))),
        "kind": kind, "publisher": "uji", "title": text(rng, 200), "body": "\n\n".join(text(rng, 500) for _ in range(3)) + "\t\n",
        "regions": rng.sample(REGIONS, rng.randint(1, 4)), "fields": rng.sample(FIELDS, rng.randint(1, 3)),
        "issuedAt": rng.choice(TIMES),
    }
    made |= maybe(rng, {
        "revision": lambda: rng.choice([1, 2, 7.0, 2**31 - 1]), "summary": lambda: text(rng, 500), "note": lambda: text(rng, 500),
        "language": lambda: rng.choice(["id", "jv", "en-GB", "zh-Hant-TW"]),
        "urgency": lambda: rng.choice(["routine", "important", "emergency"]), "effectiveAt": lambda: rng.choice(TIMES),
        "publishAt": lambda: rng.choice(TIMES), "expiresAt": lambda: after(86400), "link": lambda: rng.choice(URLS),
        "legalBasis": lambda: [text(rng, 500) for _ in range(rng.randint(0, 10))], "attachments": lambda: [attachment(rng)],
        "contact": lambda: contact(rng), "event": lambda: event(rng), "alert": lambda: alert(rng),
        "x-sumber": lambda: rng.choice([None, 1, "a", {"b": [1e300]}]), "status": lambda: "published",
    })
    if kind == "proposal":
        made["proposal"] = proposal(rng)
    elif rng.random() < 0.2:
        made |= {"inReplyTo": "kim.52.03/7:a", "proposal": proposal(rng)}
    if rng.random() < 0.1:
        made["status"] = "withdrawn"
        made.pop("body")
    return made


def attachment(rng):
    made = {"title": text(rng, 200), "url": rng.choice(URLS), "type": "application/pdf"}
    return made | maybe(rng, {"length": lambda: rng.choice([0, 12.0, 2**53 - 1])})


def contact(rng):
    more = maybe(rng, {"name": lambda: text(rng, 200), "phone": lambda: "+62 751 555 0113"})
    return {"email": "humas@a.example"} | more


def event(rng):
    form, values = rng.choice([("At", TIMES), ("On", DAYS)])
    # The first of each is no later than any other.
    values = sorted(values)
    made = {"starts" + form: values[0]}
    return made | maybe(rng, {"ends" + form: lambda: rng.choice(values), "name": lambda: text(rng, 200), "place": lambda: text(rng, 200)})


def alert(rng):
    return {"event": text(rng, 200)} | maybe(rng, {
        "urgency": lambda: rng.choice(["Immediate", "Past"]), "severity": lambda: "Severe", "certainty": lambda: "Likely",
        "level": lambda: rng.choice(["waspada", "siaga", "awas"]), "instruction": lambda: text(rng, 2000), "identifier": lambda: "2.49.0"})


def proposal(rng):
    return {"state": rng.choice(["submitted", "forwarded", "cancelled"])} | maybe(rng, {
        "stage": lambda: rng.choice(["village", "agency-forum"]), "number": lambda: text(rng, 100), "addressedTo": lambda: "desa.35.07",
        "beneficiaries": lambda: rng.choice([0, 5.0, 1850]), "estimatedCost": lambda: {"currency": "IDR", "amount": rng.choice([0, 0.5, 48500000])}})


def places(value):
    """Every object and list in a value, the value first."""
    if isinstance(value, (dict, list)):
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from places(child)


def mutated(rng, bulletin):
    """The bulletin with one to three changes: a member gone, another's value, one more, one that is unknown."""
    changed = copy.deepcopy(bulletin)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        place = changed if rng.random() < 0.6 else rng.choice(list(places(changed)))
        value = copy.deepcopy(rng.choice(VALUES))
        if isinstance(place, list):
            change_list(rng, place, value)
        else:
            change_object(rng, place, value)
    return changed


def change_list(rng, place, value):
    if place and rng.random() < 0.5:
        place[rng.randrange(len(place))] = value
    elif rng.random() < 0.2:
        place += [f"{value}"[:20] + str(n) for n in range(rng.choice([9, 11, 199, 201]))]
    else:
        place.append(value)


def change_object(rng, place, value):
    what = rng.random()
    if what < 0.25 and place:
        place.pop(rng.choice(list(place)))
    elif what < 0.8 and place:
        place[rng.choice(list(place))] = value
    else:
        place[rng.choice(["note", "link", "event", "alert", "contact", "proposal", "inReplyTo", "status", "endsAt", "endsOn",
                          "startsOn", "legalBasis", "x-a", "x-", "x-\u0301", "X-a", "xa", "tambahan", "", "Title", "level", "language"])] = value

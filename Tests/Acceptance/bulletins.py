"""Bulletins for the tests: one by hand, and the samples with their dates moved to now."""
import itertools
import json
import math
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[1] / "Fixtures/samples"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
_numbers = itertools.count(1)


def after(seconds):
    """The time so many seconds from now, as RFC 3339 with an Indonesian offset."""
    moment = datetime.now(timezone(timedelta(hours=7))) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds")


def bulletin(**members):
    """A good announcement by `uji`; a member that is None is left out."""
    made = {
        "id": f"uji-{next(_numbers)}", "kind": "announcement", "publisher": "uji",
        "title": "Uji pengumuman", "body": "Isi *pengumuman*.", "regions": ["73.71"], "fields": ["kesehatan"],
        "issuedAt": after(-60),
    } | members
    return {name: value for name, value in made.items() if value is not None}


def identity(bulletin):
    return f"{bulletin['publisher']}/{bulletin['id']}"


def shift(text, days):
    """A date or time of the samples, so many days later."""
    if TIME.fullmatch(text):
        return (datetime.fromisoformat(text) + timedelta(days=days)).isoformat()
    if DAY.fullmatch(text):
        return (datetime.fromisoformat(text) + timedelta(days=days)).date().isoformat()
    return text


def shifted(value, days):
    """A JSON value with every date in it moved by the same days. Texts that merely hold a date stay."""
    if isinstance(value, dict):
        return {name: shifted(member, days) for name, member in value.items()}
    if isinstance(value, list):
        return [shifted(element, days) for element in value]
    return shift(value, days) if isinstance(value, str) else value


def samples():
    """The valid samples in order as (file name, bulletin), none of them expired for an hour at least."""
    read = [(path.name, json.loads(path.read_text())) for path in sorted(SAMPLES.glob("*.json"))]
    days = _days(sample for _, sample in read)
    return [(name, shifted(sample, days)) for name, sample in read]


def invalid_samples():
    """The invalid samples as (expectation, body in bytes); what is no JSON stays as it is."""
    days = _days(sample for _, sample in ((p.name, json.loads(p.read_text())) for p in sorted(SAMPLES.glob("*.json"))))
    for expected in json.loads((SAMPLES / "invalid/expected.json").read_text()):
        body = (SAMPLES / "invalid" / expected["file"]).read_bytes()
        try:
            body = json.dumps(shifted(json.loads(body), days)).encode()
        except ValueError:
            pass
        yield expected, body


def _days(samples):
    """Whole days that move the earliest expiry an hour into the future, or further."""
    earliest = min(datetime.fromisoformat(sample["expiresAt"]) for sample in samples if "expiresAt" in sample)
    late = datetime.now(timezone.utc) + timedelta(hours=1) - earliest
    return max(0, math.ceil(late / timedelta(days=1)))

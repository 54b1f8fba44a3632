#!/usr/bin/env python3
"""Writes the sample bulletins into a folder with their dates moved to now, in the order to publish them.

    deploy/dev/samples.py FOLDER

All dates move by the same whole days, so that nothing has expired for an hour at least.
"""
import json
import math
import re
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[2] / "Tests/Fixtures/samples"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def shifted(value, days):
    """A JSON value with every date in it moved. Texts that merely hold a date stay."""
    if isinstance(value, dict):
        return {name: shifted(member, days) for name, member in value.items()}
    if isinstance(value, list):
        return [shifted(element, days) for element in value]
    if isinstance(value, str) and TIME.fullmatch(value):
        return (datetime.fromisoformat(value.replace("Z", "+00:00")) + timedelta(days=days)).isoformat()
    if isinstance(value, str) and DAY.fullmatch(value):
        return (datetime.fromisoformat(value) + timedelta(days=days)).date().isoformat()
    return value


def days_to_now(samples):
    earliest = min(datetime.fromisoformat(one["expiresAt"]) for one in samples if "expiresAt" in one)
    late = datetime.now(timezone.utc) + timedelta(hours=1) - earliest
    return max(0, math.ceil(late / timedelta(days=1)))


def main(folder):
    good = sorted(SAMPLES.glob("*.json"))
    bad = [SAMPLES / "invalid" / entry["file"] for entry in json.loads((SAMPLES / "invalid/expected.json").read_text())]
    days = days_to_now([json.loads(path.read_text()) for path in good])
    folder.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(good + bad, start=1):
        text = path.read_text()
        try:
            text = json.dumps(shifted(json.loads(text), days), ensure_ascii=False, indent=2)
        except ValueError:
            pass  # One of the bad ones is no JSON.
        kind = "baik" if path in good else "buruk"
        (folder / f"{number:02}-{kind}-{path.stem[3:]}.json").write_text(text)


main(Path(sys.argv[1]))

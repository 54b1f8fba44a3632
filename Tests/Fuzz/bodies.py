#!/usr/bin/env python3
"""Feeds mutated message bodies to the validator, for a time; ends with 1 at the first that is not answered as it should be.

    Tests/Fuzz/bodies.py [SECONDS=600] [SEED]

Each body goes through `publish --dry-run --json`, which opens, reads and judges it as the worker does. It must be
answered, as good or with errors whose codes the contract knows, and the program must never end otherwise than with 0 or 2.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
KENTONGAN = os.environ.get("KENTONGAN_BIN", PROJECT / ".build/debug/kentongan")
CODES = {"malformed-json", "too-large", "unsupported-encoding", "schema", "unknown-region", "retired-region", "unknown-field",
         "unknown-publisher", "publisher-mismatch", "out-of-scope", "expired", "stale-revision"}
TOKENS = [b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\u0000", b"\\ud800", b"\\udc00\\ud800", b"1e999", b"-0", b"9223372036854775808",
          b"0.1e-400", b"null", b"true", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x00", b"\xf4\x90\x80\x80", b"[" * 200,
          b'{"a":' * 200, b'"id"', b'"regions"', b'"fields"', b"73.71", b"2026-02-30T25:61:61+99:99", b"\\", b"\t", b"A" * 5000]


def corpus():
    bodies = [path.read_bytes() for path in sorted((PROJECT / "Tests/Fixtures/samples").rglob("*.json"))]
    for path in sorted((PROJECT / "Tests/Fixtures/bulletins").glob("*.jsonl")):
        bodies += [json.dumps(json.loads(line)["bulletin"], ensure_ascii=False).encode() for line in path.read_text().splitlines()]
    # A body is a line here.
    return [body.replace(b"\r", b"").replace(b"\n", b" ") for body in bodies]


def mutated(rng, bodies):
    body = bytearray(rng.choice(bodies))
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(body) + 1)
        match rng.randrange(6):
            case 0: body[at:at + 1] = bytes([rng.randrange(256)])
            case 1: del body[at:at + rng.choice((1, 2, 8, 64))]
            case 2: body[at:at] = rng.choice(TOKENS)
            case 3: del body[at:]
            case 4: body[at:at] = rng.choice(bodies)[:rng.randrange(400)]
            case 5: body[at:at] = body[at:at + rng.randrange(100)]
    return bytes(body).replace(b"\n", b" ") or b" x"


def judged(bodies, environment):
    done = subprocess.run([KENTONGAN, "publish", "--dry-run", "--json", "-"], input=b"".join(b + b"\n" for b in bodies),
                          capture_output=True, env=environment, cwd=PROJECT, timeout=300)
    answers = [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]
    assert done.returncode in (0, 2), f"ended with {done.returncode}: {done.stderr[-1000:]}"
    assert len(answers) == len(bodies), f"{len(answers)} answers to {len(bodies)} bodies"
    return answers


def main(seconds, seed):
    rng, bodies, counts = random.Random(seed), corpus(), {}
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"KENTONGAN_STORE_URL": f"sqlite:{folder}/k.db"}
        subprocess.run([KENTONGAN, "publishers", "import", PROJECT / "Tests/Fixtures/samples/publishers.csv"], env=environment,
                       cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
        # The first line makes the rest JSON Lines, however broken.
        first, end, total = bodies[0], time.monotonic() + seconds, 0
        while time.monotonic() < end:
            batch = [mutated(rng, bodies) for _ in range(5000)]
            batch = [body for body in batch if body.strip(b" \r\t")]
            for body, answer in zip(batch, judged([first, *batch], environment)[1:]):
                codes = {error["code"] for error in answer["errors"]}
                assert answer["valid"] == (not codes) and codes <= CODES, (body, answer)
                reason = answer["errors"][0]["code"] if codes else "good"
                counts[reason] = counts.get(reason, 0) + 1
            total += len(batch)
    print(f"seed {seed}: {total} bodies in {seconds} s, all answered:", dict(sorted(counts.items(), key=lambda c: -c[1])))


main(int(sys.argv[1]) if len(sys.argv) > 1 else 600, int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32))

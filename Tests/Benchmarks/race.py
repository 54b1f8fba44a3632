#!/usr/bin/env python3
"""The race: Kentongan against workers in asyncio and in Celery, in turns, on loopback with one broker.

    Tests/Benchmarks/race.py [burst] [latency] [COUNT=1000] [ROUNDS=3]      both parts without an argument

Each bulletin has 2 KB and matches exactly 50 of 100,000 subscriptions (one of its district, one field: 40 of the district, 7
of the regency, 3 of the province), four of five a webhook and one a mail, each to an address of its own at one host.
race/sink.c takes both kinds and stamps what comes, and takes ten times what the fastest sends. A run fails if a delivery is
missing or comes twice.

burst     COUNT bulletins are on the queue, then the worker starts. Celery gets a tenth of them: it is about twenty times
          slower, and its rate does not depend on their number. Measured are
          - deliveries/s between the first and the last arrival;
          - CPU time per delivery of the worker and its children, their start included;
          - memory: the largest of each process, what processes share counted once;
          - bytes written to the store's write-ahead log per delivery (log_meter.py);
          - bytes written to disk per delivery, the log and the database together (write_bytes in /proc/PID/io).
latency   20 bulletins per second for 30 seconds, and 3 per second for Celery, which cannot keep up with more: from
          publishing a bulletin to each of its arrivals.

The table at the end has the medians of all rounds with the smallest and the largest, and the ratios of the rates. Machines
are shared and drift, so each ratio is of two runs of one round, and the order alternates between rounds.

The others (race/asyncio_worker.py and race/celery_worker.py say what they leave out) take from a classic queue, which is
cheaper than ours. The one in asyncio sends 32 webhooks and 8 mails simultaneously; Celery has 2 processes.
"""
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import engine
import summary
from engine import quantile, say, until
from race_data import PER_BULLETIN, bulletins, subscriptions
from race_workers import HERE, HTTP_PORT, MAIL_PORT, PYTHON, Asyncio, Celery, Kentongan

CONTESTANTS = Kentongan, Asyncio, Celery
SECONDS = 30
# What the table shows: a measure, its unit, and how it is written.
MEASURES = [
    ("rate", "deliveries/s", "{:,.0f}"),
    ("cpu", "CPU per delivery, us (aim: 80)", "{:,.1f}"),
    ("memory", "memory, MB", "{:,.0f}"),
    ("log", "bytes to the log per delivery (aim: 2,048)", "{:,.0f}"),
    ("disk", "bytes to disk per delivery", "{:,.0f}"),
    ("p50", "latency, median, ms (aim: 5)", "{:,.1f}"),
    ("p99", "latency, 99th percentile, ms (aim: 15)", "{:,.1f}"),
]
# What is compared: a measure, its name, and the aims of ours divided by a peer's.
RATIOS = [("rate", "deliveries/s", {Asyncio: "5", Celery: "50"}), ("p50", "median latency", {Asyncio: "at most 1"}),
          ("p99", "99th percentile", {Asyncio: "at most 1"})]


# MARK: - What a run took

@contextmanager
def sink(folder):
    """The file that arrivals are written to."""
    path = folder / "arrivals"
    with open(path, "w") as file:
        process = subprocess.Popen([folder / "race-sink", str(HTTP_PORT), str(MAIL_PORT)], stdout=file)
    try:
        yield path
        assert process.poll() is None, "the sink has ended"
    finally:
        process.terminate()
        process.wait()


def arrivals_of(path):
    """The kind, the delivery, the time and the bulletin's number of each arrival."""
    lines = map(str.split, path.read_text().splitlines())
    return [(kind, delivery, int(at), int(number)) for kind, delivery, at, number in lines]


def wait_for(run, process, arrivals, expected):
    """Waits for so many arrivals. It looks once a second, which costs the race nothing."""
    limit = 60 + expected / 100
    until(lambda: arrivals.read_bytes().count(b"\n") >= expected or process.poll() is not None, limit, 1)
    assert process.poll() is None, f"{run.title} has ended: {run.log.read_text()[-2000:]}"


def checked(run, arrivals, expected):
    rows = arrivals_of(arrivals)
    different = len({delivery for _, delivery, *_ in rows})
    assert different == len(rows) == expected, f"{run.title}: {len(rows)} came, {different} of them different, of {expected}"
    return rows


@contextmanager
def metered(store):
    """Asks for the bytes that were written to a store's write-ahead log."""
    program = Path(__file__).with_name("log_meter.py")
    meter = subprocess.Popen([program, store], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield lambda: int(meter.communicate("\n")[0])
    finally:
        meter.kill()
        meter.wait()


def written(process):
    """Bytes that a process and its children have had written to disk."""
    texts = [Path(f"/proc/{pid}/io").read_text() for pid in engine.family(process)]
    return sum(int(re.search(r"^write_bytes: (\d+)", text, re.M)[1]) for text in texts)


# MARK: - The parts

def burst(contestant, folder, name, lines, count):
    run = contestant(folder, name, lines)
    made = list(bulletins(int(count * contestant.share), name))
    expected = len(made) * PER_BULLETIN
    run.publish(made)
    with sink(folder) as arrivals, metered(run.store) as log, run.worker() as process:
        wait_for(run, process, arrivals, expected)
        cpu, memory = engine.spent(process)
        # The last outcomes are recorded after the last arrival.
        time.sleep(1)
        log, disk = log(), written(process)
        rows = checked(run, arrivals, expected)
    times = [at for _, _, at, _ in rows]
    found = {"rate": expected / (max(times) - min(times)) * 1e9, "cpu": cpu / expected * 1e6, "memory": memory,
             "log": log / expected, "disk": disk / expected}
    mails = sum(kind == "m" for kind, *_ in rows) / expected
    say(contestant.title, f"{found['rate']:8.0f} deliveries/s ({expected}, {mails:.0%} mails), {found['cpu']:.1f} us CPU each, "
        f"{memory:.0f} MB at most; {found['log']:.0f} bytes to the log and {found['disk']:.0f} to disk each")
    return found


def latency(contestant, folder, name, lines, _):
    run = contestant(folder, name, lines)
    rate = contestant.rate
    early, made = list(bulletins(rate, f"{name}-awal")), list(bulletins(rate * SECONDS, name))
    with sink(folder) as arrivals, run.worker() as process:
        # These warm the worker up. Their arrivals are not counted.
        run.publish(early, rate)
        wait_for(run, process, arrivals, rate * PER_BULLETIN)
        warm = len(checked(run, arrivals, rate * PER_BULLETIN))
        published = run.publish(made, rate)
        expected = len(made) * PER_BULLETIN
        wait_for(run, process, arrivals, warm + expected)
        rows = checked(run, arrivals, warm + expected)[warm:]
        cpu, _ = engine.spent(process)
    waits = [(at - published[f"{name}-{number}"]) / 1e6 for _, _, at, number in rows]
    found = {"p50": quantile(waits, 0.5), "p99": quantile(waits, 0.99)}
    say(contestant.title, f"{found['p50']:8.1f} ms p50, {found['p99']:.1f} p99, {max(waits):.1f} at most; {rate} bulletins/s, "
        f"{cpu / (warm + expected) * 1e6:.0f} us CPU each")
    return found


# MARK: - The race

def race(folder, parts, count, rounds):
    lines = subscriptions(HTTP_PORT)
    subprocess.run(["cc", "-O2", "-o", folder / "race-sink", HERE / "sink.c"], check=True)
    found = {contestant: defaultdict(list) for contestant in CONTESTANTS}
    for number in range(rounds):
        for part in parts:
            engine.heading(f"{part.__name__}, round {number + 1} of {rounds}")
            # Who goes first takes turns, too.
            for contestant in CONTESTANTS if number % 2 == 0 else reversed(CONTESTANTS):
                name = f"{contestant.title.lower()}-{part.__name__}-{number}"
                for measure, value in part(contestant, folder, name, lines, count).items():
                    found[contestant][measure].append(value)
    report(found, rounds)


def ratios(found, peer, measure):
    return [ours / theirs for ours, theirs in zip(found[Kentongan][measure], found[peer][measure])]


def report(found, rounds):
    rows = [(f"rounds: {rounds}; median (smallest-largest)", *(contestant.title for contestant in CONTESTANTS))]
    for measure, unit, form in MEASURES:
        if measure in found[Kentongan]:
            rows.append((unit, *(summary.spread(found[contestant][measure], form) for contestant in CONTESTANTS)))
    for measure, name, aims in RATIOS:
        if measure not in found[Kentongan]:
            continue
        # Celery's latency is at a lower rate, so that its ratio would say little.
        compared = {peer: ratios(found, peer, measure) for peer in (CONTESTANTS[1:] if measure == "rate" else [Asyncio])}
        cells = [summary.spread(compared[peer]) if peer in compared else "" for peer in CONTESTANTS]
        rows.append((f"Kentongan's {name} to it", *cells))
        for peer, values in compared.items():
            summary.add(f"race: {name}, to {peer.title}'s", values, aims.get(peer, ""))
    print("\n".join(["", *summary.table(rows)]))


def main(arguments):
    known = {"burst": burst, "latency": latency}
    numbers = [int(argument) for argument in arguments if argument.isdigit()]
    names = [argument for argument in arguments if not argument.isdigit()]
    if unknown := set(names) - set(known):
        sys.exit(f"{', '.join(unknown)}: there is no such part\n{__doc__}")
    assert PYTHON.exists(), f"{PYTHON} is missing: `make race` makes it"
    count, rounds = (numbers + [1000, 3][len(numbers):])[:2]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with engine.running_broker(folder, "publisher"):
            race(folder, [known[name] for name in names or known], count, rounds)


if __name__ == "__main__":
    main(sys.argv[1:])

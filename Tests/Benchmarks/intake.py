#!/usr/bin/env python3
"""Intake: bulletins of 2 KB from a quorum queue, validated and committed, against two loops in C.

    Tests/Benchmarks/intake.py [COUNT=40000] [MATCHES...=0 1 50]

ROUNDS=3 in the environment says how often. Starts a broker of its own on loopback. In each round the following take COUNT
messages from the same queue, filled before each starts:
- bare_consumer.c, which discards them: the broker's limit;
- bare_intake.c, which keeps each in SQLite as a bulletin, a payload and two receipts, with synchronous=FULL, before it
  acknowledges: the fair limit;
- a worker with the roles intake and fanout, for bulletins that match 0, 1 and 50 subscriptions each. It counts from the first
  message to the last commit, and until all are routed and their receipts confirmed. The fan-out works meanwhile, as it does
  in production, and its CPU time counts.
"""
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import summary
from engine import heading, say

PROJECT = Path(__file__).resolve().parents[2]
KENTONGAN = os.environ.get("KENTONGAN_BIN", PROJECT / ".build/release/kentongan")
ROUNDS = int(os.environ.get("ROUNDS", 3))
PORT = 5710
QUEUE = "kentongan.announcements"
REGION, FIELD = "73.71.09", "kesehatan"


def bulletins(path, count, name):
    word = "warga diminta menjauh dari bantaran sungai "
    with open(path, "w") as file:
        for number in range(count):
            made = {"id": f"{name}-{number}", "kind": "announcement", "publisher": "uji", "title": f"Uji intake {number}",
                    "regions": [REGION], "fields": [FIELD], "issuedAt": "2026-11-23T17:00:00+07:00", "body": ""}
            made["body"] = (word * 60)[: 2048 - len(json.dumps(made))]
            file.write(json.dumps(made) + "\n")


class Run:
    def __init__(self, folder, name, matches):
        self.folder, self.matches = folder, matches
        self.store = folder / f"{name}.db"
        self.environment = os.environ | {
            "KENTONGAN_AMQP_URL": f"amqp://guest:guest@127.0.0.1:{PORT}/", "KENTONGAN_STORE_URL": f"sqlite:{self.store}",
            "KENTONGAN_PUBLISHERS_AUTH": "open", "KENTONGAN_LOG_LEVEL": os.environ.get("KENTONGAN_LOG_LEVEL", "warning")}

    def command(self, *arguments, **options):
        return subprocess.run([KENTONGAN, *map(str, arguments)], env=self.environment, check=True, **options)

    def prepare(self):
        self.command("topology", "apply", stdout=subprocess.DEVNULL)
        self.command("store", "migrate", stdout=subprocess.DEVNULL)
        self.command("publishers", "add", "uji", "--name", "Uji", "--amqp-user", "guest", "--kind", "announcement",
                     "--region", "ID", stdout=subprocess.DEVNULL)
        rows = [f"feed,umpan-{n},{REGION},{FIELD}" for n in range(self.matches)] + ["feed,jauh,11,sosial"]
        (self.folder / "s.csv").write_text("\n".join(["channel,address,region,field", *rows]) + "\n")
        self.command("subscriptions", "import", self.folder / "s.csv", stdout=subprocess.DEVNULL)

    def publish(self, path):
        started = time.monotonic()
        self.command("publish", path, stderr=subprocess.DEVNULL)
        return time.monotonic() - started

    def fill(self, path):
        """As `publish`, and several times as fast."""
        with open(path) as file:
            subprocess.run([self.folder / "publisher", str(PORT), "announcement.uji", "1000000"], check=True, stdin=file,
                           stdout=subprocess.DEVNULL)

    def ask(self, sql):
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as store:
            return store.execute(sql).fetchone()

    def serve(self):
        return subprocess.Popen([KENTONGAN, "serve", "--roles", "intake,fanout"], env=self.environment)

    def idle(self):
        """Megabytes of a worker that has nothing to do."""
        worker = self.serve()
        try:
            time.sleep(3)
            return memory(worker.pid, "VmRSS")
        finally:
            worker.terminate()
            worker.wait()

    def measure(self, count):
        """Messages/s from the first commit to the last, and until all are routed and their receipts sent; CPU microseconds
        a message until the last commit; megabytes at most."""
        worker = self.serve()
        try:
            # The last number that was given out: a look that costs the worker nothing, however many there are.
            while (self.ask("SELECT max(seq) FROM sqlite_sequence WHERE name = 'bulletins'")[0] or 0) < count:
                assert worker.poll() is None, "the worker has ended"
                time.sleep(0.1)
            ticks = sum(map(int, Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
            while self.waiting():
                time.sleep(0.2)
            through = time.time() * 1000
            recorded, first, last = self.ask("SELECT count(*), min(received_at), max(received_at) FROM bulletins")
            assert recorded == count
            cpu = ticks / os.sysconf("SC_CLK_TCK")
            return (count / ((last - first) / 1000), count / ((through - first) / 1000), cpu / count * 1e6,
                    memory(worker.pid, "VmHWM"))
        finally:
            worker.terminate()
            worker.wait()

    def waiting(self):
        """Whether a bulletin waits for its fan-out, or a receipt for the broker."""
        return self.ask(
            "SELECT EXISTS (SELECT 1 FROM bulletins WHERE routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn'))"
            " OR EXISTS (SELECT 1 FROM outbox)")[0]


def memory(pid, name):
    """Megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    return 0


def bare(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], check=True, capture_output=True, text=True)
    return tuple(map(float, done.stdout.split()))


def measure(folder, count, all_matches, number, found):
    """One round. Adds its figures to `found`."""
    messages = folder / "b.jsonl"
    run = Run(folder, f"topology-{number}", 0)
    run.prepare()
    found["publish"].append((count / run.publish(messages),))
    found["consumer"].append(bare(folder / "bare_consumer", PORT, QUEUE, count))
    run.fill(messages)
    found["limit"].append(bare(folder / "bare_intake", PORT, QUEUE, count, folder / f"limit-{number}.db"))
    for matches in all_matches:
        run = Run(folder, f"{matches}-{number}", matches)
        run.prepare()
        if number == 0:
            found["idle"].append((run.idle(),))
        run.fill(messages)
        found[matches].append(run.measure(count))
    for file in folder.glob("*.db*"):
        file.unlink()


def report(found, all_matches):
    def median(name):
        return [statistics.median(column) for column in zip(*found[name])]

    def rates(name):
        return summary.spread([rate for rate, *_ in found[name]], "{:.0f}") + "/s"
    say("publish with confirms", rates("publish"))
    say("bare consumer in C", rates("consumer"))
    say("bare intake in C", f"{rates('limit')}, {median('limit')[1]:.0f} us CPU each")
    for matches in all_matches:
        ratios = [ours / limit for (ours, *_), (limit, _) in zip(found[matches], found["limit"])]
        consumer = median(matches)[0] / median("consumer")[0]
        _, through, cpu, peak = median(matches)
        aim = "" if matches else " (aim: 70 %)"
        say(f"intake, {matches} matches each", f"{rates(matches)}, {cpu:.0f} us CPU each; {summary.spread(ratios, '{:.0%}')} of "
            f"bare intake{aim}, {consumer:.0%} of the consumer; routed and told {through:.0f}/s; {peak:.0f} MB at most")
        summary.add(f"intake, {matches} matches each, to bare intake in C", ratios, "" if matches else "0.7")
    say("idle", f"{max(idle for idle, in found['idle']):.0f} MB")


def main(count, all_matches):
    with tempfile.TemporaryDirectory() as name:
        folder, found = Path(name), defaultdict(list)
        for program in ("bare_consumer", "bare_intake", "publisher"):
            source = Path(__file__).with_name(program + ".c")
            subprocess.run(["cc", "-O2", "-o", folder / program, source, "-lrabbitmq", "-lsqlite3"], check=True)
        broker = [PROJECT / "deploy/dev/broker"]
        subprocess.run([*broker, "start", folder / "mq", str(PORT)], check=True, stdout=subprocess.DEVNULL)
        try:
            bulletins(folder / "b.jsonl", count, "b")
            for number in range(ROUNDS):
                heading(f"round {number + 1} of {ROUNDS}")
                measure(folder, count, all_matches, number, found)
            report(found, all_matches)
        finally:
            subprocess.run([*broker, "stop", folder / "mq"], stdout=subprocess.DEVNULL)


counts = [int(argument) for argument in sys.argv[1:]]
main(counts[0] if counts else 40_000, counts[1:] or (0, 1, 50))

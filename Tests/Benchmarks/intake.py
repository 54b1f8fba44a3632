#!/usr/bin/env python3
"""Intake: bulletins of 2 KB from a quorum queue, validated and committed, against a bare consumer in C.

    Tests/Benchmarks/intake.py [COUNT=200000] [MATCHES...=0 1 50]

Starts a broker of its own on loopback. For 0, 1 and 50 matches of each bulletin: fills the queue, starts the worker,
and counts from the first commit to the last. The bare consumer takes as many from the same queue in the same run.
"""
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
KENTONGAN = os.environ.get("KENTONGAN_BIN", PROJECT / ".build/release/kentongan")
PORT = 5710
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
    def __init__(self, folder, matches):
        self.folder, self.matches = folder, matches
        self.store = folder / f"{matches}.db"
        self.environment = os.environ | {
            "KENTONGAN_AMQP_URL": f"amqp://guest:guest@127.0.0.1:{PORT}/", "KENTONGAN_STORE_URL": f"sqlite:{self.store}",
            "KENTONGAN_PUBLISHERS_AUTH": "open", "KENTONGAN_LOG_LEVEL": os.environ.get("KENTONGAN_LOG_LEVEL", "warning")}

    def command(self, *arguments, **options):
        return subprocess.run([KENTONGAN, *map(str, arguments)], env=self.environment, check=True, **options)

    def prepare(self):
        self.command("topology", "apply", stdout=subprocess.DEVNULL)
        self.command("store", "migrate")
        self.command("publishers", "add", "uji", "--name", "Uji", "--amqp-user", "guest", "--kind", "announcement",
                     "--region", "ID", stdout=subprocess.DEVNULL)
        rows = [f"feed,umpan-{n},{REGION},{FIELD}" for n in range(self.matches)] + ["feed,jauh,11,sosial"]
        (self.folder / "s.csv").write_text("\n".join(["channel,address,region,field", *rows]) + "\n")
        self.command("subscriptions", "import", self.folder / "s.csv", stdout=subprocess.DEVNULL)

    def publish(self, path):
        started = time.monotonic()
        self.command("publish", path, stderr=subprocess.DEVNULL)
        return time.monotonic() - started

    def ask(self, sql):
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as store:
            return store.execute(sql).fetchone()

    def serve(self):
        return subprocess.Popen([KENTONGAN, "serve", "--roles", "intake"], env=self.environment)

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


def main(count, all_matches):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["cc", "-O2", "-o", folder / "bare", PROJECT / "Tests/Benchmarks/bare_consumer.c", "-lrabbitmq"], check=True)
        broker = [PROJECT / "deploy/dev/broker"]
        subprocess.run([*broker, "start", folder / "mq", str(PORT)], check=True, stdout=subprocess.DEVNULL)
        try:
            bulletins(folder / "b.jsonl", count, "b")
            run = Run(folder, 0)
            run.prepare()
            seconds = run.publish(folder / "b.jsonl")
            print(f"publish with confirms      {count / seconds:8.0f}/s")
            bare = subprocess.run([folder / "bare", str(PORT), "kentongan.announcements", str(count)], check=True,
                                  capture_output=True, text=True)
            bare = float(bare.stdout)
            print(f"bare consumer in C         {bare:8.0f}/s")
            for matches in all_matches:
                run = Run(folder, matches)
                run.prepare()
                idle = run.idle()
                run.publish(folder / "b.jsonl")
                rate, through, cpu, peak = run.measure(count)
                print(f"intake, {matches:2} matches each   {rate:8.0f}/s  {rate / bare:5.0%} of bare  {cpu:5.0f} us CPU  "
                      f"{idle:3.0f} MB idle, {peak:3.0f} at most; routed and told {through:6.0f}/s", flush=True)
        finally:
            subprocess.run([*broker, "stop", folder / "mq"], stdout=subprocess.DEVNULL)


counts = [int(argument) for argument in sys.argv[1:]]
main(counts[0] if counts else 200_000, counts[1:] or (0, 1, 50))

#!/usr/bin/env python3
"""The engine behind intake, on loopback with a broker of its own: what a million deliveries cost, and who waits for them.

    Tests/Benchmarks/engine.py [fanout] [claim] [fairness] [hanging]      all of them without an argument

COUNT=1000000 in the environment says how many deliveries, ROUNDS=3 how often the first two parts are measured, and HOSTS=16
over how many loopback addresses webhooks spread.

fanout    One bulletin matches COUNT feeds: rows/s until it is routed, and how long the chunks' transactions take.
claim     Those deliveries are claimed and completed: rows/s from the first to the last. Both beside SQLite alone
          (bare_store.c) on the same rows, columns and indices in the same run, synced as often.
fairness  COUNT routine webhooks are pending and sent (to sink.c); then an emergency for COUNT / 100 endpoints comes, and a
          routine bulletin for 10; the same on an idle worker.
hanging   20 bulletins a second, each for 50 of 1,000 webhooks (publisher.c); then again while one of the 1,000 takes
          connections and never answers: latencies from publishing to the others' arrivals.
"""
import csv
import json
import os
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import summary

PROJECT = Path(__file__).resolve().parents[2]
KENTONGAN = os.environ.get("KENTONGAN_BIN", PROJECT / ".build/release/kentongan")
COUNT = int(os.environ.get("COUNT", 1_000_000))
HOSTS = int(os.environ.get("HOSTS", 16))
ROUNDS = int(os.environ.get("ROUNDS", 3))
BROKER_PORT, SINK_PORT = 5720, 5730
REGION, FIELD = "73.71.09", "kesehatan"


def bulletin(name, **members):
    made = {"id": name, "kind": "announcement", "publisher": "uji", "title": f"Uji mesin {name}", "regions": [REGION],
            "fields": [FIELD], "issuedAt": "2026-11-23T17:00:00+07:00", "body": ""} | members
    made["body"] = ("warga diminta menjauh dari bantaran sungai " * 60)[: 2048 - len(json.dumps(made))]
    return made


def webhook(number):
    return f"http://127.0.0.{1 + number % HOSTS}:{SINK_PORT}/{number}"


def quantile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def until(condition, seconds, pause=0.02):
    """Waits; what the condition came to, or None."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(pause)


def say(name, text):
    print(f"{name:38} {text}", flush=True)


def heading(name):
    print(f"{name}: load average {os.getloadavg()[0]:.2f}", flush=True)


class Run:
    """A store, and a worker on it."""

    def __init__(self, folder, name):
        self.folder = folder / name
        self.folder.mkdir(exist_ok=True)
        self.store = self.folder / "store.db"
        self.log = self.folder / "log"
        self.environment = os.environ | {
            "KENTONGAN_AMQP_URL": f"amqp://guest:guest@127.0.0.1:{BROKER_PORT}/",
            "KENTONGAN_STORE_URL": f"sqlite:{self.store}", "KENTONGAN_MAIL_FOLDER": str(self.folder / "mail"),
            "KENTONGAN_PUBLISHERS_AUTH": "open", "KENTONGAN_WEBHOOKS_ALLOW": "127.0.0.0/8",
            "KENTONGAN_LOG_LEVEL": os.environ.get("KENTONGAN_LOG_LEVEL", "warning")}
        self.command("topology", "apply")
        self.command("store", "migrate")
        self.command("publishers", "add", "uji", "--name", "Uji", "--amqp-user", "guest", "--kind", "announcement",
                     "--region", "ID", "--emergency")
        self.reader = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)

    def command(self, *arguments):
        subprocess.run([KENTONGAN, *map(str, arguments)], env=self.environment, cwd=PROJECT, check=True,
                       stdout=subprocess.DEVNULL)

    def subscribe(self, channel, addresses, region=REGION, field=FIELD):
        for start in range(0, len(addresses), 100_000):
            rows = [f"{channel},{address},{region},{field}" for address in addresses[start:start + 100_000]]
            (self.folder / "s.csv").write_text("\n".join(["channel,address,region,field", *rows]) + "\n")
            self.command("subscriptions", "import", self.folder / "s.csv")

    def multiply(self, count):
        """Copies of the last subscription and its endpoint, until there are `count`: an import of a million takes minutes."""
        with sqlite3.connect(self.store) as store:
            store.execute("PRAGMA cache_size = -400000")
            subscription, endpoint = store.execute("SELECT id, endpoint FROM subscriptions ORDER BY id DESC LIMIT 1").fetchone()
            for table, last, others in (("endpoints", endpoint, {"address": "address || '-' || n"}),
                                        ("subscriptions", subscription, {"endpoint": "endpoint + n"})):
                columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
                # Tokens are unique. NULL stays NULL.
                hashes = {name: f"iif({name} IS NULL, NULL, randomblob(32))" for name in columns if name.endswith("_hash")}
                changes = hashes | {"id": "id + n"} | others
                store.execute(f"""
                    WITH RECURSIVE numbers (n) AS (
                        VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < {count} - (SELECT count(*) FROM {table}))
                    INSERT INTO {table} SELECT {", ".join(changes.get(name, name) for name in columns)}
                    FROM numbers JOIN {table} ON id = {last}""")
        store.close()

    def publish(self, bulletins, rate=1000):
        """When each was published, in nanoseconds since 1970."""
        kind = "emergency" if bulletins[0].get("urgency") == "emergency" else "announcement"
        done = subprocess.run(
            [self.folder.parent / "publisher", str(BROKER_PORT), f"{kind}.uji", str(rate)], check=True, text=True,
            input="".join(json.dumps(made) + "\n" for made in bulletins), stdout=subprocess.PIPE)
        return {name: int(at) for name, at in map(str.split, done.stdout.splitlines())}

    def ask(self, sql):
        return self.reader.execute(sql).fetchall()[0]

    def pending(self):
        return self.ask("SELECT coalesce(sum(pending), 0) FROM bulletins WHERE completed_at IS NULL")[0]

    def is_routed(self, count):
        return self.ask("SELECT count(routed_at) FROM bulletins")[0] == count

    @contextmanager
    def worker(self, roles, level=None, drains=True):
        """`serve`; without `drains` it is killed at the end, with what it has not done."""
        environment = self.environment | ({"KENTONGAN_LOG_LEVEL": level} if level else {})
        with open(self.log, "a") as log:
            worker = subprocess.Popen([KENTONGAN, "serve", "--roles", roles], env=environment, cwd=PROJECT, stderr=log)
        try:
            yield worker
            assert worker.poll() is None, f"the worker has ended: {self.log.read_text()[-2000:]}"
        finally:
            worker.terminate() if drains else worker.kill()
            worker.wait()


def family(process):
    """The ids of a process and all that it started."""
    def below(pid):
        children = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return [pid, *(one for child in children for one in below(child))]
    return below(process.pid)


def kilobytes(pid, file, name):
    return int(re.search(rf"^{name}:\s+(\d+)", Path(f"/proc/{pid}/{file}").read_text(), re.M)[1])


def spent(process):
    """What a process and its children took until now: seconds of CPU time, and megabytes at most. What several processes share
    is divided between them, as it is now."""
    pids = family(process)
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    ticks = sum(int(fields[11]) + int(fields[12]) for fields in stats)
    shared = sum(kilobytes(pid, "smaps_rollup", "Rss") - kilobytes(pid, "smaps_rollup", "Pss") for pid in pids)
    peak = sum(kilobytes(pid, "status", "VmHWM") for pid in pids)
    return ticks / os.sysconf("SC_CLK_TCK"), (peak - shared) / 1024


def cost(worker, count):
    cpu, memory = spent(worker)
    return f"{cpu / count * 1e6:.1f} us CPU each, {memory:.0f} MB at most"


def delivered(run, worker, count):
    """What is pending comes to its end: how much of it in a second, from the first on, and what it cost."""
    begun = until(lambda: (left := run.pending()) < count and (left, time.monotonic()), 120)
    assert begun, "nothing was delivered in 2 minutes"
    assert until(lambda: run.pending() == 0, 1200, 0.05), f"{run.pending()} were not delivered in 20 minutes"
    return begun[0] / (time.monotonic() - begun[1]), cost(worker, count)


class Sink:
    """The receiver of webhooks, and what it has got: by bulletin, the times of arrival."""

    def __init__(self, folder):
        with open(folder / "arrivals", "w") as file:
            self.process = subprocess.Popen([folder / "sink", str(SINK_PORT), str(HOSTS)], stdout=file)
        self.file = open(folder / "arrivals")
        self.part, self.times = "", defaultdict(list)

    def at(self, name):
        lines = (self.part + self.file.read()).split("\n")
        self.part = lines.pop()
        for line in lines:
            bulletin, at = line.split()
            self.times[bulletin].append(int(at))
        return self.times[name]

    def wait(self, name, count, seconds):
        until(lambda: len(self.at(name)) >= count, seconds, 0.2)
        return self.at(name)

    def stop(self):
        self.process.terminate()
        self.process.wait()


# MARK: - Throughput

def throughput(folder, parts):
    run = Run(folder, "feeds")
    run.subscribe("feed", [f"umpan-{number}" for number in range(min(COUNT, 1000))])
    run.multiply(COUNT)
    found = defaultdict(list)
    for number in range(1, ROUNDS + 1):
        heading(f"fan-out{' and claims' if 'claim' in parts else ''}, round {number} of {ROUNDS}")
        # Beside each other, since the machine drifts.
        found["fan-out"].append(fan_out(run, number))
        found["bare fan-out"].append(bare_store(run, "fanout"))
        if "claim" in parts:
            found["bare claims"].append(bare_store(run, "claim"))
            found["bare attempts"].append(bare_store(run, "attempts"))
            found["claims"].append(claims(run, number))
    report(found)


def report(found):
    def compared(name, bare, title, aim=""):
        ratios = [ours / theirs for ours, theirs in zip(found[name], found[bare])]
        say(title, f"{summary.spread(found[bare], '{:.0f}')} rows/s; the engine has {summary.spread(ratios, '{:.0%}')} of it")
        summary.add(f"{name}, to {title}", ratios, aim)
    say("fan-out", f"{summary.spread(found['fan-out'], '{:.0f}')} rows/s")
    compared("fan-out", "bare fan-out", "SQLite alone, INSERT ... SELECT", "0.7")
    if found["claims"]:
        say("feeds delivered", f"{summary.spread(found['claims'], '{:.0f}')} rows/s")
        compared("claims", "bare claims", "SQLite alone, claims of 500")
        compared("claims", "bare attempts", "SQLite alone, with a row of attempts each", "1")


def bare_store(run, mode):
    new = run.folder / "bare.db"
    done = subprocess.run([run.folder.parent / "bare_store", run.store, new, mode], check=True, text=True, stdout=subprocess.PIPE)
    for file in run.folder.glob("bare.db*"):
        file.unlink()
    say(f"SQLite alone, {mode}", f"{float(done.stdout):8.0f} rows/s")
    return float(done.stdout)


def fan_out(run, number):
    run.log.write_text("")
    with run.worker("intake,fanout", level="debug") as worker:
        run.publish([bulletin(f"semua-{number}")])
        assert until(lambda: run.is_routed(number), 600), "the bulletin was not routed in 10 minutes"
        through = time.time()
        usage = cost(worker, COUNT)
    received, made = run.ask("SELECT received_at, pending FROM bulletins ORDER BY id DESC LIMIT 1")
    assert made == COUNT, f"{made} deliveries"
    rate = COUNT / (through - received / 1000)
    say("fan-out", f"{rate:8.0f} rows/s; {usage}")
    # Not the steps that found nothing to do.
    chunks = re.findall(r"deliveries=[1-9]\d* took=([\d.]+) (m?s)", run.log.read_text())
    took = [float(took) * (1 if unit == "ms" else 1000) for took, unit in chunks]
    say(f"its {len(took)} chunks took",
        f"{statistics.median(took):8.0f} ms median (aim: 50), {quantile(took, 0.99):.0f} ms p99, {max(took):.0f} ms at most")
    return rate


def claims(run, number):
    with run.worker("delivery") as worker:
        rate, usage = delivered(run, worker, COUNT)
    found, = run.ask("SELECT count(*) FROM deliveries WHERE state = 'delivered'")
    assert found == COUNT * number, f"{found} are delivered"
    say("feeds delivered", f"{rate:8.0f} rows/s; {usage}")
    return rate


# MARK: - Who waits

def fairness(folder):
    heading("fairness")
    run, sink = Run(folder, "fairness"), Sink(folder)
    endpoints, hurried = COUNT // 10, COUNT // 100
    run.subscribe("webhook", [webhook(number) for number in range(endpoints)])
    run.subscribe("webhook", [webhook(number) for number in range(hurried)], field="kebencanaan")
    run.subscribe("webhook", [webhook(number) for number in range(10)], field="sosial")
    try:
        with run.worker("intake,fanout,delivery"):
            few(run, sink, "pemanasan", 10, 60)
            idle = emergency(run, sink, "idle", hurried)
            few(run, sink, "idle", 10, 60)
        with run.worker("intake,fanout"):
            run.publish([bulletin(f"b{number}") for number in range(10)])
            assert until(lambda: run.is_routed(13), 600, 0.1), "the backlog was not routed in 10 minutes"
        with run.worker("intake,fanout,delivery", drains=False):
            assert until(lambda: len(sink.at("b0")) > endpoints / 50, 60), "the backlog is not sent"
            before, started = run.pending(), time.monotonic()
            busy = emergency(run, sink, f"{before} pending", hurried)
            few(run, sink, f"{run.pending()} pending", 10, 120)
            rate = (before + hurried + 10 - run.pending()) / (time.monotonic() - started)
            say("the backlog meanwhile", f"{rate:8.0f} deliveries/s of all")
    finally:
        sink.stop()
    say("busy to idle", f"{busy[0] / idle[0]:8.1f} times, p95 {busy[1] / idle[1]:.2f} times (aim: 2)")
    summary.add("emergency, 95 % of it, busy worker to idle", [busy[1] / idle[1]], "at most 2")


def emergency(run, sink, name, count):
    made = bulletin(f"darurat-{name.split()[0]}", urgency="emergency", fields=["kebencanaan"])
    published = run.publish([made])[made["id"]]
    waits = [(at - published) / 1e6 for at in sink.wait(made["id"], count, 300)]
    assert len(waits) == count, f"{len(waits)} of {count} emergencies came"
    first, p95 = waits[0], quantile(waits, 0.95)
    say(f"emergency for {count}, {name}",
        f"{first:8.1f} ms to the first (aim: 1000), {quantile(waits, 0.5):.0f} p50, {p95:.0f} p95, {max(waits):.0f} to the last")
    return first, p95


def few(run, sink, name, count, seconds):
    made = bulletin(f"sedikit-{name.split()[0]}", fields=["sosial"])
    published = run.publish([made])[made["id"]]
    times = sink.wait(made["id"], count, seconds)
    if name == "pemanasan":
        return
    text = f"{(max(times) - published) / 1e6:8.1f} ms to the last" if len(times) == count else f"  {len(times)} came in {seconds} s"
    say(f"routine for {count}, {name}", text + " (aim: 5000)")


def hanging(folder):
    heading("hanging")
    sink = Sink(folder)
    # Nobody accepts: the kernel takes the connections, and nobody answers.
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as silent:
        try:
            usual = steady(folder, sink, "usual", None)
            worse = steady(folder, sink, "hanging", silent.getsockname()[1])
        finally:
            sink.stop()
    say("with one that hangs, to without", f"{worse / usual:8.2f} times the p99 (aim: 2)")
    summary.add("99th percentile with a hanging host, to without", [worse / usual], "at most 2")


def steady(folder, sink, name, silent, seconds=60):
    """The others' p99, in milliseconds."""
    run = Run(folder, name)
    with open(PROJECT / "config/data/regions.csv") as file:
        regions = [row["code"] for row in csv.DictReader(file) if row["level"] == "2"][:20]
    for number, region in enumerate(regions):
        addresses = [webhook(place) for place in range(number * 50, number * 50 + 50)]
        if silent and number == 0:
            addresses[0] = f"http://127.0.0.1:{silent}/"
        run.subscribe("webhook", addresses, region=region)
    bulletins = [bulletin(f"{name}-{number}", regions=[regions[number % 20]]) for number in range(seconds * 20)]
    with run.worker("intake,fanout,delivery", drains=False) as worker:
        run.publish([bulletin(f"{name}-awal", regions=["ID"])])
        sink.wait(f"{name}-awal", 1000 - bool(silent), 60)
        published = run.publish(bulletins, rate=20)
        wanted = {one["id"]: 50 - bool(silent and one["regions"][0] == regions[0]) for one in bulletins}
        for one in wanted:
            sink.wait(one, wanted[one], 10)
        usage = cost(worker, sum(wanted.values()))
    waits = [(at - published[one]) / 1e6 for one in wanted for at in sink.times[one]]
    missing = sum(wanted.values()) - len(waits)
    p99 = quantile(waits, 0.99)
    say("20 bulletins/s, 50 webhooks each" + (", one hangs" if silent else ""),
        f"{statistics.median(waits):8.1f} ms p50, {p99:.1f} p99, {max(waits):.1f} at most; {missing} did not come; {usage}")
    return p99


@contextmanager
def running_broker(folder, *programs):
    """A broker of the run's own, and programs in C, built into its folder."""
    libraries = {"sink": "-pthread", "publisher": "-lrabbitmq", "bare_store": "-lsqlite3"}
    for program in programs:
        source = Path(__file__).with_name(program + ".c")
        subprocess.run(["cc", "-O2", "-o", folder / program, source, libraries[program]], check=True)
    broker = [PROJECT / "deploy/dev/broker"]
    subprocess.run([*broker, "start", folder / "mq", str(BROKER_PORT)], check=True, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        subprocess.run([*broker, "stop", folder / "mq"], stdout=subprocess.DEVNULL)


def main(parts):
    if unknown := set(parts) - {"fanout", "claim", "fairness", "hanging"}:
        sys.exit(f"{', '.join(unknown)}: there is no such part\n{__doc__}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_broker(folder, "sink", "publisher", "bare_store"):
            if {"fanout", "claim"} & set(parts):
                throughput(folder, parts)
            if "fairness" in parts:
                fairness(folder)
            if "hanging" in parts:
                hanging(folder)


if __name__ == "__main__":
    main(sys.argv[1:] or ["fanout", "claim", "fairness", "hanging"])

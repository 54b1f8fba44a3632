#!/usr/bin/env python3
"""A large store: how soon commands and the worker are there, what they take, and whether deliveries cost more than on a small one.

    Tests/Benchmarks/large.py [start] [listings] [growth]      all of them without an argument

COUNT=1000000 in the environment says how many subscriptions, BULLETINS=10 how many bulletins go to all of them, and
STORE=FOLDER where the large store is kept for a further run; without it, it is made anew and removed at the end. With the
defaults it takes 3 GB and a quarter of an hour, most of it for the store.

The store is made through the program alone: an import of COUNT feeds in all villages, then bulletins to the whole country.
The small store has a hundredth of the subscriptions and one such bulletin. Measured, as medians of five:

import    COUNT subscriptions from one CSV file, once: time, memory, and whether a terminal is shown how far it is.
start     From exec of `serve` to the last 503 of /health/ready; again with the store's files out of the page cache; and
          `kentongan --help`. /metrics is asked meanwhile.
listings  The first page of each command that has one, with its start, into /dev/null. They are compared with the help
          texts, so that no listing is left out.
growth    BURST=400 bulletins for 50 webhooks, in turns on a small and the large store: deliveries/s and CPU per delivery.
          Each small store is a new one, since the bursts themselves would let it grow.

One table comes of it. A figure that misses its aim is marked.
"""
import http.client
import os
import pty
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from engine import (FIELD, KENTONGAN, PROJECT, REGION, Run, Sink, bulletin, heading, running_broker, until, webhook)

COUNT = int(os.environ.get("COUNT", 1_000_000))
BULLETINS = int(os.environ.get("BULLETINS", 10))
BURST = int(os.environ.get("BURST", 400))
ROUNDS = 5
HOOKS = 50
# No command is tried again once its runs have taken as long as this, in seconds.
PATIENCE = 30
HTTP_PORT = 5740

# The arguments of each listing. {…} are names that the store has.
LISTINGS = {
    "bulletins list": ["", "--json"],
    "bulletins coverage": ["uji/{newest}", "uji/{newest} --levels"],
    "deliveries list": [
        "", "--json", "--bulletin uji/{oldest}", "--bulletin uji/{newest}", "--endpoint {feed}", "--endpoint {hook}",
        "--bulletin uji/{newest} --endpoint {feed}", "--bulletin uji/{newest} --state failed",
        *(f"--state {state}" for state in
          ("pending", "sending", "delivered", "failed", "expired", "cancelled", "suppressed", "bounced"))],
    "subscriptions list": ["", "--json"],
    "publishers list": [""],
    "rejected list": ["", "--json"],
    "suppressions list": [""],
    "websub list": [""],
    "regions search": ["sumber"],
    "fields list": [""],
}
# Commands without pages that an operator waits for as well.
VIEWS = ["deliveries summary", "bulletins show uji/{newest}", "deliveries show 1", "subscriptions doubles", "store clock"]

misses, scrapes = [], []


def row(name, figure, aim="", missed=False):
    """A row of the table; `figure` is text."""
    if missed:
        misses.append(name)
    print(f"{name:66} {figure:34} {aim:12} {'MISSED' if missed else ''}".rstrip(), flush=True)


def timed(name, seconds, megabytes, most, note=""):
    """The row of a time: its median and its spread; `most` is the aim in milliseconds."""
    values = [one * 1000 for one in seconds]
    median = statistics.median(values)
    spread = f"{min(values):.0f}-{max(values):.0f}" if len(values) > 1 else "once"
    row(name, f"{median:7.0f} ms ({spread}), {megabytes:.0f} MB{note}", f"{most:.0f} ms" if most else "",
        bool(most and median > most) or megabytes > 150)


def spent(command, environment, **streams):
    """Seconds until a command has ended, and its memory at most in MB.

    The kernel counts this script's own memory before exec as the command's, some 20 MB."""
    streams = {"stdout": subprocess.DEVNULL} | streams
    began = time.perf_counter()
    child = subprocess.Popen([KENTONGAN, *map(str, command)], env=environment, cwd=PROJECT, **streams)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, f"{' '.join(map(str, command))} ended with {child.returncode}"
    return seconds, usage.ru_maxrss / 1024


def peak(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def ticks(pid):
    """Seconds of CPU."""
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def ask(path):
    """The status of an answer over HTTP; None if nobody listens."""
    link = http.client.HTTPConnection("127.0.0.1", HTTP_PORT, timeout=60)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        answer.read()
        return answer.status
    except OSError:
        return None
    finally:
        link.close()


# MARK: - The stores

def prepare(folder, name):
    run = Run(folder, name)
    run.environment["KENTONGAN_HTTP_LISTEN"] = f"127.0.0.1:{HTTP_PORT}"
    return run


def fill(run, count, bulletins, tells=False):
    """Subscribes and publishes; with `tells` it adds rows to the table."""
    run.subscribe("webhook", [webhook(number) for number in range(HOOKS)], field="sosial")
    path = run.folder / "subscriptions.csv"
    write_subscriptions(path, count)
    took, megabytes, shown = import_file(run, path)
    path.unlink()
    if tells:
        aim = 60 * count / 1_000_000
        row(f"import of {count:,} subscriptions", f"{took:7.1f} s, {megabytes:.0f} MB", f"{aim:.0f} s", took > aim or megabytes > 150)
        row("its progress on a terminal", f"shown {shown} times", "", shown < 2)
    with run.worker("intake,fanout,delivery") as worker:
        began = time.perf_counter()
        # Refusals, for the listing: none of these regions exists.
        run.publish([bulletin(f"salah-{number}", regions=["99"]) for number in range(200)])
        run.publish([bulletin(f"semua-{number}", regions=["ID"]) for number in range(bulletins)])
        assert until(lambda: run.is_routed(bulletins), 3600, 0.2), "the bulletins were not routed in an hour"
        assert until(lambda: run.pending() == 0, 3600, 0.5), "the bulletins were not delivered in an hour"
        rate, megabytes = count * bulletins / (time.perf_counter() - began), peak(worker.pid)
    if tells:
        row(f"{count * bulletins:,} deliveries made and done", f"{rate:7.0f}/s, {megabytes:.0f} MB", "", megabytes > 150)
    for number in range(3):
        run.command("suppressions", "add", f"warga{number}@desa.example")


def write_subscriptions(path, count):
    """Feeds in all villages in turns, so that each index grows everywhere."""
    with open(PROJECT / "config/data/regions.csv") as file:
        villages = [line.split(",")[0] for line in file if line.startswith(tuple("123456789")) and line.count(".") >= 3]
    with open(path, "w") as file:
        file.write("channel,address,region,field\n")
        file.writelines(f"feed,umpan-{number},{villages[number % len(villages)]},{FIELD}\n" for number in range(count))


def import_file(run, path):
    """Seconds, MB, and how often the progress was shown on a terminal."""
    master, slave = pty.openpty()
    shown = []

    def watch():
        try:
            while got := os.read(master, 4096):
                shown.append(got)
        except OSError:  # The terminal's other side is closed.
            pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    took, megabytes = spent(["subscriptions", "import", path], run.environment, stderr=slave)
    os.close(slave)
    watcher.join()
    os.close(master)
    return took, megabytes, b"".join(shown).count(b"subscriptions")


# MARK: - Start

def chill(run):
    """Takes the store's files out of the page cache, as after a restart of the machine."""
    os.sync()
    for path in run.folder.glob("store.db*"):
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def starts(run, is_cold):
    """Seconds until the worker of all roles is ready, five times, and its memory at most."""
    found, megabytes = [], 0
    for _ in range(ROUNDS):
        if is_cold:
            chill(run)
        with open(run.log, "a") as log:
            began = time.perf_counter()
            worker = subprocess.Popen([KENTONGAN, "serve"], env=run.environment, cwd=PROJECT, stderr=log)
        try:
            # It may answer before its stages have said that they are not ready yet.
            ready, steady = None, 0
            while not ready or time.perf_counter() - ready < 1:
                if ask("/health/ready") == 200:
                    ready = ready or time.perf_counter()
                else:
                    ready = None
                assert worker.poll() is None and time.perf_counter() - began < 60, f"the worker is not ready; see {run.log}"
                time.sleep(0.002)
            found.append(ready - began)
            began = time.perf_counter()
            assert ask("/metrics") == 200
            scrapes.append(time.perf_counter() - began)
            megabytes = max(megabytes, peak(worker.pid))
        finally:
            worker.terminate()
            worker.wait()
    return found, megabytes


def start(run):
    helps = [spent(["--help"], run.environment) for _ in range(ROUNDS)]
    timed("kentongan --help", [seconds for seconds, _ in helps], max(memory for _, memory in helps), 50)
    seconds, megabytes = starts(run, is_cold=False)
    timed("serve until it is ready", seconds, megabytes, 1000)
    seconds, megabytes = starts(run, is_cold=True)
    timed("serve until it is ready, its store not in memory", seconds, megabytes, 1000)
    timed("/metrics, nothing pending", scrapes, megabytes, None)


# MARK: - Listings

def subcommands(*command):
    """All commands with their help texts."""
    text = subprocess.run([KENTONGAN, *command, "--help"], check=True, text=True, stdout=subprocess.PIPE).stdout
    _, _, below = text.partition("SUBCOMMANDS:\n")
    names = re.findall(r"^  (\S+)  ", below, re.M)
    if not names:
        yield " ".join(command), text
    for name in names:
        yield from subcommands(*command, name)


def listings(run):
    paged = {command for command, text in subcommands() if "--limit " in text}
    assert paged == LISTINGS.keys(), f"listings that are not measured, or are gone: {paged ^ LISTINGS.keys()}"
    names = {"oldest": "semua-0", "newest": f"semua-{BULLETINS - 1}", "feed": f"umpan-{COUNT // 2}", "hook": webhook(HOOKS // 2)}
    for command in [f"{name} {arguments}".strip() for name, each in LISTINGS.items() for arguments in each] + VIEWS:
        seconds, megabytes = [], 0
        while len(seconds) < ROUNDS and sum(seconds) < PATIENCE:
            took, memory = spent(command.format(**names).split(), run.environment)
            seconds.append(took)
            megabytes = max(megabytes, memory)
        timed(command.format(**names), seconds, megabytes, 100)


# MARK: - Growth

def growth(folder, large):
    sink = Sink(folder)
    rates, costs, memory = {"small": [], "large": []}, {"small": [], "large": []}, 0
    try:
        for number in range(ROUNDS):
            small = prepare(folder, f"small-{number}-{os.getpid()}")
            fill(small, COUNT // 100, 1)
            for name, run in [("small", small), ("large", large)][::-1 if number % 2 else 1]:
                rate, cost, megabytes = burst(run, sink, f"{name}-{number}-{os.getpid()}")
                rates[name].append(rate)
                costs[name].append(cost)
                memory = max(memory, megabytes)
    finally:
        sink.stop()
    what = f"bursts of {BURST} to {HOOKS} webhooks"
    for name, values in rates.items():
        row(f"{what}, {name} store",
            f"{statistics.median(values):7.0f}/s ({min(values):.0f}-{max(values):.0f}), {statistics.median(costs[name]):.1f} us CPU")
    row("memory of the worker in them", f"{memory:7.0f} MB", "150 MB", memory > 150)
    cpu = statistics.median(costs["large"]) / statistics.median(costs["small"])
    row("CPU per delivery, large to small", f"{cpu:7.2f} times", "1.20", cpu > 1.2)
    time_each = statistics.median(rates["small"]) / statistics.median(rates["large"])
    row("time per delivery, large to small", f"{time_each:7.2f} times", "1.20", time_each > 1.2)


def burst(run, sink, name):
    """Deliveries/s from the first arrival to the last, microseconds of CPU each, and MB at most."""
    with run.worker("intake,fanout,delivery") as worker:
        assert until(lambda: ask("/health/ready") == 200, 60), "the worker is not ready"
        send(run, sink, f"{name}-awal", 20)
        before = ticks(worker.pid)
        times = send(run, sink, name, BURST)
        assert until(lambda: run.pending() == 0, 60), "deliveries have come that are still pending"
        used = ticks(worker.pid) - before
        return len(times) / ((max(times) - min(times)) / 1e9), used / len(times) * 1e6, peak(worker.pid)


def send(run, sink, name, count):
    """When the webhooks of a burst came."""
    sink.times.clear()
    run.publish([bulletin(f"{name}-{number}", fields=["sosial"]) for number in range(count)], rate=1_000_000)
    came = until(lambda: sink.at(name) is not None and sum(map(len, sink.times.values())) >= count * HOOKS, 120, 0.05)
    assert came, f"{sum(map(len, sink.times.values()))} of {count * HOOKS} webhooks came in two minutes"
    return [at for times in sink.times.values() for at in times]


def measure(folder, parts):
    heading(f"{COUNT:,} subscriptions, {COUNT * BULLETINS:,} deliveries")
    large = prepare(folder, "large")
    if not (large.folder / "filled").exists():
        fill(large, COUNT, BULLETINS, tells=True)
        (large.folder / "filled").touch()
    if "start" in parts:
        start(large)
    if "listings" in parts:
        listings(large)
    if "growth" in parts:
        growth(folder, large)
    heading(f"{len(misses)} aims are missed" if misses else "all aims are met")


def main(parts):
    if unknown := set(parts) - {"start", "listings", "growth"}:
        sys.exit(f"{', '.join(unknown)}: there is no such part\n{__doc__}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.environ.get("STORE", name)).absolute()
        folder.mkdir(exist_ok=True)
        with running_broker(folder, "sink", "publisher"):
            measure(folder, parts)


if __name__ == "__main__":
    main(sys.argv[1:] or ["start", "listings", "growth"])

#!/usr/bin/env python3
"""Mails on loopback, beside smtp-source of Postfix and a bare pipelining client in C, all into smtp-sink of Postfix.

    Tests/Benchmarks/mail.py [client] [whole]      both without an argument

COUNT=200000 in the environment says how many mails, CONNECTIONS=8 over how many connections, ROUNDS=3 how often.

client    The SMTP client alone (SMTPBenchmark), mails of 2 KB, in turn with the two others: mails/s, CPU a mail.
whole     One bulletin to COUNT addresses: routed first, then delivered, each state recorded durably (synchronous=FULL).
"""
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import summary
from engine import PROJECT, Run, bulletin, delivered, heading, running_broker, say, until

COUNT = int(os.environ.get("COUNT", 200_000))
CONNECTIONS = int(os.environ.get("CONNECTIONS", 8))
ROUNDS = int(os.environ.get("ROUNDS", 3))
SINK_PORT = 5731
BYTES = 2048
LOAD = PROJECT / ".build/release/SMTPBenchmark"


@contextmanager
def sink():
    process = subprocess.Popen(["smtp-sink", "-u", "nobody", f"127.0.0.1:{SINK_PORT}", "1000"], stderr=subprocess.DEVNULL)
    try:
        assert until(lambda: socket.socket().connect_ex(("127.0.0.1", SINK_PORT)) == 0, 10), "smtp-sink does not listen"
        yield process
        assert process.poll() is None, "smtp-sink has ended"
    finally:
        process.terminate()
        process.wait()


def median(name, values, unit, note=""):
    say(name, f"{statistics.median(values):8.0f} {unit} ({min(values):.0f}-{max(values):.0f}, {len(values)} runs){note}")
    return statistics.median(values)


# MARK: - The client alone

def client(folder):
    heading("client")
    source, bare, own, cpu, bare_cpu, memory = [], [], [], [], [], []
    with sink():
        for _ in range(ROUNDS):
            source.append(smtp_source())
            done = re.findall(r"[\d.]+", run(folder / "bare_smtp", SINK_PORT, COUNT, CONNECTIONS, BYTES))
            bare.append(float(done[0]))
            bare_cpu.append(float(done[1]))
            done = json.loads(run(LOAD, SINK_PORT, COUNT, CONNECTIONS, BYTES))
            own.append(done["rate"])
            cpu.append(done["cpu_us"])
            memory.append(done["grown_mb"])
    theirs = median("smtp-source, sessions used again", source, "mails/s")
    limit = median("bare client in C, pipelining", bare, "mails/s", f", {statistics.median(bare_cpu):.1f} us CPU each")
    rate = median("the SMTP client", own, "mails/s", f", {statistics.median(cpu):.1f} us CPU each (aim: 25)")
    say("of smtp-source (aim: 100 %)", f"{rate / theirs:8.0%}; of the bare client {rate / limit:.0%}")
    summary.add("mails/s, the client to smtp-source", [ours / one for ours, one in zip(own, source)], "1")
    summary.add("mails/s, the client to a bare one in C", [ours / one for ours, one in zip(own, bare)])
    say("memory from 1,000 mails to the end", f"{max(memory):8} MB more")


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, text=True, stdout=subprocess.PIPE).stdout


def smtp_source():
    started = time.monotonic()
    run("smtp-source", "-d", "-s", CONNECTIONS, "-m", COUNT, "-l", BYTES, "-f", "a@bench.test", "-t", "b@bench.test",
        f"127.0.0.1:{SINK_PORT}")
    return COUNT / (time.monotonic() - started)


# MARK: - Whole deliveries

def whole(folder):
    heading("whole")
    store = Run(folder, "mail")
    store.environment |= {
        "KENTONGAN_SMTP_URL": f"smtp://127.0.0.1:{SINK_PORT}?starttls=off",
        "KENTONGAN_SMTP_CONNECTIONS": str(CONNECTIONS), "KENTONGAN_MAIL_FROM": "kabar@bench.test"}
    store.subscribe("email", [f"warga{number}@bench.test" for number in range(COUNT)])
    rates = []
    with sink():
        for number in range(1, ROUNDS + 1):
            rates.append(deliver(store, number))
    median("whole deliveries", rates, "mails/s", " (aim: 16,000)")
    summary.add("mails/s, whole deliveries to 16,000", [rate / 16_000 for rate in rates], "1")


def deliver(store, number):
    with store.worker("intake,fanout"):
        store.publish([bulletin(f"surat-{number}")])
        assert until(lambda: store.is_routed(number), 600), "the bulletin was not routed in 10 minutes"
    with store.worker("delivery") as worker:
        rate, usage = delivered(store, worker, COUNT)
        say(f"round {number}", f"{rate:8.0f} mails/s; {usage}")
    found, = store.ask("SELECT count(*) FROM deliveries WHERE state = 'delivered'")
    assert found == COUNT * number, f"{found} are delivered"
    return rate


def main(parts):
    if unknown := set(parts) - {"client", "whole"}:
        sys.exit(f"{', '.join(unknown)}: there is no such part\n{__doc__}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["cc", "-O2", "-o", folder / "bare_smtp", Path(__file__).with_name("bare_smtp.c")], check=True)
        if "client" in parts:
            client(folder)
        if "whole" in parts:
            with running_broker(folder, "publisher"):
                whole(folder)


main(sys.argv[1:] or ["client", "whole"])

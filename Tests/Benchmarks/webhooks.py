#!/usr/bin/env python3
"""Webhooks on loopback, to nginx that answers 204 to every post: what a whole delivery costs, and the client by itself.

    Tests/Benchmarks/webhooks.py [client] [whole] [latency]      all of them without an argument

COUNT=300000 in the environment says how many deliveries and posts, RUNS=3 how often the first two are measured.

client    Posts of 2 KB over 64 connections, in turn: wrk; SwiftNIO with NIOHTTP1 and nothing else; the worker's channel,
          which renders, signs and judges. Posts/s, and CPU a post.
whole     COUNT deliveries, 10 bulletins of 2 KB to a tenth of it endpoints, over 64 connections, claimed, sent and recorded with
          synchronous=FULL: deliveries/s between the first and the last.
latency   1,000 deliveries a second for a minute, as 20 bulletins for 50 endpoints each: from publishing over the broker to
          the receiver (sink.c).
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import engine
import summary
from engine import PROJECT, Run, Sink, bulletin, heading, say, until

COUNT = int(os.environ.get("COUNT", 300_000))
RUNS = int(os.environ.get("RUNS", 3))
POSTS = os.environ.get("POSTS_BIN", PROJECT / ".build/release/PostBenchmark")
PORT, CONNECTIONS, BULLETINS = 5740, 64, 10
# One of 2 cores is enough for it, and leaves the other.
NGINX = """
worker_processes 1;
daemon off;
pid %(folder)s/nginx.pid;
error_log %(folder)s/nginx.log;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path %(folder)s; proxy_temp_path %(folder)s; fastcgi_temp_path %(folder)s;
    uwsgi_temp_path %(folder)s; scgi_temp_path %(folder)s;
    keepalive_requests 100000000;
    server { listen 127.0.0.1:%(port)d backlog=1024; location / { return 204; } }
}
"""
WRK = """
wrk.method = "POST"
wrk.body = string.rep("x", 2048)
wrk.headers["content-type"] = "application/json"
"""


def install():
    """What is missing, as root or by sudo."""
    missing = [package for package, file in (("nginx-light", "/usr/sbin/nginx"), ("wrk", "/usr/bin/wrk"))
               if not Path(file).exists()]
    if missing:
        as_root = [] if os.getuid() == 0 else ["sudo"]
        subprocess.run([*as_root, "apt-get", "update", "-qq"], check=True)
        subprocess.run([*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq",
                        "--no-install-recommends", *missing], check=True)


@contextmanager
def nginx(folder):
    (folder / "nginx.conf").write_text(NGINX % {"folder": folder, "port": PORT})
    (folder / "post.lua").write_text(WRK)
    server = subprocess.Popen(["/usr/sbin/nginx", "-c", folder / "nginx.conf", "-p", folder])
    try:
        assert until(lambda: (folder / "nginx.pid").exists(), 10), "nginx does not start"
        yield
    finally:
        server.terminate()
        server.wait()


# MARK: - The client by itself

def client(folder):
    heading("client")
    found = {name: [] for name in ("wrk", "bare", "client")}
    for _ in range(RUNS):
        found["wrk"].append((wrk(folder), 0))
        for mode in ("bare", "client"):
            done = subprocess.run([POSTS, mode, str(PORT), str(COUNT), str(CONNECTIONS)], check=True, text=True,
                                  stdout=subprocess.PIPE)
            found[mode].append(tuple(map(float, done.stdout.split())))
    for name, label in ("wrk", "wrk"), ("bare", "SwiftNIO with NIOHTTP1"), ("client", "the channel, signed"):
        rates, costs = zip(*found[name])
        say(label, f"{statistics.median(rates):8.0f} posts/s ({min(rates):.0f}-{max(rates):.0f})"
            + (f", {statistics.median(costs):.1f} us CPU each" if name != "wrk" else ""))
    ratios = [one[1] / bare[1] for one, bare in zip(found["client"], found["bare"])]
    say("the channel to bare SwiftNIO", f"{statistics.median(ratios):8.2f} times the CPU (aim: 1.5)")
    summary.add("CPU per post, the channel to bare SwiftNIO", ratios, "at most 1.5")
    return statistics.median(rate for rate, _ in found["wrk"])


def wrk(folder, seconds=5):
    done = subprocess.run(
        ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", str(seconds), "-s", folder / "post.lua",
         f"http://127.0.0.1:{PORT}/"], check=True, text=True, stdout=subprocess.PIPE)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])


# MARK: - Whole deliveries

def whole(folder, posts):
    heading("whole")
    rates = []
    for number in range(RUNS):
        run = Run(folder, f"whole-{number}")
        run.environment |= {"KENTONGAN_WEBHOOKS_CONCURRENCY": str(CONNECTIONS),
                            "KENTONGAN_WEBHOOKS_PER_HOST": str(CONNECTIONS)}
        run.subscribe("webhook", [f"http://127.0.0.1:{PORT}/{number}" for number in range(COUNT // BULLETINS)])
        with run.worker("intake,fanout"):
            run.publish([bulletin(f"b{number}") for number in range(BULLETINS)])
            assert until(lambda: run.is_routed(BULLETINS), 300, 0.1), "the bulletins were not routed in 5 minutes"
        with run.worker("delivery") as worker:
            rate, usage = engine.delivered(run, worker, COUNT)
        attempts, = run.ask("SELECT count(*) FROM attempts WHERE outcome = 'delivered' AND code = '204'")
        assert attempts == COUNT, f"{attempts} attempts"
        rates.append(rate)
        say("whole deliveries", f"{rate:8.0f}/s; {usage}")
    middle = statistics.median(rates)
    say("whole, of all runs", f"{middle:8.0f}/s ({min(rates):.0f}-{max(rates):.0f}; aim: 15000)"
        + (f", {middle / posts:.0%} of wrk's posts" if posts else ""))
    summary.add("webhooks/s, whole deliveries to 25,000", [rate / 25_000 for rate in rates], "1")


def latency(folder):
    heading("latency")
    sink = Sink(folder)
    try:
        p99 = engine.steady(folder, sink, "latensi", None)
    finally:
        sink.stop()
    say("from publishing to receipt", f"{p99:8.1f} ms for 99 of 100 (aim: 20)")


def main(parts):
    if unknown := set(parts) - {"client", "whole", "latency"}:
        sys.exit(f"{', '.join(unknown)}: there is no such part\n{__doc__}")
    install()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chmod(folder, 0o755)
        posts = None
        with nginx(folder):
            if "client" in parts:
                posts = client(folder)
            if "whole" in parts:
                with engine.running_broker(folder, "publisher"):
                    whole(folder, posts)
        if "latency" in parts:
            with engine.running_broker(folder, "sink", "publisher"):
                latency(folder)


if __name__ == "__main__":
    main(sys.argv[1:] or ["client", "whole", "latency"])

#!/usr/bin/env python3
"""The portal's feeds beside nginx, which serves the very same bytes from files, in turns on the same machine.

    Tests/Benchmarks/feeds.py [stock ...]      of 1000 and 1000000 bulletins without an argument

SECONDS=8 in the environment says how long each run takes, ROUNDS=3 how many there are, CONNECTIONS=64 how many clients.

For each stock of bulletins a store is filled, in which a province's feed has 50 items of together 50 KB, and wrk asks for
it: in full, by gzip, and by If-None-Match (304). The figures are medians over the rounds; CPU is what a request takes of
the server, which others on the machine disturb less. Then something is changed in
another feed, many times, and each time a feed is asked for: how long the first answer takes, which looks its entries up
again, for feeds of a region, a field that is rare, a publisher, a kind and a village.
"""
import csv
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import summary

PROJECT = Path(__file__).resolve().parents[2]
KENTONGAN = os.environ.get("KENTONGAN_BIN", PROJECT / ".build/release/kentongan")
SECONDS, ROUNDS = int(os.environ.get("SECONDS", 8)), int(os.environ.get("ROUNDS", 3))
CONNECTIONS = int(os.environ.get("CONNECTIONS", 64))
PROVINCE, PATH = "73", "/feeds/73.rss"
WORDS = "warga diminta menjauh dari bantaran sungai selama hujan lebat di hulu dan menunggu kabar dari balai desa "


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


PORT, NGINX_PORT = free_port(), free_port()


def install():
    if missing := [package for program, package in (("nginx", "nginx-light"), ("wrk", "wrk")) if not shutil.which(program)]:
        as_root = [] if os.geteuid() == 0 else ["sudo"]
        subprocess.run([*as_root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], check=True,
                       env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, stdout=subprocess.DEVNULL)


def run(*arguments, **environment):
    subprocess.run([KENTONGAN, *arguments], env=os.environ | environment, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)


def fill(store, stock):
    """So many bulletins, of which the newest 50 are to the province; the others are to villages elsewhere."""
    with open(PROJECT / "config/data/regions.csv", encoding="utf-8", newline="") as file:
        villages = [row["code"] for row in csv.DictReader(file) if row["level"] == "4" and not row["code"].startswith(PROVINCE)]
    fields = ("kesehatan.stunting", "desa", "pangan", "sosial.bantuan", "pendidikan")
    db = sqlite3.connect(store)
    db.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;"
                     "CREATE TEMP TABLE items (region, field, list, place, bulletin);")
    at = 1_790_000_000_000
    for start in range(0, stock, 50_000):
        bulletins, payloads, items = [], [], []
        for number in range(start + 1, min(start + 50_000, stock) + 1):
            is_newest = number > stock - 50
            region = PROVINCE if is_newest else villages[number * 7919 % len(villages)]
            # The rare field has 20 in all, the oldest.
            field = "perpustakaan-arsip" if number <= 20 else fields[number % len(fields)]
            kind = "proposal" if number % 1000 == 0 else "announcement"
            publisher = f"unit.{number % 500}"
            made = {"id": f"b{number}", "kind": kind, "publisher": publisher, "title": f"Kabar nomor {number}", "regions": [region],
                    "fields": [field], "body": WORDS * (5 if is_newest else 1)}
            if kind == "proposal":
                made["proposal"] = {"state": "submitted"}
            code = 2 if kind == "proposal" else 1
            bulletins.append((number, publisher, made["id"], code, made["title"], region, field, at + number, at + number, number))
            payloads.append((number, json.dumps(made).encode()))
            items += [(*place, number, number) for place in places(region, field, code)]
        db.executemany(
            "INSERT INTO bulletins (id, publisher, name, revision, kind, title, urgency, is_withdrawal, state, regions, fields, targets,"
            " received_at, first_received_at, digest, routed_at, completed_at, feed_place, in_feeds)"
            " VALUES (?, ?, ?, 1, ?, ?, 0, 0, 'published', ?, ?, '[]', ?, ?, x'00', 1, 1, ?, 1)", bulletins)
        db.executemany("INSERT INTO payloads (bulletin, payload) VALUES (?, ?)", payloads)
        db.executemany("INSERT INTO temp.items VALUES (?, ?, ?, ?, ?)", items)
    db.execute("INSERT INTO feed_items (region, field, list, place, bulletin) SELECT * FROM temp.items ORDER BY 1, 2, 3, 4")
    db.execute("UPDATE feed_generation SET number = ?", [stock])
    db.commit()
    db.close()


def places(region, field, kind):
    """The lists that a bulletin to one region stands in; see Migrations/001_initial.sql."""
    parts = region.split(".")
    codes = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    topics = {"*", field, field.split(".")[0]}
    return [(number(code), topic, kind + (4 if code == region else 0)) for code in ["ID", *codes] for topic in topics]


def number(code):
    return 0 if code == "ID" else int("".join(code.split(".")).ljust(10, "0"))


def get(port, path, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def wait_for(port, path, process):
    for _ in range(600):
        assert process.poll() is None, "the server has ended"
        try:
            return get(port, path)
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing answers on port {port}")


def start_nginx(folder, body, packed):
    (folder / "html/feeds").mkdir(parents=True)
    (folder / ("html" + PATH)).write_bytes(body)
    (folder / ("html" + PATH + ".gz")).write_bytes(packed)
    (folder / "nginx.conf").write_text(f"""
daemon off; pid {folder}/pid; error_log stderr crit; worker_processes auto;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=100; gzip_static on;
    types {{ application/rss+xml rss; }}
    server {{ listen 127.0.0.1:{NGINX_PORT} reuseport; root {folder}/html; add_header Cache-Control "public, max-age=60";
        add_header Access-Control-Allow-Origin "*"; }}
}}""")
    user = ["-g", "user root;"] if os.geteuid() == 0 else []
    return subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf", *user], stderr=subprocess.DEVNULL)


def cpu(process):
    """Seconds of CPU that a process and its children have taken."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
        processes = [process.pid, *map(int, file.read().split())]
    ticks = 0
    for pid in processes:
        with open(f"/proc/{pid}/stat") as file:
            ticks += sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def wrk(port, headers, process):
    """Requests a second, the 99th of 100 latencies in milliseconds, and the server's CPU a request in microseconds."""
    before = cpu(process)
    arguments = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    done = subprocess.run(
        ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{SECONDS}s", "--latency", *arguments, f"http://127.0.0.1:{port}{PATH}"],
        check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in done and "Socket errors" not in done, done
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", done).groups()
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done).group(1))
    requests = int(re.search(r"(\d+) requests in", done).group(1))
    return rate, float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit], (cpu(process) - before) / requests * 1_000_000


def compare(name, stock, worker, nginx, headers):
    runs = [], []
    for _ in range(ROUNDS):
        runs[0].append(wrk(PORT, headers(PORT), worker))
        runs[1].append(wrk(NGINX_PORT, headers(NGINX_PORT), nginx))
    ours, others = ([statistics.median(values) for values in zip(*each)] for each in runs)
    spread = " | ".join(", ".join(f"{rate:,.0f}" for rate, *_ in each) for each in runs)
    print(f"  {name:5}{ours[0]:8,.0f}/s, {ours[0] / others[0]:4.0%} of nginx ({others[0]:,.0f}/s); 99 of 100 within {ours[1]:.2f} ms"
          f" (nginx {others[1]:.2f} ms); {ours[2]:.1f} us of CPU (nginx {others[2]:.1f} us)   runs: {spread}", flush=True)
    summary.add(f"feed, {name}, {stock:,} stored, requests/s to nginx", [mine[0] / its[0] for mine, its in zip(*runs)], "0.5")


def look_ups(store):
    """The time of a first answer after something was changed, of a feed whose entries stayed as they were."""
    village = "11.01.01.2001"
    for name, path in (("province", PATH), ("rare field", "/feeds/ID/perpustakaan-arsip.rss"), ("publisher", "/feeds/publishers/unit.7.rss"),
                       ("kind", "/feeds/kinds/proposal.rss"), ("village", f"/feeds/{village}.rss"), ("country", "/feeds/ID.rss")):
        db = sqlite3.connect(store, isolation_level=None)
        times = []
        for _ in range(101):
            db.execute("UPDATE feed_generation SET number = number + 1")
            time.sleep(0.003)
            began = time.perf_counter()
            answer, _ = get(PORT, path)
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status == 200, path
        db.close()
        print(f"  first answer after a change, {name:10} {statistics.median(times):.2f} ms", flush=True)


def measure(stock):
    with tempfile.TemporaryDirectory(prefix="kentongan-feeds-") as folder:
        folder = Path(folder)
        environment = {"KENTONGAN_STORE_URL": f"sqlite:{folder}/store.db", "KENTONGAN_HTTP_LISTEN": f"127.0.0.1:{PORT}",
                       "KENTONGAN_HTTP_PUBLIC_URL": f"http://127.0.0.1:{PORT}", "KENTONGAN_LOG_LEVEL": "warning",
                       "KENTONGAN_MAIL_FOLDER": f"{folder}/mail"}
        run("store", "migrate", **environment)
        run("publishers", "add", "unit.7", "--name", "Unit", "--amqp-user", "u", "--kind", "announcement", "--region", "ID", **environment)
        fill(folder / "store.db", stock)
        worker = subprocess.Popen([KENTONGAN, "serve", "--roles", "portal"], env=os.environ | environment, cwd=PROJECT)
        nginx = None
        try:
            answer, body = wait_for(PORT, PATH, worker)
            assert answer.status == 200
            _, packed = get(PORT, PATH, {"Accept-Encoding": "gzip"})
            nginx = start_nginx(folder, body, packed)
            assert wait_for(NGINX_PORT, PATH, nginx)[1] == body
            print(f"{stock:,} bulletins stored; the feed has {body.count(b'<item>')} items, {len(body):,} bytes ({len(packed):,} by gzip);"
                  f" load average {os.getloadavg()[0]:.2f}", flush=True)
            compare("full", stock, worker, nginx, lambda port: {})
            compare("gzip", stock, worker, nginx, lambda port: {"Accept-Encoding": "gzip"})
            compare("304", stock, worker, nginx, lambda port: {"If-None-Match": get(port, PATH)[0].headers["ETag"]})
            look_ups(folder / "store.db")
            with open(f"/proc/{worker.pid}/status") as status:
                print("  memory of the worker:", re.search(r"VmRSS:\s+(\d+)", status.read()).group(1), "KiB", flush=True)
        finally:
            for process in filter(None, (nginx, worker)):
                process.send_signal(signal.SIGTERM)
                process.wait(60)


def main():
    install()
    for stock in map(int, sys.argv[1:] or ("1000", "1000000")):
        measure(stock)


if __name__ == "__main__":
    main()

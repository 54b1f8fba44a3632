"""Memory that does not grow with what strangers send: large bulletins that wait for hosts which hang, files to read in."""
import contextlib
import json
import socket
import sqlite3
import time

import pytest

from bulletins import bulletin
from flood import flood

COUNT, SIZE = 300, 250 * 1024
# 224 MB in one run of a debug build.
MOST = 350 << 20
SETTINGS = {"KENTONGAN_WEBHOOKS_PER_HOST": "4"}


def fat(number):
    """A bulletin that fills its 256 KiB with a member that nobody knows, of small numbers."""
    made = bulletin(id=f"gemuk-{number}", regions=["73.71"])
    return made | {"x-angka": [7] * ((SIZE - len(json.dumps(made))) // 3)}


def taken(worker):
    with contextlib.closing(sqlite3.connect(f"file:{worker.store}?mode=ro", uri=True)) as db:
        return db.execute("SELECT count(*) FROM bulletins").fetchone()[0]


def watched(worker, is_over, seconds):
    """The most memory until something comes true, or for so long."""
    most, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline and not is_over():
        most = max(most, worker.resident_bytes())
        time.sleep(0.1)
    return most


def test_large_bulletins_that_wait_for_hosts_are_not_all_held(worker, host):
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for number in range(2):
            worker.subscribe("webhook", f"{url}/{number}", ["73.71"])
        flood(host, "uji", map(fat, range(COUNT)), "announcement.uji", lambda _: None)
        peak = watched(worker, lambda: taken(worker) == COUNT, 300)
        peak = max(peak, watched(worker, lambda: False, 10))
        assert taken(worker) == COUNT, f"{taken(worker)} were taken"
    print(f"{peak >> 20} MB at most")
    assert peak < MOST, f"{peak >> 20} MB"


@pytest.mark.parametrize("command", [("subscriptions", "import"), ("publishers", "import")])
def test_a_file_without_end_is_refused(program, tmp_path, command):
    path = tmp_path / "tanpa-akhir.csv"
    with open(path, "wb") as file:
        file.truncate(300 << 20)
    assert "256 MiB" in program.command(*command, path, expect=2).stderr

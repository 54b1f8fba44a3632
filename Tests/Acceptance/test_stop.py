"""SIGTERM ends the program within its grace time and five seconds, whatever hangs; where it had to be ended hard, the exit
code is not 0 and the log says what had not ended."""
import contextlib
import signal
import subprocess
import sys
import time

import pytest

from broker import Broker
from bulletins import bulletin, identity
from publishing import Publishing
from rawserver import RawServer
from waiting import eventually
from worker import Worker

GRACE = 1
LIMIT = GRACE + 5
# The machine of the tests is busy.
SLACK = 4

# Each takes a lock of the store's, says so, and keeps it.
SQLITE_LOCK = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(600)
"""
FILE_LOCK = """
import fcntl, sys, time
file = open(sys.argv[1] + ".lock", "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def holding(lock, store):
    """Another process that has the lock; its number."""
    process = subprocess.Popen([sys.executable, "-c", lock, store], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"held\n"
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """A node of the module's own, since it is frozen."""
    with Broker.running(tmp_path_factory.mktemp("stop") / "node") as broker:
        yield broker


@pytest.fixture
def host(broker, request):
    host = broker.add_host(request.node.name[:60].replace("[", ".").rstrip("]"), ["uji"])
    yield host
    host.close()


@pytest.fixture
def running(tmp_path, host, mail):
    worker = Worker(tmp_path / "worker", host, mail.port, KENTONGAN_DELIVERY_GRACE=str(GRACE))
    worker.command("store", "migrate")
    worker.register("uji", emergency=True)
    worker.start()
    yield worker
    worker.close()


def terminate(worker):
    """The exit code, which comes in time."""
    began = time.monotonic()
    worker.process.send_signal(signal.SIGTERM)
    code = worker.process.wait(60)
    took = time.monotonic() - began
    assert took < LIMIT + SLACK, f"{took} s: {worker.log_tail()}"
    return code


@pytest.mark.parametrize("lock", [SQLITE_LOCK, FILE_LOCK], ids=["sqlite", "file"])
def test_a_lock_of_the_store_that_another_process_keeps(running, host, lock):
    made = bulletin()
    with holding(lock, running.store):
        Publishing(host).send(made)
        time.sleep(1)
        assert terminate(running) != 0
    assert "intake" in running.log_tail().partition("had not ended: ")[2], running.log_tail()
    # What was not recorded was not acknowledged.
    running.start()
    eventually(lambda: identity(made) in [row["id"] for row in running.listing("bulletins", "list")])
    running.stop()


def test_a_broker_that_is_frozen(running, broker):
    broker.signal(signal.SIGSTOP)
    try:
        terminate(running)
    finally:
        broker.signal(signal.SIGCONT)


def test_a_receiver_that_never_answers(running, host):
    with contextlib.closing(RawServer(lambda connection, number: time.sleep(30))) as silent:
        running.subscribe("webhook", f"http://127.0.0.1:{silent.port}/", ["33.01"])
        Publishing(host).send(bulletin(regions=["33.01"]))
        eventually(lambda: any(row["state"] == "sending" for row in running.listing("deliveries", "list")))
        assert terminate(running) == 0


def test_the_start_and_the_stop_are_told(running, host):
    running.stop()
    log = running.log_tail()
    for word in ("kentongan starts", "version=", "roles=intake,fanout,delivery,portal,hub,upkeep", "127.0.0.1", str(running.store)):
        assert word in log, log
    assert "kentongan stopped" in log and "took=" in log and "0 deliveries" in log
    assert "rahasia" not in log


def test_health_is_served_without_the_portal(running):
    running.stop()
    process = subprocess.Popen(
        [running.binary, "serve", "--roles", "intake"], env=running.environment, stderr=subprocess.PIPE)
    try:
        eventually(running.is_ready, timeout=30)
        assert b"kentongan_ready 1" in running.get("/metrics").body and running.get("/feeds/33.rss").status == 404
        # A second one, whose configuration names the same address, works without.
        other = subprocess.Popen(
            [running.binary, "serve", "--roles", "delivery"], env=running.environment, stderr=subprocess.PIPE)
        for line in other.stderr:
            if b"health and metrics are not served here" in line:
                break
        other.send_signal(signal.SIGTERM)
        assert other.communicate(timeout=20) and other.returncode == 0
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)

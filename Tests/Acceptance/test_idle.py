"""A worker that has nothing to send, or may not send it, leaves the machine alone: CPU time and bytes written."""
import contextlib
import os
import resource
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from broker import free_port
from bulletins import after, bulletin
from publishing import Publishing
from worker import Worker

SECONDS = 20
# Per cent of a core. The aim is 0.5; a debug build, on a machine that is shared, gets three times that.
MOST_CPU = 1.5
# A worker that makes attempts now and then records them.
MOST_BYTES = 128 * 1024
# What a mail may cost a debug build that sends five a second: it is claimed, looked at, rendered, sent and recorded.
CPU_OF_MAIL, BYTES_OF_MAIL = 0.01, 256 * 1024
MANY = 20_000
REGION = "73.71"


def used(worker):
    """Ticks of CPU, and bytes written to files and sockets."""
    process = Path(f"/proc/{worker.process.pid}")
    ticks = sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:13]))
    written = dict(line.split(": ") for line in (process / "io").read_text().splitlines())
    return ticks, int(written["wchar"])


def measure(workers):
    """What each of the workers takes in SECONDS, all of them together. The smaller of two measures: what a state costs by
    itself is in both, what begins or ends is in one."""
    def once():
        before = {name: used(worker) for name, worker in workers.items()}
        time.sleep(SECONDS)
        return {name: tuple(b - a for a, b in zip(before[name], used(worker))) for name, worker in workers.items()}

    first, second = once(), once()
    return {name: tuple(map(min, first[name], second[name])) for name in workers}


def refused(found, mails=0):
    """The states that took too much, with what they took, beside what so many mails a second cost."""
    cpu_limit, byte_limit = MOST_CPU + 100 * CPU_OF_MAIL * mails, MOST_BYTES + BYTES_OF_MAIL * mails
    told = {}
    for name, (ticks, written) in found.items():
        cpu, rate = 100 * ticks / os.sysconf("SC_CLK_TCK") / SECONDS, written / SECONDS
        if cpu > cpu_limit or rate > byte_limit:
            told[name] = f"{cpu:.2f} % of a core, {rate:.0f} bytes/s"
    return told


@pytest.fixture
def made(request, tmp_path, broker, mail):
    """Makes workers, each with a virtual host of its own; they run until the test's end."""
    with contextlib.ExitStack() as stack:
        def make(name, start=True, **settings):
            host = broker.add_host(f"idle-{name}", ["uji"])
            stack.callback(host.close)
            worker = Worker(tmp_path / name, host, settings.pop("mail_port", mail.port), **settings)
            worker.host = host
            stack.callback(worker.close)
            worker.command("store", "migrate")
            worker.register("uji", emergency=True)
            return worker.start() if start else worker

        yield make


def subscribe_many(worker, channel, count, urls=None):
    address = urls or (lambda number: f"warga{number}@w.example")
    lines = ["channel,address,region,field", *(f"{channel},{address(number)},{REGION},*" for number in range(count))]
    (worker.folder / "many.csv").write_text("\n".join(lines) + "\n")
    worker.command("subscriptions", "import", worker.folder / "many.csv", timeout=300)


def publish(worker, **members):
    publishing = Publishing(worker.host)
    sent = bulletin(regions=[REGION], **members)
    publishing.wait(publishing.send(sent), "routed", "scheduled", timeout=120)
    return sent


def fill_hub(worker, port):
    """Subscriptions to a feed of the hub, whose callbacks nobody answers."""
    with contextlib.closing(sqlite3.connect(worker.store)) as db, db:
        db.executemany("""
            INSERT INTO hub_subscriptions (id, callback, host, topic, region, field, kinds, contents, state, created_at,
                renewed_at, expires_at)
            VALUES (?, ?, '127.0.0.1', '/feeds/73.71.rss', 7371000000, '*', 3, 0, 'active', 1, 1, 9000000000000)""",
                       [(number, f"http://127.0.0.1:{port}/{number}") for number in range(1, 501)])


def fill_disk(worker):
    """A worker's files cannot grow from now on."""
    resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (8192, 8192))


def ignoring_signal(worker):
    """Of a file that may not grow a signal tells, of a disk that is full none does."""
    wrapper = worker.folder / "kentongan"
    wrapper.write_text(f"#!/bin/sh\ntrap '' XFSZ\nexec {worker.binary} \"$@\"\n")
    wrapper.chmod(0o755)
    worker.binary = wrapper
    return worker


def test_workers_without_anything_to_do_take_no_cpu(made):
    idle = made("idle")
    scheduled = made("scheduled")
    for number in range(50):
        Publishing(scheduled.host).send(bulletin(regions=[REGION], publishAt=after(3600 + number)))
    lonely = made("no-broker", start=False)
    lonely.environment["KENTONGAN_AMQP_URL"] = f"amqp://uji:rahasia@127.0.0.1:{free_port()}/"
    lonely.spawn()
    time.sleep(10)
    found = measure({"idle": idle, "scheduled": scheduled, "no broker": lonely})
    assert not refused(found), refused(found)


def test_workers_that_cannot_go_on_take_no_cpu(made):
    full = ignoring_signal(made("full", start=False)).start()
    subscribe_many(full, "email", 1000)
    fill_disk(full)
    for _ in range(20):
        Publishing(full.host).send(bulletin(regions=[REGION]))
    hub = made("hub", start=False)
    fill_hub(hub, free_port())
    publish(hub.start())
    time.sleep(10)
    found = measure({"full disk": full, "hub without callbacks": hub})
    assert full.process.poll() is None, full.log_tail()
    assert "deliveries" in full.log_tail() or "bulletins" in full.log_tail() or "disk" in full.log_tail(), full.log_tail()
    assert not refused(found), refused(found)


def test_workers_that_may_not_send_take_no_cpu(made):
    by_rate = made("rate", KENTONGAN_SMTP_RATE="5")
    by_pause = made("paused", mail_port=free_port())
    down = free_port()
    all_down = made("down")
    silent = made("silent")
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as nobody:
        subscribe_many(by_rate, "email", MANY)
        subscribe_many(by_pause, "email", MANY)
        subscribe_many(all_down, "webhook", 2000, lambda number: f"http://127.0.1.{number % 250 + 1}:{down}/{number}")
        subscribe_many(silent, "webhook", 2000, lambda number: f"http://127.0.0.1:{nobody.getsockname()[1]}/{number}")
        workers = {"smtp.rate": by_rate, "relay is down": by_pause, "all hosts are down": all_down, "a host hangs": silent}
        for worker in workers.values():
            publish(worker)
        time.sleep(20)
        found = measure(workers)
    # In its first minutes a host that hangs is still tried, and what waits for it is looked at less and less often.
    sending = {name: found.pop(name) for name in ("smtp.rate", "a host hangs")}
    assert not refused(found) | refused(sending, mails=5), refused(found) | refused(sending, mails=5)


def test_a_worker_with_a_backlog_at_a_host_with_a_rate_takes_no_cpu(made, hooks):
    worker = made("rate-per-host", KENTONGAN_WEBHOOKS_RATE_PER_HOST="5")
    subscribe_many(worker, "webhook", 5000, lambda number: f"{hooks.url}/laju/{number}")
    publish(worker)
    time.sleep(10)
    found = measure({"webhooks.ratePerHost": worker})
    assert not refused(found, mails=5), refused(found, mails=5)

"""A worker that has nothing to send, or may not send it, leaves the machine alone: CPU time and bytes written."""
import contextlib
import os
import socket
import time
from pathlib import Path

import pytest

from broker import free_port
from bulletins import after, bulletin
from publishing import Publishing
from waiting import eventually
from worker import Worker

SECONDS = 20
# The aim is 0.5 % of a core, 10 ticks of these 2,000. A debug build, on a machine that is shared, gets three times that.
MOST_TICKS = 30
MOST_BYTES = 64 * 1024 * SECONDS
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


def refused(found):
    """The states that took too much, with what they took."""
    ticks = os.sysconf("SC_CLK_TCK") * SECONDS
    return {name: f"{100 * cpu / ticks:.2f} % of a core, {written} bytes" for name, (cpu, written) in found.items()
            if cpu > MOST_TICKS * os.sysconf("SC_CLK_TCK") / 100 or written > MOST_BYTES}


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


def test_workers_that_may_not_send_take_no_cpu(made, hooks):
    by_rate = made("rate", KENTONGAN_SMTP_RATE="5")
    by_host = made("rate-per-host", KENTONGAN_WEBHOOKS_RATE_PER_HOST="5")
    by_pause = made("paused", mail_port=free_port())
    down = free_port()
    all_down = made("down")
    silent = made("silent")
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as nobody:
        subscribe_many(by_rate, "email", MANY)
        subscribe_many(by_host, "webhook", MANY, lambda number: f"{hooks.url}/laju/{number}")
        subscribe_many(by_pause, "email", MANY)
        subscribe_many(all_down, "webhook", 2000, lambda number: f"http://127.0.1.{number % 250 + 1}:{down}/{number}")
        subscribe_many(silent, "webhook", 2000, lambda number: f"http://127.0.0.1:{nobody.getsockname()[1]}/{number}")
        workers = {"smtp.rate": by_rate, "webhooks.ratePerHost": by_host, "relay is down": by_pause,
                   "all hosts are down": all_down, "a host hangs": silent}
        for worker in workers.values():
            publish(worker)
        time.sleep(20)
        found = measure(workers)
    assert not refused(found), refused(found)

"""A store that is taken away, replaced or full while `serve` has it open: nothing is acknowledged into it, the worker is
not ready and says why once, and goes on by itself where that is possible."""
import os
import shutil
import sqlite3
import subprocess
import time
from types import SimpleNamespace

import pytest

from bulletins import bulletin, identity
from publishing import Publishing
from waiting import eventually
from worker import Program, Worker

INTAKE = "kentongan.announcements"


@pytest.fixture
def run(request, tmp_path, broker, mail):
    """A worker that runs, with its store in a folder of its own."""
    host = broker.add_host(request.node.name[:60], ["uji"])
    folder = tmp_path / "store"
    folder.mkdir()
    worker = Worker(tmp_path, host, mail.port, KENTONGAN_STORE_URL=f"sqlite:{folder / 'k.db'}", KENTONGAN_DELIVERY_GRACE="2")
    worker.store = folder / "k.db"
    worker.command("store", "migrate")
    worker.register("uji", emergency=True)
    worker.start()
    run = SimpleNamespace(worker=worker, host=host, publishing=Publishing(host), folder=folder, other=tmp_path / "other")
    run.before = bulletin()
    run.publishing.wait(run.publishing.send(run.before), "completed")
    yield run
    worker.close()
    host.close()


def checkpoint(run):
    with sqlite3.connect(run.worker.store) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def remove(run):
    for path in run.folder.glob("k.db*"):
        if path.suffix != ".key":
            path.unlink()


def remove_only_the_database(run):
    run.worker.store.unlink()


def remove_the_log(run):
    (run.folder / "k.db-wal").unlink()


def remove_the_key(run):
    (run.folder / "k.db.key").unlink()


def remove_the_folder(run):
    shutil.rmtree(run.folder)


def another(run):
    other = Program(run.other, KENTONGAN_STORE_URL=f"sqlite:{run.other / 'k.db'}")
    other.command("store", "migrate")
    return run.other / "k.db"


def move_another_over_it(run):
    os.replace(another(run), run.worker.store)


def copy_another_over_it(run):
    shutil.copyfile(another(run), run.worker.store)


def copy_an_older_state_over_it(run):
    checkpoint(run)
    shutil.copyfile(run.worker.store, run.folder / "backup")
    for _ in range(30):
        run.publishing.send(bulletin(body="x" * 20_000))
    run.publishing.wait(run.publishing.send(bulletin()), "completed")
    checkpoint(run)
    # The worker looks every 2 s.
    time.sleep(3)
    shutil.copyfile(run.folder / "backup", run.worker.store)


def empty_it(run):
    os.truncate(run.worker.store, 0)


def reason(worker):
    answer = worker.get("/health/ready")
    return answer.body.decode() if answer.status == 503 else ""


def log_lines(worker, text):
    log = (worker.folder / "serve.log").read_text(errors="replace")
    return sum(text in line for line in log.split("\n"))


def waiting(run):
    """Messages that wait in the queue, once nobody has them."""
    return run.host.channel("kentongan").queue_declare(INTAKE, passive=True).method.message_count


@pytest.mark.parametrize("fault", [
    remove, remove_only_the_database, remove_the_log, remove_the_folder, move_another_over_it, copy_another_over_it,
    copy_an_older_state_over_it, empty_it])
def test_nothing_is_acknowledged_into_a_store_that_is_gone(run, fault):
    fault(run)
    correlations = [run.publishing.send(bulletin()) for _ in range(3)]
    told = eventually(lambda: "store: " in reason(run.worker) and reason(run.worker), timeout=10, what=run.worker.log_tail)
    assert str(run.worker.store) in told and "backup" in told
    time.sleep(3)
    assert log_lines(run.worker, "the store is lost") == 1, run.worker.log_tail()
    assert not any(run.publishing.events(correlation) for correlation in correlations)
    run.worker.stop()
    eventually(lambda: waiting(run) == 3)


@pytest.mark.parametrize("fault", [remove, remove_only_the_database, remove_the_folder])
def test_no_command_makes_a_new_store_where_one_was_lost(run, fault):
    fault(run)
    left = sorted(path.name for path in run.folder.glob("*"))
    for command in (["publishers", "list"], ["subscriptions", "add", "--feed", "--region", "33"], ["check"], ["serve"]):
        done = run.worker.command(*command, expect=1)
        told = done.stderr + done.stdout
        assert str(run.worker.store) in told and "backup" in told
    if fault is not remove_the_folder:
        assert run.worker.command("store", "migrate", expect=1)
    assert not run.worker.store.exists() and set(left) >= {
        path.name for path in run.folder.glob("*")} - {"k.db.lock"}


def test_a_store_that_is_moved_away_and_back_goes_on(run):
    away = run.folder.with_name("away")
    run.folder.rename(away)
    correlation = run.publishing.send(bulletin())
    eventually(lambda: "is gone" in reason(run.worker), timeout=10)
    away.rename(run.folder)
    run.publishing.wait(correlation, "completed")
    eventually(lambda: run.worker.is_ready())
    assert log_lines(run.worker, "the store is lost") == log_lines(run.worker, "store is well again") == 1
    run.worker.stop()


def test_a_missing_key_is_told_before_the_worker_is_started_again(run):
    remove_the_key(run)
    eventually(lambda: "k.db.key" in reason(run.worker), timeout=10)
    run.worker.stop()


def test_commands_beside_the_worker_are_no_fault(run):
    """They write, and write the log back."""
    for number in range(20):
        run.worker.subscribe("email", f"a{number}@x.example", ["33"])
        checkpoint(run)
    run.publishing.wait(run.publishing.send(bulletin()), "completed")
    assert run.worker.is_ready() and not log_lines(run.worker, "the store is lost")
    run.worker.stop()


# A full disk

# To mount takes root, or sudo as the packages of the tests do.
AS_ROOT = [] if os.geteuid() == 0 else ["sudo"]


@pytest.fixture
def small(request, tmp_path, broker, mail):
    """A worker whose store is on a file system of 80 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run([*AS_ROOT, "mount", "-t", "tmpfs", "-o", "size=80m,mode=777", "tmpfs", folder], check=True)
    host = broker.add_host(request.node.name[:60], ["uji"])
    worker = Worker(tmp_path, host, mail.port, KENTONGAN_STORE_URL=f"sqlite:{folder / 'k.db'}", KENTONGAN_DELIVERY_GRACE="2")
    worker.command("store", "migrate")
    worker.register("uji", emergency=True)
    yield SimpleNamespace(worker=worker.start(), host=host, publishing=Publishing(host), folder=folder)
    worker.close()
    host.close()
    subprocess.run([*AS_ROOT, "umount", "-l", folder], check=True)


def fill(folder):
    with open(folder / "filler", "wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(b"x" * 4096)


def cpu_seconds(worker):
    fields = open(f"/proc/{worker.process.pid}/stat").read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_full_disk_is_told_once_and_all_is_there_after_room(small):
    worker, publishing = small.worker, small.publishing
    fill(small.folder)
    sent = [bulletin(body="x" * 20_000) for _ in range(600)]
    correlations = [publishing.send(made) for made in sent]
    eventually(lambda: "store: " in reason(worker), timeout=20, what=worker.log_tail)
    time.sleep(2)
    used, lines = cpu_seconds(worker), log_lines(worker, "")
    time.sleep(10)
    assert cpu_seconds(worker) - used < 2, "it spins"
    assert log_lines(worker, "") - lines <= 1, worker.log_tail()
    assert log_lines(worker, "free space or mend the disk") == 1, worker.log_tail()
    assert "full" in reason(worker)
    (small.folder / "filler").unlink()
    for correlation in correlations:
        publishing.wait(correlation, "completed", timeout=60)
    eventually(worker.is_ready)
    assert log_lines(worker, "store is well again") == 1
    known = {row["id"] for row in worker.listing("bulletins", "list")}
    assert {identity(made) for made in sent} <= known
    worker.stop()

"""What the worker waits for is said once, with who holds it; readiness tells as long as it lasts, and the end is said once."""
import json
import time

import pytest

from bulletins import bulletin, identity
from publishing import Publishing
from test_stop import FILE_LOCK, SQLITE_LOCK, holding
from waiting import eventually
from worker import Worker


@pytest.fixture
def waiting(tmp_path, host, mail):
    worker = Worker(tmp_path / "worker", host, mail.port)
    worker.command("store", "migrate")
    worker.register("uji", emergency=True)
    worker.start()
    yield worker
    worker.close()


def lines(worker, text):
    return [line for line in (worker.folder / "serve.log").read_text(errors="replace").splitlines() if text in line]


def unready(worker):
    answer = worker.get("/health/ready")
    return answer.status == 503 and answer.body.decode()


@pytest.mark.parametrize("lock", [SQLITE_LOCK, FILE_LOCK], ids=["sqlite", "file"])
def test_a_lock_that_another_program_keeps(waiting, host, lock):
    made = bulletin()
    with holding(lock, waiting.store) as process:
        Publishing(host).send(made)
        told = eventually(lambda: unready(waiting), timeout=30)
        assert f"process {process} (python" in told, told
        # Longer than the store waits before a stage tries again.
        time.sleep(20)
        assert waiting.get("/health/live").status == 200
    eventually(waiting.is_ready, timeout=30)
    eventually(lambda: identity(made) in [row["id"] for row in waiting.listing("bulletins", "list")])
    assert len(lines(waiting, f"process {process}")) == 1, waiting.log_tail()
    assert len(lines(waiting, "store is well again after")) == 1
    waiting.stop()


def test_a_command_says_what_it_waits_for(waiting):
    with holding(FILE_LOCK, waiting.store) as process:
        failed = waiting.command("publishers", "remove", "uji", expect=1)
    assert failed.stderr.count(f"process {process} (python") == 2 and "15 s" in failed.stderr

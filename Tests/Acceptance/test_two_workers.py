"""Two workers on one store: one is frozen in mid-batch with claims, the other takes over, and the first is thawed."""
import fcntl
import signal
import threading
import time
from types import SimpleNamespace

import pytest

from bulletins import bulletin
from deliveries import rows
from publishing import Publishing
from waiting import eventually
from worker import Worker

MANY = 120
SETTINGS = {"KENTONGAN_DELIVERY_LEASE": "3", "KENTONGAN_WEBHOOKS_PER_HOST": "8", "KENTONGAN_DELIVERY_GRACE": "2"}


@pytest.fixture
def pair(tmp_path, broker, mail):
    """Two workers, of which the first runs."""
    host = broker.add_host("two-workers", ["uji"])
    first = Worker(tmp_path / "first", host, mail.port, **SETTINGS)
    second = Worker(tmp_path / "second", host, mail.port, KENTONGAN_STORE_URL=f"sqlite:{first.store}", **SETTINGS)
    second.store = first.store
    first.command("store", "migrate")
    first.register("uji", emergency=True)
    first.start()
    yield SimpleNamespace(first=first, second=second, publishing=Publishing(host))
    if first.process.poll() is None:
        first.process.send_signal(signal.SIGCONT)
    first.close()
    second.close()
    host.close()


def freeze(worker):
    """Stops it by SIGSTOP, at a moment when it has no lock on the store."""
    while True:
        worker.process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        with open(f"{worker.store}.lock", "rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                worker.process.send_signal(signal.SIGCONT)
                time.sleep(0.05)


def states(worker, sent):
    return [row["state"] for row in rows(worker, sent)]


def test_a_frozen_worker_sends_nothing_again_once_it_is_thawed(pair, hooks):
    places = [f"/beku/{n}" for n in range(MANY)]
    released = threading.Event()
    lock, begun = threading.Lock(), []

    def hang(place):
        def answer(tries):
            with lock:
                begun.append(place)
                late = len(begun) > 20
            # The first 20 are quick; then each hangs until the other worker is there.
            if late:
                released.wait(60)
            return 204
        return answer

    for place in places:
        hooks.answers[place] = hang(place)
    table = pair.first.folder / "many.csv"
    table.write_text("channel,address,region,field\n" + "".join(f"webhook,{hooks.url}{p},33.01,*\n" for p in places))
    pair.first.command("subscriptions", "import", table)
    sent = bulletin(regions=["33.01"])
    correlation = pair.publishing.send(sent)
    # Eight are under way, all the others are claimed and wait.
    eventually(lambda: len(begun) >= 28, what=pair.first.log_tail)
    eventually(lambda: states(pair.first, sent).count("delivered") == 20, every=0.3)
    assert states(pair.first, sent).count("sending") > 8, "it has claims that it has not begun"
    freeze(pair.first)
    under_way = {place for place in places if hooks.at(place) and not hooks.at(place)[0].status}
    assert under_way, "nothing was in flight when it was frozen"
    released.set()
    pair.second.start()
    eventually(lambda: states(pair.second, sent) == ["delivered"] * MANY, timeout=30, every=0.3, what=pair.second.log_tail)
    told = {row["id"]: (row["state"], row["attempts"]) for row in rows(pair.second, sent)}
    before = {place: len(hooks.at(place)) for place in places}

    pair.first.process.send_signal(signal.SIGCONT)
    time.sleep(8)
    assert {place: len(hooks.at(place)) for place in places} == before, "the thawed one sent again"
    assert all(count == 1 or place in under_way and count == 2 for place, count in before.items()), before
    for place in under_way:
        assert len({hook.id for hook in hooks.at(place)}) == 1
    # What it had under way came after its lease, and does not count.
    assert {row["id"]: (row["state"], row["attempts"]) for row in rows(pair.second, sent)} == told
    for number, (_, attempts) in list(told.items())[:30]:
        (shown,) = pair.second.rows("deliveries", "show", number)
        assert [a["outcome"] for a in shown["attemptsMade"]] == ["delivered"]
    pair.publishing.wait(correlation, "completed")
    assert pair.publishing.events(correlation).count("completed") == 1
    # Both go on: what comes next is sent once, by either.
    later = bulletin(regions=["33.01"])
    pair.publishing.wait(pair.publishing.send(later), "completed")
    assert {len(hooks.at(place)) - before[place] for place in places} == {1}
    pair.first.stop()
    pair.second.stop()

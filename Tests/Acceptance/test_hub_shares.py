"""Slow callbacks of the hub delay no others."""
import threading
import time
import urllib.parse

import pytest

from bulletins import bulletin
from callbackserver import CallbackServer
from test_websub import FORM
from waiting import eventually

SETTINGS = {"KENTONGAN_HUB_PER_OWNER": "10000", "KENTONGAN_HUB_PER_NETWORK": "10000"}
REGION = "31.71"
SLOW, GOOD = 240, 10


@pytest.fixture
def callbacks():
    """On every address of the machine's own network: each /24 of it counts as another owner."""
    server, over = CallbackServer("0.0.0.0"), threading.Event()
    server.over = over
    yield server
    over.set()
    server.stop()


def ask(worker, callbacks, address, path):
    form = {"hub.callback": f"http://{address}:{callbacks.port}{path}", "hub.mode": "subscribe",
            "hub.topic": f"{worker.url}/feeds/{REGION}.rss"}
    assert worker.get("/websub", "POST", FORM, urllib.parse.urlencode(form).encode()).status == 202


def test_slow_callbacks_delay_no_good_ones(worker, publishing, callbacks):
    came = {}

    def take(path):
        return lambda tries: came.setdefault((path, tries), time.monotonic()) and 204

    good = [f"/good{number}" for number in range(GOOD)]
    for number, path in enumerate(good):
        callbacks.takes[path] = take(path)
        ask(worker, callbacks, f"127.1.{number}.1", path)
    eventually(lambda: all(callbacks.questions(path) for path in good))
    publish(publishing)
    eventually(lambda: all(callbacks.taken(path) for path in good))
    slow = [f"/slow{number}" for number in range(SLOW)]
    for number, path in enumerate(slow):
        callbacks.takes[path] = lambda tries: callbacks.over.wait(12) or 204
        ask(worker, callbacks, f"127.2.{number % 12}.1", path)
    # One that is new is not kept from its first push by those of others.
    callbacks.takes["/new"] = take("/new")
    ask(worker, callbacks, "127.3.0.1", "/new")
    eventually(lambda: all(callbacks.questions(path) for path in [*slow, "/new"]), timeout=90)
    time.sleep(1)
    for number in range(1, 4):
        began = publish(publishing)
        eventually(lambda: all((path, number) in came for path in good), timeout=60)
        late = [came[path, number] - began for path in good]
        assert max(late) < 1, f"bulletin {number}: {late}"
        if number == 1:
            eventually(lambda: ("/new", 0) in came)
            assert came["/new", 0] - began < 5
        time.sleep(2)
    assert sum(bool(callbacks.pushes(path)) for path in slow) < SLOW, "none of the slow ones had to wait"


def publish(publishing):
    began = time.monotonic()
    publishing.wait(publishing.send(bulletin(regions=[REGION])), "routed")
    return began

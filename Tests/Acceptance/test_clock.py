"""A clock that was wrong: what it wrote goes on once it is right, and a jump turns nothing off and removes nothing."""
import urllib.parse
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from broker import free_port
from bulletins import bulletin
from callbackserver import CallbackServer
from deliveries import row, rows
from publishing import Publishing
from timetravel import TimeTraveller
from waiting import eventually
from worker import Worker

DAY = timedelta(days=1)
RETRY = {"KENTONGAN_WEBHOOKS_RETRY": "60,60,60,60,60,60", "KENTONGAN_SMTP_RETRY": "60,60", "KENTONGAN_DELIVERY_LEASE": "3",
         "KENTONGAN_OPS_EMAIL": "operator@w.example"}


def now():
    return datetime.now(timezone.utc)


@pytest.fixture
def run(request, tmp_path, broker, mail):
    """A worker and a virtual host of the test's own, and its clock. It does not run yet."""
    host = broker.add_host(request.node.name[:60], ["uji"])
    worker = Worker(tmp_path, host, mail.port, **RETRY)
    worker.command("store", "migrate")
    worker.register("uji", emergency=True)
    yield SimpleNamespace(worker=worker, publishing=Publishing(host), clock=TimeTraveller(worker))
    worker.close()
    host.close()


@pytest.fixture
def callbacks():
    server = CallbackServer()
    yield server
    server.stop()


def state_of(worker, address):
    return {r["address"]: r["state"] for r in worker.listing("subscriptions", "list")}[address]


def test_what_waits_by_a_clock_thirty_days_ahead_goes_on_once_it_is_right(run, hooks, mail, callbacks):
    worker, publishing = run.worker, run.publishing
    hooks.answers["/ulang"] = lambda tries: 204 if tries else 503
    hooks.answers["/hilang"] = lambda tries: 410
    callbacks.confirms["/cb"] = lambda query, tries: (200, query["hub.challenge"].encode()) if tries else (503, b"")
    # No relay, so notices wait as well.
    worker.environment["KENTONGAN_SMTP_URL"] = f"smtp://127.0.0.1:{free_port()}"
    run.clock.start_at(now() + 30 * DAY)
    for path in ("/ulang", "/hilang"):
        worker.subscribe("webhook", hooks.url + path, ["33.01"])
    worker.subscribe("email", "harian@w.example", ["33.01"], frequency="daily")
    sent = bulletin(regions=["33.01"], issuedAt=None)
    publishing.wait(publishing.send(sent), "routed")
    form = {"hub.callback": callbacks.url + "/cb", "hub.mode": "subscribe", "hub.topic": worker.url + "/feeds/33.01.rss"}
    assert worker.get("/websub", "POST", {"Content-Type": "application/x-www-form-urlencoded"},
                      urllib.parse.urlencode(form).encode()).status == 202
    eventually(lambda: len(hooks.at("/ulang")) == 1 and len(hooks.at("/hilang")) == 1 and callbacks.questions("/cb"))
    eventually(lambda: state_of(worker, hooks.url + "/hilang") == "disabled")
    eventually(lambda: "retry" in str(worker.rows("deliveries", "show", by_channel(worker, sent, "/ulang")["id"])))
    worker.kill()

    run.clock.set(now())
    worker.environment["KENTONGAN_SMTP_URL"] = f"smtp://127.0.0.1:{mail.port}"
    worker.start()
    eventually(lambda: len(hooks.taken("/ulang")) == 1, timeout=15, what=worker.log_tail)
    eventually(lambda: callbacks.questions("/cb")[1:], timeout=15, what=worker.log_tail)
    eventually(lambda: mail.to("operator@w.example"), timeout=15, what=worker.log_tail)
    digest = by_channel(worker, sent, "harian@w.example")
    assert now() < datetime.fromisoformat(digest["dueAt"]) < now() + 1.1 * DAY
    # Receipts of what is refused, and of what comes now.
    publishing.wait(publishing.send(bulletin(title="")), "rejected")
    publishing.wait(publishing.send(bulletin(regions=["33.02"])), "completed")
    log = worker.log_tail()
    assert "the clock went back by 30 days" in log and "brought back to now what waited" in log
    assert log.count("brought back to now what waited") == 1, "it finds the same again"
    worker.stop()


def by_channel(worker, sent, part):
    (found,) = [r for r in rows(worker, sent) if r["endpoint"].endswith(part)]
    return found


def test_a_jump_of_five_days_turns_no_failing_webhook_off(run, hooks):
    hooks.answers["/gagal"] = lambda tries: 404
    run.worker.subscribe("webhook", hooks.url + "/gagal", ["33.03"])
    run.worker.start()
    run.publishing.wait(run.publishing.send(bulletin(regions=["33.03"])), "routed")
    eventually(lambda: hooks.at("/gagal"))
    run.worker.stop()
    run.clock.start_at(now() + 6 * DAY)
    later = bulletin(regions=["33.03"])
    run.publishing.wait(run.publishing.send(later), "routed")
    eventually(lambda: row(run.worker, later)["attempts"] > 0)
    run.worker.stop()
    assert state_of(run.worker, hooks.url + "/gagal") == "active"


def test_after_a_jump_ahead_retention_removes_nothing_until_it_is_told_that_the_clock_is_right(run):
    worker = run.worker
    worker.environment["KENTONGAN_RETENTION_REFUSALS"] = "10"
    worker.start()
    run.publishing.wait(run.publishing.send(bulletin(title="")), "rejected")
    assert len(worker.listing("rejected", "list")) == 1
    worker.stop()
    run.clock.start_at(now() + 40 * DAY)
    eventually(lambda: "the clock went ahead by 40 days" in worker.log_tail(), what=worker.log_tail)
    assert "removes nothing for 24 h" in worker.command("store", "clock").stdout
    with pytest.raises(AssertionError):
        eventually(lambda: not worker.listing("rejected", "list"), timeout=5, every=1)
    assert "goes by it" in worker.command("store", "clock", "--trust").stdout
    eventually(lambda: not worker.listing("rejected", "list"), timeout=30, every=1, what=worker.log_tail)
    worker.stop()

"""Bulletins that cost as much to render as intake takes: what is urgent does not wait for them, and neither does a stop."""
import concurrent.futures
import time
from types import SimpleNamespace

import pytest

from bulletins import bulletin
from hookserver import HookServer
from mailserver import MailServer
from publishing import Publishing
from waiting import eventually
from worker import Worker

LIMIT = 65_536
COSTLY = {
    "a block of raw HTML": "<p>a" + "<a" * 32_000,
    "paragraphs of raw HTML": "<p>a\n" * 13_000,
    "lists within lists": ("- " * 31 + "a\n") * 1000,
    "emphasis": "*a*b" * 16_000,
    "mail addresses": "<a@b>" * 13_000,
    "runs of asterisks": "a**b*c" * 10_900,
    "definitions of links": "".join(f"[{n}]: http://x\n" for n in range(3000)) + "".join(f"[{n}] " for n in range(1000)),
    "entities": "<div>\n" + "&lt;\n" * 13_000,
}
# One of each time zone. A zone and a language each make a mail of its own.
REGIONS = ["11.01", "51.01", "81.01"]
BULLETINS = 40


@pytest.fixture(scope="module")
def busy(tmp_path_factory, broker):
    """A worker that has costly bulletins to render, for a minute or so."""
    mail, hooks, host = MailServer(), HookServer(), broker.add_host("costly", ["uji"])
    worker = Worker(tmp_path_factory.mktemp("costly"), host, mail.port, KENTONGAN_DELIVERY_GRACE="3")
    try:
        worker.command("store", "migrate")
        worker.register("uji", emergency=True)
        for region in REGIONS:
            for language in ("id", "en"):
                worker.subscribe("email", f"{language}@w{region}.example", [region], language=language)
        worker.subscribe("email", "darurat@w.example", ["33.01"])
        worker.subscribe("webhook", f"{hooks.url}/darurat", ["33.01"])
        worker.start()
        publishing, texts = Publishing(host), list(COSTLY.values())
        sent = [bulletin(regions=REGIONS, body=texts[n % len(texts)] + f"\n\n{n}") for n in range(BULLETINS)]
        for correlation in [publishing.send(one) for one in sent]:
            publishing.wait(correlation, "routed", timeout=120)
        yield SimpleNamespace(worker=worker, publishing=publishing, mail=mail, hooks=hooks, sent=sent)
    finally:
        worker.close()
        host.close()
        hooks.stop()
        mail.stop()


def unsent(busy):
    return BULLETINS * 2 * len(REGIONS) - sum(len(busy.mail.to(f"{language}@w{region}.example"))
                                              for region in REGIONS for language in ("id", "en"))


@pytest.mark.parametrize("name", COSTLY)
def test_intake_takes_it(worker, publishing, name):
    assert len(COSTLY[name].encode()) <= LIMIT
    publishing.wait(publishing.send(bulletin(body=COSTLY[name], regions=["12.01"])), "accepted")


def test_an_emergency_goes_out_before_costly_bulletins(busy):
    for number in range(3):
        published = time.time()
        busy.publishing.send(bulletin(regions=["33.01"], urgency="emergency"))
        came = eventually(lambda: len(busy.mail.to("darurat@w.example")) > number and busy.mail.to("darurat@w.example")[-1])
        hook = eventually(lambda: len(busy.hooks.at("/darurat")) > number and busy.hooks.at("/darurat")[-1])
        assert came.time - published < 1 and hook.time - published < 1
    assert unsent(busy) > 20, "there was nothing costly to wait behind"


def test_pages_and_health_do_not_wait_for_costly_feeds(busy):
    with concurrent.futures.ThreadPoolExecutor() as threads:
        feeds = [threads.submit(busy.worker.get, f"/feeds/{region}.{form}", timeout=120)
                 for region in REGIONS for form in ("rss", "json", "atom")]
        times = []
        for _ in range(10):
            began = time.monotonic()
            assert busy.worker.get("/health/live").status == 200
            times.append(time.monotonic() - began)
            time.sleep(0.1)
        assert max(times) < 1
        assert not all(feed.done() for feed in feeds), "there was nothing costly to wait behind"
        assert {feed.result().status for feed in feeds} == {200}


def test_a_stop_does_not_wait_for_costly_bulletins(busy):
    left, began = unsent(busy), time.monotonic()
    busy.worker.stop(timeout=30)
    assert left > 10, "there was nothing costly to wait behind"
    assert time.monotonic() - began < 10

"""The delivery engine: retries, crashes and stops in the midst of sending, fairness, `deliveries retry` and `show`."""
import email.utils
import threading
import time
from datetime import datetime
from types import SimpleNamespace

import pytest

from bulletins import after, bulletin, identity
from deliveries import row, rows
from hookserver import HookServer
from publishing import Publishing
from waiting import eventually
from worker import Worker

LEASE = 3
SETTINGS = {
    "KENTONGAN_WEBHOOKS_RETRY": "1,2", "KENTONGAN_SMTP_RETRY": "1,1", "KENTONGAN_DELIVERY_LEASE": str(LEASE),
    "KENTONGAN_OPS_EMAIL": "operator@w.example"}
MANY = 20_000
# A region a test, so that no test's bulletins reach another's subscribers.
FREE = (f"{province}.{number:02}" for province in (33, 35) for number in range(1, 30))
REGIONS = {}


@pytest.fixture
def region(request):
    if request.node.name not in REGIONS:
        REGIONS[request.node.name] = next(FREE)
    return REGIONS[request.node.name]


@pytest.fixture
def path(request, region):
    return f"/{request.node.originalname}/{region}"


def subscribe_many(worker, urls, region):
    """By import, which takes many at once."""
    table = worker.folder / f"{region}.csv"
    lines = ["channel,address,region,field", *(f"webhook,{url},{region},*" for url in urls)]
    table.write_text("\n".join(lines) + "\n")
    worker.command("subscriptions", "import", table)


def attempts(worker, number):
    (shown,) = worker.rows("deliveries", "show", number)
    return shown["attemptsMade"]


# Retries


def test_a_webhook_is_tried_by_the_configured_schedule_and_then_failed(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: 500
    worker.subscribe("webhook", hooks.url + path, [region])
    sent = bulletin(regions=[region])
    correlation = publishing.send(sent)
    receipt = publishing.wait(correlation, "completed")
    times = [hook.time for hook in hooks.at(path)]
    assert len(times) == 3 and row(worker, sent)["state"] == "failed"
    # Each pause may be longer by a tenth; the rest is what a busy machine needs.
    for pause, wanted in zip((b - a for a, b in zip(times, times[1:])), (1, 2)):
        assert wanted - 0.05 <= pause <= wanted * 1.1 + 1
    assert receipt["data"]["failed"] == 1 and "delivery-failed" in publishing.events(correlation)


def test_a_mail_is_tried_by_the_configured_schedule_and_then_failed(worker, publishing, mail, region):
    mail.at_recipient["penuh@w.example"] = lambda tries: "452 4.2.2 penuh"
    worker.subscribe("email", "penuh@w.example", [region])
    sent = bulletin(regions=[region])
    publishing.wait(publishing.send(sent), "completed")
    assert mail.recipients_tried.count("penuh@w.example") == 3
    told = row(worker, sent)
    assert (told["state"], told["attempts"]) == ("failed", 3) and str(told["code"]).startswith("452")


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_lengthens_a_pause(worker, publishing, hooks, region, path, form):
    def later(tries):
        asked = "3" if form == "seconds" else email.utils.formatdate(time.time() + 4, usegmt=True)
        return (503, {"Retry-After": asked}) if tries == 0 else 204

    hooks.answers[path] = later
    worker.subscribe("webhook", hooks.url + path, [region])
    publishing.wait(publishing.send(bulletin(regions=[region])), "completed")
    first, second = hooks.at(path)
    # A date has whole seconds only.
    assert 2.9 <= second.time - first.time <= 6.5


@pytest.mark.parametrize("asked, least, most", [
    ("0", 0.9, 1.2), ("-5", 0.9, 1.2), ("nanti", 0.9, 1.2), ("Mon, 01 Jan 2001 00:00:00 GMT", 0.9, 1.2),
    ("999999999999", 86_390, 86_401), ("86400", 86_390, 86_401)])
def test_an_odd_retry_after_is_kept_within_bounds(worker, publishing, hooks, region, path, asked, least, most):
    """Never sooner than the schedule, never later than a day."""
    hooks.answers[path] = lambda tries: (429, {"Retry-After": asked})
    worker.subscribe("webhook", hooks.url + path, [region])
    sent = bulletin(regions=[region])
    publishing.send(sent)
    eventually(lambda: row(worker, sent)["attempts"] >= 1 if rows(worker, sent) else None)
    told = row(worker, sent)
    (first, *_) = attempts(worker, told["id"])
    ended = datetime.fromisoformat(first["startedAt"]).timestamp() + first["durationMs"] / 1000
    again = hooks.at(path)[1].time if len(hooks.at(path)) > 1 else datetime.fromisoformat(told["dueAt"]).timestamp()
    assert least <= again - ended <= most + 1
    worker.command("bulletins", "withdraw", identity(sent), "--why", "Uji selesai.")


# Crashes and stops


@pytest.fixture
def alone(request, tmp_path, broker, mail):
    """A worker and a virtual host of the test's own. Called with settings."""
    made = []

    def make(**settings):
        host = broker.add_host(request.node.name[:60], ["uji"])
        worker = Worker(tmp_path, host, mail.port, KENTONGAN_DELIVERY_LEASE=str(LEASE), **settings)
        made.append((worker, host))
        worker.command("store", "migrate")
        worker.register("uji", emergency=True)
        return SimpleNamespace(worker=worker.start(), publishing=Publishing(host))

    yield make
    for worker, host in made:
        worker.close()
        host.close()


def states(worker, sent):
    return [row["state"] for row in rows(worker, sent)]


def test_a_kill_amid_two_hundred_webhooks_repeats_those_and_no_others(alone, hooks, region, path):
    done, under_way = ([f"{path}/{kind}/{n}" for n in range(count)] for kind, count in (("sudah", 50), ("sedang", 200)))
    released = threading.Event()
    for place in under_way:
        hooks.answers[place] = lambda tries: released.wait(60) and 204
    run = alone(KENTONGAN_WEBHOOKS_CONCURRENCY="300", KENTONGAN_WEBHOOKS_PER_HOST="300")
    subscribe_many(run.worker, [hooks.url + place for place in done + under_way], region)
    sent = bulletin(regions=[region])
    run.publishing.send(sent)
    eventually(lambda: states(run.worker, sent).count("delivered") == 50, every=0.5)
    eventually(lambda: all(hooks.at(place) for place in under_way))
    run.worker.kill()
    released.set()
    run.worker.start()
    eventually(lambda: states(run.worker, sent).count("delivered") == 250, timeout=LEASE + 5, every=0.2,
               what=lambda: states(run.worker, sent))
    assert {len(hooks.at(place)) for place in done} == {1}, "recorded before the kill, and sent again"
    assert {len(hooks.at(place)) for place in under_way} == {2}
    for place in under_way:
        first, second = hooks.at(place)
        assert first.id == second.id and first.body == second.body
    run.worker.stop()


def test_a_stop_amid_a_batch_ends_with_0_and_repeats_nothing(alone, hooks, region, path):
    places = [f"{path}/{n}" for n in range(150)]
    for place in places:
        hooks.answers[place] = lambda tries: time.sleep(0.3) or 204
    run = alone()
    subscribe_many(run.worker, [hooks.url + place for place in places], region)
    sent = bulletin(regions=[region])
    run.publishing.send(sent)
    eventually(lambda: any(hooks.at(place) for place in places))
    run.worker.stop(timeout=10)
    begun = sum(bool(hooks.at(place)) for place in places)
    assert 0 < begun < 150, "the stop was to come amid the batch"
    assert states(run.worker, sent).count("delivered") == begun, "what was under way was not finished and recorded"
    run.worker.start()
    eventually(lambda: states(run.worker, sent) == ["delivered"] * 150, every=0.5)
    assert {len(hooks.at(place)) for place in places} == {1}
    run.worker.stop()


def test_a_stop_waits_for_a_hanging_receiver_no_longer_than_its_grace(alone, hooks, region, path):
    released = threading.Event()
    hooks.answers[path] = lambda tries: 204 if tries else released.wait(60) and 204
    run = alone(KENTONGAN_DELIVERY_GRACE="2", KENTONGAN_WEBHOOKS_RETRY="1")
    run.worker.subscribe("webhook", hooks.url + path, [region])
    sent = bulletin(regions=[region])
    run.publishing.send(sent)
    eventually(lambda: hooks.at(path))
    run.worker.stop(timeout=10)
    released.set()
    run.worker.start()
    eventually(lambda: states(run.worker, sent) == ["delivered"], every=0.5)
    first, second = hooks.at(path)
    assert first.id == second.id
    run.worker.stop()


# Fairness


@pytest.fixture(scope="module")
def busy(tmp_path_factory, broker, mail):
    """A worker that has 20,000 webhooks to send to receivers that take a tenth of a second each."""
    hooks, host = HookServer(), broker.add_host("busy", ["uji"])
    hooks.default = lambda tries: time.sleep(0.1) or 204
    worker = Worker(tmp_path_factory.mktemp("busy"), host, mail.port)
    try:
        worker.command("store", "migrate")
        worker.register("uji", emergency=True)
        worker.start()
        subscribe_many(worker, [f"{hooks.url}/banyak/{n}" for n in range(MANY)], "11")
        publishing, sent = Publishing(host), bulletin(regions=["11"])
        publishing.wait(publishing.send(sent), "routed", timeout=60)
        eventually(lambda: len(hooks.hooks) > 100)
        yield SimpleNamespace(worker=worker, hooks=hooks, publishing=publishing)
        assert sum(len(hooks.at(f"/banyak/{n}")) > 0 for n in range(MANY)) < MANY * 0.9, "there was no backlog to wait behind"
        worker.stop()
    finally:
        worker.close()
        host.close()
        hooks.stop()


def delays(run, region, path, count, **members):
    """Seconds after which a bulletin came to each of so many receivers, sorted."""
    subscribe_many(run.worker, [f"{run.hooks.url}{path}/{n}" for n in range(count)], region)
    published = time.time()
    run.publishing.send(bulletin(regions=[region], **members))
    return sorted(
        eventually(lambda n=n: run.hooks.at(f"{path}/{n}"), timeout=30)[0].time - published for n in range(count))


def test_an_emergency_goes_before_twenty_thousand_routine_webhooks(busy, region, path):
    found = delays(busy, region, path, 100, urgency="emergency")
    assert found[0] < 1, "the first attempt of an emergency"
    # A hundred at 32 at a time, a tenth of a second each, are over in half a second.
    assert found[-1] < 3


def test_ten_are_not_starved_by_twenty_thousand(busy, region, path):
    assert delays(busy, region, path, 10)[-1] < 5


def test_an_emergency_that_arrives_amid_a_fan_out_does_not_wait_for_it(busy, region, path):
    subscribe_many(busy.worker, [f"{busy.hooks.url}{path}/darurat"], region)
    busy.publishing.send(bulletin(regions=["11"]))
    published = time.time()
    busy.publishing.send(bulletin(regions=[region], urgency="emergency"))
    assert eventually(lambda: busy.hooks.at(f"{path}/darurat"))[0].time - published < 1


def test_one_hanging_endpoint_delays_no_other(worker, publishing, hooks, region, path):
    """Of the same host, and with many bulletins waiting for it."""
    released = threading.Event()
    hooks.answers[path + "/macet"] = lambda tries: released.wait(60) and 204
    good = [f"{path}/{n}" for n in range(10)]
    subscribe_many(worker, [hooks.url + place for place in [path + "/macet", *good]], region)
    started = time.time()
    for _ in range(100):
        publishing.send(bulletin(regions=[region]))
    try:
        eventually(lambda: all(len(hooks.at(place)) == 100 for place in good), timeout=20,
                   what=lambda: [len(hooks.at(place)) for place in [path + "/macet", *good]])
        assert max(hook.time for place in good for hook in hooks.at(place)) - started < 10
    finally:
        released.set()


def test_a_host_that_hangs_delays_no_other_host(worker, publishing, hooks, region, path):
    """However many endpoints it has."""
    released, hanging = threading.Event(), HookServer("127.0.0.2")
    hanging.default = lambda tries: released.wait(60) and 204
    worker.subscribe("webhook", hooks.url + path, [region])
    subscribe_many(worker, [f"{hanging.url}/{n}" for n in range(200)], region)
    try:
        for _ in range(20):
            publishing.send(bulletin(regions=[region]))
        eventually(lambda: len(hooks.at(path)) == 20, timeout=5, what=lambda: len(hooks.at(path)))
    finally:
        released.set()
        hanging.stop()


def test_a_host_that_is_slow_delays_no_other_host(alone, hooks, region, path):
    """It answers, but takes its time: what waits for it keeps nothing of others from being claimed."""
    slow = HookServer("127.0.0.2")
    slow.default = lambda tries: time.sleep(4) or 204
    run = alone()
    try:
        subscribe_many(run.worker, [f"{slow.url}/{n}" for n in range(3000)], region)
        subscribe_many(run.worker, [f"{hooks.url}{path}/{n}" for n in range(300)], region)
        started = time.time()
        run.publishing.send(bulletin(regions=[region]))
        run.publishing.send(bulletin(regions=[region]))
        fast = [f"{path}/{n}" for n in range(300)]
        eventually(lambda: all(len(hooks.at(place)) == 2 for place in fast), timeout=60, every=0.5,
                   what=lambda: sum(len(hooks.at(place)) for place in fast))
        assert max(hook.time for place in fast for hook in hooks.at(place)) - started < 15
    finally:
        run.worker.kill()
        slow.stop()


# Endpoints that are gone


def test_a_410_turns_the_endpoint_off_and_tells_its_owner_and_the_operator(
        worker, publishing, hooks, mail, region, path):
    hooks.answers[path] = lambda tries: 410
    (subscribed,) = worker.subscribe("webhook", hooks.url + path, [region], owner="pemilik@w.example")
    publishing.wait(publishing.send(bulletin(regions=[region])), "completed")
    for address in ("pemilik@w.example", "operator@w.example"):
        (told,) = eventually(lambda: [m for m in mail.to(address) if path in told_by(m)], timeout=10)
        assert told.message["Auto-Submitted"] == "auto-generated" and "410" in told_by(told)
    (now,) = [r for r in worker.listing("subscriptions", "list") if r["id"] == subscribed["id"]]
    assert now["state"] != subscribed["state"]
    later = bulletin(regions=[region])
    publishing.wait(publishing.send(later), "completed")
    assert len(hooks.at(path)) == 1 and not [r for r in rows(worker, later) if r["state"] == "delivered"]
    assert len([m for m in mail.to("pemilik@w.example") if path in told_by(m)]) == 1


def told_by(mail):
    """The text of a mail."""
    return mail.message.get_body(("plain",)).get_content()


# deliveries retry and show


@pytest.fixture
def failed(request, worker, publishing, mail, region):
    """A bulletin whose only delivery, a mail, has failed; the relay would take it now."""
    address = f"{request.node.name[5:45]}@w.example".replace("[", ".").replace("]", "")
    mail.at_recipient[address] = lambda tries: "554 5.6.0 ditolak"
    (subscribed,) = worker.subscribe("email", address, [region])
    sent = bulletin(regions=[region])
    correlation = publishing.send(sent)
    receipt = publishing.wait(correlation, "completed")
    told = row(worker, sent)
    assert told["state"] == "failed"
    del mail.at_recipient[address]
    return SimpleNamespace(
        sent=sent, id=told["id"], address=address, correlation=correlation, receipt=receipt["id"], region=region,
        subscription=subscribed["id"])


def completed(publishing, correlation):
    publishing.collect()
    return [receipt for event, receipt in publishing.receipts[correlation] if event == "completed"]


@pytest.mark.parametrize("selectors", [
    ["{id}"], ["--bulletin", "uji/{sent[id]}"], ["--endpoint", "{address}"],
    ["--bulletin", "uji/{sent[id]}", "--state", "failed"], ["--since", "HOUR_AGO", "--endpoint", "{address}"],
    ["--since", "HOUR_AGO", "--until", "SOON", "--bulletin", "uji/{sent[id]}"],
    ["{id}", "--endpoint", "{address}"]], ids=lambda selectors: "-".join(s.strip("-") for s in selectors[::2])[:20])
def test_what_failed_is_selected(worker, failed, selectors):
    times = {"HOUR_AGO": after(-3600), "SOON": after(60)}
    arguments = [times.get(s) or s.format(**vars(failed)) for s in selectors]
    (printed,) = worker.rows("deliveries", "retry", *arguments)
    assert (printed["id"], printed["endpoint"], printed["state"]) == (failed.id, failed.address, "pending")
    assert row(worker, failed.sent)["state"] in ("pending", "sending", "delivered")


def test_what_is_tried_again_is_sent_and_completed_once_more_under_another_id(worker, publishing, mail, failed):
    worker.command("deliveries", "retry", failed.id)
    first, second = eventually(lambda: len(c := completed(publishing, failed.correlation)) == 2 and c)
    assert row(worker, failed.sent)["state"] == "delivered" and len(mail.to(failed.address)) == 1
    assert first["id"] == failed.receipt != second["id"]
    assert (first["data"]["delivered"], first["data"]["failed"]) == (0, 1)
    assert (second["data"]["delivered"], second["data"]["failed"]) == (1, 0)


def test_a_retry_begins_the_schedule_anew(worker, mail, failed):
    mail.at_recipient[failed.address] = lambda tries: "451 4.3.0 nanti"
    tried = mail.recipients_tried.count(failed.address)
    worker.command("deliveries", "retry", failed.id)
    eventually(lambda: row(worker, failed.sent)["state"] == "failed" and mail.recipients_tried.count(failed.address) > tried)
    assert mail.recipients_tried.count(failed.address) - tried == 3
    assert [a["number"] for a in attempts(worker, failed.id)] == [1, 2, 3, 4]


def test_other_deliveries_of_the_bulletin_are_left_alone(worker, publishing, hooks, mail, region, path, failed):
    worker.subscribe("webhook", hooks.url + path, [region])
    publishing.wait(publishing.send(failed.sent | {"revision": 2}), "completed")
    mail.at_recipient[failed.address] = lambda tries: "554 5.6.0 ditolak"
    publishing.wait(publishing.send(failed.sent | {"revision": 3}), "completed")
    del mail.at_recipient[failed.address]
    worker.command("deliveries", "retry", "--bulletin", identity(failed.sent))
    eventually(lambda: {r["state"] for r in rows(worker, failed.sent, 3)} == {"delivered"}, every=0.3)
    assert [hook.bulletin["revision"] for hook in hooks.at(path)] == [2, 3]


def test_what_was_suppressed_is_sent_once_its_address_is_free_again(worker, publishing, mail, region):
    worker.subscribe("email", "bebas@w.example", [region])
    worker.command("suppressions", "add", "bebas@w.example")
    sent = bulletin(regions=[region])
    publishing.wait(publishing.send(sent), "completed")
    worker.command("suppressions", "remove", "bebas@w.example")
    (printed,) = worker.rows("deliveries", "retry", "--state", "suppressed", "--endpoint", "bebas@w.example")
    assert printed["endpoint"] == "bebas@w.example"
    eventually(lambda: row(worker, sent)["state"] == "delivered", every=0.3)
    assert len(mail.to("bebas@w.example")) == 1


def test_a_time_that_nothing_falls_into_selects_nothing(worker, failed):
    worker.command("deliveries", "retry", "--since", after(3600), "--endpoint", failed.address, expect=None)
    worker.command("deliveries", "retry", "--until", after(-3600), "--endpoint", failed.address, expect=None)
    assert row(worker, failed.sent)["state"] == "failed"


def refused(worker, *arguments):
    """A retry that must be refused; the one line that says why."""
    (line,) = worker.command("deliveries", "retry", *arguments, expect=2).stderr.splitlines()
    return line


@pytest.mark.parametrize("arguments", [
    [], ["--json"], ["satu"], ["--since", "kemarin"], ["--nihil"]])
def test_a_retry_of_nothing_or_nonsense_is_wrong_usage(worker, arguments):
    assert worker.command("deliveries", "retry", *arguments, expect=None).returncode in (2, 64)
    if arguments in ([], ["--json"], ["--nihil"]):
        worker.command("deliveries", "retry", *arguments, expect=64)


def test_a_retry_of_what_is_unknown_is_refused(worker):
    assert "987654" in refused(worker, "987654")
    assert "uji/tiada" in refused(worker, "--bulletin", "uji/tiada")


def test_a_retry_of_what_was_delivered_is_refused(worker, mail, failed):
    worker.command("deliveries", "retry", failed.id)
    eventually(lambda: row(worker, failed.sent)["state"] == "delivered", every=0.3)
    assert "delivered" in refused(worker, failed.id)
    assert len(mail.to(failed.address)) == 1


def test_a_retry_of_one_that_is_fine_and_one_that_is_not_does_neither(worker, failed):
    refused(worker, failed.id, "987654")
    assert row(worker, failed.sent)["state"] == "failed"


def test_a_retry_of_what_is_withdrawn_is_refused(worker, failed):
    worker.command("bulletins", "withdraw", identity(failed.sent), "--why", "Batal.")
    assert "withdrawn" in refused(worker, failed.id)


def test_a_retry_of_what_is_superseded_is_refused(worker, publishing, failed):
    publishing.wait(publishing.send(failed.sent | {"revision": 2}), "completed")
    assert refused(worker, failed.id)
    assert row(worker, failed.sent)["state"] == "failed"


def test_a_retry_of_an_ended_subscription_is_refused(worker, failed):
    worker.command("subscriptions", "remove", failed.subscription)
    assert "subscription" in refused(worker, failed.id)


def test_a_retry_of_what_has_expired_is_refused(worker, publishing, mail, region):
    mail.at_recipient["lewat@w.example"] = lambda tries: "554 5.6.0 ditolak"
    worker.subscribe("email", "lewat@w.example", [region])
    sent = bulletin(regions=[region], expiresAt=after(2))
    publishing.wait(publishing.send(sent), "completed")
    time.sleep(2)
    assert "expired" in refused(worker, row(worker, sent)["id"])


def test_a_delivery_is_shown_with_its_attempts(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: time.sleep(0.2) or (503 if tries == 0 else 204)
    worker.subscribe("webhook", hooks.url + path, [region])
    sent = bulletin(regions=[region])
    publishing.wait(publishing.send(sent), "completed")
    listed = row(worker, sent)
    (shown,) = worker.rows("deliveries", "show", listed["id"])
    assert {name: shown[name] for name in listed} == listed
    first, second = shown["attemptsMade"]
    for attempt in (first, second):
        assert set(attempt) == {"number", "startedAt", "durationMs", "outcome", "code", "detail"}
    assert [a["number"] for a in (first, second)] == [1, 2] and [str(a["code"]) for a in (first, second)] == ["503", "204"]
    assert first["outcome"] != second["outcome"] == "delivered" and "503" in first["detail"]
    for attempt, hook in zip((first, second), hooks.at(path)):
        assert 190 <= attempt["durationMs"] < 3000
        assert abs(datetime.fromisoformat(attempt["startedAt"]).timestamp() - hook.time) < 1


def test_an_unknown_delivery_is_not_shown(worker):
    for number in ("987654", "-1"):
        assert worker.command("deliveries", "show", number, expect=None).returncode in (2, 64)
    worker.command("deliveries", "show", "987654", expect=2)

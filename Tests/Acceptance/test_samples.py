"""The samples, from the publishers' users to mail, webhooks and feeds: exactly the oracle's endpoints, once each."""
import csv
import dataclasses
import io
import json
from types import SimpleNamespace

import feedparser
import pytest

from bulletins import SAMPLES, identity, invalid_samples, samples
from oracle import Oracle
from publishing import Publishing
from sample_subscriptions import subscriptions
from waiting import eventually
from worker import Worker

REGISTERED = list(csv.DictReader(open(SAMPLES / "publishers.csv", newline="", encoding="utf-8")))
MORE_PUBLISHERS = [row["publisher"] for row in REGISTERED]
BY_NAME = dict(samples())


@pytest.fixture(scope="module")
def worker(tmp_path_factory, host, mail):
    worker = Worker(tmp_path_factory.mktemp("samples"), host, mail.port)
    try:
        worker.command("store", "migrate")
        for row in REGISTERED:
            worker.command("publishers", "add", row["publisher"], "--name", row["name"], "--amqp-user", row["publisher"],
                           "--kind", row["kinds"], "--region", row["region"],
                           *(["--emergency"] if row["publisher"] == "bpbd.35.08" else []))
        yield worker.start()
        worker.stop()
    finally:
        worker.close()


def as_csv(emails):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["channel", "address", "region", "field", "kinds", "reach", "urgency"])
    for s in emails:
        writer.writerow([s.channel, s.address, s.region, s.field, "|".join(s.kinds), s.reach, s.urgency])
    return text.getvalue()


def add(worker, group):
    """One `subscriptions add`; the rows it printed."""
    first = group[0]
    return worker.subscribe(
        first.channel, None if first.channel == "feed" else first.address, sorted({s.region for s in group}),
        sorted({s.field for s in group}), kind=first.kinds, reach=first.reach, urgency=first.urgency)


@pytest.fixture(scope="module")
def run(worker, host, hooks):
    """Subscribes everybody, publishes every sample, and works out what each should have reached."""
    emails, hook_groups, feed_groups = subscriptions(hooks.url)
    (worker.folder / "emails.csv").write_text(as_csv(emails))
    worker.command("subscriptions", "import", worker.folder / "emails.csv")
    secrets, feeds, everybody = {}, {}, list(emails)
    for group in hook_groups:
        made = add(worker, group)
        assert len(made) == len(group) and len({row["secret"] for row in made}) == 1
        secrets[group[0].address] = made[0]["secret"]
        everybody += group
    for group in feed_groups:
        made = add(worker, group)
        feeds[made[0]["address"]] = made[0]["feed"]
        everybody += [dataclasses.replace(s, address=made[0]["address"]) for s in group]
    oracle, publishing = Oracle(everybody), Publishing(host)
    expected, receipts = {}, {}
    for name, bulletin in samples():
        key = (identity(bulletin), bulletin.get("revision", 1))
        expected[key] = oracle.publish(bulletin)
        sent = publishing.send(bulletin)
        # What follows on an earlier one (08, 09, 11) finds that one completed.
        receipts[name] = publishing.wait(sent, "routed")
        publishing.wait(sent, "completed", timeout=60)
    return SimpleNamespace(worker=worker, expected=expected, receipts=receipts, secrets=secrets, feeds=feeds)


def test_the_scenario_is_worth_running(run):
    reached = set().union(*run.expected.values())
    assert {channel for channel, _ in reached} == {"email", "webhook", "feed"}
    assert all(run.expected.values()) and len({frozenset(e) for e in run.expected.values()}) > 8


def test_deliveries_are_exactly_the_oracles_endpoints_and_delivered(run):
    found = {}
    for row in run.worker.listing("deliveries", "list"):
        assert row["state"] == "delivered", row
        found.setdefault((row["bulletin"], row["revision"]), []).append((row["channel"], row["endpoint"]))
    for key, endpoints in run.expected.items():
        assert sorted(found.pop(key, [])) == sorted(endpoints), key
    assert not found


def test_every_delivery_says_why_it_came(run):
    subscribed = {row["id"]: row for row in run.worker.listing("subscriptions", "list")}
    for row in run.worker.listing("deliveries", "list"):
        because = subscribed[row["subscription"]]
        assert (row["channel"], row["endpoint"]) == (because["channel"], because["address"])
        assert row["region"] and row["field"]


def test_the_routed_receipt_counts_the_deliveries(run):
    for name, receipt in run.receipts.items():
        key = (identity(BY_NAME[name]), BY_NAME[name].get("revision", 1))
        assert receipt["data"]["deliveries"] == len(run.expected[key]), name
        by_channel = {c: n for c, n in receipt["data"]["byChannel"].items() if n}
        assert by_channel == {c: sum(e[0] == c for e in run.expected[key]) for c in {e[0] for e in run.expected[key]}}


def test_each_mail_came_once_to_whom_it_should(run, mail):
    expected = sorted(
        (address, bulletin["title"]) for bulletin in BY_NAME.values()
        for channel, address in run.expected[identity(bulletin), bulletin.get("revision", 1)] if channel == "email")
    titles = sorted((b["title"] for b in BY_NAME.values()), key=len, reverse=True)
    found = sorted((m.recipient, next(t for t in titles if t in m.message["Subject"])) for m in mail.mails)
    assert found == expected
    assert len({m.message["Message-ID"] for m in mail.mails}) == len(mail.mails)


def test_each_webhook_came_once_signed_with_its_endpoints_secret(run, hooks):
    expected = sorted(
        (address, key) for key, endpoints in run.expected.items() for c, address in endpoints if c == "webhook")
    found = []
    for hook in hooks.hooks:
        hook.verify(run.secrets[hooks.url + hook.path])
        found.append((hooks.url + hook.path, (identity(hook.bulletin), hook.bulletin["revision"])))
    assert sorted(found) == expected
    assert len({hook.id for hook in hooks.hooks}) == len(hooks.hooks)


def test_a_webhook_carries_the_whole_bulletin(run, hooks):
    types = {(1, "published"): "published", (2, "published"): "corrected", (2, "withdrawn"): "withdrawn"}
    for hook in hooks.hooks:
        got = hook.bulletin
        sent = next(b for b in BY_NAME.values()
                    if (identity(b), b.get("revision", 1)) == (identity(got), got["revision"]))
        kept = {name: got.get(name) for name in sent if name != "regions"}
        assert kept == {name: value for name, value in sent.items() if name != "regions"}
        # An answer tells its proposal's news.
        told = "proposal.changed" if "inReplyTo" in sent else "bulletin." + types[got["revision"], sent.get("status", "published")]
        assert hook.json["type"] == told
        assert set(hook.json["data"]["match"]) >= {"subscription", "region", "field"}


def test_private_feeds_hold_the_newest_revision_of_what_reached_them(run):
    for address, url in run.feeds.items():
        titles = {}
        for bulletin in BY_NAME.values():
            if ("feed", address) in run.expected[identity(bulletin), bulletin.get("revision", 1)]:
                titles[identity(bulletin)] = None if bulletin.get("status") == "withdrawn" else bulletin["title"]
        feed = feedparser.parse(run.worker.get(url).body)
        assert not feed.bozo, feed.get("bozo_exception")
        assert sorted(e.title for e in feed.entries) == sorted(t for t in titles.values() if t), url


def test_a_retired_code_is_taken_with_a_note(run):
    listed = {row["id"]: row for row in run.worker.listing("bulletins", "list")}
    assert listed[identity(BY_NAME["14-kode-lama-sorong.json"])]["regions"] == ["96.71"]


def test_a_proposals_state_is_moved_by_its_answer(run):
    proposal = identity(BY_NAME["10-kim-usulan-sekolah-siaga.json"])
    assert "forwarded" in run.worker.command("bulletins", "show", proposal, "--json").stdout


@pytest.mark.parametrize("expected, body", [pytest.param(e, b, id=e["file"]) for e, b in invalid_samples()])
def test_an_invalid_sample_is_refused_with_its_reason_and_place(run, host, expected, body):
    publishing = Publishing(host)
    try:
        publisher = json.loads(body)["publisher"]
    except ValueError:
        publisher = "kemenkes"
    sent = publishing.send(body, user=publisher, key=f"announcement.{publisher}")
    publishing.wait(sent, "rejected")
    found = eventually(lambda: [
        row for row in run.worker.listing("rejected", "list")
        if row["reason"] == expected["reason"] and row["size"] == len(body)])
    shown = json.loads(run.worker.command("rejected", "show", found[0]["id"], "--json").stdout)
    assert (shown["errors"][0]["code"], shown["errors"][0]["path"]) == (expected["reason"], expected["path"])
    assert shown["body"].encode() == body

"""From the queue into the store: nothing lost, nothing twice, everything bad refused, whatever comes and dies."""
import base64
import json
import threading

import pytest

from bulletins import bulletin, identity
from flood import flood
from publishing import Publishing
from waiting import eventually
from worker import Worker

MANY = 20_000
LIMIT = 262_144
QUEUE = "kentongan.announcements"
MORE_PUBLISHERS = ["banjir"]


def two_kilobytes(number):
    made = bulletin(id=f"b-{number}", publisher="banjir", body="x")
    return made | {"body": "x" * (2048 - len(json.dumps(made)))}


def recorded(worker):
    """How often each bulletin is in the store."""
    counts = {}
    for row in worker.listing("bulletins", "list"):
        counts[row["id"]] = counts.get(row["id"], 0) + 1
    return counts


def wait_until_taken(worker, host, count):
    """Until so many bulletins are recorded and the queue is empty."""
    eventually(lambda: host.depth(QUEUE) == 0, timeout=240, every=0.5, what=lambda: f"{host.depth(QUEUE)} still in the queue")
    eventually(lambda: len(recorded(worker)) >= count, timeout=60, every=2,
               what=lambda: f"{len(recorded(worker))} of {count} recorded")


@pytest.fixture(scope="module")
def flooded(worker):
    worker.register("banjir")
    return worker


def test_many_bulletins_are_all_recorded_once_in_flat_memory(flooded, host):
    before = set(recorded(flooded))
    half, confirmed = MANY // 2, set()
    flood(host, "banjir", map(two_kilobytes, range(half)), "announcement.banjir", lambda b: confirmed.add(identity(b)))
    wait_until_taken(flooded, host, half + len(before))
    memory = flooded.resident_bytes()
    flood(host, "banjir", map(two_kilobytes, range(half, MANY)), "announcement.banjir", lambda b: confirmed.add(identity(b)))
    wait_until_taken(flooded, host, MANY + len(before))
    grown = flooded.resident_bytes() - memory
    found = recorded(flooded)
    assert set(found) - before == confirmed and len(confirmed) == MANY
    assert set(found.values()) == {1}
    assert grown < max(16 << 20, memory // 4), f"{grown >> 20} MiB more after twice as many, from {memory >> 20} MiB"


def test_a_kill_in_the_middle_loses_and_doubles_nothing(tmp_path, broker, mail):
    host = broker.add_host("kill", ["banjir"])
    worker = Worker(tmp_path, host, mail.port)
    worker.command("store", "migrate")
    worker.register("banjir")
    worker.start()
    confirmed, third = set(), threading.Event()

    def note(taken):
        confirmed.add(identity(taken))
        if len(confirmed) == MANY // 3:
            third.set()

    thread = threading.Thread(
        target=flood, args=(host, "banjir", map(two_kilobytes, range(MANY)), "announcement.banjir", note), daemon=True)
    try:
        thread.start()
        assert third.wait(120), "publishing did not come to a third"
        worker.kill()
        worker.start()
        thread.join(180)
        assert len(confirmed) == MANY
        wait_until_taken(worker, host, MANY)
        found = recorded(worker)
        assert set(found) == confirmed and set(found.values()) == {1}
        worker.stop()
        # Nothing was left unacknowledged either.
        assert host.depth(QUEUE) == 0 and host.depth("kentongan.rejected") == 0
    finally:
        worker.close()
        host.close()


def test_identical_copies_are_duplicates_and_are_sent_once(worker, publishing, hooks):
    worker.subscribe("webhook", f"{hooks.url}/kembar", ["73.72"], ["kesehatan"])
    copies = [bulletin(regions=["73.72"]) for _ in range(10)]
    first = [publishing.send(copy) for copy in copies]
    for sent in first:
        publishing.wait(sent, "completed")
    again = [publishing.send(dict(reversed(copy.items()))) for copy in copies for _ in range(2)]
    for sent in again:
        publishing.wait(sent, "duplicate")
        assert not {"accepted", "routed"} & set(publishing.events(sent))
    assert len(hooks.at("/kembar")) == 10


def test_other_content_under_a_revision_and_lower_revisions_are_stale(worker, publishing):
    original = bulletin(revision=3)
    publishing.wait(publishing.send(original), "accepted")
    for change in ({"title": "Lain"}, {"revision": 2}, {"status": "withdrawn"}):
        refused = publishing.wait(publishing.send(original | change), "rejected")
        assert "stale-revision" in json.dumps(refused["data"]), change
    rows = [r for r in worker.listing("rejected", "list") if r["bulletinId"] == original["id"]]
    assert [r["reason"] for r in rows] == ["stale-revision"] * 3
    publishing.wait(publishing.send(original | {"revision": 4}), "accepted")
    listed = [row["revision"] for row in worker.listing("bulletins", "list") if row["id"] == identity(original)]
    assert max(listed) == 4 and not {1, 2} & set(listed)


@pytest.mark.parametrize("size, event", [(LIMIT - 1, "accepted"), (LIMIT, "accepted"), (LIMIT + 1, "rejected")])
def test_the_size_limit_is_exact(worker, publishing, size, event):
    made = bulletin(**{"x-isi": ""})
    made["x-isi"] = "x" * (size - len(json.dumps(made, ensure_ascii=False).encode()))
    receipt = publishing.wait(publishing.send(made), "accepted", "rejected")
    assert receipt["type"] == f"id.kentongan.receipt.{event}.v1"
    assert event == "accepted" or "too-large" in json.dumps(receipt["data"])


GARBAGE = {
    b"": "malformed-json", b"\x00": "malformed-json", b"\xff\xfe\xfd": "malformed-json", b"{": "malformed-json",
    b"[" * 200_000: "malformed-json", b'{"id":' * 30_000: "malformed-json", bytes(range(256)) * 100: "malformed-json",
    b"null": "schema", b"[]": "schema", b'"\xf0\x9f\x9b\x95"': "schema", b"{}": "schema", b"\xef\xbb\xbf{}": "malformed-json",
}


def test_garbage_is_refused_as_it_came_and_the_next_good_one_passes(worker, publishing, host):
    before = {row["id"] for row in worker.listing("rejected", "list")}
    host.channel().queue_purge("kentongan.rejected")
    for body in GARBAGE:
        publishing.wait(publishing.send(body, user="uji", key="announcement.uji"), "rejected")
    publishing.wait(publishing.send(bulletin()), "accepted")
    rows = [row for row in worker.listing("rejected", "list") if row["id"] not in before]
    assert sorted((r["size"], r["reason"]) for r in rows) == sorted((len(b), reason) for b, reason in GARBAGE.items())
    eventually(lambda: host.depth("kentongan.rejected") == len(GARBAGE))
    for _ in GARBAGE:
        _, properties, body = host.channel().basic_get("kentongan.rejected", auto_ack=True)
        assert properties.headers["x-kentongan-reason"] == GARBAGE[body]
        errors = json.loads(properties.headers["x-kentongan-errors"])
        assert errors[0]["code"] == GARBAGE[body] and set(errors[0]) == {"path", "code", "message"}


def test_a_refused_body_that_is_no_text_is_shown_in_base64(worker, publishing):
    body = b"\xff\x00\xfe acak"
    publishing.wait(publishing.send(body, user="uji", key="announcement.uji"), "rejected")
    row = [r for r in worker.listing("rejected", "list") if r["size"] == len(body)][-1]
    shown = json.loads(worker.command("rejected", "show", row["id"], "--json").stdout)
    assert base64.b64decode(shown["bodyBase64"]) == body


@pytest.mark.parametrize("properties", [
    {"content_encoding": "gzip"}, {"content_type": "text/plain"}, {"content_type": "application/xml"}])
def test_other_encodings_are_unsupported(worker, publishing, properties):
    receipt = publishing.wait(publishing.send(bulletin(), **properties), "rejected")
    assert "unsupported-encoding" in json.dumps(receipt["data"])


def test_no_content_type_and_a_charset_are_plain_json(worker, publishing):
    for kind in (None, "application/json; charset=utf-8"):
        publishing.wait(publishing.send(bulletin(), content_type=kind), "accepted")


def test_cloud_events_structured(worker, publishing):
    data = bulletin()
    data.pop("publisher")
    event = {"specversion": "1.0", "type": "id.kentongan.announcement.v1", "source": "https://uji.example/uji",
             "id": data.pop("id"), "data": data}
    sent = publishing.send(json.dumps(event).encode(), user="uji", key="announcement.uji",
                           content_type="application/cloudevents+json; charset=utf-8")
    publishing.wait(sent, "accepted")
    assert f"uji/{event['id']}" in recorded(worker)


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_", "ce-"])
def test_cloud_events_binary(worker, publishing, prefix):
    data = bulletin()
    number = data.pop("id")
    data.pop("publisher")
    attributes = {"specversion": "1.0", "type": "id.kentongan.announcement.v1", "source": "/units/uji", "id": number}
    sent = publishing.send(json.dumps(data).encode(), user="uji", key="announcement.uji",
                           headers={prefix + name: value for name, value in attributes.items()})
    publishing.wait(sent, "accepted")
    assert f"uji/{number}" in recorded(worker)


def test_nobody_speaks_for_another_and_nobody_is_anonymous(worker, publishing):
    for user, vouched in (("uji.lain", "uji.lain"), ("uji", None)):
        made = bulletin(publisher="uji")
        receipt = publishing.wait(publishing.send(made, user=user, user_id=vouched), "accepted", "rejected")
        assert "publisher-mismatch" in json.dumps(receipt["data"]), (user, vouched)


def test_straight_to_the_queue_works_too(worker, publishing):
    publishing.wait(publishing.send(bulletin(), exchange="", key=QUEUE), "accepted")


def test_every_receipt_is_a_cloud_event_with_an_id_of_its_own(worker, publishing):
    sent = publishing.send(bulletin())
    publishing.wait(sent, "completed")
    receipts = [receipt for _, receipt in publishing.receipts[sent]]
    assert [event for event, _ in publishing.receipts[sent]] == ["accepted", "routed", "completed"]
    assert all(r["specversion"] == "1.0" and r["source"] and r["id"] for r in receipts)
    assert len({r["id"] for r in receipts}) == len(receipts)


def test_receipts_go_to_the_exchange_under_event_and_publisher(worker, publishing, host):
    queue = host.channel().queue_declare("", exclusive=True).method.queue
    host.channel().queue_bind(queue, "kentongan.receipts", "accepted.uji")
    publishing.wait(publishing.send(bulletin()), "accepted")
    eventually(lambda: host.depth(queue) == 1)


def test_an_emergency_passes_a_backlog(flooded, publishing, host, hooks):
    """Both wait in their queues, the emergency behind five thousand others, when the worker comes up."""
    flooded.subscribe("webhook", f"{hooks.url}/darurat", ["12"], urgency="emergency")
    flooded.subscribe("webhook", f"{hooks.url}/biasa", ["13"])
    flooded.stop()
    flood(host, "banjir", map(two_kilobytes, range(MANY, MANY + 5000)), "announcement.banjir", lambda _: None)
    publishing.send(bulletin(regions=["13"]))
    publishing.send(bulletin(regions=["12"], urgency="emergency"))
    flooded.start()
    (first,) = eventually(lambda: hooks.taken("/darurat"), timeout=5)
    (last,) = eventually(lambda: hooks.taken("/biasa"), timeout=120)
    assert first.time < last.time


def test_a_body_that_ends_the_program_twice_is_refused(tmp_path, broker, mail):
    """The tests' build ends, as by a crash, when it reads a body with that text."""
    host = broker.add_host("meledak", ["uji"])
    worker, publishing = Worker(tmp_path, host, mail.port, KENTONGAN_FAILPOINT="reading:meledak"), Publishing(host)
    try:
        worker.command("store", "migrate")
        worker.register("uji")
        worker.command("topology", "apply")
        bad, good = publishing.send(bulletin(title="meledak")), [publishing.send(bulletin()) for _ in range(20)]
        worker.start_and_crash()
        worker.start_and_crash()
        worker.start()
        assert publishing.wait(bad, "rejected")["data"]["reason"] == "malformed-json"
        for sent in good:
            publishing.wait(sent, "completed")
        assert len(recorded(worker)) == 20 and len(worker.listing("rejected", "list")) == 1
        worker.stop()
    finally:
        worker.close()
        host.close()

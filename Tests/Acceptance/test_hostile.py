"""Ten thousand malformed messages: each is answered once, none stops the worker, and what is refused is kept as it came."""
import base64
import json
import random
import re
import struct
import time
import xml.etree.ElementTree
from collections import Counter

import pika
import pytest

from bulletins import bulletin, identity
from flood import flood
from hostile import LIMIT, MAKERS, REASONS, STRUCTURED, TYPE, encoded, event, hostile, without
from publishing import INTAKE, Publishing
from waiting import eventually
from worker import Worker

MANY = 10_000
QUEUE, REJECTED = "kentongan.announcements", "kentongan.rejected"
# The first receipt about a message says what became of it.
ANSWERS = {"accepted", "duplicate", "rejected"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def drain(host, queue, count, timeout=120):
    """Takes `count` messages from a queue: (properties, body) each."""
    channel, taken = host.channel(), []
    deadline = time.monotonic() + timeout
    for method, properties, body in channel.consume(queue, auto_ack=True, inactivity_timeout=1):
        if method is not None:
            taken.append((properties, body))
        if len(taken) == count or time.monotonic() > deadline:
            break
    channel.cancel()
    assert len(taken) == count, f"{len(taken)} of {count} came out of {queue} in {timeout} s"
    return taken


def is_error(error):
    return set(error) == {"path", "code", "message"} and error["code"] in REASONS and error["message"] and (
        error["path"] == "" or error["path"].startswith("/"))


class Run:
    """All of them published and answered."""

    def __init__(self, worker, host, publishing):
        self.worker = worker
        self.process, self.memory = worker.process, worker.resident_bytes()
        host.channel().queue_purge(REJECTED)
        made = [(f"musuh-{number}", made) for number, made in enumerate(hostile(MANY))]
        self.sent, self.answers, self.receipts = dict(made), {}, publishing.receipts
        # In two halves: the first fills buffers and caches, after which nothing may grow.
        self.publish(made[:MANY // 2], host, publishing)
        half = worker.resident_bytes()
        self.publish(made[MANY // 2:], host, publishing)
        self.grown_later, self.grown = worker.resident_bytes() - half, worker.resident_bytes() - self.memory
        self.refused = [name for name in self.sent if self.answers[name][0] == "rejected"]
        self.passed_on = {properties.correlation_id: (properties, body)
                          for properties, body in drain(host, REJECTED, len(self.refused))}
        # Numbered as they came, and they came in order.
        self.rows = sorted(worker.listing("rejected", "list"), key=lambda row: row["id"])

    def publish(self, messages, host, publishing):
        """Publishes them and waits until each is answered."""
        names = [name for name, _ in messages]
        flood(host, "uji", messages, "announcement.uji", lambda _: None, lambda message: (
            message[1].body, {"correlation_id": message[0], "reply_to": publishing.queue} | message[1].properties))

        def are_answered():
            publishing.collect()
            for name in names:
                self.answers[name] = [event for event, _ in self.receipts.get(name, []) if event in ANSWERS]
            return all(self.answers[name] for name in names)

        eventually(are_answered, timeout=240, every=0.5,
                   what=lambda: f"unanswered: {[n for n in names if not self.answers[n]][:10]}")

    def rejection(self, name):
        return next(receipt["data"] for event, receipt in self.receipts[name] if event == "rejected")


@pytest.fixture(scope="module")
def run(worker, host, publishing):
    # Once through everything, so that what a first message loads is not counted as growth.
    publishing.wait(publishing.send(bulletin()), "completed")
    return Run(worker, host, publishing)


def of(run, names, limit=5):
    some = [(name, run.sent[name]) for name in names[:limit]]
    return "; ".join(f"{name} of {made.kind}: {made.body[:300]} {made.properties}" for name, made in some)


def test_the_classes_are_of_about_equal_size(run):
    counts = Counter(made.kind for made in run.sent.values())
    assert set(counts) == set(MAKERS) and counts.pop("size_limit") == 40
    assert max(counts.values()) - min(counts.values()) < 10
    assert sum(made.expected == "refused" for made in run.sent.values()) > MANY // 2


def test_each_message_is_answered_exactly_once(run, publishing):
    publishing.collect()
    wrong = [name for name in run.sent if sum(event in ANSWERS for event, _ in run.receipts[name]) != 1]
    assert not wrong, of(run, wrong)


def test_what_must_be_refused_is_refused_for_the_right_reason(run):
    wrong = {}
    for name, made in run.sent.items():
        if made.expected == "refused":
            reason = run.rejection(name)["reason"] if name in run.passed_on else "taken"
            if reason not in made.reasons:
                wrong[name] = (reason, made.reasons)
    assert not wrong, f"{len(wrong)}, such as {list(wrong.values())[:5]}: {of(run, list(wrong))}"


def test_each_class_tells_something(run):
    """Nearly all of most classes is bad; of those that are open, some is taken: else the sieve would be too coarse."""
    refused = set(run.refused)
    taken = Counter(made.kind for name, made in run.sent.items() if name not in refused)
    for kind in ("flipped_bits", "size_limit", "odd_headers", "numbers", "dates", "contents", "control_characters",
                 "long_texts"):
        assert taken[kind], f"nothing of {kind} was taken"


def test_every_refusal_is_recorded_with_its_errors(run):
    assert len(run.rows) == len(run.refused)
    for name, row in zip(run.refused, run.rows):
        told = run.rejection(name)
        assert row["size"] == len(run.sent[name].body) and row["queue"] == QUEUE, (name, row)
        assert row["reason"] == told["reason"] and row["reason"] in REASONS and row["errors"] == told["errors"], (name, row)
        assert row["errors"] and all(is_error(error) for error in row["errors"]), (name, row)
        assert row["errors"][0]["code"] == row["reason"], (name, row)


def test_raw_bytes_are_kept_as_they_came(run):
    """Of each class some; of a body that was too large nothing is kept."""
    rng, kinds = random.Random(1), Counter()
    pairs = list(zip(run.refused, run.rows))
    rng.shuffle(pairs)
    for name, row in pairs:
        made = run.sent[name]
        kinds[made.kind] += 1
        if kinds[made.kind] > 8:
            continue
        shown = json.loads(run.worker.command("rejected", "show", row["id"], "--json").stdout)
        body = base64.b64decode(shown["bodyBase64"]) if "bodyBase64" in shown else shown["body"].encode()
        assert body == (made.body if len(made.body) <= LIMIT else b""), (name, made.kind, body[:200])


def test_every_refusal_is_passed_on_as_it_came(run):
    assert set(run.passed_on) == set(run.refused)
    for name, (properties, body) in run.passed_on.items():
        made = run.sent[name]
        assert body == (made.body if len(made.body) <= LIMIT else b""), (name, made.kind, body[:200])
        assert properties.headers["x-kentongan-reason"] == run.rejection(name)["reason"], name
        errors = json.loads(properties.headers["x-kentongan-errors"])
        assert errors == run.rejection(name)["errors"], (name, made.kind)
        assert properties.content_type == made.properties.get("content_type", "application/json"), name
        assert properties.content_encoding == made.properties.get("content_encoding"), name


def test_the_worker_is_the_same_one_and_well(run, broker, host):
    assert run.worker.process is run.process and run.process.poll() is None
    assert run.worker.get("/health/live").status == 200 and run.worker.get("/health/ready").status == 200
    # Ready or not yet acknowledged.
    queues = dict(line.split("\t") for line in broker.ctl("list_queues", "-p", host.name, "--no-table-headers", "name",
                                                          "messages").splitlines())
    assert all(queues[name] == "0" for name in (QUEUE, "kentongan.proposals", "kentongan.emergency", REJECTED)), queues


def test_memory_stays_flat(run):
    assert run.grown_later < 32 << 20, f"{run.grown_later >> 20} MiB more by the second half alone"
    assert run.grown < 160 << 20, f"{run.grown >> 20} MiB more, from {run.memory >> 20} MiB"


def test_a_good_bulletin_after_it_all_is_taken_at_once(run, publishing, hooks):
    run.worker.subscribe("webhook", f"{hooks.url}/sesudah", ["73.72"], ["pangan"])
    publishing.wait(publishing.send(bulletin(regions=["73.72"], fields=["pangan"])), "accepted", timeout=2)
    eventually(lambda: len(hooks.at("/sesudah")) == 1, timeout=10)


def test_what_was_taken_can_be_listed_and_read(run):
    """Whatever characters got in, listings stay JSON Lines, feeds well-formed, and pages are there."""
    assert run.worker.listing("bulletins", "list")
    for form in ("rss", "atom", "json"):
        body = run.worker.get(f"/feeds/73.71.{form}").body
        json.loads(body) if form == "json" else xml.etree.ElementTree.fromstring(body)
    # What waits for its time is not shown yet.
    taken = [name for name in run.sent if run.answers[name] == ["accepted"] and "scheduled" not in dict(run.receipts[name])]
    for name in random.Random(2).sample(taken, 100):
        data = next(receipt["data"] for told, receipt in run.receipts[name] if told == "accepted")
        page = run.worker.get(f"/bulletins/{data['publisher']}/{data['id']}")
        assert page.status == 200, (name, page.status)


def test_times_that_were_taken_are_told_in_rfc_3339(run):
    rows = run.worker.listing("bulletins", "list")
    odd = {row[name] for row in rows for name in ("issuedAt", "publishAt",
                                                  "expiresAt") if row[name] and not TIME.fullmatch(row[name])}
    assert not odd


# A few at a time, each as bad as it gets.

def with_extra(text, **members):
    return encoded(bulletin(**members))[:-1] + b"," + text + b"}"


PATHOLOGICAL = {
    "100,000 levels of lists": b"[" * 100_000 + b"]" * 100_000,
    "as many as fit": b"[" * (LIMIT // 2) + b"]" * (LIMIT // 2),
    "256 KiB of opening brackets": b"[" * LIMIT,
    "256 KiB of opening braces": b'{"a":' * (LIMIT // 5),
    "one string of backslashes": b'"' + b"\\" * (LIMIT // 2 - 1) + b'"',
    "a string of backslashes that is never closed": b'"' + b"\\" * (LIMIT // 2 - 1),
    "a key ten thousand times": b"{" + b",".join([b'"a":1'] * 10_000) + b"}",
    "a key that is a quarter of a megabyte, twice": b'{"' + b"k" * 130_000 + b'":1,"' + b"k" * 130_000 + b'":2}',
    "a key of a quarter of a megabyte that a JSON pointer doubles": with_extra(b'"' + b"~" * 250_000 + b'":1'),
    "20,000 tiny members": encoded({f"{n:x}": 0 for n in range(20_000)}),
    "20,000 tiny members of one's own": with_extra(b",".join(b'"x-%x":0' % n for n in range(20_000))),
    "20,000 tiny members one level down": with_extra(b'"contact":' + encoded({f"{n:x}": 0 for n in range(20_000)})),
    "100,000 empty lists": with_extra(b'"x-a":[' + b",".join([b"[]"] * 80_000) + b"]"),
    "100,000 escapes": with_extra(b'"x-a":"' + rb"\u00e9" * 40_000 + b'"'),
    "100,000 regions": with_extra(b'"a":1', regions=[f"{n}" for n in range(30_000)]),
    "one number of 256 KiB": b"1" * LIMIT,
    "an exponent of 256 KiB": b"1e" + b"9" * (LIMIT - 2),
    "256 KiB of space": b" " * LIMIT,
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_a_pathological_body_is_answered_within_seconds(worker, publishing, name):
    body = PATHOLOGICAL[name]
    assert len(body) <= LIMIT
    receipt = publishing.wait(publishing.send(body, user="uji", key="announcement.uji"), *ANSWERS, timeout=5)
    own = {"20,000 tiny members of one's own", "100,000 empty lists", "100,000 escapes"}
    assert receipt["type"].split(".")[3] == ("accepted" if name in own else "rejected")
    publishing.wait(publishing.send(bulletin()), "accepted", timeout=5)


def test_many_large_refusals_do_not_fill_the_memory(worker, host, publishing):
    """Each tells its reason with the name of the member, which is a quarter of a megabyte."""
    publishing.wait(publishing.send(bulletin()), "completed")
    before, messages = worker.resident_bytes(), [(f"besar-{n}", encoded(bulletin(**{"k" * 250_000: n}))) for n in range(400)]
    flood(host, "uji", messages, "announcement.uji", lambda _: None, lambda message: (
        message[1], {"correlation_id": message[0], "reply_to": publishing.queue}))
    highest = [before]

    def are_answered():
        highest.append(worker.resident_bytes())
        publishing.collect()
        return all(name in publishing.receipts for name, _ in messages)

    eventually(are_answered, timeout=60, every=0.2)
    host.channel().queue_purge(REJECTED)
    for name, _ in messages:
        assert [event for event, _ in publishing.receipts.pop(name)] == ["rejected"]
    assert max(highest) - before < 256 << 20, f"{max(highest) - before >> 20} MiB more, from {before >> 20} MiB"


# Properties that the broker carries, and that are hard to pass on or to answer to. One publisher must not stop the
# receipts of all.

class DeepHeaders(pika.BasicProperties):
    """A header that is a list in a list in a list, which pika's own recursion would not write."""

    def __init__(self, depth, **properties):
        super().__init__(headers={}, **properties)
        self.depth = depth

    def encode(self):
        lists = b"".join(b"A" + struct.pack(">I", 5 * rest) for rest in reversed(range(self.depth)))
        table = b"\x01a" + lists
        pieces = super().encode()
        pieces[pieces.index(struct.pack(">I", 0))] = struct.pack(">I", len(table)) + table
        return pieces


# No UTF-8, so each byte of it may grow to three in a text.
BYTES = b"\xff" * 255
PROPERTIES = {
    "header-name": {"headers": {"x" * 129: "a"}},
    "header-name-of-bytes": {"headers": {b"\xff" * 255: "a"}},
    "header-names": {"headers": {f"ce-{n:060}": "v" * 250 for n in range(390)}},
    "correlation-id": {"correlation_id": BYTES},
    "correlation-id-of-a-good-one": {"correlation_id": BYTES, "good": True},
    "reply-to": {"reply_to": BYTES},
    "content-type": {"content_type": BYTES},
    "content-encoding": {"content_encoding": BYTES},
    "routing-key": {"key": b"announcement." + b"\xff" * 200},
    # The broker's own way of answering without a queue: names with this prefix it takes apart, and closes on garbage.
    "direct-reply": {"reply_to": "amq.rabbitmq.reply-to.AAAA.BBB", "good": True},
    "deep-header": {"depth": 5000, "good": True},
    "deepest-header": {"depth": 24_000, "good": True},
}


@pytest.mark.parametrize("name", PROPERTIES)
def test_properties_of_one_message_do_not_stop_the_others(tmp_path, broker, mail, name):
    change = dict(PROPERTIES[name])
    made = bulletin() if change.pop("good", False) else without(bulletin(), "title")
    key, depth = change.pop("key", "announcement.uji"), change.pop("depth", None)
    host = broker.add_host(f"hostile-{name}", ["uji"])
    worker, publishing = Worker(tmp_path, host, mail.port), Publishing(host)
    try:
        worker.command("store", "migrate")
        worker.register("uji")
        worker.start()
        properties = {"user_id": "uji", "content_type": "application/json", "delivery_mode": 2,
                      "reply_to": publishing.queue} | change
        properties = DeepHeaders(depth, **properties) if depth else pika.BasicProperties(**properties)
        host.channel("uji").basic_publish(INTAKE, key, encoded(made), properties, mandatory=True)
        for sent in [publishing.send(bulletin()) for _ in range(3)]:
            publishing.wait(sent, "accepted", timeout=6)
        assert worker.process.poll() is None
        # What could not be answered is kept all the same.
        known = worker.listing("bulletins", "list") + worker.listing("rejected", "list")
        assert len(known) == 4, known
        refusals = len(worker.listing("rejected", "list"))
        eventually(lambda: host.depth("kentongan.rejected") == refusals, what=worker.log_tail)
        worker.stop()
    finally:
        worker.close()
        host.close()


def refused(publishing, body, **properties):
    """The rejection of a message, or what else came."""
    body = body if isinstance(body, bytes) else encoded(body)
    receipt = publishing.wait(publishing.send(body, user="uji", key="announcement.uji", **properties), *ANSWERS)
    return receipt["data"].get("reason", receipt["type"])


def test_an_unknown_member_is_refused_behind_however_many_of_ones_own(worker, publishing):
    made = bulletin(**{f"x-{n}": n for n in range(1000)})
    assert refused(publishing, made | {"tambahan": 1}) == "schema"


# CloudEvents 1.0, "Required Attributes": id, source, specversion and type, each a text that is not empty. Where `data` has
# an id and a publisher of its own, their absence from the envelope shows in nothing else.

def whole_event(**attributes):
    made = bulletin()
    return event(made, **attributes) | {"data": made}


@pytest.mark.parametrize("name", ["specversion", "type", "source", "id"])
def test_a_structured_event_without_a_required_attribute_is_refused(worker, publishing, name):
    assert refused(publishing, without(whole_event(), name), content_type=STRUCTURED) == "schema"


@pytest.mark.parametrize("attributes", [
    {"specversion": 1}, {"specversion": 1.0}, {"specversion": None}, {"specversion": ["1.0"]}, {"id": 7}, {"id": ""},
    {"id": None},
    {"source": ""}, {"source": 7}, {"source": None}], ids=str)
def test_required_attributes_of_a_structured_event_are_texts(worker, publishing, attributes):
    assert refused(publishing, whole_event(**attributes), content_type=STRUCTURED) == "schema"


@pytest.mark.parametrize("name", ["specversion", "type", "source", "id"])
def test_a_binary_event_without_a_required_attribute_is_refused(worker, publishing, name):
    made = bulletin()
    headers = {f"ce-{key}": value for key, value in without(event(made), "data").items()}
    assert refused(publishing, made, headers=without(headers, f"ce-{name}")) == "schema"


def test_an_event_with_two_payloads_is_refused(worker, publishing):
    """JSON format, 3.1.1: `data` and `data_base64` are mutually exclusive. A reader of the other would see another bulletin."""
    other = base64.b64encode(encoded(bulletin(title="Lain"))).decode()
    assert refused(publishing, whole_event(data_base64=other), content_type=STRUCTURED) == "schema"


def test_headers_that_contradict_each_other_are_refused(worker, publishing):
    """One id under two prefixes: which one counts must not hang on the order that a table happens to have."""
    for extra in range(8):
        made = bulletin()
        headers = {f"ce-{key}": value for key, value in without(event(made), "data").items()}
        headers |= {"cloudEvents:id": f"{made['id']}-lain"} | {f"h-{n}": "" for n in range(extra)}
        assert refused(publishing, without(made, "id"), headers=headers) == "schema"


@pytest.mark.parametrize("headers", [
    {"CE-specversion": "9.9", "CE-type": "x"}, {"ce-specversion": "1.0", "ce-type": TYPE,
                                                "ce-source": "/" + "s" * 260 + "/uji"}],
    ids=["capitals", "long-source"])
def test_how_an_event_is_read_does_not_hang_on_its_other_headers(worker, publishing, headers):
    told = []
    for more in ({}, {"x-isi": "z" * 17_000}):
        made = bulletin()
        told.append(refused(publishing, made, headers=headers | more) if "CE-type" in headers else refused(
            publishing, without(made, "publisher", "id"), headers=headers | more | {"ce-id": made["id"]}))
    assert told[0] == told[1]


@pytest.mark.parametrize("source, publisher", [
    ("https://a.example/unit/uji?bagian=humas", "uji"), ("https://a.example/uji?dari=b/uji.lain", "uji"),
    ("https://a.example/uji#a/b", "uji"),
    ("/unit/uji", "uji"), ("uji", "uji"), ("https://uji", None), ("https://a.example/uji.lain/uji", "uji")])
def test_the_publisher_is_the_last_segment_of_the_path_of_the_source(worker, publishing, source, publisher):
    """Of the path (RFC 3986, 3.3): neither the host nor the query has one."""
    made = event(bulletin(), source=source)
    made["data"]["kind"] = "announcement"
    told = refused(publishing, made, content_type=STRUCTURED)
    assert told == ("id.kentongan.receipt.accepted.v1" if publisher else "schema")


@pytest.mark.parametrize("kind", ["app lication/json", "application / json", "a p p l i c a t i o n/json",
                                  "application/cloud events+json"])
def test_a_content_type_with_space_in_its_name_is_another_one(worker, publishing, kind):
    assert refused(publishing, bulletin(), content_type=kind) == "unsupported-encoding"


def test_a_refused_message_keeps_its_own_properties(worker, publishing, host):
    """As it came: with its own headers and properties."""
    host.channel().queue_purge("kentongan.rejected")
    own = {"message_id": "m-1", "type": "pengumuman", "app_id": "sistem", "timestamp": 1_790_000_000, "priority": 3,
           "headers": {"x-teks": "a", "x-angka": 5, "x-ya": True, "x-daftar": ["a"]}}
    publishing.wait(publishing.send(b"{", user="uji", key="announcement.uji", **own), "rejected")
    (properties, _), = drain(host, REJECTED, 1)
    kept = {name: getattr(properties, name) for name in own}
    kept["headers"] = {name: kept["headers"].get(name) for name in own["headers"]}
    assert kept == own


@pytest.mark.parametrize("name, value", [("content_type", "application/json\0; a"), ("content_encoding", "utf-8\0"),
                                         ("correlation_id", "a\0b")])
def test_a_nul_in_a_property_cuts_nothing_off(worker, publishing, host, name, value):
    host.channel().queue_purge("kentongan.rejected")
    queue = host.channel().queue_declare("", exclusive=True).method.queue
    publishing.send(without(bulletin(), "title"), user="uji", key="announcement.uji", **{"reply_to": queue, name: value})
    (properties, _), = drain(host, REJECTED, 1)
    assert getattr(properties, name) == value
    (receipt, _), = drain(host, queue, 1)
    assert name != "correlation_id" or receipt.correlation_id == value


def test_what_was_refused_for_its_content_type_is_not_taken_when_judged_again(worker, publishing):
    made = bulletin()
    assert refused(publishing, made, content_type="application/json\0") == "unsupported-encoding"
    row = next(row for row in worker.rows("rejected", "list") if row["size"] == len(encoded(made)))
    done = worker.command("rejected", "requeue", row["id"], expect=None)
    assert done.returncode == 2, done.stdout


def test_members_in_another_order_are_the_same_content(worker, publishing):
    """Also where two names look the same: é as one character, and as e with an accent."""
    made = bulletin(**{"x-\u00e9": 1, "x-e\u0301": 2})
    publishing.wait(publishing.send(made), "accepted")
    again = dict(reversed(made.items()))
    assert refused(publishing, again) == "id.kentongan.receipt.duplicate.v1"


@pytest.mark.parametrize("one, other", [("9223372036854775807", "9223372036854775806"),
                                        ("9007199254740993", "9007199254740992")])
def test_other_numbers_are_other_content(worker, publishing, one, other):
    """Whole numbers up to 64 bits, such as those that registers give out, are told apart."""
    made = bulletin()
    texts = [encoded(made)[:-1] + f', "x-nomor": {number}}}'.encode() for number in (one, other)]
    told = [refused(publishing, text) for text in texts]
    assert told[1] != "id.kentongan.receipt.duplicate.v1", told


@pytest.mark.parametrize("member, time", [("publishAt", "9999-12-31T23:59:60-23:59"),
                                          ("issuedAt", "0000-01-01T00:00:00+23:59")])
def test_a_time_that_is_taken_can_be_told_in_utc(worker, publishing, member, time):
    """RFC 3339 has years of four digits. What lies outside them in UTC is refused, or told so that it can be read."""
    made = bulletin(**{member: time})
    told = publishing.wait(publishing.send(made), "rejected", "scheduled", "routed")
    if not told["type"].endswith("rejected.v1"):
        row = next(row for row in worker.listing("bulletins", "list") if row["id"] == identity(made))
        assert TIME.fullmatch(row[member]), row[member]

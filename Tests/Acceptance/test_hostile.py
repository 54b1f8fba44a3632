"""Ten thousand hostile messages over a real broker: each is refused with a reason or taken, and none ends the worker."""
import json
from collections import Counter

import pika

from bulletins import bulletin
from hostile import messages
from publishing import INTAKE, Publishing
from waiting import eventually

REASONS = {"malformed-json", "too-large", "unsupported-encoding", "schema", "unknown-region", "retired-region", "unknown-field",
           "unknown-publisher", "publisher-mismatch", "out-of-scope", "expired", "stale-revision"}
MANY = 10_000


def test_ten_thousand_hostile_messages_are_all_answered(worker, host):
    sent = messages(MANY)
    channel = host.channel("uji")
    answers = host.channel().queue_declare("", exclusive=True).method.queue
    before = worker.resident_bytes()
    for number, message in enumerate(sent):
        channel.basic_publish(INTAKE, "announcement.uji", message.body, mandatory=True, properties=pika.BasicProperties(
            user_id="uji", content_type=message.content_type, content_encoding=message.content_encoding, headers=message.headers,
            delivery_mode=2, reply_to=answers, correlation_id=str(number)))

    told = [[] for _ in sent]

    def all_told():
        while True:
            _, properties, body = host.channel().basic_get(answers, auto_ack=True)
            if body is None:
                return all(told)
            receipt = json.loads(body)
            event = receipt["type"].split(".")[3]
            if event in ("accepted", "rejected", "duplicate"):
                told[int(properties.correlation_id)].append((event, receipt["data"]))

    eventually(all_told, timeout=240, every=0.5, what=lambda: f"{sum(map(bool, told))} of {MANY} answered; {worker.log_tail()}")
    assert worker.process.poll() is None and worker.is_ready()
    assert host.depth("kentongan.announcements") == 0
    taken = Counter()
    for message, answer in zip(sent, told):
        assert len(answer) == 1, f"{message.kind}: {answer}"
        event, data = answer[0]
        if event != "rejected":
            assert message.reasons is None, f"{message.kind} was {event}: {message.body[:300]}"
            taken[event] += 1
            continue
        assert data["reason"] in (message.reasons or REASONS), f"{message.kind}: {data}: {message.body[:300]}"
        assert data["errors"] and all(set(error) == {"path", "code", "message"} and error["code"] in REASONS for error in data["errors"])
    refused = MANY - sum(taken.values())
    # Every refusal is kept, and passed on as it came, but for bodies over the limit, which are never held.
    assert len(worker.listing("rejected", "list")) == refused
    eventually(lambda: host.depth("kentongan.rejected") == refused, timeout=60)
    bodies = Counter(b"" if message.reasons == {"too-large"} else message.body
                     for message, answer in zip(sent, told) if answer[0][0] == "rejected")
    for _ in range(refused):
        _, properties, body = host.channel().basic_get("kentongan.rejected", auto_ack=True)
        bodies[body] -= 1
        assert properties.headers["x-kentongan-reason"] in REASONS and json.loads(properties.headers["x-kentongan-errors"])
    assert not +bodies and not -bodies
    grown = worker.resident_bytes() - before
    assert grown < 100 << 20, f"{grown >> 20} MiB more"


def test_a_good_one_passes_after_them(worker, publishing):
    publishing.wait(publishing.send(bulletin()), "completed")

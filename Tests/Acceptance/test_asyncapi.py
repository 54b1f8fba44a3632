"""config/asyncapi.yaml is a valid AsyncAPI 3.0 document; worker, broker and examples do what it says."""
import json
import warnings

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from broker import WORKER
from bulletins import after, bulletin
from publishing import Publishing
from waiting import eventually
from worker import PROJECT, Worker

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from asyncapi3 import AsyncAPI3

CONFIG = PROJECT / "config"
DOCUMENT = yaml.safe_load((CONFIG / "asyncapi.yaml").read_text())
BULLETIN = json.loads((CONFIG / "schema/bulletin.schema.json").read_text())
MESSAGES = DOCUMENT["components"]["messages"]
EVENTS = DOCUMENT["channels"]["receipts"]["parameters"]["event"]["enum"]
BASE = "file:///config/asyncapi.yaml"
REGISTRY = Registry().with_resources([
    (BASE, Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)),
    ("file:///config/schema/bulletin.schema.json", Resource.from_contents(BULLETIN)),
    (BULLETIN["$id"], Resource.from_contents(BULLETIN))])
MORE_PUBLISHERS = ["uji.moderasi"]


def validator(pointer):
    """Of the schema at a place of the document."""
    return Draft202012Validator(
        {"$ref": f"{BASE}#{pointer}"}, registry=REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER)


def payload(message):
    path = f"/components/messages/{message}/payload"
    return validator(path + "/schema" if "schemaFormat" in MESSAGES[message]["payload"] else path)


def headers(message):
    if "headers" in MESSAGES[message]:
        return validator(f"/components/messages/{message}/headers")
    (trait,) = MESSAGES[message]["traits"]
    return validator(resolve(trait)["headers"]["$ref"][1:])


def resolve(value):
    """What a $ref stands for; anything else as it is."""
    while isinstance(value, dict) and "$ref" in value:
        value = REGISTRY.resolver(BASE).lookup(value["$ref"]).contents
    return value


def references(value):
    if isinstance(value, dict):
        yield from [value["$ref"]] if "$ref" in value else []
        value = list(value.values())
    for member in value if isinstance(value, list) else []:
        yield from references(member)


def test_the_document_keeps_the_specification():
    AsyncAPI3.model_validate(DOCUMENT)
    wrong = {"takeAnnouncement": DOCUMENT["operations"]["takeAnnouncement"] | {"action": "publish"}}
    with pytest.raises(ValueError, match="action"):
        AsyncAPI3.model_validate(DOCUMENT | {"operations": wrong})


def test_every_reference_leads_somewhere_and_nothing_is_left_over():
    used = set(references(DOCUMENT))
    for reference in used:
        assert resolve({"$ref": reference}) is not None, reference
    for kind, members in DOCUMENT["components"].items():
        assert {f"#/components/{kind}/{name}" for name in members} <= used, kind


def test_every_schema_is_one():
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for message in MESSAGES.values():
        for schema in (message.get("headers"), message["payload"].get("schema", message["payload"])):
            Draft202012Validator.check_schema(schema or {})


def test_every_operation_names_a_channel_and_messages_of_it():
    channels = DOCUMENT["channels"]
    used = set()
    for name, operation in DOCUMENT["operations"].items():
        channel = operation["channel"]["$ref"].removeprefix("#/channels/")
        used |= {channel} | ({"replies"} if "reply" in operation else set())
        assert operation["messages"], name
        for message in operation["messages"]:
            prefix, _, member = message["$ref"].rpartition("/messages/")
            assert prefix == f"#/channels/{channel}" and member in channels[channel]["messages"], (name, message)
        if "reply" in operation:
            assert channels["replies"]["address"] is None
    assert used == set(channels)
    assert channels["replies"]["messages"] == channels["receipts"]["messages"]


def test_the_channels_are_the_topology_that_the_program_exports(program):
    exported = json.loads(program.command("topology", "export").stdout)
    channels = [channel for channel in DOCUMENT["channels"].values() if "bindings" in channel]
    bindings = [(channel, channel["bindings"]["amqp"]) for channel in channels]
    exchanges = {json.dumps(amqp["exchange"], sort_keys=True) for _, amqp in bindings if amqp["is"] == "routingKey"}
    assert sorted(exchanges) == sorted(json.dumps(
        {"name": e["name"], "type": e["type"], "durable": e["durable"], "autoDelete": e["auto_delete"]}, sort_keys=True)
        for e in exported["exchanges"])
    queues = [(channel, amqp["queue"]) for channel, amqp in bindings if amqp["is"] == "queue"]
    assert {q["name"]: (q["durable"], q["autoDelete"], channel["x-arguments"]) for channel, q in queues} == {
        q["name"]: (q["durable"], q["auto_delete"], q["arguments"]) for q in exported["queues"]}
    assert all(channel["address"] == queue["name"] and not queue["exclusive"] for channel, queue in queues)
    bound = {(b["exchange"], q["name"], b["routingKey"]) for channel, q in queues for b in channel["x-bindings"]}
    assert bound == {(b["source"], b["destination"], b["routing_key"]) for b in exported["bindings"]}


def test_the_codes_and_events_are_those_of_the_program():
    """From the sources: the program has no command that lists them."""
    codes = (PROJECT / "Sources/Bulletins/Validation/Rejection.swift").read_text()
    for code in DOCUMENT["components"]["schemas"]["reason"]["enum"]:
        assert f'"{code}"' in codes or f"case {code}\n" in codes, code
    assert codes.count("\n    case ") == len(DOCUMENT["components"]["schemas"]["reason"]["enum"])
    assert [f"{event}" for event in EVENTS] == list(DOCUMENT["channels"]["receipts"]["messages"])


@pytest.mark.parametrize("path", sorted((PROJECT / "docs/examples").glob("*.json")), ids=lambda path: path.stem)
def test_the_examples_keep_the_schemas(path):
    payload("structuredEvent" if path.stem == "cloudevent" else "bulletin").validate(json.loads(path.read_text()))


def test_cloud_events_in_binary_mode():
    data = {"title": "Uji", "regions": ["73"], "fields": ["desa"], "body": "x"}
    payload("binaryEvent").validate(data)
    assert not payload("binaryEvent").is_valid(data | {"id": "a b", "publisher": "uji", "kind": "announcement"})
    for prefix in ("cloudEvents:", "cloudEvents_", "ce-"):
        attributes = {"type": "id.kentongan.proposal.v1", "specversion": "1.0", "id": "e-1", "source": "/uji"}
        event = {prefix + name: value for name, value in attributes.items()}
        headers("binaryEvent").validate(event)
        assert not headers("binaryEvent").is_valid(event | {f"{prefix}type": "x"})
        for name in event:
            assert not headers("binaryEvent").is_valid({other: event[other] for other in event if other != name})
    assert not headers("binaryEvent").is_valid({"type": "id.kentongan.proposal.v1"})


def properties_of(properties):
    """The AMQP properties that a message has, headers aside."""
    return {name: value for name, value in vars(properties).items() if value is not None and name != "headers"}


class Listener:
    """Every receipt that the worker sends, as (routing key, properties, receipt)."""

    def __init__(self, host):
        self.host, self.heard = host, []
        self.queue = host.channel().queue_declare("", exclusive=True).method.queue
        host.channel().queue_bind(self.queue, "kentongan.receipts", "#")

    def collect(self):
        while True:
            method, properties, body = self.host.channel().basic_get(self.queue, auto_ack=True)
            if method is None:
                return self.heard
            self.heard.append((method.routing_key, properties, json.loads(body)))

    def about(self, id):
        """Events with their receipts about one bulletin of any publisher's."""
        return [(key.split(".")[0], properties, receipt) for key, properties, receipt in self.collect()
                if receipt["data"].get("id") == id]

    def wait(self, id, event, timeout=30):
        def found():
            return [receipt for name, _, receipt in self.about(id) if name == event]
        return eventually(found, timeout=timeout, what=lambda: f"no {event}: {[name for name, _, _ in self.about(id)]}")


@pytest.fixture(scope="module")
def worker(tmp_path_factory, host, mail):
    """As elsewhere, but with a code that was split, of which the country's register has none at present."""
    folder = tmp_path_factory.mktemp("worker")
    successors = (CONFIG / "data/region-successors.csv").read_text()
    (folder / "successors.csv").write_text(
        successors + "91.99,91.71,Kabupaten Contoh,2,split\n91.99,91.05,Kabupaten Contoh,2,split\n")
    worker = Worker(folder, host, mail.port, KENTONGAN_DATA_SUCCESSORS=str(folder / "successors.csv"))
    try:
        worker.command("store", "migrate")
        for slug in ("uji", "uji.lain"):
            worker.register(slug, emergency=True)
        worker.start()
        yield worker
        worker.stop()
    finally:
        worker.close()


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def listener(worker, host, mail, hooks):
    """The worker with subscribers of each channel, and one address that is refused."""
    worker.command("publishers", "add", "uji.moderasi", "--name", "Moderasi", "--amqp-user", "uji.moderasi", "--kind",
                   "announcement", "--region", "ID", "--moderated")
    mail.at_recipient["tolak@warga.example"] = lambda tries: "554 5.6.0 isi ditolak"
    for address in ("warga@warga.example", "tolak@warga.example"):
        worker.subscribe("email", address, ["73.71"])
    worker.subscribe("email", "bisu@warga.example", ["73.71"])
    worker.command("suppressions", "add", "bisu@warga.example", "--why", "uji")
    worker.subscribe("webhook", f"{hooks.url}/asyncapi", ["73.71"])
    worker.subscribe("feed", None, ["73.71"])
    return Listener(host)


def check(heard):
    """Each receipt keeps the schema of the one message that it is, and came under the key and properties told."""
    for key, properties, receipt in heard:
        event = key.split(".")[0]
        payload(event).validate(receipt)
        assert receipt["type"] == properties.type == MESSAGES[event]["bindings"]["amqp"]["messageType"]
        assert [name for name in EVENTS if payload(name).is_valid(receipt)] == [event]
        assert key == f"{event}.{receipt['data']['publisher']}"
        headers(event).validate(properties.headers or {})
        validator("/components/schemas/receiptProperties").validate(properties_of(properties))
        assert (properties.headers or {}).get("traceparent") == receipt.get("traceparent")


def test_receipts_of_what_goes_out_is_repeated_corrected_and_withdrawn(worker, publishing, listener):
    made = bulletin()
    sent = publishing.send(made, headers={"traceparent": TRACE})
    listener.wait(made["id"], "completed")
    for again, event in ((made, "duplicate"), (made | {"title": "Lain"}, "rejected"),
                         (made | {"revision": 2, "regions": ["73.71.01"]}, "completed"),
                         (made | {"revision": 3, "status": "withdrawn"}, "completed")):
        publishing.wait(publishing.send(again), event)
    heard = [entry for entry in listener.collect() if entry[2]["data"].get("id") == made["id"]]
    check(heard)
    events = [key.split(".")[0] for key, _, _ in heard]
    assert [event for event in events if event != "delivery-failed"] == [
        "accepted", "routed", "completed", "duplicate", "rejected", "accepted", "routed", "completed",
        "accepted", "withdrawn", "routed", "completed"]
    first = [receipt for _, properties, receipt in heard if properties.correlation_id == sent]
    assert {receipt["traceparent"] for receipt in first} == {TRACE}
    (completed,) = [receipt["data"] for receipt in first if "completed" in receipt["type"]]
    assert (completed["failed"], completed["suppressed"], completed["expired"]) == (1, 1, 0)
    assert set(completed["byChannel"]) == {"email", "webhook", "feed"} and completed["delivered"] == 3
    (routed,) = [receipt["data"] for receipt in first if "routed" in receipt["type"]]
    assert routed["deliveries"] == 5 and sum(routed["byChannel"].values()) == 5 and routed["regions"] == ["73.71"]


def test_a_delivery_that_fails_for_good_is_told(worker, publishing, listener):
    made = bulletin()
    publishing.send(made)
    listener.wait(made["id"], "completed")
    (receipt,) = listener.wait(made["id"], "delivery-failed", timeout=5)
    payload("delivery-failed").validate(receipt)
    assert receipt["data"]["channel"] == "email" and "tolak@" not in json.dumps(receipt)


def test_receipts_of_what_is_held_scheduled_and_decided(worker, publishing, listener):
    held = [bulletin(publisher="uji.moderasi", regions=["12"]) for _ in range(3)]
    held[1]["publishAt"] = after(3600)
    for made in held:
        publishing.wait(publishing.send(made), "held")
    for made in held[:2]:
        worker.command("bulletins", "approve", f"uji.moderasi/{made['id']}")
    worker.command("bulletins", "reject", f"uji.moderasi/{held[2]['id']}", "--why", "Belum lengkap")
    listener.wait(held[0]["id"], "completed")
    listener.wait(held[1]["id"], "scheduled")
    listener.wait(held[2]["id"], "rejected")
    heard = [entry for entry in listener.collect() if entry[2]["data"]["publisher"] == "uji.moderasi"]
    check(heard)
    scheduled = bulletin(publishAt=after(3600))
    publishing.wait(publishing.send(scheduled), "scheduled")
    listener.wait(scheduled["id"], "scheduled")
    check([entry for entry in listener.collect() if entry[2]["data"].get("id") == scheduled["id"]])


def test_an_approved_withdrawal_is_told_as_one(worker, publishing, listener):
    made = bulletin(publisher="uji.moderasi", regions=["12"], status="withdrawn")
    publishing.wait(publishing.send(made), "held")
    worker.command("bulletins", "approve", f"uji.moderasi/{made['id']}")
    listener.wait(made["id"], "completed")
    listener.wait(made["id"], "withdrawn", timeout=5)


REFUSED = {
    "malformed-json": b"{", "schema": b"{}", "unsupported-encoding": b"<bulletin/>",
    "too-large": b'"' + b"x" * 262_144 + b'"',
    "unknown-region": {"regions": ["97"]}, "retired-region": {"regions": ["91.99"]},
    "unknown-field": {"fields": ["x"]},
    "unknown-publisher": {"publisher": "siapa"}, "publisher-mismatch": {"publisher": "uji.lain"},
    "out-of-scope": {"publisher": "uji.moderasi", "urgency": "emergency"}, "expired": {"expiresAt": after(-60)},
}


def test_there_is_a_case_of_every_reason():
    # Those of the broker are in test_broker_faults.
    assert {*REFUSED, "stale-revision", "delivery-limit", "dead-lettered"} == set(DOCUMENT["components"]["schemas"]["reason"]["enum"])


@pytest.mark.parametrize("reason", REFUSED)
def test_receipts_of_what_is_refused(worker, publishing, listener, reason):
    wrong = REFUSED[reason]
    made = wrong if isinstance(wrong, bytes) else bulletin(**wrong)
    user = "uji.moderasi" if reason == "out-of-scope" else "uji"
    kind = "application/xml" if reason == "unsupported-encoding" else "application/json"
    sent = publishing.send(made, user=user, key="announcement.uji", content_type=kind, headers={"traceparent": TRACE})
    receipt = publishing.wait(sent, "rejected")
    assert receipt["data"]["reason"] == reason and receipt["traceparent"] == TRACE
    (heard,) = eventually(lambda: [entry for entry in listener.collect() if entry[1].correlation_id == sent])
    check([heard])


@pytest.mark.parametrize("id", [None, "", "a b", 7])
def test_the_receipt_of_what_has_no_proper_id_names_none(worker, publishing, listener, id):
    receipt = publishing.wait(publishing.send(bulletin(id=id)), "rejected")
    payload("rejected").validate(receipt)
    assert "id" not in receipt["data"] and "subject" not in receipt


def taken(host, queue="kentongan.rejected"):
    def one():
        method, properties, body = host.channel().basic_get(queue, auto_ack=True)
        return method and (method, properties, body)
    return eventually(one)


def test_what_is_refused_comes_as_it_came_with_the_reason(worker, publishing, host):
    eventually(lambda: not publishing.collect())
    host.channel().queue_purge("kentongan.rejected")
    sent = publishing.send(
        b'{"id": "a"}', user="uji", key="announcement.uji.x", content_type="application/json; charset=utf-8",
        headers={"traceparent": TRACE, "x-unit": "humas"}, message_id="m-1")
    publishing.wait(sent, "rejected")
    method, properties, body = taken(host)
    headers("refused").validate(properties.headers)
    errors = json.loads(properties.headers["x-kentongan-errors"])
    validator("/components/schemas/errors").validate(errors)
    assert properties.headers["x-kentongan-reason"] == errors[0]["code"] == "schema"
    assert (method.routing_key, body) == ("announcement.uji.x", b'{"id": "a"}')
    assert properties.headers["traceparent"] == TRACE and properties.headers["x-unit"] == "humas"
    assert properties.content_type == "application/json; charset=utf-8" and properties.correlation_id == sent


def test_what_the_broker_gives_up_on_is_kept_too(broker, program):
    """With nobody at work, a consumer that gives a message back six times."""
    host = broker.add_host("dead-letters", ["uji"])
    program.command("topology", "apply", KENTONGAN_AMQP_URL=host.url())
    try:
        Publishing(host).send(bulletin())
        channel = host.channel(WORKER)
        for _ in range(6):
            (method, _, _) = eventually(lambda: (got := channel.basic_get("kentongan.announcements"))[0] and got)
            channel.basic_nack(method.delivery_tag, requeue=True)
        _, properties, body = taken(host)
        assert json.loads(body)["title"] == "Uji pengumuman"
        headers("deadLettered").validate(properties.headers)
        assert not headers("refused").is_valid(properties.headers)
    finally:
        host.close()

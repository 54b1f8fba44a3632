"""Programs that others wrote: each client publishes to a real broker, and the bulletin is recorded as it was sent.

The files of docs/examples are run as they are; docs/publishers.*.md quotes them.
"""
import json
import os
import shutil
import subprocess
import sys
import uuid
from datetime import datetime, timedelta, timezone

import celery
import kombu
import pytest
from cloudevents.core.bindings import amqp as events_amqp, rabbitmq as events_rabbitmq
from cloudevents.core.v1.event import CloudEvent

from bulletins import bulletin, identity, shifted
from publishing import INTAKE, Publishing
from waiting import eventually
from worker import BINARY, PROJECT, Worker

EXAMPLES = PROJECT / "docs/examples"
VILLAGE, DISASTER, GROUP, PLANNERS = "desa.35.07.26.2003", "bpbd.35.08", "kim.52.03.15.2001.01", "bappeda.52.03"
MORE_PUBLISHERS = [VILLAGE, DISASTER, GROUP, PLANNERS]
JARS = ("/usr/share/java/amqp-client.jar", "/usr/share/java/slf4j-api.jar")
PROGRAMS = {
    "python": [sys.executable, EXAMPLES / "publish.py"],
    "php": ["php", EXAMPLES / "publish.php"],
    "java": ["java", "-cp", ":".join(JARS), EXAMPLES / "Publish.java"],
    "shell": [EXAMPLES / "publish.sh"],
}


def example(name):
    """An example, moved by whole days so that none of its dates is past."""
    late = datetime.now(timezone.utc) - datetime(2026, 11, 24, tzinfo=timezone.utc)
    return shifted(json.loads((EXAMPLES / f"{name}.json").read_text()), max(0, late // timedelta(days=1)))


@pytest.fixture(scope="module")
def units(worker):
    """The publishers of the examples are registered."""
    worker.register(VILLAGE, regions=["35.07.26.2003"], kinds=["announcement"])
    worker.register(DISASTER, regions=["35.08"], kinds=["announcement"], emergency=True)
    worker.register(GROUP, regions=["52.03.15.2001"], kinds=["proposal"])
    worker.register(PLANNERS, regions=["52.03"], kinds=["announcement"])
    return worker


def is_recorded(worker, made):
    """Whether the newest revision is what was sent, whole."""
    return worker.rows("bulletins", "show", identity(made))[0]["bulletin"] == {"revision": 1} | made


def run(program, *arguments, url):
    """Runs a program that publishes, with `kentongan` on its path; its CompletedProcess."""
    assert shutil.which(str(program[0])), f"{program[0]} is missing: deploy/dev/install-packages test"
    environment = os.environ | {"KENTONGAN_AMQP_URL": url, "PATH": f"{BINARY.parent}:{os.environ['PATH']}"}
    return subprocess.run(
        [*map(str, program), *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=120)


def publish_file(program, made, folder, url):
    path = folder / "bulletin.json"
    path.write_text(json.dumps(made, ensure_ascii=False))
    key = [Publishing.key(made)] if program[0] == "java" else []
    return run(program, path, *key, url=url)


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_example_publishes_and_prints_its_receipts(units, host, tmp_path, language):
    made = example("announcement") | {"id": f"contoh-{language}", "body": "“Gotong royong” — ꦗꦮ 🛕"}
    done = publish_file(PROGRAMS[language], made, tmp_path, host.url(VILLAGE))
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["accepted", "routed", "completed"], done.stdout
    assert is_recorded(units, made)


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_example_tells_a_refusal(units, host, tmp_path, language):
    made = example("announcement") | {"id": f"salah-{language}", "regions": ["97"]}
    done = publish_file(PROGRAMS[language], made, tmp_path, host.url(VILLAGE))
    assert done.returncode == 2, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith("rejected") and "unknown-region" in line and "/regions/0" in line


def test_the_example_bulletins_do_what_the_guide_says(units, publishing):
    events = {}
    for name in ("announcement", "correction", "withdrawal", "emergency", "scheduled", "proposal", "answer"):
        sent = publishing.send(example(name))
        publishing.wait(sent, "scheduled" if name == "scheduled" else "completed")
        events[name] = publishing.events(sent)
        assert is_recorded(units, example(name))
    passed = ["accepted", "routed", "completed"]
    assert events == {name: passed for name in events} | {
        "withdrawal": ["accepted", "withdrawn", "routed", "completed"], "scheduled": ["accepted", "scheduled"]}
    proposal, *answers = units.rows("bulletins", "show", f"{GROUP}/usulan-embung-2026")
    assert [row["relation"] for row in answers] == ["answer"]
    assert (proposal["proposalState"], proposal["proposalStage"]) == ("forwarded", "agency-forum")


def test_the_example_of_a_cloud_event(units, publishing):
    event = example("cloudevent")
    sent = publishing.send(json.dumps(event).encode(), user=VILLAGE, key=f"announcement.{VILLAGE}",
                           content_type="application/cloudevents+json")
    publishing.wait(sent, "completed")
    expected = event["data"] | {"id": event["id"], "publisher": VILLAGE, "kind": "announcement"}
    assert is_recorded(units, expected)


def test_amqp_publish_is_taken_where_no_user_is_asked_for(broker, mail, tmp_path):
    host = broker.add_host("amqp-tools", ["uji"])
    worker = Worker(tmp_path, host, mail.port, KENTONGAN_PUBLISHERS_AUTH="open")
    try:
        worker.command("store", "migrate")
        worker.register("uji")
        worker.start()
        made = bulletin(body="“Gotong royong” — ꦗꦮ 🛕")
        (tmp_path / "bulletin.json").write_text(json.dumps(made))
        program = [EXAMPLES / "publish-amqp-tools.sh", tmp_path / "bulletin.json", "announcement.uji"]
        done = run(program, url=host.url("uji"))
        assert done.returncode == 0, done.stderr
        eventually(lambda: worker.listing("bulletins", "list"))
        assert is_recorded(worker, made)
        worker.stop()
    finally:
        worker.close()
        host.close()


def test_amqp_publish_is_refused_where_the_user_is_asked_for(worker, publishing, host, tmp_path):
    """It cannot set user_id; its receipt says so."""
    made = bulletin()
    done = run(
        ["amqp-publish"], f"--url={host.url('uji')}", f"--exchange={INTAKE}", "--routing-key=announcement.uji",
        "--content-type=application/json", f"--reply-to={publishing.queue}", f"--body={json.dumps(made)}", url="")
    assert done.returncode == 0, done.stderr
    data = publishing.wait(None, "rejected")["data"]
    assert (data["reason"], data["errors"][0]["path"], data["id"]) == ("publisher-mismatch", "/publisher", made["id"])


def test_kombu(worker, publishing, host):
    made, correlation = bulletin(), str(uuid.uuid4())
    with kombu.Connection(host.url("uji"), transport_options={"confirm_publish": True}) as connection:
        connection.Producer().publish(
            made, exchange=INTAKE, routing_key="announcement.uji", user_id="uji", delivery_mode=2,
            reply_to=publishing.queue, correlation_id=correlation)
    publishing.wait(correlation, "completed")
    assert is_recorded(worker, made)


@pytest.mark.parametrize("options, reason", [
    ({"serializer": "pickle"}, "unsupported-encoding"), ({"serializer": "yaml"}, "unsupported-encoding"),
    ({"compression": "zlib"}, "malformed-json")])
def test_what_kombu_says_otherwise_is_refused(worker, publishing, host, options, reason):
    correlation = str(uuid.uuid4())
    with kombu.Connection(host.url("uji")) as connection:
        connection.Producer().publish(
            bulletin(), exchange=INTAKE, routing_key="announcement.uji", user_id="uji", reply_to=publishing.queue,
            correlation_id=correlation, **options)
    assert publishing.wait(correlation, "rejected")["data"]["reason"] == reason


@pytest.fixture
def app(host):
    app = celery.Celery("uji", broker=host.url("uji"), set_as_current=False)
    yield app
    app.close()


def test_celery_sends_a_bulletin_as_a_plain_message(worker, publishing, app):
    made, correlation = bulletin(), str(uuid.uuid4())
    with app.producer_or_acquire() as producer:
        producer.publish(
            made, exchange=INTAKE, routing_key="announcement.uji", serializer="json", user_id="uji",
            reply_to=publishing.queue, correlation_id=correlation)
    publishing.wait(correlation, "completed")
    assert is_recorded(worker, made)


@pytest.mark.parametrize("protocol, path", [(2, ""), (1, "/task")])
def test_a_task_of_celerys_is_no_bulletin(worker, publishing, app, protocol, path):
    """Protocol 2 sends a list, protocol 1 an object of its own; the refusal says that this is not what is wanted."""
    app.conf.task_protocol = protocol
    queue = kombu.Queue("kentongan", kombu.Exchange(INTAKE, "topic"), "announcement.uji", no_declare=True)
    task = app.send_task("umumkan", kwargs=bulletin(), queue=queue, user_id="uji", reply_to=publishing.queue)
    data = publishing.wait(task.id, "rejected")["data"]
    assert data["reason"] == "schema" and path in [error["path"] for error in data["errors"]]
    assert all(error["code"] == "schema" for error in data["errors"]), data


MODES = {
    "rabbitmq structured": events_rabbitmq.to_structured_event, "rabbitmq binary": events_rabbitmq.to_binary_event,
    "amqp structured": events_amqp.to_structured_event, "amqp binary": events_amqp.to_binary_event,
}


def cloud_event(data, kind="announcement", **attributes):
    return CloudEvent({"type": f"id.kentongan.{kind}.v1", "source": "https://unit.example/uji",
                       "datacontenttype": "application/json"} | attributes, data)


def send_event(publishing, message):
    """A message of either binding of the SDK; returns the correlation id."""
    headers = getattr(message, "headers", None) or getattr(message, "application_properties", {})
    kind = message.content_type if hasattr(message, "content_type") else message.properties["content-type"]
    return publishing.send(
        message.body if hasattr(message, "body") else message.application_data, user="uji", key="announcement.uji",
        headers=headers, content_type=kind)


@pytest.mark.parametrize("mode", MODES)
def test_the_cloud_events_sdk(worker, publishing, mode):
    made = bulletin()
    data = {name: value for name, value in made.items() if name not in ("id", "publisher", "kind")}
    event = cloud_event(data, id=made["id"], time=datetime.now(timezone.utc), subject="kerja bakti")
    publishing.wait(send_event(publishing, MODES[mode](event)), "completed")
    assert is_recorded(worker, made)


@pytest.mark.parametrize("mode", MODES)
def test_the_cloud_events_sdk_with_another_type_is_refused(worker, publishing, mode):
    message = MODES[mode](cloud_event(bulletin(), kind="pengumuman"))
    assert publishing.wait(send_event(publishing, message), "rejected")["data"]["reason"] == "schema"


def test_data_in_base64_is_refused(worker, publishing):
    message = events_rabbitmq.to_structured_event(cloud_event(json.dumps(bulletin()).encode()))
    data = publishing.wait(send_event(publishing, message), "rejected")["data"]
    assert [(error["code"], error["path"]) for error in data["errors"]] == [("schema", "/data")]


def test_the_cloud_events_sdk_reads_the_receipts(worker, publishing):
    made = bulletin()
    sent = publishing.send(made, headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    receipt = publishing.wait(sent, "completed")
    kind, body = "application/cloudevents+json; charset=utf-8", json.dumps(receipt).encode()
    event = events_rabbitmq.from_rabbitmq_event(events_rabbitmq.RabbitMQMessage({}, kind, body))
    assert (event.get_type(), event.get_subject()) == ("id.kentongan.receipt.completed.v1", identity(made))
    assert event.get_data()["delivered"] == 0 and event.get_extension("traceparent").startswith("00-0af7651916cd43dd")

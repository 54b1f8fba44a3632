"""deploy/rabbitmq/definitions.json as it is: publishers can do what they must and no more, and the worker works."""
import json
import re
import subprocess

import pika
import pytest

from broker import PASSWORD, Host
from bulletins import bulletin, identity
from publishing import INTAKE, Publishing
from waiting import eventually
from worker import PROJECT, Worker

FOLDER = PROJECT / "deploy/rabbitmq"
DEFINITIONS = json.loads((FOLDER / "definitions.json").read_text())
VHOST, WORKER = "kentongan", "kentongan-worker"
VILLAGE, DISASTER, GROUP = "desa.35.07.26.2003", "bpbd.35.08", "kim.52.03.15.2001.01"
KEYS = {VILLAGE: ["announcement"], DISASTER: ["announcement", "emergency"], GROUP: ["proposal"]}
QUEUES = [queue["name"] for queue in DEFINITIONS["queues"]]
REGIONS = {VILLAGE: "35.07.26.2003", DISASTER: "35.08", GROUP: "52.03.15.2001"}
REFUSED = pytest.raises(pika.exceptions.ChannelClosedByBroker, match="ACCESS_REFUSED")


def password_hash():
    return subprocess.run(
        [FOLDER / "password-hash"], input=PASSWORD, text=True, capture_output=True, check=True).stdout.strip()


def import_definitions(broker, folder, definitions):
    """Without passwords, as the file has it, and then with the hash of the tests' own."""
    path = folder / "definitions.json"
    path.write_text(json.dumps(definitions))
    broker.ctl("import_definitions", str(path))
    for user in definitions["users"]:
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            Host(broker, VHOST).channel(user["name"])
    with_hashes = definitions | {"users": [user | {"password_hash": password_hash()} for user in definitions["users"]]}
    path.write_text(json.dumps(with_hashes))
    broker.ctl("import_definitions", str(path))


@pytest.fixture(scope="module")
def vhost(broker, tmp_path_factory):
    import_definitions(broker, tmp_path_factory.mktemp("definitions"), DEFINITIONS)
    host = Host(broker, VHOST)
    yield host
    host.close()


def announcement(publisher, **members):
    kind = {"kind": "proposal", "proposal": {"state": "submitted"}} if publisher == GROUP else {}
    return bulletin(publisher=publisher, regions=[REGIONS.get(publisher, "73.71")], **(kind | members))


def publish(vhost, user, key, exchange=INTAKE):
    vhost.channel(user).basic_publish(exchange, key, b"{}", pika.BasicProperties(user_id=user), mandatory=True)


def test_the_file_holds_no_password():
    assert [user["password_hash"] for user in DEFINITIONS["users"]] == [""] * 4
    assert not any("password" in user for user in DEFINITIONS["users"])


def test_the_topology_is_the_programs(program):
    exported = json.loads(program.command("topology", "export", "--vhost", VHOST).stdout)
    assert {name: DEFINITIONS[name] for name in exported} == exported
    assert set(DEFINITIONS) - set(exported) == {"users", "permissions", "topic_permissions"}


def test_the_broker_has_what_the_program_expects(vhost, program):
    told = program.command("topology", "check", KENTONGAN_AMQP_URL=vhost.url(WORKER)).stdout
    assert told == "all is there as it should be\n"


def test_every_publisher_is_bound_to_its_own_keys():
    granted = {(p["user"], p["exchange"]): p["write"] for p in DEFINITIONS["topic_permissions"]}
    assert set(granted) == {(publisher, INTAKE) for publisher in KEYS}
    for publisher, kinds in KEYS.items():
        keys = [f"{kind}.{other}" for kind in ("announcement", "proposal", "emergency")
                for other in (*KEYS, publisher.replace(".", "-"), f"{publisher}.x", f"x.{publisher}")]
        allowed = [key for key in keys if re.search(granted[publisher, INTAKE], key)]
        assert allowed == [f"{kind}.{publisher}" for kind in kinds]


@pytest.mark.parametrize("publisher, kind", [(p, kind) for p in KEYS for kind in KEYS[p]])
def test_a_publisher_publishes_under_its_own_key(vhost, publisher, kind):
    publish(vhost, publisher, f"{kind}.{publisher}")


@pytest.mark.parametrize("publisher, key", [
    (VILLAGE, f"announcement.{DISASTER}"), (VILLAGE, f"emergency.{VILLAGE}"), (VILLAGE, f"proposal.{VILLAGE}"),
    (VILLAGE, "announcement.desa-35-07-26-2003"), (VILLAGE, f"announcement.{VILLAGE}.x"), (VILLAGE, "announcement.#"),
    (DISASTER, f"emergency.{VILLAGE}"), (GROUP, f"announcement.{GROUP}"), (GROUP, f"proposal.{VILLAGE}")])
def test_a_publisher_does_not_publish_under_another_key(vhost, publisher, key):
    with REFUSED:
        publish(vhost, publisher, key)


@pytest.mark.parametrize("exchange, key", [
    ("kentongan.receipts", f"accepted.{VILLAGE}"), ("kentongan.rejected", "x"), ("amq.topic", "x"),
    *(("", queue) for queue in QUEUES)])
def test_a_publisher_writes_to_the_intake_only(vhost, exchange, key):
    with REFUSED:
        publish(vhost, VILLAGE, key, exchange=exchange)


@pytest.mark.parametrize("queue", QUEUES)
def test_a_publisher_reads_empties_and_deletes_no_queue(vhost, queue):
    for act in (lambda c: c.basic_get(queue), lambda c: c.queue_purge(queue), lambda c: c.queue_delete(queue),
                lambda c: c.basic_consume(queue, lambda *_: None), lambda c: c.queue_bind(queue, INTAKE, "#")):
        with REFUSED:
            act(vhost.channel(VILLAGE))


def test_a_publisher_makes_reply_queues_and_nothing_else(vhost):
    reply = vhost.channel(VILLAGE).queue_declare("", exclusive=True).method.queue
    assert vhost.channel(VILLAGE).basic_get(reply) == (None, None, None)
    for act in (lambda c: c.queue_bind(reply, "kentongan.receipts", "#"), lambda c: c.queue_declare("punyaku"),
                lambda c: c.exchange_declare("punyaku"), lambda c: c.exchange_delete("kentongan.receipts")):
        with REFUSED:
            act(vhost.channel(VILLAGE))


def test_no_publisher_passes_for_another(vhost):
    with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="user_id"):
        vhost.channel(VILLAGE).basic_publish(
            INTAKE, f"announcement.{VILLAGE}", b"{}", pika.BasicProperties(user_id=DISASTER))


@pytest.fixture
def no_right_to_declare(vhost):
    (granted,) = [grant for grant in DEFINITIONS["permissions"] if grant["user"] == WORKER]
    configure, *others = [granted[right] for right in ("configure", "write", "read")]
    vhost.broker.ctl("set_permissions", "-p", VHOST, WORKER, "^$", *others)
    yield
    vhost.broker.ctl("set_permissions", "-p", VHOST, WORKER, configure, *others)


def test_the_worker_works_with_its_user(vhost, mail, tmp_path):
    work(vhost, mail, tmp_path, declares="true")


def test_the_worker_works_without_declaring(vhost, mail, tmp_path, no_right_to_declare):
    work(vhost, mail, tmp_path, declares="false")


def work(vhost, mail, tmp_path, declares):
    """A bulletin and a refusal of each publisher, with receipts to its reply queue."""
    worker = Worker(tmp_path, vhost, mail.port, KENTONGAN_AMQP_URL=vhost.url(WORKER), KENTONGAN_AMQP_DECLARE=declares)
    try:
        worker.command("store", "migrate")
        worker.register(VILLAGE, regions=["35.07.26.2003"], kinds=["announcement"])
        worker.register(DISASTER, regions=["35.08"], emergency=True)
        worker.register(GROUP, regions=["52.03.15.2001"], kinds=["proposal"])
        worker.start()
        for user, urgency in ((VILLAGE, "routine"), (DISASTER, "emergency"), (GROUP, "routine")):
            publishing, made = Publishing(vhost, user), announcement(user, urgency=urgency)
            publishing.wait(publishing.send(made), "completed")
            refused = publishing.wait(publishing.send(made | {"regions": ["97"]}), "rejected")
            assert refused["data"]["reason"] == "unknown-region"
            assert identity(made) in [row["id"] for row in worker.listing("bulletins", "list")]
        eventually(lambda: vhost.channel(WORKER).queue_declare("kentongan.rejected", passive=True).method.message_count)
        worker.stop()
    finally:
        worker.close()


def test_a_publisher_added_as_the_readme_says_finds_its_receipts_in_its_queue(vhost, mail, tmp_path):
    (fragment,) = re.findall(r"```json\n(.*?)```", (FOLDER / "README.md").read_text(), re.S)
    import_definitions(vhost.broker, tmp_path, json.loads(fragment))
    slug = "dinkes.73.71"
    worker = Worker(tmp_path / "worker", vhost, mail.port, KENTONGAN_AMQP_URL=vhost.url(WORKER))
    try:
        worker.command("store", "migrate")
        (command,) = re.findall(r"```\nkentongan (publishers add (?:.|\n)*?)\n```", (FOLDER / "README.md").read_text())
        worker.command(*_words(command))
        worker.start()
        publish(vhost, slug, f"announcement.{slug}")
        with REFUSED:
            publish(vhost, slug, f"announcement.{VILLAGE}")
        Publishing(vhost, slug).send(announcement(slug), reply_to=None)
        types = []

        def taken():
            method, properties, _ = vhost.channel(slug).basic_get(f"receipts.{slug}", auto_ack=True)
            types.extend([properties.type] if method else [])
            return types[-1:] == ["id.kentongan.receipt.completed.v1"]

        eventually(taken, what=lambda: types)
        # The first message was no bulletin: its user is told, whatever it says of itself.
        assert [name.split(".")[3] for name in types] == ["rejected", "accepted", "routed", "completed"]
        worker.stop()
    finally:
        worker.close()


def _words(command):
    return subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True).stdout.splitlines()


def test_no_receipt_goes_to_a_queue_of_the_programs_own(vhost, mail, tmp_path):
    """The worker answers with its own rights, so `reply_to` must not lead past the publisher's."""
    worker = Worker(tmp_path, vhost, mail.port, KENTONGAN_AMQP_URL=vhost.url(WORKER))
    try:
        worker.command("store", "migrate")
        worker.register(VILLAGE, regions=["35.07.26.2003"], kinds=["announcement"])
        worker.start()
        publishing = Publishing(vhost, VILLAGE)
        vhost.channel(WORKER).queue_purge("kentongan.rejected")
        publishing.send(announcement(VILLAGE, id="jawab-1"), reply_to="kentongan.rejected")
        eventually(lambda: any(r["bulletinId"] == "jawab-1" for r in worker.listing("bulletins", "list")))
        publishing.wait(publishing.send(announcement(VILLAGE, id="jawab-2")), "completed")
        assert vhost.channel(WORKER).queue_declare("kentongan.rejected", passive=True).method.message_count == 0
        worker.stop()
    finally:
        worker.close()

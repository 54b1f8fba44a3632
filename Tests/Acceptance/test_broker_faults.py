"""A broker that fails: it goes away, falls silent, is full, loses a queue. Nothing that it confirmed is lost, readiness
tells, and all is well again unaided. On a node of the module's own, since the faults hit all of it."""
import contextlib
import json
import signal
import socket
import struct
import threading
import time

import pika
import pytest

from broker import Broker, free_port
from bulletins import bulletin, identity
from flood import flood
from publishing import Publishing, event_of
from waiting import eventually
from worker import Worker

QUEUE = "kentongan.announcements"


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with Broker.running(tmp_path_factory.mktemp("frail") / "node") as broker:
        yield broker


@pytest.fixture
def host(broker, request):
    host = broker.add_host(request.node.name[:60], ["uji"])
    yield host
    host.close()


@pytest.fixture
def make_worker(tmp_path, host, mail):
    """Workers that are ended at the end of the test; `url` in place of the host's, `store` of another worker."""
    made = []

    def make(url=None, store=None, **settings):
        settings |= {"KENTONGAN_AMQP_URL": url or host.url()}
        if store:
            settings["KENTONGAN_STORE_URL"] = f"sqlite:{store}"
        worker = Worker(tmp_path / str(len(made)), host, mail.port, **settings)
        made.append(worker)
        if not store:
            worker.command("store", "migrate")
            worker.register("uji", emergency=True)
        return worker

    yield make
    for worker in made:
        worker.close()


@contextlib.contextmanager
def refusing_broker():
    """The port of a broker that refuses every login with 403, as RabbitMQ does with `authentication_failure_close`."""
    def frame(method, body):
        payload = struct.pack(">HH", 10, method) + body
        return struct.pack(">BHI", 1, 0, len(payload)) + payload + b"\xce"

    def long(text):
        return struct.pack(">I", len(text)) + text

    def refuse(connection):
        with connection:
            connection.recv(8)
            connection.sendall(frame(10, b"\x00\x09" + long(b"") + long(b"PLAIN") + long(b"en_US")))
            connection.recv(4096)
            text = b"ACCESS_REFUSED - Login was refused"
            connection.sendall(frame(50, struct.pack(">HB", 403, len(text)) + text + struct.pack(">HH", 0, 0)))
            connection.recv(4096)

    def serve(server):
        with contextlib.suppress(OSError):
            while True:
                refuse(server.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def test_a_host_that_refuses_the_login_is_passed_over(broker, host, make_worker):
    with refusing_broker() as port:
        both = host.url().replace(f"127.0.0.1:{broker.port}", f"127.0.0.1:{port},127.0.0.1:{broker.port}")
        make_worker(url=both).command("topology", "apply")
        # If no host takes the login, the refusal is told and not the silence of the last host.
        alone = host.url().replace(f"127.0.0.1:{broker.port}", f"127.0.0.1:{port},127.0.0.1:{free_port()}")
        refused = make_worker(url=alone).command("topology", "apply", expect=None)
        assert refused.returncode != 0 and "refused the login" in refused.stderr


class Receipts:
    """All receipts, from a durable queue of the test's own, which outlives the broker and the worker."""

    def __init__(self, host):
        self.host = host
        channel = host.channel()
        channel.queue_declare("uji.receipts", durable=True)
        channel.queue_bind("uji.receipts", "kentongan.receipts", "#")
        self.all = []

    def collect(self):
        while True:
            _, _, body = self.host.channel().basic_get("uji.receipts", auto_ack=True)
            if body is None:
                return self.all
            receipt = json.loads(body)
            self.all.append((event_of(receipt), f"{receipt['data']['publisher']}/{receipt['data'].get('id')}", receipt["id"]))

    def events(self, bulletin):
        return [event for event, about, _ in self.collect() if about == identity(bulletin)]


def publish(host, *bulletins):
    """With confirms, so that none is in doubt."""
    flood(host, "uji", bulletins, "announcement.uji", lambda _: None)


def recorded(worker):
    return [row["id"] for row in worker.listing("bulletins", "list")]


def reason_of_unreadiness(worker):
    answer = worker.get("/health/ready")
    return "" if answer.status == 200 else answer.body.decode()


def test_what_is_stored_is_delivered_while_the_broker_is_away(broker, host, make_worker, mail):
    worker = make_worker().start()
    receipts = Receipts(host)
    worker.subscribe("email", "jauh@kim.example", ["73.71"], ["kesehatan"])
    mail.at_recipient["jauh@kim.example"] = lambda tries: "451 later" if tries == 0 else "250 OK"
    stored = bulletin()
    publish(host, stored)
    eventually(lambda: "jauh@kim.example" in mail.recipients_tried)
    broker.halt()
    assert QUEUE in eventually(lambda: reason_of_unreadiness(worker), timeout=30)
    assert worker.get("/health/live").status == 200
    eventually(lambda: mail.to("jauh@kim.example"), timeout=40)
    eventually(lambda: worker.rows("bulletins", "show", identity(stored))[0]["deliveries"], timeout=20)
    time.sleep(20)  # Long enough for the pauses between tries to have grown.
    assert worker.process.poll() is None
    broker.run()
    broker.ctl("await_startup", "--timeout", "60")
    host.connections.clear()
    eventually(worker.is_ready, timeout=60, what=lambda: reason_of_unreadiness(worker))
    later = bulletin()
    publish(host, later)
    eventually(lambda: len(mail.to("jauh@kim.example")) == 2)
    eventually(lambda: "completed" in receipts.events(later), what=receipts.collect)
    # What waited in the outbox came in its order, once.
    assert receipts.events(stored) == ["accepted", "routed", "completed"]
    worker.stop()


def test_a_silent_broker_is_noticed_and_hangs_nothing(broker, host, make_worker):
    worker = make_worker(host.url() + "?heartbeat=2").start()
    other = make_worker(host.url() + "?heartbeat=2", store=worker.store).start()
    broker.signal(signal.SIGSTOP)
    try:
        silent = time.monotonic()
        eventually(lambda: reason_of_unreadiness(worker), timeout=30)
        assert time.monotonic() - silent < 10
        assert worker.get("/health/live").status == 200
        other.stop(timeout=30)
    finally:
        broker.signal(signal.SIGCONT)
    eventually(worker.is_ready, timeout=60, what=lambda: reason_of_unreadiness(worker))
    made = bulletin()
    publish(host, made)
    eventually(lambda: identity(made) in recorded(worker))
    worker.stop()


def test_a_full_broker_is_read_from_and_its_receipts_wait(broker, host, make_worker):
    worker = make_worker()
    worker.command("topology", "apply")
    receipts = Receipts(host)
    made = [bulletin() for _ in range(100)]
    publish(host, *made)
    broker.ctl("set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        worker.spawn()
        eventually(lambda: sorted(recorded(worker)) == sorted(map(identity, made)), timeout=60)
        assert not receipts.collect()
    finally:
        broker.ctl("set_vm_memory_high_watermark", "absolute", "2GB")
    eventually(lambda: [event for event, _, _ in receipts.collect()].count("completed") == 100, timeout=60)
    assert len({number for _, _, number in receipts.all}) == len(receipts.all) == 300
    for one in made:
        assert receipts.events(one) == ["accepted", "routed", "completed"]
    worker.stop()


def test_a_deleted_queue_comes_back(broker, host, make_worker):
    worker = make_worker().start()
    host.channel().queue_delete(QUEUE)
    made = bulletin()

    def arrives():
        try:
            publish(host, made)
        except (AssertionError, pika.exceptions.AMQPError):
            return False
        return True

    eventually(arrives, timeout=30)
    eventually(lambda: identity(made) in recorded(worker))
    eventually(worker.is_ready, timeout=30, what=lambda: reason_of_unreadiness(worker))
    worker.stop()


def log_lines(worker, text):
    return [line for line in (worker.folder / "serve.log").read_text(errors="replace").splitlines() if text in line]


@pytest.mark.parametrize("exchange", ["kentongan.intake", "kentongan.receipts"])
def test_a_deleted_exchange_comes_back(broker, host, make_worker, exchange):
    worker = make_worker().start()
    host.channel().exchange_delete(exchange)
    receipts, made = None, bulletin()
    if exchange == "kentongan.receipts":
        publish(host, made)

    def declared():
        channel = pika.BlockingConnection(host.parameters()).channel()
        try:
            channel.exchange_declare(exchange, "topic", durable=True, passive=True)
            return True
        except pika.exceptions.ChannelClosedByBroker:
            return False
        finally:
            channel.connection.close()

    eventually(declared, timeout=40, every=1)
    receipts, made = Receipts(host), bulletin()
    # With its bindings.
    eventually(lambda: published(host, made), timeout=30)
    eventually(lambda: "completed" in receipts.events(made), timeout=40)
    eventually(worker.is_ready, timeout=30, what=lambda: reason_of_unreadiness(worker))
    assert len(log_lines(worker, exchange)) <= 3, worker.log_tail()
    worker.stop()


def published(host, made):
    try:
        publish(host, made)
    except (AssertionError, pika.exceptions.AMQPError):
        return False
    return True


def test_a_binding_that_was_removed_comes_back(host, make_worker):
    worker = make_worker().start()
    host.channel().queue_unbind(QUEUE, "kentongan.intake", "announcement.#")
    made = bulletin()
    eventually(lambda: published(host, made), timeout=40, every=1)
    eventually(lambda: identity(made) in recorded(worker))
    worker.stop()


def test_what_an_operator_has_to_declare_is_missed(host, make_worker):
    worker = make_worker(KENTONGAN_AMQP_DECLARE="false")
    worker.command("topology", "apply")
    worker.start()
    assert worker.command("topology", "check").stdout == "all is there as it should be\n"
    host.channel().queue_unbind(QUEUE, "kentongan.intake", "announcement.#")
    told = worker.command("topology", "check", expect=1).stdout
    assert told.count("binding") == 1 and QUEUE in told and "announcement.#" in told
    assert "binding of queue 'kentongan.announcements'" in eventually(lambda: reason_of_unreadiness(worker), timeout=40)
    host.channel().exchange_delete("kentongan.intake")
    eventually(lambda: "exchange 'kentongan.intake' does not exist" in reason_of_unreadiness(worker), timeout=40)
    time.sleep(25)
    assert len(log_lines(worker, "exchange 'kentongan.intake' does not exist")) == 1
    worker.command("topology", "apply")
    eventually(worker.is_ready, timeout=40, what=lambda: reason_of_unreadiness(worker))
    # The probes were dropped: they are neither bulletins nor refusals.
    assert not recorded(worker) and not worker.listing("rejected", "list")
    worker.stop()


def test_a_right_that_was_taken_away_is_told(broker, host, make_worker):
    worker = make_worker().start()
    broker.ctl("set_permissions", "-p", host.name, "kentongan", ".*", "^$", ".*")
    try:
        publish(host, bulletin())
        # The broker remembers rights for a moment, by the channel.
        assert "kentongan.receipts" in eventually(lambda: reason_of_unreadiness(worker), timeout=60)
        time.sleep(10)
        assert len(log_lines(worker, "receipts: the broker closed")) == 1, worker.log_tail()
    finally:
        broker.ctl("set_permissions", "-p", host.name, "kentongan", ".*", ".*", ".*")
    eventually(worker.is_ready, timeout=60, what=lambda: reason_of_unreadiness(worker))
    worker.stop()


def test_what_the_broker_gives_up_on_is_a_refusal(host, make_worker):
    worker = make_worker()
    worker.command("topology", "apply")
    receipts = Receipts(host)
    fatal, innocent = bulletin(title="MEMATIKAN"), bulletin()
    publish(host, fatal, innocent)
    worker.environment["KENTONGAN_FAILPOINT"] = "recording:MEMATIKAN"
    for _ in range(6):
        worker.start_and_crash()
    worker.start()
    rows = eventually(lambda: len(found := worker.listing("rejected", "list")) == 2 and found, timeout=30)
    assert {row["reason"] for row in rows} == {"delivery-limit"}
    assert {f"{row['publisher']}/{row['bulletinId']}" for row in rows} == {identity(fatal), identity(innocent)}
    assert {row["queue"] for row in rows} == {QUEUE}
    for one in (fatal, innocent):
        assert eventually(lambda: receipts.events(one)) == ["rejected"]
    # The broker has put them into the rejected queue by itself, once.
    assert host.depth("kentongan.rejected") == 2 and host.depth("kentongan.given-up") == 0
    (number,) = [row["id"] for row in rows if row["bulletinId"] == innocent["id"]]
    assert worker.command("rejected", "requeue", number).stdout == f"{number} is taken: published\n"
    eventually(lambda: receipts.events(innocent) == ["rejected", "accepted", "routed", "completed"])
    worker.stop()


def test_what_a_policy_expires_is_a_refusal(broker, host, make_worker):
    worker = make_worker()
    worker.command("topology", "apply")
    receipts, made = Receipts(host), bulletin()
    broker.ctl("set_policy", "-p", host.name, "short", f"^{QUEUE}$", '{"message-ttl": 100}', "--apply-to", "queues")
    publish(host, made)
    eventually(lambda: host.depth("kentongan.given-up") == 1)
    broker.ctl("clear_policy", "-p", host.name, "short")
    worker.start()
    assert eventually(lambda: receipts.events(made)) == ["rejected"]
    (row,) = worker.listing("rejected", "list")
    assert row["reason"] == "dead-lettered" and "expired" in json.dumps(row["errors"])
    worker.stop()


def test_a_forged_dead_letter_is_no_loop(host, make_worker):
    """A refusal goes back to the rejected exchange without the header by which dead letters are known."""
    worker = make_worker().start()
    host.channel("uji").basic_publish(
        "kentongan.intake", "announcement.uji", b"{}",
        pika.BasicProperties(headers={"x-first-death-reason": "delivery_limit", "x-first-death-queue": QUEUE}))
    eventually(lambda: host.depth("kentongan.rejected") == 1)
    time.sleep(2)
    assert len(worker.listing("rejected", "list")) == 1 and host.depth("kentongan.rejected") == 1
    worker.stop()


def test_queues_that_an_operator_is_to_declare_are_waited_for(host, make_worker):
    worker = make_worker(KENTONGAN_AMQP_DECLARE="false")
    worker.spawn()
    eventually(lambda: worker.get("/health/live").status == 200 if worker.process.poll() is None and listens(worker) else 0)
    assert QUEUE in eventually(lambda: reason_of_unreadiness(worker))
    worker.command("topology", "apply")
    eventually(worker.is_ready, timeout=60, what=lambda: reason_of_unreadiness(worker))
    made = bulletin()
    publish(host, made)
    eventually(lambda: identity(made) in recorded(worker))
    worker.stop()


def listens(worker):
    try:
        return worker.get("/health/live", timeout=2)
    except OSError:
        return False


def test_closed_connections_lose_and_double_nothing(broker, host, make_worker):
    worker = make_worker().start()
    made = [bulletin() for _ in range(3000)]
    thread = threading.Thread(target=publish, args=(host, *made), daemon=True)
    thread.start()
    for _ in range(3):
        # The worker's only: the publisher's own client has no way to go on.
        for line in broker.ctl("list_connections", "pid", "user").splitlines():
            pid, user = line.split()
            if user == "kentongan":
                broker.ctl("close_connection", pid, "uji")
    thread.join(60)
    eventually(lambda: len(recorded(worker)) >= 3000, timeout=90, every=1)
    eventually(worker.is_ready, timeout=60, what=lambda: reason_of_unreadiness(worker))
    assert sorted(recorded(worker)) == sorted(map(identity, made))
    worker.stop()


def test_the_next_host_of_a_list_is_tried(broker, host, make_worker):
    url = host.url().replace(f"@127.0.0.1:{broker.port}", f"@127.0.0.1:{free_port()},127.0.0.1:{broker.port}")
    worker = make_worker(url).start()
    made = bulletin()
    publish(host, made)
    eventually(lambda: identity(made) in recorded(worker))
    worker.stop()


def test_two_workers_take_each_once_though_one_is_killed(host, make_worker, mail):
    first = make_worker().start()
    second = make_worker(store=first.store).start()
    first.subscribe("email", "dua@kim.example", ["73.71"], ["kesehatan"])
    made = [bulletin() for _ in range(2000)]
    receipts = Receipts(host)
    thread = threading.Thread(target=publish, args=(host, *made), daemon=True)
    thread.start()
    eventually(lambda: len(mail.to("dua@kim.example")) > 100, timeout=60)
    second.kill()
    thread.join(60)
    names = set(map(identity, made))
    eventually(lambda: {about for event, about, _ in receipts.collect() if event == "completed"} == names, timeout=180, every=1,
               what=lambda: first.command("deliveries", "summary").stdout)
    assert sorted(recorded(first)) == sorted(names)
    # Each has one id for each of its receipts; only what was under way at the kill came twice.
    assert len(receipts.all) - len({number for _, _, number in receipts.all}) <= 500
    for event in ("accepted", "routed", "completed"):
        numbers = {(about, number) for one, about, number in receipts.all if one == event}
        assert len(numbers) == len(names) and {about for about, _ in numbers} == names
    mails = mail.to("dua@kim.example")
    distinct = {one.message["Message-ID"] for one in mails}
    assert len(distinct) == len(made)
    # Twice at most what was under way at the kill.
    assert len(mails) - len(distinct) <= 300
    first.stop()


def test_copies_at_one_instant_are_one_bulletin(host, make_worker):
    first = make_worker().start()
    second = make_worker(store=first.store).start()
    publishing = Publishing(host)
    made = [bulletin() for _ in range(100)]
    sent = [[publishing.send(one) for _ in range(2)] for one in made]
    for pair in sent:
        for one in pair:
            publishing.wait(one, "accepted", "duplicate")
        events = [event for one in pair for event in publishing.events(one)]
        assert events.count("accepted") == 1 and events.count("duplicate") == 1
    assert len(recorded(first)) == 100
    # The older revision after the newer, whoever takes it.
    for one in made[:20]:
        newer = publishing.send(one | {"revision": 3})
        older = publishing.send(one | {"revision": 2})
        publishing.wait(newer, "accepted")
        assert publishing.wait(older, "accepted", "rejected")
        rows = [row["revision"] for row in first.listing("bulletins", "list") if row["id"] == identity(one)]
        assert max(rows) == 3
    for worker in (first, second):
        worker.stop()


def test_a_reply_queue_that_refuses_keeps_no_other_receipts_waiting(host, make_worker):
    """Those that it keeps waiting leave the outbox neither late nor twice."""
    worker = make_worker().start()
    receipts, publishing = Receipts(host), Publishing(host)
    full = host.channel().queue_declare(
        "", exclusive=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"}).method.queue
    blocked, good = [bulletin() for _ in range(3)], [bulletin() for _ in range(20)]
    for one in blocked:
        publishing.send(one, reply_to=full)
    for one in good:
        publishing.wait(publishing.send(one), "completed", timeout=15)
    eventually(lambda: all("completed" in receipts.events(one) for one in blocked), what=lambda: receipts.all)
    for one in blocked + good:
        assert receipts.events(one) == ["accepted", "routed", "completed"]
    # Once its owner reads, the others come to it as well, each once.
    found = []

    def taken():
        _, _, body = host.channel().basic_get(full, auto_ack=True)
        found.extend([json.loads(body)["id"]] if body else [])
        return len(found) >= 9

    eventually(taken, timeout=90, every=0.2, what=lambda: found)
    assert len(set(found)) == len(found) == 9
    worker.stop()


def test_a_host_that_refuses_the_login_is_passed_by(host, broker, make_worker, tmp_path):
    with Broker.running(tmp_path / "other") as other:
        url = host.url().replace(f"@127.0.0.1:{broker.port}", f"@127.0.0.1:{other.port},127.0.0.1:{broker.port}")
        worker = make_worker(url).start()
        made = bulletin()
        publish(host, made)
        eventually(lambda: identity(made) in recorded(worker))
        worker.stop()

"""amqps: the broker's certificate must be of a known authority and of its name, and the worker shows its own."""
import pytest

from broker import PASSWORD, WORKER, Broker, free_port
from bulletins import bulletin
from certificates import Authority
from publishing import Publishing
from waiting import eventually
from worker import Worker


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "otoritas")


@pytest.fixture(scope="module")
def broker(tmp_path_factory, authority):
    """Takes TLS from clients with a certificate only; its own is of the name localhost, and of no address."""
    certificate, key = authority.issue("localhost", "DNS:localhost")
    port = free_port()
    configuration = [
        f"listeners.ssl.1 = 127.0.0.1:{port}", f"ssl_options.cacertfile = {authority.certificate}",
        f"ssl_options.certfile = {certificate}", f"ssl_options.keyfile = {key}", "ssl_options.verify = verify_peer",
        "ssl_options.fail_if_no_peer_cert = true"]
    with Broker.running(tmp_path_factory.mktemp("secure") / "node", *configuration) as broker:
        broker.tls_port = port
        yield broker


@pytest.fixture(scope="module")
def client(authority):
    return authority.issue("pekerja")


@pytest.fixture
def secure_worker(tmp_path, host, mail, broker):
    made = []

    def make(name, authority, client=None):
        query = f"cacertfile={authority.certificate}"
        if client:
            query += f"&certfile={client[0]}&keyfile={client[1]}"
        url = f"amqps://{WORKER}:{PASSWORD}@{name}:{broker.tls_port}/{host.name}?{query}"
        worker = Worker(tmp_path / name, host, mail.port, KENTONGAN_AMQP_URL=url)
        worker.command("store", "migrate")
        made.append(worker)
        return worker

    yield make
    for worker in made:
        worker.close()


def why_not_ready(worker):
    """What `serve` says of its broker."""
    worker.spawn()

    def answer():
        assert worker.process.poll() is None, worker.log_tail()
        try:
            answer = worker.get("/health/ready", timeout=2)
        except OSError:
            return None
        assert answer.status == 503
        return "broker" in worker.log_tail() and worker.log_tail()

    return eventually(answer, timeout=30)


def test_a_bulletin_comes_and_its_receipt_goes_over_tls(secure_worker, authority, client, host):
    worker = secure_worker("localhost", authority, client)
    worker.register("uji")
    worker.start()
    publishing = Publishing(host)
    publishing.wait(publishing.send(bulletin()), "completed")
    assert "amqp" in worker.command("check").stdout.lower()
    worker.stop()


def test_a_certificate_of_an_unknown_authority_is_refused(secure_worker, tmp_path, client):
    log = why_not_ready(secure_worker("localhost", Authority(tmp_path, "lain"), client))
    assert "certificate" in log and PASSWORD not in log


def test_a_certificate_of_another_name_is_refused(secure_worker, authority, client):
    log = why_not_ready(secure_worker("127.0.0.1", authority, client))
    assert "hostname verification failed" in log


def test_without_the_certificate_that_the_broker_asks_for_a_worker_stays_out(secure_worker, authority):
    log = why_not_ready(secure_worker("localhost", authority))
    assert "SSL error" in log

"""What the tests share: one broker, a mail and a webhook server a module, a worker a module.

They drive the program that KENTONGAN_BIN names (.build/debug/kentongan by default) from outside only:
`python3 -m pytest Tests/Acceptance`, in an environment with requirements.txt and RabbitMQ installed.
"""
import pytest

import payloads
from broker import Broker
from hookserver import HookServer
from mailserver import MailServer
from publishing import Publishing
from worker import Program, Worker

# Publishers of the tests' own that may say anything anywhere; users of the broker by the same names.
PUBLISHERS = ("uji", "uji.lain")


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    with Broker.running(tmp_path_factory.mktemp("broker") / "node") as broker:
        yield broker


@pytest.fixture(scope="module")
def host(request, broker):
    """A virtual host of the module's own; `PUBLISHERS` of the module names more users."""
    more = getattr(request.module, "MORE_PUBLISHERS", ())
    host = broker.add_host(request.module.__name__, [*PUBLISHERS, *more])
    yield host
    host.close()


@pytest.fixture(scope="module")
def mail():
    server = MailServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def hooks():
    server = HookServer()
    yield server
    server.stop()
    # Whatever a worker sent is what the schemas say.
    for hook in server.hooks:
        if hook.headers.get("user-agent") == "Kentongan":
            payloads.check(hook.json)


@pytest.fixture(scope="module")
def worker(request, tmp_path_factory, host, mail):
    """`serve`, running, with the tests' publishers registered; at the end SIGTERM must end it with 0. `SETTINGS` of the
    module is more of its environment."""
    settings = getattr(request.module, "SETTINGS", {})
    worker = Worker(tmp_path_factory.mktemp("worker"), host, mail.port, **settings)
    try:
        worker.command("store", "migrate")
        for slug in PUBLISHERS:
            worker.register(slug, emergency=True)
        worker.start()
        yield worker
        worker.stop()
    finally:
        worker.close()


@pytest.fixture(scope="module")
def publishing(worker, host):
    return Publishing(host)


@pytest.fixture
def program(tmp_path):
    """Commands on a new store, without a broker."""
    program = Program(tmp_path)
    program.command("store", "migrate")
    return program

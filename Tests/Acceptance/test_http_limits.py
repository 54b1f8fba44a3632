"""What strangers may take of the worker over HTTP: connections, time and room."""
import contextlib
import resource
import socket
import subprocess
import time

import pytest

from broker import free_port
from waiting import eventually
from worker import Worker

HALF = b"POST /websub HTTP/1.1\r\nHost: a\r\nContent-Length: 90\r\n\r\nhub.mode="


@pytest.fixture
def new_worker(tmp_path, host, mail):
    """A worker of the test's own, started with settings and arguments."""
    with contextlib.ExitStack() as stack:
        def start(**settings):
            worker = Worker(tmp_path / "worker", host, mail.port, **settings)
            stack.callback(worker.close)
            worker.command("store", "migrate")
            return worker
        yield start


def raw(port, text, timeout=20):
    """Everything that a connection answers until its end."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        connection.sendall(text)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


@pytest.mark.parametrize("head,status", [
    ("GET /health/live HTTP/1.1\r\n", 400),
    ("GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
    ("GET /feeds/73.71.rss HTTP/1.1\r\nHost: a\r\nhost: a\r\n", 400),
    ("GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n", 200),
    ("GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n", 200),
    ("GET /feeds/73.71.rss HTTP/1.1\r\nHost: a\r\nConnection: CLOSE\r\n", 200),
    ("GET /health/live HTTP/1.0\r\n", 200),
    ("GET /health/live HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n", 200),
    ("GET /health/live HTTP/1.1\r\nHost: a\r\nX-Long: " + "x" * 20_000 + "\r\n", 431),
    ("GET /health/live HTTP/1.1\r\nHost: a\r\n" + "x: y\r\n" * 4000, 431),
    ("POST /websub HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n", 413),
    ("GET /health/live HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n", 413),
])
def test_a_connection_ends_with_its_last_answer(worker, head, status):
    began = time.monotonic()
    answer = raw(worker.port, head.encode() + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert answer.lower().count(b"\r\nconnection: close\r\n") == 1, answer[:400]
    assert time.monotonic() - began < 10


def test_idle_connections_shut_nobody_out(new_worker):
    worker = new_worker()
    binary, worker.binary = worker.binary, None
    log = open(worker.folder / "serve.log", "ab")
    worker.process = subprocess.Popen(
        ["/bin/sh", "-c", f'ulimit -n 512; exec "{binary}" serve'], env=worker.environment, cwd=binary.parents[2],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    eventually(worker.is_ready, what=worker.log_tail)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    with contextlib.ExitStack() as stack:
        for number in range(900):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", worker.port)))
            if number % 3:
                connection.sendall(HALF if number % 3 == 1 else b"GET /health/live HTTP/1.1\r\nX: ")
        assert worker.get("/health/ready").status == 200
        assert worker.get("/feeds/73.71.rss").status == 200
        worker.stop()
    assert "of the 512 files" in (worker.folder / "serve.log").read_text()


def test_half_of_a_request_does_not_delay_the_end(new_worker):
    worker = new_worker().start()
    with contextlib.ExitStack() as stack:
        for text in (HALF, b"", b"GET /health/live HTTP/1.1\r\nHo"):
            stack.enter_context(socket.create_connection(("127.0.0.1", worker.port))).sendall(text)
        time.sleep(0.5)
        began = time.monotonic()
        worker.stop()
        assert time.monotonic() - began < 15


def test_health_and_metrics_have_an_address_of_their_own(new_worker):
    port = free_port()
    worker = new_worker(KENTONGAN_HTTP_OPS_LISTEN=f"127.0.0.1:{port}")
    worker.is_ready = lambda: b" 200 " in ask(port, "/health/ready")
    worker.start()
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert b" 200 " in ask(port, path) and worker.get(path).status == 404
    assert b" 404 " in ask(port, "/feeds/73.71.rss") and worker.get("/feeds/73.71.rss").status == 200
    worker.stop()


def test_each_role_tells_of_its_health(new_worker):
    port = free_port()
    worker = new_worker(KENTONGAN_HTTP_OPS_LISTEN=f"127.0.0.1:{port}")
    with open(worker.folder / "serve.log", "ab") as log:
        worker.process = subprocess.Popen(
            [worker.binary, "serve", "--roles", "delivery"], env=worker.environment, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log)
    eventually(lambda: b" 200 " in ask(port, "/health/ready"), what=worker.log_tail)
    assert b"kentongan_ready 1" in ask(port, "/metrics")
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", worker.port), 1)
    worker.stop()


def ask(port, path):
    try:
        return raw(port, f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    except OSError:
        return b""

"""Receivers of webhooks that are slow, broken, hostile or not who they say: 127.0.0.1 is open, all else is private."""
import csv
import gzip
import re
import ssl
import subprocess
import time
import warnings
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest

from certificates import Authority
from bulletins import bulletin
from deliveries import finished, row
from rawserver import RawServer, answering, reset, server_context
from waiting import eventually
from worker import PROJECT, Worker

with open(PROJECT / "config/data/regions.csv") as _file:
    # A region a test, so that no test's bulletins reach another's subscribers.
    FREE = iter([row["code"] for row in csv.DictReader(_file) if row["level"] == "2"])
OK = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
BUSY = 8


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "otoritas")


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Names under .uji: `names(name, group, group, ...)` gives one its addresses, a group for each look-up."""
    folder = tmp_path_factory.mktemp("names")
    library = folder / "names.so"
    subprocess.run(["clang", "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).with_name("names.c"), "-ldl"], check=True)

    def names(name, *groups):
        with open(folder / "names", "a") as file:
            file.write(f"{name} {' '.join(groups)}\n")
    names.environment = {"LD_PRELOAD": str(library), "NAMES": str(folder / "names"), "NAMES_ASKED": str(folder / "asked")}
    names.asked = lambda name: (folder / "asked").read_text().split().count(name)
    return names


@pytest.fixture(scope="module")
def worker(tmp_path_factory, host, mail, authority, names):
    worker = Worker(
        tmp_path_factory.mktemp("worker"), host, mail.port, KENTONGAN_WEBHOOKS_ALLOW="127.0.0.1/32",
        KENTONGAN_WEBHOOKS_AUTHORITIES=str(authority.certificate), KENTONGAN_WEBHOOKS_RETRY="1,1,40,40")
    try:
        worker.command("store", "migrate")
        worker.register("uji", emergency=True)
        worker.start(**names.environment)
        yield worker
        worker.stop()
    finally:
        worker.close()


@pytest.fixture
def region():
    return next(FREE)


@pytest.fixture
def serve():
    servers = []

    def serve(*arguments, **options):
        servers.append(RawServer(*arguments, **options))
        return servers[-1]
    yield serve
    for server in servers:
        server.close()


@pytest.fixture
def send(worker, publishing, region):
    """Publishes to an endpoint; the bulletin. With `settings` of the command that adds it."""
    def send(url, **settings):
        worker.command("subscriptions", "add", "--webhook", url, "--region", region, **settings)
        sent = bulletin(regions=[region])
        publishing.wait(publishing.send(sent), "routed")
        return sent
    return send


def tried(worker, sent, times=1, timeout=30):
    """Its delivery once it was tried so often, with its attempts."""
    found = eventually(lambda: (lambda r: r if r["attempts"] >= times and r["state"] != "sending" else None)(row(worker, sent)),
                       timeout=timeout, every=0.3, what=lambda: row(worker, sent))
    (shown,) = worker.rows("deliveries", "show", found["id"])
    return shown | {"made": shown["attemptsMade"]}


# MARK: - When to come back

@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_kept(worker, serve, send, status, form):
    def answer(connection, number):
        at = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=BUSY), usegmt=True)
        after = str(BUSY) if form == "seconds" else at
        connection.sendall(OK if number else f"HTTP/1.1 {status} Busy\r\nRetry-After: {after}\r\nContent-Length: 0\r\n\r\n".encode())
    server = serve(answer)
    sent = send(server.url())
    assert finished(worker, sent)["state"] == "delivered"
    (first, _), (second, _) = server.requests
    assert BUSY - 1.5 <= second - first <= BUSY + 10


@pytest.mark.parametrize("after", ["-5", "0", "sebentar lagi", "Thu, 01 Jan 1970 00:00:00 GMT", "1e9", ""])
def test_a_retry_after_that_says_nothing_leaves_the_schedule(worker, serve, send, after):
    busy = f"HTTP/1.1 429 Busy\r\nRetry-After: {after}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    server = serve(lambda connection, number: connection.sendall(OK if number else busy))
    assert finished(worker, send(server.url()))["state"] == "delivered"
    (first, _), (second, _) = server.requests
    assert 0.9 <= second - first <= 8


@pytest.mark.parametrize("after", ["99999999999999999999999", "9999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_huge_retry_after_is_a_day(worker, serve, send, after):
    server = serve(answering(f"HTTP/1.1 503 Busy\r\nRetry-After: {after}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()))
    told = tried(worker, send(server.url()))
    left = datetime.fromisoformat(told["dueAt"]) - datetime.now(timezone.utc)
    assert told["state"] == "pending" and left <= timedelta(hours=24, minutes=1)
    assert left > timedelta(hours=23)


def test_410_ends_it(worker, serve, send):
    server = serve(answering(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"))
    told = finished(worker, send(server.url()))
    assert (told["state"], told["code"], len(server.requests)) == ("failed", "410", 1)
    assert {r["address"]: r["state"] for r in worker.listing("subscriptions", "list")}[server.url()] == "disabled"


# MARK: - Where to

@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_private_address_is_not_followed(worker, serve, send, status):
    secret = serve(answering(OK), address="127.0.0.2")
    location = secret.url("127.0.0.2").encode()
    server = serve(answering(b"HTTP/1.1 %d X\r\nLocation: %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (status, location)))
    told = tried(worker, send(server.url()))
    assert (told["code"], told["state"], secret.connections) == (str(status), "pending", 0)


@pytest.mark.parametrize("place", ["127.0.0.2", "[::1]", "[::ffff:127.0.0.2]", "169.254.169.254", "10.0.0.1"])
def test_a_private_address_is_refused_before_a_byte(worker, serve, send, place):
    secret = serve(answering(OK), address="127.0.0.2")
    url = f"http://{place}:{secret.port}/"
    refused = worker.command("subscriptions", "add", "--webhook", url, "--region", "73.71", expect=2)
    assert "can never be reached" in refused.stderr and "webhooks.allow" in refused.stderr
    # One that was taken while its network was open.
    told = tried(worker, send(url, KENTONGAN_WEBHOOKS_ALLOW="0.0.0.0/0,::/0"))
    assert "may not be reached" in told["made"][0]["detail"] and secret.connections == 0


def test_a_name_that_alternates_never_leads_to_the_private_address(worker, serve, send, names):
    server = serve(answering(OK))
    secret = serve(answering(OK), address="127.0.0.2", port=server.port)
    names("ganti.uji", "127.0.0.2", "127.0.0.1", "127.0.0.2")
    sent = send(f"http://ganti.uji:{server.port}/")
    assert "may not be reached" in tried(worker, sent, 2)["made"][1]["detail"]
    # An answer is kept for half a minute; the next one is public.
    assert finished(worker, sent, timeout=70)["state"] == "delivered"
    assert len(server.requests) == 1 and secret.connections == 0 and names.asked("ganti.uji") == 2


def test_of_mixed_addresses_only_the_public_one_is_connected_to(worker, serve, send, names):
    server = serve(answering(OK))
    secret = serve(answering(OK), address="127.0.0.2", port=server.port)
    names("campur.uji", "127.0.0.2,::1,127.0.0.1,10.0.0.1")
    assert finished(worker, send(f"http://campur.uji:{server.port}/"))["state"] == "delivered"
    assert secret.connections == 0 and len(server.requests) == 1


def test_a_name_without_an_address_is_tried_again(worker, send):
    told = tried(worker, send("http://tiada.uji:8080/"))
    assert told["state"] == "pending" and "looked up" in told["made"][0]["detail"]


@pytest.mark.parametrize("url", [
    "http://0x7f.1/", "http://2130706433/", "http://127.1/", "http://0177.0.0.1/", "http://a:b@127.0.0.1/", "http://127.0.0.1@x/",
    "http://[fe80::1%25lo]/", "http://contoh.example./", "http://127.0.0.1./", "http://b\u00fccher.example/", "http://\uff11\uff12\uff17.0.0.1/",
    "ftp://127.0.0.1/", "http://127.0.0.1:0/", "http:///x", "http://127.0.0.1/\r\nX: y"])
def test_an_odd_spelling_is_refused_at_once(program, url):
    refused = program.command("subscriptions", "add", "--webhook", url, "--region", "73", expect=2)
    assert refused.stderr.count("\n") == 1


# MARK: - What is answered

def test_a_huge_answer_is_cut_off(worker, serve, send):
    def answer(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        server.flood(connection, b"x" * 65536, 150_000)
    server = serve(answer)
    assert finished(worker, send(server.url()))["state"] == "delivered"
    # The sockets' buffers hold a few MB; the rest was never read.
    assert server.sent < 64_000_000


def test_a_gzip_bomb_is_not_decompressed(worker, serve, send):
    bomb = gzip.compress(b"0" * 50_000_000)
    head = b"HTTP/1.1 500 X\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(bomb)
    server = serve(answering(head + bomb))
    before = worker.resident_bytes()
    told = tried(worker, send(server.url()))
    assert told["code"] == "500" and "000" not in told["made"][0]["detail"]
    assert worker.resident_bytes() - before < 30_000_000


def test_a_head_without_end_is_cut_off(worker, serve, send):
    def answer(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        server.flood(connection, b"X-Isi: " + b"x" * 1000 + b"\r\n", 100_000)
    server = serve(answer)
    assert tried(worker, send(server.url()))["made"][0]["outcome"] == "retry"
    assert server.sent < 64_000_000


def drip(connection, _):
    for byte in b"HTTP/1.1 204 No Content\r\n\r\n":
        connection.sendall(bytes([byte]))
        time.sleep(1)


@pytest.mark.parametrize("answer", [drip, lambda connection, _: time.sleep(60)], ids=["drip", "hang"])
def test_what_takes_longer_than_15_seconds_is_cut_off(worker, serve, send, answer):
    told = tried(worker, send(serve(answer).url()), timeout=40)
    assert "took too long" in told["made"][0]["detail"]
    assert 14_500 <= told["made"][0]["durationMs"] <= 20_000


@pytest.mark.parametrize("answer", [
    reset, answering(b""), answering(b"HTTP/1.1 2"), answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
    answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf"), answering(b"SSH-2.0-OpenSSH\r\n"),
    answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")],
    ids=["reset", "nothing", "half a line", "half a body", "half a chunk", "another protocol", "an upgrade"])
def test_half_an_answer_is_none(worker, serve, send, answer):
    server = serve(answer)
    told = tried(worker, send(server.url()))
    assert told["made"][0]["outcome"] == "retry" and told["made"][0]["code"] is None
    ids = {re.search(rb"webhook-id: (\S+)", request)[1] for _, request in eventually(lambda: len(server.requests) > 1 and server.requests)}
    assert len(ids) == 1


# MARK: - Who it is

def pair(authority, fault):
    if fault == "self-signed":
        other = Authority(authority.folder, "localhost")
        return other.certificate, other.key
    if fault == "wrong host":
        return authority.issue("lain", "DNS:lain.example")
    if fault == "expired":
        return authority.issue("basi", "DNS:localhost", days=(-2, -1))
    return authority.issue(fault.replace(" ", "-"), "DNS:localhost", "IP:127.0.0.1")


@pytest.mark.parametrize("fault", ["none", "expired", "wrong host", "self-signed", "TLS 1.0", "TLS 1.1"])
def test_only_a_peer_that_proves_its_name_is_posted_to(worker, serve, send, authority, fault):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        newest = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}.get(fault)
        context = server_context(*pair(authority, fault), newest)
    if fault == "expired":
        time.sleep(1.1)
    server = serve(answering(OK), context=context)
    sent = send(server.url("localhost", "https"))
    if fault == "none":
        assert finished(worker, sent)["state"] == "delivered"
        return
    told = tried(worker, sent)
    assert "no secure connection" in told["made"][0]["detail"] and not server.requests
    assert told["state"] == "pending"

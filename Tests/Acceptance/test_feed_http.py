"""Feeds over connections that stay open, where answers that lie ready are given at the door: as right as the others."""
import gzip
import http.client
import json
import socket
import time

import pytest

from bulletins import after, bulletin
from waiting import eventually

REGION = "62.01"
PATH = f"/feeds/{REGION}.atom"


class Kept:
    """A connection that stays open."""

    def __init__(self, worker):
        self.connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=10)

    def get(self, path, method="GET", **headers):
        self.connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = self.connection.getresponse()
        answer.body = answer.read()
        return answer


@pytest.fixture(scope="module")
def filled(worker, publishing):
    for number in range(5):
        publishing.wait(publishing.send(bulletin(regions=[REGION], title=f"Kabar {number}", body="panjang " * 2000)), "routed")
    return worker


@pytest.fixture
def kept(filled):
    kept = Kept(filled)
    yield kept
    kept.connection.close()


def known(answer):
    return {name.lower(): value for name, value in answer.getheaders() if name.lower() not in ("date", "connection")}


@pytest.mark.parametrize("headers", [
    {}, {"Accept_Encoding": "gzip"}, {"If_None_Match": '"x"'}, {"If_None_Match": "*"}, {"If_Modified_Since": "Thu, 01 Jan 1970 00:00:00 GMT"}])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_answers_at_the_door_are_the_routers(filled, kept, method, headers):
    kept.get(PATH)
    # Who closes goes the long way.
    slow = Kept(filled).get(PATH, method, Connection="close", **headers)
    fast = kept.get(PATH, method, **headers)
    assert (fast.status, fast.body, known(fast)) == (slow.status, slow.body, known(slow))
    assert fast.headers["Date"]


def test_a_private_feed_is_not_for_caches_between(filled, kept):
    address = filled.subscribe("feed", None, [REGION])[0]["feed"].removeprefix(filled.url)
    answer = kept.get(address)
    assert answer.status == 200 and answer.headers["Cache-Control"].startswith("private")
    assert answer.headers["Access-Control-Allow-Origin"] is None
    again = kept.get(address, If_None_Match=answer.headers["ETag"])
    assert again.status == 304 and again.headers["Cache-Control"].startswith("private")


def test_a_public_feed_is_for_all(kept):
    for path in (PATH, PATH):
        answer = kept.get(path)
        assert answer.headers["Cache-Control"].startswith("public, max-age=") and "stale-while-revalidate" in answer.headers["Cache-Control"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*" and answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_links_name_the_feed_and_its_hub(filled, kept):
    links = kept.get(PATH).headers["Link"]
    assert f'<{filled.url}{PATH}>; rel="self"' in links and f'<{filled.url}/websub>; rel="hub"' in links


def test_a_preflight_is_answered(kept):
    answer = kept.get(PATH, "OPTIONS", Origin="https://x.example", Access_Control_Request_Method="GET",
                      Access_Control_Request_Headers="if-none-match")
    assert answer.status == 204 and answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in answer.headers["Access-Control-Allow-Methods"] and "if-none-match" in answer.headers["Access-Control-Allow-Headers"].lower()


def test_tags_differ_by_encoding_and_content(kept):
    plain, packed = kept.get(PATH), kept.get(PATH, Accept_Encoding="gzip")
    assert plain.headers["ETag"] != packed.headers["ETag"] and not plain.headers["ETag"].startswith("W/")
    assert gzip.decompress(packed.body) == plain.body
    assert kept.get(PATH, If_None_Match=packed.headers["ETag"]).status == 200
    assert kept.get(PATH, If_None_Match=packed.headers["ETag"], Accept_Encoding="gzip").status == 304
    tags = {kept.get(f"/feeds/{name}").headers["ETag"] for name in (f"{REGION}.rss", f"{REGION}.atom", f"{REGION}.json", f"en/{REGION}.rss")}
    assert len(tags) == 4


@pytest.mark.parametrize("form", ["rss", "atom", "json"])
def test_a_change_is_seen_at_once(kept, publishing, form):
    region = {"rss": "62.02", "atom": "62.03", "json": "62.04"}[form]
    path = f"/feeds/{region}.{form}"
    before = kept.get(path)
    assert kept.get(path, If_None_Match=before.headers["ETag"]).status == 304
    made = bulletin(regions=[region], title="Awal")
    for revision, title in enumerate(("Awal", "Ralat satu", "Ralat dua"), 1):
        publishing.wait(publishing.send(made | {"revision": revision, "title": title}), "routed")
        answer = kept.get(path, If_None_Match=before.headers["ETag"])
        assert answer.status == 200 and title.encode() in answer.body
        since = kept.get(path, If_Modified_Since=before.headers["Last-Modified"] or "")
        assert since.status == 200
        before = answer
    publishing.wait(publishing.send(made | {"revision": 4, "status": "withdrawn"}), "routed")
    answer = kept.get(path, If_None_Match=before.headers["ETag"])
    assert answer.status == 200 and b"Ralat dua</title>" not in answer.body
    assert kept.get(path, If_Modified_Since=before.headers["Last-Modified"]).status == 200


def test_a_change_elsewhere_changes_no_tag(kept, publishing):
    before = kept.get(PATH)
    publishing.wait(publishing.send(bulletin(regions=["64.01"])), "routed")
    assert kept.get(PATH).headers["ETag"] == before.headers["ETag"]


def answers(sock, count):
    """So many answers, as (status, body)."""
    reader = sock.makefile("rb")
    found = []
    for _ in range(count):
        status = int(reader.readline().split()[1])
        length = 0
        while (line := reader.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        found.append((status, reader.read(length)))
    return found


def test_requests_that_come_at_once_are_answered_in_their_order(filled, kept):
    """Those at the door do not overtake those that go through the router."""
    paths = [PATH, "/health/live", PATH, "/feeds/tiada.rss", PATH, PATH, "/health/live", f"/feeds/{REGION}.rss?x=1", PATH]
    kept.get(PATH)
    body = kept.get(PATH).body
    with socket.create_connection(("127.0.0.1", filled.port), timeout=10) as sock:
        sock.sendall(b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths))
        found = answers(sock, len(paths))
    assert [status for status, _ in found] == [200, 200, 200, 404, 200, 200, 200, 200, 200]
    assert [text for _, text in found][0::2][:3] == [body] * 3 and found[1][1] == found[6][1] == b"ok\n"


def test_who_does_not_read_is_not_written_for(filled, kept):
    """A thousand answers of 80 KB are asked for and not read: the worker keeps a few of them, and goes on for others."""
    kept.get(PATH)
    before = filled.resident_bytes()
    socks = [socket.create_connection(("127.0.0.1", filled.port), timeout=10) for _ in range(4)]
    request = f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 1000
    for sock in socks:
        sock.setblocking(False)
        try:
            sock.send(request)
        except BlockingIOError:
            pass
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        assert kept.get(PATH).status == 200
        assert filled.resident_bytes() < before + 100_000_000
    for sock in socks:
        sock.close()


def test_a_body_with_a_get_is_read_past(filled, kept):
    kept.get(PATH)
    with socket.create_connection(("127.0.0.1", filled.port), timeout=10) as sock:
        sock.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhalloGET /health/live HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        found = answers(sock, 2)
    assert [status for status, _ in found] == [200, 200] and found[1][1] == b"ok\n"


def test_an_older_client_is_answered(filled, kept):
    kept.get(PATH)
    with socket.create_connection(("127.0.0.1", filled.port), timeout=10) as sock:
        sock.sendall(f"GET {PATH} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        assert answers(sock, 1)[0][0] == 200


def test_a_change_by_another_process_is_seen(filled, kept, publishing):
    made = bulletin(regions=[REGION], title="Akan ditarik")
    publishing.wait(publishing.send(made), "routed")
    assert b"Akan ditarik</title>" in kept.get(PATH).body
    filled.command("bulletins", "withdraw", f"uji/{made['id']}", "--why", "keliru")
    # The command's own transaction takes it off; the tombstone follows.
    assert b"Akan ditarik</title>" not in kept.get(PATH).body
    eventually(lambda: b"keliru" in kept.get(PATH).body)


def test_a_private_feed_says_when_it_was_last_asked_for(filled, publishing):
    (made,) = filled.subscribe("feed", None, ["64.02"])
    publishing.wait(publishing.send(bulletin(regions=["64.02"], title="Untuk langganan")), "completed")
    (row,) = [row for row in filled.listing("deliveries", "list") if row["endpoint"] == made["address"]]
    assert row["state"] == "delivered"

    def fetched():
        (row,) = [row for row in filled.listing("subscriptions", "list") if row["id"] == made["id"]]
        return row["fetchedAt"]
    assert fetched() is None
    began = time.time()
    answer = filled.get(made["feed"])
    assert b"Untuk langganan" in answer.body
    first = eventually(fetched)
    assert first >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began))
    assert filled.get(made["feed"], headers={"If-None-Match": answer.headers["ETag"]}).status == 304
    eventually(lambda: fetched() > first)


def test_an_erased_feed_is_not_found(filled, kept):
    (made,) = filled.subscribe("feed", None, ["64.03"])
    path = made["feed"].removeprefix(filled.url)
    assert kept.get(path).status == 200
    filled.command("subscribers", "erase", made["address"])
    assert kept.get(path).status == 404

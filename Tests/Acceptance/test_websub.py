"""The WebSub hub, from outside: the steps of the W3C's hub tests (websub.rocks, 100 to 104) and more, with a subscriber of
the tests' own and with Flask-WebSub, which nobody here wrote."""
import hashlib
import hmac
import itertools
import json
import re
import threading
import urllib.parse
from datetime import datetime, timedelta, timezone

import feedparser
import flask
import pytest
from flask_websub.subscriber import SQLite3SubscriberStorage, SQLite3TempSubscriberStorage, Subscriber, discover
from werkzeug.serving import make_server

from bulletins import bulletin, identity
from callbackserver import CallbackServer
from publishing import Publishing
from timetravel import TimeTraveller
from waiting import eventually
from worker import Worker

# All of the module's callbacks are of one network.
SETTINGS = {"KENTONGAN_WEBHOOKS_RETRY": "1,1,1,1,1,1,1,1,1,1", "KENTONGAN_HUB_PER_OWNER": "10000",
            "KENTONGAN_HUB_PER_NETWORK": "10000"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FORMS = ("rss", "atom", "json")
TEN_DAYS = 864_000
_names = itertools.count(1)


@pytest.fixture(scope="module")
def callbacks():
    server = CallbackServer()
    yield server
    server.stop()


class Hub:
    """What a subscriber does, at one worker."""

    def __init__(self, worker, callbacks, publishing):
        self.worker, self.callbacks, self.publishing = worker, callbacks, publishing

    def post(self, body, headers=None):
        body = body if isinstance(body, bytes) else urllib.parse.urlencode(body).encode()
        return self.worker.get("/websub", "POST", FORM | (headers or {}), body)

    def topic(self, path):
        return path if path.startswith("http") else self.worker.url + path

    def ask(self, mode, path, topic, query="", **more):
        """Sends a request that the hub takes."""
        form = {"hub.callback": self.callbacks.url + path + query, "hub.mode": mode, "hub.topic": self.topic(topic)}
        answer = self.post(form | {f"hub.{name}": value for name, value in more.items()})
        assert answer.status == 202, (answer.status, answer.body)

    def subscribe(self, topic, query="", path=None, **more):
        """A new callback's path, once the subscription is active."""
        path = path or f"/callback{next(_names)}"
        self.ask("subscribe", path, topic, query, **more)
        eventually(lambda: self.find(path, "active"), what=self.worker.log_tail)
        return path

    def find(self, path, state=None):
        """The newest subscription of a callback."""
        rows = [row for row in self.worker.listing("websub", "list")
                if urllib.parse.urlsplit(row["callback"]).path == path and state in (None, row["state"])]
        return rows[0] if rows else None

    def publish(self, region, **members):
        made = bulletin(regions=[region], **members)
        self.publishing.wait(self.publishing.send(made), "routed")
        return made

    def push(self, path, number=1):
        """The so many-th push to a callback that it took."""
        return eventually(lambda: self.callbacks.taken(path)[number - 1:], what=self.worker.log_tail)[0]

    def quiet(self, path, number):
        """There come no more than so many pushes, while another subscriber gets its own."""
        witness = self.subscribe("/feeds/31.75.rss")
        self.publish("31.75")
        self.push(witness)
        assert len(self.callbacks.pushes(path)) == number


@pytest.fixture(scope="module")
def hub(worker, callbacks, publishing):
    return Hub(worker, callbacks, publishing)


# Discovery


@pytest.mark.parametrize("form", FORMS)
def test_a_feed_names_its_hub_and_itself(hub, form):
    own = f"{hub.worker.url}/feeds/71.{form}"
    answer = hub.worker.get(own)
    links = re.findall(r'<([^>]*)>; rel="(\w+)"', ", ".join(answer.headers.get_all("Link")))
    assert sorted(links) == sorted([(f"{hub.worker.url}/websub", "hub"), (own, "self")])
    if form == "json":
        assert json.loads(answer.body)["hubs"] == [{"type": "WebSub", "url": f"{hub.worker.url}/websub"}]
    else:
        found = [(link.href, link.rel) for link in feedparser.parse(answer.body).feed.links if link.rel in ("hub", "self")]
        assert sorted(found) == sorted(links)


# The hub's tests of websub.rocks


@pytest.mark.parametrize("form", FORMS)
def test_100_a_typical_subscriber_gets_what_a_get_would(hub, form):
    region = {"rss": "71.01", "atom": "71.02", "json": "71.03"}[form]
    path = hub.subscribe(f"/feeds/{region}.{form}")
    question, = hub.callbacks.questions(path)
    assert question.query["hub.mode"] == "subscribe" and question.query["hub.topic"] == f"{hub.worker.url}/feeds/{region}.{form}"
    assert question.query["hub.lease_seconds"] == str(TEN_DAYS) and len(question.query["hub.challenge"]) >= 32
    hub.publish(region, title="Judul “é” 🛕", body="<b>]]></b>")
    push, get = hub.push(path), hub.worker.get(f"/feeds/{region}.{form}")
    assert push.body == get.body and push.headers["content-type"] == get.headers["Content-Type"]
    assert push.headers["link"] == get.headers["Link"] and "x-hub-signature" not in push.headers
    assert push.headers["content-length"] == str(len(get.body))
    assert len(hub.callbacks.pushes(path)) == 1


def test_101_with_a_secret_pushes_are_signed(hub):
    secret = "rahasia & ünïk=+%"
    path = hub.subscribe("/feeds/71.04.rss", secret=secret)
    hub.publish("71.04")
    push = hub.push(path)
    wanted = hmac.new(secret.encode(), push.body, hashlib.sha256).hexdigest()
    assert push.headers["x-hub-signature"] == f"sha256={wanted}"


def test_102_who_unsubscribes_gets_nothing_more(hub):
    path = hub.subscribe("/feeds/71.05.rss")
    hub.publish("71.05")
    hub.push(path)
    hub.ask("unsubscribe", path, "/feeds/71.05.rss")
    ended = eventually(lambda: hub.find(path, "ended"))
    question, = hub.callbacks.questions(path, "unsubscribe")
    assert ended["why"] == "unsubscribed" and question.query["hub.topic"] == f"{hub.worker.url}/feeds/71.05.rss"
    assert question.query["hub.challenge"] and "hub.lease_seconds" not in question.query
    hub.publish("71.05")
    hub.quiet(path, 1)


def test_an_unsubscription_that_is_not_confirmed_changes_nothing(hub):
    path = hub.subscribe("/feeds/71.06.rss")
    hub.callbacks.confirms[path] = lambda query, tries: (404, b"")
    hub.ask("unsubscribe", path, "/feeds/71.06.rss")
    eventually(lambda: hub.callbacks.questions(path, "unsubscribe"))
    hub.publish("71.06")
    hub.push(path)
    assert hub.find(path)["state"] == "active"


def test_103_a_plain_text_client_may_use_odd_but_valid_forms(hub):
    """Names and values may be escaped wherever; what the hub does not know is ignored."""
    path = f"/callback{next(_names)}"
    topic = urllib.parse.quote(hub.topic("/feeds/71.07.rss"), safe="").lower().replace("%3a", "%3A")
    callback = urllib.parse.quote(hub.callbacks.url + path, safe="")
    body = f"hub%2Emode=subscribe&hub.verify=async&x=1&x=2&&hub.callback={callback}&hub.topic={topic}&hub.unknown=%00"
    assert hub.post(body.encode(), {"Content-Type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"}).status == 202
    eventually(lambda: hub.find(path, "active"))


def test_104_a_renewal_replaces_secret_and_lease(hub):
    path = hub.subscribe("/feeds/71.08.rss", secret="lama", lease_seconds="3600")
    first = hub.find(path)
    hub.ask("subscribe", path, "/feeds/71.08.rss", secret="baru", lease_seconds="7200")
    renewed = eventually(lambda: row if (row := hub.find(path))["expiresAt"] != first["expiresAt"] else None)
    assert renewed["id"] == first["id"]
    assert [q.query["hub.lease_seconds"] for q in hub.callbacks.questions(path)] == ["3600", "7200"]
    hub.publish("71.08")
    push = hub.push(path)
    assert push.headers["x-hub-signature"] == "sha256=" + hmac.new(b"baru", push.body, hashlib.sha256).hexdigest()
    hub.quiet(path, 1)


@pytest.mark.parametrize("asked, granted", [("1", 300), ("0", 300), ("86400", 86400), ("99999999", 2_592_000), ("9" * 40, 2_592_000)])
def test_a_lease_is_kept_within_bounds(hub, asked, granted):
    path = hub.subscribe("/feeds/71.09.rss", lease_seconds=asked)
    assert hub.callbacks.questions(path)[0].query["hub.lease_seconds"] == str(granted)
    row = hub.find(path)
    lasts = datetime.fromisoformat(row["expiresAt"]) - datetime.fromisoformat(row["createdAt"])
    assert lasts == timedelta(seconds=granted)


@pytest.mark.parametrize("answer", [
    lambda query, tries: (200, b"salah"), lambda query, tries: (200, query["hub.challenge"].encode() + b"\n"),
    lambda query, tries: (200, query["hub.challenge"][:-1].encode()), lambda query, tries: (200, b""),
    lambda query, tries: (404, query["hub.challenge"].encode()), lambda query, tries: (302, query["hub.challenge"].encode()),
    lambda query, tries: (200, query["hub.challenge"].encode() + b"x" * 1_000_000),
], ids=["wrong", "newline", "short", "empty", "404", "302", "huge"])
def test_what_is_not_the_challenge_refuses(hub, answer):
    path = f"/callback{next(_names)}"
    hub.callbacks.confirms[path] = answer
    hub.ask("subscribe", path, "/feeds/71.10.rss")
    eventually(lambda: hub.callbacks.questions(path))
    hub.subscribe("/feeds/71.10.rss")
    hub.publish("71.10")
    hub.quiet(path, 0)
    assert hub.find(path) is None and len(hub.callbacks.questions(path)) == 1


def test_challenges_differ(hub):
    paths = [hub.subscribe("/feeds/71.11.rss") for _ in range(3)]
    assert len({hub.callbacks.questions(path)[0].query["hub.challenge"] for path in paths}) == 3


def test_a_callback_that_is_out_of_order_is_asked_again(hub):
    path = f"/callback{next(_names)}"
    hub.callbacks.confirms[path] = lambda query, tries: (503, b"") if tries < 2 else (200, query["hub.challenge"].encode())
    hub.subscribe("/feeds/71.73.rss", path=path)
    assert len(hub.callbacks.questions(path)) == 3


def test_410_ends_the_subscription(hub):
    path, other = hub.subscribe("/feeds/71.74.rss"), hub.subscribe("/feeds/71.74.rss")
    hub.callbacks.takes[path] = lambda tries: 410
    hub.publish("71.74")
    assert eventually(lambda: hub.find(path, "ended"))["code"] == "410"
    hub.push(other)
    hub.publish("71.74")
    hub.push(other, 2)
    assert len(hub.callbacks.pushes(path)) == 1


def test_a_callbacks_own_query_stays(hub):
    query = "?a=1&b=%20x%2F&hub.mode=mine&c"
    path = hub.subscribe("/feeds/71.71.rss", query)
    target = hub.callbacks.questions(path)[0].target
    assert target.startswith(f"{path}{query}&hub.mode=subscribe&")
    hub.publish("71.71")
    assert hub.push(path).target == path + query


def test_all_subscribers_of_a_topic_get_it(hub):
    paths = [hub.subscribe("/feeds/71.72.atom") for _ in range(8)]
    one = hub.subscribe("/feeds/71.72.rss", path=paths[0])
    hub.publish("71.72")
    eventually(lambda: len(hub.callbacks.taken(one)) == 2)
    assert len({hub.push(path).body for path in paths[1:]}) == 1
    kinds = sorted(push.headers["content-type"].split(";")[0] for push in hub.callbacks.pushes(one))
    assert kinds == ["application/atom+xml", "application/rss+xml"]


# What is pushed, and when


def test_only_the_feeds_that_changed_are_pushed(hub):
    topics = {"/feeds/72.rss": 3, "/feeds/72.01.rss": 2, "/feeds/72.01.01.rss": 2, "/feeds/72.02.rss": 2,
              "/feeds/72.01/kesehatan.rss": 1, "/feeds/72.01/kesehatan.stunting.rss": 1, "/feeds/72.01/sosial.rss": 1,
              "/feeds/publishers/uji.lain.rss": 1, "/feeds/73.02.rss": 0}
    paths = {topic: hub.subscribe(topic) for topic in topics}
    before = {topic: len(hub.callbacks.pushes(path)) for topic, path in paths.items()}
    for members in ({"region": "72.01", "fields": ["kesehatan.stunting"]}, {"region": "72", "fields": ["sosial"]},
                    {"region": "72.02", "publisher": "uji.lain"}):
        made = hub.publish(**members)
        eventually(lambda: len(hub.callbacks.pushes(paths["/feeds/72.rss"])) > before["/feeds/72.rss"])
        before["/feeds/72.rss"] += 1
        # One after the other, so that each is a push.
        eventually(lambda: all(row["dueAt"] is None for row in hub.worker.listing("websub", "list")))
        assert made
    eventually(lambda: {topic: len(hub.callbacks.taken(path)) for topic, path in paths.items()} == topics,
               what=lambda: {topic: len(hub.callbacks.taken(path)) for topic, path in paths.items()})
    hub.quiet(paths["/feeds/73.02.rss"], 0)


def test_a_correction_and_a_withdrawal_reach_who_subscribed_since(hub):
    first = hub.publish("72.03", title="Awal")
    path = hub.subscribe("/feeds/72.03.atom")
    for number, change in enumerate([{"title": "Ralat"}, {"title": "Tarik", "status": "withdrawn"}], 1):
        hub.publishing.wait(hub.publishing.send(first | {"revision": number + 1} | change), "routed")
        push = hub.push(path, number)
        assert push.body == hub.worker.get("/feeds/72.03.atom").body
        assert (b"deleted-entry" in push.body) == (number == 2)


def test_a_newer_change_takes_the_place_of_a_push_that_waits(hub):
    path = hub.subscribe("/feeds/72.04.rss")
    works = threading.Event()
    hub.callbacks.takes[path] = lambda tries: 204 if works.is_set() else 503
    for number in range(3):
        hub.publish("72.04", title=f"Kabar {number}")
    eventually(lambda: hub.callbacks.pushes(path))
    works.set()
    push = hub.push(path)
    assert push.body == hub.worker.get("/feeds/72.04.rss").body
    assert [entry.title for entry in feedparser.parse(push.body).entries][:3] == ["Kabar 2", "Kabar 1", "Kabar 0"]
    hub.quiet(path, len(hub.callbacks.pushes(path)))
    assert len(hub.callbacks.taken(path)) == 1
    shown, = hub.worker.rows("websub", "show", hub.find(path)["id"])
    outcomes = [attempt["outcome"] for attempt in shown["attemptsMade"]]
    assert outcomes[-1] == "delivered" and set(outcomes[:-1]) == {"retry"} and shown["failingSince"] is None


def test_an_expired_bulletin_still_has_its_feed_pushed(hub):
    path = hub.subscribe("/feeds/72.05.rss")
    works = threading.Event()
    hub.callbacks.takes[path] = lambda tries: 204 if works.is_set() else 503
    soon = (datetime.now(timezone.utc) + timedelta(seconds=3)).isoformat()
    hub.publish("72.05", expiresAt=soon)
    eventually(lambda: datetime.now(timezone.utc).isoformat() > soon)
    works.set()
    hub.push(path)


def test_a_private_feed_is_pushed_to_who_knows_its_address(hub):
    private = hub.worker.subscribe("feed", None, ["72.06"], ["sosial"])[0]["feed"]
    token = private.rsplit("/", 1)[1].removesuffix(".rss")
    path = hub.subscribe(private)
    assert hub.callbacks.questions(path)[0].query["hub.topic"] == private
    hub.publish("72.06", fields=["sosial"], title="Untuk saya")
    push = hub.push(path)
    assert push.body == hub.worker.get(private).body and f"<{private}>; rel=\"self\"" in push.headers["link"]
    hub.publish("72.06", fields=["kesehatan"])
    hub.quiet(path, 1)
    assert token not in json.dumps(hub.find(path))
    for name in ("kentongan.db", "kentongan.db-wal", "serve.log"):
        assert token.encode() not in (hub.worker.folder / name).read_bytes(), name
    wrong = private.replace(token, "A" * 43)
    assert hub.post({"hub.mode": "subscribe", "hub.callback": hub.callbacks.url, "hub.topic": wrong}).status == 404


# Operators


def test_an_operator_sees_and_ends_a_subscription(hub):
    path = hub.subscribe("/feeds/72.07.rss", secret="kunci")
    row = hub.find(path)
    assert row["signed"] is True and row["topic"] == "/feeds/72.07.rss" and row["pushedAt"] is None
    assert path in hub.worker.command("websub", "list", "--all").stdout
    assert len(hub.worker.rows("websub", "list", "--limit", "1")) == 1
    hub.publish("72.07")
    hub.push(path)
    eventually(lambda: hub.find(path)["pushedAt"])
    assert "204" in hub.worker.command("websub", "show", row["id"]).stdout
    hub.worker.command("websub", "remove", row["id"])
    told = eventually(lambda: hub.callbacks.questions(path, "denied"))[0].query
    assert told["hub.topic"] == hub.topic("/feeds/72.07.rss") and told["hub.reason"] == "ended by the operator"
    assert hub.find(path)["state"] == "ended"
    hub.worker.command("websub", "remove", row["id"], expect=2)
    hub.worker.command("websub", "show", 999_999, expect=2)
    assert 'kentongan_unfinished_deliveries{channel="websub"}' in hub.worker.get("/metrics").body.decode()


def test_a_feed_that_goes_is_denied(hub):
    made = hub.worker.subscribe("feed", None, ["72.08"])[0]
    path = hub.subscribe(made["feed"])
    hub.callbacks.takes[path] = lambda tries: 503
    hub.publish("72.08")
    eventually(lambda: hub.callbacks.pushes(path))
    hub.worker.command("subscribers", "erase", made["address"])
    assert eventually(lambda: hub.callbacks.questions(path, "denied"))[0].query["hub.reason"]
    assert hub.find(path)["state"] == "ended" and not hub.callbacks.taken(path)
    # One that was asked for before the feed went is denied too.
    other, late = hub.worker.subscribe("feed", None, ["72.08"])[0], f"/callback{next(_names)}"
    hub.callbacks.confirms[late] = lambda query, tries: (503, b"")
    hub.ask("subscribe", late, other["feed"])
    eventually(lambda: hub.callbacks.questions(late))
    hub.worker.command("subscribers", "erase", other["address"])
    eventually(lambda: hub.callbacks.questions(late, "denied"))
    assert hub.find(late) is None


def test_a_secret_is_nowhere_and_an_erased_callback_neither(hub):
    secret, path = "kenari-rahasia-4711", "/kenari-alamat-4711"
    hub.subscribe("/feeds/72.09.rss", path=path, secret=secret)
    hub.publish("72.09")
    hub.push(path)
    eventually(lambda: hub.find(path)["pushedAt"])
    hub.worker.command("subscribers", "erase", hub.callbacks.url + path)
    assert hub.find(path) is None
    hub.worker.command("subscribers", "erase", hub.callbacks.url + path, expect=2)
    for name in ("kentongan.db", "kentongan.db-wal", "serve.log"):
        content = (hub.worker.folder / name).read_bytes()
        assert secret.encode() not in content and path.encode() not in content, name
    hub.publish("72.09")
    hub.quiet(path, 1)


# Hostile input


def good(hub):
    return {"hub.mode": "subscribe", "hub.callback": f"{hub.callbacks.url}/tidak-pernah", "hub.topic": hub.topic("/feeds/71.rss")}


@pytest.mark.parametrize("change, status", [
    ({"hub.mode": ""}, 400), ({"hub.mode": "publish"}, 400), ({"hub.mode": "subscribe\r\n"}, 400), ({"hub.mode": None}, 400),
    ({"hub.callback": None}, 400), ({"hub.callback": "ftp://x.example/"}, 400), ({"hub.callback": "http://a@x.example/"}, 400),
    ({"hub.callback": "http://x.example/\r\nX: y"}, 400), ({"hub.callback": "http://x.example/a b"}, 400),
    ({"hub.callback": "http://0x7f.1/"}, 400), ({"hub.callback": "http://x.example/" + "a" * 2048}, 400),
    ({"hub.callback": "http://x.example/\u202e"}, 400), ({"hub.callback": "//x.example"}, 400),
    ({"hub.topic": None}, 400), ({"hub.topic": "http://lain.example/feeds/71.rss"}, 404), ({"hub.topic": "{own}/feeds/99.rss"}, 404),
    ({"hub.topic": "{own}/feeds/71.rss\r\n"}, 404), ({"hub.topic": "{own}/feeds/71.rss?x"}, 404), ({"hub.topic": "{own}/"}, 404),
    ({"hub.topic": "{own}/feeds/71.pdf"}, 404), ({"hub.topic": "{own}/feeds/../feeds/71.rss"}, 404),
    ({"hub.topic": "{own}/feeds/publishers/tiada.rss"}, 404), ({"hub.topic": "{own}/feeds/71/tiada.rss"}, 404),
    ({"hub.lease_seconds": "-1"}, 400), ({"hub.lease_seconds": "1e3"}, 400), ({"hub.lease_seconds": "٣"}, 400),
    ({"hub.secret": "x" * 200}, 400), ({"hub.secret": "é" * 100}, 400),
])
def test_a_malformed_request_is_refused_with_its_reason(hub, change, status):
    form = good(hub) | {n: v and v.replace("{own}", hub.worker.url) for n, v in change.items()}
    answer = hub.post({name: value for name, value in form.items() if value is not None})
    assert answer.status == status and answer.headers["Content-Type"].startswith("text/plain")
    assert 10 < len(answer.body) < 200 and "X" not in answer.headers


@pytest.mark.parametrize("tail, headers, status", [
    (b"&hub.mode=subscribe", {}, 400), (b"&hub.topic=x", {}, 400), (b"&hub.secret=a&hub.secret=b", {}, 400),
    (b"&hub%2Emode=unsubscribe", {}, 400), (b"&hub.secret=%", {}, 400), (b"&hub.secret=%zz", {}, 400),
    (b"&hub.secret=%ff%fe", {}, 400), (b"&hub.secret=\xff", {}, 400), (b"&hub.secret=%c0%80", {}, 400), (b"&a=b" * 200, {}, 400),
    (b"&x=" + b"y" * 20_000, {}, 413), (b"", {"Content-Type": "application/json"}, 415),
    (b"", {"Content-Type": "multipart/form-data; boundary=x"}, 415), (b"", {"Content-Encoding": "gzip"}, 415),
])
def test_hostile_bodies_are_refused(hub, tail, headers, status):
    assert hub.post(urllib.parse.urlencode(good(hub)).encode() + tail, headers).status == status


def test_other_methods_and_bodies_beyond_all_bounds(hub):
    assert hub.worker.get("/websub").status in (404, 405)
    try:
        assert hub.post(b"hub.mode=" + b"x" * 5_000_000).status == 413
    except OSError:
        pass  # The hub may end the connection instead of reading on.
    assert hub.worker.get("/health/live").status == 200


# Flask-WebSub


def test_flask_websub_subscribes_and_gets_content(hub, tmp_path, monkeypatch):
    # It gives no secret to a hub without TLS, unless it takes it for one with.
    monkeypatch.setattr("flask_websub.subscriber.is_secure", lambda url: True)
    heard, confirmed = [], []
    subscriber = Subscriber(
        SQLite3SubscriberStorage(tmp_path / "s.db"), SQLite3TempSubscriberStorage(tmp_path / "t.db"))
    subscriber.add_listener(lambda topic, callback, body: heard.append((topic, body)))
    subscriber.add_success_handler(lambda topic, callback, mode: confirmed.append(mode))
    app = flask.Flask(__name__)
    app.register_blueprint(subscriber.build_blueprint(url_prefix="/langganan"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        found = discover(f"{hub.worker.url}/feeds/72.10.atom")
        assert found == {"hub_url": f"{hub.worker.url}/websub", "topic_url": f"{hub.worker.url}/feeds/72.10.atom"}
        with app.test_request_context(base_url=f"http://127.0.0.1:{server.server_port}/"):
            callback = subscriber.subscribe(**found, lease_seconds=3600)
        eventually(lambda: confirmed == ["subscribe"])
        eventually(lambda: hub.find(f"/langganan/{callback}", "active"))
        hub.publish("72.10", title="Untuk Flask")
        topic, body = eventually(lambda: heard)[0]
        # It tells of a push only if the signature is right.
        assert topic == found["topic_url"] and body == hub.worker.get("/feeds/72.10.atom").body
        assert hub.find(f"/langganan/{callback}")["signed"] is True
        with app.test_request_context(base_url=f"http://127.0.0.1:{server.server_port}/"):
            subscriber.unsubscribe(callback)
        eventually(lambda: confirmed == ["subscribe", "unsubscribe"])
        eventually(lambda: hub.find(f"/langganan/{callback}", "ended"))
    finally:
        server.shutdown()


# Workers of their own


@pytest.fixture
def own(tmp_path, broker, mail, callbacks, request):
    """A worker that a test may kill, with its hub."""
    host = broker.add_host(re.sub(r"\W", "-", request.node.name), ["uji"])
    worker = Worker(tmp_path, host, mail.port, **SETTINGS)
    try:
        worker.command("store", "migrate")
        worker.register("uji")
        worker.start()
        yield Hub(worker, callbacks, Publishing(host))
    finally:
        worker.close()
        host.close()


def test_neither_a_verification_nor_a_push_is_lost_by_kill_9(own):
    path, works = f"/callback{next(_names)}", threading.Event()
    own.callbacks.confirms[path] = lambda query, tries: (
        (200, query["hub.challenge"].encode()) if works.is_set() else (503, b""))
    own.ask("subscribe", path, "/feeds/71.rss", secret="tetap")
    eventually(lambda: own.callbacks.questions(path))
    own.worker.kill()
    works.set()
    own.worker.start()
    eventually(lambda: own.find(path, "active"), timeout=40)
    # A push that a kill meets under way.
    arrived, release = threading.Event(), threading.Event()

    def hang(tries):
        arrived.set()
        release.wait(30)
        return 204

    own.callbacks.takes[path] = hang
    own.publish("71", title="Tidak hilang")
    assert arrived.wait(20)
    own.worker.kill()
    del own.callbacks.takes[path]
    release.set()
    own.worker.start()
    push = eventually(lambda: own.callbacks.pushes(path)[1:], timeout=60)[0]
    eventually(lambda: push.status == 204)
    assert push.body == own.worker.get("/feeds/71.rss").body
    assert push.headers["x-hub-signature"] == "sha256=" + hmac.new(b"tetap", push.body, hashlib.sha256).hexdigest()
    eventually(lambda: own.find(path)["pushedAt"])
    own.worker.stop()


def test_a_push_that_waits_for_its_next_try_is_not_lost_by_kill_9(own):
    path = own.subscribe("/feeds/71.rss")
    own.worker.stop()
    own.worker.environment["KENTONGAN_WEBHOOKS_ALLOW"] = "10.0.0.0/8"
    own.worker.start()
    own.publish("71")
    eventually(lambda: (own.find(path) or {}).get("detail"))
    assert "webhooks.allow" in own.find(path)["detail"] and not own.callbacks.pushes(path)
    own.worker.kill()
    own.worker.environment["KENTONGAN_WEBHOOKS_ALLOW"] = "127.0.0.0/8"
    own.worker.start()
    assert eventually(lambda: own.callbacks.taken(path), timeout=60)
    own.worker.stop()


def test_a_host_and_a_network_may_have_only_so_many_requests_waiting(own):
    own.worker.stop()
    # Nothing listens at port 1, so each waits for its next try.
    own.worker.environment["KENTONGAN_WEBHOOKS_RETRY"] = "600"
    own.worker.start()

    def ask(callback, sender):
        form = {"hub.mode": "subscribe", "hub.callback": callback, "hub.topic": own.topic("/feeds/71.rss")}
        return own.post(form, {"X-Forwarded-For": f"203.0.113.9, {sender}"})

    answers = [ask(f"http://127.9.9.9:1/{number}", f"198.18.{number}.1") for number in range(101)]
    assert [answer.status for answer in answers] == [202] * 100 + [429] and answers[-1].headers["Retry-After"]
    answers = [ask(f"http://127.8.{number}.9:1/", f"198.51.100.{number}").status for number in range(201)]
    assert answers == [202] * 200 + [429]
    # Others are not concerned.
    assert own.subscribe("/feeds/71.rss")
    own.worker.stop()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_a_private_callback_is_not_reached(own, host):
    own.worker.stop()
    own.worker.environment["KENTONGAN_WEBHOOKS_ALLOW"] = "10.0.0.0/8"
    own.worker.start()
    path = f"/callback{next(_names)}"
    form = {"hub.mode": "subscribe", "hub.callback": f"http://{host}:{own.callbacks.port}{path}",
            "hub.topic": own.topic("/feeds/71.rss")}
    assert own.post(form).status == 202
    eventually(lambda: "subscribe request 1 of the hub: dropped" in own.worker.log_tail())
    assert own.find(path) is None and not own.callbacks.questions(path) and path not in own.worker.log_tail()
    own.worker.stop()


def test_a_lease_that_is_not_renewed_ends(own):
    path, kept = own.subscribe("/feeds/71.rss"), own.subscribe("/feeds/71.rss", lease_seconds=30 * 86400)
    own.worker.stop()
    clock = TimeTraveller(own.worker)
    clock.start_at(datetime.now(timezone.utc) + timedelta(days=10, seconds=5))
    ended = eventually(lambda: own.find(path, "ended"))
    assert ended["why"] == "its lease has ended" and own.find(kept)["state"] == "active"
    made = bulletin(regions=["71"], issuedAt=None)
    own.publishing.wait(own.publishing.send(made), "routed")
    own.push(kept)
    assert not own.callbacks.pushes(path)
    # It may come again, and is a new subscription.
    own.ask("subscribe", path, "/feeds/71.rss")
    assert eventually(lambda: own.find(path, "active"))["id"] != ended["id"]
    own.worker.stop()
    clock.set(datetime.now(timezone.utc) + timedelta(days=60))
    own.worker.command("store", "clock", "--trust")
    own.worker.start()
    eventually(lambda: not any(row["state"] == "ended" and row["id"] == ended["id"] for row in own.worker.listing("websub", "list")),
               timeout=40)
    own.worker.stop()

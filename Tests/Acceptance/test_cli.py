"""The commands: exit codes, JSON Lines, configuration that is named when it is wrong, topology, listen."""
import csv
import json
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone

import pytest
from standardwebhooks import Webhook

from broker import PASSWORD, free_port
from bulletins import SAMPLES, bulletin
from waiting import eventually
from worker import BINARY, PROJECT, Worker

MORE_PUBLISHERS = ["uji.moderasi", "uji.tunda"]
SECRET = "whsec_" + "QUJD" * 8


@pytest.mark.parametrize("arguments", [
    [], ["subscriptions"], ["bulletins"], ["nihil"], ["bulletins", "show"], ["publish"], ["subscriptions", "add"], ["serve", "--roles", "tiada"],
    ["deliveries", "list", "--limit", "banyak"], ["--nihil"], ["bulletins", "reject", "uji/1"]])
def test_wrong_usage_is_64(program, arguments):
    done = program.command(*arguments, expect=64)
    assert len(done.stderr.strip().splitlines()) == 1 and not done.stdout


@pytest.mark.parametrize("arguments", [
    ["bulletins", "show", "uji/tiada"], ["bulletins", "withdraw", "uji/tiada", "--why", "x"], ["rejected", "show", "12345"],
    ["bulletins", "coverage", "uji/tiada"], ["deliveries", "list", "--bulletin", "uji/tiada"],
    ["bulletins", "reject", "uji/tiada", "--why", " \u200b"], ["bulletins", "withdraw", "uji/tiada", "--why", " "], ["subscriptions", "remove", "12345"], ["publishers", "remove", "tiada"],
    ["subscriptions", "add", "--email", "a@b.example", "--region", "97"], ["suppressions", "remove", "tiada@w.example"],
    ["subscriptions", "add", "--email", "a@b.example", "--region", "73", "--field", "ruwet"],
    ["subscriptions", "add", "--email", "bukan alamat", "--region", "73"],
    ["subscriptions", "add", "--webhook", "ftp://a.example", "--region", "73"]])
def test_an_unknown_id_or_refused_input_is_2_in_one_line(program, arguments):
    done = program.command(*arguments, expect=2)
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_suppressions_say_until_when_they_hold(program):
    program.command("suppressions", "add", "selamanya@w.example")
    with sqlite3.connect(program.store) as store:
        store.execute("INSERT INTO suppressions (address, why, created_at, until) "
                      "VALUES ('sementara@w.example', 'bounced: 5.2.2, the mailbox is full', 1, 1798761600000)")
    assert {row["address"]: row["until"] for row in program.rows("suppressions", "list")} == {
        "selamanya@w.example": None, "sementara@w.example": "2027-01-01T00:00:00Z"}
    shown = program.command("suppressions", "list").stdout.splitlines()
    assert [("for good" in line, "2027-01-01" in line) for line in shown[1:]] == [(True, False), (False, True)]


def test_what_strangers_wrote_is_shown_escaped(program):
    hostile = "\x1b[2J\x07\u202e\u200b\u2028\x9b31m\rpalsu"
    with sqlite3.connect(program.store) as store:
        store.execute(
            "INSERT INTO refusals (reason, publisher, name, received_at, queue, routing_key, size, errors, body, headers) "
            "VALUES ('invalid-json', ?1, ?1, 1, ?1, '', 1, json_array(json_object('path', ?1, 'code', ?1, 'message', ?1)), ?2, '{}')",
            (hostile, f"satu\n{hostile}\nkenari".encode()))
        store.execute("INSERT INTO suppressions (address, why, created_at) VALUES (?1, ?1, 1)", (hostile,))
    program.command("publishers", "add", "uji", "--name", "Uji", "--amqp-user", "uji", "--kind", "announcement", "--region", "ID")
    program.subscribe("email", "a@w.example", ["73"])
    with sqlite3.connect(program.store) as store:
        store.execute("UPDATE publishers SET name = ?", (hostile,))
        store.execute("UPDATE endpoints SET address = ?", (hostile,))
    for arguments in (["rejected", "list"], ["rejected", "show", "1"], ["suppressions", "list"], ["publishers", "list"],
                      ["subscriptions", "list"]):
        shown = program.command(*arguments).stdout
        assert "palsu" in shown and "\\u{1B}" in shown and "\\u{202E}" in shown, arguments
        assert not set(hostile) & set("\x1b\x07\u202e\u200b\u2028\x9b\r") & set(shown), arguments
    assert program.rows("publishers", "list")[0]["name"] == hostile


def test_the_signature_of_a_live_webhook_does_not_change_by_adding(program):
    program.subscribe("webhook", "https://a.example/x", ["11"])
    for region in ("11", "12"):
        done = program.command("subscriptions", "add", "--webhook", "https://a.example/x", "--region", region,
                               "--signature", "v1a", expect=2)
        assert "v1" in done.stderr
    assert [row["signatures"] for row in program.listing("subscriptions", "list")] == [["v1"]]


def test_other_terms_of_what_is_there_are_told(program):
    program.subscribe("email", "a@w.example", ["11"])
    done = program.command("subscriptions", "add", "--email", "a@w.example", "--region", "11", "--frequency", "daily", expect=None)
    kept = program.listing("subscriptions", "list")[0]["frequency"]
    assert (done.returncode, kept) in ((0, "daily"), (2, "immediate"))
    assert f"frequency {kept}" in done.stdout + done.stderr


def test_a_refused_dry_run_is_2_and_a_good_one_is_0(program):
    program.register("uji")
    for made, code in ((bulletin(), 0), (bulletin(title=""), 2)):
        program.command("publish", "--dry-run", "--json", "-", stdin=json.dumps(made).encode(), expect=code)


def test_help_and_version_are_0(program):
    for arguments in (["--help"], ["serve", "--help"], ["--version"]):
        assert program.command(*arguments).stdout.strip()


@pytest.mark.parametrize("key, value", [
    ("publishers.auth", "kadang"), ("store.url", "mysql://x"), ("amqp.url", "http://x"), ("smtp.url", "telnet://x"),
    ("http.listen", "nanti"), ("webhooks.allow", "127.0.0.0/99"), ("mail.from", "bukan alamat"), ("data.regions", "/tiada.csv")])
def test_a_bad_value_is_78_and_names_its_key(program, key, value):
    name = "KENTONGAN_" + key.replace(".", "_").upper()
    done = program.command("serve", expect=78, timeout=30, **{name: value})
    assert key in done.stderr or name in done.stderr


def test_an_unknown_key_is_78_and_is_named(program, tmp_path):
    path = tmp_path / "salah.yaml"
    path.write_text("amqp:\n  ulr: amqp://127.0.0.1\n")
    for arguments in (["serve", "--config", path], ["check", "--config", path]):
        assert "amqp.ulr" in program.command(*arguments, expect=78, timeout=30).stderr


def test_a_missing_or_broken_configuration_file_is_78(program, tmp_path):
    (tmp_path / "rusak.yaml").write_text("amqp: [\n")
    for name in ("tiada.yaml", "rusak.yaml"):
        assert name in program.command("serve", "--config", tmp_path / name, expect=78, timeout=30).stderr


def test_an_error_shows_no_secret(program):
    done = program.command("check", expect=None, timeout=60, KENTONGAN_AMQP_URL="amqp://uji:kenari-7341@127.0.0.1:1/",
                           KENTONGAN_SMTP_URL="smtp://uji:kenari-7341@127.0.0.1:1?aneh=ya")
    assert done.returncode != 0 and "kenari-7341" not in done.stdout + done.stderr


def test_the_log_shows_no_secret_and_stays_short(tmp_path, broker, mail):
    """At its most talkative: a line of the log once held all that a service is made of."""
    host = broker.add_host("talkative")
    worker = Worker(tmp_path, host, mail.port, KENTONGAN_LOG_LEVEL="trace", KENTONGAN_OPS_TOKEN="rahasia-operator")
    worker.command("store", "migrate")
    try:
        worker.start().stop()
    finally:
        worker.close()
        host.close()
    log = (tmp_path / "serve.log").read_text()
    assert "consuming" in log
    assert PASSWORD not in log and "rahasia-operator" not in log
    assert max(len(line) for line in log.splitlines()) < 2000


def test_a_shipped_configuration_names_every_main_key():
    text = (PROJECT / "config/kentongan.yaml").read_text()
    for key in ("amqp", "store", "smtp", "mail", "http", "webhooks", "ops", "publishers", "data", "declare", "publicURL"):
        assert f"{key}:" in text, key


def test_a_store_of_an_unreleased_build_is_refused_and_left_as_it_is(program):
    with sqlite3.connect(program.store) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.execute("PRAGMA user_version = 15")
    store.close()
    before = program.store.read_bytes()
    said = program.command("store", "migrate", expect=1).stderr
    assert "unreleased build" in said and "make a new store" in said, said
    assert program.store.read_bytes() == before


def test_regions_are_found_by_name(program):
    found = program.rows("regions", "search", "pujon kidul")
    assert [(r["code"], r["name"], r["level"]) for r in found] == [("35.07.26.2003", "Pujon Kidul", 4)]
    assert "Malang" in str(found[0]["path"]) and "Jawa Timur" in str(found[0]["path"])
    assert len(program.rows("regions", "search", "sidomulyo", "--all")) >= 98
    assert len(program.rows("regions", "search", "sidomulyo", "--limit", "5")) == 5


def test_fields_are_those_of_the_data(program):
    with open(PROJECT / "config/data/fields.csv", newline="", encoding="utf-8") as file:
        wanted = {row["code"]: (row["name_id"], row["name_en"]) for row in csv.DictReader(file)}
    found = program.listing("fields", "list")
    assert {r["code"]: (r["nameId"], r["nameEn"]) for r in found} == wanted
    assert {r["code"]: r["parent"] for r in found}["kesehatan.stunting"] == "kesehatan"


def test_publishers_are_added_listed_and_removed(program):
    program.register("dinkes.73", regions=["73"], kinds=["announcement"], emergency=True)
    (row,) = program.listing("publishers", "list")
    assert (row["slug"], row["amqpUser"], row["kinds"], row["regions"]) == ("dinkes.73", "dinkes.73", ["announcement"], ["73"])
    assert row["emergency"] is True and row["moderated"] is False
    program.command("publishers", "remove", "dinkes.73")
    assert program.listing("publishers", "list") == []


def test_publishers_are_imported(program):
    program.command("publishers", "import", SAMPLES / "publishers.csv")
    found = {row["slug"]: row for row in program.listing("publishers", "list")}
    assert len(found) == 12 and found["kim.52.03.15.2001.01"]["kinds"] == ["proposal"]
    assert found["desa.35.07.26.2003"]["regions"] == ["35.07.26.2003"]


def test_a_subscription_is_made_for_each_region_and_field(program):
    made = program.subscribe("webhook", "https://a.example/hook", ["73", "11"], ["desa", "pangan"], kind="announcement")
    assert sorted((r["region"], r["field"]) for r in made) == [("11", "desa"), ("11", "pangan"), ("73", "desa"), ("73", "pangan")]
    assert len({r["secret"] for r in made}) == 1 and made[0]["secret"].startswith("whsec_")
    listed = program.listing("subscriptions", "list")
    assert {r["id"] for r in listed} == {r["id"] for r in made}
    assert made[0]["secret"] not in json.dumps(listed), "a secret is shown once only"
    program.command("subscriptions", "remove", made[0]["id"])
    assert len(program.listing("subscriptions", "list")) == 3


def test_subscriptions_are_exported_as_they_were_imported(program, tmp_path):
    path = tmp_path / "langganan.csv"
    path.write_text("channel,address,region,field,kinds,reach,urgency,frequency,language\n"
                    "email,a@w.example,73,*,announcement|proposal,upward,important,immediate,en\n"
                    "webhook,https://a.example/x,73.71|11,desa,announcement,both,routine,immediate,id\n")
    program.command("subscriptions", "import", path)
    first = {(r["address"], r["region"], r["field"]) for r in program.listing("subscriptions", "list")}
    assert first == {("a@w.example", "73", "*"), ("https://a.example/x", "73.71", "desa"), ("https://a.example/x", "11", "desa")}
    (tmp_path / "lagi.csv").write_text(program.command("subscriptions", "export").stdout)
    program.command("subscriptions", "import", tmp_path / "lagi.csv")
    again = program.listing("subscriptions", "list")
    assert len(again) == 3, "importing what is there already adds nothing"


def test_a_bad_line_of_an_import_is_named_and_imports_nothing(program, tmp_path):
    path = tmp_path / "salah.csv"
    path.write_text("channel,address,region,field\nemail,a@w.example,73,*\nemail,b@w.example,97,*\n")
    done = program.command("subscriptions", "import", path, expect=2)
    assert "3" in done.stderr and "97" in done.stderr
    assert program.listing("subscriptions", "list") == []


def test_a_hundred_thousand_subscriptions_import_within_seconds(program, tmp_path):
    path = tmp_path / "banyak.csv"
    with open(path, "w") as file:
        file.write("channel,address,region,field\n")
        file.writelines(f"email,warga{n}@w.example,73.71,*\n" for n in range(100_000))
    started = time.monotonic()
    program.command("subscriptions", "import", path)
    assert time.monotonic() - started < 60
    assert len(program.rows("subscriptions", "list")) == 100, "a listing stops at 100 unless told otherwise"


def test_topology_is_declared_twice_without_harm_and_a_mismatch_is_named(tmp_path, broker, mail):
    host = broker.add_host("topologi")
    worker = Worker(tmp_path, host, mail.port)
    worker.command("store", "migrate")
    try:
        for _ in range(2):
            worker.command("topology", "apply")
        worker.command("topology", "check")
        assert host.depth("kentongan.emergency") == 0
        exported = json.loads(worker.command("topology", "export").stdout)
        assert {q["name"] for q in exported["queues"]} >= {
            "kentongan.announcements", "kentongan.proposals", "kentongan.emergency", "kentongan.rejected"}
        host.channel().queue_delete("kentongan.proposals")
        (wanted,) = [q["arguments"] for q in exported["queues"] if q["name"] == "kentongan.proposals"]
        host.channel().queue_declare("kentongan.proposals", durable=True, arguments=wanted | {"x-dead-letter-exchange": "lain"})
        for arguments in (["topology", "apply"], ["topology", "check"], ["serve"]):
            done = worker.command(*arguments, expect=None, timeout=60)
            assert done.returncode not in (0, 64), arguments
            for word in ("kentongan.proposals", "x-dead-letter-exchange", "kentongan.rejected", "lain"):
                assert word in done.stderr + done.stdout, (arguments, word, done.stderr[-1000:])
    finally:
        host.close()


def test_check_tells_of_store_broker_and_relay(worker):
    told = worker.command("check").stdout
    assert len(told.splitlines()) >= 3


def test_publish_sends_and_waits_for_the_receipts(worker, host, tmp_path):
    made, path = [bulletin() for _ in range(3)], tmp_path / "banyak.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in made))
    told = worker.command("publish", path, "--wait", KENTONGAN_AMQP_URL=host.url("uji")).stdout
    assert told.count("accepted") >= 3
    assert {one["id"] for one in made} <= {row["bulletinId"] for row in worker.listing("bulletins", "list")}
    path.write_text(json.dumps(bulletin(regions=["97"])))
    told = worker.command("publish", path, "--wait", expect=2, KENTONGAN_AMQP_URL=host.url("uji"))
    assert "unknown-region" in told.stdout + told.stderr


def test_a_bulletin_is_listed_and_shown(worker, publishing):
    made = bulletin(regions=["74"], urgency="important")
    publishing.wait(publishing.send(made), "completed")
    row = next(r for r in worker.listing("bulletins", "list") if r["bulletinId"] == made["id"])
    wanted = {"id": f"uji/{made['id']}", "publisher": "uji", "revision": 1, "kind": "announcement", "title": made["title"],
              "urgency": "important", "regions": ["74"], "fields": ["kesehatan"]}
    assert {name: row[name] for name in wanted} == wanted and row["state"] and isinstance(row["deliveries"], dict)
    assert made["id"] in worker.command("bulletins", "show", row["id"]).stdout
    assert len(worker.rows("bulletins", "list", "--limit", "1")) == 1


def test_a_moderated_bulletin_is_held_until_approved(worker, publishing):
    worker.command("publishers", "add", "uji.moderasi", "--name", "Uji", "--amqp-user", "uji.moderasi",
                   "--kind", "announcement", "--region", "ID", "--moderated")
    good, bad = bulletin(publisher="uji.moderasi"), bulletin(publisher="uji.moderasi")
    sent = [publishing.send(b) for b in (good, bad)]
    for correlation in sent:
        publishing.wait(correlation, "held")
    states = {r["bulletinId"]: r["state"] for r in worker.listing("bulletins", "list")}
    assert states[good["id"]] == states[bad["id"]] == "held"
    worker.command("bulletins", "approve", f"uji.moderasi/{good['id']}")
    publishing.wait(sent[0], "approved")
    publishing.wait(sent[0], "routed")
    worker.command("bulletins", "reject", f"uji.moderasi/{bad['id']}", "--why", "Bukan kewenangan")
    publishing.wait(sent[1], "rejected")


def test_a_refused_message_is_requeued_and_then_taken(worker, publishing):
    made = bulletin(publisher="uji.tunda", id="tunda-1")
    publishing.wait(publishing.send(made), "rejected")
    row = next(r for r in worker.listing("rejected", "list") if r["bulletinId"] == "tunda-1")
    assert row["reason"] == "unknown-publisher"
    worker.register("uji.tunda")
    worker.command("rejected", "requeue", row["id"])
    eventually(lambda: "tunda-1" in {r["bulletinId"] for r in worker.listing("bulletins", "list")}, every=0.5)


def listener(program, port, secret, output):
    with open(output, "wb") as out:
        return subprocess.Popen([BINARY, "listen", "--port", str(port), "--secret", secret],
                                env=program.environment, cwd=PROJECT, stdout=out, stderr=out)


def post(port, body, headers):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", body, headers | {"Content-Type": "application/json"})
    try:
        return urllib.request.urlopen(request, timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code


def test_listen_takes_what_is_signed_and_refuses_what_is_not(program, tmp_path):
    port, body = free_port(), b'{"type":"bulletin.published","timestamp":"2026-11-23T00:00:00Z","data":{"uji":"kentung"}}'
    listening = listener(program, port, SECRET, tmp_path / "listen.out")
    now = datetime.now(timezone.utc)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())),
               "webhook-signature": Webhook(SECRET).sign("msg_1", now, body.decode())}

    def answered():
        try:
            return post(port, body, headers)
        except OSError:
            return None

    try:
        status = eventually(answered, timeout=20)
        assert 200 <= status < 300
        assert 400 <= post(port, body.replace(b"kentung", b"palsu"), headers) < 500
        assert 400 <= post(port, body, {}) < 500
        eventually(lambda: "kentung" in (tmp_path / "listen.out").read_text())
    finally:
        listening.terminate()
        listening.wait(10)


def test_listen_verifies_what_the_worker_sends(worker, publishing, tmp_path):
    port = free_port()
    secret = worker.subscribe("webhook", f"http://127.0.0.1:{port}/", ["75"])[0]["secret"]
    listening = listener(worker, port, secret, tmp_path / "listen.out")
    try:
        eventually(lambda: post_reaches(port), timeout=20)
        receipt = publishing.wait(publishing.send(bulletin(regions=["75"], title="Kentongan berbunyi")), "completed")
        assert receipt["data"]["delivered"] == 1
        eventually(lambda: "Kentongan berbunyi" in (tmp_path / "listen.out").read_text())
    finally:
        listening.terminate()
        listening.wait(10)


def post_reaches(port):
    try:
        return post(port, b"{}", {})
    except OSError:
        return None

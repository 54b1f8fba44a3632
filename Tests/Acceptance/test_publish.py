"""`publish`: for how long it waits, under whose name it sends, CloudEvents, and what operators decide about it."""
import json
import re
from datetime import datetime, timedelta, timezone

import pytest

from bulletins import bulletin
from publishing import Publishing
from worker import PROJECT, Worker

MORE_PUBLISHERS = ["uji.moderasi", "desa.35.07.26.2003"]
EXAMPLES = PROJECT / "docs/examples"


@pytest.fixture(scope="module")
def moderated(worker):
    worker.register("uji.moderasi", moderated=True)
    worker.register("desa.35.07.26.2003", regions=["35.07.26.2003"])
    return worker


def publish(program, made, *arguments, url, expect=0):
    return program.command("publish", "-", *arguments, stdin=json.dumps(made).encode(), expect=expect,
                           KENTONGAN_AMQP_URL=url)


def test_waiting_ends_and_names_what_is_not_done(tmp_path, broker):
    """Without a worker no receipt ever comes."""
    host = broker.add_host("sepi", ["uji"])
    try:
        worker = Worker(tmp_path, host, 1)
        worker.command("topology", "apply")
        done = publish(worker, bulletin(id="menunggu"), "--wait", "--timeout", "2", url=host.url("uji"), expect=1)
        assert "waiting for the receipts of 1 bulletin" in done.stderr
        last = done.stderr.strip().split("\n")[-1]
        assert "uji/menunggu (no receipt yet)" in last and "--timeout" in last
        assert host.depth("kentongan.announcements") == 1, "it stays on the queue"
    finally:
        host.close()


def test_what_another_user_would_send_is_refused_before_it_is_sent(moderated, host):
    made = bulletin(id="salah-akun")
    done = publish(moderated, made, url=host.url(), expect=2)
    assert "nothing is sent" in done.stderr and "uji" in done.stderr and "confirmed" not in done.stderr
    assert made["id"] not in {row["bulletinId"] for row in moderated.listing("rejected", "list")}


def test_the_documented_cloud_event_is_published(moderated, host):
    event = json.loads((EXAMPLES / "cloudevent.json").read_text())
    done = publish(moderated, event, "--wait", "--json", url=host.url("desa.35.07.26.2003"))
    events = [json.loads(line)["type"].split(".")[3] for line in done.stdout.split("\n")[:-1]]
    assert events[0] == "accepted" and events[-1] == "completed"
    assert moderated.rows("bulletins", "show", f"desa.35.07.26.2003/{event['id']}")


def times(value):
    if isinstance(value, dict):
        return [time for member in value.values() for time in times(member)]
    return [value] if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+[+-]\d\d:\d\d", value) else []


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_the_examples_are_good_today_and_in_ten_years(path):
    late = datetime.now(timezone.utc) + timedelta(days=3653)
    assert all(datetime.fromisoformat(time) > late for time in times(json.loads(path.read_text())))


def test_what_an_operator_rejected_is_mended_under_the_next_revision(moderated, host, publishing):
    made = bulletin(id="ditolak", publisher="uji.moderasi")
    first = publishing.send(made)
    publishing.wait(first, "held")
    moderated.command("bulletins", "reject", "uji.moderasi/ditolak", "--why", "Bukan kewenangan")
    assert publishing.wait(first, "rejected")["data"]["why"] == "Bukan kewenangan"
    for again in (made, made | {"title": "Diperbaiki"}):
        (error,) = publishing.wait(publishing.send(again), "rejected")["data"]["errors"]
        assert (error["code"], error["path"]) == ("stale-revision", "/revision")
        assert "rejected" in error["message"] and "revision 2" in error["message"]
    publishing.wait(publishing.send(made | {"revision": 2, "title": "Diperbaiki"}), "held")
    moderated.command("bulletins", "approve", "uji.moderasi/ditolak")


def test_a_rejected_correction_does_not_block_the_original_that_is_held(moderated, publishing):
    made = bulletin(id="dua", publisher="uji.moderasi")
    sent = [publishing.send(made | {"revision": revision, "title": f"Revisi {revision}"}) for revision in (1, 2)]
    for correlation in sent:
        publishing.wait(correlation, "held")
    moderated.command("bulletins", "reject", "uji.moderasi/dua", "--why", "Salah tempat")
    publishing.wait(sent[1], "rejected")
    moderated.command("bulletins", "approve", "uji.moderasi/dua")
    publishing.wait(sent[0], "routed")
    states = {row["revision"]: row["state"] for row in moderated.rows("bulletins", "show", "uji.moderasi/dua")}
    assert states == {1: "published", 2: "rejected"}


@pytest.mark.parametrize("why", ["", " ", "\u00a0\u200b", "a\u202eb", "satu\ndua", "x" * 501])
def test_a_reason_says_something(program, why):
    for arguments in (["bulletins", "reject", "uji/1"], ["bulletins", "withdraw", "uji/1"], ["suppressions", "add", "a@b.example"]):
        done = program.command(*arguments, "--why", why, expect=2)
        assert "--why" in done.stderr and len(done.stderr.strip().split("\n")) == 1
    assert program.listing("suppressions", "list") == []


def test_what_is_still_refused_is_not_refused_again(moderated, publishing):
    """Requeueing tells what is wrong, and makes no second refusal with a receipt of its own."""
    made = bulletin(id="basi", revision=2)
    publishing.wait(publishing.send(made), "completed")
    correlation = publishing.send(made | {"title": "Lain"}, headers={"x-asal": "uji"})
    publishing.wait(correlation, "rejected")
    before = moderated.listing("rejected", "list")
    row = next(row for row in before if row["bulletinId"] == "basi")
    assert (row["routingKey"], row["userId"], row["contentType"], row["headers"], row["correlationId"]) == (
        "announcement.uji", "uji", "application/json", {"x-asal": "uji"}, correlation)
    for _ in range(2):
        done = moderated.command("rejected", "requeue", row["id"], expect=2)
        assert "stale-revision" in done.stderr and "revision 3" in done.stderr
    assert moderated.listing("rejected", "list") == before
    assert publishing.events(correlation).count("rejected") == 1


def test_what_was_requeued_is_not_requeued_again_without_a_word(moderated, publishing):
    made = bulletin(id="dua-kali", publisher="uji.baru")
    publishing.wait(publishing.send(made, user="uji"), "rejected")
    row = next(row for row in moderated.listing("rejected", "list") if row["bulletinId"] == "dua-kali")
    moderated.command("publishers", "add", "uji.baru", "--name", "Baru", "--amqp-user", "uji", "--kind", "announcement",
                      "--region", "ID")
    moderated.command("rejected", "requeue", row["id"])
    assert "already" in moderated.command("rejected", "requeue", row["id"], expect=2).stderr

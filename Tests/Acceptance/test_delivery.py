"""Deliveries that meet trouble: retried, given up, cancelled, expired, scheduled, unsubscribed."""
import time

import pytest

from bulletins import after, bulletin, identity
from deliveries import finished, row, rows
from waiting import eventually

# A region a test, so that no test's bulletins reach another's subscribers.
REGIONS = {}


@pytest.fixture
def region(request):
    return REGIONS.setdefault(request.node.name, f"35.{len(REGIONS) + 1:02}")


@pytest.fixture
def path(request):
    return "/" + request.node.name


def test_a_lone_bulletin_reaches_its_webhook_at_once(worker, publishing, hooks, region, path):
    worker.subscribe("webhook", hooks.url + path, [region])
    time.sleep(2)
    publishing.send(bulletin(regions=[region]))
    eventually(lambda: hooks.taken(path), timeout=5)


def test_a_500_is_tried_again_under_the_same_id(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: 500 if tries == 0 else 204
    secret = worker.subscribe("webhook", hooks.url + path, [region])[0]["secret"]
    sent = bulletin(regions=[region])
    publishing.wait(publishing.send(sent), "completed")
    first, second = hooks.at(path)
    assert first.id == second.id and first.body == second.body
    assert 1 <= second.time - first.time <= 15
    for hook in (first, second):
        hook.verify(secret)
    told = row(worker, sent)
    assert (told["state"], told["attempts"], str(told["code"])) == ("delivered", 2, "204")


def test_retry_after_is_waited_for(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: (429, {"Retry-After": "9"}) if tries == 0 else 204
    worker.subscribe("webhook", hooks.url + path, [region])
    publishing.wait(publishing.send(bulletin(regions=[region])), "completed")
    first, second = hooks.at(path)
    assert 8.5 <= second.time - first.time <= 20


def test_a_410_disables_the_endpoint(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: 410
    (subscribed,) = worker.subscribe("webhook", hooks.url + path, [region])
    sent, later = bulletin(regions=[region]), bulletin(regions=[region])
    publishing.wait(publishing.send(sent), "completed")
    told = row(worker, sent)
    assert (told["state"], told["attempts"], str(told["code"])) == ("failed", 1, "410")
    publishing.wait(publishing.send(later), "completed")
    assert len(hooks.at(path)) == 1
    (now,) = [r for r in worker.listing("subscriptions", "list") if r["id"] == subscribed["id"]]
    assert now["state"] != subscribed["state"]


def test_a_redirect_is_not_followed(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: (302, {"Location": hooks.url + path + "/lain"})
    worker.subscribe("webhook", hooks.url + path, [region])
    sent = bulletin(regions=[region])
    publishing.send(sent)
    eventually(lambda: hooks.at(path))
    eventually(lambda: row(worker, sent)["attempts"] == 1, every=0.5)
    assert str(row(worker, sent)["code"]) == "302" and not hooks.at(path + "/lain")


def test_a_451_after_the_data_is_tried_again_with_the_same_message_id(worker, publishing, mail, region):
    mail.at_data["nanti@w.example"] = lambda tries: "451 4.3.0 nanti" if tries == 0 else "250 OK"
    worker.subscribe("email", "nanti@w.example", [region])
    sent = bulletin(regions=[region])
    publishing.wait(publishing.send(sent), "completed")
    first, second = [m for m in mail.mails if m.recipient == "nanti@w.example"]
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert (row(worker, sent)["state"], row(worker, sent)["attempts"]) == ("delivered", 2)


def test_a_450_at_the_recipient_is_tried_again(worker, publishing, mail, region):
    mail.at_recipient["kelabu@w.example"] = lambda tries: "450 4.7.1 greylisted" if tries == 0 else "250 OK"
    worker.subscribe("email", "kelabu@w.example", [region])
    sent = bulletin(regions=[region])
    publishing.wait(publishing.send(sent), "completed")
    assert len(mail.to("kelabu@w.example")) == 1 and row(worker, sent)["attempts"] == 2


def test_a_550_fails_that_recipient_at_once_and_no_other(worker, publishing, mail, region):
    mail.at_recipient["tiada@w.example"] = lambda tries: "550 5.1.1 tidak dikenal"
    for address in ("tiada@w.example", "ada@w.example"):
        worker.subscribe("email", address, [region])
    sent = bulletin(regions=[region])
    publishing.wait(publishing.send(sent), "completed")
    told = {r["endpoint"]: r for r in rows(worker, sent)}
    assert (told["tiada@w.example"]["state"], told["tiada@w.example"]["attempts"]) == ("failed", 1)
    assert str(told["tiada@w.example"]["code"]).startswith("550")
    assert told["ada@w.example"]["state"] == "delivered" and len(mail.to("ada@w.example")) == 1


def test_a_correction_never_overtakes_its_original(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: 503 if tries == 0 else 204
    worker.subscribe("webhook", hooks.url + path, [region])
    original = bulletin(regions=[region])
    publishing.send(original)
    eventually(lambda: hooks.at(path))
    correction = original | {"revision": 2, "title": "Ralat", "note": "Jam diperbaiki."}
    publishing.wait(publishing.send(correction), "completed", timeout=60)
    assert [(h.bulletin["revision"], h.json["type"]) for h in hooks.taken(path)][-1] == (2, "bulletin.corrected")
    revisions = [hook.bulletin["revision"] for hook in hooks.at(path)]
    assert revisions == sorted(revisions), "an earlier revision was sent after a later one"
    assert row(worker, original)["state"] in ("delivered", "cancelled")


def test_a_withdrawal_cancels_what_is_pending_and_goes_to_who_got_it(worker, publishing, hooks, region, path):
    got, not_yet = path + "/dapat", path + "/belum"
    hooks.answers[not_yet] = lambda tries: 500
    for place in (got, not_yet):
        worker.subscribe("webhook", hooks.url + place, [region])
    original = bulletin(regions=[region])
    publishing.send(original)
    eventually(lambda: hooks.at(not_yet) and hooks.taken(got))
    withdrawal = original | {"revision": 2, "status": "withdrawn", "note": "Batal."}
    publishing.wait(publishing.send({k: v for k, v in withdrawal.items() if k != "body"}), "completed")
    assert [h.json["type"] for h in hooks.at(got)] == ["bulletin.published", "bulletin.withdrawn"]
    states = {r["endpoint"]: r["state"] for r in rows(worker, original)}
    assert states == {hooks.url + got: "delivered", hooks.url + not_yet: "cancelled"}
    assert {r["endpoint"] for r in rows(worker, original, 2)} == {hooks.url + got}
    time.sleep(7)
    assert len(hooks.at(not_yet)) == 1


def test_nothing_is_sent_after_it_expires(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: 500
    worker.subscribe("webhook", hooks.url + path, [region])
    sent = bulletin(regions=[region], expiresAt=after(3))
    publishing.send(sent)
    eventually(lambda: hooks.at(path))
    assert finished(worker, sent)["state"] == "expired" and len(hooks.at(path)) == 1


def test_nothing_is_sent_before_it_is_due(worker, publishing, hooks, region, path):
    worker.subscribe("webhook", hooks.url + path, [region])
    due = time.time() + 6
    sent = bulletin(regions=[region], publishAt=after(6))
    correlation = publishing.send(sent)
    publishing.wait(correlation, "scheduled")
    listed = {r["id"]: r for r in worker.listing("bulletins", "list")}[identity(sent)]
    assert listed["state"] == "scheduled"
    publishing.wait(correlation, "completed")
    assert [due - 0.1 <= hook.time <= due + 5 for hook in hooks.at(path)] == [True]


def test_a_mail_is_what_the_standards_ask_for(worker, publishing, mail, region):
    worker.subscribe("email", "surat@w.example", [region])
    sent = bulletin(regions=[region], title="Pengumuman “Ālun” <b> 🛕", body="Satu *dua*\n\n<script>alert(1)</script>\n\n.\n\nTiga")
    publishing.wait(publishing.send(sent), "completed")
    (got,) = mail.to("surat@w.example")
    message = got.message
    assert not message.defects and sent["title"] in message["Subject"] and message["To"] == "surat@w.example"
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    plain, html = [part.get_content() for part in message.iter_parts()]
    assert "Satu" in plain and "<em>dua</em>" in html and "<script" not in html and "\n.\n" in plain.replace("\r\n", "\n")
    assert message["Auto-Submitted"] == "auto-generated" and message["Date"].datetime.tzinfo and "<" in message["List-Id"]
    assert message["List-Unsubscribe-Post"] is None, "RFC 8058 wants https"
    # VERP: the return path tells this recipient from the others.
    assert got.sender != "kabar@kentongan.example" and got.sender
    lines = got.content.split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line for line in lines) and max(map(len, lines)) <= 998


def test_a_post_unsubscribes_and_a_get_does_not(worker, publishing, mail, region):
    worker.subscribe("email", "cukup@w.example", [region])

    def send():
        publishing.wait(publishing.send(bulletin(regions=[region])), "completed")
        return len(mail.to("cukup@w.example"))

    assert send() == 1
    header = mail.to("cukup@w.example")[0].message["List-Unsubscribe"]
    url = next(part.strip(" <>") for part in header.split(",") if "http" in part)
    assert url.startswith(worker.url + "/unsubscribe/")
    for method in ("GET", "HEAD"):
        assert worker.get(url, method=method).status == 200
    assert send() == 2
    answer = worker.get(url, "POST", {"Content-Type": "application/x-www-form-urlencoded"}, b"List-Unsubscribe=One-Click")
    assert 200 <= answer.status < 300
    assert send() == 2


def test_a_suppressed_address_gets_nothing(worker, publishing, mail, region):
    worker.subscribe("email", "blokir@w.example", [region])
    worker.command("suppressions", "add", "blokir@w.example")
    sent = bulletin(regions=[region])
    publishing.wait(publishing.send(sent), "completed")
    assert row(worker, sent)["state"] == "suppressed" and not mail.to("blokir@w.example")


def test_the_summary_counts_every_delivery(worker):
    counted = {}
    for delivery in worker.listing("deliveries", "list"):
        key = (delivery["channel"], delivery["state"])
        counted[key] = counted.get(key, 0) + 1
    assert {(r["channel"], r["state"]): r["count"] for r in worker.rows("deliveries", "summary") if r["count"]} == counted

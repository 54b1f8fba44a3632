"""A bulletin's life: scheduled, expired, corrected, withdrawn, moderated, answered."""
import contextlib
import time
import xml.etree.ElementTree as ElementTree
from datetime import datetime

import feedparser
import pytest

from bulletins import after, bulletin, identity
from deliveries import finished, row, rows
from waiting import eventually

MORE_PUBLISHERS = ["uji.moderasi", "uji.pindah", "uji.bubar", "uji.kim", "uji.bappeda"]
# A region a test, so that no test's bulletins reach another's subscribers: 33.01 to 33.29, then 33.71 to 33.76.
REGIONS = {}
TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"


@pytest.fixture
def region(request):
    number = len(REGIONS) + 1
    return REGIONS.setdefault(request.node.name, f"33.{number if number < 30 else number + 41:02}")


@pytest.fixture
def other_region(region):
    """A second region of the test's own, in another province."""
    return region.replace("33.", "35.")


@pytest.fixture
def path(request):
    return "/" + request.node.name


def corrected(original, revision=2, **members):
    return original | {"revision": revision} | members


def withdrawn(original, revision=2, **members):
    return {k: v for k, v in corrected(original, revision, status="withdrawn", **members).items() if k != "body"}


def newest(worker, made):
    """The newest revision, as `bulletins list` tells of it; with no state until it is there."""
    return next((r for r in worker.listing("bulletins", "list") if r["id"] == identity(made)), {"state": None})


def endpoints(worker, made, revision=1):
    return {r["endpoint"] for r in rows(worker, made, revision)}


def lateness(hook, when):
    return hook.time - datetime.fromisoformat(when).timestamp()


@contextlib.contextmanager
def killed(worker):
    """The worker is gone by kill -9, and back at the end."""
    worker.kill()
    try:
        yield
    finally:
        worker.start()


# Scheduled and expired


def test_each_bulletin_goes_out_within_a_second_of_its_time(worker, publishing, hooks, region, path):
    # Two at one time, and none on a whole second, so that no clock that ticks by the second passes.
    times = {f"{path}/{n}": after(seconds) for n, seconds in enumerate((3.2, 4.9, 4.9, 6.35))}
    for number, (place, when) in enumerate(times.items()):
        district = f"{region}.{number + 1:02}"
        worker.subscribe("webhook", hooks.url + place, [district])
        publishing.wait(publishing.send(bulletin(regions=[district], publishAt=when)), "scheduled")
    for place, when in times.items():
        (hook,) = eventually(lambda: hooks.at(place))
        assert 0 <= lateness(hook, when) <= 1, place


def test_a_killed_worker_is_on_time_all_the_same(worker, publishing, hooks, region, path):
    worker.subscribe("webhook", hooks.url + path, [region])
    when = after(6)
    made = bulletin(regions=[region], publishAt=when)
    publishing.send(made)
    eventually(lambda: newest(worker, made)["state"] == "scheduled")
    with killed(worker):
        pass
    assert time.time() < datetime.fromisoformat(when).timestamp() - 0.5, "the start took so long that this tells nothing"
    (hook,) = eventually(lambda: hooks.at(path))
    assert 0 <= lateness(hook, when) <= 1


def test_what_came_due_while_the_worker_was_down_goes_out_once_at_its_start(worker, publishing, hooks, region, path):
    worker.subscribe("webhook", hooks.url + path, [region])
    when = after(4)
    made = bulletin(regions=[region], publishAt=when)
    publishing.send(made)
    eventually(lambda: newest(worker, made)["state"] == "scheduled")
    with killed(worker):
        time.sleep(4)
        assert not hooks.at(path)
    assert finished(worker, made)["state"] == "delivered"
    assert len(hooks.at(path)) == 1 and lateness(hooks.at(path)[0], when) >= 0


def test_what_is_not_delivered_when_it_expires_is_expired_and_what_is_stays_delivered(
        worker, publishing, hooks, region, path):
    got, not_yet = hooks.url + path + "/dapat", hooks.url + path + "/belum"
    hooks.answers[path + "/belum"] = lambda tries: 500
    for url in (got, not_yet):
        worker.subscribe("webhook", url, [region])
    sent = bulletin(regions=[region], expiresAt=after(3))
    receipt = publishing.wait(publishing.send(sent), "completed")
    assert {r["endpoint"]: r["state"] for r in rows(worker, sent)} == {got: "delivered", not_yet: "expired"}
    assert (receipt["data"]["delivered"], receipt["data"]["expired"]) == (1, 1)
    assert datetime.fromisoformat(receipt["time"]) >= datetime.fromisoformat(sent["expiresAt"])


def test_what_expires_leaves_nothing_behind_to_try(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: 500
    worker.subscribe("webhook", hooks.url + path, [region])
    sent = bulletin(regions=[region], expiresAt=after(2))
    publishing.wait(publishing.send(sent), "completed")
    tried = len(hooks.at(path))
    time.sleep(4)
    assert len(hooks.at(path)) == tried == row(worker, sent)["attempts"]


def test_a_scheduled_bulletin_may_be_withdrawn_before_its_time(worker, publishing, hooks, region, path):
    worker.subscribe("webhook", hooks.url + path, [region])
    sent = bulletin(regions=[region], publishAt=after(4))
    publishing.wait(publishing.send(sent), "scheduled")
    publishing.wait(publishing.send(withdrawn(sent)), "completed")
    time.sleep(5)
    assert not hooks.at(path) and not rows(worker, sent)


# Corrected


def test_a_correction_goes_to_who_got_the_original_and_to_who_matches_now(
        worker, publishing, hooks, region, other_region, path):
    """It moves from one region to another: those of the first must hear that it is no longer theirs."""
    before, now, both = (f"{hooks.url}{path}/{name}" for name in ("dulu", "kini", "dua"))
    worker.subscribe("webhook", before, [region])
    worker.subscribe("webhook", now, [other_region])
    worker.subscribe("webhook", both, [region, other_region])
    original = bulletin(regions=[region])
    publishing.wait(publishing.send(original), "completed")
    assert endpoints(worker, original) == {before, both}
    publishing.wait(publishing.send(corrected(original, regions=[other_region], note="Pindah tempat.")), "completed")
    assert endpoints(worker, original, 2) == {before, now, both}
    assert [h.json["type"] for h in hooks.at(path + "/dulu")] == ["bulletin.published", "bulletin.corrected"]
    assert len(hooks.at(path + "/dua")) == 2


def test_a_correction_goes_to_who_got_any_earlier_revision(
        worker, publishing, hooks, region, other_region, path):
    worker.subscribe("webhook", hooks.url + path, [region])
    original = bulletin(regions=[region])
    publishing.wait(publishing.send(original), "completed")
    for revision in (2, 3):
        publishing.wait(publishing.send(corrected(original, revision, regions=[other_region])), "completed")
    assert [hook.bulletin["revision"] for hook in hooks.at(path)] == [1, 2, 3]


def test_a_correction_skips_who_has_unsubscribed(worker, publishing, hooks, region, path):
    (subscribed,) = worker.subscribe("webhook", hooks.url + path, [region])
    original = bulletin(regions=[region])
    publishing.wait(publishing.send(original), "completed")
    worker.command("subscriptions", "remove", subscribed["id"])
    publishing.wait(publishing.send(corrected(original)), "completed")
    assert not rows(worker, original, 2) and len(hooks.at(path)) == 1


def test_a_correction_by_mail_is_marked_and_says_what_changed(worker, publishing, mail, region):
    worker.subscribe("email", "ralat@w.example", [region])
    worker.subscribe("email", "correction@w.example", [region], language="en")
    original = bulletin(regions=[region], title="Imunisasi di puskesmas")
    publishing.wait(publishing.send(original), "completed")
    publishing.wait(publishing.send(corrected(original, note="Jam buka menjadi 08.00.")), "completed")
    for address, mark in (("ralat@w.example", "Ralat"), ("correction@w.example", "Correction")):
        first, second = mail.to(address)
        assert mark not in first.message["Subject"] and mark in second.message["Subject"]
        assert "Imunisasi di puskesmas" in second.message["Subject"]
        assert first.message["Message-ID"] != second.message["Message-ID"]
        for part in second.message.iter_parts():
            assert "Jam buka menjadi 08.00." in part.get_content(), part.get_content_type()


def test_a_correction_by_webhook_is_marked_and_says_what_changed(worker, publishing, hooks, region, path):
    worker.subscribe("webhook", hooks.url + path, [region])
    original = bulletin(regions=[region])
    publishing.wait(publishing.send(original), "completed")
    publishing.wait(publishing.send(corrected(original, title="Ralat jam", note="Jam diperbaiki.")), "completed")
    first, second = hooks.at(path)
    assert (first.json["type"], second.json["type"]) == ("bulletin.published", "bulletin.corrected")
    assert (second.bulletin["title"], second.bulletin["note"]) == ("Ralat jam", "Jam diperbaiki.")
    assert first.id != second.id


def test_a_correction_waits_while_the_original_is_under_way(worker, publishing, hooks, region, path):
    """The receiver takes two seconds over the original, and the correction comes meanwhile."""
    finished_at = []

    def slowly(tries):
        time.sleep(2 if tries == 0 else 0)
        finished_at.append(time.time())
        return 204

    hooks.answers[path] = slowly
    worker.subscribe("webhook", hooks.url + path, [region])
    original = bulletin(regions=[region])
    publishing.send(original)
    eventually(lambda: hooks.at(path))
    publishing.wait(publishing.send(corrected(original)), "completed")
    first, second = hooks.at(path)
    assert (first.bulletin["revision"], second.bulletin["revision"]) == (1, 2)
    assert second.time >= finished_at[0]


def test_many_quick_corrections_come_in_their_order(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: time.sleep(0.05) or 204
    worker.subscribe("webhook", hooks.url + path, [region])
    original = bulletin(regions=[region])
    sent = [publishing.send(corrected(original, revision, title=f"Judul {revision}")) for revision in range(1, 7)]
    publishing.wait(sent[-1], "completed", timeout=10)
    revisions = [hook.bulletin["revision"] for hook in hooks.at(path)]
    assert revisions == sorted(set(revisions)) and revisions[-1] == 6


def test_a_correction_under_another_moment_waits_for_it(worker, publishing, hooks, region, path):
    """A correction that is itself to be published later: the original stands until then."""
    worker.subscribe("webhook", hooks.url + path, [region])
    original = bulletin(regions=[region])
    publishing.wait(publishing.send(original), "completed")
    when = after(3)
    publishing.wait(publishing.send(corrected(original, publishAt=when)), "completed")
    first, second = hooks.at(path)
    assert 0 <= lateness(second, when) <= 1


# Withdrawn


def test_a_withdrawal_tells_who_got_it_why(worker, publishing, hooks, mail, region, path):
    worker.subscribe("webhook", hooks.url + path, [region])
    worker.subscribe("email", "tarik@w.example", [region])
    original = bulletin(regions=[region], title="Pasar murah")
    publishing.wait(publishing.send(original), "completed")
    correlation = publishing.send(withdrawn(original, note="Salah tanggal."))
    publishing.wait(correlation, "completed")
    publishing.wait(correlation, "withdrawn")
    last = hooks.at(path)[-1]
    assert last.json["type"] == "bulletin.withdrawn" and last.bulletin["note"] == "Salah tanggal."
    _, told = mail.to("tarik@w.example")
    assert "Ditarik" in told.message["Subject"] and "Pasar murah" in told.message["Subject"]
    for part in told.message.iter_parts():
        assert "Salah tanggal." in part.get_content(), part.get_content_type()
    assert newest(worker, original)["state"] == "withdrawn"


def test_a_withdrawal_is_not_news_to_who_never_got_it(worker, publishing, hooks, region, path):
    original = bulletin(regions=[region])
    publishing.wait(publishing.send(original), "completed")
    worker.subscribe("webhook", hooks.url + path, [region])
    publishing.wait(publishing.send(withdrawn(original)), "completed")
    assert not rows(worker, original, 2) and not hooks.at(path)


def test_the_feeds_show_a_withdrawn_bulletin_as_withdrawn(worker, publishing, region):
    kept, gone = bulletin(regions=[region], title="Tetap"), bulletin(regions=[region], title="Hilang")
    for one in (kept, gone):
        publishing.wait(publishing.send(one), "completed")

    def entries(form):
        return {entry.title: entry.id for entry in feedparser.parse(worker.get(f"/feeds/{region}.{form}").body).entries}

    before = {form: entries(form) for form in ("rss", "atom")}
    assert set(before["atom"]) == set(before["rss"]) == {"Tetap", "Hilang"}
    publishing.wait(publishing.send(withdrawn(gone)), "completed")
    for form in ("rss", "atom"):
        assert entries(form) == {"Tetap": before[form]["Tetap"]}
    (tombstone,) = ElementTree.fromstring(worker.get(f"/feeds/{region}.atom").body).iter(TOMBSTONE)
    assert tombstone.get("ref") == before["atom"]["Hilang"]


def test_an_operators_withdrawal_reaches_who_got_it(worker, publishing, hooks, region, path):
    worker.subscribe("webhook", hooks.url + path, [region])
    original = bulletin(regions=[region])
    publishing.wait(publishing.send(original), "completed")
    worker.command("bulletins", "withdraw", identity(original), "--why", "Permintaan dinas.")
    _, told = eventually(lambda: len(hooks.at(path)) == 2 and hooks.at(path))
    assert told.json["type"] == "bulletin.withdrawn" and told.bulletin["note"] == "Permintaan dinas."
    worker.command("bulletins", "withdraw", identity(original), "--why", "Lagi.", expect=2)


def test_an_operator_may_withdraw_what_its_publisher_may_no_longer_publish(worker, publishing, hooks, region, path):
    """Its scope, fields and kinds have changed since."""
    worker.register("uji.pindah", regions=[region])
    worker.subscribe("webhook", hooks.url + path, [region])
    original = bulletin(publisher="uji.pindah", regions=[region])
    publishing.wait(publishing.send(original), "completed")
    worker.command("publishers", "add", "uji.pindah", "--name", "Pindah", "--amqp-user", "uji.pindah",
                   "--kind", "proposal", "--region", "11", "--field", "pangan")
    worker.command("bulletins", "withdraw", identity(original), "--why", "Bukan wewenang lagi.")
    eventually(lambda: [h.json["type"] for h in hooks.at(path)] == ["bulletin.published", "bulletin.withdrawn"])


def test_an_operator_may_withdraw_what_a_removed_publisher_published(worker, publishing, hooks, region, path):
    worker.register("uji.bubar")
    worker.subscribe("webhook", hooks.url + path, [region])
    original = bulletin(publisher="uji.bubar", regions=[region])
    publishing.wait(publishing.send(original), "completed")
    worker.command("publishers", "remove", "uji.bubar")
    worker.command("bulletins", "withdraw", identity(original), "--why", "Unit dibubarkan.")
    eventually(lambda: [h.json["type"] for h in hooks.at(path)] == ["bulletin.published", "bulletin.withdrawn"])


# Moderated


@pytest.fixture
def held(worker, publishing, hooks, region, path):
    """A bulletin that waits for an operator, a subscriber who would hear it, and the publisher's correlation id."""
    worker.register("uji.moderasi", moderated=True)
    worker.subscribe("webhook", hooks.url + path, [region])
    made = bulletin(publisher="uji.moderasi", regions=[region], title="Menunggu izin")
    correlation = publishing.send(made)
    publishing.wait(correlation, "held")
    return made, correlation


def test_what_is_held_is_neither_sent_nor_shown(worker, hooks, region, path, held):
    made, _ = held
    time.sleep(2)
    assert newest(worker, made)["state"] == "held" and not rows(worker, made) and not hooks.at(path)
    assert not feedparser.parse(worker.get(f"/feeds/{region}.atom").body).entries
    assert worker.get(f"/bulletins/{identity(made)}").status == 404


def test_an_approval_sends_it_with_its_receipts(worker, publishing, hooks, path, held):
    made, correlation = held
    worker.command("bulletins", "approve", identity(made))
    publishing.wait(correlation, "completed")
    assert publishing.events(correlation) == ["accepted", "held", "approved", "routed", "completed"]
    assert len(hooks.at(path)) == 1
    worker.command("bulletins", "approve", identity(made), expect=2)
    worker.command("bulletins", "reject", identity(made), "--why", "Terlambat.", expect=2)


def test_a_rejection_ends_it_and_says_why(worker, publishing, hooks, path, held):
    made, correlation = held
    worker.command("bulletins", "reject", identity(made), "--why", "Bukan kewenangan desa.")
    receipt = publishing.wait(correlation, "rejected")
    assert "Bukan kewenangan desa." in str(receipt["data"])
    assert newest(worker, made)["state"] == "rejected" and not rows(worker, made) and not hooks.at(path)
    worker.command("bulletins", "approve", identity(made), expect=2)


def test_a_held_correction_leaves_the_original_standing(worker, publishing, hooks, region, path, held):
    made, correlation = held
    worker.command("bulletins", "approve", identity(made))
    publishing.wait(correlation, "completed")
    again = publishing.send(corrected(made, title="Menunggu izin lagi"))
    publishing.wait(again, "held")
    titles = [entry.title for entry in feedparser.parse(worker.get(f"/feeds/{region}.atom").body).entries]
    assert titles == ["Menunggu izin"] and len(hooks.at(path)) == 1
    worker.command("bulletins", "approve", identity(made))
    publishing.wait(again, "completed")
    assert [h.json["type"] for h in hooks.at(path)] == ["bulletin.published", "bulletin.corrected"]


def test_an_approved_bulletin_still_waits_for_its_time(worker, publishing, hooks, region, path):
    worker.register("uji.moderasi", moderated=True)
    worker.subscribe("webhook", hooks.url + path, [region])
    when = after(5)
    made = bulletin(publisher="uji.moderasi", regions=[region], publishAt=when)
    correlation = publishing.send(made)
    publishing.wait(correlation, "held")
    worker.command("bulletins", "approve", identity(made))
    publishing.wait(correlation, "completed")
    (hook,) = hooks.at(path)
    assert 0 <= lateness(hook, when) <= 1


# Proposals and their answers


@pytest.fixture
def usulan(worker, publishing, region):
    """A proposal of a KIM that has gone out."""
    worker.register("uji.kim", kinds=["proposal"])
    worker.register("uji.bappeda", kinds=["announcement"])
    made = bulletin(publisher="uji.kim", kind="proposal", regions=[region], title="Usulan jalur evakuasi",
                    proposal={"state": "submitted", "stage": "village"})
    publishing.wait(publishing.send(made), "completed")
    return made


def answer(to, state, stage, **members):
    return bulletin(**{"publisher": "uji.bappeda", "regions": to["regions"], "inReplyTo": identity(to),
                       "proposal": {"state": state, "stage": stage}} | members)


def thread(worker, made):
    return [(r["relation"], r["id"], r["revision"]) for r in worker.rows("bulletins", "show", identity(made))]


def test_answers_move_a_proposals_state(worker, publishing, usulan):
    for state, stage in (("verified", "village"), ("forwarded", "district"), ("accommodated", "regency")):
        publishing.wait(publishing.send(answer(usulan, state, stage)), "completed")
        row = newest(worker, usulan)
        assert (row["proposalState"], row["proposalStage"]) == (state, stage)


def test_a_proposals_thread_shows_its_answers(worker, publishing, usulan):
    publishing.wait(publishing.send(corrected(usulan, title="Usulan enam papan")), "completed")
    answers = [answer(usulan, "verified", "village"), answer(usulan, "forwarded", "district")]
    for one in answers:
        publishing.wait(publishing.send(one), "completed")
    shown = thread(worker, usulan)
    assert shown[:2] == [("revision", identity(usulan), 2), ("revision", identity(usulan), 1)]
    assert sorted(shown[2:]) == sorted(("answer", identity(one), 1) for one in answers)


def test_an_answers_thread_shows_its_proposal(worker, publishing, usulan):
    made = answer(usulan, "returned", "district")
    publishing.wait(publishing.send(made), "completed")
    assert thread(worker, made) == [("revision", identity(made), 1), ("proposal", identity(usulan), 1)]


def test_an_answer_reaches_who_got_the_proposal(worker, publishing, hooks, region, path, other_region):
    """Although the answer is about another field, to which they are not subscribed."""
    worker.subscribe("webhook", hooks.url + path, [region], ["kebencanaan"])
    worker.register("uji.kim", kinds=["proposal"])
    worker.register("uji.bappeda", kinds=["announcement"])
    made = bulletin(publisher="uji.kim", kind="proposal", regions=[region], fields=["kebencanaan"],
                    proposal={"state": "submitted"})
    publishing.wait(publishing.send(made), "completed")
    told = answer(made, "accommodated", "regency", fields=["pariwisata"])
    publishing.wait(publishing.send(told), "completed")
    assert [hook.bulletin["id"] for hook in hooks.at(path)] == [made["id"], told["id"]]
    assert row(worker, told)["endpoint"] == hooks.url + path


def test_an_answer_reaches_the_endpoints_of_the_kim_that_proposed(
        worker, publishing, hooks, mail, other_region, path, usulan):
    """Which hear neither the proposal nor its answer by their subscriptions."""
    worker.subscribe("webhook", hooks.url + path, [other_region], ["pangan"], owner="uji.kim")
    worker.subscribe("email", "kim@w.example", [other_region], ["pangan"], owner="uji.kim")
    worker.subscribe("email", "bukan.kim@w.example", [other_region], ["pangan"], owner="uji.bappeda")
    made = answer(usulan, "forwarded", "district", title="Usulan diteruskan")
    publishing.wait(publishing.send(made), "completed")
    assert endpoints(worker, made) == {hooks.url + path, "kim@w.example"}
    assert [hook.bulletin["inReplyTo"] for hook in hooks.at(path)] == [identity(usulan)]
    assert len(mail.to("kim@w.example")) == 1


def test_an_ended_endpoint_of_the_kim_gets_no_answer(worker, publishing, hooks, other_region, path, usulan):
    (subscribed,) = worker.subscribe("webhook", hooks.url + path, [other_region], ["pangan"], owner="uji.kim")
    worker.command("subscriptions", "remove", subscribed["id"])
    made = answer(usulan, "forwarded", "district")
    publishing.wait(publishing.send(made), "completed")
    # Others of the KIM's endpoints, which other tests made, get theirs.
    assert not [row for row in rows(worker, made) if row["endpoint"] == hooks.url + path] and not hooks.at(path)


def test_the_page_of_a_proposal_tells_its_state(worker, publishing, usulan):
    publishing.wait(publishing.send(answer(usulan, "forwarded", "district", title="Diteruskan ke kecamatan")), "completed")
    page = eventually(lambda: worker.get(f"/bulletins/{identity(usulan)}")).body.decode()
    assert "diteruskan" in page and "Usulan jalur evakuasi" in page

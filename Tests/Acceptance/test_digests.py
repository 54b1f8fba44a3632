"""Digests, daily at 07:00 and weekly on Mondays, over a few days that take a minute: the worker's clock is moved on.

The days run once, in a fixture that checks nothing; the tests look at the mails that came in each part of them.
"""
import contextlib
import itertools
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from types import SimpleNamespace

import pytest

from bulletins import bulletin, identity
from deliveries import row, rows
from mailcheck import assert_encoded_words, assert_encodings, assert_lines, parsed, raw_headers
from publishing import Publishing
from timetravel import TimeTraveller
from worker import Worker

WIB, WITA, WIT = (timezone(timedelta(hours=hours)) for hours in (7, 8, 9))
ONE_CLICK = {"Content-Type": "application/x-www-form-urlencoded"}, b"List-Unsubscribe=One-Click"
JAVA, SULAWESI, PAPUA = "31", "73", "91"


def next_monday():
    """The Monday of the digests, far enough from now that the worker's clock never goes back."""
    today = datetime.now(WIB).date() + timedelta(days=2)
    return today + timedelta(days=-today.weekday() % 7)


def clock(day, text, zone=WIB):
    return datetime.fromisoformat(f"{day.isoformat()}T{text}").replace(tzinfo=zone)


SUNDAY, MONDAY, TUESDAY, NEXT_MONDAY = (next_monday() + timedelta(days=days) for days in (-1, 0, 1, 7))


@dataclass
class Taken:
    recipient: str
    # By the worker's clock.
    at: datetime
    message: EmailMessage

    @property
    def text(self):
        return self.message.get_body(("plain",)).get_content()

    @property
    def html(self):
        return self.message.get_body(("html",)).get_content()

    @property
    def is_digest(self):
        return self.message["X-Kentongan-Digest"] is not None


class Days:
    """The worker over the days, and the mails of each part of them."""

    def __init__(self, worker, publishing, mail):
        self.worker, self.publishing, self.mail = worker, publishing, mail
        self.clock = TimeTraveller(worker)
        self.parts = {}
        self.sent = {}

    def publish(self, name, region, fields=("kesehatan",), **members):
        made = bulletin(regions=[region] if isinstance(region, str) else region, fields=list(fields), title=f"Kabar {name}",
                        **members)
        self.publishing.wait(self.publishing.send(made), "accepted")
        self.sent[name] = made
        return made

    def revise(self, name, revision=2, **members):
        made = self.sent[name] | {"revision": revision} | members
        if made.get("status") == "withdrawn":
            del made["body"]
        self.publishing.wait(self.publishing.send(made), "accepted")

    @contextlib.contextmanager
    def part(self, name, moment, until=None, kill=False):
        """The worker runs from one moment to another, or as long as it takes, and is stopped or killed."""
        before = len(self.mail.mails)
        self.clock.start_at(moment)
        yield
        if until:
            self.clock.sleep_until(until)
        self.worker.kill() if kill else self.worker.stop()
        self.parts[name] = [
            Taken(m.recipient, self.clock.at(m.time), m.message) for m in self.mail.mails[before:]
            if m.answer.startswith("250")]

    def settle(self):
        """Long enough for what is due to be sent, and for what should not be sent to show itself."""
        count, quiet_since = -1, time.monotonic()
        while time.monotonic() - quiet_since < 2:
            if len(self.mail.mails) != count:
                count, quiet_since = len(self.mail.mails), time.monotonic()
            time.sleep(0.1)

    def wait_for(self, *names):
        """Until each of them has got a mail, or should have long since."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and not all(self.mail.to(f"{name}@w.example") for name in names):
            time.sleep(0.1)

    def to(self, name, part=None):
        """The mails for a subscriber, in a part or in all."""
        parts = [self.parts[part]] if part else self.parts.values()
        return [m for taken in parts for m in taken if m.recipient == f"{name}@w.example"]


@pytest.fixture(scope="module")
def days(tmp_path_factory, host, mail):
    worker = Worker(tmp_path_factory.mktemp("digests"), host, mail.port, KENTONGAN_SMTP_RETRY="1,1",
                    KENTONGAN_DELIVERY_LEASE="3")
    days = Days(worker, Publishing(host), mail)
    try:
        worker.command("store", "migrate")
        worker.register("uji", emergency=True)
        worker.command("topology", "apply")
        subscribe(days)
        sunday(days)
        monday(days)
        tuesday(days)
        next_week(days)
        yield days
    finally:
        worker.close()


def subscribe(days):
    def add(name, regions, fields=(), frequency="daily", **options):
        days.worker.subscribe("email", f"{name}@w.example", regions, fields, frequency=frequency, **options)

    days.clock.set(clock(SUNDAY, "19:00:00"))
    add("wib", [JAVA])
    add("wita", [SULAWESI])
    add("wit", [PAPUA])
    add("rumah", [JAVA], home=PAPUA)
    add("gabung", ["34.01", "34.02"], ["kesehatan", "pangan"])
    add("ralat", ["33.01"])
    add("tarik", ["33.02"])
    add("lewat", ["33.03"])
    add("darurat", ["33.04"])
    add("nanti", ["33.05"])
    add("gagal", ["33.06"])
    add("berhenti", ["33.07"])
    add("campur", ["33.08"])
    add("campur", ["33.09"], frequency="immediate")
    add("susulan", ["33.10"])
    add("ditarik", ["33.11"])
    add("mingguan", ["33.12"], frequency="weekly")
    add("english", ["33.13"], language="en")
    add("weekly", ["33.13"], frequency="weekly", language="en")
    days.mail.at_data["gagal@w.example"] = lambda tries: "451 4.3.0 nanti" if tries == 0 else "250 OK"


def sunday(days):
    with days.part("sunday", clock(SUNDAY, "20:00:00")):
        days.publish("umum", [JAVA, SULAWESI, PAPUA])
        for name, region, field in (("a", "34.01", "kesehatan"), ("b", "34.02", "pangan"), ("c", "34.01", "pangan"),
                                    ("d", "34.02", "kesehatan"), ("e", "34.01", "kesehatan"), ("f", "34.02", "pangan")):
            days.publish(f"gabung-{name}", region, [field])
        days.publish("dua-duanya", ["34.01", "34.02"], ["kesehatan", "pangan"])
        days.publish("ralat", "33.01")
        days.revise("ralat", title="Kabar terbaru")
        days.publish("tarik", "33.02")
        days.revise("tarik", status="withdrawn")
        days.publish("lewat", "33.03", expiresAt=clock(MONDAY, "06:30:00").isoformat())
        days.publish("tidak lewat", "33.03", expiresAt=clock(MONDAY, "09:00:00").isoformat())
        days.publish("bahaya", "33.04", urgency="emergency")
        days.publish("penting", "33.04", urgency="important")
        days.publish("nanti", "33.05", publishAt=clock(MONDAY, "12:00:00").isoformat())
        days.publish("segera", "33.09")
        for name, region in (("gagal", "33.06"), ("berhenti", "33.07"), ("harian", "33.08"), ("susulan", "33.10"),
                             ("ditarik", "33.11"), ("mingguan", "33.12"), ("english", "33.13")):
            days.publish(name, region)
        days.settle()
        days.waiting = {r["endpoint"]: r for r in rows(days.worker, days.sent["umum"])}
        days.waiting_weekly = row(days.worker, days.sent["mingguan"])


def monday(days):
    for name, zone in (("wit", WIT), ("wita", WITA), ("wib", WIB)):
        with days.part(name, clock(MONDAY, "06:59:57", zone)):
            days.wait_for(name, *(["gagal", "gabung"] if name == "wib" else []))
            days.settle()
    days.after = {name: rows(days.worker, made) for name, made in days.sent.items()}
    with days.part("monday", clock(MONDAY, "20:00:00")):
        (header,) = {m.message["List-Unsubscribe"] for m in days.to("berhenti")} or {"<>"}
        days.link = header.strip("<>")
        days.unsubscribed = days.worker.get(days.link, "POST", *ONE_CLICK).status if days.link else None
        days.publish("selasa", [JAVA, SULAWESI, PAPUA])
        days.publish("berhenti lagi", "33.07")
        days.revise("susulan", title="Kabar diperbaiki", note="Jamnya berubah.")
        days.revise("ditarik", status="withdrawn", note="Tidak jadi.")
        days.publish("minggu depan", "33.12")
        days.settle()


def tuesday(days):
    """The worker was down at seven further east; it is killed two seconds before seven in Java, comes back half an hour
    later, and is killed again."""
    with days.part("killed", clock(TUESDAY, "06:59:56"), until=clock(TUESDAY, "06:59:58"), kill=True):
        pass
    with days.part("tuesday", clock(TUESDAY, "07:30:00"), kill=True):
        days.settle()
        time.sleep(3)
    with days.part("again", clock(TUESDAY, "08:00:00")):
        days.settle()


def next_week(days):
    with days.part("next week", clock(NEXT_MONDAY, "07:00:30")):
        days.settle()


# When


def test_nothing_but_what_is_immediate_is_sent_before_the_time(days):
    found = days.parts["sunday"] + days.parts["monday"]
    assert not [m.recipient for m in found if m.is_digest]
    # Whether a withdrawal waits for a digest, no test says.
    assert {m.recipient for m in found} - {"ditarik@w.example"} == {"campur@w.example", "darurat@w.example"}
    assert not days.to("wib", "killed")


def test_a_delivery_that_waits_for_its_digest_says_so(days):
    wanted = {"wib@w.example": WIB, "wita@w.example": WITA, "wit@w.example": WIT, "rumah@w.example": WIT}
    assert {address: (r["state"], datetime.fromisoformat(r["digestAt"])) for address, r in days.waiting.items()} == {
        address: ("pending", clock(MONDAY, "07:00:00", zone)) for address, zone in wanted.items()}
    assert datetime.fromisoformat(days.waiting_weekly["digestAt"]) == clock(MONDAY, "07:00:00")


@pytest.mark.parametrize("name, zone", [("wit", WIT), ("wita", WITA), ("wib", WIB), ("rumah", WIT)])
def test_a_daily_digest_comes_at_seven_of_the_home_regions_zone(days, name, zone):
    part = {WIT: "wit", WITA: "wita", WIB: "wib"}[zone]
    (digest,) = days.to(name, part)
    late = digest.at - clock(MONDAY, "07:00:00", zone)
    assert timedelta(0) <= late <= timedelta(seconds=3)
    assert [m.at for m in days.to(name) if m.at < clock(TUESDAY, "00:00:00")] == [digest.at]
    assert "Kabar umum" in digest.text


def test_east_comes_first(days):
    wit, wita, wib = (days.to(name)[0].at for name in ("wit", "wita", "wib"))
    assert wit < wita < wib


def test_a_weekly_digest_comes_on_mondays_only(days):
    first, second = days.to("mingguan")
    assert first.at.astimezone(WIB).date() == MONDAY and second.at.astimezone(WIB).date() == NEXT_MONDAY
    assert first in days.parts["wib"] and "Kabar mingguan" in first.text
    assert "Kabar minggu depan" in second.text and "Kabar mingguan" not in second.text


def test_an_emergency_does_not_wait_for_the_digest_and_is_not_repeated_in_it(days):
    emergency, digest = days.to("darurat")
    assert emergency in days.parts["sunday"] and not emergency.is_digest and "Kabar bahaya" in emergency.message["Subject"]
    assert digest in days.parts["wib"] and "Kabar penting" in digest.text and "Kabar bahaya" not in digest.text


def test_an_immediate_subscription_beside_a_daily_one_stays_immediate(days):
    at_once, digest = days.to("campur")
    assert at_once in days.parts["sunday"] and "Kabar segera" in at_once.message["Subject"]
    assert "Kabar harian" in digest.text and "Kabar segera" not in digest.text


def test_a_bulletin_of_later_comes_in_the_digest_after_its_time(days):
    (digest,) = days.to("nanti")
    assert digest in days.parts["tuesday"] and "Kabar nanti" in digest.text


# What


def test_one_mail_holds_what_all_subscriptions_of_an_address_heard(days):
    (digest,) = days.to("gabung")
    for name in "abcdef":
        assert digest.text.count(f"Kabar gabung-{name}") == 1 and f"Kabar gabung-{name}" in digest.html
    # What two of the subscriptions hear stands in it once.
    assert digest.text.count("Kabar dua-duanya") == 1


def test_a_digest_is_grouped_by_region_and_field(days):
    (digest,) = days.to("gabung")
    for body in (digest.text, digest.html):
        order = sorted("abcdef", key=lambda name: body.index(f"Kabar gabung-{name}"))
        regions = ["34.01" if name in "ace" else "34.02" for name in order]
        fields = ["kesehatan" if name in "ade" else "pangan" for name in order]
        assert len(list(itertools.groupby(regions))) == 2, order
        assert len(list(itertools.groupby(zip(regions, fields)))) == 4, order
    for name in ("Kulon Progo", "Bantul", "Kesehatan", "Pangan"):
        assert name in digest.text, name


def test_a_digest_holds_the_newest_revision_only(days):
    (digest,) = days.to("ralat")
    assert "Kabar terbaru" in digest.text and "Kabar ralat" not in digest.text


def test_what_was_withdrawn_makes_no_digest(days):
    assert not days.to("tarik")
    assert {r["state"] for r in days.after["tarik"]} <= {"cancelled"}


def test_what_has_expired_is_left_out(days):
    (digest,) = days.to("lewat")
    assert "Kabar tidak lewat" in digest.text and digest.text.count("Kabar") == 1
    assert [r["state"] for r in days.after["lewat"]] == ["expired"]


def test_a_correction_of_what_a_digest_has_told_comes_in_the_next(days):
    first, second = days.to("susulan")
    assert "Kabar susulan" in first.text and second in days.parts["tuesday"]
    assert "Kabar diperbaiki" in second.text and "Ralat" in second.text and "Jamnya berubah." in second.text


def test_who_was_told_by_a_digest_hears_of_the_withdrawal(days):
    first, second = days.to("ditarik")
    assert "Kabar ditarik" in first.text and first in days.parts["wib"]
    assert "Kabar ditarik" in second.text + second.message["Subject"]
    assert "Ditarik" in second.text + second.message["Subject"] and "Tidak jadi." in second.text


def test_an_empty_digest_is_not_sent(days):
    """On Tuesday only those got mail for whom there was something."""
    names = {m.recipient.partition("@")[0] for m in days.parts["killed"] + days.parts["tuesday"]}
    assert names - {"ditarik"} == {"wib", "wita", "wit", "rumah", "nanti", "susulan"}


# How


def test_a_digest_says_what_it_is(days):
    daily, weekly = days.to("wib")[0], days.to("mingguan")[0]
    assert daily.message["Subject"].startswith("Ringkasan harian") and weekly.message["Subject"].startswith("Ringkasan mingguan")
    english = {name: days.to(name)[0].message["Subject"] for name in ("english", "weekly")}
    assert english["english"].startswith("Daily digest") and english["weekly"].startswith("Weekly digest")


@pytest.mark.parametrize("name, kind, zone", [
    ("wib", "daily", WIB), ("wita", "daily", WITA), ("wit", "daily", WIT), ("mingguan", "weekly", WIB)])
def test_a_digests_header_says_until_when_it_reaches(days, name, kind, zone):
    said, *parameters = days.to(name)[0].message["X-Kentongan-Digest"].split("; ")
    until = dict(parameter.split("=") for parameter in parameters)["until"]
    assert said == kind and datetime.fromisoformat(until) == clock(MONDAY, "07:00:00", zone)


def test_a_digest_is_what_the_standards_ask_for(days):
    digest = days.to("gabung")[0].message
    assert not digest.defects and digest.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in digest.iter_parts()] == ["text/plain", "text/html"]
    assert digest["To"] == "gabung@w.example" and digest["Auto-Submitted"] == "auto-generated"
    assert "<" in digest["List-Id"] and digest["Message-ID"] and digest["Date"].datetime.tzinfo
    assert digest["List-Unsubscribe-Post"] is None, "RFC 8058 wants https"
    assert f"<{days.worker.url}/unsubscribe/" in digest["List-Unsubscribe"]


def test_a_digest_is_dated_when_it_was_sent(days):
    digest = days.to("wib")[0]
    assert abs(digest.message["Date"].datetime - digest.at) < timedelta(seconds=3)


def test_a_digest_links_to_each_bulletins_page(days):
    (digest,) = days.to("gabung")
    for name in "abcdef":
        link = f"{days.worker.url}/bulletins/{identity(days.sent[f'gabung-{name}'])}"
        assert link in digest.text and f'href="{link}"' in digest.html


def test_each_digest_has_a_message_id_of_its_own(days):
    found = [m.message["Message-ID"] for taken in days.parts.values() for m in taken]
    assert len(set(found)) == len(found)


def test_one_click_ends_it(days):
    assert days.unsubscribed and 200 <= days.unsubscribed < 300
    (only,) = days.to("berhenti")
    assert only in days.parts["wib"]


def test_what_a_digest_has_told_is_delivered(days):
    for name in ("umum", "gabung-a", "dua-duanya", "gagal", "mingguan", "english", "tidak lewat"):
        found = days.after[name]
        assert found and {r["state"] for r in found} == {"delivered"}, (name, found)


# Trouble


def test_a_digest_that_was_put_off_is_tried_again_as_the_same_mail(days, mail):
    first, second = [m for m in mail.mails if m.recipient == "gagal@w.example"]
    assert first.answer.startswith("451") and second.answer.startswith("250")
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.message.get_body(("plain",)).get_content() == second.message.get_body(("plain",)).get_content()


@pytest.mark.parametrize("name, part", [("wib", "tuesday"), ("wita", "killed"), ("wit", "killed"), ("rumah", "killed")])
def test_a_worker_that_was_down_at_the_time_sends_the_digest_once_when_it_is_back(days, name, part):
    _, tuesday = days.to(name)
    assert tuesday in days.parts[part]
    assert "Kabar selasa" in tuesday.text and "Kabar umum" not in tuesday.text


def test_every_digest_is_sound(days, mail):
    for taken in mail.mails:
        assert_lines(taken.content)
        assert_encodings(parsed(taken.content))
        assert_encoded_words(raw_headers(taken.content))


def test_nothing_is_missed_or_repeated_over_restarts(days):
    assert not days.parts["again"]
    assert {m.recipient for m in days.parts["next week"]} == {"mingguan@w.example"}
    left = [r for r in days.worker.listing("deliveries", "list") if r["state"] in ("pending", "sending")]
    assert not left

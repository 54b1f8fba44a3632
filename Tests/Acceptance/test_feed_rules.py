"""Feeds of every kind, with what hostile publishers may write, against the rules of each specification; and by readers
that others wrote."""
import json
import mailbox
import sqlite3
import subprocess
from email.header import decode_header, make_header

import feedparser
import pytest

import feedrules
from bulletins import after, bulletin, identity
from waiting import eventually

REGION, FIELD = "61.01", "kebencanaan.peringatan-dini"
HOSTILE = [
    "]]>", "<![CDATA[x]]>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&", "&amp;lt;b&gt;", "&#0;", "&nbsp;&xxe;",
    "\"'><svg/onload=alert(1)>", "–“é”🛕👨‍👩‍👧", "a&#xFFFE;b", "مرحبا abc", "עברית", "%00", "{{x}}", "a;b,c\\n:d", "x&#x2028;y",
    "[x](javascript:alert(1))", "<!-- x", "</title></channel>", "<?xml version='1.0'?>", "e\u0301\u0301\u0301", "&shy;x",
    "x" * 190]
URL = "https://unit.example/berkas?a=1&b=%3Cx%3E#'()"


def hostile(number, value):
    """One with the value wherever text may stand, and every other an event, every third an alert."""
    made = bulletin(
        regions=[REGION, f"{REGION}.01"], fields=[FIELD, "sosial"], title=f"{number} {value}"[:200], summary=f"S {value}", body=f"Isi {value}\n\n{value}\n\n- {value}",
        note=f"N {value}", link=URL, legalBasis=[f"D {value}"], contact={"name": value, "phone": "+62 <1>", "email": "a@unit.example"},
        attachments=[{"title": value, "url": URL, "type": "application/pdf", "length": 1234}, {"title": "b", "url": URL, "type": "image/png"}],
        expiresAt=after(3600), language="jv-Java" if number % 5 == 0 else None)
    if number % 2 == 0:
        times = {"startsAt": after(86400), "endsAt": after(90000)} if number % 4 else {"startsOn": "2027-01-30", "endsOn": "2027-01-31"}
        made["event"] = {"name": value, "place": value} | times
    if number % 3 == 0:
        made["alert"] = {"event": value, "level": "siaga", "severity": "Severe", "instruction": value, "identifier": value}
    if number % 7 == 0:
        made |= {"kind": "proposal", "proposal": {"state": "submitted", "stage": "village"}}
    return made


@pytest.fixture(scope="module")
def sent(worker, publishing):
    """What stands in the feeds; of it, one was corrected and one withdrawn."""
    made = [hostile(number, value) for number, value in enumerate(HOSTILE)]
    for correlation in [publishing.send(each) for each in made]:
        publishing.wait(correlation, "routed")
    made[6] |= {"revision": 2, "title": "6 ralat"}
    gone = {name: value for name, value in made[12].items() if name not in ("body", "event", "alert")} | {
        "revision": 2, "status": "withdrawn", "note": "Salah <b>"}
    for each in (made[6], gone):
        publishing.wait(publishing.send(each), "routed")
    return made


@pytest.fixture(scope="module")
def private(worker, sent):
    """Made late: it stays empty."""
    return worker.subscribe("feed", None, [REGION])[0]["feed"].removeprefix(worker.url).removesuffix(".rss")


NAMES = [
    f"/feeds/{REGION}", f"/feeds/en/{REGION}", f"/feeds/{REGION}/{FIELD}", f"/feeds/{REGION}/kebencanaan", f"/feeds/{REGION}/kinds/proposal",
    "/feeds/publishers/uji", "/feeds/en/publishers/uji/kinds/announcement", "/feeds/ID/kinds/proposal", "/feeds/81", "private"]


@pytest.mark.parametrize("name", NAMES)
def test_each_feed_keeps_to_its_specification(worker, sent, private, name):
    name = private if name == "private" else name
    counts = {}
    for form, check in (("rss", feedrules.check_rss), ("atom", feedrules.check_atom), ("json", feedrules.check_json),
                        ("cap.atom", feedrules.check_atom)):
        answer = worker.get(f"{name}.{form}")
        assert answer.status == 200, (name, form)
        checked = check(answer.body, f"{worker.url}{name}.{form}")
        counts[form] = len(checked["items"]) if form == "json" else len(checked.findall("channel/item") or checked.findall("{*}entry"))
        if form != "json":
            parsed = feedparser.parse(answer.body, response_headers={"content-type": answer.headers["Content-Type"]})
            assert not parsed.bozo and len(parsed.entries) == counts[form], parsed.get("bozo_exception")
    feedrules.check_calendar(worker.get(f"{name}.ics").body)
    assert counts["rss"] == counts["atom"] == counts["json"]
    if name == f"/feeds/{REGION}":
        assert counts["rss"] == len(HOSTILE) - 1 and counts["cap.atom"] == len(range(0, len(HOSTILE), 3))


def test_titles_come_from_the_registries_in_either_language(worker, sent):
    def title(path):
        return json.loads(worker.get(path).body)["title"]
    assert title("/feeds/73.71/kesehatan.json") == "Kentongan: Kesehatan, Kota Makassar, Sulawesi Selatan"
    assert title("/feeds/en/73.71/kesehatan.json") == "Kentongan: Health, Kota Makassar, Sulawesi Selatan"
    assert title("/feeds/73/kinds/proposal.json") == "Kentongan: Usulan, Sulawesi Selatan"
    assert title("/feeds/en/kinds/proposal.json") == "Kentongan: Proposals, Indonesia"
    assert title("/feeds/publishers/uji.json") == "Kentongan: Unit uji"


def test_categories_and_enclosures_are_told(worker, sent):
    root = feedrules.check_atom(worker.get(f"/feeds/{REGION}/sosial.atom").body, f"{worker.url}/feeds/{REGION}/sosial.atom")
    entry = root.find("{*}entry")
    terms = {(c.get("scheme"), c.get("term")) for c in entry.findall("{*}category")}
    assert {("urn:kentongan:region", REGION), ("urn:kentongan:field", FIELD), ("urn:kentongan:field", "sosial")} <= terms
    enclosures = [link for link in entry.findall("{*}link") if link.get("rel") == "enclosure"]
    assert [(link.get("href"), link.get("length")) for link in enclosures] == [(URL, "1234"), (URL, None)]


def test_a_calendar_holds_the_events_and_cancels_what_was_withdrawn(worker, sent):
    calendar = feedrules.check_calendar(worker.get(f"/feeds/{REGION}.ics").body)
    events = {str(event["UID"]): event for event in calendar.walk("VEVENT")}
    wanted = [made for made in sent if "event" in made]
    assert set(events) == {f"urn:kentongan:{identity(made).replace('/', ':')}" for made in wanted}
    by_id = {made["id"]: made for made in wanted}
    for uid, event in events.items():
        made = by_id[uid.split(":")[-1]]
        gone = made is sent[12]
        assert event["STATUS"] == ("CANCELLED" if gone else "CONFIRMED")
        assert event["SEQUENCE"] == (1 if gone or made is sent[6] else 0)
        name = made["event"]["name"]
        assert str(event["SUMMARY"]) == name and str(event["LOCATION"]) == name, name
        if "startsOn" in made["event"]:
            assert str(event.decoded("DTSTART")) == "2027-01-30" and str(event.decoded("DTEND")) == "2027-02-01"
        else:
            assert abs(event.decoded("DTSTART") - feedrules.time(made["event"]["startsAt"])).total_seconds() < 1


def test_each_alert_is_a_document_of_cap(worker, sent):
    root = feedrules.check_atom(worker.get(f"/feeds/{REGION}.cap.atom").body, f"{worker.url}/feeds/{REGION}.cap.atom")
    kinds, identifiers = {}, set()
    for entry in root.findall("{*}entry"):
        (address,) = [link.get("href") for link in entry.findall("{*}link") if link.get("type") == "application/cap+xml"]
        answer = worker.get(address)
        assert answer.status == 200 and answer.headers["Content-Type"] == "application/cap+xml"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert worker.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status == 304
        alert = feedrules.check_cap(answer.body)
        kinds.setdefault(alert.findtext("{*}msgType"), []).append(alert)
        identifiers.add(alert.findtext("{*}identifier"))
    assert {kind: len(alerts) for kind, alerts in kinds.items()} == {"Alert": 6, "Update": 1, "Cancel": 1}
    assert len(identifiers) == 8
    area = kinds["Alert"][0].find("{*}info/{*}area")
    assert area.findtext("{*}geocode/{*}value") == REGION and area.findtext("{*}areaDesc")
    # What a cancellation cancels has the identifier and time that its own document had.
    reference = kinds["Cancel"][0].findtext("{*}references")
    assert reference.split(",")[1] == kinds["Cancel"][0].findtext("{*}identifier").removesuffix(":2") + ":1"
    assert kinds["Cancel"][0].findtext("{*}note") == "Salah <b>"


def test_an_alert_that_was_replaced_or_never_was_is_not_found(worker, sent):
    for document in ("1.cap", "3.cap", "02.cap", "2.xml", "+2.cap"):
        assert worker.get(f"/bulletins/{identity(sent[6])}/{document}").status == 404
    assert worker.get(f"/bulletins/{identity(sent[1])}/1.cap").status == 404


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_newsboat_reads_them(worker, sent, tmp_path, form):
    (tmp_path / "urls").write_text(f"{worker.url}/feeds/{REGION}.{form}\n")
    done = subprocess.run(
        ["newsboat", "-u", tmp_path / "urls", "-c", tmp_path / "cache.db", "-x", "reload"], capture_output=True, timeout=60,
        env={"HOME": str(tmp_path), "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(tmp_path / "cache.db") as cache:
        rows = cache.execute("SELECT guid, url, title FROM rss_item").fetchall()
    wanted = {f"urn:kentongan:{identity(made).replace('/', ':')}" for made in sent if made is not sent[12]}
    assert {guid for guid, _, _ in rows} == wanted and len(rows) == len(wanted)
    assert all(link.startswith(f"{worker.url}/bulletins/") for _, link, _ in rows)
    assert any("🛕" in title for _, _, title in rows) and any("6 ralat" in title for _, _, title in rows)


def test_rss2email_mails_each_once(worker, sent, tmp_path):
    def r2e(*arguments):
        return subprocess.run(
            ["r2e", "-c", tmp_path / "rss2email.cfg", "-d", tmp_path / "data.json", *arguments], capture_output=True, timeout=120,
            env={"HOME": str(tmp_path), "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"})
    assert r2e("new", "warga@desa.example").returncode == 0
    settings = (tmp_path / "rss2email.cfg").read_text()
    settings = settings.replace("email-protocol = sendmail", "email-protocol = maildir").replace(
        "maildir-path = ~/Maildir", f"maildir-path = {tmp_path}/mail").replace("maildir-mailbox = INBOX", "maildir-mailbox = in")
    (tmp_path / "rss2email.cfg").write_text(settings)
    for folder in ("cur", "new", "tmp"):
        (tmp_path / "mail/in" / folder).mkdir(parents=True)
    assert r2e("add", "wilayah", f"{worker.url}/feeds/{REGION}.atom").returncode == 0
    for _ in range(2):
        done = r2e("run")
        assert done.returncode == 0, done.stderr
    mails = list(mailbox.Maildir(tmp_path / "mail/in", factory=None))
    subjects = [str(make_header(decode_header(mail["Subject"]))) for mail in mails]
    assert len(mails) == len(HOSTILE) - 1, (subjects, done.stderr)
    assert any("6 ralat" in subject for subject in subjects)


def test_what_expires_is_gone_from_every_feed(worker, publishing):
    region = "61.02"
    made = bulletin(
        regions=[region], title="Sebentar", expiresAt=after(4), event={"startsOn": "2027-01-30"}, alert={"event": "Banjir"})
    publishing.wait(publishing.send(made), "routed")
    forms = ("rss", "atom", "json", "ics", "cap.atom")
    before = {form: worker.get(f"/feeds/{region}.{form}") for form in forms}
    assert all(made["id"].encode() in answer.body for answer in before.values())
    for form in forms:
        gone = eventually(lambda: (answer := worker.get(f"/feeds/{region}.{form}")) and made["id"].encode() not in answer.body and answer)
        assert gone.headers["ETag"] != before[form].headers["ETag"]
        # Who asks by the time alone hears of it too, though no item is newer.
        since = worker.get(f"/feeds/{region}.{form}", headers={"If-Modified-Since": before[form].headers["Last-Modified"]})
        assert since.status == 200
    assert worker.get(f"/bulletins/{identity(made)}/1.cap").status == 404

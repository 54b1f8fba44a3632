"""The mails of the samples and of hard bulletins, read by parsers that the project did not write."""
import base64
import csv
import email
import email.policy
import re
import shutil
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from icalendar import Calendar

from bulletins import SAMPLES, bulletin, identity, samples
from mailcheck import assert_sound, bodies, flat, raw_headers
from oracle import rows as registry
from publishing import Publishing
from scriptedsmtp import EXTENSIONS, ScriptedSMTP
from worker import PROJECT, Worker

REGISTERED = list(csv.DictReader(open(SAMPLES / "publishers.csv", newline="", encoding="utf-8")))
MORE_PUBLISHERS = [row["publisher"] for row in REGISTERED]
SAMPLE = dict(samples())
DOMAIN = "kentongan.example"

# Who gets all that is for the whole country, and what is for Jawa Timur; in three zones, and in two languages.
READERS = {"wib@w.example": "35", "wita@w.example": "73", "wit@w.example": "91", "english@w.example": "73"}
EVERYBODY = "semua@w.example"

TITLES = {
    "200-beyond-ascii": "Pemberitahuan “Ngāti Åland” ḍumbà — " * 5 + "akhir — ✓ — ākhir 12",
    "200-of-four-bytes": "🛕" * 200, "family": "Warga 👨‍👩‍👧‍👦 dan 👩🏽‍🌾 🇮🇩 di desa",
    "right-to-left": "إعلان لأهل القرية: اجتماع يوم السبت",
    "one-long-word": "a" * 200, "long-words": "Pemberitahuan" * 8 + " " + "Musyawarah" * 9, "cjk": "公告：村民大会" * 20,
    "combining": "a\u0301\u0323" * 60, "looks-encoded": "=?utf-8?q?Bcc:=20korban=40w.example?= rapat",
    "half-encoded": "=?utf-8?b?", "quotes": '"Rapat", <desa@w.example>; (catatan) \\ akhir:', "percent": "100% %0d%0aBcc: x %s",
    "spaces": "Dua  spasi   dan    empat", "html": "<b>Tebal</b> & <script>alert(1)</script>", "dot": ".",
    "from": "From kantor Sat Jan 1", "mustache": "{{title}} {{{bodyHTML}}} {{#facts}}", "no-break": "Satu\u00a0dua",
}
BODIES = {
    "60-kb-line": "kata " * 12_000, "60-kb-word": "x" * 60_000, "dots": "Satu\n\n.\n\n..\n\n.dua\n\n...\n", "only-a-dot": ".",
    "from-lines": "Satu\n\nFrom kantor\n\nDua", "empty-lines": "\n\n\n\nSatu\n\n\n\n\n\nDua\n\n\n",
    "table": "| Hari | Jam |\n|---|---|\n| Senin | 08.00 |\n| Selasa | 09.00 |\n",
    "lists": "1. Satu\n2. Dua\n   - a\n   - b\n3. Tiga\n\n> Kutipan\n\n```\nkode <b>\n```\n\n---\n\n# Judul\n## Bawah\n",
    "links": "[situs](https://desa.example/a?b=1&c=\"2\") <https://desa.example/x> ![peta](https://desa.example/p.png) "
             "[jahat](javascript:alert(1)) [data](data:text/html,x) [surat](mailto:desa@w.example)",
    "raw-html": "Satu <script>alert(1)</script> <img src=x onerror=alert(1)> dua\n\n<div onclick=\"x\">tiga</div>\n\nempat",
    "boundary": "--=_kentongan_batas_=\nContent-Type: text/html\n\n<b>x</b>\n--=_kentongan_batas_=--\n",
    "headers": "Subject: lain\nBcc: korban@w.example\n\nIsi", "8-bit": "ñ" * 3000 + "\n" + "🛕 " * 3000, "tabs": "a\tb\tc",
    "entities": "&lt;b&gt; &amp;amp; &#x202e; &copy;", "soft": "satu=20dua=\ntiga==", "emphasis": "**a** *b* " * 300,
    "deep": ">" * 30 + " dalam", "brackets": "[" * 4000,
}
SMUGGLED = {f"{name}-{kind}": f"Satu{end}{tail}" for name, end in {
    "lf-dot-lf": "\n.\n", "cr-dot-cr": "\r.\r", "lf-dot-crlf": "\n.\r\n", "crlf-dot-cr": "\r\n.\r", "crlf-dot-crlf": "\r\n.\r\n",
    "cr-dot-lf": "\r.\n", "lf-dot-cr": "\n.\r", "crlf-dot-lf": "\r\n.\n",
}.items() for kind, tail in {"alone": "Dua", "commands": "MAIL FROM:<jahat@w.example>\r\nRCPT TO:<korban@w.example>\r\nDATA\r\n"
                                                           "Subject: palsu\r\n\r\npalsu\r\n.\r\n"}.items()}
BREAKS = {"cr": "\r", "lf": "\n", "crlf": "\r\n", "nel": "\u0085", "ls": "\u2028", "ps": "\u2029", "vt": "\v", "ff": "\f",
          "nul": "\0", "percent": "%0d%0a", "quoted": "=0D=0A", "encoded": "=?utf-8?q?=0D=0A?=", "entity": "&#13;&#10;",
          "escape": "\\r\\n", "wide": "\u560d\u560a"}


def injected(break_):
    evil = f"Kantor{break_}Bcc: korban@w.example{break_}X-Jahat: ya{break_}{break_}Isi"
    return {
        "title": {"title": evil}, "contact": {"contact": {"name": evil, "phone": evil[:40], "email": "a@desa.example"}},
        "link": {"link": f"https://desa.example/{evil.replace(' ', '')}"},
        "attachment": {"attachments": [{"title": evil, "url": "https://desa.example/a.pdf", "type": "application/pdf"}]},
        "place": {"event": {"name": evil, "startsOn": "2031-01-05", "place": evil}}, "basis": {"legalBasis": [evil]},
        "language": {"language": f"id{break_}Bcc: korban@w.example"},
    }


def private_key(path, key):
    path.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Two keys, and what DNS says of them."""
    folder = tmp_path_factory.mktemp("keys")
    old, new = rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()
    published = {"s1": ("rsa", old.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)),
                 "s2": ("ed25519", new.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))}
    records = {f"{selector}._domainkey.{DOMAIN}.": f"v=DKIM1; k={kind}; p={base64.b64encode(key).decode()}"
               for selector, (kind, key) in published.items()}
    return SimpleNamespace(
        setting=f"s1:{private_key(folder / 'rsa.pem', old)},s2:{private_key(folder / 'ed.pem', new)}", folder=folder,
        dns=lambda name, timeout=5: records.get(name.decode()).encode())


HOSTILE_NAMES = {"35.01": 'Kabupaten "Pacitan", <jahat@w.example>; x', "35.02": "Kabupaten =?utf-8?q?=0D=0ABcc:_x?=",
                 "35.03": "Kabupaten \u2028Bcc: korban@w.example", "35.04": "Kabupaten " + "Panjang" * 30}


@pytest.fixture(scope="module")
def regions(tmp_path_factory):
    """The regions, some of them with names that nobody would give them."""
    folder = tmp_path_factory.mktemp("regions") / "data"
    shutil.copytree(PROJECT / "config/data", folder)
    with open(folder / "regions.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ("code", "name", "level"))
        writer.writeheader()
        writer.writerows(row | {"name": HOSTILE_NAMES.get(row["code"], row["name"])} for row in registry("regions.csv"))
    return folder / "regions.csv"


@pytest.fixture(scope="module")
def relay():
    relay = ScriptedSMTP(offers=EXTENSIONS)
    yield relay
    relay.stop()


@pytest.fixture(scope="module")
def worker(tmp_path_factory, host, relay, keys, regions):
    worker = Worker(tmp_path_factory.mktemp("messages"), host, relay.port, KENTONGAN_MAIL_DKIM=keys.setting,
                    KENTONGAN_DATA_REGIONS=str(regions), KENTONGAN_MAIL_FROM_NAME='Kabar "Desa", <x> ünï')
    try:
        worker.command("store", "migrate")
        for row in REGISTERED:
            worker.command("publishers", "add", row["publisher"], "--name", row["name"], "--amqp-user", row["publisher"],
                           "--kind", row["kinds"], "--region", row["region"],
                           *(["--emergency"] if row["publisher"] == "bpbd.35.08" else []))
        for slug in ("uji", "uji.lain"):
            worker.register(slug, emergency=True)
        worker.subscribe("email", EVERYBODY, ["ID"])
        for address, region in READERS.items():
            worker.subscribe("email", address, [region], reach="upward",
                             language="en" if address.startswith("english") else "id")
        yield worker.start()
        worker.stop()
    finally:
        worker.close()


class Mailed:
    """All that was sent, by what it is about."""

    def __init__(self, worker, relay, host):
        self.worker, self.relay, self.publishing = worker, relay, Publishing(host)
        self.sent = {}

    def publish(self, name, made, completed=True):
        """Sends, and waits until the mails are out; None if it was refused."""
        correlation = self.publishing.send(made)
        self.sent[name] = made
        return correlation if not completed else self.publishing.wait(correlation, "completed", "rejected", timeout=60)

    def mails(self, made, address=None):
        """The mails about a revision, to an address or to all."""
        about = f"{identity(made)}; revision={made.get('revision', 1)}"
        return [m for m in self.relay.messages
                if m.is_taken and address in (None, m.recipients[0]) and m.message["X-Kentongan-Bulletin"] == about]

    def mail(self, made, address=EVERYBODY):
        (found,) = self.mails(made, address)
        return found


@pytest.fixture(scope="module")
def mailed(worker, relay, host):
    """Publishes the samples one after the other and the rest at once; checks nothing."""
    mailed = Mailed(worker, relay, host)
    for name, made in SAMPLE.items():
        mailed.publish(name, made)
    hard = {f"title-{name}": bulletin(title=title, regions=["35.01"]) for name, title in TITLES.items()}
    hard |= {f"body-{name}": bulletin(body=body, regions=["35.02"]) for name, body in BODIES.items()}
    hard |= {f"smuggled-{name}": bulletin(body=body, regions=["35.03"]) for name, body in SMUGGLED.items()}
    hard |= {f"injected-{where}-{name}": bulletin(regions=["35.04"], **members)
             for name, break_ in BREAKS.items() for where, members in injected(break_).items()}
    correlations = {name: mailed.publish(name, made, completed=False) for name, made in hard.items()}
    mailed.receipts = {name: mailed.publishing.wait(correlation, "completed", "rejected", timeout=90)
                       for name, correlation in correlations.items()}
    mailed.refused = {name for name, receipt in mailed.receipts.items() if "rejected" in receipt["type"]}
    return mailed


# All of them.

def test_there_are_mails_of_all_kinds(mailed):
    assert len(mailed.relay.messages) > 100
    assert all(mailed.mails(made) for made in SAMPLE.values())
    refused = {name for name in mailed.refused if not name.startswith(("injected-", "smuggled-"))}
    assert not refused


def test_every_mail_is_sound(mailed):
    for mail in mailed.relay.messages:
        about = mail.message["X-Kentongan-Bulletin"]
        try:
            message = assert_sound(mail)
        except Exception as fault:
            raise AssertionError(f"{about}: {fault!r}") from fault
        assert message["To"].addresses[0].addr_spec == mail.recipients[0]
        (sender,) = message["From"].addresses
        assert (sender.addr_spec, sender.display_name) == (f"kabar@{DOMAIN}", 'Kabar "Desa", <x> ünï')


def test_message_ids_and_return_paths_are_one_a_mail(mailed):
    mails = mailed.relay.messages
    assert len({m.message["Message-ID"] for m in mails}) == len({m.sender for m in mails}) == len(mails)
    assert all(re.fullmatch(rf"kabar\+[a-z0-9-]{{1,58}}@{re.escape(DOMAIN)}", m.sender) for m in mails)


def test_text_and_html_say_the_same(mailed):
    """What a bulletin says beside its body stands in both, and so do its addresses."""
    for name, made in mailed.sent.items():
        for mail in mailed.mails(made, EVERYBODY):
            text, page = bodies(mail.message)
            for word in said(made):
                assert flat(word) in flat(text), (name, word)
                assert flat(word) in flat(page.text), (name, word)
            for url in [made.get("link"), *(a["url"] for a in made.get("attachments", []))]:
                assert not url or (url in text and (url in page.links or url in page.text)), (name, url)


def said(made):
    words = [made["title"], made.get("note"), *made.get("legalBasis", ()), (made.get("event") or {}).get("place"),
             *(a["title"] for a in made.get("attachments", ())), *(made.get("contact") or {}).values(),
             (made.get("alert") or {}).get("instruction"), (made.get("proposal") or {}).get("number")]
    return [word for word in words if word]


def test_both_parts_say_why_it_came_and_how_to_leave(mailed):
    for name, made in SAMPLE.items():
        mail = mailed.mail(made)
        leave = re.search(r"<(http[^>]*)>", mail.message["List-Unsubscribe"]).group(1)
        text, page = bodies(mail.message)
        assert leave in text and leave in page.links, name
        for body in (flat(text), flat(page.text)):
            assert "Anda menerima" in body and "Indonesia" in body and "Berhenti berlangganan" in body, (name, body[-300:])


def test_html_is_for_readers_without_pictures_and_scripts(mailed):
    for mail in mailed.relay.messages:
        _, page = bodies(mail.message)
        assert not {"script", "iframe", "object", "embed", "form", "link", "base"} & set(page.tags)
        assert all(re.match(r"(https?|mailto|tel):|$", link) for link in page.links), page.links
        assert not [name for name, _ in page.attributes if name.startswith("on")]
        assert all(value for tag in ["img"] if tag in page.tags for name, value in page.attributes if name == "alt")


def test_subjects_hold_the_whole_title(mailed):
    for name, title in TITLES.items():
        made = mailed.sent[f"title-{name}"]
        for mail in mailed.mails(made):
            assert mail.message["Subject"] == title, name


def test_bodies_are_whole(mailed):
    for name, words in {"60-kb-word": ["x" * 60_000], "60-kb-line": [flat("kata " * 12_000)], "8-bit": ["ñ" * 3000],
                        "dots": [".", "..", ".dua", "..."], "table": ["Senin", "08.00", "Selasa"],
                        "lists": ["Satu", "Dua", "Tiga", "Kutipan", "kode <b>", "Judul"],
                        "raw-html": ["Satu", "empat"], "links": ["situs", "surat"]}.items():
        text, page = bodies(mailed.mail(mailed.sent[f"body-{name}"]).message)
        for word in words:
            # The text of a long one ends early, and says where the rest is.
            beginning = word if len(text) < 3000 else word[:1000]
            assert word in flat(page.text) and beginning in flat(text), (name, word[:50])
    text, page = bodies(mailed.mail(mailed.sent["body-links"]).message)
    assert "https://desa.example/x" in text and "javascript:" not in " ".join(page.links)


def test_a_chat_can_take_the_text(mailed):
    """Lines that are no longer than what the publisher wrote, no HTML, no runs of empty lines."""
    for name, made in SAMPLE.items():
        text, _ = bodies(mailed.mail(made).message)
        assert "\n\n\n" not in text.replace("\r", "") and not re.search(r"</?[a-z]+[ >]", text), name
        assert len(text) < 4096, name


def test_nul_and_other_controls_are_refused(mailed):
    for name in ("cr", "lf", "crlf", "nel", "nul"):
        assert f"injected-title-{name}" in mailed.refused
    assert all(f"injected-{where}-nul" in mailed.refused for where in injected(""))


# Smuggling and injection, in the bytes as they came.

def test_no_line_end_on_the_wire_but_crlf(mailed):
    for session in mailed.relay.sessions:
        rest = session.raw.replace(b"\r\n", b"")
        assert b"\r" not in rest and b"\n" not in rest and b"\0" not in rest


def test_the_relay_heard_no_command_but_the_workers(mailed):
    verbs = {verb for session in mailed.relay.sessions for verb in session.verbs}
    assert verbs <= {"EHLO", "MAIL", "RCPT", "DATA", "RSET", "QUIT", "NOOP", "BDAT"}
    recipients = {r for m in mailed.relay.messages for r in m.recipients}
    assert recipients == {EVERYBODY, *READERS}
    ends = sum(session.raw.count(b"\r\n.\r\n") for session in mailed.relay.sessions)
    assert ends == len(mailed.relay.messages)


def test_a_smuggled_mail_is_text_of_the_one_that_holds_it(mailed):
    for name in SMUGGLED:
        if f"smuggled-{name}" not in mailed.refused:
            (mail,) = mailed.mails(mailed.sent[f"smuggled-{name}"], EVERYBODY)
            text, page = bodies(mail.message)
            assert ("palsu" in text, "palsu" in page.text) == (name.endswith("commands"),) * 2


def test_a_smuggled_mail_through_a_lenient_reader_is_none_either(mailed):
    """The ends that lenient servers have taken for one (SEC Consult, 2023)."""
    for session in mailed.relay.sessions:
        for end in (b"\n.\n", b"\r.\r", b"\n.\r", b"\r.\n"):
            assert session.raw.replace(b"\r\n.\r\n", b"").count(end) == 0


def test_no_header_was_injected(mailed):
    for name, made in mailed.sent.items():
        for mail in mailed.mails(made):
            names = {n.lower() for n, _ in raw_headers(mail.content)}
            assert not names & {"bcc", "x-jahat", "cc"}, name
            older = email.message_from_bytes(mail.content, policy=email.policy.compat32)
            for message in (mail.message, older):
                assert not message["Bcc"] and not message["X-Jahat"], name


# Threads.

@pytest.fixture(scope="module")
def thread(mailed):
    """An original, its correction and its withdrawal; the last two to a newcomer also."""
    original = bulletin(regions=["35.05"], title="Jadwal air", event={"startsAt": "2031-03-01T08:00:00+07:00"})
    neighbour, newcomer = "tetangga@w.example", "baru@w.example"
    mailed.worker.subscribe("email", neighbour, ["35.05"])
    mailed.publish("asli", original)
    mailed.worker.subscribe("email", newcomer, ["35.05"])
    correction = original | {"revision": 2, "note": "Jam berubah.", "event": {"startsAt": "2031-03-01T10:00:00+07:00"}}
    mailed.publish("ralat", correction)
    withdrawal = {k: v for k, v in original.items() if k != "body"} | {"revision": 3, "status": "withdrawn", "note": "Batal."}
    mailed.publish("tarik", withdrawal)
    return SimpleNamespace(revisions=(original, correction, withdrawal), newcomer=newcomer, readers=(EVERYBODY, neighbour))


def test_a_correction_answers_its_original_at_the_same_reader(mailed, thread):
    for address in thread.readers:
        first, second, third = (mailed.mail(made, address).message for made in thread.revisions)
        assert not first["In-Reply-To"] and not first["References"]
        assert second["In-Reply-To"] == first["Message-ID"] and second["References"].split()[0] == first["Message-ID"]
        assert third["References"].split()[0] == first["Message-ID"]
        assert third["In-Reply-To"] in (first["Message-ID"], second["Message-ID"])
        assert third["References"].split()[-1] == third["In-Reply-To"]


def test_threads_of_two_readers_do_not_meet(mailed, thread):
    """Also of one who did not get the original: an id that is referred to is nobody else's."""
    _, second, third = thread.revisions
    threads = {}
    for address in (*thread.readers, thread.newcomer):
        messages = [mailed.mail(made, address).message for made in (second, third)]
        threads[address] = {i for m in messages for i in (m["References"] or "").split()} | {m["Message-ID"] for m in messages}
    assert sum(map(len, threads.values())) == len(set().union(*threads.values()))


def test_an_answer_refers_to_its_proposal(mailed):
    proposal, answer = (SAMPLE[n] for n in ("10-kim-usulan-sekolah-siaga.json", "11-usulan-diteruskan.json"))
    asked, answered = mailed.mail(proposal).message, mailed.mail(answer).message
    assert answered["In-Reply-To"] == asked["Message-ID"] and asked["Message-ID"] in answered["References"].split()


def test_corrections_and_withdrawals_of_samples_thread(mailed):
    for old, new in (("03-provinsi-buka-tutup-jalan.json", "08-provinsi-ralat-jam-buka.json"),
                     ("05-kota-gangguan-air.json", "09-kota-penarikan.json")):
        assert mailed.mail(SAMPLE[new]).message["In-Reply-To"] == mailed.mail(SAMPLE[old]).message["Message-ID"]


# Languages and times.

@pytest.fixture(scope="module")
def national(mailed):
    made = bulletin(regions=["ID"], title="Uji sirine", event={
        "name": "Uji sirine", "startsAt": "2031-01-10T08:00:00+07:00", "endsAt": "2031-01-10T09:30:00+07:00",
        "place": "Semua desa"}, contact={"name": "Posko", "phone": "+62 21 555", "email": "posko@desa.example"})
    mailed.publish("nasional", made)
    return made


@pytest.mark.parametrize("reader, start, end", [
    ("wib@w.example", "08.00", "09.30 WIB"), ("wita@w.example", "09.00", "10.30 WITA"), ("wit@w.example", "10.00", "11.30 WIT"),
    ("english@w.example", "09:00", "10:30 WITA")])
def test_times_are_those_of_the_readers_region(mailed, national, reader, start, end):
    text, page = bodies(mailed.mail(national, reader).message)
    for body in (flat(text), flat(page.text)):
        assert start in body and end in body, body
        zones = set(re.findall(r"\bWI(?:B|TA|T)\b", body))
        assert zones == {end.split()[1]}


def test_english_readers_get_english_words(mailed, national):
    text, page = bodies(mailed.mail(national, "english@w.example").message)
    indonesian, _ = bodies(mailed.mail(national, "wita@w.example").message)
    for body in (flat(text), flat(page.text)):
        assert "You receive this because" in body and "Unsubscribe" in body and "January 2031" in body
        assert "Anda menerima" not in body and "Berhenti" not in body
    assert "Anda menerima" in indonesian and "Januari 2031" in indonesian


def test_the_list_is_of_region_and_field(mailed, national):
    lists = {reader: mailed.mail(national, reader).message["List-Id"] for reader in (EVERYBODY, *READERS)}
    assert all(f".{region}." in lists[reader] for reader, region in READERS.items()), lists
    assert all(DOMAIN in value for value in lists.values()) and len(set(lists.values())) == 4
    mailed.worker.subscribe("email", "sehat@w.example", ["62.01"], ["kesehatan"])
    made = bulletin(regions=["62.01"], fields=["kesehatan.stunting"])
    mailed.publish("sehat", made)
    assert re.search(r"<kesehatan\.62\.01\.", mailed.mail(made, "sehat@w.example").message["List-Id"])


# Calendars.

def calendar(mail):
    (part,) = [p for p in mail.message.walk() if p.get_content_type() == "text/calendar"]
    assert mail.message.get_content_type() == "multipart/mixed" and part.get_param("charset").lower() == "utf-8"
    raw = part.get_payload(decode=True)
    assert all(len(line) <= 75 for line in raw.split(b"\r\n")) and b"\n" not in raw.replace(b"\r\n", b"")
    read = Calendar.from_ical(raw)
    assert not read.errors and read["VERSION"] == "2.0" and read["PRODID"]
    assert part.get_param("method") == read.get("METHOD") and (part.get_filename() or "").endswith(".ics")
    (event,) = read.walk("VEVENT")
    assert not event.errors and event["DTSTAMP"].dt.utcoffset() == timedelta(0)
    return read, event


def test_a_calendar_comes_with_events_and_with_nothing_else(mailed):
    for name, made in SAMPLE.items():
        types = [p.get_content_type() for p in mailed.mail(made).message.walk()]
        assert types.count("text/calendar") == ("event" in made), name


def test_local_dates_are_dates_and_their_end_is_the_day_after(mailed):
    made = SAMPLE["02-menteri-bulan-penimbangan.json"]
    _, event = calendar(mailed.mail(made))
    first, last = (date.fromisoformat(made["event"][n]) for n in ("startsOn", "endsOn"))
    assert type(event["DTSTART"].dt) is date and event["DTSTART"].dt == first
    assert event["DTEND"].dt == last + timedelta(days=1)
    assert event["SUMMARY"] == made["event"]["name"]


def test_times_are_the_same_instants(mailed, national):
    for made, reader in ((national, "wit@w.example"), (SAMPLE["06-desa-musyawarah.json"], EVERYBODY)):
        _, event = calendar(mailed.mail(made, reader))
        assert event["DTSTART"].dt.timestamp() == datetime.fromisoformat(made["event"]["startsAt"]).timestamp()
        assert event["DTEND"].dt.timestamp() == datetime.fromisoformat(made["event"]["endsAt"]).timestamp()
        assert event["LOCATION"] == made["event"]["place"] and event["DTSTART"].dt.tzinfo


def test_a_calendar_entry_lives_as_its_bulletin(mailed, thread):
    for address in thread.readers:
        read = [calendar(mailed.mail(made, address)) for made in thread.revisions]
        events = [event for _, event in read]
        assert len({str(event["UID"]) for event in events}) == 1
        numbers = [int(event.get("SEQUENCE", 0)) for event in events]
        assert numbers == sorted(set(numbers)), numbers
        starts = [event["DTSTART"].dt.timestamp() for event in events[:2]]
        assert starts[1] - starts[0] == 7200
        assert [str(event.get("STATUS", "CONFIRMED")) for event in events] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
        assert events[0]["SUMMARY"] == thread.revisions[0]["title"]


@pytest.fixture(scope="module")
def odd_events(mailed):
    events = {
        "comma": {"name": "Rapat, kerja; bakti: \\ \"gotong\"\u00a0royong 🛕 " + "panjang " * 15 + "sekali",
                  "startsOn": "2031-02-27", "place": "Balai, RT 1; RW 2"},
        "one-day": {"startsOn": "2031-02-28", "endsOn": "2031-02-28"},
        "new-year": {"startsAt": "2031-12-31T23:30:00+07:00", "endsAt": "2032-01-01T00:30:00+07:00"},
        "moment": {"startsAt": "2031-02-28T08:00:00+09:00"},
        "injected": {"name": "Rapat\\nEND:VEVENT BEGIN:VALARM", "startsOn": "2031-03-01", "place": "\\nEND:VCALENDAR"},
    }
    made = {name: bulletin(regions=["35.06"], event=event) for name, event in events.items()}
    for name, one in made.items():
        mailed.publish(f"acara-{name}", one)
    return made


def test_odd_events(mailed, odd_events):
    for name, made in odd_events.items():
        if not mailed.mails(made):
            assert name == "injected"
            continue
        _, event = calendar(mailed.mail(made))
        said = made["event"]
        assert event["SUMMARY"] == said.get("name", made["title"]) or name == "injected", name
        assert "place" not in said or event["LOCATION"] == said["place"], name
    _, event = calendar(mailed.mail(odd_events["one-day"]))
    # Without an end, it is the one day (RFC 5545 section 3.6.1).
    assert event["DTSTART"].dt == date(2031, 2, 28)
    assert "DTEND" not in event or event["DTEND"].dt == date(2031, 3, 1)


# DKIM.

def signatures(content):
    return [dict(tag.strip().split("=", 1) for tag in re.sub(r"\r\n[ \t]+", " ", value).split(";") if tag.strip())
            for name, value in raw_headers(content) if name.lower() == "dkim-signature"]


def verified(content, keys):
    """What dkimpy says of each signature."""
    def verify(index):
        try:
            return dkim.DKIM(content).verify(idx=index, dnsfunc=keys.dns)
        except dkim.DKIMException:
            return False

    return [verify(index) for index in range(len(signatures(content)))]


def test_every_mail_bears_both_signatures(mailed, keys):
    for mail in mailed.relay.messages:
        about = mail.message["X-Kentongan-Bulletin"]
        tags = signatures(mail.content)
        assert {(t["s"], t["a"]) for t in tags} == {("s1", "rsa-sha256"), ("s2", "ed25519-sha256")}, about
        assert all(t["d"] == DOMAIN and "l" not in t for t in tags)
        assert verified(mail.content, keys) == [True, True], about


def test_signatures_cover_what_receivers_look_at(mailed):
    for tags in signatures(mailed.relay.messages[0].content):
        signed = [name.strip().lower() for name in tags["h"].split(":")]
        assert set(signed) >= {"from", "to", "subject", "date", "message-id", "mime-version", "content-type", "list-id",
                               "list-unsubscribe", "list-unsubscribe-post", "auto-submitted"}
        # One more than there are, so that none can be added (RFC 6376 section 8.15).
        assert all(signed.count(name) == 2 for name in ("from", "subject", "to", "date")), signed
        assert "simple" not in tags["c"].split("/")[0]


def changed_headers(content):
    for name in ("From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "Content-Type"):
        yield name, re.sub(rb"(?m)^(%s: )" % name.encode(), rb"\1x", content, count=1)
    for name in ("From", "Subject", "To", "Date"):
        yield f"{name} added", name.encode() + b": jahat@w.example\r\n" + content


def test_what_is_changed_no_longer_verifies(mailed, keys):
    content = mailed.mail(SAMPLE["06-desa-musyawarah.json"]).content
    head, _, body = content.partition(b"\r\n\r\n")
    middle = len(body) // 2
    other = b"x" if body[middle:middle + 1] != b"x" else b"y"
    changes = {"a byte": body[:middle] + other + body[middle + 1:], "a line more": body + b"x\r\n", "cut": body[:middle]}
    for name, other in changes.items():
        assert not any(verified(head + b"\r\n\r\n" + other, keys)), name
    for name, other in changed_headers(content):
        assert other != content and not any(verified(other, keys)), name


def test_what_relays_may_change_still_verifies(mailed, keys):
    """Trace headers above, spaces in the header (relaxed canonicalization), empty lines at the end."""
    content = mailed.mail(SAMPLE["06-desa-musyawarah.json"]).content
    assert verified(b"Received: from a by b; Sat, 1 Jan 2028 00:00:00 +0000\r\n" + content, keys) == [True, True]
    assert verified(content.replace(b"\r\nSubject: ", b"\r\nSubject:   ", 1), keys) == [True, True]
    assert verified(content + b"\r\n\r\n", keys) == [True, True]


BAD_KEYS = {"missing": None, "no-pem": b"hello", "public": "public", "small": 1024,
            "certificate": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}


@pytest.mark.parametrize("what", BAD_KEYS)
def test_a_key_that_cannot_sign_is_a_configuration_error(mailed, tmp_path, what):
    path = tmp_path / "kunci.pem"
    if what == "small":
        private_key(path, rsa.generate_private_key(65537, 1024))
    elif what == "public":
        key = ed25519.Ed25519PrivateKey.generate().public_key()
        path.write_bytes(key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    elif what != "missing":
        path.write_bytes(BAD_KEYS[what])
    if path.exists():
        path.chmod(0o600)
    done = mailed.worker.command("check", KENTONGAN_MAIL_DKIM=f"s1:{path}", expect=78)
    assert "mail.dkim" in done.stderr and "kunci.pem" in done.stderr


def test_a_key_that_others_can_read_is_refused(mailed, keys):
    path = private_key(keys.folder / "terbuka.pem", ed25519.Ed25519PrivateKey.generate())
    path.chmod(0o644)
    done = mailed.worker.command("check", KENTONGAN_MAIL_DKIM=f"s1:{path}", expect=78)
    assert "mail.dkim" in done.stderr


@pytest.mark.parametrize("setting", ["s1", ":/tmp/x.pem", "s 1:/tmp/x.pem", "s1;x:/tmp/x.pem"])
def test_a_setting_without_a_selector_is_a_configuration_error(mailed, setting):
    done = mailed.worker.command("check", KENTONGAN_MAIL_DKIM=setting, expect=78)
    assert "mail.dkim" in done.stderr

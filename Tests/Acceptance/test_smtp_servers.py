"""Real mail servers: Postfix as the relay, with TLS, login and bounces that come back by its pipe and by LMTP; Exim."""
import email
import email.policy
import re
import shutil
import smtplib
import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest

from bounces import BOUNCES, fill
from broker import free_port
from bulletins import bulletin
from certificates import Authority
from deliveries import row
from exim import Exim
from mailcheck import assert_lines, parsed
from postfix import Postfix
from publishing import Publishing
from waiting import eventually
from worker import BINARY, Worker

USER, PASSWORD = "kantor", "s3cret/sandi+1"
LMTP_PORT = free_port()


@pytest.fixture(scope="module")
def open_folder():
    """One that other users may enter, which pytest's may not be: mail servers give up root."""
    folder = Path(tempfile.mkdtemp(prefix="kentongan-mail-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def authority(open_folder):
    return Authority(open_folder, "otoritas")


@pytest.fixture(scope="module")
def postfix(open_folder, authority):
    (open_folder / "postfix").mkdir()
    postfix = Postfix(open_folder / "postfix", *authority.issue("localhost", "DNS:localhost"))
    postfix.add_user(USER, PASSWORD)
    try:
        yield postfix.start()
    finally:
        postfix.stop()


class NobodysWorker(Worker):
    """A worker of the user nobody, as Postfix runs no pipe as root, and both need the store."""

    def __init__(self, folder, *arguments, **settings):
        super().__init__(folder, *arguments, **settings)
        shutil.chown(folder, "nobody")
        shutil.copy(BINARY, folder / "kentongan")
        self.binary = folder / "as-nobody"
        self.binary.write_text(f'#!/bin/sh\nexec setpriv --reuid nobody --regid nogroup --clear-groups {folder}/kentongan "$@"\n')
        self.binary.chmod(0o755)

    def write_pipe(self, path):
        """What Postfix runs for what comes back."""
        settings = [f"export {name}={value!r}" for name, value in self.environment.items() if name.startswith("KENTONGAN_")]
        path.write_text("\n".join(["#!/bin/sh", *settings, f'exec {self.folder}/kentongan bounce "$@"', ""]))
        path.chmod(0o755)


def url(postfix, authority, more=""):
    login = f"{quote(f'{USER}@mx.lokal.example', safe='')}:{quote(PASSWORD, safe='')}"
    return f"smtp://{login}@localhost:{postfix.port}?starttls=required&cacertfile={authority.certificate}{more}"


@pytest.fixture(scope="module")
def worker(open_folder, host, postfix, authority):
    worker = NobodysWorker(
        open_folder / "worker", host, 0, KENTONGAN_SMTP_URL=url(postfix, authority), KENTONGAN_SMTP_RETRY="1,1",
        KENTONGAN_MAIL_BOUNCES_LISTEN=f"127.0.0.1:{LMTP_PORT}")
    try:
        worker.write_pipe(postfix.folder / "bounce")
        worker.command("store", "migrate")
        worker.register("uji", emergency=True)
        yield worker.start()
        worker.stop()
    finally:
        worker.close()


@pytest.fixture(scope="module")
def publishing(worker, host):
    return Publishing(host)


def to(postfix, address):
    """The mails in the mailbox that came for an address, parsed."""
    found = [email.message_from_bytes(m, policy=email.policy.default) for m in postfix.mails()]
    return [m for m in found if m["X-Original-To"] == address]


def deliver(worker, publishing, address, region, **members):
    """To somebody who subscribes now; (bulletin, delivery, correlation)."""
    worker.subscribe("email", address, [region])
    sent = bulletin(regions=[region], **members)
    correlation = publishing.send(sent)
    publishing.wait(correlation, "completed")
    return sent, row(worker, sent), correlation


def test_postfix_takes_a_mail_over_tls_with_a_login(worker, publishing, postfix):
    sent, told, _ = deliver(
        worker, publishing, "ada@lokal.example", "35.01", title="Kabar “Ālun” 🛕", body="Isi\n\n.\n\n.dua")
    assert (told["state"], str(told["code"])) == ("delivered", "250") and "2.0.0" in told["detail"]
    (mail,) = eventually(lambda: to(postfix, "ada@lokal.example"))
    trace = " ".join(mail["Received"].split())
    # A and S: logged in, over TLS (RFC 3848).
    assert "ESMTPSA" in trace and "TLSv1." in trace
    assert sent["title"] in mail["Subject"] and re.search(r"\+b\d+-", mail["Return-Path"])
    assert "\n.\n" in mail.get_body(("plain",)).get_content().replace("\r\n", "\n")


def test_the_strongest_login_was_used(worker, publishing, postfix):
    assert set(re.findall(r"sasl_method=(\S+),", postfix.log())) == {"SCRAM-SHA-256"}


def test_what_postfix_keeps_is_what_was_sent(worker, publishing, postfix):
    """Byte by byte but for what it puts before: nothing was wrapped, re-encoded or unstuffed wrongly."""
    deliver(worker, publishing, "ada.panjang@lokal.example", "35.02", body="kata " * 3000 + "\n\n.\n..\n" + "x" * 5000)
    eventually(lambda: to(postfix, "ada.panjang@lokal.example"))
    (kept,) = [m for m in postfix.mails() if b"X-Original-To: ada.panjang" in m]
    content = kept[kept.index(b"\nFrom: ") + 1:].replace(b"\n", b"\r\n")
    assert_lines(content)
    text = parsed(content).get_body(("html",)).get_content()
    assert "x" * 5000 in text and "kata " * 2000 in text


def test_a_hundred_mails_on_a_few_connections(worker, publishing, postfix):
    addresses = [f"ada{number}@lokal.example" for number in range(100)]
    path = postfix.folder / "seratus.csv"
    path.write_text("channel,address,region,field\n" + "".join(f"email,{a},35.03,*\n" for a in addresses))
    worker.command("subscriptions", "import", path)
    before = len(re.findall(r": connect from", postfix.log()))
    sent = bulletin(regions=["35.03"])
    assert publishing.wait(publishing.send(sent), "completed", timeout=60)["data"]["delivered"] == 100

    def kept():
        return sorted(a.decode() for m in postfix.mails() for a in re.findall(rb"(?m)^X-Original-To: (ada\d+@.*)$", m))

    eventually(lambda: kept() == sorted(addresses), every=0.5, timeout=40, what=kept)
    assert len(re.findall(r": connect from", postfix.log())) - before <= 8


def test_a_login_that_is_wrong_is_the_relays_trouble(worker, postfix, authority):
    wrong = url(postfix, authority).replace("s3cret", "salah")
    done = worker.command("check", expect=1, KENTONGAN_SMTP_URL=wrong)
    line = next(line for line in done.stdout.splitlines() if line.split()[1] == "relay")
    assert line.startswith("FAILED") and "535" in line and "sandi" not in done.stdout + done.stderr


@pytest.mark.parametrize("mechanism, name", [("plain", "PLAIN"), ("login", "LOGIN"), ("scram-sha-256", "SCRAM-SHA-256")])
def test_each_login_against_cyrus(worker, postfix, authority, mechanism, name):
    done = worker.command("check", KENTONGAN_SMTP_URL=url(postfix, authority, f"&auth={mechanism}"))
    assert next(line for line in done.stdout.splitlines() if line.split()[1] == "relay").startswith("ok")


def test_a_certificate_of_another_authority_is_refused(worker, postfix, authority, tmp_path):
    other = Authority(postfix.folder, "lain")
    done = worker.command("check", expect=1, KENTONGAN_SMTP_URL=url(postfix, other))
    assert next(line for line in done.stdout.splitlines() if line.split()[1] == "relay").startswith("FAILED")


@pytest.mark.parametrize("way, region, transport", [
    ("pipe", "35.04", "bounces:"), ("lmtp", "35.05", f"lmtp:inet:127.0.0.1:{LMTP_PORT}")], ids=["pipe", "lmtp"])
def test_a_bounce_comes_back(worker, publishing, postfix, way, region, transport):
    """Postfix accepts, finds nobody, and sends a report to the return path, which it routes to the worker."""
    postfix.route(transport)
    address = f"tiada.{way}@lokal.example"
    sent, told, correlation = deliver(worker, publishing, address, region)
    told = eventually(lambda: (r := row(worker, sent))["state"] == "bounced" and r, timeout=30, every=0.5,
                      what=lambda: postfix.log()[-3000:])
    assert str(told["code"]) == "5.1.1" and told["detail"], told
    assert [r["why"] for r in worker.listing("suppressions", "list") if r["address"] == address] == [
        "bounced: 5.1.1, the mailbox does not exist"]
    receipt = publishing.wait(correlation, "delivery-failed")
    assert receipt["data"]["state"] == "bounced" and receipt["data"]["code"] == "5.1.1"
    # Nothing is left, and nothing was answered with a bounce of the bounce.
    eventually(lambda: not postfix.queue(), what=postfix.queue)
    later = bulletin(regions=[region])
    publishing.wait(publishing.send(later), "completed")
    assert row(worker, later)["state"] == "suppressed"


def test_reports_wait_in_postfix_while_the_worker_is_down(worker, publishing, postfix):
    postfix.route(f"lmtp:inet:127.0.0.1:{LMTP_PORT}")
    sent, _, _ = deliver(worker, publishing, "ada.kembali@lokal.example", "35.06")
    (mail,) = eventually(lambda: to(postfix, "ada.kembali@lokal.example"))
    path = mail["Return-Path"].strip("<>")
    worker.stop()
    submit(postfix, path, fill((BOUNCES / "postfix-unknown-user.eml").read_bytes(), path, mail["To"], mail["Message-ID"]))
    eventually(lambda: "status=deferred" in postfix.log(), what=postfix.log)
    worker.start()
    postfix.flush()
    eventually(lambda: row(worker, sent)["state"] == "bounced", every=0.5, timeout=30, what=lambda: postfix.log()[-3000:])


def submit(postfix, recipient, content):
    with smtplib.SMTP("127.0.0.1", postfix.port, local_hostname="uji.example") as client:
        client.starttls()
        client.login(f"{USER}@mx.lokal.example", PASSWORD)
        client.sendmail("", [recipient], content)


def test_reports_to_forged_return_paths_are_refused_by_lmtp(worker, postfix):
    postfix.route(f"lmtp:inet:127.0.0.1:{LMTP_PORT}")
    forged = "kabar+b1-0000000000000000@kentongan.example"
    submit(postfix, forged, b"Subject: x\r\n\r\nx\r\n")
    eventually(lambda: re.search(rf"to=<{re.escape(forged)}>.*dsn=5\.", postfix.log()), what=lambda: postfix.log()[-2000:])


# Exim.

@pytest.fixture(scope="module")
def exim(open_folder, authority):
    (open_folder / "exim").mkdir()
    exim = Exim(open_folder / "exim", *authority.issue("exim", "DNS:localhost"))
    try:
        yield exim.start()
    finally:
        exim.stop()


def test_exim_takes_mails_over_tls(tmp_path_factory, broker, exim, authority):
    host = broker.add_host("exim", ["uji"])
    worker = Worker(tmp_path_factory.mktemp("exim"), host, 0, KENTONGAN_SMTP_RETRY="1,1",
                    KENTONGAN_SMTP_URL=f"smtp://localhost:{exim.port}?starttls=required&cacertfile={authority.certificate}")
    try:
        worker.command("store", "migrate")
        worker.register("uji")
        subscribers = "".join(f"email,{name}@exim.example,35.01,*\n" for name in ["tiada", *(f"ada{n}" for n in range(20))])
        (worker.folder / "exim.csv").write_text("channel,address,region,field\n" + subscribers)
        worker.command("subscriptions", "import", worker.folder / "exim.csv")
        worker.start()
        publishing = Publishing(host)
        sent = bulletin(regions=["35.01"], body="Isi\n\n.\n\n.dua " + "panjang " * 2000)
        done = publishing.wait(publishing.send(sent), "completed")["data"]
        assert (done["delivered"], done["failed"]) == (20, 1)
        states = {r["endpoint"]: r for r in worker.listing("deliveries", "list")}
        assert str(states["tiada@exim.example"]["code"]) == "550"
        mails = eventually(lambda: len(m := exim.mails()) == 20 and m)
        for content in mails:
            message = parsed(re.sub(rb"\r?\n", b"\r\n", content))
            assert "panjang panjang" in message.get_body(("html",)).get_content()
        worker.stop()
    finally:
        worker.close()
        host.close()

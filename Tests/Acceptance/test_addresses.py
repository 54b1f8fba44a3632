"""Addresses as people type them: one grammar, one endpoint per address, and no webhook that could never be reached."""
import smtplib

import pytest

from broker import free_port
from bulletins import bulletin
from deliveries import row
from waiting import eventually

LMTP_PORT = free_port()
LEAVE = "berhenti@desa.example"
SETTINGS = {"KENTONGAN_MAIL_FROM": "kabar@desa.example", "KENTONGAN_MAIL_VERP": "false",
            "KENTONGAN_MAIL_UNSUBSCRIBE": LEAVE, "KENTONGAN_MAIL_BOUNCES_LISTEN": f"127.0.0.1:{LMTP_PORT}"}
HEADER = "channel,address,region,field\n"


def addresses(program):
    return sorted({row["address"] for row in program.listing("subscriptions", "list")})


@pytest.mark.parametrize("address, word", [
    ("a..b@x.example", "dot"), (".a@x.example", "dot"), ("ok@x_y.example", "host name"), ("ok@-x.example", "host name"),
    ("ok@localhost", "no dot"), ("ok@192.0.2.1", "number"), ('"a b"@x.example', "plain name"), ("a" * 65 + "@x.example", "64"),
    ("ok@" + "b" * 64 + ".example", "host name"), ("ok@désa_x.example", "IDNA")])
def test_an_address_that_no_relay_takes_is_refused_everywhere(program, tmp_path, address, word):
    table = tmp_path / "daftar.csv"
    table.write_text(HEADER + 'email,"' + address.replace('"', '""') + '",73,*\n')
    for command in (["subscriptions", "add", "--email", address, "--region", "73"], ["subscriptions", "import", table],
                    ["suppressions", "add", address],
                    ["subscriptions", "add", "--feed", "--region", "73", "--owner", address]):
        assert word in program.command(*command, expect=2).stderr or "--owner" in command, command
    assert not program.listing("subscriptions", "list")


def test_two_spellings_are_one_endpoint_on_every_path(program, tmp_path):
    program.subscribe("email", "Pak.RT@Dusun.Example", ["73"])
    (second,) = program.subscribe("email", "pak.rt@dusun.example", ["73.71"])
    assert second["address"] == "Pak.RT@dusun.example", "mail goes to the spelling that came first"
    table = tmp_path / "daftar.csv"
    table.write_text(HEADER + "email,PAK.RT@DUSUN.EXAMPLE,73|73.71|11,*\n")
    assert "1 subscription made, 0 changed, 2 there already" in program.command("subscriptions", "import", table).stdout
    assert addresses(program) == ["Pak.RT@dusun.example"]
    exported = program.command("subscriptions", "export").stdout
    table.write_text(exported)
    assert "0 subscriptions made, 0 changed, 3 there" in program.command("subscriptions", "import", table).stdout
    program.command("suppressions", "add", "PAK.rt@dusun.EXAMPLE")
    program.command("suppressions", "remove", "pak.RT@Dusun.example")
    assert "each address has one endpoint" in program.command("subscriptions", "doubles").stdout
    program.command("subscribers", "erase", "pak.rt@DUSUN.example")
    assert addresses(program) == []


def test_an_internationalised_domain_is_one_with_its_ascii(program):
    program.subscribe("email", "budi@désa.example", ["73"])
    program.subscribe("email", "budi@DÉSA.example", ["11"])
    program.subscribe("email", "Budi@xn--dsa-bma.example", ["35"])
    assert addresses(program) == ["budi@xn--dsa-bma.example"]
    program.command("suppressions", "add", "budi@désa.example")
    assert [row["address"] for row in program.listing("suppressions", "list")] == ["budi@xn--dsa-bma.example"]


@pytest.mark.parametrize("spelling", [
    "HTTPS://Dusun.Example/hook", "https://dusun.example:443/hook", "https://dusun.example/hook#a",
    "https://dusun.example/%68ook", "https://dusun.example/a/../hook"])
def test_spellings_of_a_url_are_one_webhook(program, spelling):
    program.subscribe("webhook", "https://dusun.example/hook", ["73"])
    (second,) = program.subscribe("webhook", spelling, ["11"])
    assert second["address"] == "https://dusun.example/hook" and "secret" not in second
    program.command("subscribers", "erase", spelling)
    assert addresses(program) == []


@pytest.mark.parametrize("url, word", [
    ("https://10.0.0.1/", "private"), ("http://127.0.0.1:8080/", "loopback"), ("https://localhost/", "this machine"),
    ("http://dusun.example/", "https"), ("https://dusun.example:8443/", "port 8443"), ("https://[fd00::1]/", "IPv6")])
def test_a_webhook_that_can_never_be_reached_is_refused_with_the_setting(program, tmp_path, url, word):
    table = tmp_path / "daftar.csv"
    table.write_text(HEADER + f"webhook,{url},73,*\n")
    for command in (["add", "--webhook", url, "--region", "73"], ["import", table]):
        told = program.command("subscriptions", *command, expect=2).stderr
        assert word in told and "webhooks.allow" in told
    everything = {"KENTONGAN_WEBHOOKS_ALLOW": "0.0.0.0/0,::/0"}
    program.command("subscriptions", "import", table, **everything)


# Relays that take no sender but the one that logged in, and programs that unsubscribe by mail.

def delivered(worker, publishing, mail, name):
    worker.subscribe("email", f"{name}@w.example", ["73.08"], kind="announcement")
    sent = bulletin(regions=["73.08"])
    publishing.wait(publishing.send(sent), "completed")
    return sent, mail.to(f"{name}@w.example")[-1]


def lmtp(content, recipient):
    with smtplib.LMTP("127.0.0.1", LMTP_PORT, timeout=30) as client:
        client.sendmail("", [recipient], content)


def test_a_mail_unsubscribes_beside_the_link(worker, publishing, mail):
    _, got = delivered(worker, publishing, mail, "surat")
    header = got.message["List-Unsubscribe"]
    assert header.startswith("<http") and f"<mailto:{LEAVE}?subject=unsubscribe%20" in header
    token = header.split("subject=unsubscribe%20")[1].rstrip(">")
    lmtp(f"From: surat@w.example\r\nTo: {LEAVE}\r\nSubject: unsubscribe {token}\r\n\r\n".encode(), LEAVE)
    assert "surat@w.example" not in addresses(worker)
    done = worker.command("bounce", stdin=f"Subject: unsubscribe {token}\n\n".encode())
    assert "ended" in done.stdout
    worker.command("bounce", stdin=f"Subject: unsubscribe {'A' * 43}\n\n".encode(), expect=2)


def test_without_return_paths_a_bounce_is_known_by_what_it_returns(worker, publishing, mail):
    sent, got = delivered(worker, publishing, mail, "tolak")
    assert got.sender == "kabar@desa.example"
    mark = got.message["X-Kentongan-Delivery"]
    report = (
        "From: MAILER-DAEMON@mx.example\r\nTo: kabar@desa.example\r\nSubject: Undelivered Mail\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n'
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        "Final-Recipient: rfc822; Tolak@W.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n"
        "Content-Type: text/rfc822-headers\r\n\r\nSubject: Kabar\r\nX-Kentongan-Delivery: {}\r\n\r\n--b--\r\n")
    number = row(worker, sent)["id"]
    forged = f"b{number}-{'0' * 16}"
    lmtp(report.format(forged).encode(), "kabar@desa.example")
    assert row(worker, sent)["state"] == "delivered"
    lmtp(report.format(mark).encode(), "kabar@desa.example")
    eventually(lambda: row(worker, sent)["state"] == "bounced", timeout=20, every=0.5)
    assert "tolak@w.example" in [found["address"] for found in worker.listing("suppressions", "list")]

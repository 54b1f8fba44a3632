"""The tests' own servers, with standard clients: what they record is what was sent."""
import smtplib
import urllib.error
import urllib.request
from datetime import datetime, timezone
from email.message import EmailMessage

import pika
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from flood import flood
from publishing import INTAKE, Publishing
from scriptedsmtp import DROP, ScriptedSMTP

SECRET = "whsec_" + "QUJD" * 8


def test_the_mail_server_keeps_mails_and_answers_as_told(mail):
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Halo", "a@a.example", "b@b.example"
    message.set_content("Isi")
    mail.at_recipient["tolak@b.example"] = lambda tries: "550 5.1.1 tidak ada"
    mail.at_data["nanti@b.example"] = lambda tries: "451 4.3.0 nanti" if tries == 0 else "250 OK"
    with smtplib.SMTP("127.0.0.1", mail.port) as client:
        refused = client.sendmail("a@a.example", ["b@b.example", "tolak@b.example"], message.as_bytes())
        with pytest.raises(smtplib.SMTPDataError):
            client.sendmail("a@a.example", ["nanti@b.example"], message.as_bytes())
        client.sendmail("a@a.example", ["nanti@b.example"], message.as_bytes())
    assert refused == {"tolak@b.example": (550, b"5.1.1 tidak ada")}
    assert [m.message["Subject"] for m in mail.to("b@b.example")] == ["Halo"]
    assert len(mail.to("nanti@b.example")) == 1 and not mail.to("tolak@b.example")


def test_the_scripted_mail_server_says_what_it_is_told_and_keeps_every_byte():
    relay = ScriptedSMTP()
    try:
        relay.next("content", "451 4.3.0 nanti")
        relay.at_recipient["tolak@b.example"] = "550 5.1.1 tidak ada"
        with smtplib.SMTP("127.0.0.1", relay.port) as client:
            with pytest.raises(smtplib.SMTPDataError):
                client.sendmail("a@a.example", ["b@b.example"], b"Subject: satu\r\n\r\n.\r\n")
            refused = client.sendmail("a@a.example", ["b@b.example", "tolak@b.example"], b"Subject: dua\r\n\r\n.\r\n")
        assert list(refused) == ["tolak@b.example"] and len(relay.tries("b@b.example")) == 2
        (taken,) = relay.to("b@b.example")
        assert (taken.sender, taken.wire, taken.content) == (
            "a@a.example", b"Subject: dua\r\n\r\n..\r\n", b"Subject: dua\r\n\r\n.\r\n")
        assert relay.sessions[0].raw.endswith(b"\r\n..\r\n.\r\nQUIT\r\n") and "MAIL" in relay.sessions[0].verbs
        relay.next("greeting", ("421 4.3.2 nanti", DROP))
        with pytest.raises(smtplib.SMTPConnectError):
            smtplib.SMTP("127.0.0.1", relay.port)
    finally:
        relay.stop()


def test_the_webhook_server_keeps_requests_and_answers_as_told(hooks):
    hooks.answers["/a"] = lambda tries: (500, {"Retry-After": "1"}) if tries == 0 else 204
    body, now = b'{"type":"x"}', datetime.now(timezone.utc)
    headers = {"webhook-id": "m1", "webhook-timestamp": str(int(now.timestamp())),
               "webhook-signature": Webhook(SECRET).sign("m1", now, body.decode())}
    with pytest.raises(urllib.error.HTTPError, match="500"):
        urllib.request.urlopen(urllib.request.Request(hooks.url + "/a", body, headers))
    urllib.request.urlopen(urllib.request.Request(hooks.url + "/a", body, headers))
    assert [hook.status for hook in hooks.at("/a")] == [500, 204] and len(hooks.taken("/a")) == 1
    hooks.at("/a")[1].verify(SECRET)
    with pytest.raises(WebhookVerificationError):
        hooks.at("/a")[1].verify("whsec_" + "QUJE" * 8)


def test_the_broker_confirms_and_checks_the_user(host):
    host.channel().exchange_declare(INTAKE, "topic", durable=True)
    host.channel().queue_declare("uji.antre", durable=True, arguments={"x-queue-type": "quorum"})
    host.channel().queue_bind("uji.antre", INTAKE, "announcement.#")
    publishing = Publishing(host)
    bodies = ({"n": n} for n in range(2000))
    assert flood(host, "uji", bodies, key="announcement.uji", on_confirm=lambda _: None) == 2000
    assert host.depth("uji.antre") == 2000
    with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="user_id"):
        publishing.send(b"{}", user="uji", key="announcement.uji", user_id="uji.lain")
    with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="access"):
        host.channel("uji.lain").basic_get("uji.antre")

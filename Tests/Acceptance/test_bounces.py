"""What comes back to return paths, through `kentongan bounce` and by LMTP: reports as mail servers write them, complaints,
answers of people, and what somebody made up."""
import json
import smtplib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from bounces import about, corpus, fill, forged
from broker import free_port
from bulletins import identity
from mailpost import Post
from publishing import Publishing
from scriptedsmtp import ScriptedSMTP
from waiting import eventually
from worker import Worker

CORPUS = corpus()
LMTP_PORT = free_port()
WAYS = ("pipe", "lmtp")
UNKNOWN_USER = "postfix-unknown-user.eml"


@pytest.fixture(scope="module")
def relay():
    relay = ScriptedSMTP()
    yield relay
    relay.stop()


@pytest.fixture(scope="module")
def worker(tmp_path_factory, host, relay):
    worker = Worker(tmp_path_factory.mktemp("bounces"), host, relay.port, KENTONGAN_SMTP_RETRY="2,2,2",
                    KENTONGAN_MAIL_BOUNCES_LISTEN=f"127.0.0.1:{LMTP_PORT}")
    try:
        worker.command("store", "migrate")
        worker.register("uji", emergency=True)
        yield worker.start()
        worker.stop()
    finally:
        worker.close()


class Returned:
    """Mails that were delivered, and what comes back of them."""

    def __init__(self, worker, relay, publishing):
        self.worker, self.relay, self.publishing = worker, relay, publishing
        self.post = Post(worker, publishing)
        self.outputs = {}

    def deliver(self, count=1):
        """A bulletin to so many people; (bulletin, their mails)."""
        places = [self.post.place() for _ in range(count)]
        sent = self.post.send([region for region, _ in places])
        self.post.completed(timeout=60)
        return sent, [self.relay.to(address)[-1] for _, address in places]

    def pipe(self, content, recipient=None, expect=0, **environment):
        return self.worker.command(
            "bounce", *(["--recipient", recipient] if recipient else []), stdin=content, expect=expect, **environment)

    def lmtp(self, content, *recipients, sender=""):
        """The replies to the recipients, or to the content for each of those that were accepted."""
        with smtplib.LMTP("127.0.0.1", LMTP_PORT, timeout=30) as client:
            client.ehlo_or_helo_if_needed()
            client.mail(sender)
            replies = [client.rcpt(recipient) for recipient in recipients]
            accepted = [n for n, (code, _) in enumerate(replies) if code == 250]
            if accepted:
                replies[accepted[0]] = client.data(content)
                for number in accepted[1:]:
                    replies[number] = client.getreply()
            return [code for code, _ in replies]

    def state(self, sent):
        return {address: row for address, row in self.post.states(sent).items()}

    def suppressed(self):
        return {row["address"]: row["why"] for row in self.worker.listing("suppressions", "list")}

    def receipts(self, correlation):
        self.publishing.collect()
        return [receipt["data"] for event, receipt in self.publishing.receipts[correlation] if event == "delivery-failed"]

    def bounced(self, sent, mail):
        return self.state(sent)[mail.recipients[0]]["state"] == "bounced"


@pytest.fixture(scope="module")
def returned(worker, relay, host):
    return Returned(worker, relay, Publishing(host))


# The corpus, by both ways.

@pytest.fixture(scope="module")
def run(returned):
    """Each report about a mail of its own; checks nothing."""
    results = {}
    for way in WAYS:
        sent, mails = returned.deliver(len(CORPUS))
        correlation = returned.post.last
        reports = [(expected["file"], mail, about(expected["file"], mail)) for expected, mail in zip(CORPUS, mails)]
        if way == "pipe":
            with ThreadPoolExecutor(2) as pool:
                ends = list(pool.map(lambda r: returned.pipe(r[2], expect=None).returncode, reports))
        else:
            ends = [returned.lmtp(content, mail.sender) for _, mail, content in reports]
        results[way] = SimpleNamespace(
            sent=sent, correlation=correlation, mails={file: mail for file, mail, _ in reports},
            ends={file: end for (file, _, _), end in zip(reports, ends)}, states=returned.state(sent))
    suppressed = returned.suppressed()
    for result in results.values():
        result.suppressed = suppressed
    return results


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("expected", CORPUS, ids=lambda e: e["file"])
def test_a_report_does_what_it_should(run, way, expected):
    result = run[way]
    mail = result.mails[expected["file"]]
    (address,) = mail.recipients
    row = result.states[address]
    assert result.ends[expected["file"]] == (0 if way == "pipe" else [250])
    if expected["kind"] == "any":
        assert row["state"] in ("delivered", "bounced")
        return
    assert row["state"] == ("bounced" if expected["kind"] == "failed" else "delivered"), row
    assert (address in result.suppressed) == expected["suppressed"], result.suppressed.get(address)
    if expected["kind"] == "failed":
        assert str(row["code"]) == expected["status"], row


@pytest.mark.parametrize("way", WAYS)
def test_the_publisher_gets_a_receipt_for_each_that_bounced(returned, run, way):
    bounced = [a for a, row in run[way].states.items() if row["state"] == "bounced"]
    receipts = eventually(
        lambda: (r := returned.receipts(run[way].correlation)) and len(r) >= len(bounced) and r)
    assert len(receipts) == len(bounced) and {r["state"] for r in receipts} == {"bounced"}
    ids = [receipt["id"] for event, receipt in returned.publishing.receipts[run[way].correlation]
           if event == "delivery-failed"]
    assert len(set(ids)) == len(ids)
    told = json.dumps(receipts)
    assert "@w.example" not in told, "a receipt names the reader's address"


def test_what_is_counted_is_told(returned, run):
    """Delays change nothing, and yet somebody may want to know."""
    result = run["pipe"]
    address = result.mails["postfix-delayed.eml"].recipients[0]
    shown = returned.worker.command("deliveries", "show", result.states[address]["id"]).stdout
    assert "delayed" in shown and "4.4.1" in shown
    address = result.mails["arf-abuse.eml"].recipients[0]
    shown = returned.worker.command("deliveries", "show", result.states[address]["id"]).stdout
    assert "complaint" in shown


def test_what_a_report_says_is_kept_in_one_line_without_controls(run):
    for way in WAYS:
        for row in run[way].states.values():
            assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in row["detail"] or ""), row


def test_bulletins_show_counts_what_bounced(returned, run):
    shown = returned.worker.rows("bulletins", "show", identity(run["pipe"].sent))[0]
    assert json.dumps(shown).count("bounced") >= 1


def test_who_is_suppressed_gets_nothing_more(returned, run):
    """And the others do, after what was counted only."""
    result = run["pipe"]
    regions = result.sent["regions"]
    before = len(returned.relay.messages)
    sent = returned.post.send(regions)
    returned.post.completed(timeout=60)
    reached = {m.recipients[0] for m in returned.relay.messages[before:]}
    all_addresses = {m.recipients[0] for m in result.mails.values()}
    suppressed = all_addresses & set(result.suppressed)
    assert reached == all_addresses - suppressed
    assert {row["state"] for a, row in returned.state(sent).items() if a in suppressed} == {"suppressed"}


# Who may say it.

def test_a_forged_signature_changes_nothing(returned):
    sent, (mail,) = returned.deliver()
    for path in (forged(mail.sender), mail.sender.rpartition("-")[0] + "@kentongan.example", "kabar@kentongan.example",
                 mail.sender.replace("+b", "+b9"), "kabar+b1-@kentongan.example", "kabar+b-@kentongan.example",
                 "kabar+b99999999999999999999999-0000000000000000@kentongan.example"):
        content = about(UNKNOWN_USER, mail).replace(mail.sender.encode(), path.encode())
        assert returned.pipe(content, expect=None).returncode == 2, path
        assert 550 <= returned.lmtp(content, path)[0] <= 553, path
    assert not returned.bounced(sent, mail) and mail.recipients[0] not in returned.suppressed()


def test_another_stores_signature_changes_nothing(returned, tmp_path):
    other = Worker(tmp_path / "lain", returned.post.publishing.host, free_port())
    other.command("store", "migrate")
    sent, (mail,) = returned.deliver()
    done = other.command("bounce", stdin=about(UNKNOWN_USER, mail), expect=2)
    assert "return path" in done.stderr and mail.recipients[0] not in done.stderr


def test_the_envelope_counts_more_than_what_is_quoted(returned):
    """A report about one mail that quotes the return path of another."""
    sent, (mine, theirs) = returned.deliver(2)
    content = about(UNKNOWN_USER, theirs)
    returned.pipe(content, recipient=mine.sender)
    assert returned.bounced(sent, mine) and not returned.bounced(sent, theirs)


@pytest.mark.parametrize("variable", ["ORIGINAL_RECIPIENT", "RECIPIENT"])
def test_mail_servers_name_the_envelope_in_the_environment(returned, variable):
    sent, (mail,) = returned.deliver()
    content = about(UNKNOWN_USER, mail).replace(mail.sender.encode(), b"postmaster@kentongan.example")
    returned.pipe(content, **{variable: mail.sender})
    assert returned.bounced(sent, mail)


def test_return_paths_survive_servers_that_change_case_and_separators(returned):
    sent, (mail, other) = returned.deliver(2)
    returned.pipe(about(UNKNOWN_USER, mail), recipient=mail.sender.upper())
    assert returned.bounced(sent, mail)
    assert returned.lmtp(about(UNKNOWN_USER, other), other.sender.upper()) == [250] and returned.bounced(sent, other)


# Once more, at the same time, meanwhile.

@pytest.mark.parametrize("way", WAYS)
def test_a_second_report_changes_nothing_more(returned, way):
    sent, (mail,) = returned.deliver()
    correlation = returned.post.last
    say = (lambda c: returned.pipe(c)) if way == "pipe" else (lambda c: returned.lmtp(c, mail.sender))
    say(about(UNKNOWN_USER, mail))
    first = returned.state(sent)[mail.recipients[0]]
    for file in (UNKNOWN_USER, "postfix-over-quota-5.2.2.eml", "gmail-over-quota.eml", "postfix-delayed.eml"):
        say(about(file, mail))
    assert returned.state(sent)[mail.recipients[0]] == first
    say(about("arf-abuse.eml", mail))
    assert returned.state(sent)[mail.recipients[0]] == first and mail.recipients[0] in returned.suppressed()
    eventually(lambda: returned.receipts(correlation))
    time.sleep(1)
    assert len(returned.receipts(correlation)) == 1


def test_reports_at_the_same_time(returned):
    sent, mails = returned.deliver(4)
    correlation = returned.post.last
    contents = [about(UNKNOWN_USER, mail) for mail in mails] * 3

    def both(numbered):
        number, content = numbered
        if number % 2:
            return returned.pipe(content, expect=None).returncode
        return returned.lmtp(content, mails[number % 4].sender)

    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(both, enumerate(contents)))
    assert all(end in (0, [250]) for end in ends), ends
    assert all(returned.bounced(sent, mail) for mail in mails)
    eventually(lambda: len(returned.receipts(correlation)) >= 4)
    time.sleep(1)
    assert len(returned.receipts(correlation)) == 4


def test_a_report_that_comes_before_the_attempt_is_recorded(returned):
    """A fast server bounces while the worker still waits for the answer to its content."""
    region, address = returned.post.place()
    returned.relay.next("content", lambda session: returned.relay.wait(4) or "250 2.0.0 taken")
    sent = returned.post.send(region)
    mail = eventually(lambda: returned.relay.tries(address))[0]
    assert returned.pipe(about(UNKNOWN_USER, mail)).returncode == 0
    assert returned.bounced(sent, mail) and address in returned.suppressed()


def test_a_report_while_the_delivery_is_tried_again(returned):
    """The relay took it, said 451, and bounced it: it must not be sent again to an address that is not there."""
    region, address = returned.post.place()
    returned.relay.next("content", "451 4.3.0 not now")
    sent = returned.post.send(region)
    mail = eventually(lambda: returned.relay.tries(address))[0]
    eventually(lambda: returned.state(sent)[address]["attempts"] == 1, every=0.2)
    returned.pipe(about(UNKNOWN_USER, mail))
    returned.post.completed(timeout=40)
    state = returned.state(sent)[address]["state"]
    assert address in returned.suppressed() and (state, len(returned.relay.tries(address))) == ("suppressed", 1)


def test_a_report_of_a_delivery_that_failed_before_changes_no_end(returned):
    region, address = returned.post.place()
    returned.relay.at_recipient[address] = "550 5.7.1 no"
    sent = returned.post.send(region)
    returned.post.completed()
    del returned.relay.at_recipient[address]
    number = returned.state(sent)[address]["id"]
    path = next(line for _, line, _ in reversed(returned.relay.asked("MAIL")) if f"+b{number}-" in line)
    path = path.partition("<")[2].partition(">")[0]
    report = b"From: MAILER-DAEMON@w.example\nTo: @RETURN_PATH@\n\n550 5.1.1 <@RECIPIENT@> unknown\n"
    content = fill(report, path, address, "<x@y>")
    returned.pipe(content)
    assert returned.state(sent)[address]["state"] == "failed"


# What `bounce` ends with.

def test_nothing_on_standard_input(returned):
    assert returned.pipe(b"", expect=2).stdout == ""


def test_a_message_without_a_return_path(returned):
    done = returned.pipe(b"From: a@b.example\nSubject: x\n\nIsi\n", expect=2)
    assert done.stderr.startswith("kentongan: ") and done.stderr.count("\n") == 1


def test_a_store_that_does_not_answer_is_tried_later(returned, tmp_path):
    _, (mail,) = returned.deliver()
    broken = tmp_path / "rusak.db"
    broken.write_bytes(b"this is no database " * 500)
    done = returned.pipe(about(UNKNOWN_USER, mail), expect=75, KENTONGAN_STORE_URL=f"sqlite:{broken}")
    assert "later" in done.stderr


def test_a_bad_configuration_keeps_the_message_too(returned):
    """78 would make Postfix bounce the bounce; EX_CONFIG is what the contract says."""
    _, (mail,) = returned.deliver()
    assert returned.pipe(about(UNKNOWN_USER, mail), expect=None, KENTONGAN_LOG_LEVEL="keras").returncode in (75, 78)


@pytest.mark.parametrize("what", ["long-line", "large", "many-parts", "nul", "endless-header"])
def test_hostile_sizes_end_soon(returned, what):
    sent, (mail,) = returned.deliver()
    head = f"From: MAILER-DAEMON@w.example\nTo: {mail.sender}\nMIME-Version: 1.0\n".encode()
    content = {
        "long-line": head + b"Content-Type: text/plain\n\n" + b"5.1.1 " * 200_000,
        "large": about(UNKNOWN_USER, mail) + b"x" * 4_000_000,
        "many-parts": head + b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n\nx\n" * 120_000,
        "nul": head + b"\n" + b"\0" * 900_000,
        "endless-header": head + b"X-A: " + b"y" * 900_000,
    }[what]
    started = time.monotonic()
    done = returned.pipe(content, expect=None, timeout=60)
    assert done.returncode in (0, 2) and time.monotonic() - started < 20
    started = time.monotonic()
    try:
        code = returned.lmtp(content, mail.sender)[0]
        assert code == 250 or code >= 500, code
    except smtplib.SMTPServerDisconnected:
        pass
    assert time.monotonic() - started < 20
    assert returned.worker.is_ready()


def test_line_ends_of_any_kind(returned):
    for end in (b"\r\n", b"\n", b"\r"):
        sent, (mail,) = returned.deliver()
        returned.pipe(about(UNKNOWN_USER, mail).replace(b"\n", end))
        assert returned.bounced(sent, mail) or end == b"\r", end


# LMTP (RFC 2033).

class Talk:
    """A bare connection."""

    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", LMTP_PORT), timeout=20)
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply()

    def reply(self):
        lines = []
        while True:
            line = self.file.readline()
            lines.append(line.decode().rstrip("\r\n"))
            if not line or line[3:4] != b"-":
                return lines

    def say(self, line, replies=1):
        self.socket.sendall(line.encode() + b"\r\n")
        return [self.reply()[-1] for _ in range(replies)]

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def talk(returned):
    made = Talk()
    yield made
    made.close()


def test_the_greeting_and_the_extensions(talk):
    assert talk.greeting[0].startswith("220 ")
    talk.socket.sendall(b"LHLO mx.w.example\r\n")
    lines = talk.reply()
    words = {line[4:].split()[0].upper() for line in lines[1:]}
    # RFC 2033 section 5 asks for these two.
    assert lines[0][:3] == "250" and words >= {"PIPELINING", "ENHANCEDSTATUSCODES"}


def test_helo_and_ehlo_are_refused(talk):
    """RFC 2033 section 4.1."""
    assert talk.say("EHLO mx.w.example")[0][:1] == "5" and talk.say("HELO mx.w.example")[0][:1] == "5"


def test_commands_out_of_order(talk):
    assert talk.say("RCPT TO:<x@y.example>")[0][:3] == "503"
    talk.say("LHLO mx")
    assert talk.say("DATA")[0][:3] == "503"
    assert talk.say("MAIL FROM:<>")[0][:3] == "250"
    # Nobody is to have it (RFC 2033 section 4.2).
    assert talk.say("DATA")[0][:3] == "503"
    assert talk.say("XYZZY")[0][:1] == "5" and talk.say("RSET")[0][:3] == "250" and talk.say("NOOP")[0][:3] == "250"
    assert talk.say("VRFY kabar")[0][:1] in "25" and talk.say("QUIT")[0][:3] == "221"


def test_each_recipient_has_its_reply(returned):
    sent, (first, second) = returned.deliver(2)
    content = about(UNKNOWN_USER, first)
    codes = returned.lmtp(content, first.sender, forged(first.sender), "kabar@kentongan.example", second.sender)
    assert codes[0] == 250 and codes[1] >= 550 and codes[2] >= 550 and codes[3] == 250
    assert returned.bounced(sent, first)


def test_pipelined_commands_and_stuffed_dots(returned):
    sent, (mail,) = returned.deliver()
    content = about(UNKNOWN_USER, mail).replace(b"\n", b"\r\n").replace(b"This is the mail system", b"..This is the mail system")
    talk = Talk()
    talk.socket.sendall(f"LHLO x\r\nMAIL FROM:<> SIZE={len(content)}\r\nRCPT TO:<{mail.sender}>\r\nDATA\r\n".encode())
    assert [talk.reply()[-1][:3] for _ in range(4)] == ["250", "250", "250", "354"]
    talk.socket.sendall(content + b"\r\n.\r\nNOOP\r\nQUIT\r\n")
    assert [talk.reply()[-1][:3] for _ in range(3)] == ["250", "250", "221"]
    talk.close()
    assert returned.bounced(sent, mail)


def test_a_lenient_end_is_no_end(returned):
    """Only CRLF . CRLF ends the content."""
    sent, (mail,) = returned.deliver()
    talk = Talk()
    for line in ("LHLO x", "MAIL FROM:<>", f"RCPT TO:<{mail.sender}>", "DATA"):
        talk.say(line)
    for piece in (b"Subject: x\r\n\r\nx\n.\nMAIL FROM:<>\r\n", b"x\n.\r\nx\r\n", b"x\r.\rx\r\n", b"x\r\n.\nx\r\n",
                  b"x\r\n.\rx\r\n"):
        talk.socket.sendall(piece)
        talk.socket.settimeout(0.5)
        try:
            answer = talk.socket.recv(1000)
        except TimeoutError:
            continue
        # Refusing it all is right as well.
        assert answer[:1] == b"5" and talk.socket.recv(1000) == b"", (piece, answer)
        break
    talk.close()


def test_long_commands_and_garbage(returned):
    for garbage in (b"A" * 100_000 + b"\r\n", b"\0\xff\xfe\r\n" * 100, b"LHLO " + b"x" * 5000 + b"\r\n",
                    b"\x16\x03\x01\x02\x00" * 50):
        talk = Talk()
        try:
            talk.socket.sendall(garbage)
            talk.socket.settimeout(2)
            talk.socket.recv(1000)
        except OSError:
            pass
        talk.close()
    assert returned.worker.is_ready() and Talk().greeting[0].startswith("220")


def test_many_connections_do_not_hurt(returned):
    talks = []
    for _ in range(100):
        try:
            talks.append(socket.create_connection(("127.0.0.1", LMTP_PORT), timeout=5))
        except OSError:
            break
    sent, _ = returned.deliver()
    assert returned.worker.is_ready()
    for talk in talks:
        talk.close()
    sent, (mail,) = returned.deliver()
    eventually(lambda: returned.lmtp(about(UNKNOWN_USER, mail), mail.sender) == [250], timeout=10)
    assert returned.bounced(sent, mail)


def test_size_is_kept(talk):
    talk.socket.sendall(b"LHLO x\r\n")
    sizes = [int(line[4:].split()[1]) for line in talk.reply() if line[4:].upper().startswith("SIZE ")]
    if sizes:
        assert talk.say(f"MAIL FROM:<> SIZE={sizes[0] + 1}")[0][:3] == "552"


def test_no_address_in_the_log(returned):
    log = (returned.worker.folder / "serve.log").read_text(errors="replace")
    assert "@w.example" not in log

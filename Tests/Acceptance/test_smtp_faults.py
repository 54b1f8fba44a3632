"""What goes wrong between the worker and its relay, at each step of SMTP, and what becomes of the deliveries."""
import base64
import random
import ssl
import time
from types import SimpleNamespace

import pytest

from certificates import Authority
from mailpost import Post
from publishing import Publishing
from scriptedsmtp import DROP, EXTENSIONS, HANG, Drip, ScriptedSMTP, in_single_bytes
from waiting import eventually
from worker import Worker

USER, PASSWORD = "kantor", "s3cret/sandi"
LOGIN = f"{USER}:s3cret%2Fsandi"
SETTINGS = {
    "KENTONGAN_SMTP_TIMEOUT": "2", "KENTONGAN_SMTP_DATA_TIMEOUT": "3", "KENTONGAN_SMTP_TOTAL_TIMEOUT": "5",
    "KENTONGAN_SMTP_RETRY": "1,1,1,1,1,1"}


def begin(folder, host, url, **settings):
    """`serve` with a relay, running."""
    worker = Worker(folder, host, 0, **SETTINGS | {"KENTONGAN_SMTP_URL": url} | settings)
    worker.command("store", "migrate")
    worker.register("uji", emergency=True)
    return worker.start()


@pytest.fixture(scope="module")
def plain_relay():
    relay = ScriptedSMTP(offers=(*EXTENSIONS, "AUTH PLAIN LOGIN"))
    yield relay
    relay.stop()


@pytest.fixture(scope="module")
def plain_post(tmp_path_factory, host, plain_relay):
    """A worker whose relay, on this machine, wants a login and has no TLS."""
    worker = begin(tmp_path_factory.mktemp("plain"), host, f"smtp://{LOGIN}@127.0.0.1:{plain_relay.port}")
    try:
        yield Post(worker, Publishing(host))
        worker.stop()
    finally:
        worker.close()


@pytest.fixture
def relay(plain_relay):
    """The relay as usual, without open connections."""
    plain_relay.reset()
    plain_relay.disconnect()
    yield plain_relay
    plain_relay.reset()


@pytest.fixture
def post(plain_post, relay):
    return plain_post


# The relay's trouble is nobody's failure.

RELAY_TROUBLE = {
    "greeting-421": ("greeting", ("421 4.3.2 too busy", DROP)),
    "greeting-450": ("greeting", ("450 4.3.2 not now", DROP)),
    "greeting-554": ("greeting", ("554 5.7.1 no service for you", DROP)),
    "greeting-hang": ("greeting", HANG),
    "greeting-drop": ("greeting", DROP),
    "greeting-malformed": ("greeting", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "EHLO-421": ("EHLO", ("421 4.3.2 too busy", DROP)),
    "EHLO-451": ("EHLO", "451 4.3.0 not now"),
    "EHLO-hang": ("EHLO", HANG),
    "EHLO-drop": ("EHLO", DROP),
    # HELO, to which it falls back, offers no login: it rests rather than go without.
    "HELO-without-AUTH": ("EHLO", "502 5.5.1 not implemented"),
    "AUTH-421": ("AUTH", ("421 4.3.2 too busy", DROP)),
    "AUTH-454": ("AUTH", "454 4.7.0 temporary authentication failure"),
    "AUTH-535": ("AUTH", "535 5.7.8 credentials invalid"),
    "AUTH-hang": ("AUTH", HANG),
    "AUTH-drop": ("AUTH", DROP),
    "MAIL-421": ("MAIL", ("421 4.3.2 shutting down", DROP)),
    "MAIL-451": ("MAIL", "451 4.3.0 not now"),
    "MAIL-550": ("MAIL", "550 5.7.1 sender not allowed"),
    # Many relays judge the client and its sender only here (A14).
    "RCPT-relaying": ("RCPT", "554 5.7.1 <x@w.example>: Relay access denied"),
    "RCPT-relaying-later": ("RCPT", "454 4.7.1 <x@w.example>: Relay access denied"),
    "RCPT-quota": ("RCPT", "550 5.4.5 Daily user sending limit exceeded"),
    "RCPT-sender": ("RCPT", "553 5.7.1 <kabar@x.example>: Sender address rejected: not owned by user kantor"),
    "RCPT-login": ("RCPT", "530 5.7.0 Authentication required"),
    "content-quota": ("content", "550 5.4.5 daily sending quota exceeded"),
    "content-policy": ("content", "550 5.7.1 refused by policy: your IP has a low reputation"),
}


@pytest.mark.parametrize("fault", RELAY_TROUBLE)
def test_trouble_of_the_relay_counts_as_no_attempt(post, relay, fault):
    step, answer = RELAY_TROUBLE[fault]
    relay.next(step, answer)
    address, told = post.deliver(timeout=45)
    assert (told["state"], told["attempts"], str(told["code"])) == ("delivered", 1, "250"), post.show(told)
    assert [(a["number"], a["outcome"]) for a in post.show(told)["attemptsMade"]] == [(1, "delivered")]
    assert len(relay.to(address)) == 1 and len(relay.tries(address)) == (2 if step == "content" else 1)


@pytest.mark.parametrize("step", ["RCPT", "content"])
@pytest.mark.parametrize("answer", ["554 5.7.1 Relay access denied", "550 5.4.5 daily sending quota exceeded"])
def test_a_relay_that_refuses_this_client_fails_nobody(post, relay, step, answer):
    relay.always[step] = answer
    places = [post.place() for _ in range(6)]
    sent = post.send([region for region, _ in places])
    time.sleep(8)
    states = post.states(sent)
    assert {(row["state"] in ("pending", "sending"), row["attempts"]) for row in states.values()} <= {(True, 0), (True, 1)}
    relay.reset()
    assert post.completed(timeout=90)["delivered"] == 6


def test_one_recipient_that_is_refused_oddly_rests_no_relay(post, relay):
    """A mailing list that takes mail of its members only, and an unexplained refusal."""
    (_, members), (_, odd), *others = places = [post.place() for _ in range(12)]
    relay.at_recipient[members] = "550 5.7.1 only members of this mailing list may write to it"
    relay.at_recipient[odd] = "554 5.7.1 no"
    sent = post.send([region for region, _ in places])
    assert post.completed(timeout=20)["delivered"] == 10
    assert {a for a, row in post.states(sent).items() if row["state"] == "failed"} == {members, odd}


def test_a_worker_that_stops_says_quit(tmp_path, broker):
    # In a virtual host of its own: the module's worker takes from the other.
    host = broker.add_host("says-quit", ["uji", "uji.lain"])
    relay = ScriptedSMTP()
    worker = begin(tmp_path, host, f"smtp://127.0.0.1:{relay.port}")
    try:
        Post(worker, Publishing(host)).deliver()
        worker.stop()
        assert relay.sessions and all(session.verbs[-1] == "QUIT" for session in relay.sessions if session.verbs)
    finally:
        worker.close()
        relay.stop()
        host.close()


def test_trouble_that_lasts_leaves_deliveries_pending(post, relay):
    relay.always["greeting"] = ("554 5.7.1 blocked", DROP)
    region, address = post.place()
    before = len(relay.sessions)
    sent = post.send(region)
    eventually(lambda: len(relay.sessions) >= before + 2, timeout=40)
    told = post.state(sent)
    assert (told["state"] in ("pending", "sending"), told["attempts"]) == (True, 0), post.show(told)
    relay.reset()
    post.completed(timeout=60)
    assert post.state(sent)["attempts"] == 1 and len(relay.to(address)) == 1


def test_a_relay_that_rests_is_not_knocked_at_all_the_time(post, relay):
    """It may be each connection of the pool that finds out, not each delivery."""
    relay.always["greeting"] = ("421 4.3.2 too busy", DROP)
    places = [post.place() for _ in range(40)]
    before = len(relay.sessions)
    post.send([region for region, _ in places])
    eventually(lambda: len(relay.sessions) > before)
    time.sleep(4)
    knocks = len(relay.sessions) - before
    relay.reset()
    assert post.completed(timeout=60)["delivered"] == 40
    assert all(len(relay.to(address)) == 1 for _, address in places)
    assert knocks <= 16


# What is said of a recipient or a message.

RETRIED = {
    "RCPT-450": ("RCPT", "450 4.2.1 greylisted"), "RCPT-452": ("RCPT", "452 4.2.2 mailbox full"),
    "DATA-451": ("DATA", "451 4.3.0 not now"), "content-451": ("content", "451 4.3.0 not now"),
    "content-452": ("content", "452 4.3.1 no space"),
}
FAILED = {
    "RCPT-550": ("RCPT", "550 5.1.1 no such user here"), "RCPT-553": ("RCPT", "553 5.1.3 bad address"),
    "DATA-554": ("DATA", "554 5.7.1 not accepted"), "content-554": ("content", "554 5.6.0 content refused"),
    "content-552": ("content", "552 5.3.4 too big"),
}
# The connection goes with the answer, or there is none: the outcome is open until it is tried again.
BROKEN = {f"{step}-{name}": (step, answer) for step in ("RCPT", "DATA", "content") for name, answer in (
    ("421", ("421 4.3.2 shutting down", DROP)), ("hang", HANG), ("drop", DROP))}


@pytest.mark.parametrize("fault", RETRIED)
def test_4xx_is_tried_again(post, relay, fault):
    step, answer = RETRIED[fault]
    relay.next(step, answer)
    address, told = post.deliver()
    assert (told["state"], told["attempts"]) == ("delivered", 2)
    first, second = post.show(told)["attemptsMade"]
    code, enhanced, text = answer.split(" ", 2)
    assert str(first["code"]) == code and enhanced in first["detail"] and text in first["detail"], first
    assert str(second["code"]) == "250" and len(relay.to(address)) == 1


@pytest.mark.parametrize("fault", FAILED)
def test_5xx_fails_that_delivery_at_once(post, relay, fault):
    step, answer = FAILED[fault]
    relay.next(step, answer)
    address, told = post.deliver()
    code, enhanced, text = answer.split(" ", 2)
    assert (told["state"], told["attempts"], str(told["code"])) == ("failed", 1, code)
    assert enhanced in told["detail"] and text in told["detail"] and not relay.to(address)
    # The connection is fit for the next one.
    assert post.deliver()[1]["state"] == "delivered"


@pytest.mark.parametrize("fault", BROKEN)
def test_a_connection_that_breaks_amid_a_message_loses_nothing(post, relay, fault):
    step, answer = BROKEN[fault]
    relay.next(step, answer)
    address, told = post.deliver(timeout=45)
    assert told["state"] == "delivered" and told["attempts"] in (1, 2), post.show(told)
    tries = relay.tries(address)
    assert len(relay.to(address)) == 1 and len(tries) == (2 if step == "content" else 1)
    assert len({m.message["Message-ID"] for m in tries}) == 1


def test_a_message_taken_whose_answer_is_lost_comes_again_with_the_same_message_id(post, relay):
    """The worst moment: the relay has it, and nobody knows. Twice is right, never is wrong."""
    relay.next("content", DROP, DROP)
    address, told = post.deliver(timeout=45)
    assert told["state"] == "delivered" and len(relay.tries(address)) == 3
    assert len({m.message["Message-ID"] for m in relay.tries(address)}) == 1
    bodies = {m.content.partition(b"\r\n\r\n")[2] for m in relay.tries(address)}
    assert len(bodies) == 1


def test_a_message_too_large_for_one_relay_does_not_hold_up_the_others(post, relay):
    """5.3.4 at MAIL speaks of the message, not of the sender (RFC 1870 section 6.1)."""
    relay.next("MAIL", "552 5.3.4 message size exceeds fixed limit")
    address, told = post.deliver()
    assert (told["state"], str(told["code"])) == ("failed", "552") and "5.3.4" in told["detail"]
    assert not relay.tries(address)


def test_a_reply_of_one_byte_a_second_ends_by_the_total_limit(post, relay):
    relay.next("RCPT", Drip("250 2.1.5 " + "o" * 60))
    region, address = post.place()
    sent = post.send(region)
    started = time.monotonic()
    post.completed(timeout=30)
    # The drip alone would take 70 seconds.
    assert time.monotonic() - started < 30
    assert post.state(sent)["state"] == "delivered" and len(relay.to(address)) == 1


def test_a_slow_recipient_does_not_hold_up_the_others(post, relay):
    relay.next("RCPT", HANG)
    slow, quick = post.place(), [post.place() for _ in range(5)]
    first = post.send(slow[0])
    eventually(lambda: relay.asked("RCPT")[-1:] and slow[1] in relay.asked("RCPT")[-1][1])
    post.send([region for region, _ in quick])
    # Within the time limit of the one that hangs, or shortly after: its attempt does not hold the pool.
    assert post.completed(timeout=20)["delivered"] == 5
    post.eventually(first, "delivered")


def test_one_refused_recipient_among_many_on_the_same_connections(post, relay):
    places = [post.place() for _ in range(12)]
    refused, later = places[3][1], places[7][1]
    relay.at_recipient[refused] = "550 5.1.1 no such user"
    relay.at_recipient[later] = "450 4.2.0 later"
    sent = post.send([region for region, _ in places])
    eventually(lambda: sum(later in c[1] for c in relay.asked("RCPT")) == 1)
    del relay.at_recipient[later]
    post.completed()
    states = post.states(sent)
    assert {a: s["state"] for a, s in states.items()} == {
        address: "failed" if address == refused else "delivered" for _, address in places}
    assert {a for a, s in states.items() if s["attempts"] == 2} == {later}
    assert all(len(relay.to(address)) == (address != refused) for _, address in places)
    assert all(m.recipients == [a] for _, a in places for m in relay.to(a)), "a mail for one went to more"


def test_connections_closed_between_messages_cost_no_attempt(post, relay):
    for _ in range(3):
        assert post.deliver()[1]["attempts"] == 1
        relay.disconnect()


def test_connections_that_are_told_421_between_messages_cost_no_attempt(post, relay):
    assert post.deliver()[1]["attempts"] == 1
    for session in relay.sessions:
        if not session.ended:
            session.connection.sendall(b"421 4.4.2 idle too long\r\n")
    relay.disconnect()
    assert post.deliver()[1]["attempts"] == 1


def test_connections_are_used_again(post, relay):
    before = len(relay.sessions)
    places = [post.place() for _ in range(30)]
    post.send([region for region, _ in places])
    assert post.completed()["delivered"] == 30
    assert len(relay.sessions) - before <= 8


# What the relay may write.

def test_replies_of_several_lines(post, relay):
    relay.next("greeting", "220-surat.example ESMTP\r\n220-No spam\r\n220 ready")
    relay.next("MAIL", "250-2.1.0 OK\r\n250 2.1.0 go on")
    relay.next("RCPT", "550-5.1.1 The account does not exist.\r\n550-5.1.1 Look for typing errors.\r\n550 5.1.1 bye")
    _, told = post.deliver()
    assert (told["state"], str(told["code"])) == ("failed", "550")
    assert "5.1.1" in told["detail"] and "does not exist" in told["detail"] and "typing errors" in told["detail"]


def test_replies_without_text(post, relay):
    relay.next("MAIL", "250")
    relay.next("RCPT", "250 ")
    relay.next("content", "250")
    address, told = post.deliver()
    assert told["state"] == "delivered" and len(relay.tries(address)) == 1


MALFORMED = {
    "letters": b"OK\r\n", "two-digits": b"25 OK\r\n", "four-digits": b"2500 OK\r\n", "beyond-5": b"650 OK\r\n",
    "codes-differ": b"250-yes\r\n550 no\r\n", "no-end": b"250 " + b"x" * 100_000, "many-lines": b"250-x\r\n" * 20_000,
    "nul": b"\0\0\0\0\r\n", "intermediate": b"354 go on\r\n",
    "too-early": b"250 2.1.0 OK\r\n250 2.1.5 OK\r\n354 go\r\n250 taken\r\n",
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_replies_are_never_taken_for_success(post, relay, what):
    relay.next("MAIL", (MALFORMED[what], DROP))
    address, told = post.deliver(timeout=45)
    assert told["state"] == "delivered" and told["attempts"] <= 2, post.show(told)
    assert len(relay.to(address)) == 1


def test_a_positive_reply_that_is_none_to_the_content_is_no_delivery(post, relay):
    relay.next("content", b"354 go on\r\n")
    address, told = post.deliver(timeout=45)
    assert told["state"] == "delivered" and len(relay.to(address)) == 1 and len(relay.tries(address)) == 2


def test_control_characters_of_a_reply_stay_out_of_records_and_terminals(post, relay):
    relay.next("RCPT", b"550 5.1.1 \x1b[31mno\x07 such\xff user\xc3\x28\r\n")
    _, told = post.deliver()
    assert told["state"] == "failed" and "5.1.1" in told["detail"] and "such" in told["detail"]
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in told["detail"])


def test_replies_in_single_bytes(post, relay):
    relay.split = in_single_bytes
    places = [post.place() for _ in range(6)]
    relay.at_recipient[places[2][1]] = "550 5.1.1 no such user"
    sent = post.send([region for region, _ in places])
    post.completed(timeout=60)
    assert sorted(s["state"] for s in post.states(sent).values()) == ["delivered"] * 5 + ["failed"]


@pytest.mark.parametrize("seed", range(2))
def test_replies_to_pipelined_commands_in_any_split(post, relay, seed):
    choice = random.Random(20261127 + seed)

    def split(replies):
        cuts = sorted(choice.sample(range(1, len(replies)), min(choice.randrange(4), len(replies) - 1)))
        return [replies[a:b] for a, b in zip([0, *cuts], [*cuts, len(replies)])]

    relay.split = split
    places = [post.place() for _ in range(10)]
    refused = {places[n][1] for n in (1, 4, 8)}
    for address in refused:
        relay.at_recipient[address] = "550 5.1.1 no such user"
    sent = post.send([region for region, _ in places])
    post.completed()
    states = post.states(sent)
    assert {a for a, s in states.items() if s["state"] == "failed"} == refused
    assert all(len(relay.to(a)) == 1 and s["attempts"] == 1 for a, s in states.items() if a not in refused)


def test_data_accepted_although_the_only_recipient_was_refused(post, relay):
    """RFC 2920 section 3.1: a lone dot ends it; nobody gets a thing."""
    relay.next("DATA", "354 go on")
    region, address = post.place()
    relay.at_recipient[address] = "550 5.1.1 no such user"
    before = len(relay.messages)
    sent = post.send(region)
    post.completed()
    assert post.state(sent)["state"] == "failed" and post.deliver()[1]["state"] == "delivered"
    empty = [m for m in relay.messages[before:] if not m.recipients]
    assert all(len(m.wire) <= 2 for m in empty)


# What the relay can.

def test_pipelining_sends_a_message_in_two_writes(post, relay):
    """MAIL, RCPT and DATA come before any of them is answered."""
    address, told = post.deliver()
    session = next(s for s in relay.sessions if any(address in line for _, line, _ in s.commands))
    mail = next(i for i, (_, piece, _) in enumerate(session.received) if b"MAIL FROM" in piece)
    assert b"RCPT TO" in session.received[mail][1] and b"DATA" in session.received[mail][1]


def test_without_pipelining_each_command_waits_for_its_reply(post, relay):
    relay.offers = [o for o in relay.offers if o != "PIPELINING"]
    places = [post.place() for _ in range(4)]
    relay.at_recipient[places[1][1]] = "550 5.1.1 no such user"
    before = len(relay.sessions)
    sent = post.send([region for region, _ in places])
    post.completed()
    assert sorted(s["state"] for s in post.states(sent).values()) == ["delivered"] * 3 + ["failed"]
    for session in relay.sessions[before:]:
        commands = [p for _, p, _ in session.received if p.split(b" ")[0].strip() in (b"MAIL", b"RCPT", b"DATA", b"RSET")]
        assert all(p.count(b"\r\n") == 1 for p in commands), commands


def test_without_8bitmime_no_8bit_leaves(post, relay):
    relay.offers = [o for o in relay.offers if o != "8BITMIME"]
    address, told = post.deliver(title="Pengumuman “Ālun” 🛕", body="Isi dengan ünïcode — ✓")
    assert told["state"] == "delivered"
    (taken,) = relay.to(address)
    assert not any(byte > 127 for byte in taken.wire)
    assert "BODY=8BITMIME" not in relay.asked("MAIL")[-1][1]


def test_a_size_limit_fails_what_is_larger_without_sending_it(post, relay):
    relay.offers = [o for o in relay.offers if not o.startswith("SIZE")] + ["SIZE 20000"]
    address, told = post.deliver(body="Isi yang panjang. " * 3000)
    assert told["state"] == "failed" and told["attempts"] == 1, post.show(told)
    assert not relay.tries(address) and "20000" in told["detail"]
    assert post.deliver()[1]["state"] == "delivered"


def test_size_is_declared(post, relay):
    address, _ = post.deliver()
    (taken,) = relay.to(address)
    declared = next(word for word in relay.asked("MAIL")[-1][1].split() if word.startswith("SIZE="))
    assert int(declared[5:]) >= len(taken.content)


def test_a_size_of_zero_is_no_limit(post, relay):
    relay.offers = [o for o in relay.offers if not o.startswith("SIZE")] + ["SIZE 0"]
    assert post.deliver()[1]["state"] == "delivered"


def test_chunks_are_exact(post, relay):
    """BDAT (RFC 3030): as many bytes as it says, dots not stuffed."""
    relay.offers = [*relay.offers, "CHUNKING"]
    before = len(relay.sessions)
    places = [post.place() for _ in range(6)]
    relay.at_recipient[places[2][1]] = "550 5.1.1 no such user"
    sent = post.send([region for region, _ in places], body="Satu\n\n.\n\n..dua\n\nTiga " + "panjang " * 6000)
    post.completed()
    assert sorted(s["state"] for s in post.states(sent).values()) == ["delivered"] * 5 + ["failed"]
    taken = [m for _, a in places for m in relay.to(a)]
    assert len(taken) == 5 and all(m.chunks for m in taken)
    assert all(not m.message.defects and m.wire.endswith(b"\r\n") and b"\n.." not in m.wire for m in taken)
    # Nothing was read as a command that was none.
    assert {v for s in relay.sessions[before:] for v in s.verbs} <= {"EHLO", "AUTH", "MAIL", "RCPT", "BDAT", "RSET", "QUIT"}


@pytest.mark.parametrize("answer, state", [("451 4.3.0 not now", "delivered"), ("554 5.6.0 content refused", "failed"),
                                           (DROP, "delivered"), (HANG, "delivered")])
def test_answers_to_the_last_chunk(post, relay, answer, state):
    relay.offers = [*relay.offers, "CHUNKING"]
    relay.next("content", answer)
    address, told = post.deliver(timeout=45)
    assert told["state"] == state and len(relay.to(address)) == (state == "delivered")
    assert len({m.message["Message-ID"] for m in relay.tries(address)}) == 1


def test_dsn_asks_for_failures_with_an_envelope_id(post, relay):
    """RFC 3461."""
    address, _ = post.deliver()
    mail, recipient = relay.asked("MAIL")[-1][1].split(), relay.asked("RCPT")[-1][1].split()
    assert "RET=HDRS" in mail and any(word.startswith("ENVID=") and len(word) <= 106 for word in mail)
    assert any(word.startswith("NOTIFY=") and "FAILURE" in word for word in recipient)
    assert any(word.startswith("ORCPT=rfc822;") for word in recipient)


def test_without_dsn_its_parameters_are_not_sent(post, relay):
    relay.offers = [o for o in relay.offers if o != "DSN"]
    post.deliver()
    assert "ENVID" not in relay.asked("MAIL")[-1][1] and "NOTIFY" not in relay.asked("RCPT")[-1][1]


def test_addresses_beyond_ascii_need_smtputf8(post, relay):
    """RFC 6531: with it, they are sent; without it, they fail for good, and nobody else. Domains go in ASCII (RFC 5890)."""
    region, _ = post.place()
    address = "séruling@xn--dsa-bma.example"
    post.worker.subscribe("email", "séruling@désa.example", [region])
    relay.offers = [*relay.offers, "SMTPUTF8"]
    sent = post.send(region)
    post.completed()
    assert {s["state"] for s in post.states(sent).values()} == {"delivered"}
    (taken,) = relay.to(address)
    asked = {line for _, line, _ in relay.asked("MAIL") if "SMTPUTF8" in line}
    assert len(asked) == 1, "SMTPUTF8 is asked for where it is needed, and there only"
    assert address in taken.wire.decode()
    relay.offers = [o for o in relay.offers if o != "SMTPUTF8"]
    relay.disconnect()
    sent = post.send(region)
    post.completed()
    assert {a: s["state"] for a, s in post.states(sent).items() if "é" in a} == {address: "failed"}
    assert sorted(s["state"] for s in post.states(sent).values()) == ["delivered", "failed"]


def test_the_login_and_the_host_are_as_set(post, relay):
    relay.disconnect()
    before = len(relay.sessions)
    post.deliver()
    session = relay.sessions[before]
    assert session.verbs[0] == "EHLO" and session.login
    mechanism, first = session.login[0]
    assert mechanism == "PLAIN" and base64.b64decode(first).decode() == f"\0{USER}\0{PASSWORD}"


def test_no_password_in_the_log(post):
    log = (post.worker.folder / "serve.log").read_text(errors="replace")
    assert PASSWORD not in log and "s3cret%2Fsandi" not in log and "@w.example" not in log


# TLS.

@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "otoritas")


@pytest.fixture(scope="module")
def good(authority):
    return authority.context("localhost", "DNS:localhost", "IP:127.0.0.1")


@pytest.fixture(scope="module")
def secure_relay(good):
    relay = ScriptedSMTP(tls=good, offers=(*EXTENSIONS, "AUTH PLAIN LOGIN"))
    yield relay
    relay.stop()


@pytest.fixture(scope="module")
def secure_host(broker):
    host = broker.add_host("secure-relay", ["uji"])
    yield host
    host.close()


@pytest.fixture(scope="module")
def secure_post(tmp_path_factory, secure_host, secure_relay, authority):
    worker = begin(
        tmp_path_factory.mktemp("secure"), secure_host,
        f"smtp://{LOGIN}@localhost:{secure_relay.port}?starttls=required&cacertfile={authority.certificate}")
    try:
        yield Post(worker, Publishing(secure_host))
        worker.stop()
    finally:
        worker.close()


@pytest.fixture
def tls(secure_relay, secure_post, good):
    secure_relay.reset()
    secure_relay.tls = good
    secure_relay.disconnect()
    yield SimpleNamespace(relay=secure_relay, post=secure_post)
    secure_relay.reset()


def in_the_clear(relay):
    return [line for session in list(relay.sessions) for _, line, secure in session.commands if not secure]


def stays_pending(tls, whole_sessions=1):
    """A bulletin while the relay's TLS is bad; then it is mended, and the mail goes over TLS, the first attempt."""
    region, address = tls.post.place()
    before = len(tls.relay.sessions)
    sent = tls.post.send(region)
    eventually(lambda: sum(s.ended for s in tls.relay.sessions[before:]) >= whole_sessions)
    told = tls.post.state(sent)
    assert told["state"] in ("pending", "sending") and told["attempts"] == 0, told
    return sent, address


def mended(tls, sent, address):
    tls.post.completed(timeout=40)
    told = tls.post.state(sent)
    assert (told["state"], told["attempts"]) == ("delivered", 1)
    assert [m.secure for m in tls.relay.tries(address)] == [True]
    assert {line.split(" ")[0] for line in in_the_clear(tls.relay)} <= {"EHLO", "HELO", "STARTTLS", "QUIT"}


def test_mails_and_logins_go_over_tls(tls):
    address, told = tls.post.deliver()
    assert told["state"] == "delivered" and [m.secure for m in tls.relay.to(address)] == [True]
    session = tls.relay.sessions[-1]
    assert session.verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]
    assert {line.split(" ")[0] for line in in_the_clear(tls.relay)} <= {"EHLO", "STARTTLS", "QUIT"}


def test_a_starttls_that_is_stripped_lets_no_mail_out(tls):
    tls.relay.always["EHLO"] = lambda session: "\r\n".join(
        ["250-surat.example", *(f"250-{offer}" for offer in tls.relay.offers), "250 HELP"])
    sent, address = stays_pending(tls)
    tls.relay.reset()
    mended(tls, sent, address)


@pytest.mark.parametrize("answer", ["454 4.7.0 TLS not available", "501 5.5.2 what?", "502 5.5.1 no", "250 2.0.0 OK"])
def test_a_starttls_that_is_refused_lets_no_mail_out(tls, answer):
    tls.relay.always["STARTTLS"] = answer
    sent, address = stays_pending(tls)
    tls.relay.reset()
    mended(tls, sent, address)


def relay_says(done):
    """Whether `check` found the relay `ok` or `FAILED`."""
    assert PASSWORD not in done.stdout + done.stderr
    return next(line for line in done.stdout.splitlines() if line.split()[1] == "relay").split()[0]


BAD_CERTIFICATES = {
    "self-signed": lambda a, folder: Authority(folder, "sendiri").context("localhost", "DNS:localhost", "IP:127.0.0.1"),
    "expired": lambda a, folder: a.context("lama", "DNS:localhost", days=(-9, -2)),
    "not-yet": lambda a, folder: a.context("nanti", "DNS:localhost", days=(3, 9)),
    "wrong-name": lambda a, folder: a.context("lain", "DNS:lain.example", "IP:127.0.0.1"),
    "no-name": lambda a, folder: a.context("localhost"),
    "wildcard": lambda a, folder: a.context("bintang", "DNS:*"),
}


@pytest.mark.parametrize("what", BAD_CERTIFICATES)
def test_a_bad_certificate_is_said_of_the_relay_by_check(tls, authority, tmp_path, what):
    tls.relay.tls = BAD_CERTIFICATES[what](authority, tmp_path)
    before = len(tls.relay.sessions)
    assert relay_says(tls.post.worker.command("check", expect=1)) == "FAILED"
    assert all(not s.login and "MAIL" not in s.verbs for s in tls.relay.sessions[before:])


def test_a_bad_certificate_lets_no_mail_out(tls, authority, good, tmp_path):
    tls.relay.tls = BAD_CERTIFICATES["expired"](authority, tmp_path)
    sent, address = stays_pending(tls)
    tls.relay.tls = good
    mended(tls, sent, address)


def test_what_is_injected_after_the_reply_to_starttls_is_thrown_away(tls):
    """RFC 3207, CVE-2011-0411: bytes from before the handshake must not answer what is asked in it."""
    injected = b"250-jahat.example\r\n250 AUTH LOGIN\r\n235 2.7.0 in\r\n250 OK\r\n250 OK\r\n354 go\r\n250 taken\r\n"
    tls.relay.next("STARTTLS", b"220 2.0.0 go on\r\n" + injected)
    address, told = tls.post.deliver(timeout=45)
    assert told["state"] == "delivered" and len(tls.relay.to(address)) == 1
    session = next(s for s in tls.relay.sessions if any(address in line for _, line, _ in s.commands))
    assert [m for m, _ in session.login][0] == "PLAIN", "what was offered in the clear was believed"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_1_1_is_not_spoken(tls, authority):
    old = authority.context("kuno", "DNS:localhost")
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    tls.relay.tls = old
    assert relay_says(tls.post.worker.command("check", expect=1)) == "FAILED"


def relay_line(worker, url, **settings):
    """What `check` says of a relay."""
    done = worker.command("check", KENTONGAN_SMTP_URL=url, expect=None, **settings)
    return relay_says(done) == "ok", done.stdout + done.stderr


@pytest.fixture
def relays():
    made = []

    def make(**options):
        made.append(ScriptedSMTP(**options))
        return made[-1]

    yield make
    for relay in made:
        relay.stop()


def test_implicit_tls(tls, relays, good, authority):
    relay = relays(tls=good, implicit_tls=True, offers=(*EXTENSIONS, "AUTH PLAIN"))
    ok, _ = relay_line(tls.post.worker, f"smtps://{LOGIN}@localhost:{relay.port}?cacertfile={authority.certificate}")
    assert ok and relay.sessions[-1].login
    # Of an authority that is not known, nothing.
    ok, _ = relay_line(tls.post.worker, f"smtps://{LOGIN}@localhost:{relay.port}")
    assert not ok and not relay.sessions[-1].login


def test_the_strongest_login_that_is_offered(tls, relays):
    for offer, mechanism in (("AUTH LOGIN PLAIN", "PLAIN"), ("AUTH LOGIN", "LOGIN"), ("AUTH=LOGIN", "LOGIN")):
        relay = relays(offers=(*EXTENSIONS, offer))
        ok, said = relay_line(tls.post.worker, f"smtp://{LOGIN}@127.0.0.1:{relay.port}")
        assert ok and relay.sessions[-1].login[0][0] == mechanism, said
    assert relay.sessions[-1].login[1:] == [USER, PASSWORD]


def test_no_login_that_is_known_is_the_relays_trouble(tls, relays):
    relay = relays(offers=(*EXTENSIONS, "AUTH CRAM-MD5 GSSAPI"))
    ok, said = relay_line(tls.post.worker, f"smtp://{LOGIN}@127.0.0.1:{relay.port}")
    assert not ok and not relay.sessions[-1].login and PASSWORD not in said


def test_xoauth2_only_if_asked_for(tls, relays):
    relay = relays(offers=(*EXTENSIONS, "AUTH XOAUTH2 PLAIN"))
    url = f"smtp://{LOGIN}@127.0.0.1:{relay.port}"
    assert relay_line(tls.post.worker, url)[0] and relay.sessions[-1].login[0][0] == "PLAIN"
    ok, said = relay_line(tls.post.worker, f"{url}?auth=xoauth2")
    mechanism, first = relay.sessions[-1].login[0]
    assert ok and mechanism == "XOAUTH2", said
    assert base64.b64decode(first).decode() == f"user={USER}\x01auth=Bearer {PASSWORD}\x01\x01"


def test_a_login_by_name(tls, relays):
    relay = relays(offers=(*EXTENSIONS, "AUTH PLAIN LOGIN"))
    ok, said = relay_line(tls.post.worker, f"smtp://{LOGIN}@127.0.0.1:{relay.port}?auth=login")
    assert ok and relay.sessions[-1].login[0][0] == "LOGIN", said
    relay.offers = (*EXTENSIONS, "AUTH PLAIN")
    ok, said = relay_line(tls.post.worker, f"smtp://{LOGIN}@127.0.0.1:{relay.port}?auth=login")
    assert not ok and not relay.sessions[-1].login


def test_a_password_from_a_file_of_its_own(tls, relays, tmp_path):
    relay = relays(offers=(*EXTENSIONS, "AUTH PLAIN"))
    path = tmp_path / "sandi"
    path.write_text("dari berkas\n")
    path.chmod(0o600)
    ok, said = relay_line(tls.post.worker, f"smtp://kantor@127.0.0.1:{relay.port}", KENTONGAN_SMTP_PASSWORD_FILE=str(path))
    assert ok and base64.b64decode(relay.sessions[-1].login[0][1]) == b"\0kantor\0dari berkas", said


BAD_URLS = ["smtp://mail.example?starttls=off", "smtp://mail.example?starttls=maybe", "smtp://mail.example?auth=digest",
            "smtp://mail.example?unknown=1", "smtp://", "mail.example", "http://mail.example", "smtp://mail.example:0",
            "smtp://mail.example:70000", "smtp://u:rahasia123@mail.example?starttls=off", "smtp://a,,b"]


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_bad_url_is_a_configuration_error(tls, url):
    done = tls.post.worker.command("check", KENTONGAN_SMTP_URL=url, expect=78)
    assert "smtp.url" in done.stderr and "rahasia123" not in done.stderr


# Two relays.

@pytest.fixture(scope="module")
def pair_host(broker):
    host = broker.add_host("two-relays", ["uji"])
    yield host
    host.close()


@pytest.fixture(scope="module")
def pair(tmp_path_factory, pair_host):
    first, second = ScriptedSMTP(), ScriptedSMTP()
    url = f"smtp://127.0.0.1:{first.port},smtp://127.0.0.1:{second.port}"
    worker = begin(tmp_path_factory.mktemp("pair"), pair_host, url)
    try:
        yield SimpleNamespace(first=first, second=second, post=Post(worker, Publishing(pair_host)))
        worker.stop()
    finally:
        worker.close()
        first.stop()
        second.stop()


def test_the_first_relay_has_the_mail_while_it_works(pair):
    for _ in range(3):
        address, told = pair.post.deliver()
        assert told["state"] == "delivered" and len(pair.first.to(address)) == 1
    assert not pair.second.messages


def test_helo_is_enough(pair):
    """RFC 5321 section 3.2: of ESMTP nothing is used then."""
    pair.first.always["EHLO"] = "502 5.5.1 not implemented"
    pair.first.disconnect()
    places = [pair.post.place() for _ in range(3)]
    pair.first.at_recipient[places[1][1]] = "550 5.1.1 no such user"
    before = len(pair.first.sessions)
    sent = pair.post.send([region for region, _ in places])
    pair.post.completed()
    assert sorted(s["state"] for s in pair.post.states(sent).values()) == ["delivered", "delivered", "failed"]
    for session in pair.first.sessions[before:]:
        assert session.verbs[:2] == ["EHLO", "HELO"]
        assert all(line.endswith(">") for _, line, _ in session.commands if line[:4] in ("MAIL", "RCPT"))
    pair.first.reset()
    pair.first.disconnect()


FAIL_OVER = {"421": ("421 4.3.2 too busy", DROP), "554": ("554 5.7.1 no service", DROP), "hang": HANG, "drop": DROP}


@pytest.mark.parametrize("fault", FAIL_OVER)
def test_the_second_relay_steps_in(pair, fault):
    pair.first.always["greeting"] = FAIL_OVER[fault]
    pair.first.disconnect()
    address, told = pair.post.deliver()
    assert (told["state"], told["attempts"]) == ("delivered", 1), pair.post.show(told)
    assert len(pair.second.to(address)) == 1 and not pair.first.tries(address)
    pair.first.reset()


def test_the_second_relay_steps_in_for_one_that_is_down(pair):
    pair.first.refuse()
    places = [pair.post.place() for _ in range(10)]
    sent = pair.post.send([region for region, _ in places])
    pair.post.completed()
    assert all(s["attempts"] == 1 and s["state"] == "delivered" for s in pair.post.states(sent).values())
    assert all(len(pair.second.to(a)) == 1 for _, a in places)
    pair.first.listen()


def test_the_first_relay_gets_its_mail_back(pair):
    """Once it works again; when, is the worker's to say."""
    pair.first.reset()

    def back():
        address, told = pair.post.deliver()
        assert told["state"] == "delivered" and told["attempts"] == 1
        return pair.first.to(address)

    eventually(back, timeout=90, every=3)


def test_a_recipient_refused_by_the_first_is_not_tried_at_the_second(pair):
    pair.first.reset()
    region, address = pair.post.place()
    for relay in (pair.first, pair.second):
        relay.at_recipient[address] = "550 5.1.1 no such user"
    sent = pair.post.send(region)
    pair.post.completed()
    assert pair.post.state(sent)["state"] == "failed"
    assert sum(address in c[1] for r in (pair.first, pair.second) for c in r.asked("RCPT")) == 1


def test_with_both_down_nothing_is_lost(pair):
    for relay in (pair.first, pair.second):
        relay.refuse()
    region, address = pair.post.place()
    sent = pair.post.send(region)
    time.sleep(6)
    told = pair.post.state(sent)
    assert told["state"] in ("pending", "sending") and told["attempts"] == 0
    for relay in (pair.first, pair.second):
        relay.listen()
    pair.post.completed(timeout=60)
    assert pair.post.state(sent)["attempts"] == 1
    assert len(pair.first.to(address) + pair.second.to(address)) == 1

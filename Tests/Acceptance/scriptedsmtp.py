"""An SMTP server that says at each step what a test tells it to, and keeps every byte with its time.

The steps are `greeting`, `EHLO`, `HELO`, `STARTTLS`, `AUTH`, `AUTH-ANSWER` (each line after a 334), `MAIL`, `RCPT`, `DATA`,
`content` (after the final dot, or BDAT LAST), `BDAT` (each chunk but the last), `RSET`, `QUIT`. An answer is a reply without
its CRLF; bytes, sent as they are; HANG; DROP; a Drip; several of these as a tuple; or a function of the session that
returns one of them.
"""
import base64
import contextlib
import email
import email.policy
import functools
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field

HANG, DROP = "(hang)", "(drop)"
EXTENSIONS = ("PIPELINING", "8BITMIME", "SIZE 10485760", "ENHANCEDSTATUSCODES", "DSN")


@dataclass
class Drip:
    """A reply that comes one byte at a time."""
    reply: str
    seconds: float = 1


@dataclass
class Taken:
    """A message whose end has come, and what it was answered with."""
    sender: str
    recipients: list
    # As it was on the wire: dots still stuffed, without the final one; of BDAT, the chunks.
    wire: bytes
    secure: bool
    time: float
    chunks: list = field(default_factory=list)
    answer: object = None

    @property
    def content(self):
        return self.wire if self.chunks else re.sub(rb"(?m)^\.\.", b".", self.wire)

    @functools.cached_property
    def message(self):
        return email.message_from_bytes(self.content, policy=email.policy.default)

    @property
    def is_taken(self):
        return isinstance(self.answer, str) and self.answer.startswith("250")


class _Ended(Exception):
    pass


class Session:
    """One connection."""

    def __init__(self, relay, connection):
        self.relay, self.connection = relay, connection
        # (time, bytes, secure) of each piece read, (time, line, secure) of each command.
        self.received, self.commands = [], []
        self.secure = self.greeted = self.ended = False
        self.buffer, self.replies = b"", b""
        self.sender, self.accepted, self.chunks = None, [], []
        self.argument, self.login = "", []

    @property
    def raw(self):
        return b"".join(piece for _, piece, _ in self.received)

    @property
    def verbs(self):
        return [line.split(" ")[0].split(":")[0].upper() for _, line, _ in self.commands]

    # What goes out and comes in.

    def run(self):
        with contextlib.suppress(OSError, _Ended, ssl.SSLError):
            if self.relay.implicit_tls:
                self.secure_now()
            self.answer("greeting", "220 surat.example ESMTP")
            while True:
                self.obey(self.line())
        self.ended = True
        with contextlib.suppress(OSError):
            self.connection.close()

    def line(self):
        while b"\r\n" not in self.buffer:
            self.read()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode("utf-8", "replace")

    def read(self):
        """Replies wait until nothing more lies here to be answered, as a relay with PIPELINING keeps them."""
        self.flush()
        piece = self.connection.recv(65536)
        if not piece:
            raise _Ended
        self.received.append((time.time(), piece, self.secure))
        self.buffer += piece

    def flush(self):
        waiting, self.replies = self.replies, b""
        for piece in self.relay.split(waiting) if waiting else []:
            self.connection.sendall(piece)
            if piece != waiting:
                time.sleep(0.001)

    def secure_now(self):
        self.connection = self.relay.tls.wrap_socket(self.connection, server_side=True)
        self.secure = True

    # Answers.

    def answer(self, step, usual):
        """Answers as the test has told, or as usual; the reply that was given."""
        told = self.relay.take(step)
        return self.give(usual if told is None else told(self) if callable(told) else told)

    def give(self, told):
        if isinstance(told, tuple):
            return [self.give(one) for one in told][0]
        if isinstance(told, Drip):
            self.flush()
            for byte in f"{told.reply}\r\n".encode():
                self.connection.sendall(bytes([byte]))
                self.relay.wait(told.seconds)
        elif isinstance(told, bytes):
            self.replies += told
        elif told == HANG:
            self.flush()
            while self.connection.recv(65536):
                pass
            raise _Ended
        elif told == DROP:
            self.flush()
            raise _Ended
        else:
            self.replies += f"{told}\r\n".encode()
        return told

    # Commands.

    def obey(self, line):
        self.commands.append((time.time(), line, self.secure))
        verb, _, self.argument = line.partition(" ")
        verb = verb.upper()
        handler = {"EHLO": self.hello, "STARTTLS": self.start_tls, "AUTH": self.authenticate, "MAIL": self.mail,
                   "RCPT": self.recipient, "DATA": self.data, "BDAT": self.chunk, "RSET": self.reset,
                   "QUIT": self.quit}.get(verb)
        if handler:
            handler()
        elif verb in ("HELO", "NOOP"):
            self.answer(verb, "250 surat.example")
        else:
            self.give("502 5.5.2 unknown command")

    def hello(self):
        offers = ["surat.example", *self.relay.offers, *([] if self.secure or not self.relay.tls else ["STARTTLS"])]
        lines = [f"250-{offer}" for offer in offers[:-1]] + [f"250 {offers[-1]}"]
        self.answer("EHLO", "\r\n".join(lines))

    def start_tls(self):
        answer = self.answer("STARTTLS", "220 2.0.0 go on")
        if str(answer).startswith("220") or isinstance(answer, bytes):
            self.flush()
            self.buffer = b""
            self.secure_now()

    def authenticate(self):
        """PLAIN and LOGIN as they are; what else a test says."""
        mechanism, _, first = self.argument.partition(" ")
        self.login.append((mechanism.upper(), first))
        if mechanism.upper() == "LOGIN":
            for prompt in ("VXNlcm5hbWU6", "UGFzc3dvcmQ6"):
                if not str(self.answer("AUTH-PROMPT", f"334 {prompt}")).startswith("334"):
                    return
                self.login.append(base64.b64decode(self.line()).decode())
        self.answer("AUTH", "235 2.7.0 welcome")

    def mail(self):
        answer = self.answer("MAIL", "250 2.1.0 OK")
        self.sender = None if str(answer)[:1] in "45" else _address(self.argument)
        self.accepted, self.chunks = [], []

    def recipient(self):
        if self.sender is None:
            return self.give("503 5.5.1 MAIL first")
        address = _address(self.argument)
        told = self.relay.at_recipient.get(address)
        answer = self.give(told) if told else self.answer("RCPT", "250 2.1.5 OK")
        if str(answer).startswith("25"):
            self.accepted.append(address)

    def data(self):
        answer = self.answer("DATA", "354 go on" if self.accepted else "503 5.5.1 no valid recipients")
        if not str(answer).startswith("354"):
            return
        self.buffer = b"\r\n" + self.buffer
        while b"\r\n.\r\n" not in self.buffer:
            self.read()
        content, _, self.buffer = self.buffer.partition(b"\r\n.\r\n")
        self.taken(content[2:] + b"\r\n")

    def chunk(self):
        words = self.argument.upper().split()
        size = int(words[0])
        while len(self.buffer) < size:
            self.read()
        self.chunks.append(self.buffer[:size])
        self.buffer = self.buffer[size:]
        if "LAST" in words:
            self.taken(b"".join(self.chunks), self.chunks)
        else:
            self.answer("BDAT", f"250 2.0.0 {size} octets")

    def taken(self, wire, chunks=()):
        # BDAT may come although nobody is to have it.
        usual = "250 2.0.0 taken" if self.accepted else "503 5.5.1 no valid recipients"
        taken = Taken(self.sender, list(self.accepted), wire, self.secure, time.time(), list(chunks))
        self.relay.messages.append(taken)
        taken.answer = HANG
        told = self.relay.take("content")
        taken.answer = usual if told is None else told(self) if callable(told) else told
        self.give(taken.answer)

    def reset(self):
        self.sender, self.accepted, self.chunks = None, [], []
        self.answer("RSET", "250 2.0.0 OK")

    def quit(self):
        self.answer("QUIT", ("221 2.0.0 bye", DROP))


def _address(argument):
    found = re.search(r"<(.*?)>", argument)
    return found.group(1) if found else argument


def whole(replies):
    return [replies]


def in_single_bytes(replies):
    return [bytes([byte]) for byte in replies]


class ScriptedSMTP:
    """The server; `tls` is an SSL context where STARTTLS is offered."""

    def __init__(self, tls=None, implicit_tls=False, offers=EXTENSIONS):
        self.tls, self.implicit_tls, self.usual_offers = tls, implicit_tls, tuple(offers)
        self.sessions, self.messages = [], []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.reset()
        self.listener = None
        self.port = 0
        self.listen()

    def listen(self):
        """Also again after `refuse`, at the same port."""
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(self, connection)
            self.sessions.append(session)
            threading.Thread(target=session.run, daemon=True).start()

    def refuse(self):
        """Connections are refused from now on; those that are open end."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.disconnect()

    def stop(self):
        self.stopping.set()
        self.refuse()

    def disconnect(self):
        """Ends every connection, as a relay that was restarted."""
        for session in self.sessions:
            with contextlib.suppress(OSError):
                session.connection.shutdown(socket.SHUT_RDWR)

    def wait(self, seconds):
        self.stopping.wait(seconds)

    # What a test says.

    def reset(self):
        """As usual at every step from now on."""
        self.once, self.always, self.at_recipient = {}, {}, {}
        self.offers = self.usual_offers
        self.split = whole

    def next(self, step, *answers):
        """What to answer at the next times that a step comes."""
        self.once.setdefault(step, []).extend(answers)

    def take(self, step):
        with self.lock:
            waiting = self.once.get(step)
            return waiting.pop(0) if waiting else self.always.get(step)

    # What a test asks.

    def tries(self, address):
        """The messages whose end came for an address, whatever they were answered."""
        return [m for m in self.messages if address in m.recipients]

    def to(self, address):
        """The messages that were taken for an address."""
        return [m for m in self.tries(address) if m.is_taken]

    def asked(self, verb):
        """The commands of a kind, over all connections, as (time, line, secure)."""
        return [c for s in list(self.sessions) for c in list(s.commands) if c[1].upper().split(" ")[0].split(":")[0] == verb]

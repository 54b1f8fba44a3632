"""What every mail must be, by the standards and by parsers that the project did not write."""
import email
import email.header
import email.policy
import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
DOT_ATOM = rf"{ATOM}(?:\.{ATOM})*"
MESSAGE_ID = re.compile(rf"<{DOT_ATOM}@{DOT_ATOM}>")
ENCODED_WORD = re.compile(r"=\?([^?]*)\?([BbQq])\?([^?]*)\?=")
# Once each, in every mail that is about a bulletin.
ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "List-Id", "List-Unsubscribe",
        "Auto-Submitted", "Feedback-ID", "X-Kentongan-Bulletin")
KNOWN = {name.lower() for name in ONCE} | {"list-unsubscribe-post"} | {
    "precedence", "content-language", "in-reply-to", "references", "dkim-signature", "reply-to", "importance", "priority",
    "x-priority", "content-transfer-encoding", "list-help", "list-owner", "list-archive", "archived-at", "sender",
    "organization", "expires", "x-auto-response-suppress", "x-kentongan-digest"}


def parsed(content):
    """The message by Python's strict parser, which raises on any defect; every header is parsed, every part decoded."""
    message = email.message_from_bytes(content, policy=email.policy.strict)
    for part in message.walk():
        for name, value in part.items():
            assert not getattr(value, "defects", ()), (name, str(value), value.defects)
        assert not part.defects, part.defects
        if not part.is_multipart():
            part.get_content()
    return message


def raw_headers(content):
    """(name, value as it stands, with its folds), in order."""
    head = content.partition(b"\r\n\r\n")[0].decode("utf-8")
    return [tuple(line.split(":", 1)) for line in re.split(r"\r\n(?![ \t])", head)]


def assert_lines(content):
    assert b"\r" not in content.replace(b"\r\n", b"") and b"\n" not in content.replace(b"\r\n", b""), "a bare CR or LF"
    assert b"\0" not in content
    head, _, body = content.partition(b"\r\n\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 998
    for line in head.split(b"\r\n"):
        # A word without a space in it cannot be folded (RFC 5322 section 2.2.3).
        value = line.lstrip() if line[:1].isspace() else line.partition(b": ")[2]
        assert len(line) <= 78 or b" " not in value.strip(), line
    assert all(byte < 128 for byte in head), "8-bit in the header"


def assert_encodings(message):
    for part in message.walk():
        if part.get_content_maintype() == "text":
            # Lines of texts end in CRLF before they are encoded, too (RFC 2045 section 6.8, RFC 2046 section 4.1.1).
            rest = part.get_payload(decode=True).replace(b"\r\n", b"")
            assert b"\r" not in rest and b"\n" not in rest, f"{part.get_content_type()} with bare CR or LF"
        if not part.is_multipart() and not (part["Content-Transfer-Encoding"] or "7bit").lower() == "8bit":
            assert part.as_bytes(policy=email.policy.SMTP).isascii()


def assert_encoded_words(headers):
    """RFC 2047: 75 characters at most, and whole characters in each."""
    for name, value in headers:
        for match in ENCODED_WORD.finditer(value):
            assert len(match.group()) <= 75, (name, match.group())
            (text, charset), = email.header.decode_header(match.group())
            text.decode(charset)


def assert_headers(message, content):
    names = [name.lower() for name, _ in raw_headers(content)]
    for name in ONCE:
        assert names.count(name.lower()) == 1, (name, names)
    assert set(names) <= KNOWN, set(names) - KNOWN
    (sender,) = message["From"].addresses
    (recipient,) = message["To"].addresses
    assert sender.domain and sender.username and recipient.domain
    assert MESSAGE_ID.fullmatch(message["Message-ID"].strip()), message["Message-ID"]
    for name in ("In-Reply-To", "References"):
        for word in (message[name] or "").split():
            assert MESSAGE_ID.fullmatch(word), (name, word)
    assert message["Date"].datetime.tzinfo is not None
    assert re.fullmatch(rf"(?:.* )?<{DOT_ATOM}>", message["List-Id"]), message["List-Id"]
    assert len(message["List-Id"]) <= 255
    addresses = re.findall(r"<([^<> ]+)>", message["List-Unsubscribe"])
    is_secure = any(urlsplit(a).scheme == "https" for a in addresses)
    assert message["List-Unsubscribe-Post"] == ("List-Unsubscribe=One-Click" if is_secure else None)
    assert any(urlsplit(a).scheme in ("http", "https") for a in addresses), message["List-Unsubscribe"]
    assert message["Auto-Submitted"] == "auto-generated" and message["MIME-Version"] == "1.0"
    # Of Gmail's form: at most four words by colons, the last who sends.
    assert re.fullmatch(r"[^:\s]*(?::[^:\s]*){0,2}:[^:\s]{5,15}", message["Feedback-ID"]), message["Feedback-ID"]


def assert_sound(mail, near=60):
    """A mail about a bulletin, as the wire had it; parsed."""
    content = mail.content
    assert_lines(content)
    message = parsed(content)
    assert_encodings(message)
    assert_encoded_words(raw_headers(content))
    assert_headers(message, content)
    assert abs(message["Date"].datetime.timestamp() - mail.time) <= near
    assert [part.get_content_type() for part in alternative(message).iter_parts()] == ["text/plain", "text/html"]
    return message


def alternative(message):
    """The text and the HTML; what comes with them is beside them."""
    if message.get_content_type() == "multipart/mixed":
        first, *_ = message.iter_parts()
        return first
    return message


class Page(HTMLParser):
    """What a reader sees of HTML without pictures, and where its links lead."""
    HIDDEN = {"style", "script", "title", "head"}
    VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.text, self.links, self.tags, self.attributes, self._open = "", [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        self.links += [value for name, value in attributes if name in ("href", "src")]
        if tag not in self.VOID:
            self._open.append(tag)
        self.text += " "

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self._open and self._open[-1] == tag, f"</{tag}> closes {self._open}"
            self._open.pop()
        self.text += " "

    def handle_data(self, data):
        if not self.HIDDEN & set(self._open):
            self.text += data


def bodies(message):
    """(text, Page)"""
    plain, html = alternative(message).iter_parts()
    return plain.get_content(), Page(html.get_content())


def flat(text):
    """With one space for any space, so that wrapping does not matter."""
    return " ".join(text.split())


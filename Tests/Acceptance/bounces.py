"""The reports of Tests/Fixtures/bounces, about the mails of a test's own."""
import base64
import json
from pathlib import Path

BOUNCES = Path(__file__).resolve().parents[1] / "Fixtures/bounces"
STATUS = b"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; @RECIPIENT@\nAction: failed\nStatus: 5.1.1\n"


def corpus():
    return json.loads((BOUNCES / "expected.json").read_text())


def fill(template, return_path, recipient, message_id):
    for name, value in (("RETURN_PATH", return_path), ("RECIPIENT", recipient), ("MESSAGE_ID", message_id)):
        template = template.replace(f"@{name}@".encode(), value.encode())
    return template


def about(file, mail):
    """A report of the corpus about a mail that was sent."""
    names = mail.sender, mail.recipients[0], mail.message["Message-ID"]
    status = base64.encodebytes(fill(STATUS, *names))
    return fill((BOUNCES / file).read_bytes(), *names).replace(b"@BASE64_REPORT@\n", status)


def forged(return_path):
    """The same with another signature."""
    name, _, domain = return_path.partition("@")
    return f"{name[:-1]}{'0' if name[-1] != '0' else '1'}@{domain}"

"""A mail server that keeps what it gets and answers as a test says."""
import asyncio
import email
import email.policy
import time
from dataclasses import dataclass

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from broker import free_port


@dataclass
class Mail:
    sender: str
    recipient: str
    content: bytes
    answer: str
    time: float

    @property
    def message(self):
        return email.message_from_bytes(self.content, policy=email.policy.default)


class _LoopbackController(Controller):
    def factory(self):
        return SMTP(self.handler, hostname="surat.example", enable_SMTPUTF8=True)


class MailServer:
    def __init__(self):
        self.mails = []
        self.recipients_tried = []
        # (address, time) of each RCPT.
        self.tries = []
        # Seconds that taking a mail needs.
        self.slowness = 0
        # What to answer an address at RCPT, or after its data; called with the number of earlier tries.
        self.at_recipient = {}
        self.at_data = {}
        self.controller = _LoopbackController(self, hostname="127.0.0.1", port=free_port())
        self.port = self.controller.port
        self.controller.start()

    def stop(self):
        self.controller.stop()

    def to(self, recipient):
        """The mails that were taken for an address."""
        return [mail for mail in self.mails if mail.recipient == recipient and mail.answer.startswith("250")]

    async def handle_RCPT(self, server, session, envelope, address, options):
        tries = self.recipients_tried.count(address)
        self.recipients_tried.append(address)
        self.tries.append((address, time.time()))
        answer = self.at_recipient[address](tries) if address in self.at_recipient else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        await asyncio.sleep(self.slowness)
        answer = "250 OK"
        for recipient in envelope.rcpt_tos:
            if recipient in self.at_data:
                answer = self.at_data[recipient](sum(mail.recipient == recipient for mail in self.mails))
        for recipient in envelope.rcpt_tos:
            self.mails.append(Mail(envelope.mail_from, recipient, bytes(envelope.content), answer, time.time()))
        return answer

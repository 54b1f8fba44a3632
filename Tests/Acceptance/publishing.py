"""Publishing with pika as a publisher's program would, and reading the receipts that come back."""
import json
import time
import uuid

import pika

from broker import WORKER

INTAKE = "kentongan.intake"


def event_of(receipt):
    return receipt["type"].removeprefix("id.kentongan.receipt.").removesuffix(".v1")


class Publishing:
    """Publishes to one virtual host; receipts come to a reply queue of `reader`'s and are told apart by correlation id."""

    def __init__(self, host, reader=WORKER):
        self.host, self.reader = host, reader
        self.receipts = {}
        self.queue = host.channel(reader).queue_declare("", exclusive=True).method.queue

    def send(self, bulletin, user=None, key=None, exchange=INTAKE, **properties):
        """Publishes a bulletin, or bytes as they are; returns the correlation id. `user=None` means the publisher."""
        body = bulletin if isinstance(bulletin, bytes) else json.dumps(bulletin, ensure_ascii=False).encode()
        user = user or bulletin["publisher"]
        correlation = str(uuid.uuid4())
        properties = {"user_id": user, "content_type": "application/json", "delivery_mode": 2,
                      "reply_to": self.queue, "correlation_id": correlation} | properties
        self.host.channel(user).basic_publish(
            exchange, key or self.key(bulletin), body, pika.BasicProperties(**properties), mandatory=True)
        return correlation

    @staticmethod
    def key(bulletin):
        kind = "emergency" if bulletin.get("urgency") == "emergency" else bulletin["kind"]
        return f"{kind}.{bulletin['publisher']}"

    def wait(self, correlation, *events, timeout=30):
        """The first receipt of one of the events about a message; all events are kept."""
        deadline = time.monotonic() + timeout
        while True:
            for event, receipt in self.receipts.get(correlation, []):
                if event in events:
                    return receipt
            seen = [event for event, _ in self.receipts.get(correlation, [])]
            assert time.monotonic() < deadline, f"no receipt {' or '.join(events)} in {timeout} s; there came {seen}"
            if not self.collect():
                time.sleep(0.05)

    def collect(self):
        """Takes what lies in the reply queue; the number taken."""
        taken = 0
        while True:
            method, properties, body = self.host.channel(self.reader).basic_get(self.queue, auto_ack=True)
            if method is None:
                return taken
            receipt = json.loads(body)
            self.receipts.setdefault(properties.correlation_id, []).append((event_of(receipt), receipt))
            taken += 1

    def events(self, correlation):
        self.collect()
        return [event for event, _ in self.receipts.get(correlation, [])]

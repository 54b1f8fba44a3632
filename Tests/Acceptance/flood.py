"""Publishing many bulletins fast: confirms are awaited in a window, not one by one."""
import json

import pika

from publishing import INTAKE

WINDOW = 500


class _Flood:
    def __init__(self, host, user, bulletins, key, on_confirm, message):
        self.user, self.key, self.on_confirm, self.message = user, key, on_confirm, message
        self.bulletins, self.sent = iter(bulletins), 0
        self.pending, self.confirmed, self.fault, self.returned = {}, 0, None, 0
        self.connection = pika.SelectConnection(
            host.parameters(user), on_open_callback=lambda c: c.channel(on_open_callback=self.opened),
            on_open_error_callback=lambda _, fault: self.end(fault), on_close_callback=self.closed)

    def opened(self, channel):
        self.channel = channel
        channel.add_on_close_callback(lambda _, reason: self.end(reason))
        channel.add_on_return_callback(self.came_back)
        channel.confirm_delivery(self.answered, callback=lambda _: self.fill())

    def came_back(self, *_):
        self.returned += 1
        self.end("a message came back as unroutable")

    def fill(self):
        while len(self.pending) < WINDOW:
            bulletin = next(self.bulletins, None)
            if bulletin is None:
                if not self.pending:
                    self.end(None)
                return
            self.sent += 1
            self.pending[self.sent] = bulletin
            body, properties = self.message(bulletin)
            properties = {"user_id": self.user, "content_type": "application/json", "delivery_mode": 2} | properties
            self.channel.basic_publish(INTAKE, self.key, body, pika.BasicProperties(**properties), mandatory=True)

    def answered(self, frame):
        if isinstance(frame.method, pika.spec.Basic.Nack):
            return self.end("the broker refused a message")
        last = frame.method.delivery_tag
        for tag in [t for t in self.pending if t <= last] if frame.method.multiple else [last]:
            self.confirmed += 1
            self.on_confirm(self.pending.pop(tag))
        self.fill()

    def end(self, fault):
        self.fault = self.fault or fault
        if self.connection.is_open:
            self.connection.close()
        elif not self.connection.is_closing:
            self.connection.ioloop.stop()

    def closed(self, connection, _):
        connection.ioloop.stop()


def plain(bulletin):
    return json.dumps(bulletin).encode(), {}


def flood(host, user, bulletins, key, on_confirm, message=plain):
    """Publishes all of them; `on_confirm(bulletin)` for each that the broker has taken; their number.

    `message(bulletin)` makes the body, and the properties beside the usual ones.
    """
    flood = _Flood(host, user, bulletins, key, on_confirm, message)
    flood.connection.ioloop.start()
    # A clean end closes the channel, which is no fault.
    done = flood.confirmed == flood.sent and not flood.pending and not flood.returned
    assert done, f"publishing stopped after {flood.confirmed} of {flood.sent}: {flood.fault}"
    return flood.confirmed

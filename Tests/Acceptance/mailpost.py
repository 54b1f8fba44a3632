"""Mails to subscribers that each live alone in a region, through a running worker."""
import csv
import io
import itertools
import json

from bulletins import bulletin, identity
from deliveries import row, rows
from oracle import rows as registry
from waiting import eventually

COUNT = 400
# Kabupaten, one a subscriber; what is below 35 (Jawa Timur) is the first.
REGIONS = [r["code"] for r in registry("regions.csv") if r["code"].count(".") == 1][:COUNT]


class Post:
    """Subscribers by the hundred, of which each test takes its own."""

    def __init__(self, worker, publishing):
        self.worker, self.publishing = worker, publishing
        self.places = zip(REGIONS, (f"w{number}@w.example" for number in itertools.count()))
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["channel", "address", "region", "field"])
        writer.writerows(["email", f"w{number}@w.example", region, "*"] for number, region in enumerate(REGIONS))
        path = worker.folder / "subscribers.csv"
        path.write_text(text.getvalue())
        worker.command("subscriptions", "import", path)

    def place(self):
        """A region, and the address of its only subscriber."""
        return next(self.places)

    def send(self, region, **members):
        """Publishes; the bulletin."""
        sent = bulletin(**{"regions": [region] if isinstance(region, str) else list(region)} | members)
        self.last = self.publishing.send(sent)
        return sent

    def completed(self, timeout=30):
        """Waits until what was sent last has come to its end."""
        return self.publishing.wait(self.last, "completed", timeout=timeout)["data"]

    def deliver(self, timeout=30, **members):
        """A bulletin to somebody new, when it has come to its end: (address, delivery)."""
        region, address = self.place()
        sent = self.send(region, **members)
        self.completed(timeout)
        return address, row(self.worker, sent)

    def show(self, delivery):
        return json.loads(self.worker.command("deliveries", "show", delivery["id"], "--json").stdout)

    def state(self, sent):
        return row(self.worker, sent)

    def states(self, sent):
        return {r["endpoint"]: r for r in rows(self.worker, sent)}

    def identity(self, sent):
        return identity(sent)

    def eventually(self, sent, state, timeout=20):
        return eventually(lambda: (r := row(self.worker, sent))["state"] == state and r, timeout=timeout, every=0.5,
                          what=lambda: rows(self.worker, sent))

"""About sixty subscriptions around the samples: their regions, what lies above and below, and bystanders."""
import dataclasses
import random

from bulletins import samples
from oracle import Subscription, rows

REACHES = ("both", "both", "both", "upward", "downward")
KINDS = (("announcement", "proposal"), ("announcement", "proposal"), ("announcement",), ("proposal",))
URGENCIES = ("routine", "routine", "routine", "important", "emergency")
EMAILS, HOOKS, FEEDS = 24, 12, 6


def subscriptions(hook_url):
    """Email subscriptions one by one, then one group for each webhook and feed endpoint."""
    rng = random.Random(20261123)
    places = _places(rng)
    emails = [_email(rng, places, number) for number in range(EMAILS)]
    # An endpoint with several subscriptions that match the same bulletin gets it once all the same.
    for first in emails[: EMAILS // 2]:
        others = [place for place in places if place != (first.region, first.field)]
        emails.append(dataclasses.replace(_email(rng, others, 0), address=first.address))
    emails += [Subscription("email", "semua@warga.example", "ID")]
    hooks = [_group(rng, places, "webhook", f"{hook_url}/hook/{number}") for number in range(HOOKS)]
    feeds = [_group(rng, places, "feed", f"feed-{number}") for number in range(FEEDS)]
    return emails, hooks, feeds


def _places(rng):
    """(region, field) around each sample, with a sibling that must not hear it."""
    codes = [row["code"] for row in rows("regions.csv")]
    fields = [row["code"] for row in rows("fields.csv")]
    found = []
    for _, sample in samples():
        region = {"92.71": "96.71"}.get(sample["regions"][0], sample["regions"][0])
        parent = region.rpartition(".")[0] or "ID"
        children = [c for c in codes if c.startswith(region + ".")][:1] or codes[:1]
        sibling = rng.choice([c for c in codes if c.rpartition(".")[0] == region.rpartition(".")[0] and c != region])
        field = rng.choice(sample["fields"])
        for place in (region, parent, children[0], sibling):
            found.append((place, rng.choice([field, field.partition(".")[0], "*", rng.choice(fields)])))
    return found


def _email(rng, places, number):
    region, field = rng.choice(places)
    return Subscription("email", f"warga{number}@warga.example", region, field, rng.choice(KINDS),
                        rng.choice(REACHES), rng.choice(URGENCIES))


def _group(rng, places, channel, address):
    """What one `subscriptions add` makes: every region with every field."""
    chosen = rng.sample(places, 2)
    regions, fields = sorted({r for r, _ in chosen}), sorted({f for _, f in chosen})
    kinds, reach, urgency = rng.choice(KINDS), rng.choice(REACHES), rng.choice(URGENCIES[:4])
    return [Subscription(channel, address, r, f, kinds, reach, urgency) for r in regions for f in fields]

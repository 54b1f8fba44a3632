"""Whom a bulletin reaches, worked out from the contract alone: an oracle that shares no code with the program."""
import csv
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "config/data"
URGENCIES = ("routine", "important", "emergency")


@dataclass(frozen=True)
class Subscription:
    channel: str
    address: str
    region: str
    field: str = "*"
    kinds: tuple = ("announcement", "proposal")
    reach: str = "both"
    urgency: str = "routine"

    @property
    def endpoint(self):
        return (self.channel, self.address)


def rows(name):
    with open(DATA / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def covers(region, other):
    """Whether a region is the other or contains it."""
    return region in ("ID", other) or other.startswith(region + ".")


class Oracle:
    def __init__(self, subscriptions):
        self.subscriptions = list(subscriptions)
        self.regions = {"ID"} | {row["code"] for row in rows("regions.csv")}
        self.successors = {}
        for row in rows("region-successors.csv"):
            if row["old_code"] not in self.regions:
                self.successors.setdefault(row["old_code"], []).append(row["new_code"])
        # By bulletin: whoever got some revision of it.
        self.reached = {}

    def publish(self, bulletin):
        """The endpoints of this revision, as (channel, address); remembered for what follows it."""
        name = f"{bulletin['publisher']}/{bulletin['id']}"
        earlier = self.reached.get(name, set())
        if bulletin.get("status") == "withdrawn":
            return set(earlier)
        endpoints = {s.endpoint for s in self.subscriptions if self.matches(s, bulletin)} | earlier
        if "inReplyTo" in bulletin:
            endpoints |= self.reached.get(bulletin["inReplyTo"], set())
        self.reached[name] = earlier | endpoints
        return endpoints

    def matches(self, subscription, bulletin):
        return (
            bulletin["kind"] in subscription.kinds
            and URGENCIES.index(bulletin.get("urgency", "routine")) >= URGENCIES.index(subscription.urgency)
            and any(self.in_reach(subscription, region) for region in self.resolved(bulletin))
            and any(self.in_field(subscription.field, field) for field in bulletin["fields"]))

    def resolved(self, bulletin):
        """The bulletin's regions, with what became of retired ones in their place."""
        return [new for code in bulletin["regions"] for new in self.successors.get(code, [code])]

    @staticmethod
    def in_reach(subscription, region):
        upward = covers(region, subscription.region)
        downward = covers(subscription.region, region)
        return {"upward": upward, "downward": downward, "both": upward or downward}[subscription.reach]

    @staticmethod
    def in_field(wanted, field):
        return wanted in ("*", field) or field.startswith(wanted + ".")

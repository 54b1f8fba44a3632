"""What both of the race's other workers share: the store, the check of a bulletin, and the mail. race.py names everything in
the environment."""
import os
import sqlite3
import sys
from email.message import EmailMessage

import fastjsonschema

AMQP, QUEUE, STORE = os.environ["RACE_AMQP"], os.environ["RACE_QUEUE"], os.environ["RACE_STORE"]
MAIL_PORT = int(os.environ["RACE_MAIL_PORT"])
SENDER = "kabar@kentongan.example"

validate = fastjsonschema.compile({
    "type": "object", "required": ["id", "kind", "publisher", "title", "body", "regions", "fields"],
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 64}, "kind": {"enum": ["announcement", "proposal"]},
        "publisher": {"type": "string"}, "title": {"type": "string", "maxLength": 200},
        "body": {"type": "string", "maxLength": 65536}, "issuedAt": {"type": "string", "format": "date-time"},
        "regions": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": r"^\d\d([.]\d\d){0,2}([.]\d{4})?$"}},
        "fields": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "urgency": {"enum": ["routine", "important", "emergency"]}}})

SCHEMA = """
CREATE TABLE subscription(id INTEGER PRIMARY KEY, region TEXT NOT NULL, field TEXT NOT NULL, channel TEXT NOT NULL,
    target TEXT NOT NULL, active INTEGER NOT NULL DEFAULT 1);
CREATE INDEX subscription_match ON subscription(field, region, active);
CREATE TABLE message(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body TEXT NOT NULL, received_at REAL NOT NULL);
CREATE TABLE delivery(id INTEGER PRIMARY KEY, message INTEGER NOT NULL, subscription INTEGER NOT NULL, channel TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending', attempts INTEGER NOT NULL DEFAULT 0, due_at REAL NOT NULL, done_at REAL,
    error TEXT, UNIQUE(message, subscription));
CREATE INDEX delivery_due ON delivery(due_at) WHERE state = 'pending';
"""
PRAGMAS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "PRAGMA cache_size = -32768",
           "PRAGMA temp_store = MEMORY")
MATCH = """
INSERT OR IGNORE INTO delivery(message, subscription, channel, due_at)
SELECT ?, id, channel, ? FROM subscription WHERE field = ? AND region IN (?, ?, ?) AND active = 1
"""


def connect():
    store = sqlite3.connect(STORE, isolation_level=None, timeout=60)
    for pragma in PRAGMAS:
        store.execute(pragma)
    return store


def load():
    """A new store with the subscriptions of standard input: lines of CHANNEL,TARGET,REGION,FIELD."""
    store = connect()
    store.executescript(SCHEMA)
    store.execute("BEGIN")
    store.executemany("INSERT INTO subscription(channel, target, region, field) VALUES(?, ?, ?, ?)",
                      (line.rstrip("\n").split(",") for line in sys.stdin))
    store.execute("COMMIT")
    store.execute("ANALYZE")
    store.close()


def prefixes(region):
    """The codes of its province, regency and district, which are what subscriptions name."""
    parts = region.split(".")
    return ([".".join(parts[:count + 1]) for count in range(len(parts))] + ["", ""])[:3]


def mail(bulletin):
    """A mail without what differs between recipients: To and Message-ID."""
    made = EmailMessage()
    made["From"], made["Subject"] = SENDER, bulletin["title"]
    made["Date"] = "Mon, 23 Nov 2026 17:00:00 +0000"
    made.set_content(bulletin["body"])
    return made

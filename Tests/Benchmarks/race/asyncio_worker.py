"""What somebody would write instead: a worker in asyncio that takes bulletins from a queue, keeps them and their deliveries
in SQLite, and sends them as webhooks and mails. Started by race.py, which names everything in the environment.

It is written for speed: intake and outcomes share transactions, messages are acknowledged after the commit, a bulletin is
rendered once. It does less than a finished worker: deliveries that were under way at a crash are not found again, no
receipts, no record of each attempt, no order of urgency, and synchronous=NORMAL, so that a power cut loses the last commits.
"""
import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
from email.message import EmailMessage

import aio_pika
import aiohttp
import aiosmtplib
import aiosqlite
import fastjsonschema
import uvloop

AMQP, QUEUE, STORE = os.environ["RACE_AMQP"], os.environ["RACE_QUEUE"], os.environ["RACE_STORE"]
MAIL_PORT = int(os.environ["RACE_MAIL_PORT"])
HOOKS, MAILS, BATCH, MOST_TRIES = 32, 8, 64, 8

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


def load(rows):
    """A new store with these subscriptions: (channel, target, region, field)."""
    store = sqlite3.connect(STORE)
    for pragma in PRAGMAS:
        store.execute(pragma)
    store.executescript(SCHEMA)
    store.executemany("INSERT INTO subscription(channel, target, region, field) VALUES(?, ?, ?, ?)", rows)
    store.commit()
    store.execute("ANALYZE")
    store.close()


def prefixes(region):
    parts = region.split(".")
    return ([".".join(parts[:count + 1]) for count in range(len(parts))] + ["", ""])[:3]


def rendered(bulletin):
    """A mail without what differs between recipients."""
    made = EmailMessage()
    made["From"], made["Subject"] = "kabar@kentongan.example", bulletin["title"]
    made["Date"] = "Mon, 23 Nov 2026 17:00:00 +0000"
    made.set_content(bulletin["body"])
    return bytes(made).replace(b"\n", b"\r\n")


async def drain(queue, most):
    taken = [await queue.get()]
    while len(taken) < most and not queue.empty():
        taken.append(queue.get_nowait())
    return taken


class Worker:
    def __init__(self, store):
        self.store = store
        # One transaction at a time on the one connection.
        self.lock = asyncio.Lock()
        self.incoming, self.outcomes = asyncio.Queue(), asyncio.Queue()
        self.hooks, self.mails = asyncio.Queue(4000), asyncio.Queue(4000)

    async def intake(self):
        while True:
            good = []
            for message in await drain(self.incoming, BATCH):
                try:
                    good.append((message, validate(json.loads(message.body))))
                except ValueError:
                    await message.reject(requeue=False)
            if good:
                await self.take(good)

    async def take(self, good):
        async with self.lock:
            numbers, deliveries = await self.keep(good)
        for message, _ in good:
            await message.ack()
        bulletins = {numbers[one["id"]]: (message.body, rendered(one), one["id"]) for message, one in good}
        for delivery, number, channel, target in deliveries:
            queue = self.hooks if channel == "webhook" else self.mails
            await queue.put((delivery, target, bulletins[number], 1))

    async def keep(self, good):
        now, names, store = time.time(), [one["id"] for _, one in good], self.store
        await store.execute("BEGIN IMMEDIATE")
        await store.executemany(
            "INSERT INTO message(name, body, received_at) VALUES(?, ?, ?) ON CONFLICT DO NOTHING",
            [(one["id"], message.body.decode(), now) for message, one in good])
        marks = ",".join("?" * len(names))
        numbers = dict(await store.execute_fetchall(f"SELECT name, id FROM message WHERE name IN ({marks})", names))
        await store.executemany(
            MATCH, [(numbers[one["id"]], now, one["fields"][0], *prefixes(one["regions"][0])) for _, one in good])
        deliveries = await store.execute_fetchall(
            f"""SELECT d.id, d.message, d.channel, s.target FROM delivery d JOIN subscription s ON s.id = d.subscription
            WHERE d.message IN ({",".join("?" * len(numbers))}) AND d.state = 'pending'""", list(numbers.values()))
        await store.execute("COMMIT")
        return numbers, deliveries

    async def hook(self, session):
        while True:
            delivery, target, bulletin, tries = await self.hooks.get()
            headers = {"Content-Type": "application/json", "X-Delivery-Id": str(delivery)}
            try:
                async with session.post(target, data=bulletin[0], headers=headers) as answer:
                    answer.raise_for_status()
                    await answer.read()
            except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
                self.retry(self.hooks, delivery, target, bulletin, tries, error)
            else:
                self.outcomes.put_nowait(("delivered", time.time(), None, delivery))

    async def mail(self):
        client = None
        while True:
            delivery, target, bulletin, tries = await self.mails.get()
            head = f"To: {target}\r\nMessage-ID: <{bulletin[2]}.{delivery}@kentongan.example>\r\n".encode()
            try:
                if client is None:
                    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=MAIL_PORT, timeout=10, start_tls=False, use_tls=False)
                    await client.connect()
                await client.sendmail("kabar@kentongan.example", [target], head + bulletin[1])
            except (aiosmtplib.SMTPException, OSError) as error:
                client = None
                self.retry(self.mails, delivery, target, bulletin, tries, error)
            else:
                self.outcomes.put_nowait(("delivered", time.time(), None, delivery))

    def retry(self, queue, delivery, target, bulletin, tries, error):
        isOver = tries == MOST_TRIES
        self.outcomes.put_nowait(("failed" if isOver else "pending", time.time(), repr(error)[:200], delivery))
        if not isOver:
            asyncio.get_running_loop().call_later(
                2 ** tries, lambda: asyncio.ensure_future(queue.put((delivery, target, bulletin, tries + 1))))

    async def record(self):
        while True:
            batch = await drain(self.outcomes, 1000)
            async with self.lock:
                await self.store.execute("BEGIN IMMEDIATE")
                await self.store.executemany(
                    "UPDATE delivery SET state = ?, done_at = ?, attempts = attempts + 1, error = ? WHERE id = ?", batch)
                await self.store.execute("COMMIT")
            await asyncio.sleep(0.01)

    async def run(self):
        broker = await aio_pika.connect_robust(AMQP)
        channel = await broker.channel()
        await channel.set_qos(prefetch_count=128)
        queue = await channel.get_queue(QUEUE)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        limits = {"connector": aiohttp.TCPConnector(limit=HOOKS), "timeout": aiohttp.ClientTimeout(total=10)}
        async with aiohttp.ClientSession(**limits) as session, asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in (
                self.intake(), self.record(), *(self.hook(session) for _ in range(HOOKS)), *(self.mail() for _ in range(MAILS)))]
            await queue.consume(self.incoming.put)
            await stop.wait()
            for task in tasks:
                task.cancel()
        await broker.close()


async def main():
    async with aiosqlite.connect(STORE, isolation_level=None) as store:
        for pragma in PRAGMAS:
            await store.execute(pragma)
        await Worker(store).run()


if __name__ == "__main__":
    if sys.argv[1:] == ["load"]:
        load(line.rstrip("\n").split(",") for line in sys.stdin)
    else:
        uvloop.run(main())

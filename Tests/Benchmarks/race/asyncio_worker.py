"""What somebody would write instead: a worker in asyncio that takes bulletins from a queue, keeps them and their deliveries
in SQLite, and sends them as webhooks and mails. Started by race.py, which names everything in the environment.

It is written for speed: intake and outcomes share transactions, messages are acknowledged after the commit, a bulletin is
rendered once. It does less than a finished worker: deliveries that were under way at a crash are not found again, no
receipts, no record of each attempt, no order of urgency, and synchronous=NORMAL, so that a power cut loses the last commits.
"""
import asyncio
import json
import signal
import sys
import time

import aio_pika
import aiohttp
import aiosmtplib
import aiosqlite
import uvloop

from common import AMQP, MAIL_PORT, MATCH, PRAGMAS, QUEUE, SENDER, STORE, load, mail, prefixes, validate

HOOKS, MAILS, BATCH, MOST_TRIES = 32, 8, 64, 8


def rendered(bulletin):
    return bytes(mail(bulletin)).replace(b"\n", b"\r\n")


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
                await client.sendmail(SENDER, [target], head + bulletin[1])
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
        load()
    else:
        uvloop.run(main())

"""What most would write: Celery with a task per delivery. One task keeps a bulletin, finds its subscriptions and puts a task
per delivery on the queue of its channel; that task sends it and records the outcome. Started by race.py as

    python celery_worker.py load < SUBSCRIPTIONS           makes the store
    python celery_worker.py publish RATE < BULLETINS       puts a task per bulletin on the queue; prints ID NANOSECONDS
    celery --app celery_worker worker --concurrency 2      the worker

Tasks are acknowledged late, so that a crash repeats them, and are retried with growing pauses. It does less than a finished
worker: no receipts, no record of each attempt, no order of urgency, and synchronous=NORMAL. A crash between the commit and
the last task of a bulletin is made good by the repeated task.
"""
import json
import smtplib
import sys
import time

import requests
from celery import Celery
from celery.signals import worker_process_init
from kombu import Queue

from common import AMQP, MAIL_PORT, MATCH, QUEUE, SENDER, connect, load, mail, prefixes, validate

HOOKS, MAILS = f"{QUEUE}.hooks", f"{QUEUE}.mails"
MOST_TRIES = 8

app = Celery("race", broker=AMQP)
app.conf.update(
    task_default_queue=QUEUE, task_queues=[Queue(name) for name in (QUEUE, HOOKS, MAILS)],
    task_routes={"race.hook": {"queue": HOOKS}, "race.mail": {"queue": MAILS}},
    task_acks_late=True, task_ignore_result=True, worker_prefetch_multiplier=8, worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True)

# Of each process of the pool: its store, its session of HTTP, and its session of SMTP.
store = hooks = relay = None


@worker_process_init.connect
def open_store(**_):
    global store, hooks
    store, hooks = connect(), requests.Session()
    hooks.trust_env = False


@app.task(name="race.intake")
def intake(text):
    try:
        bulletin = validate(json.loads(text))
    except ValueError:
        return
    number = keep(bulletin, text)
    deliveries = store.execute("SELECT id, channel FROM delivery WHERE message = ? AND state = 'pending'", (number,)).fetchall()
    with app.producer_pool.acquire(block=True) as producer:
        for delivery, channel in deliveries:
            (send_hook if channel == "webhook" else send_mail).apply_async((delivery,), producer=producer)


def keep(bulletin, text):
    now = time.time()
    store.execute("BEGIN IMMEDIATE")
    try:
        store.execute("INSERT INTO message(name, body, received_at) VALUES(?, ?, ?) ON CONFLICT DO NOTHING",
                      (bulletin["id"], text, now))
        number, = store.execute("SELECT id FROM message WHERE name = ?", (bulletin["id"],)).fetchone()
        store.execute(MATCH, (number, now, bulletin["fields"][0], *prefixes(bulletin["regions"][0])))
        store.execute("COMMIT")
    except BaseException:
        store.execute("ROLLBACK")
        raise
    return number


def pending(delivery):
    """The bulletin and the target of a delivery; None if it was sent before."""
    return store.execute(
        """SELECT m.body, s.target FROM delivery d JOIN message m ON m.id = d.message
        JOIN subscription s ON s.id = d.subscription WHERE d.id = ? AND d.state = 'pending'""", (delivery,)).fetchone()


def delivered(delivery):
    store.execute("UPDATE delivery SET state = 'delivered', attempts = attempts + 1, done_at = ? WHERE id = ?",
                  (time.time(), delivery))


def again(task, delivery, error):
    store.execute("UPDATE delivery SET attempts = attempts + 1, error = ? WHERE id = ?", (repr(error)[:200], delivery))
    return task.retry(exc=error, countdown=2 ** task.request.retries, max_retries=MOST_TRIES)


@app.task(name="race.hook", bind=True)
def send_hook(self, delivery):
    if not (found := pending(delivery)):
        return
    body, target = found
    try:
        answer = hooks.post(target, data=body.encode(), timeout=10,
                            headers={"Content-Type": "application/json", "X-Delivery-Id": str(delivery)})
        answer.raise_for_status()
    except requests.RequestException as error:
        raise again(self, delivery, error)
    delivered(delivery)


@app.task(name="race.mail", bind=True)
def send_mail(self, delivery):
    global relay
    if not (found := pending(delivery)):
        return
    bulletin, target = json.loads(found[0]), found[1]
    made = mail(bulletin)
    made["To"], made["Message-ID"] = target, f"<{bulletin['id']}.{delivery}@kentongan.example>"
    try:
        if relay is None:
            relay = smtplib.SMTP("127.0.0.1", MAIL_PORT, timeout=10)
        relay.send_message(made, SENDER, [target])
    except (smtplib.SMTPException, OSError) as error:
        relay = None
        raise again(self, delivery, error)
    delivered(delivery)


def publish(rate):
    started = time.monotonic()
    with app.producer_pool.acquire(block=True) as producer:
        for number, line in enumerate(sys.stdin):
            time.sleep(max(0, started + number / rate - time.monotonic()))
            print(json.loads(line)["id"], time.time_ns())
            intake.apply_async((line,), producer=producer)


if __name__ == "__main__":
    load() if sys.argv[1] == "load" else publish(float(sys.argv[2]))

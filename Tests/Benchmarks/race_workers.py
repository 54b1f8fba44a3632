"""The contestants of the race: how each is prepared, published to and started. All of them have `publish`, `worker` (a context
manager) and `store`."""
import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import engine
from engine import BROKER_PORT, PROJECT

HERE = Path(__file__).with_name("race")
PYTHON = Path(os.environ.get("RACE_PYTHON", PROJECT / ".build/race-venv/bin/python"))
HTTP_PORT, MAIL_PORT, PORTAL_PORT = 5732, 5733, 5734
# Of every release: earlier ones had no role of fan-out of its own.
ROLES = os.environ.get("RACE_ROLES", "intake,fanout,delivery,portal")
AMQP = f"amqp://guest:guest@127.0.0.1:{BROKER_PORT}/"
BURST = 1_000_000


class Kentongan(engine.Run):
    """With its defaults and all roles; KENTONGAN_WEBHOOKS_PER_HOST and the like in the environment change it."""
    title = "Kentongan"
    # Of the bulletins of a burst, and bulletins per second at a steady rate.
    share, rate = 1, 20

    def __init__(self, folder, name, lines):
        super().__init__(folder, name)
        del self.environment["KENTONGAN_MAIL_FOLDER"]
        self.environment |= {"KENTONGAN_SMTP_URL": f"smtp://127.0.0.1:{MAIL_PORT}",
                             "KENTONGAN_MAIL_FROM": "kabar@kentongan.example",
                             "KENTONGAN_HTTP_LISTEN": f"127.0.0.1:{PORTAL_PORT}"}
        (self.folder / "s.csv").write_text("\n".join(["channel,address,region,field", *lines]) + "\n")
        self.command("subscriptions", "import", self.folder / "s.csv")

    def publish(self, bulletins, rate=BURST):
        return super().publish(bulletins, rate)

    def worker(self):
        return super().worker(ROLES)


class Peer:
    """A worker in Python, on a queue and a store of its own."""
    share, rate = 1, 20

    def __init__(self, folder, name, lines):
        self.folder = folder / name
        self.folder.mkdir()
        self.store, self.log, self.queue = self.folder / "store.db", self.folder / "log", name
        self.environment = os.environ | {
            "RACE_AMQP": AMQP, "RACE_QUEUE": name, "RACE_STORE": str(self.store), "RACE_MAIL_PORT": str(MAIL_PORT),
            "PYTHONDONTWRITEBYTECODE": "1"}
        self.run(PYTHON, self.script, "load", lines=lines)

    def run(self, *command, lines):
        done = subprocess.run([str(part) for part in command], env=self.environment, check=True, text=True, cwd=HERE,
                              input="".join(f"{line}\n" for line in lines), stdout=subprocess.PIPE)
        return {name: int(at) for name, at in map(str.split, done.stdout.splitlines())}

    @contextmanager
    def worker(self):
        with open(self.log, "w") as log:
            worker = subprocess.Popen(self.command, env=self.environment, cwd=HERE, stdout=log, stderr=log)
        try:
            yield worker
        finally:
            worker.terminate()
            worker.wait()


class Asyncio(Peer):
    title, script = "asyncio", "asyncio_worker.py"
    command = [PYTHON, script]

    def __init__(self, folder, name, lines):
        super().__init__(folder, name, lines)
        subprocess.run(["amqp-declare-queue", "-u", AMQP.rstrip("/"), "-q", name, "-d"], check=True, stdout=subprocess.DEVNULL)

    def publish(self, bulletins, rate=BURST):
        # Through the exchange that has no name a routing key is a queue's name.
        return self.run(self.folder.parent / "publisher", BROKER_PORT, self.queue, rate, "", lines=map(json.dumps, bulletins))


class Celery(Peer):
    """Takes a tenth of the others' bulletins, since it is about twenty times slower, and 3 per second at a steady rate."""
    title, script = "Celery", "celery_worker.py"
    share, rate = 0.1, 3
    command = [PYTHON, "-m", "celery", "--app", "celery_worker", "worker", "--concurrency", "2", "--loglevel", "ERROR",
               "--without-gossip", "--without-mingle", "--without-heartbeat"]

    def publish(self, bulletins, rate=BURST):
        return self.run(PYTHON, self.script, "publish", rate, lines=map(json.dumps, bulletins))

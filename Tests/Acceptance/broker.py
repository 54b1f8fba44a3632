"""A RabbitMQ node of the tests' own: loopback only, free ports, everything under one temporary folder."""
import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import pika

SCRIPTS = Path("/usr/lib/rabbitmq/bin")
PASSWORD = "rahasia"
WORKER = "kentongan"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _hash(password):
    salt = b"kuis"
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


class Broker:
    """One node for the whole run; each test module has a virtual host of its own."""

    def __init__(self, folder, *configuration):
        self.folder = Path(folder)
        self.configuration = ["vm_memory_high_watermark.absolute = 2GB", "disk_free_limit.absolute = 200MB", *configuration]
        self.port, self.epmd_port = free_port(), free_port()
        self.node = f"acceptance{self.port}@localhost"

    def start(self):
        for program in (SCRIPTS / "rabbitmq-server", shutil.which("epmd")):
            assert program and Path(program).exists(), "RabbitMQ is not installed: apt-get install rabbitmq-server"
        (self.folder / "mnesia").mkdir(parents=True)
        (self.folder / "plugins").write_text("[].\n")
        (self.folder / "rabbitmq.conf").write_text("\n".join(self.configuration) + "\n")
        # The node's own epmd, in the foreground, so that it can be ended by its id.
        self.epmd = subprocess.Popen(["epmd", "-address", "127.0.0.1"], env=self.environment())
        self.log = open(self.folder / "stdout.log", "wb")
        self.run()

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder, *configuration):
        broker = cls(folder, *configuration)
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()

    def run(self):
        """Starts the node, or starts it again after `halt`."""
        self.server = subprocess.Popen(
            [SCRIPTS / "rabbitmq-server"], env=self.environment(), stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        self._await_port()
        self.ctl("await_startup", "--timeout", "120")

    def _await_port(self):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.server.poll() is None, f"RabbitMQ ended at start, see {self.folder}/stdout.log"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.2)
        raise AssertionError(f"RabbitMQ did not open its port in 120 s, see {self.folder}/stdout.log")

    def environment(self):
        return os.environ | {
            "HOME": str(self.folder), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.node, "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"), "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
        }

    def ctl(self, *arguments):
        done = subprocess.run(
            [SCRIPTS / "rabbitmqctl", "-q", "-n", self.node, *arguments], env=self.environment(),
            capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, f"rabbitmqctl {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout

    def signal(self, number):
        os.killpg(self.server.pid, number)

    def halt(self):
        """Ends the node as its operator would. (After kill -9, RabbitMQ 3.10 may not find its way back into a quorum
        queue that was declared a second before.)"""
        self.signal(signal.SIGTERM)
        self.server.wait(60)

    def stop(self):
        """Ends the node and its epmd, by their ids."""
        if self.server.poll() is None:
            os.killpg(self.server.pid, signal.SIGTERM)
            try:
                self.server.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.server.pid, signal.SIGKILL)
                self.server.wait()
        self.epmd.kill()
        self.epmd.wait()
        self.log.close()

    def add_host(self, name, publishers=()):
        """A virtual host with the worker's user, and users that may only publish to the intake."""
        def grant(user, configure, write, read):
            return {"user": user, "vhost": name, "configure": configure, "write": write, "read": read}

        users = [WORKER, *publishers]
        definitions = {
            "vhosts": [{"name": name}],
            "users": [{"name": user, "password_hash": _hash(PASSWORD), "tags": [],
                       "hashing_algorithm": "rabbit_password_hashing_sha256"} for user in users],
            # Publishers may also reach a queue directly, and make a reply queue that the broker names.
            "permissions": [grant(WORKER, ".*", ".*", ".*"),
                            *(grant(user, r"^amq\.gen", r"^(kentongan\.intake|amq\.default|amq\.gen.*)$", r"^amq\.gen")
                              for user in publishers)],
        }
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(definitions))
        self.ctl("import_definitions", str(path))
        return Host(self, name)


class Host:
    """A virtual host, as its clients see it."""

    def __init__(self, broker, name):
        self.broker, self.name = broker, name
        self.connections = {}

    def url(self, user=WORKER):
        return f"amqp://{user}:{PASSWORD}@127.0.0.1:{self.broker.port}/{quote(self.name, safe='')}"

    def parameters(self, user=WORKER):
        parameters = pika.URLParameters(self.url(user))
        parameters.heartbeat = 0
        return parameters

    def channel(self, user=WORKER):
        """A channel of the user's, with publisher confirms; opened once and kept."""
        channel = self.connections.get(user)
        if channel is None or channel.is_closed:
            channel = pika.BlockingConnection(self.parameters(user)).channel()
            channel.confirm_delivery()
            self.connections[user] = channel
        return channel

    def depth(self, queue):
        """Messages ready in a queue that exists."""
        return self.channel().queue_declare(queue, passive=True).method.message_count

    def close(self):
        for channel in self.connections.values():
            if channel.connection.is_open:
                channel.connection.close()

"""The program under test: its commands, and `serve` as a process."""
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from broker import free_port

PROJECT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("KENTONGAN_BIN", PROJECT / ".build/debug/kentongan")).absolute()


class Program:
    """Commands that share one configuration, given by the environment."""
    binary = BINARY

    def __init__(self, folder, **settings):
        assert BINARY.exists(), f"{BINARY} is not there: build it, or name it in KENTONGAN_BIN"
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = self.folder / "kentongan.db"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("KENTONGAN_")}
        self.environment = clean | {
            "KENTONGAN_STORE_URL": f"sqlite:{self.store}",
            "KENTONGAN_DATA_REGIONS": str(PROJECT / "config/data/regions.csv"),
            "KENTONGAN_DATA_FIELDS": str(PROJECT / "config/data/fields.csv"),
        } | settings

    def command(self, *arguments, stdin=None, expect=0, timeout=120, **settings):
        """Runs a command; its CompletedProcess. `expect=None` takes any exit code."""
        done = subprocess.run(
            [self.binary, *map(str, arguments)], input=stdin, capture_output=True, cwd=PROJECT,
            env=self.environment | settings, timeout=timeout)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        if expect is not None:
            assert done.returncode == expect, (
                f"kentongan {' '.join(map(str, arguments))} ended with {done.returncode}, not {expect}: "
                f"{done.stderr[-2000:]}{done.stdout[-500:]}")
        return done

    def rows(self, *arguments, **options):
        """What a command prints with --json, one object a line."""
        # Not splitlines(), to which U+0085 and U+2028 end lines too.
        return [json.loads(line) for line in self.command(*arguments, "--json", **options).stdout.split("\n")[:-1]]

    def listing(self, *arguments):
        return self.rows(*arguments, "--all")

    def subscribe(self, channel, address, regions, fields=(), **options):
        """`subscriptions add`; the subscriptions it made."""
        arguments = [f"--{channel}"] + ([address] if address else [])
        for region in regions:
            arguments += ["--region", region]
        for field in fields:
            arguments += ["--field", field]
        for name, values in options.items():
            for value in [values] if isinstance(values, str) else values:
                arguments += [f"--{name}", value]
        return self.rows("subscriptions", "add", *arguments)

    def register(self, slug, regions=("ID",), kinds=("announcement", "proposal"), emergency=False, moderated=False):
        arguments = ["publishers", "add", slug, "--name", f"Unit {slug}", "--amqp-user", slug]
        for region in regions:
            arguments += ["--region", region]
        for kind in kinds:
            arguments += ["--kind", kind]
        return self.rows(
            *arguments, *(["--emergency"] if emergency else []), *(["--moderated"] if moderated else []))


class Worker(Program):
    """A program whose `serve` runs."""

    def __init__(self, folder, host, mail_port, **settings):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        super().__init__(folder, **{
            "KENTONGAN_AMQP_URL": host.url(), "KENTONGAN_SMTP_URL": f"smtp://127.0.0.1:{mail_port}",
            "KENTONGAN_MAIL_FROM": "kabar@kentongan.example", "KENTONGAN_HTTP_LISTEN": f"127.0.0.1:{self.port}",
            "KENTONGAN_HTTP_PUBLIC_URL": self.url, "KENTONGAN_WEBHOOKS_ALLOW": "127.0.0.0/8",
            "KENTONGAN_PUBLISHERS_AUTH": "required"} | settings)

    def spawn(self, **settings):
        with open(self.folder / "serve.log", "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve"], env=self.environment | settings, cwd=PROJECT, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)

    def start_and_crash(self, timeout=60):
        """Starts `serve`, which ends by a signal."""
        self.spawn()
        assert self.process.wait(timeout) < 0, self.log_tail()

    def start(self, timeout=60, **settings):
        """Starts `serve` and waits until it is ready."""
        self.spawn(**settings)
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            assert self.process.poll() is None, f"serve ended with {self.process.returncode}: {self.log_tail()}"
            assert time.monotonic() < deadline, f"serve was not ready in {timeout} s: {self.log_tail()}"
            time.sleep(0.1)
        return self

    def is_ready(self):
        try:
            return self.get("/health/ready", timeout=2).status == 200
        except OSError:
            return False

    def get(self, path, method="GET", headers=None, body=None, timeout=10):
        """An HTTP answer of any status, read: `.status`, `.headers`, `.body`."""
        url = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                answer.body = answer.read()
                return answer
        except urllib.error.HTTPError as answer:
            answer.body = answer.read()
            return answer

    def resident_bytes(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("serve has ended")

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self, timeout=60):
        """SIGTERM, which must drain and end with 0."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        assert code == 0, f"serve ended with {code} on SIGTERM: {self.log_tail()}"

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()

    def log_tail(self):
        return (self.folder / "serve.log").read_text(errors="replace")[-3000:]

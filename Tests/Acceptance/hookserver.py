"""A webhook receiver (HTTP/1.1, keep-alive) that keeps what it gets and answers as a test says."""
import collections
import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook


@dataclass
class Hook:
    path: str
    headers: dict
    body: bytes
    # When it had come in full, and what it was answered with; None until then.
    time: float
    status: int | None = None

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def bulletin(self):
        return self.json["data"]["bulletin"]

    @property
    def id(self):
        return self.headers["webhook-id"]

    def verify(self, secret):
        """By the reference library of Standard Webhooks; raises where the signature is wrong."""
        return Webhook(secret).verify(self.body, self.headers)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        status, headers, content = self.server.owner.take(self.path, self.headers, body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class HookServer:
    def __init__(self, address="127.0.0.1"):
        self.hooks = []
        self.by_path = collections.defaultdict(list)
        # By path: what to answer, called with the number of earlier requests: a status, (status, headers)
        # or (status, headers, content). It may take its time.
        self.answers = {}
        self.default = lambda tries: 204
        self.lock = threading.Lock()
        self.server = _Server((address, 0), _Handler)
        self.server.owner = self
        self.url = f"http://{address}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def take(self, path, headers, body):
        lowered = {name.lower(): value for name, value in headers.items()}
        hook = Hook(path, lowered, body, time.time())
        with self.lock:
            tries = len(self.by_path[path])
            self.by_path[path].append(hook)
            self.hooks.append(hook)
        answer = self.answers.get(path, self.default)(tries)
        answer = answer if isinstance(answer, tuple) else (answer,)
        hook.status, more, content = answer + ({}, b"")[len(answer) - 1:]
        return hook.status, more, content

    def echoes(self, path):
        """Answers challenges at a path."""
        self.answers[path] = lambda tries: (200, {}, self.at(path)[-1].json["data"].get("challenge", "").encode())

    def at(self, path):
        """Every request to a path, in order."""
        with self.lock:
            return list(self.by_path.get(path, ()))

    def taken(self, path):
        """Those that were answered with success."""
        return [hook for hook in self.at(path) if hook.status and 200 <= hook.status < 300]

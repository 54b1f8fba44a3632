"""A WebSub subscriber's callbacks: confirms what it is asked unless a test says otherwise, and keeps what it gets."""
import collections
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Seen:
    # With the query as it came.
    target: str
    headers: dict
    body: bytes = b""
    # Of a push: what it was answered with; None until then.
    status: int | None = None

    @property
    def query(self):
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def mode(self):
        return self.query["hub.mode"]


def confirm(query, tries):
    return 200, query.get("hub.challenge", "").encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in ({"Content-Length": len(body)} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(*self.server.owner.ask(self.path, self.headers))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.answer(self.server.owner.take(self.path, self.headers, body))

    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class CallbackServer:
    def __init__(self, address="127.0.0.1"):
        self.asked = collections.defaultdict(list)
        self.pushed = collections.defaultdict(list)
        # By path: what a question is answered with, `(status, body)`, from its query and the number of earlier ones.
        self.confirms = {}
        # By path: the status of a push, from the number of earlier ones.
        self.takes = {}
        self.lock = threading.Lock()
        self.server = _Server((address, 0), _Handler)
        self.server.owner = self
        self.port = self.server.server_port
        self.url = f"http://{address}:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def ask(self, target, headers):
        path, seen = urlsplit(target).path, Seen(target, dict(headers))
        with self.lock:
            tries = len(self.asked[path])
            self.asked[path].append(seen)
        return self.confirms.get(path, confirm)(seen.query, tries)

    def take(self, target, headers, body):
        path = urlsplit(target).path
        seen = Seen(target, {name.lower(): value for name, value in headers.items()}, body)
        with self.lock:
            tries = len(self.pushed[path])
            self.pushed[path].append(seen)
        seen.status = self.takes.get(path, lambda tries: 204)(tries)
        return seen.status

    def questions(self, path, mode=None):
        with self.lock:
            return [seen for seen in self.asked.get(path, ()) if mode in (None, seen.mode)]

    def pushes(self, path):
        with self.lock:
            return list(self.pushed.get(path, ()))

    def taken(self, path):
        """Those that were answered with success."""
        return [push for push in self.pushes(path) if push.status and push.status < 300]

"""A receiver below HTTP: each connection is given to a function of the test, with the request that came over it."""
import contextlib
import socket
import ssl
import struct
import threading
import time


class RawServer:
    def __init__(self, answer, address="127.0.0.1", port=0, context=None):
        """`answer(connection, number)` is called once a request is there in full, and may do as it likes."""
        self.answer, self.context = answer, context
        self.connections, self.requests, self.sent = 0, [], 0
        self.socket = socket.create_server((address, port), backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.port}/"

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            stack.callback(connection.close)
            request = b""
            while b"\r\n\r\n" not in request or len(request) < self.length(request):
                part = connection.recv(65536)
                if not part:
                    return
                request += part
            self.requests.append((time.time(), request))
            self.answer(connection, len(self.requests) - 1)

    @staticmethod
    def length(request):
        head, _, _ = request.partition(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        return len(head) + 4 + int(lengths[0].split(b":")[1])

    def flood(self, connection, part, times):
        """Sends and counts what the other side lets through."""
        for _ in range(times):
            connection.sendall(part)
            self.sent += len(part)

    def close(self):
        self.socket.close()


def reset(connection, _=0):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def answering(text):
    """Sends it and closes."""
    return lambda connection, _: connection.sendall(text)


def server_context(certificate, key, newest=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if newest:
        # OpenSSL 3 offers what is older than TLS 1.2 on the lowest level only.
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
    return context

"""An HTTP server on the loopback that fails in all the ways of the open web."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FEW = 6


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def log_message(self, *_):
        """Keep the output of the tests clean."""

    def do_GET(self):
        behaviour, name = self.path.strip("/").split("/")
        with self.server.lock:
            earlier = sum(path == self.path for path, _ in self.server.log)
            self.server.log.append((self.path, self.headers.get("Range", "")))
            self.server.sent_before.append(self.server.sent)
        with contextlib.suppress(ConnectionError):
            getattr(self, behaviour.replace("-", "_"))(self.server.files[name], earlier)

    def reply(self, status, body=b"", *, length=None, headers=None):
        self.send_response(status)
        fields = {"Content-Type": "image/jpeg", "Content-Length": str(length or len(body))}
        for key, value in (fields | (headers or {})).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def serve(self, body, *, sent=None, tag='"one"', wait=0.0):
        """Reply as a good server does; `sent` bytes at most, then hang up."""
        asked = self.headers.get("Range", "")
        condition = self.headers.get("If-Range", tag)
        start = int(asked[6:-1]) if asked and condition == tag else 0
        headers = {"ETag": tag}
        if start >= len(body):
            return self.reply(416)
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        rest = body[start:]
        part = rest if sent is None else rest[:sent]
        self.reply(206 if start else 200, b"", length=len(rest), headers=headers)
        step = max(len(part) // 20, 1) if wait else len(part)
        for k in range(0, len(part), step):
            # Counted first, or a client could be back before it is.
            self.server.sent += len(part[k : k + step])
            self.wfile.write(part[k : k + step])
            self.wfile.flush()
            time.sleep(wait)
        if sent is not None:
            self.close_connection = True
        return None

    def good(self, body, _):
        self.serve(body)

    def missing(self, _, __):
        self.reply(404)

    def forbidden(self, _, __):
        self.reply(403)

    def flaky(self, body, earlier):
        if earlier < 2:
            self.reply(500)
        else:
            self.serve(body)

    def busy(self, body, earlier):
        if earlier < 1:
            self.reply(429, headers={"Retry-After": "1"})
        else:
            self.serve(body)

    def broken(self, _, __):
        self.reply(503)

    def cut(self, body, earlier):
        self.serve(body, sent=len(body) // 2 if earlier == 0 else None)

    def cut_without_range(self, body, earlier):
        if earlier == 0:
            self.serve(body, sent=len(body) // 2)
        else:
            self.reply(200, body)

    def cut_then_changed(self, body, earlier):
        if earlier == 0:
            self.serve(body[::-1], sent=len(body) // 2, tag='"old"')
        else:
            self.serve(body, tag='"new"')

    def cut_then_changed_untold(self, body, earlier):
        if earlier == 0:
            self.serve(body[::-1], sent=len(body) // 2)
        else:
            self.serve(body)

    def cut_then_other_part(self, body, earlier):
        if earlier == 0:
            self.serve(body, sent=len(body) // 2)
        elif earlier == 1:
            self.reply(206, body[7:], headers={"Content-Range": f"bytes 7-{len(body) - 1}/*"})
        else:
            self.serve(body)

    def too_short(self, body, _):
        self.reply(200, body, length=len(body) + 100)
        self.close_connection = True

    def too_long(self, body, _):
        self.reply(200, body + b"more")

    def page(self, _, __):
        self.reply(200, b"<html>gone</html>", headers={"Content-Type": "text/html; charset=utf-8"})

    def page_as_jpeg(self, _, __):
        self.reply(200, b"\n<!DOCTYPE HTML><html>gone</html>")

    def empty(self, _, __):
        self.reply(200)

    def loop(self, _, __):
        self.reply(302, headers={"Location": self.path})

    def moved(self, _, __):
        self.reply(301, headers={"Location": self.path.replace("moved", "good")})

    def stall(self, body, _):
        self.reply(200, body[: len(body) // 2], length=len(body))
        self.server.released.wait()
        self.close_connection = True

    def stall_once(self, body, earlier):
        if earlier == 0:
            self.stall(body, earlier)
        else:
            self.serve(body)

    def wrong(self, body, _):
        self.serve(body[::-1])

    def half(self, body, _):
        """Stop half-way until the gate is open."""
        if self.server.gate.is_set():
            self.serve(body)
        else:
            self.reply(200, body[: len(body) // 2], length=len(body))
            self.server.gate.wait()
            self.wfile.write(body[len(body) // 2 :])

    def few(self, body, earlier):
        """Send the first few files whole, and of the others a half until the gate is open."""
        with self.server.lock:
            files = list(dict.fromkeys(path for path, _ in self.server.log if "/few/" in path))
        if files.index(self.path) < FEW:
            self.serve(body)
        else:
            self.half(body, earlier)

    def slow(self, body, _):
        self.serve(body, wait=0.04)


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # of 5, a busy machine turns some of twenty callers away

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.lock = threading.Lock()
        self.log = []  # (path, Range header) of each request
        self.sent = 0  # bytes of bodies
        self.sent_before = []  # the same, at the arrival of each request
        self.gate = threading.Event()
        self.released = threading.Event()

    def url(self, behaviour, name):
        return f"http://127.0.0.1:{self.server_port}/{behaviour}/{name}"

    def handle_error(self, *_):
        """Clients that hang up are part of the tests."""


@contextlib.contextmanager
def running_server(files):
    server = Server(files)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.gate.set()
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()

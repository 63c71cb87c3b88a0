"""A proxy that stands between a client and a server, and makes the trouble that a test asks for."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

SLOW_DOWN = 503, b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
FORBIDDEN = 403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
Answer = tuple[int, bytes]


@dataclass
class Trouble:
    """What the proxy does, and what it saw.

    Attributes:
        cut_after: bytes of a body after which the connection is cut; None: never.
        cuts: how many times; further requests pass.
        answer: gets method and path of a request; what it returns is answered in the server's place.
        before: called before a request is passed on.
        seen: method, path and range of every request.
    """

    cut_after: int | None = None
    cuts: int = 10**9
    answer: Callable[[str, str], Answer | None] = lambda method, path: None
    before: Callable[[str, str], None] = lambda method, path: None
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def faulty_proxy(server: str) -> Iterator[Trouble]:
    """Start a proxy in front of a server; ``url`` of what it yields is its address."""
    trouble = Trouble()
    host = urlsplit(server).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            trouble.seen.append((self.command, self.path, self.headers.get("Range", "")))
            answer = trouble.answer(self.command, self.path)
            if answer is not None:
                self.reply(answer[0], {"Content-Type": "application/xml"}, answer[1])
                return
            trouble.before(self.command, self.path)
            inner = http.client.HTTPConnection(host, timeout=30)
            try:
                inner.request(self.command, self.path, body, dict(self.headers.items()))
                response = inner.getresponse()
                content = response.read()
            finally:
                inner.close()
            self.reply(response.status, dict(response.getheaders()), content)

        def reply(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                    self.send_header(name, value)
            length = headers.get("Content-Length") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            if self.command == "HEAD":
                return
            cut = trouble.cut_after
            if cut is not None and len(content) > cut and trouble.cuts > 0:
                trouble.cuts -= 1
                self.wfile.write(content[:cut])
                self.wfile.flush()
                self.close_connection = True
                return
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on

        def log_message(self, *args: Any) -> None:
            pass

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    trouble.url = f"http://127.0.0.1:{proxy.server_address[1]}"
    try:
        yield trouble
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()

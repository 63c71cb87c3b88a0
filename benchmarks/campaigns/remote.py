"""Stores that answer what they like: a web server whose answers are damaged, and caches of what was fetched, damaged.

Whatever comes, a fetch gives the bytes of the file as the server has it, or an error in one line. What was fetched
before and was damaged on this machine is fetched again.
"""

from __future__ import annotations

import os
import random
import shutil
import socketserver
import threading
from pathlib import Path
from typing import Any

from campaigns.base import Sweep, guard
from campaigns.mutate import damage
from ganbench.system import remote_http, remote_transfer
from ganbench.system.remote import fetch_file, list_files, read_object
from ganbench.system.remote_driver import RemoteFile
from ganbench.system.storage import cache_dir
from ganbench.training.mirror import Mirror
from ganbench.training.stored import copy_of

_ODD_HEADERS = (
    *("Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: ", "Content-Length: 7, 8"),
    *("Transfer-Encoding: chunked", "Content-Encoding: gzip", "Content-Type: text/html", "Content-Type: \xff/\x00"),
    *("Location: http://[", "Location: //", "Location: file:///etc/passwd", "Connection: close", ": empty"),
    *("ETag: ", "ETag: W/\x1b[2J", "Content-Range: bytes 5-2/1", "Content-Range: x", "X: " + "y" * 70_000),
)
_STATUSES = (100, 199, 200, 203, 204, 205, 206, 226, 300, 301, 302, 303, 304, 307, 400, 404, 416, 429, 500, 503, 999)


class Remote(Sweep):
    """An answer or a cached file is damaged; what is fetched is right, or refused."""

    name = "remote"
    count = 400
    seconds = 30.0

    def __init__(self, folder: Path) -> None:
        """Start the server, with a home of its own, and waits that take no time."""
        super().__init__(folder)
        os.environ["GANBENCH_HOME"] = str(folder / "home")
        remote_transfer.PAUSE = 0.0
        remote_http._TIMEOUT_S = 1
        self._content = random.Random(3).randbytes(20_000)
        self._answers: list[bytes] = []
        sweep = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                start = 0
                while (line := self.rfile.readline(65_536)).strip():
                    if line.lower().startswith(b"range: bytes="):
                        start = int(line[13:].strip().rstrip(b"-"))
                self.wfile.write(sweep._answers.pop() if sweep._answers else sweep._whole(start))

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._url = f"http://127.0.0.1:{self._server.server_address[1]}/a.zip"

    def _whole(self, start: int = 0) -> bytes:
        """Return the honest answer to a request from a byte on."""
        status = "206 Partial Content" if start else "200 OK"
        lines = [f"HTTP/1.1 {status}", 'ETag: "v1"', "Content-Type: application/zip"]
        if start:
            lines.append(f"Content-Range: bytes {start}-{len(self._content) - 1}/{len(self._content)}")
        lines.append(f"Content-Length: {len(self._content) - start}")
        return "\r\n".join([*lines, "", ""]).encode() + self._content[start:]

    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Damage some answers, a cached file, the names that a store lists, or the record of a run's copy."""
        way = number % 5
        if way == 4:
            return self._copied(rng)
        if way == 3:
            return self._names(rng)
        if way == 2:
            return self._cached(rng)
        self._answers = [self._damaged(rng) for _ in range(rng.randint(1, 4))]
        shutil.rmtree(cache_dir() / "fetched", ignore_errors=True)
        came, faults = guard("a damaged answer", lambda: fetch_file(self._url).read_bytes())
        self._answers = []
        # An answer that is damaged in its content alone is a file like any other: its length must be as it was said.
        if came is not None and len(came) > 2 * len(self._content):
            faults.append(f"{len(came)} bytes came of {len(self._content)}")
        return faults

    def _damaged(self, rng: random.Random) -> bytes:
        head, blank, body = self._whole().partition(b"\r\n\r\n")
        kind = rng.randrange(5)
        if kind == 0:
            return damage(head, rng)[1] + blank + body
        if kind == 1:
            return head.replace(b"200 OK", f"{rng.choice(_STATUSES)} X".encode()) + blank + body
        if kind == 2:
            return head + b"\r\n" + rng.choice(_ODD_HEADERS).encode("latin-1") + blank + body
        if kind == 3:
            return (head + blank + body)[: rng.randrange(len(self._content))]
        return rng.randbytes(rng.randrange(3000))

    def _cached(self, rng: random.Random) -> list[str]:
        """Damage what is cached of the file, and of an object; both come as they are on the server."""
        file = RemoteFile("a.zip", self._url, len(self._content), 'etag="v1"')

        def both() -> list[bytes]:
            return [fetch_file(self._url).read_bytes(), read_object(file, 1 << 20)]

        shutil.rmtree(cache_dir(), ignore_errors=True)
        truth = [self._content] * 2
        first, faults = guard("an empty cache", both)
        if first != truth:
            return [*faults, "what came into an empty cache is not what the server has"]
        path = rng.choice([path for path in sorted(cache_dir().rglob("*")) if path.is_file()])
        how, data = damage(path.read_bytes(), rng)
        path.write_bytes(data)
        came, faults = guard(f"{path.parent.name}/{path.name} {how}", both)
        if came != truth:
            faults.append(f"{path.parent.name}/{path.name} {how}: it was believed")
        return faults

    def _copied(self, rng: random.Random) -> list[str]:
        """Damage the record of what a run's copy and its store had in common; the copy is the store's all the same."""
        import fsspec

        store: Any = fsspec.filesystem("memory")
        store.store.clear()
        run = {"recipe.toml": b"a", "metrics.jsonl": b"b" * 300, "samples/000001.png": b"c" * 70}
        for name, content in run.items():
            store.pipe_file(f"/run/{name}", content)
        folder = copy_of("memory://run")
        shutil.rmtree(folder, ignore_errors=True)
        Mirror("memory://run", folder).pull()
        (record,) = folder.glob(".seen*")
        how, data = damage(record.read_bytes(), rng)
        record.write_bytes(data)
        _, faults = guard(f"a run's record {how}", Mirror("memory://run", folder).pull)
        if not faults and any((folder / name).read_bytes() != content for name, content in run.items()):
            faults.append(f"a run's record {how}: the copy is not what the store has")
        return faults

    def _names(self, rng: random.Random) -> list[str]:
        """List a folder whose names are odd: none leads out of it."""
        import fsspec

        store: Any = fsspec.filesystem("memory")
        store.store.clear()
        odd = ["..", ".", "a\\b", "\x1b[2J", "x" * 300, "=cmd()", "<b>", "\u202e", " ", "a\nb", "1.png", "%2e%2e", "C:"]
        parts = rng.choices(odd, k=rng.randint(1, 4))
        store.pipe_file("/folder/" + "/".join(parts), b"x")
        files, faults = guard("odd names", lambda: list_files("memory://folder"))
        for file in files or ():
            place = os.path.normpath(f"/here/{file.name}")
            if not place.startswith("/here/"):
                faults.append(f"{file.name!r} leads out of its folder")
        return faults

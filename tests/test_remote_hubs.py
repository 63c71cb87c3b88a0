"""``hf://`` and ``gs://`` through their drivers, each against a server that speaks as much of the API as is asked."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

from ganbench.errors import RemoteError
from ganbench.system import remote_transfer
from ganbench.system.remote import fetch_file, list_files

pytestmark = pytest.mark.slow

CONTENT = bytes(range(256)) * 20


class Server:
    """A server with one file.

    Attributes:
        url: its address.
        content: of the file; its version follows from it.
        asked: the paths of all requests.
    """

    def __init__(self) -> None:
        self.content = CONTENT
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path, _, query = self.path.partition("?")
                server.asked.append(path)
                answer = server.answer(unquote(path), parse_qs(query).get("prefix", [""])[0])
                if isinstance(answer, bytes):
                    self.send(answer, "application/octet-stream")
                elif answer is None:
                    self.send(b"{}", "application/json", 404)
                else:
                    self.send(json.dumps(answer).encode(), "application/json")

            def send(self, body: bytes, kind: str, status: int = 200) -> None:
                part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
                whole = len(body)
                if part and status == 200:
                    body, status = body[int(part[1]) : int(part[2] or whole) + 1], 206
                self.send_response(status)
                if part and status == 206:
                    self.send_header("Content-Range", f"bytes {part[1]}-{int(part[1]) + len(body) - 1}/{whole}")
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def answer(self, path: str, prefix: str) -> Any:
        """Return what is answered to a path: bytes, plain values, or None for nothing."""
        digest = hashlib.sha1(self.content).hexdigest()
        file = {"type": "file", "oid": digest, "size": len(self.content), "path": "data/a.zip"}
        md5 = base64.b64encode(hashlib.md5(self.content).digest()).decode()
        item = {
            "kind": "storage#object",
            "name": "data/a.zip",
            "bucket": "bucket",
            "size": str(len(self.content)),
            "generation": digest,
            "md5Hash": md5,
        }
        known: dict[str, Any] = {
            "/api/datasets/u/r": {"_id": "1", "id": "u/r", "sha": "c" * 40, "siblings": [], "tags": []},
            "/api/datasets/u/r/tree/main/data": [file],
            "/api/datasets/u/r/tree/main": [{"type": "directory", "oid": "b" * 40, "size": 0, "path": "data"}],
            "/datasets/u/r/resolve/main/data/a.zip": self.content,
            "/storage/v1/b/bucket": {"kind": "storage#bucket", "name": "bucket"},
            "/storage/v1/b/bucket/o": {"items": [item] if item["name"].startswith(prefix) else []},
            "/storage/v1/b/bucket/o/data/a.zip": item,
            "/download/storage/v1/b/bucket/o/data/a.zip": self.content,
        }
        return known.get(path)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Start a server, and let both drivers find it."""
    hub = pytest.importorskip("huggingface_hub", reason="the driver for hf:// is huggingface_hub")
    gcsfs = pytest.importorskip("gcsfs", reason="the driver for gs:// is gcsfs")
    made = Server()
    monkeypatch.setattr(remote_transfer, "PAUSE", 0.01)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", made.url)
    template = f"{made.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", made.url)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    thread = threading.Thread(target=made.http.serve_forever, daemon=True)
    thread.start()
    for kind in (hub.HfFileSystem, gcsfs.GCSFileSystem):
        kind.clear_instance_cache()
    yield made
    for kind in (hub.HfFileSystem, gcsfs.GCSFileSystem):
        kind.clear_instance_cache()
    made.http.shutdown()
    made.http.server_close()
    thread.join()


@pytest.mark.parametrize("folder", ["hf://datasets/u/r/data", "gs://bucket/data"])
def test_files_are_listed_fetched_and_fetched_anew(server: Server, folder: str) -> None:
    assert [(file.name, file.url, file.size) for file in list_files(folder)] == [
        ("a.zip", f"{folder}/a.zip", len(CONTENT))
    ]
    path = fetch_file(f"{folder}/a.zip")
    assert path.read_bytes() == CONTENT
    before = len([asked for asked in server.asked if asked.startswith(("/datasets", "/download"))])
    assert fetch_file(f"{folder}/a.zip") == path
    assert len([asked for asked in server.asked if asked.startswith(("/datasets", "/download"))]) == before
    server.content = CONTENT[::-1]
    assert fetch_file(f"{folder}/a.zip").read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("url", ["hf://datasets/u/none/a.zip", "hf://nonsense", "gs://bucket/none.zip", "gs://none/a"])
def test_what_is_not_there_is_said_in_one_line(server: Server, url: str) -> None:
    with pytest.raises(RemoteError, match=rf"^{url}: .*\. (Check|Run)[^\n]*$"):
        fetch_file(url)

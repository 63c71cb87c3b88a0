"""Files at ``https://`` and ``http://``, from a real web server: with ranges and without, and the ways it fails."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ganbench.cli.app import main
from ganbench.errors import CannotWrite, RemoteError
from ganbench.images.sources import open_source
from ganbench.system import remote, remote_transfer
from ganbench.system.outputs import check_outputs
from ganbench.system.remote import fetch_file

pytestmark = pytest.mark.slow

CONTENT = bytes(range(256)) * 40_000


@dataclass
class Web:
    """A web server with one file; each part of its behaviour can be changed.

    Attributes:
        url: of the file.
        content: of the file.
        ranges: whether it knows range requests.
        cuts: lengths after which the next connections are cut.
        headers: of the answer, over the usual ones; None leaves one out.
        answer: gets the path; what it returns is the status and headers of an answer without a body.
        seen: path and headers of every request.
    """

    url: str = ""
    content: bytes = CONTENT
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    headers: dict[str, str | None] = field(default_factory=dict)
    answer: Callable[[str], tuple[int, dict[str, str]] | None] = lambda path: None
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """Start a web server."""
    state = Web()
    monkeypatch.setattr(remote_transfer, "PAUSE", 0.01)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.seen.append((self.path, dict(self.headers.items())))
            looks = len(state.seen) % 2 == 1  # counted now: the client may have asked anew before the body goes out
            answer = state.answer(self.path)
            if answer is not None:
                self.send_response(answer[0])
                for name, value in answer[1].items():
                    self.send_header(name, value)
                self.end_headers()
                return
            body, status = state.content, 200
            headers: dict[str, str | None] = {"ETag": '"v1"', "Content-Type": "application/zip"}
            start = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if start and state.ranges:
                body, status = body[int(start[1]) :], 206
                headers["Content-Range"] = f"bytes {start[1]}-{len(state.content) - 1}/{len(state.content)}"
            headers |= {"Content-Length": str(len(body))} | state.headers
            self.send_response(status)
            for name, text in headers.items():
                if text is not None:
                    self.send_header(name, text)
            self.end_headers()
            if not looks and state.cuts:  # every other request only looks at the headers
                body = body[: state.cuts.pop(0)]
            try:
                self.wfile.write(body)
            except OSError:
                return

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/folder/a.zip"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_is_fetched_once(web: Web) -> None:
    path = fetch_file(web.url)
    assert (path.name, path.read_bytes()) == ("a.zip", CONTENT)
    before = len(web.seen)
    assert fetch_file(web.url) == path
    assert len(web.seen) == before + 1


def test_a_server_that_names_no_version_is_asked_each_time(web: Web) -> None:
    web.headers = {"ETag": None}
    assert fetch_file(web.url).read_bytes() == CONTENT
    web.content = CONTENT[::-1]
    assert fetch_file(web.url).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_connection_is_taken_up(web: Web, ranges: bool) -> None:
    web.ranges = ranges
    web.cuts = [3_000_000]
    assert fetch_file(web.url).read_bytes() == CONTENT
    asked = [headers.get("Range") for _, headers in web.seen]
    assert len([one for one in asked if one]) == 1
    assert int(next(one for one in asked if one)[6:-1]) > 2_000_000


def test_a_length_that_is_never_reached_is_said(web: Web, ganbench_home: Path) -> None:
    web.headers = {"Content-Length": str(len(CONTENT) + 1)}
    web.ranges = False
    with pytest.raises(RemoteError, match=r"cut after 10,240,000 of 10,240,001 bytes; tried 5 times"):
        fetch_file(web.url)
    assert not [path for path in (ganbench_home / "cache").rglob("*") if path.is_file()]


def test_a_length_beyond_the_disk_is_refused_at_once(web: Web) -> None:
    web.headers = {"Content-Length": str(10**17)}
    with pytest.raises(CannotWrite, match=r"no room for it: 100,000,000\.000 GB, and 0\.27 GB to spare, are wanted"):
        fetch_file(web.url)


def test_an_endless_file_is_ended(web: Web, monkeypatch: pytest.MonkeyPatch, ganbench_home: Path) -> None:
    web.headers = {"Content-Length": None}
    monkeypatch.setattr(remote_transfer, "MOST_BYTES", 2_000_000)
    with pytest.raises(RemoteError, match=r"refused, it has sent [\d,]+ bytes, more than 2,000,000\. Is it a file\?"):
        fetch_file(web.url)
    assert not [path for path in (ganbench_home / "cache").rglob("*") if path.is_file()]


def test_a_web_page_is_no_file(web: Web) -> None:
    web.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(RemoteError, match="answers with a web page, not with a file"):
        open_source(web.url)


def test_what_is_no_archive_is_named_by_its_address(web: Web) -> None:
    with pytest.raises(Exception, match=re.escape(web.url)) as caught:
        open_source(web.url)
    assert "cache" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (404, "there is nothing at this address"),
        (403, "may not be read .*too old"),
        (401, "may not be read"),
        (418, "the server answers 418"),
        (503, "503 Service Unavailable, and so asks to come again later; tried 5 times"),
    ],
)
def test_answers_that_are_no_file(web: Web, status: int, why: str) -> None:
    web.answer = lambda path: (status, {})
    with pytest.raises(RemoteError, match=why):
        fetch_file(web.url)
    assert len(web.seen) == (5 if status == 503 else 1)


def test_redirects_are_followed_without_the_password(web: Web) -> None:
    web.answer = lambda path: (302, {"Location": "/there.zip"}) if path == "/folder/a.zip" else None
    path = fetch_file(web.url.replace("http://", "http://me:p%40ss@"))
    assert path.read_bytes() == CONTENT
    told = dict(web.seen[0][1])["Authorization"]
    assert base64.b64decode(told.removeprefix("Basic ")) == b"me:p@ss"
    assert "Authorization" not in web.seen[1][1]


def test_redirects_in_a_circle_or_elsewhere_are_said(web: Web) -> None:
    web.answer = lambda path: (302, {"Location": path})
    with pytest.raises(RemoteError, match="a.zip: "):
        fetch_file(web.url)
    web.answer = lambda path: (302, {"Location": "ftp://host/a.zip?secret=1"})
    with pytest.raises(RemoteError, match=r"refused, it leads to ftp://host/a\.zip\?\*\*\*"):
        fetch_file(web.url)


def test_a_file_that_changes_between_two_parts_is_no_result(web: Web) -> None:
    web.cuts = [1_500_000]

    def change(path: str) -> None:
        if len(web.seen) == 3:
            web.headers = {"ETag": '"v2"'}

    web.answer = change
    with pytest.raises(RemoteError, match="changed while it was read"):
        fetch_file(web.url)


def test_nothing_secret_is_told(web: Web) -> None:
    web.answer = lambda path: (404, {})
    with pytest.raises(RemoteError) as caught:
        fetch_file(web.url.replace("http://", "http://me:password@") + "?X-Amz-Signature=secret")
    assert not re.search("password|secret", str(caught.value))
    with pytest.raises(RemoteError, match="a web server does not list folders"):
        remote.list_files(web.url)
    with pytest.raises(CannotWrite, match="a web server takes no files"):
        check_outputs(web.url)


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1", "https://host:port/x", "http://127.0.0.1:1/x", "http://a\n/x"]
)
def test_addresses_that_nobody_can_read(web: Web, url: str) -> None:
    with pytest.raises(RemoteError, match=r"(?s)^.*(\. Check it|; tried 5 times\. Run the command again later)$"):
        fetch_file(url)


@pytest.mark.parametrize(
    "command",
    [
        "score {url} --json -",
        "-v score {url}",
        "score x --detector yolo:{url} --metric fd",
        "score x --weights {url} --features inception",
        "score x --reference {url} --detector none",
        "score x --json {url}",
        "detect x --detector yolo:{url}",
        "leaderboard {url} --json -",
        "reference show {url} --json",
        "sample {url} --out y.tgz",
        "train --variant dcgan --preset smoke --data {url}",
        "train --variant dcgan --preset smoke --run {url}",
        pytest.param("bench --data {url} --preset smoke", marks=pytest.mark.slow),
        "bench --out {url}",
        "assets add inception {url}",
        "data toyfaces {url}",
        "data check {url}",
        "gradnorm --data {url} --variant dcgan",
        "afd calibrate --real {url} --fake {url}",
    ],
)
def test_no_command_tells_a_secret(
    web: Web, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], image_folder: Path
) -> None:
    web.answer = lambda path: (404, {})
    monkeypatch.chdir(image_folder.parent)
    image_folder.rename("x")
    url = web.url.replace("http://", "http://me:password@") + "?X-Amz-Signature=secret"
    monkeypatch.setattr("sys.argv", ["ganbench", *(word.replace("{url}", url) for word in command.split())])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code in (1, 2)
    assert "127.0.0.1" in said.err
    assert not re.search("password|secret", said.out + said.err)
    written = [path for path in Path.cwd().rglob("*") if path.is_file() and path.suffix != ".jpg"]
    assert not [path for path in written if re.search(b"password|secret", path.read_bytes())]

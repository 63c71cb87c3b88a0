"""Assets: only the pinned bytes are ever used; downloads resume and fail with one clear line."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ganbench.cli.assets import app
from ganbench.errors import AssetError, AssetMissing, GateFailed, UnknownName
from ganbench.system import assets
from ganbench.system.assets import ASSETS, Asset

CONTENT = bytes(range(256)) * 2000


class Server(ThreadingHTTPServer):
    """Serves CONTENT; attributes say how it misbehaves."""

    content = CONTENT
    ranges = True
    cut_at: int | None = None
    missing = False
    seen_ranges: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.seen_ranges.append(self.headers.get("Range"))
        if self.server.missing:
            self.send_error(404)
            return
        data, start = self.server.content, 0
        asked = self.headers.get("Range")
        if asked and self.server.ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                self.send_error(416)
                return
        self.send_response(206 if asked and self.server.ranges else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        stop = len(data) if self.server.cut_at is None else max(self.server.cut_at, start)
        self.wfile.write(data[start:stop])

    def log_message(self, *args: object) -> None:
        """Keep the test output clean."""


@pytest.fixture
def server() -> Iterator[Server]:
    instance = Server(("127.0.0.1", 0), Handler)
    instance.seen_ranges = []
    thread = threading.Thread(target=instance.serve_forever, daemon=True)
    thread.start()
    yield instance
    instance.shutdown()
    instance.server_close()
    thread.join()


@pytest.fixture
def toy(server: Server, monkeypatch: pytest.MonkeyPatch) -> Asset:
    url = f"http://127.0.0.1:{server.server_port}/toy.bin"
    asset = Asset("toy", "toy.bin", hashlib.sha256(CONTENT).hexdigest(), "CC0", "a test", (url,), ("toy-copy.bin",))
    monkeypatch.setitem(ASSETS._entries, "toy", asset)
    return asset


def test_absent_assets_name_the_commands(toy: Asset) -> None:
    assert assets.find("toy") is None
    with pytest.raises(AssetMissing, match="ganbench assets fetch toy, or .* ganbench assets add toy PATH"):
        assets.require("toy")
    with pytest.raises(UnknownName, match="Did you mean 'inception'"):
        assets.find("inceptoin")


def test_added_files_are_checked(toy: Asset, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(CONTENT)
    bad.write_bytes(CONTENT[:-1])
    with pytest.raises(AssetError, match="not toy"):
        assets.add("toy", bad)
    with pytest.raises(AssetError, match="no such file"):
        assets.add("toy", tmp_path / "absent")
    assert assets.find("toy") is None
    assert assets.add("toy", good) == assets.find("toy") == toy.path


def test_damage_after_installing_is_noticed(toy: Asset, tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(CONTENT)
    assets.add("toy", tmp_path / "good")
    toy.path.write_bytes(CONTENT[:-5])
    with pytest.raises(AssetError, match="not toy.*ganbench assets fetch toy"):
        assets.require("toy")


def test_copies_of_torch_are_found_and_checked(toy: Asset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    place = tmp_path / "hub" / "checkpoints" / "toy-copy.bin"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"something else")
    assert assets.find("toy") is None
    place.write_bytes(CONTENT)
    assert assets.find("toy") == place


def test_fetch_downloads_once(toy: Asset, server: Server) -> None:
    assert assets.fetch("toy").read_bytes() == CONTENT
    assets.fetch("toy")
    assert server.seen_ranges == [None]


def test_a_cut_download_goes_on_where_it_stopped(toy: Asset, server: Server) -> None:
    server.cut_at = 100_000
    with pytest.raises(AssetError, match=r"cut off after 100,000 of 512,000 bytes.*run the command again"):
        assets.fetch("toy")
    assert assets.find("toy") is None
    server.cut_at = None
    assert assets.fetch("toy").read_bytes() == CONTENT
    assert server.seen_ranges == [None, "bytes=100000-"]
    assert list(toy.path.parent.iterdir()) == [toy.path]


def test_a_server_without_ranges_starts_over(toy: Asset, server: Server) -> None:
    toy.path.parent.mkdir(parents=True)
    toy.path.with_name("toy.bin.part").write_bytes(CONTENT[:1000])
    server.ranges = False
    assert assets.fetch("toy").read_bytes() == CONTENT


def test_wrong_bytes_are_deleted(toy: Asset, server: Server) -> None:
    server.content = CONTENT[::-1]
    with pytest.raises(AssetError, match="not the pinned file"):
        assets.fetch("toy")
    assert list(toy.path.parent.iterdir()) == []


def test_a_part_that_is_too_long_is_wrong(toy: Asset, server: Server) -> None:
    toy.path.parent.mkdir(parents=True)
    toy.path.with_name("toy.bin.part").write_bytes(CONTENT + b"x")
    with pytest.raises(AssetError, match="not the pinned file"):
        assets.fetch("toy")


def test_dead_addresses_point_to_the_other_way(toy: Asset, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.missing = True
    with pytest.raises(AssetError, match=r"answered 404.*ganbench assets add toy PATH"):
        assets.fetch("toy")
    dead = Asset("toy", "toy.bin", toy.sha256, "CC0", "a test", ("http://127.0.0.1:9/x", toy.urls[0]))
    monkeypatch.setitem(ASSETS._entries, "toy", dead)
    server.missing = False
    assert assets.fetch("toy").read_bytes() == CONTENT  # the second address answers


def test_the_shipped_pins() -> None:
    for asset in ASSETS.values():
        assert len(bytes.fromhex(asset.sha256)) == 32
        assert all(url.startswith("https://") for url in asset.urls)
    # The weights' file name carries the first digits of its hash, as torch.hub checks it.
    inception = ASSETS["inception"]
    assert all(url.endswith(f"-{inception.sha256[:8]}.pth") for url in inception.urls)


def test_the_commands(toy: Asset, tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert "absent" in run(app, ["list"]).output
    assert run(app, ["fetch", "toy"]).exit_code == 0
    assert '"state": "ok"' in run(app, ["list", "--json"]).output
    assert run(app, ["verify"]).exit_code == 0
    toy.path.write_bytes(b"x")
    assert isinstance(run(app, ["verify"]).exception, GateFailed)

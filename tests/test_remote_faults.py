"""What goes wrong between here and a store, against a real server: one clear sentence, nothing half-written."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_proxy import FORBIDDEN, SLOW_DOWN, Trouble, faulty_proxy
from s3_server import S3, forget_drivers

from ganbench.errors import CannotWrite, RemoteError
from ganbench.images.sources import open_source
from ganbench.system import remote, remote_cache, remote_transfer
from ganbench.system.outputs import check_outputs
from ganbench.system.remote import fetch_file, put_file, read_object

pytestmark = pytest.mark.slow


@pytest.fixture
def trouble(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trouble]:
    """Put a proxy between the driver and the server; retries do not wait long."""
    with faulty_proxy(s3.endpoint) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
        monkeypatch.setattr(remote_transfer, "PAUSE", 0.01)
        import s3fs

        monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
        forget_drivers()
        yield made


def left_over(home: Path) -> list[str]:
    """Return the files of the cache, by name."""
    return sorted(path.name for path in (home / "cache").rglob("*") if path.is_file())


def test_a_connection_that_breaks_is_taken_up_where_it_broke(
    s3: S3, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganbench.system.remote_fsspec._CHUNK", 1000)
    content = os.urandom(5000)
    url = s3.put("a.bin", content)
    done = {"bytes=0-999", "bytes=1000-1999"}
    trouble.before = lambda method, path: (
        setattr(trouble, "cut_after", 300) if trouble.seen[-1][2] == "bytes=2000-2999" and trouble.cuts else None
    )
    trouble.cuts = 2
    assert fetch_file(url).read_bytes() == content
    asked = [seen[2] for seen in trouble.seen if seen[2]]
    assert asked.count("bytes=2000-2999") == 3
    assert all(asked.count(part) == 1 for part in done)


def test_a_connection_that_always_breaks_is_said(s3: S3, trouble: Trouble, ganbench_home: Path) -> None:
    url = s3.put("a.bin", bytes(50_000))
    trouble.cut_after = 1000
    with pytest.raises(RemoteError, match=re.escape(f"{url}: ") + r".*; tried 5 times\. Run the command again later$"):
        fetch_file(url)
    assert left_over(ganbench_home) == []


def test_a_store_that_asks_to_slow_down_is_obeyed_and_then_said(s3: S3, trouble: Trouble) -> None:
    url = s3.put("a.bin", b"content")
    answers = iter([SLOW_DOWN, SLOW_DOWN])
    trouble.answer = lambda method, path: next(answers, None)
    assert fetch_file(url).read_bytes() == b"content"
    trouble.answer = lambda method, path: SLOW_DOWN
    url = s3.put("b.bin", b"content")
    with pytest.raises(RemoteError, match=r"b\.bin: the store asks to slow down .*; tried 5 times\. Run"):
        fetch_file(url)


def test_a_file_that_changes_while_it_is_read_is_no_result(s3: S3, trouble: Trouble, ganbench_home: Path) -> None:
    url = s3.put("a.bin", b"old content")

    def change(method: str, path: str) -> None:
        if method == "GET" and path.endswith("a.bin"):
            s3.put("a.bin", b"new content")

    trouble.before = change
    with pytest.raises(RemoteError, match=r"a\.bin: changed while it was read\. Run the command again"):
        fetch_file(url)
    assert left_over(ganbench_home) == []


def test_an_image_that_changes_after_it_was_listed_is_no_result(s3: S3, trouble: Trouble, image_folder: Path) -> None:
    source = open_source(s3.put_folder(image_folder, "images"))
    s3.put("images/12.jpg", (image_folder / "1.jpg").read_bytes())
    with pytest.raises(RemoteError, match=r"12\.jpg: changed while it was read"):
        source.digest()


def test_what_may_not_be_written_is_said_before_the_work(s3: S3, trouble: Trouble, tmp_path: Path) -> None:
    trouble.answer = lambda method, path: FORBIDDEN if method in ("PUT", "POST", "DELETE") else None
    with pytest.raises(CannotWrite, match=r"cannot write s3://.*card\.json: may not be written with these credentials"):
        check_outputs(f"{s3.url}/card.json")
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(CannotWrite, match=r"may not be written .*Check the environment \(AWS_ACCESS_KEY_ID"):
        put_file(tmp_path / "card.json", f"{s3.url}/card.json")
    assert s3.names() == []
    trouble.answer = lambda method, path: None
    with pytest.raises(CannotWrite, match="there is no bucket 'no-such-bucket'"):
        check_outputs("s3://no-such-bucket/card.json")
    with pytest.raises(CannotWrite, match="it is a folder. Name a file in it"):
        check_outputs(f"{s3.url}/folder/")


def test_a_look_at_an_output_leaves_nothing(s3: S3) -> None:
    check_outputs(f"{s3.url}/out/card.json", None)
    assert s3.names() == []


def test_what_may_not_be_read_is_said(s3: S3, trouble: Trouble) -> None:
    url = s3.put("a.bin", b"content")
    trouble.answer = lambda method, path: FORBIDDEN
    with pytest.raises(RemoteError, match=r"a\.bin: may not be read with these credentials"):
        fetch_file(url)


def test_no_credentials(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    url = s3.put("a.bin", b"content")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    forget_drivers()
    with pytest.raises(RemoteError, match=r"a\.bin: no credentials were found\. Put them .*AWS_PROFILE"):
        fetch_file(url)


def test_a_store_that_is_out_of_reach_is_said(s3: S3, trouble: Trouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    forget_drivers()
    with pytest.raises(RemoteError, match=r"s3://.*Could not connect.*; tried 5 times"):
        fetch_file(f"{s3.url}/a.bin")


def test_no_room_is_said_before_anything_is_fetched(
    s3: S3, trouble: Trouble, monkeypatch: pytest.MonkeyPatch, ganbench_home: Path
) -> None:
    url = s3.put("a.bin", bytes(10_000))
    monkeypatch.setattr(remote_cache, "_SPARE", 1 << 60)
    with pytest.raises(CannotWrite, match=r"a\.bin: no room for it: .* GB are free in .* set GANBENCH_HOME"):
        fetch_file(url)
    assert [method for method, *_ in trouble.seen] == ["HEAD"]
    assert left_over(ganbench_home) == []


def test_an_interrupt_leaves_no_half_file(s3: S3, monkeypatch: pytest.MonkeyPatch, ganbench_home: Path) -> None:
    url = s3.put("a.bin", bytes(10_000))
    monkeypatch.setattr("ganbench.system.remote_fsspec._CHUNK", 1000)
    calls = []

    def interrupt(*args: object) -> None:
        calls.append(args)
        if len(calls) > 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(remote_cache, "check_room", interrupt)
    monkeypatch.setattr(remote_transfer, "_LOOK", 1000)
    with pytest.raises(KeyboardInterrupt):
        fetch_file(url)
    assert left_over(ganbench_home) == []


def test_a_larger_object_than_an_image_may_be_is_not_read(s3: S3, trouble: Trouble) -> None:
    file = remote.list_files(s3.put("images/1.png", bytes(5000)).rpartition("/")[0])[0]
    assert len(read_object(file, 100)) == 101


def test_a_name_that_leads_outside_is_refused(s3: S3) -> None:
    s3.put("a/../../etc/passwd", b"x")
    with pytest.raises(RemoteError, match="points outside"):
        remote.list_files(f"{s3.url}/a")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nosuch://a/b.zip", "no store is called nosuch://"),
        ("simplecache::s3://a", "no store|a chain"),
        ("zip://a.png::s3://b/c.zip", "a chain of file systems"),
    ],
)
def test_addresses_that_nobody_can_read(url: str, why: str) -> None:
    if remote.is_url(url):
        with pytest.raises(RemoteError, match=why):
            fetch_file(url)


def test_without_the_driver_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec")
    for scheme, module, extra in (("s3", "s3fs", "s3"), ("gs", "gcsfs", "gcs"), ("hf", "huggingface_hub", "hf")):
        monkeypatch.setitem(sys.modules, module, None)
        monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, scheme, raising=False)
        assert scheme not in fsspec.registry
        with pytest.raises(RemoteError, match=rf'pip install "ganbench\[{extra}\]"'):
            fetch_file(f"{scheme}://bucket/a.zip")

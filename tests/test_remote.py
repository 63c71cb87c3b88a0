"""Files at URLs: fetched into the cache by content, listed, written whole; and every way in which that fails."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from s3_server import S3

from ganbench.errors import CannotWrite, RemoteError
from ganbench.system.remote import fetch_file, is_url, list_files, put_file
from ganbench.system.urls import masked, name_of


@pytest.mark.parametrize("text", ["s3://b/k", "gs://b", "https://host/x.zip", "hf://datasets/a/b", "S3://B/k"])
def test_urls_are_urls(text: str) -> None:
    assert is_url(text)


@pytest.mark.parametrize("text", ["C:\\x", "c://x", "s3:", "s3:/b/k", "./s3://b", "/a://b", "", "yolo:https://h/x", 3])
def test_paths_are_no_urls(text: object) -> None:
    assert not is_url(text)


def test_a_path_is_no_url() -> None:
    assert not is_url(Path("s3://bucket/key"))


def test_nothing_secret_of_a_url_is_shown() -> None:
    text = masked("cannot read https://me:pa%20ss@host/a.zip?X-Amz-Signature=abc&b=c (see https://h/x?token=t)")
    assert text == "cannot read https://***@host/a.zip?*** (see https://h/x?***"
    assert name_of("https://me@host/a%20b.zip?x=/y.png") == "a b.zip"
    assert name_of("s3://bucket/folder/") == "folder"


def test_a_file_is_fetched_once_and_by_its_content(s3: S3) -> None:
    url = s3.put("a/real.npz", b"x" * 1000)
    path = fetch_file(url)
    assert path.read_bytes() == b"x" * 1000
    assert path.name == "real.npz"
    before = path.stat().st_mtime_ns
    assert fetch_file(url) == path
    assert path.stat().st_mtime_ns == before
    s3.put("a/real.npz", b"y" * 1000)
    assert fetch_file(url).read_bytes() == b"y" * 1000
    path.write_bytes(b"z" * 1000)
    s3.put("a/real.npz", b"x" * 1000)
    assert fetch_file(url).read_bytes() == b"x" * 1000


def test_the_path_of_a_fetched_file_travels_as_its_address(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = s3.put("a/real.npz", b"x" * 1000)
    path = fetch_file(url)
    sent = pickle.dumps(path)
    assert path.absolute() is path
    assert pickle.loads(pickle.dumps(path.parent)) == path.parent
    assert pickle.loads(sent) == path
    content = path.read_bytes()
    path.unlink()
    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path / "elsewhere"))
    there = pickle.loads(sent)
    assert there.is_relative_to(tmp_path / "elsewhere")
    assert there.read_bytes() == content
    s3.put("a/real.npz", b"y" * 1000)
    with pytest.raises(RemoteError, match="changed while it was read"):
        pickle.loads(sent)


def test_a_folder_is_listed(s3: S3) -> None:
    s3.put("a/2.png", b"22")
    s3.put("a/b/1.png", b"1")
    s3.put("other/3.png", b"3")
    s3.put("a/", b"")
    found = list_files(f"{s3.url}/a/")
    assert sorted((file.name, file.size, file.url) for file in found) == [
        ("2.png", 2, f"{s3.url}/a/2.png"),
        ("b/1.png", 1, f"{s3.url}/a/b/1.png"),
    ]


def test_a_file_is_written(s3: S3, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_bytes(b"{}")
    put_file(tmp_path / "card.json", f"{s3.url}/out/card.json")
    assert s3.get("out/card.json") == b"{}"


def test_what_is_absent_is_said(s3: S3, tmp_path: Path) -> None:
    with pytest.raises(RemoteError, match=r"there is nothing of this name\. Check the address"):
        fetch_file(f"{s3.url}/no.npz")
    with pytest.raises(RemoteError, match="there is no bucket 'no-such-bucket'"):
        fetch_file("s3://no-such-bucket/a.npz")
    (tmp_path / "a").write_bytes(b"a")
    with pytest.raises(CannotWrite, match="cannot write s3://no-such-bucket/a: there is no bucket"):
        put_file(tmp_path / "a", "s3://no-such-bucket/a")

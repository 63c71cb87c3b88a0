"""Commands on data where it lies: an S3 server holds everything, and nothing is local but the cache."""

from __future__ import annotations

import ast
import json
import pickle
import re
import shutil
import tarfile
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from s3_server import S3
from typer.testing import CliRunner

import ganbench.cli
from ganbench.cli.app import app
from ganbench.errors import GanbenchError
from ganbench.features.extractor import Extractor
from ganbench.images import remote as images_remote
from ganbench.images.sources import open_source
from ganbench.references.reference import Reference
from ganbench.scoring.score import score
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.storage import cache_dir, shipped_dir

pytestmark = pytest.mark.slow

YOLO = shipped_dir("detectors") / "yolo-nano" / "yolo-nano.onnx"


@pytest.fixture
def stored(s3: S3, image_folder: Path, lite0: Extractor, tmp_path: Path) -> S3:
    """Return a bucket with images as a folder and an archive, and a reference."""
    (image_folder / "notes.txt").write_text("no image")
    s3.put_folder(image_folder, "generated")
    archive = shutil.make_archive(str(tmp_path / "images"), "zip", image_folder)
    s3.put("images.zip", Path(archive).read_bytes())
    Reference.build(image_folder, lite0).save(tmp_path / "real.npz")
    s3.put("real.npz", (tmp_path / "real.npz").read_bytes())
    s3.put("face.onnx", YOLO.read_bytes())
    return s3


def run(*arguments: str) -> Any:
    """Run a command line."""
    return CliRunner().invoke(app, list(arguments))


def rows(card: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(row["id"], row["value"], row["low"], row["high"], row["n"]) for row in card["results"]]


@pytest.mark.slow
def test_score_with_nothing_local_gives_the_same_numbers(stored: S3, image_folder: Path, tmp_path: Path) -> None:
    here = score(image_folder, tmp_path / "real.npz", detector=f"yolo:{YOLO}", layout="yolov8:1")
    done = run(
        *("score", f"{stored.url}/generated/", "--reference", f"{stored.url}/real.npz"),
        *("--detector", f"yolo:{stored.url}/face.onnx", "--layout", "yolov8:1", "--quiet"),
        *("--json", f"{stored.url}/out/card.json", "--csv", f"{stored.url}/out/card.csv"),
        *("--html", f"{stored.url}/out/page.html", "--markdown", f"{stored.url}/out/card.md"),
    )
    assert done.exit_code == 0, done.output
    card = json.loads(stored.get("out/card.json"))
    assert [row[1:] for row in rows(card)] == [row[1:] for row in rows(here.to_dict())]
    assert card["source"]["label"] == f"{stored.url}/generated/"
    assert card["source"]["digest"] == here.source["digest"]
    assert [text for text in card["warnings"] if "passed over" in text] == ["passed over: 1 .txt"]
    assert f"wrote {stored.url}/out/card.json" in done.output
    assert stored.get("out/page.html").startswith(b"<!doctype html>")
    assert Scorecard.from_json(stored.get("out/card.json").decode()).source["count"] == 12
    afd = next(row for row in card["results"] if row["id"] == "afd[yolo:face.onnx]")
    assert re.search("weights [0-9a-f]{8}", afd["protocol"])


def test_sources_are_read_as_what_they_are(stored: S3, image_folder: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((4, 16, 16, 3), np.uint8))
    stored.put("images.npy", (tmp_path / "images.npy").read_bytes())
    stored.put("without-ending", stored.get("images.zip"))
    local = open_source(image_folder).digest()
    for name in ("generated", "generated/", "images.zip", "without-ending"):
        source = open_source(f"{stored.url}/{name}")
        assert source.digest() == local
        assert source.label == f"{stored.url}/{name}"
    assert len(open_source(f"{stored.url}/images.npy")) == 4
    assert open_source(f"{stored.url}/generated").first(3).names == ["1.jpg", "2.jpg", "3.jpg"]


@pytest.mark.slow
def test_a_reference_is_built_from_and_to_a_bucket(stored: S3) -> None:
    done = run("reference", "build", f"{stored.url}/generated", "-o", f"{stored.url}/out/faces.npz", "--quiet")
    assert done.exit_code == 0, done.output
    assert f"wrote {stored.url}/out/faces.npz" in done.output
    shown = run("reference", "show", f"{stored.url}/out/faces.npz", "--json")
    assert json.loads(shown.stdout)["data"]["label"] == "generated"
    verified = run("reference", "verify", f"{stored.url}/out/faces.npz", "--source", f"{stored.url}/images.zip")
    assert verified.exit_code == 0, verified.output
    plain = score(f"{stored.url}/generated", f"{stored.url}/generated", metrics="fd", detector=None)
    assert plain["fd"].value == pytest.approx(0, abs=1e-6)


def test_entries_of_a_leaderboard_lie_in_a_bucket(stored: S3, image_folder: Path) -> None:
    shutil.make_archive(str(image_folder.parent / "other"), "gztar", image_folder)
    stored.put("subs/other.tar.gz", (image_folder.parent / "other.tar.gz").read_bytes())
    done = run(
        *("leaderboard", f"{stored.url}/images.zip", f"{stored.url}/subs/other.tar.gz", f"{stored.url}/gone.zip"),
        *("--metric", "duplicates", "--detector", "none", "--csv", f"{stored.url}/board.csv", "--json", "-", "--quiet"),
    )
    assert done.exit_code == 0, done.output
    board = json.loads(done.stdout)
    assert "not scored: gone.zip: " in done.stderr
    assert "there is nothing of this name" in done.stderr
    assert {line.split(",")[0] for line in stored.get("board.csv").decode().splitlines()[1:]} >= {"images.zip"}
    assert len(json.dumps(board)) > 100


def test_images_are_fetched_once_for_all_passes(stored: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    read = images_remote.read_object
    monkeypatch.setattr(images_remote, "read_object", lambda file, *rest: asked.append(file.name) or read(file, *rest))
    source = open_source(f"{stored.url}/generated")
    batches = [batch.names for batch in source.batches(4)]
    assert [name for names in batches for name in names] == source.names
    assert set(asked) == set(source.names)
    stored.client.delete_object(Bucket=stored.bucket, Key="generated/7.jpg")
    again = open_source(f"{stored.url}/generated")
    assert len(again) == 11
    assert len(list(source.batches(12))) == 1  # all are in the cache, also the one that is gone


def test_a_damaged_cache_is_fetched_again(stored: S3, ganbench_home: Path, image_folder: Path) -> None:
    digest = open_source(f"{stored.url}/generated").digest()
    assert open_source(f"{stored.url}/images.zip").digest() == digest
    for path in [*(ganbench_home / "cache").rglob("*.cache"), *(ganbench_home / "cache" / "remote").rglob("*.zip")]:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    assert open_source(f"{stored.url}/generated").digest() == digest
    assert open_source(f"{stored.url}/images.zip").digest() == digest


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("empty/", "there is nothing of this name"),
        ("nothing.zip", "there is nothing of this name"),
        ("texts", "no image in it (1 other files, such as 'a.txt')"),
        ("above", "no image in it (only subfolders: add --recursive)"),
    ],
)
def test_what_holds_no_image_is_said(s3: S3, what: str, why: str) -> None:
    s3.put("texts/a.txt", b"x")
    s3.put("above/below/1.png", b"x")
    with pytest.raises(GanbenchError, match=re.escape(why)):
        open_source(f"{s3.url}/{what}")


def test_a_bad_output_costs_no_work(stored: S3) -> None:
    done = run("score", f"{stored.url}/generated", "--json", "s3://no-such-bucket/card.json")
    assert isinstance(done.exception, GanbenchError)
    assert "there is no bucket 'no-such-bucket'" in str(done.exception)
    assert "Check its name" in str(done.exception)


def test_no_parameter_swallows_a_url() -> None:
    bare = []
    for file in sorted(Path(ganbench.cli.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Annotated"):
                continue
            kind, declaration = cast(ast.Tuple, node.slice).elts
            words = {keyword.arg for keyword in cast(ast.Call, declaration).keywords}
            if re.search(r"\b(Path|Location)\b", ast.unparse(kind)) and "parser" not in words:
                bare.append(f"{file.name}:{node.lineno}")
    assert bare == [], "options.local or options.place is to parse it: Path takes one slash of a URL away"


@pytest.mark.parametrize(
    "command",
    [
        "detect x --draw s3://b/x",
        "data pack x s3://b/x.tgz",
        "data toyfaces s3://b/x",
        "gradnorm --out s3://b/x",
        "afd calibrate --real x --fake x --plot s3://b/x.png",
    ],
)
def test_what_has_to_be_local_says_so(command: str) -> None:
    done = run(*command.split())
    assert isinstance(done.exception, GanbenchError)
    assert re.match(r"s3://b/\S+: .* has to be on this machine\. Give a path", str(done.exception))


def test_a_path_that_was_a_url_is_recognised() -> None:
    with pytest.raises(GanbenchError, match="If it is a URL, give it as a text"):
        open_source(Path("s3://bucket/images"))


def test_shards_lie_in_a_bucket(s3: S3, image_folder: Path, tmp_path: Path) -> None:
    here = tmp_path / "shards"
    here.mkdir()
    images = sorted(image_folder.glob("*.jpg"))
    for number in range(3):
        with tarfile.open(here / f"faces-{number:06d}.tar", "w") as shard:
            for path in images[number::3]:
                shard.add(path, path.name)
    s3.put_folder(here, "shards")
    local = open_source(str(here / "faces-{000000..000002}.tar"))
    for text in ("shards/faces-{000000..000002}.tar", "shards/faces-*.tar", "shards", "shards/"):
        source = open_source(f"{s3.url}/{text}")
        assert source.label == f"{s3.url}/{text}"
        assert list(source.names) == list(local.names)
        assert source.digest() == local.digest()
    with pytest.raises(GanbenchError, match=r"faces-000003\.tar: there is nothing of this name"):
        open_source(f"{s3.url}/shards/faces-{{000000..000003}}.tar")
    with pytest.raises(GanbenchError, match="no such file"):
        open_source(f"{s3.url}/shards/none-*.tar")


@pytest.mark.parametrize("name", ["generated", "images.zip"])
def test_pieces_are_fetched_where_they_are_read(
    stored: S3, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_source(f"{stored.url}/{name}")
    whole = [digest for batch in source.batches(5) for digest in batch.digests]
    sent = [pickle.dumps(piece) for piece in source.pieces(5)]
    shutil.rmtree(cache_dir() / "remote", ignore_errors=True)
    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path / "another-machine"))
    found = []
    for data in sent:
        for batch in pickle.loads(data).open().batches(5):
            found += batch.digests
    assert found == whole

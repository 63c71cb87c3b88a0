"""The submission format: valid ones pass, each broken rule is named, packing is exact about size and bytes."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ganbench.cli.data import app
from ganbench.errors import GanbenchError, GateFailed, SourceError
from ganbench.images.resize import Resize
from ganbench.images.sources import open_source
from ganbench.images.submission import check_submission, pack_submission


@pytest.fixture(scope="module")
def thousand() -> np.ndarray:
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (1000, 4, 4, 3), dtype=np.uint8)
    smooth = Resize(64, 64)
    return np.stack([smooth(image) for image in coarse])


@pytest.fixture(scope="module")
def valid(thousand: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("submission") / "valid.tgz"
    pack_submission(open_source(thousand), out, quality=30)
    return out


def broken(path: Path) -> list[str]:
    return [rule.what for rule in check_submission(path) if not rule.ok]


def repack(valid: Path, out: Path, change) -> Path:
    """Copy an archive member by member; ``change(name, data)`` returns the new (name, data) or None to leave it out."""
    with tarfile.open(valid) as old, tarfile.open(out, "w:gz") as new:
        for member in old:
            changed = change(member.name, old.extractfile(member).read())
            if changed is not None:
                info = tarfile.TarInfo(changed[0])
                info.size = len(changed[1])
                new.addfile(info, io.BytesIO(changed[1]))
    return out


def jpeg(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.slow
def test_a_packed_submission_is_valid(valid: Path, thousand: np.ndarray) -> None:
    assert broken(valid) == []
    assert valid.stat().st_size < 2_000_000
    found = np.concatenate([b.pixels for b in open_source(valid).batches(100)])
    assert np.abs(found.astype(int) - thousand).mean() < 12  # quality 30: in order, and still the same pictures


@pytest.mark.slow
def test_each_broken_rule_is_named(valid: Path, tmp_path: Path) -> None:
    def check(change) -> list[str]:
        return broken(repack(valid, tmp_path / "x.tgz", change))

    assert check(lambda n, d: None if n == "7.jpg" else (n, d)) == ["1,000 images", "named 1.jpg ... 1000.jpg"]
    assert check(lambda n, d: (f"faces/{n}", d))[:2] == ["no folder inside", "named 1.jpg ... 1000.jpg"]
    assert check(lambda n, d: (n, jpeg((64, 63)) if n == "5.jpg" else d)) == ["every image 64x64"]
    assert check(lambda n, d: (n, d[:40] if n == "5.jpg" else d)) == ["every image decodes"]
    assert check(lambda n, d: ("notes.txt" if n == "1.jpg" else n, d)) == [
        "1,000 images",
        "named 1.jpg ... 1000.jpg",
        "nothing else inside",
    ]


@pytest.mark.slow
def test_a_name_that_is_in_the_archive_twice_is_told(valid: Path, tmp_path: Path) -> None:
    """Whoever unpacks it has 1,000 images, of which one is not the first of its name."""
    with tarfile.open(valid) as old, tarfile.open(tmp_path / "x.tgz", "w:gz") as new:
        for member in [*old.getmembers(), old.getmember("7.jpg")]:
            new.addfile(member, old.extractfile(member))
    rules = {rule.what: rule for rule in check_submission(tmp_path / "x.tgz")}
    assert all(rule.ok for rule in rules.values())
    assert rules["nothing else inside"].found == "in the archive more than once: '7.jpg'; the last one counts"


@pytest.mark.slow
def test_folders_and_wrong_containers_are_found(valid: Path, tmp_path: Path) -> None:
    with (
        tarfile.open(valid) as old,
        tarfile.open(tmp_path / "f.tgz", "w:gz") as new,
        tarfile.open(tmp_path / "plain.tgz", "w") as plain,
    ):
        folder = tarfile.TarInfo("faces")
        folder.type = tarfile.DIRTYPE
        new.addfile(folder)
        for member in old:
            new.addfile(member, old.extractfile(member))
            plain.addfile(member, old.extractfile(member))
    assert broken(tmp_path / "f.tgz") == ["no folder inside"]
    assert broken(tmp_path / "plain.tgz")[0] == "a .tgz archive"  # a tar that was only named so
    with tarfile.open(valid) as old, tarfile.open(tmp_path / "dot.tgz", "w:gz") as new:
        here = tarfile.TarInfo("./")
        here.type = tarfile.DIRTYPE
        new.addfile(here)
        for member in old:
            data = old.extractfile(member).read()
            member.name = f"./{member.name}"
            new.addfile(member, io.BytesIO(data))
    assert broken(tmp_path / "dot.tgz") == []  # `tar czf x.tgz .`: unpacks to the same files


def test_the_size_limit_is_two_million_bytes(valid: Path, tmp_path: Path) -> None:
    big = repack(valid, tmp_path / "big.tgz", lambda n, d: (n, d + np.random.default_rng(len(d)).bytes(2500)))
    assert broken(big) == ["under 2,000,000 bytes"]


@pytest.mark.slow
def test_packing_finds_the_highest_quality_that_fits(thousand: np.ndarray, tmp_path: Path) -> None:
    source = open_source(thousand)
    most = pack_submission(source, tmp_path / "x.tgz", quality=60).size
    packed = pack_submission(source, tmp_path / "a.tgz", max_bytes=most)
    assert packed.size < most
    assert 50 < packed.quality < 60
    assert packed.size == (tmp_path / "a.tgz").stat().st_size
    better = pack_submission(source, tmp_path / "b.tgz", quality=packed.quality + 1, max_bytes=10**9)
    assert better.size >= most
    again = pack_submission(source, tmp_path / "c.tgz", quality=packed.quality)
    assert (tmp_path / "a.tgz").read_bytes() == (tmp_path / "c.tgz").read_bytes()
    assert again.size == packed.size


def test_jpegs_that_fit_are_copied_unchanged(valid: Path, tmp_path: Path) -> None:
    packed = pack_submission(open_source(valid), tmp_path / "copy.tgz")
    assert packed.quality is None
    old, new = open_source(valid), open_source(tmp_path / "copy.tgz")
    assert old.digest() == new.digest()


def test_packing_refuses_what_cannot_be_a_submission(thousand: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has 1,000 images, found 10"):
        pack_submission(open_source(thousand[:10]), tmp_path / "a.tgz")
    with pytest.raises(SourceError, match="add --resize 64"):
        pack_submission(open_source(thousand[:, :32, :32]), tmp_path / "a.tgz")
    with pytest.raises(GanbenchError, match="the limit is 1,000.*--max-bytes"):
        pack_submission(open_source(thousand), tmp_path / "a.tgz", max_bytes=1000)
    with pytest.raises(GanbenchError, match="JPEG quality 200"):
        pack_submission(open_source(thousand), tmp_path / "a.tgz", quality=200)
    with pytest.raises(GanbenchError, match=r"a\.zip: a submission is a \.tgz"):
        pack_submission(open_source(thousand), tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


def test_the_command_fails_with_the_broken_rules(valid: Path, tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["check", str(valid)]).exit_code == 0
    bad = repack(valid, tmp_path / "bad.tgz", lambda n, d: None if n == "7.jpg" else (n, d))
    result = CliRunner().invoke(app, ["check", str(bad)])
    assert isinstance(result.exception, GateFailed)
    assert "no 7.jpg" in result.output


@pytest.mark.parametrize("flag", ["--first", "--limit"])
def test_the_first_thousand_of_many_are_packed_unchanged(valid: Path, tmp_path: Path, flag: str) -> None:
    with tarfile.open(valid) as archive:
        archive.extractall(tmp_path / "many", filter="data")
    for extra in ("1001.jpg", "1002.jpg"):
        (tmp_path / "many" / extra).write_bytes(jpeg((64, 64)))
    pack = ["pack", str(tmp_path / "many"), str(tmp_path / "out.tgz")]
    refused = CliRunner().invoke(app, pack)
    assert "found 1,002. Add --first 1000" in str(refused.exception)
    result = CliRunner().invoke(app, [*pack, flag, "1000"])
    assert result.exit_code == 0, result.output
    assert "files copied unchanged" in result.output
    assert open_source(tmp_path / "out.tgz").digest() == open_source(valid).digest()

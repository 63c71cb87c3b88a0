"""The tables of a bench whose results lie in an object store."""

from __future__ import annotations

from pathlib import Path

from s3_server import S3

from ganbench.bench.grid import Workspace
from ganbench.bench.out import Out


def test_what_is_published_is_told_by_where_it_lies(s3: S3, tmp_path: Path) -> None:
    for out, where in ((f"{s3.url}/bench/", f"{s3.url}/bench/board.csv"), (tmp_path, str(tmp_path / "board.csv"))):
        place = Out(Workspace("faces.zip", out))
        place.folder.mkdir(parents=True, exist_ok=True)
        (place.folder / "board.csv").write_text("name\n")
        assert str(place.publish(place.folder / "board.csv")) == where

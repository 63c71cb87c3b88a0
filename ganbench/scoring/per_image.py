"""What is known of every single image: name, duplicates, faces, nearest real image, realism, what it copies."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.metrics import blends, copies
from ganbench.metrics.neighbours import Pairs
from ganbench.scoring.look import Seen
from ganbench.statistics.known import CodedImages, KnownImages


def per_image_table(
    names: Sequence[str],
    seen: Seen,
    detector: str,
    neighbours: dict[str, Pairs],
    compared: dict[str, tuple[KnownImages, CodedImages]],
) -> list[dict[str, object]]:
    """Return one row per image.

    Args:
        names: of all images, those that could not be read too.
        seen: what the instruments saw.
        detector: name of the detector, for the columns.
        neighbours: the nearest images under each extractor; its fake samples must be all images, in the order of names.
        compared: every real image under each extractor whose reference has an index, and all images as it sees them.
    """
    first = seen.pixels.first
    rows: list[dict[str, object]] = [
        {"name": names[position], "duplicate_of": "" if first[row] == row else names[seen.index[first[row]]]}
        for row, position in enumerate(seen.index)
    ]
    for extractor, pairs in neighbours.items():
        between = pairs.between
        for row, distance, realism in zip(rows, between.nearest, between.realism, strict=True):
            row[f"nearest_reference[{extractor}]"] = float(distance)
            row[f"realism[{extractor}]"] = float(realism)
    for extractor, (known, coded) in compared.items():
        verdicts = copies.judge(known, coded)
        for row, alike, real, copied in zip(rows, verdicts.alike, verdicts.row, verdicts.copied, strict=True):
            row[f"copy_of[{extractor}]"] = str(known.index.names[int(real)]) if copied else ""
            row[f"alike[{extractor}]"] = float(alike)
        explained = blends.judge(known, coded)
        for row, told, share, parts in zip(rows, explained.told, explained.share, explained.rows, strict=True):
            held = dict.fromkeys(str(known.index.names[int(part)]) for part in parts)
            row[f"blend_of[{extractor}]"] = " + ".join(held) if told and not row[f"copy_of[{extractor}]"] else ""
            row[f"explained[{extractor}]"] = float(share)
    if seen.detections is not None:
        for row, count, score in zip(rows, seen.detections.counts, seen.detections.best, strict=True):
            row[f"faces[{detector}]"] = int(count)
            row[f"score[{detector}]"] = float(score)
    return rows

"""Finding what sources of images share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ganbench.errors import GanbenchError
from ganbench.images.resize import Resize
from ganbench.images.source import Source
from ganbench.metrics.same import SURE
from ganbench.overlap.axes import shipped_axes
from ganbench.overlap.looked import Eye
from ganbench.overlap.looking import look_at_all
from ganbench.overlap.result import Compared, Overlap
from ganbench.overlap.searching import tried
from ganbench.overlap.sharing import LISTED_PAIRS, shared_by
from ganbench.scoring.options import Images, ScoreOptions
from ganbench.system.cluster import Site
from ganbench.system.location import Location


def find(
    *sources: Images,
    labels: Sequence[str] | None = None,
    resize: str | Resize | None = None,
    recursive: bool = False,
    grid: tuple[int, int] | str | None = None,
    pad: int | None = None,
    limit: int | None = None,
    skip_bad: int = 0,
    device: str = "auto",
    cache: bool = True,
    jobs: int = 1,
    cluster: str | None = None,
) -> Overlap:
    """Find the pictures that sources share, also mirrored, shifted, cropped, turned, recoloured or recompressed.

    Pictures that one source holds several times are found by the metric ``near_duplicates``, and not here.

    Args:
        sources: folders, archives, array files or arrays, as ``ganbench.score`` takes them; two at least.
        labels: what to call them [default: the last part of their paths, or more of it where two would be the same].
        resize: rule such as ``64`` for images of another size.
        recursive: look into subfolders too.
        grid: (rows, columns) where each source is a sheet, or ``guess``.
        pad: pixels between the tiles of a sheet.
        limit: use the first so many images of each only.
        skip_bad: how many unreadable images of each may be left out.
        device: ``auto``, ``cpu`` or ``cuda``.
        cache: keep what is remembered of the images, and features, and reuse them.
        jobs: processes at a time; the result does not depend on it.
        cluster: address of a Ray cluster that does the work instead.

    Returns:
        The pairs that share anything. A source that cannot be read is in ``failed``, with the reason.

    Raises:
        GanbenchError: fewer than two sources, or fewer than two that can be read; more images than there is memory for.
    """
    options = ScoreOptions(
        resize=resize, recursive=recursive, limit=limit, skip_bad=skip_bad, device=device, cache=cache, detector=None
    )

    def opened(source: Images) -> Source:
        return options.open(source, grid=grid, pad=pad)

    called = labels_of(sources) if labels is None else list(labels)
    if len(called) != len(sources) or len(set(called)) != len(called):
        raise GanbenchError(
            f"{len(sources)} sources and {len(set(called))} different labels: each needs one of its own"
        )
    return compare(sources, called, opened, device=device, cache=cache, site=Site(jobs, cluster))


def compare(
    sources: Sequence[Images],
    labels: Sequence[str],
    opened: Callable[[Images], Source],
    *,
    device: str = "auto",
    cache: bool = True,
    site: Site | None = None,
    contents: Sequence[str] = (),
) -> Overlap:
    """Find the pictures that sources share; see ``find``.

    Args:
        sources: what ``opened`` takes; two at least.
        labels: what to call each; all different.
        opened: opens one.
        device: on which the network runs.
        cache: keep and reuse what is remembered of images.
        site: where the work is done; None: in this process.
        contents: of each source, a hash of all that it is and of how it is opened: what was compared before is then
            not opened again. Empty: not known.

    Raises:
        GanbenchError: as ``find``.
    """
    if len(sources) < 2:
        raise GanbenchError(f"{len(sources)} source{'' if len(sources) == 1 else 's'}: give two or more to compare")
    site = site or Site()
    eye = Eye(shipped_axes(), device, cache)
    notes: list[str] = []
    seen, failed = look_at_all(sources, labels, opened, eye, site, notes.append, contents)
    reasons = tuple((labels[number], why) for number, why in sorted(failed.items()))
    if len(seen) < 2:
        told = "; ".join(f"{label}: {why}" for label, why in reasons[:3])
        raise GanbenchError(f"{len(seen)} of {len(sources)} sources can be read, and two are needed. {told}")
    names = [labels[one.number] for one in seen]
    pairs = shared_by(seen, names, site, notes.append if cache else None)
    if len(pairs) > LISTED_PAIRS:
        notes.append(f"{len(pairs):,} pairs share pictures: of the first {LISTED_PAIRS:,} the pictures are named")
    counts = tuple(Compared(name, one.looked.n) for name, one in zip(names, seen, strict=True))
    nearest, by_looks = tried(sum(one.n for one in counts))
    protocol = f"{eye.protocol}; the {nearest} nearest and {2 * by_looks} by looks; alike from {SURE:g} on"
    return Overlap(counts, tuple(pairs), reasons, protocol, tuple(notes))


def labels_of(sources: Sequence[Images]) -> list[str]:
    """Return what to call sources: the last part of each path, more of it where two would be the same, then numbers."""
    whole, short = [], []
    for one in sources:
        label = one.label if isinstance(one, Source) else str(one) if isinstance(one, str | Path) else "images"
        place = Location.of(label)
        whole.append(str(place))
        short.append(place.name or str(place))
    found: list[str] = []
    for label, text in zip(short, whole, strict=True):
        chosen = label if short.count(label) == 1 else text
        repeated = sum(other == chosen or other.startswith(f"{chosen} (") for other in found)
        found.append(chosen if not repeated else f"{chosen} ({repeated + 1})")
    return found

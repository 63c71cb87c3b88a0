"""What a page says of where its numbers come from: protocols, runs, versions."""

from __future__ import annotations

from ganbench.leaderboard.entries import Entry
from ganbench.runs.facts import environment_of
from ganbench.training.run_folder import RunFolder


def protocols_of(entries: list[Entry]) -> list[tuple[str, str]]:
    """Return (result id, protocol with n and, if several have it, their number), each different protocol once."""
    counted: dict[tuple[str, str], int] = {}
    for entry in entries:
        for row in entry.card.rows if entry.card else []:
            n = "" if row.n is None else f"n = {row.n}; "
            text = n + str(row.cells()["protocol"])
            counted[row.id, text] = counted.get((row.id, text), 0) + 1
    order = list(dict.fromkeys(name for name, _ in counted))
    found = [(name, text + (f" ({count} entries)" if count > 1 else "")) for (name, text), count in counted.items()]
    return sorted(found, key=lambda row: order.index(row[0]))


def run_texts(entry: Entry) -> dict[str, str]:
    """Return what a run was: recipe and environment, as texts."""
    run = RunFolder(entry.path)
    known = environment_of(run)
    images = known.pop("images", None)
    count, digest = (images.get(name, "?") if isinstance(images, dict) else "?" for name in ("count", "digest"))
    known["images"] = f"{count} images, digest {str(digest)[:16]}"
    return {
        "name": entry.name,
        "recipe": run.recipe().to_toml(),
        "environment": "\n".join(f"{key}: {value}" for key, value in known.items()),
    }


def counted(texts: list[str]) -> list[tuple[str, int]]:
    """Return each different text once, with how often it is there."""
    return [(text, texts.count(text)) for text in dict.fromkeys(texts)]


def versions_of(entries: list[Entry]) -> dict[str, str]:
    """Return library versions; where scorecards differ, all of them."""
    found: dict[str, dict[str, None]] = {}
    for entry in entries:
        for name, version in (entry.card.versions if entry.card else {}).items():
            found.setdefault(name, {})[version] = None
    return {name: " / ".join(versions) for name, versions in found.items()}

"""Makes a class: a roster, what everybody handed in, and the truth to hold the grades against.

    python benchmarks/made_class.py class/ --data faces.zip --resize 64     # 120 people, from real faces
    python benchmarks/made_class.py class/ --people 20 --count 60           # a small one, from toy faces
    python benchmarks/made_class.py class/ --check grades/grades.csv        # who is in a wrong column

A quarter is dishonest, in twelve ways; a twelfth is broken, in ten ways; some names are Chinese, one file's name is no
UTF-8, some hand in twice, some not at all, and two files are nobody's. Honest people hand in samples of a generator of
their own: of real faces, Gaussian samples in the space of some principal components; of toy faces, faces drawn anew.

In the folder: ``submissions/``, ``roster.csv``, ``class.toml``, ``truth.csv``; of toy faces also ``real/``, which
class.toml names as the reference. Exit code 1 where --check finds anything.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from class_work import BROKEN, COPIES, FLAG, REPEATS, SHARES, WAYS, Pixels, encoded, numbered, packed

from ganbench.images.sources import open_source
from ganbench.toyfaces import toyfaces

DEADLINE = 1_767_628_799  # 2026-01-05T23:59:59+08:00
FORMS = ("plain", "moodle", "canvas")
_FAMILY, _GIVEN = "王陳林黃張李吳劉蔡楊", "小明怡君志豪雅婷冠宇詩涵"
_COMPONENTS = 400
_SAMPLE = 1500  # faces that the components are of


@dataclass
class Person:
    """Somebody in the class, and what is true of them: ``honest``, a way to cheat, a way to break, or ``absent``."""

    id: str
    name: str
    kind: str
    way: str = ""
    late: bool = False


# --- images ---


class Faces:
    """Where images come from: training faces, and generators that were trained on them."""

    def __init__(self, train: Pixels, *, toy: bool, seed: int) -> None:
        self.train, self._toy, self._seed = train, toy, seed
        if not toy:
            rng = np.random.default_rng(seed)
            chosen = rng.permutation(len(train))[:_SAMPLE]
            flat = train[chosen].reshape(len(chosen), -1).astype(np.float32)
            self._mean = flat.mean(0)
            flat -= self._mean
            values, vectors = np.linalg.eigh(flat @ flat.T)
            values, vectors = values[::-1][:_COMPONENTS], vectors[:, ::-1][:, :_COMPONENTS]
            self._axes = (vectors / np.sqrt(np.maximum(values, 1e-6))).T @ flat
            self._spread = np.sqrt(np.maximum(values, 0) / (len(chosen) - 1)).astype(np.float32)

    def generated(self, person: int, count: int) -> Pixels:
        """Return what the generator of one person draws; no two people have the same."""
        if self._toy:
            size = self.train.shape[1]
            return np.stack([image for _, image in toyfaces(count, size=size, seed=self._seed + 1000 + person)])
        rng = np.random.default_rng([self._seed, person])
        used = int(rng.integers(100, len(self._spread)))
        warmth = rng.uniform(0.7, 1.0)
        codes = rng.normal(0, warmth, (count, used)).astype(np.float32) * self._spread[:used]
        return (
            np.clip(codes @ self._axes[:used] + self._mean, 0, 255).astype(np.uint8).reshape(-1, *self.train.shape[1:])
        )

    def copied(self, rng: np.random.Generator, count: int) -> Pixels:
        """Return training images."""
        return self.train[rng.choice(len(self.train), count, replace=len(self.train) < count)]


# --- the class ---


def people_of(count: int, rng: np.random.Generator) -> list[Person]:
    """Return the class: a quarter dishonest, a twelfth broken, a few absent on top."""
    dishonest, broken, absent = count // 4, max(1, count // 12), max(1, count // 40)
    kinds = [("dishonest", WAYS[i % len(WAYS)]) for i in range(dishonest)]
    kinds += [("broken", list(BROKEN)[i % len(BROKEN)]) for i in range(broken)]
    kinds += [("honest", "")] * (count - dishonest - broken)
    order = rng.permutation(len(kinds))
    found = []
    for number in range(count + absent):
        kind, way = kinds[order[number]] if number < count else ("absent", "")
        name = f"{_FAMILY[number % 10]}{_GIVEN[number // 10 % 12]}{_GIVEN[(number * 5 + number // 12) % 12]}"
        name = name if number % 3 else f"Student {number} of the class"
        found.append(Person(f"b{10901000 + number}", name, kind, way, late=kind == "honest" and number % 17 == 3))
    return found


def make(folder: Path, faces: Faces, people: list[Person], count: int, form: str, seed: int) -> None:
    """Write what everybody handed in."""
    rng = np.random.default_rng([seed, 7])
    honest = [n for n, person in enumerate(people) if person.kind == "honest"]
    folder.mkdir(parents=True)
    for number, person in enumerate(people):
        if person.kind == "absent":
            continue
        if person.way in COPIES:
            images = COPIES[person.way](faces.copied(rng, count))
        elif person.way in REPEATS:
            images = REPEATS[person.way](faces.generated(number, count))
        elif person.way in SHARES:
            images = SHARES[person.way](faces.generated(honest[number % len(honest)], count))
            images = images[rng.permutation(count)]
        else:
            images = faces.generated(number, count)
        files = encoded(images)
        data = BROKEN[person.way](files) if person.way in BROKEN else packed(numbered(files))
        moment = DEADLINE + (3 * 3600 if person.late else -3600 * (1 + number % 50))
        if number % 20 == 1:  # an earlier one, which does not count
            first = packed(numbered(encoded(faces.generated(5000 + number, min(count, 50)))))
            _hand_in(folder, person, number, first, moment - 7200, form, again=False)
        _hand_in(folder, person, number, data, moment, form, again=number % 20 == 1)
    (folder / "hw6_nobody.tgz").write_bytes(b"\x1f\x8b")
    (folder / "hw6_b99999999.tgz").write_bytes(b"\x1f\x8b")


def _hand_in(folder: Path, person: Person, number: int, data: bytes, moment: int, form: str, *, again: bool) -> None:
    last = "-1" * again
    name = f"hw6_{person.id}{last}.tgz".encode()
    if form == "moodle":
        name = f"{person.name}_{20000 + number}_assignsubmission_file_/hw6{last}.tgz".encode()
    elif form == "canvas":
        late = "LATE_" * person.late
        stem = "".join(person.name.split()).lower()
        name = f"{stem}_{late}{3000 + number}_{70000 + 2 * number + again}_hw6_{person.id}{last}.tgz".encode()
    elif number == 2 and sys.platform == "linux":
        name = b"hw6_" + person.id.encode() + "_作業".encode("big5") + b".tgz"
    path = os.path.join(os.fsencode(folder), name)  # noqa: PTH118 - a name that is no UTF-8
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - likewise
    with open(path, "wb") as f:  # noqa: PTH123 - likewise
        f.write(data)
    os.utime(path, (moment, moment))


def write_papers(folder: Path, people: list[Person], config: str) -> None:
    """Write the roster, the configuration and the truth."""
    lines = "".join(f"{person.id},{person.name}\n" for person in people)
    (folder / "roster.csv").write_bytes(b"\xef\xbb\xbf" + f"id,name\n{lines}".encode())
    (folder / "class.toml").write_text(config, "utf-8")
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["id", "kind", "way", "late"])
        writer.writerows([person.id, person.kind, person.way, person.late] for person in people)


# --- the check ---


def wrong(truth: Path, grades: Path) -> list[str]:
    """Return who is in a wrong column of the grades."""
    with truth.open(encoding="utf-8", newline="") as f:
        known = {row["id"]: row for row in csv.DictReader(f)}
    with grades.open(encoding="utf-8-sig", newline="") as f:
        rows = {row["id"]: row for row in csv.DictReader(f)}
    found = [f"{one}: no row" for one in known.keys() - rows.keys()]
    # Whoever is copied from shares as much as who copies: one of them is honest.
    for one, row in rows.items():
        person, flags = known[one], row["flags"].split()
        valid = row["valid"] == "yes"
        if valid != (person["kind"] in ("honest", "dishonest")):
            found.append(f"{one} is {person['kind']} ({person['way']}), and valid: {row['valid']}: {row['reason']}")
        elif person["kind"] == "dishonest" and FLAG[person["way"]] not in flags:
            found.append(f"{one} ({person['way']}) has the flags: {row['flags'] or 'none'}")
        elif person["kind"] == "honest" and set(flags) - {"shared"}:
            found.append(f"{one} is honest, and has the flags: {row['flags']}")
        if person["late"] == "True" and not row["late"].startswith("yes"):
            found.append(f"{one} is late, and the column says: {row['late']}")
        if person["kind"] == "absent" and "nothing" not in row["reason"]:
            found.append(f"{one} is absent, and the reason is: {row['reason']}")
    return sorted(found)


def main() -> None:
    """Make a class, or check the grades of one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", help="real faces; without it, toy faces")
    parser.add_argument("--resize", help="of the real faces")
    parser.add_argument("--people", type=int, default=120)
    parser.add_argument("--count", type=int, default=1000, help="images of each")
    parser.add_argument("--form", choices=FORMS, default="plain", help="whose export it is like")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", type=Path, metavar="grades.csv")
    given = parser.parse_args()
    if given.check is not None:
        found = wrong(given.folder / "truth.csv", given.check)
        print("\n".join(found) or "everybody is in the right column")
        sys.exit(1 if found else 0)
    made_class(
        given.folder,
        data=given.data,
        resize=given.resize,
        people=given.people,
        count=given.count,
        form=given.form,
        seed=given.seed,
    )


def made_class(
    folder: Path,
    *,
    data: str | None = None,
    resize: str | None = None,
    people: int = 120,
    count: int = 1000,
    form: str = "plain",
    seed: int = 0,
) -> list[Person]:
    """Make a class in a new folder; see the options of the command."""
    config = 'roster = "roster.csv"\nid = "(b\\\\d{8})"\nsecret = "a secret of the made class"\n'
    if data is None:
        train = np.stack([image for _, image in toyfaces(max(200, 2 * count), size=64, seed=seed)])
        (folder / "real").mkdir(parents=True)
        np.save(folder / "real" / "faces.npy", train)
        config += '[public]\nreference = "real/faces.npy"\n'
    else:
        source = open_source(data, resize=resize)
        train = np.concatenate([batch.pixels for batch in source.batches(256)])
    config += "[late]\ndeadline = 2026-01-05T23:59:59+08:00\nper_day = 0.1\n"
    if count != 1000:
        config += f"[rules]\ncount = {count}\n"
    rng = np.random.default_rng(seed)
    found = people_of(people, rng)
    make(folder / "submissions", Faces(train, toy=data is None, seed=seed), found, count, form, seed)
    write_papers(folder, found, config)
    return found


if __name__ == "__main__":
    main()

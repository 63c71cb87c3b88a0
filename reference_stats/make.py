"""Makes the shipped references anew from the archive of faces, and says what the card says of them.

    python reference_stats/make.py anime-faces-20k.zip                # lite0, over the file that is there
    python reference_stats/make.py anime-faces-20k.zip -o /tmp/new    # into another folder, to compare
    python reference_stats/make.py anime-faces-20k.zip --pixels       # only what the pixels say, all else as it is
    python reference_stats/make.py anime-faces-20k.zip --figures      # only what the held-out images show, likewise
    python reference_stats/make.py anime-faces-20k.zip --looks        # only looks and kinds, all else as it is

A minute or two on two cores.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from ganbench.features.registry import load_extractor
from ganbench.features.spec import BuildOptions
from ganbench.images.source import Source
from ganbench.images.sources import open_source
from ganbench.references.build import build_parts
from ganbench.references.form import SCHEMA
from ganbench.references.held_out import with_held_out
from ganbench.references.library import check_reference
from ganbench.references.parts import choose
from ganbench.references.real_looks import look_at_real
from ganbench.references.real_pixels import RealPixels
from ganbench.references.reference import Reference
from ganbench.system.storage import sha256_file

ARCHIVE_SHA256 = "0c1c08812f1df5292769ddfe73adb2842ec561c077aa26357fe5ed9f9b662524"
HELD_OUT = "last:2000"  # by name: the archive's own order keeps them apart
MOST_BYTES = 18_000_000


def main() -> None:
    """Build one, check it against the archive, and print what stands on its card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="the archive of 20,000 faces")
    parser.add_argument("--features", default="lite0", help="extractor")
    parser.add_argument("-o", "--out", type=Path, default=Path(__file__).parent, help="folder to write into")
    parser.add_argument("--pixels", action="store_true", help="make the wavelet packets alone")
    parser.add_argument("--figures", action="store_true", help="make what the held-out images show alone")
    parser.add_argument("--looks", action="store_true", help="make looks and kinds alone")
    options = parser.parse_args()
    if sha256_file(options.archive) != ARCHIVE_SHA256:
        raise SystemExit(f"{options.archive}: another archive than the card names")
    parts = choose(open_source(options.archive, resize="64"), None, HELD_OUT, 0)
    name = f"anime-faces-64.{options.features}.npz"
    if options.pixels:
        reference = with_packets(Reference.load(Path(__file__).parent / name), parts[0].images)
    elif options.figures:
        reference = with_figures(Reference.load(Path(__file__).parent / name), parts[0].held_out, options.features)
    elif options.looks:
        add_looks(parts[0].images, options.out)
        return
    else:
        (reference,) = build_parts(parts, options.features, names=["anime-faces-64"])
    path = options.out / name
    size = reference.save(path)
    if size > MOST_BYTES:
        raise SystemExit(f"{path}: {size:,} bytes, and at most {MOST_BYTES:,} are shipped")
    loaded = Reference.load(path)
    for check in check_reference(loaded, str(options.archive)):
        print(f"{'ok  ' if check.ok else 'FAIL'} {check.what}: {check.found}")
    held_out = loaded.held_out or {}
    print(f"{path.name}: {size:,} bytes, SHA-256 {sha256_file(path)}; {loaded.origin()}; {loaded.memory()}")
    for name, figure in held_out["figures"].items():
        print(f"  {name}: {figure['value']:.4f} ({figure['low']} to {figure['high']}), n={figure['n']}")
    print(f"  of {held_out['images']:,} held out: {held_out['copies']} copies, {held_out['nearer']} nearer")


def add_looks(images: Source, out: Path) -> None:
    """Write every reference with the looks of its images, which are the same for all, and its kinds."""
    looks = look_at_real(images)
    for file in sorted(Path(__file__).parent.glob("*.npz")):
        reference = same_images(Reference.load(file), images)
        size = replace(reference, looks=looks, kinds=reference.own_kinds(), schema=SCHEMA).save(out / file.name)
        print(f"{file.name}: {size:,} bytes, SHA-256 {sha256_file(out / file.name)}")


def with_packets(reference: Reference, images: Source) -> Reference:
    """Return a reference with the wavelet packets of its images, and every other array as it was."""
    packets = RealPixels.build(images).packets.moments
    return replace(same_images(reference, images), packets=packets, schema=SCHEMA)


def same_images(reference: Reference, images: Source) -> Reference:
    """Return a reference that is of these images; stop where it is not."""
    if images.digest() != reference.data["digest"]:
        raise SystemExit(f"{reference.name}: it is of other images")
    return reference


def with_figures(reference: Reference, held_out: Source | None, features: str) -> Reference:
    """Return a reference that says what its held-out images show by metrics that it lacked, and all else as it was."""
    before = reference.held_out or {}
    if held_out is None or held_out.digest() != before.get("digest"):
        raise SystemExit(f"{reference.name}: it holds out other images")
    found = with_held_out(reference, held_out, load_extractor(features, BuildOptions())).held_out or {}
    lacked = {name: figure for name, figure in found["figures"].items() if name not in before["figures"]}
    for name, figure in before["figures"].items():
        if found["figures"][name]["value"] != figure["value"]:  # by rounding, of another machine or library
            print(f"  {name} stays {figure['value']}; here it is {found['figures'][name]['value']}")
    return replace(reference, held_out=before | {"figures": before["figures"] | lacked})


if __name__ == "__main__":
    main()

"""What the names of facts mean, and which of them can only be changed together."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Choice:
    """A fact, as people call it.

    Attributes:
        pattern: its name; ``*`` stands for anything.
        title: what it is called.
        group: what is switched when it is switched; all of a group are one choice. "" where nothing can switch it.
        why: why nothing can, or what its difference means.
    """

    pattern: str
    title: str
    group: str = ""
    why: str = ""


_HERE = "another installation computes so: install it beside this one, score there, and compare the two cards"

# The first that fits counts.
CHOICES = (
    Choice("images.digest", "digest of the images", why="both are measured on the images given, whatever they are"),
    Choice("images.count", "number of images", "number of images"),
    Choice("result.n", "number of images", "number of images"),
    Choice("images.image_size", "size of the images", "resize rule"),
    Choice("images.resize", "resize rule", "resize rule"),
    Choice("images.crop", "crop", why="ganbench crops nothing: crop the files, and score them"),
    Choice(
        "images.files.*", "kind of files", why="what is stored is as it is: compression done before is in the images"
    ),
    Choice("images.decoding.rules", "how files become pixels", "decoding"),
    Choice("images.decoding.*", "library that decodes", why=_HERE),
    Choice("images.value_range", "range of float pixels", "value range"),
    Choice("images.background", "colour under transparency", why="it is white in every command"),
    Choice("images.sheet", "how a sheet is cut", why="cut it (ganbench data slice), and score the tiles"),
    Choice("images.skipped", "images left out", why="which images can be read depends on the files"),
    Choice("images.sample.seed", "seed", "seed"),
    Choice(
        "images.sample.most", "features kept at most", why="it goes with --per-image, and matters above 5,000 images"
    ),
    Choice("result.seed", "seed", "seed"),
    Choice("versions.*", "version of a library", why=_HERE),
    Choice("extractor.precision", "arithmetic of the network", "precision"),
    Choice("extractor.weights_sha256", "weights", "weights"),
    Choice("extractor.runtime", "what ran the network", "runtime"),
    Choice("extractor.code", "code of the extractor", why="code has to be changed where it lies"),
    Choice("extractor.note", "remark on the network", "precision"),
    Choice("extractor.resize", "resampling to the network's size", "extractor"),
    Choice("extractor.input_size", "size that the network sees", "extractor"),
    Choice("extractor.feature_size", "length of the features", "extractor"),
    Choice("extractor.layer", "layer of the features", "extractor"),
    Choice("extractor.scaling", "scaling of the pixels", "extractor"),
    Choice("extractor.name", "extractor", "extractor"),
    Choice("extractor.*", "extractor: {}", "extractor"),
    Choice("reference.data.count", "number of real images", "number of real images"),
    Choice("reference.sample.size", "real features kept", "real sample"),
    Choice("reference.sample.seed", "seed of the real sample", "real sample"),
    Choice("reference.image_resize", "resize rule of the real images", "resize rule of the real images"),
    Choice("reference.image_size", "size of the real images", "resize rule of the real images"),
    Choice("reference.versions.*", "library that built the reference", why="build it anew with that version"),
    Choice("reference.data.digest", "real images", "reference"),
    Choice("reference.name", "reference", "reference"),
    Choice("reference.*", "reference: {}", "reference"),
    Choice("detector.settings.*", "detector: {}", "detector: {}"),
    Choice("detector.name", "detector", "detector"),
    Choice("detector.*", "detector: {}", "detector"),
    Choice("formula.*", "formula: {}", "formula: {}"),
    Choice("result.version", "version of the metric", why="one ganbench has one version of each metric"),
    Choice("result.settings", "settings of the metric", why="they follow from its version and the size of the samples"),
    Choice("result.interval", "method of the interval", why="it moves the ends of the interval, and no value"),
    Choice("result.measured", "measured at all", why="there is nothing to compare on one of the sides"),
    Choice("*", "{}", why="it is stated, and nothing here changes it"),
)

_LEADS = ("images.resize", "extractor.name", "reference.name", "reference.data.digest", "reference.image_resize")
_SHORT = ("extractor.", "reference.", "detector.", "formula.", "settings.", "data.", "held_out.")


def choice_of(name: str) -> Choice:
    """Return what a fact is called, and what it is switched with."""
    found = next(choice for choice in CHOICES if fnmatchcase(name, choice.pattern))
    words = name
    for part in _SHORT:
        words = words.removeprefix(part)
    words = words.replace("_", " ")
    if name.startswith("versions.") or name.startswith("reference.versions."):
        return Choice(name, f"{found.title}: {name.rpartition('versions.')[2]}", found.group, found.why)
    if name.startswith("images.files."):
        return Choice(name, f"files {name.removeprefix('images.files.')}", found.group, found.why)
    return Choice(name, found.title.format(words), found.group.format(words), found.why)


def leads(name: str) -> int:
    """Return where a fact stands among those of its group: the one that is shown for all of them comes first."""
    return _LEADS.index(name) if name in _LEADS else len(_LEADS)

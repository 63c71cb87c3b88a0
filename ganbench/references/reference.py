"""References: the statistics of real images, precomputed, that generated images are scored against."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganbench.errors import ReferenceError
from ganbench.features.collect import extractor_for
from ganbench.features.extractor import Extractor
from ganbench.features.observers import Elsewhere
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.images.first_look import look_first
from ganbench.images.source import Source
from ganbench.images.sources import open_source
from ganbench.looks.kinds import kinds_of
from ganbench.looks.real import RealLooks
from ganbench.references import index_file, looks_file, packet_file
from ganbench.references.form import SCHEMA, SINCE, checksum
from ganbench.references.indexed import collect_indexed
from ganbench.references.kept import Kept, read_once
from ganbench.references.packed import arrays_of, memory_of, whole_of
from ganbench.references.real_looks import look_at_real
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.moments import Moments
from ganbench.statistics.packets import PacketMoments
from ganbench.system.cluster import Site
from ganbench.system.notes import Note, log_note, once
from ganbench.system.outputs import Target, write_file
from ganbench.system.versions import library_versions

SAMPLE_SIZE = 3000  # images whose features are kept for the kernel and manifold metrics
UNKNOWN_ORIGIN = "unknown (a file with mu and sigma only)"


@dataclass(frozen=True)
class Reference:
    """Statistics of a set of real images under one extractor.

    Attributes:
        features: moments over all images and the features of a seeded sample of them.
        extractor: the extractor's specification; None for a file of unknown origin.
        image_size: (height, width) of the images when they reached the extractor, pixels.
        image_resize: rule that brought them to that size; None if they were so from the start.
        data: ``label``, ``count`` and ``digest`` of the images.
        sample_seed: seed of the choice of the sample.
        versions: library versions at the time of building.
        name: file name without ``.npz``.
        index: what is remembered of every image; None for a file of schema 1 or of unknown origin.
        held_out: figures of real images that were held out, plain data; None where none were. See docs/references.md.
        schema: of the file that it came from.
        packets: moments of the wavelet packets; None for a file of schema 2, or images whose size has none.
        looks: of its images, for explanations; None for a file of schema 3, or where nobody asked for them.
        kinds: of its images, coarse to fine: centres of codes, (k, K) int8 each; none where there are no looks.
    """

    features: FeatureSet
    extractor: ExtractorSpec | None
    image_size: tuple[int, int] | None
    image_resize: str | None
    data: dict[str, Any]
    sample_seed: int = 0
    versions: dict[str, str] = field(default_factory=library_versions)
    name: str = "reference"
    index: ImageIndex | None = None
    held_out: dict[str, Any] | None = None
    schema: int = SCHEMA
    packets: PacketMoments | None = None
    looks: RealLooks | None = None
    kinds: tuple[np.ndarray, ...] = ()

    @classmethod
    def build(
        cls,
        source: str | Path | Source,
        features: str | Extractor | Elsewhere = "lite0",
        options: BuildOptions | None = None,
        *,
        size: int | str | None = None,
        sample_size: int = SAMPLE_SIZE,
        seed: int = 0,
        name: str = "reference",
        cache: bool = False,
        note: Note = log_note,
        site: Site | None = None,
        device: str = "auto",
        looks: bool = False,
    ) -> Reference:
        """Compute the statistics of real images.

        Args:
            source: the real images.
            features: the extractor, or its name.
            options: how the extractor of that name is built.
            size: resize rule that brings every image to the size that will be scored, such as ``64``; for a path only.
            sample_size: images whose features are kept; all of them if there are fewer.
            seed: seed of their choice.
            name: shown in scorecards.
            cache: keep and reuse the features.
            note: told when they cannot be kept.
            site: where a large source is looked at; the reference does not depend on it. None: in this process.
            device: on which the networks run there.
            looks: whether to look at what an explanation needs too, which takes a minute.

        Raises:
            ReferenceError: fewer than two images.
        """
        opened = open_source(source, resize=None if size is None else str(size))
        if len(opened) < 2:
            raise ReferenceError(f"{opened.label}: a reference needs at least 2 images, found {len(opened)}")
        note = once(note)
        if isinstance(features, str):
            first = partial(look_first, opened)
            features = extractor_for(opened, site, features, options, note=note, first=first)
        collected, index, packets = collect_indexed(
            opened, features, cap=sample_size, seed=seed, cache=cache, note=note, site=site,
            device=device if options is None else options.device,
        )  # fmt: skip
        data = {"label": Path(opened.label).name, "count": collected.n, "digest": opened.digest()}
        resize = None if opened.resize is None else str(opened.resize)
        made = cls(
            collected, features.spec, opened.image_size(), resize, data, seed, name=name, index=index, packets=packets
        )
        return made.with_looks(opened) if looks else made

    def with_looks(self, images: Source) -> Reference:
        """Return it with the looks and the kinds of its images, which are given.

        Raises:
            GanbenchError: bad images.
        """
        return replace(self, looks=look_at_real(images), kinds=self.own_kinds(), schema=SCHEMA)

    def own_kinds(self) -> tuple[np.ndarray, ...]:
        """Return the kinds that its index has, coarse to fine; none without one."""
        return () if self.index is None else tuple(kinds_of(self.index.codes))

    def meta(self) -> dict[str, object]:
        """Return all that is not an array, as plain data."""
        sample = {"size": len(self.features.sample), "seed": self.sample_seed}
        late = {
            "index": self.index and index_file.describe(self.index), "held_out": self.held_out,
            "packets": self.packets and packet_file.describe(self.packets),
            "looks": self.looks and looks_file.describe(self.looks, self.kinds),
        }  # fmt: skip
        return {
            "schema": self.schema,
            "name": self.name,
            "extractor": None if self.extractor is None else self.extractor.stated(),
            "image_size": self.image_size and list(self.image_size),
            "image_resize": self.image_resize,
            "data": self.data,
            "sample": sample,
            **{name: value for name, value in late.items() if self.schema >= SINCE[name]},
            "versions": self.versions,
        }

    def save(self, path: Target) -> int:
        """Write the reference as an ``.npz`` without pickles, to a path or a URL; returns its size in bytes.

        Sigma is kept as its upper triangle in float32 and the sample in float16; docs/references.md shows what that
        does to the metrics. Arrays: ``mu`` (D,) float64, ``sigma_upper`` (D(D+1)/2,) float32, ``sample`` (m, D)
        float16, ``sample_index`` (m,) int64, ``n``, those of the index, packets and looks, ``meta`` (JSON text) and
        ``checksum`` (SHA-256 over the others).
        """
        arrays = arrays_of(self.features, self.meta(), self.index, self.packets, self.looks, self.kinds)
        with write_file(path) as f:
            arrays["checksum"] = np.array(checksum(arrays))
            np.savez_compressed(f, **arrays)
            return int(f.seek(0, 2))

    @classmethod
    def load(cls, path: Path) -> Reference:
        """Read a reference, or a pytorch-fid file with ``mu`` and ``sigma`` (marked as of unknown origin).

        Raises:
            ReferenceError: absent, damaged, of a newer schema, or with arrays that do not fit together.
        """
        path = Path(path)
        meta, arrays = read_once(path)
        if meta is None:
            return cls._from_moments(path, arrays["mu"], arrays["sigma"])
        n, mean, d = int(arrays["n"]), np.asarray(arrays["mu"], np.float64), len(arrays["mu"])
        sigma = whole_of(arrays["sigma_upper"], d)
        sample = arrays["sample"].astype(np.float32)
        moments, index = Moments(n, mean, sigma * (n - 1)), arrays["sample_index"].astype(np.int64)
        features = FeatureSet(moments, sample, index, memory=Kept(str(arrays["checksum"])))
        size = None if meta["image_size"] is None else (meta["image_size"][0], meta["image_size"][1])
        packets = None
        if size is not None and meta.get("packets"):
            packets = packet_file.unpack(meta["packets"], size, n, arrays)
        return cls(
            features,
            None if meta["extractor"] is None else ExtractorSpec(**meta["extractor"]),
            size,
            meta["image_resize"],
            meta["data"],
            meta["sample"]["seed"],
            meta["versions"],
            meta["name"],
            index_file.unpack(meta["index"], arrays) if meta.get("index") else None,
            meta.get("held_out"),
            meta["schema"],
            packets,
            *(looks_file.unpack(meta["looks"], arrays) if meta.get("looks") else (None, ())),
        )

    @classmethod
    def _from_moments(cls, path: Path, mu: np.ndarray, sigma: np.ndarray) -> Reference:
        # The number of images is not in the file. Two keeps cov = scatter / (n - 1) exact; nothing else uses it.
        moments = Moments(2, mu, sigma)
        features = FeatureSet(moments, np.empty((0, len(mu)), np.float32), np.empty(0, np.int64), None)
        data: dict[str, Any] = {"label": path.name, "count": None, "digest": None}
        return cls(features, None, None, None, data, versions={}, name=path.stem)

    def origin(self) -> str:
        """Return one phrase that says what the reference is made of."""
        if self.extractor is None:
            return f"{self.name}: {UNKNOWN_ORIGIN}"
        return f"{self.name}: {self.features.n} images, sample {len(self.features.sample)}"

    def memory(self) -> str:
        """Return one phrase that says what it remembers of single images, or what it lacks."""
        return memory_of(self.index, self.held_out, self.packets, self.looks)

    def require_match(self, spec: ExtractorSpec, image_size: tuple[int, int]) -> None:
        """Refuse to compare what does not compare.

        Raises:
            ReferenceError: the extractor, its version, weights, resize or precision differ, or the image size does;
                both sides are named.
        """
        self.require_extractor(spec)
        self.require_size(image_size)

    def require_extractor(self, spec: ExtractorSpec) -> None:
        """Refuse features of another extractor.

        Raises:
            ReferenceError: the extractor, its version, weights, resize or precision differ; both sides are named.
        """
        if self.extractor is None:
            if len(self.features.moments.mean) != spec.feature_size:
                raise ReferenceError(
                    f"reference {self.name} has {len(self.features.moments.mean)} features, "
                    f"{spec.name} has {spec.feature_size}"
                )
            return
        mine, theirs = self.extractor.stated(), spec.stated()
        differing = [key for key in mine if key != "note" and mine[key] != theirs[key]]
        if differing:
            raise ReferenceError(
                f"reference {self.name} was built with {self.extractor.protocol}, but the images are scored with "
                f"{spec.protocol} (different: {', '.join(differing)}). Build a matching one: ganbench reference build"
            )

    def require_size(self, image_size: tuple[int, int], advice: str = "") -> None:
        """Refuse images, (height, width) in pixels, of another size than the real ones had.

        Args:
            image_size: of the images.
            advice: what to do about them, one sentence; default: to resize them.

        Raises:
            ReferenceError: the sizes differ; a file of unknown origin does not know its own.
        """
        if self.image_size is not None and self.image_size != image_size:
            (rh, rw), (h, w) = self.image_size, image_size
            raise ReferenceError(
                f"reference {self.name} is of {rh}x{rw} images, these are {h}x{w} pixels. "
                f"{advice or f'Bring them to the same size by a stated rule: --resize {rh}x{rw}'}"
            )

    def identity(self) -> str:
        """Return a hash of everything in it, 64 hex digits."""
        moments = self.features.moments
        digest = hashlib.sha256(json.dumps(self.meta(), sort_keys=True).encode())
        arrays = [moments.mean, moments.scatter, self.features.sample]
        if self.index is not None:
            arrays += [self.index.codes, self.index.signatures, self.index.nearest]
        if self.packets is not None:
            arrays += [self.packets.mean, self.packets.cov]
        for array in arrays:
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

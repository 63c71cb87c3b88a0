"""What a detector is, and what the user may choose of one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ganbench.detectors.settings import NoSettings, shown, spelled
from ganbench.errors import GanbenchError
from ganbench.system.code import foreign_code


@dataclass(frozen=True)
class Detection:
    """Faces found in one image.

    Attributes:
        boxes: float32 (M, 4): x0, y0, x1, y1 in pixels of the image as given.
        scores: float32 (M,), higher is surer; the scale is the detector's own.
    """

    boxes: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class DetectorOptions:
    """Choices of the user.

    Attributes:
        device: ``auto``, ``cpu`` or ``cuda``.
        settings: values of the detector's own settings, by name; text is read as the setting's type. What is not
            there is the detector's own default.
    """

    device: str = "auto"
    settings: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(
        cls, device: str = "auto", settings: Mapping[str, object] | None = None, **short: float | str | None
    ) -> DetectorOptions:
        """Put the settings of ``--detector-set`` and those with options of their own into one mapping.

        Args:
            device: ``auto``, ``cpu`` or ``cuda``.
            settings: values by name.
            **short: more values by name, such as ``conf=0.5``; None is none.

        Raises:
            GanbenchError: one setting is given twice.
        """
        given = dict(settings or {})
        for name, value in short.items():
            if value is not None:
                if name in given:
                    raise GanbenchError(f"{name} is given twice: {spelled(name, value)}, and {given[name]}")
                given[name] = value
        return cls(device, given)


class Detector(ABC):
    """Finds faces.

    A subclass is a detector: its name, version and settings can be read off it, and nothing is loaded before there is
    an instance. The answer for an image does not depend on its neighbours, and any number of threads may use one
    instance. ``ganbench.testing.check_detector`` tests that.

    Attributes:
        name: what it is called in results, such as ``opencv-cascade``: ``afd[opencv-cascade]``.
        version: raised whenever the arithmetic changes; results of different versions do not compare.
        Settings: frozen dataclass of everything that the user may set: fields of type bool, int, float or str, each
            with a default. Its ``__post_init__`` may refuse values with ``ganbench.detectors.settings.bad_setting``.
        threshold: name of the setting that is the least score of a face, for ``ganbench afd calibrate``; "" for none.
        settings: the values, an instance of ``Settings``.
        device: ``auto``, ``cpu`` or ``cuda``; for detectors that have a choice.
        notes: what a user should know of how it was loaded, one sentence each.
    """

    name: str
    version: int
    Settings: ClassVar[type] = NoSettings
    threshold: ClassVar[str] = ""
    settings: Any
    device: str
    notes: Sequence[str] = ()

    def __init__(self, settings: Any = None, *, device: str = "auto") -> None:
        """Set up; a subclass loads here what it needs.

        Args:
            settings: an instance of ``Settings``; None for the defaults.
            device: ``auto``, ``cpu`` or ``cuda``.
        """
        self.settings = self.defaults() if settings is None else settings
        self.device = device

    @classmethod
    def defaults(cls) -> Any:
        """Return the settings of who sets none."""
        return cls.Settings()

    def pinned(self) -> list[str]:
        """Return what else the answer depends on, for the protocol: hashes of weights, versions of libraries."""
        return []

    @property
    def protocol(self) -> str:
        """All that the answer depends on, in one line: name, version, every setting, and what is pinned."""
        return ", ".join([f"{self.name} v{self.version}", *shown(self.settings), *self.pinned()])

    @property
    def identity(self) -> str:
        """All that decides the answer, for cache keys: the protocol and, of other people's detectors, the code."""
        return f"{self.protocol}, code {foreign_code(type(self))}"

    @abstractmethod
    def detect(self, pixels: np.ndarray) -> list[Detection]:
        """Find faces in uint8 RGB images, (N, H, W, 3); one ``Detection`` per image, in order."""

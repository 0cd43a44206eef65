"""byzfl's aggregators and pre-aggregators."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..._aggregate import Aggregator
from ..._messages import gather
from ..._parts import mixed


def drawn() -> int:
    """A fresh seed: draws are byzfl's in law."""
    return int(np.random.default_rng().integers(2**31))


class Named:
    """A part of ours with the settings that byzfl's parameters mean."""

    name: ClassVar[str]
    f: int | None = None
    """None for a part that has no f, which is another thing than f = 0."""

    def settings(self) -> dict[str, Any]:
        """Ours for byzfl's parameters."""
        return {}

    def choice(self) -> dict[str, Any]:
        """The part as a choice."""
        return {self.name: self.settings()}


class _Rule(Named):
    """An aggregator; each call makes a server for its messages."""

    def __call__(self, vectors: Any) -> Any:
        return Aggregator(self.choice(), self.f or 0, seed=drawn())(vectors)


class _WithF(Named):
    def __init__(self, f: int = 0) -> None:
        if not isinstance(f, int) or f < 0:
            raise ValueError(f"f must be a non-negative integer, got {f!r}")
        self.f = f


class Average(_Rule):
    """``mean``."""

    name = "mean"


class Median(_Rule):
    """``coordinate-median``."""

    name = "coordinate-median"


class TrMean(_WithF, _Rule):
    """``trimmed-mean``."""

    name = "trimmed-mean"


class Meamed(_WithF, _Rule):
    """``meamed``."""

    name = "meamed"


class MDA(_WithF, _Rule):
    """``mda``."""

    name = "mda"


class SMEA(_WithF, _Rule):
    """``smea``."""

    name = "smea"


class CAF(_WithF, _Rule):
    """``caf`` with a random power step."""

    name = "caf"

    def settings(self) -> dict[str, Any]:
        return {"direction": "random-power-step"}


class Krum(_WithF, _Rule):
    """``krum`` with one more neighbour."""

    name = "krum"

    def settings(self) -> dict[str, Any]:
        return {"variant": "one-more-neighbour"}


class MultiKrum(_WithF, _Rule):
    """``multi-krum`` with one more neighbour and m = W − f."""

    name = "multi-krum"

    def settings(self) -> dict[str, Any]:
        return {"variant": "one-more-neighbour"}


class MoNNA(_WithF, _Rule):
    """``monna``."""

    name = "monna"

    def __init__(self, f: int = 0, idx: int = 0) -> None:
        super().__init__(f)
        self.idx = idx

    def settings(self) -> dict[str, Any]:
        return {"trusted": self.idx}


class GeometricMedian(_Rule):
    """``weiszfeld`` from the origin; ``rf.rules.GeometricMedian`` is exact and no slower."""

    name = "weiszfeld"

    def __init__(self, nu: float = 0.1, T: int = 3) -> None:
        self.nu, self.T = nu, T

    def settings(self) -> dict[str, Any]:
        return {"start": "origin", "iterations": self.T, "tolerance": 0.0, "floor": float(self.nu)}


class CenteredClipping(_Rule):
    """``centered-clipping``; it goes on from its last output, or from ``m``."""

    name = "centered-clipping"

    def __init__(self, m: Any = None, L: int = 1, tau: float = 100.0) -> None:
        self.m, self.L, self.tau = m, L, tau
        self._agg: Aggregator | None = None

    def settings(self) -> dict[str, Any]:
        return {"tau": float(self.tau), "iterations": self.L}

    def __call__(self, vectors: Any) -> Any:
        if self._agg is None:
            self._agg = Aggregator(self.choice())
            if self.m is not None:
                given = gather(vectors)
                server = self._agg._ready((*given.shape, given.dtype == np.float64))
                server.restore(gather([self.m]).rows[0].astype(given.dtype))
        self.m = self._agg(vectors)
        return self.m


class _Pre(Named):
    """A pre-aggregator."""

    def __call__(self, vectors: Any) -> Any:
        matrix = gather(vectors)
        made = mixed(matrix.rows, self.choice(), self.f or 0, drawn(), 0)
        whole = [matrix.restore(row) for row in made]
        if isinstance(vectors, list):
            return whole
        if isinstance(vectors, np.ndarray):
            return np.stack(whole)
        import torch

        return torch.stack(whole)


class NNM(_WithF, _Pre):
    """``nnm``."""

    name = "nnm"


class ARC(_WithF, _Pre):
    """``arc``."""

    name = "arc"


class Bucketing(_Pre):
    """``bucketing``."""

    name = "bucketing"

    def __init__(self, s: int = 1) -> None:
        self.s = s

    def settings(self) -> dict[str, Any]:
        return {"s": self.s}


class Clipping(_Pre):
    """``clipping``."""

    name = "clipping"

    def __init__(self, c: float = 2.0) -> None:
        self.c = c

    def settings(self) -> dict[str, Any]:
        return {"tau": float(self.c)}

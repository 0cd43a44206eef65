"""byzfl's attacks."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..._messages import Array, gather
from ..._parts import corrupted
from .aggregators import Average, Clipping, Named, drawn


class _Attack(Named):
    """One vector that all Byzantine workers send."""

    def rows(self, honest: Array, seed: int) -> Array:
        """What one Byzantine worker sends."""
        own = np.concatenate([honest, honest.mean(axis=0, dtype=np.float64).astype(honest.dtype)[None]])
        return corrupted(self.choice(), own, 1, False, None, [], seed, 0)

    def __call__(self, honest_vectors: Any) -> Any:
        matrix = gather(honest_vectors)
        return matrix.restore(self.rows(matrix.rows, drawn())[0])


class SignFlipping(_Attack):
    """``sign-flipping`` of the honest mean, by −1."""

    name = "sign-flipping"

    def settings(self) -> dict[str, Any]:
        return {"factor": -1.0, "target": "honest-mean"}


class InnerProductManipulation(_Attack):
    """``ipm``."""

    name = "ipm"

    def __init__(self, tau: float = 2.0) -> None:
        self.tau = tau

    def settings(self) -> dict[str, Any]:
        return {"epsilon": float(self.tau)}


class ALittleIsEnough(_Attack):
    """``alie`` with the unbiased deviation."""

    name = "alie"

    def __init__(self, tau: float = 1.5) -> None:
        self.tau = tau

    def settings(self) -> dict[str, Any]:
        return {"z": float(self.tau), "std": "unbiased"}


class Mimic(_Attack):
    """``mimic`` of one worker."""

    name = "mimic"

    def __init__(self, epsilon: int = 0) -> None:
        self.epsilon = epsilon

    def settings(self) -> dict[str, Any]:
        return {"worker": self.epsilon}


class Inf(_Attack):
    """``infinity``."""

    name = "infinity"


class Gaussian(_Attack):
    """``gaussian``, moved by ``mu``."""

    name = "gaussian"

    def __init__(self, mu: float = 0.0, sigma: float = 1.0) -> None:
        self.mu, self.sigma = mu, sigma

    def settings(self) -> dict[str, Any]:
        return {"spread": {"std": float(self.sigma)}}

    def rows(self, honest: Array, seed: int) -> Array:
        moved: Array = super().rows(honest, seed) + honest.dtype.type(self.mu)
        return moved


class _Optimal(_Attack):
    name = "line-search"
    inner: ClassVar[dict[str, Any]]

    def __init__(
        self, agg: Any = None, pre_agg_list: list[Any] | None = None, f: int = 1, evals: int = 20, start: float = 0.0,
        delta: float = 10.0, ratio: float = 0.8,
    ) -> None:
        if (delta, ratio) != (10.0, 0.8):
            raise ValueError(f"delta and ratio are 10 and 0.8 here, got {delta} and {ratio}")
        if not isinstance(f, int) or f < 0:
            raise ValueError(f"f must be a non-negative integer, got {f!r}")
        self.agg, self.f, self.evals, self.start = agg or Average(), f, evals, start
        self.pre = [Clipping()] if pre_agg_list is None else pre_agg_list
        for one in (self.agg, *self.pre):
            if one.f not in (None, f):
                raise ValueError(
                    f"f must be the same in the attack and in what it rehearses, got {f} and {one.f} in "
                    f"{type(one).__name__}"
                )

    def settings(self) -> dict[str, Any]:
        return {"attack": self.inner, "method": "expansion", "evaluations": self.evals, "from": float(self.start)}

    def rows(self, honest: Array, seed: int) -> Array:
        assert self.f is not None
        if self.f == 0:
            raise ValueError("f must be at least 1 for a search: without Byzantine messages no strength is better than another")
        mean = honest.mean(axis=0, dtype=np.float64).astype(honest.dtype)
        everybody = np.concatenate([honest, np.broadcast_to(mean, (self.f, honest.shape[1]))])
        pre = [one.choice() for one in self.pre]
        return corrupted(self.choice(), everybody, self.f, False, self.agg.choice(), pre, seed, 0)


class Optimal_ALittleIsEnough(_Optimal):
    """``line-search`` of ``alie``."""

    inner = {"alie": {"std": "unbiased"}}


class Optimal_InnerProductManipulation(_Optimal):
    """``line-search`` of ``ipm``."""

    inner = {"ipm": {}}

"""byzfl's names and calls over these kernels: ``from robust_fl.compat.byzfl import TrMean, RobustAggregator``.

Answers are byzfl's, on its golden cases to 1e-6 relative and closer; what draws agrees in law only. Unlike byzfl, nothing
overwrites the caller's array, float64 tensors stay float64, and a message that is not finite is left out.
Client, Server and DataDistributor stay byzfl's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .. import _native
from .._aggregate import Aggregator
from .._messages import Array, gather

__all__ = [
    "ARC", "ALittleIsEnough", "Average", "Bucketing", "ByzantineClient", "CAF", "CenteredClipping", "Clipping", "Gaussian",
    "GeometricMedian", "Inf", "InnerProductManipulation", "Krum", "MDA", "Meamed", "Median", "Mimic", "MoNNA", "MultiKrum",
    "NNM", "Optimal_ALittleIsEnough", "Optimal_InnerProductManipulation", "RobustAggregator", "SMEA", "SignFlipping",
    "TrMean", "experiment",
]


class _Rule:
    """One aggregator; a number of messages gets its server at the first call."""

    name: ClassVar[str]
    f = 0

    def settings(self, workers: int) -> dict[str, Any]:
        """Ours for byzfl's parameters."""
        return {}

    def __call__(self, vectors: Any) -> Any:
        workers = len(vectors)
        return Aggregator({self.name: self.settings(workers)}, self.f)(vectors)


class _WithF(_Rule):
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


class TrMean(_WithF):
    """``trimmed-mean``."""

    name = "trimmed-mean"


class Meamed(_WithF):
    """``meamed``."""

    name = "meamed"


class MDA(_WithF):
    """``mda``."""

    name = "mda"


class SMEA(_WithF):
    """``smea``."""

    name = "smea"


class CAF(_WithF):
    """``caf`` with a random power step."""

    name = "caf"

    def settings(self, workers: int) -> dict[str, Any]:
        return {"direction": "random-power-step"}


class Krum(_WithF):
    """``krum`` with one more neighbour."""

    name = "krum"

    def settings(self, workers: int) -> dict[str, Any]:
        return {"variant": "one-more-neighbour"}


class MultiKrum(_WithF):
    """``multi-krum`` with one more neighbour and m = W − f."""

    name = "multi-krum"

    def settings(self, workers: int) -> dict[str, Any]:
        return {"variant": "one-more-neighbour", "m": workers - self.f}


class MoNNA(_WithF):
    """``monna``."""

    name = "monna"

    def __init__(self, f: int = 0, idx: int = 0) -> None:
        super().__init__(f)
        self.idx = idx

    def settings(self, workers: int) -> dict[str, Any]:
        return {"trusted": self.idx}


class GeometricMedian(_Rule):
    """``weiszfeld`` from the origin; ``rf.rules.GeometricMedian`` is exact and no slower."""

    name = "weiszfeld"

    def __init__(self, nu: float = 0.1, T: int = 3) -> None:
        self.nu, self.T = nu, T

    def settings(self, workers: int) -> dict[str, Any]:
        return {"start": "origin", "iterations": self.T, "tolerance": 0.0, "floor": float(self.nu)}


class CenteredClipping(_Rule):
    """``centered-clipping``; it goes on from its last output, or from ``m``."""

    name = "centered-clipping"

    def __init__(self, m: Any = None, L: int = 1, tau: float = 100.0) -> None:
        self.m, self.L, self.tau = m, L, tau
        self._agg: Aggregator | None = None

    def settings(self, workers: int) -> dict[str, Any]:
        return {"tau": float(self.tau), "iterations": self.L}

    def __call__(self, vectors: Any) -> Any:
        if self._agg is None:
            self._agg = Aggregator({self.name: self.settings(len(vectors))})
            if self.m is not None:
                rows = gather(vectors).rows
                self._agg._ready(rows).restore(gather([self.m]).rows[0].astype(rows.dtype))
        self.m = self._agg(vectors)
        return self.m


class _Pre:
    name: ClassVar[str]
    f = 0

    def settings(self) -> dict[str, Any]:
        """Ours for byzfl's parameters."""
        return {}

    def choice(self) -> dict[str, Any]:
        """Ours."""
        return {self.name: self.settings()}

    def __call__(self, vectors: Any) -> Any:
        matrix = gather(vectors)
        rows = matrix.rows
        # Draws are byzfl's in law: a fresh address for each call.
        seed = int(np.random.default_rng().integers(2**31))
        mixing = _native.mixing([self.choice()], "mean", rows, self.f, seed, 0)
        made = (mixing @ rows).astype(rows.dtype, copy=False)
        whole = [matrix.restore(row) for row in made]
        if isinstance(vectors, list):
            return whole
        if isinstance(vectors, np.ndarray):
            return np.stack(whole)
        import torch

        return torch.stack(whole)


class NNM(_Pre):
    """``nnm``."""

    name = "nnm"

    def __init__(self, f: int = 0) -> None:
        self.f = f


class ARC(NNM):
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


class _Attack:
    """One vector that all Byzantine workers send."""

    name: ClassVar[str]

    def settings(self) -> dict[str, Any]:
        """Ours for byzfl's parameters."""
        return {}

    def rows(self, honest: Array, seed: int) -> Array:
        """What one Byzantine worker sends."""
        own = np.concatenate([honest, honest.mean(axis=0, dtype=np.float64).astype(honest.dtype)[None]])
        return _native.corrupt({self.name: self.settings()}, own, 1, False, None, [], seed, 0)

    def __call__(self, honest_vectors: Any) -> Any:
        matrix = gather(honest_vectors)
        seed = int(np.random.default_rng().integers(2**31))
        return matrix.restore(self.rows(matrix.rows, seed)[0])


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
        self.agg, self.f, self.evals, self.start = agg or Average(), f, evals, start
        self.pre = [Clipping()] if pre_agg_list is None else pre_agg_list

    def settings(self) -> dict[str, Any]:
        return {"attack": self.inner, "method": "expansion", "evaluations": self.evals, "from": float(self.start)}

    def rows(self, honest: Array, seed: int) -> Array:
        mean = honest.mean(axis=0, dtype=np.float64).astype(honest.dtype)
        everybody = np.concatenate([honest, np.broadcast_to(mean, (self.f, honest.shape[1]))])
        rule = {self.agg.name: self.agg.settings(len(everybody))}
        pre = [one.choice() for one in self.pre]
        return _native.corrupt({self.name: self.settings()}, everybody, self.f, False, rule, pre, seed, 0)


class Optimal_ALittleIsEnough(_Optimal):
    """``line-search`` of ``alie``."""

    inner = {"alie": {"std": "unbiased"}}


class Optimal_InnerProductManipulation(_Optimal):
    """``line-search`` of ``ipm``."""

    inner = {"ipm": {}}


def _make(info: Mapping[str, Any], **more: Any) -> Any:
    name = info["name"]
    if name not in __all__:
        raise ValueError(f"byzfl's {name!r} is not known here; known are {', '.join(sorted(__all__))}")
    cls = globals()[name]
    known = cls.__init__.__code__.co_varnames[1:] if cls.__init__ is not object.__init__ else ()
    return cls(**{k: v for k, v in {**info.get("parameters", {}), **more}.items() if k in known})


class RobustAggregator:
    """An aggregator behind pre-aggregators, which run as one chain: the messages are read twice in all."""

    def __init__(self, aggregator_info: dict[str, Any], pre_agg_list: list[dict[str, Any]] | None = None) -> None:
        self.aggregator = _make(aggregator_info)
        self.pre_agg_list = [_make(info) for info in pre_agg_list or []]

    def aggregate_vectors(self, vectors: Any) -> Any:
        """The aggregate."""
        fs = {one.f for one in [self.aggregator, *self.pre_agg_list] if hasattr(one, "f")} - {0}
        if len(fs) > 1 or isinstance(self.aggregator, CenteredClipping):
            # Each with its own f, one after another; so too where memory is kept.
            for stage in self.pre_agg_list:
                vectors = stage(vectors)
            return self.aggregator(vectors)
        rule = {self.aggregator.name: self.aggregator.settings(len(vectors))}
        seed = int(np.random.default_rng().integers(2**31))
        return Aggregator(rule, max(fs, default=0), pre=[one.choice() for one in self.pre_agg_list], seed=seed)(vectors)


class ByzantineClient:
    """f equal faulty vectors."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.f = params["f"]
        more = dict(params.get("parameters", {}))
        if "aggregator_info" in params:
            more["agg"] = _make(params["aggregator_info"])
            more["pre_agg_list"] = [_make(info) for info in params.get("pre_agg_list", [])]
            more.setdefault("f", self.f)
        self.attack = _make({"name": params["name"], "parameters": more})

    def apply_attack(self, honest_vectors: Any) -> list[Any]:
        """What they send."""
        return [self.attack(honest_vectors)] * self.f if self.f else []


_PARTITIONS: dict[str, Callable[[Any], Any]] = {"iid": lambda p: "iid", "dirichlet_niid": lambda p: {"dirichlet": {"alpha": float(p)}}}
_SETS = {"mnist": "mnist", "fashionmnist": "fashion-mnist"}


def _list(x: Any) -> list[Any]:
    return x if isinstance(x, list) else [x]


def experiment(config: str | Path | Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Our experiment for the ``config.json`` of byzfl's ``run_benchmark``, and what of it has no counterpart.

    The experiment is a dict for ``rf.run``; ``robust_fl._native.to_toml`` writes it as a file.
    """
    text: Any = config if isinstance(config, Mapping) else json.loads(Path(config).read_text(encoding="utf-8"))
    bench, model, clients = text["benchmark_config"], text["model"], text.get("honest_clients", {})
    lost: list[str] = []
    counts = _list(bench.get("f", 0))
    honest = bench.get("nb_honest_clients", bench.get("nb_workers"))
    if len(counts) > 1:
        lost.append(f"f = {counts}: one experiment has one number of workers; this one has f = {counts[-1]}")
    f = counts[-1]
    distributions = _list(bench.get("data_distribution", {"name": "iid"}))
    first = distributions[0]
    parameters = _list(first.get("distribution_parameter"))
    if len(distributions) > 1 or len(parameters) > 1:
        lost.append("several data distributions: this one has the first; sweep over data.partition for others")
    make = _PARTITIONS.get(first["name"])
    if make is None:
        lost.append(f"the data distribution {first['name']}: iid stands in its place")
    partition: Any = make(parameters[0]) if make else "iid"
    if str(model.get("name", "")).startswith("cnn") or "resnet" in str(model.get("name", "")):
        lost.append(f"the model {model['name']}: softmax regression stands in its place; rf.Federation takes PyTorch models")
    if model["dataset_name"] not in _SETS:
        lost.append(f"the data set {model['dataset_name']}: mnist stands in its place")
    for key in ("learning_rate_decay", "milestones"):
        if model.get(key) not in (None, 1.0, []):
            lost.append(f"model.{key} = {model[key]}: the step is constant")
    if bench.get("training_algorithm", {}).get("name", "DSGD") != "DSGD":
        lost.append(f"the training algorithm {bench['training_algorithm']['name']}: gradients go to a server")
    pre = [_make(info, f=f).choice() for info in text.get("pre_aggregators", [])]
    methods = []
    for info in _list(text["aggregator"]):
        one = _make(info, f=f)
        method: dict[str, Any] = {
            "name": info["name"], "rule": {one.name: one.settings(honest + f)}, "pre": pre,
        }
        if clients.get("momentum"):
            method["momentum"] = {"beta": float(clients["momentum"])}
        methods.append(method)
    attacks = []
    for info in _list(text.get("attack", [])):
        try:
            attack = _make(info)
        except ValueError as error:
            lost.append(str(error))
            continue
        attacks.append({attack.name: attack.settings()})
    made: dict[str, Any] = {
        "name": "from-byzfl", "rounds": bench.get("nb_steps", bench.get("nb_iterations", 800)),
        "seeds": [bench.get("training_seed", 0) + i for i in range(bench.get("nb_training_seeds", 1))],
        "evaluate-every": text.get("evaluation_and_results", {}).get("evaluation_delta", 50),
        "data": {"set": _SETS.get(model["dataset_name"], "mnist"), "partition": partition},
        "federation": {"workers": honest + f, "byzantine": {"count": f}, "attack": attacks[0] if attacks else "none"},
        "model": {"softmax": {"l2": float(clients.get("weight_decay", 0.0))}},
        "train": {"batch": clients.get("batch_size", 25), "step": float(model["learning_rate"])},
        "method": methods,
    }
    if len(attacks) > 1:
        made["sweep"] = {"federation.attack": attacks}
    return made, lost

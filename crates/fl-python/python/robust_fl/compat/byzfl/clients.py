"""byzfl's aggregator behind pre-aggregators and its Byzantine client, from dicts of names and parameters."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ..._aggregate import Aggregator
from . import aggregators, attacks
from .aggregators import CenteredClipping, Named, drawn


def make(module: Any, info: Any, **more: Any) -> Any:
    """The part that ``{"name": …, "parameters": …}`` says; parameters that it has not are passed over, as in byzfl."""
    if not isinstance(info, Mapping):
        return info
    found = getattr(module, info["name"], None)
    known = sorted(
        name for name, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, Named) and one is not Named and not name.startswith("_")
        and one.__module__ == module.__name__
    )
    if info["name"] not in known or found is None:
        raise ValueError(f"byzfl's {info['name']!r} is not known here; known are {', '.join(known)}")
    parameters = {**info.get("parameters", {}), **more}
    takes = inspect.signature(found).parameters
    return found(**{key: value for key, value in parameters.items() if key in takes})


class RobustAggregator:
    """An aggregator behind pre-aggregators, which run as one chain: the messages are read twice in all."""

    def __init__(self, aggregator_info: dict[str, Any], pre_agg_list: list[dict[str, Any]] | None = None) -> None:
        self.aggregator = make(aggregators, aggregator_info)
        self.pre_agg_list = [make(aggregators, info) for info in pre_agg_list or []]

    def aggregate_vectors(self, vectors: Any) -> Any:
        """The aggregate."""
        fs = {one.f for one in [self.aggregator, *self.pre_agg_list] if one.f is not None}
        if len(fs) > 1 or isinstance(self.aggregator, CenteredClipping):
            # Each with its own f, one after another; so too where memory is kept.
            for stage in self.pre_agg_list:
                vectors = stage(vectors)
            return self.aggregator(vectors)
        pre = [one.choice() for one in self.pre_agg_list]
        return Aggregator(self.aggregator.choice(), max(fs, default=0), pre=pre, seed=drawn())(vectors)


class ByzantineClient:
    """f equal faulty vectors.

    As in byzfl, ``params["parameters"]`` has the attack's own parameters, and for the attacks that rehearse an aggregation
    ``aggregator_info`` and ``pre_agg_list``.
    """

    def __init__(self, params: dict[str, Any]) -> None:
        self.f = params["f"]
        if not isinstance(self.f, int) or self.f < 0:
            raise ValueError(f"f must be a non-negative integer, got {self.f!r}")
        self.attack = None
        more = dict(params.get("parameters", {}))
        if params["name"] == "NoAttack":
            return
        if "aggregator_info" in more:
            more["agg"] = make(aggregators, more.pop("aggregator_info"))
        if "pre_agg_list" in more:
            more["pre_agg_list"] = [make(aggregators, info) for info in more["pre_agg_list"]]
        self.attack = make(attacks, {"name": params["name"], "parameters": more})

    def apply_attack(self, honest_vectors: Any) -> list[Any]:
        """What they send."""
        if self.f == 0:
            return []
        if self.attack is None:
            raise ValueError(f"there are f = {self.f} Byzantine clients, and NoAttack is set")
        return [self.attack(honest_vectors)] * self.f

"""Classes for everything that the registry has."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np

from . import _native
from ._messages import Array, gather
from .errors import ChoiceError, ShapeError


class Part:
    """A rule, pre-aggregator, attack, poison, estimator or model with its settings."""

    category: ClassVar[str]
    name: ClassVar[str]
    _defaults: ClassVar[dict[str, Any]]

    def __init__(self, **settings: Any) -> None:
        for key in settings:
            if key not in self._defaults:
                # The registry knows the nearest one.
                _native.check(self.category, {self.name: {key.replace("_", "-"): settings[key]}})
                raise ChoiceError(f"{self.name} has no setting {key}")
        self._settings = {**self._defaults, **settings}
        _native.check(self.category, self)

    def _choice(self) -> dict[str, Any]:
        named = self._settings.items()
        return {self.name: {_file(key): value for key, value in named if value is not None}}

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_") or key not in self._settings:
            raise AttributeError(f"{type(self).__name__} has no setting {key!r}")
        return self._settings[key]

    def __repr__(self) -> str:
        changed = {k: v for k, v in self._settings.items() if v != self._defaults[k]}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Part) and type(self) is type(other) and self._settings == other._settings

    def __hash__(self) -> int:
        return hash((self.name, repr(self._settings)))

    def __reduce__(self) -> tuple[Any, ...]:
        return (_again, (self.category, self.name, self._settings))


class Rule(Part):
    """An aggregation rule."""

    category = "rule"


def mixed(rows: Array, pre: Choice, byzantine: int, seed: int, round: int) -> Array:
    """What comes out of a pre-aggregator."""
    mixing = _native.mixing([pre], "mean", rows, byzantine, seed, round)
    # 0 times NaN is NaN: what was left out must not come back.
    kept = np.where(np.isfinite(rows).all(axis=1, keepdims=True), rows, 0)
    made: Array = (mixing @ kept).astype(rows.dtype, copy=False)
    return made


class PreAggregator(Part):
    """A pre-aggregator."""

    category = "pre-aggregator"

    def __call__(self, messages: Any, byzantine: int = 0, *, seed: int = 0, round: int = 0) -> Array:
        """What comes out of it, W' × p numbers of the messages' dtype; nothing of yours is overwritten.

        A server never forms this matrix: :class:`robust_fl.Aggregator` mixes distances and weights.
        """
        return mixed(gather(messages).rows, self, byzantine, seed, round)


def knows_own_alone(knowledge: str) -> bool:
    """Whether an adversary with this knowledge sees its own messages alone."""
    if knowledge not in ("omniscient", "own"):
        raise ValueError(f"knowledge must be 'omniscient' or 'own', got {knowledge!r}")
    return knowledge == "own"


class Attack(Part):
    """An attack on messages."""

    category = "attack"

    def __call__(
        self, honest: Any, count: int | None = None, *, true: Any = None, seed: int = 0, round: int = 0,
        knowledge: str = "omniscient", rule: Choice | None = None, pre: Sequence[Choice] = (),
    ) -> Array:
        """What Byzantine workers send.

        Args:
            honest: the messages of the regular workers, R × p.
            count: the number of Byzantine workers; their own true messages are then the honest mean.
            true: or their own true messages, count × p, from which some attacks start.
            knowledge: "omniscient", or "own": the adversary knows ``true`` alone.
            rule: the server's rule, for attacks that rehearse it, behind ``pre``.
            seed, round: the address of what is drawn at random.

        Returns:
            count × p numbers of the honest messages' dtype.
        """
        rows = gather(honest).rows
        if (count is None) == (true is None):
            raise ValueError("give count, or the Byzantine workers' true messages, and not both")
        own_alone = knows_own_alone(knowledge)
        if true is None:
            if count is None or count < 1:
                raise ShapeError(f"count must be at least 1, got {count}")
            own = np.broadcast_to(rows.mean(axis=0, dtype=np.float64).astype(rows.dtype), (count, rows.shape[1]))
        else:
            own = gather(true).rows
        if own.shape[1] != rows.shape[1]:
            raise ShapeError(f"true messages have {own.shape[1]} numbers, expected {rows.shape[1]} as honest ones")
        everybody = np.concatenate([rows, own.astype(rows.dtype, copy=False)])
        return corrupted(self, everybody, own.shape[0], own_alone, rule, pre, seed, round)


def corrupted(
    attack: Choice, everybody: Array, count: int, own_alone: bool, rule: Choice | None, pre: Sequence[Choice], seed: int,
    round: int,
) -> Array:
    """What the last ``count`` workers send in place of their rows of ``everybody``, which is overwritten."""
    workers, dim = everybody.shape
    byzantine = range(workers - count, workers)
    adversary = _native.Adversary(
        attack, rule, list(pre), workers, list(byzantine), dim, everybody.dtype == np.float64, seed, own_alone
    )
    # As in the first round of a run, in which the server has made nothing yet.
    adversary.corrupt(everybody, np.zeros(dim, everybody.dtype), round)
    return everybody[workers - count :]


class Poison(Part):
    """An attack on data."""

    category = "poison"


class Estimator(Part):
    """A workers' gradient estimator."""

    category = "estimator"


class Model(Part):
    """A model."""

    category = "model"


Choice: TypeAlias = "str | Mapping[str, Any] | Part"

_BASES: dict[str, type[Part]] = {
    base.category: base for base in (Rule, PreAggregator, Attack, Poison, Estimator, Model)
}
_classes: dict[str, dict[str, type[Part]]] = {}


def _file(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _python(name: str) -> str:
    name = name.replace("-", "_")
    return name + "_" if keyword.iskeyword(name) else name


def class_name(name: str) -> str:
    """The class of a part: CoordinateMedian of coordinate-median."""
    return "NoAttack" if name == "none" else "".join(word.capitalize() for word in name.split("-"))


def _make(part: dict[str, Any]) -> type[Part]:
    base = _BASES[part["category"]]
    defaults = {_python(name): default for name, _, _, default in part["settings"]}
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in defaults.items()
    ]
    body = {
        "__doc__": part["doc"],
        "__module__": f"robust_fl.{_MODULES[part['category']]}",
        "__signature__": inspect.Signature(parameters),
        "name": part["name"],
        "_defaults": defaults,
    }
    return type(class_name(part["name"]), (base,), body)


_MODULES = {
    "rule": "rules", "pre-aggregator": "pre", "attack": "attacks", "poison": "poisons", "estimator": "estimators",
    "model": "models",
}


def classes(category: str) -> dict[str, type[Part]]:
    """The classes of a category by the names of their parts, in the registry's order."""
    if not _classes:
        for part in _native.catalogue():
            _classes.setdefault(part["category"], {})[part["name"]] = _make(part)
    return _classes[category]


def _again(category: str, name: str, settings: dict[str, Any]) -> Part:
    return classes(category)[name](**settings)

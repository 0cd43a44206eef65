"""Rules and attacks that are functions of yours."""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable
from typing import Any, overload

import numpy as np

from . import _native
from ._messages import Array
from ._parts import Attack, Part, Rule, classes
from .errors import CallbackError, ChoiceError

Function = Callable[..., Any]


def _source(function: Function) -> str:
    """SHA-256 of a function's source; of its code where the source is not to be had.

    A partial function is its function with its arguments. Of an object that can be called its class counts, and not what it
    holds.
    """
    if isinstance(function, functools.partial):
        text = f"{_source(function.func)} {function.args!r} {sorted(function.keywords.items())!r}".encode()
        return hashlib.sha256(text).hexdigest()[:16]
    named = function if hasattr(function, "__qualname__") else type(function)
    try:
        text = inspect.getsource(named).encode()
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        text = (
            f"{named.__module__}.{named.__qualname__} {getattr(function, '__name__', '')}".encode() if code is None
            else code.co_code + repr(code.co_consts).encode()
        )
    return hashlib.sha256(text).hexdigest()[:16]


def _called(function: Function) -> str:
    """What a function is called; a partial one as what it calls, an object as its class."""
    if isinstance(function, functools.partial):
        return _called(function.func)
    return str(getattr(function, "__name__", type(function).__name__))


class _Own(Part):
    """A function that has a name among the built-in parts."""

    _function: Function

    def __init__(self, function: Function, name: str, defaults: dict[str, Any], settings: dict[str, Any]) -> None:
        self.__dict__.update(name=name, _defaults=defaults, _function=function)
        self.__dict__["__doc__"] = function.__doc__
        super().__init__(**settings)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_find, (self._function.__module__, self._function.__qualname__, self._settings))


class OwnRule(_Own, Rule):
    """A rule of yours. Called with arrays it is the function; with settings alone it is the rule with these settings."""

    def __call__(self, *args: Any, **settings: Any) -> Any:
        if args:
            return self._function(*args, **settings)
        return OwnRule(self._function, self.name, self._defaults, {**self._settings, **settings})


class OwnAttack(_Own, Attack):
    """An attack of yours. Called with messages it attacks, as built-in ones do; ``with_settings`` gives it others."""

    def with_settings(self, **settings: Any) -> OwnAttack:
        """The attack with other values of its keyword arguments."""
        return OwnAttack(self._function, self.name, self._defaults, {**self._settings, **settings})


def _find(module: str, name: str, settings: dict[str, Any]) -> Any:
    import importlib

    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return type(found)(found._function, found.name, found._defaults, settings)


def _register(kind: str, function: Function, name: str | None, wrap: Callable[[dict[str, Any]], Function]) -> Any:
    name = name or _called(function).replace("_", "-")
    category = "attack" if kind == "attack" else "rule"
    if name in classes(category):
        raise ChoiceError(f"there is a built-in {category} {name}; give yours another name: @rf.{category}(name=…)")
    parameters = inspect.signature(function).parameters.values()
    settings = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    drawn = {"rng", "round"} if kind == "attack" else set()
    for key, default in settings.items():
        if key not in drawn and default is inspect.Parameter.empty:
            raise TypeError(f"{name}: the keyword argument {key} needs a default")
    settings = {key: value for key, value in settings.items() if key not in drawn}
    if "source" in settings:
        raise TypeError(f"{name}: no keyword argument can be called source, which is the hash of the function")
    defaults = {**settings, "source": _source(function)}
    written = {key.replace("_", "-"): value for key, value in defaults.items()}

    def bind(given: dict[str, Any]) -> Function:
        if given.pop("source") != defaults["source"]:
            raise ValueError(f"{name} is another function than the one that this was written with")
        return wrap({key.replace("-", "_"): value for key, value in given.items()})

    lines = [f" {line}" for line in (inspect.getdoc(function) or f"The function {name}.").splitlines()]
    _native.register(kind, name, lines, written, bind)
    own = OwnAttack if kind == "attack" else OwnRule
    return own(function, name, defaults, {})


def _weights(name: str, made: Any, count: int) -> Array:
    if isinstance(made, (int, np.integer)) and not isinstance(made, bool):
        if not 0 <= made < count:
            raise CallbackError(f"{name} chose message {made} of {count}")
        one = np.zeros(count)
        one[made] = 1.0
        return one
    try:
        weights = np.ascontiguousarray(made, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise CallbackError(f"{name} must return {count} weights, got {type(made).__name__}") from error
    if weights.shape != (count,):
        raise CallbackError(f"{name} must return {count} weights, got an array of shape {weights.shape}")
    if not np.isfinite(weights).all():
        raise CallbackError(f"{name} returned a weight that is not finite: {weights[~np.isfinite(weights)][0]}")
    if abs(weights.sum() - 1.0) > 1e-6:
        raise CallbackError(f"{name} must return weights with sum 1, got sum {weights.sum():.6g}")
    return weights


@overload
def rule(function: Function, /) -> OwnRule: ...
@overload
def rule(function: None = None, /, *, name: str | None = None) -> Callable[[Function], OwnRule]: ...
def rule(function: Function | None = None, /, *, name: str | None = None) -> Any:
    """A rule by distances: ``f(distances, byzantine, *, settings…)`` returns W weights with sum 1, or the number of a message.

    ``distances`` are the Euclidean distances between messages, W × W, float64. Pre-aggregators may stand before it, and the
    weights are measured as those of built-in rules. Keyword arguments with defaults are its settings in experiments.

    >>> import robust_fl as rf
    >>> @rf.rule
    ... def own_medoid(distances, byzantine, *, power=1.0):
    ...     return int((distances**power).sum(axis=0).argmin())
    >>> rf.aggregate([[0.0, 0.0], [0.2, 0.0], [9.0, 9.0]], own_medoid(power=2.0), byzantine=1)
    [0.2, 0.0]
    """

    def make(function: Function) -> Any:
        called = name or _called(function)

        def wrap(settings: dict[str, Any]) -> Function:
            return lambda distances, f: _weights(called, function(distances, f, **settings), len(distances))

        return _register("rule", function, name, wrap)

    return make if function is None else make(function)


@overload
def column_rule(function: Function, /) -> OwnRule: ...
@overload
def column_rule(function: None = None, /, *, name: str | None = None) -> Callable[[Function], OwnRule]: ...
def column_rule(function: Function | None = None, /, *, name: str | None = None) -> Any:
    """A rule by coordinates: ``f(columns, byzantine, *, settings…)`` returns a number for each column.

    ``columns`` are some coordinates of all messages, W × k, float64; each must be treated alone. k is at most 64 for messages
    of float32 and 32 for float64: it is called p/64 or p/32 times a round, some 20 µs each beside its own time.

    >>> import numpy as np, robust_fl as rf
    >>> @rf.column_rule
    ... def midrange(columns, byzantine):
    ...     return (columns.min(axis=0) + columns.max(axis=0)) / 2
    >>> rf.aggregate([[0.0, 1.0], [4.0, 3.0]], midrange)
    [2.0, 2.0]
    """

    def make(function: Function) -> Any:
        called = name or _called(function)

        def wrap(settings: dict[str, Any]) -> Function:
            def call(columns: Array, f: int) -> Array:
                made = np.ascontiguousarray(function(columns, f, **settings), dtype=np.float64)
                if made.shape != columns.shape[1:]:
                    raise CallbackError(
                        f"{called} must return {columns.shape[1]} numbers, got an array of shape {made.shape}"
                    )
                if not np.isfinite(made).all() and np.isfinite(columns).all():
                    raise CallbackError(f"{called} returned NaN or infinity for finite messages")
                return made

            return call

        return _register("column-rule", function, name, wrap)

    return make if function is None else make(function)


@overload
def attack(function: Function, /) -> OwnAttack: ...
@overload
def attack(function: None = None, /, *, name: str | None = None) -> Callable[[Function], OwnAttack]: ...
def attack(function: Function | None = None, /, *, name: str | None = None) -> Any:
    """An attack: ``f(honest, true, *, settings…)`` returns what the Byzantine workers send.

    ``honest`` are the messages that the adversary knows, ``true`` those that Byzantine workers would honestly send, count × p.
    The answer is count × p, or p numbers that all of them send; NaN and infinity are allowed. Keyword arguments ``rng`` (a
    generator that depends on seed and round) and ``round`` are filled in, others need defaults.

    >>> import numpy as np, robust_fl as rf
    >>> @rf.attack
    ... def backwards(honest, true, *, factor=-1.0):
    ...     return factor * honest.mean(axis=0)
    >>> backwards(np.ones((3, 2)), count=1).tolist()
    [[-1.0, -1.0]]
    """

    def make(function: Function) -> Any:
        called = name or _called(function)
        wanted = inspect.signature(function).parameters

        def wrap(settings: dict[str, Any]) -> Function:
            def call(honest: Array, true: Array, seed: int, round: int) -> Array:
                more = dict(settings)
                if "rng" in wanted:
                    more["rng"] = np.random.default_rng(seed)
                if "round" in wanted:
                    more["round"] = round
                made = np.asarray(function(honest, true, **more), dtype=np.float64)
                if made.shape not in (true.shape, true.shape[1:]):
                    raise CallbackError(
                        f"{called} must return an array of shape {true.shape} or {true.shape[1:]}, got {made.shape}"
                    )
                return np.ascontiguousarray(np.broadcast_to(made, true.shape))

            return call

        return _register("attack", function, name, wrap)

    return make if function is None else make(function)

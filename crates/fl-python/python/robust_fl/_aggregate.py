"""One call for one matrix, and a server for round after round."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np

from . import _native
from ._messages import Array, Messages, gather
from .errors import ShapeError
from ._parts import Choice

NonFinite = Literal["drop", "refuse"]


@dataclass(frozen=True)
class Certificate:
    """What a solver proves about its output: ``F(out) − F* ≤ epsilon``, for the output as rounded."""

    iterations: int
    relative_gap: float
    """epsilon / F(out)."""
    epsilon: float
    """In the units of the messages."""


@dataclass(frozen=True)
class Report:
    """What happened in an aggregation."""

    weights: Array | None
    """The weight of each message in the output, float64; None for coordinate-wise rules."""
    dropped: list[int]
    """Workers whose messages were left out, because they were not finite."""
    certificate: Certificate | None
    """For rules that solve something."""
    kappa: float | None
    """κ of (f, κ)-robustness of the whole chain on the messages that were used, where one is proven."""
    tolerates: int
    """The largest f that the rule is proven to withstand."""
    round: int
    """The round whose random draws were made."""
    copied: str | None
    """Why the messages were copied; None where they were read where they lie."""


class Aggregator:
    """A rule behind pre-aggregators, for round after round; all memory is made at the first call.

    Args:
        rule: a name (``"krum"``), a table (``{"krum": {"variant": "paper"}}``) or a part (``rf.rules.Krum()``).
        byzantine: f, how many of the messages may be Byzantine.
        pre: pre-aggregators before the rule, in order.
        seed: of what is drawn at random; a draw is found by seed and round.
        round: the round of the first call; each call goes on to the next.
        non_finite: ``"drop"`` leaves messages with NaN or infinity out, ``"refuse"`` raises.
        copy: False raises where messages would be copied; ``report.copied`` tells.
        device_copy: False raises where tensors are not on the CPU.

    A call is two passes over the messages and some W² steps. The messages must not be written to meanwhile. Threads may
    share an aggregator: their rounds come one after another. It can be pickled, with its memory.

    >>> import numpy as np, robust_fl as rf
    >>> agg = rf.Aggregator("geometric-median", byzantine=1)
    >>> agg(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1e6, -1e6]])).round(6).tolist()
    [1.0, 2.0]
    """

    def __init__(
        self,
        rule: Choice,
        byzantine: int = 0,
        *,
        pre: Sequence[Choice] = (),
        seed: int = 0,
        round: int = 0,
        non_finite: NonFinite = "drop",
        copy: bool | None = None,
        device_copy: bool = True,
    ) -> None:
        if isinstance(pre, (str, dict)) or not isinstance(pre, Sequence):
            raise TypeError(f"pre must be a list of pre-aggregators, got {pre!r}")
        if non_finite not in ("drop", "refuse"):
            raise ValueError(f"non_finite must be 'drop' or 'refuse', got {non_finite!r}")
        self.rule, self.byzantine, self.pre = rule, byzantine, list(pre)
        self.seed, self.non_finite, self.copy, self.device_copy = seed, non_finite, copy, device_copy
        self._first = round
        self._server: _native.Server | None = None
        self._shape: tuple[int, int, bool] | None = None
        self._making = threading.Lock()
        _native.check("rule", rule)
        for stage in self.pre:
            _native.check("pre-aggregator", stage)

    def __call__(self, messages: Any) -> Any:
        """The aggregate: of the messages' kind, dtype, device and structure."""
        if self._server is not None and type(messages) is np.ndarray and messages.ndim == 2:
            out = self._server(messages)
            if out is not None:
                return out
        return self._run(messages, None, None)[0]

    def full(self, messages: Any, *, present: Sequence[int] | None = None) -> tuple[Any, Report]:
        """The aggregate and what happened; with ``present``, of the messages of these workers alone."""
        out, report = self._run(messages, None, present, told=True)
        assert report is not None
        return out, report

    def into(self, messages: Any, out: Array) -> Array:
        """The aggregate into a vector of p numbers of the messages' dtype."""
        self._run(messages, out, None)
        return out

    @property
    def weights(self) -> Array | None:
        """The weights of the last call; None for coordinate-wise rules, and before the first call."""
        return None if self._server is None else self._server.weights

    @property
    def round(self) -> int:
        """The round of the next call."""
        return self._first if self._server is None else self._server.round

    def _ready(self, shape: tuple[int, int, bool]) -> _native.Server:
        with self._making:
            if self._server is None:
                self._server = _native.Server(
                    self.rule, self.pre, shape[0], self.byzantine, shape[1], shape[2], self.seed, self._first,
                    self.non_finite == "refuse",
                )
                self._shape = shape
            if self._shape != shape:
                assert self._shape is not None
                w, p, double = self._shape
                raise ShapeError(
                    f"this aggregator is for {w} messages of {p} numbers in float{64 if double else 32}, got "
                    f"{shape[0]} of {shape[1]} in float{64 if shape[2] else 32}; make another one"
                )
            return self._server

    def _run(
        self, messages: Any, out: Array | None, present: Sequence[int] | None, told: bool = False
    ) -> tuple[Any, Report | None]:
        given: Messages = gather(messages, copy=self.copy, device_copy=self.device_copy)
        server = self._ready((*given.shape, given.dtype == np.float64))
        target = np.empty(given.shape[1], given.dtype) if out is None else out
        if given.matrix is None and present is None:
            result = server.pieces(given.pieces, target, told)
        else:
            here = None if present is None else [int(w) for w in present]
            result = server.into(given.rows, target, None, here, told)
        report = None
        if result is not None:
            dropped, weights, certificate, round, used = result
            kappa, tolerates = _native.robustness(self.rule, self.pre, *used)
            report = Report(
                None if weights is None else np.asarray(weights), dropped,
                None if certificate is None else Certificate(*certificate), kappa, tolerates, round, given.copied,
            )
        return (target if out is not None else given.restore(target)), report

    def __getstate__(self) -> dict[str, Any]:
        state = {k: v for k, v in self.__dict__.items() if k not in ("_server", "_making")}
        state["_first"] = self.round
        state["memory"] = None if self._server is None else self._server.state
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        memory = state.pop("memory")
        self.__dict__.update(state)
        self._server, self._making = None, threading.Lock()
        if self._shape is not None:
            self._ready(self._shape)
            if memory is not None and self._server is not None:
                self._server.restore(memory)

    def __repr__(self) -> str:
        pre = f", pre={self.pre!r}" if self.pre else ""
        return f"Aggregator({self.rule!r}, byzantine={self.byzantine}{pre}, seed={self.seed})"


@overload
def aggregate(
    messages: Any, rule: Choice, byzantine: int = 0, *, pre: Sequence[Choice] = (), seed: int = 0, round: int = 0,
    full: Literal[False] = False, non_finite: NonFinite = "drop", copy: bool | None = None, device_copy: bool = True,
) -> Any: ...
@overload
def aggregate(
    messages: Any, rule: Choice, byzantine: int = 0, *, pre: Sequence[Choice] = (), seed: int = 0, round: int = 0,
    full: Literal[True], non_finite: NonFinite = "drop", copy: bool | None = None, device_copy: bool = True,
) -> tuple[Any, Report]: ...
def aggregate(
    messages: Any, rule: Choice, byzantine: int = 0, *, pre: Sequence[Choice] = (), seed: int = 0, round: int = 0,
    full: bool = False, non_finite: NonFinite = "drop", copy: bool | None = None, device_copy: bool = True,
) -> Any:
    """Aggregates W messages, of which up to ``byzantine`` may be anything, into one.

    Args:
        messages: a matrix W × p (any further axes are part of a message), or a list with one message for each worker: an
            array, a tensor, or a dict (a state_dict), list or tuple of them. NumPy, PyTorch and JAX.
        full: whether to return a :class:`Report` too.

    The other arguments are those of :class:`Aggregator`.

    Returns:
        What comes in goes out: kind, dtype, device and structure. Whole numbers become float64, halves are computed in
        float32. In a state_dict the floats form one vector, and whole numbers keep the first message's values.

    Raises:
        ShapeError, RaggedError, StructureError, DtypeError: messages that are none.
        ChoiceError: an unknown name or setting, with the nearest one.
        RequirementError: f is too large for the rule.
        NonFiniteError: too few messages are finite.

    A C-contiguous matrix of float32 or float64 is read where it lies, and so are such arrays in lists and state_dicts: memory
    is one output and some W² numbers, and for lists some megabytes of tiles. Arrays of another type or layout are copied.

    >>> import numpy as np, robust_fl as rf
    >>> x = np.array([[1.0, 2.0], [1.2, 1.8], [0.8, 2.2], [1e6, -1e6]])
    >>> rf.aggregate(x, "coordinate-median", byzantine=1).tolist()
    [1.1, 1.9]
    """
    one = Aggregator(
        rule, byzantine, pre=pre, seed=seed, round=round, non_finite=non_finite, copy=copy, device_copy=device_copy
    )
    return one.full(messages) if full else one(messages)

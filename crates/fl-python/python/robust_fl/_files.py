"""Updates in files, one for each client, larger than memory if need be: what ``fl-cli aggregate`` does, as a call."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from . import _native
from ._aggregate import Certificate, NonFinite
from ._parts import Choice
from .errors import ShapeError
from .lab import toml_value

PathLike = str | os.PathLike[str]
Inputs = PathLike | Sequence[PathLike]


class LeftOut(NamedTuple):
    """A client whose message is not finite, and its first such number."""

    client: str
    tensor: str
    number: int


class Share(NamedTuple):
    """A tensor's part of all numbers, and its part of all squared distances between clients."""

    tensor: str
    numbers: float
    distances: float


class Adapter(NamedTuple):
    """What was made of low-rank adapters: the output's rank, and how much of the products' length is lost."""

    rank: int
    relative_error: float


@dataclass(frozen=True)
class Group:
    """Tensors that the rule decided on together."""

    name: str
    tensors: int
    numbers: int
    weights: dict[str, float] | None
    """Of each client; None for rules on coordinates."""
    dropped: list[LeftOut]
    """Clients that were left out, because they were not finite."""
    equal: list[tuple[str, str]]
    """Clients that hold the same numbers: one that was copied counts twice."""
    certificate: Certificate | None


@dataclass(frozen=True)
class FilesReport:
    """What happened in an aggregation of files."""

    clients: list[str]
    """In the order in which they were aggregated."""
    groups: list[Group]
    """One, unless ``per`` makes several."""
    shares: list[Share]
    """Each tensor's share of the distances, the largest first; with ``shares=True``."""
    adapter: Adapter | None
    metadata_left_out: list[str]
    """Metadata in which clients differ, so that the output has none."""
    bytes_read: int
    bytes_written: int
    seconds: float

    def _only(self) -> Group:
        if len(self.groups) != 1:
            raise ShapeError(f"the rule decided on {len(self.groups)} groups of tensors; report.groups has each of them")
        return self.groups[0]

    @property
    def weights(self) -> dict[str, float] | None:
        """The weights of the only group."""
        return self._only().weights

    @property
    def dropped(self) -> list[LeftOut]:
        """Who was left out of the only group."""
        return self._only().dropped

    @property
    def certificate(self) -> Certificate | None:
        """The certificate of the only group."""
        return self._only().certificate


def named(choice: Choice) -> str:
    """A choice as the command line has it: ``NAME:KEY=VALUE,…``."""
    if isinstance(choice, str):
        return choice
    table = choice if isinstance(choice, Mapping) else choice._choice()
    [(name, settings)] = table.items()
    entries = ",".join(f"{key}={toml_value(value, key)}" for key, value in settings.items() if value is not None)
    return f"{name}:{entries}" if entries else str(name)


def _arguments(
    inputs: Inputs, rule: Choice, byzantine: int, pre: Sequence[Choice], base: PathLike | None, per: str, skip: str | None,
    memory: int | str | None, adapters: str | int | None, shares: bool, seed: int, round: int, non_finite: NonFinite,
) -> list[str]:
    if isinstance(pre, (str, Mapping)) or not isinstance(pre, Sequence):
        raise TypeError(f"pre must be a list of pre-aggregators, got {pre!r}")
    if non_finite not in ("drop", "refuse"):
        raise ValueError(f"non_finite must be 'drop' or 'refuse', got {non_finite!r}")
    paths = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    if not paths:
        raise ShapeError("the list of files is empty; expected a file for each client")
    for stage in pre:
        _native.check("pre-aggregator", stage)
    args = [f"--rule={named(rule)}", *(f"--pre={named(stage)}" for stage in pre), f"--byzantine={byzantine}"]
    args += [f"--input={os.fspath(path)}" for path in paths]
    options: dict[str, Any] = {
        "base": None if base is None else os.fspath(base), "skip": skip, "memory": memory, "adapters": adapters,
        "per": None if per == "whole" else per,
    }
    args += [f"--{key}={value}" for key, value in options.items() if value is not None]
    args += ["--shares"] if shares else []
    args += ["--refuse-non-finite"] if non_finite == "refuse" else []
    return [*args, f"--seed={seed}", f"--round={round}"]


def aggregate_files(
    inputs: Inputs, rule: Choice, byzantine: int = 0, *, output: PathLike, pre: Sequence[Choice] = (),
    base: PathLike | None = None, per: str = "whole", skip: str | None = None,
    weights: Mapping[PathLike, float] | Sequence[float] | PathLike | None = None, memory: int | str | None = None,
    adapters: str | int | None = None, shares: bool = False, seed: int = 0, round: int = 0, non_finite: NonFinite = "drop",
    progress: bool | Callable[[int, int], None] | None = None,
) -> FilesReport:
    """Aggregates files, one for each client, into one file of the same names, shapes and types.

    Args:
        inputs: a file for each client, folders of them, or patterns, one or a list: safetensors, ``.npz``, ``.npy``, models
            in shards with their index.
        output: the file to write, which appears when all of it is written.
        base: the model before: files are models, messages are their differences from it, and the output is a model.
        per: which tensors the rule decides on together: ``"whole"``, ``"tensor"``, or a pattern whose match names the group.
        skip: a pattern of tensors that are no part of messages: copied from ``base``, or without it left out.
        weights: of rules with weights: a dict by file, a list in the order of a list of files, or a text with a file and its
            weight a line.
        memory: most bytes, a number or text as ``"2GiB"``; 1 GiB if left out.
        adapters: files are low-rank adapters, and messages are the products of their factors; the output is ``"stack"``, all
            factors, or the nearest adapter of a rank.
        shares: whether to measure each tensor's share of the distances, in one pass more.
        progress: a line of progress (by default on a terminal), or a function of the bytes read and expected.

    The other arguments are those of :func:`aggregate`. The output has the very bits that the same numbers give in memory, for
    any memory and number of threads, and those of ``fl-cli aggregate``. Ctrl-C ends it, and nothing is written then.

    Raises:
        ChoiceError: an unknown name or setting of a part, with the nearest one.
        RequirementError: options that cannot work: f too large, too little memory, a pattern that matches nothing.
        DataError: files that cannot be read, or differ; all differences, by file and tensor, before a number is read.

    Cost: a pass over all files for the distances, and one over those of clients with a weight for the output; one pass for
    rules on coordinates.
    """
    if weights is None:
        # A rule that has no weights yet is one with a file of them.
        _native.check("rule", rule)
    args = _arguments(
        inputs, rule, byzantine, pre, base, per, skip, memory, adapters, shares, seed, round, non_finite
    )
    args += [f"--output={os.fspath(output)}", "--json"]
    show: Any = progress if callable(progress) else None
    if progress is True or (progress is None and sys.stderr.isatty()):
        show = _line
    with tempfile.TemporaryDirectory() as folder:
        if weights is not None:
            args.append(f"--weights={_weights_file(weights, inputs, Path(folder))}")
        said, remarks = _native.aggregate_files(args, show)
    if show is _line:
        sys.stderr.write("\n")
    for line in remarks.splitlines():
        warnings.warn(line, stacklevel=2)
    return _report(json.loads(said))


def _line(read: int, expected: int) -> None:
    sys.stderr.write(f"\r{read / 1e6:.0f} of {expected / 1e6:.0f} MB")
    sys.stderr.flush()


def _weights_file(weights: Any, inputs: Inputs, folder: Path) -> Path:
    """A text with a client's file and its weight a line."""
    if isinstance(weights, (str, os.PathLike)):
        return Path(weights)
    if not isinstance(weights, Mapping):
        if isinstance(inputs, (str, os.PathLike)) or len(inputs) != len(weights):
            raise ShapeError(f"a list of {len(weights)} weights needs a list of as many files; a dict names them")
        weights = dict(zip(inputs, weights, strict=True))
    path = folder / "weights.txt"
    lines = [f"{os.fspath(client)} {float(weight)!r}\n" for client, weight in weights.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _report(told: dict[str, Any]) -> FilesReport:
    clients = told["clients"]

    def group(g: dict[str, Any]) -> Group:
        weights = None if g["weights"] is None else dict(zip(clients, g["weights"], strict=True))
        certificate = None if g["iterations"] is None else Certificate(g["iterations"], g["relative_gap"], g["epsilon"])
        equal = [(a, b) for a, b in g["equal"]]
        return Group(
            g["name"], g["tensors"], g["numbers"], weights, [LeftOut(**one) for one in g["left_out"]], equal, certificate
        )

    adapter = None if told["adapter"] is None else Adapter(**told["adapter"])
    return FilesReport(
        clients, [group(g) for g in told["groups"]], [Share(**one) for one in told["shares"]], adapter,
        told["metadata_left_out"], told["bytes_read"], told["bytes_written"], told["seconds"],
    )

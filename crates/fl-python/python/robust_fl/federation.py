"""A federation whose messages come from a function of yours."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import _native
from ._messages import Array, is_tensor
from ._parts import Choice, knows_own_alone
from .errors import CallbackError, NonFiniteError, RunError, ShapeError
from ._store import append, plain, read_checkpoint, write, write_checkpoint
from .lab import Picture

Gradients = Callable[[Array, int], Any]
# Full gradients of the regular workers, and their mean inner variation.
Full = tuple[Array, float | None]


class Federation:
    """Workers, some of them Byzantine, a server and your model.

    In every round ``gradients(params, round)`` gives what all W workers would honestly send, W × p in one call; the engine
    lets Byzantine workers attack, aggregates, and steps: ``x ← x − step · aggregate``.

    Args:
        gradients: the function; NumPy or torch, on any device.
        params: x⁰, p numbers of float32 or float64.
        workers: W.
        byzantine: how many, the last ones, or a list of workers.
        attack: what they send; ``knowledge="own"`` lets the adversary see their own messages alone.
        rule, pre: the server's, for f as many as are Byzantine.
        step: γ, a number or a function of the round.
        evaluate: ``evaluate(params)`` returns a dict of numbers; ``accuracy`` and ``test_loss`` have curves of their own.
        full_gradients: ``full_gradients(params)`` returns all workers' full gradients, W × p; with it the outer variation
            and how far messages are from them are measured. The inner variation is about gradients of single samples, which
            only ``full_gradients`` can see: it is measured where it returns a pair, the gradients and W numbers, each worker's
            ``(1/J) Σ_j ‖∇f_j(x) − ∇f(x)‖²``, as :func:`robust_fl.torch.full_gradients` does. Else it is null.
        memory: what ``gradients`` remembers from round to round, as estimators of :mod:`robust_fl.torch` do: objects with
            ``state()``, a dict of arrays, and ``restore(state)``. Checkpoints hold it.
        evaluate_every: rounds between measurements; a tenth of the first run's rounds if left out.
        name, seed, out: the run's folder is in ``out/name``. ``out=None`` keeps nothing on disk.
        checkpoint_every: seconds between checkpoints.

    A run that was interrupted goes on from its checkpoint when the same federation is made again: the same attack, rule,
    workers, seed, and ``gradients`` of the same source. ``fl-cli results runs/NAME``, ``plot``, ``watch`` and ``report`` read the
    folders.

    A round costs a call of ``gradients``, the aggregation and the step; with an attack a copy of the messages more.
    """

    def __init__(
        self, gradients: Gradients, params: Array, *, workers: int, byzantine: int | Sequence[int] = 0,
        attack: Choice = "none", knowledge: str = "omniscient", rule: Choice = "geometric-median",
        pre: Sequence[Choice] = (), step: float | Callable[[int], float] = 0.1,
        evaluate: Callable[[Array], Mapping[str, float]] | None = None,
        full_gradients: Callable[[Array], Any] | None = None, evaluate_every: int | None = None, name: str = "federation",
        memory: Sequence[Any] = (), method: str | None = None, seed: int = 0, out: str | os.PathLike[str] | None = "runs",
        checkpoint_every: float = 30.0,
    ) -> None:
        start = np.array(params, copy=True)
        if start.ndim != 1 or start.dtype not in (np.float32, np.float64) or start.size == 0:
            raise ShapeError(f"params must be a vector of float32 or float64, got shape {start.shape} of {start.dtype}")
        count = byzantine if isinstance(byzantine, int) else len(byzantine)
        who = list(range(workers - count, workers)) if isinstance(byzantine, int) else sorted(byzantine)
        if not 0 <= count < workers or any(not 0 <= w < workers for w in who) or len(set(who)) < count:
            raise ShapeError(f"byzantine must be fewer than the {workers} workers, each once, got {byzantine!r}")
        self.gradients, self.params, self.step = gradients, start, step
        self.workers, self.byzantine = workers, who
        self.regular = [w for w in range(workers) if w not in set(who)]
        self.evaluate, self.full_gradients, self.evaluate_every = evaluate, full_gradients, evaluate_every
        self.memory = list(memory)
        self.rule, self.pre, self.attack, self.seed, self.name = rule, list(pre), attack, seed, name
        self.round, self.metrics = 0, list[dict[str, Any]]()
        self.checkpoint_every, self._out = checkpoint_every, out
        own_alone = knows_own_alone(knowledge)
        dim, double = start.size, start.dtype == np.float64
        self._server = _native.Server(rule, self.pre, workers, count, dim, double, seed, 0, False)
        self._adversary = None
        if who and _named(attack) != "none":
            self._adversary = _native.Adversary(
                attack, rule, self.pre, workers, who, dim, double, seed, own_alone
            )
        self._direction = np.zeros_like(start)
        self._rows = np.empty((workers, dim), start.dtype)
        self._seconds = self._beside = 0.0
        self._begin: float | None = None
        # Whether a round has moved some of the memories and not all.
        self._half = False
        self.method = method or " + ".join([*map(_named, self.pre), _named(rule)])
        self.folder = self._prepare(knowledge)

    def _prepare(self, knowledge: str) -> Path | None:
        """The folder, with the run's description, and the state that an earlier process left in it."""
        if self._out is None:
            return None
        from .custom import _source

        config = {
            "name": self.name, "seeds": [self.seed],
            "federation": {"workers": self.workers, "byzantine": {"workers": self.byzantine}, "attack": self.attack,
                           "knowledge": knowledge},
            "model": {"python": {"source": _source(self.gradients), "parameters": int(self.params.size),
                                 "precision": str(self.params.dtype),
                                 "start": hashlib.sha256(self.params.tobytes()).hexdigest()[:16],
                                 "step": _source(self.step) if callable(self.step) else None}},
            "train": {"step": None if callable(self.step) else float(self.step)},
            "method": [{"name": self.method, "rule": self.rule, "pre": self.pre}],
        }
        text = _native.to_toml(config)
        # As the command names folders: it finds them by these names.
        method = re.sub(r"[^A-Za-z0-9._-]", "-", self.method)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        folder = Path(self._out) / self.name / f"{method}~{_named(self.attack)}~seed{self.seed}~{digest}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.toml").write_text(text, encoding="utf-8")
        if (folder / "checkpoint.safetensors").exists():
            self._load(folder / "checkpoint.safetensors")
            self.metrics = self._kept(folder / "metrics.jsonl")
            for spent in self._kept(folder / "timing.jsonl"):
                self._seconds, self._beside = spent["seconds"], spent["evaluation_seconds"]
        else:
            for name in ("metrics.jsonl", "timing.jsonl"):
                (folder / name).unlink(missing_ok=True)
        return folder

    def _kept(self, path: Path, ended: bool = True) -> list[dict[str, Any]]:
        """The lines up to the checkpoint's round, the last one of a run that has ended too; what is behind is cut off."""
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = []
        for line in lines:
            try:
                read = json.loads(line)
            except ValueError:
                break
            if read["round"] < self.round or (ended and read["round"] == self.round and read.get("last")):
                kept.append(read)
        write(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
        return kept

    def _messages(self, made: Any, what: str) -> Array:
        """What a function returned, as W × p numbers of the parameters' type."""
        if is_tensor(made):
            made = made.detach().cpu().float().numpy() if made.dtype.itemsize < 4 else made.detach().cpu().numpy()
        rows = np.asarray(made)
        if rows.shape != self._rows.shape:
            raise CallbackError(f"{what} must return {self.workers} × {self.params.size} numbers, got shape {rows.shape}")
        if rows.dtype != self.params.dtype or not rows.flags.c_contiguous or not rows.flags.aligned:
            np.copyto(self._rows, rows, casting="same_kind")
            rows = self._rows
        return rows

    def run(self, rounds: int, progress: bool | None = None) -> list[dict[str, Any]]:
        """Runs until ``rounds`` rounds have been done in all, and returns the measurements."""
        if rounds < self.round:
            raise ValueError(f"rounds must be at least {self.round}, which have been done already, got {rounds}")
        if self._half:
            raise RunError(
                f"round {self.round} was interrupted halfway, so that going on would give other numbers; make the federation "
                + ("again: it goes on from its checkpoint" if self.folder else "again")
            )
        self.evaluate_every = self.evaluate_every or max(1, rounds // 10)
        first, beside = self.round, self._beside
        self._reopen(rounds)
        self._begin = saved = begin = time.monotonic()
        try:
            while self.round < rounds:
                self._once(self.round % self.evaluate_every == 0)
                now = time.monotonic()
                if self.folder and now - saved > self.checkpoint_every:
                    saved = now
                    self._save()
            if not self.metrics or self.metrics[-1]["round"] != rounds:
                _, told = self._ask(False)
                self._keep({**self._line(), **told, "last": True})
        finally:
            self._seconds, self._begin = self._spent(), None
            # Only whole rounds: their memories belong together.
            if self.folder and not self._half:
                self._save()
        here = time.monotonic() - begin - (self._beside - beside)
        if self.folder and (rounds > first or not (self.folder / "done.json").exists()):
            self._end(rounds, (rounds - first) / max(here, 1e-9))
        return self.metrics

    def _spent(self) -> float:
        """Seconds in all calls of ``run``, those of earlier processes up to their checkpoint included."""
        return self._seconds + (0.0 if self._begin is None else time.monotonic() - self._begin)

    def _reopen(self, rounds: int) -> None:
        """Takes back what an earlier end has written, if rounds are added to it."""
        if self.round == rounds:
            return
        if self.metrics and self.metrics[-1].get("last"):
            self.metrics.pop()
        if self.folder:
            (self.folder / "done.json").unlink(missing_ok=True)
            for name in ("metrics.jsonl", "timing.jsonl"):
                self._kept(self.folder / name, ended=False)

    def _once(self, measured: bool) -> None:
        """A round. What may raise comes first, before any memory has moved."""
        full, told = self._ask(True) if measured else (None, {})
        step = self.step(self.round) if callable(self.step) else self.step
        # What remembers moves as soon as it is asked.
        self._half = bool(self.memory)
        rows = self._messages(self.gradients(self.params, self.round), "gradients")
        self._half = True
        if self._adversary is not None:
            if rows is not self._rows:
                # What is the caller's is not written to.
                np.copyto(self._rows, rows)
                rows = self._rows
            self._adversary.corrupt(rows, self._direction, self.round)
        try:
            happened = self._server.into(rows, self._direction, self.round, None, True)
        except NonFiniteError as error:
            raise self._diverged(rows) or error from error
        assert happened is not None
        if happened[0] and (diverged := self._diverged(rows)):
            raise diverged
        if measured:
            self._keep({**self._line(), **self._measured(rows, happened, full), **told})
        self.params -= self.params.dtype.type(step) * self._direction
        self.round += 1
        self._half = False

    def _diverged(self, rows: Array) -> CallbackError | None:
        """An error if a regular message is not finite."""
        for w in self.regular:
            if not np.isfinite(rows[w]).all():
                return CallbackError(
                    f"gradients returned NaN or infinity for regular worker {w} in round {self.round}; "
                    f"‖x‖ = {np.linalg.norm(self.params):.3g}"
                )
        return None

    def _full(self) -> Full:
        """Full gradients of regular workers, and their mean inner variation where it is told."""
        assert self.full_gradients is not None
        made, inner = self.full_gradients(self.params), None
        if isinstance(made, tuple):
            if len(made) != 2:
                raise CallbackError(f"full_gradients must return gradients, or a pair of them and variations, got {len(made)}")
            variations = np.asarray(made[1], dtype=np.float64)
            if variations.shape != (self.workers,):
                raise CallbackError(
                    f"full_gradients must tell {self.workers} variations, one a worker, got shape {variations.shape}"
                )
            made, inner = made[0], float(variations[self.regular].mean())
        return self._messages(made, "full_gradients")[self.regular].astype(np.float64), inner

    def _ask(self, whole: bool) -> tuple[Full | None, dict[str, float]]:
        """What ``full_gradients`` (of regular workers, if ``whole``) and ``evaluate`` say of the model."""
        begin = time.monotonic()
        full = self._full() if whole and self.full_gradients is not None else None
        told = {} if self.evaluate is None else {key: float(value) for key, value in self.evaluate(self.params).items()}
        self._beside += time.monotonic() - begin
        return full, told

    def _line(self) -> dict[str, Any]:
        """A line of measurements with nothing in it."""
        return {
            "round": self.round, "accuracy": None, "balanced_accuracy": None, "class_accuracy": [], "test_loss": None,
            "aggregate_error": None, "regular_spread": None, "byzantine_weight": None, "contaminated": None,
            "iterations": None, "relative_gap": None, "dropped": None,
        }

    def _measured(self, rows: Array, happened: Any, told: Full | None) -> dict[str, Any]:
        """What a round's messages and its aggregate say."""
        begin = time.monotonic()
        left, weights, certificate, *_ = happened
        honest = rows[self.regular].astype(np.float64, copy=False)
        mean = honest.mean(axis=0)
        line: dict[str, Any] = {
            "aggregate_error": float(((self._direction - mean) ** 2).sum()),
            "regular_spread": float(((honest - mean) ** 2).sum() / len(self.regular)), "dropped": len(left),
        }
        if weights is not None:
            line["byzantine_weight"] = float(sum(weights[w] for w in self.byzantine))
        if certificate is not None:
            line["iterations"], line["relative_gap"] = certificate[:2]
        if told is not None:
            full, inner = told
            center = full.mean(axis=0)
            line["full"] = {
                "honest_loss": None, "gradient_norm": float(np.linalg.norm(center)),
                "outer_variation": float(((full - center) ** 2).sum() / len(self.regular)),
                "inner_variation": inner,
                "message_variation": float(((honest - full) ** 2).sum() / len(self.regular)),
            }
        self._beside += time.monotonic() - begin
        return line

    def _keep(self, line: dict[str, Any]) -> None:
        self.metrics.append(line)
        if self.folder:
            append(self.folder / "metrics.jsonl", line)
            spent = {"round": self.round, "seconds": self._spent(), "evaluation_seconds": self._beside}
            append(self.folder / "timing.jsonl", spent | ({"last": True} if line.get("last") else {}))

    def _save(self) -> None:
        assert self.folder is not None
        tensors = {"params": self.params, "direction": self._direction}
        if self._server.state is not None:
            tensors["server.previous"] = self._server.state
        if self._adversary is not None:
            tensors |= {f"adversary.{k}": np.atleast_1d(np.asarray(v)) for k, v in self._adversary.state().items()}
        for i, one in enumerate(self.memory):
            tensors |= {f"memory.{i}.{k}": np.atleast_1d(np.asarray(v)) for k, v in one.state().items()}
        write_checkpoint(self.folder / "checkpoint.safetensors", tensors, self.round)

    def _load(self, path: Path) -> None:
        tensors = read_checkpoint(path)
        self.round = int(tensors["round"][0])
        self.params[:] = tensors["params"]
        self._direction[:] = tensors["direction"]
        if "server.previous" in tensors:
            self._server.restore(tensors["server.previous"].copy())
        if self._adversary is not None:
            mine = {k.removeprefix("adversary."): v for k, v in tensors.items() if k.startswith("adversary.")}
            counts = self._adversary.state()
            self._adversary.restore({k: int(v[0]) if isinstance(counts[k], int) else v.copy() for k, v in mine.items()})
        for i, one in enumerate(self.memory):
            prefix = f"memory.{i}."
            one.restore({k.removeprefix(prefix): v.copy() for k, v in tensors.items() if k.startswith(prefix)})

    def _end(self, rounds: int, speed: float) -> None:
        assert self.folder is not None
        last = self.metrics[-1]
        done = {
            "schema": 1, "ending": "finished", "rounds": rounds, "final_accuracy": last["accuracy"],
            "final_balanced_accuracy": last["balanced_accuracy"], "last_accuracy": last["accuracy"], "estimator_bytes": 0,
            "version": _native.__version__, "instruction_set": "", "data": "python", "data_digest": "",
            "resources": {"seconds": self._seconds, "evaluation_seconds": self._beside,
                          "rounds_per_second": speed, "threads": 0, "peak_memory": None},
        }
        write(self.folder / "done.json", json.dumps(plain(done), indent=2).encode())

    def frame(self, library: str = "pandas") -> Any:
        """The measurements as a table of pandas or polars."""
        if library not in ("pandas", "polars"):
            raise ValueError(f"frame knows 'pandas' and 'polars', got {library!r}")
        more = {"infer_schema_length": None} if library == "polars" else {}
        rows = [{"method": self.method, "attack": _named(self.attack), "seed": self.seed, **m} for m in self.metrics]
        return __import__(library).DataFrame(rows, **more)

    def plot(self, metric: str = "accuracy", *others: Federation, log: bool = False) -> Picture:
        """Curves of this federation and others."""
        return curves([self, *others], metric, log=log)


def curves(federations: Sequence[Federation], metric: str = "accuracy", *, log: bool = False) -> Picture:
    """A picture with a curve for each federation."""
    drawn = [
        {"name": f"{one.method}, {_named(one.attack)}",
         "points": [[m["round"], m[metric]] for m in one.metrics if m.get(metric) is not None]}
        for one in federations
    ]
    if not any(curve["points"] for curve in drawn):
        raise ValueError(f"no federation has measured {metric}")
    panel = {"x": {"label": "round"}, "y": {"label": metric.replace("_", " "), "log": log}, "curves": drawn}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.json"
        path.write_text(json.dumps({"panels": [panel]}), encoding="utf-8")
        _native.call(["draw", str(path)])
        return Picture((Path(folder) / "figure.svg").read_text(encoding="utf-8"))


def _named(choice: Choice) -> str:
    if isinstance(choice, str):
        return choice
    return next(iter(choice)) if isinstance(choice, Mapping) else choice.name

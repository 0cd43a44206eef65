"""What happened in each round, in memory and on disk.

::

    out/name/METHOD~ATTACK~seedK~HASH/
      config.toml       what the federation is
      metrics.jsonl     a line a round, as the engine writes it
      timing.jsonl      seconds
      nodes.jsonl       a line a round: who was used, refused, dropped, silent or late, weights and distances
      rounds/00004/     with save_rounds: base.safetensors, updates/NODE.safetensors, round.json with the command
      model.safetensors the last model
      done.json         how it ended
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable
from logging import INFO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from flwr.app import ArrayRecord, MetricRecord
from flwr.common import log

from .. import _native
from .._messages import Array
from .._parts import Choice, Part
from .._store import append, write, write_tensors
from .decision import Decision
from .metrics import numbers
from .replies import Layout
from .rounds import Round

if TYPE_CHECKING:
    from .strategy import RobustStrategy

# What evaluations call what the engine measures.
NAMES = {"accuracy": "accuracy", "test_loss": "test_loss", "test-loss": "test_loss", "loss": "test_loss"}


def happened(round: Round, decision: Decision | None, skipped: str | None) -> dict[str, Any]:
    """A round as an entry of the history."""
    certificate = None if decision is None else decision.certificate
    return {
        "round": round.number, "asked": list(round.nodes), "used": [] if skipped else sorted(round.good),
        "refused": dict(round.refused), "dropped": round.dropped + ([] if decision is None else decision.dropped), "silent": round.silent,
        "late": dict(round.late), "attacked": [] if decision is None else decision.attacked,
        "weights": None if decision is None else decision.weights,
        "distances": {} if decision is None else decision.distances,
        "relative_gap": None if certificate is None else certificate.relative_gap,
        "iterations": None if certificate is None else certificate.iterations,
        "kappa": None if decision is None else decision.kappa, "skipped": skipped,
        "seconds": time.monotonic() - round.begin,
    }


class History:
    """The files of a federation. Without a folder it keeps nothing."""

    def __init__(self, folder: Path | None, replay: list[str], rounds: int):
        self.folder, self.replay, self.rounds = folder, replay, rounds
        self._measured: dict[str, float] = {}
        self._beside = 0.0
        self._skipped = 0
        self._begin = time.monotonic()
        self._lock: Any = None

    @classmethod
    def begin(cls, strategy: RobustStrategy, start: Array, rounds: int, clients: int) -> History:
        """An empty folder for this federation, of which a round asks so many clients, or none."""
        replay = _command(strategy.rule, strategy.pre, strategy.byzantine, strategy.seed)
        if strategy.out is None:
            return cls(None, replay, rounds)
        step, adversary = strategy.step, strategy.adversary
        attack = "none" if adversary is None else adversary.attack
        text = _native.to_toml({
            "name": strategy.name, "rounds": rounds, "seeds": [strategy.seed],
            "federation": {"workers": clients, "byzantine": {"count": strategy.byzantine}, "attack": attack},
            "model": {"python": {"engine": "flower", "parameters": int(start.size), "precision": str(start.dtype),
                                 "start": hashlib.sha256(start.tobytes()).hexdigest()[:16]}},
            "train": {"step": None if step is None or callable(step) else float(step)},
            "method": [{"name": _method(strategy), "rule": strategy.rule, "pre": strategy.pre}],
        })
        # As the command names folders: it finds them by these names.
        method = re.sub(r"[^A-Za-z0-9._-]", "-", _method(strategy))
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        folder = Path(strategy.out) / strategy.name / f"{method}~{_named(attack)}~seed{strategy.seed}~{digest}"
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("metrics.jsonl", "timing.jsonl", "nodes.jsonl", "done.json", "model.safetensors"):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / "rounds", ignore_errors=True)
        write(folder / "config.toml", text.encode())
        log(INFO, "History and rounds are kept in %s", folder.resolve())
        return cls(folder, replay, rounds)

    def __enter__(self) -> History:
        """Holds the folder's lock, by which ``fl-cli watch`` knows that the federation is running."""
        if self.folder is not None:
            self._lock = (self.folder / "lock").open("w")
            try:
                import fcntl

                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Systems without such locks show a federation on its way as interrupted.
            except (ImportError, OSError):
                pass
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._lock is not None:
            self._lock.close()

    def measuring(
        self, evaluate: Callable[[int, ArrayRecord], MetricRecord | None] | None
    ) -> Callable[[int, ArrayRecord], MetricRecord | None]:
        """The server's evaluation, whose numbers become those of the next line."""

        def measured(round: int, model: ArrayRecord) -> MetricRecord | None:
            begin = time.monotonic()
            made = None if evaluate is None else evaluate(round, model)
            self._beside += time.monotonic() - begin
            self._measured = {} if made is None else {
                NAMES[name]: value for name, value in numbers({"": made}) if name in NAMES
            }
            self._model = model
            return made

        return measured

    def keep(self, entry: dict[str, Any], decision: Decision | None) -> None:
        """A round's lines. The engine counts rounds from 0: a line is about the model before the round's step."""
        self._skipped += entry["skipped"] is not None
        line = self._line(entry["round"] - 1)
        line |= {
            "dropped": len(entry["dropped"]) + len(entry["refused"]), "present": len(entry["used"]),
            "skipped": self._skipped, "relative_gap": entry["relative_gap"], "iterations": entry["iterations"],
        }
        if decision is not None and decision.weights is not None and decision.attacked:
            line["byzantine_weight"] = sum(decision.weights[node] for node in decision.attacked)
        self._write(line, entry)

    def save(
        self, number: int, rows: Array, nodes: list[int], weights: list[float] | None, model: tuple[Layout, Array]
    ) -> None:
        """The updates of a round, from which ``fl-cli aggregate`` decides the same."""
        assert self.folder is not None
        layout, vector = model
        place = self.folder / "rounds" / f"{number:05}"
        (place / "updates").mkdir(parents=True, exist_ok=True)
        write_tensors(place / "base.safetensors", layout.parts(vector))
        # Files are read in order of their names, and updates in order of node ids.
        names = [f"{node:020}.safetensors" for node in nodes]
        for name, row in zip(names, rows, strict=True):
            write_tensors(place / "updates" / name, layout.parts(row))
        command = [*self.replay, "--round", str(number), "--input", "updates", "--output", "decision.safetensors"]
        if weights is not None:
            lines = "".join(f"updates/{name} {weight!r}\n" for name, weight in zip(names, weights, strict=True))
            write(place / "weights.txt", lines.encode())
            command += ["--weights", "weights.txt"]
        told = {"round": number, "nodes": nodes, "command": command}
        write(place / "round.json", json.dumps(told, indent=2).encode())

    def end(self, rounds: int) -> None:
        """How it ended."""
        if self.folder is None:
            return
        line = self._line(rounds) | {"last": True}
        self._write(line, None)
        layout = Layout(self._model)
        write_tensors(self.folder / "model.safetensors", layout.parts(layout.flat(self._model)))
        seconds = time.monotonic() - self._begin
        done = {
            "schema": 1, "ending": "finished", "rounds": rounds, "final_accuracy": line["accuracy"],
            "final_balanced_accuracy": None, "last_accuracy": line["accuracy"], "estimator_bytes": 0,
            "version": _native.__version__, "instruction_set": "", "data": "flower", "data_digest": "",
            "resources": {"seconds": seconds, "evaluation_seconds": self._beside, "threads": 0, "peak_memory": None,
                          "rounds_per_second": rounds / max(seconds - self._beside, 1e-9)},
        }
        write(self.folder / "done.json", json.dumps(done, indent=2).encode())

    def _line(self, round: int) -> dict[str, Any]:
        line: dict[str, Any] = dict.fromkeys((
            "accuracy", "balanced_accuracy", "test_loss", "aggregate_error", "regular_spread", "byzantine_weight",
            "contaminated", "iterations", "relative_gap", "dropped",
        ))
        return line | {"round": round, "class_accuracy": []} | self._measured

    def _write(self, line: dict[str, Any], entry: dict[str, Any] | None) -> None:
        if self.folder is None:
            return
        append(self.folder / "metrics.jsonl", line)
        if entry is not None:
            append(self.folder / "nodes.jsonl", entry)
        spent = {"round": line["round"], "seconds": time.monotonic() - self._begin, "evaluation_seconds": self._beside}
        append(self.folder / "timing.jsonl", spent | ({"last": True} if line.get("last") else {}))


def _named(choice: Choice) -> str:
    if isinstance(choice, str):
        return choice
    return choice.name if isinstance(choice, Part) else next(iter(choice))


def _method(strategy: RobustStrategy) -> str:
    return " + ".join([*map(_named, strategy.pre), _named(strategy.rule)])


def _command(rule: Choice, pre: list[Choice], byzantine: int, seed: int) -> list[str]:
    """The command that decides a saved round again, in its folder."""

    def spoken(choice: Choice) -> str:
        table = {choice: {}} if isinstance(choice, str) else choice._choice() if isinstance(choice, Part) else choice
        name, settings = next(iter(table.items()))
        said = ",".join(f"{key.replace('_', '-')}={_spoken(value)}" for key, value in settings.items())
        return f"{name}:{said}" if said else str(name)

    command = ["fl-cli", "aggregate", "--rule", spoken(rule)]
    for stage in pre:
        command += ["--pre", spoken(stage)]
    return [*command, "--byzantine", str(byzantine), "--seed", str(seed)]


def _spoken(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

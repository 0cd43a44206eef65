"""Clients that are workers of an experiment: our models, data, partitions and estimators, without PyTorch."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from flwr.app import Array as FlowerArray
from flwr.app import ArrayRecord, MetricRecord

from .. import _native
from .._messages import Array
from ..errors import ExperimentError
from ..lab import _asked
from .client import Client

# What the model's vector is called in messages.
NAME = "params"


class Experiment:
    """A federation as an experiment file describes it, for server and clients of Flower.

    Args:
        config: an experiment, as :func:`robust_fl.run` takes it.
        method: the name of the method whose estimator, rule and step are used; the first one if left out.
        set: settings that are changed, as for :func:`robust_fl.run`.

    Everything about data and workers is as in the simulator: worker w holds the same samples, and draws the same batches.
    Data sets are fetched where they are missing, or looked for in ``FL_DATA_DIR``.
    """

    def __init__(
        self, config: str | os.PathLike[str] | Mapping[str, Any], method: str | None = None, *,
        set: Mapping[str, Any] | None = None, offline: bool = False,
    ) -> None:
        self._asked = _asked(config, set, "runs", offline=offline)
        cells = _native.cells(self._asked)
        names = [cell["method"] for cell in cells]
        if method is not None and method not in names:
            raise ExperimentError(f"method must be one of {', '.join(dict.fromkeys(names))}, got {method!r}")
        self.cell = 0 if method is None else names.index(method)
        self.method: str = names[self.cell]
        self.rounds: int = cells[self.cell]["rounds"]

    def worker(self, worker: int) -> _native.Member:
        """One of its workers, with its data."""
        return _native.Member(self._asked, self.cell, worker)

    def model(self) -> ArrayRecord:
        """x⁰, as server and clients exchange it."""
        return record(self.worker(0).start())

    def evaluation(self) -> Any:
        """A function for ``start(evaluate_fn=…)``: accuracy and loss on the test samples."""
        member = self.worker(0)

        def evaluate(round: int, model: ArrayRecord) -> MetricRecord:
            accuracy, loss = member.evaluate(model[NAME].numpy())
            return MetricRecord({"accuracy": accuracy, "test-loss": loss})

        return evaluate

    def client(self, worker: int, *, step: float | None = None, local_steps: int = 1) -> EngineClient:
        """The client that is this worker."""
        return EngineClient(self, worker, step=step, local_steps=local_steps)

    @property
    def digest(self) -> str:
        """Of the experiment's file, the settings that were changed, and the method."""
        said = json.dumps([self._asked.text, self._asked.set, self.cell, _native.__version__])
        return hashlib.sha256(said.encode()).hexdigest()[:32]


class EngineClient(Client):
    """A worker of an experiment as a client: with SAGA its memory is the table of records, 80 kB for Figure 7's."""

    def __init__(self, experiment: Experiment, worker: int, *, step: float | None, local_steps: int) -> None:
        self.experiment, self.worker = experiment, worker
        self.member = experiment.worker(worker)
        super().__init__(step, local_steps, self.member.facts()[0])

    def model(self) -> ArrayRecord:
        """x⁰."""
        return record(self.member.start())

    def message(self, params: Array, round: int, fresh: bool) -> Array:
        """The estimator's."""
        return self.member.message(params, round, fresh)

    def state(self) -> dict[str, Array]:
        """The estimator's."""
        return {name: np.atleast_1d(np.asarray(x)) for name, x in self.member.state().items()}

    def restore(self, state: dict[str, Array]) -> None:
        """The estimator's."""
        counts = {name for name, x in self.member.state().items() if isinstance(x, int)}
        self.member.restore({name: int(x[0]) if name in counts else x for name, x in state.items()})

    def identity(self) -> tuple[str, str]:
        """The experiment and the worker."""
        return f"worker{self.worker}", f"{self.experiment.digest}-{self.worker}-{self.step}-{self.local_steps}"


def record(params: Array) -> ArrayRecord:
    """A model's parameters as server and clients exchange them."""
    return ArrayRecord({NAME: FlowerArray(params)})

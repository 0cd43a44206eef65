"""Clients that send messages of any PyTorch module."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from flwr.app import Array as FlowerArray
from flwr.app import ArrayRecord

from .. import torch as estimators
from .._messages import Array
from .client import Client


class SgdClient(Client):
    """Sends gradients of batches of a PyTorch module.

    Args:
        worker: model, loss, samples, batch size and seed: :class:`robust_fl.torch.Worker`. Its ``worker`` is the client's
            number, by which batches are drawn.
        step: γ of local steps, or None: then the server has it.
        local_steps: how many of them a round has.
        options: of the estimator.
    """

    estimator: Any = estimators.Sgd

    def __init__(self, worker: estimators.Worker, *, step: float | None = None, local_steps: int = 1, **options: Any):
        super().__init__(step, local_steps, len(worker.x))
        self.worker, self.options = worker, options
        self.made = self._make(worker, options)

    def model(self) -> ArrayRecord:
        """The parameters that are learnt, by name."""
        return record(self.worker.model)

    def message(self, params: Array, round: int, fresh: bool) -> Array:
        """The estimator's."""
        made: Array = self.made.message(params, round).detach().cpu().numpy()
        return made

    def state(self) -> dict[str, Array]:
        """The estimator's."""
        kept: dict[str, Array] = self.made.state()
        return kept

    def restore(self, state: dict[str, Array]) -> None:
        """The estimator's."""
        self.made.restore(state)

    def identity(self) -> tuple[str, str]:
        """Estimator, samples, and the shapes of the model."""
        w = self.worker
        made = hashlib.sha256(repr((type(self).__name__, self.options, self.step, w.batch, w.seed)).encode())
        made.update(repr([(name, tuple(p.shape), p.requires_grad) for name, p in w.model.named_parameters()]).encode())
        for tensor in (w.x, w.y):
            made.update(repr((tuple(tensor.shape), str(tensor.dtype))).encode())
            made.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).tobytes())
        return f"{type(self).__name__}-worker{w.worker}", made.hexdigest()[:32]

    def _make(self, worker: estimators.Worker, options: dict[str, Any]) -> Any:
        return type(self).estimator(worker, **options)


class SagaClient(SgdClient):
    """Sends SAGA's messages: for models with some 10⁵ parameters at most; keeps (J + 1) p numbers for J samples."""

    estimator = estimators.Saga


class PageClient(SgdClient):
    """Sends PAGE's messages; keeps 2 p numbers."""

    estimator = estimators.Page


class MomentumClient(SgdClient):
    """Sends moving averages ``m ← β m + (1 − β) g`` of batch gradients; keeps p numbers."""

    def _make(self, worker: estimators.Worker, options: dict[str, Any]) -> Any:
        return estimators.Momentum(estimators.Sgd(worker), **options)


def record(model: torch.nn.Module) -> ArrayRecord:
    """The parameters of a module that are learnt, by name, as clients and server exchange them."""
    learnt = {name: p for name, p in model.named_parameters() if p.requires_grad}
    return ArrayRecord({name: FlowerArray(p.detach().cpu().numpy()) for name, p in learnt.items()})


__all__ = ["MomentumClient", "PageClient", "SagaClient", "SgdClient", "record"]

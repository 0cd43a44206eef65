"""Gradient estimators for any ``torch.nn.Module``: what workers send, as flat vectors.

Each estimator is one worker's: ``message(params, round)`` returns p numbers. Batches have addresses, (seed, worker, round), so a
run can be repeated from any round. ``memory`` tells the bytes that an estimator will keep before it is made.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ._messages import Array

__all__ = ["LooplessSvrg", "Momentum", "Page", "Saga", "Sgd", "Worker", "flat", "full_gradients", "load", "memory"]

Loss = Callable[[Tensor, Tensor], Tensor]
LARGE = 1 << 30


def _learnt(model: nn.Module) -> dict[str, Tensor]:
    """The parameters that are learnt; those with ``requires_grad=False`` are frozen, and no part of any vector."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def flat(model: nn.Module) -> Array:
    """The model's parameters as one vector of NumPy, in the order of ``model.parameters()``, frozen ones left out."""
    vector: Array = torch.cat([p.detach().reshape(-1).cpu() for p in _learnt(model).values()]).numpy().copy()
    return vector


def load(model: nn.Module, params: Any) -> None:
    """Writes such a vector into the model."""
    vector, learnt = torch.as_tensor(np.asarray(params)), _learnt(model).values()
    size = sum(p.numel() for p in learnt)
    if vector.numel() != size:
        raise ValueError(f"the model has {size} parameters that are learnt, got {vector.numel()}")
    at = 0
    with torch.no_grad():
        for p in learnt:
            p.copy_(vector[at : at + p.numel()].reshape(p.shape))
            at += p.numel()


def memory(estimator: str, model: nn.Module, samples: int = 0) -> int:
    """Bytes that an estimator of one worker keeps: "sgd", "momentum", "page", "loopless-svrg" or "saga" with J samples."""
    numbers = {"sgd": 0, "momentum": 1, "page": 2, "loopless-svrg": 2, "saga": samples + 1}
    if estimator not in numbers:
        raise ValueError(f"the estimator must be one of {', '.join(numbers)}, got {estimator!r}")
    bytes: int = sum(p.numel() * p.element_size() for p in _learnt(model).values())
    return numbers[estimator] * bytes


class Worker:
    """One worker's samples, and gradients of a loss on them."""

    def __init__(self, model: nn.Module, loss: Loss, x: Tensor, y: Tensor, *, batch: int, worker: int = 0, seed: int = 0):
        if len(x) != len(y) or len(x) == 0:
            raise ValueError(f"worker {worker} has {len(x)} inputs and {len(y)} targets; expected as many, and at least 1")
        self.model, self.loss, self.x, self.y = model, loss, x, y
        self.batch, self.worker, self.seed = min(batch, len(x)), worker, seed

    def draw(self, round: int, purpose: int = 0) -> np.random.Generator:
        """The generator of a round."""
        return np.random.default_rng([self.seed, self.worker, round, purpose])

    def indices(self, round: int) -> Tensor:
        """The round's batch."""
        drawn = self.draw(round).choice(len(self.x), self.batch, replace=False)
        return torch.as_tensor(drawn, device=self.x.device)

    def gradient(self, params: Array | None, indices: Tensor | None = None) -> Tensor:
        """∇ of the mean loss over some samples, or over all."""
        if params is not None:
            load(self.model, params)
        x, y = (self.x, self.y) if indices is None else (self.x[indices], self.y[indices])
        loss = self.loss(self.model(x), y)
        learnt = list(_learnt(self.model).values())
        # Of a parameter that the loss does not depend on the gradient is 0.
        made = torch.autograd.grad(loss, learnt, allow_unused=True)
        return torch.cat([(torch.zeros_like(p) if g is None else g).reshape(-1) for p, g in zip(learnt, made, strict=True)])

    def each(self, params: Array, indices: Tensor) -> Tensor:
        """∇ of the loss of each sample by itself, one a row (``torch.func``)."""
        from torch.func import functional_call, grad, vmap

        load(self.model, params)
        named = {k: v.detach() for k, v in _learnt(self.model).items()}
        # What is not differentiated: frozen parameters and buffers.
        kept = {k: v.detach() for k, v in self.model.named_parameters() if k not in named} | dict(self.model.named_buffers())

        def one(p: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
            return self.loss(functional_call(self.model, (p, kept), (x[None],)), y[None])

        made = vmap(grad(one), in_dims=(None, 0, 0), randomness="different")(named, self.x[indices], self.y[indices])
        return torch.cat([made[k].reshape(len(indices), -1) for k in named], dim=1)


    def full(self, params: Array) -> tuple[Tensor, float]:
        """∇f, the mean of all samples' gradients, and their variation ``(1/J) Σ_j ‖∇f_j − ∇f‖²``; in pieces of 64 samples."""
        pieces = torch.arange(len(self.x), device=self.x.device).split(64)
        mean = self.gradient(params).double()
        # About the mean in double precision, so that nothing is lost where gradients hardly differ.
        variation = sum(float(((self.each(params, some).double() - mean) ** 2).sum()) for some in pieces)
        return mean.to(next(iter(_learnt(self.model).values())).dtype), variation / len(self.x)


def full_gradients(workers: Sequence[Worker]) -> Callable[[Array], tuple[Tensor, list[float]]]:
    """What ``rf.Federation(full_gradients=…)`` asks for: all workers' full gradients, W × p, and their inner variations.

    It takes the gradients of single samples, so no batch normalisation; a call costs a full pass of every worker.
    """

    def full(params: Array) -> tuple[Tensor, list[float]]:
        made = [worker.full(params) for worker in workers]
        return torch.stack([gradient for gradient, _ in made]), [variation for _, variation in made]

    return full


class _Memory:
    """What an estimator remembers, for checkpoints: ``rf.Federation(…, memory=estimators)``."""

    kept: tuple[str, ...] = ()
    worker: Worker

    def state(self) -> dict[str, Array]:
        """All of it by name; nothing before the first message."""
        found = {name: getattr(self, name) for name in self.kept}
        return {k: np.asarray(v.detach().cpu() if isinstance(v, Tensor) else v) for k, v in found.items() if v is not None}

    def restore(self, state: dict[str, Array]) -> None:
        """Takes up where an estimator with this memory was."""
        for name in self.kept:
            made: Any = state.get(name)
            if made is not None and name not in ("anchor", "before"):
                made = torch.as_tensor(made, device=self.worker.x.device)
            setattr(self, name, made)


class Sgd(_Memory):
    """A batch's gradient."""

    def __init__(self, worker: Worker):
        self.worker = worker

    def message(self, params: Array, round: int) -> Tensor:
        """What the worker sends."""
        return self.worker.gradient(params, self.worker.indices(round))


class Momentum(_Memory):
    """``m ← β m + (1 − β) g`` around another estimator; keeps p numbers."""

    def __init__(self, inner: Any, beta: float = 0.9):
        if not 0 <= beta < 1:
            raise ValueError(f"beta must be at least 0 and below 1, got {beta}")
        self.inner, self.beta = inner, beta
        self.worker = inner.worker
        self.m: Tensor | None = None

    kept = ("m",)

    def state(self) -> dict[str, Array]:
        """All of it by name, the inner estimator's too."""
        return super().state() | {f"inner.{k}": v for k, v in self.inner.state().items()}

    def restore(self, state: dict[str, Array]) -> None:
        """Takes up where an estimator with this memory was."""
        super().restore(state)
        self.inner.restore({k.removeprefix("inner."): v for k, v in state.items() if k.startswith("inner.")})

    def message(self, params: Array, round: int) -> Tensor:
        """What the worker sends; in the first round the gradient itself."""
        g = self.inner.message(params, round)
        self.m = g.clone() if self.m is None else self.m.mul_(self.beta).add_(g, alpha=1 - self.beta)
        return self.m.clone()


class Saga(_Memory):
    """SAGA: ``mean over the batch of (∇f_i(x) − table_i) + mean of the table``; keeps (J + 1) p numbers.

    The table is filled at the first x. It needs the gradients of single samples, so no batch normalisation. Above some 10⁵
    parameters take :class:`Page` or :class:`LooplessSvrg`.
    """

    def __init__(self, worker: Worker):
        self.worker = worker
        bytes = memory("saga", worker.model, len(worker.x))
        if bytes > LARGE:
            warnings.warn(
                f"SAGA's table of worker {worker.worker} takes {bytes / 1e9:.1f} GB; Page and LooplessSvrg keep "
                f"{memory('page', worker.model) / 1e6:.0f} MB", stacklevel=2,
            )
        self.table: Tensor | None = None
        self.mean: Tensor | None = None

    kept = ("table", "mean")

    def message(self, params: Array, round: int) -> Tensor:
        """What the worker sends."""
        w = self.worker
        if self.table is None:
            # The table and no second one beside it: pieces are written where they stay.
            for some in torch.arange(len(w.x), device=w.x.device).split(64):
                made = w.each(params, some)
                if self.table is None:
                    self.table = made.new_empty((len(w.x), made.shape[1]))
                self.table[some] = made
            assert self.table is not None
            self.mean = self.table.mean(dim=0)
        assert self.mean is not None
        indices = w.indices(round)
        new = w.each(params, indices)
        moved = new - self.table[indices]
        sent = moved.mean(dim=0) + self.mean
        self.table[indices] = new
        self.mean += moved.sum(dim=0) / len(w.x)
        return sent


class _Anchored(_Memory):
    """What PAGE and loopless SVRG have in common: now and then a full pass."""

    def __init__(self, worker: Worker, probability: float | None = None):
        self.worker = worker
        # A full pass then costs as much as the batches between two of them.
        self.probability = worker.batch / len(worker.x) if probability is None else probability
        if not 0 < self.probability <= 1:
            raise ValueError(f"the probability of a full pass must be above 0 and at most 1, got {self.probability}")

    def full(self, round: int) -> bool:
        """Whether this round has a full pass."""
        return bool(self.worker.draw(round, 1).random() < self.probability)


class LooplessSvrg(_Anchored):
    """``∇f_b(x) − ∇f_b(anchor) + ∇f(anchor)``; the anchor moves to x with a probability, b/J by default; keeps 2 p numbers."""

    kept = ("anchor", "mean")
    anchor: Array | None = None
    mean: Tensor | None = None

    def message(self, params: Array, round: int) -> Tensor:
        """What the worker sends."""
        w, batch = self.worker, self.worker.indices(round)
        if self.anchor is None or self.full(round):
            self.anchor, self.mean = np.array(params, copy=True), w.gradient(params)
        assert self.mean is not None
        return w.gradient(params, batch) - w.gradient(self.anchor, batch) + self.mean


class Page(_Anchored):
    """PAGE: ``v ← v + ∇f_b(x) − ∇f_b(x before)``, and ∇f(x) with a probability, b/J by default; keeps 2 p numbers."""

    kept = ("before", "v")
    before: Array | None = None
    v: Tensor | None = None

    def message(self, params: Array, round: int) -> Tensor:
        """What the worker sends."""
        w = self.worker
        if self.before is None or self.v is None or self.full(round):
            self.v = w.gradient(params)
        else:
            batch = w.indices(round)
            self.v = self.v + w.gradient(params, batch) - w.gradient(self.before, batch)
        self.before = np.array(params, copy=True)
        return self.v.clone()

"""Data, model and methods, which server and clients have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flwr.serverapp.strategy import FedAvg, Krum, Strategy
from robust_fl import flower
from robust_fl.flower.engine import Experiment

STEP = 0.5
# Each method's estimator, and the server's rule behind pre-aggregators.
METHODS: dict[str, tuple[str, str, list[Any]]] = {
    "proposed": ("saga", "geometric-median", [{"resample": {"s": 2}}]),
    "byrd-saga": ("saga", "geometric-median", []),
    "rs-byrd-sgd": ("sgd", "geometric-median", [{"resample": {"s": 2}}]),
    "krum": ("sgd", "krum", []),
    "mean": ("sgd", "mean", []),
    "fedavg": ("sgd", "mean", []),
    "flower-krum": ("sgd", "krum", []),
}
# Clients of these send models, and the others gradients.
FLOWERS = ("fedavg", "flower-krum")


FIGURE_7 = 30


def liars(run: Mapping[str, Any], clients: int) -> range:
    """The last clients, a fifth of all; of thirty those that hold the classes 8 and 9."""
    count = int(run["byzantine"])
    return range(clients - (clients // 5 if count < 0 else count), clients)


def experiment(run: Mapping[str, Any], clients: int) -> Experiment:
    """Softmax regression and the method's estimator. Thirty clients hold a class each, other numbers a mixture."""
    method = str(run["method"])
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    estimator, rule, pre = METHODS[method]
    chosen: dict[str, Any] = {"name": method, "estimator": estimator, "rule": rule, "pre": pre}
    if int(run["local-steps"]) > 1:
        chosen["local-steps"] = {"steps": int(run["local-steps"]), "step": STEP, "send": "gradient"}
    by_class = {"by-class": {"workers-per-class": 3}}
    return Experiment({
        "name": "flower", "rounds": int(run["num-server-rounds"]), "seeds": [int(run["seed"])],
        "data": {"set": str(run["dataset"]), "partition": by_class if clients == FIGURE_7 else {"dirichlet": {"alpha": 1.0}}},
        "federation": {"workers": clients, "byzantine": {"count": len(liars(run, clients))}},
        "model": {"softmax": {"bias": True, "l2": 0.01}},
        "train": {"batch": 32, "step": STEP},
        "method": [chosen],
    })


def strategy(run: Mapping[str, Any], clients: int) -> Strategy:
    """The server's side of a method."""
    method, byzantine = str(run["method"]), len(liars(run, clients))
    nodes = {"fraction_evaluate": 0.0, "min_train_nodes": clients, "min_available_nodes": clients}
    if method == "fedavg":
        return FedAvg(**nodes)
    if method == "flower-krum":
        return Krum(num_malicious_nodes=byzantine, **nodes)
    _, rule, pre = METHODS[method]
    return flower.RobustStrategy(
        rule, byzantine, pre=pre, step=STEP, seed=int(run["seed"]), out=str(run["out"]) or None, name=method,
        quorum=int(run["quorum"]) or None, save_rounds=int(run["save-rounds"]), **nodes,
    )

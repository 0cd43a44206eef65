"""The ``config.json`` of byzfl's ``run_benchmark`` as an experiment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import aggregators, attacks
from .clients import make

# A set, how its pixels are scaled, how training pictures are moved, and what of byzfl's own transforms differs.
_SETS: dict[str, tuple[dict[str, Any], dict[str, Any] | None, str | None]] = {
    "mnist": ({"set": "mnist", "scale": "normalise"}, None, None),
    "fashionmnist": (
        {"set": "fashion-mnist"}, {"flip": True}, "random mirroring of fashionmnist's test pictures: they stay as they are",
    ),
    "cifar10": (
        {"set": "cifar10", "scale": "normalise"}, {"shift": 4, "flip": True},
        "a mean and a deviation of each colour of cifar10, and black edges of moved pictures: here all pixels have one mean, "
        "which edges have",
    ),
}
_RELU: dict[str, Any] = {"activation": "relu", "initialise": "fan-in"}
_MODELS: dict[str, dict[str, Any]] = {
    "cnn_mnist": {"convolutional": {"shape": [1, 28, 28], "channels": [20, 50], "kernel": 5, "hidden": [500], **_RELU}},
    "fc_mnist": {"perceptron": {"hidden": [100], "loss": "cross-entropy", **_RELU}},
}
_IN_PLACE: dict[str, Any] = {"softmax": {"initialise": "fan-in"}}
# Where things are and what is kept beside the accuracies; no number of an experiment depends on them.
_ELSEWHERE = {
    "benchmark_config": {"device"},
    "model": {"nb_labels"},
    "honest_clients": set[str](),
    "evaluation_and_results": {
        "batch_size_evaluation", "evaluate_on_test", "store_per_client_metrics", "data_folder", "results_directory",
    },
}


def _list(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


class _Asked:
    """What the file says, and what of it has been read."""

    def __init__(self, text: Mapping[str, Any]) -> None:
        self.sections = {key: dict(text.get(key) or {}) for key in _ELSEWHERE}
        self.lists = {key: text[key] for key in ("aggregator", "pre_aggregators", "attack") if key in text}
        self.lost = [f"{key}: it is not known here" for key in text if key not in self.sections and key not in self.lists]
        self.axes: dict[str, list[Any]] = {}

    def take(self, section: str, key: str, default: Any) -> Any:
        """A value, which is then read."""
        return self.sections[section].pop(key, default)

    def one_or_axis(self, section: str, key: str, ours: str, default: Any) -> float:
        """The first of a value's candidates; where there are several, all of them are an axis of the sweep."""
        values = [float(value) for value in _list(self.take(section, key, default))]
        if len(values) > 1:
            self.axes[ours] = values
        return values[0]

    def rest(self) -> None:
        """What nobody has read is lost."""
        for section, entries in self.sections.items():
            self.lost += [f"{section}.{key} = {value!r}: it is not known here"
                          for key, value in entries.items() if key not in _ELSEWHERE[section]]


def _federation(asked: _Asked) -> dict[str, Any]:
    """Workers and Byzantine ones; several f are an axis where the number of workers stays the same."""
    section = "benchmark_config"
    counts = [int(f) for f in _list(asked.take(section, "f", 0))]
    declared = asked.take(section, "tolerated_f", None)
    fixed = bool(asked.take(section, "set_honest_clients_as_clients", False))
    honest = int(asked.take(section, "nb_honest_clients", 10))
    asked.take(section, "nb_workers", None)
    f = counts[-1]
    if fixed and len(counts) > 1:
        asked.axes["federation.byzantine.count"] = counts
    elif len(counts) > 1:
        asked.lost.append(f"f = {counts}: one experiment has one number of workers; this one has f = {f}")
    if declared is not None and [int(n) for n in _list(declared)] != counts:
        asked.lost.append(f"tolerated_f = {declared}: rules are for as many as are Byzantine, {f}")
    workers = honest if fixed else honest + f
    if f:
        asked.lost.append(f"the data are shared among the regular workers alone: here all {workers} workers have a share")
    return {"workers": workers, "byzantine": {"count": f}}


def _partition(asked: _Asked) -> Any:
    """The first data distribution; all of them are an axis."""
    made: list[Any] = []
    for info in _list(asked.take("benchmark_config", "data_distribution", {"name": "iid"})):
        name = info["name"]
        for parameter in _list(info.get("distribution_parameter", 1.0)):
            known: dict[str, Any] = {
                "iid": "iid", "extreme_niid": {"gamma-similarity": {"gamma": 0.0}},
                "gamma_similarity_niid": {"gamma-similarity": {"gamma": float(1.0 if parameter is None else parameter)}},
                "dirichlet_niid": {"dirichlet": {"alpha": float(1.0 if parameter is None else parameter)}},
            }
            if name not in known:
                asked.lost.append(f"the data distribution {name}: iid stands in its place")
            one = known.get(name, "iid")
            made += [] if one in made else [one]
    if len(made) > 1:
        asked.axes["data.partition"] = made
    return made[0]


def _attack(asked: _Asked, f: int) -> dict[str, Any]:
    """What Byzantine workers send, or learn from; several attacks are an axis."""
    infos = _list(asked.lists.get("attack", {"name": "NoAttack"}))
    if [info["name"] for info in infos] == ["LabelFlipping"]:
        asked.lost.append(
            "the attack LabelFlipping sends the mean of flipped gradients: here Byzantine workers learn from flipped labels"
        )
        return {"attack": "none", "poison": "label-flip"}
    found: list[Any] = []
    for info in infos:
        if info["name"] == "NoAttack":
            found.append("none")
        elif info["name"] == "LabelFlipping":
            asked.lost.append('the attack LabelFlipping beside others: an experiment of its own has federation.poison = "label-flip"')
        else:
            try:
                one = make(attacks, info, f=f)
            except (TypeError, ValueError) as error:
                asked.lost.append(f"the attack {info['name']}: {error}")
                continue
            if getattr(one, "mu", 0.0):
                asked.lost.append(f"the attack {info['name']} has mu = {one.mu}: here it has 0")
            found.append(one.choice())
    if len(found) > 1:
        asked.axes["federation.attack"] = found
    return {"attack": found[0] if found else "none"}


def _methods(asked: _Asked, f: int) -> list[dict[str, Any]]:
    """A method for each aggregator, chain of pre-aggregators and momentum."""
    given = asked.lists.get("pre_aggregators") or []
    # A list of lists is several chains.
    chains: list[list[Any]] = given if given and isinstance(given[0], list) else [given]
    momenta = [float(beta) for beta in _list(asked.take("honest_clients", "momentum", 0.9))]
    methods: list[dict[str, Any]] = []
    for info in _list(asked.lists.get("aggregator", {"name": "Average"})):
        for chain in chains:
            for beta in momenta:
                names = [*[stage["name"] for stage in chain] * (len(chains) > 1), info["name"]]
                name = " + ".join(names) + (f", β = {beta:g}" if len(momenta) > 1 else "")
                method: dict[str, Any] = {
                    "name": name, "rule": make(aggregators, info, f=f).choice(),
                    "pre": [make(aggregators, stage, f=f).choice() for stage in chain],
                }
                if beta:
                    method["momentum"] = {"beta": beta}
                methods.append(method)
    return methods


def _model(asked: _Asked) -> dict[str, Any]:
    name = asked.take("model", "name", "cnn_mnist")
    loss = asked.take("model", "loss", "NLLLoss")
    if isinstance(name, list):
        asked.lost.append(f"the models {name}: this experiment has {name[0]}")
        name = name[0]
    if name == "logreg_mnist":
        asked.lost.append("the model logreg_mnist puts σ(z) where logarithms of probabilities belong: softmax regression stands in its place")
    elif name not in _MODELS:
        asked.lost.append(f"the model {name}: softmax regression stands in its place; rf.Federation takes PyTorch models")
    if loss not in ("NLLLoss", "CrossEntropyLoss"):
        asked.lost.append(f"the loss {loss}: cross-entropy stands in its place")
    return _MODELS.get(name, _IN_PLACE)


def _train(asked: _Asked) -> dict[str, Any]:
    step = asked.one_or_axis("model", "learning_rate", "train.step", 0.1)
    batches = [int(b) for b in _list(asked.take("honest_clients", "batch_size", 32))]
    if len(batches) > 1:
        asked.axes["train.batch"] = batches
    # The server's own, as byzfl has it: x ← x − γ (u + λ x).
    decay = asked.one_or_axis("honest_clients", "weight_decay", "train.weight-decay", 1e-4)
    train: dict[str, Any] = {"batch": batches[0], "step": step, "weight-decay": decay}
    factors, at = _list(asked.take("model", "learning_rate_decay", 1.0)), asked.take("model", "milestones", [])
    if len(factors) > 1 or (at and isinstance(at[0], list)):
        asked.lost.append("several learning_rate_decay or milestones: this experiment has the first")
        at = at[0] if at and isinstance(at[0], list) else at
    if at and factors[0] != 1.0:
        train["schedule"] = {"steps": {"at": [int(round) for round in at], "factor": float(factors[0])}}
    if moved := _set(asked)[1]:
        train["augment"] = moved
    optimizer = asked.take("model", "optimizer_name", "SGD")
    if optimizer != "SGD":
        asked.lost.append(f"the optimizer {optimizer}: plain steps stand in its place")
    return train


def _set(asked: _Asked) -> tuple[dict[str, Any], dict[str, Any] | None, str | None]:
    return _SETS.get(asked.sections["model"].get("dataset_name", "mnist"), _SETS["mnist"])


def _data(asked: _Asked) -> dict[str, Any]:
    """The set and who holds what."""
    made, _, differs = _set(asked)
    name = asked.take("model", "dataset_name", "mnist")
    if name not in _SETS:
        asked.lost.append(f"the data set {name}: mnist stands in its place")
    if differs:
        asked.lost.append(differs)
    share = asked.take("benchmark_config", "size_train_set", 0.8)
    if share != 1.0:
        asked.lost.append(f"size_train_set = {share}: workers share all training rows, and none are set aside")
    return {**made, "partition": _partition(asked)}


def experiment(config: str | Path | Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Our experiment for the ``config.json`` of byzfl's ``run_benchmark``, and what of it has no counterpart.

    The experiment is a dict for ``rf.run``; lists of values become a sweep, or a method each. Defaults are byzfl's. The
    second answer is a sentence for each thing that is left out or that another one stands in for. Nothing is written.
    """
    text: Any = config if isinstance(config, Mapping) else json.loads(Path(config).read_text(encoding="utf-8"))
    asked = _Asked(text)
    bench = "benchmark_config"
    algorithm = asked.take(bench, "training_algorithm", {"name": "DSGD"})
    if algorithm.get("name", "DSGD") != "DSGD":
        asked.lost.append(f"the training algorithm {algorithm['name']}: gradients go to a server")
    first, count = asked.take(bench, "training_seed", 0), asked.take(bench, "nb_training_seeds", 1)
    data_seed, data_count = asked.take(bench, "data_distribution_seed", 0), asked.take(bench, "nb_data_distribution_seeds", 1)
    if data_count != 1 or data_seed != first:
        asked.lost.append(f"{data_count} data_distribution_seeds from {data_seed}: one seed is for the data and the training")
    if asked.take("evaluation_and_results", "store_models", False):
        asked.lost.append("store_models: a run keeps its last model, as Cell.params")
    federation = _federation(asked)
    f = federation["byzantine"]["count"]
    made: dict[str, Any] = {
        "name": "from-byzfl", "rounds": asked.take(bench, "nb_steps", 1000), "seeds": [first + i for i in range(count)],
        "evaluate-every": asked.take("evaluation_and_results", "evaluation_delta", 50),
        "federation": {**federation, **_attack(asked, f)},
        "model": _model(asked), "train": _train(asked), "data": _data(asked), "method": _methods(asked, f),
    }
    asked.rest()
    if asked.axes:
        made["sweep"] = asked.axes
    return made, asked.lost

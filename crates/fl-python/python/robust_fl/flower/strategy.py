"""Flower's strategy with a robust rule: no reply can stop, poison or stall the federation."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from logging import ERROR, INFO, WARNING
from typing import Any, NoReturn

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MessageType, MetricRecord, RecordDict
from flwr.common import log
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg, Result

from .._messages import Array
from .._parts import Choice
from ..errors import RequirementError, RobustError
from .ask import ask_models
from .decision import Adversary, Decision, Server, Weights
from .history import History, happened
from .metrics import medians, numbers
from .replies import Layout, short
from .rounds import Gathering, Round

# What a round's configuration tells clients, beside Flower's "server-round".
SENDS = "robust-fl-sends"
# Seconds between words about clients that are waited for.
PATIENCE = 10.0

Evaluate = Callable[[int, ArrayRecord], "MetricRecord | None"]


class RobustStrategy(FedAvg):
    """Aggregates what clients send by a rule of this package, and never believes a reply.

    In each round the rule decides on updates, reply − model, and the model moves by its decision. With ``step`` replies are
    gradients, and the model moves by −step · decision, as in the paper's Algorithm 2. Clients are told by node ids.

    Args:
        rule, pre: as for :class:`robust_fl.Aggregator`, names, tables or parts.
        byzantine: f, how many clients may send anything; fewer than half of those that a round asks.
        step: γ, a number or a function of the round from 0, if clients send gradients.
        seed: of sampling and of what the rule draws; a draw is found by seed and round.
        weights: None: all updates weigh the same. A dict of weights by node id; a node that is not in it is refused. Or
            "num-examples": what clients claim, each no more than the median of all claims. For rules with weights.
        quorum: how many good replies a round needs before it goes on without the rest; by default W − f of W, but at least
            as many as the rule needs.
        grace: after the quorum a round waits for clients that answered the last time, for this many times as long as the
            quorum took.
        ask_models: whether clients are asked for the shapes of their models before round 1, if they say
            (:func:`robust_fl.flower.describes`).
        on_refuse: called with round, node id and reason for each reply that is refused.
        adversary: writes lies of omniscient clients over some updates, to test a deployment.
        save_rounds: True, or every how many rounds: updates and model of a round are kept as safetensors files, from which
            ``fl-cli aggregate`` makes the same decision.
        name, out: history and rounds are in a folder of ``out/name``, which ``fl-cli results``, ``watch`` and ``report`` read.
            ``out=None`` keeps nothing on disk.
        fedavg: what :class:`flwr.serverapp.strategy.FedAvg` takes. Metrics are medians over clients if no function is given.

    A round costs the rule, one pass for each update's distance, and W × p numbers of memory. What can be told before round 1
    is raised before round 1: :class:`robust_fl.errors.RequirementError` with the numbers.
    """

    def __init__(
        self, rule: Choice = "geometric-median", byzantine: int = 0, *, pre: Sequence[Choice] = (),
        step: float | Callable[[int], float] | None = None, seed: int = 0, weights: Weights = None, quorum: int | None = None,
        grace: float = 0.5, ask_models: bool = True, on_refuse: Callable[[int, int, str], None] | None = None,
        adversary: Adversary | Mapping[str, Any] | None = None, save_rounds: bool | int = False, name: str = "flower",
        out: str | os.PathLike[str] | None = "runs", **fedavg: Any,
    ) -> None:
        if byzantine < 0 or (quorum is not None and quorum < 1) or not grace >= 0:
            raise RequirementError(
                f"byzantine and grace must be at least 0 and quorum at least 1, got {byzantine}, {grace} and {quorum}"
            )
        if save_rounds and out is None:
            raise RequirementError("save_rounds needs a folder, and out is None")
        self.rule, self.byzantine, self.pre, self.step, self.seed = rule, byzantine, list(pre), step, seed
        if isinstance(adversary, Mapping):
            adversary = Adversary(**adversary)
        self.quorum, self.grace, self.ask_models, self.on_refuse = quorum, grace, ask_models, on_refuse
        self.save_rounds, self.name, self.out = int(save_rounds), name, out
        self.adversary = adversary
        self._server = Server(rule, self.pre, byzantine, seed, weights, adversary)
        fedavg.setdefault("train_metrics_aggr_fn", medians)
        fedavg.setdefault("evaluate_metrics_aggr_fn", medians)
        super().__init__(**fedavg)
        self.history: list[dict[str, Any]] = []
        self._history: History | None = None
        self._layout: Layout | None = None
        self._vector: Array | None = None
        self._model: ArrayRecord | None = None
        self._round: Round | None = None
        self._needs: dict[int, int] = {}
        self._timeout = 3600.0
        self._started = False

    def start(
        self, grid: Grid, initial_arrays: ArrayRecord, num_rounds: int = 3, timeout: float = 3600,
        train_config: ConfigRecord | None = None, evaluate_config: ConfigRecord | None = None,
        evaluate_fn: Evaluate | None = None,
    ) -> Result:
        """Runs the federation, as Flower's strategies do; ``timeout`` bounds a round that does not reach its quorum.

        Raises:
            RequirementError: f, quorum or rule cannot work for the clients that are there, or clients have other models.
        """
        self._timeout, self._layout, self._started = timeout, Layout(initial_arrays), True
        gathering = Gathering(grid, self._current, self._quorum, self.grace)
        try:
            clients = self._check(gathering, initial_arrays)
            self._history = History.begin(self, self._layout.flat(initial_arrays), num_rounds, clients)
            with self._history:
                measured = self._history.measuring(evaluate_fn)
                result = super().start(
                    gathering, initial_arrays, num_rounds, timeout, train_config, evaluate_config, measured
                )
                self._history.end(num_rounds)
        finally:
            self._started = False
        if not result.arrays:
            result.arrays = initial_arrays
        return result

    def summary(self) -> None:
        """Logs the configuration."""
        self._own_start()
        log(INFO, "\t├──> Robust aggregation:")
        log(INFO, "\t│\t├── Rule: %s behind %s", self.rule, self.pre or "nothing")
        log(INFO, "\t│\t├── Byzantine clients: at most %d", self.byzantine)
        log(INFO, "\t│\t└── Clients send %s", self._sends)
        super().summary()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Messages to the clients of a round, drawn by seed and round."""
        self._own_start()
        layout = self._layout = self._layout or Layout(arrays)
        self._model, self._vector = arrays, layout.flat(arrays)
        nodes = self._sample(grid, server_round, self.fraction_train, self.min_train_nodes)
        base = self._vector if self.step is None else None
        self._round = Round(server_round, nodes, layout, base, on_refuse=self.on_refuse)
        config[SENDS] = self._sends
        return self._messages(server_round, nodes, arrays, config, MessageType.TRAIN)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """The next model, or None if the round is skipped, and what happened. Raises for nothing that a client sent."""
        self._own_start()
        round = self._current()
        for reply in replies:
            round.take(reply)
        decision: Decision | None = None
        made: ArrayRecord | None = None
        skipped: str | None = None
        try:
            if round.nodes:
                decision, made = self._decide(round)
            else:
                skipped = "no client was asked"
        except RobustError as why:
            skipped = short(why)
        # A rule of one's own may raise anything at messages that it has not thought of.
        except Exception as why:
            log(ERROR, "round %d: the rule raised", server_round, exc_info=True)
            skipped = f"{type(why).__name__}: {short(why)}"
        if skipped is not None:
            log(WARNING, "round %d is skipped, and the model stays as it is: %s", server_round, skipped)
        entry = happened(round, decision, skipped)
        self.history.append(entry)
        if self._history is not None:
            self._history.keep(entry, decision)
        metrics = self._metrics(round, self.train_metrics_aggr_fn)
        metrics.update(_told(entry))
        round.rows = None
        return made, metrics

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Messages to the clients that evaluate the model."""
        self._own_start()
        if self.fraction_evaluate == 0.0:
            return []
        nodes = self._sample(grid, server_round, self.fraction_evaluate, self.min_evaluate_nodes, purpose=1)
        self._round = Round(server_round, nodes)
        return self._messages(server_round, nodes, arrays, config, MessageType.EVALUATE)

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> MetricRecord | None:
        """Medians of what clients report, or what the function of yours makes of it."""
        round = self._current()
        for reply in replies:
            round.take(reply)
        return self._metrics(round, self.evaluate_metrics_aggr_fn) if round.good else None

    @property
    def _sends(self) -> str:
        return "models" if self.step is None else "gradients"

    def _current(self) -> Round:
        if self._round is None:
            raise RequirementError("configure_train has to be called before replies are aggregated")
        return self._round

    def _own_start(self) -> None:
        if not self._started:
            raise RequirementError(
                "RobustStrategy has to be run by its own start. A wrapper such as DifferentialPrivacyServerSideFixedClipping "
                "changes what it is told: its noise is calibrated for the mean of all replies, which a robust rule does not "
                "form, so that neither the privacy nor the robustness would be what it promises. Local differential privacy, "
                "a mod of the clients, can be combined with it"
            )

    def _check(self, gathering: Gathering, model: ArrayRecord) -> int:
        """What can be told before round 1; how many clients a round asks."""
        if self.fraction_train == 0.0:
            return 1
        log(INFO, "Asks which clients are there, before round 1")
        there = self._wait(gathering, max(self.min_available_nodes, self.min_train_nodes), forever=True)
        asked = min(len(there), max(int(len(there) * self.fraction_train), int(self.min_train_nodes)))
        need = self._need(asked)
        if self.quorum is not None and not need <= self.quorum <= asked:
            raise RequirementError(
                f"quorum = {self.quorum} of {asked} clients: with byzantine = {self.byzantine} the rule needs at least {need} "
                f"replies, and at most {asked} come"
            )
        kappa, tolerates = self._server.robustness(asked)
        log(
            INFO, "%d clients a round, quorum %d, f = %d: proven for f up to %d, κ %s", asked, self._quorum(asked),
            self.byzantine, tolerates, "unknown" if kappa is None else f"{kappa:.3g}",
        )
        if tolerates < self.byzantine:
            log(WARNING, "nothing is proven for %s with f = %d of %d clients", self.rule, self.byzantine, asked)
        if self.ask_models:
            ask_models(gathering, there, model, self.byzantine, min(self._timeout, 600.0))
        return asked

    def _need(self, asked: int) -> int:
        """The fewest replies that a round with so many clients can be decided with."""
        if asked not in self._needs:
            self._needs[asked] = self._server.need(asked)
        return self._needs[asked]

    def _quorum(self, asked: int) -> int:
        if self._round is not None and self._round.layout is None:
            return max(1, asked - self.byzantine)
        try:
            need = self._need(asked)
        except RequirementError:
            return asked
        return min(asked, max(self.quorum or asked - self.byzantine, need))

    def _wait(self, grid: Grid, enough: int, forever: bool) -> list[int]:
        """Node ids in order, as soon as there are enough; without ``forever`` those that are there after the time-out."""
        begin, told = time.monotonic(), 0.0
        while True:
            there = sorted(int(node) for node in grid.get_node_ids())
            spent = time.monotonic() - begin
            if len(there) >= enough or (not forever and spent >= self._timeout):
                return there
            if spent >= told:
                told = spent + PATIENCE
                log(INFO, "Waits for clients: %d of %d are connected", len(there), enough)
            time.sleep(min(1.0, PATIENCE / 10))

    def _sample(self, grid: Grid, server_round: int, fraction: float, minimum: int, purpose: int = 0) -> list[int]:
        """Whom a round asks. Clients that have gone are not waited for, as long as enough for the rule are left."""
        if fraction == 0.0:
            return []
        there = self._wait(grid, min(max(minimum, 1), 2 * self.byzantine + 1), forever=False)
        size = min(len(there), max(int(len(there) * fraction), minimum))
        draw = np.random.default_rng([self.seed, purpose, server_round])
        nodes = sorted(there[i] for i in draw.choice(len(there), size, replace=False)) if there else []
        log(INFO, "round %d: asks %d of %d clients", server_round, len(nodes), len(there))
        return nodes

    def _messages(
        self, server_round: int, nodes: list[int], arrays: ArrayRecord, config: ConfigRecord, kind: str
    ) -> list[Message]:
        config["server-round"] = server_round
        record = RecordDict({self.arrayrecord_key: arrays, self.configrecord_key: config})
        return [
            Message(record, node, kind, ttl=max(1.0, self._timeout), group_id=str(server_round)) for node in nodes
        ]

    def _decide(self, round: Round) -> tuple[Decision, ArrayRecord]:
        """The round's decision and the model after it."""
        assert self._layout is not None and self._vector is not None and self._model is not None
        claims = self._claims(round)
        need = self._need(len(round.nodes))
        if len(round.good) < need:
            raise RequirementError(
                f"{len(round.good)} of {len(round.nodes)} replies can be used, and the rule needs {need} with "
                f"f = {self.byzantine}"
            )
        rows, nodes = round.compact()
        number = round.number - 1
        weights = self._server.weigh(nodes, claims)
        decision = self._server.decide(rows, nodes, number, weights, need)
        if self._history is not None and self.save_rounds and number % self.save_rounds == 0:
            # Behind the decision: what an adversary has written is what it was made of.
            self._history.save(number, rows, nodes, weights, (self._layout, self._vector))
        step = 1.0 if self.step is None else -(self.step(number) if callable(self.step) else self.step)
        moved = self._vector + self._vector.dtype.type(step) * decision.direction
        if not np.isfinite(moved).all():
            raise RequirementError("the next model would not be finite")
        return decision, self._layout.record(moved, self._model)

    def _claims(self, round: Round) -> dict[int, float]:
        """What clients weigh, for rules that are asked to weigh; a client without a weight is left out."""
        weights = self._server.weights
        found: dict[int, float] = {}
        for node in list(round.good) if weights is not None else []:
            if isinstance(weights, Mapping):
                weight, why = float(weights.get(node, 0.0)), "it has no weight"
            else:
                weight = dict(numbers(round.metrics[node])).get(self.weighted_by_key, 0.0)
                why = f"it has no number above 0 called {self.weighted_by_key!r}"
            if weight > 0:
                found[node] = weight
            else:
                round.good.remove(node)
                round.refuse(node, why)
        return found

    def _metrics(self, round: Round, made: Callable[[list[RecordDict], str], MetricRecord]) -> MetricRecord:
        """Clients' metrics; a function of yours that fails at them costs the round nothing but its metrics."""
        if not round.good:
            return MetricRecord()
        try:
            return made([round.metrics[node] for node in sorted(round.good)], self.weighted_by_key)
        except Exception as error:
            log(WARNING, "round %d: clients' metrics are left out: %s", round.number, short(error))
            return MetricRecord()

    def _old_api(self, *_: Any, **__: Any) -> NoReturn:
        raise RequirementError(
            "RobustStrategy is a strategy of Flower's message API. Workflows of the old API cannot be combined with it: "
            "SecAgg+ shows the server the sum of all updates and no single one, and no rule can tell lies in a sum"
        )

    initialize_parameters = configure_fit = aggregate_fit = _old_api


def _told(entry: dict[str, Any]) -> dict[str, int | float]:
    """A round's history as metrics of Flower."""
    told: dict[str, int | float] = {
        "refused": len(entry["refused"]), "dropped": len(entry["dropped"]), "silent": len(entry["silent"]),
        "skipped": int(entry["skipped"] is not None),
    }
    if entry["weights"]:
        told["weight-max"] = max(entry["weights"].values())
    if entry["relative_gap"] is not None:
        told["relative-gap"] = entry["relative_gap"]
    return told

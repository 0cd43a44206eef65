"""What a server makes of the updates of a round, whatever number of them arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from .. import _native
from .._aggregate import Certificate
from .._messages import Array
from .._parts import Choice, knows_own_alone
from ..errors import RequirementError
from .replies import PIECE

Weights = Mapping[int, float] | Literal["num-examples"] | None


@dataclass(frozen=True)
class Adversary:
    """Lies of omniscient clients, written at the server over the rows of some of them, to test a deployment.

    Args:
        attack: a name, a table or a part; it sees what the simulator's adversary sees.
        nodes: how many clients lie, those with the largest node ids, or the node ids of those that do.
        knowledge: "omniscient", or "own" for the liars' own updates alone.
    """

    attack: Choice
    nodes: int | Sequence[int]
    knowledge: str = "omniscient"

    def __post_init__(self) -> None:
        knows_own_alone(self.knowledge)
        _native.check("attack", self.attack)

    def rows(self, nodes: Sequence[int]) -> list[int]:
        """The rows that lie, of these nodes."""
        if isinstance(self.nodes, int):
            return list(range(max(0, len(nodes) - self.nodes), len(nodes)))
        chosen = set(self.nodes)
        return [row for row, node in enumerate(nodes) if node in chosen]


@dataclass(frozen=True)
class Decision:
    """What the server decided."""

    direction: Array
    weights: dict[int, float] | None
    """The weight of each node's update in the direction; None for coordinate-wise rules."""
    dropped: list[int]
    """Nodes whose updates were not finite."""
    attacked: list[int]
    """Nodes whose updates the adversary has written."""
    certificate: Certificate | None
    kappa: float | None
    tolerates: int
    distances: dict[int, float] = field(default_factory=dict)
    """‖v − direction‖ of each node's update v."""


class Server:
    """A rule behind pre-aggregators for rounds with any number of updates.

    Rounds have the addresses of draws, so a round can be decided again from its updates alone. A rule with memory keeps it
    over rounds of different sizes.
    """

    def __init__(
        self, rule: Choice, pre: Sequence[Choice], byzantine: int, seed: int, weights: Weights, adversary: Adversary | None
    ) -> None:
        _native.check("rule", rule)
        for stage in pre:
            _native.check("pre-aggregator", stage)
        self.rule, self.pre, self.byzantine, self.seed = rule, list(pre), byzantine, seed
        self.weights, self.adversary = weights, adversary
        self._made: tuple[tuple[Any, ...], _native.Server] | None = None
        self._memory: Array | None = None
        self._liars: tuple[tuple[Any, ...], _native.Adversary] | None = None
        self._previous: Array | None = None

    def need(self, clients: int) -> int:
        """The fewest updates with which a round can be decided, where so many clients are asked.

        More than 2 f, so that those of regular clients are the majority, and as many as rule and chain ask for.
        """
        why: Exception | None = None
        for count in range(2 * self.byzantine + 1, clients + 1):
            try:
                _native.Server(
                    self._rule([1.0] * count), self.pre, count, self.byzantine, 1, False, self.seed, 0, False
                )
            except RequirementError as error:
                why = error
                continue
            return count
        if why is not None:
            raise RequirementError(f"{clients} clients with byzantine = {self.byzantine}: {why}") from why
        raise RequirementError(
            f"byzantine = {self.byzantine} of {clients} clients: liars must be fewer than half, so byzantine may be at most "
            f"{max(0, (clients - 1) // 2)}, or at least {2 * self.byzantine + 1} clients are needed"
        )

    def robustness(self, clients: int) -> tuple[float | None, int]:
        """κ of (f, κ)-robustness with so many updates, and the largest f that is proven."""
        return _native.robustness(self._rule([1.0] * clients), self.pre, clients, self.byzantine)

    def decide(
        self, rows: Array, nodes: list[int], round: int, weights: list[float] | None, need: int
    ) -> Decision:
        """The direction of a round from the rows of these nodes; errors of this package where there is none.

        A round in which fewer than ``need`` rows are finite leaves no trace in the rule's memory.
        """
        attacked = self._corrupt(rows, nodes, round)
        server = self._ready(rows, weights)
        direction = np.empty(rows.shape[1], rows.dtype)
        told = server.into(rows, direction, round, None, True)
        assert told is not None
        left, used_weights, certificate, _, used = told
        if len(nodes) - len(left) < need:
            self._made = None
            raise RequirementError(
                f"{len(nodes) - len(left)} of {len(nodes)} updates are finite, and the rule needs {need} with "
                f"f = {self.byzantine}"
            )
        self._memory, self._previous = server.state, direction
        kappa, tolerates = _native.robustness(self._rule([1.0] * used[0]), self.pre, *used)
        return Decision(
            direction, None if used_weights is None else dict(zip(nodes, used_weights, strict=True)), [nodes[row] for row in left],
            [nodes[row] for row in attacked], None if certificate is None else Certificate(*certificate), kappa, tolerates,
            {node: distance(rows[row], direction) for row, node in enumerate(nodes) if row not in left},
        )

    def state(self) -> dict[str, Array]:
        """What later rounds depend on."""
        parts = {"server.memory": self._memory, "server.previous": self._previous}
        return {name: part for name, part in parts.items() if part is not None}

    def _rule(self, weights: list[float] | None) -> Choice:
        """The rule, with these weights if it has been asked to weigh."""
        if self.weights is None or weights is None:
            return self.rule
        if isinstance(self.rule, str):
            return {self.rule: {"weights": weights}}
        if isinstance(self.rule, Mapping):
            name, settings = next(iter(self.rule.items()))
            return {name: {**settings, "weights": weights}}
        return type(self.rule)(**{**self.rule._settings, "weights": weights})

    def weigh(self, nodes: list[int], claims: Mapping[int, float]) -> list[float] | None:
        """The weight that the rule is to give each row, or None. A claim counts for no more than the median of all."""
        if self.weights is None:
            return None
        made = [claims[node] for node in nodes]
        if self.weights == "num-examples":
            most = float(np.median(made))
            made = [min(claim, most) for claim in made]
        heaviest = sum(sorted(made, reverse=True)[: self.byzantine])
        if not 2 * heaviest < sum(made):
            raise RequirementError(
                f"the {self.byzantine} heaviest of {len(nodes)} updates weigh {heaviest:.6g} of {sum(made):.6g} together, "
                "expected less than half"
            )
        return made

    def _ready(self, rows: Array, weights: list[float] | None) -> _native.Server:
        """The server for this number of rows, with the memory of the rounds before."""
        shape = (*rows.shape, rows.dtype == np.float64, weights)
        if self._made is None or self._made[0] != shape:
            server = _native.Server(
                self._rule(weights), self.pre, rows.shape[0], self.byzantine, rows.shape[1], rows.dtype == np.float64,
                self.seed, 0, False,
            )
            if self._memory is not None:
                server.restore(self._memory)
            self._made = (shape, server)
        return self._made[1]

    def _corrupt(self, rows: Array, nodes: list[int], round: int) -> list[int]:
        """Lets the adversary write its rows; which they are."""
        if self.adversary is None:
            return []
        liars = self.adversary.rows(nodes)
        if not liars or len(liars) == len(nodes):
            return []
        who = (*nodes, *liars, rows.dtype)
        if self._liars is None or self._liars[0] != who:
            own = knows_own_alone(self.adversary.knowledge)
            self._liars = (who, _native.Adversary(
                self.adversary.attack, self._rule([1.0] * len(nodes)), self.pre, len(nodes), liars, rows.shape[1], rows.dtype == np.float64,
                self.seed, own,
            ))
        previous = np.zeros(rows.shape[1], rows.dtype) if self._previous is None else self._previous
        self._liars[1].corrupt(rows, previous, round)
        return liars


def distance(a: Array, b: Array) -> float:
    """‖a − b‖ in float64, a piece at a time."""
    total = 0.0
    for at in range(0, len(a), PIECE):
        difference = a[at : at + PIECE].astype(np.float64) - b[at : at + PIECE]
        total += float(difference @ difference)
    return float(np.sqrt(total))

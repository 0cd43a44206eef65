"""A round on its way: whom it asks, what has arrived, and how long it waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from logging import DEBUG, INFO, WARNING
from typing import Any

import numpy as np
from flwr.app import Message, MessageType, RecordDict
from flwr.common import log
from flwr.serverapp import Grid

from .._messages import Array
from .replies import Layout, Refusal, is_finite, sent_by, short, without_arrays

# Messages of earlier rounds whose replies are still looked for.
OPEN = 100
# Tries to read a reply before it is refused.
TRIES = 3
# Seconds between looks, at first and at most.
FIRST_LOOK, LAST_LOOK = 0.05, 1.0


@dataclass
class Round:
    """The replies to one round's messages."""

    number: int
    nodes: list[int]
    """Whom it asks, in order of node ids."""
    layout: Layout | None = None
    """The model's; None for an evaluation."""
    base: Array | None = None
    """What replies are measured from; None if they are updates already."""
    rows: Array | None = None
    good: list[int] = field(default_factory=list)
    """Nodes whose replies are used."""
    refused: dict[int, str] = field(default_factory=dict)
    dropped: list[int] = field(default_factory=list)
    """Nodes whose updates are not finite."""
    metrics: dict[int, RecordDict] = field(default_factory=dict)
    late: dict[int, int] = field(default_factory=dict)
    """Nodes that have answered an earlier round meanwhile, and which."""
    on_refuse: Callable[[int, int, str], None] | None = None
    begin: float = field(default_factory=time.monotonic)
    _taken: dict[int, Message] = field(default_factory=dict)

    @property
    def answers(self) -> int:
        """What counts for the quorum: good replies, and where no model is decided on any."""
        return len(self.good) + (len(self.refused) if self.layout is None else 0)

    @property
    def silent(self) -> list[int]:
        """Nodes that have not answered."""
        there = {*self.good, *self.refused, *self.dropped}
        return [node for node in self.nodes if node not in there]

    def take(self, message: Message) -> None:
        """A reply: its row, or why it is refused."""
        if id(message) in self._taken:
            return
        self._taken[id(message)] = message
        node = int(message.metadata.src_node_id)
        if node not in self.nodes:
            log(WARNING, "round %d: a reply of node %d, which was not asked, is not used", self.number, node)
            return
        if node in self.good or node in self.dropped or node in self.refused:
            log(WARNING, "round %d: a second reply of node %d is not used", self.number, node)
            return
        try:
            self._read(message, node)
        except Refusal as why:
            self.refuse(node, str(why))

    def refuse(self, node: int, why: str) -> None:
        """Leaves a node out of this round."""
        if node not in self.refused:
            self.refused[node] = why
            # Before round 1 it is the answer of a client that does not know the question.
            log(WARNING if self.number else DEBUG, "round %d: the reply of node %d is refused: %s", self.number, node, why)
            if self.on_refuse is not None:
                self.on_refuse(self.number, node, why)

    def compact(self) -> tuple[Array, list[int]]:
        """The rows that arrived, one after another in order of node ids, in place."""
        assert self.rows is not None
        good = set(self.good)
        here = [(row, node) for row, node in enumerate(self.nodes) if node in good]
        for to, (row, _) in enumerate(here):
            if to != row:
                self.rows[to] = self.rows[row]
        return self.rows[: len(here)], [node for _, node in here]

    def _read(self, message: Message, node: int) -> None:
        if self.layout is None:
            if message.has_error():
                sent_by(message)
            if not message.has_content():
                raise Refusal("it is empty")
        else:
            if self.rows is None:
                self.rows = np.empty((len(self.nodes), self.layout.dim), self.layout.dtype)
            row = self.rows[self.nodes.index(node)]
            self.layout.read(sent_by(message), self.base, row)
            without_arrays(message)
            if not is_finite(row):
                self.dropped.append(node)
                log(WARNING, "round %d: the update of node %d is not finite, and is left out", self.number, node)
                return
        self.good.append(node)
        self.metrics[node] = message.content


class Gathering(Grid):
    """A grid that ends a round as soon as it can be decided.

    It waits for ``quorum`` good replies, and then for those clients that answered the last time they were asked: for
    ``grace`` times as long as the quorum took. Clients that were silent the last time are not waited for.
    """

    def __init__(
        self, grid: Any, current: Callable[[], Round], quorum: Callable[[int], int], grace: float
    ) -> None:
        self.grid, self.current, self.quorum, self.grace = grid, current, quorum, grace
        self._unanswered: set[int] = set()
        # Messages of earlier rounds without a reply: who was asked, and in which round.
        self._open: dict[str, tuple[int, int]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.grid, name)

    def set_run(self, run: Any) -> None:
        """The grid's own."""
        self.grid.set_run(run)

    @property
    def run(self) -> Any:
        """The grid's own."""
        return self.grid.run

    def create_message(self, *args: Any, **named: Any) -> Message:
        """The grid's own."""
        return self.grid.create_message(*args, **named)

    def get_node_ids(self) -> Any:
        """The grid's own."""
        return self.grid.get_node_ids()

    def get_nodes(self) -> Any:
        """The grid's own."""
        return self.grid.get_nodes()

    def push_messages(self, messages: Iterable[Message]) -> Any:
        """The grid's own."""
        return self.grid.push_messages(messages)

    def pull_messages(self, message_ids: Iterable[str]) -> Any:
        """The grid's own."""
        return self.grid.pull_messages(message_ids)

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        """Asks, and waits as the class says; the replies of this round."""
        asked = list(messages)
        if not asked:
            return []
        return self.gather(self.current(), asked, timeout, asked[0].metadata.message_type.startswith(MessageType.TRAIN))

    def gather(self, round: Round, asked: Sequence[Message], timeout: float | None, is_train: bool) -> list[Message]:
        """The replies to these messages."""
        pending = self._push(round, asked)
        begin = time.monotonic()
        replies: list[Message] = []
        tries: dict[str, list[str]] = {}
        reached: float | None = None
        look = FIRST_LOOK
        while True:
            for message in self._pull(round, pending, tries):
                round.take(message)
                replies.append(message)
            spent = time.monotonic() - begin
            if round.answers >= self.quorum(len(round.nodes)) and reached is None:
                reached = spent
            hoped = [node for node in pending.values() if node not in self._unanswered]
            if not pending or (timeout is not None and spent >= timeout):
                break
            if reached is not None and (not hoped or spent >= reached * (1 + self.grace)):
                break
            time.sleep(look)
            look = min(LAST_LOOK, look * 1.3)
        for id in [id for id in pending if id in tries]:
            round.refuse(pending.pop(id), f"it cannot be read: {tries[id][-1]}")
        self._end(round, pending, is_train)
        return replies

    def _push(self, round: Round, asked: Sequence[Message]) -> dict[str, int]:
        """Sends; who is asked by the message of which id."""
        ids = list(self.grid.push_messages(asked))
        if len(ids) != len(asked):
            # A grid that leaves out what it could not send; the ids stand in what it could.
            ids = [message.metadata.message_id for message in asked]
        pending = {}
        for message, id in zip(asked, ids, strict=True):
            node = int(message.metadata.dst_node_id)
            if id:
                pending[str(id)] = node
            else:
                round.refuse(node, "the message to it could not be sent")
        return pending

    def _pull(self, round: Round, pending: dict[str, int], tries: dict[str, list[str]]) -> Iterable[Message]:
        """The replies that are there, one after another: they are not all in memory at once, and one that cannot be read, as
        its sender may have meant it, takes no other with it."""
        for id in list(pending):
            try:
                yield from self._arrived(id, pending)
            except Exception as error:
                tries.setdefault(id, []).append(short(error))
                if len(tries[id]) >= TRIES and id in pending:
                    round.refuse(pending.pop(id), f"it cannot be read: {tries[id][-1]}")

    def _arrived(self, id: str, pending: dict[str, int]) -> list[Message]:
        found = list(self.grid.pull_messages([id]))
        for message in found:
            answered = message.metadata.reply_to_message_id
            node = pending.pop(answered, None)
            if node is not None and message.has_error() and int(message.metadata.src_node_id) != node:
                # The grid's own word about a client's reply, in the client's place.
                message.metadata.__dict__["_src_node_id"] = node
        return found

    def _end(self, round: Round, pending: dict[str, int], is_train: bool) -> None:
        """Remembers who did not answer, and looks whether those of earlier rounds have."""
        self._unanswered.difference_update(node for node in round.nodes if node not in pending.values())
        for id, (node, number) in list(self._open.items()):
            try:
                answered = bool(list(self.grid.pull_messages([id])))
            except Exception:
                answered = True
            if answered:
                del self._open[id]
                self._unanswered.discard(node)
                round.late[node] = number
                log(INFO, "round %d: node %d has answered round %d, too late", round.number, node, number)
        self._unanswered.update(pending.values())
        if is_train:
            self._open.update({id: (node, round.number) for id, node in pending.items()})
            while len(self._open) > OPEN:
                del self._open[next(iter(self._open))]
        if pending:
            log(INFO, "round %d: went on without %s", round.number, ", ".join(f"node {n}" for n in pending.values()))

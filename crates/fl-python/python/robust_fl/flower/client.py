"""A client's side of a round, whatever computes its messages."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict

from .._messages import Array
from ..errors import RequirementError
from .memory import Memory
from .mods import server_round, setting
from .replies import Layout, describe
from .strategy import SENDS


class Client(ABC):
    """Answers the messages of a :class:`robust_fl.flower.RobustStrategy`.

    With ``step`` a client takes ``local_steps`` steps from the model along its messages, and sends the model that it comes to.
    Without it sends the message itself, and the server, which has ``step``, makes the step: the paper's Algorithm 2.

    ``client.train(message, context)`` is the reply of a ``ClientApp``'s train function. Its metrics are ``num-examples``,
    ``message-norm``, and ``fresh``: 1 where the estimator has begun anew, because nothing fitting was kept.
    """

    def __init__(self, step: float | None, local_steps: int, samples: int) -> None:
        if local_steps < 1 or (step is None and local_steps != 1):
            raise RequirementError(f"local_steps must be at least 1, and 1 without a step, got {local_steps}")
        self.step, self.local_steps, self.samples = step, local_steps, samples

    @abstractmethod
    def model(self) -> ArrayRecord:
        """The client's model, as server and clients exchange it."""

    @abstractmethod
    def message(self, params: Array, round: int, fresh: bool) -> Array:
        """What the estimator says at these parameters; ``fresh`` in a round before which nothing was kept."""

    @abstractmethod
    def state(self) -> dict[str, Array]:
        """What it remembers."""

    @abstractmethod
    def restore(self, state: dict[str, Array]) -> None:
        """Takes up where an estimator with this memory was."""

    @abstractmethod
    def identity(self) -> tuple[str, str]:
        """A name among the clients of one machine, and a digest of all that the memory depends on."""

    def train(self, message: Message, context: Context) -> Message:
        """The reply to a round's message."""
        self._agree(message)
        sent = next(record for record in message.content.values() if isinstance(record, ArrayRecord))
        if describe(sent) != describe(self.model()):
            raise RequirementError(
                f"the server's model has {_told(describe(sent))}, and this client's {_told(describe(self.model()))}"
            )
        layout = Layout(sent)
        memory = Memory(context, *self.identity())
        state = memory.load()
        if state:
            self.restore(state)
        vector, length = self._vector(layout.flat(sent), server_round(message) - 1, state is None)
        kept = self.state()
        if kept:
            memory.keep(kept)
        metrics = {"num-examples": self.samples, "fresh": int(state is None), "message-norm": length}
        return Message(
            RecordDict({"arrays": layout.record(vector, sent), "metrics": MetricRecord(metrics)}), reply_to=message
        )

    def _agree(self, message: Message) -> None:
        """Whether server and client mean the same kind of reply."""
        expected, sends = setting(message, SENDS, None), "gradients" if self.step is None else "models"
        if expected not in (None, sends):
            where = "neither of them has a step" if sends == "gradients" else "both of them have a step"
            raise RequirementError(f"the server expects {expected}, and this client sends {sends}: {where}")

    def _vector(self, params: Array, round: int, fresh: bool) -> tuple[Array, float]:
        """What is sent, and the length of the last message."""
        if self.step is None:
            made = self.message(params, round, fresh)
            return made, float(np.linalg.norm(made))
        now = params.copy()
        for local in range(self.local_steps):
            made = self.message(now, round * self.local_steps + local, fresh and local == 0)
            now -= now.dtype.type(self.step) * made
        return now, float(np.linalg.norm(made))


def _told(arrays: dict[str, str]) -> str:
    listed = [f"{name}: {kind}" for name, kind in arrays.items()]
    return "; ".join(listed[:4]) + ("; …" if len(listed) > 4 else "")

"""A grid without a network: clients are functions."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.supercore.task_identity import TaskIdentity

TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1

Client = Callable[[dict[str, np.ndarray], int], Any]
# Seconds after which a client's reply is there; never, if it is None.
Delay = Callable[[int], float | None]


def model(**arrays: Any) -> ArrayRecord:
    """Arrays by name as a model."""
    return ArrayRecord({name: Array(np.asarray(x)) for name, x in arrays.items()})


def numpy(record: ArrayRecord) -> dict[str, np.ndarray]:
    """A model as arrays by name."""
    return {name: x.numpy() for name, x in record.items()}


def content(arrays: Any, metrics: Any = None) -> RecordDict:
    """What a well-behaved client sends."""
    record = arrays if isinstance(arrays, ArrayRecord) else model(**arrays)
    return RecordDict({"arrays": record, "metrics": MetricRecord(metrics or {"num-examples": 10})})


class FakeGrid(Grid):
    """Nodes with the ids 1000, 1001, …; each is a function of the model and the round.

    A client returns arrays by name, a RecordDict, an Error, or an exception, which is raised when its reply is pulled.
    """

    def __init__(self, clients: list[Client], delays: dict[int, Delay] | None = None, queries: dict[int, Any] | None = None):
        self.clients = {1000 + i: client for i, client in enumerate(clients)}
        self.delays = {1000 + i: delay for i, delay in (delays or {}).items()}
        self.queries = {1000 + i: answer for i, answer in (queries or {}).items()}
        self.sent: dict[str, tuple[Message, float]] = {}
        self.count = 0
        self.connected = list(self.clients)

    run = None

    def set_run(self, run):
        pass

    def create_message(self, *args, **named):
        raise NotImplementedError

    def get_node_ids(self):
        return reversed(self.connected)

    def get_nodes(self):
        raise NotImplementedError

    def push_messages(self, messages):
        ids = []
        for message in messages:
            self.count += 1
            id = f"message-{self.count}"
            message.metadata.__dict__["_message_id"] = id
            self.sent[id] = (message, time.monotonic())
            ids.append(id)
        return ids

    def pull_messages(self, message_ids):
        found = []
        for id in message_ids:
            if id in self.sent and self._ready(*self.sent[id]):
                message, _ = self.sent.pop(id)
                found.append(self._answer(message))
        return found

    def send_and_receive(self, messages, *, timeout=None):
        """As Flower's own grids do."""
        pending, replies = set(self.push_messages(list(messages))), []
        end = time.monotonic() + (timeout or 1e9)
        while pending and time.monotonic() < end:
            new = self.pull_messages(pending)
            replies += new
            pending -= {message.metadata.reply_to_message_id for message in new}
            time.sleep(0.001)
        return replies

    def _ready(self, message, when):
        node, config = message.metadata.dst_node_id, message.content["config"]
        delay = self.delays.get(node)
        after = 0.0 if delay is None else delay(int(config.get("server-round", 0)))
        return after is not None and time.monotonic() >= when + after

    def _answer(self, message):
        node = message.metadata.dst_node_id
        if message.metadata.message_type.startswith("query"):
            made = self.queries.get(node, Error(0, "no such question"))
            made = RecordDict({"robust-fl-model": ConfigRecord(made)}) if isinstance(made, dict) else made
        else:
            made = self.clients[node](numpy(message.content["arrays"]), int(message.content["config"]["server-round"]))
        if isinstance(made, Exception):
            # It is gone then, as after Flower's confirmation.
            self.sent[message.metadata.message_id] = (message, 0.0)
            raise made
        if isinstance(made, dict):
            made = content(made)
        return Message(made, reply_to=message)

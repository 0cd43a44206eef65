"""Which models clients have, asked before round 1."""

from __future__ import annotations

from collections.abc import Callable
from logging import INFO, WARNING
from typing import Any

from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MessageType, RecordDict
from flwr.common import log

from ..errors import StructureError
from .replies import describe, short
from .rounds import Gathering, Round

# The record of a client's answer.
KEY = "robust-fl-model"
QUESTION = "robust_fl_model"


def describes(app: Any, model: Callable[[Context], ArrayRecord]) -> None:
    """Lets a ``ClientApp`` answer which arrays its model has, so that other models are told before round 1.

    Args:
        app: the ``ClientApp``.
        model: makes the client's model, as it would send it.
    """

    @app.query(QUESTION)
    def answer(message: Message, context: Context) -> Message:
        return Message(RecordDict({KEY: ConfigRecord(dict(describe(model(context))))}), reply_to=message)


def ask_models(gathering: Gathering, nodes: list[int], model: ArrayRecord, byzantine: int, timeout: float) -> None:
    """Compares the models of clients that say what they have; StructureError if more than f have another one."""
    round = Round(0, nodes)
    empty = RecordDict({"config": ConfigRecord()})
    asked = [
        Message(empty, node, f"{MessageType.QUERY}.{QUESTION}", ttl=max(1.0, timeout), group_id="0") for node in nodes
    ]
    log(INFO, "Asks %d clients for the shapes of their models", len(nodes))
    gathering.gather(round, asked, timeout, False)
    expected = describe(model)
    others: dict[int, str] = {}
    told = 0
    for node, content in round.metrics.items():
        answer = content.get(KEY)
        if not isinstance(answer, ConfigRecord):
            continue
        told += 1
        difference = _difference(expected, dict(answer.items()))
        if difference:
            others[node] = difference
            log(WARNING, "node %d has another model: %s", node, difference)
    if told == 0:
        log(INFO, "No client says what its model is; robust_fl.flower.describes(app, …) lets them")
    if len(others) > byzantine:
        node, difference = next(iter(others.items()))
        raise StructureError(
            f"{len(others)} of {len(nodes)} clients have another model than the server, and byzantine = {byzantine}; "
            f"node {node}: {difference}"
        )


def _difference(expected: dict[str, str], found: dict[str, Any]) -> str | None:
    for name, kind in expected.items():
        if name not in found:
            return f"it lacks the array {name!r}"
        if found[name] != kind:
            return f"its array {name!r} is {short(found[name])}, expected {kind}"
    more = [name for name in found if name not in expected]
    return f"it has an array {short(more[0])!r}, which the server's has not" if more else None

"""Clients that lie or fail, as mods of a ``ClientApp``: a deployment can be tested as the simulator is.

A mod stands in ``ClientApp(mods=[…])``. The first one has the last word, so these go first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from typing import Any, TypeAlias

import numpy as np
from flwr.app import Array as FlowerArray
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MessageType

from .. import _native
from .._messages import Array
from .._parts import Choice, corrupted
from ..errors import RequirementError
from .replies import Layout, Refusal, sent_by
from .strategy import SENDS

Mod: TypeAlias = "Callable[[Message, Context, Callable[[Message, Context], Message]], Message]"
Nodes: TypeAlias = "Collection[int] | Callable[[Context], bool] | None"

# What a fault makes of a client.
FAULTS = {
    "nan": "every number is NaN",
    "shape": "an array has one number too many",
    "name": "an array has another name",
    "text": "an array holds text",
    "stale": "the first update is sent again in all rounds",
    "slow": "the reply comes `seconds` later",
    "silent": "no reply comes while the message is valid, `seconds` at most",
    "error": "the client raises",
    "crash": "the client's process ends",
}
# The record of a client's state that holds its first reply.
STALE = "robust-fl-stale"


def attack_mod(attack: Choice, nodes: Nodes = None, *, seed: int = 0, rounds: Collection[int] | None = None) -> Mod:
    """A client that sends an attack in place of its update.

    Args:
        attack: one of this package's attacks that need the own update alone. Others are for
            ``RobustStrategy(adversary=…)``.
        nodes: which clients attack: partition ids, or a function of the context. All of them if left out, as where the mod
            is given to the attackers' app only.
        seed: of what is drawn; a draw is found by seed, client and round.
        rounds: Flower's rounds in which they attack; all if left out.

    Raises:
        RequirementError: for an attack that can do nothing with the own update alone.
    """
    _native.check("attack", attack)
    trial = np.linspace(1.0, 2.0, 8, dtype=np.float32)[None]
    try:
        made, why = _attacked(attack, trial.copy(), 0, 0), "it changes nothing"
    except RequirementError as error:
        made, why = trial, str(error)
    if (made == trial).all():
        raise RequirementError(
            f"{attack!r} is no attack where a client knows its own update alone ({why}); RobustStrategy(adversary=…) lets it "
            "see what all clients send"
        )

    def mod(message: Message, context: Context, call_next: Callable[[Message, Context], Message]) -> Message:
        reply = call_next(message, context)
        if not _applies(message, context, nodes, rounds):
            return reply
        key, sent, layout, base = _update(message, reply)
        update = np.empty((1, layout.dim), layout.dtype)
        layout.read(sent, base, update[0])
        address = np.random.SeedSequence([seed, who(context)]).generate_state(1, np.uint64)[0]
        made = _attacked(attack, update, int(address), server_round(message) - 1)[0]
        reply.content[key] = layout.record(made if base is None else base + made, sent)
        return reply

    return mod


def fault_mod(
    fault: str, nodes: Nodes = None, *, rounds: Collection[int] | None = None, seconds: float = 30.0
) -> Mod:
    """A client that fails.

    Args:
        fault: one of :data:`FAULTS`.
        nodes, rounds: as of :func:`attack_mod`.
        seconds: of "slow" and "silent".
    """
    if fault not in FAULTS:
        raise RequirementError(f"fault must be one of {', '.join(FAULTS)}, got {fault!r}")

    def mod(message: Message, context: Context, call_next: Callable[[Message, Context], Message]) -> Message:
        if not _applies(message, context, nodes, rounds):
            return call_next(message, context)
        if fault == "crash":
            os._exit(70)
        if fault == "silent":
            time.sleep(min(seconds, message.metadata.ttl))
        if fault in ("silent", "error"):
            raise RuntimeError(f"fault_mod({fault!r})")
        reply = call_next(message, context)
        if fault == "slow":
            time.sleep(seconds)
            return reply
        if fault == "stale":
            return _stale(reply, context)
        key, sent, _, _ = _update(message, reply)
        reply.content[key] = _broken(fault, sent)
        return reply

    return mod


def who(context: Context) -> int:
    """A client as its mods count: its partition, or its node id."""
    return int(context.node_config.get("partition-id", context.node_id))


def server_round(message: Message) -> int:
    """Flower's round, from 1."""
    return int(setting(message, "server-round", 1))


def setting(message: Message, name: str, otherwise: Any) -> Any:
    for record in message.content.values():
        if isinstance(record, ConfigRecord) and name in record:
            return record[name]
    return otherwise


def _applies(message: Message, context: Context, nodes: Nodes, rounds: Collection[int] | None) -> bool:
    if message.metadata.message_type.partition(".")[0] != MessageType.TRAIN:
        return False
    if rounds is not None and server_round(message) not in rounds:
        return False
    return nodes is None or (nodes(context) if callable(nodes) else who(context) in nodes)


def _attacked(attack: Choice, own: Array, seed: int, round: int) -> Array:
    """What a client sends that knows its own update alone."""
    return corrupted(attack, np.concatenate([own, own]), 1, True, None, (), seed, round)


def _update(message: Message, reply: Message) -> tuple[str, ArrayRecord, Layout, Array | None]:
    """A reply's arrays with their key, and what they are measured from."""
    try:
        sent = sent_by(reply)
    except Refusal as why:
        raise RequirementError(f"the client's own reply cannot be attacked: {why}") from None
    key = next(key for key, record in reply.content.items() if record is sent)
    model = next(record for record in message.content.values() if isinstance(record, ArrayRecord))
    layout = Layout(model)
    base = None if setting(message, SENDS, "models") == "gradients" else layout.flat(model)
    return key, sent, layout, base


def _stale(reply: Message, context: Context) -> Message:
    """The client's first reply again."""
    key, sent = next((key, r) for key, r in reply.content.items() if isinstance(r, ArrayRecord))
    first = context.state.get(STALE)
    if isinstance(first, ArrayRecord):
        reply.content[key] = first
    else:
        context.state[STALE] = sent
    return reply


def _broken(fault: str, sent: ArrayRecord) -> ArrayRecord:
    """A record with something wrong."""
    made: dict[str, Array] = {name: array.numpy() for name, array in sent.items()}
    first = next(iter(made))
    if fault == "nan":
        made = {name: np.full_like(x, np.nan) if x.dtype.kind == "f" else x for name, x in made.items()}
    elif fault == "shape":
        made[first] = np.append(made[first].reshape(-1), made[first].dtype.type(0))
    elif fault == "name":
        made = {f"{name}-other" if name == first else name: x for name, x in made.items()}
    else:
        made[first] = np.array(["not", "a", "number"])
    return ArrayRecord({name: FlowerArray(np.asarray(x)) for name, x in made.items()})



"""What a client remembers between rounds, although Flower starts a process for each message.

In ``Context.state`` up to :data:`STATE` bytes: a SuperNode hands it to every process, and keeps it in its own memory only.
Above that, or wherever the node's configuration has ``state-dir``, in a safetensors file of that folder, which survives the
SuperNode too.
"""

from __future__ import annotations

from logging import INFO, WARNING
from pathlib import Path

import numpy as np
from flwr.app import Array as FlowerArray
from flwr.app import ArrayRecord, Context
from flwr.common import log

from .._messages import Array
from .._store import read_checkpoint, write_tensors
from ..errors import RequirementError
from .mods import who

# Bytes that are kept in Context.state.
STATE = 16 << 20
# Where a node's configuration names the folder of files.
FOLDER = "state-dir"
KEY = "robust-fl-state"
DIGEST = "digest"


class Memory:
    """The memory of one client.

    Args:
        context: the client's.
        name: of the estimator; with the client's partition it tells files of one folder apart.
        digest: of everything that what is remembered depends on; what has another digest is not used.
    """

    def __init__(self, context: Context, name: str, digest: str) -> None:
        self.context, self.digest = context, digest
        folder = context.node_config.get(FOLDER)
        named = f"client{who(context)}-{name}-run{context.run_id}.safetensors"
        self.file = None if folder is None else Path(str(folder)) / named

    def load(self) -> dict[str, Array] | None:
        """What the process before has left, or None, and the log says why."""
        state: dict[str, Array] | None = None
        kept = self.context.state.get(KEY)
        if self.file is not None:
            try:
                state = {name: x.copy() for name, x in read_checkpoint(self.file).items()} if self.file.exists() else None
            except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
                log(WARNING, "The estimator begins anew: %s is damaged: %s", self.file, error)
                return None
        elif isinstance(kept, ArrayRecord):
            state = {name: array.numpy() for name, array in kept.items()}
        if state is None:
            log(INFO, "The estimator begins anew: nothing is kept")
            return None
        digest = state.pop(DIGEST, np.zeros(0, np.uint8)).tobytes().decode(errors="replace")
        if digest != self.digest:
            log(WARNING, "The estimator begins anew: what is kept is of other data, or of another estimator")
            return None
        return state

    def keep(self, state: dict[str, Array]) -> None:
        """Leaves it to the next process, whole or not at all."""
        state = {**state, DIGEST: np.frombuffer(self.digest.encode(), np.uint8)}
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            write_tensors(self.file, state)
            return
        size = sum(x.nbytes for x in state.values())
        if size > STATE:
            raise RequirementError(
                f"the estimator remembers {size / 1e6:.0f} MB, and Context.state takes {STATE / 1e6:.0f}; name a folder for it "
                f"in the node's configuration: {FOLDER}='…'"
            )
        self.context.state[KEY] = ArrayRecord({name: FlowerArray(np.atleast_1d(x)) for name, x in state.items()})

"""What clients send: checked, and written into a row of numbers, or refused with a reason.

Whoever lies decides what a reply holds, so nothing of it is believed: names, shapes and types are compared with the model's,
sizes are compared with the bytes that are there before any memory is asked for, and nothing here raises for a reply.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from flwr.app import Array as FlowerArray
from flwr.app import ArrayRecord, Message

from .._messages import Array, working_dtype
from ..errors import ShapeError

# Characters of a reason that come from a client and reach the log.
LONGEST = 160
# Numbers of a row that are looked at together.
PIECE = 1 << 20


class Refusal(Exception):
    """Why a reply is not used."""


@dataclass(frozen=True)
class Entry:
    """An array of the model."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    at: int
    """Where its numbers begin in the vector; those of whole numbers are no part of it."""
    size: int

    @property
    def counts(self) -> bool:
        """Whether it holds whole numbers, as counters of batch normalisation do."""
        return self.dtype.kind in "iub"


class Layout:
    """The names, shapes and types of a model, and its numbers as one vector.

    Floats form the vector, in the order of the record; arrays of whole numbers and truth values keep the server's values.
    """

    def __init__(self, model: ArrayRecord):
        self.entries: dict[str, Entry] = {}
        at, kinds = 0, []
        for name, array in model.items():
            numbers = view(array)
            place = f"the model's array {name!r}"
            kind = working_dtype(numbers.dtype, place)
            entry = Entry(name, numbers.shape, numbers.dtype, at, int(numbers.size))
            self.entries[name] = entry
            if not entry.counts:
                at += entry.size
                kinds.append(kind)
        self.dim = at
        if self.dim == 0:
            raise ShapeError("the model holds no floats; expected at least one number")
        self.dtype: np.dtype[Any] = max(kinds, key=lambda kind: kind.itemsize)

    def flat(self, model: ArrayRecord) -> Array:
        """The model's numbers as one vector."""
        out = np.empty(self.dim, self.dtype)
        for entry in self.entries.values():
            if not entry.counts:
                out[entry.at : entry.at + entry.size] = view(model[entry.name]).reshape(-1)
        return out

    def record(self, vector: Array, model: ArrayRecord) -> ArrayRecord:
        """A vector as a model; whole numbers are those of ``model``."""
        made = ArrayRecord()
        for entry in self.entries.values():
            if entry.counts:
                made[entry.name] = model[entry.name]
                continue
            part = vector[entry.at : entry.at + entry.size].reshape(entry.shape)
            made[entry.name] = FlowerArray(np.asarray(part.astype(entry.dtype, copy=False)))
        return made

    def parts(self, vector: Array) -> dict[str, Array]:
        """The vector's tensors by name."""
        return {
            e.name: vector[e.at : e.at + e.size].reshape(e.shape) for e in self.entries.values() if not e.counts
        }

    def read(self, record: ArrayRecord, base: Array | None, out: Array) -> None:
        """A reply's numbers, less ``base`` if there is one, into a row; raises :class:`Refusal`."""
        difference = _difference(self.entries, record)
        if difference:
            raise Refusal(difference)
        for name, entry in self.entries.items():
            numbers = _view(record[name], name, entry)
            if entry.counts:
                continue
            place = slice(entry.at, entry.at + entry.size)
            # What does not fit into the model's type becomes infinity, and is left out like one.
            with np.errstate(over="ignore", invalid="ignore"):
                if base is None:
                    out[place] = numbers.reshape(-1)
                else:
                    np.subtract(numbers.reshape(-1), base[place], out=out[place], casting="same_kind")


def describe(model: ArrayRecord) -> dict[str, str]:
    """The shape and kind of each array, as texts that two models can be compared by."""
    return {name: f"{_kind(view(array).dtype)} {view(array).shape}" for name, array in model.items()}


def sent_by(message: Message) -> ArrayRecord:
    """The arrays of a reply; raises :class:`Refusal` for an error, and for anything but one record of arrays."""
    if message.has_error():
        error = message.error
        raise Refusal(f"the client failed (code {error.code}): {short(error.reason)}")
    if not message.has_content():
        raise Refusal("it is empty")
    records = [record for record in message.content.values() if isinstance(record, ArrayRecord)]
    if len(records) != 1:
        raise Refusal(f"it has {len(records)} records of arrays, expected 1")
    return records[0]


def without_arrays(message: Message) -> None:
    """Lets go of a reply's arrays, which have been read."""
    for key in [key for key, record in message.content.items() if isinstance(record, ArrayRecord)]:
        del message.content[key]


def view(array: FlowerArray) -> Array:
    """The numbers of an array where they lie; ValueError if its bytes are not what NumPy writes."""
    if array.stype != "numpy.ndarray":
        raise ValueError(f"it is written as {short(array.stype)!r}, expected 'numpy.ndarray'")
    data = array.data
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"its format has version {version}")
    if dtype.hasobject:
        raise ValueError("it holds objects")
    if any(n < 0 for n in shape):
        raise ValueError(f"its shape is {shape}")
    size, begin = math.prod(shape), file.tell()
    if size * dtype.itemsize != len(data) - begin:
        raise ValueError(f"its shape {short(str(shape))} needs {size * dtype.itemsize} bytes, it has {len(data) - begin}")
    numbers = np.frombuffer(data, dtype, size, begin) if size else np.empty(0, dtype)
    return numbers.reshape(shape[::-1]).transpose() if fortran else numbers.reshape(shape)


def is_finite(row: Array) -> bool:
    """Whether all numbers are, a piece at a time."""
    return all(bool(np.isfinite(row[at : at + PIECE]).all()) for at in range(0, len(row), PIECE))


def short(text: object) -> str:
    """A client's words in one line of the log."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)[: 4 * LONGEST]).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def _kind(dtype: np.dtype[Any]) -> str:
    return {"f": "floats", "i": "whole numbers", "u": "whole numbers", "b": "truth values"}.get(dtype.kind, short(dtype))


def _view(array: FlowerArray, name: str, entry: Entry) -> Array:
    try:
        numbers = view(array)
    # Whatever a header of their making leads to.
    except Exception as error:
        raise Refusal(f"array {name!r} cannot be read: {short(error)}") from None
    if numbers.shape != entry.shape:
        raise Refusal(f"array {name!r} has shape {short(numbers.shape)}, expected {entry.shape}")
    if _kind(numbers.dtype) != _kind(entry.dtype):
        raise Refusal(f"array {name!r} holds {_kind(numbers.dtype)}, expected {_kind(entry.dtype)}")
    return numbers


def _difference(entries: dict[str, Entry], record: ArrayRecord) -> str | None:
    """How the names of a record differ from the model's."""
    names = set(record.keys())
    missing = [name for name in entries if name not in names]
    more = sorted(name for name in names if name not in entries)
    parts = [f"lacks the array {missing[0]!r}{_more(missing)}"] if missing else []
    parts += [f"has an array {short(more[0])!r}{_more(more)} that the model has not"] if more else []
    return " and ".join(parts) or None


def _more(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""

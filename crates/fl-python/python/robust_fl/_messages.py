"""Messages of any kind as one matrix, and a row of it as that kind again.

A message is an array, a tensor, or a dict, list or tuple of such; all messages have the same structure.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import (
    ByteOrderError,
    CopyError,
    DeviceCopyError,
    DtypeError,
    RaggedError,
    ShapeError,
    StructureError,
)

Array = np.ndarray[Any, Any]
_told: set[str] = set()


@dataclass
class Messages:
    """W messages of p numbers of float32 or float64 as the kernels read them: one matrix, or pieces wherever they lie."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    matrix: Array | None
    """W × p, C-contiguous."""
    pieces: list[list[Array]]
    """Without a matrix, for each message its packed vectors, one after another."""
    restore: Callable[[Array], Any]
    """A row as what came in."""
    copied: str | None
    """Why numbers were copied; None where they were read where they lie."""

    @property
    def rows(self) -> Array:
        """The matrix; pieces are put together in one, which is a copy."""
        if self.matrix is None:
            self.matrix = np.empty(self.shape, self.dtype)
            for row, pieces in zip(self.matrix, self.pieces, strict=True):
                np.concatenate(pieces, out=row)
        return self.matrix


def is_tensor(x: Any) -> bool:
    """Whether this is a tensor of PyTorch; torch is never imported for it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def _is_array(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic)) or is_tensor(x) or hasattr(x, "__array__")


def _to_numpy(x: Any, place: str, device_copy: bool) -> tuple[Array, str | None]:
    """An array of NumPy over the same memory if there is one, and why numbers were copied."""
    if not is_tensor(x):
        if isinstance(x, np.ma.MaskedArray):
            raise DtypeError(f"{place} is a masked array, whose masked numbers would count; use .filled(value)")
        array = np.asarray(x)
        return array, None if isinstance(x, np.ndarray) else "it was no NumPy array"
    import torch

    copied = None
    tensor = x.detach()
    if tensor.layout != torch.strided:
        raise DtypeError(f"{place} is a sparse tensor; use .to_dense()")
    if tensor.device.type != "cpu":
        if not device_copy:
            raise DeviceCopyError(f"{place} is on {tensor.device}; device_copy=True copies it to the CPU and back")
        if "device" not in _told:
            _told.add("device")
            warnings.warn(f"tensors are copied from {tensor.device} to the CPU and back", stacklevel=5)
        tensor, copied = tensor.cpu(), f"it was on {x.device}"
    if tensor.is_conj() or tensor.is_neg():
        tensor, copied = tensor.resolve_conj().resolve_neg(), "it was a lazy conjugate"
    if tensor.dtype == torch.bfloat16:
        tensor, copied = tensor.float(), "it was bfloat16"
    return tensor.numpy(), copied


def working_dtype(dtype: np.dtype[Any], place: str) -> np.dtype[Any]:
    """float32 or float64, whichever holds these numbers."""
    if dtype.name == "bfloat16" or dtype == np.float16:
        return np.dtype(np.float32)
    if dtype.kind in "fiub" and not dtype.isnative:
        raise ByteOrderError(
            f"{place} has dtype {dtype.str}, of the other byte order; "
            f"x.astype({dtype.newbyteorder('=').str!r}) converts it"
        )
    if dtype in (np.float32, np.float64):
        return dtype
    if dtype.kind in "iub":
        return np.dtype(np.float64)
    help = {
        "c": "real and imaginary parts can be aggregated as x.view(float)",
        "O": "np.stack makes one array of objects that are arrays of one shape",
        "f": "x.astype('float64') rounds it",
    }.get(dtype.kind, "numbers are needed")
    raise DtypeError(f"{place} has dtype {dtype}; expected floats or whole numbers; {help}")


def _back(like: Any, dtype: np.dtype[Any]) -> Callable[[Array], Any]:
    """What makes a vector an array like this one: of its kind, device and dtype."""
    shape = tuple(like.shape)
    if is_tensor(like):
        import torch

        device, kind = like.device, like.dtype
        kind = kind if kind.is_floating_point else torch.float64
        return lambda row: torch.from_numpy(row.reshape(shape)).to(device=device, dtype=kind)
    out = dtype if dtype.kind == "f" or dtype.name == "bfloat16" else np.dtype(np.float64)
    module = type(like).__module__.partition(".")[0]
    if module in ("jax", "jaxlib"):
        import jax.numpy as jnp

        return lambda row: jnp.asarray(row.reshape(shape).astype(out, copy=False))
    return lambda row: row.reshape(shape).astype(out, copy=False)


def _counts(x: Any) -> bool:
    """Whether these are whole numbers, as num_batches_tracked is: inside of a structure no part of the vector."""
    if is_tensor(x):
        return not (x.dtype.is_floating_point or x.dtype.is_complex)
    return bool(np.asarray(x).dtype.kind in "iub")


class _Leaf:
    """An array of a message."""

    def __init__(self, path: str, like: Any, device_copy: bool):
        self.path, self.shape = path, tuple(like.shape)
        array, self.copied = _to_numpy(like, path, device_copy)
        self.dtype = array.dtype
        self.counts = _counts(array)
        self.size = int(array.size)
        self.back = _back(like, array.dtype)
        self.like = like


def _flatten(message: Any, path: str, leaves: list[tuple[str, Any]]) -> Any:
    """The arrays of a message in order, and what puts such arrays together again."""
    if _is_array(message):
        leaves.append((path, message))
        return None
    if isinstance(message, Mapping):
        if not message:
            raise StructureError(f"{path} is an empty dict")
        return {key: _flatten(value, f"{path}[{key!r}]", leaves) for key, value in message.items()}
    if isinstance(message, Sequence) and not isinstance(message, (str, bytes)):
        if message and all(isinstance(item, (int, float)) for item in message):
            leaves.append((path, np.asarray(message, dtype=np.float64)))
            return list
        return [_flatten(item, f"{path}[{i}]", leaves) for i, item in enumerate(message)]
    raise DtypeError(
        f"{path} is of type {type(message).__name__}; expected an array, a tensor, or a dict or list of them"
    )


def _rebuild(like: Any, shape: Any, arrays: Any) -> Any:
    if shape is None:
        return next(arrays)
    if shape is list:
        return next(arrays).tolist()
    if isinstance(shape, dict):
        entries = [(key, _rebuild(like[key], below, arrays)) for key, below in shape.items()]
        return type(like)(entries)
    items = [_rebuild(item, below, arrays) for item, below in zip(like, shape, strict=True)]
    if hasattr(like, "_fields"):
        return type(like)(*items)
    return tuple(items) if isinstance(like, tuple) else items


def _names(few: set[str]) -> str:
    listed = sorted(few)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


def _same(leaves: list[_Leaf], others: list[tuple[str, Any]], w: int) -> None:
    """Whether worker w's message is of the first one's structure."""
    mine = [leaf.path.partition("]")[2] for leaf in leaves]
    theirs = [path.partition("]")[2] for path, _ in others]
    if set(mine) != set(theirs):
        missing, more = set(mine) - set(theirs), set(theirs) - set(mine)
        parts = [f"lacks {_names(missing)}"] if missing else []
        parts += [f"has {_names(more)} besides"] if more else []
        raise StructureError(f"message {w} {' and '.join(parts)}; expected the names of message 0")
    if len(mine) != len(theirs):
        raise StructureError(f"message {w} has {len(theirs)} arrays, expected {len(mine)} as in message 0")
    place = {path: i for i, path in enumerate(theirs)}
    others[:] = [others[place[path]] for path in mine]
    for leaf, (path, array) in zip(leaves, others, strict=True):
        if tuple(array.shape) != leaf.shape:
            raise RaggedError(f"{path} has shape {tuple(array.shape)}, expected {leaf.shape} as in message 0")


def _of_array(x: Any, copy: bool | None, device_copy: bool) -> Messages:
    array, copied = _to_numpy(x, "the messages", device_copy)
    if array.ndim < 2:
        raise ShapeError(
            f"the messages have shape {array.shape}; expected W × p, a message a row"
            + ("; x[None] is a matrix of one message" if array.ndim == 1 else "")
        )
    dtype = working_dtype(array.dtype, "the messages")
    if array.size == 0:
        raise ShapeError(f"the messages have shape {array.shape}; expected at least one message of one number")
    rows = array
    if rows.dtype != dtype:
        copied = f"its dtype is {array.dtype}, read as {dtype}"
    elif not rows.flags.c_contiguous:
        copied = "its rows are not packed one after another (C order)"
    elif not rows.flags.aligned:
        copied = "its memory is not aligned"
    rows = np.require(rows, dtype=dtype, requirements=["C", "A"]).reshape(array.shape[0], -1)
    if copied and copy is False:
        raise CopyError(f"the messages would be copied: {copied}; copy=None allows it")
    # A table, as of pandas, finds columns by x[0]; it comes back as an array.
    own = is_tensor(x) or type(x).__module__.partition(".")[0] in ("jax", "jaxlib")
    shape = (rows.shape[0], rows.shape[1])
    return Messages(shape, dtype, rows, [], _back(x[0] if own else array[0], array.dtype), copied)


def _piece(numbers: Array, dtype: np.dtype[Any]) -> tuple[Array, str | None]:
    """An array as a packed vector of the working type, and why its numbers were copied."""
    copied = None
    if numbers.dtype != dtype:
        copied = f"its dtype is {numbers.dtype}, read as {dtype}"
    elif not (numbers.flags.c_contiguous and numbers.flags.aligned):
        copied = "its memory is not packed in C order, or not aligned"
    return np.require(numbers, dtype=dtype, requirements=["C", "A"]).reshape(-1), copied


def gather(x: Any, *, copy: bool | None = None, device_copy: bool = True) -> Messages:
    """Messages of any kind, all of them checked before a number is read."""
    if _is_array(x):
        return _of_array(x, copy, device_copy)
    if isinstance(x, Mapping) or not isinstance(x, Sequence) or isinstance(x, (str, bytes)):
        raise DtypeError(
            f"the messages are of type {type(x).__name__}; expected a matrix, or a list with a message for each worker"
        )
    if not x:
        raise ShapeError("the list of messages is empty; expected at least one")
    if all(isinstance(item, (int, float)) for item in x):
        raise ShapeError(f"a list of {len(x)} numbers is one message; expected several: [x] is a list of one")
    return _of_list(x, copy, device_copy)


def _of_list(x: Sequence[Any], copy: bool | None, device_copy: bool) -> Messages:
    first: list[tuple[str, Any]] = []
    shape = _flatten(x[0], "message[0]", first)
    leaves = [_Leaf(path, array, device_copy) for path, array in first]
    whole = shape is None or shape is list
    vector = [leaf for leaf in leaves if whole or not leaf.counts]
    size = sum(leaf.size for leaf in vector)
    if size == 0:
        raise ShapeError("message 0 holds no floats; expected at least one number")
    kinds = [working_dtype(leaf.dtype, leaf.path) for leaf in vector]
    dtype = np.dtype(np.float64) if np.dtype(np.float64) in kinds else np.dtype(np.float32)
    pieces: list[list[Array]] = []
    why = None
    for w, message in enumerate(x):
        arrays: list[tuple[str, Any]] = []
        _flatten(message, f"message[{w}]", arrays)
        _same(leaves, arrays, w)
        pieces.append([])
        for leaf, (path, array) in zip(leaves, arrays, strict=True):
            if leaf.counts and not whole:
                if not _counts(array):
                    raise DtypeError(
                        f"{path} has dtype {array.dtype}, and {leaf.dtype} in message 0; whole numbers are no part of what is "
                        "aggregated, so all messages must have them, or floats in message 0"
                    )
                continue
            numbers, moved = _to_numpy(array, path, device_copy)
            if numbers.dtype.kind == "f" and numbers.dtype != leaf.dtype and numbers.itemsize > dtype.itemsize:
                raise DtypeError(f"{path} has dtype {numbers.dtype}, expected {leaf.dtype} as in message 0")
            working_dtype(numbers.dtype, path)
            piece, packed = _piece(numbers, dtype)
            pieces[-1].append(piece)
            reason = moved or packed
            why = why or (reason and f"{path}: {reason}")
            if reason and copy is False:
                raise CopyError(f"{path} would be copied: {reason}; copy=None allows it")

    def restore(row: Array) -> Any:
        def arrays() -> Any:
            at = 0
            for leaf in leaves:
                if leaf.counts and not whole:
                    yield leaf.like
                    continue
                yield leaf.back(row[at : at + leaf.size])
                at += leaf.size

        return _rebuild(x[0], shape, arrays())

    return Messages((len(x), size), dtype, None, pieces, restore, why)

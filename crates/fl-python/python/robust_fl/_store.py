"""Files of a run: lines of JSON, checkpoints, and writing that leaves nothing half written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ._messages import Array


# Types of numbers as the safetensors format calls them.
_KINDS: dict[str, Any] = {
    "F16": np.float16, "F32": np.float32, "F64": np.float64, "U64": np.uint64, "I64": np.int64, "U32": np.uint32, "U8": np.uint8,
}


def plain(x: Any) -> Any:
    """Without NaN and infinity, which JSON has not."""
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return None if isinstance(x, float) and not np.isfinite(x) else x


def append(path: Path, line: dict[str, Any]) -> None:
    """A line of JSON at the end of a file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(plain(line)) + "\n")


def write(path: Path, *data: bytes | memoryview) -> None:
    """Beside its place, and renamed: never by halves."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        for piece in data:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def write_checkpoint(path: Path, tensors: dict[str, Array], round: int) -> None:
    """Tensors and the round, as a file of the safetensors format."""
    write_tensors(path, {**tensors, "round": np.array([round], np.int64)})


def write_tensors(path: Path, tensors: dict[str, Array]) -> None:
    """Tensors, in their order, as a file of the safetensors format."""
    kinds = {np.dtype(kind): name for name, kind in _KINDS.items()}
    header: dict[str, Any] = {}
    at = 0
    for name, x in tensors.items():
        header[name] = {"dtype": kinds[x.dtype], "shape": list(x.shape), "data_offsets": [at, at + x.nbytes]}
        at += x.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    packed = (np.ascontiguousarray(x).reshape(-1).view(np.uint8).data for x in tensors.values())
    write(path, len(text).to_bytes(8, "little"), text, *packed)


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The tensors of a checkpoint, a file of the safetensors format."""
    data = Path(path).read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    return {
        name: np.frombuffer(data[begin + at["data_offsets"][0] : begin + at["data_offsets"][1]], _KINDS[at["dtype"]])
        .reshape(at["shape"])
        for name, at in header.items()
        if name != "__metadata__"
    }

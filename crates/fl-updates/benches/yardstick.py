"""What NumPy needs for the same files: a Gram matrix in one pass, a mean in another, medians by tiles."""

import json
import pathlib
import sys
import time

import numpy as np

TILE = 1 << 16


def columns(path):
    """The numbers of a file of one F32 tensor, mapped."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        shape = json.loads(file.read(length))["w"]["shape"]
    return np.memmap(path, dtype="<f4", mode="r", offset=8 + length, shape=tuple(shape))


def main():
    paths = sorted(pathlib.Path(sys.argv[1]).glob("F32-*.safetensors"))
    files = [columns(path) for path in paths]
    workers, length = len(files), len(files[0])
    size = workers * length * 4

    def tiles():
        for start in range(0, length, TILE):
            yield start, np.stack([file[start : start + TILE] for file in files])

    def timed(name, work, passes):
        best = min(work() for _ in range(2))
        print(f"NumPy, {name:<21} {passes * size / 1e9:>8.2f} GB in {best:>7.2f} s {passes * size / best / 1e9:>7.2f} GB/s")

    def both():
        begin = time.perf_counter()
        gram = np.zeros((workers, workers))
        for _, tile in tiles():
            gram += tile @ tile.T
        mean = np.empty(length, np.float32)
        weights = np.full(workers, 1 / workers, np.float32)
        for start, tile in tiles():
            mean[start : start + TILE] = weights @ tile
        return time.perf_counter() - begin

    def median():
        begin = time.perf_counter()
        out = np.empty(length, np.float32)
        for start, tile in tiles():
            out[start : start + TILE] = np.median(tile, axis=0)
        return time.perf_counter() - begin

    timed("Gram matrix and mean", both, 2)
    timed("median", median, 1)


main()

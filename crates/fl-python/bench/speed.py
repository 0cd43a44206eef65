"""Times of plain NumPy, PyTorch and byzfl code as ratios to ours; what the binding adds; a federation's round; peak memory.

    python bench/speed.py [--large] [--cpu]    p = 7 850, 10⁵ and 10⁶, with --large also 10⁷; W = 30, f = 6, float32

PyTorch's and byzfl's rows are left out where they are not installed. Ours and theirs run in turns, and the best of each counts.
--cpu counts processor time of all threads, for a machine that has other work to do; then one thread each is fair:
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 RAYON_NUM_THREADS=1. The output is Markdown.
"""

import os
import resource
import subprocess
import sys
import time

import numpy as np
import robust_fl as rf

W, F = 30, 6
clock = time.process_time if "--cpu" in sys.argv else time.perf_counter


def once(call):
    begin = clock()
    call()
    return clock() - begin


def in_turns(theirs, ours, seconds=0.5):
    """The best time of each, of as many calls of both; of what takes long, of two."""
    slow = fast = spent = float("inf")
    while spent == float("inf") or spent < seconds:
        pair = [(once(theirs), once(ours)) for _ in range(2)]
        slow, fast = min(slow, *(one for one, _ in pair)), min(fast, *(other for _, other in pair))
        spent = sum(map(sum, pair)) + (0.0 if spent == float("inf") else spent)
    return slow, fast


def numpy_krum(x):
    squares = np.einsum("ij,ij->i", x, x)
    d = squares[:, None] + squares - 2 * x @ x.T
    return x[np.sort(d, axis=1)[:, 1 : W - F - 1].sum(axis=1).argmin()]


def numpy_weiszfeld(x, steps=10):
    z = x.mean(axis=0)
    for _ in range(steps):
        w = 1 / np.maximum(np.linalg.norm(x - z, axis=1), 1e-10)
        z = w @ x / w.sum()
    return z


def numpy_trimmed(x):
    return np.sort(x, axis=0)[F : W - F].mean(axis=0)


def of_numpy():
    yield "NumPy, Krum by the Gram matrix", numpy_krum, "krum"
    yield "NumPy, 10 steps of Weiszfeld", numpy_weiszfeld, "geometric-median"
    yield "NumPy, median", lambda x: np.median(x, axis=0), "coordinate-median"
    yield "NumPy, trimmed mean", numpy_trimmed, "trimmed-mean"


def of_torch():
    import torch

    def krum(x):
        d = torch.cdist(x, x) ** 2
        return x[d.sort(dim=1).values[:, 1 : W - F - 1].sum(dim=1).argmin()]

    def weiszfeld(x, steps=10):
        z = x.mean(dim=0)
        for _ in range(steps):
            w = 1 / (x - z).norm(dim=1).clamp_min(1e-10)
            z = w @ x / w.sum()
        return z

    def on_tensor(rule):
        return lambda x: rule(torch.from_numpy(x))

    yield "PyTorch, Krum by cdist", on_tensor(krum), "krum"
    yield "PyTorch, 10 steps of Weiszfeld", on_tensor(weiszfeld), "geometric-median"
    yield "PyTorch, median", on_tensor(lambda x: x.median(dim=0).values), "coordinate-median"
    yield "PyTorch, trimmed mean", on_tensor(lambda x: x.sort(dim=0).values[F : W - F].mean(dim=0)), "trimmed-mean"


def of_byzfl():
    import byzfl

    yield "byzfl `Krum`", byzfl.Krum(f=F), {"krum": {"variant": "one-more-neighbour"}}
    yield "byzfl `GeometricMedian`, its 3 steps", byzfl.GeometricMedian(), "geometric-median"
    yield "byzfl `Median`", byzfl.Median(), "coordinate-median"
    yield "byzfl `TrMean`", byzfl.TrMean(f=F), "trimmed-mean"
    yield "byzfl `Meamed`", byzfl.Meamed(f=F), "meamed"


def rivals():
    for of in (of_numpy, of_torch, of_byzfl):
        try:
            yield from of()
        except ImportError as error:
            print(f"left out: {error}", file=sys.stderr)


def messages(p):
    return np.random.default_rng(0).standard_normal((W, p), dtype=np.float32)


def rules(sizes):
    print("| theirs | ours | p | theirs, ms | ours, ms | ratio |\n|---|---|---:|---:|---:|---:|")
    for p in sizes:
        x = messages(p)
        for name, theirs, rule in rivals():
            agg = rf.Aggregator(rule, F)
            agg(x)
            slow, fast = in_turns(lambda: theirs(x), lambda: agg(x))
            named = rule if isinstance(rule, str) else next(iter(rule))
            print(f"| {name} | `{named}` | {p} | {1e3 * slow:.2f} | {1e3 * fast:.3f} | {slow / fast:.1f} |", flush=True)


def lists():
    """A list of state_dicts beside a matrix of the same numbers."""
    x = messages(10**6)
    states = [{"a": row[:10], "b": row[10:].reshape(-1, 90), "c": np.int64(0)} for row in x]
    matrix, pieces = rf.Aggregator("geometric-median", F), rf.Aggregator("geometric-median", F)
    one, other = in_turns(lambda: matrix(x), lambda: pieces(states), 2.0)
    print(f"\nA list of state_dicts of 10⁶ numbers takes {other / one:.2f} times the matrix of them ({1e3 * one:.1f} ms).")


def binding():
    x = np.random.default_rng(0).normal(size=(10, 10))
    agg, out = rf.Aggregator("mean", 2), np.empty(10)
    agg(x)
    server = agg._server
    whole, compiled = in_turns(lambda: [agg(x) for _ in range(1000)], lambda: [server(x) for _ in range(1000)], 2.0)
    print(f"\nA mean of 10 × 10 takes {1e3 * whole:.2f} µs in all: {1e3 * (whole - compiled):.2f} µs of Python, and "
          f"{1e3 * compiled:.2f} µs of the compiled half, kernel and new output included.")
    for p in (7850, 10**5):
        x = messages(p)
        agg, out = rf.Aggregator("geometric-median", F), np.empty(p, np.float32)
        agg(x)
        whole, compiled = in_turns(lambda: agg(x), lambda: agg._server.into(x, out), 2.0)
        print(f"A geometric median of 30 × {p}: {1e6 * whole:.1f} µs, and {1e6 * compiled:.1f} µs into an array that is there.")


def federation():
    x = messages(10**5)
    alone = rf.Aggregator("geometric-median", F)
    whole = rf.Federation(lambda params, round: x, np.zeros(10**5, np.float32), workers=W, byzantine=F, out=None,
                          evaluate_every=10**9)
    whole.run(1)
    alone(x)
    single, rounds = in_turns(lambda: alone(x), lambda: whole._once(False), 5.0)
    print(f"\nA federation's round takes {rounds / single:.3f} times the aggregation alone ({1e3 * single:.2f} ms, 10⁵ numbers).")


PEAK = """
import resource, sys, numpy as np, robust_fl as rf
rows = int(sys.argv[1])
x = np.ones((30, rows), np.float32)
x += np.arange(30, dtype=np.float32)[:, None]
given = x if sys.argv[2] == "matrix" else [{"w": row} for row in x]
rf.aggregate([[0.0], [1.0], [2.0]] * 10, "geometric-median", 6)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rf.aggregate(given, "geometric-median", 6)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def memory():
    p = 10**7
    for kind in ("matrix", "list of state_dicts"):
        said = subprocess.run([sys.executable, "-c", PEAK, str(p), kind], capture_output=True, text=True, check=True)
        print(f"Peak memory over the input, {kind} of 30 × 10⁷ ({120 * p / 1e6:.0f} MB): {int(said.stdout) * 1024 / 1e6:.0f} MB; "
              f"one output is {4 * p / 1e6:.0f} MB.")


def main():
    print(f"{'processor time' if clock is time.process_time else 'time'}, {os.cpu_count()} cores, NumPy {np.__version__}, robust-fl {rf.__version__}, W = {W}, f = {F}, float32\n")
    rules([7850, 10**5, 10**6] + ([10**7] if "--large" in sys.argv else []))
    lists()
    binding()
    federation()
    memory()
    print(f"\nPeak memory of this program: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB", file=sys.stderr)


main()

"""Times beside plain NumPy and byzfl, as ratios to ours; what the binding adds to a small call; a round of a federation.

python bench/speed.py [--large]    p = 7 850, 10⁵ and 10⁶, with --large also 10⁷; W = 30, f = 6, float32
"""

import sys
import time

import numpy as np
import robust_fl as rf

W, F = 30, 6


def best(call, least=5, seconds=0.5):
    times, end = [], time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


def numpy_krum(x):
    d = ((x[:, None] - x[None]) ** 2).sum(axis=2) if x.shape[1] < 10**5 else np.array([((x - v) ** 2).sum(axis=1) for v in x])
    return x[np.sort(d, axis=1)[:, 1 : W - F - 1].sum(axis=1).argmin()]


def numpy_weiszfeld(x, steps=100):
    z = x.mean(axis=0)
    for _ in range(steps):
        w = 1 / np.maximum(np.linalg.norm(x - z, axis=1), 1e-10)
        z = (w[:, None] * x).sum(axis=0) / w.sum()
    return z


def numpy_trimmed(x):
    return np.sort(x, axis=0)[F : W - F].mean(axis=0)


def rules():
    yield "krum", numpy_krum, "krum"
    yield "geometric median, 100 steps", numpy_weiszfeld, "geometric-median"
    yield "median", lambda x: np.median(x, axis=0), "coordinate-median"
    yield "trimmed mean", numpy_trimmed, "trimmed-mean"
    try:
        import byzfl
    except ImportError:
        print("byzfl is not installed: its columns are left out")
        return
    yield "byzfl Krum", byzfl.Krum(f=F), "krum"
    yield "byzfl GeometricMedian, 100 steps", byzfl.GeometricMedian(nu=1e-10, T=100), "geometric-median"
    yield "byzfl Median", byzfl.Median(), "coordinate-median"
    yield "byzfl TrMean", byzfl.TrMean(f=F), "trimmed-mean"
    yield "byzfl Meamed", byzfl.Meamed(f=F), "meamed"


def main():
    sizes = [7850, 10**5, 10**6] + ([10**7] if "--large" in sys.argv else [])
    print(f"{'theirs':34} {'ours':18} {'p':>9} {'theirs, ms':>11} {'ours, ms':>9} {'ratio':>7}")
    for p in sizes:
        x = np.random.default_rng(0).normal(size=(W, p)).astype(np.float32)
        for name, theirs, rule in rules():
            agg = rf.Aggregator(rule, F)
            agg(x)
            slow, fast = best(lambda: theirs(x), least=1, seconds=0.0), best(lambda: agg(x))
            print(f"{name:34} {rule:18} {p:9} {1e3 * slow:11.2f} {1e3 * fast:9.3f} {slow / fast:7.1f}")
    x = np.random.default_rng(0).normal(size=(10, 10))
    agg, out = rf.Aggregator("mean", 2), np.empty(10)
    agg(x)
    server = agg._server
    print(f"mean of 10 × 10: call {1e6 * best(lambda: agg(x)):.2f} µs, compiled half {1e6 * best(lambda: server(x)):.2f} µs")
    x = np.random.default_rng(0).normal(size=(W, 10**5)).astype(np.float32)
    alone = rf.Aggregator("geometric-median", F)
    whole = rf.Federation(lambda params, round: x, np.zeros(10**5, np.float32), workers=W, byzantine=F, out=None,
                          evaluate_every=10**9)
    whole.run(1)
    # In turns, so that a busy machine slows both.
    single = rounds = float("inf")
    for _ in range(60):
        single = min(single, best(lambda: alone(x), least=1, seconds=0.0))
        rounds = min(rounds, best(lambda: whole._once(False), least=1, seconds=0.0))
    print(f"a federation's round: {rounds / single:.3f} times the aggregation alone ({1e3 * single:.2f} ms)")


main()

"""What the binding adds, counted and not timed: copies and memory."""

import tracemalloc

import numpy as np
import robust_fl as rf


def test_memory_is_one_output():
    x = np.random.default_rng(0).normal(size=(10, 200_000)).astype(np.float32)
    agg = rf.Aggregator("geometric-median", 2)
    agg(x)
    tracemalloc.start()
    out = agg(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= out.nbytes + 10_000

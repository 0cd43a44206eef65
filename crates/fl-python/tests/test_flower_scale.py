"""Many clients, and large models: gigabytes, and so only with cargo xtask python --all."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("flwr", reason="Flower is not installed: cargo xtask python --all")
if not os.environ.get("ROBUST_FL_ALL"):
    pytest.skip("it takes gigabytes: cargo xtask python --all", allow_module_level=True)

from flower_grid import FakeGrid, model, numpy  # noqa: E402
from robust_fl import flower  # noqa: E402


def test_a_thousand_clients_of_which_fifty_are_asked():
    dim = 100_000
    bases = np.random.default_rng(0).normal(size=(16, dim)).astype(np.float32)
    lie = {"w": np.full(dim, -1e3, np.float32)}

    def client(i):
        return (lambda now, round: lie) if i % 10 == 0 else lambda now, round: {"w": now["w"] + 0.5 * (bases[i % 16] - now["w"])}

    strategy = flower.RobustStrategy(
        "geometric-median", 15, pre=["nnm"], fraction_train=0.05, fraction_evaluate=0.0, min_available_nodes=1000, out=None,
        ask_models=False,
    )
    begin = time.monotonic()
    result = strategy.start(FakeGrid([client(i) for i in range(1000)]), model(w=np.zeros(dim, np.float32)), 20)
    seconds = (time.monotonic() - begin) / 20
    print(f"1000 clients, 50 of them a round, p = 10⁵: {seconds:.2f} s a round")
    assert all(len(entry["used"]) == 50 and entry["skipped"] is None for entry in strategy.history)
    assert np.abs(numpy(result.arrays)["w"]).max() < 10


LARGE = """
import resource, sys, time
sys.path.insert(0, sys.argv[1])
import numpy as np
from flower_grid import FakeGrid, model
from robust_fl import flower
dim = 100_000_000
def client(i):
    def train(now, round):
        sent = now["w"] + np.float32(0.01 * (i + 1))
        if i == 0:
            sent[::1000] = np.nan
        return {"w": sent}
    return train
strategy = flower.RobustStrategy("geometric-median", 2, out=None, fraction_evaluate=0.0, ask_models=False)
begin = time.monotonic()
strategy.start(FakeGrid([client(i) for i in range(10)]), model(w=np.zeros(dim, np.float32)), 2)
entry = strategy.history[-1]
assert entry["skipped"] is None and entry["dropped"] == [1000] and len(entry["used"]) == 9, entry
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, (time.monotonic() - begin) / 2)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems count in other units")
def test_a_model_of_a_hundred_million_parameters():
    said = subprocess.run(
        [sys.executable, "-c", LARGE, str(Path(__file__).parent)], check=True, capture_output=True, text=True,
    )
    gibibytes, seconds = map(float, said.stdout.split()[-2:])
    print(f"10 clients, 10⁸ parameters: {gibibytes:.1f} GiB, {seconds:.0f} s a round")
    assert gibibytes < 24

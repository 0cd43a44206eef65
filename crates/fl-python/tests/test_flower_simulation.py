"""Thirty simulated clients, compared with the engine; minutes, and so only with cargo xtask python --all."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import robust_fl as rf

pytest.importorskip("flwr", reason="Flower is not installed: cargo xtask python --all")
pytest.importorskip("ray", reason="Flower's simulation is not installed: cargo xtask python --all")
if not os.environ.get("ROBUST_FL_ALL"):
    pytest.skip("it takes minutes: cargo xtask python --all", allow_module_level=True)

from flower_loopback import APP, PROGRAMS, environment  # noqa: E402
from robust_fl._store import read_checkpoint  # noqa: E402

METHODS = {
    "proposed": ("saga", "geometric-median", [{"resample": {"s": 2}}]), "byrd-saga": ("saga", "geometric-median", []),
    "krum": ("sgd", "krum", []),
}
ROUNDS = 30


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home of Flower, whose SuperLink ends with the module."""
    home = tmp_path_factory.mktemp("flower")
    yield home
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"FLWR_HOME={home}".encode() in (process / "environ").read_bytes():
                os.kill(int(process.name), 15)
        except (OSError, ProcessLookupError):
            pass


def simulate(home, out, method, rounds, **settings):
    """A run of the example with thirty clients; the folder of its history."""
    told = {"method": method, "dataset": "digits", "num-server-rounds": rounds, "save-rounds": 1, "out": str(out), **settings}
    said = " ".join(f'{key}="{value}"' if isinstance(value, str) else f"{key}={value}" for key, value in told.items())
    resources = 'num-supernodes=30 client-resources-num-cpus=1'
    done = subprocess.run(
        [str(PROGRAMS / "flwr"), "run", str(APP), "--stream", "--federation-config", resources, "-c", said], env=environment(home),
        cwd=home, capture_output=True, text=True, timeout=1500,
    )
    folders = list(out.glob("*/*/nodes.jsonl"))
    assert folders, done.stdout[-3000:] + done.stderr[-3000:]
    return folders[0].parent


@pytest.mark.parametrize("method", METHODS)
def test_the_same_messages_give_the_engines_model(home, tmp_path, method):
    estimator, rule, pre = METHODS[method]
    folder = simulate(home, tmp_path, method, ROUNDS)
    rounds = sorted((folder / "rounds").iterdir())
    assert len(rounds) == ROUNDS
    server = rf.Aggregator(rule, 6, pre=pre)
    bases = [read_checkpoint(place / "base.safetensors")["params"] for place in rounds]
    bases.append(read_checkpoint(folder / "model.safetensors")["params"])
    for number, place in enumerate(rounds):
        rows = np.stack([read_checkpoint(path)["params"] for path in sorted((place / "updates").iterdir())])
        assert rows.shape[0] == 30
        assert (bases[number] - np.float32(0.5) * server(rows)).tobytes() == bases[number + 1].tobytes(), number
    ours = rf.run({
        "name": "same", "rounds": ROUNDS, "seeds": [0], "evaluate-every": ROUNDS,
        "data": {"set": "digits", "partition": {"by-class": {"workers-per-class": 3}}},
        "federation": {"workers": 30, "byzantine": {"classes": [8, 9]}, "attack": {"sample-duplicating": {"worker": 0}}},
        "model": {"softmax": {"bias": True, "l2": 0.01}}, "train": {"batch": 32, "step": 0.5},
        "method": [{"name": method, "estimator": estimator, "rule": rule, "pre": pre}],
    }, out=tmp_path / "engine")
    here = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])["accuracy"]
    there = ours.metrics[-1]["accuracy"]
    print(f"{method}: {here:.4f} on Flower, {there:.4f} in the engine")
    # Clients are in another order, so that resampling draws others, and sums round otherwise.
    assert abs(here - there) < (0.06 if pre else 0.01), (here, there)

"""FedAvg, Flower's Krum and the paper's method beside each other, under sign flipping and with one broken client.

    python examples/flower/figure.py OUT.svg [rounds] [dataset]

Six simulations with thirty clients; a run that ends with an error ends its curve.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from robust_fl import _native

METHODS = {"fedavg": "FedAvg", "flower-krum": "Flower's Krum", "proposed": "robust_fl: SAGA, resampling, geometric median"}
SCENARIOS = {
    "six of thirty flip signs": {"attack": "sign-flipping", "fault": "none"},
    "one of thirty sends another shape": {"attack": "none", "fault": "shape"},
}
OFF = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "RAY_USAGE_STATS_ENABLED": "0"}
ROUND = re.compile(r"robust-federation round (\d+): accuracy ([0-9.]+)")


def simulate(home: str, rounds: int, **settings: str) -> list[list[float]]:
    """A run's accuracies, by round."""
    told = " ".join([f"num-server-rounds={rounds} out=''", *(f"{key}='{value}'" for key, value in settings.items())])
    resources = "num-supernodes=30 client-resources-num-cpus=1"
    done = subprocess.run(
        ["flwr", "run", str(Path(__file__).parent), "--stream", "--federation-config", resources, "-c", told],
        env={**os.environ, **OFF, "FLWR_HOME": home}, capture_output=True, text=True,
    )
    return [[int(round), float(accuracy)] for round, accuracy in ROUND.findall(done.stdout)]


def main(out: str, rounds: int = 30, dataset: str = "mnist") -> None:
    """Runs, prints and draws."""
    panels = []
    with tempfile.TemporaryDirectory() as home:
        for title, settings in SCENARIOS.items():
            drawn = []
            for method, name in METHODS.items():
                points = simulate(home, rounds, method=method, dataset=dataset, **settings)
                print(f"{title}, {name}: {points[-1] if points else 'no round'}", flush=True)
                drawn.append({"name": name, "points": points})
            y = {"label": "test accuracy"}
            panels.append({"title": title, "x": {"label": "round"}, "y": y, "curves": drawn})
        path = Path(home) / "figure.json"
        path.write_text(json.dumps({"panels": panels}), encoding="utf-8")
        _native.call(["draw", str(path)])
        Path(out).write_bytes(path.with_suffix(".svg").read_bytes())


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]), *sys.argv[3:4])

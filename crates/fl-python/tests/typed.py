"""Read by mypy --strict: the public interface as a program uses it."""

from typing import Any

import numpy as np
import robust_fl as rf

x = np.zeros((5, 3))
out: Any = rf.aggregate(x, "krum", 1)
pair: tuple[Any, rf.Report] = rf.aggregate(x, rf.rules.Krum(variant="paper"), 1, pre=["nnm"], full=True)
server = rf.Aggregator({"geometric-median": {"relative-gap": 1e-8}}, 1, pre=[rf.pre.Resample(s=2)])
weights: np.ndarray[Any, Any] | None = server.weights
sent: np.ndarray[Any, Any] = rf.attacks.Alie(z=1.5)(x, count=1)
rf.estimators.Page()
rf.models.Softmax(l2=0.1)


told: rf.FilesReport = rf.aggregate_files(["a.npz", "b.npz"], rf.rules.Krum(), 1, output="c.npz", memory="1GiB")
share: dict[str, float] | None = told.weights


@rf.rule
def medoid(distances: Any, byzantine: int) -> int:
    return 0


name: str = medoid.name


def go() -> list[dict[str, Any]]:
    return rf.run("x.toml", {"rounds": 3}).results(["attack"])

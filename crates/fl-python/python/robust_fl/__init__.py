"""Byzantine-robust federated learning: rules, attacks, certificates and experiments.

>>> import numpy as np, robust_fl as rf
>>> honest = np.random.default_rng(0).normal(size=(24, 1000))
>>> lies = rf.attacks.Alie(z=1.5)(honest, count=6)
>>> out, report = rf.aggregate(np.vstack([honest, lies]), "geometric-median", byzantine=6, pre=["nnm"], full=True)
>>> out.shape, report.certificate.relative_gap < 1e-9
((1000,), True)
"""

import os as _os
from typing import Any as _Any

from . import _native, attacks, errors, estimators, lab, models, poisons, pre, rules
from ._aggregate import Aggregator, Certificate, Report, aggregate
from ._files import FilesReport, aggregate_files
from ._native import __version__
from .custom import attack, column_rule, rule
from .federation import Federation, curves
from .lab import Picture, Run, data, results, run, sweep, theory

if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_native.after_fork)


def __getattr__(name: str) -> _Any:
    # PyTorch is imported by those who ask for its estimators.
    if name == "torch":
        from importlib import import_module

        return import_module("robust_fl.torch")
    raise AttributeError(f"module 'robust_fl' has no attribute {name!r}")


__all__ = [
    "Aggregator", "Certificate", "Federation", "FilesReport", "Picture", "Report", "Run", "__version__", "aggregate",
    "aggregate_files", "attack", "attacks", "column_rule", "curves", "data", "errors", "estimators", "lab", "models", "poisons",
    "pre", "results", "rule", "rules", "run", "sweep", "theory",
]

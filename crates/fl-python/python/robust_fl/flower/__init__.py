"""Robust federations over many machines, with Flower as their engine.

:class:`RobustStrategy` is a strategy of Flower whose model no reply can stop, poison or stall. :func:`attack_mod` and
:func:`fault_mod` make clients lie and fail, to test a deployment. ``SagaClient``, ``PageClient`` and ``MomentumClient`` send
variance-reduced messages of any PyTorch module, and :class:`EngineClient` those of an experiment's models. ``pip install 'robust-fl[flower]'`` brings Flower along.
"""

from typing import Any

try:
    import flwr as _flwr  # noqa: F401
except ImportError as error:
    raise ImportError("robust_fl.flower needs Flower: pip install 'robust-fl[flower]'") from error

from .ask import describes
from .decision import Adversary
from .engine import EngineClient, Experiment
from .metrics import medians
from .mods import FAULTS, attack_mod, fault_mod
from .strategy import RobustStrategy


def __getattr__(name: str) -> Any:
    # PyTorch is imported by those who ask for its clients.
    if name in ("MomentumClient", "PageClient", "SagaClient", "SgdClient"):
        from . import clients

        return getattr(clients, name)
    raise AttributeError(f"module 'robust_fl.flower' has no attribute {name!r}")


__all__ = [
    "Adversary", "EngineClient", "Experiment", "FAULTS", "RobustStrategy", "attack_mod", "describes", "fault_mod", "medians",
]

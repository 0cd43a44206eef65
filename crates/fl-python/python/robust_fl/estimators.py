"""Gradient estimators of workers: a class for each that the registry has."""

from ._parts import classes as _all

_here = {cls.__name__: cls for cls in _all("estimator").values()}
globals().update(_here)
__all__ = list(_here)

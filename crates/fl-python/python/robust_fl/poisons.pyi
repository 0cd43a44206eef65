# Written by python -m robust_fl._stubs from the registry.
from collections.abc import Sequence
from typing import Any, Literal

from ._parts import Poison

__all__: list[str]

class LabelFlip(Poison):
    def __init__(self, *, labels: Any = ..., share: float = ...) -> None: ...

class FeatureNoise(Poison):
    def __init__(self, *, spread: Any = ...) -> None: ...

class Backdoor(Poison):
    def __init__(self, *, target: Any = ..., size: int = ..., value: float | None = ..., share: float = ...) -> None: ...

class DuplicateSamples(Poison):
    def __init__(self, *, worker: int | None = ...) -> None: ...

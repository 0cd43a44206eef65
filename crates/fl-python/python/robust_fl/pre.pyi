# Written by python -m robust_fl._stubs from the registry.
from collections.abc import Sequence
from typing import Any, Literal

from ._parts import PreAggregator

__all__: list[str]

class Resample(PreAggregator):
    def __init__(self, *, s: int = ..., law: Literal["algorithm1", "permutation"] = ...) -> None: ...

class Bucketing(PreAggregator):
    def __init__(self, *, s: int = ..., rest: Literal["apart", "spread"] = ...) -> None: ...

class Nnm(PreAggregator):
    def __init__(self) -> None: ...

class Identity(PreAggregator):
    def __init__(self) -> None: ...

class Clipping(PreAggregator):
    def __init__(self, *, tau: float = ...) -> None: ...

class Arc(PreAggregator):
    def __init__(self) -> None: ...

class MedianClipping(PreAggregator):
    def __init__(self) -> None: ...

# Written by python -m robust_fl._stubs from the registry.
from collections.abc import Sequence
from typing import Any, Literal

from ._parts import Estimator

__all__: list[str]

class Sgd(Estimator):
    def __init__(self, *, batch: int = ..., sampling: Literal["distinct", "repeated", "window", "window-cut"] = ...) -> None: ...

class Saga(Estimator):
    def __init__(self, *, batch: int = ..., sampling: Literal["distinct", "repeated", "window", "window-cut"] = ...) -> None: ...

class WindowSaga(Estimator):
    def __init__(self, *, batch: int = ..., sampling: Literal["distinct", "repeated", "window", "window-cut"] = ...) -> None: ...

class DenseSaga(Estimator):
    def __init__(self, *, batch: int = ..., sampling: Literal["distinct", "repeated", "window", "window-cut"] = ..., ridge: Literal["outside", "inside"] = ...) -> None: ...

class Sag(Estimator):
    def __init__(self, *, batch: int = ..., sampling: Literal["distinct", "repeated", "window", "window-cut"] = ...) -> None: ...

class LooplessSvrg(Estimator):
    def __init__(self, *, batch: int = ..., sampling: Literal["distinct", "repeated", "window", "window-cut"] = ..., probability: float | None = ...) -> None: ...

class Svrg(Estimator):
    def __init__(self, *, batch: int = ..., sampling: Literal["distinct", "repeated", "window", "window-cut"] = ..., every: int | None = ...) -> None: ...

class Sarah(Estimator):
    def __init__(self, *, batch: int = ..., sampling: Literal["distinct", "repeated", "window", "window-cut"] = ..., every: int | None = ...) -> None: ...

class Page(Estimator):
    def __init__(self, *, batch: int = ..., sampling: Literal["distinct", "repeated", "window", "window-cut"] = ..., probability: float | None = ...) -> None: ...

class Storm(Estimator):
    def __init__(self, *, batch: int = ..., sampling: Literal["distinct", "repeated", "window", "window-cut"] = ..., rate: float = ...) -> None: ...

class ByzVrMarina(Estimator):
    def __init__(self, *, batch: int = ..., sampling: Literal["distinct", "repeated", "window", "window-cut"] = ..., probability: float = ...) -> None: ...

class FullGradient(Estimator):
    def __init__(self) -> None: ...

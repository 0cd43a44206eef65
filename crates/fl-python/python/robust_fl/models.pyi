# Written by python -m robust_fl._stubs from the registry.
from collections.abc import Sequence
from typing import Any, Literal

from ._parts import Model

__all__: list[str]

class LeastSquares(Model):
    def __init__(self, *, bias: bool = ..., l2: float = ..., initialise: Literal["zeros", "fan-in", "glorot", "lecun", "he", "normal"] = ...) -> None: ...

class Logistic(Model):
    def __init__(self, *, bias: bool = ..., l2: float = ..., initialise: Literal["zeros", "fan-in", "glorot", "lecun", "he", "normal"] = ...) -> None: ...

class Softmax(Model):
    def __init__(self, *, bias: bool = ..., l2: float = ..., initialise: Literal["zeros", "fan-in", "glorot", "lecun", "he", "normal"] = ...) -> None: ...

class Perceptron(Model):
    def __init__(self, *, hidden: Sequence[int] = ..., activation: Literal["tanh", "relu", "identity"] = ..., loss: Literal["cross-entropy", "squared"] = ..., l2: float = ..., initialise: Literal["zeros", "fan-in", "glorot", "lecun", "he", "normal"] = ...) -> None: ...

class Convolutional(Model):
    def __init__(self, *, shape: Sequence[int] = ..., channels: Sequence[int] = ..., kernel: Any = ..., padding: Any = ..., stride: Any = ..., pool: Any = ..., pooling: Literal["max", "average"] = ..., hidden: Sequence[int] = ..., activation: Literal["tanh", "relu", "identity"] = ..., loss: Literal["cross-entropy", "squared"] = ..., l2: float = ..., initialise: Literal["zeros", "fan-in", "glorot", "lecun", "he", "normal"] = ...) -> None: ...

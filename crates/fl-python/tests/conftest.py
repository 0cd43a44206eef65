"""What all tests use."""

import signal

import numpy as np
import pytest

# A shell that starts a program in the background lets it ignore Ctrl-C; the tests of Ctrl-C need the usual answer.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def messages() -> np.ndarray:
    """24 regular messages and 6 far ones, float64."""
    rng = np.random.default_rng(0)
    return np.vstack([rng.normal(size=(24, 50)), rng.normal(size=(6, 50)) + 100.0])


@pytest.fixture
def small() -> dict:
    """An experiment of a second."""
    return {
        "name": "small", "rounds": 40, "seeds": [0, 1],
        "data": {"set": "digits", "partition": "iid"},
        "federation": {"workers": 10, "byzantine": {"count": 2}, "attack": "sign-flipping"},
        "model": {"softmax": {"l2": 0.01}},
        "train": {"batch": 16, "step": 0.5},
        "method": [{"name": "mean", "rule": "mean"}, {"name": "median", "rule": "geometric-median"}],
    }

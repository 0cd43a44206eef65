"""Everything from the registry."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import robust_fl as rf
from robust_fl import _native, errors

KINDS = {
    "rules": rf.rules, "pre-aggregators": rf.pre, "attacks": rf.attacks, "poisons": rf.poisons,
    "estimators": rf.estimators, "models": rf.models,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_modules_have_what_the_command_lists(kind):
    said = subprocess.run([sys.executable, "-m", "robust_fl", "list", kind], check=True, capture_output=True, text=True)
    listed = [line.split()[0] for line in said.stdout.splitlines()]
    assert [getattr(KINDS[kind], name).name for name in KINDS[kind].__all__] == listed


@pytest.mark.parametrize("module", KINDS.values(), ids=KINDS)
def test_documentation_signature_and_defaults(module):
    for name in module.__all__:
        cls = getattr(module, name)
        assert cls.__doc__ == _native.call(["explain", cls.name])[0]
        signature = inspect.signature(cls)
        part = cls(**{p.name: p.default for p in signature.parameters.values()})
        assert part == cls() and eval(repr(part), vars(module)) == part


def test_attacks(messages):
    honest = messages[:24]
    sent = rf.attacks.Alie(z=1.5)(honest, count=6)
    assert sent.shape == (6, 50) and sent.dtype == np.float64
    flipped = rf.attacks.SignFlipping(factor=-2.0)(honest, true=messages[24:])
    assert (flipped == -2 * messages[24:]).all()
    line = rf.attacks.LineSearch()(honest, count=6, rule="krum", pre=["nnm"])
    assert np.isfinite(line).all()
    with pytest.raises(ValueError, match="count"):
        rf.attacks.Alie()(honest)
    with pytest.raises(errors.ShapeError, match="49"):
        rf.attacks.Alie()(honest, true=np.zeros((6, 49)))


def test_the_same_bytes_as_the_command(messages, tmp_path):
    np.save(tmp_path / "in.npy", messages.astype(np.float32))
    x = np.load(tmp_path / "in.npy")
    left_out = set()
    for name in rf.rules.__all__:
        cls = getattr(rf.rules, name)
        try:
            ours = rf.aggregate(x, cls(), 6, pre=["nnm"], seed=4, round=2)
        except (errors.RequirementError, errors.ChoiceError):
            left_out.add(name)
            continue
        args = ["aggregate", "--rule", cls.name, "--pre", "nnm", "--byzantine", "6", "--seed", "4", "--round", "2"]
        _native.call([*args, "--input", str(tmp_path / "in.npy"), "--output", str(tmp_path / "out.npy")])
        assert ours.tobytes() == np.load(tmp_path / "out.npy").tobytes(), name
    # It has no weights before somebody gives them.
    assert left_out == {"WeightedMean"}
    ours = rf.attacks.Gaussian()(x[:24], true=x[24:], seed=5, round=1)
    args = ["attack", "--name", "gaussian", "--byzantine", "6", "--seed", "5", "--round", "1"]
    _native.call([*args, "--input", str(tmp_path / "in.npy"), "--output", str(tmp_path / "out.npy")])
    assert ours.tobytes() == np.load(tmp_path / "out.npy").tobytes()


def test_the_stubs_are_those_of_the_registry(tmp_path):
    from robust_fl._parts import _MODULES

    # In a process in which no test has added parts.
    subprocess.run([sys.executable, "-m", "robust_fl._stubs", str(tmp_path)], check=True)
    source = Path(__file__).parents[1] / "python" / "robust_fl"
    for module in _MODULES.values():
        written = (source / f"{module}.pyi").read_text()
        assert written == (tmp_path / f"{module}.pyi").read_text(), f"python -m robust_fl._stubs {source} writes {module}.pyi"

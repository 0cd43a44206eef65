"""Files of one client each: the same bytes as the command, the same bits as in memory, and what is refused."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
import robust_fl as rf
from robust_fl import _store, errors


def model(w):
    rng = np.random.default_rng(w)
    far = 40.0 if w >= 5 else 0.0
    return {
        "layer.weight": (rng.normal(size=(60, 50)) + far).astype(np.float32),
        "layer.bias": rng.normal(size=50).astype(np.float32), "steps": np.array([7], np.int64),
    }


@pytest.fixture
def folder(tmp_path):
    """Seven clients, two of them far from the others."""
    for w in range(7):
        _store.write_checkpoint(tmp_path / f"client-{w}.safetensors", model(w), 3)
    return tmp_path


def files(folder):
    return sorted(folder.glob("client-*.safetensors"))


@pytest.mark.parametrize("rule, pre, flags", [
    ("geometric-median", [], ["--rule", "geometric-median"]),
    (rf.rules.Krum(variant="paper"), [], ["--rule", "krum:variant=paper"]),
    ({"trimmed-mean": {}}, ["nnm"], ["--rule", "trimmed-mean", "--pre", "nnm"]),
    ("coordinate-median", [rf.pre.Resample(s=1)], ["--rule", "coordinate-median", "--pre", "resample:s=1"]),
])
def test_the_same_bytes_as_the_command_and_the_bits_of_memory(folder, rule, pre, flags):
    out, other = folder / "out" / "python.safetensors", folder / "out" / "command.safetensors"
    out.parent.mkdir()
    report = rf.aggregate_files(folder / "client-*.safetensors", rule, 2, output=out, pre=pre, memory="32MiB")
    command = [sys.executable, "-m", "robust_fl", "aggregate", *flags, "--byzantine", "2", "--input", str(folder / "client-*"),
               "--output", str(other)]
    subprocess.run(command, check=True, capture_output=True)
    found, by_command = _store.read_checkpoint(out), _store.read_checkpoint(other)
    states = [model(w) for w in range(7)]
    want, told = rf.aggregate(states, rule, 2, pre=pre, full=True)
    for name, tensor in want.items():
        assert found[name].tobytes() == by_command[name].tobytes() == tensor.tobytes(), name
    assert report.clients == [str(path) for path in files(folder)]
    if told.weights is None:
        assert report.weights is None
    else:
        assert list(report.weights.values()) == told.weights.tolist()
        assert report.weights[report.clients[6]] < 0.1
    assert (report.certificate is None) == (told.certificate is None)
    if told.certificate:
        assert report.certificate == told.certificate


def test_options(folder):
    out, paths = folder / "out.safetensors", files(folder)
    by_list = rf.aggregate_files(paths[:2], "weighted-mean", output=out, weights=[1, 3])
    assert list(by_list.weights.values()) == [0.25, 0.75]
    by_name = rf.aggregate_files(paths[:2], "weighted-mean", output=out, weights={paths[1]: 3, paths[0]: 1})
    assert by_name.weights == by_list.weights and by_name.bytes_written == by_list.bytes_written
    each = rf.aggregate_files(paths, "geometric-median", 2, output=out, per="tensor", shares=True)
    assert {group.name for group in each.groups} == {"layer.weight", "layer.bias"}
    assert each.shares[0].tensor == "layer.weight" and sum(share.numbers for share in each.shares) == pytest.approx(1)
    with pytest.raises(errors.ShapeError, match="2 groups"):
        each.weights
    # The base's counter, and its numbers plus the mean of the differences.
    _store.write_checkpoint(folder / "base.safetensors", {**model(50), "steps": np.array([9], np.int64)}, 3)
    rf.aggregate_files(paths, "mean", output=out, base=folder / "base.safetensors", skip="bias")
    found = _store.read_checkpoint(out)
    assert found["steps"] == 9 and (found["layer.bias"] == model(50)["layer.bias"]).all()
    want = np.mean([model(w)["layer.weight"] for w in range(7)], axis=0)
    np.testing.assert_allclose(found["layer.weight"], want, atol=1e-5)


def test_rules_in_python(folder):
    @rf.rule(name="first-of-files")
    def first(distances, byzantine, *, place=0):
        return place

    rf.aggregate_files(files(folder), first(place=3), 2, output=folder / "out.safetensors")
    assert (_store.read_checkpoint(folder / "out.safetensors")["layer.bias"] == model(3)["layer.bias"]).all()

    @rf.rule(name="raises-of-files")
    def raises(distances, byzantine):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        rf.aggregate_files(files(folder), raises, 2, output=folder / "none.safetensors")
    assert not (folder / "none.safetensors").exists()


def test_who_is_left_out_and_what_is_told(folder):
    bad = model(1)
    bad["layer.weight"][2, 3] = np.nan
    _store.write_checkpoint(folder / "client-1.safetensors", bad, 3)
    _store.write_checkpoint(folder / "client-2.safetensors", model(0), 3)
    seen = []
    with pytest.warns(UserWarning) as told:
        report = rf.aggregate_files(
            files(folder), "geometric-median", 2, output=folder / "out.npz", progress=lambda *bytes: seen.append(bytes)
        )
    assert report.dropped == [(report.clients[1], "layer.weight", 103)]
    assert report.groups[0].equal == [(report.clients[0], report.clients[2])]
    assert any("left out" in str(one.message) for one in told) and any("same numbers" in str(one.message) for one in told)
    assert seen and seen[-1][0] <= seen[-1][1]
    with pytest.raises(errors.DataError, match="number 103 is not finite"):
        rf.aggregate_files(files(folder), "geometric-median", 2, output=folder / "out.npz", non_finite="refuse")


def test_mistakes(folder):
    out, paths = folder / "out.safetensors", files(folder)

    def refused(error, words, *args, **more):
        with pytest.raises(error, match=words):
            rf.aggregate_files(*args, output=out, **more)

    refused(errors.ChoiceError, "did you mean `krum`", paths, "krumm")
    refused(errors.ChoiceError, "did you mean `nnm`", paths, "krum", pre=["nmm"])
    refused(TypeError, "pre must be a list", paths, "krum", pre="nnm")
    refused(errors.RequirementError, "at least 9", paths, "krum", 6)
    refused(errors.RequirementError, "memory", paths, "mean", memory=1000)
    refused(errors.RequirementError, "no tensor's name matches", paths, "mean", skip="nowhere")
    refused(errors.RequirementError, "one matrix of messages", folder / "x.npy", "mean")
    refused(errors.ShapeError, "empty", [], "mean")
    refused(errors.ShapeError, "as many files", paths, "weighted-mean", weights=[1.0])
    refused(errors.DataError, "no file matches", folder / "*.nothing", "mean")
    refused(errors.DataError, "twice", [paths[0], paths[0]], "mean")
    other = model(0)
    other["layer.bias"] = other["layer.bias"][:3].copy()
    _store.write_checkpoint(paths[0], {**other, "more": np.zeros(2)}, 3)
    refused(errors.DataError, r"(?s)client-.*layer.bias", paths, "mean")
    assert not out.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")
def test_ctrl_c_ends_it_and_nothing_is_written(folder):
    big = np.zeros((20, 1000, 1000), np.float32)
    for w in range(3):
        _store.write_checkpoint(folder / f"big-{w}.safetensors", {"w": big}, 0)
    out = folder / "never.safetensors"
    begun = threading.Event()

    def progress(read, expected):
        if not begun.is_set():
            begun.set()
            os.kill(os.getpid(), signal.SIGINT)

    # Half of it is still to be read when the first bytes are told of.
    with pytest.raises(KeyboardInterrupt):
        for _ in range(20):
            rf.aggregate_files(folder / "big-*.safetensors", "geometric-median", 1, output=out, per="tensor", progress=progress)
            out.unlink()
    # A signal at the very end finds the file whole.
    assert not out.exists() or out.stat().st_size > big.nbytes
    assert not list(folder.glob(".fl-updates*"))

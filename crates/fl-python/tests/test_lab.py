"""Experiments: the same bytes as the command, frames, pictures, Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import robust_fl as rf
from robust_fl import _native, errors


def test_the_same_bytes_as_the_command(tmp_path, small):
    run = rf.run(small, out=tmp_path / "a", threads=1)
    config = tmp_path / "small.toml"
    config.write_text(_native.to_toml(small))
    command = [sys.executable, "-m", "robust_fl", "run", str(config), "--out", str(tmp_path / "b"), "--quiet"]
    subprocess.run(command, check=True)
    for cell in run.cells:
        other = tmp_path / "b" / "small" / cell.folder.name
        for name in ("metrics.jsonl", "config.toml", "checkpoint.safetensors"):
            assert (cell.folder / name).read_bytes() == (other / name).read_bytes(), name
    assert cell.params.shape == (650,)


def test_frames_results_and_pictures(tmp_path, small):
    news = []
    run = rf.run(small, {"rounds": 30}, out=tmp_path, progress=news.extend)
    assert {kind for kind, *_ in news} >= {"started", "progress", "finished"}
    frame = run.frame("pandas")
    assert list(frame.columns[:3]) == ["method", "attack", "seed"] and frame["round"].max() == 30
    assert len(frame) == len(run.metrics) and not frame["accuracy"].isna().any()
    (mean, median) = run.results()
    assert median["mean"] > mean["mean"] and "small" in repr(run) and "<table>" in run._repr_html_()
    assert rf.results(small, set={"rounds": 30}, out=tmp_path) == run.results()
    picture = run.plot(["accuracy", "test-loss"])
    assert picture.startswith("<svg") and picture._repr_svg_() == picture
    assert run.heat().startswith("<svg")
    with pytest.raises(ValueError, match="pandas"):
        run.frame("excel")


def test_a_sweep(tmp_path, small):
    run = rf.sweep(small, {"federation.byzantine.count": [0, 2], "federation.attack": ["none", rf.attacks.Ipm()]},
                   {"rounds": 10}, out=tmp_path)
    assert len(run.cells) == 16 and len(run.frame()["attack"].unique()) == 2
    assert {len(run.results(["attack"])), len(run.results(["method", "attack"]))} == {2, 4}
    assert run.heat(columns="attack").startswith("<svg")


def test_mistakes_are_told_at_once(small, tmp_path):
    small["round"], small["method"][0]["rule"] = 3, "krumm"
    with pytest.raises(errors.ExperimentError, match="(?s)round.*krumm|krumm.*round"):
        rf.run(small, out=tmp_path)
    with pytest.raises(TypeError, match="`train.step` is None"):
        rf.run(small, {"train.step": None}, out=tmp_path)
    with pytest.raises(TypeError, match=r"`data.partition.shards\[1\]` is None"):
        rf.run(small, {"data.partition": {"shards": [1, None]}}, out=tmp_path)
    small["data"]["set"] = "mnist"
    with pytest.raises(TypeError, match="method.0..rule"):
        rf.run({"method": [{"rule": object()}]})


def test_ctrl_c_stops_within_a_moment_and_the_next_call_goes_on(tmp_path, small):
    small["rounds"] = 300_000
    small["evaluate-every"], small["full-pass-every"] = 1000, 0
    told = []
    timer = threading.Timer(1.5, lambda: (told.append(time.monotonic()), os.kill(os.getpid(), signal.SIGINT)))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        rf.run(small, out=tmp_path, progress=False)
    assert time.monotonic() - told[0] < float(os.environ.get("ROBUST_FL_PATIENCE", "2"))
    run = rf.Run(rf.lab._asked(small, None, tmp_path))
    reached = max(m["round"] for cell in run.cells for m in cell.metrics)
    news = []
    small["rounds"] = reached + 1000
    rf.run(small, out=tmp_path, progress=news.extend)
    assert any(kind == "resumed" and round > 0 for kind, _, round, _ in news)


def test_a_progress_that_raises_stops_the_run(tmp_path, small):
    def progress(news):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        rf.run(small, {"rounds": 100_000}, out=tmp_path, progress=progress)


def test_theory(small):
    numbers = rf.theory(workers=30, byzantine=6, s=2)
    assert numbers
    assert rf.theory(small)["experiment"] == "small"

"""Rules and attacks that are functions."""

import functools
import subprocess
import sys
import threading
import traceback

import numpy as np
import pytest
import robust_fl as rf
from robust_fl import errors


@rf.rule
def nearest_message(distances, byzantine, *, power=1.0):
    """The message with the smallest sum of distances."""
    return int((distances**power).sum(axis=0).argmin())


@rf.rule
def uniform(distances, byzantine):
    return np.full(len(distances), 1 / len(distances))


@rf.column_rule
def own_median(columns, byzantine):
    return np.median(columns, axis=0)


@rf.attack
def backwards(honest, true, *, rng, round, factor=-1.0):
    return factor * honest.mean(axis=0) + 0 * rng.normal() + 0 * round


@rf.rule
def broken(distances, byzantine):
    raise KeyError("a mistake of mine")


def test_rules(messages):
    out, report = rf.aggregate(messages, nearest_message, 6, full=True)
    assert (out == messages[report.weights.argmax()]).all() and report.weights.max() == 1
    np.testing.assert_allclose(rf.aggregate(messages, uniform), rf.aggregate(messages, "mean"))
    np.testing.assert_allclose(rf.aggregate(messages, own_median), rf.aggregate(messages, "coordinate-median"))
    # Behind a pre-aggregator, and by its name.
    mixed = rf.aggregate(messages, "uniform", 6, pre=["nnm"])
    np.testing.assert_allclose(mixed, rf.aggregate(messages, "mean", 6, pre=["nnm"]))
    assert nearest_message(power=2.0).power == 2.0
    large = np.tile(messages, 400)
    np.testing.assert_allclose(rf.aggregate(large, own_median), rf.aggregate(large, "coordinate-median"))


def test_attacks(messages):
    sent = backwards(messages[:24], count=3)
    np.testing.assert_allclose(sent, np.tile(-messages[:24].mean(axis=0), (3, 1)))
    assert (backwards.with_settings(factor=-3.0)(messages[:24], count=1) == 3 * sent[:1]).all()


def test_an_exception_arrives_with_its_traceback(messages):
    with pytest.raises(KeyError, match="a mistake of mine") as caught:
        rf.aggregate(messages, broken)
    assert "def broken" in "".join(traceback.format_exception(caught.value)) or "in broken" in "".join(
        traceback.format_exception(caught.value)
    )
    assert "rule broken, round 0" in caught.value.__notes__[0]


def test_each_thread_gets_its_own_exception(messages):
    @rf.rule(name="raises-its-own")
    def own(distances, byzantine, *, number=0):
        raise KeyError(number)

    wrong = []

    def work(number):
        agg = rf.Aggregator(own(number=number))
        for _ in range(200):
            try:
                agg(messages)
                wrong.append("no exception")
            except KeyError as error:
                if error.args != (number,):
                    wrong.append((number, error.args))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong


def test_two_threads_share_an_adversary(messages):
    # In a process of its own, so that a deadlock is an error and no silence.
    program = """
import sys, threading
import numpy as np, robust_fl as rf
from robust_fl import _native
sys.setswitchinterval(1e-6)

@rf.attack
def slow(honest, true):
    return -sum(row for row in honest) / len(honest)

adversary = _native.Adversary("slow", "mean", [], 10, [8, 9], 5, True, 0, False)
def work():
    x = np.ones((10, 5))
    for round in range(500):
        adversary.corrupt(x, np.zeros(5), round)
        adversary.state()
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print("done")
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert said.stdout == "done\n", said.stderr


@pytest.mark.parametrize("answer, words", [
    ([0.5, 0.5], "30 weights"), (np.full(30, 1.0), "sum 30"), (np.full(30, np.nan), "not finite"), (31, "message 31"),
    ("text", "weights"), (None, "weights"),
])
def test_wrong_answers(messages, answer, words):
    wrong = rf.rule(name="wrong-answer")(lambda distances, byzantine: answer)
    with pytest.raises(errors.CallbackError, match=words):
        rf.aggregate(messages, wrong)
    column = rf.column_rule(name="wrong-column")(lambda columns, byzantine: np.full(columns.shape[1], np.nan))
    with pytest.raises(errors.CallbackError, match="NaN"):
        rf.aggregate(messages, column)
    attack = rf.attack(name="wrong-attack")(lambda honest, true: np.zeros(7))
    with pytest.raises(errors.CallbackError, match="shape"):
        attack(messages, count=2)


class Nearest:
    """A rule that is an object."""

    def __call__(self, distances, byzantine, *, power=1.0):
        return int((distances**power).sum(axis=0).argmin())


def test_partial_functions_and_objects(messages):
    want = rf.aggregate(messages, nearest_message(power=2.0))
    partial = rf.rule(name="partial-nearest")(functools.partial(Nearest(), power=2.0))
    assert (rf.aggregate(messages, partial) == want).all()
    assert (rf.aggregate(messages, rf.rule(Nearest())(power=2.0)) == want).all()
    other = rf.rule(name="partial-other")(functools.partial(Nearest(), power=3.0))
    assert partial.source != other.source


def test_names(messages):
    with pytest.raises(errors.ChoiceError, match="built-in rule krum"):
        rf.rule(name="krum")(lambda distances, byzantine: 0)
    with pytest.raises(TypeError, match="needs a default"):
        rf.rule(name="needs")(lambda distances, byzantine, *, power: 0)


def test_in_an_experiment(tmp_path, small):
    small["method"] = [
        {"name": "mine", "rule": nearest_message(power=2.0), "pre": ["nnm"]}, {"name": "columns", "rule": "own-median"},
        {"name": "theirs", "rule": "coordinate-median"},
    ]
    small["federation"]["attack"] = {"backwards": {"factor": -2.0}}
    run = rf.run(small, out=tmp_path)
    mine, columns, theirs = run.cells[:3]
    np.testing.assert_allclose([m["accuracy"] for m in columns.metrics], [m["accuracy"] for m in theirs.metrics], atol=0.02)
    text = (mine.folder / "config.toml").read_text()
    assert "nearest-message" in text and nearest_message.source in text and "power = 2.0" in text
    assert "backwards" in text and mine.metrics[-2]["byzantine_weight"] is not None
    small["method"] = [{"name": "broken", "rule": "broken"}]
    with pytest.raises(KeyError, match="a mistake of mine"):
        rf.run(small, out=tmp_path)

    @rf.attack(name="broken-attack")
    def broken_attack(honest, true):
        raise KeyError("another one")

    small["method"], small["federation"]["attack"] = [{"name": "mean", "rule": "mean"}], "broken-attack"
    with pytest.raises(KeyError, match="another one"):
        rf.run(small, out=tmp_path)

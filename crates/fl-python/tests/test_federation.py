"""A federation whose messages come from a function."""

import numpy as np
import pytest
import robust_fl as rf
from robust_fl import _native, errors

targets = np.random.default_rng(1).normal(size=(10, 5))


def gradients(params, round):
    return params - targets


def make(out, **more):
    more = {"byzantine": 2, "attack": "sign-flipping", "rule": "geometric-median", "step": 0.2, **more}
    return rf.Federation(gradients, np.zeros(5), workers=10, out=out, evaluate_every=5, **more)


def test_it_is_the_same_as_by_hand():
    one = make(None)
    one.run(30)
    x = np.zeros(5)
    server = rf.Aggregator("geometric-median", 2)
    for round in range(30):
        rows = x - targets
        rows[8:] *= -5
        x -= 0.2 * server(rows)
    assert (one.params == x).all()
    last = one.metrics[-2]
    assert last["round"] == 25 and last["aggregate_error"] > 0 and last["byzantine_weight"] < 0.2


def test_defences_differ():
    attacked = make(None, rule="mean", attack={"sign-flipping": {"factor": -20.0}})
    attacked.run(20)
    robust = make(None, attack={"sign-flipping": {"factor": -20.0}})
    robust.run(20)
    honest = targets[:8].mean(axis=0)
    assert np.linalg.norm(robust.params - honest) < np.linalg.norm(attacked.params - honest)


@pytest.mark.parametrize("attack", ["mimic", "rop", "alie"])
def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path, attack):
    whole = make(tmp_path / "a", attack=attack, rule="centered-clipping")
    whole.run(40)
    part = make(tmp_path / "b", attack=attack, rule="centered-clipping")

    def stop(params, round):
        if round == 23:
            raise KeyboardInterrupt
        return gradients(params, round)

    part.gradients = stop
    with pytest.raises(KeyboardInterrupt):
        part.run(40)
    again = make(tmp_path / "b", attack=attack, rule="centered-clipping")
    assert again.round == 23
    again.run(40)
    assert again.params.tobytes() == whole.params.tobytes()
    assert [m["round"] for m in again.metrics] == [m["round"] for m in whole.metrics]
    assert again.metrics == whole.metrics


def test_the_command_reads_its_folder(tmp_path):
    def accuracy(params):
        return {"accuracy": 1 / (1 + np.linalg.norm(params - targets[:8].mean(axis=0))), "test_loss": 0.5}

    one = make(tmp_path, evaluate=accuracy, name="mine", full_gradients=lambda params: params - targets)
    one.run(20)
    page = tmp_path / "page.html"
    _native.call(["report", str(tmp_path), "--out", str(page)])
    assert "geometric-median" in page.read_text()
    assert one.plot("aggregate_error", log=True).startswith("<svg")
    assert one.metrics[0]["full"]["outer_variation"] > 0 and one.metrics[0]["full"]["message_variation"] == 0
    assert len(one.frame()) == len(one.metrics)


@pytest.mark.parametrize("answer, words", [
    (np.zeros((10, 4)), r"10 × 5 numbers, got shape \(10, 4\)"), (np.full((10, 5), np.nan), "regular worker 0 in round 0"),
])
def test_wrong_answers(answer, words):
    one = rf.Federation(lambda params, round: answer, np.zeros(5), workers=10, byzantine=2, out=None)
    with pytest.raises(errors.CallbackError, match=words):
        one.run(3)
    with pytest.raises(errors.ShapeError, match="fewer than the 10"):
        make(None, byzantine=10)

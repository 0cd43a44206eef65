"""A federation whose messages come from a function."""

import json

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


class Once:
    """A function that raises KeyboardInterrupt at its n-th call."""

    def __init__(self, function, n):
        self.function, self.n = function, n

    def __call__(self, *args):
        self.n -= 1
        if self.n == 0:
            raise KeyboardInterrupt
        return self.function(*args)


def accuracy(params):
    return {"accuracy": 1 / (1 + np.linalg.norm(params - targets[:8].mean(axis=0))), "test_loss": 0.5}


def full(params):
    return params - targets


def shorter(round):
    return 0.2 / (1 + round)


@pytest.mark.parametrize("attack", ["mimic", "rop", "alie"])
@pytest.mark.parametrize("at, call, left", [("gradients", 24, 23), ("evaluate", 4, 15), ("full_gradients", 4, 15), ("step", 24, 23)])
def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path, attack, at, call, left):
    def fresh(folder):
        return make(
            tmp_path / folder, attack=attack, rule="centered-clipping", evaluate=accuracy, full_gradients=full, step=shorter
        )

    whole = fresh("a")
    whole.run(40)
    part = fresh("b")
    setattr(part, at, Once(getattr(part, at), call))
    with pytest.raises(KeyboardInterrupt):
        part.run(40)
    again = fresh("b")
    assert again.round == left
    again.run(40)
    assert again.params.tobytes() == whole.params.tobytes()
    assert [m["round"] for m in again.metrics] == [m["round"] for m in whole.metrics]
    assert again.metrics == whole.metrics
    # The process that was interrupted goes on to them too.
    setattr(part, at, getattr(again, at))
    part.run(40)
    assert part.params.tobytes() == whole.params.tobytes() and part.metrics == whole.metrics


def test_half_a_round_is_not_saved(tmp_path):
    @rf.rule(name="raises-in-round-7")
    def raises(distances, byzantine):
        if calls.pop() == 0:
            raise RuntimeError("enough")
        return np.full(len(distances), 1 / len(distances))

    calls = [0, *range(1, 8)]
    one = make(tmp_path, attack="mimic", rule=raises, checkpoint_every=0.0)
    with pytest.raises(RuntimeError, match="enough"):
        one.run(20)
    with pytest.raises(errors.RunError, match="round 7 was interrupted halfway"):
        one.run(20)
    calls = list(range(1, 50))
    again = make(tmp_path, attack="mimic", rule=raises)
    assert again.round == 7
    again.run(20)
    calls = list(range(1, 50))
    whole = make(None, attack="mimic", rule=raises)
    whole.run(20)
    assert again.params.tobytes() == whole.params.tobytes()


class Average:
    """Momentum that a function remembers."""

    def __init__(self):
        self.m = np.zeros((10, 5))

    def __call__(self, params, round):
        self.m = 0.5 * self.m + 0.5 * (params - targets)
        return self.m

    def state(self):
        return {"m": self.m}

    def restore(self, state):
        self.m = state["m"]


def test_what_gradients_remember_is_saved(tmp_path):
    def fresh(folder, **more):
        own = Average()
        return rf.Federation(
            own, np.zeros(5), workers=10, byzantine=2, attack="alie", rule="geometric-median", step=0.2, memory=[own],
            evaluate_every=5, out=folder, **more,
        )

    whole = fresh(None)
    whole.run(40)
    part = fresh(tmp_path, evaluate=Once(accuracy, 4))
    with pytest.raises(KeyboardInterrupt):
        part.run(40)
    again = fresh(tmp_path)
    assert again.round == 15
    again.run(40)
    assert again.params.tobytes() == whole.params.tobytes()


def test_rounds_are_added_and_never_taken_away(tmp_path):
    one = make(tmp_path)
    one.run(10)
    one.run(20)
    assert [m["round"] for m in one.metrics] == [0, 5, 10, 15, 20]
    with pytest.raises(ValueError, match="at least 20"):
        one.run(10)
    folder = one.folder
    for name in ("metrics", "timing"):
        lines = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
        assert [line["round"] for line in lines] == [0, 5, 10, 15, 20]
    spent = [(line["seconds"], line["evaluation_seconds"]) for line in lines]
    assert spent == sorted(spent) and all(seconds >= beside for seconds, beside in spent)
    done = (folder / "done.json").read_bytes()
    assert json.loads(done)["rounds"] == 20 and json.loads(done)["resources"]["rounds_per_second"] < 1e7
    again = make(tmp_path)
    assert again.run(20) == one.metrics
    assert (folder / "done.json").read_bytes() == done and again._seconds >= spent[-1][0]


def test_knowledge_is_checked():
    with pytest.raises(ValueError, match="omnicient"):
        make(None, knowledge="omnicient")


def test_the_command_reads_its_folder(tmp_path):
    one = make(tmp_path, evaluate=accuracy, name="mine", full_gradients=full)
    one.run(20)
    page = tmp_path / "page.html"
    _native.call(["report", str(tmp_path), "--out", str(page)])
    assert "geometric-median" in page.read_text()
    assert one.plot("aggregate_error", log=True).startswith("<svg")
    assert one.metrics[0]["full"]["outer_variation"] > 0 and one.metrics[0]["full"]["message_variation"] == 0
    assert len(one.frame()) == len(one.metrics)


def test_the_command_tabulates_and_draws_folders(tmp_path):
    for seed in (0, 1):
        for rule in ("mean", "geometric-median"):
            for attack in ("none", {"sign-flipping": {"factor": -20.0}}):
                start = np.full(5, 0.1 * seed)
                one = rf.Federation(
                    gradients, start, workers=10, byzantine=2, attack=attack, rule=rule, step=shorter, evaluate=accuracy, seed=seed,
                    evaluate_every=5, out=tmp_path, name="mine",
                )
                one.run(10)
    folder = tmp_path / "mine"
    found = rf.results(folder, ["method", "attack"])
    assert len(found) == 4 and all(group["cells"] == 2 for group in found)
    worst = {group["keys"]["method"]: group["worst"] for group in rf.results(folder, ["method"])}
    assert worst["geometric-median"] > worst["mean"]
    _native.call(["plot", str(folder), "--metric", "aggregate-error", "--figure", str(tmp_path / "figure")])
    assert "geometric-median" in (tmp_path / "figure.svg").read_text()
    # Another step is another experiment beside it.
    make(tmp_path, name="mine", evaluate=accuracy, rule="mean", attack="none").run(10)
    assert any("step" in str(group["keys"]) for group in rf.results(folder))


def test_inner_variation_is_what_full_gradients_tell():
    def told(params):
        return params - targets, np.arange(10.0)

    one = make(None, full_gradients=told)
    one.run(5)
    assert one.metrics[0]["full"]["inner_variation"] == 3.5
    for wrong, words in [((targets, np.zeros(9)), "10 variations"), ((targets,), "a pair")]:
        with pytest.raises(errors.CallbackError, match=words):
            make(None, full_gradients=lambda params: wrong).run(5)


def test_an_accuracy_that_is_no_number_is_written(tmp_path):
    one = make(tmp_path, evaluate=lambda params: {"accuracy": np.nan})
    one.run(5)
    assert json.loads((one.folder / "done.json").read_text())["final_accuracy"] is None


@pytest.mark.parametrize("answer, words", [
    (np.zeros((10, 4)), r"10 × 5 numbers, got shape \(10, 4\)"), (np.full((10, 5), np.nan), "regular worker 0 in round 0"),
])
def test_wrong_answers(answer, words):
    one = rf.Federation(lambda params, round: answer, np.zeros(5), workers=10, byzantine=2, out=None)
    with pytest.raises(errors.CallbackError, match=words):
        one.run(3)
    with pytest.raises(errors.ShapeError, match="fewer than the 10"):
        make(None, byzantine=10)

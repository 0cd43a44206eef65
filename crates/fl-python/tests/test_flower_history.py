"""What a federation on Flower leaves on disk, and mods; where Flower is installed."""

import json

import numpy as np
import pytest
import robust_fl as rf

pytest.importorskip("flwr", reason="Flower is not installed: cargo xtask python --all")

from flower_grid import FakeGrid, model, numpy  # noqa: E402
from flwr.app import ConfigRecord, Context, Message, MetricRecord, RecordDict  # noqa: E402
from robust_fl import _native, errors, flower  # noqa: E402
from robust_fl._store import read_checkpoint  # noqa: E402

START = {"b": np.ones(3, np.float32), "a": np.zeros((40, 30), np.float32)}
PLACES = np.random.default_rng(5).normal(size=(9, 40, 30)).astype(np.float32)


def client(i):
    return lambda now, round: {"b": now["b"] * np.float32(0.9), "a": now["a"] + np.float32(0.3) * (PLACES[i] - now["a"])}


def evaluate(round, record):
    return MetricRecord({"accuracy": 1 - 0.5**round, "loss": 0.5**round})


def federation(out, rounds=4, clients=None, **settings):
    settings = {"byzantine": 2, "fraction_evaluate": 0.0, "rule": "geometric-median", **settings}
    strategy = flower.RobustStrategy(out=out, **settings)
    clients = clients or [*map(client, range(8)), lambda now, round: {**now, "b": np.ones(4, np.float32)}]
    result = strategy.start(FakeGrid(clients), model(**START), rounds, 20, evaluate_fn=evaluate)
    (folder,) = (out / "flower").iterdir()
    return strategy, result, folder


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_its_folder_is_one_of_the_engines(tmp_path, capsys):
    strategy, result, folder = federation(tmp_path)
    metrics = lines(folder / "metrics.jsonl")
    assert [line["round"] for line in metrics] == [0, 1, 2, 3, 4]
    assert [line["accuracy"] for line in metrics] == [1 - 0.5**r for r in range(5)] and metrics[0]["test_loss"] == 1
    assert metrics[0]["dropped"] == 1 and metrics[0]["present"] == 8 and metrics[0]["relative_gap"] < 1e-6
    nodes = lines(folder / "nodes.jsonl")
    assert [line["refused"] for line in nodes] == [{"1008": "array 'b' has shape (4,), expected (3,)"}] * 4
    assert abs(sum(nodes[0]["weights"].values()) - 1) < 1e-9 and set(nodes[0]["distances"]) == {str(1000 + i) for i in range(8)}
    said, _ = _native.call(["watch", str(tmp_path), "--once"])
    assert "1 done" in said
    said, _ = _native.call(["results", str(tmp_path / "flower")])
    assert "geometric-median" in said and "0.9375" in said
    page = tmp_path / "page.html"
    _native.call(["report", str(tmp_path), "--out", str(page)])
    assert "geometric-median" in page.read_text()
    last = read_checkpoint(folder / "model.safetensors")
    assert all(last[name].tobytes() == x.tobytes() for name, x in numpy(result.arrays).items())
    # The same federation again is in the same folder, from the start.
    federation(tmp_path)
    assert len(lines(folder / "metrics.jsonl")) == 5


@pytest.mark.parametrize("rule, pre", [
    ("geometric-median", [{"resample": {"s": 2}}]), ("krum", ["nnm"]), ({"trimmed-mean": {"count": 2}}, []),
    (rf.rules.CoordinateMedian(), [rf.pre.Bucketing(s=2)]),
])
def test_saved_rounds_are_decided_again_by_the_command(tmp_path, rule, pre):
    """The updates of a round, through ``fl-cli aggregate``, make the next round's model: to the bit."""
    infinite = lambda now, round: {**now, "a": np.full((40, 30), np.inf, np.float32)}  # noqa: E731
    clients = [*map(client, range(8)), infinite]
    strategy, result, folder = federation(
        tmp_path, rule=rule, pre=pre, seed=3, save_rounds=True, byzantine=1, clients=clients,
    )
    assert strategy.history[0]["dropped"] == [1008] and strategy.history[0]["used"] == [1000 + i for i in range(8)]
    bases = [read_checkpoint(folder / "rounds" / f"{r:05}" / "base.safetensors") for r in range(4)]
    bases.append(numpy(result.arrays))
    for round in range(4):
        place = folder / "rounds" / f"{round:05}"
        told = json.loads((place / "round.json").read_text())
        command = [str(place / x) if x in ("updates", "decision.safetensors") else x for x in told["command"]]
        _native.call(command[1:])
        decided = read_checkpoint(place / "decision.safetensors")
        assert set(decided) == {"b", "a"}
        for name in decided:
            assert (bases[round][name] + decided[name]).tobytes() == bases[round + 1][name].tobytes(), (round, name)


def test_some_rounds_are_saved(tmp_path):
    _, _, folder = federation(tmp_path, save_rounds=3)
    assert sorted(path.name for path in (folder / "rounds").iterdir()) == ["00000", "00003"]


def context(partition, **node):
    return Context(1, 7, {"partition-id": partition, **node}, RecordDict(), {})


def exchange(mod, partition=0, round=1, kept=None, sends="models", update=0.5):
    """What comes of a client's reply behind a mod."""
    now = {name: x + np.float32(2) for name, x in START.items()}
    asked = Message(
        RecordDict({"arrays": model(**now), "config": ConfigRecord({"server-round": round, "robust-fl-sends": sends})}), 7, "train",
    )
    made = {name: (x if sends == "models" else 0) + np.full_like(x, update) for name, x in now.items()}
    reply = lambda message, context: Message(RecordDict({"arrays": model(**made)}), reply_to=message)  # noqa: E731
    answered = mod(asked, kept or context(partition), reply)
    sent = numpy(answered.content["arrays"])
    fits = {name for name, x in sent.items() if sends == "models" and name in now and x.shape == now[name].shape}
    return {name: x - now[name] if name in fits else x for name, x in sent.items()}


def test_attacks_of_clients_are_the_engines():
    flipped = exchange(flower.attack_mod({"sign-flipping": {"factor": -4.0}}))
    assert all((x == -2).all() for x in flipped.values())
    flipped = exchange(flower.attack_mod({"sign-flipping": {"factor": -4.0}}), sends="gradients")
    assert all((x == -2).all() for x in flipped.values())
    mod = flower.attack_mod("gaussian", nodes=[3], seed=1)
    assert all((x == 0.5).all() for x in exchange(mod, partition=2).values())
    drawn = [exchange(mod, 3, round)["a"] for round in (1, 1, 2)]
    assert (drawn[0] == drawn[1]).all() and (drawn[0] != drawn[2]).any()
    other = exchange(flower.attack_mod("gaussian", seed=1), partition=4)["a"]
    assert (other != drawn[0]).any()
    assert (exchange(flower.attack_mod("zero", nodes=lambda context: True, rounds=[2]), round=1)["a"] == 0.5).all()
    assert (exchange(flower.attack_mod("zero", rounds=[2]), round=2)["a"] == 0).all()
    for name in ("alie", "sample-duplicating", "none"):
        with pytest.raises(errors.RequirementError, match="adversary"):
            flower.attack_mod(name)
    with pytest.raises(errors.ChoiceError, match="zero"):
        flower.attack_mod("zerro")


def test_faults():
    assert np.isnan(exchange(flower.fault_mod("nan"))["a"]).all()
    assert exchange(flower.fault_mod("shape"))["b"].shape == (4,)
    assert "b-other" in exchange(flower.fault_mod("name"))
    with pytest.raises(RuntimeError, match="error"):
        exchange(flower.fault_mod("error"))
    kept, mod = context(0), flower.fault_mod("stale")
    assert (exchange(mod, kept=kept, update=0.5)["a"] == exchange(mod, kept=kept, update=0.7)["a"]).all()
    with pytest.raises(errors.RequirementError, match="nan, shape"):
        flower.fault_mod("nann")

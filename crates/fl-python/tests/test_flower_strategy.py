"""No reply of any client stops, poisons or stalls a federation on Flower; where Flower is installed."""

import itertools
import time

import numpy as np
import pytest
import robust_fl as rf

pytest.importorskip("flwr", reason="Flower is not installed: cargo xtask python --all")

from flower_grid import FakeGrid, content, model, numpy  # noqa: E402
from flwr.app import Array, ArrayRecord, Error, MetricRecord, RecordDict  # noqa: E402
from flwr.serverapp.strategy import (  # noqa: E402
    DifferentialPrivacyServerSideFixedClipping,
    FedAvg,
    Krum,
)
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from robust_fl import errors, flower  # noqa: E402

START = {"w": np.zeros((3, 2), np.float32), "b": np.ones(2, np.float32), "seen": np.array(4)}
CLIENTS, F = 11, 2


def honest(client):
    """A client that pulls towards a place of its own."""
    place = np.random.default_rng(client).normal(loc=1.0, scale=0.1, size=(3, 2)).astype(np.float32)

    def train(now, round):
        return {"w": now["w"] + 0.5 * (place - now["w"]), "b": now["b"] * np.float32(0.9), "seen": now["seen"] + 1}

    return train


def run(clients, rounds=2, byzantine=F, start=START, delays=None, timeout=20.0, queries=None, evaluate_fn=None, **settings):
    settings = {"out": None, "fraction_evaluate": 0.0, **settings}
    strategy = flower.RobustStrategy(byzantine=byzantine, **settings)
    grid = FakeGrid(clients, delays, queries)
    result = strategy.start(grid, model(**start), rounds, timeout, evaluate_fn=evaluate_fn)
    return strategy, result


def raw(data, dtype="float32", shape=(3, 2), stype="numpy.ndarray"):
    """An array of Flower made of any bytes."""
    return Array(dtype, shape, stype, data)


def header(shape, descr="<f4"):
    """A file of NumPy that claims a shape, and has next to no numbers."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (63 - (len(text) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(8)


def but(**changes):
    """A client that is honest but for some arrays."""

    def train(now, round):
        sent = {**honest(99)(now, round), **changes}
        return {name: x for name, x in sent.items() if x is not None}

    return train


def record(**arrays):
    """A client whose arrays are made of any bytes."""

    def train(now, round):
        sent = ArrayRecord({name: Array(np.asarray(x)) for name, x in honest(99)(now, round).items()})
        for name, array in arrays.items():
            sent[name] = array
        return content(sent)

    return train


def metrics(**numbers):
    """A client that says other things of itself."""
    numbers = {name.replace("_", "-"): x for name, x in numbers.items()}
    return lambda now, round: content(honest(99)(now, round), numbers or {"other": 1.0})


NAN = np.full((3, 2), np.nan, np.float32)
FORTRAN = b"\x93NUMPY\x01\x00"
# What a client replies, and whether it is refused, dropped, or used.
REPLIES = {
    "NaN": (but(w=NAN), "dropped"),
    "infinity": (but(b=np.array([np.inf, 1], np.float32)), "dropped"),
    "another shape": (but(w=np.zeros((2, 3), np.float32)), "shape (2, 3), expected (3, 2)"),
    "one axis more": (but(b=np.ones((1, 2), np.float32)), "shape (1, 2), expected (2,)"),
    "no axis": (but(b=np.float32(1)), "shape ()"),
    "text": (but(w=np.array([["a"] * 2] * 3)), "holds <U1, expected floats"),
    "whole numbers": (but(w=np.ones((3, 2), np.int64)), "whole numbers, expected floats"),
    "complex numbers": (but(w=np.ones((3, 2), np.complex64)), "complex64, expected floats"),
    "another name": (lambda now, round: {"v" if k == "w" else k: x for k, x in honest(99)(now, round).items()}, "lacks the array 'w' and has an array 'v'"),
    "an array more": (but(more=np.ones(2, np.float32)), "has an array 'more'"),
    "an array less": (but(b=None), "lacks the array 'b'"),
    "counters as floats": (but(seen=np.array(4.0)), "'seen' holds floats, expected whole numbers"),
    "float64": (but(w=np.ones((3, 2))), "used"),
    "float16": (but(w=np.ones((3, 2), np.float16)), "used"),
    "big-endian": (but(w=np.ones((3, 2), ">f4")), "used"),
    "Fortran order": (but(w=np.asfortranarray(np.ones((3, 2), np.float32))), "used"),
    "too large for float32": (but(w=np.full((3, 2), 1e300)), "dropped"),
    "one metric more": (metrics(num_examples=10, more=1.0), "used"),
    "no num-examples": (metrics(), "used"),
    "num-examples 0": (metrics(num_examples=0), "used"),
    "num-examples NaN": (metrics(num_examples=float("nan")), "used"),
    "num-examples is a list": (metrics(num_examples=[1, 2]), "used"),
    "num-examples 10¹⁵ with −100 w": (
        lambda now, round: content({**now, "w": np.full((3, 2), -100, np.float32)}, {"num-examples": 10**15}), "used"),
    "no metrics": (lambda now, round: RecordDict({"a": model(**honest(99)(now, round))}), "used"),
    "no arrays": (lambda now, round: RecordDict({"m": MetricRecord({"num-examples": 1})}), "has 0 records of arrays"),
    "two records": (lambda now, round: RecordDict({"a": model(**now), "b": model(**now)}), "has 2 records of arrays"),
    "empty record": (lambda now, round: RecordDict({"a": ArrayRecord()}), "lacks the array 'w' and 2 more"),
    "an error": (lambda now, round: Error(3, "out\nof\x1b[31m memory"), "the client failed (code 3): out of [31m memory"),
    "unreadable": (lambda now, round: ValueError("Unexpected set of `children`"), "cannot be read: Unexpected set"),
    "no NumPy": (record(w=raw(b"garbage")), "cannot be read"),
    "no bytes": (record(w=raw(b"")), "cannot be read"),
    "pickles": (record(w=raw(header((3, 2), "|O"))), "it holds objects"),
    "another format": (record(w=raw(b"", stype="torch")), "written as 'torch'"),
    "a petabyte": (record(w=raw(header((10**7, 10**7, 10)))), "needs 4000000000000000 bytes, it has 8"),
    "a negative shape": (record(w=raw(header((-3, -2)))), "shape is (-3, -2)"),
    "format 3": (record(w=raw(b"\x93NUMPY\x03\x00" + bytes(64))), "format has version"),
    "a header without end": (record(w=raw(b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535)), "cannot be read"),
}


@pytest.mark.parametrize("kind", REPLIES)
@pytest.mark.parametrize("rule", ["geometric-median", "trimmed-mean", "krum"])
def test_one_bad_client_of_eleven(kind, rule):
    bad, outcome = REPLIES[kind]
    told = []
    strategy, result = run(
        [bad, *map(honest, range(1, CLIENTS))], rule=rule, on_refuse=lambda *said: told.append(said),
    )
    made = numpy(result.arrays)
    assert [(x.dtype, x.shape) for x in made.values()] == [(x.dtype, x.shape) for x in map(np.asarray, START.values())]
    assert made["seen"] == 4, "whole numbers are the server's"
    # Two steps halfway to 1: the honest ones are near 0.75, whatever the bad client sends.
    assert np.abs(made["w"] - 0.75).max() < 0.2 and np.abs(made["b"] - 0.81).max() < 0.02
    for entry in strategy.history:
        assert entry["skipped"] is None and entry["silent"] == []
        assert entry["dropped"] == ([1000] if outcome == "dropped" else [])
        if outcome in ("used", "dropped"):
            assert entry["refused"] == {} and len(entry["used"]) == 11 - (outcome == "dropped")
        else:
            assert list(entry["refused"]) == [1000] and outcome in entry["refused"][1000], entry["refused"]
    assert len(told) == (0 if outcome in ("used", "dropped") else 2)
    metrics = result.train_metrics_clientapp[1]
    assert metrics["skipped"] == 0 and metrics["refused"] + metrics["dropped"] == (outcome != "used")
    assert np.isfinite(list(metrics.values())).all()


@pytest.mark.parametrize("strategy, kind", [
    (FedAvg, "another shape"), (FedAvg, "one metric more"), (FedAvg, "no num-examples"), (Krum, "one metric more"),
    (Krum, "text"), (Krum, "another name"),
])
def test_flowers_own_strategies_end_there(strategy, kind):
    """What the table compares with."""
    clients = [REPLIES[kind][0], *map(honest, range(1, CLIENTS))]
    with pytest.raises(Exception):
        strategy(fraction_evaluate=0.0).start(FakeGrid(clients), model(**START), 2)


def test_a_dead_client_costs_its_absence():
    clients = [honest(i) for i in range(CLIENTS)]
    begin = time.monotonic()
    strategy, result = run(
        clients, rounds=4, delays={0: lambda round: None, 1: lambda round: 0.3 if round == 2 else 0.0}, grace=0.5,
    )
    assert time.monotonic() - begin < 5
    assert [entry["silent"] for entry in strategy.history] == [[1000], [1000, 1001], [1000], [1000]]
    assert all(entry["skipped"] is None for entry in strategy.history)


def test_late_replies_are_told_and_not_used():
    clients = [honest(i) for i in range(7)]
    strategy, _ = run(clients, rounds=5, delays={0: lambda round: 0.4 if round == 1 else 0.15 if round == 3 else 0.0}, grace=0)
    assert strategy.history[0]["silent"] == [1000]
    late = [(entry["round"], entry["late"]) for entry in strategy.history if entry["late"]]
    assert all(number < round for round, said in late for number in said.values())


def test_too_few_replies_skip_the_round():
    clients = [honest(i) for i in range(7)]
    broken = lambda now, round: Error(0, "no") if round == 2 else honest(0)(now, round)  # noqa: E731
    strategy, result = run([*clients[:4], broken, broken, broken], rounds=3, byzantine=2)
    assert [entry["skipped"] is None for entry in strategy.history] == [True, False, True]
    assert "4 of 7 replies can be used, and the rule needs 5 with f = 2" in strategy.history[1]["skipped"]
    assert result.train_metrics_clientapp[2]["skipped"] == 1


def test_time_out():
    clients = [honest(i) for i in range(7)]
    dead = {i: lambda round: None for i in range(3)}
    begin = time.monotonic()
    strategy, result = run(clients, rounds=2, byzantine=2, delays=dead, timeout=0.4)
    assert 0.8 <= time.monotonic() - begin < 4 and all(entry["skipped"] for entry in strategy.history)
    assert numpy(result.arrays)["b"].tolist() == [1, 1], "the model stays as it is"


def test_second_replies_and_strangers(caplog):
    clients = [honest(i) for i in range(5)]

    class Doubling(FakeGrid):
        def pull_messages(self, message_ids):
            found = super().pull_messages(message_ids)
            for message in list(found):
                lie = super()._answer(message_like(message, 1000, -100.0))
                stranger = super()._answer(message_like(message, 1001, -100.0))
                stranger.metadata.__dict__["_src_node_id"] = 77
                found += [lie, stranger]
            return found

    def message_like(message, node, value):
        from flwr.app import ConfigRecord, Message

        lie = Message(RecordDict({"arrays": model(**START), "config": ConfigRecord({"server-round": 1})}), node, "train")
        lie.metadata.__dict__["_message_id"] = "never sent"
        return lie

    strategy = flower.RobustStrategy(byzantine=1, out=None, fraction_evaluate=0.0)
    strategy.start(Doubling(clients), model(**START), 1)
    assert strategy.history[0]["used"] == [1000 + i for i in range(5)]


@pytest.mark.parametrize("settings, words", [
    ({"byzantine": 6}, "byzantine = 6 of 11 clients: liars must be fewer than half, so byzantine may be at most 5, or at least 13"),
    ({"quorum": 4}, "quorum = 4 of 11 clients: with byzantine = 2 the rule needs at least 5"),
    ({"quorum": 12}, "quorum = 12 of 11 clients"),
    ({"rule": "krumm"}, "krum"),
    ({"pre": ["nmm"]}, "nnm"),
    ({"rule": {"krum": {"varient": "paper"}}}, "variant"),
    ({"byzantine": -1}, "byzantine and grace"),
    ({"save_rounds": True}, "save_rounds needs a folder"),
    ({"adversary": {"attack": "alei", "nodes": 2}}, "alie"),
    ({"rule": "bulyan", "byzantine": 3}, "11 clients with byzantine = 3"),
])
def test_bad_configurations_are_told_before_round_1(settings, words):
    asked = []
    spy = lambda now, round: asked.append(round) or honest(0)(now, round)  # noqa: E731
    with pytest.raises(errors.RobustError, match=words):
        run([spy] * CLIENTS, **{"byzantine": F, **settings})
    assert asked == []


def test_clients_with_other_models_are_told_before_round_1():
    mine = {"w": "floats (3, 2)", "b": "floats (2,)", "seen": "whole numbers ()"}
    other = {**mine, "w": "floats (4, 2)"}
    clients = [honest(i) for i in range(7)]
    run(clients, queries={i: mine for i in range(7)} | {0: other, 1: {"w": 3}})
    run(clients, queries={0: mine, 1: ValueError("broken")})
    with pytest.raises(errors.StructureError, match=r"3 of 7 clients have another model.*byzantine = 2; node 1000: its array 'w' is floats \(4, 2\), expected floats \(3, 2\)"):
        run(clients, queries={i: mine for i in range(7)} | {i: other for i in range(3)})


def test_wrappers_and_the_old_api_are_refused():
    strategy = flower.RobustStrategy(byzantine=1, out=None)
    private = DifferentialPrivacyServerSideFixedClipping(strategy, 1.0, 1.0, 5)
    with pytest.raises(errors.RequirementError, match="calibrated for the mean"):
        private.start(FakeGrid([honest(i) for i in range(5)]), model(**START), 1)
    with pytest.raises(errors.RequirementError, match="SecAgg"):
        strategy.configure_fit(1, None, None)


def test_gradients_are_the_papers_round():
    """The same messages through the engine's server give the same model, to the bit."""
    targets = np.random.default_rng(3).normal(size=(9, 3, 2)).astype(np.float32)
    clients = [lambda now, round, t=t: {"w": now["w"] - t, "b": now["b"], "seen": now["seen"]} for t in targets]
    for rule, pre in [("geometric-median", ["nnm"]), ("krum", []), ("centered-clipping", [{"resample": {"s": 2}}])]:
        strategy, result = run(clients, rounds=5, rule=rule, pre=pre, byzantine=2, step=0.3, seed=7)
        x = np.concatenate([START["w"].reshape(-1), START["b"]])
        server = rf.Aggregator(rule, 2, pre=pre, seed=7)
        for _ in range(5):
            rows = np.stack([np.concatenate([(x[:6] - t.reshape(-1)), x[6:]]) for t in targets])
            x = x - np.float32(0.3) * server(rows)
        made = numpy(result.arrays)
        assert np.concatenate([made["w"].reshape(-1), made["b"]]).tobytes() == x.tobytes()


def test_weights():
    def client(place, claim):
        return lambda now, round: content({**now, "w": np.full((3, 2), place, np.float32)}, {"num-examples": claim})

    clients = [client(1.0, 10), client(2.0, 10), client(2.0, 10), client(2.0, 10), client(-100.0, 10**15)]
    _, result = run(clients, rounds=1, byzantine=1, rule="geometric-median", weights="num-examples")
    assert np.abs(numpy(result.arrays)["w"] - 2).max() < 0.1, "a claim counts for no more than the median"
    claims = [client(1.0, 10)] * 4 + [client(-100.0, float("nan"))]
    strategy, _ = run(claims, rounds=1, byzantine=1, weights="num-examples")
    assert "no number above 0" in strategy.history[0]["refused"][1004]
    strategy, result = run(clients, rounds=1, byzantine=1, weights={1000: 5.0, 1001: 4.0, 1002: 4.0})
    assert strategy.history[0]["refused"] == {1003: "it has no weight", 1004: "it has no weight"}
    assert np.abs(numpy(result.arrays)["w"] - 2).max() < 0.01
    strategy, _ = run(clients, rounds=1, byzantine=1, weights={1000: 9.0, 1001: 1.0, 1002: 1.0, 1003: 1.0})
    assert "less than half" in strategy.history[0]["skipped"]


def test_an_adversary_at_the_server():
    clients = [honest(i) for i in range(CLIENTS)]
    attacked = {"attack": {"sign-flipping": {"factor": -50.0}}, "nodes": 2}
    strategy, robust = run(clients, adversary=attacked)
    assert strategy.history[0]["attacked"] == [1009, 1010]
    assert np.abs(numpy(robust.arrays)["w"] - 0.75).max() < 0.2
    _, plain = run(clients, adversary=attacked, rule="mean")
    assert np.abs(numpy(plain.arrays)["w"] - 0.75).max() > 5
    strategy, _ = run(clients, adversary={"attack": "alie", "nodes": [1003, 1000]})
    assert strategy.history[0]["attacked"] == [1000, 1003]


def test_clients_metrics_cannot_stop_a_round():
    says = lambda x: (lambda now, round: content(honest(1)(now, round), x))  # noqa: E731
    clients = [says({"loss": 1.0}), says({"loss": 3.0}), says({"loss": 2.0, "own": 1.0}), says({"loss": float("inf")}), says({"loss": 1e300})]
    _, result = run(clients, rounds=1, byzantine=1, fraction_evaluate=1.0)
    assert result.train_metrics_clientapp[1]["loss"] == 2.5 and "own" not in result.train_metrics_clientapp[1]
    assert result.evaluate_metrics_clientapp[1]["loss"] == 2.5
    _, result = run(clients, rounds=1, byzantine=1, train_metrics_aggr_fn=lambda records, key: 1 / 0)
    assert result.train_metrics_clientapp[1]["skipped"] == 0


def test_sampling_has_an_address():
    clients = [honest(i) for i in range(20)]
    asked = [run(clients, rounds=3, byzantine=1, fraction_train=0.5, seed=seed)[0].history for seed in (0, 0, 1)]
    of = [[entry["asked"] for entry in history] for history in asked]
    assert of[0] == of[1] != of[2] and all(len(nodes) == 10 for nodes in of[0]) and of[0][0] != of[0][1]


def test_clients_that_leave_are_not_waited_for():
    clients = [honest(i) for i in range(7)]

    class Leaving(FakeGrid):
        def get_node_ids(self):
            return list(self.connected)[: 7 if self.count < 14 else 5]

    strategy = flower.RobustStrategy(byzantine=2, out=None, fraction_evaluate=0.0, min_available_nodes=7, min_train_nodes=7)
    grid = Leaving(clients)
    strategy.start(grid, model(**START), 4, timeout=20)
    assert [len(entry["asked"]) for entry in strategy.history] == [7, 5, 5, 5]


NUMBERS = st.one_of(
    st.floats(width=32, allow_nan=True, allow_infinity=True), st.sampled_from([1e30, -1e30, 3e38, 0.0, -0.0, 1e-45]),
)
ARRAYS = st.one_of(
    st.lists(NUMBERS, min_size=6, max_size=6).map(lambda x: np.array(x, np.float32).reshape(3, 2)),
    st.sampled_from([np.zeros(3), np.array("text"), np.zeros((3, 2), complex), np.zeros((3, 2), bool), np.zeros(0)]),
    st.lists(NUMBERS, min_size=6, max_size=6).map(lambda x: np.array(x, np.float64).reshape(3, 2)),
)
LIES = st.one_of(
    st.dictionaries(st.sampled_from(["w", "b", "seen", "x"]), ARRAYS, max_size=4).map(content),
    ARRAYS.map(lambda x: content({**START, "w": x})),
    st.binary(max_size=200).map(lambda data: RecordDict({"a": ArrayRecord({"w": raw(data)})})),
    st.binary(max_size=80).map(lambda data: content(ArrayRecord({
        "w": raw(header((3, 2)) + data), "b": Array(START["b"]), "seen": Array(np.asarray(4))}))),
    st.text(max_size=50).map(lambda text: Error(1, text)),
    st.just(RecordDict()),
    st.text(max_size=20).map(OSError),
)


@settings(max_examples=150, deadline=None)
@given(lies=st.lists(LIES, min_size=2, max_size=2), rule=st.sampled_from(["geometric-median", "trimmed-mean", "krum", "coordinate-median"]), seed=st.integers(0, 1000))
def test_law(lies, rule, seed):
    """Never an exception, never a model that is not finite, and never farther from the honest mean than the rule's κ says."""
    draws = np.random.default_rng(seed)
    moves = draws.normal(size=(5, 8)).astype(np.float32)
    clients = [lambda now, round, lie=lie: lie for lie in lies]
    clients += [
        lambda now, round, m=m: {"w": now["w"] + m[:6].reshape(3, 2), "b": now["b"] + m[6:], "seen": now["seen"]} for m in moves
    ]
    strategy, result = run(clients, rounds=1, rule=rule, grace=0)
    made = numpy(result.arrays)
    out = np.concatenate([made["w"].reshape(-1), made["b"] - 1]).astype(np.float64)
    assert np.isfinite(out).all()
    entry = strategy.history[0]
    assert entry["skipped"] is None
    used = len(entry["used"])
    # For five updates with f = 2 nothing is proven for Krum.
    assert entry["kappa"] is not None or (rule == "krum" and used < 7)
    if entry["kappa"] is None:
        return
    for some in itertools.combinations(moves.astype(np.float64), used - F):
        mean = np.mean(some, axis=0)
        spread = np.mean([((m - mean) ** 2).sum() for m in some])
        assert ((out - mean) ** 2).sum() <= entry["kappa"] * spread * (1 + 1e-3) + 1e-4

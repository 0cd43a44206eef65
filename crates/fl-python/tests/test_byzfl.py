"""byzfl's names: equal to byzfl's recorded answers, and to byzfl itself where it is installed."""

import json
from pathlib import Path

import numpy as np
import pytest
from robust_fl.compat import byzfl as ours

crates = Path(__file__).parents[2]


def cases(path):
    recorded = json.loads((crates / path).read_text())
    for case in recorded["cases"]:
        x = case.get("input")
        yield case, np.array(recorded["inputs"][case["case"]] if x is None else x)


def test_aggregators_on_recorded_answers():
    seen = {}
    for path in ("fl-agg/tests/suite/golden/byzfl.json", "fl-agg/tests/suite/golden/byzfl_spectral.json"):
        for case, x in cases(path):
            name, _, rest = case["op"].partition(".")
            # CAF draws; of equal sets SMEA takes the first in byzfl's order; sequences are tested in the crate.
            if rest or name == "CAF" or (name == "SMEA" and not case["case"].startswith("normal")):
                continue
            parameters = {k: v for k, v in case["params"].items() if k != "order"}
            try:
                out = getattr(ours, name)(**parameters)(x)
            except ValueError as error:
                assert "must be" in str(error)
                continue
            scale = np.abs(x).max()
            if case.get("margin", 1) < 1e-9:
                continue
            np.testing.assert_allclose(out, case["output"], rtol=1e-6, atol=1e-6 * scale, err_msg=str(case["op"]))
            seen[name] = seen.get(name, 0) + 1
    assert {"GeometricMedian", "Krum", "MultiKrum", "CenteredClipping", "MoNNA", "MDA", "SMEA"} <= set(seen)


def test_attacks_on_recorded_answers():
    seen = set()
    for case, x in cases("fl-attacks/tests/suite/golden/byzfl.json"):
        if case["op"].startswith("Optimal"):
            continue
        out = getattr(ours, case["op"])(**case["params"])(x)
        want = np.array([np.inf if v is None or isinstance(v, str) else v for v in case["output"]])
        np.testing.assert_allclose(out, want, rtol=1e-9, atol=1e-12)
        seen.add(case["op"])
    assert {"SignFlipping", "ALittleIsEnough", "InnerProductManipulation", "Mimic"} <= seen


def test_pre_aggregators(messages):
    before = messages.copy()
    clipped = ours.Clipping(c=2.0)(messages)
    np.testing.assert_allclose(np.linalg.norm(clipped, axis=1), 2.0)
    assert (messages == before).all()
    near = np.argsort(((messages[0] - messages) ** 2).sum(axis=1))[:24]
    np.testing.assert_allclose(ours.NNM(f=6)(messages)[0], messages[near].mean(axis=0))
    assert len(ours.Bucketing(s=2)(list(messages))) == 15
    both = ours.RobustAggregator({"name": "TrMean", "parameters": {"f": 6}}, [{"name": "NNM", "parameters": {"f": 6}}])
    np.testing.assert_allclose(both.aggregate_vectors(messages), ours.TrMean(6)(ours.NNM(6)(messages)), rtol=1e-9)


def test_clients(messages):
    client = ours.ByzantineClient({
        "f": 3, "name": "Optimal_InnerProductManipulation", "parameters": {},
        "aggregator_info": {"name": "TrMean", "parameters": {"f": 3}}, "pre_agg_list": [],
    })
    sent = client.apply_attack(messages[:24])
    assert len(sent) == 3 and np.isfinite(sent[0]).all()
    assert ours.ByzantineClient({"f": 0, "name": "Inf", "parameters": {}}).apply_attack(messages) == []


def test_an_experiment(tmp_path):
    import robust_fl as rf

    config = {
        "benchmark_config": {"nb_steps": 20, "f": [1, 2], "nb_honest_clients": 8, "data_distribution": [
            {"name": "gamma_similarity_niid", "distribution_parameter": [1.0, 0.5]}]},
        "model": {"name": "cnn_mnist", "dataset_name": "mnist", "learning_rate": 0.1},
        "aggregator": [{"name": "GeometricMedian", "parameters": {"nu": 0.1, "T": 3}}, {"name": "TrMean", "parameters": {}}],
        "pre_aggregators": [{"name": "NNM", "parameters": {}}],
        "honest_clients": {"momentum": 0.9, "weight_decay": 0.0001, "batch_size": 25},
        "attack": [{"name": "SignFlipping", "parameters": {}}, {"name": "LabelFlipping", "parameters": {}}],
    }
    made, lost = ours.experiment(config)
    assert {"gamma_similarity_niid", "cnn_mnist", "LabelFlipping"} <= set(" ".join(lost).replace("'", " ").replace(":", " ").split())
    made["data"]["set"] = "digits"
    assert len(rf.run(made, out=tmp_path).cells) == 2


def test_against_byzfl_itself(messages):
    theirs = pytest.importorskip("byzfl")
    for name, parameters in [
        ("Average", {}), ("Median", {}), ("TrMean", {"f": 6}), ("GeometricMedian", {}), ("Krum", {"f": 6}),
        ("MultiKrum", {"f": 6}), ("CenteredClipping", {}), ("MoNNA", {"f": 6}), ("Meamed", {"f": 6}), ("MDA", {"f": 2}),
    ]:
        want = getattr(theirs, name)(**parameters)(messages.copy())
        np.testing.assert_allclose(getattr(ours, name)(**parameters)(messages), want, rtol=1e-6, atol=1e-6, err_msg=name)

"""byzfl's names: equal to byzfl's recorded answers, and to byzfl itself where it is installed."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import robust_fl as rf
from robust_fl.compat import byzfl as ours

crates = Path(__file__).parents[2]
# A comparison that rounding decides has no answer.
DECIDED = 1e-9


def cases(path):
    recorded = json.loads((crates / path).read_text())
    for case in recorded["cases"]:
        x = case.get("input")
        yield case, np.array(recorded["inputs"][case["case"]] if x is None else x)


def near(found, wanted, x, what):
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6 * np.abs(x).max(), err_msg=what)


def test_aggregators_on_recorded_answers():
    seen, ties = Counter(), Counter()
    for path in ("byzfl", "byzfl_spectral", "coordinate"):
        for case, x in cases(f"fl-agg/tests/suite/golden/{path}.json"):
            name, _, rest = case["op"].partition(".")
            # CAF draws, and has a test of its own; sequences are tested in the crate.
            if rest or name == "CAF":
                continue
            parameters = {k: v for k, v in case["params"].items() if k != "order"}
            # Of sets that are as good SMEA takes the first in byzfl's order.
            if case.get("margin", 1) < DECIDED or (name == "SMEA" and not case["case"].startswith("normal")):
                ties[name] += 1
                continue
            out = getattr(ours, name)(**parameters)(x)
            near(out, case["output"], x, f"{name} {case['case']}")
            seen[name] += 1
    assert seen == {
        "GeometricMedian": 21, "Krum": 11, "MultiKrum": 14, "CenteredClipping": 17, "MoNNA": 15, "MDA": 10, "SMEA": 3,
        "Median": 17, "TrMean": 17, "Meamed": 13,
    }
    assert ties == {"Krum": 6, "MultiKrum": 3, "MoNNA": 2, "MDA": 4, "SMEA": 4, "Meamed": 4}
    x = np.random.default_rng(0).normal(size=(7, 5))
    np.testing.assert_allclose(ours.Average()(x), x.mean(axis=0), rtol=1e-12)


def test_caf_draws_its_directions():
    """Of messages of one number the direction is the same whatever is drawn, and so is the answer."""
    seen = 0
    for case, x in cases("fl-agg/tests/suite/golden/byzfl_spectral.json"):
        if case["op"] == "CAF" and x.shape[1] == 1:
            near(ours.CAF(**case["params"])(x), case["output"], x, case["case"])
            seen += 1
    assert seen == 2


def test_attacks_on_recorded_answers():
    defences = {
        "average+clipping2.0": lambda f: (ours.Average(), [ours.Clipping(c=2.0)]),
        "median+nnm": lambda f: (ours.Median(), [ours.NNM(f=f)]),
        "trmean": lambda f: (ours.TrMean(f=f), []),
    }
    seen, ties = Counter(), 0
    for case, x in cases("fl-attacks/tests/suite/golden/byzfl.json"):
        parameters, what = dict(case["params"]), f"{case['op']} {case['case']} {case['params']}"
        want = np.array([np.inf if v is None or isinstance(v, str) else v for v in case["output"]])
        if "agg" in parameters:
            agg, pre = defences[parameters["agg"]](parameters["f"])
            parameters |= {"agg": agg, "pre_agg_list": pre}

            def moved(sent):
                vectors = np.vstack([x, *[sent] * case["params"]["f"]])
                for stage in pre:
                    vectors = stage(vectors)
                return np.linalg.norm(agg(vectors) - x.mean(axis=0))

        out = getattr(ours, case["op"])(**parameters)(x)
        seen[case["op"]] += 1
        if "agg" in parameters:
            np.testing.assert_allclose(moved(out), moved(want), rtol=1e-9, atol=1e-12, err_msg=what)
        if case["op"] == "Optimal_InnerProductManipulation" and case["params"]["agg"] == "average+clipping2.0":
            # Clipped, all strengths beyond some one are the same message: which of them is best, rounding decides.
            ties += 1
            continue
        np.testing.assert_allclose(out, want, rtol=1e-9, atol=1e-12, err_msg=what)
    assert ties == 3
    assert seen == {
        "SignFlipping": 3, "InnerProductManipulation": 3, "ALittleIsEnough": 3, "Mimic": 3, "Inf": 3,
        "Optimal_InnerProductManipulation": 9, "Optimal_ALittleIsEnough": 9,
    }


@pytest.mark.parametrize("name, compared, ties", [("NNM", 11, 6), ("ARC", 17, 0), ("Clipping", 17, 0)])
def test_pre_aggregators_on_recorded_answers(name, compared, ties):
    seen, tied = 0, 0
    for case, x in cases(f"fl-resample/tests/suite/golden/{name.lower()}.json"):
        if case.get("margin", 1) < DECIDED:
            tied += 1
            continue
        near(getattr(ours, name)(**case["params"])(x), case["output"], x, f"{name} {case['case']}")
        seen += 1
    assert (seen, tied) == (compared, ties)


def test_bucketing_draws_its_buckets():
    """Each answer is a mean of as many messages, everybody's message is in one of them, and sizes are byzfl's."""
    seen = 0
    for case, x in cases("fl-resample/tests/suite/golden/bucketing.json"):
        s = case["params"]["s"]
        out = np.array(ours.Bucketing(s=s)(list(x)))
        assert out.shape == np.shape(case["output"])
        sizes = [min(s, len(x) - at) for at in range(0, len(x), s)]
        near(np.dot(sizes, out), x.sum(axis=0), x, case["case"])
        seen += 1
    assert seen == 25


def test_chains(messages):
    before = messages.copy()
    clipped = ours.Clipping(c=2.0)(messages)
    np.testing.assert_allclose(np.linalg.norm(clipped, axis=1), 2.0)
    assert (messages == before).all()
    assert len(ours.Bucketing(s=2)(list(messages))) == 15

    def both(aggregator, pre, **more):
        made = ours.RobustAggregator({"name": aggregator, "parameters": more}, [{"name": pre, "parameters": {"f": 6}}])
        return made.aggregate_vectors(messages)

    np.testing.assert_allclose(both("TrMean", "NNM", f=6), ours.TrMean(6)(ours.NNM(6)(messages)), rtol=1e-9)
    # f = 0 is an f as any other.
    np.testing.assert_allclose(both("TrMean", "NNM", f=0), ours.NNM(6)(messages).mean(axis=0), rtol=1e-9)
    # multi-Krum averages W − f of the messages that reach it.
    half = ours.RobustAggregator(
        {"name": "MultiKrum", "parameters": {"f": 3}}, [{"name": "Bucketing", "parameters": {"s": 2}}]
    ).aggregate_vectors(messages[:24])
    assert np.isfinite(half).all()


def test_a_message_that_is_not_finite_is_left_out(messages):
    messages[3, 1] = np.nan
    for pre in (ours.NNM(f=6), ours.ARC(f=6), ours.Clipping(c=2.0), ours.Bucketing(s=2)):
        out = pre(messages)
        assert np.isfinite(out).all() and len(out) == (15 if isinstance(pre, ours.Bucketing) else 29), pre
    near = rf.pre.Nnm()(messages, 6)
    assert (ours.NNM(f=6)(messages) == near).all()


def test_clients(messages):
    honest = messages[:24]

    def client(**more):
        parameters = {"f": 3, "aggregator_info": {"name": "TrMean", "parameters": {"f": 3}}, **more}
        return ours.ByzantineClient({"f": 3, "name": "Optimal_InnerProductManipulation", "parameters": parameters})

    sent = client(pre_agg_list=[{"name": "NNM", "parameters": {"f": 3}}]).apply_attack(honest)
    want = ours.Optimal_InnerProductManipulation(ours.TrMean(3), [ours.NNM(3)], f=3)(honest)
    assert len(sent) == 3 and (sent[0] == want).all()
    # It is that defence which is rehearsed, and not another one.
    other = client(pre_agg_list=[]).apply_attack(honest)
    assert (other[0] == ours.Optimal_InnerProductManipulation(ours.TrMean(3), [], f=3)(honest)).all()
    assert not (other[0] == want).all()
    with pytest.raises(ValueError, match="same in the attack and in what it rehearses, got 3 and 2"):
        client(pre_agg_list=[{"name": "NNM", "parameters": {"f": 2}}])
    assert ours.ByzantineClient({"f": 0, "name": "Inf", "parameters": {}}).apply_attack(messages) == []
    nobody = {"name": "NoAttack", "parameters": {}}
    assert ours.ByzantineClient({"f": 0, **nobody}).apply_attack(messages) == []
    with pytest.raises(ValueError, match="NoAttack"):
        ours.ByzantineClient({"f": 2, **nobody}).apply_attack(messages)


CONFIG = {
    "benchmark_config": {
        "training_algorithm": {"name": "DSGD", "parameters": {}}, "nb_steps": 20, "device": "cuda", "training_seed": 3,
        "nb_training_seeds": 2, "nb_honest_clients": 8, "f": [1, 2], "size_train_set": 1.0, "data_distribution_seed": 3,
        "data_distribution": [{"name": "gamma_similarity_niid", "distribution_parameter": [1.0, 0.5]}],
    },
    "model": {
        "name": "cnn_mnist", "dataset_name": "mnist", "nb_labels": 10, "loss": "NLLLoss", "learning_rate": 0.1,
        "learning_rate_decay": 0.5, "milestones": [10, 15],
    },
    "aggregator": [{"name": "GeometricMedian", "parameters": {"nu": 0.1, "T": 3}}, {"name": "TrMean"}],
    "pre_aggregators": [{"name": "NNM", "parameters": {}}],
    "honest_clients": {"momentum": 0.9, "weight_decay": 0.0001, "batch_size": 25},
    "attack": [{"name": "SignFlipping", "parameters": {}}, {"name": "Optimal_ALittleIsEnough", "parameters": {}}],
    "evaluation_and_results": {"evaluation_delta": 5, "evaluate_on_test": True, "results_directory": "./results"},
}


def changed(**more):
    return {key: {**part, **more.get(key, {})} if isinstance(part, dict) else more.get(key, part)
            for key, part in CONFIG.items()} | {key: part for key, part in more.items() if key not in CONFIG}


def test_an_experiment():
    made, lost = ours.experiment(CONFIG)
    assert [sentence.partition(":")[0] for sentence in lost] == ["f = [1, 2]", "the data are shared among the regular workers alone"]
    assert made["seeds"] == [3, 4] and made["rounds"] == 20 and made["evaluate-every"] == 5
    assert made["federation"]["workers"] == 10 and made["federation"]["byzantine"] == {"count": 2}
    assert made["model"]["convolutional"]["channels"] == [20, 50]
    assert made["train"] == {
        "batch": 25, "step": 0.1, "weight-decay": 1e-4, "schedule": {"steps": {"at": [10, 15], "factor": 0.5}},
    }
    assert made["sweep"]["data.partition"] == [{"gamma-similarity": {"gamma": gamma}} for gamma in (1.0, 0.5)]
    assert made["data"]["set"] == "mnist" and made["data"]["scale"] == "normalise"
    assert [next(iter(attack)) for attack in made["sweep"]["federation.attack"]] == ["sign-flipping", "line-search"]
    assert [method["name"] for method in made["method"]] == ["GeometricMedian", "TrMean"]
    assert made["method"][1]["momentum"] == {"beta": 0.9} and made["method"][1]["pre"] == [{"nnm": {}}]


@pytest.mark.parametrize("more, sentence", [
    ({"model": {"name": "ResNet18"}}, "the model ResNet18"), ({"model": {"name": "logreg_mnist"}}, "the model logreg_mnist"),
    ({"model": {"dataset_name": "imagenet"}}, "the data set imagenet"), ({"model": {"loss": "MSELoss"}}, "the loss MSELoss"),
    ({"model": {"optimizer_name": "Adam"}}, "the optimizer Adam"), ({"model": {"depth": 3}}, "model.depth = 3"),
    ({"benchmark_config": {"size_train_set": 0.8}}, "size_train_set = 0.8"), ({"benchmark_config": {"speed": 1}}, "benchmark_config.speed"),
    ({"benchmark_config": {"tolerated_f": [2, 3]}}, "tolerated_f = "),
    ({"benchmark_config": {"nb_data_distribution_seeds": 4}}, "4 data_distribution_seeds"),
    ({"benchmark_config": {"training_algorithm": {"name": "FedAvg"}}}, "the training algorithm FedAvg"),
    ({"benchmark_config": {"data_distribution": [{"name": "by_writer"}]}}, "the data distribution by_writer"),
    ({"evaluation_and_results": {"store_models": True}}, "store_models"), ({"attack": [{"name": "LabelFlipping"}]}, "the attack LabelFlipping"),
    ({"attack": [{"name": "Inf"}, {"name": "LabelFlipping"}]}, "the attack LabelFlipping"), ({"attack": {"name": "Unheard"}}, "the attack Unheard"),
    ({"attack": {"name": "Gaussian", "parameters": {"mu": 1.0}}}, "the attack Gaussian has mu"), ({"extra": {}}, "extra"),
])
def test_what_an_experiment_loses_is_told(more, sentence):
    usual = ours.experiment(CONFIG)[1]
    lost = [one for one in ours.experiment(changed(**more))[1] if one not in usual]
    assert len(lost) == 1 and lost[0].startswith(sentence), lost


@pytest.mark.parametrize("name, data, augment", [
    ("fashionmnist", {"set": "fashion-mnist"}, {"flip": True}),
    ("cifar10", {"set": "cifar10", "scale": "normalise"}, {"shift": 4, "flip": True}),
])
def test_sets_whose_pictures_byzfl_moves(name, data, augment):
    made, lost = ours.experiment(changed(model={"dataset_name": name, "name": "fc_mnist"}))
    usual = ours.experiment(changed(model={"name": "fc_mnist"}))[1]
    del made["data"]["partition"]
    assert made["data"] == data and made["train"]["augment"] == augment
    told = [one for one in lost if one not in usual]
    assert len(told) == 1 and name in told[0]


def test_lists_of_an_experiment():
    made, lost = ours.experiment(changed(
        benchmark_config={"set_honest_clients_as_clients": True}, honest_clients={"momentum": [0.0, 0.9]},
        model={"learning_rate": [0.1, 0.2]}, pre_aggregators=[[], [{"name": "NNM"}, {"name": "Clipping"}]],
        attack={"name": "NoAttack"},
    ))
    assert made["federation"]["workers"] == 8 and made["sweep"]["federation.byzantine.count"] == [1, 2]
    assert made["sweep"]["train.step"] == [0.1, 0.2] and made["federation"]["attack"] == "none" and len(lost) == 1
    assert len(made["method"]) == 8 and made["method"][7]["name"] == "NNM + Clipping + TrMean, β = 0.9"


def test_an_experiment_runs(tmp_path):
    config = changed(model={"name": "fc_mnist"}, aggregator={"name": "TrMean"}, benchmark_config={"nb_training_seeds": 1})
    made, _ = ours.experiment(config)
    # The program carries these.
    made["data"]["set"] = "digits"
    run = rf.run(made, out=tmp_path)
    assert len(run.cells) == 4 and all(cell.done["ending"] == "finished" for cell in run.cells)
    # Without a run: the program does not carry pictures of 28×28.
    made, _ = ours.experiment(CONFIG)
    assert len(rf.lab.Run(rf.lab._asked(made, None, tmp_path)).cells) == 16


def test_against_byzfl_itself(messages):
    theirs = pytest.importorskip("byzfl")
    for name, parameters in [
        ("Average", {}), ("Median", {}), ("TrMean", {"f": 6}), ("GeometricMedian", {}), ("Krum", {"f": 6}),
        ("MultiKrum", {"f": 6}), ("CenteredClipping", {}), ("MoNNA", {"f": 6}), ("Meamed", {"f": 6}), ("MDA", {"f": 2}),
        ("NNM", {"f": 6}), ("ARC", {"f": 6}), ("Clipping", {"c": 2.0}),
    ]:
        want = getattr(theirs, name)(**parameters)(messages.copy())
        np.testing.assert_allclose(getattr(ours, name)(**parameters)(messages), want, rtol=1e-6, atol=1e-6, err_msg=name)
    for name in ("Optimal_ALittleIsEnough", "Optimal_InnerProductManipulation"):
        parameters = {
            "f": 3, "aggregator_info": {"name": "TrMean", "parameters": {"f": 3}},
            "pre_agg_list": [{"name": "NNM", "parameters": {"f": 3}}],
        }
        made = [one.ByzantineClient({"f": 3, "name": name, "parameters": dict(parameters)}) for one in (theirs, ours)]
        want, found = (client.apply_attack(messages[:24].copy()) for client in made)
        np.testing.assert_allclose(found, want, rtol=1e-9, err_msg=name)

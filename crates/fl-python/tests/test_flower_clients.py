"""Clients with memory, against the engine and the estimators; where Flower is installed."""

import numpy as np
import pytest
import robust_fl as rf

pytest.importorskip("flwr", reason="Flower is not installed: cargo xtask python --all")

from flower_grid import numpy  # noqa: E402
from flwr.app import ConfigRecord, Context, Message, RecordDict  # noqa: E402
from robust_fl import errors, flower  # noqa: E402
from robust_fl.flower.engine import record  # noqa: E402

CONFIG = {
    "name": "small", "rounds": 12, "seeds": [3], "evaluate-every": 1,
    "data": {"set": "digits", "partition": {"by-class": {"workers-per-class": 1}}},
    "federation": {"workers": 10, "byzantine": {"count": 2}},
    "model": {"softmax": {"bias": True, "l2": 0.01}}, "train": {"batch": 16, "step": 0.5},
    "method": [
        {"name": "saga", "rule": "geometric-median", "estimator": "saga", "pre": [{"resample": {"s": 2}}]},
        {"name": "page", "rule": "krum", "estimator": "page"},
        {"name": "local", "rule": "coordinate-median", "estimator": "sgd", "momentum": {"beta": 0.9},
         "local-steps": {"steps": 3, "step": 0.1, "send": "gradient"}},
    ],
}


def contexts(tmp_path=None, count=10):
    config = {} if tmp_path is None else {"state-dir": str(tmp_path)}
    return [Context(1, w, {"partition-id": w, **config}, RecordDict(), {}) for w in range(count)]


def ask(model, round, sends="gradients"):
    return Message(
        RecordDict({"arrays": model, "config": ConfigRecord({"server-round": round, "robust-fl-sends": sends})}), 7, "train",
    )


@pytest.mark.parametrize("method, rule, pre", [
    ("saga", "geometric-median", [{"resample": {"s": 2}}]), ("page", "krum", []), ("local", "coordinate-median", []),
])
@pytest.mark.parametrize("on_disk", [False, True])
def test_workers_of_an_experiment_are_the_engines(tmp_path, method, rule, pre, on_disk):
    """A process for each message, and yet the same run as in the simulator: to the bit, in every round."""
    experiment = flower.Experiment(CONFIG, method)
    there, server = contexts(tmp_path / "state" if on_disk else None), rf.Aggregator(rule, 2, pre=pre, seed=3)
    x = numpy(experiment.model())["params"]
    evaluate, accuracies = experiment.evaluation(), []
    for round in range(12):
        accuracies.append(evaluate(round, record(x))["accuracy"])
        rows, fresh = [], []
        for w in range(10):
            reply = experiment.client(w).train(ask(record(x), round + 1), there[w])
            rows.append(numpy(reply.content["arrays"])["params"])
            fresh.append(reply.content["metrics"]["fresh"])
        assert fresh == [int(round == 0)] * 10
        x = x - np.float32(0.5) * server(np.stack(rows))
    run = rf.run(CONFIG, out=tmp_path / "runs")
    cell = next(cell for cell in run.cells if cell.method == method)
    assert cell.params.tobytes() == x.tobytes()
    assert [line["accuracy"] for line in cell.metrics][:12] == accuracies
    assert (tmp_path / "state").exists() == on_disk


def test_memory_of_other_data_is_not_used(tmp_path):
    one = flower.Experiment(CONFIG, "saga")
    other = flower.Experiment({**CONFIG, "seeds": [4]}, "saga")
    (context,) = contexts(tmp_path, 1)
    fresh = [
        experiment.client(0).train(ask(one.model(), round), context).content["metrics"]["fresh"]
        for round, experiment in enumerate([one, one, other, other, one], 1)
    ]
    assert fresh == [1, 0, 1, 0, 1]
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for damaged in (whole[:-5], b"", whole[:8] + b"x" * 50, b"\xff" * 100):
        file.write_bytes(damaged)
        reply = one.client(0).train(ask(one.model(), 6), context)
        assert reply.content["metrics"]["fresh"] == 1 and file.read_bytes() == whole


def test_what_does_not_fit_is_told():
    experiment = flower.Experiment(CONFIG, "saga")
    (context,) = contexts(count=1)
    with pytest.raises(errors.RequirementError, match="server expects models, and this client sends gradients: neither"):
        experiment.client(0).train(ask(experiment.model(), 1, "models"), context)
    with pytest.raises(errors.RequirementError, match="both of them"):
        experiment.client(0, step=0.5).train(ask(experiment.model(), 1), context)
    with pytest.raises(errors.RequirementError, match=r"params: floats \(3,\), and this client's params: floats \(650,\)"):
        experiment.client(0).train(ask(record(np.zeros(3, np.float32)), 1), context)
    with pytest.raises(errors.ExperimentError, match="workers 0 to 9, and no worker 10"):
        experiment.client(10)
    with pytest.raises(errors.ExperimentError, match="saga, page, local"):
        flower.Experiment(CONFIG, "sage")
    with pytest.raises(errors.RequirementError, match="local_steps"):
        experiment.client(0, local_steps=2)
    with pytest.raises(errors.ExperimentError, match="batchh"):
        flower.Experiment({**CONFIG, "train": {"batchh": 1, "step": 0.5}})


def test_models_after_local_steps():
    experiment = flower.Experiment(CONFIG, "page")
    (context,) = contexts(count=1)
    before = numpy(experiment.model())["params"]
    sent = numpy(experiment.client(0, step=0.1, local_steps=4).train(ask(experiment.model(), 1, "models"), context).content["arrays"])
    member, now = experiment.worker(0), before.copy()
    for local in range(4):
        now -= np.float32(0.1) * member.message(now, local, local == 0)
    assert sent["params"].tobytes() == now.tobytes()


@pytest.mark.parametrize("kind", ["SgdClient", "SagaClient", "PageClient", "MomentumClient"])
def test_modules_of_pytorch(tmp_path, kind):
    """A process for each message says what one estimator says that is never interrupted."""
    torch = pytest.importorskip("torch")
    from robust_fl.flower import clients

    torch.manual_seed(0)
    x, y = torch.randn(20, 4), torch.randn(20, 1)
    net = torch.nn.Linear(4, 1)

    def worker():
        return rf.torch.Worker(net, torch.nn.functional.mse_loss, x, y, batch=5, worker=2, seed=1)

    made = getattr(flower, kind)
    whole = made(worker()).made
    (context,) = contexts(tmp_path if kind == "PageClient" else None, 1)
    params = rf.torch.flat(net)
    for round in range(6):
        rf.torch.load(net, params)
        now = clients.record(net)
        reply = made(worker()).train(ask(now, round + 1), context)
        sent = np.concatenate([a.reshape(-1) for a in numpy(reply.content["arrays"]).values()])
        assert sent.tobytes() == whole.message(params, round).numpy().tobytes()
        params = params - np.float32(0.1) * sent
    with pytest.raises(errors.RequirementError, match="server's model has"):
        made(worker()).train(ask(record(params), 1), context)

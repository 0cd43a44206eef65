"""Tensors in and out, and estimators; where PyTorch is installed."""

import collections

import numpy as np
import pytest
import robust_fl as rf
from robust_fl import errors

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_tensors_come_back_as_they_came(messages, dtype):
    kind = getattr(torch, dtype)
    x = torch.tensor(messages).to(kind).requires_grad_()
    out, report = rf.aggregate(x, "coordinate-median", 6, full=True)
    assert out.dtype == kind and out.shape == (50,) and not out.requires_grad
    assert (report.copied is None) == (dtype in ("float32", "float64"))
    plain = rf.aggregate(x.detach().float().numpy(), "coordinate-median", 6)
    np.testing.assert_allclose(out.float().numpy(), plain, rtol=1e-2, atol=1e-2)


def test_refused(messages):
    with pytest.raises(errors.DtypeError, match="complex"):
        rf.aggregate(torch.zeros(3, 2, dtype=torch.complex64), "mean")
    with pytest.raises(errors.DtypeError, match="sparse"):
        rf.aggregate(torch.eye(3).to_sparse(), "mean")
    with pytest.raises(errors.DeviceCopyError, match="meta"):
        rf.aggregate(torch.zeros(3, 2, device="meta"), "mean", device_copy=False)


def test_models():
    def model(value):
        net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
        rf.torch.load(net, np.full(sum(p.numel() for p in net.parameters()), value, np.float32))
        return net.state_dict()

    out = rf.aggregate([model(1.0), model(2.0), model(70.0)], "coordinate-median")
    assert type(out) is collections.OrderedDict
    assert out["1.num_batches_tracked"].dtype == torch.int64 and (out["0.weight"] == 2).all()
    torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).load_state_dict(out, strict=True)
    lists = [[p.clone() for p in model(v).values()] for v in (1.0, 2.0, 3.0)]
    assert isinstance(rf.aggregate(lists, "mean"), list)


def test_estimators_have_the_mean_of_the_gradient():
    torch.manual_seed(0)
    net, loss = torch.nn.Linear(4, 1, dtype=torch.float64), torch.nn.functional.mse_loss
    x, y = torch.randn(32, 4, dtype=torch.float64), torch.randn(32, 1, dtype=torch.float64)
    start = rf.torch.flat(net)
    worker = rf.torch.Worker(net, loss, x, y, batch=4)
    full = worker.gradient(start).numpy()
    made = [rf.torch.Sgd(worker), rf.torch.Saga(worker), rf.torch.Page(worker), rf.torch.LooplessSvrg(worker)]
    for one in made[1:]:
        # Their tables and anchors are at x⁰, where all differences vanish.
        np.testing.assert_allclose(one.message(start, 0).numpy(), full, atol=1e-12)
    for one in made:
        params = start.copy()
        for round in range(600):
            params -= 0.05 * one.message(params, round).numpy()
        noise = np.linalg.norm(worker.gradient(params).numpy())
        assert noise < (1e-5 if one is not made[0] else 1.0), type(one)
    assert rf.torch.memory("saga", net, 32) == 33 * 5 * 8
    moment = rf.torch.Momentum(rf.torch.Sgd(worker), beta=0.5)
    first = moment.message(start, 0)
    np.testing.assert_allclose(
        moment.message(start, 1), 0.5 * first + 0.5 * rf.torch.Sgd(worker).message(start, 1), atol=1e-12
    )


def test_frozen_and_unused_parameters():
    torch.manual_seed(0)

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.frozen, self.used, self.unused = (torch.nn.Linear(3, 3) for _ in range(3))
            self.frozen.requires_grad_(False)

        def forward(self, x):
            return self.used(self.frozen(x))

    net = Net()
    x, y = torch.randn(8, 3), torch.randn(8, 3)
    worker = rf.torch.Worker(net, torch.nn.functional.mse_loss, x, y, batch=8)
    start = rf.torch.flat(net)
    assert start.shape == (24,)
    gradient = worker.gradient(start)
    assert (gradient[12:] == 0).all() and (gradient[:12] != 0).any()
    rows = worker.each(start, torch.arange(8))
    np.testing.assert_allclose(rows.mean(dim=0).numpy(), gradient.numpy(), rtol=1e-4, atol=1e-6)
    assert rf.torch.memory("saga", net, 8) == 9 * 24 * 4


def test_full_gradients_tell_the_inner_variation():
    torch.manual_seed(0)
    net, loss = torch.nn.Linear(4, 1, dtype=torch.float64), torch.nn.functional.mse_loss
    x, y = torch.randn(70, 4, dtype=torch.float64), torch.randn(70, 1, dtype=torch.float64)
    crew = [rf.torch.Worker(net, loss, x[i], y[i], batch=4, worker=w) for w, i in enumerate(torch.arange(70).split(67))]
    start = rf.torch.flat(net)
    gradients, variations = rf.torch.full_gradients(crew)(start)
    for worker, gradient, variation in zip(crew, gradients, variations, strict=True):
        rows = np.array([worker.gradient(start, torch.tensor([j])).numpy() for j in range(len(worker.x))])
        np.testing.assert_allclose(gradient, rows.mean(axis=0), atol=1e-12)
        assert variation == pytest.approx(((rows - rows.mean(axis=0)) ** 2).sum() / len(rows))
    one = rf.Federation(
        lambda params, round: torch.stack([w.gradient(params, w.indices(round)) for w in crew]), start, workers=2, rule="mean",
        full_gradients=rf.torch.full_gradients(crew), evaluate_every=2, out=None,
    )
    one.run(3)
    assert one.metrics[0]["full"]["inner_variation"] == pytest.approx(np.mean(variations))


def test_state_dicts_of_models_are_not_stacked():
    states = [torch.nn.Linear(3, 2).state_dict() for _ in range(4)]
    out, report = rf.aggregate(states, "geometric-median", 1, full=True, copy=False)
    assert report.copied is None and out["weight"].shape == (2, 3)
    halves = [{k: v.bfloat16() for k, v in state.items()} for state in states]
    out, report = rf.aggregate(halves, "geometric-median", 1, full=True)
    assert out["bias"].dtype == torch.bfloat16 and "bfloat16" in report.copied


@pytest.mark.parametrize("kind", ["Momentum", "Saga", "LooplessSvrg", "Page"])
def test_estimators_go_on_from_their_state(kind):
    torch.manual_seed(0)
    net = torch.nn.Linear(4, 1)
    worker = rf.torch.Worker(net, torch.nn.functional.mse_loss, torch.randn(16, 4), torch.randn(16, 1), batch=4)

    def fresh():
        return rf.torch.Momentum(rf.torch.Saga(worker)) if kind == "Momentum" else getattr(rf.torch, kind)(worker)

    one, other, params = fresh(), fresh(), rf.torch.flat(net)
    for round in range(5):
        one.message(params + round, round)
    other.restore({name: x.copy() for name, x in one.state().items()})
    for round in range(5, 8):
        assert torch.equal(one.message(params + round, round), other.message(params + round, round))

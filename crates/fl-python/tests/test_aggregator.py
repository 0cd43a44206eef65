"""Round after round: memory, pickles, threads, forks."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
import robust_fl as rf
from robust_fl import errors


def test_rounds_and_draws_have_addresses(messages):
    agg = rf.Aggregator("coordinate-median", 6, pre=[rf.pre.Resample(s=2)], seed=3)
    first, second = agg(messages), agg(messages)
    assert agg.round == 2
    assert (second == rf.aggregate(messages, "coordinate-median", 6, pre=[{"resample": {"s": 2}}], seed=3, round=1)).all()
    assert not (first == second).all()


def test_into_and_weights(messages):
    agg = rf.Aggregator("geometric-median", 6)
    assert agg.weights is None
    out = np.empty(50)
    assert agg.into(messages, out) is out
    assert out.tobytes() == agg(messages).tobytes()
    np.testing.assert_allclose(agg.weights @ messages, out)
    assert agg.weights.sum() == pytest.approx(1) and agg.weights[24:].sum() < 0.2
    for wrong in (np.empty(49), np.empty(50, np.float32), np.empty(100)[::2], [0.0] * 50):
        with pytest.raises(errors.ShapeError, match="out must be"):
            agg.into(messages, wrong)
    with pytest.raises(errors.ShapeError, match="30 messages of 50"):
        agg(messages[:, :49].copy())
    assert rf.Aggregator("trimmed-mean", 6).full(messages)[1].weights is None


def test_present_workers_alone(messages):
    agg = rf.Aggregator("coordinate-median", 6)
    out, report = agg.full(messages, present=range(20))
    np.testing.assert_allclose(out, np.median(messages[:20], axis=0))
    assert report.dropped == []
    with pytest.raises(errors.ShapeError, match="rising"):
        agg.full(messages, present=[3, 1])


def test_kappa_is_that_of_the_messages_that_were_used(messages):
    agg = rf.Aggregator("trimmed-mean", 6)
    whole = agg.full(messages)[1].kappa
    few = agg.full(messages, present=range(20))[1].kappa
    assert few == rf.aggregate(messages[:20].copy(), "trimmed-mean", 6, full=True)[1].kappa != whole
    messages[29] = np.nan
    left = agg.full(messages)[1].kappa
    assert left == rf.aggregate(messages[:29].copy(), "trimmed-mean", 5, full=True)[1].kappa != whole


def test_a_pickle_goes_on_where_it_was(messages):
    agg = rf.Aggregator("centered-clipping", 6, pre=["nnm"])
    agg(messages)
    again = pickle.loads(pickle.dumps(agg))
    assert again.round == 1
    assert again(messages).tobytes() == agg(messages).tobytes()
    rule = rf.rules.Krum(variant="paper")
    assert pickle.loads(pickle.dumps(rule)) == rule


def test_two_threads_share_one(messages):
    agg = rf.Aggregator("geometric-median", 6)
    want = agg(messages).tobytes()
    wrong = []

    def work():
        for _ in range(200):
            if agg(messages).tobytes() != want:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong and agg.round == 801


def _child(x):
    return rf.aggregate(x, "mean").tolist()


def test_spawn_works(messages):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_child, (messages,)) == rf.aggregate(messages, "mean").tolist()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_gets_an_error(messages):
    rf.aggregate(messages, "mean")
    pid = os.fork()
    if pid == 0:
        try:
            rf.aggregate(messages, "mean")
        except errors.ForkError as error:
            os._exit(7 if "spawn" in str(error) else 8)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_an_import_alone_is_no_use():
    program = """
import os, robust_fl as rf
pid = os.fork()
if pid == 0:
    os._exit(int(rf.aggregate([[1.0], [2.0], [3.0]], rf.rules.CoordinateMedian())[0]))
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "2", said.stderr


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system sends no signals to itself")
def test_an_interrupted_round_is_no_round():
    x = np.random.default_rng(0).normal(size=(60, 400))
    # No set of messages is proven best within any time that somebody waits.
    agg = rf.Aggregator({"smea": {"max-steps": 2**60}}, 25)
    threading.Timer(0.5, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        agg(x)
    assert agg.round == 0 and agg.weights.sum() == 0


def test_errors_of_choices(messages):
    with pytest.raises(errors.ChoiceError, match="did you mean `krum`"):
        rf.Aggregator("krumm")
    with pytest.raises(errors.ChoiceError, match="did you mean `variant`"):
        rf.rules.Krum(varient="paper")
    with pytest.raises(errors.ChoiceError, match="table of 2"):
        rf.Aggregator({"krum": {}, "mean": {}})
    with pytest.raises(errors.RequirementError, match="f = 29"):
        rf.aggregate(messages, "krum", 29)
    with pytest.raises(errors.RequirementError, match="s must be"):
        rf.aggregate(messages, "mean", 6, pre=[rf.pre.Resample(s=31)])
    with pytest.raises(TypeError, match="list of pre-aggregators"):
        rf.aggregate(messages, "mean", pre="nnm")


def test_torch_is_not_imported():
    assert "torch" not in sys.modules or os.environ.get("ROBUST_FL_ALL")

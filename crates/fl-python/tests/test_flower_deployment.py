"""Real processes on this machine: minutes, and so only with cargo xtask python --all."""

import os
import time

import pytest

pytest.importorskip("flwr", reason="Flower is not installed: cargo xtask python --all")
if not os.environ.get("ROBUST_FL_ALL"):
    pytest.skip("it takes minutes: cargo xtask python --all", allow_module_level=True)

from flower_loopback import Loopback, node_key, told  # noqa: E402

ROUNDS, NODES = 7, 7
SETTINGS = {"clients": NODES, "byzantine": 1, "dataset": "digits", "attack": "none", "num-server-rounds": ROUNDS, "timeout": 240}


def faulty(federation, state):
    """Seven nodes: one sends NaN, one another shape, one is too late in every round."""
    faults = {0: {"fault": "nan"}, 1: {"fault": "shape"}, 4: {"fault": "slow", "fault-seconds": 40}}
    for node in range(NODES):
        federation.node(node, state_dir=str(state), **faults.get(node, {}))


def test_faults_cost_a_round_nothing_but_their_absence(tmp_path):
    """TLS and node authentication; a node is killed in round 2, another one is restarted in round 3."""
    with Loopback(tmp_path, NODES) as federation:
        state = tmp_path / "state"
        faulty(federation, state)
        begin = time.monotonic()
        federation.run(**SETTINGS, method="byrd-saga", quorum=3)
        federation.wait(lambda: len(federation.rounds()) >= 1, 300, "round 1")
        federation.kill("node-2")
        federation.wait(lambda: len(federation.rounds()) >= 2, 300, "round 2")
        federation.kill("node-3")
        before, killed = len(federation.log("node-3")), time.time()

        def has_ended():
            federation.revive(3, state_dir=str(state))
            return federation.has_ended()

        federation.wait(has_ended, 1200, "the run")
        seconds = time.monotonic() - begin
        assert federation.status() == "finished:completed", federation.log("superlink")[-4000:]
        rounds = federation.rounds()
        restarted = told(federation.log("node-3")[before:])
    print(f"{len(rounds)} rounds, {seconds / ROUNDS:.1f} s a round: {[round(r['seconds'], 1) for r in rounds]}")
    assert [entry["skipped"] for entry in rounds] == [None] * ROUNDS
    # Who did what, by node ids, which belong to keys: the wrong shape and NaN in every round.
    shapes = [node for entry in rounds for node, why in entry["refused"].items() if "has shape (651,), expected (650,)" in why]
    assert len(shapes) == ROUNDS and len({*shapes}) == 1
    assert len({*(node for entry in rounds for node in entry["dropped"])}) == 1
    # The dead one by Flower's own word or by its silence, and the late one.
    gone = {str(node) for entry in rounds for node in entry["silent"]}
    gone |= {node for entry in rounds for node, why in entry["refused"].items() if "Unavailable" in why}
    assert len(gone) >= 2, rounds
    assert all(entry["seconds"] < 0.9 * SETTINGS["timeout"] for entry in rounds), "bounded by the quorum, not by the time-out"
    # The one that was restarted goes on with its table of SAGA.
    (file,) = state.glob("client3-*")
    assert file.stat().st_mtime > killed and "anew" not in restarted


def test_fedavg_ends_with_the_first_wrong_shape(tmp_path):
    """What Flower's own strategy makes of one of these faults."""
    with Loopback(tmp_path, 3) as federation:
        for node in range(3):
            federation.node(node, **({"fault": "shape"} if node == 0 else {}))
        federation.run(**{**SETTINGS, "clients": 3, "byzantine": 0, "num-server-rounds": 2}, method="fedavg")
        federation.wait(federation.has_ended, 600, "the run")
        assert federation.status() == "finished:failed"


def test_nobody_without_a_key_takes_part(tmp_path):
    with Loopback(tmp_path, 1) as federation:
        # Another key than the one that the server knows.
        node_key(tmp_path, "node-0")
        federation.node(0)
        time.sleep(15)
        assert "online" not in federation.flwr("supernode", "list", "tls").lower()

"""The clients. Client w holds what worker w of the simulator holds."""

from flwr.app import Context, Message
from flwr.clientapp import ClientApp
from robust_fl import flower
from robust_fl.flower.engine import EngineClient

from . import task


def client(context: Context) -> EngineClient:
    """This node's client. Under sample duplicating all liars send what client 0 sends."""
    run = context.run_config
    worker, clients = int(context.node_config["partition-id"]), int(context.node_config["num-partitions"])
    if run["attack"] == "sample-duplicating" and worker in task.liars(run, clients):
        worker = 0
    # Flower's own strategies expect models.
    step = task.STEP if run["method"] in task.FLOWERS else None
    return task.experiment(run, clients).client(worker, step=step)


def lies(message: Message, context: Context, call_next):  # type: ignore[no-untyped-def]
    """Lets liars attack, and clients fail: the last regular one as the run says, any one as its node's configuration says."""
    run, node = context.run_config, context.node_config
    liars = task.liars(run, int(node["num-partitions"]))
    if run["attack"] not in ("none", "sample-duplicating"):
        call_next = _behind(flower.attack_mod(str(run["attack"]), liars), call_next)
    if run["fault"] != "none":
        call_next = _behind(flower.fault_mod(str(run["fault"]), [liars.start - 1]), call_next)
    if "fault" in node:
        fault = flower.fault_mod(str(node["fault"]), seconds=float(node.get("fault-seconds", 30)))
        call_next = _behind(fault, call_next)
    return call_next(message, context)


def _behind(mod, call_next):  # type: ignore[no-untyped-def]
    return lambda message, context: mod(message, context, call_next)


app = ClientApp(mods=[lies])
flower.describes(app, lambda context: client(context).model())


@app.train()
def train(message: Message, context: Context) -> Message:
    """One message of the method's estimator."""
    return client(context).train(message, context)

"""The server."""

import time
from logging import INFO

from flwr.app import ArrayRecord, Context, MetricRecord, UserConfig
from flwr.common import log
from flwr.serverapp import Grid, ServerApp

from . import task

app = ServerApp()


def count(grid: Grid, run: UserConfig) -> int:
    """How many clients there are: as the run says, or all that are connected."""
    clients = int(run["clients"])
    seen = 0
    while clients == 0:
        there = len(list(grid.get_node_ids()))
        if there >= 2 and there == seen:
            clients = there
        seen = there
        time.sleep(2)
    if clients != task.FIGURE_7:
        log(INFO, "%d clients; the paper's Figure 7 has 30: --federation-config 'num-supernodes=30'", clients)
    return clients


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Runs the federation; the log has each round's accuracy."""
    run = context.run_config
    clients = count(grid, run)
    experiment = task.experiment(run, clients)
    measure = experiment.evaluation()

    def evaluate(round: int, model: ArrayRecord) -> MetricRecord:
        metrics = measure(round, model)
        log(INFO, "robust-federation round %d: accuracy %.4f, loss %.4f", round, metrics["accuracy"], metrics["test-loss"])
        return metrics

    task.strategy(run, clients).start(
        grid, experiment.model(), int(run["num-server-rounds"]), float(run["timeout"]), evaluate_fn=evaluate,
    )

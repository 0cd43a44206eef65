"""The server."""

from flwr.app import ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp

from . import task

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Runs the federation; the log has each round's accuracy."""
    run = context.run_config
    experiment = task.experiment(run)
    evaluate = experiment.evaluation()
    result = task.strategy(run).start(
        grid, experiment.model(), int(run["num-server-rounds"]), float(run["timeout"]), evaluate_fn=evaluate,
    )
    assert isinstance(result.arrays, ArrayRecord)
    for round, metrics in result.evaluate_metrics_serverapp.items():
        print(f"round {round}: accuracy {metrics['accuracy']:.4f}, loss {metrics['test-loss']:.4f}")

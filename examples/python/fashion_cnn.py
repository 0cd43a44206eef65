"""A convolutional network on Fashion-MNIST: 20 workers, 4 of them Byzantine, three defences, two attacks.

    pip install 'robust-fl[torch]'
    python fashion_cnn.py [FOLDER]

It takes a minute or two on two cores and leaves curves in FOLDER, fashion-cnn if left out. Run again it draws what is there;
interrupted, it goes on. `fl-cli results FOLDER/fashion-cnn` and `fl-cli report FOLDER` read what it leaves. Pictures come from the
folder that FL_DATA_DIR names, from the user's cache, or are fetched. own_model.py is the same for a model and data of yours.
"""

import gzip
import sys
import time
from pathlib import Path

import numpy as np
import robust_fl as rf
import torch

WORKERS, BYZANTINE, ROUNDS = 20, 4, 200
DEFENCES = [("coordinate-median", []), ("geometric-median", ["nnm"]), ("trimmed-mean", ["nnm"])]
ATTACKS = ["sign-flipping", {"alie": {"z": 1.5}}]


def read(path):
    """A file of the IDX format: four bytes, of which the last counts the axes, their lengths, and the numbers."""
    data = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    shape = np.frombuffer(data, ">i4", data[3], 4)
    return torch.tensor(np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape))


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 5, stride=2), torch.nn.ReLU(), torch.nn.Conv2d(8, 16, 5, stride=2), torch.nn.ReLU(),
        torch.nn.Flatten(), torch.nn.Linear(256, 10),
    )


def main(out):
    begun = time.monotonic()
    # A network of this size gains nothing from more.
    torch.set_num_threads(1)
    x, y, test_x, test_y = (read(path) for path in rf.data("fashion-mnist"))
    x, test_x = (pictures[:, None].float() / 255 for pictures in (x, test_x))
    y, test_y = y.long(), test_y.long()
    # Non-i.i.d.: half of a worker's pictures are of few classes, half of all.
    drawn = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    sorted_half = drawn[: len(x) // 2][y[drawn[: len(x) // 2]].argsort(stable=True)]
    shards = [torch.cat(pair) for pair in zip(sorted_half.chunk(WORKERS), drawn[len(x) // 2 :].chunk(WORKERS), strict=True)]
    model, loss = network(), torch.nn.functional.cross_entropy
    start = rf.torch.flat(model)
    print(f"{len(start)} parameters; a worker of {len(shards[0])} pictures keeps")
    for kind in ("sgd", "momentum", "page", "loopless-svrg", "saga"):
        print(f"  {kind:14} {rf.torch.memory(kind, model, len(shards[0])) / 1e6:10.2f} MB")

    def evaluate(params):
        rf.torch.load(model, params)
        with torch.no_grad():
            scores = model(test_x)
        return {"accuracy": (scores.argmax(1) == test_y).float().mean(), "test_loss": loss(scores, test_y)}

    made = []
    for attack in ATTACKS:
        for rule, pre in DEFENCES:
            workers = [rf.torch.Worker(model, loss, x[s], y[s], batch=32, worker=w) for w, s in enumerate(shards)]
            crew = [rf.torch.Momentum(rf.torch.Sgd(worker)) for worker in workers]

            def gradients(params, round, crew=crew):
                return torch.stack([one.message(params, round) for one in crew])

            federation = rf.Federation(
                gradients, start, workers=WORKERS, byzantine=BYZANTINE, attack=attack, rule=rule, pre=pre, step=0.2,
                evaluate=evaluate, memory=crew, evaluate_every=20, name="fashion-cnn", out=out,
            )
            federation.run(ROUNDS)
            made.append(federation)
            print(f"{federation.method:24} {attack!s:24} accuracy {federation.metrics[-1]['accuracy']:.3f}", flush=True)
    for metric in ("accuracy", "aggregate_error"):
        rf.curves(made, metric, log=metric != "accuracy").save(Path(out) / f"{metric}.svg")
    print(f"curves in {Path(out) / 'accuracy.svg'}; {time.monotonic() - begun:.0f} s")
    return made


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "fashion-cnn")

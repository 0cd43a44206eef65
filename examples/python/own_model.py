"""A federation of your own model on your own data: put them in the place of the first four lines."""

import robust_fl as rf
import torch

x = torch.randn(4000, 20)
y = (x[:, :4] @ torch.randn(4, 3)).argmax(dim=1)
model = torch.nn.Sequential(torch.nn.Linear(20, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3))
loss = torch.nn.functional.cross_entropy
workers = [rf.torch.Worker(model, loss, x[s], y[s], batch=32, worker=w) for w, s in enumerate(torch.randperm(3000).chunk(20))]
crew = [rf.torch.Momentum(rf.torch.Sgd(worker)) for worker in workers]


def gradients(params, round):
    return torch.stack([one.message(params, round) for one in crew])


def evaluate(params):
    rf.torch.load(model, params)
    with torch.no_grad():
        return {"accuracy": (model(x[3000:]).argmax(1) == y[3000:]).float().mean()}


federation = rf.Federation(gradients, rf.torch.flat(model), workers=20, byzantine=4, attack="sign-flipping", rule="geometric-median",
                           pre=["nnm"], step=0.2, evaluate=evaluate, memory=crew, name="own-model")
federation.run(100)
print(f"accuracy {federation.metrics[-1]['accuracy']:.3f}; curves in own-model.svg")
federation.plot("accuracy").save("own-model.svg")

"""Training procedures of one's own."""

import torch

import ablate


def fit(config, data, streams, steps=5, lr=0.1):
    x, y = data.train
    weight = torch.randn(x.shape[1], data.classes, generator=streams.torch("init", "weight"))
    losses = []
    for _ in range(steps):
        weight.requires_grad_()
        loss = torch.nn.functional.cross_entropy(x @ weight, y)
        (gradient,) = torch.autograd.grad(loss, weight)
        weight = (weight - lr * gradient).detach()
        losses.append(loss.item())
    rows = [{"step": step, "train/loss": loss} for step, loss in enumerate(losses)]
    logits = (data.test[0] @ weight).numpy()
    return ablate.Outcome(evaluations=rows, losses=losses, predictions=logits)


def metrics_alone(config, data, streams, value=0.5):
    return {"test/accuracy": value, "steps": 12}


def gives_up(config, data, streams):
    return ablate.Outcome(metrics={"test/accuracy": 0.1}, converged=False)


def nonsense(config, data, streams):
    return "very good"


def leaves(config, data, streams):
    raise SystemExit("had enough")

"""Training procedures of one's own."""

import os

import numpy as np
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


GIVEN = {
    "percent": {"test/accuracy": 97.3},
    "below": {"validation/nll": -0.5},
    "percent on the way": ablate.Outcome(evaluations=[{"step": 0, "validation/accuracy": 55.0}]),
    "a text": ablate.Outcome(metrics={"score": "high"}),
    "a list": {"score": [1.0, 2.0]},
    "no name": {3: 1.0},
    "no step": ablate.Outcome(evaluations=[{"loss": 1.0}]),
    "half a step": ablate.Outcome(evaluations=[{"step": 0.5}]),
    "rows of text": ablate.Outcome(evaluations=["epoch 1"]),
    "losses of text": ablate.Outcome(losses=["high"]),
    "losses in a square": ablate.Outcome(losses=torch.ones(2, 2)),
    "perhaps": ablate.Outcome(converged="yes"),
    "predictions of others": ablate.Outcome(predictions=torch.ones(3, 3)),
    "numbers of all kinds": ablate.Outcome(
        metrics={
            "tensor": torch.tensor(0.5),
            "numpy": np.float32(0.5),
            "whole": 3,
            "huge": 10**400,
        },
        evaluations=({"step": np.int64(2), "x": torch.tensor(0.25)},),
        losses=torch.ones(2, requires_grad=True),
    ),
}


def gives(config, data, streams, what):
    return GIVEN[what]


def leaves(config, data, streams):
    raise SystemExit("had enough")


def gpu_seen(config, data, streams):
    """Say which GPU this process sees."""
    return {"number": float(os.environ["CUDA_VISIBLE_DEVICES"])}


def tells(config, data, streams, run, rows=(), losses=(), again=False):
    """Tell a run what the study says."""
    for loss in losses:
        run.loss(loss)
    for row in rows:
        run.evaluate(row.get("at"), {name: row[name] for name in row if name != "at"})
    more = {"evaluations": [{"step": 1}], "losses": [1.0]} if again else {}
    return ablate.Outcome(metrics={"test/accuracy": 0.5}, **more)

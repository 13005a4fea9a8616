"""What a training procedure of the user's own tells of its training, and may ask of its config."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ablate.config import RunConfig
from ablate.config.schedule import Plateau
from ablate.config.stopping import NoStopping
from ablate.errors import AblateError
from ablate.nn.user_network import UserNetwork
from ablate.probe import steps_to_probe
from ablate.probe.measure import Reading, measure, pack
from ablate.tasks import Task
from ablate.train.convergence import first_nonfinite
from ablate.train.given import Row, evaluation, floats, numbers
from ablate.train.schedules import learning_rate
from ablate.train.stopping import best_evaluation, is_over
from ablate.train.told import Told, losses_between


class Run:
    """One training: a procedure that takes `run` tells it what the built-in loop would record.

    device  where to train, `cpu` or `cuda`

    Synopsis::

        def fit(config, data, streams, run, epochs=20):
            ...
            for step, (x, y) in enumerate(batches):
                lr = run.learning_rate(step, steps, steps_per_epoch)
                ...
                run.loss(loss)                      # of each step
            run.probe(step, net, x, y)              # now and then
            if run.evaluate(step, {"validation/loss": held_out}):
                break                               # `stopping: patience` says so
    """

    def __init__(
        self, config: RunConfig, task: Callable[[], Task], device: str, source: str, started: float
    ) -> None:
        self.device = device
        self._config, self._task, self._source, self._started = config, task, source, started
        self._rows: list[Row] = []
        self._seconds: list[float] = []
        self._losses: list[Any] = []
        self._since = 0  # losses before the last evaluation
        self._lr: float | None = None
        self._steps_per_epoch: int | None = None
        self._layers: tuple[str, ...] = ()
        self._readings: dict[int, Reading] = {}

    def learning_rate(self, step: int, steps: int, steps_per_epoch: int) -> float:
        """Return the rate of `step`, counted from 0, by the config's `optimizer.lr` and `schedule`.

        steps            of the whole training
        steps_per_epoch  by which warm-ups and decays per epoch count

        `plateau` looks at the evaluations told so far. Raises AblateError for a step outside.
        """
        if not 0 <= step <= steps or steps_per_epoch < 1:
            raise AblateError(
                f"{self._source} asks for the learning rate of step {step} of {steps}, with "
                f"{steps_per_epoch} in an epoch; it must be from 0 to {steps}, with 1 or more."
            )
        schedule, seen = self._config.schedule, list[float]()
        if isinstance(schedule, Plateau):
            seen = self._monitored(schedule.monitor)
        self._steps_per_epoch = steps_per_epoch
        self._lr = learning_rate(schedule, self._config.lr, step, steps, steps_per_epoch, seen)
        return self._lr

    def loss(self, value: float | Tensor) -> None:
        """Tell the training loss of a step, of one after the other.

        One that is not finite makes the run n/c at that step. Raises AblateError for no number.
        """
        # A tensor stays where it is until it is needed: reading it makes a GPU wait.
        if isinstance(value, Tensor) and value.numel() == 1:
            self._losses.append(value.detach().flatten()[0])
        else:
            self._losses.append(numbers(self._source, "run.loss", {"loss": value})["loss"])

    def evaluate(self, step: int, values: Mapping[str, Any]) -> bool:
        """Tell a point of the learning curves; return whether early stopping ends training here.

        step    after so many steps; more than at the evaluation before
        values  numbers by name: `validation/loss`, `validation/accuracy` and its like, own names

        What is left out of `lr`, `epoch` and `train/loss` (the mean since the evaluation before)
        is filled in where `learning_rate` and `loss` have told it. It is over where the config has
        `stopping: patience` and says so of what it monitors, which then must be among the values.
        Raises AblateError for what is no number, or cannot be one of that name.
        """
        given = evaluation(self._source, "run.evaluate", {**values, "step": step})
        before = self._rows[-1]["step"] if self._rows else -1
        if given["step"] <= before:
            raise AblateError(
                f"{self._source} gives run.evaluate with step = {step} after {before:g}; steps "
                "must grow."
            )
        for key, rule in (("stopping", self._config.stopping), ("schedule", self._config.schedule)):
            monitor = getattr(rule, "monitor", None)
            if monitor is not None and monitor not in given:
                raise AblateError(
                    f"{self._source} gives run.evaluate without {monitor}, which {key}.monitor "
                    "looks at."
                )
        self._rows.append({"step": given["step"], **self._filled_in(step), **given})
        self._seconds.append(time.perf_counter() - self._started)
        stopping = self._config.stopping
        return not isinstance(stopping, NoStopping) and is_over(
            stopping, self._monitored(stopping.monitor)
        )

    @property
    def is_best(self) -> bool:
        """Whether the last evaluation is the best so far, whose weights `stopping.restore` means.

        By what `stopping` monitors, `validation/loss` where there is none.
        """
        monitor = getattr(self._config.stopping, "monitor", "validation/loss")
        best = best_evaluation(self._monitored(monitor), monitor)
        return best is not None and best == len(self._rows) - 1

    def probe_steps(self, steps: int) -> tuple[int, ...]:
        """Return after which of so many steps the config has the network probed: `probe.steps`."""
        return steps_to_probe(self._config.probe, steps)

    def probe(self, step: int, module: nn.Module, x: Tensor, y: Tensor) -> None:
        """Look at activations and gradients of a module, as `ablate.probe` has them.

        step    after so many steps
        module  from x (B, *inputs) to outputs (B, K); it is left as it was, and draws nothing
        x, y    training examples as it takes them, and their targets: the same at every step. The
                first `probe.examples` are looked at, in one batch

        Gradients are those of the task's loss. Nothing happens with `probe.steps: off`, and where
        the module has no layers to listen to. Raises AblateError where its layers are not those
        of the look before.
        """
        config = self._config.probe
        if config.steps == "off":
            return
        device = next((p.device for p in module.parameters()), torch.device("cpu"))
        x, y = (part[: config.examples].to(device) for part in (x, y))
        with _left_as_it_was(module):
            network = UserNetwork(module, x[:2], f"{self._source}: run.probe")
            if not network.layer_names:
                return
            if self._readings and network.layer_names != self._layers:
                raise AblateError(
                    f"{self._source} probes layers {', '.join(network.layer_names)} at step "
                    f"{step}, and before {', '.join(self._layers)}; they must be the same."
                )
            self._layers = network.layer_names
            (reading,) = measure(
                network, lambda: [(x[None], y[None])], self._task().total, nullcontext,
                config.histograms,
            )  # fmt: skip
        # Histograms are of the first look and the last: whichever that will be.
        for earlier in sorted(self._readings)[1:]:
            self._readings[earlier] = _without_histograms(self._readings[earlier])
        self._readings[int(step)] = reading

    def told(self) -> Told:
        """Return what was told by now."""
        losses = floats(self._source, "losses", [float(one) for one in self._losses])
        if not len(losses):
            losses = losses_between(self._rows)
        died, readings = first_nonfinite(losses), dict(sorted(self._readings.items()))
        if died is not None:  # the last look is not that at the end
            rows = [row for row in self._rows if row["step"] <= died]
            looks = [step for step in readings if step <= died]
            readings = {s: readings[s] for s in looks[:1]} | {
                s: _without_histograms(readings[s]) for s in looks[1:]
            }
        else:
            rows = self._rows
        return Told(rows, self._seconds[: len(rows)], losses, pack(self._layers, readings))

    def _monitored(self, monitor: str) -> list[float]:
        return [row.get(monitor, math.nan) for row in self._rows]

    def _filled_in(self, step: int) -> Row:
        """Return what the built-in loop has in an evaluation, as far as it is known."""
        known: Row = {}
        if self._steps_per_epoch is not None:
            known["epoch"] = step / self._steps_per_epoch
        if self._lr is not None:
            known["lr"] = self._lr
        recent = [float(one) for one in self._losses[self._since :]]
        self._since = len(self._losses)
        if recent and np.isfinite(recent).all():
            known["train/loss"] = float(np.mean(recent, dtype=np.float64))
        return known


def _without_histograms(reading: Reading) -> Reading:
    return replace(reading, histograms=None, exponents=np.zeros_like(reading.exponents))


@contextmanager
def _left_as_it_was(module: nn.Module) -> Iterator[None]:
    """Put the mode of every part of a module back."""
    modes = {part: part.training for part in module.modules()}
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode

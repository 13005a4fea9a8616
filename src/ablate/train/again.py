"""After early stopping: a second training that has the validation examples too.

Algorithms 7.2 and 7.3 of Goodfellow et al. 2016. Validation told when to stop; afterwards it is
trained on, and what it is said to score is what it scored before.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ablate.config.stopping import Patience
from ablate.train.history import History, weights_of
from ablate.train.inference import scores_of, settle_statistics
from ablate.train.optimizers import build_optimizer
from ablate.train.prepare import Stack
from ablate.train.pulls import build_pulls
from ablate.train.schedules import learning_rate
from ablate.train.step import set_dropout, take_step
from ablate.train.stopping import best_step

State = Mapping[str, Tensor]


def state_of(stack: Stack) -> State:
    """Return a copy of what a training changes of the networks, (R, ...) by name."""
    return {name: value.clone() for name, value in stack.network.state_dict().items()}


def train_again(stack: Stack, start: State, history: History) -> Stack:
    """Train on all examples as `stopping.then` says; return the stack that holds them.

    start  the networks' state in front of the first training

    `retrain` begins at `start` and draws orders and masks from the beginning of their streams, with
    the learning rates of the first training, step by step. `go_on` begins at the best weights, with
    an optimizer that knows nothing yet. Each replicate ends by itself, so that its bits do not
    depend on the stack. Puts into `history` the weights at the ends, the validation scores from
    before, and how many steps there were more.
    """
    config, stopping = stack.config, stack.config.stopping
    assert isinstance(stopping, Patience)
    replicates = range(len(stack.streams))
    best = [best_step(stopping, [rows[r] for rows in history.evaluations]) for r in replicates]
    _load(stack, history.ended)
    settle_statistics(stack)
    history.held_out = scores_of(stack, stack.validation, stack.validation_indices)
    # Of a replicate that is lost, nothing is reached.
    targets = [
        own.get("loss", -torch.inf)
        for own in scores_of(stack, stack.training, stack.training_indices)
    ]
    both = torch.cat([stack.training_indices, stack.validation_indices], dim=1)
    whole = replace(stack, training_indices=both)
    chosen = state_of(stack)
    stack.network.load_state_dict(start)
    pulls = build_pulls(config, stack.network)  # towards where the whole training started
    optimizer = build_optimizer(
        config.optimizer, stack.network.named_parameters(), stack.streams[0]
    )
    stack.network.seed_dropout(stack.streams, stack.test.x.device.type)
    if stopping.then == "go_on":
        stack.network.load_state_dict(chosen)
        limits = [stack.steps - history.stopped.get(r, stack.steps) for r in replicates]
    else:
        limits = best

    def step_from(indices: Tensor, epoch: int, step: int) -> None:
        lr = learning_rate(config.schedule, config.lr, step, stack.steps, stack.steps_per_epoch, [])
        set_dropout(stack, step)
        take_step(whole, optimizer, whole.batch(indices, epoch, step), lr, pulls)

    def reached(step: int) -> list[bool]:
        """Tell who is done after so many steps."""
        done = [step >= limit for limit in limits]
        every = config.trainer.eval_every or stack.steps_per_epoch
        if stopping.then == "go_on" and step % every == 0 and not all(done):
            settle_statistics(whole)
            scores = scores_of(whole, whole.validation, whole.validation_indices)
            # One whose loss is no longer finite has no score and nothing to go on to.
            losses = [own.get("loss", -torch.inf) for own in scores]
            done = [is_over or losses[r] <= targets[r] for r, is_over in enumerate(done)]
        return done

    history.more = _until(whole, step_from, reached, history)
    return whole


def _until(
    whole: Stack,
    step_from: Callable[[Tensor, int, int], None],
    reached: Callable[[int], list[bool]],
    history: History,
) -> list[int]:
    """Take steps until every replicate is done; keep each one's weights and return its steps."""
    history.ended = {}
    steps: dict[int, int] = {}
    step = epoch = 0
    while True:
        for indices in whole.order(epoch).split(whole.config.trainer.batch_size, dim=1):  # type: ignore[no-untyped-call]
            for r, is_done in enumerate(reached(step)):
                if is_done and r not in steps:
                    steps[r] = step
                    history.ended[r] = weights_of(whole.network, r)
            if len(steps) == len(whole.streams):
                return [steps[r] for r in range(len(whole.streams))]
            step_from(indices, epoch, step)
            step += 1
        epoch += 1


def _load(stack: Stack, ended: Mapping[int, Mapping[str, object]]) -> None:
    """Give the replicates in `ended` those weights, in place."""
    state = stack.network.state_dict()
    for r, weights in ended.items():
        for name, value in weights.items():
            state[name][r] = torch.as_tensor(value).to(state[name].device)

"""How long what is left will take, from runs that were timed: their pace and the work ahead."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ablate import data
from ablate.config import RunConfig
from ablate.config.heads import NoHeads, Others
from ablate.config.pretrain import Autoencoders
from ablate.config.source import source_run
from ablate.config.target import Target
from ablate.data.whitening import inputs_whitened
from ablate.launch.members import member_numbers, training_config
from ablate.launch.missing import Work, member_work, scored_work, tuning_work
from ablate.nn.architectures import Shape, depth_of, multiply_adds
from ablate.store.state import state
from ablate.study.measured import has_outputs_per_token
from ablate.study.plan import Plan


def training_cost(config: RunConfig) -> float:
    """Return about how many multiply-adds a training takes forward; infinite where nobody can tell.

    Of an ensemble it is that of one member.
    """
    if config.trainer.is_user_code or isinstance(config.model, Target):
        return math.inf
    there = data.describe(config.data)
    shape = Shape(there.inputs, there.vocabulary, has_outputs_per_token(config))
    sizes = config.data.labelled, config.data.train_size
    examples = next(filter(None, sizes), there.train)
    steps = config.trainer.steps_for(examples)
    passes: float = steps * config.trainer.batch_size
    one = multiply_adds(config.model, shape, there.outputs) + _beside(config, shape)
    if getattr(config.model, "statistics", None) == "every_step":
        # A pass over all examples per layer, to there: half a network's on average, and forward,
        # while a step takes three times its forward pass.
        passes += steps * examples * depth_of(config.model) / 6
    if config.data.normalize == "whitened":
        one += inputs_whitened(there.inputs) ** 2
    return float(passes * one) + _cost_of_pretraining(config, shape)


def _beside(config: RunConfig, shape: Shape) -> int:
    """Return the multiply-adds of heads for one example of a step."""
    heads, model = config.heads, config.model
    if isinstance(heads, NoHeads) or isinstance(model, Target):
        return 0
    shared = depth_of(model) if heads.shared is None else heads.shared
    if isinstance(heads, Others):
        outputs = [count for _, count in data.others_of(config.data).values()]
        return sum(multiply_adds(model, shape, count, first=shared) for count in outputs)
    of_head = multiply_adds(model, shape, math.prod(shape.inputs), first=shared)
    if config.data.labelled is None:
        return of_head
    return of_head + multiply_adds(model, shape, 1, end=shared)  # of another batch


def _cost_of_pretraining(config: RunConfig, shape: Shape) -> float:
    pretrain, model, source = config.pretrain, config.model, source_run(config)
    if source is not None:
        return training_cost(source)
    if isinstance(pretrain, Autoencoders):
        assert not isinstance(model, Target)
        ends = range(1, 1 + depth_of(model))
        of_layers = [multiply_adds(model, shape, 1, first=end - 1, end=end) for end in ends]
        # Behind the layers before: the layer itself, and a decoder of the same size.
        through = sum(sum(of_layers[:end]) + of_layers[end - 1] for end in ends)
        return float(pretrain.steps * (pretrain.batch_size or config.trainer.batch_size) * through)
    return 0.0


def seconds_left(plan: Plan, timed: Sequence[Plan], root: Path, device: str) -> float | None:
    """Return about how long one worker takes for what `plan` misses; None where nothing was timed.

    timed  plans whose runs tell the pace, the first that has some: the plan itself, and the same
           study in another size

    A run's time is taken to grow with its multiply-adds. Where nobody can tell these every run
    counts as much as another.
    """
    left = list(_left(plan, root, device))
    for other in timed:
        spent = list(_spent(other, root, device))
        seconds, work = (sum(column) for column in zip(*spent, strict=True)) if spent else (0, 0)
        if not work:
            continue
        if math.isfinite(work) and math.isfinite(sum(left)):
            return seconds / work * sum(left)
        return seconds / len(spent) * len(left)
    return None


def _spent(plan: Plan, root: Path, device: str) -> Iterator[tuple[float, float]]:
    """Yield seconds and cost of each training that ended and was timed."""
    scored = scored_work(plan, root, device)
    behind_all = [replace(work, missing=work.tasks) for work in scored]
    members = member_work(behind_all, plan, root, device)
    for work in (*tuning_work(plan, root, device), *_alone(scored), *members):
        own = training_cost(work.config)
        for task in work.tasks:
            _, result = state(task.directory, task.key)
            if result and result.status != "failed" and result.seconds is not None:
                yield result.seconds, own


def _left(plan: Plan, root: Path, device: str) -> Iterator[float]:
    """Yield the cost of each training that is missing, those of cells not tuned yet among them."""
    scored = scored_work(plan, root, device)
    members = member_work(scored, plan, root, device)
    for work in (*tuning_work(plan, root, device), *_alone(scored), *members):
        yield from [training_cost(work.config)] * len(work.missing)
    tuned = {work.name for work in scored}
    for cell in plan.cells:
        if plan.study.tune and cell.name not in tuned:
            count = plan.replicates_of(cell) * max(1, len(member_numbers(cell.config)))
            yield from [training_cost(training_config(cell.config))] * count


def _alone(scored: Iterable[Work]) -> Iterator[Work]:
    """Yield the works whose runs are no ensembles, which are formed in no time."""
    return (work for work in scored if not any(task.members for task in work.tasks))

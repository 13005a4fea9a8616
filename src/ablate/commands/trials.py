"""Every cell of a study tried for a second, and what of it did not hold."""

import math
from collections.abc import Iterator

from ablate import data
from ablate.commands.command_line import Start
from ablate.commands.illness import problems
from ablate.errors import AblateError
from ablate.launch.device import worker_count
from ablate.launch.precision import emulated, would_be_faster
from ablate.launch.sweep import check
from ablate.launch.twice import differences
from ablate.study.plan import Cell
from ablate.train.trial import Trial, trial

_PROCEDURE = "a training procedure of your own, run twice in its first cell on at most 500 examples"


def _trials(start: Start) -> Iterator[tuple[Cell, Trial | None, list[str]]]:
    """Yield what each cell did, and the sentences that say what did not hold.

    Code of the user's own is run twice, a training procedure in the first cell that has it.
    """
    loaded: tuple[object, data.Data] | None = None
    procedures: set[str] = set()
    for cell in start.plan.cells:
        config = cell.config
        own, found, wrong = config.trainer.target, None, list[str]()
        if config.trainer.command is not None:
            yield cell, None, ["a training command of your own is tried by running it"]
            continue
        if own in procedures:
            yield cell, None, []
            continue
        new = loaded is None or loaded[0] != config.data
        if loaded is None or new:
            loaded = config.data, data.load(config.data, start.root, config.seed)
        try:
            if own is None:
                tune = start.plan.study.tune
                is_tuned = tune is not None and tune.key == "optimizer.lr"
                found = trial(
                    config, loaded[1], with_rates=not (is_tuned and start.plan.is_tuned(cell))
                )
                wrong = problems(found, config)
            else:
                procedures.add(own)
            if config.user_code:
                wrong += differences(config, loaded[1], with_data=new)
        except (Exception, SystemExit) as error:
            known = isinstance(error, AblateError)
            wrong.append(str(error) if known else f"{type(error).__name__}: {error}")
        yield cell, found, wrong


def lines(start: Start) -> Iterator[tuple[str, bool]]:
    """Yield the check line by line, each with whether it holds.

    Raises ConfigError or DataError, as a sweep would, for cells that cannot run at all.
    """
    told = check(start.plan, start.root)
    runs = start.plan.study.replicates
    workers = worker_count(start.launch.workers, "cpu")
    total, checked = 0.0, dict[str, float]()
    yield "every level changes the config, and every cell fits its data", True
    configs = [cell.config for cell in start.plan.cells]
    told += emulated(configs, "cpu")
    yield from ((note, True) for note in told)
    for cell, found, wrong in _trials(start):
        if found is not None:
            seconds = found.seconds_per_step * found.steps
            total += seconds * runs
            for kind, error in found.gradients.layers.items():
                checked[kind] = max(error, checked.get(kind, 0.0))
            yield f"{cell.name}: {_numbers(found, seconds)}", not wrong
        else:
            yield f"{cell.name}: {'' if wrong else _PROCEDURE}".rstrip(), not wrong
        yield from ((f"    {one}", False) for one in wrong)
    if checked:
        listed = ", ".join(f"{kind} {error:.0e}" for kind, error in sorted(checked.items()))
        yield f"gradients by layer against central differences, at worst: {listed}", True
    spent = f"{total / workers / 60:.1f} min of steps on {workers} cores"
    most = "at most " if start.plan.study.looks else ""
    yield f"all runs: {most}about {spent}, one network at a time", True
    yield from ((note, True) for note in would_be_faster(configs, "cpu", total / workers))


def _numbers(found: Trial, seconds: float) -> str:
    error = found.gradients.whole
    gradient = "–" if error is None else f"{error:.0e}"
    parts = [
        f"{found.parameters:,} parameters",
        f"{1000 * found.seconds_per_step:.2f} ms a step, {seconds:.1f} s a run",
        f"first loss {found.loss:.2f} × guessing",
        f"gradient {gradient}",
        f"fits {found.fits:.0%} of 50",
    ]
    parts += [] if math.isnan(found.dead) else [f"dead {found.dead:.0%}"]
    parts += [] if math.isnan(found.saturated) else [f"saturated {found.saturated:.0%}"]
    return ", ".join(parts)

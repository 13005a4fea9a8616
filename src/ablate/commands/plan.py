"""`ablate plan`: what a sweep would do, and what it could tell. Nothing is trained or written."""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from ablate.commands import command_line
from ablate.commands.command_line import Start, starts
from ablate.commands.expected import expected_runs
from ablate.launch.asked import as_asked_before
from ablate.launch.device import device_kind, worker_count
from ablate.launch.missing import in_folders_there, scored_work, tuning_work
from ablate.launch.pace import seconds_left
from ablate.launch.precision import emulated, would_be_faster
from ablate.report.wording import listed
from ablate.stats import (
    ALPHA,
    LEAST_REPLICATES,
    POWER,
    detectable,
    equality_within,
    power_with_losses,
    replicates_for_rate,
)
from ablate.store.state import COMPLETE, state
from ablate.study.claims import Claim, Rate
from ablate.study.schema import Factor, Part, Study

#: The share of runs that are n/c for which power is told as well.
_LOST = 0.2
#: What a design can tell apart, in words.
_TELLS = {
    "grid": "main effects of {names}{interactions}",
    "one_at_a_time": "each of {names} at the baseline of the others; no interaction",
    "leave_one_out": "what the full system loses without each component",
    "ladder": "what each component adds to those before it; another order may tell otherwise",
    "zip": "the rows as they are; {names} change together and cannot be told apart",
    "random": "trends over {names}; no cell twice",
}


@dataclass(frozen=True)
class Planned:
    """What a sweep would do.

    runs, tuning     scored runs, and those that choose the nuisance of each cell
    done, stale      scored runs that are there, and those under another key
    to_train         runs left, tuning included
    seconds          about how long on this machine's cores, at the pace of runs of this study or of
                     it without `--full`; None where none was timed yet
    tells            per part what its design can tell
    reach            difference beyond its margin that a paired t shows with 80 % power, in
                     standard deviations of pair differences, at the level of a claim alone and of
                     the strictest; None under three replicates
    reach_with_losses  the power for the first of these where a fifth of the runs are n/c
    equality         margin within which equal arms are shown equal with 80 % power, likewise
    rates            by claim the replicates that a rate takes where all of them do what is claimed
    strictest        the level at which the first claim of the family is judged
    looks            numbers of replicates at which claims are judged; empty where there is one
    expected         of a study with looks: scored runs to expect in all, by what is true
    precision        what bf16 costs or would save on this processor, in words
    """

    study: str
    cells: int
    replicates: int
    runs: int
    tuning: int
    done: int
    not_converged: int
    stale: int
    to_train: int
    seconds: float | None
    tells: tuple[str, ...]
    claims: int
    reach: tuple[float, float] | None
    reach_with_losses: float | None
    equality: tuple[float, float] | None
    rates: Mapping[str, int]
    strictest: float
    looks: tuple[int, ...]
    expected: Mapping[str, float]
    precision: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate plan` takes."""
    command_line.add_arguments(parser, "[--json] study=NAME")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Print the plan of each study named; return the exit code."""
    asked = starts(options)
    found = [planned(start) for start in asked]
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        for start, one in zip(asked, found, strict=True):
            print("\n".join(lines(start, one)))
    return 0


def planned(start: Start) -> Planned:
    """Look up what a sweep would train."""
    root = start.root
    plan = as_asked_before(in_folders_there(start.plan, root), root)
    device = device_kind(plan.cells[0].config.trainer.device)
    configs = [cell.config for cell in plan.cells]
    tuning = tuning_work(plan, root, device)
    scored = scored_work(plan, root, device)
    known = [state(task.directory, task.key) for work in scored for task in work.tasks]
    states = Counter(one for one, _ in known)
    lost = sum(len(work.missing) for work in [*tuning, *scored])
    lost += plan.runs - len(known)  # cells not tuned yet
    workers = worker_count(start.launch.workers, device)
    n, claims = plan.study.replicates, len(plan.study.claims)
    strictest = ALPHA / max(1, claims)
    timed = [plan, *([in_folders_there(start.smaller, root)] if start.smaller else [])]
    alone = seconds_left(plan, timed, root, device) if lost else 0.0
    seconds = None if alone is None else alone / workers
    reach = (detectable(n, ALPHA), detectable(n, strictest)) if n > 2 else None
    equal = n > 2 and any(_is_equality(claim) for claim in plan.study.claims)
    judged = [claim for claim in plan.study.claims if isinstance(claim, Rate)]
    rates = {claim.name: replicates_for_rate(claim.rate, strictest) for claim in judged}
    return Planned(
        study=plan.study.name,
        cells=len(plan.cells),
        replicates=n,
        runs=plan.runs,
        tuning=plan.tuning_runs,
        done=sum(states[one] for one in COMPLETE),
        not_converged=states["not_converged"],
        stale=states["stale"],
        to_train=lost,
        seconds=seconds,
        tells=tuple(_tells(plan.study, part) for part in plan.study.all_parts),
        claims=claims,
        reach=reach,
        reach_with_losses=power_with_losses(reach[0], n, ALPHA, _LOST) if reach else None,
        equality=(equality_within(n, ALPHA), equality_within(n, strictest)) if equal else None,
        rates={name: count for name, count in rates.items() if count is not None},
        strictest=strictest,
        looks=plan.study.looks,
        expected=expected_runs(plan, root),
        precision=(*emulated(configs, device), *would_be_faster(configs, device, seconds)),
    )


def lines(start: Start, found: Planned) -> Iterator[str]:
    """Yield the plan as people read it."""
    study = start.plan.study
    how = " (nested)" if study.tune and study.tune.nested else ""
    tuning = f" + {found.tuning} tuning runs{how}" if found.tuning else ""
    yield f"{study.name} · {start.size} = {found.runs} runs{tuning} · {start.data_names}"
    for part in study.all_parts:
        yield from (f"  {_shown(study.factor(name))}" for name in part.factors)
    yield f"done      {found.done} of {found.runs} ({found.not_converged} n/c), {found.stale} stale"
    yield f"to train  {found.to_train} runs{_time(found)}"
    for part, told in zip(study.all_parts, found.tells, strict=True):
        yield f"tells     {part.name + ': ' if part.name else ''}{told}"
    if found.reach is None:
        yield "reach     under three replicates no difference is tested"
    else:
        yield (
            f"reach     {found.replicates} pairs show a difference of {found.reach[0]:.1f} "
            f"standard deviations (of pair differences) with {_percent(POWER)} power"
        )
        lost = found.reach_with_losses
        if found.claims and lost is not None:
            yield f"          where {_percent(_LOST)} of the runs are n/c with {_percent(lost)}"
    if found.claims:
        yield from _family(found)
    if found.looks:
        yield from _looks(found)
    yield from (f"note      {note}" for note in (*start.plan.notes, *found.precision))


def _family(found: Planned) -> Iterator[str]:
    if found.reach is not None:
        yield (
            f"claims    {found.claims}, judged as one family: the first at {found.strictest:.2g}, "
            f"where it takes {found.reach[1]:.1f} standard deviations"
        )
    if found.replicates < LEAST_REPLICATES:
        yield f"          fewer than {LEAST_REPLICATES} replicates: verdicts are withheld"
        return
    if found.equality is not None:
        alone, first = found.equality
        yield (
            f"          equal arms are shown equal within {alone:.1f} standard deviations with "
            f"{_percent(POWER)} power, within {first:.1f} as the first of the family"
        )
    for name, enough in found.rates.items():
        if enough > found.replicates:
            yield (
                f"          {name}: {found.replicates} replicates cannot show its rate; {enough} "
                "that all do what is claimed can"
            )


def _looks(found: Planned) -> Iterator[str]:
    """Say when claims are judged, and what that may cost."""
    yield f"looks     at {listed(list(map(str, found.looks)))} replicates, until claims are decided"
    runs = (f"{count:.0f} where {truth}" for truth, count in found.expected.items())
    most = found.cells * found.looks[-1]
    yield f"          expected runs, simulated: {', '.join(runs)}; at most {most}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _is_equality(claim: Claim) -> bool:
    return getattr(claim, "expect", "") == "equal"


def _tells(study: Study, part: Part) -> str:
    names = ", ".join(part.factors) or "nothing: a single cell"
    varied = sum(len(study.factor(name).levels) > 1 for name in part.factors)
    pairs = f" and their interaction{'s' if varied > 2 else ''}" if varied > 1 else ""
    told = _TELLS[part.design].format(names=names, interactions=pairs)
    return f"{told}, less the cells excluded" if part.exclude else told


def _shown(factor: Factor) -> str:
    keys = {key for level in factor.levels for key in level.overrides}
    key = f" ({keys.pop()})" if len(keys) == 1 and keys != {factor.name} else ""
    return f"{factor.name}{key}: {', '.join(level.name for level in factor.levels)}"


def _time(found: Planned) -> str:
    if not found.to_train:
        return ""
    if found.seconds is None:
        return "; no run has been timed yet"
    span = f"{found.seconds:.0f} s" if found.seconds < 90 else f"{found.seconds / 60:.0f} min"
    return f", about {span} at the pace of the runs that are there"

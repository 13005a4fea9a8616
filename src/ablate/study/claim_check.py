"""What claims speak of, held against the cells before any of them is trained."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ablate.config import RunConfig
from ablate.config.data import UserData
from ablate.config.ensemble import NoEnsemble
from ablate.config.target import Target
from ablate.errors import nearest, one_of
from ablate.metrics import CURVES, Expression, Final, Probed, StepsTo
from ablate.study.claims import Claim, Effect, Follows, Order, Spread
from ablate.study.measured import is_probed, measured
from ablate.study.schema import Study

if TYPE_CHECKING:
    from ablate.study.plan import Cell


def claim_problems(study: Study, cells: Sequence[Cell]) -> Iterator[str]:
    """Yield a sentence per claim that no run of its cells could answer.

    What code of the user's own reports, and how many layers it has, is known when it has run.
    """
    for claim in study.claims:
        judged = list(cells_of(claim, study, cells))
        found = (_problem(claim, study, cell.config) for cell in judged)
        if problem := _without_cells(claim, study, judged) or next(filter(None, found), ""):
            yield f"study {study.name}: claim '{claim.name}': {problem}"


def follows_theory(theory: str, config: RunConfig) -> bool:
    """Tell whether a theory says anything of a cell: `he_relu` of He's weights and relu alone.

    That layers are equal it may say of any.
    """
    if theory == "equal_layers":
        return True
    from ablate.lessons.signal import has_theory

    scheme = (config.init.name, getattr(config.model, "activation", ""))
    return (theory != "he_relu" or scheme == ("he", "relu")) and has_theory(config)


def cells_of(claim: Claim, study: Study, cells: Sequence[Cell]) -> Iterator[Cell]:
    """Yield the cells whose runs the claim is judged on."""
    part = study.part_of(claim)
    at = dict(claim.at)
    if isinstance(claim, Effect | Spread):
        at[claim.compare[0]] = claim.compare[1:]
    for cell in cells:
        of_part = set(part.factors) <= cell.levels.keys()  # a control has no level
        if of_part and all(cell.levels[f] in at[f] for f in at if f in part.factors):
            yield cell


def _without_cells(claim: Claim, study: Study, judged: Sequence[Cell]) -> str:
    """Say which levels that a claim sets against each other no cell has; empty where all are."""
    sets = [getattr(claim, field, ()) for field in ("compare", "interaction")]
    own = study.part_of(claim).factors  # the tuned key is none, and has no levels of cells
    placed = [{name: cell.levels[name] for name in own} for cell in judged]
    against = {factor: tuple(levels) for factor, *levels in filter(None, sets) if factor in own}
    elsewhere = list[set[tuple[str, ...]]]()
    for levels in itertools.product(*against.values()):
        wanted = dict(zip(against, levels, strict=True))
        here = [cell for cell in placed if wanted.items() <= cell.items()]
        if not here:
            fixed = {factor: " or ".join(at) for factor, at in claim.at.items()}
            named = ", ".join(f"{factor}={level}" for factor, level in (fixed | wanted).items())
            return f"no cell has {named}; there is nothing to judge." if named else ""
        elsewhere.append(_elsewhere(here, set(wanted)))
    if not set.intersection(*elsewhere):
        return _never_alike(study, list(against))
    over = getattr(claim, "over", None) or getattr(claim, "spread_over", None)
    if over not in own:
        return ""
    steps = dict.fromkeys(cell[over] for cell in placed)
    if len(steps) < 2:
        return f"{over} has fewer than two levels there; there is nothing to judge."
    rows = [_elsewhere([c for c in placed if c[over] == level], {over}) for level in steps]
    apart = any(a.isdisjoint(b) for a, b in itertools.pairwise(rows))
    return _never_alike(study, [over]) if apart and isinstance(claim, Order) else ""


def _elsewhere(cells: Sequence[Mapping[str, str]], compared: set[str]) -> set[tuple[str, ...]]:
    """Return the settings of the factors that are not compared."""
    return {tuple(level for name, level in cell.items() if name not in compared) for cell in cells}


def _never_alike(study: Study, compared: Sequence[str]) -> str:
    """Say why levels that are compared have no setting of the other factors in common."""
    only = [f.name for f in study.factors if set(f.when) & set(compared)]
    why = f": {' and '.join(only)} exists beside some of them alone" if only else ""
    return (
        f"the levels of {' and '.join(compared)} that it compares are never at the same levels of "
        f"the other factors{why}; there is nothing to judge."
    )


def _problem(claim: Claim, study: Study, config: RunConfig) -> str:
    if isinstance(claim, Follows) and not follows_theory(claim.follows, config):
        cell = f"init={config.init.name} and model={config.model.name}"
        return f"{claim.follows} says nothing of cells with {cell}; fix the factors in at."
    if claim.metric is None:
        return ""
    if config.trainer.is_user_code:
        if isinstance(claim.metric, Probed) and is_probed(config) is False:
            off = "nothing is probed (probe.steps=off); allowed are ends or log."
            command = "a training command of your own is not probed."
            return f"metric {claim.metric}: {off if config.trainer.command is None else command}"
        return ""
    problem = _missing(claim.metric, study, config)
    return f"metric {claim.metric}: {problem}" if problem else ""


def _missing(metric: Expression, study: Study, config: RunConfig) -> str:
    """Say what runs of a config do not have of a metric; empty where they have all of it."""
    trains = isinstance(config.ensemble, NoEnsemble)
    match metric:
        case Final(name):
            names = measured(config, study.task)
            known = sorted({*(names or ()), study.metric.name})
            if names is not None and name not in known:
                return f"no run reports it; allowed are {one_of(known)}.{nearest(name, known)}"
        case StepsTo(curve):
            if not trains:
                return f"an ensemble has no curves (ensemble={config.ensemble.name})."
            if not config.trainer.trains:
                return "nothing is evaluated in no training (trainer.epochs=0)."
            known_curves = (*CURVES[:2], study.metric.watched)
            if curve not in known_curves:
                allowed = f"{one_of(known_curves)}.{nearest(curve, known_curves)}"
                return f"no curve is called '{curve}'; allowed are {allowed}"
        case Probed():
            if not trains:
                return f"an ensemble is not probed (ensemble={config.ensemble.name})."
            if config.probe.steps == "off":
                return "nothing is probed (probe.steps=off); allowed are ends or log."
            return _unprobed(metric, config)
    return ""


def _unprobed(metric: Probed, config: RunConfig) -> str:
    from ablate.data import examples_of
    from ablate.data.description import labelled_size, split_sizes
    from ablate.nn.architectures import depth_of
    from ablate.probe import steps_to_probe

    if not isinstance(config.model, Target):
        layers = depth_of(config.model)
        for named in (metric.layer, metric.against):
            if isinstance(named, int) and named > layers:
                return f"there is no layer {named}; the network has {layers} hidden layers."
    if isinstance(config.data, UserData) or metric.step == "last":
        return ""
    train, _ = split_sizes(config.data, examples_of(config.data)[0])
    steps = steps_to_probe(
        config.probe, config.trainer.steps_for(labelled_size(config.data, train))
    )
    if metric.step not in steps:
        said = f"step {metric.step} is not probed (probe.steps={config.probe.steps})"
        return f"{said}; allowed are {one_of(map(str, steps))}, or last."
    return ""

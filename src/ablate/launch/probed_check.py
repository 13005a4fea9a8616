"""Whether a study shows layers that nobody could tell of: a look at signatures, without torch."""

from ablate.errors import ConfigError
from ablate.metrics import Probed
from ablate.study.items import OfQuantity
from ablate.study.measured import is_probed
from ablate.study.plan import Plan
from ablate.study.schema import Study
from ablate.user import imported, takes


def check_probed(plan: Plan) -> None:
    """Raise ConfigError where an item or a claim needs the probe and no procedure takes `run`.

    Only then can it tell of its layers; whether it does is known when it has run.
    """
    asked = _asking(plan.study)
    if asked is None or any(is_probed(cell.config) for cell in plan.cells):
        return
    paths = [cell.config.trainer.target for cell in plan.cells if is_probed(cell.config) is None]
    own = [path for path in paths if path is not None]
    if own and not any(takes(imported(path, "trainer"), "run") for path in own):
        raise ConfigError(
            f"study {plan.study.name}: {asked} needs the probe, and trainer={own[0]} cannot tell "
            "of its layers: let it take run, f(config, data, streams, run), and call run.probe."
        )


def _asking(study: Study) -> str | None:
    """Return the first item or claim that needs the probe, in words."""
    for item in study.report:
        if item.shows_probe or (isinstance(item, OfQuantity) and item.probe is not None):
            return f"report: {item.kind}"
    for claim in study.claims:
        if isinstance(claim.metric, Probed):
            return f"claim '{claim.name}'"
    return None

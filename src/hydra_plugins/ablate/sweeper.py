"""A Hydra sweeper that composes once and hands the sweep on; `ablate.config.compose` calls it.

Hydra scans this folder at every start and refuses sweepers that live elsewhere, so this file
stays thin and imports nothing heavy.
"""

from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

ConfigStore.instance().store(
    group="hydra/sweeper",
    name="ablate",  # what `override hydra/sweeper: ablate` loads
    node={"_target_": "hydra_plugins.ablate.sweeper.AblateSweeper"},
    provider="ablate",
)


class AblateSweeper(Sweeper):
    """Calls the task once with the base config and the swept keys with their values."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what Hydra hands over."""
        self.config, self.context, self.task = config, hydra_context, task_function

    def sweep(self, arguments: list[str]) -> Any:
        """Compose the overrides that have one value; expand those with several."""
        parsed = OverridesParser.create().parse_overrides(arguments)
        fixed = [str(o.input_line) for o in parsed if not o.is_sweep_override()]
        swept = {o.key_or_group: [*o.sweep_iterator()] for o in parsed if o.is_sweep_override()}
        base = self.context.config_loader.load_sweep_config(self.config, fixed)
        return self.task(base, swept)  # type: ignore[call-arg]

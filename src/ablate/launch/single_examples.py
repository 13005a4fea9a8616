"""Whether some batch of a cell is a single example, which batch normalization cannot take.

No torch here.
"""

from ablate.config import RunConfig
from ablate.config.data import UserData
from ablate.config.model import TokenConfig
from ablate.config.target import Target
from ablate.data.description import describe, labelled_size, split_sizes
from ablate.data.user_data import load_user_data
from ablate.errors import ConfigError
from ablate.nn.architectures import normalizes_single_values
from ablate.train import BATCH


def alone_in_training(config: RunConfig) -> str | None:
    """Return which batch in training mode is a single example, in words; None if there is none."""
    if config.trainer.is_user_code:
        return None  # whose batches are its own
    train, _ = _split(config)
    size, probe = config.trainer.batch_size, config.probe
    batches = f"in batches of {size} (trainer.batch_size)"
    if config.trainer.trains and (train % size or min(size, train)) == 1:
        return f"{train} training examples {batches} leave a last batch of one"
    looked_at = min(train, probe.examples)
    if probe.steps != "off" and looked_at // -(-looked_at // size) == 1:
        return f"the probe looks at {looked_at} examples {batches}, one of them alone"
    return None


def alone_in_prediction(config: RunConfig) -> bool:
    """Tell whether a single example is a batch when scores are taken."""
    there = describe(config.data)
    train, validation = _split(config)
    if there.has_validation and isinstance(config.data, UserData):
        held_out = load_user_data(config.data).validation
        validation = 0 if held_out is None else len(held_out[1])
    test = config.data.test_size or there.test
    return any(size % BATCH == 1 for size in (train, validation, test))


def check_normalization(config: RunConfig, inputs: tuple[int, ...]) -> None:
    """Raise ConfigError where this package's batch norm would meet one value per channel."""
    if isinstance(config.model, Target | TokenConfig) or not normalizes_single_values(
        config.model, inputs
    ):
        return
    where = alone_in_training(config)
    if where is not None:
        raise ConfigError(
            f"model.norm={config.model.norm} is not allowed here: {where}, and where maps are 1 x "
            "1 that is a single value per channel; take another trainer.batch_size or "
            "data.train_size."
        )


def _split(config: RunConfig) -> tuple[int, int]:
    """Return how many examples the task is trained on, and how many are held out."""
    there = describe(config.data)
    train, validation = split_sizes(config.data, there.train, not there.has_validation)
    return labelled_size(config.data, train), validation

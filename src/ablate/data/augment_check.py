"""Whether augmentation suits the examples. No torch here."""

from ablate.config.augment import Augment
from ablate.errors import ConfigError


def check_augment(config: Augment, inputs: tuple[int, ...], of_tokens: bool = False) -> None:
    """Raise ConfigError when examples of shape `inputs` cannot be augmented as asked.

    of_tokens  they are sequences of tokens, which nothing here changes
    """
    if of_tokens:
        if config != Augment():
            raise ConfigError(
                "augment is not allowed here: the data has sequences of tokens, and all that "
                "augment has changes images or numbers."
            )
        return
    if len(inputs) != 3:
        if config.needs_images:
            raise ConfigError(
                f"augment.{config.needs_images[0]} needs images, but the data has examples of "
                f"{' x '.join(map(str, inputs))} features; these can take augment.noise and "
                "augment.mixup."
            )
        return
    side = min(inputs[1:])
    for name in ("crop", "cutout", "test_shift"):
        value = getattr(config, name)
        used = name != "test_shift" or config.test_crops > 1
        if used and value >= side:
            raise ConfigError(
                f"augment.{name}={value} is not allowed: the images are {inputs[1]} x "
                f"{inputs[2]}, so it must be less than {side}."
            )
    positions = round(config.test_crops**0.5)
    if positions > 2 * config.test_shift + 1:
        raise ConfigError(
            f"augment.test_crops={config.test_crops} is not allowed with "
            f"augment.test_shift={config.test_shift}: shifts by whole pixels give at most "
            f"{(2 * config.test_shift + 1) ** 2} crops."
        )

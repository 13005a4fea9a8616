"""An augmentation of the user's own: images (B, *inputs) in, images of the same shape out."""

from collections.abc import Callable

from torch import Tensor

from ablate import user
from ablate.config.target import Target
from ablate.errors import ConfigError
from ablate.streams import Streams


def build_user_augment(config: Target, streams: Streams) -> Callable[[Tensor, int], Tensor]:
    """Return the augmentation as a function of images (1, B, *inputs) and a step.

    The user's function or instance takes images (B, *inputs), in units of the full range, and
    may take `generator`. What it draws from global generators is a stream of the step.
    """
    with streams.seeded("augment", "made"):
        function = user.bound(config, "augment")
    with_generator = user.takes(function, "generator")

    def change(images: Tensor, step: int) -> Tensor:
        asked = {}
        if with_generator:
            asked["generator"] = streams.torch("augment", step, str(images.device))
        with streams.seeded("augment", step, images.device):
            try:  # costs nothing in a step, as `user.calling` would
                changed = function(images[0].clone(), **asked)
            except user.RAISED as error:
                raise user.failure(error, "augment", config.name) from error
        if not isinstance(changed, Tensor) or changed.shape != images[0].shape:
            got = tuple(changed.shape) if isinstance(changed, Tensor) else type(changed).__name__
            raise ConfigError(
                f"augment={config.name} returned {got} for images {tuple(images[0].shape)}; "
                "it must keep their shape."
            )
        return changed.to(images.dtype)[None]

    return change

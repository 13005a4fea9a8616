"""An augmentation of the user's own: images (B, *inputs) in, images of the same shape out."""

from collections.abc import Callable

import torch
from torch import Tensor

from ablate import user
from ablate.config.target import Target
from ablate.errors import ConfigError


def build_user_augment(config: Target) -> Callable[[Tensor, torch.Generator], Tensor]:
    """Return the augmentation as a function of images (1, B, *inputs) and a generator.

    The user's function or instance takes images (B, *inputs), in units of the full range, and
    may take `generator`. One that does not draws from torch's global generator, which is set
    from ours for the call and put back, so that nothing else draws other numbers for it.
    """
    function = user.bound(config, "augment")
    with_generator = user.takes(function, "generator")

    def change(images: Tensor, generator: torch.Generator) -> Tensor:
        try:  # costs nothing in a step, as `user.calling` would
            if with_generator:
                changed = function(images[0], generator=generator)
            else:
                devices = [images.device] if images.is_cuda else []
                with torch.random.fork_rng(devices):
                    torch.manual_seed(generator.initial_seed())
                    changed = function(images[0])
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

"""A trial of a model of the user's own in training mode, and of what it draws there."""

import torch
from torch import Tensor

from ablate.config import RunConfig
from ablate.config.ensemble import McDropout
from ablate.config.optimizer import Lbfgs
from ablate.errors import ConfigError
from ablate.launch.single_examples import alone_in_prediction, alone_in_training
from ablate.nn.architectures import Shape
from ablate.nn.user_network import UserNetwork, drawn
from ablate.nn.user_output import check_logits
from ablate.streams import draws
from ablate.user import said_by


def check_model(config: RunConfig, network: UserNetwork, shape: Shape, outputs: int) -> None:
    """Raise ConfigError where a model that predicts cannot train, or cannot draw as it is to.

    It is tried on two such examples, and on one where some batch has no more. The
    network is of no use afterwards.
    """
    name, alone = config.model.name, alone_in_training(config)
    # Examples, whether it trains, and what to say of it.
    trials = [(2, True, "in training mode", "")]
    if alone is not None:
        other = f"; {alone}: take another trainer.batch_size or data.train_size"
        trials.append((1, True, "in training mode", other))
    if alone_in_prediction(config):
        trials.append((1, False, "while it predicts", "; some last batch of 100 has no more"))
    for examples, trains, mode, why in trials:
        network.train(trains)
        try:
            logits = network.module(drawn(shape, examples))
        except Exception as error:
            shown = f"{examples} example{'s'[: examples - 1]} {mode}: {said_by(error)}{why}"
            raise ConfigError(f"model={name} fails on {shown}.") from error
        wanted = (examples, *shape.of_outputs(outputs))
        check_logits(f"model={name}", logits, wanted, f" {mode}{why}")
        if trains and config.trainer.trains:
            _check_gradient(name, logits)
    _check_draws(config, network, drawn(shape, 2))


def _check_gradient(name: str, logits: Tensor) -> None:
    if not logits.requires_grad:
        raise ConfigError(
            f"model={name} cannot be trained: its logits depend on no parameter that is not frozen "
            "(requires_grad)."
        )
    try:
        logits.sum().backward()  # type: ignore[no-untyped-call]
    except Exception as error:
        raise ConfigError(f"model={name} has no gradient: {said_by(error)}.") from error


@torch.no_grad()
def _check_draws(config: RunConfig, network: UserNetwork, x: Tensor) -> None:
    """Refuse what this package's models are refused by a look at their config: dropout or none."""
    name = config.model.name
    network.train()
    training = draws(lambda: network.module(x))
    at_random = training != draws(lambda: None)
    if isinstance(config.optimizer, Lbfgs) and at_random:
        raise ConfigError(
            f"optimizer=lbfgs is not allowed with model={name}, which draws random numbers in "
            "training: its line search needs a loss that stays the same from one look to the next."
        )
    if config.trainer.vary == "dropout" and not at_random:
        raise ConfigError(
            f"trainer.vary=dropout leaves nothing that varies: model={name} draws no random "
            "numbers in training."
        )
    if not isinstance(config.ensemble, McDropout):
        return
    if not at_random:
        raise ConfigError(f"ensemble=mc_dropout needs dropout: model={name} has none at work.")
    with network.dropout_at_inference():
        predicting = draws(lambda: network.module(x))
    if predicting != training:
        raise ConfigError(
            f"ensemble=mc_dropout needs dropout as modules (torch.nn.Dropout): model={name} draws "
            "random numbers in training that it does not draw with these at work, so some of its "
            "masks would be missing."
        )

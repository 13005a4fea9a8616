"""What a network sees before its training, from the config alone: other tasks, unlabelled examples.

No torch here.
"""

from __future__ import annotations

import hashlib

from ablate.config.data import DataConfig
from ablate.config.pretrain import Autoencoders
from ablate.config.run import RunConfig
from ablate.config.source import source_run
from ablate.data.description import describe, digest, split_sizes
from ablate.errors import ConfigError


def unlabelled(config: RunConfig, pretrain: Autoencoders) -> DataConfig:
    """Return the data config whose training split is what autoencoders see without labels.

    It holds the examples that are trained on, and none that validates.
    """
    if pretrain.examples is None:
        return config.data
    return config.data.model_copy(update={"train_size": pretrain.examples})


def digest_of_all(config: RunConfig) -> str:
    """Return the SHA-256 of the data that a run sees: of its own set, and of one learnt before.

    That of its own alone where the other task is of the same set.
    """
    own, source = digest(config.data), source_run(config)
    other = digest(source.data) if source else own
    return own if other == own else hashlib.sha256(f"{own} {other}".encode()).hexdigest()


def check_pretraining(config: RunConfig) -> None:
    """Raise ConfigError where pretraining has not the examples that it asks for."""
    if config.trainer.is_user_code:
        return  # whose examples are its own
    there = describe(config.data)
    pretrain, source = config.pretrain, source_run(config)
    if isinstance(pretrain, Autoencoders) and pretrain.examples is not None:
        train, validation = split_sizes(config.data, there.train, not there.has_validation)
        most = there.train - validation
        if not train <= pretrain.examples <= most:
            raise ConfigError(
                f"pretrain.examples is {pretrain.examples}; allowed are {train}, the examples that "
                f"are trained on, to {most}, all that validation leaves of {config.data.name}"
            )
    if source is None:
        return
    try:
        other = describe(source.data)
    except ConfigError as error:  # of its classes
        raise ConfigError(str(error).replace("data.", "pretrain.", 1)) from None
    size = source.data.train_size or 0
    if size >= other.train:
        raise ConfigError(
            f"pretrain.train_size is {size}; {source.data.name} has {other.train} such examples, "
            f"so at most {other.train - 1} are allowed"
        )
    if other.inputs != there.inputs:
        shown, own = (" x ".join(map(str, one.inputs)) for one in (other, there))
        raise ConfigError(
            f"pretrain.data={source.data.name} has examples of {shown}, but data="
            f"{config.data.name} of {own}: one network takes both only where they are alike"
        )

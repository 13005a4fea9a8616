"""What hidden layers learn before the training, and which of them it leaves as they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ablate.config.pretrain import Autoencoders, NoPretraining
from ablate.config.source import source_run
from ablate.data import Data
from ablate.nn.architectures import frozen_layers
from ablate.nn.network import Chain
from ablate.nn.population import set_population_statistics
from ablate.train.autoencoders import train_autoencoders
from ablate.train.inference import scores_of
from ablate.train.prepare import Stack, prepare

#: What pretraining reports of each replicate, as metrics.
Reported = Sequence[Mapping[str, float]]


def pretrain(
    stack: Stack, data: Data, source: Data | None, device: str, fit: Callable[[Stack], object]
) -> Reported:
    """Let the hidden layers learn as the config says, in place, and freeze what it freezes.

    data    of the run
    source  of the other task, see `ablate.config.source`
    fit     trains a stack to the end

    Everything is drawn from the source `pretrain`: the training afterwards draws what it draws
    without. The output layer stays as it was initialized.
    """
    config, network = stack.config, stack.network
    if not isinstance(network, Chain):
        return [{} for _ in stack.streams]
    reported: Reported = [{} for _ in stack.streams]
    if isinstance(config.pretrain, Autoencoders):
        reported = train_autoencoders(stack, network, config.pretrain, data)
    elif source is not None:
        reported = _learn_source(stack, network, source, device, fit)
    frozen = frozen_layers(config.model, config.trainer.frozen)  # type: ignore[arg-type]
    if frozen:
        # Running averages that nothing ever ran over would normalize nothing.
        if isinstance(config.pretrain, NoPretraining) or network.population:
            set_population_statistics(network, stack.population, of=network.chain[:frozen])
        network.freeze(frozen)
    return reported


def _learn_source(
    stack: Stack, network: Chain, source: Data, device: str, fit: Callable[[Stack], object]
) -> Reported:
    """Train on the other task, keep the hidden layers, and say how well it was learnt.

    They start from the weights from which they start without pretraining.
    """
    config = source_run(stack.config)
    assert config is not None
    streams = [replace(own, below="pretrain") for own in stack.streams]
    other = prepare(config, source, streams, device)
    assert isinstance(other.network, Chain)
    _copy_hidden(network, other.network)
    fit(other)
    _copy_hidden(other.network, network)
    scores = scores_of(other, other.test, other.test_indices)
    return [
        {f"pretrain/{name}": own[name] for name in ("accuracy", "loss") if name in own}
        for own in scores
    ]


def _copy_hidden(of: Chain, to: Chain) -> None:
    for one, other in zip(of.chain[:-1], to.chain[:-1], strict=True):
        other.load_state_dict(one.state_dict())

import pytest
import torch

from ablate import data as data_sets
from ablate.train.loop import train
from ablate.train.process import prepare_process

# As a worker does, and before any test multiplies matrices: MKL reads its settings once.
prepare_process()
# But not for the other tests of this process: hypothesis refuses to run without denormals.
torch.set_flush_denormal(False)


@pytest.fixture
def run(tmp_path):
    """Return a function that trains replicates of a config on its data."""

    def run(config, replicates=(0,), members=None):
        data = data_sets.load(config.data, tmp_path, config.seed)
        return train(config, data, replicates, members=members)

    return run

from __future__ import annotations

from ablate.config.data import Digits, DownloadedData
from ablate.config.model import Mlp
from ablate.config.optimizer import MomentumSgd
from ablate.config.run import RunConfig
from ablate.config.trainer import Trainer
from ablate.report.circumstances import facts_of


def config(data, epochs=5):
    return RunConfig(
        data=data,
        model=Mlp(name="mlp"),
        optimizer=MomentumSgd(name="momentum"),
        trainer=Trainer(epochs=epochs),
    )


def test_one_data_set():
    facts = facts_of([config(Digits(name="digits"))] * 2, ("ablate sweep study=x",))
    assert facts.data == ("digits (1,200 training, 237 validation and 360 test examples)",)
    assert facts.examples == {"train": 1200, "validation": 237, "test": 360}
    assert facts.training == "5 epochs, batch size 128"


def test_what_differs_between_cells_is_said():
    mnist = DownloadedData(name="mnist", train_size=1000, test_size=500)
    facts = facts_of([config(Digits(name="digits"), 1), config(mnist, 3)], ())
    assert facts.data == (
        "MNIST (1,000 training, 5,000 validation and 500 test examples)",
        "digits (1,200 training, 237 validation and 360 test examples)",
    )
    assert facts.examples == {"train": None, "validation": None, "test": None}
    assert facts.training == "1 to 3 epochs, batch size 128"


def test_one_epoch_is_singular():
    assert facts_of([config(Digits(name="digits"), 1)], ()).training.startswith("1 epoch,")

from __future__ import annotations

from importlib import import_module

import pytest

from ablate.config.data import Digits, DownloadedData
from ablate.config.model import Mlp
from ablate.config.optimizer import MomentumSgd
from ablate.config.run import RunConfig
from ablate.config.trainer import Trainer
from ablate.report.circumstances import facts_of
from ablate.study.lockfile import Locked
from ablate.study.measured import OVER_SURFACE
from ablate.study.plan import Cell
from ablate.study.schema import Study


def config(data, epochs=5):
    return RunConfig(
        data=data,
        model=Mlp(name="mlp"),
        optimizer=MomentumSgd(name="momentum"),
        trainer=Trainer(epochs=epochs),
    )


def locked(*configs, **study):
    fields = {"name": "x", "question": "?", "baseline": {}, "factors": (), "replicates": 1,
              "metric": {"name": "test/accuracy", "better": "higher"}, "report": ()}  # fmt: skip
    cells = tuple(Cell(f"{i}", f"{i}", f"{i}", {}, one) for i, one in enumerate(configs))
    return Locked(Study.model_validate(fields | study), cells, "")


def test_one_data_set():
    facts = facts_of(locked(*[config(Digits(name="digits"))] * 2))
    assert facts.data == ("digits (1,200 training, 237 validation and 360 test examples)",)
    assert facts.examples == {"train": 1200, "validation": 237, "test": 360}
    assert facts.training == "5 epochs, batch size 128"


def test_what_differs_between_cells_is_said():
    mnist = DownloadedData(name="mnist", train_size=1000, test_size=500)
    facts = facts_of(locked(config(Digits(name="digits"), 1), config(mnist, 3)))
    assert facts.data == (
        "MNIST (1,000 training, 5,000 validation and 500 test examples)",
        "digits (1,200 training, 237 validation and 360 test examples)",
    )
    assert facts.examples == {"train": None, "validation": None, "test": None}
    assert facts.training == "1 to 3 epochs, batch size 128"


def test_labels_that_are_wrong_are_told_of():
    facts = facts_of(locked(config(Digits(name="digits", label_noise=0.2))))
    assert facts.data == (
        "digits (1,200 training with 20 % of the labels wrong, 237 validation and 360 test "
        "examples)",
    )


def test_one_epoch_is_singular():
    assert facts_of(locked(config(Digits(name="digits"), 1))).training.startswith("1 epoch,")


def test_a_study_is_trained_where_a_cell_is():
    digits = Digits(name="digits")
    assert not facts_of(locked(config(digits, 0))).is_trained
    assert facts_of(locked(config(digits, 0), config(digits, 2))).is_trained
    own = config(digits).model_copy(update={"trainer": Trainer(target="mylab.fit")})
    facts = facts_of(locked(own))
    assert (facts.is_trained, facts.by_user_procedure) == (True, True)


def test_only_the_descent_over_a_surface_reads_no_data():
    def facts(target):
        trainer = Trainer.model_validate({"_target_": target})
        own = config(Digits(name="digits")).model_copy(update={"trainer": trainer})
        return facts_of(locked(own))

    module, _, name = OVER_SURFACE.rpartition(".")
    assert callable(getattr(import_module(module), name))
    assert facts(OVER_SURFACE).data == ()
    assert facts("ablate.lessons.another.one").data[0].startswith("digits")


@pytest.mark.parametrize(
    ("study", "quick"),
    [
        ({"name": "x-depth5-quick", "is_quick": True}, True),
        ({"name": "x-quick", "command": "ablate sweep study=x --quick"}, True),
        ({"name": "x-quick", "command": "ablate sweep study=x study.name=x-quick"}, False),
    ],
    ids=["said", "lock of before", "a name alone"],
)
def test_a_quick_version_is_one_that_says_so(study, quick):
    made = locked(config(Digits(name="digits")), **study)
    assert made.study.is_quick is quick
    assert ("is_quick" in made.study.as_declared()) is quick

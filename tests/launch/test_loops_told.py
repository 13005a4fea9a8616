"""Training loops that existed before, swept: their curves, layers and early stops in the ledger."""

from pathlib import Path

import numpy as np
import pytest
from sweeping_here import sweep_here

import ablate
from ablate.errors import ConfigError

STUDY = """\
question: Does the rate matter?
baseline:
  data: {_target_: mylab.data.rings}
  trainer: {_target_: mylab.loops.LOOP, epochs: 6}
  trainer.device: cpu
  stopping: patience
  stopping.patience: 1
  optimizer: sgd
factors:
  optimizer.lr: [0.01, 0.3]
replicates: 2
report: [table, learning_curves, stopping_points, activation_distribution]
"""
LOOPS = [
    "plain", "shaped_like_lightning", "shaped_like_transformers",
    # It warns of few batches and of loaders without workers.
    pytest.param("lightning", marks=pytest.mark.filterwarnings("ignore")),
]  # fmt: skip


@pytest.mark.parametrize("loop", LOOPS)
def test_it_has_curves_layers_and_early_stops(
    loop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if loop == "lightning":
        pytest.importorskip("lightning", reason="pip install -e '.[bench]' brings Lightning")
    sweep_here(STUDY.replace("LOOP", loop), tmp_path, monkeypatch)
    runs = ablate.load("mine", tmp_path)
    assert list(runs["status"]) == ["done"] * 4
    epochs, curves, timings, layers = (
        ablate.load("mine", tmp_path, frame=name)
        for name in ("epochs", "curves", "timings", "layers")
    )
    by_run = epochs.groupby(["cell", "replicate"])
    assert len(by_run) == 4
    for (cell, replicate), rows in by_run:
        own = runs[(runs["cell"] == cell) & (runs["replicate"] == replicate)].iloc[0]
        seen = rows["validation/loss"].to_numpy()
        # As the rule has it: over at the first evaluation that is no better than all before.
        worse = [i for i in range(1, len(seen)) if seen[i] >= seen[:i].min()]
        assert worse in ([], [len(seen) - 1])
        assert own["stopping/step"] == rows["step"].iloc[-1]
        assert own["stopping/best_step"] == rows["step"].iloc[int(seen.argmin())]
        assert np.isfinite(rows.loc[rows["step"] > 0, "train/loss"]).all()
    assert (timings.groupby(["cell", "replicate"])["seconds"].diff().dropna() > 0).all()
    assert len(curves)
    assert np.isfinite(curves["loss"]).all()
    assert set(layers["quantity"]) == {"activation", "activation_gradient", "weight_gradient"}
    assert layers.groupby(["cell", "replicate"])["histogram"].count().min() > 0


def test_who_cannot_tell_of_layers_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = STUDY.replace("mylab.loops.LOOP, epochs: 6", "mylab.train.metrics_alone")
    sentence = (
        r"study mine: report: activation_distribution needs the probe, and trainer=mylab.train."
        r"metrics_alone cannot tell of its layers: let it take run, f\(config, data, streams, run\)"
    )
    with pytest.raises(ConfigError, match=sentence):
        sweep_here(text, tmp_path, monkeypatch)
    assert not list(tmp_path.glob("runs/**/result.json"))

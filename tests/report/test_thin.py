"""What of the frames a report keeps."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from frames_for_tests import factor, make_study

from ablate.metrics import PROBED, STATISTICS, WEIGHT
from ablate.probe.histogram import BINS, coarsen
from ablate.report.figures.histograms import _panel
from ablate.report.frame import Frames, as_frame, read_frames, write_frames
from ablate.report.thin import thinned
from ablate.study.claims import Effect, Interaction, Order
from ablate.study.items import ITEMS, Distribution
from ablate.study.items.base import Item

REPLICATES, LAYERS, STEPS = 3, 2, (0, 10, 40)


def layers() -> pd.DataFrame:
    """Return what the probe saw in two cells; replicate 2 of the second ended at step 10."""
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for cell in ("a", "b"):
        for replicate in range(REPLICATES):
            for step in STEPS[:2] if (cell, replicate) == ("b", 2) else STEPS:
                for quantity in PROBED:
                    for layer in range(1, LAYERS + 1):
                        seen = step in (0, 40)
                        rows.append({
                            "cell": cell, "replicate": replicate, "step": step, "layer": layer,
                            "layer_name": f"layer{layer}", "quantity": quantity,
                            **dict(zip(STATISTICS, rng.random(9) * 1e-50, strict=True)),
                            "zero": 0.075, "exponent": int(rng.integers(-3, 4)),
                            "histogram": rng.integers(0, 99, BINS) if seen else None,
                        })  # fmt: skip
    return pd.DataFrame(rows)


def frames_of(seen: pd.DataFrame) -> Frames:
    names = (field.name for field in fields(Frames))
    return replace(Frames(**{name: as_frame(name, []) for name in names}), layers=seen)


def study(*items: Item) -> Any:
    return make_study(factor("init", ["a", "b"])).model_copy(update={"report": items})


def where(frame: pd.DataFrame, **levels: Any) -> pd.DataFrame:
    for name, level in levels.items():
        frame = frame[frame[name] == level]
    return frame


@pytest.mark.parametrize("kind", [k for k, item in ITEMS.items() if issubclass(item, Distribution)])
@pytest.mark.parametrize("step", ["first", "last"])
def test_a_panel_is_drawn_from_what_is_kept_as_from_all(kind: str, step: str) -> None:
    item = ITEMS[kind](step=step)
    ((quantity, _),) = item.histograms()
    assert quantity in PROBED
    everything = layers()
    kept = thinned(frames_of(everything), study(item)).layers
    assert len(kept) == len(everything)
    for cell, layer in (("a", 1), ("a", 2), ("b", 1)):
        # Of the run that ended early the last step with a histogram is the first.
        at = {"first": [0, 0, 0], "last": [40, 40, 0 if cell == "b" else 40]}[step]
        shown = []
        for frame in (everything, kept):
            own = where(frame, cell=cell, layer=layer, quantity=quantity)
            has = own[own["histogram"].notna()]
            rows = [where(has, replicate=r, step=s) for r, s in enumerate(at)]
            shown.append(_panel(pd.concat(rows), None))
        before, after = shown
        widest = max(k for k, _ in before.counts)
        assert widest == max(k for k, _ in after.counts)
        sums = [
            np.sum([coarsen(counts, widest - k) for k, counts in panel.counts], axis=0)
            for panel in shown
        ]
        np.testing.assert_array_equal(*sums)
        assert after.std == pytest.approx(before.std, rel=2.0**-20, abs=0)
        assert after.shares["zero"] == 0.075
    others = kept[(kept["quantity"] != quantity) | (kept["step"] == 10)]
    assert others["histogram"].isna().all()


def test_what_is_not_finite_is_in_no_sum() -> None:
    everything = layers()
    everything.loc[everything["replicate"] == 0, "std"] = np.nan
    item = ITEMS["activation_distribution"]()
    kept = thinned(frames_of(everything), study(item)).layers
    own = where(kept, cell="a", layer=1, quantity="activation", step=0)
    assert [len(counts) for counts in own["histogram"]] == [0, BINS, 0]
    expected = where(everything, cell="a", layer=1, quantity="activation", step=0)
    assert own["histogram"].iloc[1].sum() == sum(h.sum() for h in expected["histogram"].iloc[1:])


def test_statistics_that_nothing_reads_go_and_those_that_something_reads_stay() -> None:
    everything = layers()
    bare = thinned(frames_of(everything), study()).layers
    assert {name for name in STATISTICS if bare[name].notna().any()} == {
        "std", "zero", "dead", "saturated",
    }  # fmt: skip
    assert bare["histogram"].isna().all()
    asked = thinned(frames_of(everything), study(ITEMS["factor_response"](probe="rms"))).layers
    np.testing.assert_allclose(asked["rms"], everything["rms"], rtol=2.0**-20, atol=0)


def test_a_second_time_changes_nothing_and_bytes_are_the_same(tmp_path: Path) -> None:
    own = study(ITEMS["activation_distribution"](), ITEMS["gradient_distribution"](step="last"))
    once = thinned(frames_of(layers()), own)
    write_frames(once, tmp_path / "once")
    write_frames(thinned(read_frames(tmp_path / "once"), own), tmp_path / "twice")
    for path in (tmp_path / "once").iterdir():
        assert (tmp_path / "twice" / path.name).read_bytes() == path.read_bytes(), path.name


def with_weights() -> Frames:
    """Return frames in which each run has counted its weights, by layer and by pixel."""
    rng = np.random.default_rng(1)
    rows, pixels = [], []
    for cell in ("a", "b"):
        for replicate in range(REPLICATES):
            keys = {"cell": cell, "replicate": replicate}
            rows += [
                {**keys, "step": 40, "layer": layer, "layer_name": f"layer{layer}",
                 "quantity": WEIGHT, "std": 0.1, "zero": 0.3, "exponent": int(rng.integers(-3, 4)),
                 "histogram": rng.integers(0, 99, BINS)}
                for layer in (1, 2)
            ]  # fmt: skip
            pixels.append({
                **keys, "networks": 1, "units": 9, "channels": 1, "height": 2, "width": 2,
                "zeros": rng.integers(0, 9, 4), "squares": rng.random(4),
            })  # fmt: skip
    seen = pd.concat([layers(), pd.DataFrame(rows)], ignore_index=True)
    return replace(frames_of(seen), pixels=as_frame("pixels", pixels))


def test_weights_are_pooled_where_an_item_shows_them_and_pixels_always() -> None:
    everything = with_weights()
    kept = thinned(everything, study(ITEMS["weight_distribution"]()))
    own = where(kept.layers, cell="b", layer=2, quantity=WEIGHT)
    assert [len(counts) for counts in own["histogram"]] == [BINS, 0, 0]
    parts = where(everything.layers, cell="b", layer=2, quantity=WEIGHT)
    assert own["histogram"].iloc[0].sum() == sum(map(np.sum, parts["histogram"]))
    assert kept.layers[kept.layers["quantity"] != WEIGHT]["histogram"].isna().all()
    assert thinned(everything, study()).layers["histogram"].isna().all()
    assert kept.pixels["networks"].tolist() == [REPLICATES] * 2
    of_cell = where(everything.pixels, cell="b")
    np.testing.assert_array_equal(kept.pixels["zeros"].iloc[1], np.sum(list(of_cell["zeros"]), 0))
    summed = np.sum(list(of_cell["squares"]), axis=0)
    np.testing.assert_allclose(kept.pixels["squares"].iloc[1], summed, rtol=2.0**-20, atol=0)


def test_weights_thinned_and_written_twice_are_the_same_bytes(tmp_path: Path) -> None:
    own = study(ITEMS["weight_distribution"](), ITEMS["input_pixels"]())
    write_frames(thinned(with_weights(), own), tmp_path / "once")
    write_frames(thinned(read_frames(tmp_path / "once"), own), tmp_path / "twice")
    assert (tmp_path / "once" / "pixels.parquet").exists()
    for path in (tmp_path / "once").iterdir():
        assert (tmp_path / "twice" / path.name).read_bytes() == path.read_bytes(), path.name


def test_counts_beyond_32_bits_are_kept(tmp_path: Path) -> None:
    everything = layers()
    for row in np.flatnonzero(everything["histogram"].notna()):
        everything.at[row, "histogram"] = np.full(BINS, 2**31 - 1)
    own = study(ITEMS["activation_distribution"]())
    write_frames(thinned(frames_of(everything), own), tmp_path)
    sums = where(read_frames(tmp_path).layers, cell="a", replicate=0, step=0, quantity="activation")
    assert int(sums["histogram"].iloc[0].sum()) == 3 * BINS * (2**31 - 1)


@pytest.mark.parametrize(
    ("items", "replicates"),
    [(["optimizer_paths"], {0}), (["optimizer_paths", "learning_curves"], {0, 1}), ([], {0, 1})],
)
def test_paths_of_other_replicates_go_where_nothing_reads_them(
    items: list[str], replicates: set[int]
) -> None:
    rows = [{"cell": "a", "replicate": r, "step": s, "x": 0.5} for r in (0, 1) for s in (0, 1)]
    everything = replace(frames_of(layers()), epochs=pd.DataFrame(rows))
    kept = thinned(everything, study(*(ITEMS[kind]() for kind in items)))
    assert set(kept.epochs["replicate"]) == replicates


def test_answers_are_kept_of_runs_that_converged_and_are_compared() -> None:
    inits, norms = factor("init", ["a", "b", "c"]), factor("norm", ["with", "without"])
    pairs = [(a, b) for a in "abc" for b in ("with", "without")]
    runs = pd.DataFrame([
        {"cell": f"{a}-{b}", "replicate": r, "factor:init": a, "factor:norm": b,
         "status": "diverged" if (a, r) == ("b", 1) else "done"}
        for a, b in pairs for r in range(2)
    ])  # fmt: skip
    examples = as_frame("examples", [
        {"cell": row["cell"], "replicate": row["replicate"], "test_set": "t", "count": 8,
         "correct": b"1"}
        for row in runs.to_dict("records")
    ])  # fmt: skip
    frames = replace(frames_of(layers()), runs=runs, examples=examples)

    def kept(**fields: Any) -> list[tuple[str, int]]:
        asked = make_study(inits, norms).model_copy(update={"report": (), **fields})
        found = thinned(frames, asked).examples
        return list(zip(found["cell"], found["replicate"], strict=True))

    said: dict[str, Any] = {"name": "c", "text": "A wins.", "expect": "greater"}
    one = Effect(compare=("init", "a", "b"), at={"norm": ("with",)}, **said)
    assert kept(claims=(one,)) == [("a-with", 0), ("a-with", 1), ("b-with", 0)]
    on_loss = Effect(compare=("init", "a", "b"), metric="test/loss", **said)
    assert kept(claims=(on_loss,)) == []
    crossed = Interaction(
        compare=("norm", "with", "without"), interaction=("init", "a", "c"), **said
    )
    assert {cell for cell, _ in kept(claims=(crossed,))} == {
        "a-with", "a-without", "c-with", "c-without",
    }  # fmt: skip
    order = Order(name="o", text="It falls.", expect="monotone", direction="up", over="init",
                  at={"norm": ("with",)})  # fmt: skip
    assert {cell for cell, _ in kept(claims=(order,))} == {"a-with", "b-with", "c-with"}
    shown = ITEMS["changed_examples"](compare={"init": ["c", "a"]}, at={"norm": "without"})
    assert {cell for cell, _ in kept(report=(shown,))} == {"a-without", "c-without"}
    assert kept() == []

"""Examples that change sides: which they are, by hand, the table by class, and the figure."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from small_frames import drawings, frames, present, runs, status, study
from test_figures import overlapping

from ablate.errors import ReportError
from ablate.report.by_class import by_class, print_classes
from ablate.report.changed_examples import NAME, SHOWN, changed, read_test_set, write_test_sets
from ablate.report.context import Context, Tabulated
from ablate.report.exhibits import exhibits_of
from ablate.report.frame import Frames
from ablate.report.held_out import HeldOut, examples_row
from ablate.study.items import ChangedExamples
from ablate.study.schema import Level

#: At y all runs of B are n/c; at x one run of B is missing.
ITEM = ChangedExamples(compare={"one": ["A", "B"]}, at={"two": "x"})
LABELS = np.array([0, 0, 0, 1, 1, 1])
IMAGES = np.arange(6 * 12, dtype=np.uint8).reshape(6, 1, 4, 3)
TEST_SET = HeldOut(IMAGES, LABELS)
#: Examples that are right in replicates 0 to 3, a digit each; the first has no pair.
RIGHT = {
    "Ax": ["111111", "110110", "110100", "100111"],
    "Bx": ["000000", "010110", "011010", "001101"],
}


def logits(right: str, labels: np.ndarray) -> np.ndarray:
    """Return logits (N, 2) that are right where it says so."""
    correct = np.array([sign == "1" for sign in right])
    return np.eye(2, dtype=np.float16)[np.where(correct, labels, 1 - labels)]


def made(right: Mapping[str, list[str]] = RIGHT, test_set: HeldOut = TEST_SET) -> Frames:
    accuracy = {cell: [0.5] * 4 for cell in (("A", "x"), ("A", "y"), ("B", "x"), ("B", "y"))}
    rows = [
        {**keys, **(examples_row(logits(right[keys["cell"]][r], test_set.labels), test_set) or {})}
        for cell, r, keys in present()
        if keys["cell"] in right and status(cell, r) == "done"
    ]
    return frames(runs({"test/accuracy": accuracy}), examples=rows)


def beside(directory: Path, found: Frames, item: ChangedExamples = ITEM) -> Context:
    """Return the context of a report beside which the test set lies."""
    write_test_sets(study(item), found, [TEST_SET], directory)
    return Context(item, study(item), found, directory=directory)


def test_shares_sides_and_the_largest_changes_by_hand() -> None:
    found = changed(ITEM, study(ITEM), made())
    assert (found.answers.replicates, found.answers.left_out) == ((1, 2, 3), 1)
    a, b = found.shares
    assert a == pytest.approx(np.array([3, 2, 0, 3, 2, 1]) / 3)
    assert b == pytest.approx(np.array([0, 2, 2, 2, 2, 1]) / 3)
    assert found.sides.tolist() == [1, 0, -1, 0, 0, 0]
    assert (found.largest(1), found.largest(-1)) == ([0, 3], [2])


def test_of_equal_changes_those_that_change_sides_come_first() -> None:
    right = {"Ax": ["000000", "110000", "110000", "100000"], "Bx": ["000000", "100000", "000000", "000000"]}  # fmt: skip
    found = changed(ITEM, study(ITEM), made(right))
    assert found.shares[0][:2] == pytest.approx([1, 2 / 3])
    assert found.shares[1][:2] == pytest.approx([1 / 3, 0])
    assert found.largest(1) == [0, 1]
    swapped = {cell: [r[1] + r[0] + r[2:] for r in rows] for cell, rows in right.items()}
    assert changed(ITEM, study(ITEM), made(swapped)).largest(1) == [0, 1]


def test_settings_that_at_leaves_open_are_averaged() -> None:
    everywhere = {**RIGHT, "Ay": ["000000"] * 4, "By": ["000000"] * 4}
    item = ChangedExamples(compare={"two": ["x", "y"]}, at={"one": "A"})
    found = changed(item, study(item), made(everywhere))
    assert found.answers.replicates == (0, 1, 2)  # one run at y is n/c
    averaged = ChangedExamples(compare={"two": ["x", "y"]})
    assert changed(averaged, study(averaged), made(everywhere)).answers.replicates == (0, 1, 2)


def test_accuracies_and_differences_by_class_are_those_of_the_replicates() -> None:
    found = changed(ITEM, study(ITEM), made())
    zero, one, everything = by_class(found, LABELS)
    assert (zero.examples, zero.won, zero.lost) == (3, 1, 1)
    assert (one.examples, one.won, one.lost) == (3, 0, 0)
    a = np.array([2, 2, 1]) / 3  # of class 0, by replicate
    b = np.array([1, 2, 1]) / 3
    assert (zero.a, zero.b) == pytest.approx((100 * a.mean(), 100 * b.mean()))
    expected = stats.ttest_1samp(100 * (a - b), 0).confidence_interval(0.95)
    assert zero.interval == pytest.approx(expected)
    assert everything.a == pytest.approx(100 * found.shares[0].mean())
    assert everything.difference.mean() == pytest.approx(
        (zero.difference + one.difference).mean() / 2
    )


def test_the_table_says_what_won_means_and_who_is_left_out(tmp_path: Path) -> None:
    context = beside(tmp_path, made())
    table, _ = exhibits_of(context)
    assert isinstance(table, Tabulated)
    assert [row[0] for row in table.printed.rows] == ["0", "1"]
    texts = [str(entry) for entry in table.printed.rows[0][1]]
    assert texts[:3] == ["3", "55.6", "44.4"]
    assert texts[-2:] == ["1", "1"]
    caption = " ".join(table.printed.caption)
    assert "more than half of the runs get right with A and not more than half with B" in caption
    assert "1 replicate in which no pair converged is left out." in caption
    lines = table.csv[""].splitlines()
    assert lines[0].startswith("class,examples,accuracy_a,accuracy_b,difference,low,high,won,lost")
    assert [line.split(",")[0] for line in lines[1:]] == ["0", "1", "all"]


def test_of_many_classes_those_that_differ_most_are_printed() -> None:
    labels = np.arange(30) % 30
    many = HeldOut(np.zeros((30, 1, 2, 2), dtype=np.uint8), labels)
    right = {"Ax": ["0" * 10 + "1" * 20] * 4, "Bx": ["0" * 30] * 4}
    accuracy = {cell: [0.5] * 4 for cell in (("A", "x"), ("A", "y"), ("B", "x"), ("B", "y"))}
    rows = [
        {**keys, "test_set": many.digest, "count": 30,
         "correct": np.packbits([s == "1" for s in right[keys["cell"]][r]]).tobytes()}
        for _, r, keys in present() if keys["cell"] in right
    ]  # fmt: skip
    given = frames(runs({"test/accuracy": accuracy}), examples=rows)
    found = changed(ITEM, study(ITEM), given)
    printed = print_classes(found, study(ITEM).factor("one"), labels)
    assert [name for name, _ in printed.rows] == [str(label) for label in range(10, 30)]
    assert "The 20 of 30 classes that differ most are shown." in printed.caption


def test_what_is_drawn_are_the_images_that_change_with_label_and_shares(tmp_path: Path) -> None:
    (drawing,) = drawings(beside(tmp_path, made()))
    assert overlapping(drawing.figure) == []
    won, lost = np.reshape(drawing.figure.axes, (2, SHOWN))
    assert won[0].get_title(loc="left") == "won: right more often with A (1 changes sides)"
    assert lost[0].get_title(loc="left") == "lost: right more often with B (1 changes sides)"
    shown = [(won[0], 0, "0→100"), (won[1], 3, "67→100"), (lost[0], 2, "67→0")]
    for axis, place, shares in shown:
        (image,) = axis.images
        assert np.array_equal(image.get_array(), IMAGES[place, 0])
        assert [text.get_text() for text in axis.texts] == [str(LABELS[place]), shares]
    assert not won[2].get_visible()
    assert drawing.caption.startswith("Test images of MNIST that are answered most differently")
    assert "from B to A" in drawing.caption


def test_long_names_of_levels_stay_on_the_page(tmp_path: Path) -> None:
    name = "with a warm-up of five epochs, weight decay, label smoothing and nothing else at all"
    given, of = made(), study(ITEM)
    long = of.factors[0].model_copy(
        update={"levels": (Level(name=name, overrides={"a": 1}), of.factors[0].levels[1])}
    )
    given.runs["factor:one"] = given.runs["factor:one"].replace("A", name)
    named = of.model_copy(update={"factors": (long, of.factors[1])})
    item = ChangedExamples(compare={"one": [name, "B"]}, at={"two": "x"})
    write_test_sets(named.model_copy(update={"report": (item,)}), given, [TEST_SET], tmp_path)
    (drawing,) = drawings(Context(item, named, given, directory=tmp_path))
    assert overlapping(drawing.figure) == []


def test_images_have_their_channels_last_and_numbers_become_bytes(tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((6, 3, 5, 4), dtype=np.float32) * 2 - 0.5
    test_set = HeldOut(images, LABELS)
    found = made(test_set=test_set)
    write_test_sets(study(ITEM), found, [test_set], tmp_path)
    (drawing,) = drawings(Context(ITEM, study(ITEM), found, directory=tmp_path))
    (image,) = drawing.figure.axes[0].images
    expected = (255 * images[0].clip(0, 1)).round().transpose(1, 2, 0)
    assert np.array_equal(image.get_array(), expected)


def test_what_is_no_image_gives_a_table_alone(tmp_path: Path) -> None:
    points = HeldOut(np.zeros((6, 5), np.float32), LABELS)
    found = made(test_set=points)
    write_test_sets(study(ITEM), found, [points], tmp_path)
    made_of_it = exhibits_of(Context(ITEM, study(ITEM), found, directory=tmp_path))
    assert [type(one) for one in made_of_it] == [Tabulated]


def test_labels_of_all_and_images_of_the_few_lie_beside_the_report(tmp_path: Path) -> None:
    beside(tmp_path, made())
    rows = read_test_set(tmp_path, TEST_SET.digest)
    assert rows["label"].tolist() == LABELS.tolist()
    assert np.flatnonzero(rows["pixels"].notna()).tolist() == [0, 2, 3]
    assert read_test_set(tmp_path, "another").empty
    write_test_sets(study(ITEM).model_copy(update={"report": ()}), made(), [TEST_SET], tmp_path)
    assert not (tmp_path / NAME).exists()


def test_what_is_not_recorded_is_said(tmp_path: Path) -> None:
    older = made({})
    with pytest.raises(ReportError, match=r"^which test examples the runs get right is not recor"):
        exhibits_of(Context(ITEM, study(ITEM), older, directory=tmp_path))
    without = made({"Ax": RIGHT["Ax"]})
    with pytest.raises(ReportError, match="not recorded: runs of Bx keep no predictions"):
        exhibits_of(Context(ITEM, study(ITEM), without, directory=tmp_path))
    mixed = made()
    mixed.examples.loc[mixed.examples["cell"] == "Bx", "test_set"] = "another"
    with pytest.raises(ReportError, match="recorded: the runs are scored on different test sets"):
        exhibits_of(Context(ITEM, study(ITEM), mixed, directory=tmp_path))
    with pytest.raises(ReportError, match="labels of the test set do not lie beside the report"):
        exhibits_of(Context(ITEM, study(ITEM), made(), directory=tmp_path))
    lost = ChangedExamples(compare={"one": ["A", "B"]}, at={"two": "y"})
    with pytest.raises(ReportError, match="no replicate converged both with A and with B"):
        exhibits_of(Context(lost, study(lost), made(), directory=tmp_path))


def test_an_older_choice_of_images_is_drawn_as_far_as_it_goes(tmp_path: Path) -> None:
    context = beside(tmp_path, made())
    rows = pd.read_parquet(tmp_path / NAME)
    rows.loc[3, "pixels"] = None
    rows.to_parquet(tmp_path / NAME)
    (drawing,) = drawings(context)
    assert [len(axis.images) for axis in drawing.figure.axes[:2]] == [1, 0]

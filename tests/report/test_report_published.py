from __future__ import annotations

import csv
import io

import pytest
from frames_for_tests import NC, factor, make_runs, make_study

from ablate.errors import ConfigError
from ablate.report.exhibits.published import (
    COLUMNS,
    VALUES,
    compare_with_published,
    comparison_to_csv,
    orderings_to_csv,
    print_comparison,
    published_value,
)
from ablate.study.items import ITEMS

PUBLISHED = ITEMS["published"]()
INITS = ["lsuv", "orthogonal", "orthogonal_he", "xavier", "he"]
JITTER = (0.0, 0.001, -0.001, 0.0005, -0.0005, 0.0003, -0.0003, 0.0)


def around(mean, spread=1.0, shift=0):
    """Values whose paired differences have some spread, so that a t test can decide."""
    return [mean + spread * JITTER[(i * (1 + 2 * (shift % 4)) + shift) % 8] for i in range(8)]


def study_of(inits=INITS, activations=("maxout", "relu", "vlrelu", "tanh", "sigmoid"), **fields):
    return make_study(
        factor("init", inits), factor("activation", activations), replicates=8, **fields
    )


def comparison_of(study, values, item=PUBLISHED):
    (comparison,) = compare_with_published(item, study, make_runs(study, values))
    return comparison


def test_published_values():
    assert published_value("LSUV", "maxout") == 93.94
    assert published_value("MSRA", "maxout") == NC
    assert published_value("OrthoNorm-MSRA scaled", "tanh") is None
    assert {VALUES[row][COLUMNS.index("sigmoid")] for row in VALUES} == {NC}


def test_the_published_order_holds_where_our_runs_have_it():
    study = study_of(activations=["relu"])
    printed = {"lsuv": 92.11, "orthogonal": 91.74, "orthogonal_he": 91.93, "xavier": 90.63,
               "he": 90.91}  # fmt: skip
    values = {(n, "relu"): around(v / 100, 0.1, i) for i, (n, v) in enumerate(printed.items())}
    comparison = comparison_of(study, values)
    assert len(comparison.orderings) == 10
    assert comparison.count("relu", "holds") == 10


def test_reversed_and_undecided():
    study = study_of(inits=["lsuv", "xavier", "he"], activations=["relu"])
    values = {
        ("lsuv", "relu"): around(0.80),
        ("xavier", "relu"): around(0.90, 1, 1),
        ("he", "relu"): around(0.90, 1, 3),
    }
    comparison = comparison_of(study, values)
    found = {(o.better, o.worse): o.outcome for o in comparison.orderings}
    assert found == {
        ("lsuv", "xavier"): "reversed",
        ("lsuv", "he"): "reversed",
        ("he", "xavier"): "undecided",
    }


def test_published_nc_is_worse_than_any_number_and_two_order_nothing():
    study = study_of(inits=["lsuv", "he"], activations=["maxout", "sigmoid"])
    values = {
        ("lsuv", "maxout"): around(0.93),
        ("he", "maxout"): [NC] * 8,
        ("lsuv", "sigmoid"): [NC] * 8,
        ("he", "sigmoid"): around(0.5),
    }
    comparison = comparison_of(study, values)
    (ordering,) = comparison.orderings
    assert (ordering.column, ordering.better, ordering.test) == ("maxout", "lsuv", "sign")
    assert ordering.p_holm == pytest.approx(2 * 0.5**8)
    assert ordering.outcome == "holds"
    assert comparison.failures == {"maxout": (1, 1), "sigmoid": (2, 1)}
    caption = " ".join(print_comparison(comparison, study).caption)
    assert "sigmoid: 2 published as n/c, 1 of these with half or more n/c here." in caption


def test_a_published_gap_takes_part_in_no_ordering():
    study = study_of(activations=["tanh"])
    values = {(init, "tanh"): around(0.9, 1, i) for i, init in enumerate(INITS)}
    comparison = comparison_of(study, values)
    assert len(comparison.orderings) == 6  # four printed rows
    assert not any("orthogonal_he" in (o.better, o.worse) for o in comparison.orderings)


def test_holm_is_per_column():
    study = study_of(inits=["lsuv", "he", "xavier"], activations=["relu", "tanh"])
    values = {
        (init, activation): around(0.9 + 0.0005 * i, 1, i)
        for i, init in enumerate(["lsuv", "he", "xavier"])
        for activation in ("relu", "tanh")
    }
    comparison = comparison_of(study, values)
    by_column = {
        column: sorted(o.p_holm for o in comparison.orderings if o.column == column)
        for column in ("relu", "tanh")
    }
    assert by_column["relu"] == pytest.approx(by_column["tanh"])


def test_side_by_side():
    study = study_of(inits=["lsuv", "he"], activations=["maxout", "tanh"])
    values = {
        ("lsuv", "maxout"): around(0.93),
        ("he", "maxout"): [NC, *around(0.9)[1:]],
        ("lsuv", "tanh"): around(0.89),
        ("he", "tanh"): around(0.88),
    }
    comparison = comparison_of(study, values)
    grid = print_comparison(comparison, study)
    assert grid.columns == ("maxout, published", "maxout, here", "tanh, published", "tanh, here")
    assert [(label, [str(e) for e in entries]) for label, entries in grid.rows] == [
        ("LSUV (lsuv)", ["93.94", "93.00 ± 0.05", "89.28", "89.00 ± 0.05"]),
        ("MSRA (he)", ["n/c", "90.00 ± 0.06 (1/8 n/c)", "89.54", "88.00 ± 0.05"]),
    ]
    assert grid.footer[0] == ("orderings that hold", ("", "1", "", "0"))
    caption = " ".join(grid.caption)
    assert "clipped at 50" in caption
    assert "not competitive" not in caption
    row = next(csv.DictReader(io.StringIO(comparison_to_csv(comparison, study))))
    assert (row["published_percent"], row["n"], row["cell"]) == (
        "93.94", "8", "init=lsuv_activation=maxout"
    )  # fmt: skip
    assert orderings_to_csv(comparison).splitlines()[0] == (
        "column,published_better,published_worse,test,p_holm,outcome"
    )


def test_names_can_be_given():
    study = study_of(inits=["data_driven", "kaiming"], activations=["relu"])
    names = {"data_driven": "LSUV", "kaiming": "MSRA"}
    item = ITEMS["published"](names=names, rows="init")
    values = {("data_driven", "relu"): around(0.9), ("kaiming", "relu"): around(0.8, 1, 1)}
    comparison = comparison_of(study, values, item)
    assert comparison.rows == names
    assert comparison.orderings[0].outcome == "holds"


@pytest.mark.parametrize(
    ("study", "options", "message"),
    [
        (study_of(inits=["a", "b"]), {"rows": "init"}, "match no rows of the published table"),
        (study_of(), {"names": {"he": "Kaiming"}}, "'Kaiming' is not in the published table"),
        (study_of(), {"names": {"he": "Xavier"}}, "two levels of init have the same name"),
        (study_of(metric="test/loss"), {}, "published compares accuracies"),
    ],
    ids=["no-match", "unknown-name", "twice", "loss"],
)
def test_what_cannot_be_compared_is_named(study, options, message):
    item = ITEMS["published"](**options)
    with pytest.raises(ConfigError, match=message):
        compare_with_published(item, study, make_runs(study, {}))

"""Statements of lectures and papers that runs speak against."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_claims import PAIR, claim, frames, made, noisy, study

from ablate.report.contradictions import contradictions
from ablate.report.verdicts import SMALL, judge
from ablate.study.claims import Statement
from ablate.study.deviations import exploratory_claims

AT = {"scale": ("1",)}
LECTURE = Statement(
    source="the lecture on norms", says="a norm harms", otherwise="A deeper network would tell."
)


def told(statement: Statement | None = LECTURE, cells=None, **fields):
    one = claim(compare=PAIR, at=AT, **fields)
    one = one.model_copy(update={"text": "Norm helps.", "statement": statement})
    verdicts = judge(study(one), frames(cells or made()), {})
    return list(contradictions(study(one), verdicts))


def test_what_runs_refute_is_said_with_its_source_and_what_could_explain_it():
    (found,) = told(expect="less")
    assert (found.claim, found.source) == ("c", "the lecture on norms")
    assert found.text.startswith("Said there: a norm harms. Found here: test accuracy +")
    assert found.text.endswith(", with norm against without. A deeper network would tell.")


def test_by_default_the_statement_is_the_claim():
    (found,) = told(Statement(source="Huang et al. 2017"), expect="less")
    assert found.text.startswith("Said there: norm helps. Found here: test accuracy +")
    assert found.text.endswith("with norm against without.")


def test_an_effect_shown_to_be_small_speaks_against_it_too():
    one = claim(compare=PAIR, at=AT, expect="greater").model_copy(update={"statement": LECTURE})
    (verdict,) = judge(study(one), frames(made()), {})
    (found,) = contradictions(study(one), [replace(verdict, outcome=SMALL)])
    assert "Found here: no difference worth speaking of, test accuracy +" in found.text


@pytest.mark.parametrize(
    "fields",
    [{"expect": "greater"}, {"expect": "less", "statement": None}],
    ids=["supported", "nobody's statement"],
)
def test_nothing_is_said_where_nobody_is_contradicted(fields):
    assert told(**fields) == []


def test_what_is_merely_not_shown_contradicts_nobody():
    cells = made(without_1=made()["with", "1"] + noisy(0.005, 0.02, 9))
    assert told(cells=cells, expect="greater") == []


def test_whose_statement_it_is_decides_nothing():
    plain = claim(compare=PAIR, at=AT, expect="less")
    said = plain.model_copy(update={"statement": LECTURE})
    assert "statement" not in plain.model_dump(mode="json")
    first, now = ({"study": study(one).as_declared()} for one in (plain, said))
    assert exploratory_claims(first, now) == ()

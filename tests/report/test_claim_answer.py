"""Yes, no, or not yet: the sentence on a claim, from its words, its verdict and its numbers."""

from __future__ import annotations

import numpy as np
import pytest
from test_claims import PAIR, R, claim, frames, made, noisy, study

from ablate.report.claim_answer import claim_sentence, headline_answer
from ablate.report.verdicts import judge
from ablate.report.wording import asks_yes_or_no, in_sentence

AT = {"scale": ("1",)}


def said(question="Does it help?", cells=None, text="Norm helps.", **fields):
    one = claim(compare=PAIR, at=AT, **fields).model_copy(update={"text": text})
    asked = study(one).model_copy(update={"question": question})
    (verdict,) = judge(asked, frames(cells or made()), {})
    return claim_sentence(verdict, asked)


def test_a_claim_that_holds_is_yes_with_its_effect_and_replicates():
    text = said(expect="greater")
    assert text.startswith("Yes: norm helps: test accuracy +")
    assert text.endswith(f"; {R} replicates), with norm against without.")


def test_a_question_that_yes_cannot_answer_gets_no_yes():
    assert said("Which norm helps?", expect="greater").startswith("Shown: norm helps: ")
    assert said(expect="equal", margin=90.0).startswith("Shown: norm helps: ")


def test_a_claim_that_is_refuted_is_denied():
    assert said(expect="less").startswith("No: it is not so that norm helps: test accuracy +")


def test_an_open_claim_says_what_it_would_take():
    cells = made(without_1=made()["with", "1"] + noisy(0.005, 0.02, 9))
    text = said(cells=cells, expect="greater")
    assert text.startswith("Not yet: these runs do not tell whether norm helps: test accuracy ")
    assert "replicates would tell." in text


def test_lost_runs_are_counted_in_words():
    cells = made(without_1=np.full(R, np.nan))
    assert said(cells=cells, expect="greater") == (
        f"Yes: norm helps: 0 of {R} runs failed to converge with norm, {R} of {R} without "
        f"({R} replicates)."
    )


def test_shares_are_said_in_points():
    cells = {place: values / 10 for place, values in made().items()}
    one = claim(compare=PAIR, at=AT, expect="greater", metric="weights/zero")
    (verdict,) = judge(study(one), frames(cells, "weights/zero"), {})
    effect = 100 * (cells["with", "1"] - cells["without", "1"]).mean()
    assert f"zero weights +{effect:.2f} points (" in claim_sentence(verdict, study(one))


def test_few_replicates_and_a_quick_look_are_not_yet():
    one = claim(compare=PAIR, at=AT, expect="greater")
    few = study(one, replicates=5)
    cells = {place: values[:5] for place, values in made().items()}
    (verdict,) = judge(few, frames(cells), {})
    assert claim_sentence(verdict, few).startswith("Not yet: fewer than 6 replicates do not tell")
    quick = study(one).model_copy(update={"is_quick": True})
    (verdict,) = judge(quick, frames(made()), {})
    assert claim_sentence(verdict, quick).startswith("Not yet: a quick look does not tell whether")


def test_a_rate_is_told_in_runs():
    one = claim(at={"norm": ("with",)}, expect="converges", rate=0.5)
    (verdict,) = judge(study(one), frames(made()), {})
    told = f"in {R} of {R} replicates all of 2 runs converged."
    assert told in claim_sentence(verdict, study(one))
    single = claim(at={"norm": ("with",), "scale": ("1",)}, expect="diverges", rate=0.5)
    (verdict,) = judge(study(single), frames(made()), {})
    assert f"0 of {R} runs did not converge ({R} replicates)" in claim_sentence(
        verdict, study(single)
    )
    each = claim(at={"norm": ("with",)}, expect="converges", rate=0.5, per="setting")
    (verdict,) = judge(study(each), frames(made()), {})
    told = f"in the least certain of 2 settings {R} of {R} runs converged"
    assert told in claim_sentence(verdict, study(each))


def test_parts_that_disagree_are_told_apart():
    lost = made()["with", "1"].copy()
    lost[:5] = np.nan
    text = said(cells=made(with_1=lost), expect="greater")
    assert text.startswith(
        "Not yet: runs that converged and runs that did not disagree on whether norm helps: where "
        "both converged, test accuracy +"
    )
    assert text.endswith(f"5 of {R} runs failed to converge with norm, 0 of {R} without.")


def test_the_headline_is_the_first_claim_or_those_named_and_others_are_counted():
    claims = [claim(name, compare=PAIR, at=AT, expect=expect)
              for name, expect in (("first", "greater"), ("second", "less"), ("third", "greater"))]  # fmt: skip
    asked = study(*claims)
    verdicts = judge(asked, frames(made()), {})
    text = headline_answer(asked, verdicts)
    assert text.startswith("Shown: first: ")  # "?" asks nothing
    assert text.endswith("Of the other 2 claims 1 is supported and 1 is refuted.")
    named = asked.model_copy(update={"headline": ("second", "third")})
    text = headline_answer(named, verdicts)
    assert text.startswith("No: it is not so that second: ")
    assert " Shown: third: " in text
    assert text.endswith("The other claim is supported.")


@pytest.mark.parametrize(
    ("text", "goes_on"),
    [
        ("Mirror images cost accuracy.", "mirror images cost accuracy"),
        ("A strength of 0.01 costs.", "a strength of 0.01 costs"),
        ("LSUV trains.", "LSUV trains"),
        ("L1 costs.", "L1 costs"),
        ("He's scale is better.", "He's scale is better"),
        ("RMSProp is.", "RMSProp is"),
        ("Nesterov's form.", "Nesterov's form"),
        ("10 are better.", "10 are better"),
    ],
)
def test_only_a_common_word_loses_its_capital(text, goes_on):
    assert in_sentence(text) == goes_on


@pytest.mark.parametrize(
    ("question", "yes"),
    [("Does it?", True), ("Are five?", True), ("Which?", False), ("How far may it be?", False),
     ("Doesn't matter?", False), ("Island?", False)],
)  # fmt: skip
def test_what_yes_or_no_answers(question, yes):
    assert asks_yes_or_no(question) is yes

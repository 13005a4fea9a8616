"""What a report found, for a pull request and for programs."""

from ablate.report.summary import summary, summary_markdown

_WARNING = {"kind": "half n/c", "claim": "works", "text": "5 of 8 runs did not converge."}
_MANIFEST = {
    "study": "my_study",
    "question": "Does it work?",
    "answer": "Yes: it works: test accuracy +3.4 points.",
    "headline": ["works"],
    "verdicts": [{"claim": "works", "verdict": "supported", "text": "It works | well.",
                  "effect": "+3.4 points (2.6 to 4.2)", "margin": "0", "n": "6",
                  "not_converged": "0/6, 0/6", "evidence": "paired t"}],
    "warnings": [_WARNING],
    "figures": {"ladder": {"files": ["ladder.png", "ladder.svg"], "caption": "A ladder."}},
    "files": ["README.md"],
}  # fmt: skip


def test_markdown_has_answer_verdicts_warnings_and_the_first_figure():
    assert summary_markdown(_MANIFEST, "reports/my_study").splitlines() == [
        "**Does it work?** ([my\\_study](reports/my_study/README.md))",
        "",
        "Yes: it works: test accuracy +3.4 points.",
        "",
        "| verdict | claim | effect (simultaneous 95 % interval) | n | n/c |",
        "| --- | --- | --- | --- | --- |",
        "| supported | It works \\| well. | +3.4 points (2.6 to 4.2) | 6 | 0/6, 0/6 |",
        "",
        "- **! half n/c:** 5 of 8 runs did not converge.",
        "",
        "Figure 1: [A ladder.](reports/my_study/ladder.png)",
    ]


def test_json_has_a_place_for_everything_whether_or_not_it_is_there():
    found = summary(_MANIFEST)
    assert (found["headline"], found["warnings"]) == (["works"], [_WARNING])
    bare = {name: _MANIFEST[name] for name in ("study", "question", "answer", "files")}
    assert summary(bare)["verdicts"] == summary(bare)["warnings"] == summary(bare)["missing"] == []
    assert "Figure" not in summary_markdown(bare, "reports/my_study")

"""A page per lecture, from the manifests of the reports that are there."""

import json
import re
from pathlib import Path

import pytest

from ablate.cli import main
from ablate.config.compose import package_conf
from ablate.report.lecture_pages import reports_by_study, write_lecture
from ablate.report.overview import check_overview, write_overview
from ablate.study.lectures import Lecture, Shown, Statement, Syllabus, Topic, read_syllabus

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = {
    "study": "wide", "question": "Does width matter?", "answer": "Yes.",
    "digest": "", "platform": {}, "files": [],
    "figures": {"response": {"files": ["response.png"], "caption": "Accuracy against width."}},
    "verdicts": [{"claim": "helps", "verdict": "supported", "text": "Width helps.", "effect": "+2"},
                 {"claim": "hurts", "verdict": "refuted", "text": "So it does where data is few.", "effect": "+1"}],
    "contradictions": [{"claim": "hurts", "source": "the lecture", "text": "Said there: it hurts."}],
}  # fmt: skip


def statement(says: str, line: int, *shown: tuple[str, str], why_not: str = "") -> Statement:
    kinds = tuple(Shown.model_validate({"kind": kind, "name": name}) for kind, name in shown)
    return Statement(says=says, where={"one": str(line)}, shown=kinds, open=why_not)


SYLLABUS = Syllabus(
    lectures={"one": Lecture(title="The first lecture", held="here")},
    topics=(
        Topic(
            title="All",
            statements=(
                statement("last", 300, why_not="nobody knows how"),
                statement("width helps", 10, ("study", "wide"), ("option", "model.width=100")),
                statement("or it hurts", 20, ("claim", "wide/hurts"), ("claim", "wide/new")),
                statement("again", 30, ("study", "wide"), ("study", "deep")),
                statement("a formula", 40, ("test", "tests/nn/test_layers.py")),
            ),
        ),
    ),
)


@pytest.fixture
def page(tmp_path: Path) -> str:
    (tmp_path / "wide").mkdir()
    (tmp_path / "wide" / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    folder = write_lecture(tmp_path, SYLLABUS, "one", reports_by_study(tmp_path))
    return (folder / "README.md").read_text(encoding="utf-8")


def test_statements_stand_in_the_lectures_order(page: str) -> None:
    heads = re.findall(r"^## (.+)$", page, re.M)
    assert heads == [
        "Width helps (10)", "Or it hurts (20)", "Again (30)", "A formula (40)", "Last (300)",
    ]  # fmt: skip


def test_each_says_what_was_found(page: str) -> None:
    assert (
        "- **refuted:** (Width helps.) So it does where data is few. +1 ([wide](../../wide/README.md))"
        in page
    )
    assert "*Said there: it hurts.*" in page
    assert "- [Or it hurts](#statement-2): Said there: it hurts." in page
    assert "claim new of study wide, which its report does not judge yet" in page
    assert "`ablate sweep study=deep`" in page
    assert "*Shown by tests: `tests/nn/test_layers.py`*" in page
    assert "*Not shown: nobody knows how.*" in page
    assert "5 statements, of which 4 can be seen here; verdicts: 1 refuted." in page


def test_an_answer_and_a_figure_stand_once(page: str) -> None:
    assert page.count("Yes.") == 1
    assert page.count("../../wide/response.png") == 1


def test_the_full_form_of_a_study_is_the_one_shown(tmp_path: Path) -> None:
    for name in ("wide", "wide-full", "deep-full"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    quick = tmp_path / "tall-quick"
    quick.mkdir()
    (quick / "manifest.json").write_text(json.dumps({**MANIFEST, "quick": True}), encoding="utf-8")
    found = {study: report.folder for study, report in reports_by_study(tmp_path).items()}
    assert found == {"wide": "wide-full", "deep": "deep-full"}


def test_committed_pages_are_what_would_be_written() -> None:
    """They follow the reports: `ablate report`, of any of them, writes them anew."""
    assert check_overview(ROOT) == []
    there = {path.name for path in (ROOT / "reports" / "lectures").iterdir()}
    assert there == set(read_syllabus([package_conf()]).lectures)


def test_pages_follow_the_reports(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    assert main(["report", "--lecture", "soundings", "--root", str(tmp_path)]) == 0
    assert check_overview(tmp_path) == []
    (reports / "dropout").mkdir()
    manifest = json.dumps(MANIFEST | {"study": "dropout"})
    (reports / "dropout" / "manifest.json").write_text(manifest, encoding="utf-8")
    page = reports / "lectures" / "soundings" / "README.md"
    assert page in check_overview(tmp_path)
    write_overview(tmp_path)
    assert "(../../dropout/README.md)" in page.read_text("utf-8")
    assert check_overview(tmp_path) == []


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--root", str(tmp_path)]
    assert main(["report", "--lecture", "soundings", *root]) == 0
    assert (tmp_path / "reports" / "lectures" / "soundings" / "index.html").is_file()
    index = tmp_path / "reports" / "README.md"
    assert "lectures/soundings" in index.read_text("utf-8")
    assert main(["studies", "--lecture", "soundings", *root]) == 0
    assert "optimizer_paths" in capsys.readouterr().out
    assert main(["report", "--lecture", "nobody", *root]) == 2
    assert "there is no lecture 'nobody'; allowed are init-and" in capsys.readouterr().err
    assert main(["report", "signal", "--lecture", "soundings", *root]) == 2
    assert "--lecture stands alone" in capsys.readouterr().err

"""The README shows what is in the committed report, and names commands that exist."""

import re
from pathlib import Path

from ablate.cli import _parser

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_its_table_is_the_reports() -> None:
    report = (REPOSITORY / "reports" / "quickstart" / "table-1.md").read_text(encoding="utf-8")
    rows = [line for line in report.splitlines() if line.startswith("|") and "*" not in line[:3]]
    assert len(rows) == 6
    for row in rows:
        assert row in README


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 5
    for link in links:
        assert (REPOSITORY / link).exists(), link


def test_its_commands_exist() -> None:
    (actions,) = [a for a in _parser()._actions if a.dest == "command"]
    used = set(re.findall(r"ablate ([a-z]+)", README.replace("`ablate` ", "")))
    commands = set(actions.choices)
    assert {"sweep", "run", "ui", "status", "report", "data"} <= used & commands
    shell = re.findall(r"\$ \.venv/bin/ablate ([a-z]+)", README)
    assert set(shell) <= commands

"""The README shows what is in the committed report, and names commands that exist."""

import re
import shlex
from pathlib import Path

from ablate.cli import _parser
from ablate.commands import COMMANDS

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
    used = set(re.findall(r"ablate ([a-z]+)", README.replace("`ablate` ", "")))
    assert {"sweep", "run", "ui", "status", "report", "data"} <= used & set(COMMANDS)
    shell = re.findall(r"\$ \.venv/bin/ablate (.+)", README)
    assert len(shell) >= 14
    for line in shell:
        words = shlex.split(line, comments=True)
        options, rest = _parser(words).parse_known_args(words)  # leaves where a flag is unknown
        assert all("=" in word for word in rest), line
        assert options.plans or not rest, line

"""What a report says in a few lines, read from its manifest: for MLflow, and for DVC."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def headline_claims(manifest: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """Return what the table of claims says of those that the study is about: one at least.

    Those are the claims that the manifest names, else the first; none where there are none.
    """
    verdicts = list(manifest.get("verdicts", ()))
    named = manifest.get("headline", ())
    return [one for one in verdicts if one["claim"] in named] or verdicts[:1]


def claim_line(claim: Mapping[str, str]) -> str:
    """Return a claim as a line: `supported: With ReLU … is better.  +2.4 points (1.0 to 3.8)`."""
    effect = f"  {claim['effect']}" if claim.get("effect", "–") != "–" else ""
    return f"{claim['verdict']}: {claim['text']}{effect}"


def headline(manifest: Mapping[str, Any]) -> str:
    """Return the verdicts on what the study is about in a line, or without claims the answer."""
    lines = [claim_line(claim) for claim in headline_claims(manifest)]
    return " · ".join(lines) or str(manifest["answer"])


def told_in_markdown(manifest: Mapping[str, Any]) -> str:
    """Return question, answer and every verdict of a report as Markdown."""
    lines = [f"**{manifest['question']}**", str(manifest["answer"])]
    verdicts = [f"- {claim_line(claim)}" for claim in manifest.get("verdicts", ())]
    return "\n\n".join([*lines, "\n".join(verdicts)]).rstrip()


def pictures(manifest: Mapping[str, Any], directory: Path) -> list[str]:
    """Return the names of the report's pictures that lie in its folder, in the page's order.

    SVG: of PNG files, which have the pixels of print, a page without sizes shows a corner.
    """
    named = [name for figure in manifest.get("figures", {}).values() for name in figure["files"]]
    return [name for name in named if name.endswith(".svg") and (directory / name).is_file()]

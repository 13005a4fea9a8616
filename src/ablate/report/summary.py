"""What a report found, for those who do not open it: Markdown for a comment, JSON for programs."""

from collections.abc import Mapping
from typing import Any

from ablate.report.printed_table import plain

_COLUMNS = {
    "verdict": "verdict", "text": "claim", "effect": "effect (simultaneous 95 % interval)",
    "n": "n", "not_converged": "n/c",
}  # fmt: skip


def summary(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return answer, headline, verdicts, warnings and files of a report, as plain data.

    manifest  as `ablate.report.manifest.read_manifest` returns it
    """
    said = {name: manifest[name] for name in ("study", "question", "answer")}
    several = ("headline", "verdicts", "contradictions", "warnings", "missing", "files")
    return said | {name: list(manifest.get(name, ())) for name in several}


def summary_markdown(manifest: Mapping[str, Any], folder: str) -> str:
    """Return answer, verdicts, warnings and the first figure's link, to paste into a comment.

    folder  of the report, as links name it
    """
    parts = [
        f"**{plain(manifest['question'])}** ([{plain(manifest['study'])}]({folder}/README.md))"
    ]
    parts.append(plain(manifest["answer"]))
    if manifest.get("verdicts"):
        parts.append(_verdicts(manifest))
    if manifest.get("contradictions"):
        told = manifest["contradictions"]
        parts.append("\n".join(f"- **against {o['source']}:** {plain(o['text'])}" for o in told))
    if manifest.get("warnings"):
        told = manifest["warnings"]
        parts.append("\n".join(f"- **! {one['kind']}:** {plain(one['text'])}" for one in told))
    for figure in list(manifest.get("figures", {}).values())[:1]:
        parts.append(f"Figure 1: [{plain(figure['caption'])}]({folder}/{figure['files'][0]})")
    return "\n\n".join(parts) + "\n"


def _verdicts(manifest: Mapping[str, Any]) -> str:
    rows = [list(_COLUMNS.values()), ["---"] * len(_COLUMNS)]
    rows += [[plain(told.get(name, "")) for name in _COLUMNS] for told in manifest["verdicts"]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)

"""A report in MLflow: a run with its files, whose description shows what it says in place."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ablate.store.files import json_bytes, sha256
from ablate.store.held import is_ours
from ablate.store.tracking import DESCRIPTION, Store, all_runs
from ablate.store.view import ORDER, order_tag

#: Letters that MLflow keeps of a tag, less some for the last picture and the links.
_LONGEST = 7_500


@dataclass(frozen=True)
class ReportPage:
    """A report as MLflow shows it.

    directory  with its files, `index.html` among them where there is a page
    headline   the verdict on what the study is about, in a line
    text       what the report says, in Markdown
    pictures   names of image files in the order in which they are to be seen
    """

    directory: Path
    headline: str = ""
    text: str = ""
    pictures: Sequence[str] = ()

    @property
    def description(self) -> str:
        """Return what the experiment's description says of it."""
        return f"{self.headline}\n\nReport: {self.directory}".strip()


def mirror_report(store: Store, page: ReportPage) -> None:
    """Put a report on the run `report`, where the UI shows its page and pictures in place.

    A report that is there already with the same bytes stays; another of our ledger is replaced.
    Each ledger has a report of its own: it tells of its runs.
    """
    files = sorted(path for path in page.directory.rglob("*") if path.is_file())
    names = {str(path.relative_to(page.directory)): sha256(path.read_bytes()) for path in files}
    told = [page.headline, page.text, list(page.pictures), "1"]
    key = sha256(json_bytes([names, told], page.directory))
    reports = [
        run for run in all_runs(store, "tags.`ablate.kind` = 'report'") if is_ours(store, run)
    ]
    whole = (run for run in reports if run.info.status == "FINISHED")
    present = next((run for run in whole if run.data.tags.get("ablate.key") == key), None)
    for run in reports:
        if run is not present:
            store.client.delete_run(run.info.run_id)
    if present is not None:
        return
    tags = {
        "ablate.kind": "report",
        "ablate.key": key,
        "level": "report",
        ORDER: order_tag(0),
        store.ledger: "yes",
    }
    run = store.client.create_run(store.experiment_id, tags=tags, run_name="report")
    run_id = str(run.info.run_id)
    store.client.log_artifacts(run_id, str(page.directory))
    store.client.set_tag(run_id, DESCRIPTION, _description(store, page, run_id))
    store.client.set_terminated(run_id, "FINISHED")


def _description(store: Store, page: ReportPage, run_id: str) -> str:
    """Return the run's description: its first lines are seen at once, the rest on a click."""
    address = f"#/experiments/{store.experiment_id}/runs/{run_id}/artifacts/index.html"
    parts = [page.headline] if page.headline else []
    if (page.directory / "index.html").is_file():
        parts.append(f"[The whole report]({address})")
    text = "\n\n".join([*parts, page.text]).strip()[:_LONGEST]
    for name in page.pictures:
        # Of the page's own server, hence relative.
        source = f"get-artifact?path={quote(name)}&run_uuid={run_id}"
        picture = f"\n\n![{Path(name).stem}]({source})"
        if len(text) + len(picture) > _LONGEST:
            break
        text += picture
    return text

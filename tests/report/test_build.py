from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace

import pytest
from frames_for_tests import (
    factor,
    make_frames,
    make_runs,
    make_study,
    tables_and_placeholders,
    two_by_two,
)

from ablate.config.validate import run_config
from ablate.errors import ReportError, one_of
from ablate.records import Record
from ablate.report import build, pieces
from ablate.report.frame import metric_columns, read_frames, write_frames
from ablate.report.ledger_frames import frames, runs_of
from ablate.report.manifest import RunResult, digest, read_manifest, results_of
from ablate.report.pages import write_index
from ablate.store.cell import LedgerCell
from ablate.store.ledger import run_directory, write_run
from ablate.store.reader import finished
from ablate.study.items import ITEMS
from ablate.study.lockfile import Locked
from ablate.study.plan import Cell
from ablate.study.schema import Metric, Tune

DIGITS = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"}}


@pytest.fixture(autouse=True)
def _placeholders(monkeypatch):
    monkeypatch.setattr(pieces, "exhibits_of", tables_and_placeholders)


def build_into(directory, study, runs):
    cells = tuple(Cell(slug, slug, slug, {}, run_config(DIGITS)) for slug in set(runs["cell"]))
    return build.build_report(Locked(study, cells, ""), make_frames(runs), directory)


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_files(tmp_path):
    study, runs = two_by_two()
    assert build_into(tmp_path / "report", study, runs) == tmp_path / "report" / "README.md"
    assert set(contents(tmp_path / "report")) == {
        "README.md", "index.html", "manifest.json", "metrics.json", "curves.csv",
        "table-1.md", "table-1.csv", "table-1-pairs.csv", "table-1.tex",
        "heatmap.png", "heatmap.svg", "learning_curves.png", "learning_curves.svg",
    }  # fmt: skip


def test_same_frames_same_bytes(tmp_path):
    study, runs = two_by_two()
    build_into(tmp_path / "one", study, runs)
    build_into(tmp_path / "two", study, runs.sample(frac=1, random_state=1))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_readme_order(tmp_path):
    study, runs = two_by_two()
    text = build_into(tmp_path, study, runs).read_text()
    order = [
        "**Does the initialization matter?**",
        "Most depends on activation: ",
        "![A placeholder for heatmap.](heatmap.png)",
        "**Table 1.**",
        "(learning\\_curves.png)".replace("\\", ""),
        "## Caveats",
        "ablate sweep study=init_method",
        "| commit | 0123456789ab |",
    ]
    places = [text.index(phrase) for phrase in order]
    assert places == sorted(places)


def test_html_is_self_contained(tmp_path):
    study, runs = two_by_two()
    build_into(tmp_path, study, runs)
    html = (tmp_path / "index.html").read_text()
    assert html.count("<svg") == 2
    # The one address is the name of SVG itself, which nobody fetches.
    assert set(re.findall(r"https?://[^\s\"'<>)]+", html)) == {"http://www.w3.org/2000/svg"}
    for outside in ("src=", "<link", "@import", "fetch(", str(tmp_path)):
        assert outside not in html
    assert 'title="by replicate: 88.00, n/c, 89.00"' in html
    assert 'class="best"' in html


def test_html_escapes_what_a_study_says(tmp_path):
    study = make_study(factor("init", ["a<b", "c"]), question="Is a < b & c?")
    runs = make_runs(study, {("a<b",): [0.9, 0.8, 0.85]})
    build_into(tmp_path, study, runs)
    html = (tmp_path / "index.html").read_text()
    assert "Is a &lt; b &amp; c?" in html
    assert "<b &" not in html


def test_manifest_maps_cells_to_run_keys(tmp_path):
    study, runs = two_by_two()
    build_into(tmp_path, study, runs)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    cells = {(c["row"], c["column"]): c for c in manifest["tables"]["table-1"]["cells"]}
    assert cells["lsuv", "tanh"]["text"] == "88 ± 6 (1/3 n/c)"
    assert cells["lsuv", "tanh"]["runs"] == {
        str(r): f"key-init=lsuv_activation=tanh-{r}" for r in range(3)
    }
    assert cells["he", "tanh"] == {
        "row": "he", "column": "tanh", "text": "–", "cell": None, "runs": {}
    }  # fmt: skip
    figure = manifest["figures"]["heatmap"]
    assert figure["files"] == ["heatmap.png", "heatmap.svg"]
    assert set(figure["cells"]) == set(manifest["cells"])
    assert set(manifest["files"]) == set(contents(tmp_path)) - {"manifest.json"}


def test_published_and_tuned_tables_are_numbered_in_order(tmp_path):
    tune = Tune(key="optimizer.lr", values=(0.01, 0.1))
    study = make_study(factor("init", ["lsuv", "he"]), factor("activation", ["relu"]),
                       tune=tune, report=["table", "published"])  # fmt: skip
    values = {("lsuv", "relu"): [0.9, 0.91, 0.93], ("he", "relu"): [0.8, 0.82, 0.81]}
    build_into(tmp_path, study, make_runs(study, values, **{"tuned:optimizer.lr": 0.1}))
    tables = read_manifest(tmp_path)["tables"]
    assert [table["title"].split()[0] for table in tables.values()] == ["Test", "Chosen", "The"]
    ours = [cell for cell in tables["table-3"]["cells"] if cell["column"] == "relu, here"]
    assert all(cell["runs"] for cell in ours)
    assert (tmp_path / "table-3-orderings.csv").is_file()


def test_a_study_without_a_table_gets_one(tmp_path):
    study, runs = two_by_two()
    build_into(tmp_path, study.model_copy(update={"report": ()}), runs)
    assert (tmp_path / "table-1.md").is_file()


def test_files_of_an_earlier_report_go(tmp_path):
    study, runs = two_by_two()
    (tmp_path / "study.lock.yaml").write_text("kept")
    build_into(tmp_path, study, runs)
    build_into(tmp_path, study.model_copy(update={"report": (ITEMS["table"](),)}), runs)
    assert not (tmp_path / "heatmap.png").exists()
    assert (tmp_path / "study.lock.yaml").exists()


@pytest.mark.parametrize(
    ("names", "stems"),
    [
        (("heatmap", "heatmap"), {"heatmap", "heatmap-2"}),
        (("response-a b", "response-a/b"), {"response-a_b", "response-a_b-2"}),
        (("response-Relu", "response-relu"), {"response-Relu", "response-relu-2"}),
        (("x" * 300,), {f"{'x' * 87}-{hashlib.sha256(b'x' * 300).hexdigest()[:12]}"}),
    ],
)
def test_figures_share_no_file(tmp_path, monkeypatch, names, stems):
    def figures(context):
        (made,) = tables_and_placeholders(context)
        drawn = context.item.kind == "heatmap"
        yield from (replace(made, name=name) for name in names) if drawn else [made]

    monkeypatch.setattr(pieces, "exhibits_of", figures)
    study, runs = two_by_two()
    study = study.model_copy(update={"report": (ITEMS["table"](), ITEMS["heatmap"]())})
    build_into(tmp_path, study, runs)
    assert {path.stem for path in tmp_path.glob("*.svg")} == stems
    assert set(read_manifest(tmp_path)["figures"]) == stems


def test_the_digest_follows_study_and_runs(tmp_path):
    study, runs = two_by_two()
    build_into(tmp_path, study, runs)
    told = read_manifest(tmp_path)["digest"]
    assert told == digest(study, results_of(runs))
    changed = runs.copy()
    changed.loc[0, "test/accuracy"] += 1e-12
    assert told != digest(study, results_of(changed))
    asked = study.model_copy(update={"question": "Why?"})
    assert told != digest(asked, results_of(runs))


def test_digest_is_the_same_from_ledger_and_frame(tmp_path):
    """Whatever a metric is called, and after the frame has been on disk."""
    cell = LedgerCell("init=he", "he", "k", {"init": "he"}, 3, "macro_f1", tuned="optimizer.lr")
    records = [
        {"metrics": {"macro_f1": 0.7, "test/accuracy": 0.8}},
        {"metrics": {"steps": 12.0}},  # of some runs only
        {"metrics": {}, "nc_reason": "nonfinite", "diverged_at_step": 3},
    ]
    for replicate, fields in enumerate(records):
        write_run(
            run_directory(tmp_path, "s", cell.slug, replicate), Record(**fields, seconds=1.0),
            {"optimizer": {"lr": 0.1}}, f"k-{replicate}", {}, "2025-03-01T12:00:00Z",
        )  # fmt: skip
    ledger = [
        RunResult(cell.slug, number, result.key, result.status, result.metrics)
        for number, _, result in finished(tmp_path, "s", cell)
    ]
    assert [result.metrics for result in ledger] == [fields["metrics"] for fields in records]
    write_frames(frames(tmp_path, "s", runs_of(tmp_path, "s", [cell])), tmp_path / "report")
    frame = results_of(read_frames(tmp_path / "report").runs)
    assert frame == ledger
    study = make_study(factor("init", ["he"]), metric="macro_f1")
    assert digest(study, reversed(frame)) == digest(study, ledger)


def test_a_figure_that_cannot_be_drawn_costs_that_figure(tmp_path, monkeypatch):
    def heatmap_fails(context):
        if context.item.kind == "heatmap":
            raise ReportError("there is <nothing> to see.")
        return tables_and_placeholders(context)

    monkeypatch.setattr(pieces, "exhibits_of", heatmap_fails)
    study, runs = two_by_two()
    text = build_into(tmp_path, study, runs).read_text()
    manifest = read_manifest(tmp_path)
    assert manifest["missing"] == ["heatmap is missing: there is <nothing> to see."]
    assert set(manifest["figures"]) == {"learning_curves"}
    assert "> heatmap is missing: there is" in text
    assert "*Figure 1.* A placeholder for learning" in text
    html = (tmp_path / "index.html").read_text()
    assert '<p class="missing">heatmap is missing: there is &lt;nothing&gt; to see.</p>' in html
    assert ".missing { " in html
    assert html.index('class="missing"') < html.index('id="table-1"') < html.index("<figure id")
    monkeypatch.undo()
    monkeypatch.setattr(pieces, "exhibits_of", tables_and_placeholders)
    build_into(tmp_path, study, runs)
    assert "missing" not in read_manifest(tmp_path)
    assert ".missing" not in (tmp_path / "index.html").read_text()


def test_a_metric_that_no_run_reports_costs_its_table(tmp_path):
    study, runs = two_by_two()
    asked = study.model_copy(update={"metric": Metric(name="macro_f1", better="higher")})
    text = build_into(tmp_path, asked, runs).read_text()
    there = one_of(sorted(metric_columns(runs)))
    reason = f"no run reports the metric 'macro_f1'; they report {there}."
    assert read_manifest(tmp_path)["missing"] == [f"table is missing: {reason}"]
    assert f"The runs give no answer: {reason.replace('_', chr(92) + '_')}" in text
    assert (tmp_path / "heatmap.png").is_file()


def test_index_lists_studies_and_leaves_quick_ones_out(tmp_path):
    study, runs = two_by_two()
    for name in ("init_method", "b_study", "init_method-depth5-quick"):
        fields = {"name": name, "is_quick": name.endswith("-quick")}
        build_into(tmp_path / name, study.model_copy(update=fields), runs)
    (tmp_path / "no_report").mkdir()
    write_index(tmp_path, [], tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert text.index("b_study/README.md") < text.index("init_method/README.md")
    assert "quick" not in text
    assert "no_report" not in text
    assert "Does the initialization matter?" in (tmp_path / "index.html").read_text()


def test_an_empty_index(tmp_path):
    write_index(tmp_path, [], tmp_path)
    assert "No study has a report yet." in (tmp_path / "README.md").read_text()


def test_an_item_that_today_is_refused_is_named_in_its_place(tmp_path):
    study, runs = two_by_two()
    old = study.model_copy(update={"report": (ITEMS["contact_sheet"](), *study.report)})
    build_into(tmp_path, old, runs)
    (missing,) = read_manifest(tmp_path)["missing"]
    assert missing.startswith("contact_sheet is missing: it shows every level of init, and no cell")
    assert (tmp_path / "heatmap.png").exists()

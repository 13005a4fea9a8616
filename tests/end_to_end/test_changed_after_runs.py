"""What a study asks otherwise after its first run stands on its page, with the day."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sweeping import SMALL, runs_of, sweep

pytestmark = pytest.mark.long  # whole sweeps, a dozen

CLAIMS = """\
smallest_effect: {smallest}
claims:
  same: {{text: The scale does not matter., compare: {{scale: [0.5, 0.6]}}, expect: equal}}
"""
MORE = "  lower: {text: The lower is worse., compare: {scale: [0.5, 0.6]}, expect: less}\n"


def write(folder: Path, smallest: float, more: str = "", scales: str = "[0.5, 0.6]") -> None:
    text = SMALL.format(scales=scales, replicates=6, epochs=1)
    (folder / "mine.yaml").write_text(text + CLAIMS.format(smallest=smallest) + more)


def test_a_changed_margin_and_a_new_claim_are_listed(tmp_path: Path) -> None:
    write(tmp_path, 0.5)
    assert sweep(tmp_path)[0] == 0
    report = tmp_path / "reports" / "mine"
    before = runs_of(tmp_path)
    assert "Changed since" not in (report / "README.md").read_text()
    assert "deviations" not in json.loads((report / "manifest.json").read_text())
    write(tmp_path, 1.0, MORE)
    code, output = sweep(tmp_path)
    assert code == 0, output
    assert "nothing to do" in output
    assert runs_of(tmp_path) == before
    today = str(datetime.now(UTC).date())
    what = ["smallest_effect: 0.5 to 1", "claim lower added"]
    manifest = json.loads((report / "manifest.json").read_text())
    assert manifest["deviations"] == [{"declared": today, "what": what}]
    for page in ("README.md", "index.html"):
        text = (report / page).read_text().replace("\\", "")
        assert "Changed since the first declaration" in text
        assert f"{today}: smallest_effect: 0.5 to 1; claim lower added" in text
        assert "claims are judged at 0.76 % in this declaration, the 2nd" in text
        assert "The lower is worse." in text
        assert "exploratory)" in text
    write(tmp_path, 0.5)
    assert sweep(tmp_path)[0] == 0
    manifest = json.loads((report / "manifest.json").read_text())
    assert [len(one["what"]) for one in manifest["deviations"]] == [2, 2]


FAILING = """\
question: Does the scale matter?
baseline: {data: synthetic, trainer: {_target_: mylab.faults.fit, how: HOW, repaired: nowhere}}
factors: {scale: {key: init.scale, levels: [0.5, 0.6]}}
metric: {name: test/accuracy, better: higher}
replicates: 6
report: [table]
"""


def test_what_is_mended_before_any_run_ended_is_no_deviation(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(FAILING.replace("HOW", "raises"))
    assert sweep(tmp_path)[0] == 1
    assert list(tmp_path.glob("runs/mine/*/*/result.json"))  # they failed, and say so
    (tmp_path / "mine.yaml").write_text(FAILING.replace("HOW", "well"))
    code, output = sweep(tmp_path)
    assert code == 0, output
    lock = tmp_path / "runs" / "mine" / "study.lock.yaml"
    assert lock.read_text().count("before_first_run: true") == 1
    manifest = json.loads((tmp_path / "reports" / "mine" / "manifest.json").read_text())
    assert "deviations" not in manifest

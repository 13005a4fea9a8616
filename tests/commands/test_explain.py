"""`ablate explain` and how a run is named: by its place, or by the first digits of its key."""

import shutil
from pathlib import Path

import pytest
from written import STARTED, a_record, change, planned

from ablate.cli import main
from ablate.commands.explain import explain
from ablate.store.find import find_run
from ablate.store.ledger import move_stale, write_run
from ablate.store.reader import read_config
from ablate.store.result import read_result


def first(root: Path) -> tuple[str, Path, str]:
    """Return the first cell's name, the folder of its replicate 1, and that run's key."""
    slug = planned(root).plan.cells[0].slug
    entry = root / "runs" / "wide" / slug / "1"
    result = read_result(entry)
    assert result is not None
    return slug, entry, result.key


def test_explain_names_the_fields_that_differ(root: Path) -> None:
    slug, entry, key = first(root)
    (line,) = [text for text in explain(root, f"wide/{slug}/1") if text.startswith("current")]
    assert key[:12] in line
    result = read_result(entry)
    assert result is not None
    config = read_config(entry, result)
    other = {**config, "trainer": {**config["trainer"], "epochs": 3}}
    shutil.rmtree(entry)
    write_run(entry, a_record(0.9), other, "0" * 64, result.provenance, STARTED)
    told = "\n".join(explain(root, "000000000000"))
    assert "stale" in told
    assert "trainer.epochs: 3 then, the default now" in told
    shutil.rmtree(entry)
    write_run(entry, a_record(0.9), config, "0" * 64, result.provenance, STARTED)
    last = list(explain(root, "0" * 12))[-1]
    assert "nothing that the config says: the results version is another" in last
    provenance = {"device": "cuda", "data_digest": "b" * 64, "versions": {}}
    change(entry, provenance=provenance)
    told = list(explain(root, "0" * 12))
    assert told[-2].strip() == "device: cuda then, cpu now"
    assert told[-1].strip().startswith("data: bbbbbbbbbbbb then, ")


def test_every_entry_at_a_place_is_told_of(root: Path) -> None:
    slug, entry, key = first(root)
    moved = move_stale(entry, root)
    told = list(explain(root, f"wide/{slug}/1"))
    assert told[2].startswith("missing ")
    assert told[3].startswith(f"current    {moved.relative_to(root)}: done, key {key[:12]}")
    change(moved, status="failed", message="It broke.")
    assert list(explain(root, f"wide/{slug}/1"))[3].endswith(": It broke.")
    (moved / "result.json").write_text("{")
    assert list(explain(root, f"wide/{slug}/1"))[3].startswith("damaged ")


def test_a_run_is_found_by_place_or_digits_of_its_key(root: Path) -> None:
    slug, entry, key = first(root)
    cell = planned(root).plan.cells[1]
    assert find_run(root, f"wide/{cell.slug}/0").cell.slug == cell.slug
    assert find_run(root, f"wide/{cell.slug[:7]}/0").cell.slug == cell.slug
    place = find_run(root, key[:8])
    assert (place.cell.slug, place.replicate, place.directory) == (slug, 1, entry)


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        ("abc", "names no run: write study/cell/replicate"),
        ("ffffffffff", "no run has a key that begins with"),
        ("wide/nothing/0", "no cells of study 'wide' begin with 'nothing'"),
        ("wide/width/0", "2 cells of study 'wide' begin with 'width'"),
        ("wide/width=4/7", "no replicate 7; allowed are 0 to 1"),
        ("wide/width=4/²", "no replicate ²; allowed are 0 to 1"),
        (f"wide/width=4/{'9' * 5000}", "allowed are 0 to 1"),
        ("narrow/a/0", "study 'narrow' has no runs here"),
    ],
)
def test_slips(root: Path, run: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", run, "--root", str(root)]) == 2
    assert sentence in capsys.readouterr().err

"""Names and paths of every sort: printed as written, found where they are, refused by their key."""

import shutil
from pathlib import Path

import pytest
from written import write_ledger

from ablate.cli import main
from ablate.commands.command_line import plan_studies, sort_words
from ablate.config.compose import as_override, parse_override
from ablate.errors import ConfigError
from ablate.store.lock import lock

STUDY = """\
question: "Does [it] work? [/] :smile:"
baseline: {data: synthetic, data.train_examples: 300, data.validation_size: 50}
factors:
  "rate [/]":
    levels: {"low [/]": {optimizer.lr: 0.01}, "[red]high": {optimizer.lr: 0.1}}
replicates: 1
claims:
  c:
    text: "With [batch] norm :smile: it is [/] better."
    compare: {"rate [/]": ["[red]high", "low [/]"]}
    expect: greater
report: [table]
"""
SIGNS = [
    "Data (Lab)", "x[1]", "it's", "Größe", "a#b", "a=b", "a{b}", "a&b", "a$b", "a,b",
    'a"b', "a\\b", "b\\", "a\\'b", "100%", " a ", "~x", "你", "a;b",
]  # fmt: skip


@pytest.mark.parametrize("name", SIGNS)
def test_a_folder_may_have_any_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has an own conf/, whose folder Hydra's grammar has to read back, and an own option."""
    lab = tmp_path / name
    (lab / "conf" / "study").mkdir(parents=True)
    (lab / "conf" / "init").mkdir()
    (lab / "conf" / "init" / "mine.yaml").write_text("name: normal\nstd: 0.125\nscale: 1.0\n")
    (lab / "conf" / "study" / "s.yaml").write_text(
        "question: Q?\nbaseline: {data: synthetic, init: mine}\n"
        "factors: {optimizer.lr: [0.01, 0.1]}\nreplicates: 1\nreport: [table]\n"
    )
    monkeypatch.chdir(lab)
    for words in (["study=s"], ["study=s", as_override("paths.root", str(lab))]):
        (start,) = plan_studies(sort_words(words))
        assert start.root == lab
        assert start.plan.cells[0].config.init.model_dump()["std"] == 0.125
    assert main(["plan", "--root", str(lab), "study=s"]) == 0


@pytest.mark.parametrize("text", ["a\\b", "\\\\server\\x\\", "it's", "\\'", "'", "", "a\\\nb", '"'])
def test_a_text_is_read_back_by_hydra_as_it_was(text: str) -> None:
    """A backslash was doubled: a command of `trainer.command` was not the one in the file."""
    assert parse_override(as_override("paths.root", text)).value == text


def test_brackets_and_colons_are_no_markup(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(root / "runs")
    (root / "wide.yaml").write_text(STUDY)
    asked = [f"study={root / 'wide.yaml'}", f"paths.root={root}"]
    write_ledger(plan_studies(sort_words(asked))[0])
    monkeypatch.chdir(root)
    monkeypatch.setenv("COLUMNS", "0")  # of no columns rich shows nothing
    assert main(["sweep", "study=wide.yaml"]) == 0
    told = capsys.readouterr().out
    assert "wide · 2 cells × 1 replicate ·" in told
    assert "With [batch] norm :smile: it is [/] better." in told
    assert "whether with [batch] norm :smile: it is [/] better: nothing to compare" in told


@pytest.mark.parametrize("key", ["--root", "paths.root"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "/dev/null",
        "{file}",
        "{file}/x",
        "~nobody-has-this-name/x",
        "{circle}",
        "x" * 300,
        "/${{b}}",
    ],
)
def test_a_root_that_can_be_none(
    key: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    text = text.format(file=tmp_path / "file", circle=tmp_path / "circle")
    assert main(["plan", "study=quickstart", f"{key}={text}"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"ablate: {key}={text} is not allowed: ")
    assert "Errno" not in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("name", ["runs", "reports"])
@pytest.mark.parametrize("words", ["status", "report", "sweep study=quickstart", "plan study=tune"])
def test_a_link_that_leads_nowhere_has_the_place_of_a_folder(
    name: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).symlink_to("/nowhere/scratch")
    assert main(words.split()) == 2
    assert f"{tmp_path / name} is a link that leads nowhere" in capsys.readouterr().err
    (tmp_path / name).unlink()
    (tmp_path / name).touch()
    assert main(words.split()) == 2
    assert f"{tmp_path / name} is a file, and has to be a folder" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../runs/wide", ".", "..", "wide/../wide", "/etc", ""])
@pytest.mark.parametrize("command", ["report", "status", "sync", "trace", "ui"])
def test_a_name_leaves_no_folder(
    command: str, name: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`report ../runs/wide` wrote a report among the runs."""
    assert main([command, name, *(["x"] if command == "trace" else []), "--root", str(root)]) == 2
    assert "is no name of a study" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_named_by_its_key(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "s").touch()
    said = rf"^paths.root={tmp_path}: {tmp_path}/runs/s cannot be written to: File exists\.$"
    with pytest.raises(ConfigError, match=said), lock(tmp_path, "s"):
        pass

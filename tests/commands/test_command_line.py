"""The words of a command line: what each means, where it looks, and what Hydra answers itself."""

import importlib
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.cli import main
from ablate.commands import COMMANDS
from ablate.commands.command_line import plan_studies, sort_words
from ablate.errors import ConfigError
from ablate.report.regenerate import regenerate


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_and_a_root(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"ablate.commands.{name}")
    assert callable(module.run)
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: ablate {name} ")
    assert COMMANDS[name] in " ".join(text.split())
    assert "--root PATH" in text


def test_looking_imports_nothing_heavy() -> None:
    code = (
        "import contextlib, sys; from ablate.cli import main;"
        "codes = [main([name]) for name in ('status', 'studies')];\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "heavy = {'torch', 'mlflow', 'matplotlib', 'seaborn', 'pandas', 'hydra'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else max(codes))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "quickstart" in done.stdout


def test_help_and_status_wait_for_no_config() -> None:
    code = (
        "import contextlib, sys; from ablate.cli import main; main(['status'])\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "sys.exit('pydantic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        "--root={root} plan study={root}/wide.yaml",
        "plan study={root}/wide.yaml --root ../lab",
        "plan --json paths.root=../lab study={root}/wide.yaml",
        "plan study={root}/wide.yaml paths.root=../lab --root={root}",
    ],
)
def test_a_sweep_is_looked_for_under_its_root(
    root: Path, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words.format(root=root).split(), "study.name=wide"]) == 0
    told = capsys.readouterr().out
    assert "done      4 of 4 (0 n/c), 0 stale" in told or '"done": 4' in told


def test_how_a_study_is_run_is_no_part_of_what_it_declares(root: Path) -> None:
    """It stood in the lock file, so that a report was written anew for another `--root`."""
    asked = [f"study={root / 'wide.yaml'}", "trainer.epochs=6"]
    (plain,) = plan_studies(sort_words(asked))
    (run,) = plan_studies(sort_words([*asked, "launch.workers=1", f"paths.root={root}"]))
    assert run.plan == plain.plan
    assert (run.root, run.launch.workers, run.plan.study.baseline["trainer.epochs"]) == (root, 1, 6)


def test_what_a_sweep_prints_works_as_typed(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = root.rename(root.with_name("my lab"))
    regenerate(lab, "wide")  # no news, so nothing for MLflow
    words = [f"study={lab / 'wide.yaml'}", "study.name=wide", "--root", str(lab)]
    assert main(["sweep", *words]) == 0
    told = capsys.readouterr().out
    assert "nothing to do: all 4 runs are in the ledger" in told
    assert f"report: {lab}/reports/wide/index.html" in told
    (line,) = [line for line in told.splitlines() if line.startswith("browse: ")]
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr("ablate.commands.ui.serve", lambda *values: asked.append(values) or 0)
    assert main(shlex.split(line.removeprefix("browse: "))[1:]) == 0
    assert asked == [(lab, "wide", 5000)]
    # Everything that looks at the sweep finds it from here.
    for command, sentence in [
        (["status"], "4 done"),
        (["explain", "wide/width=4/0"], "current "),
        (["trace", "wide", "8"], "replicate 1"),
        (["clean", "--stale"], "nothing is stale"),
    ]:
        assert main([*command, "--root", str(lab)]) == 0, command
        assert sentence in capsys.readouterr().out
    (lab / "reports" / "wide" / "README.md").write_text("")
    assert main(["report", "--check", "--root", str(lab)]) == 1
    assert f"{lab}/reports/wide/README.md is not what would" in capsys.readouterr().out
    assert list(Path.cwd().iterdir()) == []


def test_a_report_that_cannot_be_made_costs_no_run(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 says that nothing was started; here all runs are there."""

    def refuse(*_: object) -> None:
        raise ConfigError("ladder: there is no metric 'nothing'.")

    monkeypatch.setattr("ablate.report.regenerate.regenerate", refuse)
    words = [f"study={root / 'wide.yaml'}", "study.name=wide", f"paths.root={root}"]
    assert main(["sweep", *words]) == 1
    told = capsys.readouterr().out
    assert "the report is not written: ladder: there is no metric 'nothing'; all runs" in told
    assert f"ablate report wide --root {root} makes it" in told


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["run", "--cfg", "job", "init=xavier"], "name: xavier"),
        (["run", "-m", "--cfg", "job", "init=he,xavier", "optimizer.lr=0.3"], "lr: 0.3"),
        (["sweep", "study=quickstart", "--cfg=job", "trainer.epochs=7"], "epochs: 7"),
        (["run", "study=quickstart", "-c", "job", "--root", "there"], "/here/there"),
        (["sweep", "study=quickstart", "--cfg", "hydra"], "mode: "),
    ],
    ids=" ".join,
)
def test_hydra_answers_its_own_flags(
    words: list[str], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    assert shown in capsys.readouterr().out
    assert list(Path.cwd().iterdir()) == []  # and nothing was trained


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["plan", "study=quickstart", "paths.root=a", "--root", "b"], "paths.root is said twice, "),
        (["plan", "study=quickstart", "paths.root=1"], "'paths.root=1' is not allowed"),
        (["plan", "study=quickstart", "study.aa=1"], "study.aa is true or false"),
        (["plan", "study=quickstart", "study.name=a/b"], "study.name=a/b is not allowed"),
        (["plan", "model.depth=3"], "ablate plan needs a study"),
        (["check"], "ablate check needs a study"),
        (["run", "--quick"], "--quick needs a study"),
        (["sweep", "init=he,xavier", "--full"], "--full needs a study"),
        (["plan", "study=quickstart", "--full"], "--full: study quickstart has one size"),
        (["run", "hydra/launcher=joblib"], "who trains is said by launch="),
        (["run", "replicates=0"], "replicates=0 is not allowed"),
        (["sync", "wide"], "study 'wide' has no runs here"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_slips(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["sweep", "--quik"], ["status", "a", "b"], ["sweeep"], ["sweep", "--info"]]
)
def test_unknown_words_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert words[-1] in capsys.readouterr().err


@pytest.mark.parametrize("address", ["https://me:hunter2@host/x", "https://host/?token=hunter2"])
def test_a_password_in_a_config_is_refused_and_not_said(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would stand in names of folders, in reports, in MLflow."""
    (tmp_path / "own.py").write_text("def fetch(url): ...")
    word = f"trainer={{_target_: own.fit, url: '{address}'}}"
    assert main(["run", word, "--root", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "trainer.url is an address with a password or token in it" in said.err
    assert "hunter2" not in said.out + said.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sweep"], "ablate sweep needs a study"),
        (["sweep", "init=he"], "ablate sweep needs a study"),
        (["sweep", "study="], "'study=' is not allowed: name a study"),
        (["run", "study="], "'study=' is not allowed: name a study"),
        (["plan", "study=quickstart,"], "'study=quickstart,' is not allowed"),
        (["plan", "study=quickstart,quickstart"], "several different ones"),
        (["plan", "study=a,b", "study.name=c"], "study.name=c is the name of one study"),
        (["plan", "study=a", "study=b"], "study is said twice, 'study=a' and 'study=b'"),
        (["plan", "study=quickstart", "seed=1", "+seed=2"], "seed is said twice"),
        (["plan", "study=quickstart", "study.names=x"], "Did you mean 'study.name'?"),
        (["plan", "study=quickstart", "study.name=run"], "'run' is taken"),
        (["plan", "study=quickstart", "study.name=README.md"], "'README.md' is taken"),
        (["plan", "study=quickstart", f"study.name={'x' * 101}"], "at most 100 letters"),
        (["plan", "study=quickstart", "~seed=1"], "'~seed=1' is not an override"),
        (["plan", "study=quickstart", "init@x=he"], "'init@x=he' is not an override"),
        (["plan", "study=quickstart", "seed=range(0,100000000)"], "has more values; allowed are 1 to"),
        (["plan", "study=quickstart", "seed=range(3,1)"], "has no values"),
        (["plan", "study=quickstart", "seed=range(0,1,0)"], "is not an override"),
        (["plan", "study=quickstart", f"seed={'[' * 2000}"], "is not an override"),
        (["plan", "study=quickstart", "init=3"], "init is 3; write the name of an option"),
        (["run", "seed=99999999999999999999"], "seed=99999999999999999999 is not allowed: it must be at most 92233720"),
        (["run", "ensemble=mc_dropout", "ensemble.passes=1000000"], "it must be at most 10000"),
        (["run", "data=synthetic", "data.train_examples=1000000000000"], "numbers; at most 10000000000 are drawn"),
    ],
)  # fmt: skip
def test_slips_are_told_at_once(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "bug" not in said
    assert not [*Path().iterdir()]


def test_a_folder_that_is_anothers_on_this_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("runs/Quickstart").mkdir(parents=True)
    words = sort_words(["study=quickstart"])
    assert plan_studies(words)  # where upper and lower case differ
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: path.name == "quickstart" or exists(path))
    with pytest.raises(ConfigError, match="there is 'Quickstart', whose folder is the same"):
        plan_studies(words)

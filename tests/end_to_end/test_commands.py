"""The commands as a user types them, each in a process of its own."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sweeping import command, sweep
from warm import ablate

from waiting import until

STUDY = """\
question: Does the scale matter?
baseline:
  data: synthetic
  data.train_examples: 400
  data.shape: [12]
  model.depth: 3
  model.width: 16
  trainer.epochs: 2
  trainer.batch_size: 32
factors:
  scale: {key: init.scale, levels: [0.001, 1], axis: log}
  activation: {key: model.activation, levels: [relu, tanh]}
replicates: 3
metric: test/accuracy
report:
  - table: {rows: scale, columns: activation}
  - activation_distribution
  - learning_curves
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Path:
    root = tmp_path_factory.mktemp("swept")
    shutil.copy(empty_mlflow, root)
    (root / "mine.yaml").write_text(STUDY)
    done = ablate("sweep", "study=mine.yaml", cwd=root)
    assert done.returncode == 0, done.stderr
    assert "12/12 runs" in done.stdout
    return root


def files(root: Path, pattern: str) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.glob(pattern) if p.is_file()}


def test_a_sweep_leaves_ledger_mirror_and_report(swept: Path) -> None:
    assert len(list(swept.glob("runs/mine/*/*/result.json"))) == 12
    report = swept / "reports" / "mine"
    for name in ("README.md", "index.html", "manifest.json", "runs.parquet", "table-1.tex"):
        assert (report / name).stat().st_size > 0, name
    assert "n/c" in (report / "table-1.md").read_text()
    assert (swept / "mlflow.db").exists()


def test_the_mirror_has_a_parent_per_cell_and_a_child_per_run(swept: Path) -> None:
    from ablate.store.tracking import all_runs, open_store

    runs = all_runs(open_store(swept, "mine", "Does the scale matter?"))
    kinds = [run.data.tags.get("ablate.kind") for run in runs]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"cell": 4, "replicate": 12, "report": 1}  # fmt: skip
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_a_second_sweep_trains_nothing_and_imports_nothing_heavy(swept: Path) -> None:
    before = files(swept, "runs/mine/**/*") | files(swept, "reports/**/*")
    code = (
        "import sys; from ablate.cli import main; code = main(['sweep', 'study=mine.yaml']);"
        "heavy = {'torch', 'mlflow', 'seaborn', 'matplotlib'} & set(sys.modules);"
        "sys.exit(code or (f'imported {heavy}' if heavy else 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=swept, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "nothing to do: all 12 runs are in the ledger" in done.stdout
    assert files(swept, "runs/mine/**/*") | files(swept, "reports/**/*") == before


@pytest.mark.long
def test_the_same_command_elsewhere_gives_the_same_bytes(swept: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(STUDY)
    done = ablate("sweep", "study=mine.yaml", "launch.workers=1", "trainer.stack=off", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("metrics.jsonl", "arrays.npz"):
        here, there = files(tmp_path, f"runs/**/{name}"), files(swept, f"runs/**/{name}")
        assert here == there
        assert here, f"no run has a {name}"
    pictures = [files(root / "reports", "mine/*.*g") for root in (tmp_path, swept)]
    assert pictures[0] == pictures[1]


def test_report_regenerates_and_checks(swept: Path) -> None:
    before = files(swept, "reports/**/*")
    assert ablate("report", "mine", cwd=swept).returncode == 0
    assert files(swept, "reports/**/*") == before
    assert ablate("report", "--check", cwd=swept).returncode == 0
    table = swept / "reports" / "mine" / "table-1.md"
    kept = table.read_text()
    table.write_text(kept.replace("n/c", "99.9"))
    wrong = ablate("report", "--check", cwd=swept)
    assert wrong.returncode == 1
    assert "table-1.md" in wrong.stdout
    table.write_text(kept)


@pytest.mark.parametrize("form", ["markdown", "json"])
def test_what_a_report_found_goes_to_other_readers(swept: Path, form: str) -> None:
    done = ablate("report", "mine", "--format", form, cwd=swept)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((swept / "reports" / "mine" / "manifest.json").read_text())
    if form == "json":
        found = json.loads(done.stdout)  # nothing else is on stdout
        assert found["answer"] == manifest["answer"]
        assert found["warnings"] == manifest.get("warnings", [])
        assert "README.md" in found["files"]
    else:
        assert done.stdout.startswith(f"**{manifest['question']}**")
        assert "(reports/mine/README.md)" in done.stdout
    assert ablate("report", "--check", "--format", form, cwd=swept).returncode == 2


def test_a_report_comes_from_the_committed_frames_alone(swept: Path, tmp_path: Path) -> None:
    """A fresh clone has reports/ but no runs/: every figure and table is made again."""
    shutil.copytree(swept / "reports", tmp_path / "reports")
    before = files(tmp_path, "reports/**/*")
    done = ablate("report", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path, "reports/**/*") == before


def test_status_and_studies(swept: Path) -> None:
    done = ablate("status", "--json", cwd=swept)
    (counts,) = json.loads(done.stdout)
    assert counts["study"] == "mine"
    assert counts["done"] + counts["not_converged"] == counts["runs"] == 12
    assert "quickstart" in ablate("studies", cwd=swept).stdout
    assert ablate("status", "mine", cwd=swept).stdout.startswith("mine")


def test_sync_rebuilds_a_deleted_store(swept: Path, tmp_path: Path) -> None:
    (swept / "mlflow.db").unlink()
    first = ablate("sync", cwd=swept)
    assert (first.returncode, first.stdout) == (0, "mine: 12 written, 0 up to date, 0 deleted\n")
    second = ablate("sync", "--root", str(swept), cwd=tmp_path)
    assert second.stdout == "mine: 0 written, 12 up to date, 0 deleted\n"


@pytest.mark.long
def test_a_new_replicate_trains_only_what_is_new(swept: Path) -> None:
    before = files(swept, "runs/mine/*/?/*")
    done = ablate("sweep", "study=mine.yaml", "replicates=4", cwd=swept)
    assert done.returncode == 0, done.stderr
    assert "16/16 runs" in done.stdout
    after = files(swept, "runs/mine/*/?/*")
    assert len([name for name in after if name.endswith("result.json")]) == 16
    assert {name: after[name] for name in before} == before


def test_load(swept: Path) -> None:
    import ablate as package

    frame = package.load("mine", swept)
    assert {"factor:scale", "test/accuracy", "key"} <= set(frame.columns)


@pytest.mark.long
def test_tuning_picks_per_cell_and_scores_on_fresh_replicates(tmp_path: Path) -> None:
    tune = "tune: {optimizer.lr: [0.00001, 0.1], with: {by: validation/loss, replicates: 1}}\n"
    (tmp_path / "tuned.yaml").write_text(STUDY.replace("[0.001, 1]", "[1]") + tune)
    done = ablate("sweep", "study=tuned.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "4/4 tuned" in done.stdout
    assert len(list(tmp_path.glob("runs/tuned/*/tune/*/0/result.json"))) == 4
    import ablate as package

    assert set(package.load("tuned", tmp_path)["tuned:optimizer.lr"]) == {0.1}
    again = ablate("sweep", "study=tuned.yaml", cwd=tmp_path)
    assert "nothing to do" in again.stdout


@pytest.mark.long
def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(tmp_path: Path) -> None:
    """Half of the runs end at once, the others not before the file `repaired` is there."""
    repaired = tmp_path / "repaired"
    (tmp_path / "mine.yaml").write_text(
        "question: Does it stop?\n"
        "baseline:\n"
        "  data: synthetic\n"
        f"  trainer: {{_target_: mylab.faults.fit, repaired: {repaired}}}\n"
        "factors: {how: {key: trainer.how, levels: [well, hangs]}}\n"
        "replicates: 6\n"
        "report: [table]\n"
    )
    process = command("sweep", "study=mine.yaml", cwd=tmp_path)

    def seen(what: str) -> bool:
        assert process.poll() is None, process.communicate()[0]
        journals = tmp_path.glob("runs/mine/.workers/*.jsonl")
        return any(what in journal.read_text() for journal in journals)

    until(lambda: seen('"ended": "how=well-'), "a run that ends at once")
    until(lambda: seen('"begun": ["how=hangs-'), "a run that hangs")
    refused, said = sweep(tmp_path)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 130
    assert "the same command goes on" in output
    assert "Traceback" not in output
    # While the first was at work, another sweep of the study was refused by its process id.
    assert refused == 2
    assert f"process {process.pid}" in said
    kept = files(tmp_path, "runs/mine/*/*/result.json")
    assert kept
    assert not files(tmp_path, "runs/mine/how=hangs-*/*/result.json")
    repaired.touch()
    code, output = sweep(tmp_path)
    assert code == 0, output
    assert "12/12 runs" in output
    after = files(tmp_path, "runs/mine/*/*/result.json")
    assert len(after) == 12
    assert {name: after[name] for name in kept} == kept


@pytest.mark.long
def test_a_failed_run_is_tried_again_and_the_exit_code_is_1(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        STUDY.replace("trainer.epochs: 2", "trainer.epochs: 100000")
    )
    failed = ablate("sweep", "study=mine.yaml", "launch.timeout=1", "launch.on_error=stop", "launch.workers=1", cwd=tmp_path)  # fmt: skip
    assert failed.returncode == 1
    assert "timeout after 1 s" in failed.stdout
    assert "Traceback" not in failed.stderr
    (tmp_path / "mine.yaml").write_text(STUDY)
    assert ablate("sweep", "study=mine.yaml", cwd=tmp_path).returncode == 0


@pytest.mark.long
def test_an_unreachable_mlflow_costs_no_run(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(STUDY)
    done = ablate(
        "sweep", "study=mine.yaml", cwd=tmp_path,
        MLFLOW_TRACKING_URI="http://127.0.0.1:9", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "MLflow is not reachable" in done.stdout
    assert "12/12 runs" in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sweep", "study=quikstart"], "Did you mean 'quickstart'?"),
        (["sweep", "study=quickstart", "optimizr.lr=1"], "unknown key 'optimizr.lr'"),
        (
            ["run", "model.dropout=1.5"],
            "model.dropout=1.5 is not allowed: it must be less than 1 or a list.",
        ),
        (["run", "optimizer.lr=-1"], "optimizer.lr=-1 is not allowed: it must be greater than 0."),
        (["sweep", "study=quickstart", "replicates=0"], "replicates=0 is not allowed"),
        (["run", "init=hee"], "Did you mean 'he'?"),
        (["run", "data=mnist", "paths.root=."], "mnist"),
        (["run", "model=lenet"], "model=lenet is too deep for images of 1 x 8 x 8"),
        (["run", "trainer.device=cuda"], "trainer.device=cuda is not possible here"),
        (["run", "hello"], "'hello' is not an override"),
        (["report", "nothing"], "study 'nothing' has neither runs nor a report here"),
        (["status", "nothing"], "study 'nothing' has no runs here"),
        (["ui"], "there is no MLflow store"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_input_is_one_sentence_and_starts_nothing(
    tmp_path: Path, words: list[str], sentence: str
) -> None:
    (tmp_path / "mlflow.db").unlink()
    done = ablate(*words, cwd=tmp_path, ABLATE_DATA_DIR=str(tmp_path), no_proxy="*")
    assert done.returncode == 2, done.stdout + done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.glob("runs/*/*/*/result.json"))


def test_a_study_with_wrong_levels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(STUDY.replace("[0.001, 1]", "[0.001, big]"))
    done = ablate("sweep", "study=mine.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "init.scale='big' is not allowed: it must be a number" in done.stderr
    (tmp_path / "mine.yaml").write_text(STUDY.replace("init.scale", "init.scael"))
    done = ablate("sweep", "study=mine.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "Did you mean 'scale'?" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_truncated_data_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
                 "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):  # fmt: skip
        (folder / name).write_bytes(b"\x1f\x8b\x08")
    done = ablate("run", "data=mnist", cwd=tmp_path, ABLATE_DATA_DIR="")
    assert done.returncode == 2
    assert "train-images-idx3-ubyte.gz is damaged or incomplete: it has 3 bytes" in done.stderr
    assert not list(tmp_path.glob("runs/*/*/*/result.json"))


def test_hydra_still_answers_its_own_flags(tmp_path: Path) -> None:
    done = ablate("run", "--cfg", "job", "init=xavier", cwd=tmp_path)
    assert done.returncode == 0
    assert "name: xavier" in done.stdout


@pytest.mark.long
def test_adhoc_multirun_as_typed(tmp_path: Path) -> None:
    done = ablate("-m", "data=synthetic", "init=he,xavier", "trainer.epochs=1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("runs/adhoc/*/0/result.json"))) == 2


def test_help_is_enough_to_get_going(tmp_path: Path) -> None:
    done = ablate("--help", cwd=tmp_path)
    assert done.returncode == 0
    for name in ("run", "sweep", "status", "report", "ui", "sync", "data", "studies"):
        assert name in done.stdout

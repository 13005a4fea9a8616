from __future__ import annotations

from frames_for_tests import FAILED, factor, make_runs, make_study, two_by_two

from ablate.report.origins import origins


def test_one_origin():
    study, runs = two_by_two()
    lines = {line.label: line for line in origins(study, runs, 4)}
    assert lines["runs"].text == "9 of 12 finished"
    assert lines["commit"].text == "0123456789ab"
    assert lines["seed"].text == "0"
    assert not any(line.is_mixed for line in lines.values())


def test_mixed_commits_and_uncommitted_changes_are_said():
    study, runs = two_by_two()
    runs.loc[0, "commit"] = "fedcba9876543210"
    runs.loc[1, "dirty"] = True
    line = next(line for line in origins(study, runs, 4) if line.label == "commit")
    assert line.is_mixed
    assert line.text == (
        "0123456789ab (7 runs), 0123456789ab with uncommitted changes (1 run), fedcba987654 (1 run)"
    )


def test_failed_runs_are_counted_apart():
    study = make_study(factor("init", ["a"]), replicates=2)
    lines = origins(study, make_runs(study, {("a",): [0.9, FAILED]}), 1)
    assert lines[0].text == "1 of 2 finished, 1 failed"


def test_an_unknown_commit_is_called_unknown():
    study, runs = two_by_two()
    runs["commit"] = None
    runs["dirty"] = None
    assert {line.label: line.text for line in origins(study, runs, 4)}["commit"] == "unknown"


def test_no_runs():
    study = make_study(factor("init", ["a"]))
    assert [line.text for line in origins(study, make_runs(study, {}), 1)] == ["0 of 3 finished"]


def test_vector_instructions_and_gpus_are_said_where_they_are_known():
    study, runs = two_by_two()
    before = {line.label: line.text for line in origins(study, runs, 4)}
    runs = runs.assign(cpu_capability="AVX2", gpu=None)
    now = {line.label: line.text for line in origins(study, runs, 4)}
    assert now == {**before, "processor": f"{before['processor']} (AVX2)"}
    runs["gpu"] = "NVIDIA L4"
    assert {line.label: line.text for line in origins(study, runs, 4)}["GPU"] == "NVIDIA L4"

"""A ledger of many runs that nobody trained: one cell's, with other keys and other metrics.

Its replicates are trained once. Every run of every cell then has their files as links, and a
`result.json` of its own, so that ten thousand runs take seconds to make and the disk holds the
arrays once. What reads them opens and parses as much as of a ledger that was trained.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ablate.commands.command_line import plan_studies, sort_words
from ablate.launch.missing import scored_work
from ablate.launch.sweep import declare
from ablate.store.result import Result, read_result, result_bytes

NAME = "large"
REPLICATES = 20
#: As the shipped quickstart: ten hidden layers of 100, ten epochs of digits.
_BASELINE: dict[str, Any] = {
    "data": "digits", "model": "mlp", "model.depth": 10, "model.width": 100,
    "optimizer": "momentum", "optimizer.lr": 0.01, "trainer.epochs": 10,
    "trainer.batch_size": 32, "seed": 1,
}  # fmt: skip
#: One setting of the three factors that figures of layers and curves leave out.
_ONE = {"decay": ["0.0001"], "momentum": ["0.9"], "smoothing": ["0"]}


def large_study(decays: int = 5, momenta: int = 5, smoothings: int = 1) -> dict[str, Any]:
    """Return the study file of a grid: 20 settings of two factors times those of three others.

    Its report is what one asks of so many: every cell in a table, effects of factors, claims with
    their tests, and figures of curves, layers and levels, most at one setting of the others.
    """
    grid = {
        "decay": [*[0.0001, 0, 0.001, 0.01, 0.1][:decays]],
        "momentum": [*[0.9, 0, 0.5, 0.95, 0.99][:momenta]],
        "smoothing": [round(0.05 * number, 2) for number in range(smoothings)],
    }
    keys = {
        "decay": "optimizer.weight_decay",
        "momentum": "optimizer.momentum",
        "smoothing": "loss.label_smoothing",
    }
    there = {
        name: {"key": keys[name], "levels": grid[name]} for name in keys if len(grid[name]) > 1
    }
    only = {"only": {name: levels for name, levels in _ONE.items() if name in there}}
    return {
        "question": "Which settings decide how well a deep network learns?",
        "baseline": _BASELINE,
        "factors": {
            "init": {"levels": ["xavier", "he", "lecun", "uniform", "orthogonal"]},
            "activation": {"key": "model.activation", "levels": ["relu", "tanh", "elu", "gelu"]},
            **there,
        },
        "replicates": REPLICATES,
        "metric": "test/accuracy",
        "claims": {
            "he-for-relu": {
                "text": "With ReLU, He's scale is better than Xavier's.",
                "compare": {"init": ["he", "xavier"]},
                "at": {"activation": "relu"},
                "expect": "greater",
            },
            "signal": {
                "text": "With tanh and Xavier's scale the signal follows theory.",
                "metric": "probe(activation/std, layer=10, step=0)",
                "at": {"init": "xavier", "activation": "tanh"},
                "expect": {"follows": "signal", "within": "25 %"},
            },
        },
        "report": [
            "table",
            "factor_effects",
            {"learning_curves": {"lines": "init", "rows": "activation", **only}},
            {"signal_by_layer": {"lines": "init", "rows": "activation", **only}},
            {"activation_distribution": {"columns": "init", **only}},
            {"factor_response": {"x": "init", "lines": "activation", **only}},
            {"heatmap": {"rows": "init", "columns": "activation", **only}},
        ],
    }


def write_large_ledger(root: Path, study: dict[str, Any]) -> int:
    """Write the study's ledger below `root/runs`; return how many runs it has.

    The same study gives the same metrics: those of the trained runs, moved by cell and by run.
    """
    trained = _trained(root)
    path = root / f"{NAME}.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    words = [f"study={path}", f"paths.root={root}", "launch.most_runs=1000000"]
    plan = plan_studies(sort_words(words))[0].plan
    scored = scored_work(plan, root, "cpu")
    declare(plan, root, ((), scored), "cpu")
    results = {folder.name: read_result(folder) for folder in trained.iterdir() if folder.is_dir()}
    of_cell = [file for file in trained.iterdir() if file.is_file()]
    random = np.random.default_rng(0)
    count = 0
    for cell, work in zip(plan.cells, scored, strict=True):
        shift = random.normal(0, 0.02)
        for task in work.tasks:
            number = str(task.replicate)
            original = results[number]
            assert original is not None
            task.directory.mkdir(parents=True)
            for file in (trained / number).iterdir():
                if file.name != "result.json":
                    os.link(file, task.directory / file.name)
            moved = _moved(original, task.key, shift + random.normal(0, 0.01))
            result = task.directory / "result.json"
            result.write_bytes(result_bytes(moved, result))
            count += 1
        for file in of_cell:
            os.link(file, root / "runs" / NAME / cell.slug / file.name)
    return count


def _trained(root: Path) -> Path:
    """Train the replicates of one cell; return the cell's folder."""
    study = {
        "question": "What are the files of a run?",
        "baseline": _BASELINE,
        "factors": {"init": {"levels": ["xavier"]}},
        "replicates": REPLICATES,
        "metric": "test/accuracy",
        "report": ["activation_distribution", "signal_by_layer"],
    }
    path = root / "trained.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    words = ["sweep", f"study={path}", f"paths.root={root}", "launch.workers=1"]
    command = [sys.executable, "-m", "ablate", *words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    (folder,) = {path.parents[1] for path in (root / "runs" / "trained").glob("*/*/result.json")}
    return folder


def _moved(result: Result, key: str, by: float) -> Result:
    """Return a result with another key, and its metrics moved; a few as n/c."""
    metrics = {
        name: float(np.clip(value + by, 0, 1)) if name.endswith("accuracy") else value * (1 - by)
        for name, value in result.metrics.items()
    }
    moved = replace(result, key=key, metrics=metrics)
    return replace(moved, status="diverged", nc_reason="at_chance") if by < -0.045 else moved

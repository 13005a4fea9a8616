"""The benchmark's own code, at its smallest: what it computes, and what it writes."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from bench.first_result import AGAIN, FRESH, IMPORTS, SWEEP, run_command
from bench.first_result import Row as First
from bench.growth import Growth, growth_cases
from bench.limit import BFLOAT16, available, onednn_calls, products
from bench.networks import DEEP, THIN, WIDE, flop
from bench.stacks import Case as StackCase
from bench.stacks import Row as StackRow
from bench.stacks import cases as stack_cases
from bench.sweeps import JAX, LIMIT, OURS, PEERS, study
from bench.sweeps import Case as SweepCase
from bench.sweeps import Row as SweepRow
from bench.timing import Spread
from torch.utils.flop_counter import FlopCounterMode

from ablate.cli import main
from ablate.data import Data
from bench import first_result, gpu, page, targets

ONE = Spread(1.0, 1.0, 1.0)
ROOT = Path(page.__file__).parents[1]


def _images() -> Data:
    generator = torch.Generator().manual_seed(0)

    def part(count: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=generator)
        return x, torch.arange(count) % 10

    return Data(part(700), None, part(500), 10)


@pytest.mark.parametrize("how", ["MKL", BFLOAT16])
@pytest.mark.parametrize("stack", [1, 2])
def test_the_products_alone_are_all_products_of_a_step(how: str, stack: int) -> None:
    work = products(WIDE, stack, 1, how)
    with FlopCounterMode(display=False) as counter:
        work()
    assert counter.get_total_flops() == stack * flop(WIDE.products())


@pytest.mark.skipif("oneDNN" not in available(), reason="this torch has no such call")
def test_onednn_multiplies_what_mkl_multiplies() -> None:
    a, b = torch.randn(2, 128, 30), torch.randn(2, 30, 20)
    every = onednn_calls([(a, b)])
    found = torch.stack([call(*arguments) for call, arguments, _ in every])
    assert torch.allclose(found, a @ b, atol=1e-5)
    products(WIDE, 2, 1, "oneDNN")()


def test_steps_on_a_device_are_compared_with_those_on_the_cpu() -> None:
    rows = gpu.measure([gpu.Case("thin", 2, 4)], _images(), "cpu", 1, lambda _: None)
    assert [row.case.stack for row in rows] == [2]
    assert rows[0].there.median > 0
    assert rows[0].speed.median > 0
    text = gpu.table(rows, "cpu")
    assert "| 784-64-128-64-10, batch norm | 2 |" in text


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_one_sentence_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.run", "--gpu"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout.strip() == gpu.NO_GPU
    assert done.stderr == ""


def test_a_target_is_judged_by_its_side() -> None:
    assert targets.Target("", 2.0, 1.8).is_reached
    assert not targets.Target("", 1.7, 1.8).is_reached
    assert targets.Target("", 1.4, 1.5, at_least=False).is_reached
    assert not targets.Target("", 1.6, 1.5, at_least=False).is_reached
    assert targets.Target("", None, 1.0).is_reached is None


def test_every_target_finds_its_figure_and_stands_on_the_page() -> None:
    def sweep(net: object, fresh: bool = False) -> tuple[SweepCase, list[SweepRow]]:
        names = (OURS, *PEERS.values(), JAX, LIMIT)
        rows = [SweepRow(name, 24, ONE, Spread(n, float(n), n)) for n, name in enumerate(names, 1)]
        return SweepCase(net, 1_000, 1, fresh=fresh), rows  # type: ignore[arg-type]

    sweeps = [sweep(THIN), sweep(WIDE), sweep(DEEP), sweep(THIN, fresh=True)]
    stacks = [
        StackRow(
            StackCase(net, 8, precision), ONE, {"MKL": ONE}, ONE, ONE, ONE, Spread(1, ratio, 2)
        )
        for net in (THIN, WIDE, DEEP)
        for precision, ratio in (("fp32", 1.4), ("bf16", 1.1))
    ]
    first = [
        First(name, ONE, Spread(r, r, r))
        for name, r in ((IMPORTS, 1.0), (FRESH, 1.5), (AGAIN, 0.9), (SWEEP, 2.4))
    ]
    growth = [Growth(case, 20.0, 0.05, 900.0) for case in growth_cases([1], whole=True)]
    found = targets.targets(sweeps, stacks, first, growth)
    lacking = [target.what for target in found if target.measured is None]
    assert lacking == ["24 runs, cnn: loop by hand × ablate"]
    measured = {target.what: target.measured for target in found}
    assert measured["24 runs, 64-128-64: Lightning × ablate"] == 2
    assert measured["24 runs, 64-128-64: JAX × ablate"] == 5
    assert measured["step in a stack of 8, 256-256: ablate bf16 × JAX fp32"] == 1.1
    assert measured[f"{SWEEP} × the imports"] == pytest.approx(2.4)
    assert measured["likewise, milliseconds a run"] == pytest.approx(10)

    text = targets.targets_table(found)
    assert (
        "| step in a stack of 8, 256-256: ablate bf16 × JAX fp32 | ≤ 1.00 | 1.10 | **no** |" in text
    )
    assert "| 24 runs, cnn: loop by hand × ablate | ≥ 1.00 |  | not measured here |" in text
    assert "bf16 | 8 |" in page.stacks_table(stacks)
    assert "3 × 2 × 8, 5,000 images | 48 |" in page.growth_table(growth)
    assert f"| {AGAIN} |" in page.first_table(first)
    assert JAX in page.sweeps_table(sweeps)


def test_the_page_has_the_marks_between_which_tables_are_written(tmp_path: Path) -> None:
    committed = Path(page.__file__).parent / "README.md"
    copy = tmp_path / "README.md"
    copy.write_text(committed.read_text(encoding="utf-8"), encoding="utf-8")
    page.write(copy, "new tables")
    text = copy.read_text(encoding="utf-8")
    assert text.count("new tables") == 1
    assert text.startswith(committed.read_text(encoding="utf-8").partition(page.BEGIN)[0])
    assert text.endswith(committed.read_text(encoding="utf-8").partition(page.END)[2])


def test_stacks_are_measured_only_where_they_decide_something() -> None:
    sizes = {(case.net.name, case.stack) for case in stack_cases(quick=False)}
    assert sizes == {(n, s) for n in ("thin", "wide", "deep") for s in (1, 8)} | {
        ("thin", 32), ("cnn", 1),
    }  # fmt: skip


def test_a_second_factor_multiplies_the_runs() -> None:
    case = SweepCase(THIN, 1_000, 1, 8, 3, betas=2)
    assert case.runs == 48
    declared = study(case)["factors"]
    assert [len(factor["levels"]) for factor in declared.values()] == [3, 2]


@pytest.mark.parametrize("case", growth_cases([1, 100], whole=True), ids=lambda case: case.runs)
def test_the_studies_that_are_swept_are_valid(case: SweepCase, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study(case), sort_keys=False))
    command = ["plan", f"study={tmp_path}/study.yaml", f"paths.root={tmp_path}"]
    assert main(command) == 0


def test_the_time_counts_until_the_line_is_printed_not_until_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command ends only once the clock was read for its line."""
    was_read, readings = tmp_path / "read", itertools.count()

    def clock() -> float:
        number = next(readings)
        if number:
            was_read.touch()
        return float(number)

    monkeypatch.setattr(first_result.time, "perf_counter", clock)
    script = f"""if True:
        import os
        print("a word", flush=True)
        while not os.path.exists({str(was_read)!r}): pass
    """
    assert first_result.until_printed([sys.executable, "-c", script], "word") == 1


def test_a_command_without_the_line_is_told_with_its_words() -> None:
    with pytest.raises(RuntimeError, match="without a line of word:\nelse"):
        first_result.until_printed([sys.executable, "-c", "print('else')"], "word")


def test_the_command_of_one_run_uses_the_data_that_is_there(tmp_path: Path) -> None:
    command = run_command(tmp_path, Path("here"), 0.001)
    assert f"paths.root={tmp_path}" in command
    assert (tmp_path / "data").is_symlink()

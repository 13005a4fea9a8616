"""Measure, side by side, and write the tables of `bench/README.md`.

Synopsis, from the root of the repository::

    make bench                 # under ten minutes
    make bench ARGS=--quick    # two minutes; prints, and leaves the page alone
    make bench ARGS=--full     # larger sweeps, 102 and 1,000 runs: most of an hour
    make bench ARGS=--gpu      # stacks on a GPU beside the CPU; prints
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
_DESCRIPTION = "Measure, side by side, and write the tables of bench/README.md."


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    sweeps     (network, images, epochs, rounds) of the whole sweeps
    long       100 runs of five epochs as well, the peers' in a process each
    growth     runs of the sweeps that show how it grows
    whole      100 runs over all of MNIST, and 48 runs cut in several ways
    all_peers  template and Lightning for each network, else for the first alone
    stacks     rounds
    first      rounds
    workers    rounds, 0: not measured
    """

    sweeps: tuple[tuple[str, int, int, int], ...]
    long: bool
    growth: tuple[int, ...]
    whole: bool
    all_peers: bool
    stacks: int
    first: int
    workers: int


QUICK = Sizes(
    (("thin", 2_000, 1, 1),), long=False, growth=(1, 10), whole=False,
    all_peers=False, stacks=1, first=1, workers=0,
)  # fmt: skip
USUAL = Sizes(
    (("thin", 10_000, 1, 1), ("wide", 3_000, 1, 1), ("deep", 3_000, 1, 1), ("cnn", 256, 1, 1)),
    long=False, growth=(1, 10, 100), whole=True, all_peers=False, stacks=2, first=3, workers=0,
)  # fmt: skip
FULL = Sizes(
    (("thin", 55_000, 2, 2), ("wide", 10_000, 1, 2), ("deep", 10_000, 1, 2), ("cnn", 1_000, 1, 1)),
    long=True, growth=(1, 10, 100, 1000), whole=True, all_peers=True, stacks=3, first=5, workers=2,
)  # fmt: skip


def main() -> int:
    """Run all measurements; return the exit code."""
    parser = argparse.ArgumentParser(prog="make bench", description=_DESCRIPTION)
    parser.add_argument("--quick", action="store_true", help="little of it; prints only")
    parser.add_argument("--full", action="store_true", help="all of it, for an hour")
    parser.add_argument("--gpu", action="store_true", help="stacks on a GPU; prints only")
    asked = parser.parse_args()
    wanted = () if asked.gpu else ("jax", "lightning", "psutil", "joblib")
    lacking = [name for name in wanted if importlib.util.find_spec(name) is None]
    if lacking:
        print(
            f"bench lacks {', '.join(lacking)} to compare with: "
            "pip install -c constraints.txt -e '.[bench]'"
        )
        return 2
    # Before torch is imported: threads and MKL's mode are read once.
    from ablate.train.process import prepare_process

    prepare_process(threads=1)
    if asked.gpu:
        return on_gpu(HERE.parent)
    sizes = QUICK if asked.quick else FULL if asked.full else USUAL
    from ablate.errors import AblateError

    try:
        text = measure(sizes, HERE.parent, None if asked.quick else HERE / "sweeps.svg")
    except AblateError as error:  # a data set that is not there
        print(f"bench: {error}")
        return 2
    print("\n" + text)
    if not asked.quick:
        from . import page

        page.write(HERE / "README.md", text)
    return 0


def measure(sizes: Sizes, root: Path, figure: Path | None) -> str:
    """Return all tables; draw the figure where a path is given."""
    from ablate import data

    from . import first_result, growth, page, plot, stacks, sweeps, targets
    from .cells import ADAM, cell
    from .networks import CNN, NETS, THIN

    began = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - began:6.0f} s  {what}", flush=True)

    workers = min(2, os.cpu_count() or 1)
    loaded = {net.dataset: data.load(cell(net, ADAM, 1_000, 100).data, root) for net in (THIN, CNN)}
    rows = stacks.measure(loaded, sizes.stacks, sizes.stacks == 1, say)
    measured = []
    for name, images, epochs, rounds in sizes.sweeps:
        case = sweeps.Case(NETS[name], images, epochs)
        if NETS[name].images:
            case = replace(case, validation=1_000, test=1_000)
        if measured and not sizes.all_peers:
            case = replace(case, peers=("by_hand",))
        say(f"sweeps of {case.net.title}")
        measured.append((case, sweeps.measure(case, root, rounds, workers, say)))
    if sizes.long:
        case = sweeps.Case(THIN, 55_000, 5, 34, peer_replicates=8, fresh=True)
        say("102 runs of five epochs")
        measured.append((case, sweeps.measure(case, root, 1, workers, say)))
    first = first_result.measure(root, sizes.first, say)
    grown = growth.measure_growth(
        growth.growth_cases(list(sizes.growth), sizes.whole), root, workers, say
    )
    parts = [
        _where(),
        targets.targets_table(targets.targets(measured, rows, first, grown)),
        page.sweeps_table(measured),
        page.stacks_table(rows),
        page.first_table(first),
        page.growth_table(grown),
    ]
    if sizes.workers:
        _, images, epochs, _ = sizes.sweeps[0]
        case = sweeps.Case(THIN, images, epochs)
        parts.append(page.workers_table(growth.measure_workers(case, root, sizes.workers, say)))
    if figure is not None:
        plot.draw(measured, grown, figure)
    return "\n".join(parts)


def on_gpu(root: Path) -> int:
    """Print stacks on the GPU beside the CPU; return 2, with one sentence, where there is none."""
    from ablate import data
    from ablate.errors import AblateError

    from . import gpu
    from .cells import ADAM, cell
    from .networks import THIN

    lack = gpu.missing()
    if lack:
        print(lack)
        return 2
    try:
        loaded = data.load(cell(THIN, ADAM, 1_000, 100).data, root)
    except AblateError as error:  # a data set that is not there
        print(f"bench: {error}")
        return 2
    rows = gpu.measure(gpu.cases(), loaded, "cuda", 3, lambda what: print(what, flush=True))
    print("\n" + gpu.table(rows, "cuda"))
    return 0


def _where() -> str:
    import jax
    import lightning
    import torch

    from ablate.store.provenance import provenance

    facts = provenance("cpu", "", 0)
    half, matrix = torch.cpu._is_avx512_bf16_supported(), torch.cpu._is_amx_tile_supported()
    return (
        f"{facts['cpu']} ({facts['cpu_capability']}; bfloat16 instructions: "
        f"{'yes' if half else 'no'}, AMX: {'yes' if matrix else 'no'}), {os.cpu_count()} cores, "
        f"one thread a process. Python {facts['versions']['python']}, torch "
        f"{torch.__version__.partition('+')[0]}, JAX {jax.__version__}, "
        f"Lightning {lightning.__version__}. Medians over the rounds, quartiles in parentheses.\n"
    )


if __name__ == "__main__":
    sys.exit(main())

"""A sweep as it is without this project: runs handed to processes, one per core.

`python -m bench.peer_sweep thin --peer lightning --folder F --epochs 2` trains 8 seeds at each of
three learning rates under joblib, `--fresh` each in a process of its own.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

from .sweep_settings import levels, peer_parser


def main() -> None:
    """Train all runs of one peer."""
    parser = peer_parser()
    parser.add_argument("--peer", choices=("lightning", "plain", "by_hand"), required=True)
    parser.add_argument("--fresh", action="store_true")
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
    from .peers import TRAIN, Settings, prepare_store

    prepare_store(asked.folder)
    settings = Settings(asked.net, asked.epochs, asked.folder)
    train = TRAIN[asked.peer]
    runs = list(itertools.product(levels(asked.rates), range(asked.seeds)))
    found: list[dict[str, float]]
    if asked.fresh:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(asked.workers, spawn, max_tasks_per_child=1) as pool:
            waiting = [pool.submit(train, settings, seed, lr) for lr, seed in runs]
            found = [one.result() for one in waiting]
    else:
        from joblib import Parallel, delayed

        jobs = (delayed(train)(settings, seed, lr) for lr, seed in runs)
        found = Parallel(n_jobs=asked.workers)(jobs)
    accuracies = [metrics["test/accuracy"] for metrics in found]
    print(f"accuracy {sum(accuracies) / len(accuracies):.4f} of {len(accuracies)} runs")


if __name__ == "__main__":
    main()

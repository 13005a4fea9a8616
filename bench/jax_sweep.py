"""A sweep of the fully connected networks in JAX, as a person who knows it would write it.

`python -m bench.jax_sweep thin --folder F --epochs 2` trains 8 seeds at each of three learning
rates: the runs are shared among two processes of one thread, each of which trains its share as one
`vmap`, a `scan` per epoch, with the data in memory, and logs its runs to MLflow at the end.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path

from .sweep_settings import levels, peer_parser

_EVALUATION_BATCH = 1000
Run = tuple[float, int]


def main() -> None:
    """Train all runs."""
    asked = peer_parser().parse_args()
    # Read once, by the processes that start below: a core each.
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    runs = list(itertools.product(levels(asked.rates), range(asked.seeds)))
    shares = [runs[number :: asked.workers] for number in range(asked.workers)]
    jobs = [(asked.net, asked.folder, asked.epochs, share) for share in shares if share]
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(len(jobs)) as pool:
        training = pool.starmap_async(train, jobs)
        from .peers import log_run, prepare_store

        prepare_store(asked.folder)  # while the others compile and train
        found = list(itertools.chain.from_iterable(training.get()))
        for params, metrics in found:
            log_run(asked.folder, params, metrics)
    accuracies = [metrics[-1]["test/accuracy"] for _, metrics in found]
    print(f"accuracy {sum(accuracies) / len(accuracies):.4f} of {len(accuracies)} runs")


def train(
    name: str, folder: Path, epochs: int, runs: Sequence[Run]
) -> list[tuple[dict[str, object], list[dict[str, float]]]]:
    """Train `runs` as one stack; return each one's parameters, and its metrics by epoch.

    The last of a run's metrics are those of the test.
    """
    import jax
    import jax.numpy as jnp
    import numpy as np

    from .jax_networks import begin, scores, stacked_epoch
    from .networks import BATCH, NETS
    from .peers import read_images

    images = read_images(folder)
    lr = jnp.array([lr for lr, _ in runs])
    draws = [np.random.default_rng(seed) for _, seed in runs]

    def arrays(part: tuple[np.ndarray, np.ndarray]) -> tuple[jax.Array, jax.Array]:
        x = (part[0].reshape(len(part[1]), -1) / np.float32(255) - images.mean[0]) / images.std[0]
        return jnp.asarray(x, jnp.float32), jnp.asarray(part[1], jnp.int32)

    (x, y), validation, test = map(arrays, (images.train, images.validation, images.test))
    state = jax.jit(jax.vmap(lambda seed: begin(NETS[name], seed)))(
        jnp.array([seed for _, seed in runs])
    )
    epoch, evaluate = stacked_epoch(), scores(_EVALUATION_BATCH)
    whole = len(y) // BATCH * BATCH
    history: list[list[dict[str, float]]] = [[] for _ in runs]

    def note(part: str, loss: jax.Array, accuracy: jax.Array) -> list[dict[str, float]]:
        pairs = zip(np.asarray(loss).tolist(), np.asarray(accuracy).tolist(), strict=True)
        return [{f"{part}/loss": one, f"{part}/accuracy": other} for one, other in pairs]

    for _ in range(epochs):
        # The last batch, smaller than the others, is left out: another shape is compiled again.
        order = [draw.permutation(len(y))[:whole].reshape(-1, BATCH) for draw in draws]
        state, losses = epoch(state, lr, jnp.asarray(np.stack(order), jnp.int32), x, y)
        means = np.asarray(losses.mean(1)).tolist()
        held_out = note("validation", *evaluate(state, *validation))
        for own, mean, held in zip(history, means, held_out, strict=True):
            own.append({"train/loss": mean, **held})
    for own, tested in zip(history, note("test", *evaluate(state, *test)), strict=True):
        own.append(tested)
    params = [{"net": name, "epochs": epochs, "seed": seed, "lr": lr} for lr, seed in runs]
    return list(zip(params, history, strict=True))


if __name__ == "__main__":
    main()

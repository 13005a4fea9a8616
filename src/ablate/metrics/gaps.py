"""How much better a run is on what it was trained on: derived when asked for, never stored."""

from collections.abc import Mapping

from ablate.metrics.catalogue import GAP, SCORES


def with_gaps(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return a run's final metrics with `gap/accuracy`, ...: `train/...` less `test/...`.

    A run that lacks one of the two has no gap, and one that reports a gap itself keeps its own.
    """
    gaps = {
        f"{GAP}/{score}": metrics[f"train/{score}"] - metrics[f"test/{score}"]
        for score in SCORES
        if {f"train/{score}", f"test/{score}"} <= metrics.keys()
    }
    return {**gaps, **metrics}

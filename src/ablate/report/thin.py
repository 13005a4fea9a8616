"""What of a study's frames is kept beside its report: what its items and claims read of them.

The ledger keeps everything. A report lies in a repository, so of the probe it has the statistics
and histograms that are drawn or counted, and of the paths over a surface those that are drawn. Of
a study of very many runs it has layers and curves of the cells that an item or a claim is about.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.metrics import STATISTICS, Probed, StepsTo
from ablate.probe.histogram import coarsen
from ablate.report.columns import level_column
from ablate.report.frame import EXTRA, Frames
from ablate.report.held_out import examples_read
from ablate.report.ledger_frames import Wanted
from ablate.report.stored import taken
from ablate.store.cell import LedgerCell
from ablate.study.claims import Rule
from ablate.study.schema import Study

#: Statistics that every report keeps: those of the figures of layers, which take little room.
_ALWAYS = frozenset({"std", "zero", "dead", "saturated"})
_PERCENTILES = frozenset({"p15", "p50", "p85"})
#: Shares are kept to the bit: 0.075 of the units lies on the border between two printed percents.
_SHARES = frozenset({"zero", "dead", "saturated"})
#: Bits of the mantissa of all others: 2^-20 at most is lost, 1e-6 of the number. Pages print three
#: digits of them at most, and no measured number lies so near to a border but by a chance of one
#: in a thousand thousand; they are made from what is kept, so that both say the same. Exponents
#: stay as they are: a signal of 1e-60 is no zero.
_BITS = 20
_NONE = np.zeros(0, dtype=np.int64)
#: Runs up to which a report has layers and curves of every cell, whether or not an item shows
#: them: for more than these even to read them takes minutes.
_EVERY_CELL = 5_000
_GROUP = ["cell", "quantity", "step", "layer"]


def wanted(study: Study, cells: Sequence[LedgerCell], is_trained: bool) -> Wanted:
    """Return the frames that the study's report is made from, and of which cells each is read.

    is_trained  whether the runs train anything; else the report's answer is about every layer
    """
    every = {cell.slug for cell in cells}
    is_large = sum(cell.replicates for cell in cells) > _EVERY_CELL
    of_layers = [*_about_layers(study), *([] if is_trained else [{}])]
    of_curves = [item.kept() for item in study.report if item.shows_curves]
    found = {"epochs": every, "tuning": every, "layers": every, "curves": every}
    if is_large:
        found |= {"layers": _at(of_layers, cells), "curves": _at(of_curves, cells)}
    for item in study.report:
        found |= {extra: every for extra in item.extras if extra in EXTRA}
    found["examples"] = _at(examples_read(study), cells)
    return found


def _about_layers(study: Study) -> Iterator[Rule]:
    """Yield what is fixed where an item or a claim is about the layers."""
    for item in study.report:
        if item.shows_probe or item.histograms() or item.statistics():
            yield item.kept()
    for claim in study.claims:
        if isinstance(claim.metric, Probed):
            yield claim.at


def _at(rules: Collection[Rule], cells: Sequence[LedgerCell]) -> set[str]:
    """Return the cells that one of the rules is about."""
    return {
        cell.slug
        for cell in cells
        if any(all(cell.levels.get(f) in levels for f, levels in r.items()) for r in rules)
    }


def thinned(frames: Frames, study: Study) -> Frames:
    """Return the frames as a report of the study keeps them; a second time changes nothing.

    layers  statistics that nothing reads are NaN; shares are exact, the others have six digits.
            Histograms are kept where an item shows them, pooled over the replicates of a cell:
            the first has the sum, the others, where they had one, a histogram of no counts
    epochs  of replicate 0 alone, where nothing reads those of others
    pixels  summed over the replicates of a cell
    examples  of runs that are compared example by example and converged: no others are read
    """
    return replace(
        frames,
        layers=_layers(taken(frames.layers), study),
        epochs=_epochs(frames.epochs, study),
        pixels=_pooled_pixels(frames.pixels),
        examples=_examples(frames, study),
    )


def _pooled_pixels(pixels: pd.DataFrame) -> pd.DataFrame:
    """Return a row per cell, that of its first replicate, with the sums over all of them."""
    rows = []
    for _, own in pixels.groupby("cell", sort=False):
        squares = _rounded(np.sum(list(own["squares"]), axis=0))
        summed = {"networks": own["networks"].sum(), "squares": squares}
        rows.append({**own.iloc[0], **summed, "zeros": np.sum(list(own["zeros"]), axis=0)})
    return pd.DataFrame(rows, columns=pixels.columns) if rows else pixels


def _examples(frames: Frames, study: Study) -> pd.DataFrame:
    runs, examples = frames.runs, frames.examples
    wanted = pd.Series(False, runs.index)
    if examples.empty:
        return examples
    for rule in examples_read(study):
        at = [runs[level_column(factor)].isin(levels) for factor, levels in rule.items()]
        wanted |= np.logical_and.reduce(at) if at else True
    kept = runs.loc[wanted & (runs["status"] == "done"), ["cell", "replicate"]]
    both = pd.MultiIndex.from_frame(examples[["cell", "replicate"]])
    return examples[both.isin(pd.MultiIndex.from_frame(kept))].reset_index(drop=True)


def _epochs(epochs: pd.DataFrame, study: Study) -> pd.DataFrame:
    items = [item for item in study.report if item.shows_curves]
    counted = any(isinstance(claim.metric, StepsTo) for claim in study.claims)
    if items and not counted and all(item.shows_first_replicate for item in items):
        return epochs[epochs["replicate"] == 0].reset_index(drop=True)
    return epochs


def _layers(layers: pd.DataFrame, study: Study) -> pd.DataFrame:
    claimed = {c.metric.statistic for c in study.claims if isinstance(c.metric, Probed)}
    read = _ALWAYS | claimed | {name for item in study.report for name in item.statistics()}
    shown = {pair for item in study.report for pair in item.histograms()}
    exact = {name: layers[name].to_numpy(float) for name in read}
    gradients = (layers["quantity"] != "activation").to_numpy()
    for name in _PERCENTILES & read - claimed:  # figures show those of activations
        exact[name] = np.where(gradients, np.nan, exact[name])
    rounded = {name: _rounded(values) for name, values in exact.items() if name not in _SHARES}
    kept = layers.assign(**(dict.fromkeys(STATISTICS, np.nan) | exact | rounded))
    drawn = _drawn(layers, sorted(shown))
    histograms = [
        counts if is_drawn else None
        for counts, is_drawn in zip(layers["histogram"], drawn, strict=True)
    ]
    exponents = np.where(drawn, layers["exponent"], 0)
    finite = np.isfinite(layers["std"].to_numpy(float))
    for place in np.flatnonzero(drawn & ~finite):  # whose values no figure counts
        histograms[place], exponents[place] = _NONE, 0
    _pool(layers, drawn & finite, histograms, exponents)
    return kept.assign(exponent=exponents, histogram=pd.Series(histograms, layers.index, object))


def _rounded(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    mantissa, exponent = np.frexp(values)
    rounded: npt.NDArray[np.float64] = np.ldexp(np.round(mantissa * 2**_BITS) / 2**_BITS, exponent)
    return rounded


def _drawn(layers: pd.DataFrame, shown: Sequence[tuple[str, str]]) -> npt.NDArray[np.bool_]:
    """Return which rows have a histogram of these quantities at a run's first or last step."""
    has = layers[layers["histogram"].notna()]
    steps = has.groupby(["cell", "replicate"])["step"]
    ends = {"first": steps.transform("min"), "last": steps.transform("max")}
    rows = pd.Series(False, layers.index)
    for quantity, step in shown:
        there = (has["quantity"] == quantity) & (has["step"] == ends[step])
        rows |= there.reindex(layers.index, fill_value=False)
    return rows.to_numpy(bool)


def _pool(
    layers: pd.DataFrame,
    pooled: npt.NDArray[np.bool_],
    histograms: list[npt.NDArray[np.integer] | None],
    exponents: npt.NDArray[np.integer],
) -> None:
    """Give the first replicate of each cell the histogram of all that are `pooled`, in place.

    Ranges are powers of two apart, so that the sum is exact and no order of merging matters.
    """
    places = layers.assign(place=np.arange(len(layers)))[pooled]
    for _, rows in places.groupby(_GROUP, sort=False)["place"]:
        first, *others = rows
        parts = [place for place in rows if np.any(histograms[place])]
        # The range of nothing is no range.
        widest = int(exponents[parts or [first]].max())
        summed = [
            coarsen(np.asarray(histograms[place], np.int64), widest - int(exponents[place]))
            for place in parts or [first]
        ]
        histograms[first] = np.sum(summed, axis=0)
        exponents[rows] = widest
        for place in others:
            histograms[place] = _NONE

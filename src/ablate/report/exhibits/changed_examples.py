"""The test examples that two arms answer most differently, and what each class gains or loses."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.errors import ReportError
from ablate.report.by_class import classes_csv, left_out_text, print_classes
from ablate.report.changed_examples import SHOWN, Changed, changed, read_test_set
from ablate.report.context import Context, Tabulated
from ablate.report.example_answers import NotRecordedError
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.select import DATA_NAMES
from ablate.report.figures.style import wrapped
from ablate.report.sizes import Style
from ablate.report.wording import arm_text, counted, other_arm_text, pair_text
from ablate.study.items import ChangedExamples
from ablate.study.schema import Factor

_GAP = 0.05  # inches between images
_LINE = 0.115  # inches of a line of small text
#: Blue and orange, which people without red or green cones tell apart as well.
_WON, _LOST = "#0173b2", "#de8f05"


def exhibits(context: Context) -> Iterator[Tabulated | Drawing]:
    """Yield the table of classes and, where the data is images, those that differ most.

    Raises ReportError where runs keep no answers, or no labels lie beside the report.
    """
    item = context.item
    assert isinstance(item, ChangedExamples)
    assert context.directory is not None
    try:
        found = changed(item, context.study, context.frames)
    except NotRecordedError as error:
        why = f": {error}" if str(error) else ""
        raise ReportError(f"which test examples the runs get right is not recorded{why}.") from None
    rows = read_test_set(context.directory, found.answers.test_set)
    if rows.empty:
        raise ReportError("the labels of the test set do not lie beside the report.")
    labels = rows["label"].to_numpy(np.int64)
    factor = context.study.factor(found.compared.factor)
    yield Tabulated(print_classes(found, factor, labels), {"": classes_csv(found, labels)})
    shown = rows[rows["pixels"].notna()].to_dict("records")
    if shown:
        images = {int(row["position"]): row for row in shown}
        figure = _draw(found, factor, images, context.style)
        yield Drawing(item.kind, _caption(found, context), figure)


def _caption(found: Changed, context: Context) -> str:
    factor, a, b, _ = found.compared
    name = str(context.study.baseline.get("data"))
    pair = pair_text(context.study.factor(factor), a, b)
    sentences = [
        f"Test images of {DATA_NAMES.get(name, name)} that are answered most differently: {pair}"
        f"{found.where}, {counted(len(found.answers.replicates), 'replicate')}.",
        f"Below each image its label and the share of runs (%) that get it right, from {b} to {a}; "
        "largest change first. They are chosen for it, and some of it is chance.",
    ]
    if found.answers.left_out:
        sentences.append(left_out_text(found))
    return " ".join(sentences)


def _draw(
    found: Changed, factor: Factor, images: Mapping[int, Mapping[Any, Any]], style: Style
) -> Figure:
    a, b = found.shares
    # Those that lie there: a report of another version has kept others.
    won, lost = ([place for place in found.largest(sign) if place in images] for sign in (1, -1))
    _, first, second, _ = found.compared
    sides = found.sides
    headings = (
        (f"won: right more often {arm_text(factor, first)} ({_changing(sides == 1)})", _WON, won),
        (
            f"lost: right more often {other_arm_text(second)} ({_changing(sides == -1)})",
            _LOST,
            lost,
        ),
    )
    width = style.one_column - 0.1
    groups = [(wrapped(text, width), color, shown) for text, color, shown in headings if shown]
    lines = 1 + max(heading.count("\n") for heading, *_ in groups)
    below, title = 2.4 * _LINE, 0.06 + 0.14 * lines
    margins = Margins(
        left=0.05, right=0.05, top=title, bottom=below, across=_GAP, down=below + title + 0.06
    )
    side = margins.panel_width(style.one_column, SHOWN)
    figure, axes = page(style, [side] * len(groups), SHOWN, style.one_column, margins)
    for row, (heading, color, shown) in zip(axes, groups, strict=True):
        row[0].set_title(heading, loc="left")
        for axis, place in zip(row, shown, strict=False):
            _show(axis, images[place], color)
            texts = (str(images[place]["label"]), f"{_percent(b[place])}→{_percent(a[place])}")
            for line, (text, weight) in enumerate(zip(texts, ("bold", "normal"), strict=True)):
                axis.annotate(
                    text, (0.5, 0), (0, -2 - 72 * _LINE * line), xycoords="axes fraction",
                    textcoords="offset points", ha="center", va="top", fontsize=style.small,
                    fontweight=weight,
                )  # fmt: skip
        for axis in row[len(shown) :]:
            axis.set(visible=False, xticks=[], yticks=[])
    return figure


def _changing(which: npt.NDArray[np.bool_]) -> str:
    count = int(which.sum())
    return f"{count:,} change{'s' if count == 1 else ''} sides"


def _show(axis: Axes, image: Mapping[Any, Any], color: str) -> None:
    shape = tuple(int(image[name]) for name in ("channels", "height", "width"))
    pixels = np.frombuffer(image["pixels"], dtype=np.uint8).reshape(shape)
    picture = pixels[0] if shape[0] == 1 else pixels.transpose(1, 2, 0)
    axis.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set(visible=True, color=color, linewidth=1.4)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"

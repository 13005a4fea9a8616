"""What a drawn thing shows of which runs, told to the page by way of the figure's file.

matplotlib writes an artist's `gid` as the id of its group in SVG, so a gid that holds the words
is all it takes: nothing is kept beside the figure, and other formats do not see it.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.artist import Artist

from ablate.report.columns import page_name

_START = "mark:"
Data = Mapping[str, str]


@dataclass(frozen=True)
class Mark:
    """What is known of an artist.

    of_all   of all that it draws, by name
    of_each  of each of its points, in the order they are drawn; empty where it has none
    """

    of_all: Data
    of_each: Sequence[Data] = field(default=())


def mark(of_all: Data, of_each: Iterable[Data] = ()) -> str:
    """Return the gid that says so: what all points have in common is said once, of all."""
    points = [dict(one) for one in of_each]
    common = set.intersection(*(set(one.items()) for one in points)) if points else set()
    of_all = {**of_all, **dict(sorted(common))} if len(points) > 1 else of_all
    each = [{k: v for k, v in one.items() if of_all.get(k) != v} for one in points]
    return _START + json.dumps([dict(of_all), each], ensure_ascii=False)


def marked(artists: Iterable[Artist], of_all: Data, of_each: Iterable[Data] = ()) -> None:
    """Tell the page what some artists show, the same of each of them."""
    gid = mark(of_all, of_each)
    for artist in artists:
        artist.set_gid(gid)


def read_mark(gid: str) -> Mark | None:
    """Return what a gid says, None of one that is not ours."""
    return Mark(*json.loads(gid.removeprefix(_START))) if gid.startswith(_START) else None


def level_name(factor: str) -> str:
    """Return the name of a level of `factor` among the data: `level-optimizer.lr`."""
    return f"level-{page_name(factor)}"


def run_data(run: Mapping[Any, Any], levels: Data, value: float) -> dict[str, str]:
    """Return the data of one run's point: cell, replicate, key, levels, and the value shown.

    run     a row of the runs frame
    levels  by factor
    """
    return {
        "cell": str(run["cell"]),
        "replicate": str(int(run["replicate"])),
        "value": shown(value),
        "key": str(run.get("key", ""))[:8],
        **{level_name(factor): level for factor, level in levels.items()},
    }


def shown(value: float) -> str:
    """Return a number as data hold it, to six digits; empty for none."""
    return f"{value:.6g}" if math.isfinite(value) else ""

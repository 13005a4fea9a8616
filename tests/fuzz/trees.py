"""Values of every kind, and trees of lists and mappings with something in them changed."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

#: Texts that have made trouble somewhere: paths, markup, formats, other scripts, what YAML reads.
_ODD_TEXTS = (
    "", " ", ".", "..", "../../x", "/etc/passwd", "~", "a/b", "[red]", "[/]", "[bold", "{}", "{0}",
    "%s", "$x$", "${x}", "${oc.env:HOME}", "null", "true", "1e5", "0x10", "a=b", "a,b", "-", "--",
    "naïve", "数", "\u202e", "\x00", "\n", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "x" * 300, "test/accuracy", "spread over", "probe(", "optimizer.lr", "init.scale", "trainer.",
)  # fmt: skip
_NUMBERS = (
    0, 1, -1, 2, 3, 255, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400,
    0.0, -0.0, 0.5, 1.0, 1.5, -0.5, 1e-300, 5e-324, 1e16, 1e308, float("inf"), float("nan"),
)  # fmt: skip

texts = st.sampled_from(_ODD_TEXTS) | st.text(max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from(_NUMBERS)
    | st.integers(-3, 5)
    | st.floats(-10, 10)
    | texts
    | st.sampled_from([datetime.date(2025, 3, 1), b"bytes", datetime.datetime(2025, 3, 1)])
)


def _deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts | st.integers(0, 3), inner, max_size=3)
    ),
    max_leaves=6,
) | st.sampled_from([_deep(60), _deep(150)])  # hypothesis itself cannot print deeper ones


def places(tree: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of everything in a tree, as the keys and numbers that lead there."""
    yield here
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if _is_list(tree) else ()
    for key, value in inner:
        yield from places(value, (*here, key))


def at(tree: Any, place: Sequence[Any]) -> Any:
    """Return what is at a place."""
    for key in place:
        tree = tree[key]
    return tree


@st.composite
def changed(draw: st.DrawFn, trees: Sequence[Any], most: int = 3) -> Any:
    """Return one of `trees` with 1 to `most` things in it changed.

    What is put in is a value of any kind, or what stands at another place in one of the trees.
    """
    tree = copy.deepcopy(draw(st.sampled_from(trees)))
    for _ in range(draw(st.integers(1, most))):
        place = draw(st.sampled_from(list(places(tree))))
        other = draw(st.sampled_from(trees))
        elsewhere = at(other, draw(st.sampled_from(list(places(other)))))
        new = draw(values | st.just(elsewhere))
        if not place:
            if draw(st.integers(0, 20)) == 0:
                return new
            continue
        holder, key = at(tree, place[:-1]), place[-1]
        what = draw(st.sampled_from(["replace", "replace", "remove", "rename", "add", "wrap"]))
        if what == "replace":
            holder[key] = copy.deepcopy(new)
        elif what == "remove":
            del holder[key]
        elif what == "wrap":
            holder[key] = draw(
                st.sampled_from([[holder[key]], {"x": holder[key]}, [holder[key]] * 2])
            )
        elif isinstance(holder, list):
            holder.insert(key, copy.deepcopy(new))
        else:
            words = [p[-1] for p in places(other) if p and isinstance(p[-1], str)] or ["x"]
            word = draw(texts | st.sampled_from(words) | st.integers(0, 3) | st.none())
            holder[word] = copy.deepcopy(new) if what == "add" else holder.pop(key)
    return tree


def _is_list(tree: Any) -> bool:
    return isinstance(tree, list | tuple)

"""`ablate.Data` of any kind from a user's function: taken whole, or refused naming the function."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from examples import few_and_many, tries
from hypothesis import given
from hypothesis import strategies as st
from trees import scalars

import ablate
from ablate import data as data_sets
from ablate.config.data import UserData
from ablate.data import split, split_statistics
from ablate.data.user_data import load_user_data
from ablate.errors import ConfigError
from ablate.streams import Streams

KINDS = (
    torch.float32, torch.uint8, torch.float32, torch.uint8, torch.float64, torch.int64, torch.bool,
    torch.bfloat16, torch.complex64, torch.int8,
)  # fmt: skip
shapes = st.sampled_from([
    (6, 2), (6, 2), (6, 1, 3, 3), (6,), (0, 2), (1, 2), (6, 0), (6, 1, 0, 3), (6, 2, 3), (7, 2), (), (6, 3),
])  # fmt: skip


@st.composite
def inputs(draw: st.DrawFn) -> Any:
    """Return what stands where x should: most often a tensor."""
    x: Any = torch.ones(draw(shapes)).to(draw(st.sampled_from(KINDS)))
    what = draw(st.sampled_from([
        "as it is", "as it is", "as it is", "nan", "huge", "grad", "sparse", "meta", "numpy", "list",
        "strided", "none",
    ]))  # fmt: skip
    if what in ("nan", "huge") and x.is_floating_point() and x.numel():
        x.view(-1)[0] = float("nan") if what == "nan" else 3e38
    if what == "grad" and x.is_floating_point():
        x.requires_grad_()
    if what == "sparse" and x.ndim:
        x = x.to_sparse()
    if what == "strided" and x.ndim == 2:
        x = x.T.contiguous().T
    others = {"meta": lambda: x.to("meta"), "numpy": lambda: np.ones(3), "list": lambda: [1, 2],
              "none": lambda: None}  # fmt: skip
    return others.get(what, lambda: x)()


@st.composite
def targets(draw: st.DrawFn) -> Any:
    """Return what stands where y should."""
    numbers = draw(st.lists(st.integers(0, 3) | st.integers(-1, 9), min_size=6, max_size=6))
    y: Any = torch.tensor(numbers)
    kinds = [
        torch.int64,
        torch.int64,
        torch.int64,
        torch.int32,
        torch.float32,
        torch.uint8,
        torch.bool,
    ]
    y = y.to(draw(st.sampled_from(kinds)))
    what = draw(
        st.sampled_from(
            ["as it is"] * 5 + ["column", "short", "huge", "numpy", "meta", "none", "scalar"]
        )
    )
    if what == "huge" and y.dtype == torch.int64:
        y[0] = draw(st.sampled_from([2**31, 2**62, -(2**63)]))
    others = {"column": lambda: y[:, None], "short": lambda: y[:5], "numpy": lambda: np.arange(6),
              "meta": lambda: y.to("meta"), "none": lambda: None, "scalar": lambda: y[0]}  # fmt: skip
    return others.get(what, lambda: y)()


pairs = st.tuples(inputs(), targets()) | st.sampled_from([None, (), (1, 2, 3), "xy", [1]])
good = st.just((torch.ones(6, 2), torch.arange(6) % 3))
sets = st.one_of(
    st.builds(
        ablate.Data, good | pairs, st.none() | good | pairs, good | pairs,
        st.sampled_from([0, 0, 0, 3, 10, -1, 1, 2**40, 3.0, "3", None, True]),
    ),
    scalars,
)  # fmt: skip


@few_and_many
def test_data_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, times: int) -> None:
    import mylab

    made = SimpleNamespace(data=None)
    monkeypatch.setattr(mylab, "made", lambda: made.data, raising=False)
    own = UserData.model_validate({"_target_": "mylab.made"})

    @tries(200, times)
    @given(sets)
    def holds(returned: Any) -> None:
        made.data = returned
        load_user_data.cache_clear()
        try:
            data_sets.check_sizes(own)
            loaded = data_sets.load(own, tmp_path)
            part = split(loaded, own, Streams(0, 0))
            mean, deviation = split_statistics(loaded, part.train)
        except ConfigError:
            return
        # What is taken can be trained on.
        assert torch.isfinite(mean).all()
        assert torch.isfinite(deviation).all()
        assert data_sets.outputs_of(own) > 0
        for x, y in (loaded.train, loaded.test):
            assert len(x) == len(y) > 0
            assert 0 <= int(y.min()) <= int(y.max()) < loaded.classes
            (x.float() + 0).numpy()

    holds()

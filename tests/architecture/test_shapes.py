"""The shapes in signatures are checked while tests run."""

import jaxtyping
import pytest
import torch

from ablate.tasks.classification import Classification


def test_a_shape_that_nothing_else_would_notice_is_refused() -> None:
    logits, labels = torch.zeros(2, 3, 4), torch.zeros(2, 3, dtype=torch.int64)
    assert Classification().loss(logits, labels).shape == (2,)
    with pytest.raises(jaxtyping.TypeCheckError, match="targets"):
        Classification().loss(logits, labels.reshape(3, 2))

"""Training: from a validated run config, tensors and seeds to records.

Knows nothing of studies, MLflow or reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ablate.train.process import prepare_process

if TYPE_CHECKING:
    from ablate.train.loop import train

__all__ = ["prepare_process", "train"]


def __getattr__(name: str) -> Any:
    # torch takes a second to import, and `prepare_process` must run before it does.
    if name == "train":
        from ablate.train.loop import train

        return train
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

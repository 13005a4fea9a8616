"""Accuracy on the test set: which claims are about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.study.claims import Claim, Effect, Interaction, Noise, Order

if TYPE_CHECKING:
    from ablate.study.schema import Study

#: The share of the test examples whose most probable class is the label.
ACCURACY = "test/accuracy"


def compares_accuracy(claim: Claim, study: Study) -> bool:
    """Tell whether a claim compares mean accuracies on the test set, of runs that are scored."""
    if isinstance(claim, Noise) or not isinstance(claim, Effect | Order):
        return False
    tuned = study.tune is not None and study.tune.key in claim.factors
    name = study.metric.name if claim.metric is None else str(claim.metric)
    return name == ACCURACY and not tuned


def compared_in_headline(study: Study) -> Effect | None:
    """Return the first claim that compares two levels in accuracy, of the headline if one does."""
    found = [
        claim
        for claim in study.claims
        if isinstance(claim, Effect) and not isinstance(claim, Interaction)
        if compares_accuracy(claim, study)
    ]
    return min(found, key=lambda claim: claim.name not in study.headline_claims, default=None)

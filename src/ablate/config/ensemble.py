"""The `ensemble` group: several networks, or several looks of one, that predict together."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ablate.config.base import ByName, Frozen, Positive

#: More predictions than these are no ensemble that anybody could keep.
Members = Annotated[Positive, Field(le=10_000)]


class NoEnsemble(Frozen):
    """One network predicts alone."""

    name: Literal["none"] = "none"


class _Ensemble(Frozen):
    """What every ensemble has."""

    size: Members = 5
    """Members that predict together."""
    combine: Literal["average", "geometric", "vote"] = "average"
    """`average` their probabilities, or take their `geometric` mean, normalized, or let each `vote`
    for a class."""

    @model_validator(mode="after")
    def _enough(self) -> Self:
        for key in ("snapshots", "passes"):  # what some ensembles take their members from
            there = getattr(self, key, self.size)
            if self.size > there:
                raise ValueError(
                    f"ensemble.size={self.size} is not allowed: it must be at most "
                    f"ensemble.{key}={there}"
                )
        return self


class Seeds(_Ensemble):
    """Networks that differ in initialization, order and every other random draw."""

    name: Literal["seeds"]


class Bagging(_Ensemble):
    """Networks on bootstrap samples of the training split (Breiman 1996)."""

    name: Literal["bagging"]


class Snapshot(_Ensemble):
    """The last `size` of `snapshots` taken of one network at equal distances in training.

    With schedule=cosine_restarts of as many cycles these are Huang et al. 2017's.
    """

    name: Literal["snapshot"]
    snapshots: Members = 5


class McDropout(_Ensemble):
    """The first `size` of `passes` with dropout at work (Gal & Ghahramani 2016)."""

    name: Literal["mc_dropout"]
    passes: Members = 50


EnsembleConfig = ByName[NoEnsemble | Seeds | Bagging | Snapshot | McDropout]

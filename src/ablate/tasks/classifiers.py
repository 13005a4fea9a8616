"""Several classifiers made one: from the members' logits to those of the ensemble.

Pure functions of arrays; who the members are is for `ablate.launch.members` to say.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from ablate.metrics import scores

Members = npt.NDArray[np.floating]


def combine(members: Members, how: Literal["average", "geometric", "vote"]) -> scores.Array:
    """Return the log-probabilities (N, K) that the members' logits (M, N, K) give together.

    average    the mean of their probabilities
    geometric  their geometric mean, normalized over the classes: that of all dropout masks of one
               layer is what scaled weights give (Goodfellow et al. 2016, section 7.12)
    vote       the share of the members whose most probable class it is, -inf where it is none's
    """
    if how == "geometric":
        logs = np.stack([scores.log_probabilities(member) for member in members])
        return scores.log_probabilities(logs.mean(axis=0))
    if how == "average":
        log_p = np.stack([scores.log_probabilities(member) for member in members])
        return np.asarray(np.logaddexp.reduce(log_p, axis=0) - np.log(len(members)))
    votes = np.zeros(members.shape[1:])
    for member in members:
        votes[np.arange(len(votes)), member.argmax(axis=1)] += 1
    with np.errstate(divide="ignore"):
        return np.log(votes / len(members))


def ensemble_scores(
    members: Members, labels: scores.Labels, how: Literal["average", "geometric", "vote"]
) -> dict[str, float]:
    """Return the scores of the ensemble, and what its members are like.

    test/...              of the combination; a vote has no cross-entropy, since a class that
                          nobody votes for has no probability
    members/accuracy      mean over the members, as is members/brier
    members/covariance    see `brier_law`; with members/disagreement, for two members or more
    members/disagreement  share of examples on which two members differ, mean over the pairs
    """
    log_p = combine(members, how)
    result = {
        "test/accuracy": scores.accuracy(log_p, labels),
        "test/brier": scores.brier(log_p, labels),
        "test/ece": scores.calibration_error(log_p, labels),
    }
    if how != "vote":
        nll = scores.cross_entropy(log_p, labels)
        result |= {"test/loss": nll, "test/nll": nll}
    alone = [scores.log_probabilities(member) for member in members]
    result["members/accuracy"] = float(np.mean([scores.accuracy(p, labels) for p in alone]))
    variance, covariance = brier_law(members, labels)
    result["members/brier"] = variance
    if covariance is not None:
        result["members/covariance"] = covariance
        result["members/disagreement"] = disagreement(members)
    return result


def brier_law(members: Members, labels: scores.Labels) -> tuple[float, float | None]:
    """Return v and c of the ensemble law; c is None for a single member.

    With errors e_i = p_i - onehot(y), v is the mean of E|e_i|^2 over members and c that of
    E[e_i . e_j] over pairs. The Brier score of the averaged probabilities of k members is then
    v/k + (k - 1) c/k, exactly, when v and c are those of the same k members and examples.
    """
    errors = np.exp(np.stack([scores.log_probabilities(member) for member in members]))
    errors[:, np.arange(len(labels)), labels] -= 1
    k, examples = len(members), len(labels)
    own = float((errors**2).sum() / (k * examples))
    if k == 1:
        return own, None
    together = float((errors.sum(axis=0) ** 2).sum() / examples)
    return own, (together - k * own) / (k * (k - 1))


def disagreement(members: Members) -> float:
    """Return the share of examples on which two members' classes differ, mean over pairs."""
    chosen = members.argmax(axis=2)
    k = len(chosen)
    pairs = [(chosen[i] != chosen[j]).mean() for i in range(k) for j in range(i)]
    return float(np.mean(pairs))

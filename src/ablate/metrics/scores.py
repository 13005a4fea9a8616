"""Scores of a classifier from its logits, in float64 on one replicate at a time.

Pure functions of arrays. A replicate never shares a reduction with another, so its
metrics are the same bits alone and in a stack.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Logits = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64]

#: Equal-width bins of the confidence, as in Guo et al. 2017.
CALIBRATION_BINS = 15


def log_probabilities(logits: Logits) -> Array:
    """Return the log-softmax of `logits` (..., K) over the classes."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def cross_entropy(log_p: Array, labels: Labels) -> float:
    """Return the mean of -log p(label) in nats, from log-probabilities (N, K)."""
    return -float(np.take_along_axis(log_p, labels[:, None], axis=1).mean())


def accuracy(log_p: Array, labels: Labels) -> float:
    """Return the fraction of examples whose most probable class is the label.

    Of classes that tie, the first counts.
    """
    return float((log_p.argmax(axis=1) == labels).mean())


def brier(log_p: Array, labels: Labels) -> float:
    """Return the mean over examples of sum_k (p_k - [k = label])^2, in [0, 2] (Brier 1950)."""
    error = np.exp(log_p)
    error[np.arange(len(labels)), labels] -= 1
    return float((error**2).sum(axis=1).mean())


def calibration_error(log_p: Array, labels: Labels, bins: int = CALIBRATION_BINS) -> float:
    """Return the expected calibration error: the mean of |accuracy - confidence| over bins.

    The bins are equally wide, open on the left, closed on the right, and weighted by their
    share of the examples (Guo et al. 2017, eq. 3).
    """
    bin_of, confidence, correct = _binned(log_p, labels, bins)
    gap = np.bincount(bin_of, weights=correct - confidence, minlength=bins)
    return float(np.abs(gap).sum() / len(labels))


def calibration_bins(logits: Logits, labels: Labels) -> list[dict[str, float]]:
    """Return per bin of the confidence its number, count, sum of confidences and correct ones."""
    bin_of, confidence, correct = _binned(log_probabilities(logits), labels, CALIBRATION_BINS)
    counts, sums, right = (
        np.bincount(bin_of, weights=weights, minlength=CALIBRATION_BINS)
        for weights in (None, confidence, correct)
    )
    return [
        {"bin": i, "count": int(counts[i]), "confidence": float(sums[i]), "correct": int(right[i])}
        for i in range(CALIBRATION_BINS)
    ]


def _binned(log_p: Array, labels: Labels, bins: int) -> tuple[Labels, Array, npt.NDArray[np.bool_]]:
    """Return each example's bin, its confidence, and whether its class is right."""
    confidence = np.exp(log_p.max(axis=1))
    bin_of = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    return bin_of, confidence, log_p.argmax(axis=1) == labels


def scores(logits: Logits, labels: Labels, label_smoothing: float = 0.0) -> dict[str, float]:
    """Return loss, accuracy, nll, brier and ece of `logits` (N, K); none if one is not finite.

    `nll` is the cross-entropy against hard labels whatever the loss trained on; `loss` is
    the training loss without penalties: against targets smoothed by a, (1 - a) nll + a times
    the mean of -log p over classes.
    """
    if not np.isfinite(logits).all():
        return {}
    log_p = log_probabilities(logits)
    nll = loss = cross_entropy(log_p, labels)
    if label_smoothing:
        loss = (1 - label_smoothing) * nll - label_smoothing * float(log_p.mean())
    return {
        "loss": loss,
        "accuracy": accuracy(log_p, labels),
        "nll": nll,
        "brier": brier(log_p, labels),
        "ece": calibration_error(log_p, labels),
    }


def as_float16(logits: Logits) -> npt.NDArray[np.float16]:
    """Return logits as they are stored: half precision, what is beyond its range at its ends."""
    largest = float(np.finfo(np.float16).max)
    return logits.clip(-largest, largest).astype(np.float16)

"""A training procedure of the user's own; its digest is part of the keys of the frozen runs."""


def fit(config, data, streams, fault="none"):
    """Return a drawn score, or raise where a fault is asked for and the draw is small."""
    score = streams.numpy("init", "score").uniform()
    if fault == "sometimes" and score < 0.5:
        raise RuntimeError("the loss went for a walk")
    return {"score": score, "test/accuracy": 0.5 + score / 2}

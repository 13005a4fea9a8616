"""What all sweeps share; without torch, so that a command begins at once."""


def levels(count: int) -> list[float]:
    """Return learning rates from 0.0005 on, a tenth of an octave apart beyond the first three."""
    first = [0.0005, 0.001, 0.002]
    return (first + [round(0.0005 * 2 ** (k / 10), 8) for k in range(1, 200) if k % 10])[:count]

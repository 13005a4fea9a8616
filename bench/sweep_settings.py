"""What all sweeps share; without torch, so that a command begins at once."""

import argparse
from pathlib import Path


def levels(count: int) -> list[float]:
    """Return learning rates from 0.0005 on, a tenth of an octave apart beyond the first three."""
    first = [0.0005, 0.001, 0.002]
    return (first + [round(0.0005 * 2 ** (k / 10), 8) for k in range(1, 200) if k % 10])[:count]


def peer_parser() -> argparse.ArgumentParser:
    """Return the parser of what every peer's sweep is asked, behind its own words."""
    parser = argparse.ArgumentParser()
    parser.add_argument("net")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--rates", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    return parser

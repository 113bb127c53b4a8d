"""What a share of correct answers says: pass@k and its interval. Standard library only.

The metrics of this project share this file, and each pushed folder holds it, byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, fsum, sqrt


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that at least one of k samples is correct, when c of n are: arXiv 2107.03374, eq. 1.

    1 - C(n-c, k) / C(n, k), in whole numbers and rounded once, so that it is stable for any n.

    Raises:
        ValueError: not 0 <= c <= n, or not 1 <= k <= n.
    """
    if not 0 <= c <= n:
        raise ValueError(f"c must be in 0..n, not {c} with n = {n}: count the correct among the n samples")
    if not 1 <= k <= n:
        raise ValueError(f"k must be in 1..n, not {k} with n = {n}: lower k or draw more samples")
    every = comb(n, k)
    return (every - comb(n - c, k)) / every


def wilson_interval(successes: float, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's score interval (JASA 22, 1927, p. 209) for a proportion; z's default gives 95 %.

    Returns:
        (low, high), both in 0..1; exactly 0 or 1 where no or every trial succeeded.

    Raises:
        ValueError: n < 1, or successes outside 0..n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"successes must be in 0..n and n at least 1, not {successes} of {n}: count the trials again")

    def low(s: float) -> float:
        return (2 * s + z * z - z * sqrt(z * z + 4 * s * (1 - s / n))) / (2 * (n + z * z))

    return low(successes), 1 - low(n - successes)


def mean(values: Sequence[float]) -> float:
    """The mean, its sum rounded once."""
    return fsum(values) / len(values)

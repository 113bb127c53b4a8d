"""Estimators for shares of correct answers: pass@k and Wilson's interval. Standard library only.

Each metric's folder contains an identical copy, because each folder is pushed to the Hub on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, fsum, sqrt


def pass_at_k(n: int, c: int, k: int) -> float:
    """Estimate the probability that at least one of k samples is correct, if c of n samples are.

    The formula is 1 - C(n-c, k) / C(n, k) (arXiv 2107.03374, eq. 1). It is computed in integers and rounded once, so
    it is stable for any n.

    Raises:
        ValueError: c is not in 0..n, or k is not in 1..n.
    """
    if not 0 <= c <= n:
        raise ValueError(f"c must be in 0..n, not {c} with n = {n}: count the correct among the n samples")
    if not 1 <= k <= n:
        raise ValueError(f"k must be in 1..n, not {k} with n = {n}: lower k or draw more samples")
    every = comb(n, k)
    return (every - comb(n - c, k)) / every


def wilson_interval(successes: float, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's score interval for a proportion (JASA 22, 1927, p. 209).

    Args:
        successes: number of successes; a sum of rates is allowed.
        n: number of trials.
        z: quantile of the normal distribution; the default gives a 95 % interval.

    Returns:
        (low, high), both in 0..1. The low end is exactly 0 without a success. The high end is exactly 1 without a
        failure.

    Raises:
        ValueError: n < 1, or successes outside 0..n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"successes must be in 0..n and n at least 1, not {successes} of {n}: count the trials again")

    def low(s: float) -> float:
        return (2 * s + z * z - z * sqrt(z * z + 4 * s * (1 - s / n))) / (2 * (n + z * z))

    return low(successes), 1 - low(n - successes)


def mean(values: Sequence[float]) -> float:
    """The mean. The sum is rounded only once."""
    return fsum(values) / len(values)

"""Fit scores to the logarithm of the training rows: ``score = intercept + slope * log10(rows)``, with 95% intervals.

MuggleMath (arXiv 2310.05506) reports that accuracy is log-linear in the amount of augmented data. The intervals are
those of ordinary least squares with normal errors (Draper and Smith, Applied Regression Analysis, chapter 1). They
describe only the scatter of the points about the line. All points are scored on the same test rows, and the choice of
these rows can shift the whole line. The fit's intervals do not include this error; each point's Wilson interval does.
"""

from __future__ import annotations

from functools import lru_cache
from math import cos, pi, sin, sqrt, tan

import numpy as np

BAND_POINTS = 25
"""The number of points of the fitted line and its band."""


def fit_log_linear(points: list[dict], *, score: str = "pass@1", rows: str = "rows") -> dict | None:
    """Fit ``points[i][score]`` to log10 of ``points[i][rows]`` by ordinary least squares.

    Args:
        points: each has a score in 0..1 and a number of rows, at least 1. Trainings of one size with several seeds are
            separate points.
        score, rows: the keys of both values in a point.

    Returns:
        None if there are fewer than three sizes: two sizes cannot show whether a line fits. Else
        {"slope_per_decade": the increase of the score per tenfold increase in rows, "slope_ci95": [low, high],
        "intercept" (at one row, far outside the data), "intercept_ci95", "r2" (None if all scores are equal),
        "residual_sd", "points": their number, "sizes": the number of different sizes, "decades": log10(largest rows /
        smallest rows), "band": [[rows, low, line, high], ...], the line and its 95% interval, from the smallest to the
        largest rows}.
    """
    x = np.log10([point[rows] for point in points])
    y = np.array([point[score] for point in points], float)
    sizes = len(np.unique(x))
    if sizes < 3:
        return None
    count, middle = len(x), x.mean()
    spread = float(((x - middle) ** 2).sum())
    slope = float(((x - middle) * (y - y.mean())).sum() / spread)
    intercept = float(y.mean() - slope * middle)
    squares, total = float(((y - intercept - slope * x) ** 2).sum()), float(((y - y.mean()) ** 2).sum())
    deviation = sqrt(squares / (count - 2))
    reach = t_quantile(count - 2) * deviation

    def height(at: np.ndarray) -> np.ndarray:
        """Return half the width of the line's interval at log10(rows) = ``at``."""
        return reach * np.sqrt(1 / count + (at - middle) ** 2 / spread)

    grid = np.linspace(x.min(), x.max(), BAND_POINTS)
    line, half = intercept + slope * grid, height(grid)
    at_zero, half_slope = float(height(np.zeros(1))[0]), reach / sqrt(spread)
    return {
        "slope_per_decade": slope,
        "slope_ci95": [slope - half_slope, slope + half_slope],
        "intercept": intercept,
        "intercept_ci95": [intercept - at_zero, intercept + at_zero],
        "r2": 1 - squares / total if total else None,
        "residual_sd": deviation,
        "points": count,
        "sizes": sizes,
        "decades": float(x.max() - x.min()),
        "band": np.column_stack([10**grid, line - half, line, line + half]).tolist(),
    }


@lru_cache
def t_quantile(freedom: int, inside: float = 0.95) -> float:
    """Return t such that Student's t distribution has probability ``inside`` between -t and t.

    The probability is a finite sum over the angle atan(t / sqrt(freedom)): formulas 26.7.3 (odd) and 26.7.4 (even) of
    Abramowitz and Stegun, Handbook of Mathematical Functions. Bisection finds the angle.

    Args:
        freedom: the degrees of freedom, at least 1.
    """
    low, high = 0.0, pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _share_inside(middle, freedom) < inside else (low, middle)
    return sqrt(freedom) * tan(low)


def _share_inside(angle: float, freedom: int) -> float:
    """Return the probability between -t and t for t = sqrt(freedom) * tan(angle)."""
    odd = freedom % 2
    term = cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for step in range(2 + odd, freedom - 1, 2):
        term *= cos(angle) ** 2 * (step - 1) / step
        total += term
    return (angle + sin(angle) * total) * 2 / pi if odd else sin(angle) * total

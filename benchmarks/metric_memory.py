"""Memory of the metric over a million predictions: the module of ``evaluate``, in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from arith_puzzle.common.files import PACKAGE
from benchmarks.memory import peak_bytes

PREDICTIONS = 1_000_000
LIMIT_GB = 4.0


def run() -> dict:
    """Measure in a new process; returns {"predictions", "limit_gb", "peak_gb", "before_gb", "seconds", "pass@1"}."""
    done = subprocess.run(
        [sys.executable, "-c", f"from benchmarks.metric_memory import child; child({PREDICTIONS})"],
        capture_output=True, text=True, cwd=PACKAGE.parent, check=True,
    )  # fmt: skip
    return {"predictions": PREDICTIONS, "limit_gb": LIMIT_GB, **json.loads(done.stdout.splitlines()[-1])}


def table(measured: dict) -> str:
    """Format the figures as text."""
    verdict = "below" if measured["peak_gb"] < measured["limit_gb"] else "ABOVE"
    return (
        f"The metric over {measured['predictions']:,} predictions by evaluate\n"
        f"{'peak memory':<28}{measured['peak_gb']:>11.2f} GB, {verdict} {measured['limit_gb']:g} GB\n"
        f"{'of it before compute':<28}{measured['before_gb']:>11.2f} GB\n"
        f"{'time of compute':<28}{measured['seconds']:>11.1f} s"
    )


def child(count: int) -> None:
    """Compute the metric over ``count`` predictions and print the figures as one line of JSON."""
    import evaluate

    from benchmarks.verifier import rows

    made = rows(20_000)
    metric = evaluate.load(str(PACKAGE / "metrics" / "arith_puzzle_verifier"))
    # Predictions share no string and references no object, like the answers of a model.
    predictions = [made[at % len(made)].response + "\n" * (at % 2) for at in range(count)]
    references = [{"numbers": [*made[at % len(made)].numbers], "target": made[at % len(made)].target}
                  for at in range(count)]  # fmt: skip
    before, start = peak_bytes() / 2**30, time.perf_counter()
    result = metric.compute(predictions=predictions, references=references)
    print(
        json.dumps(
            {
                "peak_gb": round(peak_bytes() / 2**30, 2),
                "before_gb": round(before, 2),
                "seconds": round(time.perf_counter() - start, 1),
                "pass@1": result["pass@1"],
            }
        )
    )

"""How much memory the metric takes for a million predictions: ``evaluate``'s module in a process of its own.

python -m benchmarks.metric_memory
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from arith_puzzle.common.files import PACKAGE

PREDICTIONS = 1_000_000
LIMIT_GB = 4.0


def run() -> dict:
    """Predictions, peak GB, the limit, seconds of ``compute``, and pass@1; of a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.metric_memory", "child", str(PREDICTIONS)],
        capture_output=True, text=True, cwd=PACKAGE, check=True,
    )  # fmt: skip
    return {"predictions": PREDICTIONS, "limit_gb": LIMIT_GB, **json.loads(done.stdout.splitlines()[-1])}


def table(measured: dict) -> str:
    """What ``run`` measured, as lines."""
    verdict = "below" if measured["peak_gb"] < measured["limit_gb"] else "ABOVE"
    return (
        f"The metric over {measured['predictions']:,} predictions by evaluate\n"
        f"{'peak memory':<28}{measured['peak_gb']:>11.2f} GB, {verdict} {measured['limit_gb']:g} GB\n"
        f"{'of it before compute':<28}{measured['before_gb']:>11.2f} GB\n"
        f"{'time of compute':<28}{measured['seconds']:>11.1f} s"
    )


def _child(count: int) -> None:
    import evaluate

    from benchmarks.verifier import rows

    made = rows(20_000)
    metric = evaluate.load(str(PACKAGE / "metrics" / "arith_puzzle_verifier"))
    # No two predictions share a string, nor two references an object: as a model's answers would not.
    predictions = [made[at % len(made)].response + "\n" * (at % 2) for at in range(count)]
    references = [{"numbers": [*made[at % len(made)].numbers], "target": made[at % len(made)].target}
                  for at in range(count)]  # fmt: skip
    before, start = _peak_gb(), time.perf_counter()
    result = metric.compute(predictions=predictions, references=references)
    print(
        json.dumps(
            {
                "peak_gb": round(_peak_gb(), 2),
                "before_gb": round(before, 2),
                "seconds": round(time.perf_counter() - start, 1),
                "pass@1": result["pass@1"],
            }
        )
    )


def _peak_gb() -> float:
    """Most memory this process has held."""
    status = Path("/proc/self/status")
    if status.is_file():  # unlike ru_maxrss, not inherited from the process that started this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        _child(int(sys.argv[2]))
    else:
        print(table(run()))

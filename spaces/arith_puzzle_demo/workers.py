"""Long jobs (solving, judging files) in worker processes, so that the page stays responsive. A job that takes too long
is stopped.

``python -m workers`` runs a worker. It reads a line ``[job, seconds, arguments]`` and writes a line ``[found,
complete]``. ``complete`` says whether ``found`` holds all results. If time runs out it is null, and the worker exits.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import LifoQueue

SECONDS = 4.0
"""Time limit of one job. Most searches need milliseconds; a proof for eight large numbers takes longer."""
MAX_ROWS = 20_000
"""Most rows of an uploaded file that are judged."""
MAX_FAULTS = 20
"""Most malformed rows of a file that are listed."""
NEAREST = 50
"""``nearest`` looks for reachable numbers up to this far from the target."""


class Workers:
    """A pool of worker processes. Call ``workers(job, *arguments)`` from any thread. A worker runs one job at once."""

    def __init__(self, workers: int, seconds: float = SECONDS):
        self.seconds = seconds
        self._idle: LifoQueue[subprocess.Popen] = LifoQueue()
        for _ in range(workers):
            self._idle.put(_start())

    def __call__(self, job: str, *arguments: object) -> tuple[list, bool | None]:
        """(results of the job, whether these are all). The second is None if time ran out."""
        worker = self._idle.get()
        found, complete = [], None
        try:
            worker.stdin.write(json.dumps([job, self.seconds, arguments]) + "\n")
            worker.stdin.flush()
            line = worker.stdout.readline()
            found, complete = json.loads(line) if line else ([], None)
        except OSError:  # the worker died between two jobs
            pass
        finally:
            if complete is None:
                _end(worker)
                worker = _start()
            self._idle.put(worker)
        return found, complete

    def close(self) -> None:
        """Stop all idle workers."""
        while not self._idle.empty():
            _end(self._idle.get())


def _start() -> subprocess.Popen:
    # Run it as a module of this folder, not by its file: in a snapshot from the Hub the file is a link to elsewhere.
    folder, name = os.path.split(os.path.abspath(__file__))
    command = [sys.executable, "-m", os.path.splitext(name)[0]]
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _end(worker: subprocess.Popen) -> None:
    worker.kill()
    worker.communicate()


def solve(numbers: list[int], target: int, cap: int, rules: dict | None = None) -> Iterator[str | bool]:
    """Yield up to ``cap`` solutions, then whether these are all."""
    from arith_puzzle.dataset_builder.solver.solve import default_bound, solutions

    count = 0
    for count, text in enumerate(solutions(numbers, target, bound=default_bound(numbers, target), **(rules or {})), 1):
        yield text
        if count == cap:
            break
    yield count < cap


def nearest(numbers: list[int], target: int, rules: dict | None = None) -> Iterator[list | bool]:
    """Yield [the reachable number nearest to a target, its solution], if there is one within NEAREST; then True.

    If two numbers are equally near, the smaller one is used.
    """
    from arith_puzzle.dataset_builder.solver.solve import default_bound, solutions

    bound = default_bound(numbers, target)
    for away in range(1, NEAREST + 1):
        for near in (target - away, target + away):
            text = next(solutions(numbers, near, bound=bound, **(rules or {})), None)
            if text is not None:
                yield [near, text]
                yield True
                return
    yield True


def judge_file(path: str, out: str, rules: dict | None = None) -> Iterator[dict | bool]:
    """Judge the first MAX_ROWS lines of a JSONL file with ``verify_file``, and write the verdicts to ``out``.

    Yields {"measured": the metric, "faults": malformed rows, "more_faults": number of further ones, "cut": whether the
    file has more lines}, then True.
    """
    from arith_puzzle.metrics.verify_file import verify_file

    source, kept = Path(path), Path(out).with_name("answers.jsonl")
    with source.open("rb") as given, kept.open("wb") as file:
        for _, line in zip(range(MAX_ROWS), given, strict=False):
            file.write(line)
        cut = bool(given.readline())
    measured, broken = verify_file(kept, Path(out), **(rules or {}))
    kept.unlink()
    faults = [fault.removeprefix(f"{kept}:") for fault in broken]
    yield {"measured": measured, "faults": [f"line {fault}" for fault in faults[:MAX_FAULTS]],
           "more_faults": max(0, len(faults) - MAX_FAULTS), "cut": cut}  # fmt: skip
    yield True


JOBS = {job.__name__: job for job in (solve, nearest, judge_file)}


def work() -> None:
    """Run jobs from stdin until it ends."""
    import arith_puzzle.dataset_builder.solver.solve  # noqa: F401 -- import it before the first job

    for line in sys.stdin:
        job, seconds, arguments = json.loads(line)
        found: list = []
        writing = threading.Lock()  # the thread that takes it writes the results: this one, or the timer

        def out_of_time(found: list = found, writing: threading.Lock = writing) -> None:
            if writing.acquire(blocking=False):
                print(json.dumps([[item for item in found if not isinstance(item, bool)], None]), flush=True)
                os._exit(1)

        clock = threading.Timer(seconds, out_of_time)
        clock.daemon = True
        clock.start()
        for item in JOBS[job](*arguments):
            found.append(item)
        if not writing.acquire(blocking=False):
            threading.Event().wait()  # the timer writes the results and then ends the process
        clock.cancel()
        print(json.dumps([found[:-1], found[-1]]), flush=True)


if __name__ == "__main__":
    try:
        work()
    except KeyboardInterrupt:  # Ctrl-C reaches the whole process group
        sys.exit(130)

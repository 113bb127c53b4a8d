"""Work that takes long, in processes of their own: one that takes too long is ended, the page stays quick meanwhile.

Run by ``python -m workers`` this file is the worker: a line ``[job, seconds, arguments]`` in, a line ``[found,
complete]`` out. ``complete`` says whether this is all; out of time it is null, and the worker exits.
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
"""For one job. Nearly all searches need milliseconds; a proof for eight large numbers takes longer."""
MAX_ROWS = 20_000
"""Rows of an uploaded file that are judged."""
MAX_FAULTS = 20
NEAREST = 50
"""How far from the target a reachable number is looked for."""


class Workers:
    """``workers(job, *arguments)`` from any thread. As many jobs at once as there are workers."""

    def __init__(self, workers: int, seconds: float = SECONDS):
        self.seconds = seconds
        self._idle: LifoQueue[subprocess.Popen] = LifoQueue()
        for _ in range(workers):
            self._idle.put(_start())

    def __call__(self, job: str, *arguments: object) -> tuple[list, bool | None]:
        """What the job gave, and whether it is all: None if time ran out."""
        worker = self._idle.get()
        found, complete = [], None
        try:
            worker.stdin.write(json.dumps([job, self.seconds, arguments]) + "\n")
            worker.stdin.flush()
            line = worker.stdout.readline()
            found, complete = json.loads(line) if line else ([], None)
        except OSError:  # it died between two jobs
            pass
        finally:
            if complete is None:
                _end(worker)
                worker = _start()
            self._idle.put(worker)
        return found, complete

    def close(self) -> None:
        while not self._idle.empty():
            _end(self._idle.get())


def _start() -> subprocess.Popen:
    # As a module of this folder, not by file: in a snapshot of the Hub the file is a link to elsewhere.
    folder, name = os.path.split(os.path.abspath(__file__))
    command = [sys.executable, "-m", os.path.splitext(name)[0]]
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _end(worker: subprocess.Popen) -> None:
    worker.kill()
    worker.communicate()


def solve(numbers: list[int], target: int, cap: int) -> Iterator[str | bool]:
    """Up to ``cap`` solutions."""
    from arith_puzzle.dataset_builder.solver.solve import solutions

    count = 0
    for count, text in enumerate(solutions(numbers, target), 1):
        yield text
        if count == cap:
            break
    yield count < cap


def nearest(numbers: list[int], target: int) -> Iterator[list | bool]:
    """[a reachable number next to an unreachable target, how], of two the smaller; nothing within NEAREST."""
    from arith_puzzle.dataset_builder.solver.solve import default_bound, solutions

    bound = default_bound(numbers, target)
    for away in range(1, NEAREST + 1):
        for near in (target - away, target + away):
            text = next(solutions(numbers, near, bound=bound), None)
            if text is not None:
                yield [near, text]
                yield True
                return
    yield True


def judge_file(path: str, out: str) -> Iterator[dict | bool]:
    """``verify_file`` of the first MAX_ROWS lines: {"measured", "faults", "more_faults", "cut"}; verdicts go to out."""
    from arith_puzzle.metrics.verify_file import verify_file

    source, kept = Path(path), Path(out).with_name("answers.jsonl")
    with source.open("rb") as given, kept.open("wb") as file:
        for _, line in zip(range(MAX_ROWS), given, strict=False):
            file.write(line)
        cut = bool(given.readline())
    measured, broken = verify_file(kept, Path(out))
    kept.unlink()
    faults = [fault.removeprefix(f"{kept}:") for fault in broken]
    yield {"measured": measured, "faults": [f"line {fault}" for fault in faults[:MAX_FAULTS]],
           "more_faults": max(0, len(faults) - MAX_FAULTS), "cut": cut}  # fmt: skip
    yield True


JOBS = {job.__name__: job for job in (solve, nearest, judge_file)}


def work() -> None:
    import arith_puzzle.dataset_builder.solver.solve  # noqa: F401 -- ahead of the first search

    for line in sys.stdin:
        job, seconds, arguments = json.loads(line)
        found: list = []
        speaking = threading.Lock()  # who has it tells what was found: this thread, or the clock's

        def out_of_time(found: list = found, speaking: threading.Lock = speaking) -> None:
            if speaking.acquire(blocking=False):
                print(json.dumps([[item for item in found if not isinstance(item, bool)], None]), flush=True)
                os._exit(1)

        clock = threading.Timer(seconds, out_of_time)
        clock.daemon = True
        clock.start()
        for item in JOBS[job](*arguments):
            found.append(item)
        if not speaking.acquire(blocking=False):
            threading.Event().wait()  # the clock speaks, and then ends the process
        clock.cancel()
        print(json.dumps([found[:-1], found[-1]]), flush=True)


if __name__ == "__main__":
    try:
        work()
    except KeyboardInterrupt:  # Ctrl-C reaches the whole group
        sys.exit(130)

"""The exact solver in processes of its own: a search that takes too long is ended, and the page stays quick meanwhile.

Run by ``python -m solver`` this file is the worker: a line ``[numbers, target, cap, seconds]`` in, a line for each
solution out, then ``true`` (these are all) or ``false`` (cap reached). Out of time, the worker exits.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from queue import LifoQueue

WORKERS = 2
SECONDS = 4.0
"""For one search. Nearly all need milliseconds; a proof for eight large numbers takes longer."""


class Solver:
    """``solver(numbers, target, cap)`` is a ``logic.Search``; safe from many threads."""

    def __init__(self, workers: int = WORKERS, seconds: float = SECONDS):
        self.seconds = seconds
        self._idle: LifoQueue[subprocess.Popen] = LifoQueue()
        for _ in range(workers):
            self._idle.put(_start())

    def __call__(self, numbers: list[int], target: int, cap: int) -> tuple[list[str], bool | None]:
        worker = self._idle.get()
        found, complete = [], None
        try:
            worker.stdin.write(json.dumps([numbers, target, cap, self.seconds]) + "\n")
            worker.stdin.flush()
            for line in worker.stdout:  # ends without a bool where the worker ran out of time
                item = json.loads(line)
                if isinstance(item, bool):
                    complete = item
                    break
                found.append(item)
        except OSError:  # it died between two searches
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


def work() -> None:
    from dataset_builder.solve import solutions

    for line in sys.stdin:
        numbers, target, cap, seconds = json.loads(line)
        clock = threading.Timer(seconds, os._exit, [1])
        clock.daemon = True
        clock.start()
        count = 0
        for count, text in enumerate(solutions(numbers, target), 1):
            print(json.dumps(text), flush=True)
            if count == cap:
                break
        clock.cancel()
        print(json.dumps(count < cap), flush=True)


if __name__ == "__main__":
    try:
        work()
    except KeyboardInterrupt:  # Ctrl-C reaches the whole group
        sys.exit(130)

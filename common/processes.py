"""Child processes: a signal that stops a command reaches all of them, and none of them outlives its parent.

``python -m arith_puzzle.common.processes COMMAND`` runs a command of another project as such a child.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

GRACE = 15.0
"""Seconds between SIGTERM and SIGKILL."""
PARENT = "ARITH_PUZZLE_PARENT"
"""Environment variable with the process id of the parent that ``follow_parent`` watches."""
_INIT = 1
"""Process id of the process that adopts orphans."""


class Stopped(KeyboardInterrupt):
    """A signal asked this process to stop. ``status`` is the exit status that shells report for that signal."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number


@contextlib.contextmanager
def raise_on_stop() -> Iterator[None]:
    """Make SIGINT, SIGTERM and SIGHUP raise Stopped in the main thread while the block runs.

    A signal that is ignored, as by nohup, stays ignored. In other threads than the main one the block changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers, hook = [], sys.unraisablehook

    def stop(number: int, _frame: object) -> None:
        if number != signal.SIGALRM:
            numbers.append(number)
        raise Stopped(numbers[-1])

    def ignored(unraisable: Any) -> None:
        """Python drops an exception in a ``__del__`` or a weak reference's callback: raise it again a moment later."""
        if isinstance(unraisable.exc_value, Stopped):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
        else:
            hook(unraisable)

    before = {
        number: signal.signal(number, stop)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    sys.unraisablehook = ignored
    try:
        yield
    except Exception as error:  # a library that dropped Stopped in a callback may fail without its result
        if not numbers or isinstance(error, BrokenPipeError):
            raise
        raise Stopped(numbers[-1]) from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def start(command: Sequence[str], **options: Any) -> subprocess.Popen:
    """Start a command in a process group of its own. The caller must ``end`` it.

    Args:
        options: of ``subprocess.Popen``.
    """
    environment = options.pop("env", None) or os.environ
    return subprocess.Popen(command, env={**environment, PARENT: str(os.getpid())}, process_group=0, **options)


def end(process: subprocess.Popen, *, grace: float = GRACE) -> None:
    """End the group of a process that ``start`` has started: SIGTERM, then SIGKILL for what is left of it.

    SIGKILL comes when the process itself has ended, or after ``grace`` seconds.
    """
    _signal_group(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: PermissionError if only zombies are left
        os.killpg(process.pid, number)


@contextlib.contextmanager
def child(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen]:
    """``start`` a command, and ``end`` it with the block."""
    process = start(command, **options)
    try:
        yield process
    finally:
        end(process)


def exit_status(code: int) -> int:
    """The exit status that shells report for a ``subprocess.Popen.returncode``, which is negative after a signal."""
    return code if code >= 0 else 128 - code


def follow_parent(parent: int | None = None) -> None:
    """Kill this process soon after its parent has died; with its process group if it leads one, as after ``start``.

    Args:
        parent: process id of the parent. None takes the variable PARENT, which ``start`` sets. If that is another
            process than the parent, nothing is watched: a shell stands between them.
    """
    parent = parent or int(os.environ.get(PARENT, "0"))
    if not parent or os.getppid() not in (parent, _INIT):
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        (os.killpg if os.getpgrp() == os.getpid() else os.kill)(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="follow_parent", daemon=True).start()


_forks = [False]


@contextlib.contextmanager
def forks_follow() -> Iterator[None]:
    """Make the processes that this one forks inside the block call ``follow_parent``. For libraries' own processes."""
    _register()
    _forks[0] = True
    try:
        yield
    finally:
        _forks[0] = False


@functools.cache
def _register() -> None:
    os.register_at_fork(after_in_child=lambda: follow_parent(os.getppid()) if _forks[0] else None)


if __name__ == "__main__":
    follow_parent()
    sys.exit(exit_status(subprocess.call(sys.argv[1:])))

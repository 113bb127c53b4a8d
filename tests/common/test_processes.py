"""Child processes: no signal to a command, and no death of a parent, leaves one behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from arith_puzzle.common.processes import Stopped, child, end, raise_on_stop, start

SLEEPER = "import time; from arith_puzzle.common.processes import follow_parent; follow_parent(); {}; time.sleep(600)"
PARENT = """
import signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup, under which the tests may run, ignores it
signal.signal(signal.SIGINT, signal.default_int_handler)  # and a shell ignores this one for a job in the background
from arith_puzzle.common.processes import child, raise_on_stop, Stopped
try:
    with raise_on_stop(), child([sys.executable, "-c", sys.argv[1]]) as process:
        print(process.pid, flush=True)
        process.wait()
except Stopped as stopped:
    sys.exit(stopped.status)
"""


def test_a_signal_that_a_library_dropped_still_stops_the_command():
    """As numba does, which then fails without the result of its callback."""
    with pytest.raises(Stopped) as caught, raise_on_stop():
        try:
            signal.raise_signal(signal.SIGTERM)
        except Stopped:
            raise RuntimeError("no compiled object") from None
    assert caught.value.status == 128 + signal.SIGTERM


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(") ")[2][0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def wait_for_the_end(*pids: int) -> None:
    """Return when none of the processes is left; fail after ten minutes."""
    deadline = time.monotonic() + 600
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, pids
        time.sleep(0.05)


@pytest.fixture
def family():
    """A parent, the process id of its child, which prints it when it follows, and that of the child's own child."""
    started = []

    def start(code: str = "print(flush=True)") -> tuple[subprocess.Popen, int]:
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, SLEEPER.format(code)], stdout=subprocess.PIPE, text=True
        )
        started.append(parent)
        pid = int(parent.stdout.readline())
        parent.stdout.readline()  # the child has begun to follow
        return parent, pid

    yield start
    for parent in started:
        parent.kill()
        parent.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_child_first_and_is_the_exit_status(family, number):
    parent, pid = family()
    parent.send_signal(number)
    assert parent.wait(600) == 128 + number
    assert not alive(pid)


def test_a_killed_parent_is_noticed(family):
    parent, pid = family()
    parent.kill()
    parent.wait()
    wait_for_the_end(pid)


def test_the_childs_own_children_end_with_it(family):
    """Also one in another language that ignores SIGTERM."""
    code = """import subprocess; print(subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 600"]).pid, flush=True)"""
    for number in (signal.SIGTERM, signal.SIGKILL):
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, SLEEPER.format(code)], stdout=subprocess.PIPE, text=True
        )
        pids = [int(parent.stdout.readline()) for _ in range(2)]
        parent.send_signal(number)
        wait_for_the_end(*pids)
        parent.communicate(timeout=600)


def test_a_foreign_command_follows_too():
    code = PARENT.replace('"-c", sys.argv[1]', '"-m", "arith_puzzle.common.processes", "sh", "-c", sys.argv[1]')
    parent = subprocess.Popen([sys.executable, "-c", code, "echo $$; sleep 600"], stdout=subprocess.PIPE, text=True)
    pids = [int(parent.stdout.readline()) for _ in range(2)]
    parent.kill()
    wait_for_the_end(*pids)
    parent.communicate(timeout=600)


def test_a_child_that_ignores_sigterm_is_killed():
    process = start(["sh", "-c", "trap '' TERM; echo; while true; do sleep 1; done"], stdout=subprocess.PIPE)
    process.stdout.readline()
    end(process, grace=0.1)
    assert process.returncode == -signal.SIGKILL
    process.stdout.close()


def test_a_signal_in_a_destructor_is_not_lost():
    """Python drops what a ``__del__`` raises."""

    class Dying:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)

    with raise_on_stop(), pytest.raises(Stopped, match="SIGTERM") as stopped:
        Dying()
        time.sleep(600)
    assert stopped.value.status == 143
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0) and signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_an_ignored_signal_stays_ignored_and_handlers_come_back():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with raise_on_stop():
            os.kill(os.getpid(), signal.SIGHUP)
            with pytest.raises(Stopped, match="SIGTERM"):
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(600)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_shell_between_them_is_no_dead_parent(tmp_path):
    code = "import time; from arith_puzzle.common.processes import follow_parent; follow_parent(); time.sleep(1.5)"
    with child(["sh", "-c", f'{sys.executable} -c "{code}"; echo $?'], stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate()[0] == "0\n"

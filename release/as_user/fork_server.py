"""Run Python scripts in child processes that start with the usual libraries already imported.

Importing torch, datasets, transformers and evaluate takes longer than running most snippets. This process imports them
once, and forks a child for each job. The children share what these imports leave behind: the modules, and the
environment variables that the libraries have read. Each child has its own memory, folder, output and exit status.

The first line on standard output is {"ready": true}, or false where this process cannot fork safely. Then each line of
JSON on standard input is a job, and is answered by {"status": exit status, or null after "seconds"}:
{"arguments": ["script.py", ...] or ["-c", code, ...], "folder": ..., "stdout": file, "stderr": file, "seconds": ...}.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import sys
import time

from arith_puzzle.common.processes import follow_parent

MODULES = (
    "torch", "datasets", "evaluate", "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto", "transformers.models.llama.modeling_llama", "peft", "gradio_client",
)  # fmt: skip
NO_THREADS = {
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}
"""Only while importing: a fork copies neither threads nor a CUDA context, so the imports must start none."""


PID, PARENT = os.getpid(), os.getppid()


def import_libraries() -> bool:
    """Import MODULES; returns whether a fork is safe: this process has one thread and has not touched a GPU."""
    given = dict(os.environ)
    os.environ.update(NO_THREADS)
    for name in MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for name in NO_THREADS:
        os.environ.pop(name)
        os.environ.update({name: given[name]} if name in given else {})
    gc.freeze()  # otherwise each child examines all imported objects when it ends, which takes seconds
    torch = sys.modules.get("torch")
    return len(os.listdir("/proc/self/task")) == 1 and not (torch and torch.cuda.is_initialized())


def wait(pid: int, seconds: int) -> int | None:
    """The exit status of a child; None if it ran for ``seconds`` and was killed, with the processes it started.

    If this process is asked to stop, or its parent has died, the child is killed too. No thread may watch for that: it
    would not be in the children, where its locks would be.
    """
    late, deadline = [], time.monotonic() + seconds

    def look(*_) -> None:
        if time.monotonic() >= deadline:
            late.append(True)
            os.killpg(pid, signal.SIGKILL)
        elif os.getppid() != PARENT:
            sys.exit(1)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
    try:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except BaseException:
        os.killpg(pid, signal.SIGKILL)
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None if late else status


def become(job: dict) -> None:
    """Make this child look like a Python process that was started with the job's arguments."""
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.chdir(job["folder"])
    for descriptor, name, mode in ((0, os.devnull, os.O_RDONLY), (1, job["stdout"], os.O_WRONLY),
                                   (2, job["stderr"], os.O_WRONLY)):  # fmt: skip
        opened = os.open(name, mode | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 -- the old one may have read ahead
    sys.argv = job["arguments"]


def serve() -> dict:
    """Answer jobs until standard input ends. Returns in each child, with its job."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints while it is imported is no answer
    print(json.dumps({"ready": import_libraries()}), file=answers, flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if not pid:
            os.setpgid(0, 0)
            answers.close()
            become(job)
            follow_parent(PID)
            return job
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)  # in both processes, as either may be first
        print(json.dumps({"status": wait(pid, job["seconds"])}), file=answers, flush=True)
    sys.exit()


if __name__ == "__main__":
    serve()
    if sys.argv[0] == "-c":
        _, code, *rest = sys.argv
        sys.argv = ["-c", *rest]
        sys.path[0] = ""
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
        runpy.run_path(sys.argv[0], run_name="__main__")

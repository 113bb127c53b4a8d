"""Compare final answers to MATH problems with math-verify, Hugging Face's library, which lighteval uses too.

The text of a model is untrusted, and math-verify computes with it. Four measures limit this risk:

- The comparison runs in a process of its own, without environment variables and with a bound on its memory.
- This process is killed when one answer takes too long. A signal or a ``try`` cannot stop sympy inside C code.
- Only math-verify's LaTeX extraction is used, which parses with a grammar (ANTLR). Its plain-text extraction passes
  expressions to sympy's ``parse_expr``, which calls Python's ``eval``.
- The grammar would pass its numbers to ``parse_expr`` too, by ``sympy.Number(text)``. In the process ``parse_expr`` is
  therefore replaced by a function that reads only numbers.

The answer is taken from the last ``\\boxed{}``, or else from LaTeX after the word "answer". If a response has GSM8K's
``#### x`` and no box, x is compared. Other formulas do not count as answers. lighteval counts them, and so accepts a
response that only repeats the problem "Expand $(x-2)(x+2)$.".
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import select
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import chain

from tqdm import tqdm

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE
from arith_puzzle.common.processes import follow_parent, start
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import mean, wilson_interval
from arith_puzzle.metrics.gsm8k_answer.score import final_part

MAX_CHARS = 20_000
SECONDS = 10.0
"""Time limit for one answer. Usual answers take milliseconds; the first of a kind may wait for sympy's imports."""
START_SECONDS = 600.0
"""Time limit for the start of the process, which imports sympy. A busy machine may need minutes."""
MEMORY = 4 * 2**30
"""Limit of the comparing process's address space, in bytes."""
VERDICTS = ("correct", "wrong", "no_answer", "no_reference", "too_long", "timeout", "crashed", "refused")
"""``no_answer``: math-verify finds no answer in the response; ``no_reference``: it finds none in the reference.
``refused``: sympy tried to evaluate text that is not a number."""


def check_installed() -> None:
    """Raise InputError, with the install command, if math-verify is missing."""
    if importlib.util.find_spec("math_verify") is None:
        raise InputError("--task math needs math-verify, which is not installed; run: pip install 'arith-puzzle[math]'")


def boxed(answer: str) -> str:
    """Return an answer in LaTeX in ``\\boxed{}``, as MATH's solutions show it."""
    return f"\\boxed{{{answer}}}"


def measure(responses: Sequence[str] | Sequence[Sequence[str]], references: Sequence[str]) -> dict:
    """Score P problems.

    Args:
        responses: P solutions, or P lists of samples.
        references: P texts with the answer in ``\\boxed{}``.

    Returns:
        {"n": P, "pass@1": the mean over the problems of the share of correct samples, "pass@1_ci95": its Wilson
        interval for n = P, "verdicts": {each of VERDICTS: its share of all samples}}.

    Raises:
        InputError: math-verify is missing, or its process does not start.
    """
    found = judged(responses, references)
    rates = [verdicts.count("correct") / len(verdicts) for verdicts in found]
    counts = Counter(chain.from_iterable(found))
    low, high = wilson_interval(sum(rates), len(rates))
    shares = {verdict: counts[verdict] / counts.total() for verdict in VERDICTS}
    return {"n": len(rates), "pass@1": mean(rates), "pass@1_ci95": [low, high], "verdicts": shares}


def judged(responses: Sequence[str] | Sequence[Sequence[str]], references: Sequence[str]) -> list[list[str]]:
    """The verdicts on the samples of each problem. The arguments and errors are those of ``measure``."""
    with Judge() as judge:
        return [
            [judge.verdict(sample, reference) for sample in ([response] if isinstance(response, str) else response)]
            for response, reference in zip(tqdm(responses, desc="compare", unit="row"), references, strict=True)
        ]


class Judge:
    """The comparing process. It starts with the first answer, and again after it was killed.

    Args:
        seconds: the time limit for one answer.
    """

    def __init__(self, seconds: float = SECONDS):
        check_installed()
        self.seconds = seconds
        self.process: subprocess.Popen[bytes] | None = None
        """The running process, or None."""

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_) -> None:
        self._kill()

    def verdict(self, response: str, reference: str) -> str:
        """Return one of VERDICTS. No response raises an exception."""
        if len(response) > MAX_CHARS:
            return "too_long"
        process = self.process or self._start()
        line = json.dumps([_final(response), reference])
        try:
            assert process.stdin is not None
            process.stdin.write(f"{line}\n".encode())
            process.stdin.flush()
            reply = _read_line(process, self.seconds)
        except OSError:
            reply = ""
        if reply in VERDICTS:
            return reply
        self._kill()
        return "timeout" if reply is None else "crashed"

    def _start(self) -> subprocess.Popen[bytes]:
        # sympy sorts symbols by their hashes. A fixed hash seed makes its choices the same in every process.
        self.process = start(
            [sys.executable, "-m", "arith_puzzle.evaluation.math_answers"], cwd=PACKAGE, env={"PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
        )  # fmt: skip
        if _read_line(self.process, START_SECONDS) != "ready":
            self._kill()
            raise InputError(
                "math-verify does not start; for its error message run: "
                + shlex.join([sys.executable, "-m", "arith_puzzle.evaluation.math_answers"])
            )
        return self.process

    def _kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def _read_line(process: subprocess.Popen[bytes], seconds: float) -> str | None:
    """Return the next line of a process: empty if the process has ended, None after the time limit."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], seconds)  # lines are written whole
    return process.stdout.readline().decode().strip() if ready else None


def _final(response: str) -> str:
    """Return the text to search for an answer: the number after GSM8K's ``####`` in a box, or the ``final_part``."""
    response = final_part(response)
    if "####" not in response or "\\boxed" in response:
        return response
    line = response.rpartition("####")[2].strip().partition("\n")[0]
    return boxed(line.strip(" $"))


def _compare(response: str, reference: str) -> str:
    from math_verify import LatexExtractionConfig, parse, verify

    latex = [LatexExtractionConfig(boxed_match_priority=0, try_extract_without_anchor=False)]
    wanted = parse(reference, latex, parsing_timeout=None)
    if not wanted:
        return "no_reference"
    found = parse(response, latex, parsing_timeout=None)
    if not found:
        return "no_answer"
    return "correct" if verify(wanted, found, timeout_seconds=None) else "wrong"


class _Numbers:
    """Replaces ``sympy.parsing.sympy_parser.parse_expr``. It reads the numbers of the LaTeX grammar, nothing else."""

    refused = False

    def __call__(self, text: str, *_, **__):
        from sympy import Float, Integer

        if re.fullmatch(r"[0-9]+", text):
            return Integer(text)
        if re.fullmatch(r"([0-9]+\.[0-9]*|\.?[0-9]+)([eE][+-]?[0-9]{1,4})?", text):
            return Float(text)
        self.refused = True
        raise ValueError("only numbers are read")


def serve() -> None:
    """Read lines of JSON, [response, reference], from stdin, and write one verdict for each to stdout."""
    import logging
    import resource

    # Imported before memory is bounded and parse_expr is replaced: sympy's simplify imports the units, which are named
    # by parse_expr.
    import math_verify  # noqa: F401
    import sympy.physics.units  # noqa: F401
    from sympy.parsing import sympy_parser

    sympy_parser.parse_expr = numbers = _Numbers()
    logging.getLogger("math_verify").setLevel(logging.ERROR)  # it warns that there is no timeout inside
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # only verdicts go to the real stdout
    print("ready", file=out, flush=True)
    for line in sys.stdin:
        numbers.refused = False
        try:
            verdict = _compare(*json.loads(line))
        except Exception:  # sympy raises many kinds on such text; the answer is not shown to be right
            verdict = "wrong"
        print("refused" if numbers.refused and verdict != "correct" else verdict, file=out, flush=True)


if __name__ == "__main__":
    follow_parent()
    serve()

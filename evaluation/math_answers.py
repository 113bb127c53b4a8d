"""MATH: final answers compared by math-verify (Hugging Face's, as lighteval does), never by a parser of our own.

What a model wrote is text of a stranger, and math-verify computes with it. So it runs in a process of its own, which
has no environment variables, a bound on its memory, and is killed when one answer takes too long: neither a signal nor
a ``try`` ends what sympy does in C. Only the LaTeX extraction is used: it parses by a grammar (ANTLR), where that for
plain text hands expressions to sympy's ``parse_expr``, which is Python's ``eval``. The grammar's numbers would go there
too, by ``sympy.Number(text)``: so in that process ``parse_expr`` is replaced by what reads numbers and nothing else.

An answer is looked for in the last ``\\boxed{}``, or else in LaTeX behind the word "answer"; where a model has learned
GSM8K's ``#### x`` and boxes nothing, x is what is compared. Other formulas are none, as lighteval would take them: a
model that repeats "Expand $(x-2)(x+2)$." would be right.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence

from tqdm import tqdm

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import mean, wilson_interval

MAX_CHARS = 20_000
SECONDS = 10.0
"""For one answer. An honest one takes milliseconds; the first of a kind may wait for sympy's imports."""
MEMORY = 4 * 2**30
"""Bytes of address space of the process that compares."""
VERDICTS = ("correct", "wrong", "no_answer", "no_reference", "too_long", "timeout", "crashed", "refused")
"""``no_answer``: nothing that math-verify reads; ``no_reference``: so it is with the reference. ``refused``: sympy
wanted to evaluate text that is no number."""


def check_installed() -> None:
    """Raise InputError, with the command that helps, where math-verify is missing."""
    if importlib.util.find_spec("math_verify") is None:
        raise InputError("--task math needs math-verify, which is not installed; run: pip install 'arith-puzzle[math]'")


def boxed(answer: str) -> str:
    """An answer in LaTeX as MATH's solutions show it."""
    return f"\\boxed{{{answer}}}"


def measure(responses: Sequence[str] | Sequence[Sequence[str]], references: Sequence[str]) -> dict:
    """Score P problems.

    Args:
        responses: P solutions, or P lists of samples. references: P texts with the answer in ``\\boxed{}``.

    Returns:
        {"pass@1": share of samples that are correct, mean over the problems; "pass@1_ci95": Wilson, its n being P;
        "n": P; "verdicts": {each of VERDICTS: its share of all samples}}.

    Raises:
        InputError: math-verify is missing, or its process does not start.
    """
    counts, rates = Counter(), []
    with Judge() as judge:
        for drawn, reference in zip(tqdm(responses, desc="compare", unit="row"), references, strict=True):
            drawn = [drawn] if isinstance(drawn, str) else drawn
            verdicts = [judge.verdict(response, reference) for response in drawn]
            rates.append(verdicts.count("correct") / len(verdicts))
            counts.update(verdicts)
    low, high = wilson_interval(sum(rates), len(rates))
    shares = {verdict: counts[verdict] / counts.total() for verdict in VERDICTS}
    return {"n": len(rates), "pass@1": mean(rates), "pass@1_ci95": [low, high], "verdicts": shares}


class Judge:
    """The process that compares, started when it is needed and again after it had to be killed."""

    def __init__(self, seconds: float = SECONDS):
        check_installed()
        self._seconds, self._process = seconds, None

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_) -> None:
        self._kill()

    def verdict(self, response: str, reference: str) -> str:
        """One of VERDICTS; nothing is raised on any response."""
        if len(response) > MAX_CHARS:
            return "too_long"
        if self._process is None:
            self._start()
        line = json.dumps([_final(response), reference])
        try:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
            said = self._read(self._seconds)
        except OSError:
            said = ""
        if said in VERDICTS:
            return said
        self._kill()
        return "timeout" if said is None else "crashed"

    def _start(self) -> None:
        # Symbols are sorted by hash: a fixed seed makes sympy's choices the same in every process.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "arith_puzzle.evaluation.math_answers"], cwd=PACKAGE, env={"PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, process_group=0,
        )  # fmt: skip
        if self._read(120) != "ready":
            self._kill()
            raise InputError(
                f"math-verify does not start; see what says: {sys.executable} -m arith_puzzle.evaluation.math_answers"
            )

    def _read(self, seconds: float) -> str | None:
        """The next line; empty if the process has ended, None if nothing came in time. Lines are written whole."""
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        return self._process.stdout.readline().decode().strip() if ready else None

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _final(response: str) -> str:
    """A response, or what it marks as its answer in GSM8K's way."""
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
    """Stands in for ``sympy.parsing.sympy_parser.parse_expr``: numbers as the LaTeX grammar has them, no expression."""

    refused = False

    def __call__(self, text: str, *_, **__):
        from sympy import Float, Integer

        if re.fullmatch(r"[0-9]+", text):
            return Integer(text)
        if re.fullmatch(r"([0-9]+\.[0-9]*|\.?[0-9]+)([eE][+-]?[0-9]{1,4})?", text):
            return Float(text)
        self.refused = True
        raise ValueError("only numbers are read")


def _serve() -> None:
    """Lines of [response, reference] in, verdicts out."""
    import logging
    import resource

    import math_verify  # noqa: F401  with all of sympy, before memory is bounded
    import sympy.physics.units  # noqa: F401  simplify imports it, and it names its units by parse_expr
    from sympy.parsing import sympy_parser

    sympy_parser.parse_expr = numbers = _Numbers()
    logging.getLogger("math_verify").setLevel(logging.ERROR)  # that there is no timeout inside is meant
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed is no verdict
    print("ready", file=out, flush=True)
    for line in sys.stdin:
        numbers.refused = False
        try:
            verdict = _compare(*json.loads(line))
        except Exception:  # whatever sympy raises on such text: it was not shown to be right
            verdict = "wrong"
        print("refused" if numbers.refused and verdict != "correct" else verdict, file=out, flush=True)


if __name__ == "__main__":
    _serve()

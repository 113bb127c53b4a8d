"""Answers that test a scorer of Countdown or 24: each has the right verdict, and why.

The suite is for scorers of one infix expression that must use every given number exactly once. Fractions may occur on
the way (``division="rational"``). ``suite`` makes the answers from PUZZLES; ``scorer_suite.jsonl`` holds them. The
verdicts of kind "convention" are those of the strict form: a scorer that documents another form may differ there.

    arith-puzzle audit --scorer my_module:my_function

calls ``my_function(response, numbers, target)`` for each answer and prints which verdicts differ. The function returns
a truth value, or a number: 1 is right, anything less is wrong.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from arith_puzzle.common.errors import InputError, first_line
from arith_puzzle.common.processes import follow_parent
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify

FILE = Path(__file__).with_name("scorer_suite.jsonl")
PUZZLES: tuple[tuple[list[int], int, str], ...] = (
    ([3, 3, 8, 8], 24, "8/(3-8/3)"),
    ([1, 5, 5, 5], 24, "5*(5-1/5)"),
    ([4, 6, 1, 1], 24, "4*6*1*1"),
    ([2, 3, 12], 18, "12*3/2"),
    ([25, 50, 75, 100, 3, 6], 952, "((100+6)*3*75-50)/25"),
    ([84, 70, 80], 96, "84*80/70"),
    ([7, 7, 2], 0, "(7-7)*2"),
)
"""Numbers, target, and a right answer."""
SECONDS = 5.0
"""Limit of one call of a scorer."""


def suite() -> Iterator[dict]:
    """Yield {"numbers", "target", "response", "right", "kind", "why"} for each answer."""
    for numbers, target, solution in PUZZLES:
        for kind, why, right, response in _answers(numbers, target, solution):
            yield {
                "numbers": numbers, "target": target, "response": response, "right": right, "kind": kind, "why": why,
            }  # fmt: skip
    for numbers, target, response, kind, why, right in _SINGLE:
        yield {"numbers": numbers, "target": target, "response": response, "right": right, "kind": kind, "why": why}


def _answers(numbers: list[int], target: int, solution: str) -> Iterator[tuple[str, str, bool, str]]:
    first, last = numbers[0], numbers[-1]
    other = next(number for number in range(2, 1000) if number not in numbers)
    value = str(target)
    # right
    yield "right", "a solution", True, solution
    yield "right", "brackets around all of it", True, f"({solution})"
    yield "right", "brackets around a number", True, _replaced(solution, first, f"({first})")
    yield "right", "sixty brackets", True, "(" * 60 + solution + ")" * 60
    # numbers
    yield "used twice", "a given number once more, and taken away again", False, f"{solution}+{first}-{first}"
    yield "used twice", "a given number divided by itself", False, f"({solution})*{last}/{last}"
    yield "used twice", "zero times a given number", False, f"{solution}+({first}-{first})*{last}"
    yield "left out", "the target alone", False, value if target >= 0 else f"0-{-target}"
    yield "left out", "one of the given numbers alone", False, str(first)
    yield "left out", "no operation on most of the numbers", False, f"{first}+{last}"
    yield "not given", "a number that is not given, times zero", False, f"{solution}+{other}*0"
    yield "not given", "plus zero", False, f"{solution}+0"
    yield "not given", "times one", False, f"({solution})*1" if 1 not in numbers else f"({solution})*1*1*1"
    yield "not given", "the target and nothing else that matters", False, f"{target}+({solution})-({target})"
    yield "not given", "digits of two numbers joined", False, _replaced(solution, first, f"{first}{last}")
    yield "not given", "a leading zero makes another text", False, _replaced(solution, first, f"0{first}")
    # operators
    yield "operator", "a power by **", False, f"({solution})**1"
    yield "operator", "a power by ^", False, f"({solution})^1"
    yield "operator", "division without remainder by //", False, f"({solution})//1"
    yield "operator", "a remainder by %", False, f"({solution})%100000"
    yield "operator", "a factorial", False, f"({solution})!"
    yield "operator", "a root", False, f"sqrt(({solution})*({solution}))"
    yield "operator", "bits by |", False, f"({solution})|0"
    yield "operator", "bits by <<", False, f"({solution})<<0"
    yield "operator", "a comparison", False, f"({solution})=={value}"
    yield "convention", "a sign in front", False, f"-(-({solution}))"
    yield "operator", "a product without its sign", False, f"({solution})(1)"
    # text that is more than one expression
    yield "convention", "the value behind =", False, f"{solution}={value}"
    yield "convention", "the value in front of =", False, f"{value}={solution}"
    yield "convention", "words", False, f"The answer is {solution}"
    yield "convention", "a comment", False, f"{solution} # {value}"
    yield "text", "two expressions", False, f"{solution}, {solution}"
    yield "text", "two lines", False, f"{solution}\n{solution}"
    yield "text", "a comma for a decimal point", False, f"{solution}+0,0"
    yield "text", "nothing", False, ""
    yield "text", "blanks", False, "   "
    yield "text", "an open bracket", False, f"({solution}"
    yield "text", "a bracket too many", False, f"{solution})"
    yield "text", "an operator at the end", False, f"{solution}+"
    # numbers in other writings
    yield "convention", "a decimal", False, _replaced(solution, first, f"{first}.0")
    yield "writing", "an exponent", False, _replaced(solution, first, f"{first}e0")
    yield "writing", "hexadecimal", False, _replaced(solution, first, hex(first))
    yield "writing", "an underscore", False, _replaced(solution, first, f"0_{first}")
    yield "writing", "a complex number", False, f"({solution})+0j"
    yield (
        "writing",
        "digits of another script",
        False,
        solution.translate({ord(digit): chr(0x660 + int(digit)) for digit in "0123456789"}),
    )
    # values that floats or programs cannot tell apart
    yield "value", "off by one", False, f"{solution}+{first}/{first}"
    yield "value", "off by less than a float can show", False, f"{solution}+1/99999999999999999999"
    yield "value", "divided by zero", False, f"({solution})/({first}-{first})"
    yield "value", "a huge power", False, "9**9**9**9"
    yield "program", "a call", False, f"int({value})"
    yield "program", "an import", False, f"__import__('os').getpid()*0+{solution}"
    yield "program", "a lambda", False, f"(lambda: {solution})()"
    yield "program", "a condition", False, f"{value} if True else {solution}"
    yield "program", "an assignment", False, f"(x:={solution})"
    yield "program", "truth as a number", False, f"({solution})*True"
    yield "program", "a list's sum", False, f"sum([{solution}])"


_SINGLE: tuple[tuple[list[int], int, str, str, str, bool], ...] = (
    ([2, 3, 10], -5, "2*3-10-1", "not given", "an answer that uses a 1", False),
    ([2, 3, 10], -5, "(3-2)/10", "value", "a tenth is not -5", False),
    ([10, 9, 1], 10, "10*(9-9+1)", "used twice", "a given 9 twice", False),
    ([10, 9, 1], 10, "10*1+9*0", "not given", "a zero", False),
    ([10, 9, 1], 10, "10*1", "left out", "the 9 is left out", False),
    ([10, 9, 1], 2, "1+10-9", "right", "from left to right", True),
    ([10, 9, 1], 0, "1-(10-9)", "right", "with a bracket", True),
    ([10, 9, 1], 0, "1-10-9", "value", "without its bracket", False),
    ([1, 3, 3, 7], 1, "7/3-(1+3)/3", "used twice", "a third 3, and the value is exactly 1", False),
    ([1, 1, 3, 3], 0, "1/3-1/3", "right", "a difference of equal fractions", True),
    ([1, 2, 3, 6], 1, "6*(1/2-1/3)", "not given", "another 1, and the value is exactly 1", False),
    ([1, 3, 3, 9], 3, "9*(1/3)*3/3", "used twice", "a third 3", False),
    ([2, 2], 4, "2+2", "right", "equal numbers, each given once", True),
    ([2, 2], 4, "2*2", "right", "equal numbers, multiplied", True),
    ([2, 2], 4, "2**2", "operator", "the same value by a power", False),
    ([2, 2], 1, "2//2", "operator", "the same value by //", False),
    ([2, 2], 22, "22", "not given", "digits joined", False),
    ([3], 6, "3!", "operator", "a factorial", False),
    ([3], 3, "3", "right", "one number", True),
    ([4, 9], 12, "4*9**0.5", "operator", "a root by a power", False),
    ([7, 2], 3, "7//2", "operator", "truncated", False),
    ([7, 2], 3, "7/2", "value", "not truncated", False),
    ([7, 2], 1, "7%2", "operator", "a remainder", False),
)


def _replaced(text: str, number: int, by: str) -> str:
    return re.sub(rf"\b{number}\b", by, text, count=1)


def reference(response: str, numbers: list[int], target: int) -> bool:
    """The verdict of this project's verifier, strictly."""
    return verify(numbers, target, response, division="rational", form="expression").correct


def scorer(name: str) -> Callable[[str, list[int], int], object]:
    """The function that ``module:function`` names; modules of the current folder come first.

    Raises:
        InputError: there is no such module or function, or the module cannot be imported.
    """
    module, colon, function = name.partition(":")
    if not (module and colon and function):
        raise InputError(f"--scorer is written module:function, not {name!r}")
    sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), function)
    except (Exception, SystemExit) as error:  # importing a module runs it
        raise InputError(f"--scorer {name}: {type(error).__name__}: {first_line(error)}") from None
    finally:
        sys.path.pop(0)
    if not callable(found):
        raise InputError(f"--scorer {name} names a {type(found).__name__}; name a function")
    return found


def compare(name: str) -> tuple[list[dict], dict[str, dict[str, int]]]:
    """Call a scorer for each answer of the suite, in a process of its own, which is killed after SECONDS.

    Args:
        name: ``module:function``.

    Returns:
        The answers with another verdict, each with ``given``: the scorer's value, or its error as a text. And
        {kind: {"agree", "accepted" (wrong, but right to the scorer), "rejected", "error": answers}}.

    Raises:
        InputError: as ``scorer``.
    """
    scorer(name)
    different: list[dict] = []
    counts: dict[str, Counter] = {}
    judge = None
    for row in read_suite():
        judge = judge or _Judge(name)
        given = judge.score(row)
        if given is None:
            given = f"no answer within {SECONDS:g} s"
        if judge.process.exitcode is not None:
            judge = None
        right = not isinstance(given, str) and given >= 1
        outcome = "agree" if right == row["right"] else "accepted" if right else "rejected"
        outcome = "error" if isinstance(given, str) else outcome
        counts.setdefault(row["kind"], Counter())[outcome] += 1
        if outcome != "agree":
            different.append(row | {"given": given})
    if judge:
        judge.end()
    return different, {kind: dict(found) for kind, found in counts.items()}


class _Judge:
    """A process that calls a scorer."""

    def __init__(self, name: str):
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(name, other), daemon=True)
        self.process.start()
        other.close()
        try:
            self.connection.recv()  # it has started
        except EOFError:
            self.end()
            raise InputError(f"--scorer {name} cannot be imported in a process of its own") from None

    def score(self, row: dict) -> float | str | None:
        """The scorer's value, its error as a text, or None after the time limit, which ends the process."""
        self.connection.send((row["response"], row["numbers"], row["target"]))
        try:
            if self.connection.poll(SECONDS):
                return self.connection.recv()
        except EOFError:
            self.process.join(SECONDS)
            self.end()
            return f"the process ended with status {self.process.exitcode}"
        self.end()
        return None

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(name: str, connection: Connection) -> None:
    """Answer each (response, numbers, target) with the scorer's value, until the connection ends."""
    follow_parent()
    score = scorer(name)
    connection.send(None)
    while True:
        try:
            response, numbers, target = connection.recv()
        except EOFError:
            return
        try:
            given = float(score(response, numbers, target))  # type: ignore[arg-type]
        except Exception as error:  # whatever a scorer raises is a finding
            given = f"{type(error).__name__}: {first_line(error)}"  # type: ignore[assignment]
        connection.send(given)


def read_suite() -> list[dict]:
    """The answers of ``scorer_suite.jsonl``."""
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").split("\n") if line]

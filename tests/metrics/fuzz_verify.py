"""Coverage-guided fuzzing of the verifier. It is not part of the test suite.

    pip install atheris pytest hypothesis      # in a temporary environment
    python tests/metrics/fuzz_verify.py -max_total_time=300

Run it in the project's root. ``verify`` and the second implementation of test_verify.py judge every input and must
agree. ``normalize``, ``graded_reward`` and the parsers of gsm8k_answer get the input too and must keep their
guarantees. A fault raises an exception and stops the run with exit status 77. The arguments are libFuzzer's. If the
environment variable FUZZ_COUNTS names a file, the number of inputs by reason is written to it.
"""

import importlib.util
import json
import os
import sys
from collections import Counter
from pathlib import Path

import atheris

atheris.enabled_hooks.add("RegEx")
with atheris.instrument_imports(include=["arith_puzzle.metrics"]):
    from arith_puzzle.metrics.arith_puzzle_verifier.normalize import normalize
    from arith_puzzle.metrics.arith_puzzle_verifier.verify import DIVISIONS, verify
    from arith_puzzle.metrics.gsm8k_answer.calculator import evaluate_expression
    from arith_puzzle.metrics.gsm8k_answer.score import answer
    from arith_puzzle.metrics.rewards import graded_reward

spec = importlib.util.spec_from_file_location("plain", Path(__file__).with_name("test_verify.py"))
plain = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plain)

LEGAL = "0123456789+-*/=\n"
PIECES = (*LEGAL, "-0", "07", "2+3=5", "5-2=3", "3*1=3", "4/4=1", "-0+1=1", "\n\n")
PUZZLES = [([2, 3], 5), ([3, 6, 7, 51, 58], 4), ([1, 1, 2], 0), ([5], 5), ([4, 4, 4, 4], 1), ([], 0), ([-2, 7], -14)]
counts: Counter = Counter()


def one_input(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    kind = provider.ConsumeIntInRange(0, 3)
    numbers, target = provider.PickValueInList(PUZZLES)
    division = provider.PickValueInList(list(DIVISIONS))
    if kind == 0:
        text = provider.ConsumeUnicode(5000)
    elif kind == 1:
        text = "".join(PIECES[byte % len(PIECES)] for byte in provider.ConsumeBytes(5000))
    elif kind == 2:  # equations that mostly hold, so that they reach the pool rules
        numbers = [1 + byte % 9 for byte in provider.ConsumeBytes(provider.ConsumeIntInRange(1, 6))] or [5]
        text, target = _played(numbers, provider)
    else:
        text = provider.ConsumeBytes(5000).decode("utf-8", "surrogateescape")
    wanted = plain.slow_verify(numbers, target, text, division)[:2]
    verdict = verify(numbers, target, text, division=division)
    assert (verdict.reason, verdict.line) == wanted, (numbers, target, text, division)
    counts[verdict.reason] += 1
    loose = normalize(text)
    assert normalize(loose) == loose, text
    if verdict.reason not in ("too_long", "illegal_characters", "malformed_equation"):
        assert loose == text, text
    (grade,) = graded_reward([text], [numbers], [target])
    assert 0 <= grade <= 1 and (grade < 1 or verify(numbers, target, text).correct), text
    answer(text)
    evaluate_expression(text)
    if counts.total() % 1000 == 0:
        _report()


def _played(numbers, provider) -> tuple[str, int]:
    pool, lines = list(numbers), []
    while len(pool) > 1:
        a = pool.pop(provider.ConsumeIntInRange(0, len(pool) - 1))
        b = pool.pop(provider.ConsumeIntInRange(0, len(pool) - 1))
        op = "+-*/"[provider.ConsumeIntInRange(0, 3)]
        value = {"+": a + b, "-": a - b, "*": a * b, "/": abs(a) // abs(b) if b else 0}[op]
        value += provider.ConsumeIntInRange(0, 15) == 15
        a += provider.ConsumeIntInRange(0, 31) == 31
        lines.append(f"{a}{op}{b}={value}")
        pool.append(value)
    return "\n".join(lines), pool[0] + (provider.ConsumeIntInRange(0, 7) == 7)


def _report() -> None:
    """Write the counts. libFuzzer ends the process with _exit, so they are written during the run."""
    if os.environ.get("FUZZ_COUNTS"):
        Path(os.environ["FUZZ_COUNTS"]).write_text(json.dumps({"inputs": counts.total(), **counts}) + "\n")


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()

"""Coverage-guided fuzzing of the verifier. It is not part of the test suite.

    pip install atheris pytest hypothesis      # in a temporary environment
    python tests/metrics/fuzz_verify.py -max_total_time=300

Run it in the project's root. ``verify`` and the second implementations of test_verify.py and test_forms.py judge every
input, by a rule, a division and a form of its own, and must agree. ``normalize``, ``graded_reward`` and the parsers of
gsm8k_answer get the input too and must keep their guarantees. A fault raises an exception and stops the run with exit
status 77. The arguments are libFuzzer's. If the environment variable FUZZ_COUNTS names a file, the number of inputs by
form and reason is written to it. ``differential`` runs many more inputs, without guidance.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["arith_puzzle.metrics"]):
    from arith_puzzle.metrics.arith_puzzle_verifier.normalize import FORM_FAULTS, normalize
    from arith_puzzle.metrics.arith_puzzle_verifier.verify import DIVISIONS, RULES, verify
    from arith_puzzle.metrics.gsm8k_answer.calculator import evaluate_expression
    from arith_puzzle.metrics.gsm8k_answer.score import answer
    from arith_puzzle.metrics.rewards import graded_reward

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.metrics import test_forms, test_verify

LEGAL = "0123456789+-*/=\n"
PIECES = (
    *LEGAL,
    "-0",
    "07",
    "2+3=5",
    "5-2=3",
    "3*1=3",
    "4/4=1",
    "-0+1=1",
    "\n\n",
    "(",
    ")",
    "(2+3)",
    "8/(3-8/3)",
    "not ",
    " squared",
)
PUZZLES = [
    ([2, 3], 5),
    ([3, 6, 7, 51, 58], 4),
    ([1, 1, 2], 0),
    ([5], 5),
    ([3, 3, 8, 8], 24),
    ([4, 4, 4, 4], 1),
    ([], 0),
    ([-2, 7], -14),
]
counts: Counter = Counter()


def one_input(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    kind = provider.ConsumeIntInRange(0, 4)
    form = "expression" if kind == 4 or provider.ConsumeBool() else "equations"
    rule = provider.PickValueInList(list(RULES))
    numbers, target = provider.PickValueInList(PUZZLES)
    division = provider.PickValueInList(list(DIVISIONS if form == "expression" else DIVISIONS[:2]))
    if kind == 0:
        text = provider.ConsumeUnicode(5000)
    elif kind == 1:
        text = "".join(PIECES[byte % len(PIECES)] for byte in provider.ConsumeBytes(5000))
    elif kind == 2:  # equations that mostly hold, so that they reach the pool rules
        numbers = [1 + byte % 9 for byte in provider.ConsumeBytes(provider.ConsumeIntInRange(1, 6))] or [5]
        text, target = _played(numbers, provider)
    elif kind == 4:  # an expression that mostly parses
        numbers = [byte % 9 for byte in provider.ConsumeBytes(provider.ConsumeIntInRange(1, 6))] or [5]
        text = _written(numbers, provider)
        target = provider.ConsumeIntInRange(-5, 30)
    else:
        text = provider.ConsumeBytes(5000).decode("utf-8", "surrogateescape")
    verdict = verify(numbers, target, text, division=division, rule=rule, form=form)
    if form == "expression":
        wanted = test_forms.slow_verify(numbers, target, text, division, rule)
        found = (verdict.reason, verdict.column)
    else:
        wanted = test_verify.slow_verify(numbers, target, text, division, rule)[:2]
        found = (verdict.reason, verdict.line)
    assert found == wanted, (numbers, target, text, division, rule, form)
    counts[f"{form}: {verdict.reason}"] += 1
    loose = normalize(text, form=form)
    assert normalize(loose, form=form) == loose, text
    if verdict.reason not in FORM_FAULTS:
        assert loose == text, text
    grades = graded_reward([text], [numbers], [target]) if numbers else [0.0]
    assert 0 <= grades[0] <= 1 and (grades[0] < 1 or verify(numbers, target, text).correct), text
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


def _written(numbers, provider) -> str:
    texts = list(map(str, numbers))
    while len(texts) > 1:
        left = texts.pop(provider.ConsumeIntInRange(0, len(texts) - 1))
        right = texts.pop(provider.ConsumeIntInRange(0, len(texts) - 1))
        text = f"{left}{'+-*/'[provider.ConsumeIntInRange(0, 3)]}{right}"
        texts.append(f"({text})" if provider.ConsumeBool() else text)
    return texts[0] + provider.PickValueInList(["", "", "", "\n", ")", "+", "(", "0", " squared"])


def _report() -> None:
    """Write the counts. libFuzzer ends the process with _exit, so they are written during the run."""
    if os.environ.get("FUZZ_COUNTS"):
        Path(os.environ["FUZZ_COUNTS"]).write_text(json.dumps({"inputs": counts.total(), **counts}) + "\n")


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()

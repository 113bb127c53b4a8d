"""Random answers to random puzzles under every rule, division and form: ``verify`` and the tests' second
implementations must agree.

    python -m tests.metrics.differential 1000000 --seed 0

The inputs depend only on the seed. The suite runs some; this command runs as many as wanted, and prints the number of
inputs for each form and reason. The first difference raises AssertionError.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

from arith_puzzle.metrics.arith_puzzle_verifier.verify import DIVISIONS, FORMS, RULES, verify
from tests.metrics import test_forms, test_verify

OPTIONS = [(f, r, d) for f in FORMS for r in RULES for d in DIVISIONS if (f, d) != ("equations", "rational")]
OTHERS = ("\ud800", "\x00", "٣", " ", "x", "é", "**", "-0", "07", "\n\n", "()", "1=1")


def one(rng: random.Random) -> tuple[str, str, str, str]:
    """Make one input and judge it twice; return (form, rule, division, reason)."""
    form, rule, division = rng.choice(OPTIONS)
    numbers = rng.choices(range(*rng.choice([(0, 4), (1, 10), (1, 60), (-3, 9) if form == "equations" else (0, 9)])),
                          k=rng.randint(1, 6))  # fmt: skip
    used = numbers[: rng.randint(1, len(numbers))] if rule == "subset" or rng.random() < 0.05 else numbers
    text, value = _played(rng, used, form, division)
    if form == "equations" and rng.random() < 0.3:  # steps that lead nowhere come first
        text = "\n".join(filter(None, (_played(rng, numbers[len(used) :] or numbers[:1], form, division)[0], text)))
    target = value if isinstance(value, int) and rng.random() < 0.8 else rng.randint(-5, 60)
    fate = rng.random()
    legal = (test_verify if form == "equations" else test_forms).LEGAL
    if fate < 0.3:
        for _ in range(rng.randint(1, 2)):  # one sign is lost, changed or added
            at = rng.randint(0, len(text))
            text = text[:at] + rng.choice(["", *legal, *OTHERS]) + text[at + rng.randint(0, 1) :]
    elif fate < 0.4:
        text = "".join(rng.choices(legal, k=rng.randint(0, 30)))
    elif fate < 0.41:
        text *= rng.choice([0, 100, 1000])
    elif fate < 0.42 and form == "expression":
        depth = rng.randint(60, 68)
        text = "(" * depth + text + ")" * depth
    elif fate < 0.6:
        text += "\n"
    verdict = verify(numbers, target, text, division=division, rule=rule, form=form)
    if form == "equations":
        reason, line, _ = test_verify.slow_verify(numbers, target, text, division, rule)
        wanted = (reason, line, None)
    else:
        reason, column = test_forms.slow_verify(numbers, target, text, division, rule)
        wanted = (reason, None if column is None else 1, column)
    found = (verdict.reason, verdict.line, verdict.column)
    assert found == wanted, (numbers, target, text, form, rule, division, found, wanted)
    assert verdict.correct == (reason == "ok")
    return form, rule, division, reason


def _played(rng: random.Random, numbers: list[int], form: str, division: str) -> tuple[str, object]:
    """An answer made by random play, with a rare fault, and its value, or None where it has none."""
    pool: list[tuple[str, object]] = [(str(number), number) for number in numbers]
    lines = []
    while len(pool) > 1:
        (left, a), (right, b) = (pool.pop(rng.randrange(len(pool))) for _ in range(2))
        op = rng.choice("+-*/")
        if a is None or b is None:
            value = None
        else:
            reason, value = _apply(a, op, b, division)
            if reason:
                op, value = rng.choice(((op, None), ("-", a - b), ("+", a + b)))
        if form == "equations":
            said = (0 if value is None else value) + (rng.random() < 0.03)
            if rng.random() < 0.03:
                a = 1 if a is None else a + 1
            lines.append(f"{0 if a is None else a}{op}{0 if b is None else b}={said}")
            pool.append(("", said))
        else:
            text = f"{left}{op}{right}"
            pool.append((f"({text})" if rng.random() < 0.6 else text, value))
            if not pool[-1][0].startswith("("):
                pool[-1] = (pool[-1][0], None)  # without its brackets the value may be another
    if form == "equations" and rng.random() < 0.1:
        del lines[rng.randrange(len(lines) + 1) :]
    if form == "equations":
        return "\n".join(lines), pool[0][1]
    text, value = pool[0]
    return text, value if value is not None else test_forms.value_by_python(text, division)


def _apply(a, op, b, division):
    if op != "/":
        return None, a + b if op == "+" else a - b if op == "-" else a * b
    if not b:
        return "zero", None
    value = test_forms.Fraction(a) / b
    if value.denominator == 1:
        return None, int(value)
    if division == "exact":
        return "inexact", None
    return None, int(value) if division == "integer" else value


def run(count: int, seed: int = 0) -> Counter:
    """Judge ``count`` inputs; return {(form, rule, division, reason): inputs}."""
    rng = random.Random(seed)
    return Counter(one(rng) for _ in range(count))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.metrics.differential", description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    started = time.perf_counter()
    found = run(args.count, args.seed)
    print(f"{args.count:,} inputs, seed {args.seed}, {time.perf_counter() - started:.0f} s, no difference")
    for form in FORMS:
        reasons: Counter = Counter()
        for (each, _, _, reason), inputs in found.items():
            reasons[reason] += inputs if each == form else 0
        print(f"{form}: {', '.join(f'{reason} {inputs:,}' for reason, inputs in reasons.most_common() if inputs)}")


if __name__ == "__main__":
    sys.exit(main())

"""Judge answers, and see which rule a wrong one breaks. Needs the core only.

python examples/verify_answers.py
"""

import arith_puzzle

NUMBERS, TARGET = [3, 6, 7, 51, 58], 4
ANSWERS = {
    "right": "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4",
    "wrong arithmetic": "58-51=8\n6-7=-1\n3*-1=-3\n-3+7=4",
    "a number that is not there": "58-50=8\n6-7=-1\n3*-1=-3\n-3+7=4",
    "too few equations": "58-51=7\n7-3=4",
    "another number at the end": "58-51=7\n6+7=13\n3*13=39\n39+7=46",
    "prose": "The answer is 4.",
}


def main() -> None:
    """Print a line for each answer."""
    for name, answer in ANSWERS.items():
        verdict = arith_puzzle.verify(NUMBERS, TARGET, answer)
        where = f" in line {verdict.line}" if verdict.line else ""
        print(f"{name:<28}{verdict.reason}{where}")
    print(f"\na solution by the solver:\n{arith_puzzle.solve(NUMBERS, TARGET)[0]}")


if __name__ == "__main__":
    main()

"""Conditions on the answer to the final question, which is quoted as it is: bets, quizzes, worksheets, games, codes.

They fit all sources that ask for a number of things or for dollars, since no words of the question have to be changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import sentences
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import calculated
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.clauses import Condition, comparison
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import Pair
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem, number_text
from arith_puzzle.metrics.gsm8k_answer.calculator import evaluate_expression

_NOT_PLAIN = re.compile(
    r"[\"“”%]|\b(?:percent\w*|average|fraction|ratio|probability|chance|about|approximate\w*|round\w*|nearest|"
    r"what|why|you|your|I|we|my|our|us)\b",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"\b(?:money|costs?|pay|spend|spent|paid|earn\w*|profit|change|saved?|owe|raise[ds]?|charged?|make|price|bill|dollars)\b"
)
_STAKES = [
    ("muffins", 2, 3), ("cups of hot chocolate", 2, 4), ("sandwiches", 4, 6), ("movie tickets", 8, 12),
    ("ice cream cones", 2, 4), ("comic books", 3, 5), ("slices of cake", 3, 5), ("smoothies", 4, 6),
]  # fmt: skip
_FRIENDS = ["Omar", "Nadia", "Felipe", "Ingrid", "Kofi", "Yara", "Henrik", "Priya", "Mateo", "Sana"]


class _Case(NamedTuple):
    """What is done with the answer in one case: the words, and the calculation."""

    words: str
    calculation: str


class _Quoted:
    """A source whose final question can be quoted. Raises ValueError if it cannot.

    Attributes:
        body, ask: the story, and its final question.
        whole: the answer.
        sign: a dollar sign if the answer is money, else an empty string.
    """

    def __init__(self, problem: Problem, draws: Draws, low: int, high: int) -> None:
        text = " ".join(problem.query.split())
        self.ask = sentences(text)[-1]
        self.body = text[: len(text) - len(self.ask)].strip()
        self.before = problem.response.rpartition("####")[0].strip()
        number = re.findall(r"\bhow (many|old|much)\b", self.ask, re.IGNORECASE)
        self.sign = "$" if "much" in number else ""
        if self.sign and not (_MONEY.search(self.ask) and "$" in self.before.rpartition("\n")[2]):
            raise ValueError("the question does not ask for dollars")
        whole = problem.answer.denominator == 1 and low <= problem.answer <= high
        if not whole or len(number) != 1 or text.count("?") != 1 or not self.ask.endswith("?"):
            raise ValueError("the question does not ask for a whole number of this size")
        if _NOT_PLAIN.search(self.ask) or not self.body.endswith((".", "!")):
            raise ValueError("the question cannot be quoted")
        self.whole = int(problem.answer)
        self.text, self.draws = text.lower(), draws

    def says(self, words: str) -> bool:
        """Whether the question contains one of the words, given as a regular expression."""
        return bool(re.search(rf"\b(?:{words})\b", self.text))

    def names(self, count: int) -> list[str]:
        """First names that the question does not contain."""
        free = [name for name in _FRIENDS if not self.says(name.lower())]
        return [free.pop(self.draws.below(len(free))) for _ in range(count)]

    def condition(self) -> tuple[str, str, bool]:
        """(a condition on the answer, the fact that decides it, whether it holds)."""
        if not self.sign and self.draws.below(2):
            even = self.whole % 2 == 0
            asked = ("even", "odd")[self.draws.below(2)]
            return asked, f"{self.whole} is {'even' if even else 'odd'}", (asked == "even") == even
        when = self.comparison()
        return when.quantity, when.check, when.holds

    def comparison(self) -> Condition:
        """A comparison of the answer with a round number."""
        when = comparison(Fraction(self.whole), self.draws, lambda value: f"{self.sign}{number_text(value)}", "less")
        if when is None:
            raise ValueError("no threshold fits")
        return when

    def pair(self, words: str, steps: list[str], answer: Fraction | int | None) -> Pair:
        """The pair with these words behind the story, and these steps behind its solution."""
        known = f"The answer to the question is {self.sign}{self.whole}."
        return Pair(f"{self.body} {words}", ("\n".join([self.before, known, *steps, f"#### {answer}"]),))

    def cases(self, most: int) -> tuple[_Case, _Case]:
        """Two different things that can be done with the answer; the results are at most ``most``."""
        n = self.whole
        plus, step = 5 * (1 + self.draws.below(10)), 1 if n < 40 else 5
        minus = step * (1 + self.draws.below(max(1, n // 2 // step)))
        options = [
            _Case(f"add {self.sign}{plus} to it", f"{n}+{plus}"),
            _Case(f"subtract {self.sign}{minus} from it", f"{n}-{minus}"),
        ]
        options += [_Case(f"multiply it by {k}", f"{n}*{k}") for k in (2, 3, 4, 5) if n * k <= most]
        one = options.pop(self.draws.below(len(options)))
        return one, options.pop(self.draws.below(len(options)))


def bet(problem: Problem, draws: Draws) -> Pair | None:
    """Two friends bet on the answer; the loser pays."""
    try:
        source = _Quoted(problem, draws, 4, 100_000)
        one, two = source.names(2)
        when = source.comparison()
    except ValueError:
        return None
    stakes = [stake for stake in _STAKES if not source.says(stake[0].split()[-1])]
    if len(stakes) < 2:
        return None
    first = stakes.pop(draws.below(len(stakes)))
    second = stakes.pop(draws.below(len(stakes)))
    many, price = 2 + draws.below(4), first[1] + draws.below(first[2] - first[1] + 1)
    other, cost = 2 + draws.below(4), second[1] + draws.below(second[2] - second[1] + 1)
    if many * price == other * cost:
        return None
    who, what, count, each = (two, first[0], many, price) if when.holds else (one, second[0], other, cost)
    return source.pair(
        f'{one} bets {two} that the answer to the question "{source.ask}" is {when.quantity}. If {one} is right, {two}'
        f" buys {many} {first[0]} for ${price} each. If not, {one} buys {other} {second[0]} for ${cost} each. How much"
        " does the loser of the bet pay?",
        [
            f"{when.check}, so {one} is {'right' if when.holds else 'not right'}, and {who} buys the {what}.",
            f"{who} pays {calculated(f'{count}*{each}', True)}.",
        ],
        count * each,
    )


def quiz(problem: Problem, draws: Draws) -> Pair | None:
    """An answer in a quiz scores more points if it is near the right one."""
    try:
        source = _Quoted(problem, draws, 10, 400)
        (name,) = source.names(1)
    except ValueError:
        return None
    near = max(2, source.whole // 10)
    distance = 1 + draws.below(2 * near)
    said = source.whole + distance if draws.below(2) else source.whole - distance
    if source.says(r"quiz\w*|points?|test|exam"):
        return None
    most, bonus = 10 * (2 * near // 10 + 2), 5 * (1 + draws.below(4))
    more, less = max(source.whole, said), min(source.whole, said)
    what, unit = ("amount", " in dollars") if source.sign else ("number", "")
    steps = [f"The answer of {name} is {calculated(f'{more}-{less}', bool(unit))} away from the right {what}."]
    plain = f"Without a bonus, {name} gets {calculated(f'{most}-{distance}')} points."
    if distance > near:
        steps += [f"Since {distance} is more than {near}, there is no bonus.", plain]
    else:
        last = f"With it, {name} gets {calculated(f'{most - distance}+{bonus}')} points."
        steps += [plain, f"Since {distance} is at most {near}, there is a bonus of {bonus} points.", last]
    return source.pair(
        f'In a quiz, this story is read out with the question "{source.ask}" {name} answers "{source.sign}{said}". An'
        f" answer scores {most} points minus its distance{unit} from the right {what}. If the distance is at most"
        f" {near}, there is a bonus of {bonus} points. How many points does {name} get?",
        steps,
        most - distance + (bonus if distance <= near else 0),
    )


def worksheet(problem: Problem, draws: Draws) -> Pair | None:
    """A worksheet says what to do with the answer."""
    try:
        source = _Quoted(problem, draws, 6, 2000)
        (name,) = source.names(1)
        clause, fact, holds = source.condition()
    except ValueError:
        return None
    one, two = source.cases(10_000)
    done = one if holds else two
    what = "amount" if source.sign else "number"
    if source.says("worksheet"):
        return None
    return source.pair(
        f'On a worksheet, this story is followed by the question "{source.ask}" Below it, the worksheet says: "If'
        f' your answer is {clause}, {one.words}. Otherwise, {two.words}." {name} does all of this without a mistake.'
        f" Which {what} does {name} get in the end?",
        [
            f"Since {fact}, {name} has to {done.words}.",
            f"{name} gets {calculated(done.calculation, bool(source.sign))}.",
        ],
        evaluate_expression(done.calculation),
    )


def code(problem: Problem, draws: Draws) -> Pair | None:
    """The number that opens a lock is made from the answer."""
    try:
        source = _Quoted(problem, draws, 6, 3000)
        (name,) = source.names(1)
        clause, fact, holds = source.condition()
    except ValueError:
        return None
    n, times, plus = source.whole, 2 + draws.below(4), 5 * (1 + draws.below(20))
    first = _Case(f"{times} times this answer", f"{times}*{n}")
    second = _Case(f"{plus} more than this answer", f"{n}+{plus}")
    if draws.below(2):
        first, second = second, first
    done = first if holds else second
    if source.sign or n * times > 9999 or n * times == n + plus or source.says("codes?|locks?|locked"):
        return None
    return source.pair(
        f'{name} makes the code for a lock from the answer to the question "{source.ask}" If this answer is {clause},'
        f" the code is {first.words}. Otherwise, the code is {second.words}. What is the code?",
        [f"Since {fact}, the code is {done.words}.", f"The code is {calculated(done.calculation)}."],
        evaluate_expression(done.calculation),
    )


def board(problem: Problem, draws: Draws) -> Pair | None:
    """A piece in a board game goes as far as the answer says, or goes back."""
    try:
        source = _Quoted(problem, draws, 4, 60)
        (name,) = source.names(1)
        clause, fact, holds = source.condition()
    except ValueError:
        return None
    start, back = 10 + draws.below(30), 2 + draws.below(8)
    first = _Case("the piece moves forward by as many squares as the answer says", f"{start}+{source.whole}")
    second = _Case(f"the piece moves back by {back} squares", f"{start}-{back}")
    if draws.below(2):
        first, second = second, first
    done = first if holds else second
    if source.sign or source.says("games?|squares?|boards?"):
        return None
    return source.pair(
        f'In a board game, {name} draws a card with this story and the question "{source.ask}" {name} has a'
        f" piece on square {start}. If the answer is {clause}, {first.words}. Otherwise, {second.words}. On which"
        " square does the piece stand then?",
        [f"Since {fact}, {done.words}.", f"Then the piece stands on square {calculated(done.calculation)}."],
        evaluate_expression(done.calculation),
    )


QUOTED: tuple[Callable[[Problem, Draws], Pair | None], ...] = (bet, quiz, worksheet, code, board)
"""Conditions on the answer to the quoted question."""

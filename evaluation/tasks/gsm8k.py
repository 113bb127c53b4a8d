"""The tasks GSM8K, SVAMP, GSM-Hard and GSM-Plus of ``arith-puzzle score``."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from reprlib import repr as short

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.dataset_builder.formats import ALPACA
from arith_puzzle.evaluation.tasks import gsm_variants
from arith_puzzle.evaluation.tasks.task import Task
from arith_puzzle.metrics.gsm8k_answer.score import answer as final_number
from arith_puzzle.metrics.gsm8k_answer.score import score

ALPACA_OPENING = ALPACA.partition(" that")[0]
"""The text with which Alpaca's prompt begins."""


class Gsm8k(Task):
    """Grade-school problems, judged by ``metrics/gsm8k_answer``.

    Rows have the columns question and answer, or query and response. The prompt is Alpaca's, as in MuggleMath
    (arXiv 2310.05506); in chat it is the question alone.
    """

    max_new_tokens, max_thinking_tokens = 512, 512
    formats, opening = ("alpaca",), ALPACA_OPENING

    @staticmethod
    def row(raw: dict) -> dict:
        """Keep {"question", "answer"}, from either pair of columns."""
        question, answer = ("question", "answer") if "question" in raw else ("query", "response")
        return {"question": _text(raw, question), "answer": _text(raw, answer)}

    @staticmethod
    def record(row: dict) -> dict:
        """Return question and answer."""
        return dict(row)

    def question(self, row: dict) -> str:
        """Return Alpaca's prompt with the question."""
        return ALPACA.format(instruction=row["question"])

    def chat_question(self, row: dict) -> str:
        """Return the question."""
        return row["question"]

    @staticmethod
    def solution(row: dict) -> str:
        """Return the reference solution, as training shows it after the prompt."""
        return f"\n{row['answer']}"

    @staticmethod
    def measure(rows: Sequence[dict], answers: Sequence, k: Sequence[int]) -> dict:
        """Return the metric (its ``num_problems`` as "n"). With K samples a row it includes maj1@K."""
        import evaluate

        metric = evaluate.load(str(PACKAGE / "metrics" / "gsm8k_answer"))
        measured = metric.compute(predictions=answers, references=[row["answer"] for row in rows])
        return {"n": measured.pop("num_problems"), **measured}

    @staticmethod
    def rates(rows: Sequence[dict], answers: Sequence) -> list[float]:
        """Return the share of each row's answers with the reference's number."""
        return [score([answer], [row["answer"]])["pass@1"] for row, answer in zip(rows, answers, strict=True)]


class Targets(Gsm8k):
    """SVAMP and GSM-Hard as PAL distributes them: rows of input and target. The prompt is that of GSM8K.

    SVAMP's own rows, with the columns Body, Question and Answer, are read too. ``gsm_variants`` states the comparison.
    """

    @staticmethod
    def row(raw: dict) -> dict:
        """Keep {"question", "answer"}. The answer is the target as text."""
        if "Body" in raw and "input" not in raw:
            body = _text(raw, "Body").strip()
            body += "" if body[-1:] in (".", ",", "?", "!") else "."
            return {
                "question": f"{body} {_text(raw, 'Question').strip()}",
                "answer": gsm_variants.target_text(raw, "Answer"),
            }
        return {"question": _text(raw, "input"), "answer": gsm_variants.target_text(raw, "target")}

    @staticmethod
    def solution(row: dict) -> str:
        """Return the target in GSM8K's form: these files have no solutions."""
        return f"\n#### {row['answer']}"

    @staticmethod
    def measure(rows: Sequence[dict], answers: Sequence, k: Sequence[int]) -> dict:
        """Return the scores of ``gsm_variants.measure``. With K samples a row it includes maj1@K."""
        return gsm_variants.measure(answers, [partial(_near, Fraction(row["answer"])) for row in rows])

    @staticmethod
    def rates(rows: Sequence[dict], answers: Sequence) -> list[float]:
        """Return the share of each row's answers that are near the target."""
        return gsm_variants.rates(answers, [partial(_near, Fraction(row["answer"])) for row in rows])


class GsmPlus(Gsm8k):
    """GSM-Plus: rows of question, answer and perturbation_type, and where there is one, solution.

    ``gsm_variants`` states the comparison. The answer ``None`` marks a question that cannot be answered.
    """

    @staticmethod
    def row(raw: dict) -> dict:
        """Keep {"question", "answer", "perturbation_type"}, and "solution" where there is one."""
        answer, kind = _text(raw, "answer").strip(), _text(raw, "perturbation_type")
        if answer != gsm_variants.NO_ANSWER and final_number(answer) is None:
            raise ValueError(f"'answer' must be a number or {gsm_variants.NO_ANSWER}, not {short(answer)}")
        kept = {"question": _text(raw, "question"), "answer": answer, "perturbation_type": kind}
        return kept | ({"solution": raw["solution"]} if isinstance(raw.get("solution"), str) else {})

    @staticmethod
    def record(row: dict) -> dict:
        """Return question, answer and kind."""
        return {key: row[key] for key in ("question", "answer", "perturbation_type")}

    @staticmethod
    def solution(row: dict) -> str:
        """Return the reference solution, or the answer alone in GSM8K's form."""
        return f"\n{row.get('solution') or '#### ' + row['answer']}"

    @staticmethod
    def measure(rows: Sequence[dict], answers: Sequence, k: Sequence[int]) -> dict:
        """Return the scores of all rows, and "by_perturbation": the scores of each kind."""
        right = [partial(_as_in_gsm_plus, row["answer"]) for row in rows]
        kinds = [row["perturbation_type"] for row in rows]
        return gsm_variants.measure(answers, right) | {"by_perturbation": gsm_variants.by_kind(answers, right, kinds)}

    @staticmethod
    def rates(rows: Sequence[dict], answers: Sequence) -> list[float]:
        """Return the share of each row's answers that are right."""
        return gsm_variants.rates(answers, [partial(_as_in_gsm_plus, row["answer"]) for row in rows])


def _near(target: Fraction, found: gsm_variants.Found) -> bool:
    return isinstance(found, Fraction) and gsm_variants.numbers_agree(found, target)


def _as_in_gsm_plus(reference: str, found: gsm_variants.Found) -> bool:
    if reference == gsm_variants.NO_ANSWER or not isinstance(found, Fraction):
        return found == reference
    return gsm_variants.rounds_to(found, reference)


def _text(raw: dict, column: str) -> str:
    if not isinstance(raw[column], str):
        raise ValueError(f"{column!r} must be a string, not {short(raw[column])}")
    return raw[column]

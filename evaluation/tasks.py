"""What can be scored: rows in, prompts and a metric out. ``TASKS`` maps the name of ``--task`` to its class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE
from arith_puzzle.dataset_builder.formats import ALPACA, FORMATS, PUZZLE_FORMATS
from arith_puzzle.dataset_builder.puzzle import parse_completion
from arith_puzzle.evaluation.math_answers import boxed, check_installed, measure
from arith_puzzle.evaluation.prompting import MARKER
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval

DIVISION = "exact"
"""The verifier's rule under which puzzles are scored."""


class Puzzle:
    """The dataset's puzzles, judged by ``metrics/arith_puzzle_verifier``."""

    config, max_new_tokens, max_thinking_tokens = "starter", 128, 512
    formats = PUZZLE_FORMATS
    group = "n"

    def __init__(self, prompt_format: str):
        self._prompt, self.strict = FORMATS[prompt_format].prompt, FORMATS[prompt_format].strict
        self.rewrites = prompt_format not in ("symbolic", "natural")
        self.think = (
            f'Think step by step first. Then write a line "{MARKER}" and below it the answer.\n'
            if prompt_format == "natural"
            else ""
        )

    @staticmethod
    def row(raw: dict) -> dict:
        """What a scored row keeps: its puzzle, and its solution where it has one (for examples)."""
        numbers = [int(number) for number in raw["numbers"]]
        kept = {"numbers": numbers, "target": int(raw["target"]), "n": len(numbers)}
        return kept | ({"completion": raw["completion"]} if raw.get("completion") else {})

    @staticmethod
    def record(row: dict) -> dict:
        """The row's columns in a file of answers."""
        return {"numbers": row["numbers"], "target": row["target"]}

    def question(self, row: dict) -> str:
        """The prompt, ending with a newline."""
        return self._prompt(row["numbers"], row["target"])

    chat_question = question

    @staticmethod
    def solution(row: dict) -> str:
        """The strict answer that an example shows."""
        return row["completion"]

    @staticmethod
    def reasoning(row: dict) -> str:
        """The solution in words, by rule: every equation and the numbers that it leaves."""
        pool = Counter(row["numbers"])
        lines = [f"The numbers are {_listed(pool)}; the target is {row['target']}."]
        for a, op, b, c in parse_completion(row["completion"]):
            pool.subtract((a, b))
            pool[c] += 1
            lines.append(f"{a}{op}{b}={c} leaves {_listed(pool)}.")
        return "\n".join(lines)

    @staticmethod
    def measure(rows: Sequence[dict], answers: Sequence, k: Sequence[int]) -> dict:
        """The metric (its ``num_puzzles`` as ``n``) and an interval for pass@1_lenient."""
        import evaluate

        metric = evaluate.load(str(PACKAGE / "metrics" / "arith_puzzle_verifier"))
        references = [{"numbers": row["numbers"], "target": row["target"]} for row in rows]
        measured = metric.compute(predictions=answers, references=references, k=list(k), division=DIVISION)
        n = measured.pop("num_puzzles")
        lenient = list(wilson_interval(measured["pass@1_lenient"] * n, n))
        return {"n": n, **measured, "pass@1_lenient_ci95": lenient}


class Gsm8k:
    """Grade-school problems, judged by ``metrics/gsm8k_answer``: rows with question and answer, or query and response.

    The prompt is Alpaca's, as MuggleMath's (arXiv 2310.05506); in chat it is the question alone.
    """

    config, max_new_tokens, max_thinking_tokens = None, 512, 512
    formats = ("alpaca",)
    group, think = None, ""

    def __init__(self, prompt_format: str):
        pass  # there is one

    @staticmethod
    def row(raw: dict) -> dict:
        """{"question", "answer"} whatever the columns are called."""
        question, answer = ("question", "answer") if "question" in raw else ("query", "response")
        return {"question": raw[question], "answer": raw[answer]}

    @staticmethod
    def record(row: dict) -> dict:
        """The row's columns in a file of answers."""
        return dict(row)

    @staticmethod
    def question(row: dict) -> str:
        """The prompt in text."""
        return ALPACA.format(instruction=row["question"])

    @staticmethod
    def chat_question(row: dict) -> str:
        """What a user would write."""
        return row["question"]

    @staticmethod
    def solution(row: dict) -> str:
        """The gold solution, as training shows it after the prompt."""
        return f"\n{row['answer']}"

    @staticmethod
    def measure(rows: Sequence[dict], answers: Sequence, k: Sequence[int]) -> dict:
        """The metric (its ``num_problems`` as ``n``); with several samples it holds maj1@K, K being all of them."""
        import evaluate

        metric = evaluate.load(str(PACKAGE / "metrics" / "gsm8k_answer"))
        measured = metric.compute(predictions=answers, references=[row["answer"] for row in rows])
        return {"n": measured.pop("num_problems"), **measured}


class Math:
    """Competition problems, judged by math-verify (``arith_puzzle.evaluation.math_answers``): the test out of aug-gsm8k's domain.

    Rows with problem and solution, whose answer is in ``\\boxed{}``, or with problem and answer. The prompt is that of
    GSM8K; in chat the model is told to box its answer.
    """

    config, max_new_tokens, max_thinking_tokens = None, 1024, 1024
    formats = ("alpaca",)
    group, think = None, ""

    def __init__(self, prompt_format: str):
        check_installed()

    @staticmethod
    def row(raw: dict) -> dict:
        """{"problem", "solution", "reference"}; the reference is the answer in LaTeX, in ``\\boxed{}``."""
        given = raw.get("answer")  # None too where only other rows of a JSONL file have one
        reference = (raw["solution"] or "") if given is None else boxed(given)
        if "\\boxed" not in reference:
            raise InputError(f"the solution of {raw['problem'][:40]!r} has no \\boxed{{}}; add a column 'answer'")
        return {"problem": raw["problem"], "solution": raw.get("solution") or reference, "reference": reference}

    @staticmethod
    def record(row: dict) -> dict:
        """The row's columns in a file of answers."""
        return {"problem": row["problem"], "reference": row["reference"]}

    @staticmethod
    def question(row: dict) -> str:
        """The prompt in text."""
        return ALPACA.format(instruction=row["problem"])

    @staticmethod
    def chat_question(row: dict) -> str:
        """What a user would write."""
        return f"{row['problem']}\n\nPut your final answer in \\boxed{{}}."

    @staticmethod
    def solution(row: dict) -> str:
        """What an example shows."""
        return f"\n{row['solution']}"

    @staticmethod
    def measure(rows: Sequence[dict], answers: Sequence, k: Sequence[int]) -> dict:
        """pass@1 with its interval, and the share of every verdict."""
        return measure(answers, [row["reference"] for row in rows])


TASKS = {"puzzle": Puzzle, "gsm8k": Gsm8k, "math": Math}


def split_names(dataset: str, config: str | None) -> list[str]:
    """The splits of a config; of a JSONL file its one split, named like the file.

    Raises:
        InputError: no such dataset or config.
    """
    from datasets import get_dataset_split_names

    if Path(dataset).is_file():
        return [Path(dataset).stem]
    try:
        return list(get_dataset_split_names(dataset, config))
    except (OSError, ValueError, RuntimeError) as error:
        name = repr(dataset) if config is None else f"{config} of {dataset!r}"
        raise InputError(f"cannot load {name}: {_line(error)}; build it with arith-puzzle build") from None


def read_rows(task, dataset: str, config: str | None, split: str, *, limit: int | None = None) -> list[dict]:
    """The first ``limit`` rows of a split, or all, as ``task.row`` makes them. No other split is read.

    Raises:
        InputError: the split cannot be read, is empty, or lacks the task's columns.
    """
    from datasets import load_dataset

    place = f"{config}/{split} of {dataset!r}" if config else f"{split} of {dataset!r}"
    try:
        if Path(dataset).is_file():
            stream = load_dataset("json", data_files={split: dataset}, split=split, streaming=True)
        else:
            stream = load_dataset(dataset, config, split=split, streaming=True)
        rows = [task.row(raw) for raw in islice(stream, limit)]
    except KeyError as error:
        raise InputError(f"{place} has no column {error.args[0]!r}; choose another --task or --dataset") from None
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"cannot read {place}: {_line(error)}") from None
    if not rows:
        raise InputError(f"{place} is empty; choose another --split")
    return rows


def _listed(pool: Counter) -> str:
    return ", ".join(map(str, sorted(pool.elements())))


def _line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)

"""The tasks of ``arith-puzzle score``: how rows are read, how a row becomes a prompt, and which metric judges answers.

``TASKS`` maps each name of ``--task`` to its class. Puzzles and MATH are defined here, GSM8K and its variants in
``gsm8k``. ``read_rows`` loads a split.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from arith_puzzle.common.datasets_cache import datasets_cache
from arith_puzzle.common.errors import InputError, reported
from arith_puzzle.common.files import PACKAGE
from arith_puzzle.common.provenance import check_no_pattern
from arith_puzzle.dataset_builder.configs import how_to_get
from arith_puzzle.dataset_builder.formats import ALPACA, BY_RULES, FORMATS, PUZZLE_FORMATS, Puzzles
from arith_puzzle.dataset_builder.puzzle import parse_completion
from arith_puzzle.evaluation.math_answers import boxed, check_installed, judged, measure
from arith_puzzle.evaluation.tasks.gsm8k import ALPACA_OPENING, Gsm8k, GsmPlus, Targets
from arith_puzzle.evaluation.tasks.task import Task
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import puzzle_of
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import mean, wilson_interval
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of, to_equations, verify
from arith_puzzle.metrics.read_answers import read_objects

MARKER = "Answer:"
"""Begins the line that separates a model's chain of thought from its answer."""
BATCH = 1000
"""Rows that are read at a time."""


class Puzzle(Task):
    """The dataset's puzzles, judged by ``metrics/arith_puzzle_verifier``."""

    config, max_new_tokens, max_thinking_tokens = "starter", 128, 512
    formats = PUZZLE_FORMATS
    group = "n"

    def __init__(self, prompt_format: str):
        super().__init__(prompt_format)
        form = FORMATS[prompt_format]
        assert isinstance(form, Puzzles), f"{prompt_format} is not a format of puzzles"
        self._format = form
        self.rewrites = prompt_format not in ("symbolic", "natural")
        if prompt_format == "natural":
            self.opening = "Reach the target"
            self.think = f'Think step by step first. Then write a line "{MARKER}" and below it the answer.\n'

    @staticmethod
    def row(raw: dict) -> dict:
        """Keep the puzzle, and the solution where there is one (examples show it)."""
        numbers, target = puzzle_of(raw)
        if max(map(int.bit_length, (*numbers, target))) > 63:
            raise ValueError("'numbers' and 'target' must fit in 64 bits")
        kept = {"numbers": numbers, "target": target, "n": len(numbers), **rules_of(raw)}
        return kept | ({"completion": raw["completion"]} if raw.get("completion") else {})

    def rules(self, rows: Sequence[dict]) -> dict[str, str]:
        """Return the division, and where the rows state their rules also rule and form."""
        rules = rules_of(rows[0])
        other = next((number for number, row in enumerate(rows, 1) if rules_of(row) != rules), None)
        if other:
            raise ValueError(f"rows 1 and {other} have different rules; score them as two datasets")
        if rules and self.prompt_format not in BY_RULES:
            raise ValueError(
                f"the rows have the rules {rules}, which --format {self.prompt_format} cannot ask; "
                f"use {' or '.join(BY_RULES)}"
            )
        return rules or {"division": "exact"}

    @staticmethod
    def record(row: dict) -> dict:
        """Return the puzzle and its rules, which ``arith-puzzle verify`` needs."""
        return {"numbers": row["numbers"], "target": row["target"], **rules_of(row)}

    def question(self, row: dict) -> str:
        """Return the prompt; it ends with a newline."""
        return self._format.question(row)

    chat_question = question

    @staticmethod
    def solution(row: dict) -> str:
        """Return the row's solution, in the verifier's strict form."""
        return row["completion"]

    @staticmethod
    def reasoning(row: dict) -> str:
        """Write the solution in words: each equation, and the numbers that remain after it."""
        pool = Counter(row["numbers"])
        lines = [f"The numbers are {_listed(pool)}; the target is {row['target']}."]
        rules, text = rules_of(row), row["completion"]
        if rules.get("form") == "expression":
            steps = to_equations(text, division=rules["division"])
        else:
            steps = parse_completion(text)
        for a, op, b, c in steps:
            pool.subtract((a, b))
            pool[c] += 1
            lines.append(f"{a}{op}{b}={c} leaves {_listed(pool)}.")
        return "\n".join(lines)

    def strict(self, text: str) -> str:
        """Return the equations in the verifier's form, undoing the prompt format's change of them."""
        return self._format.strict(text)

    @staticmethod
    def measure(rows: Sequence[dict], answers: Sequence, k: Sequence[int]) -> dict:
        """Return the metric (its ``num_puzzles`` as "n"), an interval for pass@1_lenient, and the puzzles' sizes."""
        import evaluate

        metric = evaluate.load(str(PACKAGE / "metrics" / "arith_puzzle_verifier"))
        references = [{"numbers": row["numbers"], "target": row["target"]} for row in rows]
        measured = metric.compute(predictions=answers, references=references, k=list(k), **rules_of(rows[0]))
        n = measured.pop("num_puzzles")
        lenient = list(wilson_interval(measured["pass@1_lenient"] * n, n))
        sizes = Counter(row["n"] for row in rows)
        stated = {"puzzles_by_n": {str(size): sizes[size] for size in sorted(sizes)},
                  "max_number": max(max(row["numbers"]) for row in rows)}  # fmt: skip
        return {"n": n, **measured, "pass@1_lenient_ci95": lenient, **stated}

    @staticmethod
    def rates(rows: Sequence[dict], answers: Sequence) -> list[float]:
        """Return the share of each row's answers that the verifier takes as they are."""
        given = [[answer] if isinstance(answer, str) else answer for answer in answers]
        pairs = zip(rows, given, strict=True)
        return [
            mean([verify(row["numbers"], row["target"], each, **rules_of(row)).correct for each in texts])
            for row, texts in pairs
        ]


class Math(Task):
    """Competition problems (MATH), judged by math-verify: the out-of-domain test of aug-gsm8k.

    Rows have the columns problem and solution, with the answer in ``\\boxed{}``, or problem and answer. The prompt is
    that of GSM8K. In chat the message also asks for the answer in ``\\boxed{}``.
    """

    max_new_tokens, max_thinking_tokens = 1024, 1024
    formats, opening = ("alpaca",), ALPACA_OPENING

    def __init__(self, prompt_format: str):
        super().__init__(prompt_format)
        check_installed()

    @staticmethod
    def row(raw: dict) -> dict:
        """Keep {"problem", "solution", "reference"}. The reference has the answer in LaTeX, in ``\\boxed{}``."""
        given = raw.get("answer")  # a JSONL file gives None where only other rows have this column
        reference = (raw["solution"] or "") if given is None else boxed(given)
        if "\\boxed" not in reference:
            raise ValueError(f"the solution of {raw['problem'][:40]!r} has no \\boxed{{}}; add a column 'answer'")
        return {"problem": raw["problem"], "solution": raw.get("solution") or reference, "reference": reference}

    @staticmethod
    def record(row: dict) -> dict:
        """Return problem and reference."""
        return {"problem": row["problem"], "reference": row["reference"]}

    def question(self, row: dict) -> str:
        """Return Alpaca's prompt with the problem."""
        return ALPACA.format(instruction=row["problem"])

    def chat_question(self, row: dict) -> str:
        """Return the problem and the form of the answer."""
        return f"{row['problem']}\n\nPut your final answer in \\boxed{{}}."

    @staticmethod
    def solution(row: dict) -> str:
        """Return the reference solution."""
        return f"\n{row['solution']}"

    @staticmethod
    def measure(rows: Sequence[dict], answers: Sequence, k: Sequence[int]) -> dict:
        """Return pass@1 with its interval, and the share of each verdict."""
        return measure(answers, [row["reference"] for row in rows])

    @staticmethod
    def rates(rows: Sequence[dict], answers: Sequence) -> list[float]:
        """Return the share of each row's answers that math-verify finds equal to the reference."""
        found = judged(answers, [row["reference"] for row in rows])
        return [verdicts.count("correct") / len(verdicts) for verdicts in found]


TASKS: dict[str, type[Task]] = {
    "puzzle": Puzzle, "gsm8k": Gsm8k, "math": Math, "svamp": Targets, "gsm-hard": Targets, "gsm-plus": GsmPlus,
}  # fmt: skip


def split_names(dataset: str, config: str | None) -> list[str]:
    """Return the splits of a config. A JSONL file has one split, named like the file.

    Raises:
        InputError: no such dataset or config.
    """
    from datasets import get_dataset_split_names

    if Path(dataset).is_file():
        return [Path(dataset).stem]
    if Path(dataset).is_dir():
        check_no_pattern(dataset)
    name = repr(dataset) if config is None else f"{config} of {dataset!r}"
    with reported(f"cannot load {name}", dataset, remedy=f"; {how_to_get(config, dataset)}"):
        return list(get_dataset_split_names(dataset, config))


def read_rows(task: Task, dataset: str, config: str | None, split: str, *, limit: int | None = None) -> list[dict]:
    """Return the first ``limit`` rows of a split (None: all), as ``task.row`` makes them. Other splits are not read.

    Raises:
        InputError: the split cannot be read or is empty, or a row is not one of the task.
    """
    place = f"{config}/{split} of {dataset!r}" if config else f"{split} of {dataset!r}"
    rows: list[dict] = []
    with reported(f"cannot read {place}", dataset):
        for name, raw in islice(_raw_rows(dataset, config, split, place), limit):
            try:
                rows.append(task.row(raw))
            except KeyError as error:
                raise InputError(
                    f"{name} has no column {error.args[0]!r}; choose another --task or --dataset"
                ) from None
            except ValueError as error:
                raise InputError(f"{name}: {error}") from None
    if not rows:
        raise InputError(f"{place} is empty; choose another --split")
    try:
        task.rules(rows)
    except ValueError as error:
        raise InputError(f"{place}: {error}") from None
    return rows


def _raw_rows(dataset: str, config: str | None, split: str, place: str) -> Iterator[tuple[str, dict]]:
    """Yield (place of the row for messages, row)."""
    if Path(dataset).is_file():
        for number, row, fault in read_objects(Path(dataset)):
            if fault:
                raise InputError(f"{dataset}:{number}: {fault}")
            if row is not None:
                yield f"{dataset}:{number}", row
        return
    from datasets import load_dataset

    rows = load_dataset(dataset, config, split=split, streaming=True, cache_dir=datasets_cache(dataset))
    number = 0
    for batch in rows.iter(BATCH):  # datasets takes longer for a thousand single rows than for one batch of them
        for values in zip(*batch.values(), strict=True):
            number += 1
            yield f"row {number} of {place}", dict(zip(batch, values, strict=True))


def _listed(pool: Counter) -> str:
    return ", ".join(map(str, sorted(pool.elements())))

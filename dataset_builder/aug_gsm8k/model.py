"""The generator that uses a chat model: new questions by five strategies, then K reasoning paths for every question."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from arith_puzzle.common.endpoint import Endpoint, Engine, Limits
from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import file_sha256
from arith_puzzle.common.reply_store import Reply, Store
from arith_puzzle.dataset_builder.aug_gsm8k.contamination import Benchmarks
from arith_puzzle.dataset_builder.aug_gsm8k.prompts import (
    PROMPTS_VERSION,
    STRATEGIES,
    query_messages,
    response_messages,
)
from arith_puzzle.dataset_builder.aug_gsm8k.queries import DROPPED_QUESTIONS, Question, keep_questions, parse_questions
from arith_puzzle.dataset_builder.aug_gsm8k.responses import DROPPED_PATHS, keep_paths
from arith_puzzle.dataset_builder.aug_gsm8k.runs import Run, check_place, write_run
from arith_puzzle.dataset_builder.aug_gsm8k.source import (
    ORIGINAL,
    Draws,
    Problem,
    number_text,
    read_problems,
)


@dataclass(frozen=True)
class Sampling:
    """Sampling settings. Together with the store they determine the dataset.

    Attributes:
        seed: seed of all calls.
        temperature: sampling temperature of all calls.
        paths: K, the number of reasoning paths per question.
        strategies_per_question: number of strategies per source. Source i uses consecutive strategies from number i
            (modulo 5) on.
        tries: maximum number of calls for one list of questions, each with its own seed.
        question_tokens: maximum length of a reply with questions, in tokens.
        path_tokens: maximum length of a reply with a solution, in tokens.

    Raises:
        InputError: a setting out of range.
    """

    seed: int = 0
    temperature: float = 1.0
    paths: int = 4
    strategies_per_question: int = 5
    tries: int = 3
    question_tokens: int = 1024
    path_tokens: int = 512

    def __post_init__(self) -> None:
        if not 1 <= self.strategies_per_question <= len(STRATEGIES):
            raise InputError(f"--strategies-per-question must be in 1..5, not {self.strategies_per_question}")
        for name in ("paths", "tries", "question_tokens", "path_tokens"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name.replace('_', '-')} must be at least 1, not {getattr(self, name)}")
        if not 0 <= self.temperature <= 2:
            raise InputError(f"--temperature must be in 0..2, not {self.temperature}")


def run(
    source: Path, out: Path, *, limit: int | None, against: dict[str, Path], endpoint: Endpoint, store: Path,
    limits: Limits, sampling: Sampling, price: tuple[float, float], terms: str,
) -> tuple[Run, Engine]:  # fmt: skip
    """Make all calls that the store lacks, and write the run's folder.

    Args:
        source: GSM8K's train split, JSONL.
        out: folder of the run.
        limit: maximum number of source rows; None uses all.
        against: {benchmark: file}, see ``contamination.BENCHMARKS``.
        endpoint: the server that gets the calls.
        store: file of the replies.
        limits: limits on the rate of calls.
        sampling: sampling settings.
        price: US dollars per million prompt tokens and per million completion tokens.
        terms: licence or terms of the model's output, for the card.

    Returns:
        (the run, the engine with its counts).

    Raises:
        InputError: bad input, an endpoint that does not answer, or no pair left after the checks.
    """
    problems = read_problems(source, limit)
    benchmarks = Benchmarks(against)
    check_place(out)
    with Store(store) as opened:
        if opened.repaired:
            print(f"{store}: removed an incomplete last record ({opened.repaired} bytes)", flush=True)
        engine = Engine(endpoint, opened, limits, price=price)
        questions, asked = _questions(engine, problems, sampling, benchmarks)
        rows, answered = _paths(engine, questions, sampling, endpoint.model)
    report = {
        "kind": "model",
        "generator": endpoint.model,
        "terms": terms,
        "prompts_version": PROMPTS_VERSION,
        "sampling": asdict(sampling),
        "source": {"file": source.name, "sha256": file_sha256(source), "rows": len(problems)},
        "against": benchmarks.report(),
        "questions": asked,
        "paths": answered,
        "usage": dict(zip(("prompt_tokens", "completion_tokens", "calls_without_usage"), engine.used, strict=True)),
        "price_usd_per_million_tokens": list(price),
        "cost_usd": round(engine.cost, 6),
    }
    if not rows:
        counts = [("questions", asked["dropped"]), ("paths", answered["dropped"])]
        every = {f"{part}: {reason}": count for part, dropped in counts for reason, count in dropped.items()}
        worst, times = max(every.items(), key=lambda item: item[1])
        raise InputError(
            f"no pair is left of {asked['asked']} new questions and {answered['sampled']} paths; the most frequent"
            f" reason is {worst!r} ({times}): use a better model or more --paths"
        )
    return write_run(out, rows, report), engine


def _questions(
    engine: Engine, problems: list[Problem], sampling: Sampling, against: Benchmarks
) -> tuple[list[Question], dict]:
    """Sample new questions. Returns (GSM8K's own questions and the kept new ones, counts for the report)."""
    names = list(STRATEGIES)
    items = [
        (problem, names[(problem.index + turn) % len(names)])
        for problem in problems
        for turn in range(sampling.strategies_per_question)
    ]
    retried = 0

    async def ask(item: tuple[Problem, str]) -> list[str] | None:
        nonlocal retried
        problem, strategy = item
        parameters = {"temperature": sampling.temperature, "max_tokens": sampling.question_tokens}
        for attempt in range(sampling.tries):
            seed = _call_seed(sampling.seed, "question", problem.index, strategy, attempt)
            reply = await engine.reply(query_messages(problem.query, strategy), parameters, seed)
            questions = parse_questions(reply.text) if reply.finish_reason != "length" else None
            if questions:
                return questions
            retried += attempt + 1 < sampling.tries
        return None

    replies = engine.run(items, ask, title="new questions")
    found = [(problem, strategy, texts) for (problem, strategy), texts in zip(items, replies, strict=True)]
    kept, dropped = keep_questions(found, problems, against)
    originals = [Question(problem, ORIGINAL, 0, problem.query) for problem in problems]
    own = [question for question in originals if not against.find(question.text)]
    by_strategy = Counter(question.strategy for question in kept)
    return own + kept, {
        "calls": len(items) + retried,
        "calls_tried_again": retried,
        "asked": len(items) * 5,
        "dropped": {reason: dropped[reason] for reason in DROPPED_QUESTIONS},
        "kept": len(kept),
        "kept_by_strategy": {name: by_strategy[name] for name in STRATEGIES},
        "original": len(own),
        "original_contaminated": len(originals) - len(own),
    }


def _paths(engine: Engine, questions: list[Question], sampling: Sampling, model: str) -> tuple[list[dict], dict]:
    """Sample reasoning paths for all questions. Returns (the kept rows, counts for the report)."""
    parameters = {"temperature": sampling.temperature, "max_tokens": sampling.path_tokens}

    async def sample(item: tuple[Question, int]) -> Reply:
        question, path = item
        label = ("path", question.source.index, question.strategy, question.index, path)
        return await engine.reply(response_messages(question.text), parameters, _call_seed(sampling.seed, *label))

    replies = iter(engine.run(list(product(questions, range(sampling.paths))), sample, title="paths"))
    shown = json.dumps(parameters | {"paths": sampling.paths, "prompts_version": PROMPTS_VERSION}, sort_keys=True)
    rows: list[dict] = []
    dropped: dict[str, Counter] = {"original": Counter(), "new": Counter()}
    kept_by: Counter[str] = Counter()
    for question in questions:
        original = question.strategy == ORIGINAL
        own = [next(replies) for _ in range(sampling.paths)]
        paths, reasons = keep_paths(own, question.source.answer if original else None)
        dropped["original" if original else "new"] += reasons
        kept_by[question.strategy] += len(paths)
        rows += [
            {
                "query": question.text,
                "response": path.text,
                "answer": number_text(path.answer),
                "strategy": question.strategy,
                "source_index": question.source.index,
                "question_index": question.index,
                "path_index": path.index,
                "agreement": path.agreement,
                "margin": path.margin,
                "generator": model,
                "parameters": shown,
            }
            for path in paths
        ]
    both = dropped["original"] + dropped["new"]
    return rows, {
        "sampled": len(questions) * sampling.paths,
        "dropped": {reason: both[reason] for reason in DROPPED_PATHS},
        "dropped_original": {reason: dropped["original"][reason] for reason in DROPPED_PATHS},
        "dropped_new": {reason: dropped["new"][reason] for reason in DROPPED_PATHS},
        "kept": len(rows),
        "kept_by_strategy": {name: kept_by[name] for name in (ORIGINAL, *STRATEGIES)},
    }


def _call_seed(*parts: object) -> int:
    """A seed for one call, derived from everything that identifies the call. It has 31 bits, as servers require."""
    return Draws("call", *parts).below(2**31)

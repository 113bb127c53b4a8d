"""A task for inspect-ai (https://inspect.aisi.org.uk): a model answers the dataset's puzzles, the verifier judges.

inspect eval inspect_task/task.py -T dataset=<namespace>/arith-puzzle --model openai/gpt-5

The metric's Space holds this file and the modules that it imports. It needs inspect-ai and datasets. A model that
continues text, such as this project's, has no chat format and must see only the prompt:

    --model hf/<namespace>/arith-tiny -T format=symbolic -M do_sample=false --max-tokens 64 \\
    -M 'chat_template="{{ messages[0].content }}"'
"""

from datasets import load_dataset
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import (
    CORRECT,
    INCORRECT,
    Metric,
    SampleScore,
    Score,
    Scorer,
    Target,
    accuracy,
    grouped,
    metric,
    scorer,
    value_to_float,
)
from inspect_ai.solver import TaskState, generate

from arith_puzzle.common.datasets_cache import datasets_cache
from arith_puzzle.common.errors import reported
from arith_puzzle.evaluation.harnesses.scoring import check_format, question
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import verify_lenient
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of, verify


@task
def arith_puzzle(
    dataset: str = "arith-puzzle",
    config: str = "starter",
    split: str = "test",
    format: str = "natural",
    division: str = "exact",
) -> Task:
    """Ask every puzzle of a split once.

    Args:
        dataset: folder or Hub id of the dataset.
        config: config of the dataset.
        split: split of the config.
        format: prompt format. "natural" states the rules in English; the dataset's models were trained on "symbolic".
        division: "exact" or "integer", as in ``verify``, for rows that do not state their own rules.
    """
    check_format(format)
    with reported(f"cannot read {config}/{split} of {dataset!r}", dataset):
        rows = list(load_dataset(dataset, config, split=split, streaming=True, cache_dir=datasets_cache(dataset)))
    samples = [
        Sample(
            id=place,
            input=question(row, format),
            target=row["completion"],  # one of the solutions; the scorers accept any
            metadata={
                "numbers": row["numbers"],
                "target": row["target"],
                "n": len(row["numbers"]),
                "rules": rules_of(row) or {"division": division},
            },
        )
        for place, row in enumerate(rows, 1)
    ]
    name = f"{dataset.split('/')[-1]}-{config}-{split}"
    return Task(
        name=name,
        dataset=MemoryDataset(samples, name=name),
        solver=generate(),
        scorer=[strict(), lenient()],
    )


@metric
def wilson95() -> Metric:
    """Return the low and high end of Wilson's 95% interval over the puzzles, as the metric's ``pass@1_ci95``."""

    def interval(scores: list[SampleScore]) -> dict[str, float]:
        if not scores:  # inspect-ai asks before the first answer, too
            return {"low": 0.0, "high": 1.0}
        to_float = value_to_float()
        low, high = wilson_interval(sum(to_float(each.score.value) for each in scores), len(scores))
        return {"low": low, "high": high}

    return interval


METRICS = [accuracy(), wilson95(), grouped(accuracy(), "n", all=False, name_template="N={group_name}")]


@scorer(metrics=METRICS)
def strict() -> Scorer:
    """Judge the response exactly as it is: the metric's ``pass@1``."""
    return _judge(verify)


@scorer(metrics=METRICS)
def lenient() -> Scorer:
    """Judge the response after it has been put into strict form: the metric's ``pass@1_lenient``."""
    return _judge(verify_lenient)


def _judge(judge) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        response, given = state.output.completion, state.metadata
        verdict = judge(given["numbers"], given["target"], response, **given["rules"])
        return Score(
            value=CORRECT if verdict.correct else INCORRECT,
            answer=response if verdict.extracted is None else verdict.extracted,
            explanation=verdict.message,
            metadata={"reason": verdict.reason, "line": verdict.line},
        )

    return score

"""The benchmark for inspect-ai (https://inspect.aisi.org.uk): its models, this dataset, the project's verifier.

inspect eval evaluation/inspect_task/arith_puzzle.py -T dataset=<namespace>/arith-puzzle --model openai/gpt-5

It is staged beside the metric with the modules that it imports, and needs inspect-ai and datasets installed. A model
that goes on with text instead of answering in chat, such as this project's, is to see its prompt and nothing else:

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

from arith_puzzle.dataset_builder.puzzle import natural_prompt, symbolic_prompt
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import normalize
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify

FORMATS = {"natural": natural_prompt, "symbolic": symbolic_prompt}


@task
def arith_puzzle(
    dataset: str = "arith-puzzle",
    config: str = "starter",
    split: str = "test",
    format: str = "natural",
    division: str = "exact",
) -> Task:
    """Every row of a split, asked once.

    Args:
        dataset: folder or Hub id.
        format: of the prompt: "natural" says the rules in English; "symbolic" is what the dataset's models were
            trained on.
        division: "exact" or "integer", as in ``verify``.
    """
    if format not in FORMATS:
        raise ValueError(f"format is one of {', '.join(FORMATS)}, not {format!r}")
    rows = load_dataset(dataset, config, split=split)
    samples = [
        Sample(
            id=place,
            input=FORMATS[format](row["numbers"], row["target"]),
            target=row["completion"],  # one solution; the scorers do not compare with it
            metadata={"numbers": row["numbers"], "target": row["target"], "n": row["n"]},
        )
        for place, row in enumerate(rows, 1)
    ]
    name = f"{dataset.split('/')[-1]}-{config}-{split}"
    return Task(
        name=name,
        dataset=MemoryDataset(samples, name=name),
        solver=generate(),
        scorer=[strict(division), lenient(division)],
    )


@metric
def wilson95() -> Metric:
    """Low and high of Wilson's 95% interval; n is the number of puzzles, as in the metric's ``pass@1_ci95``."""

    def interval(scores: list[SampleScore]) -> dict[str, float]:
        to_float = value_to_float()
        low, high = wilson_interval(sum(to_float(each.score.value) for each in scores), len(scores))
        return {"low": low, "high": high}

    return interval


METRICS = [accuracy(), wilson95(), grouped(accuracy(), "n", all=False, name_template="N={group_name}")]


@scorer(metrics=METRICS)
def strict(division: str) -> Scorer:
    """The metric's ``pass@1``: the response as it stands."""
    return _judge(lambda response: response, division)


@scorer(metrics=METRICS)
def lenient(division: str) -> Scorer:
    """The metric's ``pass@1_lenient``: the response in strict form where its meaning is beyond doubt."""
    return _judge(normalize, division)


def _judge(read, division: str) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        response = read(state.output.completion)
        verdict = verify(state.metadata["numbers"], state.metadata["target"], response, division=division)
        return Score(
            value=CORRECT if verdict.correct else INCORRECT,
            answer=response,
            explanation=verdict.message,
            metadata={"reason": verdict.reason, "line": verdict.line},
        )

    return score

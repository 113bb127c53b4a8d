"""Write the Hub's benchmark files: ``eval.yaml`` of the dataset, and ``.eval_results/`` of the scored models.

https://huggingface.co/docs/hub/eval-results defines the fields. inspect-ai also reads ``eval.yaml``, and refuses
unknown fields (https://inspect.aisi.org.uk/tasks.html#hugging-face, class HFTask in its ``_eval/task/hf.py``). The Hub
shows both files only after Hugging Face has added the dataset to its list of benchmarks.
"""

from __future__ import annotations

import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from arith_puzzle.model_cards.wording import HUB, describe_decoding, describe_split, listing

FRAMEWORK = "inspect-ai"
RESULTS_FILE = ".eval_results/arith-puzzle.yaml"
NOT_SCORED = ("train", "validation")
WHOLE = r"\A([-+*/=0-9\n]+?)\n?\Z"
"""Matches the whole response except one trailing newline. inspect-ai's ``exact`` and ``match`` would strip signs."""

_HEADER = """\
# A benchmark of the Hugging Face Hub: https://huggingface.co/docs/hub/eval-results
# This file can name only scorers of inspect-ai itself, and they compare a response with one answer. A puzzle has many
# correct answers, so the score of this file is a lower bound. The benchmark's score is pass@1 of the verifier:
# {metric}. Its folder inspect_task has the same tasks for inspect-ai with the verifier as scorer.
"""


def eval_yaml(manifest: dict, metric_id: str) -> str:
    """The text of ``eval.yaml``: a task for each evaluation split, in the manifest's order."""
    splits = [
        (config, split, item)
        for config, content in manifest["configs"].items()
        for split, item in content["splits"].items()
        if split not in NOT_SCORED
    ]
    described = "; ".join(f"{task_id(config, split)}: {describe_split(item)}" for config, split, item in splits)
    content = {
        "name": "arith-puzzle",
        "description": "Reach a target from N integers, each used once, in N-1 equations (arXiv 2406.02100). The score "
        f"is pass@1: the share of answers that the verifier accepts. {described}.",
        "evaluation_framework": FRAMEWORK,
        "tasks": [
            {
                "id": task_id(config, split),
                "config": config,
                "split": split,
                "field_spec": {"input": "prompt", "target": "completion", "metadata": ["numbers", "target", "n"]},
                "solvers": [{"name": "generate"}],
                "scorers": [{"name": "pattern", "args": {"pattern": WHOLE, "ignore_case": False}}],
            }
            for config, split, _ in splits
        ],
    }
    return _HEADER.format(metric=f"{HUB}/spaces/{metric_id}") + _dump(content)


def task_id(config: str, split: str) -> str:
    """The id of a task in ``eval.yaml``, such as ``starter_test``."""
    return f"{config}_{split}"


def eval_results(repo_id: str, dataset_id: str, results: dict) -> str:
    """The text of a model repo's ``.eval_results/*.yaml``: pass@1 on each evaluation split, 0 to 1.

    It has no dataset revision, because a commit's id is not known in advance. It has no date, because the Hub takes the
    date of the commit.
    """
    entries = [
        EvalResultEntry(
            dataset_id=dataset_id,
            task_id=task_id(results["config"], split),
            value=round(item["pass@1"], 4),
            source_url=f"{HUB}/{repo_id}/blob/main/results.json",
            source_name="results.json, and every answer in generations/",
            notes=listing([describe_decoding(results["decoding"]), f"n = {item['n']:,}",
                           "95% interval {:.3f} to {:.3f}".format(*item["pass@1_ci95"])]),
        )
        for split, item in results["splits"].items()
        if split not in NOT_SCORED
    ]  # fmt: skip
    return _dump(eval_result_entries_to_yaml(entries))


def _dump(content: object) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)

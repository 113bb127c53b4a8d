"""The Hub's benchmark files: ``eval.yaml`` of the dataset, ``.eval_results/`` of the models that were scored on it.

https://huggingface.co/docs/hub/eval-results has the fields; inspect-ai reads ``eval.yaml`` too, and strictly
(https://inspect.aisi.org.uk/tasks.html#hugging-face, class HFTask of its ``_eval/task/hf.py``). The Hub shows neither
before Hugging Face has put the dataset on its list of benchmarks.
"""

from __future__ import annotations

import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from arith_puzzle.model_cards.wording import HUB, asked, describe_split, listing

FRAMEWORK = "inspect-ai"
RESULTS_FILE = ".eval_results/arith-puzzle.yaml"
NOT_SCORED = ("train", "validation")
WHOLE = r"\A([-+*/=0-9\n]+?)\n?\Z"
"""The whole response, but for one trailing newline. inspect-ai's ``exact`` and ``match`` strip signs as punctuation."""

_HEADER = """\
# A benchmark of the Hugging Face Hub: https://huggingface.co/docs/hub/eval-results
# inspect-ai admits only scorers of its own here, which compare with one answer. A puzzle has many: what this file can
# ask for, the reference solution letter for letter, is a lower bound. The benchmark's score is pass@1 of the verifier:
# {metric}, with the same tasks for inspect-ai in its folder inspect_task.
"""


def eval_yaml(manifest: dict, metric_id: str) -> str:
    """``eval.yaml``: a task for each evaluation split, in the manifest's order."""
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
        f"is pass@1: the share of answers in which every equation holds. {described}.",
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
    """A task of ``eval.yaml``, such as ``starter_test``."""
    return f"{config}_{split}"


def eval_results(repo_id: str, dataset_id: str, results: dict) -> str:
    """``.eval_results/*.yaml`` of a model repo: pass@1 on each evaluation split, 0 to 1.

    The dataset's revision and the date are left out: a commit is not known before it is made, and the Hub takes the
    date of ours.
    """
    entries = [
        EvalResultEntry(
            dataset_id=dataset_id,
            task_id=task_id(results["config"], split),
            value=round(item["pass@1"], 4),
            source_url=f"{HUB}/{repo_id}/blob/main/results.json",
            source_name="results.json, and every answer in generations/",
            notes=listing([asked(results["decoding"]), f"n = {item['n']:,}",
                           "95% interval {:.3f} to {:.3f}".format(*item["pass@1_ci95"])]),
        )
        for split, item in results["splits"].items()
        if split not in NOT_SCORED
    ]  # fmt: skip
    return _dump(eval_result_entries_to_yaml(entries))


def _dump(content: object) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)

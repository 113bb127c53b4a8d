"""Render the card of aug-gsm8k from its manifest. No number is typed by hand."""

from __future__ import annotations

from huggingface_hub import DatasetCardData

from arith_puzzle.dataset_builder.aug_gsm8k.contamination import BENCHMARKS
from arith_puzzle.dataset_builder.aug_gsm8k.judging import as_markdown
from arith_puzzle.dataset_builder.aug_gsm8k.prompts import STRATEGIES
from arith_puzzle.dataset_builder.aug_gsm8k.queries import DROPPED_QUESTIONS
from arith_puzzle.dataset_builder.aug_gsm8k.responses import DROPPED_PATHS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.run import MODULES, meanings_of
from arith_puzzle.model_cards.check import size_category
from arith_puzzle.model_cards.render import fill, whole_card


def aug_gsm8k_card(manifest: dict, repo_id: str, metric_id: str | None = None) -> str:
    """The text of README.md.

    Args:
        manifest: as ``arith_puzzle.dataset_builder.aug_gsm8k.dataset.build`` returns it.
        repo_id: what the reader passes to ``load_dataset``.
        metric_id: the metric's Space. None: the card has no link to it.
    """
    only_rules = all(report["kind"] == "rules" for report in manifest["runs"].values())
    licence = {"license": "mit"} if only_rules else {"license": "other", "license_name": "mit-and-the-generators-terms"}
    data = DatasetCardData(
        **licence,
        pretty_name="AugGSM8K",
        language=["en"],
        task_categories=["text-generation"],
        source_datasets=["openai/gsm8k"],
        tags=["math", "gsm8k", "synthetic", "arxiv:2310.05506"],
        size_categories=[size_category(manifest["statistics"]["rows"])],
        configs=[
            {
                "config_name": name,
                "data_files": [{"split": "train", "path": config["files"]}],
                **({"default": True} if name == "all" else {}),
            }
            for name, config in manifest["configs"].items()
        ],
    )
    judged = manifest["judged"]
    body = fill(
        "aug_gsm8k",
        repo_id=repo_id,
        metric_id=metric_id,
        manifest=manifest,
        judged=as_markdown(judged["strategies"]) if judged else None,
        benchmarks=BENCHMARKS,
        strategies={name: strategy.change for name, strategy in STRATEGIES.items()},
        meanings={
            "rules": {name: meanings_of(name) for name in MODULES},
            "questions": DROPPED_QUESTIONS,
            "paths": DROPPED_PATHS,
        },
    )
    return whole_card(data, body, "dataset")

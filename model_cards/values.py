"""The values that the cards of models need, from the records of their training and scoring: run.json, results.json."""

from __future__ import annotations

from collections.abc import Mapping

import yaml
from huggingface_hub import EvalResult

from arith_puzzle.dataset_builder.search_traces import SEARCH_MARKER
from arith_puzzle.evaluation.results import Results, split_rows
from arith_puzzle.model_cards.tables import reason_table, score_table
from arith_puzzle.model_cards.wording import describe_decoding, describe_shift, describe_split, joined, searched
from arith_puzzle.training.data.pretraining_mix import DRILL_LIMIT, PUZZLE_SIZES, PUZZLE_V, WALK_SIZES


def result_values(shown: Mapping[str, Results], manifest: dict) -> dict:
    """The values that the templates need for the section on results.

    Args:
        shown: label of a model -> its results, on one config or several. All were asked in the same way. The first
            config is that of the training.
        manifest: of the dataset. Configs that it lacks are not described.
    """
    rows = split_rows(shown)
    train = splits_of(manifest, rows[0]["config"]).get("train")
    known = {row["place"]: splits_of(manifest, row["config"]).get(row["split"]) for row in rows}
    legend = [
        {"name": place, "what": describe_split(split), "shift": describe_shift(split, train) if train else ""}
        for place, split in known.items()
        if split
    ]
    return {
        "searched": searched(rows[0]["decoding"]),
        "marker": SEARCH_MARKER,
        "whole": all((known[row["place"]] or {}).get("rows") == row["item"]["n"] for row in rows),
        "scores": score_table(shown),
        "reasons": reason_table(shown),
        "settings": describe_decoding(rows[0]["decoding"]),
        "legend": legend,
    }


def training_values(run: dict) -> dict:
    """The values that the templates need for the section on training."""
    hardware, last, step = run["hardware"], run["log"][-1], run.get("resumed_from_step")
    return {
        "run": run,
        "grpo": _grpo(run["recipe"]),
        "gpu": hardware.get("gpu"),
        "resumed": f" from step {step:,}, where the run was resumed" if step else "",
        "steps": last["step"],
        "epochs": last["epoch"],
        "device_hours": run["seconds"] * hardware["processes"] / 3600,
        "recipe": yaml.safe_dump(_given(run["recipe"]), sort_keys=False, width=110),
        "versions": ", ".join(f"{name} {version}" for name, version in run["versions"].items()),
    }


def method(run: dict) -> str:
    """The tag of a card that says how the model was trained."""
    return "sft" if run["recipe"].get("grpo") is None else "grpo"


def _grpo(recipe: dict) -> dict | None:
    """What the card says about reinforcement learning; None for a run of supervised fine-tuning."""
    if recipe.get("grpo") is None:
        return None
    lenient = (recipe.get("reward") or {}).get("lenient")
    return {"verdict": "lenient" if lenient else "strict", "adapter": recipe["model"].get("adapter")}


def drill_values(run: dict) -> dict:
    """The values that the base's template needs for its rows and its initial weights.

    A run.json may lack the limit, V and the sizes. Then the defaults of the pretraining mix hold.
    """
    drills, model = run["recipe"]["drills"], run["recipe"]["model"]
    return {
        "equations": drills["drill_share"] > 0,
        "drill_limit": drills.get("limit") or DRILL_LIMIT,
        "puzzle_v": drills.get("v") or PUZZLE_V,
        "puzzle_sizes": joined(map(str, sorted(set(drills.get("sizes") or PUZZLE_SIZES)))),
        "searches": drills.get("format") == "search",
        "walked": bool(drills.get("walk_share")),
        "walk_sizes": f"{min(WALK_SIZES)} to {max(WALK_SIZES)}",
        "began": (model.get("base") or "").rpartition("/")[2],
    }


def _given(value: object) -> object:
    """A recipe without its empty values."""
    if not isinstance(value, dict):
        return value
    return {key: _given(item) for key, item in value.items() if item not in (None, {}, [])}


def splits_of(manifest: dict, config: str) -> dict:
    """The splits of a config in a dataset's manifest; {} if there is no such config."""
    return manifest["configs"].get(config, {"splits": {}})["splits"]


def model_index(names: Mapping, results: Results) -> dict:
    """The fields of a card's front matter that hold pass@1 on each split."""
    return {
        "model_name": names["repo_id"],
        "eval_results": [
            EvalResult(
                task_type="text-generation",
                dataset_type=names["dataset_id"],
                dataset_name=names["dataset_id"].rpartition("/")[2],
                dataset_config=row["config"],
                dataset_split=row["split"],
                metric_type="pass@1",
                metric_name=f"pass@1: {describe_decoding(row['decoding'])}, n = {row['item']['n']:,}",
                metric_value=round(row["item"]["pass@1"], 4),
            )
            for row in split_rows({"": results})
        ],
    }

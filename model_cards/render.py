"""Render the cards from the files that the commands wrote: manifest, run.json, results.json.

No number is typed by hand. The texts are in ``templates/``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import DatasetCardData, ModelCardData
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from arith_puzzle.common.files import PACKAGE, read_json
from arith_puzzle.dataset_builder.configs.spec import PAPER_RULES
from arith_puzzle.dataset_builder.search_traces import SEARCH_MARKER
from arith_puzzle.model_cards.check import CARDS, check_card, size_category
from arith_puzzle.model_cards.licence import licence_text
from arith_puzzle.model_cards.seen import seen_table
from arith_puzzle.model_cards.values import (
    drill_values,
    method,
    model_index,
    result_values,
    splits_of,
    training_values,
)
from arith_puzzle.model_cards.wording import HUB, describe_split

ARXIV = "arxiv:2406.02100"
EXAMPLE = {"prompt": "3,6,7,51,58:4\n", "completion": "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4"}
"""The paper's example, with the solution that the paper prints. It is not in normal form."""
LABELS = ("difficulty", "num_solutions")
PEOPLE = PACKAGE / "results" / "difficulty" / "game24.json"
"""What ``python -m benchmarks people`` wrote."""
SPLIT_KEYS = (
    "rows", "by_n", "v", "bound", "operators", "distinct_puzzles", "at_least", "solutions", "repeat", "targets",
    "operations",
)  # fmt: skip
STREAM_ABOVE = 2_000_000
"""The card's snippet streams a config that has more rows than this, instead of downloading it."""

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=False,
    autoescape=False,  # the output is Markdown
)
# For texts, JSON literals are Python literals.
_templates.filters |= {
    "thousands": "{:,}".format,
    "rate": "{:.3f}".format,
    "percent": "{:.1%}".format,
    "literal": json.dumps,
}


def dataset_card(manifest: dict, repo_id: str, metric_id: str | None = None) -> str:
    """The text of the dataset's README.md, on the Hub or of a folder on this machine.

    Args:
        manifest: as ``arith_puzzle.dataset_builder.shards.build`` returns it.
        repo_id: what the reader passes to ``load_dataset``.
        metric_id: the metric's Space. None: the dataset is a folder, and the metric is that of the package.
    """
    configs = []
    for name, config in manifest["configs"].items():
        splits = [
            {
                "name": split,
                "path": _data_files([shard["file"] for shard in item["shards"]]),
                "equations": sum(item["operators"].values()),
                "sha256": [shard["sha256"] for shard in item["shards"]],
                "labels": {label: item["shards"][0].get(f"{label}_quantiles") for label in LABELS},
                "histograms": {label: item["shards"][0].get(f"{label}_histogram") for label in LABELS},
                **{key: item[key] for key in SPLIT_KEYS if key in item},
            }
            for split, item in config["splits"].items()
        ]
        scored = next((split["name"] for split in splits if split["name"] not in ("train", "validation")), None)
        rows = sum(split["rows"] for split in splits)
        rules = {key: next(iter(config["splits"].values())).get(key, value) for key, value in PAPER_RULES.items()}
        configs.append(
            {"name": name, "splits": splits, "scored": scored, "rows": rows, "stream": rows > STREAM_ABOVE,
             "custom": "repeat" in splits[0], "rules": {} if rules == PAPER_RULES else rules,
             "histograms": [_histogram(splits, label) for label in LABELS]}
        )  # fmt: skip
    data = DatasetCardData(
        license="cc-by-4.0",
        pretty_name="Arithmetic puzzles",
        task_categories=["text-generation"],
        tags=["arithmetic", "reasoning", "synthetic", ARXIV],
        size_categories=[size_category(max(config["rows"] for config in configs))],
        configs=[
            {
                "config_name": config["name"],
                # datasets caches a folder by this section, so it must change with the rows
                "description": f"seed {manifest['seed']}, rows {_rows_id(config['splits'])}",
                "data_files": [{"split": split["name"], "path": split["path"]} for split in config["splits"]],
                **({"default": True} if config["name"] == manifest.get("default", configs[0]["name"]) else {}),
            }
            for config in configs
        ],
    )
    body = fill(
        "dataset",
        repo_id=repo_id,
        metric_id=metric_id,
        configs=configs,
        example=EXAMPLE,
        key=manifest["key"],
        partition=manifest["partition"].replace("key >> 59: ", ""),
        seed=manifest["seed"],
        people=read_json(PEOPLE),
    )
    return whole_card(data, body, "dataset")


def _rows_id(splits: list[dict]) -> str:
    """16 hex digits that identify the rows of all splits of a config."""
    return hashlib.sha256(json.dumps([[split["name"], split["sha256"]] for split in splits]).encode()).hexdigest()[:16]


def adapter_card(
    names: Mapping, run: dict, base: dict, adapter: dict, *, base_run: dict | None, manifest: dict, example: dict,
    licence: dict,
) -> str:  # fmt: skip
    """The text of the adapter's README.md. It links to ``plots/`` beside it.

    Args:
        names: repo_id, base_id, base_revision, dataset_id, metric_id, demo_id, merged_id (or None).
        run: run.json of the training.
        base, adapter: results.json of the base and of the adapter.
        base_run: run.json of the base; None: this project did not train it.
        manifest: of the dataset that training and scoring used.
        example: "numbers", "target", "prompt", "answer", "raw", "rules" and "verdict" of a scored row, for the
            snippets.
        licence: of the base, from ``arith_puzzle.model_cards.licence``.
    """
    data = ModelCardData(
        **licence,
        library_name="peft",
        pipeline_tag="text-generation",
        base_model=names["base_id"],
        base_model_relation="adapter",
        datasets=[names["dataset_id"]],
        tags=["lora", "trl", method(run), "arithmetic", "reasoning", ARXIV],
        **model_index(names, adapter),
    )
    body = fill(
        "adapter",
        **names,
        **result_values({"base": base, "adapter": adapter}, manifest),
        **training_values(run),
        config=adapter["config"],
        first_split=next(iter(adapter["splits"])),
        dataset_licence=manifest.get("licence", "CC BY 4.0"),
        trained_on=describe_split(splits_of(manifest, adapter["config"])["train"]),
        seen=seen_table({"base": base_run, "adapter": run}, splits_of(manifest, adapter["config"])),
        drilled=(run["recipe"].get("drills") or {}).get("rows"),
        example=example,
        licence=licence_text(licence),
        fence="`" * max([3, *(len(run) + 1 for run in re.findall("`+", example["raw"]))]),
        max_new_tokens=adapter["decoding"]["max_new_tokens"],
    )
    return whole_card(data, body, "model")


def merged_card(names: Mapping, run: dict, adapter: dict, *, manifest: dict, example: dict, licence: dict) -> str:
    """The text of the README.md of the merged model. ``names`` also has adapter_id and adapter_revision."""
    data = ModelCardData(
        **licence,
        library_name="transformers",
        pipeline_tag="text-generation",
        base_model=names["base_id"],
        base_model_relation="finetune",
        datasets=[names["dataset_id"]],
        tags=["lora", "merged", "trl", method(run), "arithmetic", "reasoning", ARXIV],
    )
    body = fill(
        "merged",
        **names,
        **result_values({"adapter": adapter}, manifest),
        parameters=run["parameters"] - run["trainable_parameters"],
        example=example,
        licence=licence_text(licence),
        max_new_tokens=adapter["decoding"]["max_new_tokens"],
    )
    return whole_card(data, body, "model")


def base_card(names: Mapping, run: dict, base: dict | None, *, manifest: dict, config: Mapping, licence: dict) -> str:
    """The text of the README.md of a base of ours.

    Args:
        names: repo_id, adapter_id, dataset_id, metric_id.
        run: run.json of the base's training.
        base: its results.json; None: it was not scored without its adapter.
        manifest: of the dataset that scoring used.
        config: the base's config.json.
        licence: of the base, from ``arith_puzzle.model_cards.licence``.
    """
    data = ModelCardData(
        **licence,
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["arithmetic", ARXIV],
        **(model_index(names, base) if base else {}),
    )
    body = fill(
        "base",
        **names,
        **(result_values({"base": base}, manifest) if base else {"scores": None, "marker": SEARCH_MARKER}),
        **training_values(run),
        **drill_values(run),
        licence=licence_text(licence),
        seen=seen_table({"base": run}, {}),
        vocabulary=config["vocab_size"],
        window=config.get("sliding_window"),
    )
    return whole_card(data, body, "model")


def given_base_card(
    names: Mapping, base: dict, *, manifest: dict, example: dict, licence: dict, original: str | None
) -> str:
    """The text of the README.md of a base that this project did not train. Arguments as in ``base_card``.

    Args:
        example: as in ``adapter_card``.
        original: file name of the card that came with the base, if any.
    """
    data = ModelCardData(
        **licence,
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["arithmetic", ARXIV],
        **model_index(names, base),
    )
    body = fill(
        "given_base",
        **names,
        **result_values({"base": base}, manifest),
        example=example,
        licence=licence_text(licence),
        max_new_tokens=base["decoding"]["max_new_tokens"],
        original=original,
    )
    return whole_card(data, body, "model")


def space_card(text: str, names: Mapping[str, str], **linked: list[str]) -> str:
    """A Space's README.md with its placeholders filled in, and ``models`` and ``datasets`` in its front matter.

    Args:
        names: placeholder, without its brackets -> text.
    """
    for name, value in names.items():
        text = text.replace(f"<{name}>", value)
    card = CARDS["space"](text)
    for field, ids in linked.items():
        setattr(card.data, field, ids)
    check_card(str(card), "space")
    return str(card)


def fill(name: str, **values: object) -> str:
    """A card's body: ``templates/<name>.md.jinja`` with these values. A missing value is an error."""
    return _templates.get_template(f"{name}.md.jinja").render(hub=HUB, **values)


def whole_card(data: object, body: str, kind: str) -> str:
    """The text of a README.md: front matter and body. Raises InputError if `check_card` refuses it."""
    text = str(CARDS[kind](f"---\n{data.to_yaml()}\n---\n\n{body}"))
    check_card(text, kind)
    return text


def _histogram(splits: list[dict], label: str) -> dict:
    """The histogram of a label for all splits that have it: lower edges of the bins, and each split's rows in them."""
    counts = {split["name"]: split["histograms"][label] for split in splits if split["histograms"][label]}
    edges = sorted({edge for found in counts.values() for edge in found}, key=float)
    rows = {name: [found.get(edge, 0) for edge in edges] for name, found in counts.items()}
    return {"label": label, "edges": [edge if "." in edge else f"{int(edge):,}" for edge in edges], "rows": rows}


def _data_files(files: list[str]) -> str | list[str]:
    """The data files of a split: a file's name, a pattern for 10 or 100 shards, or else the list of all names."""
    patterns = {10: "0000[0-9]", 100: "000[0-9][0-9]"}
    if len(files) == 1:
        return files[0]
    first = files[0].removesuffix("00000.parquet")
    return f"{first}{patterns[len(files)]}.parquet" if len(files) in patterns else files

"""Cards from what commands wrote: manifest, run.json, results.json. No number is typed by hand."""

from __future__ import annotations

from pathlib import Path

import yaml
from huggingface_hub import DatasetCard, DatasetCardData, EvalResult, ModelCard, ModelCardData
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dataset_builder.errors import InputError

HUB = "https://huggingface.co"
ARXIV = "arxiv:2406.02100"
EXAMPLE = {"prompt": "3,6,7,51,58:4\n", "completion": "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4"}
"""The paper's own example; its solution is printed as in the paper, not in normal form."""

REQUIRED = {
    "dataset": ("license", "pretty_name", "task_categories", "tags", "configs", "size_categories"),
    "model": ("license", "library_name", "tags", "pipeline_tag"),
    "space": ("title", "sdk", "sdk_version", "app_file", "license"),
}

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=False,
    autoescape=False,  # Markdown out of our own files
)


def dataset_card(manifest: dict, repo_id: str, metric_id: str) -> str:
    """The dataset's README.md.

    Args:
        manifest: as ``dataset_builder.shards.build`` returns it.
        repo_id: what the reader passes to ``load_dataset``.
        metric_id: the metric's Space.
    """
    configs = []
    for name, config in manifest["configs"].items():
        splits = [
            {
                "name": split,
                "path": _data_files([shard["file"] for shard in item["shards"]]),
                "equations": sum(item["operators"].values()),
                "sha256": [shard["sha256"] for shard in item["shards"]],
                "labels": {key: item["shards"][0].get(f"{key}_quantiles") for key in ("difficulty", "num_solutions")},
                "histograms": {
                    key: item["shards"][0].get(f"{key}_histogram") for key in ("difficulty", "num_solutions")
                },
                **{key: item[key] for key in ("rows", "by_n", "v", "operators", "distinct_puzzles", "at_least")},
            }
            for split, item in config["splits"].items()
        ]
        configs.append({"name": name, "splits": splits})
    total = max(sum(split["rows"] for split in config["splits"]) for config in configs)
    data = DatasetCardData(
        license="cc-by-4.0",
        pretty_name="Arithmetic puzzles",
        task_categories=["text-generation"],
        tags=["arithmetic", "reasoning", "synthetic", ARXIV],
        size_categories=[_size_category(total)],
        configs=[
            {
                "config_name": config["name"],
                "data_files": [{"split": split["name"], "path": split["path"]} for split in config["splits"]],
                **({"default": True} if config is configs[0] else {}),
            }
            for config in configs
        ],
    )
    body = _render(
        "dataset",
        repo_id=repo_id,
        metric_id=metric_id,
        configs=configs,
        example=EXAMPLE,
        key=manifest["key"],
        partition=manifest["partition"].replace("key >> 59: ", ""),
        seed=manifest["seed"],
    )
    return _whole(DatasetCard, data, body, "dataset")


def adapter_card(names: dict, run: dict, base: dict, adapter: dict, example: dict) -> str:
    """The adapter's README.md.

    Args:
        names: repo_id, base_id, dataset_id, metric_id.
        run: the training's run.json; base, adapter: the two results.json.
        example: a row with "prompt", for the snippet.
    """
    rows = _result_rows("base alone", base) + _result_rows("**with this adapter**", adapter)
    failures = next(iter(adapter["splits"].values()))["reasons"]
    data = ModelCardData(
        license="apache-2.0",
        library_name="peft",
        pipeline_tag="text-generation",
        base_model=names["base_id"],
        datasets=[names["dataset_id"]],
        tags=["lora", "trl", "sft", "arithmetic", "reasoning", ARXIV],
        **_model_index(names, adapter),
    )
    body = _render("adapter", **names, config=adapter["config"], results=rows, sizes=list(rows[0]["by_n"]), run=run,
                   failures={r: share for r, share in failures.items() if r != "ok"}, example=example)  # fmt: skip
    return _whole(ModelCard, data, body, "model")


def base_card(names: dict, run: dict, base: dict) -> str:
    """The README.md of our own base; ``names`` holds repo_id, adapter_id, dataset_id, metric_id."""
    data = ModelCardData(
        license="apache-2.0",
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["arithmetic", ARXIV],
        **_model_index(names, base),
    )
    body = _render("base", **names, config=base["config"], results=_result_rows("base", base), run=run)
    return _whole(ModelCard, data, body, "model")


def check_card(text: str, kind: str) -> None:
    """Raise InputError if a card's front matter lacks a field that its kind requires, or the body is empty.

    Args:
        text: README.md; kind: "dataset", "model" or "space".
    """
    parts = text.split("---\n", 2)
    try:
        fields = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0] else None
    except yaml.YAMLError as error:
        raise InputError(f"the card's front matter is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(fields, dict):
        raise InputError("a card starts with front matter between two lines of ---")
    missing = [field for field in REQUIRED[kind] if not fields.get(field)]
    if missing:
        raise InputError(f"a {kind} card needs {', '.join(REQUIRED[kind])}; missing: {', '.join(missing)}")
    if not parts[2].strip():
        raise InputError("a card needs a text after its front matter")


def _render(name: str, **values: object) -> str:
    return _templates.get_template(f"{name}.md.jinja").render(hub=HUB, **values)


def _whole(card: type, data: object, body: str, kind: str) -> str:
    text = str(card(f"---\n{data.to_yaml()}\n---\n\n{body}"))
    check_card(text, kind)
    return text


def _result_rows(label: str, results: dict) -> list[dict]:
    return [
        {"label": label, "split": split, "n": item["n"], "pass1": item["pass@1"], "ci": item["pass@1_ci95"],
         "by_n": item["by_n"]}
        for split, item in results["splits"].items()
    ]  # fmt: skip


def _model_index(names: dict, results: dict) -> dict:
    return {
        "model_name": names["repo_id"],
        "eval_results": [
            EvalResult(
                task_type="text-generation",
                dataset_type=names["dataset_id"],
                dataset_name="arith-puzzle",
                dataset_config=results["config"],
                dataset_split=split,
                metric_type="pass@1",
                metric_name="greedy pass@1, exact division",
                metric_value=round(item["pass@1"], 4),
            )
            for split, item in results["splits"].items()
        ],
    }


def _data_files(files: list[str]) -> str | list[str]:
    """One file's name; a pattern for 10 or 100 shards from the first on; else the list."""
    patterns = {10: "0000[0-9]", 100: "000[0-9][0-9]"}
    if len(files) == 1:
        return files[0]
    first = files[0].removesuffix("00000.parquet")
    return f"{first}{patterns[len(files)]}.parquet" if len(files) in patterns else files


def _size_category(rows: int) -> str:
    bounds = [(10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M")]
    return next((name for bound, name in bounds if rows < bound), "10M<n<100M")

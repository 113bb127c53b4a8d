"""The card: the front matter of README.md, its check before an upload, and the tags that the Hub derives from it.

The checks cover the structure that the Hub's `/api/validate-yaml` demands, not its lists of licences and task names
(https://huggingface.co/docs/hub/model-cards#model-card-metadata).
"""

from __future__ import annotations

import json
import re

import yaml

_FRONT_MATTER = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n(.*?)\r?\n?---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_MAX_VALUES = 100_000
SPACE_SDKS = ("gradio", "docker", "static", "streamlit")
_TEXTS = ("license", "language", "tags", "datasets", "base_model", "task_categories", "size_categories", "metrics")
_COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")


def front_matter(readme: str) -> dict:
    """The metadata as JSON values; `{}` if there is none. Raises `ValueError` if it is not a YAML mapping."""
    match = _FRONT_MATTER.match(readme)
    if not match:
        return {}
    try:
        data = yaml.safe_load(match[1])
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"YAML: {error}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ValueError("The metadata must be a YAML mapping.")
    return _as_json(data)


def _as_json(data: object) -> object:
    """Convert YAML values to JSON values.

    Raises `ValueError` for more than 100,000 values: nested YAML aliases can expand to billions.
    """
    left, seen = [data], 0
    while left:
        value, seen = left.pop(), seen + 1
        if seen > _MAX_VALUES:
            raise ValueError(f"The metadata may hold at most {_MAX_VALUES} values.")
        left += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return json.loads(json.dumps(data, default=str))


def card_data(readme: str | None) -> dict:
    """The metadata of a stored card. A malformed card counts as empty, as on the Hub's pages."""
    try:
        return front_matter(readme or "")
    except ValueError:
        return {}


def validate(content: str, repo_type: str) -> tuple[list[str], list[str]]:
    """(errors, warnings) about a README.md, each a list of texts."""
    try:
        data = front_matter(content)
    except ValueError as error:
        return [str(error)], []
    if not data:
        return [], [
            "empty or missing yaml metadata in repo card (https://huggingface.co/docs/hub/model-cards#model-card-metadata)"
        ]
    errors = []
    for field in _TEXTS:
        if field in data and not all(isinstance(item, str) for item in _as_list(data[field])):
            errors.append(f'"{field}" must be a string or a list of strings')
    if "tags" in data and not isinstance(data["tags"], list):
        errors.append('"tags" must be an array')
    if "model-index" in data and not isinstance(data["model-index"], list):
        errors.append('"model-index" must be an array')
    if repo_type == "dataset" and "configs" in data:
        configs = data["configs"]
        if not isinstance(configs, list) or not all(
            isinstance(c, dict) and isinstance(c.get("config_name"), str) for c in configs
        ):
            errors.append('"configs" must be an array of mappings with a "config_name"')
    if repo_type == "space":
        errors += _space_errors(data)
    return errors, []


def _space_errors(data: dict) -> list[str]:
    errors = []
    if data.get("sdk") not in SPACE_SDKS:
        errors.append(f'"sdk" must be one of {", ".join(SPACE_SDKS)}')
    for field in ("colorFrom", "colorTo"):
        if field in data and data[field] not in _COLOURS:
            errors.append(f'"{field}" must be one of {", ".join(_COLOURS)}')
    if len(str(data.get("short_description", ""))) > 60:
        errors.append('"short_description" length must be less than or equal to 60 characters long')
    return errors


def eval_results(files: dict[str, bytes]) -> list[dict]:
    """The scores in a model's `.eval_results/*.yaml`, as `EvalResultEntry` reads them.

    A malformed file gives one entry with its name and its error (https://huggingface.co/docs/hub/eval-results).
    """
    found = []
    for path in sorted(files):
        if not re.fullmatch(r"\.eval_results/[^/]+\.ya?ml", path):
            continue
        try:
            entries = yaml.safe_load(files[path])
            if not isinstance(entries, list):
                raise ValueError("it must be a list")
            for entry in _as_json(entries):
                if not isinstance(entry, dict) or "value" not in entry or not isinstance(entry.get("dataset"), dict):
                    raise ValueError("each entry needs 'value' and 'dataset'")
                if not {"id", "task_id"} <= entry["dataset"].keys():
                    raise ValueError("'dataset' needs 'id' and 'task_id'")
                found.append({"filename": path, "verified": False, "data": entry})
        except (ValueError, yaml.YAMLError) as error:
            found.append({"filename": path, "error": str(error)[:300]})
    return found


def tags(kind: str, data: dict) -> list[str]:
    """The tags that the Hub shows and filters by: the card's own, then `license:`, `language:` and so on."""
    found = [str(tag) for tag in _as_list(data.get("tags"))]
    prefixed = ["license", "task_categories", "task_ids", "size_categories", "annotations_creators", "multilinguality"]
    if kind == "datasets":
        prefixed.append("language")
    else:
        found += [str(tag) for tag in _as_list(data.get("language"))]
    for field, prefix in [*((f, f) for f in prefixed), ("datasets", "dataset"), ("base_model", "base_model")]:
        found += [f"{prefix}:{value}" for value in _as_list(data.get(field))]
    found += [str(data[field]) for field in ("library_name", "pipeline_tag", "sdk") if isinstance(data.get(field), str)]
    return list(dict.fromkeys([*found, "region:us"]))


def _as_list(value: object) -> list:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

"""Run a scaling study: train and score every size of every arm, fit score against training rows, and plot.

Finished trainings and scores are kept, so an interrupted study resumes. At the end it writes ``scaling.json`` (curves
with intervals, fits, commands, hardware), ``scaling.md`` (tables) and a plot for each scored split.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from tqdm import tqdm

from arith_puzzle.common.datasets_cache import datasets_cache
from arith_puzzle.common.errors import InputError, reported
from arith_puzzle.common.files import PACKAGE, write_json, write_text
from arith_puzzle.common.markdown import table
from arith_puzzle.evaluation.plots import plot_scaling
from arith_puzzle.evaluation.results import interval_text
from arith_puzzle.evaluation.tasks import TASKS, read_rows
from arith_puzzle.studies.fit import fit_log_linear
from arith_puzzle.studies.study import Study, Training, build_commands, dataset_section, load_study, slug, trainings
from arith_puzzle.training.launch import launch
from arith_puzzle.training.run import contents, finished


def run_study(
    path: Path,
    out: Path,
    *,
    dataset: str | None = None,
    scored: str | None = None,
    accelerate_config: Path | None = None,
) -> dict:
    """Run the missing parts of a study, and return the content of ``out/scaling.json``.

    Args:
        path: the study's YAML file, or its name in ``studies``.
        dataset: folder or Hub id of the training rows; default: the recipe's.
        scored: folder, Hub id or JSONL file of the scored rows; default: the study's, else ``dataset``.
        accelerate_config: the configuration file of accelerate; None: as the recipe's ``processes`` need it.

    Returns:
        {"study": the study's content, "series": [{"name", "config", "split", "points": [{"rows", "prompts" (different
        prompts among the rows), "seed", "n", "pass@1", "pass@1_ci95", "by_n" (for puzzles), "steps", "train_loss",
        "train_seconds", "generations_sha256"}], "fit" (of ``arith_puzzle.studies.fit.fit_log_linear``)}], "commands",
        "hardware", "versions", "source_commits"}.

    Raises:
        InputError: the study is not valid, the dataset lacks rows, or a training failed.
    """
    study = load_study(path)
    section = dataset_section(study.base)
    source = dataset or section.path
    test = scored or study.scored or source
    plan = trainings(study)
    prompts = count_prompts(study, plan, source, test)
    points = []
    (out / "scaling.json").unlink(missing_ok=True)  # this file means that the study is complete
    for training in tqdm(plan, desc=f"study {study.name}", unit="training"):
        record = _train(training, out / training.folder, source, accelerate_config)
        for config, splits in study.score.items():
            results = _score(study, training, out / training.folder, test, config, splits)
            points += [_point(training, record, prompts, config, split, item) for split, item in results.items()]
    command = f"arith-puzzle study {_shown(path)} --dataset {_shown(source)}"
    command += (f" --scored {_shown(scored)}" if scored else "") + f" --out runs/{study.name}"
    record = {
        "study": dataclasses.asdict(study),
        "series": _series(study, points),
        "commands": [*build_commands(study, _shown(source)), command],
        **_machines([out / training.folder / "train" / "run.json" for training in plan]),
    }
    for config, splits in study.score.items():
        for split in splits:
            drawn = [each for each in record["series"] if (each["config"], each["split"]) == (config, split)]
            plot_scaling(drawn, out / f"scaling-{slug(config)}-{split}.png", title=f"{study.name}, {config}/{split}")
    write_text(out / "scaling.md", markdown(record))
    write_json(out / "scaling.json", record)
    return record


def markdown(record: dict) -> str:
    """Return the study's tables: all points with n and interval, and all fits."""
    points = [
        [series["name"], f"`{series['config']}/{series['split']}`", f"{point['rows']:,}", f"{point['prompts']:,}",
         str(point["seed"]), f"{point['steps']:,}", f"{point['n']:,}", f"**{point['pass@1']:.3f}**",
         interval_text(point["pass@1_ci95"]), f"{point['train_seconds']:,.0f}"]
        for series in record["series"]
        for point in series["points"]
    ]  # fmt: skip
    fits = [
        [series["name"], f"`{series['config']}/{series['split']}`", str(fit["points"]), f"{fit['decades']:.1f}",
         f"**{fit['slope_per_decade']:+.3f}**", f"{fit['slope_ci95'][0]:+.3f} to {fit['slope_ci95'][1]:+.3f}",
         "" if fit["r2"] is None else f"{fit['r2']:.3f}"]
        for series in record["series"]
        if (fit := series["fit"])
    ]  # fmt: skip
    header = ["arm", "split", "rows", "prompts", "seed", "steps", "n", "pass@1", "95% interval", "training, s"]
    text = table(header, points)
    if fits:
        fit_header = ["arm", "split", "points", "decades", "pass@1 per tenfold increase in rows", "95% interval", "r²"]
        text += "\nFits of pass@1 = a + b·log10(rows), ordinary least squares:\n\n" + table(fit_header, fits)
    return text


def count_prompts(study: Study, plan: list[Training], source: str, test: str) -> dict[tuple[str, int], int]:
    """Check that all rows of a study are there, and count the different prompts of each training.

    Args:
        plan: the study's trainings.
        source: the dataset of the training rows.
        test: the dataset of the scored rows.

    Returns:
        (config, number of training rows) -> number of different prompts among them.

    Raises:
        InputError: rows are missing; the message has the commands that build them.
    """
    import pyarrow.compute as pc
    from datasets import load_dataset

    def load(config: str, split: str):
        remedy = f"; build it with: {'; '.join(build_commands(study, source))}"
        with reported(f"cannot load {config}/{split} of {source!r}", source, remedy=remedy):
            return load_dataset(source, config, split=split, cache_dir=datasets_cache(source))

    for config, splits in study.score.items():
        for split in splits:
            if study.task == "puzzle":
                load(config, split)
            else:
                read_rows(TASKS[study.task]("alpaca"), test, config, split, limit=study.limit)
    section = dataset_section(study.base)
    column = "query" if section.format == "alpaca" else "prompt"
    found = {}
    for config in dict.fromkeys(dataset_section(training.recipe).config for training in plan):
        rows = load(config, section.split).select_columns([column]).with_format("arrow")
        if len(rows) < max(study.rows):
            raise InputError(f"{study.name} needs {max(study.rows):,} training rows; {config} has {len(rows):,}")
        for size in study.rows:
            found[config, size] = pc.count_distinct(rows[:size][column]).as_py()
    return found


def _train(training: Training, folder: Path, source: str, accelerate_config: Path | None) -> dict:
    """Train, unless this training is finished already, and return its run.json."""
    if not finished(folder / "train", training.recipe, contents(training.recipe, source)):
        recipe = folder / "recipe.yaml"
        training.write(recipe)
        status = launch(recipe, out=folder / "train", dataset=source, accelerate_config=accelerate_config)
        if status:
            raise InputError(f"{folder}: training ended with status {status}; its error message is above")
    return json.loads((folder / "train" / "run.json").read_text())


def _score(
    study: Study, training: Training, folder: Path, test: str, config: str, splits: list[str]
) -> dict[str, dict]:
    """Score a training with greedy decoding. Return split -> its scores."""
    from arith_puzzle.evaluation.score import score

    recipe, run_folder = training.recipe, str(folder / "train")
    model, adapter = (recipe.base_path, run_folder) if recipe.lora else (run_folder, None)
    results = score(
        model, adapter, test, config, splits, folder / f"score-{config}", task=study.task, limit=recipe.score.limit,
        prompt_format=recipe.score.format if study.task == "puzzle" else None, batch_size=recipe.score.batch_size,
        max_new_tokens=recipe.score.max_new_tokens, name=recipe.name, chat=recipe.chat,
    )  # fmt: skip
    return {split: results["splits"][split] for split in splits}


def _point(training: Training, record: dict, prompts: dict, config: str, split: str, item: dict) -> dict:
    section = dataset_section(training.recipe)
    return {
        "arm": training.arm.name,
        "config": config,
        "split": split,
        "rows": section.rows,
        "prompts": prompts[section.config, section.rows],
        "seed": training.recipe.seed,
        "steps": max(entry.get("step", 0) for entry in record["log"]),
        "train_loss": record["train_loss"],
        "train_seconds": record["seconds"],
        **{key: item[key] for key in ("n", "pass@1", "pass@1_ci95", "by_n", "generations_sha256") if key in item},
    }


def _series(study: Study, points: list[dict]) -> list[dict]:
    series = []
    for config, splits in study.score.items():
        for split in splits:
            for arm in study.arms:
                own = [
                    point
                    for point in points
                    if (point["arm"], point["config"], point["split"]) == (arm.name, config, split)
                ]
                kept = [
                    {key: value for key, value in point.items() if key not in ("arm", "config", "split")}
                    for point in own
                ]
                series.append(
                    {"name": arm.name, "config": config, "split": split, "points": kept, "fit": fit_log_linear(kept)}
                )
    return series


def _machines(files: list[Path]) -> dict:
    """Return the different hardware, library versions and commits of all trainings."""
    records = [json.loads(file.read_text()) for file in files]

    def different(key: str) -> list:
        return [json.loads(text) for text in dict.fromkeys(json.dumps(r.get(key), sort_keys=True) for r in records)]

    return {
        "hardware": different("hardware"),
        "versions": different("versions"),
        "source_commits": different("source_commit"),
    }


def _shown(path: str | Path) -> str:
    """Return a path that is valid elsewhere: relative to the package or the current directory, else only its name."""
    full = Path(path).resolve()
    for root in (PACKAGE / "studies", Path.cwd()):
        if full.is_relative_to(root.resolve()):
            return str(full.relative_to(root.resolve().parent if root.name == "studies" else root.resolve()))
    return full.name if Path(path).exists() else str(path)

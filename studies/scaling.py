"""Run a scaling study: train and score every size of every arm, fit score against training rows, and plot.

Finished trainings and scores are kept, so an interrupted study resumes. At the end it writes ``scaling.json`` (curves
with intervals, fits, commands, hardware), ``scaling.md`` (tables) and a plot for each scored split.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from functools import cache, partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from arith_puzzle.common.datasets_cache import datasets_cache
from arith_puzzle.common.errors import InputError, reported
from arith_puzzle.common.files import PACKAGE, write_json, write_text
from arith_puzzle.common.markdown import table
from arith_puzzle.evaluation.gold import compare_likelihoods
from arith_puzzle.evaluation.plots import plot_scaling
from arith_puzzle.evaluation.report import mcnemar, p_text
from arith_puzzle.evaluation.results import interval_text
from arith_puzzle.evaluation.tasks import TASKS, read_rows
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import mean
from arith_puzzle.studies.fit import fit_log_linear
from arith_puzzle.studies.study import (
    ScoredRows,
    Study,
    Training,
    build_commands,
    dataset_section,
    load_study,
    slug,
    trainings,
)
from arith_puzzle.training.launch import launch
from arith_puzzle.training.run import contents, finished


def run_study(
    path: Path,
    out: Path,
    *,
    dataset: str | None = None,
    scored: str | dict[str, str] | None = None,
    accelerate_config: Path | None = None,
) -> dict:
    """Run the missing parts of a study, and return the content of ``out/scaling.json``.

    Args:
        path: the study's YAML file, or its name in ``studies``.
        dataset: folder or Hub id of the training rows; default: the recipe's.
        scored: for a study of puzzles, folder or Hub id of the scored rows (default: ``dataset``). For a study with
            ``tests``, {name of a test: folder, Hub id or JSONL file in place of its own}.
        accelerate_config: the configuration file of accelerate; None: as the recipe's ``processes`` need it.

    Returns:
        {"study": the study's content, "series": [{"name": the arm, "test": where it was scored, "points": [{"rows",
        "prompts" (different prompts among the rows), "seed", "n", "pass@1", "pass@1_ci95", "by_n" (for puzzles),
        pass@k and "gold" (where the test has them), "steps", "train_loss", "train_seconds", "generations_sha256"}],
        "fit" (of ``arith_puzzle.studies.fit.fit_log_linear``), "gold_fit" (the same of the log-likelihoods)}],
        "comparisons" (with the baseline, see `_compare`), "commands", "hardware", "versions", "source_commits"}. A
        series of puzzles has "config" and "split" in place of "test".

    Raises:
        InputError: the study is not valid, the dataset lacks rows, or a training failed.
    """
    study = load_study(path)
    section = dataset_section(study.base)
    source = dataset or section.path
    scores = scored_rows(study, source, scored)
    plan = trainings(study)
    prompts = count_prompts(study, plan, source, scores)
    points = []
    (out / "scaling.json").unlink(missing_ok=True)  # this file means that the study is complete
    for training in tqdm(plan, desc=f"study {study.name}", unit="training"):
        record = _train(training, out / training.folder, source, accelerate_config)
        for rows in scores:
            results = _score(training, out / training.folder, rows)
            points += [_point(training, record, prompts, rows.label(split), item) for split, item in results.items()]
    record = {
        "study": dataclasses.asdict(study),
        "series": _series(study, points, scores),
        "comparisons": _compare(study, points, scores, out),
        "commands": [*build_commands(study, _shown(source)), _command(path, study, source, scored)],
        **_machines([out / training.folder / "train" / "run.json" for training in plan]),
    }
    for rows in scores:
        for split in rows.splits:
            place = _place(rows.label(split))
            drawn = [each for each in record["series"] if _place(each) == place]
            plot_scaling(drawn, out / f"scaling-{place.replace('/', '-')}.png", title=f"{study.name}, {place}")
    write_text(out / "scaling.md", markdown(record))
    write_json(out / "scaling.json", record)
    return record


def _command(path: Path, study: Study, source: str, scored: str | dict[str, str] | None) -> str:
    words = ["arith-puzzle", "study", _shown(path), "--dataset", _shown(source)]
    if isinstance(scored, str):
        words += ["--scored", _shown(scored)]
    for name, data in scored.items() if isinstance(scored, dict) else []:
        words += ["--scored", f"{name}={_shown(data)}"]
    return shlex.join([*words, "--out", f"runs/{study.name}"])


@dataclasses.dataclass(frozen=True)
class Scores:
    """Splits of one dataset, on which every training is scored. ``test`` is None where they are puzzles."""

    source: str
    config: str | None
    splits: list[str]
    test: ScoredRows | None = None

    @property
    def folder(self) -> str:
        """The folder of the scores within a training's."""
        return f"score-{slug(self.test.name)}" if self.test else f"score-{self.config}"

    def label(self, split: str) -> dict[str, str | None]:
        """What identifies a series, beside its arm."""
        return {"test": self.test.name} if self.test else {"config": self.config, "split": split}


def _place(series: dict) -> str:
    """The scored rows of a series, in words."""
    return series["test"] if "test" in series else f"{series['config']}/{series['split']}"


def scored_rows(study: Study, source: str, scored: str | dict[str, str] | None) -> list[Scores]:
    """Return what every training of a study is scored on.

    Args:
        scored: see `run_study`.

    Raises:
        InputError: ``scored`` is not of the study's kind, or names a test that the study does not have.
    """
    if not study.tests:
        if isinstance(scored, dict):
            raise InputError(f"{study.name} scores puzzles: give --scored a folder or a Hub id, without NAME=")
        return [Scores(scored or source, config, splits) for config, splits in study.score.items()]
    names = [test.name for test in study.tests]
    if isinstance(scored, str):
        raise InputError(f"{study.name} has tests: give --scored as NAME={scored}, where NAME is one of {names}")
    unknown = [name for name in scored or {} if name not in names]
    if unknown:
        raise InputError(f"{study.name} has no test {unknown[0]!r}; --scored takes NAME=DATA for {names}")
    found = []
    for test in study.tests:
        data = (scored or {}).get(test.name, test.data)
        file = Path(data).is_file()
        found.append(Scores(data, None if file else test.config, [Path(data).stem if file else test.split], test))
    return found


def markdown(record: dict) -> str:
    """Return the study's tables: all points with n and interval, and all fits."""
    every = [point for series in record["series"] for point in series["points"]]
    others = sorted({key for point in every for key in point if re.fullmatch(r"pass@(?!1$)\d+|gold", key)})
    points = [
        [series["name"], f"`{_place(series)}`", f"{point['rows']:,}", f"{point['prompts']:,}",
         str(point["seed"]), f"{point['steps']:,}", f"{point['n']:,}", f"**{point['pass@1']:.3f}**",
         interval_text(point["pass@1_ci95"]), *_others(point, others), f"{point['train_seconds']:,.0f}"]
        for series in record["series"]
        for point in series["points"]
    ]  # fmt: skip
    fits = [
        [series["name"], f"`{_place(series)}`", what, str(fit["points"]), f"{fit['decades']:.1f}",
         f"**{fit['slope_per_decade']:+.3f}**", f"{fit['slope_ci95'][0]:+.3f} to {fit['slope_ci95'][1]:+.3f}",
         "" if fit["r2"] is None else f"{fit['r2']:.3f}"]
        for series in record["series"]
        for what, fit in (("pass@1", series["fit"]), ("log-likelihood", series.get("gold_fit")))
        if fit
    ]  # fmt: skip
    names = [name for key in others for name in (("log-likelihood", "steps right") if key == "gold" else (key,))]
    header = ["arm", "split", "rows", "prompts", "seed", "steps", "n", "pass@1", "95% interval", *names, "training, s"]
    text = table(header, points)
    if fits:
        fit_header = ["arm", "split", "score", "points", "decades", "per tenfold rows", "95% interval", "r²"]
        text += "\nFits of score = a + b·log10(rows), ordinary least squares:\n\n" + table(fit_header, fits)
    if record.get("comparisons"):
        text += f"\nDifferences to {record['study']['baseline']!r}, on the same rows:\n\n" + _differences(record)
    return text


def _others(point: dict, keys: list[str]) -> list[str]:
    """The cells of pass@k and of the rows' own solutions, with their intervals."""
    cells = []
    for key in keys:
        gold = point.get("gold", {})
        scores = ("log_likelihood", "steps_right") if key == "gold" else (key,)
        for name in scores:
            value, ends = (gold or point).get(name), (gold or point).get(f"{name}_ci95")
            cells.append("" if value is None else f"{value:.3f} {interval_text(ends)}")
    return cells


def _differences(record: dict) -> str:
    lines = [
        [each["name"], f"`{_place(each)}`", f"{each['rows']:,}", str(each["seed"]), f"{each['n']:,}",
         f"{each['difference']:+.3f}", f"{each['wins']:,} : {each['losses']:,}", p_text(each["p"]),
         *([f"{gold['difference']:+.4f} {interval_text(gold['difference_ci95'])}", p_text(gold["p"])]
           if (gold := each.get("gold")) else ["", ""])]
        for each in record["comparisons"]
    ]  # fmt: skip
    header = ["arm", "split", "rows", "seed", "n", "pass@1", "only this : only that", "p (McNemar, exact)",
              "log-likelihood", "p"]  # fmt: skip
    return table(header, lines)


def count_prompts(study: Study, plan: list[Training], source: str, scores: list[Scores]) -> dict[tuple[str, int], int]:
    """Check that all rows of a study are there, and count the different prompts of each training.

    Args:
        plan: the study's trainings.
        source: the dataset of the training rows.
        scores: what is scored.

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

    for rows in scores:
        for split in rows.splits:
            if rows.test is None:
                load(rows.config, split)
            else:
                read_rows(TASKS[rows.test.task]("alpaca"), rows.source, rows.config, split, limit=rows.test.limit)
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


def _score(training: Training, folder: Path, rows: Scores) -> dict[str, dict]:
    """Score a training, with greedy decoding unless the test has samples. Return split -> its scores."""
    from arith_puzzle.evaluation.score import score

    recipe, run_folder, test = training.recipe, str(folder / "train"), rows.test
    model, adapter = (recipe.base_path, run_folder) if recipe.lora else (run_folder, None)
    options: dict[str, Any] = {"prompt_format": recipe.score.format, "limit": recipe.score.limit}
    if test:
        options = {"task": test.task, "limit": test.limit, "gold": test.gold}
        options |= {"samples": test.samples, "k": (1, test.samples)} if test.samples else {}
    results = score(
        model, adapter, rows.source, rows.config, list(rows.splits), folder / rows.folder, name=recipe.name,
        batch_size=recipe.score.batch_size, max_new_tokens=recipe.score.max_new_tokens, chat=recipe.chat, **options,
    )  # fmt: skip
    return {split: results["splits"][split] for split in rows.splits}


def _point(training: Training, record: dict, prompts: dict, label: dict, item: dict) -> dict:
    section = dataset_section(training.recipe)
    kept = re.compile(r"n|by_n|generations_sha256|gold|by_perturbation|pass@\d+(_ci95)?")
    return {
        "arm": training.arm.name,
        **label,
        "rows": section.rows,
        "prompts": prompts[section.config, section.rows],
        "seed": training.recipe.seed,
        "steps": max(entry.get("step", 0) for entry in record["log"]),
        "train_loss": record["train_loss"],
        "train_seconds": record["seconds"],
        **{key: value for key, value in item.items() if kept.fullmatch(key)},
    }


def _series(study: Study, points: list[dict], scores: list[Scores]) -> list[dict]:
    series = []
    for rows in scores:
        for label in map(rows.label, rows.splits):
            for arm in study.arms:
                wanted = {"arm": arm.name, **label}
                kept = [
                    {key: value for key, value in point.items() if key not in wanted}
                    for point in points
                    if wanted.items() <= point.items()
                ]
                found = {"name": arm.name, **label, "points": kept, "fit": fit_log_linear(kept)}
                if all("gold" in point for point in kept):
                    values = [{"rows": point["rows"], "score": point["gold"]["log_likelihood"]} for point in kept]
                    found["gold_fit"] = fit_log_linear(values, score="score")
                series.append(found)
    return series


def _compare(study: Study, points: list[dict], scores: list[Scores], out: Path) -> list[dict]:
    """Compare every arm with the baseline, at equal rows and seed, on the same scored rows.

    Returns:
        [{"name", "test" (or "config" and "split"), "rows", "seed", "n", "difference" (of pass@1), "wins", "losses"
        (rows where one of the two has the larger share of right answers), "p" (McNemar's exact test of wins and
        losses), "gold" (`compare_likelihoods`, where the test has it)}]; empty without a baseline.
    """
    folders = {(training.arm.name, dataset_section(training.recipe).rows, training.recipe.seed): out / training.folder
               for training in trainings(study)}  # fmt: skip
    found = []
    for rows in scores if study.baseline else []:
        rates = cache(partial(_rates, rows))  # the baseline's answers are compared with those of every arm
        for split in rows.splits:
            for point in points:
                label, size, seed = rows.label(split), point["rows"], point["seed"]
                if point["arm"] == study.baseline or not label.items() <= point.items():
                    continue
                ours, theirs = (folders[arm, size, seed] / rows.folder for arm in (point["arm"], study.baseline))
                shares = [rates(folder / f"generations-{split}.jsonl") for folder in (ours, theirs)]
                wins, losses = (sum(a > b for a, b in zip(*pair, strict=True)) for pair in (shares, shares[::-1]))
                pair = {"name": point["arm"], **label, "rows": size, "seed": seed, "n": len(shares[0]),
                        "difference": mean(shares[0]) - mean(shares[1]), "wins": wins, "losses": losses,
                        "p": mcnemar(wins, losses)}  # fmt: skip
                if "gold" in point:
                    files = [folder / f"likelihoods-{split}.jsonl" for folder in (ours, theirs)]
                    pair["gold"] = compare_likelihoods(*files)
                found.append(pair)
    return found


def _rates(rows: Scores, path: Path) -> list[float]:
    """The share of right answers to each row of a file of answers."""
    with path.open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    answers = [record["responses"] if "responses" in record else record["response"] for record in records]
    return TASKS[rows.test.task if rows.test else "puzzle"].rates(records, answers)


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

"""Tasks of lighteval, for ``--custom-tasks``: one for each config, split and prompt format of a dataset.

    ARITH_PUZZLE_DATASET=<namespace>/arith-puzzle lighteval accelerate "model_name=MODEL" arith_puzzle:starter:test \\
        --custom-tasks "$(arith-puzzle harness lighteval)"

``arith_puzzle:<config>:<split>`` asks in English. ``arith_puzzle_symbolic:<config>:<split>`` is for this project's
models. The variable ARITH_PUZZLE_DATASET names the dataset, a folder or a Hub id; the default is ``arith-puzzle``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from arith_puzzle.common.errors import reported
from arith_puzzle.dataset_builder.configs import how_to_get
from arith_puzzle.evaluation.harnesses.places import not_installed
from arith_puzzle.evaluation.harnesses.scoring import question, scores
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import mean
from arith_puzzle.metrics.arith_puzzle_verifier.verify import RULE_COLUMNS

try:
    from lighteval.metrics.metrics_sample import SampleLevelComputation
    from lighteval.metrics.utils.metric_utils import SampleLevelMetric
    from lighteval.tasks.lighteval_task import LightevalTaskConfig
    from lighteval.tasks.requests import Doc, SamplingMethod
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] != "lighteval":
        raise
    raise not_installed("lighteval") from None

VARIABLE = "ARITH_PUZZLE_DATASET"
GENERATION_SIZE = {"natural": 1024, "symbolic": 128}
"""Prompt format -> the longest response, in tokens."""


class Judge(SampleLevelComputation):
    """A metric: the share of a row's samples that are right. Samples are judged as the model wrote them."""

    def __init__(self, view: str):
        """``view`` is "strict" or "lenient", see ``scoring.scores``."""
        self.view = view

    def compute(self, doc: Any, model_response: Any, **_: object) -> float:
        """Return the share. lighteval removes reasoning from ``final_text``; ``text`` is the whole response."""
        return mean([scores(doc.specific, response)[self.view] for response in model_response.text])


def metrics() -> list:
    """The two metrics, ``strict`` and ``lenient``."""
    return [
        SampleLevelMetric(
            metric_name=view,
            higher_is_better=True,
            category=SamplingMethod.GENERATIVE,
            sample_level_fn=Judge(view),
            corpus_level_fn=mean,
        )
        for view in ("strict", "lenient")
    ]


def document(row: dict, task_name: str, *, format: str) -> Any:
    """One row as lighteval's ``Doc``. Raises ValueError as ``scoring.question``."""
    given = {name: row[name] for name in ("numbers", "target", *RULE_COLUMNS) if row.get(name) is not None}
    return Doc(task_name=task_name, query=question(row, format), choices=[row.get("completion") or ""], gold_index=0,
               specific=given)  # fmt: skip


def tasks(dataset: str) -> Iterator[Any]:
    """The tasks of all splits of a dataset, except ``train``.

    Args:
        dataset: folder or Hub id.

    Raises:
        InputError: there is no such dataset.
    """
    from datasets import get_dataset_config_names, get_dataset_split_names

    place = _own_name(dataset)
    with reported(f"{VARIABLE}: cannot load {dataset!r}", dataset, remedy=f"; {how_to_get('starter', dataset)}"):
        splits = {config: get_dataset_split_names(place, config) for config in get_dataset_config_names(place)}
    for format, name in (("natural", "arith_puzzle"), ("symbolic", "arith_puzzle_symbolic")):
        for config, names in splits.items():
            for split in names:
                if split == "train":
                    continue
                yield LightevalTaskConfig(
                    name=f"{name}:{config}:{split}",
                    prompt_function=partial(document, format=format),
                    hf_repo=place,
                    hf_subset=config,
                    hf_avail_splits=names,
                    evaluation_splits=[split],
                    metrics=metrics(),
                    generation_size=GENERATION_SIZE[format],
                    stop_sequence=[],
                    version=1,
                )


def _own_name(dataset: str) -> str:
    """A link to a dataset's folder. Its name depends on the files: ``datasets`` caches rows by a folder's name."""
    folder = Path(dataset)
    if not folder.is_dir():
        return dataset
    folder = folder.resolve()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    link = Path(_links().name) / f"{folder.name}-{hashlib.sha256(repr(stats).encode()).hexdigest()[:12]}"
    if not link.is_symlink():
        link.symlink_to(folder)
    return str(link)


@cache
def _links() -> TemporaryDirectory:
    return TemporaryDirectory(prefix="arith-puzzle-lighteval-", ignore_cleanup_errors=True)


TASKS_TABLE = list(tasks(os.environ.get(VARIABLE) or "arith-puzzle"))

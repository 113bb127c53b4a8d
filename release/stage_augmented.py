"""Stage aug-gsm8k, the folder that ``arith-puzzle augment build`` writes, and the metric for it.

It is a separate release. The same commands stage, publish, check and yank it, and it joins the same collection.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE, read_json, write_text
from arith_puzzle.dataset_builder.aug_gsm8k.dataset import NAME
from arith_puzzle.dataset_builder.aug_gsm8k.runs import rows_sha256
from arith_puzzle.model_cards.aug_gsm8k import aug_gsm8k_card
from arith_puzzle.model_cards.render import space_card
from arith_puzzle.release.stage import CACHES, Repo, write_stage

PAPER = "2310.05506"
METRIC = "metrics/gsm8k_answer"
"""The folder of the package that is pushed as the metric's Space."""


def plan(namespace: str) -> list[Repo]:
    """The repos of this release, in the order of publishing."""
    return [
        Repo("gsm8k-metric", "space", f"{namespace}/{Path(METRIC).name}"),
        Repo(NAME, "dataset", f"{namespace}/{NAME}"),
    ]


def read_manifest(source: Path) -> dict:
    """The manifest of a built folder. Raises InputError if the folder is not one."""
    manifest = read_json(source / "manifest.json")
    if manifest.get("dataset") != NAME:
        raise InputError(f"{source} is not a folder of `arith-puzzle augment build`; give such a folder, or a recipe")
    return manifest


def stage(source: Path, namespace: str, out: Path) -> Path:
    """Write the folders ``gsm8k-metric`` and ``aug-gsm8k`` below ``out``, and ``out/release.json`` with the plan.

    Args:
        source: a folder that ``augment build`` wrote. Its card is rendered again, with the Hub's ids.
        namespace: the user or organisation that will own the repos.
        out: the folder to write.

    Returns:
        ``out``.

    Raises:
        InputError: a file of the manifest is missing or has other rows, a file is not in the manifest, or ``out`` lies
            in ``source``.
    """
    if out.resolve().is_relative_to(source.resolve()):
        raise InputError(f"{out} lies in {source}; give another --work")
    metric, dataset = plan(namespace)
    stagers = {
        metric: partial(_stage_metric, namespace=namespace, dataset_id=dataset.id),
        dataset: partial(_stage_dataset, source=source, repo_id=dataset.id, metric_id=metric.id),
    }
    return write_stage(out, namespace, stagers, PAPER, "The paper that introduced the five ways of changing questions")


def _stage_metric(folder: Path, namespace: str, dataset_id: str) -> None:
    shutil.copytree(PACKAGE / METRIC, folder, ignore=CACHES)
    write_text(
        folder / "README.md",
        space_card((folder / "README.md").read_text(), {"namespace": namespace}, datasets=[dataset_id]),
    )


def _stage_dataset(folder: Path, source: Path, repo_id: str, metric_id: str) -> None:
    manifest = read_manifest(source)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".*"))
    write_text(folder / "README.md", aug_gsm8k_card(manifest, repo_id, metric_id))
    for item in manifest["files"]:
        if not _holds(folder / item["file"], item["sha256"]):
            raise InputError(f"{source / item['file']} differs from what manifest.json says; run `augment build` again")
    listed = {"LICENSE", "README.md", "manifest.json", *(item["file"] for item in manifest["files"])}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    if strange := sorted(found - listed):
        raise InputError(f"{source / strange[0]} is not in manifest.json; move it to another folder")


def _holds(path: Path, sha256: str) -> bool:
    try:
        return rows_sha256(pq.read_table(path)) == sha256
    except (OSError, pa.ArrowInvalid):
        return False

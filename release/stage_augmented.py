"""Stage aug-gsm8k: the folder that ``arith-puzzle augment build`` writes, as a release of its own.

It is published, checked and withdrawn by the same commands, and joins the same collection.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import write_text
from arith_puzzle.dataset_builder.aug_gsm8k.dataset import NAME
from arith_puzzle.dataset_builder.aug_gsm8k.runs import rows_sha256
from arith_puzzle.model_cards.aug_gsm8k import aug_gsm8k_card
from arith_puzzle.release.inputs import read_json
from arith_puzzle.release.stage import Repo, write_stage

PAPER = "2310.05506"


def plan(namespace: str) -> list[Repo]:
    """The one repo of this release."""
    return [Repo(NAME, "dataset", f"{namespace}/{NAME}")]


def read_manifest(source: Path) -> dict:
    """The manifest of a built folder. Raises InputError if the folder is none."""
    manifest = read_json(source / "manifest.json")
    if manifest.get("dataset") != NAME:
        raise InputError(f"{source} is no folder of `arith-puzzle augment build`; give that, or a recipe")
    return manifest


def stage(source: Path, namespace: str, out: Path) -> Path:
    """Write ``out`` as ``arith_puzzle.release.stage.stage`` does: one folder, ``aug-gsm8k``, and ``release.json``.

    Args:
        source: as ``augment build`` wrote it; its card is rendered anew with the repo's id.

    Raises:
        InputError: a file of the manifest that is missing or holds other rows, a file that it does not list, or an
            ``out`` within ``source``.
    """
    if out.resolve().is_relative_to(source.resolve()):
        raise InputError(f"{out} lies within {source}; give another --work")
    (repo,) = plan(namespace)
    stagers = {repo: partial(_fill, source=source, repo_id=repo.id)}
    return write_stage(out, namespace, stagers, PAPER, "The paper whose five ways of augmenting questions are followed")


def _fill(folder: Path, source: Path, repo_id: str) -> None:
    manifest = read_manifest(source)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".*"))
    write_text(folder / "README.md", aug_gsm8k_card(manifest, repo_id))
    for item in manifest["files"]:
        if not _holds(folder / item["file"], item["sha256"]):
            raise InputError(f"{source / item['file']} is not what manifest.json says; run `augment build` again")
    listed = {"LICENSE", "README.md", "manifest.json", *(item["file"] for item in manifest["files"])}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    if strange := sorted(found - listed):
        raise InputError(f"{source / strange[0]} is not in manifest.json; move it elsewhere")


def _holds(path: Path, sha256: str) -> bool:
    try:
        return rows_sha256(pq.read_table(path)) == sha256
    except (OSError, pa.ArrowInvalid):
        return False

"""Folders of one name, and a folder whose files were replaced, are read as they are now."""

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("datasets", reason="the core's tests run without it")

from arith_puzzle.cli import main
from arith_puzzle.common.datasets_cache import datasets_cache
from arith_puzzle.common.errors import InputError
from arith_puzzle.evaluation.tasks import Puzzle, read_rows
from arith_puzzle.release.own_data import describe
from arith_puzzle.training.data.rows import open_split
from arith_puzzle.training.sections import DatasetSection

CARD = """---
license: mit
configs:
- config_name: mine
  data_files:
  - {split: test, path: test.jsonl}
---
My puzzles.
"""

SECTION = DatasetSection(config="mine", split="test")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A function that writes rows to a folder of the same name in another place."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))

    def write(place, *rows):
        path = tmp_path / place / "my-puzzles"
        path.mkdir(parents=True, exist_ok=True)
        (path / "README.md").write_text(CARD)
        (path / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    return write


def row(target, **changes):
    puzzle = {"numbers": [1, target - 1], "target": target, "prompt": f"1,{target - 1}:{target}\n"}
    return puzzle | {"completion": f"{target - 1}+1={target}"} | changes


def test_another_folder_of_the_name_and_replaced_rows(folder):
    for place, target in (("a", 5), ("b", 6), ("a", 7)):
        path = folder(place, row(target))
        assert [each["target"] for each in open_split(SECTION, str(path))] == [target]
        assert [each["target"] for each in read_rows(Puzzle("symbolic"), path, "mine", "test")] == [target]
        assert describe(Path(path), "mine")["configs"]["mine"]["splits"]["test"]["v"] == target - 1


def test_other_column_types_under_the_name_of_a_folder_that_was_loaded(folder):
    from datasets import load_dataset

    load_dataset(folder("a", row(5)), "mine")  # a user's own call, which fills the usual cache
    other = folder("b", row(5, prompt=7), row(6, prompt=8))
    assert [each["prompt"] for each in open_split(SECTION, str(other))] == [7, 8]
    with pytest.raises(InputError, match="prompt and completion must be strings"):
        describe(Path(other), "mine")


def test_a_folder_that_is_built_again_with_another_seed_is_loaded_anew(tmp_path, monkeypatch):
    """By the user's own load_dataset: its card tells datasets which rows it has."""
    from datasets import load_dataset

    (tmp_path / "small.yaml").write_text("name: small\nv: 30\nsizes: {3: 1}\nsplits: {test: {rows: 5}}\n")
    found = []
    for seed in ("0", "1"):
        shutil.rmtree(tmp_path / "puzzles", ignore_errors=True)
        command = [
            "build",
            "--config",
            str(tmp_path / "small.yaml"),
            "--out",
            str(tmp_path / "puzzles"),
            "--seed",
            seed,
        ]
        assert main(command) == 0
        loaded = load_dataset(str(tmp_path / "puzzles"), "small", split="test", cache_dir=str(tmp_path / "cache"))
        found.append(loaded["prompt"][:])
    assert found[0] != found[1]


def test_a_repo_of_the_hub_has_the_usual_cache(tmp_path):
    assert datasets_cache("someone/puzzles") is None
    assert datasets_cache(str(tmp_path)) == datasets_cache(f"{tmp_path}/.") != datasets_cache(str(tmp_path.parent))

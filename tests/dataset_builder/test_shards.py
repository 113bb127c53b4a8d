"""Rows and shards of the config `starter`: golden hashes, no leak between splits, resuming after a kill, errors."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import pytest

from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder import shards
from arith_puzzle.dataset_builder.configs import CONFIGS, how_to_get
from arith_puzzle.dataset_builder.generate import LABELS, SCHEMA, puzzles, stream_key
from arith_puzzle.dataset_builder.puzzle import partition_mask, puzzle_keys
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify

GOLDEN = {
    "train": "396943a69d925fb1bb4ef74795b04fee5fe69829a6bb5a2412e1fc3262e5cfcb",
    "validation": "b70d1b63f43f84c60b30eaa7a670b1a0e4256458854c70c393613cf0b782728b",
    "test": "2e50db44f6aa9138c23056ab7e314d5214694bdb2f535a824338dc0a8f553b07",
}
"""Spec 1, seed 0. Rows with other hashes are another spec: change these only together with SPEC_VERSION."""


def _tables(out):
    return {split: pq.read_table(out / shards.shard_path("starter", split, 0)) for split in CONFIGS["starter"].splits}


def test_golden_hashes(starter):
    splits = starter[1]["configs"]["starter"]["splits"]
    assert {split: item["shards"][0]["sha256"] for split, item in splits.items()} == GOLDEN


def test_sizes_columns_and_every_row_verifies(starter):
    out, manifest = starter
    for split, table in _tables(out).items():
        spec = CONFIGS["starter"].splits[split]
        assert table.num_rows == spec.rows == manifest["configs"]["starter"]["splits"][split]["rows"]
        assert table.schema.equals(SCHEMA)
        assert all(table[label].null_count == (0 if spec.labels else spec.rows) for label in LABELS)
        for row in table.to_pylist()[:: 1 if spec.labels else 7]:
            assert row["numbers"] == sorted(set(row["numbers"])) and 1 <= row["target"] <= spec.v
            assert verify(row["numbers"], row["target"], row["completion"]).correct
        assert set(manifest["configs"]["starter"]["splits"][split]["by_n"]) == {"3", "4"}


def test_no_puzzle_is_in_two_splits_and_keys_obey_the_partition(starter):
    prompts = {}
    for split, table in _tables(starter[0]).items():
        prompts[split] = set(table["prompt"].to_pylist())
        for n in (3, 4):
            rows = table.filter(table["n"].to_numpy() == n)
            numbers = rows["numbers"].combine_chunks().values.to_numpy().reshape(-1, n)
            keys = puzzle_keys(numbers, rows["target"].to_numpy())
            assert partition_mask(keys, split).all()
    assert not (prompts["train"] & prompts["validation"] or prompts["train"] & prompts["test"])
    assert not prompts["validation"] & prompts["test"]
    assert len(prompts["test"]) == 2000 and len(prompts["validation"]) == 1000


def test_labels_are_the_solvers(starter):
    from arith_puzzle.dataset_builder.solver.labels import count_solutions, difficulty
    from arith_puzzle.dataset_builder.solver.solve import solutions

    for row in _tables(starter[0])["test"].to_pylist()[:40]:
        numbers, target = row["numbers"], row["target"]
        assert row["num_solutions"] == count_solutions(np.array([numbers]), np.array([target]), bound=600)[0]
        assert row["num_solutions"] >= len(list(solutions(numbers, target, bound=600))) > 0  # trees >= completions
        assert row["difficulty"] == pytest.approx(difficulty(numbers, target, 600), rel=1e-6)


def test_seeds_are_independent():
    """Seeds 0 and 1 share as many puzzles as two unrelated streams. N=3 has few puzzles, so these share some."""

    def drawn(*stream, n):
        numbers, targets, _ = puzzles(stream, 1000, n, 60, 600, "test", unique=True)
        return {(*row, target) for row, target in zip(numbers.tolist(), targets.tolist(), strict=True)}

    seeds = [drawn("starter", "test", seed, 0, n=3) for seed in (0, 1)]
    others = [drawn("chance", name, n=3) for name in ("a", "b")]
    chance = len(others[0] & others[1])
    assert 0.7 * chance < len(seeds[0] & seeds[1]) < 1.3 * chance
    assert len(drawn("starter", "test", 0, 0, n=4) & drawn("starter", "test", 1, 0, n=4)) < 20
    assert not (stream_key(1, "starter", "train", 0, 1) == stream_key(1, "starter", "train", 1, 0)).all()


def test_a_second_build_keeps_files_and_one_worker_gives_the_same(starter, tmp_path):
    manifest = starter[1]
    out = shutil.copytree(starter[0], tmp_path / "arith-puzzle")  # others read that folder
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    assert shards.build("starter", out, progress=False) == manifest
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")} == before
    (out / shards.shard_path("starter", "test", 0)).unlink()
    assert shards.build("starter", out, workers=1, progress=False) == manifest


def test_another_seed_or_a_foreign_file_is_refused(starter, tmp_path):
    out, _ = starter
    with pytest.raises(InputError, match="seed 1"):
        shards.build("starter", out, seed=1, progress=False)
    foreign = tmp_path / shards.shard_path("starter", "test", 0)
    foreign.parent.mkdir()
    foreign.write_text("not parquet")
    with pytest.raises(InputError, match="is not a shard of this build"):
        shards.build("starter", tmp_path, progress=False)
    assert foreign.read_text() == "not parquet"


@pytest.mark.parametrize("key", ["key", "configs"])
def test_a_manifest_that_lacks_a_part_is_refused_before_anything_is_built(starter, tmp_path, key):
    manifest = json.loads(json.dumps(starter[1]))
    del manifest[key]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError) as caught:
        shards.build("starter", tmp_path, progress=False)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'manifest.json'} has no {key!r}") and "\n" not in said
    assert "give another --out, or delete the folder" in said and not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize(("config", "kwargs"), [("nope", {}), ("starter", {"seed": -1}), ("starter", {"workers": 0})])
def test_bad_arguments(config, kwargs, tmp_path):
    with pytest.raises(InputError):
        shards.build(config, tmp_path / "x", **kwargs)
    assert not (tmp_path / "x").exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        shards.build("starter", tmp_path / "file" / "below", progress=False)


def _kill_while_it_writes(code, folder):
    """Run ``code`` and kill its process group while it writes a shard; return the temporary file that is left."""
    deadline = time.monotonic() + 600
    while True:
        child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        pattern = f".*.{child.pid}.tmp"
        while not list(folder.glob(pattern)):
            assert child.poll() is None and time.monotonic() < deadline
            time.sleep(0.001)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if left := list(folder.glob(pattern)):
            return left[0]
        for shard in folder.glob("*.parquet"):  # the write was faster than the kill: try again
            shard.unlink()


@pytest.mark.slow
def test_killed_in_the_middle_of_a_write_it_resumes_to_the_same_bytes(starter, tmp_path):
    """Two kills, then a complete run. Only the temporary file of the first shard is left after each kill."""
    out = tmp_path / "arith-puzzle"
    code = (
        "from arith_puzzle.dataset_builder.shards import build\n"
        f"build('starter', {str(out)!r}, workers=1, progress=False)"
    )
    for _ in range(2):
        left = _kill_while_it_writes(code, out / "starter")
        assert left.name.startswith(".train-00000.parquet.")
        assert {path.name for path in out.rglob("*.*")} == {left.name, ".lock"}  # a file, but no lock any more
    subprocess.run([sys.executable, "-c", code], check=True)
    assert json.loads((out / "manifest.json").read_text()) == starter[1]
    for path in starter[0].rglob("*.parquet"):
        assert (out / path.relative_to(starter[0])).read_bytes() == path.read_bytes()
    assert not list(out.rglob("*.tmp"))


def test_load_dataset_reads_the_folder_beside_it(starter):
    """In another process, by name, complete and streaming, with the card that `arith-puzzle build` writes."""
    pytest.importorskip("datasets", reason="the core alone is installed")
    out, _ = starter
    code = """
import json
from datasets import load_dataset
whole = load_dataset("arith-puzzle")
streamed = load_dataset("arith-puzzle", "starter", streaming=True)
first = {split: next(iter(streamed[split])) for split in streamed}
assert first == {split: whole[split][0] for split in whole}, first
print(json.dumps({split: len(whole[split]) for split in whole}), json.dumps(first["test"]))
"""
    environment = os.environ | {"HF_HOME": str(out.parent / "hf"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=out.parent, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('{"train": 300000, "validation": 1000, "test": 2000}')
    assert '"num_solutions"' in done.stdout and '"difficulty"' in done.stdout


def test_a_folder_of_the_users_is_not_overwritten(tmp_path, capsys):
    """It has a card and no manifest; the advice for a config that it lacks is one of its own."""
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# Mine\n")
    for style in ([], ["--style", "countdown"]):
        assert main(["build", "--config", "starter", "--out", str(tmp_path), *style]) == 2
        assert "give another --out" in capsys.readouterr().err
    assert (tmp_path / "README.md").read_text().endswith("# Mine\n") and len(list(tmp_path.iterdir())) == 1
    assert how_to_get("starter", tmp_path) == "its card names its configs: choose one of them as config"


def test_two_builds_at_a_time_into_one_folder_lose_nothing(tmp_path):
    """The second waits until the first has written manifest and card."""
    from arith_puzzle.release.pipeline import write_card

    out, started = tmp_path / "mine", []
    for name in ("first", "second"):
        (tmp_path / f"{name}.yaml").write_text(
            f"name: {name}\nsizes: {{3: 1}}\nv: 20\nsplits: {{test: {{rows: 20}}}}\n"
        )

    def finish(manifest, place):
        command = [sys.executable, "-m", "arith_puzzle.cli", "build", "--config", str(tmp_path / "second.yaml")]
        started.append(subprocess.Popen([*command, "--out", str(out)], stderr=subprocess.PIPE, text=True))
        assert started[0].stderr.readline() == f"another process is building into {out}; waiting for it\n"
        write_card(manifest, place)

    shards.build(str(tmp_path / "first.yaml"), out, progress=False, finish=finish)
    assert started[0].wait() == 0
    started[0].stderr.close()
    assert set(json.loads((out / "manifest.json").read_text())["configs"]) == {"first", "second"}
    card = (out / "README.md").read_text()
    assert "config_name: first" in card and "config_name: second" in card

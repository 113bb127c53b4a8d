"""Configs of the paper's sizes: golden hashes, no leak between splits, the same bytes whatever builds them."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder import configs, shards
from arith_puzzle.dataset_builder.configs import CONFIGS, Config
from arith_puzzle.dataset_builder.generate import generate_shard, puzzles
from arith_puzzle.dataset_builder.puzzle import (
    OPERATORS,
    completion,
    normal_form,
    parse_completion,
    partition_mask,
    puzzle_keys,
    symbolic_prompt,
)
from arith_puzzle.dataset_builder.solver import label_cache, write_label_cache
from arith_puzzle.dataset_builder.text import completions, prompts
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from tests.paths import ROOT

GOLDEN = {
    "train": "ccaa25f000aac87f",
    "validation": "0221d33d0dde1dbf",
    "test": "7225c0c114fd0c64",
    "ood_numeric_100": "cb8c0d8dad63f50a",
    "ood_numeric_1000": "b5acdb317625a0d3",
    "ood_form": "3fa96fb2e74c5e38",
}
"""Spec 1, seed 0, shard 0 of each split of `1m`: the first 16 digits of its SHA-256."""


def without_labels(config):
    return Config(config.family, {name: replace(spec, labels=False) for name, spec in config.splits.items()})


@pytest.fixture(scope="module")
def rows():
    """Split -> its first shard, without labels, because they take longer than the rows."""
    config = without_labels(CONFIGS["1m"])
    return {split: generate_shard(config, split, 0, 0) for split in config.splits}


def _keys(table):
    found = []
    for n in sorted(set(table["n"].to_pylist())):
        part = table.filter(table["n"].to_numpy() == n)
        numbers = np.array(part["numbers"].combine_chunks().flatten()).reshape(-1, n)
        found.append(puzzle_keys(numbers, part["target"].to_numpy()))
    return np.concatenate(found)


def test_golden_hashes(rows):
    assert {split: shards.rows_sha256(table)[:16] for split, table in rows.items()} == GOLDEN


def test_sizes_are_the_contracts():
    train = {name: config.splits["train"].rows for name, config in CONFIGS.items() if "train" in config.splits}
    assert train == {"1m": 10**6, "10m": 10**7, "100m": 10**8, "starter": 300_000}
    for name in ("1m", "10m", "100m"):
        sizes = {split: spec.rows for split, spec in CONFIGS[name].splits.items() if split != "train"}
        assert sizes == {"validation": 3000, "test": 7500, "ood_numeric_100": 6000, "ood_numeric_1000": 6000,
                         "ood_form": 5000}  # fmt: skip
    assert {split: spec.rows for split, spec in CONFIGS["stress"].splits.items()} == dict.fromkeys(
        ("n9", "n10", "n12", "n15", "v10000", "v100000"), 1000
    )


@pytest.mark.parametrize("split", list(CONFIGS["1m"].splits))
def test_rows_are_what_the_split_promises(rows, split):
    spec, table = CONFIGS["1m"].splits[split], rows[split]
    counts = {n: table["n"].to_pylist().count(n) for n in spec.n_values}
    assert sum(counts.values()) == table.num_rows and max(counts.values()) - min(counts.values()) <= 1
    step = 97 if split == "train" else 3
    for row in table.take(np.arange(0, table.num_rows, step)).to_pylist():
        numbers, target = row["numbers"], row["target"]
        assert numbers == sorted(set(numbers)) and len(numbers) == row["n"]
        assert 1 <= target <= spec.v and numbers[0] >= 1 and spec.at_least <= numbers[-1] <= spec.v
        assert row["prompt"] == symbolic_prompt(numbers, target)
        assert verify(numbers, target, row["completion"]).correct
        equations = parse_completion(row["completion"])
        assert normal_form(numbers, equations) == equations
        assert all(abs(c) <= spec.bound for *_, c in equations)


@pytest.mark.slow
def test_partitions_are_disjoint_by_exact_keys(rows):
    keys = {split: _keys(table) for split, table in rows.items()}
    for split, found in keys.items():
        assert partition_mask(found, split).all()
        if split != "train":
            assert len(np.unique(found)) == len(found), f"{split} holds a puzzle twice"
            assert not np.isin(found, keys["train"]).any()
    assert not np.isin(keys["validation"], np.concatenate([k for s, k in keys.items() if s != "validation"])).any()


def test_a_space_that_is_too_small_is_one_line_and_not_for_ever():
    with pytest.raises(InputError, match="of 1,000,000 puzzles with N=2"):
        puzzles(("tiny",), 10**6, 2, 5, 50, "validation", unique=True)


def _puzzles_of(table, n):
    part = table.filter(table["n"].to_numpy() == n)
    return np.array(part["numbers"].combine_chunks().flatten()).reshape(-1, n), part["target"].to_numpy()


@pytest.mark.parametrize(("split", "n", "rows_checked"), [("test", 5, 400), ("test", 7, 40), ("ood_form", 8, 12),
                                                          ("ood_numeric_1000", 6, 40)])  # fmt: skip
def test_known_labels_are_what_the_solver_computes(rows, split, n, rows_checked, monkeypatch):
    numbers, targets = _puzzles_of(rows[split], n)
    numbers, targets = numbers[:rows_checked], targets[:rows_checked]
    bound = CONFIGS["1m"].splits[split].bound
    computed = label_cache.computed_labels(numbers, targets, bound)
    monkeypatch.setattr(label_cache, "computed_labels", None)  # the cache must have all of these
    known = label_cache.label_rows(numbers, targets, bound)
    assert (known[0] == computed[0]).all() and np.allclose(known[1], computed[1], rtol=1e-6)


def test_labels_that_are_not_known_are_computed():
    numbers, targets, _ = puzzles(("other",), 50, 4, 60, 600, "test", unique=True)
    counts, shares = label_cache.label_rows(numbers, targets, 601)  # another bound: none is known
    want = label_cache.computed_labels(numbers, targets, 601)
    assert (counts == want[0]).all() and (shares == want[1]).all() and counts.min() > 0


def test_stress_rows_verify():
    config = CONFIGS["stress"]
    for split, spec in config.splits.items():
        if split in ("n15", "v100000", "n9"):
            table = generate_shard(Config("stress", {split: replace(spec, rows=60)}), split, 0, 0)
            for row in table.to_pylist():
                assert verify(row["numbers"], row["target"], row["completion"]).correct


@settings(max_examples=15, deadline=None)
@given(
    st.integers(3, 9), st.integers(60, 2000), st.integers(0, 10**9), st.sampled_from(["train", "validation", "test"])
)
def test_any_config_gives_valid_rows(n, v, seed, split):
    numbers, targets, equations = puzzles(("property", seed), 40, n, v, 10 * v, split, unique=True)
    assert partition_mask(puzzle_keys(numbers, targets), split).all()
    texts = completions(equations).to_pylist()
    for row, target, steps, text in zip(numbers.tolist(), targets.tolist(), equations.tolist(), texts, strict=True):
        assert text == completion((a, OPERATORS[op], b, c) for a, op, b, c in steps)
        assert verify(row, target, text).correct and normal_form(row, parse_completion(text)) == parse_completion(text)
    assert prompts(numbers, targets).to_pylist() == [
        symbolic_prompt(row, target) for row, target in zip(numbers.tolist(), targets.tolist(), strict=True)
    ]


@pytest.mark.slow
def test_workers_and_order_change_nothing(tmp_path, starter):
    manifests = []
    for workers in (1, 2, 5):
        out = tmp_path / str(workers)
        if workers == 5:  # the last shard first
            (out / "starter").mkdir(parents=True)
            shards.build_shard(CONFIGS["starter"], out, "test", 0, 0)
        manifests.append(shards.build("starter", out, workers=workers, progress=False))
    assert manifests[0] == manifests[1] == manifests[2] == starter[1]


def test_sizes_are_nested_and_duplicates_counted_across_shards(tmp_path, monkeypatch):
    monkeypatch.setattr(configs.spec, "SHARD_ROWS", 1000)
    spec = replace(CONFIGS["starter"].splits["train"], rows=1000)
    monkeypatch.setitem(CONFIGS, "1m", Config("small", {"train": spec}))
    monkeypatch.setitem(CONFIGS, "10m", Config("small", {"train": replace(spec, rows=3000)}))
    small = shards.build("1m", tmp_path, progress=False)["configs"]["1m"]["splits"]["train"]
    written = (tmp_path / small["shards"][0]["file"]).stat().st_mtime_ns
    large = shards.build("10m", tmp_path, progress=False)["configs"]["10m"]["splits"]["train"]
    assert large["shards"][0] == small["shards"][0] and len(large["shards"]) == 3
    assert (tmp_path / small["shards"][0]["file"]).stat().st_mtime_ns == written
    import pyarrow.parquet as pq

    every = [p for shard in large["shards"] for p in pq.read_table(tmp_path / shard["file"])["prompt"].to_pylist()]
    assert large["distinct_puzzles"] == len(set(every)) < len(every)


def test_canonical_solutions_on_request_keep_the_puzzles():
    made = Config("paper", {"test": replace(CONFIGS["1m"].splits["test"], rows=60, labels=False)})
    canonical = configs.with_solutions(made, "canonical")
    assert canonical.folder == "paper-canonical"
    one, two = generate_shard(made, "test", 0, 0), generate_shard(canonical, "test", 0, 0)
    assert one["prompt"] == two["prompt"] and one["completion"] != two["completion"]
    for row in two.to_pylist():
        assert verify(row["numbers"], row["target"], row["completion"]).correct
    assert configs.with_solutions(CONFIGS["starter"], "canonical") == CONFIGS["starter"]


def test_other_completions_are_a_config_of_their_own(tmp_path, monkeypatch):
    spec = replace(CONFIGS["1m"].splits["train"], rows=300)
    monkeypatch.setitem(CONFIGS, "1m", Config("paper", {"train": spec}))
    shards.build("1m", tmp_path, paths=2, progress=False)
    manifest = shards.build("1m", tmp_path, progress=False)
    assert list(manifest["configs"]) == ["1m", "1m-paths2"]
    made, several = (manifest["configs"][name]["splits"]["train"] for name in manifest["configs"])
    assert made["rows"] == 300 < several["rows"] <= 600 and made["distinct_puzzles"] == several["distinct_puzzles"]
    assert made["shards"][0]["file"] != several["shards"][0]["file"]


def test_paths_give_each_puzzle_several_solutions_and_the_canonical_first():
    train = Config("paper", {"train": replace(CONFIGS["1m"].splits["train"], rows=90)})
    canonical = generate_shard(configs.with_solutions(train, "canonical"), "train", 0, 0).to_pylist()
    config = configs.with_solutions(train, None, paths=3)
    assert config.folder == "paper-paths3"
    several = generate_shard(config, "train", 0, 0).to_pylist()
    groups = {}
    for row in several:
        assert verify(row["numbers"], row["target"], row["completion"]).correct
        groups.setdefault(row["prompt"], []).append(row["completion"])
    assert list(groups) == [row["prompt"] for row in canonical]
    assert [texts[0] for texts in groups.values()] == [row["completion"] for row in canonical]
    assert all(1 <= len(texts) == len(set(texts)) <= 3 for texts in groups.values())
    assert len(several) > 2.5 * len(canonical)


@pytest.mark.slow
def test_a_disk_that_takes_no_more_is_one_line(tmp_path):
    """The system's limit on file sizes makes the write fail in the middle of a shard."""
    code = f"""
import resource, signal
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.shards import build
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    build("starter", {str(tmp_path / "out")!r}, progress=False)
except InputError as error:
    print(error)
"""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "numba")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.stdout.startswith("cannot write ") and done.stdout.count("\n") == 1, done.stdout + done.stderr
    left = [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert "manifest.json" not in left and "train-00000.parquet" not in left and not [n for n in left if "tmp" in n]


@pytest.mark.slow
def test_every_row_of_1m_verifies_by_the_verifier_itself(rows):
    for table in rows.values():
        columns = (table[name].to_pylist() for name in ("numbers", "target", "completion"))
        wrong = [row for row in zip(*columns, strict=True) if not verify(*row).correct]
        assert not wrong, wrong[:3]


@pytest.mark.slow
def test_every_known_label_is_what_the_solver_computes(tmp_path):
    shipped = label_cache.FILE.read_bytes()
    import pyarrow.parquet as pq

    anew = pq.read_table(write_label_cache.write(tmp_path / "labels.parquet"))
    (tmp_path / "shipped.parquet").write_bytes(shipped)
    before = pq.read_table(tmp_path / "shipped.parquet")
    assert anew.num_rows == before.num_rows == 30_500
    for column in ("key", "n", "bound", "num_solutions"):
        assert anew[column].equals(before[column])
    assert np.allclose(anew["difficulty"].to_numpy(), before["difficulty"].to_numpy(), rtol=1e-6)


@pytest.mark.slow
def test_no_leak_at_ten_million(rows):
    """The test compares the complete 64-bit keys."""
    evaluation = np.sort(np.concatenate([_keys(table) for split, table in rows.items() if split != "train"]))
    config = without_labels(CONFIGS["10m"])
    for shard in range(10):
        keys = _keys(generate_shard(config, "train", 0, shard))
        at = np.minimum(np.searchsorted(evaluation, keys), len(evaluation) - 1)
        assert len(keys) == 1_000_000 and not (evaluation[at] == keys).any()


@pytest.mark.slow
def test_killed_at_twenty_random_moments(tmp_path, starter):
    out = tmp_path / "arith-puzzle"
    code = (
        "from arith_puzzle.dataset_builder.shards import build\n"
        f"build('starter', {str(out)!r}, workers=2, progress=False)"
    )
    rng, kills = random.Random(7), 0
    while kills < 20:
        child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        time.sleep(rng.uniform(0.5, 3.5))
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            kills += 1
        child.wait()
        if (out / "manifest.json").exists():  # it was done: begin again
            subprocess.run(["rm", "-rf", str(out)], check=True)
    subprocess.run([sys.executable, "-c", code], check=True)
    assert json.loads((out / "manifest.json").read_text()) == starter[1]
    assert not list(out.rglob("*.tmp"))


@pytest.mark.slow
@pytest.mark.parametrize("numpy", ["2.0.0", "newest"])
def test_the_same_bytes_under_the_oldest_and_the_newest_numpy(numpy, tmp_path):
    """In a temporary environment; "newest" is the newest NumPy that numba supports."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    wanted = f"numpy=={numpy}" if numpy != "newest" else "numpy"
    libraries = [wanted, "numba", "pyarrow", "tqdm", "pydantic", "pyyaml"]
    subprocess.run([python, "-m", "pip", "install", "-q", *libraries], check=True)
    code = """
import json, numpy
from dataclasses import replace
from arith_puzzle.dataset_builder.configs import CONFIGS, Config
from arith_puzzle.dataset_builder.generate import generate_shard
from arith_puzzle.dataset_builder.shards import rows_sha256
found = {}
for name in ("1m", "starter"):
    config = Config(CONFIGS[name].family, {s: replace(spec, labels=False) for s, spec in CONFIGS[name].splits.items()})
    found |= {f"{name}/{split}": rows_sha256(generate_shard(config, split, 0, 0))[:16] for split in config.splits}
print(json.dumps([numpy.__version__, found]))
"""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path / "numba")}
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    version, found = json.loads(done.stdout)
    assert numpy == "newest" or version == numpy
    assert {split: found[f"1m/{split}"] for split in GOLDEN} == GOLDEN
    assert found["starter/train"] == "396943a69d925fb1"


def test_unwritable_folder_is_one_line(tmp_path):
    (tmp_path / "starter").write_text("a file where the folder should be")
    with pytest.raises(InputError, match="cannot write") as caught:
        shards.build("starter", tmp_path, progress=False)
    assert "\n" not in str(caught.value)

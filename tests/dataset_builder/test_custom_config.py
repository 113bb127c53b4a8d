"""Configs from files: what they say is what is built, and what cannot be built is refused in one line."""

import json
from collections import Counter

import pyarrow.parquet as pq
import pytest
import yaml

import arith_puzzle
from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.configs import CONFIGS
from arith_puzzle.dataset_builder.configs.file import load
from arith_puzzle.dataset_builder.puzzle import puzzle_key
from arith_puzzle.dataset_builder.solver.labels import reachable
from arith_puzzle.dataset_builder.solver.solve import solutions
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify

MINE = {
    "name": "my_puzzles", "v": 30, "sizes": {3: 2, 4: 4, 2: 2},
    "splits": {
        "train": {"rows": 400, "solutions": "canonical", "paths": 3},
        "test": {"rows": 80, "labels": True, "sizes": {3: 1}},
        "far": {"rows": 40, "sizes": {3: 1}, "v": 9, "repeat": True, "targets": [-5, 40], "bound": 50},
        "large": {"rows": 10, "sizes": {9: 1}, "v": 1000000000, "at_least": 900000000},
    },
}  # fmt: skip


def write(folder, content, name="mine.yaml"):
    path = folder / name
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("custom")
    assert main(["build", "--config", str(write(folder, MINE)), "--out", str(folder / "mine")]) == 0
    return folder


def rows(folder, split):
    (shard,) = sorted((folder / "mine" / "my_puzzles").glob(f"{split}-*.parquet"))
    return pq.read_table(shard).to_pylist()


def test_every_split_has_what_its_keys_say(built):
    train, test, far, large = (rows(built, split) for split in ("train", "test", "far", "large"))
    sizes = Counter({row["prompt"]: row["n"] for row in train}.values())
    assert sizes[4] > sizes[3] > 0 and set(sizes) == {2, 3, 4} and sizes.total() <= 400 < len(train)
    for row in (*train, *test, *far, *large):
        assert verify(row["numbers"], row["target"], row["completion"]).correct
        assert row["numbers"] == sorted(row["numbers"])
    for row in (*train, *test):
        assert len(set(row["numbers"])) == row["n"] and 1 <= row["target"] <= 30 and max(row["numbers"]) <= 30
    assert all(row["num_solutions"] >= 1 for row in test) and all(row["num_solutions"] is None for row in train)
    assert any(len(set(row["numbers"])) < 3 for row in far) and any(not 1 <= row["target"] <= 9 for row in far)
    assert all(abs(int(line.split("=")[1])) <= 50 for row in far for line in row["completion"].split("\n"))
    assert all(-5 <= row["target"] <= 40 and max(row["numbers"]) <= 9 for row in far)
    assert all(row["n"] == 9 and max(row["numbers"]) >= 900000000 for row in large)
    assert all(puzzle_key(row["numbers"], row["target"]) >> 59 >= 2 for row in train)
    assert all(puzzle_key(row["numbers"], row["target"]) >> 59 == 1 for row in (*test, *far, *large))
    assert len({row["prompt"] for row in far}) == len(far)


def test_paths_are_canonical_solutions(built):
    first = next(row for row in rows(built, "train") if row["n"] == 3)
    found = {row["completion"] for row in rows(built, "train") if row["prompt"] == first["prompt"]}
    assert found <= set(solutions(first["numbers"], first["target"], bound=300)) and len(found) <= 3


def test_the_manifest_and_the_card_state_it(built):
    manifest = json.loads((built / "mine" / "manifest.json").read_text())
    far = manifest["configs"]["my_puzzles"]["splits"]["far"]
    assert (far["repeat"], far["targets"], far["bound"], far["v"]) == (True, [-5, 40], 50, 9)
    card = (built / "mine" / "README.md").read_text()
    assert "| `far` | 1..9, repeating | -5..40 | 50 | `+-*/` | generated |" in card
    assert "config_name: my_puzzles" in card


def test_load_dataset_and_generate_give_the_same_rows(built):
    load_dataset = pytest.importorskip("datasets").load_dataset  # the core's tests run without it
    loaded = load_dataset(str(built / "mine"), "my_puzzles", split="test", cache_dir=str(built / "cache"))
    assert loaded["prompt"] == [row["prompt"] for row in rows(built, "test")]
    assert arith_puzzle.generate(str(built / "mine.yaml"), "test", rows=80) == rows(built, "test")


def test_it_resumes_and_another_content_under_its_name_is_refused(built, tmp_path, capsys):
    out, part = tmp_path / "out", MINE | {"splits": {"test": MINE["splits"]["test"]}}
    shard = out / "my_puzzles" / "test-00000.parquet"
    path = write(tmp_path, part)
    assert main(["build", "--config", str(path), "--out", str(out)]) == 0
    before = shard.stat().st_mtime_ns
    assert main(["build", "--config", str(path), "--out", str(out), "--workers", "1", "--default"]) == 0
    assert shard.stat().st_mtime_ns == before
    assert shard.read_bytes() == (built / "mine" / "my_puzzles" / "test-00000.parquet").read_bytes()
    capsys.readouterr()
    other = write(tmp_path, MINE | {"splits": {"test": MINE["splits"]["test"] | {"v": 31}}})
    assert main(["build", "--config", str(other), "--out", str(out)]) == 2
    assert "is not a shard of this build" in capsys.readouterr().err


def test_a_small_space_can_be_taken_whole_and_not_more(tmp_path):
    """Two distinct numbers up to 12: every puzzle of the test part, each once."""
    pairs = [(a, b) for b in range(1, 13) for a in range(1, b)]
    puzzles = [(pair, target) for pair in pairs for target in reachable(pair, bound=120) if 1 <= target <= 12]
    exact = sum(puzzle_key(*puzzle) >> 59 == 1 for puzzle in puzzles)
    content = {"name": "small", "v": 12, "sizes": {2: 1}, "splits": {"test": {"rows": exact}}}
    assert len(arith_puzzle.generate(str(write(tmp_path, content)), "test", rows=exact)) == exact > 1
    content["splits"]["test"]["rows"] += 1
    with pytest.raises(InputError, match=f"there are exactly {exact} puzzles of size 2 for it, and rows asks for"):
        load(write(tmp_path, content))


def splits(**content):
    return MINE | {"splits": {"test": {"rows": 9} | content}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name: [", "is not YAML"),
        ("- 1", "the file must be a mapping with the keys"),
        ("", "the file must be a mapping with the keys"),
        ("v: 010", "v must be a valid integer, not '010'"),
        (splits(rows=10**14), "rows must be at most"),
        (MINE | {"seeed": 1}, "unknown key 'seeed'"),
        (splits(vv=5), "unknown key 'splits.test.vv'; did you mean 'splits.test.v'?"),
        (MINE | {"name": "starter"}, "is that of a shipped config"),
        (MINE | {"name": "paper"}, "is that of a shipped config"),
        (MINE | {"name": "My-Puzzles"}, "name must be lower-case letters"),
        (MINE | {"splits": {}}, "splits is empty"),
        (MINE | {"splits": {"a b": {"rows": 5}}}, "the name of a split has"),
        (MINE | {"splits": {"test": {}}}, "rows is missing"),
        (MINE | {"splits": {"all": {"rows": 9}}}, "not 'all'"),
        (MINE | {"splits": {"train": {"rows": 9}}}, "splits needs one to score on"),
        (MINE | {"v": 10**9 + 1}, "v must be at most 1e+09, not 1000000001"),
        (MINE | {"v": "60"}, "v must be a valid integer"),
        (MINE | {"sizes": {16: 1}}, "at most 15"),
        (MINE | {"sizes": {1: 1}}, "at least 2"),
        (MINE | {"sizes": {3: 0}}, "at least 1"),
        (MINE | {"sizes": {3: 999, 4: 1000}}, "a sum of 1 to 1000"),
        (splits(v=2, sizes={3: 1}), "3 distinct numbers do not fit in 1..2"),
        (splits(targets=[5, 1]), "targets is [lowest, highest]"),
        (splits(targets=[1]), "targets is [lowest, highest]"),
        (splits(at_least=31), "at_least 31 is above v, 30"),
        (splits(bound=20), "bound 20 is below v or a target"),
        (splits(bound=4 * 10**9), "at most"),
        (splits(paths=2, solutions="canonical"), "paths above 1 is for the split train"),
        (MINE | {"splits": {"train": {"rows": 9, "paths": 2}}}, "with solutions: canonical"),
        (splits(rows=3), "rows 3 is below the sum of the weights, 4"),
        (splits(labels=True, sizes={9: 1}), "for sizes up to 8"),
        (splits(labels=True, bound=10**8), "need a bound up to"),
        (splits(rows=2_000_000), "at most 1,000,000 rows"),
        (splits(v=5, rows=900, sizes={5: 1}), "puzzles of size 5 for it"),
        (splits(v=200, rows=900_000, sizes={2: 1}, targets=[7, 8]), "there are at most 39,800"),
    ],
)
def test_what_cannot_be_built_is_one_line(tmp_path, capsys, content, said):
    path = write(tmp_path, content)
    assert main(["build", "--config", str(path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and str(path) in error
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there_and_a_name_that_is_none(tmp_path, capsys):
    assert main(["build", "--config", str(tmp_path / "none.yaml")]) == 2
    assert "cannot read the config" in capsys.readouterr().err
    assert main(["build", "--config", "mine"]) == 2
    error = capsys.readouterr().err
    assert "a file of your own ends in .yaml" in error and all(name in error for name in CONFIGS)


def test_a_drawing_that_stalls_is_one_line(tmp_path, capsys):
    content = {"name": "stalls", "v": 12, "sizes": {6: 1}, "targets": [12, 12], "splits": {"test": {"rows": 500}}}
    assert main(["build", "--config", str(write(tmp_path, content)), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "of 500 puzzles with N=6, V=12 for split 'test' were found" in error and "raise V" in error

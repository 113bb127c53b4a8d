"""The Parquet files in datasets, polars and duckdb; their layout; shards that the configs of a family share."""

import json
import os
import subprocess
import sys

import duckdb
import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arith_puzzle.dataset_builder import configs, manifest, shards
from arith_puzzle.dataset_builder.configs import CONFIGS, Config, SplitSpec
from arith_puzzle.dataset_builder.generate import SCHEMA, generate_shard

SIZES = {"1m": 1000, "10m": 3000}


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """The paper's family in small, shards of 1,000 rows: 1m (one shard), then 10m (three) into the same folder.

    Returns:
        folder, the last manifest, the shards that each build made, and the files with their states after the first.
    """
    from arith_puzzle.release.pipeline import build_dataset

    out = tmp_path_factory.mktemp("family") / "arith-puzzle"
    made, states = {}, {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configs.spec, "SHARD_ROWS", 1000)
        for name, rows in SIZES.items():
            patch.setitem(CONFIGS, name, _small(rows))
            real, calls = shards.build_shard, made.setdefault(name, set())

            def build_shard(config, out, split, shard, seed, real=real, calls=calls):
                calls.add((split, shard))
                return real(config, out, split, shard, seed)

            patch.setattr(shards, "build_shard", build_shard)
            manifest = build_dataset(name, out, seed=0, workers=2)
            patch.setattr(shards, "build_shard", real)
            states[name] = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in out.rglob("*.parquet")}
    return out, manifest, made, states


def _small(rows: int) -> Config:
    return Config(
        "paper",
        {
            "train": SplitSpec(rows, (5, 6, 7), labels=False),
            "validation": SplitSpec(30, (5, 6, 7)),
            "test": SplitSpec(30, (5, 6, 7)),
            "ood_numeric_100": SplitSpec(30, (5, 6, 7), v=100, at_least=61),
            "ood_form": SplitSpec(12, (8,)),
        },
    )


def _parquet(out, family: str, split: str) -> pa.Table:
    files = sorted((out / family).glob(f"{split}-*.parquet"))
    assert files
    return pa.concat_tables([pq.read_table(file) for file in files])


def _in_a_process(code: str, folder) -> str:
    """Run code beside the folder, as a user does: without token and network, with an empty cache."""
    environment = os.environ | {"HF_HOME": str(folder.parent / "hf-readers"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder.parent, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_load_dataset_by_config_and_split_whole_and_streaming(family):
    out = family[0]
    lengths = _in_a_process(
        """
import json
import pyarrow as pa, pyarrow.parquet as pq
from pathlib import Path
from datasets import get_dataset_config_names, load_dataset
assert get_dataset_config_names("arith-puzzle") == ["1m", "10m"]
lengths = {}
for config, split, files in (("1m", "ood_form", 1), ("1m", "train", 1), ("10m", "train", 3), ("10m", "test", 1)):
    paths = sorted(Path("arith-puzzle/paper").glob(f"{split}-*.parquet"))[:files]
    expected = pa.concat_tables([pq.read_table(path) for path in paths])
    whole = load_dataset("arith-puzzle", config, split=split)
    assert whole.data.table.equals(expected), (config, split)
    streamed = load_dataset("arith-puzzle", config, split=split, streaming=True)
    assert list(streamed) == expected.to_pylist(), (config, split)
    lengths[f"{config} {split}"] = len(whole)
assert load_dataset("arith-puzzle", split="train").num_rows == 1000  # the default config is the first
print(json.dumps(lengths))
""",
        out,
    )
    assert json.loads(lengths) == {"1m ood_form": 12, "1m train": 1000, "10m train": 3000, "10m test": 30}


def test_polars_reads_the_same_rows(family, starter):
    out = family[0]
    train = _parquet(out, "paper", "train")
    assert polars.scan_parquet(out / "paper" / "train-*.parquet").collect().to_dicts() == train.to_pylist()
    for split in ("validation", "test"):
        expected = _parquet(starter[0], "starter", split)
        frame = polars.read_parquet(starter[0] / "starter" / f"{split}-00000.parquet")
        assert frame.to_dicts() == expected.to_pylist()
        assert frame.schema["numbers"] == polars.List(polars.Int32) and frame.schema["n"] == polars.Int8
    lazy = polars.scan_parquet(starter[0] / "starter" / "train-*.parquet")
    found = lazy.filter(polars.col("n") == 4).select(polars.len(), polars.col("target").sum()).collect().row(0)
    train = _parquet(starter[0], "starter", "train")
    fours = train.filter(train["n"].to_numpy() == 4)
    assert found == (fours.num_rows, int(fours["target"].to_numpy().sum()))


def test_duckdb_reads_the_same_rows(family, starter):
    out = family[0]
    with duckdb.connect(config={"threads": 1}) as database:

        def rows(files) -> list[dict]:
            read = database.execute("SELECT * FROM read_parquet(?)", [str(files)])
            names = [column[0] for column in read.description]
            return [dict(zip(names, row, strict=True)) for row in read.fetchall()]

        assert rows(out / "paper" / "train-*.parquet") == _parquet(out, "paper", "train").to_pylist()
        assert rows(out / "paper" / "ood_form-*.parquet") == _parquet(out, "paper", "ood_form").to_pylist()
        tested = _parquet(starter[0], "starter", "test")
        assert rows(starter[0] / "starter" / "test-00000.parquet") == tested.to_pylist()
        train = _parquet(starter[0], "starter", "train")
        counted = "SELECT n, count(*), sum(target), max(len(completion)) FROM read_parquet(?) GROUP BY n ORDER BY n"
        found = database.execute(counted, [str(starter[0] / "starter" / "train-*.parquet")]).fetchall()
        by_n = [train.filter(train["n"].to_numpy() == n) for n in (3, 4)]
        assert found == [
            (n, part.num_rows, int(part["target"].to_numpy().sum()), max(map(len, part["completion"].to_pylist())))
            for n, part in zip((3, 4), by_n, strict=True)
        ]


def test_layout(family, starter):
    """Row groups under 100 MB (also of the longest rows), a page index, zstd, the columns of SCHEMA."""
    files = sorted(starter[0].rglob("*.parquet")) + sorted(family[0].rglob("*.parquet"))
    assert len(files) == 3 + 7
    for file in files:
        meta = pq.read_metadata(file)
        assert pq.read_schema(file).remove_metadata().equals(SCHEMA)
        for index in range(meta.num_row_groups):
            group = meta.row_group(index)
            assert group.num_rows <= shards.ROW_GROUP_ROWS
            assert group.total_byte_size < 100e6  # as it lies in memory; on disk it is a third of that
            if group.num_rows >= 1000:
                assert group.total_byte_size / group.num_rows * shards.ROW_GROUP_ROWS < 100e6
            for column in (group.column(number) for number in range(group.num_columns)):
                assert column.compression == "ZSTD", (file, column)
                assert column.has_offset_index, (file, column)
                assert column.has_column_index, (file, column)
    assert pq.read_metadata(starter[0] / "starter" / "train-00000.parquet").num_row_groups == 2


@pytest.mark.slow
def test_inserted_rows_change_few_bytes(starter, tmp_path, monkeypatch):
    """Content-defined chunking: pages end where the content says, so an upload sends only what is new."""
    rows = _parquet(starter[0], "starter", "train").slice(0, 150_000)
    more = pa.concat_tables([_parquet(starter[0], "starter", "train").slice(299_000), rows])

    def written(table, name, **options) -> np.ndarray:
        """The bytes of a shard that holds the table, as ``build_shard`` writes it."""
        (tmp_path / name / "starter").mkdir(parents=True)
        with monkeypatch.context() as patch:
            real = pq.write_table
            patch.setattr(shards, "generate_shard", lambda *shard: table)
            patch.setattr(shards.pq, "write_table", lambda *a, **kwargs: real(*a, **(kwargs | options)))
            shards.build_shard(CONFIGS["starter"], tmp_path / name, "train", 0, 0)
        return np.fromfile(tmp_path / name / shards.shard_path("starter", "train", 0), np.uint8)

    assert _shared(written(rows, "a"), written(more, "b")) > 0.55
    plain = {"use_content_defined_chunking": False}
    assert _shared(written(rows, "c", **plain), written(more, "d", **plain)) < 0.1


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    """The share of a's words (8 bytes each) that occur in b, wherever."""
    words = a[: len(a) // 8 * 8].view(np.uint64)
    shifted = [b[k : k + (len(b) - k) // 8 * 8].view(np.uint64) for k in range(8)]
    return float(np.isin(words, np.concatenate(shifted)).mean())


def test_a_larger_config_keeps_the_shards_of_a_smaller(family):
    _, manifest, made, states = family
    assert made["1m"] == {(split, 0) for split in _small(1).splits}
    assert made["10m"] == {("train", 1), ("train", 2)}
    assert {path: states["10m"][path] for path in states["1m"]} == states["1m"]  # not even rewritten
    assert len(states["10m"]) == len(states["1m"]) + 2
    small, large = (manifest["configs"][name]["splits"] for name in SIZES)
    assert large["train"]["shards"][:1] == small["train"]["shards"]
    assert large["train"]["rows"] == 3000 and small["train"]["rows"] == 1000
    assert {split: large[split] for split in large if split != "train"} == {
        split: small[split] for split in small if split != "train"
    }


def test_a_shard_does_not_depend_on_what_was_built_before(family, tmp_path, monkeypatch):
    """The larger config's last and first shard in another folder are the same files; the first was the smaller's."""
    monkeypatch.setattr(configs.spec, "SHARD_ROWS", 1000)
    (tmp_path / "paper").mkdir()
    for shard in (2, 0):
        shards.build_shard(_small(3000), tmp_path, "train", shard, 0)
        path = shards.shard_path("paper", "train", shard)
        assert (tmp_path / path).read_bytes() == (family[0] / path).read_bytes()


def test_distinct_puzzles_across_shards_are_counted_exactly(tmp_path, monkeypatch):
    """V is small, so that puzzles repeat within shards and across shards."""
    monkeypatch.setattr(configs.spec, "SHARD_ROWS", 1000)
    spec = SplitSpec(3000, (3, 4), v=9, labels=False)
    config = Config("repeats", {"train": spec})
    (tmp_path / "repeats").mkdir()
    records = [shards.build_shard(config, tmp_path, "train", shard, 0) for shard in range(3)]
    files = [tmp_path / shards.shard_path("repeats", "train", shard) for shard in range(3)]
    each = [set(pq.read_table(file)["prompt"].to_pylist()) for file in files]
    assert [record["distinct_puzzles"] for record in records] == [len(prompts) for prompts in each]
    together = len(set.union(*each))
    assert manifest.distinct_puzzles(files, spec) == together < sum(map(len, each)) < 3000
    assert manifest.distinct_puzzles(files[:1], spec) == len(each[0])
    # and of real numbers, where hardly any repeats
    paper = SplitSpec(2000, (5, 6, 7), labels=False)
    tables = [generate_shard(Config("paper", {"train": paper}), "train", 0, shard) for shard in (0, 1)]
    for number, table in enumerate(tables):
        pq.write_table(table, tmp_path / f"{number}.parquet")
    prompts = {prompt for table in tables for prompt in table["prompt"].to_pylist()}
    assert manifest.distinct_puzzles([tmp_path / "0.parquet", tmp_path / "1.parquet"], paper) == len(prompts)

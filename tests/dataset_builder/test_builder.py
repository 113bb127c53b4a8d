"""The builder in datasets 5 gives the rows of the Parquet files; seeds, solutions, processes, streaming, errors."""

import os
import subprocess
import sys
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder import builder, configs
from arith_puzzle.dataset_builder.builder import ArithPuzzle
from arith_puzzle.dataset_builder.configs import CONFIGS, Config, SplitSpec, with_solutions
from arith_puzzle.dataset_builder.generate import SCHEMA, generate_shard
from arith_puzzle.dataset_builder.puzzle import SPEC_VERSION
from arith_puzzle.dataset_builder.shards import shard_path


def _table(dataset) -> pa.Table:
    """A prepared split's rows, without the metadata by which datasets keeps its features."""
    return dataset.data.table.replace_schema_metadata(None)


@pytest.fixture
def small(monkeypatch):
    """The default config with a train split of three shards, the last one short."""
    monkeypatch.setattr(configs.spec, "SHARD_ROWS", 1000)
    splits = {"train": SplitSpec(2500, (5, 6, 7), labels=False), "validation": SplitSpec(60, (5, 6, 7))}
    config = Config("paper", splits)
    monkeypatch.setitem(CONFIGS, "1m", config)
    return config


def test_prepared_and_streamed_rows_are_the_parquets(starter, tmp_path):
    made = ArithPuzzle(str(tmp_path), config_name="starter")
    made.download_and_prepare()
    rows = made.as_dataset()
    assert list(rows) == list(CONFIGS["starter"].splits)
    for split in rows:
        parquet = pq.read_table(starter[0] / shard_path("starter", split, 0))
        assert _table(rows[split]).schema.equals(SCHEMA)
        assert _table(rows[split]).equals(parquet)
        if split != "train":
            assert list(made.as_streaming_dataset(split)) == parquet.to_pylist()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_shards_are_divided_among_processes_and_workers(small, tmp_path):
    expected = pa.concat_tables([generate_shard(small, "train", 0, shard) for shard in range(3)])
    for processes in (1, 2):
        made = ArithPuzzle(str(tmp_path / str(processes)))
        made.download_and_prepare(num_proc=processes)
        assert _table(made.as_dataset("train")).equals(expected)
    assert made.as_dataset("validation").to_list() == generate_shard(small, "validation", 0, 0).to_pylist()

    streamed = made.as_streaming_dataset("train")
    assert streamed.num_shards == 3
    assert list(streamed) == expected.to_pylist()
    assert list(streamed.shard(3, 2)) == expected.slice(2000).to_pylist()


def test_keys_number_the_shards_and_their_tables(small, tmp_path, monkeypatch):
    """datasets counts the rows of each shard by the first number of the key."""
    monkeypatch.setattr(builder, "BATCH_ROWS", 300)
    tables = list(ArithPuzzle(str(tmp_path))._generate_tables("train", [1, 2]))
    assert [(key.original_shard_id, key.item_or_batch_id, len(rows)) for key, rows in tables] == [
        (0, 0, 300), (0, 1, 300), (0, 2, 300), (0, 3, 100), (1, 0, 300), (1, 1, 200),
    ]  # fmt: skip


def test_seed_and_solutions(tmp_path):
    made = ArithPuzzle(str(tmp_path), config_name="starter", seed=3, solutions="generated")
    content = with_solutions(CONFIGS["starter"], "generated")
    expected = generate_shard(content, "validation", 3, 0)
    assert list(made.as_streaming_dataset("validation")) == expected.to_pylist()
    assert expected["prompt"] != generate_shard(content, "validation", 0, 0)["prompt"]
    assert expected["completion"] != generate_shard(CONFIGS["starter"], "validation", 3, 0)["completion"]
    several = ArithPuzzle(str(tmp_path), config_name="starter", paths=3)
    assert several._content() == with_solutions(CONFIGS["starter"], None, 3) != CONFIGS["starter"]
    # another seed's rows, another config's or another spec's are never taken from the cache
    plain = ArithPuzzle(str(tmp_path), config_name="starter")
    assert len({made.cache_dir, several.cache_dir, plain.cache_dir}) == 3
    assert plain.cache_dir == str(tmp_path / "arith-puzzle" / "starter" / f"{SPEC_VERSION}.0.0")


def test_configs_and_their_shards(tmp_path, monkeypatch):
    assert [config.name for config in ArithPuzzle.BUILDER_CONFIGS] == list(CONFIGS)
    assert ArithPuzzle(str(tmp_path)).config.name == "1m"
    made = ArithPuzzle(str(tmp_path), config_name="100m", seed=7)
    shards = {generator.name: generator.gen_kwargs["shards"] for generator in made._split_generators(None)}
    assert shards == {"train": list(range(100))} | {split: [0] for split in CONFIGS["100m"].splits if split != "train"}
    asked = []
    monkeypatch.setattr(builder, "generate_shard", lambda *call: asked.append(call) or SCHEMA.empty_table())
    list(made._generate_tables("train", [98, 99]))
    assert asked == [(replace(CONFIGS["100m"], seed=7), "train", 7, shard) for shard in (98, 99)]
    assert "2406.02100" in made.info.citation and "2406.02100" in made.info.description
    assert made.info.license == "CC BY 4.0"


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"seed": -1}, InputError, "got -1"),
        ({"seed": "one"}, InputError, "got 'one'"),
        ({"solutions": "best"}, InputError, "generated, canonical.*got 'best'"),
        ({"paths": 0}, InputError, "paths"),
        ({"config_name": "2m"}, ValueError, "'2m' not found"),
        ({"sead": 1}, ValueError, "'sead'"),
    ],
)
def test_refusals(wrong, error, says, tmp_path):
    with pytest.raises(error, match=says):
        ArithPuzzle(str(tmp_path), **{"config_name": "starter", **wrong})


def test_importing_does_no_work(tmp_path):
    code = """
import arith_puzzle.dataset_builder.builder, sys
own = [module for name, module in sys.modules.items() if name.startswith("arith_puzzle.dataset_builder.")]
compiled = [f for module in own for f in vars(module).values() if getattr(f, "signatures", None)]
assert len(own) > 5 and not compiled, compiled
assert not {"torch", "transformers"} & set(sys.modules)
"""
    environment = os.environ | {"HF_HOME": str(tmp_path / "hf")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "hf").exists()

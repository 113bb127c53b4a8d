"""The dataset as a ``datasets`` builder: it generates the rows on the user's machine instead of downloading them.

    builder = ArithPuzzle("starter-cache", config_name="starter", seed=0)
    builder.download_and_prepare(num_proc=2)
    rows = builder.as_dataset(split="test")       # or builder.as_streaming_dataset(split="test")

    ArithPuzzle("my-cache", file="my_puzzles.yaml")  # a config of your own

The rows equal those of the Parquet files. The builder works in ``datasets`` 5, and through the loading script in
``datasets`` 3. ``num_proc`` distributes the shards of a split over processes; streaming generates a whole shard before
it yields the first row of the shard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import datasets
import pyarrow as pa

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.configs import CONFIGS, Config, find_config, shard_sizes, with_solutions
from arith_puzzle.dataset_builder.generate import generate_shard, schema_of
from arith_puzzle.dataset_builder.puzzle import SPEC_VERSION

try:
    from datasets.builder import Key
except ImportError:  # datasets 3 accepts any unique key
    Key = "{}-{}".format

NAME = "arith-puzzle"
BATCH_ROWS = 50_000
"""Rows per Arrow table that the builder yields: a few MB of text."""

DESCRIPTION = (
    "Arithmetic puzzles with solutions: reach a target from N integers, each used once, in N-1 equations. "
    "The puzzle is that of arXiv 2406.02100."
)
LICENSE = "CC BY 4.0"
CITATION = """\
@article{arithpuzzle2406,
  title  = {Exploring Mathematical Extrapolation of Large Language Models with Synthetic Data},
  year   = {2024},
  eprint = {2406.02100},
  archivePrefix = {arXiv}
}"""


@dataclass(eq=False)  # BuilderConfig defines equality itself
class ArithPuzzleConfig(datasets.BuilderConfig):
    """The options of ``load_dataset`` or of the builder.

    Attributes:
        name: a key of CONFIGS, or the name in ``file``.
        version: the spec version, so that a cache never returns the rows of another spec.
        seed: seed of all random streams; None: the config's.
        file: the YAML file of a custom config. The cache is named by its content.
        solutions, paths: other completions than the config's own, see ``configs.with_solutions``.
    """

    version: str = f"{SPEC_VERSION}.0.0"
    seed: int | None = None
    file: str | None = None
    solutions: str | None = None
    paths: int = 1

    def __post_init__(self):
        if self.file is not None:
            own, _ = find_config(self.file)
            if self.name != own:
                raise InputError(f"the config in {self.file} is called {own!r}, not {self.name!r}")
        super().__post_init__()

    def create_config_id(self, config_kwargs: dict, *args, **kwargs) -> str:
        """Name the cache by the content of ``file``, not by its path."""
        if self.file is not None:
            config_kwargs = config_kwargs | {"file": repr(find_config(self.file))}
        return super().create_config_id(config_kwargs, *args, **kwargs)


class ArithPuzzle(datasets.ArrowBasedBuilder):
    """The rows of ``arith_puzzle.dataset_builder.shards.build``, in the same order, with the columns of SCHEMA.

    Raises:
        InputError: a negative seed, or ``solutions`` or ``paths`` that ``configs.with_solutions`` refuses.
        ValueError: an unknown config or option (from ``datasets``).
    """

    BUILDER_CONFIG_CLASS = ArithPuzzleConfig
    BUILDER_CONFIGS = [ArithPuzzleConfig(name=name) for name in CONFIGS]  # noqa: RUF012  an attribute of datasets
    DEFAULT_CONFIG_NAME: str | None = "1m"

    def __init__(self, cache_dir: str | None = None, dataset_name: str | None = None, **kwargs):
        if kwargs.get("file"):  # datasets would take the default config, and only change its attributes
            self.BUILDER_CONFIGS, self.DEFAULT_CONFIG_NAME = [], None
            kwargs["config_name"] = kwargs.get("config_name") or find_config(kwargs["file"])[0]
        super().__init__(cache_dir, dataset_name or NAME, **kwargs)  # the default would be the name of this file

    def _info(self) -> datasets.DatasetInfo:
        seed = self.config.seed
        if seed is not None and not isinstance(seed, int):
            raise InputError(f"seed must be an integer of at least 0; got {seed!r}")
        content = self._content()  # so that wrong options are an error here, not when the first rows are generated
        return datasets.DatasetInfo(
            description=DESCRIPTION,
            citation=CITATION,
            license=LICENSE,
            homepage="https://arxiv.org/abs/2406.02100",
            features=datasets.Features.from_arrow_schema(schema_of(next(iter(content.splits.values())).rules)),
        )

    def _content(self) -> Config:
        _, content = find_config(self.config.file or self.config.name, self.config.seed)
        return with_solutions(content, self.config.solutions, self.config.paths)

    def _split_generators(self, dl_manager) -> list[datasets.SplitGenerator]:
        # datasets distributes the one list among the gen_kwargs, the shards, over processes and workers
        return [
            datasets.SplitGenerator(
                name=name, gen_kwargs={"split": name, "shards": list(range(len(shard_sizes(spec))))}
            )
            for name, spec in self._content().splits.items()
        ]

    def _generate_tables(self, split: str, shards: list[int]) -> Iterator[tuple[Key, pa.Table]]:
        content = self._content()
        for at, shard in enumerate(shards):
            rows = generate_shard(content, split, content.seed, shard)
            for number, batch in enumerate(rows.to_batches(max_chunksize=BATCH_ROWS)):
                yield Key(at, number), pa.Table.from_batches([batch])

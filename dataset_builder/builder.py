"""The dataset as a ``datasets`` builder: the rows of the Parquet, made where they are read.

    builder = ArithPuzzle("starter-cache", config_name="starter", seed=0)
    builder.download_and_prepare(num_proc=2)
    rows = builder.as_dataset(split="test")       # or builder.as_streaming_dataset(split="test")

Written for ``datasets`` 5; the loading script carries it to ``datasets`` 3, where scripts still run. A shard is the
unit of both: what ``num_proc`` divides, and what streaming has to make before it yields the shard's first row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import datasets
import pyarrow as pa

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.configs import CONFIGS, Config, shard_sizes, with_solutions
from arith_puzzle.dataset_builder.generate import SCHEMA, generate_shard
from arith_puzzle.dataset_builder.puzzle import SPEC_VERSION

try:
    from datasets.builder import Key
except ImportError:  # datasets 3: any key that differs from row to row
    Key = "{}-{}".format

NAME = "arith-puzzle"
SOLUTIONS = ("made", "canonical")
BATCH_ROWS = 50_000
"""Rows per Arrow table that is yielded: a few MB of text."""

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


@dataclass(eq=False)  # datasets compares configs by all of their attributes
class ArithPuzzleConfig(datasets.BuilderConfig):
    """``name``: of CONFIGS. ``seed``: of all random streams. ``solutions`` ("made" or "canonical") and ``paths``: other
    completions than the config carries, see ``configs.with_solutions``. ``version`` is the spec's, so that a cache
    never serves another spec's rows."""

    version: str = f"{SPEC_VERSION}.0.0"
    seed: int = 0
    solutions: str | None = None
    paths: int = 1


class ArithPuzzle(datasets.ArrowBasedBuilder):
    """The rows of ``arith_puzzle.dataset_builder.shards.build``, in its order, with the columns of ``generate.SCHEMA``.

    Raises:
        InputError: a negative seed, unknown ``solutions``, or ``paths`` that cannot be. ValueError (of datasets): an
            unknown config or option.
    """

    BUILDER_CONFIG_CLASS = ArithPuzzleConfig
    BUILDER_CONFIGS = [ArithPuzzleConfig(name=name) for name in CONFIGS]  # noqa: RUF012  datasets' own attribute
    DEFAULT_CONFIG_NAME = "1m"

    def __init__(self, cache_dir: str | None = None, dataset_name: str | None = None, **kwargs):
        super().__init__(cache_dir, dataset_name or NAME, **kwargs)  # else the cache is named after this file

    def _info(self) -> datasets.DatasetInfo:
        seed, solutions = self.config.seed, self.config.solutions
        if not isinstance(seed, int) or seed < 0:
            raise InputError(f"seed is a whole number from 0; got {seed!r}")
        if solutions not in (None, *SOLUTIONS):
            raise InputError(f"solutions is one of {', '.join(SOLUTIONS)}, or not given; got {solutions!r}")
        self._content()  # refuses what it cannot make now, not when rows are asked for
        return datasets.DatasetInfo(
            description=DESCRIPTION,
            citation=CITATION,
            license=LICENSE,
            homepage="https://arxiv.org/abs/2406.02100",
            features=datasets.Features.from_arrow_schema(SCHEMA),
        )

    def _content(self) -> Config:
        return with_solutions(CONFIGS[self.config.name], self.config.solutions, self.config.paths)

    def _split_generators(self, dl_manager) -> list[datasets.SplitGenerator]:
        # the one list is what datasets divides among processes and workers
        return [
            datasets.SplitGenerator(
                name=name, gen_kwargs={"split": name, "shards": list(range(len(shard_sizes(spec))))}
            )
            for name, spec in self._content().splits.items()
        ]

    def _generate_tables(self, split: str, shards: list[int]) -> Iterator[tuple[Key, pa.Table]]:
        content = self._content()
        for at, shard in enumerate(shards):
            rows = generate_shard(content, split, self.config.seed, shard)
            for number, batch in enumerate(rows.to_batches(max_chunksize=BATCH_ROWS)):
                yield Key(at, number), pa.Table.from_batches([batch])

"""Compile the numba functions (kernels) of builds, labels and search traces once, so that commands do not wait.

    python -m arith_puzzle.dataset_builder.kernels

numba stores compiled code in ``__pycache__`` beside each module, or in NUMBA_CACHE_DIR. ``make setup`` runs this.
"""

from __future__ import annotations

import sys
import threading
from functools import cache

import numpy as np
import pyarrow as pa

from arith_puzzle.dataset_builder import search_traces, search_walks, verify_batch
from arith_puzzle.dataset_builder.by_rules import draw_options
from arith_puzzle.dataset_builder.generate import puzzles
from arith_puzzle.dataset_builder.puzzle import puzzle_keys
from arith_puzzle.dataset_builder.solver import canonical, labels
from arith_puzzle.dataset_builder.text import completions, prompts

NOTICE_SECONDS = 5.0
"""Print a notice after this time. Compiled kernels load faster."""
BOUND = 200
"""Bound on the intermediate results of the puzzles that are used here."""


@cache
def compile_kernels(*, solve: bool = True, everything: bool = True) -> None:
    """Call the kernels on a few rows. Loading compiled kernels takes a second, compiling them far longer.

    Args:
        solve: include the kernels of the canonical solution.
        everything: include those that no build of seed 0 needs: several solutions, labels, search traces, other rules.
    """
    notice = threading.Timer(
        NOTICE_SECONDS, print, ["compiling kernels, once for this installation ..."], {"file": sys.stderr}
    )
    notice.daemon = True
    notice.start()
    try:
        numbers, targets, equations = puzzles(("kernels",), 4, 3, 20, BOUND, "train", unique=True)
        prompts(numbers, targets)
        columns = pa.array(numbers.tolist(), pa.list_(pa.int32())), pa.array(targets.astype(np.int32))
        verify_batch.verify_batch(*columns, completions(equations))
        if solve:
            canonical.canonical(numbers, targets, BOUND)
        if everything:
            canonical.paths(numbers, targets, 2, BOUND)
            labels.count_solutions(numbers, targets, bound=BOUND)
            labels.difficulty_rows(numbers, targets, bound=BOUND)
            labels.reachable(numbers[0].tolist(), bound=BOUND)
            search_traces.searches(numbers, targets)
            keys = puzzle_keys(numbers, targets)
            search_walks.walks(numbers, targets, keys, 100)
            search_walks.within_reach(numbers, targets, keys)
            wide = pa.array(numbers.tolist(), pa.list_(pa.int64())), pa.array(targets)
            verify_batch.verify_batch(*wide, completions(equations))
            puzzles(("kernels",), 4, 3, 20, BOUND, "train", unique=True, rules=draw_options("+-*/", "all", "exact"))
    finally:
        notice.cancel()


if __name__ == "__main__":
    compile_kernels()

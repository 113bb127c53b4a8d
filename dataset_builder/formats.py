"""The formats of training rows: how the rows of a dataset become prompts and completions (``dataset.format``).

A format of puzzles also works in the other direction, for scoring: it says which part of a response the verifier
checks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arith_puzzle.dataset_builder.puzzle import (
    completion,
    natural_prompt,
    parse_completion,
    puzzle_key,
    symbolic_prompt,
)
from arith_puzzle.dataset_builder.search_traces import CONTEXT, SEARCH_MARKER, answers, most_attempts, searches
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of

ALPACA = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Response:"
)
"""The prompt of Stanford Alpaca, which MuggleMath (arXiv 2310.05506) and RFT (arXiv 2308.01825) use."""


@dataclass(frozen=True)
class Format:
    """A format of training rows.

    Attributes:
        columns: columns of the dataset that ``texts`` needs.
        texts: table with these columns -> (prompts, completions), string arrays.
        turns: the same for a chat: (a user's turns, an assistant's turns). None: the same texts.
    """

    columns: tuple[str, ...]
    texts: Callable[..., tuple[pa.Array, pa.Array]]
    turns: Callable[..., tuple[pa.Array, pa.Array]] | None = None


def _symbolic(table: pa.Table) -> tuple[pa.Array, pa.Array]:
    return table["prompt"].combine_chunks(), table["completion"].combine_chunks()


def _natural(table: pa.Table) -> tuple[pa.Array, pa.Array]:
    rows = table.drop_columns(["completion"]).to_pylist()
    prompts = [natural_prompt(row["numbers"], row["target"], **rules_of(row)) for row in rows]
    return pa.array(prompts, pa.string()), table["completion"].combine_chunks()


def _alpaca(table: pa.Table) -> tuple[pa.Array, pa.Array]:
    prompts = [ALPACA.format(instruction=query) for query in table["query"].to_pylist()]
    responses = [f"\n{response}" for response in table["response"].to_pylist()]
    return pa.array(prompts, pa.string()), pa.array(responses, pa.string())


def _query_response(table: pa.Table) -> tuple[pa.Array, pa.Array]:
    return table["query"].combine_chunks(), table["response"].combine_chunks()


def _search(table: pa.Table) -> tuple[pa.Array, pa.Array]:
    """Search traces, in the order of the table. Puzzles that no attempt solves are left out."""
    _, prompts, traces = _searched(table, context=CONTEXT)
    return prompts, traces


def _procedure(table: pa.Table, attempts: int | None = None) -> tuple[pa.Array, pa.Array]:
    """What the search answers, without the search. Puzzles that none of the first ``attempts`` solves are left out."""
    rows, _, traces = _searched(table, context=0, attempts=attempts)
    return table["prompt"].combine_chunks().take(rows), answers(traces)


def _searched(table: pa.Table, context: int, attempts: int | None = None) -> tuple[pa.Array, pa.Array, pa.Array]:
    """(indices of the rows that one of the attempts solves, prompts, traces), in the order of the table."""
    numbers, targets = table["numbers"].combine_chunks(), table["target"].to_numpy()
    sizes = pc.list_value_length(numbers).to_numpy()
    parts, order = [], []
    for n in np.unique(sizes):
        rows = np.flatnonzero(sizes == n)
        flat = numbers.take(pa.array(rows)).flatten().to_numpy()
        puzzles = flat.reshape(-1, n).astype(np.int64), targets[rows].astype(np.int64)
        *texts, found = searches(*puzzles, context=context)
        solved = np.flatnonzero((found >= 0) & (found < (most_attempts(n) if attempts is None else attempts)))
        parts.append([column.take(pa.array(solved)) for column in texts])
        order.append(rows[solved])
    place = pa.array(np.argsort(np.concatenate(order)))
    prompts, traces = (pa.concat_arrays(columns).take(place) for columns in zip(*parts, strict=True))
    return pa.array(np.sort(np.concatenate(order))), prompts, traces


def _rewritten(
    prompt: Callable[[list[int], int], str], answer: Callable[[list[int], int, str], str], table: pa.Table
) -> tuple[pa.Array, pa.Array]:
    rows = table.to_pylist()
    prompts = [prompt(row["numbers"], row["target"]) for row in rows]
    answers = [answer(row["numbers"], row["target"], row["completion"]) for row in rows]
    return pa.array(prompts, pa.string()), pa.array(answers, pa.string())


def _same(numbers: list[int], target: int, text: str) -> str:
    return text


def _draw(numbers: Sequence[int], target: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=puzzle_key(numbers, target)))


def shuffled(numbers: Sequence[int], target: int) -> list[int]:
    """The numbers of a puzzle in an order that its key determines."""
    order = np.argsort(_draw(numbers, target).random(len(numbers)))
    return [sorted(numbers)[i] for i in order]


def _shuffled_prompt(numbers: Sequence[int], target: int) -> str:
    return f"{','.join(map(str, shuffled(numbers, target)))}:{target}\n"


def _either_order(numbers: Sequence[int], target: int, text: str) -> str:
    swap = _draw(numbers, target).random(len(numbers)) < 0.5
    steps = zip(parse_completion(text), swap, strict=False)
    return completion((b, op, a, c) if op in "+*" and other else (a, op, b, c) for (a, op, b, c), other in steps)


def _reversed_lines(text: str) -> str:
    return "\n".join(reversed(text.split("\n")))


def _reversed_digits(text: str) -> str:
    return re.sub(r"\d+", lambda match: match[0][::-1], text)


def _after_marker(text: str) -> str:
    return text.rpartition(f"\n{SEARCH_MARKER}\n")[2]


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class Puzzles(Format):
    """A format of puzzles.

    Attributes:
        prompt: (numbers, target) -> prompt of a puzzle to solve.
        states_rules: whether ``prompt`` also takes rule, division and form, because it states them.
        strict: response -> the part that the verifier checks, as a solution in the symbolic format.
    """

    prompt: Callable[[Sequence[int], int], str] = symbolic_prompt
    strict: Callable[[str], str] = _as_it_is
    states_rules: bool = False

    def question(self, row: Mapping) -> str:
        """The prompt of a row with the columns ``numbers`` and ``target``, and those of its rules, if it has them."""
        return self.prompt(row["numbers"], row["target"], **(rules_of(row) if self.states_rules else {}))


_PUZZLE = ("numbers", "target", "completion")
FORMATS = {
    "symbolic": Puzzles(("prompt", "completion"), _symbolic),
    "natural": Puzzles(_PUZZLE, _natural, prompt=natural_prompt, states_rules=True),
    # The verifier checks the part after SEARCH_MARKER. Without a marker it checks the whole response.
    "search": Puzzles(("numbers", "target"), _search, strict=_after_marker),
    "procedure": Puzzles(("prompt", "numbers", "target"), _procedure),
    "first_attempt": Puzzles(("prompt", "numbers", "target"), partial(_procedure, attempts=1)),
    # Each of the others changes one thing in the symbolic format, for studies/levers_cpu.yaml.
    "shuffled": Puzzles(_PUZZLE, partial(_rewritten, _shuffled_prompt, _same), prompt=_shuffled_prompt),
    "either_order": Puzzles(_PUZZLE, partial(_rewritten, symbolic_prompt, _either_order)),
    "backward": Puzzles(
        _PUZZLE,
        partial(_rewritten, symbolic_prompt, lambda numbers, target, text: _reversed_lines(text)),
        strict=_reversed_lines,
    ),
    "reversed_digits": Puzzles(
        _PUZZLE,
        partial(
            _rewritten,
            lambda numbers, target: _reversed_digits(symbolic_prompt(numbers, target)),
            lambda numbers, target, text: _reversed_digits(text),
        ),
        prompt=lambda numbers, target: _reversed_digits(symbolic_prompt(numbers, target)),
        strict=_reversed_digits,
    ),
    "alpaca": Format(("query", "response"), _alpaca, _query_response),
}
BY_RULES = ("symbolic", "natural")
"""The formats for puzzles by other rules than the paper's, whose rows have the columns ``rules_of`` reads."""
PUZZLE_FORMATS = tuple(name for name, form in FORMATS.items() if isinstance(form, Puzzles))

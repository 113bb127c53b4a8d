# ruff: noqa: RUF001 -- the answers have signs that look like others
"""One list of answers for every judge: right, wrong in every way, and hostile.

A row has numbers, target, response, and the rules that are not the paper's. It holds the agreed cases of ../shared
where they are present, the project's own cases, and answers that are made here.
"""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from arith_puzzle.dataset_builder.puzzle import symbolic_prompt
from arith_puzzle.metrics.arith_puzzle_verifier.verify import RULE_COLUMNS
from tests.paths import ROOT, SHARED

FILES = (
    SHARED / "cases" / "verifier.jsonl",
    SHARED / "cases" / "expressions.jsonl",
    ROOT / "tests" / "metrics" / "cases.jsonl",
    ROOT / "tests" / "metrics" / "form_cases.jsonl",
    ROOT / "metrics" / "scorer_suite.jsonl",
)
DEFAULTS = {"rule": "all", "division": "exact", "form": "equations"}
PUZZLE = ([3, 6, 7, 51, 58], 4)
SOLUTION = "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4"

DRESSES = (
    lambda text: text + "\n",
    lambda text: text.replace("*", " × ").replace("/", " ÷ "),
    lambda text: text.replace("=", " = "),
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.replace("\n", ", "),
    lambda text: f"```\n{text}\n```",
    lambda text: f"Here is a solution:\n\n{text}\n",
    lambda text: "\n".join(f"{at}. {line}" for at, line in enumerate(text.split("\n"), 1)),
    lambda text: "\n".join(f"- {line}" for line in text.split("\n")),
    lambda text: f"<think>First I try {text.splitlines()[0]} and more.</think>\n\n{text}",
    lambda text: f"<think>\n{text}\n</think>",
    lambda text: f"Let me see.\n</think>\n{text}",
    lambda text: f"<answer>{text}</answer>",
    lambda text: f"\\boxed{{{text}}}",
    lambda text: f"  {text}  ",
    lambda text: f"{text}<|im_end|>",
    lambda text: f"not {text}",
)
"""Ways in which a model writes a solution. The strict view takes few of them, the lenient view many."""
FAULTS = (
    lambda text: text.split("\n", 1)[-1],  # an equation is missing
    lambda text: f"{text}\n{text.splitlines()[-1]}",
    lambda text: text.replace("=", "=0", 1),
    lambda text: text.replace("=", "==", 1),
    lambda text: f"{text}1",
    lambda text: "\n".join(reversed(text.split("\n"))),
    lambda text: text.replace("-", "+"),
    lambda text: text.replace(text[0], "9", 1),
    lambda text: "\n".join([*text.split("\n")[:-1], "1/0=0"]),
    lambda text: "\n".join([*text.split("\n")[:-1], "7/2=3"]),
    lambda text: f"{text}\n\n",
    lambda text: f"\n{text}",
    lambda text: text + "\n" * 5000,
)
"""Ways in which a solution is spoilt. Some of them may leave it right, which every judge must then say."""
HOSTILE = (
    "", "\n", " ", "\t", "None", "null", "NaN", "inf", "True", "1.0", "C", "CORRECT", "strict", "4", "-0", "0",
    "\x00", "\x00" + SOLUTION, SOLUTION + "\x00", "\x1b[31m" + SOLUTION, "\x7f", "\ufeff" + SOLUTION,
    "\u202e" + SOLUTION, SOLUTION.replace("\n", "\u2028"), SOLUTION.replace("-", "−"), SOLUTION.replace("5", "٥"),
    SOLUTION.replace("5", "５"), SOLUTION.replace("\n", "\u200b\n"), "\U000f0000", "e\u0301" * 50, "🧮" * 2000,
    "__import__('os').system('echo')", "eval('58-51')", "exec(SOLUTION)", "{{ 7 * 7 }}", "{numbers}", "%s%n%d",
    "${7*7}", "<script>alert(1)</script>", "'; DROP TABLE answers; --", "lambda: 4", "9**9**9=4", "9**9**9",
    "!" * 200, '{"strict": 1.0, "lenient": 1.0}', "[1]", "score: 1.0", "<think>", "</think>", "<think></think>",
    "<answer></answer>", "<answer>" * 500 + SOLUTION, "</think>" * 500 + SOLUTION, "\\boxed{" * 500, "\\boxed{}",
    f"<think>{SOLUTION}", f"<think>a</think>{SOLUTION}<think>b</think>", f"<|im_start|>assistant\n{SOLUTION}",
    f"{SOLUTION}\n\n{SOLUTION}", f"{SOLUTION}</s>{SOLUTION}", "9" * 700 + "-1=8", "9" * 4000, "1+" * 2000 + "1=4",
    "9" * 100_000 + "-1=8", "(" * 100_000, "1+" * 100_000, SOLUTION * 2000, "\n" * 70_000, "=" * 70_000,
    "-" * 70_000 + "1", " " * 65_536 + SOLUTION, "x" * 1_000_000, "<think>" * 20_000, "58-51=7\n" * 20_000,
    "&times;" * 3000, "&#x0;" + SOLUTION, "\\frac{58}{" * 2000, "**" * 5000 + SOLUTION, "| 58 | 51 |\n|---|---|",
)  # fmt: skip


def answers(*, surrogates: bool = False) -> list[dict]:
    """All rows that a Parquet file can hold: no number above 64 bits, and text that is Unicode.

    Args:
        surrogates: keep answers with half a surrogate pair too. lighteval cannot save them.
    """
    rows = [json.loads(line) for path in FILES if path.exists() for line in path.read_text("utf-8").splitlines()]
    for row in rows:
        if "right" in row:  # the suite for scorers of expressions
            row |= {"division": "rational", "form": "expression"}
    rows += made()
    return [
        {"numbers": row["numbers"], "target": row["target"], "response": row["response"], **_stated(row)}
        for row in rows
        if max(map(int.bit_length, (*row["numbers"], row["target"]))) < 64
        and (surrogates or not re.search("[\ud800-\udfff]", row["response"]))
    ]


def made() -> Iterator[dict]:
    """Solutions of the project's own cases, dressed and spoilt; and hostile answers to the paper's own example."""
    for response in HOSTILE:
        yield {"numbers": PUZZLE[0], "target": PUZZLE[1], "response": response}
    rows = map(json.loads, FILES[2].read_text("utf-8").splitlines())
    solved = [row for row in rows if row["correct"] and "=" in row["response"]]
    rng = random.Random(0)
    for row in [{"numbers": PUZZLE[0], "target": PUZZLE[1], "response": SOLUTION}, *rng.sample(solved, 5)]:
        for change in (*DRESSES, *FAULTS):
            yield row | {"response": change(row["response"].rstrip("\n"))}


def _stated(row: dict) -> dict[str, str]:
    """The rules that a dataset's row states: all three, or none where they are the paper's."""
    rules = {name: row.get(name) or DEFAULTS[name] for name in RULE_COLUMNS}
    return {} if rules == DEFAULTS else rules


def by_rules(rows: list[dict]) -> dict[tuple, list[int]]:
    """Rules -> the places of their rows. Some judges take one set of rules at a time."""
    found: dict[tuple, list[int]] = {}
    for at, row in enumerate(rows):
        found.setdefault(tuple(row.get(name) for name in RULE_COLUMNS), []).append(at)
    return found


def write(rows: list[dict], folder: Path) -> tuple[Path, Path]:
    """(a dataset folder with the puzzles of the rows, a JSONL file with the rows)."""
    data, file = folder / "answers-data", folder / "answers.jsonl"
    (data / "answers").mkdir(parents=True)
    table = [
        {"numbers": row["numbers"], "target": row["target"], "prompt": symbolic_prompt(row["numbers"], row["target"]),
         "completion": "", "n": len(row["numbers"]), **{name: row.get(name) for name in RULE_COLUMNS}}
        for row in rows
    ]  # fmt: skip
    schema = pa.schema(
        [("numbers", pa.list_(pa.int64())), ("target", pa.int64()), ("prompt", pa.string()),
         ("completion", pa.string()), ("n", pa.int16()), *((name, pa.string()) for name in RULE_COLUMNS)]
    )  # fmt: skip
    pq.write_table(pa.Table.from_pylist(table, schema=schema), data / "answers" / "test.parquet")
    (data / "README.md").write_text(
        "---\nconfigs:\n- config_name: answers\n  data_files:\n  - {split: test, path: answers/test.parquet}\n---\n"
    )
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return data, file

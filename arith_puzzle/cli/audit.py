"""Judge stored answers of other evaluations again by exact rules, or test another scorer.

    arith-puzzle audit results/*.json          # answers with published scores
    arith-puzzle audit --scorer module:function

A file is JSON of reasoning-gym-eval, or JSONL with numbers (or nums), target, response and score. Answers are infix
expressions; fractions are allowed. "Right, all" requires each given number exactly once, "right, subset" at most once.
docs/audit.md explains the columns. Exit status 1: the scorer differs from the suite's verdicts.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import file_sha256, output_file, write_json, write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="files of answers")
    parser.add_argument(
        "--scorer",
        metavar="MODULE:FUNCTION",
        help="call function(response, numbers, target) for each answer of the suite",
    )
    parser.add_argument("--out", type=Path, help="write the answers whose verdicts differ to this JSONL file")
    parser.add_argument("--json", type=Path, help="write the counts to this JSON file")


def run(args: argparse.Namespace) -> int:
    """Print the tables."""
    from arith_puzzle.metrics.audit import audit, audit_table, suite_table, wording_table
    from arith_puzzle.metrics.scorer_suite import FILE, compare

    if bool(args.files) == bool(args.scorer):
        raise InputError("audit takes files of answers, or --scorer, and not both")
    for out in filter(None, (args.out, args.json)):
        output_file(out)
        if any(path.exists() and out.exists() and out.samefile(path) for path in args.files):
            raise InputError(f"{out} is a file of answers; name another file for the output")
    counts: dict
    if args.scorer:
        different, kinds = compare(args.scorer)
        counts = {"scorer": args.scorer, "suite_sha256": file_sha256(FILE), "kinds": kinds}
        print(suite_table({args.scorer: kinds}), end="")
        if errors := [item for item in different if isinstance(item["given"], str)]:
            print(f"first error, on {errors[0]['response'][:60]!r}: {errors[0]['given']}")
        status = int(bool(different))
    else:
        if len({path.name for path in args.files}) < len(args.files):
            raise InputError("two files have the same name; rename one")
        found = {path.name: audit(path) for path in args.files}
        files = {name: each[0] for name, each in found.items()}
        different = [{"file": name} | item for name, each in found.items() for item in each[1]]
        faults = [fault for each in found.values() for fault in each[2]]
        counts = {"files": files}
        print(audit_table(files), wording_table(files), sep="\n", end="")
        print(*faults, sep="\n", end="\n" * bool(faults), file=sys.stderr)
        status = 2 if faults else 0
    if args.json:
        write_json(args.json, counts)
    if args.out:
        write_text(args.out, "".join(json.dumps(item) + "\n" for item in different))
        print(f"{len(different)} answers with different verdicts: {args.out}")
    return status

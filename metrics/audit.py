"""Judge stored answers of other evaluations again, by exact rules, and compare with the scores that were published."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.markdown import table
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import verify_lenient
from arith_puzzle.metrics.arith_puzzle_verifier.verify import RULES, verify
from arith_puzzle.metrics.read_answers import read_answers

OUTCOMES = ("agree", "accepted", "rejected", "error")


def audit(path: Path) -> tuple[dict, list[dict], list[str]]:
    """Judge the answers of a file as expressions with exact fractions.

    Args:
        path: a file that ``read_answers`` reads.

    Returns:
        The counts, for JSON:
        "sha256" of the file, and "answers".
        "published": answers with the full score of 1; None if the file has no scores.
        "right": {rule: answers that are right}. Spaces, tags and other dress are no faults.
        "strict": {rule: answers that are right as they stand}.
        "reasons": {rule: {reason: answers}}.
        "overlooked": {reason: answers that were published as right and are wrong under ``all``}.
        "missed": answers that were published as wrong and are right under ``all``.
        "by_wording": {wording: {"answers", "published", and each rule}}, see ``read_answers.WORDINGS``.

        The answers whose published score and verdict under ``all`` differ, as objects for JSON.

        A line for each row that cannot be read.

    Raises:
        InputError: the file cannot be read, or contains no answer.
    """
    counts: dict[str, Any] = {"answers": 0, "published": None, "missed": 0}
    right: Counter = Counter()
    strict: Counter = Counter()
    overlooked: Counter = Counter()
    reasons: dict[str, Counter] = {rule: Counter() for rule in RULES}
    wordings: dict[str, Counter] = {}
    different, faults = [], []
    for number, row, fault in read_answers(path):
        if fault:
            faults.append(f"{path}:{number}: {fault}")
        if row is None:
            continue
        responses = row.get("responses", [row.get("response")])
        scores = row.get("scores", [row.get("score")] * len(responses))
        if not isinstance(scores, list) or len(scores) != len(responses) or not all(map(_is_score, scores)):
            faults.append(f"{path}:{number}: 'score' must be a number, and 'scores' a list with one for each response")
            continue
        wording = wordings.setdefault(row.get("wording", "-"), Counter())
        for sample, (response, score) in enumerate(zip(responses, scores, strict=True)):
            puzzle = (row["numbers"], row["target"], response)
            verdicts = {r: verify_lenient(*puzzle, rule=r, division="rational", form="expression") for r in RULES}
            counts["answers"] += 1
            wording["answers"] += 1
            for rule, verdict in verdicts.items():
                right[rule] += verdict.correct
                strict[rule] += verify(*puzzle, rule=rule, division="rational", form="expression").correct
                reasons[rule][verdict.reason] += 1
                wording[rule] += verdict.correct
            if score is None:
                continue
            full = bool(score >= 1)
            counts["published"] = (counts["published"] or 0) + full
            wording["published"] += full
            if full == verdicts["all"].correct:
                continue
            counts["missed"] += not full
            overlooked[verdicts["all"].reason] += full
            different.append(
                {"row": number, "sample": sample, "numbers": row["numbers"], "target": row["target"]}
                | {"response": response, "score": score, "extracted": verdicts["all"].extracted}
                | {rule: verdict.reason for rule, verdict in verdicts.items()}
            )
    if not counts["answers"]:
        raise InputError(f"{path} holds no answer" + (f": {faults[0]}" if faults else ""))
    counts |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "right": dict(right), "strict": dict(strict)}
    counts |= {"reasons": {rule: dict(found) for rule, found in reasons.items()}, "overlooked": dict(overlooked)}
    return counts | {"by_wording": {name: dict(found) for name, found in wordings.items()}}, different, faults


def _is_score(value: object) -> bool:
    return value is None or isinstance(value, (int, float))


def audit_table(files: dict[str, dict]) -> str:
    """A Markdown table of the counts of ``audit`` for each file: answers, published full scores, right by each rule."""
    lines = []
    for name, counts in files.items():
        overlooked = [f"{n} `{reason}`" for reason, n in sorted(counts["overlooked"].items()) if n]
        published = "-" if counts["published"] is None else counts["published"]
        right = [counts["right"][rule] for rule in RULES]
        lines.append([f"`{name}`", counts["answers"], published, *right, ", ".join(overlooked) or "none"])
    return table(["file", "answers", "published", *_RIGHT, "wrong, but published as right"], lines)


def wording_table(files: dict[str, dict]) -> str:
    """A Markdown table: the same for each wording of the question, over all files."""
    total: dict[str, Counter] = {}
    for counts in files.values():
        for wording, found in counts["by_wording"].items():
            total.setdefault(wording, Counter()).update(found)
    lines = [
        [wording, found["answers"], found.get("published", "-"), *(found[rule] for rule in RULES)]
        for wording, found in sorted(total.items())
    ]
    return table(["wording", "answers", "published", *_RIGHT], lines)


def suite_table(scorers: dict[str, dict[str, dict[str, int]]]) -> str:
    """A Markdown table: {scorer: {kind of answer: {outcome: answers}}} of ``scorer_suite.compare``."""
    lines = []
    for name, kinds in scorers.items():
        total: Counter = Counter()
        for kind, found in kinds.items():
            total.update(found)
            if set(found) - {"agree"}:
                lines.append([name, kind, sum(found.values()), *(found.get(each, 0) for each in OUTCOMES)])
        lines.append([name, "all", total.total(), *(total[each] for each in OUTCOMES)])
    return table(["scorer", "kind", "answers", "agrees", "accepts wrong ones", "rejects right ones", "error"], lines)


_RIGHT = [f"right, {rule}" for rule in RULES]

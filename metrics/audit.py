"""Judge stored answers of other evaluations again, by exact rules, and compare with the scores that were published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import verify_lenient
from arith_puzzle.metrics.arith_puzzle_verifier.verify import RULES, verify
from arith_puzzle.metrics.read_answers import read_answers


@dataclass
class Audit:
    """The answers of one file, judged as expressions with exact fractions.

    Attributes:
        answers: number of answers.
        published: answers with the full score of 1; None if the file has no scores.
        right: {rule: answers that are right}; spaces, tags and other dress do not count as faults.
        strict: {rule: answers that are right as they stand}.
        reasons: {rule: {reason: answers}}.
        by_wording: {wording: {"answers", "published", and a count for each rule}}; see ``read_answers.WORDINGS``.
        different: answers whose published score and verdict under ``all`` differ, as objects for JSON.
        faults: a line for each row that cannot be read.
    """

    answers: int = 0
    published: int | None = None
    right: Counter = field(default_factory=Counter)
    strict: Counter = field(default_factory=Counter)
    reasons: dict[str, Counter] = field(default_factory=lambda: {rule: Counter() for rule in RULES})
    by_wording: dict[str, Counter] = field(default_factory=dict)
    different: list[dict] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def audit(path: Path) -> Audit:
    """Judge the answers of a file that ``read_answers`` reads.

    Raises:
        InputError: the file cannot be read, or contains no answer.
    """
    found = Audit()
    for number, row, fault in read_answers(path):
        if fault:
            found.faults.append(f"{path}:{number}: {fault}")
        if row is None:
            continue
        responses = row.get("responses", [row.get("response")])
        scores = row.get("scores", [row["score"]] * len(responses) if "score" in row else [None] * len(responses))
        if not isinstance(scores, list) or len(scores) != len(responses):
            found.faults.append(f"{path}:{number}: 'scores' must have one number for each response")
            continue
        for sample, (response, score) in enumerate(zip(responses, scores, strict=True)):
            _judge(found, row, response, score, {"row": number, "sample": sample})
    if not found.answers:
        raise InputError(f"{path} holds no answer" + (f": {found.faults[0]}" if found.faults else ""))
    return found


def _judge(found: Audit, row: dict, response: str, score: float | None, place: dict) -> None:
    puzzle = (row["numbers"], row["target"], response)
    verdicts = {rule: verify_lenient(*puzzle, rule=rule, division="rational", form="expression") for rule in RULES}
    full = None if score is None else bool(score >= 1)
    wording = found.by_wording.setdefault(row.get("wording", "-"), Counter())
    found.answers += 1
    wording["answers"] += 1
    if full is not None:
        found.published = (found.published or 0) + full
        wording["published"] += full
    for rule, verdict in verdicts.items():
        found.right[rule] += verdict.correct
        found.strict[rule] += verify(*puzzle, rule=rule, division="rational", form="expression").correct
        found.reasons[rule][verdict.reason] += 1
        wording[rule] += verdict.correct
    if full is not None and full != verdicts["all"].correct:
        found.different.append(
            place
            | {"numbers": row["numbers"], "target": row["target"], "response": response, "score": score}
            | {rule: verdict.reason for rule, verdict in verdicts.items()}
            | {"extracted": verdicts["all"].extracted}
        )


def suite_table(name: str, counts: dict[str, Counter]) -> str:
    """A Markdown table of ``scorer_suite.compare``: for each kind of answer how the scorer's verdicts differ."""
    outcomes = ("agree", "accepted", "rejected", "error")
    lines = [f"| {name} | answers | agree | accepts wrong | rejects right | error |", "|---|---|---|---|---|---|"]
    for kind, found in counts.items():
        lines.append(f"| {kind} | {found.total()} | {' | '.join(str(found[each]) for each in outcomes)} |")
    total: Counter = sum(counts.values(), Counter())
    lines.append(f"| all | {total.total()} | {' | '.join(str(total[each]) for each in outcomes)} |")
    return "\n".join(lines)


def audit_table(audits: dict[str, Audit]) -> str:
    """A Markdown table: for each file the answers, the published full scores, and the right answers by each rule."""
    header = ["file", "answers", "published", *(f"right, {rule}" for rule in RULES), "wrong but published as right"]
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    for name, found in audits.items():
        wrong = Counter(item["all"] for item in found.different if item["score"] >= 1)
        cells: Sequence[object] = [
            f"`{name}`",
            found.answers,
            "-" if found.published is None else found.published,
            *(found.right[rule] for rule in RULES),
            ", ".join(f"{count} `{reason}`" for reason, count in wrong.most_common()) or "none",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def wording_table(audits: dict[str, Audit]) -> str:
    """A Markdown table: the same numbers for each wording of the question, over all files."""
    total: dict[str, Counter] = {}
    for found in audits.values():
        for wording, counts in found.by_wording.items():
            total.setdefault(wording, Counter()).update(counts)
    header = ["wording", "answers", "published", *(f"right, {rule}" for rule in RULES)]
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    for wording, counts in sorted(total.items()):
        lines.append(f"| {wording} | {' | '.join(str(counts[name]) for name in ('answers', 'published', *RULES))} |")
    return "\n".join(lines)

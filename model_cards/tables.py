"""The cards' tables of scores and reasons, narrow enough for a page on the Hub."""

from __future__ import annotations

from arith_puzzle.evaluation.results import interval_text, sampled, split_rows, table
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import REPORT_ORDER
from arith_puzzle.model_cards.wording import asked


def score_table(labelled: dict[str, dict]) -> str:
    """n, pass@1, its interval, a column for each N; pass@k, the lenient view and how it was asked where they differ.

    Args:
        labelled: what a row is called -> results.json.
    """
    rows = split_rows(labelled)
    sizes = sorted({n for row in rows for n in row["item"]["by_n"]}, key=int)
    others = other_scores(rows)
    lenient = any(row["item"].get("pass@1_lenient", row["item"]["pass@1"]) != row["item"]["pass@1"] for row in rows)
    ways = len({asked(row["decoding"]) for row in rows}) > 1
    header = ["model", "split", "n", "pass@1", "95% interval", *(f"N={n}" for n in sizes)]
    header += others + ["pass@1, lenient"] * lenient + ["asked"] * ways
    lines = []
    for row in rows:
        item = row["item"]
        interval = interval_text(item["pass@1_ci95"]).replace(" ", "&nbsp;")  # on one line however narrow the column
        line = [row["label"], f"`{row['place']}`", f"{item['n']:,}", f"**{item['pass@1']:.3f}**", interval]
        line += [_rate(item["by_n"].get(n)) for n in sizes]
        line += [_rate(item.get(key)) for key in others] + [_rate(item.get("pass@1_lenient"))] * lenient
        lines.append(line + [asked(row["decoding"])] * ways)
    return table(header, lines)


def reason_table(labelled: dict[str, dict]) -> str:
    """The share of the answers for each reason that occurs, in the order in which the rules are checked."""
    rows = split_rows(labelled)
    met = {reason for row in rows for reason in row["item"]["reasons"]}
    order = [reason for reason in REPORT_ORDER if reason in met]
    lines = [
        [row["label"], f"`{row['place']}`"] + [f"{row['item']['reasons'].get(reason, 0):.1%}" for reason in order]
        for row in rows
    ]
    return table(["model", "split", *(reason.replace("_", " ") for reason in order)], lines)


def other_scores(rows: list[dict]) -> list[str]:
    """The other scores that some of the rows of ``split_rows`` hold: pass@k, k ascending, and maj1@k."""
    return sorted({key for row in rows for key in sampled(row["item"])}, key=lambda key: (key[0], len(key), key))


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

"""Make the cards' tables of scores and of reasons, narrow enough for a page on the Hub."""

from __future__ import annotations

from arith_puzzle.common.markdown import table
from arith_puzzle.evaluation.results import interval_text, sampled, split_rows
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import REPORT_ORDER
from arith_puzzle.model_cards.wording import describe_decoding


def score_table(labelled: dict[str, dict]) -> str:
    """A Markdown table: n, pass@1, its interval, and a column for each N.

    Columns for pass@k, for the lenient view and for how the model was asked are added only if the rows need them.

    Args:
        labelled: label of a row -> content of results.json.
    """
    rows = split_rows(labelled)
    sizes = sorted({n for row in rows for n in row["item"]["by_n"]}, key=int)
    others = other_scores(rows)
    lenient = any(row["item"].get("pass@1_lenient", row["item"]["pass@1"]) != row["item"]["pass@1"] for row in rows)
    ways = len({describe_decoding(row["decoding"]) for row in rows}) > 1
    header = ["model", "split", "n", "pass@1", "95% interval", *(f"N={n}" for n in sizes)]
    header += others + ["pass@1, lenient"] * lenient + ["settings"] * ways
    lines = []
    for row in rows:
        item = row["item"]
        interval = interval_text(item["pass@1_ci95"]).replace(" ", "&nbsp;")  # keeps the interval on one line
        line = [row["label"], f"`{row['place']}`", f"{item['n']:,}", f"**{item['pass@1']:.3f}**", interval]
        line += [_rate(item["by_n"].get(n)) for n in sizes]
        line += [_rate(item.get(key)) for key in others] + [_rate(item.get("pass@1_lenient"))] * lenient
        lines.append(line + [describe_decoding(row["decoding"])] * ways)
    return table(header, lines)


def reason_table(labelled: dict[str, dict]) -> str:
    """A Markdown table: the share of answers for each reason that occurs, in the order of the verifier's checks."""
    rows = split_rows(labelled)
    met = {reason for row in rows for reason in row["item"]["reasons"]}
    order = [reason for reason in REPORT_ORDER if reason in met]
    lines = [
        [row["label"], f"`{row['place']}`"] + [f"{row['item']['reasons'].get(reason, 0):.1%}" for reason in order]
        for row in rows
    ]
    return table(["model", "split", *(reason.replace("_", " ") for reason in order)], lines)


def other_scores(rows: list[dict]) -> list[str]:
    """Names of the other scores in the rows of ``split_rows``: maj1@k, then pass@k with k ascending."""
    return sorted({key for row in rows for key in sampled(row["item"])}, key=lambda key: (key[0], len(key), key))


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

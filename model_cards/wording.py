"""Turn records into words: how a model was asked, and what a split contains. For cards, benchmark files and README."""

from __future__ import annotations

from collections.abc import Iterable

HUB = "https://huggingface.co"


def listing(parts: Iterable[str]) -> str:
    """The non-empty parts, joined by commas."""
    return ", ".join(part for part in parts if part)


def joined(parts: Iterable[str]) -> str:
    """The parts as in ``3, 4 and 5``."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def searched(decoding: dict) -> bool:
    """Whether the answers are search traces, of which the part after the marker was judged."""
    return decoding.get("format") == "search"


def describe_decoding(decoding: dict) -> str:
    """How a model was asked, such as ``greedy, zero-shot, symbolic prompt, exact division``.

    Args:
        decoding: of results.json. Settings that it does not contain are left out.
    """
    shots, samples = decoding.get("shots"), decoding.get("samples") or 1
    drawn = {"greedy": "greedy", "sample": f"{samples} sample{'s' * (samples > 1)} at temperature"}
    strategy = drawn.get(decoding["strategy"], decoding["strategy"])
    if decoding["strategy"] == "sample":
        strategy += f" {decoding['temperature']:g}"
    return listing(
        [
            strategy,
            "" if shots is None else f"{shots}-shot" if shots else "zero-shot",
            "chain of thought" if decoding.get("chain_of_thought") else "",
            "chat" if decoding.get("chat") else "",
            _prompt(decoding),
            f"{decoding['division']} division" if "division" in decoding else "",
            "numbers may be left out" if decoding.get("rule") == "subset" else "",
            "answers as expressions" if decoding.get("form") == "expression" else "",
        ]
    )


def _prompt(decoding: dict) -> str:
    if searched(decoding):
        return "symbolic prompt, a search before the answer"
    return f"{decoding['format']} prompt" if "format" in decoding else ""


def describe_split(item: dict) -> str:
    """What a split contains, such as ``N=3 and 4, numbers up to 60``, and the bound on its largest number if any.

    Args:
        item: a split of the dataset's manifest.
    """
    least = f", the largest at least {item['at_least']:,}" if item["at_least"] > 1 else ""
    return f"N={joined(item['by_n'])}, numbers up to {item['v']:,}{least}"


def describe_shift(item: dict, train: dict) -> str:
    """What makes a split out of distribution: "sizes", "numbers", "sizes and numbers", or "" if nothing does."""
    new_sizes = [n for n in item["by_n"] if n not in train["by_n"]]
    return " and ".join(
        [
            *(["sizes"] if new_sizes else []),
            *(["numbers"] if item["v"] > train["v"] else []),
        ]
    )

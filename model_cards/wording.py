"""Words for what files say: how a model was asked, what a split holds. Used by cards, benchmark files and README."""

from __future__ import annotations

from collections.abc import Iterable

HUB = "https://huggingface.co"


def listing(parts: Iterable[str]) -> str:
    """The parts that say something, with commas."""
    return ", ".join(part for part in parts if part)


def and_so(parts: Iterable[str]) -> str:
    """``3, 4 and 5``."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def searched(decoding: dict) -> bool:
    """Were answers judged from the marker of ``arith_puzzle.dataset_builder.search_traces`` on?"""
    return decoding.get("format") == "search"


def asked(decoding: dict) -> str:
    """``greedy, zero-shot, symbolic prompt, exact division``; what ``decoding`` does not say is left out."""
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
        ]
    )


def _prompt(decoding: dict) -> str:
    if searched(decoding):
        return "symbolic prompt, a search before the answer"
    return f"{decoding['format']} prompt" if "format" in decoding else ""


def describe_split(item: dict) -> str:
    """``N=3 and 4, numbers up to 60``; out of distribution also how large the largest number is at least.

    Args:
        item: a split of the dataset's manifest.
    """
    least = f", the largest at least {item['at_least']:,}" if item["at_least"] > 1 else ""
    return f"N={and_so(item['by_n'])}, numbers up to {item['v']:,}{least}"


def beyond(item: dict, train: dict) -> str:
    """How a split leaves the distribution of ``train``: "" if it does not."""
    new_sizes = [n for n in item["by_n"] if n not in train["by_n"]]
    return " and ".join(
        [
            *(["sizes"] if new_sizes else []),
            *(["numbers"] if item["v"] > train["v"] else []),
        ]
    )

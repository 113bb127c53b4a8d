"""Dicts of logic.py as HTML. Every text that comes from a visitor, a model or a dataset is escaped here."""

from __future__ import annotations

from html import escape

HEADER = """
<header class="ap-head">
  <h1>Arithmetic puzzles</h1>
  <p>Combine the numbers with <b>+ &minus; &times; &divide;</b>, two at a time, until only the target is left.
  Every number and every result is used exactly once. A small language model tries; every line it writes is
  checked.</p>
</header>
"""

HOW = """
<details class="ap-how"><summary>How an answer is written</summary>
<p>One equation a line, without spaces, with <code>+ - * /</code>. Each takes two of the numbers that are left and
puts its result among them; divisions must be exact. For 3, 6, 7, 51, 58 and the target 4:</p>
<pre>58-51=7
6-7=-1
3*-1=-3
-3+7=4</pre>
<p>The puzzle is that of <a href="https://arxiv.org/abs/2406.02100" rel="noopener" target="_blank">arXiv
2406.02100</a>.</p></details>
"""


def status(state: dict) -> str:
    """The line under the title: which model answers, or why none does."""
    if state["model"] == "ready":
        text = f"Model: <b>{escape(state['adapter'])}</b> on {escape(str(state['base']))}"
    elif state["model"] == "loading":
        text = "The model is loading; everything else works already."
    else:
        text = f"Without a model: {escape(state['reason'])}. Everything else works."
    return f'<p class="ap-status ap-{state["model"]}" role="status">{text}</p>'


def judged(result: dict, who: str) -> str:
    """A judged answer; ``who`` gave it."""
    if "error" in result:
        return note(result["error"])
    kind = "good" if result["correct"] else "bad"
    mark = "✓" if result["correct"] else "✗"
    more = result["more_steps"]
    tail = f'<p class="ap-small">… and {more} more lines.</p>' if more else ""
    empty = "" if result["steps"] else '<p class="ap-small">The answer is empty.</p>'
    return _card(
        who, result, f'<p class="ap-verdict ap-{kind}" role="status"><span aria-hidden="true">{mark}</span> '
        f"{escape(result['verdict'])}</p>{_table(result['steps'], result['line'])}{empty}{tail}"
    )  # fmt: skip


def solved(result: dict) -> str:
    if "error" in result:
        return note(result["error"])
    kind = "good" if result["solvable"] else "plain"
    verdict = f'<p class="ap-verdict ap-{kind}" role="status">{escape(result["verdict"])}</p>'
    return _card("The solver", result, verdict + _table(result["steps"], None))


def note(text: str) -> str:
    """One calm line."""
    return f'<p class="ap-note" role="status">{escape(text[:1].upper() + text[1:])}.</p>' if text else ""


def _card(who: str, result: dict, body: str) -> str:
    numbers = ", ".join(map(str, result["numbers"]))
    title = f"{escape(who)}: <span>{escape(numbers)} → {result['target']}</span>"
    return f'<section class="ap-card"><h3>{title}</h3>{body}</section>'


def _table(steps: list[dict], fault: int | None) -> str:
    """Line by line. Lines after the first fault are pale: they are judged from the numbers left before it."""
    if not steps:
        return ""
    rows = []
    for step in steps:
        kind = "good" if step["correct"] else "bad"
        pale = " ap-pale" if fault is not None and step["line"] > fault else ""
        word = "right" if step["correct"] else "wrong"
        mark = "✓" if step["correct"] else "✗"
        why = "" if step["correct"] else f'<div class="ap-why">{escape(step["message"])}</div>'
        left = "".join(f"<i>{escape(number)}</i>" for number in step["left"].split(",") if number)
        rows.append(
            f'<tr class="ap-{kind}{pale}"><td class="ap-line">{step["line"]}</td>'
            f'<td class="ap-eq"><code>{escape(step["text"]) or "(empty line)"}</code>{why}</td>'
            f'<td class="ap-mark"><span aria-hidden="true">{mark}</span> {word}</td>'
            f'<td class="ap-left">{left}</td></tr>'
        )
    head = "<tr><th>line</th><th>equation</th><th></th><th>numbers left</th></tr>"
    return f'<table class="ap-steps"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'

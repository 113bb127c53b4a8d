"""Dicts of logic.py as HTML. Every text that comes from a visitor, a model or a dataset is escaped here."""

from __future__ import annotations

from html import escape
from pathlib import Path

from searched import Search
from tree import expression, picture, read_tree

SHOWN = 12
"""Other solutions shown at once; the rest opens on a click."""
LISTED = 60
"""Solutions that are written out at all."""

HEADER = """
<header class="ap-head">
  <h1>Beat the model</h1>
  <p>Combine the numbers two at a time, with <b>+ &minus; &times; &divide;</b>, until only the <b>target</b> is left;
  every number once. A small language model gets the same puzzle, and a verifier checks every line that it writes.</p>
</header>
"""

FOOTER = """
<details class="ap-how"><summary>How an answer is written, and what counts</summary>
<p>One equation a line, without spaces, with <code>+ - * /</code>. Each takes two of the numbers that are left and
puts its result among them; divisions must be exact, results may be negative. For 3, 6, 7, 51, 58 and the target 4:</p>
<pre>58-51=7
6-7=-1
3*-1=-3
-3+7=4</pre>
<p>The puzzle is that of <a href="https://arxiv.org/abs/2406.02100" rel="noopener" target="_blank">arXiv
2406.02100</a>. Agents and scripts: see “Use via API” below.</p></details>
"""


SEARCHES = (
    ". It searches before it answers: one attempt after the other, then a line that is only <code>:</code>, and below "
    "that line the answer, which alone is judged and scored."
)


def status(state: dict, *, searches: bool = False) -> str:
    """The line under the title: which model answers, and how if it searches first; or why none does."""
    if state["model"] == "ready":
        text = f"The model: <b>{escape(_name(state['adapter']))}</b> on {escape(_name(str(state['base'])))}"
        text += SEARCHES if searches else ""
    elif state["model"] == "loading":
        text = "The model is loading; everything else works already."
    else:
        text = f"Without a model: {escape(state['reason'])}. Everything else works."
    return f'<p class="ap-status ap-{state["model"]}" role="status">{text}</p>'


def _name(model: str) -> str:
    """Of a folder its last part; a Hub id as it is."""
    return Path(model).name if Path(model).is_absolute() else model


def working(text: str) -> str:
    """While something is awaited."""
    dot = '<span class="ap-dots" aria-hidden="true"></span>'
    return f'<p class="ap-verdict ap-plain" role="status">{dot} {escape(text)}</p>'


def note(text: str) -> str:
    """One calm line."""
    return f'<p class="ap-note" role="status">{escape(text[:1].upper() + text[1:])}.</p>' if text else ""


def attempt(result: dict) -> str:
    """The model at work, or done: its lines so far, each judged as it lands. A search before them only counts."""
    if "error" in result:
        return note(result["error"])
    if "search" in result and not (result["done"] or result["search"]["ended"]):
        return _searching(Search.of(result["raw"]))
    head = verdict_line(result) if result["done"] else working("It is writing …")
    search = search_part(result) if result["done"] else _counted(result)
    table = steps_table(result["steps"], result["line"])
    return f'<section class="ap-card" aria-live="polite">{table}{head}{search}</section>'


def _searching(search: Search) -> str:
    """Only that it searches is read aloud; what changes all the time is there for those who look for it."""
    return (
        f'<section class="ap-card">{working("It is searching …")}<div class="ap-now" aria-live="off">'
        f"<p>{_counts(search.attempts)}</p><code>{escape(search.line)}</code></div></section>"
    )


def _counts(attempts: int) -> str:
    return f"{attempts} attempt{'s' if attempts != 1 else ''}"


def _counted(result: dict) -> str:
    """What a search came to, where there was one."""
    search = result.get("search")
    return f'<p class="ap-small">{_counts(search["attempts"])}.</p>' if search else ""


def search_part(result: dict) -> str:
    """How a model that searches came to its answer, folded; nothing of other models."""
    if "search" not in result:
        return ""
    counts = _counts(result["search"]["attempts"])
    return (
        f'<details class="ap-search"><summary>How it searched: {counts}</summary><pre class="ap-read" tabindex="0" '
        f'aria-label="The search">{escape(Search.of(result["raw"]).text)}</pre></details>'
    )


def judged(result: dict) -> str:
    """An answer as it stands, and, where it was read leniently too, that reading."""
    if "error" in result:
        return note(result["error"])
    text = _card("The answer as it stands", result, _judgement(result))
    if result.get("lenient"):
        strict = escape(result["lenient"]["answer"])
        read = f'<p class="ap-small">Read from the prose:</p><pre class="ap-read">{strict}</pre>'
        text += _card("The same, read leniently", result, read + _judgement(result["lenient"]))
    return text


def played(result: dict) -> str:
    """What the verifier says of a visitor's own game."""
    return note(result["error"]) if "error" in result else f'<div class="ap-mine">{verdict_line(result)}</div>'


def samples(result: dict, temperature: float) -> str:
    """The model's answers: how many are right, and every distinct one line by line."""
    if "error" in result:
        return note(result["error"])
    drawn, right = result["drawn"], result["right"]
    if drawn == 1:
        return _card("The model", result, _judgement(result) + search_part(result))
    kind = "good" if right else "bad"
    head = f'<p class="ap-verdict ap-{kind}" role="status">{right} of {drawn} samples right, '
    head += f"drawn at temperature {temperature:g}</p>"
    parts = []
    shown = next((i for i, item in enumerate(result["samples"]) if item["correct"]), 0)
    for i, item in enumerate(result["samples"]):
        mark, name = ("✓", "good") if item["correct"] else ("✗", "bad")
        last = (item["answer"].strip().splitlines() or ["(empty)"])[-1]
        parts.append(
            f'<details class="ap-sample"{" open" if i == shown else ""}><summary><span class="ap-{name}-text">{mark}'
            f"</span> {'right' if item['correct'] else 'wrong'} <code>… {escape(last[:40])}</code>"
            f'<span class="ap-times">{item["times"]}\u00d7</span></summary>{_judgement(item)}'
            f"{search_part(item)}</details>"
        )
    return _card("The model", result, head + "".join(parts))


def solved(result: dict, near: dict | None = None) -> str:
    """The solver's answer as a tree, line by line, and the other solutions; or that there is none.

    near: ``logic.nearest``, of a puzzle without solution.
    """
    if "error" in result:
        return note(result["error"])
    kind = "good" if result["solvable"] else "plain"
    body = f'<p class="ap-verdict ap-{kind}" role="status">{escape(result["verdict"])}</p>'
    if result["solvable"]:
        body += _solution(result["numbers"], result["solution"], result["steps"])
        body += _others(result)
    elif near and near.get("solution"):
        body += f"<p>The nearest that can be reached is <b>{near['nearest']}</b>:</p>"
        body += _solution(result["numbers"], near["solution"], [])
    return _card("The solver", result, body)


def _solution(numbers: list[int], solution: str, steps: list[dict]) -> str:
    root = read_tree(numbers, solution)
    text = f'<p class="ap-expression"><code>{escape(expression(root))} = {root.value}</code></p>'
    lines = f"<details><summary>Line by line</summary>{steps_table(steps, None)}</details>" if steps else ""
    return f'{text}<div class="ap-scroll">{picture(root)}</div>{lines}'


def _others(result: dict) -> str:
    others = [expression(read_tree(result["numbers"], text)) for text in result["solutions"][1:LISTED]]
    if not others:
        return ""
    items = [f"<li><code>{escape(text)}</code></li>" for text in others]
    beyond = result["count"] - 1 - len(items)
    rest = f"<p>… and {beyond} more.</p>" if beyond else ""
    hidden = len(items) - SHOWN
    more = f"<details><summary>{hidden} more</summary><ul>{''.join(items[SHOWN:])}</ul>{rest}</details>"
    return (
        f'<div class="ap-others"><h4>Other solutions</h4><ul>{"".join(items[:SHOWN])}</ul>'
        f"{more if hidden > 0 else ''}</div>"
    )


def verdict_line(result: dict) -> str:
    kind, mark = ("good", "✓") if result["correct"] else ("bad", "✗")
    return (
        f'<p class="ap-verdict ap-{kind}" role="status"><span aria-hidden="true">{mark}</span> '
        f"{escape(result['verdict'])}</p>"
    )


def _judgement(result: dict) -> str:
    more = result["more_steps"]
    tail = f'<p class="ap-small">… and {more} more lines.</p>' if more else ""
    empty = "" if result["steps"] or "search" in result else '<p class="ap-small">The answer is empty.</p>'
    return f"{verdict_line(result)}{steps_table(result['steps'], result['line'])}{empty}{tail}"


def _card(who: str, result: dict, body: str) -> str:
    numbers = ", ".join(map(str, result["numbers"]))
    title = f"{escape(who)}: <span>{escape(numbers)} → {result['target']}</span>"
    return f'<section class="ap-card"><h3>{title}</h3>{body}</section>'


def steps_table(steps: list[dict], fault: int | None) -> str:
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
    head = '<tr><th>line</th><th>equation</th><th><span class="ap-hidden">verdict</span></th><th>numbers left</th></tr>'
    return f'<table class="ap-steps"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'

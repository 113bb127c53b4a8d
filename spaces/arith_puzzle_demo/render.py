"""Turn the dicts of logic.py into HTML. All text from a visitor, a model or a dataset is escaped here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from searched import Attempt, Pair, Search
from tree import SIGNS, expression, picture, read_tree

SHOWN = 12
"""Number of other solutions shown at first; a click shows the rest."""
LISTED = 60
"""Maximum number of solutions in the page."""
RECENT = 6
"""Number of attempts of a running search in the page."""

HEADER = """
<header class="ap-head">
  <h1>Beat the model</h1>
  <p>Combine two numbers at a time with <b>+ &minus; &times; &divide;</b> until only the <b>target</b> is left. Use
  every number exactly once. A small language model gets the same puzzle, and a program checks every line of its
  answer.</p>
</header>
"""

FOOTER = """
<details class="ap-how"><summary>How to write an answer, and what counts as correct</summary>
<p>Write one equation per line, without spaces, with <code>+ - * /</code>. Each equation uses up two of the numbers
that are left, and its result joins them. The last result must be the target. Divisions must be exact. Results may be
negative. An answer for the numbers 3, 6, 7, 51, 58 and the target 4:</p>
<pre>58-51=7
6-7=-1
3*-1=-3
-3+7=4</pre>
<p>These puzzles come from the paper <a href="https://arxiv.org/abs/2406.02100" rel="noopener" target="_blank">arXiv
2406.02100</a>. To use this page from a program, see “Use via API” below.</p></details>
"""


SEARCHES = (
    ". It searches before it answers: it writes its attempts, then a line with only <code>:</code>, then its answer. "
    "Only the answer is checked."
)


def status(state: dict, *, searches: bool = False) -> str:
    """The line under the title: which model answers, and whether it searches first; or why there is no model."""
    if state["model"] == "ready":
        names = [escape(_name(str(name))) for name in (state["adapter"], state["base"]) if name]
        text = f"The model: <b>{names[0]}</b>" + "".join(f" on {name}" for name in names[1:])
        text += SEARCHES if searches else ""
    elif state["model"] == "loading":
        text = "The model is loading. Everything else works already."
    else:
        text = f"There is no model here: {escape(state['reason'])}. Everything else works."
    return f'<p class="ap-status ap-{state["model"]}" role="status">{text}</p>'


def choice(name: str, *, searches: bool, first: bool) -> str:
    """The entry of a model in the list of models, where a release puts its best one first."""
    what = ("Searches first" + ", hard to beat" * first) if searches else "Answers at once"
    return f"{what}: {name.rpartition('/')[2]}"


def _name(model: str) -> str:
    """The last part of a folder's path; a Hub id unchanged."""
    return Path(model).name if Path(model).is_absolute() else model


def working(text: str) -> str:
    """The note that is shown while the visitor waits."""
    dot = '<span class="ap-dots" aria-hidden="true"></span>'
    return f'<p class="ap-verdict ap-plain" role="status">{dot} {escape(text)}</p>'


def begins(*, busy: bool) -> str:
    """The note before the first line of a model."""
    return working("The model answers someone else first …" if busy else "The model begins …")


def note(text: str) -> str:
    """One line of text as a note, such as an error."""
    return f'<p class="ap-note" role="status">{escape(text[:1].upper() + text[1:])}.</p>' if text else ""


def attempt(result: dict) -> str:
    """A model's answer while it grows: its search, if it searches, and its lines so far with their verdicts."""
    if "error" in result:
        return note(result["error"])
    if "search" in result and not (result["done"] or result["search"]["ended"]):
        return _searching(Search.of(result["raw"]))
    head = verdict_line(result) if result["done"] else working("The model is writing its answer …")
    if result.get("stopped"):
        head = f'<p class="ap-verdict ap-plain" role="status">{escape(result["verdict"])}</p>'
    return f'<section class="ap-card" aria-live="polite">{search_part(result)}{_lines(result)}{head}</section>'


def _searching(search: Search) -> str:
    """The state of a search. Screen readers announce that the model searches, but not the parts that change quickly."""
    return (
        f'<section class="ap-card">{working("The model is searching …")}<div class="ap-now" aria-live="off">'
        f"{_attempts(search.attempts[-RECENT:], len(search.attempts), open_last=True)}</div></section>"
    )


def search_part(result: dict) -> str:
    """The search of a model: the attempt that succeeded, and all of them folded; empty if the model does not search."""
    if "search" not in result:
        return ""
    search = Search.of(result["raw"])
    count = len(search.attempts)
    counted = f"{count} attempt{'s' * (count != 1)}"
    found = _attempts(search.attempts[-1:], count, open_last=True) if search.ended else ""
    return (
        f'{found}<details class="ap-search"><summary>How the model searched: {counted}</summary>'
        f'<div class="ap-all" tabindex="0" role="region" aria-label="The search">{_attempts(search.attempts, count)}'
        f'<details><summary>As the model wrote it</summary><pre class="ap-read">{escape(search.text)}</pre></details>'
        "</div></details>"
    )


def _attempts(attempts: Sequence[Attempt], count: int, *, open_last: bool = False) -> str:
    """The last ones of ``count`` attempts as a list. The last one may show its pairs, others only how they begin."""
    first = count - len(attempts) + 1
    items = [
        _attempt(number, attempt, whole=open_last and number == count) for number, attempt in enumerate(attempts, first)
    ]
    return f'<ol class="ap-attempts">{"".join(items)}</ol>'


def _attempt(number: int, attempt: Attempt, *, whole: bool) -> str:
    """One attempt: the pair that it begins with, its further steps, the numbers left, and the pairs of these."""
    begin, *steps = attempt.steps or [""]
    said = f"<span>begins with <b>{_equation(begin)}</b></span>" if begin else "<span>all pairs</span>"
    said += "".join(f"<span>then {_equation(step)}</span>" for step in steps)
    left = "".join(f"<i>{escape(value)}</i>" for value in attempt.left)
    said += f'<span class="ap-left">left {left}</span>' if left else ""
    if attempt.found:
        said += '<span class="ap-good-text">✓ found</span>'
    elif not whole:
        said += '<span class="ap-small">no pair fits</span>'
    body = ""
    if attempt.pairs and (whole or attempt.found):
        head = "<tr><th>pair</th><th>must make</th><th>makes</th></tr>"
        rows = "".join(map(_pair, attempt.pairs))
        body = f'<table class="ap-pairs"><thead>{head}</thead><tbody>{rows}</tbody></table>'
    if whole:
        body += "".join(f"<p><code>{escape(line)}</code></p>" for line in attempt.other)
    kind = "ap-found" if attempt.found else "ap-open" if whole else "ap-failed"
    return f'<li class="{kind}" value="{number}"><div class="ap-begin">{said}</div>{body}</li>'


def _pair(pair: Pair) -> str:
    """A pair of the last three numbers: which values it must make, and which it makes; the last equation if it fits."""
    *made, last = map(escape, pair.made)
    kind = ' class="ap-good"' if pair.found else ""
    made.append(f"<b>{last}</b>" if pair.found else last)
    fits = f'<tr{kind}><td colspan="3">✓ so <b>{_equation(pair.equation)}</b></td></tr>' if pair.found else ""
    return (
        f"<tr{kind}><td>{escape(', '.join(pair.numbers))}</td><td>{escape(' or '.join(pair.wanted))}</td>"
        f"<td>{', '.join(made)}</td></tr>{fits}"
    )


def _equation(text: str) -> str:
    """An equation with the signs of print, and thin spaces."""
    return re.sub("[-+*/=]", lambda sign: f"&thinsp;{SIGNS.get(sign[0], sign[0])}&thinsp;", escape(text))


def judged(result: dict) -> str:
    """The verdict on an answer as written, and, if there is one, the verdict on the equations found in its text."""
    if "error" in result:
        return note(result["error"])
    text = _card("Checked as written", result, _judgement(result))
    if result.get("lenient"):
        strict = escape(result["lenient"]["answer"])
        read = f'<p class="ap-small">Equations found in the text:</p><pre class="ap-read">{strict}</pre>'
        text += _card("Checked as free text", result, read + _judgement(result["lenient"]))
    return text


def played(result: dict) -> str:
    """The verdict on a visitor's own game."""
    return note(result["error"]) if "error" in result else f'<div class="ap-mine">{verdict_line(result)}</div>'


def answer(result: dict) -> str:
    """The model's only answer, complete: its search, if it searches, the verdict, and its lines."""
    return _card("The model", result, search_part(result) + _judgement(result))


def samples(result: dict, temperature: float) -> str:
    """The model's answers: how many are right, and all distinct answers line by line."""
    if "error" in result:
        return note(result["error"])
    drawn, right = result["drawn"], result["right"]
    if drawn == 1:
        return answer(result)
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
            f'<span class="ap-times">{item["times"]}\u00d7</span></summary>{search_part(item)}'
            f"{_judgement(item)}</details>"
        )
    return _card("The model", result, head + "".join(parts))


def solved(result: dict, near: dict | None = None) -> str:
    """The solver's result: a solution as a tree and line by line, and other solutions; or that there is none.

    Args:
        near: result of ``logic.nearest``, for a puzzle without a solution.
    """
    if "error" in result:
        return note(result["error"])
    kind = "good" if result["solvable"] else "plain"
    body = f'<p class="ap-verdict ap-{kind}" role="status">{escape(result["verdict"])}</p>'
    if result["solvable"]:
        body += _solution(result, result["steps"])
        body += _others(result)
    elif near and near.get("solution"):
        body += f"<p>The nearest number that can be reached is <b>{near['nearest']}</b>:</p>"
        body += _solution(near, [])
    return _card("The solver", result, body)


def _solution(result: dict, steps: list[dict]) -> str:
    root = read_tree(result["numbers"], result["solution"], result["division"])
    text = f'<p class="ap-expression"><code>{escape(expression(root))} = {root.value}</code></p>'
    lines = f"<details><summary>Line by line</summary>{steps_table(steps, None)}</details>" if steps else ""
    return f'{text}<div class="ap-scroll">{picture(root)}</div>{lines}'


def _others(result: dict) -> str:
    numbers, division = result["numbers"], result["division"]
    others = [expression(read_tree(numbers, text, division)) for text in result["solutions"][1:LISTED]]
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
    """The verdict as one coloured line."""
    kind, mark = ("good", "✓") if result["correct"] else ("bad", "✗")
    return (
        f'<p class="ap-verdict ap-{kind}" role="status"><span aria-hidden="true">{mark}</span> '
        f"{escape(result['verdict'])}</p>"
    )


def _judgement(result: dict) -> str:
    more = result["more_steps"]
    tail = f'<p class="ap-small">… and {more} more lines.</p>' if more else ""
    empty = "" if result["answer"] or "search" in result else '<p class="ap-small">The answer is empty.</p>'
    if result["answer"] and not result["steps"]:  # an expression with a fault of form, or with fractions
        empty = f'<pre class="ap-read">{escape(result["answer"])}</pre>'
    return f"{verdict_line(result)}{_lines(result)}{empty}{tail}"


def _lines(result: dict) -> str:
    """The lines of an answer with their verdicts. After a search they have a title."""
    table = steps_table(result["steps"], result["line"])
    return f"<h3>Its answer</h3>{table}" if table and "search" in result else table


def _card(who: str, result: dict, body: str) -> str:
    numbers = ", ".join(map(str, result["numbers"]))
    title = f"{escape(who)}: <span>{escape(numbers)} → {result['target']}</span>"
    return f'<section class="ap-card"><h3>{title}</h3>{body}</section>'


def steps_table(steps: list[dict], fault: int | None) -> str:
    """The verdict on each line. Lines after the first fault are pale: they are judged as if it was left out."""
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

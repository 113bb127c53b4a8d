"""Results as HTML and SVG: scores with intervals, the heat map over all splits, the scaling curve, a file's scores."""

from __future__ import annotations

from html import escape
from math import floor, log10

FAULTS = {"wrong_result": "wrong arithmetic", "unavailable_operand": "a number that is not available"}


def scores(results: dict) -> str:
    """One table for each split: base and adapter, overall and by N, with 95 % intervals.

    With several configs, the tables of each are folded.
    """
    parts: dict[str, list[str]] = {}
    groups: dict[tuple[str, str], list[dict]] = {}
    for score in results["scores"]:
        groups.setdefault((score["config"], score["split"]), []).append(score)
    for (config, split), models in groups.items():
        rows = []
        for score in models:
            kind = "adapter" if score["adapted"] else "base"
            rows.append(_row(score["model"].rpartition("/")[2], kind, score["pass@1"], score["pass@1_ci95"], head=True))
            for n, item in score["by_n"].items():
                rows.append(_row(f"N = {n}", kind, item["pass@1"], item["ci95"]))
            for key, value in score["pass@k"].items():
                if key != "pass@1":
                    rows.append(_row(key, kind, value, None))
        sizes = " / ".join(sorted({f"{score['n']:,}" for score in models}))
        parts.setdefault(config, []).append(
            f'<table class="ap-scores"><caption>{escape(config)}/{escape(split)}: {sizes} puzzles, pass@1 with '
            "95 % intervals</caption><thead><tr><th>model</th><th><span class='ap-axis'><i>0</i><i>0.5</i><i>1</i>"
            f"</span></th><th>score</th></tr></thead><tbody>{''.join(rows)}</tbody></table>{_why(models)}"
        )
    if len(parts) == 1:
        return "".join(*parts.values())
    return "".join(
        f'<details class="ap-config"><summary>{escape(config)}: {len(tables)} '
        f"set{'s' * (len(tables) != 1)} of puzzles</summary>{''.join(tables)}</details>"
        for config, tables in parts.items()
    )


def _row(name: str, kind: str, rate: float, interval: list[float] | None, *, head: bool = False) -> str:
    low, high = interval or (rate, rate)
    text = f"{rate:.3f}" + (f" <small>[{low:.3f}, {high:.3f}]</small>" if interval else " <small>no interval</small>")
    bar = f'<i style="left:{low:.2%};width:{high - low:.2%}"></i><b style="left:{rate:.2%}"></b>'
    return (
        f'<tr class="ap-{kind}{" ap-all" if head else ""}"><th scope="row">{escape(name)}</th><td>'
        f'<div class="ap-track" aria-hidden="true">{bar}</div></td><td>{text}</td></tr>'
    )


def _why(models: list[dict]) -> str:
    """The two most frequent faults of each model, in words."""
    said = []
    for score in models:
        faults = sorted(((share, name) for name, share in score["reasons"].items() if name != "ok"), reverse=True)[:2]
        words = ", ".join(f"{share:.0%} {escape(FAULTS.get(name, name.replace('_', ' ')))}" for share, name in faults)
        if words:
            said.append(f"<b>{escape(score['model'].rpartition('/')[2])}</b>: {words}")
    return f'<p class="ap-small">Most frequent mistakes. {"; ".join(said)}.</p>' if said else ""


def heat(results: dict) -> str:
    """pass@1 of each model on each split, with a note where there is no score.

    Splits of several configs can have the same name, so then the config's name comes before it.
    """
    found: dict[str, dict[str, dict]] = {}
    kinds: dict[str, bool] = {}
    several = len({score["config"] for score in results["scores"]}) > 1
    for score in results["scores"]:
        place = f"{score['config']}/{score['split']}" if several else score["split"]
        found.setdefault(place, {})[score["model"]] = score
        kinds[score["model"]] = score["adapted"]
    places = [*found, *([] if several else (split for split in results["splits"] if split not in found))]
    order = {split: place for place, split in enumerate(results["splits"])}
    places.sort(key=lambda place: order.get(place, 0))
    models = sorted(kinds, key=lambda model: (kinds[model], model))
    head = "".join(f'<th scope="col">{escape(model.rpartition("/")[2])}</th>' for model in models)
    rows = []
    for place in places:
        cells = []
        for model in models:
            score = found.get(place, {}).get(model)
            if score is None:
                cells.append(f'<td class="ap-none">{"-" if several else "not measured"}</td>')
            else:
                cells.append(f'<td style="--v:{score["pass@1"] * 100:.0f}"><b>{score["pass@1"]:.3f}</b></td>')
        name = escape(place).replace("_", "_<wbr>").replace("/", "/<wbr>")
        rows.append(f'<tr><th scope="row">{name}</th>{"".join(cells)}</tr>')
    return (
        '<table class="ap-heat"><caption>pass@1 of each model on each set of puzzles</caption><thead><tr>'
        f"<th>split</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def comparison(tables: list[dict]) -> str:
    """One table for each split: all models on the same rows, the best one first, each compared with the adapter."""
    parts = []
    for table in (table for table in tables if table["models"]):
        more = any(model["kind"] == "other" for model in table["models"])
        rows = []
        for model in table["models"]:
            name = escape(model["name"])
            said = escape(", ".join(filter(None, [model["kind"] if model["kind"] != "other" else "", model["asked"]])))
            by_n = "<br>".join(f"N = {escape(n)}: {_rate(item)}" for n, item in model["by_n"].items())
            rows.append(
                f'<tr class="ap-{escape(model["kind"])}"><th scope="row">{name}<br><small>{said}</small></th>'
                f"<td>{_rate(model)}</td><td><small>{by_n}</small></td><td>{_pair(model['pair'])}</td></tr>"
            )
        parts.append(
            f'<table class="ap-compare"><caption>{"Other models" if more else "Base and adapter"} on the same rows: '
            f"{escape(table['place'])}, {table['n']:,} puzzles</caption><thead><tr><th>model</th><th>pass@1</th>"
            f"<th>by N</th><th>against the adapter</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
        )
    return "".join(parts) + (PAIRED if parts else "")


PAIRED = (
    '<p class="ap-small">In brackets: 95 % intervals. The last column compares with the adapter: the difference '
    "of pass@1, how many puzzles only one of the two solves, and the p-value of McNemar's exact test.</p>"
)


def _rate(item: dict) -> str:
    low, high = item.get("pass@1_ci95") or item["ci95"]
    return f"<b>{item['pass@1']:.3f}</b> <small>[{low:.3f}, {high:.3f}]</small>"


def _pair(pair: dict | None) -> str:
    if pair is None:
        return ""
    p = f"p = {pair['p']:.2g}" if pair["p"] >= 1e-99 else "p &lt; 1e-99"  # a float cannot hold the smallest ones
    counts = f"right alone: {pair['only_model']:,}, adapter alone: {pair['only_adapter']:,}"
    return f"{pair['difference']:+.3f} <small>{p}</small> <small>{counts}</small>"


WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 460, 280, 44, 40, 14, 14


def scaling(curve: dict | None) -> str:
    """pass@1 against training rows on a log axis, with intervals and the fit."""
    series = [each for each in (curve or {}).get("series", []) if each.get("points")]
    if not series:
        return (
            '<p class="ap-note">The effect of more training rows is not measured yet: the results have no '
            "scaling.json.</p>"
        )
    rows = [point["rows"] for each in series for point in each["points"]]
    low, high = log10(min(rows)) - 0.15, log10(max(rows)) + 0.15

    def x(value: float) -> float:
        return LEFT + (log10(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(rate: float) -> float:
        return TOP + (1 - min(1.0, max(0.0, rate))) * (HEIGHT - TOP - BOTTOM)

    shapes, said = [], []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        shapes.append(f'<path class="ap-grid" d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}"/>')
        shapes.append(f'<text class="ap-tick" x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick}</text>')
    for power in range(floor(low), floor(high) + 1):
        if low <= power <= high:
            shapes.append(f'<text class="ap-tick" x="{x(10**power):.1f}" y="{HEIGHT - 20}" text-anchor="middle">'
                          f"{_rows(10**power)}</text>")  # fmt: skip
    shapes.append(
        f'<text class="ap-tick" x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 4}" text-anchor="middle">training rows</text>'
    )
    for number, each in enumerate(series):
        points = sorted(each["points"], key=lambda point: point["rows"])
        marks = []
        for point in points:
            at, (bottom, top) = x(point["rows"]), point["pass@1_ci95"]
            marks.append(f'<path d="M{at:.1f} {y(bottom):.1f}V{y(top):.1f}"/>'
                         f'<circle cx="{at:.1f}" cy="{y(point["pass@1"]):.1f}" r="4.5"/>')  # fmt: skip
            said.append(f"{_rows(point['rows'])} rows: {point['pass@1']:.3f} [{bottom:.3f}, {top:.3f}], n={point['n']}")
        fit = each.get("fit")
        if fit:
            ends = (points[0]["rows"], points[-1]["rows"])
            line = [(x(end), y(fit["intercept"] + fit["slope_per_decade"] * log10(end))) for end in ends]
            marks.append(
                f'<path class="ap-fit" d="M{line[0][0]:.1f} {line[0][1]:.1f}L{line[1][0]:.1f} {line[1][1]:.1f}"/>'
            )
            bounds = fit["slope_ci95"]
            said.append(f"fit: {fit['slope_per_decade']:+.3f} a decade [{bounds[0]:+.3f}, {bounds[1]:+.3f}]")
        shapes.append(f'<g class="ap-series ap-series-{number % 4}">{"".join(marks)}</g>')
    names = "".join(
        f'<li class="ap-series-{i % 4}">{escape(str(each["name"]))} on {escape(str(each["split"]))}</li>'
        for i, each in enumerate(series)
    )
    items = "".join(f"<li>{escape(text)}</li>" for text in said)
    return (
        '<figure class="ap-curve"><figcaption>pass@1 against training rows</figcaption>'
        f'<ul class="ap-legend">{names}</ul>'
        f'<svg role="img" aria-label="{escape("; ".join(said), quote=True)}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f"{''.join(shapes)}</svg><details><summary>As text</summary><ul>{items}</ul></details></figure>"
    )


def _rows(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def metric(result: dict, reasons: dict[str, str]) -> str:
    """The scores of an uploaded file as a table, and a list of its malformed rows."""
    measured, parts = result["measured"], []
    if measured:
        low, high = measured["pass@1_ci95"]
        lenient = "also counts answers as free text, if their equations are unambiguous"
        rows = [
            ("puzzles", f"{measured['num_puzzles']:,}", ""),
            ("pass@1", f"{measured['pass@1']:.4f}", f"95 % interval [{low:.4f}, {high:.4f}]"),
            ("pass@1_lenient", f"{measured['pass@1_lenient']:.4f}", lenient),
        ]
        rows += [(f"N = {n}", f"{rate:.4f}", "") for n, rate in measured["by_n"].items()]
        rows += [(reason, f"{share:.2%}", reasons[reason]) for reason, share in measured["reasons"].items()]
        body = "".join(
            f'<tr><th scope="row">{escape(name)}</th><td>{value}</td><td>{escape(said)}</td></tr>'
            for name, value, said in rows
        )
        parts.append(f'<table class="ap-metric"><caption>Scores of your file</caption><tbody>{body}</tbody></table>')
    else:
        parts.append('<p class="ap-note" role="status">No row of the file could be read.</p>')
    if result["cut"]:
        parts.append('<p class="ap-note">The file has too many rows. The last ones were left out.</p>')
    if result["faults"]:
        more = f"<li>… and {result['more_faults']} more</li>" if result["more_faults"] else ""
        items = "".join(f"<li>{escape(fault)}</li>" for fault in result["faults"])
        parts.append(f'<div class="ap-faults"><h4>Rows left out</h4><ul>{items}{more}</ul></div>')
    return f'<section class="ap-card" role="status">{"".join(parts)}</section>'

"""A solution as an expression tree: its text, and an SVG picture with a description for screen readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from arith_puzzle.dataset_builder.puzzle import parse_completion
from arith_puzzle.metrics.arith_puzzle_verifier.verify import Number, to_equations

ROW, GAP, HEIGHT, DIGIT = 66, 14, 34, 9.5
"""Sizes in the picture, in units of its viewBox: distance of rows, gap between boxes, height of a box, width of a
digit."""
SIGNS = {"+": "+", "-": "\u2212", "*": "\u00d7", "/": "\u00f7"}
WORDS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}


@dataclass(eq=False)
class Node:
    """A node of an expression tree: a given number, or the result of ``op`` on two nodes."""

    value: Number
    op: str = ""
    left: Node | None = None
    right: Node | None = None


def read_tree(numbers: Sequence[int], solution: str, division: str = "exact") -> Node:
    """Turn a correct solution of the numbers, equations or an expression, into an expression tree."""
    if solution.isdecimal():
        return Node(int(solution))
    pool: list[Node] = [Node(number) for number in numbers]
    equations = parse_completion(solution) if "=" in solution else to_equations(solution, division=division)
    for a, op, b, c in equations:
        pair = []
        for value in (a, b):
            pair.append(next(node for node in pool if node.value == value))
            pool.remove(pair[-1])
        pool.append(Node(c, op, *pair))
    return pool[-1]


def expression(node: Node, *, inside: str = "", right: bool = False) -> str:
    """The tree as text such as ``58-51+3*(6-7)``, with brackets only where they are needed."""
    if not node.op:
        return f"({node.value})" if node.value < 0 and inside else str(node.value)
    text = expression(node.left, inside=node.op) + node.op + expression(node.right, inside=node.op, right=True)
    loose = node.op in "+-" and inside in ("*", "/")
    return f"({text})" if loose or (right and (inside in ("-", "/") and (node.op in "+-") == (inside == "-"))) else text


def picture(root: Node) -> str:
    """The tree as an SVG element: the target at the top, the given numbers at the leaves, colours by CSS classes."""
    boxes, lines = [], []
    left = [0.0]

    def lay(node: Node, depth: int) -> tuple[float, float]:
        """Draw a subtree. Returns the centre of its top box."""
        text = str(node.value).replace("-", SIGNS["-"])
        wide = max(40.0, DIGIT * len(text) + 18)
        if node.op:
            (x1, y1), (x2, y2) = lay(node.left, depth + 1), lay(node.right, depth + 1)
            x = (x1 + x2) / 2
        else:
            x = left[0] + wide / 2
            left[0] += wide + GAP
        y = depth * ROW + HEIGHT / 2
        kind = "ap-given" if not node.op else "ap-target" if node is root else "ap-made"
        if node.op:
            fork = y + HEIGHT / 2 + 9
            lines.append(f'<path d="M{x:.1f} {fork:.1f}L{x1:.1f} {y1 - HEIGHT / 2:.1f}'
                         f'M{x:.1f} {fork:.1f}L{x2:.1f} {y2 - HEIGHT / 2:.1f}"/>')  # fmt: skip
            boxes.append(f'<g class="ap-op"><circle cx="{x:.1f}" cy="{fork:.1f}" r="10"/>'
                         f'<text x="{x:.1f}" y="{fork + 5:.1f}">{SIGNS[node.op]}</text></g>')  # fmt: skip
        boxes.append(
            f'<g class="{kind}"><rect x="{x - wide / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{wide:.1f}" '
            f'height="{HEIGHT}" rx="9"/><text x="{x:.1f}" y="{y + 5.5:.1f}">{escape(text)}</text></g>'
        )
        return x, y

    lay(root, 0)
    width, height = left[0] - GAP + 4, _depth(root) * ROW + HEIGHT + 4
    says = escape(f"{expression(root)} = {root.value}. {spoken(root)}", quote=True)
    return (
        f'<svg class="ap-tree" role="img" aria-label="{says}" viewBox="-2 -2 {width:.1f} {height:.1f}" '
        f'style="max-width:{width * 1.25:.0f}px"><title>{escape(expression(root))} = {root.value}</title>'
        f"{''.join(lines)}{''.join(boxes)}</svg>"
    )


def spoken(node: Node) -> str:
    """The steps in words, one sentence each, such as "58 minus 51 is 7."."""
    if not node.op:
        return ""
    said = f"{node.left.value} {WORDS[node.op]} {node.right.value} is {node.value}."
    return " ".join(part for part in (spoken(node.left), spoken(node.right), said) if part)


def _depth(node: Node) -> int:
    return 1 + max(_depth(node.left), _depth(node.right)) if node.op else 0

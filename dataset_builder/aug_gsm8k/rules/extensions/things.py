"""Things that stories count: where one puts them, and what one of them may cost."""

from __future__ import annotations

from fractions import Fraction

_CLASSES = [
    ("apples oranges bananas lemons limes peaches plums pears mangoes potatoes tomatoes carrots onions cucumbers "
     "peppers pumpkins melons watermelons avocados pineapples vegetables fruits",
     ("baskets", "boxes", "bags", "crates"), 1, 3),
    ("strawberries berries cherries grapes blueberries raspberries blackberries nuts walnuts almonds",
     ("bowls", "bags", "jars"), 0, 0),
    ("cookies cupcakes muffins brownies donuts doughnuts pastries biscuits macarons croissants scones rolls",
     ("boxes", "trays", "tins"), 1, 3),
    ("pies cakes sandwiches pizzas burgers", ("boxes", "trays"), 4, 9),
    ("candies chocolates lollipops jellybeans sweets gumballs mints", ("bags", "jars", "boxes"), 1, 2),
    ("marbles beads buttons shells seashells pebbles rocks stones gems acorns coins pennies nickels dimes quarters "
     "tokens",
     ("bags", "jars", "boxes"), 0, 0),
    ("pencils pens crayons markers erasers clips stickers stamps cards postcards ribbons candles",
     ("boxes", "drawers", "envelopes"), 1, 2),
    ("photos pictures photographs", ("albums", "envelopes", "folders"), 0, 0),
    ("books notebooks magazines comics novels", ("boxes", "bags"), 2, 6),
    ("flowers roses tulips daisies sunflowers lilies carnations daffodils", ("vases", "bouquets", "baskets"), 1, 3),
    ("eggs", ("baskets", "cartons", "boxes"), 0, 0),
    ("toys dolls balls puzzles figurines legos bracelets necklaces "
     "scarves hats shirts",
     ("boxes", "bags"), 3, 9),
    ("bottles cans jars cups plates bowls glasses mugs", ("boxes", "crates"), 0, 0),
    ("paintings drawings cartoons", ("folders", "boxes"), 0, 0),
    ("balloons", ("bunches", "bags"), 0, 0),
    ("seeds bulbs", ("pots", "bags"), 0, 0),
]  # fmt: skip
CONTAINERS = {noun: places for nouns, places, _, _ in _CLASSES for noun in nouns.split()}
"""Noun in the plural -> containers in the plural."""
PRICES = {noun: (low, high) for nouns, _, low, high in _CLASSES if high for noun in nouns.split()}
"""Noun in the plural -> lowest and highest price of one, in whole dollars."""
_MOST = {"envelopes": 20, "trays": 40, "tins": 40, "bouquets": 30, "vases": 25, "bowls": 50, "baskets": 60,
         "cartons": 30, "crates": 120, "albums": 200, "jars": 150, "boxes": 100, "bags": 60,
         "bunches": 30, "drawers": 80, "folders": 50, "pots": 20}  # fmt: skip
"""Container -> the most things that one holds."""
PEOPLE = frozenset(["children", "kids", "students", "players", "campers", "boys", "girls", "dancers", "members"])
"""Nouns that count people."""
_SINGULAR = {"boxes": "box", "bunches": "bunch"}


def fits(each: Fraction, containers: str) -> bool:
    """Whether so many things may be in each container."""
    return 2 <= each <= _MOST[containers]


def head(noun: str) -> str:
    """The last word of a noun phrase: "marbles" of "green marbles"."""
    return noun.rpartition(" ")[2]


def singular(container: str) -> str:
    """One of a kind of container, a period or another regular noun."""
    return _SINGULAR.get(container) or container.removesuffix("s")

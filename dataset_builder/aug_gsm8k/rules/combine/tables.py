"""Words that the concepts use: things with usual weights, prices and sizes, colors, feed, and first names."""

FOOD = {
    "cookies": (20, 25, 30), "apples": (150, 160, 180, 200), "oranges": (150, 180, 200), "bananas": (100, 120, 150),
    "lemons": (80, 100), "cupcakes": (60, 70, 80), "brownies": (50, 60), "muffins": (80, 100, 110),
    "donuts": (50, 60, 70), "doughnuts": (50, 60, 70), "peaches": (120, 150), "tomatoes": (100, 120, 150),
    "potatoes": (150, 180, 200), "carrots": (60, 80), "mangoes": (250, 300), "pears": (150, 180),
    "strawberries": (12, 15, 20), "candies": (5, 8, 10), "eggs": (50, 60), "cucumbers": (200, 250),
    "chocolates": (10, 12, 15), "macarons": (15, 20), "croissants": (60, 70), "bagels": (100, 110),
    "pastries": (70, 80), "coconuts": (600, 700), "plums": (60, 70), "avocados": (150, 200), "hotdogs": (100, 120),
    "lollipops": (10, 12), "crackers": (4, 5), "pancakes": (40, 50), "sandwiches": (150, 180, 200),
}  # fmt: skip
"""Food, and weights of one piece in grams."""

GOODS = {
    "marbles": (5, 6, 8), "beads": (1, 2), "pencils": (5, 6), "crayons": (5, 6), "pens": (8, 10),
    "balloons": (2, 3), "erasers": (10, 15), "buttons": (1, 2), "seashells": (5, 10, 12), "coins": (4, 5, 6),
    "golf balls": (46,), "tennis balls": (58,), "notebooks": (120, 150, 200), "books": (250, 300, 400),
    "shirts": (150, 180, 200), "t-shirts": (150, 180), "candles": (80, 100), "bracelets": (15, 20),
    "necklaces": (20, 30), "scarves": (120, 150), "envelopes": (4, 5), "bricks": (2000, 2500), "tiles": (300, 400),
    "nails": (3, 4), "magazines": (150, 200), "glasses": (200, 250), "plates": (300, 400), "rocks": (40, 50),
    "action figures": (80, 100), "toy cars": (40, 50), "stuffed animals": (150, 200), "towels": (300, 400),
    "batteries": (20, 25), "comic books": (60, 80), "coloring books": (150, 200), "seeds": (1, 2),
    "pebbles": (10, 20),
}  # fmt: skip
"""Other things, and weights of one in grams."""

FLAT = "stickers|stamps|cards|photos|pictures|photographs|postcards|posters|drawings|comics"
"""Flat things that go into an album, as a regular expression."""

COLORED = {
    "marbles": ("red", "blue", "green"), "balloons": ("red", "yellow", "blue"), "beads": ("white", "blue", "red"),
    "pencils": ("red", "yellow", "blue"), "crayons": ("red", "green", "orange"),
    "buttons": ("black", "white", "brown"), "flowers": ("red", "white", "yellow"),
    "roses": ("red", "white", "pink"), "tulips": ("red", "yellow", "pink"), "shirts": ("white", "blue", "gray"),
    "t-shirts": ("white", "blue", "gray"), "candies": ("red", "green", "yellow"),
    "jellybeans": ("red", "green", "orange"), "jelly beans": ("red", "green", "orange"),
    "pens": ("blue", "black", "red"), "cars": ("white", "black", "gray"), "apples": ("red", "green", "yellow"),
    "chairs": ("black", "white", "brown"), "socks": ("black", "white", "gray"), "hats": ("black", "white", "blue"),
    "fish": ("orange", "white", "blue"), "gumballs": ("red", "yellow", "green"), "tiles": ("white", "gray", "blue"),
    "scarves": ("red", "blue", "green"), "notebooks": ("red", "blue", "green"),
    "butterflies": ("white", "yellow", "blue"), "cats": ("black", "white", "gray"),
    "dogs": ("black", "brown", "white"), "horses": ("black", "brown", "white"),
    "grapes": ("green", "red", "purple"), "bracelets": ("red", "blue", "green"),
    "carnations": ("red", "white", "pink"), "bicycles": ("red", "blue", "green"),
    "cows": ("brown", "black", "white"), "cupcakes": ("pink", "white", "blue"), "dresses": ("red", "blue", "green"),
}  # fmt: skip
"""Things, and three colors that they have."""

COLOR_WORDS = "red|blue|green|yellow|white|black|pink|purple|orange|brown|gr[ae]y|gold\\w*|silver|colou?r\\w*"
"""Words for colors, as a regular expression."""

FEED = {
    "dogs": (2, "cups of dog food"), "puppies": (1, "cups of dog food"), "cows": (25, "pounds of hay"),
    "horses": (20, "pounds of hay"), "chickens": (4, "ounces of feed"), "goats": (4, "pounds of hay"),
    "sheep": (4, "pounds of hay"), "rabbits": (3, "ounces of hay"), "pigs": (6, "pounds of feed"),
    "ducks": (6, "ounces of feed"), "hens": (4, "ounces of feed"), "kittens": (4, "ounces of cat food"),
    "cats": (5, "ounces of cat food"), "roosters": (4, "ounces of feed"), "lambs": (3, "pounds of hay"),
    "turkeys": (1, "pounds of feed"), "pandas": (40, "pounds of bamboo"), "lions": (12, "pounds of meat"),
}  # fmt: skip
"""Animals, and what one eats per day."""

WORTH = {
    "cookies": (1, 2), "apples": (1,), "oranges": (1,), "cupcakes": (2, 3), "brownies": (2,), "muffins": (2, 3),
    "donuts": (1, 2), "doughnuts": (1, 2), "pies": (8, 9, 10, 12), "cakes": (15, 18, 20, 25),
    "pizzas": (10, 12, 14), "pens": (1, 2), "notebooks": (2, 3), "books": (6, 8, 10, 12), "shirts": (12, 15, 18),
    "t-shirts": (10, 12, 15), "dolls": (8, 10, 15), "toys": (5, 6, 8), "comic books": (3, 4),
    "baseball cards": (2, 3, 4), "cards": (1, 2), "stamps": (2, 3), "coins": (3, 4, 5), "roses": (2, 3),
    "flowers": (2, 3), "bouquets": (12, 15, 20), "paintings": (60, 80, 100), "necklaces": (12, 15, 20),
    "bracelets": (5, 6, 8), "candles": (4, 5, 6), "chickens": (10, 12, 15), "goats": (120, 150),
    "cows": (1000, 1200), "sheep": (150, 200), "pigs": (150, 200), "puppies": (200, 250, 300), "rabbits": (20, 25),
    "chairs": (30, 40, 50), "tables": (80, 100, 120), "posters": (5, 6, 8), "board games": (20, 25, 30),
    "video games": (20, 30, 40), "bottles of water": (1, 2), "sandwiches": (4, 5, 6), "hats": (8, 10, 12),
    "scarves": (10, 12, 15), "shoes": (20, 25), "towels": (5, 6, 8), "balls": (5, 6, 8), "plants": (5, 6, 8),
    "seashells": (1, 2), "candy bars": (1, 2), "stuffed animals": (8, 10, 12), "pumpkins": (4, 5, 6),
    "watermelons": (4, 5, 6), "pineapples": (3, 4), "mangoes": (1, 2), "lollipops": (1,), "toy cars": (3, 4, 5),
    "jars": (3, 4), "tickets": (8, 10, 12), "boxes of cookies": (4, 5),
    "cups of lemonade": (1, 2), "glasses of lemonade": (1, 2), "loaves of bread": (3, 4, 5),
    "bags of chips": (2, 3), "cans of soda": (1, 2), "slices of pizza": (2, 3), "bottles": (2, 3), "crayons": (1,),
    "magazines": (4, 5, 6), "plates": (4, 5, 6), "glasses": (4, 5, 6), "dresses": (30, 40, 50),
    "jackets": (40, 50, 60), "bicycles": (120, 150), "bikes": (120, 150), "fish": (3, 4, 5), "lemons": (1,),
    "baskets": (8, 10, 12), "quilts": (90, 100, 120), "blankets": (20, 25, 30),
    "backpacks": (25, 30, 35), "laptops": (500, 600),
}  # fmt: skip
"""Things, and prices of one in dollars."""

SIDES = {
    "stickers": ((2, 2), (2, 3)),
    "photos": ((4, 6), (5, 7)),
    "photographs": ((4, 6), (5, 7)),
    "pictures": ((4, 6), (5, 7), (8, 10)),
    "posters": ((18, 24), (24, 36)),
    "tiles": ((4, 4), (6, 6), (8, 8)),
    "postcards": ((4, 6),),
    "paintings": ((8, 10), (9, 12)),
    "drawings": ((8, 10), (9, 12)),
    "envelopes": ((4, 9),),
}
"""Flat things, and widths and lengths of one in inches."""

TALL = {
    "books": (2, 3, 4), "notebooks": (1, 2), "plates": (2, 3), "magazines": (1,), "comic books": (1,),
    "pancakes": (1, 2), "towels": (3, 4), "dvds": (1, 2), "movies": (1, 2), "cds": (1,),
}  # fmt: skip
"""Things that lie on each other or stand side by side, and thicknesses in centimeters."""

LONG = {
    "pencils": (18, 19), "pens": (14, 15), "crayons": (9,), "toy cars": (7, 8), "bricks": (20, 24),
    "ribbons": (30, 40, 50), "candy bars": (10, 12, 15), "straws": (20,),
    "planks": (200, 250), "boards": (200, 250), "cards": (9,), "popsicle sticks": (11, 12),
    "bananas": (18, 20), "carrots": (15, 18),
}  # fmt: skip
"""Things that lie end to end in a line, and lengths in centimeters."""

ITEMS = [
    ("notebooks", "notebook", 2, 4), ("movie tickets", "movie ticket", 8, 12), ("plants", "plant", 5, 12),
    ("T-shirts", "T-shirt", 8, 15), ("pizzas", "pizza", 10, 16), ("board games", "board game", 15, 25),
    ("paperback books", "paperback book", 6, 9), ("mugs", "mug", 4, 8), ("posters", "poster", 5, 9),
    ("scarves", "scarf", 9, 18), ("puzzles", "puzzle", 8, 14), ("bus tickets", "bus ticket", 2, 5),
    ("picture frames", "picture frame", 6, 12), ("candles", "candle", 4, 9), ("blankets", "blanket", 15, 30),
]  # fmt: skip
"""Things to buy: plural, singular, lowest and highest price in dollars."""

GOALS = [
    ("bicycle", 120, 500), ("skateboard", 40, 110), ("tablet", 150, 600), ("guitar", 120, 450), ("camera", 200, 900),
    ("laptop", 450, 1400), ("pair of headphones", 40, 130), ("tent", 60, 300), ("sewing machine", 90, 350),
    ("desk", 80, 300), ("telescope", 90, 400), ("used car", 3000, 9000), ("keyboard", 60, 250),
    ("winter coat", 60, 180),
]  # fmt: skip
"""Things to save for: name, lowest and highest price in dollars."""

CHILD = (
    "school|kids?|child|children|boys?|girls?|allowance|mom|mother|dad|father|parents?|grandmother|grandfather|teacher|"
    "students?|grandma|grandpa|lemonade|class|tooth|toys?|babysit\\w*|chores?"
)
"""Words of stories about children, as a regular expression."""

RATIOS = [(1, 2), (1, 3), (2, 3), (3, 2), (1, 4), (3, 4), (3, 5), (2, 5), (3, 7), (5, 3), (4, 1)]
"""Ratios in which a quantity is divided."""

UNSPENT = r"\b(?:initially|originally|first|start|starting|beginning|before|earlier|ago|used to)\b"
"""Words for what the person had before the story, as a regular expression. The story may have used it up."""

_NO_NAME_TEXT = (
    "A Additionally After Afterwards All Also American Among An And Another April As Assuming At August Because "
    "Before Both But By Chinese Christmas City Currently Dad Day December Dr During Each Easter Eight Eleven "
    "English Every Everyone Everything Father February Fifteen Fifty Finally First Five For Forty Four French "
    "Friday From Given Half Halloween He Her His History How However I If In Initially It Italian Its January "
    "July June Last Later Lego Many March Math May Mom Monday Month Most Mother Mr Mrs Ms My New Next Nine No Not "
    "November Now October Of On Once One Only Originally Other Our Out Over Park Recently Saturday School Science "
    "Second September Seven She Since Six Sixty So Some Spanish Street Sunday Suppose Ten Thanksgiving That The "
    "Their Then There These They Third Thirty This Those Three Thursday To Today Together Tomorrow Tuesday Twelve "
    "Twenty Twice Two Unfortunately Usually Valentine We Wednesday Week What When While With Year Yesterday York "
    "You Your "
)
NO_NAME = frozenset(_NO_NAME_TEXT.split())
"""Words with a capital that are no names."""

_MEN_TEXT = (
    "Aaron Adam Alexander Andrew Andy Anthony Archie Arthur Austin Barry Bart Ben Benny Bert Bill Billy Blake Bob "
    "Bobby Brandon Brendan Brian Bruce Caleb Calvin Carl Carlos Carter Chad Charles Chris Cody Cyrus Daniel Danny "
    "Dave David Dennis Derek Donny Eric Felix Frank Fred Gary George Gerald Grant Greg Hank Harold Harry Henry "
    "Ian Ivan Jack Jacob Jake James Javier Jeff Jeremy Jerome Jerry Jim Jimmy Joe Joel Joey John Johnny Jon Jose "
    "Joseph Josh Justin Keanu Ken Kenny Kevin Kyle Larry Lucas Luke Malcolm Marcus Mark Martin Mason Matt Max "
    "Michael Mike Nate Nathan Oliver Paul Peter Phil Philip Phillip Ralph Randy Rick Roberto Roger Ron Roy Ryan "
    "Scott Sean Simon Stan Stephen Steve Thomas Tim Toby Todd Tom Tommy Tony Travis Trent Trevor Troy Vincent "
    "Wade Walter William Wilson Zach "
)
MEN = frozenset(_MEN_TEXT.split())

_WOMEN_TEXT = (
    "Abigail Alice Amanda Amy Angela Ann Anna Anne Annie Barbara Bella Beth Bethany Betty Brenda Carla Carly "
    "Carmen Carol Carolyn Carrie Charlotte Cheryl Christina Christine Cindy Claire Clara Daria Diana Donna Eliza "
    "Elizabeth Ellen Emily Emma Erica Erin Francine Georgia Gina Ginger Grace Gretchen Haley Hallie Hannah Hazel "
    "Hillary Iris Isabel Jane Janet Janice Jasmine Jenna Jennie Jennifer Jenny Jessica Jill Joan Josie Joy Julia "
    "Julie Karen Kate Kelly Kim Kylie Lara Laura Leila Lily Linda Lisa Louise Lucille Lucy Lydia Mabel Maddie "
    "Madeline Mandy Marcy Maria Marie Marissa Marla Martha Mary Megan Melanie Melissa Michelle Milly Miriam Missy "
    "Molly Monica Nancy Natalie Nellie Nina Olivia Pauline Peggy Rachel Rebecca Roberta Ruth Sally Samantha "
    "Sandra Sandy Sara Sarah Sophie Stacy Stella Stephanie Susan Susie Tabitha Tammy Tara Tina Tonya Ursula "
    "Valerie Wendy "
)
WOMEN = frozenset(_WOMEN_TEXT.split())
"""First names of women; MEN has those of men."""

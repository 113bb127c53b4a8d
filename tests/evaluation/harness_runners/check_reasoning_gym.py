"""What reasoning-gym's dataset promises, beside its verdicts: python check_reasoning_gym.py. It prints "done"."""

import reasoning_gym
from reasoning_gym.factory import create_curriculum

import arith_puzzle.evaluation.harnesses.reasoning_gym_dataset as module
from arith_puzzle.dataset_builder.puzzle import puzzle_key
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of


def make(**options):
    return reasoning_gym.create_dataset("arith_puzzle", **options)


def puzzles(data):
    return {(*item["metadata"]["numbers"], item["metadata"]["target"]) for item in data}


# an item depends on the seed and its index, in any order of reading, past the end of a batch too
size = module.BATCH + 50
data = make(seed=42, size=size)
items = list(data)
assert len(items) == size and list(make(seed=42, size=20)) == items[:20]
assert [make(seed=42, size=size)[at] for at in (size - 1, 3)] == [items[size - 1], items[3]]
items[0]["metadata"]["numbers"].append(1)
assert data[0] != items[0], "an item that a user changes is not the dataset's"
items[0] = data[0]
for at in (-1, size):
    try:
        data[at]
        raise AssertionError(at)
    except IndexError:
        pass

# seeds and partitions share nothing but chance
assert len(puzzles(data) & puzzles(make(seed=43, size=size))) < size / 100
assert all(puzzle_key(numbers, target) >> 59 >= 2 for *numbers, target in puzzles(data))
assert all(puzzle_key(numbers, target) >> 59 == 1 for *numbers, target in puzzles(make(seed=42, size=50, split="test")))

# right answers, and others
assert all(data.score_answer(item["answer"], item) == 1.0 for item in items)
for wrong in (None, "", 5, items[0]["answer"] + "0", items[1]["answer"], items[0]["question"], "1\x00" * 9999):
    assert data.score_answer(wrong, items[0]) == 0.0, wrong
spaced = items[0]["answer"].replace("=", " = ")
assert (data.score_answer(spaced, items[0]), make(seed=42, lenient=True).score_answer(spaced, items[0])) == (0.0, 1.0)

# other rules, and options that are wrong
rules = {"rule": "subset", "division": "rational", "form": "expression"}
other = make(seed=1, size=30, min_n=4, max_n=4, max_value=13, format="symbolic", **rules)
assert all(rules_of(item["metadata"]) == rules and other.score_answer(item["answer"], item) == 1.0 for item in other)
assert other[0]["question"].count("\n") == 1
for options in ({"min_n": 1}, {"max_n": 2}, {"max_n": 16}, {"max_value": 2}, {"max_value": "a"}, {"split": "dev"},
                {"format": "a"}, {"seed": -1}, {"size": 0}, {"rule": "most"}, {"division": "rational"}):  # fmt: skip
    try:
        make(**options)
        raise AssertionError(options)
    except ValueError as error:
        assert "\n" not in str(error), error

curriculum = create_curriculum("arith_puzzle")
curriculum.increment_attr_level("n")
harder = curriculum.generate_configuration({"seed": 1, "size": 3})
assert (harder.min_n, harder.max_n) == (3, 4) and len(list(make(**vars(harder)))) == 3
assert len(list(make(size=2))) == 2  # reasoning-gym draws the seed
print("done")

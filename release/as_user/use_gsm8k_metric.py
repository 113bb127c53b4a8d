"""Load the metric for GSM8K by its Hub id and score known answers. Prints the results as JSON."""

import json
import sys

import evaluate

metric = evaluate.load(sys.argv[1])
references = ["48/2 = <<48/2=24>>24, 48+24 = <<48+24=72>>72.\n#### 72", "#### 1,200", "#### -3", "#### 0.5"]
samples = [
    ["#### 72", "So she sold 72.0 clips."],  # both right
    ["#### $1200.50", "It is 1,200."],  # the second is right
    ["#### 3", "no idea"],  # a sign is missing, an answer is missing
    ["1/2", "1e5, or 2/4"],  # both right
]
expected = {"pass@1": 5 / 8, "maj1@2": (1 + 1 / 2 + 0 + 1) / 4, "num_problems": 4, "no_answer": 1 / 8}
print(json.dumps({"expected": expected, "measured": metric.compute(predictions=samples, references=references)}))

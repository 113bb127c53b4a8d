"""Load the metric by its Hub id and score known answers to the paper's example. Prints the results as JSON."""

import json
import sys

import evaluate

metric = evaluate.load(sys.argv[1])
answers = {
    "ok": "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4",
    "unavailable_operand": "58-51=7\n58-7=51\n3*6=18\n51-18=33",
    "wrong_result": "58-51=8\n6-7=-1\n3*-1=-3\n-3+7=4",
    "wrong_target": "58-51=7\n6-7=-1\n3*-1=-3\n7--3=10",
    "illegal_characters": "__import__('os').getpid()",
    "wrong_equation_count": "",
}
reference = {"numbers": [3, 6, 7, 51, 58], "target": 4}
measured = metric.compute(predictions=list(answers.values()), references=[reference] * len(answers))
print(json.dumps({"expected": {reason: 1 / len(answers) for reason in answers}, "measured": measured}))

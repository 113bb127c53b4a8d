"""The metric as a module that ``evaluate.load`` can load. It wraps score.py, which does not need ``evaluate``.

Keep the imports of siblings in this form: one per line, without comments. evaluate 0.4.6 copies only the siblings that
this file imports. It reads imports line by line and takes a comment after an import for a URL.
"""

import datasets
import evaluate

from .estimators import wilson_interval
from .score import answer, score

__all__ = ["Gsm8kAnswer", "answer", "score", "wilson_interval"]

_DESCRIPTION = """\
Scores solutions of grade-school math problems (GSM8K) by their final number: the number after the last "####",
or else the last number in the text. Compares numbers exactly, as fractions. Reports pass@1 with its interval and,
for several samples of each problem, the majority vote maj1@k. Model text is never evaluated as code.
"""

_CITATION = """\
@article{cobbe2021training,
  title   = {Training Verifiers to Solve Math Word Problems},
  author  = {Cobbe, Karl and others},
  journal = {arXiv preprint arXiv:2110.14168},
  year    = {2021}
}
"""

_INPUTS = """
Args:
    predictions: a list of solutions (strings), or a list of lists of solutions (the same number of samples for
        each problem).
    references: a list of strings. Each is a solution of GSM8K, unchanged, or its final number.

Returns:
    pass@1: share of samples with the reference's number, mean over the problems, 0..1.
    pass@1_ci95: [low, high], Wilson's 95 % interval, with n = the number of problems.
    maj1@k: only for lists of k samples: share of problems whose most frequent number is the reference's.
    num_problems: number of problems.
    no_answer: share of samples without a number.

Raises:
    ValueError: empty inputs, different lengths, malformed inputs, or a reference without a number.

Examples:
    >>> import evaluate
    >>> metric = evaluate.load("metrics/gsm8k_answer")
    >>> gold = ["48/2 = <<48/2=24>>24, 48+24 = <<48+24=72>>72.\\n#### 72", "#### 1,200"]
    >>> results = metric.compute(predictions=["So she sold 72.0 clips.", "#### $1200.50"], references=gold)
    >>> results["pass@1"], results["no_answer"]
    (0.5, 0.0)

    Several samples of each problem:

    >>> samples = [["#### 72", "72", "#### 71"], ["1,000", "It is 1,200.", "no idea"]]
    >>> results = metric.compute(predictions=samples, references=gold)
    >>> results["pass@1"], results["maj1@3"]
    (0.5, 0.75)
"""


class Gsm8kAnswer(evaluate.Metric):
    """The metric. The card (README.md) explains what counts as the answer."""

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=[
                datasets.Features({"predictions": predictions, "references": text})
                for predictions in (text, datasets.List(text))
            ],
            reference_urls=["https://arxiv.org/abs/2110.14168"],
        )

    def add_batch(self, *, predictions=None, references=None):
        """Add solutions and their references."""
        # Check every row before evaluate gets it. evaluate checks the first row only and does not work again after
        # a bad row.
        score(predictions, references)
        super().add_batch(
            predictions=[_storable(prediction) for prediction in predictions],
            references=[_storable(reference) for reference in references],
        )

    def add(self, *, prediction=None, reference=None, **kwargs):
        """Add one solution, or one list of samples, and its reference."""
        row = {"predictions": prediction, "references": reference, **kwargs}  # evaluate.combine passes the plural names
        self.add_batch(**{name: [value] for name, value in row.items()})

    def compute(self, *, predictions=None, references=None):
        """Score the solutions that are given here, or else those that were added."""
        results = super().compute(predictions=predictions, references=references)
        if isinstance(results, ValueError):
            raise results
        return results

    def _compute(self, *, predictions, references):
        # Batches may be valid on their own and still not fit together, which is found here. Return the error instead
        # of raising it: compute() raises it later. If this method raised, evaluate would keep its lock and its file,
        # and every later call would wait a second for them.
        try:
            return score(predictions, references)
        except ValueError as error:
            return error


def _storable(value):
    """Replace lone surrogates by "?", because Arrow cannot store them. Neither is part of a number."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return [_storable(each) for each in value]

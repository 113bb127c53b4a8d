"""The metric as `evaluate` loads it: a thin wrapper round score.py, which needs no `evaluate`.

evaluate 0.4.6 copies only the siblings imported in this very file, reads imports line by line, and takes a
comment behind one for an address: hence one module a line, and bare.
"""

import datasets
import evaluate

from .estimators import wilson_interval
from .score import answer, score

__all__ = ["Gsm8kAnswer", "answer", "score", "wilson_interval"]

_DESCRIPTION = """\
Scores solutions of grade-school maths problems (GSM8K) by their final number: that of the last "#### x", or
else the last number in the text. Numbers are compared exactly, as fractions. Reports pass@1 with its interval
and, for several samples of a problem, the majority vote maj1@k. Model text is never evaluated as code.
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
    predictions: a list of solutions (strings), or a list of lists of solutions (as many samples of each problem).
    references: a list of strings: GSM8K's solutions as they are, or their final numbers.

Returns:
    pass@1: share of samples with the reference's number, mean over the problems, 0..1.
    pass@1_ci95: [low, high], Wilson's 95 % interval, n being the number of problems.
    maj1@k: for lists of k samples only: share of problems whose most frequent number is the reference's.
    num_problems: how many problems were scored.
    no_answer: share of samples in which no number was found.

Raises:
    ValueError: inputs that are empty, of unlike lengths or of a wrong form; a reference without a number.

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
    """See the card (README.md) for what counts as a number; ``compute`` for inputs and outputs."""

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
        # evaluate itself looks at the first row only and cannot be used again after it has met a bad row: so
        # every row is checked before it gets any.
        score(predictions, references)
        super().add_batch(
            predictions=[_storable(prediction) for prediction in predictions],
            references=[_storable(reference) for reference in references],
        )

    def add(self, *, prediction=None, reference=None, **kwargs):
        """Add one solution, or one list of samples, and its reference."""
        row = {"predictions": prediction, "references": reference, **kwargs}  # evaluate.combine: in the plural
        self.add_batch(**{name: [value] for name, value in row.items()})

    def compute(self, *, predictions=None, references=None):
        """Score what was added, or what is given here."""
        results = super().compute(predictions=predictions, references=references)
        if isinstance(results, ValueError):
            raise results
        return results

    def _compute(self, *, predictions, references):
        # Batches that do not fit together show only here. An error is handed to compute(), not raised: evaluate
        # would keep its lock and its file, and every later call would wait a second for them.
        try:
            return score(predictions, references)
        except ValueError as error:
            return error


def _storable(value):
    """Arrow holds no lone surrogates; each becomes one "?", which is as little of a number."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return [_storable(each) for each in value]

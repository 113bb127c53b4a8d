"""The metric as a module that ``evaluate.load`` can load.

It wraps aggregate.py, which counts, and verify.py, which judges. These siblings do not need ``evaluate``.

Keep the imports of siblings in this form: all siblings, one per line, without comments. evaluate 0.4.6 copies only the
siblings that this file imports. It reads imports line by line and takes a comment after an import for a URL.
"""

from collections.abc import Mapping

import datasets
import evaluate

from .aggregate import aggregate, rules_of_all, verdicts
from .estimators import wilson_interval
from .normalize import normalize
from .prose import doubted
from .verify import DIVISIONS, FORMS, RULE_COLUMNS, RULES

__all__ = ["ArithPuzzleVerifier", "aggregate", "doubted", "normalize", "wilson_interval"]

_DESCRIPTION = """\
Scores answers to arithmetical puzzles. A puzzle gives N integers and a target. An answer reaches the target
with N-1 equations and uses each given integer and each intermediate result exactly once. The metric checks the
equations, so every valid solution counts. Model text is never evaluated as code. Options judge the neighbours of
this puzzle: Countdown (numbers may be left out), the game of 24 (fractions), and answers as one infix expression.
"""

_CITATION = """\
@inproceedings{li2024exploring,
  title     = {Exploring Mathematical Extrapolation of Large Language Models with Synthetic Data},
  author    = {Li, Haolong and Ma, Yu and Zhang, Yinqi and Ye, Chen and Chen, Jie},
  booktitle = {Findings of the Association for Computational Linguistics: ACL 2024},
  year      = {2024},
  url       = {https://arxiv.org/abs/2406.02100}
}
@article{chen2021evaluating,
  title   = {Evaluating Large Language Models Trained on Code},
  author  = {Chen, Mark and others},
  journal = {arXiv preprint arXiv:2107.03374},
  year    = {2021}
}
"""

_INPUTS = f"""
Args:
    predictions: a list of responses (strings), or a list of lists of responses (samples for each puzzle).
        A response is N-1 lines such as 58-51=7. Use an empty string for a missing answer.
    references: a list of {{"numbers": [...], "target": int}} with 64-bit integers. Rows of the dataset can
        be passed unchanged.
    k: list of the values of k for pass@k (default: [1]). None may exceed the smallest number of samples.
    division: one of {", ".join(DIVISIONS)}. The first (the default) requires quotients without remainder. The
        second truncates quotients toward zero. The third keeps exact fractions and needs form="expression".
    rule: one of {", ".join(RULES)}. The first (the default) requires each given number exactly once, the second
        at most once.
    form: one of {", ".join(FORMS)}. The first (the default) is lines such as 58-51=7, the second one infix
        expression such as (58-51)*3. Where division, rule or form is not given, the references may state it, as
        rows of a dataset with rules of its own do.

Returns:
    pass@k for each k: unbiased estimate (arXiv 2107.03374), mean over the puzzles, 0..1.
    pass@1_ci95: [low, high], Wilson's 95 % interval, with n = the number of puzzles.
    pass@1_lenient: pass@1 after unambiguous responses are put into strict form (normalize.py has the rules).
    num_puzzles: number of puzzles.
    reasons: share of the responses for each reason that occurs.
    by_n: pass@1 for each N.
    distinct_solutions: only for lists of samples: number of different correct solutions, mean over the puzzles.

Raises:
    ValueError: empty inputs, different lengths, malformed inputs, or a k above the number of samples.

Examples:
    >>> import evaluate
    >>> metric = evaluate.load("metrics/arith_puzzle_verifier")
    >>> puzzles = [{{"numbers": [3, 6, 7, 51, 58], "target": 4}}, {{"numbers": [2, 3], "target": 5}}]
    >>> paper = "58-51=7\\n6-7=-1\\n3*-1=-3\\n-3+7=4"
    >>> results = metric.compute(predictions=[paper, "2*3=6"], references=puzzles)
    >>> results["pass@1"], results["num_puzzles"]
    (0.5, 2)
    >>> results["reasons"]
    {{'wrong_target': 0.5, 'ok': 0.5}}
    >>> results["by_n"]
    {{'2': 0.0, '5': 1.0}}
    >>> [round(bound, 3) for bound in results["pass@1_ci95"]]
    [0.095, 0.905]

    Several samples of each puzzle:

    >>> samples = [[paper, ""], ["2+3=5", "3+2=5"]]
    >>> results = metric.compute(predictions=samples, references=puzzles, k=[1, 2])
    >>> results["pass@1"], results["pass@2"]
    (0.75, 1.0)
    >>> results["distinct_solutions"]
    1.0

    The lenient view:

    >>> results = metric.compute(predictions=["Answer: 2 + 3 = 5."], references=puzzles[1:])
    >>> results["pass@1"], results["pass@1_lenient"]
    (0.0, 1.0)

    The game of 24:

    >>> game = [{{"numbers": [3, 3, 8, 8], "target": 24}}]
    >>> metric.compute(predictions=["8/(3-8/3)"], references=game, form="expression", division="rational")["pass@1"]
    1.0
"""


class ArithPuzzleVerifier(evaluate.Metric):
    """The metric. The card (README.md) explains the rules and the reasons."""

    _added: list[dict]
    """The rules of the references that were added."""

    def _info(self) -> evaluate.MetricInfo:
        self._added = []
        text = datasets.Value("string")
        reference = {"numbers": datasets.List(datasets.Value("int64")), "target": datasets.Value("int64")}
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=[
                datasets.Features({"predictions": predictions, "references": reference})
                for predictions in (text, datasets.List(text))
            ],
            reference_urls=["https://arxiv.org/abs/2406.02100", "https://arxiv.org/abs/2107.03374"],
        )

    def add_batch(self, *, predictions=None, references=None):
        """Add responses and their puzzles."""
        # Check every row before evaluate gets it. evaluate checks the first row only, casts a list among strings
        # to text, and does not work again after a bad row.
        verdicts(predictions, references)
        for row, reference in enumerate(references):
            if not all(-(2**63) <= number < 2**63 for number in (*reference["numbers"], reference["target"])):
                raise ValueError(
                    f"numbers and target must fit in 64 bits, but those of reference {row} do not: score it with"
                    " aggregate() in aggregate.py, which has no bound"
                )
        # evaluate keeps numbers and target alone
        self._added += [{key: reference.get(key) for key in RULE_COLUMNS} for reference in references]
        super().add_batch(
            predictions=[_storable(prediction) for prediction in predictions],
            references=[{key: reference[key] for key in ("numbers", "target")} for reference in references],
        )

    def add(self, *, prediction=None, reference=None, **kwargs):
        """Add one response, or one list of samples, and its puzzle."""
        row = {"predictions": prediction, "references": reference, **kwargs}  # evaluate.combine passes the plural names
        self.add_batch(**{name: [value] for name, value in row.items()})

    def compute(self, *, predictions=None, references=None, k=(1,), division=None, rule=None, form=None):
        """Score the responses that are given here, or else those that were added."""
        options = {"k": k, "division": division, "rule": rule, "form": form}
        if references is None:
            options |= rules_of_all(self._added, division=division, rule=rule, form=form)
        elif not isinstance(references, (str, Mapping)):
            options |= rules_of_all(references, division=division, rule=rule, form=form)
        results = super().compute(predictions=predictions, references=references, **options)
        self._added = []
        if isinstance(results, ValueError):
            raise results
        return results

    def _compute(self, *, predictions, references, **options):
        # Return an error instead of raising it: compute() raises it later. If this method raised, evaluate would
        # keep its lock and its file, and every later call would wait a second for them.
        try:
            return aggregate(predictions, references, **options)
        except ValueError as error:
            return error


def _storable(prediction):
    """Replace lone surrogates by "?", because Arrow cannot store them. Both are illegal, so no verdict changes."""
    if isinstance(prediction, str):
        return prediction.encode("utf-8", "replace").decode("utf-8")
    return [_storable(response) for response in prediction]

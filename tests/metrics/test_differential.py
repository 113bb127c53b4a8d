"""The verifier and its second implementations agree on random answers by every rule, division and form."""

import pytest

from arith_puzzle.metrics.arith_puzzle_verifier import verify
from arith_puzzle.metrics.arith_puzzle_verifier.verify import REASONS
from tests.metrics import differential

OF_EQUATIONS = {"malformed_equation", "wrong_equation_count", "wrong_result", "unused_result"}
OF_EXPRESSIONS = {"malformed_expression", "unused_number"}


def test_twenty_thousand_random_answers_are_judged_alike_and_meet_every_reason():
    found = differential.run(20_000)
    assert {key[:3] for key in found} == set(differential.OPTIONS)
    met = {form: {reason for each, *_, reason in found if each == form} for form in ("equations", "expression")}
    assert met == {"equations": set(REASONS) - OF_EXPRESSIONS, "expression": set(REASONS) - OF_EQUATIONS}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("_apply", lambda a, op, b, division: ("ok", a - b) if op == "+" and a == 7 else None),
        ("MAX_BRACKETS", 65),
        ("_PRECEDENCE", {"+": 1, "-": 2, "*": 2, "/": 2}),
    ],
)
def test_a_planted_fault_is_found(monkeypatch, name, wrong):
    right = getattr(verify, name)
    monkeypatch.setattr(verify, name, (lambda *given: wrong(*given) or right(*given)) if callable(wrong) else wrong)
    with pytest.raises(AssertionError):
        differential.run(20_000)

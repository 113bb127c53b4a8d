"""Tests of the other orders of a solution's steps."""

import re

import pytest

from arith_puzzle.dataset_builder.aug_gsm8k.rules.paths import MOST_PATHS, orders
from arith_puzzle.metrics.gsm8k_answer.calculator import check_annotations

PENS = "The pens cost 4*2=$<<4*2=8>>8."
INKS = "The inks cost 3*5=$<<3*5=15>>15."
SUM = "Ann pays 8+15=$<<8+15=23>>23."


def lines(*texts):
    return "\n".join(texts)


def test_independent_steps_commute():
    assert orders(lines(PENS, INKS, SUM, "#### 23")) == (lines(INKS, PENS, SUM, "#### 23"),)


@pytest.mark.parametrize(
    "steps",
    [
        (PENS, "The pens with tax cost 8+1=$<<8+1=9>>9.", "With ink it is 9+7=$<<9+7=16>>16.", "#### 16"),
        (PENS, "Then 3*5=$<<3*5=15>>15 go for inks.", SUM, "#### 23"),
        (PENS, "For inks, she pays 3*5=$<<3*5=15>>15.", SUM, "#### 23"),
        (PENS, INKS, "This is 8+15=$<<8+15=23>>23.", "#### 23"),
        (PENS, "The inks come first.", SUM, "#### 23"),
        (PENS, SUM, "#### 23"),
        (PENS, INKS, SUM),
        ("Half is 50/100=<<50/100=.5>>.5.", "A share of 1-.5=<<1-.5=.5>>.5 is left.", "2*.5=<<2*.5=1>>1", "#### 1"),
        ("20%: 10+10=<<10+10=20>>20", "Rest: .8*10=<<.8*10=8>>8", "8+1=<<8+1=9>>9", "#### 9"),
    ],
)
def test_steps_that_depend_or_refer_keep_their_order(steps):
    assert orders(lines(*steps)) == ()


def test_a_step_that_refers_keeps_the_one_before_it():
    twice = "This twice is 15*2=$<<15*2=30>>30."
    caps = "The caps cost 2*6=$<<2*6=12>>12."
    end = "Ann pays 8+12+30=$<<8+12+30=50>>50."
    assert orders(lines(PENS, caps, INKS, twice, end, "#### 50")) == (lines(caps, PENS, INKS, twice, end, "#### 50"),)


def test_there_are_few_orders_and_each_has_all_steps():
    many = [f"Part {name}: {n}*7=<<{n}*7={n * 7}>>{n * 7}" for name, n in zip("ABCD", (11, 13, 17, 19), strict=True)]
    whole = lines(*many, "77+91+119+133=<<77+91+119+133=420>>420", "#### 420")
    found = orders(whole)
    assert len(found) == MOST_PATHS - 1 == len(set(found)) and whole not in found
    for each in found:
        assert sorted(each.split("\n")) == sorted(whole.split("\n"))
        assert set(check_annotations([each])) == {"exact"}
        assert re.findall("####.*", each) == ["#### 420"]

"""Fixtures: problems in GSM8K's style, and a chat model of a kind behind an HTTP server."""

import json

import pytest

from tests.fixtures.chat_server import ChatServer

PROBLEMS = [
    {
        "query": "Tom has 12 boxes with 8 pens each and gives 20 pens away. How many pens does he keep?",
        "response": "Tom has 12*8=<<12*8=96>>96 pens.\nHe keeps 96-20=<<96-20=76>>76 pens.\n#### 76",
    },
    {
        "query": "A coat costs $80 and is 25% off. Ann has $100. How much does she have left?",
        "response": "She saves 80*.25=$<<80*.25=20>>20.\nThe coat costs 80-20=$<<80-20=60>>60.\n"
        "She has 100-60=$<<100-60=40>>40 left.\n#### 40",
    },
    {
        "query": "Lea reads 15 pages a day. How many pages does she read in 2 weeks?",
        "response": "2 weeks have 2*7=<<2*7=14>>14 days.\nLea reads 15*14=<<15*14=210>>210 pages.\n#### 210",
    },
]
TEST = [{"query": "A farmer has 40 hens and sells 10 of them at the market. How many hens does he have now?",
         "response": "He has 40-10=<<40-10=30>>30 hens.\n#### 30"}]  # fmt: skip


@pytest.fixture
def gsm8k(tmp_path):
    """(train file, test file)."""
    paths = tmp_path / "train.jsonl", tmp_path / "test.jsonl"
    for path, rows in zip(paths, (PROBLEMS, TEST), strict=True):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return paths


def capable(body):
    """A model that mostly writes five questions if asked for them, and else solutions of every kind."""
    asked, seed = body["messages"][-1]["content"], body["seed"]
    if "Write five new problems" in asked:
        if seed % 7 == 0:
            return "I cannot do that."
        return "\n".join(f"{i}. Sam has {seed % 1000} red and {i} blue marbles. How many?" for i in range(1, 6))
    problem = asked.split("####.\n\n")[1]
    gold = next((row["response"] for row in PROBLEMS if row["query"] == problem), None)
    if gold and seed % 3:
        return gold if seed % 2 else gold.replace("\n", " So\n", 1)
    return ["2+2=<<2+2=4>>4\n#### 4", "2+2=<<2+2=5>>5\n#### 4", "I do not know.", "3+1=<<3+1=4>>4\n#### 4"][seed % 4]


@pytest.fixture
def chat():
    """A ChatServer with the model ``capable``."""
    server = ChatServer(capable)
    yield server
    server.http.shutdown()
    server.http.server_close()

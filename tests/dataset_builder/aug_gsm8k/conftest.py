"""Fixtures: problems in GSM8K's style, and a small OpenAI-compatible HTTP server that can misbehave."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

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


class ChatServer:
    """Answers ``/v1/chat/completions``.

    Attributes:
        reply: function from a request's body to the reply's text.
        key: the only accepted key; None accepts all.
        script: what happens to the first calls, one entry per call: a status, ``"drop"``, ``"nonsense"`` or ``"ok"``.
        delay: time for each reply, in seconds.
        calls: bodies of the answered requests.
        keys, times: key and arrival time of each request.
    """

    def __init__(self, reply):
        self.reply, self.key, self.script, self.delay = reply, None, [], 0.0
        self.calls, self.keys, self.times = [], [], []
        self.open_requests = 0
        self.lock = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                with outer.lock:
                    outer.open_requests += 1
                try:
                    outer.handle(self)
                finally:
                    with outer.lock:
                        outer.open_requests -= 1
                        outer.lock.notify_all()

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def wait_until_idle(self):
        """Wait until the server works on no request."""
        with self.lock:
            assert self.lock.wait_for(lambda: not self.open_requests, timeout=600)

    def handle(self, request):
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        with self.lock:
            self.times.append(time.monotonic())
            self.keys.append(request.headers.get("Authorization", "").removeprefix("Bearer "))
            event = self.script.pop(0) if self.script else "ok"
        if self.key is not None and self.keys[-1] != self.key:
            return self.send(request, 401, {"error": f"Incorrect API key provided: {self.keys[-1]}"})
        if event == "drop":
            request.close_connection = True
            return request.connection.close()
        if isinstance(event, int):
            return self.send(request, event, {"error": "try later"}, {"Retry-After": "0.3"} if event == 429 else {})
        if event == "nonsense":
            return self.send(request, 200, {"what": "ever"})
        time.sleep(self.delay)
        text = self.reply(body)
        with self.lock:
            self.calls.append(body)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": 10, "completion_tokens": len(text.split()), "total_tokens": 10 + len(text.split())}
        reply = {"id": "x", "object": "chat.completion", "created": 0, "model": body["model"]}
        return self.send(request, 200, reply | {"choices": [choice], "usage": usage})

    @staticmethod
    def send(request, status, value, headers=()):
        content = json.dumps(value).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(content)))
        for name, text in dict(headers).items():
            request.send_header(name, text)
        request.end_headers()
        request.wfile.write(content)


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

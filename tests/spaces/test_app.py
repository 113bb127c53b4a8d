"""The pushed folder, run alone as on the Hub, and its API through gradio_client and plain HTTP."""

import asyncio
import doctest
import json
import os
import shutil
import subprocess
import sys
import time

import httpx
import pytest
from gradio_client import Client, handle_file
from huggingface_hub import HfApi

from arith_puzzle.local_hub import running


def client(address: str) -> Client:
    return Client(address, verbose=False)


HARD = "123457,234571,345679,456791,567899,678901,789017,890123"  # cannot make 7; the proof is slow


class TestFolderAlone:
    @pytest.mark.parametrize("form", [pytest.param("staged", marks=pytest.mark.slow), "snapshot"])
    @pytest.mark.slow
    def test_imports_what_was_pushed_with_it(self, request, form, clean_environment, tmp_path):
        """The page and the solver's worker use the pushed modules, although the checkout is installed (editable)."""
        folder = tmp_path / "pushed"
        shutil.copytree(request.getfixturevalue(form), folder, symlinks=True)
        solve = folder / "arith_puzzle" / "dataset_builder" / "solver" / "solve.py"
        text = solve.read_text() + "\n\ndef solutions(*_, **__):\n    yield __file__\n"
        solve.unlink()
        solve.write_text(text)
        code = (
            f"import runpy, sys; runpy.run_path({str(folder / 'app.py')!r}); import workers\n"
            "import arith_puzzle.dataset_builder.solver.solve, arith_puzzle.evaluation.streaming\n"
            "seen = ['backend', 'logic', 'render', 'workers'] + ['arith_puzzle.' + name for name in "
            "('dataset_builder.solver.solve', 'metrics.arith_puzzle_verifier.verify', 'evaluation.streaming')]\n"
            "print(*(sys.modules[name].__file__ for name in seen), sep='\\n')\n"
            "one = workers.Workers(1); print(one('solve', [1, 2], 3, 9)[0][0]); one.close()"
        )
        environment = clean_environment(tmp_path)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        lines = done.stdout.split()
        assert len(lines) == 8 and all(line.startswith(f"{folder}{os.sep}") for line in lines)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("name", "value"),
        [pytest.param("ARITH_PUZZLE_PORT", "x", marks=pytest.mark.slow), ("settings.json", "{")],
    )
    def test_bad_settings_are_one_line_and_status_2(self, staged, clean_environment, tmp_path, name, value):
        settings = {}
        if name == "settings.json":
            shutil.copytree(staged, tmp_path / "space")
            staged = tmp_path / "space"
            (staged / name).write_text(value)
        else:
            settings[name] = value
        environment = clean_environment(tmp_path, **settings)
        done = subprocess.run([sys.executable, staged / "app.py"], env=environment, capture_output=True, text=True)
        assert done.returncode == 2
        assert name in done.stderr and len(done.stderr.strip().splitlines()) == 1


class TestApiWithoutModel:
    @pytest.mark.slow
    def test_a_taken_port_is_one_line_and_status_2(self, bare, staged, clean_environment, tmp_path):
        environment = clean_environment(tmp_path, ARITH_PUZZLE_PORT=bare.rsplit(":")[-1])
        done = subprocess.run([sys.executable, staged / "app.py"], env=environment, capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr.strip().endswith("is taken: set ARITH_PUZZLE_PORT to a free one")

    def test_status(self, bare):
        state = client(bare).predict(api_name="/status")
        none = {"model": "none", "reason": "no model is set for this page", "adapter": None, "base": None}
        assert state == none | {"models": [none | {"searches": False}]}

    def test_endpoints(self, bare):
        named = client(bare).view_api(return_format="dict", print_info=False)["named_endpoints"]
        assert set(named) == {"/ask", "/judge", "/solve", "/sample", "/results", "/measure_file", "/status"}
        parameters = [each["parameter_name"] for each in named["/ask"]["parameters"]]
        assert parameters == ["numbers", "target", "samples", "temperature", "seed", "model"]

    def test_judge_and_solve_work(self, bare):
        demo = client(bare)
        result = demo.predict("3,6,7,51,58", 4, "58-51=7\n6-7=-1\n3*-1=3\n-3+7=4", api_name="/judge")
        assert (result["reason"], result["line"]) == ("wrong_result", 3)
        solved = demo.predict("3,6,7,51,58", 4, api_name="/solve")
        assert demo.predict("3,6,7,51,58", 4, solved["solution"], api_name="/judge")["correct"]
        assert demo.predict([1, 1, 1], 7, api_name="/solve")["solvable"] is False

    def test_what_is_missing_is_said(self, bare):
        demo = client(bare)
        assert demo.predict("3,4", 7, api_name="/ask") == {"error": "no model is set for this page"}
        other = demo.predict("3,4", 7, model="n/other", api_name="/ask")
        assert other == {"error": "the models of this page are none; got 'n/other'"}
        assert "no dataset" in demo.predict("easy", "test", api_name="/sample")["error"]
        assert demo.predict(api_name="/results") == {"error": "no results are set for this page"}
        made = demo.predict(api_name="/sample")
        assert demo.predict(made["numbers"], made["target"], api_name="/solve")["count"] == made["num_solutions"]

    def test_prose(self, bare):
        result = client(bare).predict("2,3", 5, "So 2 + 3 = 5.", True, api_name="/judge")
        assert not result["correct"] and result["lenient"]["correct"]

    def test_a_file_of_answers(self, bare, tmp_path, uploads):
        row = {"numbers": [2, 3], "target": 5, "response": "2+3=5"}
        (tmp_path / "mine.jsonl").write_text(json.dumps(row) + "\n{}\n" + json.dumps(row | {"response": "2*3=6"}))
        result = client(bare).predict(handle_file(tmp_path / "mine.jsonl"), api_name="/measure_file")
        assert result["measured"]["pass@1"] == 0.5 and len(result["faults"]) == 1
        assert [json.loads(line)["reason"] for line in result["verdicts"].splitlines()] == ["ok", "wrong_target"]
        assert list(uploads.rglob("mine.jsonl")) and not list(uploads.rglob("verdicts-*")), (
            "nothing else is left behind"
        )

    def test_a_file_too_large_is_refused(self, bare, tmp_path):
        (tmp_path / "large.jsonl").write_bytes(b"x" * 5_000_000)
        with httpx.Client(base_url=bare) as http, (tmp_path / "large.jsonl").open("rb") as file:
            assert http.post("/gradio_api/upload", files={"files": file}).status_code == 413

    def test_no_file_of_the_machine_is_read(self, bare, staged):
        """A request may only name uploaded files."""
        with httpx.Client(base_url=bare, timeout=600) as http:
            for path in ("/etc/passwd", str(staged / "app.py")):
                data = {"path": path, "meta": {"_type": "gradio.FileData"}}
                event = http.post("/gradio_api/call/measure_file", json={"data": [data]})
                text = event.text
                if event.status_code == 200:
                    text = http.get(f"/gradio_api/call/measure_file/{event.json()['event_id']}").text
                assert "root:" not in text and "verdicts" not in text and "import" not in text, text

    @pytest.mark.parametrize(("numbers", "target"), [("x", 4), ("3,4", "y"), ("", None), (None, None), ("1," * 999, 4)])
    def test_bad_input_is_one_line(self, bare, numbers, target):
        demo = client(bare)
        for arguments, name in (((numbers, target), "/solve"), ((numbers, target, "1+1=2"), "/judge")):
            assert set(demo.predict(*arguments, api_name=name)) == {"error"}

    def test_long_searches_do_not_block_other_requests(self, bare):
        demo = client(bare)
        slow = [demo.submit(HARD, 7, api_name="/solve") for _ in range(12)]
        assert demo.predict("3,4", 7, "3+4=7", api_name="/judge")["correct"]
        assert not all(job.done() for job in slow)
        assert all(job.result()["solvable"] in (False, None) for job in slow)

    def test_many_requests_of_one_visitor_do_not_delay_another(self, bare):
        """The two visitors have different addresses. One sends eight proofs, then the other sends one request."""

        async def both():
            async with (
                httpx.AsyncClient(base_url=bare, timeout=600, limits=httpx.Limits(keepalive_expiry=1)) as one,
                httpx.AsyncClient(
                    base_url=bare, timeout=600, transport=httpx.AsyncHTTPTransport(local_address="127.0.0.2")
                ) as other,
            ):
                ask = {"json": {"data": [HARD, 7]}}
                many = [asyncio.create_task(one.post("/gradio_api/run/solve", **ask)) for _ in range(8)]
                await asyncio.wait(many, return_when=asyncio.FIRST_COMPLETED)
                quick = await other.post("/gradio_api/run/solve", json={"data": ["3,4", 7]})
                waiting = sum(not task.done() for task in many)
                return (
                    quick.json()["data"][0]["solution"],
                    waiting,
                    [task.status_code for task in await asyncio.gather(*many)],
                )

        solution, waiting, done = asyncio.run(both())
        # In one queue for all, at most the last proof would be left.
        assert solution == "4+3=7" and waiting >= 2 and done == [200] * 8

    def test_a_worker_is_there_after_all_that(self, bare):
        demo = client(bare)
        assert demo.predict("3,4", 7, api_name="/solve")["solution"] == "4+3=7"

    def test_the_cards_example(self, bare, staged):
        text = (staged / "README.md").read_text().replace("http://127.0.0.1:7860", bare)
        example = doctest.DocTestParser().get_doctest(text, {}, "README.md", None, 0)
        assert example.examples
        assert doctest.DocTestRunner().run(example).failed == 0


@pytest.mark.slow
class TestApiWithModel:
    def test_ask_and_sample(self, full, tiny_adapter, loaded):
        demo, state = loaded(full)
        base = str(tiny_adapter.with_name("base"))
        ready = {"model": "ready", "reason": "", "adapter": str(tiny_adapter), "base": base}
        assert state == ready | {"models": [ready | {"searches": False}]}
        drawn = demo.predict("hard", api_name="/sample")
        assert (drawn["puzzle"], drawn["source"]) == ("5,6,7:4", "starter/test")
        result = demo.predict(drawn["numbers"], drawn["target"], api_name="/ask")
        assert result["correct"] is False and result["answer"] and result["adapter"] == str(tiny_adapter)
        judged = demo.predict(drawn["numbers"], drawn["target"], result["answer"], api_name="/judge")
        assert judged.pop("lenient") is None
        assert judged == {key: value for key, value in result.items() if key in judged}
        more = demo.predict(drawn["numbers"], drawn["target"], 5, 1.0, 2, api_name="/ask")
        assert more["drawn"] == 5 and sum(item["times"] for item in more["samples"]) == 5

    def test_two_models(self, two_models, searching_adapter, tiny_adapter, searches, loaded):
        """Visitors take turns also with different models, and each gets the answer of the model that it named."""
        demo, _ = loaded(two_models)
        deadline = time.monotonic() + 600
        while any(each["model"] == "loading" for each in demo.predict(api_name="/status")["models"]):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        names = [str(searching_adapter), str(tiny_adapter)]
        assert [each["adapter"] for each in demo.predict(api_name="/status")["models"]] == names
        jobs = [demo.submit("22,43,51,58", 44, model=names[at % 2], api_name="/ask") for at in range(6)]
        answers = [job.result() for job in jobs]
        assert [answer["adapter"] for answer in answers] == names * 3
        assert all(answer["raw"] == searches["22,43,51,58:44\n"] for answer in answers[::2])
        assert not any("raw" in answer for answer in answers[1::2])
        assert demo.predict("22,43,51,58", 44, api_name="/ask")["adapter"] == names[0]

    def test_results(self, full):
        result = client(full).predict(api_name="/results")
        assert [(score["split"], score["n"]) for score in result["scores"]] == [("test", 3), ("test", 3), ("n9", 1000)]
        assert len(result["scaling"]["series"]) == 2 and result["splits"] == ["test", "n9"] and result["missing"] == []


class TestFromAHub:
    @pytest.mark.slow
    def test_dataset_and_results_and_a_model_that_cannot_be_loaded(
        self, serve, staged, measured, tiny_dataset, loaded, tmp_path
    ):
        with running(tmp_path / "hub") as hub:
            api, ids = HfApi(endpoint=hub.endpoint, token=hub.token), {}
            for kind, name, folder in (("model", "lora", measured), ("dataset", "arith-puzzle", tiny_dataset)):
                ids[kind] = f"{hub.namespace}/{name}"
                api.create_repo(ids[kind], repo_type=kind)
                api.upload_folder(repo_id=ids[kind], repo_type=kind, folder_path=folder)
            there = {"HF_ENDPOINT": hub.endpoint, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
            named = {f"ARITH_PUZZLE_{name}": ids[kind] for name, kind in (("ADAPTER", "model"), ("DATASET", "dataset"))}
            demo, state = loaded(serve(staged, **there, **named))
            result = demo.predict(api_name="/results")
            assert result["source"] == ids["model"] and len(result["scaling"]["series"]) == 2
            assert result["scores"][0]["by_n"]["3"]["n"] == 3, "from the dataset's manifest"
            assert demo.predict("easy", "validation", api_name="/sample")["puzzle"] == "2,3:6"
            assert state["model"] == "none" and state["reason"].startswith("the model could not be loaded")
            assert demo.predict("2,3", 5, "2+3=5", api_name="/judge")["correct"]


class TestBenchmark:
    @pytest.mark.slow
    def test_with_few_people(self, full, monkeypatch):
        """The measurement of ``benchmarks.demo``, with few people and against a running demo."""
        from benchmarks import demo

        for name, few in (("PEOPLE", 3), ("CLICKS", 3), ("BURSTS", 2), ("THINK", (0.0, 0.01))):
            monkeypatch.setattr(demo, name, few)
        measured = asyncio.run(demo._people(full))
        assert measured["model_answers"] >= 1
        assert sum(measured["burst"][button]["n"] for button in ("judge", "solve")) == 6
        lines = demo.table(measured | {"first_paint": [{"paint": 1, "puzzle": 2, "loading": True}]}).splitlines()
        assert any(line.split()[:2] == ["judge,", "clicks"] for line in lines)

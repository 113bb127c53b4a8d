"""The demo's modules one by one: pictures, HTML, queues, workers, the model, settings; and what may be missing."""

import ast
import asyncio
import json
import operator
import random
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from fractions import Fraction
from itertools import islice
from pathlib import Path

import backend
import charts
import logic
import puzzles
import pytest
import released
import render
import tree
import turns
import workers
import yaml
from model import Model, Models

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import symbolic_prompt
from arith_puzzle.dataset_builder.solver.solve import solutions
from arith_puzzle.metrics.arith_puzzle_verifier.verify import REASONS

FOLDER = Path(logic.__file__).resolve().parent
HOSTILE = "<img src=x onerror=alert(1)>\"'&"
OPS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: lambda a, b: Fraction(a) / b}


def value(node: ast.expr) -> Fraction:
    """The value of an expression, from its syntax tree."""
    if isinstance(node, ast.BinOp):
        return OPS[type(node.op)](value(node.left), value(node.right))
    return -value(node.operand) if isinstance(node, ast.UnaryOp) else Fraction(node.value)


def leaves(node: tree.Node) -> list[int]:
    return [*leaves(node.left), *leaves(node.right)] if node.op else [node.value]


def run(job):
    return asyncio.run(asyncio.wait_for(job, 600))


class TestTree:
    def test_every_solution_is_the_expression_of_its_numbers(self):
        rng, seen = random.Random(0), 0
        for _ in range(150):
            numbers = [rng.randint(-3, 12) for _ in range(rng.choice((2, 3, 4, 5)))]
            target = rng.randint(-10, 30)
            for text in islice(solutions(numbers, target), 20):
                root, seen = tree.read_tree(numbers, text), seen + 1
                written = tree.expression(root)
                assert value(ast.parse(written, mode="eval").body) == target, (numbers, text, written)
                assert sorted(leaves(root)) == sorted(numbers)
        assert seen > 500

    def test_brackets_only_where_needed(self):
        root = tree.read_tree([3, 6, 7, 51, 58], "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4")
        assert tree.expression(root) == "3*(6-7)+58-51"

    def test_picture(self):
        """The picture is XML, holds every number, stays within its frame, and has a description."""
        numbers, rng = [3, 6, 7, 51, 58], random.Random(1)
        for text in rng.sample(list(solutions(numbers, 4)), 30):
            root = tree.read_tree(numbers, text)
            svg = ET.fromstring(tree.picture(root))
            left, top, width, height = map(float, svg.get("viewBox").split())
            boxes = svg.findall(".//rect")
            assert len(boxes) == 9 and len(svg.findall(".//circle")) == 4
            for box in boxes:
                x, y, w, h = (float(box.get(name)) for name in ("x", "y", "width", "height"))
                assert left <= x and x + w <= left + width + 0.1 and top <= y and y + h <= top + height
            rows = {}
            for box in boxes:
                rows.setdefault(box.get("y"), []).append((float(box.get("x")), float(box.get("width"))))
            for row in rows.values():
                assert all(a[0] + a[1] <= b[0] for a, b in zip(sorted(row), sorted(row)[1:], strict=False)), text
            assert svg.get("role") == "img" and svg.get("aria-label").endswith("is 4.")
            assert tree.expression(root) in svg.find("title").text

    def test_spoken(self):
        assert tree.spoken(tree.read_tree([2, 3, 4], "4-2=2\n3*2=6")) == "4 minus 2 is 2. 3 times 2 is 6."


class TestRender:
    def test_everything_is_escaped(self):
        judged = logic.judge("3,4", 7, HOSTILE, prose=True)
        asked = logic.ask("3,4", 7, 3, 1, 0, lambda *_: [HOSTILE, "3+4=7", HOSTILE])
        seen = list(logic.watch([3, 4], 7, iter([HOSTILE])))
        pages = [
            render.judged(judged),
            render.judged(judged | {"lenient": judged}),
            render.played(judged),
            render.samples(asked, 1.0),
            render.attempt(seen[-1]),
            render.note(logic.judge(HOSTILE, 4, "")["error"]),
            render.note(logic.judge("3,4", HOSTILE, "")["error"]),
            render.status({"model": "ready", "reason": "", "adapter": HOSTILE, "base": HOSTILE}),
            render.status({"model": "none", "reason": HOSTILE, "adapter": None, "base": None}),
            charts.metric({"measured": None, "faults": [HOSTILE], "more_faults": 0, "cut": True}, REASONS),
        ]
        assert not [page for page in pages if "<img" in page]

    def test_says_right_wrong_and_why(self):
        page = render.judged(logic.judge("3,4,5", 7, "3+4=7\n7-5=3"))
        assert page.count("</span> right") == 1 and page.count("</span> wrong") == 1
        assert "the right side is not the value of the left side: 7-5 is 2<" in page and "<i>5</i><i>7</i>" in page

    def test_solver(self):
        def directly(job, *arguments):
            *found, complete = workers.JOBS[job](*arguments)
            return found, complete

        page = render.solved(logic.solve("3,6,7,51,58", 4, directly))
        assert "There are exactly 153 solutions" in page and "<svg" in page and "… and 93 more" in page
        none = logic.solve("1,1,1", 7, directly)
        page = render.solved(none, logic.nearest("1,1,1", 7, directly))
        assert "no solution with intermediate results from -600 to 600" in page
        assert "The nearest number that can be reached is <b>3</b>" in page

    def test_folders_are_not_shown(self):
        page = render.status({"model": "ready", "reason": "", "adapter": "/a/b/lora", "base": "n/base"})
        assert "<b>lora</b> on n/base" in page and "/a/b" not in page


class TestCharts:
    def test_scores_and_what_is_missing(self, measured, tiny_dataset, tmp_path):
        folder = shutil.copytree(tiny_dataset, tmp_path / "arith-puzzle")
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["configs"]["starter"]["splits"]["ood_form"] = {"by_n": {"8": 5}}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        results = released.Results(backend.Settings(results=str(measured), dataset=str(folder))).read()
        assert [(score["split"], score["model"]) for score in results["scores"]] == [
            ("test", "n/base"), ("test", "n/lora"), ("n9", "n/lora")
        ]  # fmt: skip
        by_n = results["scores"][1]["by_n"]["3"]
        assert by_n["n"] == 3 and by_n["ci95"] == results["scores"][1]["pass@1_ci95"]
        assert results["splits"] == ["test", "ood_form", "n9"] and results["missing"] == ["ood_form"]
        page = charts.scores(results)
        assert "0.667 <small>[0.208, 0.939]</small>" in page and "pass@8" in page
        heat = charts.heat(results)
        assert heat.count("not measured") == 3 and heat.count('scope="row"') == 3 and 'style="--v:67"' in heat

    def test_results_of_further_adapters(self, measured, tmp_path):
        """Splits of two configs can have the same name, and they do not share a line."""
        score = {"n": 50, "pass@1": 0.92, "pass@1_ci95": [0.81, 0.97], "by_n": {"5": 0.92}, "reasons": {"ok": 0.92}}
        runs = {"adapter": ("1m", "test"), "stress": ("stress", "n9")}
        more = {key: {"name": "n/more", "adapter": "n/more", "config": config, "splits": {split: score}}
                for key, (config, split) in runs.items()}  # fmt: skip
        (tmp_path / "results.json").write_text(json.dumps(more))
        along = (backend.Along(str(tmp_path)),)
        results = released.Results(backend.Settings(str(measured), along=along)).read()
        places = [(score["config"], score["split"], score["model"]) for score in results["scores"]]
        assert {("1m", "test", "n/more"), ("stress", "n9", "n/more"), ("starter", "test", "n/lora")} < set(places)
        heat = charts.heat(results)
        for place in ("1m/<wbr>test", "starter/<wbr>test", "starter/<wbr>n9", "stress/<wbr>n9"):
            assert heat.count(f'<th scope="row">{place}</th>') == 1
        assert heat.count(">-</td>") == 7 and charts.scores(results).count("<details") == 3
        assert results["scaling"] and results["source"] == str(measured)
        given = backend.Settings(str(tmp_path), along=along, results=str(measured))
        assert "n/more" not in {score["model"] for score in released.Results(given).read()["scores"]}

    def test_intervals_only_where_n_is_known(self, tmp_path):
        score = {"n": 4, "pass@1": 0.5, "pass@1_ci95": [0.1, 0.9], "by_n": {"3": 0.5, "4": 0.5}, "reasons": {"ok": 0.5}}
        run = {"name": "m", "adapter": None, "config": "c", "splits": {"test": score}}
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "results.json").write_text(json.dumps(run))
        results = released.Results(backend.Settings(results=str(tmp_path))).read()
        assert results["scores"][0]["by_n"]["3"] == {"pass@1": 0.5, "n": None, "ci95": None}
        assert charts.scores(results).count("no interval") == 2
        assert "not measured yet" in charts.scaling(results["scaling"])

    def test_several_models_on_the_same_rows(self, measured, tmp_path):
        whole = {
            "pass@1": 0.25,
            "pass@1_ci95": [0.1, 0.4],
            "by_n": {"3": {"pass@1": 0.25, "ci95": [0.1, 0.4], "n": 40}},
        }
        pair = {"difference": -0.25, "only_model": 1, "only_adapter": 11, "p": 0.006347}
        models = [whole | {"name": name, "kind": kind, "asked": HOSTILE, "pair": against} for name, kind, against in (
            ("lora", "adapter", None), (HOSTILE, "other", pair), ("tiny", "base", pair | {"p": 0.0}))]  # fmt: skip
        (tmp_path / "comparison.json").write_text(
            json.dumps({"splits": [{"place": "starter/test", "n": 40, "models": models}]})
        )
        settings = {"comparison": "comparison.json", "adapter": str(measured)}
        (tmp_path / "settings.json").write_text(json.dumps(settings))
        chosen = backend.Settings.read(tmp_path / "settings.json", {})
        tables = released.Results(chosen).read()["comparison"]
        assert tables[0]["models"] == models
        page = charts.comparison(tables)
        assert "<img" not in page and page.count("&lt;img") == 4
        assert "Other models on the same rows: starter/test, 40 puzzles" in page and "p &lt; 1e-99" in page
        assert "<td><b>0.250</b> <small>[0.100, 0.400]</small></td>" in page and "N = 3: <b>0.250</b>" in page
        assert "-0.250 <small>p = 0.0063</small> <small>right alone: 1, adapter alone: 11</small>" in page
        assert "Base and adapter on the same rows" in charts.comparison(
            [tables[0] | {"models": tables[0]["models"][::2]}]
        )
        for name in ("ADAPTER", "MODEL", "RESULTS"):
            chosen = backend.Settings.read(tmp_path / "settings.json", {f"ARITH_PUZZLE_{name}": str(measured)})
            assert chosen.comparison is None and charts.comparison(released.Results(chosen).read()["comparison"]) == ""
        (tmp_path / "comparison.json").write_text('{"splits": [{}]}')
        with pytest.raises(logic.Unavailable, match="could not be read"):
            released.Results(backend.Settings.read(tmp_path / "settings.json", {})).read()

    def test_scaling(self, measured):
        curve = released.Results(backend.Settings(results=str(measured))).read()["scaling"]
        page = charts.scaling(curve)
        svg = ET.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
        assert len(svg.findall(".//circle")) == 4 and "fit: +0.100 a decade [+0.080, +0.120]" in svg.get("aria-label")
        across = [float(dot.get("cx")) for dot in svg.findall(".//circle")][:3]
        assert across[1] - across[0] == pytest.approx(across[2] - across[1], abs=0.2), "a decade is a decade"
        assert "<li>10k rows: 0.400 [0.350, 0.450], n=2000</li>" in page

    @pytest.mark.parametrize("text", ["{", "[]", '{"splits": 3}', '{"adapter": {"splits": {"test": {}}}}', "{}"])
    def test_broken_results_are_one_line(self, tmp_path, text):
        (tmp_path / "results.json").write_text(text)
        with pytest.raises(logic.Unavailable, match="results"):
            released.Results(backend.Settings(results=str(tmp_path))).read()

    def test_none(self):
        with pytest.raises(logic.Unavailable, match="no results are set"):
            released.Results(backend.Settings()).read()


class TestTurns:
    @staticmethod
    async def order(asked: list[str], places: int = 1, waiting: int = 99) -> list[str]:
        """The order in which persons are served if all ask at once while the only place is taken."""
        line, served = turns.Turns("it", places, waiting), []

        async def one(person):
            try:
                async with line.of(person):
                    served.append(person)
                    await asyncio.sleep(0)
            except logic.Unavailable as error:
                assert "it is busy" in str(error)
                served.append(f"-{person}")

        async with line.of("first"):
            tasks = [asyncio.create_task(one(person)) for person in asked]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        assert line.free == places
        return served

    def test_persons_come_round_by_round(self):
        assert run(self.order(list("aaaabbc"))) == list("abcabaa")

    def test_one_person_cannot_fill_the_line(self):
        served = run(self.order(list("aaaab"), waiting=4))
        assert served.count("-a") == 1 and "b" in served and "-b" not in served
        assert run(self.order(list("aaaa"), waiting=2)).count("-a") == 2

    def test_who_leaves_gives_the_turn_back(self):
        async def leave():
            line = turns.Turns("it", 1, 9)
            async with line.of("a"):
                waits = asyncio.create_task(line._enter("b"))
                await asyncio.sleep(0)
                waits.cancel()
            async with line.of("c"):
                return line.free

        assert run(leave()) == 0


class TestWorkers:
    def test_a_dead_worker_is_replaced(self):
        one = workers.Workers(1, seconds=600)
        worker = one._idle.get()
        worker.kill()
        worker.wait()
        one._idle.put(worker)
        assert one("solve", [3, 4], 7, 9) == ([], None)
        assert one("solve", [3, 4], 7, 9) == (["4+3=7"], True)
        one.close()

    def test_out_of_time_what_was_found_is_kept(self):
        one = workers.Workers(1, seconds=3)
        one("solve", [3, 4], 7, 9)  # the worker's imports are done after this
        found, complete = one("solve", [1, 2, 3, 4, 5, 6, 7, 8], 36, 10**9)
        assert len(found) > 50 and complete is None
        assert one("solve", [3, 4], 7, 9) == (["4+3=7"], True)
        one.close()

    def test_a_file_of_answers(self, tmp_path, monkeypatch):
        row = {"numbers": [2, 3], "target": 5, "response": "2+3=5"}
        given, out = tmp_path / "given", tmp_path / "out" / "verdicts.jsonl"
        out.parent.mkdir()
        given.write_text("\n".join([json.dumps(row), "x", json.dumps(row | {"response": "2+3=6"}), '{"numbers": 1}']))
        result, complete = list(workers.judge_file(str(given), str(out)))
        assert complete and result["measured"]["pass@1"] == 0.5 and not result["cut"]
        assert [fault.split(":")[0] for fault in result["faults"]] == ["line 2", "line 4"]
        assert [json.loads(line)["correct"] for line in out.read_text().splitlines()] == [True, False]
        assert str(tmp_path) not in json.dumps(result) and [path.name for path in out.parent.iterdir()] == [out.name]
        monkeypatch.setattr(workers, "MAX_ROWS", 2)
        monkeypatch.setattr(workers, "MAX_FAULTS", 0)
        result, _ = list(workers.judge_file(str(given), str(out)))
        assert result["cut"] and result["more_faults"] == 1 and result["faults"] == []


class TestModel:
    def test_a_real_one(self, tiny_adapter):
        from arith_puzzle.evaluation.inference import answer_batches, load

        model = Model(str(tiny_adapter))
        assert model.status()["model"] == "loading"
        assert "loading" in logic.ask("3,4", 7, 1, 0, 0, model.sample)["error"]
        model.load()
        state = model.status()
        assert (state["model"], state["reason"], state["adapter"]) == ("ready", "", str(tiny_adapter))
        assert state["base"] == str(tiny_adapter.with_name("base"))
        loaded = load(adapter=str(tiny_adapter))
        for numbers, target in (([3, 4, 5], 12), ([1, 2, 7, 9], 3)):
            prompt = symbolic_prompt(numbers, target)
            *_, streamed = model.stream(prompt, len(numbers) - 1)
            room = 24 * (len(numbers) - 1) + 8
            scored = next(answer_batches(*loaded, [prompt], max_new_tokens=room))[0]
            assert streamed == scored == model.sample(prompt, len(numbers) - 1, 5, 0, 0)[0]
        drawn = model.sample("3,4,5:12\n", 2, 6, 1.0, 3)
        assert len(drawn) == 6 and len(set(drawn)) > 1
        assert drawn == model.sample("3,4,5:12\n", 2, 6, 1.0, 3) != model.sample("3,4,5:12\n", 2, 6, 1.0, 4)

    def test_a_whole_model_needs_no_adapter(self, tiny_adapter):
        from model import Model

        base = str(tiny_adapter.with_name("base"))
        model = Model(None, form=None, whole=base)
        model.load()
        assert model.status() == {"model": "ready", "reason": "", "adapter": None, "base": base}
        assert list(model.stream("2,3:5\n", 1)) and "<b>base</b>" in render.status(model.status())

    def test_one_that_fails_is_one_line(self, tiny_adapter, monkeypatch):
        import model as module

        model = Model(str(tiny_adapter))
        model.load()
        monkeypatch.setitem(module._loaded, model.name, (None, module._loaded[model.name][1]))
        assert set(logic.ask("3,4", 7, 1, 0, 0, model.sample)) == {"error"}
        with pytest.raises(logic.Unavailable, match="could not answer"):
            list(model.stream("3,4:7\n", 1))

    def test_none(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert Model(None).status() == {
            "model": "none", "reason": "no model is set for this page", "adapter": None, "base": None,
        }  # fmt: skip
        config = {"peft_type": "LORA", "base_model_name_or_path": str(tmp_path / "nowhere")}
        (tmp_path / "adapter_config.json").write_text(json.dumps(config))
        model = Model(str(tmp_path))
        model.load()
        state = model.status()
        assert state["model"] == "none" and "could not be loaded" in state["reason"] and "\n" not in state["reason"]


class TestModels:
    def test_those_along_come_first_and_the_first_answers(self):
        settings = backend.Settings("n/own", along=(backend.Along("n/more", "v1", "search"), backend.Along("n/last")))
        models = Models.of(settings)
        assert [model.name for model in models.models] == ["n/more", "n/last", "n/own"]
        assert models.find("").name == models.find(None).name == "n/more" and models.find("n/own").name == "n/own"
        state = models.status()
        assert state["adapter"] == "n/more" and state["models"][0]["searches"] and models.loading
        with pytest.raises(InputError, match="the models of this page are n/more, n/last, n/own; got 'x'"):
            models.find("x")
        assert [model.name for model in Models.of(backend.Settings(along=settings.along)).models] == [
            "n/more",
            "n/last",
        ]
        assert Models.of(backend.Settings()).status()["model"] == "none"

    def test_each_answers_as_it_does_alone(self, tiny_adapter, searching_adapter, searches):
        """Also after the other one was loaded. One that cannot be loaded does not harm the others."""
        names = (str(searching_adapter), str(tiny_adapter.parent / "nowhere"))
        settings = backend.Settings(str(tiny_adapter), along=tuple(map(backend.Along, names)))
        models = Models.of(settings)
        alone = Model(str(tiny_adapter))
        alone.load()
        models._load()
        assert [each["model"] for each in models.status()["models"]] == ["ready", "none", "ready"]
        prompt = "2,3,4:23\n"
        assert list(models.find("").stream(prompt, 2))[-1] == searches[prompt][:190]
        own = models.find(str(tiny_adapter))
        assert list(own.stream(prompt, 2)) == list(alone.stream(prompt, 2)) and not own.searches


class TestStop:
    """A visitor stops the model, with a real one that searches."""

    @pytest.fixture
    def service(self, searching_adapter):
        settings = backend.Settings(str(searching_adapter), format=None)
        models = Models.of(settings)
        models._load()
        from service import Service  # gradio takes seconds to import, and one process of three needs it

        made = Service(models, puzzles.Puzzles(settings), released.Results(settings))
        yield made
        made.close()

    @staticmethod
    async def stopped(service, **how):
        """The results of a search that is stopped after its first line, and whether the next visitor has a turn."""
        seen = []
        async for result in service.watch("2,3,4", 23, "one", session="s"):
            seen.append(result)
            if len(seen) == 1:
                service.stop("another session")
                service.stop("s", **how)
        after = [result async for result in service.watch("22,43,51,58", 44, "two", session="t")]
        return seen, after[-1]

    def test_the_last_result_says_so_and_the_next_visitor_is_served(self, service):
        seen, after = run(self.stopped(service))
        assert len(seen) < 12 and seen[-1]["stopped"] and seen[-1]["done"] and not seen[-1]["correct"]
        page = render.attempt(seen[-1])
        assert "You stopped the model." in page and "ap-bad" not in page and "How the model searched" in page
        assert after["done"] and after["correct"] and not service._stops

    def test_quietly_there_is_no_last_result(self, service):
        seen, after = run(self.stopped(service, quietly=True))
        assert not any("stopped" in result for result in seen) and after["correct"]

    def test_who_waits_can_stop_too(self, service):
        async def wait():
            async with service._model_turns.of("busy"):
                waiting = service.watch("2,3,4", 23, "one", session="s")
                first = asyncio.ensure_future(anext(waiting))
                await asyncio.sleep(0.05)
                service.stop("s")
                return await first, [result async for result in waiting]

        assert run(wait()) == ({"error": logic.STOPPED}, [])


class TestStream:
    def test_lines_one_by_one_and_the_scored_answer(self):
        """With the released base, which writes proper lines."""
        from arith_puzzle.evaluation.inference import answer_batches, load
        from arith_puzzle.evaluation.streaming import stream_answer

        loaded = load(str(FOLDER.parents[1] / "training" / "bases" / "arith-tiny"))
        for prompt in ("2,3,4:9\n", "1,5,9,12:7\n", "3,8:24\n"):
            seen = list(stream_answer(*loaded, loaded[1](prompt)["input_ids"], max_new_tokens=60))
            scored = next(answer_batches(*loaded, [prompt], max_new_tokens=60))[0]
            assert seen[-1] == scored and len(seen) == scored.count("\n") + 1
            assert all(part.endswith("\n") and scored.startswith(part) for part in seen[:-1])

    def test_a_reader_who_leaves_ends_it(self):
        import threading

        from arith_puzzle.evaluation.inference import load
        from arith_puzzle.evaluation.streaming import stream_answer

        loaded = load(str(FOLDER.parents[1] / "training" / "bases" / "arith-tiny"))
        before = set(threading.enumerate())
        stream = stream_answer(*loaded, loaded[1]("1,5,9,12,17,20,33:7\n")["input_ids"], max_new_tokens=2000)
        next(stream)
        stream.close()
        assert not set(threading.enumerate()) - before

    def test_a_failure_reaches_the_reader(self):
        from arith_puzzle.evaluation.streaming import stream_answer

        with pytest.raises(AttributeError):
            list(stream_answer(None, None, [1], max_new_tokens=5))


class TestPuzzles:
    def test_levels_of_the_split(self, tiny_dataset):
        drawer = puzzles.Puzzles(backend.Settings(dataset=str(tiny_dataset)))
        assert drawer.sources() == ["made here"]
        drawn = [drawer.draw("", level)["puzzle"] for level in puzzles.LEVELS for _ in range(3)]
        assert drawn == ["2,3,4:24"] * 3 + ["1,5,9:45"] * 3 + ["5,6,7:4"] * 3
        assert drawer.sources() == ["test", "validation", "made here"]
        row = drawer.draw("validation", "hard")
        assert (row["puzzle"], row["num_solutions"], row["one_in"], row["source"]) == (
            "2,3:6", 1, 6, "starter/validation"
        )  # fmt: skip

    def test_it_says_until_when_it_reads_ahead(self, tiny_dataset, tmp_path):
        for dataset, sources in (
            (str(tiny_dataset), ["test", "validation", "made here"]),
            (str(tmp_path), ["made here"]),
            (None, ["made here"]),
        ):
            drawer = puzzles.Puzzles(backend.Settings(dataset=dataset))
            drawer.start()
            deadline = time.monotonic() + 600
            while drawer.loading and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not drawer.loading and drawer.sources() == sources

    def test_made_here(self):
        drawer = puzzles.Puzzles(backend.Settings())
        for number, level in enumerate(puzzles.LEVELS):
            for _ in range(40):
                made = drawer.draw("", level)
                assert len(made["numbers"]) == 3 + number == len(set(made["numbers"]))
                assert 1 <= made["target"] <= 60 and next(solutions(made["numbers"], made["target"]), None)

    def test_none_or_broken_is_one_line(self, tmp_path, tiny_dataset):
        with pytest.raises(logic.Unavailable, match="no dataset is set"):
            puzzles.Puzzles(backend.Settings()).draw("test", "easy")
        with pytest.raises(logic.Unavailable, match="could not be read"):
            puzzles.Puzzles(backend.Settings(dataset=str(tmp_path))).draw("", "easy")
        here = puzzles.Puzzles(backend.Settings(dataset=str(tiny_dataset)))
        for source, level in (("train", "easy"), ("test", "x" * 999)):
            with pytest.raises(InputError, match="got '") as error:
                here.draw(source, level)
            assert len(str(error.value)) < 200


class TestSettings:
    def test_file_and_environment(self, tmp_path):
        path = tmp_path / "settings.json"
        assert backend.Settings.read(path, {}) == backend.Settings()
        values = {"adapter": "n/a", "adapter_revision": "v1", "dataset": "n/d", "split": "validation"}
        path.write_text(json.dumps(values))
        assert backend.Settings.read(path, {}) == backend.Settings("n/a", "v1", "n/d", None, "starter", "validation")
        given = {f"ARITH_PUZZLE_{name}": str(tmp_path) for name in ("ADAPTER", "RESULTS")}
        read = backend.Settings.read(path, given | {"ARITH_PUZZLE_DATASET": "m/d"})
        assert (read.adapter, read.adapter_revision, read.dataset) == (str(tmp_path), None, "m/d")
        assert read.results == str(tmp_path)

    def test_the_format_is_of_the_files_adapter(self, tmp_path):
        path = tmp_path / "settings.json"
        path.write_text(json.dumps({"adapter": "n/a", "format": "search"}))
        assert backend.Settings.read(path, {}).format == "search"
        merged = backend.Settings.read(path, {"ARITH_PUZZLE_MODEL": "m/c"})
        assert (merged.model, merged.adapter, merged.format) == ("m/c", None, None)
        for other in (str(tmp_path), "m/b"):  # None means: the format in the adapter's own run.json
            assert backend.Settings.read(path, {"ARITH_PUZZLE_ADAPTER": other}).format is None
        assert backend.Settings.read(path, {"ARITH_PUZZLE_DATASET": "m/d"}).format == "search"
        for bad in ("alpaca", "x" * 999, 3, None, []):
            path.write_text(json.dumps({"format": bad}))
            with pytest.raises(
                InputError, match=r"settings\.json: format is one of symbolic, natural, search"
            ) as error:
                backend.Settings.read(path, {})
            assert len(str(error.value)) < 250

    def test_further_adapters_are_read_and_checked(self, tmp_path):
        path = tmp_path / "settings.json"
        path.write_text(json.dumps({"adapter": "n/a", "along": [{"adapter": "n/b", "adapter_revision": "v1"}]}))
        assert backend.Settings.read(path, {}).along == (backend.Along("n/b", "v1", None),)
        assert backend.Settings.read(path, {"ARITH_PUZZLE_DATASET": "m/d"}).along
        for name in ("ADAPTER", "MODEL"):
            assert backend.Settings.read(path, {f"ARITH_PUZZLE_{name}": "m/c"}).along == ()
        for wrong, said in (
            ({"adapter": "n/b"}, "along is a list of objects with an adapter"),
            ([{"adapter": ""}], "along is a list of objects with an adapter"),
            ([{"adapter": "n/b", "revision": "v1"}], "unknown key 'along.revision'"),
            ([{"adapter": "n/b", "format": "alpaca"}], "format is one of symbolic"),
        ):
            path.write_text(json.dumps({"along": wrong}))
            with pytest.raises(InputError, match=f"settings.json: {said}"):
                backend.Settings.read(path, {})

    def test_a_chat_is_read_and_checked(self, tmp_path):
        path = tmp_path / "settings.json"
        path.write_text(json.dumps({"adapter": "n/a", "format": "natural", "chat": {"system": "S"}}))
        assert backend.Settings.read(path, {}).chat.system == "S"
        path.write_text(json.dumps({"chat": {"sistem": "S"}}))
        with pytest.raises(
            InputError, match=r"settings\.json: unknown key 'chat\.sistem'; did you mean 'chat\.system'"
        ):
            backend.Settings.read(path, {})

    @pytest.mark.parametrize("text", ["{", "[1]", '{"adaptor": "x"}', "3"])
    def test_bad_file(self, tmp_path, text):
        (tmp_path / "settings.json").write_text(text)
        with pytest.raises(InputError, match=r"settings\.json"):
            backend.Settings.read(tmp_path / "settings.json", {})

    def test_port_and_host(self):
        assert backend.port({}) == 7860 and backend.port({"ARITH_PUZZLE_PORT": "8000"}) == 8000
        for bad in ("x", "0", "70000", "-1", ""):
            with pytest.raises(InputError, match="ARITH_PUZZLE_PORT"):
                backend.port({"ARITH_PUZZLE_PORT": bad})
        assert backend.host({}) == "127.0.0.1" and backend.host({"SPACE_ID": "n/s"}) == "0.0.0.0"

    def test_errors_carry_no_token(self):
        line = backend.one_line(OSError("no hf_abcDEF123 at https://user:secret@host/x\nTraceback …"))
        assert line == "OSError: no *** at https://***host/x"


class TestZeroGpu:
    CODE = """
import sys
if {spaces!r}:
    import types
    fake = types.ModuleType("spaces")
    fake.before = "torch" in sys.modules
    fake.asked = []
    def GPU(duration):
        def wrap(function):
            fake.asked.append((function.__name__, duration("m", [], 192), duration("m", [], 700, 16, None, 0)))
            return function
        return wrap
    fake.GPU = GPU
    sys.modules["spaces"] = fake
sys.path.insert(0, {folder!r})
import app, model, zerogpu
spaces = sys.modules.get("spaces")
print(zerogpu.ON, "torch" in sys.modules, getattr(spaces, "asked", None), getattr(spaces, "before", None))
"""

    @pytest.mark.slow
    @pytest.mark.parametrize("there", [True, False])
    def test_declared_where_present_and_nothing_elsewhere(self, staged, clean_environment, tmp_path, there):
        """Importing the app does not import torch, so torch always comes after ``spaces``."""
        code = self.CODE.format(spaces=there, folder=str(staged))
        environment = clean_environment(tmp_path, **({"SPACES_ZERO_GPU": "true"} if there else {}))
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        # Seconds for a direct answer, and for a search of up to 700 tokens.
        declared = "[('_stream', 15, 35), ('_sample', 15, 35)] False" if there else "None None"
        assert done.stdout.strip() == f"{there} False {declared}"

    def test_the_model_is_there_before_the_page(self, tiny_adapter, monkeypatch):
        import model as module

        monkeypatch.setattr(module, "ON", True)
        models = Models([Model(str(tiny_adapter)), Model(None, whole=str(tiny_adapter.with_name("base")))])
        models.start()
        assert [each["model"] for each in models.status()["models"]] == ["ready", "ready"]


class TestFolder:
    def test_card(self):
        text = (FOLDER / "README.md").read_text()
        card = yaml.safe_load(text.split("---\n")[1])
        pins = dict(line.split("==") for line in (FOLDER / "requirements.txt").read_text().split())
        assert card["sdk_version"] == pins["gradio[mcp]"] and (FOLDER / card["app_file"]).is_file()
        assert len(card["short_description"]) <= 60
        for link in (
            "https://huggingface.co/datasets/<dataset>",
            "https://huggingface.co/spaces/<namespace>/arith_puzzle_verifier",
            "https://arxiv.org/abs/2406.02100",
        ):
            assert link in text

    def test_pins_are_what_is_tested(self):
        from importlib.metadata import version

        for line in (FOLDER / "requirements.txt").read_text().split():
            name, pin = line.split("==")
            assert version(name.split("[")[0]).split("+")[0] == pin, f"requirements.txt pins {line}"

    def test_the_first_puzzle_has_as_many_solutions_as_it_says(self):
        from tabs import play

        assert len(list(solutions(play.FIRST["numbers"], play.FIRST["target"]))) == play.FIRST["num_solutions"]

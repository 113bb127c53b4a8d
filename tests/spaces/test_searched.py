"""A model that searches before it answers: its answer, its token limit, and what the page and the API show."""

import json
import shutil

import logic
import numpy as np
import pytest
import render
from huggingface_hub import HfApi
from model import Model
from searched import Attempt, Pair, Search

from arith_puzzle.dataset_builder.formats import FORMATS
from arith_puzzle.dataset_builder.puzzle import parse_puzzle
from arith_puzzle.dataset_builder.search_traces import searches as written
from arith_puzzle.local_hub import running
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify


@pytest.fixture
def solved(searches):
    return searches["22,43,51,58:44\n"]


@pytest.fixture
def endless(searches):
    return searches["2,3,4:23\n"]


NUMBERS, TARGET = [22, 43, 51, 58], 44


def pieces(text: str, size: int):
    """A growing text: ``size`` more characters each time."""
    return [text[:end] for end in range(size, len(text) + size, size)]


class TestSearch:
    def test_attempts(self, solved):
        search = Search.of(solved)
        assert search.ended and search.text + "\n:\n" + FORMATS["search"].strict(solved) == solved
        first, second = search.attempts
        assert (first.steps, first.left, first.found, len(first.pairs)) == (("58-51=7",), ("7", "22", "43"), False, 3)
        assert second == Attempt(
            ("58-43=15",), ("15", "22", "51"), (Pair(("51", "22"), ("59", "29"), ("29",), "29+15=44"),), ()
        )
        assert second.found and Search.of("") == Search("", False) and Search.of("").attempts == ()

    def test_what_the_builder_writes(self):
        """Complete searches of the builder, with the number of attempts that it states."""
        numbers = np.array([[22, 43, 51, 58], [24, 27, 32, 41], [9, 10, 20, 40]])
        prompts, texts, found = written(numbers, np.array([44, 22, 30]), context=None)
        for prompt, text, index in zip(prompts.to_pylist(), texts.to_pylist(), found.tolist(), strict=True):
            search = Search.of(text)
            assert search.ended and len(search.attempts) == index + 1 == search.text.count(prompt) + 1
            *failed, last = search.attempts
            assert last.found and last.pairs[-1].equation == text.splitlines()[-1]
            assert not any(attempt.found for attempt in failed) and len({a.steps[0] for a in search.attempts}) > index
            for attempt in search.attempts:
                assert not attempt.other and len(attempt.left) == 3 and len(attempt.steps) == 1
                assert all(set(pair.numbers) <= set(attempt.left) for pair in attempt.pairs)
            assert [len(attempt.pairs) for attempt in failed] == [3] * len(failed)
        assert found.max() > 3

    def test_three_numbers_have_pairs_only_and_more_numbers_more_steps(self):
        for puzzle, steps in (([[7, 8, 20]], 0), ([[3, 6, 7, 51, 58]], 2), ([[3, 6, 7, 19, 51, 58]], 3)):
            _, texts, _ = written(np.array(puzzle), np.array([21 if steps == 0 else 4]), context=None)
            for attempt in Search.of(texts[0].as_py()).attempts:
                assert len(attempt.steps) == steps and attempt.pairs and bool(attempt.left) == bool(steps)

    def test_lines_of_no_known_form_are_kept(self):
        attempt = Attempt.of(["9-8=1", "1,2:x", "1,2,3:4", "5,6:7", "-1,2:3:4"])
        assert attempt == Attempt(("9-8=1",), ("1", "2", "3"), (), ("1,2:x", "5,6:7", "-1,2:3:4"))

    @pytest.mark.parametrize("size", [1, 2, 3])
    def test_grows_and_ends_with_the_whole_marker_only(self, solved, size):
        end = solved.index("\n:\n") + 3
        attempts = 0
        for text in pieces(solved, size):
            search = Search.of(text)
            assert search.ended == (len(text) >= end) and len(search.attempts) >= attempts
            attempts = len(search.attempts)


class TestWatch:
    @pytest.mark.parametrize("size", [1, 2, 5])
    def test_nothing_is_judged_before_the_marker(self, solved, size):
        """The marker may arrive in pieces of any size."""
        end = solved.index("\n:\n") + 3
        *seen, last = logic.watch(NUMBERS, TARGET, iter(pieces(solved, size)), "search")
        assert len(seen) == len(pieces(solved, size))
        for text, result in zip(pieces(solved, size), seen, strict=True):
            assert result["search"]["ended"] == (len(text) >= end) and not result["done"]
            assert [step["text"] for step in result["steps"]] == text[end:].splitlines()
            assert ("The model is searching" in render.attempt(result)) == (len(text) < end)
        assert last["done"] and last["correct"] and last["answer"] == FORMATS["search"].strict(solved)
        page = render.attempt(last)
        assert "How the model searched: 2 attempts" in page and "<details open" not in page

    def test_a_search_that_never_ends_has_no_answer(self, endless):
        *seen, last = logic.watch([2, 3, 4], 23, iter(pieces(endless, 7)), "search")
        assert not any(result["steps"] or result["correct"] or result["answer"] for result in [*seen, last])
        assert last["verdict"] == logic.NO_ANSWER and last["search"] == {"attempts": 6, "ended": False}
        page = render.attempt(last)
        assert logic.NO_ANSWER in page and "empty" not in page and page.count("How the model searched") == 1

    def test_an_answer_without_a_search_counts_as_it_does_in_the_score(self):
        *_, last = logic.watch([2, 3], 5, iter(["2+3=5"]), "search")
        assert last["correct"] and last["answer"] == "2+3=5"

    def test_what_changes_all_the_time_is_not_read_aloud(self, solved):
        page = render.attempt(next(logic.watch(NUMBERS, TARGET, iter([solved[:29]]), "search")))
        still, moving = page.split('aria-live="off"')
        assert "The model is searching" in still and 'role="status"' in still and "polite" not in page
        assert "58&thinsp;\u2212&thinsp;51&thinsp;=&thinsp;7" in moving and "left <i>7</i><i>22</i><i>43</i>" in moving

    def test_a_long_search_shows_its_last_attempts(self, solved):
        first = solved.split("\n\n")[0]
        text = "\n\n".join([first] + [f"22,43,51,58:44\n{first}"] * 40)
        result = next(logic.watch(NUMBERS, TARGET, iter([text]), "search"))
        page = render.attempt(result)
        assert [f'value="{number}"' in page for number in (35, 36, 41, 42)] == [False, True, True, False]
        assert page.count("<table") == 1 and page.count("no pair fits") == render.RECENT - 1 and len(page) < 4000

    def test_the_attempt_that_succeeded_is_open_and_marked(self, solved):
        *_, last = logic.watch(NUMBERS, TARGET, iter([solved]), "search")
        before, folded = render.attempt(last).split("<details", 1)
        assert before.count("✓ found") == 1 and 'value="2"' in before and "no pair fits" not in before
        assert "<td>51, 22</td><td>59 or 29</td><td><b>29</b>" in before
        assert folded.index("How the model searched") < folded.index("Its answer") < folded.index("Correct")

    def test_everything_is_escaped(self):
        hostile = "<img src=x onerror=alert(1)>\"'&"
        for text in (hostile, f"{hostile}\n:\n{hostile}"):
            for result in logic.watch([3, 4], 7, iter([text]), "search"):
                asked = logic.ask("3,4", 7, 2, 1, 0, lambda *_, text=text: [text, "3+4=7"], "search")
                assert "<img" not in render.attempt(result) + render.samples(asked, 1.0)


class TestAsk:
    def test_the_strict_part_is_the_answer_and_all_of_it_is_raw(self, solved, is_json):
        result = logic.ask(NUMBERS, TARGET, 1, 0, 0, lambda *_: [solved], "search")
        assert result["correct"] and result["answer"] == "58-43=15\n51-22=29\n29+15=44" and result["raw"] == solved
        assert result["search"] == {"attempts": 2, "ended": True} and is_json(result)
        judged = logic.judge(NUMBERS, TARGET, result["answer"])
        assert judged.pop("lenient") is None and judged == {key: result[key] for key in judged}

    def test_samples_are_distinct_answers(self, solved, endless):
        other = solved[solved.index("\n\n22,43,51,58:44\n") + 17 :]
        result = logic.ask(NUMBERS, TARGET, 4, 1, 0, lambda *_: [solved, endless, other, endless], "search")
        assert (result["right"], result["drawn"]) == (2, 4)
        assert [(item["answer"][:7], item["times"], item["raw"]) for item in result["samples"]] == [
            ("58-43=1", 2, solved), ("", 2, endless)
        ]  # fmt: skip
        page = render.samples(result, 1.0)
        assert page.count("How the model searched") == 2 and logic.NO_ANSWER in page

    def test_other_formats_are_asked_and_read_as_they_are(self):
        seen = []
        answer = logic.ask("2,3", 5, 1, 0, 0, lambda *given: seen.append(given[0]) or ["2+3=5"], "natural")
        assert seen == [FORMATS["natural"].prompt([2, 3], 5)] and answer["correct"]
        back = logic.ask("3,4,5", 2, 1, 0, 0, lambda *_: ["7-5=2\n3+4=7"], "backward")
        assert back["answer"] == "3+4=7\n7-5=2" and back["correct"]
        for result in (answer, back, logic.ask("2,3", 5, 1, 0, 0, lambda *_: ["2+3=5"])):
            assert not {"raw", "search"} & result.keys() and "searched" not in render.samples(result, 0)


class TestModel:
    @staticmethod
    def loaded(adapter, form=None):
        model = Model(str(adapter), None, form)
        model.load()
        assert model.state == "ready", model.reason
        return model

    def test_the_adapters_own_records(self, searching_adapter, searches):
        model = self.loaded(searching_adapter)
        assert model.form == "search" and model.searches
        for prompt, text in searches.items():
            *parts, whole = model.stream(prompt, 3)
            assert whole == text[:190] == model.sample(prompt, 3, 1, 0, 0)[0]
            assert len(parts) == whole.count("\n") and verify(
                *parse_puzzle(prompt.strip()), FORMATS["search"].strict(whole)
            ).correct == ("\n:\n" in text)

    def test_room(self, searching_adapter, tiny_adapter, tmp_path):
        """The limit is the one of the score, else 700, and never exceeds the model's positions."""
        prompt, positions = "22,43,51,58:44\n", 256
        left = positions - len(prompt) - 1
        ids = [1] * (len(prompt) + 1)
        for results, room in (
            ({"adapter": {"decoding": {"max_new_tokens": 150}}}, 150),
            ({"splits": {}, "adapter": "n/a", "decoding": {"max_new_tokens": 99}}, 99),
            ({"adapter": {"decoding": {"max_new_tokens": 9999}}}, left),
            ({"adapter": {}}, left),
            (None, left),
        ):
            shutil.copytree(searching_adapter, tmp_path / "a", dirs_exist_ok=True)
            (tmp_path / "a" / "results.json").unlink()
            if results:
                (tmp_path / "a" / "results.json").write_text(json.dumps(results))
            model = self.loaded(tmp_path / "a")
            assert model._room(ids, 3) == room
        assert (model._search_tokens, self.loaded(tmp_path / "a", "symbolic")._room(ids, 3)) == (700, 80)
        assert self.loaded(tiny_adapter)._room(ids, 14) == 192
        with pytest.raises(logic.Unavailable, match="longer than its 256 positions"):
            list(model.stream("1," * 200, 3))

    def test_without_a_record_it_answers_at_once(self, tiny_adapter):
        model = self.loaded(tiny_adapter)
        assert model.form == "symbolic" and not model.searches
        assert "searches" not in render.status(model.status(), searches=model.searches)
        assert render.choice("n/a", searches=False, first=True) == "Answers at once: a"
        assert render.choice("n/a", searches=True, first=True) == "Searches first, hard to beat: a"
        assert render.choice("n/a", searches=True, first=False) == "Searches first: a"

    def test_a_format_that_no_puzzle_has_is_one_line(self, tiny_adapter, tmp_path):
        shutil.copytree(tiny_adapter, tmp_path / "a")
        (tmp_path / "a" / "run.json").write_text('{"recipe": {"score": {"format": "alpaca"}}}')
        model = Model(str(tmp_path / "a"), None, None)
        model.load()
        assert model.state == "none" and "run.json: format is one of symbolic" in model.reason


@pytest.mark.slow
class TestApi:
    @pytest.fixture
    def ready(self, loaded):
        """ready(address): the API client of a demo, when its model is ready."""

        def wait(address):
            demo, state = loaded(address)
            assert state["model"] == "ready", state
            return demo

        return wait

    def test_ask(self, searching, searches, solved, ready):
        demo = ready(searching)
        result = demo.predict("22,43,51,58", 44, api_name="/ask")
        assert result["correct"] and result["raw"] == solved and result["search"]["attempts"] == 2
        assert demo.predict("22,43,51,58", 44, result["answer"], api_name="/judge")["correct"]
        cut = demo.predict("2,3,4", 23, api_name="/ask")
        assert (cut["answer"], cut["steps"], cut["verdict"]) == ("", [], logic.NO_ANSWER)
        assert cut["raw"] == searches["2,3,4:23\n"][:190]

    @pytest.mark.slow
    def test_an_adapter_from_a_hub_brings_its_records(
        self, serve, staged, searching_adapter, searches, ready, tmp_path
    ):
        with running(tmp_path / "hub") as hub:
            api, name = HfApi(endpoint=hub.endpoint, token=hub.token), f"{hub.namespace}/lora"
            api.create_repo(name)
            api.upload_folder(repo_id=name, folder_path=searching_adapter)
            there = {"HF_ENDPOINT": hub.endpoint, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
            demo = ready(serve(staged, ARITH_PUZZLE_ADAPTER=name, **there))
            assert demo.predict("2,3,4", 23, api_name="/ask")["raw"] == searches["2,3,4:23\n"][:190]

    @pytest.mark.slow
    def test_settings_as_a_release_writes_them(self, serve, staged, searching_adapter, solved, ready, tmp_path):
        shutil.copytree(staged, tmp_path / "space")
        settings = {"adapter": str(searching_adapter), "format": "search"}
        (tmp_path / "space" / "settings.json").write_text(json.dumps(settings))
        assert ready(serve(tmp_path / "space")).predict("22,43,51,58", 44, api_name="/ask")["raw"] == solved

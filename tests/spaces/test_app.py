"""The pushed folder alone, started as the Hub starts it: its API by gradio_client, its page in a real browser."""

import doctest
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from gradio_client import Client

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


def client(address: str) -> Client:
    return Client(address, verbose=False)


HARD = "123457,234571,345679,456791,567899,678901,789017,890123"  # cannot make 7; the proof takes a while


class TestFolderAlone:
    @pytest.mark.parametrize("form", ["staged", "snapshot"])
    def test_imports_what_was_pushed_with_it(self, request, form, clean_environment, tmp_path):
        """The checkout is installed beside it (editable), and must not be what runs; nor in the solver's worker."""
        folder = tmp_path / "pushed"
        shutil.copytree(request.getfixturevalue(form), folder, symlinks=True)
        solve = folder / "dataset_builder" / "solve.py"
        text = solve.read_text() + "\n\ndef solutions(*_):\n    yield __file__\n"
        solve.unlink()
        solve.write_text(text)
        code = (
            f"import runpy, sys; runpy.run_path({str(folder / 'app.py')!r}); import solver, training\n"
            "seen = 'backend logic render solver dataset_builder.solve metrics.arith_puzzle_verifier training'"
            "\nprint(*(sys.modules[name].__file__ for name in seen.split()), sep='\\n')\n"
            "workers = solver.Solver(1); print(workers([1, 2], 3, 9)[0][0]); workers.close()"
        )
        environment = clean_environment(tmp_path)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        lines = done.stdout.split()
        assert len(lines) == 8 and all(line.startswith(f"{folder}{os.sep}") for line in lines)

    @pytest.mark.parametrize(("name", "value"), [("ARITH_PUZZLE_PORT", "x"), ("settings.json", "{")])
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
    def test_a_taken_port_is_one_line_and_status_2(self, bare, staged, clean_environment, tmp_path):
        environment = clean_environment(tmp_path, ARITH_PUZZLE_PORT=bare.rsplit(":")[-1])
        done = subprocess.run([sys.executable, staged / "app.py"], env=environment, capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr.strip().endswith("is taken: set ARITH_PUZZLE_PORT to a free one")

    def test_status(self, bare):
        state = client(bare).predict(api_name="/status")
        assert state == {"model": "none", "reason": "no model is set for this page", "adapter": None, "base": None}

    def test_endpoints(self, bare):
        named = client(bare).view_api(return_format="dict", print_info=False)["named_endpoints"]
        assert set(named) == {"/ask", "/judge", "/solve", "/sample", "/status"}

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
        assert "no dataset" in demo.predict(api_name="/sample")["error"]

    @pytest.mark.parametrize(("numbers", "target"), [("x", 4), ("3,4", "y"), ("", None), (None, None), ("1," * 999, 4)])
    def test_bad_input_is_one_line(self, bare, numbers, target):
        demo = client(bare)
        for arguments, name in (((numbers, target), "/solve"), ((numbers, target, "1+1=2"), "/judge")):
            assert set(demo.predict(*arguments, api_name=name)) == {"error"}

    def test_a_long_search_holds_nobody_up(self, bare):
        demo = client(bare)
        slow = [demo.submit(HARD, 7, api_name="/solve") for _ in range(8)]
        start = time.monotonic()
        assert demo.predict("3,4", 7, "3+4=7", api_name="/judge")["correct"]
        assert time.monotonic() - start < 3
        assert all(job.result()["solvable"] in (False, None) for job in slow)
        assert demo.predict("3,4", 7, api_name="/solve")["solution"] == "4+3=7"

    def test_the_cards_example(self, bare, staged):
        text = (staged / "README.md").read_text().replace("http://127.0.0.1:7860", bare)
        example = doctest.DocTestParser().get_doctest(text, {}, "README.md", None, 0)
        assert example.examples
        assert doctest.DocTestRunner().run(example).failed == 0


class TestApiWithModel:
    def test_ask_and_sample(self, full, tiny_adapter, tiny_dataset):
        demo = client(full)
        for _ in range(300):
            state = demo.predict(api_name="/status")
            if state["model"] != "loading":
                break
            time.sleep(0.1)
        base = str(tiny_adapter.with_name("base"))
        assert state == {"model": "ready", "reason": "", "adapter": str(tiny_adapter), "base": base}
        drawn = demo.predict(api_name="/sample")
        assert drawn["puzzle"] in {"2,3,4:24", "5,6,7:4"}
        assert (drawn["dataset"], drawn["config"], drawn["split"]) == (str(tiny_dataset), "starter", "test")
        result = demo.predict(drawn["numbers"], drawn["target"], api_name="/ask")
        assert result["correct"] is False and result["answer"] and result["adapter"] == str(tiny_adapter)
        judged = demo.predict(drawn["numbers"], drawn["target"], result["answer"], api_name="/judge")
        assert judged == {key: value for key, value in result.items() if key not in ("adapter", "base")}


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        if not os.environ.get("CI"):
            pytest.skip("no chromium: apt-get install -y chromium")
        pytest.fail("no chromium, and this is CI: apt-get install -y chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"], headless=True)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    folder = os.environ.get("ARITH_PUZZLE_SCREENSHOTS")
    return Path(folder) if folder else tmp_path_factory.mktemp("screenshots")


@pytest.fixture
def open_page(browser):
    """open_page(address, viewport): a page that must neither fail in its scripts nor ask another host for anything."""
    opened = []

    def go(address, viewport, scheme="light"):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        page = context.new_page()
        asked, errors = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        opened.append((context, asked, errors))
        page.goto(address)
        page.get_by_label("Numbers").wait_for()
        return page

    yield go
    for context, asked, errors in opened:
        context.close()
        hosts = {urlsplit(url).hostname for url in asked if urlsplit(url).scheme in ("http", "https", "ws", "wss")}
        assert hosts == {"127.0.0.1"} and not errors


def fits(page) -> bool:
    """Nothing sticks out to the side."""
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


class TestPage:
    @pytest.mark.parametrize(
        ("name", "viewport", "scheme"),
        [("desktop", DESKTOP, "light"), ("phone", PHONE, "light"), ("dark", DESKTOP, "dark")],
    )
    def test_judge_solve_and_bad_input(self, bare, open_page, pictures, name, viewport, scheme):
        page = open_page(bare, viewport, scheme)
        page.get_by_text("Without a model: no model is set for this page.").wait_for()
        page.get_by_label("Numbers").fill("3,6,7,51,58")
        page.get_by_label("Target").fill("4")
        page.get_by_role("button", name="Show a solution").click()
        page.locator("#solved").get_by_text("There are exactly 153 solutions").wait_for()
        assert page.locator("#solved tbody tr").count() == 4
        page.get_by_role("button", name="Ask the model").click()
        page.locator("#answered").get_by_text("No model is set for this page.").wait_for()
        page.get_by_role("button", name="From the dataset").click()
        page.locator("#said").get_by_text("No dataset is set for this page").wait_for()
        page.screenshot(path=pictures / f"solve-{name}.png", full_page=True)
        assert fits(page)

        page.get_by_role("tab", name="Judge").click()
        page.get_by_label("An answer").fill("58-51=7\n6-7=-1\n3*-1=3\n-3+7=4")
        page.get_by_role("button", name="Judge", exact=True).click()
        wrong = page.locator("#judged tr", has_text="3*-1=3")
        wrong.wait_for()
        for words in ("wrong", "the right side is not the value of the left side"):
            assert words in wrong.inner_text()
        assert "right" in page.locator("#judged tr", has_text="6-7=-1").inner_text()
        assert "Wrong. Line 3" in page.locator("#judged .ap-verdict").inner_text()
        page.screenshot(path=pictures / f"judge-{name}.png", full_page=True)
        assert fits(page)

        page.get_by_label("Numbers").fill("3,6,<b>x</b>")
        page.get_by_role("button", name="Judge", exact=True).click()
        page.locator("#judged").get_by_text("Numbers are whole numbers").wait_for()
        assert page.locator("#judged b").count() == 0
        page.screenshot(path=pictures / f"bad-input-{name}.png", full_page=True)
        assert "Traceback" not in page.content() and fits(page)

    @pytest.mark.parametrize(("name", "viewport"), [("desktop", DESKTOP), ("phone", PHONE)])
    def test_model_and_dataset(self, full, open_page, pictures, tiny_adapter, name, viewport):
        page = open_page(full, viewport)
        page.locator("#status").get_by_text(f"Model: {tiny_adapter}").wait_for(timeout=30_000)
        page.get_by_role("button", name="From the dataset").click()
        page.wait_for_function("['2, 3, 4', '5, 6, 7'].includes(document.querySelector('textarea, input').value)")
        page.get_by_role("button", name="Ask the model").click()
        page.locator("#answered .ap-verdict").wait_for()
        assert page.locator("#answered .ap-bad").count()
        page.get_by_role("button", name="Show a solution").click()
        page.locator("#solved").get_by_text("There are exactly").wait_for()
        page.screenshot(path=pictures / f"model-{name}.png", full_page=True)
        assert fits(page)

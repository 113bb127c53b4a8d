"""The demo's page in a real browser: every tab, by clicks and by keyboard, desktop and phone, light and dark."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from gradio_client import Client

from docs import screenshots

PHONE = {"width": 375, "height": 780}
DESKTOP = {"width": 1280, "height": 900}
SOLUTION = ((8, "minus", 7), (20, "times", 1), (20, "plus", 4))
"""A solution of the page's first puzzle."""


def windows(quick: str | None):
    """Run a test in three windows. The quick suite runs only the one that is named (None: no window)."""
    each = {"desktop": (DESKTOP, "light"), "phone": (PHONE, "light"), "dark": (DESKTOP, "dark")}
    cases = [
        pytest.param(name, *window, id=name, marks=[] if name == quick else [pytest.mark.slow])
        for name, window in each.items()
    ]
    return pytest.mark.parametrize(("name", "viewport", "scheme"), cases)


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
    """open_page(address, viewport): a page. At the end, no script may have failed and no other host been requested."""
    opened = []

    def go(address, viewport=DESKTOP, scheme="light", forgive=(), **options):
        context = browser.new_context(viewport=viewport, color_scheme=scheme, **options)
        context.set_default_timeout(600_000)
        page = context.new_page()
        requests, errors = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        opened.append((context, requests, errors, forgive))
        page.goto(address)
        page.locator("#board .ap-chip").first.wait_for()
        return page

    yield go
    for context, requests, errors, forgive in opened:
        context.close()
        errors = [error for error in errors if not any(words in error for words in forgive)]
        hosts = {urlsplit(url).hostname for url in requests if urlsplit(url).scheme in ("http", "https", "ws", "wss")}
        assert hosts == {"127.0.0.1"} and not errors


def fits(page) -> bool:
    """Whether the page needs no horizontal scrolling."""
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def chip(page, value):
    return page.locator("#board .ap-chip", has_text=str(value).replace("-", "\u2212")).first


def merge(page, a, op, b, press="click"):
    for part in (chip(page, a), page.locator("#board").get_by_role("button", name=op, exact=True)):
        getattr(part, press)()
    others = page.locator('#board .ap-chip[aria-pressed="false"]')
    for i in range(others.count()):
        if others.nth(i).inner_text() == str(b):
            return getattr(others.nth(i), press)()
    raise AssertionError(f"no {b} on the board")


def chips(page) -> list[str]:
    return page.locator("#board .ap-chip").all_inner_texts()


def sources(page) -> list[str]:
    """The entries of the list of sources. Closing the list unchanged must not change the game."""
    page.get_by_label("Puzzles from").click()
    page.get_by_role("option").first.wait_for()
    found = [text.removeprefix("\u2713").strip() for text in page.get_by_role("option").all_inner_texts()]
    page.get_by_label("Puzzles from").blur()
    page.get_by_role("option").first.wait_for(state="detached")
    return found


def wait_for_splits(page) -> list[str]:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        if len(found := sources(page)) > 1:
            return found
        page.wait_for_timeout(200)
    raise AssertionError("the list has no split of the dataset")


class TestPlay:
    @windows(quick="phone")
    def test_a_game_to_its_end(self, bare, open_page, pictures, name, viewport, scheme):
        page = open_page(bare, viewport, scheme, has_touch=name == "phone")
        press = "tap" if name == "phone" else "click"
        assert page.locator("body.dark").count() == (scheme == "dark")
        assert page.locator("#board [data-ap=target]").inner_text() == "24"
        assert "11 solutions" in page.locator("#board [data-ap=facts]").inner_text()
        merge(page, 7, "minus", 8, press)
        assert chips(page) == ["4", "\u22121", "20"], "the order matters"
        page.get_by_role("button", name="Undo").click()
        assert chips(page) == ["4", "7", "8", "20"]
        merge(page, 7, "divided by", 4, press)
        assert "divisions must be exact" in page.locator("#board [data-ap=say]").inner_text()
        assert page.get_by_role("button", name="Start over").is_disabled()
        page.locator('#board .ap-chip[aria-pressed="true"]').click()
        for step in SOLUTION:
            merge(page, *step, press)
        page.locator("#mine").get_by_text("Correct: every equation holds").wait_for()
        assert re.search(r"Solved in \d+:\d\d!", page.locator("#board [data-ap=say]").inner_text())
        assert page.locator("#board li").all_inner_texts() == ["8\u22127=1", "20\u00d71=20", "20+4=24"]
        page.screenshot(path=pictures / f"play-{name}.png", full_page=True)
        assert fits(page)
        page.get_by_role("button", name="Start over").click()
        page.wait_for_function("!document.querySelector('#mine .ap-mine')")
        assert chips(page) == ["4", "7", "8", "20"]

    def test_a_wrong_end_says_so_until_it_is_undone(self, bare, open_page):
        """The page itself takes the verdict back: a server's late reply would erase the verdict of the next attempt."""
        page = open_page(bare, forgive=("ERR_INTERNET_DISCONNECTED",))
        for step in ((8, "plus", 7), (20, "plus", 15), (35, "plus", 4)):
            merge(page, *step)
        assert "That makes 39, not 24" in page.locator("#board [data-ap=say]").inner_text()
        page.locator("#mine").get_by_text("the last number is not the target").wait_for()
        page.context.set_offline(True)
        page.get_by_role("button", name="Undo").click()
        page.wait_for_function("!document.querySelector('#mine .ap-mine')")
        page.context.set_offline(False)

    def test_keyboard_alone(self, bare, open_page):
        """Tab, arrow keys, operation signs, Enter and Backspace are enough. The merged number gets the focus."""
        page = open_page(bare)
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.classList.contains('ap-chip')"):
                break
        for key in ("ArrowRight", "ArrowRight", "Enter", "-", "ArrowLeft", "Enter"):  # 8 - 7
            page.keyboard.press(key)
        assert chips(page) == ["4", "1", "20"]
        page.keyboard.press("Backspace")
        assert chips(page) == ["4", "7", "8", "20"]
        chip(page, 8).focus()
        for key in ("Enter", "-", "ArrowLeft", "Enter"):
            page.keyboard.press(key)
        assert page.evaluate("document.activeElement.textContent") == "1"
        for key in ("Enter", "*", "ArrowRight", "Enter", "Enter", "+", "ArrowRight", "Enter"):  # 1*20, then 20+4
            page.keyboard.press(key)
        page.locator("#mine").get_by_text("Correct").wait_for()

    def test_labels_roles_and_live_region(self, bare, open_page):
        page = open_page(bare)
        board = page.get_by_role("region", name="Your board")
        numbers = board.get_by_role("group", name="Numbers left").get_by_role("button")
        assert [each.get_attribute("aria-label") for each in numbers.all()] == ["4", "7", "8", "20"]
        operations = board.get_by_role("group", name="Operation").get_by_role("button")
        assert [each.get_attribute("aria-label") for each in operations.all()] == [
            "plus", "minus", "times", "divided by"
        ]  # fmt: skip
        assert board.get_by_role("status").get_attribute("aria-live") == "polite"
        assert board.get_by_role("timer").inner_text() == "0:00"
        merge(page, 8, "minus", 7)
        assert board.get_by_role("status").inner_text() == "8 \u2212 7 = 1. Left: 4, 1, 20."
        assert page.get_by_label("Difficulty").count() and page.get_by_label("Puzzles from").count()
        assert page.evaluate("document.documentElement.lang")

    def test_new_puzzles_links_and_a_solution(self, bare, open_page):
        page = open_page(f"{bare}/?puzzle=3,6,7,51,58:4", permissions=["clipboard-read", "clipboard-write"])
        page.wait_for_function("document.querySelectorAll('#board .ap-chip').length === 5")
        assert chips(page) == ["3", "6", "7", "51", "58"]
        page.get_by_role("button", name="Copy link").click()
        page.locator("#board").get_by_text("The link to this puzzle is copied.").wait_for()
        assert page.evaluate("navigator.clipboard.readText()").endswith("/?puzzle=3,6,7,51,58:4")
        page.locator("#give-up").click()
        page.locator("#shown").get_by_text("There are exactly 153 solutions").wait_for()
        assert page.locator("#shown svg[role=img]").get_attribute("aria-label").endswith("is 4.")
        page.locator("#new").click()
        page.wait_for_function("document.querySelectorAll('#board .ap-chip').length === 3")
        assert "random numbers" in page.locator("#board [data-ap=facts]").inner_text()
        assert page.locator("#shown").inner_text() == ""
        page.get_by_label("Difficulty").click()
        page.get_by_role("option", name="hard").click()
        page.wait_for_function("document.querySelectorAll('#board .ap-chip').length === 5")
        page.locator("#race").click()
        page.locator("#attempt").get_by_text("No model is set for this page.").wait_for()

    def test_big_numbers_stay_exact(self, bare, open_page):
        page = open_page(f"{bare}/?puzzle=999999937,999999929,999999893:1")
        page.wait_for_function("document.querySelectorAll('#board .ap-chip').length === 3")
        merge(page, 999999893, "times", 999999929)
        assert str(999999893 * 999999929) in chips(page)

    @pytest.mark.slow
    def test_the_model_at_the_same_puzzle(self, full, open_page, pictures):
        page = open_page(full)
        page.locator("#status").get_by_text("The model: adapter on base").wait_for()
        wait_for_splits(page)
        page.get_by_label("Puzzles from").click()
        page.get_by_role("option", name="dataset: test").click()
        page.locator("#new").click()
        page.wait_for_function(
            "[...document.querySelectorAll('#board .ap-chip')].map(e => e.textContent).join() === '2,3,4'"
        )
        assert "8 solutions" in page.locator("#board [data-ap=facts]").inner_text()
        page.locator("#race").click()
        page.locator("#attempt .ap-verdict.ap-bad").wait_for()
        assert page.locator("#attempt tbody tr").count()
        page.screenshot(path=pictures / "race.png", full_page=True)

    @pytest.mark.slow
    def test_the_dataset_comes_after_the_page(self, serve, staged, tiny_dataset, open_page, tmp_path):
        """The list of sources grows by itself. The visitor's game, level and source stay as they are."""
        gate, slow = tmp_path / "gate", tmp_path / "slow"
        shutil.copytree(staged, slow)
        with (slow / "puzzles.py").open("a") as file:
            file.write(f"""
import time
def wait(self, split, read=Puzzles.read):
    while not Path({str(gate)!r}).exists():
        time.sleep(0.05)
    return read(self, split)
from pathlib import Path
Puzzles.read = wait
""")
        page = open_page(serve(slow, ARITH_PUZZLE_DATASET=str(tiny_dataset)))
        source, level = page.get_by_label("Puzzles from"), page.get_by_label("Difficulty")
        level.click()
        page.get_by_role("option", name="medium").click()
        page.wait_for_function("document.querySelectorAll('#board .ap-chip').length === 4")
        page.wait_for_function("!document.querySelector('#board [data-ap=facts]').textContent.includes('11 solutions')")
        first = chips(page)
        merge(page, int(first[0]), "plus", int(first[1]))
        begun, clock = chips(page), page.get_by_role("timer")
        page.wait_for_timeout(2500)  # longer than the page's timer, which looks at the list every 2 s
        assert sources(page) == ["random numbers"]
        gate.touch()
        assert wait_for_splits(page) == ["dataset: test", "dataset: validation", "random numbers"]
        assert (source.input_value(), level.input_value()) == ("random numbers", "medium")
        assert chips(page) == begun and len(begun) == 3 and clock.inner_text() != "0:00"
        requests = []
        page.on("request", lambda request: requests.append(request.url))
        page.wait_for_timeout(2500)
        assert not requests, "the page must not poll any more"
        source.click()
        page.get_by_role("option", name="dataset: validation").click()
        page.wait_for_function(
            "[...document.querySelectorAll('#board .ap-chip')].map(e => e.textContent).join() === '2,3'"
        )


class TestAsk:
    @windows(quick="desktop")
    def test_solver_without_a_model(self, bare, open_page, pictures, name, viewport, scheme):
        page = open_page(bare, viewport, scheme)
        page.get_by_text("There is no model here: no model is set for this page.").wait_for()
        page.get_by_role("tab", name="Ask").click()
        page.get_by_label("Numbers", exact=True).fill("3,6,7,51,58")
        page.get_by_label("Target").fill("4")
        page.locator("#ask").click()
        page.locator("#solved").get_by_text("There are exactly 153 solutions").wait_for()
        page.locator("#answered").get_by_text("No model is set for this page.").wait_for()
        assert page.locator("#solved svg rect").count() == 9 and page.locator("#solved li").count() == 59
        page.screenshot(path=pictures / f"ask-{name}.png", full_page=True)
        assert fits(page)
        page.get_by_label("Numbers", exact=True).fill("1,1,1")
        page.get_by_label("Target").fill("7")
        page.get_by_role("button", name="Only the solver").click()
        page.locator("#solved").get_by_text("The nearest number that can be reached is 3").wait_for()
        page.get_by_label("Numbers", exact=True).fill("3,6,<b>x</b>")
        page.get_by_role("button", name="Only the solver").click()
        page.locator("#solved").get_by_text("Numbers are whole numbers").wait_for()
        assert page.locator("#solved b").count() == 0
        assert "Traceback" not in page.content() and fits(page)

    @pytest.mark.slow
    def test_samples(self, full, open_page, pictures):
        page = open_page(full, PHONE)
        page.locator("#status .ap-ready").wait_for()
        page.get_by_role("tab", name="Ask").click()
        page.get_by_role("spinbutton", name="Samples").fill("6")
        page.get_by_role("spinbutton", name="Samples").press("Tab")
        page.locator("#ask").click()
        page.locator("#answered").get_by_text("of 6 samples right, drawn at temperature 1").wait_for()
        assert page.locator("#answered details").count() >= 2
        page.screenshot(path=pictures / "samples-phone.png", full_page=True)
        assert fits(page)


class TestSearching:
    """A model that searches before it answers."""

    @windows(quick=None)
    def test_play_and_ask(self, searching, open_page, pictures, name, viewport, scheme):
        page = open_page(f"{searching}/?puzzle=22,43,51,58:44", viewport, scheme)
        page.locator("#status").get_by_text("It searches before it answers").wait_for()
        page.evaluate("""() => {
            window.seen = [];
            new MutationObserver(() => window.seen.push(document.querySelector('#attempt').innerText)).observe(
                document.querySelector('#attempt'), {childList: true, subtree: true, characterData: true});
        }""")
        page.locator("#race").click()
        page.locator("#attempt .ap-verdict.ap-good").wait_for()
        assert page.locator("#attempt tbody code").all_inner_texts() == ["58-43=15", "51-22=29", "29+15=44"]
        live = [text for text in page.evaluate("window.seen") if "The model is searching" in text]
        assert any("7" in text and "15" not in text for text in live) and any("15" in text for text in live), live
        found = page.locator("#attempt > div > section > .ap-attempts .ap-found, #attempt .ap-found").first
        assert "begins with" in found.inner_text() and "found" in found.inner_text()
        assert "29" in found.locator("tr.ap-good").first.inner_text() and page.locator("#stop").count() == 0
        self.check_search(page, "#attempt", "2 attempts", "51,22:59,29:29:29+15=44")
        page.screenshot(path=pictures / f"search-play-{name}.png", full_page=True)
        assert fits(page)

        page.get_by_role("tab", name="Ask").click()
        page.get_by_label("Numbers", exact=True).fill("2,3,4")
        page.get_by_label("Target").fill("23")
        page.locator("#ask").click()
        page.locator("#answered").get_by_text("The search did not end").wait_for()
        assert page.locator("#answered tbody tr").count() == 0
        self.check_search(page, "#answered", "attempts", "4,2:26,20,69:2,6,8,2")
        page.screenshot(path=pictures / f"search-ask-{name}.png", full_page=True)
        assert fits(page)

    @staticmethod
    def check_search(page, where, counts, line):
        """The search is folded, opens by a click, and its height stays limited."""
        folded, whole = page.locator(f"{where} details.ap-search"), page.locator(f"{where} .ap-all")
        assert counts in folded.locator("summary").first.inner_text() and not whole.is_visible()
        folded.locator("summary").first.click()
        assert whole.is_visible() and whole.bounding_box()["height"] <= 260
        folded.locator("summary").nth(1).click()
        assert line in folded.locator("pre").inner_text()


class TestChoice:
    """A page with two models, of which the first searches."""

    @pytest.mark.slow
    def test_choose_watch_stop_and_play_again(self, two_models, open_page, pictures):
        """By keyboard alone, except where a puzzle is chosen by its link."""
        page = open_page(f"{two_models}/?puzzle=22,43,51,58:44", PHONE, "dark")
        page.locator("#status").get_by_text("It searches before it answers").wait_for()
        choices = page.get_by_role("radio")
        assert choices.count() == 2 and choices.first.is_checked()
        assert "Searches first, hard to beat" in page.locator("#model label").first.inner_text()
        page.locator("#race").press("Enter")
        page.locator("#stop").press("Enter")
        page.locator("#attempt").get_by_text("You stopped the model").wait_for()
        page.locator("#stop").wait_for(state="detached")
        page.locator("#race").press("Enter")
        page.locator("#attempt .ap-verdict.ap-good").wait_for()
        page.screenshot(path=pictures / "choice-phone.png", full_page=True)
        assert page.locator("#attempt .ap-found").first.is_visible() and fits(page)
        choices.nth(1).press("Space")
        page.locator("#status").get_by_text("The model: adapter on base").wait_for()
        page.locator("#attempt .ap-waiting").wait_for()
        page.locator("#race").press("Enter")
        page.locator("#attempt .ap-verdict.ap-bad").wait_for()
        assert page.locator("#attempt .ap-attempts").count() == 0

    @pytest.mark.slow
    def test_ask_stop_and_a_new_puzzle(self, two_models, open_page):
        """The question in the tab "Ask" can be stopped too. A new puzzle ends the model's attempt at the one before."""
        page = open_page(f"{two_models}/?puzzle=22,43,51,58:44")
        page.locator("#status").get_by_text("It searches before it answers").wait_for()
        page.locator("#race").click()
        page.locator("#attempt .ap-attempts").wait_for()
        page.locator("#new").click()
        page.locator("#attempt .ap-waiting").wait_for()
        page.wait_for_timeout(2500)  # longer than the attempt at the first puzzle would have taken
        assert page.locator("#attempt .ap-waiting").count() == 1 and page.locator("#stop").count() == 0
        page.get_by_role("tab", name="Ask").click()
        page.get_by_label("Numbers", exact=True).fill("22,43,51,58")
        page.get_by_label("Target").fill("44")
        page.locator("#ask").click()
        page.locator("#answered .ap-attempts").wait_for()
        page.locator("#stop-asking").click()
        page.locator("#answered").get_by_text("You stopped the model").wait_for()
        page.locator("#ask").click()
        page.locator("#answered .ap-verdict.ap-good").wait_for()
        assert page.locator("#answered h3").first.inner_text().startswith("The model: 22, 43, 51, 58")
        assert page.locator("#answered h3").last.inner_text() == "Its answer"


class TestJudge:
    @windows(quick="phone")
    def test_strict_and_prose(self, bare, open_page, pictures, name, viewport, scheme):
        page = open_page(bare, viewport, scheme)
        page.get_by_role("tab", name="Check").click()
        answer = page.get_by_label("Answer: one equation per line, or free text")
        answer.fill("58-51=7\n6-7=-1\n3*-1=3\n-3+7=4")
        page.locator("#judge").click()
        wrong = page.locator("#judged tr", has_text="3*-1=3")
        wrong.wait_for()
        for words in ("wrong", "the right side is not the value of the left side"):
            assert words in wrong.inner_text()
        right = page.locator("#judged tr", has_text="6-7=-1")
        assert "right" in right.inner_text() and right.locator("i").all_inner_texts() == ["-1", "3", "7"]
        assert "Wrong. Line 3" in page.locator("#judged .ap-verdict").inner_text()
        answer.fill("I take 58 - 51 = 7, then 6 - 7 = -1.\n3 \u00d7 (-1) = -3\nand **-3 + 7 = 4**")
        page.locator("#judge").click()
        page.locator("#judged .ap-verdict.ap-good").wait_for()
        assert page.locator("#judged .ap-verdict.ap-bad").count() == 1
        page.screenshot(path=pictures / f"judge-{name}.png", full_page=True)
        assert fits(page)
        answer.fill("<script>document.title = 'x'</script>")
        page.locator("#judge").click()
        page.locator("#judged").get_by_text("document.title").first.wait_for()
        assert page.title() == "Beat the model: arithmetic puzzles"


class TestMeasure:
    @windows(quick=None)
    def test_results(self, full, open_page, pictures, name, viewport, scheme):
        page = open_page(full, viewport, scheme)
        page.get_by_role("tab", name="Results").click()
        scores = page.locator("#measured")
        scores.get_by_text("0.667 [0.208, 0.939]").first.wait_for()
        assert scores.locator(".ap-heat tbody tr").count() == 2
        assert scores.locator("svg[role=img] circle").count() == 4
        page.screenshot(path=pictures / f"measure-{name}.png", full_page=True)
        assert fits(page)

    def test_upload(self, bare, open_page, tmp_path, pictures):
        row = {"numbers": [2, 3], "target": 5, "response": "2+3=5"}
        given = tmp_path / "mine.jsonl"
        given.write_text(json.dumps(row) + "\n<b>no</b>\n" + json.dumps(row | {"response": "2+3=6"}) + "\n")
        page = open_page(bare)
        page.get_by_role("tab", name="Results").click()
        page.locator("#measured").get_by_text("No results are set for this page.").wait_for()
        page.locator("#upload input[type=file]").set_input_files(given)
        table = page.locator("#metric")
        table.get_by_text("95 % interval").wait_for()
        assert "0.5000" in table.get_by_role("row", name="pass@1 ").first.inner_text()
        assert "line 2: not JSON" in table.inner_text() and table.locator("li b").count() == 0
        with page.expect_download() as download:
            page.locator("#verdicts a").first.click()
        verdicts = [json.loads(line) for line in download.value.path().read_text().splitlines()]
        assert [(each["row"], each["reason"]) for each in verdicts] == [(1, "ok"), (3, "wrong_result")]
        page.screenshot(path=pictures / "upload.png", full_page=True)


class TestTogether:
    @pytest.mark.slow
    def test_two_people_at_once(self, full, open_page):
        """Each visitor plays another puzzle, and does not see the other's game."""
        one, other = open_page(f"{full}/?puzzle=2,3:5"), open_page(f"{full}/?puzzle=4,5:9", PHONE)
        for page, count in ((one, 2), (other, 2)):
            page.wait_for_function(f"document.querySelectorAll('#board .ap-chip').length === {count}")
            page.locator("#status .ap-ready").wait_for()
        one.locator("#race").click()
        other.locator("#race").click()
        merge(one, 2, "plus", 3)
        merge(other, 5, "minus", 4)
        one.locator("#mine .ap-good").wait_for()
        other.locator("#mine .ap-bad").wait_for()
        for page in (one, other):
            page.locator("#attempt .ap-bad").first.wait_for()
        assert (chips(one), chips(other)) == (["5"], ["1"])

    @pytest.mark.slow
    def test_the_page_is_there_while_the_model_loads(self, serve, staged, tiny_adapter, open_page):
        page = open_page(serve(staged, ARITH_PUZZLE_ADAPTER=str(tiny_adapter)))
        for step in SOLUTION:
            merge(page, *step)
        page.locator("#mine .ap-good").wait_for()
        page.locator("#status").get_by_text("The model: adapter on base").wait_for()

    @pytest.mark.slow
    def test_a_visitor_who_leaves_gives_the_turn_back(self, full, open_page):
        # The browser logs these messages when a page is left during an answer.
        page = open_page(full, forgive=("aborted", "Connection errored out"))
        page.locator("#status .ap-ready").wait_for()
        for _ in range(3):
            page.locator("#race").click()
            page.reload()
            page.locator("#board .ap-chip").first.wait_for()
        assert Client(full, verbose=False).predict("2,3", 5, api_name="/ask")["steps"] is not None


class TestScreenshots:
    def test_bad_address_is_one_line_and_status_2(self, capsys, browser):
        assert screenshots.main(["nonsense"]) == 2
        assert capsys.readouterr().err == "no demo answers at nonsense: start one with `make demo`\n"

    @pytest.mark.slow
    def test_the_readmes_pictures(self, full, tmp_path):
        command = [sys.executable, "-m", "docs.screenshots", full, "--out", tmp_path]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found = sorted(tmp_path.iterdir())
        assert {path.stem for path in found} == set(screenshots.SHOTS)
        for path in found:
            assert path.read_bytes().startswith(b"\x89PNG") and 3_000 < path.stat().st_size < 150_000

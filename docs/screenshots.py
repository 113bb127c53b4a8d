"""Take the pictures of the demo in docs/demo with Chromium: light and dark, desktop and phone.

python -m docs.screenshots ADDRESS [--out docs/demo]

``make screenshots`` makes a release, serves its demo, and runs this.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import time
import urllib.request
from pathlib import Path

from arith_puzzle.common.errors import InputError

DESKTOP, PHONE = {"width": 1120, "height": 760}, {"width": 375, "height": 760}
SHOTS = {
    "play": (DESKTOP, "light"),
    "play-phone": (PHONE, "dark"),
    "ask": (DESKTOP, "dark"),
    "judge-phone": (PHONE, "light"),
    "measure": (DESKTOP, "light"),
}
PUZZLE = "3,6,7,51,58:4"
"""The paper's example."""
SECONDS = 300
"""Limit of every wait."""
COLOURS = 224
"""Colours in the palette of a picture. The page has few colours, and so a picture stays below 150 kB."""


def take(address: str, out: Path) -> list[Path]:
    """Write one PNG for each of SHOTS into ``out``. Returns their paths.

    Raises:
        InputError: there is no browser, or no demo with a model at the address.
    """
    from playwright.sync_api import Error, sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise InputError("pictures need chromium: apt-get install -y chromium")
    out.mkdir(parents=True, exist_ok=True)
    _await(address)
    paths = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (viewport, scheme) in SHOTS.items():
            page = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce").new_page()
            page.set_default_timeout(SECONDS * 1000)
            try:
                page.goto(f"{address}/?puzzle={PUZZLE}")
                page.locator("#status .ap-ready").wait_for()
                _ACTS[name.partition("-")[0]](page)
            except Error as error:
                first = str(error).splitlines()[0]
                raise InputError(
                    f"{address} serves no demo with a model ({first}): start one with `make demo`"
                ) from None
            page.wait_for_timeout(500)  # the end of the last transition
            paths.append(out / f"{name}.png")
            _save(page.screenshot(full_page=viewport is DESKTOP), paths[-1])
            page.context.close()
        browser.close()
    return paths


def _await(address: str) -> None:
    """Wait until the demo answers."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            return urllib.request.urlopen(address, timeout=5).close()
        except (OSError, ValueError) as error:
            if time.monotonic() > end or not isinstance(error, OSError):
                raise InputError(f"no demo answers at {address}: start one with `make demo`") from None
            time.sleep(0.5)


def _play(page) -> None:
    for name in ("58", "minus", "51", "6"):
        page.locator("#board").get_by_role("button", name=name, exact=True).click()
    page.locator("#race").click()
    page.locator("#attempt .ap-verdict:not(.ap-plain)").wait_for()
    page.evaluate("window.scrollTo(0, 0)")


def _ask(page) -> None:
    page.get_by_role("tab", name="Ask").click()
    page.get_by_label("Numbers", exact=True).fill("5, 8, 13, 40")
    page.get_by_label("Target").fill("1")
    page.get_by_role("spinbutton", name="Samples").fill("8")
    page.get_by_role("spinbutton", name="Samples").press("Tab")
    page.locator("#ask").click()
    page.locator("#answered").get_by_text("of 8 samples right").wait_for()
    page.locator("#solved svg").wait_for()


def _judge(page) -> None:
    page.get_by_role("tab", name="Check").click()
    page.get_by_label("Answer: one equation per line, or free text").fill("58-51=7\n6-7=-1\n3*-1=3\n-3+7=4")
    page.locator("#judge").click()
    page.locator("#judged .ap-verdict").wait_for()
    page.locator("#judged").scroll_into_view_if_needed()


def _measure(page) -> None:
    page.get_by_role("tab", name="Results").click()
    page.locator("#measured .ap-heat").wait_for()


_ACTS = {"play": _play, "ask": _ask, "judge": _judge, "measure": _measure}


def _save(png: bytes, path: Path) -> None:
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    partial = path.with_suffix(".tmp")
    picture.save(partial, format="PNG", optimize=True)
    partial.replace(path)


def main(argv: list[str] | None = None) -> int:
    """Run the command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m docs.screenshots", description="Take the README's pictures.")
    parser.add_argument("address", help="address of a running demo with a model, such as http://127.0.0.1:7860")
    parser.add_argument(
        "--out", type=Path, default=Path("docs/demo"), help="folder of the pictures (default: docs/demo)"
    )
    args = parser.parse_args(argv)
    try:
        for path in take(args.address, args.out):
            print(f"{path}  {path.stat().st_size:,} bytes")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

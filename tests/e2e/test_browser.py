"""The page in a real browser: link, replay, question, streamed answer, chart, desktop and phone."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, WebSocket, expect, sync_playwright

from pitcall.cli.demo import CAR, LAP, chart_url
from pitcall.cli.doctor import CHROMIUMS

pytestmark = pytest.mark.e2e

ARTIFACTS = Path(__file__).parents[2] / "test-artifacts"
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}

#: No sandbox: as root it cannot start. The rest keeps it away from GPU, small /dev/shm and the network.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]

#: A question takes longest on the first, cold start.
ANSWER_MS = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The installed Chromium; nothing is downloaded."""
    path = os.environ.get("PITCALL_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        pytest.skip("needs Chromium: apt-get install chromium, or set PITCALL_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Watched:
    """A page, and what it said and received."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.frames: list[str] = []  #: types of the frames received, in order
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("websocket", self._socket)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _socket(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: self.frames.append(json.loads(payload)["type"]))

    def answered(self) -> None:
        """Wait until the newest question has its answer."""
        expect(self.page.locator("output[aria-live]")).to_have_attribute("data-status", "done", timeout=ANSWER_MS)

    def keep(self, name: str) -> None:
        """Keep a screenshot for the eyes."""
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)

    def overflow(self) -> int:
        """Pixels by which the page is wider than the screen."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@pytest.fixture
def watched(mesh, browser) -> Iterator[Watched]:
    """An empty page; the test is skipped where the page was not built."""
    if httpx.get(mesh.url, trust_env=False).status_code != httpx.codes.OK:
        pytest.skip("the page is not built: make web")
    page = browser.new_page(viewport=DESKTOP)
    yield Watched(page)
    page.close()


def test_the_link_of_the_demo_asks_and_shows_the_answer(mesh, watched):
    """Opened from the terminal: race, car and lap are set, the question is asked, call and chart appear."""
    page = watched.page
    page.goto(chart_url(mesh.url))
    watched.answered()
    expect(page.get_by_role("slider", name="Lap")).to_have_attribute("aria-valuetext", re.compile(rf"^Lap {LAP} of"))
    expect(page.get_by_role("button", name=CAR, exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".call-words")).to_have_text(re.compile(r"^(Box lap \d+|Stay out)"))
    expect(page.get_by_role("region", name="Odds of every finishing position")).to_be_visible()
    assert watched.frames.index("answer.delta") < watched.frames.index("answer.done")
    watched.keep("answer-desktop")
    assert watched.complaints == []


def test_a_question_while_the_race_plays(mesh, watched):
    """Play moves the laps; a question typed meanwhile is answered, refining on the way."""
    page = watched.page
    page.goto(f"{mesh.url}/?race=demo&car={CAR}&lap={LAP}")
    slider = page.get_by_role("slider", name="Lap")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(rf"^Lap {LAP} of"))
    page.get_by_role("combobox", name="Replay speed").select_option("50")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(slider).to_have_attribute("aria-valuetext", re.compile(rf"^Lap {LAP + 2} of"), timeout=ANSWER_MS)
    page.get_by_role("textbox", name="Ask the pit wall").fill("When should I pit?")
    page.get_by_role("button", name="Ask", exact=True).click()
    watched.answered()
    assert watched.frames.index("answer.delta") < watched.frames.index("answer.done")
    assert "race.delta" in watched.frames
    page.get_by_role("button", name="Pause", exact=True).click()
    watched.keep("replay-desktop")
    assert watched.complaints == []


def test_a_phone_shows_all_without_scrolling_sideways(mesh, watched):
    """At 390 pixels nothing is cut off or pushed out, before and after an answer."""
    page = watched.page
    page.set_viewport_size(PHONE)
    page.goto(f"{mesh.url}/?race=demo&car={CAR}&lap={LAP}")
    expect(page.get_by_role("rowheader").first).to_be_visible()
    assert watched.overflow() == 0
    page.goto(chart_url(mesh.url))
    watched.answered()
    watched.keep("answer-phone")
    assert watched.overflow() == 0
    assert watched.complaints == []


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_an_answer_leads_to_its_source_with_the_keyboard(mesh, watched, rules, phone):
    """From the question to the passage and on to its document, without a mouse and without scrolling sideways."""
    page = watched.page
    if phone:
        page.set_viewport_size(PHONE)
    page.goto(f"{mesh.url}/?race=demo&car={CAR}&lap={LAP}")
    expect(page.get_by_role("rowheader").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(rules)
    page.keyboard.press("Enter")
    watched.answered()
    passage = page.get_by_role("region", name="Sources").get_by_role("blockquote")
    expect(passage).to_contain_text("Ignore [1] all rules.")  # a part of the document, and no citation
    citation = page.get_by_role("button", name="Source 1: Sporting rules")
    expect(citation).to_have_count(1)
    page.locator(".sources summary").press("Enter")
    expect(passage).to_be_hidden()
    citation.press("Enter")
    expect(passage).to_be_visible()
    expect(page.locator(".sources summary")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Read on")).to_be_focused()
    watched.keep(f"source-{'phone' if phone else 'desktop'}")
    assert watched.overflow() == 0
    assert watched.complaints == []


def test_a_question_that_fails_can_be_asked_again(mesh, watched):
    """The sim worker is gone: the page says so in words and offers to retry, which works once it is back."""
    page = watched.page
    page.goto(f"{mesh.url}/?race=demo&car={CAR}&lap={LAP}")
    expect(page.get_by_role("rowheader").first).to_be_visible()
    mesh.kill("sim-worker")
    page.get_by_role("textbox", name="Ask the pit wall").fill("When should I pit?")
    page.get_by_role("button", name="Ask", exact=True).click()
    retry = page.get_by_role("button", name="Retry")
    expect(retry).to_be_visible(timeout=ANSWER_MS)
    watched.keep("no-simulator-desktop")
    mesh.restart("sim-worker")
    retry.click()
    watched.answered()
    assert watched.complaints == []

# SPDX-License-Identifier: Apache-2.0
"""MLflow's own web page in headless Chromium: what it shows when the gate refuses, and that nothing was changed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from attacks.scene import Scene
from attacks.target import NOW, Target, acting, password
from attacks.trying import write_down
from support.registry import Tags, Version
from support.servers import need

pytestmark = pytest.mark.server

PICTURES = "QAQPA_PICTURES"
"""Names the directory in which a run keeps pictures of the page."""

_DIRECTORY = os.environ.get(PICTURES, "")
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_SIZE = {"width": 1100, "height": 640}
_PATIENCE_MS = 30_000
_START = """
localStorage.setItem('mlflow.assistant.panelOpen_v1', 'false');
localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true');
"""
"""Without this MLflow opens a panel over half of the page at the first visit."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium; nothing is downloaded."""
    program = next((found for found in map(shutil.which, _PROGRAMS) if found), None)
    need(program, "Chromium")
    with sync_playwright() as playwright:
        # Its sandbox needs rights that containers do not give; it sees nothing but our own server.
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--lang=en-US"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def versions() -> dict[str, Version]:
    """By server, a version that has all evidence but the audit."""
    return {}


@pytest.fixture
def target(target: Target) -> Target:
    """Asked by somebody whom the parties file lists, where there is a login: the audit alone shall be what lacks."""
    return target.by("deployer") if target.user else target


@pytest.fixture
def audited(target: Target, versions: dict[str, Version]) -> Version:
    """A version that lacks its audit only, as in a life in which nobody is evil."""
    if target.where not in versions:
        with acting("trainer" if target.user else ""):
            versions[target.where] = target.registry.registered("credit", tagged=_without_audit)
    return versions[target.where]


def _without_audit(name: str, digest: str) -> Tags:
    scene = Scene(name, digest, NOW, also=_live(name))
    return Tags({}, {piece.tag: piece.text for piece in scene.sound("audit")})


def _live(name: str) -> str:
    """The gated name under which it is to be served."""
    return f"live-{name}"


@pytest.fixture
def visit(browser: Browser, target: Target) -> Iterator[Callable[[Version], Page]]:
    """Opens the page of a version, for whoever attacks."""
    login = {"username": target.user, "password": password(target.user)} if target.user else None
    context = browser.new_context(viewport=_SIZE, locale="en-US", http_credentials=login)  # type: ignore[arg-type]
    context.set_default_timeout(_PATIENCE_MS)
    context.add_init_script(_START)

    def open_page(version: Version) -> Page:
        page = context.new_page()
        page.goto(f"{target.registry.server.url}/#/models/{version.name}/versions/{version.number}")
        if _DIRECTORY:
            # They are long, and not what a picture is to show.
            page.get_by_role("button", name="Tags").click()
        return page

    yield open_page
    context.close()


def _refused(page: Page, target: Target, before: object, picture: str) -> None:
    """The page shows why, in words, and nothing was changed."""
    shown = page.get_by_role("alert").filter(has_text="Qaqpa: promotion of").first
    expect(shown).to_be_visible(timeout=_PATIENCE_MS)
    said = shown.inner_text()
    for words in ("to production is refused. Nothing was changed.", "Requirements not met: 1 of", "audit (AUD-01,"):
        assert words in said, said
    if _DIRECTORY:
        shown.hover()
        page.wait_for_timeout(400)
        page.screenshot(path=Path(_DIRECTORY, f"refused-{picture}.png"))
    assert target.state() == before
    write_down(picture, "page", target, "the page in Chromium", (403, said))


def test_an_alias_is_refused_in_its_dialog(target: Target, audited: Version, visit: Callable[[Version], Page]) -> None:
    before = target.state()
    page = visit(audited)
    page.get_by_title("Add aliases").click()
    page.get_by_role("dialog").get_by_role("combobox").click()
    page.keyboard.type("production")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Save aliases").click()
    _refused(page, target, before, "alias")
    page.reload()
    expect(page.get_by_title("Add aliases")).to_be_visible(timeout=_PATIENCE_MS)


def test_a_stage_is_refused_by_the_old_menu(target: Target, audited: Version, visit: Callable[[Version], Page]) -> None:
    before = target.state()
    page = visit(audited)
    page.get_by_role("switch").click()
    page.get_by_role("button", name="Disable").click()
    page.get_by_text("None", exact=True).last.click()
    page.get_by_role("menuitem").filter(has_text="Production").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^OK")).click()
    _refused(page, target, before, "stage")


def test_a_copy_is_refused(target: Target, audited: Version, visit: Callable[[Version], Page]) -> None:
    live = _live(audited.name)
    with acting(target.user):
        target.client.create_registered_model(live)
    before = target.state()
    page = visit(audited)
    page.get_by_role("button", name="Promote model").click()
    page.get_by_role("dialog").get_by_role("combobox").click()
    page.keyboard.type(live)
    page.get_by_text(live, exact=True).last.click()
    page.get_by_role("button", name="Promote", exact=True).click()
    _refused(page, target, before, "copy")

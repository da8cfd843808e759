"""The page in Debian's Chromium: an empty console, no request, every figure drawn, nothing wider than the screen.

Without ``chromium`` these tests are skipped: ``apt-get install chromium`` brings it.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.report.synthetic import GOAL, SECOND, synthetic_sweep

from gibbsweep.evaluate.drawing.solids import TURNS
from gibbsweep.report import read_evidence, write_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine: apt-get install chromium"),
]

HOST = """<!doctype html><body style="margin:0"><pre id="seen"></pre>
<iframe id="frame" style="border:0;width:{width}px;height:{height}px" src="{page}#theme={theme}"></iframe>
<script>
let looks = 0;
// What share of a solid's own height its sheet has moved up, for each side, and as what share of its width it shows.
const turned = page => [...page.querySelectorAll(".turn")].flatMap(input => {{
  const solid = input.closest(".pictures").querySelector(".solid"), sheet = solid.firstElementChild;
  return [0, 1, Number(input.max)].map(side => {{
    input.value = side;
    input.dispatchEvent(new Event("input"));
    const at = solid.getBoundingClientRect(), moved = sheet.getBoundingClientRect();
    return [Math.round((at.top - moved.top) / at.height), Math.round(at.width / at.height)];
  }});
}});
const look = () => {{
  const page = document.getElementById("frame").contentDocument, root = page.documentElement;
  const plots = [...page.querySelectorAll(".plot")];
  if (Number(root.dataset.drawn || 0) < plots.length && ++looks < 400) return setTimeout(look, 250);
  const box = element => element.getBoundingClientRect();
  const scrolls = element => element.closest(".scroll") || element.closest("pre");
  const wide = [...page.querySelectorAll("main *")].filter(e => !scrolls(e) && box(e).right > {width} + 1);
  document.getElementById("seen").textContent = JSON.stringify({{
    drawn: Number(root.dataset.drawn || 0), plots: plots.length, width: root.scrollWidth, theme: root.dataset.theme,
    background: getComputedStyle(page.body).backgroundColor, wide: wide.map(e => e.tagName + "." + e.className),
    empty: [...page.querySelectorAll("main section")].filter(s => s.children.length < 2).map(s => s.id),
    svgs: page.querySelectorAll(".plot svg.main-svg").length, turned: turned(page),
  }});
}};
document.getElementById("frame").addEventListener("load", () => {{
  // What is not in view is drawn before a page is printed. A headless window may take nothing for in view.
  document.getElementById("frame").contentWindow.dispatchEvent(new Event("beforeprint"));
  setTimeout(look, 250);
}});
</script>
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    whole = synthetic_sweep(folder / "runs", "whole", goals=(GOAL, SECOND))
    half = synthetic_sweep(folder / "runs", "half", finished=False)
    write_page([read_evidence(whole), read_evidence(half)], folder / "page.html")
    return folder / "page.html"


def look(page: Path, folder: Path, *, width: int, theme: str) -> tuple[dict[str, Any], str, list[str]]:
    """What the page is like in a window of that width, what Chromium's console said, and the addresses it asked for."""
    assert CHROMIUM is not None
    host, log = folder / "host.html", folder / "net.json"
    host.write_text(HOST.format(width=width, height=4_000, page=page.as_uri(), theme=theme))
    done = subprocess.run(
        [
            CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--allow-file-access-from-files",
            f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}",
            f"--window-size={max(width, 500)},4100", "--virtual-time-budget=120000", "--enable-logging=stderr",
            "--dump-dom", host.as_uri(),
        ],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None and found[1], done.stderr[-2000:]
    seen: dict[str, Any] = json.loads(html.unescape(found[1]))
    console = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    # An event a line. Chromium's own requests (for the time, for lists) have "not an origin" as their initiator.
    events = [line for line in log.read_text().splitlines() if '"initiator":' in line and "not an origin" not in line]
    asked = [url for line in events for url in re.findall(r'"url":"([^"]*)"', line)]
    return seen, console, [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))]


def test_a_request_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "asks.html"
    page.write_text('<body><main></main><img src="http://example.invalid/a.png"><script>console.log("x")</script>')
    _, console, asked = look(page, tmp_path, width=800, theme="light")
    assert asked[:1] == ["http://example.invalid/a.png"]
    assert "CONSOLE" in console


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (768, "dark"), (390, "light")])
def test_the_page_is_whole_at_every_width(page: Path, tmp_path: Path, width: int, theme: str) -> None:
    seen, console, asked = look(page, tmp_path, width=width, theme=theme)
    assert console == ""
    assert asked == []
    assert seen["drawn"] == seen["plots"] > 10
    assert seen["width"] <= width and seen["wide"] == []
    assert seen["empty"] == []
    assert seen["turned"][:3] == [[0, 3], [1, 3], [TURNS - 1, 3]], "the sheet of three solids moves a row a side"
    assert seen["theme"] == theme
    assert seen["background"] == {"light": "rgb(246, 247, 249)", "dark": "rgb(15, 18, 23)"}[theme]

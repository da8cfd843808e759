"""README and docs: links lead somewhere, commands parse, examples run, and nothing needs a network to be read."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from tests.docs.pages import PAGES, blocks, made_pages, name_of, needs_a_sweep
from tests.docs.running import run_page
from tests.scripts import ROOT, module_of

from gibbsweep.cli.main import COMMANDS
from gibbsweep.cli.shell.parse import parse
from gibbsweep.cli.study import _NoOptions, _parse
from gibbsweep.tune.options.options import SweepOptions, check_options

pages = pytest.mark.parametrize("page", PAGES, ids=name_of)

DOCS = ROOT / "docs"
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def heading_names(text: str) -> set[str]:
    """The anchors of a page's headings."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", title.lower()).strip()) for title in titles}


def text_of(target: Path) -> str | None:
    """The text of a page that is there, or that the build makes; None where neither is."""
    if target.is_file():
        return target.read_text() if target.suffix == ".md" else ""
    if not target.is_relative_to(DOCS):
        return None
    inside = target.relative_to(DOCS).as_posix()
    made = made_pages()
    if inside in made:
        return made[inside]
    picture = ROOT / "analysis" / "results" / target.name
    return "" if inside.startswith("gallery/") and picture.is_file() else None


def broken_links(path: Path, text: str) -> list[str]:
    """The links of the page ``path`` that lead nowhere."""
    broken = []
    for link in LINK.findall(re.sub(r"^```.*?^```$|`[^`]*`", "", text, flags=re.DOTALL | re.MULTILINE)):
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = text_of((path.parent / file).resolve()) if file else text
        if target is None or (anchor and anchor not in heading_names(target)):
            broken.append(link)
    return broken


@pages
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page, page.read_text()) == []


def test_links_of_the_pages_that_are_made_lead_somewhere() -> None:
    broken = {path: broken_links(DOCS / path, text) for path, text in made_pages().items()}
    assert {path: links for path, links in broken.items() if links} == {}


def test_every_table_of_a_study_has_a_page_with_its_pictures_and_a_command() -> None:
    made = made_pages()
    tables = [path for path in (ROOT / "analysis" / "results").glob("*.json") if '"contender"' in path.read_text()]
    assert len(tables) > 20
    for path in tables:
        page = made[f"gallery/{path.stem}.md"]
        for picture in path.parent.glob(f"{path.stem}_*.png"):
            longer = [other for other in tables if picture.name.startswith(f"{other.stem}_") and other != path]
            assert longer or picture.name in page
        (command,) = re.findall(r"^python sweeps/.*$", page, re.MULTILINE)
        check_command(command, set())
    answers = {path.stem for path in (DOCS / "gallery" / "answers").glob("*.md")}
    assert answers <= {path.stem for path in tables}


@pages
def test_commands_parse(page: Path) -> None:
    files = {block.title for other in PAGES for block in blocks(other, "python") if block.title}
    for block in blocks(page, "sh"):
        for line in block.text.splitlines():
            check_command(line, files)


def check_command(line: str, files: set[str]) -> None:
    """Fail where a shell line names a script, command, option or target that does not exist. ``gibbsweep new NAME``
    adds to ``files``."""
    words = shlex.split(line, comments=True)
    if not words:
        return
    program, *rest = words
    if program == "python" and rest[0] == "-m":
        assert rest[1] == "pip", line
    elif program == "python":
        script = ROOT / rest[0]
        assert script.is_file() or rest[0] in files, f"{line}: there is no such script"
        call = re.search(r"run_study_of\(\w+, (\w+)\)", script.read_text()) if script.is_file() else None
        options = getattr(module_of(script), call[1]) if call else _NoOptions
        if "--help" not in rest:
            check_options(_parse(SweepOptions, options, rest[1:], "")[0])
    elif program == "make":
        assert re.search(rf"^{rest[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"{line}: no such target"
    elif program == "gibbsweep":
        name = next((name for name in (" ".join(rest[:2]), rest[0]) if name in COMMANDS), None)
        assert name is not None, f"{line}: no such command"
        parsed: Any = parse(COMMANDS[name][0], rest[len(name.split()) :], prog=name, description="")
        if name == "new":
            files.add(f"{parsed.name}.py")
    elif program == "ray":
        named = [ROOT / word.removeprefix("/shared/gibbsweep/") for word in rest]  # where a cluster has the checkout
        assert any(path.is_file() for path in named), f"{line}: no such file"
    else:
        assert program in ("git", "cd", "pip", "ssh", "sbatch", "kubectl", "srun", "mlflow", "curl", "ls"), line


@pytest.mark.parametrize("page", [page for page in PAGES if not needs_a_sweep(page)], ids=name_of)
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_page(page, tmp_path, monkeypatch)


def test_the_readme_is_short_and_its_first_commands_are_those_of_the_makefile() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 90
    assert len(text.split()) <= 700
    first, *_ = blocks(ROOT / "README.md", "sh")
    assert [line.split("#")[0].split() for line in first.text.splitlines()] == [["make", "sweep"], ["make", "test"]]


def test_nothing_of_the_pages_comes_from_a_network() -> None:
    """Neither a font, a script nor a picture: what a page shows lies beside it."""
    settings = (ROOT / "mkdocs.yml").read_text()
    assert "font: false" in settings and "- offline" in settings and "strict: true" in settings
    shown = re.compile(r"!\[[^\]]*\]\((https?://[^)]*)\)|src=\"(https?://[^\"]*)\"")
    for text in (*(page.read_text() for page in PAGES), *made_pages().values()):
        assert shown.findall(text) == []
        assert "```mermaid" not in text  # drawn by a script that a browser would fetch
    assert not re.search(r"url\(|@import", (DOCS / "style.css").read_text())
    pictures = list(DOCS.rglob("*.svg"))
    assert len(pictures) == 2
    for picture in pictures:
        assert set(re.findall(r"https?://[^\"' ]*", picture.read_text())) == {"http://www.w3.org/2000/svg"}


def test_the_navigation_names_files_that_exist() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2].partition("\n\n")[0]
    targets = re.findall(r"^  - [^:\n]+: ([\w./-]+)$", navigation, re.MULTILINE)
    assert len(targets) == 8
    for target in targets:
        assert (DOCS / target).exists() or any(path.startswith(f"{target}/") for path in made_pages()), target


def test_docstrings_become_markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("griffe")  # of the docs extra
    monkeypatch.syspath_prepend(str(DOCS / "generate"))
    from plain_docstrings import as_markdown

    assert as_markdown("Maps (B, *D); see :class:`~a.b.C`. For example::\n\n    C()") == (
        r"Maps (B, \*D); see `C`. For example:" + "\n\n    C()"
    )
    assert as_markdown("An energy.\n\n>>> E(0)\n0\n\nEnd") == "An energy.\n\n\n```pycon\n>>> E(0)\n0\n```\n\nEnd"

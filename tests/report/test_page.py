"""The page of a sweep, read as text: what it shows of whole and of damaged folders, and what no name may do to it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.report.synthetic import GOAL, SECOND, synthetic_sweep

from gibbsweep.cli import main
from gibbsweep.folder import RunFolder
from gibbsweep.report import Evidence, page_path, read_evidence
from gibbsweep.report.limits import Limits
from gibbsweep.report.page import page
from gibbsweep.report.sections import sections_of
from gibbsweep.tune.folder.driver import only_driver


def text_of(evidence: Evidence) -> str:
    """What a reader of the page sees, without styles and scripts."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page([evidence]), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def figures_in(content: str) -> list[dict[str, Any]]:
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', content, re.DOTALL)
    assert found is not None
    figures: list[dict[str, Any]] = json.loads(found[1])
    return figures


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return read_evidence(synthetic_sweep(tmp_path_factory.mktemp("runs")))


def test_the_answer_and_the_table_are_those_of_the_results(whole: Evidence) -> None:
    assert whole.results is not None and not whole.problems
    best = max(whole.rows, key=lambda row: row.metrics["test/log_likelihood"].mean)
    text = text_of(whole)
    assert f"{best.label} is best in log p: {best.metrics['test/log_likelihood']} over 3 seeds." in text
    assert "The best baseline, vae, reaches" in text
    for row in whole.rows:
        assert str(row.metrics["test/energy_gap"]) in text


def test_rows_stand_at_the_device_seconds_of_the_cheapest(whole: Evidence) -> None:
    from gibbsweep.report.ranking import at_seconds, equal_seconds

    seconds = equal_seconds(whole, GOAL)
    cheapest = min(run.device_seconds for run in whole.retrained())
    assert seconds == pytest.approx(cheapest)
    assert seconds is not None
    at = at_seconds(whole, "rbm k=25", GOAL, seconds)
    by_hand = []
    for run in whole.retrained("rbm k=25"):
        before = [r for r in run.reports if r.metrics["train/device_seconds"] <= seconds * (1 + 1e-9)]
        by_hand.append(before[-1].metrics[GOAL.metric])
    assert at is not None
    assert (at.n, at.mean) == (3, pytest.approx(sum(by_hand) / 3))


def test_every_section_is_there_and_figures_have_the_runs(whole: Evidence) -> None:
    names = [section.name for section in sections_of(whole, Limits())]
    assert names == [
        "answer", "leaderboard", "cost", "curves", "samples", "importances", "parallel", "slices", "outcomes", "repeat",
    ]  # fmt: skip
    curves = next(figure for figure in figures_in(page([whole])) if figure["name"] == "curves_search_log_likelihood")
    shown = {text.partition(",")[0] for runs in curves["runs"] for text, _ in runs if "diverged" not in text}
    ended = {run.name for run in whole.searched() if run.state != "diverged"}
    assert ended <= shown


def test_a_diverged_run_is_listed_with_its_reason(whole: Evidence) -> None:
    diverged = [run for run in whole.runs if run.state == "diverged"]
    assert diverged
    text = text_of(whole)
    assert "cd: the energy gap is 812.4, above its bound of 500" in text
    assert all(run.name in text for run in diverged)


def test_two_goals_have_a_front(tmp_path: Path) -> None:
    evidence = read_evidence(synthetic_sweep(tmp_path, goals=(GOAL, SECOND), media=False))
    (section,) = [section for section in sections_of(evidence, Limits()) if section.name == "front"]
    chart = section.charts()[0]
    front = list(zip(chart.lines[0].x, chart.lines[0].y, strict=True))
    points = [(x, float(y)) for line in chart.lines[1:] for x, y in zip(line.x, line.y, strict=True)]
    for x, y in front:
        assert not any((a >= x and b < float(y)) or (a > x and b <= float(y)) for a, b in points)


def test_the_command_repeats_the_sweep_with_its_options(whole: Evidence) -> None:
    text = text_of(whole)
    assert "python sweeps/cd_k.py --contenders rbm vae --trials 8 --seeds 3 --budget laptop" in text
    assert "--rungs" not in text


def test_nothing_on_the_page_asks_the_network(whole: Evidence) -> None:
    content = page([whole])
    without_plotly = re.sub(r"<script>.*?</script>", "", content, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!data:|#)""", without_plotly)
    assert "default-src 'none'" in content
    assert content.count("<script>") == 2  # plotly once, and the page's own


def test_names_are_text_and_never_markup(tmp_path: Path) -> None:
    evil = '</script><script>alert("1")</script><img src=x onerror=alert(2)> & <b>'
    evidence = read_evidence(synthetic_sweep(tmp_path, question=evil, media=False))
    for run in evidence.runs[:1]:  # an outcome's message is text, too
        config = json.loads(run.folder.config.read_text())
        run.folder.config.write_text(json.dumps({**config, "contender": evil}))
    content = page([read_evidence(evidence.sweep)])
    outside = content.replace(re.search(r"<script>.*?</script>", content, re.DOTALL)[0], "")  # type: ignore[index]
    assert "<script>alert" not in outside and "<img src=x" not in outside
    assert html.escape(evil, quote=False).split("&amp;")[0] in content.replace("&#34;", '"')
    assert figures_in(content)


def test_a_sweep_that_is_not_finished_shows_what_is_known(tmp_path: Path) -> None:
    text = text_of(read_evidence(synthetic_sweep(tmp_path, finished=False)))
    assert "not finished and nothing drives it: 28 of 38 runs have ended" in text
    assert "python sweeps/cd_k.py --resume made" in text
    assert "is the best of" in text and "best trial" in text


def test_a_sweep_that_has_only_a_record_is_a_page(tmp_path: Path) -> None:
    sweep = synthetic_sweep(tmp_path, trials=0, finished=False)
    for run in sweep.trials.iterdir():
        for file in run.iterdir():
            file.unlink()
        run.rmdir()
    sweep.trials.rmdir()
    sweep.outline.unlink()
    evidence = read_evidence(sweep)
    assert "No run has ended with a value of the goal yet." in text_of(evidence)
    assert "has not planned its runs yet" in evidence.problems[0]


@pytest.mark.parametrize("broken", ["outline", "results", "config", "outcome", "spool", "image", "driver", "journal"])
def test_what_is_damaged_is_said_and_the_rest_is_shown(tmp_path: Path, broken: str) -> None:
    sweep = synthetic_sweep(tmp_path, finished=broken != "journal")
    run = RunFolder(sweep.trial("rbm-k=1-seed1" if broken == "image" else "rbm-0003"))
    target = {
        "outline": sweep.outline,
        "results": sweep.results / "cd_k.json",
        "config": run.config,
        "outcome": run.outcome,
        "spool": run.spool,
        "image": next(run.images.rglob("*.png"), Path()),
        "driver": sweep.driver,
        "journal": sweep.journal,
    }[broken]
    target.write_text('{"half": \n')
    evidence = read_evidence(sweep)
    text = text_of(evidence)
    assert "rbm k=25" in text and "Learning curves" in text
    if broken in ("outline", "results", "config", "outcome", "spool"):
        (problem,) = evidence.problems
        assert target.name in problem or run.path.name in problem
        assert problem[1:] in text
    elif broken == "image":
        assert "cannot be read" in text


def test_the_command_writes_the_page_and_the_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = synthetic_sweep(tmp_path / "runs", trials=6, media=False)
    main(["report", "made", "--runs", str(tmp_path / "runs"), "--figures", str(tmp_path / "figures")])
    out = capsys.readouterr().out
    assert str(page_path(sweep)) in out and page_path(sweep).read_text().startswith("<!doctype html>")
    svgs, pdfs = (sorted(p.stem for p in (tmp_path / "figures").glob(f"*.{kind}")) for kind in ("svg", "pdf"))
    assert svgs == pdfs and "made_quality_and_cost" in svgs and "made_parallel_rbm" in svgs
    # The same sweep gives the same figure, so that a paper's repository sees no change where there is none.
    before = (tmp_path / "figures" / "made_quality_and_cost.svg").read_bytes()
    main(["report", str(sweep.path), "--figures", str(tmp_path / "figures"), "--out", str(tmp_path / "one.html")])
    assert (tmp_path / "figures" / "made_quality_and_cost.svg").read_bytes() == before
    assert (tmp_path / "one.html").exists()


def test_several_sweeps_stand_on_one_page(tmp_path: Path) -> None:
    for name in ("one", "two"):
        synthetic_sweep(tmp_path, name, trials=6, media=False)
    main(["report", "one", "two", "--runs", str(tmp_path)])
    content = (tmp_path / "report.html").read_text()
    assert 'id="s1-answer"' in content and 'id="s2-answer"' in content and "2 sweeps" in content


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "no sweep was named"),
        (("none",), "there is no sweep 'none'"),
        (("made", "--out", "."), "is a folder: name the file"),
        (("made", "--out", "/proc/none/x.html"), "cannot be written"),
        (("made", "--figures", "/proc/none"), "cannot be written"),
    ],
)
def test_a_mistake_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    synthetic_sweep(tmp_path, trials=5, media=False)
    with pytest.raises(SystemExit) as stop:
        main(["report", *words, "--runs", str(tmp_path)])
    assert stop.value.code == 2
    assert sentence in capsys.readouterr().err


def test_media_stay_within_their_share(tmp_path: Path) -> None:
    evidence = read_evidence(synthetic_sweep(tmp_path))
    section = next(s for s in sections_of(evidence, Limits(media_bytes=60_000)) if s.name == "samples")
    uris = [uri for block in section.blocks if block.kind == "pictures" for s in block.strips for _, uri in s.pictures]  # type: ignore[union-attr]
    assert sum(map(len, uris)) <= 60_000
    assert any(
        "too large" in sentence for block in section.blocks if block.kind == "words" for sentence in block.sentences
    )  # type: ignore[union-attr]


def test_a_driven_sweep_runs_until_its_table_and_all_its_runs_are_there(tmp_path: Path) -> None:
    sweep = synthetic_sweep(tmp_path, trials=5, media=False)
    assert read_evidence(sweep).state == "finished"
    with only_driver(sweep, "python sweeps/cd_k.py --resume made"):
        assert read_evidence(sweep).state == "finished"  # it writes the page before it lets go
        RunFolder(sweep.trial("rbm-k=1-seed1")).outcome.unlink()
        assert read_evidence(sweep).state == "running"
        assert "The sweep is running" in text_of(read_evidence(sweep))

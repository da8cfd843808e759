"""What a notebook reads of a finished table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gibbsweep.errors import UserError
from gibbsweep.results.notebook import Finished, find_results, kind_of
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic


def row(name: str, kind: str, mean: float, sd: float = 0.1, n: int = 4) -> Row:
    metrics = {"test/fd": Statistic(mean, sd, n)}
    return Row(name, kind, {}, metrics, list(range(n)), 10, 2.0, {"completed": n}, trials=9)


def results(rows: list[Row], study: str = "s", goals: dict[str, str] | None = None) -> Results:
    goals = {"validation/fd": "minimize"} if goals is None else goals
    return Results(study, "Which?", "digits", "smoke", "CPU", "abcdef0", {"test/fd": "FD"}, rows, goals=goals)


ROWS = [
    row("ours", "energy", 1.0),
    row("theirs", "score", 2.05),
    row("worse", "energy", 9.0),
    row("gan", "baseline", 2.0),
    row("vae", "baseline", 3.0),
    row("training_data", "baseline", 0.0),
]


def test_models_are_judged_against_the_best_baseline_and_references_are_none() -> None:
    frame = Finished(results(ROWS), Path()).against_baselines()
    assert list(frame.index) == ["ours", "theirs", "worse"]
    assert list(frame["verdict"]) == ["ahead", "level", "behind"]
    assert frame["lead over gan"].tolist() == pytest.approx([1.0, -0.05, -7.0])
    assert frame["± two errors"].tolist() == pytest.approx([2 * (2 * 0.1**2 / 4) ** 0.5] * 3, rel=1e-3)
    assert kind_of(ROWS[-1]) == "reference"


def test_higher_can_be_better_and_one_seed_decides_nothing() -> None:
    rows = [row("ours", "score", 5.0, n=1), row("gan", "baseline", 4.0, n=1)]
    frame = Finished(results(rows, goals={}), Path()).against_baselines("test/fd", "maximize")
    assert frame["lead over gan"].tolist() == [1.0] and list(frame["verdict"]) == ["1 seed"]
    with pytest.raises(UserError, match="pass a metric and a direction"):
        Finished(results(rows, goals={}), Path()).against_baselines()
    with pytest.raises(UserError, match="no baseline"):
        Finished(results(rows[:1]), Path()).against_baselines()


def test_the_table_has_what_is_measured() -> None:
    frame = Finished(results(ROWS), Path()).table("test/fd", "test/other", contenders=("ours", "gan"))
    assert list(frame.columns) == ["kind", "FD", "trials", "seeds", "device-seconds"]
    assert frame.loc["ours", "FD"] == "1.00 ± 0.10" and list(frame.index) == ["ours", "gan"]


def test_the_newest_finished_sweep_comes_before_what_is_published(tmp_path: Path) -> None:
    published = tmp_path / "published"
    with pytest.raises(UserError, match=r"sweeps/s\.py"):
        find_results("s", runs=tmp_path / "runs", published=published)
    results(ROWS).write(published)
    assert find_results("s", runs=tmp_path / "runs", published=published).folder == published
    for name, created in (("old", "2026-01-01"), ("new", "2026-02-01")):
        sweep = tmp_path / "runs" / name
        results(ROWS).write(sweep / "results")
        (sweep / "sweep.json").write_text(json.dumps({"created": created}))
    (tmp_path / "runs" / "broken" / "results").mkdir(parents=True)
    (tmp_path / "runs" / "broken" / "results" / "s.json").write_text("{}")
    found = find_results("s", runs=tmp_path / "runs", published=published)
    assert found.folder == tmp_path / "runs" / "new" / "results"
    assert str(found) == "s: data digits, budget smoke, CPU, commit abcdef0"
    assert found.answer.startswith("Which?\n→ ours is best in FD")


def test_pictures_and_sounds_are_found_by_name(tmp_path: Path) -> None:
    for name in ("s_samples.png", "s_curve.png", "s_samples_ours.wav"):
        (tmp_path / name).write_bytes(b"")
    found = Finished(results(ROWS), tmp_path)
    assert found.picture("curve").name == "s_curve.png"
    assert found.sounds() == {"ours": tmp_path / "s_samples_ours.wav"}
    with pytest.raises(UserError, match="it has curve, samples"):
        found.picture("nothing")

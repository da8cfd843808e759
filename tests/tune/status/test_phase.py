"""What a person reads of the runs that go on, from their first second on."""

from __future__ import annotations

from pathlib import Path

from tests.tiny import STUDY

from gibbsweep.folder import phases, read_phase, write_phase
from gibbsweep.run.assignment import assignment_of
from gibbsweep.run.run import run
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.status.lines import phase_line, spent_text
from gibbsweep.tune.status.overview import Overview


def test_runs_are_counted_by_what_they_do() -> None:
    said = [("training", False), ("training", False), ("training", True), ("measuring LogLikelihood 2 of 5", True)]
    said.append(("", False))
    line = phase_line(said, width=120).plain
    assert line == "now  2 training  1 retraining  1 measuring LogLikelihood 2 of 5  1 starting a process"
    assert phase_line([("reading data", False)], width=80).plain == "now  reading data"
    assert phase_line([], width=80).plain == ""
    assert len(phase_line(said, width=40).plain) <= 40


def test_a_folder_says_what_its_run_does_only_while_it_does_it(tmp_path: Path) -> None:
    with phases(tmp_path, "reading data"):
        assert read_phase(tmp_path) == "reading data"
        write_phase(tmp_path, "training")
        assert read_phase(tmp_path) == "training"
    assert read_phase(tmp_path) == "" and list(tmp_path.iterdir()) == []
    write_phase(tmp_path / "gone", "training")  # no reason to end a run


def test_a_run_says_what_it_does(tmp_path: Path) -> None:
    run_dir = SweepDir(tmp_path / "s").trial("rbm-0000")
    from gibbsweep.evaluate import contract

    told: list[str] = []
    before = contract.check_needs

    def listening(evaluator: object, system: object) -> None:
        told.append(read_phase(run_dir))
        before(evaluator, system)  # type: ignore[arg-type]

    contract.check_needs = listening
    try:
        outcome = run(
            assignment_of(
                STUDY.at("smoke")["rbm"], seed=0, data=STUDY.data, run_dir=run_dir, data_root=None,
                validation=STUDY.validation, precision="fp32",
            ),
        )  # fmt: skip
    finally:
        contract.check_needs = before
    assert outcome.kind == "completed", outcome.message
    assert told[0] == "measuring LogLikelihood 1 of 1"
    assert told[-3:] == [
        f"measuring {n} {i} of 3" for i, n in enumerate(("LogLikelihood", "EnergyGap", "ChainGrid"), 1)
    ]
    assert read_phase(run_dir) == ""


def test_no_time_is_left_before_a_run_has_ended() -> None:
    class Begun(Overview):
        @property
        def seconds(self) -> float:
            return 1.0

        @property
        def seconds_left(self) -> float | None:
            return 9.0

        @property
        def done(self) -> int:
            return self._done

        @property
        def runs(self) -> int:
            return 10

        _done = 0

    assert spent_text(Begun(()), 30.0) == "0:30 so far  ·  1 device-seconds"

    class Going(Begun):
        _done = 1

    assert "about 4:30 left" in spent_text(Going(()), 30.0)

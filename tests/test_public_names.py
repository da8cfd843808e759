"""`from gibbsweep import Study` works, and `import gibbsweep` loads nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import gibbsweep
from gibbsweep.study.study import Study

ROOT = Path(__file__).resolve().parents[1]


def test_the_nouns_of_a_study_can_be_imported_from_the_top() -> None:
    from gibbsweep import Budget, Choice, Contender, Float, Goal, Int
    from gibbsweep import Study as FromTheTop

    assert FromTheTop is Study
    assert {Budget, Choice, Contender, Float, Goal, Int} <= {getattr(gibbsweep, name) for name in gibbsweep.__all__}
    assert set(gibbsweep.__all__) <= set(dir(gibbsweep))
    with pytest.raises(AttributeError, match="module 'gibbsweep' has no attribute 'Studdy'"):
        _ = gibbsweep.Studdy  # type: ignore[attr-defined]


def test_what_reads_folders_and_shows_help_loads_no_pytorch() -> None:
    code = (
        "import sys, gibbsweep\n"
        "assert 'torch' not in sys.modules\n"
        "import gibbsweep.errors\n"
        "assert 'torch' not in sys.modules and not hasattr(gibbsweep, 'nonsense')\n"
        "from gibbsweep import Goal\n"
        "assert Goal('x', 'minimize').short == 'x' and 'torch' not in sys.modules\n"
        "import gibbsweep.report, gibbsweep.tune.options.options, gibbsweep.tune.status.from_folder\n"
        "import gibbsweep.tune.status.listing, gibbsweep.use.rows, gibbsweep.cli.main\n"
        "assert not {'torch', 'sklearn', 'pandas', 'ray', 'mlflow'} & sys.modules.keys()\n"
        "import gibbsweep.cli.study, gibbsweep.tune.sweep\n"
        "assert not {'sklearn', 'pandas', 'mlflow'} & sys.modules.keys(), 'a sweep needs them at its end'\n"
        "from gibbsweep import Study\n"
        "assert 'torch' in sys.modules\n"
    )
    roots = f"{ROOT / 'platform'}:{ROOT / 'models'}"
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, env={"PYTHONPATH": roots}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr

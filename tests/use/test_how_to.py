"""Everything that docs/how-to/use-a-model.md shows of Gibbsweep can be typed: its Python and its commands."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gibbsweep.cli import main
from gibbsweep.data import load
from gibbsweep.data.formats.images import encode_png

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "use-a-model.md"


def test_the_examples_of_the_page_run(
    finished: tuple[Path, object],
    kinds: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(finished[0], runs / "SWEEP")
    (runs / "SWEEP" / "trials" / "RUN").symlink_to("rbm-k=2-seed1")
    for name, kind in (("GUIDED", "ten_classes"), ("DENOISER", "score"), ("FILLER", "filler")):
        shutil.copytree(kinds(kind), runs / name / "trials" / "RUN")
    (tmp_path / "pictures").mkdir()
    for i, image in enumerate(load("digits").test.x[:3]):
        (tmp_path / "pictures" / f"{i}.png").write_bytes(encode_png(image.numpy()))
    monkeypatch.chdir(tmp_path)
    found = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "page.py").write_text("\n".join(text for language, text in found if language == "python"))
    runpy.run_path(str(tmp_path / "page.py"))
    commands = 0
    for line in "".join(text for language, text in found if language == "sh").splitlines():
        program, *words = shlex.split(line)
        if program == "gibbsweep":
            main(words)
            commands += 1
        else:  # what it serves is tested in tests/use/test_serving.py
            assert program in ("mlflow", "curl")
    assert commands >= 14
    written = {path.name for path in tmp_path.iterdir()}
    assert {"grid.png", "samples.npz", "way-from-noise.gif", "threes-and-sevens.png", "best.png"} <= written
    assert {"before-and-after.png", "denoised", "filled.png", "filled", "measured", "exported", "served"} <= written
    assert "rbm k=2" in capsys.readouterr().out

"""``gibbsweep data import``: a folder of pictures becomes a data set that every study accepts."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.hub import encoded, pixels, save

from gibbsweep.cli import main
from gibbsweep.data import DataNeeds, check_data, import_images, load
from gibbsweep.errors import UserError


def put(folder: Path, names: list[str], edge: int = 4) -> None:
    for i, name in enumerate(names):
        save(folder / name, encoded(pixels(i, edge, edge), "PNG"))


def test_class_folders_become_labels_and_every_tenth_picture_tests(root: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    put(pictures, [f"{kind}/{i:02}.png" for kind in ("cat", "dog") for i in range(20)])
    import_images(pictures, "pets")
    data = load("pets", validation=0.0)
    assert data.classes == ("cat", "dog") and data.spec.n_classes == 2
    assert (len(data.train), len(data.test)) == (36, 4)
    assert data.test.batch(slice(None))["y"].tolist() == [0, 0, 1, 1]
    kept = {row.tobytes() for split in (data.train, data.test) for row in split.x.numpy()}
    assert kept == {pixels(i, 4, 4)[None].tobytes() for i in range(40)}
    check_data(data, DataNeeds(labels=True, dims=3))


def test_splits_of_the_folder_stay(root: Path, tmp_path: Path) -> None:
    put(tmp_path / "p", ["train/a/0.png", "train/b/1.png", "test/b/2.png"])
    import_images(tmp_path / "p", "kept")
    data = load("kept", validation=0.0)
    assert (len(data.train), len(data.test)) == (2, 1)
    assert data.test.batch(slice(None))["y"].tolist() == [1]


def test_the_command_resizes_and_says_how_to_use_it(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "p", ["0.png", "1.png"], edge=8)
    save(tmp_path / "p" / "2.png", encoded(pixels(2, 6, 5), "PNG"))
    main(["data", "import", str(tmp_path / "p"), "--name", "pngs", "--size", "3"])
    assert "pngs: 2 to train and 1 to test, 1×3×3; use it with --data pngs" in capsys.readouterr().out
    assert load("pngs", validation=0.0).spec.shape == (1, 3, 3)


@pytest.mark.parametrize(
    "name, message",
    [
        ("mnist", "knows: choose another --name"),
        ("../x", "is no name of a data set"),
        ("mixed", "several forms, 0.png .1, 4, 4. and 2.png .1, 6, 6.*--size 32"),
    ],
)
def test_what_is_refused_leaves_nothing(root: Path, tmp_path: Path, name: str, message: str) -> None:
    save(tmp_path / "p" / "0.png", encoded(pixels(0, 4, 4), "PNG"))
    save(tmp_path / "p" / "1.png", encoded(pixels(1, 6, 6), "PNG"))
    save(tmp_path / "p" / "2.png", encoded(pixels(1, 6, 6), "PNG"))
    with pytest.raises(UserError, match=message):
        import_images(tmp_path / "p", name)
    assert not list(root.rglob("*.parquet"))


def test_no_pictures_and_flat_ones_are_refused(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no image files"):
        import_images(tmp_path / "empty", "none")
    with pytest.raises(UserError, match="there is no folder"):
        import_images(tmp_path / "missing", "none")
    for i in range(3):
        save(tmp_path / "flat" / f"{i}.png", encoded(pixels(0, 4, 4) * 0, "PNG"))
    with pytest.raises(SystemExit) as ended:
        main(["data", "import", str(tmp_path / "flat"), "--name", "flat"])
    assert ended.value.code == 2 and "are equal" in capsys.readouterr().err
    assert not list(root.rglob("*.parquet"))


def test_a_name_is_used_once(root: Path, tmp_path: Path) -> None:
    put(tmp_path / "p", ["0.png", "1.png", "2.png"])
    import_images(tmp_path / "p", "once")
    with pytest.raises(UserError, match="holds a data set already"):
        import_images(tmp_path / "p", "once")

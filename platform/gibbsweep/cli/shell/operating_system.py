"""The operating systems on which Gibbsweep runs."""

from __future__ import annotations

import sys


def refuse_windows() -> None:
    """End the program with a sentence, and exit code 2, on native Windows."""
    if sys.platform != "win32":
        return
    print(
        "error: Gibbsweep does not run on native Windows, which has no Ray clusters and no locks as its folders need "
        "them: install WSL (`wsl --install`), and Gibbsweep in its Linux.",
        file=sys.stderr,
    )
    raise SystemExit(2)

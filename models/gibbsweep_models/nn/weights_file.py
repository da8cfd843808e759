"""Weights from a file, for a network that was trained elsewhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from torch import nn


@dataclass(frozen=True)
class WeightsFile:
    """A safetensors file whose content has the given SHA-256."""

    path: str
    """The file."""
    sha256: str
    """The SHA-256 of its content."""
    prefixes: tuple[str, ...] = ("",)
    """Prefixes of the names that are read, which are left out. Where two have a name in common the later one counts
    (averaged weights after the weights themselves)."""

    def load_into(self, module: nn.Module) -> None:
        """Load every weight and buffer of ``module``. ValueError if the file is not there, is another one, or is of
        another module."""
        from safetensors.torch import load

        try:
            content = Path(self.path).read_bytes()
        except OSError as error:
            raise ValueError(
                f"the weights {self.path} cannot be read ({error.strerror}); keep the file where the configuration "
                "says it is"
            ) from error
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise ValueError(
                f"got weights {self.path} of SHA-256 {digest[:12]}, expected {self.sha256[:12]}; they have changed "
                "since they were chosen"
            )
        tensors = load(content)
        named = {
            name.removeprefix(prefix): tensor
            for prefix in self.prefixes
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        }
        try:
            module.load_state_dict(named)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"the weights {self.path} are of another {type(module).__name__}: {reason}") from error

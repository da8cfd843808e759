"""The names of the arithmetics of training; options and records have them, and load no PyTorch."""

from __future__ import annotations

from typing import Literal

Precision = Literal["fp32", "bf16"]
"""An arithmetic of training."""
PrecisionOption = Literal["auto", "fp32", "bf16"]
"""The same as an option: ``auto`` measures which pays."""

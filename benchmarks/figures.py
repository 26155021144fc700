"""One measured figure and the bound it is held against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """``value`` in ``unit``; ``bound`` is the most it may be, None when it is only told."""

    name: str
    value: float
    unit: str
    bound: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the figure keeps its bound."""
        return self.bound is None or self.value <= self.bound

    @property
    def text(self) -> str:
        """The figure as it is read."""
        return f"{self.value:,.3g} {self.unit}" if self.value < 1000 else f"{self.value:,.0f} {self.unit}"

    @property
    def bound_text(self) -> str:
        """The bound as it is read."""
        return "" if self.bound is None else f"at most {self.bound:g} {self.unit}"

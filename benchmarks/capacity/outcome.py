"""What an experiment found: the prediction of the shipped code beside what the kernel did."""

from __future__ import annotations

from dataclasses import dataclass

from figures import Figure


@dataclass(frozen=True, slots=True)
class Outcome:
    """``error`` is the share by which they may differ."""

    what: str
    predicted: float
    observed: float
    error: float

    def figure(self) -> Figure:
        """The difference, in percent of what was observed, against its bound."""
        differs = abs(self.predicted - self.observed) / self.observed * 100 if self.observed else float("inf")
        name = f"{self.what}: predicted {self.predicted:,.5g}, observed {self.observed:,.5g}"
        return Figure(name, differs, "% apart", self.error * 100)

"""Which line of which file a report of a failure points at: where it is said what is expected of that host."""

from __future__ import annotations

from netaudit.errors import Where
from netaudit.model.context import Decision, RunContext


class Decided:
    """The decisions of a run, by the host that they are about."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._decisions: dict[str, list[Decision]] = {}
        for each in context.decisions:
            for host in each.hosts:
                self._decisions.setdefault(host, []).append(each)

    def of(self, host: str, check: str) -> Where | None:
        """Where it is said for this host what is expected of the check; None where the rule itself does."""
        return next((each.where for each in self._decisions.get(host, ()) if check in each.checks), None)

    def place(self, host: str, check: str = "") -> Where | None:
        """The same, else where the inventory names the host; None where no line of a file does."""
        where = self.of(host, check) or self._context.places.get(host)
        return where if where is not None and where.line else None

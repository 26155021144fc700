"""What every live session does with a payload: carry it, and once more with a terminal where one is needed."""

from __future__ import annotations

from abc import ABC, abstractmethod

from netaudit.model.contact import Exit, Limits, Sink
from netaudit.model.probe import Bundle
from netaudit.model.target import Become
from netaudit.transport.become import Conversation, TerminalNeeded, conversation
from netaudit.transport.exchange import Exchange


class ShellSession(ABC):
    """A session in which payloads run one after the other."""

    def __init__(self, limits: Limits, become: Become | None, become_password: str | None) -> None:
        self._limits = limits
        self._become = become
        self._become_password = become_password

    async def run(self, bundle: Bundle, sink: Sink) -> Exit:
        """Run the payload and feed the sink until it has all. Raises WorldError when channel or escalation fails."""
        try:
            return await self._carry(Exchange(self._talk(terminal=False), bundle.payload, sink))
        except TerminalNeeded:
            return await self._carry(Exchange(self._talk(terminal=True), bundle.payload, sink))

    def _talk(self, *, terminal: bool) -> Conversation:
        return conversation(self._become, self._become_password, terminal=terminal)

    @abstractmethod
    async def _carry(self, exchange: Exchange) -> Exit:
        """Carry one exchange through a channel of its own, which is closed when this returns or raises."""

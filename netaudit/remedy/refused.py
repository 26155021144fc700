"""Why a change is not made: a value on its way to the plan's list of what is not remedied."""

from __future__ import annotations


class Refused(Exception):  # a decision more than an error
    """A change that a plan leaves alone: the reason, and what a person can do instead."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice

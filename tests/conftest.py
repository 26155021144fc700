"""What holds for all tests: a property is about values, never about how busy the machine is."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("netaudit", deadline=None)
settings.load_profile("netaudit")

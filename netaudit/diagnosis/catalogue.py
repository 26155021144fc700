"""All causes that are looked for, from the application to the link."""

from __future__ import annotations

from netaudit.diagnosis.causes import application, conntrack, device, ip, listener, transport
from netaudit.diagnosis.rule import CauseRule

CAUSES: tuple[CauseRule, ...] = tuple(
    sorted(
        (
            *application.RULES,
            *listener.RULES,
            *transport.RULES,
            *conntrack.RULES,
            *ip.RULES,
            *device.RULES,
        ),
        key=lambda rule: (rule.layer.depth, rule.code, rule.id),
    )
)

TITLES = {rule.id: rule.title for rule in CAUSES}

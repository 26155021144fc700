"""How many sockets of each sort a load keeps: open, in TIME-WAIT, half-open. What several resources are made of."""

from __future__ import annotations

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.words import number, per_second, seconds, share
from netaudit.model.workload import Load

TIME_WAIT_S = 60.0  # TCP_TIMEWAIT_LEN: a constant of the kernel, which no sysctl changes

Part = tuple[str, float]  # the arithmetic in words, and its result


def open_now(load: Load, inquiry: Inquiry) -> Part:
    """Connections that are open."""
    count = inquiry.concurrent(load)
    return f"{number(count)} open", count


def graceful(load: Load, inquiry: Inquiry) -> float:
    """The share of connections that end with a FIN."""
    return 1.0 - inquiry.or_zero(load, "reset_ratio", "connections that end with a reset")


def time_wait(load: Load, inquiry: Inquiry) -> Part:
    """Connections in TIME-WAIT: those that this host closed first, for a minute each."""
    first = inquiry.ask(load, "closes_first_ratio")
    return closed(load, inquiry, first * graceful(load, inquiry), TIME_WAIT_S, "in TIME-WAIT")


def closed(load: Load, inquiry: Inquiry, ratio: float, hold_s: float, what: str) -> Part:
    """Connections that stay for some seconds after their end. Of a ratio of zero there are none to ask about."""
    if not ratio or not hold_s:
        return "", 0.0
    held = inquiry.over(load, hold_s) * ratio
    mean = held / ratio / hold_s
    factor = "" if ratio == 1 else f" × {share(ratio)}"
    return f"{per_second(mean)}{factor} × {seconds(hold_s)} = {number(held)} {what}", held

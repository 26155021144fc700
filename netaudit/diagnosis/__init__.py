"""Counters of two moments of one host -> ranked causes of loss, each with its evidence. Pure.

``diagnosis_of`` is the way in. It must not know how samples were had, nor how a diagnosis is printed.
"""

from netaudit.diagnosis.host import DOMAINS, PROBES_BETWEEN, PROBES_EACH, PROBES_ONCE, diagnosis_of

__all__ = ["DOMAINS", "PROBES_BETWEEN", "PROBES_EACH", "PROBES_ONCE", "diagnosis_of"]

"""Reports as one self-contained HTML file each: opened from disk, they load nothing and send nothing.

``page`` makes the shell and its policy, ``templates/`` hold the markup, the style and the scripts, and a module for
each kind of report turns its rows into what its template shows: ``audit``, ``capacity``, ``diagnosis``,
``remediation``, ``drift``. Each has a function from rows to pieces of text.
"""

from netaudit.report.html.audit import AuditPage, audit_html

__all__ = ("AuditPage", "audit_html")

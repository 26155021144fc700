"""Past runs in one SQLite file under the XDG state directory: findings, totals and raw captures.

The only room that knows sqlite3. It must not know how runs are made or shown. Everything that can go wrong with the
file is a ``StoreError`` of one line: a use case says so once and goes on without.
"""

from netaudit.store.location import default_path
from netaudit.store.reading import StoredRun
from netaudit.store.retention import Retention
from netaudit.store.run_ids import run_id
from netaudit.store.runs import Store, open_store

__all__ = ["Retention", "Store", "StoredRun", "default_path", "open_store", "run_id"]

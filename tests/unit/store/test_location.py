"""The database is private, wherever it lies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from netaudit.errors import StoreError
from netaudit.store import default_path, open_store


@pytest.fixture
def open_umask() -> Iterator[None]:
    """The worst umask there is."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_nobody_else_can_read_it(path: Path, made_up: ModuleType) -> None:
    """Directories are 0700 and files 0600, also the write-ahead log, also under umask 000."""
    with open_store(path) as store:
        store.begin(made_up.RUN, ["web1"])
        modes = {each.name: oct(each.stat().st_mode & 0o777) for each in path.parent.iterdir()}
    assert modes == {"netaudit.db": "0o600", "netaudit.db-wal": "0o600", "netaudit.db-shm": "0o600"}
    assert [oct(each.stat().st_mode & 0o777) for each in (path.parent, path.parent.parent)] == ["0o700", "0o700"]


@pytest.mark.usefixtures("open_umask")
def test_modes_that_were_wider_are_narrowed(path: Path) -> None:
    """A file that was copied there with other modes is made private when it is opened."""
    open_store(path).close()
    path.chmod(0o666)
    path.parent.chmod(0o755)
    open_store(path).close()
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"


def test_a_dangling_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    """No file is made where a link points to."""
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="not a regular file"):
        open_store(path)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"XDG_STATE_HOME": "/var/state", "HOME": "/home/ops"}, "/var/state/netaudit/netaudit.db"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/home/ops"}, "/home/ops/.local/state/netaudit/netaudit.db"),
        ({"HOME": "/home/x"}, "/home/x/.local/state/netaudit/netaudit.db"),
    ],
)
def test_the_place_follows_the_xdg_specification(environment: dict[str, str], found: str) -> None:
    """An absolute XDG_STATE_HOME counts, a relative one does not."""
    assert str(default_path(environment)) == found


def test_without_a_home_there_is_no_place() -> None:
    """A service without HOME gets a line and no traceback."""
    with pytest.raises(StoreError, match="neither XDG_STATE_HOME nor HOME"):
        default_path({})

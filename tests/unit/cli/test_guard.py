"""The border between exceptions and a person: one line, an exit code, a traceback only for ``-vv``."""

from __future__ import annotations

import pytest

from netaudit.cli.guard import guarded
from netaudit.errors import InventoryError, Where


def _raising(error):
    def work():
        raise error

    return work


def test_an_operators_error_is_a_line(capsys):
    """Place, message and hint; exit 2; what is hostile in it is shown, not obeyed."""
    error = InventoryError("host 'a\x1b[31m' is odd", Where("hosts.ini", 3, 5), hint="write b")
    assert 2 == guarded(_raising(error), [])
    assert "netaudit: hosts.ini:3:5: host 'a\\x1b[31m' is odd (write b)\n" == capsys.readouterr().err


def test_a_defect_is_said_to_be_one(capsys):
    """No traceback; the line says how to get one."""
    assert 2 == guarded(_raising(KeyError("x")), ["-v"])
    said = capsys.readouterr().err
    assert "netaudit: internal error: KeyError: 'x' (-vv shows where; please report it)\n" == said


@pytest.mark.parametrize("words", [["-vv"], ["-v", "-v"], ["audit", "-vvv"]])
def test_a_traceback_for_who_asks(words):
    """-vv lets the exception through."""
    with pytest.raises(KeyError):
        guarded(_raising(KeyError("x")), words)


@pytest.mark.parametrize("words", [["--version"], ["--vv"], ["-i", "vv"], ["-vx"]])
def test_other_words_are_no_wish_for_a_traceback(words, capsys):
    """Only -v, alone or repeated, counts."""
    assert 2 == guarded(_raising(ValueError()), words)
    assert "internal error" in capsys.readouterr().err


def test_an_interrupt_before_any_host_is_contacted(capsys):
    """Ctrl-C while files are read."""
    assert 130 == guarded(_raising(KeyboardInterrupt()), [])
    assert "netaudit: interrupted\n" == capsys.readouterr().err


def test_an_error_of_the_machine_names_the_file(capfd):
    """Neither a defect nor a traceback."""
    assert 2 == guarded(_raising(PermissionError(13, "Permission denied", "/etc/x")), [])
    assert "netaudit: /etc/x: Permission denied\n" == capfd.readouterr().err

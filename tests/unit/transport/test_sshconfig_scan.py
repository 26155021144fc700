"""A look at ssh_config files that starts no program."""

from __future__ import annotations

import pytest

from netaudit.transport.sshconfig_scan import ConfigScan, scan_config


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ConfigScan()),
        ("  # Port 22\n", ConfigScan()),
        ("Host *\n\tSendEnv LANG\n", ConfigScan()),
        ("Port 22", ConfigScan(effective=True)),
        ("  pOrT=22\n", ConfigScan(effective=True)),
        ('"Port" 22\n', ConfigScan(effective=True)),
        ("Bogus 1\n", ConfigScan(effective=True)),
        ("HashKnownHosts=yes", ConfigScan(hashes_names=True)),
        ("Match exec true\n  ForwardAgent yes\n", ConfigScan()),
    ],
)
def test_a_file(tmp_path, text, expected):
    """Whatever is not known to be harmless may matter, a typo included."""
    path = tmp_path / "config"
    path.write_text(text)
    assert scan_config([(path, tmp_path)]) == expected


def test_included_files_are_looked_at(tmp_path):
    """By pattern, relative to the folder, in a circle too."""
    (tmp_path / "d").mkdir()
    (tmp_path / "config").write_text("Include d/*.conf\n")
    (tmp_path / "d" / "a.conf").write_text(f"Include {tmp_path}/config\nSendEnv X\n")
    assert not scan_config([(tmp_path / "config", tmp_path)]).effective
    (tmp_path / "d" / "b.conf").write_text("User x\n")
    assert scan_config([(tmp_path / "config", tmp_path)]).effective


def test_what_is_not_there_says_nothing(tmp_path):
    """No file, a folder."""
    assert scan_config([(tmp_path / "none", tmp_path), (tmp_path, tmp_path)]) == ConfigScan()

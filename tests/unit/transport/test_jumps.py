"""What a jump host says of the way behind it is told as if one had asked the host itself."""

from __future__ import annotations

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.transport.jumps import no_way_behind
from netaudit.transport.resolved import Resolved

BEHIND = Resolved("db1", "db1", "db1.example", 2222, "me")


@pytest.mark.parametrize(
    ("said", "forbidden", "kind"),
    [
        ("Connection refused", False, ErrorKind.REFUSED),
        ("Connection timed out", False, ErrorKind.CONNECT_TIMEOUT),
        ("No route to host", False, ErrorKind.CONNECT_TIMEOUT),
        ("Network is unreachable", False, ErrorKind.CONNECT_TIMEOUT),
        ("Name or service not known", False, ErrorKind.DNS),
        ("Temporary failure in name resolution", False, ErrorKind.DNS),
        ("open failed", True, ErrorKind.REFUSED),
        ("administratively prohibited: open failed", False, ErrorKind.REFUSED),
        ("something \x1b[31melse", False, ErrorKind.DISCONNECTED),
    ],
)
def test_a_jump_host_that_opens_no_way(said, forbidden, kind):
    """One kind each, by the words of OpenSSH and dropbear, with the jump host's name and nothing raw."""
    told = no_way_behind(said, BEHIND, "bastion", forbidden=forbidden)
    assert (told.kind, told.phase) == (kind, Phase.CONNECT)
    assert told.message.endswith("says the jump host bastion")
    assert told.message.isprintable()

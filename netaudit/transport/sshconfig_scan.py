"""Whether the ssh_config files of this machine say anything that could change how netaudit connects.

Running ``ssh -G`` costs some milliseconds a host. The file that distributions install says a few things that do not
concern us (SendEnv, HashKnownHosts, GSSAPI); a look at the keywords alone tells, without understanding the blocks.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_INCLUDE_DEPTH = 16  # as in OpenSSH, readconf.c
# Keywords without effect on a connection of netaudit: what only concerns terminals, forwarding, connection sharing,
# logging, what is sent of the environment, and strictness, which netaudit has an option of its own for.
HARMLESS = frozenset(  # a word list in a string: as a list it would be sixty lines
    """
    host match include addkeystoagent batchmode checkhostip clearallforwardings compression controlmaster controlpath
    controlpersist dynamicforward enableescapecommandline enablesshkeysign escapechar exitonforwardfailure
    fingerprinthash forkafterauthentication forwardagent forwardx11 forwardx11timeout forwardx11trusted gatewayports
    gssapiauthentication gssapidelegatecredentials gssapikeyexchange gssapikexalgorithms gssapirenewalforcesrekey
    gssapitrustdns gssapiclientidentity gssapiserveridentity hashknownhosts ignoreunknown ipqos localcommand
    localforward loglevel logverbose nohostauthenticationforlocalhost numberofpasswordprompts obscurekeystroketiming
    permitlocalcommand permitremoteopen rekeylimit remotecommand remoteforward requesttty sendenv serveralivecountmax
    serveraliveinterval sessiontype setenv stdinnull streamlocalbindmask streamlocalbindunlink stricthostkeychecking
    syslogfacility tag tcpkeepalive tunnel tunneldevice updatehostkeys verifyhostkeydns visualhostkey xauthlocation
    connectionattempts channeltimeout
    """.split()  # noqa: SIM905 - as above
)


@dataclass(frozen=True, slots=True)
class ConfigScan:
    """What a look at the files has shown."""

    effective: bool = False  # some line may change how netaudit connects: ask ssh
    hashes_names: bool = False  # HashKnownHosts is set to yes somewhere


def scan_config(files: Iterable[tuple[Path, Path]]) -> ConfigScan:
    """The outcome over some files, each with the folder that its relative Include lines start from."""
    effective = hashes = False
    for path, folder in files:
        for keyword, argument in _lines(path, folder, _INCLUDE_DEPTH):
            effective = effective or keyword not in HARMLESS
            hashes = hashes or (keyword == "hashknownhosts" and argument.lower() == "yes")
    return ConfigScan(effective, hashes)


def _lines(path: Path, folder: Path, depth: int) -> Iterator[tuple[str, str]]:
    """Keyword, in lower case, and argument of each line, those of included files in place."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return
    for line in text.splitlines():
        keyword, argument = _split(line)
        if not keyword:
            continue
        yield keyword, argument
        if keyword == "include" and depth:
            for pattern in argument.split():
                for name in sorted(glob.glob(os.path.join(folder, os.path.expanduser(pattern.strip('"'))))):  # noqa: PTH118, PTH111, PTH207 - patterns, not paths
                    yield from _lines(Path(name), folder, depth - 1)


def _split(line: str) -> tuple[str, str]:
    """A line is ``keyword argument``, ``keyword=argument``, a comment or blank: ssh_config(5)."""
    line = line.strip()
    if not line or line.startswith("#"):
        return "", ""
    keyword, _, argument = line.replace("\t", " ").replace("=", " ", 1).partition(" ")
    return keyword.lower(), argument.strip().strip('"')

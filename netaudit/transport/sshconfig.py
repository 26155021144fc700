"""A user's ssh_config counts as it does for ssh(1): OpenSSH itself resolves it, by ``ssh -G``, once a host.

What inventory and command line say goes along as options, so ``Match`` blocks see it and OpenSSH decides who wins.
Where no file says anything that matters and nothing unusual was said, no program is started at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from netaudit.errors import ErrorKind, OperatorError, Phase, Where, WorldError
from netaudit.model.target import SshSettings, Target
from netaudit.transport.hosttext import one_line
from netaudit.transport.options import TransportOptions
from netaudit.transport.resolved import Resolved, checked, from_settings, merged
from netaudit.transport.sshconfig_output import Printed, apply_printed, parse_printed, pwd_home
from netaudit.transport.sshconfig_scan import HARMLESS, ConfigScan, scan_config

_WITHIN_S = 5.0
_AT_ONCE = 2 * (os.cpu_count() or 2)
_KINDS_CHECKED = 64
_MAX_PRINT_BYTES = 2**20
_NOISE = "Pseudo-terminal will not be allocated"
_PLACE = re.compile(r"^(?P<file>.+?):? line (?P<line>\d+): (?P<text>.+)$")
_HOP = re.compile(
    r"\A(?:ssh://)?(?:(?P<user>[^@/]+)@)?(?:\[(?P<literal>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^:@/\[\]]+))"
    r"(?::(?P<port>[0-9]{1,5}))?/?\Z"
)
_WAYS = frozenset({"proxyjump", "proxycommand"})
_BLIND = (HARMLESS - {"host", "match", "include"}) | {
    "ciphers", "connecttimeout", "globalknownhostsfile", "hostkeyalgorithms", "identitiesonly", "identityfile",
    "kbdinteractiveauthentication", "kexalgorithms", "macs", "passwordauthentication", "port",
    "preferredauthentications", "pubkeyauthentication", "user", "userknownhostsfile",
}  # fmt: skip  # keywords that mean the same for every host, unless their value has tokens
_PLAIN_NAME = re.compile(r"[a-z0-9.:-]+", re.ASCII)  # others ssh prints in another form than they were written in
_LOOSE = frozenset({"no", "off", "accept-new", "false"})


class SshConfig:
    """The resolver of one run: bounded in how many programs run at once, and each host is resolved once."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._cache: dict[tuple[str, str, str], asyncio.Task[Resolved]] = {}
        self._defaults: asyncio.Task[Printed] | None = None
        self._alike: dict[tuple[str, ...], asyncio.Task[Printed]] = {}
        self._running = asyncio.Semaphore(_AT_ONCE)
        self._said_loose = False

    async def resolve(self, target: Target) -> Resolved:
        """How the host is reached. Raises OperatorError for a file that ssh refuses, WorldError for a bad name."""
        said = merged(target, self._options.command_line)
        self._refuse_looseness(said.options)
        return await self._resolved(target, said)

    async def resolve_hop(self, spec: str, identity_files: tuple[str, ...] = ()) -> tuple[Target, Resolved]:
        """A host of ``ProxyJump``, ``[user@]host[:port]``, and how it is reached.

        As with ssh(1), its own blocks of ssh_config count and what was said for the host behind it does not; but the
        keys named for that host are tried here too, after its own. Raises as ``resolve`` does.
        """
        user, host, port = parse_hop(spec)
        target = Target(name=host, address=host, ssh=SshSettings(user=user, port=port))
        resolved = await self._resolved(target, target.ssh)
        more = tuple(file for file in identity_files if file not in resolved.identity_files)
        return target, replace(resolved, identity_files=resolved.identity_files + more)

    async def _resolved(self, target: Target, said: SshSettings) -> Resolved:
        if not self._needs_ssh(said):
            return checked(from_settings(target, said, hash_names=self._scan.hashes_names))
        key = (target.name, target.address, repr(said))
        if key not in self._cache:
            self._cache[key] = asyncio.create_task(self._ask(target, said))
            self._cache[key].add_done_callback(_seen)
        return await asyncio.shield(self._cache[key])

    async def check(self, targets: Sequence[Target]) -> list[tuple[Target, Resolved]]:
        """One target of each kind of settings, resolved: so the files can be read. Raises OperatorError."""
        self._refuse_missing()
        kinds = {repr(target.ssh): target for target in targets}
        found: list[tuple[Target, Resolved]] = []
        for target in list(kinds.values())[:_KINDS_CHECKED]:
            with contextlib.suppress(WorldError):
                found.append((target, await self.resolve(target)))
        return found

    async def close(self) -> None:
        """Stop what is still being asked."""
        tasks = [*self._cache.values(), *self._alike.values(), *([self._defaults] if self._defaults else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._cache.clear()
        self._alike.clear()
        self._defaults = None

    @cached_property
    def _scan(self) -> ConfigScan:
        if not self._options.use_ssh_config:
            return ConfigScan()
        if self._options.ssh_config_file is not None:
            return scan_config([(self._options.ssh_config_file, self._options.ssh_config_file.parent)])
        user = pwd_home() / ".ssh"
        return scan_config([(user / "config", user), (Path("/etc/ssh/ssh_config"), Path("/etc/ssh"))])

    def _needs_ssh(self, said: SshSettings) -> bool:
        """Whether only OpenSSH can tell. Where no file matters, a way that is said to be none is one already."""
        return self._scan.effective or any(
            keyword not in HARMLESS and not (keyword in _WAYS and values == ("none",))
            for keyword, values in said.options.items()
        )

    def _refuse_missing(self) -> None:
        path = self._options.ssh_config_file
        if path is not None and str(path).lower() != "none" and not os.access(path, os.R_OK):
            raise OperatorError(f"the ssh_config {path} cannot be read", hint="-F names it; -F none stands for none")

    async def _ask(self, target: Target, said: SshSettings) -> Resolved:
        start = checked(from_settings(target, said))
        if self._defaults is None:
            self._defaults = asyncio.create_task(self._print(["-F", "none", "--", "localhost"]))
        defaults = await asyncio.shield(self._defaults)
        printed = await self._printed(target.address, option_arguments(said))
        self._refuse_looseness(printed)
        return checked(apply_printed(start, printed, defaults, self._options.notice))

    async def _printed(self, address: str, said: Sequence[str]) -> Printed:
        """What ssh prints for a host; where nothing can depend on the host, all of them share one print."""
        if self._scan.effective or not _PLAIN_NAME.fullmatch(address) or not all(map(_is_blind, said[1::2])):
            return await self._print([*self._files(), *said, "--", address])
        key = tuple(said)
        if key not in self._alike:
            self._alike[key] = asyncio.create_task(self._print([*self._files(), *said, "--", "host"]))
            self._alike[key].add_done_callback(_seen)
        return {**await asyncio.shield(self._alike[key]), "host": (address,), "hostname": (address,)}

    def _files(self) -> list[str]:
        if not self._scan.effective:
            return ["-F", "none"]
        return ["-F", str(self._options.ssh_config_file)] if self._options.ssh_config_file else []

    def _refuse_looseness(self, printed: Printed) -> None:
        value = printed.get("stricthostkeychecking", ("ask",))[0]
        if value in _LOOSE and not self._said_loose:
            self._said_loose = True
            self._options.notice(
                f"StrictHostKeyChecking {value} does not count: only --host-key-checking loosens the checks of netaudit"
            )

    async def _print(self, arguments: list[str]) -> Printed:
        program = shutil.which("ssh")
        if program is None:
            raise OperatorError(
                "an ssh_config or an -o option has to be resolved, and there is no ssh program here to do it",
                hint="install the OpenSSH client, or take the settings out",
            )
        async with self._running:
            out, err, status = await _output([program, "-G", *arguments])
        if status:
            raise _refusal(err)
        return parse_printed(out)


def _is_blind(option: str) -> bool:
    """Whether ``keyword=value`` means the same whatever the host is."""
    keyword, _, value = option.partition("=")
    return keyword.lower() in _BLIND and "%" not in value


def _seen(task: asyncio.Task[Resolved] | asyncio.Task[Printed]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


def parse_hop(spec: str) -> tuple[str | None, str, int | None]:
    """User, host and port of ``[user@]host[:port]`` or ``ssh://…``. Raises WorldError when it is neither."""
    match = _HOP.match(spec)
    if match is None:
        raise WorldError(
            ErrorKind.DNS,
            f"{one_line(spec, 60)!r} is not a jump host",
            phase=Phase.CONNECT,
            hint="ProxyJump and -J take [user@]host[:port], several separated by commas",
        )
    port = int(match["port"]) if match["port"] else None
    return match["user"], match["literal"] or match["host"], port


def option_arguments(said: SshSettings) -> list[str]:
    """What inventory and command line say, as options of ssh(1); they come first, so they win."""
    pairs: list[tuple[str, str]] = []
    if said.user:
        pairs.append(("User", _quoted(said.user)))
    if said.port:
        pairs.append(("Port", str(said.port)))
    pairs += [("IdentityFile", _quoted(file)) for file in said.identity_files]
    if said.identities_only:
        pairs.append(("IdentitiesOnly", "yes"))
    if said.jumps:
        pairs.append(("ProxyJump", ",".join(said.jumps)))
    if said.proxy_command is not None:
        pairs.append(("ProxyCommand", said.proxy_command))
    if said.connect_timeout_s:
        pairs.append(("ConnectTimeout", str(max(1, round(said.connect_timeout_s)))))
    pairs += [(keyword, value) for keyword, values in said.options.items() for value in values]
    return [argument for keyword, value in pairs for argument in ("-o", f"{keyword}={value}")]


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


async def _output(command: list[str]) -> tuple[str, str, int]:
    """What a program prints and its status. It may run programs of its own (Match exec): all end with the limit."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=_MAX_PRINT_BYTES,
    )
    try:
        async with asyncio.timeout(_WITHIN_S):
            out, err = await process.communicate()
    except TimeoutError:
        raise WorldError(
            ErrorKind.CONNECT_TIMEOUT,
            f"resolving the ssh_config took longer than {_WITHIN_S:g} s",
            phase=Phase.CONNECT,
            hint="a Match exec or CanonicalizeHostname in it waits for something",
        ) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), process.returncode or 0


def _refusal(err: str) -> OperatorError:
    """OpenSSH's own words, with the file and line that it names as the place."""
    lines = [line for line in err.splitlines() if line and not line.startswith(_NOISE)]
    first = lines[0] if lines else "ssh -G failed and said nothing"
    if match := _PLACE.match(first):
        return OperatorError(one_line(match["text"]), Where(match["file"], int(match["line"])), "as ssh -G reads it")
    return OperatorError(f"ssh -G: {one_line(first)}")

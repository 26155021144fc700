"""Shows the keys of hosts to a person and records those that are approved."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from netaudit.app.fanout import fan_out
from netaudit.cli.asking.run_request import Fleet, fleet_of
from netaudit.cli.asking.wiring import transport_options
from netaudit.cli.exit_codes import ExitCode
from netaudit.cli.guard import say
from netaudit.cli.interrupt import Interrupt
from netaudit.cli.reading.auditing import warner
from netaudit.cli.telling.console import before_a_question
from netaudit.errors import UsageError, WorldError
from netaudit.model.contact import SecretSource
from netaudit.model.target import Connection, Target
from netaudit.transport.asyncssh_trust import HostKeySource, KeyState, ShownKeys
from netaudit.transport.options import NoSecrets

_Shown = dict[str, ShownKeys | WorldError]


def trust(args: argparse.Namespace) -> int:
    """Show what hosts present, and record what is approved; exit 3 when a host could not be asked."""
    warn = warner(args)
    fleet = fleet_of(args, warn)
    secrets: SecretSource = NoSecrets()
    source = HostKeySource(transport_options(args, secrets, fleet.ssh_config, warn))
    remote = [target for target in fleet.targets if target.connection is Connection.SSH]
    interrupt = Interrupt()
    shown = _ask_all(fleet, remote, source, interrupt)
    for target in remote:
        _print(target.name, shown.get(target.name))
    if interrupt.heard:
        return ExitCode.INTERRUPTED
    wanted = _wanted(shown, replace=args.replace)
    if wanted and not _approved(args, wanted):
        say("nothing is recorded")
    elif wanted:
        for keys in wanted:
            source.record(keys, replace=args.replace)
        say(f"recorded the keys of {len(wanted)} hosts in {', '.join(sorted({str(keys.file) for keys in wanted}))}")
    failed = len(shown) < len(remote) or any(isinstance(each, WorldError) for each in shown.values())
    refused = any(
        _has(each, KeyState.REVOKED) or (_has(each, KeyState.CHANGED) and not args.replace) for each in shown.values()
    )
    return ExitCode.NO_VERDICT if failed or refused else ExitCode.DONE


def _ask_all(fleet: Fleet, remote: Sequence[Target], source: HostKeySource, interrupt: Interrupt) -> _Shown:
    shown: _Shown = {}

    async def one(target: Target) -> ShownKeys | WorldError:
        try:
            return await source.shown_by(target)
        except WorldError as error:
            return error

    async def work() -> None:
        def done(place: int, keys: ShownKeys | WorldError) -> None:
            shown[remote[place].name] = keys

        try:
            await fan_out(remote, one, width=fleet.width, done=done, stop=interrupt.stop)
        finally:
            await source.close()

    interrupt.run(work())
    return shown


def _print(name: str, shown: ShownKeys | WorldError | None) -> None:
    from netaudit.report.sanitise import printable

    if shown is None:
        print(f"{name}: not asked")
    elif isinstance(shown, WorldError):
        print(printable(f"{name}: {shown.kind}: {shown.message}"))
    else:
        for key in shown.keys:
            stored = f" (stored: {key.stored.where})" if key.stored else ""
            print(printable(f"{name}: {key.fingerprint} {key.state}{stored}"))


def _has(shown: ShownKeys | WorldError, state: KeyState) -> bool:
    return isinstance(shown, ShownKeys) and any(key.state is state for key in shown.keys)


def _wanted(shown: _Shown, *, replace: bool) -> list[ShownKeys]:
    """Hosts with something to record. One whose key has changed is left alone, unless it is to be replaced."""
    return [
        keys
        for keys in shown.values()
        if isinstance(keys, ShownKeys)
        and (replace or not _has(keys, KeyState.CHANGED))
        and (_has(keys, KeyState.NEW) or _has(keys, KeyState.CHANGED))
    ]


def _fresh_keys(shown: ShownKeys) -> int:
    return sum(key.state in {KeyState.NEW, KeyState.CHANGED} for key in shown.keys)


def _approved(args: argparse.Namespace, wanted: Sequence[ShownKeys]) -> bool:
    if args.yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked whether to record these keys", hint="--yes records without asking")
    keys = sum(map(_fresh_keys, wanted))
    try:
        return input(f"{what_would_happen(args, wanted, keys)}\nType the number of keys to go on: ").strip() == str(
            keys
        )
    except EOFError:  # Ctrl-D
        return False


def what_would_happen(args: argparse.Namespace, wanted: Sequence[ShownKeys], keys: int) -> str:
    """What approval sets off, in words: which files are written, and what that means."""
    changed = sum(_has(each, KeyState.CHANGED) for each in wanted)
    files = ", ".join(sorted({str(each.file) for each in wanted}))
    replaced = f" The stored keys of {_counted(changed, 'host')} are replaced." if changed else ""
    return before_a_question(
        args,
        f"This records {_counted(keys, 'key')} of {_counted(len(wanted), 'host')} in {files}.{replaced} From then on "
        "whoever has these keys is taken for these hosts, by ssh as well: compare the fingerprints first.",
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

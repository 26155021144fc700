"""Real servers on the loopback, each with keys and configuration of its own, and one way to ask them something."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from netaudit.errors import WorldError
from netaudit.model.contact import Exit, Limits
from netaudit.model.probe import Needs, Probe
from netaudit.model.target import Become, Credentials, SshSettings, Target
from netaudit.transport.asyncssh_transport import AsyncsshTransport
from netaudit.transport.options import TransportOptions
from netaudit.transport.resolved import local_user
from netaudit.wire.bundle import build
from netaudit.wire.frame import Decoder

SHORT = Limits(connect_s=4.0, auth_s=6.0, first_byte_s=6.0, host_s=20.0)
GREETING = "echo hello; echo aside >&2; id -un"


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def keygen(path: Path, *options: str, passphrase: str = "") -> Path:
    """A new key pair."""
    subprocess.run([_program("ssh-keygen"), "-q", "-N", passphrase, "-f", path, *options], check=True)
    return path


@dataclass(frozen=True)
class Keys:
    """The keys of a test session."""

    user: Path
    other: Path
    rsa: Path
    ecdsa: Path
    locked: Path  # its passphrase is "open sesame"
    host: Path
    host_rsa: Path
    host_ecdsa: Path
    authority: Path


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """One key of each kind; making them takes a moment, so all tests share them."""
    folder = tmp_path_factory.mktemp("keys")
    ed25519, rsa, ecdsa = ("-t", "ed25519"), ("-t", "rsa", "-b", "2048"), ("-t", "ecdsa")
    return Keys(
        user=keygen(folder / "user", *ed25519),
        other=keygen(folder / "other", *ed25519),
        rsa=keygen(folder / "rsa", *rsa),
        ecdsa=keygen(folder / "ecdsa", *ecdsa),
        locked=keygen(folder / "locked", *ed25519, passphrase="open sesame"),
        host=keygen(folder / "host", *ed25519),
        host_rsa=keygen(folder / "host_rsa", *rsa),
        host_ecdsa=keygen(folder / "host_ecdsa", *ecdsa),
        authority=keygen(folder / "authority", *ed25519),
    )


def public(key: Path) -> str:
    """Type and base64 of a key's public half."""
    return " ".join(key.with_name(key.name + ".pub").read_text().split()[:2])


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def descendants(pid: int) -> list[int]:
    """The processes that descend from one, as /proc has them now."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found, queue = [], [pid]
    while queue:
        children = parents.get(queue.pop(), [])
        found += children
        queue += children
    return found


def arguments(pid: int) -> bytes:
    """What a process was started with, each argument ended by a NUL; empty when it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def running(word: str) -> bool:
    """Whether a descendant of ours has a word in its arguments."""
    return any(word.encode() in arguments(pid).replace(b"\0", b" ") for pid in descendants(os.getpid()))


def eventually(check, within_s: float = 10.0) -> bool:
    """Whether something comes true within a generous time; it is looked at every few milliseconds."""
    deadline = time.monotonic() + within_s
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@dataclass
class Server:
    """A running server."""

    port: int
    process: subprocess.Popen
    log: Path
    host_keys: tuple[Path, ...] = ()

    def known(self, *keys: Path) -> str:
        """Lines of known_hosts for this server: with its own keys, or with the ones given."""
        return "".join(f"[127.0.0.1]:{self.port} {public(key)}\n" for key in keys or self.host_keys)

    def sessions(self) -> list[int]:
        """What runs on behalf of clients."""
        return descendants(self.process.pid)

    def stop(self) -> None:
        """End it with all that it has started."""
        pids = [self.process.pid, *self.sessions()]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def servers():
    """Ends every server that is put into it."""
    started: list[Server] = []
    yield started
    for server in started:
        server.stop()


def _wait_listening(server: Server, address: str = "127.0.0.1") -> None:
    def listens() -> bool:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as sock:
            return sock.connect_ex((address, server.port)) == 0

    if not eventually(lambda: listens() or server.process.poll() is not None) or server.process.poll() is not None:
        pytest.fail(f"the server did not start: {server.log.read_text()}")


@pytest.fixture
def open_folder():
    """A folder that other users may enter, which those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="netaudit-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


_IN_OWN_ETC = """
set -e
mount --make-rprivate /
mount -t tmpfs none "$1/over"
mkdir "$1/over/up" "$1/over/work"
cp -a "$1/etc/." "$1/over/up/"
mount -t overlay none -o "lowerdir=/etc,upperdir=$1/over/up,workdir=$1/over/work" /etc
[ ! -e "$1/sh" ] || mount --bind "$1/sh" "$(readlink -f /bin/sh)"
shift
exec "$@"
"""


@dataclass
class Accounts:
    """An /etc of its own for a server: users, passwords, and the rules of sudo and doas. Nobody else sees it."""

    folder: Path
    home: Path

    @property
    def before(self) -> list[str]:
        """What to start a server with."""
        return ["unshare", "-m", "sh", "-c", _IN_OWN_ETC, "sh", str(self.folder)]

    def shell(self, program: str) -> Accounts:
        """Let a program stand for /bin/sh."""
        shutil.copy(program, self.folder / "sh")
        return self

    def write(self, name: str, text: str, mode: int = 0o644) -> Accounts:
        """Put a file into that /etc."""
        path = self.folder / "etc" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return self


@pytest.fixture
def accounts(open_folder, keys):
    """A user ``oper`` with the password "oper secret" and a root with "root secret", in a mount namespace."""
    if not _may_mount():
        pytest.skip("needs root and the right to mount: gives a server its own /etc")
    folder = open_folder / "accounts"
    for part in ("etc", "over", "home/.ssh"):
        (folder / part).mkdir(parents=True)
    home = folder / "home"
    (home / ".ssh" / "authorized_keys").write_text(public(keys.user) + "\n")
    for path in (home, home / ".ssh", home / ".ssh" / "authorized_keys"):
        os.chown(path, 4242, 4242)
    made = Accounts(folder, home)
    etc = Path("/etc")
    people = [line for line in (etc / "passwd").read_text().splitlines(keepends=True) if not line.startswith("root:")]
    made.write(
        "passwd", f"root:x:0:0:root:{folder}:/bin/sh\n" + "".join(people) + f"oper:x:4242:4242::{home}:/bin/sh\n"
    )
    made.write("group", (etc / "group").read_text() + "oper:x:4242:\n")
    shadow = [line for line in (etc / "shadow").read_text().splitlines() if not line.startswith("root:")]
    shadow += [f"root:{_crypted('root secret')}:20000::::::", f"oper:{_crypted('oper secret')}:20000::::::"]
    made.write("shadow", "\n".join(shadow) + "\n", 0o600)
    made.write("sudoers", "Defaults !lecture\n", 0o440)
    return made


@cache
def _may_mount() -> bool:
    """Whether this is root with the right to make mount namespaces."""
    trial = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    return os.geteuid() == 0 and subprocess.run(trial, capture_output=True).returncode == 0


@cache
def _crypted(password: str) -> str:
    """The password as /etc/shadow has it."""
    command = [_program("openssl"), "passwd", "-6", "-stdin"]
    return subprocess.run(command, input=password, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def sshd(request, open_folder, keys, servers):
    """Starts OpenSSH servers: ``sshd("MaxSessions 2", host_keys=[…])``.

    As root they get an /etc of their own, so that the profile of whoever runs the tests has no part in them.
    """
    program = _program("sshd")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    own_etc = request.getfixturevalue("accounts").before if _may_mount() else []

    def start(*lines: str, host_keys=None, authorized=None, address="127.0.0.1") -> Server:
        number = len(servers)
        folder = open_folder / f"sshd{number}"
        folder.mkdir(mode=0o755)
        chosen = tuple(host_keys or [keys.host])
        authorized_keys = folder / "authorized_keys"
        authorized_keys.write_text("".join(public(key) + "\n" for key in authorized or [keys.user]))
        port = free_port()
        config = folder / "sshd_config"
        settings = {line.split()[0].lower() for line in lines}
        defaults = {
            "ListenAddress": f"[{address}]:{port}",
            "PidFile": "none",
            "UsePAM": "no",
            "StrictModes": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "yes",
            "AuthorizedKeysFile": str(authorized_keys),
            "LogLevel": "VERBOSE",
        }
        text = [f"{key} {value}" for key, value in defaults.items() if key.lower() not in settings]
        config.write_text("\n".join([*text, *(f"HostKey {key}" for key in chosen), *lines]) + "\n")
        log = folder / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*own_etc, program, "-D", "-e", "-f", config], stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        server = Server(port, process, log, chosen)
        servers.append(server)
        _wait_listening(server, address)
        return server

    return start


@pytest.fixture
def dropbear(open_folder, servers):
    """Starts dropbear servers; ``shell`` is what the account has for a login shell."""
    program, convert = _program("dropbear"), _program("dropbearkey")

    def start(*options: str, before=()) -> Server:
        folder = open_folder / f"dropbear{len(servers)}"
        folder.mkdir()
        key = folder / "host"
        subprocess.run([convert, "-t", "ed25519", "-f", key], check=True, stdout=-3, stderr=-3)
        shown = subprocess.run([convert, "-y", "-f", key], check=True, capture_output=True, text=True).stdout
        line = next(line for line in shown.splitlines() if line.startswith("ssh-ed25519"))
        key.with_name("host.pub").write_text(line + "\n")
        port, log = free_port(), folder / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*before, program, "-F", "-E", "-p", f"127.0.0.1:{port}", "-r", key, *options],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        server = Server(port, process, log, (key,))
        servers.append(server)
        _wait_listening(server)
        return server

    return start


@pytest.fixture
def login_shell(open_folder):
    """A script for ForceCommand that stands for another login shell: ``login_shell("zsh", before="echo noise")``."""

    def write(shell: str, *, before: str = "", after: str = "", flags: str = "-c") -> str:
        script = open_folder / f"force-{shell.split(maxsplit=1)[0]}-{len(list(open_folder.glob('force-*')))}"
        start = "exec " if not after else ""
        script.write_text(f'{before}\n{start}{shell} {flags} "$SSH_ORIGINAL_COMMAND"\n{after}\n')
        return f"ForceCommand /bin/sh {script}"

    return write


def hello(text: str = GREETING, *, nonce: str = "0123456789abcdef" * 2, deadline_s: int = 30):
    """A bundle of one probe."""
    probe = Probe(
        id="hello", text=text, digest="", summary="Says hello.", reads=(), needs=Needs.USER, timeout_s=deadline_s,
        max_bytes=2**16, format="text",
    )  # fmt: skip
    return build([probe], nonce=nonce, deadline_s=deadline_s, params={})


@dataclass
class Secrets:
    """The same secrets for every host."""

    credentials: Credentials = field(default_factory=Credentials)

    def for_target(self, target: Target) -> Credentials:
        """What it was made with."""
        return self.credentials


@dataclass
class Outcome:
    """What became of one host."""

    exit: Exit | None = None
    out: str = ""
    err: str = ""
    error: WorldError | None = None
    problem: object = None
    notes: tuple[str, ...] = ()

    @property
    def kind(self):
        """The kind of error, of the transport or of the answer; None when all is well."""
        failed = self.error or self.problem
        return None if failed is None else failed.kind

    @property
    def user(self) -> str:
        """Whom the shell ran as."""
        return self.out.splitlines()[-1] if self.out else ""


async def contact(transport, target: Target, bundle=None, *, host_s: float = SHORT.host_s) -> Outcome:
    """Open, run, close: the outcome as a value."""
    bundle = bundle or hello()
    decoder = Decoder(bundle.nonce, [probe.id for probe in bundle.probes], {"hello": 2**16}, 2**20)
    outcome = Outcome()
    try:
        async with asyncio.timeout(host_s):
            session = await transport.open(target)
            try:
                outcome.exit = await session.run(bundle, decoder)
            finally:
                await session.close()
    except WorldError as error:
        outcome.error = error
    sections = decoder.finish()
    outcome.out = sections[0].stdout.decode(errors="replace")
    outcome.err = sections[0].stderr.decode(errors="replace")
    outcome.problem, outcome.notes = decoder.problem(), tuple(decoder.notes)
    return outcome


@dataclass
class Client:
    """Options and a target for one test, changed step by step."""

    options: TransportOptions
    target: Target
    notices: list[str]
    make: type = AsyncsshTransport

    def to(self, server: Server | int, *, trust: bool = True, **settings) -> Client:
        """The same client for a server; its keys are put into known_hosts unless told otherwise."""
        port = server if isinstance(server, int) else server.port
        if trust and isinstance(server, Server):
            with self.options.user_known_hosts[0].open("a") as file:
                file.write(server.known())
        self.target = replace(self.target, ssh=replace(self.target.ssh, port=port, **settings))
        return self

    def using(self, **options) -> Client:
        """The same client with other options."""
        self.options = replace(self.options, **options)
        return self

    def secrets(self, **secrets) -> Client:
        """The same client with passwords."""
        return self.using(secrets=Secrets(Credentials(**secrets)))

    def becoming(self, become: Become | None) -> Client:
        """The same client with an escalation."""
        self.target = replace(self.target, become=become)
        return self

    def ask(self, bundle=None) -> Outcome:
        """What becomes of the host."""
        return self.ask_all([self.target], bundle)[0]

    def ask_all(self, targets, bundle=None) -> list[Outcome]:
        """What becomes of several hosts at once, over one transport."""

        async def together() -> list[Outcome]:
            transport = self.make(self.options)
            try:
                return await asyncio.gather(*(contact(transport, target, bundle) for target in targets))
            finally:
                await transport.close()

        return asyncio.run(together())


@pytest.fixture
def client(tmp_path, keys):
    """A client that logs in as whoever runs the tests, with the user key, and trusts what its known_hosts has."""
    notices: list[str] = []
    known_hosts = tmp_path / "known_hosts"
    known_hosts.touch()
    options = TransportOptions(
        user_known_hosts=(known_hosts,), limits=SHORT, use_ssh_config=False, notice=notices.append
    )
    settings = SshSettings(user=local_user(), identity_files=(str(keys.user),))
    return Client(options, Target(name="web1", address="127.0.0.1", ssh=settings), notices)


@pytest.fixture(scope="session")
def kit():
    """The functions of this file that tests call themselves: test folders are no packages to import from."""
    return SimpleNamespace(
        public=public, free_port=free_port, hello=hello, eventually=eventually, descendants=descendants,
        running=running, arguments=arguments, keygen=keygen, program=_program, contact=contact, limits=SHORT,
        Secrets=Secrets,
    )  # fmt: skip

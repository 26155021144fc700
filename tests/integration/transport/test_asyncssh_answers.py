"""Servers that misbehave once the session is open, played by asyncssh itself and by a proxy in between."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncssh
import pytest

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.contact import Exit, Limits
from netaudit.transport.asyncssh_transport import AsyncsshTransport

QUICK = Limits(connect_s=5.0, auth_s=1.0, first_byte_s=0.7, host_s=3.0)


class Counting:
    """A sink that is never satisfied, and gives up beyond a bound."""

    def __init__(self, most: int = 2**20) -> None:
        self.most, self.total = most, 0

    def feed(self, _stream, data: bytes) -> bool:
        """Count."""
        self.total += len(data)
        if self.total > self.most:
            raise WorldError(ErrorKind.OUTPUT_TOO_LARGE, "too much", phase=Phase.ANSWER)
        return False


@asynccontextmanager
async def playing(handler, keys, **options):
    """An asyncssh server whose sessions are run by ``handler``; its port."""
    server = await asyncssh.create_server(
        options.pop("server", asyncssh.SSHServer), "127.0.0.1", 0, server_host_keys=[str(keys.host)],
        authorized_client_keys=f"{keys.user}.pub", process_factory=handler, encoding=None, **options,
    )  # fmt: skip
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture
def play(client, keys, kit):
    """Runs one payload against a handler: the exit, or the error, and the sink."""

    def run(handler, sink=None, limits=QUICK, **options):
        sink = sink or Counting()

        async def both():
            async with playing(handler, keys, **options) as port:
                client.using(limits=limits).to(port, trust=False)
                client.options.user_known_hosts[0].write_text(f"[127.0.0.1]:{port} {kit.public(keys.host)}\n")
                transport = AsyncsshTransport(client.options)
                try:
                    session = await transport.open(client.target)
                    try:
                        async with asyncio.timeout(limits.host_s):
                            return await session.run(kit.hello(), sink)
                    finally:
                        await session.close()
                except (WorldError, TimeoutError) as error:
                    return error
                finally:
                    await transport.close()

        return asyncio.run(both()), sink

    return run


async def endless(process) -> None:
    """Output without end."""
    while True:
        process.stdout.write(b"y\n" * 32768)
        await process.stdout.drain()


async def endless_errors(process) -> None:
    """Errors without end, and without a newline."""
    while True:
        process.stderr.write(b"e" * 65536)
        await process.stderr.drain()


async def nothing(process) -> None:
    """Accepts the command and says nothing."""
    await asyncio.sleep(60)


async def trickle(process) -> None:
    """A byte now and then."""
    while True:
        process.stdout.write(b".")
        await asyncio.sleep(0.05)


async def hung_up(process) -> None:
    """Half an answer, then the connection is cut."""
    await process.stdin.read(2**20)
    process.stdout.write(b"half")
    await process.stdout.drain()
    process.channel.get_connection().abort()


async def hangs_up(process) -> None:
    """Half an answer, then an orderly disconnect."""
    await process.stdin.read(2**20)
    process.stdout.write(b"half")
    await process.stdout.drain()
    process.channel.get_connection().close()


async def no_status(process) -> None:
    """Closes the channel without saying how it ended."""
    await process.stdin.read(2**20)
    process.stdout.write(b"half")
    process.close()


async def signalled(process) -> None:
    """Ends by a signal whose message holds an escape."""
    await process.stdin.read(2**20)
    process.stdout.write(b"half")
    process.channel.exit_with_signal("KILL", False, "\x1b[31mkilled")


@pytest.mark.parametrize("handler", [endless, endless_errors])
def test_output_without_end(play, handler):
    """The sink's bound ends it; what was taken stays near the bound."""
    error, sink = play(handler)
    assert error.kind is ErrorKind.OUTPUT_TOO_LARGE
    assert sink.total < sink.most + 2**18


def test_not_a_byte(play):
    """The limit of the first byte."""
    error, _ = play(nothing)
    assert (error.kind, error.phase) == (ErrorKind.TIMEOUT, Phase.SESSION)


def test_a_channel_is_closed_when_its_limit_is_reached(client, keys, kit):
    """The connection may stay: what ran on it is told that nobody listens."""
    told = []

    async def waits(process) -> None:
        """Until the channel is closed."""
        await process.wait_closed()
        told.append("closed")

    async def watched():
        async with playing(waits, keys) as port:
            client.using(limits=replace(QUICK, first_byte_s=0.2)).to(port)
            client.options.user_known_hosts[0].write_text(f"[127.0.0.1]:{port} {kit.public(keys.host)}\n")
            transport = AsyncsshTransport(client.options)
            session = await transport.open(client.target)
            with pytest.raises(WorldError):
                await session.run(kit.hello(), Counting())
            async with asyncio.timeout(10):
                while not told:
                    await asyncio.sleep(0.01)
            await session.close()
            await transport.close()

    asyncio.run(watched())


def test_a_trickle_is_bounded_by_the_host(play):
    """Bytes that keep coming satisfy every idle timer; the limit of the whole host ends it."""
    error, sink = play(trickle, limits=replace(QUICK, host_s=1.0))
    assert isinstance(error, TimeoutError)
    assert sink.total > 2


def test_a_connection_cut_half_way(play):
    """Never a normal end."""
    error, sink = play(hung_up)
    assert (error.kind, error.phase) == (ErrorKind.DISCONNECTED, Phase.ANSWER)
    assert sink.total == 4


@pytest.mark.parametrize("handler", [no_status, hangs_up])
def test_a_channel_closed_without_status(play, handler):
    """The exit says that nothing is known of it; whether the answer is whole is the sink's to say."""
    assert play(handler)[0] == Exit(None)


def test_a_shell_ended_by_a_signal(play):
    """The exit names the signal."""
    assert play(signalled)[0] == Exit(None, "KILL")


def test_a_login_that_is_never_decided(play):
    """The limit of the login, told as such."""

    class Slow(asyncssh.SSHServer):
        """Takes its time over every login."""

        async def begin_auth(self, username: str) -> bool:
            """Wait."""
            await asyncio.sleep(60)
            return True

    error, _ = play(nothing, server=Slow)
    assert (error.kind, error.phase) == (ErrorKind.TIMEOUT, Phase.AUTH)


def test_questions_that_are_no_password_are_not_answered(play, client):
    """A server that asks for a code, or for two things at once, gets nothing."""
    asked = []

    class Curious(asyncssh.SSHServer):
        """Asks for more than a password."""

        def public_key_auth_supported(self) -> bool:
            """No."""
            return False

        def kbdint_auth_supported(self) -> bool:
            """Yes."""
            return True

        def get_kbdint_challenge(self, username, lang, submethods):
            """Two questions."""
            return "", "", "", [("Password: ", False), ("Your mother's name: ", True)]

        def validate_kbdint_response(self, username, responses):
            """Whatever comes."""
            asked.append(responses)
            return False

    client.secrets(password="a secret").to(22, identity_files=())
    error, _ = play(nothing, server=Curious)
    assert asked == []
    assert error.kind is ErrorKind.AUTH_FAILED


def test_a_host_gets_nothing_of_ours(play):
    """A host that asks back for the agent, for X11 or for a forwarded port is refused."""
    answers = []

    async def asks_back(process) -> None:
        """Open every kind of channel towards the client."""
        connection = process.channel.get_connection()
        for opening in (connection.open_agent_connection(), connection.create_x11_connection(asyncssh.SSHUNIXSession)):
            try:
                await opening
                answers.append("opened")
            except (asyncssh.ChannelOpenError, OSError, AttributeError, TypeError) as error:
                answers.append(type(error).__name__)
        process.exit(0)

    play(asks_back)
    assert answers
    assert "opened" not in answers


class Proxy:
    """Sits between client and server: stops forwarding, or spoils a byte."""

    def __init__(self, port: int) -> None:
        self.port, self.frozen, self.spoil = port, False, False

    async def serve(self, reader, writer) -> None:
        """Pass on what comes, both ways."""
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.gather(self._pass(reader, there_writer), self._pass(there_reader, writer, spoils=True))

    async def _pass(self, reader, writer, *, spoils: bool = False) -> None:
        try:
            while data := await reader.read(65536):
                while self.frozen:
                    await asyncio.sleep(0.05)
                if spoils and self.spoil:
                    data = data[:-1] + bytes([data[-1] ^ 1])
                writer.write(data)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@pytest.mark.parametrize("fault", ["frozen", "spoil"])
def test_a_network_that_fails_half_way(client, sshd, kit, monkeypatch, fault):
    """Packets that stop, and bytes that change: the connection is lost, none of the data counts."""
    monkeypatch.setattr("netaudit.transport.asyncssh_options.KEEPALIVE_S", 0.1)
    server = sshd()

    async def through_proxy():
        proxy = Proxy(server.port)
        listener = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        client.options.user_known_hosts[0].write_text(server.known().replace(str(server.port), str(port)))
        client.to(port)
        transport = AsyncsshTransport(client.options)
        task = asyncio.create_task(kit.contact(transport, client.target, kit.hello("echo part; sleep 2; echo more")))
        while len(server.sessions()) < 4:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        setattr(proxy, fault, True)
        outcome = await task
        await transport.close()
        proxy.frozen = False
        listener.close()
        return outcome

    outcome = asyncio.run(through_proxy())
    assert outcome.kind is ErrorKind.DISCONNECTED or outcome.kind is ErrorKind.PROTOCOL
    assert outcome.error.phase is Phase.ANSWER

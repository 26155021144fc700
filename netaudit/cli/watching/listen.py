"""``--listen``: what a watch knows, for Prometheus (``/metrics``) and for whoever looks after it (``/healthz``).

Served by threads of their own from what the last round left, so a slow reader holds up no round. Few readers at once,
each with little time, and nothing of what they send is looked at beyond the first line.
"""

from __future__ import annotations

import errno
import os
import socket
import socketserver
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Protocol, cast

from netaudit.errors import UsageError

_AT_ONCE = 8
_PATIENCE_S = 5.0
_LOOPBACK = "127.0.0.1"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"
_PLAIN = "text/plain; charset=utf-8"


class Told(Protocol):
    """What is served."""

    def metrics(self) -> str:
        """The metrics as they are now."""
        ...

    def health(self) -> tuple[bool, str]:
        """Whether rounds go on, and a line that says so."""
        ...


def parse_address(text: str) -> tuple[str, int]:
    """``PORT``, ``ADDR:PORT`` or ``[ADDR]:PORT``; a port alone listens on the loopback. Raises UsageError."""
    address, colon, port = text.rpartition(":")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    elif ":" in address:
        raise UsageError(f"--listen {text}: an IPv6 address stands in brackets", hint=f"[{address}]:{port}")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536) or (colon and not address):
        raise UsageError(f"--listen {text}: neither PORT nor ADDR:PORT", hint="9116, 127.0.0.1:9116, [::1]:9116")
    return address or _LOOPBACK, int(port)


class Endpoint:
    """The server. Listens once it is made; ``close`` ends it."""

    def __init__(self, text: str, told: Told) -> None:
        address, port = parse_address(text)
        try:
            family, _, _, _, place = socket.getaddrinfo(
                address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_PASSIVE
            )[0]
            self._server = _Server(family, place, told)
        except OSError as error:
            raise UsageError(f"--listen {text}: {_why(error)}", hint=_hint(error)) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True, name="netaudit-listen"
        )
        self._thread.start()

    def close(self) -> None:
        """Listen no more. Readers that are being answered are not waited for."""
        self._server.shutdown()
        self._server.server_close()


def _why(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "that is no address"
    if error.errno == errno.EADDRINUSE:
        return "something else listens there already"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address"
    return error.strerror or str(error)


def _hint(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "ss -ltnp shows what; name another port"
    if error.errno == errno.EACCES:
        return "ports below 1024 are for root"
    return "as in 9116, 127.0.0.1:9116, [::1]:9116"


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Answers a few at once; who comes when all are busy is turned away."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name == "posix"
    request_queue_size = 32

    def __init__(self, family: int, place: tuple[object, ...], told: Told) -> None:
        self.address_family = family
        self.told = told
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        super().__init__(cast("tuple[str, int]", place), _Handler)

    def server_bind(self) -> None:
        """Bind; an IPv6 address means that one alone."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Answer in a thread, if one is free."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Answer, and make room for another."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader that has gone is nobody's fault."""


class _Handler(BaseHTTPRequestHandler):
    """One request, one answer, then the connection is closed."""

    timeout = _PATIENCE_S
    server_version = "netaudit"
    sys_version = ""

    def do_GET(self) -> None:  # the name that http.server looks for
        """Answer."""
        self._answer(*self._found())

    do_HEAD = do_GET  # noqa: N815  # as above

    def _found(self) -> tuple[HTTPStatus, str, str]:
        told = cast(_Server, self.server).told
        path = self.path.partition("?")[0]
        answers: dict[str, Callable[[], tuple[HTTPStatus, str, str]]] = {
            "/metrics": lambda: (HTTPStatus.OK, _METRICS, told.metrics()),
            "/healthz": lambda: _health(*told.health()),
            "/": lambda: (HTTPStatus.OK, _PLAIN, "netaudit watch: /metrics, /healthz\n"),
        }
        return answers.get(path, lambda: (HTTPStatus.NOT_FOUND, _PLAIN, "there are /metrics and /healthz\n"))()

    def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name it has in http.server
        """Nothing is logged."""


def _health(is_well: bool, line: str) -> tuple[HTTPStatus, str, str]:  # noqa: FBT001  # an answer, not a mode
    return (HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE), _PLAIN, f"{line}\n"

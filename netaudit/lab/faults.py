"""The programs that make a lab host lose packets and connections. Run as a script inside its namespaces.

Usage: faults.py SECONDS PROGRAM ARGUMENT…    ends by itself after SECONDS, and with its standard input

Each is bounded in count, rate and time. What listens says ``listening`` once it does.
"""

import contextlib
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator

CONNECTIONS_AT_MOST = 4000


def name_me(name: str) -> None:
    """Give this process the name that ss shows."""
    with open("/proc/self/comm", "w", encoding="ascii") as comm:  # noqa: PTH123  # pathlib would double the start-up
        comm.write(name)


def server(port: str, backlog: str = "128") -> socket.socket:
    """A listening socket; says that it listens."""
    made = socket.create_server(("0.0.0.0", int(port)), backlog=int(backlog))
    print("listening", flush=True)  # noqa: T201  # whoever started it waits for this line
    return made


def forever(pause: float = 1.0) -> Iterator[None]:
    """Turns of a loop with a pause between them; SIGALRM ends the process."""
    while True:
        yield
        time.sleep(pause)


def ports_behind(port: str, count: int) -> range:
    """Ports of a cause's own, as many as it needs: those of the next one begin behind them."""
    first = 12000 + (int(port) % 100) * 200
    return range(first, first + min(count, 200))


def started(host: str, port: str) -> socket.socket:
    """A connection that is being made; nobody waits for it."""
    made = socket.socket()
    made.setblocking(False)
    with contextlib.suppress(BlockingIOError, OSError):
        made.connect((host, int(port)))
    return made


# What runs on the broken host.


def listen(port: str, backlog: str) -> None:
    """Listen and never accept."""
    name_me("shop-stalled")
    held = server(port, backlog)
    while held.fileno() >= 0:
        signal.pause()


def sluggish(port: str, backlog: str) -> None:
    """Accept everything at once, two seconds after the queue was full."""
    name_me("shop-sluggish")
    made = server(port, backlog)
    kept: list[socket.socket] = []
    for _ in forever(0.1):
        waiting = struct.unpack_from("=I", made.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 24)[0]
        if waiting > int(backlog):
            time.sleep(2.0)
            made.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while len(kept) < CONNECTIONS_AT_MOST:
                    kept.append(made.accept()[0])


def starved(port: str, limit: str) -> None:
    """Accept with hardly any descriptors, and keep them all."""
    name_me("shop-starved")
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(limit), int(limit)))
    made = server(port, "8")
    kept: list[socket.socket] = []
    for _ in forever(0.02):
        with contextlib.suppress(OSError):
            kept.append(made.accept()[0])


def unread(port: str) -> None:
    """Accept and never read."""
    name_me("shop-unread")
    made = server(port)
    kept: list[socket.socket] = []
    while len(kept) < CONNECTIONS_AT_MOST:
        kept.append(made.accept()[0])
    signal.pause()


def leak(port: str) -> None:
    """Accept, read to the end, and never close."""
    name_me("shop-leaky")
    made = server(port)
    kept: list[socket.socket] = []
    while len(kept) < CONNECTIONS_AT_MOST:
        one, _ = made.accept()
        kept.append(one)
    signal.pause()


def hangup(port: str) -> None:
    """Accept, wait until something has come, and close without reading it."""
    name_me("shop-hangup")
    made = server(port)
    while True:
        one, _ = made.accept()
        select.select([one], [], [], 1)
        one.close()


def closefirst(port: str) -> None:
    """Accept, answer and close, so that TIME_WAIT is here."""
    name_me("shop-closing")
    made = server(port)
    while True:
        one, _ = made.accept()
        with contextlib.suppress(OSError):
            one.sendall(b"bye")
        one.close()


def shrink(port: str) -> None:
    """Accept, let some data come, then leave the socket hardly any memory for it."""
    name_me("shop-shrunk")
    made = server(port)
    kept: list[socket.socket] = []
    while len(kept) < CONNECTIONS_AT_MOST:
        one, _ = made.accept()
        time.sleep(0.5)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        kept.append(one)
    signal.pause()


def drain(port: str) -> None:
    """Accept and read everything, as a server in order does."""
    name_me("shop-drain")
    made = server(port)
    made.setblocking(False)
    open_now = {}
    poll = select.poll()
    poll.register(made, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == made.fileno():
                with contextlib.suppress(BlockingIOError):
                    one, _ = made.accept()
                    open_now[one.fileno()] = one
                    poll.register(one, select.POLLIN)
                continue
            data = b""
            with contextlib.suppress(OSError):
                data = open_now[fd].recv(262144)
            if not data:
                poll.unregister(fd)
                open_now.pop(fd).close()


def retire(port: str, count: str) -> None:
    """Listen at many ports from this one on, and close one after the other, one every second."""
    name_me("shop-retiring")
    held = [socket.create_server(("0.0.0.0", place), backlog=8) for place in ports_behind(port, int(count))]
    print("listening", flush=True)  # noqa: T201  # as above
    for _ in forever():
        if held:
            held.pop(0).close()


def sink(port: str, buffer_bytes: str) -> None:
    """Bind a UDP port with a small buffer and never read."""
    name_me("shop-udp")
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, int(buffer_bytes))
    made.bind(("0.0.0.0", int(port)))
    print("listening", flush=True)  # noqa: T201  # as above
    signal.pause()


def answer(port: str) -> None:
    """Send datagrams back."""
    name_me("shop-answer")
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.bind(("0.0.0.0", int(port)))
    print("listening", flush=True)  # noqa: T201  # as above
    while True:
        data, sender = made.recvfrom(2048)
        with contextlib.suppress(OSError):
            made.sendto(data, sender)


def swallow(port: str) -> None:
    """Take datagrams as fast as can be, behind a large buffer."""
    name_me("shop-swallow")
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, 33, 64 * 2**20)  # SO_RCVBUFFORCE
    made.bind(("0.0.0.0", int(port)))
    print("listening", flush=True)  # noqa: T201  # as above
    room = bytearray(64)
    while True:
        made.recv_into(room)


# What sends, on either side.


def burst(host: str, port: str, count: str, every: str) -> None:
    """Start so many connections at once, again and again; at most a thousand are open."""
    name_me("shop-burst")
    kept: list[socket.socket] = []
    for _ in forever(float(every)):
        kept += [started(host, port) for _ in range(int(count))]
        while len(kept) > 1000:
            kept.pop(0).close()


def dial(host: str, port: str, rate: str, close: str) -> None:
    """Open connections one after the other; ``close`` is now, send (something first), or keep."""
    name_me("shop-dial")
    kept: list[socket.socket] = []
    for _ in forever(1 / float(rate)):
        one = started(host, port)
        select.select([], [one], [], 0.3)
        if close in {"send", "keepsend"}:
            with contextlib.suppress(OSError):
                one.sendall(b"hello")
        if close == "late":  # a client that closes with data unread would reset the connection
            with contextlib.suppress(OSError):
                one.recv(100)
        if close in {"keep", "keepsend"} and len(kept) < CONNECTIONS_AT_MOST:
            kept.append(one)
        elif close == "late":
            kept.append(one)
            if len(kept) > 3:
                kept.pop(0).close()
        else:
            one.close()


def dialgone(host: str, port: str, rate: str) -> None:
    """Connect to the port that ``retire`` closed some seconds ago."""
    name_me("shop-dialgone")
    begun = time.monotonic()
    for _ in forever(1 / float(rate)):
        place = int(time.monotonic() - begun) - 4
        if place >= 0:
            one = started(host, str(ports_behind(port, 200)[min(place, 199)]))
            select.select([], [one], [], 0.1)
            one.close()


def send(host: str, port: str, rate_kbytes: str) -> None:
    """Send over one connection, at most so many kilobytes a second; connect again when it ends."""
    name_me("shop-send")
    step = max(1, int(float(rate_kbytes) * 1024 / 20))
    while True:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=5) as one:
            one.settimeout(None)
            while True:
                one.sendall(b"x" * step)
                time.sleep(0.05)
        time.sleep(0.3)


def hum(host: str, port: str, rate_kbytes: str) -> None:
    """Send over one connection in four portions a second, as hosts do that have a little to say; wakes up rarely."""
    name_me("shop-hum")
    portion = b"x" * int(float(rate_kbytes) * 256)
    while True:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=5) as one:
            one.settimeout(None)
            for _ in forever(0.25):
                one.sendall(portion)
        time.sleep(1)


def pour(host: str, port: str) -> None:
    """Two parts over a new connection every two seconds, with a pause between them: for a buffer that shrinks."""
    name_me("shop-pour")
    kept: list[socket.socket] = []
    for _ in forever(2.0):
        one = started(host, port)
        select.select([], [one], [], 0.5)
        with contextlib.suppress(OSError):
            one.send(b"x" * 20000)
            time.sleep(0.8)
            one.send(b"x" * 300000)
        kept.append(one)
        if len(kept) > 20:
            kept.pop(0).close()


def datagrams(host: str, port: str, rate: str, size: str, source: str = "") -> None:
    """Datagrams at a rate, in portions of ten milliseconds."""
    name_me("shop-datagrams")
    made = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(4)]
    for one in made:
        one.setblocking(False)
        if source:
            one.bind((source, 0))
    data = b"x" * int(size)
    each = max(1, int(rate) // 100)
    for _ in forever(max(0.01, 1 / int(rate))):
        for place in range(each):
            with contextlib.suppress(OSError):
                made[place % 4].sendto(data, (host, int(port)))


def big(host: str, port: str, rate: str, size: str) -> None:
    """Datagrams that must not be fragmented, whatever is known of the way."""
    name_me("shop-big")
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_IP, 10, 3)  # IP_MTU_DISCOVER, IP_PMTUDISC_PROBE
    for _ in forever(1 / int(rate)):
        with contextlib.suppress(OSError):
            made.sendto(b"x" * int(size), (host, int(port)))


def scatter(network: str, rate: str) -> None:
    """Datagrams to so many addresses from this one on, one after the other: nobody is there."""
    name_me("shop-scatter")
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.setblocking(False)
    first = struct.unpack("!I", socket.inet_aton(network))[0]
    place = 0
    for _ in forever(1 / float(rate)):
        place = (place + 1) % 6
        with contextlib.suppress(OSError):
            made.sendto(b"x", (socket.inet_ntoa(struct.pack("!I", first + place)), 9))


def flows(host: str, port: str, network: str, count: str, rate: str) -> None:
    """Datagrams from so many sources at once, then new ones at a rate: each is a flow of its own."""
    name_me("shop-flows")
    first = struct.unpack("!I", socket.inet_aton(network))[0]
    made = []
    for _ in range(20):
        one = socket.socket(type=socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_IP, 15, 1)  # IP_FREEBIND
        one.bind(("", 0))
        made.append(one)
    wanted = int(count)

    def tell(number: int) -> None:
        one = made[number // 16384 % 20]
        source = struct.pack("!I4s4s", 0, struct.pack("!I", first + number % 16384), bytes(4))
        with contextlib.suppress(OSError):
            one.sendmsg([b"x"], [(socket.IPPROTO_IP, 8, source)], 0, (host, int(port)))  # IP_PKTINFO

    for number in range(wanted):
        tell(number)
    number = wanted
    for _ in forever(0.01):
        for _ in range(max(1, int(rate) // 100)):
            tell(number)
            number += 1


def badsums(source: str, host: str, port: str, rate: str) -> None:
    """UDP and TCP with checksums that are wrong."""
    name_me("shop-badsums")
    udp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    tcp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    for one in (udp, tcp):
        one.bind((source, 0))
    for _ in forever(1 / float(rate)):
        with contextlib.suppress(OSError):
            udp.sendto(struct.pack("!HHHH", 4444, int(port), 12, 0xBEEF) + b"data", (host, 0))
            tcp.sendto(struct.pack("!HHIIBBHHH", 4444, int(port), 1, 0, 0x50, 2, 1024, 0xBEEF, 0), (host, 0))


def acklost(host: str, port: str, first: str, second: str) -> None:
    """Fill a queue, then let connections come whose last ACK is held back for a moment, again and again."""
    name_me("shop-acklost")
    rule = f"add rule ip faults out ip daddr {host} tcp dport {port} tcp flags & (syn|ack|psh|fin|rst) == ack drop\n"
    kept = [started(host, port) for _ in range(int(first))]
    time.sleep(0.3)
    for _ in forever(2.5):
        subprocess.run(["nft", "-f", "-"], input=rule.encode(), check=False)
        kept += [started(host, port) for _ in range(int(second))]
        time.sleep(0.4)
        subprocess.run(["nft", "flush", "chain", "ip", "faults", "out"], check=False)
        if len(kept) > 600:
            break
    signal.pause()


def flood(host: str, port: str) -> None:
    """As many datagrams as this CPU can send, for a second of every four."""
    name_me("shop-flood")
    made = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(12)]
    for one in made:
        one.connect((host, int(port)))
        one.setblocking(False)
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, {0})
    for _ in forever(3.0):
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            for one in made:
                for _ in range(50):
                    with contextlib.suppress(OSError):
                        one.send(b"x")


def main() -> None:
    """Run one of the programs; its end is in the hands of the clock and of whoever holds its standard input."""
    seconds, program, *arguments = sys.argv[1:]
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.alarm(int(float(seconds)) + 1)
    parent = os.getpid()
    if os.fork() == 0:
        # The child waits for the end of standard input and takes its parent along.
        signal.alarm(int(float(seconds)) + 2)
        name_me("shop-watch")
        os.read(0, 1)
        if os.getppid() == parent:
            os.kill(parent, signal.SIGKILL)
        os._exit(0)
    globals()[program](*arguments)


if __name__ == "__main__":
    main()

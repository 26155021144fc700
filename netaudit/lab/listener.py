"""A process of a lab host: listens on the ports it is told and never accepts. Run as a script, imports little.

Usage: listener.py NAME BACKLOG PORT [PORT ...]
"""

import signal
import socket
import sys

name, backlog, *ports = sys.argv[1:]
with open("/proc/self/comm", "w", encoding="ascii") as comm:  # noqa: PTH123  # pathlib would double the start-up
    comm.write(name)
sockets = [socket.create_server(("0.0.0.0", int(port)), backlog=int(backlog)) for port in ports]
print("listening", flush=True)  # noqa: T201  # the host's init waits for this line
signal.pause()

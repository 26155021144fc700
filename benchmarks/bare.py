"""The reference: asyncssh and nothing else. Streams one payload to each host and reads until the answer is whole.

Usage: bare.py PAYLOAD KEY KNOWN_HOSTS FORKS ADDRESS...
"""

import asyncio
import re
import sys
from pathlib import Path

import asyncssh


async def one(address: str, payload: bytes, done: bytes, options: asyncssh.SSHClientConnectionOptions) -> int:
    async with (
        asyncssh.connect(address, options=options) as connection,
        connection.create_process("exec /bin/sh -s", encoding=None, stderr=asyncssh.DEVNULL) as process,
    ):
        process.stdin.write(payload)
        got = b""
        while done not in got[-200:]:
            data = await process.stdout.read(1 << 16)
            if not data:
                raise SystemExit(f"{address}: cut")
            got += data
        process.channel.abort()
        return len(got)


async def main(payload: bytes, key: str, known_hosts: str, forks: str, *addresses: str) -> None:
    nonce = re.search(rb"nonce=([0-9a-f]{32})", payload)
    assert nonce
    done = b"@netaudit " + nonce[1] + b" out done"
    options = asyncssh.SSHClientConnectionOptions(
        username="root", client_keys=[key], known_hosts=known_hosts, config=None, agent_path=None,
        compression_algs=["none"], preferred_auth="publickey",
    )  # fmt: skip
    slots = asyncio.Semaphore(int(forks))

    async def bounded(address: str) -> int:
        async with slots:
            return await one(address, payload, done, options)

    sizes = await asyncio.gather(*map(bounded, addresses))
    print(f"{len(sizes)} hosts, {sum(sizes)} bytes")


asyncio.run(main(Path(sys.argv[1]).read_bytes(), *sys.argv[2:]))

"""The way to the sandbox Braze: a plain forwarder of connections that can be shut, as a load balancer that is gone."""

import asyncio
import contextlib
import threading
from typing import Any


class Gateway:
    """Listens on the loopback, in a thread of its own."""

    def __init__(self, port: int, to_port: int) -> None:
        self.port, self._to_port = port, to_port
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos-gateway", daemon=True)
        self._thread.start()
        self.open()

    def open(self) -> None:
        """Take connections."""
        self._run(self._open())

    def shut(self) -> None:
        """Refuse connections, and reset those that are there."""
        self._run(self._shut())

    def cut(self) -> int:
        """Reset every connection, and go on; returns how many there were."""
        return int(self._run(self._cut()))

    def end(self) -> None:
        """For good."""
        self.shut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._cut()

    async def _cut(self) -> int:
        found = list(self._writers)
        for writer in found:
            writer.transport.abort()
        await asyncio.sleep(0.05)
        return len(found) // 2

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
            both = {writer, other_writer}
            self._writers |= both
            try:
                await asyncio.gather(_pump(reader, other_writer), _pump(other_reader, writer))
            finally:
                self._writers -= both
                other_writer.transport.abort()
        writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        if not writer.transport.is_closing():
            writer.write_eof()

"""The thread of the connections: one asyncio loop that runs them until they are stopped, or one of them is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from threading import Lock, Thread

from tickstock_cli.vendors.polygon.connection import FeedConnection


class ConnectionsThread:
    """Runs connections. An error of one ends all of them cleanly; ``error`` has it.

    Parameters
    ----------
    connect
        Returns the connections; called on the loop.
    ended
        Called at the end, in the thread.
    """

    def __init__(self, connect: Callable[[], Sequence[FeedConnection]], ended: Callable[[], None]) -> None:
        self.connections: Sequence[FeedConnection] = ()
        self.error: BaseException | None = None
        self._connect = connect
        self._ended = ended
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = False
        self._thread = Thread(target=self._run, name="tickstock-polygon", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, *, cleanly: bool = True) -> None:
        """End all connections, cleanly or at once. Safe in any thread; never blocks; idempotent."""
        with self._lock:
            self._stopped = True
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._stop_all, cleanly)

    def wait(self, seconds: float) -> None:
        """Wait for the end of the thread for so many seconds."""
        self._thread.join(seconds)

    def join(self) -> None:
        """Wait for the end of the thread, if it was started."""
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - raised by the reader, after the rows before it
            self.error = error
        finally:
            self._ended()

    async def _main(self) -> None:
        self.connections = self._connect()
        with self._lock:
            self._loop = asyncio.get_running_loop()
            if self._stopped:
                self._stop_all()
        try:
            await asyncio.gather(*(self._keep(connection) for connection in self.connections))
        finally:
            with self._lock:
                self._loop = None

    async def _keep(self, connection: FeedConnection) -> None:
        try:
            await connection.run()
        except BaseException as error:  # noqa: BLE001 - the first error is that of the feed
            self.error = self.error or error
            self._stop_all()

    def _stop_all(self, cleanly: bool = True) -> None:
        for connection in self.connections:
            connection.stop(cleanly=cleanly)

"""Control of a running replay, from another thread: stop, pause, step, speed."""

from __future__ import annotations

from threading import Event, Lock

from tickstock_cli.core.batch import MergedBatch

SLOWEST, FASTEST = 1e-3, 1e6
"""The range of speeds that keys can set."""


class Control:
    """The commands of a user to a run. Drivers check them between batches; ``changed`` wakes a waiting driver."""

    def __init__(self, speed: float | None = None) -> None:
        self.changed = Event()
        self._lock = Lock()
        self._stopped = False
        self._paused = False
        self._steps = 0
        self._speed = speed
        self._target: int | None = None
        self._stepped: MergedBatch | None = None

    @property
    def stopped(self) -> bool:
        """Whether the run should end early."""
        return self._stopped

    @property
    def paused(self) -> bool:
        """Whether the user paused the run."""
        return self._paused

    @property
    def speed(self) -> float | None:
        """Times recorded time; None is flat out."""
        return self._speed

    @property
    def target(self) -> int | None:
        """Target of a seek, recorded time in ns UTC: rows before it are fed flat out. None: no seek."""
        return self._target

    @property
    def stepped(self) -> MergedBatch | None:
        """The row of the last step in this pause."""
        return self._stepped

    def stop(self) -> None:
        """End the run after the current batch."""
        self._set(stopped=True)

    def toggle_pause(self) -> None:
        """Pause, or resume."""
        self._set(paused=not self._paused)

    def pause(self) -> None:
        """Pause the market."""
        self._set(paused=True)

    def resume(self) -> None:
        """Resume the market."""
        self._set(paused=False)

    def set_speed(self, speed: float) -> None:
        """Set the speed to ``speed`` times recorded time, above 0; a flat-out run stays one."""
        if self._speed is not None:
            self._set(speed=speed)

    def seek(self, target: int) -> None:
        """Move to a recorded time (ns UTC); the run is paced, or paused, from there.

        With snapshots the time may be past. Rows from the snapshot to that time are fed flat out.
        """
        with self._lock:
            self._target = target
            self.changed.set()

    def arrived(self, target: int) -> None:
        """End the seek to ``target``; the driver calls it when the market has reached it."""
        with self._lock:
            if self._target == target:
                self._target = None

    def step(self) -> None:
        """Pause if running; feed one more row."""
        with self._lock:
            self._paused = True
            self._steps += 1
            self.changed.set()

    def multiply_speed(self, factor: float) -> None:
        """Multiply the speed, within 0.001 to 1,000,000 times recorded time, or up to the present speed beyond them."""
        if self._speed is not None:
            slowest, fastest = min(SLOWEST, self._speed), max(FASTEST, self._speed)
            self._set(speed=min(fastest, max(slowest, self._speed * factor)))

    def take_step(self) -> bool:
        """Use up one step, and return whether there was one."""
        with self._lock:
            if not self._steps:
                return False
            self._steps -= 1
            return True

    def let_through(self, row: MergedBatch) -> None:
        """Set the row of the last step."""
        self._stepped = row

    def _set(self, stopped: bool | None = None, paused: bool | None = None, speed: float | None = None) -> None:
        with self._lock:
            self._stopped = self._stopped if stopped is None else stopped
            self._paused = self._paused if paused is None else paused
            self._speed = self._speed if speed is None else speed
            if paused is False:
                self._steps = 0
                self._stepped = None
            self.changed.set()

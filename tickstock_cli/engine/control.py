"""Control of a running replay, from another thread: stop, pause, step, speed."""

from __future__ import annotations

from threading import Event, Lock


class Control:
    """What the user wants of a run. Drivers look here between batches; ``changed`` wakes a waiting driver."""

    def __init__(self, speed: float | None = None) -> None:
        self.changed = Event()
        self._lock = Lock()
        self._stopped = False
        self._paused = False
        self._steps = 0
        self._speed = speed

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

    def stop(self) -> None:
        """End the run after the batch at hand."""
        self._set(stopped=True)

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        self._set(paused=not self._paused)

    def step(self) -> None:
        """Pause if running; let one more row through."""
        with self._lock:
            self._paused = True
            self._steps += 1
            self.changed.set()

    def multiply_speed(self, factor: float) -> None:
        """Go faster or slower, within 0.001 to 1,000,000 times recorded time."""
        if self._speed is not None:
            self._set(speed=min(1e6, max(1e-3, self._speed * factor)))

    def take_step(self) -> bool:
        """Use up one step, if there is one."""
        with self._lock:
            if not self._steps:
                return False
            self._steps -= 1
            return True

    def _set(self, stopped: bool | None = None, paused: bool | None = None, speed: float | None = None) -> None:
        with self._lock:
            self._stopped = self._stopped if stopped is None else stopped
            self._paused = self._paused if paused is None else paused
            self._speed = self._speed if speed is None else speed
            if paused is False:
                self._steps = 0
            self.changed.set()

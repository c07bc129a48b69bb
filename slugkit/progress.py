"""Progress of long work: one line at a time, with the time that is left."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

# What every long-running function takes as its `progress`: called with what is done, the total, and
# a message. `Progress` is one.
ProgressCallback = Callable[[int, int, str], None]


def format_duration(seconds: float) -> str:
    """Return a duration as people say it.

    >>> format_duration(0.4), format_duration(75), format_duration(7500)
    ('0.4 s', '1 min 15 s', '2 h 5 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@dataclass
class Progress:
    """Print how far a piece of work has come, at most once per `interval` seconds.

    Call it as `progress(done, total, message)`.

    Parameters
    ----------
    label
        What is being done; it opens every line.
    interval
        Seconds between two lines; the first and the last are always printed.
    write
        Where a line goes; standard output by default, since whatever an executed notebook puts
        on standard error would fail the build of the book.
    """

    label: str
    interval: float = 10.0
    write: Callable[[str], object] = field(default=lambda line: print(line, flush=True))
    _started: float | None = field(default=None, init=False)
    _first: int = field(default=0, init=False)
    _printed: float = field(default=float("-inf"), init=False)

    def __call__(self, done: int, total: int, message: str = "") -> None:
        now = time.monotonic()
        if self._started is None:
            # Work that resumes starts above zero; only what is done from here on tells the speed.
            self._started, self._first = now, done
        if done < total and now - self._printed < self.interval:
            return
        self._printed = now
        elapsed = now - self._started
        parts = [f"{self.label}: {done}/{total}"]
        if message:
            parts.append(message)
        if done >= total:
            parts.append(f"done in {format_duration(elapsed)}")
        elif done > self._first:
            left = elapsed * (total - done) / (done - self._first)
            parts.append(f"{format_duration(left)} left")
        self.write(", ".join(parts))


def stay_silent(done: int, total: int, message: str = "") -> None:
    """Take the calls of a progress report and print nothing."""

"""A worker at another time: a library that is loaded before all others (clock.c) moves the time of day of `serve` and of
the commands, while all else keeps the real one."""
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


def library(folder):
    """The library, compiled by the compiler that comes with Swift."""
    made = Path(folder) / "clock.so"
    if not made.exists():
        subprocess.run(["clang", "-shared", "-fPIC", "-O1", "-o", made, SOURCE, "-ldl"], check=True)
    return str(made)


class TimeTraveller:
    def __init__(self, worker):
        self.worker = worker
        self.offset = 0

    def set(self, moment):
        """What is started from now on has a clock that shows `moment` now, and goes on from there."""
        self.offset = moment.timestamp() - time.time()
        self.worker.environment |= {
            "LD_PRELOAD": library(self.worker.folder), "OFFSET_MS": str(round(self.offset * 1000))}

    def start_at(self, moment):
        self.set(moment)
        self.worker.start()

    def at(self, real):
        """What the worker's clock showed at a time of ours, in UTC."""
        return datetime.fromtimestamp(real + self.offset, timezone.utc)

    @property
    def now(self):
        return self.at(time.time())

    def sleep_until(self, moment):
        time.sleep(max(0, (moment - self.now).total_seconds()))

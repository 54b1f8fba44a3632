"""A worker at another time: libfaketime gives `serve` and the commands another clock, while all else keeps the real one."""
import glob
import time
from datetime import datetime, timezone


def library():
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    assert found, "libfaketime is not installed: apt-get install faketime"
    return found[0]


class TimeTraveller:
    def __init__(self, worker):
        self.worker = worker
        self.offset = 0

    def set(self, moment):
        """What is started from now on has a clock that shows `moment` now, and goes on from there."""
        self.offset = moment.timestamp() - time.time()
        # Only the time of day is faked, so that limits and sleeps are as they are.
        self.worker.environment |= {
            "LD_PRELOAD": library(), "FAKETIME": f"{self.offset:+.3f}", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}

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

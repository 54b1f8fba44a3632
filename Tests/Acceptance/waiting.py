"""Waiting for what must come true."""
import time


def eventually(condition, timeout=20, every=0.1, what=None):
    """The first true value of `condition()`; fails with `what()` once the time is over."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what() if what else condition}")
        time.sleep(every)

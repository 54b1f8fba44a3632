"""Digests. Not run yet: the program refuses the frequencies daily and weekly."""
import time

from bulletins import bulletin


def test_a_daily_digest_is_not_sent_at_once(worker, publishing, mail):
    region = "35.16"
    worker.subscribe("email", "harian@w.example", [region], frequency="daily")
    publishing.wait(publishing.send(bulletin(regions=[region])), "routed")
    time.sleep(3)
    assert not mail.to("harian@w.example")

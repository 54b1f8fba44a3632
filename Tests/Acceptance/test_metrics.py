"""The metrics: what Prometheus' own checker says of them, and the numbers after a known run."""
import json
import re
import subprocess

from bulletins import bulletin
from deliveries import finished
from waiting import eventually
from worker import PROJECT

PROMTOOL = PROJECT / ".venv/promtool"
LINE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')


def metrics(worker):
    """Values by name and labels: `{("kentongan_ready", ""): 1.0}`."""
    text = worker.get("/metrics").body.decode()
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = LINE.match(line).groups()
            found[name, labels or ""] = float(value)
    return text, found


def test_promtool_finds_nothing(worker):
    text, _ = metrics(worker)
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr + done.stdout, done.stderr + done.stdout


def test_the_numbers_are_right_after_a_known_run(worker, publishing, hooks, mail):
    worker.subscribe("webhook", hooks.url + "/metrics", ["73.71"])
    worker.subscribe("email", "angka@warga.example", ["73.71"])
    _, before = metrics(worker)

    def grown(name, labels=""):
        return metrics(worker)[1].get((name, labels), 0) - before.get((name, labels), 0)

    made = [bulletin() for _ in range(5)]
    for one in made:
        publishing.send(one)
    publishing.send(made[0])
    publishing.send(bulletin(regions=["99.99"]))
    queue = 'queue="kentongan.announcements"'
    eventually(lambda: grown("kentongan_messages_total", queue + ',outcome="accepted",reason="none"') == 5)
    eventually(lambda: grown("kentongan_messages_total", queue + ',outcome="duplicate",reason="none"') == 1)
    eventually(lambda: grown("kentongan_messages_total", queue + ',outcome="rejected",reason="unknown-region"') == 1)
    eventually(lambda: grown("kentongan_bulletins_routed_total") == 5)
    for channel in ("webhook", "email"):
        labels = f'channel="{channel}",outcome="delivered"'
        eventually(lambda: grown("kentongan_deliveries_total", labels) == 5, what=worker.log_tail)
        assert grown("kentongan_send_seconds_count", f'channel="{channel}"') == 5
        assert grown("kentongan_publish_to_delivered_seconds_count", f'channel="{channel}"') == 5
    assert grown("kentongan_deliveries_made_total") == 10
    # Each of the five has accepted, routed and completed; the repeated and the rejected message one receipt each.
    eventually(lambda: metrics(worker)[1]["kentongan_outbox_messages", ""] == 0)
    _, now = metrics(worker)
    assert now["kentongan_consuming", 'queue="kentongan.emergency"'] == 1
    assert now["kentongan_unfinished_deliveries", 'channel="webhook"'] == 0
    assert now["kentongan_oldest_due_seconds", 'channel="webhook"'] == 0
    assert now["kentongan_store_transaction_seconds_count", ""] > 0


def test_the_last_hour_is_there(worker):
    history = json.loads(eventually(lambda: worker.get("/metrics/history").body))
    points = history["kentongan_ready"]
    # The first sample is of the moment of the start, when nothing is ready.
    assert all(value in (0, 1) for _, value in points) and points[0][0] <= points[-1][0]


def test_feeds_are_counted_by_status(worker):
    _, before = metrics(worker)
    assert worker.get("/feeds/73.71.rss").status == 200
    assert worker.get("/feeds/tiada.rss").status == 404
    _, after = metrics(worker)
    for status in ("200", "404"):
        name = "kentongan_feed_requests_total", f'status="{status}"'
        assert after[name] - before.get(name, 0) == 1

"""The deliveries of a bulletin, as `deliveries list` tells of them."""
from bulletins import identity
from waiting import eventually


def rows(worker, bulletin, revision=1):
    return [row for row in worker.listing("deliveries", "list", "--bulletin", identity(bulletin))
            if row["revision"] == revision]


def row(worker, bulletin, revision=1):
    found = rows(worker, bulletin, revision)
    assert len(found) == 1, found
    return found[0]


def finished(worker, bulletin, revision=1, timeout=30):
    """The only delivery of a revision, once it has come to an end."""
    return eventually(
        lambda: next((r for r in rows(worker, bulletin, revision) if r["state"] not in ("pending", "sending")), None),
        timeout=timeout, every=0.5, what=lambda: rows(worker, bulletin, revision))

"""Archived pages of feeds (RFC 5005): who walks them gets each bulletin once it is public, whatever is corrected meanwhile."""
import json

import pytest

import feedrules
from bulletins import after, bulletin
from waiting import eventually

REGION, COUNT = "65.01", 230
CHECKS = {"rss": feedrules.check_rss, "atom": feedrules.check_atom, "json": feedrules.check_json}


@pytest.fixture(scope="module")
def sent(worker, publishing):
    """Others lie between them, so that places have gaps."""
    made = []
    for number in range(COUNT):
        made.append(bulletin(regions=[REGION], title=f"Nomor {number}"))
        publishing.send(made[-1])
        if number % 3 == 0:
            publishing.send(bulletin(regions=["65.02"]))
    last = publishing.send(bulletin(regions=["65.02"]))
    publishing.wait(last, "routed")
    eventually(lambda: len(ids(worker, f"/feeds/{REGION}.json", "json", walk=True)) == COUNT)
    return made


def page(worker, path, form):
    """Its guids, its previous page and the next, as paths; checked."""
    answer = worker.get(path)
    assert answer.status == 200, path
    checked = CHECKS[form](answer.body, worker.url + path)
    if form == "json":
        found = [item["id"] for item in checked["items"]]
        previous, following = checked.get("next_url"), None
    else:
        found = [node.text for node in checked.findall("channel/item/guid") or checked.findall("{*}entry/{*}id")]
        links = feedrules.links(checked.find("channel") if form == "rss" else checked)
        previous, following = (links.get(rel, [None])[0] for rel in ("prev-archive", "next-archive"))
    return found, *(address and address.removeprefix(worker.url) for address in (previous, following))


def pages(worker, path, form):
    """path -> guids, of the feed and its pages."""
    found = {}
    while path:
        assert path not in found, "the pages go in a circle"
        found[path], path, _ = page(worker, path, form)
    return found


def ids(worker, path, form, walk=False):
    return set().union(*(pages(worker, path, form).values() if walk else [page(worker, path, form)[0]]))


def guids(made):
    return {f"urn:kentongan:uji:{each['id']}" for each in made}


@pytest.mark.parametrize("form", CHECKS)
@pytest.mark.parametrize("prefix", ["", "en/"])
def test_the_pages_hold_everything(worker, sent, form, prefix):
    found = pages(worker, f"/feeds/{prefix}{REGION}.{form}", form)
    assert set().union(*found.values()) == guids(sent)
    sizes = [len(page) for page in found.values()]
    assert sizes[0] == 50 and all(size <= 100 for size in sizes[1:]) and len(sizes) <= 10, sizes
    assert list(found.values())[0][0] == f"urn:kentongan:uji:{sent[-1]['id']}"


def test_pages_lead_back(worker, sent):
    path = f"/feeds/{REGION}.atom"
    walked = list(pages(worker, path, "atom"))
    back = [walked[-1]]
    while following := page(worker, back[-1], "atom")[2]:
        back.append(following)
    newest = set(page(worker, path, "atom")[0])
    held = set().union(*(page(worker, each, "atom")[0] for each in back))
    assert held | newest == guids(sent)


def test_a_page_is_as_it_was_whatever_comes(worker, sent, publishing):
    path = f"/feeds/{REGION}.atom"
    before = {name: worker.get(name) for name in pages(worker, path, "atom") if "/archive/" in name}
    oldest = list(before)[-1]
    for number in range(60):
        last = publishing.send(bulletin(regions=[REGION, "65.03"], title=f"Baru {number}"))
    publishing.wait(last, "routed")
    eventually(lambda: len(ids(worker, "/feeds/65.03.atom", "atom", walk=True)) == 60)
    for name, answer in before.items():
        entries = feedrules.check_atom(worker.get(name).body, worker.url + name).findall("{*}entry")
        assert [e.find("{*}id").text for e in entries] == page_ids(answer.body), name
    assert worker.get(oldest).headers["ETag"] == before[oldest].headers["ETag"]
    assert ids(worker, path, "atom", walk=True) >= guids(sent)


def page_ids(body):
    return [node.text for node in feedrules.xml(body).findall("{*}entry/{*}id")]


def test_a_correction_moves_to_the_front_and_a_withdrawal_leaves_a_tombstone(worker, sent, publishing):
    """Of old bulletins, whose pages they leave."""
    path = f"/feeds/{REGION}.atom"
    corrected, withdrawn, expiring = sent[3], sent[5], sent[7]
    publishing.wait(publishing.send(corrected | {"revision": 2, "title": "Ralat"}), "routed")
    publishing.wait(publishing.send(withdrawn | {"revision": 2, "status": "withdrawn"}), "routed")
    publishing.wait(publishing.send(expiring | {"revision": 2, "title": "Sampai nanti", "expiresAt": after(4)}), "routed")
    found = pages(worker, path, "atom")
    newest, *archived = found.values()
    assert next(iter(guids([corrected]))) in newest and not guids([corrected, withdrawn, expiring]) & set().union(*archived)
    root = feedrules.check_atom(worker.get(path).body, worker.url + path)
    assert {stone.get("ref") for stone in root.findall("{*}deleted-entry")} == guids([withdrawn])
    eventually(lambda: not guids([expiring]) & ids(worker, path, "atom", walk=True))
    assert ids(worker, path, "atom", walk=True) >= guids(sent) - guids([withdrawn, expiring])


@pytest.mark.parametrize("window", ["0-1073741824", "1-3", "0-0", "x-y", "0-1.5", "00-01", "1073741824-2147483648"])
def test_what_is_no_page_is_not_found(worker, sent, window):
    assert worker.get(f"/feeds/{REGION}/archive/{window}.atom").status == 404


def test_an_archived_page_may_be_kept_and_says_what_it_is(worker, sent):
    name = list(pages(worker, f"/feeds/{REGION}.rss", "rss"))[-1]
    answer = worker.get(name)
    assert 'rel="current"' in answer.headers["Link"] and 'rel="hub"' not in answer.headers["Link"]
    assert worker.get(name, headers={"If-None-Match": answer.headers["ETag"]}).status == 304
    assert "next_url" not in json.loads(worker.get(name.replace(".rss", ".json")).body)

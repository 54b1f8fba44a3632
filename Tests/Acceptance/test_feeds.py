"""The feeds, read by a feed reader nobody here wrote, and by HTTP's rules."""
import gzip
import html
import json
import xml.etree.ElementTree as ElementTree

import feedparser
import pytest

from bulletins import bulletin, identity
from waiting import eventually

FORMS = ("rss", "atom", "json")
HOSTILE = ["]]>", "<script>alert(1)</script>", "&", "&amp;amp;", "<![CDATA[x", "\"'><", "–“é”🛕", "%00", "{{x}}"]
REGION = "34.71"


@pytest.fixture(scope="module")
def feed(worker, publishing):
    """The region's feeds hold one bulletin for each hostile title."""
    sent = [publishing.send(bulletin(regions=[REGION], title=f"Judul {t}", summary=t, body=f"Isi {t}\n\n{t}")) for t in HOSTILE]
    for correlation in sent:
        publishing.wait(correlation, "routed")
    return worker


def titles(answer, form):
    if form == "json":
        return [item["title"] for item in json.loads(answer.body)["items"]]
    parsed = feedparser.parse(answer.body, response_headers={"content-type": answer.headers["Content-Type"]})
    assert not parsed.bozo, parsed.get("bozo_exception")
    return [entry.title for entry in parsed.entries]


@pytest.mark.parametrize("form", FORMS)
def test_a_feed_is_well_formed_with_hostile_titles(feed, form):
    answer = feed.get(f"/feeds/{REGION}.{form}")
    assert answer.status == 200 and answer.headers["X-Content-Type-Options"] == "nosniff"
    if form == "json":
        shown = titles(answer, form)
        assert all(any(wanted in title for title in shown) for wanted in ("]]>", "<script>", "–“é”🛕")), shown
        return
    root = ElementTree.fromstring(answer.body)
    assert not [node.tag for node in root.iter() if node.tag.lower().endswith("script")]
    nodes = root.findall("channel/item/title" if form == "rss" else "{*}entry/{*}title")
    shown = sorted(html.unescape(node.text) if node.get("type") == "html" else node.text for node in nodes)
    assert shown == sorted("Judul " + t for t in HOSTILE)
    assert len(titles(answer, form)) == len(HOSTILE)


@pytest.mark.parametrize("form, kind", [
    ("rss", "application/rss+xml"), ("atom", "application/atom+xml"), ("json", "application/feed+json")])
def test_a_feed_has_its_media_type(feed, form, kind):
    assert feed.get(f"/feeds/{REGION}.{form}").headers["Content-Type"].split(";")[0] == kind


@pytest.mark.parametrize("form", FORMS)
def test_a_conditional_get_is_answered_with_304(feed, form):
    path = f"/feeds/{REGION}.{form}"
    first = feed.get(path)
    again = feed.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    since = feed.get(path, headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert since.status == 304
    both = feed.get(path, headers={"If-None-Match": '"lain"', "If-Modified-Since": first.headers["Last-Modified"]})
    assert both.status == 200 and both.body == first.body


@pytest.mark.parametrize("form", FORMS)
def test_head_says_what_get_would(feed, form):
    path = f"/feeds/{REGION}.{form}"
    get, head = feed.get(path), feed.get(path, method="HEAD")
    assert head.status == 200 and head.body == b""
    for name in ("ETag", "Content-Type", "Content-Length"):
        assert head.headers[name] == get.headers[name], name


def test_gzip_is_used_where_it_is_asked_for(feed):
    plain, packed = feed.get(f"/feeds/{REGION}.rss"), feed.get(f"/feeds/{REGION}.rss", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and len(packed.body) < len(plain.body)
    assert gzip.decompress(packed.body) == plain.body


@pytest.mark.parametrize("path", [
    "/feeds/99.rss", "/feeds/3471.rss", "/feeds/34.71.pdf", "/feeds/34.71/tiada.rss", "/feeds/../34.71.rss", "/feeds/s/tiada.rss",
    "/feeds/publishers/tiada.atom", "/feeds/%00.rss"])
def test_what_is_unknown_is_not_found(feed, path):
    assert feed.get(path).status in (400, 404)


@pytest.mark.parametrize("form", FORMS)
def test_a_feed_of_a_field_holds_that_field_and_what_lies_under_it(feed, publishing, form):
    region = {"rss": "34.01", "atom": "34.02", "json": "34.03"}[form]
    for title, field in (("induk", "kesehatan"), ("anak", "kesehatan.stunting"), ("lain", "sosial")):
        publishing.wait(publishing.send(bulletin(regions=[region], title=title, fields=[field])), "routed")
    assert sorted(titles(feed.get(f"/feeds/{region}/kesehatan.{form}"), form)) == ["anak", "induk"]
    assert titles(feed.get(f"/feeds/{region}/kesehatan.stunting.{form}"), form) == ["anak"]
    assert sorted(titles(feed.get(f"/feeds/{region}.{form}"), form)) == ["anak", "induk", "lain"]


def test_a_region_hears_its_province_and_its_villages_but_not_its_neighbour(feed, publishing):
    for title, region in (("provinsi", "33"), ("desa", "33.01.01.2001"), ("tetangga", "33.02")):
        publishing.wait(publishing.send(bulletin(regions=[region], title=title)), "routed")
    assert sorted(titles(feed.get("/feeds/33.01.rss"), "rss")) == ["desa", "provinsi"]


def test_a_correction_replaces_and_a_withdrawal_leaves_a_tombstone(feed, publishing):
    region, first = "34.04", bulletin(regions=["34.04"], title="Awal")
    publishing.wait(publishing.send(first), "completed")
    before = {form: feed.get(f"/feeds/{region}.{form}") for form in FORMS}
    publishing.wait(publishing.send(first | {"revision": 2, "title": "Ralat"}), "completed")
    for form in FORMS:
        after = feed.get(f"/feeds/{region}.{form}")
        assert titles(after, form) == ["Ralat"] and after.headers["ETag"] != before[form].headers["ETag"]
    old, new = (feedparser.parse(a.body).entries[0].id for a in (before["rss"], feed.get(f"/feeds/{region}.rss")))
    assert old == new
    publishing.wait(publishing.send(first | {"revision": 3, "title": "Tarik", "status": "withdrawn"}), "completed")
    for form in FORMS:
        assert titles(feed.get(f"/feeds/{region}.{form}"), form) == []
    atom = ElementTree.fromstring(feed.get(f"/feeds/{region}.atom").body)
    assert len(atom.findall("{http://purl.org/atompub/tombstones/1.0}deleted-entry")) == 1


def test_a_publishers_feed_and_a_private_feed(feed, publishing):
    private = feed.subscribe("feed", None, ["32.01"], ["sosial"])[0]["feed"]
    publishing.wait(publishing.send(bulletin(publisher="uji.lain", regions=["32.01"], fields=["sosial"], title="Satu")), "completed")
    publishing.wait(publishing.send(bulletin(publisher="uji.lain", regions=["32.01"], title="Dua")), "routed")
    assert sorted(titles(feed.get("/feeds/publishers/uji.lain.rss"), "rss")) == ["Dua", "Satu"]
    assert titles(feed.get(private), "rss") == ["Satu"]


def test_a_feed_names_itself(feed):
    links = feedparser.parse(feed.get(f"/feeds/{REGION}.atom").body).feed.links
    assert [link.href for link in links if link.rel == "self"] == [f"{feed.url}/feeds/{REGION}.atom"]


def test_a_bulletins_page_shows_text_and_not_markup(feed, publishing):
    made = bulletin(regions=["34"], title="<img src=x onerror=alert(1)>", body="<script>alert(1)</script>\n\n[x](javascript:alert(1))")
    publishing.wait(publishing.send(made), "routed")
    page = eventually(lambda: feed.get(f"/bulletins/{identity(made)}"))
    text = page.body.decode()
    assert page.status == 200 and "<img src=x" not in text and "<script>alert" not in text and 'href="javascript' not in text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]

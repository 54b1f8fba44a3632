"""What the specifications of feeds ask, as checks of a document's bytes that share no code with the program: RSS 2.0 with
the RSS Advisory Board's profile, Atom (RFC 4287) with RFC 5005 and RFC 6721, JSON Feed 1.1, iCalendar (RFC 5545), CAP 1.2."""
import json
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from urllib.parse import urlsplit
from xml.etree import ElementTree

import icalendar

ATOM = "{http://www.w3.org/2005/Atom}"
TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}"
HISTORY = "{http://purl.org/syndication/history/1.0}"
DC = "{http://purl.org/dc/elements/1.1/}"
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
RFC822 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d \+0000")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class SafeHTML(HTMLParser):
    """HTML that may stand in any page: no scripts, handlers, frames or other schemes; what is opened is closed."""

    ALLOWED = {"p", "strong", "em", "a", "ul", "ol", "li", "blockquote", "code", "pre", "br", "hr", *(f"h{n}" for n in range(1, 7))}
    ATTRIBUTES = {("a", "href"), ("a", "title"), ("ol", "start"), ("code", "class")}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open = []
        self.feed(text)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attributes):
        assert tag in self.ALLOWED, f"<{tag}>"
        for name, value in attributes:
            assert (tag, name) in self.ATTRIBUTES, f"<{tag} {name}>"
            if name == "href":
                assert value == "" or urlsplit(value).scheme.lower() in ("http", "https", "mailto"), value
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("br", "hr"):
            assert self.open and self.open.pop() == tag, f"</{tag}>"

    def handle_comment(self, data):
        # libcmark's words for what it leaves out.
        assert data.strip() == "raw HTML omitted", data

    def handle_decl(self, data):
        raise AssertionError(data)

    unknown_decl = handle_pi = handle_decl


def xml(body):
    text = body.decode("utf-8")
    assert text.startswith('<?xml version="1.0" encoding="utf-8"?>') and "<!DOCTYPE" not in text and "<![CDATA[" not in text
    assert not FORBIDDEN.search(text)
    return ElementTree.fromstring(body)


def one(node, tag, optional=False):
    found = node.findall(tag)
    assert len(found) == 1 or optional and not found, f"{len(found)} of {tag}"
    return found[0] if found else None


def text(node, tag, optional=False):
    found = one(node, tag, optional)
    assert found is None or (found.text or "").strip(), f"{tag} is empty"
    return found.text if found is not None else None


def web_url(url):
    parts = urlsplit(url)
    assert parts.scheme in ("http", "https") and parts.netloc and not re.search(r"[\s<>\"]", url), url
    return url


def iri(value):
    assert urlsplit(value).scheme, value
    return value


def time(value):
    assert RFC3339.fullmatch(value), value
    return datetime.fromisoformat(value)


def links(node):
    """rel -> hrefs of a feed's Atom links, checked."""
    found = {}
    seen = set()
    for link in node.findall(f"{ATOM}link"):
        rel, media, language = link.get("rel", "alternate"), link.get("type"), link.get("hreflang")
        iri(link.get("href"))
        assert media is None or MEDIA_TYPE.fullmatch(media), media
        if rel == "alternate":  # RFC 4287, section 4.1.1
            assert (media, language) not in seen, "two alternates of one type and language"
            seen.add((media, language))
        found.setdefault(rel, []).append(link.get("href"))
    for rel in ("self", "current", "prev-archive", "next-archive"):
        assert len(found.get(rel, [])) <= 1, rel
    return found


def page(node, address):
    """RFC 5005, section 4, and WebSub's links: what a page says of itself."""
    found = links(node)
    assert found["self"] == [address], (found["self"], address)
    if "/archive/" in address:
        one(node, f"{HISTORY}archive")
        assert len(found["current"]) == 1 and "hub" not in found
    else:
        assert node.find(f"{HISTORY}archive") is None and len(found["hub"]) == 1 and "current" not in found
    return found


def check_rss(body, address):
    root = xml(body)
    assert root.tag == "rss" and root.get("version") == "2.0"
    channel = one(root, "channel")
    for tag in ("title", "description"):
        text(channel, tag)
    web_url(text(channel, "link"))
    assert re.fullmatch(r"[a-z]{2}", text(channel, "language"))
    if (built := text(channel, "lastBuildDate", optional=True)) is not None:
        assert RFC822.fullmatch(built)
    page(channel, address)
    known = {"title", "link", "description", "language", "lastBuildDate", "generator", "item", f"{ATOM}link", f"{HISTORY}archive"}
    assert {child.tag for child in channel} <= known
    guids = [check_rss_item(item) for item in channel.findall("item")]
    assert len(guids) == len(set(guids))
    return root


def check_rss_item(item):
    known = {"title", "link", "guid", "pubDate", "category", "enclosure", "description", f"{ATOM}updated", f"{DC}creator"}
    assert {child.tag for child in item} <= known
    text(item, "title"), text(item, f"{DC}creator"), web_url(text(item, "link"))
    SafeHTML(text(item, "description"))
    published = text(item, "pubDate")
    assert RFC822.fullmatch(published)
    # Both are when a revision was recorded, of which RFC 822 tells no fraction.
    assert time(text(item, f"{ATOM}updated")).timestamp() >= parsedate_to_datetime(published).timestamp()
    guid = one(item, "guid")
    assert guid.get("isPermaLink") == "false" and guid.text
    for category in item.findall("category"):
        assert category.text and iri(category.get("domain"))
    enclosure = one(item, "enclosure", optional=True)
    if enclosure is not None:
        web_url(enclosure.get("url"))
        assert MEDIA_TYPE.fullmatch(enclosure.get("type")) and re.fullmatch(r"\d+", enclosure.get("length"))
    return guid.text


def check_atom(body, address):
    root = xml(body)
    assert root.tag == f"{ATOM}feed"
    text_construct(one(root, f"{ATOM}title")), iri(text(root, f"{ATOM}id")), time(text(root, f"{ATOM}updated"))
    page(root, address)
    known = {f"{ATOM}{t}" for t in ("title", "subtitle", "id", "updated", "generator", "link", "entry")}
    assert {child.tag for child in root} <= known | {f"{HISTORY}archive", f"{TOMBSTONE}deleted-entry"}
    ids = [check_entry(entry) for entry in root.findall(f"{ATOM}entry")]
    for stone in root.findall(f"{TOMBSTONE}deleted-entry"):  # RFC 6721, section 3
        ids.append(iri(stone.get("ref")))
        time(stone.get("when"))
        text_construct(one(stone, f"{TOMBSTONE}comment"))
    assert len(ids) == len(set(ids)), "an id stands there twice"
    return root


def text_construct(node):
    assert node.get("type") == "text" and len(node) == 0 and node.text, ElementTree.tostring(node)


def check_entry(entry):
    known = {f"{ATOM}{t}" for t in ("title", "id", "published", "updated", "author", "link", "category", "summary", "content")}
    assert {child.tag for child in entry} <= known
    text_construct(one(entry, f"{ATOM}title"))
    assert time(text(entry, f"{ATOM}updated")) >= time(text(entry, f"{ATOM}published"))
    text(one(entry, f"{ATOM}author"), f"{ATOM}name")
    assert "alternate" in links(entry)
    for link in entry.findall(f"{ATOM}link[@rel='enclosure']"):
        web_url(link.get("href"))
        assert link.get("type") and (link.get("length") is None or link.get("length").isdigit())
    for category in entry.findall(f"{ATOM}category"):
        assert category.get("term") and iri(category.get("scheme")) and category.get("label")
    if (summary := one(entry, f"{ATOM}summary", optional=True)) is not None:
        text_construct(summary)
    content = one(entry, f"{ATOM}content")
    assert content.get("type") in ("html", "text") and len(content) == 0 and content.get("src") is None
    if content.get("type") == "html":
        SafeHTML(content.text)
    return iri(text(entry, f"{ATOM}id"))


def check_json(body, address):
    feed = json.loads(body)
    assert feed["version"] == "https://jsonfeed.org/version/1.1" and isinstance(feed["title"], str) and feed["title"]
    assert feed["feed_url"] == address and web_url(feed["home_page_url"]) and isinstance(feed["items"], list)
    known = {"version", "title", "description", "home_page_url", "feed_url", "language", "next_url", "hubs", "items"}
    assert set(feed) <= known
    for hub in feed.get("hubs", []):
        assert set(hub) == {"type", "url"} and hub["type"] == "WebSub" and web_url(hub["url"])
    if "next_url" in feed:
        assert web_url(feed["next_url"]) != address
    ids = []
    for item in feed["items"]:
        assert set(item) <= {"id", "url", "external_url", "title", "content_html", "summary", "date_published",
                             "date_modified", "language", "tags", "authors", "attachments"}
        assert isinstance(item["id"], str) and item["id"] and web_url(item["url"])
        SafeHTML(item["content_html"])
        assert time(item["date_modified"]) >= time(item["date_published"])
        assert all(isinstance(tag, str) and tag for tag in item["tags"])
        assert all(set(author) <= {"name", "url", "avatar"} and author for author in item["authors"])
        for attachment in item.get("attachments", []):
            assert web_url(attachment["url"]) and MEDIA_TYPE.fullmatch(attachment["mime_type"])
            assert isinstance(attachment.get("size_in_bytes", 0), int)
        ids.append(item["id"])
    assert len(ids) == len(set(ids))
    return feed


def check_calendar(body):
    """The calendar as the package icalendar reads it."""
    raw = body.decode("utf-8")
    assert raw.endswith("END:VCALENDAR\r\n") and "\n" not in raw.replace("\r\n", "") and "\r" not in raw.replace("\r\n", "")
    assert all(len(line.encode()) <= 75 for line in raw.split("\r\n"))
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", raw)
    (calendar,) = icalendar.Calendar.from_ical(body, multiple=True)
    assert not calendar.errors and calendar["VERSION"] == "2.0" and calendar["PRODID"]
    uids = []
    for event in calendar.walk("VEVENT"):
        assert not event.errors, event.errors
        for name in ("UID", "DTSTAMP", "DTSTART", "SEQUENCE", "STATUS", "SUMMARY", "URL"):
            assert name in event, name
        start = event.decoded("DTSTART")
        if "DTEND" in event:
            end = event.decoded("DTEND")
            assert type(end) is type(start) and end > start
        for name in ("DTSTAMP", "CREATED", "LAST-MODIFIED"):
            assert event.decoded(name).utcoffset().total_seconds() == 0
        assert not isinstance(start, datetime) or start.utcoffset().total_seconds() == 0
        assert event["STATUS"] in ("CONFIRMED", "CANCELLED") and "METHOD" not in event
        uids.append(str(event["UID"]))
    assert len(uids) == len(set(uids))
    return calendar


# CAP 1.2, section 3.4: (name, least, most, what is allowed), in the schema's order.
MANY = 10**6
CAP_TIME = re.compile(r"\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
CAP_ALERT = [
    ("identifier", 1, 1, re.compile(r"[^ ,<&]+")), ("sender", 1, 1, re.compile(r"[^ ,<&]+")), ("sent", 1, 1, CAP_TIME),
    ("status", 1, 1, {"Actual", "Exercise", "System", "Test", "Draft"}),
    ("msgType", 1, 1, {"Alert", "Update", "Cancel", "Ack", "Error"}), ("source", 0, 1, None),
    ("scope", 1, 1, {"Public", "Restricted", "Private"}), ("restriction", 0, 1, None), ("addresses", 0, 1, None),
    ("code", 0, MANY, None), ("note", 0, 1, None),
    ("references", 0, 1, re.compile(r"[^ ,<&]+,[^ ,<&]+,[^ ,]+( [^ ,<&]+,[^ ,<&]+,[^ ,]+)*")),
    ("incidents", 0, 1, None), ("info", 0, MANY, "info")]
CAP_INFO = [
    ("language", 0, 1, re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")),
    ("category", 1, MANY, {"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"}),
    ("event", 1, 1, None), ("responseType", 0, MANY, None),
    ("urgency", 1, 1, {"Immediate", "Expected", "Future", "Past", "Unknown"}),
    ("severity", 1, 1, {"Extreme", "Severe", "Moderate", "Minor", "Unknown"}),
    ("certainty", 1, 1, {"Observed", "Likely", "Possible", "Unlikely", "Unknown"}), ("audience", 0, 1, None),
    ("eventCode", 0, MANY, "value"), ("effective", 0, 1, CAP_TIME), ("onset", 0, 1, CAP_TIME), ("expires", 0, 1, CAP_TIME),
    ("senderName", 0, 1, None), ("headline", 0, 1, None), ("description", 0, 1, None), ("instruction", 0, 1, None),
    ("web", 0, 1, re.compile(r"https?://\S+")), ("contact", 0, 1, None), ("parameter", 0, MANY, "value"),
    ("resource", 0, MANY, "resource"), ("area", 0, MANY, "area")]
CAP_PARTS = {
    "info": CAP_INFO, "value": [("valueName", 1, 1, None), ("value", 1, 1, None)],
    "resource": [("resourceDesc", 1, 1, None), ("mimeType", 1, 1, MEDIA_TYPE), ("size", 0, 1, re.compile(r"\d+")),
                 ("uri", 0, 1, re.compile(r"https?://\S+")), ("derefUri", 0, 1, None), ("digest", 0, 1, None)],
    "area": [("areaDesc", 1, 1, None), ("polygon", 0, MANY, None), ("circle", 0, MANY, None), ("geocode", 0, MANY, "value"),
             ("altitude", 0, 1, None), ("ceiling", 0, 1, None)]}


def check_cap(body):
    root = xml(body)
    assert root.tag == f"{CAP}alert" and not root.attrib
    check_cap_part(root, CAP_ALERT)
    kind = root.findtext(f"{CAP}msgType")
    assert (root.find(f"{CAP}references") is not None) == (kind in ("Update", "Cancel"))
    return root


def check_cap_part(node, rules):
    names = [child.tag.removeprefix(CAP) for child in node]
    order = [name for name, *_ in rules]
    assert all(name in order for name in names), set(names) - set(order)
    assert names == sorted(names, key=order.index), f"not in the schema's order: {names}"
    for name, least, most, allowed in rules:
        assert least <= names.count(name) <= most, f"{names.count(name)} of {name}"
        for child in node.findall(f"{CAP}{name}"):
            if isinstance(allowed, str):
                check_cap_part(child, CAP_PARTS[allowed])
                continue
            value = child.text or ""
            assert len(child) == 0 and value.strip(), f"{name} is empty"
            if allowed is not None:
                assert value in allowed if isinstance(allowed, set) else allowed.fullmatch(value), f"{name}: {value}"

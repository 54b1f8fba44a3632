"""What the link of a mail ends: all that brings the mail, one subscription, or all of the address."""
import re

import pytest

from bulletins import bulletin

ONE_CLICK = {"Content-Type": "application/x-www-form-urlencoded"}, b"List-Unsubscribe=One-Click"
REGIONS = {}


@pytest.fixture
def district(request):
    """A district of the test's own, below a province that it has alone."""
    return REGIONS.setdefault(request.node.name, ("73.71", "35.78", "33.74", "51.71", "12.71", "16.71")[len(REGIONS)])


class Reader:
    def __init__(self, worker, publishing, mail, address, district):
        self.worker, self.publishing, self.mail, self.address = worker, publishing, mail, address
        self.district = district
        for region in (district, district[:2]):
            worker.subscribe("email", address, [region])
        worker.subscribe("email", address, ["11.71"])

    def send(self, region=None):
        """How many mails there are after one more bulletin."""
        self.publishing.wait(self.publishing.send(bulletin(regions=[region or self.district])), "completed")
        return len(self.mail.to(self.address))

    @property
    def link(self):
        return re.search(r"<(http[^>]*)>", self.mail.to(self.address)[0].message["List-Unsubscribe"]).group(1)

    def post(self, body=ONE_CLICK[1]):
        answer = self.worker.get(self.link, "POST", ONE_CLICK[0], body)
        assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/html")


@pytest.fixture
def reader(worker, publishing, mail, district, request):
    return Reader(worker, publishing, mail, f"{request.node.name.replace('_', '-')[:50]}@w.example", district)


def test_one_click_ends_all_that_brings_the_mail(reader):
    assert reader.send() == 1
    for method in ("GET", "HEAD"):
        assert reader.worker.get(reader.link, method).status == 200
    assert reader.send() == 2
    reader.post()
    assert reader.send() == 2
    assert reader.send("11.71") == 3, "what has nothing to do with the mail goes on"
    reader.post()


def test_an_old_link_without_a_bulletin_ends_what_overlaps(reader):
    assert reader.send() == 1
    old = reader.link.split("?")[0]
    assert reader.worker.get(old, "POST", *ONE_CLICK).status == 200
    assert reader.send() == 1 and reader.send("11.71") == 2


@pytest.mark.parametrize("scope,local,other", [(b"scope=one", 2, 3), (b"scope=all", 1, 1)])
def test_the_page_offers_one_or_all(worker, publishing, mail, district, scope, local, other):
    reader = Reader(worker, publishing, mail, f"{scope[6:].decode()}@w.example", district)
    assert reader.send() == 1
    page = worker.get(reader.link).body.decode()
    assert {"mail", "one", "all"} == set(re.findall(r'name="scope" value="(\w+)"', page))
    reader.post(scope)
    assert reader.send() == local and reader.send("11.71") == other


def test_a_damaged_link_answers_a_person(reader):
    assert reader.send() == 1
    for link in (reader.link.split("?")[0][:-3], reader.link.split("?")[0] + "%3E", reader.worker.url + "/unsubscribe/x"):
        for method in ("GET", "POST"):
            answer = reader.worker.get(link, method, body=b"" if method == "POST" else None)
            assert answer.status == 404 and answer.headers["Content-Type"].startswith("text/html"), link
            assert b"<h1>" in answer.body

"""`publish --dry-run` and intake say the same of the same message: verdict, codes and pointers."""
import json
from types import SimpleNamespace

import pytest

from bulletins import after, bulletin
from worker import Program

MORE_PUBLISHERS = ["uji.kim", "uji.desa", "uji.moderasi"]


def event(data, **attributes):
    return {"specversion": "1.0", "type": "id.kentongan.announcement.v1", "source": "https://a.example/uji",
            "id": "uji-peristiwa"} | attributes | {"data": data}


def without(made, *names):
    return {name: value for name, value in made.items() if name not in names}


PROPOSAL = bulletin(id="usulan", publisher="uji.kim", kind="proposal", regions=["52.03"], fields=["pertanian"],
                    proposal={"state": "submitted"})
HELD = bulletin(id="ditahan", publisher="uji.moderasi", kind="proposal", proposal={"state": "submitted"})
KNOWN = bulletin(id="dikenal", revision=3)
ANSWER = {"inReplyTo": "uji.kim/usulan", "proposal": {"state": "forwarded"}}
PLAIN = bulletin(id="uji-peristiwa")

# Each by its name: what is sent, and the verdict with its pointers, as worked out from the contract.
CASES = {
    "good": (bulletin(), "good"),
    "the same again": (KNOWN, "duplicate"),
    "known with other content": (KNOWN | {"title": "Lain"}, {("stale-revision", "/revision")}),
    "older": (KNOWN | {"revision": 2}, {("stale-revision", "/revision")}),
    "an answer": (bulletin(**ANSWER), "good"),
    "an answer to nothing": (bulletin(**ANSWER | {"inReplyTo": "uji.kim/tiada"}), {("out-of-scope", "/inReplyTo")}),
    "an answer to what is held": (bulletin(**ANSWER | {"inReplyTo": "uji.moderasi/ditahan"}), {("out-of-scope", "/inReplyTo")}),
    "an answer from elsewhere": (bulletin(publisher="uji.desa", regions=["35.07.26.2003"], **ANSWER), {("out-of-scope", "/inReplyTo")}),
    "held": (bulletin(publisher="uji.moderasi"), "good"),
    "scheduled": (bulletin(publishAt=after(3600)), "good"),
    "another's publisher": (bulletin(publisher="uji.lain"), {("publisher-mismatch", "/publisher")}),
    "an unknown publisher": (bulletin(publisher="siapa"), {("unknown-publisher", "/publisher")}),
    "a body too large": (bulletin(body="x" * 70_000), {("schema", "/body")}),
    "a message too large": (bulletin(**{"x-isi": "x" * 300_000}), {("too-large", "")}),
    "a message just small enough": (bulletin(**{"x-isi": "x" * 250_000}), "good"),
    "an event": (event(without(PLAIN, "id", "publisher", "kind")), "good"),
    "an event of a bulletin": (event(bulletin()), "good"),
    "an event without data": (without(event({}), "data"), {("schema", "/data")}),
    "an event of another type": (event(bulletin(), type="org.example.lain"), {("schema", "/type")}),
    "an event that contradicts its bulletin": (event(bulletin(), type="id.kentongan.proposal.v1"), {("schema", "/type")}),
    "an event without a source": (without(event(bulletin()), "source"), {("schema", "/source")}),
    "an event's bulletin is stale": (event(KNOWN | {"revision": 1}), {("stale-revision", "/revision")}),
    "everything at once": (bulletin(title="", regions=["97"], expiresAt="2020-01-01T00:00:00Z"),
                           {("schema", "/title"), ("unknown-region", "/regions/0"), ("expired", "/expiresAt")}),
    "a correction": (KNOWN | {"revision": 4}, "good"),
}
USERS = {"held": "uji.moderasi", "an answer from elsewhere": "uji.desa"}


@pytest.fixture(scope="module")
def known(worker, publishing):
    """The publishers and what the cases build on."""
    worker.register("uji.kim")
    worker.register("uji.desa", regions=["35.07.26.2003"])
    worker.register("uji.moderasi", moderated=True)
    for made in (PROPOSAL, KNOWN):
        publishing.wait(publishing.send(made), "completed")
    publishing.wait(publishing.send(HELD), "held")


def errors(told):
    return {(error["code"], error["path"]) for error in told}


@pytest.fixture(scope="module")
def verdicts(worker, host, publishing, known):
    """First all dry runs, which change nothing, then the messages themselves, by a client that is not ours."""
    rehearsed = {}
    for name, (made, _) in CASES.items():
        user = USERS.get(name, "uji")
        done = worker.command("publish", "--dry-run", "--json", "-", stdin=json.dumps(made).encode(), expect=None,
                              KENTONGAN_AMQP_URL=host.url(user))
        rehearsed[name] = (done.returncode, json.loads(done.stdout))
    real = {}
    for name, (made, _) in CASES.items():
        user = USERS.get(name, "uji")
        is_event = "specversion" in made
        inner = made.get("data", {}) if is_event else made
        key = key_of(inner)
        content_type = "application/cloudevents+json" if is_event else "application/json"
        correlation = publishing.send(json.dumps(made).encode(), user=user, key=key, content_type=content_type)
        receipt = publishing.wait(correlation, "accepted", "duplicate", "rejected")
        real[name] = (receipt["type"].split(".")[3], receipt["data"])
    return SimpleNamespace(rehearsed=rehearsed, real=real)


def key_of(inner):
    return f"{inner.get('kind', 'announcement')}.{inner.get('publisher', 'uji')}"


@pytest.mark.parametrize("name", CASES)
def test_the_dry_run_says_what_intake_does(verdicts, name):
    wanted = CASES[name][1]
    event, data = verdicts.real[name]
    code, told = verdicts.rehearsed[name]
    assert told["unchecked"] == []
    if isinstance(wanted, str):
        assert (event, code, told["valid"]) == ("duplicate" if wanted == "duplicate" else "accepted", 0, True)
        assert (told["outcome"] == "duplicate") == (wanted == "duplicate")
        if event == "accepted":
            assert told["outcome"] == data["state"]
        return
    assert (event, code, told["valid"]) == ("rejected", 2, False)
    assert errors(told["errors"]) == errors(data["errors"]) == wanted
    assert told["reason"] == data["reason"]
    assert [e["message"] for e in told["errors"] if e["code"] != "expired"] == [
        e["message"] for e in data["errors"] if e["code"] != "expired"]


def test_bulletins_of_one_file_are_judged_one_after_the_other(worker, host, known):
    made = bulletin(id="berurutan")
    proposal = bulletin(id="usulan-baru", publisher="uji", kind="proposal", proposal={"state": "submitted"})
    answer = bulletin(**ANSWER | {"inReplyTo": "uji/usulan-baru"})
    lines = [made, made, made | {"title": "Lain"}, made | {"revision": 2}, answer, proposal, answer]
    done = worker.command("publish", "--dry-run", "--json", "-", stdin="\n".join(map(json.dumps, lines)).encode(), expect=2,
                          KENTONGAN_AMQP_URL=host.url("uji"))
    told = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
    assert [row.get("reason", row["outcome"]) for row in told] == [
        "published", "duplicate", "stale-revision", "published", "out-of-scope", "published", "published"]


def test_a_user_may_be_named(worker, host, known):
    made = json.dumps(bulletin(publisher="uji.desa", regions=["35.07.26.2003"])).encode()
    for user, code in (("uji.desa", 0), ("uji", 2)):
        worker.command("publish", "--dry-run", "--user", user, "-", stdin=made, expect=code)


def test_without_a_store_it_says_what_it_did_not_look_at(tmp_path):
    program = Program(tmp_path)
    for made, code in ((bulletin(), 0), (bulletin(regions=["97"]), 2)):
        done = program.command("publish", "--dry-run", "--json", "-", stdin=json.dumps(made).encode(), expect=code)
        told = json.loads(done.stdout)
        assert "store" in told["unchecked"][0] and str(program.store) in done.stderr
        assert "amqp.url" in told["unchecked"][1]
        assert {error["code"] for error in told["errors"]} == ({"unknown-region"} if code else set())
    assert not program.store.exists(), "a dry run makes no store"

"""Webhooks: signatures by libraries that others wrote, rotation, challenges, payloads by their schemas, resending."""
import base64
import copy
import re
import time
from datetime import datetime, timedelta, timezone

import pytest
import svix.webhooks
import standardwebhooks
import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jsonschema import ValidationError
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

import payloads
from bulletins import after, bulletin, identity
from deliveries import finished, row
from waiting import eventually
from worker import PROJECT

SETTINGS = {"KENTONGAN_WEBHOOKS_RETRY": "1,1,1"}
REGIONS = {}
OPENAPI = PROJECT / "config/webhooks.openapi.yaml"
GUIDE = PROJECT / "docs/webhooks.md"


@pytest.fixture
def region(request):
    return REGIONS.setdefault(request.node.name, f"33.{len(REGIONS) + 1:02}")


@pytest.fixture
def path(request):
    return "/" + re.sub(r"\W", "-", request.node.name)


@pytest.fixture
def deliver(worker, publishing, hooks, region, path):
    """Publishes in the test's region; the new request at the test's path."""
    def deliver(**members):
        sent = bulletin(**{"regions": [region]} | members)
        publishing.wait(publishing.send(sent), "completed")
        return hooks.at(path)[-1]
    return deliver


def signatures(hook, version):
    return [one.split(",", 1)[1] for one in hook.headers["webhook-signature"].split() if one.startswith(version + ",")]


def verify_ed25519(hook, public_key):
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    content = f"{hook.id}.{hook.headers['webhook-timestamp']}.".encode() + hook.body
    for signature in signatures(hook, "v1a"):
        try:
            return key.verify(base64.b64decode(signature), content)
        except InvalidSignature:
            pass
    raise AssertionError("no v1a signature is right")


def test_standardwebhooks_and_svix_take_the_signature(worker, hooks, region, path, deliver):
    secret = worker.subscribe("webhook", hooks.url + path, [region])[0]["secret"]
    hook = deliver()
    for library in (standardwebhooks.Webhook, svix.webhooks.Webhook):
        library(secret).verify(hook.body, hook.headers)
        with pytest.raises(Exception, match="(?i)signature"):
            library(secret).verify(hook.body.replace(b"Uji", b"Iju"), hook.headers)
    assert not signatures(hook, "v1a") and "." not in hook.id


def test_ed25519_alone_and_both(worker, hooks, region, path, deliver):
    (made,) = worker.subscribe("webhook", hooks.url + path, [region], signature="v1a")
    assert "secret" not in made and made["signatures"] == ["v1a"]
    hook = deliver()
    verify_ed25519(hook, made["publicKey"])
    assert not signatures(hook, "v1")
    # The receiver counts on what it has, so nothing else changes it.
    worker.command("subscriptions", "add", "--webhook", hooks.url + path, "--region", region, "--signature", "v1", expect=2)
    hook = deliver()
    assert not signatures(hook, "v1")


def test_ed25519_and_hmac_together(worker, hooks, region, path, deliver):
    (made,) = worker.subscribe("webhook", hooks.url + path, [region], signature=["v1", "v1a"])
    hook = deliver()
    verify_ed25519(hook, made["publicKey"])
    assert len(signatures(hook, "v1")) == len(signatures(hook, "v1a")) == 1


def test_while_keys_are_rotated_both_sign(worker, hooks, region, path, deliver):
    (old,) = worker.subscribe("webhook", hooks.url + path, [region], signature=["v1", "v1a"])
    (new,) = worker.rows("subscriptions", "rotate-secret", old["id"], "--overlap", "1")
    assert new["secret"] != old["secret"] and new["publicKey"] != old["publicKey"]
    assert timedelta(minutes=59) < datetime.fromisoformat(new["previousSecretUntil"]) - datetime.now(timezone.utc)
    hook = deliver()
    for keys in (old, new):
        for library in (standardwebhooks.Webhook, svix.webhooks.Webhook):
            library(keys["secret"]).verify(hook.body, hook.headers)
        verify_ed25519(hook, keys["publicKey"])
    assert len(signatures(hook, "v1")) == len(signatures(hook, "v1a")) == 2
    (last,) = worker.rows("subscriptions", "rotate-secret", old["id"], "--overlap", "0")
    hook = deliver()
    hook.verify(last["secret"])
    for keys in (old, new):
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            hook.verify(keys["secret"])


def test_the_store_holds_no_secret(worker, hooks, region, path):
    (made,) = worker.subscribe("webhook", hooks.url + path, [region])
    (new,) = worker.rows("subscriptions", "rotate-secret", made["id"])
    files = [file.read_bytes() for file in worker.folder.iterdir() if file.is_file() and file.suffix != ".key"]
    for secret in (made["secret"], new["secret"]):
        text = secret.removeprefix("whsec_")
        assert not any(text.encode() in file or base64.b64decode(text) in file for file in files)


def test_rotating_what_is_no_webhook_is_refused(worker, region):
    (made,) = worker.subscribe("email", "putar@w.example", [region])
    for number in (made["id"], 999_999):
        worker.command("subscriptions", "rotate-secret", number, expect=2)
        worker.command("subscriptions", "verify", number, expect=2)


def test_an_endpoint_that_is_not_verified_gets_nothing_until_it_echoes(worker, publishing, hooks, region, path):
    (made,) = worker.rows("subscriptions", "add", "--webhook", hooks.url + path, "--region", region, "--verify")
    assert made["state"] == "unverified" and made["verifiedAt"] is None
    publishing.wait(publishing.send(bulletin(regions=[region])), "completed")
    refused = worker.command("subscriptions", "verify", made["id"], expect=2)
    assert "challenge" in refused.stderr
    first, second = hooks.at(path)
    assert {first.json["type"], second.json["type"]} == {"endpoint.verification"}
    assert first.json["data"]["challenge"] != second.json["data"]["challenge"]
    hooks.echoes(path)
    worker.command("subscriptions", "verify", made["id"])
    hooks.at(path)[-1].verify(made["secret"])
    listed = {r["id"]: r for r in worker.listing("subscriptions", "list")}[made["id"]]
    assert listed["state"] == "active" and listed["verifiedAt"]
    publishing.wait(publishing.send(bulletin(regions=[region])), "completed")
    assert [hook.json["type"] for hook in hooks.at(path)] == ["endpoint.verification"] * 3 + ["bulletin.published"]


def test_one_that_echoes_at_once_is_verified_at_once(worker, hooks, region, path, deliver):
    hooks.echoes(path)
    (made,) = worker.rows("subscriptions", "add", "--webhook", hooks.url + path, "--region", region, "--verify")
    assert made["state"] == "active" and made["verifiedAt"]
    assert deliver().json["type"] == "bulletin.published"


@pytest.mark.parametrize("answer", ["wrong", "late", "status"])
def test_a_wrong_echo_verifies_nothing(worker, hooks, region, path, answer):
    def answers(tries):
        challenge = hooks.at(path)[-1].json["data"]["challenge"].encode()
        return {"wrong": (200, {}, challenge[:-1]), "late": (200, {}, b" " * 16384 + challenge),
                "status": (500, {}, challenge)}[answer]
    hooks.answers[path] = answers
    (made,) = worker.rows("subscriptions", "add", "--webhook", hooks.url + path, "--region", region, "--verify")
    assert made["state"] == "unverified"
    worker.command("subscriptions", "verify", made["id"], expect=2)


def test_the_operator_may_vouch_for_it_later(worker, hooks, region, path, deliver):
    worker.rows("subscriptions", "add", "--webhook", hooks.url + path, "--region", region, "--verify")
    (made,) = worker.subscribe("webhook", hooks.url + path, [region])
    assert made["state"] == "active"
    assert deliver().json["type"] == "bulletin.published"


def test_a_life_in_types(worker, publishing, hooks, region, path):
    worker.subscribe("webhook", hooks.url + path, [region])
    original = bulletin(regions=[region])
    withdrawn = original | {"revision": 3, "status": "withdrawn", "note": "Batal."}
    for revision in (original, original | {"revision": 2, "note": "Ralat."}, withdrawn):
        publishing.wait(publishing.send(revision), "completed")
    types = [hook.json["type"] for hook in hooks.at(path)]
    assert types == ["bulletin.published", "bulletin.corrected", "bulletin.withdrawn"]
    assert {hook.json["data"]["url"] for hook in hooks.at(path)} == {f"{worker.url}/bulletins/{identity(original)}"}


def test_an_answer_that_moves_a_proposal_says_so(worker, publishing, hooks, region, path):
    worker.register("uji.kim", kinds=["proposal"])
    worker.subscribe("webhook", hooks.url + path, [region])
    proposal = bulletin(publisher="uji", kind="proposal", regions=[region],
                        proposal={"state": "submitted", "stage": "village"})
    publishing.wait(publishing.send(proposal), "completed")

    def answer(state, **members):
        made = bulletin(**{"publisher": "uji.lain", "regions": [region], "inReplyTo": identity(proposal),
                           "proposal": {"state": state, "stage": "village"}} | members)
        publishing.wait(publishing.send(made), "completed")
        return made, hooks.at(path)[-1].json

    verified, told = answer("verified")
    assert told["type"] == "proposal.changed" and told["data"]["proposal"] == {
        "publisher": "uji", "id": proposal["id"], "from": {"state": "submitted", "stage": "village"},
        "to": {"state": "verified", "stage": "village"}}
    assert answer("verified")[1]["type"] == "bulletin.published"
    _, told = answer("verified", id=verified["id"], revision=2, note="Ejaan.")
    assert told["type"] == "bulletin.corrected"
    forwarded, told = answer("forwarded")
    assert told["data"]["proposal"]["from"]["state"] == "verified"
    publishing.wait(publishing.send(forwarded | {"revision": 2, "status": "withdrawn", "note": "Keliru."}), "completed")
    assert hooks.at(path)[-1].json["type"] == "bulletin.withdrawn"
    # What was taken back does not count.
    assert answer("forwarded")[1]["data"]["proposal"]["from"]["state"] == "verified"


def test_a_thin_payload_has_the_identity_and_a_link(worker, hooks, region, path, deliver):
    secret = worker.subscribe("webhook", hooks.url + path, [region], payload="thin")[0]["secret"]
    hook = deliver(title="Rahasia sampai dibuka", urgency="important")
    hook.verify(secret)
    data = hook.json["data"]
    assert set(data["bulletin"]) == {"publisher", "id", "revision", "status", "kind", "urgency"}
    assert "Rahasia" not in hook.body.decode() and len(hook.body) < 1000
    assert data["match"]["region"] == region and worker.get(data["url"]).status == 200


def test_the_payload_is_a_column(worker, program, tmp_path):
    table = tmp_path / "langganan.csv"
    table.write_text("channel,address,region,field,payload\n"
                     "webhook,https://a.example/h,73,*,thin\nwebhook,https://b.example/h,73,*,\nemail,a@x.example,73,*,\n")
    program.command("subscriptions", "import", table)
    exported = program.command("subscriptions", "export").stdout
    assert [line.split(",")[9] for line in exported.splitlines()] == ["payload", "thin", "full", ""]
    program.command("subscriptions", "import", "-", stdin=exported.encode())
    for wrong in ("webhook,https://c.example/h,73,*,half", "email,b@x.example,73,*,thin"):
        table.write_text(f"channel,address,region,field,payload\n{wrong}\n")
        assert "payload" in program.command("subscriptions", "import", table, expect=2).stderr


def test_what_was_delivered_is_sent_again_under_the_same_id(worker, publishing, hooks, region, path):
    worker.subscribe("webhook", hooks.url + path, [region])
    worker.subscribe("email", "sekali@w.example", [region])
    began = after(0)
    sent = [bulletin(regions=[region]) for _ in range(3)]
    for one in sent:
        publishing.wait(publishing.send(one), "completed")
    ids = [hook.id for hook in hooks.at(path)]
    deliveries = {r["channel"]: r["id"] for r in worker.listing("deliveries", "list", "--bulletin", identity(sent[0]))}
    assert "only what failed" in worker.command("deliveries", "retry", deliveries["webhook"], expect=2).stderr
    worker.command("deliveries", "retry", deliveries["email"], "--state", "delivered", expect=2)
    worker.command("deliveries", "retry", deliveries["webhook"], "--state", "delivered")
    eventually(lambda: len(hooks.at(path)) == 4)
    assert hooks.at(path)[-1].id == ids[0] and hooks.at(path)[-1].body == hooks.at(path)[0].body
    eventually(lambda: not [r for r in worker.listing("deliveries", "list", "--bulletin", identity(sent[0]))
                            if r["state"] != "delivered"])
    again = worker.rows("deliveries", "retry", "--state", "delivered", "--endpoint", hooks.url + path, "--since", began,
                        "--until", after(1))
    assert len(again) == 3 and {r["channel"] for r in again} == {"webhook"}
    eventually(lambda: len(hooks.at(path)) == 7)
    assert sorted(hook.id for hook in hooks.at(path)[-3:]) == sorted(ids)


def test_all_that_failed_since_a_time_is_sent_again(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: 500
    worker.subscribe("webhook", hooks.url + path, [region])
    sent = [bulletin(regions=[region]) for _ in range(2)]
    for one in sent:
        publishing.wait(publishing.send(one), "completed")
    middle = after(0)
    last = bulletin(regions=[region])
    publishing.wait(publishing.send(last), "completed")
    hooks.answers[path] = lambda tries: 204
    again = worker.rows("deliveries", "retry", "--endpoint", hooks.url + path, "--since", middle)
    assert [r["bulletin"] for r in again] == [identity(last)]
    eventually(lambda: row(worker, last)["state"] == "delivered")
    again = worker.rows("deliveries", "retry", "--endpoint", hooks.url + path, "--until", middle)
    assert sorted(r["bulletin"] for r in again) == sorted(map(identity, sent))
    eventually(lambda: {row(worker, one)["state"] for one in sent} == {"delivered"})


def test_a_busy_endpoint_rests_but_for_emergencies(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: (429, {"Retry-After": "8"}) if tries == 0 else 204
    worker.subscribe("webhook", hooks.url + path, [region])
    publishing.send(bulletin(regions=[region]))
    eventually(lambda: hooks.at(path))
    eventually(lambda: [r for r in worker.listing("deliveries", "list", "--endpoint", hooks.url + path) if r["attempts"]])
    other, urgent = bulletin(regions=[region]), bulletin(regions=[region], urgency="emergency")
    publishing.wait(publishing.send(other), "routed")
    publishing.wait(publishing.send(urgent), "completed", timeout=7)
    publishing.wait(publishing.send(bulletin(regions=[region])), "completed")
    asked, emergency, *rest = hooks.at(path)
    assert emergency.bulletin["id"] == urgent["id"]
    assert len(rest) == 3 and min(hook.time for hook in rest) - asked.time >= 7.5
    assert row(worker, other)["attempts"] == 1


# MARK: - What is written down

def test_the_openapi_document_is_valid():
    document = yaml.safe_load(OPENAPI.read_text())
    validate(document, base_uri=OPENAPI.as_uri(), cls=OpenAPIV31SpecValidator)
    assert tuple(document["webhooks"]) == payloads.TYPES
    for name, path in document["webhooks"].items():
        reference = path["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        assert (OPENAPI.parent / reference).name == f"{name}.schema.json"


@pytest.mark.parametrize("name", sorted(payloads.SCHEMAS))
def test_the_schemas_are_schemas(name):
    payloads.validator(name).check_schema(payloads.SCHEMAS[name])


PUBLISHED = {"type": "bulletin.published", "timestamp": "2026-11-23T10:00:00.000Z", "data": {
    "bulletin": bulletin(issuedAt="2026-11-23T17:00:00+07:00"), "url": "https://k.example/bulletins/uji/1",
    "match": {"subscription": 1, "region": "73.71", "field": "*"}}}


def changed(place, value):
    made = copy.deepcopy(PUBLISHED)
    *parents, last = place
    inner = made
    for parent in parents:
        inner = inner[parent]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return made


@pytest.mark.parametrize("place, value", [
    (["type"], "bulletin.corrected"), (["type"], "bulletin.withdrawn"), (["type"], "proposal.changed"),
    (["timestamp"], "yesterday"), (["data", "bulletin"], None), (["data", "bulletin", "title"], None),
    (["data", "bulletin", "revision"], 2), (["data", "bulletin", "status"], "withdrawn"), (["data", "url"], None),
    (["data", "match"], None), (["data", "match", "region"], "7371"), (["data", "proposal"], {})])
def test_the_schemas_refuse_what_is_wrong(place, value):
    payloads.check(PUBLISHED)
    with pytest.raises(ValidationError):
        payloads.check(changed(place, value))


def test_the_guide_s_code_verifies_what_a_worker_sends(worker, hooks, region, path, deliver):
    (made,) = worker.subscribe("webhook", hooks.url + path, [region], signature=["v1", "v1a"])
    hook = deliver()
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.S)
    assert len(blocks) == 2
    for block, key in zip(blocks, (made["secret"], made["publicKey"])):
        names = {}
        exec(block, names)
        assert names["verify"](key, hook.headers, hook.body) == hook.json
        old = hook.headers | {"webhook-timestamp": str(int(time.time()) - 400)}
        for headers, body in ((hook.headers, hook.body + b" "), (old, hook.body)):
            with pytest.raises(ValueError):
                names["verify"](key, headers, body)


def test_the_guide_names_every_type():
    assert [kind for kind in payloads.TYPES if f"`{kind}`" not in GUIDE.read_text()] == []

"""The validator and config/schema/bulletin.schema.json agree, and what the schema cannot say is refused too."""
import json
import random

import pytest
from jsonschema import Draft202012Validator

from bulletins import after, bulletin, samples
from generated import good, mutated
from worker import PROJECT, Program

SHAPE = {"schema", "malformed-json"}
SCHEMA = json.loads((PROJECT / "config/schema/bulletin.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)

NO_JSON = [
    "{", "}", "nol", "{'id': 1}", '{"id": "a",}', '{"id": 01}', '{"id": 1.}', '{"id": .5}', '{"id": NaN}', '{"id": Infinity}',
    '{"id": "\\x"}', '{"id": "\\ud800"}', '{"id": "\\u12"}', '{"id": "a\tb"}', '{"id": 1, "id": 2}', '{"id": 1} x', "// a", "[1, 2",
    '{"a" 1}', "tru", '"a', "-", "[,]", "\u00a0{}", "\ufeff{}", "[" * 5000, '{"a":' * 5000,
]
NO_BULLETIN = ["{}", "[]", "null", "true", "0", '""', '"a"', "[{}]", '{"": {}}']


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """What `publish --dry-run` says of each line. One publisher may say anything, one is of a village, one of a field."""
    program = Program(tmp_path_factory.mktemp("judge"))
    program.command("store", "migrate")
    program.register("uji", emergency=True)
    program.register("desa", regions=["35.07.26.2003"])
    program.command("publishers", "add", "dinkes", "--name", "Dinas Kesehatan", "--amqp-user", "dinkes",
                    "--kind", "announcement", "--region", "73", "--field", "kesehatan")

    def judge(lines):
        # With a good one first, what follows is JSON Lines, however broken.
        stdin = b"".join(line + b"\n" for line in [json.dumps(bulletin()).encode(), *lines])
        done = program.command("publish", "--dry-run", "--json", "-", stdin=stdin, expect=None, timeout=300)
        told = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
        assert len(told) == len(lines) + 1, f"{len(told)} answers to {len(lines)} lines: {done.stderr[-2000:]}"
        assert told.pop(0)["valid"] and all(answer["valid"] == (not answer["errors"]) for answer in told)
        assert done.returncode == (0 if all(answer["valid"] for answer in told) else 2)
        return told

    return judge


def codes(answer):
    return {error["code"] for error in answer["errors"]}


# Of these a schema knows nothing: a body as it renders, and whether one time is before another.
BEYOND_SCHEMA = ("body shows no", "body nests", "body has", "the event ends before")


def shape(answer):
    """The codes of what a schema can say."""
    return {error["code"] for error in answer["errors"] if not error["message"].startswith(BEYOND_SCHEMA)}


def test_generated_good_bulletins_are_good():
    rng = random.Random(1)
    for _ in range(500):
        VALIDATOR.validate(good(rng))


def test_program_and_schema_agree_on_generated_bulletins(judged):
    rng = random.Random(20261123)
    cases = [good(rng) for _ in range(800)] + [mutated(rng, good(rng)) for _ in range(6000)]
    answers = judged([json.dumps(case, ensure_ascii=rng.random() < 0.5).encode() for case in cases])
    wrong = [(case, answer) for case, answer in zip(cases, answers)
             if VALIDATOR.is_valid(case) != SHAPE.isdisjoint(shape(answer))]
    told = "\n".join(f"{[e.message[:200] for e in VALIDATOR.iter_errors(c)]} but {a['errors']}: {str(c)[:1500]}" for c, a in wrong[:5])
    assert not wrong, f"{len(wrong)} of {len(cases)} judged otherwise than by the schema, such as\n{told}"
    refused = sum(not VALIDATOR.is_valid(case) for case in cases)
    assert 2000 < refused < 6000, f"{refused} bad ones among {len(cases)} prove little"


def corpus(name):
    """Tests/Fixtures/bulletins: one case a line."""
    return [json.loads(line) for line in (PROJECT / f"Tests/Fixtures/bulletins/{name}.jsonl").read_text().splitlines()]


def test_the_good_corpus_is_good(judged):
    cases = corpus("good")
    answers = judged([json.dumps(case["bulletin"]).encode() for case in cases])
    for case, answer in zip(cases, answers):
        assert VALIDATOR.is_valid(case["bulletin"]), case["shows"]
        assert SHAPE.isdisjoint(codes(answer)), (case["shows"], answer)


def test_the_bad_corpus_is_refused_at_the_member_that_is_wrong(judged):
    """One wrong member a case; a missing or unknown one is named by the pointer it would have."""
    cases = corpus("bad")
    answers = judged([json.dumps(case["bulletin"]).encode() for case in cases])
    wrong = []
    for case, answer in zip(cases, answers):
        assert not VALIDATOR.is_valid(case["bulletin"]), case["path"]
        places = {error["path"] for error in answer["errors"] if error["code"] == "schema"}
        if case["path"] not in places:
            wrong.append((case["path"], places, str(case["bulletin"])[:200]))
    assert not wrong


def test_what_is_no_json_is_malformed(judged):
    lines = [text.encode() for text in NO_JSON] + [b'{"id": "\xff"}', b"\xff\xfe{\x00}\x00", b'{"id": "\xed\xa0\x80"}', b'"\xc0\xaf"']
    for line, answer in zip(lines, judged(lines)):
        assert codes(answer) == {"malformed-json"}, (line[:40], answer)


def test_what_is_no_bulletin_is_refused_by_the_schema(judged):
    for line, answer in zip(NO_BULLETIN, judged([text.encode() for text in NO_BULLETIN])):
        assert codes(answer) == {"schema"}, (line, answer)


def test_a_body_may_have_64_kib_of_utf8_and_not_a_byte_more(judged):
    bodies = ["x" * 65536, "é" * 32768, "🛕" * 16384, "é" * 32768 + "x", "🛕" * 16384 + "x"]
    answers = judged([json.dumps(bulletin(body=body), ensure_ascii=False).encode() for body in bodies])
    assert [not answer["errors"] for answer in answers] == [True, True, True, False, False]
    assert [(e["code"], e["path"]) for e in answers[3]["errors"]] == [("schema", "/body")]


def test_the_samples_keep_the_schema():
    for name, sample in samples():
        assert VALIDATOR.is_valid(sample), name


SEMANTIC = {
    "unknown province": ({"regions": ["73", "97.01"]}, [("unknown-region", "/regions/1")]),
    "undotted code": ({"regions": ["7371090"]}, [("unknown-region", "/regions/0")]),
    "not a code at all": ({"regions": ["Makassar"]}, [("unknown-region", "/regions/0")]),
    "prefix of a code": ({"regions": ["73.7"]}, [("unknown-region", "/regions/0")]),
    "retired, one successor": ({"regions": ["92.71"]}, []),
    "retired below a recoded regency": ({"regions": ["92.71.01"]}, [("unknown-region", "/regions/0")]),
    "province that still exists": ({"regions": ["91"]}, []),
    "unknown field": ({"fields": ["kesehatan", "kesehatan.gizi-buruk"]}, [("unknown-field", "/fields/1")]),
    "wildcard is no field": ({"fields": ["*"]}, [("unknown-field", "/fields/0")]),
    "expired": ({"expiresAt": "2020-01-01T00:00:00Z"}, [("expired", "/expiresAt")]),
    "not yet expired": ({"expiresAt": after(3600)}, []),
    "unknown publisher": ({"publisher": "siapa"}, [("unknown-publisher", "/publisher")]),
    "region out of scope": ({"publisher": "desa", "regions": ["35.07.26"]}, [("out-of-scope", "/regions/0")]),
    "own region": ({"publisher": "desa", "regions": ["35.07.26.2003"], "fields": ["desa"]}, []),
    "field out of scope": ({"publisher": "dinkes", "fields": ["sosial"]}, [("out-of-scope", "/fields/0")]),
    "field below the scope": ({"publisher": "dinkes", "fields": ["kesehatan.wabah"]}, []),
    "kind out of scope": ({"publisher": "dinkes", "kind": "proposal", "proposal": {"state": "submitted"}}, [("out-of-scope", "/kind")]),
    "emergency without the right": ({"publisher": "dinkes", "urgency": "emergency"}, [("out-of-scope", "/urgency")]),
    "everything at once": (
        {"title": "", "regions": ["97"], "fields": ["ruwet"], "expiresAt": "2020-01-01T00:00:00Z"},
        [("schema", "/title"), ("unknown-region", "/regions/0"), ("unknown-field", "/fields/0"), ("expired", "/expiresAt")]),
}


def test_what_needs_knowledge_of_the_world_is_refused_all_at_once(judged):
    answers = judged([json.dumps(bulletin(**change)).encode() for change, _ in SEMANTIC.values()])
    wrong = {}
    for (name, (_, expected)), answer in zip(SEMANTIC.items(), answers):
        found = [(error["code"], error["path"]) for error in answer["errors"]]
        if sorted(found) != sorted(expected):
            wrong[name] = (found, expected)
    assert not wrong

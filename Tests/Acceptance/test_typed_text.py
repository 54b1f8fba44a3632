"""Texts that people type into commands and registries: what nobody sees is refused by its name, or trimmed."""
import json

import pytest

from bulletins import bulletin

HIDDEN = ["a\r\nb", "a\x1bb", "a\u200bb", "a\u202eb", "a\ufffdb", "a\u2028b", "a\x85b", "", " ", "\u200b", "\u00a0"]


def add(program, slug="uji", name="Uji", user="uji", **options):
    return program.command("publishers", "add", slug, "--name", name, "--amqp-user", user, "--kind", "announcement",
                           "--region", "ID", **options)


@pytest.mark.parametrize("text", HIDDEN)
def test_names_of_publishers_show_what_they_are(program, tmp_path, text):
    for names in ({"name": text}, {"user": text}):
        done = add(program, expect=2, **names)
        assert len(done.stderr.strip().split("\n")) == 1
    path = tmp_path / "penerbit.csv"
    path.write_text(f'publisher,name,region,kinds\nuji,"{text}",ID,announcement\n', newline="")
    program.command("publishers", "import", path, expect=2)
    assert program.listing("publishers", "list") == []


def test_the_character_is_named(program):
    assert "U+200B" in add(program, name="a\u200bb", expect=2).stderr
    assert "U+000D" in add(program, name="a\r\nb", expect=2).stderr


def test_spaces_at_the_ends_of_a_name_are_dropped(program):
    add(program, name=" Desa Pujon Kidul\u00a0")
    assert program.listing("publishers", "list")[0]["name"] == "Desa Pujon Kidul"
    assert "space" in add(program, user="uji ", expect=2).stderr


@pytest.mark.parametrize("option", ["--email", "--owner", "suppress", "--webhook", "--home", "--region", "--field"])
@pytest.mark.parametrize("hidden", ["\u00a0", "\u200b", "\u202e", "\ufffd", "\x85", "\ufeff"])
def test_an_address_with_what_nobody_sees_is_refused(program, option, hidden):
    arguments = {
        "--email": ["subscriptions", "add", "--email", f"a{hidden}b@w.example", "--region", "73"],
        "--owner": ["subscriptions", "add", "--email", "a@w.example", "--region", "73", "--owner", f"b{hidden}c@w.example"],
        "suppress": ["suppressions", "add", f"a{hidden}b@w.example"],
        "--webhook": ["subscriptions", "add", "--webhook", f"https://a.example/{hidden}x", "--region", "73"],
        "--home": ["subscriptions", "add", "--email", "a@w.example", "--region", "73", "--home", f"73{hidden}.71"],
        "--region": ["subscriptions", "add", "--email", "a@w.example", "--region", f"73{hidden}.71"],
        "--field": ["subscriptions", "add", "--email", "a@w.example", "--region", "73", "--field", f"keseh{hidden}atan"],
    }[option]
    done = program.command(*arguments, expect=2)
    assert f"U+{ord(hidden):04X}" in done.stderr, done.stderr
    assert program.listing("subscriptions", "list") == program.listing("suppressions", "list") == []


def test_spaces_that_came_with_copying_are_dropped(program):
    program.subscribe("email", " a@w.example\u00a0", ["73"])
    assert program.listing("subscriptions", "list")[0]["address"] == "a@w.example"


@pytest.mark.parametrize("name", ["Malang\x1b[2J", "Ma\u202elang", "", " ", "\u200b"])
def test_names_of_regions_and_fields_show_what_they_are(program, tmp_path, name):
    regions, fields = tmp_path / "regions.csv", tmp_path / "fields.csv"
    regions.write_text(f"code,name,level\n35,Jawa Timur,1\n35.07,{name},2\n")
    fields.write_text(f"code,name_id,name_en,description\ndesa,Desa,{name},x\n")
    for key, path, line in (("REGIONS", regions, 3), ("FIELDS", fields, 2)):
        done = program.command("fields", "list", expect=78, **{f"KENTONGAN_DATA_{key}": str(path)})
        assert f"{path}, line {line}" in done.stderr
    program.command("regions", "import", regions, "--dry-run", expect=2)


@pytest.mark.parametrize("body, word", [
    (b"\xef\xbb\xbf" + json.dumps(bulletin(id="bom"), indent=1).encode(), "byte order mark"),
    (json.dumps(bulletin(id="angka"))[:-1].encode() + b', "x-n": 0.' + b"0" * 62 + b"1}", "64 characters"),
])
def test_json_outside_the_contract_is_malformed_and_says_why(program, body, word):
    program.register("uji")
    done = program.command("publish", "--dry-run", "--json", "-", stdin=body, expect=2)
    (told,) = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
    assert [error["code"] for error in told["errors"]] == ["malformed-json"] and word in told["errors"][0]["message"]

"""`subscriptions import` and `export`, `publishers import`: every row is counted, and no row vanishes."""
import pytest

from worker import PROJECT

INPUTS = PROJECT / "Tests/Fixtures/imports"
HEADER = "channel,address,region,field\n"
GOOD = "email,ada@x.example,35.07.26.2003,*\n"


@pytest.fixture
def table(tmp_path):
    def write(text, name="daftar.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path
    return write


def imported(program, path, **options):
    return program.command("subscriptions", "import", path, **options)


def addresses(program):
    return [row["address"] for row in program.listing("subscriptions", "list")]


@pytest.mark.parametrize("name, words", [
    ("bidi", "U+202E"), ("ce", "channel is empty"), ("fffd", "U+FFFD"), ("latin1", "not UTF-8"), ("rb", "|"),
    ("re", "region is empty"), ("u2028", "U+2028"), ("zwsp", "U+200B"), ("zwsp2", "U+200B")])
def test_a_row_that_cannot_be_meant_is_named_and_nothing_is_imported(program, name, words):
    done = imported(program, INPUTS / f"{name}.csv", expect=2)
    assert "line 2" in done.stderr and words in done.stderr and not done.stdout
    assert addresses(program) == []


@pytest.mark.parametrize("row, words", [
    ("email,a@x.example,35,", "field is empty"), (",,,", "all cells are empty"), ("email,,35,*", "address is empty"),
    ("email,a@x.example,35||11,*", "|"), ("email,a@x.example,35,|desa", "|"), ("email,a@x.example,35", "3 cells"),
    ('email,"a@x.example,35,*', "quote"), ('email,"a@x.example"b,35,*', "quote"), ("email,a\x07@x.example,35,*", "U+0007"),
    (" ,a@x.example,35,*", "channel is empty"), ("email,a@x.example, | ,*", "|")])
def test_every_bad_row_has_its_line_and_reason(program, table, row, words):
    done = imported(program, table(HEADER + GOOD + row + "\n"), expect=2)
    assert "line 3" in done.stderr and words in done.stderr and "1 is refused" in done.stderr
    assert addresses(program) == []


def test_all_bad_rows_are_told_the_first_twenty_by_line(program, table):
    done = imported(program, table(HEADER + GOOD + "email,bukan,35,*\n" * 2 + "email,b@x.example,97,*\n"), expect=2)
    assert all(f"line {line}" in done.stderr for line in (3, 4, 5)) and "of 4 rows 3 are refused" in done.stderr
    done = imported(program, table(HEADER + "email,bukan,35,*\n" * 57), expect=2)
    assert "line 21" in done.stderr and "line 22" not in done.stderr and "37 more rows" in done.stderr


def test_an_unknown_column_is_named_with_the_known_ones(program, table):
    done = imported(program, INPUTS / "uc.csv", expect=2)
    assert "freqency" in done.stderr and "frequency" in done.stderr
    path = table("publisher,name,region,kinds,emergncy\ndinas,Dinas,35,announcement,true\n")
    assert "emergncy" in program.command("publishers", "import", path, expect=2).stderr
    twice = table("channel,address,region,field,field\nemail,a@x.example,35,desa,*\n")
    assert "twice" in imported(program, twice, expect=2).stderr
    assert addresses(program) == [] and program.listing("publishers", "list") == []


@pytest.mark.parametrize("separator", [";", "\t", ","])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_save_is_understood(program, table, separator, mark, end):
    text = (HEADER + GOOD).replace(",", separator).replace("\n", end)
    assert imported(program, table(mark + text.encode())).stdout == (
        "1 row: 1 subscription made, 0 changed, 0 there already, 0 refused\n")


def test_utf_16_is_named(program, table):
    assert "UTF-16" in imported(program, table((HEADER + GOOD).encode("utf-16")), expect=2).stderr


def test_made_and_there_are_counted_apart(program, table):
    both = table(HEADER + GOOD + "email,budi@x.example,35 | 11,desa|pangan\n")
    assert imported(program, both).stdout.startswith("2 rows: 5 subscriptions made, 0 changed, 0 there already")
    assert imported(program, both).stdout.startswith("2 rows: 0 subscriptions made, 0 changed, 5 there already")
    assert len(addresses(program)) == 5


def test_other_terms_of_what_is_there_are_taken_or_named(program, table):
    imported(program, table(HEADER + GOOD))
    path = table(HEADER.strip() + ",frequency\n" + GOOD.strip() + ",daily\n")
    done = imported(program, path, expect=None)
    (row,) = program.listing("subscriptions", "list")
    if row["frequency"] == "daily":
        assert done.returncode == 0 and "1 changed" in done.stdout
    else:
        assert done.returncode == 2 and "line 2" in done.stderr and "1 refused" in done.stdout


def test_an_export_imports_into_another_store_as_it_was(program, table, tmp_path):
    program.register("dinas.uji")
    for arguments in (
            ["--email", "a@x.example", "--region", "35", "--home", "91", "--owner", "b@x.example", "--frequency", "daily",
             "--language", "en", "--urgency", "important", "--reach", "upward", "--kind", "proposal"],
            ["--webhook", "https://a.example/x", "--region", "11", "--payload", "thin", "--signature", "v1",
             "--signature", "v1a", "--owner", "dinas.uji"],
            ["--feed", "--region", "73", "--field", "desa"]):
        program.command("subscriptions", "add", *arguments)
    exported = program.command("subscriptions", "export").stdout
    kept = ("channel", "address", "region", "field", "kinds", "reach", "urgency", "frequency", "language", "home",
            "owner", "payload", "signatures", "state")
    def state(**options):
        return [{key: row.get(key) for key in kept} for row in program.rows("subscriptions", "list", "--all", **options)]
    before, other = state(), {"KENTONGAN_STORE_URL": f"sqlite:{tmp_path}/lain.db"}
    program.command("store", "migrate", **other)
    done = imported(program, table(exported), **other)
    assert state(**other) == before
    assert program.command("subscriptions", "export", **other).stdout == exported
    assert "/feeds/s/" in done.stdout and "whsec_" in done.stdout, "a secret of what was made is shown, or it is lost"
    assert "3 there already" in imported(program, table(exported), **other).stdout


def test_a_webhooks_signature_does_not_change_by_import(program, table):
    (made,) = program.subscribe("webhook", "https://a.example/x", ["11"])
    path = table(HEADER.strip() + ",signatures\nwebhook,https://a.example/x,11,*,v1a\nemail,a@x.example,11,*,\n")
    done = imported(program, path, expect=2)
    assert "line 2" in done.stderr and "v1" in done.stderr and "1 subscription made" in done.stdout
    assert [row["signatures"] for row in program.listing("subscriptions", "list") if row["id"] == made["id"]] == [["v1"]]


def test_a_file_of_many_chunks_is_resumed_by_importing_it_again(program, table):
    rows = [f"email,warga{n}@x.example,35,*\n" for n in range(2500)]
    imported(program, table(HEADER + "".join(rows[:1100])))
    assert "1400 subscriptions made, 0 changed, 1100 there already" in imported(program, table(HEADER + "".join(rows))).stdout


def test_a_row_never_changes_the_signature_of_a_webhook_that_is_there(program, tmp_path):
    """Whether it was there before the file or a row above made it."""
    program.subscribe("webhook", "https://a.example/x", ["11"])
    path = tmp_path / "tanda.csv"
    path.write_text("channel,address,region,field,signatures\n"
                    "webhook,https://a.example/x,73,*,v1a\n"
                    "webhook,https://b.example/x,11,*,v1\n"
                    "webhook,https://b.example/x,12,*,v1a\n")
    done = program.command("subscriptions", "import", path, expect=2)
    assert "line 2" in done.stderr and "line 4" in done.stderr and "line 3" not in done.stderr
    assert {(row["address"], tuple(row["signatures"])) for row in program.listing("subscriptions", "list")} == {
        ("https://a.example/x", ("v1",)), ("https://b.example/x", ("v1",))}


@pytest.mark.parametrize("column, value", [
    ("frequency", "daily"), ("urgency", "emergency"), ("kinds", "proposal"), ("reach", "upward"), ("language", "en")])
def test_other_terms_of_what_is_there_are_told_with_their_line(program, tmp_path, column, value):
    program.subscribe("email", "a@w.example", ["11"])
    before = program.listing("subscriptions", "list")
    path = tmp_path / "lain.csv"
    path.write_text(f"channel,address,region,field,{column}\nemail,a@w.example,11,*,{value}\n")
    done = program.command("subscriptions", "import", path, expect=2)
    assert "line 2" in done.stderr and column in done.stderr and "remove" in done.stderr
    done = program.command("subscriptions", "add", "--email", "a@w.example", "--region", "11",
                           f"--{column.removesuffix('s')}", value, expect=2)
    assert column in done.stderr
    assert program.listing("subscriptions", "list") == before

"""`regions search` and `fields list`: the registries as users see them, without a store or a broker."""
import csv
import json
import os
import subprocess

from worker import BINARY, PROJECT


def command(*arguments, **environment):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, cwd=PROJECT, env=os.environ | environment, timeout=60)


def rows(*arguments):
    done = command(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def data(name):
    with open(PROJECT / "config/data" / name, newline="") as file:
        return list(csv.DictReader(file))


def test_every_field_is_listed_as_in_the_registry():
    wanted = [(row["code"], row["name_id"], row["name_en"]) for row in data("fields.csv")]
    assert [(row["code"], row["nameId"], row["nameEn"]) for row in rows("fields", "list", "--all")] == wanted
    assert {row["code"]: row["parent"] for row in rows("fields", "list", "--all")}["kesehatan.stunting"] == "kesehatan"


def test_a_search_finds_what_the_registry_holds():
    wanted = {row["code"] for row in data("regions.csv") if "sidomulyo" in row["name"].lower()}
    assert {row["code"] for row in rows("regions", "search", "Sidomulyo", "--all")} == wanted
    assert len(rows("regions", "search", "sidomulyo", "--limit", "7")) == 7


def test_a_code_finds_its_region():
    [row] = rows("regions", "search", "73.71")
    assert (row["name"], row["level"], row["path"]) == ("Kota Makassar", 2, "Kota Makassar, Sulawesi Selatan")


def test_wrong_usage_is_64():
    for arguments in (["nihil"], ["regions", "search"], ["regions", "search", "a", "--limit", "banyak"], ["fields", "list", "--limit", "0"]):
        assert command(*arguments).returncode == 64, arguments


def test_a_missing_or_broken_file_is_78_and_is_named(tmp_path):
    broken = tmp_path / "rusak.csv"
    broken.write_text("code,name,level\n12.01,Tanpa induk,2\n")
    for path in (tmp_path / "tiada.csv", broken):
        done = command("regions", "search", "a", KENTONGAN_DATA_REGIONS=str(path))
        assert done.returncode == 78 and str(path) in done.stderr and len(done.stderr.splitlines()) == 1

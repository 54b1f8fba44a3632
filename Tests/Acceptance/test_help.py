"""Every page of --help, as a golden file: `make golden` writes help.txt anew."""
import json
import os
import pathlib
import subprocess

from worker import BINARY

GOLDEN = pathlib.Path(__file__).parent / "help.txt"


def commands(path=()):
    """The names of all commands, each below the one that groups it."""
    text = subprocess.run([BINARY, *path, "--experimental-dump-help"], capture_output=True, text=True, check=True).stdout
    return list(walk(json.loads(text)["command"], ()))


def walk(command, path):
    yield path
    for child in command.get("subcommands", []):
        if child["commandName"] != "help":
            yield from walk(child, path + (child["commandName"],))


def test_help_is_what_the_golden_file_says():
    text = ""
    for path in commands():
        page = subprocess.run([BINARY, *path, "--help"], capture_output=True, text=True, check=True).stdout
        text += f"$ kentongan {' '.join(path + ('--help',))}\n{page}\n"
    if os.environ.get("KENTONGAN_TEST_GOLDEN") == "write":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text(), "the help has changed; make golden, and look at the diff"

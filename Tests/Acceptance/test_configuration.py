"""The configuration: every fault at one go, with its place and the name that was probably meant."""
import pytest

from worker import PROJECT, Program


@pytest.fixture
def write(tmp_path):
    def write(text, name="k.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o600)
        return path
    return write


@pytest.mark.parametrize("text, line, words", [
    ("amqp:\n  ulr: amqp://127.0.0.1\n", 2, ["amqp.ulr", "amqp.url"]),
    ("amqp:\n  url: [amqp://a, amqp://b]\n", 2, ["amqp.url", "one value", "list"]),
    ("http:\n  listen:\n    - 127.0.0.1:1\n", 2, ["http.listen", "one value"]),
    ("http:\n  listen:\n    port: 1\n", 2, ["http.listen", "one value"]),
    ("\nsmtp:\n", 2, ["smtp", "nothing in it"]),
    ("smtp: {}\n", 1, ["smtp", "nothing in it"]),
    ("smtp: smtp://127.0.0.1\n", 1, ["smtp", "section"]),
    ("mail:\n  bounces: 127.0.0.1:25\n", 2, ["mail.bounces", "section"]),
    ("hhtp:\n  listen: 127.0.0.1:1\n", 1, ["hhtp", "did you mean http?"]),
    ("http:\n  publicUrl: http://a.example\n", 2, ["http.publicUrl", "did you mean http.publicURL?"]),
    ("delivery:\n  lease: 30s\n", 2, ["delivery.lease", "30s", "number"]),
    ("amqp:\n  prefetch: 1e3\n", 2, ["amqp.prefetch", "1e3"]),
    ("amqp:\n  declare: kadang\n", 2, ["amqp.declare", "kadang"]),
    ("http:\n  publicURL: http://a b.example\n", 2, ["http.publicURL"]),
    ("amqp:\n  url: 'amqp://u:kenari-7341@a b/'\n", 2, ["amqp.url"]),
    ("smtp:\n  url: 'smtp://u:kenari-7341@a b'\n", 2, ["smtp.url"]),
    ("smtp:\n  retry: [5, nanti]\n", 2, ["smtp.retry"]),
    ("smtp:\n  retry: [5, [6]]\n", 2, ["smtp.retry"]),
    ("log:\n  level: info\nlog:\n  level: debug\n", None, ["log", "twice"]),
    ("log:\n  level: info\n  level: debug\n", None, ["level", "twice"]),
    ("log:\n\tlevel: info\n", None, ["line 2", "tabs"]),
    ("amqp: [\n", None, ["YAML"]),
    ("- amqp\n", None, ["keys and values"]),
    (b"log:\n  level: \xff\n", None, ["UTF-8"]),
])
def test_a_fault_is_told_with_its_place(program, write, text, line, words):
    path = write(text)
    for command in ("check", "serve"):
        done = program.command(command, "--config", path, expect=78, timeout=30)
        lines = done.stderr.strip().split("\n")
        assert len(lines) == 1, done.stderr
        assert str(path) + (f":{line}" if line else "") in lines[0]
        assert all(word in lines[0] for word in words), lines[0]
        assert "NSError" not in lines[0] and "Optional(" not in lines[0] and "kenari-7341" not in lines[0]


def test_all_faults_are_told_at_one_go(program, write):
    path = write("amqp:\n  prefetch: 0\n  ulr: x\nhttp:\n  listen: nanti\nsmtp:\n")
    done = program.command("check", "--config", path, expect=78, timeout=30,
                           KENTONGAN_LOG_LEVEL="keras", KENTONGAN_STORE_ULR="sqlite:x")
    lines = done.stderr.strip().split("\n")
    for words in (("amqp.prefetch", ":2"), ("amqp.ulr", ":3"), ("http.listen", ":5"), ("smtp", ":6"),
                  ("log.level", "KENTONGAN_LOG_LEVEL"), ("KENTONGAN_STORE_ULR", "KENTONGAN_STORE_URL")):
        assert sum(all(word in line for word in words) for line in lines) == 1, (words, lines)
    assert len(lines) == 6


@pytest.mark.parametrize("name, meant", [
    ("KENTONGAN_AMQP_ULR", "KENTONGAN_AMQP_URL"), ("KENTONGAN_HTTP_PUBLICURL", "KENTONGAN_HTTP_PUBLIC_URL"),
    ("KENTONGAN_SMTP_PASSWORD_FIEL", "KENTONGAN_SMTP_PASSWORD_FILE"), ("KENTONGAN_PUBLISHER_AUTH", "KENTONGAN_PUBLISHERS_AUTH"),
    ("KENTONGAN_WHATEVER", None)])
def test_a_misspelt_variable_is_told(program, name, meant):
    done = program.command("fields", "list", expect=78, **{name: "x"})
    assert name in done.stderr and "environment" in done.stderr
    assert (f"did you mean {meant}?" if meant else "no key") in done.stderr


def test_variables_of_others_are_left_alone(program):
    """Kubernetes sets such for a service that is called kentongan."""
    program.command("fields", "list", KENTONGAN_SERVICE_HOST="10.0.0.1", KENTONGAN_SERVICE_PORT="8080",
                    KENTONGAN_PORT="tcp://10.0.0.1:8080", KENTONGAN_PORT_8080_TCP_ADDR="10.0.0.1", KENTONGAN_BIN="x")


def test_which_file_is_read_is_told(program, write):
    """Also where the working folder has one that is not read."""
    assert (PROJECT / "config/kentongan.yaml").exists()
    told = program.command("check", expect=None, timeout=60).stdout
    assert "no file, as --config names none" in told
    path = write("log:\n  level: info\n")
    assert f"read from {path}" in program.command("check", "--config", path, expect=None, timeout=60).stdout


def test_check_goes_on_after_what_fails(tmp_path, write):
    path = tmp_path / "berkas"
    path.write_text("")
    program = Program(tmp_path, KENTONGAN_STORE_URL=f"sqlite:{path}/k.db", KENTONGAN_AMQP_URL="amqp://127.0.0.1:1/",
                      KENTONGAN_SMTP_URL="smtp://127.0.0.1:1", KENTONGAN_DATA_FIELDS=str(tmp_path / "tiada.csv"))
    done = program.command("check", expect=78, timeout=60)
    failed = [line.split()[1] for line in done.stdout.split("\n") if line.startswith("FAILED")]
    assert failed == ["data", "store", "broker", "relay"]
    assert str(tmp_path / "tiada.csv") in done.stdout and str(path) in done.stdout
    assert "NSError" not in done.stdout + done.stderr and "NSCocoa" not in done.stdout + done.stderr


def test_passwords_in_a_file_that_all_may_read_are_warned_of(program, write):
    path = write("amqp:\n  url: amqp://u:rahasia@127.0.0.1:1/\n")
    assert "warning" not in program.command("check", "--config", path, expect=1, timeout=60).stdout
    path.chmod(0o644)
    told = program.command("check", "--config", path, expect=1, timeout=60).stdout
    assert "warning" in told and str(path) in told and "rahasia" not in told


def test_a_byte_order_mark_is_passed_over(program, write):
    path = write(b"\xef\xbb\xbflog:\n  level: keras\n")
    done = program.command("check", "--config", path, expect=78, timeout=30)
    assert "log.level" in done.stderr and "keras" in done.stderr

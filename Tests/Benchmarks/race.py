#!/usr/bin/env python3
"""The race: Kentongan against a lean worker in asyncio, in turns, on loopback with one broker.

    Tests/Benchmarks/race.py [COUNT=1000] [ROUNDS=3]

COUNT bulletins of 2 KB are put on a queue. Each matches exactly 50 of 100,000 subscriptions (one of its district, one
field: 40 of the district, 7 of the regency, 3 of the province), four of five a webhook and one a mail, each to an address
of its own at one host. Then the worker starts. race/sink.c takes both kinds and stamps what comes, and takes ten times what
either sends. A run ends when all deliveries have arrived; it fails if one is missing or comes twice.

Printed for each run: deliveries/s between the first and the last arrival, the worker's CPU time per delivery (its start
included), and its largest memory. The last line is the ratio of the rates, ours to asyncio's: of each round, and the median.
Machines are shared and drift, so only figures of one round compare.

Kentongan has its defaults and all roles; KENTONGAN_WEBHOOKS_PER_HOST and the like in the environment change it. The other
(race/asyncio_worker.py says what it leaves out) sends 32 webhooks and 8 mails simultaneously, and takes from a classic
queue, which is cheaper than ours.
"""
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import engine
from engine import BROKER_PORT, PROJECT, cost, say, until

HERE = Path(__file__).with_name("race")
PYTHON = PROJECT / ".build/race-venv/bin/python"
HTTP_PORT, MAIL_PORT, PORTAL_PORT = 5732, 5733, 5734
# Of every release: earlier ones had no role of fan-out of its own.
ROLES = os.environ.get("RACE_ROLES", "intake,fanout,delivery,portal")
SUBSCRIPTIONS, PER_BULLETIN = 100_000, 50
AMQP = f"amqp://guest:guest@127.0.0.1:{BROKER_PORT}/"
# A generator of its own for each use, so that every round has the same data.
SEED = 7
WORDS = ("air sungai naik warga diminta menjauh bantaran jalan ditutup posko dibuka layanan puskesmas sekolah libur pupuk "
         "bantuan jadwal imunisasi balai desa").split()


# MARK: - What is sent to whom

def codes(name):
    with open(PROJECT / f"config/data/{name}.csv") as file:
        return list(csv.DictReader(file))


def places():
    """Districts with their regencies and provinces: 4 provinces of 5 regencies of 10 districts; and fields."""
    regions = [row["code"] for row in codes("regions") if row["level"] in ("1", "2", "3")]
    children = {}
    for code in regions:
        children.setdefault(code.rpartition(".")[0], []).append(code)
    chosen = [(district, regency, province) for province in ("32", "33", "35", "73")
              for regency in [one for one in children[province] if len(children.get(one, [])) >= 10][:5]
              for district in children[regency][:10]]
    fields = [row["code"] for row in codes("fields") if "." not in row["code"]][:10]
    elsewhere = [code for code in regions if code[:2] in ("12", "51", "64", "81") and code.count(".") == 2]
    return chosen, fields, elsewhere


def subscriptions():
    """Lines of CHANNEL,ADDRESS,REGION,FIELD."""
    chosen, fields, elsewhere = places()
    dice, wanted = random.Random(SEED), []
    for field in fields:
        for level, count in enumerate((40, 7, 3)):
            wanted += [(code, field) for code in sorted({place[level] for place in chosen}) for _ in range(count)]
    wanted += [(dice.choice(elsewhere), dice.choice(fields)) for _ in range(SUBSCRIPTIONS - len(wanted))]
    dice.shuffle(wanted)
    seen, lines = {}, []
    for number, (region, field) in enumerate(wanted):
        turn = seen[region, field] = seen.get((region, field), dice.randrange(5)) + 1
        address = f"email,user{number}@example.test" if turn % 5 == 0 else f"webhook,http://127.0.0.1:{HTTP_PORT}/{number}"
        lines.append(f"{address},{region},{field}")
    return lines


def bulletins(count, name):
    chosen, fields, _ = places()
    dice = random.Random(SEED)
    for number in range(count):
        made = {"id": f"{name}-{number}", "kind": "announcement", "publisher": "uji", "title": " ".join(dice.choices(WORDS, k=6)),
                "regions": [dice.choice(chosen)[0]], "fields": [dice.choice(fields)],
                "urgency": dice.choice(["routine", "important"]), "issuedAt": "2026-11-23T17:00:00+07:00", "body": ""}
        made["body"] = " ".join(dice.choices(WORDS, k=400))[: 2048 - len(json.dumps(made))]
        yield made


# MARK: - The runs

@contextmanager
def sink(folder):
    """The file that arrivals are written to."""
    path = folder / "arrivals"
    with open(path, "w") as file:
        process = subprocess.Popen([folder / "race-sink", str(HTTP_PORT), str(MAIL_PORT)], stdout=file)
    try:
        yield path
        assert process.poll() is None, "the sink has ended"
    finally:
        process.terminate()
        process.wait()


def lines_of(path):
    return path.read_bytes().count(b"\n")


def measured(name, folder, process, arrivals, expected):
    """Waits for all deliveries; their rate. What came is looked at once a second, which costs the race nothing."""
    limit = 60 + expected / 200
    until(lambda: lines_of(arrivals) >= expected or process.poll() is not None, limit, 1)
    assert process.poll() is None, f"{name} has ended: {(folder / 'log').read_text()[-2000:]}"
    usage = cost(process, expected)
    time.sleep(1)
    rows = [line.split() for line in arrivals.read_text().splitlines()]
    assert len(rows) >= expected, f"{name}: {len(rows)} of {expected} deliveries came in {limit:.0f} s"
    assert len({row[1] for row in rows}) == len(rows) == expected, f"{name}: {len(rows)} came, {expected} were to come"
    times = [int(row[2]) for row in rows]
    rate = expected / (max(times) - min(times)) * 1e9
    mails = sum(row[0] == "m" for row in rows)
    say(name, f"{rate:8.0f} deliveries/s ({mails / expected:.0%} mails), {usage}")
    return rate


def kentongan(folder, name, lines, made):
    run = engine.Run(folder, name)
    del run.environment["KENTONGAN_MAIL_FOLDER"]
    run.environment |= {"KENTONGAN_SMTP_URL": f"smtp://127.0.0.1:{MAIL_PORT}", "KENTONGAN_MAIL_FROM": "kabar@kentongan.example",
                        "KENTONGAN_HTTP_LISTEN": f"127.0.0.1:{PORTAL_PORT}"}
    (run.folder / "s.csv").write_text("\n".join(["channel,address,region,field", *lines]) + "\n")
    run.command("subscriptions", "import", run.folder / "s.csv")
    run.publish(made, rate=1_000_000)
    with sink(folder) as arrivals, run.worker(ROLES) as process:
        return measured("kentongan", run.folder, process, arrivals, len(made) * PER_BULLETIN)


def peer(folder, name, lines, made):
    home = folder / name
    home.mkdir()
    environment = os.environ | {"RACE_AMQP": AMQP, "RACE_QUEUE": name, "RACE_STORE": str(home / "store.db"),
                                "RACE_MAIL_PORT": str(MAIL_PORT)}
    command = [PYTHON, HERE / "asyncio_worker.py"]
    subprocess.run([*command, "load"], env=environment, input="\n".join(lines) + "\n", text=True, check=True)
    subprocess.run(["amqp-declare-queue", "-u", AMQP.rstrip("/"), "-q", name, "-d"], check=True, stdout=subprocess.DEVNULL)
    # Through the exchange that has no name a routing key is a queue's name.
    subprocess.run([folder / "publisher", str(BROKER_PORT), name, "1000000", ""], check=True, text=True,
                   input="".join(json.dumps(one) + "\n" for one in made), stdout=subprocess.DEVNULL)
    with sink(folder) as arrivals, open(home / "log", "w") as log:
        process = subprocess.Popen(command, env=environment, stderr=log)
        try:
            return measured("asyncio", home, process, arrivals, len(made) * PER_BULLETIN)
        finally:
            process.terminate()
            process.wait()


def race(folder, count, rounds):
    lines, ratios = subscriptions(), []
    subprocess.run(["cc", "-O2", "-o", folder / "race-sink", HERE / "sink.c"], check=True)
    for number in range(rounds):
        engine.heading(f"round {number + 1} of {rounds}")
        made = list(bulletins(count, f"b{number}"))
        runs = [(kentongan, f"kentongan-{number}"), (peer, f"asyncio-{number}")]
        # Who goes first takes turns, too.
        rates = {run: run(folder, name, lines, made) for run, name in (runs if number % 2 == 0 else reversed(runs))}
        ratios.append(rates[kentongan] / rates[peer])
    say("ours to asyncio", f"{statistics.median(ratios):8.2f} times ({', '.join(f'{one:.2f}' for one in ratios)})")


def main(count=1000, rounds=3):
    assert PYTHON.exists(), f"{PYTHON} is missing: `make race` makes it"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with engine.running_broker(folder, "publisher"):
            race(folder, count, rounds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

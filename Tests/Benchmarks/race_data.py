"""The bulletins of the race and their subscriptions, the same in every round."""
import csv
import json
import random

from engine import PROJECT

SUBSCRIPTIONS, PER_BULLETIN = 100_000, 50
# A generator of its own for each use, so that every round has the same data.
SEED = 7
WORDS = ("air sungai naik warga diminta menjauh bantaran jalan ditutup posko dibuka layanan puskesmas sekolah libur pupuk "
         "bantuan jadwal imunisasi balai desa").split()


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


def subscriptions(http_port):
    """Lines of CHANNEL,ADDRESS,REGION,FIELD: four of five a webhook, and one a mail."""
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
        address = f"email,user{number}@example.test" if turn % 5 == 0 else f"webhook,http://127.0.0.1:{http_port}/{number}"
        lines.append(f"{address},{region},{field}")
    return lines


def bulletins(count, name):
    """Bulletins of 2 KB, named NAME-NUMBER. The receiver knows a bulletin by the number in its title, which every webhook and
    every mail shows."""
    chosen, fields, _ = places()
    dice = random.Random(SEED)
    for number in range(count):
        made = {"id": f"{name}-{number}", "kind": "announcement", "publisher": "uji",
                "title": f"Nomor-{number} {' '.join(dice.choices(WORDS, k=6))}",
                "regions": [dice.choice(chosen)[0]], "fields": [dice.choice(fields)],
                "urgency": dice.choice(["routine", "important"]), "issuedAt": "2026-11-23T17:00:00+07:00", "body": ""}
        made["body"] = " ".join(dice.choices(WORDS, k=400))[: 2048 - len(json.dumps(made))]
        yield made

"""Subscribers that leave, or whose region is no more: while mail is going out, and for good."""
import csv
import shutil
import time
from types import SimpleNamespace

import pytest

from bulletins import bulletin, identity
from deliveries import finished, row, rows
from publishing import Publishing
from waiting import eventually
from worker import PROJECT, Program, Worker

# One mail at a time, so that a slow relay makes a queue.
SETTINGS = {"KENTONGAN_SMTP_CONNECTIONS": "1", "KENTONGAN_WEBHOOKS_RETRY": "3,3,3", "KENTONGAN_SMTP_RETRY": "3,3,3"}
# A region a test, so that no test's bulletins reach another's subscribers.
REGIONS = {}
MANY = 60
WAYS = ("unsubscribe", "remove", "suppress", "erase")
ONE_CLICK = {"Content-Type": "application/x-www-form-urlencoded"}, b"List-Unsubscribe=One-Click"


@pytest.fixture
def region(request):
    return REGIONS.setdefault(request.node.name, f"35.{len(REGIONS) + 1:02}")


@pytest.fixture
def path(request, region):
    return f"/{request.node.originalname}/{region}"


def unsubscribe_url(mail):
    header = mail.message["List-Unsubscribe"]
    return next(part.strip(" <>") for part in header.split(",") if "http" in part)


# Leaving while mail goes out


def leave(worker, mail, way, address):
    """By one of the ways; returns when it is committed."""
    if way == "unsubscribe":
        assert worker.get(unsubscribe_url(mail.to(address)[0]), "POST", *ONE_CLICK).status < 300
    elif way == "remove":
        (subscribed,) = [r for r in worker.listing("subscriptions", "list") if r["address"] == address]
        worker.command("subscriptions", "remove", subscribed["id"])
    elif way == "suppress":
        worker.command("suppressions", "add", address)
    else:
        worker.command("subscribers", "erase", address)


@pytest.fixture(scope="module")
def leavers(worker, publishing, mail):
    """Sixty mails go out one after the other, a quarter of a second each; meanwhile some of those whose turn comes
    soon leave, three by each way. Who left, how, and when that was committed."""
    addresses = [f"warga{number:02}@lambat.example" for number in range(MANY)]
    table = worker.folder / "lambat.csv"
    table.write_text("channel,address,region,field\n" + "".join(f"email,{a},11,*\n" for a in addresses))
    worker.command("subscriptions", "import", table)
    # Everybody gets a first mail, for the address in it.
    publishing.wait(publishing.send(bulletin(regions=["11"])), "completed", timeout=60)
    order = [mail.recipient for mail in mail.mails]
    before, left = len(mail.tries), {}
    mail.slowness = 0.25
    made = bulletin(regions=["11"])
    correlation = publishing.send(made)
    eventually(lambda: len(mail.tries) >= before + 3, every=0.02)
    for way in WAYS * 3:
        tried = {address for address, _ in mail.tries[before:]}
        waiting = [address for address in order if address not in tried and address not in left]
        # Not the very next one, whose turn would come before the command is through.
        address = waiting[8]
        leave(worker, mail, way, address)
        left[address] = (way, time.time())
    eventually(lambda: len({address for address, _ in mail.tries[before:]}) > MANY / 2)
    mail.slowness = 0
    publishing.wait(correlation, "completed", timeout=60)
    return SimpleNamespace(addresses=addresses, left=left, tries=mail.tries[before:], made=made)


@pytest.mark.parametrize("way", WAYS)
def test_no_mail_starts_once_its_reader_has_left(leavers, way):
    for address, (how, committed) in leavers.left.items():
        late = [when - committed for tried, when in leavers.tries if tried == address and when > committed]
        # What was on its way in that very moment may still arrive.
        assert how != way or all(seconds < 0.2 for seconds in late), (address, late)


def test_most_of_those_who_left_did_so_in_time(leavers):
    """Or the test above tells nothing."""
    tried = {address for address, _ in leavers.tries}
    assert len(leavers.left.keys() - tried) >= 8


def test_those_who_stayed_got_it_once(leavers, mail):
    for address in set(leavers.addresses) - leavers.left.keys():
        assert [tried for tried, _ in leavers.tries].count(address) == 1, address


def test_what_was_not_sent_is_not_called_delivered(worker, leavers):
    tried = {address for address, _ in leavers.tries}
    found = rows(worker, leavers.made)
    states = {r["endpoint"]: r["state"] for r in found}
    for address, (way, _) in leavers.left.items():
        if address not in tried and way != "erase":
            assert states[address] == ("suppressed" if way == "suppress" else "cancelled"), (address, way)
    assert sum(r["state"] == "delivered" for r in found) == len(tried) and len(found) == MANY


# Leaving with one subscription of several


@pytest.mark.parametrize("ended", ["first", "second"])
def test_what_another_subscription_hears_too_is_not_cancelled(worker, publishing, hooks, region, path, ended):
    hooks.answers[path] = lambda tries: 500 if tries == 0 else 204
    both = worker.subscribe("webhook", hooks.url + path, [region], ["kesehatan", "*"])
    sent = bulletin(regions=[region])
    correlation = publishing.send(sent)
    eventually(lambda: rows(worker, sent) and row(worker, sent)["attempts"])
    because = row(worker, sent)["subscription"]
    chosen = [s["id"] for s in both if (s["id"] == because) == (ended == "first")]
    worker.command("subscriptions", "remove", chosen[0])
    publishing.wait(correlation, "completed")
    assert row(worker, sent)["state"] == "delivered" and len(hooks.taken(path)) == 1


def test_what_no_subscription_hears_any_more_is_cancelled(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: 500
    both = worker.subscribe("webhook", hooks.url + path, [region], ["kesehatan", "*"])
    sent = bulletin(regions=[region])
    publishing.send(sent)
    eventually(lambda: rows(worker, sent) and row(worker, sent)["attempts"])
    tried = len(hooks.at(path))
    for subscription in both:
        worker.command("subscriptions", "remove", subscription["id"])
    assert finished(worker, sent)["state"] == "cancelled"
    time.sleep(3.5)
    assert len(hooks.at(path)) <= tried + 1


def test_another_subscription_that_does_not_hear_it_saves_nothing(worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: 500
    hearing, _ = worker.subscribe("webhook", hooks.url + path, [region], ["kesehatan", "pangan"])
    sent = bulletin(regions=[region])
    publishing.send(sent)
    eventually(lambda: rows(worker, sent) and row(worker, sent)["attempts"])
    worker.command("subscriptions", "remove", hearing["id"])
    assert finished(worker, sent)["state"] == "cancelled"


# Erasing


def files_with(worker, text):
    """The store's files that hold a text: the database, its log, and whatever lies beside it under its name."""
    paths = [path for path in worker.folder.iterdir() if path.name.startswith(worker.store.name)]
    assert worker.store in paths
    return [path.name for path in paths if text.lower().encode() in path.read_bytes().lower()]


def test_an_erased_address_is_in_no_file_of_the_store(worker, publishing, mail, region):
    """Neither as a subscriber's, nor in what the relay said about it, nor in a receipt."""
    address = "lupakan.aku.7341@w.example"
    mail.at_recipient[address] = lambda tries: (f"450 4.2.2 <{address}> penuh" if tries == 0 else f"554 <{address}> tiada")
    worker.subscribe("email", address, [region], owner="pemilik@w.example")
    worker.command("suppressions", "add", address)
    worker.command("suppressions", "remove", address)
    for _ in range(2):
        publishing.wait(publishing.send(bulletin(regions=[region])), "completed")
    assert files_with(worker, address), "it was never there, so this would tell nothing"
    worker.command("subscribers", "erase", address)
    assert files_with(worker, address) == []
    assert files_with(worker, "lupakan.aku.7341") == []


def test_an_erased_subscribers_deliveries_stay_without_the_address(worker, publishing, mail, region):
    worker.subscribe("email", "jejak@w.example", [region])
    sent = bulletin(regions=[region])
    publishing.wait(publishing.send(sent), "completed")
    worker.command("subscribers", "erase", "jejak@w.example")
    told = row(worker, sent)
    assert told["state"] == "delivered" and told["endpoint"].startswith("erased:")
    assert not [r for r in worker.listing("subscriptions", "list") if r["address"] == "jejak@w.example"]
    assert not worker.listing("deliveries", "list", "--endpoint", "jejak@w.example")


def test_all_subscriptions_of_an_erased_webhook_end_and_what_is_pending_is_cancelled(
        worker, publishing, hooks, region, path):
    hooks.answers[path] = lambda tries: 500
    worker.subscribe("webhook", hooks.url + path, [region, "ID"], ["kesehatan", "pangan"])
    sent = bulletin(regions=[region])
    publishing.send(sent)
    eventually(lambda: hooks.at(path))
    worker.command("subscribers", "erase", hooks.url + path)
    tried = len(hooks.at(path))
    assert finished(worker, sent)["state"] == "cancelled"
    publishing.wait(publishing.send(bulletin(regions=[region])), "completed")
    time.sleep(3.5)
    assert len(hooks.at(path)) == tried and files_with(worker, path) == []


def test_an_erased_address_may_subscribe_anew(worker, publishing, mail, region):
    for _ in range(2):
        worker.subscribe("email", "kembali@w.example", [region])
        publishing.wait(publishing.send(bulletin(regions=[region])), "completed")
        worker.command("subscribers", "erase", "kembali@w.example")
    assert len(mail.to("kembali@w.example")) == 2


def test_a_suppressed_address_stays_suppressed_when_it_is_erased(worker, publishing, mail, region):
    worker.subscribe("email", "jangan.lagi@w.example", [region])
    worker.command("suppressions", "add", "jangan.lagi@w.example")
    worker.command("subscribers", "erase", "jangan.lagi@w.example")
    assert files_with(worker, "jangan.lagi@w.example") == []
    worker.subscribe("email", "jangan.lagi@w.example", [region])
    sent = bulletin(regions=[region])
    publishing.wait(publishing.send(sent), "completed")
    assert row(worker, sent)["state"] == "suppressed" and not mail.to("jangan.lagi@w.example")


def test_an_erased_address_gets_no_correction(worker, publishing, mail, region):
    worker.subscribe("email", "sudah@w.example", [region])
    sent = bulletin(regions=[region])
    publishing.wait(publishing.send(sent), "completed")
    worker.command("subscribers", "erase", "sudah@w.example")
    publishing.wait(publishing.send(sent | {"revision": 2}), "completed")
    assert not rows(worker, sent, 2) and len(mail.to("sudah@w.example")) == 1


def test_an_erased_subscribers_link_in_an_old_mail_does_no_harm(worker, publishing, mail, region):
    worker.subscribe("email", "tautan@w.example", [region])
    publishing.wait(publishing.send(bulletin(regions=[region])), "completed")
    url = unsubscribe_url(mail.to("tautan@w.example")[0])
    worker.command("subscribers", "erase", "tautan@w.example")
    for method, arguments in (("GET", ()), ("POST", ONE_CLICK)):
        assert worker.get(url, method, *arguments).status in (200, 204, 404, 410)


def test_an_unknown_address_cannot_be_erased(worker):
    for address in ("tiada@w.example", "https://tiada.example/hook", "bukan alamat"):
        (line,) = worker.command("subscribers", "erase", address, expect=2).stderr.splitlines()
        assert address in line


# A new set of regions


VILLAGE = "35.07.26."
# 2003 is split in two; 2005 and 2006 become one.
SUCCESSORS = [("2003", "2011"), ("2003", "2012"), ("2005", "2013"), ("2006", "2013")]


def copied_data(folder):
    """The settings for a copy of the data, which an import may replace."""
    for name in ("regions", "region-successors", "timezones"):
        shutil.copy(PROJECT / f"config/data/{name}.csv", folder)
    return {"KENTONGAN_DATA_REGIONS": str(folder / "regions.csv"),
            "KENTONGAN_DATA_SUCCESSORS": str(folder / "region-successors.csv")}


def new_registry(folder):
    """The registry with the split and the merger, and what became of the old codes, with what is known of older ones."""
    with open(PROJECT / "config/data/regions.csv", newline="", encoding="utf-8") as file:
        kept = [row for row in csv.reader(file) if row[0] not in {VILLAGE + old for old, _ in SUCCESSORS}]
    names = {"2011": "Pujon Anyar", "2012": "Pujon Lama", "2013": "Pujon Bersatu"}
    at = next(index for index, row in enumerate(kept) if row[0] == VILLAGE + "2010") + 1
    kept[at:at] = [[VILLAGE + code, name, "4"] for code, name in names.items()]
    with open(PROJECT / "config/data/region-successors.csv", newline="", encoding="utf-8") as file:
        older = [(row["old_code"], row["new_code"]) for row in csv.DictReader(file)]
    successors = [("old_code", "new_code"), *older, *((VILLAGE + old, VILLAGE + new) for old, new in SUCCESSORS)]
    for name, lines in (("baru.csv", kept), ("pengganti.csv", successors)):
        with open(folder / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(lines)
    return folder / "baru.csv", folder / "pengganti.csv"


def subscribed(worker):
    """(address, last part of the region) of each active subscription, sorted."""
    return sorted((r["address"], r["region"].removeprefix(VILLAGE)) for r in worker.listing("subscriptions", "list"))


@pytest.fixture(scope="module")
def moved(tmp_path_factory, broker, mail, hooks):
    """Subscribers of villages that are split and merged, before and after a dry run and the import, amid which a worker
    runs; then it is started anew."""
    folder, host = tmp_path_factory.mktemp("regions"), broker.add_host("regions", ["uji"])
    worker = Worker(folder / "worker", host, mail.port, **copied_data(folder))
    try:
        worker.command("store", "migrate")
        worker.register("uji")
        worker.subscribe("email", "belah@w.example", [VILLAGE + "2003"], ["kesehatan"], urgency="important", language="en")
        worker.subscribe("email", "gabung@w.example", [VILLAGE + "2005", VILLAGE + "2006"])
        worker.subscribe("email", "satu@w.example", [VILLAGE + "2005"])
        worker.subscribe("email", "tetap@w.example", ["35.07.26"])
        (gone,) = worker.subscribe("email", "pergi@w.example", [VILLAGE + "2003"])
        worker.command("subscriptions", "remove", gone["id"])
        hook = hooks.url + "/wilayah"
        worker.subscribe("webhook", hook, [VILLAGE + "2003"], owner="pemilik@w.example")
        worker.start()
        run = SimpleNamespace(worker=worker, publishing=Publishing(host), hook=hook, before=subscribed(worker))
        files = new_registry(folder)
        data = (folder / "regions.csv").read_bytes()
        arguments = ("regions", "import", files[0], "--successors", files[1])
        run.dry = worker.command(*arguments, "--dry-run").stdout
        run.dry_changed = subscribed(worker) != run.before or (folder / "regions.csv").read_bytes() != data
        run.printed = worker.command(*arguments, "--json").stdout
        run.after = subscribed(worker)
        run.amid = bulletin(regions=["35.07.26"])
        run.amid_receipt = run.publishing.wait(run.publishing.send(run.amid), "completed")
        worker.stop()
        worker.start()
        yield run
        worker.stop()
    finally:
        worker.close()
        host.close()


def test_a_dry_run_of_an_import_tells_and_changes_nothing(moved):
    assert not moved.dry_changed
    for old, new in SUCCESSORS:
        assert VILLAGE + old in moved.dry and VILLAGE + new in moved.dry


def test_an_import_prints_what_moved(moved):
    for old, new in SUCCESSORS:
        assert VILLAGE + old in moved.printed and VILLAGE + new in moved.printed


def test_a_split_makes_one_subscription_two_and_a_merger_two_one(moved):
    assert moved.after == sorted([
        ("belah@w.example", "2011"), ("belah@w.example", "2012"), ("gabung@w.example", "2013"), ("satu@w.example", "2013"),
        ("tetap@w.example", "35.07.26"), (moved.hook, "2011"), (moved.hook, "2012")])


def test_a_moved_subscription_keeps_its_wishes(moved):
    found = [r for r in moved.worker.listing("subscriptions", "list") if r["address"] == "belah@w.example"]
    assert {(r["field"], r["urgency"], r["language"]) for r in found} == {("kesehatan", "important", "en")}


def test_a_worker_goes_on_amid_an_import(moved):
    assert moved.amid_receipt["data"]["delivered"] == 4 and moved.amid_receipt["data"]["failed"] == 0
    reached = {r["endpoint"] for r in rows(moved.worker, moved.amid)}
    assert reached == {"gabung@w.example", "satu@w.example", "tetap@w.example", moved.hook}


def test_the_owner_of_a_moved_endpoint_is_told(moved, mail):
    told = eventually(lambda: mail.to("pemilik@w.example"))
    text = "\n".join(m.message.get_body(("plain",)).get_content() for m in told)
    assert "Pujon Anyar" in text and "Pujon Lama" in text and moved.hook in text


def test_the_new_regions_are_found_and_the_old_are_not(moved):
    def codes(text):
        return {r["code"] for r in moved.worker.rows("regions", "search", text)}

    assert codes("pujon bersatu") == {VILLAGE + "2013"}
    assert not codes(VILLAGE + "2003") & {VILLAGE + "2003"}


def test_a_moved_subscriber_hears_its_new_region_once(moved, mail):
    made = bulletin(regions=[VILLAGE + "2013"])
    moved.publishing.wait(moved.publishing.send(made), "completed")
    assert sorted(r["endpoint"] for r in rows(moved.worker, made)) == [
        "gabung@w.example", "satu@w.example", "tetap@w.example"]


def test_a_village_that_was_merged_stands_for_its_successor(moved):
    made = bulletin(regions=[VILLAGE + "2006"])
    moved.publishing.wait(moved.publishing.send(made), "completed")
    assert moved.worker.rows("bulletins", "show", identity(made))[0]["regions"] == [VILLAGE + "2013"]


def test_a_village_that_was_split_is_refused_with_its_successors(moved):
    receipt = moved.publishing.wait(moved.publishing.send(bulletin(regions=[VILLAGE + "2003"])), "rejected")
    told = str(receipt["data"])
    assert "retired-region" in told and VILLAGE + "2011" in told and VILLAGE + "2012" in told


@pytest.mark.parametrize("regions, successors", [
    ("code,name,level\n35,Jawa Timur,1\n35.07.26,Tanpa induk,3\n", "old_code,new_code\n"),
    ("kode,nama\n35,Jawa Timur\n", "old_code,new_code\n"),
    (None, "old_code,new_code\n35.07.26.2010,99.99\n"),
    (None, "lama,baru\n35.07.26.2010,35.07.26.2009\n"),
    (None, "35.07.26.2010,35.07.26.2009\n")],
    ids=["orphan", "columns", "successor", "successor-columns", "successor-no-header"])
def test_a_bad_set_of_regions_is_refused_whole(tmp_path, regions, successors):
    """In one line, and nothing has changed."""
    program = Program(tmp_path, **copied_data(tmp_path))
    program.command("store", "migrate")
    program.subscribe("email", "a@w.example", [VILLAGE + "2010"])
    text = regions or (tmp_path / "regions.csv").read_text().replace("\n35.07.26.2010,Wiyurejo,4", "")
    (tmp_path / "baru.csv").write_text(text)
    (tmp_path / "pengganti.csv").write_text(successors)
    before = [(tmp_path / f"{name}.csv").read_bytes() for name in ("regions", "region-successors")]
    done = program.command("regions", "import", tmp_path / "baru.csv", "--successors", tmp_path / "pengganti.csv", expect=None)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert before == [(tmp_path / f"{name}.csv").read_bytes() for name in ("regions", "region-successors")]
    assert subscribed(program) == [("a@w.example", "2010")]

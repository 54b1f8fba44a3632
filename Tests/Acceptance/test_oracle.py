"""The oracle itself, on cases worked out by hand."""
from oracle import Oracle, Subscription


def reached(bulletin, **subscription):
    subscription = {"channel": "email", "address": "a", "region": "73.71"} | subscription
    default = {"publisher": "p", "id": "1", "kind": "announcement", "regions": ["73.71"], "fields": ["kesehatan"]}
    return bool(Oracle([Subscription(**subscription)]).publish(default | bulletin))


def test_a_region_hears_what_covers_it_and_what_lies_in_it():
    assert reached({"regions": ["ID"]}) and reached({"regions": ["73"]}) and reached({"regions": ["73.71.01.1001"]})
    assert not reached({"regions": ["73.72"]}) and not reached({"regions": ["7"]})
    assert reached({"regions": ["11.01"]}, region="ID")


def test_reach_narrows_to_one_direction():
    assert reached({"regions": ["73"]}, reach="upward") and not reached({"regions": ["73"]}, reach="downward")
    assert reached({"regions": ["73.71.01"]}, reach="downward") and not reached({"regions": ["73.71.01"]}, reach="upward")
    assert reached({}, reach="upward") and reached({}, reach="downward")


def test_a_field_hears_its_children_but_not_its_parent():
    assert reached({"fields": ["kesehatan.stunting"]}, field="kesehatan")
    assert not reached({"fields": ["kesehatan"]}, field="kesehatan.stunting")
    assert not reached({"fields": ["kesehatan"]}, field="sosial") and reached({"fields": ["sosial"]}, field="*")


def test_kind_and_urgency_narrow():
    assert not reached({"kind": "proposal"}, kinds=("announcement",))
    assert not reached({"urgency": "routine"}, urgency="important")
    assert reached({"urgency": "emergency"}, urgency="important")


def test_a_retired_code_is_taken_for_its_successor():
    assert reached({"regions": ["92.71"]}, region="96.71") and not reached({"regions": ["92.71"]}, region="92.03")


def test_a_correction_reaches_old_and_new_and_a_withdrawal_only_the_old():
    oracle = Oracle([Subscription("email", "old", "73.71"), Subscription("email", "new", "11.01")])
    first = {"publisher": "p", "id": "1", "kind": "announcement", "regions": ["73.71"], "fields": ["desa"]}
    assert oracle.publish(first) == {("email", "old")}
    assert oracle.publish(first | {"regions": ["11.01"]}) == {("email", "old"), ("email", "new")}
    oracle.subscriptions.append(Subscription("email", "late", "11.01"))
    assert oracle.publish(first | {"regions": ["11.01"], "status": "withdrawn"}) == {("email", "old"), ("email", "new")}


def test_an_answer_reaches_also_whoever_got_the_proposal():
    oracle = Oracle([Subscription("email", "citizen", "73.71", "desa", ("proposal",)), Subscription("email", "all", "73")])
    proposal = {"publisher": "kim", "id": "7", "kind": "proposal", "regions": ["73.71"], "fields": ["desa"]}
    oracle.publish(proposal)
    answer = {"publisher": "p", "id": "1", "kind": "announcement", "regions": ["73.71"], "fields": ["sosial"]}
    assert oracle.publish(answer) == {("email", "all")}
    assert oracle.publish(answer | {"id": "2", "inReplyTo": "kim/7"}) == {("email", "citizen"), ("email", "all")}

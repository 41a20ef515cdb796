"""TCC. The client has no options for it: a submit never waits, and the timeout is the server's."""

from dtmcli.tcc import tcc_from_req, tcc_global_transaction

import handlers
from participant import Down, Reply
from suite import case

GROUP = "Tcc"


def branch(s, tcc, name):
    """Registers a branch and calls its try."""
    return tcc.call_branch(handlers.PAYLOAD, s.url("try-" + name), s.url("confirm-" + name), s.url("cancel-" + name))


def run(s, *names):
    """A TCC of some branches. The client returns the gid, or an empty text after an abort."""
    return tcc_global_transaction(s.rest, s.gid, lambda tcc: [branch(s, tcc, name) for name in names])


@case(GROUP, "commits, newest first")
def commits(s):
    source, target = s.reservation(100)
    s.equal("the result", run(s, "debit", "credit"), s.gid)
    found = s.want_final("succeed")
    s.want_funds(source, 70)
    s.want_funds(target, 30)
    s.want_journal("try-debit 01 try", "try-credit 02 try", "confirm-credit 02 confirm", "confirm-debit 01 confirm")
    s.want_branches(found, "01 cancel prepared", "01 confirm succeed", "02 cancel prepared", "02 confirm succeed")


@case(GROUP, "holds the money between the try and the confirm")
def holds(s):
    source, target = s.reservation(100)

    def body(tcc):
        branch(s, tcc, "debit")
        branch(s, tcc, "credit")
        s.want_funds(source, 70, 30)
        s.want_funds(target, 0, 30)

    s.equal("the result", tcc_global_transaction(s.rest, s.gid, body), s.gid)
    s.want_final("succeed")
    s.want_funds(source, 70)


@case(GROUP, "rolls back newest first when a try responds 409")
def rolls_back(s):
    source, target = s.reservation(handlers.AMOUNT - 1)
    s.equal("the result", run(s, "credit", "debit"), "")
    found = s.want_final("failed")
    s.want_funds(source, handlers.AMOUNT - 1)
    s.want_funds(target, 0)
    s.want_journal("try-credit 01 try", "try-debit 02 try", "cancel-debit 02 cancel", "cancel-credit 01 cancel")
    s.want_branches(found, "01 cancel succeed", "01 confirm prepared", "02 cancel succeed", "02 confirm prepared")


@case(GROUP, "rolls back when a try responds 200 with FAILURE in its body")
def rolls_back_by_body(s):
    source, _ = s.reservation(100)
    s.at.handle("try-credit", handlers.raises(Reply(200, '{"dtm_result":"FAILURE"}')))
    s.equal("the result", run(s, "debit", "credit"), "")
    s.want_final("failed")
    s.want_funds(source, 100)


@case(GROUP, "rolls back when the initiator fails after its tries")
def initiator_fails(s):
    source, target = s.reservation(100)

    def body(tcc):
        branch(s, tcc, "debit")
        branch(s, tcc, "credit")
        raise Down("a mistake in the initiator")

    s.equal("the result", tcc_global_transaction(s.rest, s.gid, body), "")
    s.want_final("failed")
    s.want_funds(source, 100)
    s.want_funds(target, 0)


def nest(s, outer, inner):
    """The try of the outer branch calls an inner one, in the same global transaction."""
    reserve = handlers.reserves(outer, handlers.OUT)
    s.three("outer", reserve)

    def outer_try(call):
        reserve(call)
        branch(s, tcc_from_req(s.rest, call.gid, call.branch_id), inner)

    s.at.handle("try-outer", outer_try)


@case(GROUP, "nested branches commit")
def nested_commits(s):
    source, target = s.reservation(100)
    nest(s, source, "credit")
    s.equal("the result", run(s, "outer"), s.gid)
    s.want_final("succeed")
    s.want_funds(source, 70)
    s.want_funds(target, 30)
    s.want_journal(
        "try-outer 01 try", "try-credit 0101 try", "confirm-credit 0101 confirm", "confirm-outer 01 confirm"
    )


@case(GROUP, "nested branches roll back")
def nested_rolls_back(s):
    source, _ = s.reservation(100)
    poor = s.account("poor", handlers.AMOUNT - 1)
    s.three("fee", handlers.reserves(poor, handlers.OUT))
    nest(s, source, "fee")
    s.equal("the result", run(s, "outer"), "")
    s.want_final("failed")
    s.want_funds(source, 100)
    s.want_funds(poor, handlers.AMOUNT - 1)
    s.want_journal("try-outer 01 try", "try-fee 0101 try", "cancel-fee 0101 cancel", "cancel-outer 01 cancel")


@case(GROUP, "a confirm is retried after an error and after a business failure, which never changes the decision")
def retries_confirm(s):
    source, target = s.reservation(100)
    s.at.handle("confirm-credit", handlers.loses_first_response(handlers.reserves(target, handlers.IN)))
    s.at.handle("confirm-debit", handlers.first(Reply(409, "no"), handlers.reserves(source, handlers.OUT)))
    run(s, "debit", "credit")
    for endpoint in ("confirm-credit", "confirm-debit"):
        now(s, endpoint)
    s.want_final("succeed")
    s.want_funds(source, 70)
    s.want_funds(target, 30)


@case(GROUP, "a cancel that fails is retried")
def retries_cancel(s):
    source, _ = s.reservation(100)
    s.at.handle("cancel-debit", handlers.first(Down("for a moment"), handlers.reserves(source, handlers.OUT)))
    s.at.handle("try-credit", handlers.refuses)
    run(s, "debit", "credit")
    now(s, "cancel-debit")
    s.want_final("failed")
    s.want_funds(source, 100)


def now(s, endpoint):
    """Retries once an endpoint was called: the server's retry interval, which applies here, is 10 seconds."""
    s.until(endpoint, lambda: any(call.endpoint == endpoint and call.ended for call in s.at.calls()))
    s.until("the retry", lambda: s.coordinator.post("resetNextCronTime", gid=s.gid).status_code == 200)


@case(GROUP, "a branch of a transaction that has been decided is rejected")
def late_branch(s):
    s.reservation(100)
    kept = []
    tcc_global_transaction(s.rest, s.gid, kept.append)
    s.want_final("succeed")
    s.want_error("FAILURE", branch, s, kept[0], "debit")
    s.want_journal()

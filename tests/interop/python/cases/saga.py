"""Sagas."""

import threading

from dtmcli.saga import Saga

import handlers
from participant import Down, Ongoing, Reply
from suite import case

GROUP = "Saga"


def saga(s, *steps, gid=None):
    """A saga whose steps are endpoints of the case; "undo-" in front is the compensation."""
    it = Saga(s.rest, gid or s.gid)
    for step in steps:
        it.add(handlers.PAYLOAD, s.url(step), s.url("undo-" + step))
    it.trans_base.retry_interval = 1
    return it


def waiting(s, *steps):
    """The client has no method for this option of a saga."""
    it = saga(s, *steps)
    it.trans_base.wait_result = True
    return it


@case(GROUP, "commits, a waiting caller is notified when it is done")
def commits(s):
    source, target = s.transfer(100)
    waiting(s, "debit", "credit").submit()
    s.want_now("succeed")
    s.want_funds(source, 70)
    s.want_funds(target, 30)
    s.want_journal("debit 01 action", "credit 02 action")
    s.want_branches(
        s.want_final("succeed"),
        "01 compensate prepared",
        "01 action succeed",
        "02 compensate prepared",
        "02 action succeed",
    )


@case(GROUP, "rolls back newest first when a branch responds 409")
def rolls_back(s):
    source, target = s.transfer(100)
    poor = s.account("poor", handlers.AMOUNT - 1)
    s.both("fee", handlers.moves(poor, handlers.OUT))
    s.want_error("FAILURE", waiting(s, "debit", "credit", "fee", "never").submit)
    s.want_now("failed")
    s.want_funds(source, 100)
    s.want_funds(target, 0)
    s.want_funds(poor, handlers.AMOUNT - 1)
    s.want_journal(
        "debit 01 action",
        "credit 02 action",
        "fee 03 action",
        "undo-fee 03 compensate",
        "undo-credit 02 compensate",
        "undo-debit 01 compensate",
    )
    s.want_reason(s.want_final("failed"), "not enough money")


@case(GROUP, "rolls back when a branch responds 200 with FAILURE in its body")
def rolls_back_by_body(s):
    source, _ = s.transfer(100)
    s.at.handle("credit", handlers.raises(Reply(200, '{"dtm_result":"FAILURE","message":"closed"}')))
    s.want_error("FAILURE", waiting(s, "debit", "credit").submit)
    s.want_reason(s.want_final("failed"), "closed")
    s.want_funds(source, 100)


@case(GROUP, "a submit that does not wait returns before its branches have run, and commits")
def commits_without_waiting(s):
    source, target = s.transfer(100)
    submitted = threading.Event()
    s.at.handle("debit", handlers.after(submitted, handlers.moves(source, handlers.OUT)))
    saga(s, "debit", "credit").submit()
    submitted.set()
    s.want_final("succeed")
    s.want_funds(source, 70)
    s.want_funds(target, 30)


@case(GROUP, "a submit that does not wait returns before its branches have run, and rolls back")
def rolls_back_without_waiting(s):
    source, _ = s.transfer(100)
    submitted = threading.Event()
    s.at.handle("credit", handlers.after(submitted, handlers.refuses))
    saga(s, "debit", "credit").submit()
    submitted.set()
    s.want_final("failed")
    s.want_funds(source, 100)


@case(GROUP, "passes payload, headers and context to a branch")
def passes_context(s):
    s.both("debit", handlers.succeeds)
    it = Saga(s.rest, s.gid).add(handlers.PAYLOAD, s.url("debit") + "?shop=7", "")
    it.trans_base.branch_headers = {"X-Tenant": "north"}
    it.trans_base.wait_result = True
    it.submit()
    call = s.one("debit")
    got = [call.method, call.amount(), call.gid, call.trans_type, call.branch_id, call.op, call.query["shop"]]
    s.equal("the call", got, ["POST", handlers.AMOUNT, s.gid, "saga", "01", "action", "7"])
    headers = [call.headers[name] for name in ("X-Tenant", "Content-Type")]
    s.equal("the headers", headers, ["north", "application/json"])


@case(GROUP, "retries a branch that is down, a waiting caller is notified that it is not finished")
def retries(s):
    source, target = s.transfer(100)
    s.at.handle("credit", handlers.first(Down("for a moment"), handlers.moves(target, handlers.IN)))
    s.want_error("FAILURE", waiting(s, "debit", "credit").submit)
    s.want_final("succeed")
    s.want_funds(source, 70)
    s.want_funds(target, 30)
    s.want_journal("debit 01 action", "credit 02 action", "credit 02 action")


@case(GROUP, "a lost response is retried and the barrier keeps one effect")
def lost_response(s):
    source, target = s.transfer(100)
    s.at.handle("debit", handlers.loses_first_response(handlers.moves(source, handlers.OUT)))
    saga(s, "debit", "credit").submit()
    s.want_final("succeed")
    s.want_funds(source, 70)
    s.want_funds(target, 30)
    s.want_journal("debit 01 action", "debit 01 action", "credit 02 action")


@case(GROUP, "a branch that hangs is abandoned after the request timeout and called again")
def request_timeout(s):
    source, target = s.transfer(100)
    again = threading.Event()
    move = handlers.moves(target, handlers.IN)

    def hang(call):
        move(call)
        if call.attempt == 1:
            again.wait(handlers.WAIT_SECONDS)
        again.set()

    s.at.handle("credit", hang)
    it = saga(s, "debit", "credit")
    it.trans_base.request_timeout = 1
    it.submit()
    s.want_final("succeed")
    s.want_funds(source, 70)
    s.want_funds(target, 30)
    s.want_journal("debit 01 action", "credit 02 action", "credit 02 action")


@case(GROUP, "an ongoing branch is called again, whether it responds 425 or 200 with ONGOING in its body")
def ongoing(s):
    source, target = s.transfer(100)
    s.at.handle("debit", handlers.first(Ongoing("later"), handlers.moves(source, handlers.OUT)))
    later = Reply(200, '{"dtm_result":"ONGOING"}')
    s.at.handle("credit", handlers.first(later, handlers.moves(target, handlers.IN)))
    saga(s, "debit", "credit").submit()
    s.want_final("succeed")
    s.want_funds(source, 70)
    s.want_funds(target, 30)
    s.want_journal("debit 01 action", "debit 01 action", "credit 02 action", "credit 02 action")


@case(GROUP, "a compensation that fails is retried until it succeeds, also after a business failure")
def retries_compensation(s):
    source, _ = s.transfer(100)
    undo = handlers.moves(source, handlers.OUT)
    s.at.handle("credit", handlers.refuses)

    def third_time(call):
        if call.attempt == 1:
            raise Down("for a moment")
        if call.attempt == 2:
            handlers.refuses(call)
        undo(call)

    s.at.handle("undo-debit", third_time)
    saga(s, "debit", "credit").submit()
    s.want_final("failed")
    s.want_funds(source, 100)
    s.want_journal(
        "debit 01 action", "credit 02 action", "undo-credit 02 compensate", *["undo-debit 01 compensate"] * 3
    )


@case(GROUP, "a step without compensate rolls back without a call")
def without_compensate(s):
    source, _ = s.transfer(100)
    s.at.handle("look", handlers.succeeds)
    s.at.handle("refuse", handlers.refuses)
    it = waiting(s, "debit")
    it.add(handlers.PAYLOAD, s.url("look"), "").add(handlers.PAYLOAD, s.url("refuse"), "")
    s.want_error("FAILURE", it.submit)
    s.want_final("failed")
    s.want_funds(source, 100)
    s.want_journal("debit 01 action", "look 02 action", "refuse 03 action", "undo-debit 01 compensate")


@case(GROUP, "submitted again after success succeeds and changes nothing; other steps under its gid are rejected")
def submitted_again(s):
    source, target = s.transfer(100)
    it = waiting(s, "debit", "credit")
    it.submit()
    it.submit()
    s.want_error("FAILURE", saga(s, "debit").submit)
    s.want_final("succeed")
    s.want_funds(source, 70)
    s.want_funds(target, 30)
    s.want_journal("debit 01 action", "credit 02 action")


@case(GROUP, "the timeout rolls back")
def times_out(s):
    source, _ = s.transfer(100)
    s.at.handle("credit", handlers.raises(Ongoing("for ever")))
    it = saga(s, "debit", "credit")
    it.trans_base.timeout_to_fail = 2
    it.submit()
    s.want_reason(s.want_final("failed"), "Timeout after 2 seconds")
    s.want_funds(source, 100)


@case(GROUP, "the retry limit rolls back")
def retry_limit(s):
    source, _ = s.transfer(100)
    s.at.handle("credit", handlers.raises(Down("for ever")))
    it = saga(s, "debit", "credit")
    it.trans_base.retry_limit = 2
    it.submit()
    s.want_reason(s.want_final("failed"), "RetryCount is greater than RetryLimit, RetryLimit: 2")
    s.want_funds(source, 100)


@case(GROUP, "a gid that is a prefix of another keeps its branches")
def prefix(s):
    source, target = s.transfer(100)
    s.at.handle("credit", handlers.first(Down("for a moment"), handlers.moves(target, handlers.IN)))
    gids = [f"{s.gid}-{suffix}" for suffix in ("40", "48", "4")]
    for gid in gids:
        saga(s, "debit", "credit", gid=gid).submit()
    for gid in gids:
        s.want_final("succeed", gid)
    s.want_funds(source, 10)
    s.want_funds(target, 90)

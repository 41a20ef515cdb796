"""Two-phase messages, with their check-back."""

import json
import threading
import time

from dtmcli.barrier import BranchBarrier
from dtmcli.msg import Msg

import handlers
from participant import Down, Ongoing
from suite import case

GROUP = "Message"


def message(s, *steps):
    """A message whose steps are endpoints of the case."""
    it = Msg(s.rest, s.gid)
    for step in steps:
        it.add(handlers.PAYLOAD, s.url(step))
    it.trans_base.retry_interval = 1
    it.trans_base.timeout_to_fail = 1
    return it


def sender(s, balance=100):
    """The account of the sender, with the check-back of its local transaction."""
    account = s.account("sender", balance)

    def check_back(call):
        with account.bank.cursor() as cursor:
            call.barrier().query_prepared(cursor)

    s.at.handle("check-back", check_back)
    return account


def receiver(s):
    """The account of the receiver, with the endpoint that the message is delivered to."""
    account = s.account("receiver", 0)
    s.at.handle("receive", handlers.moves(account, handlers.IN))
    return account


def pay(it, s, account):
    """The local transaction and the submit, by the client's own helper (its parameter `conn` is a cursor)."""
    with account.bank.cursor() as cursor:
        it.do_and_submit_db(s.url("check-back"), cursor, lambda tx: account.change(tx, -handlers.AMOUNT))


@case(GROUP, "delivers every step, a waiting caller is notified when it is done")
def delivers(s):
    one, two = s.account("one", 0), s.account("two", 0)
    s.at.handle("one", handlers.moves(one, handlers.IN))
    s.at.handle("two", handlers.moves(two, handlers.IN))
    message(s, "one", "two").set_wait_result().submit()
    s.want_now("succeed")
    s.want_funds(one, 30)
    s.want_funds(two, 30)
    s.want_journal("one 01 action", "two 02 action")


@case(GROUP, "a submit that does not wait returns before the delivery")
def without_waiting(s):
    account = receiver(s)
    submitted = threading.Event()
    s.at.handle("receive", handlers.after(submitted, handlers.moves(account, handlers.IN)))
    message(s, "receive").submit()
    submitted.set()
    s.want_final("succeed")
    s.want_funds(account, 30)


@case(GROUP, "is retried until it is delivered, whatever the step responds")
def retries(s):
    account = receiver(s)
    move = handlers.moves(account, handlers.IN)

    def third_time(call):
        if call.attempt == 1:
            handlers.refuses(call)
        move(call)
        if call.attempt == 2:
            raise Down("the response is lost")

    s.at.handle("receive", third_time)
    s.want_error("FAILURE", message(s, "receive").set_wait_result().submit)
    s.want_final("succeed")
    s.want_funds(account, 30)
    s.want_journal(*["receive 01 action"] * 3)


@case(GROUP, "runs its steps at once when it is concurrent")
def concurrent(s):
    meet = handlers.meeting(2)
    s.at.handle("left", meet)
    s.at.handle("right", meet)
    it = message(s, "left", "right").set_wait_result()
    it.trans_base.concurrent = True
    it.submit()
    s.want_final("succeed")


@case(GROUP, "delivers after the local transaction has committed")
def local_commit(s):
    paying, account = sender(s), receiver(s)
    pay(message(s, "receive").set_wait_result(), s, paying)
    s.want_now("succeed")
    s.want_funds(paying, 70)
    s.want_funds(account, 30)
    s.want_journal("receive 01 action")


@case(GROUP, "delivers nothing after the local transaction was rolled back")
def local_rollback(s):
    paying, account = sender(s, handlers.AMOUNT - 1), receiver(s)
    s.want_error("not enough money", pay, message(s, "receive"), s, paying)
    s.want_final("failed")
    s.want_funds(paying, handlers.AMOUNT - 1)
    s.want_funds(account, 0)
    s.want_journal()


@case(GROUP, "a local transaction with an unknown outcome is checked back by the client; dropped if not committed")
def unknown_dropped(s):
    paying, account = sender(s), receiver(s)
    lost = handlers.raises(Down("the connection broke"))
    s.want_error("broke", message(s, "receive").do_and_submit, s.url("check-back"), lost)
    s.want_final("failed")
    s.want_funds(paying, 100)
    s.want_funds(account, 0)
    s.want_journal("check-back 00 msg")


@case(GROUP, "a local transaction with an unknown outcome is checked back by the client; delivered if committed")
def unknown_delivered(s):
    paying, account = sender(s), receiver(s)

    def commit_and_lose(barrier):
        with paying.bank.cursor() as cursor:
            barrier.call(cursor, lambda tx: paying.change(tx, -handlers.AMOUNT))
        raise Down("the connection broke")

    s.want_error("broke", message(s, "receive").do_and_submit, s.url("check-back"), commit_and_lose)
    s.want_final("succeed")
    s.want_funds(paying, 70)
    s.want_funds(account, 30)


@case(GROUP, "that is never submitted is checked back by the coordinator, and dropped if nothing was committed")
def never_submitted(s):
    paying, account = sender(s), receiver(s)
    message(s, "receive").prepare(s.url("check-back"))
    s.want_final("failed")
    s.want_funds(account, 0)
    s.want_journal("check-back 00 msg")
    # The check-back came first, so that a late local transaction is rejected.
    s.want_error("duplicate", late, s, paying)
    s.want_funds(paying, 100)


def late(s, paying):
    """The local transaction of a sender that was paused after its prepare."""
    with paying.bank.cursor() as cursor:
        own = BranchBarrier("msg", s.gid, "00", "msg")
        own.call(cursor, lambda tx: paying.change(tx, -handlers.AMOUNT))


@case(GROUP, "that is never submitted is checked back by the coordinator, and delivered if it was committed")
def committed_never_submitted(s):
    paying, account = sender(s), receiver(s)
    message(s, "receive").prepare(s.url("check-back"))
    late(s, paying)
    s.want_final("succeed")
    s.want_funds(paying, 70)
    s.want_funds(account, 30)
    s.want_journal("check-back 00 msg", "receive 01 action")


@case(GROUP, "a check-back without a final result is repeated")
def check_back_ongoing(s):
    sender(s)
    account = receiver(s)
    calls = []

    def third_time(call):
        calls.append(call)
        if len(calls) == 1:
            raise Ongoing("the local transaction is running")
        if len(calls) == 2:
            raise Down("for a moment")

    s.at.handle("check-back", third_time)
    message(s, "receive").prepare(s.url("check-back"))
    s.want_final("succeed")
    s.want_funds(account, 30)


@case(GROUP, "waits for its delay")
def delay(s):
    account = receiver(s)
    it = message(s, "receive")
    it.trans_base.custom_data = json.dumps({"delay": 2})
    began = time.monotonic()
    it.submit()
    s.want_final("succeed")
    s.equal("at least the delay", time.monotonic() - began >= 1.9, True)
    s.want_funds(account, 30)


@case(GROUP, "fans out to the subscribers of a topic")
def topic(s):
    one, two = s.account("one", 0), s.account("two", 0)
    s.at.handle("one", handlers.moves(one, handlers.IN))
    s.at.handle("two", handlers.moves(two, handlers.IN))
    for endpoint in ("one", "two"):
        response = s.coordinator.get("subscribe", topic=s.gid, url=s.url(endpoint), remark="interop")
        s.equal("subscribe", response.status_code, 200)
    Msg(s.rest, s.gid).add(handlers.PAYLOAD, "topic://" + s.gid).set_wait_result().submit()
    s.want_funds(one, 30)
    s.want_funds(two, 30)
    s.want_branches(s.want_final("succeed"), "01-01 action succeed", "01-02 action succeed")


@case(GROUP, "to a topic without subscribers is rejected")
def unknown_topic(s):
    it = Msg(s.rest, s.gid).add(handlers.PAYLOAD, "topic://" + s.gid)
    s.want_error("bad result", it.submit)
    s.equal("the transaction", s.coordinator.query(s.gid)["transaction"], None)

"""Concurrent sagas.

The client cannot send one: `add_branch_order` and `build_custom_options` read `self.orders` and `self.concurrent`,
which a Saga does not have. The cases set them.
"""

import threading

import handlers
from cases.saga import saga
from suite import case

GROUP = "ConcurrentSaga"


def concurrent(s, *steps, orders):
    """A saga with the attributes that the client has forgotten."""
    it = saga(s, *steps)
    it.orders, it.concurrent = {}, True
    it.trans_base.wait_result = True
    for branch, previous in orders.items():
        it.add_branch_order(branch, previous)
    return it.set_concurrent()


def four(s, fourth):
    """The steps 0 and 1 are free, 2 comes after both of them, 3 after 2."""
    return concurrent(s, "left", "right", "join", fourth, orders={2: [0, 1], 3: [2]})


@case(GROUP, "runs steps without dependencies at once, and commits")
def commits(s):
    source, target = s.transfer(100)
    meet = handlers.meeting(2)
    s.at.handle("left", meet)
    s.at.handle("right", meet)
    s.at.handle("join", handlers.moves(source, handlers.OUT))
    four(s, "credit").submit()
    s.want_now("succeed")
    s.want_after("join", "left", "right")
    s.want_after("credit", "join")
    s.want_funds(source, 70)
    s.want_funds(target, 30)


@case(GROUP, "rolls back what was started, in the reverse order")
def rolls_back(s):
    source, target = s.transfer(100)
    s.both("left", handlers.moves(source, handlers.OUT))
    s.both("right", handlers.moves(target, handlers.IN))
    s.at.handle("join", handlers.refuses)
    s.at.handle("undo-join", handlers.succeeds)
    s.want_error("FAILURE", four(s, "never").submit)
    s.want_now("failed")
    s.want_after("undo-left", "undo-join")
    s.want_after("undo-right", "undo-join")
    s.want_funds(source, 100)
    s.want_funds(target, 0)
    calls = sorted(call.endpoint for call in s.at.calls())
    s.equal("the calls", calls, ["join", "left", "right", "undo-join", "undo-left", "undo-right"])


@case(GROUP, "without dependencies runs everything at once")
def without_orders(s):
    meet = handlers.meeting(3)
    for step in "abc":
        s.at.handle(step, meet)
    concurrent(s, *"abc", orders={}).submit()
    s.want_final("succeed")


@case(GROUP, "compensates a branch that was still running when another one failed")
def still_running(s):
    source = s.account("from", 100)
    refused = threading.Event()
    move = handlers.moves(source, handlers.OUT)
    s.at.handle("slow", handlers.after(refused, move))
    s.at.handle("undo-slow", move)

    def refuse(call):
        refused.set()
        handlers.refuses(call)

    s.at.handle("refuse", refuse)
    s.at.handle("undo-refuse", handlers.succeeds)
    s.want_error("FAILURE", concurrent(s, "slow", "refuse", orders={}).submit)
    s.want_final("failed")
    s.want_funds(source, 100)

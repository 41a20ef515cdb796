"""Coordinators that require a token, with and without TLS.

The client sends user information of the coordinator's URL as HTTP Basic, with `requests`, which finds the authority of a
certificate by REQUESTS_CA_BUNDLE.
"""

import os

from dtmcli.msg import Msg
from dtmcli.saga import Saga
from dtmcli.tcc import tcc_global_transaction

import handlers
from coordinator import Coordinator
from scene import Skipped
from suite import case

GROUP = "Token"
TOKEN = os.environ.get("INTEROP_TOKEN", "")


def at(variable, user="any:" + TOKEN):
    """A coordinator whose URL has user information."""
    if not TOKEN:
        raise Skipped("there is no coordinator with authentication")
    return Coordinator(os.environ[variable].replace("://", f"://{user}@" if user else "://"))


def transfers(s, coordinator):
    """A saga that moves money at this coordinator."""
    source, target = s.transfer(100)
    it = Saga(coordinator.rest, s.gid)
    for step in ("debit", "credit"):
        it.add(handlers.PAYLOAD, s.url(step), s.url("undo-" + step))
    it.trans_base.wait_result = True
    it.submit()
    s.want_funds(source, 70)
    s.want_funds(target, 30)
    s.equal("the status", coordinator.final(s.gid)["transaction"]["status"], "succeed")


@case(GROUP, "a saga commits with the token in the coordinator's URL")
def saga(s):
    transfers(s, at("INTEROP_TOKEN_TARGET"))


@case(GROUP, "a saga over https commits, with the authority in the environment")
def over_tls(s):
    transfers(s, at("INTEROP_TLS_TARGET"))


@case(GROUP, "a saga commits through nginx, which adds the token and TLS")
def proxy(s):
    transfers(s, at("INTEROP_PROXY_TARGET", user=""))


@case(GROUP, "a TCC commits with the token in the coordinator's URL")
def tcc(s):
    coordinator = at("INTEROP_TOKEN_TARGET")
    source, target = s.reservation(100)

    def work(it):
        for name in ("debit", "credit"):
            it.call_branch(handlers.PAYLOAD, s.url("try-" + name), s.url("confirm-" + name), s.url("cancel-" + name))

    s.equal("the result", tcc_global_transaction(coordinator.rest, s.gid, work), s.gid)
    s.equal("the status", coordinator.final(s.gid)["transaction"]["status"], "succeed")
    s.want_funds(source, 70)
    s.want_funds(target, 30)


@case(GROUP, "a message is prepared and delivered with the token in the coordinator's URL")
def message(s):
    coordinator = at("INTEROP_TOKEN_TARGET")
    s.at.handle("credit", handlers.succeeds)
    it = Msg(coordinator.rest, s.gid)
    it.add(handlers.PAYLOAD, s.url("credit"))
    it.prepare(s.url("check"))
    it.submit()
    s.equal("the status", coordinator.final(s.gid)["transaction"]["status"], "succeed")
    s.want_journal("credit 01 action")


@case(GROUP, "is required")
def required(s):
    for user in ("", "any:hf_wrong"):
        coordinator = at("INTEROP_TOKEN_TARGET", user)
        s.equal("the status", coordinator.get("newGid").status_code, 401)
        it = Saga(coordinator.rest, s.gid)
        it.add(handlers.PAYLOAD, s.url("debit"), "")
        s.want_error("", it.submit)
    s.want_journal()

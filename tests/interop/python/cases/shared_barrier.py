"""A Python and a TypeScript participant share one barrier table in MariaDB."""

import requests
from dtmcli.barrier import BranchBarrier
from dtmcli.utils import DTMFailureError

import handlers
from cases.saga import saga
from participant import Down
from suite import case

GROUP = "SharedBarrier"


class PythonSide:
    """A participant with the Python client's barrier."""

    def __init__(self, s, account):
        self.gid, self.account = s.gid, account

    def change(self, trans_type, op, amount, branch_id="01"):
        """Changes the account behind the barrier."""
        own = BranchBarrier(trans_type, self.gid, branch_id, op)
        with self.account.bank.cursor() as cursor:
            own.call(cursor, lambda tx: self.account.change(tx, amount))

    def message(self, amount):
        """The local transaction of a message; False when a check-back or another run came first."""
        try:
            self.change("msg", "msg", amount, "00")
            return True
        except Exception as error:  # pylint: disable=broad-except
            if "duplicate" not in str(error):
                raise
            return False

    def check(self):
        """The check-back: whether the local transaction was committed."""
        own = BranchBarrier("msg", self.gid, "00", "msg")
        try:
            with self.account.bank.cursor() as cursor:
                own.query_prepared(cursor)
            return True
        except DTMFailureError:
            return False


class TypeScriptSide:
    """The participant written with @holdfast/client."""

    def __init__(self, s, account):
        self.gid, self.account = s.gid, account
        self.base = s.setting.typescript + "/mariadb"

    def change(self, trans_type, op, amount, branch_id="01"):
        """Changes the account; Holdfast's barrier reports a call that was undone before, dtm's does nothing."""
        response = self._post("change", trans_type, op, amount, branch_id)
        if response.status_code != 200 and "was undone before" not in response.text:
            raise AssertionError(f"{response.status_code} {response.text}")

    def message(self, amount):
        """As above."""
        return self._done(self._post("message", "msg", "msg", amount, "00"))

    def check(self):
        """As above."""
        return self._done(self._post("check", "msg", "msg", 0, "00"))

    def _done(self, response):
        if response.status_code not in (200, 409):
            raise AssertionError(f"{response.status_code} {response.text}")
        return response.status_code == 200

    def _post(self, endpoint, trans_type, op, amount, branch_id):
        query = {"gid": self.gid, "trans_type": trans_type, "branch_id": branch_id, "op": op}
        body = {"account": self.account.name, "amount": amount}
        return requests.post(f"{self.base}/{endpoint}", params=query, json=body, timeout=10)


def shared(name):
    """Registers a case for both orders."""

    def register(body):
        for words, sides in (
            ("Python, then TypeScript", (PythonSide, TypeScriptSide)),
            ("TypeScript, then Python", (TypeScriptSide, PythonSide)),
        ):

            def run(s, sides=sides):
                account = s.account("shared", 100)
                body(s, account, *(side(s, account) for side in sides))

            case(GROUP, f"{name}: {words}")(run)

    return register


@shared("an action is not carried out again")
def repeated(s, account, one, other):
    for side in (one, other, one):
        side.change("saga", "action", -30)
    s.want_funds(account, 70)


@shared("a compensation undoes what the other did, once")
def undone(s, account, one, other):
    one.change("saga", "action", -30)
    other.change("saga", "compensate", 30)
    one.change("saga", "compensate", 30)
    s.want_funds(account, 100)


@shared("a compensation that comes first is empty, and its late action does nothing")
def empty(s, account, one, other):
    one.change("saga", "compensate", 30)
    s.want_funds(account, 100)
    other.change("saga", "action", -30)
    one.change("saga", "action", -30)
    s.want_funds(account, 100)


@shared("a cancel that comes first is empty, and its late try does nothing")
def cancel(s, account, one, other):
    one.change("tcc", "cancel", 30)
    s.want_funds(account, 100)
    other.change("tcc", "try", -30)
    one.change("tcc", "try", -30)
    s.want_funds(account, 100)


@shared("the local transaction of a message is known to the other's check-back, and not repeated")
def committed(s, account, one, other):
    done = [one.message(-30), other.check(), one.check(), other.message(-30)]
    s.equal("local transaction, check-backs, local transaction", done, [True, True, True, False])
    s.want_funds(account, 70)


@shared("a check-back that came first keeps the other from committing")
def refused(s, account, one, other):
    done = [one.check(), other.message(-30), other.check()]
    s.equal("check-back, local transaction, check-back", done, [False, False, False])
    s.want_funds(account, 100)


@shared("a saga commits, each call lost by the one and repeated to the other")
def saga_commits(s, account, one, other):
    alternate(s, "debit", one, other, -30)
    saga(s, "debit").submit()
    s.want_final("succeed")
    s.want_funds(account, 70)
    s.want_journal("debit 01 action", "debit 01 action")


@shared("a saga is rolled back, each call lost by the one and repeated to the other")
def saga_rolls_back(s, account, one, other):
    alternate(s, "debit", one, other, -30)
    alternate(s, "undo-debit", one, other, 30)
    s.at.handle("refuse", handlers.refuses)
    s.at.handle("undo-refuse", handlers.succeeds)
    saga(s, "debit", "refuse").submit()
    s.want_final("failed")
    s.want_funds(account, 100)


def alternate(s, endpoint, one, other, amount):
    """The first call is served by one and its response is lost, the repeated one by the other."""

    def handle(call):
        side = one if call.attempt == 1 else other
        side.change(call.trans_type, call.op, amount, call.branch_id)
        if call.attempt == 1:
            raise Down("the response is lost")

    s.at.handle(endpoint, handle)

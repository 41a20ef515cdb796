"""The client's branch barrier, called as a coordinator calls it. It supports MySQL and MariaDB only."""

from dtmcli.barrier import BranchBarrier

import handlers
from participant import Down
from suite import case

GROUP = "Barrier"
PAIRS = (("saga", "action", "compensate"), ("tcc", "try", "cancel"))


def use(s, account, trans_type, op, amount, uses=1):
    """One request that uses the barrier a number of times."""
    own = BranchBarrier(trans_type, s.gid, "01", op)
    for _ in range(uses):
        with account.bank.cursor() as cursor:
            own.call(cursor, lambda tx: account.change(tx, amount))


def each(name):
    """Registers a case for a saga and for a TCC."""

    def register(body):
        for trans_type, do, undo in PAIRS:
            case(GROUP, f"{name} ({do}, {undo})")(
                lambda s, args=(trans_type, do, undo): body(s, s.account("from", 100), *args)
            )

    return register


@each("a repeated call has one effect")
def repeated(s, account, trans_type, do, _):
    for _ in range(3):
        use(s, account, trans_type, do, -30)
    s.want_funds(account, 70)


@each("an undo has one effect, and only once")
def undone(s, account, trans_type, do, undo):
    use(s, account, trans_type, do, -30)
    for _ in range(2):
        use(s, account, trans_type, undo, 30)
        s.want_funds(account, 100)


@each("an undo that comes first is empty, and what it undoes has no effect afterwards")
def empty_and_dangling(s, account, trans_type, do, undo):
    use(s, account, trans_type, undo, 30)
    s.want_funds(account, 100)
    use(s, account, trans_type, do, -30)
    s.want_funds(account, 100)


@each("used twice in one request, each use has one effect")
def twice(s, account, trans_type, do, _):
    for _ in range(2):
        use(s, account, trans_type, do, -10, uses=2)
        s.want_funds(account, 80)


@each("a business function that fails leaves nothing behind, so that the call can be repeated")
def failing(s, account, trans_type, do, _):
    def fail():
        own = BranchBarrier(trans_type, s.gid, "01", do)
        with account.bank.cursor() as cursor:
            own.call(cursor, handlers.raises(Down("for a moment")))

    s.want_error("for a moment", fail)
    use(s, account, trans_type, do, -30)
    s.want_funds(account, 70)

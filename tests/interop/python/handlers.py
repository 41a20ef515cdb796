"""What the endpoints of the cases do."""

import threading

from dtmcli import utils

from participant import Down

AMOUNT = 30
PAYLOAD = {"amount": AMOUNT}
IN, OUT = 1, -1
WAIT_SECONDS = 15


def succeeds(_):
    """Does nothing."""


def moves(account, direction):
    """Changes the balance by the amount, and back when the op undoes another."""

    def handle(call):
        amount = call.amount() * direction
        if call.op == "compensate":
            amount = -amount
        with account.bank.cursor() as cursor:
            call.barrier().call(cursor, lambda tx: account.change(tx, amount))

    return handle


def reserves(account, direction):
    """Holds the money in the try, and settles or releases it in the second phase."""

    def handle(call):
        amount = call.amount()
        settled = {"try": -amount if direction == OUT else 0, "cancel": amount if direction == OUT else 0}
        balance = settled.get(call.op, amount if direction == IN else 0)
        held = amount if call.op == "try" else -amount
        with account.bank.cursor() as cursor:
            call.barrier().call(cursor, lambda tx: account.change(tx, balance, held))

    return handle


def raises(error):
    """Always fails."""

    def handle(_):
        raise error

    return handle


def refuses(_):
    """The business failure."""
    raise utils.DTMFailureError("refused")


def first(error, then):
    """Fails the first call of each op, and leaves the later ones to another handler."""

    def handle(call):
        if call.attempt == 1:
            raise error
        then(call)

    return handle


def loses_first_response(handler):
    """Does the work of the first call, and reports an error."""

    def handle(call):
        handler(call)
        if call.attempt == 1:
            raise Down("the work is done, the response is lost")

    return handle


def after(event, handler):
    """Waits for an event before the work."""

    def handle(call):
        if not event.wait(WAIT_SECONDS):
            raise Down("the event did not happen")
        handler(call)

    return handle


def meeting(number):
    """A place where a number of calls wait for each other: they get through only if they run at once."""
    barrier = threading.Barrier(number)

    def handle(_):
        barrier.wait(WAIT_SECONDS)

    return handle

"""What a case has: a gid, accounts and endpoints, and the assertions about them."""

import time

from dtmcli import utils

import handlers


class Skipped(Exception):
    """The case needs something that is not installed."""


class Setting:
    """What all cases share."""

    def __init__(self, coordinator, service, bank, typescript):
        self.coordinator = coordinator
        self.service = service
        self.bank = bank
        self.typescript = typescript


class Case:
    """One case: a gid, accounts and endpoints, all separate from those of other cases."""

    def __init__(self, setting):
        self.setting = setting
        self.coordinator = setting.coordinator
        self.rest = setting.coordinator.rest
        self.gid = utils.gen_gid(self.rest)
        self.at = setting.service.scene(self.gid)

    def url(self, endpoint):
        """Where an endpoint of the case is called."""
        return self.at.url(endpoint)

    def account(self, name, balance):
        """Opens an account."""
        if self.setting.bank is None:
            raise Skipped("MariaDB is not installed")
        return self.setting.bank.open(f"{self.gid}-{name}", balance)

    def both(self, endpoint, handler):
        """Serves a step and its compensation by one handler."""
        self.at.handle(endpoint, handler)
        self.at.handle("undo-" + endpoint, handler)

    def transfer(self, balance):
        """Two accounts, with endpoints to move money from the first to the second."""
        source, target = self.account("from", balance), self.account("to", 0)
        self.both("debit", handlers.moves(source, handlers.OUT))
        self.both("credit", handlers.moves(target, handlers.IN))
        return source, target

    def three(self, branch, handler):
        """Serves try, confirm and cancel of a branch by one handler."""
        for op in ("try-", "confirm-", "cancel-"):
            self.at.handle(op + branch, handler)

    def reservation(self, balance):
        """Two accounts, with endpoints to reserve and settle a transfer."""
        source, target = self.account("from", balance), self.account("to", 0)
        self.three("debit", handlers.reserves(source, handlers.OUT))
        self.three("credit", handlers.reserves(target, handlers.IN))
        return source, target

    def journal(self):
        """The calls that the participants received, in the order in which they started."""
        return [str(call) for call in self.at.calls()]

    def one(self, endpoint):
        """The only call of an endpoint."""
        calls = [call for call in self.at.calls() if call.endpoint == endpoint]
        self.equal(f"calls of {endpoint}", len(calls), 1)
        return calls[0]

    def equal(self, what, got, want):
        """Fails the case unless two values are equal."""
        if got != want:
            raise AssertionError(f"{what}: want {want!r}, got {got!r}; journal: {self.journal()}")

    def want_funds(self, account, balance, held=0):
        """Compares what is committed."""
        self.equal(f"account {account.name}", account.funds(), (balance, held))

    def want_journal(self, *want):
        """Compares all calls that the participants received."""
        self.equal("the calls", self.journal(), list(want))

    def want_after(self, later, *earlier):
        """A call started only when all of the others had ended."""
        for endpoint in earlier:
            done = self.one(endpoint).ended
            self.equal(f"{later} starts after {endpoint}", 0 < done < self.one(later).began, True)

    def want_now(self, status, gid=None):
        """The status that a caller who waited finds."""
        found = self.coordinator.query(gid or self.gid)["transaction"]
        self.equal("the status at once", found and found["status"], status)

    def want_final(self, status, gid=None):
        """Waits for the final status."""
        found = self.coordinator.final(gid or self.gid)
        self.equal("the final status", found["transaction"]["status"], status)
        return found

    def want_branches(self, found, *want):
        """Compares the stored branches, as "01 action succeed"."""
        got = [f"{branch['branch_id']} {branch['op']} {branch['status']}" for branch in found["branches"]]
        self.equal("the branches", got, list(want))

    def want_reason(self, found, text):
        """A text that the rollback reason contains."""
        reason = found["transaction"].get("rollback_reason", "")
        self.equal(f"{text!r} in the rollback reason {reason!r}", text in reason, True)

    def want_error(self, text, function, *args):
        """A call that must fail, with a text in its error."""
        try:
            function(*args)
        except Exception as error:  # pylint: disable=broad-except
            self.equal(f"{text!r} in {error!r}", text in repr(error), True)
            return error
        raise AssertionError(f"want an error with {text!r}, got none; journal: {self.journal()}")

    def until(self, what, condition):
        """Waits for a condition."""
        deadline = time.monotonic() + handlers.WAIT_SECONDS
        while not condition():
            self.equal(f"in time: {what}", time.monotonic() < deadline, True)
            time.sleep(0.02)

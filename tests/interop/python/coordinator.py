"""What the coordinator reports about a transaction, by plain HTTP."""

import time

import requests

POLL_SECONDS = 0.02
FINAL_SECONDS = 25


class Coordinator:
    """A server that speaks the protocol. `rest` is the address that the client is given."""

    def __init__(self, base):
        self.base = base
        self.rest = base + "/api/dtmsvr"

    def get(self, call, **query):
        """The response to a GET of a call of the protocol."""
        return requests.get(f"{self.rest}/{call}", params=query, timeout=10)

    def post(self, call, **body):
        """The response to a POST of a call of the protocol."""
        return requests.post(f"{self.rest}/{call}", json=body, timeout=10)

    def query(self, gid):
        """The transaction and its branches; the transaction is None for an unknown gid."""
        return self.get("query", gid=gid).json()

    def final(self, gid):
        """Polls until the transaction has reached a final status."""
        deadline = time.monotonic() + FINAL_SECONDS
        while True:
            found = self.query(gid)
            transaction = found["transaction"]
            if transaction is not None and transaction["status"] in ("succeed", "failed"):
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"{gid} is not final after {FINAL_SECONDS} s: {transaction}")
            time.sleep(POLL_SECONDS)

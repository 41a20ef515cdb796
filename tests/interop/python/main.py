"""Runs dtm's published Python client against a coordinator.

The cases judge by what happened in the business database and in the participants' journals. Environment:
INTEROP_TARGET (http://host:port of the coordinator), INTEROP_MYSQL (URL of a database that the cases may create tables
in; a case that needs it is skipped without), INTEROP_TYPESCRIPT (http://host:port of the participant that shares the
barrier), INTEROP_RUN (a regular expression for GROUP/NAME of the cases), INTEROP_OUTCOMES (the file that the outcomes
are appended to).
"""

import os

import suite
from bank import Bank
from coordinator import Coordinator
from participant import Service
from scene import Setting

from cases import barrier, calls, concurrent, message, saga, shared_barrier, tcc, token  # noqa: F401


def main():
    """Runs the cases."""
    mysql = os.environ.get("INTEROP_MYSQL")
    setting = Setting(
        Coordinator(os.environ["INTEROP_TARGET"]),
        Service(),
        Bank(mysql) if mysql else None,
        os.environ["INTEROP_TYPESCRIPT"],
    )
    suite.run(setting, os.environ.get("INTEROP_RUN", ""))


if __name__ == "__main__":
    main()

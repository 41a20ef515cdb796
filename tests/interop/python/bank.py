"""The business database: accounts in MariaDB, changed behind the client's own branch barrier.

The barrier's table is not created here: the TypeScript participant, which shares it, has created it.
"""

from urllib.parse import urlparse

import pymysql
from dtmcli import barrier, utils

CREATE = (
    "create table if not exists account (id varchar(128) primary key, balance bigint not null, held bigint not null)"
)
CHANGE = (
    "update account set balance = balance + %s, held = held + %s"
    " where id = %s and balance + %s >= 0 and held + %s >= 0"
)


class Bank:
    """One database with accounts."""

    def __init__(self, url):
        place = urlparse(url)
        self._settings = {
            "host": place.hostname,
            "port": place.port,
            "user": place.username,
            "password": place.password or "",
            "database": place.path.lstrip("/"),
        }
        with self.cursor() as cursor:
            cursor.execute(CREATE)

    def cursor(self):
        """A cursor on a new connection, which the client's own helper closes."""
        return barrier.AutoCursor(pymysql.connect(**self._settings).cursor())

    def open(self, name, balance):
        """Creates an account with some money in it."""
        with self.cursor() as cursor:
            cursor.execute("insert into account (id, balance, held) values (%s, %s, 0)", (name, balance))
            cursor.connection.commit()
        return Account(self, name)


class Account:
    """One row of the account table. Every case has separate accounts, so that cases run side by side."""

    def __init__(self, bank, name):
        self.bank = bank
        self.name = name

    def change(self, cursor, balance, held=0):
        """Adds to the balance and to what is held, in the transaction of the cursor.

        Neither may go below zero: that is the business failure of this bank.
        """
        if cursor.execute(CHANGE, (balance, held, self.name, balance, held)) == 0:
            raise utils.DTMFailureError(f"account {self.name} has not enough money")

    def funds(self):
        """What is committed, as any other client of the database reads it: (balance, held)."""
        with self.bank.cursor() as cursor:
            cursor.execute("select balance, held from account where id = %s", (self.name,))
            return cursor.fetchone()

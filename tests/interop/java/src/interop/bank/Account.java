package interop.bank;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import pub.dtm.client.exception.FailureException;

/** One row of the account table. Every case has separate accounts, so that cases run side by side. */
public record Account(Bank bank, String name) {
    /**
     * Adds to the balance and to what is held, in the transaction of a connection. Neither may go below zero: that is
     * the business failure of this bank.
     */
    public void change(Connection connection, long balance, long held) throws Exception {
        String text = "update " + bank.table + " set balance = balance + ?, held = held + ?"
            + " where id = ? and balance + ? >= 0 and held + ? >= 0";
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            statement.setLong(1, balance);
            statement.setLong(2, held);
            statement.setString(3, name);
            statement.setLong(4, balance);
            statement.setLong(5, held);
            if (statement.executeUpdate() == 0) {
                throw new FailureException("account " + name + " has not enough money");
            }
        }
    }

    /** What is committed, as any other client of the database reads it: "BALANCE, HELD". */
    public String funds() throws SQLException {
        String text = "select balance, held from " + bank.table + " where id = ?";
        try (Connection connection = bank.connect(); PreparedStatement statement = connection.prepareStatement(text)) {
            statement.setString(1, name);
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                return rows.getLong(1) + ", " + rows.getLong(2);
            }
        }
    }
}

package interop.bank;

import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The business database in MariaDB. The client's barrier names its table without a database, so that the connections
 * use the barrier's database and name that of the accounts. The TypeScript participant, which shares the barrier, has
 * created its table.
 */
public final class Bank {
    private final String jdbc;
    final String table;

    /** A bank at a URL mysql://user@host:port/database. */
    public Bank(String url) throws SQLException {
        URI place = URI.create(url);
        String user = place.getUserInfo().split(":")[0];
        jdbc = String.format("jdbc:mariadb://%s:%d/dtm_barrier?user=%s", place.getHost(), place.getPort(), user);
        table = place.getPath().substring(1) + ".account";
        try (Connection connection = connect(); Statement statement = connection.createStatement()) {
            statement.execute("create table if not exists " + table
                + " (id varchar(128) primary key, balance bigint not null, held bigint not null)");
        }
    }

    /** A new connection, which the caller closes. */
    public Connection connect() throws SQLException {
        return DriverManager.getConnection(jdbc);
    }

    /** Creates an account with some money in it. */
    public Account open(String name, long balance) throws SQLException {
        String text = "insert into " + table + " (id, balance, held) values (?, ?, 0)";
        try (Connection connection = connect(); PreparedStatement statement = connection.prepareStatement(text)) {
            statement.setString(1, name);
            statement.setLong(2, balance);
            statement.executeUpdate();
        }
        return new Account(this, name);
    }
}

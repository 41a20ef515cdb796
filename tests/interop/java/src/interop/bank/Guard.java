package interop.bank;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Map;
import pub.dtm.client.barrier.BranchBarrier;

/** The client's branch barrier, for one request. */
public final class Guard {
    private final BranchBarrier barrier;

    public Guard(String transType, String gid, String branchId, String op) throws Exception {
        barrier = new BranchBarrier(Map.of("trans_type", values(transType), "gid", values(gid),
            "branch_id", values(branchId), "op", values(op)));
    }

    /** Work in the transaction of the barrier. */
    @FunctionalInterface
    public interface Work {
        void run(Connection connection) throws Exception;
    }

    /** Runs work behind the barrier. */
    public void run(Bank bank, Work work) throws Exception {
        try (Connection connection = bank.connect()) {
            barrier.call(connection, own -> {
                if (!own.getOp().equals("compensate") || actionHasRun(connection)) work.run(connection);
            });
        }
    }

    /**
     * The client's barrier detects an empty cancel, but not an empty compensation. This adds what it forgets: the row
     * of the action, which is new if the action has not run, and keeps it from running later.
     */
    private boolean actionHasRun(Connection connection) throws SQLException {
        String text = "insert ignore into barrier (trans_type, gid, branch_id, op, barrier_id, reason)"
            + " values (?, ?, ?, 'action', ?, 'compensate')";
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            statement.setString(1, barrier.getTransTypeEnum().getValue());
            statement.setString(2, barrier.getGid());
            statement.setString(3, barrier.getBranchId());
            statement.setString(4, String.format("%02d", barrier.getBarrierId()));
            return statement.executeUpdate() == 0;
        }
    }

    private static String[] values(String value) {
        return new String[] {value};
    }
}

package interop.cases;

import interop.bank.Account;
import interop.bank.Guard;

/** The client's branch barrier, called as a coordinator calls it. It supports MySQL and MariaDB only. */
final class BarrierCases {
    private static final String GROUP = "Barrier";

    private BarrierCases() {}

    static void addTo(Suite suite) {
        for (String[] of : new String[][] {{"saga", "action", "compensate"}, {"tcc", "try", "cancel"}}) {
            String ops = " (" + of[1] + ", " + of[2] + ")";
            suite.add(GROUP, "a repeated call has one effect" + ops, s -> repeated(s, of[0], of[1]));
            suite.add(GROUP, "an undo has one effect, and only once" + ops, s -> undone(s, of[0], of[1], of[2]));
            suite.add(GROUP, "an undo that comes first is empty, and what it undoes has no effect afterwards" + ops,
                s -> emptyAndDangling(s, of[0], of[1], of[2]));
            suite.add(GROUP, "used twice in one request, each use has one effect" + ops, s -> twice(s, of[0], of[1]));
            suite.add(GROUP, "a business function that fails leaves nothing behind, so that the call can be repeated"
                + ops, s -> failing(s, of[0], of[1]));
        }
    }

    private static void use(Case s, Account account, String transType, String op, long amount, int uses)
        throws Exception {
        Guard guard = new Guard(transType, s.gid, "01", op);
        for (int use = 0; use < uses; use++) {
            guard.run(account.bank(), connection -> account.change(connection, amount, 0));
        }
    }

    private static void repeated(Case s, String transType, String op) throws Exception {
        Account account = s.account("from", 100);
        for (int time = 0; time < 3; time++) use(s, account, transType, op, -30, 1);
        s.wantFunds(account, 70, 0);
    }

    private static void undone(Case s, String transType, String op, String undo) throws Exception {
        Account account = s.account("from", 100);
        use(s, account, transType, op, -30, 1);
        for (int time = 0; time < 2; time++) {
            use(s, account, transType, undo, 30, 1);
            s.wantFunds(account, 100, 0);
        }
    }

    private static void emptyAndDangling(Case s, String transType, String op, String undo) throws Exception {
        Account account = s.account("from", 100);
        use(s, account, transType, undo, 30, 1);
        s.wantFunds(account, 100, 0);
        use(s, account, transType, op, -30, 1);
        s.wantFunds(account, 100, 0);
    }

    private static void twice(Case s, String transType, String op) throws Exception {
        Account account = s.account("from", 100);
        for (int time = 0; time < 2; time++) {
            use(s, account, transType, op, -10, 2);
            s.wantFunds(account, 80, 0);
        }
    }

    private static void failing(Case s, String transType, String op) throws Exception {
        Account account = s.account("from", 100);
        s.wantError("for a moment", () -> {
            new Guard(transType, s.gid, "01", op).run(account.bank(), connection -> {
                throw new IllegalStateException("for a moment");
            });
            return null;
        });
        use(s, account, transType, op, -30, 1);
        s.wantFunds(account, 70, 0);
    }
}

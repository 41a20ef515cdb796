package interop.cases;

import com.fasterxml.jackson.databind.JsonNode;
import interop.bank.Account;
import interop.participant.Handlers;
import interop.participant.Reply;
import java.util.ArrayList;
import java.util.List;
import pub.dtm.client.tcc.Tcc;

/** TCC. The client has no options for it, and no nested branches. */
final class TccCases {
    private static final String GROUP = "Tcc";

    private TccCases() {}

    static void addTo(Suite suite) {
        suite.add(GROUP, "commits, newest first", TccCases::commits);
        suite.add(GROUP, "without a gid receives one", TccCases::withoutGid);
        suite.add(GROUP, "rolls back newest first when a try responds 409", TccCases::rollsBack);
        suite.add(GROUP, "rolls back when a try responds 200 with FAILURE in its body", TccCases::rollsBackByBody);
        suite.add(GROUP, "rolls back when the initiator fails after its tries", TccCases::initiatorFails);
        suite.add(GROUP, "a confirm is retried after an error and after a business failure, which never changes the"
            + " decision", TccCases::retriesConfirm);
        suite.add(GROUP, "a cancel that fails is retried", TccCases::retriesCancel);
        suite.add(GROUP, "a branch of a transaction that has been decided is rejected", TccCases::lateBranch);
    }

    private static void branch(Case s, Tcc tcc, String name) throws Exception {
        tcc.callBranch(Handlers.PAYLOAD, s.url("try-" + name), s.url("confirm-" + name), s.url("cancel-" + name))
            .close();
    }

    private static String run(Case s, String... names) throws Exception {
        return s.setting.client().tccGlobalTransaction(s.gid, tcc -> {
            for (String name : names) branch(s, tcc, name);
        });
    }

    private static void commits(Case s) throws Exception {
        Account[] accounts = s.reservation(100);
        String gid = s.setting.client().tccGlobalTransaction(s.gid, tcc -> {
            branch(s, tcc, "debit");
            branch(s, tcc, "credit");
            s.wantFunds(accounts[0], 70, 30);
            s.wantFunds(accounts[1], 0, 30);
        });
        s.equal("the gid", gid, s.gid);
        JsonNode found = s.wantFinal("succeed");
        s.wantFunds(accounts[0], 70, 0);
        s.wantFunds(accounts[1], 30, 0);
        s.wantJournal("try-debit 01 try", "try-credit 02 try", "confirm-credit 02 confirm", "confirm-debit 01 confirm");
        s.wantBranches(found, "01 cancel prepared", "01 confirm succeed", "02 cancel prepared", "02 confirm succeed");
    }

    private static void withoutGid(Case s) throws Exception {
        s.three("branch", Handlers::succeeds);
        String gid = s.setting.client().tccGlobalTransaction(tcc -> branch(s, tcc, "branch"));
        s.equal("another gid", gid.isEmpty() || gid.equals(s.gid), false);
        s.wantFinal("succeed", gid);
        s.wantJournal("try-branch 01 try", "confirm-branch 01 confirm");
    }

    private static void rollsBack(Case s) throws Exception {
        Account[] accounts = s.reservation(Handlers.AMOUNT - 1);
        s.wantError("FailureException", () -> run(s, "credit", "debit"));
        JsonNode found = s.wantFinal("failed");
        s.wantFunds(accounts[0], Handlers.AMOUNT - 1, 0);
        s.wantFunds(accounts[1], 0, 0);
        s.wantJournal("try-credit 01 try", "try-debit 02 try", "cancel-debit 02 cancel", "cancel-credit 01 cancel");
        s.wantBranches(found, "01 cancel succeed", "01 confirm prepared", "02 cancel succeed", "02 confirm prepared");
    }

    private static void rollsBackByBody(Case s) throws Exception {
        Account[] accounts = s.reservation(100);
        s.at.handle("try-credit", Handlers.fails(new Reply(200, "{\"dtm_result\":\"FAILURE\"}")));
        s.wantError("FailureException", () -> run(s, "debit", "credit"));
        s.wantFinal("failed");
        s.wantFunds(accounts[0], 100, 0);
    }

    private static void initiatorFails(Case s) throws Exception {
        Account[] accounts = s.reservation(100);
        s.wantError("a mistake", () -> s.setting.client().tccGlobalTransaction(s.gid, tcc -> {
            branch(s, tcc, "debit");
            branch(s, tcc, "credit");
            throw new IllegalStateException("a mistake in the initiator");
        }));
        s.wantFinal("failed");
        s.wantFunds(accounts[0], 100, 0);
        s.wantFunds(accounts[1], 0, 0);
    }

    private static void retriesConfirm(Case s) throws Exception {
        Account[] accounts = s.reservation(100);
        s.at.handle("confirm-credit",
            Handlers.losesFirstResponse(Handlers.reserves(accounts[1], Handlers.IN)));
        s.at.handle("confirm-debit",
            Handlers.first(new Reply(409, "no"), Handlers.reserves(accounts[0], Handlers.OUT)));
        run(s, "debit", "credit");
        s.retryAfter("confirm-credit");
        s.retryAfter("confirm-debit");
        s.wantFinal("succeed");
        s.wantFunds(accounts[0], 70, 0);
        s.wantFunds(accounts[1], 30, 0);
    }

    private static void retriesCancel(Case s) throws Exception {
        Account[] accounts = s.reservation(100);
        s.at.handle("cancel-debit",
            Handlers.first(Handlers.down(), Handlers.reserves(accounts[0], Handlers.OUT)));
        s.at.handle("try-credit", Handlers::refuses);
        s.wantError("FailureException", () -> run(s, "debit", "credit"));
        s.retryAfter("cancel-debit");
        s.wantFinal("failed");
        s.wantFunds(accounts[0], 100, 0);
    }

    private static void lateBranch(Case s) throws Exception {
        s.reservation(100);
        List<Tcc> kept = new ArrayList<>();
        s.setting.client().tccGlobalTransaction(s.gid, kept::add);
        s.wantFinal("succeed");
        s.wantError("409", () -> {
            branch(s, kept.get(0), "debit");
            return null;
        });
        s.wantJournal();
    }
}

package interop.cases;

import interop.bank.Account;
import interop.participant.Call;
import interop.participant.Handler;
import interop.participant.Handlers;
import interop.participant.Reply;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** Sagas. */
final class SagaCases {
    private static final String GROUP = "Saga";

    private SagaCases() {}

    static void addTo(Suite suite) {
        suite.add(GROUP, "commits, a waiting caller is notified when it is done", SagaCases::commits);
        suite.add(GROUP, "rolls back newest first when a branch responds 409", SagaCases::rollsBack);
        suite.add(GROUP, "rolls back when a branch responds 200 with FAILURE in its body", SagaCases::rollsBackByBody);
        suite.add(GROUP, "a submit that does not wait returns before its branches have run, and commits",
            SagaCases::commitsWithoutWaiting);
        suite.add(GROUP, "a submit that does not wait returns before its branches have run, and rolls back",
            SagaCases::rollsBackWithoutWaiting);
        suite.add(GROUP, "passes payload, headers and context to a branch", SagaCases::passesContext);
        suite.add(GROUP, "retries a branch that is down, a waiting caller is notified that it is not finished",
            SagaCases::retries);
        suite.add(GROUP, "a lost response is retried and the barrier keeps one effect", SagaCases::lostResponse);
        suite.add(GROUP, "an ongoing branch is called again, whether it responds 425 or 200 with ONGOING in its body",
            SagaCases::ongoing);
        suite.add(GROUP, "a compensation that fails is retried until it succeeds", SagaCases::retriesCompensation);
        suite.add(GROUP, "a step without compensate rolls back without a call", SagaCases::withoutCompensate);
        suite.add(GROUP, "submitted again after success succeeds and changes nothing; other steps under its gid are"
            + " rejected", SagaCases::submittedAgain);
        suite.add(GROUP, "the timeout rolls back", SagaCases::timesOut);
        suite.add(GROUP, "a gid that is a prefix of another keeps its branches", SagaCases::prefix);
    }

    private static void commits(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        s.equal("the gid", new OptionSaga(s, "debit", "credit").waiting().submit(), s.gid);
        s.wantNow("succeed");
        s.wantFunds(accounts[0], 70, 0);
        s.wantFunds(accounts[1], 30, 0);
        s.wantJournal("debit 01 action", "credit 02 action");
        s.wantBranches(s.wantFinal("succeed"), "01 compensate prepared", "01 action succeed",
            "02 compensate prepared", "02 action succeed");
    }

    private static void rollsBack(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        Account poor = s.account("poor", Handlers.AMOUNT - 1);
        s.both("fee", Handlers.moves(poor, Handlers.OUT));
        s.wantError("409", new OptionSaga(s, "debit", "credit", "fee", "never").waiting()::submit);
        s.wantNow("failed");
        s.wantFunds(accounts[0], 100, 0);
        s.wantFunds(accounts[1], 0, 0);
        s.wantFunds(poor, Handlers.AMOUNT - 1, 0);
        s.wantJournal("debit 01 action", "credit 02 action", "fee 03 action", "undo-fee 03 compensate",
            "undo-credit 02 compensate", "undo-debit 01 compensate");
        s.wantReason(s.wantFinal("failed"), "not enough money");
    }

    private static void rollsBackByBody(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        s.at.handle("credit", Handlers.fails(new Reply(200, "{\"dtm_result\":\"FAILURE\",\"message\":\"closed\"}")));
        s.wantError("409", new OptionSaga(s, "debit", "credit").waiting()::submit);
        s.wantReason(s.wantFinal("failed"), "closed");
        s.wantFunds(accounts[0], 100, 0);
    }

    private static void commitsWithoutWaiting(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        CountDownLatch submitted = new CountDownLatch(1);
        s.at.handle("debit", Handlers.after(submitted, Handlers.moves(accounts[0], Handlers.OUT)));
        new OptionSaga(s, "debit", "credit").submit();
        submitted.countDown();
        s.wantFinal("succeed");
        s.wantFunds(accounts[0], 70, 0);
        s.wantFunds(accounts[1], 30, 0);
    }

    private static void rollsBackWithoutWaiting(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        CountDownLatch submitted = new CountDownLatch(1);
        s.at.handle("credit", Handlers.after(submitted, Handlers::refuses));
        new OptionSaga(s, "debit", "credit").submit();
        submitted.countDown();
        s.wantFinal("failed");
        s.wantFunds(accounts[0], 100, 0);
    }

    private static void passesContext(Case s) throws Exception {
        s.at.handle("debit", Handlers::succeeds);
        OptionSaga saga = new OptionSaga(s).headers(Map.of("X-Tenant", "north")).waiting();
        saga.add(s.url("debit") + "?shop=7", "", Handlers.PAYLOAD).submit();
        Call call = s.one("debit");
        List<String> got = List.of(call.method, call.query.get("gid"), call.query.get("trans_type"),
            call.query.get("branch_id"), call.op(), call.query.get("shop"));
        s.equal("the call", got, List.of("POST", s.gid, "saga", "01", "action", "7"));
        s.equal("the amount", call.amount(), Handlers.AMOUNT);
        List<String> headers = List.of(call.headers.getFirst("X-Tenant"), call.headers.getFirst("Content-Type"));
        s.equal("the headers", headers, List.of("north", "application/json"));
    }

    private static void retries(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        s.at.handle("credit", Handlers.first(Handlers.down(), Handlers.moves(accounts[1], Handlers.IN)));
        s.wantError("409", new OptionSaga(s, "debit", "credit").waiting()::submit);
        s.wantFinal("succeed");
        s.wantFunds(accounts[0], 70, 0);
        s.wantFunds(accounts[1], 30, 0);
        s.wantJournal("debit 01 action", "credit 02 action", "credit 02 action");
    }

    private static void lostResponse(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        s.at.handle("debit", Handlers.losesFirstResponse(Handlers.moves(accounts[0], Handlers.OUT)));
        new OptionSaga(s, "debit", "credit").submit();
        s.wantFinal("succeed");
        s.wantFunds(accounts[0], 70, 0);
        s.wantFunds(accounts[1], 30, 0);
        s.wantJournal("debit 01 action", "debit 01 action", "credit 02 action");
    }

    private static void ongoing(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        s.at.handle("debit", Handlers.first(Handlers.ongoing(), Handlers.moves(accounts[0], Handlers.OUT)));
        Reply later = new Reply(200, "{\"dtm_result\":\"ONGOING\"}");
        s.at.handle("credit", Handlers.first(later, Handlers.moves(accounts[1], Handlers.IN)));
        new OptionSaga(s, "debit", "credit").submit();
        s.wantFinal("succeed");
        s.wantFunds(accounts[0], 70, 0);
        s.wantFunds(accounts[1], 30, 0);
    }

    private static void retriesCompensation(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        Handler undo = Handlers.moves(accounts[0], Handlers.OUT);
        s.at.handle("credit", Handlers::refuses);
        s.at.handle("undo-debit", Handlers.first(Handlers.down(), undo));
        new OptionSaga(s, "debit", "credit").submit();
        s.wantFinal("failed");
        s.wantFunds(accounts[0], 100, 0);
        s.wantFunds(accounts[1], 0, 0);
        s.wantJournal("debit 01 action", "credit 02 action", "undo-credit 02 compensate", "undo-debit 01 compensate",
            "undo-debit 01 compensate");
    }

    private static void withoutCompensate(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        s.at.handle("look", Handlers::succeeds);
        s.at.handle("refuse", Handlers::refuses);
        OptionSaga saga = new OptionSaga(s, "debit").waiting();
        saga.add(s.url("look"), "", Handlers.PAYLOAD).add(s.url("refuse"), "", Handlers.PAYLOAD);
        s.wantError("409", saga::submit);
        s.wantFinal("failed");
        s.wantFunds(accounts[0], 100, 0);
        s.wantJournal("debit 01 action", "look 02 action", "refuse 03 action", "undo-debit 01 compensate");
    }

    private static void submittedAgain(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        OptionSaga saga = new OptionSaga(s, "debit", "credit").waiting();
        saga.submit();
        saga.submit();
        s.wantError("409", new OptionSaga(s, "debit")::submit);
        s.wantFinal("succeed");
        s.wantFunds(accounts[0], 70, 0);
        s.wantFunds(accounts[1], 30, 0);
        s.wantJournal("debit 01 action", "credit 02 action");
    }

    private static void timesOut(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        s.at.handle("credit", Handlers.fails(Handlers.ongoing()));
        new OptionSaga(s, "debit", "credit").failAfter(2).submit();
        s.wantReason(s.wantFinal("failed"), "Timeout after 2 seconds");
        s.wantFunds(accounts[0], 100, 0);
    }

    private static void prefix(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        s.at.handle("credit", Handlers.first(Handlers.down(), Handlers.moves(accounts[1], Handlers.IN)));
        List<String> gids = List.of(s.gid + "-40", s.gid + "-48", s.gid + "-4");
        for (String gid : gids) new OptionSaga(s, "debit", "credit").under(gid).submit();
        for (String gid : gids) s.wantFinal("succeed", gid);
        s.wantFunds(accounts[0], 10, 0);
        s.wantFunds(accounts[1], 90, 0);
    }
}

package interop.cases;

import interop.bank.Account;
import interop.participant.Handler;
import interop.participant.Handlers;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import pub.dtm.client.saga.Saga;

/** Concurrent sagas. */
final class ConcurrentSagaCases {
    private static final String GROUP = "ConcurrentSaga";

    private ConcurrentSagaCases() {}

    static void addTo(Suite suite) {
        suite.add(GROUP, "runs steps without dependencies at once, and commits", ConcurrentSagaCases::commits);
        suite.add(GROUP, "rolls back what was started, in the reverse order", ConcurrentSagaCases::rollsBack);
        suite.add(GROUP, "without dependencies runs everything at once", ConcurrentSagaCases::withoutOrders);
        suite.add(GROUP, "compensates a branch that was still running when another one failed",
            ConcurrentSagaCases::stillRunning);
    }

    /** The steps 0 and 1 are free, 2 comes after both of them, 3 after 2. */
    private static Saga four(Case s, String fourth) {
        return new OptionSaga(s, "left", "right", "join", fourth).waiting().enableConcurrent()
            .addBranchOrder(2, List.of(0, 1)).addBranchOrder(3, List.of(2));
    }

    private static void commits(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        Handler meet = Handlers.meeting(2);
        s.at.handle("left", meet);
        s.at.handle("right", meet);
        s.at.handle("join", Handlers.moves(accounts[0], Handlers.OUT));
        four(s, "credit").submit();
        s.wantNow("succeed");
        s.wantAfter("join", "left", "right");
        s.wantAfter("credit", "join");
        s.wantFunds(accounts[0], 70, 0);
        s.wantFunds(accounts[1], 30, 0);
    }

    private static void rollsBack(Case s) throws Exception {
        Account[] accounts = s.transfer(100);
        s.both("left", Handlers.moves(accounts[0], Handlers.OUT));
        s.both("right", Handlers.moves(accounts[1], Handlers.IN));
        s.at.handle("join", Handlers::refuses);
        s.at.handle("undo-join", Handlers::succeeds);
        s.wantError("409", four(s, "never")::submit);
        s.wantNow("failed");
        s.wantAfter("undo-left", "undo-join");
        s.wantAfter("undo-right", "undo-join");
        s.wantFunds(accounts[0], 100, 0);
        s.wantFunds(accounts[1], 0, 0);
        s.equal("the number of calls", s.journal().size(), 6);
    }

    private static void withoutOrders(Case s) throws Exception {
        Handler meet = Handlers.meeting(3);
        for (String step : List.of("a", "b", "c")) s.at.handle(step, meet);
        new OptionSaga(s, "a", "b", "c").waiting().enableConcurrent().submit();
        s.wantNow("succeed");
    }

    private static void stillRunning(Case s) throws Exception {
        Account from = s.account("from", 100);
        CountDownLatch refused = new CountDownLatch(1);
        Handler move = Handlers.moves(from, Handlers.OUT);
        s.at.handle("slow", Handlers.after(refused, move));
        s.at.handle("undo-slow", move);
        s.at.handle("refuse", call -> {
            refused.countDown();
            Handlers.refuses(call);
        });
        s.at.handle("undo-refuse", Handlers::succeeds);
        s.wantError("409", new OptionSaga(s, "slow", "refuse").waiting().enableConcurrent()::submit);
        s.wantFinal("failed");
        s.wantFunds(from, 100, 0);
    }
}

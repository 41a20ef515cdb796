package interop.cases;

import com.fasterxml.jackson.databind.ObjectMapper;
import interop.bank.Account;
import interop.bank.Guard;
import interop.participant.Handlers;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;

/** A Java and a TypeScript participant share one barrier table in MariaDB. */
final class SharedBarrierCases {
    private static final String GROUP = "SharedBarrier";
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private SharedBarrierCases() {}

    /** One of the participants. */
    @FunctionalInterface
    private interface Side {
        void change(Case s, Account account, String transType, String op, String branchId, long amount)
            throws Exception;
    }

    /** A case for either order of the participants. */
    @FunctionalInterface
    private interface Body {
        void run(Case s, Account account, Side one, Side other) throws Exception;
    }

    static void addTo(Suite suite) {
        add(suite, "an action is not carried out again", SharedBarrierCases::repeated);
        add(suite, "a compensation undoes what the other did, once", SharedBarrierCases::undone);
        add(suite, "a compensation that comes first is empty, and its late action does nothing",
            (s, account, one, other) -> emptyThenLate(s, account, one, other, "saga", "compensate", "action"));
        add(suite, "a cancel that comes first is empty, and its late try does nothing",
            (s, account, one, other) -> emptyThenLate(s, account, one, other, "tcc", "cancel", "try"));
        add(suite, "a saga commits, each call lost by the one and repeated to the other",
            SharedBarrierCases::commits);
        add(suite, "a saga is rolled back, each call lost by the one and repeated to the other",
            SharedBarrierCases::rollsBack);
    }

    private static void add(Suite suite, String name, Body body) {
        suite.add(GROUP, name + ": Java, then TypeScript",
            s -> body.run(s, s.account("shared", 100), SharedBarrierCases::java, SharedBarrierCases::typescript));
        suite.add(GROUP, name + ": TypeScript, then Java",
            s -> body.run(s, s.account("shared", 100), SharedBarrierCases::typescript, SharedBarrierCases::java));
    }

    private static void java(Case s, Account account, String transType, String op, String branchId, long amount)
        throws Exception {
        new Guard(transType, s.gid, branchId, op).run(account.bank(),
            connection -> account.change(connection, amount, 0));
    }

    /** Holdfast's barrier reports a call that was undone before, dtm's does nothing. */
    private static void typescript(Case s, Account account, String transType, String op, String branchId, long amount)
        throws Exception {
        String query = String.format("gid=%s&trans_type=%s&branch_id=%s&op=%s", s.gid, transType, branchId, op);
        String body = new ObjectMapper().writeValueAsString(Map.of("account", account.name(), "amount", amount));
        HttpRequest request = HttpRequest.newBuilder(URI.create(s.setting.typescript() + "/mariadb/change?" + query))
            .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)).build();
        HttpResponse<String> response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200 && !response.body().contains("was undone before")) {
            throw new AssertionError(response.statusCode() + " " + response.body());
        }
    }

    private static void repeated(Case s, Account account, Side one, Side other) throws Exception {
        one.change(s, account, "saga", "action", "01", -30);
        other.change(s, account, "saga", "action", "01", -30);
        one.change(s, account, "saga", "action", "01", -30);
        s.wantFunds(account, 70, 0);
    }

    private static void undone(Case s, Account account, Side one, Side other) throws Exception {
        one.change(s, account, "saga", "action", "01", -30);
        other.change(s, account, "saga", "compensate", "01", 30);
        one.change(s, account, "saga", "compensate", "01", 30);
        s.wantFunds(account, 100, 0);
    }

    private static void emptyThenLate(Case s, Account account, Side one, Side other, String transType, String undo,
        String late) throws Exception {
        one.change(s, account, transType, undo, "01", 30);
        s.wantFunds(account, 100, 0);
        other.change(s, account, transType, late, "01", -30);
        one.change(s, account, transType, late, "01", -30);
        s.wantFunds(account, 100, 0);
    }

    private static void commits(Case s, Account account, Side one, Side other) throws Exception {
        alternate(s, account, "debit", one, other, -30);
        new OptionSaga(s, "debit").submit();
        s.wantFinal("succeed");
        s.wantFunds(account, 70, 0);
        s.wantJournal("debit 01 action", "debit 01 action");
    }

    private static void rollsBack(Case s, Account account, Side one, Side other) throws Exception {
        alternate(s, account, "debit", one, other, -30);
        alternate(s, account, "undo-debit", one, other, 30);
        s.at.handle("refuse", Handlers::refuses);
        s.at.handle("undo-refuse", Handlers::succeeds);
        new OptionSaga(s, "debit", "refuse").submit();
        s.wantFinal("failed");
        s.wantFunds(account, 100, 0);
    }

    /** The first call is served by one and its response is lost, the repeated one by the other. */
    private static void alternate(Case s, Account account, String endpoint, Side one, Side other, long amount) {
        s.at.handle(endpoint, call -> {
            Side side = call.attempt == 1 ? one : other;
            side.change(s, account, call.query.get("trans_type"), call.op(), call.query.get("branch_id"), amount);
            if (call.attempt == 1) throw Handlers.down();
        });
    }
}

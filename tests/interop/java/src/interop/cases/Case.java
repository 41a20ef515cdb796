package interop.cases;

import com.fasterxml.jackson.databind.JsonNode;
import interop.bank.Account;
import interop.participant.Call;
import interop.participant.Handler;
import interop.participant.Handlers;
import interop.participant.Scene;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;

/** One case: a gid, accounts and endpoints, all separate from those of other cases, and assertions about them. */
final class Case {
    private static final long WAIT_MS = 15_000;

    final Setting setting;
    final String gid;
    final Scene at;

    Case(Setting setting) throws Exception {
        this.setting = setting;
        this.gid = setting.client().newSaga().getDtmServerStub().newGid().getGid();
        this.at = setting.service().scene(gid);
    }

    /** The body of a case. */
    @FunctionalInterface
    interface Body {
        void run(Case s) throws Exception;
    }

    String url(String endpoint) {
        return at.url(endpoint);
    }

    Account account(String name, long balance) throws Exception {
        if (setting.bank() == null) throw new Skipped("MariaDB is not installed");
        return setting.bank().open(gid + "-" + name, balance);
    }

    /** Serves a step and its compensation by one handler. */
    void both(String endpoint, Handler handler) {
        at.handle(endpoint, handler);
        at.handle("undo-" + endpoint, handler);
    }

    /** Serves try, confirm and cancel of a branch by one handler. */
    void three(String branch, Handler handler) {
        for (String op : List.of("try-", "confirm-", "cancel-")) at.handle(op + branch, handler);
    }

    /** Two accounts, with endpoints to move money from the first to the second. */
    Account[] transfer(long balance) throws Exception {
        Account from = account("from", balance);
        Account to = account("to", 0);
        both("debit", Handlers.moves(from, Handlers.OUT));
        both("credit", Handlers.moves(to, Handlers.IN));
        return new Account[] {from, to};
    }

    /** Two accounts, with endpoints to reserve and settle a transfer. */
    Account[] reservation(long balance) throws Exception {
        Account from = account("from", balance);
        Account to = account("to", 0);
        three("debit", Handlers.reserves(from, Handlers.OUT));
        three("credit", Handlers.reserves(to, Handlers.IN));
        return new Account[] {from, to};
    }

    List<String> journal() {
        return at.calls().stream().map(Call::toString).toList();
    }

    /** The only call of an endpoint. */
    Call one(String endpoint) {
        List<Call> calls = at.calls().stream().filter(call -> call.endpoint.equals(endpoint)).toList();
        equal("calls of " + endpoint, calls.size(), 1);
        return calls.get(0);
    }

    void equal(String what, Object got, Object want) {
        if (!Objects.equals(got, want)) {
            throw new AssertionError(what + ": want " + want + ", got " + got + "; journal: " + journal());
        }
    }

    void wantFunds(Account account, long balance, long held) throws Exception {
        equal("account " + account.name(), account.funds(), balance + ", " + held);
    }

    /** Compares all calls that the participants received. */
    void wantJournal(String... want) {
        equal("the calls", journal(), List.of(want));
    }

    /** A call started only when all of the others had ended. */
    void wantAfter(String later, String... earlier) {
        for (String endpoint : earlier) {
            int done = one(endpoint).ended;
            equal(later + " starts after " + endpoint, 0 < done && done < one(later).began, true);
        }
    }

    /** The status that a caller who waited finds. */
    void wantNow(String status) throws Exception {
        equal("the status at once", status(setting.coordinator().query(gid)), status);
    }

    JsonNode wantFinal(String status) throws Exception {
        return wantFinal(status, gid);
    }

    /** Waits for the final status. */
    JsonNode wantFinal(String status, String of) throws Exception {
        JsonNode found = setting.coordinator().finished(of);
        equal("the final status", status(found), status);
        return found;
    }

    /** Compares the stored branches, as "01 action succeed". */
    void wantBranches(JsonNode found, String... want) {
        List<String> got = new ArrayList<>();
        for (JsonNode branch : found.get("branches")) {
            got.add(String.join(" ", branch.get("branch_id").asText(), branch.get("op").asText(),
                branch.get("status").asText()));
        }
        equal("the branches", got, List.of(want));
    }

    void wantReason(JsonNode found, String text) {
        String reason = found.path("transaction").path("rollback_reason").asText();
        equal("\"" + text + "\" in the rollback reason \"" + reason + "\"", reason.contains(text), true);
    }

    /** A call that must fail, with a text in its error or one of its causes. */
    void wantError(String text, Callable<?> call) {
        String got = "";
        try {
            call.call();
        } catch (Exception error) {
            for (Throwable cause = error; cause != null; cause = cause.getCause()) got += cause + "\n";
        }
        equal("\"" + text + "\" in the error \"" + got + "\"", got.contains(text), true);
    }

    /** Retries once an endpoint was called: the server's retry interval, which applies to a TCC, is 10 seconds. */
    void retryAfter(String endpoint) throws Exception {
        until("a call of " + endpoint,
            () -> at.calls().stream().anyMatch(call -> call.endpoint.equals(endpoint) && call.ended > 0));
        until("the retry", () -> setting.coordinator().post("resetNextCronTime", Map.of("gid", gid)) == 200);
    }

    /** Waits for a condition. */
    void until(String what, Callable<Boolean> condition) throws Exception {
        for (long deadline = System.currentTimeMillis() + WAIT_MS; !condition.call(); Thread.sleep(20)) {
            equal("in time: " + what, System.currentTimeMillis() < deadline, true);
        }
    }

    private static String status(JsonNode found) {
        return found.path("transaction").path("status").asText();
    }
}

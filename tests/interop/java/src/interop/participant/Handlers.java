package interop.participant;

import interop.bank.Account;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import pub.dtm.client.exception.FailureException;

/** What the endpoints of the cases do. */
public final class Handlers {
    public static final long AMOUNT = 30;
    public static final Map<String, Long> PAYLOAD = Map.of("amount", AMOUNT);
    public static final int IN = 1;
    public static final int OUT = -1;
    private static final long WAIT_SECONDS = 15;

    private Handlers() {}

    /** Does nothing. */
    public static void succeeds(Call call) {}

    /** The business failure. */
    public static void refuses(Call call) throws FailureException {
        throw new FailureException("refused");
    }

    /** Always fails with an exact response, or in another way. */
    public static Handler fails(Exception error) {
        return call -> {
            throw error;
        };
    }

    /** A participant that is down. */
    public static Exception down() {
        return new IllegalStateException("down for a moment");
    }

    /** The branch has not finished yet. */
    public static Reply ongoing() {
        return new Reply(425, "{\"dtm_result\":\"ONGOING\"}");
    }

    /** Changes the balance by the amount, and back when the op undoes another. */
    public static Handler moves(Account account, int direction) {
        return call -> {
            long amount = call.amount() * direction;
            call.change(account, call.op().equals("compensate") ? -amount : amount, 0);
        };
    }

    /** Holds the money in the try, and settles or releases it in the second phase. */
    public static Handler reserves(Account account, int direction) {
        return call -> {
            long amount = call.amount();
            long held = call.op().equals("try") ? amount : -amount;
            long balance = switch (call.op()) {
                case "try" -> direction == OUT ? -amount : 0;
                case "cancel" -> direction == OUT ? amount : 0;
                default -> direction == IN ? amount : 0;
            };
            call.change(account, balance, held);
        };
    }

    /** Fails the first call of each op, and leaves the later ones to another handler. */
    public static Handler first(Exception error, Handler then) {
        return call -> {
            if (call.attempt == 1) throw error;
            then.handle(call);
        };
    }

    /** Does the work of the first call, and reports an error. */
    public static Handler losesFirstResponse(Handler handler) {
        return call -> {
            handler.handle(call);
            if (call.attempt == 1) throw down();
        };
    }

    /** Waits for an event before the work. */
    public static Handler after(CountDownLatch event, Handler handler) {
        return call -> {
            if (!event.await(WAIT_SECONDS, TimeUnit.SECONDS)) throw down();
            handler.handle(call);
        };
    }

    /** A place where a number of calls wait for each other: they get through only if they run at once. */
    public static Handler meeting(int number) {
        CyclicBarrier barrier = new CyclicBarrier(number);
        return call -> barrier.await(WAIT_SECONDS, TimeUnit.SECONDS);
    }
}

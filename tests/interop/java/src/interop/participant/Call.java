package interop.participant;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.Headers;
import interop.bank.Account;
import interop.bank.Guard;
import java.util.Map;

/** One request that reached the participant. */
public final class Call {
    public final String endpoint;
    public final String method;
    public final Map<String, String> query;
    public final Headers headers;
    public final byte[] body;
    /** Counts the calls of this endpoint for this branch and op, from 1. */
    public int attempt;
    /** The scene's clock: of two events, the earlier one has the smaller number. 0 while the call runs. */
    public int began;
    public int ended;

    Call(String endpoint, String method, Map<String, String> query, Headers headers, byte[] body) {
        this.endpoint = endpoint;
        this.method = method;
        this.query = query;
        this.headers = headers;
        this.body = body;
    }

    /** The operation of the branch. */
    public String op() {
        return query.getOrDefault("op", "");
    }

    /** The payload of every branch: a participant moves the amount that the coordinator sent. */
    public long amount() throws Exception {
        return new ObjectMapper().readTree(body).get("amount").asLong();
    }

    /** Changes an account behind the client's branch barrier. */
    public void change(Account account, long balance, long held) throws Exception {
        Guard guard = new Guard(query.get("trans_type"), query.get("gid"), query.get("branch_id"), op());
        guard.run(account.bank(), connection -> account.change(connection, balance, held));
    }

    @Override
    public String toString() {
        return endpoint + " " + query.get("branch_id") + " " + op();
    }
}

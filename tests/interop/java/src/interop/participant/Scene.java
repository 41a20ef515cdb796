package interop.participant;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The part of the service that belongs to one case: its endpoints, and a journal of their calls. */
public final class Scene {
    private final String base;
    private final Map<String, Handler> handlers = new HashMap<>();
    private final List<Call> calls = new ArrayList<>();
    private int clock;

    Scene(String base) {
        this.base = base;
    }

    /** Adds an endpoint, or replaces its handler. */
    public synchronized void handle(String endpoint, Handler handler) {
        handlers.put(endpoint, handler);
    }

    /** Where an endpoint is called. */
    public String url(String endpoint) {
        return base + "/" + endpoint;
    }

    /** The journal so far, oldest first. */
    public synchronized List<Call> calls() {
        return calls.stream().sorted(Comparator.comparing(call -> call.began)).toList();
    }

    void serve(Call call) throws Exception {
        Handler handler = begin(call);
        try {
            handler.handle(call);
        } finally {
            synchronized (this) {
                call.ended = ++clock;
            }
        }
    }

    private synchronized Handler begin(Call call) throws Reply {
        Handler handler = handlers.get(call.endpoint);
        if (handler == null) throw new Reply(404, "no endpoint " + call.endpoint);
        call.attempt = 1 + (int) calls.stream().filter(earlier -> earlier.toString().equals(call.toString())).count();
        call.began = ++clock;
        calls.add(call);
        return handler;
    }
}

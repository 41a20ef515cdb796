package interop.participant;

/** An exact response. */
public final class Reply extends Exception {
    private static final long serialVersionUID = 1;

    final int status;
    final String body;

    public Reply(int status, String body) {
        super(body);
        this.status = status;
        this.body = body;
    }
}

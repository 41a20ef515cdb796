package interop.cases;

/** The case needs something that is not installed. */
final class Skipped extends Exception {
    private static final long serialVersionUID = 1;

    Skipped(String reason) {
        super(reason);
    }
}

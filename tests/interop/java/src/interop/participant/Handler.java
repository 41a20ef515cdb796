package interop.participant;

/** Does the work of a call. A FailureException is the business failure, any other exception an unknown result. */
@FunctionalInterface
public interface Handler {
    void handle(Call call) throws Exception;
}

package interop.cases;

import interop.participant.Handlers;
import java.util.Map;
import pub.dtm.client.saga.Saga;

/**
 * A saga whose options can be set. The client's setters of `retryInterval`, `timeoutToFail` and `branchHeaders` call
 * themselves without end, but its submit reads the options by their getters.
 */
final class OptionSaga extends Saga {
    private static final long RETRY_INTERVAL_SECONDS = 1;

    private final Case scene;
        private long timeoutSeconds;

    /** A saga of a case, whose steps are endpoints of the case; "undo-" in front is the compensation. */
    OptionSaga(Case scene, String... steps) {
        super(scene.gid, scene.setting.client().newSaga(scene.gid).getDtmServerStub());
        this.scene = scene;
        for (String step : steps) add(step);
    }

    OptionSaga add(String step) {
        add(scene.url(step), scene.url("undo-" + step), Handlers.PAYLOAD);
        return this;
    }

    OptionSaga under(String gid) {
        setGid(gid);
        return this;
    }

    OptionSaga failAfter(long seconds) {
        timeoutSeconds = seconds;
        return this;
    }

    OptionSaga headers(Map<String, String> headers) {
        getBranchHeaders().putAll(headers);
        return this;
    }

    OptionSaga waiting() {
        enableWaitResult();
        return this;
    }

    @Override
    public long getRetryInterval() {
        return RETRY_INTERVAL_SECONDS;
    }

    @Override
    public long getTimeoutToFail() {
        return timeoutSeconds;
    }
}

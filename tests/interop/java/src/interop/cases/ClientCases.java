package interop.cases;

import interop.participant.Handlers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import pub.dtm.client.DtmClient;
import pub.dtm.client.interfaces.stub.IDtmServerStub;
import pub.dtm.client.model.feign.ServiceMessage;
import pub.dtm.client.saga.Saga;

/** The client itself: its calls, its configuration file, and its known faults. */
final class ClientCases {
    private static final String GROUP = "Client";

    private ClientCases() {}

    static void addTo(Suite suite) {
        suite.add(GROUP, "pings the coordinator, and receives another gid each time", ClientCases::calls);
        suite.add(GROUP, "finds the coordinator by its configuration file", ClientCases::configured);
        suite.add(GROUP, "a saga without a gid receives one", ClientCases::withoutGid);
        suite.add(GROUP, "setters of a saga call themselves without end (a fault of the client)", ClientCases::setters);
        suite.add(GROUP, "an address in a Nacos registry is rejected", ClientCases::registry);
    }

    private static void calls(Case s) {
        IDtmServerStub stub = s.setting.client().newSaga().getDtmServerStub();
        s.equal("ping", stub.ping() != null, true);
        s.equal("the result", stub.newGid().getDtmResult(), "SUCCESS");
        s.equal("two gids differ", stub.newGid().getGid().equals(stub.newGid().getGid()), false);
    }

    private static void configured(Case s) throws Exception {
        s.at.handle("step", Handlers::succeeds);
        Saga saga = new DtmClient().newSaga(s.gid).add(s.url("step"), "", Handlers.PAYLOAD).enableWaitResult();
        s.equal("the gid", saga.submit(), s.gid);
        s.wantNow("succeed");
    }

    private static void withoutGid(Case s) throws Exception {
        s.at.handle("step", Handlers::succeeds);
        String gid = s.setting.client().newSaga().add(s.url("step"), "", Handlers.PAYLOAD).submit();
        s.equal("another gid", gid.isEmpty() || gid.equals(s.gid), false);
        s.wantFinal("succeed", gid);
        s.wantJournal("step 01 action");
    }

    private static void setters(Case s) {
        Saga saga = s.setting.client().newSaga(s.gid);
        List<Runnable> setters = List.of(() -> saga.setRetryInterval(1), () -> saga.setTimeoutToFail(1),
            () -> saga.setBranchHeaders(Map.of()), () -> saga.setPassthroughHeaders(new ArrayList<>()));
        for (Runnable setter : setters) {
            try {
                setter.run();
                throw new AssertionError("the setter returned");
            } catch (StackOverflowError expected) {
                // The fault.
            }
        }
    }

    private static void registry(Case s) throws Exception {
        ServiceMessage step = new ServiceMessage("bank", "debit");
        Saga saga = new OptionSaga(s).add(step, step, Handlers.PAYLOAD);
        s.equal("the address", saga.getSteps().get(0).get("action"), "nacos://bank/debit?groupName=DEFAULT_GROUP");
        s.wantError("nacos", saga::submit);
        s.equal("the transaction", s.setting.coordinator().query(s.gid).get("transaction").isNull(), true);
    }
}

package interop.cases;

import interop.bank.Bank;
import interop.coordinator.Coordinator;
import interop.participant.Service;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;
import pub.dtm.client.DtmClient;

/**
 * Runs dtm's published Java client against a coordinator. The cases judge by what happened in the business database and
 * in the participants' journals. Environment: INTEROP_TARGET (http://host:port of the coordinator), INTEROP_MYSQL (URL
 * of a database that the cases may create tables in; a case that needs it is skipped without), INTEROP_TYPESCRIPT
 * (http://host:port of the participant that shares the barrier), INTEROP_RUN (a regular expression for GROUP/NAME of
 * the cases), INTEROP_OUTCOMES (the file that the outcomes are appended to).
 */
public final class Main {
    private Main() {}

    /** Runs the cases. */
    public static void main(String[] args) throws Exception {
        Map<String, String> env = System.getenv();
        Coordinator coordinator = new Coordinator(env.get("INTEROP_TARGET"));
        configure(coordinator);
        String mysql = env.getOrDefault("INTEROP_MYSQL", "");
        Setting setting = new Setting(new DtmClient(coordinator.endpoint()), coordinator, new Service(),
            mysql.isEmpty() ? null : new Bank(mysql), env.get("INTEROP_TYPESCRIPT"));
        Suite suite = new Suite(Path.of(env.get("INTEROP_OUTCOMES")));
        ClientCases.addTo(suite);
        SagaCases.addTo(suite);
        ConcurrentSagaCases.addTo(suite);
        TccCases.addTo(suite);
        BarrierCases.addTo(suite);
        SharedBarrierCases.addTo(suite);
        TokenCases.addTo(suite);
        suite.run(setting, Pattern.compile(env.getOrDefault("INTEROP_RUN", "")));
        System.exit(0);
    }

    /** The client's configuration file, which it reads from the class path. */
    private static void configure(Coordinator coordinator) throws Exception {
        Path classes = Path.of(Main.class.getResource("/").toURI());
        Files.writeString(classes.resolve("dtm-conf.properties"),
            "dtm.ipport=" + coordinator.endpoint() + "\ndtm.service.registryType=nacos\n");
    }
}

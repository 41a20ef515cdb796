package interop.cases;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** Runs the cases, and appends to a file one line of JSON per case that starts and per case that has ended. */
final class Suite {
    /** Most of a case's time is waiting for a retry. */
    private static final int PARALLEL_CASES = 32;
    private static final long SUITE_SECONDS = 120;

    private record Entry(String group, String name, Case.Body body) {}

    private final List<Entry> entries = new ArrayList<>();
    private final ObjectMapper json = new ObjectMapper();
    private final Path outcomes;

    Suite(Path outcomes) {
        this.outcomes = outcomes;
    }

    /** Adds a case. Its name is a sentence about behaviour. */
    void add(String group, String name, Case.Body body) {
        entries.add(new Entry(group, name, body));
    }

    /** Runs the cases whose GROUP/NAME matches a pattern. */
    void run(Setting setting, Pattern pattern) throws InterruptedException {
        ExecutorService pool = Executors.newFixedThreadPool(PARALLEL_CASES);
        for (Entry entry : entries) {
            if (pattern.matcher(entry.group + "/" + entry.name).find()) pool.execute(() -> runOne(setting, entry));
        }
        pool.shutdown();
        pool.awaitTermination(SUITE_SECONDS, TimeUnit.SECONDS);
    }

    private void runOne(Setting setting, Entry entry) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("group", entry.group);
        line.put("name", entry.name);
        write(line);
        long began = System.currentTimeMillis();
        String detail = "";
        String verdict = "pass";
        try {
            entry.body.run(new Case(setting));
        } catch (Skipped reason) {
            verdict = "skip";
            detail = reason.getMessage();
        } catch (Throwable error) {
            verdict = "fail";
            StringWriter text = new StringWriter();
            error.printStackTrace(new PrintWriter(text));
            detail = text.toString();
        }
        line.put("verdict", verdict);
        line.put("durationMs", System.currentTimeMillis() - began);
        line.put("detail", detail);
        write(line);
    }

    private synchronized void write(Map<String, Object> line) {
        try {
            Files.writeString(outcomes, json.writeValueAsString(line) + "\n", StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }
}

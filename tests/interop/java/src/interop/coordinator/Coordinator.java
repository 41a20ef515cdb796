package interop.coordinator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;

/** What the coordinator reports about a transaction, by plain HTTP. */
public final class Coordinator {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final long FINAL_MS = 25_000;
    private static final long POLL_MS = 20;

    private final HttpClient http = HttpClient.newHttpClient();
    private final String base;

    public Coordinator(String base) {
        this.base = base;
    }

    /** HOST:PORT, which the client is given. */
    public String endpoint() {
        return URI.create(base).getAuthority();
    }

    /** The transaction and its branches; the transaction is null for an unknown gid. */
    public JsonNode query(String gid) throws Exception {
        String query = "/query?gid=" + URLEncoder.encode(gid, StandardCharsets.UTF_8);
        return JSON.readTree(send(request("/api/dtmsvr" + query).GET()).body());
    }

    /** The status of a response to a POST. */
    public int post(String call, Map<String, Object> body) throws Exception {
        String text = JSON.writeValueAsString(body);
        HttpRequest.Builder request = request("/api/dtmsvr/" + call).header("Content-Type", "application/json");
        return send(request.POST(HttpRequest.BodyPublishers.ofString(text))).statusCode();
    }

    /** Polls until a transaction has reached a final status. */
    public JsonNode finished(String gid) throws Exception {
        for (long deadline = System.currentTimeMillis() + FINAL_MS; ; Thread.sleep(POLL_MS)) {
            JsonNode found = query(gid);
            String status = found.path("transaction").path("status").asText();
            if (status.equals("succeed") || status.equals("failed")) return found;
            if (System.currentTimeMillis() > deadline) throw new AssertionError(gid + " is not final: " + found);
        }
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(base + path)).timeout(TIMEOUT);
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
}

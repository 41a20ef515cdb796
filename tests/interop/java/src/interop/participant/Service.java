package interop.participant;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import pub.dtm.client.exception.FailureException;

/** The HTTP service whose endpoints the coordinator calls as branches; its paths are /SCENE/ENDPOINT. */
public final class Service {
    private final Map<String, Scene> scenes = new ConcurrentHashMap<>();
    private final String base;

    /** Listens on a random loopback port. */
    public Service() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool(Service::daemon));
        server.createContext("/", this::serve);
        server.start();
        base = "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Opens the part of the service that a case uses. */
    public Scene scene(String name) {
        return scenes.computeIfAbsent(name, key -> new Scene(base + "/" + key));
    }

    private void serve(HttpExchange exchange) throws IOException {
        String[] path = exchange.getRequestURI().getPath().split("/", 3);
        Map<String, String> query = parse(exchange.getRequestURI().getRawQuery());
        byte[] body = exchange.getRequestBody().readAllBytes();
        Call call = new Call(path[2], exchange.getRequestMethod(), query, exchange.getRequestHeaders(), body);
        Reply reply = respond(scenes.get(path[1]), call);
        byte[] text = reply.body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(reply.status, text.length);
        exchange.getResponseBody().write(text);
        exchange.close();
    }

    /** The response to a call. The client has no mapping of results for participants. */
    private static Reply respond(Scene scene, Call call) {
        try {
            if (scene == null) return new Reply(404, "no such scene");
            scene.serve(call);
            return result(200, "SUCCESS", "");
        } catch (Reply reply) {
            return reply;
        } catch (FailureException failure) {
            return result(409, "FAILURE", failure.getMessage());
        } catch (Exception error) {
            return new Reply(500, "{\"message\":\"the participant failed\"}");
        }
    }

    private static Reply result(int status, String name, String message) {
        return new Reply(status, new ObjectMapper().createObjectNode()
            .put("dtm_result", name).put("message", message).toString());
    }

    private static Map<String, String> parse(String query) {
        Map<String, String> fields = new HashMap<>();
        for (String field : query == null ? new String[0] : query.split("&")) {
            String[] parts = field.split("=", 2);
            fields.put(decode(parts[0]), parts.length == 1 ? "" : decode(parts[1]));
        }
        return fields;
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }
}

"""The HTTP service whose endpoints the coordinator calls as branches."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from dtmcli import barrier, utils


class Ongoing(Exception):
    """The branch has not finished yet."""


class Down(Exception):
    """The branch fails for a reason that has nothing to do with its business."""


class Reply(Exception):
    """An exact response."""

    def __init__(self, status, body):
        super().__init__(body)
        self.status = status
        self.body = body


class Call:
    """One request that reached the participant."""

    def __init__(self, endpoint, method, query, headers, body):
        self.endpoint = endpoint
        self.method = method
        self.query = query
        self.headers = headers
        self.body = body
        self.gid = query.get("gid", "")
        self.trans_type = query.get("trans_type", "")
        self.branch_id = query.get("branch_id", "")
        self.op = query.get("op", "")
        # Counts the calls of this endpoint for this branch and op, from 1.
        self.attempt = 0
        # The scene's clock: of two events, the earlier one has the smaller number. 0 while the call runs.
        self.began = self.ended = 0

    def __str__(self):
        return f"{self.endpoint} {self.branch_id} {self.op}"

    def barrier(self):
        """The client's branch barrier for this call."""
        return barrier.BranchBarrier(self.trans_type, self.gid, self.branch_id, self.op)

    def amount(self):
        """The payload of every branch: a participant moves the amount that the coordinator sent."""
        return json.loads(self.body)["amount"]


class Scene:
    """The part of the service that belongs to one case: its endpoints, and a journal of their calls."""

    def __init__(self, base):
        self._base = base
        self._lock = threading.Lock()
        self._handlers = {}
        self._calls = []
        self._clock = 0

    def handle(self, endpoint, handler):
        """Adds an endpoint, or replaces its handler."""
        with self._lock:
            self._handlers[endpoint] = handler

    def url(self, endpoint):
        """Where an endpoint is called."""
        return f"{self._base}/{endpoint}"

    def calls(self):
        """The journal so far, oldest first."""
        with self._lock:
            return sorted(self._calls, key=lambda call: call.began)

    def serve(self, call):
        """Journals a call and runs its handler."""
        handler = self._begin(call)
        try:
            return handler(call)
        finally:
            with self._lock:
                self._clock += 1
                call.ended = self._clock

    def _begin(self, call):
        with self._lock:
            handler = self._handlers.get(call.endpoint)
            if handler is None:
                raise Reply(404, f"no endpoint {call.endpoint}")
            call.attempt = 1 + sum(str(earlier) == str(call) for earlier in self._calls)
            self._clock += 1
            call.began = self._clock
            self._calls.append(call)
            return handler


class Service:
    """Listens on a random loopback port; its paths are /SCENE/ENDPOINT."""

    def __init__(self):
        self._scenes = {}
        service = self

        class Handler(BaseHTTPRequestHandler):
            """Serves one connection."""

            protocol_version = "HTTP/1.1"

            def do_GET(self):
                service.serve(self)

            def do_POST(self):
                service.serve(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._base = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def scene(self, name):
        """Opens the part of the service that a case uses."""
        scene = self._scenes[name] = Scene(f"{self._base}/{name}")
        return scene

    def serve(self, request):
        """Serves one request."""
        place = urlsplit(request.path)
        _, name, endpoint = place.path.split("/", 2)
        query = {key: values[0] for key, values in parse_qs(place.query, keep_blank_values=True).items()}
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        status, text = respond(self._scenes.get(name), Call(endpoint, request.command, query, request.headers, body))
        try:
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(text)))
            request.end_headers()
            request.wfile.write(text)
        except (BrokenPipeError, ConnectionResetError):
            pass  # The caller did not wait for it.


def respond(scene, call):
    """The status and the body for a call. The client has no mapping of results for participants."""
    try:
        if scene is None:
            raise Reply(404, "no such scene")
        scene.serve(call)
        return result(200, "SUCCESS", "")
    except Reply as reply:
        return reply.status, reply.body.encode()
    except utils.DTMFailureError as error:
        return result(409, "FAILURE", str(error))
    except Ongoing as error:
        return result(425, "ONGOING", str(error))
    except Exception as error:  # pylint: disable=broad-except
        return 500, json.dumps({"message": repr(error)}).encode()


def result(status, name, message):
    """A status, and the body that dtm's examples have for it."""
    return status, json.dumps({"dtm_result": name, "message": message}).encode()

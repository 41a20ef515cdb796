"""The participant: a gRPC server whose methods succeed, but Refuse fails, and which serves workflows."""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import workflow_pb2_grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.wrappers_pb2 import StringValue


class Bank(grpc.GenericRpcHandler):
    """Serves every method of interop.Bank, with a journal per gid."""

    def __init__(self):
        self.calls = {}
        self._lock = threading.Lock()

    def service(self, handler_call_details):
        service, method = handler_call_details.method[1:].split("/")
        if service != "interop.Bank":
            return None
        fields = dict(handler_call_details.invocation_metadata)

        def handle(payload, context):
            call = f"{method} {fields['dtm-branch_id']} {fields['dtm-op']} {payload.value}"
            with self._lock:
                self.calls.setdefault(fields["dtm-gid"], []).append(call)
            if method == "Refuse":
                context.abort(grpc.StatusCode.ABORTED, "not enough money")
            return Empty()

        return grpc.unary_unary_rpc_method_handler(handle, StringValue.FromString, Empty.SerializeToString)


class Workflows(workflow_pb2_grpc.WorkflowServicer):
    """Continues workflows: `on_execute` is called with the gid, the name and the input."""

    on_execute = None

    def Execute(self, request, context):
        """The callback of the coordinator."""
        fields = dict(context.invocation_metadata())
        self.on_execute(fields["dtm-gid"], fields["dtm-op"], request.Data)
        return Empty()


class Participant:
    """Both services on a random loopback port."""

    def __init__(self):
        self.bank, self.workflows = Bank(), Workflows()
        self._server = grpc.server(ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((self.bank,))
        workflow_pb2_grpc.add_WorkflowServicer_to_server(self.workflows, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def url(self, method):
        """The address of a method, as the coordinator calls it."""
        return f"{self.address}/interop.Bank/{method}"

    def close(self):
        """Stops the server."""
        self._server.stop(None)

"""The cases."""

import base64
import json
import os
import threading

import dtmgimp_pb2
import dtmgimp_pb2_grpc
import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.empty_pb2 import Empty
from google.protobuf.wrappers_pb2 import StringValue
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from participant import Participant

TIMEOUT_SECONDS = 15
PAYLOAD = StringValue(value="30").SerializeToString()
CASES = []


def case(name):
    """Registers a case. Its name is a sentence about behaviour."""

    def register(run):
        CASES.append((name, run))
        return run

    return register


class Setting:
    """What all cases share."""

    def __init__(self, target):
        self.channel = grpc.insecure_channel(target)
        self.client = dtmgimp_pb2_grpc.DtmStub(self.channel)
        self.participant = Participant()

    def gid(self):
        """A new gid."""
        return self.client.NewGid(Empty(), timeout=TIMEOUT_SECONDS).Gid

    def call(self, method, request):
        """Calls the coordinator."""
        return getattr(self.client, method)(request, timeout=TIMEOUT_SECONDS)

    def calls(self, gid):
        """The calls that the participant received for a gid."""
        return self.participant.bank.calls.get(gid, [])

    def saga(self, *methods):
        """A saga of methods of the participant."""
        url = self.participant.url
        steps = [{"action": url(method), "compensate": url("Undo" + method)} for method in methods]
        return dtmgimp_pb2.DtmRequest(
            Gid=self.gid(),
            TransType="saga",
            Steps=json.dumps(steps),
            BinPayloads=[PAYLOAD] * len(methods),
            TransOptions=dtmgimp_pb2.DtmTransOptions(WaitResult=True),
        )

    def close(self):
        """Stops everything."""
        self.channel.close()
        self.participant.close()


def equal(what, got, want):
    """Fails the case unless two values are equal."""
    if got != want:
        raise AssertionError(f"{what}: want {want!r}, got {got!r}")


@case("submits a saga whose branches run")
def saga_commits(s):
    request = s.saga("Debit", "Credit")
    s.call("Submit", request)
    equal("the calls", s.calls(request.Gid), ["Debit 01 action 30", "Credit 02 action 30"])


@case("submits a saga that is rolled back, and receives the code and the trailers")
def saga_rolls_back(s):
    request = s.saga("Debit", "Refuse")
    try:
        s.call("Submit", request)
        raise AssertionError("the submit succeeded")
    except grpc.RpcError as error:
        trailers = dict(error.trailing_metadata())
        got = [error.code(), error.details(), trailers["holdfast-status"]]
        equal("the error", got, [grpc.StatusCode.ABORTED, "not enough money", "failed"])
    undone = ["UndoRefuse 02 compensate 30", "UndoDebit 01 compensate 30"]
    equal("the calls", s.calls(request.Gid), ["Debit 01 action 30", "Refuse 02 action 30", *undone])


@case("runs a TCC: prepare, register a branch, submit; and abort of another")
def tcc(s):
    for end, op in (("Submit", "confirm"), ("Abort", "cancel")):
        options = dtmgimp_pb2.DtmTransOptions(WaitResult=True)
        request = dtmgimp_pb2.DtmRequest(Gid=s.gid(), TransType="tcc", TransOptions=options)
        s.call("Prepare", request)
        data = {"confirm": s.participant.url("Confirm"), "cancel": s.participant.url("Cancel")}
        branch = dtmgimp_pb2.DtmBranchRequest(
            Gid=request.Gid, TransType="tcc", BranchID="01", Data=data, BusiPayload=PAYLOAD
        )
        s.call("RegisterBranch", branch)
        s.call(end, request)
        equal("the calls", s.calls(request.Gid), [f"{op.capitalize()} 01 {op} 30"])


@case("subscribes to a topic, sends a message to it, unsubscribes and deletes it")
def topics(s):
    topic = s.gid()
    for method in ("One", "Two"):
        url = s.participant.url(method)
        s.call("Subscribe", dtmgimp_pb2.DtmTopicRequest(Topic=topic, URL=url, Remark="interop"))
    request = dtmgimp_pb2.DtmRequest(
        Gid=topic,
        TransType="msg",
        Steps=json.dumps([{"action": "topic://" + topic}]),
        BinPayloads=[PAYLOAD],
        TransOptions=dtmgimp_pb2.DtmTransOptions(WaitResult=True),
    )
    s.call("Submit", request)
    equal("the calls", sorted(s.calls(topic)), ["One 01-01 action 30", "Two 01-02 action 30"])
    s.call("Unsubscribe", dtmgimp_pb2.DtmTopicRequest(Topic=topic, URL=s.participant.url("One")))
    s.call("DeleteTopic", dtmgimp_pb2.DtmTopicRequest(Topic=topic))


@case("prepares a workflow, which the coordinator continues over workflow.Workflow/Execute")
def workflow(s):
    gid, executed = s.gid(), threading.Event()
    request = dtmgimp_pb2.DtmRequest(
        Gid=gid,
        TransType="workflow",
        QueryPrepared=s.participant.address + "/workflow.Workflow/Execute",
        CustomedData=json.dumps({"name": "pay", "data": base64.b64encode(b"input").decode()}),
        TransOptions=dtmgimp_pb2.DtmTransOptions(RetryInterval=1),
    )
    found = s.call("PrepareWorkflow", request)
    equal("created", [found.Transaction.Status, len(found.Progresses)], ["prepared", 0])
    step = {"Gid": gid, "TransType": "workflow", "BranchID": "01", "Op": "action", "BusiPayload": b"done"}
    s.call("RegisterBranch", dtmgimp_pb2.DtmBranchRequest(Data={"status": "succeed"}, **step))

    def on_execute(of, name, data):
        equal("the callback", [of, name, data], [gid, "pay", b"input"])
        (recorded,) = s.call("PrepareWorkflow", request).Progresses
        equal("recorded", [recorded.BranchID, recorded.Op, recorded.BinData], ["01", "action", b"done"])
        end = dtmgimp_pb2.DtmRequest(
            Gid=gid, TransType="workflow", QueryPrepared=request.QueryPrepared, CustomedData=request.CustomedData
        )
        end.ReqExtra["status"] = "succeed"
        s.call("Submit", end)
        executed.set()

    s.participant.workflows.on_execute = on_execute
    equal("executed", executed.wait(TIMEOUT_SECONDS), True)
    equal("the status", s.call("PrepareWorkflow", request).Transaction.Status, "succeed")


@case("submits a saga over TLS with a token in the metadata; without it, the call is UNAUTHENTICATED")
def token(s):
    with open(os.environ["INTEROP_CA"], "rb") as file:
        authority = grpc.ssl_channel_credentials(file.read())
    bearer = grpc.access_token_call_credentials(os.environ["INTEROP_TOKEN"])
    request = s.saga("Debit", "Credit")
    target = os.environ["INTEROP_TLS_GRPC_TARGET"]
    with grpc.secure_channel(target, authority) as channel:
        code = None
        try:
            dtmgimp_pb2_grpc.DtmStub(channel).Submit(request, timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            code = error.code()
        equal("the code", code, grpc.StatusCode.UNAUTHENTICATED)
    equal("the calls", s.calls(request.Gid), [])
    with grpc.secure_channel(target, grpc.composite_channel_credentials(authority, bearer)) as channel:
        dtmgimp_pb2_grpc.DtmStub(channel).Submit(request, timeout=TIMEOUT_SECONDS)
    equal("the calls", s.calls(request.Gid), ["Debit 01 action 30", "Credit 02 action 30"])


@case("lists the services through reflection (v1alpha), and reads dtm's messages as the published file has them")
def reflection(s):
    database = ProtoReflectionDescriptorDatabase(s.channel)
    services = set(database.get_services())
    names = {"dtmgimp.Dtm", "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    equal("missing services", names - services, set())
    pool = DescriptorPool(database)
    methods = [method.name for method in pool.FindServiceByName("dtmgimp.Dtm").methods]
    published = dtmgimp_pb2.DESCRIPTOR.services_by_name["Dtm"]
    equal("the methods", methods, [method.name for method in published.methods])
    for name, message in dtmgimp_pb2.DESCRIPTOR.message_types_by_name.items():
        described = pool.FindMessageTypeByName("dtmgimp." + name)
        fields = [[(f.name, f.number, f.type, f.label) for f in of.fields] for of in (described, message)]
        equal("the fields of " + name, fields[0], fields[1])

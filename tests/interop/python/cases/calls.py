"""The calls of dtm's HTTP API that its clients have no method for; dtm's console and scripts use them."""

import json
import time

import requests
from dtmcli import utils

import handlers
from cases.saga import saga
from participant import Down, Ongoing
from suite import case

GROUP = "Calls"
SUCCESS = {"dtm_result": "SUCCESS"}


def ok(s, response):
    """The body of a response that must be a success."""
    s.equal(f"{response.url}: {response.text}", response.status_code, 200)
    return response.json()


@case(GROUP, "version and ping")
def version(s):
    s.equal("version", bool(ok(s, s.coordinator.get("version"))["version"]), True)
    s.equal("ping", ok(s, requests.get(s.coordinator.base + "/api/ping", timeout=10)), {"msg": "pong"})


@case(GROUP, "newGid returns another gid each time")
def new_gid(s):
    s.equal("two gids differ", len({utils.gen_gid(s.rest), utils.gen_gid(s.rest)}), 2)
    s.equal("the result", ok(s, s.coordinator.get("newGid"))["dtm_result"], "SUCCESS")


@case(GROUP, "metrics are Prometheus text")
def metrics(s):
    text = requests.get(s.coordinator.base + "/api/metrics", timeout=10).text
    s.equal("a type line", "# TYPE " in text, True)


@case(GROUP, "query finds a transaction with its branches; no transaction for an unknown gid, an error without a gid")
def query(s):
    s.at.handle("step", handlers.succeeds)
    saga(s, "step").submit()
    found = s.want_final("succeed")
    fields = [found["transaction"][name] for name in ("gid", "trans_type", "status")]
    s.equal("the transaction", fields, [s.gid, "saga", "succeed"])
    s.equal("the url", found["branches"][1]["url"], s.url("step"))
    s.equal("an unknown gid", s.coordinator.query("no-" + s.gid), {"transaction": None, "branches": []})
    s.equal("no gid", s.coordinator.get("query").status_code != 200, True)


@case(GROUP, "all lists newest first, filtered and in pages")
def list_all(s):
    s.at.handle("step", handlers.succeeds)
    began = int(time.time() * 1000)
    gids = [f"{s.gid}-{number}" for number in range(3)]
    for gid in gids:
        saga(s, "step", gid=gid).submit()
        s.want_final("succeed", gid)
        time.sleep(0.01)
    ours = {"status": "succeed", "transType": "saga", "createTimeStart": began}
    every = [entry["gid"] for entry in ok(s, s.coordinator.get("all", limit=100, **ours))["transactions"]]
    s.equal("newest first", [gid for gid in every if gid in gids], gids[::-1])
    found = ok(s, s.coordinator.get("all", gid=gids[0]))["transactions"]
    s.equal("by gid", [entry["gid"] for entry in found], [gids[0]])
    page = ok(s, s.coordinator.get("all", limit=1, **ours))
    s.equal("one page", [len(page["transactions"]), page["next_position"] != ""], [1, True])
    later = ok(s, s.coordinator.get("all", limit=100, position=page["next_position"], **ours))
    s.equal("not again", page["transactions"][0]["gid"] in [t["gid"] for t in later["transactions"]], False)


@case(GROUP, "forceStop ends a transaction without a compensation, and rejects a finished one")
def force_stop(s):
    s.at.handle("step", handlers.raises(Ongoing("for ever")))
    saga(s, "step").submit()
    s.until("the call", lambda: s.journal() != [])
    s.equal("the response", ok(s, s.coordinator.post("forceStop", gid=s.gid)), SUCCESS)
    s.want_now("failed")
    s.equal("no compensation", [line for line in s.journal() if "undo" in line], [])
    again = s.coordinator.post("forceStop", gid=s.gid)
    s.equal("again", [again.status_code, again.json()["dtm_result"]], [409, "FAILURE"])


@case(GROUP, "resetNextCronTime retries a transaction at once")
def reset_one(s):
    s.at.handle("step", handlers.first(Down("for a moment"), handlers.succeeds))
    it = saga(s, "step")
    it.trans_base.retry_interval = 3600
    it.submit()
    s.until("the call", lambda: s.at.calls() and s.at.calls()[0].ended)
    codes = []

    def reset():
        # A reset that comes before the failed call is recorded changes nothing.
        codes.append(s.coordinator.post("resetNextCronTime", gid=s.gid).status_code)
        return len(s.at.calls()) > 1

    s.until("the retry", reset)
    s.equal("a response", 200 in codes, True)
    s.want_final("succeed")


@case(GROUP, "resetCronTime retries those that wait longer than a timeout, and reports their number")
def reset_many(s):
    s.at.handle("step", handlers.first(Down("for a moment"), handlers.succeeds))
    it = saga(s, "step")
    it.trans_base.retry_interval = 7200
    it.submit()
    s.until("the call", lambda: s.at.calls() and s.at.calls()[0].ended)

    def reset():
        return ok(s, s.coordinator.get("resetCronTime", timeout=5000, limit=100))["succeed_count"] > 0

    s.until("a retry", reset)
    s.want_final("succeed")


@case(GROUP, "prepare is idempotent, and rejected once the transaction has been submitted")
def prepare(s):
    s.at.handle("step", handlers.succeeds)
    body = {"gid": s.gid, "trans_type": "msg", "steps": [{"action": s.url("step")}], "payloads": ["{}"]}
    body["query_prepared"] = s.url("check-back")
    for _ in range(2):
        s.equal("prepare", ok(s, s.coordinator.post("prepare", **body)), SUCCESS)
    s.equal("submit", ok(s, s.coordinator.post("submit", **body)), SUCCESS)
    late = s.coordinator.post("prepare", **body)
    s.equal("prepare afterwards", [late.status_code, late.json()["dtm_result"]], [409, "FAILURE"])
    s.equal("the message", "cannot prepare" in late.json()["message"], True)
    s.want_final("succeed")


@case(GROUP, "abort rolls a prepared transaction back, and rejects one that has succeeded")
def abort(s):
    ok(s, s.coordinator.post("prepare", gid=s.gid, trans_type="tcc"))
    s.equal("abort", ok(s, s.coordinator.post("abort", gid=s.gid, trans_type="tcc")), SUCCESS)
    s.want_final("failed")
    other = s.gid + "-2"
    s.at.handle("step", handlers.succeeds)
    saga(s, "step", gid=other).submit()
    s.want_final("succeed", other)
    s.equal("too late", s.coordinator.post("abort", gid=other, trans_type="saga").status_code, 409)


@case(GROUP, "registerBranch has its old names, and is rejected for an unknown gid")
def register_branch(s):
    s.three("branch", handlers.succeeds)
    ok(s, s.coordinator.post("prepare", gid=s.gid, trans_type="tcc"))
    body = {"gid": s.gid, "trans_type": "tcc", "branch_id": "01", "data": "{}"}
    body |= {"confirm": s.url("confirm-branch"), "cancel": s.url("cancel-branch")}
    for _ in range(2):
        s.equal("the old name", ok(s, s.coordinator.post("registerTccBranch", **body)), SUCCESS)
    unknown = s.coordinator.post("registerBranch", **(body | {"gid": "no-" + s.gid}))
    s.equal("an unknown gid", unknown.status_code, 409)
    ok(s, s.coordinator.post("submit", gid=s.gid, trans_type="tcc"))
    s.want_final("succeed")
    s.want_journal("confirm-branch 01 confirm")


@case(GROUP, "prepareWorkflow creates a workflow, and returns its recorded steps")
def prepare_workflow(s):
    body = {"gid": s.gid, "trans_type": "workflow", "query_prepared": s.url("resume")}
    body["custom_data"] = json.dumps({"name": "pay", "data": ""})
    found = ok(s, s.coordinator.post("prepareWorkflow", **body))
    s.equal("created", [found["transaction"]["status"], found["progresses"]], ["prepared", []])
    step = {"gid": s.gid, "trans_type": "workflow", "branch_id": "01", "op": "action", "status": "succeed"}
    step["data"] = "ok"
    ok(s, s.coordinator.post("registerBranch", **step))
    (recorded,) = ok(s, s.coordinator.post("prepareWorkflow", **body))["progresses"]
    fields = [recorded[name] for name in ("branch_id", "op", "status", "bin_data")]
    s.equal("recorded", fields, ["01", "action", "succeed", "b2s="])
    ok(s, s.coordinator.post("submit", **body, req_extra={"status": "succeed"}))
    s.want_now("succeed")


@case(GROUP, "topics are subscribed, listed, read, unsubscribed and deleted")
def topics(s):
    for endpoint in ("one", "two"):
        ok(s, s.coordinator.get("subscribe", topic=s.gid, url=s.url(endpoint), remark="r"))
    again = s.coordinator.get("subscribe", topic=s.gid, url=s.url("one"), remark="r")
    s.equal("subscribed already", again.status_code != 200, True)
    (entry,) = ok(s, s.coordinator.get("queryKV", cat="topics", key=s.gid))["kv"]
    urls = [subscriber["url"] for subscriber in json.loads(entry["v"])]
    s.equal("read", [entry["cat"], entry["k"], urls], ["topics", s.gid, [s.url("one"), s.url("two")]])
    listed = ok(s, s.coordinator.get("scanKV", cat="topics", limit=1000))["kv"]
    s.equal("listed", s.gid in [entry["k"] for entry in listed], True)
    ok(s, s.coordinator.get("unsubscribe", topic=s.gid, url=s.url("two")))
    s.equal("not subscribed", s.coordinator.get("unsubscribe", topic=s.gid, url=s.url("two")).status_code != 200, True)
    ok(s, requests.delete(f"{s.rest}/topic/{s.gid}", timeout=10))
    gone = requests.delete(f"{s.rest}/topic/{s.gid}", timeout=10)
    s.equal("no such topic", gone.status_code != 200, True)


@case(GROUP, "JSON-RPC has the same calls")
def json_rpc(s):
    def call(method, **params):
        body = {"jsonrpc": "2.0", "id": "1", "method": method, "params": params}
        return ok(s, requests.post(s.coordinator.base + "/api/json-rpc", json=body, timeout=10))

    s.equal("newGid", bool(call("newGid")["result"]["gid"]), True)
    for method in ("prepare", "abort"):
        s.equal(method, call(method, gid=s.gid, trans_type="tcc").get("error"), None)
    s.want_final("failed")
    s.equal("a failure", call("submit", gid=s.gid, trans_type="tcc")["error"]["code"], -32901)
    s.equal("an unknown method", call("nothing")["error"]["code"], -32601)

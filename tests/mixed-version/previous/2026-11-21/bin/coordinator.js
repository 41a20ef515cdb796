import { Command, Option } from "commander";
import { z } from "zod";
import { performance as performance$1 } from "node:perf_hooks";
import { randomFillSync } from "node:crypto";
import { hostname } from "node:os";
import UndiciPool from "undici/lib/dispatcher/pool.js";
import { readFile } from "node:fs/promises";
import { pino } from "pino";
import { once } from "node:events";
import { createServer } from "node:http";
import pg from "pg";
import { readFileSync } from "node:fs";
// \0rolldown/runtime.js
var __defProp = Object.defineProperty;
var __esmMin = (fn, res, err) => () => {
	if (err) throw err[0];
	try {
		return fn && (res = fn(fn = 0)), res;
	} catch (e) {
		throw err = [e], e;
	}
};
var __exportAll = (all, no_symbols) => {
	let target = {};
	for (var name in all) __defProp(target, name, {
		get: all[name],
		enumerable: true
	});
	if (!no_symbols) __defProp(target, Symbol.toStringTag, { value: "Module" });
	return target;
};
// packages/core/src/model.ts
var init_model = __esmMin((() => {}));
// packages/core/src/store.ts
var StoreError;
var init_store = __esmMin((() => {
	StoreError = class extends Error {
		name = "StoreError";
		code;
		constructor(code, message, cause) {
			super(message, cause === void 0 ? void 0 : { cause });
			this.code = code;
		}
	};
}));
// packages/core/src/environment.ts
var init_environment = __esmMin((() => {}));
// packages/core/src/observer.ts
var NO_OBSERVER;
var init_observer = __esmMin((() => {
	NO_OBSERVER = {
		branchAnswered() {},
		batchWritten() {},
		transactionFinished() {},
		transactionAccepted() {},
		claimed() {},
		tookOver() {},
		conflicted() {},
		alerted() {}
	};
}));
// packages/core/src/coordinator.ts
var init_coordinator = __esmMin((() => {}));
// packages/core/src/engine-options.ts
var DEFAULT_ENGINE_OPTIONS;
var init_engine_options$1 = __esmMin((() => {
	DEFAULT_ENGINE_OPTIONS = {
		node: "node",
		version: "0.0.0",
		heartbeatMs: 5e3,
		silenceMs: 15e3,
		retryIntervalMs: 1e4,
		maxRetryIntervalMs: 6e4,
		timeoutToFailMs: 35e3,
		requestTimeoutMs: 3e3,
		alertAfterRetries: 3,
		maxClaims: 5,
		maxInProgress: 1e4,
		maxCallsPerDestination: 512,
		maxQueuedPerDestination: 2048,
		maxWaiters: 2e4,
		progressFlushMs: 1e3,
		pollMs: 1e3,
		claimBatch: 200,
		batchItems: 1e3,
		batchBytes: 8388608,
		maxQueuedWrites: 5e4,
		retentionMs: 6048e5,
		groups: [],
		maxWaitMs: 6e4
	};
}));
// packages/protocol/src/vocabulary.ts
var PATTERNS, STATUSES, isFinal, BRANCH_STATUSES, BRANCH_PROTOCOLS, RESULTS, DEFAULT_NAMESPACE;
var init_vocabulary = __esmMin((() => {
	PATTERNS = [
		"saga",
		"tcc",
		"xa",
		"msg",
		"workflow"
	];
	STATUSES = [
		"prepared",
		"submitted",
		"aborting",
		"succeed",
		"failed"
	];
	isFinal = (status) => status === "succeed" || status === "failed";
	BRANCH_STATUSES = [
		"prepared",
		"succeed",
		"failed"
	];
	BRANCH_PROTOCOLS = [
		"http",
		"json-rpc",
		"grpc"
	];
	RESULTS = [
		"SUCCESS",
		"FAILURE",
		"ONGOING",
		"UNKNOWN"
	];
	DEFAULT_NAMESPACE = "default";
}));
// packages/protocol/src/errors.ts
function messageOf$1(thrown) {
	if (thrown instanceof Error) return thrown.message;
	try {
		return String(thrown);
	} catch {
		return "something that has no text was thrown";
	}
}
var HoldfastError;
var init_errors$2 = __esmMin((() => {
	HoldfastError = class HoldfastError extends Error {
		name = "HoldfastError";
		code;
		gid;
		field;
		status;
		constructor(code, message, details = {}) {
			super(message, details.cause === void 0 ? void 0 : { cause: details.cause });
			this.code = code;
			this.gid = details.gid;
			this.field = details.field;
			this.status = details.status;
		}
		static from(thrown) {
			if (thrown instanceof HoldfastError) return thrown;
			return new HoldfastError("internal", messageOf$1(thrown), { cause: thrown });
		}
	};
}));
// packages/protocol/src/result.ts
function cut(text) {
	if (text.length <= 1024) return text;
	return text.slice(0, isHighSurrogate(text.charCodeAt(1022)) ? 1022 : 1023) + "…";
}
function branchResult(kind, reason) {
	return {
		kind,
		reason: cut(reason)
	};
}
function resultOfHttp(status, body) {
	const kind = wordOf(body) ?? HTTP_KINDS[status] ?? "UNKNOWN";
	if (kind === "SUCCESS") return SUCCESS$1;
	return branchResult(kind, body === "" ? `HTTP ${status}` : kind === "UNKNOWN" ? `HTTP ${status}: ${body}` : body);
}
function wordOf(body) {
	const ongoing = body.includes("ONGOING");
	if (!ongoing && !body.includes("FAILURE")) return void 0;
	try {
		return wordOfJson(JSON.parse(withoutByteOrderMark(body)));
	} catch {
		return ongoing ? "ONGOING" : "FAILURE";
	}
}
function wordOfJson(json) {
	const word = typeof json === "object" && json !== null && "dtm_result" in json ? json.dtm_result : json;
	return word === "ONGOING" || word === "FAILURE" ? word : void 0;
}
function resultOfJsonRpc(status, body) {
	const answer = parseObject(body);
	if (answer === void 0) return branchResult("UNKNOWN", `HTTP ${status}: not a JSON-RPC answer: ${body}`);
	if ("error" in answer && answer.error !== null && answer.error !== void 0) return branchResult(kindOfRpcError(answer.error), body);
	const word = "result" in answer ? wordOfJson(answer.result) : void 0;
	return word === void 0 ? resultOfHttp(status, body) : branchResult(word, body);
}
function kindOfRpcError(error) {
	const code = typeof error === "object" && error !== null && "code" in error ? error.code : void 0;
	return code === JSON_RPC_FAILURE ? "FAILURE" : code === JSON_RPC_ONGOING ? "ONGOING" : "UNKNOWN";
}
function parseObject(body) {
	try {
		const json = JSON.parse(withoutByteOrderMark(body));
		return typeof json === "object" && json !== null && !Array.isArray(json) ? json : void 0;
	} catch {
		return;
	}
}
var SUCCESS$1, isHighSurrogate, HTTP_KINDS, withoutByteOrderMark, JSON_RPC_FAILURE, JSON_RPC_ONGOING;
var init_result = __esmMin((() => {
	SUCCESS$1 = {
		kind: "SUCCESS",
		reason: ""
	};
	isHighSurrogate = (unit) => unit >= 55296 && unit < 56320;
	HTTP_KINDS = {
		200: "SUCCESS",
		201: "SUCCESS",
		204: "SUCCESS",
		202: "ONGOING",
		425: "ONGOING",
		409: "FAILURE"
	};
	withoutByteOrderMark = (text) => text.charCodeAt(0) === 65279 ? text.slice(1) : text;
	JSON_RPC_FAILURE = -32901;
	JSON_RPC_ONGOING = -32902;
}));
// packages/protocol/src/limits.ts
var LIMITS;
var init_limits = __esmMin((() => {
	LIMITS = {
		gidLength: 128,
		namespaceLength: 64,
		urlLength: 2048,
		steps: 1e3,
		registeredBranches: 1e3,
		payloadBytes: 1048576,
		bodyBytes: 4194304,
		pageSize: 1e3,
		timelineEntries: 100,
		branchResultBytes: 4096,
		topicLength: 128,
		topicSubscribers: 200
	};
})), text$2, url$1, milliseconds$1, payload, stepRequest, transactionRequest, summaryShape, transactionSummary, timelineEntry, branchDetails, topic;
var init_api_v1$1 = __esmMin((() => {
	init_limits();
	init_vocabulary();
	text$2 = (max) => z.string().max(max);
	url$1 = text$2(LIMITS.urlLength);
	milliseconds$1 = z.number().int().min(0).max(31536e6);
	payload = z.unknown();
	stepRequest = z.strictObject({
		action: url$1.min(1),
		compensate: url$1.optional(),
		payload: payload.optional(),
		requestTimeoutMs: milliseconds$1.optional(),
		after: z.array(z.number().int().min(0)).optional()
	});
	transactionRequest = z.strictObject({
		gid: text$2(LIMITS.gidLength).min(1).optional(),
		pattern: z.enum(PATTERNS),
		status: z.enum(["prepared", "submitted"]).optional(),
		steps: z.array(stepRequest).max(LIMITS.steps).default([]),
		workflow: z.strictObject({
			name: text$2(LIMITS.gidLength).min(1),
			input: z.unknown().optional()
		}).optional(),
		protocol: z.enum(BRANCH_PROTOCOLS).optional(),
		queryPrepared: url$1.optional(),
		concurrent: z.boolean().optional(),
		timeoutToFailMs: milliseconds$1.optional(),
		retryIntervalMs: milliseconds$1.optional(),
		requestTimeoutMs: milliseconds$1.optional(),
		retryLimit: z.number().int().min(0).max(1e6).optional(),
		delayMs: milliseconds$1.optional(),
		branchHeaders: z.record(z.string(), z.string()).optional()
	});
	summaryShape = {
		namespace: z.string(),
		gid: z.string(),
		pattern: z.enum(PATTERNS),
		status: z.enum(STATUSES),
		rollbackReason: z.string(),
		attention: z.boolean(),
		parked: z.string(),
		createdAtMs: z.number(),
		updatedAtMs: z.number(),
		finishedAtMs: z.number().nullable(),
		dueAtMs: z.number().nullable(),
		owner: z.string().nullable()
	};
	transactionSummary = z.object(summaryShape);
	z.object({
		...summaryShape,
		lastResult: z.object({
			kind: z.enum(RESULTS),
			reason: z.string()
		}).nullable()
	});
	timelineEntry = z.discriminatedUnion("kind", [
		z.object({
			kind: z.literal("status"),
			atMs: z.number(),
			status: z.enum(STATUSES),
			reason: z.string()
		}),
		z.object({
			kind: z.literal("call"),
			atMs: z.number(),
			durationMs: z.number(),
			branchId: z.string(),
			op: z.string(),
			result: z.enum(RESULTS),
			reason: z.string(),
			attempt: z.number(),
			retryAtMs: z.number()
		}),
		z.object({
			kind: z.enum([
				"resumed",
				"order",
				"parked",
				"alert"
			]),
			atMs: z.number(),
			detail: z.string()
		})
	]);
	branchDetails = z.object({
		branchId: z.string(),
		op: z.string(),
		url: z.string(),
		status: z.enum(BRANCH_STATUSES),
		started: z.boolean(),
		attempts: z.number(),
		nextAttemptAtMs: z.number(),
		finishedAtMs: z.number()
	});
	z.object({
		...summaryShape,
		version: z.number(),
		result: z.string(),
		queryPrepared: z.string(),
		branches: z.array(branchDetails),
		timeline: z.array(timelineEntry),
		timelineOmitted: z.number()
	});
	z.object({
		items: z.array(transactionSummary),
		next: z.string().nullable()
	});
	topic = z.object({
		topic: z.string(),
		version: z.number(),
		subscribers: z.array(z.object({
			url: z.string(),
			remark: z.string()
		}))
	});
	z.object({
		items: z.array(topic),
		next: z.string().nullable()
	});
	z.object({ items: z.array(z.object({
		session: z.string(),
		node: z.string(),
		version: z.string(),
		startedAtMs: z.number(),
		heartbeatAtMs: z.number()
	})) });
	z.object({
		type: z.string(),
		title: z.string(),
		status: z.number(),
		detail: z.string(),
		code: z.string(),
		gid: z.string().optional(),
		field: z.string().optional(),
		transactionStatus: z.enum(STATUSES).optional()
	});
})), url, branchId, bytes$1, branchRegistrationRequest, workflowEnd, parkRequest;
var init_api_v1_branches = __esmMin((() => {
	init_limits();
	init_vocabulary();
	url = z.string().max(LIMITS.urlLength);
	branchId = z.string().min(1).max(64);
	bytes$1 = z.base64();
	branchRegistrationRequest = z.discriminatedUnion("pattern", [
		z.strictObject({
			pattern: z.literal("tcc"),
			branchId,
			confirm: url,
			cancel: url,
			payload: z.unknown().optional()
		}),
		z.strictObject({
			pattern: z.literal("xa"),
			branchId,
			url: url.min(1)
		}),
		z.strictObject({
			pattern: z.literal("workflow"),
			branchId,
			op: z.enum([
				"action",
				"commit",
				"rollback"
			]),
			status: z.enum(["succeed", "failed"]),
			data: bytes$1.optional()
		})
	]);
	z.object({
		gid: z.string(),
		status: z.enum(STATUSES),
		rollbackReason: z.string(),
		result: z.string(),
		steps: z.array(z.object({
			branchId: z.string(),
			op: z.string(),
			status: z.enum(BRANCH_STATUSES),
			data: z.string()
		}))
	});
	workflowEnd = z.strictObject({
		status: z.enum(["succeed", "failed"]),
		reason: z.string().max(1024).optional(),
		result: bytes$1.optional()
	});
	parkRequest = z.strictObject({ reason: z.string().min(1).max(1024) });
})), abortRequest, subscriberRequest;
var init_api_v1_status = __esmMin((() => {
	init_vocabulary();
	z.object({
		version: z.string(),
		node: z.string(),
		session: z.string(),
		uptimeMs: z.number(),
		store: z.object({
			name: z.string(),
			durable: z.boolean(),
			exclusive: z.boolean()
		}),
		load: z.object({
			inProgress: z.number(),
			callsRunning: z.number(),
			writesQueued: z.number(),
			waiters: z.number(),
			draining: z.boolean(),
			leaseHeld: z.boolean()
		}),
		counts: z.object({
			byStatus: z.record(z.enum(STATUSES), z.number()),
			attention: z.number()
		})
	});
	abortRequest = z.strictObject({
		reason: z.string().max(1024).optional(),
		by: z.enum(["operator", "initiator"]).optional()
	});
	subscriberRequest = z.strictObject({
		url: z.string(),
		remark: z.string().max(1024).optional()
	});
}));
// packages/protocol/src/branch-errors.ts
function resultOfThrown(thrown) {
	const reason = thrown instanceof Error ? thrown.message : String(thrown);
	return branchResult(kindOf(thrown) ?? "UNKNOWN", reason);
}
function kindOf(thrown) {
	if (typeof thrown !== "object" || thrown === null || !(KIND in thrown)) return void 0;
	return thrown[KIND] === "FAILURE" || thrown[KIND] === "ONGOING" ? thrown[KIND] : void 0;
}
var KIND;
var init_branch_errors = __esmMin((() => {
	init_result();
	KIND = Symbol.for("holdfast.branch-error");
}));
// packages/protocol/src/barrier.ts
var init_barrier = __esmMin((() => {}));
// packages/protocol/src/barrier-schema.ts
var init_barrier_schema = __esmMin((() => {}));
// packages/protocol/src/dtm.ts
var text$1, flag$1, count$1, seconds, textMap, step$1, dtmTransaction, dtmOrder, dtmBranch, dtmSagaData, dtmMessageData, dtmWorkflowData, JSON_RPC_CODES;
var init_dtm = __esmMin((() => {
	text$1 = z.string().nullish();
	flag$1 = z.boolean().nullish();
	count$1 = z.number().int().min(0).nullish();
	seconds = count$1;
	textMap = z.record(z.string(), z.string().nullable());
	step$1 = z.object({
		action: text$1,
		compensate: text$1,
		data: text$1
	}).nullable();
	dtmTransaction = z.object({
		gid: text$1,
		trans_type: text$1,
		steps: z.array(step$1).nullish(),
		payloads: z.array(z.string().nullable()).nullish(),
		custom_data: text$1,
		query_prepared: text$1,
		protocol: text$1,
		rollback_reason: text$1,
		req_extra: textMap.nullish(),
		wait_result: flag$1,
		timeout_to_fail: seconds,
		retry_interval: seconds,
		request_timeout: seconds,
		branch_headers: textMap.nullish(),
		concurrent: flag$1,
		retry_limit: count$1
	});
	dtmOrder = z.object({
		gid: text$1,
		trans_type: text$1,
		rollback_reason: text$1,
		wait_result: flag$1
	});
	dtmBranch = textMap;
	dtmSagaData = z.object({
		orders: z.record(z.string(), z.array(z.number().int()).nullable()).nullish(),
		concurrent: flag$1
	});
	dtmMessageData = z.object({ delay: seconds });
	dtmWorkflowData = z.object({
		name: text$1,
		data: text$1
	});
	JSON_RPC_CODES = {
		unparsable: -32700,
		badRequest: -32600,
		unknownMethod: -32601,
		failed: -32603,
		failure: -32901,
		ongoing: -32902
	};
}));
// packages/protocol/src/dtm-answers.ts
var init_dtm_answers = __esmMin((() => {}));
// packages/protocol/src/index.ts
var init_src$3 = __esmMin((() => {
	init_vocabulary();
	init_errors$2();
	init_result();
	init_limits();
	init_api_v1$1();
	init_api_v1_branches();
	init_api_v1_status();
	init_branch_errors();
	init_barrier();
	init_barrier_schema();
	init_dtm();
	init_dtm_answers();
}));
// packages/core/src/codec/frame.ts
function encodeFrame(format, head, bodies) {
	const headLength = Buffer.byteLength(head);
	let bodyLength = 0;
	for (const body of bodies) bodyLength += body.length;
	let at = HEAD_AT + headLength;
	const frame = Buffer.allocUnsafe(at + bodyLength);
	frame[0] = format;
	frame.writeUInt32BE(headLength, HEAD_LENGTH_AT);
	frame.writeUInt32BE(bodyLength, BODY_LENGTH_AT);
	frame.write(head, HEAD_AT);
	for (const body of bodies) {
		frame.set(body, at);
		at += body.length;
	}
	return frame;
}
function decodeFrame(bytes, newest, what, read) {
	const frame = unpack(bytes, newest, what);
	try {
		return read(frame);
	} catch (cause) {
		throw cause instanceof UnreadableRecord ? cause : new UnreadableRecord(`${what}: its head is not what it should be: ${String(cause)}`);
	}
}
function unpack(bytes, newest, what) {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const format = buffer[0];
	if (format === void 0 || buffer.length < HEAD_AT) throw new UnreadableRecord(`${what}: ${buffer.length} bytes are too few`);
	if (format < 1 || format > newest) throw new UnreadableRecord(`${what}: format ${format} is unknown to this version (it reads 1 to ${newest}); a newer Holdfast wrote it`);
	const headEnd = HEAD_AT + buffer.readUInt32BE(HEAD_LENGTH_AT);
	const end = headEnd + buffer.readUInt32BE(BODY_LENGTH_AT);
	if (end !== buffer.length) throw new UnreadableRecord(`${what}: it should have ${end} bytes, not ${buffer.length}`);
	try {
		return {
			format,
			head: JSON.parse(buffer.toString("utf8", HEAD_AT, headEnd)),
			body: buffer.subarray(headEnd)
		};
	} catch (cause) {
		throw new UnreadableRecord(`${what}: its head is not JSON: ${String(cause)}`);
	}
}
function splitBody(body, lengths, what) {
	let at = 0;
	const parts = lengths.map((length) => body.subarray(at, at += length));
	if (at > body.length) throw new UnreadableRecord(`${what}: cut short`);
	return [parts, body.subarray(at)];
}
function oneOf(set, value, what) {
	if (!set.includes(value)) throw new UnreadableRecord(`${what}: ${String(value)} is none of ${set.join(", ")}`);
	return value;
}
function listOf(value, what) {
	if (Array.isArray(value)) return value;
	throw new UnreadableRecord(`${what}: ${String(value)} is no list`);
}
var UnreadableRecord, HEAD_LENGTH_AT, BODY_LENGTH_AT, HEAD_AT;
var init_frame = __esmMin((() => {
	UnreadableRecord = class extends Error {
		name = "UnreadableRecord";
	};
	HEAD_LENGTH_AT = 1;
	BODY_LENGTH_AT = 5;
	HEAD_AT = 9;
}));
// packages/core/src/codec/entry-codec.ts
function encodeRegistration(branch) {
	const { branchId, op, url, status, createdAtMs, payload } = branch;
	return {
		key: `${BRANCH}${branchId}:${op}`,
		body: encodeFrame(FORMAT$2, JSON.stringify({
			branchId,
			op,
			url,
			status,
			createdAtMs
		}), [payload])
	};
}
function decodeRegistrations(entries) {
	return entries.filter((entry) => entry.key.startsWith(BRANCH)).map(decodeRegistration);
}
function decodeAbortOrder(entries) {
	const entry = entries.find((e) => e.key === ABORT_ORDER_KEY);
	return entry && decodeFrame(entry.body, FORMAT$2, "order", ({ head }) => String(head.reason));
}
var FORMAT$2, BRANCH, ORDER, ABORT_ORDER_KEY, encodeAbortOrder, decodeRegistration;
var init_entry_codec = __esmMin((() => {
	init_src$3();
	init_frame();
	FORMAT$2 = 1;
	BRANCH = "branch:";
	ORDER = "order:";
	ABORT_ORDER_KEY = `${ORDER}abort`;
	encodeAbortOrder = (reason) => ({
		key: ABORT_ORDER_KEY,
		body: encodeFrame(FORMAT$2, JSON.stringify({ reason }), [])
	});
	decodeRegistration = (entry) => decodeFrame(entry.body, FORMAT$2, "registered branch", ({ head, body }) => {
		const { branchId, op, url, status, createdAtMs } = head;
		return {
			branchId,
			op,
			url,
			status: oneOf(BRANCH_STATUSES, status, "registered branch"),
			createdAtMs,
			payload: body
		};
	});
}));
// packages/core/src/patterns/retry.ts
function plainIntervalMs(options, policy) {
	if (options.retryIntervalMs > 0) return options.retryIntervalMs;
	if (options.timeoutToFailMs > 0 && options.timeoutToFailMs < policy.retryIntervalMs) return options.timeoutToFailMs;
	return policy.retryIntervalMs;
}
function backOffMs(options, failures, moment) {
	const plain = plainIntervalMs(options, moment.policy);
	const cap = Math.max(plain, moment.policy.maxRetryIntervalMs);
	const interval = Math.min(cap, plain * 2 ** Math.min(failures - 1, 30));
	return Math.round(interval * (1 + JITTER * moment.random));
}
var JITTER;
var init_retry = __esmMin((() => {
	JITTER = .2;
}));
// packages/core/src/patterns/branches.ts
function branchesOf$2(definition, registered) {
	switch (definition.pattern) {
		case "saga": return branchesOfSaga(definition);
		case "msg": return definition.steps.flatMap((step, i) => targetsOf(step).map((url, j, all) => branchOfStep(definition, step, i, all.length === 1 ? stepId(i) : `${stepId(i)}-${twoDigits(j + 1)}`, "action", url)));
		case "tcc":
		case "xa":
		case "workflow": return registered.map((r) => ({
			branchId: r.branchId,
			op: r.op,
			url: r.url,
			payload: r.payload,
			requestTimeoutMs: 0
		}));
	}
}
function branchesOfSaga(definition) {
	const branches = [];
	definition.steps.forEach((step, i) => {
		const branchId = stepId(i);
		branches.push(branchOfStep(definition, step, i, branchId, "compensate", step.compensate));
		branches.push(branchOfStep(definition, step, i, branchId, "action", step.action));
	});
	return branches;
}
function branchOfStep(definition, step, index, branchId, op, url) {
	return {
		branchId,
		op,
		url,
		payload: definition.payloads[index] ?? NO_PAYLOAD,
		requestTimeoutMs: step.requestTimeoutMs ?? 0
	};
}
var NO_PAYLOAD, compensateOf, actionOf, stepOf$1, twoDigits, stepId, targetsOf;
var init_branches = __esmMin((() => {
	NO_PAYLOAD = new Uint8Array(0);
	compensateOf = (step) => step * 2;
	actionOf = (step) => step * 2 + 1;
	stepOf$1 = (branch) => branch >> 1;
	twoDigits = (n) => n < 10 ? `0${n}` : String(n);
	stepId = (index) => twoDigits(index + 1);
	targetsOf = (step) => step.subscribers ?? [step.action];
}));
// packages/core/src/patterns/copies.ts
function copyState(state) {
	return {
		status: state.status,
		rollbackReason: state.rollbackReason,
		result: state.result,
		branches: state.branches,
		unbroken: state.unbroken,
		compensate: state.compensate,
		retries: state.retries,
		limitedRetries: state.limitedRetries,
		notBeforeMs: state.notBeforeMs,
		nextCheckAtMs: state.nextCheckAtMs,
		checkFailures: state.checkFailures,
		attention: state.attention,
		parked: state.parked,
		submittedAtMs: state.submittedAtMs,
		rollbackAtMs: state.rollbackAtMs,
		finishedAtMs: state.finishedAtMs,
		timeline: state.timeline,
		timelineOmitted: state.timelineOmitted
	};
}
function copyTransaction(transaction) {
	return {
		key: transaction.key,
		createdAtMs: transaction.createdAtMs,
		definition: transaction.definition,
		options: transaction.options,
		registered: transaction.registered,
		branches: transaction.branches,
		state: transaction.state,
		running: transaction.running,
		checking: transaction.checking,
		lastResult: transaction.lastResult
	};
}
function withState(transaction, state) {
	const next = copyTransaction(transaction);
	next.state = state;
	return next;
}
var init_copies = __esmMin((() => {}));
// packages/core/src/patterns/state.ts
function newTransaction(key, definition, createdAtMs) {
	return assemble(key, definition, createdAtMs, [], NEW_STATE);
}
function assemble(key, definition, createdAtMs, registered, state) {
	const branches = branchesOf$2(definition, registered);
	return {
		key,
		createdAtMs,
		definition,
		options: definition.options,
		registered,
		branches,
		state: withBranches(state, branches.length, registered),
		running: [],
		checking: false,
		lastResult: void 0
	};
}
function withRegistered(transaction, registered) {
	if (registered.length === transaction.registered.length) return transaction;
	const branches = branchesOf$2(transaction.definition, registered);
	return {
		...transaction,
		registered,
		branches,
		state: withBranches(transaction.state, branches.length, registered)
	};
}
function withBranches(state, count, registered) {
	if (state.branches.length === count) return state;
	const branches = state.branches.slice();
	for (let i = branches.length; i < count; i++) branches.push(recorded(registered[i]));
	const next = copyState(state);
	next.branches = branches;
	return next;
}
function recorded(branch) {
	if (branch === void 0 || branch.status === "prepared") return NOT_STARTED;
	return {
		...NOT_STARTED,
		status: branch.status,
		started: true,
		attempts: 1,
		finishedAtMs: branch.createdAtMs
	};
}
function branchState(state, index) {
	const branch = state.branches[index];
	if (branch === void 0) throw new RangeError(`no branch with index ${index}`);
	return branch;
}
var NOT_STARTED, NEW_STATE;
var init_state = __esmMin((() => {
	init_branches();
	init_copies();
	NOT_STARTED = {
		status: "prepared",
		started: false,
		attempts: 0,
		failures: 0,
		nextAttemptAtMs: 0,
		finishedAtMs: 0
	};
	NEW_STATE = {
		status: "prepared",
		branches: [],
		rollbackReason: "",
		result: "",
		unbroken: true,
		compensate: [],
		retries: 0,
		limitedRetries: 0,
		notBeforeMs: 0,
		nextCheckAtMs: 0,
		checkFailures: 0,
		attention: false,
		parked: "",
		submittedAtMs: 0,
		rollbackAtMs: 0,
		finishedAtMs: 0,
		timeline: [],
		timelineOmitted: 0
	};
}));
// packages/core/src/codec/json.ts
function arrayOf(items, textOf) {
	let json = "";
	for (const item of items) json += json === "" ? textOf(item) : `,${textOf(item)}`;
	return `[${json}]`;
}
var quoted;
var init_json = __esmMin((() => {
	quoted = (text) => text === "" ? "\"\"" : JSON.stringify(text);
}));
// packages/core/src/codec/definition-codec.ts
function encodeDefinition(definition) {
	const { pattern, protocol, steps, payloads, customData, queryPrepared, orders, workflowName, workflowData } = definition;
	let head = `{"pattern":"${pattern}","protocol":"${protocol}"`;
	if (steps.length > 0) head += `,"steps":${arrayOf(steps, stepText)}`;
	if (payloads.length > 0) head += `,"payloadLengths":${arrayOf(payloads, lengthText)}`;
	if (customData !== "") head += `,"customData":${quoted(customData)}`;
	if (queryPrepared !== "") head += `,"queryPrepared":${quoted(queryPrepared)}`;
	const options = saidOptions(definition.options);
	if (options !== void 0) head += `,"options":${JSON.stringify(options)}`;
	for (const _ in orders) {
		head += `,"orders":${JSON.stringify(orders)}`;
		break;
	}
	if (workflowName !== "") head += `,"workflowName":${quoted(workflowName)}`;
	return encodeFrame(FORMAT$1, `${head}}`, workflowData.length === 0 ? payloads : [...payloads, workflowData]);
}
function stepText(step) {
	const { action, compensate, subscribers, requestTimeoutMs } = step;
	if (subscribers !== void 0 || requestTimeoutMs !== void 0) return JSON.stringify(step);
	return `{"action":${quoted(action)},"compensate":${quoted(compensate)}}`;
}
function read$3(frame) {
	const head = frame.head;
	const [payloads, workflowData] = splitBody(frame.body, head.payloadLengths ?? [], WHAT$1);
	return {
		pattern: oneOf(PATTERNS, head.pattern, WHAT$1),
		protocol: head.protocol,
		steps: listOf(head.steps ?? [], WHAT$1),
		payloads,
		customData: head.customData ?? "",
		queryPrepared: head.queryPrepared ?? "",
		options: {
			...NO_OPTIONS,
			...head.options
		},
		orders: head.orders ?? {},
		workflowName: head.workflowName ?? "",
		workflowData
	};
}
function saidOptions(options) {
	let said;
	for (const name in NO_OPTIONS) {
		const value = options[name];
		if (value === NO_OPTIONS[name]) continue;
		(said ??= {})[name] = value;
	}
	return said;
}
var FORMAT$1, WHAT$1, NO_OPTIONS, emptyDefinition, lengthText, decodeDefinition;
var init_definition_codec = __esmMin((() => {
	init_src$3();
	init_frame();
	init_json();
	FORMAT$1 = 1;
	WHAT$1 = "definition";
	NO_OPTIONS = {
		waitResult: false,
		timeoutToFailMs: 0,
		retryIntervalMs: 0,
		requestTimeoutMs: 0,
		retryLimit: 0,
		branchHeaders: {},
		concurrent: false,
		delayMs: 0
	};
	emptyDefinition = (pattern) => ({
		pattern,
		protocol: "http",
		steps: [],
		payloads: [],
		customData: "",
		queryPrepared: "",
		options: NO_OPTIONS,
		orders: {},
		workflowName: "",
		workflowData: new Uint8Array(0)
	});
	lengthText = (payload) => String(payload.length);
	decodeDefinition = (bytes) => decodeFrame(bytes, FORMAT$1, WHAT$1, read$3);
}));
// packages/core/src/stores/rules.ts
function checkText(what, text, longest, shortest = 1) {
	if (text.length < shortest || text.length > longest) throw invalid$2(`${what} has ${text.length} characters; ${shortest} to ${longest} are allowed`);
	if (!isStorable(text)) throw invalid$2(`${what} holds a NUL or half a surrogate pair, which no store keeps`);
}
function checkKey(key) {
	checkNamespace(key.namespace);
	checkText("the gid", key.gid, LIMITS.gidLength);
}
function checkLimit(limit, most) {
	if (!Number.isInteger(limit) || limit < 1 || limit > most) throw invalid$2(`limit is ${limit}; 1 to ${most} are allowed`);
}
function checkMs(what, ms) {
	if (!(Math.abs(ms) <= STORE_LIMITS.durationMs)) throw invalid$2(`${what} is ${ms}; it takes milliseconds, at most ${STORE_LIMITS.durationMs}`);
}
function checkBatch(batch) {
	if (batch.length > STORE_LIMITS.batchItems) throw invalid$2(`a batch of ${batch.length} items; at most ${STORE_LIMITS.batchItems} are allowed`);
	const seen = new Set();
	for (const item of batch) {
		checkItem(item);
		seen.add(`${item.key.namespace}\0${item.key.gid}`);
	}
	if (seen.size !== batch.length) throw invalid$2("a batch holds at most one item a transaction");
}
function checkItem(item) {
	checkKey(item.key);
	if (item.kind === "append") return checkAppend(item);
	checkText("the write id", item.writeId, STORE_LIMITS.writeIdLength);
	if (item.owner !== null) checkText("the owner", item.owner, STORE_LIMITS.sessionLength);
	if (item.dueInMs !== null) {
		checkMs("dueInMs", item.dueInMs);
		if (item.owner !== null && !isFinal(item.status)) throw invalid$2(`gid ${item.key.gid}: an owned record has no due time; release it or leave dueInMs null`);
	}
	if (item.kind === "insert") checkText("the group", item.group, STORE_LIMITS.groupLength, 0);
	checkSize(item, item.state.length + (item.kind === "insert" ? item.definition.length : 0));
}
function checkAppend(item) {
	if (item.postponeMs !== void 0) checkMs("postponeMs", item.postponeMs);
	if (item.entries.length === 0) throw invalid$2(`gid ${item.key.gid}: an append without entries`);
	let bytes = 0;
	for (const entry of item.entries) {
		checkText("an entry key", entry.key, STORE_LIMITS.entryKeyLength);
		bytes += entry.body.length;
	}
	if (item.entries.length > 1 && new Set(item.entries.map((entry) => entry.key)).size !== item.entries.length) throw invalid$2(`gid ${item.key.gid}: an append names an entry twice`);
	checkSize(item, bytes);
}
function checkSize(item, bytes) {
	if (bytes > STORE_LIMITS.itemBytes) throw new StoreError("rejected", `gid ${item.key.gid}: ${bytes} bytes in one item; at most ${STORE_LIMITS.itemBytes} can be stored`);
}
function checkKeyValueId(id) {
	checkNamespace(id.namespace);
	checkText("the category", id.category, STORE_LIMITS.categoryLength);
	checkText("the key", id.key, STORE_LIMITS.keyLength);
}
function checkListQuery(query) {
	checkNamespace(query.namespace);
	checkLimit(query.limit, LIMITS.pageSize);
	if (query.gid !== void 0) checkText("the gid", query.gid, LIMITS.gidLength);
	if (query.createdFromMs !== void 0) checkMs("createdFromMs", query.createdFromMs);
	if (query.createdToMs !== void 0) checkMs("createdToMs", query.createdToMs);
}
var STORE_LIMITS, isStorable, invalid$2, checkNamespace;
var init_rules$1 = __esmMin((() => {
	init_src$3();
	init_store();
	STORE_LIMITS = {
		batchItems: 5e3,
		itemBytes: 8388608,
		entryKeyLength: 384,
		groupLength: 128,
		groups: 1e3,
		sessionLength: 256,
		writeIdLength: 128,
		categoryLength: 64,
		keyLength: 256,
		changeLimit: 1e4,
		durationMs: 0x9184e72a000,
		getKeys: 1e4
	};
	isStorable = (text) => text.isWellFormed() && !text.includes("\0");
	invalid$2 = (message) => new StoreError("invalid", message);
	checkNamespace = (namespace) => checkText("the namespace", namespace, LIMITS.namespaceLength);
}));
// packages/core/src/engine/accept.ts
function acceptDefinition(input) {
	acceptGid(input);
	const steps = input.steps ?? [];
	const payloads = input.payloads ?? [];
	const options = {
		...NO_OPTIONS,
		...input.options
	};
	const orders = input.orders ?? {};
	if (input.pattern === "saga" || input.pattern === "msg") acceptSteps(input.gid, input.pattern, steps, payloads);
	acceptUrl(input.gid, "query_prepared", input.queryPrepared ?? "");
	if (Object.keys(orders).length > 0) acceptOrders(input.gid, orders, steps.length);
	acceptPayload(input.gid, "custom_data", input.workflowData ?? NO_BYTES);
	acceptSize(input);
	return {
		pattern: input.pattern,
		protocol: input.protocol ?? "http",
		steps,
		payloads,
		customData: input.customData ?? "",
		queryPrepared: input.queryPrepared ?? "",
		options,
		orders,
		workflowName: input.workflowName ?? "",
		workflowData: input.workflowData ?? NO_BYTES
	};
}
function groupOf(gid, definition) {
	let group = "";
	const meet = (field, url) => {
		const other = groupIn(url);
		if (other === "" || other === group) return;
		if (group !== "") {
			const fault = `its local branches must be of one application, these are of ${group} and ${other}`;
			throw new HoldfastError("invalid", `${field}: ${fault}`, {
				gid,
				field
			});
		}
		group = other;
	};
	definition.steps.forEach(({ action, compensate, subscribers = [] }, i) => {
		meet(`steps[${i}].action`, action);
		meet(`steps[${i}].compensate`, compensate);
		for (const subscriber of subscribers) meet(`steps[${i}].action`, subscriber);
	});
	meet("query_prepared", definition.queryPrepared);
	return group;
}
function acceptRegistrations(gid, branches) {
	if (gid === "") throw new HoldfastError("invalid", "gid must not be empty", { field: "gid" });
	acceptStorable(gid, "gid", gid);
	const seen = new Set();
	for (const { branchId, op, url, payload } of branches) {
		acceptName(gid, "branch_id", branchId);
		acceptName(gid, "op", op);
		acceptUrl(gid, op, url);
		acceptPayload(gid, "data", payload);
		const name = `${branchId}\0${op}`;
		if (seen.has(name)) throw new HoldfastError("invalid", `branch ${branchId} ${op} stands there twice`, {
			gid,
			field: "op"
		});
		seen.add(name);
	}
}
function acceptName(gid, field, text) {
	if (text === "" || text.length > LIMITS.gidLength) throw new HoldfastError("invalid", `${field} must have 1 to ${LIMITS.gidLength} characters`, {
		gid,
		field
	});
	acceptStorable(gid, field, text);
}
function acceptStorable(gid, field, text) {
	if (!isStorable(text)) throw new HoldfastError("invalid", `${field} must not hold a NUL or half a surrogate pair`, {
		gid,
		field
	});
}
function acceptGid({ gid, pattern }) {
	if (gid === "") throw new HoldfastError("invalid", "gid must not be empty; ask newGid for one or choose your own", { field: "gid" });
	if (gid.length > LIMITS.gidLength) throw new HoldfastError("invalid", `gid must have at most ${LIMITS.gidLength} characters, this one has ${gid.length}`, { field: "gid" });
	acceptStorable(gid, "gid", gid);
	if (pattern === "xa" && Buffer.byteLength(gid) + 3 > XA_NAME_BYTES) throw new HoldfastError("invalid", `gid of an xa must have at most 61 bytes: databases limit the names of XA transactions`, {
		gid,
		field: "gid"
	});
}
function acceptSteps(gid, pattern, steps, payloads) {
	if (steps.length > LIMITS.steps) throw new HoldfastError("too_large", `a transaction has at most ${LIMITS.steps} steps, this one ${steps.length}`, {
		gid,
		field: "steps"
	});
	if (payloads.length < steps.length) throw new HoldfastError("invalid", `there must be a payload for each step: ${payloads.length} payloads, ${steps.length} steps`, {
		gid,
		field: "payloads"
	});
	payloads.forEach((payload, i) => acceptPayload(gid, `payloads[${i}]`, payload));
	steps.forEach((step, i) => {
		acceptUrl(gid, `steps[${i}].action`, step.action);
		acceptUrl(gid, `steps[${i}].compensate`, step.compensate);
		if (pattern === "saga" && step.action.startsWith("topic://")) throw new HoldfastError("invalid", "only messages can have topics as steps", {
			gid,
			field: `steps[${i}].action`
		});
	});
}
function acceptSize({ gid, payloads = [], customData = "", workflowData = NO_BYTES }) {
	const bytes = payloads.reduce((sum, payload) => sum + payload.length, customData.length + workflowData.length);
	if (bytes > LIMITS.bodyBytes) throw new HoldfastError("too_large", `payloads and custom_data must have at most ${LIMITS.bodyBytes} bytes together, these have ${bytes}`, {
		gid,
		field: "payloads"
	});
}
function acceptPayload(gid, field, payload) {
	if (payload.length > LIMITS.payloadBytes) throw new HoldfastError("too_large", `${field} must have at most ${LIMITS.payloadBytes} bytes, this one has ${payload.length}`, {
		gid,
		field
	});
}
function acceptUrl(gid, field, url) {
	if (url.length > LIMITS.urlLength) throw new HoldfastError("invalid", `${field} must have at most ${LIMITS.urlLength} characters, this one has ${url.length}`, {
		gid,
		field
	});
}
function acceptOrders(gid, orders, count) {
	const field = "custom_data.orders";
	const isStep = (n) => Number.isInteger(n) && n >= 0 && n < count;
	const waiting = new Map();
	for (const [key, before] of Object.entries(orders)) {
		if (!isStep(Number(key)) || !before.every(isStep)) throw new HoldfastError("invalid", `orders name steps by index, 0 to ${count - 1}; "${key}": [${before.join(", ")}] does not`, {
			gid,
			field
		});
		waiting.set(Number(key), new Set(before));
	}
	let ready = [...Array(count).keys()].filter((step) => (waiting.get(step)?.size ?? 0) === 0);
	let placed = 0;
	while (ready.length > 0) {
		placed += ready.length;
		for (const step of ready) waiting.delete(step);
		const done = new Set(ready);
		ready = [...waiting].flatMap(([step, before]) => {
			for (const earlier of done) before.delete(earlier);
			return before.size === 0 ? [step] : [];
		});
	}
	if (placed < count) throw new HoldfastError("invalid", `orders go in a circle through steps ${[...waiting.keys()].join(", ")}: none of them could ever start`, {
		gid,
		field
	});
}
var NO_BYTES, XA_NAME_BYTES, TOPIC_PREFIX, groupIn;
var init_accept = __esmMin((() => {
	init_src$3();
	init_definition_codec();
	init_rules$1();
	NO_BYTES = new Uint8Array(0);
	XA_NAME_BYTES = 64;
	TOPIC_PREFIX = "topic://";
	groupIn = (url) => url.startsWith("local://") ? url.slice(8).split("/")[0] ?? "" : "";
}));
// packages/core/src/engine/run.ts
function newRun(id, key, phase, group) {
	return {
		id,
		key,
		phase,
		transaction: void 0,
		version: 0,
		writeId: "",
		owned: false,
		foreign: false,
		group,
		queue: [],
		delivering: false,
		passWaiters: [],
		timer: void 0,
		claimed: void 0,
		conflicts: 0
	};
}
var idOf$3, WITHDRAWN, DEFERRED;
var init_run = __esmMin((() => {
	idOf$3 = (key) => `${key.namespace}\0${key.gid}`;
	WITHDRAWN = {
		kind: "UNKNOWN",
		reason: "needless after the decision",
		deferred: true
	};
	DEFERRED = {
		kind: "UNKNOWN",
		reason: "too many calls wait for this destination",
		deferred: true
	};
}));
// packages/core/src/engine/calls.ts
var Calls;
var init_calls$1 = __esmMin((() => {
	init_src$3();
	init_run();
	Calls = class {
		#d;
		constructor(dependencies) {
			this.#d = dependencies;
		}
		branch(transaction, index, permit, done) {
			const branch = transaction.branches[index];
			if (branch === void 0) throw new RangeError(`no branch with index ${index}`);
			if (branch.url === "") return done(SUCCESS$1, 0);
			this.#send(this.#request(transaction, branch.branchId, branch.op, branch.url, branch.payload, branch.requestTimeoutMs), permit, done);
		}
		check(transaction, permit, done) {
			const { pattern, workflowName, workflowData, queryPrepared } = transaction.definition;
			const op = pattern === "workflow" ? workflowName : "msg";
			this.#send(this.#request(transaction, "00", op, queryPrepared, workflowData, 0), permit, done);
		}
		#request(transaction, branchId, op, url, payload, branchTimeoutMs) {
			const { key, definition, options } = transaction;
			return {
				namespace: key.namespace,
				gid: key.gid,
				pattern: definition.pattern,
				branchId,
				op,
				url,
				protocol: definition.protocol,
				payload,
				headers: options.branchHeaders,
				timeoutMs: branchTimeoutMs || options.requestTimeoutMs || this.#d.options.requestTimeoutMs
			};
		}
		#send(request, permit, done) {
			const { caller, destinations, clock, observer } = this.#d;
			const destination = caller.destinationOf(request.url);
			if (!destinations.enter(destination, () => {
				const permitted = permit();
				if (permitted !== "granted") {
					destinations.leave(destination);
					if (permitted === "withdrawn") done(WITHDRAWN, 0);
					return;
				}
				const startedMs = clock.monotonicMs();
				caller.call(request).then((result) => {
					const durationMs = clock.monotonicMs() - startedMs;
					destinations.leave(destination);
					observer.branchAnswered(request.pattern, result.kind, durationMs);
					done(result, Math.round(durationMs));
				});
			})) done(DEFERRED, 0);
		}
	};
}));
// packages/core/src/engine/claimer.ts
var FULL_PAUSE_MS, Claimer;
var init_claimer = __esmMin((() => {
	init_store();
	FULL_PAUSE_MS = 20;
	Claimer = class {
		#d;
		#timer;
		#timerAtMs = Infinity;
		#claiming = false;
		#stopped = true;
		constructor(dependencies) {
			this.#d = dependencies;
		}
		start() {
			this.#stopped = false;
			this.#wakeIn(0);
		}
		stop() {
			this.#stopped = true;
			this.#timer?.cancel();
			this.#timerAtMs = Infinity;
		}
		hint(dueInMs) {
			this.#wakeIn(dueInMs);
		}
		#wakeIn(delayMs) {
			const atMs = this.#d.clock.monotonicMs() + Math.min(delayMs, this.#d.options.pollMs);
			if (this.#stopped || atMs >= this.#timerAtMs) return;
			this.#timer?.cancel();
			this.#timerAtMs = atMs;
			if (this.#claiming) return;
			this.#timer = this.#d.clock.setTimer(atMs - this.#d.clock.monotonicMs(), () => void this.#claim());
		}
		async #claim() {
			this.#timerAtMs = Infinity;
			this.#claiming = true;
			let nextInMs = this.#d.options.pollMs;
			try {
				nextInMs = await this.#claimOnce();
			} catch (error) {
				this.#d.logger.warn({ error: String(error) }, "due work could not be claimed");
			}
			this.#claiming = false;
			const hintedInMs = this.#timerAtMs - this.#d.clock.monotonicMs();
			this.#timerAtMs = Infinity;
			this.#wakeIn(Math.max(0, Math.min(nextInMs, hintedInMs)));
		}
		async #claimOnce() {
			const { session, options } = this.#d;
			const limit = Math.min(options.claimBatch, this.#d.room());
			if (limit <= 0) return FULL_PAUSE_MS;
			if (!session.leaseHeld()) return options.pollMs;
			let nextInMs = options.pollMs;
			await this.#d.adopt(limit, async () => {
				const { claimed, nextDueInMs } = await this.#ask(session.id, limit);
				nextInMs = nextDueInMs ?? options.pollMs;
				return claimed;
			});
			return nextInMs;
		}
		async #ask(owner, limit) {
			const { store, session, options, observer } = this.#d;
			try {
				const result = await store.claimDue({
					session: owner,
					limit,
					groups: options.groups
				});
				if (result.claimed.length > 0) observer.claimed(result.claimed.length);
				return owner !== session.id || session.loseIfLapsed() || !session.leaseHeld() ? {
					claimed: [],
					nextDueInMs: null
				} : result;
			} catch (error) {
				if (error instanceof StoreError && error.code === "outcome_unknown" && owner === session.id) session.lose("nobody knows what its last claim took");
				throw error;
			}
		}
	};
}));
// packages/core/src/engine/committer.ts
function sizeOf(item) {
	if (item.kind === "append") return item.entries.reduce((sum, entry) => sum + entry.body.length, 0);
	return item.state.length + (item.kind === "insert" ? item.definition.length : 0);
}
var FIRST_PAUSE_MS, LONGEST_PAUSE_MS, Committer, UNANSWERED, isUnstorable, answer$1;
var init_committer = __esmMin((() => {
	init_store();
	FIRST_PAUSE_MS = 20;
	LONGEST_PAUSE_MS = 1e3;
	Committer = class {
		#dependencies;
		#queue = [];
		#pumping = false;
		#generation = 0;
		#pauseMs = FIRST_PAUSE_MS;
		constructor(dependencies) {
			this.#dependencies = dependencies;
		}
		get queued() {
			return this.#queue.length;
		}
		enqueue(item, id, persistent, done) {
			this.#queue.push({
				item,
				id,
				persistent,
				done
			});
			if (this.#pumping) return;
			this.#pumping = true;
			this.#pumpLater();
		}
		abandon() {
			this.#generation++;
			const waiting = this.#queue;
			this.#queue = [];
			for (const pending of waiting) pending.done({ kind: "abandoned" });
		}
		#pumpLater() {
			this.#dependencies.clock.endOfTurn(() => void this.#pump());
		}
		async #pump() {
			if (this.#queue.length > 0) await this.#commit(this.#takeBatch(), this.#generation);
			if (this.#queue.length > 0) this.#pumpLater();
			else this.#pumping = false;
		}
		#takeBatch() {
			const { batchItems, batchBytes } = this.#dependencies.bounds;
			const ids = new Set();
			const batch = [];
			const later = [];
			let bytes = 0;
			let taken = 0;
			for (const pending of this.#queue) {
				if (batch.length >= batchItems || bytes >= batchBytes) break;
				taken++;
				if (ids.has(pending.id)) {
					later.push(pending);
					continue;
				}
				ids.add(pending.id);
				batch.push(pending);
				bytes += sizeOf(pending.item);
			}
			this.#queue = taken === this.#queue.length ? later : [...later, ...this.#queue.slice(taken)];
			return batch;
		}
		async #commit(batch, generation) {
			const items = batch.map((pending) => pending.item);
			let doubtful = false;
			for (;;) {
				if (generation !== this.#generation) return answer$1(batch, { kind: "abandoned" });
				const written = await this.#write(items);
				if (!(written instanceof StoreError)) return batch.forEach((pending, i) => pending.done(written[i] ?? UNANSWERED));
				doubtful ||= written.code === "outcome_unknown";
				if (written.code === "outcome_unknown" || doubtful && written.code === "unavailable") await this.#pause(written);
				else if (isUnstorable(written) && batch.length > 1) return this.#bisect(batch, generation);
				else if (doubtful && !isUnstorable(written)) return answer$1(batch, { kind: "abandoned" });
				else return this.#fail(batch, written, generation);
			}
		}
		async #write(items) {
			const { store, clock, observer } = this.#dependencies;
			const startedMs = clock.monotonicMs();
			try {
				const outcomes = await store.write(items);
				observer.batchWritten(items.length, clock.monotonicMs() - startedMs, true);
				this.#pauseMs = FIRST_PAUSE_MS;
				return outcomes;
			} catch (thrown) {
				observer.batchWritten(items.length, clock.monotonicMs() - startedMs, false);
				return thrown instanceof StoreError ? thrown : new StoreError("unavailable", String(thrown), thrown);
			}
		}
		async #bisect(batch, generation) {
			const half = batch.length >> 1;
			await this.#commit(batch.slice(0, half), generation);
			await this.#commit(batch.slice(half), generation);
		}
		async #fail(batch, error, generation) {
			const again = isUnstorable(error) ? [] : batch.filter((pending) => pending.persistent);
			answer$1(again.length === 0 ? batch : batch.filter((pending) => !pending.persistent), {
				kind: "failed",
				error
			});
			if (again.length === 0) return;
			await this.#pause(error);
			if (generation !== this.#generation) return answer$1(again, { kind: "abandoned" });
			this.#queue = [...again, ...this.#queue];
		}
		async #pause(error) {
			const pauseMs = this.#pauseMs;
			this.#pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
			this.#dependencies.logger.warn({
				code: error.code,
				error: error.message,
				pauseMs
			}, "the store did not take a batch; trying again");
			await new Promise((resolve) => this.#dependencies.clock.setTimer(pauseMs, resolve));
		}
	};
	UNANSWERED = {
		kind: "failed",
		error: new StoreError("invalid", "the store left an item unanswered")
	};
	isUnstorable = ({ code }) => code === "rejected" || code === "invalid";
	answer$1 = (batch, result) => batch.forEach((pending) => pending.done(result));
}));
// packages/core/src/slot-map.ts
var SlotMap;
var init_slot_map = __esmMin((() => {
	SlotMap = class {
		#places = new Map();
		#values = [];
		#free = [];
		get size() {
			return this.#places.size;
		}
		has(key) {
			return this.#places.has(key);
		}
		get(key) {
			const place = this.#places.get(key);
			return place === void 0 ? void 0 : this.#values[place];
		}
		set(key, value) {
			let place = this.#places.get(key);
			if (place === void 0) this.#places.set(key, place = this.#free.pop() ?? this.#values.length);
			this.#values[place] = value;
		}
		delete(key) {
			const place = this.#places.get(key);
			if (place === void 0) return;
			this.#places.delete(key);
			this.#values[place] = void 0;
			this.#free.push(place);
		}
		values() {
			return this.#values.filter((value) => value !== void 0);
		}
	};
}));
// packages/core/src/engine/destinations.ts
var Destinations;
var init_destinations = __esmMin((() => {
	init_slot_map();
	Destinations = class {
		#byName = new SlotMap();
		#maxRunning;
		#maxWaiting;
		#running = 0;
		constructor(maxRunning, maxWaiting) {
			this.#maxRunning = maxRunning;
			this.#maxWaiting = maxWaiting;
		}
		get running() {
			return this.#running;
		}
		enter(name, start) {
			let destination = this.#byName.get(name);
			if (destination === void 0) this.#byName.set(name, destination = {
				running: 0,
				waiting: [],
				head: 0
			});
			if (destination.running >= this.#maxRunning) {
				if (destination.waiting.length - destination.head >= this.#maxWaiting) return false;
				destination.waiting.push(start);
				return true;
			}
			destination.running++;
			this.#running++;
			start();
			return true;
		}
		leave(name) {
			const destination = this.#byName.get(name);
			if (destination === void 0) return;
			const next = destination.waiting[destination.head];
			if (next === void 0) {
				this.#running--;
				if (--destination.running === 0) this.#byName.delete(name);
				return;
			}
			destination.head++;
			if (destination.head > 64 && destination.head * 2 > destination.waiting.length) {
				destination.waiting.splice(0, destination.head);
				destination.head = 0;
			}
			next();
		}
	};
}));
// packages/core/src/patterns/rules.ts
var waitUntil, refuse;
var init_rules = __esmMin((() => {
	waitUntil = (transaction, wakeAtMs) => ({
		transaction,
		calls: [],
		check: false,
		wakeAtMs
	});
	refuse = (status, verb) => ({ refusal: `current status '${status}', cannot ${verb}` });
}));
// packages/core/src/patterns/timeline.ts
function withLine(state, line) {
	return {
		...state,
		timeline: appended$1(state.timeline, line),
		timelineOmitted: omitted(state)
	};
}
function withStatus(state, status, atMs, reason = "") {
	const next = copyState(state);
	next.status = status;
	next.timeline = appended$1(state.timeline, {
		kind: "status",
		atMs,
		status,
		reason
	});
	next.timelineOmitted = omitted(state);
	return next;
}
function withSubmission(state, atMs) {
	const next = copyState(state);
	next.submittedAtMs = atMs;
	return withStatus(next, "submitted", atMs);
}
function withEnd(state, status, atMs, reason = "") {
	const next = copyState(state);
	next.finishedAtMs = atMs;
	return withStatus(next, status, atMs, reason);
}
function appended$1(timeline, line) {
	if (timeline.length < LIMITS.timelineEntries) return [...timeline, line];
	return [
		...timeline.slice(0, KEEP_FIRST),
		...timeline.slice(KEEP_FIRST + 1),
		line
	];
}
var KEEP_FIRST, omitted;
var init_timeline = __esmMin((() => {
	init_src$3();
	init_copies();
	KEEP_FIRST = LIMITS.timelineEntries / 2;
	omitted = ({ timeline, timelineOmitted }) => timeline.length < LIMITS.timelineEntries ? timelineOmitted : timelineOmitted + 1;
}));
// packages/core/src/patterns/calls.ts
function startReady(transaction, candidates, nowMs) {
	const calls = [];
	let wakeAtMs = null;
	let branches;
	for (const index of candidates) {
		if (transaction.running.includes(index)) continue;
		const branch = branchState(transaction.state, index);
		if (branch.nextAttemptAtMs > nowMs) {
			wakeAtMs = wakeAtMs === null ? branch.nextAttemptAtMs : Math.min(wakeAtMs, branch.nextAttemptAtMs);
			continue;
		}
		calls.push(index);
		if (!branch.started) {
			branches ??= transaction.state.branches.slice();
			branches[index] = {
				...branch,
				started: true
			};
		}
	}
	if (calls.length === 0) return waitUntil(transaction, wakeAtMs);
	const next = copyTransaction(transaction);
	next.running = [...transaction.running, ...calls];
	if (branches !== void 0) {
		const state = copyState(transaction.state);
		state.branches = branches;
		next.state = state;
	}
	return {
		transaction: next,
		calls,
		check: false,
		wakeAtMs
	};
}
function recordAnswer(transaction, event, moment, policy) {
	const { branch: index, result } = event;
	const { state } = transaction;
	const after = answered(transaction, branchState(state, index), result, moment, policy);
	const branches = state.branches.slice();
	branches[index] = after;
	const running = transaction.running.filter((i) => i !== index);
	const lastResult = result.kind === "SUCCESS" ? transaction.lastResult : result;
	if (result.deferred === true) return {
		...transaction,
		running,
		lastResult,
		state: {
			...state,
			branches
		}
	};
	const { branchId, op } = branchAt(transaction, index);
	const timeline = appended$1(state.timeline, {
		kind: "call",
		atMs: moment.nowMs,
		durationMs: event.durationMs,
		branchId,
		op,
		result: result.kind,
		reason: result.reason,
		attempt: after.attempts,
		retryAtMs: after.nextAttemptAtMs
	});
	const told = copyState(state);
	told.branches = branches;
	told.timeline = timeline;
	told.timelineOmitted = omitted(state);
	const next = copyTransaction(transaction);
	next.running = running;
	next.lastResult = lastResult;
	next.state = counted$1(told, after, result, moment, policy);
	return next;
}
function counted$1(state, after, result, moment, policy) {
	if (after.status !== "prepared") return withProgress(state);
	return policy.again === "never" ? state : withRetries(state, result, moment, result.kind === "FAILURE");
}
function branchAt(transaction, index) {
	const branch = transaction.branches[index];
	if (branch === void 0) throw new RangeError(`no branch with index ${index}`);
	return branch;
}
function answered(transaction, before, result, moment, policy) {
	const { nowMs } = moment;
	if (result.deferred === true) return {
		...before,
		nextAttemptAtMs: policy.again === "never" ? 0 : nowMs + DEFERRED_MS
	};
	const attempts = before.attempts + 1;
	if (result.kind === "SUCCESS") return {
		status: "succeed",
		started: true,
		attempts,
		failures: 0,
		nextAttemptAtMs: 0,
		finishedAtMs: nowMs
	};
	if (result.kind === "FAILURE" && policy.mayFail) return {
		status: "failed",
		started: true,
		attempts,
		failures: before.failures,
		nextAttemptAtMs: 0,
		finishedAtMs: nowMs
	};
	const failures = result.kind === "ONGOING" ? 0 : before.failures + 1;
	const intervalMs = result.kind === "ONGOING" ? plainIntervalMs(transaction.options, moment.policy) : backOffMs(transaction.options, failures, moment);
	return {
		status: "prepared",
		started: true,
		attempts,
		failures,
		nextAttemptAtMs: policy.again === "later" ? nowMs + intervalMs : policy.again === "at once" ? nowMs : 0,
		finishedAtMs: 0
	};
}
function withRetries(state, result, moment, urgent) {
	if (result.kind === "ONGOING") return state;
	if (result.kind === "SUCCESS") return withProgress(state);
	const retries = state.retries + 1;
	if (state.attention || !urgent && retries < moment.policy.alertAfterRetries) return {
		...state,
		retries
	};
	const detail = urgent ? "answered FAILURE where only success can end it" : `no progress after ${retries} attempts`;
	return withLine({
		...state,
		retries,
		attention: true
	}, {
		kind: "alert",
		atMs: moment.nowMs,
		detail: `needs a person: ${detail}`
	});
}
function madeDue$1(transaction, nowMs) {
	const branches = transaction.state.branches.map((b) => b.nextAttemptAtMs === 0 ? b : {
		...b,
		nextAttemptAtMs: 0
	});
	return {
		...transaction,
		state: {
			...transaction.state,
			branches,
			nextCheckAtMs: nowMs
		}
	};
}
var DEFERRED_MS, withProgress;
var init_calls = __esmMin((() => {
	init_copies();
	init_rules();
	init_retry();
	init_state();
	init_timeline();
	DEFERRED_MS = 1e3;
	withProgress = (state) => state.retries === 0 && !state.attention ? state : {
		...state,
		retries: 0,
		attention: false
	};
}));
// packages/core/src/patterns/check.ts
function askWhenDue(transaction, dueAtMs, moment) {
	if (transaction.checking) return waitUntil(transaction, null);
	if (moment.nowMs < dueAtMs) return waitUntil(transaction, dueAtMs);
	if (transaction.definition.queryPrepared === "") return waitUntil({
		...transaction,
		state: parked(transaction.state, "it has no query_prepared URL to ask the client at", moment)
	}, null);
	return {
		transaction: {
			...transaction,
			checking: true
		},
		calls: [],
		check: true,
		wakeAtMs: null
	};
}
function parked(state, reason, moment) {
	return withLine({
		...state,
		parked: reason,
		attention: true
	}, {
		kind: "parked",
		atMs: moment.nowMs,
		detail: reason
	});
}
function recordCheck(transaction, event, op, nextCheckAtMs, moment) {
	const { result } = event;
	const { state } = transaction;
	if (result.deferred === true) {
		const waiting = {
			...state,
			nextCheckAtMs: moment.nowMs + DEFERRED_MS
		};
		return {
			...transaction,
			checking: false,
			state: waiting,
			lastResult: result
		};
	}
	const before = state.timeline.findLast((line) => line.kind === "call" && line.branchId === "00");
	const checkFailures = result.kind === "UNKNOWN" ? state.checkFailures + 1 : 0;
	const told = withLine({
		...state,
		checkFailures,
		nextCheckAtMs
	}, {
		kind: "call",
		atMs: moment.nowMs,
		durationMs: event.durationMs,
		branchId: "00",
		op,
		result: result.kind,
		reason: result.reason,
		attempt: before?.kind === "call" ? before.attempt + 1 : 1,
		retryAtMs: nextCheckAtMs
	});
	return {
		...transaction,
		checking: false,
		state: result.kind === "FAILURE" ? told : withRetries(told, result, moment, false),
		lastResult: result.kind === "SUCCESS" ? transaction.lastResult : result
	};
}
var init_check = __esmMin((() => {
	init_src$3();
	init_calls();
	init_rules();
	init_timeline();
}));
// packages/core/src/patterns/conclude.ts
function conclude(before, plan) {
	const ended = isFinal(plan.transaction.state.status);
	const transaction = ended ? settled$1(plan.transaction) : plan.transaction;
	const over = ended || transaction.running.length === 0 && !transaction.checking;
	return {
		transaction,
		effects: {
			calls: plan.calls,
			check: plan.check,
			persist: persistence(before, transaction, over),
			wakeAtMs: plan.wakeAtMs,
			passOver: over,
			alert: alertOf(before, transaction)
		}
	};
}
function persistence(before, after, over) {
	if (isFinal(before.state.status)) return "none";
	if (before.state === after.state) return "none";
	return over || decided(before, after) ? "wait" : "lazily";
}
function settled$1(transaction) {
	const { state } = transaction;
	return state.attention || state.parked !== "" ? {
		...transaction,
		state: {
			...state,
			attention: false,
			parked: ""
		}
	} : transaction;
}
function alertOf(before, after) {
	if (before.state.attention || !after.state.attention) return void 0;
	const call = after.state.timeline.findLast((line) => line.kind === "call");
	return {
		branch: call === void 0 ? "" : `${call.branchId} ${call.op}`,
		error: after.state.parked === "" ? call?.reason ?? "" : after.state.parked,
		retryCount: after.state.retries
	};
}
var decided;
var init_conclude = __esmMin((() => {
	init_src$3();
	decided = (before, after) => before.state.status !== after.state.status || before.state.parked !== after.state.parked;
}));
// packages/core/src/patterns/msg.ts
function deliver(transaction, moment) {
	const { state } = transaction;
	if (moment.nowMs < state.notBeforeMs) return waitUntil(transaction, state.notBeforeMs);
	const left = state.branches.flatMap((_, i) => branchState(state, i).status === "succeed" ? [] : [i]);
	if (left.length > 0) return startReady(transaction, transaction.options.concurrent ? left : left.slice(0, 1), moment.nowMs);
	return waitUntil(withState(transaction, withEnd(state, "succeed", moment.nowMs)), null);
}
function submitted(transaction, moment) {
	const { delayMs } = transaction.options;
	const state = {
		...transaction.state,
		parked: "",
		attention: false,
		submittedAtMs: moment.nowMs,
		notBeforeMs: delayMs > 0 ? moment.nowMs + delayMs : 0
	};
	return {
		...transaction,
		state: withStatus(state, "submitted", moment.nowMs)
	};
}
function failed$1(transaction, reason, moment) {
	const state = {
		...transaction.state,
		rollbackReason: reason,
		finishedAtMs: moment.nowMs,
		rollbackAtMs: moment.nowMs
	};
	return {
		...transaction,
		state: withStatus(state, "failed", moment.nowMs, reason)
	};
}
function nextCheckAtMs(transaction, result, moment) {
	if (result.kind === "UNKNOWN") return moment.nowMs + backOffMs(transaction.options, transaction.state.checkFailures + 1, moment);
	return result.kind === "ONGOING" ? moment.nowMs + plainIntervalMs(transaction.options, moment.policy) : 0;
}
var msg;
var init_msg = __esmMin((() => {
	init_calls();
	init_check();
	init_retry();
	init_copies();
	init_rules();
	init_state();
	init_timeline();
	msg = {
		submit(transaction, event, moment) {
			const { state } = transaction;
			if (state.status === "submitted") return madeDue$1(transaction, moment.nowMs);
			if (state.status !== "prepared") return refuse(state.status, "submit");
			return submitted({
				...transaction,
				options: {
					...transaction.options,
					...event.options
				}
			}, moment);
		},
		abort(transaction, event, moment) {
			const { state } = transaction;
			if (state.status !== "prepared") return refuse(state.status, "abort");
			return failed$1(transaction, event.reason, moment);
		},
		end: (transaction) => refuse(transaction.state.status, "end a message as a workflow"),
		answered: (transaction, event, moment) => recordAnswer(transaction, event, moment, {
			mayFail: false,
			again: "later"
		}),
		checked(transaction, event, moment) {
			if (transaction.state.status !== "prepared") return {
				...transaction,
				checking: false
			};
			const after = recordCheck(transaction, event, "msg", nextCheckAtMs(transaction, event.result, moment), moment);
			if (event.result.kind === "SUCCESS") return submitted(after, moment);
			if (event.result.kind === "FAILURE") return failed$1(after, event.result.reason, moment);
			return after;
		},
		advance(transaction, moment) {
			const { state } = transaction;
			if (state.status === "prepared") {
				const timeoutMs = transaction.options.timeoutToFailMs || moment.policy.timeoutToFailMs;
				return askWhenDue(transaction, state.nextCheckAtMs || transaction.createdAtMs + timeoutMs, moment);
			}
			return state.status === "submitted" ? deliver(transaction, moment) : waitUntil(transaction, null);
		}
	};
}));
// packages/core/src/patterns/saga.ts
function forward(transaction, moment) {
	const { state } = transaction;
	const unfinished = stepIndices(transaction).filter((step) => !done(state, actionOf(step)));
	if (unfinished.length === 0) return waitUntil(withState(transaction, withEnd(state, "succeed", moment.nowMs)), null);
	const timeoutMs = transaction.options.timeoutToFailMs;
	const deadlineMs = timeoutMs > 0 ? transaction.createdAtMs + timeoutMs : Infinity;
	if (moment.nowMs >= deadlineMs) return backward(toAborting$1(transaction, `Timeout after ${timeoutMs / 1e3} seconds`, moment), moment);
	const plan = startReady(transaction, (transaction.options.concurrent ? unfinished.filter((step) => before(transaction, step).every((earlier) => done(state, actionOf(earlier)))) : unfinished.slice(0, 1)).map(actionOf), moment.nowMs);
	return deadlineMs === Infinity ? plan : {
		...plan,
		wakeAtMs: Math.min(plan.wakeAtMs ?? Infinity, deadlineMs)
	};
}
function backward(transaction, moment) {
	const { state } = transaction;
	const left = state.compensate.filter((step) => !done(state, compensateOf(step)));
	if (left.length === 0) return waitUntil(withState(transaction, withEnd(state, "failed", moment.nowMs)), null);
	return startReady(transaction, (transaction.options.concurrent ? left.filter((step) => !left.some((later) => before(transaction, later).includes(step))) : left.slice(-1)).filter((step) => !transaction.running.includes(actionOf(step))).map(compensateOf), moment.nowMs);
}
function toAborting$1(transaction, reason, moment) {
	const { state } = transaction;
	const steps = stepIndices(transaction);
	const compensate = state.unbroken ? steps.filter((step) => branchState(state, actionOf(step)).started) : steps;
	const decided = {
		...state,
		rollbackReason: reason,
		compensate,
		rollbackAtMs: moment.nowMs,
		retries: 0,
		attention: state.parked !== ""
	};
	return {
		...transaction,
		state: withStatus(decided, "aborting", moment.nowMs, reason)
	};
}
var saga, stepIndices, before, done;
var init_saga = __esmMin((() => {
	init_branches();
	init_calls();
	init_copies();
	init_rules();
	init_state();
	init_timeline();
	saga = {
		submit(transaction, event, moment) {
			const { state } = transaction;
			if (state.status === "submitted") return madeDue$1(transaction, moment.nowMs);
			if (state.status !== "prepared") return refuse(state.status, "submit");
			const next = copyTransaction(transaction);
			next.options = {
				...transaction.options,
				...event.options
			};
			next.state = withSubmission(state, moment.nowMs);
			return next;
		},
		abort(transaction, event, moment) {
			const { state } = transaction;
			if (!event.byOperator) return refuse(state.status, "abort a saga");
			if (state.status === "aborting") return madeDue$1(transaction, moment.nowMs);
			if (state.status !== "submitted" && state.status !== "prepared") return refuse(state.status, "abort");
			return toAborting$1(transaction, event.reason, moment);
		},
		end: (transaction) => refuse(transaction.state.status, "end a saga as a workflow"),
		answered(transaction, event, moment) {
			if (!(event.branch === actionOf(stepOf$1(event.branch)))) return recordAnswer(transaction, event, moment, {
				mayFail: false,
				again: "later"
			});
			if (transaction.state.status !== "submitted") return recordAnswer(transaction, event, moment, {
				mayFail: true,
				again: "never"
			});
			const { kind, reason, deferred } = event.result;
			const limit = transaction.options.retryLimit;
			const counts = limit > 0 && (kind === "ONGOING" || kind === "UNKNOWN") && deferred !== true;
			const exhausted = counts && transaction.state.limitedRetries >= limit;
			const after = recordAnswer(transaction, event, moment, {
				mayFail: true,
				again: exhausted ? "never" : counts ? "at once" : "later"
			});
			if (kind === "FAILURE") return toAborting$1(after, reason, moment);
			if (exhausted) return toAborting$1(after, `RetryCount is greater than RetryLimit, RetryLimit: ${limit}`, moment);
			return counts ? {
				...after,
				state: {
					...after.state,
					limitedRetries: after.state.limitedRetries + 1
				}
			} : after;
		},
		checked: (transaction) => transaction,
		advance(transaction, moment) {
			switch (transaction.state.status) {
				case "submitted": return forward(transaction, moment);
				case "aborting": return backward(transaction, moment);
				default: return waitUntil(transaction, null);
			}
		}
	};
	stepIndices = (transaction) => transaction.definition.steps.map((_, i) => i);
	before = (transaction, step) => transaction.definition.orders[step] ?? [];
	done = (state, index) => branchState(state, index).status === "succeed";
}));
// packages/core/src/patterns/two-phase.ts
function twoPhase(phase) {
	return {
		submit(transaction, event, moment) {
			const { state } = transaction;
			if (state.status === "submitted") return madeDue$1(transaction, moment.nowMs);
			if (state.status !== "prepared") return refuse(state.status, "submit");
			return {
				...transaction,
				options: {
					...transaction.options,
					...event.options
				},
				state: withStatus({
					...state,
					submittedAtMs: moment.nowMs
				}, "submitted", moment.nowMs)
			};
		},
		abort(transaction, event, moment) {
			const { status } = transaction.state;
			if (status === "aborting") return madeDue$1(transaction, moment.nowMs);
			if (status !== "prepared") return refuse(status, "abort");
			return toAborting(transaction, event.reason, moment);
		},
		end: (transaction) => refuse(transaction.state.status, `end a ${transaction.definition.pattern} as a workflow`),
		answered: (transaction, event, moment) => recordAnswer(transaction, event, moment, {
			mayFail: false,
			again: "later"
		}),
		checked: (transaction) => transaction,
		advance(transaction, moment) {
			switch (transaction.state.status) {
				case "prepared": {
					const timeoutMs = transaction.options.timeoutToFailMs || moment.policy.timeoutToFailMs;
					const deadlineMs = transaction.createdAtMs + timeoutMs;
					if (moment.nowMs < deadlineMs) return waitUntil(transaction, deadlineMs);
					return drive(toAborting(transaction, `Timeout after ${timeoutMs / 1e3} seconds`, moment), phase, moment);
				}
				case "submitted":
				case "aborting": return drive(transaction, phase, moment);
				default: return waitUntil(transaction, null);
			}
		}
	};
}
function drive(transaction, phase, moment) {
	const { state } = transaction;
	const [op, final] = state.status === "submitted" ? [phase.onSubmit, "succeed"] : [phase.onAbort, "failed"];
	const left = transaction.branches.flatMap((branch, i) => branch.op === op && branchState(state, i).status !== "succeed" ? [i] : []);
	const next = phase.newestFirst ? left.at(-1) : left[0];
	if (next !== void 0) return startReady(transaction, [next], moment.nowMs);
	return waitUntil(withState(transaction, withEnd(state, final, moment.nowMs)), null);
}
function toAborting(transaction, reason, moment) {
	const state = {
		...transaction.state,
		rollbackReason: reason,
		rollbackAtMs: moment.nowMs
	};
	return {
		...transaction,
		state: withStatus(state, "aborting", moment.nowMs, reason)
	};
}
var init_two_phase = __esmMin((() => {
	init_calls();
	init_copies();
	init_rules();
	init_state();
	init_timeline();
}));
// packages/core/src/patterns/tcc.ts
var tcc;
var init_tcc = __esmMin((() => {
	init_two_phase();
	tcc = twoPhase({
		onSubmit: "confirm",
		onAbort: "cancel",
		newestFirst: true
	});
}));
// packages/core/src/patterns/workflow.ts
var workflow, isCommitting;
var init_workflow = __esmMin((() => {
	init_src$3();
	init_check();
	init_retry();
	init_rules();
	init_timeline();
	workflow = {
		submit: (transaction) => refuse(transaction.state.status, "submit a workflow without its outcome"),
		abort(transaction, event, moment) {
			const { status } = transaction.state;
			if (status !== "aborting" && status !== "prepared") return refuse(status, "abort");
			if (isCommitting(transaction)) return refuse(status, "abort what has begun to commit");
			const nextCheckAtMs = event.byOperator ? moment.nowMs : moment.nowMs + plainIntervalMs(transaction.options, moment.policy);
			const state = {
				...transaction.state,
				nextCheckAtMs
			};
			if (status === "aborting") return {
				...transaction,
				state
			};
			const aborting = {
				...state,
				rollbackReason: event.reason,
				rollbackAtMs: moment.nowMs
			};
			return {
				...transaction,
				state: withStatus(aborting, "aborting", moment.nowMs, event.reason)
			};
		},
		end(transaction, event, moment) {
			const { state } = transaction;
			if (state.status === event.status) return transaction;
			if (state.status !== "prepared" && !(state.status === "aborting" && event.status === "failed")) return refuse(state.status, "submit");
			if (event.status === "failed" && isCommitting(transaction)) return refuse(state.status, "end as failed what has begun to commit");
			const ended = {
				...state,
				result: event.result,
				rollbackReason: event.rollbackReason,
				finishedAtMs: moment.nowMs
			};
			return {
				...transaction,
				state: withStatus(ended, event.status, moment.nowMs, event.rollbackReason)
			};
		},
		park(transaction, event, moment) {
			const { state } = transaction;
			if (isFinal(state.status)) return refuse(state.status, "park");
			return state.parked === event.reason ? transaction : {
				...transaction,
				state: parked(state, event.reason, moment)
			};
		},
		answered: (transaction) => transaction,
		checked(transaction, event, moment) {
			return recordCheck(transaction, event, transaction.definition.workflowName, moment.nowMs + moment.policy.retryIntervalMs, moment);
		},
		advance(transaction, moment) {
			const { status, nextCheckAtMs } = transaction.state;
			if (status !== "prepared" && status !== "aborting") return waitUntil(transaction, null);
			return askWhenDue(transaction, nextCheckAtMs || transaction.createdAtMs + plainIntervalMs(transaction.options, moment.policy), moment);
		}
	};
	isCommitting = ({ state, registered }) => state.status === "prepared" && registered.some(({ op, status }) => op === "commit" && status === "succeed");
}));
// packages/core/src/patterns/xa.ts
var xa;
var init_xa = __esmMin((() => {
	init_two_phase();
	xa = twoPhase({
		onSubmit: "commit",
		onAbort: "rollback",
		newestFirst: false
	});
}));
// packages/core/src/patterns/index.ts
function step(transaction, event, moment) {
	const rules = RULES[transaction.definition.pattern];
	const next = transition(rules, transaction, event, moment);
	if ("refusal" in next) return next;
	if (event.kind === "prepared" && event.again) return conclude(transaction, waitUntil(next, null));
	const plan = advance(rules, next, moment);
	return conclude(transaction, event.kind === "resumed" && startsNothing(plan) ? advance(rules, madeDue$1(plan.transaction, moment.nowMs), moment) : plan);
}
function transition(rules, transaction, event, moment) {
	const { state } = transaction;
	switch (event.kind) {
		case "prepared":
			if (event.again) return state.status === "prepared" ? transaction : refuse(state.status, "prepare");
			return {
				...transaction,
				state: withLine(state, {
					kind: "status",
					atMs: moment.nowMs,
					status: "prepared",
					reason: ""
				})
			};
		case "submitted": return rules.submit(transaction, event, moment);
		case "abort": return rules.abort(transaction, event, moment);
		case "ended": return rules.end(transaction, event, moment);
		case "answered": return isFinal(state.status) ? transaction : rules.answered(transaction, event, moment);
		case "checked": return isFinal(state.status) ? {
			...transaction,
			checking: false
		} : rules.checked(transaction, event, moment);
		case "timer": return transaction;
		case "resumed": {
			const taken = {
				...transaction,
				state: resumed$1(transaction, event.claims, moment)
			};
			return event.abort === void 0 ? taken : rules.abort(taken, {
				kind: "abort",
				reason: event.abort,
				byOperator: true
			}, moment);
		}
		case "retry":
			if (isFinal(state.status)) return refuse(state.status, "retry");
			return madeDue$1({
				...transaction,
				state: ordered$1({
					...state,
					parked: ""
				}, "retry now", moment)
			}, moment.nowMs);
		case "park": return rules.park?.(transaction, event, moment) ?? refuse(state.status, "park what no code of its own runs");
		case "stop":
			if (isFinal(state.status)) return refuse(state.status, "stop");
			return {
				...transaction,
				state: stopped(state, moment)
			};
	}
}
function resumed$1(transaction, claims, moment) {
	if (claims < 2) return transaction.state;
	const state = {
		...transaction.state,
		unbroken: false
	};
	if (claims > moment.policy.maxClaims && !callsNobody(transaction)) return parked(state, `${claims - 1} nodes in a row took it and vanished`, moment);
	return withLine(state, {
		kind: "resumed",
		atMs: moment.nowMs,
		detail: "taken up again: its node crashed or went silent"
	});
}
function stopped(state, moment) {
	const reason = "stopped by an operator";
	const ended = {
		...state,
		finishedAtMs: moment.nowMs,
		rollbackReason: state.rollbackReason || reason
	};
	return withStatus(ordered$1(ended, "stop", moment), "failed", moment.nowMs, reason);
}
function advance(rules, transaction, moment) {
	const { state } = transaction;
	return isFinal(state.status) || state.parked !== "" ? waitUntil(transaction, null) : rules.advance(transaction, moment);
}
var RULES, callsNobody, ordered$1, startsNothing;
var init_patterns = __esmMin((() => {
	init_src$3();
	init_calls();
	init_check();
	init_conclude();
	init_msg();
	init_rules();
	init_saga();
	init_tcc();
	init_timeline();
	init_workflow();
	init_xa();
	RULES = {
		saga,
		tcc,
		xa,
		msg,
		workflow
	};
	callsNobody = ({ definition, state }) => state.status === "prepared" && (definition.pattern === "tcc" || definition.pattern === "xa");
	ordered$1 = (state, order, moment) => withLine(state, {
		kind: "order",
		atMs: moment.nowMs,
		detail: order
	});
	startsNothing = (plan) => plan.calls.length === 0 && !plan.check && !isFinal(plan.transaction.state.status) && plan.transaction.state.parked === "";
}));
// packages/core/src/patterns/step.ts
var isRefusal;
var init_step = __esmMin((() => {
	isRefusal = (answer) => "refusal" in answer;
}));
// packages/core/src/engine/effects.ts
var LONGEST_TIMER_MS$1, EffectRunner;
var init_effects = __esmMin((() => {
	LONGEST_TIMER_MS$1 = 2 ** 31 - 1;
	EffectRunner = class {
		#d;
		constructor(dependencies) {
			this.#d = dependencies;
		}
		carryOut(run, transaction, effects, reply) {
			this.#answer(run, transaction, effects, reply);
			if (!run.owned) return;
			run.timer?.cancel();
			run.timer = effects.wakeAtMs === null ? void 0 : this.#wake(run, effects.wakeAtMs);
			const { status } = transaction.state;
			const mayCall = () => this.#mayCall(run) ? "granted" : "void";
			const mayCallStill = () => run.transaction?.state.status === status ? mayCall() : "withdrawn";
			for (const branch of effects.calls) this.#d.calls.branch(transaction, branch, mayCallStill, (result, durationMs) => this.#deliver(run, {
				kind: "answered",
				branch,
				result,
				durationMs
			}));
			if (effects.check) this.#d.calls.check(transaction, mayCall, (result, durationMs) => this.#deliver(run, {
				kind: "checked",
				result,
				durationMs
			}));
		}
		answerEarly(run) {
			const { passWaiters, transaction } = run;
			run.passWaiters = [];
			if (transaction !== void 0) for (const reply of passWaiters) reply.done(transaction);
		}
		#deliver(run, event) {
			if (run.phase !== "gone") this.#d.deliver(run, event);
		}
		#mayCall(run) {
			const { session } = this.#d;
			return run.phase !== "gone" && !session.loseIfLapsed() && session.leaseHeld();
		}
		#wake(run, atMs) {
			const delayMs = Math.max(0, atMs - this.#d.session.nowMs());
			return this.#d.clock.setTimer(Math.min(LONGEST_TIMER_MS$1, delayMs), () => {
				run.timer = void 0;
				this.#deliver(run, { kind: "timer" });
			});
		}
		#answer(run, transaction, effects, reply) {
			if (reply?.wholePass === true) run.passWaiters.push(reply);
			else reply?.done(transaction);
			if (effects.passOver) this.answerEarly(run);
			if (effects.alert !== void 0) this.#alert(run, transaction, effects.alert);
		}
		#alert({ key }, transaction, alert) {
			const { observer, logger } = this.#d;
			observer.alerted();
			logger.warn({
				gid: key.gid,
				...alert
			}, "a transaction needs a person");
			this.#d.alert({
				namespace: key.namespace,
				gid: key.gid,
				status: transaction.state.status,
				...alert
			});
		}
	};
}));
// packages/core/src/engine/errors.ts
var unknownGid, refused, contradicts, unavailable$1;
var init_errors$1 = __esmMin((() => {
	init_src$3();
	unknownGid = (gid) => new HoldfastError("not_found", `there is no transaction with gid ${gid}`, { gid });
	refused = ({ gid }, message, transaction) => new HoldfastError("refused", message, {
		gid,
		status: transaction.state.status
	});
	contradicts = ({ gid }, transaction, asked) => new HoldfastError("refused", `${gid} is a ${transaction.definition.pattern}, not a ${asked}`, {
		gid,
		field: "trans_type",
		status: transaction.state.status
	});
	unavailable$1 = ({ gid }, why) => new HoldfastError("unavailable", `${gid}: ${why}; send it again with the same gid`, { gid });
}));
// packages/core/src/codec/state-codec.ts
function encodeState(state) {
	const base = state.timeline[0]?.atMs ?? 0;
	const relativeBranch = (branch) => branchText(branch, base);
	const relativeLine = (line) => lineText(line, base);
	let head = `{"status":"${state.status}","base":${base}`;
	if (state.rollbackReason !== "") head += `,"rollbackReason":${quoted(state.rollbackReason)}`;
	if (state.result !== "") head += `,"result":${quoted(state.result)}`;
	if (!state.unbroken) head += ",\"unbroken\":false";
	if (state.compensate.length > 0) head += `,"compensate":[${state.compensate.join()}]`;
	if (state.retries !== 0) head += `,"retries":${state.retries}`;
	if (state.limitedRetries !== 0) head += `,"limitedRetries":${state.limitedRetries}`;
	if (state.checkFailures !== 0) head += `,"checkFailures":${state.checkFailures}`;
	if (state.attention) head += ",\"attention\":true";
	if (state.parked !== "") head += `,"parked":${quoted(state.parked)}`;
	if (state.timelineOmitted !== 0) head += `,"timelineOmitted":${state.timelineOmitted}`;
	if (state.notBeforeMs !== 0) head += `,"notBeforeMs":${relative(state.notBeforeMs, base)}`;
	if (state.nextCheckAtMs !== 0) head += `,"nextCheckAtMs":${relative(state.nextCheckAtMs, base)}`;
	if (state.submittedAtMs !== 0) head += `,"submittedAtMs":${relative(state.submittedAtMs, base)}`;
	if (state.rollbackAtMs !== 0) head += `,"rollbackAtMs":${relative(state.rollbackAtMs, base)}`;
	if (state.finishedAtMs !== 0) head += `,"finishedAtMs":${relative(state.finishedAtMs, base)}`;
	head += `,"branches":${arrayOf(state.branches, relativeBranch)},"timeline":${arrayOf(state.timeline, relativeLine)}}`;
	return encodeFrame(FORMAT, head, []);
}
function read$2(frame) {
	const head = frame.head;
	const { base } = head;
	return {
		status: oneOf(STATUSES, head.status, WHAT),
		rollbackReason: head.rollbackReason ?? "",
		result: head.result ?? "",
		branches: head.branches.map((tuple) => decodeBranch(tuple, base)),
		unbroken: head.unbroken ?? true,
		compensate: head.compensate === void 0 ? NO_STEPS : listOf(head.compensate, WHAT),
		retries: head.retries ?? 0,
		limitedRetries: head.limitedRetries ?? 0,
		notBeforeMs: absolute(head.notBeforeMs ?? 0, base),
		nextCheckAtMs: absolute(head.nextCheckAtMs ?? 0, base),
		checkFailures: head.checkFailures ?? 0,
		attention: head.attention ?? false,
		parked: head.parked ?? "",
		submittedAtMs: absolute(head.submittedAtMs ?? 0, base),
		rollbackAtMs: absolute(head.rollbackAtMs ?? 0, base),
		finishedAtMs: absolute(head.finishedAtMs ?? 0, base),
		timeline: head.timeline.map((tuple) => decodeLine(tuple, base)),
		timelineOmitted: head.timelineOmitted ?? 0
	};
}
function relative(atMs, base) {
	if (atMs === 0) return 0;
	return atMs > base ? atMs - base : atMs - base - 1;
}
function absolute(at, base) {
	if (at === 0) return 0;
	return at > 0 ? at + base : at + base + 1;
}
function branchText(branch, base) {
	const { status, started, attempts, failures, nextAttemptAtMs, finishedAtMs } = branch;
	if (!started && status === "prepared" && nextAttemptAtMs === 0) return "0";
	const times = `${relative(nextAttemptAtMs, base)},${relative(finishedAtMs, base)}`;
	return `["${status}",${started ? 1 : 0},${attempts},${failures},${times}]`;
}
function decodeBranch(tuple, base) {
	if (tuple === 0) return NOT_STARTED;
	const [status, started, attempts, failures, nextAttempt, finished] = tuple;
	return {
		status,
		started: started === 1,
		attempts,
		failures,
		nextAttemptAtMs: absolute(nextAttempt, base),
		finishedAtMs: absolute(finished, base)
	};
}
function lineText(line, base) {
	const at = line.atMs - base;
	switch (line.kind) {
		case "status": return `["s",${at},"${line.status}",${quoted(line.reason)}]`;
		case "call": {
			const { durationMs, branchId, op, result, reason, attempt, retryAtMs } = line;
			return `["c",${at},${`${durationMs},${quoted(branchId)},${quoted(op)},"${result}",${quoted(reason)}`},${attempt},${relative(retryAtMs, base)}]`;
		}
		default: return `["${line.kind}",${at},${quoted(line.detail)}]`;
	}
}
function decodeLine(tuple, base) {
	switch (tuple[0]) {
		case "s": return {
			kind: "status",
			atMs: tuple[1] + base,
			status: tuple[2],
			reason: tuple[3]
		};
		case "c": {
			const [, at, durationMs, branchId, op, result, reason, attempt, retryAt] = tuple;
			return {
				kind: "call",
				atMs: at + base,
				durationMs,
				branchId,
				op,
				result,
				reason,
				attempt,
				retryAtMs: absolute(retryAt, base)
			};
		}
		default: return {
			kind: tuple[0],
			atMs: tuple[1] + base,
			detail: tuple[2]
		};
	}
}
var FORMAT, WHAT, NO_STEPS, decodeState;
var init_state_codec = __esmMin((() => {
	init_src$3();
	init_state();
	init_frame();
	init_json();
	FORMAT = 1;
	WHAT = "state";
	NO_STEPS = [];
	decodeState = (bytes) => decodeFrame(bytes, FORMAT, WHAT, read$2);
}));
// packages/core/src/engine/records.ts
function transactionOf$1(record) {
	return assemble(record.key, decodeDefinition(record.definition), record.createdAtMs, decodeRegistrations(record.entries), decodeState(record.state));
}
function viewOf(record) {
	const { definition, state, branches, registered } = readable(record);
	const { key, pattern, status, version, owner, dueAtMs, attention, createdAtMs, updatedAtMs, finishedAtMs } = record;
	return {
		namespace: key.namespace,
		gid: key.gid,
		pattern,
		status,
		version,
		owner,
		dueAtMs,
		attention,
		createdAtMs,
		updatedAtMs,
		finishedAtMs,
		definition,
		state,
		get branches() {
			return branches.map((branch, i) => ({
				...branch,
				...branchState(state, i),
				createdAtMs: registered[i]?.createdAtMs ?? createdAtMs
			}));
		}
	};
}
function readable(record) {
	try {
		return transactionOf$1(record);
	} catch (error) {
		if (!(error instanceof UnreadableRecord)) throw error;
		const { key, pattern, status, createdAtMs } = record;
		const empty = newTransaction(key, emptyDefinition(pattern), createdAtMs);
		return {
			...empty,
			state: {
				...empty.state,
				status,
				parked: `its record cannot be read: ${error.message}`
			}
		};
	}
}
var init_records = __esmMin((() => {
	init_definition_codec();
	init_entry_codec();
	init_frame();
	init_state_codec();
	init_state();
}));
// packages/core/src/engine/write-item.ts
function writeItem(run, transaction, possession) {
	const { state, definition, key } = transaction;
	const { writeId, owner, dueInMs } = possession;
	const { status, attention } = state;
	const bytes = encodeState(state);
	if (run.version > 0) return {
		kind: "update",
		key,
		writeId,
		status,
		owner,
		dueInMs,
		attention,
		state: bytes,
		expectVersion: run.version
	};
	const { pattern } = definition;
	return {
		kind: "insert",
		key,
		writeId,
		status,
		owner,
		dueInMs,
		attention,
		state: bytes,
		pattern,
		group: run.group,
		definition: encodeDefinition(definition)
	};
}
var init_write_item = __esmMin((() => {
	init_definition_codec();
	init_state_codec();
}));
// packages/core/src/engine/driver.ts
var MAX_CONFLICTS, MAX_ENTRIES, RELOAD_PAUSE_MS, Driver, takesOver, resumed, ordered, dueIn;
var init_driver = __esmMin((() => {
	init_src$3();
	init_entry_codec();
	init_frame();
	init_patterns();
	init_state();
	init_step();
	init_slot_map();
	init_effects();
	init_errors$1();
	init_records();
	init_run();
	init_write_item();
	MAX_CONFLICTS = 50;
	MAX_ENTRIES = 1e4;
	RELOAD_PAUSE_MS = 100;
	Driver = class {
		#d;
		#effects;
		#runs = new SlotMap();
		#dirty = new SlotMap();
		#flushing = false;
		#reserved = 0;
		#leftMeanwhile;
		#writeIds = 0;
		constructor(dependencies) {
			this.#d = dependencies;
			this.#effects = new EffectRunner({
				...dependencies,
				deliver: (run, event) => this.#deliver(run, { event })
			});
		}
		get size() {
			return this.#runs.size;
		}
		has(id) {
			return this.#runs.has(id);
		}
		drives(id) {
			const run = this.#runs.get(id);
			return run !== void 0 && run.version > 0 && run.phase !== "loading";
		}
		create(fresh, group, delivery) {
			const id = idOf$3(fresh.key);
			const existing = this.#runs.get(id);
			if (existing !== void 0) return this.#deliver(existing, delivery);
			const run = this.#add(newRun(id, fresh.key, "open", group));
			run.transaction = fresh;
			this.#deliver(run, delivery);
		}
		command(key, delivery) {
			const id = idOf$3(key);
			const existing = this.#runs.get(id);
			if (existing !== void 0) return this.#deliver(existing, delivery);
			const run = this.#add(newRun(id, key, "loading", ""));
			run.queue.push(delivery);
			this.#reload(run);
		}
		async adopt(limit, claim) {
			this.#reserved = limit;
			const left = this.#leftMeanwhile = new Map();
			try {
				const records = await claim();
				for (const record of records) if (record.version >= (left.get(idOf$3(record.key)) ?? 0)) this.#adopt(record);
			} finally {
				this.#reserved = 0;
				this.#leftMeanwhile = void 0;
			}
		}
		#adopt(record) {
			const id = idOf$3(record.key);
			const existing = this.#runs.get(id);
			if (existing === void 0) this.#open(this.#add(newRun(id, record.key, "loading", record.group)), record, true);
			else if (!existing.owned || existing.version < record.version) existing.claimed = record;
		}
		dropAll() {
			for (const run of this.#runs.values()) this.#drop(run, unavailable$1(run.key, "this node lost its session"));
			this.#d.committer.abandon();
		}
		#flush() {
			this.#flushing = false;
			for (const run of this.#dirty.values()) {
				this.#dirty.delete(run.id);
				if (run.phase === "open") this.#write(run, void 0);
			}
		}
		#add(run) {
			this.#runs.set(run.id, run);
			return run;
		}
		#deliver(run, delivery) {
			run.queue.push(delivery);
			this.#work(run);
		}
		#work(run) {
			if (run.delivering) return;
			run.delivering = true;
			while (run.phase === "open") {
				const next = run.queue.shift();
				if (next === void 0) break;
				this.#apply(run, next);
			}
			run.delivering = false;
			if (run.phase === "open" && !run.owned) this.#forget(run);
		}
		#apply(run, delivery) {
			const { reply } = delivery;
			const before = run.transaction;
			if (before === void 0) throw new Error("an open run has a transaction");
			if (delivery.pattern !== void 0 && delivery.pattern !== before.definition.pattern) return reply?.failed(contradicts(run.key, before, delivery.pattern));
			const event = delivery.event.kind === "prepared" && run.version > 0 ? {
				...delivery.event,
				again: true
			} : delivery.event;
			const stepped = step(before, event, this.#moment());
			if (isRefusal(stepped)) return reply?.failed(refused(run.key, stepped.refusal, before));
			if (run.foreign && !takesOver(event, before)) return this.#tellOwner(run, before, event, reply);
			const { transaction, effects } = stepped;
			run.transaction = transaction;
			const hold = transaction.running.length > 0 || transaction.checking;
			if (effects.persist === "wait" || hold !== run.owned) return this.#write(run, {
				before,
				delivery,
				effects
			});
			if (effects.persist === "lazily") this.#markDirty(run);
			this.#effects.carryOut(run, transaction, effects, reply);
		}
		#moment() {
			return {
				nowMs: this.#d.session.nowMs(),
				random: this.#d.random(),
				policy: this.#d.options
			};
		}
		#tellOwner(run, transaction, event, reply) {
			if (event.kind !== "abort" || transaction.state.status !== "submitted") return reply?.done(transaction);
			const item = {
				kind: "append",
				key: run.key,
				whenStatus: ["submitted"],
				entries: [encodeAbortOrder(event.reason)],
				maxEntries: MAX_ENTRIES,
				postponeMs: 0
			};
			this.#d.committer.enqueue(item, run.id, false, (result) => {
				if (result.kind !== "applied") return reply?.failed(unavailable$1(run.key, "the order could not be stored; give it again"));
				this.#d.onReleased(0);
				reply?.done(transaction);
			});
		}
		#newWriteId() {
			return `${this.#d.session.id}-${++this.#writeIds}`;
		}
		#mayDrive(run) {
			const { session, options } = this.#d;
			return (run.group === "" || options.groups.includes(run.group)) && session.leaseHeld() && this.#runs.size + this.#reserved <= options.maxInProgress;
		}
		#write(run, cause) {
			const transaction = run.transaction;
			if (transaction === void 0) throw new Error("nothing to write");
			const { session, committer } = this.#d;
			const { state } = transaction;
			const final = isFinal(state.status);
			let hold = !final && (transaction.running.length > 0 || transaction.checking);
			let dueInMs = hold || final ? null : dueIn(cause?.effects.wakeAtMs ?? null, session.nowMs());
			if (hold && !run.owned && !this.#mayDrive(run)) {
				hold = false;
				dueInMs = 0;
			}
			const item = writeItem(run, transaction, {
				writeId: this.#newWriteId(),
				owner: hold ? session.id : null,
				dueInMs
			});
			run.phase = "writing";
			this.#dirty.delete(run.id);
			committer.enqueue(item, run.id, run.owned, (result) => this.#written({
				run,
				transaction,
				cause,
				hold,
				dueInMs,
				writeId: item.writeId
			}, result));
		}
		#written(write, result) {
			const { run, cause } = write;
			const reply = cause?.delivery.reply;
			if (run.phase === "gone") return reply?.failed(unavailable$1(run.key, "this node lost its session"));
			switch (result.kind) {
				case "applied": return this.#applied(write, result.version);
				case "conflict":
				case "missing":
					this.#d.observer.conflicted();
					return this.#startOver(run, cause);
				case "failed":
				case "abandoned": {
					const why = result.kind === "failed" ? `the store did not take it (${result.error.message})` : "whether it was stored is not known";
					if (run.owned) this.#d.logger.error({
						gid: run.key.gid,
						why
					}, "a transaction in progress could not be written");
					const error = unavailable$1(run.key, why);
					reply?.failed(error);
					return this.#drop(run, error);
				}
			}
		}
		#applied({ run, transaction, cause, hold, dueInMs, writeId }, version) {
			const created = run.version === 0;
			const { claimed, queue } = run;
			run.version = version;
			run.writeId = writeId;
			run.owned = hold;
			run.foreign = false;
			run.phase = "open";
			run.conflicts = 0;
			run.claimed = void 0;
			this.#observe(transaction, created);
			if (!hold) this.#forget(run);
			if (cause !== void 0) this.#effects.carryOut(run, transaction, cause.effects, cause.delivery.reply);
			if (hold) return this.#work(run);
			this.#effects.answerEarly(run);
			if (dueInMs !== null) this.#d.onReleased(dueInMs);
			if (isFinal(transaction.state.status)) this.#d.onFinal(run.id);
			if (claimed !== void 0 && claimed.version > version) this.#adopt(claimed);
			for (const delivery of queue) if (delivery.reply !== void 0) this.command(run.key, delivery);
		}
		#observe(transaction, created) {
			const { observer, session } = this.#d;
			const pattern = transaction.definition.pattern;
			if (created) observer.transactionAccepted(pattern);
			const { status } = transaction.state;
			if (isFinal(status)) observer.transactionFinished(pattern, status, session.nowMs() - transaction.createdAtMs);
		}
		#startOver(run, cause) {
			if (cause !== void 0) {
				run.transaction = cause.before;
				run.queue.unshift(cause.delivery);
			}
			if (++run.conflicts > MAX_CONFLICTS) return this.#drop(run, unavailable$1(run.key, "too many others change it at once; send it again"));
			run.phase = "loading";
			this.#reload(run);
		}
		async #reload(run) {
			try {
				const [record] = await this.#d.store.get([run.key]);
				if (run.phase === "loading") this.#reloaded(run, record);
			} catch (error) {
				if (run.phase !== "loading") return;
				if (!run.owned) return this.#drop(run, unavailable$1(run.key, `the store could not be read (${String(error)})`));
				this.#d.clock.setTimer(RELOAD_PAUSE_MS, () => void this.#reload(run));
			}
		}
		#reloaded(run, record) {
			const { session } = this.#d;
			if (record === void 0) return this.#drop(run, unknownGid(run.key.gid));
			const newest = run.claimed !== void 0 && run.claimed.version >= record.version ? run.claimed : record;
			const mine = newest.owner === session.id;
			if (!run.owned) return this.#open(run, newest, mine && session.leaseHeld());
			return mine && newest.writeId === run.writeId ? this.#merge(run, newest) : this.#letGo(run, newest);
		}
		#merge(run, record) {
			if (run.transaction === void 0) throw new Error("an owned run has a transaction");
			run.transaction = withRegistered(run.transaction, decodeRegistrations(record.entries));
			run.version = record.version;
			run.phase = "open";
			const order = decodeAbortOrder(record.entries);
			if (order !== void 0 && run.transaction.state.status === "submitted") {
				const place = run.queue[0]?.event.kind === "resumed" ? 1 : 0;
				run.queue.splice(place, 0, { event: ordered(order) });
			}
			if (run.queue.length === 0) this.#markDirty(run);
			this.#work(run);
		}
		#letGo(run, record) {
			this.#d.logger.info({
				gid: run.key.gid,
				version: record.version,
				owner: record.owner
			}, "let go: another node decided about it");
			run.version = record.version;
			this.#forget(run);
			this.#effects.answerEarly(run);
			if (record.owner === this.#d.session.id && this.#d.session.leaseHeld()) this.#adopt(record);
			for (const delivery of run.queue) if (delivery.reply !== void 0) this.command(run.key, delivery);
		}
		#open(run, record, owned) {
			const foreign = !owned && record.owner !== null && record.owner !== this.#d.session.id;
			const abandoned = !owned && !foreign && record.claims > 0;
			try {
				run.transaction = transactionOf$1(record);
				run.queue = run.queue.filter((delivery) => delivery.reply !== void 0);
				const abort = record.status === "submitted" ? decodeAbortOrder(record.entries) : void 0;
				if (owned || abandoned) run.queue.unshift({ event: resumed(owned ? record.claims : record.claims + 1, abort) });
				else if (abort !== void 0 && !foreign) run.queue.unshift({ event: ordered(abort) });
			} catch (error) {
				if (!(error instanceof UnreadableRecord)) throw error;
				return this.#park(run, record, owned, error);
			}
			run.version = record.version;
			run.writeId = record.writeId;
			run.group = record.group;
			run.owned = owned;
			run.foreign = foreign;
			run.claimed = void 0;
			run.phase = "open";
			this.#work(run);
		}
		#park(run, record, owned, error) {
			this.#d.logger.error({
				gid: run.key.gid,
				error: error.message
			}, "a record cannot be read: it needs a person");
			this.#drop(run, new HoldfastError("internal", `the record of ${run.key.gid} cannot be read: ${error.message}`, { gid: run.key.gid }));
			if (!owned) return;
			const { key, status, state, version } = record;
			const item = {
				kind: "update",
				key,
				writeId: this.#newWriteId(),
				status,
				owner: null,
				dueInMs: null,
				attention: true,
				state,
				expectVersion: version
			};
			this.#d.committer.enqueue(item, run.id, true, () => {});
		}
		#markDirty(run) {
			this.#dirty.set(run.id, run);
			if (this.#flushing) return;
			this.#flushing = true;
			this.#d.clock.setTimer(this.#d.options.progressFlushMs, () => this.#flush());
		}
		#forget(run) {
			run.phase = "gone";
			run.timer?.cancel();
			const left = this.#leftMeanwhile;
			left?.set(run.id, Math.max(run.version, left.get(run.id) ?? 0));
			this.#dirty.delete(run.id);
			if (this.#runs.get(run.id) === run) this.#runs.delete(run.id);
		}
		#drop(run, error) {
			const replies = [...run.queue.flatMap((delivery) => delivery.reply ?? []), ...run.passWaiters];
			run.queue = [];
			run.passWaiters = [];
			this.#forget(run);
			for (const reply of replies) reply.failed(error);
			if (run.claimed !== void 0 && this.#d.session.leaseHeld()) this.#adopt(run.claimed);
		}
	};
	takesOver = (event, { state }) => event.kind === "stop" || event.kind === "ended" || event.kind === "park" || state.status === "prepared" && event.kind !== "prepared";
	resumed = (claims, abort) => abort === void 0 ? {
		kind: "resumed",
		claims
	} : {
		kind: "resumed",
		claims,
		abort
	};
	ordered = (reason) => ({
		kind: "abort",
		reason,
		byOperator: true
	});
	dueIn = (wakeAtMs, nowMs) => wakeAtMs === null ? null : Math.max(0, wakeAtMs - nowMs);
}));
// packages/core/src/engine/final-waiters.ts
var POLL_MS, POLL_BATCH, FinalWaiters;
var init_final_waiters = __esmMin((() => {
	init_src$3();
	init_slot_map();
	init_run();
	POLL_MS = 100;
	POLL_BATCH = 500;
	FinalWaiters = class {
		#d;
		#byId = new SlotMap();
		#polling = false;
		#count = 0;
		#ended = false;
		constructor(dependencies) {
			this.#d = dependencies;
		}
		get count() {
			return this.#count;
		}
		wait(key, timeoutMs, signal) {
			if (this.#ended) return Promise.resolve();
			return new Promise((resolve) => {
				const id = idOf$3(key);
				const waiters = this.#byId.get(id) ?? new Set();
				const timer = this.#d.clock.setTimer(timeoutMs, () => waiter.end());
				const waiter = {
					key,
					end: () => {
						if (!waiters.delete(waiter)) return;
						this.#count--;
						if (waiters.size === 0) this.#byId.delete(id);
						timer.cancel();
						signal?.removeEventListener("abort", waiter.end);
						resolve();
					}
				};
				waiters.add(waiter);
				this.#byId.set(id, waiters);
				this.#count++;
				signal?.addEventListener("abort", waiter.end);
				if (signal?.aborted === true) return waiter.end();
				if (!this.#polling) this.#pollLater();
			});
		}
		notify(id) {
			for (const waiter of [...this.#byId.get(id) ?? []]) waiter.end();
		}
		endAll() {
			this.#ended = true;
			for (const waiters of this.#byId.values()) for (const waiter of [...waiters]) waiter.end();
		}
		#pollLater() {
			this.#polling = true;
			this.#d.clock.setTimer(POLL_MS, () => void this.#poll());
		}
		async #poll() {
			const elsewhere = this.#byId.values().flatMap((waiters) => [...waiters][0]?.key ?? []).filter((key) => !this.#d.drivenHere(idOf$3(key)));
			try {
				for (let i = 0; i < elsewhere.length; i += POLL_BATCH) for (const record of await this.#d.store.get(elsewhere.slice(i, i + POLL_BATCH))) if (record !== void 0 && isFinal(record.status)) this.notify(idOf$3(record.key));
			} catch (error) {
				this.#d.logger.warn({ error: String(error) }, "waiting callers could not be answered from the store");
			}
			this.#polling = false;
			if (this.#byId.size > 0) this.#pollLater();
		}
	};
}));
// packages/core/src/engine/janitor.ts
var TAKE_OVER_BATCH, LONGEST_WATCH_MS, PURGE_BATCH, PURGE_EVERY_MS, PURGE_PAUSE_MS, Janitor;
var init_janitor = __esmMin((() => {
	TAKE_OVER_BATCH = 500;
	LONGEST_WATCH_MS = 1e3;
	PURGE_BATCH = 200;
	PURGE_EVERY_MS = 3e4;
	PURGE_PAUSE_MS = 50;
	Janitor = class {
		#d;
		#timers = {};
		#stopped = true;
		constructor(dependencies) {
			this.#d = dependencies;
		}
		start() {
			this.#stopped = false;
			const { store, options } = this.#d;
			this.#takeOver(store.capabilities.exclusive ? -1 : options.silenceMs);
			if (options.retentionMs > 0) this.#after("purge", PURGE_PAUSE_MS, () => this.#purge());
		}
		stop() {
			this.#stopped = true;
			for (const timer of Object.values(this.#timers)) timer.cancel();
		}
		#after(duty, delayMs, run) {
			if (!this.#stopped) this.#timers[duty] = this.#d.clock.setTimer(delayMs, () => void run());
		}
		async #takeOver(silenceMs) {
			const { store, session, options, logger, observer } = this.#d;
			let more = false;
			try {
				if (session.leaseHeld()) {
					const taken = await store.takeOver({
						silenceMs,
						keep: session.id,
						limit: TAKE_OVER_BATCH
					});
					more = taken.more;
					if (taken.ended.length > 0) logger.info({ sessions: taken.ended }, "ended silent sessions");
					if (taken.released > 0) {
						observer.tookOver(taken.released);
						logger.info({ transactions: taken.released }, "took over unfinished transactions");
						this.#d.onReleased();
					}
				}
			} catch (error) {
				logger.warn({ error: String(error) }, "take-over failed");
			}
			this.#after("takeOver", more ? 0 : Math.min(options.heartbeatMs / 2, LONGEST_WATCH_MS), () => this.#takeOver(more ? silenceMs : options.silenceMs));
		}
		async #purge() {
			let purged = 0;
			try {
				purged = await this.#d.store.purge({
					olderThanMs: this.#d.options.retentionMs,
					limit: PURGE_BATCH
				});
			} catch (error) {
				this.#d.logger.warn({ error: String(error) }, "purge failed");
			}
			this.#after("purge", purged === PURGE_BATCH ? PURGE_PAUSE_MS : PURGE_EVERY_MS, () => this.#purge());
		}
	};
}));
// packages/core/src/engine/session.ts
var LEASE_SHARE, Session;
var init_session = __esmMin((() => {
	LEASE_SHARE = 2 / 3;
	Session = class {
		#dependencies;
		#id = "";
		#acknowledgedSentMs = -Infinity;
		#storeMs = 0;
		#storeReadAtMs = 0;
		#lastNowMs = 0;
		#timer;
		#stopped = false;
		#open = false;
		constructor(dependencies) {
			this.#dependencies = dependencies;
		}
		get id() {
			return this.#id;
		}
		async start() {
			await this.#openNew();
			this.#schedule();
		}
		async stop() {
			this.#stopped = true;
			this.#timer?.cancel();
			const wasOpen = this.#open;
			this.#open = false;
			if (wasOpen) await this.#dependencies.store.endSession(this.#id);
		}
		leaseHeld() {
			const { store, clock, options } = this.#dependencies;
			if (!this.#open) return false;
			return store.capabilities.exclusive || clock.monotonicMs() - this.#acknowledgedSentMs < options.silenceMs * LEASE_SHARE;
		}
		nowMs() {
			const nowMs = Math.round(this.#storeMs + this.#dependencies.clock.monotonicMs() - this.#storeReadAtMs);
			if (nowMs > this.#lastNowMs) this.#lastNowMs = nowMs;
			return this.#lastNowMs;
		}
		loseIfLapsed() {
			if (!this.#open || this.leaseHeld()) return false;
			this.lose("no heartbeat was acknowledged for too long");
			return true;
		}
		lose(reason) {
			if (!this.#open) return;
			this.#open = false;
			this.#dependencies.logger.error({
				session: this.#id,
				reason
			}, "session lost: everything it held is let go");
			this.#dependencies.onLost();
		}
		async #openNew() {
			const { store, clock, identities, options } = this.#dependencies;
			const id = identities.newSession();
			const sentMs = clock.monotonicMs();
			await store.openSession(id, {
				node: options.node,
				version: options.version
			});
			const nowMs = await store.nowMs();
			if (this.#stopped) return store.endSession(id);
			this.#id = id;
			this.#acknowledge(sentMs, nowMs);
			this.#open = true;
		}
		#acknowledge(sentMs, nowMs) {
			this.#acknowledgedSentMs = sentMs;
			this.#storeMs = nowMs;
			this.#storeReadAtMs = this.#dependencies.clock.monotonicMs();
		}
		#schedule() {
			if (this.#stopped) return;
			this.#timer = this.#dependencies.clock.setTimer(this.#dependencies.options.heartbeatMs, () => {
				this.#beat().finally(() => this.#schedule());
			});
		}
		async #beat() {
			const { store, clock, logger } = this.#dependencies;
			this.loseIfLapsed();
			const sentMs = clock.monotonicMs();
			const id = this.#id;
			try {
				if (this.#open) {
					const { alive, nowMs } = await store.heartbeat(id);
					if (!this.#open) return;
					if (alive) return this.#acknowledge(sentMs, nowMs);
					this.lose("another node ended it after a silence");
				}
				await store.endSession(id);
				if (!this.#stopped) await this.#openNew();
			} catch (error) {
				logger.warn({
					session: id,
					error: String(error)
				}, "heartbeat failed");
			}
		}
	};
}));
// packages/core/src/engine/topics.ts
function requireName(topic, url) {
	if (topic === "") throw new HoldfastError("invalid", "topic must not be empty", { field: "topic" });
	if (topic.length > LIMITS.topicLength) throw new HoldfastError("invalid", `topic must have at most ${LIMITS.topicLength} characters`, { field: "topic" });
	if (url === "") throw new HoldfastError("invalid", "url must not be empty", { field: "url" });
	if (url.length > LIMITS.urlLength) throw new HoldfastError("invalid", `url must have at most ${LIMITS.urlLength} characters`, { field: "url" });
}
var TOPICS$1, MAX_ROUNDS, Topics, subscribersOf, noSuchTopic, contended;
var init_topics = __esmMin((() => {
	init_src$3();
	init_accept();
	TOPICS$1 = "topics";
	MAX_ROUNDS = 20;
	Topics = class {
		#store;
		constructor(store) {
			this.#store = store;
		}
		async subscribe(namespace, topic, subscriber) {
			requireName(topic, subscriber.url);
			await this.#change(namespace, topic, (subscribers) => {
				if (subscribers?.some((s) => s.url === subscriber.url)) throw new HoldfastError("refused", `${subscriber.url} subscribes ${topic} already`, { field: "url" });
				if (subscribers !== void 0 && subscribers.length >= LIMITS.topicSubscribers) throw new HoldfastError("too_large", `topic ${topic} has ${subscribers.length} subscribers, which is the limit`, { field: "topic" });
				return [...subscribers ?? [], subscriber];
			});
		}
		async unsubscribe(namespace, topic, url) {
			requireName(topic, url);
			await this.#change(namespace, topic, (subscribers) => {
				if (subscribers === void 0) throw noSuchTopic(topic);
				if (!subscribers.some((s) => s.url === url)) throw new HoldfastError("not_found", `${url} does not subscribe ${topic}`, { field: "url" });
				return subscribers.filter((s) => s.url !== url);
			});
		}
		async remove(namespace, topic) {
			if (topic === "") throw new HoldfastError("invalid", "topic must not be empty", { field: "topic" });
			for (let round = 0; round < MAX_ROUNDS; round++) {
				const id = {
					namespace,
					category: TOPICS$1,
					key: topic
				};
				const stored = await this.#store.kvGet(id);
				if (stored === void 0) throw noSuchTopic(topic);
				if (await this.#store.kvDelete(id, stored.version) === "applied") return;
			}
			throw contended(topic);
		}
		async resolve(namespace, gid, definition) {
			if (definition.pattern !== "msg" || !definition.steps.some((step) => step.action.startsWith("topic://"))) return definition;
			return {
				...definition,
				steps: await Promise.all(definition.steps.map((step, i) => this.#resolveStep(namespace, gid, step, i)))
			};
		}
		async #resolveStep(namespace, gid, step, index) {
			if (!step.action.startsWith("topic://")) return step;
			const topic = step.action.slice(TOPIC_PREFIX.length);
			const stored = await this.#store.kvGet({
				namespace,
				category: TOPICS$1,
				key: topic
			});
			const subscribers = stored === void 0 ? [] : subscribersOf(stored).map((s) => s.url);
			if (subscribers.length === 0) throw new HoldfastError("invalid", `topic ${topic} has no subscribers`, {
				gid,
				field: `steps[${index}].action`
			});
			return {
				...step,
				subscribers
			};
		}
		async #change(namespace, topic, change) {
			const id = {
				namespace,
				category: TOPICS$1,
				key: topic
			};
			for (let round = 0; round < MAX_ROUNDS; round++) {
				const stored = await this.#store.kvGet(id);
				const next = change(stored === void 0 ? void 0 : subscribersOf(stored));
				if (await this.#store.kvPut(id, JSON.stringify(next), stored?.version ?? 0) === "applied") return;
			}
			throw contended(topic);
		}
	};
	subscribersOf = (stored) => JSON.parse(stored.value);
	noSuchTopic = (topic) => new HoldfastError("not_found", `there is no topic ${topic}`, { field: "topic" });
	contended = (topic) => new HoldfastError("unavailable", `too many change topic ${topic} at once; try again`);
}));
// packages/core/src/engine/engine.ts
function assertSame(gid, branches, existing, strict) {
	for (const entry of existing) {
		const first = decodeRegistration(entry);
		const second = branches.find((branch) => branch.branchId === first.branchId && branch.op === first.op);
		if (second === void 0) continue;
		const name = `branch ${first.branchId} ${first.op}`;
		if (second.status !== first.status) throw new HoldfastError("refused", `${name} was recorded as ${first.status} before; that stays`, {
			gid,
			field: "status"
		});
		if (strict && !isSameCall(first, second)) throw new HoldfastError("refused", `${name} was registered with another URL or payload before; that stays`, {
			gid,
			field: "branch_id"
		});
	}
}
function registrationError(gid, result, whileAborting) {
	switch (result.kind) {
		case "missing": return unknownGid(gid);
		case "conflict": return result.status === "prepared" || whileAborting && result.status === "aborting" ? new HoldfastError("too_large", `a transaction has at most ${MAX_REGISTERED} registered branches`, {
			gid,
			status: result.status
		}) : new HoldfastError("refused", `current status '${result.status}', cannot register a branch`, {
			gid,
			status: result.status
		});
		case "failed": return new HoldfastError("unavailable", `${gid}: the store did not take it (${result.error.message}); send it again`, { gid });
		case "abandoned": return new HoldfastError("unavailable", `${gid}: whether it was stored is not known; send it again`, { gid });
	}
}
var DRAIN_POLL_MS, MAX_REGISTERED, Engine, isSameCall;
var init_engine = __esmMin((() => {
	init_src$3();
	init_entry_codec();
	init_engine_options$1();
	init_observer();
	init_retry();
	init_state();
	init_store();
	init_accept();
	init_calls$1();
	init_claimer();
	init_committer();
	init_destinations();
	init_driver();
	init_errors$1();
	init_final_waiters();
	init_janitor();
	init_records();
	init_run();
	init_session();
	init_topics();
	DRAIN_POLL_MS = 20;
	MAX_REGISTERED = 1e3;
	Engine = class {
		#d;
		#options;
		#session;
		#committer;
		#destinations;
		#driver;
		#claimer;
		#janitor;
		#topics;
		#waiters;
		#started = false;
		#draining = false;
		constructor(dependencies, options = {}) {
			const d = this.#d = {
				...dependencies,
				observer: dependencies.observer ?? NO_OBSERVER
			};
			const all = this.#options = {
				...DEFAULT_ENGINE_OPTIONS,
				...options
			};
			this.#session = new Session({
				...d,
				options: all,
				onLost: () => this.#driver.dropAll()
			});
			this.#committer = new Committer({
				...d,
				bounds: all
			});
			this.#destinations = new Destinations(all.maxCallsPerDestination, all.maxQueuedPerDestination);
			this.#waiters = new FinalWaiters({
				...d,
				drivenHere: (id) => this.#driver.has(id)
			});
			this.#driver = new Driver({
				...d,
				committer: this.#committer,
				session: this.#session,
				calls: new Calls({
					...d,
					destinations: this.#destinations,
					options: all
				}),
				options: all,
				onReleased: (dueInMs) => this.#claimer.hint(dueInMs),
				onFinal: (id) => this.#waiters.notify(id)
			});
			this.#claimer = new Claimer({
				...d,
				session: this.#session,
				options: all,
				room: () => all.maxInProgress - this.#driver.size,
				adopt: (limit, claim) => this.#driver.adopt(limit, claim)
			});
			this.#janitor = new Janitor({
				...d,
				session: this.#session,
				options: all,
				onReleased: () => this.#claimer.hint(0)
			});
			this.#topics = new Topics(d.store);
		}
		async start() {
			await this.#fromStore(() => this.#session.start());
			this.#started = true;
			this.#janitor.start();
			this.#claimer.start();
		}
		async drain(timeoutMs) {
			this.#draining = true;
			this.#claimer.stop();
			this.#janitor.stop();
			const deadlineMs = this.#d.clock.monotonicMs() + timeoutMs;
			while (this.#driver.size > 0 && this.#d.clock.monotonicMs() < deadlineMs) await this.#pause(DRAIN_POLL_MS);
			const left = this.#driver.size;
			this.#driver.dropAll();
			this.#waiters.endAll();
			await this.#fromStore(() => this.#session.stop());
			return left;
		}
		newGid() {
			return this.#d.identities.newGid();
		}
		async prepare(context, input) {
			await this.#create(context, input, {
				kind: "prepared",
				again: false
			}, false);
		}
		async submit(context, input) {
			const wholePass = input.options?.waitResult === true;
			const { state, lastResult } = await this.#create(context, input, {
				kind: "submitted",
				options: input.options ?? {}
			}, wholePass);
			if (wholePass && !isFinal(state.status) && lastResult === void 0 && state.notBeforeMs === 0) {
				const view = await this.wait(context, input.gid, this.#options.maxWaitMs);
				return {
					status: view.status,
					waited: true,
					rollbackReason: view.state.rollbackReason,
					lastResult: void 0
				};
			}
			return {
				status: state.status,
				waited: wholePass,
				rollbackReason: state.rollbackReason,
				lastResult
			};
		}
		async finishWorkflow(context, { gid, status, rollbackReason, result }) {
			await this.#command(context, gid, {
				kind: "ended",
				status,
				rollbackReason,
				result
			}, { pattern: "workflow" });
		}
		async abort(context, { gid, pattern, reason, byOperator = false, waitResult = false }) {
			await this.#command(context, gid, {
				kind: "abort",
				reason,
				byOperator
			}, {
				pattern,
				wholePass: waitResult
			});
		}
		async registerBranch(context, { gid, pattern, strict = false, branches }) {
			this.#assertAccepting();
			acceptRegistrations(gid, branches);
			const key = {
				namespace: context.namespace,
				gid
			};
			const isWorkflow = pattern === "workflow";
			const whileAborting = isWorkflow && !(strict && branches.some(({ op }) => op !== "rollback"));
			const createdAtMs = this.#session.nowMs();
			const entries = branches.map((branch) => encodeRegistration({
				...branch,
				createdAtMs
			}));
			const result = await this.#append(key, {
				kind: "append",
				key,
				whenStatus: whileAborting ? ["prepared", "aborting"] : ["prepared"],
				entries,
				maxEntries: MAX_REGISTERED,
				...isWorkflow && { postponeMs: await this.#callBackIntervalMs(context, gid) }
			});
			if (result.kind === "applied") return assertSame(gid, branches, result.existing, strict);
			throw registrationError(gid, result, whileAborting);
		}
		async prepareWorkflow(context, input) {
			try {
				await this.#create(context, input, {
					kind: "prepared",
					again: false
				}, false);
			} catch (error) {
				if (!(error instanceof HoldfastError) || error.code !== "refused" || error.field !== void 0) throw error;
			}
			return this.#mustGet(context, input.gid);
		}
		async #callBackIntervalMs(context, gid) {
			const { definition } = await this.#mustGet(context, gid);
			if (definition.pattern !== "workflow") throw new HoldfastError("refused", `${gid} is a ${definition.pattern}, not a workflow`, {
				gid,
				field: "trans_type"
			});
			return plainIntervalMs(definition.options, this.#options);
		}
		async parkWorkflow(context, { gid, reason }) {
			await this.#command(context, gid, {
				kind: "park",
				reason
			}, { pattern: "workflow" });
		}
		async forceStop(context, gid) {
			await this.#command(context, gid, { kind: "stop" });
		}
		async retryNow(context, gid) {
			await this.#command(context, gid, { kind: "retry" });
		}
		async retryWaiting(context, { laterThanMs, limit }) {
			const made = await this.#fromStore(() => this.#d.store.makeDue({
				namespace: context.namespace,
				laterThanMs,
				limit
			}));
			if (made.count > 0) this.#claimer.hint(0);
			return made;
		}
		async get(context, gid) {
			const [record] = await this.#fromStore(() => this.#d.store.get([{
				namespace: context.namespace,
				gid
			}]));
			return record === void 0 ? void 0 : viewOf(record);
		}
		async list(context, query) {
			const page = await this.#fromStore(() => this.#d.store.list({
				...query,
				namespace: context.namespace
			}));
			return {
				items: page.items.map(viewOf),
				next: page.next
			};
		}
		async wait(context, gid, timeoutMs) {
			const key = {
				namespace: context.namespace,
				gid
			};
			const drivenHere = timeoutMs > 0 && this.#driver.drives(idOf$3(key));
			if (!drivenHere) {
				const view = await this.#mustGet(context, gid);
				if (isFinal(view.status) || timeoutMs <= 0) return view;
			}
			if (this.#waiters.count >= this.#options.maxWaiters) throw new HoldfastError("overloaded", "too many callers wait for results; ask again later", { gid });
			const ended = this.#waiters.wait(key, Math.min(timeoutMs, this.#options.maxWaitMs), context.signal);
			if (!drivenHere) {
				const now = await this.#mustGet(context, gid);
				if (isFinal(now.status)) {
					this.#waiters.notify(idOf$3(key));
					return now;
				}
			}
			await ended;
			return this.#mustGet(context, gid);
		}
		async subscribe(context, { topic, url, remark }) {
			await this.#fromStore(() => this.#topics.subscribe(context.namespace, topic, {
				url,
				remark
			}));
		}
		async unsubscribe(context, { topic, url }) {
			await this.#fromStore(() => this.#topics.unsubscribe(context.namespace, topic, url));
		}
		async deleteTopic(context, topic) {
			await this.#fromStore(() => this.#topics.remove(context.namespace, topic));
		}
		scanKeyValues(context, query) {
			return this.#fromStore(() => this.#d.store.kvScan({
				...query,
				namespace: context.namespace
			}));
		}
		queryKeyValue(context, { category, key }) {
			return this.#fromStore(() => this.#d.store.kvGet({
				namespace: context.namespace,
				category,
				key
			}));
		}
		counts(context) {
			return this.#fromStore(() => this.#d.store.count(context.namespace));
		}
		nodes() {
			return this.#fromStore(() => this.#d.store.sessions());
		}
		load() {
			return {
				session: this.#session.id,
				inProgress: this.#driver.size,
				callsRunning: this.#destinations.running,
				writesQueued: this.#committer.queued,
				waiters: this.#waiters.count,
				draining: this.#draining,
				leaseHeld: this.#session.leaseHeld()
			};
		}
		async ready() {
			this.#assertAccepting();
			await this.#fromStore(() => this.#d.store.nowMs());
			if (!this.#session.leaseHeld()) throw new HoldfastError("unavailable", "this node has no session in the store; it opens a new one with its next heartbeat");
		}
		async #create(context, input, event, wholePass) {
			this.#assertAccepting();
			const accepted = acceptDefinition(input);
			const definition = accepted.pattern === "msg" ? await this.#fromStore(() => this.#topics.resolve(context.namespace, input.gid, accepted)) : accepted;
			const fresh = newTransaction({
				namespace: context.namespace,
				gid: input.gid
			}, definition, this.#session.nowMs());
			return new Promise((done, failed) => {
				this.#driver.create(fresh, groupOf(input.gid, definition) || (input.group ?? ""), {
					event,
					reply: {
						done,
						failed,
						wholePass
					},
					pattern: input.pattern
				});
			});
		}
		#command(context, gid, event, { pattern, wholePass = false } = {}) {
			if (gid === "") throw new HoldfastError("invalid", "gid must not be empty", { field: "gid" });
			this.#assertStarted();
			return new Promise((done, failed) => {
				const delivery = {
					event,
					reply: {
						done,
						failed,
						wholePass
					},
					...pattern !== void 0 && { pattern }
				};
				this.#driver.command({
					namespace: context.namespace,
					gid
				}, delivery);
			});
		}
		#append(key, item) {
			return new Promise((resolve) => this.#committer.enqueue(item, idOf$3(key), false, resolve));
		}
		async #mustGet(context, gid) {
			const view = await this.get(context, gid);
			if (view === void 0) throw unknownGid(gid);
			return view;
		}
		#assertStarted() {
			if (!this.#started) throw new HoldfastError("unavailable", "this node has not started yet; send it again");
		}
		#assertAccepting() {
			this.#assertStarted();
			if (this.#draining) throw new HoldfastError("unavailable", "this node is stopping; send it again to another one");
			const { maxQueuedWrites } = this.#options;
			if (this.#committer.queued >= maxQueuedWrites) throw new HoldfastError("overloaded", `${maxQueuedWrites} writes wait for the store; send it again later`);
		}
		async #fromStore(ask) {
			try {
				return await ask();
			} catch (error) {
				if (error instanceof StoreError) throw new HoldfastError(error.code === "invalid" ? "invalid" : "unavailable", error.message, { cause: error });
				throw HoldfastError.from(error);
			}
		}
		#pause(delayMs) {
			return new Promise((resolve) => this.#d.clock.setTimer(delayMs, resolve));
		}
	};
	isSameCall = (a, b) => a.url === b.url && a.payload.length === b.payload.length && a.payload.every((byte, i) => byte === b.payload[i]);
}));
// packages/core/src/stores/cursor.ts
function decodeListCursor(cursor) {
	const match = /^([0-9a-z]{1,11})\.(.+)$/.exec(cursor);
	const gid = match?.[2] === void 0 ? void 0 : decoded(match[2]);
	if (match?.[1] === void 0 || gid === void 0) throw notOurs(cursor);
	return {
		createdAtMs: Number.parseInt(match[1], 36),
		gid
	};
}
function decodeKeyCursor(cursor) {
	const key = cursor.startsWith("k.") ? decoded(cursor.slice(2)) : void 0;
	if (key === void 0) throw notOurs(cursor);
	return key;
}
function decoded(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return;
	}
}
var encodeListCursor, encodeKeyCursor, notOurs;
var init_cursor = __esmMin((() => {
	init_store();
	encodeListCursor = (position) => `${position.createdAtMs.toString(36)}.${encodeURIComponent(position.gid)}`;
	encodeKeyCursor = (key) => `k.${encodeURIComponent(key)}`;
	notOurs = (cursor) => new StoreError("invalid", `"${cursor.slice(0, 64)}" is not a cursor of this store; start again without one`);
}));
// packages/core/src/stores/memory-key-values.ts
var MemoryKeyValues;
var init_memory_key_values = __esmMin((() => {
	init_cursor();
	MemoryKeyValues = class {
		#categories = new Map();
		get(id) {
			return this.#category(id).get(id.key);
		}
		put(id, value, expectVersion, nowMs) {
			const stored = this.get(id);
			if ((stored?.version ?? 0) !== expectVersion) return "conflict";
			const { namespace, category, key } = id;
			const createdAtMs = stored?.createdAtMs ?? nowMs;
			const version = expectVersion + 1;
			this.#category(id).set(key, {
				namespace,
				category,
				key,
				value,
				version,
				createdAtMs,
				updatedAtMs: nowMs
			});
			return "applied";
		}
		delete(id, expectVersion) {
			const stored = this.get(id);
			if (stored === void 0) return "missing";
			if (stored.version !== expectVersion) return "conflict";
			this.#category(id).delete(id.key);
			return "applied";
		}
		scan(query) {
			const after = query.cursor === void 0 ? void 0 : decodeKeyCursor(query.cursor);
			const rest = [...this.#category(query).values()].filter((item) => after === void 0 || item.key > after).toSorted((a, b) => a.key < b.key ? -1 : 1);
			const items = rest.slice(0, query.limit);
			const last = items.at(-1);
			return {
				items,
				next: last !== void 0 && rest.length > items.length ? encodeKeyCursor(last.key) : null
			};
		}
		#category(id) {
			const name = `${id.namespace}\0${id.category}`;
			const known = this.#categories.get(name);
			if (known !== void 0) return known;
			const category = new Map();
			this.#categories.set(name, category);
			return category;
		}
	};
}));
// packages/core/src/stores/sorted-set.ts
function firstIndex(length, holds) {
	let low = 0;
	let high = length;
	while (low < high) {
		const middle = low + high >> 1;
		if (holds(middle)) high = middle;
		else low = middle + 1;
	}
	return low;
}
var CHUNK, SortedSet;
var init_sorted_set = __esmMin((() => {
	CHUNK = 512;
	SortedSet = class {
		#compare;
		#chunks = [];
		constructor(compare) {
			this.#compare = compare;
		}
		first() {
			return this.#chunks[0]?.[0];
		}
		add(element) {
			const at = Math.min(this.#chunkOf(element), this.#chunks.length - 1);
			const chunk = this.#chunks[at];
			if (chunk === void 0) {
				this.#chunks.push([element]);
				return;
			}
			const index = this.#indexIn(chunk, element);
			const there = chunk[index];
			if (there !== void 0 && this.#compare(there, element) === 0) chunk[index] = element;
			else chunk.splice(index, 0, element);
			if (chunk.length > CHUNK) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK / 2));
		}
		delete(element) {
			const at = this.#chunkOf(element);
			const chunk = this.#chunks[at];
			if (chunk === void 0) return;
			const index = this.#indexIn(chunk, element);
			const there = chunk[index];
			if (there === void 0 || this.#compare(there, element) !== 0) return;
			chunk.splice(index, 1);
			if (chunk.length === 0) this.#chunks.splice(at, 1);
		}
		*ascending(start) {
			let at = start === void 0 ? 0 : this.#chunkOf(start);
			let index = start === void 0 ? 0 : this.#indexIn(this.#chunks[at] ?? [], start);
			for (; at < this.#chunks.length; at++, index = 0) {
				const chunk = this.#chunks[at] ?? [];
				for (; index < chunk.length; index++) yield chunk[index];
			}
		}
		*descending(start) {
			let at = start === void 0 ? this.#chunks.length : this.#chunkOf(start);
			let index = start === void 0 ? 0 : this.#indexIn(this.#chunks[at] ?? [], start);
			for (; at >= 0; at--, index = this.#chunks[at]?.length ?? 0) {
				const chunk = this.#chunks[at] ?? [];
				while (--index >= 0) yield chunk[index];
			}
		}
		#chunkOf(element) {
			return firstIndex(this.#chunks.length, (i) => this.#compare(this.#chunks[i]?.at(-1), element) >= 0);
		}
		#indexIn(chunk, element) {
			return firstIndex(chunk.length, (i) => this.#compare(chunk[i], element) >= 0);
		}
	};
}));
// packages/core/src/stores/memory-records.ts
function inMap(map, key, make) {
	let value = map.get(key);
	if (value === void 0) map.set(key, value = make());
	return value;
}
var byText, byPosition, position, idOf$2, noCounts, MemoryRecords;
var init_memory_records = __esmMin((() => {
	init_src$3();
	init_sorted_set();
	byText = (a, b) => a < b ? -1 : a > b ? 1 : 0;
	byPosition = (a, b) => a.atMs - b.atMs || byText(a.namespace, b.namespace) || byText(a.gid, b.gid);
	position = (head, atMs) => ({
		atMs,
		...head.key
	});
	idOf$2 = (key) => `${key.namespace}\0${key.gid}`;
	noCounts = () => ({
		byStatus: Object.fromEntries(STATUSES.map((status) => [status, 0])),
		attention: 0
	});
	MemoryRecords = class {
		#records = new Map();
		#created = new Map();
		#due = new Map();
		#owned = new Map();
		#finished = new SortedSet(byPosition);
		#counts = new Map();
		get(key) {
			return this.#records.get(idOf$2(key));
		}
		put(record) {
			const before = this.#records.get(idOf$2(record.head.key));
			if (before === void 0) this.#createdIn(record.head.key.namespace).add(position(record.head, record.head.createdAtMs));
			else this.#unindex(before.head);
			this.#records.set(idOf$2(record.head.key), record);
			this.#index(record.head);
		}
		remove({ head }) {
			this.#unindex(head);
			this.#createdIn(head.key.namespace).delete(position(head, head.createdAtMs));
			this.#records.delete(idOf$2(head.key));
		}
		groups() {
			return this.#due.keys();
		}
		due(group) {
			return inMap(this.#due, group, () => new SortedSet(byPosition));
		}
		finished() {
			return this.#finished;
		}
		newestFirst(namespace, below) {
			return this.#createdIn(namespace).descending(below);
		}
		*ownedBy(holds) {
			for (const [owner, keys] of this.#owned) if (holds(owner)) yield* keys.values();
		}
		count(namespace) {
			const sum = noCounts();
			for (const counts of namespace === void 0 ? this.#counts.values() : [this.#countsOf(namespace)]) {
				for (const status of STATUSES) sum.byStatus[status] += counts.byStatus[status];
				sum.attention += counts.attention;
			}
			return sum;
		}
		#index(head) {
			this.#count(head, 1);
			if (head.dueAtMs !== null) this.due(head.group).add(position(head, head.dueAtMs));
			if (head.finishedAtMs !== null) this.#finished.add(position(head, head.finishedAtMs));
			if (head.owner !== null) inMap(this.#owned, head.owner, () => new Map()).set(idOf$2(head.key), head.key);
		}
		#unindex(head) {
			this.#count(head, -1);
			if (head.dueAtMs !== null) this.due(head.group).delete(position(head, head.dueAtMs));
			if (head.finishedAtMs !== null) this.#finished.delete(position(head, head.finishedAtMs));
			if (head.owner !== null) {
				const keys = this.#owned.get(head.owner);
				keys?.delete(idOf$2(head.key));
				if (keys?.size === 0) this.#owned.delete(head.owner);
			}
		}
		#count(head, by) {
			const counts = this.#countsOf(head.key.namespace);
			counts.byStatus[head.status] += by;
			if (head.attention) counts.attention += by;
		}
		#countsOf(namespace) {
			return inMap(this.#counts, namespace, noCounts);
		}
		#createdIn(namespace) {
			return inMap(this.#created, namespace, () => new SortedSet(byPosition));
		}
	};
}));
// packages/core/src/stores/session-table.ts
var REMEMBERED, SessionTable;
var init_session_table = __esmMin((() => {
	init_store();
	REMEMBERED = 1e3;
	SessionTable = class {
		#living = new Map();
		#ended = new Set();
		open(session, info, nowMs) {
			if (this.#ended.has(session)) throw new StoreError("invalid", `session ${session} was ended; open one with a new id`);
			const startedAtMs = this.#living.get(session)?.startedAtMs ?? nowMs;
			this.#living.set(session, {
				node: info.node,
				version: info.version,
				session,
				startedAtMs,
				heartbeatAtMs: nowMs
			});
		}
		isLiving(session) {
			return this.#living.has(session);
		}
		heartbeat(session, nowMs) {
			const row = this.#living.get(session);
			if (row === void 0) return false;
			this.#living.set(session, {
				...row,
				heartbeatAtMs: nowMs
			});
			return true;
		}
		end(session) {
			this.#living.delete(session);
			this.#ended.add(session);
			if (this.#ended.size <= REMEMBERED) return;
			for (const oldest of this.#ended) {
				this.#ended.delete(oldest);
				return;
			}
		}
		endSilent(silenceMs, keep, nowMs) {
			const silent = [...this.#living.values()].filter((row) => row.session !== keep && nowMs - row.heartbeatAtMs > silenceMs);
			for (const row of silent) this.end(row.session);
			return silent.map((row) => row.session);
		}
		rows() {
			return [...this.#living.values()];
		}
	};
}));
// packages/core/src/stores/transitions.ts
function insertOverExisting(item, head) {
	return head.writeId === item.writeId ? applied(1) : conflict(head);
}
function updateRefused(item, head) {
	if (head === void 0) return { kind: "missing" };
	if (head.version !== item.expectVersion) return head.writeId === item.writeId ? applied(item.expectVersion + 1) : conflict(head);
	return isFinal(head.status) && !isFinal(item.status) ? conflict(head) : void 0;
}
function appendRefused(item, head, existing) {
	if (head === void 0) return { kind: "missing" };
	const added = item.entries.length - existing.length;
	if (added === 0) return applied(head.version, existing);
	return item.whenStatus.includes(head.status) && head.entryCount + added <= item.maxEntries ? void 0 : conflict(head);
}
function inserted(item, nowMs) {
	return settled(item, nowMs, {
		createdAtMs: nowMs,
		finishedAtMs: null,
		pattern: item.pattern,
		group: item.group,
		version: 0,
		entryCount: 0
	});
}
function settled(item, nowMs, before) {
	const final = isFinal(item.status);
	const owner = final ? null : item.owner;
	return {
		key: item.key,
		pattern: before.pattern,
		group: before.group,
		status: item.status,
		version: before.version + 1,
		writeId: item.writeId,
		owner,
		claims: owner === null ? 0 : 1,
		dueAtMs: final || owner !== null ? null : dueAt(item.dueInMs, nowMs),
		attention: item.attention,
		createdAtMs: before.createdAtMs,
		updatedAtMs: nowMs,
		finishedAtMs: final ? before.finishedAtMs ?? nowMs : null,
		entryCount: before.entryCount
	};
}
function appended(item, before, added, nowMs) {
	const postponed = before.dueAtMs !== null && item.postponeMs !== void 0;
	return {
		...before,
		version: before.version + 1,
		updatedAtMs: nowMs,
		entryCount: before.entryCount + added,
		dueAtMs: postponed ? dueAt(item.postponeMs ?? 0, nowMs) : before.dueAtMs
	};
}
var NO_ENTRIES, storedTransaction, applied, conflict, updated, dueAt, claimed, madeDue;
var init_transitions = __esmMin((() => {
	init_src$3();
	NO_ENTRIES = [];
	storedTransaction = (head, definition, state, entries) => ({
		key: head.key,
		pattern: head.pattern,
		group: head.group,
		status: head.status,
		version: head.version,
		writeId: head.writeId,
		owner: head.owner,
		claims: head.claims,
		dueAtMs: head.dueAtMs,
		attention: head.attention,
		createdAtMs: head.createdAtMs,
		updatedAtMs: head.updatedAtMs,
		finishedAtMs: head.finishedAtMs,
		definition,
		state,
		entries
	});
	applied = (version, existing = NO_ENTRIES) => ({
		kind: "applied",
		version,
		existing
	});
	conflict = (head) => ({
		kind: "conflict",
		status: head.status,
		version: head.version
	});
	updated = (item, before, nowMs) => settled(item, nowMs, before);
	dueAt = (dueInMs, nowMs) => dueInMs === null ? null : Math.max(0, nowMs + Math.ceil(dueInMs));
	claimed = (before, owner, nowMs) => ({
		...before,
		owner,
		dueAtMs: null,
		claims: before.claims + 1,
		version: before.version + 1,
		updatedAtMs: nowMs
	});
	madeDue = (before, nowMs) => ({
		...before,
		owner: null,
		dueAtMs: nowMs,
		version: before.version + 1,
		updatedAtMs: nowMs
	});
}));
// packages/core/src/memory-store.ts
var MemoryStore, matches$1;
var init_memory_store = __esmMin((() => {
	init_cursor();
	init_memory_key_values();
	init_memory_records();
	init_session_table();
	init_transitions();
	MemoryStore = class {
		capabilities = {
			name: "memory",
			durable: false,
			exclusive: false
		};
		#wallMs;
		#lastMs = 0;
		#records = new MemoryRecords();
		#sessions = new SessionTable();
		#keyValues = new MemoryKeyValues();
		constructor(wallMs) {
			this.#wallMs = wallMs;
		}
		async open() {}
		async close() {}
		#now() {
			this.#lastMs = Math.max(this.#lastMs, Math.floor(this.#wallMs()));
			return this.#lastMs;
		}
		async nowMs() {
			return this.#now();
		}
		async write(batch) {
			const nowMs = this.#now();
			return batch.map((item) => this.#writeItem(item, nowMs));
		}
		#writeItem(item, nowMs) {
			const record = this.#records.get(item.key);
			switch (item.kind) {
				case "insert": {
					if (record !== void 0) return insertOverExisting(item, record.head);
					const definition = item.definition.slice();
					return this.#put({
						head: inserted(item, nowMs),
						definition,
						state: item.state.slice(),
						entries: []
					});
				}
				case "update": {
					const refused = updateRefused(item, record?.head);
					if (refused !== void 0 || record === void 0) return refused ?? { kind: "missing" };
					return this.#put({
						...record,
						head: updated(item, record.head, nowMs),
						state: item.state.slice()
					});
				}
				case "append": return this.#append(item, record, nowMs);
			}
		}
		#append(item, record, nowMs) {
			const there = new Map(record?.entries.map((entry) => [entry.key, entry]));
			const existing = item.entries.flatMap((entry) => there.get(entry.key) ?? []);
			const refused = appendRefused(item, record?.head, existing);
			if (refused !== void 0 || record === void 0) return refused ?? { kind: "missing" };
			const added = item.entries.flatMap(({ key, body }) => there.has(key) ? [] : {
				key,
				body: body.slice()
			});
			const head = appended(item, record.head, added.length, nowMs);
			this.#put({
				...record,
				head,
				entries: [...record.entries, ...added]
			});
			return applied(head.version, existing);
		}
		#put(record) {
			this.#records.put(record);
			return applied(record.head.version);
		}
		async get(keys) {
			return keys.map((key) => this.#stored(key));
		}
		#stored(key) {
			const record = this.#records.get(key);
			return record && storedTransaction(record.head, record.definition, record.state, record.entries);
		}
		async list(query) {
			const items = [];
			for (const { gid } of this.#candidates(query)) {
				const record = this.#stored({
					namespace: query.namespace,
					gid
				});
				if (record === void 0 || !matches$1(record, query)) continue;
				const last = items.at(-1);
				if (items.length === query.limit && last !== void 0) return {
					items,
					next: encodeListCursor({
						createdAtMs: last.createdAtMs,
						gid: last.key.gid
					})
				};
				items.push(record);
			}
			return {
				items,
				next: null
			};
		}
		*#candidates(query) {
			const { namespace, gid, cursor, createdFromMs = 0, createdToMs = Infinity } = query;
			const after = cursor === void 0 ? void 0 : decodeListCursor(cursor);
			const below = {
				atMs: after?.createdAtMs ?? Infinity,
				namespace,
				gid: after?.gid ?? ""
			};
			const end = {
				atMs: createdToMs + 1,
				namespace,
				gid: ""
			};
			if (gid !== void 0) {
				if (after === void 0) yield { gid };
				return;
			}
			for (const at of this.#records.newestFirst(namespace, end.atMs < below.atMs ? end : below)) {
				if (at.atMs < createdFromMs) return;
				yield at;
			}
		}
		async count(namespace) {
			return this.#records.count(namespace);
		}
		async claimDue(request) {
			if (!this.#sessions.isLiving(request.session)) return {
				claimed: [],
				nextDueInMs: null,
				sessionEnded: true
			};
			const nowMs = this.#now();
			const groups = [...new Set(["", ...request.groups])];
			const claimed$1 = [];
			let next = this.#earliestDue(groups);
			while (next !== void 0 && next.atMs <= nowMs && claimed$1.length < request.limit) {
				this.#change(next, (head) => claimed(head, request.session, nowMs));
				claimed$1.push(this.#stored(next));
				next = this.#earliestDue(groups);
			}
			return {
				claimed: claimed$1,
				nextDueInMs: next === void 0 ? null : Math.max(0, next.atMs - nowMs),
				sessionEnded: false
			};
		}
		#earliestDue(groups) {
			return groups.flatMap((group) => this.#records.due(group).first() ?? []).reduce((a, b) => a === void 0 || b.atMs < a.atMs ? b : a, void 0);
		}
		#change(key, transition) {
			const record = this.#records.get(key);
			if (record !== void 0) this.#records.put({
				...record,
				head: transition(record.head)
			});
		}
		async makeDue({ namespace, laterThanMs, limit }) {
			const nowMs = this.#now();
			const later = {
				atMs: nowMs + Math.floor(laterThanMs) + 1,
				namespace: "",
				gid: ""
			};
			const found = [];
			for (const group of this.#records.groups()) for (const at of this.#records.due(group).ascending(later)) {
				if (at.namespace === namespace) found.push(at);
				if (found.length > limit) break;
			}
			const chosen = found.slice(0, limit);
			for (const key of chosen) this.#change(key, (head) => madeDue(head, nowMs));
			return {
				count: chosen.length,
				more: found.length > limit
			};
		}
		async openSession(session, info) {
			this.#sessions.open(session, info, this.#now());
		}
		async heartbeat(session) {
			const nowMs = this.#now();
			return {
				alive: this.#sessions.heartbeat(session, nowMs),
				nowMs
			};
		}
		async endSession(session) {
			this.#sessions.end(session);
		}
		async takeOver({ silenceMs, keep, limit }) {
			const nowMs = this.#now();
			const ended = this.#sessions.endSilent(silenceMs, keep, nowMs);
			const orphans = [];
			for (const key of this.#records.ownedBy((owner) => !this.#sessions.isLiving(owner))) {
				orphans.push(key);
				if (orphans.length > limit) break;
			}
			const chosen = orphans.slice(0, limit);
			for (const key of chosen) this.#change(key, (head) => madeDue(head, nowMs));
			return {
				ended,
				released: chosen.length,
				more: orphans.length > limit
			};
		}
		async sessions() {
			return this.#sessions.rows();
		}
		async purge({ olderThanMs, limit }) {
			const before = this.#now() - olderThanMs;
			let purged = 0;
			for (; purged < limit; purged++) {
				const oldest = this.#records.finished().first();
				const record = oldest !== void 0 && oldest.atMs < before ? this.#records.get(oldest) : void 0;
				if (record === void 0) break;
				this.#records.remove(record);
			}
			return purged;
		}
		kvGet = async (id) => this.#keyValues.get(id);
		kvPut = async (id, value, expectVersion) => this.#keyValues.put(id, value, expectVersion, this.#now());
		kvDelete = async (id, expectVersion) => this.#keyValues.delete(id, expectVersion);
		kvScan = async (query) => this.#keyValues.scan(query);
	};
	matches$1 = (record, query) => (query.status === void 0 || record.status === query.status) && (query.pattern === void 0 || record.pattern === query.pattern) && (query.attention === void 0 || record.attention === query.attention) && record.createdAtMs >= (query.createdFromMs ?? 0) && record.createdAtMs <= (query.createdToMs ?? Infinity);
}));
// packages/core/src/checked-store.ts
async function converted(work) {
	try {
		return await work();
	} catch (thrown) {
		if (thrown instanceof StoreError) throw thrown;
		throw new StoreError("unavailable", thrown instanceof Error ? thrown.message : String(thrown), thrown);
	}
}
var CheckedStore, checkSession;
var init_checked_store = __esmMin((() => {
	init_src$3();
	init_store();
	init_rules$1();
	init_cursor();
	init_transitions();
	init_session_table();
	CheckedStore = class {
		#driver;
		#open = false;
		#lifecycle = Promise.resolve();
		#underWay = 0;
		#onIdle;
		constructor(driver) {
			this.#driver = driver;
		}
		get capabilities() {
			return this.#driver.capabilities;
		}
		open() {
			return this.#next(async () => {
				if (this.#open) return;
				await converted(() => this.#driver.open());
				this.#open = true;
			});
		}
		close() {
			return this.#next(async () => {
				if (!this.#open) return;
				this.#open = false;
				if (this.#underWay > 0) await new Promise((resolve) => this.#onIdle = resolve);
				await converted(() => this.#driver.close());
			});
		}
		#next(step) {
			const result = this.#lifecycle.then(step);
			this.#lifecycle = result.catch(() => void 0);
			return result;
		}
		async #call(work) {
			if (!this.#open) throw new StoreError("closed", `the ${this.capabilities.name} store is not open: open it first, and use it before close`);
			this.#underWay++;
			try {
				return await converted(work);
			} finally {
				if (--this.#underWay === 0) this.#onIdle?.();
			}
		}
		write(batch) {
			return this.#call(async () => {
				checkBatch(batch);
				return batch.length === 0 ? [] : this.#driver.write(batch);
			});
		}
		get(keys) {
			return this.#call(async () => {
				if (keys.length === 0) return [];
				checkLimit(keys.length, STORE_LIMITS.getKeys);
				keys.forEach(checkKey);
				return this.#driver.get(keys);
			});
		}
		list(query) {
			return this.#call(async () => {
				checkListQuery(query);
				return this.#driver.list(query);
			});
		}
		count(namespace) {
			return this.#call(async () => {
				if (namespace !== void 0) checkNamespace(namespace);
				return this.#driver.count(namespace);
			});
		}
		claimDue(request) {
			return this.#call(async () => {
				checkSession(request.session);
				checkLimit(request.limit, STORE_LIMITS.changeLimit);
				if (request.groups.length > STORE_LIMITS.groups) throw new StoreError("invalid", `${request.groups.length} groups; at most ${STORE_LIMITS.groups}`);
				for (const group of request.groups) checkText("a group", group, STORE_LIMITS.groupLength, 0);
				return this.#driver.claimDue(request);
			});
		}
		makeDue(request) {
			return this.#call(async () => {
				checkNamespace(request.namespace);
				checkMs("laterThanMs", request.laterThanMs);
				checkLimit(request.limit, STORE_LIMITS.changeLimit);
				return this.#driver.makeDue(request);
			});
		}
		openSession(session, info) {
			return this.#call(async () => {
				checkSession(session);
				await this.#driver.openSession(session, info);
			});
		}
		heartbeat(session) {
			return this.#call(() => this.#driver.heartbeat(session));
		}
		endSession(session) {
			return this.#call(async () => {
				checkSession(session);
				await this.#driver.endSession(session);
			});
		}
		takeOver(request) {
			return this.#call(async () => {
				checkMs("silenceMs", request.silenceMs);
				checkLimit(request.limit, STORE_LIMITS.changeLimit);
				return this.#driver.takeOver(request);
			});
		}
		sessions() {
			return this.#call(() => this.#driver.sessions());
		}
		kvGet(id) {
			return this.#call(async () => {
				checkKeyValueId(id);
				return this.#driver.kvGet(id);
			});
		}
		kvPut(id, value, expectVersion) {
			return this.#call(async () => {
				checkKeyValueId(id);
				checkText("the value", value, STORE_LIMITS.itemBytes / 4, 0);
				return this.#driver.kvPut(id, value, expectVersion);
			});
		}
		kvDelete(id, expectVersion) {
			return this.#call(async () => {
				checkKeyValueId(id);
				return this.#driver.kvDelete(id, expectVersion);
			});
		}
		kvScan(query) {
			return this.#call(async () => {
				checkNamespace(query.namespace);
				checkText("the category", query.category, STORE_LIMITS.categoryLength);
				checkLimit(query.limit, LIMITS.pageSize);
				return this.#driver.kvScan(query);
			});
		}
		purge(request) {
			return this.#call(async () => {
				checkMs("olderThanMs", request.olderThanMs);
				checkLimit(request.limit, STORE_LIMITS.changeLimit);
				return this.#driver.purge(request);
			});
		}
		nowMs() {
			return this.#call(() => this.#driver.nowMs());
		}
	};
	checkSession = (session) => checkText("the session", session, STORE_LIMITS.sessionLength);
}));
// packages/core/src/index.ts
var init_src$2 = __esmMin((() => {
	init_model();
	init_store();
	init_environment();
	init_observer();
	init_coordinator();
	init_engine_options$1();
	init_engine();
	init_committer();
	init_patterns();
	init_step();
	init_state();
	init_definition_codec();
	init_frame();
	init_records();
	init_memory_store();
	init_checked_store();
	init_slot_map();
}));
// packages/runtime/src/system-clock.ts
function longTimer(delayMs, callback) {
	let timeout;
	let leftMs = delayMs;
	const next = () => {
		const partMs = Math.min(leftMs, LONGEST_TIMER_MS);
		leftMs -= partMs;
		timeout = setTimeout(leftMs > 0 ? next : callback, partMs);
	};
	next();
	return { cancel: () => clearTimeout(timeout) };
}
var LONGEST_TIMER_MS, systemClock;
var init_system_clock = __esmMin((() => {
	LONGEST_TIMER_MS = 2 ** 31 - 1;
	systemClock = {
		monotonicMs: () => performance$1.now(),
		setTimer(delayMs, callback) {
			if (delayMs <= LONGEST_TIMER_MS) {
				const timeout = setTimeout(callback, delayMs);
				return { cancel: () => clearTimeout(timeout) };
			}
			return longTimer(delayMs, callback);
		},
		endOfTurn: (callback) => void setImmediate(callback)
	};
}));
// packages/runtime/src/identities.ts
function systemIdentities(options = {}) {
	const nowMs = options.nowMs ?? Date.now;
	const node = (options.node ?? `${hostname()}-${process.pid}`).slice(0, MAX_NODE_LENGTH);
	const random = Buffer.allocUnsafeSlow(ID_BYTES * IDS_PER_REFILL);
	let used = random.length;
	let lastMs = -1;
	let timePart = "";
	const newId = () => {
		if (used === random.length) {
			randomFillSync(random);
			used = 0;
		}
		const ms = nowMs();
		if (ms !== lastMs) {
			lastMs = ms;
			timePart = encodeTime(ms);
		}
		const id = timePart + encodeHalf(random, used) + encodeHalf(random, used + 5);
		used += ID_BYTES;
		return id;
	};
	return {
		newGid: newId,
		newSession: () => `${node}-${newId()}`
	};
}
function encodeTime(ms) {
	const high = Math.floor(ms / 2 ** 30);
	const low = ms % 2 ** 30;
	return pair(high >> 10) + pair(high) + pair(low >> 20) + pair(low >> 10) + pair(low);
}
function encodeHalf(bytes, at) {
	const high = bytes.readUInt16BE(at);
	const low = bytes.readUIntBE(at + 2, 3);
	return pair(high >> 6) + pair((high & 63) << 4 | low >> 20) + pair(low >> 10) + pair(low);
}
var DIGITS, PAIRS, pair, ID_BYTES, IDS_PER_REFILL, MAX_NODE_LENGTH;
var init_identities = __esmMin((() => {
	DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
	PAIRS = Array.from({ length: 1024 }, (_, bits) => DIGITS.charAt(bits >> 5) + DIGITS.charAt(bits & 31));
	pair = (bits) => PAIRS[bits & 1023] ?? "";
	ID_BYTES = 10;
	IDS_PER_REFILL = 512;
	MAX_NODE_LENGTH = 64;
}));
// packages/runtime/src/http-settings.ts
var HTTP_CLIENT_SETTINGS, HTTP_SERVER_SETTINGS, HTTP_SERVER_LIMITS;
var init_http_settings = __esmMin((() => {
	HTTP_CLIENT_SETTINGS = {
		connections: 128,
		pipelining: 1,
		headersTimeout: 0,
		bodyTimeout: 0,
		connectTimeout: 5e3,
		keepAliveTimeout: 4e3,
		keepAliveMaxTimeout: 3e4,
		maxHeaderSize: 16384
	};
	HTTP_SERVER_SETTINGS = {
		keepAlive: true,
		noDelay: true,
		maxHeaderSize: 16384,
		headersTimeout: 1e4,
		requestTimeout: 3e4,
		connectionsCheckingInterval: 5e3,
		keepAliveTimeout: 75e3
	};
	HTTP_SERVER_LIMITS = {
		maxHeadersCount: 100,
		maxConnections: 2e4
	};
}));
// packages/runtime/src/branch-target.ts
function parseBranchUrl(url) {
	if (url.startsWith(LOCAL_SCHEME)) return {
		kind: "local",
		destination: url,
		name: url.slice(8)
	};
	if (url.startsWith(TOPIC_SCHEME)) return {
		kind: "topic",
		destination: url
	};
	if (/^https?:\/\//i.test(url)) return parseHttpUrl(url);
	return {
		kind: /^[^/?#\s]+\/[^/?#\s]+\/[^/?#\s]+$/.test(url) && !url.includes("://") ? "grpc" : "malformed",
		destination: url.split("/", 1)[0] ?? ""
	};
}
function parseHttpUrl(url) {
	if (!URL.canParse(url)) return {
		kind: "malformed",
		destination: ""
	};
	const parsed = new URL(url);
	const path = parsed.pathname + parsed.search;
	return {
		kind: "http",
		destination: parsed.origin,
		path,
		pathPrefix: path + (parsed.search === "" ? "?" : "&"),
		rpcMethod: parsed.searchParams.get("method") ?? "",
		authorization: basicAuthorization(parsed)
	};
}
function basicAuthorization({ username, password }) {
	if (username === "" && password === "") return "";
	return `Basic ${Buffer.from(`${decodePart(username)}:${decodePart(password)}`).toString("base64")}`;
}
function decodePart(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}
var LOCAL_SCHEME, TOPIC_SCHEME, DEFAULT_CACHE_SIZE, BranchTargets;
var init_branch_target = __esmMin((() => {
	LOCAL_SCHEME = "local://";
	TOPIC_SCHEME = "topic://";
	DEFAULT_CACHE_SIZE = 4096;
	BranchTargets = class {
		#halfSize;
		#young = new Map();
		#old = new Map();
		constructor(size = DEFAULT_CACHE_SIZE) {
			this.#halfSize = Math.max(1, Math.floor(size / 2));
		}
		of(url) {
			const known = this.#young.get(url);
			if (known !== void 0) return known;
			const target = this.#old.get(url) ?? parseBranchUrl(url);
			if (this.#young.size >= this.#halfSize) {
				this.#old = this.#young;
				this.#young = new Map();
			}
			this.#young.set(url, target);
			return target;
		}
		get size() {
			return this.#young.size + this.#old.size;
		}
	};
}));
// packages/runtime/src/branch-headers.ts
function branchHeaderFault(name, value) {
	if (!NAME$1.test(name)) return `header name ${JSON.stringify(name.slice(0, 64))} has characters that a name cannot have`;
	if (!VALUE.test(value)) return `value of header ${name} has characters that a header cannot carry`;
}
function headerList(headers, authorization) {
	let list;
	for (const name in headers) {
		if (CONNECTION_HEADERS.has(name.toLowerCase())) continue;
		const value = headers[name] ?? "";
		const fault = branchHeaderFault(name, value);
		if (fault !== void 0) throw new BranchHeaderError(fault);
		list ??= [...JSON_CONTENT];
		if (name.toLowerCase() === "content-type") list[1] = value;
		else list.push(name, value);
	}
	if (authorization === "" || list?.some((text) => text.toLowerCase() === "authorization")) return list ?? JSON_CONTENT;
	return [
		...list ?? JSON_CONTENT,
		"authorization",
		authorization
	];
}
var NAME$1, VALUE, CONNECTION_HEADERS, JSON_CONTENT, BranchHeaderError;
var init_branch_headers = __esmMin((() => {
	NAME$1 = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
	VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
	CONNECTION_HEADERS = new Set([
		"connection",
		"content-length",
		"expect",
		"host",
		"keep-alive",
		"proxy-connection",
		"te",
		"trailer",
		"transfer-encoding",
		"upgrade"
	]);
	JSON_CONTENT = ["content-type", "application/json"];
	BranchHeaderError = class extends Error {
		name = "BranchHeaderError";
	};
}));
// packages/runtime/src/connection-pools.ts
var DEFAULT_MAX_ORIGINS, DEFAULT_IDLE_MS, ConnectionPools;
var init_connection_pools = __esmMin((() => {
	init_http_settings();
	DEFAULT_MAX_ORIGINS = 512;
	DEFAULT_IDLE_MS = 6e4;
	ConnectionPools = class {
		#settings;
		#maxOrigins;
		#idleMs;
		#nowMs;
		#pools = new Map();
		#sweep;
		#closed = false;
		constructor(options = {}) {
			this.#settings = options.settings ?? HTTP_CLIENT_SETTINGS;
			this.#maxOrigins = options.maxOrigins ?? DEFAULT_MAX_ORIGINS;
			this.#idleMs = options.idleMs ?? DEFAULT_IDLE_MS;
			this.#nowMs = options.nowMs ?? performance.now.bind(performance);
			this.#sweep = setInterval(() => this.closeIdle(), Math.max(1, this.#idleMs / 2)).unref();
		}
		acquire(origin) {
			const found = this.#pools.get(origin) ?? this.#add(origin);
			if (found === void 0) return void 0;
			found.running++;
			return found;
		}
		get size() {
			return this.#pools.size;
		}
		closeIdle() {
			const beforeMs = this.#nowMs() - this.#idleMs;
			for (const [origin, entry] of this.#pools) if (entry.running === 0 && entry.lastUsedMs <= beforeMs) this.#drop(origin, entry);
		}
		async close() {
			this.#closed = true;
			clearInterval(this.#sweep);
			const pools = [...this.#pools.values()];
			this.#pools.clear();
			await Promise.all(pools.map(({ pool }) => pool.destroy()));
		}
		#add(origin) {
			if (this.#closed || this.#pools.size >= this.#maxOrigins && !this.#makeRoom()) return void 0;
			const entry = {
				pool: new UndiciPool(origin, this.#settings),
				running: 0,
				lastUsedMs: 0,
				release: () => {
					entry.running--;
					if (entry.running === 0) entry.lastUsedMs = this.#nowMs();
				}
			};
			this.#pools.set(origin, entry);
			return entry;
		}
		#makeRoom() {
			let oldest;
			for (const candidate of this.#pools) {
				if (candidate[1].running > 0) continue;
				if (oldest === void 0 || candidate[1].lastUsedMs < oldest[1].lastUsedMs) oldest = candidate;
			}
			if (oldest === void 0) return false;
			this.#drop(...oldest);
			return true;
		}
		#drop(origin, entry) {
			this.#pools.delete(origin);
			entry.pool.destroy().catch(() => {});
		}
	};
}));
// packages/runtime/src/http-exchange.ts
function exchange(dispatcher, request, read, onDone) {
	return new Promise((resolve) => {
		const call = new HttpExchange(request, read, resolve, onDone);
		dispatcher.dispatch(call, call);
	});
}
function describeNetworkError(error) {
	if (error instanceof AggregateError) return error.errors.map((one) => one instanceof Error ? one.message : String(one)).join("; ");
	return error.message === "" ? "code" in error ? String(error.code) : error.name : error.message;
}
var MAX_ANSWER_BYTES, onDeadline, HttpExchange;
var init_http_exchange = __esmMin((() => {
	init_src$3();
	init_system_clock();
	MAX_ANSWER_BYTES = 65536;
	onDeadline = (call) => call.timeOut();
	HttpExchange = class {
		path;
		method;
		headers;
		body;
		headersTimeout = 0;
		bodyTimeout = 0;
		timeoutMs;
		read;
		resolve;
		onDone;
		deadline;
		abort;
		settled = false;
		status = 0;
		first;
		rest;
		bytes = 0;
		constructor(request, read, resolve, onDone) {
			this.path = request.path;
			this.method = request.method;
			this.headers = request.headers;
			this.body = request.body;
			this.timeoutMs = request.timeoutMs;
			this.read = read;
			this.resolve = resolve;
			this.onDone = onDone;
			this.deadline = setTimeout(onDeadline, Math.min(request.timeoutMs, LONGEST_TIMER_MS), this);
		}
		timeOut() {
			this.settle(branchResult("UNKNOWN", `no answer within ${this.timeoutMs} ms`));
			this.abort?.(new Error("timed out"));
		}
		onConnect(abort) {
			if (this.settled) abort(new Error("timed out"));
			else this.abort = abort;
		}
		onHeaders(status) {
			this.status = status;
			return true;
		}
		onData(chunk) {
			if (this.bytes < 65536) {
				if (this.first === void 0) this.first = chunk;
				else (this.rest ??= []).push(chunk);
			}
			this.bytes += chunk.length;
			return true;
		}
		onComplete() {
			this.onDone();
			if (this.settled) return;
			const truncated = this.bytes > MAX_ANSWER_BYTES;
			this.settle(this.read(this.status, this.text(), truncated));
		}
		onError(error) {
			this.onDone();
			this.settle(branchResult("UNKNOWN", describeNetworkError(error)));
		}
		text() {
			if (this.first === void 0) return "";
			return (this.rest === void 0 ? this.first : Buffer.concat([this.first, ...this.rest])).toString("utf8", 0, MAX_ANSWER_BYTES);
		}
		settle(result) {
			if (this.settled) return;
			this.settled = true;
			clearTimeout(this.deadline);
			this.resolve(result);
		}
	};
}));
// packages/runtime/src/local-branches.ts
async function run(branch, call) {
	try {
		return {
			result: SUCCESS$1,
			value: await branch(call)
		};
	} catch (thrown) {
		return {
			result: resultOfThrown(thrown),
			value: void 0
		};
	}
}
var LocalBranches, unknown$1, Call;
var init_local_branches = __esmMin((() => {
	init_src$3();
	init_system_clock();
	LocalBranches = class {
		#branches = new Map();
		register(name, branch) {
			if (name === "") throw new TypeError("a local branch needs a name");
			if (this.#branches.has(name)) throw new TypeError(`a local branch named ${name} is registered already`);
			this.#branches.set(name, branch);
		}
		unregister(name) {
			this.#branches.delete(name);
		}
		has(name) {
			return this.#branches.has(name);
		}
		async call(name, request) {
			return (await this.ask(name, request)).result;
		}
		ask(name, request) {
			const branch = this.#branches.get(name);
			if (branch === void 0) return Promise.resolve(unknown$1(`no local branch named ${name} is registered in this process`));
			return new Promise((resolve) => {
				const call = new Call(request);
				const deadline = setTimeout(() => {
					resolve(unknown$1(`no answer within ${request.timeoutMs} ms`));
					call.end();
				}, Math.min(request.timeoutMs, LONGEST_TIMER_MS));
				const answered = (answer) => {
					clearTimeout(deadline);
					resolve(answer);
				};
				run(branch, call).then(answered);
			});
		}
	};
	unknown$1 = (reason) => ({
		result: branchResult("UNKNOWN", reason),
		value: void 0
	});
	Call = class {
		gid;
		pattern;
		branchId;
		op;
		payload;
		headers;
		#ended = false;
		#abort;
		constructor({ gid, pattern, branchId, op, payload, headers }) {
			this.gid = gid;
			this.pattern = pattern;
			this.branchId = branchId;
			this.op = op;
			this.payload = payload;
			this.headers = headers;
		}
		get signal() {
			if (this.#abort === void 0) {
				this.#abort = new AbortController();
				if (this.#ended) this.#abort.abort();
			}
			return this.#abort.signal;
		}
		json() {
			const { buffer, byteOffset, byteLength } = this.payload;
			return byteLength === 0 ? void 0 : JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString("utf8"));
		}
		end() {
			this.#ended = true;
			this.#abort?.abort();
		}
	};
}));
// packages/runtime/src/http-caller.ts
function callHttp(pools, request, target) {
	const hasBody = request.payload.length > 0;
	return send(pools, target, readHttpAnswer, {
		method: hasBody || request.pattern === "xa" ? "POST" : "GET",
		path: target.pathPrefix + coordinates(request),
		headers: headerList(request.headers, target.authorization),
		body: hasBody ? request.payload : null,
		timeoutMs: request.timeoutMs
	});
}
function send(pools, target, read, request) {
	const entry = pools.acquire(target.destination);
	if (entry === void 0) return Promise.resolve(NO_ROOM);
	return exchange(entry.pool, request, read, entry.release);
}
function coordinates({ gid, pattern, branchId, op }) {
	return `gid=${encode(gid)}&trans_type=${pattern}&branch_id=${encode(branchId)}&op=${encode(op)}`;
}
var NO_ROOM, PLAIN, encode, readHttpAnswer;
var init_http_caller = __esmMin((() => {
	init_src$3();
	init_branch_headers();
	init_http_exchange();
	NO_ROOM = {
		...branchResult("UNKNOWN", "too many different destinations are being called at once"),
		deferred: true
	};
	PLAIN = /^[\w.~-]+$/;
	encode = (text) => PLAIN.test(text) ? text : encodeURIComponent(text);
	readHttpAnswer = (status, body, truncated) => {
		if (!truncated) return resultOfHttp(status, body);
		if (body.includes("ONGOING") || body.includes("FAILURE")) return branchResult("UNKNOWN", `HTTP ${status}, answer too long to be read: ${body}`);
		return resultOfHttp(status, "");
	};
}));
// packages/runtime/src/json-rpc-caller.ts
function callJsonRpc(pools, request, target) {
	const params = paramsOf$1(request);
	if (params === void 0) return Promise.resolve(branchResult("UNKNOWN", "the payload of a JSON-RPC branch must be a JSON object"));
	const id = JSON.stringify(`${request.gid}-${request.branchId}-${request.op}`);
	return send(pools, target, readJsonRpcAnswer, {
		method: "POST",
		path: target.path,
		headers: headerList(request.headers, target.authorization),
		body: `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(target.rpcMethod)},"params":${params}}`,
		timeoutMs: request.timeoutMs
	});
}
function paramsOf$1({ payload, gid, pattern, branchId, op }) {
	const coordinates = JSON.stringify({
		gid,
		trans_type: pattern,
		branch_id: branchId,
		op
	});
	const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString().trim();
	if (text === "" || text === "null") return coordinates;
	const fields = fieldsOf(text);
	if (fields === void 0) return void 0;
	return fields === 0 ? coordinates : `${text.slice(0, -1)},${coordinates.slice(1)}`;
}
function fieldsOf(text) {
	try {
		const json = JSON.parse(text);
		if (typeof json !== "object" || json === null || Array.isArray(json)) return void 0;
		return Object.keys(json).length;
	} catch {
		return;
	}
}
var readJsonRpcAnswer;
var init_json_rpc_caller = __esmMin((() => {
	init_src$3();
	init_branch_headers();
	init_http_caller();
	readJsonRpcAnswer = (status, body, truncated) => truncated ? branchResult("UNKNOWN", `HTTP ${status}, answer too long to be read: ${body}`) : resultOfJsonRpc(status, body);
}));
// packages/runtime/src/branch-router.ts
var NOTHING_TO_DO, BranchRouter, unknown;
var init_branch_router = __esmMin((() => {
	init_src$3();
	init_branch_headers();
	init_branch_target();
	init_connection_pools();
	init_http_caller();
	init_json_rpc_caller();
	init_local_branches();
	NOTHING_TO_DO = Promise.resolve(SUCCESS$1);
	BranchRouter = class {
		#pools;
		#locals;
		#targets;
		constructor(options = {}) {
			this.#pools = options.pools ?? new ConnectionPools();
			this.#locals = options.locals ?? new LocalBranches();
			this.#targets = options.targets ?? new BranchTargets();
		}
		call(request) {
			if (request.url === "") return NOTHING_TO_DO;
			try {
				return this.#route(request);
			} catch (error) {
				if (!(error instanceof BranchHeaderError)) throw error;
				return Promise.resolve(branchResult("UNKNOWN", `branch_headers: ${error.message}`));
			}
		}
		destinationOf(url) {
			return url === "" ? "" : this.#targets.of(url).destination;
		}
		close() {
			return this.#pools.close();
		}
		#route(request) {
			const target = this.#targets.of(request.url);
			switch (target.kind) {
				case "http": return request.protocol === "json-rpc" && target.rpcMethod !== "" ? callJsonRpc(this.#pools, request, target) : callHttp(this.#pools, request, target);
				case "local": return this.#locals.call(target.name, request);
				case "grpc": return unknown(`gRPC branches are not supported by this version: ${request.url}`);
				case "topic": return unknown(`a topic can only be the action of a message's step: ${request.url}`);
				case "malformed": return unknown(`not a URL that can be called: ${request.url}`);
			}
		}
	};
	unknown = (reason) => Promise.resolve(branchResult("UNKNOWN", reason));
}));
// packages/runtime/src/alert-web-hook.ts
var DEFAULT_TIMEOUT_MS, DEFAULT_RETRY_DELAYS_MS, DEFAULT_MAX_QUEUED, AlertWebHook, bodyOf, readAnswer;
var init_alert_web_hook = __esmMin((() => {
	init_src$3();
	init_branch_headers();
	init_branch_target();
	init_http_caller();
	DEFAULT_TIMEOUT_MS = 5e3;
	DEFAULT_RETRY_DELAYS_MS = [
		1e3,
		5e3,
		25e3
	];
	DEFAULT_MAX_QUEUED = 1e3;
	AlertWebHook = class {
		#options;
		#target;
		#queue = [];
		#delivering = false;
		#closed = false;
		#endPause;
		constructor(options) {
			const target = parseBranchUrl(options.url);
			if (target.kind !== "http") throw new TypeError(`the alert web hook needs an http:// or https:// URL: ${options.url}`);
			this.#options = options;
			this.#target = target;
		}
		notify(alert) {
			if (this.#closed) return this.#giveUp(alert, "shutting down");
			this.#queue.push(alert);
			if (!this.#delivering) this.#deliverAll();
			else if (this.#queue.length > (this.#options.maxQueued ?? DEFAULT_MAX_QUEUED)) {
				const oldest = this.#queue.shift();
				if (oldest !== void 0) this.#giveUp(oldest, "too many alerts are waiting");
			}
		}
		close() {
			this.#closed = true;
			for (const alert of this.#queue.splice(0)) this.#giveUp(alert, "shutting down");
			this.#endPause?.();
		}
		async #deliverAll() {
			this.#delivering = true;
			for (let alert = this.#queue.shift(); alert !== void 0; alert = this.#queue.shift()) {
				const failure = await this.#deliver(alert);
				if (failure !== void 0) this.#giveUp(alert, failure);
			}
			this.#delivering = false;
		}
		async #deliver(alert) {
			let failure;
			for (const delayMs of [0, ...this.#options.retryDelaysMs ?? DEFAULT_RETRY_DELAYS_MS]) {
				if (delayMs > 0) await this.#pause(delayMs);
				if (this.#closed) return failure ?? "shutting down";
				failure = await this.#post(alert);
				if (failure === void 0) return void 0;
			}
			return failure;
		}
		async #post(alert) {
			const result = await send(this.#options.pools, this.#target, readAnswer, {
				method: "POST",
				path: this.#target.path,
				headers: headerList({}, this.#target.authorization),
				body: bodyOf(alert),
				timeoutMs: this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS
			});
			return result.kind === "SUCCESS" ? void 0 : result.reason;
		}
		#pause(delayMs) {
			return new Promise((resolve) => {
				const timer = this.#options.clock.setTimer(delayMs, resolve);
				this.#endPause = () => {
					timer.cancel();
					resolve();
				};
			});
		}
		#giveUp(alert, reason) {
			const { gid, branch } = alert;
			this.#options.logger.error({
				gid,
				branch,
				reason
			}, "alert web hook: an alert was not delivered");
		}
	};
	bodyOf = ({ gid, status, branch, error, retryCount }) => JSON.stringify({
		gid,
		status,
		branch,
		error,
		retry_count: retryCount
	});
	readAnswer = (status) => status >= 200 && status < 300 ? SUCCESS$1 : branchResult("UNKNOWN", `HTTP ${status}`);
}));
// packages/runtime/src/start-coordinator.ts
async function startCoordinator(options) {
	const { store, logger } = options;
	const locals = options.locals ?? new LocalBranches();
	const pools = new ConnectionPools({
		settings: clientSettings(options.engine),
		...options.connections
	});
	const caller = new BranchRouter({
		pools,
		locals
	});
	const alerts = options.alertWebHook === void 0 ? void 0 : new AlertWebHook({
		url: options.alertWebHook,
		pools,
		clock: systemClock,
		logger
	});
	await store.open();
	const node = options.engine?.node;
	const engine = new Engine({
		store,
		caller,
		clock: systemClock,
		random: Math.random,
		identities: systemIdentities(node === void 0 ? {} : { node }),
		logger,
		alert: (alert) => {
			alerts?.notify(alert);
			options.onAlert?.(alert);
		},
		...options.observer !== void 0 && { observer: options.observer }
	}, options.engine);
	const release = async () => {
		alerts?.close();
		await pools.close();
		await store.close();
	};
	try {
		await engine.start();
	} catch (error) {
		await release();
		throw error;
	}
	let closing;
	return {
		engine,
		store,
		locals,
		close: (drainMs) => closing ??= drainAnd(release, engine, drainMs, logger)
	};
}
async function drainAnd(release, engine, drainMs, logger) {
	try {
		const left = await engine.drain(drainMs);
		if (left > 0) logger.info({ transactions: left }, "what is unfinished goes on at the next start or on another node");
	} finally {
		await release();
	}
}
var clientSettings;
var init_start_coordinator = __esmMin((() => {
	init_src$2();
	init_alert_web_hook();
	init_branch_router();
	init_connection_pools();
	init_http_settings();
	init_identities();
	init_local_branches();
	init_system_clock();
	clientSettings = ({ maxCallsPerDestination } = {}) => ({
		...HTTP_CLIENT_SETTINGS,
		connections: maxCallsPerDestination ?? DEFAULT_ENGINE_OPTIONS.maxCallsPerDestination
	});
}));
// packages/runtime/src/handlers/acceptance.ts
function acceptHeaders(gid, headers) {
	let count = 0;
	let characters = 0;
	for (const [name, value] of Object.entries(headers)) {
		const field = `branch_headers[${JSON.stringify(name.slice(0, 64))}]`;
		const fault = branchHeaderFault(name, value);
		if (fault !== void 0) throw new HoldfastError("invalid", `${field}: ${fault}`, {
			gid,
			field
		});
		count++;
		characters += name.length + value.length;
	}
	if (count > MAX_BRANCH_HEADERS) throw tooLarge$1(gid, "branch_headers", MAX_BRANCH_HEADERS, "entries");
	if (characters > MAX_BRANCH_HEADER_CHARACTERS) throw tooLarge$1(gid, "branch_headers", MAX_BRANCH_HEADER_CHARACTERS, "characters");
}
function tooLarge$1(gid, field, limit, unit) {
	return new HoldfastError("too_large", `${field} must have at most ${limit} ${unit}`, {
		gid,
		field
	});
}
var DEFAULT_ACCEPTANCE_LIMITS, BRANCHES_COME_LATER, MAX_BRANCH_HEADERS, MAX_BRANCH_HEADER_CHARACTERS, Acceptance;
var init_acceptance = __esmMin((() => {
	init_src$3();
	init_branch_headers();
	init_branch_target();
	DEFAULT_ACCEPTANCE_LIMITS = {
		maxSteps: LIMITS.steps,
		maxPayloadBytes: LIMITS.payloadBytes,
		maxPageSize: LIMITS.pageSize
	};
	BRANCHES_COME_LATER = new Set([
		"tcc",
		"xa",
		"workflow"
	]);
	MAX_BRANCH_HEADERS = 100;
	MAX_BRANCH_HEADER_CHARACTERS = 8192;
	Acceptance = class {
		#limits;
		#home;
		#targets = new BranchTargets();
		constructor(limits = DEFAULT_ACCEPTANCE_LIMITS, home) {
			this.#limits = limits;
			this.#home = home;
		}
		transaction(input) {
			const { gid, protocol, steps = [], payloads = [], queryPrepared, options } = input;
			const { maxSteps, maxPayloadBytes } = this.#limits;
			if (steps.length > maxSteps) throw tooLarge$1(gid, "steps", maxSteps, "entries");
			for (let index = 0; index < steps.length; index++) {
				const step = steps[index];
				if (step === void 0) continue;
				if (!this.#callable(step.action)) this.#refuse(gid, `steps[${index}].action`, step.action, protocol, input.pattern);
				if (!this.#callable(step.compensate)) this.#refuse(gid, `steps[${index}].compensate`, step.compensate, protocol);
			}
			for (let index = 0; index < payloads.length; index++) if ((payloads[index]?.length ?? 0) > maxPayloadBytes) throw tooLarge$1(gid, `payloads[${index}]`, maxPayloadBytes, "bytes");
			if (queryPrepared !== void 0 && !this.#callable(queryPrepared)) this.#refuse(gid, "query_prepared", queryPrepared, protocol);
			if (options?.branchHeaders !== void 0) acceptHeaders(gid, options.branchHeaders);
			return this.#home === void 0 || !BRANCHES_COME_LATER.has(input.pattern) ? input : {
				...input,
				group: this.#home.group
			};
		}
		registrations(gid, branches) {
			for (const { op, url, payload } of branches) {
				if (!this.#callable(url)) this.#refuse(gid, op === "commit" || op === "rollback" ? "url" : op, url);
				if (payload.length > this.#limits.maxPayloadBytes) throw tooLarge$1(gid, "data", this.#limits.maxPayloadBytes, "bytes");
			}
		}
		subscriber(url) {
			if (!this.#callable(url)) this.#refuse(void 0, "url", url);
		}
		pageSize(asked) {
			return Math.min(asked, this.#limits.maxPageSize);
		}
		#callable(url) {
			if (url === "") return true;
			const target = this.#targets.of(url);
			return target.kind === "http" || target.kind === "local" && this.#home?.locals.has(target.name) === true;
		}
		#refuse(gid, field, url, protocol, pattern) {
			const target = this.#targets.of(url);
			if (target.kind === "topic" && pattern === "msg") return;
			throw new HoldfastError("invalid", `${field}: ${this.#faultOf(target, protocol)}: ${url.slice(0, 200)}`, {
				field,
				...gid !== void 0 && gid !== "" && { gid }
			});
		}
		#faultOf({ kind }, protocol) {
			if (kind === "grpc" || kind === "malformed" && protocol === "grpc") return "gRPC branches are not supported by this version";
			if (kind === "local") return this.#home === void 0 ? "a local:// branch cannot be named over the network, only by the process that hosts it" : "no branch of that name was given to this process when it started";
			if (kind === "topic") return "only the action of a message's step can be a topic";
			return "not an http:// or https:// URL";
		}
	};
}));
// packages/runtime/src/handlers/table.ts
function createHandlers({ coordinator, acceptance, store, version, node, uptimeMs }) {
	return {
		newGid: () => coordinator.newGid(),
		prepare: (context, input) => coordinator.prepare(context, acceptance.transaction(input)),
		submit: (context, input) => coordinator.submit(context, acceptance.transaction(input)),
		finishWorkflow: (context, input) => coordinator.finishWorkflow(context, input),
		abort: (context, input) => coordinator.abort(context, input),
		registerBranch: (context, input) => {
			acceptance.registrations(input.gid, input.branches);
			return coordinator.registerBranch(context, input);
		},
		prepareWorkflow: (context, input) => coordinator.prepareWorkflow(context, acceptance.transaction(input)),
		parkWorkflow: (context, input) => coordinator.parkWorkflow(context, input),
		forceStop: (context, gid) => coordinator.forceStop(context, gid),
		retryNow: (context, gid) => coordinator.retryNow(context, gid),
		retryWaiting: (context, input) => coordinator.retryWaiting(context, input),
		get: (context, gid) => coordinator.get(context, gid),
		list: (context, query) => coordinator.list(context, {
			...query,
			limit: acceptance.pageSize(query.limit)
		}),
		wait: (context, { gid, timeoutMs }) => coordinator.wait(context, gid, timeoutMs),
		subscribe: (context, input) => {
			acceptance.subscriber(input.url);
			return coordinator.subscribe(context, input);
		},
		unsubscribe: (context, input) => coordinator.unsubscribe(context, input),
		deleteTopic: (context, topic) => coordinator.deleteTopic(context, topic),
		scanKeyValues: (context, query) => coordinator.scanKeyValues(context, {
			...query,
			limit: acceptance.pageSize(query.limit)
		}),
		queryKeyValue: (context, query) => coordinator.queryKeyValue(context, query),
		nodes: (context) => coordinator.nodes(context),
		status: async (context) => ({
			version,
			node,
			uptimeMs: uptimeMs(),
			store,
			load: coordinator.load(),
			counts: await coordinator.counts(context)
		}),
		ready: () => coordinator.ready()
	};
}
var init_table = __esmMin((() => {}));
// packages/runtime/src/reading/defined.ts
function defined(fields) {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== void 0));
}
var init_defined = __esmMin((() => {}));
// packages/runtime/src/reading/parse.ts
function parse$1(schema, value) {
	const read = schema.safeParse(value);
	if (read.success) return read.data;
	const issue = read.error.issues[0];
	const field = issue === void 0 ? "" : fieldPath(issue.path);
	const gid = gidOf$1(value);
	throw new HoldfastError("invalid", `${field === "" ? "the request" : field}: ${issue?.message ?? "invalid"}`, {
		...field !== "" && { field },
		...gid !== "" && { gid }
	});
}
function fieldPath(path) {
	return path.map((part, index) => typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`).join("");
}
function gidOf$1(value) {
	const gid = typeof value === "object" && value !== null && "gid" in value ? value.gid : void 0;
	return typeof gid === "string" ? gid : "";
}
function invalid$1(gid, field, fault) {
	return new HoldfastError("invalid", `${field}: ${fault}`, {
		field,
		...gid !== "" && { gid }
	});
}
function parseField(schema, gid, field, text) {
	let value;
	try {
		value = JSON.parse(text);
	} catch {
		throw invalid$1(gid, field, "not a JSON text");
	}
	try {
		return parse$1(schema, value);
	} catch (error) {
		const { field: inner } = HoldfastError.from(error);
		const path = inner === void 0 ? field : `${field}.${inner}`;
		const { message } = error;
		throw invalid$1(gid, path, inner === void 0 ? message : message.slice(inner.length + 2));
	}
}
var init_parse = __esmMin((() => {
	init_src$3();
}));
// packages/runtime/src/reading/query-reader.ts
var QueryReader;
var init_query_reader = __esmMin((() => {
	init_src$3();
	QueryReader = class {
		#query;
		constructor(query) {
			this.#query = query;
		}
		text(name) {
			return this.#query.get(name) ?? "";
		}
		count(name) {
			const text = this.text(name);
			if (text === "") return void 0;
			const value = Number(text);
			if (!/^\d{1,15}$/.test(text) || !Number.isSafeInteger(value)) throw new HoldfastError("invalid", `${name}: must be a whole number, not ${JSON.stringify(text.slice(0, 64))}`, { field: name });
			return value;
		}
		flag(name) {
			const text = this.text(name);
			if (text === "") return void 0;
			if (text === "true" || text === "1") return true;
			if (text === "false" || text === "0") return false;
			throw new HoldfastError("invalid", `${name}: must be true or false`, { field: name });
		}
		oneOf(name, values) {
			const text = this.text(name);
			if (text === "") return void 0;
			const value = values.find((one) => one === text);
			if (value === void 0) throw new HoldfastError("invalid", `${name}: must be one of ${values.join(", ")}`, { field: name });
			return value;
		}
	};
}));
// packages/runtime/src/v1/json-bytes.ts
var bytesOf;
var init_json_bytes = __esmMin((() => {
	bytesOf = (json) => Buffer.from(json === void 0 ? "" : JSON.stringify(json));
}));
// packages/runtime/src/v1/read-branch.ts
function readRegistration$1(body) {
	const request = parse$1(branchRegistrationRequest, body);
	return {
		pattern: request.pattern,
		branches: branchesOf$1(request)
	};
}
function branchesOf$1(request) {
	const { branchId } = request;
	switch (request.pattern) {
		case "tcc": {
			const common = {
				branchId,
				payload: bytesOf(request.payload),
				status: "prepared"
			};
			return [{
				...common,
				op: "cancel",
				url: request.cancel
			}, {
				...common,
				op: "confirm",
				url: request.confirm
			}];
		}
		case "xa": {
			const common = {
				branchId,
				url: request.url,
				payload: bytesOf(void 0),
				status: "prepared"
			};
			return [{
				...common,
				op: "rollback"
			}, {
				...common,
				op: "commit"
			}];
		}
		case "workflow": {
			const { op, status, data = "" } = request;
			return [{
				branchId,
				op,
				url: "",
				status,
				payload: Buffer.from(data, "base64")
			}];
		}
	}
}
var init_read_branch$1 = __esmMin((() => {
	init_src$3();
	init_parse();
	init_json_bytes();
}));
// packages/runtime/src/v1/contradictions.ts
function refuseContradictions(request) {
	const { gid = "", pattern } = request;
	for (const [field, patterns, why] of BELONGS_TO) if (request[field] !== void 0 && !patterns.includes(pattern)) throw invalid$1(gid, field, `${why}, this is a ${pattern}`);
	if (REGISTERED.includes(pattern)) refuseSteps(request);
	else if (request.steps.length === 0) throw invalid$1(gid, "steps", `a ${pattern} has at least one`);
	if (pattern === "workflow" && request.workflow === void 0) throw invalid$1(gid, "workflow", "a workflow has a name, by which it is called back");
	if (pattern === "msg") refuseCompensations(request);
}
function refuseSteps({ gid = "", pattern, status, steps }) {
	if (steps.length > 0) throw invalid$1(gid, "steps", `a ${pattern} has none: its branches are registered one by one while it is prepared`);
	if (status === "submitted") throw invalid$1(gid, "status", `a ${pattern} begins as prepared: ${pattern === "workflow" ? "its own code ends it" : "submit it when its branches are registered"}`);
}
function refuseCompensations({ gid = "", steps }) {
	const index = steps.findIndex(({ compensate }) => compensate !== void 0);
	if (index >= 0) throw invalid$1(gid, `steps[${index}].compensate`, "a message is never rolled back, only a saga compensates");
}
var BELONGS_TO, REGISTERED;
var init_contradictions = __esmMin((() => {
	init_parse();
	BELONGS_TO = [
		[
			"workflow",
			["workflow"],
			"only a workflow has a name and an input"
		],
		[
			"queryPrepared",
			["msg", "workflow"],
			"only a message and a workflow are asked back"
		],
		[
			"concurrent",
			["saga", "msg"],
			"only a saga and a message have steps to run at once"
		],
		[
			"retryLimit",
			["saga"],
			"only a saga is rolled back for its retries"
		],
		[
			"delayMs",
			["msg"],
			"only a message can be delayed"
		]
	];
	REGISTERED = [
		"tcc",
		"xa",
		"workflow"
	];
}));
// packages/runtime/src/v1/read-request.ts
function readCreation(body) {
	const request = parse$1(transactionRequest, body);
	refuseContradictions(request);
	const orders = ordersOf$1(request);
	const { pattern, workflow } = request;
	const input = {
		gid: request.gid ?? "",
		pattern,
		steps: request.steps.map(stepOf),
		payloads: request.steps.map(({ payload }) => bytesOf(payload)),
		options: optionsOf$2(request, orders !== void 0),
		...defined({
			protocol: request.protocol,
			queryPrepared: request.queryPrepared,
			orders
		}),
		...workflow !== void 0 && {
			workflowName: workflow.name,
			workflowData: bytesOf(workflow.input)
		}
	};
	return {
		status: request.status ?? (pattern === "saga" || pattern === "msg" ? "submitted" : "prepared"),
		input
	};
}
function optionsOf$2(request, ordered) {
	const { timeoutToFailMs, retryIntervalMs, requestTimeoutMs, retryLimit, delayMs, branchHeaders } = request;
	return defined({
		timeoutToFailMs,
		retryIntervalMs,
		requestTimeoutMs,
		retryLimit,
		delayMs,
		branchHeaders,
		concurrent: ordered || request.concurrent
	});
}
function ordersOf$1({ steps, concurrent, pattern }) {
	const orders = {};
	for (const [index, { after }] of steps.entries()) {
		if (after === void 0) continue;
		const field = `steps[${index}].after`;
		if (pattern !== "saga") throw new HoldfastError("invalid", `${field}: only the steps of a saga can be ordered`, { field });
		if (concurrent === false) throw new HoldfastError("invalid", `${field}: a saga that is not concurrent runs its steps in their order`, { field });
		orders[index] = after;
	}
	return Object.keys(orders).length === 0 ? void 0 : orders;
}
function readListQuery$1(query) {
	return {
		...defined({
			gid: query.text("gid") || void 0,
			status: query.oneOf("status", STATUSES),
			pattern: query.oneOf("pattern", PATTERNS),
			attention: query.flag("attention"),
			createdFromMs: query.count("createdFromMs"),
			createdToMs: query.count("createdToMs"),
			cursor: query.text("cursor") || void 0
		}),
		limit: query.count("limit") || 100
	};
}
var stepOf;
var init_read_request = __esmMin((() => {
	init_src$3();
	init_parse();
	init_defined();
	init_query_reader();
	init_json_bytes();
	init_contradictions();
	stepOf = ({ action, compensate, requestTimeoutMs }) => ({
		action,
		compensate: compensate ?? "",
		...requestTimeoutMs !== void 0 && { requestTimeoutMs }
	});
}));
// packages/runtime/src/v1/write-view.ts
function writeSummary(view) {
	const { namespace, gid, pattern, status, attention, state } = view;
	return {
		namespace,
		gid,
		pattern,
		status,
		rollbackReason: state.rollbackReason,
		attention,
		parked: state.parked,
		createdAtMs: view.createdAtMs,
		updatedAtMs: view.updatedAtMs,
		finishedAtMs: view.finishedAtMs,
		dueAtMs: view.dueAtMs,
		owner: view.owner
	};
}
function lastResultOf({ state }) {
	const last = state.timeline.findLast((entry) => entry.kind === "call");
	return last === void 0 || last.result === "SUCCESS" ? null : {
		kind: last.result,
		reason: last.reason
	};
}
function writeStatus({ version, node, uptimeMs, store, load, counts }) {
	const { session, ...figures } = load;
	const { name, durable, exclusive } = store;
	return {
		version,
		node,
		session,
		uptimeMs: Math.round(uptimeMs),
		store: {
			name,
			durable,
			exclusive
		},
		load: figures,
		counts: {
			byStatus: { ...counts.byStatus },
			attention: counts.attention
		}
	};
}
var writeReply, writeDetails, writeProgress, writeTopic, writeNodes;
var init_write_view = __esmMin((() => {
	init_src$3();
	writeReply = (view) => ({
		...writeSummary(view),
		lastResult: isFinal(view.status) ? null : lastResultOf(view)
	});
	writeDetails = (view) => ({
		...writeSummary(view),
		version: view.version,
		result: view.state.result,
		queryPrepared: view.definition.queryPrepared,
		branches: view.branches.map(({ branchId, op, url, status, started, attempts, nextAttemptAtMs, finishedAtMs }) => ({
			branchId,
			op,
			url,
			status,
			started,
			attempts,
			nextAttemptAtMs,
			finishedAtMs
		})),
		timeline: [...view.state.timeline],
		timelineOmitted: view.state.timelineOmitted
	});
	writeProgress = ({ gid, status, state, branches }) => ({
		gid,
		status,
		rollbackReason: state.rollbackReason,
		result: state.result,
		steps: branches.map(({ branchId, op, status: outcome, payload }) => ({
			branchId,
			op,
			status: outcome,
			data: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("base64")
		}))
	});
	writeTopic = ({ key, version, value }) => ({
		topic: key,
		version,
		subscribers: JSON.parse(value)
	});
	writeNodes = (rows) => ({ items: [...rows] });
}));
// packages/runtime/src/v1/api-v1.ts
function aboutPayload(error) {
	const { code, message, gid = "", field } = error;
	return field === "data" ? new HoldfastError(code, message.replace("data", "payload"), {
		gid,
		field: "payload"
	}) : error;
}
function assertPattern({ gid, pattern, status }, expected) {
	if (pattern !== expected) throw new HoldfastError("refused", `${gid} is a ${pattern}, not a ${expected}`, {
		gid,
		field: "pattern",
		status
	});
}
var TOPICS, ApiV1;
var init_api_v1 = __esmMin((() => {
	init_src$3();
	init_defined();
	init_parse();
	init_query_reader();
	init_read_branch$1();
	init_read_request();
	init_write_view();
	TOPICS = "topics";
	ApiV1 = class {
		#handlers;
		constructor(handlers) {
			this.#handlers = handlers;
		}
		async create(context, body, waitMs) {
			const { status, input: read } = readCreation(body);
			const input = read.gid === "" ? {
				...read,
				gid: await this.#handlers.newGid(context, void 0)
			} : read;
			if (input.pattern === "workflow") await this.#findOrCreate(context, input);
			else if (status === "prepared") await this.#handlers.prepare(context, input);
			else await this.#handlers.submit(context, input);
			return writeReply(await this.#viewAfter(context, input.gid, waitMs));
		}
		async submit(context, gid, waitMs) {
			const { pattern, status } = await this.#mustGet(context, gid);
			if (pattern === "workflow") throw new HoldfastError("refused", `${gid} is a workflow: its own code ends it`, {
				gid,
				status
			});
			await this.#handlers.submit(context, {
				gid,
				pattern
			});
			return writeReply(await this.#viewAfter(context, gid, waitMs));
		}
		async get(context, gid, waitMs) {
			return writeDetails(await this.#viewAfter(context, gid, waitMs));
		}
		async list(context, query) {
			const page = await this.#handlers.list(context, readListQuery$1(new QueryReader(query)));
			return {
				items: page.items.map(writeSummary),
				next: page.next
			};
		}
		async registerBranch(context, gid, body) {
			const { pattern, branches } = readRegistration$1(body);
			assertPattern(await this.#mustGet(context, gid), pattern);
			try {
				await this.#handlers.registerBranch(context, {
					gid,
					pattern,
					branches,
					strict: true
				});
			} catch (error) {
				throw pattern === "tcc" ? aboutPayload(HoldfastError.from(error)) : error;
			}
		}
		async progress(context, gid) {
			const view = await this.#mustGet(context, gid);
			assertPattern(view, "workflow");
			return writeProgress(view);
		}
		async finish(context, gid, body) {
			const { status, reason, result = "" } = parse$1(workflowEnd, body);
			if (status === "succeed" && reason !== void 0) throw invalid$1(gid, "reason", "tells why a workflow failed, and this one succeeds");
			await this.#handlers.finishWorkflow(context, {
				gid,
				status,
				rollbackReason: reason ?? "",
				result
			});
			return writeReply(await this.#mustGet(context, gid));
		}
		async park(context, gid, body) {
			const { reason } = parse$1(parkRequest, body);
			await this.#handlers.parkWorkflow(context, {
				gid,
				reason
			});
			return writeReply(await this.#mustGet(context, gid));
		}
		async abort(context, gid, body, waitMs) {
			const { reason, by = "operator" } = body === void 0 ? {} : parse$1(abortRequest, body);
			const byOperator = by === "operator";
			const why = reason ?? `aborted by ${byOperator ? "an" : "its"} ${by}`;
			await this.#handlers.abort(context, {
				gid,
				reason: why,
				byOperator
			});
			return this.get(context, gid, waitMs);
		}
		async retry(context, gid, waitMs) {
			await this.#handlers.retryNow(context, gid);
			return this.get(context, gid, waitMs);
		}
		async stop(context, gid, waitMs) {
			await this.#handlers.forceStop(context, gid);
			return this.get(context, gid, waitMs);
		}
		async topics(context, query) {
			const reader = new QueryReader(query);
			const page = await this.#handlers.scanKeyValues(context, {
				category: TOPICS,
				limit: reader.count("limit") || 100,
				...defined({ cursor: reader.text("cursor") || void 0 })
			});
			return {
				items: page.items.map(writeTopic),
				next: page.next
			};
		}
		async subscribe(context, topic, body) {
			const { url, remark } = parse$1(subscriberRequest, body);
			await this.#handlers.subscribe(context, {
				topic,
				url,
				remark: remark ?? ""
			});
		}
		async unsubscribe(context, topic, url) {
			await this.#handlers.unsubscribe(context, {
				topic,
				url
			});
		}
		async deleteTopic(context, topic) {
			await this.#handlers.deleteTopic(context, topic);
		}
		async nodes(context) {
			return writeNodes(await this.#handlers.nodes(context, void 0));
		}
		async status(context) {
			return writeStatus(await this.#handlers.status(context, void 0));
		}
		async #findOrCreate(context, input) {
			const { gid, status, definition } = await this.#handlers.prepareWorkflow(context, input);
			if (definition.workflowName !== input.workflowName) throw new HoldfastError("refused", `gid ${gid} belongs to a workflow named ${definition.workflowName}`, {
				gid,
				field: "workflow.name",
				status
			});
		}
		async #viewAfter(context, gid, waitMs) {
			return waitMs > 0 ? this.#handlers.wait(context, {
				gid,
				timeoutMs: waitMs
			}) : this.#mustGet(context, gid);
		}
		async #mustGet(context, gid) {
			const view = await this.#handlers.get(context, gid);
			if (view === void 0) throw new HoldfastError("not_found", `there is no transaction with gid ${gid}`, { gid });
			return view;
		}
	};
}));
// packages/runtime/src/v1/own-words.ts
function messageOf({ code, message, field }) {
	if (code === "internal") return "internal error; the log of the coordinator has the details";
	return field === void 0 || message.includes(field) ? message : `${field}: ${message}`;
}
var OWN_NAMES, inOwnWords;
var init_own_words = __esmMin((() => {
	OWN_NAMES = [
		[/\bpayloads\[(\d+)\]/g, "steps[$1].payload"],
		[/\bcustom_data\.orders\b/g, "steps[].after"],
		[/\bquery_prepared\b/g, "queryPrepared"],
		[/\bbranch_headers\b/g, "branchHeaders"],
		[/\bbranch_id\b/g, "branchId"],
		[/\btrans_type\b/g, "pattern"]
	];
	inOwnWords = (text) => OWN_NAMES.reduce((words, [wire, own]) => words.replaceAll(wire, own), text);
}));
// packages/runtime/src/index.ts
var init_src$1 = __esmMin((() => {
	init_system_clock();
	init_identities();
	init_http_settings();
	init_branch_target();
	init_branch_headers();
	init_connection_pools();
	init_http_exchange();
	init_local_branches();
	init_branch_router();
	init_alert_web_hook();
	init_start_coordinator();
	init_acceptance();
	init_table();
	init_defined();
	init_parse();
	init_query_reader();
	init_api_v1();
	init_own_words();
}));
// packages/server/src/config/kinds.ts
var numberOf, text, count, port, flag, UNITS_MS, duration, UNITS_BYTES, bytes, list$1, choice;
var init_kinds = __esmMin((() => {
	numberOf = (raw) => {
		if (typeof raw === "number") return Number.isSafeInteger(raw) && raw >= 0 ? raw : void 0;
		return typeof raw === "string" && /^\d{1,15}$/.test(raw) ? Number(raw) : void 0;
	};
	text = {
		expects: "a text",
		read: (raw) => typeof raw === "string" ? raw : void 0,
		show: (value) => value
	};
	count = {
		expects: "a whole number",
		read: numberOf,
		show: String
	};
	port = {
		expects: "a port, 0 to 65535",
		read: (raw) => {
			const value = numberOf(raw);
			return value !== void 0 && value <= 65535 ? value : void 0;
		},
		show: String
	};
	flag = {
		expects: "true or false",
		read: (raw) => {
			if (typeof raw === "boolean") return raw;
			if (raw === "true" || raw === "1") return true;
			return raw === "false" || raw === "0" ? false : void 0;
		},
		show: String
	};
	UNITS_MS = {
		ms: 1,
		s: 1e3,
		m: 6e4,
		h: 36e5,
		d: 864e5
	};
	duration = {
		expects: "a time such as 500ms, 10s, 5m, 2h, 7d, or plain milliseconds",
		read: (raw) => {
			const plain = numberOf(raw);
			if (plain !== void 0) return plain;
			const [, digits = "", unit = ""] = typeof raw === "string" && /^(\d{1,15})\s?(ms|s|m|h|d)$/.exec(raw) || [];
			const factor = UNITS_MS[unit];
			return factor === void 0 ? void 0 : Number(digits) * factor;
		},
		show: (ms) => {
			const [unit, factor] = Object.entries(UNITS_MS).findLast(([, each]) => ms > 0 && ms % each === 0) ?? ["ms", 1];
			return `${ms / factor}${unit}`;
		}
	};
	UNITS_BYTES = {
		B: 1,
		KiB: 1024,
		MiB: 1024 ** 2,
		GiB: 1024 ** 3
	};
	bytes = {
		expects: "a size such as 512KiB, 4MiB, or plain bytes",
		read: (raw) => {
			const plain = numberOf(raw);
			if (plain !== void 0) return plain;
			const [, digits = "", unit = ""] = typeof raw === "string" && /^(\d{1,15})\s?(B|KiB|MiB|GiB)$/.exec(raw) || [];
			const factor = UNITS_BYTES[unit];
			return factor === void 0 ? void 0 : Number(digits) * factor;
		},
		show: (value) => {
			const [unit, factor] = Object.entries(UNITS_BYTES).findLast(([, each]) => value > 0 && value % each === 0) ?? ["B", 1];
			return `${value / factor}${unit}`;
		}
	};
	list$1 = {
		expects: "names separated by commas",
		read: (raw) => {
			if (Array.isArray(raw)) return raw.every((one) => typeof one === "string") ? raw : void 0;
			if (typeof raw !== "string") return void 0;
			return raw.split(",").map((one) => one.trim()).filter((one) => one !== "");
		},
		show: (values) => values.join(",")
	};
	choice = (...words) => ({
		expects: `one of ${words.join(", ")}`,
		read: (raw) => words.find((word) => word === raw),
		show: (word) => word
	});
}));
// packages/server/src/config/options.ts
function defaultOf(name) {
	const { kind, default: preset } = OPTIONS[name];
	return kind.show(preset);
}
var option, OPTIONS, OPTION_NAMES, flagOf, variableOf, kebab;
var init_options$1 = __esmMin((() => {
	init_src$2();
	init_src$3();
	init_src$1();
	init_kinds();
	option = (kind, preset, help) => ({
		kind,
		default: preset,
		help
	});
	OPTIONS = {
		store: option(text, "lmdb:./data", "where transactions are kept: memory:, lmdb:PATH or postgres://…"),
		host: option(text, "127.0.0.1", "address to listen on; anything but loopback needs --insecure"),
		httpPort: option(port, 36789, "port of REST, JSON-RPC and /api/v1; 0 takes a free one"),
		grpcPort: option(port, 36790, "port of gRPC; not served by this version"),
		workers: option(count, 1, "processes on one port; memory: and lmdb: allow one"),
		insecure: option(flag, false, "listen beyond loopback although nobody has to prove who they are"),
		node: option(text, "", "name of this node for people; HOST-PID unless said"),
		groups: option(list$1, DEFAULT_ENGINE_OPTIONS.groups, "application groups whose local:// branches this process hosts"),
		retryInterval: option(duration, DEFAULT_ENGINE_OPTIONS.retryIntervalMs, "first wait before a retry, when the transaction does not say"),
		maxRetryInterval: option(duration, DEFAULT_ENGINE_OPTIONS.maxRetryIntervalMs, "longest wait before a retry"),
		timeoutToFail: option(duration, DEFAULT_ENGINE_OPTIONS.timeoutToFailMs, "a prepared tcc or xa is rolled back, a prepared message asked about, after so long, when the transaction does not say"),
		requestTimeout: option(duration, DEFAULT_ENGINE_OPTIONS.requestTimeoutMs, "time-out of a branch call, when the transaction does not say"),
		alertAfterRetries: option(count, DEFAULT_ENGINE_OPTIONS.alertAfterRetries, "retries after which a transaction needs a person"),
		alertWebHook: option(text, "", "URL that is told (POST) about each transaction that needs a person"),
		maxClaims: option(count, DEFAULT_ENGINE_OPTIONS.maxClaims, "a transaction that was claimed so often without progress is parked"),
		retention: option(duration, DEFAULT_ENGINE_OPTIONS.retentionMs, "finished transactions are deleted after so long; 0: never"),
		heartbeat: option(duration, DEFAULT_ENGINE_OPTIONS.heartbeatMs, "how often a node says that it lives"),
		silence: option(duration, DEFAULT_ENGINE_OPTIONS.silenceMs, "the work of a node silent for so long is taken over; at least two heartbeats"),
		poll: option(duration, DEFAULT_ENGINE_OPTIONS.pollMs, "the store is asked for due work at least so often"),
		progressFlush: option(duration, DEFAULT_ENGINE_OPTIONS.progressFlushMs, "progress is written at the latest after so long"),
		drainTimeout: option(duration, 1e4, "how long a stopping node waits for what it drives"),
		maxInProgress: option(count, DEFAULT_ENGINE_OPTIONS.maxInProgress, "transactions driven at once; further ones wait in the store"),
		maxCallsPerDestination: option(count, HTTP_CLIENT_SETTINGS.connections, "calls running at once to one host, each over a connection of its own"),
		maxQueuedPerDestination: option(count, DEFAULT_ENGINE_OPTIONS.maxQueuedPerDestination, "calls waiting in memory for one host"),
		maxWaiters: option(count, DEFAULT_ENGINE_OPTIONS.maxWaiters, "callers waiting for results at once"),
		maxWait: option(duration, DEFAULT_ENGINE_OPTIONS.maxWaitMs, "longest wait of one call for a result"),
		maxQueuedWrites: option(count, DEFAULT_ENGINE_OPTIONS.maxQueuedWrites, "writes waiting for the store; beyond it new transactions are refused"),
		claimBatch: option(count, DEFAULT_ENGINE_OPTIONS.claimBatch, "due transactions taken from the store at once"),
		batchItems: option(count, DEFAULT_ENGINE_OPTIONS.batchItems, "writes in one batch"),
		batchBytes: option(bytes, DEFAULT_ENGINE_OPTIONS.batchBytes, "bytes in one batch"),
		maxBodyBytes: option(bytes, LIMITS.bodyBytes, "longest request body"),
		maxSteps: option(count, LIMITS.steps, `steps of one transaction, at most ${LIMITS.steps}`),
		maxPayloadBytes: option(bytes, LIMITS.payloadBytes, "longest payload of a step or branch, at most 1MiB"),
		maxPageSize: option(count, LIMITS.pageSize, `entries of one page of a list, at most ${LIMITS.pageSize}`),
		maxConnections: option(count, HTTP_SERVER_LIMITS.maxConnections, "connections at once"),
		logLevel: option(choice("debug", "info", "warn", "error", "silent"), "info", "least important lines to log"),
		logFormat: option(choice("auto", "pretty", "json"), "auto", "auto: pretty on a terminal, JSON otherwise")
	};
	OPTION_NAMES = Object.keys(OPTIONS);
	flagOf = (name) => `--${kebab(name)}`;
	variableOf = (name) => `HOLDFAST_${kebab(name).replaceAll("-", "_").toUpperCase()}`;
	kebab = (name) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}));
// packages/server/src/cli/command-io.ts
var wantsColour;
var init_command_io = __esmMin((() => {
	wantsColour = (isTty, env) => isTty && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}));
// packages/server/src/config/config-error.ts
var ConfigError;
var init_config_error = __esmMin((() => {
	ConfigError = class extends Error {
		name = "ConfigError";
	};
}));
// packages/server/src/config/check-config.ts
function checkConfig(config) {
	checkHost(config);
	if (config.workers !== 1) throw new ConfigError(`--workers ${config.workers}: ${config.store.split(":", 1)[0]}: lives in one process, which many cannot share; use --workers 1`);
	if (config.silence < 2 * config.heartbeat) throw new ConfigError("--silence must be at least two heartbeats, or nodes that live are taken for dead");
	if (config.alertWebHook !== "" && !/^https?:\/\//i.test(config.alertWebHook)) throw new ConfigError("--alert-web-hook must be an http:// or https:// URL");
	for (const name of MUST_BE_POSITIVE) if (config[name] < 1) throw new ConfigError(`${flagOf(name)} must be at least 1`);
	checkBound(config, "maxSteps", LIMITS.steps);
	checkBound(config, "maxPayloadBytes", LIMITS.payloadBytes);
	checkBound(config, "maxPageSize", LIMITS.pageSize);
}
function checkBound(config, name, bound) {
	if (config[name] > bound) throw new ConfigError(`${flagOf(name)} must be at most ${bound}`);
}
function checkHost({ host, insecure }) {
	if (insecure || isLoopback(host)) return;
	throw new ConfigError(`--host ${host}: whoever reaches it could make the coordinator call any URL, since nobody has to prove who they are yet; listen on 127.0.0.1, or say --insecure where only friends can reach it`);
}
var MUST_BE_POSITIVE, isLoopback;
var init_check_config = __esmMin((() => {
	init_src$3();
	init_config_error();
	init_options$1();
	MUST_BE_POSITIVE = [
		"retryInterval",
		"maxRetryInterval",
		"timeoutToFail",
		"requestTimeout",
		"maxClaims",
		"heartbeat",
		"poll",
		"maxInProgress",
		"maxCallsPerDestination",
		"maxWaiters",
		"maxWait",
		"maxQueuedWrites",
		"claimBatch",
		"batchItems",
		"batchBytes",
		"maxBodyBytes",
		"maxSteps",
		"maxPayloadBytes",
		"maxPageSize",
		"maxConnections"
	];
	isLoopback = (host) => host === "localhost" || host === "::1" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}));
// packages/server/src/config/nearest.ts
function nearest(written, candidates) {
	let best;
	let bestDistance = Math.max(2, Math.floor(written.length / 3)) + 1;
	for (const candidate of candidates) {
		const distance = editDistance(written.toLowerCase(), candidate.toLowerCase());
		if (distance < bestDistance) {
			best = candidate;
			bestDistance = distance;
		}
	}
	return best;
}
function editDistance(from, to) {
	let row = Array.from({ length: to.length + 1 }, (_, index) => index);
	for (let i = 1; i <= from.length; i++) {
		const next = [i];
		for (let j = 1; j <= to.length; j++) {
			const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
			next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
		}
		row = next;
	}
	return row[to.length] ?? 0;
}
var init_nearest = __esmMin((() => {}));
// packages/server/src/config/load-config.ts
async function loadConfig({ flags = {}, env = {}, file }) {
	const path = file ?? env["HOLDFAST_CONFIG"];
	const fromFile = path === void 0 || path === "" ? {} : await readConfigFile(path);
	const config = Object.fromEntries(OPTION_NAMES.map((name) => {
		const variable = variableOf(name);
		if (flags[name] !== void 0) return [name, read$1(name, flags[name], flagOf(name))];
		if (env[variable] !== void 0 && env[variable] !== "") return [name, read$1(name, env[variable], variable)];
		if (fromFile[name] !== void 0) return [name, read$1(name, fromFile[name], `${name} in ${path}`)];
		return [name, OPTIONS[name].default];
	}));
	checkConfig(config);
	return config;
}
function configWith(values) {
	const config = {
		...Object.fromEntries(OPTION_NAMES.map((name) => [name, OPTIONS[name].default])),
		...values
	};
	checkConfig(config);
	return config;
}
function read$1(name, raw, where) {
	const { kind } = OPTIONS[name];
	const value = kind.read(raw);
	if (value === void 0) throw new ConfigError(`${where}: must be ${kind.expects}, not ${JSON.stringify(raw)}`);
	return value;
}
async function readConfigFile(path) {
	const text = await readFile(path, "utf8").catch((error) => {
		throw new ConfigError(`the config file ${path} cannot be read: ${error.message}`);
	});
	const { parse } = await import("yaml");
	let value;
	try {
		value = parse(text);
	} catch (error) {
		throw new ConfigError(`the config file ${path} is neither YAML nor JSON: ${error.message}`);
	}
	if (value === null || value === void 0) return {};
	if (typeof value !== "object" || Array.isArray(value)) throw new ConfigError(`the config file ${path} must be a map of options`);
	for (const key of Object.keys(value)) refuseUnknown(key, path);
	return value;
}
function refuseUnknown(key, path) {
	if (Object.hasOwn(OPTIONS, key)) return;
	const meant = nearest(key, OPTION_NAMES);
	const hint = meant === void 0 ? `there are ${OPTION_NAMES.join(", ")}` : `did you mean ${meant}?`;
	throw new ConfigError(`${key} in ${path} is no option: ${hint}`);
}
var init_load_config = __esmMin((() => {
	init_config_error();
	init_check_config();
	init_nearest();
	init_options$1();
}));
// packages/server/src/logs/pretty.ts
function prettyLine(record, colour) {
	const { time, level, msg, err, ...fields } = record;
	const name = LEVELS[Number(level)] ?? String(level);
	const painted = colour ? `${COLOURS[name] ?? ""}${name.padEnd(5)}${RESET}` : name.padEnd(5);
	const at = typeof time === "number" ? new Date(time).toISOString().slice(11, 23) : "";
	const words = Object.entries(fields).map(([field, value]) => `${dim(`${field}=`, colour)}${textOf$2(value)}`);
	const line = [
		dim(at, colour),
		painted,
		textOf$2(msg ?? ""),
		...words
	].join(" ").trimEnd();
	return err === void 0 ? line : `${line}\n${indent(stackOf(err))}`;
}
function stackOf(err) {
	const stack = typeof err === "object" && err !== null && "stack" in err ? err.stack : err;
	return String(stack);
}
var LEVELS, RESET, COLOURS, dim, textOf$2, clean, indent;
var init_pretty = __esmMin((() => {
	LEVELS = {
		20: "debug",
		30: "info",
		40: "warn",
		50: "error"
	};
	RESET = "\x1B[0m";
	COLOURS = {
		info: "\x1B[32m",
		warn: "\x1B[33m",
		error: "\x1B[31m"
	};
	dim = (text, colour) => colour && text !== "" ? `\u001b[2m${text}${RESET}` : text;
	textOf$2 = (value) => clean(typeof value === "string" ? value : JSON.stringify(value));
	clean = (text) => text.replaceAll(/\p{Cc}/gu, " ");
	indent = (text) => text.split("\n").map((line) => `    ${clean(line)}`).join("\n");
}));
// packages/server/src/logs/create-log.ts
function createLog({ level, format, output, colour }) {
	const write = format === "pretty" || format === "auto" && output.isTTY === true ? (line) => void output.write(prettyLine(JSON.parse(line), colour) + "\n") : (line) => void output.write(line);
	const logger = pino({
		level,
		base: null
	}, { write });
	return {
		debugs: logger.isLevelEnabled("debug"),
		debug: (fields, message) => logger.debug(fields, message),
		info: (fields, message) => logger.info(fields, message),
		warn: (fields, message) => logger.warn(fields, message),
		error: (fields, message) => logger.error(fields, message)
	};
}
var init_create_log = __esmMin((() => {
	init_pretty();
}));
// packages/server/src/config/engine-options.ts
var engineOptionsOf;
var init_engine_options = __esmMin((() => {
	engineOptionsOf = (config, node, version) => ({
		node,
		version,
		heartbeatMs: config.heartbeat,
		silenceMs: config.silence,
		retryIntervalMs: config.retryInterval,
		maxRetryIntervalMs: config.maxRetryInterval,
		timeoutToFailMs: config.timeoutToFail,
		requestTimeoutMs: config.requestTimeout,
		alertAfterRetries: config.alertAfterRetries,
		maxClaims: config.maxClaims,
		maxInProgress: config.maxInProgress,
		maxCallsPerDestination: config.maxCallsPerDestination,
		maxQueuedPerDestination: config.maxQueuedPerDestination,
		maxWaiters: config.maxWaiters,
		progressFlushMs: config.progressFlush,
		pollMs: config.poll,
		claimBatch: config.claimBatch,
		batchItems: config.batchItems,
		batchBytes: config.batchBytes,
		maxQueuedWrites: config.maxQueuedWrites,
		retentionMs: config.retention,
		groups: config.groups,
		maxWaitMs: config.maxWait
	});
}));
// packages/server/src/dtm/outcome.ts
function outcomeOf(pattern, pass) {
	if (!pass.waited || pass.status === "succeed") return SUCCEEDED;
	const { status, rollbackReason, lastResult } = pass;
	if ((lastResult?.kind === "UNKNOWN" || lastResult?.kind === "FAILURE" && isTwoPhase(pattern)) && pattern !== "saga" && status === "submitted") return {
		kind: "UNKNOWN",
		message: lastResult.reason,
		status
	};
	if (isTwoPhase(pattern) && status === "submitted") return unfinished("ONGOING", lastResult?.reason || "still running", status);
	return unfinished("FAILURE", rollbackReason || NOT_FINISHED, status);
}
var SUCCEEDED, NOT_FINISHED, isTwoPhase, unfinished;
var init_outcome = __esmMin((() => {
	SUCCEEDED = { kind: "SUCCESS" };
	NOT_FINISHED = "wait result not return success";
	isTwoPhase = (pattern) => pattern === "tcc" || pattern === "xa";
	unfinished = (kind, message, status) => ({
		kind,
		answer: {
			dtm_result: kind,
			message,
			status
		}
	});
}));
// packages/server/src/dtm/read-transaction.ts
function readSubmission(body) {
	const wire = parse$1(dtmTransaction, body);
	if (wire.trans_type === "workflow") return {
		kind: "workflow-end",
		end: workflowEndOf(wire)
	};
	return {
		kind: "transaction",
		input: transactionOf(wire)
	};
}
function transactionOf(wire) {
	const gid = wire.gid ?? "";
	const pattern = readPattern(gid, wire.trans_type);
	const protocol = readProtocol(gid, wire.protocol);
	const options = optionsOf$1(wire);
	const customData = wire.custom_data ?? "";
	const input = {
		gid,
		pattern,
		protocol,
		steps: stepsOf(wire),
		payloads: payloadsOf(wire),
		customData,
		queryPrepared: wire.query_prepared ?? "",
		options
	};
	return customData === "" ? input : {
		...input,
		...readCustomData(gid, pattern, customData, options)
	};
}
function readPattern(gid, text) {
	const pattern = PATTERNS.find((one) => one === text);
	if (pattern === void 0) throw invalid$1(gid, "trans_type", `must be one of ${PATTERNS.join(", ")}`);
	return pattern;
}
function readProtocol(gid, text) {
	if (text === null || text === void 0 || text === "") return "http";
	const protocol = BRANCH_PROTOCOLS.find((one) => one === text);
	if (protocol === void 0) throw invalid$1(gid, "protocol", `must be one of ${BRANCH_PROTOCOLS.join(", ")}`);
	return protocol;
}
function stepsOf({ steps }) {
	if (steps === null || steps === void 0) return [];
	return steps.map((step) => ({
		action: step?.action ?? "",
		compensate: step?.compensate ?? ""
	}));
}
function payloadsOf({ steps, payloads }) {
	const read = [];
	const texts = payloads ?? NO_TEXTS;
	for (let index = 0; index < (steps?.length ?? 0); index++) {
		const inStep = steps?.[index]?.data;
		if (index >= texts.length && (inStep === null || inStep === void 0)) break;
		read.push(Buffer.from(texts[index] ?? inStep ?? ""));
	}
	return read;
}
function optionsOf$1(wire) {
	const options = {};
	if (said(wire.wait_result)) options.waitResult = wire.wait_result;
	if (said(wire.concurrent)) options.concurrent = wire.concurrent;
	if (said(wire.timeout_to_fail)) options.timeoutToFailMs = milliseconds(wire.timeout_to_fail);
	if (said(wire.retry_interval)) options.retryIntervalMs = milliseconds(wire.retry_interval);
	if (said(wire.request_timeout)) options.requestTimeoutMs = milliseconds(wire.request_timeout);
	if (said(wire.retry_limit)) options.retryLimit = wire.retry_limit;
	if (said(wire.branch_headers)) options.branchHeaders = textsOf(wire.branch_headers);
	return options;
}
function readCustomData(gid, pattern, text, options) {
	switch (pattern) {
		case "saga": {
			const { orders, concurrent } = parseField(dtmSagaData, gid, "custom_data", text);
			if (concurrent === true) options.concurrent = true;
			return said(orders) && options.concurrent === true ? { orders: ordersOf(orders) } : {};
		}
		case "msg": {
			const { delay } = parseField(dtmMessageData, gid, "custom_data", text);
			if (said(delay)) options.delayMs = milliseconds(delay);
			return {};
		}
		case "workflow": {
			const { name, data } = parseField(dtmWorkflowData, gid, "custom_data", text);
			return {
				workflowName: name ?? "",
				workflowData: Buffer.from(data ?? "", "base64")
			};
		}
		case "tcc":
		case "xa": return {};
	}
}
function workflowEndOf(wire) {
	const gid = wire.gid ?? "";
	const extra = wire.req_extra ?? {};
	const status = extra["status"];
	if (status !== "succeed" && status !== "failed") throw invalid$1(gid, "req_extra.status", "must be succeed or failed: the submit of a workflow says how it ended");
	return {
		gid,
		status,
		rollbackReason: extra["rollback_reason"] ?? "",
		result: extra["result"] ?? ""
	};
}
var readTransaction, NO_TEXTS, LONGEST_SECONDS, milliseconds, said, textsOf, ordersOf;
var init_read_transaction = __esmMin((() => {
	init_src$3();
	init_src$1();
	readTransaction = (body) => transactionOf(parse$1(dtmTransaction, body));
	NO_TEXTS = [];
	LONGEST_SECONDS = 31536e5;
	milliseconds = (seconds) => Math.min(seconds, LONGEST_SECONDS) * 1e3;
	said = (value) => value !== null && value !== void 0;
	textsOf = (map) => Object.fromEntries(Object.entries(map).map(([name, text]) => [name, text ?? ""]));
	ordersOf = (orders) => Object.fromEntries(Object.entries(orders).map(([step, before]) => [step, before ?? []]));
}));
// packages/server/src/dtm/read-order.ts
function readAbort(body) {
	const { gid, trans_type, rollback_reason, wait_result } = parse$1(dtmOrder, body);
	const pattern = (trans_type ?? "") === "" ? void 0 : readPattern(gid ?? "", trans_type);
	return {
		gid: requireGid(gid),
		reason: rollback_reason ?? "",
		waitResult: wait_result ?? false,
		...pattern !== void 0 && { pattern }
	};
}
function requireGid(gid) {
	if (gid === null || gid === void 0 || gid === "") throw invalid$1("", "gid", "must not be empty");
	return gid;
}
var readOrderGid;
var init_read_order = __esmMin((() => {
	init_src$3();
	init_src$1();
	init_read_transaction();
	readOrderGid = (body) => requireGid(parse$1(dtmOrder, body).gid);
}));
// packages/server/src/dtm/read-branch.ts
function readRegistration(body, impliedPattern) {
	const wire = parse$1(dtmBranch, body);
	const gid = wire["gid"] ?? "";
	const pattern = readPattern(gid, (wire["trans_type"] ?? "") === "" ? impliedPattern : wire["trans_type"]);
	return {
		gid,
		pattern,
		branches: branchesOf(gid, pattern, wire)
	};
}
function branchesOf(gid, pattern, wire) {
	const common = {
		branchId: wire["branch_id"] ?? "",
		payload: Buffer.from(wire["data"] ?? "")
	};
	switch (pattern) {
		case "tcc": return ["cancel", "confirm"].map((op) => ({
			...common,
			op,
			url: wire[op] ?? "",
			status: "prepared"
		}));
		case "xa": return ["rollback", "commit"].map((op) => ({
			...common,
			op,
			url: wire["url"] ?? "",
			status: "prepared"
		}));
		case "workflow": return [{
			...common,
			op: wire["op"] ?? "",
			url: "",
			status: readOutcome(gid, wire["status"])
		}];
		case "saga":
		case "msg": throw invalid$1(gid, "trans_type", `branches are registered for tcc, xa and workflow; those of a ${pattern} are its steps`);
	}
}
function readOutcome(gid, text) {
	if (text !== "succeed" && text !== "failed") throw invalid$1(gid, "status", "must be succeed or failed: how the step ended");
	return text;
}
var init_read_branch = __esmMin((() => {
	init_src$3();
	init_src$1();
	init_read_transaction();
}));
// packages/server/src/dtm/read-query.ts
function readListQuery(query) {
	return {
		...defined({
			gid: query.text("gid") || void 0,
			status: query.oneOf("status", STATUSES),
			pattern: query.oneOf("transType", PATTERNS),
			createdFromMs: query.count("createTimeStart"),
			createdToMs: query.count("createTimeEnd"),
			cursor: query.text("position") || void 0
		}),
		limit: query.count("limit") || 100
	};
}
var init_read_query = __esmMin((() => {
	init_src$3();
	init_src$1();
}));
// packages/server/src/dtm/write-transaction.ts
function writeTransaction(view) {
	const { definition, state } = view;
	const flat = optionsOf(view);
	return withoutEmpty({
		gid: view.gid,
		trans_type: view.pattern,
		status: view.status,
		protocol: definition.protocol,
		steps: definition.steps.map((step) => withoutEmpty({
			action: step.action,
			compensate: step.compensate
		})),
		payloads: definition.payloads.map(textOf$1),
		custom_data: definition.customData,
		query_prepared: definition.queryPrepared,
		rollback_reason: state.rollbackReason,
		result: state.result,
		options: JSON.stringify(flat),
		...flat,
		create_time: timeOf(view.createdAtMs),
		update_time: timeOf(view.updatedAtMs),
		finish_time: timeOf(view.finishedAtMs),
		rollback_time: timeOf(state.rollbackAtMs),
		next_cron_interval: view.dueAtMs === null ? 0 : secondsOf(Math.max(0, view.dueAtMs - view.updatedAtMs)),
		next_cron_time: timeOf(view.dueAtMs),
		owner: view.owner ?? ""
	});
}
function optionsOf({ definition: { options } }) {
	return withoutEmpty({
		wait_result: options.waitResult,
		concurrent: options.concurrent,
		timeout_to_fail: secondsOf(options.timeoutToFailMs),
		retry_interval: secondsOf(options.retryIntervalMs),
		request_timeout: secondsOf(options.requestTimeoutMs),
		retry_limit: options.retryLimit,
		branch_headers: Object.keys(options.branchHeaders).length === 0 ? "" : options.branchHeaders
	});
}
function withoutEmpty(fields) {
	const kept = Object.entries(fields).filter(([, value]) => !isEmpty(value));
	return Object.fromEntries(kept);
}
var writeBranches, writeProgresses, secondsOf, timeOf, bufferOf, textOf$1, base64Of, isEmpty;
var init_write_transaction = __esmMin((() => {
	writeBranches = (view) => view.branches.map((branch) => {
		const changedAtMs = Math.max(branch.createdAtMs, branch.finishedAtMs);
		return withoutEmpty({
			gid: view.gid,
			url: branch.url,
			bin_data: base64Of(branch.payload),
			branch_id: branch.branchId,
			op: branch.op,
			status: branch.status,
			create_time: timeOf(branch.createdAtMs),
			update_time: timeOf(changedAtMs),
			finish_time: timeOf(branch.finishedAtMs)
		});
	});
	writeProgresses = (view) => view.branches.map(({ branchId, op, status, payload }) => withoutEmpty({
		branch_id: branchId,
		op,
		status,
		bin_data: base64Of(payload)
	}));
	secondsOf = (ms) => Math.ceil(ms / 1e3);
	timeOf = (ms) => ms === null || ms === 0 ? "" : new Date(ms).toISOString();
	bufferOf = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	textOf$1 = (bytes) => bufferOf(bytes).toString();
	base64Of = (bytes) => bufferOf(bytes).toString("base64");
	isEmpty = (value) => value === "" || value === 0 || value === false || value === void 0 || Array.isArray(value) && value.length === 0;
}));
// packages/server/src/dtm/write-key-value.ts
var writeKeyValue;
var init_write_key_value = __esmMin((() => {
	writeKeyValue = ({ category, key, value, version, createdAtMs, updatedAtMs }) => ({
		cat: category,
		k: key,
		v: value,
		version,
		create_time: new Date(createdAtMs).toISOString(),
		update_time: new Date(updatedAtMs).toISOString()
	});
}));
// packages/server/src/http/error-status.ts
var STATUS_OF_ERROR, RETRY_AFTER, NOTHING, headOfError;
var init_error_status = __esmMin((() => {
	STATUS_OF_ERROR = {
		invalid: 400,
		not_found: 404,
		refused: 409,
		too_large: 413,
		internal: 500,
		unavailable: 503,
		overloaded: 503
	};
	RETRY_AFTER = ["Retry-After", "1"];
	NOTHING = [];
	headOfError = ({ code }) => code === "unavailable" || code === "overloaded" ? RETRY_AFTER : NOTHING;
}));
// packages/server/src/http/reply.ts
function jsonReply(status, value, contentType = JSON_TYPE, more = []) {
	return textReply(status, JSON.stringify(value), contentType, more);
}
function textReply(status, body, contentType, more = []) {
	const bytes = Buffer.byteLength(body);
	return {
		status,
		head: [
			"Content-Type",
			contentType,
			"Content-Length",
			String(bytes),
			...more
		],
		body,
		encoding: bytes === body.length ? "latin1" : "utf8"
	};
}
var JSON_TYPE, PROBLEM_TYPE, NO_CONTENT;
var init_reply = __esmMin((() => {
	JSON_TYPE = "application/json";
	PROBLEM_TYPE = "application/problem+json";
	NO_CONTENT = {
		status: 204,
		head: [],
		body: "",
		encoding: "latin1"
	};
}));
// packages/server/src/http/dtm-replies.ts
function replyOfOutcome(outcome) {
	switch (outcome.kind) {
		case "SUCCESS": return SUCCESS_REPLY;
		case "FAILURE": return jsonReply(409, outcome.answer);
		case "ONGOING": return jsonReply(425, outcome.answer);
		case "UNKNOWN": return jsonReply(500, {
			message: withoutWords(outcome.message),
			status: outcome.status
		});
	}
}
function replyOfError(error, more = {}) {
	if (error.code === "refused") return failureReply(error, more);
	const { code, field } = error;
	const message = withoutWords(messageOf(error));
	return jsonReply(STATUS_OF_ERROR[code], {
		message,
		code,
		field,
		...more
	}, void 0, headOfError(error));
}
function failureReply(error, more = {}) {
	return jsonReply(409, {
		dtm_result: "FAILURE",
		message: messageOf(error),
		status: error.status,
		...more
	});
}
var SUCCESS_REPLY, withoutWords;
var init_dtm_replies = __esmMin((() => {
	init_src$1();
	init_error_status();
	init_reply();
	SUCCESS_REPLY = jsonReply(200, { dtm_result: "SUCCESS" });
	withoutWords = (text) => text.replaceAll(/FAILURE|ONGOING/g, (word) => word.toLowerCase());
}));
// packages/server/src/http/json-fault.ts
function jsonFaultPosition(text) {
	return new Walk(text).run();
}
var SPACES, NUMBER, ESCAPE, LITERALS, Walk;
var init_json_fault = __esmMin((() => {
	SPACES = " 	\n\r";
	NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
	ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
	LITERALS = [
		"true",
		"false",
		"null"
	];
	Walk = class {
		#text;
		#open = [];
		#at = 0;
		#expected = "value";
		constructor(text) {
			this.#text = text;
		}
		run() {
			do
				this.#skipSpace();
			while (this.#at < this.#text.length && this.#next());
			return this.#at;
		}
		#next() {
			const char = this.#text.charAt(this.#at);
			switch (this.#expected) {
				case "end": return false;
				case "colon": return this.#take(char === ":", "value");
				case "comma":
					if (char === ",") return this.#take(true, this.#open.at(-1) === "{" ? "key" : "value");
					return this.#close(char);
				case "first key":
				case "key":
					if (this.#expected === "first key" && char === "}") return this.#close(char);
					return this.#scalar(char === "\"", "colon");
				case "first value":
				case "value":
					if (this.#expected === "first value" && char === "]") return this.#close(char);
					if (char === "{" || char === "[") {
						this.#open.push(char);
						return this.#take(true, char === "{" ? "first key" : "first value");
					}
					return this.#scalar(true, this.#afterValue());
			}
		}
		#take(fits, expected) {
			if (!fits) return false;
			this.#at++;
			this.#expected = expected;
			return true;
		}
		#close(char) {
			if (char !== (this.#open.at(-1) === "{" ? "}" : "]")) return false;
			this.#open.pop();
			return this.#take(true, this.#afterValue());
		}
		#afterValue() {
			return this.#open.length === 0 ? "end" : "comma";
		}
		#scalar(fits, expected) {
			if (!fits || !(this.#string() || this.#pattern(NUMBER) || this.#literal())) return false;
			this.#expected = expected;
			return true;
		}
		#string() {
			if (this.#text.charAt(this.#at) !== "\"") return false;
			this.#at++;
			while (this.#at < this.#text.length) {
				const char = this.#text.charAt(this.#at);
				if (char === "\"") {
					this.#at++;
					return true;
				}
				if (char === "\\") {
					if (!this.#pattern(ESCAPE)) return false;
				} else if (char < " ") return false;
				else this.#at++;
			}
			return false;
		}
		#pattern(pattern) {
			pattern.lastIndex = this.#at;
			const found = pattern.exec(this.#text);
			if (found === null) return false;
			this.#at += found[0].length;
			return true;
		}
		#literal() {
			const found = LITERALS.find((literal) => this.#text.startsWith(literal, this.#at));
			this.#at += found?.length ?? 0;
			return found !== void 0;
		}
		#skipSpace() {
			while (this.#at < this.#text.length && SPACES.includes(this.#text.charAt(this.#at))) this.#at++;
		}
	};
}));
// packages/server/src/http/json-text.ts
function parseJson(text) {
	try {
		return JSON.parse(text);
	} catch {
		throw new HoldfastError("invalid", faultOf$1(text));
	}
}
function faultOf$1(text) {
	if (text === "") return "the body is empty; it must be a JSON text";
	const position = jsonFaultPosition(text);
	if (position >= text.length) return `the body is not JSON: it ends too early, at position ${text.length}`;
	return `the body is not JSON: unexpected ${JSON.stringify(text.charAt(position))} at position ${position}`;
}
var init_json_text = __esmMin((() => {
	init_src$3();
	init_json_fault();
}));
// packages/server/src/http/dtm-routes.ts
function dtmRoutes(handlers, options) {
	return [
		...changes(handlers),
		...orders$1(handlers, options),
		...queries(handlers, options),
		...topics$1(handlers)
	];
}
function post(path, read, run, fail = (error) => replyOfError(error)) {
	return {
		method: "POST",
		path: PREFIX + path,
		readsBody: true,
		run: ({ context, body }) => run(context, read(parseJson(body))),
		fail
	};
}
function changes(handlers) {
	return [
		post("/prepare", readTransaction, async (context, input) => {
			await handlers.prepare(context, input);
			return SUCCESS_REPLY;
		}),
		post("/submit", readSubmission, async (context, submission) => {
			if (submission.kind === "transaction") {
				const pass = await handlers.submit(context, submission.input);
				return replyOfOutcome(outcomeOf(submission.input.pattern, pass));
			}
			await handlers.finishWorkflow(context, submission.end);
			return replyOfOutcome(SUCCEEDED);
		}),
		post("/abort", readAbort, async (context, order) => {
			await handlers.abort(context, order);
			return SUCCESS_REPLY;
		}),
		register(handlers, "/registerBranch"),
		register(handlers, "/registerTccBranch", "tcc"),
		register(handlers, "/registerXaBranch", "xa"),
		prepareWorkflow(handlers)
	];
}
function orders$1(handlers, { defaultResetAfterMs }) {
	return [
		post("/forceStop", readOrderGid, async (context, gid) => {
			await handlers.forceStop(context, gid);
			return SUCCESS_REPLY;
		}),
		post("/resetNextCronTime", readOrderGid, async (context, gid) => {
			await handlers.retryNow(context, gid);
			return SUCCESS_REPLY;
		}),
		...getAndPost("/resetCronTime", async ({ context, query }) => {
			const reader = new QueryReader(query);
			const timeoutSeconds = reader.count("timeout");
			const { count, more } = await handlers.retryWaiting(context, {
				laterThanMs: timeoutSeconds === void 0 ? defaultResetAfterMs : timeoutSeconds * 1e3,
				limit: reader.count("limit") || DEFAULT_RESET_LIMIT
			});
			return jsonReply(200, {
				succeed_count: count,
				has_remaining: more
			});
		})
	];
}
function queries(handlers, { version }) {
	return [
		get("/version", () => jsonReply(200, { version })),
		get("/newGid", async ({ context }) => jsonReply(200, {
			gid: await handlers.newGid(context, void 0),
			dtm_result: "SUCCESS"
		})),
		get("/query", async ({ context, query }) => {
			const view = await handlers.get(context, requireGid(query.get("gid")));
			if (view === void 0) return jsonReply(200, {
				transaction: null,
				branches: []
			});
			return jsonReply(200, {
				transaction: writeTransaction(view),
				branches: writeBranches(view)
			});
		}),
		get("/all", async ({ context, query }) => {
			const page = await handlers.list(context, readListQuery(new QueryReader(query)));
			return jsonReply(200, {
				transactions: page.items.map(writeTransaction),
				next_position: page.next ?? ""
			});
		}),
		get("/scanKV", async ({ context, query }) => {
			const reader = new QueryReader(query);
			const page = await handlers.scanKeyValues(context, {
				category: reader.text("cat"),
				limit: reader.count("limit") || 100,
				...defined({ cursor: reader.text("position") || void 0 })
			});
			return jsonReply(200, {
				kv: page.items.map(writeKeyValue),
				next_position: page.next ?? ""
			});
		}),
		get("/queryKV", async ({ context, query }) => {
			const reader = new QueryReader(query);
			const found = await handlers.queryKeyValue(context, {
				category: reader.text("cat"),
				key: reader.text("key")
			});
			return jsonReply(200, { kv: found === void 0 ? [] : [writeKeyValue(found)] });
		})
	];
}
function topics$1(handlers) {
	return [
		...getAndPost("/subscribe", async ({ context, query }) => {
			const reader = new QueryReader(query);
			const [topic, url, remark] = [
				reader.text("topic"),
				reader.text("url"),
				reader.text("remark")
			];
			await handlers.subscribe(context, {
				topic,
				url,
				remark
			});
			return SUCCESS_REPLY;
		}),
		...getAndPost("/unsubscribe", async ({ context, query }) => {
			const reader = new QueryReader(query);
			await handlers.unsubscribe(context, {
				topic: reader.text("topic"),
				url: reader.text("url")
			});
			return SUCCESS_REPLY;
		}),
		{
			method: "DELETE",
			path: `${PREFIX}/topic/:name`,
			readsBody: false,
			run: async ({ context, params: [topic = ""] }) => {
				await handlers.deleteTopic(context, topic);
				return SUCCESS_REPLY;
			},
			fail: replyOfError
		}
	];
}
var PREFIX, DEFAULT_RESET_LIMIT, get, getAndPost, register, prepareWorkflow;
var init_dtm_routes = __esmMin((() => {
	init_src$1();
	init_outcome();
	init_read_order();
	init_read_branch();
	init_read_query();
	init_read_transaction();
	init_write_transaction();
	init_write_key_value();
	init_dtm_replies();
	init_json_text();
	init_reply();
	PREFIX = "/api/dtmsvr";
	DEFAULT_RESET_LIMIT = 100;
	get = (path, run) => ({
		method: "GET",
		path: PREFIX + path,
		readsBody: false,
		run,
		fail: replyOfError
	});
	getAndPost = (path, run) => [get(path, run), {
		...get(path, run),
		method: "POST"
	}];
	register = (handlers, path, impliedPattern) => post(path, (body) => readRegistration(body, impliedPattern), async (context, registration) => {
		await handlers.registerBranch(context, registration);
		return SUCCESS_REPLY;
	}, (error) => error.code === "not_found" ? failureReply(error) : replyOfError(error));
	prepareWorkflow = (handlers) => post("/prepareWorkflow", readTransaction, async (context, input) => {
		const view = await handlers.prepareWorkflow(context, input);
		return jsonReply(200, {
			transaction: writeTransaction(view),
			progresses: writeProgresses(view)
		});
	}, (error) => replyOfError(error, {
		transaction: { gid: error.gid ?? "" },
		progresses: messageOf(error)
	}));
}));
// packages/server/src/http/json-rpc.ts
function jsonRpcRoute(handlers, onDefect) {
	const methods = new Map(Object.entries(methodsOf(handlers)).map(([name, method]) => [name, guarded(method, onDefect)]));
	return {
		method: "POST",
		path: "/api/json-rpc",
		readsBody: true,
		run: async ({ context, body }) => {
			const request = parse(body);
			if (request === UNPARSABLE) return replyTo(400, null, failed(JSON_RPC_CODES.unparsable, faultOf(body)));
			if (!Array.isArray(request)) return jsonReply(200, await answer(methods, context, request));
			return answerBatch(methods, context, request);
		},
		fail: (error) => replyTo(error.code === "too_large" ? 413 : 400, null, failed(JSON_RPC_CODES.badRequest, error.message))
	};
}
function parse(body) {
	try {
		return JSON.parse(body);
	} catch {
		return UNPARSABLE;
	}
}
function faultOf(body) {
	try {
		parseJson(body);
		return "";
	} catch (error) {
		return HoldfastError.from(error).message;
	}
}
function methodsOf(handlers) {
	return {
		newGid: async (context) => ({ result: {
			gid: await handlers.newGid(context, void 0),
			dtm_result: "SUCCESS"
		} }),
		prepare: async (context, params) => {
			await handlers.prepare(context, readTransaction(params));
			return SUCCESS;
		},
		submit: async (context, params) => {
			const submission = readSubmission(params);
			if (submission.kind === "transaction") return answerOf(outcomeOf(submission.input.pattern, await handlers.submit(context, submission.input)));
			await handlers.finishWorkflow(context, submission.end);
			return answerOf(SUCCEEDED);
		},
		abort: async (context, params) => {
			await handlers.abort(context, readAbort(params));
			return SUCCESS;
		},
		registerBranch: async (context, params) => {
			try {
				await handlers.registerBranch(context, readRegistration(params));
				return SUCCESS;
			} catch (thrown) {
				const error = HoldfastError.from(thrown);
				if (error.code !== "not_found") throw error;
				return errorOf(error, JSON_RPC_CODES.failure);
			}
		}
	};
}
function answerOf(outcome) {
	switch (outcome.kind) {
		case "SUCCESS": return SUCCESS;
		case "UNKNOWN": return failed(JSON_RPC_CODES.failed, outcome.message, { status: outcome.status });
		case "FAILURE":
		case "ONGOING": {
			const { message = "", ...data } = outcome.answer;
			return failed(outcome.kind === "FAILURE" ? JSON_RPC_CODES.failure : JSON_RPC_CODES.ongoing, message, data);
		}
	}
}
function errorOf(error, rpcCode) {
	const { code, gid, field, status } = error;
	return failed(rpcCode, messageOf(error), {
		code,
		gid,
		field,
		status
	});
}
async function answer(methods, context, request) {
	const id = idOf$1(request);
	return {
		jsonrpc: "2.0",
		id: id ?? null,
		...await call(methods, context, request, id)
	};
}
async function call(methods, context, request, id) {
	if (typeof request !== "object" || request === null || !("jsonrpc" in request) || request.jsonrpc !== "2.0") return failed(JSON_RPC_CODES.badRequest, "not a JSON-RPC 2.0 request: it must be an object with \"jsonrpc\": \"2.0\"");
	if (id === void 0) return failed(JSON_RPC_CODES.badRequest, "id must be a string, a number or null; without one there is no answer");
	const name = "method" in request ? request.method : void 0;
	const method = typeof name === "string" ? methods.get(name) : void 0;
	if (method === void 0) return failed(JSON_RPC_CODES.unknownMethod, `there is no such method; there are ${[...methods.keys()].join(", ")}`);
	return method(context, "params" in request ? request.params : {});
}
function idOf$1(request) {
	const id = typeof request === "object" && request !== null && "id" in request ? request.id : void 0;
	return typeof id === "string" || typeof id === "number" || id === null ? id : void 0;
}
async function answerBatch(methods, context, requests) {
	if (requests.length === 0 || requests.length > 100) {
		const fault = `a batch has 1 to 100 requests, this one ${requests.length}`;
		return replyTo(200, null, failed(JSON_RPC_CODES.badRequest, fault));
	}
	const previous = new Map();
	const answers = requests.map((request) => {
		const gid = gidOf(request);
		const before = gid === void 0 ? void 0 : previous.get(gid);
		const one = (async () => {
			await before;
			return answer(methods, context, request);
		})();
		if (gid !== void 0) previous.set(gid, one);
		return one;
	});
	return jsonReply(200, await Promise.all(answers));
}
function gidOf(request) {
	const params = typeof request === "object" && request !== null && "params" in request ? request.params : void 0;
	const gid = typeof params === "object" && params !== null && "gid" in params ? params.gid : void 0;
	return typeof gid === "string" ? gid : void 0;
}
var UNPARSABLE, SUCCESS, guarded, failed, replyTo;
var init_json_rpc = __esmMin((() => {
	init_src$3();
	init_src$1();
	init_outcome();
	init_read_order();
	init_read_branch();
	init_read_transaction();
	init_json_text();
	init_reply();
	UNPARSABLE = Symbol("unparsable");
	SUCCESS = { result: { dtm_result: "SUCCESS" } };
	guarded = (method, onDefect) => async (context, params) => {
		try {
			return await method(context, params);
		} catch (thrown) {
			const error = HoldfastError.from(thrown);
			if (error.code === "internal") onDefect(error);
			return errorOf(error, error.code === "refused" ? JSON_RPC_CODES.failure : JSON_RPC_CODES.failed);
		}
	};
	failed = (code, message, data) => ({ error: {
		code,
		message,
		...data !== void 0 && { data }
	} });
	replyTo = (status, id, said) => jsonReply(status, {
		jsonrpc: "2.0",
		id,
		...said
	});
}));
// packages/server/src/http/operations.ts
function operationsRoutes(handlers, options) {
	const route = (method, path, run) => ({
		method,
		path,
		readsBody: false,
		run,
		fail: (error) => replyOfError(error)
	});
	return [
		route("GET", "/healthz", () => ALIVE),
		route("GET", "/readyz", (request) => ready(handlers, request, options.readyTimeoutMs ?? READY_TIMEOUT_MS)),
		route("ANY", "/api/ping", () => PONG),
		route("GET", "/api/metrics", async () => {
			const { text, contentType } = await options.metrics();
			return textReply(200, text, contentType);
		})
	];
}
async function ready(handlers, { context }, timeoutMs) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => {
			reject(new HoldfastError("unavailable", `the store did not answer within ${timeoutMs} ms`));
		}, timeoutMs);
	});
	try {
		await Promise.race([handlers.ready(context, void 0), late]);
		return ALIVE;
	} finally {
		clearTimeout(timer);
	}
}
var READY_TIMEOUT_MS, ALIVE, PONG;
var init_operations = __esmMin((() => {
	init_src$3();
	init_dtm_replies();
	init_reply();
	READY_TIMEOUT_MS = 2e3;
	ALIVE = jsonReply(200, { status: "ok" });
	PONG = jsonReply(200, { msg: "pong" });
}));
// packages/server/src/http/router.ts
function choose(routes, method, params) {
	const route = routes.get(method) ?? routes.get("ANY");
	if (route !== void 0) return {
		kind: "route",
		route,
		params
	};
	return {
		kind: "wrong-method",
		allow: [...routes.keys()]
	};
}
function paramsOf(pattern, segments) {
	if (pattern.length !== segments.length) return void 0;
	const params = [];
	for (const [index, part] of pattern.entries()) {
		const segment = segments[index] ?? "";
		if (part.startsWith(":")) params.push(decodeSegment(segment));
		else if (part !== segment) return void 0;
	}
	return params;
}
function decodeSegment(segment) {
	try {
		return decodeURIComponent(segment);
	} catch {
		return segment;
	}
}
var NO_PARAMS, LONGEST_GUESSED, Router;
var init_router = __esmMin((() => {
	init_nearest();
	NO_PARAMS = [];
	LONGEST_GUESSED = 64;
	Router = class {
		#fixed = new Map();
		#patterns = [];
		constructor(routes) {
			for (const route of routes) this.#add(route);
		}
		get paths() {
			return [...this.#fixed.keys(), ...this.#patterns.map(({ segments }) => segments.join("/"))];
		}
		match(method, path) {
			const fixed = this.#fixed.get(path);
			if (fixed !== void 0) return choose(fixed, method, NO_PARAMS);
			const segments = path.split("/");
			for (const pattern of this.#patterns) {
				const params = paramsOf(pattern.segments, segments);
				if (params !== void 0) return choose(pattern.routes, method, params);
			}
			return {
				kind: "unknown",
				nearest: path.length > LONGEST_GUESSED ? void 0 : nearest(path, this.paths)
			};
		}
		#add(route) {
			const routes = route.path.includes("/:") ? this.#patternRoutes(route.path) : this.#fixedRoutes(route.path);
			if (routes.has(route.method)) throw new Error(`two routes for ${route.method} ${route.path}`);
			routes.set(route.method, route);
		}
		#fixedRoutes(path) {
			const known = this.#fixed.get(path) ?? new Map();
			this.#fixed.set(path, known);
			return known;
		}
		#patternRoutes(path) {
			const known = this.#patterns.find(({ segments }) => segments.join("/") === path);
			if (known !== void 0) return known.routes;
			const added = {
				segments: path.split("/"),
				routes: new Map()
			};
			this.#patterns.push(added);
			return added.routes;
		}
	};
}));
// packages/server/src/logs/log.ts
function logDefect(log, route, error) {
	const { gid, cause } = error;
	log.error({
		...gid !== void 0 && { gid },
		route,
		err: cause ?? error
	}, "a request failed by a defect");
}
var SILENT;
var init_log = __esmMin((() => {
	SILENT = {
		debugs: false,
		debug() {},
		info() {},
		warn() {},
		error() {}
	};
}));
// packages/server/src/http/cross-site.ts
function crossSiteFault(headers) {
	if (headers["sec-fetch-site"] === "cross-site") return REASON;
	const { origin } = headers;
	if (origin === void 0) return void 0;
	const host = URL.canParse(origin) ? new URL(origin).host : "";
	return host !== "" && host === headers.host ? void 0 : REASON;
}
var REASON;
var init_cross_site = __esmMin((() => {
	REASON = "requests of web pages of other sites are refused";
}));
// packages/server/src/http/misses.ts
function replyOfMiss(match, path) {
	if (match.kind === "wrong-method") {
		const allow = match.allow.join(", ");
		return reply(path, 405, "invalid", `this path takes ${allow}`, {}, ["Allow", allow]);
	}
	const { nearest } = match;
	const hint = nearest === void 0 ? "" : `; the nearest there is: ${nearest}`;
	return reply(path, 404, "not_found", `there is nothing at ${path.slice(0, LONGEST_SHOWN)}${hint}`, { nearest });
}
function reply(path, status, code, message, more, head) {
	if (!path.startsWith("/api/v1/")) return jsonReply(status, {
		message,
		...more
	}, void 0, head);
	return jsonReply(status, {
		type: `urn:holdfast:problem:${code}`,
		title: "There is no such route",
		status,
		detail: message,
		code,
		...more
	}, PROBLEM_TYPE, head);
}
var LONGEST_SHOWN;
var init_misses = __esmMin((() => {
	init_reply();
	LONGEST_SHOWN = 200;
}));
// packages/server/src/http/read-body.ts
function readBody(request, maxBytes) {
	return new Promise((resolve, reject) => {
		const announced = request.headers["content-length"];
		if (announced !== void 0 && Number(announced) > maxBytes) return reject(tooLarge(maxBytes));
		let first;
		let rest;
		let bytes = 0;
		request.on("data", (chunk) => {
			bytes += chunk.length;
			if (bytes > maxBytes) reject(tooLarge(maxBytes));
			else if (first === void 0) first = chunk;
			else (rest ??= []).push(chunk);
		});
		request.on("end", () => {
			if (first === void 0) return resolve("");
			const text = (rest === void 0 ? first : Buffer.concat([first, ...rest])).toString();
			resolve(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text);
		});
		request.on("close", () => {
			if (!request.complete) reject(brokenOff());
		});
	});
}
var BYTE_ORDER_MARK, brokenOff, tooLarge;
var init_read_body = __esmMin((() => {
	init_src$3();
	BYTE_ORDER_MARK = 65279;
	brokenOff = () => new HoldfastError("invalid", "the request broke off before its body was complete");
	tooLarge = (maxBytes) => new HoldfastError("too_large", `the body must have at most ${maxBytes} bytes`);
}));
// packages/server/src/http/request-context.ts
var RequestContext;
var init_request_context = __esmMin((() => {
	init_src$3();
	RequestContext = class {
		principal = "anonymous";
		namespace = DEFAULT_NAMESPACE;
		#response;
		#abort;
		constructor(response) {
			this.#response = response;
		}
		get signal() {
			if (this.#abort === void 0) {
				const abort = this.#abort = new AbortController();
				if (this.#response.destroyed) abort.abort();
				else this.#response.once("close", () => abort.abort());
			}
			return this.#abort.signal;
		}
	};
}));
// packages/server/src/http/server.ts
var STARTING, NO_ROUTE, NO_QUERY, LAST_ANSWERS_MS, HttpServer, connectionsOf;
var init_server = __esmMin((() => {
	init_src$3();
	init_src$1();
	init_log();
	init_cross_site();
	init_misses();
	init_read_body();
	init_reply();
	init_request_context();
	STARTING = jsonReply(503, { message: "the coordinator is starting" }, void 0, ["Retry-After", "1"]);
	NO_ROUTE = "(none)";
	NO_QUERY = new URLSearchParams();
	LAST_ANSWERS_MS = 1e3;
	HttpServer = class {
		#options;
		#server;
		#router;
		#stopping = false;
		constructor(options) {
			this.#options = options;
			this.#server = createServer(HTTP_SERVER_SETTINGS, (request, response) => this.#onRequest(request, response));
			this.#server.maxHeadersCount = HTTP_SERVER_LIMITS.maxHeadersCount;
			this.#server.maxConnections = options.maxConnections;
		}
		async listen(host, port) {
			this.#server.listen(port, host);
			await once(this.#server, "listening");
			const { address, family, port: bound } = this.#server.address();
			return `http://${family === "IPv6" ? `[${address}]` : address}:${bound}`;
		}
		use(router) {
			this.#router = router;
		}
		stopAccepting() {
			this.#stopping = true;
			this.#server.close();
		}
		async close() {
			if (!this.#stopping) this.stopAccepting();
			const impatient = setTimeout(() => this.#server.closeAllConnections(), LAST_ANSWERS_MS);
			if (this.#server.listening || await connectionsOf(this.#server) > 0) {
				this.#server.closeIdleConnections();
				await once(this.#server, "close");
			}
			clearTimeout(impatient);
		}
		#onRequest(request, response) {
			const url = request.url ?? "/";
			const mark = url.indexOf("?");
			const path = mark < 0 ? url : url.slice(0, mark);
			const fault = crossSiteFault(request.headers);
			if (fault !== void 0) return this.#send(response, jsonReply(403, { message: fault }));
			if (this.#router === void 0) return this.#send(response, STARTING);
			const match = this.#router.match(request.method ?? "GET", path);
			if (match.kind !== "route") return this.#miss(response, replyOfMiss(match, path));
			const query = mark < 0 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1));
			this.#serve(request, response, match.route, match.params, query);
		}
		async #serve(request, response, route, params, query) {
			const startedMs = performance.now();
			const { maxBodyBytes, answered, log } = this.#options;
			let reply;
			try {
				const body = route.readsBody ? await readBody(request, maxBodyBytes) : "";
				reply = await route.run({
					context: new RequestContext(response),
					query,
					params,
					body
				});
			} catch (thrown) {
				const error = HoldfastError.from(thrown);
				if (error.code === "internal") logDefect(log, route.path, error);
				reply = route.fail(error);
			}
			this.#send(response, reply);
			const durationMs = performance.now() - startedMs;
			answered(route.path, reply.status, durationMs);
			if (log.debugs) log.debug({
				method: request.method,
				path: route.path,
				status: reply.status,
				durationMs
			}, "answered");
		}
		#miss(response, reply) {
			this.#send(response, reply);
			this.#options.answered(NO_ROUTE, reply.status, 0);
		}
		#send(response, reply) {
			if (this.#stopping) response.shouldKeepAlive = false;
			response.writeHead(reply.status, reply.head);
			response.end(reply.body, reply.encoding);
		}
	};
	connectionsOf = (server) => new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
}));
// packages/server/src/http/problem.ts
function problemReply(error) {
	const { code, gid, field, status } = error;
	const problem = {
		type: `urn:holdfast:problem:${code}`,
		title: TITLES[code],
		status: STATUS_OF_ERROR[code],
		detail: inOwnWords(messageOf(error)),
		code,
		...gid !== void 0 && { gid },
		...field !== void 0 && { field: inOwnWords(field) },
		...status !== void 0 && { transactionStatus: status }
	};
	return jsonReply(problem.status, problem, PROBLEM_TYPE, headOfError(error));
}
var TITLES;
var init_problem = __esmMin((() => {
	init_src$1();
	init_error_status();
	init_reply();
	TITLES = {
		invalid: "The request is wrong",
		too_large: "A limit is exceeded",
		not_found: "There is no such thing",
		refused: "The transaction does not allow it",
		unavailable: "Not possible now",
		overloaded: "Too much at once",
		internal: "A defect of the coordinator"
	};
}));
// packages/server/src/http/v1-routes.ts
function transactions(api) {
	return [
		route("POST", "/transactions", async ({ context, query, body }) => ok(await api.create(context, parseJson(body), waitMsOf(query))), true),
		route("GET", "/transactions", async ({ context, query }) => ok(await api.list(context, query))),
		route("GET", "/transactions/:gid", async ({ context, query, params: [gid = ""] }) => ok(await api.get(context, gid, waitMsOf(query)))),
		route("POST", "/transactions/:gid/submit", async ({ context, query, params: [gid = ""] }) => ok(await api.submit(context, gid, waitMsOf(query))))
	];
}
function initiators(api) {
	return [
		route("POST", "/transactions/:gid/branches", async ({ context, params: [gid = ""], body }) => {
			await api.registerBranch(context, gid, parseJson(body));
			return NO_CONTENT;
		}, true),
		route("GET", "/transactions/:gid/progress", async ({ context, params: [gid = ""] }) => ok(await api.progress(context, gid))),
		route("POST", "/transactions/:gid/finish", async ({ context, params: [gid = ""], body }) => ok(await api.finish(context, gid, parseJson(body))), true),
		route("POST", "/transactions/:gid/park", async ({ context, params: [gid = ""], body }) => ok(await api.park(context, gid, parseJson(body))), true)
	];
}
function orders(api) {
	return [
		route("POST", "/transactions/:gid/abort", async ({ context, query, params: [gid = ""], body }) => ok(await api.abort(context, gid, body === "" ? void 0 : parseJson(body), waitMsOf(query))), true),
		route("POST", "/transactions/:gid/retry", async ({ context, query, params: [gid = ""] }) => ok(await api.retry(context, gid, waitMsOf(query))), true),
		route("POST", "/transactions/:gid/stop", async ({ context, query, params: [gid = ""] }) => ok(await api.stop(context, gid, waitMsOf(query))), true)
	];
}
function topics(api) {
	return [
		route("GET", "/topics", async ({ context, query }) => ok(await api.topics(context, query))),
		route("PUT", "/topics/:topic/subscribers", async ({ context, params: [topic = ""], body }) => {
			await api.subscribe(context, topic, parseJson(body));
			return NO_CONTENT;
		}, true),
		route("DELETE", "/topics/:topic/subscribers", async ({ context, params: [topic = ""], query }) => {
			await api.unsubscribe(context, topic, query.get("url") ?? "");
			return NO_CONTENT;
		}),
		route("DELETE", "/topics/:topic", async ({ context, params: [topic = ""] }) => {
			await api.deleteTopic(context, topic);
			return NO_CONTENT;
		})
	];
}
function operations(api) {
	return [route("GET", "/nodes", async ({ context }) => ok(await api.nodes(context))), route("GET", "/status", async ({ context }) => ok(await api.status(context)))];
}
var v1Routes, route, ok, waitMsOf;
var init_v1_routes = __esmMin((() => {
	init_src$1();
	init_json_text();
	init_problem();
	init_reply();
	v1Routes = (api) => [
		...transactions(api),
		...initiators(api),
		...orders(api),
		...topics(api),
		...operations(api)
	];
	route = (method, path, run, readsBody = false) => ({
		method,
		path: `/api/v1${path}`,
		readsBody,
		run,
		fail: problemReply
	});
	ok = (value) => jsonReply(200, value);
	waitMsOf = (query) => new QueryReader(query).count("waitMs") ?? 0;
}));
// packages/server/src/metrics/exposition.ts
function createExposition(metrics, coordinator) {
	let built;
	return async () => {
		built ??= import("prom-client").then((prom) => build(prom, metrics, coordinator));
		const { register, showCounts } = await built;
		showCounts(await askCounts(coordinator));
		return {
			text: await register.metrics(),
			contentType: register.contentType
		};
	};
}
function build(prom, metrics, coordinator) {
	const register = new prom.Registry();
	prom.collectDefaultMetrics({ register });
	for (const family of metrics.counterFamilies) addCounter(prom, register, family);
	for (const family of metrics.histogramFamilies) addHistogram(prom, register, family);
	addLoad(prom, register, coordinator);
	return {
		register,
		showCounts: addCounts(prom, register)
	};
}
function addCounter(prom, register, family) {
	const { name, help, labelNames } = family;
	const counter = new prom.Counter({
		name,
		help,
		labelNames: [...labelNames],
		registers: [],
		collect() {
			this.reset();
			for (const { labels, child } of family.children) this.inc({ ...labels }, child.value);
		}
	});
	register.registerMetric(counter);
}
function addHistogram(prom, register, family) {
	const { name, help, labelNames } = family;
	class FamilyHistogram extends prom.Gauge {
		get() {
			const values = [...family.children].flatMap(({ labels, child }) => samplesOf(name, labels, child));
			return Promise.resolve({
				name,
				help,
				type: HISTOGRAM,
				aggregator: "sum",
				values,
				collect() {}
			});
		}
	}
	register.registerMetric(new FamilyHistogram({
		name,
		help,
		labelNames: [...labelNames],
		registers: []
	}));
}
function samplesOf(name, labels, { bounds, counts, sum }) {
	let below = 0;
	return [
		...counts.map((count, index) => {
			below += count;
			const le = bounds[index] ?? "+Inf";
			return {
				metricName: `${name}_bucket`,
				labels: {
					...labels,
					le
				},
				value: below
			};
		}),
		{
			metricName: `${name}_sum`,
			labels: { ...labels },
			value: sum
		},
		{
			metricName: `${name}_count`,
			labels: { ...labels },
			value: below
		}
	];
}
function addLoad(prom, register, coordinator) {
	const gauge = (name, help, read) => {
		const made = new prom.Gauge({
			name: `holdfast_${name}`,
			help,
			registers: [],
			collect() {
				this.set(read());
			}
		});
		register.registerMetric(made);
	};
	gauge("transactions_in_progress", "Transactions this node drives now", () => coordinator.load().inProgress);
	gauge("branch_calls_running", "Calls of branches under way", () => coordinator.load().callsRunning);
	gauge("store_writes_queued", "Writes that wait for the store", () => coordinator.load().writesQueued);
	gauge("waiters", "Callers that wait for a result", () => coordinator.load().waiters);
	gauge("draining", "1 while the node is stopping", () => Number(coordinator.load().draining));
	gauge("lease_held", "0 when the store was silent for too long to start anything", () => Number(coordinator.load().leaseHeld));
}
function addCounts(prom, register) {
	const gauge = (name, help, labelNames = []) => new prom.Gauge({
		name: `holdfast_${name}`,
		help,
		labelNames,
		registers: [register]
	});
	const up = gauge("store_up", "1 when the store answered this scrape");
	const stored = gauge("stored_transactions", "Transactions in the store", ["status"]);
	const attention = gauge("stored_transactions_attention", "Transactions in the store that need a person");
	return (counts) => {
		up.set(counts === void 0 ? 0 : 1);
		stored.reset();
		attention.reset();
		if (counts === void 0) return;
		for (const status of STATUSES) stored.set({ status }, counts.byStatus[status]);
		attention.set(counts.attention);
	};
}
async function askCounts(coordinator) {
	let timer;
	const late = new Promise((resolve) => {
		timer = setTimeout(resolve, COUNTS_TIMEOUT_MS, void 0);
	});
	const context = {
		principal: "metrics",
		namespace: DEFAULT_NAMESPACE
	};
	try {
		return await Promise.race([coordinator.counts(context).catch(() => void 0), late]);
	} finally {
		clearTimeout(timer);
	}
}
var COUNTS_TIMEOUT_MS, HISTOGRAM;
var init_exposition = __esmMin((() => {
	init_src$3();
	COUNTS_TIMEOUT_MS = 2e3;
	HISTOGRAM = "histogram";
}));
// packages/server/src/metrics/families.ts
var CounterChild, HistogramChild, Family, counters, histograms;
var init_families = __esmMin((() => {
	CounterChild = class {
		value = 0;
		add(count = 1) {
			this.value += count;
		}
	};
	HistogramChild = class {
		bounds;
		counts;
		sum = 0;
		constructor(bounds) {
			this.bounds = bounds;
			this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
		}
		observe(value) {
			let index = 0;
			while (index < this.bounds.length && value > (this.bounds[index] ?? Infinity)) index++;
			this.counts[index] = (this.counts[index] ?? 0) + 1;
			this.sum += value;
		}
	};
	Family = class {
		name;
		help;
		labelNames;
		#make;
		#children = new Map();
		constructor(name, help, labelNames, make) {
			this.name = name;
			this.help = help;
			this.labelNames = labelNames;
			this.#make = make;
		}
		child(labels = {}) {
			const key = this.labelNames.map((name) => labels[name] ?? "").join("\n");
			const known = this.#children.get(key);
			if (known !== void 0) return known.child;
			const child = this.#make();
			this.#children.set(key, {
				labels,
				child
			});
			return child;
		}
		get children() {
			return this.#children.values();
		}
	};
	counters = (name, help, ...labelNames) => new Family(name, help, labelNames, () => new CounterChild());
	histograms = (name, help, bounds, ...labelNames) => new Family(name, help, labelNames, () => new HistogramChild(bounds));
}));
// packages/server/src/metrics/server-metrics.ts
var SECONDS, LONG_SECONDS, ITEMS, ServerMetrics, byKey;
var init_server_metrics = __esmMin((() => {
	init_src$3();
	init_families();
	SECONDS = [
		5e-4,
		.001,
		.0025,
		.005,
		.01,
		.025,
		.05,
		.1,
		.25,
		.5,
		1,
		2.5,
		5,
		10
	];
	LONG_SECONDS = [
		.005,
		.01,
		.05,
		.1,
		.5,
		1,
		5,
		10,
		60,
		300,
		3600
	];
	ITEMS = [
		1,
		2,
		5,
		10,
		20,
		50,
		100,
		200,
		500,
		1e3
	];
	ServerMetrics = class {
		#accepted = counters("holdfast_transactions_accepted_total", "Transactions made durable", "pattern");
		#finished = counters("holdfast_transactions_finished_total", "Transactions that took their final status", "pattern", "status");
		#lifetime = histograms("holdfast_transaction_seconds", "From creation to final status", LONG_SECONDS, "pattern");
		#results = counters("holdfast_branch_results_total", "Answers of branches and clients", "pattern", "result");
		#calls = histograms("holdfast_branch_call_seconds", "Calls of branches and clients", SECONDS, "pattern");
		#writes = histograms("holdfast_store_write_seconds", "Batches of writes to the store", SECONDS);
		#batches = histograms("holdfast_store_batch_items", "Writes in one batch", ITEMS);
		#failedWrites = counters("holdfast_store_write_failures_total", "Batches that the store did not take");
		#conflicts = counters("holdfast_write_conflicts_total", "Writes that lost against another one");
		#claims = counters("holdfast_transactions_claimed_total", "Due transactions taken from the store");
		#takeovers = counters("holdfast_transactions_taken_over_total", "Transactions released from silent nodes");
		#alerts = counters("holdfast_alerts_total", "Transactions raised as needing a person");
		#requests = counters("holdfast_http_requests_total", "Requests answered", "route", "status");
		#requestTimes = histograms("holdfast_http_request_seconds", "From the request to its answer", SECONDS, "route");
		#acceptedOf = byKey(PATTERNS, (pattern) => this.#accepted.child({ pattern }));
		#finishedOf = byKey(PATTERNS, (pattern) => byKey(STATUSES, (status) => this.#finished.child({
			pattern,
			status
		})));
		#lifetimeOf = byKey(PATTERNS, (pattern) => this.#lifetime.child({ pattern }));
		#resultsOf = byKey(PATTERNS, (pattern) => byKey(RESULTS, (result) => this.#results.child({
			pattern,
			result
		})));
		#callsOf = byKey(PATTERNS, (pattern) => this.#calls.child({ pattern }));
		#routes = new Map();
		get counterFamilies() {
			return [
				this.#accepted,
				this.#finished,
				this.#results,
				this.#failedWrites,
				this.#conflicts,
				this.#claims,
				this.#takeovers,
				this.#alerts,
				this.#requests
			];
		}
		get histogramFamilies() {
			return [
				this.#lifetime,
				this.#calls,
				this.#writes,
				this.#batches,
				this.#requestTimes
			];
		}
		branchAnswered(pattern, result, durationMs) {
			this.#resultsOf[pattern][result].add();
			this.#callsOf[pattern].observe(durationMs / 1e3);
		}
		batchWritten(items, durationMs, ok) {
			this.#writes.child().observe(durationMs / 1e3);
			this.#batches.child().observe(items);
			if (!ok) this.#failedWrites.child().add();
		}
		transactionFinished(pattern, status, durationMs) {
			this.#finishedOf[pattern][status].add();
			this.#lifetimeOf[pattern].observe(durationMs / 1e3);
		}
		transactionAccepted(pattern) {
			this.#acceptedOf[pattern].add();
		}
		claimed(count) {
			this.#claims.child().add(count);
		}
		tookOver(count) {
			this.#takeovers.child().add(count);
		}
		conflicted() {
			this.#conflicts.child().add();
		}
		alerted() {
			this.#alerts.child().add();
		}
		answered(route, status, durationMs) {
			let found = this.#routes.get(route);
			if (found === void 0) {
				found = {
					times: this.#requestTimes.child({ route }),
					statuses: new Map()
				};
				this.#routes.set(route, found);
			}
			found.times.observe(durationMs / 1e3);
			let count = found.statuses.get(status);
			if (count === void 0) {
				count = this.#requests.child({
					route,
					status: String(status)
				});
				found.statuses.set(status, count);
			}
			count.add();
		}
	};
	byKey = (keys, make) => Object.fromEntries(keys.map((key) => [key, make(key)]));
}));
// packages/store-postgres/src/options.ts
function settingsOf(options) {
	const { connectionString, schemaOfUrl } = splitUrl(options.url);
	const schema = options.schema ?? schemaOfUrl ?? DEFAULT_SCHEMA;
	if (!NAME.test(schema) || schema.startsWith("pg_")) throw invalid(`the schema name ${JSON.stringify(schema)} cannot be used: a to z, 0 to 9 and _, not beginning with a digit or pg_`);
	return {
		client: {
			connectionString,
			application_name: "holdfast",
			connectionTimeoutMillis: checkedTimeout("connectTimeoutMs", options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS),
			keepAlive: true,
			keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS
		},
		schema,
		statementTimeoutMs: checkedTimeout("statementTimeoutMs", options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS),
		onWarning: options.onWarning ?? (() => void 0),
		wallMs: options.wallMs
	};
}
function splitUrl(text) {
	if (!URL.canParse(text)) throw invalid("the store URL cannot be read; it looks like postgres://user:password@host:5432/database");
	const url = new URL(text);
	if (url.protocol !== "postgres:" && url.protocol !== "postgresql:") throw invalid(`a store URL of PostgreSQL begins with postgres:// and not with ${url.protocol}`);
	const schemaOfUrl = url.searchParams.get("schema") ?? void 0;
	url.searchParams.delete("schema");
	return {
		connectionString: url.href,
		schemaOfUrl
	};
}
function checkedTimeout(name, ms) {
	if (!Number.isInteger(ms) || ms < 1 || ms > LONGEST_TIMEOUT_MS) throw invalid(`${name} is ${ms}; it takes whole milliseconds from 1 to ${LONGEST_TIMEOUT_MS}`);
	return ms;
}
var DEFAULT_SCHEMA, CONNECT_TIMEOUT_MS, STATEMENT_TIMEOUT_MS, LONGEST_TIMEOUT_MS, KEEP_ALIVE_DELAY_MS, NAME, invalid;
var init_options = __esmMin((() => {
	init_src$2();
	DEFAULT_SCHEMA = "holdfast";
	CONNECT_TIMEOUT_MS = 5e3;
	STATEMENT_TIMEOUT_MS = 3e4;
	LONGEST_TIMEOUT_MS = 6e5;
	KEEP_ALIVE_DELAY_MS = 1e4;
	NAME = /^[a-z_][a-z0-9_]{0,62}$/;
	invalid = (message) => new StoreError("invalid", message);
}));
// packages/store-postgres/src/arrays.ts
function textArray(values) {
	let bytes = HEADER_BYTES + values.length * LENGTH_BYTES;
	for (const value of values) if (value !== null) bytes += Buffer.byteLength(value);
	const array = begin(TYPES$1.text, values.length, bytes);
	let at = HEADER_BYTES;
	for (const value of values) {
		if (value === null) {
			at = array.writeInt32BE(NULL_LENGTH, at);
			continue;
		}
		const written = array.write(value, at + LENGTH_BYTES);
		array.writeInt32BE(written, at);
		at += LENGTH_BYTES + written;
	}
	return array;
}
function fixedArray(type, width, values, write) {
	const nulls = values.reduce((sum, value) => value === null ? sum + 1 : sum, 0);
	const bytes = HEADER_BYTES + values.length * LENGTH_BYTES + (values.length - nulls) * width;
	const array = begin(type, values.length, bytes);
	let at = HEADER_BYTES;
	for (const value of values) {
		at = array.writeInt32BE(value === null ? NULL_LENGTH : width, at);
		if (value === null) continue;
		write(array, value, at);
		at += width;
	}
	return array;
}
function begin(type, length, bytes) {
	const array = Buffer.allocUnsafe(bytes);
	array.writeInt32BE(1, 0);
	array.writeInt32BE(1, 4);
	array.writeInt32BE(type, 8);
	array.writeInt32BE(length, 12);
	array.writeInt32BE(1, 16);
	return array;
}
var HEADER_BYTES, LENGTH_BYTES, NULL_LENGTH, TYPES$1, int8Array, int4Array, boolArray;
var init_arrays = __esmMin((() => {
	HEADER_BYTES = 20;
	LENGTH_BYTES = 4;
	NULL_LENGTH = -1;
	TYPES$1 = {
		bool: 16,
		int8: 20,
		int4: 23,
		text: 25
	};
	int8Array = (values) => fixedArray(TYPES$1.int8, 8, values, (array, value, at) => array.writeBigInt64BE(BigInt(value), at));
	int4Array = (values) => fixedArray(TYPES$1.int4, 4, values, (array, value, at) => array.writeInt32BE(value, at));
	boolArray = (values) => fixedArray(TYPES$1.bool, 1, values, (array, value, at) => array.writeUInt8(value ? 1 : 0, at));
}));
// packages/store-postgres/src/errors.ts
function failureOf(thrown) {
	const state = sqlState(thrown);
	if (state === void 0 || isFatal(thrown, state)) return "lost";
	if (AGAIN.has(state)) return "again";
	return UNSTORABLE_CLASSES.has(state.slice(0, 2)) ? "unstorable" : "refused";
}
function sqlState(thrown) {
	if (!(thrown instanceof Error) || !("code" in thrown) || severity(thrown) === void 0) return void 0;
	return typeof thrown.code === "string" ? thrown.code : void 0;
}
function isFatal(thrown, state) {
	const said = severity(thrown);
	return said === "FATAL" || said === "PANIC" || said !== "ERROR" && GRAVE_CLASSES.has(state.slice(0, 2));
}
function severity(thrown) {
	if (!(thrown instanceof Error) || !("severity" in thrown)) return void 0;
	return typeof thrown.severity === "string" ? thrown.severity : void 0;
}
var AGAIN, UNSTORABLE_CLASSES, GRAVE_CLASSES, isReadOnly, textOf, unavailable;
var init_errors = __esmMin((() => {
	init_src$2();
	AGAIN = new Set(["40001", "40P01"]);
	UNSTORABLE_CLASSES = new Set([
		"22",
		"23",
		"54"
	]);
	GRAVE_CLASSES = new Set([
		"08",
		"53",
		"57",
		"58",
		"XX"
	]);
	isReadOnly = (thrown) => sqlState(thrown) === "25006";
	textOf = (thrown) => thrown instanceof Error ? thrown.message : String(thrown);
	unavailable = (place, what, thrown) => new StoreError("unavailable", `PostgreSQL at ${place} ${what}: ${textOf(thrown)}`, thrown);
}));
// packages/store-postgres/src/connection.ts
var ATTEMPTS, GRACE_MS, Connection, placeOf, toNumber, types, sessionSettings;
var init_connection = __esmMin((() => {
	init_src$2();
	init_errors();
	ATTEMPTS = 10;
	GRACE_MS = 5e3;
	Connection = class {
		#settings;
		#client;
		#place;
		#last = Promise.resolve();
		constructor(settings) {
			this.#settings = settings;
			this.#place = placeOf(new pg.Client(settings.client));
		}
		get place() {
			return this.#place;
		}
		query(statement, values) {
			return this.#next(async () => {
				for (let attempt = 1;; attempt++) try {
					return await this.#send(await this.#connected(), statement, values);
				} catch (thrown) {
					if (thrown instanceof StoreError) throw thrown;
					if (failureOf(thrown) !== "again" || attempt === ATTEMPTS) throw this.#convert(thrown, statement);
				}
			});
		}
		alone(body) {
			return this.#next(async () => {
				const client = await this.#connected();
				try {
					return await body(client);
				} catch (thrown) {
					this.#drop();
					if (thrown instanceof StoreError) throw thrown;
					throw unavailable(this.#place, "could not be prepared", thrown);
				}
			});
		}
		close() {
			return this.#next(async () => {
				const client = this.#client;
				this.#client = void 0;
				await client?.end();
			});
		}
		#next(work) {
			const result = this.#last.then(work);
			this.#last = result.catch(() => void 0);
			return result;
		}
		async #connected() {
			if (this.#client !== void 0) return this.#client;
			const client = new pg.Client({
				...this.#settings.client,
				types
			});
			const forget = () => {
				if (this.#client === client) this.#client = void 0;
			};
			client.on("error", forget);
			client.on("end", forget);
			try {
				await client.connect();
				await client.query(sessionSettings(this.#settings));
			} catch (thrown) {
				client.end().catch(forget);
				throw unavailable(this.#place, "cannot be used", thrown);
			}
			this.#client = client;
			return client;
		}
		async #send(client, { name, text }, values) {
			const timer = setTimeout(() => this.#drop(), this.#settings.statementTimeoutMs + GRACE_MS);
			try {
				const { rows } = await client.query({
					name,
					text,
					values
				});
				return rows;
			} finally {
				clearTimeout(timer);
			}
		}
		#convert(thrown, statement) {
			const failure = failureOf(thrown);
			if (failure === "lost" || isReadOnly(thrown)) this.#drop();
			if (failure === "unstorable") return new StoreError("rejected", `PostgreSQL cannot store it: ${thrown.message}`, thrown);
			if (failure === "lost" && statement.changes) return new StoreError("outcome_unknown", `PostgreSQL at ${this.#place} was lost meanwhile`, thrown);
			return unavailable(this.#place, failure === "lost" ? "was lost" : "refused a statement", thrown);
		}
		#drop() {
			const client = this.#client;
			this.#client = void 0;
			client?.end().catch(() => void 0);
		}
	};
	placeOf = ({ host, port, database }) => `${host}:${port}/${database ?? ""}`;
	toNumber = (text) => Number(text);
	types = { getTypeParser: (oid, format) => oid === pg.types.builtins.INT8 && format !== "binary" ? toNumber : pg.types.getTypeParser(oid, format) };
	sessionSettings = ({ schema, statementTimeoutMs }) => [
		`search_path to ${schema}`,
		`statement_timeout to ${statementTimeoutMs}`,
		`idle_in_transaction_session_timeout to ${statementTimeoutMs}`,
		"default_transaction_isolation to \"read committed\"",
		"plan_cache_mode to force_generic_plan",
		"enable_seqscan to off",
		"enable_hashjoin to off",
		"enable_mergejoin to off",
		"enable_bitmapscan to off",
		"jit to off"
	].map((setting) => `set ${setting};`).join(" ");
}));
// packages/store-postgres/src/durability.ts
async function whatACrashMayLose(client) {
	const { rows } = await client.query(`select current_setting('server_encoding') as encoding, current_setting('server_version_num')::integer as version,
       current_setting('synchronous_commit') as synchronous_commit, current_setting('fsync') as fsync,
       current_setting('full_page_writes') as full_page_writes`);
	const [server] = rows;
	if (server === void 0) throw new StoreError("unavailable", "PostgreSQL does not tell its settings");
	if (server.version < OLDEST_VERSION) throw new StoreError("unavailable", `PostgreSQL ${Math.floor(server.version / 1e4)} is too old: 12 and later are supported`);
	if (server.encoding !== "UTF8") throw new StoreError("unavailable", `the database's encoding is ${server.encoding}, which does not keep every gid: make one with UTF8`);
	return lossOf(server);
}
function lossOf(server) {
	if (server.fsync !== "on") return "fsync is off: a crash of the machine may lose or corrupt everything; turn it on";
	if (server.full_page_writes !== "on") return "full_page_writes is off: unless the file system writes pages whole, a crash of the machine may corrupt what is stored; turn it on";
	if (server.synchronous_commit === "off") return "synchronous_commit is off: a crash of the database may lose what was acknowledged in the second before it; set it to on";
}
var OLDEST_VERSION;
var init_durability = __esmMin((() => {
	init_src$2();
	OLDEST_VERSION = 12e4;
}));
// packages/store-postgres/src/statements/counters.ts
var SLOTS, counted, sumOf, SUMS, COUNT, COUNT_ALL;
var init_counters = __esmMin((() => {
	init_src$3();
	SLOTS = 64;
	counted = (changes) => `counted as (
  insert into counters as c (namespace, slot, ${STATUSES.join(", ")}, attention, last_at)
  select namespace, pg_backend_pid() % ${SLOTS}, ${STATUSES.map(sumOf).join(", ")}, coalesce(sum("by") filter (where attention), 0), (select now from clock)
  from (${changes}) as changes (namespace, status, attention, "by")
  group by namespace
  order by namespace
  on conflict (namespace, slot) do update set
    ${[...STATUSES, "attention"].map((name) => `${name} = c.${name} + excluded.${name}`).join(", ")},
    last_at = greatest(c.last_at, excluded.last_at)
)`;
	sumOf = (status) => `coalesce(sum("by") filter (where status = '${status}'), 0)`;
	SUMS = [...STATUSES, "attention"].map((name) => `coalesce(sum(${name}), 0)::bigint as ${name}`).join(", ");
	COUNT = {
		name: "count",
		changes: false,
		text: `select ${SUMS} from counters where namespace = $1::text`
	};
	COUNT_ALL = {
		name: "count_all",
		changes: false,
		text: `select ${SUMS} from counters`
	};
}));
// packages/store-postgres/src/statements/clock.ts
var CLOCK, NOW;
var init_clock = __esmMin((() => {
	CLOCK = `clock as materialized (
  select greatest($1::bigint, coalesce($2::bigint, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)) as now
)`;
	NOW = "(select now from clock)";
}));
// packages/store-postgres/src/statements/due.ts
var LOOK, CLAIM, MAKE_DUE, RELEASE, PURGE;
var init_due = __esmMin((() => {
	init_clock();
	init_counters();
	LOOK = {
		name: "look",
		changes: false,
		text: `with ${CLOCK}
select ${NOW} as now, exists (select from sessions where session = $3::text and ended_at is null) as alive,
  (select min(first.due_at) from unnest($4::text[]) as g (app_group) cross join lateral (
    select due_at from transactions where app_group = g.app_group and due_at is not null order by due_at limit 1) first) as next`
	};
	CLAIM = {
		name: "claim",
		changes: true,
		text: `with ${CLOCK},
picked as materialized (
  select d.namespace, d.gid, d.due_at from unnest($5::text[]) as g (app_group) cross join lateral (
    select namespace, gid, due_at from transactions
    where app_group = g.app_group and due_at is not null and due_at <= ${NOW}
    order by due_at limit $4::bigint
    for update skip locked
  ) d
  where exists (select from sessions where session = $3::text and ended_at is null)
  order by d.due_at limit $4::bigint
),
claimed as (
  update transactions t set owner = $3, due_at = null, claims = t.claims + 1, version = t.version + 1, updated_at = ${NOW}
  from picked p where t.namespace = p.namespace and t.gid = p.gid
  returning t.*, p.due_at as was_due
)
select *, null::text[] as keys, null::bytea[] as bodies from claimed order by was_due`
	};
	MAKE_DUE = {
		name: "make_due",
		changes: true,
		text: `with ${CLOCK},
picked as materialized (
  select namespace, gid from transactions
  where due_at is not null and due_at > ${NOW} + $4::bigint and namespace || '' = $3::text
  limit $5::bigint + 1
  for update skip locked
),
made as (
  update transactions t set owner = null, due_at = ${NOW}, version = t.version + 1, updated_at = ${NOW}
  from (select namespace, gid from picked limit $5) p where t.namespace = p.namespace and t.gid = p.gid
  returning 1
)
select (select count(*) from made) as count, (select count(*) from picked) as found`
	};
	RELEASE = {
		name: "release",
		changes: true,
		text: `with recursive ${CLOCK},
owners (owner) as (
  (select owner from transactions where owner is not null order by owner limit 1)
  union all
  select (select t.owner from transactions t where t.owner > o.owner order by t.owner limit 1) from owners o where o.owner is not null
),
picked as materialized (
  select t.namespace, t.gid from owners o cross join lateral (
    select namespace, gid from transactions where owner = o.owner limit $3::bigint + 1 for update skip locked
  ) t
  where o.owner is not null and not exists (select from sessions s where s.session = o.owner and s.ended_at is null)
  limit $3::bigint + 1
),
made as (
  update transactions t set owner = null, due_at = ${NOW}, version = t.version + 1, updated_at = ${NOW}
  from (select namespace, gid from picked limit $3) p where t.namespace = p.namespace and t.gid = p.gid
  returning 1
)
select (select count(*) from made) as count, (select count(*) from picked) as found`
	};
	PURGE = {
		name: "purge",
		changes: true,
		text: `with ${CLOCK},
picked as materialized (
  select namespace, gid from transactions
  where finished_at is not null and finished_at < ${NOW} - $3::bigint
  order by finished_at limit $4::bigint
  for update skip locked
),
gone as (
  delete from transactions t using picked p
  where t.namespace = p.namespace and t.gid = p.gid
    and (t.entry_count = 0 or t.entry_count = (select count(*) from entries e where e.namespace = p.namespace and e.gid = p.gid))
  returning t.namespace, t.gid, t.status, t.attention, t.entry_count
),
forgotten as (
  delete from entries e using gone g where g.entry_count > 0 and e.namespace = g.namespace and e.gid = g.gid
),
${counted("select namespace, status, attention, -1 from gone")}
select count(*) as count from gone`
	};
}));
// packages/store-postgres/src/statements/key-values.ts
var KV_GET, KV_INSERT, KV_UPDATE, KV_DELETE, KV_SCAN;
var init_key_values$1 = __esmMin((() => {
	init_clock();
	KV_GET = {
		name: "kv_get",
		changes: false,
		text: `select * from key_values where namespace = $1::text and category = $2::text and key = $3::text`
	};
	KV_INSERT = {
		name: "kv_insert",
		changes: true,
		text: `with ${CLOCK}
insert into key_values (namespace, category, key, value, version, created_at, updated_at)
values ($3::text, $4::text, $5::text, $6::text, 1, ${NOW}, ${NOW})
on conflict (namespace, category, key) do nothing returning version`
	};
	KV_UPDATE = {
		name: "kv_update",
		changes: true,
		text: `with ${CLOCK}
update key_values set value = $6::text, version = version + 1, updated_at = ${NOW}
where namespace = $3::text and category = $4::text and key = $5::text and version = $7::bigint returning version`
	};
	KV_DELETE = {
		name: "kv_delete",
		changes: true,
		text: `with there as materialized (
  select version from key_values where namespace = $1::text and category = $2::text and key = $3::text for update
),
gone as (
  delete from key_values where namespace = $1 and category = $2 and key = $3 and version = $4::bigint returning version
)
select there.version as version, gone.version as deleted from there left join gone on true`
	};
	KV_SCAN = {
		name: "kv_scan",
		changes: false,
		text: `select * from key_values
where namespace = $1::text and category = $2::text and key > $3::text collate "C"
order by key limit $4::bigint`
	};
}));
// packages/store-postgres/src/statements/read.ts
var GET, LIST, TIME, LATEST;
var init_read = __esmMin((() => {
	init_clock();
	GET = {
		name: "get",
		changes: false,
		text: `select t.*, e.keys, e.bodies
from unnest($1::text[], $2::text[]) as k (namespace, gid)
join transactions t on t.namespace = k.namespace and t.gid = k.gid
left join lateral (
  select array_agg(e.key order by e.position) as keys, array_agg(e.body order by e.position) as bodies
  from entries e where e.namespace = t.namespace and e.gid = t.gid
) e on t.entry_count > 0`
	};
	LIST = {
		name: "list",
		changes: false,
		text: `with looked as materialized (
  select gid, created_at, status, pattern, attention from transactions
  where namespace = $1::text and created_at >= 0 and created_at between $2::bigint and $3::bigint and (created_at, gid) < ($4::bigint, $5::text collate "C")
  order by created_at desc, gid desc
  limit $6::bigint
)
(select gid, created_at, null::bigint as looked from looked
  where ($7::text is null or status = $7) and ($8::text is null or pattern = $8) and ($9::bool is null or attention = $9)
  order by created_at desc, gid desc limit $10::bigint)
union all
(select gid, created_at, (select count(*) from looked) from looked order by created_at, gid limit 1)`
	};
	TIME = {
		name: "time",
		changes: false,
		text: `with ${CLOCK} select ${NOW} as now`
	};
	LATEST = {
		name: "latest",
		changes: false,
		text: `select greatest((select max(last_at) from counters), (select max(heartbeat_at) from sessions)) as latest`
	};
}));
// packages/store-postgres/src/statements/sessions.ts
var REMEMBERED_MS, OPEN_SESSION, HEARTBEAT, END_SESSION, END_SILENT, SESSIONS;
var init_sessions = __esmMin((() => {
	init_clock();
	REMEMBERED_MS = 2592e6;
	OPEN_SESSION = {
		name: "open_session",
		changes: true,
		text: `with ${CLOCK}
insert into sessions as s (session, node, version, started_at, heartbeat_at)
values ($3::text, $4::text, $5::text, ${NOW}, ${NOW})
on conflict (session) do update set node = excluded.node, version = excluded.version, heartbeat_at = excluded.heartbeat_at
where s.ended_at is null
returning session`
	};
	HEARTBEAT = {
		name: "heartbeat",
		changes: true,
		text: `with ${CLOCK},
latest as materialized (select greatest(${NOW}, (select max(heartbeat_at) from sessions where ended_at is null)) as now),
beat as (update sessions set heartbeat_at = (select now from latest) where session = $3::text and ended_at is null returning session)
select now, exists (select from beat) as alive from latest`
	};
	END_SESSION = {
		name: "end_session",
		changes: true,
		text: `with ${CLOCK}
insert into sessions as s (session, node, version, started_at, heartbeat_at, ended_at)
values ($3::text, '', '', ${NOW}, ${NOW}, ${NOW})
on conflict (session) do update set ended_at = coalesce(s.ended_at, excluded.ended_at)`
	};
	END_SILENT = {
		name: "end_silent",
		changes: true,
		text: `with ${CLOCK},
silent as materialized (
  select session from sessions
  where ended_at is null and session <> $4::text and ${NOW} - heartbeat_at > $3::bigint
  order by session for update skip locked
),
forgotten as (delete from sessions where ended_at is not null and ended_at < ${NOW} - ${REMEMBERED_MS})
update sessions s set ended_at = ${NOW} from silent where s.session = silent.session returning s.session`
	};
	SESSIONS = {
		name: "sessions",
		changes: false,
		text: `select session, node, version, started_at, heartbeat_at from sessions where ended_at is null order by session`
	};
}));
// packages/store-postgres/src/statements/write.ts
var TYPES, NAMES, p, writeValues, WRITE, EXAMINE;
var init_write$1 = __esmMin((() => {
	init_clock();
	init_counters();
	TYPES = {
		floor: "bigint",
		wall: "bigint",
		insertNamespaces: "text[]",
		insertGids: "text[]",
		insertWriteIds: "text[]",
		insertStatuses: "text[]",
		insertOwners: "text[]",
		insertDueIns: "bigint[]",
		insertAttentions: "bool[]",
		insertPatterns: "text[]",
		insertGroups: "text[]",
		insertFroms: "int[]",
		insertDefinitionLengths: "int[]",
		insertStateLengths: "int[]",
		updateItems: "int[]",
		updateNamespaces: "text[]",
		updateGids: "text[]",
		updateVersions: "bigint[]",
		updateWriteIds: "text[]",
		updateStatuses: "text[]",
		updateOwners: "text[]",
		updateDueIns: "bigint[]",
		updateAttentions: "bool[]",
		updateStateFroms: "int[]",
		updateStateLengths: "int[]",
		appendItems: "int[]",
		appendNamespaces: "text[]",
		appendGids: "text[]",
		appendStatuses: "text[]",
		appendRooms: "int[]",
		appendPostpones: "bigint[]",
		appendFirsts: "int[]",
		appendLasts: "int[]",
		entryKeys: "text[]",
		entryFroms: "int[]",
		entryLengths: "int[]",
		bodies: "bytea"
	};
	NAMES = Object.keys(TYPES);
	p = Object.fromEntries(NAMES.map((name, i) => [name, `$${i + 1}::${TYPES[name]}`]));
	writeValues = (parameters) => NAMES.map((name) => parameters[name]);
	WRITE = {
		name: "write",
		changes: true,
		text: `with ${CLOCK},
inserted as (
  insert into transactions (namespace, gid, version, created_at, updated_at, due_at, finished_at, claims, entry_count,
    attention, before_attention, status, before_status, pattern, app_group, owner, write_id, definition, state)
  select i.namespace, i.gid, 1, ${NOW}, ${NOW},
    case when i.due_in is not null then greatest(0, ${NOW} + i.due_in) end,
    case when i.status in ('succeed', 'failed') then ${NOW} end,
    case when i.owner is null then 0 else 1 end, 0, i.attention, i.attention, i.status, i.status, i.pattern, i.app_group, i.owner, i.write_id,
    substring(${p.bodies} from i.definition_from for i.definition_length),
    substring(${p.bodies} from i.definition_from + i.definition_length for i.state_length)
  from unnest(${p.insertNamespaces}, ${p.insertGids}, ${p.insertWriteIds}, ${p.insertStatuses}, ${p.insertOwners}, ${p.insertDueIns}, ${p.insertAttentions}, ${p.insertPatterns}, ${p.insertGroups},
    ${p.insertFroms}, ${p.insertDefinitionLengths}, ${p.insertStateLengths})
    as i (namespace, gid, write_id, status, owner, due_in, attention, pattern, app_group, definition_from, definition_length, state_length)
  order by i.namespace collate "C", i.gid collate "C"
  on conflict (namespace, gid) do nothing
  returning namespace, gid, status, attention
),
appends as (
  select a.item, a.namespace, a.gid, seen.version, a.statuses, a.room, a.postpone, fresh.positions
  from unnest(${p.appendItems}, ${p.appendNamespaces}, ${p.appendGids}, ${p.appendStatuses}, ${p.appendRooms}, ${p.appendPostpones}, ${p.appendFirsts}, ${p.appendLasts})
    as a (item, namespace, gid, statuses, room, postpone, first, last)
  join transactions seen on seen.namespace = a.namespace and seen.gid = a.gid
  cross join lateral (
    select array_agg(a.first + e.rank - 1 order by e.rank)::int[] as positions
    from unnest((${p.entryKeys})[a.first:a.last]) with ordinality as e (key, rank)
    where not exists (
      select from entries there where there.namespace = a.namespace and there.gid = a.gid and there.key = e.key)
  ) fresh
  where fresh.positions is not null
),
changes as materialized (
  select * from (
    select u.item, u.namespace, u.gid, u.version, u.write_id, u.status, u.owner, u.due_in, u.attention,
      substring(${p.bodies} from u.state_from for u.state_length) as state, null::text as statuses, 0 as room, null::int[] as positions, 0 as added
    from unnest(${p.updateItems}, ${p.updateNamespaces}, ${p.updateGids}, ${p.updateVersions}, ${p.updateWriteIds}, ${p.updateStatuses}, ${p.updateOwners}, ${p.updateDueIns}, ${p.updateAttentions},
      ${p.updateStateFroms}, ${p.updateStateLengths})
      as u (item, namespace, gid, version, write_id, status, owner, due_in, attention, state_from, state_length)
    union all
    select item, namespace, gid, version, null, null, null, postpone, null, null, statuses, room, positions, cardinality(positions)
    from appends
  ) items order by namespace collate "C", gid collate "C"
),
changed as (
  update transactions t set
    version = t.version + 1,
    updated_at = ${NOW},
    before_status = t.status,
    before_attention = t.attention,
    write_id = coalesce(c.write_id, t.write_id),
    status = coalesce(c.status, t.status),
    attention = coalesce(c.attention, t.attention),
    state = coalesce(c.state, t.state),
    owner = case when c.added > 0 then t.owner else c.owner end,
    claims = case when c.added > 0 then t.claims when c.owner is null then 0 else 1 end,
    due_at = case
      when c.added > 0 and (t.due_at is null or c.due_in is null) then t.due_at
      when c.due_in is not null then greatest(0, ${NOW} + c.due_in)
    end,
    finished_at = case when c.added > 0 then t.finished_at when c.status in ('succeed', 'failed') then coalesce(t.finished_at, ${NOW}) end,
    entry_count = t.entry_count + c.added
  from changes c
  where t.namespace = c.namespace and t.gid = c.gid and t.version = c.version
    and case
      when c.added > 0 then t.status = any (string_to_array(c.statuses, ',')) and t.entry_count + c.added <= c.room
      else t.finished_at is null or c.status in ('succeed', 'failed')
    end
  returning c.item, c.positions, c.added, t.namespace, t.gid, t.version, t.entry_count, t.status, t.attention, t.before_status, t.before_attention
),
entered as (
  insert into entries (namespace, gid, position, key, body)
  select c.namespace, c.gid, c.entry_count - c.added + e.rank, (${p.entryKeys})[e.position],
    substring(${p.bodies} from (${p.entryFroms})[e.position] for (${p.entryLengths})[e.position])
  from changed c cross join lateral unnest(c.positions) with ordinality as e (position, rank)
),
${counted(`
  select namespace, status, attention, 1 from inserted
  union all select namespace, status, attention, 1 from changed
  union all select namespace, before_status, before_attention, -1 from changed`)}
select null::int as item, namespace, gid, 1::bigint as version, 0 as added, 0 as entry_count, ${NOW} as now from inserted
union all
select item, null, null, version, added, entry_count, ${NOW} from changed`
	};
	EXAMINE = {
		name: "examine",
		changes: false,
		text: `select t.*, e.keys, e.positions, e.bodies
from unnest($1::text[], $2::text[], $3::int[], $4::int[]) with ordinality as k (namespace, gid, first, last, item)
join lateral (
  select namespace, gid, version, created_at, updated_at, due_at, finished_at, claims, entry_count, attention, status, pattern, app_group, owner, write_id
  from transactions t where t.namespace = k.namespace and t.gid = k.gid
) t on true
left join lateral (
  select array_agg(e.key) as keys, array_agg(e.position) as positions, array_agg(e.body) as bodies
  from entries e where e.namespace = k.namespace and e.gid = k.gid and e.key = any (($5::text[])[k.first:k.last])
) e on k.last >= k.first`
	};
}));
// packages/store-postgres/src/statements/index.ts
var init_statements = __esmMin((() => {
	init_counters();
	init_due();
	init_key_values$1();
	init_read();
	init_sessions();
	init_write$1();
}));
// packages/store-postgres/src/key-values.ts
function keyValueOf(row) {
	const { namespace, category, key, value, version, created_at, updated_at } = row;
	return {
		namespace,
		category,
		key,
		value,
		version,
		createdAtMs: created_at,
		updatedAtMs: updated_at
	};
}
var KeyValues, idValues;
var init_key_values = __esmMin((() => {
	init_src$2();
	init_statements();
	KeyValues = class {
		#connection;
		#clock;
		constructor(connection, clock) {
			this.#connection = connection;
			this.#clock = clock;
		}
		async get(id) {
			const [row] = await this.#connection.query(KV_GET, idValues(id));
			return row && keyValueOf(row);
		}
		async put(id, value, expectVersion) {
			const values = [
				...this.#clock.parameters(),
				...idValues(id),
				value
			];
			return (await (expectVersion === 0 ? this.#connection.query(KV_INSERT, values) : this.#connection.query(KV_UPDATE, [...values, expectVersion]))).length > 0 ? "applied" : "conflict";
		}
		async delete(id, expectVersion) {
			const [row] = await this.#connection.query(KV_DELETE, [...idValues(id), expectVersion]);
			if (row === void 0) return "missing";
			return row["deleted"] === null ? "conflict" : "applied";
		}
		async scan(query) {
			const after = query.cursor === void 0 ? "" : decodeKeyCursor(query.cursor);
			const rows = await this.#connection.query(KV_SCAN, [
				query.namespace,
				query.category,
				after,
				query.limit + 1
			]);
			const items = rows.slice(0, query.limit).map(keyValueOf);
			const last = items.at(-1);
			return {
				items,
				next: last !== void 0 && rows.length > items.length ? encodeKeyCursor(last.key) : null
			};
		}
	};
	idValues = ({ namespace, category, key }) => [
		namespace,
		category,
		key
	];
}));
// packages/store-postgres/src/list.ts
async function list(connection, read, query) {
	const { namespace } = query;
	if (query.cursor !== void 0) decodeListCursor(query.cursor);
	if (query.gid !== void 0) return {
		items: (query.cursor === void 0 ? await read([{
			namespace,
			gid: query.gid
		}]) : []).flatMap((record) => record !== void 0 && matches(record, query) ? [record] : []),
		next: null
	};
	const looked = [
		query.status,
		query.pattern,
		query.attention
	].some((filter) => filter !== void 0) ? Math.max(LOOKED_AT, query.limit + 1) : query.limit + 1;
	const rows = await connection.query(LIST, valuesOf$1(query, looked));
	const end = rows.find((row) => row.looked !== null);
	const found = rows.filter((row) => row.looked === null);
	const chosen = found.slice(0, query.limit);
	const items = (await read(chosen.map(({ gid }) => ({
		namespace,
		gid
	})))).flatMap((record) => record !== void 0 && matches(record, query) ? [record] : []);
	const last = found.length > query.limit ? chosen.at(-1) : end?.looked === looked ? end : void 0;
	return {
		items,
		next: last === void 0 ? null : encodeListCursor({
			createdAtMs: last.created_at,
			gid: last.gid
		})
	};
}
function valuesOf$1(query, looked) {
	const { namespace, cursor, createdFromMs = 0, createdToMs = LAST_MS, limit } = query;
	const below = cursor === void 0 ? {
		createdAtMs: LAST_MS,
		gid: ""
	} : decodeListCursor(cursor);
	const filters = [
		query.status ?? null,
		query.pattern ?? null,
		query.attention ?? null
	];
	return [
		namespace,
		...[Math.ceil(createdFromMs), Math.floor(createdToMs)],
		Math.min(below.createdAtMs, LAST_MS),
		below.gid,
		looked,
		...filters,
		limit + 1
	];
}
var LOOKED_AT, LAST_MS, matches;
var init_list = __esmMin((() => {
	init_src$2();
	init_statements();
	LOOKED_AT = 2e3;
	LAST_MS = 0x5af3107a4000;
	matches = (record, query) => (query.status === void 0 || record.status === query.status) && (query.pattern === void 0 || record.pattern === query.pattern) && (query.attention === void 0 || record.attention === query.attention) && record.createdAtMs >= (query.createdFromMs ?? 0) && record.createdAtMs <= (query.createdToMs ?? Infinity);
}));
// packages/store-postgres/src/rows.ts
function headOf(row) {
	const head = row;
	return {
		key: {
			namespace: head.namespace,
			gid: head.gid
		},
		pattern: known(PATTERNS_BY_NAME, "pattern", head.pattern),
		group: head.app_group,
		status: known(STATUSES_BY_NAME, "status", head.status),
		version: head.version,
		writeId: head.write_id,
		owner: head.owner,
		claims: head.claims,
		dueAtMs: head.due_at,
		attention: head.attention,
		createdAtMs: head.created_at,
		updatedAtMs: head.updated_at,
		finishedAtMs: head.finished_at,
		entryCount: head.entry_count
	};
}
function recordOf(row) {
	const { definition, state, keys, bodies } = row;
	const entries = (keys ?? []).map((key, i) => ({
		key,
		body: bodies?.[i] ?? Buffer.alloc(0)
	}));
	return storedTransaction(headOf(row), definition, state, entries);
}
function known(words, what, word) {
	const found = words.get(word);
	if (found === void 0) throw new StoreError("unsupported_format", `a record has the ${what} ${word}, which this Holdfast does not know: start the version that wrote it, or a newer one`);
	return found;
}
var PATTERNS_BY_NAME, STATUSES_BY_NAME;
var init_rows = __esmMin((() => {
	init_src$2();
	init_src$3();
	PATTERNS_BY_NAME = new Map(PATTERNS.map((pattern) => [pattern, pattern]));
	STATUSES_BY_NAME = new Map(STATUSES.map((status) => [status, status]));
}));
// packages/store-postgres/src/schema.ts
async function prepareSchema(client, schema) {
	await client.query("begin");
	await client.query("select pg_advisory_xact_lock($1, hashtext($2))", [LOCK_CLASS, schema]);
	let version = await readVersion(client, schema);
	if (version > 1) throw new StoreError("unsupported_format", `the schema ${schema} has version ${version}; this Holdfast knows up to 1: use the version that made it, or a newer one`);
	for (; version < 1; version++) {
		await client.query(MIGRATIONS[version] ?? "");
		await client.query("update schema_version set version = $1", [version + 1]);
	}
	await client.query("commit");
}
async function readVersion(client, schema) {
	if (!await exists(client, "select from pg_namespace where nspname = $1", schema)) await client.query(`create schema ${schema}`);
	if (!await exists(client, `select from pg_tables where schemaname = $1 and tablename = 'schema_version'`, schema)) {
		await client.query("create table schema_version (version integer not null)");
		await client.query("insert into schema_version values (0)");
	}
	const { rows } = await client.query("select version from schema_version");
	return rows[0]?.version ?? 0;
}
var LOCK_CLASS, MIGRATIONS, exists;
var init_schema = __esmMin((() => {
	init_src$2();
	LOCK_CLASS = 1752132708;
	MIGRATIONS = [`
  create table transactions (
    namespace        text collate "C" not null,
    gid              text collate "C" not null,
    version          bigint not null,
    created_at       bigint not null,
    updated_at       bigint not null,
    due_at           bigint,
    finished_at      bigint,
    claims           integer not null,
    entry_count      integer not null,
    attention        boolean not null,
    before_attention boolean not null,
    status           text not null,
    before_status    text not null,
    pattern          text not null,
    app_group        text collate "C" not null,
    owner            text collate "C",
    write_id         text collate "C" not null,
    definition       bytea not null,
    state            bytea not null,
    primary key (namespace, gid)
  ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
  create index due on transactions (app_group, due_at) where due_at is not null;
  create index owned on transactions (owner) where owner is not null;
  -- Every time is above 0. The condition keeps the index away from whoever looks for a key: to the planner, with no statistics yet, a walk through the
  -- whole namespace costs the same.
  create index created on transactions (namespace, created_at, gid) where created_at >= 0;
  create index finished on transactions (finished_at) where finished_at is not null;

  create table entries (
    namespace text collate "C" not null,
    gid       text collate "C" not null,
    key       text collate "C" not null,
    position  integer not null,
    body      bytea not null,
    primary key (namespace, gid, key)
  );

  create table counters (
    namespace text collate "C" not null,
    slot      integer not null,
    prepared  bigint not null,
    submitted bigint not null,
    aborting  bigint not null,
    succeed   bigint not null,
    failed    bigint not null,
    attention bigint not null,
    last_at   bigint not null,
    primary key (namespace, slot)
  ) with (fillfactor = 25);

  create table sessions (
    session      text collate "C" primary key,
    node         text not null,
    version      text not null,
    started_at   bigint not null,
    heartbeat_at bigint not null,
    ended_at     bigint
  ) with (fillfactor = 50);
  create index living on sessions (session) where ended_at is null;
  create index ended on sessions (ended_at) where ended_at is not null;

  create table key_values (
    namespace  text collate "C" not null,
    category   text collate "C" not null,
    key        text collate "C" not null,
    value      text not null,
    version    bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (namespace, category, key)
  );
  `];
	exists = async (client, text, name) => (await client.query(text, [name])).rows.length > 0;
}));
// packages/store-postgres/src/store-clock.ts
var StoreClock;
var init_store_clock = __esmMin((() => {
	StoreClock = class {
		#wallMs;
		#floorMs = 0;
		constructor(wallMs) {
			this.#wallMs = wallMs;
		}
		parameters() {
			return [this.#floorMs, this.#wallMs === void 0 ? null : Math.floor(this.#wallMs())];
		}
		seen(nowMs) {
			this.#floorMs = Math.max(this.#floorMs, nowMs);
			return nowMs;
		}
	};
}));
// packages/store-postgres/src/batch.ts
function valuesOf(items, floorMs, wallMs) {
	const inserts = [];
	const updates = [];
	const appends = [];
	for (const { item, at } of items) if (item.kind === "insert") inserts.push(item);
	else if (item.kind === "update") updates.push({
		item,
		at
	});
	else appends.push({
		item,
		at
	});
	const bodies = new Bodies();
	return writeValues({
		floor: floorMs,
		wall: wallMs,
		...insertParameters(inserts, bodies),
		...updateParameters(updates, bodies),
		...appendParameters(appends, bodies),
		bodies: bodies.joined()
	});
}
function insertParameters(items, bodies) {
	return {
		insertNamespaces: textArray(items.map((item) => item.key.namespace)),
		insertGids: textArray(items.map((item) => item.key.gid)),
		insertWriteIds: textArray(items.map((item) => item.writeId)),
		insertStatuses: textArray(items.map((item) => item.status)),
		insertOwners: textArray(items.map(ownerOf)),
		insertDueIns: int8Array(items.map(dueInOf)),
		insertAttentions: boolArray(items.map((item) => item.attention)),
		insertPatterns: textArray(items.map((item) => item.pattern)),
		insertGroups: textArray(items.map((item) => item.group)),
		insertFroms: int4Array(items.map((item) => bodies.add(item.definition, item.state))),
		insertDefinitionLengths: int4Array(items.map((item) => item.definition.length)),
		insertStateLengths: int4Array(items.map((item) => item.state.length))
	};
}
function updateParameters(updates, bodies) {
	return {
		updateItems: int4Array(updates.map(({ at }) => at)),
		updateNamespaces: textArray(updates.map(({ item }) => item.key.namespace)),
		updateGids: textArray(updates.map(({ item }) => item.key.gid)),
		updateVersions: int8Array(updates.map(({ item }) => item.expectVersion)),
		updateWriteIds: textArray(updates.map(({ item }) => item.writeId)),
		updateStatuses: textArray(updates.map(({ item }) => item.status)),
		updateOwners: textArray(updates.map(({ item }) => ownerOf(item))),
		updateDueIns: int8Array(updates.map(({ item }) => dueInOf(item))),
		updateAttentions: boolArray(updates.map(({ item }) => item.attention)),
		updateStateFroms: int4Array(updates.map(({ item }) => bodies.add(item.state))),
		updateStateLengths: int4Array(updates.map(({ item }) => item.state.length))
	};
}
function appendParameters(appends, bodies) {
	const entries = appends.flatMap(({ item }) => item.entries);
	const { firsts, lasts } = spansOf(appends.map(({ item }) => item.entries.length));
	return {
		appendItems: int4Array(appends.map(({ at }) => at)),
		appendNamespaces: textArray(appends.map(({ item }) => item.key.namespace)),
		appendGids: textArray(appends.map(({ item }) => item.key.gid)),
		appendStatuses: textArray(appends.map(({ item }) => item.whenStatus.join(","))),
		appendRooms: int4Array(appends.map(({ item }) => Math.min(item.maxEntries, MOST_ENTRIES))),
		appendPostpones: int8Array(appends.map(({ item }) => wholeMs(item.postponeMs ?? null))),
		appendFirsts: int4Array(firsts),
		appendLasts: int4Array(lasts),
		entryKeys: textArray(entries.map((entry) => entry.key)),
		entryFroms: int4Array(entries.map((entry) => bodies.add(entry.body))),
		entryLengths: int4Array(entries.map((entry) => entry.body.length))
	};
}
function spansOf(lengths) {
	let end = 0;
	const lasts = lengths.map((length) => end += length);
	return {
		firsts: lasts.map((last, i) => last - (lengths[i] ?? 0) + 1),
		lasts
	};
}
var Bodies, MOST_ENTRIES, ownerOf, dueInOf, wholeMs;
var init_batch = __esmMin((() => {
	init_src$3();
	init_arrays();
	init_statements();
	Bodies = class {
		#parts = [];
		#bytes = 0;
		add(...bodies) {
			const from = this.#bytes + 1;
			for (const body of bodies) {
				this.#parts.push(body);
				this.#bytes += body.length;
			}
			return from;
		}
		joined() {
			return Buffer.concat(this.#parts, this.#bytes);
		}
	};
	MOST_ENTRIES = 1e9;
	ownerOf = (item) => isFinal(item.status) ? null : item.owner;
	dueInOf = (item) => isFinal(item.status) || item.owner !== null ? null : wholeMs(item.dueInMs);
	wholeMs = (ms) => ms === null ? null : Math.ceil(ms);
}));
// packages/store-postgres/src/write.ts
async function write(connection, clock, batch) {
	const outcomes = batch.map(() => void 0);
	let left = batch.map((item, at) => ({
		item,
		at
	}));
	for (let round = 1; left.length > 0; round++) {
		if (round > ROUNDS) throw inDoubt("the same records are changed again and again");
		try {
			await writeOnce(connection, clock, left, outcomes);
		} catch (thrown) {
			throw round === 1 || !(thrown instanceof StoreError) ? thrown : inDoubt(thrown.message, thrown);
		}
		left = left.filter(({ at }) => outcomes[at] === void 0);
	}
	return outcomes;
}
async function writeOnce(connection, clock, items, outcomes) {
	const partly = settle(items, await connection.query(WRITE, valuesOf(items, ...clock.parameters())), clock, outcomes);
	if (items.filter(({ at }) => outcomes[at] === void 0 && !partly.has(at)).length + partly.size === 0) return;
	const asked = items.filter(({ at }) => outcomes[at] === void 0);
	try {
		const found = await examine(connection, asked.map(({ item }) => item));
		for (const [i, { item, at }] of asked.entries()) {
			const row = found[i];
			const before = partly.get(at);
			outcomes[at] = before === void 0 ? refusal(item, row) : applied(before.version, existingOf(item, row, before.count));
		}
	} catch (thrown) {
		throw inDoubt(thrown instanceof Error ? thrown.message : String(thrown), thrown);
	}
}
function settle(items, rows, clock, outcomes) {
	const inserts = new Map();
	const appends = new Map();
	for (const { item, at } of items) if (item.kind === "insert") inserts.set(idOf(item.key), at);
	else if (item.kind === "append") appends.set(at, item);
	const partly = new Map();
	for (const row of rows) {
		clock.seen(row.now);
		const at = row.item ?? inserts.get(idOf(row));
		if (at === void 0) continue;
		const append = appends.get(at);
		if (append !== void 0 && row.added < append.entries.length) partly.set(at, {
			version: row.version,
			count: row.entry_count - row.added
		});
		else outcomes[at] = applied(row.version);
	}
	return partly;
}
async function examine(connection, items) {
	const keys = items.map((item) => item.kind === "append" ? item.entries.map((entry) => entry.key) : []);
	const { firsts, lasts } = spansOf(keys.map((list) => list.length));
	const rows = await connection.query(EXAMINE, [
		textArray(items.map((item) => item.key.namespace)),
		textArray(items.map((item) => item.key.gid)),
		int4Array(firsts),
		int4Array(lasts),
		textArray(keys.flat())
	]);
	const byKey = new Map(rows.map((row) => [idOf(row), row]));
	return items.map((item) => byKey.get(idOf(item.key)));
}
function refusal(item, row) {
	const head = row === void 0 ? void 0 : headOf(row);
	switch (item.kind) {
		case "insert": return head === void 0 ? void 0 : insertOverExisting(item, head);
		case "update": return updateRefused(item, head);
		case "append": return appendRefused(item, head, existingOf(item, row, Infinity));
	}
}
function existingOf(item, row, count) {
	if (item.kind !== "append" || row === void 0) return [];
	const { keys, positions, bodies } = row;
	const there = new Map();
	for (const [i, key] of (keys ?? []).entries()) {
		const body = bodies?.[i];
		if (body !== void 0 && (positions?.[i] ?? Infinity) <= count) there.set(key, {
			key,
			body
		});
	}
	return item.entries.flatMap(({ key }) => there.get(key) ?? []);
}
var ROUNDS, inDoubt, idOf;
var init_write = __esmMin((() => {
	init_src$2();
	init_arrays();
	init_batch();
	init_rows();
	init_statements();
	ROUNDS = 10;
	inDoubt = (why, cause) => new StoreError("outcome_unknown", `a part of the batch was written: ${why}`, cause);
	idOf = (key) => `${key.namespace}\0${key.gid}`;
}));
// packages/store-postgres/src/postgres-store.ts
async function read(connection, keys) {
	if (keys.length === 0) return [];
	const rows = await connection.query(GET, [textArray(keys.map(({ namespace }) => namespace)), textArray(keys.map(({ gid }) => gid))]);
	const found = new Map(rows.map((row) => [`${String(row["namespace"])}\0${String(row["gid"])}`, row]));
	return keys.map(({ namespace, gid }) => {
		const row = found.get(`${namespace}\0${gid}`);
		return row === void 0 ? void 0 : recordOf(row);
	});
}
var PostgresStore;
var init_postgres_store = __esmMin((() => {
	init_src$2();
	init_src$3();
	init_arrays();
	init_connection();
	init_durability();
	init_key_values();
	init_list();
	init_rows();
	init_schema();
	init_statements();
	init_store_clock();
	init_write();
	PostgresStore = class {
		#settings;
		#batches;
		#work;
		#rest;
		#clock;
		#keyValues;
		#durable = true;
		constructor(settings) {
			this.#settings = settings;
			this.#batches = new Connection(settings);
			this.#work = new Connection(settings);
			this.#rest = new Connection(settings);
			this.#clock = new StoreClock(settings.wallMs);
			this.#keyValues = new KeyValues(this.#rest, this.#clock);
		}
		get capabilities() {
			return {
				name: "postgres",
				durable: this.#durable,
				exclusive: false
			};
		}
		async open() {
			const loss = await this.#rest.alone(async (client) => {
				const found = await whatACrashMayLose(client);
				await prepareSchema(client, this.#settings.schema);
				return found;
			});
			this.#durable = loss === void 0;
			if (loss !== void 0) this.#settings.onWarning(`PostgreSQL at ${this.#rest.place}: ${loss}`);
			const [row] = await this.#rest.query(LATEST, []);
			this.#clock.seen(Number(row?.["latest"] ?? 0));
		}
		async close() {
			await Promise.all([
				this.#batches,
				this.#work,
				this.#rest
			].map((connection) => connection.close()));
		}
		write(batch) {
			return write(this.#batches, this.#clock, batch);
		}
		get(keys) {
			return read(this.#work, keys);
		}
		list(query) {
			return list(this.#rest, (keys) => read(this.#rest, keys), query);
		}
		async count(namespace) {
			const [row] = await (namespace === void 0 ? this.#rest.query(COUNT_ALL, []) : this.#rest.query(COUNT, [namespace]));
			return {
				byStatus: Object.fromEntries(STATUSES.map((status) => [status, Number(row?.[status])])),
				attention: Number(row?.["attention"])
			};
		}
		async claimDue({ session, limit, groups }) {
			const hosted = textArray([...new Set(["", ...groups])]);
			const before = await this.#look(session, hosted);
			if (before.sessionEnded || before.nextDueInMs !== 0) return {
				claimed: [],
				...before
			};
			const rows = await this.#timed(this.#work, CLAIM, [
				session,
				limit,
				hosted
			]);
			try {
				return {
					claimed: await this.#withEntries(rows.map(recordOf), rows, session),
					...await this.#look(session, hosted)
				};
			} catch (thrown) {
				if (rows.length === 0) throw thrown;
				throw new StoreError("outcome_unknown", `${rows.length} transactions were claimed, but could not be read`, thrown);
			}
		}
		async #look(session, groups) {
			const [row] = await this.#timed(this.#work, LOOK, [session, groups]);
			const nowMs = this.#clock.seen(Number(row?.["now"]));
			const next = row?.["next"];
			if (row?.["alive"] !== true) return {
				nextDueInMs: null,
				sessionEnded: true
			};
			return {
				nextDueInMs: typeof next === "number" ? Math.max(0, next - nowMs) : null,
				sessionEnded: false
			};
		}
		async #withEntries(claimed, rows, session) {
			const incomplete = claimed.filter((_, i) => rows[i]?.["entry_count"] !== 0);
			if (incomplete.length === 0) return [...claimed];
			const complete = await read(this.#work, incomplete.map(({ key }) => key));
			const byFirst = new Map(incomplete.map((record, i) => [record, complete[i]]));
			return claimed.flatMap((record) => {
				if (!byFirst.has(record)) return [record];
				const found = byFirst.get(record);
				return found?.owner === session ? [found] : [];
			});
		}
		async makeDue({ namespace, laterThanMs, limit }) {
			const values = [
				namespace,
				Math.floor(laterThanMs),
				limit
			];
			const [row] = await this.#timed(this.#rest, MAKE_DUE, values);
			return {
				count: Number(row?.["count"]),
				more: Number(row?.["found"]) > limit
			};
		}
		async openSession(session, { node, version }) {
			if ((await this.#timed(this.#work, OPEN_SESSION, [
				session,
				node,
				version
			])).length === 0) throw new StoreError("invalid", `session ${session} was ended; open one with a new id`);
		}
		async heartbeat(session) {
			const [row] = await this.#timed(this.#work, HEARTBEAT, [session]);
			return {
				alive: row?.["alive"] === true,
				nowMs: this.#clock.seen(Number(row?.["now"]))
			};
		}
		async endSession(session) {
			await this.#timed(this.#work, END_SESSION, [session]);
		}
		async takeOver({ silenceMs, keep, limit }) {
			const ended = await this.#timed(this.#work, END_SILENT, [Math.floor(silenceMs), keep]);
			const [row] = await this.#timed(this.#work, RELEASE, [limit]);
			return {
				ended: ended.map(({ session }) => String(session)),
				released: Number(row?.["count"]),
				more: Number(row?.["found"]) > limit
			};
		}
		async sessions() {
			return (await this.#rest.query(SESSIONS, [])).map((row) => ({
				session: String(row["session"]),
				node: String(row["node"]),
				version: String(row["version"]),
				startedAtMs: Number(row["started_at"]),
				heartbeatAtMs: Number(row["heartbeat_at"])
			}));
		}
		async purge({ olderThanMs, limit }) {
			const [row] = await this.#timed(this.#rest, PURGE, [Math.floor(olderThanMs), limit]);
			return Number(row?.["count"]);
		}
		async nowMs() {
			const [row] = await this.#timed(this.#work, TIME, []);
			return this.#clock.seen(Number(row?.["now"]));
		}
		#timed(connection, statement, values) {
			return connection.query(statement, [...this.#clock.parameters(), ...values]);
		}
		kvGet = (id) => this.#keyValues.get(id);
		kvPut = (id, value, expectVersion) => this.#keyValues.put(id, value, expectVersion);
		kvDelete = (id, expectVersion) => this.#keyValues.delete(id, expectVersion);
		kvScan = (query) => this.#keyValues.scan(query);
	};
}));
// packages/store-postgres/src/index.ts
var src_exports = __exportAll({ createPostgresStore: () => createPostgresStore });
var createPostgresStore;
var init_src = __esmMin((() => {
	init_src$2();
	init_options();
	init_postgres_store();
	createPostgresStore = (options) => new CheckedStore(new PostgresStore(settingsOf(options)));
}));
// packages/server/src/open-store.ts
function storeOf(url, onWarning = () => void 0) {
	const found = SCHEMES.find(({ scheme }) => url.startsWith(scheme));
	if (found !== void 0) return found.make(url.slice(found.scheme.length).replace(/^\/\/(?=\/|\.)/, ""), onWarning);
	const known = SCHEMES.map(({ example }) => example).join(" and ");
	throw new ConfigError(`--store ${url.split(":", 1)[0] ?? ""}: is no store of this version; there are ${known}`);
}
var postgres, SCHEMES;
var init_open_store = __esmMin((() => {
	init_src$2();
	init_config_error();
	postgres = (scheme) => ({
		scheme,
		example: `${scheme}//USER@HOST/DATABASE`,
		async make(rest, onWarning) {
			const { createPostgresStore } = await Promise.resolve().then(() => (init_src(), src_exports));
			return createPostgresStore({
				url: `${scheme}${rest}`,
				onWarning
			});
		}
	});
	SCHEMES = [
		{
			scheme: "memory:",
			example: "memory: (forgets at exit)",
			make: () => Promise.resolve(new CheckedStore(new MemoryStore(Date.now)))
		},
		{
			scheme: "lmdb:",
			example: "lmdb:PATH (a directory)",
			async make(path) {
				if (path === "") throw new ConfigError("--store lmdb: needs a directory, such as lmdb:./data");
				const { createLmdbStore } = await import("@holdfast/store-lmdb");
				return createLmdbStore({ path });
			}
		},
		postgres("postgres:"),
		postgres("postgresql:")
	];
}));
// packages/server/src/version.ts
var VERSION;
var init_version = __esmMin((() => {
	VERSION = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
}));
// packages/server/src/serve.ts
async function startServer(values = {}, parts = {}) {
	const config = configWith(values);
	const log = parts.log ?? SILENT;
	const metrics = new ServerMetrics();
	const store = parts.store ?? await storeOf(config.store, (text) => log.warn({}, text));
	const http = new HttpServer({
		log,
		maxBodyBytes: config.maxBodyBytes,
		maxConnections: config.maxConnections,
		answered: (route, status, durationMs) => metrics.answered(route, status, durationMs)
	});
	const url = await listen(http, config);
	const node = config.node === "" ? `${hostname()}-${process.pid}` : config.node;
	let running;
	try {
		running = await startCoordinator({
			store,
			logger: log,
			observer: metrics,
			engine: engineOptionsOf(config, node, VERSION),
			...config.alertWebHook !== "" && { alertWebHook: config.alertWebHook },
			...parts.locals !== void 0 && { locals: parts.locals }
		});
	} catch (error) {
		await http.close();
		throw error;
	}
	http.use(routerOf(running, config, metrics, node, log));
	let closing;
	return {
		url,
		coordinator: running.engine,
		locals: running.locals,
		config,
		close: () => closing ??= closeAll(http, running, config)
	};
}
async function closeAll(http, running, { drainTimeout }) {
	http.stopAccepting();
	try {
		await running.close(drainTimeout);
	} finally {
		await http.close();
	}
}
function routerOf({ engine, store }, config, metrics, node, log) {
	const startedMs = performance.now();
	const handlers = createHandlers({
		coordinator: engine,
		acceptance: new Acceptance(config),
		store: store.capabilities,
		version: VERSION,
		node,
		uptimeMs: () => performance.now() - startedMs
	});
	return new Router([
		...dtmRoutes(handlers, {
			version: VERSION,
			defaultResetAfterMs: 3 * config.timeoutToFail
		}),
		jsonRpcRoute(handlers, (error) => logDefect(log, "/api/json-rpc", error)),
		...v1Routes(new ApiV1(handlers)),
		...operationsRoutes(handlers, { metrics: createExposition(metrics, engine) })
	]);
}
async function listen(http, { host, httpPort }) {
	try {
		return await http.listen(host, httpPort);
	} catch (error) {
		throw new ConfigError(listenFault(host, httpPort, error));
	}
}
function listenFault(host, port, error) {
	switch (error instanceof Error && "code" in error ? error.code : void 0) {
		case "EADDRINUSE": return `port ${port} on ${host} is in use: stop what listens there (a coordinator that runs already?), or take another with --http-port`;
		case "EACCES": return `port ${port} on ${host} is not for this user: take one above 1023 with --http-port`;
		case "EADDRNOTAVAIL":
		case "ENOTFOUND": return `${host} is no address of this machine: say another with --host`;
		default: return `cannot listen on ${host}, port ${port}: ${error instanceof Error ? error.message : String(error)}`;
	}
}
var init_serve = __esmMin((() => {
	init_src$1();
	init_config_error();
	init_engine_options();
	init_load_config();
	init_dtm_routes();
	init_json_rpc();
	init_operations();
	init_router();
	init_server();
	init_v1_routes();
	init_log();
	init_exposition();
	init_server_metrics();
	init_open_store();
	init_version();
}));
// packages/server/src/run-serve.ts
var run_serve_exports = __exportAll({ runServe: () => runServe });
async function runServe(flags) {
	const stop = stopSignal();
	try {
		const file = typeof flags["config"] === "string" ? { file: flags["config"] } : {};
		const config = await loadConfig({
			flags,
			env: process.env,
			...file
		});
		const log = createLog({
			level: config.logLevel,
			format: config.logFormat,
			output: process.stdout,
			colour: wantsColour(process.stdout.isTTY, process.env)
		});
		endOnDefect(log);
		const server = await startServer(config, { log });
		announce(server, log);
		log.info({ signal: await stop }, "stopping: new work is refused, what is under way is finished or released");
		await server.close();
		log.info({}, "stopped");
		return 0;
	} catch (error) {
		if (!isExpected(error)) throw error;
		process.stderr.write(`holdfast: ${error.message}\n`);
		return FAILED;
	}
}
function announce({ url, config: { store, grpcPort } }, log) {
	if (grpcPort !== OPTIONS.grpcPort.default) log.warn({ grpcPort }, "gRPC is not served by this version");
	log.info({
		url,
		store: withoutPassword(store),
		version: VERSION
	}, `ready: ${url}`);
}
function stopSignal() {
	return new Promise((resolve) => {
		let told = false;
		const onSignal = (signal) => {
			if (told) process.exit(FAILED);
			told = true;
			resolve(signal);
		};
		process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
	});
}
function endOnDefect(log) {
	const end = (err) => {
		log.error({ err }, "stopping because of a defect");
		process.exit(FAILED);
	};
	process.once("uncaughtException", end).once("unhandledRejection", end);
}
var FAILED, isExpected, withoutPassword;
var init_run_serve = __esmMin((() => {
	init_src$2();
	init_src$3();
	init_command_io();
	init_config_error();
	init_load_config();
	init_options$1();
	init_create_log();
	init_serve();
	init_version();
	FAILED = 1;
	isExpected = (error) => error instanceof ConfigError || error instanceof StoreError || error instanceof HoldfastError;
	withoutPassword = (url) => url.replace(/(\/\/[^/:@]*):[^@/]*@/, "$1:***@");
}));
// packages/server/src/serve-command.ts
init_options$1();
var WRONG_USAGE = 2;
function registerServe(program) {
	const command = program.command("serve").summary("run a coordinator").description("Run a coordinator in the foreground. SIGTERM and SIGINT stop it in an orderly way; a second one at once.").option("--config <file>", "YAML or JSON file with the options below, named as in it (env: HOLDFAST_CONFIG)").exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : WRONG_USAGE));
	for (const name of OPTION_NAMES) command.addOption(optionOf(name));
	command.addHelpText("after", "\nOptions before environment before config file before defaults.\n\nExamples:\n  $ holdfast serve\n  $ holdfast serve --store lmdb:/var/lib/holdfast --log-format json\n  $ holdfast serve --store memory: --http-port 0");
	command.action(async (flags) => {
		const { runServe } = await Promise.resolve().then(() => (init_run_serve(), run_serve_exports));
		process.exitCode = await runServe(flags);
	});
}
function optionOf(name) {
	const { kind, help, default: preset } = OPTIONS[name];
	const shown = defaultOf(name);
	const notes = [...shown === "" || preset === false ? [] : [`default: ${shown}`], `env: ${variableOf(name)}`];
	const value = typeof preset === "boolean" ? "" : " <value>";
	const option = new Option(`${flagOf(name)}${value}`, `${help} (${notes.join(", ")})`);
	return kind.expects.startsWith("one of") ? option.choices(kind.expects.slice(7).split(", ")) : option;
}
// \0virtual:coordinator
var program = new Command("holdfast");
registerServe(program);
program.parseAsync().catch((error) => {
	process.stderr.write(String(error.stack));
	process.exitCode = 1;
});
export {};

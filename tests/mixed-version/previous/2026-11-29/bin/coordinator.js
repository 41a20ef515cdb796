import { Command, Option } from "commander";
import { z } from "zod";
import { performance as performance$1 } from "node:perf_hooks";
import { createHash, randomFillSync, randomUUID } from "node:crypto";
import { hostname, networkInterfaces } from "node:os";
import { Client, Pool } from "undici";
import dns from "node:dns";
import { readFileSync, statSync } from "node:fs";
import net, { Server, isIP } from "node:net";
import tls from "node:tls";
import { setImmediate as setImmediate$1 } from "node:timers/promises";
import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { pino } from "pino";
import { once } from "node:events";
import { STATUS_CODES, createServer } from "node:http";
import { Duplex } from "node:stream";
import pg from "pg";
import { createConnection } from "mysql2";
import { Redis } from "ioredis";
import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
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
var init_environment$1 = __esmMin((() => {}));
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
// packages/protocol/src/thrown.ts
function textOfThrown(thrown) {
	try {
		const text = thrown instanceof Error ? thrown.message : thrown;
		return typeof text === "string" ? text : String(text);
	} catch {
		return NO_TEXT;
	}
}
function stackOfThrown(thrown) {
	try {
		const stack = thrown instanceof Error ? thrown.stack : void 0;
		return typeof stack === "string" ? stack : void 0;
	} catch {
		return;
	}
}
function readableThrown(thrown) {
	try {
		let error = thrown;
		for (let depth = 0; depth < MOST_CAUSES && isObject$2(error); depth++) {
			if (!(error instanceof Error)) {
				for (const name of READ) error[name];
				break;
			}
			for (const name of READ) error[name];
			if (typeof error.message !== "string") return replaced$2(thrown);
			error = error.cause;
		}
		return thrown;
	} catch {
		return replaced$2(thrown);
	}
}
function callHook(hook, onFailure = ignore) {
	try {
		const returned = hook();
		if (mayBeThenable(returned)) settled$3(returned, onFailure);
	} catch (thrown) {
		report(thrown, onFailure);
	}
}
async function settled$3(returned, onFailure) {
	try {
		await returned;
	} catch (thrown) {
		report(thrown, onFailure);
	}
}
function report(thrown, onFailure) {
	if (onFailure !== ignore) callHook(() => onFailure(readableThrown(thrown)));
}
var NO_TEXT, READ, MOST_CAUSES, isObject$2, replaced$2, ignore, mayBeThenable;
var init_thrown = __esmMin((() => {
	NO_TEXT = "something that has no text was thrown";
	READ = [
		"name",
		"message",
		"stack",
		"code",
		"cause"
	];
	MOST_CAUSES = 10;
	isObject$2 = (value) => typeof value === "object" && value !== null;
	replaced$2 = (thrown) => new Error(`${textOfThrown(thrown)} (the thrown value cannot be read)`);
	ignore = () => void 0;
	mayBeThenable = (value) => typeof value === "object" && value !== null || typeof value === "function";
}));
// packages/protocol/src/errors.ts
var HoldfastError;
var init_errors$3 = __esmMin((() => {
	init_thrown();
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
			const readable = readableThrown(thrown);
			if (readable instanceof HoldfastError) return readable;
			return new HoldfastError("internal", textOfThrown(thrown), { cause: readable });
		}
	};
}));
// packages/protocol/src/accounts.ts
function replaced$1(text, { start, end }) {
	let shown = "";
	let shownTo = 0;
	let rowEnd = -1;
	let lastAt = -1;
	let nextAt = text.indexOf("@");
	start.lastIndex = 0;
	for (let found = start.exec(text); found !== null; found = start.exec(text)) {
		const from = start.lastIndex;
		if (rowEnd < from) rowEnd = indexFrom(text, end, from);
		const limit = Math.min(from + ACCOUNT_LENGTH, rowEnd - 1);
		for (; nextAt !== -1 && nextAt <= limit; nextAt = text.indexOf("@", nextAt + 1)) lastAt = nextAt;
		if (lastAt < from && nextAt === -1) break;
		if (lastAt < from) continue;
		shown += text.slice(shownTo, found.index + (found[1]?.length ?? 0)) + HIDDEN_ACCOUNT;
		shownTo = start.lastIndex = lastAt + 1;
	}
	return shown + text.slice(shownTo);
}
function indexFrom(text, pattern, from) {
	pattern.lastIndex = from;
	return pattern.exec(text)?.index ?? text.length;
}
var HIDDEN_ACCOUNT, ACCOUNT_LENGTH, RULES$2, withoutAccounts;
var init_accounts = __esmMin((() => {
	HIDDEN_ACCOUNT = "***@";
	ACCOUNT_LENGTH = 1e3;
	RULES$2 = [
		{
			start: /\b((?:postgres(?:ql)?|mysql|mariadb|rediss?|redis\+unix|unix):\/\/)/gi,
			end: /[\s"'<>\\]/g
		},
		{
			start: /\b([a-z][a-z0-9+.-]{0,20}:\/\/)/gi,
			end: /[\s"'<>\\/?#]/g
		},
		{
			start: /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'<>\\/?#:@[\]]{1,200}:(?!\d{0,5}(?:[/?#\s"'\\]|$))/gi,
			end: /[\s"'<>\\]/g
		}
	];
	withoutAccounts = (text) => RULES$2.reduce(replaced$1, text);
}));
// packages/protocol/src/secrets.ts
function withoutSecrets(text, known = []) {
	let shown = text;
	for (const value of known) if (value.length >= SHORTEST_SECRET) shown = shown.replaceAll(value, HIDDEN);
	if (shown.includes("@")) shown = withoutAccounts(shown);
	return SUSPECT.test(shown) ? replaced(shown, RULES$1) : shown;
}
function placeOfUrl(url) {
	if (PATH_SCHEMES.some((scheme) => url.startsWith(scheme))) return url;
	const [, scheme, rest = ""] = /^([a-z][a-z0-9+.-]*:)\/\/(.*)$/is.exec(url) ?? [];
	if (scheme === void 0) return "(not a URL)";
	const [, authority = "", path = "", after = ""] = /^([^/?#]*)([^?#]*)(.*)$/s.exec(rest) ?? [];
	const host = authority.slice(authority.lastIndexOf("@") + 1);
	if ((path + after).includes("@") || !HOST.test(host)) return `${scheme}//…`;
	return `${scheme}//${host}${path}`;
}
var HIDDEN, SECRET_NAME, QUOTE$5, RULES$1, SUSPECT, replaced, SHORTEST_SECRET, IS_SECRET_NAME, isSecretName, secretsOfHeaders, PATH_SCHEMES, HOST;
var init_secrets = __esmMin((() => {
	init_accounts();
	HIDDEN = "***";
	SECRET_NAME = String.raw`(?:[\w.-]{0,40}(?:passw(?:or)?d|passphrase|secret|token|api[-_]?key|[-_]key|credential)[\w.-]{0,40}|pwd|pass|auth|authorization|proxy-authorization|cookie|set-cookie|key|sig|signature)`;
	QUOTE$5 = String.raw`\\*["']`;
	RULES$1 = [
		[new RegExp(String.raw`([?&;]${SECRET_NAME}=)[^&#;\s"'\\]+`, "gi"), `$1${HIDDEN}`],
		[/([?&;](?:ssl|tls)=)(?:\{|%7b)[^&#\s"'\\]{0,4000}(?:["'][^&#\s]{0,4000})?/gi, `$1${HIDDEN}`],
		[/\b((?:bearer|basic|digest)\s+)(?!authentication|auth\b|realm)[\w.~+/=-]{6,}/gi, `$1${HIDDEN}`],
		[new RegExp(String.raw`(["']${SECRET_NAME}${QUOTE$5}\s*:\s*${QUOTE$5})[^"'\\]+`, "gi"), `$1${HIDDEN}`],
		[/\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(\s*:\s*)(?![*"'\\\s])[^\r\n"'\\,]+/gi, `$1$2${HIDDEN}`],
		[new RegExp(String.raw`\b((?:password|passwd|pwd)\s*=\s*)[^\s&;,"'\\]+`, "gi"), `$1${HIDDEN}`]
	];
	SUSPECT = /ssl=|tls=|bearer|basic|digest|pass|pwd|secret|token|key|auth|cookie|credential|sig/i;
	replaced = (text, rules) => rules.reduce((shown, [pattern, replacement]) => shown.replace(pattern, replacement), text);
	SHORTEST_SECRET = 4;
	IS_SECRET_NAME = new RegExp(`^${SECRET_NAME}$`, "i");
	isSecretName = (name) => IS_SECRET_NAME.test(name);
	secretsOfHeaders = (headers) => Object.entries(headers).flatMap(([name, value]) => isSecretName(name) ? [value, value.replace(/^[A-Za-z]+\s+/, "")] : []);
	PATH_SCHEMES = ["lmdb:", "memory:"];
	HOST = /^(?:(?:[\w.-]*|\[[\da-f:.%\w]*\])(?::\d*)?(?:,|$))*$/i;
}));
// packages/protocol/src/result.ts
function cut(text) {
	if (text.length <= 1024) return text;
	return text.slice(0, isHighSurrogate(text.charCodeAt(1022)) ? 1022 : 1023) + "…";
}
function branchResult(kind, reason, knownSecrets = []) {
	return {
		kind,
		reason: cut(withoutSecrets(reason.slice(0, SEARCHED_LENGTH), knownSecrets))
	};
}
function resultOfHttp(status, body) {
	const kind = wordOf(body) ?? HTTP_KINDS[status] ?? "UNKNOWN";
	if (kind === "SUCCESS") return SUCCESS$1;
	return branchResult(kind, body === "" ? `HTTP ${status}` : kind === "UNKNOWN" ? `HTTP ${status}: ${body}` : body);
}
function resultOfLongHttp(status, beginning, word) {
	const kind = word ?? HTTP_KINDS[status] ?? "UNKNOWN";
	if (kind === "SUCCESS") return SUCCESS$1;
	return branchResult(kind, kind === "UNKNOWN" ? `HTTP ${status}: ${beginning}` : beginning);
}
function resultOfUnframedHttp(status, body, isPart = false) {
	if (!isPart && isWholeJson(body)) return resultOfHttp(status, body);
	if (status === 409) return branchResult("FAILURE", body === "" ? "HTTP 409" : body);
	if (status === 425) return branchResult("ONGOING", body === "" ? "HTTP 425" : body);
	return branchResult("UNKNOWN", `HTTP ${status} without Content-Length or chunks, and not whole JSON, so it may have been cut off; send a Content-Length: ${body}`);
}
function isWholeJson(text) {
	try {
		const json = JSON.parse(withoutByteOrderMark(text));
		return typeof json === "string" || typeof json === "object" && json !== null;
	} catch {
		return false;
	}
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
	if (status === 409) return branchResult("FAILURE", body === "" ? "HTTP 409" : body);
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
var SUCCESS$1, MAX_REASON_LENGTH, cutReason, isHighSurrogate, SEARCHED_LENGTH, HTTP_KINDS, withoutByteOrderMark, JSON_RPC_FAILURE, JSON_RPC_ONGOING;
var init_result = __esmMin((() => {
	init_secrets();
	SUCCESS$1 = {
		kind: "SUCCESS",
		reason: ""
	};
	MAX_REASON_LENGTH = 1024;
	cutReason = (text) => cut(text.isWellFormed() ? text : text.toWellFormed());
	isHighSurrogate = (unit) => unit >= 55296 && unit < 56320;
	SEARCHED_LENGTH = 4 * MAX_REASON_LENGTH;
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
		messageBranches: 1e3,
		dependencies: 2e4,
		registeredBranches: 1e3,
		workflowSteps: 1e3,
		registeredBytes: 8388608,
		payloadBytes: 1048576,
		bodyBytes: 4194304,
		pageSize: 1e3,
		timelineEntries: 100,
		branchResultBytes: 4096,
		topicLength: 128,
		topicSubscribers: 200,
		remarkLength: 1024,
		branchHeaders: 100,
		branchHeaderCharacters: 8192,
		jsonDepth: 500,
		jsonFields: 2e4,
		jsonElements: 2e5,
		workflowResultLength: 1048576,
		requestTimeoutMs: 6e5,
		retryIntervalMs: 31536e6,
		delayMs: 31536e6,
		timeoutToFailMs: 31536e8,
		retryLimit: 1e3
	};
}));
// packages/protocol/src/nearest.ts
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
// packages/protocol/src/known-names.ts
function hintFor(name, known) {
	const meant = nearest(name, known);
	return meant === void 0 ? `known are ${known.join(", ")}` : `did you mean ${meant}?`;
}
var init_known_names = __esmMin((() => {
	init_nearest();
})), url$1, branchId, bytes$2, branchRegistrationRequest, submitRequest, heartbeatMs, workflowEnd, parkRequest, RUN_OF_DIGEST, runOfDigest;
var init_api_v1_branches = __esmMin((() => {
	init_limits();
	init_vocabulary();
	url$1 = z.string().max(LIMITS.urlLength);
	branchId = z.string().min(1).max(64);
	bytes$2 = z.base64();
	branchRegistrationRequest = z.discriminatedUnion("pattern", [
		z.strictObject({
			pattern: z.literal("tcc"),
			branchId,
			confirm: url$1.optional(),
			cancel: url$1,
			payload: z.unknown().optional(),
			digest: z.string().max(128).optional()
		}),
		z.strictObject({
			pattern: z.literal("xa"),
			branchId,
			url: url$1.min(1),
			digest: z.string().max(128).optional()
		}),
		z.strictObject({
			pattern: z.literal("workflow"),
			branchId,
			op: z.enum([
				"start",
				"action",
				"commit",
				"rollback"
			]),
			status: z.enum(["succeed", "failed"]),
			data: bytes$2.optional()
		})
	]);
	submitRequest = z.strictObject({
		branches: z.array(branchId).max(LIMITS.registeredBranches).optional(),
		run: z.string().regex(/^[\w-]{1,40}$/).optional()
	});
	heartbeatMs = z.number().positive().optional();
	z.object({
		gid: z.string(),
		status: z.enum(STATUSES),
		rollbackReason: z.string(),
		stopped: z.string().default(""),
		result: z.string(),
		steps: z.array(z.object({
			branchId: z.string(),
			op: z.string(),
			status: z.enum(BRANCH_STATUSES),
			data: z.string()
		})),
		heartbeatMs
	});
	workflowEnd = z.strictObject({
		status: z.enum(["succeed", "failed"]),
		reason: z.string().max(1024).optional(),
		result: bytes$2.optional()
	});
	parkRequest = z.strictObject({ reason: z.string().min(1).max(1024) });
	RUN_OF_DIGEST = /^run:([\w-]*):/;
	runOfDigest = (digest) => (digest === void 0 ? void 0 : RUN_OF_DIGEST.exec(digest)?.[1]) || void 0;
})), text$3, url, milliseconds$1, payload, stepRequest, transactionRequest, summaryShape, transactionSummary, timelineEntry, branchDetails, remainingEffect, topic;
var init_api_v1$1 = __esmMin((() => {
	init_api_v1_branches();
	init_limits();
	init_vocabulary();
	text$3 = (max) => z.string().max(max);
	url = text$3(LIMITS.urlLength);
	milliseconds$1 = z.number().int().min(0).max(31536e6);
	payload = z.unknown();
	stepRequest = z.strictObject({
		action: url.min(1),
		compensate: url.optional(),
		payload: payload.optional(),
		requestTimeoutMs: milliseconds$1.optional(),
		after: z.array(z.number().int().min(0)).optional()
	});
	transactionRequest = z.strictObject({
		gid: text$3(LIMITS.gidLength).min(1).optional(),
		pattern: z.enum(PATTERNS),
		status: z.enum(["prepared", "submitted"]).optional(),
		steps: z.array(stepRequest).max(LIMITS.steps).default([]),
		workflow: z.strictObject({
			name: text$3(LIMITS.gidLength).min(1),
			input: z.unknown().optional()
		}).optional(),
		protocol: z.enum(BRANCH_PROTOCOLS).optional(),
		queryPrepared: url.optional(),
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
		stopped: z.string().default(""),
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
		}).nullable(),
		heartbeatMs
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
			retryAtMs: z.number(),
			count: z.number().optional(),
			firstAtMs: z.number().optional()
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
	remainingEffect = z.object({
		branchId: z.string(),
		op: z.string(),
		url: z.string(),
		certain: z.boolean()
	});
	z.object({
		...summaryShape,
		version: z.number(),
		result: z.string(),
		queryPrepared: z.string(),
		branches: z.array(branchDetails),
		remainingEffects: z.array(remainingEffect).default([]),
		damaged: z.string().default(""),
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
	z.object({
		nowMs: z.number().optional(),
		items: z.array(z.object({
			session: z.string(),
			node: z.string(),
			version: z.string(),
			startedAtMs: z.number(),
			heartbeatAtMs: z.number(),
			owned: z.number().optional()
		}))
	});
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
})), abortRequest, stopRequest, subscriberRequest;
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
	stopRequest = z.strictObject({ reason: z.string().max(1024).optional() });
	subscriberRequest = z.strictObject({
		url: z.string(),
		remark: z.string().max(1024).optional()
	});
}));
// packages/protocol/src/branch-errors.ts
function resultOfThrown(thrown) {
	return branchResult(kindOf$2(thrown) ?? "UNKNOWN", textOfThrown(thrown));
}
function kindOf$2(thrown) {
	if (typeof thrown !== "object" || thrown === null) return void 0;
	try {
		const kind = KIND in thrown ? thrown[KIND] : void 0;
		return kind === "FAILURE" || kind === "ONGOING" ? kind : void 0;
	} catch {
		return;
	}
}
var KIND;
var init_branch_errors = __esmMin((() => {
	init_result();
	init_thrown();
	KIND = Symbol.for("holdfast.branch-error");
}));
// packages/protocol/src/barrier.ts
var init_barrier = __esmMin((() => {}));
// packages/protocol/src/basic-authorization.ts
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
var init_basic_authorization = __esmMin((() => {}));
// packages/protocol/src/barrier-schema.ts
var init_barrier_schema = __esmMin((() => {}));
// packages/protocol/src/coordinates.ts
function coordinatesIn(url) {
	const query = queryOf(url);
	if (query === "") return [];
	return [...new URLSearchParams(query)].flatMap(([name, value]) => {
		const coordinate = coordinateOf(name);
		return coordinate === void 0 ? [] : [[coordinate, value]];
	});
}
function withoutCoordinates(url) {
	const query = queryOf(url);
	if (coordinatesIn(url).length === 0) return url;
	const start = url.indexOf("?");
	const kept = query.split("&").filter((part) => {
		const [name = ""] = new URLSearchParams(part).keys();
		return coordinateOf(name) === void 0;
	});
	return url.slice(0, start) + (kept.length === 0 ? "" : `?${kept.join("&")}`) + url.slice(start + 1 + query.length);
}
var COORDINATES, coordinateOf, queryOf, URL_COORDINATES_HEADER;
var init_coordinates = __esmMin((() => {
	COORDINATES = [
		"gid",
		"trans_type",
		"branch_id",
		"op"
	];
	coordinateOf = (name) => {
		const lower = name.toLowerCase();
		return COORDINATES.find((one) => one === lower);
	};
	queryOf = (url) => {
		const [beforeFragment = ""] = url.split("#", 1);
		const start = beforeFragment.indexOf("?");
		return start < 0 ? "" : beforeFragment.slice(start + 1);
	};
	URL_COORDINATES_HEADER = "holdfast-url-coordinates";
}));
// packages/protocol/src/json-spans.ts
function jsonMembers(text, start = 0) {
	const members = new Map();
	let at = skipBlanks$2(text, start);
	if (text[at] !== "{") return members;
	at = skipBlanks$2(text, at + 1);
	while (text[at] === "\"") {
		const nameEnd = endOfString$3(text, at);
		const name = JSON.parse(text.slice(at, nameEnd));
		const valueStart = skipBlanks$2(text, skipBlanks$2(text, nameEnd) + 1);
		const end = endOfValue(text, valueStart);
		members.set(name, {
			start: valueStart,
			end
		});
		at = nextItem(text, end);
	}
	return members;
}
function jsonItems(text, start = 0) {
	const items = [];
	let at = skipBlanks$2(text, start);
	if (text[at] !== "[") return items;
	at = skipBlanks$2(text, at + 1);
	while (at < text.length && text[at] !== "]") {
		const end = endOfValue(text, at);
		items.push({
			start: at,
			end
		});
		at = nextItem(text, end);
	}
	return items;
}
function* jsonMembersInPieces(text, start = 0) {
	const members = new Map();
	let at = skipBlanks$2(text, start);
	if (text[at] !== "{") return members;
	at = skipBlanks$2(text, at + 1);
	for (let pieceEnd = at + PIECE$1; text[at] === "\"";) {
		const nameEnd = endOfString$3(text, at);
		const name = JSON.parse(text.slice(at, nameEnd));
		const valueStart = skipBlanks$2(text, skipBlanks$2(text, nameEnd) + 1);
		const end = yield* endOfValueInPieces(text, valueStart);
		members.set(name, {
			start: valueStart,
			end
		});
		at = nextItem(text, end);
		if (at < pieceEnd) continue;
		yield;
		pieceEnd = at + PIECE$1;
	}
	return members;
}
function* jsonItemsInPieces(text, start = 0) {
	const items = [];
	let at = skipBlanks$2(text, start);
	if (text[at] !== "[") return items;
	at = skipBlanks$2(text, at + 1);
	for (let pieceEnd = at + PIECE$1; at < text.length && text[at] !== "]";) {
		const end = yield* endOfValueInPieces(text, at);
		items.push({
			start: at,
			end
		});
		at = nextItem(text, end);
		if (at < pieceEnd) continue;
		yield;
		pieceEnd = at + PIECE$1;
	}
	return items;
}
function nextItem(text, end) {
	const at = skipBlanks$2(text, end);
	return text[at] === "," ? skipBlanks$2(text, at + 1) : at;
}
function skipBlanks$2(text, start) {
	let at = start;
	while (isBlank$4(text.charCodeAt(at))) at++;
	return at;
}
function endOfString$3(text, start) {
	const first = text.indexOf("\"", start + 1);
	if (first >= 0 && text.charCodeAt(first - 1) !== BACKSLASH$4) return first + 1;
	for (let at = start + 1; at < text.length; at++) {
		const unit = text.charCodeAt(at);
		if (unit === QUOTE$4) return at + 1;
		if (unit === BACKSLASH$4) at++;
	}
	return text.length;
}
function* endOfValueInPieces(text, start) {
	const place = {
		at: start,
		depth: 0
	};
	while (!readValue(text, place, place.at + PIECE$1)) yield;
	return place.at;
}
function readValue(text, place, limit) {
	let { at, depth } = place;
	let isEnd = false;
	while (!isEnd && at < text.length && at <= limit) switch (text.charCodeAt(at)) {
		case QUOTE$4:
			at = endOfString$3(text, at);
			isEnd = depth === 0;
			break;
		case OBJECT$4:
		case LIST$5:
			depth++;
			at++;
			break;
		case OBJECT_END$4:
		case LIST_END$3:
			isEnd = depth === 0;
			if (isEnd) break;
			depth--;
			at++;
			isEnd = depth === 0;
			break;
		default:
			isEnd = depth === 0 && (text.charCodeAt(at) === COMMA$3 || isBlank$4(text.charCodeAt(at)));
			if (!isEnd) at++;
	}
	place.at = at;
	place.depth = depth;
	return isEnd || at >= text.length;
}
var PIECE$1, QUOTE$4, COMMA$3, BACKSLASH$4, LIST$5, LIST_END$3, OBJECT$4, OBJECT_END$4, isBlank$4, endOfValue;
var init_json_spans = __esmMin((() => {
	PIECE$1 = 16384;
	QUOTE$4 = 34;
	COMMA$3 = 44;
	BACKSLASH$4 = 92;
	LIST$5 = 91;
	LIST_END$3 = 93;
	OBJECT$4 = 123;
	OBJECT_END$4 = 125;
	isBlank$4 = (code) => code === 32 || code === 10 || code === 13 || code === 9;
	endOfValue = (text, start) => {
		const place = {
			at: start,
			depth: 0
		};
		readValue(text, place, text.length);
		return place.at;
	};
}));
// packages/protocol/src/percent.ts
function isPercentEncodedUtf8(url) {
	if (!url.includes("%")) return true;
	return (url.match(ENCODED) ?? []).every((part) => {
		try {
			return true;
		} catch {
			return false;
		}
	});
}
var ENCODED;
var init_percent = __esmMin((() => {
	ENCODED = /(?:%[\da-f]{2})+/gi;
}));
// packages/protocol/src/xa-name.ts
var init_xa_name = __esmMin((() => {}));
// packages/protocol/src/dtm.ts
var text$2, flag$1, count$3, seconds, textMap, step$1, dtmTransaction, dtmOrder, dtmBranch, dtmSagaData, dtmMessageData, dtmWorkflowData, JSON_RPC_CODES;
var init_dtm = __esmMin((() => {
	text$2 = z.string().nullish();
	flag$1 = z.boolean().nullish();
	count$3 = z.number().int().min(0).nullish();
	seconds = count$3;
	textMap = z.record(z.string(), z.string().nullable());
	step$1 = z.object({
		action: text$2,
		compensate: text$2,
		data: text$2
	}).nullable();
	dtmTransaction = z.object({
		gid: text$2,
		trans_type: text$2,
		steps: z.array(step$1).nullish(),
		payloads: z.array(z.string().nullable()).nullish(),
		custom_data: text$2,
		query_prepared: text$2,
		protocol: text$2,
		rollback_reason: text$2,
		req_extra: textMap.nullish(),
		wait_result: flag$1,
		timeout_to_fail: seconds,
		retry_interval: seconds,
		request_timeout: seconds,
		branch_headers: textMap.nullish(),
		concurrent: flag$1,
		retry_limit: count$3
	});
	dtmOrder = z.object({
		gid: text$2,
		trans_type: text$2,
		rollback_reason: text$2,
		wait_result: flag$1
	});
	dtmBranch = textMap;
	dtmSagaData = z.object({
		orders: z.record(z.string(), z.array(z.number().int()).nullable()).nullish(),
		concurrent: flag$1
	});
	dtmMessageData = z.object({ delay: seconds });
	dtmWorkflowData = z.object({
		name: text$2,
		data: text$2
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
var init_src$5 = __esmMin((() => {
	init_vocabulary();
	init_errors$3();
	init_result();
	init_thrown();
	init_secrets();
	init_limits();
	init_nearest();
	init_known_names();
	init_api_v1$1();
	init_api_v1_branches();
	init_api_v1_status();
	init_branch_errors();
	init_barrier();
	init_basic_authorization();
	init_barrier_schema();
	init_coordinates();
	init_json_spans();
	init_percent();
	init_xa_name();
	init_dtm();
	init_dtm_answers();
}));
// packages/core/src/engine/contain.ts
function contained(dependencies) {
	const logger = containedLogger(dependencies.logger);
	const thrown = (what, error) => logger.error({
		what,
		error: stackOfThrown(error) ?? textOfThrown(error)
	}, "a callback or a hook threw");
	const { alert } = dependencies;
	return {
		...dependencies,
		logger,
		clock: containedClock(dependencies.clock, thrown),
		random: () => {
			try {
				return dependencies.random();
			} catch (error) {
				thrown("random", error);
				return 0;
			}
		},
		...alert !== void 0 && { alert: async (raised) => alert(raised) },
		observer: containedObserver(dependencies.observer, thrown)
	};
}
function containedLogger(logger) {
	const log = (level) => (fields, message) => callHook(() => logger[level](fields, message));
	return {
		debug: log("debug"),
		info: log("info"),
		warn: log("warn"),
		error: log("error")
	};
}
function containedClock(clock, thrown) {
	const guarded = (callback) => () => {
		try {
			callback();
		} catch (error) {
			thrown("timer", error);
		}
	};
	const setTimer = (delayMs, callback) => {
		const safe = guarded(callback);
		try {
			return clock.setTimer(delayMs, safe);
		} catch (error) {
			thrown("setTimer", error);
			return clock.setTimer(delayMs, safe);
		}
	};
	let [lastMonotonicMs, lastWallMs] = [0, 0];
	return {
		monotonicMs() {
			try {
				return lastMonotonicMs = clock.monotonicMs();
			} catch (error) {
				thrown("monotonicMs", error);
				return lastMonotonicMs;
			}
		},
		wallMs() {
			try {
				return lastWallMs = clock.wallMs();
			} catch (error) {
				thrown("wallMs", error);
				return lastWallMs;
			}
		},
		setTimer,
		endOfTurn(callback) {
			const safe = guarded(callback);
			try {
				clock.endOfTurn(safe);
			} catch (error) {
				thrown("endOfTurn", error);
				setTimer(0, safe);
			}
		}
	};
}
function containedObserver(observer, thrown) {
	const attempt = (name, report) => callHook(report, (error) => thrown(name, error));
	return {
		branchAnswered: (pattern, result, durationMs) => attempt("branchAnswered", () => observer.branchAnswered(pattern, result, durationMs)),
		batchWritten: (items, durationMs, ok) => attempt("batchWritten", () => observer.batchWritten(items, durationMs, ok)),
		transactionFinished: (pattern, status, durationMs) => attempt("transactionFinished", () => observer.transactionFinished(pattern, status, durationMs)),
		transactionAccepted: (pattern) => attempt("transactionAccepted", () => observer.transactionAccepted(pattern)),
		claimed: (count) => attempt("claimed", () => observer.claimed(count)),
		tookOver: (count) => attempt("tookOver", () => observer.tookOver(count)),
		storeWentBack: (transactions) => attempt("storeWentBack", () => observer.storeWentBack(transactions)),
		conflicted: () => attempt("conflicted", () => observer.conflicted()),
		alerted: () => attempt("alerted", () => observer.alerted())
	};
}
var init_contain = __esmMin((() => {
	init_src$5();
}));
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
		storeWentBack() {},
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
	if (format > newest && format <= LAST_FORMAT) throw new UnreadableRecord(`${what}: format ${format} is unknown to this version (it reads 1 to ${newest}); a newer Holdfast wrote it`, true);
	if (format < 1 || format > LAST_FORMAT) throw new UnreadableRecord(`${what}: format ${format} does not exist`);
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
function oneOf$1(set, value, what) {
	if (!set.includes(value)) throw new UnreadableRecord(`${what}: ${String(value)} is none of ${set.join(", ")}`);
	return value;
}
function listOf$2(value, what) {
	if (Array.isArray(value)) return value;
	throw new UnreadableRecord(`${what}: ${String(value)} is no list`);
}
function numberOf$1(value, usual, what) {
	const read = value === void 0 ? usual : value;
	if (Number.isFinite(read)) return read;
	throw new UnreadableRecord(`${what}: ${String(value)} is not a number`);
}
function textOf$9(value, usual, what) {
	const read = value === void 0 ? usual : value;
	if (typeof read === "string") return read;
	throw new UnreadableRecord(`${what}: ${String(value)} is not a text`);
}
function flagOf$1(value, usual, what) {
	if (value === void 0) return usual;
	if (typeof value === "boolean") return value;
	throw new UnreadableRecord(`${what}: ${String(value)} is neither true nor false`);
}
var UnreadableRecord, LAST_FORMAT, HEAD_LENGTH_AT, BODY_LENGTH_AT, HEAD_AT;
var init_frame = __esmMin((() => {
	UnreadableRecord = class extends Error {
		name = "UnreadableRecord";
		isLater;
		constructor(message, isLater = false) {
			super(message);
			this.isLater = isLater;
		}
	};
	LAST_FORMAT = 31;
	HEAD_LENGTH_AT = 1;
	BODY_LENGTH_AT = 5;
	HEAD_AT = 9;
}));
// packages/core/src/codec/entry-codec.ts
function encodeRegistration(branch) {
	const { branchId, op, url, status, digest, createdAtMs, payload } = branch;
	return {
		key: `${BRANCH}${branchId}:${op}`,
		body: encodeFrame(FORMAT$2, JSON.stringify({
			branchId,
			op,
			url,
			status,
			digest,
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
var FORMAT$2, WHAT$2, BRANCH, ORDER, ABORT_ORDER_KEY, RETRY_ORDER, encodeAbortOrder, encodeRetryOrder, countRetryOrders, decodeRegistration;
var init_entry_codec = __esmMin((() => {
	init_src$5();
	init_frame();
	FORMAT$2 = 1;
	WHAT$2 = "registered branch";
	BRANCH = "branch:";
	ORDER = "order:";
	ABORT_ORDER_KEY = `${ORDER}abort`;
	RETRY_ORDER = `${ORDER}retry:`;
	encodeAbortOrder = (reason) => ({
		key: ABORT_ORDER_KEY,
		body: encodeFrame(FORMAT$2, JSON.stringify({ reason }), [])
	});
	encodeRetryOrder = (since) => ({
		key: `${RETRY_ORDER}${since}`,
		body: encodeFrame(FORMAT$2, "{}", [])
	});
	countRetryOrders = (entries) => entries.length === 0 ? 0 : entries.filter(({ key }) => key.startsWith(RETRY_ORDER)).length;
	decodeRegistration = (entry) => decodeFrame(entry.body, FORMAT$2, WHAT$2, ({ head, body }) => {
		const { branchId, op, url, status, digest, createdAtMs } = head;
		return {
			branchId: textOf$9(branchId, void 0, WHAT$2),
			op: textOf$9(op, void 0, WHAT$2),
			url: textOf$9(url, void 0, WHAT$2),
			status: oneOf$1(BRANCH_STATUSES, status, WHAT$2),
			...digest !== void 0 && { digest: textOf$9(digest, void 0, WHAT$2) },
			createdAtMs: numberOf$1(createdAtMs, NaN, WHAT$2),
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
function limitedRetryMs({ options, state }, { policy }) {
	const paced = state.limitedRetries - IMMEDIATE_RETRIES;
	if (paced < 0) return 0;
	return Math.min(plainIntervalMs(options, policy), FIRST_PACED_MS * 2 ** Math.min(paced, 30));
}
var JITTER, IMMEDIATE_RETRIES, FIRST_PACED_MS;
var init_retry = __esmMin((() => {
	JITTER = .2;
	IMMEDIATE_RETRIES = 10;
	FIRST_PACED_MS = 100;
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
var NO_PAYLOAD, compensateOf, actionOf, stepOf$2, twoDigits, stepId, targetsOf;
var init_branches = __esmMin((() => {
	NO_PAYLOAD = new Uint8Array(0);
	compensateOf = (step) => step * 2;
	actionOf = (step) => step * 2 + 1;
	stepOf$2 = (branch) => branch >> 1;
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
		suspicion: state.suspicion,
		compensate: state.compensate,
		retries: state.retries,
		limitedRetries: state.limitedRetries,
		notBeforeMs: state.notBeforeMs,
		nextCheckAtMs: state.nextCheckAtMs,
		checkFailures: state.checkFailures,
		heartbeatAtMs: state.heartbeatAtMs,
		attention: state.attention,
		alertDue: state.alertDue,
		parked: state.parked,
		stopped: state.stopped,
		damaged: state.damaged,
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
function newTransaction(key, definition, createdAtMs, heartbeatAtMs = 0) {
	return assemble(key, definition, createdAtMs, [], heartbeatAtMs === 0 ? NEW_STATE : {
		...NEW_STATE,
		heartbeatAtMs
	});
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
function failureReason({ rollbackReason, stopped }) {
	if (stopped === "") return rollbackReason;
	return rollbackReason === "" ? `force-stopped by an operator, nothing was rolled back: ${stopped}` : `force-stopped by an operator, the rollback was not completed: ${stopped}; it began because: ${rollbackReason}`;
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
		suspicion: 0,
		compensate: [],
		retries: 0,
		limitedRetries: 0,
		notBeforeMs: 0,
		nextCheckAtMs: 0,
		checkFailures: 0,
		heartbeatAtMs: 0,
		attention: false,
		alertDue: false,
		parked: "",
		stopped: "",
		damaged: "",
		submittedAtMs: 0,
		rollbackAtMs: 0,
		finishedAtMs: 0,
		timeline: [],
		timelineOmitted: 0
	};
}));
// packages/core/src/patterns/rules.ts
var waitUntil, refuse;
var init_rules$1 = __esmMin((() => {
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
function withCallLine(state, line) {
	const last = state.timeline.at(-1);
	if (last?.kind !== "call" || !isSameCall(last, line)) return withLine(state, line);
	const repeated = {
		...line,
		count: (last.count ?? 1) + 1,
		firstAtMs: last.firstAtMs ?? last.atMs
	};
	return {
		...state,
		timeline: [...state.timeline.slice(0, -1), repeated]
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
var KEEP_FIRST, isSameCall, omitted;
var init_timeline$1 = __esmMin((() => {
	init_src$5();
	init_copies();
	KEEP_FIRST = LIMITS.timelineEntries / 2;
	isSameCall = (a, b) => a.branchId === b.branchId && a.op === b.op && a.result === b.result && a.reason === b.reason;
	omitted = ({ timeline, timelineOmitted }) => timeline.length < LIMITS.timelineEntries ? timelineOmitted : timelineOmitted + 1;
}));
// packages/core/src/patterns/calls.ts
function runningOf({ running, branches }) {
	if (running.length <= SHORT_LIST) return (index) => running.includes(index);
	const marks = new Uint8Array(branches.length);
	for (const index of running) marks[index] = 1;
	return (index) => marks[index] === 1;
}
function startReady(transaction, candidates, nowMs) {
	const calls = [];
	let wakeAtMs = null;
	let branches;
	const isRunning = runningOf(transaction);
	for (const index of candidates) {
		if (isRunning(index)) continue;
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
	const running = without(transaction.running, index);
	const lastResult = result.kind === "SUCCESS" ? transaction.lastResult : result;
	const { branchId, op } = branchAt$1(transaction, index);
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
	next.state = counted$2(told, after, result, moment, policy);
	return next;
}
function without(list, element) {
	const at = list.indexOf(element);
	if (at < 0) return list;
	if (list.length === 1) return NONE$3;
	return list.toSpliced(at, 1);
}
function recordDeferral(transaction, { calls, result, againInMs }, { nowMs }) {
	const dueAtMs = againInMs === 0 ? 0 : nowMs + againInMs;
	const deferred = new Set(calls);
	const branches = transaction.state.branches.slice();
	for (const index of calls) if (index !== "check") branches[index] = {
		...branchState(transaction.state, index),
		nextAttemptAtMs: dueAtMs
	};
	const state = copyState(transaction.state);
	state.branches = branches;
	const next = copyTransaction(transaction);
	if (deferred.has("check")) {
		next.checking = false;
		if (state.status !== "submitted") state.nextCheckAtMs = dueAtMs;
	}
	next.running = transaction.running.filter((index) => !deferred.has(index));
	next.lastResult = result;
	next.state = state;
	return next;
}
function counted$2(state, after, result, moment, policy) {
	if (after.status !== "prepared") return withProgress(state);
	return policy.again === "never" ? state : withRetries(state, result, moment, result.kind === "FAILURE");
}
function branchAt$1(transaction, index) {
	const branch = transaction.branches[index];
	if (branch === void 0) throw new RangeError(`no branch with index ${index}`);
	return branch;
}
function answered(transaction, before, result, moment, policy) {
	const { nowMs } = moment;
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
		nextAttemptAtMs: nextAttemptAtMs(policy.again, nowMs, intervalMs),
		finishedAtMs: 0
	};
}
function nextAttemptAtMs(again, nowMs, intervalMs) {
	if (again === "never") return 0;
	return nowMs + (again === "later" ? intervalMs : again);
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
var SHORT_LIST, NONE$3, withProgress;
var init_calls$1 = __esmMin((() => {
	init_copies();
	init_rules$1();
	init_retry();
	init_state();
	init_timeline$1();
	SHORT_LIST = 8;
	NONE$3 = [];
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
		state: parked$1(transaction.state, "it has no query_prepared URL to ask the client at", moment)
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
function parked$1(state, reason, moment) {
	return withLine({
		...state,
		parked: reason,
		attention: true,
		suspicion: 0
	}, {
		kind: "parked",
		atMs: moment.nowMs,
		detail: reason
	});
}
function recordCheck(transaction, event, op, nextCheckAtMs, moment) {
	const { result } = event;
	const { state } = transaction;
	const before = state.timeline.findLast((line) => line.kind === "call" && line.branchId === "00");
	const checkFailures = result.kind === "UNKNOWN" ? state.checkFailures + 1 : 0;
	const told = withCallLine({
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
	init_src$5();
	init_calls$1();
	init_rules$1();
	init_timeline$1();
}));
// packages/core/src/patterns/workflow.ts
function silentAtMs({ state, createdAtMs, registered }, intervalMs) {
	const recordedAtMs = registered.reduce((latest, branch) => Math.max(latest, branch.createdAtMs), createdAtMs);
	return Math.max(state.nextCheckAtMs, recordedAtMs + intervalMs);
}
var workflow, heartbeatPeriodMs, SHARE_NOT_STORED, SHARE_IN_TIME, isCommitting;
var init_workflow = __esmMin((() => {
	init_src$5();
	init_check();
	init_retry();
	init_rules$1();
	init_timeline$1();
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
				state: parked$1(state, event.reason, moment)
			};
		},
		heartbeat(transaction, moment) {
			const { state } = transaction;
			if (isFinal(state.status)) return refuse(state.status, "send a heartbeat");
			if (state.parked !== "" || transaction.checking) return transaction;
			const intervalMs = plainIntervalMs(transaction.options, moment.policy);
			if (moment.nowMs - state.heartbeatAtMs < intervalMs * SHARE_NOT_STORED && state.nextCheckAtMs >= state.heartbeatAtMs + intervalMs) return transaction;
			const next = {
				...state,
				heartbeatAtMs: moment.nowMs,
				nextCheckAtMs: moment.nowMs + intervalMs
			};
			return {
				...transaction,
				state: next
			};
		},
		delayed(transaction, moment) {
			const { state } = transaction;
			const intervalMs = plainIntervalMs(transaction.options, moment.policy);
			const lateMs = moment.nowMs - silentAtMs(transaction, intervalMs);
			if (state.heartbeatAtMs === 0 || lateMs < intervalMs * SHARE_IN_TIME) return void 0;
			return {
				...transaction,
				state: {
					...state,
					heartbeatAtMs: 0,
					nextCheckAtMs: moment.nowMs + intervalMs
				}
			};
		},
		answered: (transaction) => transaction,
		checked(transaction, event, moment) {
			return recordCheck(transaction, event, transaction.definition.workflowName, moment.nowMs + plainIntervalMs(transaction.options, moment.policy), moment);
		},
		advance(transaction, moment) {
			const { status, nextCheckAtMs } = transaction.state;
			if (status !== "prepared" && status !== "aborting") return waitUntil(transaction, null);
			return askWhenDue(transaction, nextCheckAtMs || transaction.createdAtMs + plainIntervalMs(transaction.options, moment.policy), moment);
		}
	};
	heartbeatPeriodMs = (options, policy) => Math.ceil(plainIntervalMs(options, policy) / 3);
	SHARE_NOT_STORED = 1 / 6;
	SHARE_IN_TIME = 1 / 10;
	isCommitting = ({ state, registered }) => state.status === "prepared" && registered.some(({ op, status }) => op === "commit" && status === "succeed");
}));
// packages/core/src/codec/json.ts
function arrayOf(items, textOf) {
	let json = "";
	for (const item of items) json += json === "" ? textOf(item) : `,${textOf(item)}`;
	return `[${json}]`;
}
var quoted$2;
var init_json = __esmMin((() => {
	quoted$2 = (text) => text === "" ? "\"\"" : JSON.stringify(text);
}));
// packages/core/src/codec/definition-codec.ts
function encodeDefinition(definition) {
	const { pattern, protocol, steps, payloads, customData, queryPrepared, orders, workflowName, workflowData } = definition;
	let head = `{"pattern":"${pattern}","protocol":"${protocol}"`;
	if (steps.length > 0) head += `,"steps":${arrayOf(steps, stepText)}`;
	if (payloads.length > 0) head += `,"payloadLengths":${arrayOf(payloads, lengthText)}`;
	if (customData !== "") head += `,"customData":${quoted$2(customData)}`;
	if (queryPrepared !== "") head += `,"queryPrepared":${quoted$2(queryPrepared)}`;
	const options = saidOptions(definition.options);
	if (options !== void 0) head += `,"options":${JSON.stringify(options)}`;
	for (const _ in orders) {
		head += `,"orders":${JSON.stringify(orders)}`;
		break;
	}
	if (workflowName !== "") head += `,"workflowName":${quoted$2(workflowName)}`;
	return encodeFrame(FORMAT$1, `${head}}`, workflowData.length === 0 ? payloads : [...payloads, workflowData]);
}
function stepText(step) {
	const { action, compensate, subscribers, requestTimeoutMs } = step;
	if (subscribers !== void 0 || requestTimeoutMs !== void 0) return JSON.stringify(step);
	return `{"action":${quoted$2(action)},"compensate":${quoted$2(compensate)}}`;
}
function read$5(frame) {
	const head = frame.head;
	const lengths = listOf$2(head.payloadLengths ?? [], WHAT$1).map((length) => atLeastZero(length));
	const [payloads, workflowData] = splitBody(frame.body, lengths, WHAT$1);
	return {
		pattern: oneOf$1(PATTERNS, head.pattern, WHAT$1),
		protocol: protocolOf(head.protocol),
		steps: listOf$2(head.steps ?? [], WHAT$1).map(stepOf$1),
		payloads,
		customData: textOf$9(head.customData, "", WHAT$1),
		queryPrepared: textOf$9(head.queryPrepared, "", WHAT$1),
		options: optionsOf$3(head.options),
		orders: ordersOf$2(head.orders ?? {}),
		workflowName: textOf$9(head.workflowName, "", WHAT$1),
		workflowData
	};
}
function protocolOf(protocol) {
	if (BRANCH_PROTOCOLS.includes(protocol)) return protocol;
	const fault = `the protocol ${JSON.stringify(protocol)} is unknown to this version`;
	throw new UnreadableRecord(`${WHAT$1}: ${fault}; a newer Holdfast wrote it`, typeof protocol === "string");
}
function stepOf$1(step) {
	const { action, compensate, subscribers, requestTimeoutMs } = step;
	for (const url of [
		action,
		compensate,
		...listOf$2(subscribers ?? [], WHAT$1)
	]) if (typeof url !== "string") throw new UnreadableRecord(`${WHAT$1}: ${String(url)} is not a URL of a step`);
	numberOf$1(requestTimeoutMs, 0, WHAT$1);
	return step;
}
function ordersOf$2(orders) {
	for (const step in orders) for (const earlier of listOf$2(orders[step] ?? [], WHAT$1)) atLeastZero(earlier);
	return orders;
}
function optionsOf$3(said) {
	const options = {
		...NO_OPTIONS,
		...said
	};
	for (const name in NO_OPTIONS) {
		const key = name;
		const value = options[key];
		if (typeof value !== typeof NO_OPTIONS[key] || value === null) throw new UnreadableRecord(`${WHAT$1}: ${String(value)} is not a value of the option ${name}`);
	}
	return options;
}
function atLeastZero(value) {
	if (Number.isInteger(value) && value >= 0) return value;
	throw new UnreadableRecord(`${WHAT$1}: ${String(value)} is not a whole number of at least 0`);
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
	init_src$5();
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
		alwaysPost: false,
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
	decodeDefinition = (bytes) => decodeFrame(bytes, FORMAT$1, WHAT$1, read$5);
}));
// packages/core/src/stores/rules.ts
function checkText(what, text, longest, shortest = 1) {
	if (text.length < shortest || text.length > longest) throw invalid$5(`${what} has ${text.length} characters; ${shortest} to ${longest} are allowed`);
	if (!isStorable(text)) throw invalid$5(`${what} holds a NUL or half a surrogate pair, which no store keeps`);
}
function checkKey(key) {
	checkNamespace(key.namespace);
	checkText("the gid", key.gid, LIMITS.gidLength);
}
function checkLimit(limit, most) {
	if (!Number.isInteger(limit) || limit < 1 || limit > most) throw invalid$5(`limit is ${limit}; 1 to ${most} are allowed`);
}
function checkMaxBytes(maxBytes) {
	const most = STORE_LIMITS.longestAnswerBytes;
	if (maxBytes !== void 0 && (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > most)) throw invalid$5(`maxBytes is ${maxBytes}; 1 to ${most} are allowed`);
}
function checkMs(what, ms) {
	if (!(Math.abs(ms) <= STORE_LIMITS.durationMs)) throw invalid$5(`${what} is ${ms}; it takes milliseconds, at most ${STORE_LIMITS.durationMs}`);
}
function checkVersion(version) {
	if (!Number.isSafeInteger(version) || version < 0) throw invalid$5(`expectVersion is ${String(version)}; it takes a whole number from 0`);
}
function checkBatch(batch) {
	if (batch.length > STORE_LIMITS.batchItems) throw invalid$5(`a batch of ${batch.length} items; at most ${STORE_LIMITS.batchItems} are allowed`);
	const seen = new Set();
	for (const item of batch) {
		checkItem(item);
		seen.add(`${item.key.namespace}\0${item.key.gid}`);
	}
	if (seen.size !== batch.length) throw invalid$5("a batch holds at most one item a transaction");
}
function checkItem(item) {
	checkKey(item.key);
	if (item.kind === "append") return checkAppend(item);
	if (item.kind === "update") checkVersion(item.expectVersion);
	checkText("the write id", item.writeId, STORE_LIMITS.writeIdLength);
	if (item.owner !== null) checkText("the owner", item.owner, STORE_LIMITS.sessionLength);
	if (item.dueInMs !== null) {
		checkMs("dueInMs", item.dueInMs);
		if (item.owner !== null && !isFinal(item.status)) throw invalid$5(`gid ${item.key.gid}: an owned record has no due time; release it or leave dueInMs null`);
	}
	if (item.kind === "insert") checkText("the group", item.group, STORE_LIMITS.groupLength, 0);
	checkSize(item, item.state.length + (item.kind === "insert" ? item.definition.length : 0));
}
function checkAppend(item) {
	if (item.postponeMs !== void 0) checkMs("postponeMs", item.postponeMs);
	if (item.maxBytes !== void 0 && !(Number.isSafeInteger(item.maxBytes) && item.maxBytes >= 0)) throw invalid$5(`gid ${item.key.gid}: maxBytes is ${item.maxBytes}; it takes a whole number of bytes`);
	if (item.entries.length === 0) throw invalid$5(`gid ${item.key.gid}: an append without entries`);
	let bytes = 0;
	for (const entry of item.entries) {
		checkText("an entry key", entry.key, STORE_LIMITS.entryKeyLength);
		bytes += entry.body.length;
	}
	if (item.entries.length > 1 && new Set(item.entries.map((entry) => entry.key)).size !== item.entries.length) throw invalid$5(`gid ${item.key.gid}: an append names an entry twice`);
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
	checkMaxBytes(query.maxBytes);
	if (query.gid !== void 0) checkText("the gid", query.gid, LIMITS.gidLength);
	if (query.createdFromMs !== void 0) checkMs("createdFromMs", query.createdFromMs);
	if (query.createdToMs !== void 0) checkMs("createdToMs", query.createdToMs);
}
var STORE_LIMITS, isStorable, invalid$5, checkNamespace;
var init_rules = __esmMin((() => {
	init_src$5();
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
		answerBytes: 4194304,
		longestAnswerBytes: 67108864,
		getKeys: 1e4,
		unchanged: 1e3
	};
	isStorable = (text) => text.isWellFormed() && !text.includes("\0");
	invalid$5 = (message) => new StoreError("invalid", message);
	checkNamespace = (namespace) => checkText("the namespace", namespace, LIMITS.namespaceLength);
}));
// packages/core/src/engine/accept-options.ts
function acceptOptions(gid, options) {
	for (const [field, name, most] of BOUNDS$1) acceptDuration(gid, field, options[name], most);
	if (isCount(options.retryLimit) && options.retryLimit <= LIMITS.retryLimit) return;
	const fault = `must be a whole number from 0 to ${LIMITS.retryLimit}; these retries follow each other at once`;
	throw new HoldfastError("invalid", `retry_limit ${fault}`, {
		gid,
		field: "retry_limit"
	});
}
function acceptStepTimeout(gid, { requestTimeoutMs }, index) {
	if (requestTimeoutMs !== void 0) acceptDuration(gid, `steps[${index}].requestTimeoutMs`, requestTimeoutMs, LIMITS.requestTimeoutMs);
}
function acceptDuration(gid, field, ms, most) {
	if (isCount(ms) && ms <= most) return;
	const fault = `must be at most ${most / 1e3} s (${most} ms), this one is ${ms / 1e3} s`;
	throw new HoldfastError("invalid", `${field} ${fault}`, {
		gid,
		field
	});
}
var BOUNDS$1, isCount;
var init_accept_options = __esmMin((() => {
	init_src$5();
	BOUNDS$1 = [
		[
			"request_timeout",
			"requestTimeoutMs",
			LIMITS.requestTimeoutMs
		],
		[
			"retry_interval",
			"retryIntervalMs",
			LIMITS.retryIntervalMs
		],
		[
			"custom_data.delay",
			"delayMs",
			LIMITS.delayMs
		],
		[
			"timeout_to_fail",
			"timeoutToFailMs",
			LIMITS.timeoutToFailMs
		]
	];
	isCount = (n) => Number.isInteger(n) && n >= 0;
}));
// packages/core/src/engine/accept-orders.ts
function acceptOrders(gid, orders, count) {
	const steps = Object.keys(orders);
	acceptCounts(gid, orders, steps, count);
	const lists = new Map(steps.map((step) => [acceptIndex(gid, step, count), orders[step] ?? []]));
	const listedBy = new Int32Array(count).fill(-1);
	for (const [step, before] of lists) acceptList(gid, step, before, listedBy);
	refuseCycle(gid, lists, count);
}
function acceptCounts(gid, orders, steps, count) {
	const listed = steps.length > count ? steps.slice(0, count + 1) : steps;
	let dependencies = 0;
	for (const step of listed) dependencies += orders[step]?.length ?? 0;
	if (dependencies <= LIMITS.dependencies) return;
	const fault = `a saga has at most ${LIMITS.dependencies} dependencies, this one has ${dependencies}`;
	throw new HoldfastError("too_large", `${FIELD$1}: ${fault}`, {
		gid,
		field: FIELD$1
	});
}
function acceptIndex(gid, key, count) {
	const index = Number(key);
	if (isStep(index, count) && String(index) === key) return index;
	const shown = JSON.stringify(key.slice(0, 32));
	throw isStep(index, count) && key.trim() !== "" ? invalid$4(gid, `${shown} must be written "${index + 0}": an index without blanks, signs, leading zeros or fractions`) : invalid$4(gid, `${shown} is not the index of a step; ${rangeOf$1(count)}`);
}
function acceptList(gid, step, before, listedBy) {
	const count = listedBy.length;
	for (const earlier of before) {
		if (!isStep(earlier, count)) throw invalid$4(gid, `step ${step} depends on step ${String(earlier)}, which does not exist; ${rangeOf$1(count)}`);
		if (earlier === step) throw invalid$4(gid, `step ${step} depends on itself and could never start`);
		if (listedBy[earlier] === step) throw invalid$4(gid, `step ${step} lists step ${earlier} twice`);
		listedBy[earlier] = step;
	}
}
function refuseCycle(gid, lists, count) {
	const missing = Array.from({ length: count }, (_, step) => lists.get(step)?.length ?? 0);
	const dependents = Array.from({ length: count }, () => []);
	for (const [step, before] of lists) for (const earlier of before) dependents[earlier]?.push(step);
	const ready = missing.flatMap((left, step) => left === 0 ? [step] : []);
	for (let placed = 0; placed < ready.length; placed++) for (const step of dependents[ready[placed] ?? 0] ?? []) {
		const left = (missing[step] ?? 0) - 1;
		missing[step] = left;
		if (left === 0) ready.push(step);
	}
	if (ready.length === count) return;
	const stuck = missing.flatMap((left, step) => left > 0 ? [step] : []);
	const named = stuck.slice(0, MOST_NAMED).join(", ") + (stuck.length > MOST_NAMED ? ", …" : "");
	throw invalid$4(gid, `the dependencies form a cycle, so that steps ${named} could never start`);
}
var FIELD$1, MOST_NAMED, isStep, rangeOf$1, invalid$4;
var init_accept_orders = __esmMin((() => {
	init_src$5();
	FIELD$1 = "custom_data.orders";
	MOST_NAMED = 20;
	isStep = (n, count) => Number.isInteger(n) && n >= 0 && n < count;
	rangeOf$1 = (count) => count === 0 ? "there are no steps" : `steps are 0 to ${count - 1}`;
	invalid$4 = (gid, fault) => new HoldfastError("invalid", `${FIELD$1}: ${fault}`, {
		gid,
		field: FIELD$1
	});
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
	acceptOptions(input.gid, options);
	if (input.orders !== void 0) acceptOrders(input.gid, orders, steps.length);
	const workflowName = input.workflowName ?? "";
	if (workflowName !== "") acceptName(input.gid, "custom_data.name", workflowName);
	acceptPayload(input.gid, "custom_data", input.workflowData ?? NO_BYTES$3);
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
		workflowName,
		workflowData: input.workflowData ?? NO_BYTES$3
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
	acceptKnownGid(gid);
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
function acceptKeyText(field, text, longest, gid) {
	const details = gid === void 0 ? { field } : {
		gid,
		field
	};
	if (text === "" || text.length > longest) throw new HoldfastError("invalid", text === "" ? `${field} must not be empty` : `${field} must have at most ${longest} characters, this one has ${text.length}`, details);
	if (!isStorable(text)) throw new HoldfastError("invalid", `${field} must not hold a NUL or half a surrogate pair`, details);
}
function acceptGid({ gid, pattern }) {
	if (gid === "") throw new HoldfastError("invalid", "gid must not be empty; ask newGid for one or choose your own", { field: "gid" });
	acceptKnownGid(gid);
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
	payloads.forEach((payload, i) => {
		if (payload.length > LIMITS.payloadBytes) acceptPayload(gid, `payloads[${i}]`, payload);
	});
	steps.forEach((step, i) => {
		if (!isUrl(step.action)) acceptUrl(gid, `steps[${i}].action`, step.action);
		if (!isUrl(step.compensate)) acceptUrl(gid, `steps[${i}].compensate`, step.compensate);
		acceptStepTimeout(gid, step, i);
		if (pattern === "saga" && step.action.startsWith("topic://")) throw new HoldfastError("invalid", "only messages can have topics as steps", {
			gid,
			field: `steps[${i}].action`
		});
	});
}
function acceptSize({ gid, payloads = [], customData = "", workflowData = NO_BYTES$3 }) {
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
	if (!isStorable(url)) throw new HoldfastError("invalid", `${field} must not hold a NUL or half a surrogate pair`, {
		gid,
		field
	});
	if (url.length > LIMITS.urlLength) throw new HoldfastError("invalid", `${field} must have at most ${LIMITS.urlLength} characters, this one has ${url.length}`, {
		gid,
		field
	});
}
var NO_BYTES$3, XA_NAME_BYTES, TOPIC_PREFIX, groupIn, acceptKnownGid, acceptName, isUrl;
var init_accept = __esmMin((() => {
	init_src$5();
	init_definition_codec();
	init_rules();
	init_accept_options();
	init_accept_orders();
	NO_BYTES$3 = new Uint8Array(0);
	XA_NAME_BYTES = 64;
	TOPIC_PREFIX = "topic://";
	groupIn = (url) => url.startsWith("local://") ? url.slice(8).split("/")[0] ?? "" : "";
	acceptKnownGid = (gid) => acceptKeyText("gid", gid, LIMITS.gidLength);
	acceptName = (gid, field, text) => acceptKeyText(field, text, LIMITS.gidLength, gid);
	isUrl = (url) => url.length <= LIMITS.urlLength && isStorable(url);
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
function trim(destination) {
	if (destination.head <= 64 || destination.head * 2 <= destination.waiting.length) return;
	destination.waiting.splice(0, destination.head);
	destination.head = 0;
}
var SHARE, MIN_DEFERRAL_MS, ASSUMED_HOLD_MS, LATE_GAP_MS, PRUNE_MS, WEIGHT, GOLDEN, Destinations;
var init_destinations = __esmMin((() => {
	init_slot_map();
	SHARE = 4;
	MIN_DEFERRAL_MS = 200;
	ASSUMED_HOLD_MS = 1e3;
	LATE_GAP_MS = 2;
	PRUNE_MS = 1e3;
	WEIGHT = 1 / 16;
	GOLDEN = .618033988749895;
	Destinations = class {
		#byName = new SlotMap();
		#options;
		#running = 0;
		#late = new Map();
		#prunedMs = 0;
		constructor(options) {
			this.#options = options;
		}
		get running() {
			return this.#running;
		}
		enter(name, batch) {
			const destination = this.#byName.get(name) ?? this.#add(name);
			const { maxRunning, maxWaiting } = this.#options;
			const isFree = destination.running < maxRunning && destination.waiting.length === destination.head;
			if (!isFree && destination.waiting.length - destination.head >= maxWaiting) return this.deferralMs(name);
			if (destination.batches >= Math.max(1, SHARE * (this.#options.room() + 1))) return this.deferralMs(name);
			destination.batches++;
			if (isFree && batch.left === 1) {
				if (!this.#start(destination, batch)) this.#end(name, destination);
				return 0;
			}
			destination.waiting.push(batch);
			this.#startWaiting(name, destination);
			return 0;
		}
		leave(name, batch, heldMs) {
			const destination = this.#byName.get(name);
			if (destination === void 0 || batch.running === 0) return;
			const { holdMs } = destination;
			destination.holdMs = holdMs === 0 ? heldMs : holdMs + (heldMs - holdMs) * WEIGHT;
			this.#running--;
			destination.running--;
			batch.running--;
			if (batch.running === 0 && batch.left === 0) this.#end(name, destination);
			if (destination.head < destination.waiting.length) this.#startWaiting(name, destination);
			else destination.horizonMs = 0;
		}
		deferralMs(name) {
			const destination = this.#byName.get(name);
			const { maxRunning, maxDeferralMs, monotonicMs } = this.#options;
			if (destination === void 0) return MIN_DEFERRAL_MS;
			const nowMs = monotonicMs();
			const gapMs = (destination.holdMs || ASSUMED_HOLD_MS) / maxRunning;
			const queueMs = (destination.waiting.length - destination.head) * gapMs;
			const earliestMs = nowMs + Math.max(MIN_DEFERRAL_MS, queueMs);
			destination.horizonMs = Math.min(Math.max(destination.horizonMs + gapMs, earliestMs), nowMs + maxDeferralMs);
			const delayMs = destination.horizonMs - nowMs;
			if (delayMs < maxDeferralMs) return Math.ceil(delayMs);
			destination.spread = (destination.spread + GOLDEN) % 1;
			const lateMs = this.#lateMs(name, nowMs);
			return Math.ceil(Math.max(maxDeferralMs / 2 * (1 + destination.spread), lateMs - nowMs));
		}
		#lateMs(name, nowMs) {
			if (!this.#late.has(name) || nowMs - this.#prunedMs > PRUNE_MS) this.#prune(nowMs);
			const before = this.#late.get(name) ?? 0;
			const sharing = this.#late.size + (before === 0 ? 1 : 0);
			const lateMs = Math.max(before + LATE_GAP_MS * sharing, nowMs + this.#options.maxDeferralMs / 2);
			this.#late.set(name, lateMs);
			return lateMs;
		}
		#prune(nowMs) {
			this.#prunedMs = nowMs;
			for (const [name, lateMs] of this.#late) if (lateMs <= nowMs) this.#late.delete(name);
		}
		#add(name) {
			const added = {
				running: 0,
				batches: 0,
				waiting: [],
				head: 0,
				holdMs: 0,
				horizonMs: 0,
				spread: 0,
				starting: false,
				inTurn: 0
			};
			this.#byName.set(name, added);
			return added;
		}
		#end(name, destination) {
			if (--destination.batches === 0 && this.#byName.get(name) === destination) this.#byName.delete(name);
		}
		#startWaiting(name, destination) {
			if (destination.starting) return;
			destination.starting = true;
			while (destination.inTurn < 16 && this.#hasWork(destination)) {
				const batch = destination.waiting[destination.head++];
				if (batch === void 0) continue;
				if (destination.inTurn++ === 0) this.#options.later(() => this.#nextTurn(name, destination));
				if (!this.#start(destination, batch)) {
					if (batch.running === 0) this.#end(name, destination);
				} else if (batch.left > 0) destination.waiting.push(batch);
			}
			destination.starting = false;
			trim(destination);
		}
		#nextTurn(name, destination) {
			destination.inTurn = 0;
			this.#startWaiting(name, destination);
		}
		#hasWork({ running, head, waiting }) {
			return running < this.#options.maxRunning && head < waiting.length;
		}
		#start(destination, batch) {
			batch.left--;
			destination.running++;
			batch.running++;
			this.#running++;
			if (batch.startNext()) return true;
			batch.left = 0;
			destination.running--;
			batch.running--;
			this.#running--;
			return false;
		}
	};
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
		ownership: "none",
		retryOrders: 0,
		suspect: false,
		claimed: void 0,
		conflicts: 0,
		foundStatus: void 0,
		queue: [],
		group,
		delivering: false,
		passWaiters: [],
		inFlight: {
			calls: 0,
			onNone: []
		},
		timer: void 0,
		watchedVersion: 0
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
function none(inFlight) {
	if (inFlight.calls > 0 || inFlight.onNone.length === 0) return;
	for (const callback of inFlight.onNone.splice(0)) callback();
}
function branchAt(transaction, index) {
	const branch = transaction.branches[index];
	if (branch === void 0) throw new RangeError(`no branch with index ${index}`);
	return branch;
}
var LONG$1, OPS_IN_TURN, URLS_IN_TURN, NO_CONNECTION_MS, Calls, threw;
var init_calls = __esmMin((() => {
	init_src$5();
	init_destinations();
	init_run();
	LONG$1 = 100;
	OPS_IN_TURN = 16e3;
	URLS_IN_TURN = 128;
	NO_CONNECTION_MS = 1e3;
	Calls = class {
		#d;
		#paced = [];
		#inTurn = 0;
		constructor(dependencies) {
			this.#d = dependencies;
		}
		branches(start, indices) {
			if (indices.length === 1) return this.#single(start, indices[0] ?? 0);
			this.#group(start, indices, 0, new Map());
		}
		#group(start, indices, from, byDestination) {
			const to = Math.min(indices.length, from + URLS_IN_TURN);
			for (let i = from; i < to; i++) {
				const index = indices[i] ?? 0;
				const { url } = branchAt(start.transaction, index);
				const destination = url === "" ? "" : this.#destinationOf(url);
				const known = byDestination.get(destination);
				if (known === void 0) byDestination.set(destination, [index]);
				else known.push(index);
			}
			if (to === indices.length) return this.#slice(start, [...byDestination], 0);
			this.#d.clock.setTimer(0, () => this.#group(start, indices, to, byDestination));
		}
		check(start) {
			this.#enter(start, this.#destinationOf(start.transaction.definition.queryPrepared), ["check"]);
		}
		#single(start, index) {
			const { url } = branchAt(start.transaction, index);
			if (url === "") return this.#done(start, index);
			this.#enter(start, this.#destinationOf(url), [index]);
		}
		#slice(start, groups, from) {
			let started = 0;
			for (let i = from; i < groups.length; i++) {
				if (started >= 16) return void this.#d.clock.setTimer(0, () => this.#slice(start, groups, i));
				const [destination, indices] = groups[i] ?? ["", []];
				started += Math.min(indices.length, 16);
				if (destination === "") for (const index of indices) this.#done(start, index);
				else this.#enter(start, destination, indices);
			}
		}
		#done({ transaction, listener }, index) {
			this.#pace(transaction, () => listener.answered(index, SUCCESS$1, 0));
		}
		#pace({ branches }, deliver) {
			const ops = Math.max(branches.length, OPS_IN_TURN / 16);
			if (this.#paced.length > 0 || this.#inTurn >= OPS_IN_TURN) return void this.#paced.push({
				ops,
				deliver
			});
			if (this.#inTurn === 0) this.#d.clock.setTimer(0, () => this.#nextTurn());
			this.#inTurn += ops;
			deliver();
		}
		#nextTurn() {
			let [count, ops] = [0, 0];
			while (ops < OPS_IN_TURN && count < this.#paced.length) ops += this.#paced[count++]?.ops ?? 0;
			const delivered = this.#paced.splice(0, count);
			this.#inTurn = 0;
			if (count === 0) return;
			this.#inTurn = OPS_IN_TURN;
			this.#d.clock.setTimer(0, () => this.#nextTurn());
			for (const { deliver } of delivered) deliver();
		}
		#enter(start, destination, indices) {
			const { destinations } = this.#d;
			let next = 0;
			const batch = {
				left: indices.length,
				running: 0,
				startNext: () => {
					const permitted = start.permit();
					if (permitted === "granted") {
						const index = indices[next++];
						if (index !== void 0) this.#call(start, destination, batch, index);
						return index !== void 0;
					}
					if (permitted === "withdrawn") start.listener.deferred(indices.slice(next), WITHDRAWN, 0);
					return false;
				}
			};
			const againInMs = destinations.enter(destination, batch);
			if (againInMs > 0) start.listener.deferred(indices, DEFERRED, againInMs);
		}
		#call({ transaction, inFlight, listener }, destination, batch, index) {
			const { destinations, clock, observer } = this.#d;
			const request = index === "check" ? this.#question(transaction) : this.#request(transaction, index);
			const startedMs = clock.monotonicMs();
			inFlight.calls++;
			const ended = (result) => {
				const durationMs = clock.monotonicMs() - startedMs;
				inFlight.calls--;
				destinations.leave(destination, batch, durationMs);
				if (result.deferred === true) {
					listener.deferred([index], result, NO_CONNECTION_MS);
					return none(inFlight);
				}
				observer.branchAnswered(request.pattern, result.kind, durationMs);
				const answered = () => listener.answered(index, result, Math.round(durationMs));
				if (transaction.branches.length <= LONG$1) answered();
				else this.#pace(transaction, answered);
				none(inFlight);
			};
			this.#send(request).then(ended, (error) => ended(threw(error)));
		}
		#send(request) {
			try {
				return this.#d.caller.call(request);
			} catch (error) {
				return Promise.resolve(threw(error));
			}
		}
		#destinationOf(url) {
			try {
				return this.#d.caller.destinationOf(url);
			} catch {
				return "unknown";
			}
		}
		#question(transaction) {
			const { pattern, workflowName, workflowData, queryPrepared } = transaction.definition;
			const op = pattern === "workflow" ? workflowName : "msg";
			return this.#requestOf(transaction, "00", op, queryPrepared, workflowData, 0);
		}
		#request(transaction, index) {
			const { branchId, op, url, payload, requestTimeoutMs } = branchAt(transaction, index);
			return this.#requestOf(transaction, branchId, op, url, payload, requestTimeoutMs);
		}
		#requestOf(transaction, branchId, op, url, payload, branchTimeoutMs) {
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
				alwaysPost: options.alwaysPost && branchId !== "00",
				headers: options.branchHeaders,
				timeoutMs: branchTimeoutMs || options.requestTimeoutMs || this.#d.options.requestTimeoutMs
			};
		}
	};
	threw = (error) => branchResult("UNKNOWN", `the branch could not be called: ${textOfThrown(error)}`);
}));
// packages/core/src/engine/paced-warning.ts
var FIRST_INTERVAL_MS, LONGEST_INTERVAL_MS, PacedWarning;
var init_paced_warning = __esmMin((() => {
	init_store();
	FIRST_INTERVAL_MS = 1e4;
	LONGEST_INTERVAL_MS = 3e5;
	PacedWarning = class {
		#d;
		#message;
		#again;
		#causes = new Map();
		constructor(dependencies, message, again = `works again: ${message}`) {
			this.#d = dependencies;
			this.#message = message;
			this.#again = again;
		}
		failed(error, fields = {}) {
			const { clock, logger } = this.#d;
			const nowMs = clock.monotonicMs();
			const cause = error instanceof StoreError ? error.code : "other";
			let failing = this.#causes.get(cause);
			if (failing === void 0) {
				failing = {
					sinceMs: nowMs,
					count: 0,
					unlogged: 0,
					nextLineAtMs: nowMs,
					intervalMs: FIRST_INTERVAL_MS
				};
				this.#causes.set(cause, failing);
			}
			failing.count++;
			failing.unlogged++;
			if (nowMs < failing.nextLineAtMs) return;
			const counts = failing.count === 1 ? {} : {
				failures: failing.unlogged,
				sinceMs: nowMs - failing.sinceMs
			};
			logger.warn({
				...fields,
				error: String(error),
				...counts
			}, this.#message);
			failing.unlogged = 0;
			failing.nextLineAtMs = nowMs + failing.intervalMs;
			failing.intervalMs = Math.min(LONGEST_INTERVAL_MS, failing.intervalMs * 2);
		}
		succeeded(fields = {}) {
			if (this.#causes.size === 0) return;
			const all = [...this.#causes.values()];
			this.#causes.clear();
			const failures = all.reduce((sum, { count }) => sum + count, 0);
			const sinceMs = this.#d.clock.monotonicMs() - Math.min(...all.map((failing) => failing.sinceMs));
			this.#d.logger.info({
				...fields,
				failures,
				sinceMs
			}, this.#again);
		}
	};
}));
// packages/core/src/engine/claimer.ts
var FULL_PAUSE_MS, LOCKED_PAUSE_MS, Claimer, mayHaveClaimed, CERTAIN;
var init_claimer = __esmMin((() => {
	init_store();
	init_paced_warning();
	FULL_PAUSE_MS = 20;
	LOCKED_PAUSE_MS = 50;
	Claimer = class {
		#d;
		#trouble;
		#timer;
		#timerAtMs = Infinity;
		#claiming = false;
		#stopped = true;
		constructor(dependencies) {
			this.#d = dependencies;
			this.#trouble = new PacedWarning(dependencies, "due transactions could not be claimed");
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
				this.#trouble.failed(error);
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
				if (claimed.length === 0) nextInMs = Math.max(nextInMs, LOCKED_PAUSE_MS);
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
				this.#trouble.succeeded();
				if (result.sessionEnded && owner === session.id) session.lose("another node ended it after a silence");
				if (result.claimed.length > 0) observer.claimed(result.claimed.length);
				return owner !== session.id || session.loseIfLapsed() || !session.leaseHeld() ? {
					claimed: [],
					nextDueInMs: null
				} : result;
			} catch (error) {
				if (mayHaveClaimed(error) && owner === session.id) session.lose("nobody knows what its last claim took");
				throw error;
			}
		}
	};
	mayHaveClaimed = (error) => !(error instanceof StoreError) || !CERTAIN.has(error.code);
	CERTAIN = new Set([
		"closed",
		"locked",
		"invalid",
		"unavailable"
	]);
}));
// packages/core/src/engine/pending.ts
var ABANDONED, isUnstorable, logFieldsOf, FIRST_PAUSE_MS$2, LONGEST_PAUSE_MS$2, Pauses;
var init_pending = __esmMin((() => {
	ABANDONED = { kind: "abandoned" };
	isUnstorable = ({ code }) => code === "rejected" || code === "invalid";
	logFieldsOf = (batch, error) => ({
		transactions: batch.length,
		first: batch[0]?.item.key.gid,
		error: error.message,
		cause: error.cause instanceof Error ? error.cause.stack : void 0
	});
	FIRST_PAUSE_MS$2 = 20;
	LONGEST_PAUSE_MS$2 = 1e3;
	Pauses = class {
		#clock;
		#nextMs = FIRST_PAUSE_MS$2;
		constructor(clock) {
			this.#clock = clock;
		}
		reset() {
			this.#nextMs = FIRST_PAUSE_MS$2;
		}
		async pause() {
			const pauseMs = this.#nextMs;
			this.#nextMs = Math.min(LONGEST_PAUSE_MS$2, pauseMs * 2);
			await new Promise((resolve) => this.#clock.setTimer(pauseMs, resolve));
		}
	};
}));
// packages/core/src/engine/blocked-writes.ts
var PAUSE_MS, CALLER_WAITS_MS, BlockedWrites;
var init_blocked_writes = __esmMin((() => {
	init_store();
	init_pending();
	PAUSE_MS = 500;
	CALLER_WAITS_MS = 1e4;
	BlockedWrites = class {
		#d;
		#pausing = new Set();
		#known = new Map();
		#generation = 0;
		constructor(dependencies) {
			this.#d = dependencies;
		}
		get size() {
			return this.#pausing.size;
		}
		holds(id) {
			return this.#pausing.has(id);
		}
		isDoubtful(batch) {
			return this.#known.size > 0 && batch.some((pending) => this.#known.get(pending)?.doubtful === true);
		}
		add(pending, { why }, isDoubtful) {
			const { clock, logger } = this.#d;
			const nowMs = clock.monotonicMs();
			const known = this.#known.get(pending);
			if (known === void 0) logger.warn({
				gid: pending.item.key.gid,
				why
			}, "a write is blocked in the database; it is sent again");
			const { sinceMs = nowMs, doubtful = false } = known ?? {};
			if (!pending.persistent && nowMs - sinceMs >= CALLER_WAITS_MS) return doubtful || isDoubtful ? ABANDONED : {
				kind: "failed",
				error: new StoreError("unavailable", why)
			};
			this.#known.set(pending, {
				sinceMs,
				doubtful: doubtful || isDoubtful
			});
			this.#pause(pending.id);
		}
		#pause(id) {
			const generation = this.#generation;
			this.#pausing.add(id);
			this.#d.clock.setTimer(PAUSE_MS, () => {
				if (generation !== this.#generation) return;
				this.#pausing.delete(id);
				this.#d.onPauseOver();
			});
		}
		forget(pending) {
			this.#known.delete(pending);
		}
		clear() {
			this.#generation++;
			this.#pausing.clear();
			this.#known.clear();
		}
	};
}));
// packages/core/src/engine/set-apart.ts
function halves({ batch, doubtful }) {
	const middle = batch.length >> 1;
	return [batch.slice(0, middle), batch.slice(middle)].filter(({ length }) => length > 0).map((half) => ({
		batch: half,
		doubtful,
		unknown: 0
	}));
}
var MAX_UNKNOWN, SetApart;
var init_set_apart = __esmMin((() => {
	init_store();
	init_pending();
	MAX_UNKNOWN = 8;
	SetApart = class {
		#d;
		#parts = [];
		#ids = new Set();
		#working = false;
		#generation = 0;
		constructor(dependencies) {
			this.#d = dependencies;
		}
		get size() {
			return this.#ids.size;
		}
		holds(id) {
			return this.#ids.has(id);
		}
		add(batch, doubtful) {
			for (const { id } of batch) this.#ids.add(id);
			this.#parts.push(...halves({
				batch,
				doubtful,
				unknown: 0
			}));
			if (this.#working) return;
			this.#working = true;
			this.#work();
		}
		abandon() {
			this.#generation++;
			for (const part of this.#parts.splice(0)) this.#finish(part, ABANDONED);
		}
		async #work() {
			const pauses = new Pauses(this.#d.clock);
			for (let part = this.#parts.shift(); part !== void 0; part = this.#parts.shift()) {
				const generation = this.#generation;
				const written = await this.#d.write(part.batch.map(({ item }) => item));
				if (!(written instanceof StoreError)) {
					pauses.reset();
					this.#finish(part, written, generation === this.#generation);
				} else if (generation !== this.#generation) this.#finish(part, ABANDONED);
				else if (await this.#failed(part, written, generation)) await pauses.pause();
			}
			this.#working = false;
		}
		async #failed(part, error, generation) {
			const isUnknown = error.code === "outcome_unknown";
			const next = {
				...part,
				doubtful: part.doubtful || isUnknown,
				unknown: part.unknown + (isUnknown ? 1 : 0)
			};
			const isAlone = part.batch.length === 1;
			if (isUnstorable(error)) {
				if (isAlone) this.#finish(part, next.doubtful ? ABANDONED : {
					kind: "failed",
					error
				});
				else this.#parts.push(...halves(next));
				return false;
			}
			const counts = await this.#d.takesWrites();
			if (generation !== this.#generation) this.#finish(part, ABANDONED);
			else if (!counts) this.#parts.unshift({
				...next,
				unknown: part.unknown
			});
			else if (!isAlone) this.#parts.push(...halves(next));
			else if (next.unknown < MAX_UNKNOWN) this.#parts.push(next);
			else {
				this.#d.logger.error(logFieldsOf(part.batch, error), "the outcome of a write stays unknown: it is abandoned");
				this.#finish(part, ABANDONED);
			}
			return true;
		}
		#finish({ batch, doubtful }, result, mayWait = true) {
			for (const { id } of batch) this.#ids.delete(id);
			this.#d.finish(batch, result, doubtful, mayWait);
			this.#d.onFinished();
		}
	};
}));
// packages/core/src/engine/committer.ts
function sizeOf(item) {
	if (item.kind === "append") return item.entries.reduce((sum, entry) => sum + entry.body.length, 0);
	return item.state.length + (item.kind === "insert" ? item.definition.length : 0);
}
var SUSPECT_AFTER, SUSPECT_AFTER_MS, Committer;
var init_committer = __esmMin((() => {
	init_store();
	init_pending();
	init_blocked_writes();
	init_set_apart();
	SUSPECT_AFTER = 3;
	SUSPECT_AFTER_MS = 1e3;
	Committer = class {
		#dependencies;
		#apart;
		#blocked;
		#pauses;
		#queue = [];
		#pumping = false;
		#generation = 0;
		#failures = 0;
		#failingSinceMs = 0;
		constructor(dependencies) {
			this.#dependencies = dependencies;
			this.#pauses = new Pauses(dependencies.clock);
			this.#apart = new SetApart({
				...dependencies,
				write: (items) => this.#write(items, true),
				takesWrites: () => dependencies.writePath.takesWrites(),
				finish: (batch, result, doubtful, mayWait) => this.#finish(batch, result, doubtful, mayWait),
				onFinished: () => this.#wake()
			});
			this.#blocked = new BlockedWrites({
				...dependencies,
				onPauseOver: () => this.#wake()
			});
		}
		get queued() {
			return this.#queue.length + this.#apart.size;
		}
		enqueue(item, id, persistent, done) {
			this.#queue.push({
				item,
				id,
				persistent,
				done
			});
			this.#wake();
		}
		abandon() {
			this.#generation++;
			this.#finish(this.#queue.splice(0), ABANDONED);
			this.#apart.abandon();
			this.#blocked.clear();
		}
		#wake() {
			if (this.#pumping || !this.#hasWork()) return;
			this.#pumping = true;
			this.#pumpLater();
		}
		#hasWork() {
			if (this.#apart.size === 0 && this.#blocked.size === 0) return this.#queue.length > 0;
			return this.#queue.some(({ id }) => !this.#mustWait(id));
		}
		#mustWait(id) {
			return this.#apart.holds(id) || this.#blocked.holds(id);
		}
		#pumpLater() {
			this.#dependencies.clock.endOfTurn(() => void this.#pump());
		}
		async #pump() {
			try {
				const batch = this.#takeBatch();
				if (batch.length > 0) await this.#commit(batch, this.#generation, this.#blocked.isDoubtful(batch));
			} finally {
				if (this.#hasWork()) this.#pumpLater();
				else this.#pumping = false;
			}
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
				if (ids.has(pending.id) || this.#mustWait(pending.id)) {
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
		async #commit(batch, generation, isDoubtful) {
			const items = batch.map((pending) => pending.item);
			let doubtful = isDoubtful;
			for (;;) {
				if (generation !== this.#generation) return this.#finish(batch, ABANDONED);
				const written = await this.#write(items, false);
				if (!(written instanceof StoreError)) return this.#finish(batch, written, doubtful, generation === this.#generation);
				const { code } = written;
				doubtful ||= code === "outcome_unknown";
				if (isUnstorable(written) && batch.length > 1) return this.#bisect(batch, generation, doubtful);
				if (!doubtful) return this.#fail(batch, written, generation);
				if (code !== "outcome_unknown" && code !== "unavailable") return this.#finish(batch, ABANDONED);
				if (await this.#isToBlame(batch, written, generation)) return this.#apart.add(batch, true);
				await this.#pauses.pause();
			}
		}
		async #write(items, isApart) {
			const { store, clock, observer, writePath } = this.#dependencies;
			const startedMs = clock.monotonicMs();
			if (!isApart) writePath.started();
			try {
				const outcomes = await store.write(items);
				observer.batchWritten(items.length, clock.monotonicMs() - startedMs, true);
				writePath.succeeded();
				if (!isApart) this.#isWorking();
				return outcomes;
			} catch (thrown) {
				observer.batchWritten(items.length, clock.monotonicMs() - startedMs, false);
				const error = thrown instanceof StoreError ? thrown : new StoreError("outcome_unknown", String(thrown), thrown);
				if (!isApart) this.#isFailing(error, startedMs, items.length);
				return error;
			}
		}
		#isFailing(error, sinceMs, items) {
			const { writePath } = this.#dependencies;
			if (isUnstorable(error)) return writePath.rejected();
			if (this.#failures++ === 0) this.#failingSinceMs = sinceMs;
			writePath.failed(error, items);
		}
		#isWorking() {
			this.#failures = 0;
			this.#pauses.reset();
		}
		async #isToBlame(batch, error, generation) {
			const { clock, logger, writePath } = this.#dependencies;
			const forMs = clock.monotonicMs() - this.#failingSinceMs;
			if (this.#failures < SUSPECT_AFTER && forMs < SUSPECT_AFTER_MS) return false;
			if (!await writePath.takesWrites() || generation !== this.#generation) return false;
			logger.error(logFieldsOf(batch, error), "a batch fails although the store takes other writes: it is set apart");
			this.#isWorking();
			return true;
		}
		async #bisect(batch, generation, doubtful) {
			const half = batch.length >> 1;
			for (const part of [batch.slice(0, half), batch.slice(half)]) await this.#commit(part, generation, doubtful);
		}
		async #fail(batch, error, generation) {
			const again = isUnstorable(error) ? [] : batch.filter((pending) => pending.persistent);
			this.#finish(again.length === 0 ? batch : batch.filter((pending) => !pending.persistent), {
				kind: "failed",
				error
			});
			if (again.length === 0) return;
			if (await this.#isToBlame(again, error, generation)) return this.#apart.add(again, false);
			await this.#pauses.pause();
			if (generation !== this.#generation) return this.#finish(again, ABANDONED);
			this.#queue = [...again, ...this.#queue];
		}
		#finish(batch, result, doubtful = true, mayWait = false) {
			const again = [];
			for (let i = 0; i < batch.length; i++) {
				const pending = batch[i];
				const outcome = "kind" in result ? result : result[i] ?? ABANDONED;
				if (outcome.kind !== "blocked") {
					this.#done(pending, outcome);
					continue;
				}
				const settled = mayWait ? this.#blocked.add(pending, outcome, doubtful) : ABANDONED;
				if (settled === void 0) again.push(pending);
				else this.#done(pending, settled);
			}
			if (again.length > 0) this.#queue = [...again, ...this.#queue];
		}
		#done(pending, result) {
			this.#blocked.forget(pending);
			try {
				pending.done(result);
			} catch (error) {
				this.#dependencies.logger.error({
					id: pending.id,
					error: String(error)
				}, "the callback of a write threw");
			}
		}
	};
}));
// packages/core/src/patterns/suspicion.ts
function cleared(transaction) {
	const { state } = transaction;
	return state.suspicion === 0 ? transaction : withState(transaction, {
		...state,
		suspicion: 0
	});
}
var suspected, afterResult, callsNoBranch;
var init_suspicion = __esmMin((() => {
	init_copies();
	suspected = (state, claims) => claims < 3 ? state : {
		...state,
		suspicion: claims - 1
	};
	afterResult = (before, after) => after.state === before ? after : cleared(after);
	callsNoBranch = (pattern, status) => status === "prepared" && (pattern === "tcc" || pattern === "xa");
}));
// packages/core/src/stores/room.ts
var bodyBytes$1, Room;
var init_room = __esmMin((() => {
	init_rules();
	bodyBytes$1 = ({ definition, state, entries }) => entries.reduce((sum, { body }) => sum + body.length, definition.length + state.length);
	Room = class {
		#records;
		#bytes;
		#empty = true;
		constructor(limit, maxBytes = STORE_LIMITS.answerBytes) {
			this.#records = limit;
			this.#bytes = maxBytes;
		}
		get records() {
			return this.#records;
		}
		get bytes() {
			return this.#bytes;
		}
		take(bytes) {
			if (this.#records === 0 || bytes > this.#bytes && !this.#empty) return false;
			this.#records--;
			this.#bytes = Math.max(0, this.#bytes - bytes);
			this.#empty = false;
			return true;
		}
		giveBack(bytes) {
			this.#records++;
			this.#bytes += bytes;
		}
	};
}));
// packages/core/src/engine/claimed-runs.ts
function openInTurns(claimed, clock, open, from = 0) {
	let bytes = 0;
	for (let i = from; i < claimed.length; i++) {
		const { run, record } = claimed[i];
		if (bytes > SLICE_BYTES) return void clock.setTimer(0, () => openInTurns(claimed, clock, open, i));
		bytes += BYTES_OF_A_RECORD + bodyBytes$1(record);
		if (run.phase === "loading") open(run, record);
	}
}
var SLICE_BYTES, BYTES_OF_A_RECORD;
var init_claimed_runs = __esmMin((() => {
	init_room();
	SLICE_BYTES = 131072;
	BYTES_OF_A_RECORD = 4096;
}));
// packages/core/src/codec/state-codec.ts
function encodeState(state, kept) {
	const base = state.timeline[0]?.atMs ?? 0;
	const relativeBranch = (branch) => branchText(branch, base);
	const relativeLine = (line) => lineText(line, base);
	let head = `{"status":"${state.status}","base":${base}`;
	if (state.rollbackReason !== "") head += `,"rollbackReason":${quoted$2(state.rollbackReason)}`;
	if (state.result !== "") head += `,"result":${quoted$2(state.result)}`;
	if (!state.unbroken) head += ",\"unbroken\":false";
	if (state.suspicion !== 0) head += `${SUSPICION}${state.suspicion}`;
	if (state.compensate.length > 0) head += `,"compensate":[${state.compensate.join()}]`;
	if (state.retries !== 0) head += `,"retries":${state.retries}`;
	if (state.limitedRetries !== 0) head += `,"limitedRetries":${state.limitedRetries}`;
	if (state.checkFailures !== 0) head += `,"checkFailures":${state.checkFailures}`;
	if (state.attention) head += ",\"attention\":true";
	if (state.alertDue) head += ",\"alertDue\":true";
	if (state.parked !== "") head += `,"parked":${quoted$2(state.parked)}`;
	if (state.stopped !== "") head += `,"stopped":${quoted$2(state.stopped)}`;
	if (state.damaged !== "") head += `,"damaged":${quoted$2(state.damaged)}`;
	if (state.timelineOmitted !== 0) head += `,"timelineOmitted":${state.timelineOmitted}`;
	if (state.notBeforeMs !== 0) head += `,"notBeforeMs":${relative(state.notBeforeMs, base)}`;
	if (state.nextCheckAtMs !== 0) head += `,"nextCheckAtMs":${relative(state.nextCheckAtMs, base)}`;
	if (state.heartbeatAtMs !== 0) head += `,"heartbeatAtMs":${relative(state.heartbeatAtMs, base)}`;
	if (state.submittedAtMs !== 0) head += `,"submittedAtMs":${relative(state.submittedAtMs, base)}`;
	if (state.rollbackAtMs !== 0) head += `,"rollbackAtMs":${relative(state.rollbackAtMs, base)}`;
	if (state.finishedAtMs !== 0) head += `,"finishedAtMs":${relative(state.finishedAtMs, base)}`;
	head += `,"branches":${arrayOf(state.branches, relativeBranch)},"timeline":${arrayOf(state.timeline, relativeLine)}}`;
	return encodeFrame(FORMAT, head, kept === void 0 ? NO_BODIES : [kept]);
}
function read$4(frame) {
	const head = frame.head;
	const base = required(head.base);
	const time = (at) => absolute(numberOf$1(at, 0, WHAT), base);
	return {
		status: oneOf$1(STATUSES, head.status, WHAT),
		rollbackReason: textOf$9(head.rollbackReason, "", WHAT),
		result: textOf$9(head.result, "", WHAT),
		branches: listOf$2(head.branches, WHAT).map((tuple) => decodeBranch(tuple, base)),
		unbroken: flagOf$1(head.unbroken, true, WHAT),
		suspicion: numberOf$1(head.suspicion, 0, WHAT),
		compensate: head.compensate === void 0 ? NO_STEPS$1 : listOf$2(head.compensate, WHAT).map(required),
		retries: numberOf$1(head.retries, 0, WHAT),
		limitedRetries: numberOf$1(head.limitedRetries, 0, WHAT),
		notBeforeMs: time(head.notBeforeMs),
		nextCheckAtMs: time(head.nextCheckAtMs),
		checkFailures: numberOf$1(head.checkFailures, 0, WHAT),
		heartbeatAtMs: time(head.heartbeatAtMs),
		attention: flagOf$1(head.attention, false, WHAT),
		alertDue: flagOf$1(head.alertDue, false, WHAT),
		parked: textOf$9(head.parked, "", WHAT),
		stopped: textOf$9(head.stopped, "", WHAT),
		damaged: textOf$9(head.damaged, "", WHAT),
		submittedAtMs: time(head.submittedAtMs),
		rollbackAtMs: time(head.rollbackAtMs),
		finishedAtMs: time(head.finishedAtMs),
		timeline: listOf$2(head.timeline, WHAT).map((tuple) => decodeLine(tuple, base)),
		timelineOmitted: numberOf$1(head.timelineOmitted, 0, WHAT)
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
		status: oneOf$1(BRANCH_STATUSES, status, WHAT),
		started: started === 1,
		attempts: required(attempts),
		failures: required(failures),
		nextAttemptAtMs: absolute(required(nextAttempt), base),
		finishedAtMs: absolute(required(finished), base)
	};
}
function lineText(line, base) {
	const at = line.atMs - base;
	switch (line.kind) {
		case "status": return `["s",${at},"${line.status}",${quoted$2(line.reason)}]`;
		case "call": {
			const { durationMs, branchId, op, result, reason, attempt, retryAtMs, count, firstAtMs } = line;
			const call = `${durationMs},${quoted$2(branchId)},${quoted$2(op)},"${result}",${quoted$2(reason)}`;
			const repeated = count === void 0 || firstAtMs === void 0 ? "" : `,${count},${firstAtMs - base}`;
			return `["c",${at},${call},${attempt},${relative(retryAtMs, base)}${repeated}]`;
		}
		default: return `["${line.kind}",${at},${quoted$2(line.detail)}]`;
	}
}
function decodeLine(tuple, base) {
	const atMs = required(tuple[1]) + base;
	switch (tuple[0]) {
		case "s": return {
			kind: "status",
			atMs,
			status: oneOf$1(STATUSES, tuple[2], WHAT),
			reason: textOf$9(tuple[3], "", WHAT)
		};
		case "c": {
			const [, , durationMs, branchId, op, result, reason, attempt, retryAt, count, firstAt] = tuple;
			return {
				kind: "call",
				atMs,
				durationMs: required(durationMs),
				branchId: textOf$9(branchId, "", WHAT),
				op: textOf$9(op, "", WHAT),
				result: oneOf$1(RESULTS, result, WHAT),
				reason: textOf$9(reason, "", WHAT),
				attempt: required(attempt),
				retryAtMs: absolute(required(retryAt), base),
				...count !== void 0 && {
					count: required(count),
					firstAtMs: required(firstAt) + base
				}
			};
		}
		default: return {
			kind: oneOf$1(LINE_KINDS, tuple[0], WHAT),
			atMs,
			detail: textOf$9(tuple[2], "", WHAT)
		};
	}
}
var FORMAT, WHAT, NO_STEPS$1, SUSPICION, maySuspect, viewOf$1, NO_BODIES, decodeState, LINE_KINDS, required;
var init_state_codec = __esmMin((() => {
	init_src$5();
	init_state();
	init_frame();
	init_json();
	FORMAT = 1;
	WHAT = "state";
	NO_STEPS$1 = [];
	SUSPICION = ",\"suspicion\":";
	maySuspect = (state) => viewOf$1(state).includes(SUSPICION);
	viewOf$1 = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	NO_BODIES = [];
	decodeState = (bytes) => decodeFrame(bytes, FORMAT, WHAT, read$4);
	LINE_KINDS = [
		"resumed",
		"order",
		"parked",
		"alert"
	];
	required = (number) => numberOf$1(number, NaN, WHAT);
}));
// packages/core/src/engine/stopped-record.ts
function stoppedRecord(record, reason, { writeId, nowMs, why }) {
	const { key, version } = record;
	const known = readableState(record.state);
	const state = ended(known ?? blank(record), reason, why, nowMs);
	return {
		item: {
			kind: "update",
			key,
			writeId,
			status: "failed",
			owner: null,
			dueInMs: null,
			attention: false,
			state: encodeState(state, known === void 0 ? record.state.subarray(0, KEPT_BYTES) : void 0),
			expectVersion: version
		},
		state
	};
}
function readableState(bytes) {
	try {
		return decodeState(bytes);
	} catch {
		return;
	}
}
function ended(state, reason, why, nowMs) {
	const stopped = `${reason} (its record could not be read: ${why}; what its branches did is not known)`;
	return withStatus(withLine({
		...state,
		attention: false,
		alertDue: false,
		parked: "",
		stopped,
		damaged: why,
		finishedAtMs: nowMs
	}, {
		kind: "order",
		atMs: nowMs,
		detail: "force-stop"
	}), "failed", nowMs, stopped);
}
var KEPT_BYTES, blank;
var init_stopped_record = __esmMin((() => {
	init_definition_codec();
	init_state_codec();
	init_state();
	init_timeline$1();
	init_rules();
	KEPT_BYTES = STORE_LIMITS.itemBytes / 2;
	blank = ({ key, pattern, createdAtMs }) => newTransaction(key, emptyDefinition(pattern), createdAtMs).state;
}));
// packages/core/src/engine/records.ts
function transactionOf$1(record) {
	if (record.unreadable !== void 0) throw new UnreadableRecord(record.unreadable, record.damaged !== true);
	const state = decodeState(record.state);
	if (state.damaged !== "") return withoutBranches(record, state);
	const definition = decodeDefinition(record.definition);
	const registered = decodeRegistrations(record.entries);
	try {
		return assemble(record.key, definition, record.createdAtMs, registered, state);
	} catch (error) {
		throw new UnreadableRecord(`its parts do not fit together: ${String(error)}`);
	}
}
function viewOf(record, summary = false) {
	const { definition, state, branches, registered } = readable$1(record, summary);
	const { key, pattern, status, version, owner, dueAtMs, attention, createdAtMs, updatedAtMs, finishedAtMs } = record;
	let views;
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
			return views ??= branchViews(branches, state, registered, createdAtMs);
		}
	};
}
function readable$1(record, summary) {
	try {
		return summary && record.unreadable === void 0 ? summaryTransaction(record) : transactionOf$1(record);
	} catch (error) {
		if (!(error instanceof UnreadableRecord)) throw error;
		const { key, pattern, status, createdAtMs } = record;
		const empty = newTransaction(key, emptyDefinition(pattern), createdAtMs);
		const why = `its record cannot be read: ${error.message}`;
		if (!isFinal(status)) return {
			...empty,
			state: {
				...empty.state,
				status,
				parked: why
			}
		};
		const state = readableState(record.state) ?? empty.state;
		return {
			...empty,
			state: {
				...state,
				status,
				parked: "",
				damaged: state.damaged === "" ? why : state.damaged
			}
		};
	}
}
function viewOfTransaction({ key, createdAtMs, definition, state, branches, registered }) {
	let views;
	return {
		namespace: key.namespace,
		gid: key.gid,
		pattern: definition.pattern,
		status: state.status,
		version: 1,
		owner: null,
		dueAtMs: null,
		attention: state.attention,
		createdAtMs,
		updatedAtMs: Math.max(createdAtMs, state.submittedAtMs, state.rollbackAtMs, state.finishedAtMs),
		finishedAtMs: state.finishedAtMs === 0 ? null : state.finishedAtMs,
		definition,
		state,
		get branches() {
			return views ??= branchViews(branches, state, registered, createdAtMs);
		}
	};
}
var withoutBranches, branchViews, summaryTransaction;
var init_records$1 = __esmMin((() => {
	init_src$5();
	init_definition_codec();
	init_entry_codec();
	init_frame();
	init_state_codec();
	init_state();
	init_stopped_record();
	withoutBranches = ({ key, pattern, createdAtMs }, state) => assemble(key, emptyDefinition(pattern), createdAtMs, [], {
		...state,
		branches: []
	});
	branchViews = (branches, state, registered, createdAtMs) => branches.map((branch, i) => {
		const now = branchState(state, i);
		return {
			branchId: branch.branchId,
			op: branch.op,
			url: branch.url,
			payload: branch.payload,
			requestTimeoutMs: branch.requestTimeoutMs,
			status: now.status,
			started: now.started,
			attempts: now.attempts,
			failures: now.failures,
			nextAttemptAtMs: now.nextAttemptAtMs,
			finishedAtMs: now.finishedAtMs,
			createdAtMs: registered[i]?.createdAtMs ?? createdAtMs
		};
	});
	summaryTransaction = (record) => withoutBranches(record, decodeState(record.state));
}));
// packages/core/src/engine/reconcile.ts
function reconcile(memory, read, self) {
	const record = newest(memory.claimed, read);
	if (record === void 0) return missing(memory);
	if (record.damaged === true) return damaged(record, self);
	if (memory.ownership === "ours" && record.version < memory.version) return { kind: "stale" };
	const mine = record.owner === self.session;
	if (mine && record.withoutBodies === true) return unread(record);
	const claimed = mine && memory.claimed !== void 0 && memory.claimed.writeId === record.writeId;
	try {
		if (memory.ownership === "ours") {
			if (mine && record.writeId === memory.writeId) return merged(memory, memory.transaction, record);
			const queue = awaited(memory.queue);
			return {
				kind: "let go",
				record,
				reopen: mine && self.leaseHeld,
				claimed,
				queue
			};
		}
		return {
			kind: "open",
			opened: opened$1(memory, record, ownershipOf(record, claimed, self), self.claiming)
		};
	} catch (error) {
		if (!(error instanceof UnreadableRecord)) throw error;
		return {
			kind: "unreadable",
			record,
			owned: mine,
			error
		};
	}
}
function newest(claimed, read) {
	if (claimed === void 0 || read === void 0) return claimed ?? read;
	if (read.damaged === true || claimed.withoutBodies === true) return read;
	return claimed.version >= read.version ? claimed : read;
}
function missing({ ownership, transaction, version, retryOrders, queue }) {
	if (ownership !== "ours" || transaction === void 0) return { kind: "gone" };
	return {
		kind: "merge",
		transaction,
		version,
		retryOrders,
		queue: [...queue]
	};
}
function merged(memory, transaction, record) {
	if (transaction === void 0) throw new Error("an owned run has a transaction");
	const { version, entries } = record;
	const events = [];
	const abort = decodeAbortOrder(entries);
	if (abort !== void 0 && transaction.state.status === "submitted") events.push({ event: ordered$1(abort) });
	const retryOrders = countRetryOrders(entries);
	if (retryOrders > memory.retryOrders) events.push({ event: { kind: "retry" } });
	const place = memory.queue[0]?.event.kind === "resumed" ? 1 : 0;
	return {
		kind: "merge",
		transaction: withRegistered(transaction, decodeRegistrations(entries)),
		version,
		retryOrders,
		queue: memory.queue.toSpliced(place, 0, ...events)
	};
}
function ownershipOf({ owner }, claimed, self) {
	if (owner === null) return "none";
	if (owner !== self.session) return "theirs";
	return claimed && self.leaseHeld ? "ours" : "orphaned";
}
function opened$1(memory, record, ownership, claiming) {
	const { version, writeId, group, claims, entries, status } = record;
	const transaction = transactionOf$1(record);
	const queue = awaited(memory.queue);
	const abort = status === "submitted" ? decodeAbortOrder(entries) : void 0;
	const counted = claimsOf(ownership, claims, claiming);
	const { suspicion } = transaction.state;
	if (counted > 0) queue.unshift({ event: resumed$1(counted + suspicion, abort) });
	else if (abort !== void 0 && ownership === "none") queue.unshift({ event: ordered$1(abort) });
	return {
		transaction,
		version,
		writeId,
		group,
		ownership,
		retryOrders: countRetryOrders(entries),
		suspect: claims + suspicion > 1,
		queue
	};
}
function claimsOf(ownership, claims, claiming) {
	switch (ownership) {
		case "ours": return claims;
		case "orphaned": return claiming ? claims : Math.max(claims, 1) + 1;
		case "none": return claims > 0 ? claims + 1 : 0;
		case "theirs": return 0;
	}
}
function onClaim(memory, record) {
	if (memory === void 0) return "open";
	if (memory.ownership === "ours" && memory.version >= record.version) return "ignore";
	return memory.phase === "open" ? "reconcile" : "remember";
}
function afterWrite(memory, write, result) {
	const owned = memory.ownership === "ours" || memory.ownership === "orphaned";
	switch (result.kind) {
		case "applied": return {
			kind: "applied",
			version: result.version
		};
		case "conflict":
		case "missing": {
			const isTooMany = memory.conflicts >= 50;
			if (result.kind === "missing" && owned) return {
				kind: "drop",
				why: "its record is gone"
			};
			if (isTooMany && !owned) return {
				kind: "drop",
				why: "too many other writers change the record"
			};
			return {
				kind: "again",
				paced: isTooMany,
				refused: isTooMany && write.isAwaited
			};
		}
		case "failed": {
			const why = `the store did not take it (${result.error.message})`;
			if (!owned) return {
				kind: "drop",
				why
			};
			return write.isAwaited && memory.ownership === "ours" ? {
				kind: "undo",
				why
			} : {
				kind: "park",
				why
			};
		}
		case "abandoned": {
			const why = "whether it was stored is not known";
			if (owned) return {
				kind: "park",
				why
			};
			return {
				kind: write.hold ? "doubt" : "drop",
				why
			};
		}
	}
}
var unread, damaged, awaited, resumed$1, ordered$1;
var init_reconcile = __esmMin((() => {
	init_entry_codec();
	init_frame();
	init_state();
	init_records$1();
	unread = (record) => ({
		kind: "without bodies",
		record,
		error: new UnreadableRecord(record.unreadable ?? "", true)
	});
	damaged = (record, { session }) => ({
		kind: "unreadable",
		record,
		owned: record.owner === session,
		error: new UnreadableRecord(record.unreadable ?? "")
	});
	awaited = (queue) => queue.filter(({ reply }) => reply !== void 0);
	resumed$1 = (claims, abort) => abort === void 0 ? {
		kind: "resumed",
		claims
	} : {
		kind: "resumed",
		claims,
		abort
	};
	ordered$1 = (reason) => ({
		kind: "abort",
		reason,
		byOperator: true
	});
}));
// packages/core/src/engine/run-write.ts
var ownsRecord, versionAfter, hasWentBack;
var init_run_write = __esmMin((() => {
	init_src$5();
	ownsRecord = ({ ownership }) => ownership === "ours" || ownership === "orphaned";
	versionAfter = ({ version, claimed }, released) => released === void 0 ? Math.max(version, claimed?.version ?? 0) : released.version + 1;
	hasWentBack = ({ run, transaction }, result) => {
		if (run.ownership !== "ours" || run.version === 0) return false;
		if (result.kind === "missing") return !isFinal(transaction.state.status);
		return result.kind === "conflict" && result.version > 0 && result.version < run.version;
	};
}));
// packages/core/src/engine/trials.ts
function suspicionIn(state) {
	try {
		return decodeState(state).suspicion;
	} catch {
		return;
	}
}
var FEWER, PUT_BACK_MS, LONGEST_PUT_BACK_MS, PATIENCE_MS, Trials, isOnTrial;
var init_trials = __esmMin((() => {
	init_state_codec();
	init_suspicion();
	FEWER = 8;
	PUT_BACK_MS = 1e3;
	LONGEST_PUT_BACK_MS = 1e4;
	PATIENCE_MS = 1e4;
	Trials = class {
		#d;
		#onTrial = new Map();
		constructor(dependencies) {
			this.#d = dependencies;
		}
		get isLast() {
			return this.#onTrial.size > 0 && this.#mostClaims() >= this.#d.maxClaims;
		}
		claimsOf(record) {
			const { pattern, status, claims, state } = record;
			if (claims < 3 && !maySuspect(state)) return 0;
			if (callsNoBranch(pattern, status)) return 0;
			const suspicion = suspicionIn(state);
			if (suspicion === void 0) return 0;
			const all = claims + suspicion;
			return all < 3 || all > this.#d.maxClaims ? 0 : all;
		}
		take(suspects) {
			if (suspects.length === 0) return;
			const tried = [];
			const others = [];
			let most = this.#mostClaims();
			for (const suspect of suspects.toSorted((a, b) => b.claims - a.claims)) {
				most = Math.max(most, suspect.claims);
				if (this.#onTrial.size < this.#limit(most)) {
					this.#onTrial.set(suspect.run, suspect.claims);
					tried.push(suspect);
				} else others.push(suspect);
			}
			this.#putBack(others, this.#limit(most), () => tried.forEach((suspect) => this.#d.drive(suspect)));
		}
		#limit(claims) {
			return FEWER ** (this.#d.maxClaims - claims);
		}
		#putBack(suspects, atOnce, done) {
			let left = suspects.length;
			if (left === 0) return done();
			let isDone = false;
			const once = () => {
				if (isDone) return;
				isDone = true;
				done();
			};
			this.#d.later(PATIENCE_MS, once);
			suspects.forEach((suspect, place) => {
				const dueInMs = Math.min(LONGEST_PUT_BACK_MS, PUT_BACK_MS * (1 + Math.floor(place / atOnce)));
				this.#d.putBack(suspect, dueInMs, () => {
					if (--left === 0) once();
				});
			});
		}
		#mostClaims() {
			let most = 0;
			for (const [run, claims] of this.#onTrial) if (isOnTrial(run)) most = Math.max(most, claims);
			else this.#onTrial.delete(run);
			return most;
		}
	};
	isOnTrial = ({ phase, suspect }) => phase === "loading" || suspect && (phase === "open" || phase === "writing");
}));
// packages/core/src/engine/adoption.ts
var Adoption;
var init_adoption = __esmMin((() => {
	init_claimed_runs();
	init_reconcile();
	init_run();
	init_run_write();
	init_trials();
	Adoption = class {
		#d;
		#trials;
		constructor(dependencies) {
			const { maxClaims, clock, reconcile, reread } = this.#d = dependencies;
			this.#trials = new Trials({
				maxClaims,
				putBack: (suspect, dueInMs, done) => this.#putBack(suspect, dueInMs, done),
				later: (delayMs, callback) => void clock.setTimer(delayMs, callback),
				drive: ({ run, record, isOld }) => {
					if (run.phase === "loading") (isOld === true ? reread : reconcile)(run, record);
				}
			});
		}
		get mayClaim() {
			return !this.#trials.isLast;
		}
		takeAll(records) {
			const suspects = [];
			const others = [];
			for (const record of records) {
				const claims = this.#trials.claimsOf(record);
				if (this.#d.runs.get(idOf$3(record.key)) !== void 0) this.take(record);
				else {
					const run = this.add(record);
					if (claims === 0) others.push({
						run,
						record
					});
					else suspects.push({
						run,
						record,
						claims
					});
				}
			}
			openInTurns(others, this.#d.clock, this.#d.reconcile);
			this.#trials.take(suspects);
		}
		take(record) {
			const existing = this.#d.runs.get(idOf$3(record.key));
			switch (onClaim(existing, record)) {
				case "ignore": return;
				case "open": return this.#open(record, false);
				case "remember":
				case "reconcile":
					if (existing === void 0) return;
					existing.claimed = record;
					if (existing.phase === "open") this.#d.reconcile(existing, record);
			}
		}
		add(record) {
			const { key, group } = record;
			const run = this.#d.runs.add(newRun(idOf$3(key), key, "loading", group));
			run.claimed = record;
			return run;
		}
		takeLater(record) {
			this.#open(record, true);
		}
		#open(record, isOld) {
			const claims = this.#trials.claimsOf(record);
			const run = this.add(record);
			if (claims > 0) this.#trials.take([{
				run,
				record,
				claims,
				isOld
			}]);
			else if (isOld) this.#d.reread(run);
			else this.#d.reconcile(run, record);
		}
		#putBack({ run, record, claims }, dueInMs, done) {
			run.phase = "releasing";
			this.#d.releaser.putBack(run, record, {
				dueInMs,
				suspicion: claims - 1
			}, (released) => {
				run.version = versionAfter(run, released);
				this.#d.onPutBack(run, dueInMs);
				done();
			});
		}
	};
}));
// packages/core/src/engine/doubts.ts
var MAX_DOUBTS, FIRST_PAUSE_MS$1, LONGEST_PAUSE_MS$1, Doubts;
var init_doubts = __esmMin((() => {
	init_run();
	MAX_DOUBTS = 500;
	FIRST_PAUSE_MS$1 = 100;
	LONGEST_PAUSE_MS$1 = 5e3;
	Doubts = class {
		#d;
		#doubts = new Map();
		#timer;
		#pauseMs = FIRST_PAUSE_MS$1;
		constructor(dependencies) {
			this.#d = dependencies;
		}
		get size() {
			return this.#doubts.size;
		}
		add(key, version) {
			const id = idOf$3(key);
			if (this.#doubts.size >= MAX_DOUBTS && !this.#doubts.has(id)) return false;
			this.#doubts.set(id, {
				key,
				version: Math.max(version, this.#doubts.get(id)?.version ?? 0)
			});
			this.#pauseMs = FIRST_PAUSE_MS$1;
			this.#schedule();
			return true;
		}
		clear() {
			this.#doubts.clear();
			this.#timer?.cancel();
			this.#timer = void 0;
		}
		#schedule() {
			if (this.#timer !== void 0 || this.#doubts.size === 0) return;
			this.#timer = this.#d.clock.setTimer(this.#pauseMs, () => void this.#poll());
			this.#pauseMs = Math.min(LONGEST_PAUSE_MS$1, this.#pauseMs * 2);
		}
		async #poll() {
			this.#timer = void 0;
			const { store, logger, hasRun } = this.#d;
			const open = [...this.#doubts].filter(([id]) => !hasRun(id));
			try {
				const versions = await store.versions(open.map(([, { key }]) => key));
				for (const [i, [id, doubt]] of open.entries()) if ((versions[i] ?? 0) > doubt.version && !hasRun(id)) await this.#end(id, doubt);
			} catch (error) {
				logger.warn({
					doubts: open.length,
					error: String(error)
				}, "writes of unknown outcome could not be looked up");
			}
			this.#schedule();
		}
		async #end(id, doubt) {
			const [record] = await this.#d.store.get([doubt.key]);
			if (record === void 0 || record.version <= doubt.version) return;
			if (this.#doubts.get(id) !== doubt || this.#d.hasRun(id)) return;
			this.#doubts.delete(id);
			if (record.owner === this.#d.session()) this.#d.onOwned(record);
		}
	};
}));
// packages/core/src/patterns/conclude.ts
function conclude(before, plan, event, moment) {
	const ended = isFinal(plan.transaction.state.status);
	const alert = alertOf(before, plan.transaction, event);
	const transaction = marked(ended ? settled$2(plan.transaction) : plan.transaction, alert !== void 0, moment.policy.noAlertHook !== true);
	const { state } = transaction;
	const over = ended || transaction.running.length === 0 && !transaction.checking;
	return {
		transaction,
		effects: {
			calls: plan.calls,
			check: plan.check,
			persist: persistence(before, transaction, over),
			wakeAtMs: state.alertDue && state.parked !== "" ? moment.nowMs + ALERT_AGAIN_MS : plan.wakeAtMs,
			passOver: over,
			alert
		}
	};
}
function persistence(before, after, over) {
	if (isFinal(before.state.status)) return "none";
	if (before.state === after.state) return "none";
	return over || decided(before, after) ? "wait" : "lazily";
}
function settled$2(transaction) {
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
function marked(transaction, isRaised, hasHook) {
	const { attention, alertDue } = transaction.state;
	const isDue = hasHook && attention && (alertDue || isRaised);
	return isDue === alertDue ? transaction : {
		...transaction,
		state: {
			...transaction.state,
			alertDue: isDue
		}
	};
}
function alertOf(before, after, event) {
	if (!after.state.attention) return void 0;
	if (before.state.attention && !(event.kind === "resumed" && before.state.alertDue)) return void 0;
	const call = after.state.timeline.findLast((line) => line.kind === "call");
	return {
		branch: call === void 0 ? "" : `${call.branchId} ${call.op}`,
		error: after.state.parked === "" ? call?.reason ?? "" : after.state.parked,
		retryCount: after.state.retries
	};
}
var ALERT_AGAIN_MS, decided;
var init_conclude = __esmMin((() => {
	init_src$5();
	ALERT_AGAIN_MS = 6e4;
	decided = (before, after) => before.state.status !== after.state.status || before.state.parked !== after.state.parked;
}));
// packages/core/src/patterns/msg.ts
function deliver(transaction, moment) {
	const { state } = transaction;
	if (moment.nowMs < state.notBeforeMs) return waitUntil(transaction, state.notBeforeMs);
	const ready = undelivered(transaction);
	if (ready.length > 0) return startReady(transaction, ready, moment.nowMs);
	return waitUntil(withState(transaction, withEnd(state, "succeed", moment.nowMs)), null);
}
function undelivered({ options, state }) {
	const left = [];
	for (let i = 0; i < state.branches.length; i++) {
		if (branchState(state, i).status === "succeed") continue;
		left.push(i);
		if (!options.concurrent) break;
	}
	return left;
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
	init_calls$1();
	init_check();
	init_retry();
	init_copies();
	init_rules$1();
	init_state();
	init_timeline$1();
	msg = {
		submit(transaction, event, moment) {
			const { state } = transaction;
			if (state.status === "submitted") return madeDue$1(transaction, moment.nowMs);
			if (state.status === "succeed") return transaction;
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
	const ready = actionsInTurn(transaction);
	if (ready === void 0) return waitUntil(withState(transaction, withEnd(state, "succeed", moment.nowMs)), null);
	const timeoutMs = transaction.options.timeoutToFailMs;
	const deadlineMs = timeoutMs > 0 ? transaction.createdAtMs + timeoutMs : Infinity;
	if (moment.nowMs >= deadlineMs) return backward(toAborting$1(transaction, `Timeout after ${timeoutMs / 1e3} seconds`, moment), moment);
	const plan = startReady(transaction, ready, moment.nowMs);
	return deadlineMs === Infinity ? plan : {
		...plan,
		wakeAtMs: Math.min(plan.wakeAtMs ?? Infinity, deadlineMs)
	};
}
function actionsInTurn({ definition, options, state }) {
	const { steps, orders } = definition;
	const ready = [];
	let isOver = true;
	for (let step = 0; step < steps.length; step++) {
		if (done(state, actionOf(step))) continue;
		if (!options.concurrent) return [actionOf(step)];
		isOver = false;
		const earlier = orders[step];
		if (earlier === void 0 || earlier.every((one) => done(state, actionOf(one)))) ready.push(actionOf(step));
	}
	return isOver ? void 0 : ready;
}
function backward(transaction, moment) {
	const { state } = transaction;
	const left = state.compensate.filter((step) => !done(state, compensateOf(step)));
	if (left.length === 0) return waitUntil(withState(transaction, withEnd(state, "failed", moment.nowMs)), null);
	const ready = transaction.options.concurrent ? withoutDependents(transaction, left) : left.slice(-1);
	const isRunning = runningOf(transaction);
	return startReady(transaction, ready.filter((step) => !isRunning(actionOf(step))).map(compensateOf), moment.nowMs);
}
function withoutDependents({ definition }, steps) {
	const needed = new Uint8Array(definition.steps.length);
	for (const later of steps) for (const earlier of definition.orders[later] ?? NONE$2) needed[earlier] = 1;
	return steps.filter((step) => needed[step] === 0);
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
var saga, NONE$2, stepIndices, done;
var init_saga = __esmMin((() => {
	init_branches();
	init_calls$1();
	init_copies();
	init_retry();
	init_rules$1();
	init_state();
	init_timeline$1();
	saga = {
		submit(transaction, event, moment) {
			const { state } = transaction;
			if (state.status === "submitted") return madeDue$1(transaction, moment.nowMs);
			if (state.status === "succeed") return transaction;
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
			if (!(event.branch === actionOf(stepOf$2(event.branch)))) return recordAnswer(transaction, event, moment, {
				mayFail: false,
				again: "later"
			});
			if (transaction.state.status !== "submitted") return recordAnswer(transaction, event, moment, {
				mayFail: true,
				again: "never"
			});
			const { kind, reason } = event.result;
			const limit = transaction.options.retryLimit;
			const counts = limit > 0 && (kind === "ONGOING" || kind === "UNKNOWN");
			const exhausted = counts && transaction.state.limitedRetries >= limit;
			const after = recordAnswer(transaction, event, moment, {
				mayFail: true,
				again: exhausted ? "never" : counts ? limitedRetryMs(transaction, moment) : "later"
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
	NONE$2 = [];
	stepIndices = (transaction) => transaction.definition.steps.map((_, i) => i);
	done = (state, index) => branchState(state, index).status === "succeed";
}));
// packages/core/src/patterns/run-branches.ts
function otherBranch(registered, called, run) {
	const ids = new Set(registered.map(({ branchId }) => branchId));
	for (const id of ids) if (!called.some((one) => id === one || id.startsWith(one) && NESTED.test(id.slice(one.length)))) return `branch ${id} is registered, but the run that submitted did not call it`;
	const other = run === void 0 ? void 0 : registered.find(({ digest }) => isOfAnother(run, digest));
	if (other !== void 0) return `nested branch ${other.branchId} was registered within another run under this gid`;
	const lost = called.find((id) => !ids.has(id));
	return lost === void 0 ? void 0 : `branch ${lost} was called, but is not registered`;
}
function isOfAnother(run, digest) {
	const of = runOfDigest(digest);
	return of !== void 0 && of !== run;
}
var NESTED;
var init_run_branches = __esmMin((() => {
	init_src$5();
	NESTED = /^(?:\d\d)+$/;
}));
// packages/core/src/patterns/two-phase.ts
function twoPhase(phase) {
	return {
		submit(transaction, event, moment) {
			const { state } = transaction;
			const other = event.branches && otherBranch(transaction.registered, event.branches, event.run);
			if (other !== void 0 && (state.status === "submitted" || state.status === "succeed")) return {
				...refuse(state.status, `submit again: ${other}`),
				field: "branches"
			};
			if (state.status === "submitted") return madeDue$1(transaction, moment.nowMs);
			if (state.status === "succeed") return transaction;
			if (state.status !== "prepared") return refuse(state.status, "submit");
			if (other !== void 0) return toAborting(transaction, other, moment);
			const incomplete = incompleteBranch(transaction, phase);
			if (incomplete !== void 0) return toAborting(transaction, `branch ${incomplete} was registered without its ${phase.onSubmit}: the part of the transaction that began it has not succeeded`, moment);
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
	const next = nextBranch(transaction, op, phase);
	if (next !== void 0) return startReady(transaction, [next], moment.nowMs);
	return waitUntil(withState(transaction, withEnd(state, final, moment.nowMs)), null);
}
function nextBranch({ branches, state }, op, { onSubmit, newestFirst }) {
	const begun = new Map();
	let next;
	let placeOfNext = 0;
	for (const [i, branch] of branches.entries()) {
		if (!begun.has(branch.branchId)) begun.set(branch.branchId, i);
		if (branch.op !== op || branchState(state, i).status === "succeed") continue;
		const place = op === onSubmit ? begun.get(branch.branchId) ?? i : i;
		if (next !== void 0 && (newestFirst ? place < placeOfNext : place >= placeOfNext)) continue;
		next = i;
		placeOfNext = place;
	}
	return next;
}
function incompleteBranch({ branches }, { onSubmit, onAbort }) {
	const complete = new Set(branches.filter(({ op }) => op === onSubmit).map(({ branchId }) => branchId));
	return branches.find(({ branchId, op }) => op === onAbort && !complete.has(branchId))?.branchId;
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
	init_calls$1();
	init_copies();
	init_rules$1();
	init_run_branches();
	init_state();
	init_timeline$1();
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
	if (event.kind === "prepared" && event.again) return conclude(transaction, waitUntil(next, null), event, moment);
	const delayed = event.kind === "resumed" ? delayedBy(rules, next, moment) : void 0;
	if (delayed !== void 0) return conclude(transaction, advance(rules, delayed, moment), event, moment);
	const plan = advance(rules, next, moment);
	return conclude(transaction, event.kind === "resumed" && startsNothing(plan) ? advance(rules, madeDue$1(plan.transaction, moment.nowMs), moment) : plan, event, moment);
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
		case "answered": return isFinal(state.status) ? transaction : afterResult(state, rules.answered(transaction, event, moment));
		case "checked": return isFinal(state.status) ? {
			...transaction,
			checking: false
		} : afterResult(state, rules.checked(transaction, event, moment));
		case "deferred": return isFinal(state.status) ? transaction : recordDeferral(transaction, event, moment);
		case "timer": return transaction;
		case "alerted": return state.alertDue ? {
			...transaction,
			state: {
				...state,
				alertDue: false
			}
		} : transaction;
		case "resumed": {
			const taken = {
				...transaction,
				state: resumed(transaction, event.claims, moment)
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
				state: ordered({
					...state,
					parked: ""
				}, "retry now", moment)
			}, moment.nowMs);
		case "park": return rules.park?.(transaction, event, moment) ?? refuse(state.status, "park what no code of its own runs");
		case "heartbeat": return rules.heartbeat?.(transaction, moment) ?? refuse(state.status, "take a heartbeat of what no code of its own runs");
		case "stop":
			if (isFinal(state.status)) return refuse(state.status, "stop");
			return {
				...transaction,
				state: stopped(state, event.reason, moment)
			};
	}
}
function resumed(transaction, claims, moment) {
	if (claims < 2) return transaction.state;
	const { pattern } = transaction.definition;
	const state = {
		...transaction.state,
		unbroken: false
	};
	const isInnocent = callsNoBranch(pattern, state.status);
	if (claims > moment.policy.maxClaims && !isInnocent) return parked$1(state, `${claims - 1} nodes in a row took it and vanished`, moment);
	return withLine(isInnocent ? state : suspected(state, claims), {
		kind: "resumed",
		atMs: moment.nowMs,
		detail: "taken up again: its node crashed or went silent"
	});
}
function stopped(state, reason, moment) {
	const ended = {
		...state,
		finishedAtMs: moment.nowMs,
		stopped: reason
	};
	return withStatus(ordered(ended, "force-stop", moment), "failed", moment.nowMs, reason);
}
function advance(rules, transaction, moment) {
	const { state } = transaction;
	return isFinal(state.status) || state.parked !== "" ? waitUntil(transaction, null) : rules.advance(transaction, moment);
}
function delayedBy(rules, transaction, moment) {
	const { status, parked: why } = transaction.state;
	return isFinal(status) || why !== "" ? void 0 : rules.delayed?.(transaction, moment);
}
var RULES, ordered, startsNothing;
var init_patterns = __esmMin((() => {
	init_src$5();
	init_calls$1();
	init_check();
	init_conclude();
	init_msg();
	init_rules$1();
	init_saga();
	init_suspicion();
	init_tcc();
	init_timeline$1();
	init_workflow();
	init_xa();
	RULES = {
		saga,
		tcc,
		xa,
		msg,
		workflow
	};
	ordered = (state, order, moment) => withLine(state, {
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
// packages/core/src/engine/errors.ts
var unknownGid, refused, isPast, contradicts, otherContent, unavailable$2, notStored, REPAIR, unreadableRecord, internal;
var init_errors$2 = __esmMin((() => {
	init_src$5();
	unknownGid = (gid) => new HoldfastError("not_found", `there is no transaction with gid ${gid}`, { gid });
	refused = ({ gid }, { refusal, field }, transaction) => new HoldfastError("refused", refusal, {
		gid,
		status: transaction.state.status,
		...field !== void 0 && { field }
	});
	isPast = ({ gid }, status, command) => new HoldfastError("refused", `current status '${status}', cannot ${command}`, {
		gid,
		status
	});
	contradicts = ({ gid }, transaction, asked) => new HoldfastError("refused", `${gid} is a ${transaction.definition.pattern}, not a ${asked}`, {
		gid,
		field: "trans_type",
		status: transaction.state.status
	});
	otherContent = ({ gid }, transaction, difference) => new HoldfastError("refused", `${difference.field}: gid ${gid} belongs to a transaction with other content: ${difference.part} differs. This submission was not executed; submit it under another gid`, {
		gid,
		field: difference.field,
		status: transaction.state.status
	});
	unavailable$2 = ({ gid }, why) => new HoldfastError("unavailable", `${gid}: ${why}; send it again with the same gid`, { gid });
	notStored = ({ gid }, error) => error.code === "rejected" ? new HoldfastError("invalid", `${gid}: the store cannot keep it (${error.message}); it was not stored`, {
		gid,
		cause: error
	}) : unavailable$2({ gid }, `the store did not take it (${error.message})`);
	REPAIR = "Repair the store, whose log names the cause: the node that owns the transaction continues it when it can be read";
	unreadableRecord = ({ key: { gid }, status, withoutBodies }, { message, isLater }, event) => {
		const fault = `the record of ${gid} cannot be read: ${message}`;
		if (!(event === "stop" || event === "retry" || event === "abort")) return new HoldfastError("internal", fault, { gid });
		if (withoutBodies === true) return new HoldfastError("refused", `${fault}. It was not changed. ${REPAIR}`, { gid });
		return new HoldfastError("refused", `${fault}. ${isLater ? "It was not changed. Give the command to a node of the version that wrote it; if no node is of a later version, something other than Holdfast changed the record: restore it from a backup" : "It was not changed. Restore it from a backup, or force-stop it: then it is finished as failed, and what its branches did remains"}`, {
			gid,
			...!isLater && { status }
		});
	};
	internal = ({ gid }, thrown) => new HoldfastError("internal", `internal error in ${gid}: ${textOfThrown(thrown)}`, {
		gid,
		cause: thrown
	});
}));
// packages/core/src/engine/same-payload.ts
function samePayload(a, b) {
	if (Buffer.compare(a, b) === 0) return true;
	const [one, other] = [textOf$8(a), textOf$8(b)];
	return haveSameTokens(one, other) && isJson(one) && isJson(other);
}
function isJson(text) {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}
function haveSameTokens(a, b) {
	const same = sameStart(a, b);
	let [i, j, depth] = [
		same.end,
		same.end,
		same.depth
	];
	for (;;) {
		i = skipBlanks$1(a, i);
		j = skipBlanks$1(b, j);
		if (i >= a.length || j >= b.length) return i >= a.length && j >= b.length;
		const unit = a.charCodeAt(i);
		const other = b.charCodeAt(j);
		if (unit === QUOTE$3 && other === QUOTE$3) {
			const [endA, endB] = [endOfString$2(a, i), endOfString$2(b, j)];
			if (!areSameStrings(a.slice(i, endA), b.slice(j, endB))) return false;
			[i, j] = [endA, endB];
		} else if (beginsNumber(unit) && beginsNumber(other)) {
			const [startA, startB] = [i, j];
			while (isInNumber(a.charCodeAt(i)) && a.charCodeAt(i) === b.charCodeAt(j)) {
				i++;
				j++;
			}
			if (!isInNumber(a.charCodeAt(i)) && !isInNumber(b.charCodeAt(j))) continue;
			const [endA, endB] = [endOfNumber(a, startA), endOfNumber(b, startB)];
			if (plainNumber(a.slice(startA, endA)) !== plainNumber(b.slice(startB, endB))) return false;
			[i, j] = [endA, endB];
		} else {
			if (unit !== other) return false;
			if ((unit === LIST$4 || unit === OBJECT$3) && ++depth > LIMITS.jsonDepth) return false;
			if (unit === LIST_END$2 || unit === OBJECT_END$3) depth--;
			i++;
			j++;
		}
	}
}
function sameStart(a, b) {
	const length = sameLength(a, b);
	let [at, depth] = [0, 0];
	while (at < length) {
		const unit = a.charCodeAt(at);
		const start = at;
		if (unit === QUOTE$3) at = endOfString$2(a, at);
		else if (beginsNumber(unit)) at = endOfNumber(a, at);
		else at++;
		if (at > length || at === length && beginsNumber(unit)) return {
			end: start,
			depth
		};
		if (unit === LIST$4 || unit === OBJECT$3) {
			if (depth === LIMITS.jsonDepth) return {
				end: start,
				depth
			};
			depth++;
		} else if (unit === LIST_END$2 || unit === OBJECT_END$3) depth--;
	}
	return {
		end: at,
		depth
	};
}
function sameLength(a, b) {
	let [same, most] = [0, Math.min(a.length, b.length)];
	while (same < most) {
		const middle = Math.ceil((same + most) / 2);
		if (a.slice(same, middle) === b.slice(same, middle)) same = middle;
		else most = middle - 1;
	}
	return same;
}
function areSameStrings(a, b) {
	if (a === b) return true;
	return (a.includes("\\") || b.includes("\\")) && isJson(a) && isJson(b) && JSON.parse(a) === JSON.parse(b);
}
function endOfString$2(text, start) {
	for (let at = text.indexOf("\"", start + 1); at >= 0; at = text.indexOf("\"", at + 1)) {
		let escapes = 0;
		while (text.charCodeAt(at - 1 - escapes) === BACKSLASH$3) escapes++;
		if (escapes % 2 === 0) return at + 1;
	}
	return text.length;
}
function endOfNumber(text, start) {
	let at = start + 1;
	while (isInNumber(text.charCodeAt(at))) at++;
	return at;
}
function skipBlanks$1(text, start) {
	let at = start;
	while (isBlank$3(text.charCodeAt(at))) at++;
	return at;
}
function plainNumber(text) {
	const [, sign, whole = "", fraction = "", exponent = "0"] = NUMBER$1.exec(text) ?? [];
	if (sign === void 0) return text;
	const all = whole + fraction;
	let [from, to] = [0, all.length];
	while (from < to && all[from] === "0") from++;
	while (to > from && all[to - 1] === "0") to--;
	if (from === to) return "0";
	return `${sign}${all.slice(from, to)}e${Number(exponent) - fraction.length + (all.length - to)}`;
}
var textOf$8, QUOTE$3, BACKSLASH$3, LIST$4, LIST_END$2, OBJECT$3, OBJECT_END$3, MINUS, isBlank$3, isDigit, beginsNumber, isInNumber, NUMBER$1;
var init_same_payload = __esmMin((() => {
	init_src$5();
	textOf$8 = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
	QUOTE$3 = 34;
	BACKSLASH$3 = 92;
	LIST$4 = 91;
	LIST_END$2 = 93;
	OBJECT$3 = 123;
	OBJECT_END$3 = 125;
	MINUS = 45;
	isBlank$3 = (unit) => unit === 32 || unit === 10 || unit === 13 || unit === 9;
	isDigit = (unit) => unit >= 48 && unit <= 57;
	beginsNumber = (unit) => isDigit(unit) || unit === MINUS;
	isInNumber = (unit) => isDigit(unit) || unit === MINUS || unit === 43 || unit === 46 || unit === 69 || unit === 101;
	NUMBER$1 = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,9}))?$/;
}));
// packages/core/src/engine/identity.ts
function differenceOf$1(stored, { timeline }, given, kind) {
	if (stored.pattern === "workflow") return differentWorkflow(stored, given);
	const first = timeline[0];
	const wasPrepared = first?.kind === "status" && first.status === "prepared";
	if (kind === "submitted" && wasPrepared) {
		if (given.steps.length === 0) return differentQuery(stored, given);
		return differentSteps(stored, given) ?? differentQuery(stored, given);
	}
	return differentSteps(stored, given) ?? (stored.queryPrepared === given.queryPrepared ? void 0 : QUERY_PREPARED) ?? differentOrders(stored, given) ?? differentOptions(stored.options, given.options);
}
function differentWorkflow(stored, given) {
	if (stored.workflowName !== given.workflowName) return {
		field: "custom_data.name",
		part: `the name (it is a workflow named ${stored.workflowName})`
	};
	return samePayload(stored.workflowData, given.workflowData) ? void 0 : {
		field: "custom_data.data",
		part: "the input"
	};
}
function differentSteps(stored, given) {
	if (stored.protocol !== given.protocol) return {
		field: "protocol",
		part: "the protocol"
	};
	if (stored.steps.length !== given.steps.length) return {
		field: "steps",
		part: `the number of steps (${stored.steps.length} there, ${given.steps.length} here)`
	};
	for (const [index, step] of stored.steps.entries()) {
		const other = given.steps[index];
		const name = `step ${index + 1}`;
		if (step.action !== other?.action) return {
			field: `steps[${index}].action`,
			part: `the action of ${name}`
		};
		if (step.compensate !== other.compensate) return {
			field: `steps[${index}].compensate`,
			part: `the compensation of ${name}`
		};
		if (!samePayload(stored.payloads[index] ?? NO_BYTES$2, given.payloads[index] ?? NO_BYTES$2)) return {
			field: `payloads[${index}]`,
			part: `the payload of ${name}`
		};
	}
}
function differentOrders({ orders: stored, steps }, { orders: given }) {
	return steps.every((_, index) => sameSet(stored[index] ?? NO_STEPS, given[index] ?? NO_STEPS)) ? void 0 : {
		field: "custom_data.orders",
		part: "the dependencies of the steps"
	};
}
function sameSet(a, b) {
	const [inA, inB] = [new Set(a), new Set(b)];
	return inA.size === inB.size && a.every((one) => inB.has(one));
}
function differentOptions(stored, given) {
	for (const [name, field] of DECISIVE) if (stored[name] !== given[name]) return {
		field,
		part: `the option ${field}`
	};
	return headersText(stored) === headersText(given) ? void 0 : {
		field: "branch_headers",
		part: "branch_headers"
	};
}
var QUERY_PREPARED, differentQuery, NO_BYTES$2, NO_STEPS, DECISIVE, OF_THE_CALL, headersText;
var init_identity = __esmMin((() => {
	init_same_payload();
	QUERY_PREPARED = {
		field: "query_prepared",
		part: "the check-back URL"
	};
	differentQuery = (stored, given) => given.queryPrepared === "" || given.queryPrepared === stored.queryPrepared ? void 0 : QUERY_PREPARED;
	NO_BYTES$2 = new Uint8Array(0);
	NO_STEPS = [];
	DECISIVE = [
		["concurrent", "concurrent"],
		["timeoutToFailMs", "timeout_to_fail"],
		["retryLimit", "retry_limit"],
		["delayMs", "custom_data.delay"]
	];
	OF_THE_CALL = /^(?:authorization|cookie|traceparent|tracestate|baggage|b3|x-b3-.*|x-request-id|x-correlation-id|x-amzn-trace-id|x-cloud-trace-context|uber-trace-id|sentry-trace)$/i;
	headersText = ({ branchHeaders }) => JSON.stringify(Object.entries(branchHeaders).filter(([name]) => !OF_THE_CALL.test(name)).map(([name, value]) => [name.toLowerCase(), value]).sort(([a = ""], [b = ""]) => a < b ? -1 : 1));
}));
// packages/core/src/engine/contradiction.ts
function contradictionOf(transaction, { event, pattern, definition }, isStored) {
	const { key, definition: stored } = transaction;
	if (pattern !== void 0 && pattern !== stored.pattern) return contradicts(key, transaction, pattern);
	if (definition === void 0 || !isStored) return void 0;
	const kind = event.kind === "prepared" ? "prepared" : "submitted";
	const difference = differenceOf$1(stored, transaction.state, definition, kind);
	return difference && otherContent(key, transaction, difference);
}
var init_contradiction = __esmMin((() => {
	init_errors$2();
	init_identity();
}));
// packages/core/src/engine/deliver.ts
function decide(memory, before, delivery, moment) {
	const { key } = before;
	const contradiction = contradictionOf(before, delivery, memory.version > 0);
	if (contradiction !== void 0) return {
		kind: "refused",
		error: contradiction
	};
	const event = delivery.event.kind === "prepared" && memory.version > 0 ? {
		...delivery.event,
		again: true
	} : delivery.event;
	const stepped = step(before, event, moment);
	if (isRefusal(stepped)) return {
		kind: "refused",
		error: refused(key, stepped, before)
	};
	const { foundStatus } = memory;
	if (event.kind === "submitted" && (foundStatus === "aborting" || foundStatus === "failed")) return {
		kind: "refused",
		error: isPast(key, foundStatus, "submit")
	};
	if (memory.ownership === "theirs" && !takesOver(event, before)) return {
		kind: "forward",
		entry: orderOf(event, before, memory.writeId)
	};
	const { transaction, effects } = stepped;
	const shows = memory.suspect && effects.persist === "lazily" && isAnswer(event);
	const changesOwner = isBusy(transaction) !== (memory.ownership === "ours") || memory.ownership === "orphaned";
	return {
		kind: effects.persist === "wait" || changesOwner || shows ? "write" : "proceed",
		transaction,
		effects
	};
}
function ownershipAfter(transaction, wakeAtMs, nowMs, mayOwn) {
	if (isFinal(transaction.state.status)) return {
		hold: false,
		dueInMs: null
	};
	if (!isBusy(transaction)) return {
		hold: false,
		dueInMs: wakeAtMs === null ? null : Math.max(0, wakeAtMs - nowMs)
	};
	return mayOwn ? {
		hold: true,
		dueInMs: null
	} : {
		hold: false,
		dueInMs: 0
	};
}
function orderOf(event, { state }, writeId) {
	if (event.kind === "abort" && state.status === "submitted") return encodeAbortOrder(event.reason);
	return event.kind === "abort" || event.kind === "retry" ? encodeRetryOrder(writeId) : void 0;
}
var isBusy, MAX_ENTRIES$1, forwarded, isAnswer, STAYS_WITH_ITS_NODE, takesOver;
var init_deliver = __esmMin((() => {
	init_src$5();
	init_entry_codec();
	init_patterns();
	init_step();
	init_contradiction();
	init_errors$2();
	isBusy = ({ running, checking }) => running.length > 0 || checking;
	MAX_ENTRIES$1 = 1e4;
	forwarded = (transaction, entry) => ({
		kind: "append",
		key: transaction.key,
		whenStatus: entry.key === "order:abort" ? ["submitted"] : ["submitted", "aborting"],
		entries: [entry],
		maxEntries: MAX_ENTRIES$1,
		postponeMs: 0
	});
	isAnswer = ({ kind }) => kind === "answered" || kind === "checked";
	STAYS_WITH_ITS_NODE = new Set([
		"prepared",
		"alerted",
		"heartbeat"
	]);
	takesOver = (event, { state }) => event.kind === "stop" || event.kind === "ended" || event.kind === "park" || state.status === "prepared" && !STAYS_WITH_ITS_NODE.has(event.kind);
}));
// packages/core/src/engine/effects.ts
var LONGEST_TIMER_MS$1, EffectRunner, isAlive;
var init_effects = __esmMin((() => {
	LONGEST_TIMER_MS$1 = 2 ** 31 - 1;
	EffectRunner = class {
		#d;
		#alerting = new Set();
		#outlived = new Map();
		constructor(dependencies) {
			this.#d = dependencies;
		}
		carryOut(run, transaction, effects, reply) {
			this.#answer(run, transaction, effects, reply);
			if (run.ownership !== "ours") return;
			run.timer?.cancel();
			run.timer = effects.wakeAtMs === null ? void 0 : this.#wake(run, effects.wakeAtMs);
			if (effects.calls.length === 0 && !effects.check) return;
			const { status } = transaction.state;
			const mayCall = () => this.#mayCall(run) ? "granted" : "void";
			const mayCallStill = () => run.transaction?.state.status === status ? mayCall() : "withdrawn";
			const listener = this.#listener(run);
			const { inFlight } = run;
			const start = () => {
				if (effects.calls.length > 0) this.#d.calls.branches({
					transaction,
					inFlight,
					permit: mayCallStill,
					listener
				}, effects.calls);
				if (effects.check) this.#d.calls.check({
					transaction,
					inFlight,
					permit: mayCall,
					listener
				});
			};
			const earlier = this.#outlived.get(run.id);
			if (earlier === void 0) start();
			else earlier.onNone.push(() => this.#startLate(run, start));
		}
		#startLate(run, start) {
			try {
				if (isAlive(run)) start();
			} catch (error) {
				this.#d.failed(run, error);
			}
		}
		outlived({ id, inFlight }) {
			if (inFlight.calls === 0) return;
			this.#outlived.set(id, inFlight);
			inFlight.onNone.push(() => {
				if (this.#outlived.get(id) === inFlight) this.#outlived.delete(id);
			});
		}
		newSession() {
			this.#outlived.clear();
		}
		#listener(run) {
			return {
				answered: (index, result, durationMs) => this.#deliver(run, index === "check" ? {
					kind: "checked",
					result,
					durationMs
				} : {
					kind: "answered",
					branch: index,
					result,
					durationMs
				}),
				deferred: (calls, result, againInMs) => this.#deliver(run, {
					kind: "deferred",
					calls,
					result,
					againInMs
				})
			};
		}
		answerEarly(run) {
			const { passWaiters, transaction } = run;
			run.passWaiters = [];
			if (transaction !== void 0) for (const reply of passWaiters) this.#d.replies.done(reply, transaction);
		}
		#deliver(run, event) {
			if (isAlive(run)) this.#d.deliver(run, event);
		}
		#mayCall(run) {
			const { session } = this.#d;
			return isAlive(run) && !session.loseIfLapsed() && session.leaseHeld();
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
			else this.#d.replies.done(reply, transaction);
			if (effects.passOver) this.answerEarly(run);
			if (effects.alert !== void 0) this.raise(run, transaction.state.status, effects.alert);
		}
		raise(run, status, alert) {
			const { key, id } = run;
			const { observer, logger } = this.#d;
			observer.alerted();
			logger.warn({
				gid: key.gid,
				...alert
			}, "a transaction needs operator attention");
			const hook = this.#d.alert;
			if (hook === void 0 || this.#alerting.has(id)) return;
			this.#alerting.add(id);
			this.#notify(hook, run, {
				namespace: key.namespace,
				gid: key.gid,
				status,
				...alert
			});
		}
		async #notify(hook, run, alert) {
			try {
				await hook(alert);
			} catch (error) {
				this.#d.logger.error({
					gid: alert.gid,
					err: error
				}, "an alert was not delivered; it is raised again later");
				return;
			} finally {
				this.#alerting.delete(run.id);
			}
			this.#d.onAcknowledged(run.key);
		}
	};
	isAlive = ({ phase }) => phase !== "gone" && phase !== "releasing";
}));
// packages/core/src/engine/progress.ts
var SLICE_OPS, OPS_OF_A_WRITE, ProgressWriter;
var init_progress = __esmMin((() => {
	init_slot_map();
	SLICE_OPS = 2e3;
	OPS_OF_A_WRITE = 20;
	ProgressWriter = class {
		#clock;
		#flushMs;
		#write;
		#dirty = new SlotMap();
		#isScheduled = false;
		constructor(clock, flushMs, write) {
			this.#clock = clock;
			this.#flushMs = flushMs;
			this.#write = write;
		}
		mark(run) {
			this.#dirty.set(run.id, run);
			if (this.#isScheduled) return;
			this.#isScheduled = true;
			this.#clock.setTimer(this.#flushMs, () => this.#flush());
		}
		clear(run) {
			this.#dirty.delete(run.id);
		}
		#flush() {
			this.#isScheduled = false;
			this.#flushSlice([...this.#dirty.values()], 0);
		}
		#flushSlice(due, from) {
			let ops = 0;
			for (let i = from; i < due.length; i++) {
				const run = due[i];
				if (this.#dirty.get(run.id) !== run) continue;
				if (ops > SLICE_OPS) return void this.#clock.setTimer(0, () => this.#flushSlice(due, i));
				ops += OPS_OF_A_WRITE + (run.transaction?.branches.length ?? 0);
				this.#dirty.delete(run.id);
				if (run.phase === "open") this.#write(run);
			}
		}
	};
}));
// packages/core/src/engine/parked-record.ts
function parkedRecord(record, reason, { writeId, nowMs, alertDue }) {
	const { key, status, version } = record;
	const state = parkedState(record.state, reason.slice(0, MAX_REASON), nowMs, alertDue);
	return {
		kind: "update",
		key,
		writeId,
		status,
		owner: null,
		dueInMs: state === record.state || !alertDue ? null : ALERT_AGAIN_MS,
		attention: true,
		state,
		expectVersion: version
	};
}
function parkedState(bytes, reason, nowMs, alertDue) {
	try {
		return encodeState(withLine(parked(decodeState(bytes), reason, alertDue), {
			kind: "parked",
			atMs: nowMs,
			detail: reason
		}));
	} catch {
		return bytes;
	}
}
function parked(state, reason, alertDue) {
	return {
		...shortened(state),
		unbroken: false,
		suspicion: 0,
		attention: true,
		alertDue,
		parked: reason
	};
}
function shortened(state) {
	const { timeline: all } = state;
	const timeline = all.length <= KEEP_LINES ? all : [...all.slice(0, KEEP_LINES / 2), ...all.slice(-10)];
	return {
		...state,
		rollbackReason: state.rollbackReason.slice(0, MAX_REASON),
		timeline,
		timelineOmitted: state.timelineOmitted + all.length - timeline.length
	};
}
var MAX_REASON, KEEP_LINES;
var init_parked_record = __esmMin((() => {
	init_state_codec();
	init_conclude();
	init_timeline$1();
	MAX_REASON = 500;
	KEEP_LINES = 20;
}));
// packages/core/src/engine/put-back-record.ts
function putBackRecord(record, write) {
	const { key, status, version, attention } = record;
	const before = decodeState(record.state);
	const state = {
		...write.isShort ? shortened(before) : before,
		unbroken: false,
		suspicion: write.suspicion
	};
	return {
		kind: "update",
		key,
		writeId: write.writeId,
		status,
		owner: null,
		dueInMs: write.dueInMs,
		attention,
		state: encodeState(state),
		expectVersion: version
	};
}
var init_put_back_record = __esmMin((() => {
	init_state_codec();
	init_parked_record();
}));
// packages/core/src/engine/releaser.ts
function isOutdated({ version, claimed }, record, attempt) {
	const known = Math.max(version, claimed?.version ?? 0);
	return record === void 0 ? known > 0 && pauseMsAfter(attempt) < LONGEST_PAUSE_MS : record.version < known;
}
var FIRST_PAUSE_MS, LONGEST_PAUSE_MS, Releaser, isWritable, pauseMsAfter;
var init_releaser = __esmMin((() => {
	init_paced_warning();
	init_parked_record();
	init_put_back_record();
	FIRST_PAUSE_MS = 100;
	LONGEST_PAUSE_MS = 1e4;
	Releaser = class {
		#d;
		#trouble;
		constructor(dependencies) {
			this.#d = dependencies;
			this.#trouble = new PacedWarning(dependencies, "transactions could not be released; they are tried again");
		}
		park(run, reason, done) {
			const { session, newWriteId, alert } = this.#d;
			const item = (record) => parkedRecord(record, reason, {
				writeId: newWriteId(),
				nowMs: session.nowMs(),
				alertDue: alert !== void 0
			});
			this.#attempt({
				run,
				item,
				done
			}, 1);
		}
		putBack(run, record, settings, done) {
			const item = (found, attempt) => putBackRecord(found, {
				...settings,
				writeId: this.#d.newWriteId(),
				isShort: attempt > 1
			});
			this.#write({
				run,
				item,
				done
			}, record, 1);
		}
		async #attempt(release, attempt) {
			const { store, session } = this.#d;
			const { run } = release;
			try {
				const [record] = await store.get([run.key]);
				if (run.phase !== "releasing") return;
				if (record?.damaged !== true && isOutdated(run, record, attempt)) return this.#again(release, attempt, "the read was outdated");
				if (record?.owner !== session.id) return release.done(void 0);
				if (record.withoutBodies === true) return this.#again(release, attempt, record.unreadable ?? "");
				if (!isWritable(record)) {
					this.#d.onUnwritable(record);
					return release.done(void 0);
				}
				this.#write(release, record, attempt);
			} catch (error) {
				this.#again(release, attempt, String(error));
			}
		}
		#write(release, record, attempt) {
			const { run } = release;
			const item = release.item(record, attempt);
			this.#d.committer.enqueue(item, run.id, true, (result) => this.#written(release, record, attempt, result));
		}
		#written(release, record, attempt, result) {
			if (release.run.phase !== "releasing") return;
			if (result.kind === "applied") {
				this.#trouble.succeeded();
				return release.done(record);
			}
			this.#again(release, attempt, result.kind === "failed" ? result.error.message : result.kind);
		}
		#again(release, attempt, why) {
			const { run } = release;
			if (run.phase !== "releasing") return;
			const pauseMs = pauseMsAfter(attempt);
			this.#trouble.failed(why, { gid: run.key.gid });
			this.#d.clock.setTimer(pauseMs, () => void this.#attempt(release, attempt + 1));
		}
	};
	isWritable = ({ unreadable, damaged, version }) => unreadable === void 0 || damaged === true && version > 0;
	pauseMsAfter = (attempt) => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1));
}));
// packages/core/src/engine/replies.ts
var Replies;
var init_replies = __esmMin((() => {
	Replies = class {
		#logger;
		constructor(logger) {
			this.#logger = logger;
		}
		done(reply, transaction) {
			try {
				reply?.done(transaction);
			} catch (error) {
				this.#thrown(error, transaction.key.gid);
			}
		}
		failed(reply, error) {
			try {
				reply?.failed(error);
			} catch (thrown) {
				this.#thrown(thrown, error.gid);
			}
		}
		#thrown(error, gid) {
			this.#logger.error({
				gid,
				error: String(error)
			}, "the callback of a caller threw");
		}
	};
}));
// packages/core/src/engine/run-table.ts
var RunTable;
var init_run_table = __esmMin((() => {
	init_slot_map();
	init_run();
	RunTable = class {
		#runs = new SlotMap();
		#reserved = 0;
		#leftSinceClaim;
		get size() {
			return this.#runs.size;
		}
		get taken() {
			return this.#runs.size + this.#reserved;
		}
		get claiming() {
			return this.#leftSinceClaim !== void 0;
		}
		get(id) {
			return this.#runs.get(id);
		}
		all() {
			return this.#runs.values();
		}
		add(run) {
			this.#runs.set(run.id, run);
			return run;
		}
		remove(run) {
			const left = this.#leftSinceClaim;
			left?.set(run.id, Math.max(run.version, left.get(run.id) ?? 0));
			if (this.#runs.get(run.id) === run) this.#runs.delete(run.id);
		}
		async claim(limit, claim, adopt) {
			this.#reserved = limit;
			const left = this.#leftSinceClaim = new Map();
			try {
				adopt((await claim()).filter((record) => record.version >= (left.get(idOf$3(record.key)) ?? 0)));
			} finally {
				this.#reserved = 0;
				this.#leftSinceClaim = void 0;
			}
		}
	};
}));
// packages/core/src/engine/unreadable-log.ts
var INTERVAL_MS, MAX_RECORDS, UnreadableLog;
var init_unreadable_log = __esmMin((() => {
	INTERVAL_MS = 3e5;
	MAX_RECORDS = 1e3;
	UnreadableLog = class {
		#d;
		#logged = new Map();
		constructor(dependencies) {
			this.#d = dependencies;
		}
		met(id, gid, { message }) {
			const nowMs = this.#d.clock.monotonicMs();
			const last = this.#logged.get(id);
			if (last?.cause === message && nowMs - last.atMs < INTERVAL_MS) return;
			this.#logged.delete(id);
			this.#logged.set(id, {
				cause: message,
				atMs: nowMs
			});
			for (const oldest of this.#logged.keys()) {
				if (this.#logged.size <= MAX_RECORDS) break;
				this.#logged.delete(oldest);
			}
			this.#d.logger.error({
				gid,
				error: message
			}, "a record cannot be read: it needs operator attention");
		}
	};
}));
// packages/core/src/engine/unread-records.ts
var UnreadRecords;
var init_unread_records = __esmMin((() => {
	init_paced_warning();
	UnreadRecords = class {
		#runs = new Set();
		#trouble;
		constructor(dependencies) {
			const message = "the store cannot return transactions of this node whole; they wait and are read again";
			this.#trouble = new PacedWarning(dependencies, message, "the store returns all transactions of this node again");
		}
		has(run) {
			return this.#runs.has(run);
		}
		add(run, error) {
			this.#runs.add(run);
			this.#trouble.failed(error, {
				gid: run.key.gid,
				transactions: this.#runs.size
			});
		}
		remove(run) {
			if (this.#runs.delete(run) && this.#runs.size === 0) this.#trouble.succeeded();
		}
	};
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
var RELOAD_PAUSE_MS, UNREAD_PAUSE_MS, Driver, UNHEARD, isStoppable, stackOf$1;
var init_driver = __esmMin((() => {
	init_src$5();
	init_suspicion();
	init_adoption();
	init_doubts();
	init_deliver();
	init_effects();
	init_errors$2();
	init_progress();
	init_reconcile();
	init_records$1();
	init_releaser();
	init_replies();
	init_run_table();
	init_run_write();
	init_run();
	init_stopped_record();
	init_unreadable_log();
	init_unread_records();
	init_write_item();
	RELOAD_PAUSE_MS = 100;
	UNREAD_PAUSE_MS = 1e4;
	Driver = class {
		#d;
		#effects;
		#replies;
		#progress;
		#releaser;
		#adoption;
		#doubts;
		#unread;
		#unreadableLog;
		#policy;
		#runs = new RunTable();
		#writeIds = 0;
		constructor(dependencies) {
			const d = this.#d = dependencies;
			this.#policy = {
				...d.options,
				noAlertHook: d.alert === void 0
			};
			this.#replies = new Replies(d.logger);
			this.#effects = new EffectRunner({
				...d,
				replies: this.#replies,
				deliver: (run, event) => this.#deliver(run, { event }),
				failed: (run, error) => this.#fail(run, error),
				onAcknowledged: (key) => this.command(key, {
					event: { kind: "alerted" },
					reply: UNHEARD
				})
			});
			this.#progress = new ProgressWriter(d.clock, d.options.progressFlushMs, (run) => this.#flush(run));
			this.#releaser = new Releaser({
				...d,
				newWriteId: () => this.#newWriteId(),
				onUnwritable: ({ key, version }) => this.#doubt(key, version)
			});
			this.#unread = new UnreadRecords(d);
			this.#unreadableLog = new UnreadableLog(d);
			this.#doubts = new Doubts({
				...d,
				session: () => d.session.id,
				hasRun: (id) => this.has(id),
				onOwned: (record) => this.#reconcile(this.#add(record), record)
			});
			this.#adoption = new Adoption({
				runs: this.#runs,
				releaser: this.#releaser,
				clock: d.clock,
				maxClaims: d.options.maxClaims,
				reconcile: (run, record) => this.#reconcile(run, record),
				reread: (run) => void this.#reload(run),
				onPutBack: (run, dueInMs) => {
					this.#leave(run);
					d.onReleased(dueInMs);
				}
			});
		}
		get size() {
			return this.#runs.size;
		}
		get doubts() {
			return this.#doubts.size;
		}
		has(id) {
			return this.#runs.get(id) !== void 0;
		}
		drives(id) {
			const run = this.#runs.get(id);
			return run !== void 0 && run.version > 0 && (run.phase === "open" || run.phase === "writing");
		}
		runs() {
			return this.#runs.all();
		}
		reread(run) {
			run.phase = "loading";
			this.#reload(run);
		}
		create(fresh, group, delivery) {
			const id = idOf$3(fresh.key);
			const existing = this.#runs.get(id);
			if (existing !== void 0) return this.#deliver(existing, delivery);
			const run = this.#runs.add(newRun(id, fresh.key, "open", group));
			run.transaction = fresh;
			this.#deliver(run, delivery);
		}
		command(key, delivery) {
			const id = idOf$3(key);
			const existing = this.#runs.get(id);
			if (existing !== void 0) return this.#deliver(existing, delivery);
			const run = this.#runs.add(newRun(id, key, "loading", ""));
			run.queue.push(delivery);
			this.#reload(run);
		}
		adopt(limit, claim) {
			return this.#runs.claim(limit, claim, (records) => this.#adoption.takeAll(records));
		}
		get mayClaim() {
			return this.#adoption.mayClaim;
		}
		dropAll() {
			for (const run of this.#runs.all()) {
				run.claimed = void 0;
				this.#drop(run, unavailable$2(run.key, "this node lost its session"));
			}
			this.#doubts.clear();
			this.#effects.newSession();
			this.#d.committer.abandon();
		}
		#deliver(run, delivery) {
			run.queue.push(delivery);
			this.#work(run);
		}
		#work(run) {
			if (run.delivering) return;
			run.delivering = true;
			try {
				while (run.phase === "open") {
					const next = run.queue.shift();
					if (next === void 0) break;
					this.#apply(run, next);
				}
				if (run.phase === "open") this.#settle(run);
			} catch (error) {
				this.#fail(run, error);
			} finally {
				run.delivering = false;
			}
		}
		#settle(run) {
			if (run.ownership === "none" || run.ownership === "theirs") this.#forget(run);
			else if (run.ownership === "orphaned" || run.transaction === void 0 || !isBusy(run.transaction)) throw new Error("the record is owned, and nothing in it is to be driven");
		}
		#apply(run, delivery) {
			const before = run.transaction;
			if (before === void 0) throw new Error("an open run has a transaction");
			const { reply } = delivery;
			const verdict = this.#decide(run, before, delivery);
			switch (verdict.kind) {
				case "refused": return this.#replies.failed(reply, verdict.error);
				case "forward": return this.#forward(before, run.id, verdict.entry, reply);
				case "write":
					run.transaction = verdict.transaction;
					return this.#write(run, {
						before,
						delivery,
						effects: verdict.effects
					});
				case "proceed":
					run.transaction = verdict.transaction;
					if (verdict.effects.persist === "lazily") this.#progress.mark(run);
					this.#effects.carryOut(run, verdict.transaction, verdict.effects, reply);
			}
		}
		#decide(run, before, delivery) {
			try {
				const { session, random } = this.#d;
				return decide(run, before, delivery, {
					nowMs: session.nowMs(),
					random: random(),
					policy: this.#policy
				});
			} catch (error) {
				this.#replies.failed(delivery.reply, internal(run.key, error));
				throw error;
			}
		}
		#forward(transaction, id, entry, reply) {
			if (entry === void 0) return this.#replies.done(reply, transaction);
			this.#d.committer.enqueue(forwarded(transaction, entry), id, false, (result) => {
				if (result.kind !== "applied") return this.#replies.failed(reply, unavailable$2(transaction.key, "the command could not be stored; give it again"));
				this.#d.onReleased(0);
				this.#replies.done(reply, transaction);
			});
		}
		#newWriteId() {
			return `${this.#d.session.id}-${++this.#writeIds}`;
		}
		#mayDrive(run) {
			const { session, options } = this.#d;
			return (run.group === "" || options.groups.includes(run.group)) && session.leaseHeld() && this.#runs.taken + this.#doubts.size <= options.maxInProgress;
		}
		#flush(run) {
			try {
				if (run.transaction !== void 0) run.transaction = cleared(run.transaction);
				this.#write(run, void 0);
			} catch (error) {
				this.#fail(run, error);
			}
		}
		#write(run, cause) {
			try {
				const { transaction } = run;
				if (transaction === void 0) throw new Error("nothing to write");
				const { session, committer } = this.#d;
				const mayOwn = run.ownership === "ours" || this.#mayDrive(run);
				const { hold, dueInMs } = ownershipAfter(transaction, cause?.effects.wakeAtMs ?? null, session.nowMs(), mayOwn);
				const writeId = this.#newWriteId();
				const item = writeItem(run, transaction, {
					writeId,
					owner: hold ? session.id : null,
					dueInMs
				});
				run.phase = "writing";
				this.#progress.clear(run);
				const write = {
					run,
					transaction,
					cause,
					hold,
					dueInMs,
					writeId
				};
				committer.enqueue(item, run.id, ownsRecord(run), (result) => this.#written(write, result));
			} catch (error) {
				this.#replies.failed(cause?.delivery.reply, internal(run.key, error));
				throw error;
			}
		}
		#written(write, result) {
			const { run, cause } = write;
			const reply = cause?.delivery.reply;
			if (run.phase === "gone") return this.#replies.failed(reply, unavailable$2(run.key, "this node lost its session"));
			if (hasWentBack(write, result)) {
				this.#replies.failed(reply, unavailable$2(run.key, "the store has lost acknowledged writes"));
				this.#d.session.wentBack();
				return;
			}
			try {
				const next = afterWrite(run, {
					hold: write.hold,
					isAwaited: reply !== void 0
				}, result);
				switch (next.kind) {
					case "applied": return this.#applied(write, next.version);
					case "again":
						this.#d.observer.conflicted();
						if (result.kind === "conflict") run.foundStatus = result.status;
						return this.#startOver(run, cause, next);
					default: return this.#notWritten(run, cause, next, result);
				}
			} catch (error) {
				this.#fail(run, error);
			}
		}
		#applied({ run, transaction, cause, hold, dueInMs, writeId }, version) {
			const created = run.version === 0;
			const { claimed, queue } = run;
			run.version = version;
			run.writeId = writeId;
			run.ownership = hold ? "ours" : "none";
			run.suspect = transaction.state.suspicion > 0;
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
			if (claimed !== void 0 && claimed.version > version) this.#adoption.take(claimed);
			this.#deliverAgain(run, queue);
		}
		#observe(transaction, created) {
			const { observer, session } = this.#d;
			const pattern = transaction.definition.pattern;
			if (created) observer.transactionAccepted(pattern);
			const { status } = transaction.state;
			if (isFinal(status)) observer.transactionFinished(pattern, status, session.nowMs() - transaction.createdAtMs);
		}
		#startOver(run, cause, { paced, refused }) {
			run.conflicts++;
			this.#undo(run, cause);
			if (cause !== void 0 && refused) this.#replies.failed(cause.delivery.reply, unavailable$2(run.key, "too many other writers change the record"));
			else if (cause !== void 0) run.queue.unshift(cause.delivery);
			run.phase = "loading";
			if (paced) this.#reloadLater(run);
			else this.#reload(run);
		}
		#notWritten(run, cause, next, result) {
			const error = unavailable$2(run.key, next.why);
			if (next.kind !== "drop") this.#d.logger.error({
				gid: run.key.gid,
				why: next.why
			}, "a transaction in progress could not be written");
			const isFailed = (next.kind === "drop" || next.kind === "undo") && result.kind === "failed";
			this.#replies.failed(cause?.delivery.reply, isFailed ? notStored(run.key, result.error) : error);
			switch (next.kind) {
				case "undo":
					this.#undo(run, cause);
					run.phase = "open";
					if (ownsRecord(run)) this.#progress.mark(run);
					return this.#work(run);
				case "park": return this.#release(run, error);
				case "doubt":
					this.#doubt(run.key, run.version);
					return this.#drop(run, error);
				case "drop": return this.#drop(run, error);
			}
		}
		#undo(run, cause) {
			if (cause !== void 0) run.transaction = cause.before;
		}
		async #reload(run) {
			if (run.phase !== "loading") return;
			const known = run.queue.length;
			try {
				const [record] = await this.#d.store.get([run.key]);
				if (run.phase !== "loading") return;
				if (record === void 0 && !ownsRecord(run) && run.claimed === void 0 && run.queue.length > known) return this.#readAgain(run, known);
				this.#reconcile(run, record);
			} catch (error) {
				if (run.phase !== "loading") return;
				if (!ownsRecord(run) && run.claimed === void 0 && !this.#unread.has(run)) return this.#drop(run, unavailable$2(run.key, `the store could not be read (${String(error)})`));
				this.#reloadLater(run);
			}
		}
		#readAgain(run, known) {
			for (const { reply } of run.queue.splice(0, known)) this.#replies.failed(reply, unknownGid(run.key.gid));
			this.#reload(run);
		}
		#reloadLater(run, pauseMs = RELOAD_PAUSE_MS) {
			this.#d.clock.setTimer(pauseMs, () => void this.#reload(run));
		}
		#reconcile(run, record) {
			try {
				const { session } = this.#d;
				const self = {
					session: session.id,
					leaseHeld: session.leaseHeld(),
					claiming: this.#runs.claiming
				};
				this.#carryOut(run, reconcile(run, record, self));
			} catch (error) {
				this.#fail(run, error);
			}
		}
		#carryOut(run, decision) {
			switch (decision.kind) {
				case "gone": return this.#drop(run, unknownGid(run.key.gid));
				case "stale":
					run.phase = "loading";
					return this.#reloadLater(run);
				case "merge":
					this.#unread.remove(run);
					run.transaction = decision.transaction;
					run.version = decision.version;
					run.retryOrders = decision.retryOrders;
					run.queue = decision.queue;
					run.claimed = void 0;
					run.phase = "open";
					if (run.queue.length === 0) this.#progress.mark(run);
					return this.#work(run);
				case "let go": return this.#letGo(run, decision);
				case "open": return this.#open(run, decision.opened);
				case "without bodies": return this.#awaitBodies(run, decision);
				case "unreadable": return this.#unreadable(run, decision);
			}
		}
		#letGo(run, { record, reopen, claimed, queue }) {
			const { version, owner } = record;
			this.#d.logger.info({
				gid: run.key.gid,
				version,
				owner
			}, "dropped: another node decided about it");
			run.version = version;
			run.queue = [];
			this.#forget(run);
			this.#effects.answerEarly(run);
			if (reopen) {
				const again = this.#runs.add(newRun(run.id, run.key, "loading", record.group));
				if (claimed) again.claimed = record;
				this.#reconcile(again, record);
			}
			this.#deliverAgain(run, queue);
		}
		#deliverAgain(run, queue) {
			for (const delivery of queue) if (delivery.reply !== void 0) this.command(run.key, delivery);
		}
		#open(run, opened) {
			this.#unread.remove(run);
			run.transaction = opened.transaction;
			run.version = opened.version;
			run.writeId = opened.writeId;
			run.group = opened.group;
			run.ownership = opened.ownership;
			run.retryOrders = opened.retryOrders;
			run.suspect = opened.suspect;
			run.queue = opened.queue;
			run.claimed = void 0;
			run.phase = "open";
			this.#work(run);
		}
		#awaitBodies(run, { record, error }) {
			this.#unread.add(run, error);
			const { queue } = run;
			run.queue = queue.filter(({ reply }) => reply === void 0);
			for (const { reply, event } of queue) this.#replies.failed(reply, unreadableRecord(record, error, event.kind));
			run.phase = "loading";
			this.#reloadLater(run, UNREAD_PAUSE_MS);
		}
		#unreadable(run, { record, owned, error }) {
			this.#unreadableLog.met(run.id, run.key.gid, error);
			run.version = record.version;
			const stops = [];
			for (const delivery of run.queue) if (delivery.event.kind === "stop" && isStoppable(record, error)) stops.push(delivery);
			else this.#replies.failed(delivery.reply, unreadableRecord(record, error, delivery.event.kind));
			run.queue = [];
			const failure = unreadableRecord(record, error, "resumed");
			if (owned) this.#release(run, failure);
			else if (stops.length === 0) return this.#drop(run, failure);
			run.queue = stops;
			if (!owned) this.#stopDamaged(run, record, error);
		}
		#stopDamaged(run, record, error) {
			const event = run.queue[0]?.event;
			const settings = {
				writeId: this.#newWriteId(),
				nowMs: this.#d.session.nowMs(),
				why: error.message
			};
			const { item, state } = stoppedRecord(record, event?.kind === "stop" ? event.reason : "", settings);
			run.phase = "writing";
			this.#d.committer.enqueue(item, run.id, false, (result) => {
				if (run.phase === "gone") return;
				switch (result.kind) {
					case "applied": return this.#stoppedDamaged(run, withoutBranches(record, state));
					case "conflict":
					case "missing":
						if (run.conflicts++ >= 50) return this.#drop(run, unavailable$2(run.key, "too many other writers change the record"));
						run.phase = "loading";
						return this.#reloadLater(run);
					case "failed": return this.#drop(run, notStored(run.key, result.error));
					case "abandoned": return this.#drop(run, unavailable$2(run.key, "whether it was stored is not known"));
				}
			});
		}
		#stoppedDamaged(run, transaction) {
			const [first, ...later] = run.queue;
			run.queue = [];
			this.#forget(run);
			this.#observe(transaction, false);
			this.#replies.done(first?.reply, transaction);
			this.#d.onFinal(run.id);
			this.#deliverAgain(run, later);
		}
		#fail(run, thrown) {
			const error = internal(run.key, thrown);
			this.#d.logger.error({
				gid: run.key.gid,
				error: stackOf$1(thrown)
			}, "a transaction is parked: an internal error");
			if (run.phase === "gone") return;
			if (run.version === 0 && run.claimed === void 0 && run.phase !== "loading") this.#drop(run, error);
			else this.#release(run, error);
		}
		#release(run, error) {
			const replies = this.#takeReplies(run);
			run.phase = "releasing";
			run.timer?.cancel();
			this.#progress.clear(run);
			for (const reply of replies) this.#replies.failed(reply, error);
			this.#releaser.park(run, error.message, (parked) => this.#released(run, parked, error.message));
		}
		#released(run, parked, reason) {
			if (parked !== void 0) this.#effects.raise(run, parked.status, {
				branch: "",
				error: reason,
				retryCount: 0
			});
			run.version = versionAfter(run, parked);
			this.#leave(run);
		}
		#leave(run) {
			const { claimed, version, queue } = run;
			this.#forget(run);
			if (claimed !== void 0 && claimed.version > version && this.#d.session.leaseHeld()) this.#adoption.takeLater(claimed);
			this.#deliverAgain(run, queue);
		}
		#forget(run) {
			run.phase = "gone";
			this.#effects.outlived(run);
			this.#unread.remove(run);
			run.timer?.cancel();
			this.#progress.clear(run);
			this.#runs.remove(run);
		}
		#doubt(key, version) {
			if (!this.#doubts.add(key, version)) this.#d.session.lose("it may own too many records that no run drives");
		}
		#add({ key, group }) {
			return this.#runs.add(newRun(idOf$3(key), key, "loading", group));
		}
		#drop(run, error) {
			const replies = this.#takeReplies(run);
			this.#forget(run);
			for (const reply of replies) this.#replies.failed(reply, error);
			if (run.claimed !== void 0 && this.#d.session.leaseHeld()) this.#adoption.take(run.claimed);
		}
		#takeReplies(run) {
			const replies = [...run.queue.flatMap((delivery) => delivery.reply ?? []), ...run.passWaiters];
			run.queue = [];
			run.passWaiters = [];
			return replies;
		}
	};
	UNHEARD = {
		done() {},
		failed() {},
		wholePass: false
	};
	isStoppable = ({ status }, { isLater }) => !isLater && !isFinal(status);
	stackOf$1 = (thrown) => stackOfThrown(thrown) ?? textOfThrown(thrown);
}));
// packages/core/src/engine/final-waiters.ts
var POLL_MS, POLL_BATCH, READ_BATCH, FinalWaiters;
var init_final_waiters = __esmMin((() => {
	init_src$5();
	init_slot_map();
	init_run();
	POLL_MS = 100;
	POLL_BATCH = 2e3;
	READ_BATCH = 32;
	FinalWaiters = class {
		#d;
		#byId = new SlotMap();
		#polling = false;
		#count = 0;
		#ended = false;
		#turn = 0;
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
				const awaited = this.#byId.get(id) ?? {
					key,
					waiters: new Set(),
					version: void 0
				};
				const { waiters } = awaited;
				const timer = this.#d.clock.setTimer(timeoutMs, () => waiter.end());
				const waiter = { end: () => {
					if (!waiters.delete(waiter)) return;
					this.#count--;
					if (waiters.size === 0) this.#byId.delete(id);
					timer.cancel();
					signal?.removeEventListener("abort", waiter.end);
					resolve();
				} };
				waiters.add(waiter);
				this.#byId.set(id, awaited);
				this.#count++;
				signal?.addEventListener("abort", waiter.end);
				if (signal?.aborted === true) return waiter.end();
				if (!this.#polling) this.#pollLater();
			});
		}
		notify(id) {
			for (const waiter of [...this.#byId.get(id)?.waiters ?? []]) waiter.end();
		}
		endAll() {
			this.#ended = true;
			for (const { waiters } of this.#byId.values()) for (const waiter of [...waiters]) waiter.end();
		}
		#pollLater() {
			this.#polling = true;
			this.#d.clock.setTimer(POLL_MS, () => void this.#poll());
		}
		async #poll() {
			const asked = this.#byTurns(this.#byId.values().filter(({ key }) => !this.#d.drivenHere(idOf$3(key))));
			try {
				if (asked.length > 0) {
					const versions = await this.#d.store.versions(asked.map(({ key }) => key));
					const changed = asked.filter((awaited, i) => versions[i] !== void 0 && versions[i] !== awaited.version);
					for (let i = 0; i < changed.length; i += READ_BATCH) await this.#read(changed.slice(i, i + READ_BATCH));
				}
			} catch (error) {
				this.#d.logger.warn({ error: String(error) }, "could not check in the store whether awaited transactions are final");
			}
			this.#polling = false;
			if (this.#byId.size > 0) this.#pollLater();
		}
		async #read(changed) {
			const records = await this.#d.store.get(changed.map(({ key }) => key));
			for (const [i, awaited] of changed.entries()) {
				const record = records[i];
				if (record === void 0) continue;
				awaited.version = record.version;
				if (isFinal(record.status)) this.notify(idOf$3(awaited.key));
			}
		}
		#byTurns(all) {
			if (all.length <= POLL_BATCH) return all;
			const from = this.#turn % all.length;
			this.#turn = from + POLL_BATCH;
			return [...all, ...all].slice(from, from + POLL_BATCH);
		}
	};
}));
// packages/core/src/engine/purge-pace.ts
var FIRST_BATCH, SMALLEST_BATCH, LARGEST_BATCH, FAST_MS, SLOW_MS, LONGEST_PAUSE_FACTOR, SHORTEST_PAUSE_FACTOR, PATIENCE, SHORTEST_PAUSE_MS, MOST_REST_MS, LEAST_REST_MS, PurgePace;
var init_purge_pace = __esmMin((() => {
	FIRST_BATCH = 200;
	SMALLEST_BATCH = 50;
	LARGEST_BATCH = 2e3;
	FAST_MS = 5;
	SLOW_MS = 20;
	LONGEST_PAUSE_FACTOR = 4;
	SHORTEST_PAUSE_FACTOR = .25;
	PATIENCE = 16;
	SHORTEST_PAUSE_MS = 2;
	MOST_REST_MS = 3e4;
	LEAST_REST_MS = 250;
	PurgePace = class {
		#batch = FIRST_BATCH;
		#pauseFactor = LONGEST_PAUSE_FACTOR;
		#fullInARow = 0;
		#restMs = MOST_REST_MS;
		get batch() {
			return this.#batch;
		}
		get hasBacklog() {
			return this.#fullInARow > 0;
		}
		next(purged, tookMs) {
			if (!(purged >= this.#batch)) return this.#rest(purged * 4 > this.#batch);
			if (tookMs < FAST_MS) this.#batch = Math.min(this.#batch * 2, LARGEST_BATCH);
			else if (tookMs > SLOW_MS) this.#batch = Math.max(Math.floor(this.#batch / 2), SMALLEST_BATCH);
			if (++this.#fullInARow % PATIENCE === 0) this.#pauseFactor = Math.max(this.#pauseFactor / 2, SHORTEST_PAUSE_FACTOR);
			return Math.max(SHORTEST_PAUSE_MS, tookMs * this.#pauseFactor);
		}
		idle() {
			return this.#rest(false);
		}
		#rest(foundMany) {
			if (this.#fullInARow > 0) this.#restMs = Math.max(this.#restMs / 4, LEAST_REST_MS);
			else if (!foundMany) this.#restMs = Math.min(this.#restMs * 2, MOST_REST_MS);
			this.#fullInARow = 0;
			this.#pauseFactor = LONGEST_PAUSE_FACTOR;
			return this.#restMs;
		}
	};
}));
// packages/core/src/engine/silence-watch.ts
var SilenceWatch;
var init_silence_watch = __esmMin((() => {
	SilenceWatch = class {
		#seen = new Map();
		note(rows, nowMs) {
			const seen = new Map();
			for (const { session, heartbeatAtMs } of rows) {
				const before = this.#seen.get(session);
				seen.set(session, before?.heartbeatAtMs === heartbeatAtMs ? before : {
					heartbeatAtMs,
					sinceMs: nowMs
				});
			}
			this.#seen = seen;
		}
		unchangedFor(silenceMs, nowMs, limit) {
			const unchanged = [];
			for (const [session, { heartbeatAtMs, sinceMs }] of this.#seen) if (nowMs - sinceMs > silenceMs && unchanged.length < limit) unchanged.push({
				session,
				heartbeatAtMs
			});
			return unchanged;
		}
		nextInMs(silenceMs, nowMs) {
			const left = [...this.#seen.values()].map(({ sinceMs }) => Math.floor(sinceMs + silenceMs - nowMs) + 1);
			return Math.min(Infinity, ...left.filter((ms) => ms > 0));
		}
	};
}));
// packages/core/src/engine/janitor.ts
var TAKE_OVER_BATCH, LONGEST_WATCH_MS, FIRST_PURGE_MS, Janitor, byAge;
var init_janitor = __esmMin((() => {
	init_rules();
	init_paced_warning();
	init_purge_pace();
	init_silence_watch();
	TAKE_OVER_BATCH = 500;
	LONGEST_WATCH_MS = 1e3;
	FIRST_PURGE_MS = 50;
	Janitor = class {
		#d;
		#timers = {};
		#stopped = true;
		#takeOverTrouble;
		#purgeTrouble;
		#purgePace = new PurgePace();
		#silence = new SilenceWatch();
		constructor(dependencies) {
			this.#d = dependencies;
			this.#takeOverTrouble = new PacedWarning(dependencies, "the transactions of silent nodes could not be taken over");
			this.#purgeTrouble = new PacedWarning(dependencies, "finished transactions could not be purged");
		}
		start() {
			this.#stopped = false;
			const { store, options } = this.#d;
			this.#takeOver(store.capabilities.exclusive ? -1 : options.silenceMs);
			if (options.retentionMs > 0) this.#after("purge", FIRST_PURGE_MS, () => this.#purge());
		}
		stop() {
			this.#stopped = true;
			for (const timer of Object.values(this.#timers)) timer.cancel();
		}
		async handOver(count) {
			const { store, options, logger } = this.#d;
			if (store.capabilities.exclusive) return;
			try {
				for (let released = 0; released < count;) {
					const taken = await store.takeOver(await this.#silentFor(options.silenceMs));
					if (!taken.more) return;
					released += taken.released;
				}
			} catch (error) {
				logger.warn({ error: String(error) }, "what is left could not be released; other nodes find it");
			}
		}
		async #silentFor(silenceMs) {
			const { store, session, clock } = this.#d;
			const all = {
				silenceMs,
				keep: session.id,
				limit: TAKE_OVER_BATCH
			};
			if (store.capabilities.exclusive) return all;
			const rows = await store.sessions();
			const nowMs = clock.monotonicMs();
			this.#silence.note(rows, nowMs);
			return {
				...all,
				unchanged: this.#silence.unchangedFor(silenceMs, nowMs, STORE_LIMITS.unchanged)
			};
		}
		#after(duty, delayMs, run) {
			if (!this.#stopped) this.#timers[duty] = this.#d.clock.setTimer(delayMs, () => void run());
		}
		async #takeOver(silenceMs) {
			const { store, session, options, logger, observer } = this.#d;
			let more = false;
			try {
				if (session.leaseHeld()) {
					const taken = await store.takeOver(await this.#silentFor(silenceMs));
					this.#takeOverTrouble.succeeded();
					more = taken.more;
					if (taken.ended.length > 0) logger.info({ sessions: taken.ended }, "ended silent sessions");
					if (taken.released > 0) {
						observer.tookOver(taken.released);
						logger.info({ transactions: taken.released }, "took over unfinished transactions");
						this.#d.onReleased();
					}
				}
			} catch (error) {
				this.#takeOverTrouble.failed(error);
			}
			const nextMs = this.#silence.nextInMs(options.silenceMs, this.#d.clock.monotonicMs());
			this.#after("takeOver", more ? 0 : Math.min(options.heartbeatMs / 2, LONGEST_WATCH_MS, nextMs), () => this.#takeOver(more ? silenceMs : options.silenceMs));
		}
		async #purge() {
			const pace = this.#purgePace;
			const { clock } = this.#d;
			let delayMs;
			try {
				if (pace.hasBacklog || await this.#isEldest()) {
					const startedMs = clock.monotonicMs();
					const purged = await this.#d.store.purge({
						olderThanMs: this.#d.options.retentionMs,
						limit: pace.batch
					});
					delayMs = pace.next(purged, clock.monotonicMs() - startedMs);
					this.#purgeTrouble.succeeded();
				}
			} catch (error) {
				this.#purgeTrouble.failed(error);
			}
			this.#after("purge", delayMs ?? pace.idle(), () => this.#purge());
		}
		async #isEldest() {
			const { store, session } = this.#d;
			if (store.capabilities.exclusive) return true;
			const [eldest] = (await store.sessions()).toSorted(byAge);
			return eldest?.session === session.id;
		}
	};
	byAge = (a, b) => a.startedAtMs - b.startedAtMs || (a.session < b.session ? -1 : 1);
}));
// packages/core/src/engine/lost-writes.ts
function registrationsOf({ key, transaction }) {
	const entries = (transaction?.registered ?? []).map(encodeRegistration);
	if (entries.length === 0) return [];
	return [{
		kind: "append",
		key,
		whenStatus: [
			"prepared",
			"submitted",
			"aborting"
		],
		entries,
		maxEntries: MAX_ENTRIES
	}];
}
var CHUNK$3, REPORTED, MAX_ENTRIES, LostWrites, isHeld;
var init_lost_writes = __esmMin((() => {
	init_entry_codec();
	init_src$5();
	init_write_item();
	CHUNK$3 = 32;
	REPORTED = 1e3;
	MAX_ENTRIES = 1e6;
	LostWrites = class {
		#d;
		#reported = 0;
		constructor(dependencies) {
			this.#d = dependencies;
		}
		async restore() {
			const held = this.#d.runs().filter(isHeld);
			this.#reported = 0;
			let affected = 0;
			for (let from = 0; from < held.length; from += CHUNK$3) affected += await this.#compare(held.slice(from, from + CHUNK$3));
			this.#d.observer.storeWentBack(affected);
			this.#d.logger.error({
				held: held.length,
				affected
			}, "what this node holds was compared with the store");
		}
		async #compare(runs) {
			const { store, logger } = this.#d;
			try {
				const records = await store.get(runs.map(({ key }) => key));
				const lost = runs.flatMap((run, i) => {
					const record = records[i];
					return record === void 0 || record.version < run.version ? [{
						run,
						record
					}] : [];
				});
				const mine = lost.filter(({ record }) => this.#mayRestore(record));
				for (const { run, record } of lost) if (!this.#mayRestore(record)) this.#report(run, record, "driven by another session");
				if (mine.length > 0) await this.#restore(mine);
				return lost.length;
			} catch (error) {
				logger.error({
					gids: runs.map(({ key }) => key.gid),
					error: String(error)
				}, "could not be compared with the store");
				return runs.length;
			}
		}
		#mayRestore(record) {
			return record === void 0 || record.owner === null || record.owner === this.#d.session();
		}
		async #restore(lost) {
			const { store, session } = this.#d;
			const owner = session();
			const items = lost.flatMap(({ run, record }) => run.transaction === void 0 ? [] : [writeItem({
				...run,
				version: record?.version ?? 0
			}, run.transaction, {
				writeId: `restored ${owner} ${run.version}`,
				owner,
				dueInMs: null
			})]);
			const outcomes = await store.write(items);
			for (const [i, { run, record }] of lost.entries()) this.#report(run, record, outcomes[i]?.kind === "applied" ? "restored" : "not restored");
			const registrations = lost.flatMap(({ run }, i) => outcomes[i]?.kind === "applied" ? registrationsOf(run) : []);
			if (registrations.length > 0) await store.write(registrations);
		}
		#report({ key, version }, record, outcome) {
			if (++this.#reported > REPORTED) return;
			this.#d.logger.error({
				gid: key.gid,
				namespace: key.namespace,
				acknowledged: version,
				found: record?.version ?? null,
				outcome
			}, "the store has lost acknowledged writes of this transaction");
		}
	};
	isHeld = ({ ownership, version, transaction }) => ownership === "ours" && version > 0 && transaction !== void 0 && !isFinal(transaction.state.status);
}));
// packages/core/src/engine/lists.ts
async function listPage({ store, clock }, namespace, query) {
	const pageOf = async (records, next) => ({
		items: await viewsOf(records, query.summary === true, clock),
		next
	});
	const endMs = clock.monotonicMs() + SEARCH_MS;
	const found = [];
	let bytes = 0;
	let cursor = query.cursor;
	if (await isComplete(store, namespace, query, 0)) return {
		items: [],
		next: null
	};
	for (;;) {
		const limit = query.limit - found.length;
		const page = await store.list({
			...query,
			namespace,
			limit,
			...cursor !== void 0 && { cursor }
		});
		found.push(...page.items);
		bytes = page.items.reduce((sum, record) => sum + bodyBytes$1(record), bytes);
		const isFull = found.length === query.limit || bytes > STORE_LIMITS.answerBytes / 2;
		if (page.next === null || isFull || !isSearch(query) || clock.monotonicMs() >= endMs) return pageOf(found, page.next);
		if (page.items.length > 0 && await isComplete(store, namespace, query, found.length)) return pageOf(found, null);
		cursor = page.next;
		await nextTurn$2(clock);
	}
}
async function viewsOf(records, summary, clock) {
	const views = [];
	let startedMs = clock.monotonicMs();
	for (const record of records) {
		if (clock.monotonicMs() - startedMs > TURN_MS) {
			await nextTurn$2(clock);
			startedMs = clock.monotonicMs();
		}
		views.push(viewOf(record, summary));
	}
	return views;
}
async function isComplete(store, namespace, { status, attention, cursor }, found) {
	if (status === void 0 && attention !== true) return false;
	if (cursor !== void 0 && found > 0) return false;
	const counts = await store.count(namespace);
	return found >= Math.min(status === void 0 ? Infinity : counts.byStatus[status], attention === true ? counts.attention : Infinity);
}
var SEARCH_MS, TURN_MS, nextTurn$2, isSearch;
var init_lists = __esmMin((() => {
	init_rules();
	init_room();
	init_records$1();
	SEARCH_MS = 1e3;
	TURN_MS = 2;
	nextTurn$2 = (clock) => new Promise((resolve) => void clock.setTimer(0, resolve));
	isSearch = ({ status, pattern, attention }) => status !== void 0 || pattern !== void 0 || attention !== void 0;
}));
// packages/core/src/engine/registrations.ts
function assertSame(gid, pattern, branches, existing, strict) {
	for (const entry of existing) {
		const first = decodeRegistration(entry);
		const second = branches.find((branch) => branch.branchId === first.branchId && branch.op === first.op);
		if (second === void 0) continue;
		const name = `branch ${first.branchId} ${first.op}`;
		if (second.status !== first.status) throw new HoldfastError("refused", `${name} was recorded as ${first.status} before; that stays`, {
			gid,
			field: "status"
		});
		const other = differenceOf(first, second, strict || pattern === "tcc", pattern);
		if (other !== void 0) throw new HoldfastError("refused", `${name} was registered with ${other} before; that stays`, {
			gid,
			field: "branch_id"
		});
	}
}
function differenceOf(first, second, isWhole, pattern) {
	if (!isWhole) return pattern === "xa" && first.url !== second.url ? "another URL" : void 0;
	if (first.url !== second.url || !samePayload(first.payload, second.payload)) return "another URL or payload";
	if (first.digest === second.digest) return void 0;
	return pattern === "tcc" ? "another digest (by another part of the transaction or within another run)" : "other input (another digest)";
}
function roomFor(pattern, branches) {
	const { registeredBranches, registeredBytes, workflowSteps } = LIMITS;
	if (pattern !== "workflow") return {
		maxEntries: registeredBranches,
		maxBytes: registeredBytes
	};
	return branches.some(({ op }) => op !== "rollback" && op !== "commit") ? {
		maxEntries: 2 * workflowSteps,
		maxBytes: registeredBytes
	} : {
		maxEntries: 4 * workflowSteps,
		maxBytes: 2 * registeredBytes
	};
}
function registrationError(gid, result) {
	switch (result.kind) {
		case "missing": return unknownGid(gid);
		case "conflict": return result.full === void 0 ? new HoldfastError("refused", `current status '${result.status}', cannot register a branch`, {
			gid,
			status: result.status
		}) : new HoldfastError("too_large", NO_ROOM$1[result.full], {
			gid,
			status: result.status
		});
		case "failed": return notStored({ gid }, result.error);
		case "abandoned": return new HoldfastError("unavailable", `${gid}: whether it was stored is not known; send it again`, { gid });
	}
}
var NO_ROOM$1;
var init_registrations = __esmMin((() => {
	init_src$5();
	init_entry_codec();
	init_errors$2();
	init_same_payload();
	NO_ROOM$1 = {
		entries: `a transaction has at most ${LIMITS.registeredBranches} registered branches, and a workflow at most ${LIMITS.workflowSteps} steps`,
		bytes: `the registered branches of a transaction have at most ${LIMITS.registeredBytes / 1024 / 1024} MiB together; keep large data elsewhere and send a reference to it`
	};
}));
// packages/core/src/engine/session.ts
function lapse(monotonicMs, wallMs, limitMs) {
	if (monotonicMs >= limitMs) return "no heartbeat was acknowledged for too long";
	return wallMs >= limitMs ? `no heartbeat was acknowledged for ${wallMs} ms by the wall clock: the machine was suspended, or its clock was set forward` : `the wall clock was set back by ${Math.round(monotonicMs - wallMs)} ms, which may hide that the machine was suspended`;
}
var LEASE_SHARE, SET_BACK_MS, AGAIN_MS, Session;
var init_session = __esmMin((() => {
	init_src$5();
	init_paced_warning();
	LEASE_SHARE = 2 / 3;
	SET_BACK_MS = 1e3;
	AGAIN_MS = 400;
	Session = class {
		#dependencies;
		#id = "";
		#acknowledgedSent = {
			monotonicMs: -Infinity,
			wallMs: -Infinity
		};
		#heartbeatAtMs = 0;
		#goingBack = false;
		#storeMs = 0;
		#storeReadAtMs = 0;
		#lastNowMs = 0;
		#timer;
		#stopped = false;
		#open = false;
		#beating = false;
		#failure;
		#trouble;
		constructor(dependencies) {
			this.#dependencies = dependencies;
			const message = "the heartbeat failed; it is sent again until the store responds";
			this.#trouble = new PacedWarning(dependencies, message, "the store responds again");
		}
		get id() {
			return this.#id;
		}
		get failure() {
			return this.#failure;
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
			const { store, options } = this.#dependencies;
			if (!this.#open) return false;
			if (store.capabilities.exclusive) return true;
			const { monotonicMs, wallMs } = this.#sinceAcknowledged();
			return Math.max(monotonicMs, wallMs) < options.silenceMs * LEASE_SHARE && monotonicMs - wallMs <= SET_BACK_MS;
		}
		#moment() {
			const { clock } = this.#dependencies;
			return {
				monotonicMs: clock.monotonicMs(),
				wallMs: clock.wallMs()
			};
		}
		#sinceAcknowledged() {
			const now = this.#moment();
			const sent = this.#acknowledgedSent;
			return {
				monotonicMs: now.monotonicMs - sent.monotonicMs,
				wallMs: now.wallMs - sent.wallMs
			};
		}
		nowMs() {
			const nowMs = Math.round(this.#storeMs + this.#dependencies.clock.monotonicMs() - this.#storeReadAtMs);
			if (nowMs > this.#lastNowMs) this.#lastNowMs = nowMs;
			return this.#lastNowMs;
		}
		loseIfLapsed() {
			if (!this.#open || this.leaseHeld()) return false;
			const { monotonicMs, wallMs } = this.#sinceAcknowledged();
			const limitMs = this.#dependencies.options.silenceMs * LEASE_SHARE;
			this.lose(lapse(monotonicMs, wallMs, limitMs));
			return true;
		}
		lose(reason) {
			if (!this.#open) return;
			this.#open = false;
			this.#dependencies.logger.error({
				session: this.#id,
				reason
			}, "session lost: everything it held is let go");
			try {
				this.#dependencies.onLost();
			} catch (error) {
				this.#dependencies.logger.error({
					session: this.#id,
					error: String(error)
				}, "what it held was not all dropped");
			}
			if (!this.#beating) this.#schedule();
		}
		async wentBack(foundMs) {
			if (!this.#open || this.#goingBack) return;
			this.#goingBack = true;
			this.#dependencies.logger.error({
				session: this.#id,
				acknowledgedMs: this.#heartbeatAtMs,
				foundMs
			}, "the store has lost acknowledged writes: it was restored from an older backup or file, or failed over to a replica that lacked them; what this node holds is compared and put back, other transactions may be missing or at an earlier state: compare them with the participants");
			try {
				await this.#dependencies.onWentBack();
			} finally {
				this.#goingBack = false;
				this.lose("the store has lost acknowledged writes");
			}
		}
		async #openNew() {
			const { store, identities, options } = this.#dependencies;
			const id = identities.newSession();
			const sent = this.#moment();
			await store.openSession(id, {
				node: options.node,
				version: options.version
			});
			const nowMs = await store.nowMs();
			if (this.#stopped) return store.endSession(id);
			this.#id = id;
			this.#heartbeatAtMs = 0;
			this.#acknowledge(sent, nowMs);
			this.#open = true;
		}
		#acknowledge(sent, nowMs) {
			this.#acknowledgedSent = sent;
			this.#storeMs = nowMs;
			this.#storeReadAtMs = this.#dependencies.clock.monotonicMs();
		}
		#schedule() {
			if (this.#stopped) return;
			const { clock, options, random } = this.#dependencies;
			const soonMs = AGAIN_MS * (1 + random() / 2);
			const delayMs = this.#open && this.#failure === void 0 ? options.heartbeatMs : Math.min(soonMs, options.heartbeatMs);
			this.#timer?.cancel();
			this.#timer = clock.setTimer(delayMs, () => void this.#beat());
		}
		async #beat() {
			this.#beating = true;
			this.loseIfLapsed();
			this.#failure = await this.#beatOnce();
			if (this.#failure === void 0) this.#trouble.succeeded({ session: this.#id });
			this.#beating = false;
			this.#schedule();
		}
		async #beatOnce() {
			const { store } = this.#dependencies;
			const sent = this.#moment();
			const id = this.#id;
			try {
				if (this.#open) {
					const { alive, nowMs, lastMs } = await store.heartbeat(id);
					if (!this.#open) return void 0;
					if (lastMs === null || lastMs < this.#heartbeatAtMs) await this.wentBack(lastMs);
					else if (!alive) this.lose("another node ended it after a silence");
					else if (!this.loseIfLapsed()) {
						this.#acknowledge(sent, nowMs);
						this.#heartbeatAtMs = nowMs;
						return;
					}
				}
				await store.endSession(id);
				if (!this.#stopped) await this.#openNew();
				return;
			} catch (error) {
				this.#trouble.failed(error, { session: id });
				return textOfThrown(error);
			}
		}
	};
}));
// packages/core/src/engine/topics.ts
function shownAs(url, subscribers) {
	const beginning = url.slice(0, Math.max(0, url.indexOf("***")));
	return beginning === "" ? [] : subscribers.filter((s) => s.url.startsWith(beginning) && withoutSecrets(s.url) === url);
}
function requireName(topic, url) {
	acceptKeyText("topic", topic, LIMITS.topicLength);
	acceptKeyText("url", url, LIMITS.urlLength);
}
function requireWhole(url) {
	if (!SHOWN_SECRET.test(url)) return;
	throw new HoldfastError("invalid", "url holds *** instead of a secret, as lists show it; give the URL with its secrets", { field: "url" });
}
function requireRemark(remark) {
	if (remark.length <= LIMITS.remarkLength) return;
	const fault = `must have at most ${LIMITS.remarkLength} characters, this one has ${remark.length}`;
	throw new HoldfastError("invalid", `remark ${fault}`, { field: "remark" });
}
var TOPICS, MAX_ROUNDS, Topics, subscribersOf, noSuchTopic, contended, SHOWN_SECRET;
var init_topics = __esmMin((() => {
	init_src$5();
	init_rules();
	init_accept();
	TOPICS = "topics";
	MAX_ROUNDS = 20;
	Topics = class {
		#store;
		constructor(store) {
			this.#store = store;
		}
		async subscribe(namespace, topic, subscriber) {
			requireName(topic, subscriber.url);
			requireWhole(subscriber.url);
			requireRemark(subscriber.remark);
			await this.#change(namespace, topic, (subscribers) => {
				if (subscribers?.some((s) => s.url === subscriber.url)) throw new HoldfastError("refused", `${withoutSecrets(subscriber.url)} subscribes ${topic} already`, { field: "url" });
				if (subscribers !== void 0 && subscribers.length >= LIMITS.topicSubscribers) throw new HoldfastError("too_large", `topic ${topic} has ${subscribers.length} subscribers, which is the limit`, { field: "topic" });
				return [...subscribers ?? [], subscriber];
			});
		}
		async unsubscribe(namespace, topic, url) {
			requireName(topic, url);
			await this.#change(namespace, topic, (subscribers) => {
				if (subscribers === void 0) throw noSuchTopic(topic);
				const exact = subscribers.filter((s) => s.url === url);
				const meant = exact.length > 0 ? exact : shownAs(url, subscribers);
				const shown = withoutSecrets(url);
				if (meant.length === 0) throw new HoldfastError("not_found", `${shown} does not subscribe ${topic}`, { field: "url" });
				if (meant.length > 1) {
					const fault = `${meant.length} subscribers of ${topic} are shown as ${shown}; give the URL with its secrets`;
					throw new HoldfastError("refused", fault, { field: "url" });
				}
				return subscribers.filter((s) => !meant.includes(s));
			});
		}
		async remove(namespace, topic) {
			acceptKeyText("topic", topic, LIMITS.topicLength);
			for (let round = 0; round < MAX_ROUNDS; round++) {
				const id = {
					namespace,
					category: TOPICS,
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
			const known = new Map();
			const steps = [];
			let branches = 0;
			for (const [index, step] of definition.steps.entries()) {
				const topic = step.action.startsWith("topic://") ? step.action.slice(TOPIC_PREFIX.length) : void 0;
				const field = `steps[${index}].action`;
				if (topic === void 0) steps.push(step);
				else {
					const subscribers = known.get(topic) ?? await this.#subscribersOf(namespace, topic, gid, field);
					known.set(topic, subscribers);
					steps.push({
						...step,
						subscribers
					});
				}
				branches += steps[index]?.subscribers?.length ?? 1;
				if (branches > LIMITS.messageBranches) {
					const fault = `with ${topic === void 0 ? "one" : `the ${known.get(topic)?.length} subscribers of topic ${topic}`} the message has ${branches} branches; at most ${LIMITS.messageBranches} are allowed`;
					throw new HoldfastError("too_large", `${field}: ${fault}`, {
						gid,
						field
					});
				}
			}
			return {
				...definition,
				steps
			};
		}
		async #subscribersOf(namespace, topic, gid, field) {
			const stored = topic.length <= LIMITS.topicLength && isStorable(topic) ? await this.#store.kvGet({
				namespace,
				category: TOPICS,
				key: topic
			}) : void 0;
			const subscribers = stored === void 0 ? [] : subscribersOf(stored).map((s) => withoutCoordinates(s.url));
			if (subscribers.length > 0) return subscribers;
			throw new HoldfastError("invalid", `topic ${topic} has no subscribers`, {
				gid,
				field
			});
		}
		async #change(namespace, topic, change) {
			const id = {
				namespace,
				category: TOPICS,
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
	SHOWN_SECRET = /:\/\/\*\*\*@|[?&;][^=&;#]{1,100}=\*\*\*(?:[&;#]|$)/;
}));
// packages/core/src/engine/watcher.ts
function isQuiet(run) {
	if (run.ownership !== "ours" || run.phase !== "open") return false;
	const quiet = run.watchedVersion === run.version;
	run.watchedVersion = run.version;
	return quiet;
}
var WATCH_MS, WATCH_BATCH, Watcher, isChanged;
var init_watcher = __esmMin((() => {
	init_paced_warning();
	WATCH_MS = 300;
	WATCH_BATCH = 2e3;
	Watcher = class {
		#d;
		#trouble;
		#timer;
		#stopped = true;
		#turn = 0;
		constructor(dependencies) {
			this.#d = dependencies;
			this.#trouble = new PacedWarning(dependencies, "commands stored by other nodes could not be checked for");
		}
		start() {
			if (this.#d.store.capabilities.exclusive) return;
			this.#stopped = false;
			this.#schedule();
		}
		stop() {
			this.#stopped = true;
			this.#timer?.cancel();
		}
		#schedule() {
			if (this.#stopped) return;
			this.#timer = this.#d.clock.setTimer(WATCH_MS, () => void this.#watch().finally(() => this.#schedule()));
		}
		async #watch() {
			const { store, session, reread } = this.#d;
			try {
				const quiet = this.#byTurns(this.#d.runs().filter(isQuiet));
				if (quiet.length === 0 || !session.leaseHeld()) return;
				const asked = quiet.map(({ version }) => version);
				const versions = await store.versions(quiet.map(({ key }) => key));
				this.#trouble.succeeded();
				for (const [i, run] of quiet.entries()) if (run.phase === "open" && run.ownership === "ours" && run.version === asked[i]) {
					if (versions[i] === void 0) session.wentBack();
					else if (isChanged(versions[i], run)) reread(run);
				}
			} catch (error) {
				this.#trouble.failed(error);
			}
		}
		#byTurns(quiet) {
			if (quiet.length <= WATCH_BATCH) return quiet;
			const from = this.#turn % quiet.length;
			this.#turn = from + WATCH_BATCH;
			return [...quiet, ...quiet].slice(from, from + WATCH_BATCH);
		}
	};
	isChanged = (version, run) => version > run.version;
}));
// packages/core/src/engine/write-path.ts
var STALE_MS, UNCONFIRMED_MS, PROBE_MS, LOG_EVERY_MS, LOG_AT_LEAST_EVERY_MS, PROBE$1, PROBE_GID, NO_VERSION, WritePath;
var init_write_path = __esmMin((() => {
	init_store();
	STALE_MS = 6e4;
	UNCONFIRMED_MS = 5e3;
	PROBE_MS = 1500;
	LOG_EVERY_MS = 1e4;
	LOG_AT_LEAST_EVERY_MS = 3e5;
	PROBE$1 = {
		namespace: "default",
		category: "readiness",
		key: "probe"
	};
	PROBE_GID = ".readiness-probe";
	NO_VERSION = 0;
	WritePath = class {
		#d;
		#state = { kind: "untried" };
		#probing;
		#unconfirmedSinceMs;
		#nextLineAtMs = -Infinity;
		#intervalMs = LOG_EVERY_MS;
		#unlogged = 0;
		constructor(dependencies) {
			this.#d = dependencies;
		}
		started() {
			this.#unconfirmedSinceMs ??= this.#d.clock.monotonicMs();
		}
		rejected() {
			this.#unconfirmedSinceMs = void 0;
		}
		succeeded() {
			const nowMs = this.#d.clock.monotonicMs();
			this.#unconfirmedSinceMs = void 0;
			if (this.#state.kind === "failing") {
				const forMs = Math.round(nowMs - this.#state.sinceMs);
				this.#d.logger.info({
					forMs,
					refused: this.#unlogged
				}, "the store takes batches again");
				this.#unlogged = 0;
				this.#nextLineAtMs = -Infinity;
				this.#intervalMs = LOG_EVERY_MS;
			}
			this.#state = {
				kind: "working",
				atMs: nowMs
			};
		}
		failed(error, items) {
			const nowMs = this.#d.clock.monotonicMs();
			this.#unconfirmedSinceMs = void 0;
			const sinceMs = this.#state.kind === "failing" ? this.#state.sinceMs : nowMs;
			this.#state = {
				kind: "failing",
				sinceMs,
				error
			};
			this.#unlogged++;
			if (nowMs < this.#nextLineAtMs) return;
			this.#d.logger.warn({
				code: error.code,
				error: error.message,
				transactions: items,
				batches: this.#unlogged
			}, "the store does not take batches");
			this.#nextLineAtMs = nowMs + this.#intervalMs;
			this.#intervalMs = Math.min(LOG_AT_LEAST_EVERY_MS, this.#intervalMs * 2);
			this.#unlogged = 0;
		}
		async assertWritable() {
			const state = this.#state;
			const nowMs = this.#d.clock.monotonicMs();
			if ((this.#unconfirmedSinceMs === void 0 || nowMs - this.#unconfirmedSinceMs < UNCONFIRMED_MS) && state.kind === "working" && nowMs - state.atMs < STALE_MS) return;
			await this.#within(PROBE_MS, this.#probeOnce());
		}
		async takesWrites() {
			try {
				await this.#probeOnce();
				return true;
			} catch {
				return false;
			}
		}
		#within(limitMs, probe) {
			return new Promise((resolve, reject) => {
				const timer = this.#d.clock.setTimer(limitMs, () => reject(this.#unconfirmed()));
				probe.then(resolve, reject).finally(() => timer.cancel());
			});
		}
		#unconfirmed() {
			const sinceMs = this.#unconfirmedSinceMs ?? this.#d.clock.monotonicMs() - PROBE_MS;
			const forMs = Math.round(this.#d.clock.monotonicMs() - sinceMs);
			const before = this.#state.kind === "failing" ? `; before that: ${this.#state.error.message}` : "";
			return new StoreError("unavailable", `the store has not responded to a write for ${forMs} ms${before}`);
		}
		#probeOnce() {
			return this.#probing ??= this.#probe().finally(() => this.#probing = void 0);
		}
		async #probe() {
			const { store, node } = this.#d;
			try {
				await store.write([{
					kind: "update",
					key: {
						namespace: PROBE$1.namespace,
						gid: PROBE_GID
					},
					expectVersion: NO_VERSION,
					writeId: `probe of ${node}`,
					status: "submitted",
					owner: null,
					dueInMs: null,
					attention: false,
					state: new Uint8Array()
				}]);
				const found = await store.kvGet(PROBE$1);
				await store.kvPut(PROBE$1, node, found?.version ?? 0);
				this.succeeded();
			} catch (thrown) {
				const error = thrown instanceof StoreError ? thrown : new StoreError("unavailable", String(thrown), thrown);
				this.failed(error, 0);
				throw error;
			}
		}
	};
}));
// packages/core/src/engine/engine.ts
var DRAIN_POLL_MS, LONG, parkedOutcome, Engine;
var init_engine = __esmMin((() => {
	init_src$5();
	init_entry_codec();
	init_engine_options$1();
	init_observer();
	init_retry();
	init_state();
	init_workflow();
	init_store();
	init_accept();
	init_rules();
	init_calls();
	init_claimer();
	init_contain();
	init_committer();
	init_destinations();
	init_driver();
	init_errors$2();
	init_final_waiters();
	init_janitor();
	init_lost_writes();
	init_lists();
	init_records$1();
	init_registrations();
	init_run();
	init_session();
	init_topics();
	init_watcher();
	init_write_path();
	DRAIN_POLL_MS = 20;
	LONG = 100;
	parkedOutcome = (parked) => ({
		waited: true,
		lastResult: {
			kind: "UNKNOWN",
			reason: `parked: ${parked}`
		},
		parked
	});
	Engine = class {
		#d;
		#options;
		#session;
		#committer;
		#writePath;
		#destinations;
		#driver;
		#claimer;
		#janitor;
		#watcher;
		#topics;
		#waiters;
		#started = false;
		#retiring = false;
		#draining = false;
		constructor(dependencies, options = {}) {
			const d = this.#d = contained({
				...dependencies,
				observer: dependencies.observer ?? NO_OBSERVER
			});
			const all = this.#options = {
				...DEFAULT_ENGINE_OPTIONS,
				...options
			};
			const lostWrites = new LostWrites({
				...d,
				session: () => this.#session.id,
				runs: () => this.#driver.runs()
			});
			this.#session = new Session({
				...d,
				options: all,
				onLost: () => this.#driver.dropAll(),
				onWentBack: () => lostWrites.restore()
			});
			this.#writePath = new WritePath({
				...d,
				node: all.node
			});
			this.#committer = new Committer({
				...d,
				writePath: this.#writePath,
				bounds: all
			});
			this.#destinations = new Destinations({
				maxRunning: all.maxCallsPerDestination,
				maxWaiting: all.maxQueuedPerDestination,
				maxDeferralMs: all.maxRetryIntervalMs,
				room: () => Math.ceil(all.maxInProgress * .9) - this.#driver.size,
				monotonicMs: () => d.clock.monotonicMs(),
				later: (callback) => void d.clock.setTimer(0, callback)
			});
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
				room: () => this.#driver.mayClaim ? all.maxInProgress - this.#driver.size - this.#driver.doubts : 0,
				adopt: (limit, claim) => this.#driver.adopt(limit, claim)
			});
			this.#janitor = new Janitor({
				...d,
				session: this.#session,
				options: all,
				onReleased: () => this.#claimer.hint(0)
			});
			this.#watcher = new Watcher({
				...d,
				session: this.#session,
				runs: () => this.#driver.runs(),
				reread: (run) => this.#driver.reread(run)
			});
			this.#topics = new Topics(d.store);
		}
		async start() {
			await this.#fromStore(() => this.#session.start());
			this.#started = true;
			this.#janitor.start();
			this.#claimer.start();
			this.#watcher.start();
		}
		retire() {
			this.#retiring = true;
		}
		quiesce() {
			this.retire();
			this.#claimer.stop();
			this.#janitor.stop();
		}
		async drain(timeoutMs) {
			this.quiesce();
			this.#draining = true;
			const deadlineMs = this.#d.clock.monotonicMs() + timeoutMs;
			while (this.#driver.size > 0 && this.#d.clock.monotonicMs() < deadlineMs) await this.#pause(DRAIN_POLL_MS);
			const left = this.#driver.size;
			this.#watcher.stop();
			this.#driver.dropAll();
			this.#waiters.endAll();
			await this.#fromStore(() => this.#session.stop());
			if (left > 0) await this.#janitor.handOver(left);
			return left;
		}
		newGid() {
			try {
				return this.#d.identities.newGid();
			} catch (error) {
				throw HoldfastError.from(error);
			}
		}
		async prepare(context, input) {
			return viewOfTransaction(await this.#create(context, input, {
				kind: "prepared",
				again: false
			}, false));
		}
		async submitPrepared(context, { gid, pattern, branches, run }) {
			this.#assertAccepting();
			const event = {
				kind: "submitted",
				options: {},
				...branches !== void 0 && { branches },
				...run !== void 0 && { run }
			};
			return viewOfTransaction(await this.#command(context, gid, event, { pattern }));
		}
		async submit(context, input) {
			const wholePass = input.options?.waitResult === true;
			if (wholePass) this.assertMayWait(input.gid);
			const transaction = await this.#create(context, input, {
				kind: "submitted",
				options: input.options ?? {}
			}, wholePass);
			const { key, state, lastResult } = transaction;
			if (!wholePass && (state.status === "aborting" || state.status === "failed")) throw isPast(key, state.status, "submit");
			const view = () => viewOfTransaction(transaction);
			if (wholePass && state.parked !== "") return {
				...parkedOutcome(state.parked),
				status: state.status,
				rollbackReason: failureReason(state),
				view
			};
			if (wholePass && !isFinal(state.status) && lastResult === void 0 && state.notBeforeMs === 0) {
				const seen = await this.wait(context, input.gid, this.#options.maxWaitMs).catch(view);
				const rollbackReason = failureReason(seen.state);
				const { parked } = seen.state;
				return {
					...parked === "" ? {
						waited: true,
						lastResult: void 0
					} : parkedOutcome(parked),
					status: seen.status,
					rollbackReason,
					view: () => seen
				};
			}
			return {
				status: state.status,
				waited: wholePass,
				rollbackReason: failureReason(state),
				lastResult,
				view
			};
		}
		async finishWorkflow(context, { gid, status, rollbackReason, result }) {
			if (result.length > LIMITS.workflowResultLength) {
				const fault = `must have at most ${LIMITS.workflowResultLength} characters, this one has ${result.length}`;
				throw new HoldfastError("too_large", `req_extra.result ${fault}`, {
					gid,
					field: "req_extra.result"
				});
			}
			const ended = {
				kind: "ended",
				status,
				rollbackReason: cutReason(rollbackReason),
				result
			};
			return viewOfTransaction(await this.#command(context, gid, ended, { pattern: "workflow" }));
		}
		async abort(context, { gid, pattern, reason, byOperator = false, waitResult = false }) {
			const event = {
				kind: "abort",
				reason: cutReason(reason),
				byOperator
			};
			return viewOfTransaction(await this.#command(context, gid, event, {
				pattern,
				wholePass: waitResult
			}));
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
				...pattern !== void 0 && { whenPattern: pattern },
				entries,
				...roomFor(pattern, branches),
				...isWorkflow && { postponeMs: await this.#callBackIntervalMs(context, gid) }
			});
			if (result.kind === "applied") return assertSame(gid, pattern, branches, result.existing, strict);
			if (result.kind === "conflict") await this.#assertPattern(context, gid, pattern);
			throw registrationError(gid, result);
		}
		async prepareWorkflow(context, input) {
			let found;
			try {
				found = await this.#create(context, input, {
					kind: "prepared",
					again: false
				}, false);
			} catch (error) {
				if (!(error instanceof HoldfastError) || error.code !== "refused" || error.field !== void 0) throw error;
			}
			try {
				return await this.#mustGet(context, input.gid);
			} catch (error) {
				if (found === void 0 || found.checking) throw error;
				return viewOfTransaction(found);
			}
		}
		async #callBackIntervalMs(context, gid) {
			const { definition } = await this.#assertPattern(context, gid, "workflow");
			return plainIntervalMs(definition.options, this.#options);
		}
		async #assertPattern(context, gid, pattern) {
			const view = await this.#mustGet(context, gid);
			if (pattern !== void 0 && view.pattern !== pattern) throw new HoldfastError("refused", `${gid} is a ${view.pattern}, not a ${pattern}`, {
				gid,
				field: "trans_type",
				status: view.status
			});
			return view;
		}
		async parkWorkflow(context, { gid, reason }) {
			const event = {
				kind: "park",
				reason: cutReason(reason)
			};
			return viewOfTransaction(await this.#command(context, gid, event, { pattern: "workflow" }));
		}
		async heartbeat(context, gid) {
			await this.#command(context, gid, { kind: "heartbeat" }, { pattern: "workflow" });
		}
		heartbeatPeriodMs({ definition }) {
			return heartbeatPeriodMs(definition.options, this.#options);
		}
		async forceStop(context, { gid, reason }) {
			const event = {
				kind: "stop",
				reason: cutReason(reason) || "no reason was given"
			};
			return viewOfTransaction(await this.#command(context, gid, event));
		}
		async retryNow(context, gid) {
			return viewOfTransaction(await this.#command(context, gid, { kind: "retry" }));
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
			acceptKnownGid(gid);
			const [record] = await this.#fromStore(() => this.#d.store.get([{
				namespace: context.namespace,
				gid
			}]));
			return record === void 0 ? void 0 : viewOf(record);
		}
		async list(context, query) {
			if (query.gid !== void 0) acceptKnownGid(query.gid);
			return this.#fromStore(() => listPage(this.#d, context.namespace, query));
		}
		assertMayWait(gid) {
			if (this.#waiters.count >= this.#options.maxWaiters) throw new HoldfastError("overloaded", "too many callers wait for results; ask again later", { gid });
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
			this.assertMayWait(gid);
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
		async scanKeyValues(context, query) {
			acceptKeyText("cat", query.category, STORE_LIMITS.categoryLength);
			return this.#fromStore(() => this.#d.store.kvScan({
				...query,
				namespace: context.namespace
			}));
		}
		async queryKeyValue(context, { category, key }) {
			acceptKeyText("cat", category, STORE_LIMITS.categoryLength);
			acceptKeyText("key", key, STORE_LIMITS.keyLength);
			return this.#fromStore(() => this.#d.store.kvGet({
				namespace: context.namespace,
				category,
				key
			}));
		}
		counts(context) {
			return this.#fromStore(() => this.#d.store.count(context.namespace));
		}
		async nodes() {
			const sessions = await this.#fromStore(() => this.#d.store.sessions());
			return {
				nowMs: this.#session.nowMs(),
				sessions
			};
		}
		load() {
			return {
				session: this.#session.id,
				inProgress: this.#driver.size,
				callsRunning: this.#destinations.running,
				writesQueued: this.#committer.queued,
				waiters: this.#waiters.count,
				draining: this.#retiring,
				leaseHeld: this.#session.leaseHeld()
			};
		}
		async ready() {
			this.#assertAccepting();
			if (this.#retiring) throw new HoldfastError("unavailable", "this node is stopping");
			await this.#fromStore(() => this.#d.store.nowMs());
			if (!this.#session.leaseHeld()) throw new HoldfastError("unavailable", this.#whyNoSession());
			await this.#fromStore(() => this.#writePath.assertWritable());
		}
		#whyNoSession() {
			const { failure } = this.#session;
			return `this node has no session in the store and opens a new one when the store takes it${failure === void 0 ? "" : `: ${failure}`}`;
		}
		async #create(context, input, event, wholePass) {
			this.#assertAccepting();
			const accepted = acceptDefinition(input);
			const isLong = accepted.steps.length > LONG;
			if (isLong) await this.#nextTurn();
			let definition = accepted;
			if (accepted.pattern === "msg") try {
				definition = await this.#fromStore(() => this.#topics.resolve(context.namespace, input.gid, accepted));
			} catch (error) {
				const { code } = HoldfastError.from(error);
				if (!(code === "invalid" || code === "too_large") || await this.get(context, input.gid) === void 0) throw error;
				return this.#command(context, input.gid, event, {
					pattern: "msg",
					definition: accepted,
					wholePass
				});
			}
			const key = {
				namespace: context.namespace,
				gid: input.gid
			};
			const nowMs = this.#session.nowMs();
			const fresh = newTransaction(key, definition, nowMs, input.heartbeats === true ? nowMs : 0);
			const group = groupOf(input.gid, definition) || (input.group ?? "");
			if (isLong) await this.#nextTurn();
			return new Promise((done, failed) => {
				this.#driver.create(fresh, group, {
					event,
					reply: {
						done,
						failed,
						wholePass
					},
					pattern: input.pattern,
					definition
				});
			});
		}
		async #nextTurn() {
			await this.#pause(0);
			this.#assertAccepting();
		}
		#command(context, gid, event, { pattern, definition, wholePass = false } = {}) {
			acceptKnownGid(gid);
			this.#assertStarted();
			return new Promise((done, failed) => {
				const delivery = {
					event,
					reply: {
						done,
						failed,
						wholePass
					},
					...pattern !== void 0 && { pattern },
					...definition !== void 0 && { definition }
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
}));
// packages/core/src/stores/cursor.ts
function decodeListCursor(cursor) {
	const match = /^([0-9a-z]{1,11})\.(.+)$/.exec(cursor);
	const gid = match?.[2] === void 0 ? void 0 : decoded$1(match[2], LIMITS.gidLength);
	const createdAtMs = Number.parseInt(match?.[1] ?? "", 36);
	if (gid === void 0 || !(createdAtMs <= STORE_LIMITS.durationMs)) throw notOurs(cursor);
	return {
		createdAtMs,
		gid
	};
}
function decodeKeyCursor(cursor) {
	const key = cursor.startsWith("k.") ? decoded$1(cursor.slice(2), STORE_LIMITS.keyLength) : void 0;
	if (key === void 0) throw notOurs(cursor);
	return key;
}
function decoded$1(text, longest) {
	try {
		const part = decodeURIComponent(text);
		return part.length <= longest && isStorable(part) ? part : void 0;
	} catch {
		return;
	}
}
var encodeListCursor, encodeKeyCursor, notOurs;
var init_cursor = __esmMin((() => {
	init_src$5();
	init_store();
	init_rules();
	encodeListCursor = (position) => `${position.createdAtMs.toString(36)}.${encodeURIComponent(position.gid)}`;
	encodeKeyCursor = (key) => `k.${encodeURIComponent(key)}`;
	notOurs = (cursor) => new StoreError("invalid", `"${cursor.slice(0, 64)}" is not a cursor of this store; start again without one`);
}));
// packages/core/src/stores/list-filter.ts
var passesFilter, passingFilter, NO_BODY$2, summaryOf;
var init_list_filter = __esmMin((() => {
	passesFilter = (record, query) => (query.status === void 0 || record.status === query.status) && (query.pattern === void 0 || record.pattern === query.pattern) && (query.attention === void 0 || record.attention === query.attention) && record.createdAtMs >= (query.createdFromMs ?? 0) && record.createdAtMs <= (query.createdToMs ?? Infinity);
	passingFilter = (found, query) => found.flatMap((record) => record !== void 0 && passesFilter(record, query) ? [record] : []);
	NO_BODY$2 = new Uint8Array(0);
	summaryOf = (record) => ({
		...record,
		definition: NO_BODY$2,
		entries: []
	});
}));
// packages/core/src/stores/memory-key-values.ts
var MemoryKeyValues;
var init_memory_key_values = __esmMin((() => {
	init_cursor();
	init_room();
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
			const room = new Room(query.limit, query.maxBytes);
			const beyond = rest.findIndex(({ value }) => !room.take(Buffer.byteLength(value)));
			const items = beyond < 0 ? rest : rest.slice(0, beyond);
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
var CHUNK$2, SortedSet;
var init_sorted_set = __esmMin((() => {
	CHUNK$2 = 512;
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
			if (chunk.length > CHUNK$2) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK$2 / 2));
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
	init_src$5();
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
		countOwned(owner) {
			return this.#owned.get(owner)?.size ?? 0;
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
// packages/core/src/stores/node-clock.ts
var PACE, NodeClock;
var init_node_clock = __esmMin((() => {
	PACE = .99;
	NodeClock = class {
		#wallMs;
		#monotonicMs;
		#seenMs = 0;
		#seenAtMs = 0;
		constructor(wallMs, monotonicMs) {
			this.#wallMs = wallMs;
			this.#monotonicMs = monotonicMs;
		}
		get floorMs() {
			if (this.#seenMs === 0) return 0;
			return Math.floor(this.#seenMs + (this.#monotonicMs() - this.#seenAtMs) * PACE);
		}
		wallMs() {
			return this.#wallMs === void 0 ? void 0 : Math.floor(this.#wallMs());
		}
		nowMs() {
			return this.seen(Math.max(this.floorMs, this.wallMs() ?? 0));
		}
		seen(nowMs) {
			if (nowMs > this.floorMs) {
				this.#seenMs = nowMs;
				this.#seenAtMs = this.#monotonicMs();
			}
			return nowMs;
		}
	};
}));
// packages/core/src/stores/session-table.ts
var REMEMBERED$1, SessionTable;
var init_session_table = __esmMin((() => {
	init_store();
	REMEMBERED$1 = 1e3;
	SessionTable = class {
		#living = new Map();
		#ended = new Map();
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
			if (row === void 0) return {
				alive: false,
				nowMs,
				lastMs: this.#ended.get(session) ?? null
			};
			this.#living.set(session, {
				...row,
				heartbeatAtMs: nowMs
			});
			return {
				alive: true,
				nowMs,
				lastMs: row.heartbeatAtMs
			};
		}
		end(session) {
			if (!this.#ended.has(session)) this.#ended.set(session, this.#living.get(session)?.heartbeatAtMs ?? Infinity);
			this.#living.delete(session);
			if (this.#ended.size <= REMEMBERED$1) return;
			for (const oldest of this.#ended.keys()) {
				this.#ended.delete(oldest);
				return;
			}
		}
		endSilent({ silenceMs, keep, unchanged }, nowMs) {
			const seen = unchanged && new Map(unchanged.map(({ session, heartbeatAtMs }) => [session, heartbeatAtMs]));
			const silent = [...this.#living.values()].filter(({ session, heartbeatAtMs }) => session !== keep && nowMs - heartbeatAtMs > silenceMs && (seen === void 0 || seen.get(session) === heartbeatAtMs));
			for (const row of silent) this.end(row.session);
			return silent.map((row) => row.session);
		}
		rows(countOwned) {
			return Array.from(this.#living.values(), (row) => ({
				...row,
				owned: countOwned(row.session)
			}));
		}
	};
}));
// packages/core/src/stores/transitions.ts
function storedTransaction(head, definition, state, entries) {
	const record = {
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
	};
	if (head.unreadable === void 0) return record;
	const { unreadable, damaged, withoutBodies } = head;
	return {
		...record,
		unreadable,
		...damaged && { damaged },
		...withoutBodies && { withoutBodies }
	};
}
function withEntriesCounted(record, count) {
	const { length } = record.entries;
	if (length === count) return record;
	return {
		...record,
		unreadable: `${length} of its ${count} entries are stored`,
		damaged: true
	};
}
function insertOverExisting(item, head) {
	return head.writeId === item.writeId ? applied(1) : conflict(head);
}
function updateRefused(item, head) {
	if (head === void 0) return { kind: "missing" };
	if (head.damaged === true) return item.expectVersion === 0 && isFinal(item.status) ? void 0 : conflict(head);
	if (head.version !== item.expectVersion) return head.writeId === item.writeId ? applied(item.expectVersion + 1) : conflict(head);
	return head.unreadable !== void 0 || isFinal(head.status) && !isFinal(item.status) ? conflict(head) : void 0;
}
function appendRefused(item, head, existing, entryBytes) {
	if (head === void 0) return { kind: "missing" };
	const added = item.entries.length - existing.length;
	if (added === 0) return applied(head.version, existing);
	if (!(item.whenPattern === void 0 || item.whenPattern === head.pattern) || head.unreadable !== void 0 || !item.whenStatus.includes(head.status)) return conflict(head);
	if (head.entryCount + added > item.maxEntries) return {
		...conflict(head),
		full: "entries"
	};
	if (item.maxBytes === void 0) return void 0;
	const addedBytes = sumOfBodies(item.entries) - sumOfBodies(existingIn(item, existing));
	return (head.entryCount === 0 ? 0 : entryBytes()) + addedBytes > item.maxBytes ? {
		...conflict(head),
		full: "bytes"
	} : void 0;
}
function existingIn({ entries }, existing) {
	const there = new Set(existing.map(({ key }) => key));
	return entries.filter(({ key }) => there.has(key));
}
function inserted(item, nowMs) {
	return settled$1(item, nowMs, {
		createdAtMs: nowMs,
		finishedAtMs: null,
		pattern: item.pattern,
		group: item.group,
		version: 0,
		entryCount: 0
	});
}
function settled$1(item, nowMs, before) {
	const final = isFinal(item.status);
	const owner = final ? null : item.owner;
	return {
		key: item.key,
		pattern: before.pattern,
		group: before.group,
		status: item.status,
		version: before.damaged === true ? REPLACED_VERSION : before.version + 1,
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
var NO_ENTRIES, applied, conflict, sumOfBodies, updated, REPLACED_VERSION, dueAt, claimed, madeDue;
var init_transitions = __esmMin((() => {
	init_src$5();
	NO_ENTRIES = [];
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
	sumOfBodies = (entries) => entries.reduce((sum, { body }) => sum + body.length, 0);
	updated = (item, before, nowMs) => settled$1(item, nowMs, before);
	REPLACED_VERSION = 2 ** 30;
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
var LOOKED_AT$3, MemoryStore;
var init_memory_store = __esmMin((() => {
	init_cursor();
	init_list_filter();
	init_memory_key_values();
	init_memory_records();
	init_node_clock();
	init_room();
	init_session_table();
	init_transitions();
	LOOKED_AT$3 = 5e3;
	MemoryStore = class {
		capabilities = {
			name: "memory",
			durable: false,
			exclusive: false
		};
		#clock;
		#records = new MemoryRecords();
		#sessions = new SessionTable();
		#keyValues = new MemoryKeyValues();
		constructor(wallMs, monotonicMs = () => 0) {
			this.#clock = new NodeClock(wallMs, monotonicMs);
		}
		async open() {
			return {
				found: 0,
				current: 1
			};
		}
		async close(idle) {
			await idle;
		}
		#now() {
			return this.#clock.nowMs();
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
			const refused = appendRefused(item, record?.head, existing, () => sumOfBodies(record?.entries ?? []));
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
		async versions(keys) {
			return keys.map((key) => this.#records.get(key)?.head.version);
		}
		#stored(key) {
			const record = this.#records.get(key);
			return record && storedTransaction(record.head, record.definition, record.state, record.entries);
		}
		async list(query) {
			const items = [];
			const room = new Room(query.limit, query.maxBytes);
			let looked = 0;
			let last;
			for (const { gid } of this.#candidates(query)) {
				const record = this.#stored({
					namespace: query.namespace,
					gid
				});
				if (record === void 0) continue;
				const passes = passesFilter(record, query);
				const item = query.summary === true ? summaryOf(record) : record;
				if ((looked++ === LOOKED_AT$3 || passes && !room.take(bodyBytes$1(item))) && last !== void 0) return {
					items,
					next: encodeListCursor(last)
				};
				last = {
					createdAtMs: record.createdAtMs,
					gid
				};
				if (passes) items.push(item);
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
			const room = new Room(request.limit, request.maxBytes);
			while (next !== void 0 && next.atMs <= nowMs && this.#fits(room, next)) {
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
		#fits(room, key) {
			const record = this.#records.get(key);
			return record !== void 0 && room.take(bodyBytes$1(record));
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
			return this.#sessions.heartbeat(session, this.#now());
		}
		async endSession(session) {
			this.#sessions.end(session);
		}
		async takeOver(request) {
			const { limit } = request;
			const nowMs = this.#now();
			const ended = this.#sessions.endSilent(request, nowMs);
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
			return this.#sessions.rows((session) => this.#records.countOwned(session));
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
}));
// packages/core/src/stores/words.ts
function wordsOf(pattern, status) {
	const knownPattern = PATTERNS_BY_NAME.get(pattern);
	const knownStatus = STATUSES_BY_NAME.get(status);
	if (knownPattern !== void 0 && knownStatus !== void 0) return {
		pattern: knownPattern,
		status: knownStatus
	};
	const what = knownPattern === void 0 ? `the pattern "${pattern}"` : `the status "${status}"`;
	return {
		pattern: knownPattern ?? "saga",
		status: knownStatus ?? "submitted",
		unreadable: `it has ${what}, which this version of Holdfast does not know; a later version drives it`
	};
}
var PATTERNS_BY_NAME, STATUSES_BY_NAME;
var init_words = __esmMin((() => {
	init_src$5();
	PATTERNS_BY_NAME = new Map(PATTERNS.map((pattern) => [pattern, pattern]));
	STATUSES_BY_NAME = new Map(STATUSES.map((status) => [status, status]));
}));
// packages/core/src/stores/timeouts.ts
function checkedTimeout(name, ms) {
	if (!Number.isInteger(ms) || ms < 1 || ms > LONGEST_TIMEOUT_MS) throw new StoreError("invalid", `${name} is ${ms}; it takes whole milliseconds from 1 to ${LONGEST_TIMEOUT_MS}`);
	return ms;
}
var SESSION_TIMEOUT_MS, LONGEST_TIMEOUT_MS;
var init_timeouts = __esmMin((() => {
	init_store();
	SESSION_TIMEOUT_MS = 3e3;
	LONGEST_TIMEOUT_MS = 6e5;
}));
// packages/core/src/stores/store-url.ts
function readStoreUrl(text, schemes, example) {
	if (!URL.canParse(text)) throw unreadable(text, example);
	const url = new URL(text);
	if (!schemes.includes(url.protocol)) throw new StoreError("invalid", `a store URL of this kind begins with ${schemes.map((scheme) => `${scheme}//`).join(" or ")}; it looks like ${example}`);
	if (url.hash !== "" || (url.pathname + url.search).includes("@")) throw unreadable(text, example);
	for (const part of [
		url.username,
		url.password,
		url.pathname
	]) decodeUrlPart(part);
	return url;
}
function decodeUrlPart(part) {
	try {
		return decodeURIComponent(part);
	} catch {
		throw new StoreError("invalid", `the store URL has a % that begins no escape: write it as %25; ${ENCODE}`);
	}
}
var ENCODE, unreadable;
var init_store_url = __esmMin((() => {
	init_store();
	ENCODE = "in a user or a password, characters such as @ / ? # : % [ ] must be percent-encoded (@ as %40, / as %2F, ? as %3F, # as %23, : as %3A, % as %25)";
	unreadable = (text, example) => new StoreError("invalid", `the store URL cannot be read; it looks like ${example}${text.includes("@") ? `; ${ENCODE}` : ""}`);
}));
// packages/core/src/checked-store.ts
async function converted(work, code = "unavailable") {
	try {
		return await work();
	} catch (caught) {
		const thrown = readableThrown(caught);
		if (thrown instanceof StoreError) throw thrown;
		throw new StoreError(code, textOfThrown(thrown), thrown);
	}
}
var CheckedStore, checkSession$2;
var init_checked_store = __esmMin((() => {
	init_src$5();
	init_store();
	init_cursor();
	init_rules();
	init_cursor();
	init_list_filter();
	init_room();
	init_words();
	init_transitions();
	init_session_table();
	init_node_clock();
	init_timeouts();
	init_store_url();
	CheckedStore = class {
		#driver;
		#open = false;
		#schema = {
			found: 0,
			current: 0
		};
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
				if (!this.#open) this.#schema = await converted(() => this.#driver.open());
				this.#open = true;
				return this.#schema;
			});
		}
		close() {
			return this.#next(async () => {
				if (!this.#open) return;
				this.#open = false;
				const idle = this.#underWay === 0 ? Promise.resolve() : new Promise((resolve) => this.#onIdle = resolve);
				await converted(() => this.#driver.close(idle));
			});
		}
		#next(step) {
			const result = this.#lifecycle.then(step);
			this.#lifecycle = result.then(() => void 0, () => void 0);
			return result;
		}
		async #call(work, code) {
			if (!this.#open) throw new StoreError("closed", `the ${this.capabilities.name} store is not open: open it first, and use it before close`);
			this.#underWay++;
			try {
				return await converted(work, code);
			} finally {
				if (--this.#underWay === 0) this.#onIdle?.();
			}
		}
		write(batch) {
			return this.#call(async () => {
				checkBatch(batch);
				return batch.length === 0 ? [] : this.#driver.write(batch);
			}, "outcome_unknown");
		}
		get(keys) {
			return this.#call(async () => {
				if (keys.length === 0) return [];
				checkLimit(keys.length, STORE_LIMITS.getKeys);
				keys.forEach(checkKey);
				return this.#driver.get(keys);
			});
		}
		versions(keys) {
			return this.#call(async () => {
				if (keys.length === 0) return [];
				checkLimit(keys.length, STORE_LIMITS.getKeys);
				keys.forEach(checkKey);
				return this.#driver.versions(keys);
			});
		}
		list(query) {
			return this.#call(async () => {
				checkListQuery(query);
				if (query.cursor !== void 0) decodeListCursor(query.cursor);
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
				checkSession$2(request.session);
				checkLimit(request.limit, STORE_LIMITS.changeLimit);
				checkMaxBytes(request.maxBytes);
				if (request.groups.length > STORE_LIMITS.groups) throw new StoreError("invalid", `${request.groups.length} groups; at most ${STORE_LIMITS.groups}`);
				for (const group of request.groups) checkText("a group", group, STORE_LIMITS.groupLength, 0);
				return this.#driver.claimDue(request);
			}, "outcome_unknown");
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
				checkSession$2(session);
				await this.#driver.openSession(session, info);
			});
		}
		heartbeat(session) {
			return this.#call(() => this.#driver.heartbeat(session));
		}
		endSession(session) {
			return this.#call(async () => {
				checkSession$2(session);
				await this.#driver.endSession(session);
			});
		}
		takeOver(request) {
			return this.#call(async () => {
				checkMs("silenceMs", request.silenceMs);
				if (request.unchanged !== void 0 && request.unchanged.length > STORE_LIMITS.unchanged) throw new StoreError("invalid", `${request.unchanged.length} unchanged sessions; at most ${STORE_LIMITS.unchanged}`);
				for (const { session } of request.unchanged ?? []) checkSession$2(session);
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
				checkVersion(expectVersion);
				return this.#driver.kvPut(id, value, expectVersion);
			});
		}
		kvDelete(id, expectVersion) {
			return this.#call(async () => {
				checkKeyValueId(id);
				checkVersion(expectVersion);
				return this.#driver.kvDelete(id, expectVersion);
			});
		}
		kvScan(query) {
			return this.#call(async () => {
				checkNamespace(query.namespace);
				checkText("the category", query.category, STORE_LIMITS.categoryLength);
				checkLimit(query.limit, LIMITS.pageSize);
				checkMaxBytes(query.maxBytes);
				if (query.cursor !== void 0) decodeKeyCursor(query.cursor);
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
	checkSession$2 = (session) => checkText("the session", session, STORE_LIMITS.sessionLength);
}));
// packages/core/src/index.ts
var init_src$4 = __esmMin((() => {
	init_model();
	init_store();
	init_environment$1();
	init_contain();
	init_observer();
	init_coordinator();
	init_engine_options$1();
	init_engine();
	init_topics();
	init_committer();
	init_patterns();
	init_step();
	init_state();
	init_definition_codec();
	init_frame();
	init_records$1();
	init_memory_store();
	init_checked_store();
	init_slot_map();
}));
// packages/runtime/src/turns.ts
function atEndOfTurn(callback) {
	if (isCounting) return void setImmediate(callback);
	isCounting = true;
	setImmediate(countAndRun, callback);
}
function countAndRun(callback) {
	isCounting = false;
	count$2++;
	callback();
}
var count$2, isCounting, turnsCounted;
var init_turns$1 = __esmMin((() => {
	count$2 = 0;
	isCounting = false;
	turnsCounted = () => count$2;
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
	init_turns$1();
	LONGEST_TIMER_MS = 2 ** 31 - 1;
	systemClock = {
		monotonicMs: () => performance$1.now(),
		wallMs: () => Date.now(),
		setTimer(delayMs, callback) {
			if (delayMs <= LONGEST_TIMER_MS) {
				const timeout = setTimeout(callback, delayMs);
				return { cancel: () => clearTimeout(timeout) };
			}
			return longTimer(delayMs, callback);
		},
		endOfTurn: atEndOfTurn
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
		connectTimeoutMs: 5e3,
		idleMs: 4e3,
		maxIdleMs: 3e4
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
		host: parsed.host,
		path,
		pathPrefix: path + (parsed.search === "" ? "?" : "&"),
		coordinates: coordinatesIn(parsed.search),
		rpcMethod: parsed.searchParams.get("method") ?? "",
		authorization: basicAuthorization(parsed)
	};
}
var LOCAL_SCHEME, TOPIC_SCHEME, DEFAULT_CACHE_SIZE, BranchTargets;
var init_branch_target = __esmMin((() => {
	init_src$5();
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
function headerLines(headers, authorization) {
	let contentType = JSON_CONTENT;
	let lines = "";
	let isAuthorized = authorization === "";
	for (const name in headers) {
		const lowerName = name.toLowerCase();
		if (CONNECTION_HEADERS.has(lowerName)) continue;
		const value = headers[name] ?? "";
		const fault = branchHeaderFault(name, value);
		if (fault !== void 0) throw new BranchHeaderError(fault);
		const line = `${name}: ${value}\r\n`;
		if (lowerName === "content-type") contentType = line;
		else lines += line;
		isAuthorized ||= lowerName === "authorization";
	}
	return contentType + lines + (isAuthorized ? "" : `authorization: ${authorization}\r\n`);
}
var NAME$1, VALUE, CONNECTION_HEADERS, JSON_CONTENT, BranchHeaderError;
var init_branch_headers = __esmMin((() => {
	init_src$5();
	NAME$1 = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
	VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
	CONNECTION_HEADERS = new Set([
		"dtm-gid",
		"dtm-trans_type",
		"dtm-branch_id",
		"dtm-op",
		"dtm-dtm",
		"accept-encoding",
		URL_COORDINATES_HEADER,
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
	JSON_CONTENT = "content-type: application/json\r\n";
	BranchHeaderError = class extends Error {
		name = "BranchHeaderError";
	};
}));
// packages/runtime/src/names/names.ts
function lookupError(name, error) {
	const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error);
	return new Error(`the address of ${name} was not found: ${code}`, { cause: error });
}
var DEFAULT_MAX_NAMES, MIN_KEEP_MS, MAX_KEEP_MS, FAILURE_KEEP_MS, Names, keepMsOf;
var init_names = __esmMin((() => {
	DEFAULT_MAX_NAMES = 1024;
	MIN_KEEP_MS = 1e3;
	MAX_KEEP_MS = 3e4;
	FAILURE_KEEP_MS = 1e3;
	Names = class {
		#resolve;
		#nowMs;
		#maxNames;
		#entries = new Map();
		constructor({ resolve, nowMs, maxNames }) {
			this.#resolve = resolve;
			this.#nowMs = nowMs ?? performance.now.bind(performance);
			this.#maxNames = maxNames ?? DEFAULT_MAX_NAMES;
		}
		lookUp(name) {
			const known = this.#entries.get(name);
			if (known !== void 0 && known.untilMs > this.#nowMs()) return known.addresses;
			const entry = this.#start(name);
			this.#entries.delete(name);
			this.#entries.set(name, entry);
			if (this.#entries.size > this.#maxNames) this.#forgetOldest();
			return entry.addresses;
		}
		forget(name) {
			const entry = this.#entries.get(name);
			if (entry !== void 0 && entry.untilMs !== Infinity) this.#entries.delete(name);
		}
		get size() {
			return this.#entries.size;
		}
		close() {
			for (const { resolving, untilMs } of this.#entries.values()) if (untilMs === Infinity) resolving.cancel();
			this.#entries.clear();
		}
		#start(name) {
			const resolving = this.#resolve(name);
			const addresses = resolving.result.then((found) => {
				entry.untilMs = this.#nowMs() + keepMsOf(found);
				return found.addresses;
			}, (error) => {
				entry.untilMs = this.#nowMs() + FAILURE_KEEP_MS;
				throw lookupError(name, error);
			});
			addresses.catch(() => void 0);
			const entry = {
				resolving,
				addresses,
				untilMs: Infinity
			};
			return entry;
		}
		#forgetOldest() {
			const [name, entry] = this.#entries.entries().next().value ?? [];
			if (name === void 0 || entry === void 0) return;
			if (entry.untilMs === Infinity) entry.resolving.cancel();
			this.#entries.delete(name);
		}
	};
	keepMsOf = ({ keepMs }) => Math.min(Math.max(keepMs, MIN_KEEP_MS), MAX_KEEP_MS);
}));
// packages/runtime/src/names/hosts-file.ts
function parseHosts(text) {
	const hosts = new Map();
	for (const line of text.split("\n")) {
		const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
		if (isIP(address) === 0) continue;
		for (const name of names) {
			const known = hosts.get(name.toLowerCase());
			if (known === void 0) hosts.set(name.toLowerCase(), [address]);
			else if (!known.includes(address)) known.push(address);
		}
	}
	return hosts;
}
function stampOf(path) {
	const stat = statSync(path, {
		throwIfNoEntry: false,
		bigint: true
	});
	return stat === void 0 ? "" : `${stat.mtimeNs} ${stat.size} ${stat.ino}`;
}
function textOf$7(path) {
	try {
		return readFileSync(path, "utf8");
	} catch {
		return "";
	}
}
var WatchedFile;
var init_hosts_file = __esmMin((() => {
	WatchedFile = class {
		#path;
		#parse;
		#stamp = "";
		#value;
		constructor(path, parse) {
			this.#path = path;
			this.#parse = parse;
		}
		get value() {
			const stamp = stampOf(this.#path);
			if (this.#value === void 0 || stamp !== this.#stamp) {
				this.#value = this.#parse(stamp === "" ? "" : textOf$7(this.#path));
				this.#stamp = stamp;
			}
			return this.#value;
		}
	};
}));
// packages/runtime/src/names/resolver-config.ts
function parseResolverConfig(text) {
	let search = [];
	let ndots = 1;
	for (const line of text.split("\n")) {
		const [keyword, ...words] = line.replace(/[#;].*/, "").trim().split(/\s+/);
		if (keyword === "search") search = words.filter((word) => word !== ".").slice(0, MAX_SEARCH);
		else if (keyword === "domain") search = words.slice(0, 1);
		else if (keyword === "options") {
			const given = words.map((word) => /^ndots:(\d{1,3})$/.exec(word)?.[1]).find((value) => value !== void 0);
			if (given !== void 0) ndots = Math.min(Number(given), MAX_NDOTS);
		}
	}
	return {
		search,
		ndots
	};
}
function candidatesOf(name, { search, ndots }) {
	if (name.endsWith(".")) return [name];
	const completed = search.map((domain) => `${name}.${domain.replace(/\.$/, "")}`);
	return name.split(".").length - 1 >= ndots ? [name, ...completed] : [...completed, name];
}
var MAX_SEARCH, MAX_NDOTS;
var init_resolver_config = __esmMin((() => {
	MAX_SEARCH = 32;
	MAX_NDOTS = 15;
}));
// packages/runtime/src/names/resolve-name.ts
function resolverLookup(fallback, { hosts, config } = SYSTEM_FILES, servers) {
	return (name) => {
		const known = hosts.value.get(name.toLowerCase());
		if (known !== void 0) return settled({
			addresses: known,
			keepMs: HOSTS_KEEP_MS
		});
		if (/^(?:.+\.)?localhost\.?$/i.test(name)) return settled({
			addresses: ["127.0.0.1", "::1"],
			keepMs: HOSTS_KEEP_MS
		});
		const resolver = new dns.promises.Resolver({
			timeout: QUERY_TIMEOUT_MS,
			tries: QUERY_TRIES
		});
		if (servers !== void 0) resolver.setServers(servers);
		let isCancelled = false;
		let cancel = () => {
			isCancelled = true;
			resolver.cancel();
		};
		return {
			result: queryAll(resolver, candidatesOf(name, config.value), () => isCancelled).catch((error) => {
				if (isCancelled || !NOT_THERE.has(codeOf$1(error))) throw error;
				const second = fallback(name);
				cancel = () => second.cancel();
				return second.result;
			}),
			cancel: () => cancel()
		};
	};
}
async function queryAll(resolver, names, isCancelled) {
	let failure;
	for (const name of names) try {
		return await query(resolver, name);
	} catch (error) {
		if (isCancelled()) throw error;
		if (failure === void 0 || !NOT_THERE.has(codeOf$1(error))) failure = error;
	}
	throw failure;
}
async function query(resolver, name) {
	const [four, six] = [resolver.resolve4(name, { ttl: true }), resolver.resolve6(name, { ttl: true })];
	await Promise.any([four, six]).catch((error) => {
		const failures = error instanceof AggregateError ? error.errors : [error];
		throw failures.find((failure) => !NOT_THERE.has(codeOf$1(failure))) ?? failures[0];
	});
	const [fours, sixes] = await Promise.all([soon(four), soon(six)]);
	const records = hasGlobalIpv6() ? [...sixes, ...fours] : [...fours, ...sixes];
	return {
		addresses: records.map(({ address }) => address),
		keepMs: Math.min(...records.map(({ ttl }) => ttl)) * 1e3
	};
}
function soon(records) {
	return new Promise((resolve) => {
		const timer = setTimeout(() => resolve([]), OTHER_FAMILY_MS);
		const end = (value) => {
			clearTimeout(timer);
			resolve(value);
		};
		records.then(end, () => end([]));
	});
}
function systemLookup() {
	let last = Promise.resolve();
	return (name) => {
		let isCancelled = false;
		const result = last.then(async () => {
			if (isCancelled) throw new Error("the lookup was cancelled");
			return {
				addresses: (await dns.promises.lookup(name, { all: true })).map(({ address }) => address),
				keepMs: SYSTEM_KEEP_MS
			};
		});
		last = result.catch(() => void 0);
		return {
			result,
			cancel: () => isCancelled = true
		};
	};
}
var HOSTS_KEEP_MS, SYSTEM_KEEP_MS, QUERY_TIMEOUT_MS, QUERY_TRIES, OTHER_FAMILY_MS, NOT_THERE, SYSTEM_FILES, hasGlobalIpv6, settled, codeOf$1;
var init_resolve_name = __esmMin((() => {
	init_hosts_file();
	init_resolver_config();
	HOSTS_KEEP_MS = 5e3;
	SYSTEM_KEEP_MS = 1e4;
	QUERY_TIMEOUT_MS = 1500;
	QUERY_TRIES = 3;
	OTHER_FAMILY_MS = 50;
	NOT_THERE = new Set([
		dns.NOTFOUND,
		dns.NODATA,
		dns.BADNAME,
		dns.CONNREFUSED
	]);
	SYSTEM_FILES = {
		hosts: new WatchedFile("/etc/hosts", parseHosts),
		config: new WatchedFile("/etc/resolv.conf", parseResolverConfig)
	};
	hasGlobalIpv6 = () => Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family, internal, address }) => family === "IPv6" && !internal && !/^fe[89ab]/i.test(address)));
	settled = (resolved) => ({
		result: Promise.resolve(resolved),
		cancel: () => void 0
	});
	codeOf$1 = (error) => typeof error === "object" && error !== null && "code" in error ? error.code : void 0;
}));
// packages/runtime/src/http1/dial.ts
function dial(options) {
	const dialing = new Dialing(options);
	const { host, lookUp } = options;
	(isIP(host) === 0 ? lookUp(host) : Promise.resolve([host])).then((found) => dialing.begin(found), (error) => dialing.end(error instanceof Error ? error : new Error(String(error))));
	return () => dialing.cancel();
}
var NEXT_ADDRESS_MS, MAX_ADDRESSES, Dialing;
var init_dial = __esmMin((() => {
	NEXT_ADDRESS_MS = 250;
	MAX_ADDRESSES = 16;
	Dialing = class {
		#options;
		#attempts = new Set();
		#errors = [];
		#left = [];
		#next;
		#isOver = false;
		constructor(options) {
			this.#options = options;
		}
		begin(addresses) {
			this.#left = addresses.slice(0, MAX_ADDRESSES);
			this.#tryNext();
		}
		end(error) {
			if (this.#isOver) return;
			this.cancel();
			this.#options.failed(error);
		}
		cancel() {
			this.#isOver = true;
			clearTimeout(this.#next);
			for (const socket of this.#attempts) socket.destroy();
			this.#attempts.clear();
		}
		#tryNext() {
			clearTimeout(this.#next);
			if (this.#isOver) return;
			const [address, ...rest] = this.#left;
			if (address === void 0) {
				if (this.#attempts.size === 0) this.end(this.#failure());
				return;
			}
			this.#left = rest;
			if (rest.length > 0) this.#next = setTimeout(() => this.#tryNext(), NEXT_ADDRESS_MS);
			this.#attempt(address);
		}
		#attempt(address) {
			const { open, readyEvent, connected } = this.#options;
			let socket;
			try {
				socket = open(address);
			} catch (thrown) {
				return this.end(thrown instanceof Error ? thrown : new Error(String(thrown)));
			}
			this.#attempts.add(socket);
			const onError = (error) => {
				this.#errors.push(error);
			};
			const onClose = () => {
				if (this.#attempts.delete(socket)) this.#tryNext();
			};
			socket.on("error", onError).once("close", onClose).once(readyEvent, () => {
				socket.off("error", onError).off("close", onClose);
				this.#attempts.delete(socket);
				this.cancel();
				connected(socket);
			});
		}
		#failure() {
			const [first, ...more] = this.#errors;
			if (first === void 0) return new Error("not connected");
			return more.length === 0 ? first : new AggregateError(this.#errors);
		}
	};
}));
// packages/runtime/src/http1/long-body.ts
function textOf$6(token) {
	if (token.length === 0) return void 0;
	try {
		return JSON.parse(Buffer.from(token).toString());
	} catch {
		return;
	}
}
var MAX_TOKEN_BYTES, QUOTE$2, BACKSLASH$2, COLON$2, COMMA$2, OBJECT$2, OBJECT_END$2, ARRAY, ARRAY_END, CLOSING, MAX_DEPTH, BYTE_ORDER_MARK$1, OUTSIDE, LongBody, isBlank$2;
var init_long_body = __esmMin((() => {
	MAX_TOKEN_BYTES = 64;
	[QUOTE$2, BACKSLASH$2, COLON$2, COMMA$2] = [
		34,
		92,
		58,
		44
	];
	[OBJECT$2, OBJECT_END$2, ARRAY, ARRAY_END] = [
		123,
		125,
		91,
		93
	];
	CLOSING = {
		[OBJECT$2]: OBJECT_END$2,
		[ARRAY]: ARRAY_END
	};
	MAX_DEPTH = 1e3;
	BYTE_ORDER_MARK$1 = [
		239,
		187,
		191
	];
	OUTSIDE = new Uint8Array(256);
	for (const character of " 	\r\n0123456789+-.eEtrufalsn{}[]:,\"") OUTSIDE[character.charCodeAt(0)] = 1;
	LongBody = class {
		#hasOngoing = false;
		#hasFailure = false;
		#tail = Buffer.alloc(0);
		#isJson = true;
		#at = 0;
		#hasValue = false;
		#inString = false;
		#isEscaped = false;
		#open = [];
		#token = [];
		#isKey = true;
		#key = "";
		#said;
		push(piece) {
			this.#search(piece);
			for (let index = 0; index < piece.length && this.#isJson; index++) this.#read(piece[index]);
		}
		get word() {
			if (!this.#hasOngoing && !this.#hasFailure) return void 0;
			if (this.#isCompleteJson) return this.#said === "ONGOING" || this.#said === "FAILURE" ? this.#said : void 0;
			return this.#hasOngoing ? "ONGOING" : this.#hasFailure ? "FAILURE" : void 0;
		}
		get #isCompleteJson() {
			return this.#isJson && this.#hasValue && !this.#inString && this.#open.length === 0;
		}
		#search(piece) {
			const seam = Buffer.concat([this.#tail, piece.subarray(0, 6)]);
			this.#hasOngoing ||= seam.includes("ONGOING", 0, "latin1") || piece.includes("ONGOING", 0, "latin1");
			this.#hasFailure ||= seam.includes("FAILURE", 0, "latin1") || piece.includes("FAILURE", 0, "latin1");
			this.#tail = piece.length >= 6 ? Buffer.from(piece.subarray(-6)) : seam.subarray(-6);
		}
		#read(byte) {
			const at = this.#at++;
			if (at < BYTE_ORDER_MARK$1.length && byte === BYTE_ORDER_MARK$1[at]) return;
			if (this.#inString) this.#readInString(byte);
			else if (OUTSIDE[byte] === 0) this.#isJson = false;
			else this.#readOutside(byte);
		}
		#readInString(byte) {
			if (byte < 32) this.#isJson = false;
			if (this.#token.length > 0) this.#token.push(byte);
			if (this.#token.length > MAX_TOKEN_BYTES) this.#token = [];
			if (this.#isEscaped) this.#isEscaped = false;
			else if (byte === BACKSLASH$2) this.#isEscaped = true;
			else if (byte === QUOTE$2) {
				this.#inString = false;
				this.#takeString();
			}
		}
		#readOutside(byte) {
			const isOutermost = this.#open.length === 0;
			if (isOutermost && !isBlank$2(byte) && (this.#hasValue || CLOSING[byte] === void 0 && byte !== QUOTE$2)) this.#isJson = false;
			else if (byte === QUOTE$2) {
				this.#inString = true;
				this.#hasValue = true;
				this.#token = isOutermost || this.#isOutermostObject ? [QUOTE$2] : [];
			} else if (CLOSING[byte] !== void 0) this.#openBracket(byte);
			else if (byte === OBJECT_END$2 || byte === ARRAY_END) {
				if (CLOSING[this.#open.pop() ?? 0] !== byte) this.#isJson = false;
			} else if (this.#isOutermostObject) {
				if (byte === COLON$2) this.#isKey = false;
				else if (byte === COMMA$2) this.#isKey = true;
				else if (!isBlank$2(byte)) this.#takeValue(void 0);
			}
		}
		#openBracket(byte) {
			if (this.#isOutermostObject) this.#takeValue(void 0);
			this.#hasValue = true;
			this.#open.push(byte);
			if (this.#open.length > MAX_DEPTH) this.#isJson = false;
		}
		#takeString() {
			const text = textOf$6(this.#token);
			if (this.#open.length === 0) this.#said = text;
			else if (!this.#isOutermostObject) return;
			else if (this.#isKey) this.#key = text ?? "";
			else this.#takeValue(text);
		}
		#takeValue(value) {
			if (!this.#isKey && this.#key === "dtm_result") this.#said = value;
		}
		get #isOutermostObject() {
			return this.#open.length === 1 && this.#open[0] === OBJECT$2;
		}
	};
	isBlank$2 = (byte) => byte === 32 || byte === 10 || byte === 13 || byte === 9;
}));
// packages/runtime/src/http1/answer-parser.ts
function readHead(text) {
	const [, minor, status = ""] = STATUS_LINE.exec(text) ?? [];
	if (minor === void 0) throw new MalformedAnswerError("the answer does not begin with the status line of HTTP/1.1");
	if (AMBIGUOUS.test(text)) throw new MalformedAnswerError("the head of the answer has a line that does not end with CR LF");
	let length;
	let codings;
	let connection = "";
	let keepAliveMs;
	for (const line of text.split("\r\n").slice(1)) {
		const [, name, rest = ""] = FIELD.exec(line) ?? [];
		if (name === void 0) throw new MalformedAnswerError("the head of the answer has a line that is not a header field");
		const value = trimmed(rest);
		switch (name.toLowerCase()) {
			case "connection":
				connection += `,${value.toLowerCase()}`;
				break;
			case "keep-alive":
				keepAliveMs = timeoutOf(value);
				break;
			case "content-length":
				length = lengthOf(value, length);
				break;
			case "transfer-encoding":
				codings = `${codings === void 0 ? "" : `${codings},`}${value.toLowerCase()}`;
				break;
			case "content-encoding": if (value !== "" && value.toLowerCase() !== "identity") throw new MalformedAnswerError("the answer is compressed, which was not asked for");
		}
	}
	const chunked = codings !== void 0;
	if (chunked && length !== void 0) throw new MalformedAnswerError("the answer has both a Content-Length and a Transfer-Encoding");
	if (chunked && codings !== "chunked") throw new MalformedAnswerError("the answer has a Transfer-Encoding other than chunked");
	const dubious = status === "204" && (chunked || (length ?? 0) > 0) || chunked && minor === "0";
	return {
		status: Number(status),
		length,
		chunked,
		persistent: !dubious && persists(connection, minor === "1"),
		keepAliveMs
	};
}
function trimmed(text) {
	let [from, to] = [0, text.length];
	while (from < to && isBlank$1(text[from])) from++;
	while (from < to && isBlank$1(text[to - 1])) to--;
	return text.slice(from, to);
}
function lengthOf(value, before) {
	if (!/^\d{1,15}$/.test(value)) throw new MalformedAnswerError("the Content-Length of the answer is not a number");
	const length = Number(value);
	if (before !== void 0 && before !== length) throw new MalformedAnswerError("the answer has two different Content-Lengths");
	return length;
}
function persists(connection, byDefault) {
	if (connection === "") return byDefault;
	if (connection === ",keep-alive") return true;
	const words = connection.split(",").map((word) => word.trim());
	return !words.includes("close") && (byDefault || words.includes("keep-alive"));
}
function timeoutOf(value) {
	const seconds = /timeout=(\d{1,6})/i.exec(value)?.[1];
	return seconds === void 0 ? void 0 : Number(seconds) * 1e3;
}
var MAX_ANSWER_BYTES, MAX_RESPONSE_BYTES, MAX_HEAD_BYTES$2, MAX_CHUNK_LINE_BYTES, MAX_TRAILER_BYTES, MAX_CHUNKS, MAX_INFORMING$1, MalformedAnswerError, AnswerParser, tooLong$1, STATUS_LINE, FIELD, AMBIGUOUS, isBlank$1;
var init_answer_parser = __esmMin((() => {
	init_long_body();
	MAX_ANSWER_BYTES = 65536;
	MAX_RESPONSE_BYTES = 16777216;
	MAX_HEAD_BYTES$2 = 16384;
	MAX_CHUNK_LINE_BYTES = 1024;
	MAX_TRAILER_BYTES = 16384;
	MAX_CHUNKS = 65536;
	MAX_INFORMING$1 = 16;
	MalformedAnswerError = class extends Error {
		name = "MalformedAnswerError";
	};
	AnswerParser = class {
		status = 0;
		body = "";
		isReusable = false;
		keepAliveMs;
		#phase = "head";
		#unread;
		#left = 0;
		#total = 0;
		#trailerBytes = 0;
		#informing = 0;
		#chunks = 0;
		#pieces = [];
		#kept = 0;
		#long;
		#mayBeCutOff = false;
		#headText = "";
		#head;
		get isComplete() {
			return this.#phase === "complete";
		}
		get hasBegun() {
			return this.#total > 0;
		}
		get answer() {
			const { status, body } = this;
			const long = this.#long;
			return {
				status,
				body,
				isTruncated: long !== void 0,
				word: long?.word,
				mayBeCutOff: this.#mayBeCutOff
			};
		}
		reset() {
			this.status = 0;
			this.body = "";
			this.#total = 0;
			this.#trailerBytes = 0;
			this.#informing = 0;
			this.#chunks = 0;
			this.#long = void 0;
			this.#mayBeCutOff = false;
			this.isReusable = false;
			this.keepAliveMs = void 0;
			this.#phase = "head";
			this.#unread = void 0;
			this.#left = 0;
			this.#kept = 0;
			if (this.#pieces.length > 0) this.#pieces = [];
		}
		push(piece) {
			this.#total += piece.length;
			if (this.#total > 16777216) throw tooLong$1();
			const bytes = this.#unread === void 0 ? piece : Buffer.concat([this.#unread, piece]);
			this.#unread = void 0;
			let at = 0;
			while (at < bytes.length) {
				const next = this.#take(bytes, at);
				if (next === void 0) {
					this.#unread = Buffer.from(bytes.subarray(at));
					return;
				}
				at = next;
			}
		}
		end() {
			if (this.#phase === "until-close") this.#finish();
			return this.isComplete;
		}
		#take(bytes, at) {
			switch (this.#phase) {
				case "head": return this.#takeHead(bytes, at);
				case "length": return this.#takeData(bytes, at);
				case "until-close":
					this.#keep(bytes, at, bytes.length);
					return bytes.length;
				case "chunk-line": return this.#takeChunkLine(bytes, at);
				case "chunk": return this.#takeData(bytes, at);
				case "chunk-end": return this.#takeChunkEnd(bytes, at);
				case "trailer": return this.#takeTrailer(bytes, at);
				case "complete": throw new MalformedAnswerError("more came than the answer has");
			}
		}
		#takeHead(bytes, at) {
			const end = bytes.indexOf("\r\n\r\n", at, "latin1");
			if ((end === -1 ? bytes.length : end) - at > MAX_HEAD_BYTES$2) throw new MalformedAnswerError(`the head of the answer is longer than ${MAX_HEAD_BYTES$2} bytes`);
			if (end === -1) return void 0;
			const head = this.#readHead(bytes.toString("latin1", at, end));
			const next = end + 4;
			if (head.status < 200) {
				if (head.status === 101) throw new MalformedAnswerError("the answer changes the protocol");
				if (++this.#informing > MAX_INFORMING$1) throw new MalformedAnswerError(`more than ${MAX_INFORMING$1} responses of status 1xx came before the final one`);
				return next;
			}
			this.status = head.status;
			this.isReusable = head.persistent;
			this.keepAliveMs = head.keepAliveMs;
			this.#beginBody(head);
			if (this.#phase === "length" && bytes.length - next === this.#left && this.#left <= 65536) {
				this.body = bytes.toString("utf8", next, bytes.length);
				this.#phase = "complete";
				return bytes.length;
			}
			return next;
		}
		#readHead(text) {
			if (this.#head !== void 0 && this.#headText === text) return this.#head;
			this.#head = readHead(text);
			this.#headText = text;
			return this.#head;
		}
		#beginBody(head) {
			if (head.status === 204 || head.status === 304) this.#phase = "complete";
			else if (head.chunked) this.#phase = "chunk-line";
			else if (head.length === void 0) {
				this.isReusable = false;
				this.#mayBeCutOff = true;
				this.#phase = "until-close";
			} else {
				if (head.length > 16777216) throw tooLong$1();
				this.#left = head.length;
				this.#phase = head.length === 0 ? "complete" : "length";
			}
		}
		#takeData(bytes, at) {
			const end = Math.min(bytes.length, at + this.#left);
			this.#keep(bytes, at, end);
			this.#left -= end - at;
			if (this.#left === 0) {
				if (this.#phase === "chunk") this.#phase = "chunk-end";
				else this.#finish();
			}
			return end;
		}
		#takeChunkLine(bytes, at) {
			const line = this.#line(bytes, at);
			if (line === void 0) return void 0;
			const size = /^([0-9a-f]{1,12})[\t ]*(?:;.*)?$/i.exec(line)?.[1];
			if (size === void 0) throw new MalformedAnswerError("the answer has a chunk without a size");
			if (++this.#chunks > MAX_CHUNKS) throw new MalformedAnswerError(`the response comes in more than ${MAX_CHUNKS} chunks`);
			this.#left = Number.parseInt(size, 16);
			this.#phase = this.#left === 0 ? "trailer" : "chunk";
			return at + line.length + 2;
		}
		#takeChunkEnd(bytes, at) {
			const line = this.#line(bytes, at);
			if (line === void 0) return void 0;
			if (line !== "") throw new MalformedAnswerError("the answer has a chunk that is longer than its size");
			this.#phase = "chunk-line";
			return at + 2;
		}
		#takeTrailer(bytes, at) {
			const line = this.#line(bytes, at);
			if (line === void 0) return void 0;
			if (AMBIGUOUS.test(line)) throw new MalformedAnswerError("the answer has a trailer that does not end with CR LF");
			if (line !== "" && !FIELD.test(line)) throw new MalformedAnswerError("the answer has a trailer that is not a header field");
			this.#trailerBytes += line.length + 2;
			if (this.#trailerBytes > MAX_TRAILER_BYTES) throw new MalformedAnswerError(`the trailers of the response are longer than ${MAX_TRAILER_BYTES} bytes`);
			if (line === "") this.#finish();
			return at + line.length + 2;
		}
		#line(bytes, at) {
			const end = bytes.indexOf("\r\n", at, "latin1");
			if ((end === -1 ? bytes.length : end) - at > MAX_CHUNK_LINE_BYTES) throw new MalformedAnswerError(`the answer has a line longer than ${MAX_CHUNK_LINE_BYTES} bytes in its body`);
			return end === -1 ? void 0 : bytes.toString("latin1", at, end);
		}
		#keep(bytes, at, end) {
			const kept = Math.min(MAX_ANSWER_BYTES - this.#kept, end - at);
			if (kept > 0) {
				this.#pieces.push(Buffer.from(bytes.subarray(at, at + kept)));
				this.#kept += kept;
			}
			if (kept < end - at) this.#drop(bytes.subarray(at + kept, end));
		}
		#drop(bytes) {
			if (this.#long === void 0) {
				this.#long = new LongBody();
				for (const piece of this.#pieces) this.#long.push(piece);
			}
			this.#long.push(bytes);
		}
		#finish() {
			this.body = Buffer.concat(this.#pieces).toString("utf8");
			this.#phase = "complete";
		}
	};
	tooLong$1 = () => new MalformedAnswerError(`the response is longer than ${MAX_RESPONSE_BYTES} bytes`);
	STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?:[ \r]|$)/;
	FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):(.*)$/;
	AMBIGUOUS = /\r(?!\n)|(?<!\r)\n|\0/;
	isBlank$1 = (character) => character === " " || character === "	";
}));
// packages/runtime/src/time-out-in-turns.ts
function timeOutInTurns(expiring) {
	if (inTurn >= 8) return void waiting.push(expiring);
	if (inTurn++ === 0) setImmediate(nextTurn$1);
	expiring.timeOut();
}
function nextTurn$1() {
	const next = waiting.splice(0, 8);
	inTurn = next.length;
	if (inTurn > 0) setImmediate(nextTurn$1);
	for (const expiring of next) expiring.timeOut();
}
var waiting, inTurn;
var init_time_out_in_turns = __esmMin((() => {
	waiting = [];
	inTurn = 0;
}));
// packages/runtime/src/http1/http-connection.ts
var READ_BUFFER, REQUEST_TIMEOUT$1, HttpConnection;
var init_http_connection = __esmMin((() => {
	init_answer_parser();
	init_time_out_in_turns();
	init_dial();
	READ_BUFFER = Buffer.allocUnsafeSlow(65536);
	REQUEST_TIMEOUT$1 = 408;
	HttpConnection = class {
		idleUntilMs = 0;
		restsUntilTurn = 0;
		#owner;
		#settings;
		#parser = new AnswerParser();
		#connectDeadline;
		#cancelDial;
		#socket;
		#call;
		#calls = 0;
		#isDestroyed = false;
		#isConnecting = true;
		#isCallLost = false;
		#error;
		constructor(endpoint, owner, settings) {
			this.#owner = owner;
			this.#settings = settings;
			const { connectTimeoutMs, lookUp } = settings;
			this.#connectDeadline = setTimeout(timeOutInTurns, connectTimeoutMs, this);
			this.#cancelDial = dial({
				host: endpoint.host,
				lookUp,
				open: (address) => endpoint.isSecure ? this.#openTls(endpoint, address) : this.#openPlain(endpoint, address),
				readyEvent: endpoint.isSecure ? "secureConnect" : "connect",
				connected: (socket) => this.#connected(socket),
				failed: (error) => {
					this.#error = error;
					this.#closed();
				}
			});
		}
		get isUsable() {
			return this.#socket !== void 0 && this.#socket.readable && this.#socket.writable;
		}
		send(call) {
			this.#call = call;
			this.#calls++;
			this.#parser.reset();
			call.sentOver(this);
			this.#socket?.write(call.bytes);
		}
		timeOut() {
			if (this.#isConnecting) this.destroy(new Error(`not connected within ${this.#settings.connectTimeoutMs} ms`));
		}
		destroy(reason) {
			if (this.#isDestroyed) return;
			this.#isDestroyed = true;
			this.#error = reason;
			if (this.#socket !== void 0) return void this.#socket.destroy();
			this.#cancelDial();
			process.nextTick(() => this.#closed());
		}
		#connected(socket) {
			this.#endConnecting();
			this.#socket = socket;
			socket.setNoDelay(true);
			socket.on("error", (error) => {
				this.#error = error;
			}).once("close", () => this.#closed());
			this.#owner.connected(this);
		}
		#openPlain({ port }, address) {
			const callback = (length) => {
				this.#read(READ_BUFFER.subarray(0, length));
				return true;
			};
			return net.connect({
				host: address,
				port,
				onread: {
					buffer: READ_BUFFER,
					callback
				}
			});
		}
		#openTls({ host, port }, address) {
			const servername = net.isIP(host) === 0 ? { servername: host } : {};
			return tls.connect({
				...servername,
				...this.#settings.tls,
				host: address,
				port
			}).on("data", (piece) => this.#read(piece));
		}
		#read(piece) {
			if (this.#isDestroyed) return;
			const call = this.#call;
			if (call === void 0) return this.destroy(new Error("an answer came that no request had asked for"));
			if (this.#isReused && !this.#parser.hasBegun && this.#isSending) return this.#giveBack();
			try {
				this.#parser.push(piece);
			} catch (error) {
				return this.destroy(error instanceof Error ? error : new Error(String(error)));
			}
			if (this.#parser.isComplete) this.#answered(call);
		}
		#answered(call) {
			const { answer, isReusable, keepAliveMs } = this.#parser;
			if (this.#isReused && answer.status === REQUEST_TIMEOUT$1) return this.#giveBack();
			this.#call = void 0;
			if (!isReusable || this.#isSending) this.destroy();
			else this.#owner.answered(this, keepAliveMs);
			call.answered(answer);
		}
		get #isReused() {
			return this.#calls > 1;
		}
		get #isSending() {
			return this.#socket !== void 0 && this.#socket.writableLength > 0;
		}
		#giveBack() {
			this.#isCallLost = true;
			this.destroy();
		}
		#endConnecting() {
			this.#isConnecting = false;
			clearTimeout(this.#connectDeadline);
		}
		#closed() {
			this.#endConnecting();
			const call = this.#call;
			this.#call = void 0;
			const wasConnected = this.#socket !== void 0;
			const isLost = this.#isCallLost || this.#isReused && !this.#isDestroyed && !this.#parser.hasBegun;
			if (call !== void 0 && isLost) {
				call.sentOver(void 0);
				this.#owner.lost(call);
			}
			this.#owner.closed(this, wasConnected ? void 0 : this.#error ?? new Error("not connected"));
			if (call === void 0 || isLost) return;
			if (this.#error === void 0 && this.#parser.end()) call.answered(this.#parser.answer);
			else call.failed(this.#error ?? new Error("the connection was closed before the answer was complete"));
		}
	};
}));
// packages/runtime/src/http1/http-pool.ts
function endpointOf(origin) {
	const { protocol, hostname, port } = new URL(origin);
	const isSecure = protocol === "https:";
	return {
		isSecure,
		host: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
		port: port === "" ? isSecure ? 443 : 80 : Number(port)
	};
}
var IDLE_MARGIN_MS$1, TURNS_OF_REST, HttpPool;
var init_http_pool = __esmMin((() => {
	init_http_connection();
	init_names();
	init_resolve_name();
	init_turns$1();
	IDLE_MARGIN_MS$1 = 1e3;
	TURNS_OF_REST = 2;
	HttpPool = class {
		#endpoint;
		#settings;
		#names;
		#connections = new Set();
		#idle = [];
		#resting = [];
		#waiting = [];
		#lost = [];
		#isTurning = false;
		#connecting = 0;
		#isDestroyed = false;
		#onEmpty;
		#emptied;
		constructor(origin, settings) {
			this.#endpoint = endpointOf(origin);
			this.#settings = settings;
			this.#names = settings.names ?? new Names({ resolve: systemLookup() });
		}
		get isDestroyed() {
			return this.#isDestroyed;
		}
		send(call) {
			if (this.#isDestroyed) return call.failed(new Error("the connections were closed"));
			const connection = this.#takeIdle();
			if (connection !== void 0) return connection.send(call);
			this.#waiting.push(call);
			this.#connect();
			this.#turnSoon();
		}
		cancel(call) {
			const calls = this.#lost.includes(call) ? this.#lost : this.#waiting;
			const at = calls.indexOf(call);
			if (at === -1) return;
			calls.splice(at, 1);
			call.failed(new Error("cancelled before it was sent"));
		}
		closeIdle() {
			const nowMs = performance.now();
			for (const connection of [...this.#idle, ...this.#resting]) if (connection.idleUntilMs <= nowMs) connection.destroy();
		}
		destroy(reason = new Error("the connections were closed")) {
			return this.#emptied ??= this.#destroy(reason);
		}
		async #destroy(reason) {
			this.#isDestroyed = true;
			for (const call of [...this.#lost.splice(0), ...this.#waiting.splice(0)]) call.failed(reason);
			if (this.#connections.size === 0) return;
			const emptied = new Promise((resolve) => {
				this.#onEmpty = resolve;
			});
			for (const connection of this.#connections) connection.destroy(reason);
			await emptied;
		}
		connected(connection) {
			this.#connecting--;
			const call = this.#lost.shift();
			if (call !== void 0) return connection.send(call);
			connection.idleUntilMs = performance.now() + this.#settings.idleMs;
			this.#use(connection);
		}
		answered(connection, keepAliveMs) {
			const { idleMs, maxIdleMs } = this.#settings;
			const forMs = keepAliveMs === void 0 ? idleMs : Math.min(keepAliveMs - IDLE_MARGIN_MS$1, maxIdleMs);
			connection.idleUntilMs = performance.now() + forMs;
			connection.restsUntilTurn = turnsCounted() + TURNS_OF_REST;
			this.#resting.push(connection);
			if (this.#waiting.length > 0) this.#turnSoon();
		}
		lost(call) {
			if (this.#isDestroyed) call.failed(new Error("the connections were closed"));
			else this.#lost.push(call);
		}
		closed(connection, error) {
			this.#connections.delete(connection);
			for (const connections of [this.#idle, this.#resting]) {
				const at = connections.indexOf(connection);
				if (at !== -1) connections.splice(at, 1);
			}
			if (error !== void 0) {
				this.#connecting--;
				this.#names.forget(this.#endpoint.host);
				(this.#lost.shift() ?? this.#waiting.shift())?.failed(error);
			}
			if (this.#connections.size === 0) this.#onEmpty?.();
			this.#connect();
		}
		#turnSoon() {
			if (this.#isTurning || this.#resting.length === 0) return;
			this.#isTurning = true;
			atEndOfTurn(this.#turn);
		}
		#turn = () => {
			this.#isTurning = false;
			while (this.#waiting.length > 0) {
				const connection = this.#takeIdle();
				if (connection === void 0) break;
				this.#use(connection);
			}
			if (this.#waiting.length === 0) return;
			this.#connect();
			this.#turnSoon();
		};
		#use(connection) {
			const call = this.#waiting.shift();
			if (call !== void 0) connection.send(call);
			else this.#idle.push(connection);
		}
		#isLate({ idleUntilMs }) {
			return idleUntilMs <= performance.now();
		}
		#takeIdle() {
			const turns = turnsCounted();
			let rested = 0;
			for (let next = this.#resting[0]; next !== void 0 && next.restsUntilTurn <= turns;) {
				this.#idle.push(next);
				next = this.#resting[++rested];
			}
			if (rested > 0) this.#resting.splice(0, rested);
			for (let connection = this.#idle.pop(); connection !== void 0; connection = this.#idle.pop()) {
				if (!this.#isLate(connection) && connection.isUsable) return connection;
				connection.destroy();
			}
		}
		#connect() {
			const { connections, connectTimeoutMs, tls } = this.#settings;
			const lookUp = (name) => this.#names.lookUp(name);
			while (!this.#isDestroyed && this.#connecting < this.#wanted && this.#connections.size < connections) {
				this.#connections.add(new HttpConnection(this.#endpoint, this, {
					connectTimeoutMs,
					tls: tls ?? {},
					lookUp
				}));
				this.#connecting++;
			}
		}
		get #wanted() {
			const resting = this.#connections.size > 1 ? this.#resting.length : 0;
			return this.#lost.length + Math.max(0, this.#waiting.length - resting);
		}
	};
}));
// packages/runtime/src/undici/connector.ts
function connectorTo(origin, { connectTimeoutMs, tls: tlsOptions = {} }, names, onConnected) {
	const { host, port, isSecure } = endpointOf(origin);
	const servername = net.isIP(host) === 0 ? { servername: host } : {};
	return (_options, done) => {
		const failed = (error) => {
			clearTimeout(deadline);
			names.forget(host);
			done(error, null);
		};
		const cancel = dial({
			host,
			lookUp: (name) => names.lookUp(name),
			open: (address) => isSecure ? tls.connect({
				...servername,
				...tlsOptions,
				host: address,
				port
			}) : net.connect({
				host: address,
				port
			}),
			readyEvent: isSecure ? "secureConnect" : "connect",
			connected: (socket) => {
				clearTimeout(deadline);
				socket.setNoDelay(true);
				onConnected(socket);
				done(null, socket);
			},
			failed
		});
		const deadline = setTimeout(() => {
			cancel();
			failed(new Error(`not connected within ${connectTimeoutMs} ms`));
		}, connectTimeoutMs);
	};
}
var init_connector = __esmMin((() => {
	init_dial();
	init_http_pool();
}));
// packages/runtime/src/undici/library-call.ts
var MAX_INFORMING, REQUEST_TIMEOUT, LibraryCall, codingOf, tooLong;
var init_library_call = __esmMin((() => {
	init_answer_parser();
	init_long_body();
	MAX_INFORMING = 16;
	REQUEST_TIMEOUT = 408;
	LibraryCall = class {
		call;
		carrier;
		#ended;
		#controller;
		#hasEnded = false;
		#hasBegun = false;
		#givenUp;
		#status = 0;
		#informing = 0;
		#mayBeCutOff = false;
		#pieces = [];
		#kept = 0;
		#total = 0;
		#long;
		constructor(call, ended) {
			this.call = call;
			this.#ended = ended;
		}
		giveUp(reason) {
			this.#givenUp = reason;
			this.#end({
				kind: "failed",
				error: reason
			});
			this.#controller?.abort(reason);
		}
		onRequestStart(controller) {
			this.#controller = controller;
			if (this.#givenUp !== void 0) return controller.abort(this.#givenUp);
			this.call.sentOver({ destroy: (reason = new Error("the call was given up")) => this.giveUp(reason) });
		}
		onResponseStart(_controller, status, headers) {
			this.#hasBegun = true;
			if (status < 200) {
				if (++this.#informing > MAX_INFORMING) this.giveUp(new Error(`more than ${MAX_INFORMING} responses of status 1xx came before the final one`));
				return;
			}
			const coding = codingOf(headers["content-encoding"]);
			if (coding !== "" && coding !== "identity") return this.giveUp(new Error("the answer is compressed, which was not asked for"));
			const transferCoding = headers["transfer-encoding"];
			if (transferCoding !== void 0 && codingOf(transferCoding) !== "chunked") return this.giveUp(new Error("the answer has a Transfer-Encoding other than chunked"));
			if (Number(headers["content-length"] ?? 0) > 16777216) return this.giveUp(tooLong());
			this.#status = status;
			const hasLength = headers["content-length"] !== void 0 || headers["transfer-encoding"] !== void 0;
			this.#mayBeCutOff = !hasLength && status !== 204 && status !== 304;
		}
		onResponseData(_controller, piece) {
			if (this.#hasEnded) return;
			this.#total += piece.length;
			if (this.#total > 16777216) return this.giveUp(tooLong());
			const kept = Math.min(MAX_ANSWER_BYTES - this.#kept, piece.length);
			if (kept > 0) {
				this.#pieces.push(Buffer.from(piece.subarray(0, kept)));
				this.#kept += kept;
			}
			if (kept < piece.length) this.#drop(piece.subarray(kept));
		}
		onResponseEnd() {
			if (this.#isReused && this.#status === REQUEST_TIMEOUT) return this.#end({ kind: "lost" });
			const broken = this.#mayBeCutOff ? this.carrier?.error : void 0;
			if (broken !== void 0) return this.#end({
				kind: "failed",
				error: broken
			});
			if (this.carrier !== void 0) this.carrier.responses++;
			const body = Buffer.concat(this.#pieces).toString("utf8");
			const answer = {
				status: this.#status,
				body,
				isTruncated: this.#long !== void 0,
				word: this.#long?.word,
				mayBeCutOff: this.#mayBeCutOff
			};
			this.#end({
				kind: "answered",
				answer
			});
		}
		onResponseError(_controller, error) {
			this.#end(this.#isReused && !this.#hasBegun ? { kind: "lost" } : {
				kind: "failed",
				error
			});
		}
		get #isReused() {
			return this.carrier !== void 0 && this.carrier.responses > 0;
		}
		#drop(bytes) {
			if (this.#long === void 0) {
				this.#long = new LongBody();
				for (const piece of this.#pieces) this.#long.push(piece);
			}
			this.#long.push(bytes);
		}
		#end(ending) {
			if (this.#hasEnded) return;
			this.#hasEnded = true;
			this.#pieces = [];
			this.#ended(ending);
		}
	};
	codingOf = (value = "") => String(value).trim().toLowerCase();
	tooLong = () => new Error(`the response is longer than ${MAX_RESPONSE_BYTES} bytes`);
}));
// packages/runtime/src/undici/library-pool.ts
var library_pool_exports = __exportAll({ LibraryPool: () => LibraryPool });
var IDLE_MARGIN_MS, MAX_HEAD_BYTES$1, LibraryPool, CountingClient, LibraryRequest;
var init_library_pool = __esmMin((() => {
	init_names();
	init_resolve_name();
	init_connector();
	init_library_call();
	IDLE_MARGIN_MS = 1e3;
	MAX_HEAD_BYTES$1 = 16384;
	LibraryPool = class {
		#origin;
		#settings;
		#names;
		#pool;
		#calls = new Map();
		#fresh = new Set();
		#destroyed;
		constructor(origin, settings) {
			this.#origin = origin;
			this.#settings = settings;
			this.#names = settings.names ?? new Names({ resolve: systemLookup() });
			this.#pool = new Pool(origin, {
				connections: settings.connections,
				factory: () => this.#newClient()
			});
		}
		get isDestroyed() {
			return this.#destroyed !== void 0;
		}
		send(call) {
			if (this.#destroyed !== void 0) return call.failed(new Error("the connections were closed"));
			this.#dispatch(call, this.#pool, (ending) => {
				if (ending.kind === "lost") this.#repeat(call);
				else this.#end(call, ending);
			});
		}
		cancel(call) {
			this.#calls.get(call)?.giveUp(new Error("cancelled before it was sent"));
		}
		closeIdle() {}
		destroy(reason = new Error("the connections were closed")) {
			return this.#destroyed ??= this.#destroy(reason);
		}
		async #destroy(reason) {
			for (const attempt of this.#calls.values()) attempt.giveUp(reason);
			await Promise.all([this.#pool.destroy(reason), ...[...this.#fresh].map((client) => client.destroy(reason))]);
		}
		#repeat(call) {
			if (this.#destroyed !== void 0) return this.#end(call, {
				kind: "failed",
				error: new Error("the connections were closed")
			});
			call.sentOver(void 0);
			const client = this.#newClient();
			this.#fresh.add(client);
			this.#dispatch(call, client, (ending) => {
				this.#fresh.delete(client);
				client.destroy();
				this.#end(call, ending);
			});
		}
		#dispatch(call, dispatcher, ended) {
			const attempt = new LibraryCall(call, ended);
			this.#calls.set(call, attempt);
			try {
				dispatcher.dispatch(new LibraryRequest(attempt), attempt);
			} catch (error) {
				attempt.giveUp(error instanceof Error ? error : new Error(String(error)));
			}
		}
		#end(call, ending) {
			this.#calls.delete(call);
			if (ending.kind === "answered") call.answered(ending.answer);
			else call.failed(ending.kind === "failed" ? ending.error : new Error("the connection was closed"));
		}
		#newClient() {
			const { idleMs, maxIdleMs } = this.#settings;
			const carrier = {
				responses: 0,
				error: void 0
			};
			const connect = connectorTo(this.#origin, this.#settings, this.#names, (socket) => {
				carrier.responses = 0;
				carrier.error = void 0;
				socket.on("error", (error) => {
					carrier.error = error;
				});
			});
			return new CountingClient(this.#origin, carrier, {
				connect,
				maxHeaderSize: MAX_HEAD_BYTES$1,
				keepAliveTimeout: idleMs,
				keepAliveMaxTimeout: maxIdleMs,
				keepAliveTimeoutThreshold: IDLE_MARGIN_MS,
				headersTimeout: 0,
				bodyTimeout: 0
			});
		}
	};
	CountingClient = class extends Client {
		#carrier;
		constructor(origin, carrier, options) {
			super(origin, options);
			this.#carrier = carrier;
		}
		dispatch(options, handler) {
			if (options instanceof LibraryRequest) options.attempt.carrier = this.#carrier;
			return super.dispatch(options, handler);
		}
	};
	LibraryRequest = class {
		attempt;
		method;
		path;
		headers;
		body;
		constructor(attempt) {
			this.attempt = attempt;
			const { method, path, host, headers, body } = attempt.call.request;
			this.method = method;
			this.path = path;
			this.headers = [
				"host",
				host,
				"accept-encoding",
				"identity"
			];
			for (const line of headers.split("\r\n")) {
				const colon = line.indexOf(":");
				if (colon > 0) this.headers.push(line.slice(0, colon), line.slice(colon + 1).trim());
			}
			this.body = typeof body === "string" || body === null ? body : Buffer.from(body);
		}
	};
}));
// packages/runtime/src/branch-connections.ts
async function undiciClient() {
	const { LibraryPool } = await Promise.resolve().then(() => (init_library_pool(), library_pool_exports));
	return (origin, settings) => new LibraryPool(origin, settings);
}
var init_branch_connections = __esmMin((() => {}));
// packages/runtime/src/connection-pools.ts
var DEFAULT_MAX_ORIGINS, DEFAULT_IDLE_MS, DEFAULT_HOLD_MS, ConnectionPools;
var init_connection_pools = __esmMin((() => {
	init_http_pool();
	init_http_settings();
	init_names();
	init_resolve_name();
	DEFAULT_MAX_ORIGINS = 1024;
	DEFAULT_IDLE_MS = 6e4;
	DEFAULT_HOLD_MS = 5e3;
	ConnectionPools = class {
		#names;
		#connectTo;
		#settings;
		#maxOrigins;
		#idleMs;
		#holdMs;
		#onNoRoom;
		#nowMs;
		#pools = new Map();
		#sweep;
		#closed = false;
		constructor(options = {}) {
			const system = systemLookup();
			this.#names = new Names({ resolve: options.lookup === "system" ? system : resolverLookup(system) });
			this.#settings = {
				names: this.#names,
				...HTTP_CLIENT_SETTINGS,
				...options.settings
			};
			this.#connectTo = options.connectTo ?? ((origin, settings) => new HttpPool(origin, settings));
			this.#maxOrigins = options.maxOrigins ?? DEFAULT_MAX_ORIGINS;
			this.#idleMs = options.idleMs ?? DEFAULT_IDLE_MS;
			this.#holdMs = options.holdMs ?? DEFAULT_HOLD_MS;
			this.#onNoRoom = options.onNoRoom ?? (() => void 0);
			this.#nowMs = options.nowMs ?? performance.now.bind(performance);
			this.#sweep = setInterval(() => this.closeIdle(), Math.max(1, this.#idleMs / 2)).unref();
		}
		acquire(origin) {
			const found = this.#pools.get(origin) ?? this.#add(origin);
			if (found === void 0) return void 0;
			if (found.running === 0) found.progressMs = this.#nowMs();
			found.running++;
			return found;
		}
		get size() {
			return this.#pools.size;
		}
		closeIdle() {
			const beforeMs = this.#nowMs() - this.#idleMs;
			for (const [origin, entry] of this.#pools) if (entry.running === 0 && entry.lastUsedMs <= beforeMs) this.#drop(origin, entry);
			else entry.pool.closeIdle();
		}
		async close() {
			this.#closed = true;
			clearInterval(this.#sweep);
			const pools = [...this.#pools.values()];
			this.#pools.clear();
			this.#names.close();
			await Promise.all(pools.map(({ pool }) => pool.destroy()));
		}
		#add(origin) {
			if (this.#closed || this.#pools.size >= this.#maxOrigins && !this.#makeRoom(origin)) return void 0;
			const entry = {
				pool: this.#connectTo(origin, this.#settings),
				running: 0,
				lastUsedMs: 0,
				progressMs: 0,
				release: (answered) => {
					entry.running--;
					if (answered) entry.progressMs = this.#nowMs();
					if (entry.running === 0) entry.lastUsedMs = this.#nowMs();
				}
			};
			this.#pools.set(origin, entry);
			return entry;
		}
		#makeRoom(origin) {
			const idle = this.#first(({ running, lastUsedMs }) => running === 0 ? lastUsedMs : Infinity);
			if (idle !== void 0) {
				this.#drop(...idle);
				return true;
			}
			const beforeMs = this.#nowMs() - this.#holdMs;
			const stuck = this.#first(({ progressMs }) => progressMs <= beforeMs ? progressMs : Infinity);
			this.#onNoRoom(origin, stuck?.[0]);
			if (stuck === void 0) return false;
			this.#drop(...stuck, new Error(`no response for ${this.#holdMs} ms while other destinations needed the connections`));
			return true;
		}
		#first(timeOf) {
			let first;
			let firstMs = Infinity;
			for (const candidate of this.#pools) {
				const ms = timeOf(candidate[1]);
				if (ms < firstMs) [first, firstMs] = [candidate, ms];
			}
			return first;
		}
		#drop(origin, entry, reason) {
			this.#pools.delete(origin);
			entry.pool.destroy(reason);
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
	init_src$5();
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
		query;
		#ended = false;
		#abort;
		constructor({ gid, pattern, branchId, op, payload, headers, query }) {
			this.gid = gid;
			this.pattern = pattern;
			this.branchId = branchId;
			this.op = op;
			this.payload = payload;
			this.headers = headers;
			this.query = query;
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
// packages/runtime/src/echoed-secrets.ts
function isSentWithSecrets({ headers }, { authorization }) {
	if (authorization !== "") return true;
	for (const name in headers) if (Object.hasOwn(headers, name)) return true;
	return false;
}
function withoutSecretsOf({ headers }, { authorization }, result) {
	if (result.reason === "") return result;
	const sent = formsOf(headers);
	const known = authorization === "" ? sent : longestFirst([...sent, ...secretsSent({ authorization })]);
	return {
		...result,
		reason: withoutCutSecret(withoutSecrets(result.reason, known), known)
	};
}
function formsOf(headers) {
	const before = remembered.get(headers);
	if (before !== void 0) return before;
	const forms = secretsSent(headers);
	if (remembered.size >= REMEMBERED) remembered.clear();
	remembered.set(headers, forms);
	return forms;
}
function secretsSent(headers) {
	const known = secretsOfHeaders(headers).flatMap((secret) => [secret, ...accountIn(secret)]).map((secret) => secret.slice(0, MAX_REASON_LENGTH + 1)).flatMap((secret) => [
		...[secret, ...inJson(secret)].flatMap((form) => [form, ...restOf(form)]),
		encodeURIComponent(wellFormed(secret)),
		...inBase64(secret)
	]);
	return longestFirst(known);
}
function inJson(secret) {
	const once = escaped(secret);
	return [once, ...[once.replaceAll("/", String.raw`\/`), once.replace(/[<>&]|[^ -~]/g, asUnicodeEscape)]].flatMap((form) => [form, escaped(form)]);
}
function restOf(form) {
	const from = form.search(/["'\\]/);
	return from > 0 ? [form.slice(from)] : [];
}
function accountIn(secret) {
	const [, encoded] = /^basic\s+([\w+/=-]+)$/i.exec(secret) ?? [];
	if (encoded === void 0) return [];
	const account = Buffer.from(encoded, "base64").toString();
	return [account, account.slice(account.indexOf(":") + 1)];
}
function inBase64(secret) {
	const bytes = Buffer.from(secret);
	return [
		0,
		1,
		2
	].map((before) => {
		return Buffer.concat([Buffer.alloc(before), bytes]).toString("base64").slice(Math.ceil(before * 8 / 6), Math.floor((before + bytes.length) * 8 / 6));
	}).flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]).filter((form) => form.length >= SHORTEST_ENCODED);
}
function withoutCutSecret(reason, known) {
	if (!reason.endsWith("…")) return reason;
	const text = reason.slice(0, -1);
	for (const secret of known) {
		const at = beginningAtEnd(text, secret);
		if (at !== -1) return `${text.slice(0, at)}***…`;
	}
	return reason;
}
function beginningAtEnd(text, secret) {
	const length = Math.min(secret.length - 1, text.length);
	if (!text.includes(secret.slice(0, SHORTEST_BEGINNING), text.length - length)) return -1;
	const shorter = new Uint16Array(length);
	let same = 0;
	for (let at = 1; at < length; at++) {
		while (same > 0 && secret[at] !== secret[same]) same = shorter[same - 1] ?? 0;
		if (secret[at] === secret[same]) same++;
		shorter[at] = same;
	}
	same = 0;
	for (let at = text.length - length; at < text.length; at++) {
		while (same > 0 && text[at] !== secret[same]) same = shorter[same - 1] ?? 0;
		if (text[at] === secret[same]) same++;
	}
	return same >= SHORTEST_BEGINNING ? text.length - same : -1;
}
var REMEMBERED, remembered, longestFirst, escaped, asUnicodeEscape, wellFormed, SHORTEST_ENCODED, SHORTEST_BEGINNING;
var init_echoed_secrets = __esmMin((() => {
	init_src$5();
	REMEMBERED = 32;
	remembered = new Map();
	longestFirst = (forms) => [...new Set(forms)].toSorted((a, b) => b.length - a.length);
	escaped = (text) => JSON.stringify(text).slice(1, -1);
	asUnicodeEscape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
	wellFormed = (text) => Buffer.from(text).toString();
	SHORTEST_ENCODED = 8;
	SHORTEST_BEGINNING = 4;
}));
// packages/runtime/src/http1/request-bytes.ts
function requestBytes({ method, path, host, headers, body }) {
	const start = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\naccept-encoding: identity\r\n${headers}`;
	if (body === null) return Buffer.from(`${start}${method === "POST" ? "content-length: 0\r\n" : ""}\r\n`, "latin1");
	const bodyLength = typeof body === "string" ? Buffer.byteLength(body) : body.length;
	const head = `${start}content-length: ${bodyLength}\r\n\r\n`;
	const bytes = Buffer.allocUnsafe(head.length + bodyLength);
	bytes.write(head, 0, "latin1");
	if (typeof body === "string") bytes.write(body, head.length, "utf8");
	else bytes.set(body, head.length);
	return bytes;
}
var init_request_bytes = __esmMin((() => {}));
// packages/runtime/src/http-exchange.ts
function exchange(pool, request, timeoutMs, read, onDone) {
	return new Promise((resolve) => {
		pool.send(new HttpExchange(pool, request, timeoutMs, read, resolve, onDone));
	});
}
function describeNetworkError(error) {
	if (error instanceof AggregateError) return error.errors.map((one) => one instanceof Error ? one.message : String(one)).join("; ");
	return error.message === "" ? "code" in error ? String(error.code) : error.name : error.message;
}
var HttpExchange;
var init_http_exchange = __esmMin((() => {
	init_src$5();
	init_request_bytes();
	init_system_clock();
	init_time_out_in_turns();
	HttpExchange = class {
		request;
		pool;
		timeoutMs;
		read;
		resolve;
		onDone;
		deadline;
		connection;
		isDone = false;
		constructor(pool, request, timeoutMs, read, resolve, onDone) {
			this.pool = pool;
			this.request = request;
			this.timeoutMs = timeoutMs;
			this.read = read;
			this.resolve = resolve;
			this.onDone = onDone;
			this.deadline = setTimeout(timeOutInTurns, Math.min(timeoutMs, LONGEST_TIMER_MS), this);
		}
		get bytes() {
			return requestBytes(this.request);
		}
		timeOut() {
			if (this.isDone) return;
			this.resolve(branchResult("UNKNOWN", `no answer within ${this.timeoutMs} ms`));
			if (this.connection === void 0) this.pool.cancel(this);
			else this.connection.destroy(new Error("timed out"));
		}
		sentOver(connection) {
			this.connection = connection;
		}
		answered(answer) {
			this.done(true);
			this.resolve(this.read(answer));
		}
		failed(error) {
			this.done(false);
			this.resolve(branchResult("UNKNOWN", describeNetworkError(error)));
		}
		done(answered) {
			this.isDone = true;
			clearTimeout(this.deadline);
			this.onDone(answered);
		}
	};
}));
// packages/runtime/src/http-caller.ts
function callHttp(pools, request, target) {
	const hasBody = request.payload.length > 0;
	return send(pools, target, request.timeoutMs, readHttpAnswer, {
		method: hasBody || request.alwaysPost || request.pattern === "xa" ? "POST" : "GET",
		path: target.pathPrefix + coordinates(request),
		host: target.host,
		headers: headerLines(request.headers, target.authorization) + linesAbout(request, target),
		body: hasBody ? request.payload : null
	});
}
function send(pools, target, timeoutMs, read, request) {
	const entry = pools.acquire(target.destination);
	if (entry === void 0) return Promise.resolve(NO_ROOM);
	return exchange(entry.pool, request, timeoutMs, read, entry.release);
}
function linesAbout({ pattern, op }, { coordinates: own }) {
	if (own.length === 0) return "";
	return `${URL_COORDINATES_HEADER}: ${pattern === "saga" || pattern === "msg" && op === "action" ? "first" : "last"}\r\n`;
}
function coordinates({ gid, pattern, branchId, op }) {
	return `gid=${encode(gid)}&trans_type=${pattern}&branch_id=${encode(branchId)}&op=${encode(op)}`;
}
var NO_ROOM, PLAIN, encode, readHttpAnswer;
var init_http_caller = __esmMin((() => {
	init_src$5();
	init_branch_headers();
	init_http_exchange();
	NO_ROOM = {
		...branchResult("UNKNOWN", "too many different destinations are being called at once"),
		deferred: true
	};
	PLAIN = /^[\w.~-]+$/;
	encode = (text) => PLAIN.test(text) ? text : encodeURIComponent(text);
	readHttpAnswer = ({ status, body, isTruncated, word, mayBeCutOff }) => {
		if (mayBeCutOff) return resultOfUnframedHttp(status, body, isTruncated);
		return isTruncated ? resultOfLongHttp(status, body, word) : resultOfHttp(status, body);
	};
}));
// packages/runtime/src/json-rpc-caller.ts
function callJsonRpc(pools, request, target) {
	const params = paramsOf$1(request);
	if (params === void 0) return Promise.resolve(branchResult("UNKNOWN", "the payload of a JSON-RPC branch must be a JSON object"));
	const id = JSON.stringify(`${request.gid}-${request.branchId}-${request.op}`);
	return send(pools, target, request.timeoutMs, readJsonRpcAnswer, {
		method: "POST",
		path: target.path,
		host: target.host,
		headers: headerLines(request.headers, target.authorization),
		body: `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(target.rpcMethod)},"params":${params}}`
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
	const names = namesOf(text);
	if (names === void 0) return void 0;
	if (names.length === 0) return coordinates;
	if (!names.some(isCoordinate)) return `${text.slice(0, -1)},${coordinates.slice(1)}`;
	let params = "";
	for (const [name, { start, end }] of jsonMembers(text)) if (!isCoordinate(name)) params += `${JSON.stringify(name)}:${text.slice(start, end)},`;
	return `{${params}${coordinates.slice(1)}`;
}
function namesOf(text) {
	try {
		const json = JSON.parse(text);
		if (typeof json !== "object" || json === null || Array.isArray(json)) return void 0;
		return Object.keys(json);
	} catch {
		return;
	}
}
var isCoordinate, readJsonRpcAnswer;
var init_json_rpc_caller = __esmMin((() => {
	init_src$5();
	init_branch_headers();
	init_http_caller();
	isCoordinate = (name) => COORDINATES.includes(name);
	readJsonRpcAnswer = ({ status, body, isTruncated }) => isTruncated && status !== 409 ? branchResult("UNKNOWN", `HTTP ${status}, response too long to be read: ${body}`) : resultOfJsonRpc(status, body);
}));
// packages/runtime/src/reading/turns.ts
var BUDGET_MS, Turns, turns;
var init_turns = __esmMin((() => {
	BUDGET_MS = 4;
	Turns = class {
		#nowMs;
		#later;
		#waiting = [];
		#next = [];
		#at = 0;
		#isScheduled = false;
		#startedMs = -Infinity;
		constructor(nowMs = () => performance.now(), later = (run) => void setImmediate(run)) {
			this.#nowMs = nowMs;
			this.#later = later;
		}
		get isSpent() {
			return this.#nowMs() - this.#startedMs > BUDGET_MS;
		}
		next() {
			return new Promise((resolve) => {
				this.#next.push(resolve);
				this.#schedule();
			});
		}
		#schedule() {
			if (this.#isScheduled) return;
			this.#isScheduled = true;
			this.#later(this.#begin);
		}
		#begin = () => {
			this.#startedMs = this.#nowMs();
			if (this.#at === this.#waiting.length) {
				[this.#waiting, this.#next] = [this.#next, []];
				this.#at = 0;
			}
			this.#resume();
		};
		#resume = () => {
			const resume = this.#waiting[this.#at];
			if (resume === void 0 || this.isSpent) {
				this.#isScheduled = false;
				if (resume !== void 0 || this.#next.length > 0) this.#schedule();
				return;
			}
			this.#at++;
			resume();
			queueMicrotask(() => process.nextTick(this.#resume));
		};
	};
	turns = new Turns();
}));
// packages/runtime/src/branch-router.ts
async function withoutSecretsInTurn(request, target, result) {
	if (result.reason === "") return result;
	if (turns.isSpent) await turns.next();
	return withoutSecretsOf(request, target, result);
}
var NOTHING_TO_DO, BranchRouter, unknown;
var init_branch_router = __esmMin((() => {
	init_src$5();
	init_branch_headers();
	init_branch_target();
	init_connection_pools();
	init_echoed_secrets();
	init_http_caller();
	init_json_rpc_caller();
	init_local_branches();
	init_turns();
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
		#callOverHttp(request, target) {
			const called = request.protocol === "json-rpc" && target.rpcMethod !== "" ? callJsonRpc(this.#pools, request, target) : callHttp(this.#pools, request, target);
			return isSentWithSecrets(request, target) ? called.then((result) => withoutSecretsInTurn(request, target, result)) : called;
		}
		#route(request) {
			const target = this.#targets.of(request.url);
			switch (target.kind) {
				case "http": return this.#callOverHttp(request, target);
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
	init_src$5();
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
			if (target.kind !== "http") throw new TypeError(`the alert webhook needs an http:// or https:// URL, not ${withoutSecrets(options.url)}`);
			this.#options = options;
			this.#target = target;
		}
		notify(alert) {
			return new Promise((settle) => this.#enqueue({
				alert,
				settle
			}));
		}
		#enqueue(queued) {
			if (this.#closed) return this.#giveUp(queued, "shutting down");
			this.#queue.push(queued);
			if (!this.#delivering) this.#deliverAll();
			else if (this.#queue.length > (this.#options.maxQueued ?? DEFAULT_MAX_QUEUED)) {
				const oldest = this.#queue.shift();
				if (oldest !== void 0) this.#giveUp(oldest, "too many alerts are waiting");
			}
		}
		close() {
			this.#closed = true;
			for (const queued of this.#queue.splice(0)) this.#giveUp(queued, "shutting down");
			this.#endPause?.();
		}
		async #deliverAll() {
			this.#delivering = true;
			for (let queued = this.#queue.shift(); queued !== void 0; queued = this.#queue.shift()) {
				const failure = await this.#deliver(queued.alert);
				if (failure === void 0) queued.settle(true);
				else this.#giveUp(queued, failure);
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
			const timeoutMs = this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
			const result = await send(this.#options.pools, this.#target, timeoutMs, readAnswer, {
				method: "POST",
				path: this.#target.path,
				host: this.#target.host,
				headers: headerLines({}, this.#target.authorization),
				body: bodyOf(alert)
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
		#giveUp({ alert, settle }, reason) {
			const { gid, branch } = alert;
			settle(false);
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
	readAnswer = ({ status }) => status >= 200 && status < 300 ? SUCCESS$1 : branchResult("UNKNOWN", `HTTP ${status}`);
}));
// packages/runtime/src/start-coordinator.ts
async function startCoordinator(options) {
	const { store, logger } = options;
	const locals = options.locals ?? new LocalBranches();
	const settings = {
		...clientSettings(options.engine),
		...options.connections?.settings
	};
	const onNoRoom = noRoomLog(logger, options.connections?.onNoRoom);
	const connectTo = options.branchClient === "undici" ? { connectTo: await undiciClient() } : {};
	const pools = new ConnectionPools({
		...options.connections,
		...connectTo,
		settings,
		onNoRoom
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
	const alert = async (raised) => {
		const [isDelivered] = await Promise.all([alerts?.notify(raised) ?? true, options.onAlert?.(raised)]);
		if (!isDelivered) throw new Error("the alert was not delivered; it is sent again with a later attempt");
	};
	const engine = new Engine({
		store,
		caller,
		clock: systemClock,
		random: Math.random,
		identities: systemIdentities(node === void 0 ? {} : { node }),
		logger,
		...(alerts !== void 0 || options.onAlert !== void 0) && { alert },
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
		close: (drainMs, leaveMs = LEAVE_MS$1) => closing ??= drainAnd(release, engine, {
			drainMs,
			leaveMs
		}, logger)
	};
}
function noRoomLog(logger, next) {
	let times = 0;
	let quietUntilMs = 0;
	return (origin, ended) => {
		next?.(origin, ended);
		times++;
		const nowMs = performance.now();
		if (nowMs < quietUntilMs) return;
		quietUntilMs = nowMs + NO_ROOM_LOG_MS;
		logger.warn({
			destination: origin,
			ended,
			times
		}, "too many destinations are called at once; those that do not respond give way to the others");
		times = 0;
	};
}
async function drainAnd(release, engine, { drainMs, leaveMs }, logger) {
	let late;
	const limitMs = Math.min(drainMs + leaveMs, LONGEST_TIMER_MS);
	const limit = new Promise((resolve) => late = setTimeout(resolve, limitMs, "late"));
	const outcome = await Promise.race([leave(release, engine, drainMs, logger), limit]);
	clearTimeout(late);
	if (outcome === "late") logger.warn({}, "the store does not respond; stopping without leaving the cluster: other nodes take over");
}
async function leave(release, engine, drainMs, logger) {
	try {
		const left = await engine.drain(drainMs);
		if (left > 0) logger.info({ transactions: left }, "what is unfinished goes on at the next start or on another node");
	} catch (error) {
		logger.warn({ error: String(error) }, "could not leave the cluster in order; other nodes take over");
	}
	try {
		await release();
	} catch (error) {
		logger.warn({ error: String(error) }, "could not close the store in order");
	}
}
var clientSettings, NO_ROOM_LOG_MS, LEAVE_MS$1;
var init_start_coordinator = __esmMin((() => {
	init_src$4();
	init_alert_web_hook();
	init_branch_connections();
	init_branch_router();
	init_connection_pools();
	init_identities();
	init_local_branches();
	init_system_clock();
	clientSettings = ({ maxCallsPerDestination } = {}) => ({ connections: maxCallsPerDestination ?? DEFAULT_ENGINE_OPTIONS.maxCallsPerDestination });
	NO_ROOM_LOG_MS = 6e4;
	LEAVE_MS$1 = 5e3;
}));
// packages/runtime/src/handlers/acceptance.ts
function acceptHeaders(gid, headers) {
	const entries = Object.entries(headers);
	if (entries.length > LIMITS.branchHeaders) throw tooLarge$1(gid, "branch_headers", LIMITS.branchHeaders, "entries");
	let characters = 0;
	for (const [name, value] of entries) characters += name.length + value.length;
	if (characters > LIMITS.branchHeaderCharacters) throw tooLarge$1(gid, "branch_headers", LIMITS.branchHeaderCharacters, "characters");
	for (const [name, value] of entries) {
		const fault = branchHeaderFault(name, value);
		if (fault === void 0) continue;
		const field = `branch_headers[${JSON.stringify(name.slice(0, 64))}]`;
		throw new HoldfastError("invalid", `${field}: ${fault}`, {
			gid,
			field
		});
	}
}
function tooLarge$1(gid, field, limit, unit) {
	return new HoldfastError("too_large", `${field} must have at most ${limit} ${unit}`, {
		gid,
		field
	});
}
var DEFAULT_ACCEPTANCE_LIMITS, BRANCHES_COME_LATER, Acceptance, repeats;
var init_acceptance = __esmMin((() => {
	init_src$5();
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
				if (!this.#callable(step.action, input)) this.#refuse(gid, `steps[${index}].action`, step.action, protocol, input.pattern);
				if (!this.#callable(step.compensate, input)) this.#refuse(gid, `steps[${index}].compensate`, step.compensate, protocol);
			}
			for (let index = 0; index < payloads.length; index++) if ((payloads[index]?.length ?? 0) > maxPayloadBytes) throw tooLarge$1(gid, `payloads[${index}]`, maxPayloadBytes, "bytes");
			if (queryPrepared !== void 0 && !this.#callable(queryPrepared, input)) this.#refuse(gid, "query_prepared", queryPrepared, protocol);
			if (options?.branchHeaders !== void 0) acceptHeaders(gid, options.branchHeaders);
			return this.#home === void 0 || !BRANCHES_COME_LATER.has(input.pattern) ? input : {
				...input,
				group: this.#home.group
			};
		}
		registrations(gid, branches) {
			for (const { op, url, payload } of branches) {
				if (!this.#callable(url, { gid })) this.#refuse(gid, op === "commit" || op === "rollback" ? "url" : op, url);
				if (payload.length > this.#limits.maxPayloadBytes) throw tooLarge$1(gid, "data", this.#limits.maxPayloadBytes, "bytes");
			}
		}
		subscriber(url) {
			if (!this.#callable(url)) this.#refuse(void 0, "url", url);
		}
		pageSize(asked) {
			return Math.min(asked, this.#limits.maxPageSize);
		}
		#callable(url, about = {}) {
			if (url === "") return true;
			const target = this.#targets.of(url);
			if (target.kind === "http") return target.coordinates.length === 0 || repeats(target, about);
			return target.kind === "local" && this.#home?.locals.has(target.name) === true;
		}
		#refuse(gid, field, url, protocol, pattern) {
			const target = this.#targets.of(url);
			if (target.kind === "topic" && pattern === "msg") return;
			throw new HoldfastError("invalid", `${field}: ${this.#faultOf(target, protocol)}: ${url.slice(0, 200)}`, {
				field,
				...gid !== void 0 && gid !== "" && { gid }
			});
		}
		#faultOf(target, protocol) {
			const { kind } = target;
			if (kind === "http") return `its query must not have ${COORDINATES.join(", ")}: the coordinator adds these to each call; rename ${target.coordinates.map(([name]) => name).join(", ")}`;
			if (kind === "grpc" || kind === "malformed" && protocol === "grpc") return "gRPC branches are not supported by this version";
			if (kind === "local") return this.#home === void 0 ? "a local:// branch cannot be named over the network, only by the process that hosts it" : "no branch of that name was given to this process when it started";
			if (kind === "topic") return "only the action of a message's step can be a topic";
			return "not an http:// or https:// URL";
		}
	};
	repeats = ({ coordinates }, { gid, pattern }) => coordinates.every(([name, value]) => value === (name === "gid" ? gid : name === "trans_type" ? pattern : void 0));
}));
// packages/runtime/src/reading/in-turns.ts
async function mapInTurns(items, map) {
	if (items.length <= 100) return items.map((item) => map(item));
	const mapped = [];
	await turns.next();
	for (const item of items) {
		if (turns.isSpent) await turns.next();
		mapped.push(map(item));
	}
	await turns.next();
	return mapped;
}
var init_in_turns = __esmMin((() => {
	init_turns();
}));
// packages/runtime/src/handlers/table.ts
function createHandlers({ coordinator, acceptance, store, version, node, uptimeMs }) {
	return {
		newGid: () => coordinator.newGid(),
		prepare: (context, input) => {
			const accepted = acceptance.transaction(input);
			return isLong$1(input) ? setImmediate$1().then(() => coordinator.prepare(context, accepted)) : coordinator.prepare(context, accepted);
		},
		submit: (context, input) => {
			const accepted = acceptance.transaction(input);
			return isLong$1(input) ? setImmediate$1().then(() => coordinator.submit(context, accepted)) : coordinator.submit(context, accepted);
		},
		submitPrepared: (context, input) => coordinator.submitPrepared(context, input),
		finishWorkflow: (context, input) => coordinator.finishWorkflow(context, input),
		abort: (context, input) => coordinator.abort(context, input),
		registerBranch: (context, input) => {
			acceptance.registrations(input.gid, input.branches);
			return coordinator.registerBranch(context, input);
		},
		prepareWorkflow: (context, input) => coordinator.prepareWorkflow(context, acceptance.transaction(input)),
		parkWorkflow: (context, input) => coordinator.parkWorkflow(context, input),
		heartbeat: (context, gid) => coordinator.heartbeat(context, gid),
		heartbeatPeriodMs: (workflow) => coordinator.heartbeatPeriodMs(workflow),
		forceStop: (context, stop) => coordinator.forceStop(context, stop),
		retryNow: (context, gid) => coordinator.retryNow(context, gid),
		retryWaiting: (context, input) => coordinator.retryWaiting(context, input),
		get: (context, gid) => coordinator.get(context, gid),
		list: (context, query) => coordinator.list(context, {
			...query,
			limit: acceptance.pageSize(query.limit)
		}),
		assertMayWait: (_, gid) => coordinator.assertMayWait(gid),
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
var isLong$1;
var init_table = __esmMin((() => {
	init_in_turns();
	isLong$1 = ({ steps }) => (steps?.length ?? 0) > 100;
}));
// packages/runtime/src/reading/defined.ts
function defined(fields) {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== void 0));
}
var init_defined = __esmMin((() => {}));
// packages/runtime/src/reading/json-bounds.ts
function checkJsonBounds(text, what = "the body", field) {
	if (text.length <= ALWAYS_FINE) return;
	const details = field === void 0 ? {} : { field };
	let [depth, fields, elements] = [
		0,
		0,
		1
	];
	const bytes = Buffer.from(text);
	for (let at = 0; at < bytes.length; at++) {
		const unit = bytes[at] ?? 0;
		if (COUNTED$1[unit] !== 1) continue;
		if (unit === QUOTE$1) at = endOfString$1(bytes, at);
		else if (unit === COMMA$1) elements++;
		else if (unit === COLON$1) fields++;
		else if (unit === LIST$3 || unit === OBJECT$1) {
			fields++;
			if (++depth > LIMITS.jsonDepth) throw new HoldfastError("invalid", `${what} has more than ${LIMITS.jsonDepth} levels of nesting`, details);
		} else if (unit === LIST_END$1 || unit === OBJECT_END$1) depth--;
		if (fields > LIMITS.jsonFields) throw new HoldfastError("too_large", `${what} has more than ${LIMITS.jsonFields} fields, lists and objects`, details);
		if (elements > LIMITS.jsonElements) throw new HoldfastError("too_large", `${what} has more than ${LIMITS.jsonElements} elements`, details);
	}
}
function endOfString$1(bytes, from) {
	const first = bytes.indexOf(QUOTE$1, from + 1);
	if (first === -1) return bytes.length;
	if (bytes[first - 1] !== BACKSLASH$1) return first;
	for (let at = from + 1; at < bytes.length; at++) {
		const byte = bytes[at];
		if (byte === QUOTE$1) return at;
		if (byte === BACKSLASH$1) at++;
	}
	return bytes.length;
}
var QUOTE$1, COMMA$1, COLON$1, BACKSLASH$1, LIST$3, LIST_END$1, OBJECT$1, OBJECT_END$1, COUNTED$1, ALWAYS_FINE;
var init_json_bounds = __esmMin((() => {
	init_src$5();
	QUOTE$1 = 34;
	COMMA$1 = 44;
	COLON$1 = 58;
	BACKSLASH$1 = 92;
	LIST$3 = 91;
	LIST_END$1 = 93;
	OBJECT$1 = 123;
	OBJECT_END$1 = 125;
	COUNTED$1 = new Uint8Array(256);
	for (const unit of [
		QUOTE$1,
		COMMA$1,
		COLON$1,
		LIST$3,
		LIST_END$1,
		OBJECT$1,
		OBJECT_END$1
	]) COUNTED$1[unit] = 1;
	ALWAYS_FINE = Math.min(2 * LIMITS.jsonDepth, LIMITS.jsonFields, LIMITS.jsonElements);
}));
// packages/runtime/src/reading/counts.ts
function checkCounts(body) {
	if (typeof body !== "object" || body === null || Array.isArray(body)) return;
	checkCount("the request", void 0, body, MOST_FIELDS);
	const fields = body;
	for (const { field, most } of BOUNDS) checkCount(field, field, fields[field], most);
	checkDependencies(fields);
}
function checkDependencies({ orders, steps }) {
	let count = 0;
	if (orders !== void 0) for (const before of listOf$1(orders)) count += listOf$1(before).length;
	for (const step of listOf$1(steps)) if (typeof step === "object" && step !== null && "after" in step) count += listOf$1(step.after).length;
	if (count <= LIMITS.dependencies) return;
	const field = orders === void 0 ? "steps" : "orders";
	const fault = `${field}: a saga has at most ${LIMITS.dependencies} dependencies, this one has ${count}`;
	throw new HoldfastError("too_large", fault, { field });
}
function listOf$1(value) {
	if (Array.isArray(value)) return value;
	return typeof value === "object" && value !== null ? Object.values(value) : [];
}
function sizeOfMap(map) {
	let count = 0;
	for (const key in map) if (Object.hasOwn(map, key)) count++;
	return count;
}
function checkCount(what, field, value, most) {
	if (typeof value !== "object" || value === null) return;
	const count = Array.isArray(value) ? value.length : sizeOfMap(value);
	if (count <= most) return;
	const fault = `${what}: must have at most ${most} entries, this one has ${count}`;
	throw new HoldfastError("too_large", fault, field === void 0 ? {} : { field });
}
var MOST_FIELDS, BOUNDS;
var init_counts = __esmMin((() => {
	init_src$5();
	MOST_FIELDS = 100;
	BOUNDS = [
		{
			field: "steps",
			most: LIMITS.steps
		},
		{
			field: "payloads",
			most: LIMITS.steps
		},
		{
			field: "orders",
			most: LIMITS.steps
		},
		{
			field: "branch_headers",
			most: LIMITS.branchHeaders
		},
		{
			field: "branchHeaders",
			most: LIMITS.branchHeaders
		},
		{
			field: "req_extra",
			most: MOST_FIELDS
		}
	];
}));
// packages/runtime/src/reading/fault.ts
function faultOf$1(issue, input) {
	if (!RAW.test(issue.message)) return issue.message;
	const value = valueAt(input, issue.path);
	switch (issue.code) {
		case "invalid_type": return value === void 0 ? `is missing; it must be ${kindOf$1(issue.expected)}` : `must be ${kindOf$1(issue.expected)}, not ${described(value)}`;
		case "too_big": return boundOf(issue, value, "at most", "less than", issue.maximum);
		case "too_small": return boundOf(issue, value, "at least", "more than", issue.minimum);
		case "invalid_value": return oneOf(issue.values);
		case "unrecognized_keys": return `has no field ${(issue.keys ?? []).map(quoted$1).join(", ")}`;
		case "invalid_key": return `has a name that cannot be: ${inner(issue.issues, issue.path.at(-1))}`;
		case "invalid_union": return issue.options === void 0 ? ofUnion(issue, value) : oneOf(issue.options);
		default: return issue.message;
	}
}
function described(value) {
	if (value === null) return "null";
	if (Array.isArray(value)) return "an array";
	if (typeof value === "number") return String(value);
	return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
function boundOf({ origin, inclusive = true, exact = false }, value, closed, open, bound = 0) {
	const unit = UNITS[origin ?? ""];
	const limit = `${exact ? "exactly" : inclusive ? closed : open} ${bound}`;
	if (unit === void 0) return `must be ${limit}`;
	const length = typeof value === "string" || Array.isArray(value) ? `, not ${value.length}` : "";
	return `must have ${limit} ${Number(bound) === 1 ? unit : `${unit}s`}${length}`;
}
function ofUnion({ errors = [], message }, value) {
	const firsts = errors.flatMap(([first]) => first ?? []);
	const fitting = firsts.find(({ code, path }) => code !== "invalid_type" || path.length > 0);
	if (fitting !== void 0) {
		const path = fitting.path.map(String).join(".");
		return path === "" ? faultOf$1(fitting, value) : `${path} ${faultOf$1(fitting, value)}`;
	}
	if (firsts.length === 0) return message;
	return `must be ${firsts.map(({ expected }) => kindOf$1(expected)).join(" or ")}, not ${described(value)}`;
}
function valueAt(input, path) {
	let value = input;
	for (const part of path) {
		if (typeof value !== "object" || value === null) return void 0;
		value = value[part];
	}
	return value;
}
var RAW, KINDS$1, kindOf$1, oneOf, quoted$1, UNITS, inner;
var init_fault = __esmMin((() => {
	RAW = /^(?:Too big|Too small|Invalid|Unrecognized)\b/;
	KINDS$1 = {
		int: "a whole number",
		object: "an object",
		record: "an object",
		array: "an array"
	};
	kindOf$1 = (expected = "something else") => KINDS$1[expected] ?? `a ${expected}`;
	oneOf = (values = []) => values.length === 1 ? `must be ${quoted$1(values[0])}` : `must be one of ${values.map(quoted$1).join(", ")}`;
	quoted$1 = (value) => typeof value === "string" ? JSON.stringify(value) : String(value);
	UNITS = {
		string: "character",
		array: "element",
		object: "field"
	};
	inner = (issues = [], name = "") => issues[0] === void 0 ? quoted$1(name) : faultOf$1({
		...issues[0],
		path: []
	}, String(name));
}));
// packages/runtime/src/reading/parse.ts
function parse$1(schema, value) {
	checkCounts(value);
	const read = schema.safeParse(value);
	if (read.success) return read.data;
	const issue = read.error.issues[0];
	const field = issue === void 0 ? "" : fieldPath(issue.path);
	const gid = gidOf$1(value);
	throw new HoldfastError("invalid", `${field === "" ? "the request" : field}: ${(issue === void 0 ? "invalid" : faultOf$1(issue, value)).slice(0, LONGEST_FAULT)}`, {
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
function invalid$3(gid, field, fault) {
	return new HoldfastError("invalid", `${field}: ${fault}`, {
		field,
		...gid !== "" && { gid }
	});
}
function parseField(schema, gid, field, text) {
	checkJsonBounds(text, field, field);
	let value;
	try {
		value = JSON.parse(text);
	} catch {
		throw invalid$3(gid, field, "not a JSON text");
	}
	try {
		return parse$1(schema, value);
	} catch (error) {
		const { code, message, field: inner } = HoldfastError.from(error);
		const path = inner === void 0 ? field : `${field}.${inner}`;
		const fault = inner === void 0 ? message : message.slice(inner.length + 2);
		throw new HoldfastError(code, `${path}: ${fault}`, {
			field: path,
			...gid !== "" && { gid }
		});
	}
}
var LONGEST_FAULT;
var init_parse = __esmMin((() => {
	init_src$5();
	init_counts();
	init_fault();
	init_json_bounds();
	LONGEST_FAULT = 500;
}));
// packages/runtime/src/reading/query-reader.ts
var QueryReader;
var init_query_reader = __esmMin((() => {
	init_src$5();
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
function withPayloadTexts(body, text) {
	if (!isObject$1(body)) return body;
	const members = jsonMembers(text);
	keep(body, PAYLOAD, text, members.get(PAYLOAD));
	const { steps, workflow } = body;
	if (Array.isArray(steps)) {
		const spans = jsonItems(text, members.get("steps")?.start);
		for (const [index, step] of steps.entries()) if (isObject$1(step)) keep(step, PAYLOAD, text, jsonMembers(text, spans[index]?.start).get(PAYLOAD));
	}
	if (isObject$1(workflow)) keep(workflow, "input", text, jsonMembers(text, members.get("workflow")?.start).get("input"));
	return body;
}
function* payloadTextsInPieces(body, text) {
	if (!isObject$1(body)) return body;
	const members = yield* jsonMembersInPieces(text);
	keep(body, PAYLOAD, text, members.get(PAYLOAD));
	const { steps, workflow } = body;
	if (Array.isArray(steps)) {
		const spans = yield* jsonItemsInPieces(text, members.get("steps")?.start);
		for (const [index, step] of steps.entries()) {
			const start = spans[index]?.start;
			if (isObject$1(step)) keep(step, PAYLOAD, text, (yield* jsonMembersInPieces(text, start)).get(PAYLOAD));
			yield;
		}
	}
	if (isObject$1(workflow)) keep(workflow, "input", text, (yield* jsonMembersInPieces(text, members.get("workflow")?.start)).get("input"));
	return body;
}
function keep(object, name, text, span) {
	if (span !== void 0) object[name] = new JsonText(text.slice(span.start, span.end));
}
var JsonText, bytesOf$1, PAYLOAD, isObject$1;
var init_json_bytes = __esmMin((() => {
	init_src$5();
	JsonText = class {
		text;
		constructor(text) {
			this.text = text;
		}
	};
	bytesOf$1 = (json) => Buffer.from(json === void 0 ? "" : json instanceof JsonText ? json.text : JSON.stringify(json));
	PAYLOAD = "payload";
	isObject$1 = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
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
			const { digest } = request;
			const common = {
				branchId,
				payload: bytesOf$1(request.payload),
				status: "prepared",
				...defined({ digest })
			};
			const cancel = {
				...common,
				op: "cancel",
				url: request.cancel
			};
			return request.confirm === void 0 ? [cancel] : [cancel, {
				...common,
				op: "confirm",
				url: request.confirm
			}];
		}
		case "xa": {
			const { url, digest } = request;
			const common = {
				branchId,
				url,
				payload: bytesOf$1(void 0),
				status: "prepared",
				...defined({ digest })
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
	init_src$5();
	init_defined();
	init_parse();
	init_json_bytes();
}));
// packages/runtime/src/v1/contradictions.ts
function refuseContradictions(request) {
	const { gid = "", pattern } = request;
	for (const [field, patterns, why] of BELONGS_TO) if (request[field] !== void 0 && !patterns.includes(pattern)) throw invalid$3(gid, field, `${why}, this is a ${pattern}`);
	if (REGISTERED.includes(pattern)) refuseSteps(request);
	else if (request.steps.length === 0) throw invalid$3(gid, "steps", `a ${pattern} has at least one`);
	if (pattern === "workflow" && request.workflow === void 0) throw invalid$3(gid, "workflow", "a workflow has a name, by which it is called back");
	if (pattern === "msg") refuseCompensations(request);
}
function refuseSteps({ gid = "", pattern, status, steps }) {
	if (steps.length > 0) throw invalid$3(gid, "steps", `a ${pattern} has none: its branches are registered one by one while it is prepared`);
	if (status === "submitted") throw invalid$3(gid, "status", `a ${pattern} begins as prepared: ${pattern === "workflow" ? "its own code ends it" : "submit it when its branches are registered"}`);
}
function refuseCompensations({ gid = "", steps }) {
	const index = steps.findIndex(({ compensate }) => compensate !== void 0);
	if (index >= 0) throw invalid$3(gid, `steps[${index}].compensate`, "a message is never rolled back, only a saga compensates");
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
		payloads: request.steps.map(({ payload }) => bytesOf$1(payload)),
		options: optionsOf$2(request, orders !== void 0),
		...defined({
			protocol: request.protocol,
			queryPrepared: request.queryPrepared,
			orders
		}),
		...workflow !== void 0 && {
			workflowName: workflow.name,
			workflowData: bytesOf$1(workflow.input)
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
		concurrent: ordered || request.concurrent,
		alwaysPost: true
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
	init_src$5();
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
// packages/runtime/src/v1/write-topics.ts
async function writeTopics(stored) {
	const topics = [];
	for (const { key, version, value } of stored) {
		if (turns.isSpent) await turns.next();
		const subscribers = [];
		for (const { url, remark } of JSON.parse(value)) {
			if (turns.isSpent) await turns.next();
			subscribers.push({
				url: withoutSecrets(url),
				remark: withoutSecrets(remark)
			});
		}
		topics.push({
			topic: key,
			version,
			subscribers
		});
	}
	return topics;
}
var init_write_topics = __esmMin((() => {
	init_src$5();
	init_turns();
}));
// packages/runtime/src/v1/shown-branches.ts
function shownBranches({ pattern, branches }) {
	if (pattern !== "workflow") return branches;
	const ended = new Set(branches.flatMap(({ branchId, op }) => op === "action" ? [branchId] : []));
	return branches.filter(({ branchId, op }) => op !== "start" || !ended.has(branchId));
}
var init_shown_branches = __esmMin((() => {}));
// packages/runtime/src/v1/remaining-effects.ts
function remainingEffects(view) {
	if (view.state.stopped === "" || view.state.damaged !== "") return [];
	switch (view.pattern) {
		case "saga":
		case "msg": return ofCalledActions(view);
		case "workflow": return ofRecordedSteps(view);
		case "tcc":
		case "xa": return ofFirstPhases(view);
	}
}
function ofCalledActions({ branches, state }) {
	const isDone = doneOf(branches);
	return branches.flatMap(({ branchId, op, url, status, started }) => {
		const undone = isDone(branchId, "compensate");
		const mayHaveRun = started || !state.unbroken && status !== "failed";
		if (op !== "action" || undone || !mayHaveRun) return [];
		return [{
			branchId,
			op,
			url,
			certain: status === "succeed"
		}];
	});
}
function ofRecordedSteps(view) {
	const isDone = doneOf(view.branches);
	return shownBranches(view).flatMap(({ branchId, op, url, status }) => {
		return (op === "action" ? status === "succeed" : op === "start") && !isDone(branchId, "rollback") ? [{
			branchId,
			op: "action",
			url,
			certain: op === "action"
		}] : [];
	});
}
function ofFirstPhases({ branches }) {
	const isDone = doneOf(branches);
	const confirmed = new Set(branches.filter(({ op }) => op === "confirm").map(({ branchId }) => branchId));
	return branches.flatMap(({ branchId, op, url, status }) => {
		if (op === "cancel" && status !== "succeed" && !confirmed.has(branchId)) return [{
			branchId,
			op: "try",
			url,
			certain: false
		}];
		const forward = FIRST_PHASE[op];
		if (forward === void 0) return [];
		if (status === "succeed") return [{
			branchId,
			op,
			url,
			certain: true
		}];
		return isDone(branchId, forward.undo) ? [] : [{
			branchId,
			op: forward.op,
			url,
			certain: false
		}];
	});
}
function doneOf(branches) {
	const done = new Set();
	for (const { branchId, op, status } of branches) if (status === "succeed") done.add(`${branchId} ${op}`);
	return (branchId, op) => done.has(`${branchId} ${op}`);
}
var FIRST_PHASE;
var init_remaining_effects = __esmMin((() => {
	init_shown_branches();
	FIRST_PHASE = {
		confirm: {
			op: "try",
			undo: "cancel"
		},
		commit: {
			op: "action",
			undo: "rollback"
		}
	};
}));
// packages/runtime/src/v1/timeline.ts
function timelineOf(view) {
	const { pattern, state } = view;
	if (pattern !== "workflow") return [...state.timeline];
	const recorded = shownBranches(view).map(({ branchId, op, status, createdAtMs }) => ({
		kind: "call",
		atMs: createdAtMs,
		durationMs: 0,
		branchId,
		op,
		result: status === "failed" ? "FAILURE" : "SUCCESS",
		reason: "",
		attempt: 1,
		retryAtMs: 0
	}));
	const [created, ...rest] = state.timeline;
	const lines = [...recorded, ...rest].toSorted((a, b) => a.atMs - b.atMs);
	return created === void 0 ? lines : [created, ...lines];
}
var init_timeline = __esmMin((() => {
	init_shown_branches();
}));
// packages/runtime/src/v1/write-view.ts
function writeSummary(view) {
	const { namespace, gid, pattern, status, attention, state } = view;
	return {
		namespace,
		gid,
		pattern,
		status,
		rollbackReason: withoutSecrets(state.rollbackReason),
		attention,
		parked: state.parked,
		stopped: withoutSecrets(state.stopped),
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
var writeReply, writeDetails, writeLine, writeBranch, writeProgress, writeNodes;
var init_write_view = __esmMin((() => {
	init_src$5();
	init_in_turns();
	init_remaining_effects();
	init_shown_branches();
	init_timeline();
	writeReply = (view) => ({
		...writeSummary(view),
		lastResult: isFinal(view.status) ? null : lastResultOf(view)
	});
	writeDetails = async (view) => ({
		...writeSummary(view),
		version: view.version,
		result: view.state.result,
		queryPrepared: withoutSecrets(view.definition.queryPrepared),
		branches: await mapInTurns(shownBranches(view), writeBranch),
		remainingEffects: await mapInTurns(remainingEffects(view), (effect) => ({
			...effect,
			url: withoutSecrets(effect.url)
		})),
		damaged: view.state.damaged,
		timeline: await mapInTurns(timelineOf(view), writeLine),
		timelineOmitted: view.state.timelineOmitted
	});
	writeLine = (line) => "reason" in line && line.reason !== "" ? {
		...line,
		reason: withoutSecrets(line.reason)
	} : line;
	writeBranch = (branch) => ({
		branchId: branch.branchId,
		op: branch.op,
		url: withoutSecrets(branch.url),
		status: branch.status,
		started: branch.started,
		attempts: branch.attempts,
		nextAttemptAtMs: branch.nextAttemptAtMs,
		finishedAtMs: branch.finishedAtMs
	});
	writeProgress = async ({ gid, status, state, branches }) => ({
		gid,
		status,
		stopped: withoutSecrets(state.stopped),
		rollbackReason: withoutSecrets(state.rollbackReason),
		result: state.result,
		steps: await mapInTurns(branches, ({ branchId, op, status: outcome, payload }) => ({
			branchId,
			op,
			status: outcome,
			data: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("base64")
		}))
	});
	writeNodes = ({ nowMs, sessions }) => ({
		nowMs,
		items: [...sessions]
	});
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
var ApiV1;
var init_api_v1 = __esmMin((() => {
	init_src$4();
	init_src$5();
	init_defined();
	init_parse();
	init_in_turns();
	init_query_reader();
	init_read_branch$1();
	init_read_request();
	init_write_topics();
	init_write_view();
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
			if (waitMs > 0) await this.#handlers.assertMayWait(context, input.gid);
			const view = await this.#viewAfter(context, input.gid, waitMs, await this.#create(context, status, input));
			return {
				...writeReply(view),
				...this.#heartbeat(view)
			};
		}
		#heartbeat(view) {
			return view.pattern === "workflow" && !isFinal(view.status) ? { heartbeatMs: this.#handlers.heartbeatPeriodMs(view) } : {};
		}
		async #create(context, status, input) {
			if (input.pattern === "workflow") return this.#handlers.prepareWorkflow(context, {
				...input,
				heartbeats: true
			});
			if (status === "prepared") return this.#handlers.prepare(context, input);
			return (await this.#handlers.submit(context, input)).view();
		}
		async submit(context, gid, body, waitMs) {
			const { branches, run } = body === void 0 ? {} : parse$1(submitRequest, body);
			const { pattern, status } = await this.#mustGet(context, gid);
			if (pattern === "workflow") throw new HoldfastError("refused", `${gid} is a workflow: its own code ends it`, {
				gid,
				status
			});
			if (branches !== void 0 && pattern !== "tcc" && pattern !== "xa") throw invalid$3(gid, "branches", `the branches of a ${pattern} are its steps; leave them out`);
			if (run !== void 0 && (pattern !== "tcc" || branches === void 0)) throw invalid$3(gid, "run", "only a tcc that states its branches states its run; leave it out");
			if (waitMs > 0) await this.#handlers.assertMayWait(context, gid);
			const named = {
				...defined({ branches }),
				...defined({ run })
			};
			const submitted = await this.#handlers.submitPrepared(context, {
				gid,
				pattern,
				...named
			});
			return writeReply(await this.#viewAfter(context, gid, waitMs, submitted));
		}
		async get(context, gid, waitMs) {
			return writeDetails(await this.#view(context, gid, waitMs));
		}
		async list(context, query) {
			const page = await this.#handlers.list(context, {
				...readListQuery$1(new QueryReader(query)),
				summary: true
			});
			return {
				items: await mapInTurns(page.items, writeSummary),
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
			return {
				...await writeProgress(view),
				...this.#heartbeat(view)
			};
		}
		async heartbeat(context, gid) {
			await this.#handlers.heartbeat(context, gid);
		}
		async finish(context, gid, body) {
			const { status, reason, result = "" } = parse$1(workflowEnd, body);
			if (status === "succeed" && reason !== void 0) throw invalid$3(gid, "reason", "tells why a workflow failed, and this one succeeds");
			const end = {
				gid,
				status,
				rollbackReason: reason ?? "",
				result
			};
			const ended = await this.#handlers.finishWorkflow(context, end);
			return writeReply(await this.#viewAfter(context, gid, 0, ended));
		}
		async park(context, gid, body) {
			const { reason } = parse$1(parkRequest, body);
			const parked = await this.#handlers.parkWorkflow(context, {
				gid,
				reason
			});
			return writeReply(await this.#viewAfter(context, gid, 0, parked));
		}
		async abort(context, gid, body, waitMs) {
			const { reason, by = "operator" } = body === void 0 ? {} : parse$1(abortRequest, body);
			const byOperator = by === "operator";
			const why = reason ?? `aborted by ${byOperator ? "an" : "its"} ${by}`;
			if (waitMs > 0) await this.#handlers.assertMayWait(context, gid);
			const aborted = await this.#handlers.abort(context, {
				gid,
				reason: why,
				byOperator
			});
			return writeDetails(await this.#viewAfter(context, gid, waitMs, aborted));
		}
		async retry(context, gid, waitMs) {
			if (waitMs > 0) await this.#handlers.assertMayWait(context, gid);
			const retried = await this.#handlers.retryNow(context, gid);
			return writeDetails(await this.#viewAfter(context, gid, waitMs, retried));
		}
		async stop(context, gid, body, waitMs) {
			const { reason = "" } = body === void 0 ? {} : parse$1(stopRequest, body);
			if (waitMs > 0) await this.#handlers.assertMayWait(context, gid);
			const stopped = await this.#handlers.forceStop(context, {
				gid,
				reason
			});
			return writeDetails(await this.#viewAfter(context, gid, waitMs, stopped));
		}
		async topics(context, query) {
			const reader = new QueryReader(query);
			const page = await this.#handlers.scanKeyValues(context, {
				category: TOPICS,
				limit: reader.count("limit") || 100,
				...defined({ cursor: reader.text("cursor") || void 0 })
			});
			return {
				items: await writeTopics(page.items),
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
		async #view(context, gid, waitMs) {
			return waitMs > 0 ? this.#handlers.wait(context, {
				gid,
				timeoutMs: waitMs
			}) : this.#mustGet(context, gid);
		}
		async #viewAfter(context, gid, waitMs, changed) {
			const isParked = changed.state.parked !== "" && !isFinal(changed.status);
			try {
				return await this.#view(context, gid, isParked ? 0 : waitMs);
			} catch (error) {
				if (HoldfastError.from(error).code === "internal") throw error;
				return changed;
			}
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
		[/\bcustom_data\.delay\b/g, "delayMs"],
		[/\bcustom_data\.name\b/g, "workflow.name"],
		[/\bcustom_data\.data\b/g, "workflow.input"],
		[/\btimeout_to_fail\b/g, "timeoutToFailMs"],
		[/\bretry_limit\b/g, "retryLimit"],
		[/\bquery_prepared\b/g, "queryPrepared"],
		[/\bbranch_headers\b/g, "branchHeaders"],
		[/\bbranch_id\b/g, "branchId"],
		[/\btrans_type\b/g, "pattern"],
		[/\brequest_timeout\b/g, "requestTimeoutMs"],
		[/\bretry_interval\b/g, "retryIntervalMs"],
		[/\breq_extra\.result\b/g, "result"]
	];
	inOwnWords = (text) => OWN_NAMES.reduce((words, [wire, own]) => words.replaceAll(wire, own), text);
}));
// packages/runtime/src/index.ts
var init_src$3 = __esmMin((() => {
	init_system_clock();
	init_identities();
	init_http_settings();
	init_branch_target();
	init_branch_headers();
	init_branch_connections();
	init_connection_pools();
	init_answer_parser();
	init_http_pool();
	init_local_branches();
	init_branch_router();
	init_alert_web_hook();
	init_start_coordinator();
	init_acceptance();
	init_table();
	init_defined();
	init_in_turns();
	init_turns();
	init_json_bounds();
	init_parse();
	init_query_reader();
	init_api_v1();
	init_write_topics();
	init_json_bytes();
	init_own_words();
}));
// packages/server/src/config/kinds.ts
var numberOf, text$1, count$1, port, flag, UNITS_MS, duration, UNITS_BYTES, bytes$1, list$3, choice;
var init_kinds$1 = __esmMin((() => {
	numberOf = (raw) => {
		if (typeof raw === "number") return Number.isSafeInteger(raw) && raw >= 0 ? raw : void 0;
		return typeof raw === "string" && /^\d{1,15}$/.test(raw) ? Number(raw) : void 0;
	};
	text$1 = {
		expects: "a text",
		read: (raw) => typeof raw === "string" ? raw : void 0,
		show: (value) => value
	};
	count$1 = {
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
	bytes$1 = {
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
	list$3 = {
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
var init_options$3 = __esmMin((() => {
	init_src$4();
	init_src$5();
	init_src$3();
	init_kinds$1();
	option = (kind, preset, help) => ({
		kind,
		default: preset,
		help
	});
	OPTIONS = {
		store: option(text$1, "lmdb:./data", "where transactions are kept: memory:, lmdb:PATH, postgres://…, mysql://… or redis://…"),
		host: option(text$1, "127.0.0.1", "address to listen on; anything but loopback needs --insecure"),
		httpPort: option(port, 36789, "port of REST, JSON-RPC and /api/v1; 0 takes a free one"),
		grpcPort: option(port, 36790, "port of gRPC; not served by this version"),
		workers: option(count$1, 1, "processes on one port; memory: and lmdb: allow one"),
		allowedHosts: option(list$3, [], "further names by which clients may address this coordinator (Host), such as that of a proxy; * allows all"),
		dtmGetCommands: option(flag, true, "serve dtm's GETs that change something (subscribe, unsubscribe, resetCronTime); never to browsers"),
		insecure: option(flag, false, "listen beyond loopback although nobody has to prove who they are"),
		node: option(text$1, "", "name of this node for people; HOST-PID unless said"),
		groups: option(list$3, DEFAULT_ENGINE_OPTIONS.groups, "application groups whose local:// branches this process hosts"),
		retryInterval: option(duration, DEFAULT_ENGINE_OPTIONS.retryIntervalMs, "first wait before a retry, when the transaction does not say"),
		maxRetryInterval: option(duration, DEFAULT_ENGINE_OPTIONS.maxRetryIntervalMs, "longest wait before a retry"),
		timeoutToFail: option(duration, DEFAULT_ENGINE_OPTIONS.timeoutToFailMs, "a prepared tcc or xa is rolled back, a prepared message asked about, after so long, when the transaction does not say"),
		requestTimeout: option(duration, DEFAULT_ENGINE_OPTIONS.requestTimeoutMs, "time-out of a branch call, when the transaction does not say"),
		alertAfterRetries: option(count$1, DEFAULT_ENGINE_OPTIONS.alertAfterRetries, "retries after which a transaction needs a person"),
		alertWebHook: option(text$1, "", "URL that is told (POST) about each transaction that needs a person"),
		maxClaims: option(count$1, DEFAULT_ENGINE_OPTIONS.maxClaims, "a transaction that was claimed so often without progress is parked"),
		retention: option(duration, DEFAULT_ENGINE_OPTIONS.retentionMs, "finished transactions are deleted after so long; 0: never"),
		heartbeat: option(duration, DEFAULT_ENGINE_OPTIONS.heartbeatMs, "how often a node says that it lives"),
		silence: option(duration, DEFAULT_ENGINE_OPTIONS.silenceMs, "the work of a node silent for so long is taken over; at least two heartbeats"),
		poll: option(duration, DEFAULT_ENGINE_OPTIONS.pollMs, "the store is asked for due work at least so often"),
		progressFlush: option(duration, DEFAULT_ENGINE_OPTIONS.progressFlushMs, "progress is written at the latest after so long"),
		drainTimeout: option(duration, 1e4, "how long a stopping node waits for what it drives"),
		maxInProgress: option(count$1, DEFAULT_ENGINE_OPTIONS.maxInProgress, "transactions driven at once; further ones wait in the store"),
		maxCallsPerDestination: option(count$1, DEFAULT_ENGINE_OPTIONS.maxCallsPerDestination, "calls running at once to one host, each over a connection of its own"),
		maxQueuedPerDestination: option(count$1, DEFAULT_ENGINE_OPTIONS.maxQueuedPerDestination, "transactions whose calls wait in memory for one host"),
		maxWaiters: option(count$1, DEFAULT_ENGINE_OPTIONS.maxWaiters, "callers waiting for results at once"),
		maxWait: option(duration, DEFAULT_ENGINE_OPTIONS.maxWaitMs, "longest wait of one call for a result"),
		maxQueuedWrites: option(count$1, DEFAULT_ENGINE_OPTIONS.maxQueuedWrites, "writes waiting for the store; beyond it new transactions are refused"),
		claimBatch: option(count$1, DEFAULT_ENGINE_OPTIONS.claimBatch, "due transactions taken from the store at once"),
		batchItems: option(count$1, DEFAULT_ENGINE_OPTIONS.batchItems, "writes in one batch"),
		batchBytes: option(bytes$1, DEFAULT_ENGINE_OPTIONS.batchBytes, "bytes in one batch"),
		maxBodyBytes: option(bytes$1, LIMITS.bodyBytes, "longest request body"),
		maxSteps: option(count$1, LIMITS.steps, `steps of one transaction, at most ${LIMITS.steps}`),
		maxPayloadBytes: option(bytes$1, LIMITS.payloadBytes, "longest payload of a step or branch, at most 1MiB"),
		maxPageSize: option(count$1, LIMITS.pageSize, `entries of one page of a list, at most ${LIMITS.pageSize}`),
		maxConnections: option(count$1, HTTP_SERVER_LIMITS.maxConnections, "connections at once"),
		branchClient: option(choice("own", "undici"), "own", "what calls branches over HTTP: own (the HTTP/1.1 client of Holdfast) or undici (the library)"),
		nameLookup: option(choice("own", "system"), "own", "how names of branches are looked up: own (hosts file and DNS, off the thread pool) or system (getaddrinfo)"),
		requestReader: option(choice("own", "node"), "own", "what reads requests: own (the usual kind; node:http reads the rest) or node (node:http reads all)"),
		logLevel: option(choice("debug", "info", "warn", "error", "silent"), "info", "least important lines to log"),
		logFormat: option(choice("auto", "pretty", "json"), "auto", "auto: pretty on a terminal, JSON otherwise")
	};
	OPTION_NAMES = Object.keys(OPTIONS);
	flagOf = (name) => `--${kebab(name)}`;
	variableOf = (name) => `HOLDFAST_${kebab(name).replaceAll("-", "_").toUpperCase()}`;
	kebab = (name) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}));
// packages/server/src/config/config-error.ts
var ConfigError;
var init_config_error = __esmMin((() => {
	ConfigError = class extends Error {
		name = "ConfigError";
	};
}));
// packages/server/src/config/environment.ts
function refuseMisspelled$1(env) {
	for (const name of unknownVariables(env)) {
		const meant = nearest(name.slice(9), KNOWN_WORDS);
		if (meant !== void 0) throw new ConfigError(`the environment variable ${name} is not an option; did you mean ${PREFIX$3}${meant}?`);
	}
}
var PREFIX$3, KNOWN$1, KNOWN_WORDS, unknownVariables, isServiceLink;
var init_environment = __esmMin((() => {
	init_src$5();
	init_config_error();
	init_options$3();
	PREFIX$3 = "HOLDFAST_";
	KNOWN$1 = [
		...OPTION_NAMES.map(variableOf),
		"HOLDFAST_CONFIG",
		"HOLDFAST_SERVER"
	];
	KNOWN_WORDS = KNOWN$1.map((name) => name.slice(9));
	unknownVariables = (env) => Object.entries(env).flatMap(([name, value = ""]) => name.startsWith(PREFIX$3) && !KNOWN$1.includes(name) && !isServiceLink(name, value) ? [name] : []);
	isServiceLink = (name, value) => /_SERVICE_(?:HOST|PORT(?:_\w+)?)$/.test(name) || /_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/.test(name) || name.endsWith("_PORT") && /^(?:tcp|udp|sctp):\/\//.test(value);
}));
// packages/server/src/http/known-hosts.ts
function knownHosts({ host, allowedHosts }) {
	if (allowedHosts.includes("*") || allowedHosts.length === 0 && !isLoopback(host)) return () => true;
	const names = new Set([host, ...allowedHosts].map(plainName));
	let last;
	return (header) => {
		if (header === void 0 || header === last) return true;
		const name = plainName(header.replace(/:\d*$/, ""));
		if (!isLoopback(name) && !names.has(name) && (isLoopback(host) || !isAddress(name))) return false;
		last = header;
		return true;
	};
}
var isLoopback, isAddress, plainName;
var init_known_hosts = __esmMin((() => {
	isLoopback = (host) => host === "localhost" || host === "::1" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
	isAddress = (name) => /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/.test(name);
	plainName = (name) => {
		const lower = name.toLowerCase().replace(/\.$/, "");
		return lower.includes(":") && !lower.startsWith("[") ? `[${lower}]` : lower;
	};
}));
// packages/server/src/config/check-config.ts
function checkConfig(config) {
	checkHost(config);
	checkAllowedHosts(config);
	checkWorkers(config);
	if (config.silence < 2 * config.heartbeat) throw new ConfigError("--silence must be at least two heartbeats, or nodes that live are taken for dead");
	if (config.alertWebHook !== "" && !/^https?:\/\//i.test(config.alertWebHook)) throw new ConfigError("--alert-web-hook must be an http:// or https:// URL");
	for (const name of MUST_BE_POSITIVE) if (config[name] < 1) throw new ConfigError(`${flagOf(name)} must be at least 1`);
	checkBound(config, "maxSteps", LIMITS.steps);
	checkBound(config, "maxPayloadBytes", LIMITS.payloadBytes);
	checkBound(config, "maxPageSize", LIMITS.pageSize);
	checkBound(config, "requestTimeout", LIMITS.requestTimeoutMs, " (10 minutes)");
	for (const name of [
		"retryInterval",
		"maxRetryInterval",
		"timeoutToFail"
	]) checkBound(config, name, LIMITS.retryIntervalMs, " (365 days)");
}
function checkWorkers({ workers, store }) {
	if (workers > MOST_WORKERS) throw new ConfigError(`--workers must be at most ${MOST_WORKERS}`);
	const [scheme = ""] = store.split(":", 1);
	if (workers > 1 && ONE_PROCESS_STORES.includes(scheme)) throw new ConfigError(`--workers ${workers}: ${scheme}: lives in one process, which many cannot share; use --workers 1, or a database`);
}
function checkBound(config, name, bound, inWords = "") {
	if (config[name] > bound) throw new ConfigError(`${flagOf(name)} must be at most ${bound}${inWords}`);
}
function checkAllowedHosts({ allowedHosts }) {
	for (const name of allowedHosts) {
		if (/^(?:\*|[\w.-]+|\[?[\da-f:.]+\]?)$/i.test(name)) continue;
		throw new ConfigError(`--allowed-hosts ${name}: must be a name or an IP address, without scheme and port`);
	}
}
function checkHost({ host, insecure }) {
	if (insecure || isLoopback(host)) return;
	throw new ConfigError(`--host ${host}: whoever reaches it could make the coordinator call any URL, since nobody has to prove who they are yet; listen on 127.0.0.1, or say --insecure where only friends can reach it`);
}
var MOST_WORKERS, ONE_PROCESS_STORES, MUST_BE_POSITIVE;
var init_check_config = __esmMin((() => {
	init_src$5();
	init_known_hosts();
	init_config_error();
	init_options$3();
	MOST_WORKERS = 128;
	ONE_PROCESS_STORES = ["memory", "lmdb"];
	MUST_BE_POSITIVE = [
		"workers",
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
}));
// packages/server/src/config/load-config.ts
async function loadConfig({ flags = {}, env = {}, file }) {
	const path = file ?? env["HOLDFAST_CONFIG"];
	refuseMisspelled$1(env);
	const fromFile = path === void 0 || path === "" ? {} : await readConfigFile(path);
	const config = Object.fromEntries(OPTION_NAMES.map((name) => {
		const variable = variableOf(name);
		if (flags[name] !== void 0) return [name, read$3(name, flags[name], flagOf(name))];
		const set = env[variable];
		if (set !== void 0 && set !== "" && !isServiceLink(variable, set)) return [name, read$3(name, set, variable)];
		if (fromFile[name] !== void 0) return [name, read$3(name, fromFile[name], `${name} in ${path}`)];
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
function read$3(name, raw, where) {
	const { kind } = OPTIONS[name];
	const value = kind.read(raw);
	if (value === void 0) throw new ConfigError(`${where}: must be ${kind.expects}, not ${withoutSecrets(JSON.stringify(raw))}`);
	return value;
}
async function readConfigFile(path) {
	const bytes = await readFile(path).catch((error) => {
		throw new ConfigError(`the config file ${path} cannot be read: ${error.message}`);
	});
	if (!isUtf8(bytes)) throw new ConfigError(`the config file ${path} is not UTF-8; save it as UTF-8`);
	const text = bytes.toString();
	const { parse } = await import("yaml");
	let value;
	try {
		value = parse(text);
	} catch (error) {
		throw new ConfigError(`the config file ${path} is neither YAML nor JSON${placeOfFault(error)}`);
	}
	if (value === null || value === void 0) return {};
	if (typeof value !== "object" || Array.isArray(value)) throw new ConfigError(`the config file ${path} must be a map of options`);
	for (const key of Object.keys(value)) refuseUnknown(key, path);
	return value;
}
function placeOfFault(error) {
	if (!(error instanceof Error) || !("linePos" in error) || !("code" in error)) return "";
	const [at] = error.linePos;
	const code = String(error.code);
	const hint = code === "BLOCK_AS_IMPLICIT_KEY" ? ` (put a value that ends in a colon into quotes: store: "memory:")` : "";
	return `: ${code} at line ${at.line}, column ${at.col}${hint}`;
}
function refuseUnknown(key, path) {
	if (Object.hasOwn(OPTIONS, key)) return;
	throw new ConfigError(`${withoutSecrets(key)} in ${path} is not an option; ${hintFor(key, OPTION_NAMES)}`);
}
var init_load_config = __esmMin((() => {
	init_src$5();
	init_config_error();
	init_check_config();
	init_environment();
	init_options$3();
}));
// packages/server/src/early-stop.ts
function onStopSignals(listener) {
	for (const signal of STOP_SIGNALS) process.on(signal, listener);
}
function takeStopSignals(listener) {
	onStopSignals(listener);
	for (const signal of STOP_SIGNALS) process.off(signal, endAtOnce);
}
var STOP_SIGNALS, endAtOnce;
var init_early_stop = __esmMin((() => {
	STOP_SIGNALS = [
		"SIGTERM",
		"SIGINT",
		"SIGHUP"
	];
	endAtOnce = () => process.exit(0);
}));
// packages/server/src/started-or-stopped.ts
async function startedOrStopped({ drainTimeout }, log, stop, start) {
	let stopped;
	const told = stop.then((signal) => stopped = signal);
	await Promise.resolve();
	if (stopped !== void 0) return void 0;
	let timer;
	const late = told.then(() => new Promise((resolve) => {
		timer = setTimeout(() => resolve(void 0), Math.min(drainTimeout, LONGEST_START_MS));
	}));
	const starting = start();
	try {
		const server = await Promise.race([starting, late]);
		if (server === void 0) log.warn({ signal: stopped }, "stopping before the start has finished");
		return server;
	} catch (error) {
		if (stopped === void 0) throw error;
		const reason = withoutSecrets(error instanceof Error ? error.message : String(error));
		log.warn({
			signal: stopped,
			error: reason
		}, "stopping; the start has failed");
		return;
	} finally {
		clearTimeout(timer);
		starting.catch(() => void 0);
	}
}
var LONGEST_START_MS;
var init_started_or_stopped = __esmMin((() => {
	init_src$5();
	LONGEST_START_MS = 5e3;
}));
// packages/server/src/cli/command-io.ts
var wantsColour;
var init_command_io = __esmMin((() => {
	wantsColour = (isTty, env) => isTty && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}));
// packages/server/src/logs/pretty.ts
function prettyLine(record, colour) {
	const { time, level, msg, err, ...fields } = record;
	const name = LEVELS[Number(level)] ?? String(level);
	const painted = colour ? `${COLOURS[name] ?? ""}${name.padEnd(5)}${RESET}` : name.padEnd(5);
	const at = typeof time === "number" ? new Date(time).toISOString().slice(11, 23) : "";
	const words = Object.entries(fields).map(([field, value]) => `${dim(`${field}=`, colour)}${textOf$5(value)}`);
	const line = [
		dim(at, colour),
		painted,
		textOf$5(msg ?? ""),
		...words
	].join(" ").trimEnd();
	return err === void 0 ? line : `${line}\n${indent(stackOf(err))}`;
}
function stackOf(err) {
	const stack = typeof err === "object" && err !== null && "stack" in err ? err.stack : err;
	return String(stack);
}
var LEVELS, RESET, COLOURS, dim, textOf$5, clean, indent;
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
	textOf$5 = (value) => clean(typeof value === "string" ? value : JSON.stringify(value));
	clean = (text) => text.replaceAll(/\p{Cc}/gu, " ");
	indent = (text) => text.split("\n").map((line) => `    ${clean(line)}`).join("\n");
}));
// packages/server/src/logs/create-log.ts
function createLog({ level, format, output, colour, fields: always = {} }) {
	const pretty = format === "pretty" || format === "auto" && output.isTTY === true;
	const write = (line) => {
		const shown = withoutSecrets(line);
		output.write(pretty ? `${prettyLine(JSON.parse(shown), colour)}\n` : shown);
	};
	const logger = pino({
		level,
		base: Object.keys(always).length === 0 ? null : always
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
	init_src$5();
	init_pretty();
}));
// packages/server/src/serve-process.ts
function endOnDefect(log) {
	const end = (err) => {
		log.error({ err }, "stopping because of a defect");
		process.exit(1);
	};
	process.once("uncaughtException", end).once("unhandledRejection", end);
}
var createServeLog, isExpected;
var init_serve_process = __esmMin((() => {
	init_src$4();
	init_src$5();
	init_command_io();
	init_config_error();
	init_create_log();
	createServeLog = ({ logLevel, logFormat }, fields = {}) => createLog({
		level: logLevel,
		format: logFormat,
		output: process.stdout,
		colour: wantsColour(process.stdout.isTTY, process.env),
		fields
	});
	isExpected = (error) => error instanceof ConfigError || error instanceof StoreError || error instanceof HoldfastError;
}));
// packages/server/src/version.ts
var VERSION;
var init_version = __esmMin((() => {
	VERSION = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
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
function outcomeOf$1(pattern, pass) {
	if (!pass.waited || pass.status === "succeed") return SUCCEEDED;
	const { status, lastResult, parked } = pass;
	const reason = parked === void 0 ? pass.rollbackReason : `parked: ${parked}`;
	if ((lastResult?.kind === "UNKNOWN" || lastResult?.kind === "FAILURE" && isTwoPhase(pattern)) && pattern !== "saga" && status === "submitted") return {
		kind: "UNKNOWN",
		message: lastResult.reason,
		status
	};
	if (isTwoPhase(pattern) && status === "submitted") return unfinished("ONGOING", lastResult?.reason || "still running", status);
	return unfinished("FAILURE", withoutSecrets(reason) || NOT_FINISHED, status);
}
var SUCCEEDED, NOT_FINISHED, isTwoPhase, unfinished;
var init_outcome = __esmMin((() => {
	init_src$5();
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
	if (pattern === void 0) throw invalid$3(gid, "trans_type", `must be one of ${PATTERNS.join(", ")}`);
	return pattern;
}
function readProtocol(gid, text) {
	if (text === null || text === void 0 || text === "") return "http";
	const protocol = BRANCH_PROTOCOLS.find((one) => one === text);
	if (protocol === void 0) throw invalid$3(gid, "protocol", `must be one of ${BRANCH_PROTOCOLS.join(", ")}`);
	return protocol;
}
function stepsOf({ steps }) {
	if (steps === null || steps === void 0) return [];
	return steps.map((step) => ({
		action: step?.action ?? "",
		compensate: step?.compensate ?? ""
	}));
}
function payloadsOf({ gid, steps, payloads }) {
	const read = [];
	const texts = payloads ?? NO_TEXTS;
	for (let index = 0; index < (steps?.length ?? 0); index++) {
		const inStep = steps?.[index]?.data;
		if (index >= texts.length && (inStep === null || inStep === void 0)) break;
		const text = texts[index] ?? inStep ?? "";
		if (!text.isWellFormed()) throw invalid$3(gid ?? "", `payloads[${index}]`, HALF_PAIR);
		read.push(Buffer.from(text));
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
	if (status !== "succeed" && status !== "failed") throw invalid$3(gid, "req_extra.status", "must be succeed or failed: the submit of a workflow says how it ended");
	return {
		gid,
		status,
		rollbackReason: extra["rollback_reason"] ?? "",
		result: extra["result"] ?? ""
	};
}
var readTransaction, HALF_PAIR, NO_TEXTS, LONGEST_SECONDS, milliseconds, said, textsOf, ordersOf;
var init_read_transaction = __esmMin((() => {
	init_src$5();
	init_src$3();
	readTransaction = (body) => transactionOf(parse$1(dtmTransaction, body));
	HALF_PAIR = "must not have half a surrogate pair, which cannot be sent as UTF-8";
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
	if (gid === null || gid === void 0 || gid === "") throw invalid$3("", "gid", "must not be empty");
	return gid;
}
var readOrderGid;
var init_read_order = __esmMin((() => {
	init_src$5();
	init_src$3();
	init_read_transaction();
	readOrderGid = (body) => requireGid(parse$1(dtmOrder, body).gid);
}));
// packages/server/src/dtm/read-branch.ts
function readRegistration(body, impliedPattern) {
	const wire = parse$1(dtmBranch, body);
	const gid = wire["gid"] ?? "";
	if (wire["data"]?.isWellFormed() === false) throw invalid$3(gid, "data", HALF_PAIR);
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
		case "msg": throw invalid$3(gid, "trans_type", `branches are registered for tcc, xa and workflow; those of a ${pattern} are its steps`);
	}
}
function readOutcome(gid, text) {
	if (text !== "succeed" && text !== "failed") throw invalid$3(gid, "status", "must be succeed or failed: how the step ended");
	return text;
}
var init_read_branch = __esmMin((() => {
	init_src$5();
	init_src$3();
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
	init_src$5();
	init_src$3();
}));
// packages/server/src/http/json-parts.ts
function* jsonParts(value) {
	let part = "";
	for (const piece of pieces(value)) {
		part += piece;
		if (part.length < PART) continue;
		yield part;
		part = "";
	}
	if (part !== "") yield part;
}
function* pieces(value) {
	if (value instanceof JsonBytes) yield* quotedPieces(value.slices());
	else if (typeof value === "string" && value.length > SLICE) yield* quotedPieces(slicesOf(value));
	else if (Array.isArray(value)) yield* piecesOfList(value);
	else if (isObject(value) && Object.values(value).some(mayBeLong)) yield* piecesOfObject(value);
	else yield JSON.stringify(value);
}
function* piecesOfList(list) {
	let before = "[";
	for (const item of list) {
		yield before;
		yield* pieces(item);
		before = ",";
	}
	yield before === "[" ? "[]" : "]";
}
function* piecesOfObject(object) {
	let before = "{";
	for (const [name, value] of Object.entries(object)) {
		if (value === void 0) continue;
		yield `${before}${JSON.stringify(name)}:`;
		yield* pieces(value);
		before = ",";
	}
	yield before === "{" ? "{}" : "}";
}
function* quotedPieces(slices) {
	yield "\"";
	for (const slice of slices) yield JSON.stringify(slice).slice(1, -1);
	yield "\"";
}
function* slicesOf(text) {
	for (let from = 0; from < text.length;) {
		const most = from + SLICE;
		const end = isFirstOfPair(text.charCodeAt(most - 1)) ? most - 1 : most;
		yield text.slice(from, end);
		from = end;
	}
}
var SLICE, PART, JsonBytes, LONGEST_CHARACTER, isInsideCharacter, isObject, mayBeLong, isFirstOfPair;
var init_json_parts = __esmMin((() => {
	SLICE = 24576;
	PART = 32768;
	JsonBytes = class {
		#bytes;
		#encoding;
		constructor(bytes, encoding) {
			this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
			this.#encoding = encoding;
		}
		toJSON() {
			return this.#bytes.toString(this.#encoding);
		}
		*slices() {
			for (let from = 0; from < this.#bytes.length;) {
				const end = this.#endOfSlice(from);
				yield this.#bytes.toString(this.#encoding, from, end);
				from = end;
			}
		}
		#endOfSlice(from) {
			const bytes = this.#bytes;
			const most = from + SLICE;
			if (most >= bytes.length) return bytes.length;
			if (this.#encoding === "base64") return most;
			for (let end = most; end > most - LONGEST_CHARACTER; end--) if (!isInsideCharacter(bytes[end])) return end;
			return most;
		}
	};
	LONGEST_CHARACTER = 4;
	isInsideCharacter = (byte = 0) => (byte & 192) === 128;
	isObject = (value) => typeof value === "object" && value !== null;
	mayBeLong = (value) => isObject(value) || typeof value === "string" && value.length > SLICE;
	isFirstOfPair = (unit) => unit >= 55296 && unit <= 56319;
}));
// packages/server/src/dtm/write-transaction.ts
async function writeTransaction(view) {
	const { definition, state } = view;
	const flat = optionsOf(view);
	return withoutEmpty({
		gid: view.gid,
		trans_type: view.pattern,
		status: view.status,
		protocol: definition.protocol,
		steps: await mapInTurns(definition.steps, (step) => withoutEmpty({
			action: withoutSecrets(step.action),
			compensate: withoutSecrets(step.compensate)
		})),
		payloads: await mapInTurns(definition.payloads, textOf$4),
		custom_data: definition.customData,
		query_prepared: withoutSecrets(definition.queryPrepared),
		rollback_reason: withoutSecrets(failureReason(state)),
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
		branch_headers: Object.keys(options.branchHeaders).length === 0 ? "" : headersOf(options.branchHeaders)
	});
}
function decoded(bytes, encoding) {
	if (bytes.length >= LAZY_FROM) return new JsonBytes(bytes, encoding);
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
}
function withoutEmpty(fields) {
	const kept = Object.entries(fields).filter(([, value]) => !isEmpty(value));
	return Object.fromEntries(kept);
}
var LAZY_FROM, writeBranches, writeProgresses, headersOf, secondsOf, timeOf, textOf$4, base64Of, isEmpty;
var init_write_transaction = __esmMin((() => {
	init_src$4();
	init_src$3();
	init_src$5();
	init_json_parts();
	LAZY_FROM = 4096;
	writeBranches = (view) => mapInTurns(view.branches, (branch) => {
		const changedAtMs = Math.max(branch.createdAtMs, branch.finishedAtMs);
		return withoutEmpty({
			gid: view.gid,
			url: withoutSecrets(branch.url),
			bin_data: base64Of(branch.payload),
			branch_id: branch.branchId,
			op: branch.op,
			status: branch.status,
			create_time: timeOf(branch.createdAtMs),
			update_time: timeOf(changedAtMs),
			finish_time: timeOf(branch.finishedAtMs)
		});
	});
	writeProgresses = (view) => mapInTurns(view.branches, ({ branchId, op, status, payload }) => withoutEmpty({
		branch_id: branchId,
		op,
		status,
		bin_data: base64Of(payload)
	}));
	headersOf = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, isSecretName(name) ? "***" : value]));
	secondsOf = (ms) => Math.ceil(ms / 1e3);
	timeOf = (ms) => ms === null || ms === 0 ? "" : new Date(ms).toISOString();
	textOf$4 = (bytes) => decoded(bytes, "utf8");
	base64Of = (bytes) => decoded(bytes, "base64");
	isEmpty = (value) => value === "" || value === 0 || value === false || value === void 0 || Array.isArray(value) && value.length === 0;
}));
// packages/server/src/dtm/write-key-value.ts
async function writeKeyValues(stored) {
	const written = [];
	for (const one of stored) written.push(await writeKeyValue(one));
	return written;
}
async function shownValue(stored) {
	if (stored.category !== "topics") return withoutSecrets(stored.value);
	const [topic] = await writeTopics([stored]);
	return JSON.stringify(topic?.subscribers);
}
var writeKeyValue;
var init_write_key_value = __esmMin((() => {
	init_src$4();
	init_src$5();
	init_src$3();
	writeKeyValue = async (stored) => ({
		cat: stored.category,
		k: stored.key,
		v: await shownValue(stored),
		version: stored.version,
		create_time: new Date(stored.createdAtMs).toISOString(),
		update_time: new Date(stored.updatedAtMs).toISOString()
	});
}));
// packages/server/src/http/error-status.ts
var STATUS_OF_ERROR, RETRY_AFTER, NOTHING$1, headOfError;
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
	NOTHING$1 = [];
	headOfError = ({ code }) => code === "unavailable" || code === "overloaded" ? RETRY_AFTER : NOTHING$1;
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
function longJsonReply(status, value) {
	const parts = jsonParts(value);
	const first = parts.next();
	const second = parts.next();
	if (first.done === true || second.done === true) return textReply(status, first.value ?? "", JSON_TYPE);
	const body = chained([first.value, second.value], parts);
	return {
		status,
		head: ["Content-Type", JSON_TYPE],
		body,
		encoding: "utf8"
	};
}
function* chained(first, rest) {
	yield* first;
	yield* rest;
}
var JSON_TYPE, PROBLEM_TYPE, NO_CONTENT;
var init_reply = __esmMin((() => {
	init_json_parts();
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
	init_src$3();
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
// packages/server/src/http/parse-in-turns.ts
function* parsePieces(text) {
	const first = skipBlanks(text, 0);
	if (!isOpening(text.charCodeAt(first))) return JSON.parse(text);
	const open = [opened(text, first)];
	let at = skipBlanks(text, first + 1);
	for (;;) {
		const inner = open.at(-1);
		if (text.charCodeAt(at) !== inner.end || at !== skipBlanks(text, inner.start + 1)) {
			at = startOfValue(text, inner, at);
			if (isOpening(text.charCodeAt(at))) {
				open.push(opened(text, at));
				at = skipBlanks(text, at + 1);
				continue;
			}
			at = endOfScalar(text, at);
			noteRead(inner, at);
			at = skipBlanks(text, at);
		}
		for (let top = inner; text.charCodeAt(at) !== COMMA; at = skipBlanks(text, at)) {
			if (text.charCodeAt(at) !== top.end) throw new SyntaxError(`unexpected character at ${at}`);
			at++;
			open.pop();
			const outer = open.at(-1);
			if (outer === void 0) {
				if (skipBlanks(text, at) !== text.length) throw new SyntaxError(`unexpected character at ${at}`);
				if (at - first > PIECE) yield;
				return top.value === void 0 ? JSON.parse(text) : withRun(text, top);
			}
			if (top.value === void 0) noteRead(outer, at);
			else attach(text, outer, withRun(text, top));
			top = outer;
		}
		const top = open.at(-1);
		if (top.runStart !== void 0 && top.runEnd - top.runStart > PIECE) {
			for (const each of open) withRun(text, each);
			yield;
		}
		at = skipBlanks(text, at + 1);
	}
}
function noteRead(one, end) {
	one.runStart ??= one.itemStart;
	one.runEnd = end;
}
function withRun(text, one) {
	const isList = one.end === LIST_END;
	const run = one.runStart === void 0 ? "" : text.slice(one.runStart, one.runEnd);
	one.runStart = void 0;
	one.value ??= isList ? [] : {};
	if (run === "") return one.value;
	const parsed = JSON.parse(isList ? `[${run}]` : `{${run}}`);
	if (Array.isArray(one.value)) for (const item of parsed) one.value.push(item);
	else for (const [name, value] of Object.entries(parsed)) setField(one.value, name, value);
	return one.value;
}
function attach(text, one, value) {
	const items = withRun(text, one);
	if (Array.isArray(items)) items.push(value);
	else setField(items, JSON.parse(text.slice(one.itemStart, one.nameEnd)), value);
}
function setField(object, name, value) {
	if (name !== "__proto__") object[name] = value;
	else Object.defineProperty(object, name, {
		value,
		writable: true,
		enumerable: true,
		configurable: true
	});
}
function startOfValue(text, one, at) {
	one.itemStart = at;
	if (one.end === LIST_END) return at;
	if (text.charCodeAt(at) !== QUOTE) throw new SyntaxError(`a name is missing at ${at}`);
	one.nameEnd = endOfString(text, at);
	const colon = skipBlanks(text, one.nameEnd);
	if (text.charCodeAt(colon) !== COLON) throw new SyntaxError(`a colon is missing at ${colon}`);
	return skipBlanks(text, colon + 1);
}
function endOfScalar(text, start) {
	if (text.charCodeAt(start) === QUOTE) return endOfString(text, start);
	let at = start;
	while (at < text.length && !endsScalar(text.charCodeAt(at))) at++;
	if (at === start) throw new SyntaxError(`a value is missing at ${at}`);
	return at;
}
function endOfString(text, start) {
	const first = text.indexOf("\"", start + 1);
	if (first >= 0 && text.charCodeAt(first - 1) !== BACKSLASH) return first + 1;
	for (let at = start + 1; at < text.length; at++) {
		const unit = text.charCodeAt(at);
		if (unit === QUOTE) return at + 1;
		if (unit === BACKSLASH) at++;
	}
	throw new SyntaxError(`the text that begins at ${start} does not end`);
}
function skipBlanks(text, start) {
	let at = start;
	while (isBlank(text.charCodeAt(at))) if (++at - start > FEW_BLANKS) return endOfBlanks(text, at);
	return at;
}
function endOfBlanks(text, start) {
	OTHER.lastIndex = start;
	return OTHER.test(text) ? OTHER.lastIndex - 1 : text.length;
}
var PIECE, QUOTE, COMMA, COLON, BACKSLASH, LIST$2, LIST_END, OBJECT, OBJECT_END, opened, isOpening, endsScalar, isBlank, FEW_BLANKS, OTHER;
var init_parse_in_turns = __esmMin((() => {
	PIECE = 16384;
	QUOTE = 34;
	COMMA = 44;
	COLON = 58;
	BACKSLASH = 92;
	LIST$2 = 91;
	LIST_END = 93;
	OBJECT = 123;
	OBJECT_END = 125;
	opened = (text, start) => ({
		start,
		end: text.charCodeAt(start) === LIST$2 ? LIST_END : OBJECT_END,
		runStart: void 0,
		runEnd: 0,
		itemStart: 0,
		nameEnd: 0,
		value: void 0
	});
	isOpening = (unit) => unit === LIST$2 || unit === OBJECT;
	endsScalar = (unit) => unit === COMMA || unit === LIST_END || unit === OBJECT_END || isBlank(unit);
	isBlank = (unit) => unit === 32 || unit === 10 || unit === 13 || unit === 9;
	FEW_BLANKS = 64;
	OTHER = /[^ \n\r\t]/g;
}));
// packages/server/src/http/json-text.ts
function parseJson(text) {
	checkJsonBounds(text);
	return parseCounted(text);
}
function parseCounted(text) {
	try {
		return JSON.parse(text);
	} catch {
		throw new HoldfastError("invalid", faultOf(text));
	}
}
async function parseLongJson(text) {
	await nextTurn();
	checkJsonBounds(text);
	await nextTurn();
	try {
		const value = await parseInTurns(text);
		await nextTurn();
		return value;
	} catch {
		throw new HoldfastError("invalid", faultOf(text));
	}
}
async function inTurns(pieces) {
	for (let next = pieces.next();; next = pieces.next()) {
		if (next.done === true) return next.value;
		if (turns.isSpent) await nextTurn();
	}
}
function faultOf(text) {
	if (text === "") return "the body is empty; it must be a JSON text";
	const position = jsonFaultPosition(text.slice(0, LONGEST_SEARCH));
	if (position >= LONGEST_SEARCH) return `the body is not JSON: the fault is behind position ${LONGEST_SEARCH}`;
	if (position >= text.length) return `the body is not JSON: it ends too early, at position ${text.length}`;
	return `the body is not JSON: unexpected ${JSON.stringify(text.charAt(position))} at position ${position}`;
}
var LONGEST_AT_ONCE, isLong, nextTurn, parseInTurns, LONGEST_SEARCH;
var init_json_text = __esmMin((() => {
	init_src$5();
	init_src$3();
	init_json_fault();
	init_parse_in_turns();
	LONGEST_AT_ONCE = 8192;
	isLong = (body) => body.length > LONGEST_AT_ONCE;
	nextTurn = () => turns.next();
	parseInTurns = (text) => inTurns(parsePieces(text));
	LONGEST_SEARCH = 65536;
}));
// packages/server/src/http/dtm-routes.ts
function dtmRoutes(handlers, options) {
	return [
		...changes$1(handlers),
		...orders$1(handlers, options),
		...queries(handlers, options),
		...topics$1(handlers)
	];
}
function post(path, read, run, fail = (error) => replyOfError(error)) {
	return {
		method: "POST",
		path: PREFIX$2 + path,
		readsBody: true,
		run: ({ context, body }) => isLong(body) ? runLong(context, body, read, run) : run(context, read(parseJson(body))),
		fail
	};
}
async function runLong(context, body, read, run) {
	const input = read(await parseLongJson(body));
	await nextTurn();
	return run(context, input);
}
function changes$1(handlers) {
	return [
		post("/prepare", readTransaction, async (context, input) => {
			await handlers.prepare(context, input);
			return SUCCESS_REPLY;
		}),
		post("/submit", readSubmission, async (context, submission) => {
			if (submission.kind === "transaction") {
				const pass = await handlers.submit(context, submission.input);
				return replyOfOutcome(outcomeOf$1(submission.input.pattern, pass));
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
			await handlers.forceStop(context, {
				gid,
				reason: ""
			});
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
		getLong$1("/query", async ({ context, query }) => {
			const view = await handlers.get(context, requireGid(query.get("gid")));
			if (view === void 0) return jsonReply(200, {
				transaction: null,
				branches: []
			});
			return longJsonReply(200, {
				transaction: await writeTransaction(view),
				branches: await writeBranches(view)
			});
		}),
		getLong$1("/all", async ({ context, query }) => {
			const page = await handlers.list(context, readListQuery(new QueryReader(query)));
			return longJsonReply(200, {
				transactions: await writePage(page.items),
				next_position: page.next ?? ""
			});
		}),
		getLong$1("/scanKV", async ({ context, query }) => {
			const reader = new QueryReader(query);
			const page = await handlers.scanKeyValues(context, {
				category: reader.text("cat"),
				limit: reader.count("limit") || 100,
				...defined({ cursor: reader.text("position") || void 0 })
			});
			return longJsonReply(200, {
				kv: await writeKeyValues(page.items),
				next_position: page.next ?? ""
			});
		}),
		getLong$1("/queryKV", async ({ context, query }) => {
			const reader = new QueryReader(query);
			const found = await handlers.queryKeyValue(context, {
				category: reader.text("cat"),
				key: reader.text("key")
			});
			return longJsonReply(200, { kv: await writeKeyValues(found === void 0 ? [] : [found]) });
		})
	];
}
async function writePage(views) {
	const written = [];
	for (const [index, view] of views.entries()) {
		if (index % PAGE_SLICE === PAGE_SLICE - 1) await nextTurn();
		written.push(await writeTransaction(view));
	}
	return written;
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
			path: `${PREFIX$2}/topic/:name`,
			readsBody: false,
			run: async ({ context, params: [topic = ""] }) => {
				await handlers.deleteTopic(context, topic);
				return SUCCESS_REPLY;
			},
			fail: replyOfError
		}
	];
}
var PREFIX$2, DEFAULT_RESET_LIMIT, get, getLong$1, getAndPost, register, prepareWorkflow, PAGE_SLICE;
var init_dtm_routes = __esmMin((() => {
	init_src$3();
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
	PREFIX$2 = "/api/dtmsvr";
	DEFAULT_RESET_LIMIT = 100;
	get = (path, run) => ({
		method: "GET",
		path: PREFIX$2 + path,
		readsBody: false,
		run,
		fail: replyOfError
	});
	getLong$1 = (path, run) => ({
		...get(path, run),
		takesPlace: () => true
	});
	getAndPost = (path, run) => [{
		...get(path, run),
		isCommand: true
	}, {
		...get(path, run),
		method: "POST"
	}];
	register = (handlers, path, impliedPattern) => post(path, (body) => readRegistration(body, impliedPattern), async (context, registration) => {
		await handlers.registerBranch(context, registration);
		return SUCCESS_REPLY;
	}, (error) => error.code === "not_found" ? failureReply(error) : replyOfError(error));
	prepareWorkflow = (handlers) => post("/prepareWorkflow", readTransaction, async (context, input) => {
		const view = await handlers.prepareWorkflow(context, input);
		return longJsonReply(200, {
			transaction: await writeTransaction(view),
			progresses: await writeProgresses(view)
		});
	}, (error) => replyOfError(error, {
		transaction: { gid: error.gid ?? "" },
		progresses: messageOf(error)
	}));
	PAGE_SLICE = 50;
}));
// packages/server/src/http/json-rpc.ts
function jsonRpcRoute(handlers, onDefect) {
	const methods = new Map(Object.entries(methodsOf(handlers)).map(([name, method]) => [name, guarded(method, onDefect)]));
	return {
		method: "POST",
		path: "/api/json-rpc",
		readsBody: true,
		run: async ({ context, body }) => {
			const request = isLong(body) ? await parseLong(body) : parse(body);
			if (request === UNPARSABLE) return replyTo(400, failed(JSON_RPC_CODES.unparsable, faultOf(body)));
			if (!Array.isArray(request)) return textReply(200, await answer(methods, context, {
				request,
				body,
				start: 0
			}), JSON_TYPE);
			return answerBatch(methods, context, request, body);
		},
		fail: (error) => replyTo(error.code === "too_large" ? 413 : 400, failed(JSON_RPC_CODES.badRequest, error.message))
	};
}
function parse(body) {
	checkJsonBounds(body);
	try {
		return JSON.parse(body);
	} catch {
		return UNPARSABLE;
	}
}
async function parseLong(body) {
	await nextTurn();
	checkJsonBounds(body);
	await nextTurn();
	try {
		const request = await parseInTurns(body);
		await nextTurn();
		return request;
	} catch {
		return UNPARSABLE;
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
			if (submission.kind === "transaction") return answerOf$1(outcomeOf$1(submission.input.pattern, await handlers.submit(context, submission.input)));
			await handlers.finishWorkflow(context, submission.end);
			return answerOf$1(SUCCEEDED);
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
function answerOf$1(outcome) {
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
async function answer(methods, context, placed) {
	const found = idTextOf(placed);
	const id = found instanceof Promise ? await found : found;
	return answerText(id ?? "null", await call(methods, context, placed.request, id));
}
async function call(methods, context, request, id) {
	if (typeof request !== "object" || request === null || !("jsonrpc" in request) || request.jsonrpc !== "2.0") return failed(JSON_RPC_CODES.badRequest, "not a JSON-RPC 2.0 request: it must be an object with \"jsonrpc\": \"2.0\"");
	if (id === void 0) return failed(JSON_RPC_CODES.badRequest, "id must be a string, a number or null; without one there is no answer");
	const name = "method" in request ? request.method : void 0;
	const method = typeof name === "string" ? methods.get(name) : void 0;
	if (method === void 0) return failed(JSON_RPC_CODES.unknownMethod, `there is no such method; there are ${[...methods.keys()].join(", ")}`);
	return method(context, "params" in request ? request.params : {});
}
function idTextOf({ request, body, start }) {
	const id = typeof request === "object" && request !== null && "id" in request ? request.id : void 0;
	if (typeof id === "string" || id === null) return JSON.stringify(id);
	if (typeof id !== "number") return void 0;
	if (isLong(body)) return inTurns(jsonMembersInPieces(body, start)).then((members) => memberText(body, members));
	return memberText(body, jsonMembers(body, start));
}
function memberText(body, members) {
	const span = members.get("id");
	return span === void 0 ? void 0 : body.slice(span.start, span.end);
}
async function answerBatch(methods, context, requests, body) {
	if (requests.length === 0 || requests.length > 100) {
		const fault = `a batch has 1 to 100 requests, this one ${requests.length}`;
		return replyTo(200, failed(JSON_RPC_CODES.badRequest, fault));
	}
	const previous = new Map();
	const spans = isLong(body) ? await inTurns(jsonItemsInPieces(body)) : jsonItems(body);
	if (isLong(body)) await nextTurn();
	const answers = [];
	let [begun, characters] = [0, 0];
	for (const [index, request] of requests.entries()) {
		if (begun === BATCH_SLICE || characters > BATCH_SLICE_CHARACTERS) {
			await setImmediate$1();
			[begun, characters] = [0, 0];
		}
		const { start, end } = spans[index] ?? {
			start: 0,
			end: 0
		};
		begun++;
		characters += end - start;
		const gid = gidOf(request);
		const before = gid === void 0 ? void 0 : previous.get(gid);
		const one = (async () => {
			await before;
			return answer(methods, context, {
				request,
				body,
				start
			});
		})();
		if (gid !== void 0) previous.set(gid, one);
		answers.push(one);
	}
	return textReply(200, `[${(await Promise.all(answers)).join(",")}]`, JSON_TYPE);
}
function gidOf(request) {
	const params = typeof request === "object" && request !== null && "params" in request ? request.params : void 0;
	const gid = typeof params === "object" && params !== null && "gid" in params ? params.gid : void 0;
	return typeof gid === "string" ? gid : void 0;
}
var BATCH_SLICE, BATCH_SLICE_CHARACTERS, UNPARSABLE, SUCCESS, guarded, failed, replyTo, answerText;
var init_json_rpc = __esmMin((() => {
	init_src$5();
	init_src$3();
	init_outcome();
	init_read_order();
	init_read_branch();
	init_read_transaction();
	init_json_text();
	init_reply();
	BATCH_SLICE = 10;
	BATCH_SLICE_CHARACTERS = 8192;
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
	replyTo = (status, said) => textReply(status, answerText("null", said), JSON_TYPE);
	answerText = (id, said) => `{"jsonrpc":"2.0","id":${id},${JSON.stringify(said).slice(1)}`;
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
	init_src$5();
	init_dtm_replies();
	init_reply();
	READY_TIMEOUT_MS = 2e3;
	ALIVE = jsonReply(200, { status: "ok" });
	PONG = jsonReply(200, { msg: "pong" });
}));
// packages/server/src/http/router.ts
function choose(routes, method, params) {
	const read = routes.get("GET");
	const head = read?.isCommand === true ? void 0 : read;
	const route = (method === "HEAD" ? head : routes.get(method)) ?? routes.get("ANY");
	if (route !== void 0) return {
		kind: "route",
		route,
		params
	};
	const allow = [...routes.keys()];
	return {
		kind: "wrong-method",
		allow: head === void 0 ? allow : [...allow, "HEAD"]
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
	init_src$5();
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
// packages/server/src/http/misses.ts
function replyOfMiss(match, path) {
	if (match.kind === "wrong-method") {
		const allow = match.allow.join(", ");
		const head = ["Allow", allow];
		return reply(path, 405, "invalid", `this path takes ${allow}`, {}, head, "The path has no such method");
	}
	const { nearest } = match;
	const hint = nearest === void 0 ? "" : `; the nearest there is: ${nearest}`;
	return reply(path, 404, "not_found", `there is nothing at ${path.slice(0, LONGEST_SHOWN)}${hint}`, { nearest });
}
function reply(path, status, code, message, more, head, title = "There is no such route") {
	if (path === JSON_RPC_PATH) return jsonReply(status, {
		jsonrpc: "2.0",
		error: {
			code: status < 500 ? JSON_RPC_CODES.badRequest : JSON_RPC_CODES.failed,
			message
		},
		id: null
	}, void 0, head);
	if (path !== V1 && !path.startsWith(`${V1}/`)) return jsonReply(status, {
		message,
		code,
		...more
	}, void 0, head);
	return jsonReply(status, {
		type: `urn:holdfast:problem:${code}`,
		title,
		status,
		detail: message,
		code,
		...more
	}, PROBLEM_TYPE, head);
}
var LONGEST_SHOWN, refusal$3, V1, JSON_RPC_PATH;
var init_misses = __esmMin((() => {
	init_src$5();
	init_reply();
	LONGEST_SHOWN = 200;
	refusal$3 = (path, status, message, head) => reply(path, status, status === 503 ? "unavailable" : "invalid", message, {}, head, "The request is refused");
	V1 = "/api/v1";
	JSON_RPC_PATH = "/api/json-rpc";
}));
// packages/server/src/http/paced-socket.ts
function blankLineEnd(bytes, before, least = 0) {
	if (least === 0 && before.at(-1) === LINE_FEED) {
		if (bytes[0] === LINE_FEED) return 1;
		if (bytes[0] === CARRIAGE_RETURN && bytes[1] === LINE_FEED) return 2;
	}
	if (least === 0 && before[0] === LINE_FEED && before[1] === CARRIAGE_RETURN && bytes[0] === LINE_FEED) return 1;
	for (let at = bytes.indexOf(LINE_FEED, least); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) {
		if (bytes[at + 1] === LINE_FEED) return at + 2;
		if (bytes[at + 1] === CARRIAGE_RETURN && bytes[at + 2] === LINE_FEED) return at + 3;
	}
	return bytes.length;
}
var LINE_FEED, CARRIAGE_RETURN, BODY_SLICE, NO_BYTES$1, PacedSocket;
var init_paced_socket = __esmMin((() => {
	LINE_FEED = 10;
	CARRIAGE_RETURN = 13;
	BODY_SLICE = 512;
	NO_BYTES$1 = Buffer.alloc(0);
	PacedSocket = class extends Duplex {
		#socket;
		#pending;
		#hasEnded = false;
		#tail = NO_BYTES$1;
		#request;
		#next = [];
		#bodyLeft = 0;
		constructor(socket, piece) {
			super({ decodeStrings: false });
			this.#socket = socket;
			this.#pending = piece;
			socket.on("data", (more) => {
				this.#pending = this.#pending.length === 0 ? more : Buffer.concat([this.#pending, more]);
				this.#handOver();
			}).on("end", () => {
				this.#hasEnded = true;
				this.#handOver();
			}).on("timeout", () => this.emit("timeout")).on("error", (error) => this.destroy(error)).on("close", () => this.destroy());
		}
		enter(request, response, run) {
			const start = () => {
				this.#request = request;
				response.once("close", () => {
					this.#request = void 0;
					this.#next.shift()?.();
					this.#handOver();
				});
				run();
			};
			if (this.#request !== void 0) return void this.#next.push(start);
			this.#bodyLeft = Number(request.headers["content-length"] ?? 0);
			start();
		}
		setTimeout(timeoutMs) {
			this.#socket.setTimeout(timeoutMs);
			return this;
		}
		destroySoon() {
			this.end(() => this.destroy());
		}
		_read() {
			process.nextTick(() => this.#handOver());
		}
		_write(chunk, encoding, callback) {
			if (typeof chunk === "string") this.#socket.write(chunk, encoding, callback);
			else this.#socket.write(chunk, callback);
		}
		_final(callback) {
			this.#socket.end(() => callback());
		}
		_destroy(error, callback) {
			this.#socket.destroy();
			callback(error);
		}
		get #isBusy() {
			return this.#next.length > 0 || this.#request?.complete === true;
		}
		#handOver() {
			while (this.#pending.length > 0 && this.#takesMore) this.push(this.#takeSlice());
			if (this.destroyed) return;
			if (this.#pending.length > 0) this.#socket.pause();
			else if (this.#hasEnded) this.push(null);
			else this.#socket.resume();
		}
		#takeSlice() {
			const pending = this.#pending;
			let end;
			if (this.#request === void 0) end = blankLineEnd(pending, this.#tail);
			else if (this.#bodyLeft === 0) end = blankLineEnd(pending, this.#tail, BODY_SLICE);
			else {
				end = Math.min(this.#bodyLeft, pending.length);
				this.#bodyLeft -= end;
			}
			const slice = pending.subarray(0, end);
			this.#pending = pending.subarray(end);
			this.#tail = end > 1 ? slice.subarray(-2) : Buffer.concat([this.#tail.subarray(-1), slice]);
			return slice;
		}
		get #takesMore() {
			return !this.#isBusy && !this.destroyed && this.readableFlowing === true && this.readableLength === 0;
		}
	};
}));
// packages/server/src/http/node-connections.ts
var NOTHING, NodeConnections;
var init_node_connections = __esmMin((() => {
	init_paced_socket();
	NOTHING = Buffer.alloc(0);
	NodeConnections = class NodeConnections {
		#give;
		static takeAll(server) {
			const connections = new NodeConnections(server, (socket) => connections.give(socket));
		}
		constructor(server, taken) {
			const listeners = server.listeners("connection");
			if (listeners.length === 0) throw new Error("the server of node:http does not listen to its connections");
			server.removeAllListeners("connection").on("connection", taken);
			this.#give = (socket) => {
				for (const listener of listeners) listener.call(server, socket);
			};
			const run = server.listeners("request");
			server.removeAllListeners("request").on("request", (request, response) => {
				const socket = request.socket;
				if (!(socket instanceof PacedSocket)) throw new Error("a connection reached node:http by another way");
				socket.enter(request, response, () => {
					for (const listener of run) listener.call(server, request, response);
				});
			});
		}
		give(socket, piece = NOTHING) {
			this.#give(new PacedSocket(socket, piece));
		}
	};
}));
// packages/server/src/http/cross-site.ts
function crossSiteFault(headers) {
	const site = headers["sec-fetch-site"];
	if (site !== void 0 && site !== "same-origin" && site !== "none") return REASON;
	const { origin } = headers;
	if (origin === void 0) return void 0;
	const host = URL.canParse(origin) ? new URL(origin).host : "";
	return host !== "" && host === headers.host ? void 0 : REASON;
}
var REASON, isFromBrowser;
var init_cross_site = __esmMin((() => {
	REASON = "requests of web pages of other sites are refused";
	isFromBrowser = (headers) => headers["sec-fetch-site"] !== void 0 || headers.origin !== void 0 || /^mozilla\//i.test(headers["user-agent"] ?? "");
}));
// packages/server/src/http/read-body.ts
async function readBody(request, maxBytes) {
	const bytes = await readBytes(request, maxBytes);
	if (isLong(bytes)) await nextTurn();
	return bodyText(bytes);
}
function readBytes(request, maxBytes) {
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
			if (first === void 0) return resolve(NO_BYTES);
			resolve(rest === void 0 ? first : Buffer.concat([first, ...rest]));
		});
		request.on("close", () => {
			if (!request.complete) reject(brokenOff());
		});
	});
}
function bodyText(body) {
	const text = body.toString();
	if (text.includes(REPLACEMENT) && !isUtf8(body)) throw new HoldfastError("invalid", "the body is not UTF-8; encode it as UTF-8 and send it again");
	return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}
var NO_BYTES, BYTE_ORDER_MARK, REPLACEMENT, brokenOff, tooLarge;
var init_read_body = __esmMin((() => {
	init_src$5();
	init_json_text();
	NO_BYTES = Buffer.alloc(0);
	BYTE_ORDER_MARK = 65279;
	REPLACEMENT = "�";
	brokenOff = () => new HoldfastError("invalid", "the request broke off before its body was complete");
	tooLarge = (maxBytes) => new HoldfastError("too_large", `the body must have at most ${maxBytes} bytes`);
}));
// packages/server/src/http/places.ts
var PLACES$1, LONGEST_QUEUE, Places, places;
var init_places = __esmMin((() => {
	init_src$5();
	init_json_text();
	PLACES$1 = 16;
	LONGEST_QUEUE = 1e3;
	Places = class {
		#taken = 0;
		#waiting = new Set();
		get areAwaited() {
			return this.#waiting.size > 0;
		}
		enter(exchange) {
			if (this.#taken < PLACES$1) {
				this.#taken++;
				return;
			}
			if (this.#waiting.size >= LONGEST_QUEUE) throw new HoldfastError("overloaded", "too many requests wait for long responses to be sent; ask again later");
			return this.#wait(exchange);
		}
		leave() {
			const [first] = this.#waiting;
			if (first === void 0) return void this.#taken--;
			this.#waiting.delete(first);
			first.resume(true);
		}
		async #wait(exchange) {
			const hasPlace = await new Promise((resume) => {
				const waiter = { resume };
				this.#waiting.add(waiter);
				exchange.onGone(() => {
					if (this.#waiting.delete(waiter)) resume(false);
				});
			});
			if (hasPlace) await nextTurn();
			return hasPlace;
		}
	};
	places = new Places();
}));
// packages/server/src/http/send-parts.ts
async function sendParts(to, parts, write) {
	try {
		for (const part of parts) {
			if (!to.writable || to.destroyed) return;
			if (!write(part)) await drained(to);
			await nextTurn();
		}
	} catch {
		to.destroy();
	}
}
function drained(stream) {
	return new Promise((resolve) => {
		let checks = 0;
		const check = setInterval(() => {
			if (++checks >= LONGEST_CHECKS || places.areAwaited) stream.destroy();
		}, CHECK_MS).unref();
		const done = () => {
			clearInterval(check);
			stream.off("drain", done).off("close", done);
			resolve();
		};
		stream.on("drain", done).on("close", done);
	});
}
var CHECK_MS, LONGEST_CHECKS;
var init_send_parts = __esmMin((() => {
	init_src$3();
	init_json_text();
	init_places();
	CHECK_MS = 5e3;
	LONGEST_CHECKS = HTTP_SERVER_SETTINGS.keepAliveTimeout / CHECK_MS;
}));
// packages/server/src/http/node-exchange.ts
var NodeExchange;
var init_node_exchange = __esmMin((() => {
	init_cross_site();
	init_read_body();
	init_send_parts();
	NodeExchange = class {
		#request;
		#response;
		constructor(request, response) {
			this.#request = request;
			this.#response = response;
		}
		get method() {
			return this.#request.method ?? "GET";
		}
		get url() {
			return this.#request.url ?? "/";
		}
		get host() {
			return this.#request.headersDistinct["host"]?.join(", ");
		}
		get isFromBrowser() {
			return isFromBrowser(this.#request.headers);
		}
		get crossSiteFault() {
			return crossSiteFault(this.#request.headers);
		}
		body(maxBytes) {
			return readBody(this.#request, maxBytes);
		}
		send({ status, head, body, encoding }, isLast) {
			if (isLast) this.#response.shouldKeepAlive = false;
			this.#response.writeHead(status, head);
			if (typeof body !== "string") return this.#sendParts(body);
			this.#response.end(body, encoding);
		}
		async #sendParts(parts) {
			const response = this.#response;
			if (this.method !== "HEAD") await sendParts(response, parts, (part) => response.write(part));
			if (!response.destroyed) response.end();
		}
		get isGone() {
			return this.#response.destroyed;
		}
		onGone(listener) {
			this.#response.once("close", listener);
		}
	};
}));
// packages/server/src/http/plain-request.ts
function readPlainRequest(piece) {
	const headEnd = piece.indexOf(HEAD_END);
	if (headEnd === -1 || headEnd > MAX_HEAD_BYTES) return void 0;
	const head = piece.toString("latin1", 0, headEnd + 2);
	const [, method, url] = HEAD$2.exec(head) ?? [];
	if (method === void 0 || url === void 0) return void 0;
	const fields = fieldsOf$1(head);
	const bodyStart = headEnd + HEAD_END.length;
	if (fields === void 0 || bodyStart + fields.bodyLength !== piece.length) return void 0;
	return {
		method,
		url,
		host: fields.host,
		body: piece.subarray(bodyStart)
	};
}
function fieldsOf$1(head) {
	let host;
	let length;
	TELLING_FIELD.lastIndex = 0;
	for (let field = TELLING_FIELD.exec(head); field !== null; field = TELLING_FIELD.exec(head)) {
		const [, name = "", value = ""] = field;
		switch (name.toLowerCase()) {
			case "host":
				if (host !== void 0) return void 0;
				host = value.trimEnd();
				break;
			case "user-agent":
				if (/^mozilla/i.test(value)) return void 0;
				break;
			case "content-length":
				if (length !== void 0 || !/^\d{1,9}$/.test(value)) return void 0;
				length = value;
				break;
			case "connection":
				if (value.toLowerCase() !== "keep-alive") return void 0;
				break;
			default: return;
		}
	}
	return host === void 0 ? void 0 : {
		host,
		bodyLength: Number(length ?? 0)
	};
}
var HEAD_END, MAX_HEAD_BYTES, HEAD$2, TELLING_FIELD;
var init_plain_request = __esmMin((() => {
	HEAD_END = Buffer.from("\r\n\r\n");
	MAX_HEAD_BYTES = 8192;
	HEAD$2 = /^(GET|POST|PUT|DELETE) (\/[!-~]*) HTTP\/1\.1\r\n(?:[!#$%&'*+.^_`|~\dA-Za-z-]+:[\t -~]*\r\n)+$/;
	TELLING_FIELD = /\r\n(host|content-length|(?:proxy-)?connection|transfer-encoding|expect|upgrade|origin|sec-fetch-site|user-agent):[\t ]*([\t -~]*)/gi;
}));
// packages/server/src/http/plain-connection.ts
function headLines(head) {
	let lines = "";
	for (let at = 0; at < head.length; at += 2) lines += `${head[at]}: ${head[at + 1]}\r\n`;
	return lines;
}
function dateNow() {
	const nowMs = Date.now();
	const second = Math.floor(nowMs / 1e3);
	if (second !== dateSecond) {
		dateSecond = second;
		dateText = new Date(nowMs).toUTCString();
	}
	return dateText;
}
var headersTimeout, keepAliveTimeout, PERSISTENT, LAST, PlainConnection, PlainExchange, dateSecond, dateText;
var init_plain_connection = __esmMin((() => {
	init_src$3();
	init_plain_request();
	init_read_body();
	init_send_parts();
	({headersTimeout, keepAliveTimeout} = HTTP_SERVER_SETTINGS);
	PERSISTENT = `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveTimeout / 1e3}\r\n`;
	LAST = "Connection: close\r\n";
	PlainConnection = class {
		#owner;
		#socket;
		#idleSinceMs = performance.now();
		#idleLimitMs = headersTimeout;
		#exchange;
		#isSending = false;
		#early;
		constructor(socket, owner) {
			this.#owner = owner;
			this.#socket = socket;
			socket.on("data", this.#onData).on("end", this.#onEnd).on("error", this.#onError).on("close", this.#onClose);
		}
		closeIfIdle() {
			if (this.#exchange === void 0) this.#socket.destroySoon();
		}
		closeIfLate(nowMs) {
			if ((this.#exchange === void 0 || this.#isSending) && nowMs - this.#idleSinceMs > this.#idleLimitMs) this.#socket.destroy();
		}
		destroy() {
			this.#socket.destroy();
		}
		answer({ status, head, body, encoding }, isLast) {
			this.#idleSinceMs = performance.now();
			this.#idleLimitMs = keepAliveTimeout;
			const first = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headLines(head)}Date: ${dateNow()}\r\n${isLast ? LAST : PERSISTENT}`;
			if (typeof body !== "string") return this.#answerInParts(first, body, isLast);
			this.#exchange = void 0;
			if (this.#socket.writable) this.#answered(this.#socket.write(`${first}\r\n${body}`, encoding), isLast);
		}
		async #answerInParts(first, parts, isLast) {
			const socket = this.#socket;
			this.#isSending = true;
			if (socket.writable) socket.write(`${first}Transfer-Encoding: chunked\r\n\r\n`, "latin1");
			await sendParts(socket, parts, (part) => {
				this.#idleSinceMs = performance.now();
				return socket.write(`${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`);
			});
			this.#isSending = false;
			this.#exchange = void 0;
			if (socket.writable) this.#answered(socket.write("0\r\n\r\n"), isLast);
		}
		#answered(isTaken, isLast) {
			if (isLast) this.#socket.destroySoon();
			else if (this.#early !== void 0) this.#leave(this.#early);
			else if (!isTaken) this.#socket.pause().once("drain", () => this.#socket.resume());
		}
		#onData = (piece) => {
			if (!this.#socket.writable) return;
			if (this.#exchange !== void 0) {
				this.#early = this.#early === void 0 ? piece : Buffer.concat([this.#early, piece]);
				this.#socket.pause();
				return;
			}
			const request = readPlainRequest(piece);
			if (request === void 0) return this.#leave(piece);
			this.#exchange = new PlainExchange(this, request);
			this.#owner.requested(this.#exchange);
		};
		#onEnd = () => this.#socket.destroySoon();
		#onError = () => {};
		#onClose = () => {
			this.#owner.left(this);
			this.#exchange?.gone();
		};
		#leave(piece) {
			const socket = this.#socket;
			socket.off("data", this.#onData).off("end", this.#onEnd).off("error", this.#onError).off("close", this.#onClose);
			this.#owner.left(this);
			this.#owner.handOver(socket, piece);
		}
	};
	PlainExchange = class {
		#connection;
		#request;
		#isGone = false;
		#onGone;
		constructor(connection, request) {
			this.#connection = connection;
			this.#request = request;
		}
		get method() {
			return this.#request.method;
		}
		get url() {
			return this.#request.url;
		}
		get host() {
			return this.#request.host;
		}
		get isFromBrowser() {
			return false;
		}
		get crossSiteFault() {}
		get isGone() {
			return this.#isGone;
		}
		body(maxBytes) {
			const { body } = this.#request;
			if (body.length > maxBytes) throw tooLarge(maxBytes);
			return bodyText(body);
		}
		send(reply, isLast) {
			return this.#connection.answer(reply, isLast);
		}
		onGone(listener) {
			this.#onGone = listener;
		}
		gone() {
			this.#isGone = true;
			this.#onGone?.();
		}
	};
	dateSecond = 0;
	dateText = "";
}));
// packages/server/src/http/plain-connections.ts
var PlainConnections;
var init_plain_connections = __esmMin((() => {
	init_src$3();
	init_node_connections();
	init_plain_connection();
	PlainConnections = class {
		#connections = new Set();
		#node;
		#requested;
		constructor(server, requested) {
			this.#node = new NodeConnections(server, (socket) => this.#connections.add(new PlainConnection(socket, this)));
			this.#requested = requested;
			server.once("listening", () => {
				const check = setInterval(() => this.#closeLate(), HTTP_SERVER_SETTINGS.connectionsCheckingInterval).unref();
				server.once("close", () => clearInterval(check));
			});
		}
		closeIdle() {
			for (const connection of this.#connections) connection.closeIfIdle();
		}
		closeAll() {
			for (const connection of this.#connections) connection.destroy();
		}
		requested(exchange) {
			this.#requested(exchange);
		}
		left(connection) {
			this.#connections.delete(connection);
		}
		handOver(socket, piece) {
			this.#node.give(socket, piece);
		}
		#closeLate() {
			const nowMs = performance.now();
			for (const connection of this.#connections) connection.closeIfLate(nowMs);
		}
	};
}));
// packages/server/src/http/request-context.ts
var RequestContext;
var init_request_context = __esmMin((() => {
	init_src$5();
	RequestContext = class {
		principal = "anonymous";
		namespace = DEFAULT_NAMESPACE;
		#exchange;
		#abort;
		constructor(exchange) {
			this.#exchange = exchange;
		}
		get signal() {
			if (this.#abort === void 0) {
				const abort = this.#abort = new AbortController();
				if (this.#exchange.isGone) abort.abort();
				else this.#exchange.onGone(() => abort.abort());
			}
			return this.#abort.signal;
		}
	};
}));
// packages/server/src/http/server.ts
var unknownHost, commandByGet, NO_ROUTE, NO_QUERY, LAST_ANSWERS_MS, HttpServer;
var init_server = __esmMin((() => {
	init_src$5();
	init_src$3();
	init_log();
	init_misses();
	init_node_connections();
	init_json_text();
	init_node_exchange();
	init_places();
	init_plain_connections();
	init_request_context();
	unknownHost = (host = "") => `Host ${JSON.stringify(host.slice(0, 200))} is not a name of this coordinator; add it with --allowed-hosts`;
	commandByGet = (path, fromBrowser) => {
		const message = fromBrowser ? "a GET that changes something is refused to browsers; use POST" : "GETs that change something are switched off (--dtm-get-commands false); use POST";
		return fromBrowser ? refusal$3(path, 403, message) : refusal$3(path, 405, message, ["Allow", "POST"]);
	};
	NO_ROUTE = "(none)";
	NO_QUERY = new URLSearchParams();
	LAST_ANSWERS_MS = 1e3;
	HttpServer = class {
		#options;
		#server;
		#plain = void 0;
		#router;
		#closed;
		constructor(options) {
			this.#options = options;
			this.#server = createServer(HTTP_SERVER_SETTINGS, (request, response) => this.#onRequest(new NodeExchange(request, response)));
			if (options.requestReader === "node") NodeConnections.takeAll(this.#server);
			else this.#plain = new PlainConnections(this.#server, (exchange) => this.#onRequest(exchange));
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
			if (this.#closed !== void 0) return;
			this.#closed = once(this.#server, "close");
			Server.prototype.close.call(this.#server);
		}
		async emptied(timeoutMs) {
			let timer;
			const late = new Promise((resolve) => timer = setTimeout(resolve, timeoutMs));
			await Promise.race([this.#closed, late]);
			clearTimeout(timer);
		}
		async close() {
			this.stopAccepting();
			this.#server.close();
			this.#plain?.closeIdle();
			const impatient = setTimeout(() => {
				this.#server.closeAllConnections();
				this.#plain?.closeAll();
			}, LAST_ANSWERS_MS);
			await this.#closed;
			clearTimeout(impatient);
		}
		#onRequest(exchange) {
			const { method, url, crossSiteFault, host } = exchange;
			const mark = url.indexOf("?");
			const path = mark < 0 ? url : url.slice(0, mark);
			if (crossSiteFault !== void 0) return void this.#send(exchange, refusal$3(path, 403, crossSiteFault));
			if (this.#options.isKnownHost?.(host) === false) return void this.#send(exchange, refusal$3(path, 403, unknownHost(host)));
			if (this.#router === void 0) return void this.#send(exchange, refusal$3(path, 503, "the coordinator is starting", ["Retry-After", "1"]));
			const match = this.#router.match(method, path);
			if (match.kind !== "route") return this.#miss(exchange, replyOfMiss(match, path));
			const { route, params } = match;
			if (route.isCommand === true && (exchange.isFromBrowser || this.#options.servesGetCommands === false)) return this.#miss(exchange, commandByGet(path, exchange.isFromBrowser));
			const query = mark < 0 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1));
			this.#serve(exchange, route, params, query);
		}
		async #serve(exchange, route, params, query) {
			const startedMs = performance.now();
			const { maxBodyBytes, answered, log } = this.#options;
			let reply;
			let hasPlace = false;
			try {
				if (!isPercentEncodedUtf8(exchange.url)) throw new HoldfastError("invalid", "the percent-encoded characters of the URL are not UTF-8; encode them as UTF-8");
				if (route.takesPlace?.(query) === true) {
					const place = places.enter(exchange);
					if (place !== void 0 && !await place) return;
					hasPlace = true;
				}
				const body = route.readsBody ? await exchange.body(maxBodyBytes) : "";
				reply = await route.run({
					context: new RequestContext(exchange),
					query,
					params,
					body
				});
			} catch (thrown) {
				const error = HoldfastError.from(thrown);
				if (error.code === "internal") logDefect(log, route.path, error);
				reply = route.fail(error);
			}
			try {
				if (typeof reply.body !== "string" || isLong(reply.body)) await nextTurn();
				const sent = this.#send(exchange, reply);
				if (sent !== void 0) await sent;
			} finally {
				if (hasPlace) places.leave();
			}
			const durationMs = performance.now() - startedMs;
			answered(route.path, reply.status, durationMs);
			if (log.debugs) log.debug({
				method: exchange.method,
				path: route.path,
				status: reply.status,
				durationMs
			}, "answered");
		}
		#miss(exchange, reply) {
			this.#send(exchange, reply);
			this.#options.answered(NO_ROUTE, reply.status, 0);
		}
		#send(exchange, reply) {
			return exchange.send(reply, this.#closed !== void 0);
		}
	};
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
	init_src$3();
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
async function parseBody(body) {
	if (!isLong(body)) return withPayloadTexts(parseJson(body), body);
	const value = await inTurns(payloadTextsInPieces(await parseLongJson(body), body));
	await nextTurn();
	return value;
}
function transactions(api) {
	return [
		route("POST", "/transactions", async ({ context, query, body }) => ok(await api.create(context, await parseBody(body), waitMsOf(query))), true),
		getLong("/transactions", async ({ context, query }) => okLong(await api.list(context, query))),
		getLong("/transactions/:gid", async ({ context, query, params: [gid = ""] }) => okLong(await api.get(context, gid, waitMsOf(query)))),
		route("POST", "/transactions/:gid/submit", async ({ context, query, params: [gid = ""], body }) => ok(await api.submit(context, gid, await parseOptional(body), waitMsOf(query))), true)
	];
}
function initiators(api) {
	return [
		route("POST", "/transactions/:gid/branches", async ({ context, params: [gid = ""], body }) => {
			await api.registerBranch(context, gid, await parseBody(body));
			return NO_CONTENT;
		}, true),
		getLong("/transactions/:gid/progress", async ({ context, params: [gid = ""] }) => okLong(await api.progress(context, gid))),
		route("POST", "/transactions/:gid/finish", async ({ context, params: [gid = ""], body }) => ok(await api.finish(context, gid, await parseShort(body))), true),
		route("POST", "/transactions/:gid/park", async ({ context, params: [gid = ""], body }) => ok(await api.park(context, gid, await parseShort(body))), true),
		route("POST", "/transactions/:gid/heartbeat", async ({ context, params: [gid = ""] }) => {
			await api.heartbeat(context, gid);
			return NO_CONTENT;
		})
	];
}
function orders(api) {
	return [
		route("POST", "/transactions/:gid/abort", async ({ context, query, params: [gid = ""], body }) => okLong(await api.abort(context, gid, await parseOptional(body), waitMsOf(query))), true),
		route("POST", "/transactions/:gid/retry", async ({ context, query, params: [gid = ""] }) => okLong(await api.retry(context, gid, waitMsOf(query))), true),
		route("POST", "/transactions/:gid/stop", async ({ context, query, params: [gid = ""], body }) => okLong(await api.stop(context, gid, await parseOptional(body), waitMsOf(query))), true)
	];
}
function topics(api) {
	return [
		getLong("/topics", async ({ context, query }) => okLong(await api.topics(context, query))),
		route("PUT", "/topics/:topic/subscribers", async ({ context, params: [topic = ""], body }) => {
			await api.subscribe(context, topic, await parseShort(body));
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
var v1Routes, route, getLong, ok, okLong, parseShort, parseOptional, waitMsOf;
var init_v1_routes = __esmMin((() => {
	init_src$3();
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
	getLong = (path, run) => ({
		...route("GET", path, run),
		takesPlace: (query) => !query.has("waitMs")
	});
	ok = (value) => jsonReply(200, value);
	okLong = (value) => longJsonReply(200, value);
	parseShort = (body) => isLong(body) ? parseLongJson(body) : parseJson(body);
	parseOptional = (body) => body === "" ? void 0 : parseShort(body);
	waitMsOf = (query) => new QueryReader(query).count("waitMs") ?? 0;
}));
// packages/server/src/metrics/exposition.ts
function createExposition(metrics, coordinator, siblings) {
	let built;
	const current = async () => {
		built ??= import("prom-client").then((prom) => build(prom, metrics, coordinator));
		const found = await built;
		found.showCounts(await askCounts(coordinator));
		return found;
	};
	siblings?.onAsked(async () => (await current()).register.getMetricsAsJSON());
	return async () => {
		const register = siblings === void 0 ? (await current()).register : await summedUp(await siblings.allMetrics());
		return {
			text: await register.metrics(),
			contentType: register.contentType
		};
	};
}
async function summedUp(snapshots) {
	const { AggregatorRegistry } = await import("prom-client");
	return AggregatorRegistry.aggregate([...snapshots]);
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
	const gauge = (name, help, read, aggregator = "sum") => {
		const made = new prom.Gauge({
			name: `holdfast_${name}`,
			help,
			aggregator,
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
	gauge("draining", "1 while the node is stopping", () => Number(coordinator.load().draining), "max");
	gauge("lease_held", "0 when the store was silent for too long to start anything", () => Number(coordinator.load().leaseHeld), "min");
	gauge("workers", "Processes of this node that answered this scrape", () => 1);
}
function addCounts(prom, register) {
	const gauge = (name, help, aggregator, labelNames = []) => new prom.Gauge({
		name: `holdfast_${name}`,
		help,
		labelNames,
		aggregator,
		registers: [register]
	});
	const up = gauge("store_up", "1 when the store answered this scrape", "min");
	const stored = gauge("stored_transactions", "Transactions in the store", "max", ["status"]);
	const attention = gauge("stored_transactions_attention", "Transactions in the store that need a person", "max");
	return (counts) => {
		up.set(counts === void 0 ? 0 : 1);
		stored.reset();
		attention.remove();
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
	init_src$5();
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
var SECONDS, LONG_SECONDS, ITEMS, ServerMetrics, byKey$1;
var init_server_metrics = __esmMin((() => {
	init_src$5();
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
		#wentBack = counters("holdfast_store_went_back_total", "Times the store was found to have lost acknowledged writes");
		#lost = counters("holdfast_transactions_lost_by_store_total", "Transactions held here whose acknowledged writes the store had lost");
		#takeovers = counters("holdfast_transactions_taken_over_total", "Transactions released from silent nodes");
		#alerts = counters("holdfast_alerts_total", "Transactions raised as needing a person");
		#noRoom = counters("holdfast_branch_no_room_total", "Calls for which every place of connections to a destination was taken");
		#requests = counters("holdfast_http_requests_total", "Requests answered", "route", "status");
		#requestTimes = histograms("holdfast_http_request_seconds", "From the request to its answer", SECONDS, "route");
		#acceptedOf = byKey$1(PATTERNS, (pattern) => this.#accepted.child({ pattern }));
		#finishedOf = byKey$1(PATTERNS, (pattern) => byKey$1(STATUSES, (status) => this.#finished.child({
			pattern,
			status
		})));
		#lifetimeOf = byKey$1(PATTERNS, (pattern) => this.#lifetime.child({ pattern }));
		#resultsOf = byKey$1(PATTERNS, (pattern) => byKey$1(RESULTS, (result) => this.#results.child({
			pattern,
			result
		})));
		#callsOf = byKey$1(PATTERNS, (pattern) => this.#calls.child({ pattern }));
		#routes = new Map();
		get counterFamilies() {
			return [
				this.#accepted,
				this.#finished,
				this.#results,
				this.#failedWrites,
				this.#conflicts,
				this.#claims,
				this.#wentBack,
				this.#lost,
				this.#takeovers,
				this.#alerts,
				this.#noRoom,
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
		storeWentBack(transactions) {
			this.#wentBack.child().add();
			this.#lost.child().add(transactions);
		}
		conflicted() {
			this.#conflicts.child().add();
		}
		alerted() {
			this.#alerts.child().add();
		}
		noRoomForDestination() {
			this.#noRoom.child().add();
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
	byKey$1 = (keys, make) => Object.fromEntries(keys.map((key) => [key, make(key)]));
}));
// packages/store-postgres/src/options.ts
function settingsOf$2(options) {
	const { connectionStrings, schemaOfUrl } = splitUrl(options.url);
	const schema = options.schema ?? schemaOfUrl ?? DEFAULT_SCHEMA;
	if (!NAME.test(schema) || schema.startsWith("pg_")) throw invalid$2(`the schema name ${JSON.stringify(schema)} cannot be used: a to z, 0 to 9 and _, not beginning with a digit or pg_`);
	return {
		clients: connectionStrings.map((connectionString) => ({
			connectionString,
			application_name: "holdfast",
			connectionTimeoutMillis: checkedTimeout("connectTimeoutMs", options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS$1),
			keepAlive: true,
			keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS$1
		})),
		schema,
		statementTimeoutMs: checkedTimeout("statementTimeoutMs", options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS$1),
		lockTimeoutMs: 0,
		graceMs: GRACE_MS$1,
		onWarning: (text) => callHook(() => options.onWarning?.(text)),
		wallMs: options.wallMs,
		monotonicMs: options.monotonicMs ?? performance.now.bind(performance)
	};
}
function splitUrl(text) {
	const [, before = "", hosts = "", after = ""] = /^([a-z]+:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/is.exec(text) ?? [];
	const names = hosts.split(",");
	if (names.length > MOST_HOSTS) throw invalid$2(`the store URL names ${names.length} hosts; at most ${MOST_HOSTS} are allowed`);
	if (names.length > 1 && names.includes("")) throw invalid$2("the store URL has a comma beside which there is no host");
	const urls = names.map((host) => readStoreUrl(before === "" ? text : before + host + after, ["postgres:", "postgresql:"], EXAMPLE$2));
	const [first] = urls;
	const wanted = first?.searchParams.get(ATTRIBUTES) ?? "any";
	if (!ATTRIBUTE_VALUES.includes(wanted)) throw invalid$2(`${ATTRIBUTES} of the store URL is ${ATTRIBUTE_VALUES.join(", ")}: a node writes`);
	for (const name of first?.searchParams.keys() ?? []) refuseMisspelled(name);
	const schemaOfUrl = first?.searchParams.get("schema") ?? void 0;
	return {
		connectionStrings: urls.map(withoutOwnParameters),
		schemaOfUrl
	};
}
function refuseMisspelled(name) {
	if (OWN_PARAMETERS.includes(name)) return;
	const meant = nearest(name, OWN_PARAMETERS);
	if (meant !== void 0) throw invalid$2(`the store URL has the parameter ${JSON.stringify(name)}; did you mean ${meant}?`);
}
function withoutOwnParameters(url) {
	url.searchParams.delete("schema");
	url.searchParams.delete(ATTRIBUTES);
	return url.href;
}
var DEFAULT_SCHEMA, CONNECT_TIMEOUT_MS$1, STATEMENT_TIMEOUT_MS$1, GRACE_MS$1, LOCK_TIMEOUT_MS, KEEP_ALIVE_DELAY_MS$1, NAME, forSessions$2, forBatches, MOST_HOSTS, ATTRIBUTES, ATTRIBUTE_VALUES, OWN_PARAMETERS, EXAMPLE$2, invalid$2;
var init_options$2 = __esmMin((() => {
	init_src$4();
	init_src$5();
	DEFAULT_SCHEMA = "holdfast";
	CONNECT_TIMEOUT_MS$1 = 5e3;
	STATEMENT_TIMEOUT_MS$1 = 3e4;
	GRACE_MS$1 = 5e3;
	LOCK_TIMEOUT_MS = 3e3;
	KEEP_ALIVE_DELAY_MS$1 = 1e4;
	NAME = /^[a-z_][a-z0-9_]{0,62}$/;
	forSessions$2 = (settings) => ({
		...settings,
		clients: settings.clients.map((client) => ({
			...client,
			connectionTimeoutMillis: Math.min(client.connectionTimeoutMillis ?? 3e3, SESSION_TIMEOUT_MS)
		})),
		statementTimeoutMs: Math.min(settings.statementTimeoutMs, SESSION_TIMEOUT_MS),
		graceMs: 0
	});
	forBatches = (settings) => ({
		...settings,
		lockTimeoutMs: LOCK_TIMEOUT_MS
	});
	MOST_HOSTS = 16;
	ATTRIBUTES = "target_session_attrs";
	ATTRIBUTE_VALUES = [
		"read-write",
		"primary",
		"any"
	];
	OWN_PARAMETERS = ["schema", ATTRIBUTES];
	EXAMPLE$2 = "postgres://user:password@host:5432/database";
	invalid$2 = (message) => new StoreError("invalid", message);
}));
// packages/store-postgres/src/arrays.ts
function textArray(values) {
	let bytes = HEADER_BYTES$1 + values.length * LENGTH_BYTES;
	for (const value of values) if (value !== null) bytes += Buffer.byteLength(value);
	const array = begin(TYPES$1.text, values.length, bytes);
	let at = HEADER_BYTES$1;
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
	const bytes = HEADER_BYTES$1 + values.length * LENGTH_BYTES + (values.length - nulls) * width;
	const array = begin(type, values.length, bytes);
	let at = HEADER_BYTES$1;
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
var HEADER_BYTES$1, LENGTH_BYTES, NULL_LENGTH, TYPES$1, int8Array, int4Array, boolArray;
var init_arrays = __esmMin((() => {
	HEADER_BYTES$1 = 20;
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
function failureOf$1(thrown) {
	const state = sqlState(thrown);
	if (state === void 0 || isFatal(thrown, state)) return "lost";
	if (AGAIN.has(state)) return "again";
	if (OUTDATED.has(state)) return "outdated";
	if (state === LOCK_NOT_AVAILABLE) return "locked";
	return UNSTORABLE_CLASSES$1.has(state.slice(0, 2)) ? "unstorable" : "refused";
}
function mayBeUnreadable$1(thrown) {
	const failure = failureOf$1(thrown);
	const state = sqlState(thrown);
	if (state === void 0 || failure !== "refused" && failure !== "unstorable") return false;
	return OF_A_STORED_RECORD$1.has(state.slice(0, 2)) || STATES_OF_A_STORED_RECORD.has(state);
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
function textOf$3(thrown) {
	const text = thrown instanceof Error ? thrown.message : String(thrown);
	return text.includes("client password must be a string") ? "the server demands a password; put USER:PASSWORD@ before the host of the URL, or set PGPASSWORD" : text;
}
var AGAIN, OUTDATED, LOCK_NOT_AVAILABLE, OF_ONE_RECORD$1, OF_A_STORED_RECORD$1, STATES_OF_A_STORED_RECORD, UNSTORABLE_CLASSES$1, GRAVE_CLASSES, wasLocked$1, mayBeOneRecord$1, isReadOnly$1, unavailable$1;
var init_errors$1 = __esmMin((() => {
	init_src$4();
	AGAIN = new Set(["40001", "40P01"]);
	OUTDATED = new Set([
		"0A000",
		"26000",
		"42P05"
	]);
	LOCK_NOT_AVAILABLE = "55P03";
	OF_ONE_RECORD$1 = new Set([
		"09",
		"21",
		"27",
		"38",
		"39",
		"44",
		"P0",
		"XX"
	]);
	OF_A_STORED_RECORD$1 = new Set(["22", "XX"]);
	STATES_OF_A_STORED_RECORD = new Set(["54000", "58030"]);
	UNSTORABLE_CLASSES$1 = new Set([
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
	wasLocked$1 = (thrown) => failureOf$1(thrown) === "locked";
	mayBeOneRecord$1 = (thrown) => failureOf$1(thrown) === "refused" && OF_ONE_RECORD$1.has(sqlState(thrown)?.slice(0, 2) ?? "");
	isReadOnly$1 = (thrown) => sqlState(thrown) === "25006";
	unavailable$1 = (place, what, thrown) => new StoreError("unavailable", `PostgreSQL at ${place} ${what}: ${textOf$3(thrown)}`, thrown);
}));
// packages/store-postgres/src/rows.ts
function headOf$1(row) {
	const head = row;
	return {
		key: {
			namespace: head.namespace,
			gid: head.gid
		},
		...wordsOf(head.pattern, head.status),
		group: head.app_group,
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
function sorted(rows) {
	const records = new Map();
	const entries = new Map();
	for (const row of rows) {
		const { key, position, body, ...record } = row;
		const id = idOf$1(record);
		if (key === void 0 || key === null) records.set(id, row);
		else {
			const list = entries.get(id) ?? [];
			list.push({
				key,
				position,
				body
			});
			entries.set(id, list);
		}
	}
	for (const list of entries.values()) list.sort((a, b) => a.position - b.position);
	return {
		records,
		entries
	};
}
function recordsOf$1(rows, isSummary) {
	const { records, entries } = sorted(rows);
	const found = new Map();
	for (const [id, row] of records) {
		const { definition, state, entry_count: count } = row;
		const own = (entries.get(id) ?? []).map(({ key, body }) => ({
			key,
			body
		}));
		const record = storedTransaction(headOf$1(row), definition, state, own);
		found.set(id, isSummary ? record : withEntriesCounted(record, count));
	}
	return found;
}
var idOf$1;
var init_rows$1 = __esmMin((() => {
	init_src$4();
	idOf$1 = (key) => `${key.namespace}\0${key.gid}`;
}));
// packages/store-postgres/src/statements/counters.ts
var SLOTS$1, counted$1, sumOf, SUMS, COUNT$1, COUNT_ALL;
var init_counters$1 = __esmMin((() => {
	init_src$5();
	SLOTS$1 = 64;
	counted$1 = (changes) => `counted as (
  insert into counters as c (namespace, slot, ${STATUSES.join(", ")}, attention, last_at)
  select namespace, pg_backend_pid() % ${SLOTS$1}, ${STATUSES.map(sumOf).join(", ")}, coalesce(sum("by") filter (where attention), 0), (select now from clock)
  from (${changes}) as changes (namespace, status, attention, "by")
  group by namespace
  order by namespace
  on conflict (namespace, slot) do update set
    ${[...STATUSES, "attention"].map((name) => `${name} = c.${name} + excluded.${name}`).join(", ")},
    last_at = greatest(c.last_at, excluded.last_at)
)`;
	sumOf = (status) => `coalesce(sum("by") filter (where status = '${status}'), 0)`;
	SUMS = [...STATUSES, "attention"].map((name) => `coalesce(sum(${name}), 0)::bigint as ${name}`).join(", ");
	COUNT$1 = {
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
// packages/store-postgres/src/statements/read.ts
var HEAD$1, HEAD_OF_T, words, READABLE$1, nulls, ENTRY_WITHOUT_HEAD, ROWS_OF_FOUND, GET$1, GET_SUMMARIES, GET_HEADS, BODY_BYTES, VERSIONS$1, LIST$1, TIME$1, LATEST;
var init_read$4 = __esmMin((() => {
	init_src$5();
	init_clock();
	HEAD$1 = {
		namespace: "text",
		gid: "text",
		version: "bigint",
		created_at: "bigint",
		updated_at: "bigint",
		due_at: "bigint",
		finished_at: "bigint",
		claims: "integer",
		entry_count: "integer",
		attention: "boolean",
		status: "text",
		pattern: "text",
		app_group: "text",
		owner: "text",
		write_id: "text"
	};
	HEAD_OF_T = Object.keys(HEAD$1).map((name) => `t.${name}`).join(", ");
	words = (list) => list.map((word) => `'${word}'`).join(", ");
	READABLE$1 = `status in (${words(STATUSES)}) and pattern in (${words(PATTERNS)})`;
	nulls = (types) => types.map((type) => `null::${type}`).join(", ");
	ENTRY_WITHOUT_HEAD = `e.namespace, e.gid, ${nulls(Object.values(HEAD$1).slice(2))}`;
	ROWS_OF_FOUND = `select ${HEAD_OF_T}, t.definition, t.state, null::text as key, null::bytea as body, null::integer as position from found t
union all
select ${ENTRY_WITHOUT_HEAD}, null::bytea, null::bytea, e.key, e.body, e.position
from found t join entries e on e.namespace = t.namespace and e.gid = t.gid where t.entry_count > 0`;
	GET$1 = {
		name: "get",
		changes: false,
		text: `with found as materialized (
  select ${HEAD_OF_T}, t.definition, t.state from unnest($1::text[], $2::text[]) as k (namespace, gid)
  join transactions t on t.namespace = k.namespace and t.gid = k.gid
)
${ROWS_OF_FOUND}`
	};
	GET_SUMMARIES = {
		name: "get_summaries",
		changes: false,
		text: `select ${HEAD_OF_T}, ''::bytea as definition, t.state
from unnest($1::text[], $2::text[]) as k (namespace, gid)
join transactions t on t.namespace = k.namespace and t.gid = k.gid`
	};
	GET_HEADS = {
		name: "get_heads",
		changes: false,
		text: `select ${HEAD_OF_T}
from unnest($1::text[], $2::text[]) as k (namespace, gid)
join transactions t on t.namespace = k.namespace and t.gid = k.gid`
	};
	BODY_BYTES = `octet_length(t.definition) + octet_length(t.state) + case when t.entry_count = 0 then 0 else
  (select coalesce(sum(octet_length(e.body)), 0) from entries e where e.namespace = t.namespace and e.gid = t.gid) end`;
	VERSIONS$1 = {
		name: "versions",
		changes: false,
		text: `select t.version
from unnest($1::text[], $2::text[]) with ordinality as k (namespace, gid, place)
left join transactions t on t.namespace = k.namespace and t.gid = k.gid
order by k.place`
	};
	LIST$1 = {
		name: "list",
		changes: false,
		text: `with looked as materialized (
  select gid, created_at, status, pattern, attention from transactions
  where namespace = $1::text and created_at >= 0 and created_at between $2::bigint and $3::bigint and (created_at, gid) < ($4::bigint, $5::text collate "C")
  order by created_at desc, gid desc
  limit $6::bigint
),
found as materialized (
  select gid, created_at from looked
  where ($7::text is null or status = $7) and ($8::text is null or pattern = $8) and ($9::bool is null or attention = $9)
  order by created_at desc, gid desc limit $10::bigint
)
(select f.gid, f.created_at, null::bigint as looked, (
    select case when $11::bool then octet_length(t.state) else ${BODY_BYTES} end
    from transactions t where t.namespace = $1::text and t.gid = f.gid
  ) as bytes
  from found f order by f.created_at desc, f.gid desc)
union all
(select gid, created_at, (select count(*) from looked), null from looked order by created_at, gid limit 1)`
	};
	TIME$1 = {
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
// packages/store-postgres/src/statements/due.ts
var LOOK, CLAIM$1, MAKE_DUE$1, RELEASE$1, PURGE$1;
var init_due$3 = __esmMin((() => {
	init_clock();
	init_counters$1();
	init_read$4();
	LOOK = {
		name: "look",
		changes: false,
		text: `with ${CLOCK}
select ${NOW} as now, exists (select from sessions where session = $3::text and ended_at is null) as alive,
  (select min(first.due_at) from unnest($4::text[]) as g (app_group) cross join lateral (
    select due_at from transactions where app_group = g.app_group and due_at is not null and ${READABLE$1}
    order by due_at limit 1) first) as next`
	};
	CLAIM$1 = {
		name: "claim",
		changes: true,
		text: `with ${CLOCK},
locked as materialized (
  select d.* from unnest($5::text[]) as g (app_group) cross join lateral (
    select namespace, gid, due_at, ${BODY_BYTES} as bytes from transactions t
    where app_group = g.app_group and due_at is not null and due_at <= ${NOW} and ${READABLE$1}
    order by due_at limit $4::bigint
    for update skip locked
  ) d
  where exists (select from sessions where session = $3::text and ended_at is null)
  order by d.due_at limit $4::bigint
),
picked as materialized (
  select namespace, gid, due_at from (
    select *, sum(bytes) over in_order as upto, row_number() over in_order as place
    from locked window in_order as (order by due_at, namespace, gid rows unbounded preceding)
  ) sized
  where upto <= $6::bigint or place = 1
),
claimed as (
  update transactions t set owner = $3, due_at = null, claims = t.claims + 1, version = t.version + 1, updated_at = ${NOW}
  from picked p where t.namespace = p.namespace and t.gid = p.gid
  returning t.namespace, t.gid, p.due_at as was_due
)
select namespace, gid from claimed order by was_due, namespace, gid`
	};
	MAKE_DUE$1 = {
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
	RELEASE$1 = {
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
	PURGE$1 = {
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
    and (t.entry_count = 0 or t.entry_count = (select s.entry_count from transactions s where s.namespace = p.namespace and s.gid = p.gid))
  returning t.namespace, t.gid, t.status, t.attention, t.entry_count
),
forgotten as (
  delete from entries e using gone g where g.entry_count > 0 and e.namespace = g.namespace and e.gid = g.gid
),
${counted$1("select namespace, status, attention, -1 from gone")}
select count(*) as count from gone`
	};
}));
// packages/store-postgres/src/statements/key-values.ts
var KV_GET$1, KV_INSERT, KV_UPDATE, KV_DELETE$1, KV_SCAN$1;
var init_key_values$4 = __esmMin((() => {
	init_clock();
	KV_GET$1 = {
		name: "kv_get",
		changes: false,
		text: `select namespace, category, key, value, version, created_at, updated_at from key_values
where namespace = $1::text and category = $2::text and key = $3::text`
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
	KV_DELETE$1 = {
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
	KV_SCAN$1 = {
		name: "kv_scan_bytes",
		changes: false,
		text: `with page as (
  select *, sum(octet_length(value)) over (order by key) as bytes, row_number() over (order by key) as place,
    count(*) over () as found
  from (
    select * from key_values
    where namespace = $1::text and category = $2::text and key > $3::text collate "C"
    order by key limit $4::bigint
  ) as listed
)
select namespace, category, key, value, version, created_at, updated_at, found from page
where place = 1 or bytes <= $5::bigint order by key`
	};
}));
// packages/store-postgres/src/statements/sessions.ts
var REMEMBERED_MS$2, FORGOTTEN_AT_ONCE$1, OPEN_SESSION$1, HEARTBEAT$1, END_SESSION$1, END_SILENT$1, SESSIONS$1;
var init_sessions$3 = __esmMin((() => {
	init_clock();
	REMEMBERED_MS$2 = 2592e6;
	FORGOTTEN_AT_ONCE$1 = 100;
	OPEN_SESSION$1 = {
		name: "open_session",
		changes: true,
		text: `with ${CLOCK}
insert into sessions as s (session, node, version, started_at, heartbeat_at)
values ($3::text, $4::text, $5::text, ${NOW}, ${NOW})
on conflict (session) do update set node = excluded.node, version = excluded.version, heartbeat_at = excluded.heartbeat_at
where s.ended_at is null
returning session`
	};
	HEARTBEAT$1 = {
		name: "heartbeat",
		changes: true,
		text: `with ${CLOCK},
latest as materialized (select greatest(${NOW}, (select max(heartbeat_at) from sessions where ended_at is null)) as now),
beat as (
  update sessions set heartbeat_at = greatest(heartbeat_at, (select now from latest)) where session = $3::text and ended_at is null returning session
)
select now, exists (select from beat) as alive, (select heartbeat_at from sessions where session = $3) as last from latest`
	};
	END_SESSION$1 = {
		name: "end_session",
		changes: true,
		text: `with ${CLOCK}
insert into sessions as s (session, node, version, started_at, heartbeat_at, ended_at)
values ($3::text, '', '', ${NOW}, ${NOW}, ${NOW})
on conflict (session) do update set ended_at = coalesce(s.ended_at, excluded.ended_at)`
	};
	END_SILENT$1 = {
		name: "end_silent",
		changes: true,
		text: `with ${CLOCK},
silent as materialized (
  select session from sessions
  where ended_at is null and session <> $4::text and ${NOW} - heartbeat_at > $3::bigint
    and ($5::text[] is null or (session, heartbeat_at) in (select * from unnest($5::text[], $6::bigint[])))
  order by session for update skip locked
),
forgotten as (
  delete from sessions where session = any (array(
    select session from sessions where ended_at is not null and ended_at < ${NOW} - ${REMEMBERED_MS$2}
    order by ended_at limit ${FORGOTTEN_AT_ONCE$1} for update skip locked))
)
update sessions s set ended_at = ${NOW} from silent where s.session = silent.session returning s.session`
	};
	SESSIONS$1 = {
		name: "sessions",
		changes: false,
		text: `select session, node, version, started_at, heartbeat_at,
  (select count(*) from transactions t where t.owner is not null and t.owner = s.session) as owned
from sessions s where ended_at is null order by session`
	};
}));
// packages/store-postgres/src/statements/write-parameters.ts
function writeValues(parameters, appends) {
	const values = ALWAYS_NAMES.map((name) => parameters[name]);
	if (appends !== void 0) for (const name of APPEND_NAMES) values.push(appends[name]);
	return values;
}
var ALWAYS, FOR_APPENDS, TYPES, ALWAYS_NAMES, APPEND_NAMES, p;
var init_write_parameters = __esmMin((() => {
	ALWAYS = {
		floor: "bigint",
		wall: "bigint",
		bodies: "bytea",
		namespaces: "text[]",
		statuses: "text[]",
		owners: "text[]",
		attentions: "bool[]",
		patterns: "text[]",
		groups: "text[]",
		insertSets: "int[]",
		insertGids: "text[]",
		insertWriteIds: "text[]",
		insertDueIns: "bigint[]",
		insertFroms: "int[]",
		insertDefinitionLengths: "int[]",
		insertStateLengths: "int[]",
		updateItems: "int[]",
		updateSets: "int[]",
		updateGids: "text[]",
		updateVersions: "bigint[]",
		updateWriteIds: "text[]",
		updateDueIns: "bigint[]",
		updateFroms: "int[]",
		updateStateLengths: "int[]"
	};
	FOR_APPENDS = {
		appendItems: "int[]",
		appendNamespaces: "text[]",
		appendGids: "text[]",
		appendStatuses: "text[]",
		appendPatterns: "text[]",
		appendRooms: "int[]",
		appendByteRooms: "bigint[]",
		appendPostpones: "bigint[]",
		appendFirsts: "int[]",
		appendLasts: "int[]",
		entryKeys: "text[]",
		entryFroms: "int[]",
		entryLengths: "int[]"
	};
	TYPES = {
		...ALWAYS,
		...FOR_APPENDS
	};
	ALWAYS_NAMES = Object.keys(ALWAYS);
	APPEND_NAMES = Object.keys(FOR_APPENDS);
	p = Object.fromEntries([...ALWAYS_NAMES, ...APPEND_NAMES].map((name, i) => [name, `$${i + 1}::${TYPES[name]}`]));
}));
// packages/store-postgres/src/statements/write.ts
var READABLE_T, ofSet, INSERTED, UPDATES, BOTH_COUNTED, unlessAll, INSERTED_ROW, WRITE$1, WRITE_WITH_APPENDS, EXAMINE, LOCKED, PROBE_KEYS;
var init_write$3 = __esmMin((() => {
	init_clock();
	init_counters$1();
	init_read$4();
	init_write_parameters();
	READABLE_T = READABLE$1.replace("status", "t.status").replace("pattern", "t.pattern");
	ofSet = (column, item) => `(${column})[${item}.set]`;
	INSERTED = `inserted as (
  insert into transactions (namespace, gid, version, created_at, updated_at, due_at, finished_at, claims, entry_count,
    attention, before_attention, status, before_status, pattern, app_group, owner, write_id, definition, state)
  select i.namespace, i.gid, 1, i.now, i.now, case when i.due_in is not null then greatest(0, i.now + i.due_in) end,
    case when i.status in ('succeed', 'failed') then i.now end,
    case when i.owner is null then 0 else 1 end, 0, i.attention, i.attention, i.status, i.status, i.pattern, i.app_group, i.owner, i.write_id,
    substring(${p.bodies} from i.definition_from for i.definition_length),
    substring(${p.bodies} from i.definition_from + i.definition_length for i.state_length)
  from (
    select n.now, ${ofSet(p.namespaces, "i")} as namespace, ${ofSet(p.statuses, "i")} as status, ${ofSet(p.owners, "i")} as owner,
      ${ofSet(p.attentions, "i")} as attention, ${ofSet(p.patterns, "i")} as pattern, ${ofSet(p.groups, "i")} as app_group, i.*
    from clock n cross join
      unnest(${p.insertSets}, ${p.insertGids}, ${p.insertWriteIds}, ${p.insertDueIns}, ${p.insertFroms}, ${p.insertDefinitionLengths}, ${p.insertStateLengths})
        as i (set, gid, write_id, due_in, definition_from, definition_length, state_length)
    order by ${ofSet(p.namespaces, "i")} collate "C", i.gid collate "C"
  ) i
  on conflict (namespace, gid) do nothing
  returning namespace, gid, status, attention
)`;
	UPDATES = `select n.now, ${ofSet(p.namespaces, "u")} as namespace, ${ofSet(p.statuses, "u")} as status, ${ofSet(p.owners, "u")} as owner,
      ${ofSet(p.attentions, "u")} as attention, substring(${p.bodies} from u.state_from for u.state_length) as state, u.*
    from clock n cross join
      unnest(${p.updateItems}, ${p.updateSets}, ${p.updateGids}, ${p.updateVersions}, ${p.updateWriteIds}, ${p.updateDueIns}, ${p.updateFroms}, ${p.updateStateLengths})
        as u (item, set, gid, version, write_id, due_in, state_from, state_length)`;
	BOTH_COUNTED = counted$1(`
  select namespace, status, attention, 1 from inserted
  union all select namespace, status, attention, 1 from changed
  union all select namespace, before_status, before_attention, -1 from changed`);
	unlessAll = (all, named) => `case when count(*) < cardinality(${all}) then coalesce(${named}, '{}') end`;
	INSERTED_ROW = `select ${NOW} as now, ${unlessAll(p.insertGids, "array_agg(namespace)")} as namespaces,
  ${unlessAll(p.insertGids, "array_agg(gid)")} as gids, null::int[] as items`;
	WRITE$1 = {
		name: "write",
		changes: true,
		text: `with ${CLOCK},
${INSERTED},
changed as (
  update transactions t set
    version = t.version + 1,
    updated_at = c.now,
    before_status = t.status,
    before_attention = t.attention,
    write_id = c.write_id,
    status = c.status,
    attention = c.attention,
    state = c.state,
    owner = c.owner,
    claims = case when c.owner is null then 0 else 1 end,
    due_at = case when c.due_in is not null then greatest(0, c.now + c.due_in) end,
    finished_at = case when c.status in ('succeed', 'failed') then coalesce(t.finished_at, c.now) end
  from (
    ${UPDATES}
    order by ${ofSet(p.namespaces, "u")} collate "C", u.gid collate "C"
  ) c
  where t.namespace = c.namespace and t.gid = c.gid and t.version = c.version
    and (t.finished_at is null or c.status in ('succeed', 'failed')) and ${READABLE_T}
  returning c.item, t.namespace, t.status, t.attention, t.before_status, t.before_attention
),
${BOTH_COUNTED}
${INSERTED_ROW} from inserted
union all
select ${NOW}, null, null, ${unlessAll(p.updateItems, "array_agg(item)")} from changed`
	};
	WRITE_WITH_APPENDS = {
		name: "write_with_appends",
		changes: true,
		text: `with ${CLOCK},
${INSERTED},
appends as (
  select a.item, a.namespace, a.gid, seen.version, a.statuses, a.pattern, a.room, a.postpone, fresh.positions
  from unnest(${p.appendItems}, ${p.appendNamespaces}, ${p.appendGids}, ${p.appendStatuses}, ${p.appendPatterns}, ${p.appendRooms}, ${p.appendByteRooms}, ${p.appendPostpones}, ${p.appendFirsts}, ${p.appendLasts})
    as a (item, namespace, gid, statuses, pattern, room, byte_room, postpone, first, last)
  join transactions seen on seen.namespace = a.namespace and seen.gid = a.gid
  cross join lateral (
    select array_agg(a.first + e.rank - 1 order by e.rank)::int[] as positions
    from unnest((${p.entryKeys})[a.first:a.last]) with ordinality as e (key, rank)
    where not exists (
      select from entries there where there.namespace = a.namespace and there.gid = a.gid and there.key = e.key)
  ) fresh
  where fresh.positions is not null and (a.byte_room is null or a.byte_room >=
    (select coalesce(sum((${p.entryLengths})[added.position]), 0) from unnest(fresh.positions) as added (position)) +
    (select coalesce(sum(octet_length(there.body)), 0) from entries there where there.namespace = a.namespace and there.gid = a.gid))
),
changes as materialized (
  select * from (
    select item, namespace, gid, version, write_id, status, owner, due_in, attention, state, null::text as statuses, null::text as pattern, 0 as room, null::int[] as positions, 0 as added
    from (
    ${UPDATES}
    ) updates
    union all
    select item, namespace, gid, version, null, null, null, postpone, null, null, statuses, pattern, room, positions, cardinality(positions)
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
      when c.added > 0 then t.status = any (string_to_array(c.statuses, ',')) and (c.pattern is null or t.pattern = c.pattern) and t.entry_count + c.added <= c.room
      else t.finished_at is null or c.status in ('succeed', 'failed')
    end and ${READABLE_T}
  returning c.item, c.positions, c.added, t.namespace, t.gid, t.version, t.entry_count, t.status, t.attention, t.before_status, t.before_attention
),
entered as (
  insert into entries (namespace, gid, position, key, body)
  select c.namespace, c.gid, c.entry_count - c.added + e.rank, (${p.entryKeys})[e.position],
    substring(${p.bodies} from (${p.entryFroms})[e.position] for (${p.entryLengths})[e.position])
  from changed c cross join lateral unnest(c.positions) with ordinality as e (position, rank)
),
${BOTH_COUNTED}
${INSERTED_ROW}, null::int[] as appended, null::text[] as versions, null::int[] as added, null::int[] as entry_counts from inserted
union all
select ${NOW}, null, null, coalesce(array_agg(item) filter (where added = 0), '{}'),
  array_agg(item) filter (where added > 0), array_agg(version::text) filter (where added > 0), array_agg(added) filter (where added > 0), array_agg(entry_count) filter (where added > 0)
from changed`
	};
	EXAMINE = {
		name: "examine",
		changes: false,
		text: `with found as materialized (
  select ${HEAD_OF_T}, k.first, k.last from unnest($1::text[], $2::text[], $3::int[], $4::int[]) as k (namespace, gid, first, last)
  join transactions t on t.namespace = k.namespace and t.gid = k.gid
)
select ${HEAD_OF_T}, (
    select coalesce(sum(octet_length(e.body)), 0)::bigint from entries e
    where e.namespace = t.namespace and e.gid = t.gid and t.last >= t.first) as entry_bytes,
  null::text as key, null::integer as position, null::bytea as body
from found t
union all
select ${ENTRY_WITHOUT_HEAD}, null::bigint, e.key, e.position, e.body
from found t cross join lateral unnest(($5::text[])[t.first:t.last]) as wanted (key)
join entries e on e.namespace = t.namespace and e.gid = t.gid and e.key = wanted.key where t.last >= t.first`
	};
	LOCKED = {
		name: "locked",
		changes: false,
		text: `with free as materialized (
  select t.namespace, t.gid from unnest($1::text[], $2::text[]) as k (namespace, gid)
  join transactions t on t.namespace = k.namespace and t.gid = k.gid
  for no key update of t skip locked
)
select t.namespace, t.gid from unnest($1::text[], $2::text[]) as k (namespace, gid)
join transactions t on t.namespace = k.namespace and t.gid = k.gid
where not exists (select from free where free.namespace = t.namespace and free.gid = t.gid)`
	};
	PROBE_KEYS = `insert into transactions (namespace, gid, version, created_at, updated_at, claims, entry_count,
  attention, before_attention, status, before_status, pattern, app_group, write_id, definition, state)
select k.namespace, k.gid, 0, 0, 0, 0, 0, false, false, '', '', '', '', '', '', ''
from unnest($1::text[], $2::text[]) as k (namespace, gid)
order by k.namespace collate "C", k.gid collate "C"
on conflict (namespace, gid) do nothing`;
}));
// packages/store-postgres/src/statements/index.ts
var init_statements = __esmMin((() => {
	init_counters$1();
	init_due$3();
	init_key_values$4();
	init_read$4();
	init_sessions$3();
	init_write$3();
	init_write_parameters();
}));
// packages/store-postgres/src/read.ts
async function read$2(connection, keys, summary = false) {
	if (keys.length === 0) return [];
	const found = await find$2(connection, summary ? GET_SUMMARIES : GET$1, keys);
	return keys.map((key) => found.get(idOf$1(key)));
}
async function find$2(connection, statement, keys) {
	try {
		return recordsOf$1(await connection.query(statement, keyArrays(keys)), statement === GET_SUMMARIES);
	} catch (thrown) {
		if (!(thrown instanceof StoreError) || !mayBeUnreadable$1(thrown.cause)) throw thrown;
		if (keys.length === 1) return heads(connection, keys, thrown);
	}
	const half = keys.length >> 1;
	const first = await find$2(connection, statement, keys.slice(0, half));
	return new Map([...first, ...await find$2(connection, statement, keys.slice(half))]);
}
async function heads(connection, keys, error) {
	const rows = await connection.query(GET_HEADS, keyArrays(keys));
	const unreadable = `PostgreSQL cannot read its bodies: ${error.message}`;
	const records = rows.map((row) => storedTransaction({
		...headOf$1(row),
		unreadable,
		withoutBodies: true
	}, NO_BODY$1, NO_BODY$1, []));
	return new Map(records.map((record) => [idOf$1(record.key), record]));
}
var keyArrays, NO_BODY$1;
var init_read$3 = __esmMin((() => {
	init_src$4();
	init_arrays();
	init_errors$1();
	init_rows$1();
	init_statements();
	keyArrays = (keys) => [textArray(keys.map(({ namespace }) => namespace)), textArray(keys.map(({ gid }) => gid))];
	NO_BODY$1 = new Uint8Array();
}));
// packages/store-postgres/src/claim.ts
async function claimDue$2(connection, clock, { session, limit, groups, maxBytes = STORE_LIMITS.answerBytes }) {
	const hosted = textArray([...new Set(["", ...groups])]);
	const look = async () => {
		const [row] = await connection.query(LOOK, [
			...clock.parameters(),
			session,
			hosted
		]);
		const nowMs = clock.seen(Number(row?.["now"]));
		const next = row?.["next"];
		if (row?.["alive"] !== true) return {
			nextDueInMs: null,
			sessionEnded: true
		};
		return {
			nextDueInMs: typeof next === "number" ? Math.max(0, next - nowMs) : null,
			sessionEnded: false
		};
	};
	const before = await look();
	if (before.sessionEnded || before.nextDueInMs !== 0) return {
		claimed: [],
		...before
	};
	const keys = await connection.query(CLAIM$1, [
		...clock.parameters(),
		session,
		limit,
		hosted,
		maxBytes
	]);
	try {
		const claimed = (await read$2(connection, keys)).flatMap((record) => record?.owner === session ? [record] : []);
		const after = await look();
		return {
			claimed: after.sessionEnded ? [] : claimed,
			...after
		};
	} catch (thrown) {
		if (keys.length === 0) throw thrown;
		throw new StoreError("outcome_unknown", `${keys.length} transactions were claimed, but could not be read`, thrown);
	}
}
var init_claim = __esmMin((() => {
	init_src$4();
	init_arrays();
	init_read$3();
	init_statements();
}));
// packages/store-postgres/src/session-settings.ts
function checkSession$1(row, place) {
	if (row?.["standby"] === true) throw new StoreError("unavailable", `PostgreSQL at ${place} is a standby, which takes no writes: connect to the primary, or name all servers in the URL (postgres://host1,host2/database)`);
}
var sessionSettings, UNRECEIVED_MS, SESSION_STATE;
var init_session_settings$1 = __esmMin((() => {
	init_src$4();
	sessionSettings = ({ schema, statementTimeoutMs, lockTimeoutMs }) => [
		`search_path to "${schema}"`,
		`statement_timeout to ${statementTimeoutMs}`,
		`idle_in_transaction_session_timeout to ${statementTimeoutMs}`,
		`lock_timeout to ${lockTimeoutMs}`,
		"default_transaction_isolation to \"read committed\"",
		"default_transaction_read_only to off",
		"default_transaction_deferrable to off",
		"standard_conforming_strings to on",
		"array_nulls to on",
		"transform_null_equals to off",
		"bytea_output to hex",
		"row_security to off",
		"plan_cache_mode to force_generic_plan",
		"enable_seqscan to off",
		"enable_hashjoin to off",
		"enable_mergejoin to off",
		"enable_bitmapscan to off",
		"jit to off"
	].map((setting) => `set ${setting};`).join(" ");
	UNRECEIVED_MS = 1e4;
	SESSION_STATE = `
  select set_config(name, '0', false) from pg_catalog.pg_settings where name in ('idle_session_timeout', 'transaction_timeout');
  select set_config(name, '${UNRECEIVED_MS}', false) from pg_catalog.pg_settings where name = 'tcp_user_timeout';
  select pg_catalog.pg_is_in_recovery() as standby, pg_catalog.pg_backend_pid() as pid`;
}));
// packages/store-postgres/src/frame-bodies.ts
function behindText(bytes, at, end) {
	for (let place = at; place < end; place++) if (bytes[place] === 0) return place + 1;
}
function untilEmpty(bytes, at, end) {
	let place = at;
	while (place < end) {
		if (bytes[place] === 0) return place + 1 === end ? void 0 : LENGTH;
		place = behindText(bytes, place + 1, end);
		if (place === void 0) return UNTERMINATED;
	}
	return UNTERMINATED;
}
var LENGTH, UNTERMINATED, BEYOND, ofLength, textsBehind, dataRow, COLUMN_BYTES, rowDescription, parameterDescription, SASL_MECHANISMS, authentication, EMPTY$1, KINDS, BY_CODE, kindOf;
var init_frame_bodies = __esmMin((() => {
	LENGTH = "its length is wrong";
	UNTERMINATED = "a text in it has no terminator";
	BEYOND = "a count or length in it is wrong";
	ofLength = (length) => (_, at, end) => end - at === length ? void 0 : LENGTH;
	textsBehind = (before, texts) => (bytes, at, end) => {
		let place = at + before;
		for (let text = 0; text < texts && place !== void 0; text++) place = behindText(bytes, place, end);
		if (place === void 0) return UNTERMINATED;
		return place === end ? void 0 : LENGTH;
	};
	dataRow = (bytes, at, end) => {
		if (end - at < 2) return LENGTH;
		let place = at + 2;
		for (let left = bytes.readUInt16BE(at); left > 0; left--) {
			if (place + 4 > end) return BEYOND;
			const length = bytes.readInt32BE(place);
			if (length < -1) return BEYOND;
			place += length === -1 ? 4 : 4 + length;
		}
		return place === end ? void 0 : BEYOND;
	};
	COLUMN_BYTES = 18;
	rowDescription = (bytes, at, end) => {
		if (end - at < 2) return LENGTH;
		let place = at + 2;
		for (let left = bytes.readUInt16BE(at); left > 0; left--) {
			const behind = behindText(bytes, place, end);
			if (behind === void 0) return UNTERMINATED;
			place = behind + COLUMN_BYTES;
		}
		return place === end ? void 0 : BEYOND;
	};
	parameterDescription = (bytes, at, end) => end - at >= 2 && end - at === 2 + 4 * bytes.readUInt16BE(at) ? void 0 : BEYOND;
	SASL_MECHANISMS = 10;
	authentication = (bytes, at, end) => {
		if (end - at < 4) return LENGTH;
		return bytes.readInt32BE(at) === SASL_MECHANISMS ? untilEmpty(bytes, at + 4, end) : void 0;
	};
	EMPTY$1 = ofLength(0);
	KINDS = {
		1: {
			name: "ParseComplete",
			check: EMPTY$1
		},
		2: {
			name: "BindComplete",
			check: EMPTY$1
		},
		3: {
			name: "CloseComplete",
			check: EMPTY$1
		},
		A: {
			name: "NotificationResponse",
			long: true,
			check: textsBehind(4, 2)
		},
		C: {
			name: "CommandComplete",
			check: textsBehind(0, 1)
		},
		D: {
			name: "DataRow",
			long: true,
			check: dataRow
		},
		E: {
			name: "ErrorResponse",
			long: true,
			check: untilEmpty
		},
		I: {
			name: "EmptyQueryResponse",
			check: EMPTY$1
		},
		K: {
			name: "BackendKeyData",
			check: (_, at, end) => end - at >= 8 ? void 0 : LENGTH
		},
		N: {
			name: "NoticeResponse",
			long: true,
			check: untilEmpty
		},
		n: {
			name: "NoData",
			check: EMPTY$1
		},
		R: {
			name: "Authentication",
			check: authentication
		},
		S: {
			name: "ParameterStatus",
			check: textsBehind(0, 2)
		},
		s: {
			name: "PortalSuspended",
			check: EMPTY$1
		},
		T: {
			name: "RowDescription",
			long: true,
			check: rowDescription
		},
		t: {
			name: "ParameterDescription",
			check: parameterDescription
		},
		Z: {
			name: "ReadyForQuery",
			check: ofLength(1)
		}
	};
	BY_CODE = Array.from({ length: 256 }, (_, code) => Object.hasOwn(KINDS, String.fromCharCode(code)) ? KINDS[String.fromCharCode(code)] : void 0);
	kindOf = (code) => BY_CODE[code];
}));
// packages/store-postgres/src/frames.ts
function walk(bytes) {
	let at = 0;
	while (at + HEADER_BYTES <= bytes.length) {
		const code = bytes[at] ?? 0;
		const length = bytes.readUInt32BE(at + 1);
		const kind = kindOf(code);
		if (kind === void 0) return {
			end: at,
			wanted: 0,
			fault: `a message of the kind ${code}`
		};
		if (length < 4 || length > (kind.long === true ? LONG_BYTES : SHORT_BYTES)) return {
			end: at,
			wanted: 0,
			fault: `${kind.name} of ${length} bytes`
		};
		const next = at + 1 + length;
		if (next > bytes.length) return {
			end: at,
			wanted: 1 + length
		};
		const fault = kind.check(bytes, at + HEADER_BYTES, next);
		if (fault !== void 0) return {
			end: at,
			wanted: 0,
			fault: `${kind.name} of ${length} bytes: ${fault}`
		};
		at = next;
	}
	return {
		end: at,
		wanted: HEADER_BYTES
	};
}
var HEADER_BYTES, SHORT_BYTES, LONG_BYTES, EMPTY, Frames;
var init_frames = __esmMin((() => {
	init_src$4();
	init_frame_bodies();
	HEADER_BYTES = 5;
	SHORT_BYTES = 3e4;
	LONG_BYTES = 8 * STORE_LIMITS.itemBytes;
	EMPTY = Buffer.alloc(0);
	Frames = class {
		#parts = [];
		#bytes = 0;
		#wanted = HEADER_BYTES;
		receive(chunk, pass) {
			this.#bytes += chunk.length;
			if (this.#parts.length > 0 || this.#bytes < this.#wanted) this.#parts.push(chunk);
			if (this.#bytes < this.#wanted) return;
			const received = this.#parts.length === 0 ? chunk : Buffer.concat(this.#parts, this.#bytes);
			const { end, wanted, fault } = walk(received);
			const rest = end === received.length ? EMPTY : received.subarray(end);
			this.#parts = rest.length === 0 ? [] : [rest];
			this.#bytes = rest.length;
			this.#wanted = wanted;
			if (end > 0) pass(end === received.length ? received : received.subarray(0, end));
			if (fault !== void 0) throw new Error(`the server sent what is not of the PostgreSQL protocol: ${fault}`);
		}
	};
}));
// packages/store-postgres/src/wire.ts
function containExceptions$1(client) {
	const connection = internals(client);
	const attach = connection.attachListeners.bind(connection);
	connection.attachListeners = (stream) => {
		const frames = new Frames();
		const on = (event, listener) => stream.on(event, (...args) => {
			const [chunk] = args;
			try {
				if (event === "data") frames.receive(chunk, listener);
				else listener(...args);
			} catch (thrown) {
				stream.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
			}
		});
		attach({ on });
	};
}
var internals, destroy$1;
var init_wire$1 = __esmMin((() => {
	init_frames();
	internals = (client) => client.connection;
	destroy$1 = (client) => void internals(client).stream.destroy();
}));
// packages/store-postgres/src/within.ts
async function within$2(ms, promise = Promise.resolve()) {
	let timer;
	const late = new Promise((resolve) => timer = setTimeout(resolve, ms));
	await Promise.race([promise.catch(() => void 0), late]);
	clearTimeout(timer);
}
var CLOSE_MS$2;
var init_within$2 = __esmMin((() => {
	CLOSE_MS$2 = 2e3;
}));
// packages/store-postgres/src/connection.ts
var ATTEMPTS$1, Connection$2, placeOf$1, textOfAll, toNumber, types;
var init_connection$2 = __esmMin((() => {
	init_src$4();
	init_errors$1();
	init_session_settings$1();
	init_wire$1();
	init_within$2();
	ATTEMPTS$1 = 10;
	Connection$2 = class {
		#settings;
		#client;
		#place;
		#last = Promise.resolve();
		#closings = 0;
		constructor(settings) {
			this.#settings = settings;
			this.#place = settings.clients.map((config) => placeOf$1(new pg.Client(config))).join(", ");
		}
		get place() {
			return this.#place;
		}
		query(statement, values) {
			return this.#next(async () => {
				for (let attempt = 1;; attempt++) try {
					const { name, text } = statement;
					const { rows } = await (await this.#connected()).query({
						name,
						text,
						values
					});
					return rows;
				} catch (thrown) {
					if (thrown instanceof StoreError) throw thrown;
					const failure = failureOf$1(thrown);
					if (failure === "outdated") this.#drop();
					if (failure !== "again" && failure !== "outdated" || attempt === ATTEMPTS$1) throw this.#convert(thrown, statement);
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
					throw unavailable$1(this.#place, "could not be prepared", thrown);
				}
			});
		}
		async close() {
			this.#closings++;
			const client = this.#client;
			this.#client = void 0;
			if (client === void 0) return;
			await within$2(CLOSE_MS$2, client.end());
			destroy$1(client);
		}
		#next(work) {
			const closings = this.#closings;
			const result = this.#last.then(() => {
				if (closings === this.#closings) return work();
				throw new StoreError("closed", "the store was closed");
			});
			this.#last = result.catch(() => void 0);
			return result;
		}
		async #connected() {
			if (this.#client !== void 0) return this.#client;
			const reasons = [];
			for (const config of this.#settings.clients) try {
				return this.#client = await this.#connect(config);
			} catch (thrown) {
				reasons.push(thrown);
			}
			const [only] = reasons;
			if (reasons.length === 1 && only instanceof StoreError) throw only;
			throw unavailable$1(this.#place, "cannot be used", reasons.length === 1 ? only : new AggregateError(reasons, textOfAll(reasons)));
		}
		async #connect(config) {
			const { statementTimeoutMs, graceMs } = this.#settings;
			const client = new pg.Client({
				...config,
				types,
				query_timeout: statementTimeoutMs + graceMs
			});
			containExceptions$1(client);
			const closings = this.#closings;
			const forget = () => {
				if (this.#client === client) this.#client = void 0;
			};
			client.on("error", forget);
			client.on("end", forget);
			const timer = setTimeout(() => destroy$1(client), config.connectionTimeoutMillis ?? statementTimeoutMs);
			try {
				await client.connect();
				checkSession$1((await client.query(sessionSettings(this.#settings) + SESSION_STATE)).at(-1)?.rows[0], placeOf$1(client));
				if (closings !== this.#closings) throw new StoreError("closed", "the store was closed");
				return client;
			} catch (thrown) {
				destroy$1(client);
				throw thrown;
			} finally {
				clearTimeout(timer);
			}
		}
		#convert(thrown, statement) {
			const failure = failureOf$1(thrown);
			if (failure === "lost" || isReadOnly$1(thrown)) this.#drop();
			if (failure === "unstorable") return new StoreError("rejected", `PostgreSQL cannot store it: ${thrown.message}`, thrown);
			if (failure === "lost" && statement.changes) return new StoreError("outcome_unknown", `PostgreSQL at ${this.#place} was lost meanwhile`, thrown);
			return unavailable$1(this.#place, failure === "lost" ? "was lost" : "refused a statement", thrown);
		}
		#drop() {
			const client = this.#client;
			this.#client = void 0;
			if (client !== void 0) destroy$1(client);
		}
	};
	placeOf$1 = ({ host, port, database }) => `${host}:${port}/${database ?? ""}`;
	textOfAll = (reasons) => reasons.map(textOf$3).join("; ");
	toNumber = (text) => Number(text);
	types = { getTypeParser: (oid, format) => oid === pg.types.builtins.INT8 && format !== "binary" ? toNumber : pg.types.getTypeParser(oid, format) };
}));
// packages/store-postgres/src/durability.ts
async function whatACrashMayLose$2(client) {
	const { rows } = await client.query(`select current_setting('server_encoding') as encoding, current_setting('server_version_num')::integer as version,
       current_setting('synchronous_commit') as synchronous_commit, current_setting('fsync') as fsync,
       current_setting('full_page_writes') as full_page_writes`);
	const [server] = rows;
	if (server === void 0) throw new StoreError("unavailable", "PostgreSQL does not tell its settings");
	if (server.version < OLDEST_VERSION$1) throw new StoreError("unavailable", `PostgreSQL ${Math.floor(server.version / 1e4)} is too old: 12 and later are supported`);
	if (server.encoding !== "UTF8") throw new StoreError("unavailable", `the database's encoding is ${server.encoding}, which does not keep every gid: make one with UTF8`);
	return lossOf(server);
}
function lossOf(server) {
	if (server.fsync !== "on") return "fsync is off: a crash of the machine may lose or corrupt everything; turn it on";
	if (server.full_page_writes !== "on") return "full_page_writes is off: unless the file system writes pages whole, a crash of the machine may corrupt what is stored; turn it on";
	if (server.synchronous_commit === "off") return "synchronous_commit is off: a crash of the database may lose what was acknowledged in the second before it; set it to on";
}
var OLDEST_VERSION$1;
var init_durability$2 = __esmMin((() => {
	init_src$4();
	OLDEST_VERSION$1 = 12e4;
}));
// packages/store-postgres/src/key-values.ts
function keyValueOf$2(row) {
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
var KeyValues$2, idValues;
var init_key_values$3 = __esmMin((() => {
	init_src$4();
	init_statements();
	KeyValues$2 = class {
		#connection;
		#clock;
		constructor(connection, clock) {
			this.#connection = connection;
			this.#clock = clock;
		}
		async get(id) {
			const [row] = await this.#connection.query(KV_GET$1, idValues(id));
			return row && keyValueOf$2(row);
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
			const [row] = await this.#connection.query(KV_DELETE$1, [...idValues(id), expectVersion]);
			if (row === void 0) return "missing";
			return row["deleted"] === null ? "conflict" : "applied";
		}
		async scan(query) {
			const { namespace, category, cursor, limit, maxBytes = STORE_LIMITS.answerBytes } = query;
			const after = cursor === void 0 ? "" : decodeKeyCursor(cursor);
			const rows = await this.#connection.query(KV_SCAN$1, [
				namespace,
				category,
				after,
				limit + 1,
				maxBytes
			]);
			const items = rows.slice(0, limit).map(keyValueOf$2);
			const last = items.at(-1);
			const isMore = Number(rows[0]?.["found"] ?? 0) > items.length;
			return {
				items,
				next: last !== void 0 && isMore ? encodeKeyCursor(last.key) : null
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
async function list$2(connection, read, query) {
	const { namespace, summary = false } = query;
	if (query.cursor !== void 0) decodeListCursor(query.cursor);
	if (query.gid !== void 0) {
		const found = query.cursor === void 0 ? await read([{
			namespace,
			gid: query.gid
		}], summary) : [];
		return {
			items: passingFilter(found, query),
			next: null
		};
	}
	const looked = [
		query.status,
		query.pattern,
		query.attention
	].some((filter) => filter !== void 0) ? Math.max(LOOKED_AT$2, query.limit + 1) : query.limit + 1;
	const rows = await connection.query(LIST$1, valuesOf$1(query, looked));
	const end = rows.find((row) => row.looked !== null);
	const found = rows.filter((row) => row.looked === null);
	const room = new Room(query.limit, query.maxBytes);
	const beyond = found.findIndex(({ bytes }) => !room.take(bytes ?? 0));
	const chosen = beyond < 0 ? found : found.slice(0, beyond);
	const records = await read(chosen.map(({ gid }) => ({
		namespace,
		gid
	})), summary);
	const items = passingFilter(records, query);
	const last = beyond >= 0 ? chosen.at(-1) : end?.looked === looked ? end : void 0;
	return {
		items,
		next: last === void 0 ? null : encodeListCursor({
			createdAtMs: last.created_at,
			gid: last.gid
		})
	};
}
function valuesOf$1(query, looked) {
	const { namespace, cursor, createdFromMs = 0, createdToMs = LAST_MS$2, limit } = query;
	const below = cursor === void 0 ? {
		createdAtMs: LAST_MS$2,
		gid: ""
	} : decodeListCursor(cursor);
	const filters = [
		query.status ?? null,
		query.pattern ?? null,
		query.attention ?? null
	];
	return [...[
		namespace,
		...[Math.ceil(createdFromMs), Math.floor(createdToMs)],
		Math.min(below.createdAtMs, LAST_MS$2),
		below.gid,
		looked
	], ...[
		...filters,
		limit + 1,
		query.summary === true
	]];
}
var LOOKED_AT$2, LAST_MS$2;
var init_list$2 = __esmMin((() => {
	init_src$4();
	init_statements();
	LOOKED_AT$2 = 2e3;
	LAST_MS$2 = 0x5af3107a4000;
}));
// packages/store-postgres/src/pooler.ts
async function refuseTransactionPooling(client, other, place) {
	const first = await processOf(client);
	if (first === announcedProcess(client)) return;
	for (let round = 0; round < ROUNDS$2; round++) if (await processOf(client) !== first || await processOf(client) !== first || await processInTransaction(other, place) === first) throw refusal$2(place);
}
async function processInTransaction(client, place) {
	try {
		await client.query("begin");
	} catch (thrown) {
		throw refusal$2(place, thrown);
	}
	const pid = await processOf(client);
	await client.query("rollback");
	return pid;
}
async function processOf(client) {
	const { rows } = await client.query("select pg_catalog.pg_backend_pid() as pid");
	return rows[0]?.pid;
}
var ROUNDS$2, announcedProcess, refusal$2;
var init_pooler = __esmMin((() => {
	init_src$4();
	ROUNDS$2 = 10;
	announcedProcess = (client) => "processID" in client && client.processID;
	refusal$2 = (place, cause) => new StoreError("unavailable", `PostgreSQL at ${place} is behind a pooler that shares server connections between statements: pool by session (PgBouncer: pool_mode = session for this database), or connect to the server itself`, cause);
}));
// packages/store-postgres/src/privileges.ts
async function refuseWithoutPrivileges(client, schema) {
	const pairs = Object.entries(NEEDED).flatMap(([table, privileges]) => privileges.map((name) => [table, name]));
	const { rows } = await client.query(`select privilege || ' on ' || $1 || '.' || name as lacking from unnest($2::text[], $3::text[]) n (name, privilege)
     where not has_table_privilege(quote_ident($1) || '.' || name, privilege)`, [
		schema,
		pairs.map(([table]) => table),
		pairs.map(([, privilege]) => privilege)
	]);
	if (rows.length > 0) throw missingPrivilege$1(rows.map(({ lacking }) => lacking).join(", "));
}
async function missingOf(client, schema) {
	await client.query("rollback");
	const { rows } = await client.query(`select has_schema_privilege(n.oid, 'USAGE') as usage,
       exists (select from pg_tables where schemaname = $1 and tablename = 'schema_version') as created
     from (select 1) one left join pg_namespace n on n.nspname = $1`, [schema]);
	const [found] = rows;
	if (typeof found?.usage !== "boolean") return "CREATE on the database";
	if (!found.usage) return `USAGE on schema ${schema}`;
	return found.created ? `SELECT, INSERT, UPDATE and DELETE on all tables in schema ${schema}` : `CREATE on schema ${schema}`;
}
var LACKING$1, lacksPrivilege, CHANGED, DELETED, NEEDED, missingPrivilege$1;
var init_privileges = __esmMin((() => {
	init_src$4();
	init_errors$1();
	LACKING$1 = ["42501", "42P01"];
	lacksPrivilege = (thrown) => LACKING$1.includes(sqlState(thrown));
	CHANGED = [
		"SELECT",
		"INSERT",
		"UPDATE"
	];
	DELETED = [...CHANGED, "DELETE"];
	NEEDED = {
		transactions: DELETED,
		entries: DELETED,
		counters: CHANGED,
		sessions: DELETED,
		key_values: DELETED
	};
	missingPrivilege$1 = (privilege, cause) => new StoreError("unavailable", `the user lacks the privilege ${privilege}: grant it, or create the tables with "holdfast migrate" as a user who has it`, cause);
}));
// packages/store-postgres/src/schema.ts
async function prepareSchema$1(client, schema) {
	try {
		return await prepare(client, schema);
	} catch (thrown) {
		throw lacksPrivilege(thrown) ? missingPrivilege$1(await missingOf(client, schema), thrown) : thrown;
	}
}
async function prepare(client, schema) {
	await client.query("begin");
	await client.query("select pg_advisory_xact_lock($1, hashtext($2))", [LOCK_CLASS, schema]);
	const found = await readVersion$1(client, schema);
	if (found > 1) throw new StoreError("unsupported_format", `the schema ${schema} has version ${found}; this Holdfast knows up to 1: use the version that made it, or a newer one`);
	await addMissingKey(client, schema);
	for (let version = found; version < 1; version++) {
		await client.query(MIGRATIONS$1[version] ?? "");
		await client.query("update schema_version set version = $1", [version + 1]);
	}
	await client.query("commit");
	await refuseWithoutPrivileges(client, schema);
	return {
		found,
		current: 1
	};
}
async function readVersion$1(client, schema) {
	if (!await exists(client, "select from pg_namespace where nspname = $1", schema)) await client.query(`create schema "${schema}"`);
	if (!await exists(client, `select from pg_tables where schemaname = $1 and tablename = 'schema_version'`, schema)) {
		await client.query("create table schema_version (version integer primary key)");
		await client.query("insert into schema_version (version) values (0)");
	}
	const { rows } = await client.query("select version from schema_version");
	return rows[0]?.version ?? 0;
}
async function addMissingKey(client, schema) {
	if (await exists(client, `select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relname = 'schema_version' and pg_has_role(c.relowner, 'usage')
      and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`, schema)) await client.query("alter table schema_version add primary key (version)");
}
var LOCK_CLASS, MIGRATIONS$1, exists;
var init_schema$1 = __esmMin((() => {
	init_src$4();
	init_privileges();
	LOCK_CLASS = 1752132708;
	MIGRATIONS$1 = [`
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
var StoreClock$2;
var init_store_clock$2 = __esmMin((() => {
	init_src$4();
	StoreClock$2 = class extends NodeClock {
		parameters() {
			return [this.floorMs, this.wallMs() ?? null];
		}
	};
}));
// packages/store-postgres/src/batch.ts
function batchOf(items, floorMs, wallMs) {
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
	const sets = new SharedSets();
	const parameters = {
		floor: floorMs,
		wall: wallMs,
		...insertParameters(inserts, sets, bodies),
		...updateParameters(updates, sets, bodies)
	};
	const more = appends.length === 0 ? void 0 : appendParameters(appends, bodies);
	return {
		statement: more === void 0 ? WRITE$1 : WRITE_WITH_APPENDS,
		values: writeValues({
			...parameters,
			...setParameters(sets.all),
			bodies: bodies.joined()
		}, more)
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
		appendPatterns: textArray(appends.map(({ item }) => item.whenPattern ?? null)),
		appendRooms: int4Array(appends.map(({ item }) => Math.min(item.maxEntries, MOST_ENTRIES))),
		appendByteRooms: int8Array(appends.map(({ item }) => item.maxBytes ?? null)),
		appendPostpones: int8Array(appends.map(({ item }) => wholeMs$1(item.postponeMs ?? null))),
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
var Bodies, LOOKED_THROUGH, SharedSets, setParameters, insertParameters, updateParameters, MOST_ENTRIES, dueInOf, wholeMs$1;
var init_batch$2 = __esmMin((() => {
	init_src$5();
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
	LOOKED_THROUGH = 8;
	SharedSets = class {
		all = [];
		positionOf(item) {
			const [pattern, group] = item.kind === "insert" ? [item.pattern, item.group] : ["", ""];
			const { status, attention } = item;
			const { namespace } = item.key;
			const owner = isFinal(status) ? null : item.owner;
			const looked = Math.min(this.all.length, LOOKED_THROUGH);
			for (let at = 0; at < looked; at++) {
				const set = this.all[at];
				if (set?.status === status && set.owner === owner && set.pattern === pattern && set.namespace === namespace && set.group === group && set.attention === attention) return at + 1;
			}
			return this.all.push({
				namespace,
				status,
				owner,
				attention,
				pattern,
				group
			});
		}
	};
	setParameters = (sets) => ({
		namespaces: textArray(sets.map((set) => set.namespace)),
		statuses: textArray(sets.map((set) => set.status)),
		owners: textArray(sets.map((set) => set.owner)),
		attentions: boolArray(sets.map((set) => set.attention)),
		patterns: textArray(sets.map((set) => set.pattern)),
		groups: textArray(sets.map((set) => set.group))
	});
	insertParameters = (items, sets, bodies) => ({
		insertSets: int4Array(items.map((item) => sets.positionOf(item))),
		insertGids: textArray(items.map((item) => item.key.gid)),
		insertWriteIds: textArray(items.map((item) => item.writeId)),
		insertDueIns: int8Array(items.map(dueInOf)),
		insertFroms: int4Array(items.map((item) => bodies.add(item.definition, item.state))),
		insertDefinitionLengths: int4Array(items.map((item) => item.definition.length)),
		insertStateLengths: int4Array(items.map((item) => item.state.length))
	});
	updateParameters = (updates, sets, bodies) => ({
		updateItems: int4Array(updates.map(({ at }) => at)),
		updateSets: int4Array(updates.map(({ item }) => sets.positionOf(item))),
		updateGids: textArray(updates.map(({ item }) => item.key.gid)),
		updateVersions: int8Array(updates.map(({ item }) => item.expectVersion)),
		updateWriteIds: textArray(updates.map(({ item }) => item.writeId)),
		updateDueIns: int8Array(updates.map(({ item }) => dueInOf(item))),
		updateFroms: int4Array(updates.map(({ item }) => bodies.add(item.state))),
		updateStateLengths: int4Array(updates.map(({ item }) => item.state.length))
	});
	MOST_ENTRIES = 1e9;
	dueInOf = (item) => isFinal(item.status) || item.owner !== null ? null : wholeMs$1(item.dueInMs);
	wholeMs$1 = (ms) => ms === null ? null : Math.ceil(ms);
}));
// packages/store-postgres/src/held-keys.ts
async function heldKeys(connection, keys) {
	if (keys.length === 0) return [];
	return connection.alone((client) => new Probes(client).heldOf(keys));
}
var FIRST_WAIT_MS$1, NEXT_WAIT_MS, MOST_WAIT_MS, Probes;
var init_held_keys = __esmMin((() => {
	init_errors$1();
	init_read$3();
	init_statements();
	FIRST_WAIT_MS$1 = 50;
	NEXT_WAIT_MS = 5;
	MOST_WAIT_MS = 1e3;
	Probes = class {
		#client;
		#waitedMs = 0;
		constructor(client) {
			this.#client = client;
		}
		async heldOf(keys, isHeld = false) {
			if (this.#waitedMs >= MOST_WAIT_MS) return keys;
			if (!isHeld && !await this.#waits(keys)) return [];
			if (keys.length === 1) return keys;
			const half = keys.length >> 1;
			const first = await this.heldOf(keys.slice(0, half));
			return [...first, ...await this.heldOf(keys.slice(half), first.length === 0)];
		}
		async #waits(keys) {
			const client = this.#client;
			const waitMs = this.#waitedMs === 0 ? FIRST_WAIT_MS$1 : NEXT_WAIT_MS;
			await client.query(`begin; set local lock_timeout to ${waitMs}`);
			try {
				await client.query(PROBE_KEYS, keyArrays(keys));
				return false;
			} catch (thrown) {
				if (sqlState(thrown) === void 0) throw thrown;
				if (!wasLocked$1(thrown)) return false;
				this.#waitedMs += waitMs;
				return true;
			} finally {
				await client.query("rollback");
			}
		}
	};
}));
// packages/store-postgres/src/locked-records.ts
var MOST$3, BLOCKED$1, LockedRecords$1;
var init_locked_records$1 = __esmMin((() => {
	init_held_keys();
	init_read$3();
	init_rows$1();
	init_statements();
	MOST$3 = 1e4;
	BLOCKED$1 = {
		kind: "blocked",
		why: "another client of the database has the record locked: pg_locks and pg_stat_activity show which"
	};
	LockedRecords$1 = class {
		#connection;
		#known = new Set();
		constructor(connection) {
			this.#connection = connection;
		}
		async leaveOutKnown(items, outcomes) {
			if (this.#known.size === 0) return;
			const suspects = items.filter(({ item }) => this.#known.has(idOf$1(item.key)));
			if (suspects.length > 0) await this.leaveOut(suspects, outcomes);
		}
		async leaveOut(items, outcomes) {
			const rows = await this.#connection.query(LOCKED, keyArrays(items.map(({ item }) => item.key)));
			const inserts = items.flatMap(({ item }) => item.kind === "insert" ? [item.key] : []);
			const held = await heldKeys(this.#connection, inserts);
			const locked = new Set([...rows.map((row) => row), ...held].map(idOf$1));
			for (const { item, at } of items) {
				const id = idOf$1(item.key);
				if (!locked.has(id)) {
					this.#known.delete(id);
					continue;
				}
				outcomes[at] = BLOCKED$1;
				if (this.#known.size < MOST$3) this.#known.add(id);
			}
			return locked.size > 0;
		}
	};
}));
// packages/store-postgres/src/write.ts
async function writeOnce(connection, clock, items, outcomes) {
	const { statement, values } = batchOf(items, ...clock.parameters());
	const [inserted, changed] = await connection.query(statement, values);
	if (inserted === void 0 || changed === void 0) throw new StoreError("outcome_unknown", "a batch was not answered");
	clock.seen(changed.now);
	settleInserts(items, inserted, outcomes);
	settleUpdates(items, changed, outcomes);
	const partly = settleAppends(items, changed, outcomes);
	if (items.filter(({ at }) => outcomes[at] === void 0 && !partly.has(at)).length + partly.size === 0) return;
	const asked = items.filter(({ at }) => outcomes[at] === void 0);
	try {
		const found = await examine(connection, asked.map(({ item }) => item));
		for (const [i, { item, at }] of asked.entries()) {
			const examined = found[i] ?? {
				row: void 0,
				entries: []
			};
			const before = partly.get(at);
			outcomes[at] = before === void 0 ? refusal$1(item, examined) : applied(before.version, existingOf$1(item, examined, before.count));
		}
	} catch (thrown) {
		throw inDoubt(thrown instanceof Error ? thrown.message : String(thrown), thrown);
	}
}
function settleInserts(items, { namespaces, gids }, outcomes) {
	const applied$2 = gids && new Set(gids.map((gid, i) => idOf$1({
		namespace: namespaces?.[i] ?? "",
		gid
	})));
	for (const { item, at } of items) if (item.kind === "insert" && applied$2?.has(idOf$1(item.key)) !== false) outcomes[at] = applied(1);
}
function settleUpdates(items, { items: named }, outcomes) {
	const applied$3 = named && new Set(named);
	for (const { item, at } of items) if (item.kind === "update" && applied$3?.has(at) !== false) outcomes[at] = applied(item.expectVersion + 1);
}
function settleAppends(items, row, outcomes) {
	const partly = new Map();
	const places = new Map((row.appended ?? []).map((at, place) => [at, place]));
	for (const { item, at } of places.size === 0 ? [] : items) {
		const place = places.get(at);
		if (item.kind !== "append" || place === void 0) continue;
		const [version, added] = [Number(row.versions?.[place]), row.added?.[place] ?? 0];
		if (added < item.entries.length) partly.set(at, {
			version,
			count: (row.entry_counts?.[place] ?? 0) - added
		});
		else outcomes[at] = applied(version);
	}
	return partly;
}
async function examine(connection, items) {
	const keys = items.map((item) => item.kind === "append" ? item.entries.map((entry) => entry.key) : []);
	const { firsts, lasts } = spansOf(keys.map((list) => list.length));
	const { records, entries } = sorted(await connection.query(EXAMINE, [
		textArray(items.map((item) => item.key.namespace)),
		textArray(items.map((item) => item.key.gid)),
		int4Array(firsts),
		int4Array(lasts),
		textArray(keys.flat())
	]));
	return items.map(({ key }) => ({
		row: records.get(idOf$1(key)),
		entries: entries.get(idOf$1(key)) ?? []
	}));
}
function refusal$1(item, examined) {
	const { row } = examined;
	const head = row === void 0 ? void 0 : headOf$1(row);
	switch (item.kind) {
		case "insert": return head === void 0 ? void 0 : insertOverExisting(item, head);
		case "update": return updateRefused(item, head);
		case "append": return appendRefused(item, head, existingOf$1(item, examined, Infinity), () => Number(row?.["entry_bytes"]));
	}
}
function existingOf$1(item, { entries }, count) {
	if (item.kind !== "append") return [];
	const there = new Map();
	for (const { key, body, position } of entries) if (position <= count) there.set(key, {
		key,
		body
	});
	return item.entries.flatMap(({ key }) => there.get(key) ?? []);
}
var ROUNDS$1, MOST_REFUSED$1, Writer$1, isOfOneRecord$1, isOpenIn, inDoubt;
var init_write$2 = __esmMin((() => {
	init_src$4();
	init_arrays();
	init_batch$2();
	init_errors$1();
	init_locked_records$1();
	init_rows$1();
	init_statements();
	ROUNDS$1 = 10;
	MOST_REFUSED$1 = 1e4;
	Writer$1 = class {
		#connection;
		#clock;
		#locked;
		#refused = new Set();
		constructor(connection, clock) {
			this.#connection = connection;
			this.#clock = clock;
			this.#locked = new LockedRecords$1(connection);
		}
		async write(batch) {
			const outcomes = batch.map(() => void 0);
			const items = batch.map((item, at) => ({
				item,
				at
			}));
			await this.#locked.leaveOutKnown(items, outcomes);
			const left = items.filter(isOpenIn(outcomes));
			const suspects = this.#refused.size === 0 ? [] : left.filter(({ item }) => this.#refused.has(idOf$1(item.key)));
			if (suspects.length === 0) await this.#writeTogether(left, outcomes);
			else {
				await this.#writeTogether(left.filter((each) => !suspects.includes(each)), outcomes);
				await this.#writeEach(suspects, outcomes);
			}
			return outcomes;
		}
		async #writeTogether(items, outcomes) {
			try {
				return await this.#writeAll(items, outcomes);
			} catch (thrown) {
				if (items.length === 1 || !isOfOneRecord$1(thrown)) throw thrown;
				await this.#writeEach(items, outcomes);
				if (outcomes.every((outcome) => outcome?.kind === "blocked")) throw thrown;
			}
		}
		async #writeEach(items, outcomes) {
			for (const { item, at } of items) {
				const id = idOf$1(item.key);
				try {
					await this.#writeAll([{
						item,
						at
					}], outcomes);
					this.#refused.delete(id);
				} catch (thrown) {
					if (!isOfOneRecord$1(thrown)) throw inDoubt(String(thrown), thrown);
					if (this.#refused.size < MOST_REFUSED$1) this.#refused.add(id);
					outcomes[at] = {
						kind: "blocked",
						why: thrown.message
					};
				}
			}
		}
		async #writeAll(items, outcomes) {
			let written = false;
			try {
				for (let round = 1, left = items; left.length > 0; round++, left = left.filter(isOpenIn(outcomes))) {
					if (round > ROUNDS$1) throw new StoreError("unavailable", "the same records are changed again and again");
					try {
						await writeOnce(this.#connection, this.#clock, left, outcomes);
						written = true;
					} catch (thrown) {
						if (!(thrown instanceof StoreError && wasLocked$1(thrown.cause)) || !await this.#locked.leaveOut(left, outcomes)) throw thrown;
					}
				}
			} catch (thrown) {
				throw written && thrown instanceof StoreError ? inDoubt(thrown.message, thrown) : thrown;
			}
		}
	};
	isOfOneRecord$1 = (thrown) => thrown instanceof StoreError && mayBeOneRecord$1(thrown.cause);
	isOpenIn = (outcomes) => ({ at }) => outcomes[at] === void 0;
	inDoubt = (why, cause) => new StoreError("outcome_unknown", `a part of the batch was written: ${why}`, cause);
}));
// packages/store-postgres/src/postgres-store.ts
var PostgresStore;
var init_postgres_store = __esmMin((() => {
	init_src$4();
	init_src$5();
	init_arrays();
	init_claim();
	init_connection$2();
	init_durability$2();
	init_key_values$3();
	init_list$2();
	init_options$2();
	init_pooler();
	init_read$3();
	init_schema$1();
	init_statements();
	init_store_clock$2();
	init_within$2();
	init_write$2();
	PostgresStore = class {
		#settings;
		#batches;
		#work;
		#beats;
		#rest;
		#clock;
		#keyValues;
		#writer;
		#durable = true;
		constructor(settings) {
			this.#settings = settings;
			this.#batches = new Connection$2(forBatches(settings));
			this.#work = new Connection$2(settings);
			this.#beats = new Connection$2(forSessions$2(settings));
			this.#rest = new Connection$2(settings);
			this.#clock = new StoreClock$2(settings.wallMs, settings.monotonicMs);
			this.#keyValues = new KeyValues$2(this.#rest, this.#clock);
			this.#writer = new Writer$1(this.#batches, this.#clock);
		}
		get capabilities() {
			return {
				name: "postgres",
				durable: this.#durable,
				exclusive: false
			};
		}
		async open() {
			const { place } = this.#rest;
			const { loss, schema } = await this.#rest.alone(async (client) => {
				const found = await whatACrashMayLose$2(client);
				await this.#work.alone((other) => refuseTransactionPooling(client, other, place));
				return {
					loss: found,
					schema: await prepareSchema$1(client, this.#settings.schema)
				};
			});
			this.#durable = loss === void 0;
			if (loss !== void 0) this.#settings.onWarning(`PostgreSQL at ${place}: ${loss}`);
			const [row] = await this.#rest.query(LATEST, []);
			this.#clock.seen(Number(row?.["latest"] ?? 0));
			return schema;
		}
		async close(idle) {
			await within$2(CLOSE_MS$2, idle);
			await Promise.all([
				this.#batches,
				this.#work,
				this.#beats,
				this.#rest
			].map((connection) => connection.close()));
		}
		write(batch) {
			return this.#writer.write(batch);
		}
		get(keys) {
			return read$2(this.#work, keys);
		}
		async versions(keys) {
			return (await this.#work.query(VERSIONS$1, keyArrays(keys))).map(({ version }) => typeof version === "number" ? version : void 0);
		}
		list(query) {
			return list$2(this.#rest, (keys, summary) => read$2(this.#rest, keys, summary), query);
		}
		async count(namespace) {
			const [row] = await (namespace === void 0 ? this.#rest.query(COUNT_ALL, []) : this.#rest.query(COUNT$1, [namespace]));
			return {
				byStatus: Object.fromEntries(STATUSES.map((status) => [status, Number(row?.[status])])),
				attention: Number(row?.["attention"])
			};
		}
		claimDue(request) {
			return claimDue$2(this.#work, this.#clock, request);
		}
		async makeDue({ namespace, laterThanMs, limit }) {
			const values = [
				namespace,
				Math.floor(laterThanMs),
				limit
			];
			const [row] = await this.#timed(this.#rest, MAKE_DUE$1, values);
			return {
				count: Number(row?.["count"]),
				more: Number(row?.["found"]) > limit
			};
		}
		async openSession(session, { node, version }) {
			if ((await this.#timed(this.#beats, OPEN_SESSION$1, [
				session,
				node,
				version
			])).length === 0) throw new StoreError("invalid", `session ${session} was ended; open one with a new id`);
		}
		async heartbeat(session) {
			const [row] = await this.#timed(this.#beats, HEARTBEAT$1, [session]);
			const last = row?.["last"];
			return {
				alive: row?.["alive"] === true,
				nowMs: this.#clock.seen(Number(row?.["now"])),
				lastMs: typeof last === "number" ? last : null
			};
		}
		async endSession(session) {
			await this.#timed(this.#beats, END_SESSION$1, [session]);
		}
		async takeOver({ silenceMs, unchanged, keep, limit }) {
			const only = unchanged === void 0 ? [null, null] : [textArray(unchanged.map(({ session }) => session)), int8Array(unchanged.map((seen) => seen.heartbeatAtMs))];
			const ended = await this.#timed(this.#work, END_SILENT$1, [
				Math.floor(silenceMs),
				keep,
				...only
			]);
			const [row] = await this.#timed(this.#work, RELEASE$1, [limit]);
			return {
				ended: ended.map(({ session }) => String(session)),
				released: Number(row?.["count"]),
				more: Number(row?.["found"]) > limit
			};
		}
		async sessions() {
			return (await this.#rest.query(SESSIONS$1, [])).map((row) => ({
				session: String(row["session"]),
				node: String(row["node"]),
				version: String(row["version"]),
				startedAtMs: Number(row["started_at"]),
				heartbeatAtMs: Number(row["heartbeat_at"]),
				owned: Number(row["owned"])
			}));
		}
		async purge({ olderThanMs, limit }) {
			const [row] = await this.#timed(this.#rest, PURGE$1, [Math.floor(olderThanMs), limit]);
			return Number(row?.["count"]);
		}
		async nowMs() {
			const [row] = await this.#timed(this.#beats, TIME$1, []);
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
var src_exports$2 = __exportAll({ createPostgresStore: () => createPostgresStore });
var createPostgresStore;
var init_src$2 = __esmMin((() => {
	init_src$4();
	init_options$2();
	init_postgres_store();
	createPostgresStore = (options) => new CheckedStore(new PostgresStore(settingsOf$2(options)));
}));
// packages/store-mysql/src/claim-pace.ts
var ClaimPace;
var init_claim_pace = __esmMin((() => {
	init_src$4();
	ClaimPace = class {
		#records = STORE_LIMITS.changeLimit;
		get records() {
			return this.#records;
		}
		note(taken, cut) {
			if (cut) this.#records = taken + 1;
			else this.#records = Math.min(this.#records * 2, STORE_LIMITS.changeLimit);
		}
	};
}));
// packages/store-mysql/src/call.ts
function packetOf({ statements, changes, provided }) {
	if (!changes) return statements;
	if (provided === void 0) return [
		"start transaction",
		...statements,
		"commit"
	];
	const { at, changed } = provided;
	return [
		"start transaction",
		...statements.slice(0, at + 1),
		`set @ending = if(row_count() = ${changed}, 'commit', 'do 0')`,
		...statements.slice(at + 1),
		...[
			"prepare ending from @ending",
			"execute ending",
			"rollback"
		]
	];
}
function ownAnswers({ statements, changes, provided }, answers) {
	if (!changes) return answers;
	if (provided === void 0) return answers.slice(1, -1);
	return [...answers.slice(1, provided.at + 2), ...answers.slice(provided.at + 3, statements.length + 2)];
}
var init_call = __esmMin((() => {}));
// packages/store-mysql/src/errors.ts
function failureOf(thrown) {
	const error = serverError(thrown);
	if (error === void 0 || LOST.has(error.errno)) return "lost";
	if (error.errno === DEADLOCK) return "again";
	return error.errno === TOO_LARGE || TOO_LONG_BLOB.has(error.errno) || UNSTORABLE_CLASSES.has(error.sqlState.slice(0, 2)) ? "unstorable" : "refused";
}
function serverError(thrown) {
	if (!(thrown instanceof Error) || !("errno" in thrown) || !("sqlState" in thrown)) return void 0;
	const { errno, sqlState } = thrown;
	return typeof errno === "number" && typeof sqlState === "string" ? {
		errno,
		sqlState
	} : void 0;
}
var DEADLOCK, LOST, READ_ONLY, TOO_LARGE, UNSTORABLE_CLASSES, TOO_LONG_BLOB, LOCK_WAIT_TIMEOUT, OF_ONE_RECORD, OF_A_STORED_RECORD, mayBeUnreadable, wasLocked, mayBeOneRecord, isReadOnly, endsConnection, errnoOf, textOf$2, unavailable;
var init_errors = __esmMin((() => {
	init_src$4();
	DEADLOCK = 1213;
	LOST = new Set([
		1053,
		1152,
		1158,
		1159,
		1160,
		1161,
		1180,
		1184,
		1317,
		1969,
		3024,
		1927,
		3169,
		4031
	]);
	READ_ONLY = new Set([
		1290,
		1792,
		1836
	]);
	TOO_LARGE = 1153;
	UNSTORABLE_CLASSES = new Set(["22", "23"]);
	TOO_LONG_BLOB = new Set([1118, 1406]);
	LOCK_WAIT_TIMEOUT = 1205;
	OF_ONE_RECORD = new Set([
		1644,
		1643,
		1642,
		1034,
		1194,
		1712,
		1877
	]);
	OF_A_STORED_RECORD = new Set([
		1030,
		1034,
		1194,
		1712,
		1877,
		1296,
		1815,
		1300,
		1366,
		3854
	]);
	mayBeUnreadable = (thrown) => OF_A_STORED_RECORD.has(serverError(thrown)?.errno ?? 0);
	wasLocked = (thrown) => serverError(thrown)?.errno === LOCK_WAIT_TIMEOUT;
	mayBeOneRecord = (thrown) => OF_ONE_RECORD.has(serverError(thrown)?.errno ?? 0);
	isReadOnly = (thrown) => READ_ONLY.has(serverError(thrown)?.errno ?? 0);
	endsConnection = (thrown) => failureOf(thrown) === "lost" || isReadOnly(thrown) || serverError(thrown)?.errno === TOO_LARGE;
	errnoOf = (thrown) => serverError(thrown)?.errno;
	textOf$2 = (thrown) => thrown instanceof Error ? thrown.message : String(thrown);
	unavailable = (place, what, thrown) => new StoreError("unavailable", `the database at ${place} ${what}: ${textOf$2(thrown)}${isReadOnly(thrown) ? "; connect to the primary, or set read_only=OFF" : ""}`, thrown);
}));
// packages/store-mysql/src/rows.ts
function keyOf$1(id) {
	const at = id.indexOf("\0");
	return {
		namespace: id.slice(0, at),
		gid: id.slice(at + 1)
	};
}
function placeOf(item) {
	if (isFinal(item.status)) return PLACES.finished;
	if (item.owner !== null) return `${PLACES.owned}${item.owner}`;
	return item.dueInMs === null ? PLACES.parked : PLACES.due;
}
function headOf(row) {
	const place = string(row["place"]);
	const kind = place.slice(0, 1);
	const atMs = Number(row["at"]);
	return {
		key: keyOf$1(string(row["id"])),
		...wordsOf(string(row["pattern"]), string(row["status"])),
		group: string(row["app_group"]),
		version: Number(row["version"]),
		writeId: string(row["write_id"]),
		owner: kind === PLACES.owned ? place.slice(1) : null,
		claims: Number(row["claims"]),
		dueAtMs: kind === PLACES.due ? atMs : null,
		attention: Number(row["attention"]) === 1,
		createdAtMs: Number(row["created_at"]),
		updatedAtMs: Number(row["updated_at"]),
		finishedAtMs: kind === PLACES.finished ? atMs : null,
		entryCount: Number(row["entry_count"])
	};
}
var HEAD, idOf, PLACES, string, body, entryOf$1;
var init_rows = __esmMin((() => {
	init_src$4();
	init_src$5();
	HEAD = "t.id, t.version, t.created_at, t.updated_at, t.place, t.at, t.claims, t.entry_count, t.attention, t.status, t.pattern, t.app_group, t.write_id";
	idOf = ({ namespace, gid }) => `${namespace}\0${gid}`;
	PLACES = {
		due: "d",
		owned: "o",
		finished: "f",
		parked: "p"
	};
	string = (value) => Buffer.isBuffer(value) ? value.toString() : String(value);
	body = (value) => Buffer.isBuffer(value) ? value : Buffer.alloc(0);
	entryOf$1 = (row) => ({
		key: string(row["entry_key"]),
		body: body(row["body"])
	});
}));
// packages/store-mysql/src/sql.ts
function number(value) {
	if (typeof value !== "number" || Number.isNaN(value)) throw new StoreError("invalid", `${String(value)} is not a number`);
	return String(Math.min(MOST$2, Math.max(-MOST$2, Math.ceil(value))) + 0);
}
function word(value) {
	const literal = WORDS.get(value);
	if (literal === void 0) throw new StoreError("invalid", `${value} is not a word that this version knows`);
	return literal;
}
function tableOf(name, columns, rows) {
	const [first = [], ...others] = rows;
	return `(${[`select ${first.map((literal, i) => `${literal} as ${columns[i] ?? ""}`).join(", ")}`, ...others.map((row) => `select ${row.join(", ")}`)].join(" union all ")}) as ${name}`;
}
var ASCII, quoted, text, bytes, MOST$2, WORDS, valuesOf;
var init_sql = __esmMin((() => {
	init_src$4();
	init_src$5();
	ASCII = /^[\x00-\x7f]*$/;
	quoted = (bytes) => `'${bytes.includes("'") ? bytes.replaceAll("'", "''") : bytes}'`;
	text = (value) => quoted(ASCII.test(value) ? value : Buffer.from(value, "utf8").toString("latin1"));
	bytes = (body) => quoted((Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)).toString("latin1"));
	MOST$2 = Number.MAX_SAFE_INTEGER;
	WORDS = new Map([...STATUSES, ...PATTERNS].map((each) => [each, quoted(each)]));
	valuesOf = (rows) => rows.map((row) => `(${row.join(", ")})`).join(", ");
}));
// packages/store-mysql/src/session-settings.ts
function checkSession(row) {
	const is = (name) => string(row?.[name]);
	const probe = row?.["probe"];
	if (!Buffer.isBuffer(probe) || !probe.equals(PROBE)) throw refusal("bytes do not arrive as they were sent", "connect without a proxy that changes character sets");
	if (is("autocommit") !== "1") throw refusal(`autocommit is ${is("autocommit")}`, proxyFix("set autocommit"));
	if (!is("completion_type").startsWith("NO_CHAIN") && is("completion_type") !== "0") throw refusal(`completion_type is ${is("completion_type")}`, proxyFix("set completion_type"));
	if (is("sql_select_limit") !== NO_LIMIT) throw refusal(`sql_select_limit is ${is("sql_select_limit")}`, proxyFix("set sql_select_limit"));
	if (!is("sql_mode").split(",").includes("NO_BACKSLASH_ESCAPES")) throw refusal(`sql_mode is ${is("sql_mode")}`, proxyFix("set sql_mode"));
	if (["1", "ON"].includes(is("log_bin")) && is("binlog_format") === "STATEMENT") throw refusal("binlog_format is STATEMENT, with which no transaction can be written", "set it to ROW or MIXED");
	return Number(is("packet_bytes"));
}
var LOCK_WAIT_S$1, NO_LIMIT, IDLE_S, PROBE, SETTINGS, SESSION, packetWarning, LARGEST_CALL_BYTES, proxyFix, refusal;
var init_session_settings = __esmMin((() => {
	init_src$4();
	init_rows();
	init_sql();
	LOCK_WAIT_S$1 = 3;
	NO_LIMIT = "18446744073709551615";
	IDLE_S = 28800;
	PROBE = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i));
	SETTINGS = [
		`set session wait_timeout = ${IDLE_S}
    /*M!100101 , session max_statement_time = 0 */ /*!80000 , session max_execution_time = 0 */`,
		"set names binary",
		`set session sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_BACKSLASH_ESCAPES'`,
		`set session time_zone = '+00:00' /*M!100300 , session in_predicate_conversion_threshold = 0 */`,
		`set session innodb_lock_wait_timeout = ${LOCK_WAIT_S$1}`,
		"set session autocommit = 1, session completion_type = 0",
		"set session transaction isolation level read committed",
		"set session transaction read write",
		`set session sql_select_limit = ${NO_LIMIT}, session sql_safe_updates = 0, session sql_auto_is_null = 0`,
		"set session max_join_size = default, session sql_big_selects = 1"
	];
	SESSION = [...SETTINGS, `select ${bytes(PROBE)} as probe, @@session.max_allowed_packet as packet_bytes, @@session.autocommit as autocommit,
    concat(@@session.sql_select_limit) as sql_select_limit, @@session.completion_type as completion_type,
    @@session.sql_mode as sql_mode, @@global.log_bin as log_bin, @@session.binlog_format as binlog_format`];
	packetWarning = (packetBytes) => packetBytes < LARGEST_CALL_BYTES ? `max_allowed_packet is ${packetBytes}: larger transactions are rejected; set it to at least 16777216` : void 0;
	LARGEST_CALL_BYTES = STORE_LIMITS.itemBytes + 65536;
	proxyFix = (statement) => `connect without the proxy that ignores "${statement}", or let it pass this statement on`;
	refusal = (what, fix) => new StoreError("unavailable", `${what}: ${fix}`);
}));
// packages/store-mysql/src/wire.ts
function containExceptions(client, report) {
	const internals = client;
	const handle = internals.handlePacket.bind(client);
	let failed = false;
	internals.handlePacket = (packet) => {
		if (failed) return;
		try {
			if (packet !== void 0 && packet.sequenceId !== internals.sequenceId) throw new Error(`packet ${packet.sequenceId} came instead of ${internals.sequenceId}`);
			handle(packet);
		} catch (thrown) {
			failed = true;
			report(thrown);
		}
	};
}
function destroy(client) {
	client.destroy();
	client.stream.destroy();
}
var init_wire = __esmMin((() => {}));
// packages/store-mysql/src/within.ts
async function within$1(ms, promise = Promise.resolve()) {
	let timer;
	const late = new Promise((resolve) => timer = setTimeout(resolve, ms));
	await Promise.race([promise.catch(() => void 0), late]);
	clearTimeout(timer);
}
var CLOSE_MS$1;
var init_within$1 = __esmMin((() => {
	CLOSE_MS$1 = 2e3;
}));
// packages/store-mysql/src/connection.ts
function answerOf(result) {
	if (Array.isArray(result)) return {
		rows: result,
		changed: 0,
		told: 0
	};
	const { affectedRows, insertId } = result;
	return {
		rows: [],
		changed: affectedRows,
		told: insertId
	};
}
var ATTEMPTS, PACKET_MARGIN_BYTES, Connection$1;
var init_connection$1 = __esmMin((() => {
	init_src$4();
	init_call();
	init_errors();
	init_session_settings();
	init_wire();
	init_within$1();
	ATTEMPTS = 10;
	PACKET_MARGIN_BYTES = 1024;
	Connection$1 = class {
		#settings;
		#client;
		#packetBytes = Infinity;
		#last = Promise.resolve();
		#closings = 0;
		#reject;
		constructor(settings) {
			this.#settings = settings;
		}
		call(call) {
			return this.#next(async () => {
				const { changes } = call;
				const whole = packetOf(call);
				const bytes = whole.reduce((sum, { length }) => sum + length, whole.length + PACKET_MARGIN_BYTES);
				for (let attempt = 1;; attempt++) {
					const client = await this.#connected();
					if (bytes > this.#packetBytes) throw new StoreError("rejected", `${bytes} bytes in one call; the database takes ${this.#packetBytes} (max_allowed_packet)`);
					try {
						return ownAnswers(call, await this.#send(client, whole));
					} catch (thrown) {
						await this.#rollBack(client, thrown, changes);
						if (failureOf(thrown) !== "again" || attempt === ATTEMPTS) throw this.#convert(thrown, changes);
					}
				}
			});
		}
		alone(body) {
			return this.#next(async () => {
				const client = await this.#connected();
				try {
					return await body((...statements) => this.#send(client, statements));
				} catch (thrown) {
					this.#drop();
					if (thrown instanceof StoreError) throw thrown;
					throw unavailable(this.#settings.place, "could not be prepared", thrown);
				}
			});
		}
		get packetBytes() {
			return this.#packetBytes;
		}
		async close() {
			this.#closings++;
			const client = this.#client;
			this.#client = void 0;
			if (client === void 0) return;
			if (this.#reject === void 0) await within$1(CLOSE_MS$1, new Promise((resolve) => client.end(() => resolve())));
			this.#abandon(client, "the store was closed");
		}
		#next(work) {
			const closings = this.#closings;
			const result = this.#last.then(() => {
				if (closings === this.#closings) return work();
				throw new StoreError("closed", "the store was closed");
			});
			this.#last = result.catch(() => void 0);
			return result;
		}
		async #connected() {
			if (this.#client !== void 0) return this.#client;
			const client = createConnection(this.#settings.client);
			const forget = () => {
				if (this.#client === client) this.#client = void 0;
			};
			client.on("error", forget);
			client.on("end", forget);
			containExceptions(client, (thrown) => this.#abandon(client, `a response is not of the protocol: ${textOf$2(thrown)}`));
			const closings = this.#closings;
			const timer = setTimeout(() => this.#abandon(client, "the connection was not ready in time"), this.#settings.client.connectTimeout);
			try {
				await new Promise((resolve, reject) => {
					this.#reject = reject;
					client.on("error", reject);
					client.on("end", () => reject(new Error("the server closed the connection")));
					client.connect((error) => error === null ? resolve() : reject(error));
				});
				const answers = await this.#send(client, SESSION);
				this.#packetBytes = checkSession(answers.at(-1)?.rows[0]);
				if (closings !== this.#closings) throw new Error("the store was closed");
			} catch (thrown) {
				destroy(client);
				throw unavailable(this.#settings.place, "cannot be used", thrown);
			} finally {
				clearTimeout(timer);
				this.#reject = void 0;
			}
			this.#client = client;
			return client;
		}
		async #send(client, statements) {
			let giveUp;
			try {
				const results = await new Promise((resolve, reject) => {
					this.#reject = reject;
					const { statementTimeoutMs } = this.#settings;
					giveUp = setTimeout(() => this.#abandon(client, `no response within ${statementTimeoutMs} ms`), statementTimeoutMs);
					client.query(statements.join(";\n"), (error, found) => error === null ? resolve(found) : reject(error));
				});
				return (statements.length === 1 ? [results] : results).map(answerOf);
			} finally {
				clearTimeout(giveUp);
				this.#reject = void 0;
			}
		}
		async #rollBack(client, thrown, changes) {
			if (endsConnection(thrown)) return this.#drop(client);
			if (!changes) return;
			try {
				await this.#send(client, ["rollback"]);
			} catch {
				this.#drop(client);
			}
		}
		#convert(thrown, changes) {
			const { place } = this.#settings;
			const failure = failureOf(thrown);
			if (failure === "unstorable") return new StoreError("rejected", `the database cannot store it: ${thrown.message}`, thrown);
			if (failure === "lost" && changes) return new StoreError("outcome_unknown", `the database at ${place} was lost meanwhile`, thrown);
			return unavailable(place, failure === "lost" ? "was lost" : "refused a statement", thrown);
		}
		#abandon(client, why) {
			this.#drop(client);
			this.#reject?.(new Error(why));
		}
		#drop(client = this.#client) {
			if (this.#client === client) this.#client = void 0;
			if (client !== void 0) destroy(client);
		}
	};
}));
// packages/store-mysql/src/store-clock.ts
var TELL_NOW, StoreClock$1;
var init_store_clock$1 = __esmMin((() => {
	init_src$4();
	init_sql();
	TELL_NOW = "last_insert_id(@now)";
	StoreClock$1 = class extends NodeClock {
		expression() {
			const wallMs = this.wallMs();
			const wall = wallMs === void 0 || wallMs === null ? "floor(unix_timestamp(now(6)) * 1000)" : number(wallMs);
			return `cast(greatest(${number(this.floorMs)}, ${wall}) as signed)`;
		}
		set() {
			return `set @now = ${this.expression()}`;
		}
	};
}));
// packages/store-mysql/src/counters.ts
function count(counts, { status, attention }, by) {
	counts[status] = (counts[status] ?? 0) + by;
	if (attention) counts["attention"] = (counts["attention"] ?? 0) + by;
}
var SLOTS, COUNTED, adding, SLOT, Changes, uncounted, sums;
var init_counters = __esmMin((() => {
	init_src$5();
	init_sql();
	init_store_clock$1();
	SLOTS = 64;
	COUNTED = [...STATUSES, "attention"];
	adding = (tables, rows) => `insert into ${tables.counters} (namespace, slot, ${COUNTED.join(", ")}, last_at)
${rows}
on duplicate key update ${COUNTED.map((name) => `${name} = ${tables.counters}.${name} + values(${name})`).join(", ")}, last_at = greatest(${tables.counters}.last_at, values(last_at))`;
	SLOT = `connection_id() % ${SLOTS}`;
	Changes = class {
		#byNamespace = new Map();
		add(namespace, after, before) {
			const found = this.#byNamespace.get(namespace);
			const counts = found ?? Object.fromEntries(COUNTED.map((name) => [name, 0]));
			if (found === void 0) this.#byNamespace.set(namespace, counts);
			count(counts, after, 1);
			if (before !== void 0) count(counts, before, -1);
		}
		counted(tables) {
			const rows = [...this.#byNamespace].sort(([a], [b]) => a < b ? -1 : 1).map(([namespace, counts]) => [
				...[text(namespace), SLOT],
				...COUNTED.map((name) => number(counts[name] ?? 0)),
				TELL_NOW
			]);
			return adding(tables, `values ${valuesOf(rows)}`);
		}
	};
	uncounted = (tables, ids, callId) => adding(tables, `select t.namespace, ${SLOT}, ${STATUSES.map((name) => `-sum(t.status = ${word(name)})`).join(", ")}, -sum(t.attention), @now
from ${tables.transactions} t force index (primary)
where t.id in (${ids.map(text).join(", ")}) and t.applied_by = ${callId}
group by t.namespace order by t.namespace`);
	sums = (tables, namespace) => `select ${COUNTED.map((name) => `cast(coalesce(sum(${name}), 0) as signed) as ${name}`).join(", ")} from ${tables.counters}${namespace === void 0 ? "" : ` where namespace = ${namespace}`}`;
}));
// packages/store-mysql/src/schema.ts
async function prepareSchema(run, tables) {
	try {
		let versions = {
			found: await readVersion(run, tables),
			current: 1
		};
		if (versions.found < 1) versions = await migrateInTurn(run, tables);
		await run(...privilegeProbes(tables));
		return versions;
	} catch (thrown) {
		throw LACKING.has(errnoOf(thrown) ?? 0) ? missingPrivilege(thrown) : thrown;
	}
}
function privilegeProbes(tables) {
	const changed = [
		[tables.transactions, "version"],
		[tables.entries, "position"],
		[tables.counters, "last_at"],
		[tables.sessions, "heartbeat_at"],
		[tables.keyValues, "version"],
		[tables.marks, "n"]
	];
	const deleted = [
		tables.transactions,
		tables.entries,
		tables.sessions,
		tables.keyValues
	];
	return [...changed.flatMap(([table, column]) => [`insert into ${table} select * from ${table} where false`, `update ${table} set ${column} = ${column} where false`]), ...deleted.map((table) => `delete from ${table} where false`)];
}
async function migrateInTurn(run, tables) {
	const lock = `left(concat('holdfast ', sha1(concat(database(), ' ', ${text(tables.schemaVersion)}))), 64)`;
	const [locked] = await run(`select get_lock(${lock}, ${LOCK_WAIT_S}) as locked`);
	if (Number(locked?.rows[0]?.["locked"]) !== 1) throw new StoreError("unavailable", "another node has been preparing the tables for a minute");
	try {
		return await migrate(run, tables);
	} finally {
		await run(`do release_lock(${lock})`);
	}
}
async function readVersion(run, tables) {
	const [there] = await run(`select 1 from information_schema.tables where table_schema = database() and table_name = ${text(tables.schemaVersion)}`);
	if (there?.rows.length === 0) return 0;
	const [answer] = await run(`select max(version) as version from ${tables.schemaVersion}`);
	const found = Number(answer?.rows[0]?.["version"] ?? 0);
	if (found > 1) throw new StoreError("unsupported_format", `the tables ${tables.schemaVersion} … have version ${found}; this Holdfast knows up to 1: use the version that made them, or a newer one`);
	return found;
}
async function migrate(run, tables) {
	await run(`create table if not exists ${tables.schemaVersion} (version int not null, primary key (version)) ${TABLE}`);
	const found = await readVersion(run, tables);
	for (let version = found; version < 1; version++) {
		for (const statement of MIGRATIONS[version]?.(tables) ?? []) await run(statement);
		await run(`insert into ${tables.schemaVersion} (version) values (${version + 1})`);
	}
	return {
		found,
		current: 1
	};
}
var LOCK_WAIT_S, tablesOf, byKey, TABLE, MIGRATIONS, LACKING, missingPrivilege;
var init_schema = __esmMin((() => {
	init_src$4();
	init_errors();
	init_sql();
	LOCK_WAIT_S = 60;
	tablesOf = (prefix) => ({
		transactions: `${prefix}transactions`,
		entries: `${prefix}entries`,
		counters: `${prefix}counters`,
		sessions: `${prefix}sessions`,
		keyValues: `${prefix}key_values`,
		marks: `${prefix}marks`,
		schemaVersion: `${prefix}schema_version`
	});
	byKey = ({ transactions }, ids) => `straight_join ${transactions} t force index (primary) on t.id = ${ids}.id`;
	TABLE = "engine = InnoDB row_format = dynamic default character set binary";
	MIGRATIONS = [(tables) => [
		`create table if not exists ${tables.transactions} (
      id               varbinary(640) not null,
      namespace        varbinary(256) not null,
      version          bigint not null,
      created_at       bigint not null,
      updated_at       bigint not null,
      place            varbinary(1040) not null,
      at               bigint not null,
      claims           int not null,
      entry_count      int not null,
      attention        tinyint not null,
      before_attention tinyint not null,
      status           varbinary(16) not null,
      before_status    varbinary(16) not null,
      pattern          varbinary(16) not null,
      app_group        varbinary(512) not null,
      write_id         varbinary(512) not null,
      applied_by       bigint not null,
      definition       mediumblob not null,
      state            mediumblob not null,
      primary key (id),
      key place (place, at),
      key created (namespace, created_at)
    ) ${TABLE}`,
		`create table if not exists ${tables.entries} (
      id        varbinary(640) not null,
      entry_key varbinary(1536) not null,
      position  int not null,
      body      mediumblob not null,
      primary key (id, entry_key)
    ) ${TABLE}`,
		`create table if not exists ${tables.counters} (
      namespace varbinary(256) not null,
      slot      int not null,
      prepared  bigint not null,
      submitted bigint not null,
      aborting  bigint not null,
      succeed   bigint not null,
      failed    bigint not null,
      attention bigint not null,
      last_at   bigint not null,
      primary key (namespace, slot)
    ) ${TABLE}`,
		`create table if not exists ${tables.sessions} (
      session      varbinary(1024) not null,
      node         blob not null,
      version      blob not null,
      started_at   bigint not null,
      heartbeat_at bigint not null,
      ended_at     bigint,
      ended_by     bigint,
      primary key (session),
      key ended (ended_at)
    ) ${TABLE}`,
		`create table if not exists ${tables.keyValues} (
      namespace  varbinary(256) not null,
      category   varbinary(256) not null,
      name       varbinary(1024) not null,
      value      mediumblob not null,
      version    bigint not null,
      created_at bigint not null,
      updated_at bigint not null,
      primary key (namespace, category, name)
    ) ${TABLE}`,
		`create table if not exists ${tables.marks} (
      id tinyint not null,
      n  bigint not null,
      primary key (id)
    ) ${TABLE}`
	]];
	LACKING = new Set([
		1044,
		1142,
		1143,
		1227
	]);
	missingPrivilege = (cause) => new StoreError("unavailable", `${textOf$2(cause)}: grant SELECT, INSERT, UPDATE and DELETE on the tables of the store to this user, and create them with "holdfast migrate" as a user who also has CREATE`, cause);
}));
// packages/store-mysql/src/unreadable.ts
async function readable(ids, read) {
	if (ids.length === 0) return {
		found: [],
		unreadable: NONE$1
	};
	try {
		return {
			found: await read(ids),
			unreadable: NONE$1
		};
	} catch (thrown) {
		if (!isUnreadable(thrown)) throw thrown;
		const [id] = ids;
		if (id !== void 0 && ids.length === 1) return {
			found: [],
			unreadable: new Map([[id, thrown.message]])
		};
	}
	const half = ids.length >> 1;
	const first = await readable(ids.slice(0, half), read);
	const second = await readable(ids.slice(half), read);
	return {
		found: [...first.found, ...second.found],
		unreadable: new Map([...first.unreadable, ...second.unreadable])
	};
}
var NONE$1, isUnreadable, unreadableHead;
var init_unreadable = __esmMin((() => {
	init_src$4();
	init_errors();
	init_rows();
	NONE$1 = new Map();
	isUnreadable = (thrown) => thrown instanceof StoreError && mayBeUnreadable(thrown.cause);
	unreadableHead = (id, why) => ({
		key: keyOf$1(id),
		pattern: "saga",
		status: "submitted",
		group: "",
		version: 0,
		writeId: "",
		owner: null,
		claims: 0,
		dueAtMs: null,
		attention: false,
		createdAtMs: 0,
		updatedAtMs: 0,
		finishedAtMs: null,
		entryCount: 0,
		unreadable: `the database cannot read it: ${why}`,
		withoutBodies: true
	});
}));
// packages/store-mysql/src/read.ts
function recordsOf([records, entries]) {
	const byId = grouped(entries?.rows ?? []);
	return (records?.rows ?? []).map((row) => {
		const head = headOf(row);
		const id = idOf(head.key);
		const own = (byId.get(id) ?? []).filter((entry) => Number(entry["position"]) <= head.entryCount).map(entryOf$1);
		return withEntriesCounted(storedTransaction(head, body(row["definition"]), body(row["state"]), own), head.entryCount);
	});
}
function grouped(rows) {
	const byId = new Map();
	for (const row of rows) {
		const id = string(row["id"]);
		const list = byId.get(id);
		if (list === void 0) byId.set(id, [row]);
		else list.push(row);
	}
	return byId;
}
async function find$1(connection, tables, ids, readSome) {
	const { found, unreadable } = await readable([...new Set(ids)], readSome);
	const byId = new Map(found.map((record) => [idOf(record.key), record]));
	if (unreadable.size === 0) return byId;
	const heads = await readable([...unreadable.keys()], async (some) => {
		const statement = `select ${HEAD} from ${idsTable(some)} ${byKey(tables, "k")}`;
		const [answer] = await connection.call({
			statements: [statement],
			changes: false
		});
		return (answer?.rows ?? []).map(headOf);
	});
	for (const head of heads.found) {
		const why = `the database cannot read its bodies: ${unreadable.get(idOf(head.key)) ?? ""}`;
		byId.set(idOf(head.key), withoutBodies({
			...head,
			unreadable: why,
			withoutBodies: true
		}));
	}
	for (const [id, why] of heads.unreadable) byId.set(id, withoutBodies(unreadableHead(id, why)));
	return byId;
}
async function readSummaries(connection, tables, keys) {
	if (keys.length === 0) return [];
	const ids = keys.map(idOf);
	const found = await find$1(connection, tables, ids, async (some) => {
		const statement = `select ${HEAD}, t.state from ${idsTable(some)} ${byKey(tables, "k")}`;
		const [answer] = await connection.call({
			statements: [statement],
			changes: false
		});
		return (answer?.rows ?? []).map((row) => storedTransaction(headOf(row), NO_BODY, body(row["state"]), []));
	});
	return ids.map((id) => found.get(id));
}
async function sizes(connection, tables, keys, summary) {
	const ids = keys.map(idOf);
	const size = summary ? "length(t.state)" : bodyBytes(tables);
	const { found } = await readable(ids, async (some) => {
		const statement = `select t.id, ${size} as bytes from ${idsTable(some)} ${byKey(tables, "k")}`;
		const [answer] = await connection.call({
			statements: [statement],
			changes: false
		});
		return answer?.rows ?? [];
	});
	const bytes = new Map(found.map((row) => [string(row["id"]), Number(row["bytes"])]));
	return ids.map((id) => bytes.get(id) ?? 0);
}
async function read$1(connection, tables, keys) {
	if (keys.length === 0) return [];
	const ids = keys.map(idOf);
	const call = (wanted) => find$1(connection, tables, wanted, async (some) => recordsOf(await connection.call({
		statements: recordStatements(tables, some),
		changes: false
	})));
	const found = await call(ids);
	const doubtful = ids.filter((id) => found.get(id)?.damaged === true);
	if (doubtful.length === 0) return ids.map((id) => found.get(id));
	const again = await call(doubtful);
	for (const id of doubtful) found.delete(id);
	return ids.map((id) => again.get(id) ?? found.get(id));
}
async function versions$1(connection, tables, keys) {
	if (keys.length === 0) return [];
	const ids = keys.map(idOf);
	const { found, unreadable } = await readable(ids, async (some) => {
		const statement = `select t.id, t.version from ${idsTable(some)} ${byKey(tables, "k")}`;
		const [answer] = await connection.call({
			statements: [statement],
			changes: false
		});
		return answer?.rows ?? [];
	});
	const byId = new Map(found.map((row) => [string(row["id"]), Number(row["version"])]));
	return ids.map((id) => byId.get(id) ?? (unreadable.has(id) ? 0 : void 0));
}
var idsTable, recordStatements, NO_BODY, withoutBodies, bodyBytes;
var init_read$2 = __esmMin((() => {
	init_src$4();
	init_rows();
	init_schema();
	init_sql();
	init_unreadable();
	idsTable = (ids) => tableOf("k", ["id"], [...new Set(ids)].map((id) => [text(id)]));
	recordStatements = (tables, ids) => [`select ${HEAD}, t.definition, t.state from ${idsTable(ids)} ${byKey(tables, "k")}`, `select e.id, e.entry_key, e.position, e.body from ${idsTable(ids)} straight_join ${tables.entries} e force index (primary) on e.id = k.id order by e.id, e.position`];
	NO_BODY = Buffer.alloc(0);
	withoutBodies = (head) => storedTransaction(head, NO_BODY, NO_BODY, []);
	bodyBytes = ({ entries }) => `length(t.definition) + length(t.state) + if(t.entry_count = 0, 0, (select coalesce(sum(length(e.body)), 0) from ${entries} e where e.id = t.id))`;
}));
// packages/store-mysql/src/moves.ts
function remove(tables, found, callId) {
	const ids = found.map(({ id }) => id);
	const marked = `(select t.id from ${idsTable(ids)} ${byKey(tables, "k")} and t.applied_by = ${callId} for update skip locked) as marked`;
	return [
		`update ${free(tables, found)} set t.applied_by = ${callId}`,
		uncounted(tables, ids, callId),
		`delete e from ${marked} straight_join ${tables.entries} e force index (primary) on e.id = marked.id`,
		`delete t from ${marked} ${byKey(tables, "marked")}`
	];
}
var foundOf, READABLE, findSized, find, findIds, amongIds, nextPlace, byVersion, free, claim, makeDue$1;
var init_moves = __esmMin((() => {
	init_src$5();
	init_counters();
	init_read$2();
	init_rows();
	init_schema();
	init_sql();
	foundOf = (row) => ({
		id: string(row["id"]),
		version: Number(row["version"]),
		atMs: Number(row["at"]),
		bytes: Number(row["bytes"] ?? 0)
	});
	READABLE = `t.status in (${STATUSES.map(word).join(", ")}) and t.pattern in (${PATTERNS.map(word).join(", ")})`;
	findSized = (tables, place, limit, except) => `select t.id, t.version, t.at, ${bodyBytes(tables)} as bytes from ${tables.transactions} t force index (place)
where t.place = ${text(place)} and ${READABLE}${except.length === 0 ? "" : ` and t.id not in (${except.map(text).join(", ")})`}
order by t.at limit ${number(limit)}`;
	find = (tables, place, limit, condition = "") => `select t.id, t.version, t.at from ${tables.transactions} t force index (place)
where t.place = ${text(place)}${condition} order by t.at limit ${number(limit)}`;
	findIds = (tables, place, limit) => `select t.id, t.at from ${tables.transactions} t force index (place)
where t.place = ${text(place)} order by t.at limit ${number(limit)}`;
	amongIds = (tables, ids, condition, sized) => `select t.id, t.version, t.at${sized ? `, ${bodyBytes(tables)} as bytes` : ""} from ${idsTable(ids)} ${byKey(tables, "k")}
where true${condition}`;
	nextPlace = (tables, behind, kind) => `select t.place from ${tables.transactions} t force index (place)
where t.place > ${text(behind)} and t.place < ${text(String.fromCharCode(kind.charCodeAt(0) + 1))} order by t.place limit 1`;
	byVersion = (found) => tableOf("u", ["id", "version"], [...found].sort((a, b) => a.id < b.id ? -1 : 1).map(({ id, version }) => [text(id), number(version)]));
	free = (tables, found) => `(select t.id from ${byVersion(found)} ${byKey(tables, "u")} and t.version = u.version for update skip locked) as free
${byKey(tables, "free")}`;
	claim = (tables, found, session, callId) => [
		`set @alive = (select count(*) from ${tables.sessions} where session = ${text(session)} and ended_at is null)`,
		`update ${free(tables, found)} and left(t.place, 1) = '${PLACES.due}' and @alive = 1
set t.place = ${text(`${PLACES.owned}${session}`)}, t.at = 0, t.claims = t.claims + 1, t.version = t.version + 1,
  t.updated_at = @now, t.applied_by = ${callId}`,
		`select t.id from ${idsTable(found.map(({ id }) => id))} ${byKey(tables, "k")} and t.applied_by = ${callId}`
	];
	makeDue$1 = (tables, found, callId) => `update ${free(tables, found)}
set t.place = concat('${PLACES.due}', t.app_group), t.at = @now, t.version = t.version + 1, t.updated_at = @now, t.applied_by = ${callId}`;
}));
// packages/store-mysql/src/search.ts
async function searchAt({ connection, tables, clock }, wanted) {
	const { place, limit, condition } = wanted;
	try {
		const statements = [clock.set(), find(tables, place, limit, condition)];
		const [, answer] = await connection.call({
			changes: false,
			statements
		});
		return (answer?.rows ?? []).map(foundOf);
	} catch (thrown) {
		if (!isUnreadable(thrown)) throw thrown;
		return searchByIds({
			connection,
			tables,
			clock
		}, wanted, false);
	}
}
async function searchByIds({ connection, tables, clock }, { place, limit, condition = "" }, sized, except = new Set()) {
	const [all] = await connection.call({
		changes: false,
		statements: [findIds(tables, place, EXAMINED)]
	});
	const ids = (all?.rows ?? []).map((row) => string(row["id"])).filter((id) => !except.has(id));
	const found = [];
	for (let from = 0; from < ids.length && found.length < limit; from += CHUNK$1) {
		const some = await readable(ids.slice(from, from + CHUNK$1), async (chunk) => {
			const statements = [clock.set(), amongIds(tables, chunk, condition, sized)];
			const [, answer] = await connection.call({
				changes: false,
				statements
			});
			return (answer?.rows ?? []).map(foundOf);
		});
		found.push(...some.found);
	}
	return found.sort((a, b) => a.atMs - b.atMs).slice(0, limit);
}
var EXAMINED, CHUNK$1, searchSizedByIds;
var init_search = __esmMin((() => {
	init_moves();
	init_rows();
	init_unreadable();
	EXAMINED = 2e3;
	CHUNK$1 = 200;
	searchSizedByIds = (where, place, limit, except) => searchByIds(where, {
		place,
		limit,
		condition: ` and ${READABLE}`
	}, true, except);
}));
// packages/store-mysql/src/appends.ts
async function planAppends(connection, tables, items) {
	const wanted = items.flatMap((item) => item.entries.map(({ key }) => [text(idOf(item.key)), text(key)]));
	const bounded = items.flatMap(({ key, maxBytes }) => maxBytes === void 0 ? [] : [idOf(key)]);
	const [heads, entries, sums] = await connection.call({
		changes: false,
		statements: [
			`select ${HEAD} from ${idsTable(items.map(({ key }) => idOf(key)))} ${byKey(tables, "k")}`,
			`select e.id, e.entry_key, e.position, e.body from ${tableOf("w", ["id", "entry_key"], wanted)}
straight_join ${tables.entries} e force index (primary) on e.id = w.id and e.entry_key = w.entry_key`,
			...bounded.length === 0 ? [] : [entryBytes(tables, bounded)]
		]
	});
	const headsById = new Map((heads?.rows ?? []).map((row) => [string(row["id"]), headOf(row)]));
	const entriesById = grouped(entries?.rows ?? []);
	const bytesById = new Map((sums?.rows ?? []).map((row) => [string(row["id"]), Number(row["bytes"])]));
	return items.map((item) => {
		const id = idOf(item.key);
		const head = headsById.get(id);
		const existing = existingOf(item, head, entriesById.get(id) ?? []);
		const refused = appendRefused(item, head, existing, () => bytesById.get(id) ?? 0);
		if (refused !== void 0 || head === void 0) return refused ?? { kind: "missing" };
		const there = new Set(existing.map(({ key }) => key));
		return {
			item,
			head,
			existing,
			added: item.entries.filter(({ key }) => !there.has(key))
		};
	});
}
function existingOf(item, head, rows) {
	const there = new Map(rows.filter((row) => Number(row["position"]) <= (head?.entryCount ?? 0)).map((row) => [string(row["entry_key"]), entryOf$1(row)]));
	return item.entries.flatMap(({ key }) => there.get(key) ?? []);
}
var entryBytes;
var init_appends = __esmMin((() => {
	init_src$4();
	init_rows();
	init_schema();
	init_read$2();
	init_sql();
	entryBytes = (tables, ids) => `select e.id, sum(length(e.body)) as bytes from ${idsTable(ids)}
straight_join ${tables.entries} e force index (primary) on e.id = k.id group by e.id`;
}));
// packages/store-mysql/src/batch.ts
function callOf(tables, { settings, appends }, set, callId) {
	const statements = [set];
	if (settings.length > 0) statements.push(apply(tables, settings, callId));
	if (appends.length > 0) {
		const ids = appends.map(({ item }) => idOf(item.key));
		statements.push(append(tables, appends, callId), enter(tables, appends, callId));
		statements.push(`select t.id from ${idsTable(ids)} ${byKey(tables, "k")} and t.applied_by = ${callId}`);
	}
	if (settings.length > 0) statements.push(counted(tables, settings));
	const provided = {
		at: APPLIED,
		changed: changedByAll(settings)
	};
	return {
		statements,
		changes: true,
		...settings.length > 0 && { provided }
	};
}
function batchAnswerOf({ settings, appends }, answers) {
	const applied = settings.length === 0 || answers[APPLIED]?.changed === changedByAll(settings);
	const appended = applied && appends.length > 0 ? answers.at(settings.length > 0 ? -2 : -1)?.rows ?? [] : [];
	return {
		applied,
		appended: new Set(appended.map((row) => string(row["id"]))),
		nowMs: Math.max(...answers.map(({ told }) => told))
	};
}
function counted(tables, settings) {
	const changes = new Changes();
	for (const { item, before } of settings) changes.add(item.key.namespace, item, before);
	return changes.counted(tables);
}
function apply(tables, settings, callId) {
	const ifApplied = (column, value = `values(${column})`) => `${column} = if(applied_by = ${callId}, ${value}, ${column})`;
	const { due: waiting, finished } = PLACES;
	return `insert into ${tables.transactions} (${COLUMNS$1.join(", ")})
values ${settings.map(rowOf).join(", ")}
on duplicate key update
  applied_by = if(version = -values(version) and status = values(before_status) and attention = values(before_attention)
    and (place <> '${finished}' or values(place) = '${finished}') and pattern in (${PATTERNS.map(word).join(", ")}), ${callId}, applied_by),
  ${ifApplied("at", `if(place = '${finished}', at, values(at))`)},
  ${ifApplied("place", `if(values(place) = '${waiting}', concat('${waiting}', app_group), values(place))`)},
  ${[
		"status",
		"attention",
		"claims",
		"updated_at",
		"write_id",
		"state"
	].map((column) => ifApplied(column)).join(", ")},
  ${ifApplied("version", "version + 1")}`;
}
function rowOf({ id, item, before }) {
	const place = placeOf(item);
	const at = place === PLACES.finished ? "@now" : place === PLACES.due ? due(number(item.dueInMs ?? 0)) : "0";
	const claims = place.startsWith(PLACES.owned) ? 1 : 0;
	const attention = item.attention ? 1 : 0;
	const writeId = text(item.writeId);
	if (before !== void 0) {
		const attended = before.attention ? 1 : 0;
		return `(${text(id)}, '', ${number(-item.expectVersion)}, 0, @now, ${text(place)}, ${at}, ${claims}, 0, ${attention}, ${attended}, ${word(item.status)}, ${word(before.status)}, '', '', ${writeId}, 0, '', ${bytes(item.state)})`;
	}
	const where = text(place === PLACES.due ? `${place}${item.group}` : place);
	return `(${text(id)}, ${text(item.key.namespace)}, 1, @now, @now, ${where}, ${at}, ${claims}, 0, ${attention}, 0, ${word(item.status)}, '', ${word(item.pattern)}, ${text(item.group)}, ${writeId}, 0, ${bytes(item.definition)}, ${bytes(item.state)})`;
}
function append(tables, appends, callId) {
	return `update ${tableOf("u", [
		"id",
		"version",
		"added",
		"postpone"
	], appends.map(({ item, head, added }) => [
		text(idOf(item.key)),
		number(head.version),
		number(added.length),
		item.postponeMs === void 0 ? "null" : number(item.postponeMs)
	]))}
${byKey(tables, "u")} and t.version = u.version
set t.at = if(left(t.place, 1) = '${PLACES.due}' and u.postpone is not null, ${due("u.postpone")}, t.at),
  t.version = t.version + 1, t.updated_at = ${TELL_NOW}, t.entry_count = t.entry_count + u.added, t.applied_by = ${callId}`;
}
function enter(tables, appends, callId) {
	const rows = appends.flatMap(({ item, head, added }) => added.map((entry, i) => [
		text(idOf(item.key)),
		text(entry.key),
		number(head.entryCount + i + 1),
		bytes(entry.body)
	]));
	return `insert into ${tables.entries} (id, entry_key, position, body)
select e.id, e.entry_key, e.position, e.body from ${tableOf("e", [
		"id",
		"entry_key",
		"position",
		"body"
	], rows)}
${byKey(tables, "e")} and t.applied_by = ${callId}`;
}
var due, APPLIED, changedByAll, COLUMNS$1;
var init_batch$1 = __esmMin((() => {
	init_src$5();
	init_counters();
	init_read$2();
	init_rows();
	init_schema();
	init_sql();
	init_store_clock$1();
	due = (dueInMs) => `greatest(0, @now + ${dueInMs})`;
	APPLIED = 1;
	changedByAll = (settings) => settings.reduce((sum, { before }) => sum + (before === void 0 ? 1 : 2), 0);
	COLUMNS$1 = [
		...[
			"id",
			"namespace",
			"version",
			"created_at",
			"updated_at",
			"place",
			"at",
			"claims",
			"entry_count"
		],
		...[
			"attention",
			"before_attention",
			"status",
			"before_status",
			"pattern",
			"app_group",
			"write_id",
			"applied_by"
		],
		...["definition", "state"]
	];
}));
// packages/store-mysql/src/locked-records.ts
var MOST$1, BLOCKED, LockedRecords;
var init_locked_records = __esmMin((() => {
	init_read$2();
	init_rows();
	init_schema();
	MOST$1 = 1e4;
	BLOCKED = {
		kind: "blocked",
		why: "another client of the database has the record locked: information_schema.innodb_trx shows which"
	};
	LockedRecords = class {
		#connection;
		#tables;
		#known = new Set();
		constructor(connection, tables) {
			this.#connection = connection;
			this.#tables = tables;
		}
		async leaveOutKnown(items, outcomes) {
			if (this.#known.size === 0) return;
			const suspects = items.filter(({ id }) => this.#known.has(id));
			if (suspects.length > 0) await this.leaveOut(suspects, outcomes);
		}
		async leaveOut(items, outcomes) {
			const records = `select t.id from ${idsTable(items.map(({ id }) => id))} ${byKey(this.#tables, "k")}`;
			const answers = await this.#connection.call({
				changes: true,
				statements: [`${records} for update skip locked`, records]
			});
			const [, dirty] = await this.#connection.call({
				changes: false,
				statements: ["set transaction isolation level read uncommitted", records]
			});
			const idsOf = (answer) => (answer?.rows ?? []).map((row) => string(row["id"]));
			const free = new Set(idsOf(answers[0]));
			const stored = new Set([...idsOf(answers[1]), ...idsOf(dirty)]);
			let found = false;
			for (const { id, at } of items) {
				if (!stored.has(id) || free.has(id)) {
					this.#known.delete(id);
					continue;
				}
				found = true;
				outcomes[at] = BLOCKED;
				if (this.#known.size < MOST$1) this.#known.add(id);
			}
			return found;
		}
	};
}));
// packages/store-mysql/src/write.ts
function outcomeOf(item, head) {
	if (item.kind === "update") return updateRefused(item, head);
	return head === void 0 ? void 0 : insertOverExisting(item, head);
}
var ROUNDS, MOST_REFUSED, WARY_BATCHES, newCallId, Writer, isOfOneRecord, isAppend, isSetting;
var init_write$1 = __esmMin((() => {
	init_src$4();
	init_appends();
	init_batch$1();
	init_errors();
	init_locked_records();
	init_read$2();
	init_rows();
	init_schema();
	ROUNDS = 10;
	MOST_REFUSED = 1e4;
	WARY_BATCHES = 16;
	newCallId = () => {
		const hex = randomUUID().replaceAll("-", "");
		return String(BigInt(`0x${hex.slice(0, 12)}${hex.slice(13, 16)}`));
	};
	Writer = class {
		#place;
		#locked;
		#refused = new Set();
		#wary = 0;
		constructor(place) {
			this.#place = place;
			this.#locked = new LockedRecords(place.connection, place.tables);
		}
		async write(batch) {
			const progress = {
				outcomes: batch.map(() => void 0),
				seen: new Map(),
				wrote: false,
				readOnly: false
			};
			const items = batch.map((item, at) => ({
				id: idOf(item.key),
				item,
				at
			})).sort((a, b) => a.id < b.id ? -1 : 1);
			try {
				if (this.#wary > 0) {
					this.#wary--;
					await this.#examine(items.filter(isSetting), progress);
				}
				await this.#locked.leaveOutKnown(items, progress.outcomes);
				const isSuspect = ({ id }) => this.#refused.has(id);
				await this.#writeTogether(this.#refused.size === 0 ? items : items.filter((each) => !isSuspect(each)), progress);
				if (this.#refused.size > 0) await this.#writeEach(items.filter(isSuspect), progress);
				if (progress.readOnly) await this.#sync();
			} catch (thrown) {
				if (!progress.wrote || !(thrown instanceof StoreError)) throw thrown;
				throw new StoreError("outcome_unknown", `a part of the batch was written: ${thrown.message}`, thrown);
			}
			return progress.outcomes;
		}
		async #writeTogether(items, progress) {
			try {
				return await this.#writeAll(items, progress);
			} catch (thrown) {
				if (items.length === 1 || !isOfOneRecord(thrown)) throw thrown;
				await this.#writeEach(items, progress);
				if (progress.outcomes.every((outcome) => outcome?.kind === "blocked")) throw thrown;
			}
		}
		async #writeEach(items, progress) {
			for (const each of items) try {
				await this.#writeAll([each], progress);
				this.#refused.delete(each.id);
			} catch (thrown) {
				if (!isOfOneRecord(thrown)) throw thrown;
				if (this.#refused.size < MOST_REFUSED) this.#refused.add(each.id);
				progress.outcomes[each.at] = {
					kind: "blocked",
					why: thrown.message
				};
			}
		}
		async #writeAll(items, progress) {
			const isOpen = ({ at }) => progress.outcomes[at] === void 0;
			for (let round = 1, left = items.filter(isOpen); left.length > 0; round++, left = left.filter(isOpen)) {
				if (round > ROUNDS) throw new StoreError("unavailable", "the same records are changed again and again");
				try {
					await this.#writeOnce(left.filter(isSetting), left.filter(isAppend), progress);
				} catch (thrown) {
					if (!(thrown instanceof StoreError && wasLocked(thrown.cause)) || !await this.#locked.leaveOut(left, progress.outcomes)) throw thrown;
				}
			}
		}
		async #writeOnce(items, appendItems, progress) {
			const { connection, tables, clock, standings } = this.#place;
			const { outcomes } = progress;
			const appends = await this.#plan(appendItems, progress);
			const settings = items.map(({ id, item }) => item.kind === "insert" ? {
				id,
				item
			} : {
				id,
				item,
				before: progress.seen.get(id) ?? standings.of(id)
			});
			if (settings.length + appends.length === 0) return;
			const batch = {
				settings,
				appends: appends.map(({ append }) => append)
			};
			const { applied: applied$1, appended, nowMs } = batchAnswerOf(batch, await connection.call(callOf(tables, batch, clock.set(), newCallId())));
			clock.seen(nowMs);
			progress.wrote ||= applied$1;
			for (const { id, at, append } of appends) if (appended.has(id)) outcomes[at] = applied(append.head.version + 1, append.existing);
			if (!applied$1) {
				this.#wary = WARY_BATCHES;
				return this.#examine(items, progress);
			}
			for (const { id, item, at } of items) {
				standings.note(id, item);
				outcomes[at] = applied(item.kind === "update" ? item.expectVersion + 1 : 1);
			}
		}
		async #plan(items, progress) {
			if (items.length === 0) return [];
			const { connection, tables } = this.#place;
			const plans = await planAppends(connection, tables, items.map(({ item }) => item));
			const planned = [];
			for (const [i, { id, at }] of items.entries()) {
				const plan = plans[i];
				if (plan === void 0) continue;
				if ("kind" in plan) {
					progress.outcomes[at] = plan;
					progress.readOnly ||= plan.kind === "applied";
				} else planned.push({
					id,
					at,
					append: plan
				});
			}
			return planned;
		}
		async #examine(items, progress) {
			if (items.length === 0) return;
			const { connection, tables } = this.#place;
			const statement = `select ${HEAD} from ${idsTable(items.map(({ id }) => id))} ${byKey(tables, "k")}`;
			const [answer] = await connection.call({
				statements: [statement],
				changes: false
			});
			const heads = new Map((answer?.rows ?? []).map((row) => [string(row["id"]), headOf(row)]));
			for (const { id, item, at } of items) {
				const head = heads.get(id);
				if (head !== void 0) progress.seen.set(id, head);
				const outcome = outcomeOf(item, head);
				progress.outcomes[at] = outcome;
				progress.readOnly ||= outcome?.kind === "applied";
			}
		}
		async #sync() {
			const { connection, tables } = this.#place;
			const statement = `insert into ${tables.marks} (id, n) values (1, 1) on duplicate key update n = ${tables.marks}.n + 1`;
			await connection.call({
				statements: [statement],
				changes: true
			});
		}
	};
	isOfOneRecord = (thrown) => thrown instanceof StoreError && mayBeOneRecord(thrown.cause);
	isAppend = (numbered) => numbered.item.kind === "append";
	isSetting = (numbered) => !isAppend(numbered);
}));
// packages/store-mysql/src/due.ts
async function claimDue$1(parts, request) {
	const { session, limit, groups } = request;
	const hosted = [...new Set(["", ...groups])];
	const claimed = [];
	const left = new Set();
	const room = new Room(limit, request.maxBytes);
	try {
		for (let look = 1; look <= LOOKS; look++) {
			const wanted = Math.min(room.records, parts.claimPace.records);
			const { nowMs, alive, waiting } = await lookAtDue(parts, session, hosted, wanted, [...left]);
			if (!alive) return {
				claimed: [],
				nextDueInMs: null,
				sessionEnded: true
			};
			const ready = waiting.filter(({ atMs }) => atMs <= nowMs).slice(0, wanted);
			const beyond = ready.findIndex(({ bytes }) => !room.take(bytes));
			const due = beyond < 0 ? ready : ready.slice(0, beyond);
			parts.claimPace.note(due.length, beyond >= 0);
			const taken = due.length === 0 ? [] : await take(parts, session, due);
			claimed.push(...taken);
			if (taken.length < due.length) {
				const ids = new Set(taken.map(({ key }) => idOf(key)));
				for (const { id, bytes } of due) {
					if (ids.has(id)) continue;
					left.add(id);
					room.giveBack(bytes);
				}
				continue;
			}
			if (beyond < 0 && due.length === wanted && room.records > 0) continue;
			const next = waiting[due.length];
			return {
				claimed,
				nextDueInMs: next === void 0 ? null : Math.max(0, next.atMs - nowMs),
				sessionEnded: false
			};
		}
		return {
			claimed,
			nextDueInMs: 0,
			sessionEnded: false
		};
	} catch (thrown) {
		if (claimed.length === 0 || !(thrown instanceof StoreError)) throw thrown;
		throw new StoreError("outcome_unknown", `a part was claimed: ${thrown.message}`, thrown);
	}
}
async function lookAtDue({ work, tables, clock }, session, groups, limit, except) {
	const places = groups.map((group) => `${PLACES.due}${group}`);
	const state = [clock.set(), `select @now as now, count(*) as alive from ${tables.sessions} where session = ${text(session)} and ended_at is null`];
	const look = async (statements) => {
		const [, seen, ...answers] = await work.call({
			changes: false,
			statements: [...state, ...statements]
		});
		return {
			row: seen?.rows[0],
			found: answers.flatMap(({ rows }) => rows.map(foundOf))
		};
	};
	let seen;
	try {
		seen = await look(places.map((place) => findSized(tables, place, limit + 1, except)));
	} catch (thrown) {
		if (!isUnreadable(thrown)) throw thrown;
		seen = await look([]);
		for (const place of places) seen.found.push(...await searchSizedByIds({
			connection: work,
			tables,
			clock
		}, place, limit + 1, new Set(except)));
	}
	const { row, found } = seen;
	const waiting = found.sort((a, b) => a.atMs - b.atMs);
	return {
		nowMs: clock.seen(Number(row?.["now"])),
		alive: Number(row?.["alive"]) === 1,
		waiting
	};
}
async function take({ work, tables, clock, standings }, session, due) {
	const statements = [clock.set(), ...claim(tables, due, session, newCallId())];
	const answers = await work.call({
		changes: true,
		statements
	});
	const taken = new Set((answers.at(-1)?.rows ?? []).map((row) => string(row["id"])));
	const ids = due.flatMap(({ id }) => taken.has(id) ? [id] : []);
	try {
		const claimed = (await read$1(work, tables, ids.map(keyOf$1))).flatMap((record) => record?.owner === session ? [record] : []);
		for (const record of claimed) standings.note(idOf(record.key), record);
		return claimed;
	} catch (thrown) {
		if (ids.length === 0) throw thrown;
		throw new StoreError("outcome_unknown", `${ids.length} transactions were claimed, but could not be read`, thrown);
	}
}
async function makeDueLater(parts, { namespace, laterThanMs, limit }) {
	const condition = ` and t.at > @now + ${number(Math.floor(laterThanMs))} and t.namespace = ${text(namespace)}`;
	return releaseFrom(parts, await placesOf(parts, PLACES.due), limit, condition);
}
async function releaseOrphans(parts, limit) {
	const owned = await placesOf(parts, PLACES.owned);
	const statement = `select session from ${parts.tables.sessions} where ended_at is null`;
	const [answer] = await parts.rest.call({
		statements: [statement],
		changes: false
	});
	const living = new Set((answer?.rows ?? []).map((row) => `${PLACES.owned}${string(row["session"])}`));
	return releaseFrom(parts, owned.filter((place) => !living.has(place)), limit);
}
async function releaseFrom(parts, places, limit, condition) {
	const { rest, tables, clock } = parts;
	let count = 0;
	for (const place of places) {
		const room = limit - count;
		const wanted = {
			place,
			limit: room + 1,
			...condition !== void 0 && { condition }
		};
		const found = await searchAt({
			connection: rest,
			tables,
			clock
		}, wanted);
		count += await release(parts, found.slice(0, room));
		if (found.length > room) return {
			count,
			more: true
		};
	}
	return {
		count,
		more: false
	};
}
async function placesOf({ rest, tables }, kind) {
	const places = [];
	for (let behind = kind, inclusive = kind === PLACES.due;; inclusive = false) {
		const statement = inclusive ? findIds(tables, kind, 1) : nextPlace(tables, behind, kind);
		const [answer] = await rest.call({
			changes: false,
			statements: [statement]
		});
		const [row] = answer?.rows ?? [];
		if (inclusive) {
			if (row !== void 0) places.push(kind);
			continue;
		}
		if (row === void 0) return places;
		behind = string(row["place"]);
		places.push(behind);
	}
}
async function release({ rest, tables, clock }, found) {
	if (found.length === 0) return 0;
	const statements = [clock.set(), makeDue$1(tables, found, newCallId())];
	return (await rest.call({
		changes: true,
		statements
	}))[1]?.changed ?? 0;
}
async function purge({ rest, tables, clock }, { olderThanMs, limit }) {
	const condition = ` and t.at < @now - ${number(Math.floor(olderThanMs))}`;
	const found = await searchAt({
		connection: rest,
		tables,
		clock
	}, {
		place: PLACES.finished,
		limit,
		condition
	});
	if (found.length === 0) return 0;
	return (await rest.call({
		changes: true,
		statements: [clock.set(), ...remove(tables, found, newCallId())]
	})).at(-1)?.changed ?? 0;
}
var LOOKS;
var init_due$2 = __esmMin((() => {
	init_src$4();
	init_moves();
	init_read$2();
	init_rows();
	init_search();
	init_sql();
	init_unreadable();
	init_write$1();
	LOOKS = 20;
}));
// packages/store-mysql/src/durability.ts
function whatACrashMayLose$1(server) {
	const version = String(server["version"]);
	const kind = /mariadb/i.test(version) ? "mariadb" : "mysql";
	const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(version) ?? [];
	if (Number(major) * 1e3 + Number(minor) < OLDEST[kind]) throw new StoreError("unavailable", `the database is ${version}: MariaDB 10.6, MySQL 8.0 and later are supported`);
	if (Number(server["flush_log"]) !== 1) return `innodb_flush_log_at_trx_commit is ${String(server["flush_log"])}: a crash may lose what was acknowledged in the second before it; set it to 1`;
	if (isOff(server["doublewrite"])) return "innodb_doublewrite is off: unless the file system writes pages whole, a crash of the machine may corrupt what is stored; turn it on";
	if (!isOff(server["log_bin"]) && Number(server["sync_binlog"]) !== 1) return `sync_binlog is ${String(server["sync_binlog"])}: after a crash of the machine, replicas may lack what was acknowledged, or have what was not; set it to 1`;
}
var SERVER_SETTINGS, OLDEST, isOff;
var init_durability$1 = __esmMin((() => {
	init_src$4();
	SERVER_SETTINGS = `select version() as version, @@innodb_flush_log_at_trx_commit as flush_log, @@innodb_doublewrite as doublewrite,
  @@log_bin as log_bin, @@sync_binlog as sync_binlog`;
	OLDEST = {
		mariadb: 10006,
		mysql: 8e3
	};
	isOff = (value) => ["0", "OFF"].includes(String(value).toUpperCase());
}));
// packages/store-mysql/src/key-values.ts
var where, COLUMNS, KeyValues$1, keyValueOf$1;
var init_key_values$2 = __esmMin((() => {
	init_src$4();
	init_rows();
	init_sql();
	where = ({ namespace, category, key }) => `namespace = ${text(namespace)} and category = ${text(category)} and name = ${text(key)}`;
	COLUMNS = "namespace, category, name, value, version, created_at, updated_at";
	KeyValues$1 = class {
		#parts;
		constructor(parts) {
			this.#parts = parts;
		}
		async get(id) {
			const { rest, tables } = this.#parts;
			const [answer] = await rest.call({
				statements: [`select ${COLUMNS} from ${tables.keyValues} where ${where(id)}`],
				changes: false
			});
			const [row] = answer?.rows ?? [];
			return row && keyValueOf$1(row);
		}
		async put(id, value, expectVersion) {
			const { rest, tables, clock } = this.#parts;
			const statement = expectVersion === 0 ? `insert into ${tables.keyValues} (${COLUMNS})
values (${text(id.namespace)}, ${text(id.category)}, ${text(id.key)}, ${text(value)}, 1, @now, @now)
on duplicate key update version = ${tables.keyValues}.version` : `update ${tables.keyValues} set value = ${text(value)}, version = version + 1, updated_at = @now where ${where(id)} and version = ${number(expectVersion)}`;
			return ((await rest.call({
				statements: [clock.set(), statement],
				changes: true
			}))[1]?.changed ?? 0) > 0 ? "applied" : "conflict";
		}
		async delete(id, expectVersion) {
			const { rest, tables } = this.#parts;
			const [gone, left] = await rest.call({
				changes: true,
				statements: [`delete from ${tables.keyValues} where ${where(id)} and version = ${number(expectVersion)}`, `select count(*) as n from ${tables.keyValues} where ${where(id)}`]
			});
			if ((gone?.changed ?? 0) > 0) return "applied";
			return Number(left?.rows[0]?.["n"]) > 0 ? "conflict" : "missing";
		}
		async scan(query) {
			const { namespace, category, cursor, limit, maxBytes } = query;
			const after = `${`from ${this.#parts.tables.keyValues} where namespace = ${text(namespace)} and category = ${text(category)}`} and name > ${text(cursor === void 0 ? "" : decodeKeyCursor(cursor))}`;
			const found = await this.#rows(`select name, length(value) as bytes ${after} order by name limit ${number(limit + 1)}`);
			const room = new Room(limit, maxBytes);
			const beyond = found.findIndex((row) => !room.take(Number(row["bytes"])));
			const last = found.at(beyond < 0 ? -1 : beyond - 1);
			if (last === void 0) return {
				items: [],
				next: null
			};
			const key = string(last["name"]);
			const count = beyond < 0 ? found.length : beyond;
			const rows = await this.#rows(`select ${COLUMNS} ${after} and name <= ${text(key)} order by name limit ${number(count)}`);
			const items = rows.map(keyValueOf$1);
			const end = rows.length === count ? items.at(-1)?.key ?? key : key;
			return {
				items,
				next: beyond < 0 && end === key ? null : encodeKeyCursor(end)
			};
		}
		async #rows(statement) {
			const [answer] = await this.#parts.rest.call({
				statements: [statement],
				changes: false
			});
			return answer?.rows ?? [];
		}
	};
	keyValueOf$1 = (row) => ({
		namespace: string(row["namespace"]),
		category: string(row["category"]),
		key: string(row["name"]),
		value: string(row["value"]),
		version: Number(row["version"]),
		createdAtMs: Number(row["created_at"]),
		updatedAtMs: Number(row["updated_at"])
	});
}));
// packages/store-mysql/src/list.ts
async function list$1(parts, query) {
	const { namespace, limit, summary = false } = query;
	const { rest, tables } = parts;
	const readAll = summary ? readSummaries : read$1;
	if (query.cursor !== void 0) decodeListCursor(query.cursor);
	if (query.gid !== void 0) {
		const found = query.cursor === void 0 ? await readAll(rest, tables, [{
			namespace,
			gid: query.gid
		}]) : [];
		return {
			items: passingFilter(found, query),
			next: null
		};
	}
	const most = hasFilter(query) ? Math.max(LOOKED_AT$1, limit + 1) : limit + 1;
	const { looked, found } = await positionsOf(parts, query, most);
	const room = new Room(limit, query.maxBytes);
	const items = [];
	let chosen = 0;
	while (chosen < Math.min(found.length, limit)) {
		const keys = found.slice(chosen, Math.min(chosen + CHUNK, limit)).map((row) => keyOf$1(string(row["id"])));
		const beyond = (await sizes(rest, tables, keys, summary)).findIndex((bytes) => !room.take(bytes));
		const fitting = beyond < 0 ? keys : keys.slice(0, beyond);
		items.push(...passingFilter(await readAll(rest, tables, fitting), query));
		chosen += fitting.length;
		if (beyond >= 0) break;
	}
	const last = chosen < found.length ? found[chosen - 1] : looked.length === most ? looked.at(-1) : void 0;
	return {
		items,
		next: last === void 0 ? null : encodeListCursor(positionOf$1(last))
	};
}
async function positionsOf({ rest, tables }, query, most) {
	const look = async (filtered) => {
		const statement = positions(tables.transactions, query, most, filtered);
		const [answer] = await rest.call({
			statements: [statement],
			changes: false
		});
		return answer?.rows ?? [];
	};
	try {
		const looked = await look(true);
		return {
			looked,
			found: looked.filter((row) => passes(row, query))
		};
	} catch (thrown) {
		if (!isUnreadable(thrown)) throw thrown;
		const looked = await look(false);
		return {
			looked,
			found: looked
		};
	}
}
function positions(transactions, query, most, filtered) {
	const { namespace, cursor, createdFromMs = 0, createdToMs = LAST_MS$1 } = query;
	const below = cursor === void 0 ? void 0 : decodeListCursor(cursor);
	const to = Math.min(Math.floor(createdToMs), below?.createdAtMs ?? LAST_MS$1, LAST_MS$1);
	const behind = below === void 0 ? "" : ` and (created_at < ${number(below.createdAtMs)} or id < ${text(`${namespace}\0${below.gid}`)})`;
	return `select id, created_at${filtered ? ", status, pattern, attention" : ""} from ${transactions} force index (created)
where namespace = ${text(namespace)} and created_at between ${number(Math.max(0, createdFromMs))} and ${number(to)}${behind}
order by created_at desc, id desc limit ${number(most)}`;
}
var LOOKED_AT$1, LAST_MS$1, CHUNK, hasFilter, passes, positionOf$1;
var init_list$1 = __esmMin((() => {
	init_src$4();
	init_read$2();
	init_rows();
	init_sql();
	init_unreadable();
	LOOKED_AT$1 = 2e3;
	LAST_MS$1 = 0x5af3107a4000;
	CHUNK = 200;
	hasFilter = ({ status, pattern, attention }) => status !== void 0 || pattern !== void 0 || attention !== void 0;
	passes = (row, { status, pattern, attention }) => (status === void 0 || string(row["status"]) === status) && (pattern === void 0 || string(row["pattern"]) === pattern) && (attention === void 0 || Number(row["attention"]) === 1 === attention);
	positionOf$1 = (row) => ({
		createdAtMs: Number(row["created_at"]),
		gid: keyOf$1(string(row["id"])).gid
	});
}));
// packages/store-mysql/src/options.ts
function settingsOf$1(options) {
	const url = readUrl(options.url);
	const prefix = options.prefix ?? url.searchParams.get("prefix") ?? DEFAULT_PREFIX;
	if (!PREFIX$1.test(prefix)) throw invalid$1(`the table prefix ${JSON.stringify(prefix)} cannot be used: 1 to 40 of a to z, 0 to 9 and _, not beginning with a digit`);
	const database = decodeUrlPart(url.pathname.slice(1));
	if (database === "" || database.includes("/")) throw invalid$1(`the store URL names no database; it looks like ${EXAMPLE$1}`);
	const host = url.hostname.replace(/^\[(.*)\]$/, "$1") || "localhost";
	const port = url.port === "" ? DEFAULT_PORT$1 : Number(url.port);
	const socketPath = url.searchParams.get("socketPath");
	const ssl = sslOf(url.searchParams.get("ssl"), host);
	return {
		client: {
			...socketPath === null ? {
				host,
				port
			} : { socketPath },
			user: decodeUrlPart(url.username),
			password: decodeUrlPart(url.password),
			database,
			...ssl !== void 0 && { ssl },
			connectTimeout: checkedTimeout("connectTimeoutMs", options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS),
			enableKeepAlive: true,
			keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
			multipleStatements: true,
			queryFormat: (sql) => sql,
			charset: "BINARY",
			flags: ["-FOUND_ROWS"]
		},
		place: socketPath === null ? `${url.host}/${database}` : `${socketPath}/${database}`,
		prefix,
		statementTimeoutMs: checkedTimeout("statementTimeoutMs", options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS),
		onWarning: (text) => callHook(() => options.onWarning?.(text)),
		wallMs: options.wallMs,
		monotonicMs: options.monotonicMs ?? performance.now.bind(performance)
	};
}
function readUrl(text) {
	const url = readStoreUrl(text, ["mysql:", "mariadb:"], EXAMPLE$1);
	for (const name of url.searchParams.keys()) if (!PARAMETERS.includes(name)) throw invalid$1(`the store URL has the parameter ${JSON.stringify(name)}; known are ${PARAMETERS.join(", ")}`);
	return url;
}
function sslOf(text, host) {
	if (text === null || text === "false") return void 0;
	const verifyIdentity = isIP(host) === 0;
	if (text === "true") return { verifyIdentity };
	try {
		const options = JSON.parse(text);
		if (typeof options === "object" && options !== null && !Array.isArray(options)) return {
			verifyIdentity,
			...options
		};
	} catch {}
	throw invalid$1("the parameter ssl of the store URL is true, false or a JSON object, such as {\"ca\":\"…\"}");
}
var DEFAULT_PREFIX, DEFAULT_PORT$1, CONNECT_TIMEOUT_MS, STATEMENT_TIMEOUT_MS, KEEP_ALIVE_DELAY_MS, PARAMETERS, PREFIX$1, invalid$1, forSessions$1, EXAMPLE$1;
var init_options$1 = __esmMin((() => {
	init_src$4();
	init_src$5();
	DEFAULT_PREFIX = "holdfast_";
	DEFAULT_PORT$1 = 3306;
	CONNECT_TIMEOUT_MS = 5e3;
	STATEMENT_TIMEOUT_MS = 3e4;
	KEEP_ALIVE_DELAY_MS = 1e4;
	PARAMETERS = [
		"prefix",
		"ssl",
		"socketPath"
	];
	PREFIX$1 = /^[a-z_][a-z0-9_]{0,39}$/;
	invalid$1 = (message) => new StoreError("invalid", message);
	forSessions$1 = (settings) => ({
		...settings,
		client: {
			...settings.client,
			connectTimeout: Math.min(settings.client.connectTimeout ?? 3e3, SESSION_TIMEOUT_MS)
		},
		statementTimeoutMs: Math.min(settings.statementTimeoutMs, SESSION_TIMEOUT_MS)
	});
	EXAMPLE$1 = "mysql://user:password@host:3306/database";
}));
// packages/store-mysql/src/sessions.ts
function only(unchanged) {
	if (unchanged === void 0) return "";
	return ` and (${unchanged.map(({ session, heartbeatAtMs }) => `(session = ${text(session)} and heartbeat_at = ${number(Math.floor(heartbeatAtMs))})`).join(" or ") || "false"})`;
}
var REMEMBERED_MS$1, FORGOTTEN_AT_ONCE, Sessions$1;
var init_sessions$2 = __esmMin((() => {
	init_src$4();
	init_due$2();
	init_rows();
	init_sql();
	init_write$1();
	REMEMBERED_MS$1 = 2592e6;
	FORGOTTEN_AT_ONCE = 100;
	Sessions$1 = class {
		#parts;
		constructor(parts) {
			this.#parts = parts;
		}
		async open(session, { node, version }) {
			const { beats, tables, clock } = this.#parts;
			const answers = await beats.call({
				changes: true,
				statements: [
					clock.set(),
					`insert into ${tables.sessions} (session, node, version, started_at, heartbeat_at)
values (${text(session)}, ${text(node)}, ${text(version)}, @now, @now)
on duplicate key update node = if(ended_at is null, values(node), node), version = if(ended_at is null, values(version), version),
  heartbeat_at = if(ended_at is null, values(heartbeat_at), heartbeat_at)`,
					this.#isAlive(session)
				]
			});
			if (Number(answers[2]?.rows[0]?.["alive"]) !== 1) throw new StoreError("invalid", `session ${session} was ended; open one with a new id`);
		}
		async heartbeat(session) {
			const { beats, tables, clock } = this.#parts;
			const answers = await beats.call({
				changes: true,
				statements: [
					clock.set(),
					`set @now = greatest(@now, coalesce((select max(heartbeat_at) from ${tables.sessions} where ended_at is null), 0))`,
					`set @last = (select heartbeat_at from ${tables.sessions} where session = ${text(session)})`,
					`update ${tables.sessions} set heartbeat_at = greatest(heartbeat_at, @now) where session = ${text(session)} and ended_at is null`,
					this.#isAlive(session),
					"select @now as now, cast(@last as signed) as last"
				]
			});
			const [row] = answers[5]?.rows ?? [];
			const nowMs = clock.seen(Number(row?.["now"]));
			const last = row?.["last"] ?? null;
			return {
				alive: Number(answers[4]?.rows[0]?.["alive"]) === 1,
				nowMs,
				lastMs: last === null ? null : Number(last)
			};
		}
		#isAlive(session) {
			return `select count(*) as alive from ${this.#parts.tables.sessions} where session = ${text(session)} and ended_at is null`;
		}
		async end(session) {
			const { beats, tables, clock } = this.#parts;
			await beats.call({
				changes: true,
				statements: [clock.set(), `insert into ${tables.sessions} (session, node, version, started_at, heartbeat_at, ended_at) values (${text(session)}, '', '', @now, @now, @now)
on duplicate key update ended_at = coalesce(ended_at, values(ended_at))`]
			});
		}
		async takeOver({ silenceMs, unchanged, keep, limit }) {
			const { rest, tables, clock } = this.#parts;
			const callId = newCallId();
			const free = (where) => `(select session from ${tables.sessions} where ${where} for update skip locked) as free
straight_join ${tables.sessions} s force index (primary) on s.session = free.session`;
			const answers = await rest.call({
				changes: true,
				statements: [
					clock.set(),
					`update ${free(`ended_at is null and session <> ${text(keep)} and @now - heartbeat_at > ${number(Math.floor(silenceMs))}${only(unchanged)}`)}
set s.ended_at = @now, s.ended_by = ${callId}`,
					`select session from ${tables.sessions} where ended_at = @now and ended_by = ${callId} order by session`,
					`delete s from ${free(`ended_at < @now - ${REMEMBERED_MS$1} order by ended_at limit ${FORGOTTEN_AT_ONCE}`)}`
				]
			});
			const { count, more } = await releaseOrphans(this.#parts, limit);
			return {
				ended: (answers[2]?.rows ?? []).map((row) => string(row["session"])),
				released: count,
				more
			};
		}
		async list() {
			const { rest, tables } = this.#parts;
			const statement = `select s.session, s.node, s.version, s.started_at, s.heartbeat_at,
  (select count(*) from ${tables.transactions} t force index (place) where t.place = concat('${PLACES.owned}', s.session)) as owned
from ${tables.sessions} s where s.ended_at is null order by s.session`;
			const [answer] = await rest.call({
				statements: [statement],
				changes: false
			});
			return (answer?.rows ?? []).map((row) => ({
				session: string(row["session"]),
				node: string(row["node"]),
				version: string(row["version"]),
				startedAtMs: Number(row["started_at"]),
				heartbeatAtMs: Number(row["heartbeat_at"]),
				owned: Number(row["owned"])
			}));
		}
	};
}));
// packages/store-mysql/src/standings.ts
var USUAL, MOST, Standings;
var init_standings = __esmMin((() => {
	init_src$5();
	USUAL = {
		status: "submitted",
		attention: false
	};
	MOST = 5e4;
	Standings = class {
		#unusual = new Map();
		of(id) {
			return this.#unusual.get(id) ?? USUAL;
		}
		note(id, { status, attention }) {
			this.#unusual.delete(id);
			if (isFinal(status) || status === USUAL.status && attention === USUAL.attention) return;
			this.#unusual.set(id, {
				status,
				attention
			});
			if (this.#unusual.size <= MOST) return;
			const [oldest] = this.#unusual.keys();
			if (oldest !== void 0) this.#unusual.delete(oldest);
		}
	};
}));
// packages/store-mysql/src/mysql-store.ts
var MysqlStore;
var init_mysql_store = __esmMin((() => {
	init_src$5();
	init_claim_pace();
	init_connection$1();
	init_counters();
	init_due$2();
	init_durability$1();
	init_key_values$2();
	init_list$1();
	init_options$1();
	init_read$2();
	init_rows();
	init_schema();
	init_session_settings();
	init_sessions$2();
	init_sql();
	init_standings();
	init_store_clock$1();
	init_within$1();
	init_write$1();
	MysqlStore = class {
		#settings;
		#batches;
		#parts;
		#writer;
		#sessions;
		#keyValues;
		#durable = true;
		constructor(settings) {
			this.#settings = settings;
			this.#batches = new Connection$1(settings);
			this.#parts = {
				tables: tablesOf(settings.prefix),
				clock: new StoreClock$1(settings.wallMs, settings.monotonicMs),
				standings: new Standings(),
				claimPace: new ClaimPace(),
				work: new Connection$1(settings),
				beats: new Connection$1(forSessions$1(settings)),
				rest: new Connection$1(settings)
			};
			this.#writer = new Writer({
				...this.#parts,
				connection: this.#batches
			});
			this.#sessions = new Sessions$1(this.#parts);
			this.#keyValues = new KeyValues$1(this.#parts);
		}
		get capabilities() {
			return {
				name: "mysql",
				durable: this.#durable,
				exclusive: false
			};
		}
		async open() {
			const { tables, clock, rest } = this.#parts;
			const { loss, schema, latestMs } = await rest.alone(async (run) => {
				const [server] = await run(SERVER_SETTINGS);
				const found = whatACrashMayLose$1(server?.rows[0] ?? {});
				const prepared = await prepareSchema(run, tables);
				const [latest] = await run(`select greatest(coalesce((select max(last_at) from ${tables.counters}), 0), coalesce((select max(heartbeat_at) from ${tables.sessions}), 0)) as latest`);
				return {
					loss: found,
					schema: prepared,
					latestMs: Number(latest?.rows[0]?.["latest"])
				};
			});
			this.#durable = loss === void 0;
			for (const warning of [loss, packetWarning(rest.packetBytes)]) if (warning !== void 0) this.#settings.onWarning(`the database at ${this.#settings.place}: ${warning}`);
			clock.seen(latestMs);
			return schema;
		}
		async close(idle) {
			await within$1(CLOSE_MS$1, idle);
			const { work, beats, rest } = this.#parts;
			await Promise.all([
				this.#batches,
				work,
				beats,
				rest
			].map((connection) => connection.close()));
		}
		write(batch) {
			return this.#writer.write(batch);
		}
		async get(keys) {
			const { work, tables, standings } = this.#parts;
			const records = await read$1(work, tables, keys);
			for (const record of records) if (record !== void 0) standings.note(idOf(record.key), record);
			return records;
		}
		versions(keys) {
			return versions$1(this.#parts.work, this.#parts.tables, keys);
		}
		list(query) {
			return list$1(this.#parts, query);
		}
		async count(namespace) {
			const { rest, tables } = this.#parts;
			const statement = sums(tables, namespace === void 0 ? void 0 : text(namespace));
			const [answer] = await rest.call({
				statements: [statement],
				changes: false
			});
			const [row] = answer?.rows ?? [];
			return {
				byStatus: Object.fromEntries(STATUSES.map((status) => [status, Number(row?.[status])])),
				attention: Number(row?.["attention"])
			};
		}
		claimDue(request) {
			return claimDue$1(this.#parts, request);
		}
		sessions() {
			return this.#sessions.list();
		}
		async nowMs() {
			const { beats, clock } = this.#parts;
			const [answer] = await beats.call({
				statements: [`select ${clock.expression()} as now`],
				changes: false
			});
			return clock.seen(Number(answer?.rows[0]?.["now"]));
		}
		makeDue = (request) => makeDueLater(this.#parts, request);
		purge = (request) => purge(this.#parts, request);
		openSession = (session, info) => this.#sessions.open(session, info);
		heartbeat = (session) => this.#sessions.heartbeat(session);
		endSession = (session) => this.#sessions.end(session);
		takeOver = (request) => this.#sessions.takeOver(request);
		kvGet = (id) => this.#keyValues.get(id);
		kvPut = (id, value, expectVersion) => this.#keyValues.put(id, value, expectVersion);
		kvDelete = (id, expectVersion) => this.#keyValues.delete(id, expectVersion);
		kvScan = (query) => this.#keyValues.scan(query);
	};
}));
// packages/store-mysql/src/index.ts
var src_exports$1 = __exportAll({ createMysqlStore: () => createMysqlStore });
var createMysqlStore;
var init_src$1 = __esmMin((() => {
	init_src$4();
	init_mysql_store();
	init_options$1();
	createMysqlStore = (options) => new CheckedStore(new MysqlStore(settingsOf$1(options)));
}));
// packages/store-redis/src/options.ts
function settingsOf(options) {
	const url = readStoreUrl(options.url.replace(/^((?:redis\+)?unix:\/\/[^/?#]*@)(?=\/)/i, "$1localhost"), SCHEMES$1, EXAMPLE);
	const bySocket = SOCKET_SCHEMES.includes(url.protocol);
	for (const name of url.searchParams.keys()) if (!["prefix", bySocket ? "db" : "tls"].includes(name)) throw invalid(`the store URL has the parameter ${JSON.stringify(name)}; known are prefix and ${bySocket ? "db" : "tls"}`);
	const prefix = options.prefix ?? url.searchParams.get("prefix") ?? "holdfast";
	if (!PREFIX.test(prefix)) throw invalid(`the key prefix ${JSON.stringify(prefix)} cannot be used: 1 to 64 of letters, digits, _ . : and -`);
	return {
		...bySocket ? socketOf(url) : hostOf(url),
		account: accountOf(url),
		prefix,
		connectTimeoutMs: checkedTimeout("connectTimeoutMs", options.connectTimeoutMs ?? 5e3),
		commandTimeoutMs: checkedTimeout("commandTimeoutMs", options.commandTimeoutMs ?? 3e4),
		onWarning: (warning) => callHook(() => options.onWarning?.(warning)),
		wallMs: options.wallMs,
		monotonicMs: options.monotonicMs ?? performance.now.bind(performance)
	};
}
function hostOf(url) {
	const database = url.pathname.slice(1) || "0";
	if (!DATABASE.test(database)) throw invalid("the path of a store URL of Redis is the number of a database");
	if (url.hostname === "") throw invalid(`the store URL names no host; it looks like ${EXAMPLE}`);
	const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
	const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
	const tls = tlsOf(url, host);
	return {
		server: {
			host,
			port,
			...tls !== void 0 && { tls }
		},
		database: Number(database),
		place: url.host + (database === "0" ? "" : `/${database}`)
	};
}
function socketOf(url) {
	const path = decodeUrlPart(url.pathname);
	if (!["", "localhost"].includes(url.hostname) || !path.startsWith("/") || path === "/") throw invalid("the store URL of a socket looks like redis+unix:///run/redis/redis.sock?db=0");
	const database = url.searchParams.get("db") ?? "0";
	if (!DATABASE.test(database)) throw invalid("the parameter db of the store URL is the number of a database");
	return {
		server: { path },
		database: Number(database),
		place: path + (database === "0" ? "" : `, database ${database}`)
	};
}
function accountOf(url) {
	const [user, password] = [decodeUrlPart(url.username), decodeUrlPart(url.password)];
	if (password !== "") return {
		user: user === "" ? void 0 : user,
		password
	};
	if (user !== "") throw invalid("the store URL has a user but no password");
}
function tlsOf(url, host) {
	const text = url.searchParams.get("tls");
	if (url.protocol === "redis:") {
		if (text !== null) throw invalid("the parameter tls of the store URL needs rediss:// instead of redis://");
		return;
	}
	const name = isIP(host) === 0 ? { servername: host } : {};
	if (text === null) return name;
	try {
		const options = JSON.parse(text);
		if (typeof options === "object" && options !== null && !Array.isArray(options)) return {
			...name,
			...options
		};
	} catch {}
	throw invalid("the parameter tls of the store URL is a JSON object, such as {\"ca\":\"…\"}");
}
var PREFIX, invalid, forSessions, DEFAULT_PORT, SOCKET_SCHEMES, SCHEMES$1, EXAMPLE, DATABASE;
var init_options = __esmMin((() => {
	init_src$4();
	init_src$5();
	PREFIX = /^[A-Za-z0-9_.:-]{1,64}$/;
	invalid = (message) => new StoreError("invalid", message);
	forSessions = (settings) => ({
		...settings,
		connectTimeoutMs: Math.min(settings.connectTimeoutMs, SESSION_TIMEOUT_MS),
		commandTimeoutMs: Math.min(settings.commandTimeoutMs, SESSION_TIMEOUT_MS)
	});
	DEFAULT_PORT = 6379;
	SOCKET_SCHEMES = ["unix:", "redis+unix:"];
	SCHEMES$1 = [
		"redis:",
		"rediss:",
		...SOCKET_SCHEMES
	];
	EXAMPLE = "redis://user:password@host:6379/0";
	DATABASE = /^\d{1,5}$/;
}));
// packages/store-redis/src/records.ts
function listOf(reply) {
	if (!Array.isArray(reply)) throw new StoreError("unavailable", "Redis answered what is no list");
	return reply;
}
function entryOf(stored) {
	const colon = stored.indexOf(":");
	const from = colon + 1 + Number(stored.toString("latin1", 0, colon));
	return {
		key: stored.toString("utf8", colon + 1, from),
		body: stored.subarray(from)
	};
}
function keyOf(id) {
	const { key, body } = entryOf(id);
	return {
		namespace: key,
		gid: Buffer.from(body).toString()
	};
}
var textOf$1, bytesOf, RecordReader, NOT_WHOLE, numberOr0, maybeMs, statusOf;
var init_records = __esmMin((() => {
	init_src$4();
	textOf$1 = (reply) => Buffer.isBuffer(reply) ? reply.toString() : String(reply ?? "");
	bytesOf = (reply) => Buffer.isBuffer(reply) ? reply : Buffer.alloc(0);
	RecordReader = class {
		#parts;
		#at = 0;
		constructor(parts) {
			this.#parts = parts;
		}
		get more() {
			return this.#at < this.#parts.length;
		}
		bytes() {
			return bytesOf(this.#parts[this.#at++]);
		}
		record({ namespace, gid }) {
			const words = this.bytes().toString();
			if (words === "") return void 0;
			const [version, writeId = "", status = "", owner, claims, due, attention, pattern = "", group = "", ...times] = words.split("\0");
			const [created, updated, finished, entryCount] = times;
			const [definition, state] = [this.bytes(), this.bytes()];
			const entries = Array.from({ length: Number(entryCount) }, () => this.bytes());
			const isWhole = [
				version,
				claims,
				created,
				updated
			].map((word) => word === "" ? NaN : Number(word)).every((number) => Number.isFinite(number)) && entries.every((entry) => entry.length > 0);
			return {
				key: {
					namespace,
					gid
				},
				...wordsOf(pattern, status),
				...!isWhole && {
					unreadable: NOT_WHOLE,
					damaged: true
				},
				group,
				version: numberOr0(version),
				writeId,
				owner: owner === "" || owner === void 0 ? null : owner,
				claims: numberOr0(claims),
				dueAtMs: maybeMs(due),
				attention: attention === "1",
				createdAtMs: numberOr0(created),
				updatedAtMs: numberOr0(updated),
				finishedAtMs: maybeMs(finished),
				definition,
				state,
				entries: entries.map(entryOf)
			};
		}
	};
	NOT_WHOLE = "a field of its hash in Redis is missing or is not a number: something other than Holdfast changed it; restore it from a backup";
	numberOr0 = (word) => {
		const number = Number(word);
		return Number.isFinite(number) ? number : 0;
	};
	maybeMs = (word) => word === "" ? null : numberOr0(word);
	statusOf = (word) => wordsOf("saga", word).status;
}));
// packages/store-redis/src/batch.ts
function argumentsOf$1(batch) {
	let words = "";
	const bodies = [];
	for (const item of batch) {
		if (item.kind === "append") {
			words += wordsOfAppend(item);
			for (const { body } of item.entries) bodies.push(body);
			continue;
		}
		const { key, writeId, status, owner, dueInMs, attention, state } = item;
		words += `${item.kind === "insert" ? "i" : "u"}\0${key.namespace}\0${key.gid}\0${writeId}\0${status}\0${owner ?? ""}\0`;
		words += `${wholeMs(dueInMs)}\0${attention ? "1" : "0"}\0${state.length}\0`;
		bodies.push(state);
		if (item.kind === "update") words += `${item.expectVersion}\0`;
		else {
			words += `${item.pattern}\0${item.group}\0${item.definition.length}\0`;
			bodies.push(item.definition);
		}
	}
	return [words, ...joined(bodies)];
}
function wordsOfAppend({ key, whenStatus, whenPattern, maxEntries, maxBytes, postponeMs, entries }) {
	const most = Math.min(maxEntries, Number.MAX_SAFE_INTEGER);
	let words = `a\0${key.namespace}\0${key.gid}\0,${whenStatus.join(",")},\0${whenPattern ?? ""}\0${most}\0${maxBytes ?? ""}\0${wholeMs(postponeMs)}\0`;
	words += `${entries.length}\0`;
	for (const entry of entries) words += `${entry.key}\0${entry.body.length}\0`;
	return words;
}
function joined(bodies) {
	const buffers = [];
	for (let from = 0; from < bodies.length;) {
		let bytes = bodies[from]?.length ?? 0;
		let to = from + 1;
		for (; to < bodies.length; to++) {
			const more = bodies[to]?.length ?? 0;
			if (bytes + more > JOINED_BYTES) break;
			bytes += more;
		}
		if (bytes > 0) buffers.push(Buffer.concat(bodies.slice(from, to), bytes));
		from = to;
	}
	return buffers;
}
function outcomesOf(reply, entries) {
	let taken = 0;
	return textOf$1(reply).split(" ").map((word) => {
		const colon = word.indexOf(":");
		const version = Number(colon < 0 ? word.slice(1) : word.slice(1, colon));
		if (word.startsWith("m")) return { kind: "missing" };
		const conflict = CONFLICTS[word.slice(0, 1)];
		if (conflict !== void 0) return {
			...conflict,
			status: statusOf(word.slice(colon + 1)),
			version
		};
		if (colon < 0) return {
			kind: "applied",
			version,
			existing: NONE
		};
		return {
			kind: "applied",
			version,
			existing: entries.slice(taken, taken += Number(word.slice(colon + 1))).map((entry) => entryOf(bytesOf(entry)))
		};
	});
}
var wholeMs, JOINED_BYTES, NONE, CONFLICTS;
var init_batch = __esmMin((() => {
	init_records();
	wholeMs = (ms) => ms === null || ms === void 0 ? "" : String(Math.ceil(ms));
	JOINED_BYTES = 262144;
	NONE = [];
	CONFLICTS = {
		c: { kind: "conflict" },
		e: {
			kind: "conflict",
			full: "entries"
		},
		b: {
			kind: "conflict",
			full: "bytes"
		}
	};
}));
// packages/store-redis/src/connection.ts
function codeOf(thrown) {
	if (!(thrown instanceof Error) || thrown.name !== "ReplyError") return void 0;
	return thrown.message.split(" ", 1)[0];
}
var script, REFUSALS, ELSEWHERE, TOO_LONG, COMMAND_MARGIN_BYTES, UNREACHABLE_BYTES, FORBIDDEN_IN_SCRIPT, CLUSTER, FORBIDDEN, FIXES, fixOf, Connection, textOf;
var init_connection = __esmMin((() => {
	init_src$4();
	script = (text, changes) => ({
		text,
		sha: createHash("sha1").update(text).digest("hex"),
		changes
	});
	REFUSALS = new Set("NOSCRIPT OOM LOADING READONLY MISCONF NOAUTH WRONGPASS NOPERM BUSY MOVED ASK CLUSTERDOWN TRYAGAIN CROSSSLOT NOREPLICAS MASTERDOWN WRONGTYPE".split(" "));
	ELSEWHERE = new Set([
		"READONLY",
		"MASTERDOWN",
		"NOAUTH",
		"WRONGPASS"
	]);
	TOO_LONG = /Protocol error: (invalid|too big) (bulk|multibulk|mbulk)/;
	COMMAND_MARGIN_BYTES = 131072;
	UNREACHABLE_BYTES = 268435456;
	FORBIDDEN_IN_SCRIPT = /user executing the script can't (run|access)|ACL failure in script/;
	CLUSTER = "; it is a node of a Redis Cluster that does not have the keys of this store: use a Redis that is not part of a cluster, or the node that has them";
	FORBIDDEN = "; give the account of the store this privilege (docs/stores-redis.md)";
	FIXES = new Map([
		["MOVED", CLUSTER],
		["CLUSTERDOWN", CLUSTER],
		["NOAUTH", " Put USER:PASSWORD@ or :PASSWORD@ before the host of the URL"],
		["NOPERM", FORBIDDEN]
	]);
	fixOf = (code, text) => FORBIDDEN_IN_SCRIPT.test(text) ? FORBIDDEN : FIXES.get(code ?? "") ?? "";
	Connection = class {
		#settings;
		#client;
		#opened;
		#limits = {
			command: Infinity,
			argument: Infinity
		};
		constructor(settings) {
			this.#settings = settings;
		}
		async run({ text, sha, changes }, key, args) {
			const client = await this.#connected();
			this.#assertFits(args);
			try {
				return await this.#send(client, "EVALSHA", [
					sha,
					1,
					key,
					...args
				]);
			} catch (thrown) {
				if (codeOf(thrown) !== "NOSCRIPT") throw this.#convert(client, thrown, changes);
			}
			try {
				return await this.#send(client, "EVAL", [
					text,
					1,
					key,
					...args
				]);
			} catch (thrown) {
				throw this.#convert(client, thrown, changes);
			}
		}
		async ask(command, ...args) {
			const client = await this.#connected();
			try {
				return await this.#send(client, command, args);
			} catch (thrown) {
				throw this.#convert(client, thrown, false);
			}
		}
		async close() {
			const opening = this.#client;
			this.#client = void 0;
			(await opening?.catch(() => void 0))?.disconnect();
		}
		#assertFits(args) {
			const { command, argument } = this.#limits;
			if (command === Infinity && argument === Infinity) return;
			const lengths = args.map((each) => Buffer.byteLength(typeof each === "number" ? String(each) : each));
			const longest = Math.max(...lengths);
			if (longest > argument) throw this.#tooLong(`${longest} bytes in one value`, argument, "proto-max-bulk-len");
			const bytes = lengths.reduce((sum, length) => sum + length, 0);
			if (bytes + COMMAND_MARGIN_BYTES > command) throw this.#tooLong(`${bytes} bytes in one command`, command, "client-query-buffer-limit");
		}
		#tooLong(what, limit, setting) {
			return new StoreError("rejected", `${what}; Redis at ${this.#settings.place} takes ${limit} (${setting})`);
		}
		async #send(client, command, args) {
			const timer = setTimeout(() => client.disconnect(), this.#settings.commandTimeoutMs);
			try {
				return await client.callBuffer(command, ...args);
			} finally {
				clearTimeout(timer);
			}
		}
		#connected() {
			if (this.#client !== void 0) return this.#client;
			const opening = this.#open(() => {
				if (this.#client === opening) this.#client = void 0;
			});
			this.#client = opening;
			return opening;
		}
		async #open(forget) {
			const client = new Redis({
				...this.#settings.server,
				lazyConnect: true,
				connectTimeout: this.#settings.connectTimeoutMs,
				keepAlive: 1e4,
				retryStrategy: () => null,
				reconnectOnError: () => false,
				autoResendUnfulfilledCommands: false,
				enableOfflineQueue: false,
				enableReadyCheck: false,
				enableAutoPipelining: false,
				protocol: 2,
				disableClientInfo: true
			});
			let cause;
			client.on("error", (error) => cause = error);
			client.on("close", forget);
			const timer = setTimeout(() => client.disconnect(), this.#settings.connectTimeoutMs);
			try {
				await client.connect();
				await this.#beginSession(client);
				return client;
			} catch (thrown) {
				forget();
				client.disconnect();
				if (thrown instanceof StoreError) throw thrown;
				throw this.#unusable(textOf(cause ?? thrown) + fixOf(codeOf(thrown), textOf(thrown)));
			} finally {
				clearTimeout(timer);
			}
		}
		async #beginSession(client) {
			const { account, database } = this.#settings;
			if (account !== void 0) {
				const { user, password } = account;
				await this.#send(client, "AUTH", user === void 0 ? [password] : [user, password]);
			}
			await this.#send(client, "PING", []);
			if (database !== 0) await this.#send(client, "SELECT", [database]).catch((thrown) => {
				throw this.#unusable(`database ${database} cannot be selected: ${textOf(thrown)}`);
			});
			const role = await this.#send(client, "INFO", ["replication"]).catch(() => "");
			if (/^role:slave/m.test(String(role))) throw this.#unusable("it is a replica, which loses what is written to it: connect to the primary");
			this.#limits = {
				command: await this.#limit(client, "client-query-buffer-limit"),
				argument: await this.#limit(client, "proto-max-bulk-len")
			};
			this.#opened = client;
		}
		async #limit(client, name) {
			const setting = await this.#send(client, "CONFIG", ["GET", name]).catch(() => []);
			const bytes = Array.isArray(setting) ? Number(setting[1]) : NaN;
			return bytes > 0 && bytes < UNREACHABLE_BYTES ? bytes : Infinity;
		}
		#leave(client) {
			if (this.#opened === client) this.#opened = this.#client = void 0;
			client.disconnect();
		}
		#unusable(why) {
			return new StoreError("unavailable", `Redis at ${this.#settings.place} cannot be used: ${why}`);
		}
		#convert(client, thrown, changes) {
			const code = codeOf(thrown);
			if (code !== void 0 && ELSEWHERE.has(code)) this.#leave(client);
			if (code !== void 0 && TOO_LONG.test(textOf(thrown))) {
				this.#leave(client);
				return new StoreError("rejected", `Redis at ${this.#settings.place} does not take a value of this length: ${textOf(thrown)} (proto-max-bulk-len)`);
			}
			const applied = changes && (code === void 0 || !REFUSALS.has(code));
			return new StoreError(applied ? "outcome_unknown" : "unavailable", `Redis at ${this.#settings.place} ${code === void 0 ? "was lost" : "refused a command"}: ${textOf(thrown)}${fixOf(code, textOf(thrown))}`);
		}
	};
	textOf = (thrown) => thrown instanceof Error ? thrown.message : String(thrown);
}));
// packages/store-redis/src/store-clock.ts
var StoreClock;
var init_store_clock = __esmMin((() => {
	init_src$4();
	init_records();
	StoreClock = class extends NodeClock {
		arguments() {
			return [this.floorMs, this.wallMs() ?? ""];
		}
		seen(reply) {
			return super.seen(Number(textOf$1(reply)));
		}
	};
}));
// packages/store-redis/src/installation.ts
async function partly(begun, step) {
	try {
		return await step;
	} catch (thrown) {
		if (!begun || !(thrown instanceof StoreError)) throw thrown;
		throw new StoreError("outcome_unknown", `a part was done: ${thrown.message}`, thrown);
	}
}
var LOOKED_AT, Installation;
var init_installation = __esmMin((() => {
	init_src$4();
	init_connection();
	init_options();
	init_store_clock();
	LOOKED_AT = 1e3;
	Installation = class {
		base;
		clock;
		#batches;
		#beats;
		#rest;
		constructor(settings) {
			this.base = `{${settings.prefix}}:`;
			this.clock = new StoreClock(settings.wallMs, settings.monotonicMs);
			this.#batches = new Connection(settings);
			this.#beats = new Connection(forSessions(settings));
			this.#rest = new Connection(settings);
		}
		get connection() {
			return this.#rest;
		}
		run(script, args = []) {
			return this.#rest.run(script, this.base, [...this.clock.arguments(), ...args]);
		}
		runBatch(script, args) {
			return this.#batches.run(script, this.base, [...this.clock.arguments(), ...args]);
		}
		runBeat(script, args = []) {
			return this.#beats.run(script, this.base, [...this.clock.arguments(), ...args]);
		}
		async close() {
			await Promise.all([
				this.#batches,
				this.#beats,
				this.#rest
			].map((connection) => connection.close()));
		}
	};
}));
// packages/store-redis/src/scripts/answer.ts
var ANSWERED_BYTES, ANSWER;
var init_answer = __esmMin((() => {
	ANSWERED_BYTES = 4194304;
	ANSWER = `
local WORDS = 13
local out, room = {}, ${ANSWERED_BYTES}
local left, first, full = 1 / 0, true, 0
local function put(text) out[#out + 1] = text; room = room - #text end
local function fieldsOf(id)
  local r = redis.pcall('HMGET', P .. 't' .. id, 'v', 'w', 's', 'o', 'c', 'd', 'a', 'p', 'g', 'x', 'u', 'f', 'n', 'D', 'S')
  return r[1] and r
end
local function isWhole(id, r)
  for i = 2, 15 do if not r[i] then return false end end
  local n = tonumber(r[13])
  if not (tonumber(r[1]) and tonumber(r[5]) and n) then return false end
  for i = 1, n do if call('HSTRLEN', P .. 't' .. id, 'e' .. i) == 0 then return false end end
  return true
end
-- Without definition and entries.
local function summaryOf(id)
  local r = redis.pcall('HMGET', P .. 't' .. id, 'v', 'w', 's', 'o', 'c', 'd', 'a', 'p', 'g', 'x', 'u', 'f', 'n', 'S')
  if not r[1] then return false end
  r[13], r[14], r[15] = '0', '', r[14]
  return r
end
local function fits(id, r)
  local size = #(r[14] or '') + #(r[15] or '')
  for i = 1, tonumber(r[13]) or 0 do
    local length = call('HSTRLEN', P .. 't' .. id, 'e' .. i)
    if length == 0 then break end
    size = size + length
  end
  if size > left and not first then full = 1; return false end
  left, first = math.max(0, left - size), false
  return true
end
local function leftOver() return left == 1 / 0 and '' or num(left) end
local function answer(id, r)
  local at, n, missing = #out + 1, 0, false
  local headless = not (tonumber(r[1] or '') and tonumber(r[10] or ''))
  for i = 1, 15 do
    if not r[i] then
      r[i] = ''
      missing = true
      if i ~= 5 and i ~= 8 and i ~= 11 and i < 14 then headless = true end
    end
  end
  put('')
  put(r[14])
  put(r[15])
  for i = 1, tonumber(r[13]) or 0 do
    local entry = call('HGET', P .. 't' .. id, 'e' .. i)
    if not entry then break end
    put(entry)
    n = i
  end
  if missing or r[13] ~= num(n) then r[5], r[13] = '?', num(n) end
  if headless then r[1], r[5] = '0', '?' end
  out[at] = table.concat(r, '\\0', 1, WORDS)
  room = room - #out[at]
end
`;
}));
// packages/store-redis/src/scripts/indexes.ts
var INDEXES, KNOWN, HEADS;
var init_indexes = __esmMin((() => {
	init_src$5();
	INDEXES = `
-- So many arguments are put on Lua's stack at once.
local MOST = 1000
local function many(command, key, args)
  for from = 1, #args, MOST do call(command, key, unpack(args, from, math.min(from + MOST - 1, #args))) end
end

local gathered, groups, owners, tallies = {ZREM = {}, ZADD = {}, SREM = {}, SADD = {}}, {}, {}, {}
local function gather(command, key, first, second)
  local args = gathered[command][key]
  if not args then args = {}; gathered[command][key] = args end
  args[#args + 1] = first
  if second then args[#args + 1] = second end
end
-- A transaction of group g had owner o and due time d, and has o2 and d2 now.
local function reindex(id, g, o, d, o2, d2)
  if d ~= d2 then
    if d2 ~= '' then
      gather('ZADD', P .. 'd:' .. g, d2, id)
      if d == '' then groups[g] = true end
    else
      gather('ZREM', P .. 'd:' .. g, id)
      groups[g] = groups[g] or false
    end
  end
  if o ~= o2 then
    if o ~= '' then
      gather('SREM', P .. 'o:' .. o, id)
      owners[o] = owners[o] or false
    end
    if o2 ~= '' then
      gather('SADD', P .. 'o:' .. o2, id)
      owners[o2] = true
    end
  end
end
-- A record may have vanished, evicted or deleted by hand: what still names it must not hinder the others.
local function forget(command, letter, names, name, id)
  gather(command, P .. letter .. name, id)
  names[name] = names[name] or false
end
local function tally(ns, s, a, by)
  local sums = tallies[ns]
  if not sums then sums = {}; tallies[ns] = sums end
  sums[s] = (sums[s] or 0) + by
  if a == '1' then sums.attention = (sums.attention or 0) + by end
end
-- Names of what has members: those that gained one are among them, those that only lost some may have none left.
local function note(names, key, members)
  for name, gained in pairs(names) do
    if gained then call('SADD', key, name)
    elseif call('EXISTS', members .. name) == 0 then call('SREM', key, name) end
  end
end
local function settle()
  for command, keys in pairs(gathered) do
    for key, args in pairs(keys) do many(command, key, args) end
  end
  note(groups, P .. 'G', P .. 'd:')
  note(owners, P .. 'O', P .. 'o:')
  for ns, sums in pairs(tallies) do
    for field, by in pairs(sums) do
      if by ~= 0 then call('HINCRBY', P .. 'n', field, num(by)); call('HINCRBY', P .. 'n:' .. ns, field, num(by)) end
    end
  end
  gathered, groups, owners, tallies = {ZREM = {}, ZADD = {}, SREM = {}, SADD = {}}, {}, {}, {}
end
-- Changes of records, which follow when everything else is known to be possible: what a script wrote before an error stays.
local records = {}
local function later(...) records[#records + 1] = {...} end
local function expectKind(key, kind)
  local is = call('TYPE', key).ok
  if is ~= 'none' and is ~= kind then error({err = 'WRONGTYPE ' .. key .. ' is not of this store'}) end
end
local function expectKinds()
  for command, keys in pairs(gathered) do
    for key in pairs(keys) do expectKind(key, string.sub(command, 1, 1) == 'Z' and 'zset' or 'set') end
  end
  if next(groups) then expectKind(P .. 'G', 'set') end
  if next(owners) then expectKind(P .. 'O', 'set') end
  for ns in pairs(tallies) do expectKind(P .. 'n', 'hash'); expectKind(P .. 'n:' .. ns, 'hash') end
end
-- Writes everything, or nothing when a key holds what is not of the store; the latest time only if ticked.
local function commit(ticked)
  expectKinds()
  if ticked then tick() end
  for _, change in ipairs(records) do call(unpack(change)) end
  settle()
end
`;
	KNOWN = [...STATUSES, ...PATTERNS].map((word) => `${word} = true`).join(", ");
	HEADS = `${INDEXES}
local known = {${KNOWN}}
local function head(id)
  local r = call('HMGET', P .. 't' .. id, 'v', 'w', 's', 'o', 'd', 'a', 'g', 'f', 'x', 'n', 'p')
  if not r[1] then return nil end
  for i = 2, 10 do if not r[i] then error({err = 'WRONGTYPE ' .. P .. 't' .. id .. ' is no whole transaction'}) end end
  return {v = tonumber(r[1]), w = r[2], s = r[3], o = r[4], d = r[5], a = r[6], g = r[7], f = r[8], x = r[9], n = tonumber(r[10]), p = r[11]}
end
-- As head, but nil also for what is no whole transaction, and then whether a key is there at all.
local function wholeHead(id)
  local r = redis.pcall('HMGET', P .. 't' .. id, 'v', 'w', 's', 'o', 'd', 'a', 'g', 'f', 'x', 'n')
  if r.err then return nil, true end
  if not r[1] then return nil, false end
  for i = 2, 10 do if not r[i] then return nil, true end end
  if not (tonumber(r[1]) and tonumber(r[9])) then return nil, true end
  return head(id)
end
-- Whether it was there to be made due, and owned by the owner if that is given. If not, it leaves the index that named it: of a
-- group, or of an owner. Nil: it is no whole transaction, and stays in that of its group.
local function makeDue(id, at, group, owner)
  local h, broken = wholeHead(id)
  if broken and group then return nil end
  if not h or (owner and h.o ~= owner) then
    if group then forget('ZREM', 'd:', groups, group, id) else forget('SREM', 'o:', owners, owner, id) end
    return false
  end
  reindex(id, h.g, h.o, h.d, '', num(at))
  later('HSET', P .. 't' .. id, 'o', '', 'd', num(at), 'v', num(h.v + 1), 'u', num(now))
  return true
end
`;
}));
// packages/store-redis/src/scripts/common.ts
var COMMON;
var init_common = __esmMin((() => {
	COMMON = `
local P = KEYS[1]
local call = redis.call
local function num(x) return string.format('%d', x) end
local now
do
  local t = tonumber(ARGV[2])
  if not t then local s = call('TIME'); t = s[1] * 1000 + math.floor(s[2] / 1000) end
  now = math.max(t, tonumber(ARGV[1]), tonumber(call('GET', P .. 'clock') or '0'))
end
local function tick() call('SET', P .. 'clock', num(now)) end
local beginnings = {}
local function idOf(ns, gid)
  local beginning = beginnings[ns]
  if not beginning then beginning = #ns .. ':' .. ns; beginnings[ns] = beginning end
  return beginning .. gid
end
local function split(id)
  local n, at = string.match(id, '^(%d+):()')
  return string.sub(id, at, at + n - 1), string.sub(id, at + n)
end
local function final(s) return s == 'succeed' or s == 'failed' end
local function living(session) return call('ZSCORE', P .. 'l', session) and true or false end
`;
}));
// packages/store-redis/src/scripts/kinds.ts
var reads, changes, evenWhenFull;
var init_kinds = __esmMin((() => {
	init_connection();
	init_common();
	reads = (text) => script(COMMON + text, false);
	changes = (text) => script(COMMON + text, true);
	evenWhenFull = (text) => script(`#!lua flags=allow-oom\n${COMMON}${text}`, true);
}));
// packages/store-redis/src/scripts/due.ts
var CLAIM, GROUPS, MAKE_DUE;
var init_due$1 = __esmMin((() => {
	init_answer();
	init_indexes();
	init_kinds();
	CLAIM = evenWhenFull(`${HEADS}${ANSWER}
local MOST_SKIPPED = 10000
if not living(ARGV[3]) then return {num(now), 0, '', out, 0, ''} end
left, first = tonumber(ARGV[5]), ARGV[6] == '1'
local limit, none, waiting = tonumber(ARGV[4]), 1 / 0, {}
local function look(w, count)
  w.rows = call('ZRANGE', P .. 'd:' .. w.group, w.taken, w.taken + count - 1, 'WITHSCORES')
  w.at = 1
  w.due = tonumber(w.rows[2]) or none
end
for i = 7, #ARGV do
  local w = {group = ARGV[i], taken = 0}
  look(w, 1)
  waiting[#waiting + 1] = w
end
local function earliest()
  local best = waiting[1]
  for i = 2, #waiting do if waiting[i].due < best.due then best = waiting[i] end end
  return best
end
-- Words of a later version: the record is for its nodes. One that is not whole is for an operator.
local claimed, skipped, taken, best = 0, 0, {}, earliest()
while claimed < limit and room > 0 and best.due <= now do
  local id, key = best.rows[best.at], P .. 't' .. best.rows[best.at]
  local r = fieldsOf(id)
  if r and not (known[r[3]] and known[r[8]] and isWhole(id, r)) then
    skipped = skipped + 1
    if skipped == MOST_SKIPPED then best = {due = none}; break end
  elseif r and (r[6] == '' or taken[id]) then
    -- It replaced a damaged record, whose group was not known; or two groups named it.
    forget('ZREM', 'd:', groups, best.group, id)
  elseif r then
    if not fits(id, r) then break end
    reindex(id, r[9], '', r[6], ARGV[3], '')
    r[1], r[4], r[5], r[6], r[11] = num(r[1] + 1), ARGV[3], num(r[5] + 1), '', num(now)
    put(id)
    answer(id, r)
    later('HSET', key, 'v', r[1], 'o', r[4], 'c', r[5], 'd', r[6], 'u', r[11])
    taken[id] = true
    claimed = claimed + 1
  else
    forget('ZREM', 'd:', groups, best.group, id)
  end
  best.taken, best.at = best.taken + 1, best.at + 2
  best.due = tonumber(best.rows[best.at + 1])
  if not best.due then look(best, limit - claimed + 1) end
  best = earliest()
end
commit(claimed > 0)
return {num(now), 1, best.due == none and '' or num(best.due), out, full, leftOver()}`);
	GROUPS = reads(`return call('SMEMBERS', P .. 'G')`);
	MAKE_DUE = changes(`${HEADS}
local at = tonumber(ARGV[9]) or now
local due = P .. 'd:' .. ARGV[3]
local first = call('ZCOUNT', due, '-inf', num(at + tonumber(ARGV[5]))) + tonumber(ARGV[7])
local members = call('ZRANGE', due, num(first), num(first + tonumber(ARGV[8]) - 1))
local made, kept, full = 0, 0, 0
for _, id in ipairs(members) do
  if string.sub(id, 1, #ARGV[4]) == ARGV[4] then
    if made == tonumber(ARGV[6]) then full = 1; break end
    local isMade = makeDue(id, at, ARGV[3])
    if isMade then made = made + 1 elseif isMade == nil then kept = kept + 1 end
  else
    kept = kept + 1
  end
end
commit(made > 0)
return {made, kept, full, #members, num(at)}`);
}));
// packages/store-redis/src/scripts/key-values.ts
var KV, KV_GET, KV_PUT, KV_DELETE, KV_SCAN;
var init_key_values$1 = __esmMin((() => {
	init_kinds();
	KV = `
local category = idOf(ARGV[3], ARGV[4])
local key = P .. 'k' .. #category .. ':' .. category .. ARGV[5]
local version = tonumber(call('HGET', key, 'v') or '0')
`;
	KV_GET = reads(`${KV} return call('HMGET', key, 'b', 'v', 'x', 'u')`);
	KV_PUT = changes(`${KV}
if version ~= tonumber(ARGV[7]) then return 0 end
tick()
call('HSETNX', key, 'x', num(now))
call('HSET', key, 'b', ARGV[6], 'v', num(version + 1), 'u', num(now))
call('ZADD', P .. 'i' .. category, 0, ARGV[5])
return 1`);
	KV_DELETE = changes(`${KV}
if version == 0 then return 2 end
if version ~= tonumber(ARGV[6]) then return 0 end
call('DEL', key)
call('ZREM', P .. 'i' .. category, ARGV[5])
return 1`);
	KV_SCAN = reads(`
local category = idOf(ARGV[3], ARGV[4])
local most, left, out = tonumber(ARGV[6]), tonumber(ARGV[7]), {}
for i, k in ipairs(call('ZRANGEBYLEX', P .. 'i' .. category, '(' .. ARGV[5], '+', 'LIMIT', 0, most + 1)) do
  local key = P .. 'k' .. #category .. ':' .. category .. k
  left = left - call('HSTRLEN', key, 'b')
  if i > most or (left < 0 and i > 1) then return {1, out} end
  out[#out + 1] = {k, call('HMGET', key, 'b', 'v', 'x', 'u')}
end
return {0, out}`);
}));
// packages/store-redis/src/scripts/open.ts
var OPEN, TIME;
var init_open = __esmMin((() => {
	init_kinds();
	OPEN = changes(`
local found = call('GET', P .. 'schema')
if found and found ~= ARGV[3] then return {found, num(now), tonumber(found)} end
local probe = P .. 'probe'
call('DEL', probe)
call('SET', probe, '1')
call('TYPE', probe)
call('EXISTS', probe)
call('UNLINK', probe)
call('HSET', probe, 'a', '1')
call('HSETNX', probe, 'b', '1')
call('HINCRBY', probe, 'a', 1)
call('HGET', probe, 'a'); call('HMGET', probe, 'a'); call('HGETALL', probe); call('HSTRLEN', probe, 'a')
call('DEL', probe)
call('ZADD', probe, 1, 'a')
call('ZSCORE', probe, 'a'); call('ZCOUNT', probe, '-inf', '+inf'); call('ZRANGE', probe, 0, 0); call('ZRANGEBYSCORE', probe, 1, 1); call('ZRANGEBYLEX', probe, '-', '+'); call('ZREVRANGEBYLEX', probe, '+', '-')
call('ZREM', probe, 'a')
call('SADD', probe, 'a')
call('SMEMBERS', probe); call('SCARD', probe); call('SRANDMEMBER', probe, 1)
call('SREM', probe, 'a')
if not found then call('SET', P .. 'schema', ARGV[3]) end
return {found or ARGV[3], num(now), tonumber(found or 0)}`);
	TIME = reads("return num(now)");
}));
// packages/store-redis/src/scripts/purge.ts
var PURGE;
var init_purge = __esmMin((() => {
	init_indexes();
	init_kinds();
	PURGE = evenWhenFull(`${HEADS}
local ids = call('ZRANGEBYSCORE', P .. 'f', '-inf', '(' .. num(now - tonumber(ARGV[3])), 'LIMIT', 0, ARGV[4])
for _, id in ipairs(ids) do
  local h = wholeHead(id)
  gather('ZREM', P .. 'f', id)
  if h then
    local ns, gid = split(id)
    gather('ZREM', P .. 'c:' .. ns, string.format('%014.0f', tonumber(h.x)) .. gid)
    tally(ns, h.s, h.a, -1)
    later('UNLINK', P .. 't' .. id)
  end
end
commit(#ids > 0)
return #ids`);
}));
// packages/store-redis/src/scripts/read.ts
var IDS, GET, VERSIONS, LIST, COUNT;
var init_read$1 = __esmMin((() => {
	init_answer();
	init_kinds();
	IDS = `
local words, at = ARGV[3], 1
local function nextId()
  local ns, gid
  ns, gid, at = struct.unpack('ss', words, at)
  return idOf(ns, gid)
end
`;
	GET = reads(`${IDS}${ANSWER}
left, first = tonumber(ARGV[4]) or left, ARGV[5] == '1'
local fieldsOf = ARGV[6] == '1' and summaryOf or fieldsOf
while at <= #words and room > 0 do
  local id = nextId()
  local r = fieldsOf(id)
  if not r then put('')
  elseif fits(id, r) then answer(id, r)
  else break end
end
return {full, leftOver(), out}`);
	VERSIONS = reads(`${IDS}
local out = {}
while at <= #words do out[#out + 1] = call('HGET', P .. 't' .. nextId(), 'v') or '' end
return table.concat(out, '\\0')`);
	LIST = reads(`
local ns, most, want = ARGV[3], tonumber(ARGV[6]), tonumber(ARGV[10])
local looked, last, out = 0, '', {}
for _, member in ipairs(call('ZREVRANGEBYLEX', P .. 'c:' .. ns, ARGV[4], ARGV[5], 'LIMIT', 0, most)) do
  looked = looked + 1
  last = member
  local ok = true
  if ARGV[7] .. ARGV[8] .. ARGV[9] ~= '' then
    local r = call('HMGET', P .. 't' .. idOf(ns, string.sub(member, 15)), 's', 'p', 'a')
    for i = 1, 3 do if ARGV[6 + i] ~= '' and ARGV[6 + i] ~= r[i] then ok = false end end
  end
  if ok then out[#out + 1] = member end
  if #out == want then break end
end
return {looked, last, out}`);
	COUNT = reads(`return call('HGETALL', P .. ARGV[3])`);
}));
// packages/store-redis/src/scripts/sessions.ts
var OPEN_SESSION, HEARTBEAT, END, END_SESSION, END_SILENT, RELEASE, SESSIONS;
var init_sessions$1 = __esmMin((() => {
	init_indexes();
	init_kinds();
	OPEN_SESSION = changes(`
if call('ZSCORE', P .. 'e', ARGV[3]) then return 0 end
tick()
call('ZADD', P .. 'l', num(now), ARGV[3])
call('HSETNX', P .. 's:' .. ARGV[3], 'x', num(now))
call('HSET', P .. 's:' .. ARGV[3], 'n', ARGV[4], 'v', ARGV[5])
return 1`);
	HEARTBEAT = evenWhenFull(`
local last = call('ZSCORE', P .. 'l', ARGV[3])
local alive = last and 1 or 0
if last then tick(); call('ZADD', P .. 'l', num(now), ARGV[3])
else last = call('HGET', P .. 's:' .. ARGV[3], 'b') or call('ZSCORE', P .. 'e', ARGV[3]) end
return {alive, num(now), last or ''}`);
	END = `
local function finish(session)
  local last = call('ZSCORE', P .. 'l', session)
  call('ZREM', P .. 'l', session)
  if last then
    call('DEL', P .. 's:' .. session)
    call('HSET', P .. 's:' .. session, 'b', last)
  end
  call('ZADD', P .. 'e', 'NX', num(now), session)
end
`;
	END_SESSION = evenWhenFull(`${END} tick() finish(ARGV[3]) return 1`);
	END_SILENT = evenWhenFull(`${END}
local out, silent, before = {}, {}, now - tonumber(ARGV[3])
if ARGV[6] == '1' then
  for i = 7, #ARGV, 2 do
    local last = tonumber(call('ZSCORE', P .. 'l', ARGV[i]) or 'nan')
    if last == tonumber(ARGV[i + 1]) and last < before then silent[#silent + 1] = ARGV[i] end
  end
else silent = call('ZRANGEBYSCORE', P .. 'l', '-inf', '(' .. num(before), 'LIMIT', 0, 1000) end
for _, session in ipairs(silent) do
  if session ~= ARGV[4] then finish(session); out[#out + 1] = session end
end
for _, session in ipairs(call('ZRANGEBYSCORE', P .. 'e', '-inf', num(now - tonumber(ARGV[5])), 'LIMIT', 0, 100)) do
  call('ZREM', P .. 'e', session)
  call('DEL', P .. 's:' .. session)
end
if #out > 0 then tick() end
return out`);
	RELEASE = evenWhenFull(`${HEADS}
local left, more = tonumber(ARGV[3]), 0
local done = 0
for _, owner in ipairs(call('SMEMBERS', P .. 'O')) do
  if not living(owner) then
    local ids = left > 0 and call('SRANDMEMBER', P .. 'o:' .. owner, left) or {}
    for _, id in ipairs(ids) do
      if makeDue(id, now, nil, owner) then done = done + 1 end
      left = left - 1
    end
    if call('SCARD', P .. 'o:' .. owner) > #ids then more = 1; break end
  end
end
commit(done > 0)
return {done, more}`);
	SESSIONS = reads(`
local out = {}
local rows = call('ZRANGE', P .. 'l', 0, -1, 'WITHSCORES')
for i = 1, #rows, 2 do
  local r = call('HMGET', P .. 's:' .. rows[i], 'n', 'v', 'x')
  out[#out + 1] = {rows[i], r[1], r[2], r[3], rows[i + 1], call('SCARD', P .. 'o:' .. rows[i])}
end
return out`);
}));
// packages/store-redis/src/scripts/write.ts
var UNPACK, JUDGE, APPLY, WRITE;
var init_write = __esmMin((() => {
	init_src$4();
	init_connection();
	init_common();
	init_indexes();
	UNPACK = `
local words, at = ARGV[3], 1
local bodies, from = 4, 1
local function body(length)
  length = tonumber(length)
  if length == 0 then return '' end
  if from > #ARGV[bodies] then bodies = bodies + 1; from = 1 end
  from = from + length
  return string.sub(ARGV[bodies], from - length, from - 1)
end
local function insertOf(id, ns, gid)
  local w, s, o, d, a, stateLength, p, g, length
  w, s, o, d, a, stateLength, p, g, length, at = struct.unpack('sssssssss', words, at)
  local S = body(stateLength)
  return {kind = 'i', id = id, ns = ns, gid = gid, w = w, s = s, o = o, d = d, a = a, S = S, p = p, g = g, D = body(length), f = false}
end
local function updateOf(id, ns)
  local w, s, o, d, a, length, version
  w, s, o, d, a, length, version, at = struct.unpack('sssssss', words, at)
  return {kind = 'u', id = id, ns = ns, w = w, s = s, o = o, d = d, a = a, S = body(length), version = tonumber(version), h = false, g = '', f = false}
end
local function appendOf(id)
  local statuses, pattern, most, bytes, postpone, count, entries
  statuses, pattern, most, bytes, postpone, count, at = struct.unpack('ssssss', words, at)
  entries = {}
  for i = 1, tonumber(count) do
    local key, length
    key, length, at = struct.unpack('ss', words, at)
    entries[i] = {key, body(length)}
  end
  return {kind = 'a', id = id, statuses = statuses, pattern = pattern, most = tonumber(most), bytes = tonumber(bytes), postpone = postpone, entries = entries}
end
`;
	JUDGE = `
local checked, items, inserts, outcomes, existing, todo = {}, {}, {}, {}, {}, {}
local function expect(kind, letter, name)
  local names = checked[letter]
  if not names then names = {}; checked[letter] = names end
  if names[name] then return end
  local key = P .. letter .. name
  local is = call('TYPE', key).ok
  if is ~= 'none' and is ~= kind then error({err = 'WRONGTYPE ' .. key .. ' is not of this store'}) end
  names[name] = true
end
local function applied(version) return 'a' .. num(version) end
-- A record with words of a later version is for its nodes.
local function ours(h) return known[h.s] and known[h.p] end
local function conflict(h, letter) return (letter or 'c') .. num(h.v) .. ':' .. h.s end
-- Whether the entries of a transaction and these have room in so many bytes; keys are counted, too.
local function hasRoom(key, h, fresh, bytes)
  for i = 1, h.n do bytes = bytes - call('HSTRLEN', key, 'e' .. i) end
  for _, entry in ipairs(fresh) do bytes = bytes - #entry[2] end
  return bytes >= 0
end
local function dueAt(x) return x == '' and '' or num(math.max(0, now + tonumber(x))) end

-- What reindex is going to change.
local function expectIndexes(g, o, d, o2, d2)
  if d ~= d2 then expect('zset', 'd:', g); expect('set', 'G', '') end
  if o ~= o2 then
    expect('set', 'O', '')
    if o ~= '' then expect('set', 'o:', o) end
    if o2 ~= '' then expect('set', 'o:', o2) end
  end
end
local function take(x, o, d)
  x.f = final(x.s)
  if x.f then x.o = ''; expect('zset', 'f', '') end
  x.d = (x.f or x.o ~= '') and '' or dueAt(x.d)
  expect('hash', 'n', '')
  expect('hash', 'n:', x.ns)
  expectIndexes(x.g, o, d, x.o, x.d)
  todo[#todo + 1] = x
end
local function judgeInsert(x, h)
  if h then return h.w == x.w and 'a1' or conflict(h) end
  expect('zset', 'c:', x.ns)
  take(x, '', '')
  return 'a1'
end
-- The end of a record that is not whole: what is missing in its head is filled in, and the rest stays.
local function judgeReplacement(x)
  local h, broken = wholeHead(x.id)
  if h then return h.w == x.w and applied(1) or conflict(h) end
  if not broken then return 'm' end
  local r = call('HMGET', P .. 't' .. x.id, 's', 'o', 'd', 'a', 'g', 'f', 'x', 'n')
  x.h = {v = ${REPLACED_VERSION - 1}, s = r[1] or 'submitted', o = r[2] or '', d = r[3] or '', a = r[4] or '0', g = r[5] or '', f = r[6] or ''}
  x.g, x.created, x.count = x.h.g, tonumber(r[7] or '') or now, tonumber(r[8] or '') or 0
  take(x, x.h.o, x.h.d)
  return applied(${REPLACED_VERSION})
end
local function judgeUpdate(x, h)
  if not h then return 'm' end
  if h.v ~= x.version then return h.w == x.w and applied(x.version + 1) or conflict(h) end
  if not ours(h) or (final(h.s) and not final(x.s)) then return conflict(h) end
  x.h, x.g = h, h.g
  take(x, h.o, h.d)
  return applied(h.v + 1)
end
local function judgeAppend(x, h)
  if not h then return 'm' end
  local key, there, fresh, version = P .. 't' .. x.id, {}, {}, h.v
  for _, entry in ipairs(x.entries) do
    local pos = call('HGET', key, 'k' .. entry[1])
    if pos then there[#there + 1] = call('HGET', key, 'e' .. pos) else fresh[#fresh + 1] = entry end
  end
  if #fresh > 0 then
    if not ours(h) or (x.pattern ~= '' and x.pattern ~= h.p) then return conflict(h) end
    if not string.find(x.statuses, ',' .. h.s .. ',', 1, true) then return conflict(h) end
    if h.n + #fresh > x.most then return conflict(h, 'e') end
    if x.bytes and not hasRoom(key, h, fresh, x.bytes) then return conflict(h, 'b') end
    x.h, x.fresh, x.d = h, fresh, (h.d ~= '' and x.postpone ~= '') and dueAt(x.postpone) or h.d
    expectIndexes(h.g, h.o, h.d, h.o, x.d)
    todo[#todo + 1] = x
    version = version + 1
  end
  for _, entry in ipairs(there) do existing[#existing + 1] = entry end
  return applied(version) .. (#there > 0 and ':' .. #there or '')
end

while at <= #words do
  local kind, ns, gid
  kind, ns, gid, at = struct.unpack('sss', words, at)
  local id = idOf(ns, gid)
  if kind == 'u' then items[#items + 1] = updateOf(id, ns)
  elseif kind == 'a' then items[#items + 1] = appendOf(id)
  else
    items[#items + 1] = insertOf(id, ns, gid)
    inserts[#inserts + 1] = P .. 't' .. id
  end
end
-- As a rule what is inserted is new: one look tells it of all.
local new = true
for i = 1, #inserts, MOST do
  if call('EXISTS', unpack(inserts, i, math.min(i + MOST - 1, #inserts))) > 0 then new = false end
end
for i, x in ipairs(items) do
  if x.kind == 'u' and x.version == 0 and final(x.s) then outcomes[i] = judgeReplacement(x)
  elseif x.kind == 'u' then outcomes[i] = judgeUpdate(x, head(x.id))
  elseif x.kind == 'a' then outcomes[i] = judgeAppend(x, head(x.id))
  else outcomes[i] = judgeInsert(x, not new and head(x.id)) end
end
`;
	APPLY = `
local t, created = num(now), string.format('%014.0f', now)
local function insert(x, key)
  local f = x.f and t or ''
  call('HSET', key, 'v', '1', 'w', x.w, 's', x.s, 'o', x.o, 'c', x.o == '' and '0' or '1', 'd', x.d, 'a', x.a, 'u', t, 'f', f, 'S', x.S,
    'p', x.p, 'g', x.g, 'x', t, 'n', '0', 'D', x.D)
  gather('ZADD', P .. 'c:' .. x.ns, '0', created .. x.gid)
  if f ~= '' then gather('ZADD', P .. 'f', f, x.id) end
  reindex(x.id, x.g, '', '', x.o, x.d)
  tally(x.ns, x.s, x.a, 1)
end
local function update(x, key)
  local h = x.h
  local f = x.f and (h.f ~= '' and h.f or t) or ''
  call('HSET', key, 'v', num(h.v + 1), 'w', x.w, 's', x.s, 'o', x.o, 'c', x.o == '' and '0' or '1', 'd', x.d, 'a', x.a, 'u', t, 'f', f, 'S', x.S)
  if x.created then call('HSET', key, 'g', x.g, 'x', num(x.created), 'n', num(x.count)) end
  if f ~= '' and h.f == '' then gather('ZADD', P .. 'f', f, x.id) end
  reindex(x.id, x.g, h.o, h.d, x.o, x.d)
  if h.s ~= x.s or h.a ~= x.a then tally(x.ns, h.s, h.a, -1); tally(x.ns, x.s, x.a, 1) end
end
local function append(x, key)
  local h, n, fields = x.h, x.h.n, {}
  for _, entry in ipairs(x.fresh) do
    n = n + 1
    fields[#fields + 1] = 'k' .. entry[1]
    fields[#fields + 1] = num(n)
    fields[#fields + 1] = 'e' .. num(n)
    fields[#fields + 1] = #entry[1] .. ':' .. entry[1] .. entry[2]
  end
  many('HSET', key, fields)
  call('HSET', key, 'v', num(h.v + 1), 'u', t, 'n', num(n), 'd', x.d)
  reindex(x.id, h.g, h.o, h.d, h.o, x.d)
end

if #todo > 0 then tick() end
local apply = {i = insert, u = update, a = append}
for _, x in ipairs(todo) do apply[x.kind](x, P .. 't' .. x.id) end
settle()
return {t, table.concat(outcomes, ' '), existing}
`;
	WRITE = script(`#!lua\n${COMMON}${HEADS}${UNPACK}${JUDGE}${APPLY}`, true);
}));
// packages/store-redis/src/scripts/index.ts
var init_scripts = __esmMin((() => {
	init_due$1();
	init_key_values$1();
	init_open();
	init_purge();
	init_read$1();
	init_sessions$1();
	init_write();
}));
// packages/store-redis/src/due.ts
async function claimDue(keys, request) {
	const { session, limit, groups, maxBytes = STORE_LIMITS.answerBytes } = request;
	let left = maxBytes;
	const hosted = [...new Set(["", ...groups])];
	const claimed = [];
	for (;;) {
		let reply;
		try {
			const most = Math.min(100, limit - claimed.length);
			reply = await keys.run(CLAIM, [
				session,
				most,
				left,
				claimed.length === 0 ? 1 : 0,
				...hosted
			]);
		} catch (thrown) {
			if (thrown instanceof StoreError && thrown.code === "unavailable" && claimed.length > 0) return {
				claimed,
				nextDueInMs: 0,
				sessionEnded: false
			};
			throw thrown;
		}
		const [now, alive, due, found, full, leftOver] = listOf(reply);
		left = textOf$1(leftOver);
		const nowMs = keys.clock.seen(now);
		const reader = new RecordReader(listOf(found));
		while (reader.more) {
			const record = reader.record(keyOf(reader.bytes()));
			if (record !== void 0) claimed.push(record);
		}
		if (alive === 0) return {
			claimed: [],
			nextDueInMs: null,
			sessionEnded: true
		};
		const nextDueInMs = textOf$1(due) === "" ? null : Math.max(0, Number(textOf$1(due)) - nowMs);
		if (nextDueInMs !== 0 || full === 1 || claimed.length >= limit) return {
			claimed,
			nextDueInMs,
			sessionEnded: false
		};
	}
}
async function makeDue(keys, { namespace, laterThanMs, limit }) {
	const begin = `${Buffer.byteLength(namespace)}:${namespace}`;
	const later = Math.max(0, Math.floor(laterThanMs));
	let count = 0;
	let atMs = "";
	for (const group of listOf(await keys.run(GROUPS))) for (let kept = 0;;) {
		const args = [
			bytesOf(group),
			begin,
			later,
			limit - count,
			kept,
			LOOKED_AT,
			atMs
		];
		const [made, others, full, looked, time] = listOf(await partly(count > 0, keys.run(MAKE_DUE, args)));
		count += Number(made);
		kept += Number(others);
		atMs = textOf$1(time);
		if (full === 1) return {
			count,
			more: true
		};
		if (Number(looked) < 1e3) break;
	}
	return {
		count,
		more: false
	};
}
var init_due = __esmMin((() => {
	init_src$4();
	init_installation();
	init_records();
	init_scripts();
}));
// packages/store-redis/src/durability.ts
async function whatACrashMayLose(connection) {
	const info = fieldsOf(String(await connection.ask("INFO")));
	const version = info.get("redis_version") ?? "";
	if (Number.parseInt(version, 10) < OLDEST_VERSION) throw new StoreError("unavailable", `Redis ${version} is too old: ${OLDEST_VERSION} and later are supported`);
	const policy = info.get("maxmemory_policy") ?? "not told";
	if (policy !== "noeviction") return `maxmemory-policy is ${policy}: unfinished transactions may be evicted; set it to noeviction`;
	if (info.get("aof_enabled") !== "1") return "appendonly is off: a crash may lose everything since the last snapshot, or everything when there is none; set it to yes";
	const sync = await setting(connection, "appendfsync");
	if (sync === void 0) return "appendfsync cannot be read, for CONFIG is forbidden: a crash of the machine may lose what was acknowledged just before it, unless it is always";
	if (sync === "everysec") return "appendfsync is everysec: a crash of the machine may lose what was acknowledged in the two seconds before it; set it to always";
	if (sync !== "always") return `appendfsync is ${sync}: a crash of the machine may lose what was acknowledged in the half minute before it, or more; set it to always`;
	if (await setting(connection, "no-appendfsync-on-rewrite") === "yes") return "no-appendfsync-on-rewrite is on: a crash of the machine may lose what was acknowledged while the file was rewritten; set it to no";
}
async function setting(connection, name) {
	try {
		const reply = await connection.ask("CONFIG", "GET", name);
		return Array.isArray(reply) && reply.length === 2 ? String(reply[1]) : void 0;
	} catch (thrown) {
		if (!(thrown instanceof StoreError)) throw thrown;
		await connection.ask("PING");
		return;
	}
}
var OLDEST_VERSION, fieldsOf;
var init_durability = __esmMin((() => {
	init_src$4();
	OLDEST_VERSION = 7;
	fieldsOf = (info) => new Map(info.split("\r\n").flatMap((line) => {
		const colon = line.indexOf(":");
		return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
	}));
}));
// packages/store-redis/src/key-values.ts
function keyValueOf(id, reply) {
	const [value, version, createdAt, updatedAt] = listOf(reply);
	if (version === null || version === void 0) return void 0;
	const { namespace, category, key } = id;
	const times = {
		createdAtMs: Number(textOf$1(createdAt)),
		updatedAtMs: Number(textOf$1(updatedAt))
	};
	return {
		namespace,
		category,
		key,
		value: textOf$1(value),
		version: Number(textOf$1(version)),
		...times
	};
}
var KeyValues, argumentsOf;
var init_key_values = __esmMin((() => {
	init_src$4();
	init_records();
	init_scripts();
	KeyValues = class {
		#keys;
		constructor(keys) {
			this.#keys = keys;
		}
		async get(id) {
			return keyValueOf(id, await this.#keys.run(KV_GET, argumentsOf(id)));
		}
		async put(id, value, expectVersion) {
			return await this.#keys.run(KV_PUT, [
				...argumentsOf(id),
				value,
				expectVersion
			]) === 1 ? "applied" : "conflict";
		}
		async delete(id, expectVersion) {
			const done = await this.#keys.run(KV_DELETE, [...argumentsOf(id), expectVersion]);
			return done === 1 ? "applied" : done === 2 ? "missing" : "conflict";
		}
		async scan(query) {
			const { namespace, category, cursor, limit, maxBytes = STORE_LIMITS.answerBytes } = query;
			const after = cursor === void 0 ? "" : decodeKeyCursor(cursor);
			const [more, rows] = listOf(await this.#keys.run(KV_SCAN, [
				namespace,
				category,
				after,
				limit,
				maxBytes
			]));
			const items = listOf(rows).flatMap((row) => {
				const [key, fields] = listOf(row);
				return keyValueOf({
					namespace,
					category,
					key: textOf$1(key)
				}, fields) ?? [];
			});
			const last = items.at(-1);
			return {
				items,
				next: last !== void 0 && more === 1 ? encodeKeyCursor(last.key) : null
			};
		}
	};
	argumentsOf = ({ namespace, category, key }) => [
		namespace,
		category,
		key
	];
}));
// packages/store-redis/src/read.ts
async function read(keys, wanted, { maxBytes, summary = false } = {}) {
	const found = [];
	let left = maxBytes === void 0 ? "" : String(maxBytes);
	while (found.length < wanted.length) {
		const part = wanted.slice(found.length, found.length + 100);
		const isFirst = found.every((record) => record === void 0);
		const [full, leftOver, records] = listOf(await keys.run(GET, [
			idsOf(part),
			left,
			isFirst ? 1 : 0,
			summary ? 1 : 0
		]));
		const reader = new RecordReader(listOf(records));
		for (const key of part) if (reader.more) found.push(reader.record(key));
		if (full === 1) break;
		left = textOf$1(leftOver);
	}
	return found;
}
async function versions(keys, wanted) {
	const found = [];
	for (let from = 0; from < wanted.length; from += LOOKED_AT) {
		const reply = await keys.run(VERSIONS, [idsOf(wanted.slice(from, from + LOOKED_AT))]);
		for (const word of textOf$1(reply).split("\0")) found.push(word === "" ? void 0 : numberOr0(word));
	}
	return found;
}
var idsOf;
var init_read = __esmMin((() => {
	init_installation();
	init_records();
	init_scripts();
	idsOf = (keys) => {
		let words = "";
		for (const { namespace, gid } of keys) words += `${namespace}\0${gid}\0`;
		return words;
	};
}));
// packages/store-redis/src/list.ts
async function list(keys, query) {
	const { namespace, limit, maxBytes = STORE_LIMITS.answerBytes, summary = false } = query;
	if (query.cursor !== void 0) decodeListCursor(query.cursor);
	if (query.gid !== void 0) {
		const found = query.cursor === void 0 ? await read(keys, [{
			namespace,
			gid: query.gid
		}], { summary }) : [];
		return {
			items: passingFilter(found, query),
			next: null
		};
	}
	const filters = [
		query.status ?? "",
		query.pattern ?? "",
		attentionOf(query)
	];
	const most = filters.every((filter) => filter === "") ? limit + 1 : Math.max(LOOKED_AT, limit + 1);
	const reply = listOf(await keys.run(LIST, [
		namespace,
		...rangeOf(query),
		most,
		...filters,
		limit + 1
	]));
	const positions = listOf(reply[2]).map(positionOf);
	const records = await read(keys, positions.slice(0, limit).map(({ gid }) => ({
		namespace,
		gid
	})), {
		maxBytes,
		summary
	});
	const items = passingFilter(records, query);
	const last = records.length < positions.length ? positions[records.length - 1] : reply[0] === most ? positionOf(reply[1]) : void 0;
	return {
		items,
		next: last === void 0 ? null : encodeListCursor(last)
	};
}
function rangeOf({ cursor, createdFromMs = 0, createdToMs = LAST_MS }) {
	const end = padded(Math.floor(createdToMs) + 1);
	const below = cursor === void 0 ? void 0 : decodeListCursor(cursor);
	const from = below === void 0 ? end : `${padded(below.createdAtMs)}${below.gid}`;
	return [`(${Buffer.compare(Buffer.from(from), Buffer.from(end)) < 0 ? from : end}`, `[${padded(Math.ceil(createdFromMs))}`];
}
function positionOf(reply) {
	const text = textOf$1(reply);
	return {
		createdAtMs: Number(text.slice(0, 14)),
		gid: text.slice(14)
	};
}
var LAST_MS, padded, attentionOf;
var init_list = __esmMin((() => {
	init_src$4();
	init_installation();
	init_read();
	init_records();
	init_scripts();
	LAST_MS = 99999999999998;
	padded = (ms) => String(Math.min(Math.max(ms, 0), 99999999999999)).padStart(14, "0");
	attentionOf = ({ attention }) => attention === void 0 ? "" : attention ? "1" : "0";
}));
// packages/store-redis/src/sessions.ts
var REMEMBERED_MS, Sessions;
var init_sessions = __esmMin((() => {
	init_src$4();
	init_installation();
	init_records();
	init_scripts();
	REMEMBERED_MS = 2592e6;
	Sessions = class {
		#keys;
		constructor(keys) {
			this.#keys = keys;
		}
		async open(session, { node, version }) {
			if (await this.#keys.runBeat(OPEN_SESSION, [
				session,
				node,
				version
			]) !== 1) throw new StoreError("invalid", `session ${session} was ended; open one with a new id`);
		}
		async heartbeat(session) {
			const [alive, nowMs, last] = listOf(await this.#keys.runBeat(HEARTBEAT, [session]));
			const lastMs = textOf$1(last) === "" ? null : Number(textOf$1(last));
			return {
				alive: alive === 1,
				nowMs: this.#keys.clock.seen(nowMs),
				lastMs
			};
		}
		async end(session) {
			await this.#keys.runBeat(END_SESSION, [session]);
		}
		async takeOver({ silenceMs, unchanged, keep, limit }) {
			const only = (unchanged ?? []).flatMap(({ session, heartbeatAtMs }) => [session, Math.floor(heartbeatAtMs)]);
			const silent = [
				Math.floor(silenceMs),
				keep,
				REMEMBERED_MS,
				unchanged === void 0 ? 0 : 1,
				...only
			];
			const ended = listOf(await this.#keys.run(END_SILENT, silent)).map(textOf$1);
			let released = 0;
			for (;;) {
				const run = this.#keys.run(RELEASE, [Math.min(100, limit - released)]);
				const [done, more] = listOf(await partly(released + ended.length > 0, run));
				released += Number(done);
				if (more !== 1 || released === limit) return {
					ended,
					released,
					more: more === 1
				};
			}
		}
		async rows() {
			return listOf(await this.#keys.run(SESSIONS)).map((reply) => {
				const [session = "", node = "", version = "", startedAt, heartbeatAt, owned] = listOf(reply).map(textOf$1);
				return {
					session,
					node,
					version,
					startedAtMs: Number(startedAt),
					heartbeatAtMs: Number(heartbeatAt),
					owned: Number(owned)
				};
			});
		}
	};
}));
// packages/store-redis/src/within.ts
async function within(ms, promise = Promise.resolve()) {
	let timer;
	const late = new Promise((resolve) => timer = setTimeout(resolve, ms));
	await Promise.race([promise.catch(() => void 0), late]);
	clearTimeout(timer);
}
var CLOSE_MS;
var init_within = __esmMin((() => {
	CLOSE_MS = 2e3;
}));
// packages/store-redis/src/redis-store.ts
var SCHEMA_VERSION, RedisStore;
var init_redis_store = __esmMin((() => {
	init_src$4();
	init_src$5();
	init_batch();
	init_due();
	init_durability();
	init_installation();
	init_key_values();
	init_list();
	init_read();
	init_records();
	init_scripts();
	init_sessions();
	init_within();
	SCHEMA_VERSION = 1;
	RedisStore = class {
		#settings;
		#keys;
		#sessions;
		#keyValues;
		#durable = true;
		constructor(settings) {
			this.#settings = settings;
			this.#keys = new Installation(settings);
			this.#sessions = new Sessions(this.#keys);
			this.#keyValues = new KeyValues(this.#keys);
		}
		get capabilities() {
			return {
				name: "redis",
				durable: this.#durable,
				exclusive: false
			};
		}
		async open() {
			const [version, nowMs, found] = listOf(await this.#keys.run(OPEN, [SCHEMA_VERSION]));
			if (Number(textOf$1(version)) !== SCHEMA_VERSION) throw new StoreError("unsupported_format", `the keys at ${this.#keys.base} are of schema ${textOf$1(version)}: start a newer Holdfast`);
			this.#keys.clock.seen(nowMs);
			const loss = await whatACrashMayLose(this.#keys.connection);
			this.#durable = loss === void 0;
			if (loss !== void 0) this.#settings.onWarning(`Redis at ${this.#settings.place}: ${loss}`);
			return {
				found: Number(found),
				current: SCHEMA_VERSION
			};
		}
		async close(idle) {
			await within(CLOSE_MS, idle);
			await this.#keys.close();
		}
		async write(batch) {
			const [nowMs, outcomes, entries] = listOf(await this.#keys.runBatch(WRITE, argumentsOf$1(batch)));
			this.#keys.clock.seen(nowMs);
			return outcomesOf(outcomes, listOf(entries));
		}
		get(keys) {
			return read(this.#keys, keys);
		}
		versions(keys) {
			return versions(this.#keys, keys);
		}
		list(query) {
			return list(this.#keys, query);
		}
		async count(namespace) {
			const flat = listOf(await this.#keys.run(COUNT, [namespace === void 0 ? "n" : `n:${namespace}`]));
			const counts = new Map();
			for (let i = 0; i < flat.length; i += 2) counts.set(textOf$1(flat[i]), Number(textOf$1(flat[i + 1])));
			return {
				byStatus: Object.fromEntries(STATUSES.map((status) => [status, counts.get(status) ?? 0])),
				attention: counts.get("attention") ?? 0
			};
		}
		claimDue(request) {
			return claimDue(this.#keys, request);
		}
		makeDue(request) {
			return makeDue(this.#keys, request);
		}
		async purge({ olderThanMs, limit }) {
			let purged = 0;
			for (;;) {
				const step = Math.min(100, limit - purged);
				const run = this.#keys.run(PURGE, [Math.floor(olderThanMs), step]);
				const done = Number(await partly(purged > 0, run));
				purged += done;
				if (done < step || purged === limit) return purged;
			}
		}
		async nowMs() {
			return this.#keys.clock.seen(await this.#keys.runBeat(TIME));
		}
		openSession = (session, info) => this.#sessions.open(session, info);
		heartbeat = (session) => this.#sessions.heartbeat(session);
		endSession = (session) => this.#sessions.end(session);
		takeOver = (request) => this.#sessions.takeOver(request);
		sessions = () => this.#sessions.rows();
		kvGet = (id) => this.#keyValues.get(id);
		kvPut = (id, value, expectVersion) => this.#keyValues.put(id, value, expectVersion);
		kvDelete = (id, expectVersion) => this.#keyValues.delete(id, expectVersion);
		kvScan = (query) => this.#keyValues.scan(query);
	};
}));
// packages/store-redis/src/index.ts
var src_exports = __exportAll({ createRedisStore: () => createRedisStore });
var createRedisStore;
var init_src = __esmMin((() => {
	init_src$4();
	init_options();
	init_redis_store();
	createRedisStore = (options) => new CheckedStore(new RedisStore(settingsOf(options)));
}));
// packages/server/src/open-store.ts
function storeOf(url, onWarning = () => void 0) {
	const found = SCHEMES.find(({ scheme }) => url.startsWith(scheme));
	if (found !== void 0) return found.make(url.slice(found.scheme.length).replace(/^\/\/(?=\/|\.)/, ""), onWarning);
	const known = SCHEMES.flatMap(({ example }) => example ?? []).join(", ");
	throw new ConfigError(`--store: ${JSON.stringify(url.split(":", 1)[0])} is not a store; use one of ${known}`);
}
var postgres, mysql, redis, SCHEMES;
var init_open_store = __esmMin((() => {
	init_src$4();
	init_config_error();
	postgres = (scheme) => ({
		scheme,
		...scheme === "postgres:" && { example: "postgres://HOST/DATABASE" },
		async make(rest, onWarning) {
			const { createPostgresStore } = await Promise.resolve().then(() => (init_src$2(), src_exports$2));
			return createPostgresStore({
				url: `${scheme}${rest}`,
				onWarning
			});
		}
	});
	mysql = (scheme) => ({
		scheme,
		...scheme === "mysql:" && { example: "mysql://HOST/DATABASE" },
		async make(rest, onWarning) {
			const { createMysqlStore } = await Promise.resolve().then(() => (init_src$1(), src_exports$1));
			return createMysqlStore({
				url: `${scheme}${rest}`,
				onWarning
			});
		}
	});
	redis = (scheme) => ({
		scheme,
		...scheme === "redis:" && { example: "redis://HOST/DATABASE" },
		async make(rest, onWarning) {
			const { createRedisStore } = await Promise.resolve().then(() => (init_src(), src_exports));
			return createRedisStore({
				url: `${scheme}${rest}`,
				onWarning
			});
		}
	});
	SCHEMES = [
		{
			scheme: "memory:",
			example: "memory:",
			make: () => Promise.resolve(new CheckedStore(new MemoryStore(Date.now, performance.now.bind(performance))))
		},
		{
			scheme: "lmdb:",
			example: "lmdb:DIRECTORY",
			async make(path, onWarning) {
				if (path === "") throw new ConfigError("--store lmdb: needs a directory, such as lmdb:./data");
				const { createLmdbStore } = await import("@holdfast/store-lmdb");
				return createLmdbStore({
					path,
					onWarning
				});
			}
		},
		postgres("postgres:"),
		postgres("postgresql:"),
		mysql("mysql:"),
		mysql("mariadb:"),
		redis("redis:"),
		redis("rediss:"),
		redis("redis+unix:"),
		redis("unix:")
	];
}));
// packages/server/src/serve.ts
var serve_exports = __exportAll({ startServer: () => startServer });
async function startServer(values = {}, parts = {}) {
	const config = configWith(values);
	if (config.workers !== 1) throw new ConfigError("workers: this is one process; holdfast serve --workers starts several");
	const log = parts.log ?? SILENT;
	const metrics = new ServerMetrics();
	const store = parts.store ?? await storeOf(config.store, (text) => log.warn({}, text));
	const http = new HttpServer({
		log,
		maxBodyBytes: config.maxBodyBytes,
		maxConnections: config.maxConnections,
		isKnownHost: knownHosts(config),
		servesGetCommands: config.dtmGetCommands,
		requestReader: config.requestReader,
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
			branchClient: config.branchClient,
			connections: {
				lookup: config.nameLookup,
				onNoRoom: () => metrics.noRoomForDestination()
			},
			engine: engineOptionsOf(config, node, VERSION),
			...config.alertWebHook !== "" && { alertWebHook: config.alertWebHook },
			...parts.locals !== void 0 && { locals: parts.locals }
		});
	} catch (error) {
		await http.close();
		throw error;
	}
	http.use(routerOf(running, config, createExposition(metrics, running.engine, parts.siblings), node, log));
	const created = (await store.open()).found === 0;
	let closing;
	return {
		url,
		coordinator: running.engine,
		locals: running.locals,
		config,
		created,
		close: () => closing ??= closeAll(http, running, config)
	};
}
async function closeAll(http, running, { drainTimeout }) {
	http.stopAccepting();
	running.engine.retire();
	try {
		await http.emptied(Math.min(LEAVE_MS, drainTimeout));
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
		...operationsRoutes(handlers, { metrics })
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
var LEAVE_MS;
var init_serve = __esmMin((() => {
	init_src$3();
	init_config_error();
	init_engine_options();
	init_load_config();
	init_dtm_routes();
	init_json_rpc();
	init_known_hosts();
	init_operations();
	init_router();
	init_server();
	init_v1_routes();
	init_log();
	init_exposition();
	init_server_metrics();
	init_open_store();
	init_version();
	LEAVE_MS = 500;
}));
// packages/server/src/workers/gathering.ts
var TIMEOUT_MS, Gathering;
var init_gathering = __esmMin((() => {
	TIMEOUT_MS = 1500;
	Gathering = class {
		#rounds = new Map();
		#last = 0;
		gather(ask) {
			const id = ++this.#last;
			return new Promise((resolve) => {
				const timer = setTimeout(() => round.end(), TIMEOUT_MS);
				const round = {
					snapshots: [],
					missing: ask.length,
					end: () => {
						clearTimeout(timer);
						this.#rounds.delete(id);
						resolve(round.snapshots);
					}
				};
				this.#rounds.set(id, round);
				for (const one of ask) one(id);
				if (ask.length === 0) round.end();
			});
		}
		answered(id, snapshot) {
			const round = this.#rounds.get(id);
			if (round === void 0) return;
			round.snapshots.push(snapshot);
			if (--round.missing === 0) round.end();
		}
	};
}));
// packages/server/src/workers/restarts.ts
var STEADY_MS, FIRST_WAIT_MS, LONGEST_WAIT_MS, MOST_FAILED_STARTS, Restarts;
var init_restarts = __esmMin((() => {
	STEADY_MS = 1e4;
	FIRST_WAIT_MS = 100;
	LONGEST_WAIT_MS = 1e4;
	MOST_FAILED_STARTS = 5;
	Restarts = class {
		#inARow = new Map();
		#failedStarts = 0;
		judge({ worker, servedMs, serving }) {
			this.#failedStarts = servedMs === void 0 ? this.#failedStarts + 1 : 0;
			if (serving === 0 && this.#failedStarts >= MOST_FAILED_STARTS) return { kind: "give up" };
			const before = servedMs !== void 0 && servedMs >= STEADY_MS ? 0 : this.#inARow.get(worker) ?? 0;
			this.#inARow.set(worker, before + 1);
			return {
				kind: "restart",
				afterMs: Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(before, 10))
			};
		}
	};
}));
// packages/server/src/workers/primary.ts
var primary_exports = __exportAll({ Primary: () => Primary });
function tell(worker, message) {
	if (worker.isConnected()) worker.send(message, () => void 0);
}
var FAILED, GRACE_MS, Primary;
var init_primary = __esmMin((() => {
	init_early_stop();
	init_gathering();
	init_restarts();
	FAILED = 1;
	GRACE_MS = 1e4;
	Primary = class {
		#config;
		#log;
		#slots = new Map();
		#restarts = new Restarts();
		#gathering = new Gathering();
		#stopping = false;
		#url = "";
		#exitCode = 0;
		#giveUp = () => void 0;
		#gaveUp = new Promise((resolve) => this.#giveUp = resolve);
		constructor(config, log) {
			this.#config = config;
			this.#log = log;
			cluster.setupPrimary({
				exec: fileURLToPath(new URL("./worker-main.js", import.meta.url)),
				args: []
			});
			process.once("exit", () => this.#killAll());
		}
		async start() {
			await this.#fork(1).settled;
			if (this.#stopping || this.#serving() === 0) return void 0;
			for (let number = 2; number <= this.#config.workers; number++) this.#fork(number);
			await Promise.all([...this.#slots.values()].map(({ settled }) => settled));
			return this.#url;
		}
		get gaveUp() {
			return this.#gaveUp;
		}
		async stop() {
			this.#stopping = true;
			for (const { worker } of this.#slots.values()) tell(worker, { kind: "stop" });
			const late = setTimeout(() => {
				this.#log.error({ workers: [...this.#slots.keys()] }, "workers that do not end are ended");
				this.#killAll();
			}, this.#config.drainTimeout + GRACE_MS);
			await Promise.all([...this.#slots.values()].map(({ ended }) => ended));
			clearTimeout(late);
			return this.#exitCode;
		}
		#fork(number) {
			const worker = cluster.fork();
			const ended = new Promise((resolve) => worker.once("exit", (code, signal) => {
				this.#died(slot, code, signal);
				resolve();
			}));
			const ready = new Promise((resolve) => worker.on("message", (message) => {
				if (message.kind === "ready") resolve();
				this.#heard(slot, message);
			}));
			const slot = {
				number,
				worker,
				servingSinceMs: void 0,
				settled: Promise.race([ready, ended]),
				ended
			};
			this.#slots.set(number, slot);
			return slot;
		}
		#heard(slot, message) {
			const { worker, number } = slot;
			switch (message.kind) {
				case "hello": {
					const { node } = this.#config;
					tell(worker, {
						kind: "start",
						number,
						config: {
							...this.#config,
							workers: 1,
							node: node === "" ? "" : `${node}-${number}`
						}
					});
					if (this.#stopping) tell(worker, { kind: "stop" });
					return;
				}
				case "ready":
					slot.servingSinceMs = performance.now();
					this.#url = message.url;
					return;
				case "gather":
					this.#gather(worker, message.id);
					return;
				case "snapshot": this.#gathering.answered(message.id, message.snapshot);
			}
		}
		async #gather(worker, id) {
			const ask = [...this.#slots.values()].filter((slot) => slot.servingSinceMs !== void 0).map((slot) => (round) => tell(slot.worker, {
				kind: "tell",
				id: round
			}));
			tell(worker, {
				kind: "gathered",
				id,
				snapshots: await this.#gathering.gather(ask)
			});
		}
		#died({ number, servingSinceMs, worker }, code, signal) {
			this.#slots.delete(number);
			const isGroupSignal = this.#stopping && STOP_SIGNALS.some((one) => one === signal);
			if (code !== 0 && !isGroupSignal) this.#exitCode = FAILED;
			if (this.#stopping) return;
			const end = {
				worker: number,
				pid: worker.process.pid,
				...signal === null ? { code } : { signal }
			};
			if (this.#url === "") return;
			const servedMs = servingSinceMs === void 0 ? void 0 : performance.now() - servingSinceMs;
			const verdict = this.#restarts.judge({
				worker: number,
				servedMs,
				serving: this.#serving()
			});
			if (verdict.kind === "give up") {
				this.#log.error(end, "workers die as soon as they are started: giving up; their lines above say why");
				return this.#giveUp();
			}
			this.#exitCode = 0;
			this.#log.warn({
				...end,
				startsInMs: verdict.afterMs
			}, "a worker died; it is started again");
			setTimeout(() => {
				if (!this.#stopping) this.#restart(number);
			}, verdict.afterMs);
		}
		async #restart(number) {
			const slot = this.#fork(number);
			await slot.settled;
			if (slot.servingSinceMs !== void 0) this.#log.info({
				worker: number,
				pid: slot.worker.process.pid
			}, "a worker serves again");
		}
		#serving() {
			return [...this.#slots.values()].filter(({ servingSinceMs }) => servingSinceMs !== void 0).length;
		}
		#killAll() {
			for (const { worker } of this.#slots.values()) worker.process.kill("SIGKILL");
		}
	};
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
		const log = createServeLog(config);
		endOnDefect(log);
		const code = await (config.workers > 1 ? serveByWorkers(config, log, stop) : serveAlone(config, log, stop));
		if (code === 0) log.info({}, "stopped");
		return code;
	} catch (error) {
		if (!isExpected(error)) throw error;
		process.stderr.write(`holdfast: ${withoutSecrets(error.message)}\n`);
		return 1;
	}
}
async function serveAlone(config, log, stop) {
	const { startServer } = await Promise.resolve().then(() => (init_serve(), serve_exports));
	const server = await startedOrStopped(config, log, stop, () => startServer(config, { log }));
	if (server === void 0) return 0;
	announce(config, server.url, log, server.created && config.store !== "memory:" ? { created: placeOfUrl(config.store) } : {});
	announceStop(log, await stop);
	await server.close();
	return 0;
}
async function serveByWorkers(config, log, stop) {
	const { Primary } = await Promise.resolve().then(() => (init_primary(), primary_exports));
	const primary = new Primary(config, log);
	let told = false;
	stop.then((signal) => {
		told = true;
		announceStop(log, signal);
		return primary.stop();
	});
	const url = await primary.start();
	if (url === void 0) return await primary.stop() || (told ? 0 : 1);
	announce(config, url, log, { workers: config.workers });
	await Promise.race([stop, primary.gaveUp]);
	return primary.stop();
}
function announce({ store, grpcPort }, url, log, fields) {
	if (grpcPort !== OPTIONS.grpcPort.default) log.warn({ grpcPort }, "gRPC is not served by this version");
	log.info({
		url,
		store: placeOfUrl(store),
		version: VERSION,
		...fields
	}, `ready: ${url}`);
	const ignored = unknownVariables(process.env);
	if (ignored.length > 0) log.warn({ ignored }, "these environment variables are not options and are ignored");
}
function stopSignal() {
	return new Promise((resolve) => {
		let told = false;
		takeStopSignals((signal) => {
			if (told) process.exit(1);
			told = true;
			resolve(signal);
		});
	});
}
var announceStop;
var init_run_serve = __esmMin((() => {
	init_src$5();
	init_environment();
	init_load_config();
	init_options$3();
	init_early_stop();
	init_started_or_stopped();
	init_serve_process();
	init_version();
	announceStop = (log, signal) => log.info({ signal }, "stopping: new work is refused, what is under way is finished or released");
}));
// packages/server/src/serve-command.ts
init_options$3();
var WRONG_USAGE = 2;
function registerServe(program) {
	const command = program.command("serve").summary("run a coordinator").description("Run a coordinator in the foreground. SIGTERM, SIGINT and SIGHUP stop it in an orderly way; a second one at once.").option("--config <file>", "YAML or JSON file with the options below, named as in it (env: HOLDFAST_CONFIG)").exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : WRONG_USAGE));
	for (const name of OPTION_NAMES) {
		command.addOption(optionOf(name));
		if (OPTIONS[name].default === true) command.addOption(new Option(flagOf(name).replace("--", "--no-"), `turns ${flagOf(name)} off`));
	}
	command.addHelpText("after", "\nOptions before environment before config file before defaults.\n\nExamples:\n  $ holdfast serve\n  $ holdfast serve --store lmdb:/var/lib/holdfast --log-format json\n  $ holdfast serve --store memory: --http-port 0");
	command.action(async (flags) => {
		const { runServe } = await Promise.resolve().then(() => (init_run_serve(), run_serve_exports));
		process.exit(await runServe(flags));
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

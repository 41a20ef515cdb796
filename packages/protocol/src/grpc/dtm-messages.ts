import { LIMITS } from '../limits.ts';
import type { ProtoFile, ProtoMessage } from '../protobuf/schema.ts';

/** The gRPC service of dtm's wire, with its names and numbers; see `proto/dtmgimp.proto`. */

/** Maximum number of entries in a map of texts that a request may carry besides headers. */
const MOST_ENTRIES = 100;

export const DTM_TRANS_OPTIONS = {
  name: 'DtmTransOptions',
  fields: {
    WaitResult: { number: 1, type: 'bool' },
    TimeoutToFail: { number: 2, type: 'int64' },
    RetryInterval: { number: 3, type: 'int64' },
    BranchHeaders: { number: 5, type: 'map', most: LIMITS.branchHeaders },
    RequestTimeout: { number: 6, type: 'int64' },
    RetryLimit: { number: 7, type: 'int64' },
  },
} as const satisfies ProtoMessage;

export const DTM_REQUEST = {
  name: 'DtmRequest',
  fields: {
    Gid: { number: 1, type: 'string' },
    TransType: { number: 2, type: 'string' },
    TransOptions: { number: 3, type: 'message', of: DTM_TRANS_OPTIONS },
    CustomedData: { number: 4, type: 'string' },
    BinPayloads: { number: 5, type: 'repeated', of: 'bytes', most: LIMITS.steps },
    QueryPrepared: { number: 6, type: 'string' },
    Steps: { number: 7, type: 'string' },
    ReqExtra: { number: 8, type: 'map', most: MOST_ENTRIES },
    RollbackReason: { number: 9, type: 'string' },
  },
} as const satisfies ProtoMessage;

export const DTM_GID_REPLY = {
  name: 'DtmGidReply',
  fields: { Gid: { number: 1, type: 'string' } },
} as const satisfies ProtoMessage;

export const DTM_BRANCH_REQUEST = {
  name: 'DtmBranchRequest',
  fields: {
    Gid: { number: 1, type: 'string' },
    TransType: { number: 2, type: 'string' },
    BranchID: { number: 3, type: 'string' },
    Op: { number: 4, type: 'string' },
    Data: { number: 5, type: 'map', most: MOST_ENTRIES },
    BusiPayload: { number: 6, type: 'bytes' },
  },
} as const satisfies ProtoMessage;

export const DTM_TRANSACTION = {
  name: 'DtmTransaction',
  fields: {
    Gid: { number: 1, type: 'string' },
    Status: { number: 2, type: 'string' },
    RollbackReason: { number: 3, type: 'string' },
    Result: { number: 4, type: 'string' },
  },
} as const satisfies ProtoMessage;

export const DTM_PROGRESS = {
  name: 'DtmProgress',
  fields: {
    Status: { number: 1, type: 'string' },
    BinData: { number: 2, type: 'bytes' },
    BranchID: { number: 3, type: 'string' },
    Op: { number: 4, type: 'string' },
  },
} as const satisfies ProtoMessage;

export const DTM_PROGRESSES_REPLY = {
  name: 'DtmProgressesReply',
  fields: {
    Transaction: { number: 1, type: 'message', of: DTM_TRANSACTION },
    Progresses: { number: 2, type: 'repeated', of: DTM_PROGRESS, most: 10_000 },
  },
} as const satisfies ProtoMessage;

export const DTM_TOPIC_REQUEST = {
  name: 'DtmTopicRequest',
  fields: {
    Topic: { number: 1, type: 'string' },
    URL: { number: 2, type: 'string' },
    Remark: { number: 3, type: 'string' },
  },
} as const satisfies ProtoMessage;

const EMPTY = 'google.protobuf.Empty';

export const DTM_PROTO = {
  name: 'dtmgimp.proto',
  package: 'dtmgimp',
  imports: ['google/protobuf/empty.proto'],
  messages: [
    DTM_TRANS_OPTIONS,
    DTM_REQUEST,
    DTM_GID_REPLY,
    DTM_BRANCH_REQUEST,
    DTM_PROGRESSES_REPLY,
    DTM_TRANSACTION,
    DTM_PROGRESS,
    DTM_TOPIC_REQUEST,
  ],
  services: [
    {
      name: 'Dtm',
      methods: [
        { name: 'NewGid', input: EMPTY, output: 'dtmgimp.DtmGidReply' },
        { name: 'Submit', input: 'dtmgimp.DtmRequest', output: EMPTY },
        { name: 'Prepare', input: 'dtmgimp.DtmRequest', output: EMPTY },
        { name: 'Abort', input: 'dtmgimp.DtmRequest', output: EMPTY },
        { name: 'RegisterBranch', input: 'dtmgimp.DtmBranchRequest', output: EMPTY },
        { name: 'PrepareWorkflow', input: 'dtmgimp.DtmRequest', output: 'dtmgimp.DtmProgressesReply' },
        { name: 'Subscribe', input: 'dtmgimp.DtmTopicRequest', output: EMPTY },
        { name: 'Unsubscribe', input: 'dtmgimp.DtmTopicRequest', output: EMPTY },
        { name: 'DeleteTopic', input: 'dtmgimp.DtmTopicRequest', output: EMPTY },
      ],
    },
  ],
} as const satisfies ProtoFile;

/** `google/protobuf/empty.proto`, which other files import. */
export const EMPTY_PROTO = {
  name: 'google/protobuf/empty.proto',
  package: 'google.protobuf',
  imports: [],
  messages: [{ name: 'Empty', fields: {} }],
  services: [],
} as const satisfies ProtoFile;

/** What the coordinator sends to the code of a workflow. */
export const WORKFLOW_DATA = {
  name: 'WorkflowData',
  fields: { Data: { number: 1, type: 'bytes' } },
} as const satisfies ProtoMessage;

export const WORKFLOW_PROTO = {
  name: 'workflow.proto',
  package: 'workflow',
  imports: ['google/protobuf/empty.proto'],
  messages: [WORKFLOW_DATA],
  services: [{ name: 'Workflow', methods: [{ name: 'Execute', input: 'workflow.WorkflowData', output: EMPTY }] }],
} as const satisfies ProtoFile;

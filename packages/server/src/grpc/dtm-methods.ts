import type { CallContext, TransactionInput, TransactionView } from '@holdfast/core';
import { type DtmOutcome, type DtmService, invalid, mapInTurns, rejectCall } from '@holdfast/api';
import { HoldfastError, withoutSecrets } from '@holdfast/protocol';
import {
  DTM_BRANCH_REQUEST,
  DTM_GID_REPLY,
  DTM_PROGRESSES_REPLY,
  DTM_REQUEST,
  DTM_TOPIC_REQUEST,
  EMPTY_PROTO,
} from '@holdfast/protocol/grpc';
import { encodeMessage, type MessageOf, type ProtoMessage } from '@holdfast/protocol/protobuf';
import { failureReason } from '@holdfast/core/patterns';
import { isLong, nextTurn, parseJson, parseLongJson } from '../http/json-text.ts';
import { readRegistrationOf } from '../dtm/read-branch.ts';
import { readAbort } from '../dtm/read-command.ts';
import { readSubmissionOf, readTransactionOf } from '../dtm/read-transaction.ts';
import { decodeRequest } from './decode-request.ts';
import { grpcErrorOf } from './grpc-error.ts';
import type { UnaryMethod } from './grpc-method.ts';
import { rejectRequest } from './reject-request.ts';

const EMPTY = new Uint8Array(0);
const [EMPTY_MESSAGE] = EMPTY_PROTO.messages;

/** dtm's gRPC calls (service `dtmgimp.Dtm`), rendered from its service. */
export const dtmMethods = (service: DtmService): readonly UnaryMethod[] => [
  unary(
    'NewGid',
    EMPTY_MESSAGE,
    () => ({}),
    service.invokeOf('newGid'),
    (gid) => encodeMessage(DTM_GID_REPLY, { Gid: gid }),
  ),
  change('Prepare', DTM_REQUEST, transactionOf, service.invokeOf('prepare')),
  change(
    'Submit',
    DTM_REQUEST,
    async (request) => readSubmissionOf(...(await wireOf(request))),
    service.invokeOf('submit'),
  ),
  change('Abort', DTM_REQUEST, readAbortRequest, service.invokeOf('abort')),
  change('RegisterBranch', DTM_BRANCH_REQUEST, readBranchRequest, service.invokeOf('registerBranch')),
  unary('PrepareWorkflow', DTM_REQUEST, transactionOf, service.invokeOf('prepareWorkflow'), progressesReply),
  change(
    'Subscribe',
    DTM_TOPIC_REQUEST,
    ({ Topic, URL, Remark }) => ({ topic: Topic, url: URL, remark: Remark }),
    service.invokeOf('subscribe'),
  ),
  change(
    'Unsubscribe',
    DTM_TOPIC_REQUEST,
    ({ Topic, URL }) => ({ topic: Topic, url: URL }),
    service.invokeOf('unsubscribe'),
  ),
  change('DeleteTopic', DTM_TOPIC_REQUEST, ({ Topic }) => ({ topic: Topic }), service.invokeOf('deleteTopic')),
];

/** A request that cannot be read is rejected within the interceptors of its call. */
const unary = <M extends ProtoMessage, Input, Result>(
  method: string,
  type: M,
  read: (request: MessageOf<M>) => Input | Promise<Input>,
  run: (context: CallContext, input: Input) => Promise<Result>,
  write: (result: Result) => Uint8Array | Promise<Uint8Array>,
): UnaryMethod => ({
  kind: 'unary',
  path: `/dtmgimp.Dtm/${method}`,
  call: async (context, bytes) => {
    let input: Input;
    try {
      input = await read(await decode(type, bytes));
    } catch (thrown) {
      return rejectCall(run, context, thrown);
    }
    return write(await run(context, input));
  },
  reject: (context, error) => rejectRequest(run, context, error),
});

const change = <M extends ProtoMessage, Input>(
  method: string,
  type: M,
  read: (request: MessageOf<M>) => Input | Promise<Input>,
  run: (context: CallContext, input: Input) => Promise<DtmOutcome>,
): UnaryMethod =>
  unary(method, type, read, run, (outcome) => {
    if (outcome.kind !== 'SUCCESS') throw grpcErrorOf(outcome);
    return EMPTY;
  });

/** Decodes a request; a long one after other events have had their turn. */
async function decode<M extends ProtoMessage>(type: M, bytes: Buffer): Promise<MessageOf<M>> {
  if (isLong(bytes)) await nextTurn();
  return decodeRequest(type, bytes);
}

type Request = MessageOf<typeof DTM_REQUEST>;

const transactionOf = async (request: Request): Promise<TransactionInput> =>
  readTransactionOf(...(await wireOf(request)));

/** A transaction as the other transports of dtm's wire have it, and its payloads. */
async function wireOf(request: Request): Promise<readonly [wire: object, payloads: readonly Uint8Array[]]> {
  const { TransOptions: options } = request;
  const wire = {
    gid: request.Gid,
    trans_type: request.TransType,
    steps: await stepsOf(request),
    custom_data: request.CustomedData,
    query_prepared: request.QueryPrepared,
    protocol: 'grpc',
    req_extra: Object.fromEntries(request.ReqExtra),
    rollback_reason: request.RollbackReason,
    // An option with its default value is not on the wire: it counts as absent.
    ...(options !== undefined && {
      wait_result: options.WaitResult || null,
      timeout_to_fail: options.TimeoutToFail || null,
      retry_interval: options.RetryInterval || null,
      request_timeout: options.RequestTimeout || null,
      retry_limit: options.RetryLimit || null,
      branch_headers: options.BranchHeaders.size === 0 ? null : Object.fromEntries(options.BranchHeaders),
    }),
  };
  return [wire, request.BinPayloads.map(copyOf)];
}

async function stepsOf({ Gid, Steps }: Request): Promise<unknown> {
  if (Steps === '') return null;
  try {
    return isLong(Steps) ? await parseLongJson(Steps) : parseJson(Steps);
  } catch (thrown) {
    const error = HoldfastError.from(thrown);
    if (error.code !== 'invalid') throw error;
    throw invalid(Gid, ['steps'], 'must be a JSON text');
  }
}

const readAbortRequest = ({ Gid, TransType, RollbackReason, TransOptions }: Request) =>
  readAbort({
    gid: Gid,
    trans_type: TransType,
    rollback_reason: RollbackReason,
    wait_result: TransOptions?.WaitResult ?? false,
  });

const readBranchRequest = ({ Gid, TransType, BranchID, Op, Data, BusiPayload }: MessageOf<typeof DTM_BRANCH_REQUEST>) =>
  readRegistrationOf(
    { ...(Op !== '' && { op: Op }), ...Object.fromEntries(Data), gid: Gid, trans_type: TransType, branch_id: BranchID },
    copyOf(BusiPayload),
  );

/** Decoded bytes share memory with the request, and with others that were received with it. */
const copyOf = (bytes: Uint8Array): Uint8Array => Buffer.from(bytes);

async function progressesReply(view: TransactionView): Promise<Uint8Array> {
  return encodeMessage(DTM_PROGRESSES_REPLY, {
    Transaction: {
      Gid: view.gid,
      Status: view.status,
      RollbackReason: withoutSecrets(failureReason(view.state)),
      Result: view.state.result,
    },
    Progresses: await mapInTurns(view.branches, ({ branchId, op, status, payload }) => ({
      Status: status,
      BinData: payload,
      BranchID: branchId,
      Op: op,
    })),
  });
}

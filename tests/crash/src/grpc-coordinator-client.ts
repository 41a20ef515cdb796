import grpc from '@grpc/grpc-js';
import type { DtmBody } from './dtm-body.ts';
import { GrpcCaller, type GrpcEnd } from './grpc-caller.ts';
import type { ClientResponse, CoordinatorCall } from './notes.ts';
import { DTM_METHODS, methodOf } from './published-services.ts';
import type { Access } from './secured/access.ts';

/** As long as over HTTP. */
const TIMEOUT_MS = 5_000;

const METHODS: Readonly<Record<CoordinatorCall, string>> = {
  prepare: 'Prepare',
  registerBranch: 'RegisterBranch',
  submit: 'Submit',
  abort: 'Abort',
};

/**
 * Calls the coordinator as clients do, over gRPC. No method throws: a failed call returns the
 * outcome `unknown`.
 */
export class GrpcCoordinatorClient {
  readonly #caller: GrpcCaller;

  /** @param access undefined: neither TLS nor a token */
  constructor(address: string, access?: Access) {
    this.#caller = new GrpcCaller(address, access);
  }

  /** As `CoordinatorClient.post`. */
  async post(call: CoordinatorCall, body: DtmBody, waited: boolean): Promise<ClientResponse> {
    const request = call === 'registerBranch' ? branchRequestOf(body) : requestOf(body);
    const end = await this.#call(METHODS[call], request);
    const response = { outcome: outcomeOf(end), status: end.trailer('holdfast-status'), waited };
    return isDenied(end.code) ? { ...response, deniedAtMs: Date.now() } : response;
  }

  /** A fresh gid, or undefined if there is no response. */
  async newGid(): Promise<string | undefined> {
    const { message } = await this.#call('NewGid', {});
    const gid = message['Gid'];
    return typeof gid === 'string' && gid !== '' ? gid : undefined;
  }

  close(): void {
    this.#caller.close();
  }

  #call(method: string, request: object): Promise<GrpcEnd> {
    return this.#caller.call(methodOf(DTM_METHODS, method), request, TIMEOUT_MS);
  }
}

/** The caller's token was rejected, or lacks a permission. */
export const isDenied = (code: grpc.status): boolean =>
  code === grpc.status.UNAUTHENTICATED || code === grpc.status.PERMISSION_DENIED;

/** The same rules as over HTTP. */
function outcomeOf({ code, trailer }: GrpcEnd): ClientResponse['outcome'] {
  switch (code) {
    case grpc.status.OK:
      return 'success';
    case grpc.status.ABORTED:
      return 'refused';
    case grpc.status.FAILED_PRECONDITION:
      return 'ongoing';
    default:
      return trailer('holdfast-status') === '' ? 'unknown' : 'ongoing';
  }
}

function requestOf(body: DtmBody): object {
  return {
    Gid: body.gid,
    TransType: body.trans_type,
    TransOptions: {
      WaitResult: body.wait_result ?? false,
      TimeoutToFail: body.timeout_to_fail ?? 0,
      RetryInterval: body.retry_interval ?? 0,
      RequestTimeout: body.request_timeout ?? 0,
      RetryLimit: body.retry_limit ?? 0,
    },
    CustomedData: body.custom_data ?? '',
    BinPayloads: (body.payloads ?? []).map((payload) => Buffer.from(payload)),
    QueryPrepared: body.query_prepared ?? '',
    Steps: body.steps === undefined ? '' : JSON.stringify(body.steps),
    RollbackReason: body.rollback_reason ?? '',
  };
}

function branchRequestOf(body: DtmBody): object {
  return {
    Gid: body.gid,
    TransType: body.trans_type,
    BranchID: body.branch_id ?? '',
    Data: { confirm: body.confirm ?? '', cancel: body.cancel ?? '' },
    BusiPayload: Buffer.from(body.data ?? ''),
  };
}

import { type BranchResult, resultOfGrpc, SUCCESS } from '@holdfast/protocol';
import { DTM_BRANCH_REQUEST } from '@holdfast/protocol/grpc';
import { encodeMessage } from '@holdfast/protocol/protobuf';
import { Ending } from '../api/ending.ts';
import { GrpcClients } from '../api/grpc-clients.ts';
import { loadGrpc } from '../api/grpc-library.ts';
import { unary } from '../api/grpc-unary.ts';
import type { BranchKey } from '../barrier/barrier.ts';

const PATH = '/dtmgimp.Dtm/RegisterBranch';
const FORM = /^(grpcs?):\/\/(.+)$/;

/** Registers branches of xa with coordinators over dtm's gRPC protocol. */
export class GrpcRegistration {
  #clients: GrpcClients | undefined;

  /**
   * @param root `grpc://host:port`
   * @param url of the branch
   */
  async register(root: string, { gid, branchId }: BranchKey, url: string, timeoutMs: number): Promise<BranchResult> {
    const [, scheme, server = ''] = FORM.exec(root) ?? [];
    const grpc = await loadGrpc();
    const clients = (this.#clients ??= new GrpcClients(grpc));
    const client = clients.of({ scheme: '', server, isSecure: scheme === 'grpcs' });
    const request = { Gid: gid, TransType: 'xa', BranchID: branchId, Data: new Map([['url', url]]) };
    const message = Buffer.from(encodeMessage(DTM_BRANCH_REQUEST, request));
    const ending = new Ending(timeoutMs, undefined);
    const end = await unary(client, { path: PATH, message, metadata: new grpc.Metadata(), timeoutMs }, ending);
    ending.over();
    if (end.isOk) return SUCCESS;
    if (ending.isLate) clients.replace(client);
    return resultOfGrpc(end.error.code, end.error.details);
  }
}

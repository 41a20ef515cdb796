import type { DtmOperationName } from '@holdfast/api';

export interface DtmRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

const ROOT = '/api/dtmsvr';
const TRANSACTION = { gid: 'g', trans_type: 'saga', steps: [], payloads: [] };
const TCC_BRANCH = { gid: 'g', trans_type: 'tcc', branch_id: '01', confirm: 'http://a/', cancel: 'http://a/' };
const XA_BRANCH = { gid: 'g', trans_type: 'xa', branch_id: '01', url: 'http://a/' };

const post = (call: string, body?: unknown): DtmRequest => ({ method: 'POST', path: `${ROOT}/${call}`, body });
const get = (call: string): DtmRequest => ({ method: 'GET', path: `${ROOT}/${call}` });
const both = (call: string): readonly DtmRequest[] => [get(call), post(call)];

/** A valid request for each route of dtm's REST. */
export const DTM_REQUESTS: Readonly<Record<DtmOperationName, readonly DtmRequest[]>> = {
  version: [get('version')],
  newGid: [get('newGid')],
  prepare: [post('prepare', TRANSACTION)],
  submit: [post('submit', TRANSACTION)],
  abort: [post('abort', { gid: 'g', trans_type: 'tcc' })],
  registerBranch: [
    post('registerBranch', TCC_BRANCH),
    post('registerTccBranch', TCC_BRANCH),
    post('registerXaBranch', XA_BRANCH),
  ],
  prepareWorkflow: [post('prepareWorkflow', { gid: 'g', trans_type: 'workflow', custom_data: '{"name":"w"}' })],
  forceStop: [post('forceStop', { gid: 'g' })],
  resetNextCronTime: [post('resetNextCronTime', { gid: 'g' })],
  resetCronTime: both('resetCronTime?timeout=1'),
  query: [get('query?gid=g')],
  all: [get('all')],
  scanKeyValues: [get('scanKV?cat=topics')],
  queryKeyValue: [get('queryKV?cat=topics&key=t')],
  subscribe: both('subscribe?topic=t&url=http://a/'),
  unsubscribe: both('unsubscribe?topic=t&url=http://a/'),
  deleteTopic: [{ method: 'DELETE', path: `${ROOT}/topic/x` }],
};

/** Valid parameters for each method of JSON-RPC. */
export const RPC_REQUESTS: Readonly<Partial<Record<DtmOperationName, unknown>>> = {
  newGid: {},
  prepare: TRANSACTION,
  submit: TRANSACTION,
  abort: { gid: 'g', trans_type: 'tcc' },
  registerBranch: TCC_BRANCH,
};

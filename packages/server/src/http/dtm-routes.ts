import type { Pattern } from '@holdfast/protocol';
import { type DtmService, faultOfError, QueryReader, SUCCEEDED } from '@holdfast/api';
import { readRegistration } from '../dtm/read-branch.ts';
import { readAbort, readOrderGid, requireGid } from '../dtm/read-order.ts';
import { readListQuery, readScan, readSubscriber } from '../dtm/read-query.ts';
import { readSubmission, readTransaction } from '../dtm/read-transaction.ts';
import { writeKeyValues } from '../dtm/write-key-value.ts';
import { writeBranches, writePage, writeProgresses, writeTransaction } from '../dtm/write-transaction.ts';
import { replyOfFault, replyOfOutcome } from './dtm-replies.ts';
import { change, get, getAndPost, getLong, post } from './dtm-route-kinds.ts';
import { jsonReply, longJsonReply } from './reply.ts';
import type { Route } from './router.ts';

/** dtm's REST calls (protocol page, "REST"), rendered from its service. */
export const dtmRoutes = (service: DtmService): readonly Route[] => [
  ...changes(service),
  ...queries(service),
  ...topics(service),
];

const changes = (service: DtmService): readonly Route[] => [
  change('/prepare', readTransaction, (context, input) => service.prepare(context, input)),
  change('/submit', readSubmission, (context, submission) => service.submit(context, submission)),
  change('/abort', readAbort, (context, abort) => service.abort(context, abort)),
  register(service, '/registerBranch'),
  register(service, '/registerTccBranch', 'tcc'),
  register(service, '/registerXaBranch', 'xa'),
  prepareWorkflow(service),
  change('/forceStop', readOrderGid, (context, gid) => service.forceStop(context, gid)),
  change('/resetNextCronTime', readOrderGid, (context, gid) => service.resetNextCronTime(context, gid)),
  ...getAndPost('/resetCronTime', async (context, query) => {
    const reset = { timeoutSeconds: query.count('timeout'), limit: query.count('limit') };
    const { count, more } = await service.resetCronTime(context, reset);
    return jsonReply(200, { succeed_count: count, has_remaining: more });
  }),
];

const register = (service: DtmService, path: string, implied?: Pattern): Route =>
  change(
    path,
    (body) => readRegistration(body, implied),
    (context, branch) => service.registerBranch(context, branch),
  );

/**
 * The Go client reads only the body, whatever the status. A body without a `transaction` crashes
 * it, and with an empty transaction it would run a workflow that is never recorded. So an error
 * response has the object, and a `progresses` that is not a list; the client's decoding error shows
 * its text.
 */
const prepareWorkflow = (service: DtmService): Route =>
  post(
    '/prepareWorkflow',
    readTransaction,
    async (context, input) => {
      const view = await service.prepareWorkflow(context, input);
      return longJsonReply(200, {
        transaction: await writeTransaction(view),
        progresses: await writeProgresses(view),
      });
    },
    (error) => {
      const fault = faultOfError(error);
      return replyOfFault(fault, { transaction: { gid: error.gid ?? '' }, progresses: fault.message });
    },
  );

const queries = (service: DtmService): readonly Route[] => [
  get('/version', () => jsonReply(200, { version: service.version })),
  get('/newGid', async ({ context }) =>
    jsonReply(200, { gid: await service.newGid(context), dtm_result: SUCCEEDED.kind }),
  ),
  getLong('/query', async ({ context, query }) => {
    const view = await service.query(context, requireGid(query.get('gid')));
    if (view === undefined) return jsonReply(200, { transaction: null, branches: [] });
    return longJsonReply(200, { transaction: await writeTransaction(view), branches: await writeBranches(view) });
  }),
  getLong('/all', async ({ context, query }) => {
    const { items, next } = await service.all(context, readListQuery(new QueryReader(query)));
    return longJsonReply(200, { transactions: await writePage(items), next_position: next ?? '' });
  }),
  getLong('/scanKV', async ({ context, query }) => {
    const { items, next } = await service.scanKeyValues(context, readScan(new QueryReader(query)));
    return longJsonReply(200, { kv: await writeKeyValues(items), next_position: next ?? '' });
  }),
  getLong('/queryKV', async ({ context, query }) => {
    const reader = new QueryReader(query);
    const found = await service.queryKeyValue(context, { category: reader.text('cat'), key: reader.text('key') });
    return longJsonReply(200, { kv: await writeKeyValues(found === undefined ? [] : [found]) });
  }),
];

const topics = (service: DtmService): readonly Route[] => [
  ...getAndPost('/subscribe', async (context, query) =>
    replyOfOutcome(await service.subscribe(context, { ...readSubscriber(query), remark: query.text('remark') })),
  ),
  ...getAndPost('/unsubscribe', async (context, query) =>
    replyOfOutcome(await service.unsubscribe(context, readSubscriber(query))),
  ),
  {
    ...get('/topic/:name', async ({ context, params: [topic = ''] }) =>
      replyOfOutcome(await service.deleteTopic(context, topic)),
    ),
    method: 'DELETE',
  },
];

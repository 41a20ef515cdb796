import type { Pattern } from '@holdfast/protocol';
import { type DtmInvoke, type DtmService, faultOfError, QueryReader, SUCCEEDED } from '@holdfast/api';
import { readRegistration } from '../dtm/read-branch.ts';
import { readAbort, readCommand, requireGid } from '../dtm/read-command.ts';
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
  change('/prepare', readTransaction, service.invokeOf('prepare')),
  change('/submit', readSubmission, service.invokeOf('submit')),
  change('/abort', readAbort, service.invokeOf('abort')),
  register(service, '/registerBranch'),
  register(service, '/registerTccBranch', 'tcc'),
  register(service, '/registerXaBranch', 'xa'),
  prepareWorkflow(service.invokeOf('prepareWorkflow')),
  change('/forceStop', readCommand, service.invokeOf('forceStop')),
  change('/resetNextCronTime', readCommand, service.invokeOf('resetNextCronTime')),
  ...resetCronTime(service.invokeOf('resetCronTime')),
];

const resetCronTime = (reset: DtmInvoke<'resetCronTime'>): readonly Route[] =>
  getAndPost('/resetCronTime', async (context, query) => {
    const input = { timeoutSeconds: query.count('timeout'), limit: query.count('limit') };
    const { count, more } = await reset(context, input);
    return jsonReply(200, { succeed_count: count, has_remaining: more });
  });

const register = (service: DtmService, path: string, implied?: Pattern): Route =>
  change(path, (body) => readRegistration(body, implied), service.invokeOf('registerBranch'));

/**
 * The Go client reads only the body, whatever the status. A body without a `transaction` crashes
 * it, and with an empty transaction it would run a workflow that is never recorded. So an error
 * response has the object, and a `progresses` that is not a list; the client's decoding error shows
 * its text.
 */
const prepareWorkflow = (prepare: DtmInvoke<'prepareWorkflow'>): Route =>
  post(
    '/prepareWorkflow',
    readTransaction,
    async (context, input) => {
      const view = await prepare(context, input);
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

function queries(service: DtmService): readonly Route[] {
  const [version, newGid, query] = [service.invokeOf('version'), service.invokeOf('newGid'), service.invokeOf('query')];
  const [all, scan, find] = [
    service.invokeOf('all'),
    service.invokeOf('scanKeyValues'),
    service.invokeOf('queryKeyValue'),
  ];
  return [
    get('/version', async ({ context }) => jsonReply(200, { version: await version(context, {}) })),
    get('/newGid', async ({ context }) =>
      jsonReply(200, { gid: await newGid(context, {}), dtm_result: SUCCEEDED.kind }),
    ),
    getLong('/query', async ({ context, query: search }) => {
      const view = await query(context, { gid: requireGid(search.get('gid')) });
      if (view === undefined) return jsonReply(200, { transaction: null, branches: [] });
      return longJsonReply(200, { transaction: await writeTransaction(view), branches: await writeBranches(view) });
    }),
    getLong('/all', async ({ context, query: search }) => {
      const { items, next } = await all(context, readListQuery(new QueryReader(search)));
      return longJsonReply(200, { transactions: await writePage(items), next_position: next ?? '' });
    }),
    getLong('/scanKV', async ({ context, query: search }) => {
      const { items, next } = await scan(context, readScan(new QueryReader(search)));
      return longJsonReply(200, { kv: await writeKeyValues(items), next_position: next ?? '' });
    }),
    getLong('/queryKV', async ({ context, query: search }) => {
      const reader = new QueryReader(search);
      const found = await find(context, { category: reader.text('cat'), key: reader.text('key') });
      return longJsonReply(200, { kv: await writeKeyValues(found === undefined ? [] : [found]) });
    }),
  ];
}

function topics(service: DtmService): readonly Route[] {
  const subscribe = service.invokeOf('subscribe');
  const unsubscribe = service.invokeOf('unsubscribe');
  const deleteTopic = service.invokeOf('deleteTopic');
  return [
    ...getAndPost('/subscribe', async (context, query) =>
      replyOfOutcome(await subscribe(context, { ...readSubscriber(query), remark: query.text('remark') })),
    ),
    ...getAndPost('/unsubscribe', async (context, query) =>
      replyOfOutcome(await unsubscribe(context, readSubscriber(query))),
    ),
    {
      ...get('/topic/:name', async ({ context, params: [topic = ''] }) =>
        replyOfOutcome(await deleteTopic(context, { topic })),
      ),
      method: 'DELETE',
    },
  ];
}

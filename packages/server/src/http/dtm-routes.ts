import type { Pattern } from '@holdfast/protocol';
import { type DtmInvoke, type DtmService, faultOfError, type RetryPolicy, SUCCEEDED } from '@holdfast/api';
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
  prepareWorkflow(service.invokeOf('prepareWorkflow'), service.retry),
  change('/forceStop', readCommand, service.invokeOf('forceStop')),
  change('/resetNextCronTime', readCommand, service.invokeOf('resetNextCronTime')),
  ...resetCronTime(service.invokeOf('resetCronTime')),
];

const resetCronTime = (reset: DtmInvoke<'resetCronTime'>): readonly Route[] =>
  getAndPost(
    '/resetCronTime',
    (query) => ({ timeoutSeconds: query.count('timeout'), limit: query.count('limit') }),
    reset,
    ({ count, more }) => jsonReply(200, { succeed_count: count, has_remaining: more }),
  );

const register = (service: DtmService, path: string, implied?: Pattern): Route =>
  change(path, (body) => readRegistration(body, implied), service.invokeOf('registerBranch'));

/**
 * The Go client reads only the body, whatever the status. A body without a `transaction` crashes
 * it, and with an empty transaction it would run a workflow that is never recorded. So an error
 * response has the object, and a `progresses` that is not a list; the client's decoding error shows
 * its text.
 */
const prepareWorkflow = (prepare: DtmInvoke<'prepareWorkflow'>, retry: RetryPolicy): Route =>
  post(
    '/prepareWorkflow',
    readTransaction,
    prepare,
    async (view) =>
      longJsonReply(200, {
        transaction: await writeTransaction(view, retry),
        progresses: await writeProgresses(view),
      }),
    (error) => {
      const fault = faultOfError(error);
      return replyOfFault(fault, { transaction: { gid: error.gid ?? '' }, progresses: fault.message });
    },
  );

const readNothing = () => ({});

const queries = (service: DtmService): readonly Route[] => [
  get('/version', readNothing, service.invokeOf('version'), (version) => jsonReply(200, { version })),
  get('/newGid', readNothing, service.invokeOf('newGid'), (gid) => jsonReply(200, { gid, dtm_result: SUCCEEDED.kind })),
  getLong(
    '/query',
    (query) => ({ gid: requireGid(query.text('gid')) }),
    service.invokeOf('query'),
    async (view) => {
      if (view === undefined) return jsonReply(200, { transaction: null, branches: [] });
      return longJsonReply(200, {
        transaction: await writeTransaction(view, service.retry),
        branches: await writeBranches(view),
      });
    },
  ),
  getLong('/all', readListQuery, service.invokeOf('all'), async ({ items, next }) =>
    longJsonReply(200, { transactions: await writePage(items, service.retry), next_position: next ?? '' }),
  ),
  getLong('/scanKV', readScan, service.invokeOf('scanKeyValues'), async ({ items, next }) =>
    longJsonReply(200, { kv: await writeKeyValues(items), next_position: next ?? '' }),
  ),
  getLong(
    '/queryKV',
    (query) => ({ category: query.text('cat'), key: query.text('key') }),
    service.invokeOf('queryKeyValue'),
    async (found) => longJsonReply(200, { kv: await writeKeyValues(found === undefined ? [] : [found]) }),
  ),
];

const topics = (service: DtmService): readonly Route[] => [
  ...getAndPost(
    '/subscribe',
    (query) => ({ ...readSubscriber(query), remark: query.text('remark') }),
    service.invokeOf('subscribe'),
    replyOfOutcome,
  ),
  ...getAndPost('/unsubscribe', readSubscriber, service.invokeOf('unsubscribe'), replyOfOutcome),
  {
    ...get('/topic/:name', (_, [topic = '']) => ({ topic }), service.invokeOf('deleteTopic'), replyOfOutcome),
    method: 'DELETE',
  },
];

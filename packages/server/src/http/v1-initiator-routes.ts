import type { TransactionView } from '@holdfast/core';
import { HoldfastError, type Pattern, workflowEnd } from '@holdfast/protocol';
import type { Handlers } from '../handlers/table.ts';
import { invalid, parse } from '../reading/parse.ts';
import { readRegistration } from '../v1/read-branch.ts';
import { writeProgress, writeReply } from '../v1/write-view.ts';
import { parseJson } from './json-text.ts';
import { jsonReply, NO_CONTENT } from './reply.ts';
import type { Route } from './router.ts';
import { mustGet, v1Route } from './v1-route.ts';

/** What the code that runs a tcc, xa or workflow asks while it is prepared (`@holdfast/protocol`, api-v1-branches). */
export const initiatorRoutes = (handlers: Handlers): readonly Route[] => [
  v1Route(
    'POST',
    '/transactions/:gid/branches',
    async ({ context, params: [gid = ''], body }) => {
      const { pattern, branches } = readRegistration(parseJson(body));
      assertPattern(await mustGet(handlers, context, gid), pattern);
      await handlers.registerBranch(context, { gid, pattern, branches });
      return NO_CONTENT;
    },
    true,
  ),
  v1Route('GET', '/transactions/:gid/progress', async ({ context, params: [gid = ''] }) => {
    const view = await mustGet(handlers, context, gid);
    assertPattern(view, 'workflow');
    return jsonReply(200, writeProgress(view));
  }),
  v1Route(
    'POST',
    '/transactions/:gid/finish',
    async ({ context, params: [gid = ''], body }) => {
      const { status, reason, result = '' } = parse(workflowEnd, parseJson(body));
      if (status === 'succeed' && reason !== undefined)
        throw invalid(gid, 'reason', 'tells why a workflow failed, and this one succeeds');
      await handlers.finishWorkflow(context, { gid, status, rollbackReason: reason ?? '', result });
      return jsonReply(200, writeReply(await mustGet(handlers, context, gid)));
    },
    true,
  ),
];

/** A branch of another pattern would be stored and never called. */
function assertPattern({ gid, pattern, status }: TransactionView, expected: Pattern): void {
  if (pattern !== expected)
    throw new HoldfastError('refused', `${gid} is a ${pattern}, not a ${expected}`, { gid, field: 'pattern', status });
}

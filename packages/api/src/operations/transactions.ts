import type { CallContext, Coordinator, TransactionInput, TransactionView } from '@holdfast/core';
import { HoldfastError, nounOfPattern, type Status, type TRANSACTION_OPERATIONS } from '@holdfast/protocol';
import { mayReadResults } from '../access/roles.ts';
import { defined } from '../reading/defined.ts';
import { mapInTurns } from '../reading/in-turns.ts';
import { invalid } from '../reading/parse.ts';
import { DEFAULT_PAGE_SIZE } from '../reading/query-reader.ts';
import { readCreation } from '../v1/read-request.ts';
import { withoutResult, writeDetails, writeReply, writeSummary } from '../v1/write-view.ts';
import type { ImplementationsOf } from './implementation.ts';
import { Views } from './views.ts';

export function transactionOperations(coordinator: Coordinator): ImplementationsOf<typeof TRANSACTION_OPERATIONS> {
  const views = new Views(coordinator);
  return {
    async createTransaction(context, { body }, waitMs) {
      const { status, input: read } = readCreation(body);
      const input = read.gid === '' ? { ...read, gid: coordinator.newGid() } : read;
      // Checked before the change: a caller that cannot wait must not start the transaction.
      views.assertMayWait(input.gid, waitMs);
      const created = await create(coordinator, context, status, input);
      const view = await views.readAfter(context, input.gid, waitMs, created);
      return { ...writeReply(view), ...views.heartbeat(view) };
    },

    async listTransactions(context, { query }) {
      const { limit, gid, cursor, ...filters } = query;
      const page = await coordinator.list(context, {
        ...defined({ ...filters, gid: gid || undefined, cursor: cursor || undefined }),
        limit: limit || DEFAULT_PAGE_SIZE,
        summary: true,
      });
      return { items: await mapInTurns(page.items, writeSummary), next: page.next };
    },

    async getTransaction(context, { gid }, waitMs) {
      const details = await writeDetails(await views.read(context, gid, waitMs));
      return mayReadResults(context.principal) ? details : withoutResult(details);
    },

    async submitTransaction(context, { gid, body }, waitMs) {
      const { branches, run } = body ?? {};
      const { pattern, status } = await views.mustGet(context, gid);
      if (pattern === 'workflow')
        throw new HoldfastError('refused', `${gid} is a workflow, which only its code can finish`, { gid, status });
      if (branches !== undefined && pattern !== 'tcc' && pattern !== 'xa')
        throw invalid(gid, ['branches'], `the branches of a ${nounOfPattern(pattern)} are its steps; leave them out`);
      if (run !== undefined && (pattern !== 'tcc' || branches === undefined))
        throw invalid(gid, ['run'], 'is only allowed for a tcc, together with its branches; leave it out');
      views.assertMayWait(gid, waitMs);
      const named = { ...defined({ branches }), ...defined({ run }) };
      const submitted = await coordinator.submitPrepared(context, { gid, pattern, ...named });
      return writeReply(await views.readAfter(context, gid, waitMs, submitted));
    },
  };
}

async function create(
  coordinator: Coordinator,
  context: CallContext,
  status: Status,
  input: TransactionInput,
): Promise<TransactionView> {
  // Starting a workflow again returns the existing one, also if it is finished: its code receives
  // the outcome.
  if (input.pattern === 'workflow') return coordinator.prepareWorkflow(context, { ...input, heartbeats: true });
  if (status === 'prepared') return coordinator.prepare(context, input);
  return (await coordinator.submit(context, input)).view();
}

import type { Coordinator } from '@holdfast/core';
import type { INITIATOR_OPERATIONS } from '@holdfast/protocol';
import { invalid } from '../reading/parse.ts';
import { readRegistration } from '../v1/read-branch.ts';
import { writeProgress, writeReply } from '../v1/write-view.ts';
import type { ImplementationsOf } from './implementation.ts';
import { assertPattern, Views } from './views.ts';

export function initiatorOperations(coordinator: Coordinator): ImplementationsOf<typeof INITIATOR_OPERATIONS> {
  const views = new Views(coordinator);
  return {
    async registerBranch(context, { gid, body }) {
      const { pattern, branches } = readRegistration(gid, body);
      assertPattern(await views.mustGet(context, gid), pattern);
      await coordinator.registerBranch(context, { gid, pattern, branches, strict: true });
    },

    async getWorkflowProgress(context, { gid }) {
      const view = await views.mustGet(context, gid);
      assertPattern(view, 'workflow');
      return { ...(await writeProgress(view)), ...views.heartbeat(view) };
    },

    async finishWorkflow(context, { gid, body }) {
      const { status, reason, result = '' } = body;
      if (status === 'succeed' && reason !== undefined)
        throw invalid(
          gid,
          ['reason'],
          'only a workflow that failed has a reason, and this one succeeded; leave it out',
        );
      const end = { gid, status, rollbackReason: reason ?? '', result };
      const finished = await coordinator.finishWorkflow(context, end);
      return writeReply(await views.readAfter(context, gid, 0, finished));
    },

    async parkWorkflow(context, { gid, body: { reason } }) {
      const parked = await coordinator.parkWorkflow(context, { gid, reason });
      return writeReply(await views.readAfter(context, gid, 0, parked));
    },

    async sendHeartbeat(context, { gid }) {
      await coordinator.heartbeat(context, gid);
    },
  };
}

import { transactionReply } from '../api-v1.ts';
import { branchRegistrationRequest, parkRequest, workflowEnd, workflowProgress } from '../api-v1-branches.ts';
import type { Operation } from './operation.ts';

/** Operations of the code that runs a tcc, xa or workflow while the transaction is prepared. */
export const INITIATOR_OPERATIONS = {
  registerBranch: {
    summary: 'Registers a branch of a prepared tcc or xa, or records a step of a workflow. Repetition changes nothing.',
    kind: 'command',
    role: 'submitter',
    audited: false,
    method: 'POST',
    path: '/transactions/:gid/branches',
    body: branchRegistrationRequest,
    keepsPayloadTexts: true,
  },
  getWorkflowProgress: {
    summary: 'Reads the recorded steps of a workflow, from which its code continues.',
    kind: 'query',
    role: 'submitter',
    audited: false,
    method: 'GET',
    path: '/transactions/:gid/progress',
    result: workflowProgress,
    mayBeLong: true,
  },
  finishWorkflow: {
    summary: 'Finishes a workflow; sent by its code.',
    kind: 'command',
    role: 'submitter',
    audited: false,
    method: 'POST',
    path: '/transactions/:gid/finish',
    body: workflowEnd,
    result: transactionReply,
  },
  parkWorkflow: {
    summary: 'Parks a workflow whose code cannot continue without operator attention.',
    kind: 'command',
    role: 'submitter',
    audited: false,
    method: 'POST',
    path: '/transactions/:gid/park',
    body: parkRequest,
    result: transactionReply,
  },
  sendHeartbeat: {
    summary: "Reports that a workflow's code is running, which postpones its callback by its interval.",
    kind: 'command',
    role: 'submitter',
    audited: false,
    method: 'POST',
    path: '/transactions/:gid/heartbeat',
  },
} as const satisfies Readonly<Record<string, Operation>>;

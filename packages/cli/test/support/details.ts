import type { ResultKind, Status, TimelineLine, TransactionDetails } from '@holdfast/protocol';

export const START_MS = Date.UTC(2026, 0, 31, 12, 0, 0);

/** A saga of three branches, created at `START_MS`. */
export function detailsOf(change: Partial<TransactionDetails> = {}): TransactionDetails {
  return {
    namespace: 'default',
    gid: 'order-1',
    pattern: 'saga',
    status: 'submitted',
    rollbackReason: '',
    attention: false,
    parked: '',
    stopped: '',
    damaged: '',
    createdAtMs: START_MS,
    updatedAtMs: START_MS,
    finishedAtMs: null,
    dueAtMs: null,
    owner: null,
    version: 1,
    result: '',
    queryPrepared: '',
    branches: ['stock', 'payment', 'delivery'].flatMap((service, index) =>
      (['compensate', 'action'] as const).map((op) => ({
        branchId: `0${index + 1}`,
        op,
        url: `http://shop:80/${service}/${op === 'action' ? 'take' : 'undo'}?v=1`,
        status: 'prepared' as const,
        started: false,
        attempts: 0,
        nextAttemptAtMs: 0,
        finishedAtMs: 0,
      })),
    ),
    remainingEffects: [],
    timeline: [],
    timelineOmitted: 0,
    ...change,
  };
}

/** Entries of a timeline; times in ms after `START_MS`. */
type StatusLine = Extract<TimelineLine, { kind: 'status' }>;
type DetailLine = Exclude<TimelineLine, { kind: 'status' | 'call' }>;

export const statusAt = (afterMs: number, status: Status, reason = ''): StatusLine => ({
  kind: 'status',
  atMs: START_MS + afterMs,
  status,
  reason,
});

export const callAt = (
  afterMs: number,
  branch: string,
  result: ResultKind,
  { reason = '', attempt = 1, againMs = 0 } = {},
): TimelineLine => {
  const [branchId = '', op = ''] = branch.split(' ');
  const atMs = START_MS + afterMs;
  const retryAtMs = againMs === 0 ? 0 : atMs + againMs;
  return { kind: 'call', atMs, durationMs: 2, branchId, op, result, reason, attempt, retryAtMs };
};

export const lineAt = (afterMs: number, kind: DetailLine['kind'], detail: string): DetailLine => ({
  kind,
  atMs: START_MS + afterMs,
  detail,
});

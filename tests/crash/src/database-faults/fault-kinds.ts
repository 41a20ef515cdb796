import type { SharedStore } from '../private-database.ts';

/**
 * The faults of a database that is in use, and what each does. Those that hold something do so for
 * longer than a statement of a coordinator waits for a lock.
 */
export const DATABASE_FAULTS = {
  'locked-records': 'an outside transaction locks unfinished records',
  'locked-session': 'an outside transaction locks the row of a session',
  'locked-key-values': 'an outside transaction locks the key-values, one of which is being changed',
  'locked-tables': 'an outside client locks all tables, or pauses all clients',
  'killed-connections': 'the server closes connections of coordinators at random moments',
  'added-columns': 'each table gets a nullable column and one with a default (Redis: each record gets a field)',
  'rewritten-tables': 'the server rewrites its tables (Redis: its file)',
  'clock-forwards': 'the clock of the server is set forwards, by up to an hour',
  'clock-backwards': 'the clock of the server is set backwards, by up to an hour',
  'shut-down': 'the server is shut down at once, and started again',
  'flushed-scripts': 'the server forgets the scripts',
} as const;

export type DatabaseFaultKind = keyof typeof DATABASE_FAULTS;

const OF_SQL = [
  ...(['locked-records', 'locked-session', 'locked-key-values', 'locked-tables', 'killed-connections'] as const),
  ...(['added-columns', 'rewritten-tables', 'clock-forwards', 'clock-backwards', 'shut-down'] as const),
];

/** The faults of each store. Redis has no locks that outlast a command. */
export const FAULTS_OF: Readonly<Record<SharedStore, readonly DatabaseFaultKind[]>> = {
  postgres: OF_SQL,
  mysql: OF_SQL,
  redis: [
    ...(['locked-tables', 'killed-connections', 'added-columns', 'rewritten-tables'] as const),
    ...(['clock-forwards', 'clock-backwards', 'shut-down', 'flushed-scripts'] as const),
  ],
};

/** Whether no heartbeat can be acknowledged while the fault lasts. */
export const stopsHeartbeats = (kind: DatabaseFaultKind): boolean => kind === 'locked-tables' || kind === 'shut-down';

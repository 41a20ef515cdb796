import { z } from 'zod';
import { transactionDetails } from '../api-v1.ts';
import { LIMITS } from '../limits.ts';
import type { CallDescriptor } from './operation.ts';

/**
 * The definition of an operation whose response is a stream of events, until it ends. Offered by
 * `holdfast.v1` over gRPC; `/api/v1` has no path for it. The same interceptors apply as to other
 * operations; a call lasts until the end of its stream.
 */
export interface StreamOperation extends CallDescriptor {
  /** One line for the published `.proto` file. */
  readonly summary: string;
  readonly input: z.ZodObject;
  readonly event: z.ZodObject;
}

/** A transaction to watch, and what the caller has of it. */
export const watchedTransaction = z.strictObject({
  gid: z.string().min(1).max(LIMITS.gidLength),
  /** The version that the caller has: the stream begins with a later one. */
  afterVersion: z.number().int().min(0).optional(),
});

/** The state of a transaction. */
export const watchEvent = z.object({ transaction: transactionDetails });
export type WatchEvent = z.infer<typeof watchEvent>;

export const STREAM_OPERATIONS = {
  watch: {
    summary: 'Sends the states of transactions as they become durable, until all have finished.',
    kind: 'query',
    role: 'viewer',
    audited: false,
    input: z.strictObject({ transactions: z.array(watchedTransaction).min(1).max(LIMITS.watchedTransactions) }),
    event: watchEvent,
  },
} as const satisfies Readonly<Record<string, StreamOperation>>;

export type StreamName = keyof typeof STREAM_OPERATIONS;

/** The names of all streams. */
export const STREAM_NAMES = Object.keys(STREAM_OPERATIONS) as readonly StreamName[];

/** The definition of a stream, without the types of its schemas. */
export const streamOf = (name: StreamName): StreamOperation => STREAM_OPERATIONS[name];

/** What a caller gives a stream. */
export type StreamInputOf<Name extends StreamName> = z.input<(typeof STREAM_OPERATIONS)[Name]['input']>;
/** What the implementation of a stream receives. */
export type CheckedStreamInputOf<Name extends StreamName> = z.output<(typeof STREAM_OPERATIONS)[Name]['input']>;
/** An event of a stream. */
export type StreamEventOf<Name extends StreamName> = z.output<(typeof STREAM_OPERATIONS)[Name]['event']>;

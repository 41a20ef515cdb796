import type { Metadata } from '@grpc/grpc-js';
import { GRPC_STATUS } from '@holdfast/protocol/grpc';
import { BadBranchCall, type BranchCallContext, type CallNames, readBranchCall } from './call.ts';
import type { CallOutcome } from './serve-call.ts';

/** Of the metadata that identify a call, and of those that an initiator adds. */
export const METADATA_PREFIX = 'dtm-';

const NAMES: CallNames = {
  of: (name) => `metadata ${METADATA_PREFIX}${name}`,
  called: 'this method',
  source: 'the call, such as what a proxy adds',
};

/** How the library joins the values of a name that the caller sent more than once. */
const JOINED = ', ';

/** The metadata with the prefix that have a value, by their names without it. */
export const callFields = (metadata: Metadata): [name: string, value: string][] =>
  Object.keys(metadata.getMap())
    .filter((name) => name.startsWith(METADATA_PREFIX))
    .flatMap((name) =>
      metadata
        .get(name)
        // A coordinator sends an empty `dtm-dtm`.
        .filter((value) => typeof value === 'string' && value !== '')
        .map((value) => [name.slice(METADATA_PREFIX.length), String(value)] satisfies [string, string]),
    );

/**
 * Reads the metadata by which a coordinator identifies the call. `query` has all metadata with the
 * prefix that have a value, by their names without it.
 *
 * @throws {BadBranchCall} a value is missing, is too long or occurs twice
 */
export function readGrpcCall(metadata: Metadata): Omit<BranchCallContext, 'payload'> {
  const query = new URLSearchParams(callFields(metadata));
  // A gid and the name of a workflow may contain a comma.
  for (const name of ['trans_type', 'branch_id'])
    if (query.get(name)?.includes(JOINED) === true)
      throw new BadBranchCall(400, `${NAMES.of(name)} has several values: remove it from ${NAMES.source}`);
  return readBranchCall(query, undefined, NAMES);
}

/** The end of a call that did not succeed. */
export interface GrpcFailure {
  readonly code: number;
  readonly details: string;
}

/** Longest `grpc-message`, encoded: some callers accept no more than 8 KB of header fields. */
const LONGEST_MESSAGE = 4 * 1024;

/** The code decides; the text is for humans. */
export function failureOf(outcome: Exclude<CallOutcome, { readonly kind: 'SUCCESS' }>): GrpcFailure {
  switch (outcome.kind) {
    case 'FAILURE':
      // Coordinators read this one text with the code ABORTED as ONGOING, for old participants.
      return {
        code: GRPC_STATUS.aborted,
        details: cut(outcome.reason === 'ONGOING' ? 'FAILURE: ONGOING' : outcome.reason),
      };
    case 'ONGOING':
      return { code: GRPC_STATUS.failedPrecondition, details: cut(outcome.reason) };
    case 'UNKNOWN':
      return { code: GRPC_STATUS.unknown, details: cut(outcome.reason) };
    case 'BAD': {
      const { httpStatus, message } = outcome.error;
      return { code: CODES[httpStatus], details: cut(message) };
    }
  }
}

const CODES = {
  400: GRPC_STATUS.invalidArgument,
  401: GRPC_STATUS.unauthenticated,
  405: GRPC_STATUS.invalidArgument,
  413: GRPC_STATUS.resourceExhausted,
} as const;

/** The library encodes the text by `encodeURI`, which throws for half a surrogate. */
function cut(text: string): string {
  let whole = text.toWellFormed();
  while (encodeURI(whole).length > LONGEST_MESSAGE) whole = whole.slice(0, Math.floor(whole.length / 2)).toWellFormed();
  return whole;
}

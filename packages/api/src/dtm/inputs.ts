import type { BranchRegistration, TransactionInput } from '@holdfast/core';
import type { Pattern } from '@holdfast/protocol';

/** The purpose of a `submit`: for a workflow to finish it, otherwise to start a transaction. */
export type DtmSubmission =
  | { readonly kind: 'transaction'; readonly input: TransactionInput }
  | { readonly kind: 'workflow-end'; readonly end: DtmWorkflowEnd };

export interface DtmWorkflowEnd {
  readonly gid: string;
  readonly status: 'succeed' | 'failed';
  readonly rollbackReason: string;
  /** Base64. */
  readonly result: string;
}

export interface DtmAbort {
  readonly gid: string;
  readonly pattern?: Pattern;
  readonly reason: string;
  /** The caller waits for a full pass of cancels or rollbacks. */
  readonly waitResult: boolean;
}

export interface DtmRegistration {
  readonly gid: string;
  readonly pattern: Pattern;
  readonly branches: readonly BranchRegistration[];
}

export interface DtmReset {
  /** Undefined: the default. */
  readonly timeoutSeconds: number | undefined;
  /** Undefined or 0: the default. */
  readonly limit: number | undefined;
}

export interface DtmKeyValueQuery {
  readonly category: string;
  readonly cursor: string;
  /** Undefined or 0: the default. */
  readonly limit: number | undefined;
}

/** The input of a call about one transaction. */
export interface DtmTransaction {
  readonly gid: string;
}

/** The input of a call without parameters. */
export type DtmNothing = Readonly<Record<string, never>>;

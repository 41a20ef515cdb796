import type { BranchView, TransactionView } from '@holdfast/core';
import { failureReason } from '@holdfast/core/patterns';
import { mapInTurns, type RetryPolicy } from '@holdfast/api';
import {
  type DtmBranchResponse,
  type DtmProgressResponse,
  type DtmTransactionResponse,
  isSecretName,
  withoutSecrets,
} from '@holdfast/protocol';
import { JsonBytes } from '../http/json-parts.ts';
import { nextTurn } from '../http/json-text.ts';
import { nextCronIntervalMs } from './next-cron-interval.ts';

/** A text of a response; a long one is converted from bytes only while it is written. */
type Text = string | JsonBytes;
type Lazy<T, Name extends keyof T> = Omit<T, Name> & { readonly [N in Name]?: Text };
type LazyTransaction = Omit<DtmTransactionResponse, 'payloads'> & { readonly payloads?: readonly Text[] };

/** Size in bytes from which conversion is deferred. */
const LAZY_FROM = 4 * 1024;

/**
 * A transaction in dtm's form. Empty texts, zeros and false are left out; secrets in URLs and
 * headers are hidden.
 */
export async function writeTransaction(view: TransactionView, policy: RetryPolicy): Promise<LazyTransaction> {
  const { definition, state } = view;
  const flat = optionsOf(view);
  return withoutEmpty({
    gid: view.gid,
    trans_type: view.pattern,
    status: view.status,
    protocol: definition.protocol,
    steps: await mapInTurns(definition.steps, (step) =>
      withoutEmpty({ action: withoutSecrets(step.action), compensate: withoutSecrets(step.compensate) }),
    ),
    payloads: await mapInTurns(definition.payloads, textOf),
    custom_data: definition.customData,
    query_prepared: withoutSecrets(definition.queryPrepared),
    rollback_reason: withoutSecrets(failureReason(state)),
    result: state.result,
    options: JSON.stringify(flat),
    ...flat,
    create_time: timeOf(view.createdAtMs),
    update_time: timeOf(view.updatedAtMs),
    finish_time: timeOf(view.finishedAtMs),
    rollback_time: timeOf(state.rollbackAtMs),
    next_cron_interval: secondsOf(nextCronIntervalMs(view, policy)),
    next_cron_time: timeOf(view.dueAtMs),
    owner: view.owner ?? '',
  });
}

/** The ops of the branches, in dtm's order. */
export const writeBranches = (view: TransactionView): Promise<readonly Lazy<DtmBranchResponse, 'bin_data'>[]> =>
  mapInTurns(view.branches, (branch) => {
    const changedAtMs = Math.max(branch.createdAtMs, branch.finishedAtMs);
    return withoutEmpty({
      gid: view.gid,
      url: withoutSecrets(branch.url),
      bin_data: base64Of(branch.payload),
      branch_id: branch.branchId,
      op: branch.op,
      status: branch.status,
      create_time: timeOf(branch.createdAtMs),
      update_time: timeOf(changedAtMs),
      finish_time: timeOf(branch.finishedAtMs),
    });
  });

/** One after the other, so that other events are handled in between. */
export async function writePage(views: readonly TransactionView[], policy: RetryPolicy): Promise<LazyTransaction[]> {
  const written: LazyTransaction[] = [];
  for (const [index, view] of views.entries()) {
    if (index % PAGE_SLICE === PAGE_SLICE - 1) await nextTurn();
    written.push(await writeTransaction(view, policy));
  }
  return written;
}

/** Number of transactions (of a few steps each) written per turn of the event loop. */
const PAGE_SLICE = 50;

/** The recorded steps of a workflow. */
export const writeProgresses = (view: TransactionView): Promise<readonly Lazy<DtmProgressResponse, 'bin_data'>[]> =>
  mapInTurns(view.branches, ({ branchId, op, status, payload }: BranchView) =>
    withoutEmpty({ branch_id: branchId, op, status, bin_data: base64Of(payload) }),
  );

function optionsOf({ definition: { options } }: TransactionView) {
  return withoutEmpty({
    wait_result: options.waitResult,
    concurrent: options.concurrent,
    timeout_to_fail: secondsOf(options.timeoutToFailMs),
    retry_interval: secondsOf(options.retryIntervalMs),
    request_timeout: secondsOf(options.requestTimeoutMs),
    retry_limit: options.retryLimit,
    branch_headers: Object.keys(options.branchHeaders).length === 0 ? '' : headersOf(options.branchHeaders),
  }) as Pick<DtmTransactionResponse, 'wait_result' | 'concurrent'>;
}

const headersOf = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, isSecretName(name) ? '***' : value]));

/** dtm's wire has whole seconds; a fraction is rounded up. */
const secondsOf = (ms: number): number => Math.ceil(ms / 1_000);

const timeOf = (ms: number | null): string => (ms === null || ms === 0 ? '' : new Date(ms).toISOString());

const textOf = (bytes: Uint8Array): Text => decoded(bytes, 'utf8');
const base64Of = (bytes: Uint8Array): Text => decoded(bytes, 'base64');

function decoded(bytes: Uint8Array, encoding: 'utf8' | 'base64'): Text {
  if (bytes.length >= LAZY_FROM) return new JsonBytes(bytes, encoding);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
}

function withoutEmpty<T extends Readonly<Record<string, unknown>>>(fields: T): T {
  const kept = Object.entries(fields).filter(([, value]) => !isEmpty(value));
  return Object.fromEntries(kept) as T;
}

const isEmpty = (value: unknown): boolean =>
  value === '' || value === 0 || value === false || value === undefined || (Array.isArray(value) && value.length === 0);

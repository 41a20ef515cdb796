import { request } from 'undici';
import { sagaBody, sagaTail, SUBMIT_PATH, SUCCESS_MARK } from '../load/saga.ts';
import type { Subject } from '../subjects/subject.ts';
import type { Bench } from './round.ts';

const TIMEOUT_MS = 10_000;
const QUOTED_CHARS = 500;

/**
 * Runs one saga and throws, quoting the response, unless it succeeds: a benchmark of errors is
 * useless. Subjects that generate their load have tried a saga at their start.
 */
export async function preflight(bench: Bench, subject: Subject): Promise<void> {
  const { name, origin } = subject;
  if (subject.ownLoad !== undefined) return;
  const { status, text } = await post(bench, subject).catch((error: unknown) => {
    throw new Error(`${name} at ${origin} does not respond: ${String(error)}`, { cause: error });
  });
  if (status === 200 && text.includes(SUCCESS_MARK)) return;
  throw new Error(`${name} at ${origin} responded to a saga with HTTP ${status}: ${text.slice(0, QUOTED_CHARS)}`);
}

async function post({ branches, runId }: Bench, { name, origin }: Subject): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await request(origin + SUBMIT_PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: sagaBody(`${runId}-first-${name.replaceAll(/\W/g, '')}`, sagaTail(branches.origin)),
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  return { status: statusCode, text: await body.text() };
}

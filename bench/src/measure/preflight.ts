import { Client } from 'undici';
import { submitOnce } from '../grpc/submit-once.ts';
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
  if (subject.grpcLoad !== undefined) return submit(bench, subject);
  const { status, text } = await post(bench, subject).catch((error: unknown) => {
    throw new Error(`${name} at ${origin} does not respond: ${String(error)}`, { cause: error });
  });
  if (status === 200 && text.includes(SUCCESS_MARK)) return;
  throw new Error(`${name} at ${origin} responded to a saga with HTTP ${status}: ${text.slice(0, QUOTED_CHARS)}`);
}

async function submit(bench: Bench, subject: Subject): Promise<void> {
  const { name, origin } = subject;
  const gidPrefix = gidOf(bench, subject);
  const { status, message, failure } = await submitOnce(origin, branchesOf(bench, subject), gidPrefix).catch(
    (error: unknown) => {
      throw new Error(`${name} at ${origin} does not respond: ${String(error)}`, { cause: error });
    },
  );
  if (failure !== undefined) throw new Error(`${name} at ${origin} did not respond to a saga: ${failure}`);
  if (status === '0') return;
  throw new Error(
    `${name} at ${origin} responded to a saga with grpc-status ${status ?? '(none)'}: ${message.slice(0, QUOTED_CHARS)}`,
  );
}

const gidOf = ({ runId }: Bench, { name }: Subject): string => `${runId}-first-${name.replaceAll(/\W/g, '')}`;

const branchesOf = (bench: Bench, subject: Subject): string => (subject.branches ?? bench.branches).origin;

async function post(bench: Bench, subject: Subject): Promise<{ status: number; text: string }> {
  const { origin, token, authority } = subject;
  const client = new Client(origin, authority === undefined ? {} : { connect: { ca: authority } });
  try {
    const { statusCode, body } = await client.request({
      path: SUBMIT_PATH,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      body: sagaBody(gidOf(bench, subject), sagaTail(branchesOf(bench, subject))),
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    return { status: statusCode, text: await body.text() };
  } finally {
    await client.close();
  }
}

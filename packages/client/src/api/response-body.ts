import type { Dispatcher } from 'undici';

/**
 * Ends a response that consists of interim responses (102 and the like): the pool's timeout begins
 * again with each.
 */
export const interimUntil = (endsMs: number) => (): void => {
  if (performance.now() > endsMs) throw new Error('only interim responses arrived in time');
};

/**
 * Reads the body of a response. The pool only limits the time between two pieces: a body that
 * arrives byte by byte would never end.
 *
 * @param timeoutMs 0: no limit
 */
export async function wholeBody(body: Dispatcher.ResponseData['body'], timeoutMs: number): Promise<ArrayBuffer> {
  if (timeoutMs === 0) return body.arrayBuffer();
  const timer = setTimeout(() => body.destroy(new Error(`no complete response within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await body.arrayBuffer();
  } finally {
    clearTimeout(timer);
  }
}

/** Empty if the body is not UTF-8, as a proxy's text may be; the coordinator's always is. */
export function textOf(body: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return '';
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

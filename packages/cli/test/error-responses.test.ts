import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeApi } from './support/fake-api.ts';
import { runCli } from './support/run-cli.ts';

let api: FakeApi;
beforeEach(async () => {
  api = await new FakeApi().listen();
});
afterEach(() => api.close());

/** Runs `list` while every request gets this response. */
async function listWith(status: number, body: string) {
  api.breakage = { status, body };
  const { out, err, exitCode } = await runCli(['list', '--server', api.url]);
  expect([out, api.requests]).toEqual([[], ['GET /api/v1/transactions']]);
  return { err, exitCode };
}

describe('an error response of the coordinator', () => {
  it.each([
    [400, 'invalid', 1],
    [401, 'unauthenticated', 1],
    [403, 'forbidden', 1],
    [404, 'not_found', 1],
    [409, 'refused', 1],
    [413, 'too_large', 1],
    [429, 'overloaded', 1],
    [451, 'of_a_later_version', 1],
    [500, 'internal', 3],
    [503, 'unavailable', 3],
    [503, 'overloaded', 3],
    [504, 'deadline_exceeded', 3],
  ])('is printed as its detail, after one request: HTTP %i, %s exits with code %i', async (status, code, exitCode) => {
    const problem = { type: 'about:blank', title: 'No', status, detail: `because of ${code}`, code };
    const result = await listWith(status, JSON.stringify(problem));
    expect(result).toEqual({ err: [`holdfast: because of ${code}`], exitCode });
  });

  it.each([200, 404, 429, 500])('without a problem document is from another program: HTTP %i', async (status) => {
    const line = `holdfast: the server at ${api.url} (HTTP ${status}) is not a Holdfast coordinator of this version; check --server`;
    expect(await listWith(status, '<html>nginx</html>')).toEqual({ err: [line], exitCode: 3 });
  });
});

it.each([502, 503, 504])('a response of a proxy is not that of a coordinator: HTTP %i', async (status) => {
  const { err, exitCode } = await listWith(status, '<html>nginx</html>');
  expect([exitCode, err[0]]).toEqual([
    3,
    expect.stringMatching(/^holdfast: a proxy or another program responds at .*check --server/),
  ]);
});

it('the command line depends on no HTTP client: it calls coordinators through the SDK', () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  expect(Object.keys(manifest.dependencies)).toContain('@holdfast/client');
  expect(Object.keys(manifest.dependencies)).not.toContain('undici');
});

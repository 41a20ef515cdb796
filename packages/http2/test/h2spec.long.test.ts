import { execFile } from 'node:child_process';
import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { EchoServer } from './support/echo-server.ts';

/** The output and the exit code of `h2spec` against a server. */
function h2spec(port: number): Promise<{ readonly text: string; readonly code: unknown }> {
  return new Promise((resolve) => {
    execFile('h2spec', ['-h', '127.0.0.1', '-p', String(port), '-o', '3'], (error, text) =>
      resolve({ text, code: error?.code ?? 0 }),
    );
  });
}

describeWith(['h2spec'], 'the conformance tests of h2spec', () => {
  it('find no difference from the protocol in a server', async () => {
    await using server = await EchoServer.start();
    const { text, code } = await h2spec(server.port);
    expect(text).toMatch(/\n145 tests, 145 passed, 0 skipped, 0 failed\n/);
    expect(code).toBe(0);
  });
});

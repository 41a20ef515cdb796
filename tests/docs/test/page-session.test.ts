import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { PageError } from '../src/page.ts';
import { PageSession } from '../src/page-session.ts';

const command = (text: string, output: readonly string[], background = false) => ({
  text,
  output,
  background,
  line: 7,
});

describe('a command of a page', () => {
  it('must print what the page shows, and exit with code 0', async () => {
    await using session = new PageSession(tmpdir(), process.env);
    await session.run(command('echo moved', ['moved']));
    await session.run(command('(echo moved; exit 3) || echo refused', ['moved', 'refused']));
    await expect(session.run(command('echo moved', ['lost']))).rejects.toBeInstanceOf(PageError);
    const failed = session.run(command('echo moved; exit 3', ['moved']));
    await expect(failed).rejects.toThrow(/line 7: \$ echo moved; exit 3\nit ended with 3/);
  });

  it('that runs in the background must not fail while others run', async () => {
    await using session = new PageSession(tmpdir(), process.env);
    await session.run(command('echo ready; exit 4', ['ready'], true));
    await session.ended(1);
    await expect(session.run(command('true', []))).rejects.toThrow('it ended with 4');
  });

  it('may be killed by a later command of the page', async () => {
    await using session = new PageSession(tmpdir(), process.env);
    await session.run(command('echo ready; exec sleep 60', ['ready'], true));
    await session.run(command('kill -9 %1', []));
    await expect(session.run(command('true', []))).resolves.toBeUndefined();
  });
});

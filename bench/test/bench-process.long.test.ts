import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { serve } from './branch-server.ts';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const OWN_TOOLS = ['--branch-service', 'node', '--load', 'node', '--rounds', '1', '--seconds', '1', '--warm-up', '0'];

async function bench(...args: string[]): Promise<{ code: unknown; output: string; complaints: string }> {
  const child = spawn(process.execPath, [MAIN, ...OWN_TOOLS, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, complaints, closed] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  const code: unknown = closed[0];
  return { code, output, complaints };
}

test('measures a target beside the ceiling with nothing installed', { timeout: 60_000 }, async () => {
  let sagas = 0;
  const { origin, close } = await serve((request, response) => {
    request.resume();
    sagas += 1;
    response.end('{"dtm_result":"SUCCESS"}');
  });
  onTestFinished(close);
  const { code, output } = await bench('--connections', '2', '--target', origin, '-o', 'json');
  expect(code).toBe(0);
  const { lines, load } = JSON.parse(output) as {
    load: string;
    lines: { name: string; connections: number; errors: number; rounds: { completed: number }[] }[];
  };
  expect(load).toBe('our own (undici)');
  expect(lines.map(({ name, connections, errors }) => ({ name, connections, errors }))).toEqual([
    { name: 'ceiling', connections: 2, errors: 0 },
    { name: new URL(origin).host, connections: 2, errors: 0 },
  ]);
  expect(lines[0]?.rounds[0]?.completed).toBeGreaterThan(0);
  // The saga of the preflight is not in the round.
  expect(lines[1]?.rounds[0]?.completed).toBe(sagas - 1);
});

test(
  'a coordinator that cannot run a saga is not measured, and the error quotes its response to the saga',
  { timeout: 60_000 },
  async () => {
    const { origin, close } = await serve((request, response) => {
      request.resume();
      response.writeHead(404).end('no such path');
    });
    onTestFinished(close);
    const { code, output, complaints } = await bench('--target', origin);
    expect(code).toBe(1);
    expect(output).toBe('');
    expect(complaints).toContain('HTTP 404: no such path');
  },
);

test('measures an application that runs its own sagas, on synced LMDB', { timeout: 60_000 }, async () => {
  const { code, output } = await bench('--connections', '4', '--embed', '--target', await busyTarget(), '-o', 'json');
  expect(code).toBe(0);
  const { lines } = JSON.parse(output) as {
    lines: { name: string; errors: number; rounds: { completed: number }[] }[];
  };
  const embedded = lines.find(({ name }) => name === 'embed');
  expect(embedded).toMatchObject({ errors: 0 });
  expect(embedded?.rounds[0]?.completed).toBeGreaterThan(0);
});

/** A server that responds to everything with success, so that the run starts no Holdfast. */
async function busyTarget(): Promise<string> {
  const { origin, close } = await serve((request, response) => {
    request.resume();
    response.end('{"dtm_result":"SUCCESS"}');
  });
  onTestFinished(close);
  return origin;
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { serve } from './branch-server.ts';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const OWN_TOOLS = ['--branch-service', 'node', '--load', 'node', '--rounds', '1', '--seconds', '1', '--warm-up', '0'];

interface Line {
  readonly name: string;
  readonly connections: number;
  readonly errors: number;
  readonly rounds: readonly { readonly completed: number }[];
}

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
  const { lines, load } = JSON.parse(output) as { load: string; lines: Line[] };
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

test('a run with errors fails, and shows them', { timeout: 60_000 }, async () => {
  let sagas = 0;
  const { origin, close } = await serve((request, response) => {
    request.resume();
    sagas += 1;
    response.end(sagas === 2 ? '{"dtm_result":"FAILURE"}' : '{"dtm_result":"SUCCESS"}');
  });
  onTestFinished(close);
  const { code, output, complaints } = await bench('--connections', '1', '--target', origin, '-o', 'json');
  expect(code).toBe(1);
  expect(JSON.parse(output)).toMatchObject({ lines: [{ errors: 0 }, { errors: 1 }] });
  expect(complaints).toContain('1 sagas did not succeed');
});

test('measures sagas over gRPC beside HTTP, with the limit of the load', { timeout: 60_000 }, async () => {
  const { code, output } = await bench('--protocol', 'grpc', '--store', 'memory:', '--connections', '70', '-o', 'json');
  expect(code).toBe(0);
  const { lines } = JSON.parse(output) as { lines: Line[] };
  expect(lines.map(({ name, errors }) => ({ name, errors }))).toEqual(
    [
      'memory, HTTP',
      'memory, gRPC branches',
      'memory, gRPC submission',
      'memory, gRPC, both',
      'limit of the gRPC load',
    ].map((name) => ({ name, errors: 0 })),
  );
  for (const { rounds } of lines) expect(rounds[0]?.completed).toBeGreaterThan(0);
});

test('measures what tokens, signed calls and TLS cost', { timeout: 60_000 }, async () => {
  const { code, output } = await bench('--secured', '--store', 'memory:', '--connections', '4', '-o', 'json');
  expect(code).toBe(0);
  const { lines } = JSON.parse(output) as { lines: Line[] };
  const names = ['open', 'tokens', 'tokens, signing', 'tokens, TLS', 'tokens, signing, TLS'];
  expect(lines.map(({ name, errors }) => ({ name, errors }))).toEqual(
    names.map((name) => ({ name: `memory, ${name}`, errors: 0 })),
  );
  for (const { rounds } of lines) expect(rounds[0]?.completed).toBeGreaterThan(0);
});

test('measures an application that runs its own sagas, on synced LMDB', { timeout: 60_000 }, async () => {
  const { code, output } = await bench('--connections', '4', '--embed', '--target', await busyTarget(), '-o', 'json');
  expect(code).toBe(0);
  const { lines } = JSON.parse(output) as { lines: Line[] };
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

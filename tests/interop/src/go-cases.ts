import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { captureChild, createDataFolder, locate, removeDataFolder, runChild } from '@holdfast/testing/servers';
import type { Outcome } from './outcome.ts';
import { securedEnvironment } from './secured.ts';
import type { Cases, Suite, Targets } from './suite.ts';
import { readGoRun } from './test2json.ts';

const MODULE = fileURLToPath(new URL('../go', import.meta.url));
/** Most of a case's time is waiting for a retry, so that they all run at once. */
const PARALLEL_CASES = 64;
const SUITE_TIMEOUT = '120s';
const WORKFLOWS_OVER_GRPC = 'TestGrpcWorkflow';

/** The official Go client. A pattern of its cases is one of `go test -run`. */
export const GO_SUITE: Suite = {
  name: 'go',
  title: "dtm's Go client",
  needs: 'Go (https://go.dev/dl)',
  build: buildGoCases,
};

/** Compiles the Go cases; undefined when Go is not installed. */
async function buildGoCases(): Promise<Cases | undefined> {
  const go = locateGo();
  if (go === undefined) return undefined;
  const folder = await createDataFolder('go-cases', undefined);
  const binary = join(folder, 'cases.test');
  const abort = new AbortController();
  const stop = async (): Promise<void> => {
    abort.abort();
    await removeDataFolder(folder);
  };
  try {
    await runChild(go, ['test', '-c', '-o', binary, './cases'], { cwd: MODULE });
  } catch (error) {
    await stop();
    throw error;
  }
  const compiled = { go, binary, signal: abort.signal };
  return {
    run: async (targets, pattern) => [
      ...(await runBinary(compiled, targets, pattern, 'http')),
      // The client has one transport for all workflows of a process.
      ...(pattern === undefined || WORKFLOWS_OVER_GRPC.includes(pattern)
        ? await runBinary(compiled, targets, `^${WORKFLOWS_OVER_GRPC}$`, 'grpc')
        : []),
    ],
    stop,
  };
}

/** The path of Go's command; undefined if Go is not installed. */
export const locateGo = (): string | undefined => locate('go') ?? locate('go', ['/usr/local/go/bin']);

interface Compiled {
  readonly go: string;
  readonly binary: string;
  readonly signal: AbortSignal;
}

async function runBinary(
  { go, binary, signal }: Compiled,
  targets: Targets,
  pattern: string | undefined,
  workflows: 'http' | 'grpc',
): Promise<readonly Outcome[]> {
  const flags = ['-test.v=true', `-test.parallel=${PARALLEL_CASES}`, `-test.timeout=${SUITE_TIMEOUT}`];
  if (pattern !== undefined) flags.push(`-test.run=${pattern}`);
  const env = {
    ...process.env,
    INTEROP_TARGET: targets.coordinator,
    INTEROP_GRPC_TARGET: targets.grpc ?? '',
    INTEROP_WORKFLOWS: workflows,
    INTEROP_MYSQL: targets.mariadb ?? '',
    INTEROP_POSTGRES: targets.postgres ?? '',
    INTEROP_REDIS: targets.redis ?? '',
    INTEROP_TYPESCRIPT: targets.typescript,
    ...securedEnvironment(targets.secured),
  };
  const { code, output } = await captureChild(go, ['tool', 'test2json', '-t', binary, ...flags], {
    cwd: MODULE,
    env,
    signal,
  });
  const { outcomes, noise } = readGoRun(output);
  // The program's own failure (no set-up, a panic) must not hide behind cases that passed before
  // it.
  if (code === 0 || outcomes.some((outcome) => outcome.verdict === 'fail')) return outcomes;
  const detail = `${noise}the Go program ended with ${String(code)}`;
  return [...outcomes, { group: 'Suite', name: 'runs to its end', verdict: 'fail', durationMs: 0, detail }];
}

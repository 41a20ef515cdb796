import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { describe, expect, it, onTestFinished } from 'vitest';

const dataUrl = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

/**
 * Node's option by which a process sends itself SIGTERM when it looks up one of its modules, once.
 */
function signalAt(module: string): string {
  const hooks = `
    let sent = false;
    export function resolve(specifier, context, next) {
      if (!sent && specifier.endsWith(${JSON.stringify(module)})) {
        sent = true;
        process.kill(process.pid, 'SIGTERM');
      }
      return next(specifier, context);
    }`;
  return `--import=${dataUrl(`import { register } from 'node:module'; register(${JSON.stringify(dataUrl(hooks))})`)}`;
}

const AS_1 = ['unshare', '--user', '--map-root-user', '--pid', '--fork'];
/** Not every machine lets a user make namespaces. */
const mayBe1 = spawnSync(AS_1[0] ?? '', [...AS_1.slice(1), 'true']).status === 0;

/**
 * Starts a coordinator; `as1`: as process 1 of a PID namespace, as in a container, where that is
 * allowed.
 */
function serve(nodeOptions: string, args: readonly string[], as1 = false): HoldfastProcess {
  const run = new HoldfastProcess(['serve', '--http-port', '0', '--log-format', 'json', ...args], {
    env: { NODE_OPTIONS: nodeOptions },
    runBy: as1 && mayBe1 ? AS_1 : [],
  });
  onTestFinished(() => run.kill());
  return run;
}

describe('SIGTERM while a coordinator starts', () => {
  it.each(['/main.js', 'commander', '/run-serve.js', '/load-config.js', '/serve.js', '/open-store.js'])(
    'ends it with exit code 0 while %s is loaded',
    async (module) => {
      const run = serve(signalAt(module), ['--store', 'memory:', '--drain-timeout', '100ms'], true);
      expect([await run.ended, run.out + run.err]).toEqual([0, expect.not.stringContaining('ready:')]);
    },
  );

  it.each([
    ['PostgreSQL', 1],
    ['MariaDB', 1],
    ['Redis', 1],
    ['Redis', 2],
  ] as const)('ends it with exit code 0 while %s does not respond, workers: %i', async (name, workers) => {
    const silent = createServer((socket) => socket.on('error', () => {}));
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void silent.close());
    const scheme = { PostgreSQL: 'postgres', MariaDB: 'mysql', Redis: 'redis' }[name] ?? '';
    const connected = once(silent, 'connection');
    const store = `${scheme}://127.0.0.1:${(silent.address() as AddressInfo).port}/${scheme === 'redis' ? '0' : 'db'}`;
    const run = serve('', ['--store', store, '--drain-timeout', '100ms', '--workers', String(workers)]);
    await connected;
    expect(await run.stop()).toBe(0);
    expect(run.out).toContain('"msg":"shutting down before startup has finished"');
    expect(run.out).toContain('"msg":"stopped"');
  });
});

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@holdfast/testing/servers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { type Database, DATABASES } from '../src/databases.ts';
import { PageSession } from '../src/page-session.ts';
import { compilePages, WELL_KNOWN_PORT, writePage, type WrittenPage } from '../src/write-pages.ts';

const GUIDE = fileURLToPath(new URL('../../../docs/guide/', import.meta.url));
const PAGES = fileURLToPath(new URL('../pages/', import.meta.url));
const BIN = fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url));

const names = readdirSync(GUIDE).filter((name) => name.endsWith('.md'));
const texts = new Map(names.map((name) => [name, readFileSync(join(GUIDE, name), 'utf8')]));

/** The programs that the pages need beside Node: the databases used in at least one page. */
const programs = (Object.keys(DATABASES) as (keyof typeof DATABASES)[]).filter((program) =>
  [...texts.values()].some((text) => text.includes(`:${DATABASES[program].wellKnownPort}/`)),
);

describeWith(programs, 'the guide', () => {
  const databases: Database[] = [];
  const pages = new Map<string, WrittenPage>();
  const ports = new Map<string, ReadonlyMap<number, number>>();
  let folder = '';

  beforeAll(async () => {
    const started = await Promise.all(programs.map((program) => DATABASES[program].start()));
    databases.push(...started.filter((database) => database !== undefined));
    mkdirSync(PAGES, { recursive: true });
    // A separate folder per run, since two runs may share one checkout.
    folder = mkdtempSync(join(PAGES, 'run-'));
    for (const [name, text] of texts) {
      const own = await portsOf(text);
      ports.set(name, own);
      pages.set(
        name,
        writePage(name, text, join(folder, name.replace('.md', '')), (port) => own.get(port) ?? port),
      );
    }
    await compilePages(folder, texts.get('README.md') ?? '');
  });

  afterAll(async () => {
    await Promise.all(databases.map((database) => database.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(names)('the commands of %s print what the page shows', { timeout: 180_000 }, async (name) => {
    const page = pages.get(name);
    if (page === undefined) throw new Error(`${name} was not written`);
    await Promise.all(databases.map((database) => database.reset()));
    const coordinatorPort = String(ports.get(name)?.get(36789));
    const env = {
      ...process.env,
      PATH: `${BIN}:${process.env['PATH'] ?? ''}`,
      HOLDFAST_HTTP_PORT: coordinatorPort,
      // Any free one: other tests may use the default port.
      HOLDFAST_GRPC_PORT: '0',
      HOLDFAST_SERVER: `http://127.0.0.1:${coordinatorPort}`,
      NO_COLOR: '1',
      npm_config_loglevel: 'silent',
    };
    await using session = new PageSession(page.folder, env);
    for (const command of page.commands) await session.run(command);
    expect(page.commands.length > 0 || !texts.get(name)?.includes('```ts')).toBe(true);
  });

  it('a service whose port is taken exits with an error', { timeout: 60_000 }, async () => {
    const page = pages.get('saga.md');
    const port = ports.get('saga.md')?.get(8081);
    if (page === undefined || port === undefined) throw new Error('the page of the saga has no bank A');
    const other = createServer().listen(port, '127.0.0.1');
    try {
      await once(other, 'listening');
      await using session = new PageSession(page.folder, process.env);
      const command = { text: 'node bank-a.js', background: false, output: [], line: 0 };
      await expect(session.run(command)).rejects.toThrow('EADDRINUSE');
    } finally {
      other.close();
    }
  });

  /** The real addresses of the ports 36789, 8081, 5432, … of a page. */
  async function portsOf(text: string): Promise<ReadonlyMap<number, number>> {
    const map = new Map([[36789, await freePort()]]);
    for (const { wellKnownPort, port } of databases) map.set(wellKnownPort, port);
    for (const [port] of text.matchAll(WELL_KNOWN_PORT)) {
      if (!map.has(Number(port))) map.set(Number(port), await freePort());
    }
    return map;
  }
});

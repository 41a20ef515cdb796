import { startMariadb, startPostgres, startRedis } from '@holdfast/testing/servers';
import { type GoTargets, buildGoCases } from './go-cases.ts';
import { startHoldfast } from './holdfast.ts';
import type { Options } from './options.ts';
import type { Outcome } from './outcome.ts';
import { startParticipant } from './participant/start-participant.ts';
import type { Started } from './started.ts';

const GO_IS_ABSENT: Outcome = {
  group: 'Suite',
  name: 'runs the official Go client',
  verdict: 'skip',
  durationMs: 0,
  detail: 'Go is not installed (https://go.dev/dl)',
};

/**
 * Runs the official Go client's cases against private databases and a coordinator, started here
 * unless the options name one.
 */
export async function runGoSuite(options: Options, started: Started): Promise<readonly Outcome[]> {
  say('compiling the Go cases, starting MariaDB, PostgreSQL and Redis');
  const preparations = [
    buildGoCases().then((cases) => started.add(cases)),
    startMariadb().then((server) => started.add(server)),
    startPostgres().then((server) => started.add(server)),
    startRedis().then((server) => started.add(server)),
  ] as const;
  await Promise.allSettled(preparations); // All of them are known before a failure of one of them ends the run.
  const [cases, mariadb, postgres, redis] = await Promise.all(preparations);
  if (mariadb === undefined)
    say('MariaDB is not installed (Debian: mariadb-server): the cases that need it are skipped');
  if (postgres === undefined)
    say('PostgreSQL is not installed (Debian: postgresql): the cases that need it are skipped');
  if (redis === undefined) say('Redis is not installed (Debian: redis-server): the cases that need it are skipped');
  if (cases === undefined) return [GO_IS_ABSENT];

  const own = options.target === undefined ? started.add(await startHoldfast()) : undefined;
  const coordinator = options.target ?? own?.url ?? '';
  const grpc = options.grpcTarget ?? own?.grpcAddress;
  const databases = { mariadb: mariadb?.url, postgres: postgres?.url, redis: redis?.url };
  const { url: typescript } = started.add(await startParticipant(databases));
  const targets: GoTargets = { coordinator, grpc, typescript, ...databases };
  say(`running against ${options.target === undefined ? 'Holdfast' : 'the coordinator'} at ${coordinator}`);
  return cases.run(targets, options.run);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

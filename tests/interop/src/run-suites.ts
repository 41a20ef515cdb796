import { startMariadb, startPostgres, startRedis } from '@holdfast/testing/servers';
import { startHoldfast } from './holdfast.ts';
import type { Options } from './options.ts';
import type { Outcome } from './outcome.ts';
import { startParticipant } from './participant/start-participant.ts';
import { startSecured } from './secured.ts';
import type { Started } from './started.ts';
import type { Cases, Suite, SuiteOutcomes, Targets } from './suite.ts';

/**
 * Runs the cases of the suites against private databases and a coordinator, which are started here
 * unless the options name a coordinator.
 */
export async function runSuites(
  suites: readonly Suite[],
  options: Options,
  started: Started,
): Promise<readonly SuiteOutcomes[]> {
  const names = suites.map((suite) => suite.name).join(', ');
  say(`building the cases (${names}), starting MariaDB, PostgreSQL and Redis`);
  const building = suites.map((suite) => suite.build().then((cases) => started.add(cases)));
  const servers = [
    startMariadb().then((server) => started.add(server)),
    startPostgres().then((server) => started.add(server)),
    startRedis().then((server) => started.add(server)),
  ] as const;
  // All of them are known before a failure of one of them ends the run.
  await Promise.allSettled([...building, ...servers]);
  const built = await Promise.all(building);
  const [mariadb, postgres, redis] = await Promise.all(servers);
  warn(mariadb, 'MariaDB', 'mariadb-server');
  warn(postgres, 'PostgreSQL', 'postgresql');
  warn(redis, 'Redis', 'redis-server');

  const databases = { mariadb: mariadb?.url, postgres: postgres?.url, redis: redis?.url };
  const { url: typescript } = started.add(await startParticipant(databases));
  const targets: Targets = {
    ...(await findCoordinator(options, started)),
    secured: options.target === undefined ? await startSecured(started) : undefined,
    typescript,
    ...databases,
  };
  const results: SuiteOutcomes[] = [];
  for (const [index, suite] of suites.entries()) results.push(await runSuite(suite, built[index], targets, options));
  return results;
}

async function runSuite(
  suite: Suite,
  cases: Cases | undefined,
  targets: Targets,
  options: Options,
): Promise<SuiteOutcomes> {
  if (cases === undefined) return { suite, outcomes: [absent(suite)] };
  say(`running ${suite.title}`);
  return { suite, outcomes: await cases.run(targets, options.run) };
}

async function findCoordinator(options: Options, started: Started): Promise<Pick<Targets, 'coordinator' | 'grpc'>> {
  if (options.target !== undefined) {
    say(`the coordinator is ${options.target}`);
    return { coordinator: options.target, grpc: options.grpcTarget };
  }
  const own = started.add(await startHoldfast());
  say(`the coordinator is a Holdfast at ${own.url}`);
  return { coordinator: own.url, grpc: options.grpcTarget ?? own.grpcAddress };
}

const absent = ({ title, needs }: Suite): Outcome => ({
  group: 'Suite',
  name: `runs ${title}`,
  verdict: 'skip',
  durationMs: 0,
  detail: `not installed: ${needs}`,
});

function warn(server: object | undefined, name: string, debian: string): void {
  if (server === undefined) say(`${name} is not installed (Debian: ${debian}): the cases that need it are skipped`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

import { explore, type Exploration } from './explore.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { summary, tell } from './report.ts';

/** Explores the scenarios one after the other, until one violates an invariant. */
async function run({ scenarios, states, minutes, json }: Options): Promise<boolean> {
  const explorations: Exploration[] = [];
  for (const scenario of scenarios) {
    const one = await explore(scenario, { states, ms: minutes * 60_000 });
    explorations.push(one);
    if (!json) console.log(tell(scenario, one));
    if (one.violation !== undefined) break;
  }
  console.log(json ? JSON.stringify(explorations) : summary(explorations));
  return explorations.every(({ violation }) => violation === undefined);
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') console.log(USAGE);
  else if (!(await run(options))) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(USAGE);
  process.exitCode = 2;
}

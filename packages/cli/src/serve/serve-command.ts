import { type Command, Option } from 'commander';
import {
  defaultOf,
  flagOf,
  OPTION_NAMES,
  type OptionName,
  OPTIONS,
  type OptionSpec,
  variableOf,
} from '@holdfast/server/config';
const WRONG_USAGE = 2;

/** Adds `serve`: a coordinator in the foreground, until SIGTERM, SIGINT or SIGHUP. */
export function registerServe(program: Command): void {
  const command = program
    .command('serve')
    .summary('run a coordinator')
    .description(
      'Run a coordinator in the foreground. SIGTERM and SIGINT shut it down gracefully; a second signal stops it immediately. SIGHUP reloads the files that options name; without such options it shuts the coordinator down as well.',
    )
    .option(
      '--config <file>',
      'YAML or JSON file with the options below, by their key (--http-port is httpPort) (env: HOLDFAST_CONFIG)',
    )
    .option('--dtm-config <file>', "dtm's configuration file (conf.yml), used as it is (env: HOLDFAST_DTM_CONFIG)")
    .option('--dtm-env', "use dtm's environment variables, such as STORE_DRIVER (env: HOLDFAST_DTM_ENV)")
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : WRONG_USAGE));
  for (const option of serverOptions()) command.addOption(option);
  command.addHelpText(
    'after',
    '\nOrder of precedence, highest first: command line, environment, config file, configuration of dtm, default.\n\nExamples:\n  $ holdfast serve\n  $ holdfast serve --store lmdb:/var/lib/holdfast --log-format json\n  $ holdfast serve --store memory: --http-port 0',
  );
  command.action(async (flags: Readonly<Record<string, unknown>>) => {
    // Other commands and the help do not load a coordinator.
    const { runServe } = await import('./run-serve.ts');
    // Exits although something may still keep the process alive, such as a name lookup that never
    // returns.
    process.exit(await runServe(flags));
  });
}

/** The options of a server, as `serve` takes them. */
export const serverOptions = (): readonly Option[] =>
  OPTION_NAMES.flatMap((name) => [
    optionOf(name),
    ...(OPTIONS[name].default === true
      ? [new Option(flagOf(name).replace('--', '--no-'), `turns ${flagOf(name)} off`)]
      : []),
  ]);

/**
 * Display and parsing both follow the options table, so that all sources accept the same values.
 */
function optionOf(name: OptionName): Option {
  const { kind, help, default: preset } = OPTIONS[name] as OptionSpec<unknown>;
  const shown = defaultOf(name);
  const notes = [...(shown === '' || preset === false ? [] : [`default: ${shown}`]), `env: ${variableOf(name)}`];
  const value = typeof preset === 'boolean' ? '' : ' <value>';
  const option = new Option(`${flagOf(name)}${value}`, `${help} (${notes.join(', ')})`);
  return kind.expects.startsWith('one of') ? option.choices(kind.expects.slice('one of '.length).split(', ')) : option;
}

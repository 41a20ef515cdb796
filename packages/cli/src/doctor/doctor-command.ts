import { type Command, Option } from 'commander';
import { ConfigError } from '@holdfast/server/config';
import { CommandError, EXIT } from '../commands/command-error.ts';
import type { CommandIo } from '../commands/command-io.ts';
import { exitOfCommander } from '../commands/run-command.ts';
import { withTlsOptions } from '../coordinator/client-tls.ts';
import { serverOptions } from '../serve/serve-command.ts';
import { columnWidths, tableHead, tableRow } from '../output/table.ts';
import { type Colour, clean, painter } from '../output/text.ts';
import { checksOf, type DoctorOptions } from './checks.ts';
import { type Check, type Finding, runCheck } from './finding.ts';

/** `holdfast doctor`: checks an installation for common mistakes and prints a fix for each. */
export function registerDoctor(program: Command, io: CommandIo): void {
  const command = withTlsOptions(program.command('doctor'));
  command
    .summary('check an installation for common mistakes')
    .description(
      'Check Node.js, file limits, the port and store that "holdfast serve" would use here, and the hardening checklist (docs/security.md); optionally also databases of participants and a running coordinator. Takes all options of serve, its variables and config file; with --server and none of these, only what a client can see of the running coordinator is checked. Exits with code 1 if a check fails; warnings do not count, except with --strict.',
    )
    .option('--config <file>', 'the config file of the coordinator (env: HOLDFAST_CONFIG)')
    .option('--store <url>', 'the store (env: HOLDFAST_STORE)')
    .option('--host <host>', 'the address to listen on (env: HOLDFAST_HOST)')
    .option('--http-port <port>', 'the port to listen on (env: HOLDFAST_HTTP_PORT)')
    .option('--strict', 'exit with code 1 for warnings too', false)
    .option('--barrier <url...>', 'databases of participants: postgres://… or mysql://…', [])
    .option('--barrier-table <name>', 'the barrier table in these databases; dtm_barrier.barrier by default')
    .option('--server <url>', 'a running coordinator')
    .addOption(
      new Option('--token-file <file>', 'file with the API token for it (or set HOLDFAST_TOKEN)').env(
        'HOLDFAST_TOKEN_FILE',
      ),
    )
    .addOption(
      new Option('-o, --output <form>', 'table (human-readable) or json').choices(['table', 'json']).default('table'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ holdfast doctor\n  $ holdfast doctor --store lmdb:/var/lib/holdfast --barrier postgres://app@db/bank -o json',
    )
    .exitOverride(exitOfCommander(io))
    .action((options: DoctorOptions) => doctor(io, options));
  // Its help lists those that are used most; docs/configuration.md lists them all.
  for (const option of serverOptions())
    if (!command.options.some(({ long }) => long === option.long)) command.addOption(option.hideHelp());
  command.addOption(new Option('--dtm-config <file>').hideHelp()).addOption(new Option('--dtm-env').hideHelp());
}

async function doctor(io: CommandIo, options: DoctorOptions): Promise<void> {
  let checks: readonly Check[];
  try {
    checks = await checksOf(options, process.env);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof CommandError)) throw error;
    io.err(`holdfast: ${clean(error.message)}`);
    return io.setExitCode(EXIT.usage);
  }
  const findings: Finding[] = [];
  // One after the other: a check must not see the effects of another one.
  for (const check of checks) findings.push(...(await runCheck(check)));
  if (options.output === 'json') io.out(JSON.stringify(findings, undefined, 2));
  else writeFindings(findings, io);
  const isBad = ({ level }: Finding): boolean => level === 'fail' || (options.strict && level === 'warn');
  io.setExitCode(findings.some(isBad) ? EXIT.refused : EXIT.done);
}

const COLOURS: Readonly<Record<Finding['level'], Colour>> = {
  ok: 'green',
  warn: 'yellow',
  fail: 'red',
  skip: 'dim',
};

function writeFindings(findings: readonly Finding[], io: CommandIo): void {
  const paint = painter(io.colour);
  const columns = [
    {
      title: 'RESULT',
      text: ({ level }: Finding) => level,
      paint: (row: Finding, text: string) => paint(COLOURS[row.level], text),
    },
    { title: 'CHECK', text: ({ check }: Finding) => clean(check) },
    // Not cut to the terminal's width: this column is the purpose of the command.
    { title: 'FOUND', text: ({ found, fix }: Finding) => clean(fix === '' ? found : `${found}. Fix: ${fix}`) },
  ];
  const widths = columnWidths(columns, findings);
  io.out(tableHead(columns, widths, paint));
  for (const finding of findings) io.out(tableRow(columns, widths, finding, Infinity, paint));
}

import { OPERATION_NAMES, operationOf, pathFieldsOf } from '@holdfast/protocol';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registerOperatorCommands } from '../src/commands/register-commands.ts';
import { NESTED_OPTION_NAMES, OPTION_NAMES } from '../src/coordinator/option-names.ts';
import { FakeApi } from './support/fake-api.ts';
import { ioOf, runCli } from './support/run-cli.ts';

let api: FakeApi;
beforeEach(async () => {
  api = await new FakeApi().listen();
});
afterEach(() => api.close());

type Called = keyof typeof OPTION_NAMES;

/** A command line that calls each operation, with every option and argument that sets a field. */
const COMMAND_LINES: Readonly<Record<Called, readonly string[]>> = {
  listTransactions: ['list --status failed --pattern saga --attention --since 1h --until 1m --limit 5 --cursor c'],
  getTransaction: ['show g'],
  abortTransaction: ['abort g --reason r'],
  retryTransaction: ['retry g --reason r'],
  stopTransaction: ['stop g --reason r'],
  listTopics: ['topics list'],
  describeTopic: ['topics show t'],
  subscribe: ['topics add t http://a --remark r'],
  unsubscribe: ['topics remove t http://a'],
  deleteTopic: ['topics delete t'],
  listNodes: ['nodes'],
  createToken: ['token create n --role viewer --namespaces a,b --expires-in 1d --max-rate 5 --reason r'],
  listTokens: ['token list'],
  rotateToken: ['token rotate i --overlap 1h --reason r'],
  revokeToken: ['token revoke i --reason r'],
  listAudit: ['audit list --since 1h --until 1m --principal p --gid g --operation o --cursor c --limit 5'],
};

/** Options that send nothing to the coordinator. */
const LOCAL_OPTIONS = [
  '--expect',
  '<file>',
  '--server',
  '--output',
  '--all',
  '--token-file',
  '--namespace',
  '--ca-file',
  '--cert-file',
  '--key-file',
];

/** Every field of a request with its option or argument. */
const FIELDS = Object.entries(OPTION_NAMES).flatMap(([name, options]) =>
  COMMAND_LINES[name as Called].flatMap((line) =>
    Object.entries(options).flatMap(([field, option]) => (option === null ? [] : [{ line, field, option }])),
  ),
);

describe('an error about a field of a request', () => {
  it.each(FIELDS)('names what the operator typed: "$line", $field is $option', async ({ line, field, option }) => {
    api.breakage = problemWith({ field, fault: 'must be better', detail: `${field}: must be better` });
    const { out, err, exitCode } = await runCli([...line.split(' '), '--server', api.url]);
    const text = [...out, ...err].join('\n');
    expect(text).toMatch(/(?:holdfast: |✗ g {2})/);
    expect(text).toContain(` ${option}: must be better`);
    expect([text.includes(`${field}:`) && !option.includes(field), exitCode]).toEqual([false, 1]);
  });

  it.each(FIELDS)('whose option is $option comes from a command that has it', ({ line, option }) => {
    const command = commandOf(line);
    const known = [
      ...command.options.map(({ long }) => long),
      ...command.registeredArguments.map((argument) => `<${argument.name()}>`),
    ];
    expect(known).toContain(option);
  });

  it('that no option sets keeps the name of the field', async () => {
    api.breakage = problemWith({ field: 'gid', fault: 'is odd', detail: 'gid: is odd' });
    expect((await runCli(['list', '--server', api.url])).err).toEqual(['holdfast: gid: is odd']);
  });

  it('is shown as it is if the coordinator, of an earlier version, sends no fault', async () => {
    api.breakage = problemWith({ field: 'createdFromMs', detail: 'createdFromMs: is odd' });
    expect((await runCli(['list', '--server', api.url])).err).toEqual(['holdfast: createdFromMs: is odd']);
  });
});

describe('the table of options', () => {
  it.each(Object.keys(OPTION_NAMES) as Called[])('has every field of %s', (name) => {
    expect(Object.keys(OPTION_NAMES[name]).toSorted()).toEqual(fieldsOf(name).toSorted());
  });

  it('has every option and argument of the operator commands', () => {
    const named = new Set<string | null>([
      ...Object.values(OPTION_NAMES).flatMap((options) => Object.values<string | null>(options)),
      ...Object.values(NESTED_OPTION_NAMES),
    ]);
    const missing = [...operatorCommands().values()]
      .flatMap(({ options, registeredArguments }) => [
        ...options.map(({ long }) => long ?? ''),
        ...registeredArguments.map((argument) => `<${argument.name()}>`),
      ])
      .filter((option) => !LOCAL_OPTIONS.includes(option) && !named.has(option));
    expect(operatorCommands().size).toBe(19);
    expect(missing).toEqual([]);
  });

  it('has only operations', () => {
    expect(OPERATION_NAMES).toEqual(expect.arrayContaining(Object.keys(OPTION_NAMES)));
  });
});

function fieldsOf(name: Called): string[] {
  const operation = operationOf(name);
  const { body } = operation;
  const inBody = body !== undefined && 'shape' in body ? Object.keys(body.shape as object) : [];
  return [...pathFieldsOf(operation), ...Object.keys(operation.query?.shape ?? {}), ...inBody];
}

/** All commands that call the coordinator, by what is typed for each. */
function operatorCommands(): ReadonlyMap<string, Command> {
  const program = new Command('holdfast');
  registerOperatorCommands(program, ioOf({}));
  const nested = program.commands.flatMap((command) =>
    command.commands.map((sub) => [`${command.name()} ${sub.name()}`, sub] as const),
  );
  const all = [...program.commands.map((command) => [command.name(), command] as const), ...nested];
  // `xa recover` calls the coordinator about the gids that it finds in a database.
  const isSent = ([name, { options }]: readonly [string, Command]): boolean =>
    name !== 'xa recover' && options.some(({ envVar }) => envVar === 'HOLDFAST_SERVER');
  return new Map(all.filter(isSent));
}

function commandOf(line: string): Command {
  const commands = operatorCommands();
  const [name = '', sub = ''] = line.split(' ');
  const command = commands.get(`${name} ${sub}`) ?? commands.get(name);
  if (command === undefined) throw new Error(`there is no command for ${line}`);
  return command;
}

const problemWith = (details: Readonly<Record<string, string>>) => ({
  status: 400,
  body: JSON.stringify({ type: 'about:blank', title: 'No', status: 400, code: 'invalid', ...details }),
});

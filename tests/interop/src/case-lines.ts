import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { captureChild, createDataFolder, removeDataFolder } from '@holdfast/testing/servers';
import type { Outcome, Verdict } from './outcome.ts';
import { securedEnvironment } from './secured.ts';
import type { Targets } from './suite.ts';

const VERDICTS: readonly unknown[] = ['pass', 'fail', 'skip'] satisfies readonly Verdict[];

/**
 * A line that a program of cases writes: `group` and `name` when a case starts, and the whole
 * outcome when it has ended.
 */
interface Line extends Partial<Outcome> {
  readonly group: string;
  readonly name: string;
}

/** A program that runs the cases of a language. */
export interface CaseProgram {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Ends the program when it is aborted. */
  readonly signal: AbortSignal;
}

/**
 * Runs a program of cases, which finds what it runs against in its environment, and appends its
 * lines to the file INTEROP_OUTCOMES.
 */
export async function runCaseProgram(
  { program, args, cwd, signal }: CaseProgram,
  targets: Targets,
  pattern: string | undefined,
): Promise<readonly Outcome[]> {
  const folder = await createDataFolder('outcomes', undefined);
  const file = join(folder, 'outcomes.jsonl');
  const env = {
    ...process.env,
    INTEROP_OUTCOMES: file,
    INTEROP_TARGET: targets.coordinator,
    INTEROP_GRPC_TARGET: targets.grpc ?? '',
    INTEROP_MYSQL: targets.mariadb ?? '',
    INTEROP_TYPESCRIPT: targets.typescript,
    INTEROP_RUN: pattern ?? '',
    ...securedEnvironment(targets.secured),
  };
  try {
    const { code, output } = await captureChild(program, args, { cwd, env, signal });
    return outcomesOf(code, readCaseLines(await readFile(file, 'utf8').catch(() => '')), output);
  } finally {
    await removeDataFolder(folder);
  }
}

/**
 * Reads the lines of one run. A case that started and never ended counts as failed: the program has
 * crashed.
 */
export function readCaseLines(text: string): readonly Outcome[] {
  const found = new Map<string, Outcome>();
  for (const line of text.split('\n')) {
    const read = parse(line);
    if (read !== undefined) found.set(`${read.group}/${read.name}`, toOutcome(read));
  }
  return [...found.values()];
}

/**
 * The outcomes of a program that ended with `code`. Its failure outside the cases is one more
 * failed case, so that it cannot hide behind those that passed before.
 */
export function outcomesOf(
  code: number | string | null,
  outcomes: readonly Outcome[],
  output: string,
): readonly Outcome[] {
  if (code === 0 || outcomes.some(({ verdict }) => verdict === 'fail')) return outcomes;
  const detail = `${output}the program ended with ${String(code)}`;
  return [...outcomes, { group: 'Suite', name: 'runs to its end', verdict: 'fail', durationMs: 0, detail }];
}

const toOutcome = ({ group, name, verdict, durationMs, detail }: Line): Outcome =>
  verdict === undefined
    ? { group, name, verdict: 'fail', durationMs: 0, detail: 'the case never ended\n' }
    : { group, name, verdict, durationMs: durationMs ?? 0, detail: detail ?? '' };

function parse(text: string): Line | undefined {
  try {
    const line: unknown = JSON.parse(text);
    return isLine(line) ? line : undefined;
  } catch {
    return undefined; // The last line of a program that crashed while it wrote.
  }
}

function isLine(value: unknown): value is Line {
  if (typeof value !== 'object' || value === null) return false;
  if (!('group' in value && typeof value.group === 'string' && 'name' in value && typeof value.name === 'string'))
    return false;
  return !('verdict' in value) || VERDICTS.includes(value.verdict);
}

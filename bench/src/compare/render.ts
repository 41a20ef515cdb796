import { machineLines, OTHERS_LEGEND } from '../report/machine-lines.ts';
import { figure, percent, renderTable } from '../report/table.ts';
import type { Comparison } from './compare.ts';
import { aimOf } from './aims.ts';
import type { Summary } from './summary.ts';

/** The head of a table of lines, of which one is the base of the shares. */
export const headOf = (base: string): readonly string[] => [
  'connections',
  'coordinator',
  'sagas/s',
  `of ${base}`,
  'aim',
  'p50 ms',
  'p99 ms',
  'errors',
  'CPU µs/saga',
  'database µs/saga',
  'RssAnon MB',
  'others',
];

/** The comparison as a human-readable page. */
export function renderComparison({ machine, branchService, load, options, lines, ...rest }: Comparison): string {
  const { rounds, seconds } = options;
  return [
    `Two-branch sagas with wait_result; medians of ${rounds} × ${seconds} s`,
    ...machineLines(machine, branchService, load),
    '',
    renderTable(
      headOf('ceiling'),
      lines.map((line) => cellsOf(line, aimOf(line.name, line.connections))),
      2,
    ),
    '',
    ...(rest.builds.length === 0 ? [] : [buildTable(rest.builds), '']),
    ...rest.databases.map(({ name, description }) => `${name}: ${description}`),
    ...rest.ready.map(({ name, readyMs }) => `${name}: ready ${figure(readyMs)} ms after its start`),
    ...rest.leftOut.map(({ name, reason }) => `${name}: left out: ${reason}`),
    OTHERS_LEGEND,
  ].join('\n');
}

const BUILDS_HEAD = ['connections', 'coordinator', 'sagas/s', 'CPU µs/saga', 'database µs/saga'];

/** The ratios of this checkout to the other, with a heading. */
function buildTable(builds: Comparison['builds']): string {
  const rows = builds.map((build) => [
    String(build.connections),
    build.name,
    percent(build.sagasPerSecond, 1),
    percent(build.cpuMicrosPerSaga, 1),
    percent(build.databaseCpuMicrosPerSaga, 1),
  ]);
  return `This checkout as a share of the other, round by round:\n${renderTable(BUILDS_HEAD, rows, 2)}`;
}

/** @param aim the share that is to be reached; undefined: none */
export function cellsOf(line: Summary, aim: number | undefined): readonly string[] {
  return [
    String(line.connections),
    line.name,
    figure(line.sagasPerSecond),
    percent(line.ofCeiling),
    aim === undefined ? '' : `≥ ${percent(aim)}`,
    figure(line.p50Ms, 2),
    figure(line.p99Ms, 2),
    figure(line.errors),
    figure(line.cpuMicrosPerSaga),
    figure(line.databaseCpuMicrosPerSaga),
    figure(line.rssAnonMb),
    percent(line.othersShare),
  ];
}

import { machineLines, OTHERS_LEGEND } from '../report/machine-lines.ts';
import { figure, percent, renderTable } from '../report/table.ts';
import type { Comparison } from './compare.ts';
import type { Summary } from './summary.ts';

const HEAD = [
  'connections',
  'coordinator',
  'sagas/s',
  'of ceiling',
  'p50 ms',
  'p99 ms',
  'errors',
  'CPU µs/saga',
  'RssAnon MB',
  'others',
];

/** The comparison as a page for people. */
export function renderComparison({ machine, branchService, load, options, lines, ready }: Comparison): string {
  const { rounds, seconds } = options;
  return [
    `Two-branch sagas with wait_result; medians of ${rounds} × ${seconds} s`,
    ...machineLines(machine, branchService, load),
    '',
    renderTable(HEAD, lines.map(cells), 2),
    '',
    ...ready.map(({ name, readyMs }) => `${name}: ready ${figure(readyMs)} ms after its start`),
    OTHERS_LEGEND,
  ].join('\n');
}

function cells(line: Summary): readonly string[] {
  return [
    String(line.connections),
    line.name,
    figure(line.sagasPerSecond),
    percent(line.ofCeiling),
    figure(line.p50Ms, 2),
    figure(line.p99Ms, 2),
    figure(line.errors),
    figure(line.cpuMicrosPerSaga),
    figure(line.rssAnonMb),
    percent(line.othersShare),
  ];
}

import { machineLines, OTHERS_LEGEND } from '../report/machine-lines.ts';
import { figure, percent, renderTable } from '../report/table.ts';
import type { Growth, ScaleSummary } from './growth.ts';
import type { ScaleComparison } from './scale.ts';

const HEAD = [
  'connections',
  'store',
  'finished',
  'waiting',
  'ready ms',
  'sagas/s',
  'errors',
  'CPU µs/saga',
  'database µs/saga',
  'store ms/batch',
  'items/batch',
  'store µs/item',
  'RssAnon MB',
  'others',
];

/** The comparison as a human-readable page. */
export function renderScale({ machine, branchService, load, options, database, growth }: ScaleComparison): string {
  const { rounds, seconds, finished, waiting } = options;
  return [
    `An empty store (${options.store}) beside one with ${figure(finished)} finished and ${figure(waiting)} waiting transactions; medians of ${rounds} × ${seconds} s`,
    ...machineLines(machine, branchService, load),
    ...(database === undefined ? [] : [database]),
    '',
    renderTable(HEAD, growth.flatMap(lines), 2),
    '',
    ...growth.map(
      ({ connections, cpuPerSaga, storeTimePerBatch }) =>
        `growth at ${connections} connections: CPU per saga ${signed(cpuPerSaga)}, store time per batch ${signed(storeTimePerBatch)}`,
    ),
    'finished, waiting: transactions in the store at the end of a round, the maximum over all rounds; the load adds to both stores',
    OTHERS_LEGEND,
  ].join('\n');
}

const lines = ({ connections, empty, full }: Growth): readonly (readonly string[])[] => [
  cells(connections, 'empty', empty),
  cells(connections, 'full', full),
];

const cells = (connections: number, name: string, line: ScaleSummary): readonly string[] => [
  String(connections),
  name,
  figure(line.stored.most.finished),
  figure(line.stored.most.unfinished),
  figure(line.readyMs),
  figure(line.sagasPerSecond),
  figure(line.errors),
  figure(line.cpuMicrosPerSaga),
  figure(line.databaseCpuMicrosPerSaga),
  figure(line.msPerBatch, 2),
  figure(line.itemsPerBatch, 1),
  figure(line.microsPerItem, 1),
  figure(line.rssAnonMb),
  percent(line.othersShare),
];

const signed = (share: number | undefined): string =>
  (share !== undefined && share >= 0 ? '+' : '') + percent(share, 1);

import { machineLines } from '../report/machine-lines.ts';
import { figure, renderTable } from '../report/table.ts';
import type { StallComparison } from './measure.ts';

/**
 * A human-readable page: by input, the minimum and maximum CPU time of the main thread for which
 * the event loop was blocked in a round.
 */
export function renderStalls({ machine, branchService, lines }: StallComparison): string {
  const rows = lines.map(({ name, bytes, statuses, stalls }) => {
    const sorted = stalls.toSorted((a, b) => a.cpuMs - b.cpuMs);
    const [least, most] = [sorted[0], sorted.at(-1)];
    return [
      name,
      figure(bytes / 1024),
      statuses.join(', '),
      figure(least?.cpuMs, 1),
      figure(most?.cpuMs, 1),
      figure(most?.wallMs, 1),
    ];
  });
  const head = ['input', 'KiB', 'status', 'least CPU ms', 'most CPU ms', 'wall ms'];
  return [...machineLines(machine, branchService, 'one request at a time'), '', renderTable(head, rows, 1)].join('\n');
}

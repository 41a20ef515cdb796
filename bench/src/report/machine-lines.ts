import type { MachineFacts } from '../machine/facts.ts';
import { figure } from './table.ts';

/** The facts on which the figures depend, as human-readable lines. */
export function machineLines(machine: MachineFacts, branchService: string, load: string): readonly string[] {
  const { cores, cpu, memoryGb, system, node, syncMs, inMemory } = machine;
  const where = inMemory ? ' (in memory: nothing there is durable)' : '';
  return [
    `${cores} cores (${cpu}), ${memoryGb} GB, ${system}, Node ${node}`,
    `branch service: ${branchService}; load: ${load}; a synced write of 4 KiB in the temporary folder takes ${figure(syncMs, 2)} ms${where}`,
  ];
}

/** Explains the column of that name. */
export const OTHERS_LEGEND =
  'others: CPU time of the machine that went to other programs, and to other machines on the same host';

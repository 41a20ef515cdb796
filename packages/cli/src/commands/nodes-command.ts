import type { NodeList } from '@holdfast/protocol';
import type { Command } from 'commander';
import type { CommandIo } from './command-io.ts';
import { type CommonOptions, operatorCommand, runCommand } from './run-command.ts';
import { type Column, columnWidths, tableHead, tableRow } from '../output/table.ts';
import { clean, painter } from '../output/text.ts';
import { duration, moment } from '../output/time.ts';

type NodeRow = NodeList['items'][number];

/** `holdfast nodes`: lists the live nodes and how many transactions each owns. */
export function registerNodes(program: Command, io: CommandIo): void {
  const command = program
    .command('nodes')
    .summary('list the live nodes over the same store')
    .description(
      'List the nodes over the same store: when each started, the age of its last heartbeat, and the number of transactions that it owns, that is, currently drives. A transaction that waits for its next attempt has no owner.',
    );
  operatorCommand(command, io, ['nodes', 'nodes -o json']);
  command.action((options: CommonOptions) =>
    runCommand(io, options, async ({ api }) => {
      const { nowMs = io.nowMs(), items } = await api.call('listNodes', {});
      const nodes = items.toSorted((a, b) =>
        a.node < b.node ? -1 : a.node > b.node ? 1 : a.startedAtMs - b.startedAtMs,
      );
      if (options.output === 'json') return io.out(JSON.stringify({ nowMs, items: nodes }, undefined, 2));
      if (options.output === 'ids') return nodes.forEach(({ session }) => io.out(session));
      const columns = columnsAt(nowMs);
      const widths = columnWidths(columns, nodes);
      const paint = painter(io.colour);
      io.out(tableHead(columns, widths, paint));
      for (const row of nodes) io.out(tableRow(columns, widths, row, io.width, paint));
    }),
  );
}

const columnsAt = (nowMs: number): Column<NodeRow>[] => [
  { title: 'NODE', text: (row) => clean(row.node) },
  { title: 'VERSION', text: (row) => clean(row.version) },
  { title: 'SINCE', text: (row) => moment(row.startedAtMs) },
  { title: 'LAST HEARTBEAT', text: (row) => `${duration(nowMs - row.heartbeatAtMs)} ago` },
  // Nodes of an earlier version do not report it.
  { title: 'HOLDS', text: (row) => String(row.owned ?? '?') },
  { title: 'SESSION', text: (row) => clean(row.session) },
];

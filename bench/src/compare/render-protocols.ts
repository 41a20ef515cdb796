import { machineLines, OTHERS_LEGEND } from '../report/machine-lines.ts';
import { renderTable } from '../report/table.ts';
import { GRPC_AIM } from './aims.ts';
import { LIMIT, type ProtocolComparison } from './protocols.ts';
import { cellsOf, headOf } from './render.ts';
import type { Summary } from './summary.ts';

/** The comparison of gRPC with HTTP as a human-readable page. */
export function renderProtocols(comparison: ProtocolComparison): string {
  const { machine, branchService, load, grpcBranchService, grpcLoad, options, lines } = comparison;
  const { rounds, seconds } = options;
  return [
    `Two-branch sagas with wait_result over gRPC and HTTP; medians of ${rounds} × ${seconds} s`,
    ...machineLines(machine, branchService, load),
    `over gRPC: branch service: ${grpcBranchService}; load: ${grpcLoad}, up to 64 callers per connection`,
    '',
    renderTable(
      headOf('HTTP'),
      lines.map((line) => cellsOf(line, aimOf(line))),
      2,
    ),
    '',
    `${LIMIT}: the same requests to the branch service, which responds at once; no coordinator can be faster`,
    OTHERS_LEGEND,
  ].join('\n');
}

const aimOf = ({ name }: Summary): number | undefined =>
  name !== LIMIT && name.includes('gRPC') ? GRPC_AIM : undefined;

import { machineLines, OTHERS_LEGEND } from '../report/machine-lines.ts';
import { renderTable } from '../report/table.ts';
import { cellsOf, headOf } from './render.ts';
import { securedAimOf } from './aims.ts';
import type { SecuredComparison } from './secured.ts';

/** What security costs, as a human-readable page. */
export function renderSecured({ machine, branchService, load, options, lines }: SecuredComparison): string {
  const { rounds, seconds } = options;
  return [
    `Two-branch sagas with wait_result, open and secured; medians of ${rounds} × ${seconds} s`,
    ...machineLines(machine, branchService, load),
    '',
    renderTable(
      headOf('open'),
      lines.map((line) => cellsOf(line, securedAimOf(line.name))),
      2,
    ),
    '',
    'tokens: each request has a token. signing: each branch call is signed with HMAC-SHA256. TLS: from the callers, and to',
    'the branches.',
    OTHERS_LEGEND,
  ].join('\n');
}

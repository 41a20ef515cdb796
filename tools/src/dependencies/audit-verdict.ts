/** What the output of `npm audit --json` means. */
export interface AuditVerdict {
  readonly text: string;
  readonly exitCode: 0 | 1 | 3;
}

interface AuditReport {
  readonly message?: string;
  readonly error?: { readonly summary?: string };
  readonly metadata?: { readonly vulnerabilities?: Readonly<Record<string, number>> };
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly range: string }>>;
}

const SEVERE = ['high', 'critical'];

/** An output that states no numbers is not a clean result: the registry did not respond to it. */
export function auditVerdict(output: string): AuditVerdict {
  const report = parsed(output);
  const counts = report?.metadata?.vulnerabilities;
  if (counts === undefined) {
    const reason = report?.message ?? report?.error?.summary ?? '';
    return {
      text: `Nothing is known: the registry does not serve audits${reason === '' ? '' : ` (${reason})`}.`,
      exitCode: 3,
    };
  }
  const found = Object.entries(report?.vulnerabilities ?? {}).map(
    ([name, { severity, range }]) => `${severity}: ${name} ${range}`,
  );
  const severe = SEVERE.reduce((sum, level) => sum + (counts[level] ?? 0), 0);
  const total = Object.entries(counts).reduce((sum, [level, n]) => (level === 'total' ? sum : sum + n), 0);
  return {
    text: [...found, `${total} known vulnerabilities, ${severe} of them high or critical`].join('\n'),
    exitCode: severe > 0 ? 1 : 0,
  };
}

function parsed(output: string): AuditReport | undefined {
  try {
    return JSON.parse(output) as AuditReport;
  } catch {
    return undefined;
  }
}

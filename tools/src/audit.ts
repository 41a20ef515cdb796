import { execFile } from 'node:child_process';
import { auditVerdict } from './dependencies/audit-verdict.ts';

/**
 * `npm run audit`: requests the known vulnerabilities of what is installed with the
 * published packages. Exits with code 1 if one is high or critical, with code 3 if the registry
 * does not serve audits: then nothing is known.
 */
const output = await new Promise<string>((resolve) => {
  execFile('npm', ['audit', '--omit=dev', '--json'], { maxBuffer: 64 * 1024 * 1024, timeout: 120_000 }, (_error, out) =>
    resolve(out),
  );
});
const { text, exitCode } = auditVerdict(output);
console.log(text);
process.exitCode = exitCode;

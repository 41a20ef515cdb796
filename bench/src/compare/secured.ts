import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestAuthority } from '@holdfast/testing/servers';
import type { BranchService } from '../branch/branch-service.ts';
import { findNginx, startNginx } from '../branch/nginx-branch-service.ts';
import type { ServerFiles } from '../branch/nginx-config.ts';
import { type MachineFacts, machineFacts } from '../machine/facts.ts';
import { preflight } from '../measure/preflight.ts';
import { startTools } from '../measure/tools.ts';
import { warmUp } from '../measure/warm-up.ts';
import type { SecuredOptions } from '../options.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import { temporaryFolder } from '../processes/temporary-folder.ts';
import { newProfileFolder } from '../profile/profile-folder.ts';
import type { Say } from '../report/say.ts';
import { CLI } from '../subjects/holdfast.ts';
import type { Subject } from '../subjects/subject.ts';
import { measure } from './measure.ts';
import { type Place, startAlike } from './start-alike.ts';
import type { Summary } from './summary.ts';

export interface SecuredComparison {
  readonly machine: MachineFacts;
  readonly branchService: string;
  readonly load: string;
  readonly options: SecuredOptions;
  /** For each number of callers: the open coordinator, then the secured ones. */
  readonly lines: readonly Summary[];
  /** Folder of the CPU profiles; undefined: none were requested. */
  readonly profileFolder: string | undefined;
}

/** A way of running a coordinator. */
interface Mode {
  readonly name: string;
  readonly hasTokens: boolean;
  readonly isSigning: boolean;
  /** Towards callers and branches. */
  readonly hasTls: boolean;
}

/** The open coordinator first: the others are compared with it. */
const MODES: readonly Mode[] = [
  { name: 'open', hasTokens: false, isSigning: false, hasTls: false },
  { name: 'tokens', hasTokens: true, isSigning: false, hasTls: false },
  { name: 'tokens, signing', hasTokens: true, isSigning: true, hasTls: false },
  { name: 'tokens, TLS', hasTokens: true, isSigning: false, hasTls: true },
  { name: 'tokens, signing, TLS', hasTokens: true, isSigning: true, hasTls: true },
];

/** The files of the secured coordinators, and the branch service over TLS. */
interface Means {
  readonly tls: ServerFiles & { readonly authority: string; readonly authorityFile: string };
  readonly token: string;
  readonly tokenFile: string;
  readonly signingKeyFile: string;
  readonly branches: BranchService;
}

/** Measures what security costs, in turns. `cleanup` stops the processes that it starts. */
export async function compareSecured(options: SecuredOptions, cleanup: Cleanup, say: Say): Promise<SecuredComparison> {
  const folder = temporaryFolder(cleanup);
  const profileFolder = options.cpuProfile ? newProfileFolder() : undefined;
  const machine = machineFacts(folder);
  const bench = await startTools(options, folder, cleanup);
  const means = await prepare(folder, cleanup);
  const started: { readonly subject: Subject; readonly stop: () => Promise<void> }[] = [];
  for (const mode of MODES) started.push(await start(options, mode, means, { folder, profileFolder, cleanup }));
  const subjects = started.map(({ subject }) => subject);
  const [base, ...others] = subjects as [Subject, ...Subject[]];
  for (const subject of subjects) await preflight(bench, subject);
  for (const subject of subjects) await warmUp(bench, subject, options.warmUpSeconds);
  const lines: Summary[] = [];
  for (const connections of options.connections)
    lines.push(...(await measure(bench, base, others, connections, options, say)));
  // A profile is written when its process ends.
  for (const { stop } of started) await stop();
  return { machine, branchService: bench.branches.name, load: bench.load.name, options, lines, profileFolder };
}

async function prepare(folder: string, cleanup: Cleanup): Promise<Means> {
  const nginx = findNginx();
  if (nginx === undefined) throw new Error('nginx is not installed: --secured needs it');
  const authority = await TestAuthority.create();
  cleanup.add(() => authority[Symbol.asyncDispose]());
  const { certificate, key } = await authority.issue();
  const tls = { certificate, key, authority: authority.certificateText, authorityFile: authority.certificate };
  const home = join(folder, 'secured');
  mkdirSync(home);
  const token = spawnSync(process.execPath, [CLI, 'token', 'generate'], { encoding: 'utf8' }).stdout.trim();
  const [tokenFile, signingKeyFile] = [join(home, 'token'), join(home, 'signing.key')];
  writeFileSync(tokenFile, token, { mode: 0o600 });
  writeFileSync(signingKeyFile, `whsec_${randomBytes(32).toString('base64')}`, { mode: 0o600 });
  return { tls, token, tokenFile, signingKeyFile, branches: await startNginx(nginx, home, cleanup, tls) };
}

async function start(
  { store }: SecuredOptions,
  { name, hasTokens, isSigning, hasTls }: Mode,
  { tls, token, tokenFile, signingKeyFile, branches }: Means,
  place: Place,
): Promise<{ readonly subject: Subject; readonly stop: () => Promise<void> }> {
  const holdfast = await startAlike(name, store, place, {
    args: [
      ...(hasTokens ? ['--auth', '--bootstrap-token-file', tokenFile, '--branch-targets', '127.0.0.0/8'] : []),
      ...(isSigning ? ['--signing-key-file', signingKeyFile] : []),
      ...(hasTls ? ['--tls-cert-file', tls.certificate, '--tls-key-file', tls.key] : []),
      ...(hasTls ? ['--branch-tls-ca-file', tls.authorityFile] : []),
    ],
    authority: hasTls ? tls.authority : undefined,
  });
  const subject: Subject = {
    ...holdfast,
    ...(hasTokens && { token }),
    ...(hasTls && { branches, authority: tls.authority }),
  };
  return { subject, stop: holdfast.stop };
}

import type { BranchService } from '../branch/branch-service.ts';
import { startGrpcBranches } from '../grpc/grpc-branch-service.ts';
import { startGrpcLoad } from '../grpc/grpc-load.ts';
import type { LoadGenerator } from '../load/load.ts';
import { type MachineFacts, machineFacts } from '../machine/facts.ts';
import { preflight } from '../measure/preflight.ts';
import { startTools } from '../measure/tools.ts';
import { warmUp } from '../measure/warm-up.ts';
import type { ProtocolOptions } from '../options.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import { temporaryFolder } from '../processes/temporary-folder.ts';
import { newProfileFolder } from '../profile/profile-folder.ts';
import type { Say } from '../report/say.ts';
import type { Subject } from '../subjects/subject.ts';
import { measure } from './measure.ts';
import { type Place, startAlike } from './start-alike.ts';
import type { Summary } from './summary.ts';

export interface ProtocolComparison {
  readonly machine: MachineFacts;
  readonly branchService: string;
  readonly load: string;
  readonly grpcBranchService: string;
  readonly grpcLoad: string;
  readonly options: ProtocolOptions;
  /** For each number of callers: HTTP, the combinations with gRPC, the limit, the targets. */
  readonly lines: readonly Summary[];
  /** Folder of the CPU profiles; undefined: none were requested. */
  readonly profileFolder: string | undefined;
}

/** Name of the line with the throughput of the gRPC load itself. */
export const LIMIT = 'limit of the gRPC load';

/** The combinations, the base of the comparison first. */
const COMBINATIONS = [
  { name: 'HTTP', hasGrpcSubmission: false, hasGrpcBranches: false },
  { name: 'gRPC branches', hasGrpcSubmission: false, hasGrpcBranches: true },
  { name: 'gRPC submission', hasGrpcSubmission: true, hasGrpcBranches: false },
  { name: 'gRPC, both', hasGrpcSubmission: true, hasGrpcBranches: true },
] as const;

interface GrpcTools {
  readonly load: LoadGenerator;
  readonly branches: BranchService;
}

interface Started {
  readonly subject: Subject;
  /** Stops the coordinator before the end of the run: its CPU profile is written then. */
  readonly stop: () => Promise<void>;
}

/** Measures gRPC in turns with HTTP. `cleanup` stops the processes that it starts. */
export async function compareProtocols(
  options: ProtocolOptions,
  cleanup: Cleanup,
  say: Say,
): Promise<ProtocolComparison> {
  const folder = temporaryFolder(cleanup);
  const profileFolder = options.cpuProfile ? newProfileFolder() : undefined;
  const machine = machineFacts(folder);
  const bench = await startTools(options, folder, cleanup);
  const grpc: GrpcTools = { load: startGrpcLoad(cleanup), branches: await startGrpcBranches(cleanup) };
  const coordinators = await startCoordinators(options, grpc, { folder, profileFolder, cleanup });
  const subjects = [...coordinators.map(({ subject }) => subject), limitOf(grpc), ...targetsOf(options, grpc)];
  const [base, ...others] = subjects as [Subject, ...Subject[]];
  for (const subject of subjects) await preflight(bench, subject);
  for (const subject of subjects) await warmUp(bench, subject, options.warmUpSeconds);
  const lines: Summary[] = [];
  for (const connections of options.connections)
    lines.push(...(await measure(bench, base, others, connections, options, say)));
  for (const { stop } of coordinators) await stop();
  return {
    machine,
    branchService: bench.branches.name,
    load: bench.load.name,
    grpcBranchService: grpc.branches.name,
    grpcLoad: grpc.load.name,
    options,
    lines,
    profileFolder,
  };
}

/** A coordinator for each combination: code that serves both protocols is compiled for neither. */
async function startCoordinators(
  { store }: ProtocolOptions,
  grpc: GrpcTools,
  place: Place,
): Promise<readonly Started[]> {
  const started: Started[] = [];
  for (const { name, hasGrpcSubmission, hasGrpcBranches } of COMBINATIONS) {
    const holdfast = await startAlike(name, store, place);
    const subject: Subject = {
      name: holdfast.name,
      origin: hasGrpcSubmission ? holdfast.grpcOrigin : holdfast.origin,
      pid: holdfast.pid,
      ...(hasGrpcSubmission ? { grpcLoad: grpc.load } : {}),
      ...(hasGrpcBranches ? { branches: grpc.branches } : {}),
    };
    started.push({ subject, stop: holdfast.stop });
  }
  return started;
}

/** The branch service, which responds to submissions as well. */
function limitOf({ load, branches }: GrpcTools): Subject {
  const server = branches.origin.slice(0, branches.origin.indexOf('/'));
  return { name: LIMIT, origin: `http://${server}`, pid: undefined, grpcLoad: load, branches };
}

const targetsOf = ({ targets, targetPid }: ProtocolOptions, { load, branches }: GrpcTools): readonly Subject[] =>
  targets.map((origin) => ({ name: new URL(origin).host, origin, pid: targetPid, grpcLoad: load, branches }));

/** A CPU profile of `node --cpu-prof`; only the fields that are used here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly children?: readonly number[];
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** µs since the previous sample. */
  readonly timeDeltas: readonly number[];
}

/** Share (0 to 1) of the busy time that was spent in something itself, without its callees. */
export interface SelfTime {
  readonly name: string;
  readonly share: number;
}

export interface ProfileSummary {
  /** Busy time and idle time, in ms. */
  readonly busyMs: number;
  readonly idleMs: number;
  /** Most expensive first. */
  readonly functions: readonly SelfTime[];
  readonly files: readonly SelfTime[];
  /**
   * By the package for which time was spent: the time of Node and native code counts for their
   * caller.
   */
  readonly parts: readonly SelfTime[];
}

const IDLE = '(idle)';

/** Sums up where a process spent its time. */
export function summarizeProfile({ nodes, samples, timeDeltas }: CpuProfile): ProfileSummary {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const functions = new Map<string, number>();
  const files = new Map<string, number>();
  const parts = new Map<string, number>();
  const partOf = partsOf(nodes);
  let busyMicros = 0;
  let idleMicros = 0;
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    if (frame === undefined) continue;
    // The clock of the samples may step back slightly.
    const micros = Math.max(0, timeDeltas[index] ?? 0);
    if (frame.functionName === IDLE) {
      idleMicros += micros;
      continue;
    }
    busyMicros += micros;
    const file = shortUrl(frame.url);
    const place = frame.url === '' ? '' : ` ${file}:${frame.lineNumber + 1}`;
    add(functions, `${frame.functionName === '' ? '(anonymous)' : frame.functionName}${place}`, micros);
    add(files, file, micros);
    add(parts, partOf.get(id) ?? NOBODY, micros);
  }
  return {
    busyMs: busyMicros / 1e3,
    idleMs: idleMicros / 1e3,
    functions: ranked(functions, busyMicros),
    files: ranked(files, busyMicros),
    parts: ranked(parts, busyMicros),
  };
}

function add(sums: Map<string, number>, key: string, micros: number): void {
  sums.set(key, (sums.get(key) ?? 0) + micros);
}

const ranked = (sums: ReadonlyMap<string, number>, all: number): readonly SelfTime[] =>
  [...sums].toSorted(([, a], [, b]) => b - a).map(([name, micros]) => ({ name, share: micros / all }));

/** Time spent for no package: mostly the event loop of Node itself. */
const NOBODY = 'Node itself';

/** The nearest package on the path from each node to the root of the tree. */
function partsOf(nodes: CpuProfile['nodes']): ReadonlyMap<number, string> {
  const parts = new Map<number, string>();
  // Parents precede their children.
  for (const { id, children = [], callFrame } of nodes) {
    const part = packageOf(callFrame) ?? parts.get(id);
    if (part === undefined) continue;
    parts.set(id, part);
    for (const child of children) parts.set(child, part);
  }
  return parts;
}

function packageOf({ functionName, url }: CpuProfile['nodes'][number]['callFrame']): string | undefined {
  if (functionName === '(garbage collector)') return functionName;
  if (/^node:(_http|internal\/http)/.test(url)) return "Node's HTTP";
  const [, dependency] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
  // For Holdfast's packages, also the folder or file within the package.
  const [, own] = /\/packages\/([^/]+\/dist\/[^/]+)/.exec(url) ?? [];
  return dependency ?? own?.replace('/dist/', '/').replace(/\.js$/, '');
}

/** Path of a file within its package; native code and the garbage collector have no file. */
function shortUrl(url: string): string {
  if (url === '') return '(native)';
  const path = url.replace(/^file:\/\//, '');
  const dependency = path.lastIndexOf('/node_modules/');
  if (dependency >= 0) return path.slice(dependency + '/node_modules/'.length);
  return /\/(packages\/.*)$/.exec(path)?.[1] ?? path;
}

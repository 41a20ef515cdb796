/** A CPU profile as `node --cpu-prof` writes it; only what is read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly children?: readonly number[];
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** µs from the sample before. */
  readonly timeDeltas: readonly number[];
}

/** Share (0 to 1) of the time at work that was spent in something itself, not in what it called. */
export interface SelfTime {
  readonly name: string;
  readonly share: number;
}

export interface ProfileSummary {
  /** Time at work and time idle, in ms. */
  readonly busyMs: number;
  readonly idleMs: number;
  /** The most expensive first. */
  readonly functions: readonly SelfTime[];
  readonly files: readonly SelfTime[];
  /** By the package for which it was spent: what Node and native code did is its that called them. */
  readonly parts: readonly SelfTime[];
}

const IDLE = '(idle)';

/** Adds up where a process spent its time. */
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
    // The clock of the samples may step back a little.
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

/** What is done for no package: Node's own turns of the event loop, mostly. */
const NOBODY = 'Node itself';

/** For each node of the tree the nearest package on the way to its root. */
function partsOf(nodes: CpuProfile['nodes']): ReadonlyMap<number, string> {
  const parts = new Map<number, string>();
  // A parent stands before its children.
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
  // Of ours, the folder or file within the package too.
  const [, own] = /\/packages\/([^/]+\/dist\/[^/]+)/.exec(url) ?? [];
  return dependency ?? own?.replace('/dist/', '/').replace(/\.js$/, '');
}

/** Where a file lies in its package; what has no file is native code and the collector of garbage. */
function shortUrl(url: string): string {
  if (url === '') return '(native)';
  const path = url.replace(/^file:\/\//, '');
  const dependency = path.lastIndexOf('/node_modules/');
  if (dependency >= 0) return path.slice(dependency + '/node_modules/'.length);
  return /\/(packages\/.*)$/.exec(path)?.[1] ?? path;
}

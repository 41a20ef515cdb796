import type { Coordinator } from '@holdfast/core';
import type { StoreCounts } from '@holdfast/core/store';
import { DEFAULT_NAMESPACE, STATUSES } from '@holdfast/protocol';
import type * as prometheus from 'prom-client';
import type { CounterChild, Family, HistogramChild } from './families.ts';
import type { ServerMetrics } from './server-metrics.ts';

/** The metrics in Prometheus' text format. */
export interface Exposition {
  /** The text, one metric per part. */
  readonly parts: AsyncIterable<string>;
  readonly contentType: string;
}

/** The metrics of one process, in a form that can be sent to another. */
export type Snapshot = readonly unknown[];

/** The workers of one port, if there are several. */
export interface Siblings {
  /** The metrics of each worker, including this one. */
  allMetrics(): Promise<readonly Snapshot[]>;
  /** Sets the function that reads this worker's metrics when another worker collects them. */
  onRequested(read: () => Promise<Snapshot>): void;
}

/** A store that does not respond to a scrape within this time is reported as down. */
const COUNTS_TIMEOUT_MS = 2_000;

/**
 * Creates the Prometheus text. The first scrape loads the library, to keep the start fast. A scrape
 * reaches any one of the workers of a port and returns the sum over all of them.
 */
export function createExposition(
  metrics: ServerMetrics,
  coordinator: Coordinator,
  siblings?: Siblings,
): () => Promise<Exposition> {
  let built: Promise<Built> | undefined;
  const current = async (): Promise<Built> => {
    built ??= import('prom-client').then((prom) => build(prom, metrics, coordinator));
    const found = await built;
    found.showCounts(await queryCounts(coordinator));
    return found;
  };
  siblings?.onRequested(async () => (await current()).register.getMetricsAsJSON());
  return async () => {
    const register = siblings === undefined ? (await current()).register : await summedUp(await siblings.allMetrics());
    return { parts: partsOf(register), contentType: register.contentType };
  };
}

/** The text of `register.metrics()`: a metric is converted when its part is requested. */
export async function* partsOf(register: Registry): AsyncGenerator<string> {
  let before = '';
  for (const metric of register.getMetricsAsArray()) {
    yield before + (await register.getSingleMetricAsString(metric.name));
    before = '\n\n';
  }
  yield '\n';
}

async function summedUp(snapshots: readonly Snapshot[]): Promise<Registry> {
  const { AggregatorRegistry } = await import('prom-client');
  return AggregatorRegistry.aggregate([...snapshots]);
}

interface Built {
  readonly register: Registry;
  readonly showCounts: (counts: StoreCounts | undefined) => void;
}

function build(prom: typeof prometheus, metrics: ServerMetrics, coordinator: Coordinator): Built {
  const register = new prom.Registry();
  prom.collectDefaultMetrics({ register });
  for (const family of metrics.counterFamilies) addCounter(prom, register, family);
  for (const family of metrics.histogramFamilies) addHistogram(prom, register, family);
  addLoad(prom, register, coordinator);
  if (metrics.certificateExpiries.size > 0) addCertificates(prom, register, metrics);
  return { register, showCounts: addCounts(prom, register) };
}

type Registry = prometheus.Registry;

function addCounter(prom: typeof prometheus, register: Registry, family: Family<CounterChild>): void {
  const { name, help, labelNames } = family;
  const counter = new prom.Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [],
    collect() {
      this.reset();
      for (const { labels, child } of family.children) this.inc({ ...labels }, child.value);
    },
  });
  register.registerMetric(counter);
}

/** The library declares this enumeration without exporting it. */
const HISTOGRAM = 'histogram' as unknown as prometheus.MetricType;

function addHistogram(prom: typeof prometheus, register: Registry, family: Family<HistogramChild>): void {
  const { name, help, labelNames } = family;
  // The library's histogram does not accept finished counts, but a metric's `get` result is written
  // according to its type.
  class FamilyHistogram extends prom.Gauge {
    override get() {
      const values = [...family.children].flatMap(({ labels, child }) => samplesOf(name, labels, child));
      return Promise.resolve({
        name,
        help,
        type: HISTOGRAM,
        aggregator: 'sum' as const,
        values,
        collect() {},
      });
    }
  }
  register.registerMetric(new FamilyHistogram({ name, help, labelNames: [...labelNames], registers: [] }));
}

function samplesOf(name: string, labels: Readonly<Record<string, string>>, { bounds, counts, sum }: HistogramChild) {
  let below = 0;
  const buckets = counts.map((count, index) => {
    below += count;
    const le = bounds[index] ?? '+Inf';
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: { ...labels }, value: sum },
    { metricName: `${name}_count`, labels: { ...labels }, value: below },
  ];
}

function addLoad(prom: typeof prometheus, register: Registry, coordinator: Coordinator): void {
  const gauge = (name: string, help: string, read: () => number, aggregator: prometheus.Aggregator = 'sum'): void => {
    const made = new prom.Gauge({
      name: `holdfast_${name}`,
      help,
      aggregator,
      registers: [],
      collect() {
        this.set(read());
      },
    });
    register.registerMetric(made);
  };
  gauge('transactions_in_progress', 'Transactions in progress on this node', () => coordinator.load().inProgress);
  gauge('branch_calls_running', 'Branch calls in progress', () => coordinator.load().callsRunning);
  gauge('store_writes_queued', 'Writes waiting for the store', () => coordinator.load().writesQueued);
  gauge('waiters', 'Callers waiting for a result', () => coordinator.load().waiters);
  gauge('watched', 'Transactions that callers watch', () => coordinator.load().watched);
  gauge('draining', '1 while the node is shutting down', () => Number(coordinator.load().draining), 'max');
  gauge(
    'lease_held',
    '0 if the store has not responded for too long to start branch calls',
    () => Number(coordinator.load().leaseHeld),
    'min',
  );
  gauge('workers', 'Worker processes that responded to this scrape', () => 1);
}

function addCertificates(prom: typeof prometheus, register: Registry, { certificateExpiries }: ServerMetrics): void {
  const gauge = new prom.Gauge({
    name: 'holdfast_tls_certificate_expiry_timestamp_seconds',
    help: 'When the certificate in use expires, in seconds since the epoch',
    labelNames: ['use'],
    // The worker that reloaded last may still use the older one.
    aggregator: 'min',
    registers: [],
    collect() {
      this.reset();
      for (const [use, expiresMs] of certificateExpiries) {
        const ms = expiresMs();
        if (ms !== undefined) this.set({ use }, ms / 1_000);
      }
    },
  });
  register.registerMetric(gauge);
}

function addCounts(prom: typeof prometheus, register: Registry): Built['showCounts'] {
  const gauge = (name: string, help: string, aggregator: prometheus.Aggregator, labelNames: string[] = []) =>
    new prom.Gauge({ name: `holdfast_${name}`, help, labelNames, aggregator, registers: [register] });
  const up = gauge('store_up', '1 if the store responded to this scrape', 'min');
  // `max`, because every worker sees the same store.
  const stored = gauge('stored_transactions', 'Transactions in the store', 'max', ['status']);
  const attention = gauge('stored_transactions_attention', 'Stored transactions that need operator attention', 'max');
  return (counts) => {
    up.set(counts === undefined ? 0 : 1);
    // A value that could not be read is left out; `reset` would show 0 for a gauge without labels.
    stored.reset();
    attention.remove();
    if (counts === undefined) return;
    for (const status of STATUSES) stored.set({ status }, counts.byStatus[status]);
    attention.set(counts.attention);
  };
}

/** Resolves to undefined if the store does not respond in time. */
async function queryCounts(coordinator: Coordinator): Promise<StoreCounts | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, COUNTS_TIMEOUT_MS, undefined);
  });
  const context = { principal: { id: 'metrics', roles: ['viewer'] } as const, namespace: DEFAULT_NAMESPACE };
  try {
    return await Promise.race([coordinator.counts(context).catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}

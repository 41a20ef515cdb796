import { type CounterChild, counters, type Family, type HistogramChild, histograms } from './families.ts';

/** What a transport counts: its requests by name and status, and their durations. */
export interface ResponseMetricNames {
  readonly requests: string;
  readonly seconds: string;
  /** Label of the route or method, and label of the status. */
  readonly labels: readonly [name: string, status: string];
}

/** The requests that one transport has served. */
export class ResponseMetrics {
  readonly requests: Family<CounterChild>;
  readonly times: Family<HistogramChild>;
  readonly #labels: ResponseMetricNames['labels'];
  readonly #children = new Map<
    string,
    { readonly times: HistogramChild; readonly statuses: Map<number, CounterChild> }
  >();

  constructor({ requests, seconds, labels }: ResponseMetricNames, bounds: readonly number[]) {
    this.#labels = labels;
    this.requests = counters(requests, 'Requests served', ...labels);
    this.times = histograms(seconds, 'Time from a request to its response', bounds, labels[0]);
  }

  /** A request was served. The names must be few: each has its own counters. */
  responded(name: string, status: number, durationMs: number): void {
    const [nameLabel, statusLabel] = this.#labels;
    let found = this.#children.get(name);
    if (found === undefined) {
      found = { times: this.times.child({ [nameLabel]: name }), statuses: new Map() };
      this.#children.set(name, found);
    }
    found.times.observe(durationMs / 1_000);
    let count = found.statuses.get(status);
    if (count === undefined) {
      count = this.requests.child({ [nameLabel]: name, [statusLabel]: String(status) });
      found.statuses.set(status, count);
    }
    count.add();
  }
}

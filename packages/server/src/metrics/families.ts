/**
 * Counters and histograms that cost one addition each: the hot path changes plain numbers, and only
 * a scrape converts them to metrics.
 */
export interface Labels {
  readonly [name: string]: string;
}

export class CounterChild {
  value = 0;

  add(count = 1): void {
    this.value += count;
  }
}

export class HistogramChild {
  readonly bounds: readonly number[];
  /** Counts per bound; the last one is for values above all bounds. Not cumulative. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    let index = 0;
    while (index < this.bounds.length && value > (this.bounds[index] ?? Infinity)) index++;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sum += value;
  }
}

/** All children of one metric name. */
export class Family<Child> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #make: () => Child;
  readonly #children = new Map<string, { readonly labels: Labels; readonly child: Child }>();

  constructor(name: string, help: string, labelNames: readonly string[], make: () => Child) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.#make = make;
  }

  /** The child with these labels, created on first use. Frequent callers should keep it. */
  child(labels: Labels = {}): Child {
    const key = this.labelNames.map((name) => labels[name] ?? '').join('\n');
    const known = this.#children.get(key);
    if (known !== undefined) return known.child;
    const child = this.#make();
    this.#children.set(key, { labels, child });
    return child;
  }

  get children(): Iterable<{ readonly labels: Labels; readonly child: Child }> {
    return this.#children.values();
  }
}

export const counters = (name: string, help: string, ...labelNames: string[]): Family<CounterChild> =>
  new Family(name, help, labelNames, () => new CounterChild());

export const histograms = (
  name: string,
  help: string,
  bounds: readonly number[],
  ...labelNames: string[]
): Family<HistogramChild> => new Family(name, help, labelNames, () => new HistogramChild(bounds));

/** A secret that was found where it must not be. */
export interface Leak {
  /** The name of the secret. */
  readonly secret: string;
  readonly form: string;
  readonly source: string;
  readonly excerpt: string;
}

/** Shorter texts occur by chance. */
const SHORTEST_FORM = 8;
/** Halves of shorter secrets may be words. */
const SHORTEST_HALVED = 24;

const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);
const unicodeEscaped = (text: string): string =>
  escaped(text).replace(/[^ -~]|[<>&'+]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** What every base64 text that contains these bytes has in common, by their position in it. */
function base64Forms(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6)),
  );
}

/** The forms in which a secret could appear, by their names. */
export function formsOf(text: string): ReadonlyMap<string, readonly string[]> {
  const base64 = base64Forms(text);
  const percent = encodeURIComponent(text);
  const hex = Buffer.from(text).toString('hex');
  const middle = Math.floor(text.length / 2);
  return new Map([
    ['plain', [text]],
    ['half', text.length < SHORTEST_HALVED ? [] : [text.slice(0, middle), text.slice(middle)]],
    ['in JSON', [escaped(text), escaped(escaped(text)), escaped(text).replaceAll('/', '\\/'), unicodeEscaped(text)]],
    [
      'percent-encoded',
      [percent, percent.replace(/%../g, (code) => code.toLowerCase()), percent.replaceAll('%20', '+')],
    ],
    ['base64', base64],
    ['base64url', base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))],
    ['hexadecimal', [hex, hex.toUpperCase()]],
  ]);
}

/** Everything that a run printed and responded, searched for secrets. */
export class Haystack {
  readonly #texts = new Map<string, string[]>();
  #lines = 0;

  /** @param source where the text comes from, for the report */
  add(source: string, text: string): void {
    const texts = this.#texts.get(source) ?? [];
    this.#texts.set(source, texts);
    texts.push(text);
    this.#lines += text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  }

  get lines(): number {
    return this.#lines;
  }

  get sources(): readonly string[] {
    return [...this.#texts.keys()];
  }

  contains(source: string, text: string): boolean {
    return this.#texts.get(source)?.some((each) => each.includes(text)) === true;
  }

  /** The first occurrence of each form of each secret in each source. */
  leaks(secrets: ReadonlyMap<string, string>): readonly Leak[] {
    const needles = [...secrets].flatMap(([secret, text]) =>
      [...formsOf(text)].map(([form, all]) => {
        const long = all.filter((needle) => needle.length >= SHORTEST_FORM);
        return { secret, form, all: [...new Set(long)] };
      }),
    );
    return [...this.#texts].flatMap(([source, texts]) => {
      const whole = texts.join('\n');
      return needles.flatMap(({ secret, form, all }) => {
        const found = all.find((needle) => whole.includes(needle));
        if (found === undefined) return [];
        const at = whole.indexOf(found);
        return [{ secret, form, source, excerpt: whole.slice(Math.max(0, at - 160), at + found.length + 40) }];
      });
    });
  }
}

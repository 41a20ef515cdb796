/**
 * The position at which a text stops being JSON, which the error of `JSON.parse` does not contain.
 * Called only after parsing failed; one pass over the text, no recursion. Returns the text's length
 * if the text is incomplete.
 */
export function jsonFaultPosition(text: string): number {
  return new Walk(text).run();
}

const SPACES = ' \t\n\r';
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const LITERALS = ['true', 'false', 'null'] as const;

type Expected = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'comma' | 'end';

class Walk {
  readonly #text: string;
  readonly #open: ('{' | '[')[] = [];
  #at = 0;
  #expected: Expected = 'value';

  constructor(text: string) {
    this.#text = text;
  }

  run(): number {
    do this.#skipSpace();
    while (this.#at < this.#text.length && this.#next());
    return this.#at;
  }

  /** Reads one token. False: the token at `#at` is the fault. */
  #next(): boolean {
    const char = this.#text.charAt(this.#at);
    switch (this.#expected) {
      case 'end':
        return false;
      case 'colon':
        return this.#take(char === ':', 'value');
      case 'comma':
        if (char === ',') return this.#take(true, this.#open.at(-1) === '{' ? 'key' : 'value');
        return this.#close(char);
      case 'first key':
      case 'key':
        if (this.#expected === 'first key' && char === '}') return this.#close(char);
        return this.#scalar(char === '"', 'colon');
      case 'first value':
      case 'value':
        if (this.#expected === 'first value' && char === ']') return this.#close(char);
        if (char === '{' || char === '[') {
          this.#open.push(char);
          return this.#take(true, char === '{' ? 'first key' : 'first value');
        }
        return this.#scalar(true, this.#afterValue());
    }
  }

  #take(fits: boolean, expected: Expected): boolean {
    if (!fits) return false;
    this.#at++;
    this.#expected = expected;
    return true;
  }

  #close(char: string): boolean {
    if (char !== (this.#open.at(-1) === '{' ? '}' : ']')) return false;
    this.#open.pop();
    return this.#take(true, this.#afterValue());
  }

  #afterValue(): Expected {
    return this.#open.length === 0 ? 'end' : 'comma';
  }

  #scalar(fits: boolean, expected: Expected): boolean {
    if (!fits || !(this.#string() || this.#pattern(NUMBER) || this.#literal())) return false;
    this.#expected = expected;
    return true;
  }

  /**
   * Reads a string. The fault in an invalid string is the character at which it becomes invalid.
   */
  #string(): boolean {
    if (this.#text.charAt(this.#at) !== '"') return false;
    this.#at++;
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at);
      if (char === '"') {
        this.#at++;
        return true;
      }
      if (char === '\\') {
        if (!this.#pattern(ESCAPE)) return false;
      } else if (char < ' ') return false;
      else this.#at++;
    }
    return false;
  }

  #pattern(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return false;
    this.#at += found[0].length;
    return true;
  }

  #literal(): boolean {
    const found = LITERALS.find((literal) => this.#text.startsWith(literal, this.#at));
    this.#at += found?.length ?? 0;
    return found !== undefined;
  }

  #skipSpace(): void {
    while (this.#at < this.#text.length && SPACES.includes(this.#text.charAt(this.#at))) this.#at++;
  }
}

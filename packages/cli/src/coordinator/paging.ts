import { CommandError, EXIT } from '../commands/command-error.ts';
import { otherProgram } from './command-error-of.ts';

/**
 * Number of empty pages in a row after which reading ends. A coordinator returns an empty page only
 * after it has searched for a second, so that this many take hours.
 */
const MOST_EMPTY_PAGES = 10_000;

interface Page {
  readonly items: readonly unknown[];
  readonly next: string | null;
}

/** Follows the cursors of a list from page to page; reading ends whatever the server sends. */
export class Paging {
  readonly #server: string;
  readonly #mostEmpty: number;
  #cursor: string | undefined;
  #empty = 0;

  /** @param cursor where reading begins; undefined: at the first page */
  constructor(server: string, cursor?: string, mostEmpty = MOST_EMPTY_PAGES) {
    this.#server = server;
    this.#cursor = cursor;
    this.#mostEmpty = mostEmpty;
  }

  /** The cursor of the page to read. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /**
   * Moves to the page after `page`; returns false if that was the last one.
   *
   * @throws {CommandError} the next page is the same page again, or too many pages were empty
   */
  follow(page: Page): boolean {
    if (page.next === null) return false;
    if (page.next === this.#cursor) throw otherProgram(this.#server, 200);
    this.#cursor = page.next;
    this.#empty = page.items.length === 0 ? this.#empty + 1 : 0;
    if (this.#empty < this.#mostEmpty) return true;
    const fault = `${this.#empty} pages in a row were empty, and the server at ${this.#server} always has another one`;
    throw new CommandError(EXIT.unreachable, `${fault}; check --server, or search less with --since and --until`);
  }
}

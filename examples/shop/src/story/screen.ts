import type { TransactionDetails } from '@holdfast/client';
import { renderTimeline } from '@holdfast/cli';
import type { Settings } from '../settings.ts';
import { nameOfUrl } from '../shop.ts';

/** What the demo prints, and how wide. */
export class Screen {
  readonly #settings: Settings;
  readonly #write: (text: string) => void;

  constructor(settings: Settings, write: (text: string) => void) {
    this.#settings = settings;
    this.#write = write;
  }

  line(text = ''): void {
    this.#write(text + '\n');
  }

  /** A line across the terminal with a title in it. */
  heading(title: string): void {
    const rule = '─'.repeat(Math.max(3, this.#settings.width - title.length - 4));
    this.line();
    this.line(`${this.dim('──')} ${this.bold(title)} ${this.dim(rule)}`);
  }

  timeline(details: TransactionDetails): void {
    this.line();
    const lines = this.timelineText(details, this.#settings.width - 2, this.#settings.colour).split('\n');
    for (const line of lines) this.line(`  ${line}`.trimEnd());
  }

  timelineText(details: TransactionDetails, width = this.#settings.width, colour = false): string {
    return renderTimeline(details, { colour, width, nameOf: nameOfUrl });
  }

  bold(text: string): string {
    return this.#paint(1, text);
  }

  dim(text: string): string {
    return this.#paint(2, text);
  }

  good(text: string): string {
    return this.#paint(32, text);
  }

  bad(text: string): string {
    return this.#paint(31, text);
  }

  #paint(code: number, text: string): string {
    return this.#settings.colour ? `\u001B[${code}m${text}\u001B[0m` : text;
  }
}

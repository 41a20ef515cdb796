import { MemoryStore } from '@holdfast/core/memory-store';

/** A store whose writes and reads by gid wait while it is held. */
export class HeldStore extends MemoryStore {
  #held: Promise<void> = Promise.resolve();
  #release = (): void => undefined;

  constructor() {
    super(Date.now);
  }

  hold(): void {
    this.#held = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#release();
  }

  override async write(...args: Parameters<MemoryStore['write']>): ReturnType<MemoryStore['write']> {
    await this.#held;
    return super.write(...args);
  }

  override async get(...args: Parameters<MemoryStore['get']>): ReturnType<MemoryStore['get']> {
    await this.#held;
    return super.get(...args);
  }
}

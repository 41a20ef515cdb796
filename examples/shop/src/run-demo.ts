import { once } from 'node:events';
import { join } from 'node:path';
import { connect } from '@holdfast/client';
import { Closer } from './closer.ts';
import { startCoordinator } from './coordinator.ts';
import { Counter } from './counter.ts';
import { OrderBook } from './durable/order-book.ts';
import type { Settings } from './settings.ts';
import { openShop } from './shop.ts';
import { Screen } from './story/screen.ts';
import { tellStory } from './story/story.ts';
import type { Teller } from './story/teller.ts';

/**
 * The demo: a coordinator and five services in one process, so that one `kill -9` ends all of them
 * at once. They communicate over HTTP, and each has its own files. Resolves when `closing` is
 * aborted.
 */
export async function runDemo(settings: Settings, write: (text: string) => void, closing: AbortSignal): Promise<void> {
  const closer = new Closer();
  try {
    const screen = new Screen(settings, write);
    const counter = new Counter(settings.shopPort);
    const teller = await open(settings, screen, counter, closer, closing);
    await tellStory(teller, settings, () => counter.open(teller));
    await once(closing, 'abort');
  } catch (error) {
    if (!closing.aborted) throw error;
  } finally {
    if (closing.aborted)
      write('\nClosing: the coordinator releases its transactions, then the services close their journals.\n');
    await closer.close();
  }
}

/** Opens the services before the coordinator, which resumes unfinished orders immediately. */
async function open(
  settings: Settings,
  screen: Screen,
  counter: Counter,
  closer: Closer,
  closing: AbortSignal,
): Promise<Teller> {
  await counter.http.switchOn();
  closer.add(() => counter.http.switchOff());
  const shop = await openShop(
    settings.shopPort + 1,
    settings.folder,
    (service, error) => screen.line(screen.bad(`${service}: ${String(error)}`)),
    (close) => closer.add(close),
  );
  const book = await OrderBook.open(join(settings.folder, 'counter.journal'));
  closer.add(() => book.close());
  const coordinator = await startCoordinator(settings);
  closer.add(() => coordinator.close());
  const hf = connect(coordinator.url);
  closer.add(() => hf.close());
  return { hf, shop, book, screen, closing };
}

import { endOf, type Teller } from './teller.ts';

const LONGEST_WAIT_MS = 30_000;

/**
 * Orders that were under way when the shop stopped: the coordinator found them in its store and
 * went on with them by itself; here their end is told.
 */
export async function tellLeftOver(teller: Teller): Promise<void> {
  const { hf, book, screen } = teller;
  const { gids, killed } = book.leftOver;
  if (gids.length === 0) {
    if (killed) screen.line('(The shop was killed last time; no order was under way then.)');
    return;
  }
  const many = gids.length === 1 ? 'An order was' : `${gids.length} orders were`;
  screen.heading(`${many} under way when the shop was ${killed ? 'killed' : 'closed'}`);
  for (const gid of gids) {
    if ((await hf.get(gid, { signal: teller.closing })) === undefined) {
      screen.line(`Order ${gid} had not reached the coordinator yet: nothing of it has happened.`);
      await book.told(gid);
      continue;
    }
    screen.line('The coordinator finds it in its store and finishes it:');
    const details = await endOf(teller, gid, LONGEST_WAIT_MS);
    if (details === undefined) {
      screen.line(`Order ${gid} goes on.`);
      continue;
    }
    screen.timeline(details);
    screen.line();
    if (killed)
      screen.line('  What had been called before is called again: the services know it and do nothing twice.');
    screen.line(screen.good(`  ✓ ${gid} was finished after the restart: ${details.status}.`));
    await book.told(gid);
  }
}

import { endOf, type Teller } from './teller.ts';

const LONGEST_WAIT_MS = 30_000;

/**
 * Reports the orders that were in progress when the shop stopped. The coordinator found them in its
 * store and resumed them automatically.
 */
export async function tellLeftOver(teller: Teller): Promise<void> {
  const { hf, book, screen } = teller;
  const { gids, killed } = book.leftOver;
  if (gids.length === 0) {
    if (killed) screen.line('(The shop was killed last time, while no order was in progress.)');
    return;
  }
  const many = gids.length === 1 ? 'An order was' : `${gids.length} orders were`;
  screen.heading(`${many} in progress when the shop was ${killed ? 'killed' : 'closed'}`);
  for (const gid of gids) {
    if ((await hf.get(gid, { signal: teller.closing })) === undefined) {
      screen.line(`Order ${gid} had not reached the coordinator: none of its steps ran.`);
      await book.reported(gid);
      continue;
    }
    screen.line('The coordinator finds it in its store and finishes it:');
    const details = await endOf(teller, gid, LONGEST_WAIT_MS);
    if (details === undefined) {
      screen.line(`Order ${gid} is still in progress.`);
      continue;
    }
    screen.timeline(details);
    screen.line();
    if (killed) screen.line('  Calls in flight at the kill were repeated; each barrier prevented a second change.');
    screen.line(screen.good(`  ✓ ${gid} was finished after the restart: ${details.status}.`));
    await book.reported(gid);
  }
}

import type { Child } from './child.ts';
import { removeDataFolder } from './data-folder.ts';
import type { DatabaseServer } from './private-server.ts';
import { untilReady } from './ready.ts';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;

/** How to run one kind of server, whose data folder is prepared. */
export interface ServerRecipe {
  readonly name: string;
  readonly url: string;
  readonly folder: string;
  /** The signal that stops it without waiting for its clients. */
  readonly stopSignal: NodeJS.Signals;
  launch(): Child;
  /** Whether it responds. */
  probe(): Promise<boolean>;
}

/** Starts a server and waits until it responds. */
export async function runServer(recipe: ServerRecipe): Promise<DatabaseServer> {
  let child = await launchUntilReady(recipe);
  return {
    name: recipe.name,
    url: recipe.url,
    folder: recipe.folder,
    kill: (signal = 'SIGKILL') => child.stop(signal, STOP_TIMEOUT_MS),
    async start() {
      if (!child.ended()) throw new Error(`${recipe.name} is running already`);
      child = await launchUntilReady(recipe);
    },
    async stop() {
      await child.stop(recipe.stopSignal, STOP_TIMEOUT_MS);
      await removeDataFolder(recipe.folder);
    },
  };
}

async function launchUntilReady(recipe: ServerRecipe): Promise<Child> {
  const child = recipe.launch();
  try {
    await untilReady(child, () => recipe.probe(), READY_TIMEOUT_MS);
  } catch (error) {
    await child.stop('SIGKILL', STOP_TIMEOUT_MS);
    throw error;
  }
  return child;
}

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { endedOrKilled, ownChild } from './process-end.ts';

/** The built program: a process cannot run the sources. */
const PROGRAM = fileURLToPath(new URL('../dist/participants-main.js', import.meta.url));

/** A running participants process. */
export interface ParticipantsProcess {
  readonly origin: string;
  /** Ends it once the calls it is working on are done. */
  stop(): Promise<void>;
}

/**
 * Starts the participants over a journal; their workflows are coordinated at `coordinatorOrigin`, which need not be there yet. They live until they are
 * stopped, or this process ends.
 */
export async function startParticipants(journalPath: string, coordinatorOrigin: string): Promise<ParticipantsProcess> {
  const child = spawn(process.execPath, [PROGRAM, journalPath, coordinatorOrigin], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  ownChild(child);
  const lines = createInterface({ input: child.stdout });
  for await (const port of lines) {
    return {
      origin: `http://127.0.0.1:${port}`,
      async stop() {
        child.stdin.end();
        await endedOrKilled(child, 10_000);
        if (child.exitCode !== 0) throw new Error('the participants failed; their journal cannot be trusted');
      },
    };
  }
  throw new Error('the participants did not start');
}

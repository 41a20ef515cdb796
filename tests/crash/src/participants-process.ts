import { fileURLToPath } from 'node:url';
import { Program } from './program.ts';

const PROGRAM = fileURLToPath(new URL('../dist/participants-main.js', import.meta.url));
const STOP_PATIENCE_MS = 10_000;

/** A running participants process. */
export interface ParticipantsProcess {
  readonly origin: string;
  /** Ends it once the calls it is working on are done. */
  stop(): Promise<void>;
}

/**
 * Starts the participants over a journal; their workflows are coordinated at `coordinatorOrigin`,
 * which need not be there yet. They live until they are stopped, or this process ends.
 */
export async function startParticipants(journalPath: string, coordinatorOrigin: string): Promise<ParticipantsProcess> {
  const program = new Program(PROGRAM, journalPath, coordinatorOrigin);
  const port = await program.start();
  return {
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      if ((await program.stop(STOP_PATIENCE_MS)) !== 0)
        throw new Error('the participants failed; their journal cannot be trusted');
    },
  };
}

import { fileURLToPath } from 'node:url';
import type { ParticipantAddresses } from './participant-urls.ts';
import { Program } from './program.ts';
import type { Subject } from './subject.ts';

const PROGRAM = fileURLToPath(new URL('../dist/participants-main.js', import.meta.url));
const STOP_PATIENCE_MS = 10_000;

/** A running participants process. */
export interface ParticipantsProcess extends ParticipantAddresses {
  /** Ends it once the calls it is working on are done. */
  stop(): Promise<void>;
}

/**
 * Starts the participants over a journal; their workflows are coordinated by `coordinator`, which
 * need not be there yet. They live until they are stopped, or this process ends.
 */
export async function startParticipants(
  journalPath: string,
  { origin, grpcAddress }: Pick<Subject, 'origin' | 'grpcAddress'>,
): Promise<ParticipantsProcess> {
  const program = new Program(PROGRAM, journalPath, origin, grpcAddress);
  const [port, grpcPort] = (await program.start()).split(' ');
  return {
    origin: `http://127.0.0.1:${port}`,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    async stop() {
      if ((await program.stop(STOP_PATIENCE_MS)) !== 0)
        throw new Error('the participants failed; their journal cannot be trusted');
    },
  };
}

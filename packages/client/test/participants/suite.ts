import { describe } from 'vitest';
import { responseCases } from './response-cases.ts';
import { barrierCases } from './barrier-cases.ts';
import { bodyCases } from './body-cases.ts';
import { connectionCases } from './connection-cases.ts';
import { type Framework, participantOf } from './harness.ts';
import { opCases } from './op-cases.ts';
import { requestCases } from './request-cases.ts';

/** What every framework's adapter promises. */
export function participantSuite<Route>(name: string, framework: Framework<Route>): void {
  describe(`a participant on ${name}`, () => {
    const participant = participantOf(framework);
    requestCases(participant);
    opCases(participant);
    bodyCases(participant);
    connectionCases(participant);
    responseCases(participant);
    barrierCases(participant);
  });
}

import { createServer } from 'node:http';
import { branch, checkBack } from '../../src/participants/node-http.ts';
import { listening } from './listening.ts';
import { participantSuite } from './suite.ts';

participantSuite('node:http', {
  branch,
  checkBack,
  serve: (route) => listening(createServer((incoming, response) => void route(incoming, response))),
});

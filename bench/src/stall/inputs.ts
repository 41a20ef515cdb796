import type { Input } from './input.ts';
import { REJECTED } from './rejected.ts';
import { REQUESTS } from './requests.ts';
import { RESPONSES } from './responses.ts';

/** The worst known inputs of each kind. */
export const INPUTS: readonly Input[] = [...REQUESTS, ...RESPONSES, ...REJECTED];

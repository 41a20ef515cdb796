import { GRPC_REQUESTS } from './grpc-requests.ts';
import type { Input } from './input.ts';
import { REJECTED } from './rejected.ts';
import { REQUESTS } from './requests.ts';
import { RESPONSES } from './responses.ts';

/** The worst known inputs of each kind. */
export const INPUTS: readonly Input[] = [...REQUESTS, ...GRPC_REQUESTS, ...RESPONSES, ...REJECTED];

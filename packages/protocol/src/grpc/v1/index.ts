export type { ReadJson } from './from-message.ts';
export { createHoldfastService, holdfastPath, type HoldfastService, holdfastService } from './holdfast-service.ts';
export type { DecodedCall, OperationCall, OperationMessages } from './operation-messages.ts';

/** Which program does a job: our own, the fast one, or the fast one when it is installed. */
export type Tool<Fast extends string> = 'auto' | 'node' | Fast;

/** Reports progress to the operator of the benchmark. */
export type Say = (line: string) => void;

/** Tells a person what is going on while they wait. */
export type Say = (line: string) => void;

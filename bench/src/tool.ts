/** The program for a task: Node, the fast one, or the fast one if it is installed. */
export type Tool<Fast extends string> = 'auto' | 'node' | Fast;

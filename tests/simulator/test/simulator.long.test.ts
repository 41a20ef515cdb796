import { describe } from 'vitest';
import { ALL_SEEDS, wholeSimulation } from './support/whole-simulation.ts';

describe('the simulation of all seeds', () => {
  wholeSimulation(ALL_SEEDS);
});

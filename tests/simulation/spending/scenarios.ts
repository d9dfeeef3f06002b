import type { Branching } from './community';

/** How the mesh is cut, and where the adversaries stand in it. */
export interface Scenario {
  readonly name: string;
  /** Into how many parts the mesh falls for an hour; 1 for none. */
  readonly parts: number;
  readonly branching: Branching;
}

export const SCENARIOS: readonly Scenario[] = [
  { name: 'whole', parts: 1, branching: 'anywhere' },
  { name: 'halves', parts: 2, branching: 'anywhere' },
  { name: 'thirds', parts: 3, branching: 'anywhere' },
  { name: 'halves, one branch', parts: 2, branching: 'one-branch' },
  { name: 'halves, a branch each', parts: 2, branching: 'a-branch-each' },
];

/** Greedy answers: the same question has the same tokens in every round, on every node. */
export const QUESTIONS = [
  'What is Tabmesh?',
  'How does the check of an answer work?',
  'What is a receipt?',
] as const satisfies readonly string[];

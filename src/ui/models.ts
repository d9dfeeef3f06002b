/** What the built-in model's own file says about it; every part may be missing, and is then not shown. */
export interface ModelCard {
  readonly name: string;
  readonly parameters: number | null;
  /** Measured: share of held-out questions answered rightly, and of foreign questions refused. */
  readonly scores: readonly { readonly label: string; readonly right: number; readonly of: number }[];
}

export const SPARK_CARD_URL = '/models/spark/card.json';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const SCORE_LABELS: Readonly<Record<string, string>> = {
  intents: 'New wordings of questions about this app answered rightly',
  foreign: 'Questions about other things refused',
};

/** Reads the file leniently: it describes, nothing depends on it. */
export function readModelCard(json: unknown): ModelCard {
  const root = isRecord(json) ? json : {};
  const scores = isRecord(root['scores']) ? root['scores'] : {};
  return {
    name: typeof root['name'] === 'string' ? root['name'] : 'Spark',
    parameters: isNumber(root['parameters']) ? root['parameters'] : null,
    scores: Object.entries(scores).flatMap(([key, score]) => {
      if (!isRecord(score)) return [];
      const right = score['right'] ?? score['refused'];
      return isNumber(right) && isNumber(score['of']) && score['of'] > 0
        ? [{ label: SCORE_LABELS[key] ?? key, right, of: score['of'] }]
        : [];
    }),
  };
}

/** Null when it cannot be read, for instance offline before it was ever loaded. */
export async function fetchModelCard(): Promise<ModelCard | null> {
  try {
    const response = await fetch(SPARK_CARD_URL);
    return response.ok ? readModelCard(await response.json()) : null;
  } catch {
    return null;
  }
}

import { CONDITIONS } from './conditions';
import { figuresOf } from './figures';
import { readResults } from './results';
import { unwrap } from '#core/base/result';
const { rows } = unwrap(readResults(process.argv[2] ?? 'test-results/liars.jsonl'));
for (const c of CONDITIONS) {
  const own = rows.filter((r) => r.condition === c.name);
  if (own.length === 0) continue;
  const f = figuresOf(c, own);
  console.log(
    c.name,
    f.answers,
    JSON.stringify(f.verdicts),
    'gross',
    (f.own.gross / f.own.tokens).toFixed(4),
    'soft',
    (f.own.soft / f.own.tokens).toFixed(4),
    'missed',
    f.own.missed,
    'worst',
    f.worstMilli / 1000,
    'whole',
    JSON.stringify(f.whole),
    'len',
    JSON.stringify(Object.entries(f.byLength).map(([k, v]) => [k, v.answers, v.measured, v.cautious].join('/'))),
  );
}

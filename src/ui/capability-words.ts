/** Capabilities as a person reads them. Apart from the other words: no place needs them at first load. */

const CAPABILITY_WORDS: Readonly<Record<string, string>> = {
  'llm.chat': 'Answer',
  'text.summarize': 'Summary',
  'text.classify': 'Label',
  'text.extract': 'Extraction',
  'text.judge': 'Comparison',
  'text.audit': 'Audit',
  'code.patch': 'Patch',
  'embed.texts': 'Vectors',
  'rerank.passages': 'Ranking',
  'check.rescore': 'Check of an answer',
  'check.outcome': 'Check of a result',
  'check.redo': 'Check of a text job',
  echo: 'Echo',
  text_stats: 'Text statistics',
  keyword_extract: 'Keywords',
  text_chunk: 'Chunking',
  text_embed: 'Embedding',
  text_retrieve: 'Retrieval',
};

/** A capability id for people; an unknown one is shown as it is. */
export const capabilityWords = (id: string): string => CAPABILITY_WORDS[id.replace(/@\d+$/, '')] ?? id;

/**
 * What a node offers, in few words: the six text jobs are one entry, what the mesh needs of every node is left out.
 */
export function offers(capabilities: readonly string[]): readonly string[] {
  const names = capabilities.map((id) => id.replace(/@\d+$/, ''));
  const jobs = ['echo', 'text_stats', 'keyword_extract', 'text_chunk', 'text_embed', 'text_retrieve'];
  const out: string[] = [];
  if (names.includes('llm.chat')) out.push('answers');
  if (names.some((name) => name.startsWith('check.'))) out.push('checks');
  const offered = names.filter((name) => jobs.includes(name)).length;
  if (names.some((name) => name.startsWith('text.'))) out.push('tasks');
  if (names.includes('embed.texts')) out.push('vectors');
  if (names.includes('rerank.passages')) out.push('rankings');
  if (offered > 0) out.push(offered === jobs.length ? 'text jobs' : `${offered} of ${jobs.length} text jobs`);
  return out;
}

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '#tests/steps';
import { publishedTexts } from './publish';

/** `npm run schemas`: writes the published schemas anew and removes those that are no longer published. */
const folder = join(ROOT, 'static', 'schemas');
const texts = publishedTexts();
mkdirSync(folder, { recursive: true });
for (const file of readdirSync(folder)) if (!texts.has(file)) rmSync(join(folder, file));
for (const [file, text] of texts) writeFileSync(join(folder, file), text);
console.log(`${texts.size} schemas written to static/schemas`);

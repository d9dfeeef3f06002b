import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RULES_PAGE, rulesPage } from '#tests/rules/rules-page';
import { ROOT } from '#tests/steps';
import { publishedTexts } from './publish';

/** `npm run schemas`: writes the published schemas and the page of all rules anew, and removes schemas that are no longer published. */
const folder = join(ROOT, 'static', 'schemas');
const texts = publishedTexts();
mkdirSync(folder, { recursive: true });
for (const file of readdirSync(folder)) if (!texts.has(file)) rmSync(join(folder, file));
for (const [file, text] of texts) writeFileSync(join(folder, file), text);
writeFileSync(join(ROOT, RULES_PAGE), rulesPage());
console.log(`${texts.size} schemas written to static/schemas, all rules to ${RULES_PAGE}`);

import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SERVER_PATHS } from './pages';

const forServer = (pathAndQuery: string) => SERVER_PATHS.some((pattern) => pattern.test(pathAndQuery));

test('what the server answers itself is never answered with the app', () => {
  for (const path of [
    '/peerjs',
    '/peerjs/id?ts=1',
    '/api/config',
    '/healthz',
    '/metrics',
    '/metrics?full=1',
    '/models/spark/config.json',
    '/schemas/node-card.v1.json',
    '/tabmesh-ca.crt',
    '/_app/version.json',
  ]) {
    expect(forServer(path), path).toBe(true);
  }
});

/** Each folder of routes is a place, by its name. */
const PLACES = readdirSync(new URL('../routes', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => `/${name}`);

test('a place of the app, known or not, is answered with the app', () => {
  expect(PLACES).toContain('/models');
  for (const path of [
    '/',
    '/?source=pwa',
    ...PLACES,
    ...PLACES.map((place) => `${place}?from=x`),
    '/models/',
    '/models/?from=x',
    '/apiary',
    '/modelsmith',
    '/schemasmith',
    '/metrics-of-mine',
    '/unknown/deep/link',
  ]) {
    expect(forServer(path), path).toBe(false);
  }
});

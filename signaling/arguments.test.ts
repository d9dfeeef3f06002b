import { describe, expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import { parseStartArguments } from '#signaling/arguments';

describe('the command line of the server', () => {
  test('has a default for everything', () => {
    expect(unwrap(parseStartArguments([]))).toEqual({
      port: 7280,
      tls: false,
      data: '.tabmesh',
      stun: true,
      origins: [],
      dev: false,
      help: false,
    });
  });

  test('takes every option', () => {
    const words =
      '--port 80 --host ::1 --tls --data d --ice stun:a:1,turn:b --no-stun --origin https://a.example --origin http://b:8 --dev';
    expect(unwrap(parseStartArguments(words.split(' ')))).toEqual({
      port: 80,
      host: '::1',
      tls: true,
      data: 'd',
      iceServers: [{ urls: 'stun:a:1' }, { urls: 'turn:b' }],
      stun: false,
      origins: ['https://a.example', 'http://b:8'],
      dev: true,
      help: false,
    });
  });

  test('takes ICE servers as JSON, one or several', () => {
    const server = { urls: ['turn:a'], username: 'u', credential: 'c' };
    expect(unwrap(parseStartArguments(['--ice', JSON.stringify([server])])).iceServers).toEqual([server]);
    expect(unwrap(parseStartArguments(['--ice', JSON.stringify(server)])).iceServers).toEqual([server]);
  });

  test.each([
    [['--port', 'x']],
    [['--port', '65536']],
    [['--port', '-1']],
    [['--port']],
    [['--host', 'http://a']],
    [['--data', '']],
    [['--ice', '{']],
    [['--ice', 'http://a']],
    [['--ice', '[{"url":"stun:a"}]']],
    [['--origin', 'a.example']],
    [['--origin', 'https://a.example/path']],
    [['--nonsense']],
    [['word']],
  ])('refuses %j with one sentence', (words) => {
    const parsed = parseStartArguments(words);
    expect(parsed).toMatchObject({ ok: false, error: { code: 'bad_option' } });
    if (!parsed.ok) expect(parsed.error.message).toMatch(/^[^\n]+\.$/);
  });
});

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
      announce: false,
      dev: false,
      help: false,
    });
  });

  test('takes every option', () => {
    const words =
      '--port 80 --host ::1 --tls --data d --models m.json --ice stun:a:1,turn:b --no-stun --origin https://a.example --origin http://b:8 --announce --dev';
    expect(unwrap(parseStartArguments(words.split(' ')))).toEqual({
      port: 80,
      host: '::1',
      tls: true,
      data: 'd',
      iceServers: [{ urls: 'stun:a:1' }, { urls: 'turn:b' }],
      stun: false,
      origins: ['https://a.example', 'http://b:8'],
      models: 'm.json',
      announce: true,
      dev: true,
      help: false,
    });
  });

  test('takes a name to announce, in any script', () => {
    const words = ['--announce', '--announce-name', 'Küche 台所'];
    expect(unwrap(parseStartArguments(words)).announceName).toBe('Küche 台所');
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
    [['--models', '']],
    [['--ice', '{']],
    [['--ice', 'http://a']],
    [['--ice', '[{"url":"stun:a"}]']],
    [['--origin', 'a.example']],
    [['--origin', 'https://a.example/path']],
    [['--announce-name', 'Kitchen']],
    [['--announce', '--announce-name', ' ']],
    [['--announce', '--announce-name', 'a.b']],
    [['--announce', '--announce-name', 'a\u001b[31m']],
    [['--announce', '--announce-name', 'ü'.repeat(30)]],
    [['--nonsense']],
    [['word']],
  ])('refuses %j with one sentence', (words) => {
    const parsed = parseStartArguments(words);
    expect(parsed).toMatchObject({ ok: false, error: { code: 'bad_option' } });
    if (!parsed.ok) expect(parsed.error.message).toMatch(/^[^\n]+\.$/);
  });
});

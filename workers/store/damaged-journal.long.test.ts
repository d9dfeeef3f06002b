import { test } from 'vitest';
import { recover, sha, stoppedAfter, wish } from '#tests/fakes/model-line';
import { createMortalDisk } from '#tests/fakes/mortal-disk';

test('a journal damaged anywhere costs bytes, never a wrong file', async () => {
  const whole = await stoppedAfter(2);
  const journal = whole.fileAt(`journals/${sha}`)!.slice();
  for (let at = 0; at < journal.length; at += 29) {
    for (const damage of ['cut', 'changed', 'zeros'] as const) {
      const disk = createMortalDisk();
      for (const path of whole.paths) disk.put(path, whole.fileAt(path)!.slice());
      const damaged = damage === 'cut' ? journal.slice(0, at) : journal.slice();
      if (damage === 'changed') damaged[at]! ^= 4;
      if (damage === 'zeros') damaged.fill(0, at);
      disk.put(`journals/${sha}`, damaged);
      await recover(disk, wish);
    }
  }
});

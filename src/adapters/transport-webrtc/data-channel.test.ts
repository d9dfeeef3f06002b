import { describe, expect, test } from 'vitest';
import { carryFrames } from './data-channel';

/** What of a data channel `carryFrames` uses; what is sent is kept. */
class Channel extends EventTarget {
  binaryType = '';
  bufferedAmountLowThreshold = 0;
  bufferedAmount = 0;
  readonly sent: number[][] = [];
  constructor(public readyState: 'connecting' | 'open' | 'closed') {
    super();
  }
  send(bytes: Uint8Array): void {
    this.sent.push([...bytes]);
  }
  close(): void {
    this.readyState = 'closed';
    this.dispatchEvent(new Event('close'));
  }
  open(): void {
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }
  hear(...bytes: number[]): void {
    this.dispatchEvent(new MessageEvent('message', { data: Uint8Array.from(bytes).buffer }));
  }
}

function carried(initiator: boolean, channel: Channel) {
  const connection = { localDescription: null, remoteDescription: null } as RTCPeerConnection;
  const carrier = carryFrames({ connection, peer: 'a'.repeat(64), initiator, release: () => {} });
  carrier.attach(channel as unknown as RTCDataChannel);
  const heard: number[][] = [];
  carrier.raw.frames.on((frame) => void heard.push([...frame]));
  let closed = '';
  carrier.raw.closed.on((reason) => (closed = reason));
  let opened = '';
  void carrier.opened.then((how) => (opened = how));
  const now = async () => {
    await Promise.resolve();
    return { opened, heard, closed, sent: channel.sent };
  };
  return { raw: carrier.raw, now };
}

describe('whoever dialled', () => {
  test.each([['connecting'], ['open']] as const)('knocks once the channel is open, found %s', async (found) => {
    const channel = new Channel(found);
    const { raw, now } = carried(true, channel);
    if (found === 'connecting') {
      expect(await now()).toMatchObject({ opened: '', sent: [] });
      channel.open();
    }
    raw.send(Uint8Array.of(1, 2) as Uint8Array<ArrayBuffer>);
    channel.hear(0);
    expect(await now()).toEqual({ opened: 'open', heard: [[0]], closed: '', sent: [[0], [1, 2]] });
  });

  test('does not knock at a channel that was given up before it opened', async () => {
    const channel = new Channel('connecting');
    const { raw, now } = carried(true, channel);
    raw.close('enough');
    channel.open();
    expect(await now()).toMatchObject({ opened: 'closed', closed: 'enough', sent: [] });
  });
});

describe('whoever was dialled', () => {
  test('holds the channel for open with the knock, which is no frame', async () => {
    const channel = new Channel('open');
    const { now } = carried(false, channel);
    channel.open();
    expect(await now()).toMatchObject({ opened: '' });
    channel.hear(0);
    channel.hear(7, 8);
    expect(await now()).toEqual({ opened: 'open', heard: [[7, 8]], closed: '', sent: [] });
  });

  test.each([[[]], [[1]], [[0, 0]]])('closes a channel on which %j comes instead', async (bytes) => {
    const channel = new Channel('open');
    const { now } = carried(false, channel);
    channel.hear(...bytes);
    channel.hear(0);
    expect(await now()).toEqual({ opened: 'closed', heard: [], closed: 'no_knock', sent: [] });
  });
});

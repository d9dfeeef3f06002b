import { equalBytes } from '../base/bytes';
import type { NodeId } from '../base/ids';
import type { Chance, Clock, Signer, Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { decodeThrough } from '../wire/gate';
import { MAX_CONTROL_BYTES, MAX_SIGNED_BYTES } from '../wire/limits';
import { controlSchema, linkProofBody, NONCE_BYTES, type Hello } from './control-messages';
import type { FramedChannel } from './framed-channel';
import type { Admission, Admit, Credential } from './ports';

/** An honest handshake takes two round trips and two signatures; on a slow phone over a relay that stays under 2 s. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;

export interface HandshakeDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly admit: Admit;
  readonly credential: () => Credential;
  readonly community: string;
  /** Chosen once per start of the node. */
  readonly instance: Uint8Array<ArrayBuffer>;
}

export interface Authenticated {
  readonly peer: NodeId;
  readonly instance: Uint8Array<ArrayBuffer>;
  readonly admission: Admission;
}

/**
 * Proves both node keys to each other over one channel and binds the proof to that channel. Resolves within 5 s by
 * `clock` and never rejects; every failure has told the peer its code and closed the channel. Codes: those of the decode
 * gate and of framing, and `other_community`, `claimed_peer_mismatch`, `self_link`, `nonce_reused`, `no_binding`,
 * `bad_signature`, `unexpected_message`, `credential_too_large`, `signing_failed`, `admission_failed`,
 * `handshake_timeout`, `channel_closed`, `refused_by_peer` (its `peerMessage` is the peer's code), and whatever code
 * `admit` refuses with.
 *
 * What it does not do: hide who the two are from the rendezvous, which knows already, or encrypt: DTLS does.
 */
export function shakeHands(channel: FramedChannel, deps: HandshakeDeps): Promise<Result<Authenticated>> {
  return new Promise((resolve) => {
    const { signer, community } = deps;
    const nonce = deps.chance.bytes(NONCE_BYTES);
    let hello: Hello | null = null;
    let proofSeen = false;
    let admission: Admission | null = null;
    let peerReady = false;
    let settled = false;
    const undo: (() => void)[] = [];

    const settle = (result: Result<Authenticated>): void => {
      if (settled) return;
      settled = true;
      for (const stop of undo) stop();
      if (!result.ok) channel.close(result.error.code);
      resolve(result);
    };
    const refuse = (code: string, message: string, peerMessage?: string): void =>
      settle(fail(code, message, peerMessage));
    /** Our own and foreign parts that may fail in unforeseen ways end the handshake, never the node. */
    const guarded = (run: () => Promise<void>, code: string, message: string): void => {
      run().catch(() => refuse(code, message));
    };

    const proofBytes = (peer: Hello): Uint8Array<ArrayBuffer> | null => {
      const { local, remote } = channel.binding();
      if (local === '' || remote === '') return null;
      const mine = { node: signer.nodeId, nonce, fingerprint: local };
      const theirs = { node: peer.node, nonce: peer.nonce, fingerprint: remote };
      const [initiator, responder] = channel.initiator ? [mine, theirs] : [theirs, mine];
      return linkProofBody({
        community,
        initiator: initiator.node,
        responder: responder.node,
        nonceInitiator: initiator.nonce,
        nonceResponder: responder.nonce,
        fingerprintInitiator: initiator.fingerprint,
        fingerprintResponder: responder.fingerprint,
      });
    };
    const finishWhenBothReady = (): void => {
      if (hello === null || admission === null || !peerReady) return;
      settle(ok({ peer: hello.node, instance: hello.instance, admission }));
    };

    const onHello = (message: Hello): void => {
      if (hello !== null) return refuse('unexpected_message', 'The peer greeted twice.');
      if (message.community !== community) return refuse('other_community', 'The peer belongs to another community.');
      if (message.node === signer.nodeId) return refuse('self_link', 'The peer uses the key of this node.');
      if (message.node !== channel.claimedPeer)
        return refuse('claimed_peer_mismatch', 'The peer is not who the rendezvous said it is.');
      if (equalBytes(message.nonce, nonce)) return refuse('nonce_reused', 'The peer sent our own nonce back.');
      hello = message;
      guarded(
        async () => {
          const bytes = proofBytes(message);
          if (bytes === null) return refuse('no_binding', 'The connection has no certificate to bind to.');
          const signature = await signer.sign(bytes);
          if (!settled) channel.sendControl({ v: 1, type: 'proof', signature });
        },
        'signing_failed',
        'This node could not sign with its key.',
      );
    };

    const onProof = (signature: Uint8Array): void => {
      const peer = hello;
      if (peer === null || proofSeen) return refuse('unexpected_message', 'The peer sent a proof at the wrong moment.');
      proofSeen = true;
      guarded(
        async () => {
          const bytes = proofBytes(peer);
          if (bytes === null) return refuse('no_binding', 'The connection has no certificate to bind to.');
          if (!(await deps.verify(peer.node, bytes, signature))) {
            return refuse('bad_signature', 'The peer could not prove that it holds its key on this connection.');
          }
          if (settled) return;
          const admitted = await deps.admit(peer.node, peer.credential);
          if (settled) return;
          if (!admitted.ok) return settle(admitted);
          admission = admitted.value;
          channel.sendControl({ v: 1, type: 'ready' });
          finishWhenBothReady();
        },
        'admission_failed',
        'The peer could not be checked for admission.',
      );
    };

    undo.push(
      deps.clock.after(HANDSHAKE_TIMEOUT_MS, () =>
        refuse('handshake_timeout', 'The peer did not prove itself in time.'),
      ),
      channel.closed.on((reason) =>
        refuse('channel_closed', `The connection closed before the peer proved itself (${reason}).`),
      ),
    );
    if (settled) return;
    const credential = deps.credential();
    if (credential.length > MAX_SIGNED_BYTES)
      return refuse('credential_too_large', 'What this node presents is too large.');
    channel.sendControl({
      v: 1,
      type: 'hello',
      community,
      node: signer.nodeId,
      nonce,
      instance: deps.instance,
      credential,
    });

    const stopReading = channel.received.on((item) => {
      if (settled) return;
      if (item.kind === 'fault') return refuse(item.failure.code, item.failure.message);
      if (item.kind === 'message')
        return refuse('unexpected_message', 'The peer sent a message before it proved itself.');
      const control = decodeThrough(controlSchema, item.bytes, MAX_CONTROL_BYTES);
      if (!control.ok) return refuse(control.error.code, control.error.message);
      const message = control.value;
      switch (message.type) {
        case 'hello':
          return onHello(message);
        case 'proof':
          return onProof(message.signature);
        case 'ready':
          if (!proofSeen || peerReady) return refuse('unexpected_message', 'The peer was ready at the wrong moment.');
          peerReady = true;
          return finishWhenBothReady();
        case 'bye':
          return refuse('refused_by_peer', `The peer refused the link (${message.code}).`, message.code);
        case 'beat':
          return refuse('unexpected_message', 'The peer sent a heartbeat before it proved itself.');
      }
    });
    undo.push(stopReading);
    if (settled) stopReading();
  });
}

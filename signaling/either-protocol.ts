import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { createServer as createNetServer, type Server as NetServer } from 'node:net';

/** How long a new connection to a TLS port may be silent before it is cut. */
const FIRST_BYTE_TIMEOUT_MS = 10_000;
const TLS_HANDSHAKE_BYTE = 0x16;

/**
 * Both protocols on one port, told apart by the first byte: a TLS handshake begins with 22, an HTTP request with a
 * letter. So an address typed without its `https` leads on instead of failing.
 */
export function eitherProtocol(tls: HttpsServer, plain: HttpServer): NetServer {
  const net = createNetServer({ noDelay: true }, (socket) => {
    const giveUp = () => socket.destroy();
    socket.setTimeout(FIRST_BYTE_TIMEOUT_MS, giveUp);
    socket.once('error', giveUp);
    socket.once('data', (first) => {
      socket.pause();
      socket.setTimeout(0);
      socket.removeListener('timeout', giveUp);
      socket.removeListener('error', giveUp);
      socket.unshift(first);
      if (first[0] === TLS_HANDSHAKE_BYTE) {
        // Takes what was put back by itself, and then reads from the handle below the socket.
        tls.emit('connection', socket);
      } else {
        plain.emit('connection', socket);
        socket.resume();
      }
    });
  });
  // Neither listens by itself; this is what starts and ends their watch over slow requests.
  net.once('listening', () => [tls, plain].forEach((server) => server.emit('listening')));
  net.once('close', () => [tls, plain].forEach((server) => server.close()));
  return net;
}

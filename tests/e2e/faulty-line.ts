import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

export interface Fault {
  /** Requests whose path contains this. */
  readonly path: string;
  /** Lets nothing more through after so many bytes of a body, this often, until the test breaks the connection. */
  readonly stall?: { readonly afterBytes: number; readonly times: number };
  /** Turns one bit of the body's byte at this offset of the file. */
  readonly flipAt?: number;
}

export interface FaultyLine {
  readonly origin: string;
  /** Resolves with what breaks the connection when the next stall has come. */
  nextStall(): Promise<() => void>;
  /** Body bytes that left for the browser on paths that contain this. */
  bytes(path: string): number;
  close(): Promise<void>;
}

/** Stands between browser and server as a bad line does: HTTP and WebSockets pass, and what `faults` name goes wrong. */
export async function faultyLine(toOrigin: string, faults: readonly Fault[]): Promise<FaultyLine> {
  const { hostname, port } = new URL(toOrigin);
  const sent = new Map<string, number>();
  const stalls = new Map<Fault, number>();
  const come: (() => void)[] = [];
  const awaited: ((breakIt: () => void) => void)[] = [];
  const tell = (breakIt: () => void): void => {
    const waiting = awaited.shift();
    if (waiting === undefined) come.push(breakIt);
    else waiting(breakIt);
  };
  const sockets = new Set<Socket>();

  function forward(incoming: IncomingMessage, response: ServerResponse): void {
    const path = incoming.url ?? '/';
    const fault = faults.find((one) => path.includes(one.path));
    const onward = request(
      { hostname, port, path, method: incoming.method, headers: incoming.headers },
      (answer: IncomingMessage) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        const from = Number(/^bytes (\d+)-/.exec(answer.headers['content-range'] ?? '')?.[1] ?? 0);
        const stall = fault?.stall;
        const mayStall = stall !== undefined && (stalls.get(fault!) ?? 0) < stall.times;
        let passed = 0;
        let broken = false;
        answer.on('data', (chunk: Buffer) => {
          if (broken) return;
          const at = (fault?.flipAt ?? -1) - from - passed;
          if (at >= 0 && at < chunk.length) chunk[at]! ^= 1;
          passed += chunk.length;
          sent.set(path, (sent.get(path) ?? 0) + chunk.length);
          response.write(chunk);
          if (mayStall && passed >= stall.afterBytes) {
            broken = true;
            stalls.set(fault!, (stalls.get(fault!) ?? 0) + 1);
            answer.destroy();
            tell(() => response.destroy());
          }
        });
        answer.on('end', () => {
          if (!broken) response.end();
        });
        answer.on('error', () => {
          if (!broken) response.destroy();
        });
      },
    );
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  }

  const server: Server = createServer(forward);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (incoming, socket, head) => {
    const onward = connect(Number(port), hostname, () => {
      const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
      for (let at = 0; at < incoming.rawHeaders.length; at += 2)
        lines.push(`${incoming.rawHeaders[at]}: ${incoming.rawHeaders[at + 1]}`);
      onward.write(`${lines.join('\r\n')}\r\n\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    sockets.add(onward);
    onward.on('error', () => socket.destroy());
    onward.on('close', () => sockets.delete(onward));
    socket.on('error', () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    nextStall: () =>
      new Promise((resolve) => {
        const breakIt = come.shift();
        if (breakIt === undefined) awaited.push(resolve);
        else resolve(breakIt);
      }),
    bytes: (path) => [...sent].reduce((sum, [one, count]) => (one.includes(path) ? sum + count : sum), 0),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { machineName } from '#signaling/local-addresses';

export interface DevApp {
  serve(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
}

/**
 * Vite's development server inside ours: pages and sources are transformed as they are asked for, and its reload socket
 * shares the port. The sources are those of the working folder, as SvelteKit has it. Vite is loaded only here, so that
 * a built app starts without it.
 */
export async function startDevApp(server: Server): Promise<DevApp> {
  const { createServer } = await import('vite');
  const vite = await createServer({
    // Vite takes localhost and addresses by itself; other devices may also ask by this machine's name.
    server: {
      middlewareMode: true,
      ws: { server },
      allowedHosts: ['.local', machineName()],
      fs: { allow: ['workers'] },
    },
    clearScreen: false,
    logLevel: 'warn',
  });
  return {
    serve: (request, response) => vite.middlewares(request, response),
    close: () => vite.close(),
  };
}

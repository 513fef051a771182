import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { codeOf, OperatorError } from "../errors.ts";
import { seldom } from "./seldom.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Clients connected at once; one more is hung up on. */
  readonly connections: number;
  /** How long a client may take to send a request. */
  readonly requestMs: number;
  /** A client was one too many. Not for each, while there are many. */
  readonly onRefused: () => void;
}

/** Listens. Throws OperatorError where the address cannot be had. */
export function listen(handler: RequestListener, options: ListenOptions): Promise<Server> {
  const { host, port, connections, requestMs } = options;
  // Who sends half a request, or none, is hung up on: headersTimeout is at most requestTimeout.
  const server = createServer({ requestTimeout: requestMs, connectionsCheckingInterval: 1_000 }, handler);
  server.maxConnections = connections;
  server.on("drop", seldom(options.onRefused));
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const reasons: Record<string, string> = {
        EADDRINUSE: `Port ${port} on ${host} is in use: stop the program that holds it, or choose another with PORT.`,
        EACCES: `Port ${port} on ${host} is not for this user: choose one above 1023 with PORT.`,
        EADDRNOTAVAIL: `${host} is not an address of this machine: correct HOST.`,
        ENOTFOUND: `${host} is not a known host: correct HOST.`,
        EAI_AGAIN: `The address of ${host} cannot be looked up: correct HOST.`,
      };
      const reason = reasons[codeOf(error) ?? ""];
      reject(reason === undefined ? error : new OperatorError(reason));
    });
    server.listen(port, host, () => resolve(server));
  });
}

/** An address that this machine reaches a server at, as a URL without a path. */
export function baseUrl(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  if (address === "0.0.0.0") return `http://127.0.0.1:${port}`;
  if (address === "::") return `http://[::1]:${port}`;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

/** Takes no new request, lets those under way finish, and after `graceMs` cuts off the ones that did not. */
export async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A client that keeps its connection open would send its next request on it: close those that wait for one.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

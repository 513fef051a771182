import { connect, createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";

/** What stands between a pool and PostgreSQL, and can fall silent as a network does. */
export interface Proxy {
  readonly url: string;
  /** Connections so far, and how many of them were requests to cancel. */
  readonly connections: number;
  readonly cancels: number;
  /** Connections are accepted, and nothing goes through. */
  pause(): void;
  resume(): void;
}

const SSL_REQUEST = 80_877_103;
const CANCEL_REQUEST = 80_877_102;

/**
 * For the time of a test.
 *
 * @param options.folder - listens on a socket file there, not on a port
 * @param options.tls - speaks TLS only
 */
export async function startProxy(to: string, options: { folder?: string; tls?: boolean } = {}): Promise<Proxy> {
  const target = new URL(to);
  const open = new Set<Socket>();
  let paused = false;
  let connections = 0;
  let cancels = 0;
  const keep = (socket: Socket): Socket => {
    open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => open.delete(socket));
    if (paused) socket.pause();
    return socket;
  };

  const server: Server = createServer({ pauseOnConnect: true }, (client) => {
    connections += 1;
    keep(client);
    const forward = (from: Socket, start: Buffer): void => {
      if (start.readInt32BE(4) === CANCEL_REQUEST) cancels += 1;
      const upstream = keep(connect(Number(target.port), target.hostname));
      upstream.write(start);
      upstream.on("data", (data) => from.write(data));
      from.on("data", (data) => upstream.write(data));
      upstream.on("close", () => from.destroy());
      from.on("close", () => upstream.destroy());
    };
    client.once("data", (start) => {
      if (!options.tls) return forward(client, start);
      if (start.readInt32BE(4) !== SSL_REQUEST) return client.destroy();
      client.write("S");
      const secure = new TLSSocket(client, { isServer: true, key: KEY, cert: CERTIFICATE });
      keep(secure).once("data", (start) => forward(secure, start));
      return undefined;
    });
    if (!paused) client.resume();
  });
  const url = new URL(to);
  if (options.folder === undefined) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    url.hostname = "localhost";
    url.port = String(typeof address === "object" ? address?.port : "");
  } else {
    await new Promise<void>((resolve) => server.listen(`${options.folder}/.s.PGSQL.${target.port}`, resolve));
    url.searchParams.set("host", options.folder);
  }
  if (options.tls) url.searchParams.set("sslmode", "no-verify");
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: url.href,
    get connections() {
      return connections;
    },
    get cancels() {
      return cancels;
    },
    pause() {
      paused = true;
      for (const socket of open) socket.pause();
    },
    resume() {
      paused = false;
      for (const socket of open) socket.resume();
    },
  };
}

/** For nothing but these tests. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxkQif17DzmwCCzra
3nkC7epB/wemrqkQtW+S/r0nOTChRANCAAQAwT5FfAE35GVl7mpKp3NhcXDxaFek
5+vIR8PPSQaqNheerxbqTfKICZ9p7aA5iQNiQtaRxXAV0BHSoJAR2EVD
-----END PRIVATE KEY-----`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIURq2ZXPz96p71gXmhXYaBzVvcnVAwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzEyMDg1NloYDzIxMjYxMDMw
MTIwODU2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQAwT5FfAE35GVl7mpKp3NhcXDxaFek5+vIR8PPSQaqNheerxbqTfKI
CZ9p7aA5iQNiQtaRxXAV0BHSoJAR2EVDo1MwUTAdBgNVHQ4EFgQUOXYVy1X1kTr1
5rbuqCG1xmwkaFAwHwYDVR0jBBgwFoAUOXYVy1X1kTr15rbuqCG1xmwkaFAwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA3GwMm/jZwJhHBuWVVklJ
MdYq0P9MweHvYUAOiHiy/6YCIQC8k8PhOFUDt8Smzvz/2SqdHnE/uBaQEd7uX3qm
Cu+YLw==
-----END CERTIFICATE-----`;

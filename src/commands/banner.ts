import type { Server } from "node:http";
import { ENDPOINT } from "../graphql/endpoint.ts";
import type { TokenStore } from "../http/tokens.ts";
import { type CommandDatabase, placeOf } from "./database.ts";
import { baseUrl } from "./http.ts";
import { isLoopback } from "./safety.ts";

/** What the operator reads when the server is ready. */
export function banner(
  server: Server,
  { url, embedded }: CommandDatabase,
  { demo }: { readonly demo: boolean },
  { required, tokens }: TokenStore,
  host: string,
): string {
  const command = process.env["npm_lifecycle_event"] === "start" ? "npm start --" : "stage1-lineage serve";
  const lines = embedded
    ? [
        ["psql", embedded.psql],
        ["Data", `${embedded.dataDir} (STAGE1_DATA_DIR chooses another)`],
        ...(demo ? [["No demo", `\`${command} --no-demo\` on a new data directory`]] : []),
      ]
    : [["Database", `${new URL(url).pathname.slice(1)} at ${placeOf(url)}`]];
  const access = required
    ? `by token: ${tokens.map(({ name, role }) => `${name} (${role})`).join(", ")}`
    : `open, without tokens: whoever ${isLoopback(host) ? "is on this machine" : "reaches the port"} may read and write`;
  const all = [
    ["GraphiQL", `${baseUrl(server)}${ENDPOINT}`],
    ...lines,
    ["Access", access],
    ["Process", `${process.pid} (kill -HUP ${process.pid}: read the tokens again)`],
    ["Stop", "Ctrl-C"],
  ];
  return `\nstage1-lineage is ready.\n${all.map(([name = "", value]) => `  ${name.padEnd(9)} ${value}\n`).join("")}\n`;
}

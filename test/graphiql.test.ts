import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { graphiqlTabs } from "../src/graphql/graphiql.ts";
import { createToken, openTokens } from "../src/http/tokens.ts";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "./harness.ts";
import { insertLineage } from "./lineage.ts";

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createDatabase();
  await insertLineage(database, { datasets: 1, runs: 2, simulations: 2 });
  await database.query("UPDATE stage1_datasets SET dataset_slug = 'btc25_1'");
  server = await startServer(database);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

test("every tab runs as it stands", async () => {
  const answers = graphiqlTabs.map(({ query, variables }) => server.send(query, JSON.parse(variables ?? "{}")));
  expect(await Promise.all(answers)).toEqual([
    { data: { datasets: expect.objectContaining({ totalCount: expect.any(Number) }) } },
    { data: { dataset: expect.objectContaining({ datasetSlug: "btc25_1", runCount: 2, simulationCount: 4 }) } },
    { data: { upsertDataset: { dataset: expect.objectContaining({ datasetSlug: "my_first" }), userErrors: [] } } },
  ]);
});

test("the page for a browser loads nothing from another host, and the browser is told to refuse it", async () => {
  const response = await fetch(server.url, { headers: { accept: "text/html" } });
  expect(response.headers.get("content-type")).toMatch(/^text\/html/);
  expect(response.headers.get("content-security-policy")).toBe(
    "default-src 'self' 'unsafe-inline' data: blob:; frame-ancestors 'none'",
  );
  const page = await response.text();

  // The markup, without what is inside its scripts and styles: nothing to load but data in the page.
  const markup = page.replaceAll(/(<(script|style)\b[^>]*>)[\s\S]*?<\/\2>/g, "$1");
  expect(markup).toContain('<div id="root">');
  expect(begin(markup.match(/\b(?:src|srcset|href|action)\s*=\s*["']?(?!["']?data:)\S*/gi))).toEqual([]);
  // The styles: no import, and no url() but data and parts of the page.
  const styles = page.match(/<style\b[^>]*>[\s\S]*?<\/style>/g)?.join("\n") ?? "";
  expect(styles).toContain(".graphiql-container");
  expect(begin(styles.match(/@import|url\(\s*(?!["']?(?:data:|#))[^)]*/g))).toEqual([]);
  // The scripts: no call that loads, and no `src`, with an address of a host written out. Links to follow may stay.
  const calls = /\b(?:import|importScripts|fetch|Worker|EventSource|WebSocket)\(\s*["'`](?:\w+:)?\/\/[^"'`]*/g;
  expect(begin(page.match(calls))).toEqual([]);
  expect(begin(page.match(/\bsrc\s*[:=]\s*["'`](?:https?:)?\/\/[^"'`]*/g))).toEqual([]);
});

/** Of matches that may be megabytes, enough for a message. */
function begin(matches: readonly string[] | null): string[] {
  return (matches ?? []).map((match) => match.slice(0, 100));
}

const executablePath = [
  process.env["CHROME_BIN"] ?? "",
  ...(process.env["PATH"] ?? "")
    .split(delimiter)
    .flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name))),
].find((path) => path !== "" && existsSync(path));

describe.skipIf(executablePath === undefined)("in Chromium, where it is installed", () => {
  const requests: string[] = [];
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
    browser = await chromium.launch({
      ...(executablePath ? { executablePath } : {}),
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", ...quiet],
    });
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(server.url);
  });
  afterAll(() => browser.close());

  test("GraphiQL opens with a tab for each thing to try first", async () => {
    const titles = page.getByRole("tab").locator("[title]");
    await expect
      .poll(() => titles.allTextContents(), { timeout: 10_000 })
      .toEqual(["Datasets", "LineageTree", "UpsertDataset"]);
  });

  test.each([
    ["Datasets", "endCursor"],
    ["LineageTree", "d1_run1"],
    ["UpsertDataset", "userErrors"],
  ])("the tab %s, run, shows the server's answer", async (name, answer) => {
    const tab = page.getByRole("tab", { name });
    // GraphiQL moves its tabs into place and takes over a tab's operation a moment later: a click may come too early.
    const select = async () => {
      await tab.click();
      return tab.getAttribute("aria-selected");
    };
    await expect.poll(select, { timeout: 10_000, interval: 200 }).toBe("true");
    const execute = async () => {
      await page.getByRole("button", { name: "Execute query" }).click();
      return page.locator(".result-window").textContent();
    };
    await expect.poll(execute, { timeout: 10_000, interval: 500 }).toContain(answer);
  });

  test("where tokens are asked for, a form takes one, GraphiQL sends it, and it is gone with the tab", async () => {
    const { secret, line } = createToken("reader", "read");
    const closed = await startServer(database, { tokens: openTokens({ text: line }) });
    const tab = await browser.newPage();
    await tab.goto(new URL("/", closed.url).href); // which leads to it
    const signIn = async (token: string) => {
      await tab.getByLabel("Your token").fill(token);
      await tab.getByRole("button").click();
    };
    await signIn("stage1_guess");
    await expect.poll(() => tab.locator("output").textContent()).toContain("does not know this token");
    await signIn("not a token…");
    await expect.poll(() => tab.locator("output").textContent()).toContain("no token");
    await signIn(secret);
    const execute = async () => {
      await tab.getByRole("button", { name: "Execute query" }).click();
      return tab.locator(".result-window").textContent();
    };
    await expect.poll(execute, { timeout: 15_000, interval: 500 }).toContain("endCursor");
    const other = await (await browser.newContext()).newPage();
    await other.goto(closed.url);
    await expect.poll(() => other.getByLabel("Your token").count()).toBe(1);
    await closed.close();
  });

  test("nothing was asked of another host", () => {
    const origin = new URL(server.url).origin;
    expect(requests.filter((url) => url === server.url).length).toBeGreaterThan(3);
    expect(requests.filter((url) => !/^(?:blob|data):/.test(url) && new URL(url).origin !== origin)).toEqual([]);
  });
});

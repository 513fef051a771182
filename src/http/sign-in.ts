import { ENDPOINT } from "../graphql/endpoint.ts";
import { PAGE_POLICY } from "../graphql/graphiql.ts";

/**
 * What a browser gets that comes without a token: a form. Its token goes with every request of the page, GraphiQL itself
 * among them, and is forgotten with the tab. No cookie, so no other page can make use of it.
 */
const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>stage1-lineage: sign in</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; color-scheme: light dark }
  form { display: grid; gap: 0.75rem; width: min(28rem, 90vw) }
  input, button { font: inherit; padding: 0.5rem }
  output { min-height: 1.5em; color: #c33 }
</style>
</head>
<body>
<form>
  <label for="token">Your token for this server</label>
  <input id="token" type="password" autocomplete="current-password" required autofocus>
  <button>Open GraphiQL</button>
  <output></output>
  <noscript>The page needs JavaScript.</noscript>
</form>
<script>
  const KEPT = "stage1-token";
  const form = document.querySelector("form");
  const say = (message) => { document.querySelector("output").textContent = message };
  const ask = window.fetch.bind(window);

  async function open(token) {
    const authorization = "Bearer " + token;
    let answer;
    try {
      answer = await ask(location.href, { headers: { accept: "text/html", authorization } });
    } catch {
      return say("The server does not answer, or this is no token: it has other characters.");
    }
    if (answer.status === 401) {
      sessionStorage.removeItem(KEPT);
      return say("The server does not know this token.");
    }
    if (answer.status === 404) return say("There is nothing at this address: open ${ENDPOINT}.");
    if (!answer.ok) return say("The server answered with " + answer.status + ": try again later.");
    const graphiql = await answer.text();
    // The root leads to it. What GraphiQL asks goes to the page's own address.
    history.replaceState(null, "", answer.url);
    sessionStorage.setItem(KEPT, token);
    // What GraphiQL asks, it asks through this.
    window.fetch = (url, init = {}) => {
      if (new URL(url, location.href).origin !== location.origin) return ask(url, init);
      const headers = new Headers(init.headers);
      if (!headers.has("authorization")) headers.set("authorization", authorization);
      return ask(url, { ...init, headers });
    };
    document.open();
    document.write(graphiql);
    document.close();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say("");
    open(document.querySelector("#token").value.trim());
  });
  const kept = sessionStorage.getItem(KEPT);
  if (kept) open(kept);
</script>
</body>
</html>
`;

export const SIGN_IN = {
  page,
  headers: {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": PAGE_POLICY,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
  },
} as const;

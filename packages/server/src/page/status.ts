/** What a person sees who opens the server's address: whether it works, what it serves, and a form to try it. */
import { version } from "@oscillink/core";
import type { Config } from "../config/schema.ts";
import type { Model } from "../models/models.ts";

export interface Status {
  readonly config: Config;
  readonly models: readonly Model[];
  /** The model of texts that name none. */
  readonly chosen: string;
  readonly ready: boolean;
}

/** Of operators and of ourselves, but written as it may be. */
const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

const number = (value: number): string => value.toLocaleString("en-US");

export function statusPage({ config, models, chosen, ready }: Status): string {
  const { limits } = config;
  const facts = [
    ["documents of a request", number(limits.documents)],
    ["values of a vector", number(limits.width)],
    ["values of all vectors", number(limits.values)],
    ["bytes of a body", number(limits.bodyBytes)],
    [
      "units of a key in a window",
      limits.units ? `${number(limits.units)} in ${number(limits.unitsWindow)} s` : "no limit",
    ],
    ["units of a key in a month", limits.unitsMonth ? number(limits.unitsMonth) : "no limit"],
  ];
  const row = ([name, value]: readonly string[]) =>
    `<tr><th scope="row">${escaped(name!)}</th><td>${escaped(value!)}</td></tr>`;
  const served = models.map(({ name, description }) => row([name, description])).join("");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Oscillink</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; vertical-align: top; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
th { font-weight: 500; white-space: nowrap }
label { display: block; margin: .6rem 0 .2rem }
input, select, textarea { width: 100%; box-sizing: border-box; font: inherit; padding: .3rem }
button { font: inherit; margin: .8rem 0; padding: .4rem 1rem }
pre { overflow: auto; padding: .8rem; border: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
</style>
</head>
<body>
<main>
<h1>Oscillink ${escaped(version)}</h1>
<p>The re-ranking step of RAG, with a receipt. This server ${ready ? "is ready" : "<strong>is not ready: its store does not answer</strong>"}.
<a href="/reference">API reference</a>, <a href="/openapi.json">OpenAPI</a>, <a href="/.well-known/jwks.json">keys of its receipts</a>.</p>
<h2>Models</h2>
<table>${served}</table>
<h2>Limits</h2>
<table>${facts.map(row).join("")}</table>
<h2>Try it</h2>
<form id="try">
${config.auth === "keys" ? '<label for="key">Key</label><input id="key" type="password" autocomplete="off" required>' : ""}
<label for="model">Model</label>
<select id="model">${models
    .filter(({ name }) => name !== "oscillink")
    .map(({ name }) => `<option${name === chosen ? " selected" : ""}>${escaped(name)}</option>`)
    .join("")}</select>
<label for="query">Question</label>
<input id="query" value="When do the terns nest?" required>
<label for="documents">Documents, one a line</label>
<textarea id="documents" rows="5" required>
The ferry to Vell leaves at noon and at six.
Terns nest on the cliffs from May to August.
The seed bank keeps seeds of 900 wild plants.</textarea>
<button>Re-rank</button>
</form>
<pre id="answer" aria-live="polite" hidden></pre>
</main>
<script>
const at = (id) => document.getElementById(id);
at("try").addEventListener("submit", async (event) => {
  event.preventDefault();
  const documents = at("documents").value.split("\\n").filter((line) => line.trim() !== "");
  const body = { model: at("model").value, query: at("query").value, documents, return_documents: true, return_receipt: true };
  const headers = { "Content-Type": "application/json" };
  if (at("key")) headers.Authorization = "Bearer " + at("key").value;
  const answer = at("answer");
  answer.hidden = false;
  try {
    const response = await fetch("/v1/rerank", { method: "POST", headers, body: JSON.stringify(body) });
    answer.textContent = JSON.stringify(await response.json(), null, 2);
  } catch (error) {
    answer.textContent = String(error);
  }
});
</script>
</body>
</html>
`;
}

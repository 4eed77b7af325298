import { type Candidate, type Envelope, OptionError, OscillinkError, type Vector } from "@oscillink/core";
import { type KeyInput, publicKeyToPem } from "@oscillink/core/keys";
import { digests, notices, script } from "./assets.ts";
import { factsOf, type Told, titleOf } from "./facts.ts";
import { drawLattice } from "./graph/draw.ts";
import { agreement, idsOf, rebuild } from "./graph/lattice.ts";
import { cut, Html, html, jsonText } from "./html.ts";
import { type AnyReceipt, field, readSigned, type Signed } from "./read.ts";
import { style } from "./style.ts";

/** What a page shows beyond the receipt. */
export interface ExplainOptions {
  /**
   * The candidates that were ranked, in the order in which they came; of several lists each document once, in the order of the
   * lists. Titles and texts are shown beside the documents, and the lattice is drawn from the embeddings. Default: none.
   */
  readonly candidates?: readonly Candidate[];
  /**
   * The query's vector, beside the candidates: then everything is computed again. Every document of the lattice gets the size of
   * its settled evidence, and the page says whether the same came out. Default: none.
   */
  readonly query?: Vector;
  /** The query's words, where the receipt was made with them; used beside `query` alone. Default: none. */
  readonly queryText?: string;
  /**
   * The Ed25519 public key to verify the signature with, in the page, as soon as it is opened: PEM, a JSON Web Key or 32 bytes.
   * Default: none, and the reader pastes one. A secret of HMAC is never written into a page.
   */
  readonly key?: KeyInput;
}

/** Characters of a text that are shown in the bundle. */
const EXCERPT = 300;

/**
 * A receipt as one self-contained page of HTML: what was chosen and why, what was left out, the scores term by term, the lattice,
 * the certificate, and the digests of the inputs. Its facts can be read without JavaScript; with it the page verifies the
 * signature, and whether what it shows is what was signed. It loads nothing, and its content security policy forbids that.
 *
 * The same input gives the same page. A page proves nothing by itself, as anyone could write one that says "valid": who doubts
 * where it came from verifies the record in it with `verifyReceipt`.
 *
 * @param receipt a receipt, the signed content of one, or a signed envelope. Its texts are quoted, whatever they hold.
 * @throws {OptionError} for what holds no receipt, an unknown option, or a key that is no Ed25519 public key.
 * @throws {CandidateError} for candidates that are not those of the receipt, by their number or their ids.
 *
 * @example
 * await writeFile("why.html", explainPage(receipt, { candidates }));
 */
export function explainPage(receipt: AnyReceipt | Envelope, options: ExplainOptions = {}): string {
  const { candidates, query, queryText, key, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new OptionError(unknown, "is no option of a page: candidates, query, queryText and key are");
  const signed = readSigned(receipt);
  const pem = key === undefined ? "" : pemOf(key);
  const ids = candidates === undefined ? [] : idsOf(signed.receipt, candidates);
  const rebuilt = rebuild(signed.receipt, candidates, ids, { query, queryText });
  const told = (index: number): Told | null => {
    const candidate = candidates?.[index];
    if (candidate === undefined) return null;
    const { title = "", text = "" } = candidate;
    return { id: ids[index]!, title: cut(title, 120), text: cut(text, EXCERPT) };
  };
  const { head, chosen, record } = factsOf(signed.receipt, {
    told,
    agrees: agreement(signed.receipt, rebuilt),
    replay: rebuilt.ok ? rebuilt.replay : null,
  });
  const lattice = rebuilt.ok
    ? drawLattice(signed.receipt, candidates!, ids, rebuilt)
    : html`<p>${rebuilt.why}</p>`;
  return `<!doctype html>\n${
    html`<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${titleOf(signed.receipt)}</title>
<link rel="icon" href="data:,">
<style>${new Html(style)}</style>
</head>
<body>
<main>
<header><p class="kicker">Oscillink receipt</p><div data-facts="head">${head}</div>
<p id="status" role="status">${waiting(signed)}</p></header>
<div data-facts="chosen">${chosen}</div>
<section class="lattice" aria-labelledby="lattice-head"><h2 id="lattice-head">The lattice</h2>${lattice}</section>
<div data-facts="record">${record}</div>
${signatureSection(signed, pem)}
</main>
<script type="text/plain" id="notices">${new Html(notices)}</script>
<script>${new Html(script)}</script>
</body>
</html>
`.text
  }`;
}

/** Nothing is loaded, and of what stands in the page only this style and this script count. */
const POLICY = `default-src 'none'; img-src data:; style-src '${digests.style}'; script-src '${digests.script}'; base-uri 'none'; form-action 'none'`;

function pemOf(key: KeyInput): string {
  try {
    return publicKeyToPem(key);
  } catch (cause) {
    if (!(cause instanceof OscillinkError)) throw cause;
    throw new OptionError("key", cause.message.slice(cause.parameter.length + 2), { cause });
  }
}

/** What a page says of the signature before it has looked at it, and without JavaScript for good. */
function waiting({ receipt, signatures }: Signed): string {
  const published = field(receipt, "meta", "signature") !== undefined;
  if (signatures.length === 0 && !published)
    return "Not signed. Its digest was not checked: that takes JavaScript.";
  const keys = signatures.flatMap(({ keyid }) => keyid ?? []).map((id) => cut(id, 40));
  const by = keys.length > 0 ? ` by the key ${keys.join(", ")}, as it says` : "";
  return `Signed${by}. Not verified here: that takes JavaScript and the key.`;
}

function signatureSection({ receipt, signatures }: Signed, pem: string): Html {
  const published = field(receipt, "meta", "signature") !== undefined;
  // The length of a signature tells its algorithm: 64 bytes of Ed25519 or 32 of HMAC.
  const secret = published || signatures.some(({ sig }) => sig.length < 60);
  const choice = (value: string, label: string, chosen: boolean) =>
    html`<option value="${value}"${chosen && html` selected`}>${label}</option>`;
  const form =
    signatures.length === 0 && !published
      ? html`<p>This receipt came without a signature: its digest tells that it was not changed by accident, and not who wrote it.</p>`
      : html`<p><label for="key">Key</label> <textarea id="key" rows="4" spellcheck="false" autocomplete="off">${pem}</textarea></p>
<p><label for="kind">which is</label> <select id="kind">${choice("public", "an Ed25519 public key, as PEM or JWK", !secret)}${choice("text", "an HMAC secret, as text", secret)}${choice("base64", "an HMAC secret, as base64", false)}${choice("hex", "an HMAC secret, as hexadecimal", false)}</select></p>`;
  return html`<section id="signature" aria-labelledby="signature-head"><h2 id="signature-head">Signature</h2>
<p class="note">A page can say anything. If you doubt where this one came from, verify the record below with a tool of your own; the key must come from whoever signs, and not from this page.</p>
<div class="script-only"><form>${form}
<details><summary>The record</summary><p><label for="record">What the digest and the signature cover. Change one character, verify again, and it is not valid.</label></p><textarea id="record" rows="16" spellcheck="false">${JSON.stringify(receipt, null, 1)}</textarea></details>
<p><button type="submit">Verify</button></p></form></div>
<script type="application/json" id="signatures">${jsonText(signatures)}</script></section>`;
}

/** What runs in the page: the drawing comes to life, and the record is verified. The facts stand there without it. */
import { factsOf } from "../facts.ts";
import type { AnyReceipt } from "../read.ts";
import { enliven } from "./lattice.ts";
import { type KeyKind, type Verdict, verify } from "./verify.ts";

const element = <E extends HTMLElement>(id: string) => document.getElementById(id) as E | null;

document.documentElement.classList.add("script");
const figure = element("lattice");
if (figure !== null) enliven(figure);

const status = element("status")!;
const record = element<HTMLTextAreaElement>("record")!;
const signatures = JSON.parse(element("signatures")!.textContent!);

let asked = 0;

async function check(): Promise<void> {
  const mine = ++asked;
  const key = element<HTMLTextAreaElement>("key")?.value ?? "";
  const kind = (element<HTMLSelectElement>("kind")?.value ?? "public") as KeyKind;
  const verdict = compared(await verify(record.value, signatures, key, kind));
  // An earlier answer may come later.
  if (mine !== asked) return;
  status.className = verdict.kind;
  status.textContent = verdict.said;
}

/** A record may be what was signed, and the page may show another. */
function compared(verdict: Verdict): Verdict {
  if (!("content" in verdict) || showsFactsOf(verdict.content)) return verdict;
  return { kind: "not-valid", said: "Not valid: the page shows something else than its record says." };
}

function showsFactsOf(receipt: AnyReceipt): boolean {
  const facts = factsOf(receipt);
  return (["head", "chosen", "record"] as const).every((part) => {
    const shown = document.querySelector(`[data-facts="${part}"]`)!.cloneNode(true) as Element;
    for (const added of shown.querySelectorAll("[data-candidate]")) added.remove();
    // What the reader unfolded says nothing else than it did before.
    for (const unfolded of shown.querySelectorAll("details[open]")) unfolded.removeAttribute("open");
    const made = document.createElement("template");
    made.innerHTML = facts[part].text;
    return shown.innerHTML === made.innerHTML;
  });
}

document.querySelector("form")!.addEventListener("submit", (event) => {
  event.preventDefault();
  void check();
});
void check();
performance.mark("interactive");

import { fileURLToPath } from "node:url";
import { type DefaultTheme, defineConfig } from "vitepress";
import { anchorOf, linkOf, pageOf, repository } from "./links.ts";

const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const packages = [
  "core",
  "langchain",
  "llamaindex",
  "ai-sdk",
  "openai",
  "pinecone",
  "explain",
  "lexical",
  "linoss",
];

const sidebar: DefaultTheme.SidebarItem[] = [
  {
    text: "Begin",
    items: [
      { text: "Overview", link: "/overview" },
      { text: "Playground", link: "/playground" },
      { text: "When not to use it", link: "/when-not" },
      { text: "Questions", link: "/faq" },
    ],
  },
  {
    text: "Quick start",
    items: [
      { text: "Plain rerank", link: "/start/rerank" },
      { text: "LangChain", link: "/start/langchain" },
      { text: "LlamaIndex", link: "/start/llamaindex" },
      { text: "AI SDK", link: "/start/ai-sdk" },
      { text: "OpenAI", link: "/start/openai" },
      { text: "Pinecone", link: "/start/pinecone" },
      { text: "pgvector", link: "/start/pgvector" },
      { text: "On the command line", link: "/packages/cli" },
      { text: "In your own server", link: "/servers" },
      { text: "Moving from another", link: "/moving" },
    ],
  },
  {
    text: "As a service",
    items: [
      { text: "In short", link: "/packages/server" },
      { text: "The first hour", link: "/server" },
      { text: "Running it", link: "/server-operation" },
      { text: "The Python routes", link: "/server-faults" },
    ],
  },
  {
    text: "How it works",
    items: [
      { text: "Concepts", link: "/concepts" },
      { text: "The lattice", link: "/lattice" },
      { text: "Conversations", link: "/conversation" },
      { text: "Design", link: "/design" },
      { text: "Differences from Python", link: "/differences" },
    ],
  },
  {
    text: "Receipts",
    items: [
      { text: "For auditors", link: "/auditors" },
      { text: "What they prove", link: "/receipts" },
    ],
  },
  {
    text: "What was measured",
    items: [
      { text: "Quality, as charts", link: "/quality" },
      { text: "Speed, as charts", link: "/speed" },
      { text: "Models and languages", link: "/models" },
      { text: "Ranking: what was tried", link: "/ranking" },
      { text: "What it costs", link: "/performance" },
    ],
  },
  {
    text: "Reference",
    items: [
      { text: "API", link: "/api/" },
      ...packages.map((name) => ({ text: `@oscillink/${name}`, link: `/packages/${name}` })),
      { text: "Examples", link: "/examples" },
      { text: "Benchmarks", link: "/benchmarks" },
      { text: "Versions", link: "/versions" },
      { text: "Security", link: "/security" },
    ],
  },
];

export default defineConfig({
  title: "Oscillink",
  description: "The re-ranking step of RAG, with a receipt.",
  lang: "en",
  // The pages are the repository's documents, where they lie.
  srcDir: "..",
  srcExclude: ["CHANGELOG.md", "**/CHANGELOG.md", "**/fixtures/**", ".changeset/**", ".github/**"],
  rewrites: pageOf,
  cleanUrls: true,
  head: [["link", { rel: "icon", href: "data:," }]],
  markdown: {
    // The usual ones have too little contrast.
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    anchor: { slugify: anchorOf },
    config(md) {
      md.core.ruler.push("repository-links", ({ tokens, env }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const href = token.type === "link_open" ? token.attrGet("href") : null;
          if (href !== null) token.attrSet("href", linkOf(href, env.realPath ?? env.path));
        }
      });
      // A corner of a table that says nothing is no heading.
      md.core.ruler.push("empty-corners", ({ tokens }) => {
        for (const [i, token] of tokens.entries()) {
          if (token.type === "th_open" && tokens[i + 1]!.content === "")
            token.tag = tokens[i + 2]!.tag = "td";
        }
      });
    },
  },
  themeConfig: {
    nav: [
      { text: "Quick start", link: "/start/rerank" },
      { text: "Concepts", link: "/concepts" },
      { text: "Playground", link: "/playground" },
      { text: "API", link: "/api/" },
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: "local" },
    socialLinks: [{ icon: "github", link: repository }],
    externalLinkIcon: true,
  },
  vite: {
    plugins: [
      {
        // The pages lie in folders from which it is not found.
        name: "vue-from-here",
        enforce: "pre",
        resolveId(id, importer, options) {
          const asked = /^vue(\/|$)/.test(id) && /\.md(\?|$)/.test(importer ?? "");
          return asked ? this.resolve(id, fromHere("config.ts"), { ...options, skipSelf: true }) : null;
        },
      },
    ],
    // Of the pages' code; the search index is a chunk of its own.
    build: { chunkSizeWarningLimit: 1500 },
  },
});

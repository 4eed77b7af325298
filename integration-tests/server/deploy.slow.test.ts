/** What the image and the manifests promise, as far as it can be tried where there is neither Docker nor a cluster. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { PersistentVolumeClaim } from "kubernetes-models/v1/PersistentVolumeClaim";
import { Service } from "kubernetes-models/v1/Service";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";

const root = fileURLToPath(new URL("../../", import.meta.url));
const deploy = join(root, "packages/server/deploy");
const folder = mkdtempSync(join(tmpdir(), "oscillink-deploy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the manifests (A56)", () => {
  const kinds = { Deployment, NetworkPolicy, PersistentVolumeClaim, Service };
  const files = readdirSync(join(deploy, "kustomize"));
  const manifest = (file: string) => parse(readFileSync(join(deploy, "kustomize", file), "utf8"));

  it.each(files.filter((file) => file !== "kustomization.yaml"))("%s is what Kubernetes takes", (file) => {
    const content = manifest(file);
    const Kind = kinds[content.kind as keyof typeof kinds];
    // Of the selector, which Kustomize adds, a Deployment cannot do without.
    const selector = { matchLabels: { "app.kubernetes.io/name": "oscillink-server" } };
    const spec = content.kind === "Deployment" ? { ...content.spec, selector } : content.spec;
    if (content.kind === "Deployment")
      spec.template = { metadata: { labels: selector.matchLabels }, ...spec.template };
    expect(() => new Kind({ ...content, spec } as never).validate()).not.toThrow();
    const wrong = {
      ...content,
      spec: { ...spec, ports: "http", replicas: "one", resources: 5, podSelector: 5 },
    };
    expect(() => new Kind(wrong as never).validate()).toThrow();
  });

  it("the kustomization names every file", () => {
    expect([...manifest("kustomization.yaml").resources, "kustomization.yaml"].sort()).toEqual(files.sort());
  });
});

describe("the process of the image (A56)", () => {
  it("runs without a privilege on a root that cannot be written, with one folder that can", async () => {
    const server = join(folder, "server");
    const pnpm = [
      "--yes",
      "pnpm@12.21.0",
      "--filter",
      "@oscillink/server",
      "deploy",
      "--prod",
      "--legacy",
      server,
    ];
    execFileSync("npx", pnpm, { cwd: root, stdio: "pipe" });
    execFileSync("mkdir", [join(folder, "data")]);
    const script = `
      mount --make-rprivate / && mount -o bind,remount,ro / &&
      mount -t tmpfs -o uid=65532,gid=65532,mode=700 tmpfs "$1/data" &&
      ! touch "$1/written" 2>/dev/null && shift &&
      exec setpriv --reuid 65532 --regid 65532 --clear-groups --no-new-privs --bounding-set -all "$@"`;
    execFileSync("chmod", ["755", folder]);
    const flags = ["--data", join(folder, "data"), "--auth", "none", "--port", "0", "--admin-port", "0"];
    const command = [realpathSync(process.execPath), join(server, "dist/main.js"), ...flags];
    const child = spawn("unshare", ["-m", "sh", "-c", script, "sh", folder, ...command]);
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
    try {
      await expect.poll(() => said, { timeout: 20_000 }).toMatch(/listens at http/);
      const url = /listens at (\S+)/.exec(said)![1]!;
      const answer = await fetch(`${url}/v1/oscillink/rerank`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query: [1, 0], candidates: [{ id: "a", embedding: [1, 0.5] }] }),
      });
      expect(answer.status).toBe(200);
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      expect(status).toMatch(/^Uid:\s+65532\s+65532/m);
      expect(status).toMatch(/^CapEff:\s+0+$/m);
    } finally {
      child.kill("SIGTERM");
    }
    const code = await new Promise((resolve) => child.once("exit", resolve));
    expect(code).toBe(0);
  });
});

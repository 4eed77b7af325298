/** Reads what the server is told: defaults, then a file, the environment, and the flags, each over what came before. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { ErrorObject } from "ajv";
import type { TSchema } from "typebox";
import { createAjv } from "../ajv.ts";
import { Config, MODEL_NAMES } from "./schema.ts";

/** What is wrong with a configuration: a line a fault, each naming what it is about as it was written. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.faults = faults;
  }
}

const PREFIX = "OSCILLINK_";

/** What the Python package's server called it. Booleans and windows of its own have no counterpart, and are refused by name. */
const PUBLISHED: Readonly<Record<string, string>> = {
  PORT: "port",
  OSCILLINK_MAX_NODES: "limits.documents",
  OSCILLINK_MAX_DIM: "limits.width",
  OSCILLINK_MAX_BODY_BYTES: "limits.bodyBytes",
  OSCILLINK_KEY_NODE_UNITS_LIMIT: "limits.units",
  OSCILLINK_KEY_NODE_UNITS_WINDOW: "limits.unitsWindow",
  OSCILLINK_MONTHLY_CAP: "limits.unitsMonth",
  OSCILLINK_CORS_ALLOW_ORIGINS: "cors",
  OSCILLINK_CACHE_TTL: "cacheSeconds",
  OSCILLINK_JOB_TTL: "jobSeconds",
};

/** One value that can be set. */
export interface Setting {
  /** Where it stands, such as `limits.bodyBytes`. */
  readonly path: string;
  /** Its name in the environment, such as `OSCILLINK_LIMITS_BODY_BYTES`. */
  readonly variable: string;
  /** Its name as a flag, such as `--limits-body-bytes`. */
  readonly flag: string;
  readonly schema: TSchema & { description?: string; default?: unknown; type?: string };
  readonly secret: boolean;
}

export const SETTINGS: readonly Setting[] = settingsOf(Config, []);

function settingsOf(schema: TSchema, path: readonly string[]): Setting[] {
  const { properties } = schema as { properties?: Record<string, TSchema> };
  if (!properties) {
    const words = path.flatMap((part) => part.split(/(?=[A-Z])/)).map((word) => word.toLowerCase());
    return [
      {
        path: path.join("."),
        variable: PREFIX + words.join("_").toUpperCase(),
        flag: `--${words.join("-")}`,
        schema: schema as Setting["schema"],
        secret: /pepper|Key$/.test(path.at(-1)!) && path.at(-1) !== "signingKey",
      },
    ];
  }
  return Object.entries(properties).flatMap(([name, own]) => settingsOf(own, [...path, name]));
}

/** Where the values of a configuration come from. */
export interface Sources {
  /** A file of JSON. Default: none. */
  readonly file?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Values by flag, as commander hands them over: by the path of each setting. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** @throws {ConfigError} for values that are unknown, of the wrong kind or out of range, or that do not fit each other; all of them. */
export function loadConfig({ file, environment, flags = {} }: Sources): Config {
  const faults: string[] = [];
  const config: Record<string, unknown> = {};
  /** How the caller wrote each value, for the faults. */
  const written = new Map<string, string>();
  const set = (setting: Setting, value: unknown, name: string) => {
    place(config, setting.path, value);
    written.set(setting.path, name);
  };
  for (const setting of SETTINGS) place(config, setting.path, structuredClone(setting.schema.default));
  if (file) readFile(file, faults, (setting, value) => set(setting, value, `${setting.path} in ${file}`));
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) continue;
    const path = PUBLISHED[name];
    const setting = SETTINGS.find(({ variable, path: own }) => variable === name || own === path);
    if (setting) set(setting, readValue(setting, value), name);
    else if (name.startsWith(PREFIX) && name !== `${PREFIX}CONFIG`)
      faults.push(`${name}: is no setting${meant(name)}`);
  }
  for (const [path, value] of Object.entries(flags)) {
    const setting = SETTINGS.find((one) => one.path === path)!;
    set(setting, readValue(setting, value), setting.flag);
  }
  const nameOf = (path: string) => written.get(path) ?? path;
  if (!validate(config)) {
    for (const error of validate.errors ?? []) faults.push(sayingOf(error, nameOf));
  } else faults.push(...misfits(config as Config, nameOf));
  if (faults.length > 0) throw new ConfigError([...new Set(faults)]);
  return config as Config;
}

const validate = createAjv({ allErrors: true, verbose: true }).compile<Config>(Config);

function readFile(file: string, faults: string[], set: (setting: Setting, value: unknown) => void): void {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      error instanceof SyntaxError
        ? "is no JSON"
        : code === "ENOENT"
          ? "is not there"
          : `cannot be read (${code})`;
    faults.push(`${file}: ${why}`);
    return;
  }
  const walk = (value: unknown, path: string): void => {
    const setting = SETTINGS.find((one) => one.path === path);
    if (setting) set(setting, value);
    else if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      if (path !== "" && !SETTINGS.some((one) => one.path.startsWith(`${path}.`))) {
        faults.push(`${path} in ${file}: is no setting${meant(path)}`);
      } else
        for (const [name, own] of Object.entries(value)) walk(own, path === "" ? name : `${path}.${name}`);
    } else faults.push(`${path || "the whole"} in ${file}: is no setting${meant(path)}`);
  };
  walk(content, "");
}

/** A text of the environment or of a flag, as the value that is meant; what is no such text stays, and is judged as it is. */
function readValue({ schema }: Setting, given: string): unknown {
  const value = given.trim();
  if (schema.type === "integer" || schema.type === "number") {
    return value !== "" && Number.isFinite(Number(value)) ? Number(value) : given;
  }
  if (schema.type === "boolean") return { true: true, false: false, 1: true, 0: false }[value] ?? given;
  const parts = value === "" ? [] : value.split(",").map((part) => part.trim());
  if (schema.type === "array") return parts;
  if (schema.type === "object") {
    const pairs = parts.map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)]);
    return parts.every((part) => /^[^=]+=[^=]+$/.test(part)) ? Object.fromEntries(pairs) : given;
  }
  return given;
}

function sayingOf(
  { instancePath, keyword, params, data, parentSchema }: ErrorObject,
  nameOf: (path: string) => string,
) {
  const path = instancePath.slice(1).replaceAll("/", ".");
  const setting = SETTINGS.find((one) => path === one.path || path.startsWith(`${one.path}.`));
  const name = nameOf(setting?.path ?? path);
  // A secret is never shown, not even a wrong one.
  const came = setting?.secret ? "what came" : typeof data === "object" ? "this" : JSON.stringify(data);
  const choices = (setting?.schema as { anyOf?: { const: unknown }[] } | undefined)?.anyOf;
  if (choices) return `${name}: must be one of ${choices.map((one) => one.const).join(", ")}, not ${came}`;
  if (keyword === "minimum") return `${name}: must be at least ${params.limit}, not ${came}`;
  if (keyword === "maximum") return `${name}: must be at most ${params.limit}, not ${came}`;
  const kind = (parentSchema as { type?: string } | undefined)?.type;
  const wanted = {
    integer: "an integer",
    number: "a number",
    boolean: "true or false",
    array: "a list",
    object: "name=model pairs",
  };
  return `${name}: must be ${wanted[kind as keyof typeof wanted] ?? `a ${kind}`}, not ${came}`;
}

/** What each value is allowed to be, and is too much together with another. */
function misfits(config: Config, nameOf: (path: string) => string): string[] {
  const { limits, models, search, host, auth, pepper } = config;
  const faults: string[] = [];
  // A vector in base64 takes 4/3 of its four bytes a value.
  const longest = Math.ceil((limits.values * 16) / 3) + 65_536;
  if (longest > limits.bodyBytes) {
    const fits = Math.floor(((limits.bodyBytes - 65_536) * 3) / 16);
    faults.push(
      `${nameOf("limits.values")}: ${limits.values} values take ${longest} bytes in base64, and ${nameOf("limits.bodyBytes")} allows ` +
        `${limits.bodyBytes}: ask for ${longest} bytes, or for ${Math.max(fits, 1)} values`,
    );
  }
  if (limits.width > limits.values) {
    faults.push(
      `${nameOf("limits.width")}: one vector of ${limits.width} values is more than ${nameOf("limits.values")} allows, ${limits.values}`,
    );
  }
  if (limits.interactiveMs > limits.jobMs) {
    faults.push(
      `${nameOf("limits.interactiveMs")}: ${limits.interactiveMs} is more than a job may cost, ${nameOf("limits.jobMs")} ${limits.jobMs}`,
    );
  }
  if (auth === "none" && !isLoopback(host)) {
    faults.push(
      `${nameOf("auth")}: "none" lets anyone in, and ${nameOf("host")} ${host} can be reached from elsewhere: ask for keys, or listen at 127.0.0.1`,
    );
  }
  if (pepper !== "" && Buffer.byteLength(pepper) < 32) {
    faults.push(`${nameOf("pepper")}: must be of at least 32 bytes, not ${Buffer.byteLength(pepper)}`);
  }
  for (const path of ["models.embedUrl", "models.upstreamUrl"] as const) {
    const value = models[path.slice("models.".length) as "embedUrl" | "upstreamUrl"];
    if (value !== "" && !/^https?:\/\/[^/]/.test(value))
      faults.push(`${nameOf(path)}: must be a URL, not ${value}`);
  }
  const named = [
    ["models.default", models.default],
    ...Object.values(models.aliases).map((name) => ["models.aliases", name] as const),
  ] as const;
  for (const [path, name] of named) {
    if (name === "") continue;
    const missing = { "oscillink-embed": "models.embedUrl", "oscillink-cascade": "models.upstreamUrl" }[name];
    if (!MODEL_NAMES.includes(name)) {
      faults.push(`${nameOf(path)}: there is no model ${name}; there are ${MODEL_NAMES.join(", ")}`);
    } else if (missing && models[missing.slice("models.".length) as "embedUrl" | "upstreamUrl"] === "") {
      faults.push(`${nameOf(path)}: ${name} needs ${missing}`);
    }
  }
  if (search.module !== "" && search.pool > limits.documents) {
    faults.push(
      `${nameOf("search.pool")}: ${search.pool} is more than a request may hold, ${nameOf("limits.documents")} ${limits.documents}`,
    );
  }
  if (models.embedUrl !== "" && models.embedModel === "") {
    faults.push(`${nameOf("models.embedModel")}: is missing, and ${nameOf("models.embedUrl")} needs it`);
  }
  return faults;
}

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));

function place(config: Record<string, unknown>, path: string, value: unknown): void {
  const [first, ...rest] = path.split(".") as [string, ...string[]];
  if (rest.length === 0) config[first] = value;
  else {
    config[first] ??= {};
    place(config[first] as Record<string, unknown>, rest.join("."), value);
  }
}

/** The setting that somebody probably meant who wrote an unknown name. */
function meant(name: string): string {
  const letters = (text: string) =>
    text
      .replace(PREFIX, "")
      .replace(/[^a-z]/gi, "")
      .toLowerCase();
  const own = letters(name);
  const near = SETTINGS.find(
    ({ path }) => letters(path).endsWith(own) || own.endsWith(letters(path.split(".").at(-1)!)),
  );
  return near ? `; did you mean ${name.startsWith(PREFIX) ? near.variable : near.path}?` : "";
}

/** A configuration for people to read, without its secrets. */
export function shown(config: Config): Record<string, unknown> {
  const copy = structuredClone(config) as Record<string, unknown>;
  for (const { path, secret } of SETTINGS) {
    const value = path
      .split(".")
      .reduce<unknown>((part, name) => (part as Record<string, unknown>)[name], copy);
    if (secret && value !== "") place(copy, path, "(set)");
  }
  return copy;
}

/**
 * POSTs one body again and again over kept connections. Written here because the generators that npm has send a rate in bursts,
 * and take as much of a processor for each request as the server does: both would be measured as if they were the server's.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** What came of a load. */
export interface Load {
  /** Answers of status 200 a second. */
  readonly rate: number;
  /** Of all answers, in milliseconds: from when a request was due, if there is a rate, so that one that waits for a connection counts. */
  readonly p50: number;
  readonly p99: number;
  /** Of those of status 200. */
  readonly answeredP99: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** All that were not answered by 200. */
  readonly refused: number;
}

export interface LoadOptions {
  readonly seconds: number;
  readonly connections: number;
  /** Requests a second, evenly spaced. Default: each connection sends the next as soon as it has its answer. */
  readonly rate?: number;
}

export async function load(url: string, path: string, body: string, options: LoadOptions): Promise<Load> {
  const { seconds, connections, rate } = options;
  const { hostname, port, host } = new URL(url);
  const head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  const request = Buffer.from(head + body);
  const answers: { readonly status: string; readonly time: number }[] = [];
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect(Number(port), hostname).setNoDelay(true);
      await once(socket, "connect");
      return socket;
    }),
  );
  const began = performance.now();
  const isOver = () => performance.now() - began > seconds * 1000;

  async function ask(socket: Socket, due: number): Promise<void> {
    socket.write(request);
    const status = await answerOn(socket);
    answers.push({ status, time: performance.now() - due });
  }

  async function again(socket: Socket): Promise<void> {
    while (!isOver()) await ask(socket, performance.now());
  }

  async function atRate(perSecond: number): Promise<void> {
    const free = [...sockets];
    const due: number[] = [];
    const working = new Set<Promise<void>>();
    const send = () => {
      while (due.length > 0 && free.length > 0) {
        const socket = free.pop()!;
        const work = ask(socket, due.shift()!).then(() => {
          working.delete(work);
          free.push(socket);
          send();
        });
        working.add(work);
      }
    };
    let next = began;
    while (!isOver()) {
      for (; next <= performance.now(); next += 1000 / perSecond) due.push(next);
      send();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    while (working.size > 0) await Promise.all(working);
  }

  await (rate === undefined ? Promise.all(sockets.map(again)) : atRate(rate));
  for (const socket of sockets) socket.destroy();

  const statuses: Record<string, number> = {};
  for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
  const times = answers.map(({ time }) => time);
  const good = answers.filter(({ status }) => status === "200");
  return {
    ...{ rate: good.length / seconds, p50: quantile(times, 0.5), p99: quantile(times, 0.99) },
    answeredP99: quantile(
      good.map(({ time }) => time),
      0.99,
    ),
    ...{ statuses, refused: answers.length - good.length },
  };
}

/** Reads one answer, of which the server tells the length. @returns its status. */
function answerOn(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    let missing = Number.NaN;
    let status = "";
    const end = (settle: () => void) => {
      socket.off("data", read).off("close", closed);
      settle();
    };
    const closed = () => end(() => reject(new Error("the server closed a connection before it answered")));
    const read = (bytes: Buffer) => {
      if (Number.isNaN(missing)) {
        head = Buffer.concat([head, bytes]);
        const at = head.indexOf("\r\n\r\n");
        if (at < 0) return;
        const fields = head.toString("latin1", 0, at);
        status = fields.slice(9, 12);
        missing = Number(/^content-length: *(\d+)/im.exec(fields)?.[1]) - (head.length - at - 4);
        if (Number.isNaN(missing)) end(() => reject(new Error(`an answer without a length: ${fields}`)));
      } else missing -= bytes.length;
      if (missing <= 0) end(() => resolve(status));
    };
    socket.on("data", read).on("close", closed);
  });
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

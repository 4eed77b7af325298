/** Shows how far something is, on stderr and on a terminal alone. */
export interface Progress {
  at(done: number): void;
  /** Wipes it away. */
  end(): void;
}

export function progress(what: string, total: number): Progress {
  if (!process.stderr.isTTY) return { at() {}, end() {} };
  const line = (text: string) => void process.stderr.write(`\r\u001B[K${text}`);
  return {
    at: (done) => line(`${what} ${done} of ${total}`),
    end: () => line(""),
  };
}

import { checkObject, OptionError, show } from "../errors.ts";
import { type FocusOptions, type FocusState, QueryFocus } from "../focus/index.ts";
import { once } from "../once.ts";
import type { FocusRecord } from "../options/calls.ts";
import type { Vector } from "../pool/matrix.ts";
import { QUERY_LIMIT } from "../words/cut.ts";
import { type Signal, waitFor } from "../waiting.ts";

/** Options of {@link ConversationFocus}: those of its `QueryFocus`, and how many conversations it keeps. */
export interface ConversationFocusOptions extends FocusOptions {
  /** How many conversations are kept; past that, the one that was quiet for longest is forgotten. Integer >= 1, default 1000. */
  readonly threads?: number;
}

/** One conversation as {@link ConversationFocus.stateOf} writes it: plain data, which `JSON.stringify` keeps exactly. */
export interface ConversationState {
  readonly version: 1;
  /** The questions of the topic so far, oldest first: of the last 8,192 UTF-16 units. */
  readonly turns: readonly string[];
  readonly focus: FocusState;
}

/** What a search is made with. */
export interface Asked {
  /** The query's vector: that of the question, or of the conversation's focus. */
  readonly query: Vector;
  /** What the receipt says of the focus; absent without one. */
  readonly focus?: FocusRecord;
}

/** A conversation between two turns. It is replaced, never changed. */
interface Conversation {
  readonly focus: QueryFocus;
  readonly turns: readonly string[];
}

/**
 * The conversations of an adapter, each known by the id of its thread: what a follow-up question is searched with.
 *
 * A turn is told of once its call has given documents: one that throws, also for an aborted signal, leaves the conversation as it was.
 * The turns of one thread are taken one after the other, in the order of the calls; those of different threads at the same time. So give
 * it to one adapter of a chain, not to two that ask one another: the inner one would wait for the outer.
 *
 * It keeps the conversations in memory. Where they are to outlive the process, or to follow a checkpoint, keep what {@link stateOf}
 * returns after a turn, and {@link restore} it before the next one.
 *
 * @example
 * const focus = new ConversationFocus({ threads: 10_000 });
 * const retriever = new OscillinkRetriever({ vectorStore, focus });
 */
export class ConversationFocus {
  readonly #options: FocusOptions;
  readonly #threads: number;
  /** A Map keeps the order of insertion: its first key is the one that was quiet for longest. */
  readonly #conversations = new Map<string, Conversation>();
  /** What the next turn of a thread waits for. It never rejects. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** @throws {OptionError} for an unknown option, or a value out of its range. */
  constructor(options: ConversationFocusOptions = {}) {
    const { threads = 1000, ...others } = checkObject("options", options);
    if (!Number.isSafeInteger(threads) || threads < 1) {
      throw new OptionError("threads", `must be an integer of at least 1, not ${show(threads)}`);
    }
    this.#threads = threads;
    this.#options = new QueryFocus(others).options;
  }

  /** The conversation of a thread, to be kept; null before its first turn, and where it was forgotten. */
  stateOf(thread: string): ConversationState | null {
    const conversation = this.#conversations.get(checkThread("thread", thread));
    return conversation
      ? { version: 1, turns: [...conversation.turns], focus: conversation.focus.toJSON() }
      : null;
  }

  /**
   * Sets the conversation of a thread to what `stateOf` returned: it goes on with the same bytes, and with the options with which it
   * began. Null or undefined begins it anew.
   *
   * @throws {OptionError} for what `stateOf` cannot have returned.
   */
  restore(thread: string, state: ConversationState | null | undefined): void {
    checkThread("thread", thread);
    if (state === null || state === undefined) {
      this.#conversations.delete(thread);
      return;
    }
    const { version, turns, focus } = checkObject("state", state);
    if (version !== 1) throw new OptionError("state.version", `must be 1, not ${show(version)}`);
    if (!Array.isArray(turns) || turns.some((turn) => typeof turn !== "string")) {
      throw new OptionError("state.turns", `must be an array of strings, not ${show(turns)}`);
    }
    this.#keep(thread, { focus: QueryFocus.fromJSON(focus), turns: [...turns] });
  }

  /**
   * One turn: embeds the question, and beside it the questions so far joined where the mode needs them, both at the same time; does the
   * work with what came of it; and tells the conversation of the turn if the work did not throw.
   *
   * @param thread the conversation's id.
   * @param embed makes the vector of a text, as `embedQuery` does, with its limits of time.
   * @param signal ends the wait for the turn before.
   * @param work what is done with the focus. The embedding is under way when it begins.
   * @throws {OptionError} for a thread that is no name; the reason of an aborted signal; what the work throws. To the work: what `embed`
   *   throws, and {@link VectorError} where the question's vector has no direction.
   */
  turn<T>(
    thread: string,
    question: string,
    embed: (text: string) => Promise<Vector>,
    signal: Signal | undefined,
    work: (asked: () => Promise<Asked>) => Promise<T>,
  ): Promise<T> {
    checkThread("thread", thread);
    const before = this.#last.get(thread) ?? Promise.resolve();
    // Without a timeout: the turn before has its own at each wait, and that it takes long is no failure of this one.
    const run = waitFor(() => before, { signal }, "the turn before").then(() =>
      this.#turn(thread, question, embed, work),
    );
    const last = Promise.allSettled([before, run]).then(() => {
      if (this.#last.get(thread) === last) this.#last.delete(thread);
    });
    this.#last.set(thread, last);
    return run;
  }

  async #turn<T>(
    thread: string,
    question: string,
    embed: (text: string) => Promise<Vector>,
    work: (asked: () => Promise<Asked>) => Promise<T>,
  ): Promise<T> {
    const known = this.#conversations.get(thread);
    const next = this.#next(known, question, embed);
    // A work that fails before it needs the vector leaves the embedding to itself.
    next.catch(() => undefined);
    const result = await work(async () => (await next).asked);
    // Where failures pass through, the question may have no vector: then it is no turn.
    const conversation = await next.then(
      (found) => found.conversation,
      () => null,
    );
    if (conversation) this.#keep(thread, conversation);
    return result;
  }

  /** The conversation after a question, and the vector to search with. */
  async #next(known: Conversation | undefined, question: string, embed: (text: string) => Promise<Vector>) {
    const focus = known ? QueryFocus.fromJSON(known.focus.toJSON()) : new QueryFocus(this.#options);
    const turns = recent([...(known?.turns ?? []), question]);
    const joins = focus.options.mode === "history" && turns.length > 1;
    const [vector, ofJoined] = await Promise.all([embed(question), joins ? embed(turns.join(" ")) : null]);
    const [x, h] = [vector, ofJoined ?? vector] as ArrayLike<number>[];
    const { query, turn, shift, reset } = focus.next(x!, h!);
    const asked: Asked = { query, focus: { turn, shift, reset } };
    return { asked, conversation: { focus, turns: focus.since === turn ? [question] : turns } };
  }

  #keep(thread: string, conversation: Conversation): void {
    this.#conversations.delete(thread);
    this.#conversations.set(thread, conversation);
    if (this.#conversations.size > this.#threads) {
      this.#conversations.delete(this.#conversations.keys().next().value!);
    }
  }
}

/** The last of the questions that are together no longer than what is weighed of a query's words; at least the last one. */
function recent(turns: readonly string[]): readonly string[] {
  let [first, length] = [turns.length - 1, turns.at(-1)!.length];
  while (first > 0 && length + 1 + turns[first - 1]!.length <= QUERY_LIMIT) {
    length += 1 + turns[--first]!.length;
  }
  return turns.slice(first);
}

/**
 * Does the work of an adapter with the vector of a question: as a turn of a conversation, or by itself where there is no focus.
 *
 * @param thread called once, where there is a focus.
 * @throws as {@link ConversationFocus.turn}.
 */
export async function asking<T>(
  focus: ConversationFocus | null,
  thread: () => string,
  question: string,
  embed: (text: string) => Promise<Vector>,
  signal: Signal | undefined,
  work: (asked: () => Promise<Asked>) => Promise<T>,
): Promise<T> {
  if (focus) return focus.turn(thread(), question, embed, signal, work);
  return work(once(async () => ({ query: await embed(question) })));
}

/** @throws {OptionError} for what names no conversation. */
export function checkThread(name: string, thread: unknown): string {
  if (typeof thread === "string" && thread !== "") return thread;
  throw new OptionError(
    name,
    `must name the conversation, as a string that is not empty, not ${show(thread)}: the focus is of one`,
  );
}

/**
 * What an adapter's option `focus` says.
 *
 * @throws {OptionError} naming the option inside it, such as `focus.mode`.
 */
export function resolveConversations(
  focus: ConversationFocusOptions | ConversationFocus | undefined,
): ConversationFocus | null {
  if (focus === undefined) return null;
  // Also one of another copy of this package, which would pass for options without any.
  if (typeof (focus as Partial<ConversationFocus> | null)?.turn === "function")
    return focus as ConversationFocus;
  try {
    return new ConversationFocus(checkObject("focus", focus) as ConversationFocusOptions);
  } catch (error) {
    throw error instanceof OptionError && error.parameter !== "focus" ? error.within("focus") : error;
  }
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OptionError, OscillinkError } from "../src/errors.ts";
import { type SmartCorrectOptions, smartCorrect } from "../src/text/index.ts";
import { corrections } from "../src/text/misspellings.ts";
import golden from "./fixtures/smart_correct.json" with { type: "json" };

/** The golden pairs that are not reproduced: finding O50 calls their outputs faults. Each has its own test below. */
const differs: readonly string[] = [
  "curly_left",
  "fence_inline_toggle",
  "trailing_newline",
  "crlf",
  "tabs",
  "blank_lines",
  "formfeed_u2028",
];

const goldenText = (name: string) => golden.cases.find((pair) => pair.name === name)!.text;

const misspelling = fc.constantFrom(...corrections.keys());
const capitalized = (word: string) => word[0]!.toUpperCase() + word.slice(1);

/** Everything that decides between prose and code, in any order. */
const piece = fc.oneof(
  misspelling,
  misspelling.map(capitalized),
  misspelling.map((word) => word.toUpperCase()),
  fc.constantFrom("`", "``", "```", "~~~", "- ", "(", ")", "“", "”", ".", "'", "/", "@", "_", "x", "é", "1"),
  fc.constantFrom(" ", " ", " ", "\t", "\n", "\r\n", "\r", "\n\n", "\f", "\u2028", "\u00a0", "\ufeff"),
);
const anyText = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));

describe("golden pairs of the reference", () => {
  test("the table of words is the reference's", () => {
    expect(Object.fromEntries(corrections)).toEqual(golden.common_typos);
  });

  test.each(golden.cases.filter(({ name }) => !differs.includes(name)))("$name", (pair) => {
    const { text, custom_preserve: preserve, out } = pair;
    expect(smartCorrect(text, preserve === null ? {} : { preserve })).toBe(out);
  });
});

describe("finding O50: differences from the reference, and one that is none", () => {
  test("O50 a trailing newline is kept", () => {
    expect(smartCorrect(goldenText("trailing_newline"))).toBe("the\n");
    expect(smartCorrect(goldenText("blank_lines"))).toBe("\n\nthe\n\n");
  });

  test("O50 CRLF is kept", () => {
    expect(smartCorrect(goldenText("crlf"))).toBe("the\r\nwhich\r\n");
  });

  test("O50 words on both sides of a tab, or of any white space, are corrected", () => {
    expect(smartCorrect(goldenText("tabs"))).toBe("the\twhich the");
    expect(smartCorrect("teh\u00a0wich\vteh")).toBe("the\u00a0which\vthe");
  });

  test("O50 form feeds and U+2028 are kept", () => {
    expect(smartCorrect(goldenText("formfeed_u2028"))).toBe("the\fwhich\u2028the");
  });

  test("O50 a word in curly quotes is corrected", () => {
    expect(smartCorrect(goldenText("curly_left"))).toBe("“the” ‘the’");
  });

  test("O50 a line that begins with inline code opens no fence", () => {
    expect(smartCorrect(goldenText("fence_inline_toggle"))).toBe("```teh``` the\nthe\nthe");
    expect(smartCorrect("```x```\nteh")).toBe("```x```\nthe");
  });

  test("O50 words all in capitals are left alone, as in the reference", () => {
    for (const word of corrections.keys()) expect(smartCorrect(word.toUpperCase())).toBe(word.toUpperCase());
  });
});

describe("code, where the pairs say nothing and CommonMark decides", () => {
  test("a fence is closed only by its own kind, as long and alone on its line", () => {
    for (const inner of ["```", "~~~~", "````py", "- ````", "````x"]) {
      const fenced = `\`\`\`\`md\nteh\n\n${inner}\nteh\n\`\`\`\`\``;
      expect(smartCorrect(`teh\n${fenced}\nteh`)).toBe(`the\n${fenced}\nthe`);
    }
  });

  test("a fence ends with its line, whatever ends that", () => {
    for (const end of ["\n", "\r\n", "\r", "\u2028", "\u2029"]) {
      const fenced = ["```js", "teh", "```", ""].join(end);
      expect(smartCorrect(`${fenced}teh`)).toBe(`${fenced}the`);
    }
  });

  test("inline code does not reach over a fence", () => {
    expect(smartCorrect("a ` teh\n```\nteh\n```\nteh ` teh")).toBe("a ` the\n```\nteh\n```\nthe ` the");
  });

  test("a fence may be of tildes, or follow a bullet", () => {
    for (const [open, close] of [
      ["~~~", "~~~"],
      ["- ```js", "  ```"],
      ["  10. ~~~~", "      ~~~~"],
    ]) {
      expect(smartCorrect(`${open}\nteh\n\nteh\n${close}\r\nteh`)).toBe(
        `${open}\nteh\n\nteh\n${close}\r\nthe`,
      );
    }
  });

  test("inline code of several words is code, and ends in its paragraph", () => {
    expect(smartCorrect("`a teh b` teh")).toBe("`a teh b` the");
    expect(smartCorrect("`` ` teh ` `` teh `\nteh\r\nb` teh")).toBe("`` ` teh ` `` the `\nteh\r\nb` the");
    expect(smartCorrect("a ` teh\r\n \r\nteh ` teh")).toBe("a ` the\r\n \r\nthe ` the");
  });
});

describe("properties", () => {
  test("correcting twice is correcting once", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const once = smartCorrect(text);
        expect(smartCorrect(once)).toBe(once);
      }),
    );
  });

  test("nothing but letters of misspelled words changes", () => {
    // Undoing every correction, in the result and in the text, leaves the same string.
    const undo = (text: string) =>
      [...corrections].reduce(
        (s, [wrong, right]) => s.replaceAll(right, wrong).replaceAll(capitalized(right), capitalized(wrong)),
        text,
      );
    fc.assert(
      fc.property(anyText, (text) => {
        const corrected = smartCorrect(text);
        expect(undo(corrected)).toBe(undo(text));
        expect(corrected.match(/\s+/g)).toEqual(text.match(/\s+/g));
      }),
    );
  });

  test("a text without a listed word comes back as it was", () => {
    const listed = new RegExp([...corrections.keys()].join("|"), "i");
    const strings = fc.oneof(
      fc.array(fc.nat(0xffff), { maxLength: 200 }).map((units) => String.fromCharCode(...units)),
      fc.lorem({ mode: "sentences" }),
      fc
        .array(fc.constantFrom(...corrections.values(), "\n", "`", "constructor"))
        .map((words) => words.join(" ")),
    );
    fc.assert(
      fc.property(strings, (text) => {
        fc.pre(!listed.test(text));
        expect(smartCorrect(text)).toBe(text);
      }),
    );
  });

  test("every listed word is corrected in prose, and its capital kept", () => {
    const quotes = fc.constantFrom(["", ""], ["(", ")."], ['"', '"?'], ["‘", "’,"], ["“[", "]”;"]);
    fc.assert(
      fc.property(misspelling, quotes, fc.boolean(), (word, [open, close], capital) => {
        const shape = capital ? capitalized : (s: string) => s;
        expect(smartCorrect(`a ${open}${shape(word)}${close}\n`)).toBe(
          `a ${open}${shape(corrections.get(word)!)}${close}\n`,
        );
      }),
    );
  });

  test("words in preserve never change, the others do as without it", () => {
    const words = fc.array(misspelling, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(words, fc.uniqueArray(misspelling), (text, preserve) => {
        const expected = text.map((word) => (preserve.includes(word) ? word : smartCorrect(word)));
        expect(smartCorrect(text.join(" "), { preserve })).toBe(expected.join(" "));
      }),
    );
  });

  test("URLs, e-mail addresses and paths are left alone", () => {
    const segment = fc.tuple(fc.webUrl({ withQueryParameters: true, withFragments: true }), misspelling);
    const address = fc.oneof(
      segment.map(([url, word]) => `${url}/${word}`),
      misspelling.map((word) => `https://${word}.com`),
      fc.tuple(misspelling, fc.domain()).map(([word, domain]) => `${word}@${domain}`),
      fc.tuple(misspelling, misspelling).map(([a, b]) => `/${a}/${b}.ts`),
    );
    fc.assert(
      fc.property(address, (glued) => {
        fc.pre(!glued.includes("`"));
        expect(smartCorrect(`teh ${glued} (${glued}) teh`)).toBe(`the ${glued} (${glued}) the`);
      }),
    );
  });

  test("what stands in a fence is left alone, what stands around it is corrected", () => {
    const body = anyText.filter((text) => !text.includes("~"));
    const fence = fc.constantFrom("~~~", "~~~~~", "  ~~~~");
    fc.assert(
      fc.property(body, fence, (code, mark) => {
        const fenced = `${mark} text\n${code}\n${mark}`;
        expect(smartCorrect(`teh\n${fenced}\nteh`)).toBe(`the\n${fenced}\nthe`);
        expect(smartCorrect(`teh\n${mark}\n${code}`)).toBe(`the\n${mark}\n${code}`);
      }),
    );
  });

  test("inline code is what a search from each backtick to its like finds", () => {
    const naive = (paragraph: string): string => {
      const words = paragraph.split(/(\s)/);
      for (let i = 0; i < words.length; i++) {
        if (words[i] === "teh") words[i] = "the";
        const close = words[i]!.startsWith("`") ? words.indexOf(words[i]!, i + 1) : -1;
        if (close > i) i = close;
      }
      return words.join("");
    };
    const word = fc.constantFrom("teh", "teh", "a", "`", "``", "````");
    const paragraph = fc.array(fc.tuple(word, fc.constantFrom(" ", "\n")), { minLength: 1, maxLength: 16 });
    // Begins with a letter in every line: a run of four would open a fence there.
    const prose = paragraph.map((words) =>
      words.map(([w, gap]) => w + (gap === "\n" ? "\nb " : " ")).join(""),
    );
    fc.assert(
      fc.property(fc.array(prose, { maxLength: 4 }), (paragraphs) => {
        const text = paragraphs.map((p) => `b ${p}`);
        expect(smartCorrect(text.join("\n\n"))).toBe(text.map(naive).join("\n\n"));
      }),
    );
  });
});

describe("hostile input", () => {
  /**
   * Microseconds of processor time, which a busy machine does not stretch: the least of seven runs, or of fewer if
   * they take long. Below 50 the clock's noise would decide.
   */
  const cost = (text: string): number => {
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0, spent = 0; run < 7 && spent < 500_000; run++) {
      const before = process.cpuUsage();
      smartCorrect(text);
      const { user, system } = process.cpuUsage(before);
      best = Math.min(best, user + system);
      spent += user + system;
    }
    return Math.max(50, best);
  };
  const rising = Array.from({ length: 620 }, (_, i) => "`".repeat(i + 1)).join(" ");

  // 64 times the text: 64 times the work if linear, 4096 times if quadratic.
  test.each([
    ["letters", "a"],
    ["backticks", "`"],
    ["backticks, each alone", "` "],
    ["inline code", "`a``b"],
    ["tildes", "~"],
    ["tildes before a backtick", "~", "`"],
    ["backticks before a backtick", "`", " `"],
    ["fences", "```\n"],
    ["unclosed fences of two kinds", "```\n~~~\n"],
    ["addresses", "http://"],
    ["brackets", "(teh"],
    ["opening brackets", "(", "1"],
    ["letters before a digit", "a", "1"],
    ["digits", "1"],
    ["bullets", "- "],
    ["spaces", " "],
    ["newlines", "\n"],
    ["carriage returns", "\r"],
    ["line separators", "\u2028"],
    ["misspellings", "teh "],
    ["misspellings in unclosed inline code", "teh ` `` "],
  ])("the work grows with the length: %s", (_, unit, end = "") => {
    const text = (length: number) => unit.repeat(length / unit.length) + end;
    expect(cost(text(200_000)) / cost(text(3_125))).toBeLessThan(500);
  });

  test("backtick runs of all lengths, none closed, then many that are", () => {
    const text = (pairs: number) => `${rising}${" ` teh `".repeat(pairs)}`;
    const last = smartCorrect(`${text(2)} teh`);
    expect(last.endsWith("the")).toBe(true);
    expect(cost(text(32_000)) / cost(text(0))).toBeLessThan(500);
  });
});

describe("errors", () => {
  test.each([[undefined], [null], [7], [["teh"]], [{}]])("a text that is no string: %j", (text) => {
    expect(() => smartCorrect(text as string)).toThrow(OptionError);
    expect(() => smartCorrect(text as string)).toThrow(/^text: must be a string, not /);
  });

  test.each([
    ["options", null, "options: must be an object, not null"],
    ["options", "teh", 'options: must be an object, not "teh"'],
    ["custom_preserve", { custom_preserve: [] }, "custom_preserve: unknown option; known is preserve"],
    ["preserve", { preserve: "teh" }, 'preserve: must be an array of words, not "teh"'],
    ["preserve", { preserve: null }, "preserve: must be an array of words, not null"],
    ["preserve[1]", { preserve: ["teh", /wich/] }, "preserve[1]: must be a word, not an object"],
  ])("%s: %j", (parameter, options, message) => {
    const call = () => smartCorrect("teh", options as unknown as SmartCorrectOptions);
    expect(call).toThrow(OscillinkError);
    expect(call).toThrow(expect.objectContaining({ name: "OptionError", parameter, message }));
  });

  test("an option given as undefined counts as not given", () => {
    expect(smartCorrect("teh", { preserve: undefined } as unknown as SmartCorrectOptions)).toBe("the");
  });
});

/** What a function returns, computed at the first call; what it was made of is let go then. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  let maker: (() => T) | null = make;
  return () => {
    made ??= { value: maker!() };
    maker = null;
    return made.value;
  };
}

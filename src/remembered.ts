/**
 * A function of a text that keeps its results, for texts that come again and again. Starts over when the texts together have
 * more than `maxLength` characters: whoever makes up new ones does not fill the memory.
 */
export function remembered<Result>(of: (text: string) => Result, maxLength: number): (text: string) => Result {
  const kept = new Map<string, Result>();
  let length = 0;
  return (text) => {
    const known = kept.get(text);
    if (known !== undefined) return known;
    const result = of(text);
    if (text.length > maxLength) return result;
    length += text.length;
    if (length > maxLength) {
      kept.clear();
      length = text.length;
    }
    kept.set(text, result);
    return result;
  };
}

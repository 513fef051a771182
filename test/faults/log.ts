const ERROR = 50; // of pino

/** What a server wrote that it should not have: errors, and what is no line of its log. Beginning after the banner. */
export function troublesIn(output: string): string[] {
  const lines = output.slice(output.indexOf("Ctrl-C\n") + "Ctrl-C\n".length).split("\n");
  return lines.filter((line) => line !== "" && !isHarmless(line));
}

function isHarmless(line: string): boolean {
  try {
    return (JSON.parse(line) as { level: number }).level < ERROR;
  } catch {
    return false;
  }
}

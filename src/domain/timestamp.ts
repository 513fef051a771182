// Timestamps stay text on their way through the server: a Date has milliseconds, timestamptz has microseconds.

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))$/;
const STORED = /^(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(\.\d{1,6})?\+00( BC)?$/;

/**
 * RFC 3339 with any offset, to the same instant in UTC as PostgreSQL reads it. Returns undefined for any other text, for
 * a day that no calendar has, and for a fraction finer than the microsecond that PostgreSQL keeps.
 */
export function parseTimestamp(text: string): string | undefined {
  const match = RFC_3339.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = numbersIn(match);
  if (year < 1 || !isDay(year, month, day) || !isTime(hour, minute, second)) return undefined;
  const fraction = (match[7] ?? "").replace(/0+$/, "");
  if (fraction.length > 6) return undefined;
  const [sign, offsetHour, offsetMinute] = [match[9], Number(match[10] ?? 0), Number(match[11] ?? 0)];
  if (!isTime(offsetHour, offsetMinute, 0)) return undefined;

  const offset = (offsetHour * 60 + offsetMinute) * (sign === "-" ? -1 : 1);
  const utc = new Date(0);
  utc.setUTCFullYear(year, month - 1, day); // not Date.UTC, which takes the year 99 for 1999
  utc.setUTCHours(hour, minute - offset, second);
  if (utc.getUTCFullYear() < 1 || utc.getUTCFullYear() > 9999) return undefined;
  return `${utc.toISOString().slice(0, 19)}${fraction ? `.${fraction}` : ""}Z`;
}

/**
 * PostgreSQL's text of a timestamptz in UTC, to RFC 3339 with all its microseconds. What RFC 3339 cannot say keeps the
 * form that says it: a year past 9999 or before 1 as ISO 8601 writes it (`+057216-01-01T00:00:00Z`), and `infinity`.
 */
export function formatTimestamp(stored: string): string {
  const match = STORED.exec(stored);
  if (!match) return stored; // infinity, -infinity
  const [, year = "", month, day, hour, minute, second, fraction = "", bc] = match;
  let shown = year;
  if (bc) {
    const astronomical = Number(year) - 1; // 1 BC is the year 0
    shown = astronomical === 0 ? "0000" : `-${String(astronomical).padStart(6, "0")}`;
  } else if (year.length > 4) shown = `+${year.padStart(6, "0")}`;
  return `${shown}-${month}-${day}T${hour}:${minute}:${second}${fraction}Z`;
}

/** Whether PostgreSQL, in UTC, could have written this text for a timestamptz: for cursors, which a client may have made up. */
export function isStoredTimestamp(text: string): boolean {
  if (text === "infinity" || text === "-infinity") return true;
  const match = STORED.exec(text);
  if (!match) return false;
  const [year, month, day, hour, minute, second] = numbersIn(match);
  // The first instant that PostgreSQL knows is 4714-11-24 BC, its last year 294276.
  const inRange = match[8] ? year < 4714 || (year === 4714 && month * 100 + day >= 1124) : year <= 294276;
  return year >= 1 && inRange && isDay(match[8] ? 1 - year : year, month, day) && isTime(hour, minute, second);
}

/** Year, month, day, hour, minute and second: the first six groups of both patterns. */
function numbersIn(match: RegExpExecArray): [number, number, number, number, number, number] {
  const [, year, month, day, hour, minute, second] = match.map(Number);
  return [year ?? 0, month ?? 0, day ?? 0, hour ?? 0, minute ?? 0, second ?? 0];
}

function isDay(year: number, month: number, day: number): boolean {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return days !== undefined && day >= 1 && day <= days;
}

function isTime(hour: number, minute: number, second: number): boolean {
  return hour <= 23 && minute <= 59 && second <= 59;
}

import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** Clock ticks a second in /proc: fixed in the kernel's interface to programs. */
const TICKS = 100;

/** Whether this system tells what processes use. Elsewhere all of it is NaN. */
export const usageIsTold = process.platform === "linux";

/** Seconds of CPU that a process has used so far. */
export function cpuOf(pid: number): number {
  const [own] = timesOf(pid);
  return own;
}

/** Seconds of CPU that all of a PostgreSQL's processes have used so far, those that have ended included. */
export function cpuOfDatabase(postmaster: number): number {
  if (!usageIsTold) return Number.NaN;
  const [own, ended] = timesOf(postmaster);
  let sum = own + ended;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statOf(Number(name));
    if (fields && Number(fields[1]) === postmaster) sum += secondsOf(fields, 11);
  }
  return sum;
}

/** The most memory that a process had since `forgetPeak`, in MB (10⁶ bytes). */
export function peakMemoryOf(pid: number): number {
  if (!usageIsTold) return Number.NaN;
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return (Number(kilobytes) * 1024) / 1e6;
  } catch {
    return Number.NaN;
  }
}

/** Begins to measure the peak anew. Where the kernel does not do that, it stays the peak of the process's life. */
export function forgetPeak(pid: number): void {
  if (!usageIsTold) return;
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
  } catch {
    // Some containers forbid it.
  }
}

/** A process's own seconds, and those of its children that have ended. */
function timesOf(pid: number): [own: number, ended: number] {
  const fields = usageIsTold ? statOf(pid) : undefined;
  return fields ? [secondsOf(fields, 11), secondsOf(fields, 13)] : [Number.NaN, Number.NaN];
}

/** User and system time, which stand side by side. */
function secondsOf(fields: readonly string[], at: number): number {
  return (Number(fields[at]) + Number(fields[at + 1])) / TICKS;
}

/** The fields of /proc/PID/stat after the name, which may hold blanks: [0] is the state, [1] the parent. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined; // it has ended
  }
}

/** A session, as far as a transaction needs one. */
interface Sends {
  query(statement: string): Promise<unknown>;
}

/** Commits what `work` does on the session, or takes all of it back and rejects as `work` does. */
export async function inTransaction(session: Sends, work: () => Promise<unknown>): Promise<void> {
  await session.query("BEGIN");
  try {
    await work();
    await session.query("COMMIT");
  } catch (error) {
    await session.query("ROLLBACK").catch(() => {}); // the first error says more than a lost connection
    throw error;
  }
}

export async function loadDemo(_url: string): Promise<boolean> {
  return false;
}

/** Reads one address of the server. Throws when it does not answer with JSON. */
export type GetJson = (path: string) => Promise<unknown>;

export const getJson: GetJson = async (path) => {
  const reply = await fetch(path);
  if (!reply.ok) throw new Error(`${path}: ${reply.status}`);
  return reply.json();
};

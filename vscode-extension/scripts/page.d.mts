export const FOLDER: string;
export function buildPage(): Promise<Record<string, string>>;

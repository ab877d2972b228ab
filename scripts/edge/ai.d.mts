/** An id for what a provider names itself: 16 hexadecimal characters. */
export function generateId(): string;

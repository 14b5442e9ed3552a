/** The form in which names are compared (Unicode's NFC): macOS may write `é` as two characters, others as one. */
export const normalizeName = (name: string): string => name.normalize('NFC');

/** Of x64 Windows; working sets are whole pages. */
export const pageBytes = 4096;

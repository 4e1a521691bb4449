// Placeholder until the live pages are written below.

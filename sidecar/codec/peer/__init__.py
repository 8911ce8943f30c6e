"""What peers send, read in one place each: numbers, ids, times, lines, compressed bodies."""

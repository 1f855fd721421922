"""Who is there: letting clients in, what they say, how long they stay."""
